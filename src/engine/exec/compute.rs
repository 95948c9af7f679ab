//! Units of a kernel that can be cut, computed on any thread: it sees what all see, and writes what is its own.

use std::ops::Range;

use super::super::op::Fold;
use super::super::program::{Kernel, Lanes, Matmul, Operand, Stopped, Work};
use super::{Desk, Frame, convolve, interpolate, loops, map, matmul, reduce};

/// Elements that are folded into side by side before the stop flag is asked again.
const TOGETHER: usize = 1024;

/// Those units of a kernel's work; `targets` are what they write of each of its buffers, and nothing else.
pub(super) fn units(
    kernel: &Kernel,
    frame: &Frame<'_>,
    units: Range<usize>,
    targets: &mut [&mut [f64]],
    desk: &mut Desk,
) -> Result<(), Stopped> {
    let lanes = frame.lanes(kernel.lanes);
    match &kernel.work {
        Work::Map(work) => return map::tiles(work, units, frame, &mut desk.tile, targets),
        Work::Over(work) => return loops::over(frame, work, kernel.lanes, units, desk, targets),
        _ => {}
    }
    let [out] = targets else { return frame.checked() };
    match &kernel.work {
        Work::Reduce { from, inner, stride, fold } => {
            let folded = Folded { from, how: *fold, stride: *stride, within: 0..*inner, lanes: kernel.lanes };
            fold_units(frame, folded, units, out);
        }
        Work::Matmul(work) => product(frame, work, kernel.lanes, units.start, &mut desk.dense, out),
        Work::Interpolate { from, knots, slope } => {
            let from = &frame.contiguous(from)[units.start * lanes..units.end * lanes];
            interpolate::run(knots, *slope, from, out, frame.stop);
        }
        Work::Convolve { left, right, start, chain } => {
            let lengths = (left.layout.elements(), right.layout.elements());
            let (left, right) = (frame.contiguous(left), frame.contiguous(right));
            let factors = convolve::Factors { left, right, lengths, lanes, start: start + units.start, chain: *chain };
            convolve::run(frame.machine.isa, factors, out, frame.stop);
        }
        Work::Map(_)
        | Work::Over(_)
        | Work::Copy { .. }
        | Work::Zero
        | Work::Dense(_)
        | Work::Take { .. }
        | Work::Pack { .. }
        | Work::ScatterAdd { .. }
        | Work::Scan { .. }
        | Work::Sort { .. }
        | Work::Loop(_) => {}
    }
    frame.checked()
}

/// A fold of some of the elements of each result.
#[derive(Clone)]
pub(super) struct Folded<'a> {
    pub(super) from: &'a Operand,
    pub(super) how: Fold,
    pub(super) stride: isize,
    /// Which of them.
    pub(super) within: Range<usize>,
    pub(super) lanes: Lanes,
}

/// Those results.
pub(super) fn fold_units(frame: &Frame<'_>, Folded { from, how, stride, within, lanes }: Folded<'_>, units: Range<usize>, out: &mut [f64]) {
    let (data, lanes) = (frame.data(from), frame.lanes(lanes));
    let step = stride * lanes as isize;
    let begin = within.start as isize * step;
    let mut rest = out;
    for run in from.layout.runs(units.start, units.len()) {
        for first in (0..run.length).step_by(TOGETHER) {
            if frame.checked().is_err() {
                return;
            }
            let between = run.stride * lanes as isize;
            let at = (run.at * lanes) as isize + first as isize * between + begin;
            let (own, after) = rest.split_at_mut(TOGETHER.min(run.length - first) * lanes);
            let folding = reduce::Folding { how, count: within.len(), data, first: at as usize, between, step, lanes };
            reduce::run(frame.machine.isa, folding, own);
            rest = after;
        }
    }
}

/// Lines of a product, from that one on.
pub(super) fn product(frame: &Frame<'_>, work: &Matmul, lanes: Lanes, first: usize, memory: &mut Vec<f64>, out: &mut [f64]) {
    let side = |operand| matmul::Side { data: frame.data(operand), layout: &operand.layout, lanes: frame.lanes(operand.lanes) };
    let Matmul { rows, inner, columns, chain, .. } = *work;
    let sizes = matmul::Sizes { rows, inner, columns, lanes: frame.lanes(lanes), chain };
    matmul::run(frame.machine.isa, sizes, [side(&work.left), side(&work.right)], first, memory, out, frame.stop);
}

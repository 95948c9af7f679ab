//! Running folds along an axis: one step after another in the order of the elements, so that the bits are those of one line alone.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::op::{Scan, calculus};
use super::super::program::Line;

/// What the step makes of the result before it, `None` at the first element.
#[inline(always)]
pub(crate) fn step(scan: Scan, chain: bool, before: Option<f64>, own: f64, added: f64) -> f64 {
    match (scan, before) {
        (Scan::Sum | Scan::Product, None) => own,
        (Scan::Sum, Some(before)) => before + own,
        (Scan::Product, Some(before)) => before * own,
        (Scan::Affine, None) => added,
        (Scan::Affine, Some(before)) if chain => calculus::chain_product(own, before) + added,
        (Scan::Affine, Some(before)) => own * before + added,
    }
}

/// What is folded and how; `lanes` is part of the line's inner size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running<'a> {
    pub(super) scan: Scan,
    pub(super) chain: bool,
    pub(super) reverse: bool,
    pub(super) line: Line,
    /// The elements, or the factors of an affine scan.
    pub(super) own: &'a [f64],
    /// What an affine scan adds; the elements once more for the others.
    pub(super) added: &'a [f64],
}

/// Writes every line of `out`; gives up between lines once `stop` is set.
pub(super) fn run(running: &Running<'_>, out: &mut [f64], stop: &AtomicBool) {
    match running.scan {
        Scan::Sum => lines(running, out, stop, |before, own, _| step(Scan::Sum, false, before, own, 0.0)),
        Scan::Product => lines(running, out, stop, |before, own, _| step(Scan::Product, false, before, own, 0.0)),
        Scan::Affine if running.chain => lines(running, out, stop, |before, own, added| step(Scan::Affine, true, before, own, added)),
        Scan::Affine => lines(running, out, stop, |before, own, added| step(Scan::Affine, false, before, own, added)),
    }
}

/// Lines of single numbers, several side by side: each waits for the step before it, and they do not wait for each other.
#[inline(always)]
fn numbers<const BESIDE: usize>(
    running: &Running<'_>,
    lines: Range<usize>,
    out: &mut [f64],
    stop: &AtomicBool,
    step: impl Fn(Option<f64>, f64, f64) -> f64,
) -> usize {
    let (length, mut first) = (running.line.length, lines.start);
    while first + BESIDE <= lines.end && length > 0 && !stop.load(Ordering::Relaxed) {
        let all = first * length..(first + BESIDE) * length;
        let (own, added, out) = (&running.own[all.clone()], &running.added[all.clone()], &mut out[all]);
        let mut before = [None; BESIDE];
        for k in 0..length {
            let k = if running.reverse { length - 1 - k } else { k };
            for (line, before) in before.iter_mut().enumerate() {
                let at = line * length + k;
                let value = step(*before, own[at], added[at]);
                out[at] = value;
                *before = Some(value);
            }
        }
        first += BESIDE;
    }
    first
}

#[inline(always)]
fn lines(running: &Running<'_>, out: &mut [f64], stop: &AtomicBool, step: impl Fn(Option<f64>, f64, f64) -> f64) {
    let Line { outer, length, inner } = running.line;
    if inner == 1 {
        let done = numbers::<8>(running, 0..outer, out, stop, &step);
        numbers::<1>(running, done..outer, out, stop, &step);
        return;
    }
    for line in 0..outer {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let mut before: Option<usize> = None;
        for k in 0..length {
            let row = (line * length + if running.reverse { length - 1 - k } else { k }) * inner;
            let (own, added) = (&running.own[row..row + inner], &running.added[row..row + inner]);
            match before {
                None => {
                    for ((out, own), added) in out[row..row + inner].iter_mut().zip(own).zip(added) {
                        *out = step(None, *own, *added);
                    }
                }
                Some(before) => {
                    // the row before stands beside this one, on the side that the scan comes from
                    let (before, out) = if before < row {
                        let (done, rest) = out.split_at_mut(row);
                        (&done[before..before + inner], &mut rest[..inner])
                    } else {
                        let (rest, done) = out.split_at_mut(before);
                        (&done[..inner], &mut rest[row..row + inner])
                    };
                    for (((out, before), own), added) in out.iter_mut().zip(before).zip(own).zip(added) {
                        *out = step(Some(*before), *own, *added);
                    }
                }
            }
            before = Some(row);
        }
    }
}

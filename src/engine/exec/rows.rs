//! Reads rows of lanes: an operand that varies with less than its reader is repeated.

use super::super::program::layout::{Layout, Run};
use super::super::program::{Lanes, Operand};
use super::Frame;

/// Writes lanes `first..first + to.len()` of element position `at`, as a reader with `lanes` sees them.
#[inline]
pub(super) fn read(frame: &Frame<'_>, data: &[f64], own: Lanes, lanes: Lanes, at: usize, first: usize, to: &mut [f64]) {
    let (own, lanes) = (own.data(), lanes.data());
    if own == lanes {
        let count = frame.lanes(lanes);
        to.copy_from_slice(&data[at * count + first..at * count + first + to.len()]);
    } else if own == Lanes::NONE {
        to.fill(data[at]);
    } else if own == Lanes::POINTS {
        // seeds are outside points: the row of points once a seed
        let row = &data[at * frame.points..(at + 1) * frame.points];
        let mut point = first % frame.points;
        let mut rest = to;
        while !rest.is_empty() {
            let (part, after) = rest.split_at_mut((frame.points - point).min(rest.len()));
            part.copy_from_slice(&row[point..point + part.len()]);
            (point, rest) = (0, after);
        }
    } else {
        for (i, to) in to.iter_mut().enumerate() {
            *to = data[at * frame.seeds + (first + i) / frame.points];
        }
    }
}

/// Copies an operand's elements, in row-major order, to those positions of a buffer.
pub(super) fn copy(frame: &Frame<'_>, from: &Operand, layout: &Layout, lanes: Lanes, out: &mut [f64]) {
    let data = frame.data(from);
    let count = frame.lanes(lanes);
    if from.lanes.data() == lanes.data() && from.layout.is_contiguous() && layout.is_contiguous() {
        let length = layout.elements() * count;
        let (source, target) = (from.layout.offset * count, layout.offset * count);
        out[target..target + length].copy_from_slice(&data[source..source + length]);
        return;
    }
    if from.lanes.data() == lanes.data() || count == 1 {
        return copy_runs(data, &from.layout, layout, count, out);
    }
    for (source, target) in from.layout.positions().zip(layout.positions()) {
        read(frame, data, from.lanes, lanes, source, 0, &mut out[target * count..(target + 1) * count]);
    }
}

/// Elements of `width` numbers from one layout to another with the same sizes.
fn copy_runs(data: &[f64], from: &Layout, to: &Layout, width: usize, out: &mut [f64]) {
    let (Some((&(size, stride), outer)), Some((&(_, step), outer_to))) = (from.axes.split_last(), to.axes.split_last()) else {
        return Run { at: from.offset, stride: 1, length: 1 }.read(data, width, &mut out[to.offset * width..(to.offset + 1) * width]);
    };
    let sources = Layout { offset: from.offset, axes: outer.to_vec() };
    let targets = Layout { offset: to.offset, axes: outer_to.to_vec() };
    for (source, target) in sources.positions().zip(targets.positions()) {
        if step == 1 {
            Run { at: source, stride, length: size }.read(data, width, &mut out[target * width..(target + size) * width]);
            continue;
        }
        for i in 0..size {
            let along = |start: usize, stride: isize| (start as isize + i as isize * stride) as usize * width;
            let (source, target) = (along(source, stride), along(target, step));
            out[target..target + width].copy_from_slice(&data[source..source + width]);
        }
    }
}

//! Reads rows of lanes: an operand that varies with less than its reader is repeated.

use super::super::program::layout::Layout;
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
    for (source, target) in from.layout.positions().zip(layout.positions()) {
        read(frame, data, from.lanes, lanes, source, 0, &mut out[target * count..(target + 1) * count]);
    }
}

//! Sorting along an axis, and what follows the order that sorts something else.
//!
//! NaN counts as the largest. Equals keep their order, and share alike what follows them: a group's mean stands at each of its places.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicBool, Ordering as Memory};

use super::super::op::Sorting;

/// Runs of so many are sorted before they are merged.
const RUN: usize = 1 << 12;

/// Memory that sorting works in: eight bytes for each element of the longest line.
#[derive(Debug, Default)]
pub(crate) struct Places {
    order: Vec<u32>,
    spare: Vec<u32>,
}

/// Which comes first.
pub(crate) fn compare(a: f64, b: f64, descending: bool) -> Ordering {
    let order = a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()));
    if descending { order.reverse() } else { order }
}

/// A line in memory: every `stride`-th number from `first`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strided<'a> {
    pub(super) data: &'a [f64],
    pub(super) first: usize,
    pub(super) stride: usize,
}

impl Strided<'_> {
    fn at(&self, i: u32) -> f64 {
        self.data[self.first + i as usize * self.stride]
    }
}

impl Places {
    pub(super) fn bytes(&self) -> usize {
        4 * (self.order.capacity() + self.spare.capacity())
    }

    /// The order that sorts the `length` keys; gives up between runs once `stop` is set.
    pub(super) fn sort(&mut self, keys: Strided<'_>, length: usize, descending: bool, stop: &AtomicBool) {
        let Places { order, spare } = self;
        order.clear();
        order.extend(0..length as u32);
        let before = |a: u32, b: u32| compare(keys.at(a), keys.at(b), descending).then(a.cmp(&b));
        for run in order.chunks_mut(RUN) {
            if stop.load(Memory::Relaxed) {
                return;
            }
            run.sort_unstable_by(|&a, &b| before(a, b));
        }
        let mut width = RUN;
        while width < length {
            spare.clear();
            for pair in order.chunks(2 * width) {
                if stop.load(Memory::Relaxed) {
                    return;
                }
                let (left, right) = pair.split_at(width.min(pair.len()));
                let (mut i, mut j) = (0, 0);
                while i < left.len() && j < right.len() {
                    let from_left = before(left[i], right[j]).is_lt();
                    spare.push(if from_left { left[i] } else { right[j] });
                    if from_left { i += 1 } else { j += 1 }
                }
                spare.extend_from_slice(&left[i..]);
                spare.extend_from_slice(&right[j..]);
            }
            std::mem::swap(order, spare);
            width *= 2;
        }
    }

    /// Writes what follows the order found last into the line of `out` that `to` describes but for its data.
    pub(super) fn follow(&self, how: Sorting, keys: Strided<'_>, values: Strided<'_>, to: (usize, usize), out: &mut [f64]) {
        let (first, stride) = to;
        let mut start = 0;
        while start < self.order.len() {
            let own = keys.at(self.order[start]);
            let mut end = start + 1;
            while how != Sorting::Values && end < self.order.len() && compare(own, keys.at(self.order[end]), false).is_eq() {
                end += 1;
            }
            let group = start..end;
            let value = match how {
                Sorting::Values => own,
                Sorting::Take => mean(group.clone().map(|k| values.at(self.order[k]))),
                Sorting::Put => mean(group.clone().map(|k| values.at(k as u32))),
            };
            for k in group {
                let place = if how == Sorting::Put { self.order[k] as usize } else { k };
                out[first + place * stride] = value;
            }
            start = end;
        }
    }
}

/// The mean, summed from the left; of one, that one.
pub(crate) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len();
    let sum = values.reduce(|sum, value| sum + value).unwrap_or(0.0);
    if count > 1 { sum / count as f64 } else { sum }
}

//! Folds over axes, in one fixed tree that the number of elements alone decides.
//!
//! Within a chunk of 128 elements, eight sums take every eighth element; chunks are then joined in pairs, like a binary counter.
//! The tree is the same for one lane and for many, so a batch has the bits of its points.

use super::super::op::{Fold, choice};

const CHUNK: usize = 128;
const WAYS: usize = 8;
/// Lanes that are folded side by side.
const WIDTH: usize = 16;

/// Folds `n` values.
pub(crate) fn fold(how: Fold, n: usize, get: impl Fn(usize) -> f64) -> f64 {
    let mut out = [0.0];
    rows::<1>(how, n, |i, row| row[0] = get(i), &mut out);
    out[0]
}

/// Folds rows of lanes: element `i` of lane `l` is `data[at(i) + l]`.
pub(crate) fn fold_lanes(how: Fold, n: usize, data: &[f64], at: impl Fn(usize) -> usize, out: &mut [f64]) {
    let lanes = out.len();
    let mut first = 0;
    while first + WIDTH <= lanes {
        let read = |i: usize, row: &mut [f64; WIDTH]| {
            let from = at(i) + first;
            row.copy_from_slice(&data[from..from + WIDTH]);
        };
        rows::<WIDTH>(how, n, read, &mut out[first..first + WIDTH]);
        first += WIDTH;
    }
    for lane in first..lanes {
        rows::<1>(how, n, |i, row| row[0] = data[at(i) + lane], &mut out[lane..=lane]);
    }
}

#[inline]
fn rows<const W: usize>(how: Fold, n: usize, read: impl Fn(usize, &mut [f64; W]), out: &mut [f64]) {
    match how {
        Fold::Sum => sum(n, read, out),
        Fold::Max => extreme(n, f64::NEG_INFINITY, choice::larger, read, out),
        Fold::Min => extreme(n, f64::INFINITY, choice::smaller, read, out),
    }
}

#[inline]
fn sum<const W: usize>(n: usize, read: impl Fn(usize, &mut [f64; W]), out: &mut [f64]) {
    if n == 0 {
        out.fill(0.0);
        return;
    }
    if n <= CHUNK {
        out.copy_from_slice(&chunk(0, n, &read));
        return;
    }
    let mut stack: [[f64; W]; 64] = [[0.0; W]; 64];
    let mut depth = 0;
    for (number, start) in (0..n).step_by(CHUNK).enumerate() {
        let mut joined = chunk(start, n.min(start + CHUNK), &read);
        let mut carry = number;
        while carry & 1 == 1 {
            depth -= 1;
            joined = add(stack[depth], joined);
            carry >>= 1;
        }
        stack[depth] = joined;
        depth += 1;
    }
    let mut total = stack[depth - 1];
    for sum in stack[..depth - 1].iter().rev() {
        for (total, sum) in total.iter_mut().zip(sum) {
            *total += sum;
        }
    }
    out.copy_from_slice(&total);
}

/// The sum of a chunk's elements.
#[inline]
fn chunk<const W: usize>(start: usize, end: usize, read: &impl Fn(usize, &mut [f64; W])) -> [f64; W] {
    // −0.0 is the sum of nothing: added to anything it leaves its bits
    let mut sums = [[-0.0; W]; WAYS];
    let mut row = [0.0; W];
    let whole = end - (end - start) % WAYS;
    for i in (start..whole).step_by(WAYS) {
        for (way, sum) in sums.iter_mut().enumerate() {
            read(i + way, &mut row);
            *sum = add(*sum, row);
        }
    }
    for (i, sum) in (whole..end).zip(&mut sums) {
        read(i, &mut row);
        *sum = add(*sum, row);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    add(add(add(a, e), add(c, g)), add(add(b, f), add(d, h)))
}

#[inline]
fn add<const W: usize>(a: [f64; W], b: [f64; W]) -> [f64; W] {
    std::array::from_fn(|lane| a[lane] + b[lane])
}

#[inline]
fn extreme<const W: usize>(n: usize, start: f64, pick: impl Fn(f64, f64) -> f64, read: impl Fn(usize, &mut [f64; W]), out: &mut [f64]) {
    let mut best = [start; W];
    let mut row = [0.0; W];
    for i in 0..n {
        read(i, &mut row);
        for (best, value) in best.iter_mut().zip(row) {
            *best = pick(*best, value);
        }
    }
    out.copy_from_slice(&best);
}

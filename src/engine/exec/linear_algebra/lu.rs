//! Elimination with partial pivoting, and what follows from it: solutions, inverses, determinants.
//!
//! A factored matrix is `n` + 1 rows of `n`: L below the diagonal (its own diagonal is 1), U on and above it, and in the last row the
//! row that each step was exchanged with. A singular matrix factors like any other; whoever divides by its pivots gets what
//! division by 0 gives.

use std::sync::atomic::AtomicBool;

use super::super::super::program::Stopped;
use super::scaled::Scaled;
use super::triangular::{self, Triangle};
use super::{asked, vector};

/// Factors in place: `packed` holds the matrix, and room for one row more.
#[inline(always)]
pub(super) fn factor(packed: &mut [f64], n: usize, stop: &AtomicBool) -> Result<(), Stopped> {
    let (a, exchanges) = packed.split_at_mut(n * n);
    for k in 0..n {
        asked(stop)?;
        let p = pivot(a, n, k);
        exchanges[k] = p as f64;
        if p != k {
            let (upper, lower) = vector::pair(a, n, k, p);
            upper.swap_with_slice(lower);
        }
        let (done, rest) = a.split_at_mut((k + 1) * n);
        let row = &done[k * n..];
        if row[k] == 0.0 {
            continue;
        }
        for below in rest.chunks_exact_mut(n) {
            let factor = below[k] / row[k];
            below[k] = factor;
            vector::add_scaled(&mut below[k + 1..], -factor, &row[k + 1..]);
        }
    }
    Ok(())
}

/// The row from `k` on with the largest entry in column `k`; a NaN before all others, so that it is never lost.
#[inline(always)]
fn pivot(a: &[f64], n: usize, k: usize) -> usize {
    let mut best = k;
    for i in k..n {
        let size = a[i * n + k].abs();
        if size.is_nan() {
            return i;
        }
        if size > a[best * n + k].abs() {
            best = i;
        }
    }
    best
}

/// x ← A⁻¹x or, transposed, A⁻ᵀx, of `n` rows of `columns`. Every column goes its own way, so their number changes no bit.
#[inline(always)]
pub(super) fn substitute(
    packed: &[f64],
    n: usize,
    transposed: bool,
    x: &mut [f64],
    columns: usize,
    stop: &AtomicBool,
) -> Result<(), Stopped> {
    let (a, exchanges) = packed.split_at(n * n);
    let exchange = |k: usize, x: &mut [f64]| {
        let p = exchanges[k] as usize;
        if p != k {
            let (upper, lower) = vector::pair(x, columns, k, p);
            upper.swap_with_slice(lower);
        }
    };
    let (lower, upper) = (Triangle { lower: true, unit: true, transposed }, Triangle { lower: false, unit: false, transposed });
    if transposed {
        triangular::substitute(a, n, upper, x, columns, stop)?;
        triangular::substitute(a, n, lower, x, columns, stop)?;
        (0..n).rev().for_each(|k| exchange(k, x));
    } else {
        (0..n).for_each(|k| exchange(k, x));
        triangular::substitute(a, n, lower, x, columns, stop)?;
        triangular::substitute(a, n, upper, x, columns, stop)?;
    }
    Ok(())
}

/// The determinant of a factored matrix.
#[inline(always)]
pub(super) fn determinant(packed: &[f64], n: usize) -> Scaled {
    let (a, exchanges) = packed.split_at(n * n);
    let odd = exchanges.iter().enumerate().filter(|&(k, &p)| p as usize != k).count() % 2 == 1;
    let sign = std::iter::once(if odd { -1.0 } else { 1.0 });
    Scaled::product(sign.chain((0..n).map(|k| a[k * n + k])))
}

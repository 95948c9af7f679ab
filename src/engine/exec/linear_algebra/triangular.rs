//! Triangular systems, and the Cholesky factor.

use std::sync::atomic::AtomicBool;

use super::super::super::program::Stopped;
use super::{asked, vector};

/// Which triangle of a square matrix is meant, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Triangle {
    /// The one below the diagonal; else the one above.
    pub(super) lower: bool,
    /// The diagonal counts as 1 and is not read.
    pub(super) unit: bool,
    /// Its transpose is solved with.
    pub(super) transposed: bool,
}

/// x ← T⁻¹x of `n` rows of `columns`. Every column goes its own way, so their number changes no bit.
#[inline(always)]
pub(super) fn substitute(a: &[f64], n: usize, triangle: Triangle, x: &mut [f64], columns: usize, stop: &AtomicBool) -> Result<(), Stopped> {
    let Triangle { lower, unit, transposed } = triangle;
    // a lower triangle is solved from the first row on, its transpose from the last
    let forward = lower != transposed;
    for step in 0..n {
        asked(stop)?;
        let i = if forward { step } else { n - 1 - step };
        let row = &a[i * n..(i + 1) * n];
        let others = if lower { 0..i } else { i + 1..n };
        let (before, rest) = x.split_at_mut(i * columns);
        let (own, after) = rest.split_at_mut(columns);
        let mut known = |j: usize, own: &mut [f64]| {
            let other =
                if j < i { &mut before[j * columns..(j + 1) * columns] } else { &mut after[(j - i - 1) * columns..(j - i) * columns] };
            if transposed { vector::add_scaled(other, -row[j], own) } else { vector::add_scaled(own, -row[j], other) }
        };
        if !transposed {
            others.clone().for_each(|j| known(j, own));
        }
        if !unit {
            own.iter_mut().for_each(|x| *x /= row[i]);
        }
        if transposed {
            others.for_each(|j| known(j, own));
        }
    }
    Ok(())
}

/// The lower factor of the symmetric part (A + Aᵀ)/2, in place: 0 above the diagonal, NaN on and below it where the matrix is not
/// positive definite.
#[inline(always)]
pub(super) fn cholesky(a: &mut [f64], n: usize, stop: &AtomicBool) -> Result<(), Stopped> {
    symmetrise(a, n);
    let mut definite = true;
    for i in 0..n {
        asked(stop)?;
        let (above, rest) = a.split_at_mut(i * n);
        let row = &mut rest[..n];
        for j in 0..i {
            let other = &above[j * n..(j + 1) * n];
            row[j] = (row[j] - vector::dot(&row[..j], &other[..j])) / other[j];
        }
        let left = row[i] - vector::dot(&row[..i], &row[..i]);
        definite &= left > 0.0 && left < f64::INFINITY;
        if !definite {
            break;
        }
        row[i] = left.sqrt();
        row[i + 1..].fill(0.0);
    }
    if !definite {
        for (i, row) in a.chunks_exact_mut(n).enumerate() {
            row[..=i].fill(f64::NAN);
            row[i + 1..].fill(0.0);
        }
    }
    Ok(())
}

/// (A + Aᵀ)/2 in place. Equal entries stay what they are.
#[inline(always)]
pub(super) fn symmetrise(a: &mut [f64], n: usize) {
    for i in 0..n {
        for j in 0..i {
            let (x, y) = (a[i * n + j], a[j * n + i]);
            let mean = if x == y { x } else { 0.5f64.mul_add(x, 0.5 * y) };
            (a[i * n + j], a[j * n + i]) = (mean, mean);
        }
    }
}

//! Eigenvalues and singular values by Jacobi's rotations: slower than reduction to a band, and accurate to the last digits of small
//! values beside large ones.
//!
//! Rotations come in one fixed order, sweep after sweep, until a whole sweep finds nothing to do; NaN and ∞ never reach them.

use std::sync::atomic::AtomicBool;

use super::super::super::program::Stopped;
use super::householder::Reflections;
use super::{asked, triangular, vector};

/// Sweeps after which rotations end in any case. Convergence is quadratic: six to ten are usual.
const SWEEPS: usize = 64;
const EPSILON: f64 = f64::EPSILON / 2.0;

/// The sine and s/(1 + c) of the rotation that makes `off` vanish, and its tangent, given half the difference of what it couples.
#[inline(always)]
fn rotation(gap: f64, off: f64) -> (f64, f64, f64) {
    let ratio = gap / (2.0 * off);
    let tangent = if ratio.abs() > 1e150 {
        0.5 / ratio
    } else {
        let root = ratio.mul_add(ratio, 1.0).sqrt();
        if ratio < 0.0 { 1.0 / (ratio - root) } else { 1.0 / (ratio + root) }
    };
    let cosine = 1.0 / tangent.mul_add(tangent, 1.0).sqrt();
    let sine = tangent * cosine;
    (sine, sine / (1.0 + cosine), tangent)
}

/// The eigenvalues of (A + Aᵀ)/2, ascending, and its eigenvectors, one a row of `vectors`; `a` is used up.
#[inline(always)]
pub(super) fn eigen(
    a: &mut [f64],
    n: usize,
    values: &mut [f64],
    vectors: &mut [f64],
    order: &mut [f64],
    stop: &AtomicBool,
) -> Result<(), Stopped> {
    triangular::symmetrise(a, n);
    let top = vector::largest(a);
    if !top.is_finite() {
        values.fill(f64::NAN);
        vectors.fill(f64::NAN);
        return Ok(());
    }
    let down = -vector::exponent(top);
    a.iter_mut().for_each(|x| *x = vector::scaled(*x, down));
    identity(vectors, n);
    for _ in 0..SWEEPS {
        let mut moved = false;
        for p in 0..n {
            asked(stop)?;
            for q in p + 1..n {
                moved |= diagonalise(a, n, vectors, p, q);
            }
        }
        if !moved {
            break;
        }
    }
    let diagonal = |i: usize| a[i * n + i];
    sort(order, |i, j| diagonal(i).total_cmp(&diagonal(j)));
    for (value, &from) in values.iter_mut().zip(&*order) {
        *value = vector::scaled(diagonal(from as usize), -down);
    }
    // the matrix is done with: its memory takes the vectors in their order
    arrange(vectors, n, order, a);
    for row in vectors.chunks_exact_mut(n.max(1)) {
        if vector::points_back(row) {
            row.iter_mut().for_each(|x| *x = -*x);
        }
    }
    Ok(())
}

/// Rotates axes p < q so that their entry vanishes; `false` where it is negligible already.
#[inline(always)]
fn diagonalise(a: &mut [f64], n: usize, vectors: &mut [f64], p: usize, q: usize) -> bool {
    let (app, aqq, apq) = (a[p * n + p], a[q * n + q], a[p * n + q]);
    if apq.abs() <= EPSILON * (app.abs().sqrt() * aqq.abs().sqrt()) || apq.abs() < f64::MIN_POSITIVE {
        return false;
    }
    let (sine, r, tangent) = rotation(aqq - app, apq);
    let (row_p, row_q) = vector::pair(a, n, p, q);
    vector::rotate(row_p, row_q, sine, r);
    (row_p[p], row_p[q]) = ((-tangent).mul_add(apq, app), 0.0);
    (row_q[q], row_q[p]) = (tangent.mul_add(apq, aqq), 0.0);
    for k in 0..n {
        if k != p && k != q {
            a[k * n + p] = a[p * n + k];
            a[k * n + q] = a[q * n + k];
        }
    }
    let (vector_p, vector_q) = vector::pair(vectors, n, p, q);
    vector::rotate(vector_p, vector_q, sine, r);
    true
}

/// What a singular value decomposition writes: A = Σ value·left·rightᵀ, largest first. `left` has rows of the height of A, `right`
/// rows of its width, a row for each of the `values`.
pub(super) struct Singular<'a> {
    pub(super) left: &'a mut [f64],
    pub(super) values: &'a mut [f64],
    pub(super) right: &'a mut [f64],
}

/// How much memory [`singular`] takes beside its results.
pub(super) fn singular_memory(rows: usize, columns: usize) -> usize {
    let (tall, few) = (rows.max(columns), rows.min(columns));
    tall * few + 2 * few * few + 3 * few
}

/// The singular value decomposition of A, row-major.
#[inline(always)]
pub(super) fn singular(
    a: &[f64],
    [rows, columns]: [usize; 2],
    to: Singular<'_>,
    memory: &mut [f64],
    stop: &AtomicBool,
) -> Result<(), Stopped> {
    let (tall, few) = (rows.max(columns), rows.min(columns));
    let Singular { left, values, right } = to;
    let top = vector::largest(a);
    if !top.is_finite() {
        [left, values, right].into_iter().for_each(|part| part.fill(f64::NAN));
        return Ok(());
    }
    if few == 0 {
        return Ok(());
    }
    let (lying, rest) = memory.split_at_mut(tall * few);
    let (w, rest) = rest.split_at_mut(few * few);
    let (spare, rest) = rest.split_at_mut(few * few);
    let (diagonal, rest) = rest.split_at_mut(few);
    let (weights, order) = rest.split_at_mut(few);
    // few columns of a tall matrix, each of them contiguous: of A itself or of its transpose
    if rows >= columns {
        vector::transpose(a, rows, columns, lying)
    } else {
        lying.copy_from_slice(a)
    }
    let down = -vector::exponent(top);
    lying.iter_mut().for_each(|x| *x = vector::scaled(*x, down));
    let mut reflections = Reflections { columns: lying, diagonal, weights, height: tall };
    reflections.triangularise(Some(order), stop)?;
    let (outer, inner) = if rows >= columns { (&mut *left, &mut *right) } else { (&mut *right, &mut *left) };
    for (i, row) in outer.chunks_exact_mut(tall).enumerate() {
        asked(stop)?;
        reflections.direction(i, row);
    }
    // A = Q·R·Pᵀ, and R = J·W with orthogonal rows W: the values are their lengths, the vectors Q·J and P·W
    for i in 0..few {
        for j in 0..few {
            w[i * few + j] = reflections.triangle(i, j);
        }
    }
    for _ in 0..SWEEPS {
        let mut moved = false;
        for p in 0..few {
            asked(stop)?;
            for q in p + 1..few {
                moved |= orthogonalise(w, few, outer, tall, p, q);
            }
        }
        if !moved {
            break;
        }
    }
    for (i, row) in inner.chunks_exact_mut(few).enumerate() {
        for (from, &place) in w[i * few..(i + 1) * few].iter().zip(&*order) {
            row[place as usize] = *from;
        }
    }
    lengths(inner, few, values);
    sort(order, |i, j| values[j].total_cmp(&values[i]));
    arrange(inner, few, order, spare);
    arrange(outer, tall, order, &mut reflections.columns[..few * tall]);
    arrange(values, 1, order, spare);
    for i in 0..few {
        if vector::points_back(&left[i * rows..(i + 1) * rows]) {
            left[i * rows..(i + 1) * rows].iter_mut().chain(&mut right[i * columns..(i + 1) * columns]).for_each(|x| *x = -*x);
        }
    }
    values.iter_mut().for_each(|value| *value = vector::scaled(*value, -down));
    Ok(())
}

/// Squares of lengths below this have lost digits: rows as short as that beside 1 count as 0.
const SHORT: f64 = 1e-140;

/// Rotates rows p < q of `w` until they are orthogonal, and those of `with` alike; `false` where they are already.
#[inline(always)]
fn orthogonalise(w: &mut [f64], n: usize, with: &mut [f64], height: usize, p: usize, q: usize) -> bool {
    let (x, y) = vector::pair(w, n, p, q);
    let (xx, yy, xy) = (vector::dot(x, x), vector::dot(y, y), vector::dot(x, y));
    if xx < SHORT * SHORT || yy < SHORT * SHORT || xy.abs() <= 4.0 * EPSILON * (xx.sqrt() * yy.sqrt()) {
        return false;
    }
    let (sine, r, _) = rotation(yy - xx, xy);
    vector::rotate(x, y, sine, r);
    let (x, y) = vector::pair(with, height, p, q);
    vector::rotate(x, y, sine, r);
    true
}

/// The lengths of rows, which become unit vectors; a row too short for a direction takes one that is orthogonal to all others.
#[inline(always)]
fn lengths(rows: &mut [f64], n: usize, values: &mut [f64]) {
    for (row, value) in rows.chunks_exact_mut(n).zip(&mut *values) {
        *value = vector::norm(row);
        if *value >= SHORT {
            row.iter_mut().for_each(|x| *x /= *value);
        }
    }
    let mut axis = 0;
    for i in 0..values.len() {
        if values[i] >= SHORT {
            continue;
        }
        // an axis that the directions so far do not span: of n axes, at most as many fail as there are directions
        while axis < n {
            rows[i * n..(i + 1) * n].fill(0.0);
            rows[i * n + axis] = 1.0;
            axis += 1;
            for _ in 0..2 {
                for (j, &value) in values.iter().enumerate() {
                    if j < i || (j > i && value >= SHORT) {
                        let (first, second) = vector::pair(rows, n, i.min(j), i.max(j));
                        let (own, other) = if i < j { (first, second) } else { (second, first) };
                        vector::add_scaled(own, -vector::dot(own, other), other);
                    }
                }
            }
            let own = &mut rows[i * n..(i + 1) * n];
            let length = vector::norm(own);
            own.iter_mut().for_each(|x| *x /= length);
            // of unit length again after so little was left that it is rounding alone: the next axis
            if length * length * (n as f64) >= 0.25 {
                break;
            }
        }
    }
}

#[inline(always)]
fn identity(a: &mut [f64], n: usize) {
    a.fill(0.0);
    (0..n).for_each(|i| a[i * n + i] = 1.0);
}

/// The positions 0, 1, ... in the order that `before` says, equal ones as they were.
#[inline(always)]
fn sort(order: &mut [f64], before: impl Fn(usize, usize) -> std::cmp::Ordering) {
    order.iter_mut().enumerate().for_each(|(i, place)| *place = i as f64);
    order.sort_unstable_by(|&i, &j| before(i as usize, j as usize).then(i.total_cmp(&j)));
}

/// Rows in another order.
#[inline(always)]
fn arrange(rows: &mut [f64], width: usize, order: &[f64], memory: &mut [f64]) {
    let memory = &mut memory[..rows.len()];
    memory.copy_from_slice(rows);
    for (row, &from) in rows.chunks_exact_mut(width.max(1)).zip(order) {
        row.copy_from_slice(&memory[from as usize * width..][..width]);
    }
}

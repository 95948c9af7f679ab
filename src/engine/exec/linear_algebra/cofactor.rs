//! Cofactors: the gradient of the determinant, and its derivatives along matrices, at singular matrices too.
//!
//! Never by way of the inverse. The cofactors of A themselves come from elimination with complete pivoting, whose last pivot is the only
//! one that is not divided by; their derivative along E from the singular values, of which all but two are multiplied; what lies
//! beyond from the coefficients of the characteristic polynomial (Faddeev and LeVerrier), which divide by integers alone.

use std::sync::atomic::AtomicBool;

use super::super::super::program::Stopped;
use super::jacobi::{self, Singular};
use super::scaled::Scaled;
use super::triangular::{self, Triangle};
use super::{asked, lu, vector};

/// How much memory the cofactors of an n × n matrix, or their derivative along `directions` matrices, take.
pub(super) fn memory(n: usize, directions: usize) -> usize {
    match directions {
        0 => n * n + 2 * n,
        1 => 3 * n * n + n + n * (n + 1) + jacobi::singular_memory(n, n).max(n * n + 4 * n),
        _ if directions >= n => 0,
        // a matrix for each subset of the directions, twice over
        _ => (2 << directions) * n * n,
    }
}

/// The cofactors of A, n × n: entry (i, j) is ∂det A/∂aᵢⱼ.
#[inline(always)]
pub(super) fn cofactors(a: &mut [f64], n: usize, to: &mut [f64], memory: &mut [f64], stop: &AtomicBool) -> Result<(), Stopped> {
    match n {
        0 => {}
        1 => to[0] = 1.0,
        2 => to.copy_from_slice(&[a[3], -a[2], -a[1], a[0]]),
        3 => minors(to, |[p, q, r, s]| difference(a[p], a[s], a[q], a[r])),
        _ => return by_elimination(a, n, to, memory, stop),
    }
    Ok(())
}

/// The signed 2 × 2 minors of a 3 × 3 matrix, given p·s − q·r of the entries at four positions.
#[inline(always)]
fn minors(to: &mut [f64], minor: impl Fn([usize; 4]) -> f64) {
    for i in 0..3 {
        for j in 0..3 {
            // taken cyclically, rows and columns bring their sign along
            let (i1, i2, j1, j2) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
            to[3 * i + j] = minor([3 * i1 + j1, 3 * i1 + j2, 3 * i2 + j1, 3 * i2 + j2]);
        }
    }
}

/// a·b − c·d to one and a half units in the last place (Kahan).
#[inline(always)]
fn difference(a: f64, b: f64, c: f64, d: f64) -> f64 {
    let product = c * d;
    let error = (-c).mul_add(d, product);
    let whole = a.mul_add(b, -product) + error;
    // where a product overflows, its error is no number
    if whole.is_nan() { a * b - product } else { whole }
}

/// PAQ = LU with the largest entry that is left as each pivot: adj A = ±Q·adj(U)·L⁻¹·P, and with U = (V c; 0 u) adj(U) is
/// det V·(u·V⁻¹ −V⁻¹c; 0 1).
#[inline(always)]
fn by_elimination(a: &mut [f64], n: usize, to: &mut [f64], memory: &mut [f64], stop: &AtomicBool) -> Result<(), Stopped> {
    if !vector::largest(a).is_finite() {
        to.fill(f64::NAN);
        return Ok(());
    }
    let (x, rest) = memory.split_at_mut(n * n);
    let (rows, rest) = rest.split_at_mut(n);
    let columns = &mut rest[..n];
    for (k, (row, column)) in rows.iter_mut().zip(&mut *columns).enumerate() {
        (*row, *column) = (k as f64, k as f64);
    }
    let mut leading = Scaled::ONE;
    for k in 0..n - 1 {
        asked(stop)?;
        let (mut size, mut p, mut q) = (0.0, k, k);
        for i in k..n {
            for j in k..n {
                if a[i * n + j].abs() > size {
                    (size, p, q) = (a[i * n + j].abs(), i, j);
                }
            }
        }
        if size == 0.0 {
            // of rank n − 2 at most: every minor is 0
            to.fill(0.0);
            return Ok(());
        }
        if p != k {
            let (first, second) = vector::pair(a, n, k, p);
            first.swap_with_slice(second);
            rows.swap(k, p);
            leading = leading.times(Scaled::of(-1.0));
        }
        if q != k {
            (0..n).for_each(|i| a.swap(i * n + k, i * n + q));
            columns.swap(k, q);
            leading = leading.times(Scaled::of(-1.0));
        }
        let (done, rest) = a.split_at_mut((k + 1) * n);
        let row = &done[k * n..];
        leading = leading.times(Scaled::of(row[k]));
        for below in rest.chunks_exact_mut(n) {
            let factor = below[k] / row[k];
            below[k] = factor;
            vector::add_scaled(&mut below[k + 1..], -factor, &row[k + 1..]);
        }
    }
    x.fill(0.0);
    (0..n).for_each(|i| x[i * n + i] = 1.0);
    triangular::substitute(a, n, Triangle { lower: true, unit: true, transposed: false }, x, n, stop)?;
    let last = a[n * n - 1];
    let (upper, bottom) = x.split_at_mut((n - 1) * n);
    for (i, row) in upper.chunks_exact_mut(n).enumerate() {
        let c = a[i * n + n - 1];
        for (x, y) in row.iter_mut().zip(&*bottom) {
            *x = last.mul_add(*x, -(c * y));
        }
    }
    // V alone: the rows of U without their last entry
    for i in (0..n - 1).rev() {
        asked(stop)?;
        let (before, after) = upper.split_at_mut((i + 1) * n);
        let own = &mut before[i * n..];
        for j in i + 1..n - 1 {
            vector::add_scaled(own, -a[i * n + j], &after[(j - i - 1) * n..(j - i) * n]);
        }
        own.iter_mut().for_each(|x| *x /= a[i * n + i]);
    }
    for (i, row) in x.chunks_exact(n).enumerate() {
        for (j, &value) in row.iter().enumerate() {
            to[rows[j] as usize * n + columns[i] as usize] = leading.times(Scaled::of(value)).value(0);
        }
    }
    Ok(())
}

/// The derivative of the cofactors of A along E, for n up to 3: bilinear in what is small enough to be written out.
#[inline(always)]
pub(super) fn small_derivative(a: &[f64], e: &[f64], n: usize, to: &mut [f64]) {
    match n {
        2 => to.copy_from_slice(&[e[3], -e[2], -e[1], e[0]]),
        3 => minors(to, |[p, q, r, s]| difference(a[p], e[s], a[q], e[r]) + difference(e[p], a[s], e[q], a[r])),
        _ => to.fill(0.0),
    }
}

/// What [`derivative`] needs of A: its singular vectors, and how all but two of its values multiply.
pub(super) struct Prepared<'a> {
    left: &'a mut [f64],
    right: &'a mut [f64],
    /// Πₖ sₖ without i and j, times 2^−exponent.
    products: &'a mut [f64],
    exponent: i64,
    spare: &'a mut [f64],
}

/// Decomposes A for [`derivative`].
#[inline(always)]
pub(super) fn prepare<'a>(a: &[f64], n: usize, memory: &'a mut [f64], stop: &AtomicBool) -> Result<Prepared<'a>, Stopped> {
    let (left, rest) = memory.split_at_mut(n * n);
    let (right, rest) = rest.split_at_mut(n * n);
    let (products, rest) = rest.split_at_mut(n * n);
    let (values, rest) = rest.split_at_mut(n);
    let (packed, spare) = rest.split_at_mut(n * (n + 1));
    jacobi::singular(a, [n, n], Singular { left, values, right }, spare, stop)?;
    let mut sign = 1.0;
    for vectors in [&*left, &*right] {
        packed[..n * n].copy_from_slice(vectors);
        lu::factor(packed, n, stop)?;
        sign *= lu::determinant(packed, n).value(0).signum();
    }
    // mantissas first, exponents in the spare memory, until the largest is known
    let (exponents, rest) = spare.split_at_mut(n * n);
    let (before, after) = rest.split_at_mut(2 * n);
    let mut exponent = i64::MIN;
    for i in 0..n {
        asked(stop)?;
        let factor = |k: usize| if k == i { Scaled::ONE } else { Scaled::of(values[k]) };
        let (mut up, mut down) = (Scaled::of(sign), Scaled::ONE);
        for k in 0..n {
            (before[2 * k], before[2 * k + 1]) = (up.mantissa(), up.exponent() as f64);
            up = up.times(factor(k));
        }
        for k in (0..n).rev() {
            (after[2 * k], after[2 * k + 1]) = (down.mantissa(), down.exponent() as f64);
            down = down.times(factor(k));
        }
        for j in (0..n).filter(|&j| j != i) {
            let product = Scaled::of(before[2 * j] * after[2 * j]);
            let power = product.exponent() + (before[2 * j + 1] + after[2 * j + 1]) as i64;
            (products[i * n + j], exponents[i * n + j]) = (product.mantissa(), power as f64);
            if product.mantissa() != 0.0 {
                exponent = exponent.max(power);
            }
        }
        products[i * n + i] = 0.0;
    }
    let exponent = if exponent == i64::MIN { 0 } else { exponent };
    for (product, power) in products.iter_mut().zip(&*exponents) {
        if *product != 0.0 {
            *product = vector::scaled(*product, (*power as i64 - exponent).clamp(-5000, 0) as i32);
        }
    }
    Ok(Prepared { left, right, products, exponent, spare })
}

/// The derivative of the cofactors of the prepared matrix along E, which is used up: with Ẽ = Uᵀ·E·V it is U·X·Vᵀ of
/// Xᵢᵢ = Σ products·Ẽⱼⱼ and Xᵢⱼ = −products·Ẽⱼᵢ.
#[inline(always)]
pub(super) fn derivative(prepared: &mut Prepared<'_>, e: &mut [f64], n: usize, to: &mut [f64], stop: &AtomicBool) -> Result<(), Stopped> {
    let Prepared { left, right, products, exponent, spare } = prepared;
    let turned = &mut spare[..n * n];
    let down = -vector::exponent(vector::largest(e));
    e.iter_mut().for_each(|x| *x = vector::scaled(*x, down));
    // rows of `left` and `right` are the vectors: Ẽ = left·E·rightᵀ
    turned.fill(0.0);
    asked(stop)?;
    vector::add_product(turned, left, e, [n; 3]);
    for i in 0..n {
        asked(stop)?;
        for j in 0..n {
            e[i * n + j] = vector::dot(&turned[i * n..(i + 1) * n], &right[j * n..(j + 1) * n]);
        }
    }
    for i in 0..n {
        for j in 0..n {
            turned[i * n + j] = if i == j {
                (0..n).fold(0.0f64, |sum, k| products[i * n + k].mul_add(e[k * n + k], sum))
            } else {
                -(products[i * n + j] * e[j * n + i])
            };
        }
    }
    // leftᵀ·X·right
    e.fill(0.0);
    asked(stop)?;
    vector::add_product(e, turned, right, [n; 3]);
    to.fill(0.0);
    for i in 0..n {
        asked(stop)?;
        for k in 0..n {
            vector::add_scaled(&mut to[i * n..(i + 1) * n], left[k * n + i], &e[k * n..(k + 1) * n]);
        }
    }
    let power = (*exponent - i64::from(down)).clamp(-5000, 5000) as i32;
    to.iter_mut().for_each(|x| *x = vector::scaled(*x, power));
    Ok(())
}

/// The derivative of the cofactors of A along all of `directions`, each n × n and one after another: the coefficient of t₁·t₂⋯ of the
/// cofactors of A + Σ tᵢ·Eᵢ, where every tᵢ² = 0.
///
/// Adj A = (−1)^(n−1)·Mₙ with M₁ = 1, c = −tr(A·Mₖ)/k, Mₖ₊₁ = A·Mₖ + c·1, each of these numbers now having a part for each
/// subset of the directions.
#[inline(always)]
pub(super) fn mixed(
    a: &mut [f64],
    directions: &mut [f64],
    n: usize,
    to: &mut [f64],
    memory: &mut [f64],
    stop: &AtomicBool,
) -> Result<(), Stopped> {
    let square = n * n;
    let count = directions.len() / square.max(1);
    if count >= n {
        // a polynomial of degree n − 1 has no more derivatives
        to.fill(0.0);
        return Ok(());
    }
    let subsets = 1usize << count;
    let (m, next) = memory[..2 * subsets * square].split_at_mut(subsets * square);
    let mut power = 0i64;
    for (i, part) in std::iter::once(&mut *a).chain(directions.chunks_exact_mut(square)).enumerate() {
        let up = vector::exponent(vector::largest(part));
        part.iter_mut().for_each(|x| *x = vector::scaled(*x, -up));
        power += i64::from(up) * if i == 0 { (n - 1 - count) as i64 } else { 1 };
    }
    m.fill(0.0);
    (0..n).for_each(|i| m[i * n + i] = 1.0);
    for k in 1..n {
        next.fill(0.0);
        for subset in 0..subsets {
            let to = &mut next[subset * square..(subset + 1) * square];
            for i in 0..n {
                asked(stop)?;
                let rows = i * n..(i + 1) * n;
                vector::add_product(&mut to[rows.clone()], &a[rows.clone()], &m[subset * square..(subset + 1) * square], [1, n, n]);
                for (d, e) in directions.chunks_exact(square).enumerate().filter(|(d, _)| subset & (1 << d) != 0) {
                    let rest = subset & !(1 << d);
                    vector::add_product(&mut to[rows.clone()], &e[rows.clone()], &m[rest * square..(rest + 1) * square], [1, n, n]);
                }
            }
            let trace = (0..n).fold(0.0, |sum, i| sum + to[i * n + i]);
            (0..n).for_each(|i| to[i * n + i] -= trace / k as f64);
        }
        m.copy_from_slice(next);
    }
    let sign = if n.is_multiple_of(2) { -1.0 } else { 1.0 };
    let last = &m[(subsets - 1) * square..];
    for i in 0..n {
        for j in 0..n {
            to[i * n + j] = vector::scaled(sign * last[j * n + i], power.clamp(-5000, 5000) as i32);
        }
    }
    Ok(())
}

//! The exponential of a matrix and its derivatives along matrices, by scaling and squaring.
//!
//! The degree of the Padé approximant and the number of squarings follow Al-Mohy and Higham, "A new scaling and squaring algorithm for
//! the matrix exponential" (2009): by the norms of powers rather than powers of the norm, so that a matrix far from normal is not
//! scaled too much. Derivatives are what the same steps do to A + Σ εᵢ·Eᵢ with εᵢ² = 0 (Al-Mohy and Higham, "Computing the Fréchet
//! derivative of the matrix exponential", 2009, whose tighter bounds on the degree serve both).

use std::sync::atomic::AtomicBool;

use super::super::super::program::Stopped;
use super::{asked, lu, vector};
use crate::engine::vmath;

/// Largest norms at which the approximants of degrees 3, 5, 7, 9 and 13 and their derivatives are exact to rounding.
const BOUNDS: [(usize, f64); 5] = [(3, 1.08e-2), (5, 2.00e-1), (7, 7.83e-1), (9, 1.78), (13, 4.74)];

/// Numerator coefficients of the approximants; the denominator's have alternating signs.
const PADE_3: &[f64] = &[120.0, 60.0, 12.0, 1.0];
const PADE_5: &[f64] = &[30240.0, 15120.0, 3360.0, 420.0, 30.0, 1.0];
const PADE_7: &[f64] = &[17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0];
const PADE_9: &[f64] = &[17643225600.0, 8821612800.0, 2075673600.0, 302702400.0, 30270240.0, 2162160.0, 110880.0, 3960.0, 90.0, 1.0];
#[rustfmt::skip]
const PADE_13: &[f64] = &[64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0];

/// The matrices beside A that are held at a time: powers 2, 4, 6, 8 and 10, the two halves of the approximant, one for sums.
const HELD: usize = 8;

/// How much memory [`exponential`] takes beside its result.
pub(super) fn memory(n: usize, directions: usize) -> usize {
    HELD * ((n * n) << directions) + n * (n + 1) + 2 * n
}

/// Steps on matrices over numbers that have a part for each subset of the directions: A itself for none, and products of parts of
/// disjoint subsets for their union, because every direction's own square is 0. Part after part in memory.
#[derive(Clone, Copy)]
struct Steps<'a> {
    n: usize,
    subsets: usize,
    stop: &'a AtomicBool,
}

impl Steps<'_> {
    /// to ← a·b
    #[inline(always)]
    fn product(self, to: &mut [f64], a: &[f64], b: &[f64]) -> Result<(), Stopped> {
        to.fill(0.0);
        for subset in 0..self.subsets {
            for part in (0..=subset).filter(|part| part & !subset == 0) {
                self.add_part(to, subset, 1.0, (a, part), b)?;
            }
        }
        Ok(())
    }

    /// Part `subset` of `to` += c·a·b, of a's part given and b's of the rest.
    #[inline(always)]
    fn add_part(self, to: &mut [f64], subset: usize, c: f64, (a, part): (&[f64], usize), b: &[f64]) -> Result<(), Stopped> {
        let (n, square) = (self.n, self.n * self.n);
        let b = &b[(subset & !part) * square..][..square];
        for (to, a) in to[subset * square..][..square].chunks_exact_mut(n).zip(a[part * square..][..square].chunks_exact(n)) {
            asked(self.stop)?;
            for (a, b) in a.iter().zip(b.chunks_exact(n)) {
                vector::add_scaled(to, c * a, b);
            }
        }
        Ok(())
    }

    /// to ← Σ cᵢ·xᵢ + c·1
    #[inline(always)]
    fn sum(self, to: &mut [f64], terms: &[(f64, &[f64])], unit: f64) {
        to.fill(0.0);
        terms.iter().for_each(|&(c, x)| vector::add_scaled(to, c, x));
        (0..self.n).for_each(|i| to[i * self.n + i] += unit);
    }

    /// The largest sum of magnitudes of a column.
    #[inline(always)]
    fn norm(self, a: &[f64]) -> f64 {
        let sum = |j: usize| (0..self.n).map(|i| a[i * self.n + j].abs()).sum::<f64>();
        (0..self.n).map(sum).fold(0.0, |most, sum| if sum > most || sum.is_nan() { sum } else { most })
    }

    /// How many halvings more the approximant of degree m needs so that its error is that of rounding: ⌈log₂(α/u)/2m⌉, where α is the
    /// first term of its error relative to A.
    #[inline(always)]
    fn shortfall(self, a: &[f64], m: usize, scale: i32, norm: f64, [sums, next]: [&mut [f64]; 2]) -> i32 {
        // ‖|A|^(2m+1)‖ from the right, by vectors
        sums.fill(1.0);
        for _ in 0..2 * m + 1 {
            next.fill(0.0);
            for (row, &sum) in a[..self.n * self.n].chunks_exact(self.n).zip(&*sums) {
                for (next, x) in next.iter_mut().zip(row) {
                    *next = vector::scaled(x.abs(), scale).mul_add(sum, *next);
                }
            }
            sums.copy_from_slice(next);
        }
        let term = match m {
            3 => 1.0 / 100_800.0,
            5 => 1.0 / 10_059_033_600.0,
            7 => 1.0 / 4_487_938_430_976_000.0,
            9 => 1.0 / 5_914_384_781_877_411_840_000.0,
            _ => 1.0 / 113_250_775_606_021_113_483_283_660_800_000_000.0,
        };
        let error = vector::largest(sums) * term / norm / (f64::EPSILON / 2.0);
        if error > 1.0 { vector::exponent(error).max(1).unsigned_abs().div_ceil(2 * m as u32) as i32 } else { 0 }
    }
}

/// The derivative of exp at A along E₁, E₂, ...: `a` is A and then a part for each other subset, of which those of one direction are
/// given, one after another; `to` is as long. The last part of `to` receives the derivative along all. Along nothing it is 0, whatever A.
#[inline(always)]
pub(super) fn derivative(
    a: &mut [f64],
    n: usize,
    directions: usize,
    to: &mut [f64],
    memory: &mut [f64],
    stop: &AtomicBool,
) -> Result<(), Stopped> {
    let square = n * n;
    let last = to.len() - square;
    let mut power = 0i64;
    // linear in every direction, whose size has no say in the scaling
    for direction in a[square..].chunks_exact_mut(square).take(directions) {
        let top = vector::largest(direction);
        if top == 0.0 || !top.is_finite() {
            to[last..].fill(if top == 0.0 { 0.0 } else { f64::NAN });
            return Ok(());
        }
        let up = vector::exponent(top);
        direction.iter_mut().for_each(|x| *x = vector::scaled(*x, -up));
        power += i64::from(up);
    }
    // direction i is the subset 2^i
    for subset in (1..1usize << directions).rev() {
        let from = if subset.is_power_of_two() { subset.trailing_zeros() as usize + 1 } else { 0 };
        match from {
            0 => a[subset * square..][..square].fill(0.0),
            from => a.copy_within(from * square..(from + 1) * square, subset * square),
        }
    }
    exponential(a, n, directions, to, memory, stop)?;
    to[last..].iter_mut().for_each(|x| *x = vector::scaled(*x, power.clamp(-5000, 5000) as i32));
    Ok(())
}

/// exp(A) into `to`, n × n, and behind it the parts of all other subsets of the directions, as `a` has them.
#[inline(always)]
pub(super) fn exponential(
    a: &mut [f64],
    n: usize,
    directions: usize,
    to: &mut [f64],
    memory: &mut [f64],
    stop: &AtomicBool,
) -> Result<(), Stopped> {
    let steps = Steps { n, subsets: 1 << directions, stop };
    let norm = steps.norm(a);
    if !norm.is_finite() {
        to.fill(f64::NAN);
        return Ok(());
    }
    if n == 0 {
        return Ok(());
    }
    let whole = a.len();
    let (held, rest) = memory.split_at_mut(HELD * whole);
    let (packed, rest) = rest.split_at_mut(n * (n + 1));
    let (sums, next) = rest.split_at_mut(n);
    let mut pieces = held.chunks_exact_mut(whole);
    let mut piece = || pieces.next().unwrap_or_default();
    let [a2, a4, a6, a8, a10, odd, even, w] = std::array::from_fn(|_| piece());
    let mut squarings = 0;
    let mut degree = 13;
    if norm > 1e20 {
        // powers would overflow; so would any exponential worth the digits
        squarings = vector::exponent(norm / BOUNDS[4].1).max(0);
    } else {
        steps.product(a2, a, a)?;
        steps.product(a4, a2, a2)?;
        steps.product(a6, a4, a2)?;
        let fourth = steps.norm(a4).sqrt().sqrt();
        let sixth = vmath::cbrt(steps.norm(a6).sqrt());
        let first = fourth.max(sixth);
        let fits = |m: usize, size: f64, sums: &mut [f64], next: &mut [f64]| {
            BOUNDS.iter().any(|&(degree, bound)| degree == m && size <= bound) && steps.shortfall(a, m, 0, norm, [sums, next]) == 0
        };
        degree = if fits(3, first, sums, next) {
            3
        } else if fits(5, first, sums, next) {
            5
        } else {
            steps.product(a8, a4, a4)?;
            let eighth = steps.norm(a8).sqrt().sqrt().sqrt();
            let second = sixth.max(eighth);
            if fits(7, second, sums, next) {
                7
            } else if fits(9, second, sums, next) {
                9
            } else {
                steps.product(a10, a4, a6)?;
                let tenth = vmath::pow(steps.norm(a10), 0.1);
                let size = second.min(eighth.max(tenth)) / BOUNDS[4].1;
                squarings = if size > 1.0 { vector::exponent(size).max(0) } else { 0 };
                squarings += steps.shortfall(a, 13, -squarings, vector::scaled(norm, -squarings), [sums, next]);
                13
            }
        };
    }
    if squarings > 0 {
        a.iter_mut().for_each(|x| *x = vector::scaled(*x, -squarings));
        steps.product(a2, a, a)?;
        steps.product(a4, a2, a2)?;
        steps.product(a6, a4, a2)?;
    }
    let b = match degree {
        3 => PADE_3,
        5 => PADE_5,
        7 => PADE_7,
        9 => PADE_9,
        _ => PADE_13,
    };
    if degree == 13 {
        steps.sum(w, &[(b[13], a6), (b[11], a4), (b[9], a2)], 0.0);
        steps.product(odd, a6, w)?;
        steps.sum(w, &[(1.0, odd), (b[7], a6), (b[5], a4), (b[3], a2)], b[1]);
        steps.product(odd, a, w)?;
        steps.sum(w, &[(b[12], a6), (b[10], a4), (b[8], a2)], 0.0);
        steps.product(even, a6, w)?;
        steps.sum(w, &[(1.0, even), (b[6], a6), (b[4], a4), (b[2], a2)], b[0]);
        even.copy_from_slice(w);
    } else {
        let powers: [&[f64]; 4] = [a2, a4, a6, a8];
        let half = degree / 2;
        let terms = |first: usize| -> [(f64, &[f64]); 4] {
            std::array::from_fn(|i| (if i < half { b[first + 2 * i + 2] } else { 0.0 }, powers[i]))
        };
        steps.sum(w, &terms(1)[..half], b[1]);
        steps.product(odd, a, w)?;
        steps.sum(even, &terms(0)[..half], b[0]);
    }
    // (V − U)·R = V + U, subset by subset
    let square = n * n;
    steps.sum(w, &[(1.0, even), (-1.0, odd)], 0.0);
    steps.sum(to, &[(1.0, even), (1.0, odd)], 0.0);
    packed[..square].copy_from_slice(&w[..square]);
    lu::factor(packed, n, stop)?;
    for subset in 0..steps.subsets {
        let (known, own) = to.split_at_mut(subset * square);
        let own = &mut own[..square];
        for part in (1..=subset).filter(|part| part & !subset == 0) {
            steps.add_part(own, 0, -1.0, (&w[part * square..], 0), &known[(subset & !part) * square..])?;
        }
        lu::substitute(packed, n, false, own, n, stop)?;
    }
    for _ in 0..squarings {
        steps.product(w, to, to)?;
        // what is its own square stays so: zero, or a projection
        if w.iter().zip(&*to).all(|(a, b)| a.to_bits() == b.to_bits()) {
            break;
        }
        to.copy_from_slice(w);
    }
    Ok(())
}

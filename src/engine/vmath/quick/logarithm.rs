//! log x as e ln 2 + log m with √½ ≤ m < √2, and what is made of it.
//!
//! log m by s = (m − 1)/(m + 1), whose series has every other term only, arranged as in FreeBSD's msun: the square of m − 1 is
//! taken out of it, so that its rounding never shows.

use super::super::dd::{Dd, two_sum};
use super::super::kernels::{LN2_HI, LN2_LO};
use super::{or_zero, polynomial, within};

/// (2 atanh s − 2s)/s³ in s² for |s| ≤ 0.1717.
const TAIL: [f64; 7] = [
    0.666666666666667,
    0.3999999999989809,
    0.285714286265879,
    0.22222211038533127,
    0.18182895921842748,
    0.1533150160577008,
    0.1461910766304002,
];

/// √½ as bits, the lower end of m.
const LOWEST: u64 = 0x3fe6_a09e_667f_3bcd;
/// 2^52, whose last bit is 1: an integer below it, as bits, is added to it by or.
const INTEGER: f64 = 4503599627370496.0;

/// x = 2^e · m for a normal x > 0: (e, m).
#[inline(always)]
pub(super) fn split(x: f64) -> (f64, f64) {
    let bits = x.to_bits().wrapping_add(1.0_f64.to_bits() - LOWEST);
    let e = f64::from_bits((bits >> 52) | INTEGER.to_bits()) - (INTEGER + 1023.0);
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff).wrapping_add(LOWEST));
    (e, m)
}

#[inline(always)]
pub(super) fn positive_normal(x: f64) -> bool {
    x >= f64::MIN_POSITIVE && x <= f64::MAX
}

/// log(1 + f) = f − (half square − rest): (half square, rest).
#[inline(always)]
fn parts(f: f64) -> (f64, f64) {
    let s = f / (2.0 + f);
    let z = s * s;
    let half_square = 0.5 * f * f;
    (half_square, s * z.mul_add(polynomial(z, TAIL), half_square))
}

/// e ln 2 + log(1 + f) for √½ ≤ 1 + f < √2.
#[inline(always)]
pub(super) fn log_sum(e: f64, f: f64) -> f64 {
    let (half_square, rest) = parts(f);
    e.mul_add(LN2_HI, f - (half_square - e.mul_add(LN2_LO, rest)))
}

/// The same for a pair.
#[inline(always)]
pub(super) fn log_sum_pair(e: f64, f: Dd) -> f64 {
    let (half_square, rest) = parts(f.hi);
    let rest = rest + f.hi.mul_add(-f.lo, f.lo);
    e.mul_add(LN2_HI, f.hi - (half_square - e.mul_add(LN2_LO, rest)))
}

/// log(1 + u) for −1 < u < 2^60.
#[inline(always)]
pub(super) fn log1p_pair(u: Dd) -> f64 {
    let sum = two_sum(1.0, u.hi);
    let (e, m) = split(sum.hi);
    // what the sum lost, in the scale of m: 2^-e
    let scale = f64::from_bits(m.to_bits().wrapping_sub(sum.hi.to_bits()).wrapping_add(1.0_f64.to_bits()));
    log_sum_pair(e, two_sum(m - 1.0, (sum.lo + u.lo) * scale))
}

/// ln x.
#[inline(always)]
pub fn log(x: f64) -> f64 {
    let (e, m) = split(x);
    within(positive_normal(x), log_sum(e, m - 1.0))
}

/// log₂ x.
#[inline(always)]
pub fn log2(x: f64) -> f64 {
    let (e, m) = split(x);
    let l = log_fraction(m - 1.0);
    let product = l.mul(super::super::kernels::INV_LN2);
    let s = two_sum(e, product.hi);
    within(positive_normal(x), s.hi + (s.lo + product.lo))
}

/// log₁₀ x.
#[inline(always)]
pub fn log10(x: f64) -> f64 {
    let (e, m) = split(x);
    let l = log_fraction(m - 1.0);
    let product = l.mul(super::super::kernels::INV_LN10);
    let s = two_sum(e * LOG10_2_HI, product.hi);
    within(positive_normal(x), s.hi + (s.lo + e.mul_add(LOG10_2_LO, product.lo)))
}

/// log₁₀ 2 in 42 bits, exact times any exponent, and the rest.
const LOG10_2_HI: f64 = 0.30102999566395283;
const LOG10_2_LO: f64 = 2.8363394551044964e-14;

/// log(1 + f) for √½ ≤ 1 + f < √2, its low part good to 2^-57 of the high.
#[inline(always)]
fn log_fraction(f: f64) -> Dd {
    let (half_square, rest) = parts(f);
    let lost = 0.5 * f.mul_add(f, -2.0 * half_square);
    let s = super::super::dd::fast_two_sum(f, -half_square);
    Dd::new(s.hi, s.lo + (rest - lost))
}

/// log(1 + x).
#[inline(always)]
pub fn log1p(x: f64) -> f64 {
    within(x > -1.0 && x < 1152921504606846976.0, or_zero(x, log1p_pair(Dd::exact(x))))
}

//! eˣ as 2^k e^r with |r| ≤ ln 2 / 2, and what is made of it.

use super::super::dd::{Dd, fast_two_sum};
use super::super::kernels::{LN2, LN2_HI, LN2_LO, ROUND};
use super::{or_zero, polynomial, within};

/// Within it neither eˣ nor the parts it is made of leave the normal range.
pub(super) const RANGE: f64 = 708.0;

/// (e^r − 1 − r)/r² for |r| ≤ 0.348.
const TAIL: [f64; 11] = [
    0.5,
    0.1666666666666667,
    0.04166666666666668,
    0.008333333333325973,
    0.0013888888888878852,
    0.000198412698753872,
    2.4801587337030426e-05,
    2.755725468382964e-06,
    2.755726265151805e-07,
    2.5105514240547173e-08,
    2.0918369213192096e-09,
];

/// e^x = power · e^(r.hi + r.lo).
struct Reduced {
    power: f64,
    r: Dd,
}

/// 2^k for an integer k from −1022 to 1023, given as k + ROUND.
#[inline(always)]
pub(super) fn power_of_two(k: f64) -> f64 {
    f64::from_bits((k.to_bits() << 52).wrapping_add(1.0_f64.to_bits()))
}

#[inline(always)]
fn reduce(x: f64) -> Reduced {
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    let a = k.mul_add(-LN2_HI, x); // exact
    let hi = k.mul_add(-LN2_LO, a);
    let lo = k.mul_add(-LN2_LO, a - hi);
    Reduced { power: power_of_two(shifted), r: Dd::new(hi, lo) }
}

/// The low part of a large x is not small beside r.
#[inline(always)]
fn reduce_pair(x: Dd) -> Reduced {
    let Reduced { power, r } = reduce(x.hi);
    Reduced { power, r: fast_two_sum(r.hi, r.lo + x.lo) }
}

/// e^r as a sum that does not overlap much, good to 2^-58.
#[inline(always)]
fn exp_sum(r: Dd) -> Dd {
    let s = fast_two_sum(1.0, r.hi);
    Dd::new(s.hi, s.lo + (r.hi * r.hi).mul_add(polynomial(r.hi, TAIL), r.lo))
}

/// e^x for |x| ≤ [`RANGE`], good to 2^-58.
#[inline(always)]
pub(super) fn exp_pair(x: f64) -> Dd {
    let Reduced { power, r } = reduce(x);
    let s = exp_sum(r);
    fast_two_sum(s.hi, s.lo).scale(power)
}

/// e^x rounded, for |x| ≤ [`RANGE`].
#[inline(always)]
pub(super) fn exp_of_pair(x: Dd) -> f64 {
    let Reduced { power, r } = reduce_pair(x);
    exp_sum(r).round() * power
}

/// The same to within 1.1 ULP, for factors of functions that are not held to one.
#[inline(always)]
pub(super) fn exp_roughly(x: Dd) -> f64 {
    let shifted = x.hi.mul_add(std::f64::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = k.mul_add(-LN2_LO, k.mul_add(-LN2_HI, x.hi) + x.lo);
    (r * r).mul_add(polynomial(r, TAIL), r + 1.0) * power_of_two(shifted)
}

/// e^x − 1 for |x| ≤ [`RANGE`], good to 2^-56.
#[inline(always)]
pub(super) fn expm1_pair(x: f64) -> Dd {
    let Reduced { power, r } = reduce(x);
    let p = fast_two_sum(r.hi, (r.hi * r.hi).mul_add(polynomial(r.hi, TAIL), r.lo));
    let less = power - 1.0;
    let s = fast_two_sum(less, p.hi * power);
    fast_two_sum(s.hi, s.lo + p.lo.mul_add(power, (power - less) - 1.0))
}

/// e^x.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let Reduced { power, r } = reduce(x);
    within(x.abs() <= RANGE, exp_sum(r).round() * power)
}

/// 2^x.
#[inline(always)]
pub fn exp2(x: f64) -> f64 {
    let shifted = x + ROUND;
    let f = x - (shifted - ROUND); // exact
    let hi = f * std::f64::consts::LN_2;
    let lo = f.mul_add(std::f64::consts::LN_2, -hi) + f * LN2.lo;
    within(x.abs() <= 1021.0, exp_sum(Dd::new(hi, lo)).round() * power_of_two(shifted))
}

/// e^x − 1.
#[inline(always)]
pub fn expm1(x: f64) -> f64 {
    within(x.abs() <= RANGE, or_zero(x, expm1_pair(x).round()))
}

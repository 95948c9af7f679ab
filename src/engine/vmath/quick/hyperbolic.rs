//! Hyperbolic functions, by e^x − 1 and quotients of pairs.

use super::super::dd::{Dd, two_sum};
use super::divide;
use super::exponential::{RANGE, exp_pair, expm1_pair};
use super::within;

/// sinh x = (m + m/(1 + m))/2 with m = expm1|x|.
#[inline(always)]
pub fn sinh(x: f64) -> f64 {
    let m = expm1_pair(x.abs());
    let q = divide(m, m.add_f(1.0));
    let y = 0.5 * (m.hi + (q.hi + (m.lo + q.lo)));
    within(x.abs() <= RANGE, y.copysign(x))
}

/// cosh x = (e + 1/e)/2.
#[inline(always)]
pub fn cosh(x: f64) -> f64 {
    let e = exp_pair(x.abs());
    within(x.abs() <= RANGE, 0.5 * (e.hi + (1.0 / e.hi + e.lo)))
}

/// tanh x = m/(m + 2) with m = expm1(2|x|).
#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    let a = x.abs();
    let a = if a < 20.0 { a } else { 20.0 };
    let m = expm1_pair(2.0 * a);
    within(!x.is_nan(), divide(m, m.add_f(2.0)).round().copysign(x))
}

/// 1/cosh²x = 4e/(1 + e)² with e = exp(−2|x|).
#[inline(always)]
pub fn sech2(x: f64) -> f64 {
    let e = exp_pair(-2.0 * x.abs());
    let sum = two_sum(1.0, e.hi);
    let y = divide(e, Dd::new(sum.hi, sum.lo + e.lo).square());
    within(x.abs() <= 0.5 * RANGE, 4.0 * y.round())
}

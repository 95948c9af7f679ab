//! Activations, by exp(−|x|), which never overflows.

use super::super::dd::{Dd, two_sum};
use super::exponential::{RANGE, exp_pair};
use super::logarithm::log1p_pair;
use super::{divide, within};

#[inline(always)]
fn sigmoid_pair(x: f64) -> Dd {
    let e = exp_pair(-x.abs());
    let sum = two_sum(1.0, e.hi);
    let above = if x < 0.0 { e } else { Dd::exact(1.0) };
    divide(above, Dd::new(sum.hi, sum.lo + e.lo))
}

/// 1/(1 + e^-x).
#[inline(always)]
pub fn sigmoid(x: f64) -> f64 {
    within(x.abs() <= RANGE, sigmoid_pair(x).round())
}

/// max(x, 0) + log1p(e^-|x|).
#[inline(always)]
pub fn softplus(x: f64) -> f64 {
    let l = log1p_pair(exp_pair(-x.abs()));
    within(x.abs() <= RANGE, if x > 0.0 { x + l } else { l })
}

/// −softplus(−x).
#[inline(always)]
pub fn log_sigmoid(x: f64) -> f64 {
    -softplus(-x)
}

/// x σ(x).
#[inline(always)]
pub fn silu(x: f64) -> f64 {
    let s = sigmoid_pair(x);
    within(x.abs() <= 700.0, x.mul_add(s.hi, x * s.lo))
}

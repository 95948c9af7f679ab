//! Activations of machine learning, held to the same bound as the elementary functions.
//!
//! None takes exp of a positive argument, so none overflows on the way, and the small tails keep
//! every digit. At −∞ silu and gelu have their limit −0, where the naive product gives NaN.

use super::dd::{Dd, fast_two_sum};
use super::erf::{gelu_tail, ndtr_dd};
use super::exponential::exp;
use super::kernels::{exp_dd, exp_parts, log1p_dd};
use super::{pow2, quick};

/// Below −40 the sigmoid is e^x, and softplus too, to the last bit.
const TAIL: f64 = -40.0;

/// 1/(1 + e^-x).
/// Max 0.62 ULP measured.
#[inline(always)]
pub fn sigmoid(x: f64) -> f64 {
    let y = quick::sigmoid(x);
    if y.is_nan() { sigmoid_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn sigmoid_at_length(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < TAIL {
        return exp(x);
    }
    if x > -TAIL {
        return 1.0;
    }
    sigmoid_dd(x).round()
}

/// For |x| ≤ 40.
#[inline(always)]
fn sigmoid_dd(x: f64) -> Dd {
    let e = exp_dd(Dd::exact(-x.abs()));
    let q = e.add_f(1.0);
    if x < 0.0 { e.div(q) } else { Dd::exact(1.0).div(q) }
}

/// log(1 + e^x) = max(x, 0) + log1p(e^-|x|).
/// Max 1.06 ULP measured.
#[inline(always)]
pub fn softplus(x: f64) -> f64 {
    let y = quick::softplus(x);
    if y.is_nan() { softplus_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn softplus_at_length(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < TAIL {
        return exp(x);
    }
    if x > -TAIL {
        return x;
    }
    let l = log1p_dd(exp_dd(Dd::exact(-x.abs())));
    l.add_f(x.max(0.0)).round()
}

/// log σ(x) = −softplus(−x).
/// Max 1.06 ULP measured.
#[inline(always)]
pub fn log_sigmoid(x: f64) -> f64 {
    -softplus(-x)
}

/// x σ(x).
/// Max 0.55 ULP measured.
#[inline(always)]
pub fn silu(x: f64) -> f64 {
    let y = quick::silu(x);
    if y.is_nan() { silu_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn silu_at_length(x: f64) -> f64 {
    if x.is_nan() || x > -TAIL {
        return x;
    }
    if x.abs() < pow2(-56) {
        return 0.5 * x;
    }
    if x < TAIL {
        if x < -760.0 {
            return -0.0;
        }
        let (k, d) = exp_parts(Dd::exact(x));
        // Divided by 2^10 for the range round_scaled wants.
        return d.mul_f(x / 512.0).round_scaled(k + 9);
    }
    sigmoid_dd(x).mul_f(x).round()
}

/// max(x, 0); NaN stays, −0 becomes +0.
#[inline(always)]
pub fn relu(x: f64) -> f64 {
    if x > 0.0 || x.is_nan() { x } else { 0.0 }
}

/// x Φ(x), Φ exact.
/// Max 3.6 ULP measured.
#[inline(always)]
pub fn gelu(x: f64) -> f64 {
    let y = quick::gelu(x);
    if y.is_nan() { gelu_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn gelu_at_length(x: f64) -> f64 {
    if x.is_nan() || x > 10.0 {
        return x;
    }
    if x.abs() < pow2(-56) {
        return 0.5 * x;
    }
    if x < -1.0 {
        return gelu_tail(x);
    }
    let p = ndtr_dd(x);
    let y = x * p.hi;
    fast_two_sum(y, x.mul_add(p.hi, -y) + x * p.lo).round()
}

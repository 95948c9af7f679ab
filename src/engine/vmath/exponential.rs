//! Exponentials, logarithms, powers and the functions made of them.
//!
//! Compound functions round once, from the double-double kernels; none composes two rounded
//! elementary functions, since that is where the digits of log1mexp and logaddexp go.

use super::dd::{Dd, fast_two_sum, two_prod, two_sum};
use super::kernels::{INV_LN2, INV_LN10, LN2, exp_dd, exp_parts, expm1_dd, log_dd, log_parts, log1p_dd};
use super::{pow2, quick};

/// Beyond these e^x rounds to ∞ or 0.
const EXP_OVERFLOW: f64 = 709.8;
const EXP_UNDERFLOW: f64 = -745.2;

/// e^x.
/// Max 0.58 ULP measured.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let y = quick::exp(x);
    if y.is_nan() { exp_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn exp_at_length(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > EXP_OVERFLOW {
        return f64::INFINITY;
    }
    if x < EXP_UNDERFLOW {
        return 0.0;
    }
    let (k, d) = exp_parts(Dd::exact(x));
    d.round_scaled(k)
}

/// 2^x; exact at integers.
/// Max 0.63 ULP measured.
#[inline(always)]
pub fn exp2(x: f64) -> f64 {
    let y = quick::exp2(x);
    if y.is_nan() { exp2_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn exp2_at_length(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x >= 1024.0 {
        return f64::INFINITY;
    }
    if x < -1076.0 {
        return 0.0;
    }
    let (k, d) = exp_parts(LN2.mul_f(x));
    d.round_scaled(k)
}

/// e^x − 1.
/// Max 0.96 ULP measured.
#[inline(always)]
pub fn expm1(x: f64) -> f64 {
    let y = quick::expm1(x);
    if y.is_nan() { expm1_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn expm1_at_length(x: f64) -> f64 {
    if x.is_nan() || x.abs() < pow2(-54) {
        return x;
    }
    if x > 60.0 {
        return exp(x);
    }
    if x < -60.0 {
        return -1.0;
    }
    expm1_dd(Dd::exact(x)).round()
}

/// What every logarithm does off (0, ∞).
#[inline(always)]
fn log_special(x: f64) -> f64 {
    if x == 0.0 {
        f64::NEG_INFINITY
    } else if x == f64::INFINITY {
        x
    } else {
        f64::NAN
    }
}

#[inline(always)]
fn in_log_domain(x: f64) -> bool {
    x > 0.0 && x < f64::INFINITY
}

/// ln x.
/// Max 0.75 ULP measured.
#[inline(always)]
pub fn log(x: f64) -> f64 {
    let y = quick::log(x);
    if y.is_nan() { log_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn log_at_length(x: f64) -> f64 {
    if !in_log_domain(x) {
        return log_special(x);
    }
    log_dd(Dd::exact(x)).round()
}

/// log₂ x; exact at powers of two.
/// Max 0.66 ULP measured.
#[inline(always)]
pub fn log2(x: f64) -> f64 {
    let y = quick::log2(x);
    if y.is_nan() { log2_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn log2_at_length(x: f64) -> f64 {
    if !in_log_domain(x) {
        return log_special(x);
    }
    let (e, l) = log_parts(Dd::exact(x));
    l.mul(INV_LN2).add_f(e).round()
}

/// log₁₀ x; exact at powers of ten.
/// Max 0.57 ULP measured.
#[inline(always)]
pub fn log10(x: f64) -> f64 {
    let y = quick::log10(x);
    if y.is_nan() { log10_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn log10_at_length(x: f64) -> f64 {
    if !in_log_domain(x) {
        return log_special(x);
    }
    log_dd(Dd::exact(x)).mul(INV_LN10).round()
}

/// log(1 + x).
/// Max 0.75 ULP measured.
#[inline(always)]
pub fn log1p(x: f64) -> f64 {
    let y = quick::log1p(x);
    if y.is_nan() { log1p_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn log1p_at_length(x: f64) -> f64 {
    if x.abs() < pow2(-54) {
        return x;
    }
    if !(x > -1.0 && x < f64::INFINITY) {
        return log_special(1.0 + x);
    }
    log1p_dd(Dd::exact(x)).round()
}

/// log(eᵃ + eᵇ), shifted by the larger; both −∞ → −∞.
/// Max 0.50 ULP measured, over max(1, condition number).
#[inline(always)]
pub fn logaddexp(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return a + b;
    }
    let (hi, lo) = if a < b { (b, a) } else { (a, b) };
    if hi.is_infinite() {
        return hi;
    }
    // log1p(e^d) is e^d to the last bit from here on.
    if lo - hi < -40.0 {
        return hi + exp(lo - hi);
    }
    log1p_dd(exp_dd(two_sum(lo, -hi))).add_f(hi).round()
}

/// log(1 − eˣ) for x ≤ 0, by whichever of expm1 and log1p keeps its digits (Mächler 2012).
/// Max 0.51 ULP measured.
#[inline(always)]
pub fn log1mexp(x: f64) -> f64 {
    if x.is_nan() || x > 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x < -40.0 {
        return -exp(x);
    }
    let x = Dd::exact(x);
    if x.hi > -LN2.hi { log_dd(expm1_dd(x).neg()).round() } else { log1p_dd(exp_dd(x).neg()).round() }
}

/// x · l rounded once; the plain product where the fused residual would be NaN.
#[inline(always)]
fn times(x: f64, l: Dd) -> f64 {
    let p = two_prod(x, l.hi);
    if p.hi.is_finite() { p.hi + x.mul_add(l.lo, p.lo) } else { p.hi }
}

/// x ln y, and 0 at x = 0 whatever the (not NaN) y.
/// Max 0.50 ULP measured.
#[inline(always)]
pub fn xlogy(x: f64, y: f64) -> f64 {
    if x == 0.0 && !y.is_nan() {
        return 0.0;
    }
    if !in_log_domain(y) {
        return x * log_special(y);
    }
    times(x, log_dd(Dd::exact(y)))
}

/// x log(1 + y), and 0 at x = 0 whatever the (not NaN) y.
/// Max 0.50 ULP measured.
#[inline(always)]
pub fn xlog1py(x: f64, y: f64) -> f64 {
    if x == 0.0 && !y.is_nan() {
        return 0.0;
    }
    if y.abs() < pow2(-60) {
        return x * y;
    }
    if !(y > -1.0 && y < f64::INFINITY) {
        return x * log_special(1.0 + y);
    }
    times(x, log1p_dd(Dd::exact(y)))
}

/// C99's cases of pow with a zero, infinite or NaN operand, x negative and not an integer power
/// having been excluded. `odd`: y is an odd integer.
#[inline(always)]
fn pow_special(x: f64, y: f64, odd: bool) -> f64 {
    if x.is_nan() || y.is_nan() {
        return x + y;
    }
    let a = x.abs();
    if y.is_infinite() {
        return if a == 1.0 {
            1.0
        } else if (a > 1.0) == (y > 0.0) {
            f64::INFINITY
        } else {
            0.0
        };
    }
    let r = if (a == 0.0) == (y < 0.0) { f64::INFINITY } else { 0.0 };
    if odd { r.copysign(x) } else { r }
}

/// x^y as exp(y log x), both in double-double; C99's special cases, so pow(1, NaN) = 1 = 0^0.
/// Max 0.6 ULP measured.
#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    let power = quick::pow(x, y);
    if power.is_nan() { pow_at_length(x, y) } else { power }
}

#[cold]
#[inline(never)]
fn pow_at_length(x: f64, y: f64) -> f64 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    let integer = y.trunc() == y;
    // Above 2^53 every double is even; halving is exact.
    let odd = integer && y.abs() < pow2(53) && (0.5 * y).trunc() != 0.5 * y;
    let a = x.abs();
    if !(a > 0.0 && a < f64::INFINITY && y.is_finite()) {
        return pow_special(x, y, odd);
    }
    if x < 0.0 && !integer {
        return f64::NAN;
    }
    let sign = if x < 0.0 && odd { -1.0 } else { 1.0 };
    let l = log_dd(Dd::exact(a));
    let p = two_prod(y, l.hi);
    if p.hi > 710.0 {
        return sign * f64::INFINITY;
    }
    if p.hi < -746.0 {
        return sign * 0.0;
    }
    let (e, d) = exp_parts(fast_two_sum(p.hi, y.mul_add(l.lo, p.lo)));
    sign * d.round_scaled(e)
}

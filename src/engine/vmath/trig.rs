//! Trigonometric functions.
//!
//! sin, cos, tan and the inverses are the libm crate's (FreeBSD msun: Payne–Hanek reduction, so
//! that any |x| is good). The functions of πx reduce exactly and never multiply by π before the
//! reduction: that alone makes their zeros exact.

use super::dd::Dd;
use super::kernels::{PI, cos_dd, half_turns, sin_dd, sincospi_dd};
use super::{pow2, quick};

/// sin x for every finite x.
/// Max 0.73 ULP measured.
#[inline(always)]
pub fn sin(x: f64) -> f64 {
    let y = quick::sin(x);
    if y.is_nan() { sin_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn sin_at_length(x: f64) -> f64 {
    libm::sin(x)
}

/// cos x for every finite x.
/// Max 0.72 ULP measured.
#[inline(always)]
pub fn cos(x: f64) -> f64 {
    let y = quick::cos(x);
    if y.is_nan() { cos_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn cos_at_length(x: f64) -> f64 {
    libm::cos(x)
}

/// tan x for every finite x.
/// Max 0.74 ULP measured.
#[inline(always)]
pub fn tan(x: f64) -> f64 {
    libm::tan(x)
}

/// arcsin x.
/// Max 1.03 ULP measured.
#[inline(always)]
pub fn asin(x: f64) -> f64 {
    let y = quick::asin(x);
    if y.is_nan() { asin_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn asin_at_length(x: f64) -> f64 {
    libm::asin(x)
}

/// arccos x.
/// Max 0.85 ULP measured.
#[inline(always)]
pub fn acos(x: f64) -> f64 {
    let y = quick::acos(x);
    if y.is_nan() { acos_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn acos_at_length(x: f64) -> f64 {
    libm::acos(x)
}

/// arctan x.
/// Max 0.75 ULP measured.
#[inline(always)]
pub fn atan(x: f64) -> f64 {
    let y = quick::atan(x);
    if y.is_nan() { atan_at_length(x) } else { y }
}

#[cold]
#[inline(never)]
fn atan_at_length(x: f64) -> f64 {
    libm::atan(x)
}

/// The angle of (x, y), with C99's special cases.
/// Max 1.16 ULP measured.
#[inline(always)]
pub fn atan2(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

/// Every double from here on is an integer.
const INTEGERS: f64 = 4503599627370496.0;

/// sin πx; ±0 with x's sign at every integer, as IEEE 754 sinPi.
/// Max 0.50 ULP measured.
#[inline(always)]
pub fn sinpi(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let a = x.abs();
    if a >= INTEGERS || a == 0.0 {
        return 0.0_f64.copysign(x);
    }
    if a < pow2(-30) {
        // (πx)² / 6 is below 2^-58; the scaling keeps the one rounding for subnormal x.
        let p = PI.mul_f(x * pow2(100));
        return Dd::round(p) * pow2(-100);
    }
    let (n, t) = half_turns(a);
    let r = if n & 1 == 0 { sin_dd(t) } else { cos_dd(t) };
    let r = r.round();
    let r = if n & 2 == 0 { r } else { -r };
    if r == 0.0 {
        r.abs().copysign(x)
    } else if x < 0.0 {
        -r
    } else {
        r
    }
}

/// cos πx; +0 at every half-integer.
/// Max 0.51 ULP measured.
#[inline(always)]
pub fn cospi(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let a = x.abs();
    if a >= INTEGERS {
        let even = a >= 2.0 * INTEGERS || (0.5 * a).trunc() == 0.5 * a;
        return if even { 1.0 } else { -1.0 };
    }
    let (n, t) = half_turns(a);
    let r = if n & 1 == 0 { cos_dd(t) } else { sin_dd(t) };
    let r = r.round();
    if r == 0.0 {
        0.0
    } else if n == 0 || n == 3 {
        r
    } else {
        -r
    }
}

/// Above it π^order leaves the range of doubles, so no derivative can be represented.
const SINC_ORDER_LIMIT: u32 = 600;

/// The order-th derivative of sin(πx)/(πx); order 0 is exactly 0 at non-zero integers; ±∞ → 0.
///
/// With t = πx and g(t) = sin t / t, Leibniz' rule on t g = sin t gives
/// t g⁽ⁿ⁾ + n g⁽ⁿ⁻¹⁾ = sin(t + nπ/2). Solved for g⁽ⁿ⁾ an error grows by n/t a step, so upwards it
/// is used where t ≥ order; solved for g⁽ⁿ⁻¹⁾ it shrinks by t/n a step, so elsewhere it is run
/// downwards from 0 at a far order (J. C. P. Miller's method; DLMF 3.6(iii)).
/// Orders 0 to 12 and 20: max 1.1e-16 relative measured, over max(1, condition number).
#[inline(always)]
pub fn sinc(x: f64, order: u32) -> f64 {
    if x.is_nan() || order > SINC_ORDER_LIMIT {
        return f64::NAN;
    }
    let a = x.abs();
    if a == f64::INFINITY {
        return 0.0;
    }
    let odd = order & 1 == 1;
    let r = if a == 0.0 && odd {
        return 0.0;
    } else if a < pow2(-30) {
        sinc_at_zero(a, order)
    } else if order == 0 && a.trunc() == a {
        return 0.0;
    } else {
        sinc_recurrence(a, order)
    };
    if odd && x < 0.0 { -r } else { r }
}

/// π^n.
#[inline(always)]
fn pi_to(n: u32) -> Dd {
    let mut p = Dd::exact(1.0);
    for _ in 0..n {
        p = p.mul(PI);
    }
    p
}

/// The first term of the Taylor series, all there is below 2^-30.
#[inline(always)]
fn sinc_at_zero(a: f64, order: u32) -> f64 {
    let n = f64::from(order);
    let sign = if order.div_ceil(2) & 1 == 0 { 1.0 } else { -1.0 };
    if order & 1 == 0 {
        sign * pi_to(order).div(Dd::exact(n + 1.0)).round()
    } else {
        let c = pi_to(order + 1).div(Dd::exact(n + 2.0));
        sign * (c.mul_f(a * pow2(100)).round() * pow2(-100))
    }
}

/// For 2^-30 ≤ a < ∞.
#[inline(always)]
fn sinc_recurrence(a: f64, order: u32) -> f64 {
    // Past 2^52 every x is an integer: sin πx = 0, cos πx = ±1.
    let (s, c) = if a < INTEGERS { sincospi_dd(a) } else { (Dd::exact(0.0), Dd::exact(cospi(a))) };
    // sin(t + nπ/2)
    let turned = |n: u32| match n & 3 {
        0 => s,
        1 => c,
        2 => s.neg(),
        _ => c.neg(),
    };
    if a > pow2(200) {
        // The first term of the expansion in 1/t; t itself could overflow.
        return if order & 1 == 1 {
            turned(order).mul(pi_to(order - 1)).round() / a
        } else {
            let w = turned(order - 1).mul(pi_to(order - 2)).round();
            -f64::from(order) * w / a / a
        };
    }
    let t = PI.mul_f(a);
    let mut g;
    if t.hi >= f64::from(order) {
        g = s.div(t);
        for n in 1..=order {
            g = turned(n).sub(g.mul_f(f64::from(n))).div(t);
        }
    } else {
        let mut far = order;
        let mut damping = 1.0;
        while damping > 1e-26 {
            far += 1;
            damping *= t.hi / f64::from(far);
        }
        g = Dd::exact(0.0);
        for n in (order + 1..=far).rev() {
            g = turned(n).sub(t.mul(g)).div(Dd::exact(f64::from(n)));
        }
    }
    if order == 0 { g.round() } else { g.mul(pi_to(order)).round() }
}

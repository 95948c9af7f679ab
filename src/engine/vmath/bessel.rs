//! Bessel functions of integer order.
//!
//! J and Y are the libm crate's (FreeBSD msun), whose error is small beside the amplitude and so, next to the zeros, small beside the
//! condition number. The modified functions are scaled, e^(−|x|) I_n(x), and come with their derivatives, which the recurrences would
//! leave as differences of what is nearly equal:
//!
//! dⁿ/dxⁿ e^(−x) I_0(x) = (−1)ⁿ/π ∫ uⁿ e^(−xu) dθ over (0, π), u = 1 − cos θ, and a factor cos θ for I_1.
//!
//! Up to x = 50 that is the trapezoidal rule, which converges exponentially for periodic functions; beyond, the expansion for large
//! arguments (DLMF 10.40.1) term by term.

use super::HIGHEST_ORDER;
use super::called::exp;

/// 1/√(2π)
const INVERSE_ROOT_TWO_PI: f64 = 0.3989422804014327;

/// Up to here the rule with these nodes is exact to 1e-25.
const LARGE: f64 = 50.0;

/// 1 − cos(πj/40), printed by tables.py.
#[rustfmt::skip] // several a line
const ONE_MINUS_COS: [f64; 41] = [
    0.0, 0.003082666266872024, 0.012311659404862273, 0.027630079602323398, 0.04894348370484643, 0.07612046748871325,
    0.10899347581163214, 0.14735983564590777, 0.19098300562505258, 0.23959403439996907, 0.2928932188134525, 0.35055195166981634,
    0.41221474770752686, 0.47750143528405115, 0.5460095002604533, 0.6173165676349103, 0.6909830056250525, 0.7665546361440946,
    0.8435655349597692, 0.9215409042721551, 1.0, 1.078459095727845, 1.156434465040231, 1.2334453638559053,
    1.3090169943749475, 1.3826834323650898, 1.4539904997395467, 1.5224985647159488, 1.5877852522924731, 1.6494480483301837,
    1.7071067811865475, 1.760405965600031, 1.8090169943749475, 1.8526401643540922, 1.8910065241883678, 1.9238795325112867,
    1.9510565162951536, 1.9723699203976766, 1.9876883405951378, 1.996917333733128, 2.0,
];

/// J_0(x).
/// Max 3.4e-16 relative measured, over max(1, condition number).
pub fn j0(x: f64) -> f64 {
    libm::j0(x)
}

/// J_1(x).
/// Max 5.1e-16 relative measured, over max(1, condition number).
pub fn j1(x: f64) -> f64 {
    libm::j1(x)
}

/// Y_0(x); −∞ at 0, NaN below.
/// Max 3.4e-16 relative measured, over max(1, condition number).
pub fn y0(x: f64) -> f64 {
    libm::y0(x)
}

/// Y_1(x); −∞ at 0, NaN below.
/// Max 2.6e-16 relative measured, over max(1, condition number).
pub fn y1(x: f64) -> f64 {
    libm::y1(x)
}

/// J_n(x).
/// Orders 2 to 12: max 4.3e-16 relative measured, over max(1, condition number).
pub fn jn(n: i32, x: f64) -> f64 {
    libm::jn(n, x)
}

/// Y_n(x); −∞ at 0 for n ≥ 0, NaN below.
/// Orders 2 to 12: max 2.8e-16 relative measured, over max(1, condition number).
pub fn yn(n: i32, x: f64) -> f64 {
    libm::yn(n, x)
}

/// The n-th derivative of e^(−x) I_ν(x) at x ≥ 0, ν being 0 or 1.
fn scaled(nu: u32, n: u32, x: f64) -> f64 {
    let sign = if n & 1 == 1 { -1.0 } else { 1.0 };
    if x <= LARGE {
        let mut sum = 0.0;
        for (j, u) in ONE_MINUS_COS.into_iter().enumerate() {
            let end = if j == 0 || j == 40 { 0.5 } else { 1.0 };
            let term = (0..n).fold(end * exp(-x * u), |term, _| term * u);
            sum += if nu == 0 { term } else { (1.0 - u) * term };
        }
        return sign * sum / 40.0;
    }
    // Σ a_k (k + ½)_n/x^k, the derivatives of Σ a_k x^(−½−k)
    let order = f64::from(n);
    let four_nu_squared = if nu == 0 { 0.0 } else { 4.0 };
    let mut term = (0..n).fold(1.0, |p, i| p * (0.5 + f64::from(i)));
    let mut sum = term;
    for k in 1..60 {
        let k = f64::from(k);
        let odd = 2.0 * k - 1.0;
        term *= (odd * odd - four_nu_squared) / (8.0 * k * x) * ((k - 0.5 + order) / (k - 0.5));
        sum += term;
        if term.abs() < 1e-18 * f64::abs(sum) {
            break;
        }
    }
    (0..n).fold(sign * sum * INVERSE_ROOT_TWO_PI / x.sqrt(), |y, _| y / x)
}

/// e^(−x) I_1(x) for 0 ≤ x < 5 by its power series: the rule would lose the digits of a small x.
fn i1e_small(x: f64) -> f64 {
    let square = 0.25 * x * x;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..40 {
        let k = f64::from(k);
        term *= square / (k * (k + 1.0));
        sum += term;
        if term < 1e-18 * sum {
            break;
        }
    }
    0.5 * x * (exp(-x) * sum)
}

/// e^(−|x|) I_0(x).
/// Max 7.8e-16 relative measured.
pub fn i0e(x: f64) -> f64 {
    i0e_derivative(0, x)
}

/// e^(−|x|) I_1(x).
/// Max 5.9e-16 relative measured.
pub fn i1e(x: f64) -> f64 {
    i1e_derivative(0, x)
}

/// The n-th derivative of e^(−|x|) I_0(x), an even function with a kink at 0, where the odd ones are 0: the mean of the two sides.
/// Orders 0 to 12: max 1e-15 relative measured.
pub fn i0e_derivative(n: u32, x: f64) -> f64 {
    if x.is_nan() || n > HIGHEST_ORDER {
        return f64::NAN;
    }
    let odd = n & 1 == 1;
    if odd && x == 0.0 {
        return 0.0;
    }
    let y = scaled(0, n, x.abs());
    if odd && x < 0.0 { -y } else { y }
}

/// The n-th derivative of e^(−|x|) I_1(x), an odd function; its even derivatives at 0 are 0, the mean of the two sides.
/// Orders 0 to 12: max 2e-15 relative measured, over max(1, condition number).
pub fn i1e_derivative(n: u32, x: f64) -> f64 {
    if x.is_nan() || n > HIGHEST_ORDER {
        return f64::NAN;
    }
    let even = n & 1 == 0;
    if even && x == 0.0 {
        return if n == 0 { x } else { 0.0 };
    }
    let a = x.abs();
    let y = if n == 0 && a < 5.0 { i1e_small(a) } else { scaled(1, n, a) };
    if even && x < 0.0 { -y } else { y }
}

//! What the incomplete gamma and beta functions share: derivatives by their parameters as polynomials in logarithms.
//!
//! Their integrands are c(a)·exp(a·ℓ + h(a)) where ℓ is a logarithm of the variable of integration. The m-th derivative by a is that
//! exponential times Σ C(m, i) ℓ^i H_(m−i), with H_j the derivatives of c·exp(h) over exp(h), which do not vary along the integral.
//! With h′ = 0, which a shift of ℓ sees to, the polynomial is as small as the function it belongs to and nothing large cancels.

use super::called::log1p_dd;
use super::dd::Dd;
use super::{HIGHEST_ORDER, binomial};

pub(super) const ORDERS: usize = HIGHEST_ORDER as usize + 1;

/// A function by its derivatives, or a polynomial or power series by its coefficients.
pub(super) type Series = [f64; ORDERS];

/// u − log(1 + u) for u > −1, relatively accurate at 0 too.
pub(super) fn log_excess(u: Dd) -> Dd {
    let x = u.hi;
    if x.abs() >= 0.01 {
        return u.sub(log1p_dd(u));
    }
    let c = 1.0 / 7.0 - x * (1.0 / 8.0 - x * (1.0 / 9.0 - x * (1.0 / 10.0 - x * (1.0 / 11.0))));
    let c = 0.5 - x * (1.0 / 3.0 - x * (0.25 - x * (0.2 - x * (1.0 / 6.0 - x * c))));
    Dd::exact(x * x * c + u.lo * x)
}

/// Σ c_i x^i
pub(super) fn polynomial(c: &Series, degree: usize, x: f64) -> f64 {
    (0..degree).rev().fold(c[degree], |sum, i| sum * x + c[i])
}

/// The power series log(1 + s·t).
pub(super) fn log_series(s: f64, degree: usize) -> Series {
    let (mut series, mut power) = ([0.0; ORDERS], 1.0);
    for (k, c) in series.iter_mut().enumerate().take(degree + 1).skip(1) {
        power *= -s;
        *c = -power / k as f64;
    }
    series
}

/// The product of power series up to t^degree.
pub(super) fn series_product(a: &Series, b: &Series, degree: usize) -> Series {
    let mut product = [0.0; ORDERS];
    for (k, c) in product.iter_mut().enumerate().take(degree + 1) {
        *c = (0..=k).fold(0.0, |sum, i| sum + a[i] * b[k - i]);
    }
    product
}

/// exp of a power series whose constant is left out.
pub(super) fn series_exp(g: &Series, degree: usize) -> Series {
    let mut e = [0.0; ORDERS];
    e[0] = 1.0;
    for k in 0..degree {
        e[k + 1] = (0..=k).fold(0.0, |sum, j| sum + (j + 1) as f64 * g[j + 1] * e[k - j]) / (k + 1) as f64;
    }
    e
}

/// exp(h) over itself, differentiated: from the derivatives of h.
pub(super) fn exp_derivatives(h: &Series, order: usize) -> Series {
    let mut e = [0.0; ORDERS];
    e[0] = 1.0;
    for j in 0..order {
        e[j + 1] = (0..=j).fold(0.0, |sum, i| sum + binomial(j, i) * h[i + 1] * e[j - i]);
    }
    e
}

/// k!
pub(super) fn factorial(k: usize) -> f64 {
    (2..=k).fold(1.0, |p, j| p * j as f64)
}

/// The sign of the k-th derivative of x^p · log^m x at +0 where it is infinite there, 0 where it is 0; p < k or p = k and m > 0.
pub(super) fn sign_at_zero(p: f64, k: usize, m: u32) -> f64 {
    if p > k as f64 {
        return 0.0;
    }
    let turn = |m: u32| if m & 1 == 1 { -1.0 } else { 1.0 };
    let factors = (0..k).map(|i| p - i as f64);
    if factors.clone().all(|factor| factor != 0.0) {
        return turn(m) * factors.fold(1.0, |sign: f64, factor| sign * factor.signum());
    }
    // x^p is a polynomial of lower degree: one logarithm goes with its vanishing derivative
    factors.filter(|factor| *factor != 0.0).fold(1.0, |sign: f64, factor| sign * factor.signum()) * turn(m.wrapping_sub(1))
}

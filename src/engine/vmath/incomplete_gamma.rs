//! The incomplete gamma functions P(a, x) and Q(a, x) = 1 − P, and every derivative of P.
//!
//! P is an integral from 0 to x and Q one from x on, of the density t^(a−1) e^(−t)/Γ(a). Whichever of the two does not hold most of the
//! mass is computed, with the double exponential formula, and the other is its complement:
//!
//! P = x^a e^(−x)/Γ(a) · ∫ exp(−av + x(1 − e^(−v))) dv, v = log(x/t) from 0 to ∞, where x ≤ a or x < 1;
//! Q = x^(a−1) e^(−x)/Γ(a) · ∫ exp(−r + (a − 1) log(1 + r/x)) dr, r = t − x from 0 to ∞, elsewhere.
//!
//! Both are good for every a and x, large ones too, since the exponents are written so that what cancels has been taken out. For a < 1
//! the pole of Γ(a) is taken out (`c` = a), and P(a, x) = x^a e^(−x)/Γ(a + 1) + P(a + 1, x) keeps the long tail of t^(a−1) out of the
//! integral. Derivatives by a are the same integrals with a polynomial in log t − ψ(a); those by x are of the density itself.

use super::HIGHEST_ORDER;
use super::called::{digamma_dd, exp, expm1, expm1_dd, log_dd, log1p};
use super::dd::{Dd, two_sum};
use super::gamma::polygamma;
use super::incomplete::{
    ORDERS, Series, exp_derivatives, factorial, log_excess, log_series, polynomial, series_exp, series_product, sign_at_zero,
};
use super::quadrature::HalfLine;
use super::stirling::{LARGE, exp_times, gammaln_dd, gammaln1p, stirling_rest};

/// ln √(2π) = half of this
const LOG_TWO_PI: Dd = Dd { hi: 1.8378770664093456, lo: -7.756588316134483e-17 };

/// ln(x^a e^(−x)/Γ(a)), of Γ(a + 1) for a < 1; 0 < x < ∞.
fn kernel_ln(a: f64, x: f64) -> Dd {
    if a < LARGE {
        let own = if a < 1.0 { two_sum(1.0, a) } else { Dd::exact(a) };
        return log_dd(Dd::exact(x)).mul_f(a).add_f(-x).sub(gammaln_dd(own));
    }
    // −a(u − log(1 + u)) with u = x/a − 1, and what Stirling's formula has besides
    let u = two_sum(x, -a).div(Dd::exact(a));
    let excess = if u.hi < -0.5 || u.hi > 1.0 { u.sub(log_dd(Dd::exact(x).div(Dd::exact(a)))) } else { log_excess(u) };
    let root = log_dd(Dd::exact(a)).sub(LOG_TWO_PI).scale(0.5);
    root.sub(excess.mul_f(a)).add_f(-stirling_rest(a))
}

/// The polynomial in ℓ = log t − ψ(a) that the m-th derivative by a brings, coefficients; ψ(a + 1) for a < 1.
///
/// `pole`: the integrand has the factor a of 1/Γ(a) = a/Γ(a + 1).
fn weight(a: f64, m: usize, pole: bool) -> Series {
    let own = if a < 1.0 { 1.0 + a } else { a };
    let mut h = [0.0; ORDERS];
    for (j, h) in h.iter_mut().enumerate().take(m + 1).skip(2) {
        *h = -polygamma(j as u32 - 1, own);
    }
    let e = exp_derivatives(&h, m);
    let mut c = [0.0; ORDERS];
    for (i, c) in c.iter_mut().enumerate().take(m + 1) {
        let j = m - i;
        let factor = if !pole {
            e[j]
        } else if j == 0 {
            a
        } else {
            a * e[j] + j as f64 * e[j - 1]
        };
        *c = super::binomial(m, i) * factor;
    }
    c
}

/// log x − ψ(a), or ψ(a + 1) for a < 1.
fn log_ratio(a: f64, x: f64) -> f64 {
    let own = if a < 1.0 { two_sum(1.0, a) } else { Dd::exact(a) };
    log_dd(Dd::exact(x)).sub(digamma_dd(own)).round()
}

/// v − 1 + e^(−v)
fn exp_excess(v: f64) -> f64 {
    if v > 0.5 {
        return v + expm1(-v);
    }
    let c = 1.0 / 362880.0 - v * (1.0 / 3628800.0 - v * (1.0 / 39916800.0 - v * (1.0 / 479001600.0 - v / 6227020800.0)));
    let c = 1.0 / 120.0 - v * (1.0 / 720.0 - v * (1.0 / 5040.0 - v * (1.0 / 40320.0 - v * c)));
    v * v * (0.5 - v * (1.0 / 6.0 - v * (1.0 / 24.0 - v * c)))
}

/// Beyond it exp(−exponent) no longer counts beside the integral, a power of the logarithm that order m brings included.
fn farthest(m: usize) -> f64 {
    50.0 + 4.0 * m as f64
}

/// The integral of P over its kernel, for a ≥ 1.
fn lower(a: f64, x: f64, weight: &Series, m: usize, ratio: f64) -> f64 {
    let rate = a - x;
    let mut sum = 0.0;
    for (v, w) in HalfLine::of(1.0 / (rate.max(0.0) + x.sqrt())) {
        let exponent = rate * v + x * exp_excess(v);
        if exponent > farthest(m) {
            break;
        }
        sum += w * exp(-exponent) * polynomial(weight, m, ratio - v);
    }
    sum
}

/// The integral of Q over the density at x, for 0 ≤ a < x and x ≥ 1.
fn upper(a: f64, x: f64, weight: &Series, m: usize, ratio: f64) -> f64 {
    let rate = two_sum(x, -a).add_f(1.0).round() / x;
    let mut sum = 0.0;
    for (r, w) in HalfLine::of(1.0 / (rate + (a - 1.0).max(0.0).sqrt() / x)) {
        let z = Dd::exact(r).div(Dd::exact(x));
        let exponent = rate * r + log_excess(z).mul_f(a - 1.0).hi;
        if exponent > farthest(m) {
            break;
        }
        let value = if m == 0 { weight[0] } else { polynomial(weight, m, ratio + log1p(z.hi)) };
        sum += w * exp(-exponent) * value;
    }
    sum
}

/// Whether P is what is computed.
fn is_lower(a: f64, x: f64) -> bool {
    x < 1.0 || x <= a
}

/// ∂^m P/∂a^m where P is computed, ∂^m Q/∂a^m where Q is; 0 < x < ∞, 0 ≤ a < ∞.
fn part(a: f64, x: f64, m: usize) -> f64 {
    let ratio = if m == 0 { 0.0 } else { log_ratio(a, x) };
    let kernel = kernel_ln(a, x);
    if kernel.hi.is_nan() || kernel.hi < -1e5 {
        return 0.0;
    }
    if !is_lower(a, x) {
        let weight = weight(a, m, a < 1.0);
        return exp_times(kernel, upper(a, x, &weight, m, ratio) / x);
    }
    let weight = weight(a, m, false);
    if a < 1.0 {
        let first = polynomial(&weight, m, ratio);
        return exp_times(kernel, first + x * lower(1.0 + a, x, &weight, m, ratio));
    }
    exp_times(kernel, lower(a, x, &weight, m, ratio))
}

/// Q(a, x) for a < 1 and x < 1, where P is near 1: 1 − x^a/Γ(1 + a)·(1 + a Σ (−x)^k/(k!(a + k))), the difference from 1 by expm1.
fn upper_small(a: f64, x: f64) -> f64 {
    let u = log_dd(Dd::exact(x)).mul_f(a).add_f(-gammaln1p(a));
    let (mut sum, mut term) = (0.0, 1.0);
    for k in 1..40 {
        let k = f64::from(k);
        term *= -x / k;
        sum += term / (a + k);
        if term.abs() < 1e-18 * x {
            break;
        }
    }
    let less = if u.hi < -500.0 { Dd::exact(-1.0) } else { expm1_dd(u) };
    -less.add(less.add_f(1.0).mul_f(a * sum)).round()
}

/// The values at 0 and ∞, NaN outside of the domain; `None` where P is to be computed.
fn edge(a: f64, x: f64) -> Option<f64> {
    if a.is_nan() || x.is_nan() || a < 0.0 || x < 0.0 || (a == 0.0 && x == 0.0) || (a == f64::INFINITY && x == f64::INFINITY) {
        return Some(f64::NAN);
    }
    if x == 0.0 || a == f64::INFINITY {
        return Some(0.0);
    }
    (a == 0.0 || x == f64::INFINITY).then_some(1.0)
}

/// P(a, x), the regularised lower incomplete gamma function.
/// Max 1.5e-15 relative measured, over max(1, condition number).
pub fn gammainc(a: f64, x: f64) -> f64 {
    match edge(a, x) {
        Some(value) => value,
        None if is_lower(a, x) => part(a, x, 0).min(1.0),
        None => 1.0 - part(a, x, 0),
    }
}

/// Q(a, x) = 1 − P(a, x), the regularised upper incomplete gamma function.
/// Max 1.5e-15 relative measured, over max(1, condition number).
pub fn gammaincc(a: f64, x: f64) -> f64 {
    match edge(a, x) {
        Some(value) => 1.0 - value,
        None if x < 1.0 && a < 1.0 => upper_small(a, x),
        None if is_lower(a, x) => 1.0 - part(a, x, 0),
        None => part(a, x, 0),
    }
}

/// ∂^m/∂a^m ∂^n/∂x^n P(a, x).
/// Orders 0 to 4 in all: max 4e-15 relative measured, over max(1, condition number).
pub fn gammainc_derivative(m: u32, n: u32, a: f64, x: f64) -> f64 {
    if m == 0 && n == 0 {
        return gammainc(a, x);
    }
    let edge = edge(a, x);
    if m > HIGHEST_ORDER || n > HIGHEST_ORDER || edge.is_some_and(f64::is_nan) {
        return f64::NAN;
    }
    if a == f64::INFINITY || x == f64::INFINITY || (x == 0.0 && n == 0) {
        return 0.0;
    }
    if x == 0.0 {
        return density_at_zero(a, m, n as usize - 1);
    }
    if n == 0 {
        let part = part(a, x, m as usize);
        return if is_lower(a, x) { part } else { -part };
    }
    let kernel = kernel_ln(a, x).sub(log_dd(Dd::exact(x)).mul_f(n.into()));
    if kernel.hi.is_nan() || kernel.hi < -1e5 {
        return 0.0;
    }
    // of the density in x(1 + t): (1 + t)^(a−1) e^(−xt), and ℓ(t) = ℓ + log(1 + t)
    let (m, k) = (m as usize, n as usize - 1);
    let weight = weight(a, m, a < 1.0);
    let mut g = log_series(1.0, k);
    g.iter_mut().for_each(|c| *c *= a - 1.0);
    g[1] = two_sum(a, -x).add_f(-1.0).round();
    let factor = times_weight(series_exp(&g, k), &weight, m, k, if m == 0 { 0.0 } else { log_ratio(a, x) });
    exp_times(kernel, factor * factorial(k))
}

/// The coefficient of t^k in `density` times the weight's polynomial at `ratio` + log(1 + t).
fn times_weight(density: Series, weight: &Series, m: usize, k: usize, ratio: f64) -> f64 {
    let mut logarithm = log_series(1.0, k);
    logarithm[0] = ratio;
    let mut value = [0.0; ORDERS];
    value[0] = weight[m];
    for i in (0..m).rev() {
        value = series_product(&value, &logarithm, k);
        value[0] += weight[i];
    }
    series_product(&density, &value, k)[k]
}

/// ∂^m/∂a^m of the k-th derivative of the density at +0.
fn density_at_zero(a: f64, m: u32, k: usize) -> f64 {
    let p = a - 1.0;
    if m == 0 && p.trunc() == p && p >= 0.0 && p <= k as f64 {
        // t^p e^(−t)/p!
        let j = k - p as usize;
        let sign = if j & 1 == 1 { -1.0 } else { 1.0 };
        return sign * factorial(k) / (factorial(j) * factorial(k - j));
    }
    match sign_at_zero(p, k, m) {
        0.0 => 0.0,
        sign => sign * f64::INFINITY,
    }
}

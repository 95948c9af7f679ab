//! log|Γ| and its derivatives.
//!
//! SciPy's values at the poles. The number of steps is bounded whatever the argument or order (a
//! request chooses both), and no factorial or power overflows before the result does. ψ is summed in
//! double-double, since its terms cancel at each of its roots.

use super::called::{exp, expm1, log, log_dd, log1p, sincospi_dd};
use super::dd::{Dd, two_sum};
use super::kernels::PI;
use super::pow2;

/// Every double from here on is an integer.
const INTEGERS: f64 = 4503599627370496.0;

/// log|Γ(x)|; +∞ at the poles and at ±∞.
/// Max 1.4e-15 relative measured, over max(1, condition number).
#[inline]
pub fn gammaln(x: f64) -> f64 {
    if x <= -INTEGERS || x == f64::INFINITY {
        return f64::INFINITY;
    }
    libm::lgamma(x)
}

/// ψ(x) for 1/2 ≤ x < 2^60, to about 1e-22 absolute: upward recurrence to 16, then the
/// asymptotic series (DLMF 5.11.2), of which 1/x and 1/x² still need more than a double.
#[inline(always)]
fn digamma_positive(x: Dd) -> Dd {
    let mut x = x;
    let mut sum = Dd::exact(0.0);
    while x.hi < 16.0 {
        sum = sum.add(Dd::exact(1.0).div(x));
        x = x.add_f(1.0);
    }
    let half = Dd::exact(0.5).div(x);
    let square = half.square().scale(4.0);
    let s = square.hi;
    let c = 1.0 / 12.0 - s * (3617.0 / 8160.0 - s * (43867.0 / 14364.0 - s * (174611.0 / 6600.0)));
    let c = 1.0 / 240.0 - s * (1.0 / 132.0 - s * (691.0 / 32760.0 - s * c));
    let rest = s * s * (1.0 / 120.0 - s * (1.0 / 252.0 - s * c));
    let series = square.div(Dd::exact(12.0)).add_f(-rest);
    log_dd(x).sub(sum.add(half).add(series))
}

/// ψ(x) for finite x at no pole, |x| ≥ 2^-55 and, where x < 0, |x| < 2^52.
#[inline(always)]
pub(super) fn digamma_dd(x: Dd) -> Dd {
    if x.hi >= pow2(58) {
        return log_dd(x);
    }
    if x.hi >= 0.5 {
        return digamma_positive(x);
    }
    // ψ(x) = ψ(1 − x) − π cot πx
    let (s, c) = sincospi_dd(x.hi);
    let turn = PI.mul_f(x.lo);
    let (s, c) = (s.add(c.mul(turn)), c.sub(s.mul(turn)));
    digamma_positive(x.neg().add_f(1.0)).sub(PI.mul(c).div(s))
}

/// ψ(x) = Γ′(x)/Γ(x); ∓∞ at ±0, NaN at negative integers.
/// Max 1.1e-16 relative measured, over max(1, condition number).
pub fn digamma(x: f64) -> f64 {
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x.abs() < pow2(-55) {
        return -1.0 / x;
    }
    if x < 0.0 && (x.trunc() == x || x < -INTEGERS) {
        return f64::NAN;
    }
    digamma_dd(Dd::exact(x)).round()
}

/// r^s, by squaring.
#[inline]
fn power(r: f64, s: u64) -> f64 {
    let (mut base, mut s, mut p) = (r, s, 1.0);
    while s > 0 {
        if s & 1 == 1 {
            p *= base;
        }
        base *= base;
        s >>= 1;
    }
    p
}

/// B_2j/(2j)!, the coefficients of the Euler–Maclaurin formula.
const EULER_MACLAURIN: [f64; 12] = [
    1.0 / 12.0,
    -1.0 / 720.0,
    1.0 / 30240.0,
    -1.0 / 1209600.0,
    1.0 / 47900160.0,
    -691.0 / 1307674368000.0,
    1.0 / 74724249600.0,
    -3617.0 / 10670622842880000.0,
    43867.0 / 5109094217170944000.0,
    -174611.0 / 802857662698291200000.0,
    77683.0 / 14101100039391805440000.0,
    -236364091.0 / 1693824136731743669452800000.0,
];

/// x^s ζ(s, x), which is near 1 for large s, for x > 0 and s ≥ 2: direct terms up to where
/// Euler–Maclaurin's remainder is small (DLMF 25.11.28), or until they no longer matter.
#[inline]
fn scaled_zeta(s: u64, x: f64) -> f64 {
    let order = s as f64;
    let start = order + 10.0;
    let mut sum = 0.0;
    let mut at = x;
    let mut k = 0.0;
    while at < start {
        let term = power(x / at, s);
        sum += term;
        if term < 1e-18 * sum {
            return sum;
        }
        k += 1.0;
        at = x + k;
    }
    let inverse = 1.0 / at;
    let mut rising = order * inverse;
    let mut tail = at / (order - 1.0) + 0.5;
    for (j, c) in (1_u32..).zip(EULER_MACLAURIN) {
        let term = c * rising;
        tail += term;
        if term.abs() < 1e-18 * tail {
            break;
        }
        let i = f64::from(2 * j);
        rising *= (order + i - 1.0) * inverse * ((order + i) * inverse);
    }
    sum + power(x / at, s) * tail
}

/// n! x^-(n+1) · factor for x > 0, without overflow before the result's own.
#[inline]
fn factorial_over_power(n: u32, x: f64, factor: f64) -> f64 {
    if n <= 150 || factor == 0.0 {
        return (1..=n.min(150)).fold(factor / x, |p, j| p * (f64::from(j) / x));
    }
    let n = f64::from(n);
    let log = log_dd(Dd::exact(x)).mul_f(-(n + 1.0)).add(log_dd(Dd::exact(factor.abs()))).add_f(gammaln(n + 1.0));
    (exp(log.hi) * (1.0 + log.lo)).copysign(factor)
}

/// ψ⁽ⁿ⁾(x) = (−1)^(n+1) n! ζ(n + 1, x); at the poles, and at −∞
/// as SciPy has it, ∞ with that sign.
/// Orders 1 to 13, 30, 60, 150, 151, 200: max 1.4e-15 relative measured, over max(1, condition number).
#[inline]
pub fn polygamma(n: u32, x: f64) -> f64 {
    if n == 0 {
        return digamma(x);
    }
    if x.is_nan() {
        return x;
    }
    let sign = if n & 1 == 1 { 1.0 } else { -1.0 };
    let s = u64::from(n) + 1;
    if x == f64::INFINITY {
        return sign * 0.0;
    }
    if x > 0.0 {
        return sign * factorial_over_power(n, x, scaled_zeta(s, x));
    }
    let d = x - x.round_ties_even();
    if d == 0.0 || x == f64::NEG_INFINITY {
        return sign * f64::INFINITY;
    }
    // Σ over all integers k of (d + k)^-s, less the part beyond x; each term times |d|^s. The
    // terms go in the pairs k = 0 and −1, 1 and −2… (for d > 0), since for odd s each pair
    // cancels at half-integers, where the part beyond x is then all there is.
    let a = d.abs();
    let mirror = if s & 1 == 0 { 1.0 } else { -1.0 };
    let beyond = |y: f64| power(a / y, s) * scaled_zeta(s, y);
    let nearest = 1.0 + mirror * power(a / (1.0 - a), s);
    let all = nearest + (beyond(1.0 + a) + mirror * beyond(2.0 - a));
    let all = if d < 0.0 { mirror * all } else { all };
    sign * factorial_over_power(n, a, all - mirror * beyond(1.0 - x))
}

/// ψ⁽ⁿ⁾(a + b) − ψ⁽ⁿ⁾(a): by Taylor's series where b is small beside a, where the difference would be of digits that are gone.
/// Orders 0 to 10: max 3e-15 relative measured for positive a and a + b, over max(1, condition number).
pub fn polygamma_difference(n: u32, a: f64, b: f64) -> f64 {
    if b == 0.0 && !a.is_nan() {
        return 0.0;
    }
    if !(a > 0.0 && a < 1.0 && a + b > 0.0) {
        return polygamma_step(n, a, b);
    }
    // off the pole by the recurrence: what is left is a^-(n+1) − (a + b)^-(n+1)
    let next = polygamma_step(n, 1.0 + a, b);
    let share = -expm1(f64::from(n + 1) * log1p(-(b / (a + b))));
    let share = if share.is_finite() { share } else { -expm1(f64::from(n + 1) * (log(a) - log(a + b))) };
    let pole = (1..=n).fold(share / a, |p, j| p * (f64::from(j) / a));
    if n & 1 == 1 { next - pole } else { next + pole }
}

/// The same away from 0.
fn polygamma_step(n: u32, a: f64, b: f64) -> f64 {
    let room = if a > 0.0 { a } else { (a - a.round_ties_even()).abs() };
    if b.abs() < room * (0.5 / (f64::from(n) + 5.0)) {
        let (mut sum, mut factor) = (0.0, 1.0);
        for k in 1..40_u32 {
            factor *= b / f64::from(k);
            let term = factor * polygamma(n + k, a);
            sum += term;
            if term.abs() <= 1e-17 * f64::abs(sum) {
                break;
            }
        }
        return sum;
    }
    let sum = two_sum(a, b);
    let regular = |x: f64| x.is_finite() && x.abs() > pow2(-55) && (x > 0.0 || (x > -INTEGERS && x.trunc() != x));
    if n == 0 && regular(a) && regular(sum.hi) {
        return digamma_dd(sum).sub(digamma_dd(Dd::exact(a))).round();
    }
    polygamma(n, sum.hi) - polygamma(n, a)
}

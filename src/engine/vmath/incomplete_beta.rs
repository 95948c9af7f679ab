//! The regularised incomplete beta function I_x(a, b) and all its derivatives.
//!
//! I_x is the integral from 0 to x of the density t^(a−1) (1 − t)^(b−1)/B(a, b). It is computed on the side that does not hold most of the
//! mass, I_x(a, b) = 1 − I_(1−x)(b, a) being the other, by the double exponential formula in v = log(x/t):
//!
//! I_x = x^a y^b/B(a, b) · 1/y ∫ exp(−av + (b − 1) log(1 + (x/y)(1 − e^(−v)))) dv from 0 to ∞, y = 1 − x.
//!
//! As in `incomplete_gamma` the exponents are free of what cancels, parameters below 1 have the pole of their gamma function taken out,
//! and I_x(a, b) = x^a y^b/(a B(a, b)) + I_x(a + 1, b) keeps the long tail of t^(a−1) out of the integral. Derivatives by a and b are
//! the same integrals with a polynomial in log t and log(1 − t); those by x are of the density itself.

use super::called::{exp, expm1, expm1_dd, log_dd, log1p, log1p_dd};
use super::dd::{Dd, two_sum};
use super::gamma::{polygamma, polygamma_difference};
use super::incomplete::{ORDERS, Series, factorial, log_excess, log_series, polynomial, series_exp, series_product, sign_at_zero};
use super::quadrature::HalfLine;
use super::stirling::{LARGE, exp_times, rising_beta_ln, rising_beta_ln_both, rising_beta_ln_left, stirling_rest};
use super::{HIGHEST_ORDER, binomial};

/// ln 2π
const LOG_TWO_PI: Dd = Dd { hi: 1.8378770664093456, lo: -7.756588316134483e-17 };

/// Where nothing but a step is left of the function, at any precision of x.
const HUGE: f64 = 1e300;

/// The parameters and a point, on one of its two sides.
#[derive(Clone, Copy)]
struct Side {
    a: f64,
    b: f64,
    x: Dd,
    y: Dd,
    log_x: Dd,
    log_y: Dd,
}

impl Side {
    fn of(a: f64, b: f64, x: f64) -> Side {
        let at = Dd::exact(x);
        Side { a, b, x: at, y: two_sum(1.0, -x), log_x: log_dd(at), log_y: log1p_dd(at.neg()) }
    }

    fn turned(self) -> Side {
        Side { a: self.b, b: self.a, x: self.y, y: self.x, log_x: self.log_y, log_y: self.log_x }
    }

    /// b·x − a·y, which is 0 at the mean.
    fn beyond_mean(&self) -> Dd {
        self.x.mul_f(self.b).sub(self.y.mul_f(self.a))
    }
}

/// ln 1/B(a, b) without its factor.
fn scale_ln(a: f64, b: f64) -> Dd {
    match (a < 1.0, b < 1.0) {
        (true, true) => rising_beta_ln_both(a, b),
        (true, false) => rising_beta_ln_left(a, b),
        (false, true) => rising_beta_ln_left(b, a),
        (false, false) => rising_beta_ln(Dd::exact(a), Dd::exact(b)),
    }
}

/// ln(x^a y^b/B(a, b)) without the factor of 1/B(a, b).
fn kernel_ln(side: &Side) -> Dd {
    let Side { a, b, x, .. } = *side;
    if a < LARGE || b < LARGE {
        return side.log_x.mul_f(a).add(side.log_y.mul_f(b)).add(scale_ln(a, b));
    }
    // −a(u − log(1 + u)) − b(w − log(1 + w)) with u = x/mean − 1 and w = y/(1 − mean) − 1, and what Stirling's formula has besides
    let (sum, beyond) = (two_sum(a, b), side.beyond_mean());
    let excess = |beyond: Dd, own: f64, x: Dd| {
        let u = beyond.div(Dd::exact(own));
        if u.hi < -0.5 || u.hi > 1.0 { u.sub(log_dd(x.mul(sum).div(Dd::exact(own)))) } else { log_excess(u) }
    };
    let far = excess(beyond, a, x).mul_f(a).add(excess(beyond.neg(), b, side.y).mul_f(b));
    let root = log_dd(Dd::exact(a).div(sum)).add(log_dd(Dd::exact(b))).sub(LOG_TWO_PI).scale(0.5);
    root.sub(far).add_f(stirling_rest(sum.hi) - stirling_rest(a) - stirling_rest(b))
}

/// What stands before the exponential of an integrand or a term.
#[derive(Clone, Copy)]
enum Factor {
    /// 1
    One,
    /// a
    Left,
    /// b
    Right,
    /// a + b
    Sum,
    /// ab/(a + b)
    Both,
    /// b/(a + b)
    Share,
}

impl Factor {
    /// That of 1/B(a, b).
    fn of_density(a: f64, b: f64) -> Factor {
        match (a < 1.0, b < 1.0) {
            (true, true) => Factor::Both,
            (true, false) => Factor::Left,
            (false, true) => Factor::Right,
            (false, false) => Factor::One,
        }
    }

    /// Its derivative of order i by a and j by b.
    fn derivative(self, a: f64, b: f64, i: usize, j: usize) -> f64 {
        let (fi, fj) = (i as f64, j as f64);
        let over = |k: Option<usize>| k.map_or(0.0, |k| (1..=k).fold(1.0 / (a + b), |p, q| p * (-(q as f64) / (a + b))));
        let n = i + j;
        match (self, n) {
            (Factor::One, 0) => 1.0,
            (Factor::Sum, 0) => a + b,
            (Factor::Sum, 1) => 1.0,
            (Factor::One | Factor::Sum, _) => 0.0,
            (Factor::Left, _) if j > 0 || i > 1 => 0.0,
            (Factor::Left, _) => {
                if i == 0 {
                    a
                } else {
                    1.0
                }
            }
            (Factor::Right, _) => Factor::Left.derivative(b, a, j, i),
            (Factor::Both, 0) => b * (a / (a + b)),
            (Factor::Both, _) => {
                let (one, two) = (over(n.checked_sub(1)), over(n.checked_sub(2)));
                a * (b * over(Some(n))) + (fi * b + fj * a) * one + fi * fj * two
            }
            (Factor::Share, _) => b * over(Some(n)) + fj * over(n.checked_sub(1)),
        }
    }
}

/// A polynomial in ℓ₁ = log t + ψ(a + b) − ψ(a) and ℓ₂ = log(1 − t) + ψ(a + b) − ψ(b) (`c[i][j]` for ℓ₁^i ℓ₂^j) and those constants.
struct Weight {
    c: [Series; ORDERS],
    k: usize,
    m: usize,
    shift: (f64, f64),
}

/// exp(h) over itself, differentiated by a and b: from the logarithm's derivatives, of which the first are 0.
fn derivatives(a: f64, b: f64, k: usize, m: usize) -> ([Series; ORDERS], (f64, f64)) {
    // parameters below 1 are those of Γ(a + 1), and both together of Γ(a + b + 1)
    let (low_a, low_b) = (a < 1.0, b < 1.0);
    let (own_a, own_b) = (if low_a { 1.0 + a } else { a }, if low_b { 1.0 + b } else { b });
    let sum = if low_a && low_b { a + b + 1.0 } else { a + b };
    let above = |own: f64, other: f64, low: bool, other_low: bool, n: u32| {
        polygamma_difference(n, own, if low && !other_low { other - 1.0 } else { other })
    };
    let mut e = [[0.0; ORDERS]; ORDERS];
    e[0][0] = 1.0;
    let shift = if k + m == 0 { (0.0, 0.0) } else { (above(own_a, b, low_a, low_b, 0), above(own_b, a, low_b, low_a, 0)) };
    if k + m < 2 {
        return (e, shift);
    }
    let mut h = [[0.0; ORDERS]; ORDERS];
    for (i, row) in h.iter_mut().enumerate().take(k + 1) {
        for (j, h) in row.iter_mut().enumerate().take(m + 1) {
            let n = (i + j) as u32;
            *h = match (i, j) {
                _ if n < 2 => 0.0,
                (_, 0) => above(own_a, b, low_a, low_b, n - 1),
                (0, _) => above(own_b, a, low_b, low_a, n - 1),
                _ => polygamma(n - 1, sum),
            };
        }
    }
    for i in 0..=k {
        for j in 0..=m {
            if i + j == 0 {
                continue;
            }
            // one order less by a, or by b where there is none by a
            let (p, q) = if i > 0 { (i - 1, j) } else { (i, j - 1) };
            let mut total = 0.0;
            for r in 0..=p {
                for s in 0..=q {
                    let log = if i > 0 { h[r + 1][s] } else { h[r][s + 1] };
                    total += binomial(p, r) * binomial(q, s) * log * e[p - r][q - s];
                }
            }
            e[i][j] = total;
        }
    }
    (e, shift)
}

impl Weight {
    fn of(factor: Factor, a: f64, b: f64, k: usize, m: usize) -> Weight {
        let (e, shift) = derivatives(a, b, k, m);
        let mut c = [[0.0; ORDERS]; ORDERS];
        for (i, row) in c.iter_mut().enumerate().take(k + 1) {
            for (j, c) in row.iter_mut().enumerate().take(m + 1) {
                let (p, q) = (k - i, m - j);
                let mut total = 0.0;
                for r in 0..=p.min(ORDERS - 1) {
                    for s in 0..=q {
                        total += binomial(p, r) * binomial(q, s) * factor.derivative(a, b, r, s) * e[p - r][q - s];
                    }
                }
                *c = binomial(k, i) * binomial(m, j) * total;
            }
        }
        Weight { c, k, m, shift }
    }

    fn at(&self, log_x: f64, log_y: f64) -> f64 {
        if self.k + self.m == 0 {
            return self.c[0][0];
        }
        let (first, second) = (log_x + self.shift.0, log_y + self.shift.1);
        (0..self.k).rev().fold(polynomial(&self.c[self.k], self.m, second), |sum, i| sum * first + polynomial(&self.c[i], self.m, second))
    }
}

/// The integral of I_x over its kernel, for a ≥ 1.
fn integral(side: &Side, a: f64, weight: &Weight) -> f64 {
    let less = two_sum(side.b, -1.0);
    let odds = side.x.div(side.y);
    let rate = side.y.mul_f(a).sub(side.x.mul(less)).div(side.y).round();
    let width = rate.max(0.0) + (less.hi.max(0.0) * side.x.hi).sqrt() / side.y.hi;
    let most = 50.0 + 4.0 * (weight.k + weight.m) as f64;
    let mut sum = 0.0;
    for (v, w) in HalfLine::of(1.0 / width) {
        // log((1 − t)/y), and the exponent
        let (climb, exponent) = if less.hi <= 0.0 {
            let climb = log1p(odds.hi * -expm1(-v));
            (climb, a * v - less.hi * climb)
        } else if v < 600.0 {
            let climb = log1p_dd(expm1_dd(Dd::exact(-v)).neg().mul(odds));
            (climb.hi, rate * v + odds.mul_f(v).sub(climb).mul(less).hi)
        } else {
            break;
        };
        if exponent > most {
            break;
        }
        sum += w * exp(-exponent) * weight.at(side.log_x.hi - v, side.log_y.hi + climb);
    }
    sum / side.y.hi
}

/// ∂^k/∂a^k ∂^m/∂b^m I_x(a, b), by the integral from 0 to x.
fn lower(side: &Side, k: usize, m: usize) -> f64 {
    let Side { a, b, .. } = *side;
    let kernel = kernel_ln(side);
    if kernel.hi < -1e5 {
        return 0.0;
    }
    if a >= 1.0 {
        return exp_times(kernel, integral(side, a, &Weight::of(Factor::of_density(a, b), a, b, k, m)));
    }
    let (first, second) = if b < 1.0 { (Factor::Share, Factor::Right) } else { (Factor::One, Factor::Sum) };
    let first = Weight::of(first, a, b, k, m).at(side.log_x.hi, side.log_y.hi);
    let rest = side.x.hi * integral(side, 1.0 + a, &Weight::of(second, a, b, k, m));
    exp_times(kernel, first + rest)
}

/// Whether I_x is the side that is computed: up to the mean, and beyond it where b is so small that nearly all mass is at 1.
fn is_lower(side: &Side) -> bool {
    if side.beyond_mean().hi <= 0.0 {
        return true;
    }
    if side.b >= 1.0 {
        return false;
    }
    let turned = side.turned();
    let share = if side.a < 1.0 { side.a / (side.a + side.b) } else { 1.0 };
    exp_times(kernel_ln(&turned), share) > 0.5
}

/// The values at the ends of every range, NaN outside of the domain; `None` where I_x is to be computed.
fn edge(a: f64, b: f64, x: f64) -> Option<f64> {
    if a.is_nan() || b.is_nan() || a < 0.0 || b < 0.0 || !(0.0..=1.0).contains(&x) || (a == b && (a == 0.0 || a == f64::INFINITY)) {
        return Some(f64::NAN);
    }
    if x == 0.0 || x == 1.0 {
        return Some(x);
    }
    if a == 0.0 || b == f64::INFINITY {
        return Some(1.0);
    }
    if b == 0.0 || a == f64::INFINITY {
        return Some(0.0);
    }
    if a <= HUGE && b <= HUGE {
        return None;
    }
    let mean = (a * 0.25) / (a * 0.25 + b * 0.25);
    Some(if x < mean {
        0.0
    } else if x > mean {
        1.0
    } else {
        0.5
    })
}

/// I_x(a, b), the regularised incomplete beta function.
/// Max 2e-15 relative measured, over max(1, condition number).
pub fn betainc(a: f64, b: f64, x: f64) -> f64 {
    if let Some(value) = edge(a, b, x) {
        return value;
    }
    let side = Side::of(a, b, x);
    if is_lower(&side) { lower(&side, 0, 0).min(1.0) } else { 1.0 - lower(&side.turned(), 0, 0).min(1.0) }
}

/// ∂^k/∂a^k ∂^m/∂b^m ∂^n/∂x^n I_x(a, b).
/// Orders 0 to 3 in all: max 4e-15 relative measured, over max(1, condition number).
pub fn betainc_derivative(k: u32, m: u32, n: u32, a: f64, b: f64, x: f64) -> f64 {
    if k == 0 && m == 0 && n == 0 {
        return betainc(a, b, x);
    }
    if k.max(m).max(n) > HIGHEST_ORDER || k + m > HIGHEST_ORDER || edge(a, b, x).is_some_and(f64::is_nan) {
        return f64::NAN;
    }
    if a > HUGE || b > HUGE {
        return 0.0;
    }
    let (k, m) = (k as usize, m as usize);
    if x == 0.0 || x == 1.0 {
        return match n {
            0 => 0.0,
            _ if x == 0.0 => density_at_zero(a, b, k, m, n as usize - 1),
            _ if n & 1 == 1 => density_at_zero(b, a, m, k, n as usize - 1),
            _ => -density_at_zero(b, a, m, k, n as usize - 1),
        };
    }
    let side = Side::of(a, b, x);
    if n == 0 {
        return if is_lower(&side) { lower(&side, k, m) } else { -lower(&side.turned(), m, k) };
    }
    let (order, step) = (n as usize - 1, x.min(side.y.hi));
    let kernel = kernel_ln(&side).sub(side.log_x).sub(side.log_y).sub(log_dd(Dd::exact(step)).mul_f(order as f64));
    if kernel.hi.is_nan() || kernel.hi < -1e5 {
        return 0.0;
    }
    let weight = Weight::of(Factor::of_density(a, b), a, b, k, m);
    let (log_x, log_y) = (log_series(step / x, order), log_series(-step / side.y.hi, order));
    let mut g = [0.0; ORDERS];
    for (i, g) in g.iter_mut().enumerate() {
        *g = (a - 1.0) * log_x[i] + (b - 1.0) * log_y[i];
    }
    let slope = side.y.mul(two_sum(a, -1.0)).sub(side.x.mul(two_sum(b, -1.0)));
    g[1] = slope.hi / x.max(side.y.hi);
    let factor = times_weight(series_exp(&g, order), &weight, log_x, log_y, (side.log_x.hi, side.log_y.hi), order);
    exp_times(kernel, factor * factorial(order))
}

/// The coefficient of t^order in `density` times the weight's polynomial in the logarithms, given as series and their constants.
fn times_weight(density: Series, weight: &Weight, log_x: Series, log_y: Series, constants: (f64, f64), order: usize) -> f64 {
    let (mut first, mut second) = (log_x, log_y);
    first[0] = constants.0 + weight.shift.0;
    second[0] = constants.1 + weight.shift.1;
    let mut value = [0.0; ORDERS];
    for row in weight.c[..=weight.k].iter().rev() {
        let mut inner = [0.0; ORDERS];
        for c in row[..=weight.m].iter().rev() {
            inner = series_product(&inner, &second, order);
            inner[0] += c;
        }
        value = series_product(&value, &first, order);
        value.iter_mut().zip(inner).for_each(|(value, inner)| *value += inner);
    }
    series_product(&density, &value, order)[order]
}

/// ∂^k/∂a^k ∂^m/∂b^m of the density's derivative of that order at x = +0.
fn density_at_zero(a: f64, b: f64, k: usize, m: usize, order: usize) -> f64 {
    let p = a - 1.0;
    if p > order as f64 {
        return 0.0;
    }
    let weight = Weight::of(Factor::of_density(a, b), a, b, 0, m);
    let scale = scale_ln(a, b);
    if k == 0 && p.trunc() == p && p >= 0.0 {
        // x^p times a power series
        let rest = order - p as usize;
        let log_y = log_series(-1.0, rest);
        let mut g = log_y;
        g.iter_mut().for_each(|c| *c *= b - 1.0);
        let factor = times_weight(series_exp(&g, rest), &weight, [0.0; ORDERS], log_y, (0.0, 0.0), rest);
        return exp_times(scale, factor * factorial(order));
    }
    let factor = weight.at(0.0, 0.0);
    if factor == 0.0 { 0.0 } else { sign_at_zero(p, order, k as u32) * factor.signum() * f64::INFINITY }
}

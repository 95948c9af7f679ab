//! Inverses of the error function and of the normal distribution, and the derivatives of erfcx and log Φ to any order.
//!
//! The inverses are roots found to the last bit: a start good to three digits and two steps of Halley's method, on whichever of erf,
//! erfc and log Φ keeps its digits there. The derivatives are integrals of one sign, or recurrences where their terms have one, since
//! those that calculus gives, 2x·y − 2/√π and −r·(x + r), cancel in a tail.

use super::called::{erf, erfc, erfcx, exp, log, log_ndtr, log1p, ndtr, normal_pdf};
use super::dd::Dd;
use super::quadrature::HalfLine;
use super::{HIGHEST_ORDER, binomial};

const HALF_ROOT_PI: Dd = Dd { hi: 0.886226925452758, lo: -3.8332932499128993e-17 };
const ROOT_2: Dd = Dd { hi: std::f64::consts::SQRT_2, lo: -9.667293313452913e-17 };
const TWO_OVER_ROOT_PI: f64 = std::f64::consts::FRAC_2_SQRT_PI;
const ROOT_2_OVER_PI: f64 = 0.7978845608028654;

/// The inverse of erf; ±∞ at ±1, NaN beyond.
/// Max 1.5 ULP measured, over max(1, condition number).
pub fn erfinv(x: f64) -> f64 {
    let a = x.abs();
    if a == 1.0 {
        return f64::INFINITY.copysign(x);
    }
    if x.is_nan() || a > 1.0 {
        return f64::NAN;
    }
    if a < 1e-9 {
        return HALF_ROOT_PI.mul_f(x).round().copysign(x);
    }
    let s = a * a;
    let mut y = if a < 0.1 {
        // the Taylor series
        HALF_ROOT_PI.hi * a * (1.0 + s * (0.26179938779914946 + s * (0.1439317308492198 + s * 0.09766361950392057)))
    } else {
        // S. Winitzki's approximation, good to 2e-3
        let (l, c) = (log1p(-s), 4.330746750799873);
        let h = c + 0.5 * l;
        ((h * h - l / 0.147).sqrt() - h).sqrt()
    };
    for _ in 0..2 {
        let rest = if a > 0.5 { (1.0 - a) - erfc(y) } else { erf(y) - a };
        let d = rest / (TWO_OVER_ROOT_PI * exp(-y * y));
        y -= d / (1.0 + y * d);
    }
    y.copysign(x)
}

/// The inverse of Φ below 1/4.
fn ndtri_tail(p: f64) -> f64 {
    let l = log(p);
    let t = (-2.0 * l).sqrt();
    // C. Hastings' approximation (Abramowitz and Stegun 26.2.23), good to 4.5e-4
    let mut y = (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
    for _ in 0..2 {
        let r = log_ndtr_slope(y);
        let d = (log_ndtr(y) - l) / r;
        y -= d / (1.0 + 0.5 * d * (y + r));
    }
    y
}

/// The inverse of Φ; ∓∞ at 0 and 1, NaN outside.
/// Max 2.5 ULP measured, over max(1, condition number).
pub fn ndtri(p: f64) -> f64 {
    if p == 0.0 {
        f64::NEG_INFINITY
    } else if p == 1.0 {
        f64::INFINITY
    } else if !(p > 0.0 && p < 1.0) {
        f64::NAN
    } else if p < 0.25 {
        ndtri_tail(p)
    } else if p > 0.75 {
        -ndtri_tail(1.0 - p)
    } else {
        ROOT_2.mul_f(erfinv(2.0 * p - 1.0)).round()
    }
}

/// 1/φ(Φ⁻¹(p)), the derivative of the inverse of Φ: by φ(y) = Φ(y)·r(y), where p stands for Φ(y) and r is tame, since an exponential
/// of y²/2 would magnify the rounding of y a thousandfold.
/// Max 1.6e-15 relative measured.
pub fn ndtri_slope(p: f64) -> f64 {
    let q = if p > 0.5 { 1.0 - p } else { p };
    if q == 0.0 {
        return f64::INFINITY;
    }
    1.0 / (q * log_ndtr_slope(-ndtri(p).abs()))
}

/// The n-th derivative of erfcx, (−1)ⁿ 2/√π ∫ (2t)ⁿ exp(−t² − 2xt) dt from 0 to ∞: an integral of one sign for x > 0; for x < 0 by
/// y⁽ⁿ⁺¹⁾ = 2x·y⁽ⁿ⁾ + 2n·y⁽ⁿ⁻¹⁾, whose terms have one sign there.
/// Max 5e-15 relative measured up to order 10, 3e-13 at order 16.
pub fn erfcx_derivative(n: u32, x: f64) -> f64 {
    if n == 0 || x.is_nan() {
        return erfcx(x);
    }
    if n > HIGHEST_ORDER {
        return f64::NAN;
    }
    let mut power = TWO_OVER_ROOT_PI;
    if x < 0.0 {
        let (mut before, mut y) = (erfcx(x), 2.0 * x * erfcx(x) - TWO_OVER_ROOT_PI);
        for k in 1..n {
            (before, y) = (y, 2.0 * x * y + 2.0 * f64::from(k) * before);
        }
        return y;
    }
    // where t is counted in widths, so that nothing under- or overflows before the result
    let width = 1.0 / ((2.0 * x + 1.4) * (1.0 + 0.25 * f64::from(n)));
    let (square, rate, most) = (width * width, 2.0 * (x * width), 50.0 + 4.0 * f64::from(n));
    if rate.is_nan() {
        return if n & 1 == 1 { -0.0 } else { 0.0 };
    }
    let mut sum = 0.0;
    for (t, weight) in HalfLine::of(1.0) {
        let exponent = t * t * square + rate * t;
        if exponent > most {
            break;
        }
        sum += weight * (0..n).fold(exp(-exponent), |term, _| term * t);
    }
    for _ in 0..n {
        power *= -2.0 * width;
    }
    power * sum * width
}

/// φ(x)/Φ(x), the derivative of log Φ.
fn log_ndtr_slope(x: f64) -> f64 {
    if x < -1.0 { ROOT_2_OVER_PI / erfcx(-x * std::f64::consts::FRAC_1_SQRT_2) } else { normal_pdf(x) / ndtr(x) }
}

/// The n-th derivative of log Φ(x).
///
/// With r = φ/Φ and s = x + r, r′ = −r·s; for x ≥ −½ that is Leibniz' rule n times. In the lower tail s cancels, but log Φ(x) is
/// −x²/2 plus the cumulant generating function of the density proportional to exp(xt − t²/2) on t > 0: s is its mean, and the
/// derivatives from the third are its cumulants.
/// Max 5e-15 relative measured up to order 3, over max(1, condition number), 2e-14 at order 4, 1e-11 at order 12.
pub fn log_ndtr_derivative(n: u32, x: f64) -> f64 {
    if n == 0 || x.is_nan() {
        return log_ndtr(x);
    }
    if n > HIGHEST_ORDER {
        return f64::NAN;
    }
    if n == 1 {
        return log_ndtr_slope(x);
    }
    if x >= SEAM {
        return log_ndtr_upper(n as usize, x);
    }
    if x == f64::NEG_INFINITY {
        return if n == 2 { -1.0 } else { 0.0 };
    }
    log_ndtr_lower(n as usize, x)
}

/// Where the two ways lose equally little.
const SEAM: f64 = -0.5;

const ORDERS: usize = HIGHEST_ORDER as usize + 1;

fn log_ndtr_upper(n: usize, x: f64) -> f64 {
    let (mut r, mut s) = ([0.0; ORDERS], [0.0; ORDERS]);
    r[0] = log_ndtr_slope(x);
    s[0] = x + r[0];
    if r[0] == 0.0 {
        return 0.0;
    }
    for k in 0..n - 1 {
        r[k + 1] = -(0..=k).fold(0.0, |sum, i| sum + binomial(k, i) * r[i] * s[k - i]);
        s[k + 1] = r[k + 1] + if k == 0 { 1.0 } else { 0.0 };
    }
    r[n - 1]
}

/// For −∞ < x < −½; t is counted in widths.
fn log_ndtr_lower(n: usize, x: f64) -> f64 {
    let width = 1.0 / (1.0 + (-x).max(0.0));
    let (half, rate) = (0.5 * width * width, -x * width);
    let most = 50.0 + 4.0 * n as f64;
    let density = |t: f64| half * t * t + rate * t;
    let (mut mass, mut first) = (0.0, 0.0);
    for (t, weight) in HalfLine::of(1.0) {
        let exponent = density(t);
        if exponent > most {
            break;
        }
        let term = weight * exp(-exponent);
        mass += term;
        first += term * t;
    }
    let mean = first / mass;
    if n == 2 {
        return -log_ndtr_slope(x) * (mean * width);
    }
    let mut moments = [0.0; ORDERS];
    for (t, weight) in HalfLine::of(1.0) {
        let exponent = density(t);
        if exponent > most {
            break;
        }
        let mut term = weight * exp(-exponent) / mass;
        for moment in &mut moments[..=n] {
            *moment += term;
            term *= t - mean;
        }
    }
    // cumulants from central moments
    let mut cumulants = [0.0; ORDERS];
    for k in 2..=n {
        cumulants[k] =
            moments[k] - (2..k.saturating_sub(1)).fold(0.0, |sum, i| sum + binomial(k - 1, i - 1) * cumulants[i] * moments[k - i]);
    }
    (0..n).fold(cumulants[n], |cumulant, _| cumulant * width)
}

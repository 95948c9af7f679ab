//! The error function and the normal distribution: a bell times erfcx, which is one polynomial on the whole half-line.

use super::super::dd::{Dd, two_prod};
use super::exponential::exp_of_pair;
use super::logarithm::{log_sum, split};
use super::{polynomial, within};

/// Where the bounded variable of [`ERFCX`] is 0; and √2 times that.
const CENTRE: f64 = 3.75;
const CENTRE_ROOT_2: f64 = 5.303300858899107;

/// (x + 3.75) erfcx(x) in (x − 3.75)/(x + 3.75) over x ≥ 0; the mapping is M. M. Shepherd and J. G. Laframboise's (Math. Comp. 36
/// (1981)).
const ERFCX: [f64; 23] = [
    1.0919229095627891,
    -0.958741576652907,
    0.7363189252217537,
    -0.4904702912079008,
    0.2790620490336852,
    -0.13195540117271704,
    0.04911877861720606,
    -0.012535880111294594,
    0.000986338060145727,
    0.0007948235703551596,
    -0.00034864674071764747,
    1.0592066137231293e-05,
    3.7471310663113975e-05,
    -8.898917523864311e-06,
    -3.288570958593065e-06,
    1.6475119950583854e-06,
    2.7865722181858276e-07,
    -2.543522942113537e-07,
    -2.592284333798498e-08,
    3.387615398931315e-08,
    2.774844499122888e-09,
    -2.8361258364518016e-09,
    -2.299114056507738e-10,
];

/// 2/√π
const SLOPE: Dd = Dd { hi: std::f64::consts::FRAC_2_SQRT_PI, lo: 1.533545961316588e-17 };

/// (erf(x)/x − 2/√π)/x² in x² for |x| ≤ 1.
const ERF: [f64; 11] = [
    -0.3761263890318375,
    0.11283791670954398,
    -0.026866170644838858,
    0.005223977620857795,
    -0.0008548326654375318,
    0.0001205531561733556,
    -1.492513967141986e-05,
    1.6452426695576325e-06,
    -1.6246879043757455e-07,
    1.3885993761269141e-08,
    -8.104604390891201e-10,
];

/// The smaller, as one instruction; `most` for NaN.
#[inline(always)]
fn at_most(x: f64, most: f64) -> f64 {
    if x < most { x } else { most }
}

/// erfcx x for x ≥ 0.
#[inline(always)]
fn erfcx_positive(x: f64) -> f64 {
    let inverse = 1.0 / (x + CENTRE);
    polynomial((x - CENTRE) * inverse, ERFCX) * inverse
}

/// erfcx(x/√2)/2 for x ≥ 0: what Φ(−x) is times exp(−x²/2).
#[inline(always)]
fn mills(x: f64) -> f64 {
    let inverse = 1.0 / (x + CENTRE_ROOT_2);
    polynomial((x - CENTRE_ROOT_2) * inverse, ERFCX) * (inverse * std::f64::consts::FRAC_1_SQRT_2)
}

/// exp(c x²), the square exact.
#[inline(always)]
fn bell(x: f64, c: f64) -> f64 {
    exp_of_pair(two_prod(x, x).scale(c))
}

/// erf x for |x| ≤ 1.
#[inline(always)]
fn erf_series(x: f64) -> f64 {
    let s = x * x;
    SLOPE.hi.mul_add(x, x * s.mul_add(polynomial(s, ERF), SLOPE.lo))
}

/// erf x.
#[inline(always)]
pub fn erf(x: f64) -> f64 {
    let a = at_most(x.abs(), 6.0);
    let far = 1.0 - bell(a, -1.0) * erfcx_positive(a);
    let near = erf_series(x);
    within(!x.is_nan(), if a < 1.0 { near } else { far.copysign(x) })
}

/// 1 − erf x.
#[inline(always)]
pub fn erfc(x: f64) -> f64 {
    let a = at_most(x.abs(), 26.5);
    let tail = bell(a, -1.0) * erfcx_positive(a);
    within(x <= 26.5, if x < 0.0 { 2.0 - tail } else { tail })
}

/// exp(x²) erfc x.
#[inline(always)]
pub fn erfcx(x: f64) -> f64 {
    let tail = erfcx_positive(x.abs());
    within(x >= -26.5, if x < 0.0 { 2.0 * bell(x, 1.0) - tail } else { tail })
}

/// Φ(−a) for 0 ≤ a ≤ 37.5.
#[inline(always)]
fn upper_tail(a: f64) -> f64 {
    bell(a, -0.5) * mills(a)
}

/// Φ(x).
#[inline(always)]
pub fn ndtr(x: f64) -> f64 {
    let tail = upper_tail(at_most(x.abs(), 37.5));
    within(x >= -37.5, if x > 0.0 { 1.0 - tail } else { tail })
}

/// log Φ(x).
#[inline(always)]
pub fn log_ndtr(x: f64) -> f64 {
    let a = x.abs();
    let mills = mills(a);
    let square = two_prod(x, x).scale(-0.5);
    let tail = exp_of_pair(square) * mills;
    let lower = x < 0.0;
    let rest = 1.0 - tail;
    let y = if lower { mills } else { rest };
    let lost = if lower { 0.0 } else { (1.0 - rest) - tail };
    let (e, m) = split(y);
    let l = log_sum(e, (m - 1.0) + lost * (m / y));
    within(x > -1e5 && x < 37.5, if lower { square.hi + (square.lo + l) } else { l })
}

//! The error function and the normal distribution: a bell times erfcx, which is one polynomial on the whole half-line.

use super::super::dd::{Dd, two_prod, two_sum};
use super::exponential::{exp_of_pair, exp_roughly};
use super::logarithm::{log_sum, split};
use super::{divide, polynomial, within};

/// Where the bounded variable of [`ERFCX`] is 0.
const CENTRE: f64 = 3.75;

/// (x + 3.75) erfcx(x) in (x − 3.75)/(x + 3.75) over x ≥ 0; the mapping is M. M. Shepherd and J. G. Laframboise's (Math. Comp. 36
/// (1981)).
const ERFCX: [f64; 24] = [
    1.0919229095627891,
    -0.9587415766529095,
    0.7363189252217537,
    -0.49047029120768826,
    0.2790620490336852,
    -0.13195540117824336,
    0.04911877861720606,
    -0.012535880044978472,
    0.000986338060145727,
    0.0007948231282476774,
    -0.00034864674071764747,
    1.0593866720431546e-05,
    3.7471310663113975e-05,
    -8.903626741464975e-06,
    -3.288570958593065e-06,
    1.6555849395166649e-06,
    2.7865722181858276e-07,
    -2.633749968411953e-07,
    -2.592284333798498e-08,
    4.020787513306164e-08,
    2.774844499122888e-09,
    -5.368814293951196e-09,
    -2.299114056507738e-10,
    4.4046755782598165e-10,
];

/// 2/√π
const SLOPE: Dd = Dd { hi: std::f64::consts::FRAC_2_SQRT_PI, lo: 1.533545961316588e-17 };

/// Where the bounded variable of [`MILLS`] is 0.
const NORMAL_CENTRE: f64 = 5.0;

/// (x + 5) Φ(−x) exp(x²/2) in (x − 5)/(x + 5) over 0 ≤ x ≤ 38.
const MILLS: [f64; 22] = [
    0.769193049750063,
    -0.6653825028900567,
    0.4953056159699749,
    -0.31353315667130627,
    0.1650203661704623,
    -0.06911863870623705,
    0.020795066798313857,
    -0.0029933767719661575,
    -0.0007978693823882343,
    0.000544899080683954,
    -5.9375822030086334e-05,
    -4.9762916825880076e-05,
    1.6681543623882277e-05,
    3.981308166432887e-06,
    -2.7699596437293788e-06,
    -3.376115324794395e-07,
    4.3394445845078183e-07,
    4.374976872319099e-08,
    -6.63002061670098e-08,
    -1.0519395619333178e-08,
    7.50967732409573e-09,
    2.1710065525026987e-09,
];

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

/// What Φ(−x) is times exp(−x²/2), for 0 ≤ x ≤ 38.
#[inline(always)]
fn mills(x: f64) -> f64 {
    let inverse = 1.0 / (x + NORMAL_CENTRE);
    polynomial((x - NORMAL_CENTRE) * inverse, MILLS) * inverse
}

/// The same with the rounding of the bounded variable made good, which the polynomial magnifies where x is small.
#[inline(always)]
fn mills_closely(x: f64) -> f64 {
    let (above, below) = (two_sum(x, -NORMAL_CENTRE), two_sum(x, NORMAL_CENTRE));
    let inverse = 1.0 / below.hi;
    let u = divide(above, below).round();
    let close = (-inverse).mul_add(below.hi, 1.0) - inverse * below.lo;
    polynomial(u, MILLS) * inverse.mul_add(close, inverse)
}

/// exp(c x²), the square exact.
#[inline(always)]
fn bell(x: f64, c: f64) -> f64 {
    exp_roughly(two_prod(x, x).scale(c))
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
    let mills = mills(at_most(a, 38.0));
    let square = two_prod(x, x).scale(-0.5);
    let tail = exp_roughly(square) * mills;
    let lower = x < 0.0;
    let rest = 1.0 - tail;
    let y = if lower { mills } else { rest };
    let lost = if lower { 0.0 } else { (1.0 - rest) - tail };
    let (e, m) = split(y);
    let l = log_sum(e, (m - 1.0) + lost * (m / y));
    within(x.abs() <= 37.5, if lower { square.hi + (square.lo + l) } else { l })
}

/// x Φ(x), closer than Φ(x) itself: an activation is held to the bound of the elementary functions.
#[inline(always)]
pub fn gelu(x: f64) -> f64 {
    let a = at_most(x.abs(), 37.0);
    let tail = exp_of_pair(two_prod(a, a).scale(-0.5)) * mills_closely(a);
    within(x >= -37.0 && x <= f64::MAX, x * if x > 0.0 { 1.0 - tail } else { tail })
}

//! sin and cos by one reduction, and the inverse functions.

use super::super::dd::{Dd, fast_two_sum, two_prod, two_sum};
use super::super::kernels::ROUND;
use super::{divide, or_zero, polynomial, within};

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// Beyond it the reduction would lose digits next to the multiples of π/2.
const RANGE: f64 = 1048576.0;

/// π/2 less [`FRAC_PI_2`], and less both.
const FRAC_PI_2_LO: f64 = 6.123233995736766e-17;
const FRAC_PI_2_LOWEST: f64 = -1.4973849048591698e-33;

/// (sin r − r)/r³ in r² for |r| ≤ π/4.
const SINE: [f64; 6] = [
    -0.16666666666666666,
    0.00833333333333095,
    -0.00019841269836759747,
    2.7557316103081225e-06,
    -2.5051131942415874e-08,
    1.5918135575591308e-10,
];

/// (cos r − 1 + r²/2)/r⁴ in r² for |r| ≤ π/4.
const COSINE: [f64; 6] = [
    0.041666666666666664,
    -0.0013888888888887398,
    2.4801587298766336e-05,
    -2.7557317272022115e-07,
    2.0876146322214603e-09,
    -1.1382635892451436e-11,
];

/// x as k π/2 + r, |r| ≤ π/4, for |x| ≤ [`RANGE`]: (k + ROUND as bits, r).
#[inline(always)]
fn reduce(x: f64) -> (u64, Dd) {
    let shifted = x.mul_add(std::f64::consts::FRAC_2_PI, ROUND);
    let k = shifted - ROUND;
    let a = k.mul_add(-FRAC_PI_2, x); // exact: a multiple of 2^-53 below 1
    let p = two_prod(k, FRAC_PI_2_LO);
    let s = two_sum(a, -p.hi);
    (shifted.to_bits(), fast_two_sum(s.hi, k.mul_add(-FRAC_PI_2_LOWEST, s.lo - p.lo)))
}

/// sin(r + quadrant · π/2).
#[inline(always)]
fn turned(quadrant: u64, r: Dd) -> f64 {
    let x = r.hi;
    let z = x * x;
    let cube = z * x;
    let sine = x + cube.mul_add(polynomial(z, SINE), z.mul_add(-0.5 * r.lo, r.lo));
    let half = 0.5 * z;
    let w = 1.0 - half;
    let lost = (1.0 - w) - half;
    let cosine = w + (z * z).mul_add(polynomial(z, COSINE), x.mul_add(-r.lo, lost));
    let y = if quadrant & 1 == 0 { sine } else { cosine };
    f64::from_bits(y.to_bits() ^ ((quadrant & 2) << 62))
}

/// sin x.
#[inline(always)]
pub fn sin(x: f64) -> f64 {
    let (k, r) = reduce(x);
    within(x.abs() <= RANGE, or_zero(x, turned(k, r)))
}

/// cos x.
#[inline(always)]
pub fn cos(x: f64) -> f64 {
    let (k, r) = reduce(x);
    within(x.abs() <= RANGE, turned(k.wrapping_add(1), r))
}

/// (atan x − x)/x³ in x² for |x| ≤ √2 − 1.
const ARCTANGENT: [f64; 12] = [
    -0.3333333333333333,
    0.1999999999999981,
    -0.14285714285661172,
    0.11111111105277102,
    -0.09090908759150931,
    0.07692296528185892,
    -0.06666427474803975,
    0.05878957114533005,
    -0.052306504658177884,
    0.045524434824376084,
    -0.03459138921818257,
    0.016307790678819534,
];

/// arctan x, by the addition theorem with 0, π/4 or π/2.
#[inline(always)]
pub fn atan(x: f64) -> f64 {
    const NEAR: f64 = std::f64::consts::SQRT_2 - 1.0;
    const FAR: f64 = std::f64::consts::SQRT_2 + 1.0;
    let a = x.abs();
    let (near, far) = (a < NEAR, a > FAR);
    let one = if far { 0.0 } else { 1.0 };
    let (above, below) = (two_sum(a, -1.0), two_sum(a, one));
    let above = if near { Dd::exact(a) } else { above };
    let above = if far { Dd::exact(-1.0) } else { above };
    let below = if near { Dd::exact(1.0) } else { below };
    let base = if near { 0.0 } else { FRAC_PI_4 };
    let base = if far { FRAC_PI_2 } else { base };
    let low = base * (FRAC_PI_2_LO / FRAC_PI_2);
    let t = divide(above, below);
    let z = t.hi * t.hi;
    let y = base + (t.hi + (z * t.hi).mul_add(polynomial(z, ARCTANGENT), low + t.lo));
    y.copysign(x)
}

/// (asin x − x)/x³ in x² for |x| ≤ 1/2.
const ARCSINE: [f64; 12] = [
    0.16666666666666646,
    0.07500000000021978,
    0.04464285710146497,
    0.030381947490254527,
    0.022372043664706378,
    0.017355334434132383,
    0.013928781847841392,
    0.011882032645784928,
    0.0077714397645414456,
    0.016129764409156828,
    -0.010908304349000406,
    0.028285381520428275,
];

/// For |x| ≤ 1/2 (x, asin x − x), beyond that (r, asin √z − r) with r near the root of z = (1 − |x|)/2, the sine of half the angle
/// left to π/2; NaN at |x| = 1.
#[inline(always)]
fn arcsine(x: f64) -> (bool, f64, f64) {
    let a = x.abs();
    let near = a <= 0.5;
    let z = if near { x * x } else { 0.5 - 0.5 * a };
    let root = z.sqrt();
    let lost = (-root).mul_add(root, z) * (0.5 / root);
    let r = if near { x } else { root };
    let lost = if near { 0.0 } else { lost };
    (near, r, (r * z).mul_add(polynomial(z, ARCSINE), lost))
}

/// arcsin x.
#[inline(always)]
pub fn asin(x: f64) -> f64 {
    let (near, r, rest) = arcsine(x);
    let s = fast_two_sum(FRAC_PI_2, -2.0 * r);
    let far = s.hi + (s.lo + (-2.0f64).mul_add(rest, FRAC_PI_2_LO));
    let y = if near { r + rest } else { far };
    y.copysign(x)
}

/// arccos x.
#[inline(always)]
pub fn acos(x: f64) -> f64 {
    let (near, r, rest) = arcsine(x);
    let (quarter, low) = if near { (FRAC_PI_2, FRAC_PI_2_LO) } else { (PI, 2.0 * FRAC_PI_2_LO) };
    let times = if near { 1.0 } else { 2.0 };
    let s = fast_two_sum(quarter, -times * r);
    let left = s.hi + (s.lo + (-times).mul_add(rest, low));
    if x > 0.5 { 2.0 * (r + rest) } else { left }
}

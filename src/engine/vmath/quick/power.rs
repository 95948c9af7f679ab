//! x^y as exp(y log x), the logarithm in double-double, and 1/√x.

use super::super::dd::{Dd, fast_two_sum, two_prod};
use super::super::kernels::{LN2_HI, LN2_LO, ROUND};
use super::exponential::{RANGE, exp_of_pair};
use super::logarithm::{positive_normal, split};
use super::{divide, polynomial, within};

/// The coefficient of s³ in 2 atanh s.
const CUBIC: Dd = Dd { hi: 0.6666666666666666, lo: 3.700743415417188e-17 };

/// What follows it, (2 atanh s − 2s − 2/3 s³)/s⁵ in s² for |s| ≤ 0.1717.
const TAIL: [f64; 8] = [
    0.4,
    0.2857142857142938,
    0.22222222221648785,
    0.18181818336948682,
    0.15384594800975038,
    0.13334813266045598,
    0.11706011648241786,
    0.11725484483139675,
];

/// log x for a normal x > 0, good to 2^-65.
#[inline(always)]
fn log_pair(x: f64) -> Dd {
    let (e, m) = split(x);
    let f = m - 1.0;
    let s = divide(Dd::exact(f), fast_two_sum(2.0, f));
    let z = s.square();
    let p = fast_two_sum(CUBIC.hi, z.hi * polynomial(z.hi, TAIL));
    let t = s.mul(z).mul(Dd::new(p.hi, z.lo.mul_add(TAIL[0], p.lo + CUBIC.lo)));
    let l = fast_two_sum(2.0 * s.hi, t.hi);
    let l_lo = l.lo + 2.0f64.mul_add(s.lo, t.lo);
    let sum = fast_two_sum(e * LN2_HI, l.hi);
    fast_two_sum(sum.hi, sum.lo + e.mul_add(LN2_LO, l_lo))
}

/// x^y.
#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    let a = x.abs();
    let l = log_pair(a);
    let p = two_prod(y, l.hi);
    let power = exp_of_pair(Dd::new(p.hi, y.mul_add(l.lo, p.lo)));
    let shifted = y + ROUND;
    let integer = shifted - ROUND == y && y.abs() < 1125899906842624.0;
    let sign = shifted.to_bits() << 63 & x.to_bits();
    let signed = f64::from_bits(power.to_bits() | sign);
    within(positive_normal(a) && p.hi.abs() <= RANGE && (x > 0.0 || integer), signed)
}

/// 1/√x: what the root lacks, then what the quotient lacks.
#[inline(always)]
pub fn rsqrt(x: f64) -> f64 {
    let s = x.sqrt();
    let y = 1.0 / s;
    let low = 0.5 * (-s).mul_add(s, x) * y;
    let rest = (-y).mul_add(s, 1.0) - y * low;
    within(x >= 1e-270 && x <= f64::MAX, y.mul_add(rest, y))
}

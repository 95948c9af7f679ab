//! The exponential, logarithm, sine and cosine as double-doubles, good to about 2^-66 relative:
//! every public function that needs more than one rounding starts from one of these.
//!
//! The arguments are finite and in the stated range: the kernels never test for NaN, infinities
//! or overflow, since each caller has its own limits to cut off at.
//!
//! Method: reduction against a table (P. T. P. Tang, ACM TOMS 15 (1989) for the exponential,
//! TOMS 16 (1990) for the logarithm), then Taylor's polynomial whose first two terms are kept
//! exactly. With |r| < 2^-7 the plain coefficients lose nothing to minimax ones.

use super::dd::{Dd, fast_two_sum, two_prod, two_sum};
use super::pow2;
use super::tables::{EXP2_64, LOG_128, LOG_OFFSET};

pub(super) const LN2: Dd = Dd { hi: std::f64::consts::LN_2, lo: 2.3190468138462996e-17 };
pub(super) const INV_LN2: Dd = Dd { hi: std::f64::consts::LOG2_E, lo: 2.0355273740931033e-17 };
pub(super) const INV_LN10: Dd = Dd { hi: std::f64::consts::LOG10_E, lo: 1.098319650216765e-17 };
pub(super) const PI: Dd = Dd { hi: std::f64::consts::PI, lo: 1.2246467991473532e-16 };

/// ln 2 / 64 in 36 bits, so that k times it is exact for |k| < 2^17, and the rest.
const STEP_HI: f64 = 0.010830424696223417;
const STEP_LO: f64 = 2.572804622327669e-14;
const STEPS_PER_UNIT: f64 = 92.33248261689366;

/// ln 2 in 42 bits, exact times any exponent, and the rest.
pub(super) const LN2_HI: f64 = 0.6931471805598903;
pub(super) const LN2_LO: f64 = 5.497923018708371e-14;

/// Adding and subtracting it rounds to the nearest integer (|x| < 2^51) in two operations on any
/// CPU; `round_ties_even` is a libcall before SSE4.1.
pub(super) const ROUND: f64 = 6755399441055744.0; // 1.5 · 2^52

/// Splits k = 64 e + i: (e, 2^(i/64)).
#[inline(always)]
fn exp2_step(k: f64) -> (i32, Dd) {
    let k = k as i32;
    let (hi, lo) = EXP2_64[(k & 63) as usize];
    (k >> 6, Dd::new(hi, lo))
}

/// x as k ln2/64 + r, |r| < 0.0055, for |x| < 1100: (k, r).
#[inline(always)]
fn exp_reduce(x: Dd) -> (f64, Dd) {
    let k = (x.hi * STEPS_PER_UNIT + ROUND) - ROUND;
    let a = k.mul_add(-STEP_HI, x.hi); // exact, by Sterbenz
    let p = two_prod(k, STEP_LO);
    let s = two_sum(a, -p.hi);
    (k, fast_two_sum(s.hi, s.lo + (x.lo - p.lo)))
}

/// expm1 for |r| < 0.0055.
#[inline(always)]
fn expm1_reduced(r: Dd) -> Dd {
    let x = r.hi;
    let s = two_prod(x, x);
    let q = 1.0 / 120.0 + x * (1.0 / 720.0 + x * (1.0 / 5040.0));
    let tail = x * s.hi * (1.0 / 6.0 + x * (1.0 / 24.0 + x * q));
    let h = fast_two_sum(x, 0.5 * s.hi);
    fast_two_sum(h.hi, h.lo + (tail + (r.lo + x.mul_add(r.lo, 0.5 * s.lo))))
}

/// e^x = 2^e · d with 0.99 < d < 2.01, for |x| < 1100: (e, d).
#[inline(always)]
pub(super) fn exp_parts(x: Dd) -> (i32, Dd) {
    let (k, r) = exp_reduce(x);
    let (e, t) = exp2_step(k);
    (e, t.add(t.mul(expm1_reduced(r))))
}

/// e^x as one double-double, for |x| < 600, where neither part leaves the normal range.
#[inline(always)]
pub(super) fn exp_dd(x: Dd) -> Dd {
    let (e, d) = exp_parts(x);
    d.scale(pow2(e))
}

/// e^x − 1, relatively accurate at 0 too, for |x| < 600.
#[inline(always)]
pub(super) fn expm1_dd(x: Dd) -> Dd {
    let (k, r) = exp_reduce(x);
    let p = expm1_reduced(r);
    if k == 0.0 {
        return p;
    }
    let (e, t) = exp2_step(k);
    t.add(t.mul(p)).scale(pow2(e)).add_f(-1.0)
}

/// log(1 + r) for |r| < 2^-7.
#[inline(always)]
fn log1p_reduced(r: Dd) -> Dd {
    let x = r.hi;
    let s = two_prod(x, x);
    let c = 1.0 / 7.0 - x * (1.0 / 8.0 - x * (1.0 / 9.0 - x * 0.1));
    let q = x * s.hi * (1.0 / 3.0 - x * (0.25 - x * (0.2 - x * (1.0 / 6.0 - x * c))));
    let h = fast_two_sum(x, -0.5 * s.hi);
    fast_two_sum(h.hi, h.lo + (q + (x.mul_add(-r.lo, r.lo) - 0.5 * s.lo)))
}

/// x = 2^e · m with m in [0.705, 1.41), for x > 0: (e, log m).
#[inline(always)]
pub(super) fn log_parts(x: Dd) -> (f64, Dd) {
    let (z, bias) = if x.hi < f64::MIN_POSITIVE { (x.hi * pow2(54), 54.0) } else { (x.hi, 0.0) };
    let bits = z.to_bits();
    let t = bits.wrapping_sub(LOG_OFFSET);
    let (c, log_hi, log_lo) = LOG_128[((t >> 45) & 127) as usize];
    let e = t.cast_signed() >> 52;
    let m = f64::from_bits(bits.wrapping_sub(t & 0xfff0_0000_0000_0000));
    // A constant 0 takes no operations; 2^-e may itself be out of range, so it is two factors.
    let m_lo = if x.lo == 0.0 {
        0.0
    } else {
        let k = -(e as i32);
        x.lo * pow2(k / 2) * pow2(k - k / 2)
    };
    let p = two_prod(m, c);
    let r = two_sum(p.hi - 1.0, m_lo.mul_add(c, p.lo));
    let l = log1p_reduced(r);
    let s = two_sum(log_hi, l.hi);
    (e as f64 - bias, fast_two_sum(s.hi, s.lo + (log_lo + l.lo)))
}

/// log x for finite x > 0.
#[inline(always)]
pub(super) fn log_dd(x: Dd) -> Dd {
    let (e, l) = log_parts(x);
    if e == 0.0 {
        return l;
    }
    let s = fast_two_sum(e * LN2_HI, l.hi);
    fast_two_sum(s.hi, s.lo + e.mul_add(LN2_LO, l.lo))
}

/// log(1 + u) for finite u > −1, relatively accurate at 0 too.
#[inline(always)]
pub(super) fn log1p_dd(u: Dd) -> Dd {
    if u.hi.abs() < 0.00390625 { log1p_reduced(u) } else { log_dd(u.add_f(1.0)) }
}

/// sin t for |t| ≤ π/4 + 2^-20.
#[inline(always)]
pub(super) fn sin_dd(t: Dd) -> Dd {
    const SIXTH: Dd = Dd { hi: 1.0 / 6.0, lo: 9.25185853854297e-18 };
    let s = t.square();
    let x = s.hi;
    let p = 1.0 / 6227020800.0 - x * (1.0 / 1307674368000.0 - x * (1.0 / 355687428096000.0 - x / 121645100408832000.0));
    let p = 1.0 / 120.0 - x * (1.0 / 5040.0 - x * (1.0 / 362880.0 - x * (1.0 / 39916800.0 - x * p)));
    let cubic = s.mul(SIXTH);
    t.sub(t.mul(cubic.add_f(-(x * x * p))))
}

/// cos t for |t| ≤ π/4 + 2^-20.
#[inline(always)]
pub(super) fn cos_dd(t: Dd) -> Dd {
    const TWENTY_FOURTH: Dd = Dd { hi: 1.0 / 24.0, lo: 2.3129646346357427e-18 };
    let s = t.square();
    let x = s.hi;
    let p = 1.0 / 479001600.0
        - x * (1.0 / 87178291200.0 - x * (1.0 / 20922789888000.0 - x * (1.0 / 6402373705728000.0 - x / 2432902008176640000.0)));
    let p = 1.0 / 720.0 - x * (1.0 / 40320.0 - x * (1.0 / 3628800.0 - x * p));
    let quartic = s.square().mul(TWENTY_FOURTH).add_f(-(x * x * x * p));
    quartic.add(s.scale(-0.5)).add_f(1.0)
}

/// x = n/2 + f exactly with |f| ≤ 1/4, for |x| < 2^52: (n mod 4, πf).
#[inline(always)]
pub(super) fn half_turns(x: f64) -> (i64, Dd) {
    let n = (2.0 * x).round_ties_even();
    ((n as i64) & 3, PI.mul_f(0.5f64.mul_add(-n, x)))
}

/// sin(πx) and cos(πx) for |x| < 2^52.
#[inline(always)]
pub(super) fn sincospi_dd(x: f64) -> (Dd, Dd) {
    let (n, t) = half_turns(x);
    let (s, c) = (sin_dd(t), cos_dd(t));
    match n {
        0 => (s, c),
        1 => (c, s.neg()),
        2 => (s.neg(), c.neg()),
        _ => (c.neg(), s),
    }
}

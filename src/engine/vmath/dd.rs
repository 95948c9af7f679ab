//! Double-double arithmetic: an unevaluated sum `hi + lo` with |lo| ≤ ulp(hi)/2, about 106 bits.
//!
//! The compound functions are evaluated in it and rounded once, which is what holds them near
//! 0.5 ULP without an error analysis for each. It never touches exponents near the ends of the
//! range on its own: callers cut those off first, and `round_scaled` is the only way back into
//! subnormals, because it is the only place that rounds there once instead of twice.
//!
//! Sources: T. J. Dekker, Numer. Math. 18 (1971); Knuth, TAOCP 2, 4.2.2; M. Joldes, J.-M. Muller,
//! V. Popescu, "Tight and rigorous error bounds for basic building blocks of double-word
//! arithmetic", ACM TOMS 44 (2017).

use super::pow2;

#[derive(Clone, Copy, Debug)]
pub(super) struct Dd {
    pub hi: f64,
    pub lo: f64,
}

/// a + b exactly, for |a| ≥ |b| or a = 0 (Dekker).
#[inline(always)]
pub(super) fn fast_two_sum(a: f64, b: f64) -> Dd {
    let hi = a + b;
    Dd { hi, lo: b - (hi - a) }
}

/// a + b exactly, in any order (Knuth).
#[inline(always)]
pub(super) fn two_sum(a: f64, b: f64) -> Dd {
    let hi = a + b;
    let bb = hi - a;
    Dd { hi, lo: (a - (hi - bb)) + (b - bb) }
}

/// a · b exactly, short of underflow of the low part. The fused product is worth its libcall on
/// plain x86-64: Dekker's splitting takes seventeen operations and overflows above 2^996.
#[inline(always)]
pub(super) fn two_prod(a: f64, b: f64) -> Dd {
    let hi = a * b;
    Dd { hi, lo: a.mul_add(b, -hi) }
}

impl Dd {
    #[inline(always)]
    pub fn new(hi: f64, lo: f64) -> Self {
        Dd { hi, lo }
    }

    /// An exact double.
    #[inline(always)]
    pub fn exact(x: f64) -> Self {
        Dd { hi: x, lo: 0.0 }
    }

    /// The nearest double.
    #[inline(always)]
    pub fn round(self) -> f64 {
        self.hi + self.lo
    }

    #[inline(always)]
    pub fn neg(self) -> Self {
        Dd::new(-self.hi, -self.lo)
    }

    #[inline(always)]
    pub fn add_f(self, b: f64) -> Self {
        let s = two_sum(self.hi, b);
        fast_two_sum(s.hi, s.lo + self.lo)
    }

    /// The accurate sum: keeps its relative error (3·2^-106) when the high parts cancel.
    #[inline(always)]
    pub fn add(self, b: Dd) -> Self {
        let s = two_sum(self.hi, b.hi);
        let t = two_sum(self.lo, b.lo);
        let u = fast_two_sum(s.hi, s.lo + t.hi);
        fast_two_sum(u.hi, u.lo + t.lo)
    }

    #[inline(always)]
    pub fn sub(self, b: Dd) -> Self {
        self.add(b.neg())
    }

    #[inline(always)]
    pub fn mul_f(self, b: f64) -> Self {
        let p = two_prod(self.hi, b);
        fast_two_sum(p.hi, self.lo.mul_add(b, p.lo))
    }

    #[inline(always)]
    pub fn mul(self, b: Dd) -> Self {
        let p = two_prod(self.hi, b.hi);
        fast_two_sum(p.hi, p.lo + self.hi.mul_add(b.lo, self.lo * b.hi))
    }

    #[inline(always)]
    pub fn square(self) -> Self {
        let p = two_prod(self.hi, self.hi);
        fast_two_sum(p.hi, (2.0 * self.hi).mul_add(self.lo, p.lo))
    }

    /// One Newton correction of the rounded quotient.
    #[inline(always)]
    pub fn div(self, b: Dd) -> Self {
        let q = self.hi / b.hi;
        let r = (-q).mul_add(b.hi, self.hi) + (self.lo - q * b.lo);
        fast_two_sum(q, r / b.hi)
    }

    /// For self > 0.
    #[inline(always)]
    pub fn sqrt(self) -> Self {
        let s = self.hi.sqrt();
        let r = (-s).mul_add(s, self.hi) + self.lo;
        fast_two_sum(s, 0.5 * r / s)
    }

    /// Exact product with a power of two.
    #[inline(always)]
    pub fn scale(self, power_of_two: f64) -> Self {
        Dd::new(self.hi * power_of_two, self.lo * power_of_two)
    }

    /// self · 2^k rounded once, for 2^-10 < |self| < 2^10 and any k.
    #[inline(always)]
    pub fn round_scaled(self, k: i32) -> f64 {
        if k > 1000 {
            if k > 1040 {
                return self.hi * f64::INFINITY;
            }
            return self.round() * pow2(1000) * pow2(k - 1000);
        }
        if k >= -1010 {
            return self.round() * pow2(k);
        }
        if k < -1090 {
            return 0.0_f64.copysign(self.hi);
        }
        let w = self.scale(pow2(k + 1022));
        if w.hi.abs() >= 1.0 {
            return w.round() * pow2(-1022);
        }
        // In [1, 2) the grid of doubles is that of the subnormals scaled by 2^1022: let the sum
        // with ±1 do the one rounding there.
        let one = 1.0_f64.copysign(self.hi);
        let s = fast_two_sum(one, w.hi);
        let r = ((s.hi + (s.lo + w.lo)) - one) * pow2(-1022);
        r.copysign(self.hi)
    }
}

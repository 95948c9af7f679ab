//! Products of many numbers that neither overflow nor vanish on the way.

use super::vector;
use crate::engine::vmath;

/// mantissa·2^exponent, the mantissa between ½ and 1 in size; or 0, or not finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scaled {
    mantissa: f64,
    exponent: i64,
}

impl Scaled {
    pub(super) const ONE: Scaled = Scaled { mantissa: 0.5, exponent: 1 };

    #[inline(always)]
    pub(super) fn of(x: f64) -> Scaled {
        let exponent = vector::exponent(x);
        Scaled { mantissa: vector::scaled(x, -exponent), exponent: i64::from(exponent) }
    }

    #[inline(always)]
    pub(super) fn times(self, other: Scaled) -> Scaled {
        let product = Scaled::of(self.mantissa * other.mantissa);
        Scaled { exponent: product.exponent + self.exponent + other.exponent, ..product }
    }

    /// The product of all.
    #[inline(always)]
    pub(super) fn product(values: impl Iterator<Item = f64>) -> Scaled {
        values.fold(Scaled::ONE, |product, value| product.times(Scaled::of(value)))
    }

    /// As a plain number times 2^`power`, rounded once.
    #[inline(always)]
    pub(super) fn value(self, power: i64) -> f64 {
        vector::scaled(self.mantissa, (self.exponent + power).clamp(-5000, 5000) as i32)
    }

    #[inline(always)]
    pub(super) fn exponent(self) -> i64 {
        self.exponent
    }

    #[inline(always)]
    pub(super) fn mantissa(self) -> f64 {
        self.mantissa
    }

    /// log|x|, −∞ of 0.
    #[inline(always)]
    pub(super) fn log(self) -> f64 {
        let whole = self.value(0).abs();
        if whole.is_normal() || self.mantissa == 0.0 || !self.mantissa.is_finite() {
            return vmath::log(whole);
        }
        (self.exponent as f64).mul_add(std::f64::consts::LN_2, vmath::log(self.mantissa.abs()))
    }
}

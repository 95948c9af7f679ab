//! The quick forms: elementary functions without a branch, so that a loop over a tile becomes vector code.
//!
//! Each answers wherever arguments usually are and declines elsewhere (subnormals, infinities, arguments out of the domain, far
//! tails) by NaN. The function of the same name in the module above takes the quick form's answer, or where that is NaN works the
//! value out at length; it is what defines the function. A loop over a tile may therefore run the quick form over all of it and go
//! back to the elements that were declined: the bits cannot differ, since each element meets the same operations either way.
//!
//! What keeps the loops vectorised: multiplications and additions fused by hand (`mul_add`), selections between two values that are
//! both there, exponents made and taken apart as bits, polynomials in place of tables, whose gathers cost more on AVX2. There are no
//! conversions between integers and doubles here, which AVX2 has not: an integer below 2^51 is read off the bits of itself plus
//! [`ROUND`].
//!
//! The polynomials are truncated Chebyshev series over the stated range, which is to say within a hair of the best; `tables.py`
//! prints them.

mod activation;
mod exponential;
mod hyperbolic;
mod logarithm;
mod normal;
mod power;
mod trigonometric;

pub use activation::{log_sigmoid, sigmoid, silu, softplus};
pub use exponential::{exp, exp2, expm1};
pub use hyperbolic::{cosh, sech2, sinh, tanh};
pub use logarithm::{log, log1p, log2, log10};
pub use normal::{erf, erfc, erfcx, gelu, log_ndtr, ndtr};
pub use power::{pow, rsqrt};
pub use trigonometric::{acos, asin, atan, cos, sin};

use super::dd::Dd;

/// `y`, or NaN where the quick form declines.
#[inline(always)]
fn within(range: bool, y: f64) -> f64 {
    if range { y } else { f64::NAN }
}

/// `y`, or at zero x itself, whose sign the sums on the way would lose.
#[inline(always)]
fn or_zero(x: f64, y: f64) -> f64 {
    if x == 0.0 { x } else { y }
}

/// c₀ + c₁x + c₂x² + …, from the highest power down.
#[inline(always)]
fn polynomial<const N: usize>(x: f64, c: [f64; N]) -> f64 {
    let mut sum = c[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        sum = sum.mul_add(x, c[i]);
    }
    sum
}

/// A quotient of double-doubles with one division: the low part is that of the rounded reciprocal's residual.
#[inline(always)]
fn divide(a: Dd, b: Dd) -> Dd {
    let inverse = 1.0 / b.hi;
    let q = a.hi * inverse;
    let rest = (-q).mul_add(b.hi, a.hi) + (-q).mul_add(b.lo, a.lo);
    Dd::new(q, rest * inverse)
}

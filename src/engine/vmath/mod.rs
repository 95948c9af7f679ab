//! The scalar binary64 functions under every operator.
//!
//! Nothing here calls the platform's mathematical library: std's sin, exp, ln and powf differ by
//! platform, and a service must give the same bits wherever it runs. What is used from std is
//! exact by IEEE 754: square root, fused multiply-add, rounding to integers, sign and bits. The
//! functions never allocate, never panic, keep no state, and take any double; NaN goes through
//! unless a function's comment says otherwise (a NaN's payload and sign are not specified).
//!
//! They are `inline(always)` for one reason: the loops over blocks are compiled twice, for plain
//! x86-64 and with AVX2 and FMA, and `mul_add` is one instruction only in a copy inlined into the
//! latter, a library call otherwise. The bits are the same either way. Functions that take microseconds
//! are compiled once and call theirs (`called`).
//!
//! The functions that formulas are made of have a form in `quick` that answers for all but far
//! and special arguments and that loops compile to vector code from; `quick` tells how. What it
//! declines is worked out `at_length`, once for all instruction sets, since it is rare.
//!
//! At length, and where there is no quick form, elementary functions are evaluated as
//! double-doubles (`dd`, `kernels`) and rounded once; functions without such a kernel come from
//! the libm crate, where its measured error is good enough. The maxima in the comments are
//! measured, in units in the last place (ULP) of the exact result, against mpmath; where a
//! function has a quick form they are that form's.

mod activation;
mod arith;
mod bessel;
mod called;
mod dd;
mod erf;
mod exponential;
mod gamma;
mod hyperbolic;
mod incomplete;
mod incomplete_beta;
mod incomplete_gamma;
mod kernels;
mod normal;
mod quadrature;
pub mod quick;
mod stirling;
mod tables;
#[cfg(test)]
#[rustfmt::skip] // tables of cases, several a line
mod tests;
#[cfg(test)]
#[rustfmt::skip]
mod special_tests;
mod trig;

pub use activation::{gelu, log_sigmoid, relu, sigmoid, silu, softplus};
pub use arith::{cbrt, ceil, floor, fma, hypot, lerp, remainder, round, rsqrt, sign, sqrt, trunc};
pub use bessel::{i0e, i0e_derivative, i1e, i1e_derivative, j0, j1, jn, y0, y1, yn};
pub use erf::{erf, erfc, erfcx, log_ndtr, ndtr, normal_pdf};
pub use exponential::{exp, exp2, expm1, log, log1mexp, log1p, log2, log10, logaddexp, pow, xlog1py, xlogy};
pub use gamma::{digamma, gammaln, polygamma, polygamma_difference};
pub use hyperbolic::{acosh, asinh, atanh, cosh, sech2, sinh, tanh};
pub use incomplete_beta::{betainc, betainc_derivative};
pub use incomplete_gamma::{gammainc, gammainc_derivative, gammaincc};
pub use normal::{erfcx_derivative, erfinv, log_ndtr_derivative, ndtri, ndtri_slope};
pub use stirling::{beta, betaln, gamma};
pub use trig::{acos, asin, atan, atan2, cos, cospi, sin, sinc, sinpi, tan};

/// 2^k, for a normal result: −1022 ≤ k ≤ 1023.
#[inline(always)]
const fn pow2(k: i32) -> f64 {
    f64::from_bits(((1023 + k) as u64) << 52)
}

/// The highest order of the derivatives that are functions of their own; a request may ask for ten.
pub const HIGHEST_ORDER: u32 = 16;

/// C(n, k), exact for n < 57.
fn binomial(n: usize, k: usize) -> f64 {
    (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64)
}

//! Elementary functions as functions that are called, for those that take microseconds.
//!
//! Everything else here is inlined into the loops over blocks. Bessel functions, incomplete gammas and their like call exponentials and
//! logarithms in dozens of places: inlined, they would be megabytes of code and most of the time it takes to compile the crate. They are
//! compiled once with FMA instructions and once without; the bits are the same.

use super::dd::Dd;
use super::{erf as error, exponential, gamma, kernels};

macro_rules! called {
    ($($module:ident::$name:ident($($arg:ident: $type:ty),+) -> $result:ty;)+) => {$(
        #[inline(never)]
        pub(super) fn $name($($arg: $type),+) -> $result {
            #[cfg(target_arch = "x86_64")]
            {
                #[inline(never)]
                #[target_feature(enable = "avx2,fma")]
                fn fused($($arg: $type),+) -> $result {
                    $module::$name($($arg),+)
                }
                if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                    // SAFETY: this CPU has what it is compiled for
                    return unsafe { fused($($arg),+) };
                }
            }
            $module::$name($($arg),+)
        }
    )+};
}

called! {
    exponential::exp(x: f64) -> f64;
    exponential::expm1(x: f64) -> f64;
    exponential::log(x: f64) -> f64;
    exponential::log1p(x: f64) -> f64;
    error::erf(x: f64) -> f64;
    error::erfc(x: f64) -> f64;
    error::erfcx(x: f64) -> f64;
    error::ndtr(x: f64) -> f64;
    error::log_ndtr(x: f64) -> f64;
    error::normal_pdf(x: f64) -> f64;
    kernels::exp_parts(x: Dd) -> (i32, Dd);
    kernels::expm1_dd(x: Dd) -> Dd;
    kernels::log_dd(x: Dd) -> Dd;
    kernels::log1p_dd(x: Dd) -> Dd;
    kernels::sincospi_dd(x: f64) -> (Dd, Dd);
    gamma::digamma_dd(x: Dd) -> Dd;
}

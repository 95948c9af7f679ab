//! Edge values: infinities, NaN, signed zeros, poles, exact cases, seams. Accuracy over the range
//! is not tested here but measured against mpmath, since it needs a reference.

use super::*;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;
const TINY: f64 = 5e-324;

/// The same bits, any NaN being any other.
#[track_caller]
fn same(got: f64, want: f64) {
    assert!(
        got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan()),
        "got {got:e}, want {want:e}"
    );
}

#[track_caller]
fn table(f: impl Fn(f64) -> f64, cases: &[(f64, f64)]) {
    for &(x, want) in cases {
        let got = f(x);
        assert!(
            got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan()),
            "at {x:e}: got {got:e}, want {want:e}"
        );
    }
}

type Unary = fn(f64) -> f64;

const UNARY: &[(&str, Unary)] = &[
    ("sqrt", sqrt), ("rsqrt", rsqrt), ("cbrt", cbrt), ("sign", sign), ("floor", floor),
    ("ceil", ceil), ("round", round), ("trunc", trunc), ("exp", exp), ("exp2", exp2),
    ("expm1", expm1), ("log", log), ("log2", log2), ("log10", log10), ("log1p", log1p),
    ("log1mexp", log1mexp), ("sin", sin), ("cos", cos), ("tan", tan), ("asin", asin),
    ("acos", acos), ("atan", atan), ("sinpi", sinpi), ("cospi", cospi), ("sinh", sinh),
    ("cosh", cosh), ("tanh", tanh), ("sech2", sech2), ("asinh", asinh), ("acosh", acosh),
    ("atanh", atanh), ("sigmoid", sigmoid), ("log_sigmoid", log_sigmoid), ("softplus", softplus),
    ("gelu", gelu), ("silu", silu), ("relu", relu), ("erf", erf), ("erfc", erfc),
    ("erfcx", erfcx), ("ndtr", ndtr), ("log_ndtr", log_ndtr), ("normal_pdf", normal_pdf),
    ("gammaln", gammaln), ("digamma", digamma), ("polygamma1", |x| polygamma(1, x)),
    ("polygamma2", |x| polygamma(2, x)), ("sinc0", |x| sinc(x, 0)), ("sinc1", |x| sinc(x, 1)),
    ("sinc12", |x| sinc(x, 12)), ("erfinv", erfinv), ("ndtri", ndtri), ("ndtri_slope", ndtri_slope),
    ("erfcx3", |x| erfcx_derivative(3, x)), ("log_ndtr1", |x| log_ndtr_derivative(1, x)),
    ("log_ndtr4", |x| log_ndtr_derivative(4, x)), ("gamma", gamma), ("j0", j0), ("j1", j1),
    ("y0", y0), ("y1", y1), ("i0e", i0e), ("i1e", i1e), ("jn3", |x| jn(3, x)), ("yn3", |x| yn(3, x)),
    ("i0e_2", |x| i0e_derivative(2, x)), ("i1e_3", |x| i1e_derivative(3, x)),
];

#[test]
fn nan_goes_through() {
    for (name, f) in UNARY {
        assert!(f(NAN).is_nan(), "{name}");
        assert!(f(-NAN).is_nan(), "{name}");
    }
    for f in [remainder, logaddexp, xlogy, xlog1py, atan2, pow, hypot] {
        assert!(f(NAN, 2.0).is_nan() && f(2.0, NAN).is_nan() && f(NAN, NAN).is_nan());
    }
    assert!(lerp(NAN, 1.0, 0.0).is_nan() && fma(1.0, 2.0, NAN).is_nan());
}

/// Any double at all: no panic (debug builds check integer overflow), no endless loop, and no
/// NaN where the function is defined on the whole line.
#[test]
fn every_exponent_is_taken() {
    let total = [
        "cbrt",
        "exp",
        "exp2",
        "expm1",
        "sinh",
        "cosh",
        "tanh",
        "sech2",
        "asinh",
        "atan",
        "sigmoid",
        "log_sigmoid",
        "softplus",
        "gelu",
        "silu",
        "erf",
        "erfc",
        "erfcx",
        "ndtr",
        "log_ndtr",
        "normal_pdf",
        "gammaln",
        "sinc0",
        "sinc1",
        "sinc12",
        "log_ndtr1",
        "log_ndtr4",
        "j0",
        "j1",
        "i0e",
        "i1e",
        "jn3",
        "i0e_2",
        "i1e_3",
    ];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for exponent in 0..=0x7ff_u64 {
        for fraction in [0, 1, (1 << 52) - 1, seed >> 12] {
            for sign in [0, 1 << 63] {
                let x = f64::from_bits(sign | exponent << 52 | fraction);
                for (name, f) in UNARY {
                    let y = f(x);
                    assert!(
                        x.is_nan() || !y.is_nan() || !total.contains(name),
                        "{name}({x:e})"
                    );
                }
            }
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
        }
    }
    for n in [1, 2, 149, 150, 151, 200, 1000, u32::MAX - 1, u32::MAX] {
        for x in [
            TINY,
            1e-300,
            0.5,
            1.0,
            100.5,
            1e5,
            1e10,
            1e300,
            -0.5,
            -1e-300,
            -1e10 - 0.25,
        ] {
            assert!(!polygamma(n, x).is_nan(), "polygamma({n}, {x:e})");
        }
    }
    for n in [1, 599, 600] {
        for x in [TINY, 0.5, 1.0, 190.9, 1e5, 1e300] {
            assert!(sinc(x, n).is_finite(), "sinc({x:e}, {n})");
        }
    }
}

#[test]
fn arithmetic() {
    table(rsqrt, &[
        (0.0, INF), (-0.0, -INF), (INF, 0.0), (-1.0, NAN), (4.0, 0.5), (-INF, NAN),
    ]);
    same(rsqrt(f64::from_bits(1 << 50)), 2.0_f64.powi(512));
    table(sign, &[
        (-0.0, 0.0), (0.0, 0.0), (-3.0, -1.0), (INF, 1.0), (-INF, -1.0), (TINY, 1.0),
    ]);
    table(
        cbrt,
        &[(-27.0, -3.0), (-0.0, -0.0), (INF, INF), (-INF, -INF)],
    );
    table(round, &[(0.5, 0.0), (1.5, 2.0), (2.5, 2.0), (-0.5, -0.0)]);
    for (a, b, want) in [
        (5.0, 3.0, 2.0), (-5.0, 3.0, 1.0), (5.0, -3.0, -1.0), (-5.0, -3.0, -2.0),
        (6.0, -3.0, -0.0), (-6.0, 3.0, 0.0), (-0.0, 3.0, 0.0), (0.0, -INF, -0.0),
        (5.0, INF, 5.0), (-5.0, INF, INF), (5.0, -INF, -INF), (-5.0, -INF, -5.0),
        (1.0, 0.0, NAN), (INF, 3.0, NAN), (-1e-20, 3.0, 3.0),
    ] {
        same(remainder(a, b), want);
    }
    same(hypot(NAN, -INF), INF);
    same(hypot(-INF, NAN), INF);
    same(hypot(3e300, 4e300), 5e300);
    same(hypot(3.0 * TINY, 4.0 * TINY), 5.0 * TINY);
    same(hypot(-0.0, -0.0), 0.0);
    same(hypot(f64::MAX, f64::MAX), INF);
    same(lerp(3.0, 0.1, 1.0), 0.1);
    same(lerp(-1e308, 1e308, 0.5), INF);
    same(lerp(1.0, INF, 0.5), INF);
}

#[test]
fn powers() {
    for (x, y, want) in [
        (1.0, NAN, 1.0), (NAN, 0.0, 1.0), (0.0, 0.0, 1.0), (-0.0, -3.0, -INF), (-0.0, -2.0, INF),
        (-0.0, 3.0, -0.0), (-0.0, 2.5, 0.0), (0.0, -0.5, INF), (-1.0, INF, 1.0),
        (-1.0, -INF, 1.0), (0.5, INF, 0.0), (0.5, -INF, INF), (2.0, INF, INF), (2.0, -INF, 0.0),
        (INF, 2.0, INF), (INF, -2.0, 0.0), (-INF, 3.0, -INF), (-INF, -3.0, -0.0),
        (-INF, 2.0, INF), (-INF, 0.5, INF), (-8.0, 1.0 / 3.0, NAN), (-2.0, 3.0, -8.0),
        (-2.0, -1.0, -0.5), (0.0, INF, 0.0), (-0.0, -INF, INF), (-3.0, 1e300, INF),
        (2.0, -1074.0, TINY), (-2.0, 1025.0, -INF), (1.0, INF, 1.0), (TINY, -1.0, INF),
        (10.0, 22.0, 1e22), (TINY, 1.0, TINY), (f64::MAX, 1.0, f64::MAX),
        (3.0, 33.0, 5559060566555523.0),
    ] {
        same(pow(x, y), want);
    }
}

#[test]
fn exponentials() {
    table(exp, &[
        (-INF, 0.0), (INF, INF), (0.0, 1.0), (-745.2, 0.0), (710.0, INF), (-745.1, TINY),
    ]);
    table(exp2, &[
        (-1074.0, TINY), (-1075.0, 0.0), (1023.0, 2.0_f64.powi(1023)), (1024.0, INF),
    ]);
    table(expm1, &[
        (-0.0, -0.0), (-INF, -1.0), (INF, INF), (TINY, TINY), (-800.0, -1.0),
    ]);
    table(log, &[
        (0.0, -INF), (-0.0, -INF), (-1.0, NAN), (1.0, 0.0), (INF, INF), (-INF, NAN),
    ]);
    table(log2, &[
        (0.0, -INF), (-1.0, NAN), (1.0, 0.0), (TINY, -1074.0), (8.0, 3.0), (INF, INF),
    ]);
    table(log10, &[
        (-0.0, -INF), (1e22, 22.0), (1000.0, 3.0), (1.0, 0.0), (INF, INF),
    ]);
    table(log1p, &[
        (-1.0, -INF), (-2.0, NAN), (-0.0, -0.0), (INF, INF), (TINY, TINY),
    ]);
    table(log1mexp, &[
        (0.0, -INF), (-0.0, -INF), (1.0, NAN), (-INF, -0.0), (-745.1, -TINY),
    ]);
    for (a, b, want) in [
        (-INF, -INF, -INF), (INF, INF, INF), (INF, -INF, INF), (-INF, 3.0, 3.0),
        (1e308, -1e308, 1e308), (-f64::MAX, -f64::MAX, -f64::MAX),
    ] {
        same(logaddexp(a, b), want);
        same(logaddexp(b, a), want);
    }
    for (x, y, want) in [
        (0.0, 0.0, 0.0), (-0.0, INF, 0.0), (0.0, -1.0, 0.0), (1.0, 0.0, -INF), (-1.0, 0.0, INF),
        (1.0, -1.0, NAN), (INF, 1.0, NAN), (INF, 0.0, -INF), (2.0, INF, INF),
        (1e308, 1e308, INF),
    ] {
        same(xlogy(x, y), want);
    }
    for (x, y, want) in [
        (0.0, -1.0, 0.0), (0.0, -2.0, 0.0), (1.0, -1.0, -INF), (1.0, -2.0, NAN), (INF, 0.0, NAN),
        (2.0, -0.0, -0.0), (1.0, TINY, TINY),
    ] {
        same(xlog1py(x, y), want);
    }
}

#[test]
fn trigonometry() {
    table(
        sin,
        &[(-0.0, -0.0), (INF, NAN), (1e22, -0.8522008497671888)],
    );
    table(cos, &[(INF, NAN), (0.0, 1.0)]);
    table(tan, &[(-0.0, -0.0), (-INF, NAN)]);
    table(asin, &[(1.5, NAN), (-0.0, -0.0)]);
    table(
        acos,
        &[(1.0, 0.0), (-1.0, std::f64::consts::PI), (2.0, NAN)],
    );
    table(sinpi, &[
        (1.0, 0.0), (-1.0, -0.0), (-0.0, -0.0), (0.5, 1.0), (1.5, -1.0), (-0.5, -1.0),
        (2.0, 0.0), (1e300, 0.0), (4503599627370495.5, -1.0), (INF, NAN),
    ]);
    table(cospi, &[
        (0.5, 0.0), (-0.5, 0.0), (1.5, 0.0), (1.0, -1.0), (-2.0, 1.0), (1e300, 1.0),
        (4503599627370497.0, -1.0), (9007199254740991.0, -1.0), (4503599627370495.5, 0.0),
        (-INF, NAN),
    ]);
    table(|x| sinc(x, 0), &[
        (0.0, 1.0), (-3.0, 0.0), (1e300, 0.0), (-INF, 0.0), (TINY, 1.0),
    ]);
    table(|x| sinc(x, 1), &[
        (0.0, 0.0), (2.0, 0.5), (1.0, -1.0), (-2.0, -0.5), (INF, 0.0),
    ]);
    same(sinc(1e300, 1), 1e-300);
    same(sinc(0.0, 601), NAN);
}

#[test]
fn hyperbolics() {
    table(
        sinh,
        &[(-0.0, -0.0), (-INF, -INF), (710.5, INF), (-TINY, -TINY)],
    );
    table(cosh, &[(-INF, INF), (0.0, 1.0), (-710.5, INF)]);
    assert!(cosh(710.47).is_finite() && sinh(-710.47).is_finite());
    table(
        tanh,
        &[(-0.0, -0.0), (-INF, -1.0), (INF, 1.0), (-22.0, -1.0)],
    );
    table(sech2, &[
        (0.0, 1.0), (-0.0, 1.0), (INF, 0.0), (-400.0, 0.0), (372.9, TINY),
    ]);
    table(asinh, &[(-0.0, -0.0), (-INF, -INF), (TINY, TINY)]);
    assert!(asinh(f64::MAX).is_finite());
    table(acosh, &[(1.0, 0.0), (0.5, NAN), (INF, INF), (-INF, NAN)]);
    table(atanh, &[(1.0, INF), (-1.0, -INF), (1.5, NAN), (-0.0, -0.0)]);
}

#[test]
fn activations() {
    table(
        sigmoid,
        &[(-INF, 0.0), (INF, 1.0), (0.0, 0.5), (-745.1, TINY)],
    );
    table(softplus, &[
        (-INF, 0.0), (INF, INF), (0.0, std::f64::consts::LN_2), (-745.1, TINY),
    ]);
    table(
        log_sigmoid,
        &[(-INF, -INF), (INF, -0.0), (1e300, -0.0), (-1e300, -1e300)],
    );
    table(silu, &[
        (-INF, -0.0), (INF, INF), (-0.0, -0.0), (1e300, 1e300), (2.0 * TINY, TINY),
    ]);
    table(gelu, &[
        (-INF, -0.0), (INF, INF), (-0.0, -0.0), (-1e300, -0.0), (50.0, 50.0),
    ]);
    table(relu, &[(-0.0, 0.0), (-INF, 0.0), (INF, INF), (TINY, TINY)]);
}

#[test]
fn specials() {
    table(erf, &[(-INF, -1.0), (INF, 1.0), (-0.0, -0.0)]);
    table(erfc, &[(-INF, 2.0), (INF, 0.0), (0.0, 1.0)]);
    table(erfcx, &[(-INF, INF), (INF, 0.0), (-30.0, INF), (0.0, 1.0)]);
    table(ndtr, &[(-INF, 0.0), (INF, 1.0), (0.0, 0.5), (-0.0, 0.5)]);
    table(log_ndtr, &[(-INF, -INF), (INF, -0.0), (-1e200, -INF)]);
    table(normal_pdf, &[(-INF, 0.0), (INF, 0.0)]);
    table(gammaln, &[
        (0.0, INF), (-0.0, INF), (-3.0, INF), (INF, INF), (-INF, INF), (-1e300, INF),
        (1.0, 0.0), (2.0, 0.0),
    ]);
    table(digamma, &[
        (0.0, -INF), (-0.0, INF), (-2.0, NAN), (INF, INF), (-INF, NAN), (TINY, -INF),
        (-1e300, NAN), (1.0, -0.5772156649015329),
    ]);
    table(|x| polygamma(1, x), &[
        (0.0, INF), (-2.0, INF), (INF, 0.0), (-INF, INF), (-1e300, INF),
       
    ]);
    table(
        |x| polygamma(2, x),
        &[(0.0, -INF), (-2.0, -INF), (INF, -0.0), (-INF, -INF)],
    );
    same(polygamma(0, 1.0), digamma(1.0));
}

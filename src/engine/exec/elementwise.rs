//! Elementwise functions: code for one value and a loop over a tile, for each instruction set.
//!
//! They decide nothing about shapes or memory; the Map interpreter hands them slices of equal length. The compilations differ
//! in speed only: every function under them is written in exact operations, so their bits are the same.

/// The instruction sets that functions are compiled for, each with all that those before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// What every CPU of the target has.
    Portable = 0,
    /// x86-64 with AVX2 and FMA.
    V3 = 1,
    /// x86-64 with AVX-512 as well: F, BW, DQ and VL. What has quick forms has tiles of its own; all else is as for [`Isa::V3`].
    V4 = 2,
}

impl Isa {
    /// The best that this CPU has.
    pub fn detect() -> Isa {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            let v3 = has!("avx2") && has!("fma");
            if v3 && has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
                return Isa::V4;
            }
            if v3 {
                return Isa::V3;
            }
        }
        Isa::Portable
    }

    /// All that this CPU has.
    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = Isa> {
        [Isa::Portable, Isa::V3, Isa::V4].into_iter().filter(|isa| *isa <= Isa::detect())
    }
}

/// One function compiled for each [`Isa`]. Calling an entry is sound where [`Isa::detect`] returned its index, or a later one's.
pub type Compiled<F> = [F; 3];

type Tile1 = unsafe fn(&mut [f64], &[f64]);
type Tile2 = unsafe fn(&mut [f64], &[f64], &[f64]);
type Tile3 = unsafe fn(&mut [f64], &[f64], &[f64], &[f64]);

/// An elementwise function of one argument.
#[derive(Debug, Clone, Copy)]
pub struct Unary {
    /// One value.
    pub one: Compiled<unsafe extern "C" fn(f64) -> f64>,
    /// A tile: `out[i] = f(a[i])`.
    pub tile: Compiled<Tile1>,
}

/// An elementwise function of two arguments.
#[derive(Debug, Clone, Copy)]
pub struct Binary {
    /// One value.
    pub one: Compiled<unsafe extern "C" fn(f64, f64) -> f64>,
    /// A tile: `out[i] = f(a[i], b[i])`.
    pub tile: Compiled<Tile2>,
}

/// An elementwise function of three arguments.
#[derive(Debug, Clone, Copy)]
pub struct Ternary {
    /// One value.
    pub one: Compiled<unsafe extern "C" fn(f64, f64, f64) -> f64>,
    /// A tile: `out[i] = f(a[i], b[i], c[i])`.
    pub tile: Compiled<Tile3>,
}

/// Two functions that share work, over a tile: `y[i] = f(a[i], b[i])` and `z[i] = g(a[i], c[i])`, with the bits of each by itself; of one
/// argument, if they have no more.
pub type Together = Compiled<unsafe fn(&mut [f64], &mut [f64], &[f64], &[f64], &[f64])>;

/// The most arguments of an elementwise function.
pub const WIDEST: usize = 6;

/// An elementwise function of any number of arguments up to [`WIDEST`] that takes microseconds: compiled once and for one value at a time,
/// since neither a loop around it nor other instructions would gain much.
#[derive(Debug, Clone, Copy)]
pub struct Wide {
    /// How many arguments it takes.
    pub arity: usize,
    /// One value; the arguments beyond the function's own are ignored.
    pub one: fn([f64; WIDEST]) -> f64,
}

/// An elementwise function.
#[derive(Debug, Clone, Copy)]
pub enum Elementwise {
    /// One argument.
    Unary(Unary),
    /// Two arguments.
    Binary(Binary),
    /// Three arguments.
    Ternary(Ternary),
    /// Up to [`WIDEST`] arguments.
    Wide(Wide),
}

impl Elementwise {
    /// How many arguments it takes.
    pub const fn arity(self) -> usize {
        match self {
            Elementwise::Unary(_) => 1,
            Elementwise::Binary(_) => 2,
            Elementwise::Ternary(_) => 3,
            Elementwise::Wide(function) => function.arity,
        }
    }

    /// One value; arguments beyond the function's own are ignored. `isa` must be one that [`Isa::detect`] has returned.
    #[inline]
    pub(crate) fn one(self, isa: Isa, args: [f64; WIDEST]) -> f64 {
        let [a, b, c, ..] = args;
        // SAFETY: the entry needs no more than what `isa` stands for, which this CPU has
        unsafe {
            match self {
                Elementwise::Unary(function) => (function.one[isa as usize])(a),
                Elementwise::Binary(function) => (function.one[isa as usize])(a, b),
                Elementwise::Ternary(function) => (function.one[isa as usize])(a, b, c),
                Elementwise::Wide(function) => (function.one)(args),
            }
        }
    }

    /// A tile: slices of equal length; those beyond the function's own are ignored. `isa` as for [`Elementwise::one`].
    #[inline]
    pub(crate) fn tile(self, isa: Isa, out: &mut [f64], args: [&[f64]; WIDEST]) {
        let [a, b, c, ..] = args;
        // SAFETY: as above
        unsafe {
            match self {
                Elementwise::Unary(function) => (function.tile[isa as usize])(out, a),
                Elementwise::Binary(function) => (function.tile[isa as usize])(out, a, b),
                Elementwise::Ternary(function) => (function.tile[isa as usize])(out, a, b, c),
                Elementwise::Wide(function) => {
                    for (i, out) in out.iter_mut().enumerate() {
                        *out = (function.one)(args.map(|arg| arg.get(i).copied().unwrap_or(f64::NAN)));
                    }
                }
            }
        }
    }
}

/// Compiles a scalar function for every [`Isa`]: `elementwise!(Unary, |x| vmath::cbrt(x))`.
///
/// `elementwise!(Unary, |x| vmath::sin(x), quick vmath::quick::sin(x))` has tiles computed by the second, which is free of branches and
/// thus vectorised, and the elements that it declines, by NaN, by the first, which must answer as the second where that does.
///
/// `elementwise!(Wide, |n, x| ...)` is for functions that are long themselves, of up to six arguments.
macro_rules! elementwise {
    (Wide, |$($x:ident),+| $body:expr) => {{
        use $crate::engine::exec::elementwise::{Elementwise, WIDEST, Wide};
        fn one([$($x,)+ ..]: [f64; WIDEST]) -> f64 {
            $body
        }
        Elementwise::Wide(Wide { arity: [$(stringify!($x)),+].len(), one })
    }};
    ($kind:ident, |$($x:ident),+| $body:expr, quick $quick:expr) => {{
        use $crate::engine::exec::elementwise::{Elementwise, $kind};
        extern "C" fn one($($x: f64),+) -> f64 {
            $body
        }
        fn tile(out: &mut [f64], $($x: &[f64]),+) {
            $crate::engine::exec::elementwise::quick_tile!(one, out, [$($x),+], $quick);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        extern "C" fn one_v3($($x: f64),+) -> f64 {
            $body
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn tile_v3(out: &mut [f64], $($x: &[f64]),+) {
            $crate::engine::exec::elementwise::quick_tile!(one_v3, out, [$($x),+], $quick);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        fn tile_v4(out: &mut [f64], $($x: &[f64]),+) {
            $crate::engine::exec::elementwise::quick_tile!(one_v3, out, [$($x),+], $quick);
        }
        #[cfg(not(target_arch = "x86_64"))]
        use {one as one_v3, tile as tile_v3, tile as tile_v4};
        Elementwise::$kind($kind { one: [one, one_v3, one_v3], tile: [tile, tile_v3, tile_v4] })
    }};
    ($kind:ident, |$($x:ident),+| $body:expr) => {{
        use $crate::engine::exec::elementwise::{Elementwise, $kind};
        extern "C" fn one($($x: f64),+) -> f64 {
            $body
        }
        fn tile(out: &mut [f64], $($x: &[f64]),+) {
            let n = out.len();
            $(let $x = &$x[..n];)+
            for i in 0..n {
                $(let $x = $x[i];)+
                out[i] = $body;
            }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        extern "C" fn one_v3($($x: f64),+) -> f64 {
            $body
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn tile_v3(out: &mut [f64], $($x: &[f64]),+) {
            let n = out.len();
            $(let $x = &$x[..n];)+
            for i in 0..n {
                $(let $x = $x[i];)+
                out[i] = $body;
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        use {one as one_v3, tile as tile_v3};
        Elementwise::$kind($kind { one: [one, one_v3, one_v3], tile: [tile, tile_v3, tile_v3] })
    }};
}
pub(crate) use elementwise;

/// Compiles two functions that share work for every [`Isa`]: `together!(|a, b, c| vmath::sin(a), vmath::cos(a), quick quick::sin(a),
/// quick::cos(a))`. That they share it is the compiler's doing: both are written out in one loop, and what is the same is computed once.
macro_rules! together {
    (|$a:ident, $b:ident, $c:ident| $first:expr, $second:expr, quick $quick:expr, $other:expr) => {{
        use $crate::engine::exec::elementwise::{Together, together_tile};
        fn tile(y: &mut [f64], z: &mut [f64], $a: &[f64], $b: &[f64], $c: &[f64]) {
            together_tile!(y, z, [$a, $b, $c], [$first, $second], [$quick, $other]);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn tile_v3(y: &mut [f64], z: &mut [f64], $a: &[f64], $b: &[f64], $c: &[f64]) {
            together_tile!(y, z, [$a, $b, $c], [$first, $second], [$quick, $other]);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        fn tile_v4(y: &mut [f64], z: &mut [f64], $a: &[f64], $b: &[f64], $c: &[f64]) {
            together_tile!(y, z, [$a, $b, $c], [$first, $second], [$quick, $other]);
        }
        #[cfg(not(target_arch = "x86_64"))]
        use {tile as tile_v3, tile as tile_v4};
        let both: Together = [tile, tile_v3, tile_v4];
        both
    }};
}
pub(crate) use together;

/// The loop over a tile by two quick forms, and the elements that one of them declines by its function.
macro_rules! together_tile {
    ($y:ident, $z:ident, [$a:ident, $b:ident, $c:ident], [$first:expr, $second:expr], [$quick:expr, $other:expr]) => {{
        let n = $y.len();
        let z = &mut $z[..n];
        let ($a, $b, $c) = (&$a[..n], &$b[..n], &$c[..n]);
        let mut declined = false;
        for i in 0..n {
            let (first, second) = {
                let ($a, $b, $c) = ($a[i], $b[i], $c[i]);
                // not every pair has arguments of their own
                let _ = ($b, $c);
                ($quick, $other)
            };
            declined |= first.is_nan() | second.is_nan();
            $y[i] = first;
            z[i] = second;
        }
        if declined {
            for i in 0..n {
                let ($a, $b, $c) = ($a[i], $b[i], $c[i]);
                let _ = ($b, $c);
                if $y[i].is_nan() {
                    $y[i] = $first;
                }
                if z[i].is_nan() {
                    z[i] = $second;
                }
            }
        }
    }};
}
pub(crate) use together_tile;

/// The loop over a tile by a quick form, and the elements it declines by `one`.
macro_rules! quick_tile {
    ($one:ident, $out:ident, [$($x:ident),+], $quick:expr) => {{
        let n = $out.len();
        $(let $x = &$x[..n];)+
        let mut declined = false;
        for i in 0..n {
            let y = { $(let $x = $x[i];)+ $quick };
            declined |= y.is_nan();
            $out[i] = y;
        }
        if declined {
            for i in 0..n {
                if $out[i].is_nan() {
                    $out[i] = $one($($x[i]),+);
                }
            }
        }
    }};
}
pub(crate) use quick_tile;

#[cfg(test)]
mod tests {
    use std::array::from_fn;

    use super::{Elementwise, Isa, WIDEST};
    use crate::engine::op::{Rule, rows};

    /// Ordinary numbers, and among them those that every quick form declines, or answers next to declining.
    #[rustfmt::skip]
    const VALUES: [f64; 41] = [
        0.3, -0.7, f64::NAN, 1.9, -2.4, 0.0, 5.1, -0.0, 0.45, 1e-320, -1e-320, 12.5, f64::INFINITY, -3.3, f64::NEG_INFINITY, 0.99, 1.0,
        -1.0, 2.0, 708.5, -708.5, 40.0, -38.2, 1e5, 0.5, 3e7, -3e7, 1e-9, 26.6, -26.6, 1e300, -1e300, 745.0, 6.5, -9.0, 1e-290, 3.0, -0.2,
        1048576.5, -745.0, std::f64::consts::FRAC_PI_2,
    ];

    /// Every function that has tiles, on every instruction set of this CPU: the bits of a value do not depend on where it stands.
    #[test]
    fn alone_and_in_every_lane_the_bits_are_the_same() {
        for (row, function) in rows().filter_map(|row| match row.rule {
            Rule::Scalar { function, .. } if !matches!(function, Elementwise::Wide(_)) => Some((row, function)),
            _ => None,
        }) {
            // by argument, coprime strides, so that all sorts of pairs meet
            let value = |argument: usize, i: usize| VALUES[i * [1, 7, 16, 3, 5, 11][argument] % VALUES.len()];
            for length in 1..=19 {
                for first in (0..VALUES.len()).step_by(3) {
                    let arguments: [Vec<f64>; WIDEST] = from_fn(|argument| (first..first + length).map(|i| value(argument, i)).collect());
                    for isa in Isa::all() {
                        let mut tile = vec![0.5; length];
                        function.tile(isa, &mut tile, arguments.each_ref().map(Vec::as_slice));
                        for (i, got) in tile.into_iter().enumerate() {
                            let x = from_fn(|argument| arguments[argument][i]);
                            for alone in Isa::all().map(|isa| function.one(isa, x)) {
                                let same = got.to_bits() == alone.to_bits() || (got.is_nan() && alone.is_nan());
                                assert!(same, "{} of {x:?}: {got:e} in lane {i} of {length} by {isa:?}, {alone:e} alone", row.name);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Functions that share work have the bits that each has by itself, whichever of the two declines.
    #[test]
    fn together_the_bits_are_those_of_each_alone() {
        let twins: Vec<_> =
            rows().filter_map(|row| Some((row, row.twin?))).filter_map(|(row, twin)| Some((row, (twin.with)(), twin.tile?))).collect();
        assert!(!twins.is_empty());
        for (row, with, tile) in twins {
            let (Rule::Scalar { function: one, .. }, Rule::Scalar { function: other, .. }) = (&row.rule, &with.rule) else {
                panic!("{row:?}")
            };
            for (length, stride) in (1..=19).zip([1, 7, 16, 3, 5].into_iter().cycle()) {
                let value = |i: usize| VALUES[i % VALUES.len()];
                let [a, b, c]: [Vec<f64>; 3] =
                    from_fn(|k| (0..VALUES.len() + length).map(|i| value([i, i * stride + 3, i * 11 + stride][k])).collect());
                for isa in Isa::all() {
                    let (mut y, mut z) = (vec![0.5; a.len()], vec![0.5; a.len()]);
                    // SAFETY: this CPU has what `isa` stands for
                    unsafe { tile[isa as usize](&mut y, &mut z, &a, &b, &c) };
                    for i in 0..a.len() {
                        let alone =
                            |function: &Elementwise, second: f64| function.one(isa, [a[i], second, f64::NAN, f64::NAN, f64::NAN, f64::NAN]);
                        for (got, alone) in [(y[i], alone(one, b[i])), (z[i], alone(other, c[i]))] {
                            let same = got.to_bits() == alone.to_bits() || (got.is_nan() && alone.is_nan());
                            assert!(same, "{} and {} of {:e}, {:e}, {:e}: {got:e}, {alone:e} alone", row.name, with.name, a[i], b[i], c[i]);
                        }
                    }
                }
            }
        }
    }
}

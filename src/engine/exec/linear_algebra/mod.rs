//! Dense linear algebra, a matrix at a time: gathered from wherever it lies into contiguous memory, worked on, put back.
//!
//! Textbook algorithms in one fixed order of operations, compiled twice like every loop of the engine: a matrix alone, in a batch, at
//! any lane and on any CPU has the same bits. Every loop is bounded, looks at the stop flag between rows, and takes NaN and ∞ for what
//! they are. Nothing here knows graphs.

mod cofactor;
mod exponential;
mod householder;
mod jacobi;
mod lu;
mod scaled;
mod triangular;
mod vector;

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::op::{Dense, DenseFlags};
use super::super::program::Stopped;
use super::super::program::layout::{Layout, Positions};
use super::elementwise::Isa;
use householder::Reflections;
use jacobi::Singular;
use triangular::Triangle;
use vector::carve;

/// An argument as it lies in memory: its layout's axes are batch ++ two, and all arguments have the same batch.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) data: &'a [f64],
    pub(crate) layout: &'a Layout,
    pub(crate) spread: Spread,
}

/// Which of its own lanes an argument shows to a lane of the result: (lane / `divide`) % `lanes`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) lanes: usize,
    pub(crate) divide: usize,
}

impl Spread {
    #[inline(always)]
    fn own(self, lane: usize) -> usize {
        lane / self.divide % self.lanes
    }

    /// The m-th of the lanes to which lane `own` is shown.
    #[inline(always)]
    fn shown(self, own: usize, m: usize) -> usize {
        m / self.divide * (self.divide * self.lanes) + own * self.divide + m % self.divide
    }
}

/// Sizes of the matrices of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Sizes {
    /// Of the first argument.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Columns of the second argument, where it has other sizes than the first.
    pub(crate) right: usize,
    /// Arguments in all.
    pub(crate) arguments: usize,
}

impl Sizes {
    fn few(self) -> usize {
        self.rows.min(self.columns)
    }
}

/// A routine over all matrices of its arguments.
pub(crate) struct Call<'a> {
    pub(crate) routine: Dense,
    pub(crate) flags: DenseFlags,
    pub(crate) sizes: Sizes,
    pub(crate) sides: &'a [Side<'a>],
    /// Lanes of the result.
    pub(crate) lanes: usize,
}

/// How many numbers a routine makes of one matrix. Several results lie one after another.
pub(crate) fn length(routine: Dense, sizes: Sizes) -> usize {
    let Sizes { rows, columns, right, .. } = sizes;
    let few = sizes.few();
    match routine {
        Dense::Lu => rows * (rows + 1),
        Dense::Solve | Dense::TriangularSolve => rows * right,
        Dense::Inv | Dense::Cholesky | Dense::Cofactor | Dense::Expm | Dense::ExpmDerivative | Dense::Pinv => rows * columns,
        Dense::Det => 1,
        Dense::Slogdet => 2,
        Dense::Eigh => rows + rows * rows,
        Dense::Svd => rows * few + few + few * columns,
        Dense::Qr => rows * few + few * columns,
    }
}

/// Floating-point operations a matrix, as far as they are known before its numbers are; where the first argument is `shared` by lanes,
/// without what is done to it once for all of them.
pub(crate) fn flops(routine: Dense, sizes: Sizes, shared: bool) -> f64 {
    let (rows, columns, right) = (sizes.rows as f64, sizes.columns as f64, sizes.right as f64);
    let (few, tall) = (rows.min(columns), rows.max(columns));
    let cube = rows * rows * rows;
    let singular = 50.0 * few * few * (few + tall);
    let own = match routine {
        Dense::Lu => 2.0 / 3.0 * cube,
        Dense::Solve => 2.0 * rows * rows * right,
        Dense::TriangularSolve => rows * rows * right,
        Dense::Inv => 2.0 * cube,
        Dense::Det | Dense::Slogdet => 20.0 * rows,
        Dense::Cholesky => cube / 3.0,
        Dense::Cofactor => match sizes.arguments {
            0 | 1 => 3.0 * cube,
            2 if shared => 8.0 * cube,
            2 => 2.0 * singular,
            count => rows * cube * count as f64 * 2f64.powi(count as i32 - 1),
        },
        Dense::Eigh => 80.0 * cube,
        Dense::Svd => singular,
        Dense::Pinv => singular + 2.0 * rows * columns * few,
        Dense::Qr => 6.0 * rows * columns * few,
        // a dozen products of the approximant, and thirty squarings at a guess
        Dense::Expm => 80.0 * cube,
        Dense::ExpmDerivative => 80.0 * cube * 3f64.powi(sizes.arguments as i32 - 1),
    };
    own + 4.0 * (rows * columns + rows * right) + 30.0
}

/// Numbers of scratch memory that a call takes, where `members` lanes share what its first argument is made into.
pub(crate) fn memory(routine: Dense, sizes: Sizes, members: usize) -> usize {
    let Sizes { rows, columns, right, arguments } = sizes;
    let (square, few) = (rows * columns, sizes.few());
    let own = match routine {
        Dense::Lu | Dense::Cholesky => 0,
        Dense::Solve | Dense::TriangularSolve => rows * right * members + right * members,
        Dense::Inv | Dense::Det | Dense::Slogdet => 0,
        Dense::Cofactor => (arguments - 1) * square + cofactor::memory(rows, arguments - 1),
        Dense::Eigh => rows,
        Dense::Svd => jacobi::singular_memory(rows, columns) + few * (rows + columns),
        Dense::Pinv => jacobi::singular_memory(rows, columns) + few * (rows + columns + 1),
        Dense::Qr => square + 2 * few + rows,
        Dense::Expm => exponential::memory(rows, 0),
        Dense::ExpmDerivative => (square << arguments) + exponential::memory(rows, arguments - 1),
    };
    own + square + rows + length(routine, sizes)
}

/// Whether the work was told to stop.
#[inline(always)]
fn asked(stop: &AtomicBool) -> Result<(), Stopped> {
    if stop.load(Ordering::Relaxed) { Err(Stopped) } else { Ok(()) }
}

/// Computes a call into `out`: batch × results × lanes. `memory` is grown as [`memory`](fn@memory) says.
///
/// # Errors
/// [`Stopped`] when `stop` was set; `out` is then unspecified.
pub(crate) fn run(isa: Isa, call: &Call<'_>, memory: &mut Vec<f64>, out: &mut [f64], stop: &AtomicBool) -> Result<(), Stopped> {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` is what this CPU was found to have
        Isa::V3 | Isa::V4 => unsafe { run_v3(call, memory, out, stop) },
        _ => compute(call, memory, out, stop),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_v3(call: &Call<'_>, memory: &mut Vec<f64>, out: &mut [f64], stop: &AtomicBool) -> Result<(), Stopped> {
    compute(call, memory, out, stop)
}

#[inline(always)]
fn compute(call: &Call<'_>, memory: &mut Vec<f64>, out: &mut [f64], stop: &AtomicBool) -> Result<(), Stopped> {
    let width = length(call.routine, call.sizes) * call.lanes;
    if width == 0 {
        return Ok(());
    }
    let mut bases: Vec<Positions> = call.sides.iter().map(|side| side.matrices()).collect();
    let mut at = vec![0; bases.len()];
    for out in out.chunks_exact_mut(width) {
        for (at, base) in at.iter_mut().zip(&mut bases) {
            *at = base.next().unwrap_or_default();
        }
        for own in 0..call.sides[0].spread.lanes {
            asked(stop)?;
            call.matrix(&at, own, memory, out, stop)?;
        }
    }
    Ok(())
}

impl Side<'_> {
    /// The first element of each matrix.
    fn matrices(&self) -> Positions {
        let batch = self.layout.axes.len() - 2;
        Layout { offset: self.layout.offset, axes: self.layout.axes[..batch].to_vec() }.positions()
    }

    /// The matrix at `base` of one of the argument's lanes: element (i, j) to position i·rows apart + j·columns apart.
    #[inline(always)]
    fn gather(&self, base: usize, lane: usize, to: &mut [f64], [down, across]: [usize; 2]) {
        let axes = &self.layout.axes;
        let [(rows, row), (columns, column)] = axes[axes.len() - 2..] else { unreachable!("a matrix has two axes") };
        for i in 0..rows {
            let first = base as isize + i as isize * row;
            for j in 0..columns {
                let from = (first + j as isize * column) as usize;
                to[i * down + j * across] = self.data[from * self.spread.lanes + lane];
            }
        }
    }
}

impl Call<'_> {
    /// What lane `own` of the first argument gives, for every lane that it is shown to.
    #[inline(always)]
    fn matrix(&self, at: &[usize], own: usize, memory: &mut Vec<f64>, out: &mut [f64], stop: &AtomicBool) -> Result<(), Stopped> {
        let Call { routine, flags, sizes, sides, lanes } = *self;
        let Sizes { rows, columns, right, arguments } = sizes;
        let (square, few, first) = (rows * columns, sizes.few(), &sides[0]);
        let members = lanes / first.spread.lanes;
        let results = length(routine, sizes);
        let scatter = |values: &[f64], out: &mut [f64]| {
            for m in 0..members {
                let lane = first.spread.shown(own, m);
                values.iter().enumerate().for_each(|(i, &value)| out[i * lanes + lane] = value);
            }
        };
        match routine {
            Dense::Lu => {
                let [to] = carve(memory, [results]);
                first.gather(at[0], own, to, [columns, 1]);
                lu::factor(to, rows, stop)?;
                scatter(to, out);
            }
            Dense::Cholesky => {
                let [to] = carve(memory, [results]);
                first.gather(at[0], own, to, [columns, 1]);
                triangular::cholesky(to, rows, stop)?;
                scatter(to, out);
            }
            Dense::Solve | Dense::TriangularSolve => {
                let wide = right * members;
                let [a, x, nothing] = carve(memory, [rows * (rows + 1), rows * wide, wide]);
                first.gather(at[0], own, a, [rows, 1]);
                // the lanes that share a matrix are columns beside columns
                for m in 0..members {
                    let lane = sides[1].spread.own(first.spread.shown(own, m));
                    sides[1].gather(at[1], lane, &mut x[m..], [wide, members]);
                }
                if flags.chain {
                    nothing.fill(0.0);
                    for row in x.chunks_exact(wide) {
                        nothing.iter_mut().zip(row).filter(|(_, x)| **x != 0.0).for_each(|(some, _)| *some = 1.0);
                    }
                }
                if routine == Dense::Solve {
                    lu::substitute(a, rows, flags.transpose, x, wide, stop)?;
                } else {
                    let triangle = Triangle { lower: flags.lower, unit: false, transposed: flags.transpose };
                    triangular::substitute(a, rows, triangle, x, wide, stop)?;
                }
                if flags.chain {
                    for row in x.chunks_exact_mut(wide) {
                        row.iter_mut().zip(&*nothing).filter(|(_, some)| **some == 0.0).for_each(|(x, _)| *x = 0.0);
                    }
                }
                for m in 0..members {
                    let lane = first.spread.shown(own, m);
                    for i in 0..rows * right {
                        out[i * lanes + lane] = x[i * members + m];
                    }
                }
            }
            Dense::Inv => {
                let [packed, to] = carve(memory, [rows * (rows + 1), results]);
                first.gather(at[0], own, packed, [rows, 1]);
                to.fill(0.0);
                (0..rows).for_each(|i| to[i * rows + i] = 1.0);
                lu::substitute(packed, rows, false, to, rows, stop)?;
                scatter(to, out);
            }
            Dense::Det | Dense::Slogdet => {
                let [packed] = carve(memory, [rows * (rows + 1)]);
                first.gather(at[0], own, packed, [rows, 1]);
                let product = lu::determinant(packed, rows);
                if routine == Dense::Det {
                    // a 0 of exchanged rows has no sign
                    scatter(&[product.value(0) + 0.0], out);
                } else {
                    let mantissa = product.mantissa();
                    scatter(&[if mantissa == 0.0 || mantissa.is_nan() { mantissa + 0.0 } else { mantissa.signum() }, product.log()], out);
                }
            }
            Dense::Cofactor => {
                let count = arguments - 1;
                let [a, e, to, spare] = carve(memory, [square, count * square, results, cofactor::memory(rows, count)]);
                first.gather(at[0], own, a, [columns, 1]);
                if count == 0 {
                    cofactor::cofactors(a, rows, to, spare, stop)?;
                    scatter(to, out);
                    return Ok(());
                }
                // decomposed once for all lanes that share it
                let (mut prepared, spare) = match count {
                    1 if rows > 3 => (Some(cofactor::prepare(a, rows, spare, stop)?), [].as_mut_slice()),
                    _ => (None, spare),
                };
                for m in 0..members {
                    let lane = first.spread.shown(own, m);
                    for ((side, &at), e) in sides[1..].iter().zip(&at[1..]).zip(e.chunks_exact_mut(square)) {
                        side.gather(at, side.spread.own(lane), e, [columns, 1]);
                    }
                    if e.chunks_exact(square).any(|e| e.iter().all(|&x| x == 0.0)) {
                        // along nothing, whatever A is
                        to.fill(0.0);
                    } else if let Some(prepared) = &mut prepared {
                        cofactor::derivative(prepared, e, rows, to, stop)?;
                    } else if count == 1 {
                        cofactor::small_derivative(a, e, rows, to);
                    } else {
                        // used up, so once more for each
                        first.gather(at[0], own, a, [columns, 1]);
                        cofactor::mixed(a, e, rows, to, spare, stop)?;
                    }
                    to.iter().enumerate().for_each(|(i, &value)| out[i * lanes + lane] = value);
                }
            }
            Dense::Eigh => {
                let [a, order, to] = carve(memory, [square, rows, results]);
                first.gather(at[0], own, a, [columns, 1]);
                let (values, vectors) = to.split_at_mut(rows);
                jacobi::eigen(a, rows, values, vectors, order, stop)?;
                // a vector is a column
                vector::transpose(vectors, rows, rows, a);
                vectors.copy_from_slice(a);
                scatter(to, out);
            }
            Dense::Svd => {
                let [a, left, to, spare] = carve(memory, [square, few * rows, results, jacobi::singular_memory(rows, columns)]);
                first.gather(at[0], own, a, [columns, 1]);
                let (u, rest) = to.split_at_mut(rows * few);
                let (values, right) = rest.split_at_mut(few);
                jacobi::singular(a, [rows, columns], Singular { left, values, right }, spare, stop)?;
                vector::transpose(left, few, rows, u);
                scatter(to, out);
            }
            Dense::Pinv => {
                let lengths = [square, few * rows, few, few * columns, results, jacobi::singular_memory(rows, columns)];
                let [a, left, values, right, to, spare] = carve(memory, lengths);
                first.gather(at[0], own, a, [columns, 1]);
                jacobi::singular(a, [rows, columns], Singular { left: &mut *left, values: &mut *values, right: &mut *right }, spare, stop)?;
                pseudoinverse(left, values, right, [rows, columns], to);
                scatter(to, out);
            }
            Dense::Qr => {
                let [lying, diagonal, weights, row, to] = carve(memory, [square, few, few, rows, results]);
                first.gather(at[0], own, lying, [1, rows]);
                let mut reflections = Reflections { columns: lying, diagonal, weights, height: rows };
                reflections.triangularise(None, stop)?;
                let (q, r) = to.split_at_mut(rows * few);
                for i in 0..few {
                    asked(stop)?;
                    let sign = if reflections.triangle(i, i) < 0.0 { -1.0 } else { 1.0 };
                    reflections.direction(i, row);
                    row.iter().enumerate().for_each(|(k, x)| q[k * few + i] = sign * x);
                    (0..columns).for_each(|j| r[i * columns + j] = if i <= j { sign * reflections.triangle(i, j) } else { 0.0 });
                }
                scatter(to, out);
            }
            Dense::Expm => {
                let [a, to, spare] = carve(memory, [square, results, exponential::memory(rows, 0)]);
                first.gather(at[0], own, a, [columns, 1]);
                exponential::exponential(a, rows, 0, to, spare, stop)?;
                scatter(to, out);
            }
            Dense::ExpmDerivative => {
                let directions = arguments - 1;
                let parts = square << directions;
                let [a, to, spare] = carve(memory, [parts, parts, exponential::memory(rows, directions)]);
                for m in 0..members {
                    let lane = first.spread.shown(own, m);
                    for ((side, &at), part) in sides.iter().zip(at).zip(a.chunks_exact_mut(square)) {
                        side.gather(at, side.spread.own(lane), part, [columns, 1]);
                    }
                    exponential::derivative(a, rows, directions, to, spare, stop)?;
                    to[parts - square..].iter().enumerate().for_each(|(i, &value)| out[i * lanes + lane] = value);
                }
            }
        }
        Ok(())
    }
}

/// Σ right·leftᵀ/value over the values that are more than rounding: above max(m, n)·ε times the largest.
#[inline(always)]
fn pseudoinverse(left: &[f64], values: &[f64], right: &[f64], [rows, columns]: [usize; 2], to: &mut [f64]) {
    let least = rows.max(columns) as f64 * f64::EPSILON * values.first().copied().unwrap_or_default();
    to.fill(0.0);
    for ((left, &value), right) in left.chunks_exact(rows).zip(values).zip(right.chunks_exact(columns)) {
        // not the other way round: NaN must show
        if value <= least {
            continue;
        }
        for (to, x) in to.chunks_exact_mut(rows).zip(right) {
            vector::add_scaled(to, x / value, left);
        }
    }
}

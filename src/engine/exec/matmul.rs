//! Matrix products. Each element of the result is one chain of fused multiply-adds over the inner axis in ascending order, whatever
//! the lanes and the layouts, so that one point and a batch have the same bits.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::program::layout::Layout;
use super::elementwise::Isa;
use super::gemm::{Extent, Matrix, multiply};

/// One product as it lies in memory: an operand with one lane where `lanes` is more is shared by all lanes.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) data: &'a [f64],
    pub(crate) layout: &'a Layout,
    pub(crate) lanes: usize,
}

/// The sizes of one product, and whether zeros stay zeros.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    pub(crate) columns: usize,
    pub(crate) lanes: usize,
    pub(crate) chain: bool,
}

/// One element: Σ aₖ·bₖ. With `chain`, a pair that has a zero counts nothing even beside ∞ or NaN.
#[inline(always)]
pub(crate) fn dot(inner: usize, pair: impl Fn(usize) -> (f64, f64), chain: bool) -> f64 {
    (0..inner).fold(0.0, |sum: f64, k| {
        let (a, b) = pair(k);
        if chain && (a == 0.0 || b == 0.0) { sum } else { a.mul_add(b, sum) }
    })
}

/// Computes the whole product into `out`: batch × rows × columns × lanes; gives up between rows once `stop` is set. `memory` is scratch.
pub(crate) fn run(isa: Isa, sizes: Sizes, sides: [Side<'_>; 2], memory: &mut Vec<f64>, out: &mut [f64], stop: &AtomicBool) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` is what this CPU was found to have
        Isa::V3 => unsafe { run_v3(sizes, sides, memory, out, stop) },
        _ => product(sizes, sides, memory, out, stop),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_v3(sizes: Sizes, sides: [Side<'_>; 2], memory: &mut Vec<f64>, out: &mut [f64], stop: &AtomicBool) {
    product(sizes, sides, memory, out, stop);
}

#[inline(always)]
fn product(sizes: Sizes, [left, right]: [Side<'_>; 2], memory: &mut Vec<f64>, out: &mut [f64], stop: &AtomicBool) {
    let Sizes { rows, inner, columns, lanes, .. } = sizes;
    let matrices = |side: &Side<'_>| {
        let split = side.layout.axes.len() - 2;
        let [(_, down), (_, across)] = side.layout.axes[split..] else { unreachable!("a matrix has two axes") };
        let batch = Layout { offset: side.layout.offset, axes: side.layout.axes[..split].to_vec() };
        (batch.positions(), down, across)
    };
    let (left_bases, left_down, left_across) = matrices(&left);
    let (right_bases, right_down, right_across) = matrices(&right);
    for ((a, b), out) in left_bases.zip(right_bases).zip(out.chunks_mut((rows * columns * lanes).max(1))) {
        let (a, b) = (
            Matrix { data: left.data, first: a, down: left_down, across: left_across },
            Matrix { data: right.data, first: b, down: right_down, across: right_across },
        );
        match (left.lanes, right.lanes) {
            _ if lanes == 1 => plain(Extent { rows, inner, columns }, a, b, (out, columns), memory, stop),
            (1, _) if right_across == 1 || columns == 1 => {
                plain(Extent { rows, inner, columns: columns * lanes }, a, b.of_lanes(lanes), (out, columns * lanes), memory, stop);
            }
            (1, _) => {
                for j in 0..columns {
                    let b = Matrix { first: (b.first as isize + j as isize * b.across) as usize, ..b };
                    let out = &mut out[j * lanes..];
                    plain(Extent { rows, inner, columns: lanes }, a, b.of_lanes(lanes), (out, columns * lanes), memory, stop);
                }
            }
            (_, 1) => {
                let turned = Matrix { down: b.across, across: b.down, ..b };
                for (i, out) in out.chunks_exact_mut(columns * lanes).enumerate() {
                    let row = Matrix { first: (a.first as isize + i as isize * a.down) as usize, down: a.across, ..a };
                    plain(Extent { rows: columns, inner, columns: lanes }, turned, row.of_lanes(lanes), (out, lanes), memory, stop);
                }
            }
            (_, _) => lane_by_lane(sizes, a, b, out, stop),
        }
        if sizes.chain {
            // only where something was not finite can a zero have mattered: those elements once more, with zeros kept
            for (at, sum) in out.iter_mut().enumerate().filter(|(_, sum)| sum.is_nan()) {
                let (i, j, lane) = (at / (columns * lanes), at / lanes % columns, at % lanes);
                let read = |side: &Side<'_>, at: usize| if side.lanes == 1 { side.data[at] } else { side.data[at * lanes + lane] };
                *sum = dot(inner, |k| (read(&left, a.at(i, k)), read(&right, b.at(k, j))), true);
            }
        }
    }
}

/// One product without lanes.
#[inline(always)]
fn plain(
    extent: Extent,
    left: Matrix<'_>,
    right: Matrix<'_>,
    (out, stride): (&mut [f64], usize),
    memory: &mut Vec<f64>,
    stop: &AtomicBool,
) {
    /// Sums that are made at once, since each waits for itself.
    const AT_ONCE: usize = 8;
    let Extent { rows, inner, columns } = extent;
    if extent.is_large() {
        return multiply(extent, left, right, (out, stride), memory, stop);
    }
    if columns == 1 {
        for i in (0..rows).step_by(AT_ONCE) {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let mut sums = [0.0; AT_ONCE];
            let some = AT_ONCE.min(rows - i);
            for k in 0..inner {
                let b = right.data[right.at(k, 0)];
                for (r, sum) in sums.iter_mut().enumerate().take(some) {
                    *sum = left.data[left.at(i + r, k)].mul_add(b, *sum);
                }
            }
            for (r, sum) in sums.iter().enumerate().take(some) {
                out[(i + r) * stride] = *sum;
            }
        }
        return;
    }
    for i in 0..rows {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let row = &mut out[i * stride..i * stride + columns];
        row.fill(0.0);
        if right.across == 1 {
            // a row of the result is a sum of scaled rows of the right
            for k in 0..inner {
                let (scale, from) = (left.data[left.at(i, k)], right.at(k, 0));
                for (sum, value) in row.iter_mut().zip(&right.data[from..from + columns]) {
                    *sum = scale.mul_add(*value, *sum);
                }
            }
        } else {
            for (j, sum) in row.iter_mut().enumerate() {
                *sum = dot(inner, |k| (left.data[left.at(i, k)], right.data[right.at(k, j)]), false);
            }
        }
    }
}

/// One product of which both sides have lanes.
#[inline(always)]
fn lane_by_lane(sizes: Sizes, left: Matrix<'_>, right: Matrix<'_>, out: &mut [f64], stop: &AtomicBool) {
    let Sizes { inner, columns, lanes, .. } = sizes;
    for (at, sums) in out.chunks_exact_mut(lanes).enumerate() {
        let (i, j) = (at / columns, at % columns);
        if j == 0 && stop.load(Ordering::Relaxed) {
            return;
        }
        sums.fill(0.0);
        for k in 0..inner {
            let (l, r) = (left.at(i, k), right.at(k, j));
            let pairs = left.data[l * lanes..(l + 1) * lanes].iter().zip(&right.data[r * lanes..(r + 1) * lanes]);
            sums.iter_mut().zip(pairs).for_each(|(sum, (a, b))| *sum = a.mul_add(*b, *sum));
        }
    }
}

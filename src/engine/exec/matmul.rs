//! Matrix products. Each element of the result is one chain of fused multiply-adds over the inner axis in ascending order, whatever
//! the lanes and the layouts, so that one point and a batch have the same bits.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::program::layout::Layout;
use super::elementwise::Isa;

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

/// Computes the whole product into `out`: batch × rows × columns × lanes; gives up between rows once `stop` is set.
pub(crate) fn run(isa: Isa, sizes: Sizes, left: Side<'_>, right: Side<'_>, out: &mut [f64], stop: &AtomicBool) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` is what this CPU was found to have
        Isa::V3 => unsafe { run_v3(sizes, left, right, out, stop) },
        _ => product(sizes, left, right, out, stop),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_v3(sizes: Sizes, left: Side<'_>, right: Side<'_>, out: &mut [f64], stop: &AtomicBool) {
    product(sizes, left, right, out, stop);
}

#[inline(always)]
fn product(sizes: Sizes, left: Side<'_>, right: Side<'_>, out: &mut [f64], stop: &AtomicBool) {
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
        let at_left = |i: usize, k: usize| (a as isize + i as isize * left_down + k as isize * left_across) as usize;
        let at_right = |k: usize, j: usize| (b as isize + k as isize * right_down + j as isize * right_across) as usize;
        for i in 0..rows {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let row = &mut out[i * columns * lanes..(i + 1) * columns * lanes];
            row.fill(0.0);
            if lanes == 1 && (right_across == 1 || columns == 1) {
                // one lane: a row of the result is a sum of scaled rows of the right
                for k in 0..inner {
                    let scale = left.data[at_left(i, k)];
                    let from = at_right(k, 0);
                    for (sum, value) in row.iter_mut().zip(&right.data[from..from + columns]) {
                        *sum = scale.mul_add(*value, *sum);
                    }
                }
            } else if lanes == 1 {
                for (j, sum) in row.iter_mut().enumerate() {
                    *sum = dot(inner, |k| (left.data[at_left(i, k)], right.data[at_right(k, j)]), false);
                }
            } else {
                for (j, sums) in row.chunks_mut(lanes).enumerate() {
                    for k in 0..inner {
                        let (l, r) = (at_left(i, k), at_right(k, j));
                        match (left.lanes, right.lanes) {
                            (1, 1) => {
                                let (a, b) = (left.data[l], right.data[r]);
                                sums.iter_mut().for_each(|sum| *sum = a.mul_add(b, *sum));
                            }
                            (1, _) => {
                                let a = left.data[l];
                                let values = &right.data[r * lanes..(r + 1) * lanes];
                                sums.iter_mut().zip(values).for_each(|(sum, b)| *sum = a.mul_add(*b, *sum));
                            }
                            (_, 1) => {
                                let b = right.data[r];
                                let values = &left.data[l * lanes..(l + 1) * lanes];
                                sums.iter_mut().zip(values).for_each(|(sum, a)| *sum = a.mul_add(b, *sum));
                            }
                            (_, _) => {
                                let pairs = left.data[l * lanes..(l + 1) * lanes].iter().zip(&right.data[r * lanes..(r + 1) * lanes]);
                                sums.iter_mut().zip(pairs).for_each(|(sum, (a, b))| *sum = a.mul_add(*b, *sum));
                            }
                        }
                    }
                }
            }
            if sizes.chain {
                // only where something was not finite can a zero have mattered: those elements once more, with zeros kept
                for (at, sum) in row.iter_mut().enumerate().filter(|(_, sum)| sum.is_nan()) {
                    let (j, lane) = (at / lanes, at % lanes);
                    let read = |side: &Side<'_>, at: usize| if side.lanes == 1 { side.data[at] } else { side.data[at * lanes + lane] };
                    *sum = dot(inner, |k| (read(&left, at_left(i, k)), read(&right, at_right(k, j))), true);
                }
            }
        }
    }
}

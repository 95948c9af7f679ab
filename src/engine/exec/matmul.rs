//! Matrix products. Each element of the result is one chain of fused multiply-adds over the inner axis in ascending order, whatever
//! the lanes and the layouts, so that one point and a batch have the same bits.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::program::layout::Layout;
use super::elementwise::Isa;
use super::gemm::{Extent, Matrix, Product, multiply};
pub(super) use super::gemm::{MEMORY, ROWS};

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

/// One element: Σ aₖ·bₖ, a pair after the other. With `chain`, a pair that has a zero counts nothing even beside ∞ or NaN.
#[inline(always)]
pub(crate) fn dot(inner: usize, pair: impl Fn(usize) -> (f64, f64), chain: bool) -> f64 {
    let mut sum: f64 = 0.0;
    for k in 0..inner {
        let (a, b) = pair(k);
        if !(chain && (a == 0.0 || b == 0.0)) {
            sum = a.mul_add(b, sum);
        }
    }
    if chain { settled(sum) } else { sum }
}

/// A sum in which zeros count nothing is never −0.0, whichever of them were left out of it.
#[inline(always)]
pub(super) fn settled(sum: f64) -> f64 {
    sum + 0.0
}

/// Settles all sums of a product in which zeros count nothing, and says whether one of them is NaN: a zero can have mattered there.
#[inline(always)]
pub(super) fn settle(sums: &mut [f64]) -> bool {
    let mut nan = false;
    for sum in sums {
        *sum = settled(*sum);
        nan |= sum.is_nan();
    }
    nan
}

/// Computes as many lines of the batch's products (batch × rows × columns × lanes) as fill `out`, from the line `first` on; gives up between
/// rows once `stop` is set. `memory` is scratch.
pub(crate) fn run(isa: Isa, sizes: Sizes, sides: [Side<'_>; 2], first: usize, memory: &mut Vec<f64>, out: &mut [f64], stop: &AtomicBool) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` is what this CPU was found to have
        Isa::V3 | Isa::V4 => unsafe { run_v3(sizes, sides, first, memory, out, stop) },
        _ => product(isa, sizes, sides, first, memory, out, stop),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_v3(sizes: Sizes, sides: [Side<'_>; 2], first: usize, memory: &mut Vec<f64>, out: &mut [f64], stop: &AtomicBool) {
    product(Isa::V3, sizes, sides, first, memory, out, stop);
}

#[inline(always)]
fn product(isa: Isa, sizes: Sizes, [left, right]: [Side<'_>; 2], first: usize, memory: &mut Vec<f64>, out: &mut [f64], stop: &AtomicBool) {
    let Sizes { rows, inner, columns, lanes, chain } = sizes;
    if out.is_empty() {
        return;
    }
    let matrices = |side: &Side<'_>| {
        let split = side.layout.axes.len() - 2;
        let [(_, down), (_, across)] = side.layout.axes[split..] else { unreachable!("a matrix has two axes") };
        let batch = Layout { offset: side.layout.offset, axes: side.layout.axes[..split].to_vec() };
        (batch.positions().seek(batch.offset, first / rows), down, across)
    };
    let (left_bases, left_down, left_across) = matrices(&left);
    let (right_bases, right_down, right_across) = matrices(&right);
    // unit vectors come as lanes
    let of = |extent, left, right| Product { extent, left, right, skip: chain && lanes > 1 };
    let (mut row, mut rest) = (first % rows, out);
    for (a, b) in left_bases.zip(right_bases) {
        if rest.is_empty() {
            break;
        }
        let (a, b) = (
            Matrix { data: left.data, first: a, down: left_down, across: left_across },
            Matrix { data: right.data, first: b, down: right_down, across: right_across },
        );
        // of the first product, and of the last, there may be a part
        let (skipped, count) = (row, (rows - row).min(rest.len() / (columns * lanes)));
        let a = Matrix { first: a.at(skipped, 0), ..a };
        let (out, after) = rest.split_at_mut(count * columns * lanes);
        (row, rest) = (0, after);
        let rows = count;
        match (left.lanes, right.lanes) {
            _ if lanes == 1 => plain(isa, of(Extent { rows, inner, columns }, a, b), (out, columns), memory, stop),
            (1, _) if right_across == 1 || columns == 1 => {
                plain(
                    isa,
                    of(Extent { rows, inner, columns: columns * lanes }, a, b.of_lanes(lanes)),
                    (out, columns * lanes),
                    memory,
                    stop,
                );
            }
            (1, _) => {
                for j in 0..columns {
                    let b = Matrix { first: (b.first as isize + j as isize * b.across) as usize, ..b };
                    let out = &mut out[j * lanes..];
                    plain(isa, of(Extent { rows, inner, columns: lanes }, a, b.of_lanes(lanes)), (out, columns * lanes), memory, stop);
                }
            }
            (_, 1) => {
                let turned = Matrix { down: b.across, across: b.down, ..b };
                for (i, out) in out.chunks_exact_mut(columns * lanes).enumerate() {
                    let row = Matrix { first: (a.first as isize + i as isize * a.down) as usize, down: a.across, ..a };
                    plain(
                        isa,
                        of(Extent { rows: columns, inner, columns: lanes }, turned, row.of_lanes(lanes)),
                        (out, lanes),
                        memory,
                        stop,
                    );
                }
            }
            (_, _) => lane_by_lane(sizes, a, b, out, stop),
        }
        if sizes.chain && settle(out) {
            // those elements once more, with zeros kept
            for (at, sum) in out.iter_mut().enumerate().filter(|(_, sum)| sum.is_nan()) {
                let (i, j, lane) = (at / (columns * lanes), at / lanes % columns, at % lanes);
                let read = |side: &Side<'_>, at: usize| if side.lanes == 1 { side.data[at] } else { side.data[at * lanes + lane] };
                *sum = dot(inner, |k| (read(&left, a.at(i, k)), read(&right, b.at(k, j))), true);
            }
        }
    }
}

/// One product without lanes.
fn plain(isa: Isa, product: Product<'_>, out: (&mut [f64], usize), memory: &mut Vec<f64>, stop: &AtomicBool) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` is what this CPU was found to have
        Isa::V3 | Isa::V4 => unsafe { plain_v3(product, out, memory, stop) },
        _ => plain_anywhere(isa, product, out, memory, stop),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn plain_v3(product: Product<'_>, out: (&mut [f64], usize), memory: &mut Vec<f64>, stop: &AtomicBool) {
    plain_anywhere(Isa::V3, product, out, memory, stop);
}

#[inline(always)]
fn plain_anywhere(isa: Isa, product: Product<'_>, (out, stride): (&mut [f64], usize), memory: &mut Vec<f64>, stop: &AtomicBool) {
    let Product { extent: Extent { rows, inner, columns }, left, right, .. } = product;
    if product.is_large() {
        return multiply(isa, product, (out, stride), memory, stop);
    }
    // whole blocks of columns, then what is left of them
    let blocks = columns / AT_ONCE * AT_ONCE;
    if blocks > 0 {
        for i in 0..rows {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            for j in (0..blocks).step_by(AT_ONCE) {
                let mut sums: [f64; AT_ONCE] = [0.0; AT_ONCE];
                for k in 0..inner {
                    let (a, from) = (left.data[left.at(i, k)], right.at(k, j));
                    if right.across == 1 {
                        let b = &right.data[from..from + AT_ONCE];
                        for c in 0..AT_ONCE {
                            sums[c] = a.mul_add(b[c], sums[c]);
                        }
                    } else {
                        let mut from = from as isize;
                        for c in 0..AT_ONCE {
                            sums[c] = a.mul_add(right.data[from as usize], sums[c]);
                            from += right.across;
                        }
                    }
                }
                out[i * stride + j..][..AT_ONCE].copy_from_slice(&sums);
            }
        }
    }
    if rows >= AT_ONCE || columns == 1 {
        for j in blocks..columns {
            column(product, j, (&mut out[j..], stride), stop);
        }
    } else if columns > blocks {
        let right = Matrix { first: right.at(0, blocks), ..right };
        let rest = Product { extent: Extent { columns: columns - blocks, ..product.extent }, right, ..product };
        let out = (&mut out[blocks..], stride);
        if rows * (columns - blocks) <= FEW { apart::<FEW>(rest, out, stop) } else { apart::<AT_ONCE>(rest, out, stop) }
    }
}

/// Sums that are made at once, since each waits for itself.
const AT_ONCE: usize = 8;
/// Or so many, where there are no more.
const FEW: usize = 4;

/// One column of the result, the first of `out`.
#[inline(always)]
fn column(product: Product<'_>, j: usize, (out, stride): (&mut [f64], usize), stop: &AtomicBool) {
    let Product { extent: Extent { rows, inner, .. }, left, right, .. } = product;
    for i in (0..rows).step_by(AT_ONCE) {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let mut sums: [f64; AT_ONCE] = [0.0; AT_ONCE];
        let some = AT_ONCE.min(rows - i);
        // rows that are not there are the last one again
        let mut places = [0; AT_ONCE];
        for r in 0..AT_ONCE {
            places[r] = left.at(i + r.min(some - 1), 0) as isize;
        }
        let (mut along, mut down) = (0, right.at(0, j) as isize);
        if left.down == 1 && some == AT_ONCE {
            for _ in 0..inner {
                let b = right.data[down as usize];
                let from = (places[0] + along) as usize;
                let a = &left.data[from..from + AT_ONCE];
                for r in 0..AT_ONCE {
                    sums[r] = a[r].mul_add(b, sums[r]);
                }
                (along, down) = (along + left.across, down + right.down);
            }
        } else {
            for _ in 0..inner {
                let b = right.data[down as usize];
                for r in 0..AT_ONCE {
                    sums[r] = left.data[(places[r] + along) as usize].mul_add(b, sums[r]);
                }
                (along, down) = (along + left.across, down + right.down);
            }
        }
        for r in 0..some {
            out[(i + r) * stride] = sums[r];
        }
    }
}

/// The elements of the result row by row, N at once, wherever what they are made of lies.
#[inline(always)]
fn apart<const N: usize>(product: Product<'_>, (out, stride): (&mut [f64], usize), stop: &AtomicBool) {
    let Product { extent: Extent { rows, inner, columns }, left, right, .. } = product;
    let (mut i, mut j) = (0, 0);
    while i < rows {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let (mut a, mut b, mut to, mut some) = ([0; N], [0; N], [0; N], 0);
        for n in 0..N {
            if i < rows {
                (a[n], b[n], to[n], some) = (left.at(i, 0) as isize, right.at(0, j) as isize, i * stride + j, n + 1);
                j += 1;
                if j == columns {
                    (i, j) = (i + 1, 0);
                }
            } else {
                // those that are not there are the last one again
                (a[n], b[n]) = (a[n - 1], b[n - 1]);
            }
        }
        let mut sums: [f64; N] = [0.0; N];
        let (mut across, mut down) = (0, 0);
        for _ in 0..inner {
            for n in 0..N {
                sums[n] = left.data[(a[n] + across) as usize].mul_add(right.data[(b[n] + down) as usize], sums[n]);
            }
            (across, down) = (across + left.across, down + right.down);
        }
        for n in 0..some {
            out[to[n]] = sums[n];
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
            for (sum, (a, b)) in sums.iter_mut().zip(pairs) {
                *sum = a.mul_add(*b, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix as rows, as columns, as rows from the last to the first, or every other number of rows.
    fn lying(rows: usize, columns: usize, how: usize) -> Layout {
        let (offset, down, across) = match how {
            0 => (0, columns as isize, 1),
            1 => (0, 1, rows as isize),
            2 => ((rows.max(1) - 1) * columns, -(columns as isize), 1),
            _ => (1, 2 * columns as isize, 2),
        };
        Layout { offset, axes: vec![(rows, down), (columns, across)] }
    }

    fn numbers(count: usize, salt: usize) -> Vec<f64> {
        (0..count).map(|i| ((i * 37 + salt * 11) % 101) as f64 / 7.0 - 7.0 + if i % 5 == 0 { 1e-9 } else { 0.0 }).collect()
    }

    /// Every way in which a product is made: blocks of columns, few sums at once, packed panels, panels where they lie.
    #[test]
    fn every_element_is_one_chain_whatever_the_sizes() {
        for rows in [1, 2, 3, 5, 8, 13] {
            for columns in [1, 2, 3, 4, 7, 8, 9, 26] {
                for inner in [0, 1, 2, 3, 4, 9, 210] {
                    let data = [numbers(2 * rows * inner + 2, 1), numbers(2 * inner * columns + 2, 2)];
                    for how in 0..16 {
                        let layouts = [lying(rows, inner, how % 4), lying(inner, columns, how / 4)];
                        let sides = [0, 1].map(|side| Side { data: &data[side], layout: &layouts[side], lanes: 1 });
                        let [left, right] = [0, 1].map(|side| {
                            let Layout { offset, axes } = &layouts[side];
                            Matrix { data: &data[side], first: *offset, down: axes[0].1, across: axes[1].1 }
                        });
                        let pair = |i: usize, j: usize| move |k: usize| (left.data[left.at(i, k)], right.data[right.at(k, j)]);
                        for isa in Isa::all() {
                            let (mut out, sizes) = (vec![f64::NAN; rows * columns], Sizes { rows, inner, columns, lanes: 1, chain: false });
                            run(isa, sizes, sides, 0, &mut Vec::new(), &mut out, &AtomicBool::new(false));
                            for (at, got) in out.into_iter().enumerate() {
                                let expected = dot(inner, pair(at / columns, at % columns), false);
                                let what = (rows, inner, columns, how, isa);
                                assert_eq!(got.to_bits(), expected.to_bits(), "{got} at {at}, not {expected}: {what:?}");
                            }
                        }
                    }
                }
            }
        }
    }
}

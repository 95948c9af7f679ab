//! Blocked products of two matrices that lie anywhere, for sizes at which the order of memory accesses matters.
//!
//! The blocking is K. Goto and R. van de Geijn's (ACM TOMS 34 (2008)): panels of both sides are packed so that a small block of the result,
//! held in registers, streams through them. What differs from a BLAS is that no block ever splits a sum: each element stays one chain of
//! fused multiply-adds in ascending order, stored and taken up again between panels, so that the bits are those of the plainest loop.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::elementwise::Isa;

/// Rows and columns of the block in registers: twelve vectors of four, beside two of the right and one of the left.
pub(super) const ROWS: usize = 6;
const COLUMNS: usize = 8;
/// Columns of a block that is half as wide.
const HALF: usize = COLUMNS / 2;
/// Entries of the inner axis that are packed at once, and columns: the right panel takes 300 KB.
const INNER: usize = 192;
const WIDE: usize = 192;
/// Rows of the left that are packed at once.
const TALL: usize = 16 * ROWS;
/// Up to so many columns the left is read where it lies: packing it would cost a part of the products.
const NARROW: usize = 8 * COLUMNS;
/// Up to so many rows so is the right.
const FLAT: usize = 4 * ROWS;

/// Numbers that packed panels take at most.
pub(super) const MEMORY: usize = INNER * (WIDE + TALL);

/// A matrix in memory: element (i, j) is `data[first + i·down + j·across]`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) data: &'a [f64],
    pub(super) first: usize,
    pub(super) down: isize,
    pub(super) across: isize,
}

impl Matrix<'_> {
    /// The place of an element.
    #[inline(always)]
    pub(super) fn at(&self, i: usize, j: usize) -> usize {
        (self.first as isize + i as isize * self.down + j as isize * self.across) as usize
    }

    /// The same where each element is so many lanes, and these (of all columns, if they lie side by side) are the columns.
    pub(super) fn of_lanes(self, lanes: usize) -> Self {
        Matrix { first: self.first * lanes, down: self.down * lanes as isize, across: 1, ..self }
    }
}

/// What is multiplied.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    pub(super) extent: Extent,
    pub(super) left: Matrix<'a>,
    pub(super) right: Matrix<'a>,
    /// Whether zeros of the right count nothing: where many are, as in unit vectors, most of the work is then left out.
    pub(super) skip: bool,
}

/// Rows, length of the sums, columns.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) rows: usize,
    pub(super) inner: usize,
    pub(super) columns: usize,
}

impl Product<'_> {
    /// Whether blocks pay: packing takes three rows, and strips where they lie none.
    pub(super) fn is_large(&self) -> bool {
        let Extent { rows, inner, columns } = self.extent;
        columns >= 4 && inner >= 4 && (rows >= 3 || (columns >= COLUMNS && self.right.across == 1 && !self.skip))
    }
}

/// `out[i·stride + j] = Σₖ left(i, k)·right(k, j)`; with `skip` where right(k, j) is 0 the pair may count nothing whatever left(i, k) is.
/// Gives up between panels once `stop` is set. `memory` is scratch.
#[inline(always)]
pub(super) fn multiply(
    isa: Isa,
    Product { extent, left, right, skip }: Product<'_>,
    (out, stride): (&mut [f64], usize),
    memory: &mut Vec<f64>,
    stop: &AtomicBool,
) {
    let Extent { rows, inner, columns } = extent;
    let packed = columns > NARROW;
    // whole strips of the right, where they lie: few rows would not make up for packing
    let in_place = right.across == 1 && rows <= FLAT && !skip;
    let (depth, width) = (inner.min(INNER), columns.min(WIDE).next_multiple_of(COLUMNS));
    let height = if packed { rows.min(TALL).next_multiple_of(ROWS) } else { 0 };
    let needed = depth * (width + height);
    if memory.len() < needed {
        memory.resize(needed, 0.0);
    }
    let (right_panel, left_panel) = memory[..needed].split_at_mut(depth * width);
    let mut ranges = [(0, 0); WIDE / COLUMNS];
    for first_column in (0..columns).step_by(WIDE) {
        let width = WIDE.min(columns - first_column);
        for first in (0..inner).step_by(INNER) {
            let depth = INNER.min(inner - first);
            let lying = match width % COLUMNS {
                _ if !in_place => 0,
                HALF => width,
                rest => width - rest,
            };
            pack_right(right, (first, depth), (first_column, lying..width), right_panel);
            for (range, strip) in ranges.iter_mut().zip(right_panel.chunks_exact(depth * COLUMNS)) {
                *range = if skip { nonzero(strip) } else { (0, depth) };
            }
            for first_row in (0..rows).step_by(TALL) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let height = TALL.min(rows - first_row);
                if packed {
                    pack_left(left, (first_row, height), (first, depth), left_panel);
                }
                for row in (0..height).step_by(ROWS) {
                    let rows = ROWS.min(height - row);
                    let out = &mut out[(first_row + row) * stride + first_column..];
                    let stripe = if packed {
                        Matrix { data: left_panel, first: row * depth, down: 1, across: ROWS as isize }
                    } else {
                        Matrix { first: left.at(first_row + row, first), ..left }
                    };
                    let mut column = 0;
                    while column < width {
                        let (begin, end) = ranges[column / COLUMNS];
                        // strips that are computed one like the other are one call
                        let (at, step, count) = if column < lying {
                            let count = ((lying - column) / COLUMNS).max(1);
                            (Matrix { first: right.at(first, first_column + column), ..right }, COLUMNS, count)
                        } else {
                            let panel = Matrix { data: right_panel, first: column * depth, down: COLUMNS as isize, across: 1 };
                            (panel, depth * COLUMNS, if skip { 1 } else { ((width - column) / COLUMNS).max(1) })
                        };
                        let strips = Strips { first: Matrix { first: at.at(begin, 0), ..at }, depth: end - begin, step, count };
                        let stripe = Matrix { first: stripe.at(0, begin), ..stripe };
                        let columns = COLUMNS.min(if column < lying { lying } else { width } - column);
                        block(isa, stripe, strips, (&mut out[column..], stride), (rows, columns), first > 0);
                        column += if count > 1 { count * COLUMNS } else { columns };
                    }
                }
            }
        }
    }
}

/// From the first row of a strip that is not all zeros to behind the last one.
#[inline(always)]
fn nonzero(strip: &[f64]) -> (usize, usize) {
    let (mut begin, mut end) = (0, strip.len() / COLUMNS);
    while begin < end && all_zero(&strip[begin * COLUMNS..(begin + 1) * COLUMNS]) {
        begin += 1;
    }
    while begin < end && all_zero(&strip[(end - 1) * COLUMNS..end * COLUMNS]) {
        end -= 1;
    }
    (begin, end)
}

#[inline(always)]
fn all_zero(row: &[f64]) -> bool {
    let mut magnitudes = 0;
    for value in row {
        // without the sign
        magnitudes |= value.to_bits() << 1;
    }
    magnitudes == 0
}

/// Strips of `COLUMNS` columns, row after row; what is beyond the matrix is 0.
#[inline(always)]
fn pack_right(right: Matrix<'_>, (first, depth): (usize, usize), (column, part): (usize, Range<usize>), panel: &mut [f64]) {
    let width = part.end;
    for (strip, j) in panel[part.start * depth..].chunks_exact_mut(depth * COLUMNS).zip(part.step_by(COLUMNS)) {
        let valid = COLUMNS.min(width - j);
        if valid == COLUMNS && right.across == 1 {
            let mut at = right.at(first, column + j) as isize;
            for row in strip.chunks_exact_mut(COLUMNS) {
                row.copy_from_slice(&right.data[at as usize..at as usize + COLUMNS]);
                at += right.down;
            }
            continue;
        }
        if valid == COLUMNS && right.down == 1 {
            for half in [0, 4] {
                let at = |c: usize| right.at(first, column + j + half + c);
                let columns = [
                    &right.data[at(0)..][..depth],
                    &right.data[at(1)..][..depth],
                    &right.data[at(2)..][..depth],
                    &right.data[at(3)..][..depth],
                ];
                transpose(columns, &mut strip[half..]);
            }
            continue;
        }
        for c in 0..valid {
            let mut at = right.at(first, column + j + c) as isize;
            for row in strip.chunks_exact_mut(COLUMNS) {
                row[c] = right.data[at as usize];
                at += right.down;
            }
        }
        for row in strip.chunks_exact_mut(COLUMNS) {
            for value in &mut row[valid..] {
                *value = 0.0;
            }
        }
    }
}

/// Four columns as rows, `COLUMNS` apart.
#[inline(always)]
fn transpose([a, b, c, d]: [&[f64]; 4], rows: &mut [f64]) {
    let depth = a.len();
    let (b, c, d) = (&b[..depth], &c[..depth], &d[..depth]);
    let rows = &mut rows[..(depth.max(1) - 1) * COLUMNS + 4];
    for k in 0..depth {
        rows[k * COLUMNS] = a[k];
        rows[k * COLUMNS + 1] = b[k];
        rows[k * COLUMNS + 2] = c[k];
        rows[k * COLUMNS + 3] = d[k];
    }
}

/// Stripes of `ROWS` rows, column after column; what is beyond the matrix is 0.
#[inline(always)]
fn pack_left(left: Matrix<'_>, (row, height): (usize, usize), (first, depth): (usize, usize), panel: &mut [f64]) {
    for (stripe, i) in panel.chunks_exact_mut(depth * ROWS).zip((0..height).step_by(ROWS)) {
        if left.down == 1 && i + ROWS <= height {
            let mut at = left.at(row + i, first) as isize;
            for values in stripe.chunks_exact_mut(ROWS) {
                values.copy_from_slice(&left.data[at as usize..at as usize + ROWS]);
                at += left.across;
            }
            continue;
        }
        for r in 0..ROWS {
            if i + r >= height {
                stripe.chunks_exact_mut(ROWS).for_each(|values| values[r] = 0.0);
                continue;
            }
            let mut at = left.at(row + i + r, first) as isize;
            for values in stripe.chunks_exact_mut(ROWS) {
                values[r] = left.data[at as usize];
                at += left.across;
            }
        }
    }
}

/// Strips of the right, each `COLUMNS` columns side by side, at equal distances.
#[derive(Clone, Copy)]
struct Strips<'a> {
    first: Matrix<'a>,
    depth: usize,
    step: usize,
    count: usize,
}

/// Blocks of the result beside each other: what they are already (`goes_on`) or 0, and the products of a stripe of the left, which lies
/// anywhere, with strips of the right; with one strip, of its first columns.
#[inline(always)]
fn block(isa: Isa, stripe: Matrix<'_>, strips: Strips<'_>, out: (&mut [f64], usize), (rows, columns): (usize, usize), goes_on: bool) {
    if columns == COLUMNS || columns == HALF {
        return add_products(isa, stripe, strips, out, (rows, columns), goes_on);
    }
    // by way of a whole block
    let (out, stride) = out;
    let mut whole = [0.0; ROWS * COLUMNS];
    if goes_on {
        for r in 0..rows {
            for c in 0..columns {
                whole[r * COLUMNS + c] = out[r * stride + c];
            }
        }
    }
    add_products(isa, stripe, strips, (&mut whole, COLUMNS), (rows, COLUMNS), goes_on);
    for r in 0..rows {
        for c in 0..columns {
            out[r * stride + c] = whole[r * COLUMNS + c];
        }
    }
}

/// `out[r·stride + c] += left(r, k)·strip(k, c)`, k ascending, for so many rows, and of each strip `COLUMNS` columns or half of them; from 0
/// unless it goes on.
#[inline(always)]
fn add_products(isa: Isa, left: Matrix<'_>, strips: Strips<'_>, out: (&mut [f64], usize), (rows, columns): (usize, usize), goes_on: bool) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` is what this CPU was found to have
        Isa::V3 | Isa::V4 => unsafe {
            match (rows, columns == COLUMNS) {
                (1, true) => add_products_v3::<1, 2>(left, strips, out, goes_on),
                (2, true) => add_products_v3::<2, 2>(left, strips, out, goes_on),
                (3, true) => add_products_v3::<3, 2>(left, strips, out, goes_on),
                (4, true) => add_products_v3::<4, 2>(left, strips, out, goes_on),
                (5, true) => add_products_v3::<5, 2>(left, strips, out, goes_on),
                (_, true) => add_products_v3::<ROWS, 2>(left, strips, out, goes_on),
                (1, false) => add_products_v3::<1, 1>(left, strips, out, goes_on),
                (2, false) => add_products_v3::<2, 1>(left, strips, out, goes_on),
                (3, false) => add_products_v3::<3, 1>(left, strips, out, goes_on),
                (4, false) => add_products_v3::<4, 1>(left, strips, out, goes_on),
                (5, false) => add_products_v3::<5, 1>(left, strips, out, goes_on),
                (_, false) => add_products_v3::<ROWS, 1>(left, strips, out, goes_on),
            }
        },
        _ => add_products_anywhere(left, strips, out, (rows, columns), goes_on),
    }
}

fn add_products_anywhere(
    left: Matrix<'_>,
    strips: Strips<'_>,
    (out, stride): (&mut [f64], usize),
    (rows, columns): (usize, usize),
    goes_on: bool,
) {
    let Strips { first: right, depth, step, count } = strips;
    for strip in 0..count {
        let right = Matrix { first: right.first + strip * step, ..right };
        for r in 0..rows {
            let sums = &mut out[r * stride + strip * COLUMNS..][..columns];
            if !goes_on {
                sums.fill(0.0);
            }
            for k in 0..depth {
                let a = left.data[left.at(r, k)];
                for (sum, b) in sums.iter_mut().zip(&right.data[right.at(k, 0)..]) {
                    *sum = a.mul_add(*b, *sum);
                }
            }
        }
    }
}

/// The same with all sums in registers: R rows of V vectors.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn add_products_v3<const R: usize, const V: usize>(
    left: Matrix<'_>,
    strips: Strips<'_>,
    (out, stride): (&mut [f64], usize),
    goes_on: bool,
) {
    use std::arch::x86_64::{_mm256_broadcast_sd, _mm256_fmadd_pd, _mm256_loadu_pd, _mm256_setzero_pd, _mm256_storeu_pd};
    let Strips { first: right, depth, step, count } = strips;
    assert!(count > 0 && out.len() >= (R - 1) * stride + (count - 1) * COLUMNS + 4 * V);
    if depth > 0 {
        // of numbers at equal distances the first and the last say where all are
        for (r, k) in [(0, 0), (R - 1, 0), (0, depth - 1), (R - 1, depth - 1)] {
            let at = left.first as isize + r as isize * left.down + k as isize * left.across;
            assert!(at >= 0 && (at as usize) < left.data.len());
        }
        for k in [0, depth - 1] {
            let at = right.first as isize + k as isize * right.down;
            assert!(at >= 0 && at as usize + (count - 1) * step + 4 * V <= right.data.len());
        }
    }
    // SAFETY: `out` has R rows of V vectors for each strip, and both sides were looked at above
    unsafe {
        let mut from = [left.data.as_ptr(); R];
        for r in 0..R {
            from[r] = from[r].wrapping_offset(left.first as isize + r as isize * left.down);
        }
        for strip in 0..count {
            let out = out.as_mut_ptr().add(strip * COLUMNS);
            let mut held = [[_mm256_setzero_pd(); V]; R];
            if goes_on {
                for r in 0..R {
                    for v in 0..V {
                        held[r][v] = _mm256_loadu_pd(out.add(r * stride + 4 * v));
                    }
                }
            }
            let mut b = right.data.as_ptr().wrapping_add(right.first + strip * step);
            let mut along = 0;
            for _ in 0..depth {
                let mut row = [_mm256_setzero_pd(); V];
                for v in 0..V {
                    row[v] = _mm256_loadu_pd(b.add(4 * v));
                }
                for r in 0..R {
                    let a = _mm256_broadcast_sd(&*from[r].offset(along));
                    for v in 0..V {
                        held[r][v] = _mm256_fmadd_pd(a, row[v], held[r][v]);
                    }
                }
                // behind the last ones they point anywhere
                along += left.across;
                b = b.wrapping_offset(right.down);
            }
            for r in 0..R {
                for v in 0..V {
                    _mm256_storeu_pd(out.add(r * stride + 4 * v), held[r][v]);
                }
            }
        }
    }
}

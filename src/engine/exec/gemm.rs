//! Blocked products of two matrices that lie anywhere, for sizes at which the order of memory accesses matters.
//!
//! The blocking is K. Goto and R. van de Geijn's (ACM TOMS 34 (2008)): panels of both sides are packed so that a small block of the result,
//! held in registers, streams through them. What differs from a BLAS is that no block ever splits a sum: each element stays one chain of
//! fused multiply-adds in ascending order, stored and taken up again between panels, so that the bits are those of the plainest loop.

use std::sync::atomic::{AtomicBool, Ordering};

/// Rows and columns of the block in registers: twelve vectors of four, beside two of the right and one of the left.
const ROWS: usize = 6;
const COLUMNS: usize = 8;
/// Entries of the inner axis that are packed at once, and columns: the right panel fits in half a megabyte.
const INNER: usize = 192;
const WIDE: usize = 256;
/// Rows of the left that are packed at once.
const TALL: usize = 16 * ROWS;

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

/// Rows, length of the sums, columns.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) rows: usize,
    pub(super) inner: usize,
    pub(super) columns: usize,
}

impl Extent {
    /// Whether packing pays.
    pub(super) fn is_large(self) -> bool {
        self.rows >= 3 && self.columns >= 4 && self.inner >= 4
    }
}

/// `out[i·stride + j] = Σₖ left(i, k)·right(k, j)`; gives up between panels once `stop` is set. `memory` is scratch.
#[inline(always)]
pub(super) fn multiply(
    extent: Extent,
    left: Matrix<'_>,
    right: Matrix<'_>,
    (out, stride): (&mut [f64], usize),
    memory: &mut Vec<f64>,
    stop: &AtomicBool,
) {
    let Extent { rows, inner, columns } = extent;
    let (depth, width, height) = (inner.min(INNER), columns.min(WIDE).next_multiple_of(COLUMNS), rows.min(TALL).next_multiple_of(ROWS));
    let needed = depth * (width + height);
    if memory.len() < needed {
        memory.resize(needed, 0.0);
    }
    let (right_panel, left_panel) = memory[..needed].split_at_mut(depth * width);
    for first_column in (0..columns).step_by(WIDE) {
        let width = WIDE.min(columns - first_column);
        for first in (0..inner).step_by(INNER) {
            let depth = INNER.min(inner - first);
            pack_right(right, (first, depth), (first_column, width), right_panel);
            for first_row in (0..rows).step_by(TALL) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let height = TALL.min(rows - first_row);
                pack_left(left, (first_row, height), (first, depth), left_panel);
                for (strip, column) in right_panel.chunks_exact(depth * COLUMNS).zip((0..width).step_by(COLUMNS)) {
                    for (stripe, row) in left_panel.chunks_exact(depth * ROWS).zip((0..height).step_by(ROWS)) {
                        let begin = (first_row + row) * stride + first_column + column;
                        let valid = (ROWS.min(height - row), COLUMNS.min(width - column));
                        block(stripe, strip, (&mut out[begin..], stride), valid, first > 0);
                    }
                }
            }
        }
    }
}

/// Strips of `COLUMNS` columns, row after row; what is beyond the matrix is 0.
#[inline(always)]
fn pack_right(right: Matrix<'_>, (first, depth): (usize, usize), (column, width): (usize, usize), panel: &mut [f64]) {
    for (strip, j) in panel.chunks_exact_mut(depth * COLUMNS).zip((0..width).step_by(COLUMNS)) {
        let valid = COLUMNS.min(width - j);
        for (k, row) in strip.chunks_exact_mut(COLUMNS).enumerate() {
            if right.across == 1 && valid == COLUMNS {
                let at = right.at(first + k, column + j);
                row.copy_from_slice(&right.data[at..at + COLUMNS]);
            } else {
                for (c, value) in row.iter_mut().enumerate() {
                    *value = if c < valid { right.data[right.at(first + k, column + j + c)] } else { 0.0 };
                }
            }
        }
    }
}

/// Stripes of `ROWS` rows, column after column; what is beyond the matrix is 0.
#[inline(always)]
fn pack_left(left: Matrix<'_>, (row, height): (usize, usize), (first, depth): (usize, usize), panel: &mut [f64]) {
    for (stripe, i) in panel.chunks_exact_mut(depth * ROWS).zip((0..height).step_by(ROWS)) {
        for r in 0..ROWS {
            if i + r < height {
                for (k, values) in stripe.chunks_exact_mut(ROWS).enumerate() {
                    values[r] = left.data[left.at(row + i + r, first + k)];
                }
            } else {
                stripe.chunks_exact_mut(ROWS).for_each(|values| values[r] = 0.0);
            }
        }
    }
}

/// One block of the result: what it is already (`goes_on`) or 0, and a panel's products.
#[inline(always)]
fn block(stripe: &[f64], strip: &[f64], (out, stride): (&mut [f64], usize), (rows, columns): (usize, usize), goes_on: bool) {
    let mut sums = [[0.0; COLUMNS]; ROWS];
    if goes_on {
        for (r, sums) in sums.iter_mut().enumerate().take(rows) {
            sums[..columns].copy_from_slice(&out[r * stride..r * stride + columns]);
        }
    }
    for (a, b) in stripe.chunks_exact(ROWS).zip(strip.chunks_exact(COLUMNS)) {
        for r in 0..ROWS {
            for c in 0..COLUMNS {
                sums[r][c] = a[r].mul_add(b[c], sums[r][c]);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate().take(rows) {
        if columns == COLUMNS {
            out[r * stride..r * stride + COLUMNS].copy_from_slice(sums);
        } else {
            out[r * stride..r * stride + columns].copy_from_slice(&sums[..columns]);
        }
    }
}

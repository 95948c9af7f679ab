//! Strided views: where the elements of a tensor lie in the buffer that holds them.

use std::ops::Range;

use smallvec::{SmallVec, smallvec};

use super::super::Shape;

/// An offset and, an axis, a size and a stride: in elements, 0 for a broadcast axis, negative for a reversed one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Layout {
    /// The first element's position.
    pub offset: usize,
    /// Size and stride of each axis.
    pub axes: Vec<(usize, isize)>,
}

impl Layout {
    /// Row-major, without gaps.
    pub fn contiguous(shape: &Shape) -> Layout {
        let axes = shape.sizes().iter().zip(shape.strides()).map(|(&size, stride)| (size, stride as isize)).collect();
        Layout { offset: 0, axes }
    }

    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.axes.iter().map(|&(size, _)| size).product()
    }

    /// Whether the elements lie one after another in row-major order.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1isize;
        for &(size, stride) in self.axes.iter().rev() {
            if size != 1 {
                if stride != expected {
                    return false;
                }
                expected *= size as isize;
            }
        }
        true
    }

    /// Seen as `to`, a shape that it broadcasts to.
    pub fn broadcast(&self, to: &Shape) -> Layout {
        let lead = to.rank() - self.axes.len();
        let axes = to
            .sizes()
            .iter()
            .enumerate()
            .map(|(i, &size)| match i.checked_sub(lead).map(|i| self.axes[i]) {
                Some((own, stride)) if own == size => (size, stride),
                _ => (size, 0),
            })
            .collect();
        Layout { offset: self.offset, axes }
    }

    /// The positions of all elements in row-major order.
    pub fn positions(&self) -> Positions {
        Positions::over(self.offset, &self.axes)
    }

    /// The positions of `count` elements from that row-major number on, as runs along the last axis.
    pub fn runs(&self, element: usize, count: usize) -> impl Iterator<Item = Run> + use<> {
        let (&(size, stride), outer) = self.axes.split_last().unwrap_or((&(1, 0), &[]));
        let mut begin = element % size.max(1);
        let mut left = count;
        let starts = Positions::over(self.offset, outer).seek(self.offset, element / size.max(1));
        starts.map_while(move |start| {
            let length = (size - begin).min(left);
            let at = (start as isize + begin as isize * stride) as usize;
            (begin, left) = (0, left - length);
            (length > 0).then_some(Run { at, stride, length })
        })
    }

    /// Where `count` elements from that row-major number on lie, if they lie one after another.
    #[inline]
    pub fn consecutive(&self, element: usize, count: usize) -> Option<usize> {
        match *self.axes {
            [(_, 1)] => Some(self.offset + element),
            [] => Some(self.offset),
            [(_, _)] => None,
            [.., (size, stride)] => {
                let run = self.runs(element, count).next()?;
                (stride == 1 && size >= count && run.length == count).then_some(run.at)
            }
        }
    }

    /// Reads `to.len() / width` elements from that row-major number on, `width` numbers each.
    pub fn read(&self, data: &[f64], width: usize, element: usize, to: &mut [f64]) {
        if to.is_empty() {
            return;
        }
        let count = to.len() / width;
        let (outer, (rows, down), (size, stride)) = match *self.axes {
            [] => return Run { at: self.offset, stride: 0, length: count }.read(data, width, to),
            [(_, 1)] => return to.copy_from_slice(&data[(self.offset + element) * width..][..to.len()]),
            [(size, stride)] => (&[][..], (1, 0), (size, stride)),
            [ref outer @ .., rows, row] => (outer, rows, row),
        };
        let (mut begin, row) = (element % size, element / size);
        let (mut row, block) = (row % rows, row / rows);
        let mut rest = to;
        // the last two axes by loops of their own
        for start in Positions::over(self.offset, outer).seek(self.offset, block) {
            let mut start = start as isize + row as isize * down;
            while row < rows {
                let length = (size - begin).min(rest.len() / width);
                let at = (start + begin as isize * stride) as usize;
                let repeats = (rows - row).min(rest.len() / (size * width));
                if down == 0 && begin == 0 && repeats > 1 {
                    // the same row again and again
                    let (own, after) = rest.split_at_mut(repeats * size * width);
                    Run { at, stride, length: size }.read(data, width, &mut own[..size * width]);
                    repeat(own, size * width);
                    (rest, row) = (after, row + repeats);
                } else {
                    let (own, after) = rest.split_at_mut(length * width);
                    Run { at, stride, length }.read(data, width, own);
                    (rest, begin, row) = (after, 0, row + 1);
                    start += down;
                }
                if rest.is_empty() {
                    return;
                }
            }
            row = 0;
        }
    }

    /// Makes a copy of a layout that of those elements, whole rows of the first axis, in memory that begins at position `from`.
    pub(crate) fn narrow(&mut self, whole: &Layout, elements: Range<usize>, from: usize) {
        let Some(((size, stride), inner)) = self.axes.split_first_mut() else {
            self.offset = whole.offset - from;
            return;
        };
        let row = inner.iter().map(|&(size, _)| size).product::<usize>().max(1);
        let first = elements.start / row;
        *size = elements.end.div_ceil(row) - first;
        self.offset = (whole.offset as isize + first as isize * *stride) as usize - from;
    }

    /// The axes in that order.
    pub fn permuted(&self, order: &[usize]) -> Layout {
        Layout { offset: self.offset, axes: order.iter().map(|&axis| self.axes[axis]).collect() }
    }

    /// The same set of positions in the same order with as few axes as possible.
    pub fn merged(&self) -> Layout {
        let mut axes: Vec<(usize, isize)> = Vec::with_capacity(self.axes.len());
        for &(size, stride) in &self.axes {
            if size == 1 {
                continue;
            }
            match axes.last_mut() {
                Some((last, outer)) if *outer == stride * size as isize => {
                    *last *= size;
                    *outer = stride;
                }
                _ => axes.push((size, stride)),
            }
        }
        Layout { offset: self.offset, axes }
    }
}

/// Elements at equal distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first one's position.
    pub at: usize,
    /// From one to the next.
    pub stride: isize,
    /// How many there are.
    pub length: usize,
}

impl Run {
    /// Reads them, `width` numbers each.
    #[inline]
    pub fn read(self, data: &[f64], width: usize, to: &mut [f64]) {
        match (self.stride, width) {
            (1, _) => copy(&data[self.at * width..(self.at + self.length) * width], to),
            (0, 1) => fill(data[self.at], to),
            (stride, 1) => {
                let mut at = self.at as isize;
                for to in to {
                    *to = data[at as usize];
                    at += stride;
                }
            }
            (stride, _) => {
                for (i, to) in to.chunks_exact_mut(width).enumerate() {
                    let at = (self.at as isize + i as isize * stride) as usize * width;
                    copy(&data[at..at + width], to);
                }
            }
        }
    }
}

/// The first `period` numbers again and again.
fn repeat(to: &mut [f64], period: usize) {
    let mut have = period;
    while have < to.len() {
        let more = have.min(to.len() - have);
        to.copy_within(..more, have);
        have += more;
    }
}

/// Rows this long are worth a call.
const LONG: usize = 32;

/// A copy of equal length, without a call where it is short.
#[inline(always)]
fn copy(from: &[f64], to: &mut [f64]) {
    let n = to.len();
    if n >= LONG || n != from.len() {
        return to.copy_from_slice(from);
    }
    if n >= 4 {
        let mut i = 0;
        while i + 4 <= n {
            to[i..i + 4].copy_from_slice(&from[i..i + 4]);
            i += 4;
        }
        // some of the last four once more
        to[n - 4..].copy_from_slice(&from[n - 4..]);
    } else {
        if n & 2 != 0 {
            to[..2].copy_from_slice(&from[..2]);
        }
        if n & 1 != 0 {
            to[n - 1] = from[n - 1];
        }
    }
}

/// The same number everywhere, without a call where it is short.
#[inline(always)]
fn fill(value: f64, to: &mut [f64]) {
    let n = to.len();
    if n >= LONG {
        return to.fill(value);
    }
    if n >= 4 {
        let mut i = 0;
        while i + 4 <= n {
            to[i..i + 4].copy_from_slice(&[value; 4]);
            i += 4;
        }
        to[n - 4..].copy_from_slice(&[value; 4]);
    } else {
        if n & 2 != 0 {
            to[..2].copy_from_slice(&[value; 2]);
        }
        if n & 1 != 0 {
            to[n - 1] = value;
        }
    }
}

/// Iterates over a layout's positions in row-major order.
#[derive(Debug, Clone)]
pub struct Positions {
    at: isize,
    // no memory is asked for where tensors have no more axes than usual
    index: SmallVec<[usize; 8]>,
    axes: SmallVec<[(usize, isize); 8]>,
    left: usize,
}

impl Positions {
    fn over(offset: usize, axes: &[(usize, isize)]) -> Positions {
        let left = axes.iter().map(|&(size, _)| size).product();
        Positions { at: offset as isize, index: smallvec![0; axes.len()], axes: axes.into(), left }
    }

    /// Skips to the element of that row-major number, counted from the first.
    pub fn seek(mut self, offset: usize, mut element: usize) -> Positions {
        self.at = offset as isize;
        self.left = self.axes.iter().map(|&(size, _)| size).product::<usize>() - element;
        for (i, &(size, stride)) in self.axes.iter().enumerate().rev() {
            self.index[i] = element % size.max(1);
            self.at += self.index[i] as isize * stride;
            element /= size.max(1);
        }
        self
    }
}

impl Iterator for Positions {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let position = self.at as usize;
        for (i, &(size, stride)) in self.axes.iter().enumerate().rev() {
            self.index[i] += 1;
            self.at += stride;
            if self.index[i] < size {
                break;
            }
            self.at -= stride * size as isize;
            self.index[i] = 0;
        }
        Some(position)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

//! The text of an answer while it is written, and the numbers that it is written from.

use std::ops::{Deref, DerefMut, Range};

use smallvec::SmallVec;

use super::answer::Block;
use super::number::{axes, part, tensor};
use super::template::Template;

/// Bytes of JSON, and where in them something is left open: what is longer than `long` numbers is, to be printed apart.
#[derive(Debug)]
pub(super) struct Text<'b> {
    bytes: Vec<u8>,
    numbers: Numbers<'b>,
    long: usize,
    gaps: Vec<Gap>,
    /// Whose row is written, by block and point in it, where points are objects.
    row: Option<(usize, usize)>,
}

/// What is left open.
#[derive(Debug)]
pub(super) struct Gap {
    /// Where it stands among the bytes.
    pub(super) at: usize,
    pub(super) of: Open,
}

/// What a gap is to be filled with.
#[derive(Debug)]
pub(super) enum Open {
    /// A tensor of these sizes, none of them 0: of all points, or of that one of a block.
    Tensor(SmallVec<[usize; 8]>, Source, Option<(usize, usize)>),
    /// The objects of all points.
    Rows,
}

impl<'b> Text<'b> {
    /// No text yet, of which nothing is left open.
    pub(super) fn of(numbers: Numbers<'b>, capacity: usize) -> Text<'b> {
        Text { bytes: Vec::with_capacity(capacity), ..Text::open(numbers, usize::MAX) }
    }

    /// No text yet, of which everything longer than so many numbers is left open.
    pub(super) fn open(numbers: Numbers<'b>, long: usize) -> Text<'b> {
        Text { bytes: Vec::new(), numbers, long, gaps: Vec::new(), row: None }
    }

    /// Appends a tensor; with `lead`, one of each of so many points.
    pub(super) fn tensor(&mut self, lead: Option<usize>, sizes: &[usize], source: Source) {
        if self.long < usize::MAX {
            let sizes = axes(lead, sizes);
            if sizes.iter().product::<usize>() > self.long {
                return self.gaps.push(Gap { at: self.bytes.len(), of: Open::Tensor(sizes, source, self.row) });
            }
        }
        match source {
            Source::Result(result) => tensor(&mut self.bytes, lead, sizes, self.numbers.result(result, 0)),
            Source::Cells(result, cells) => tensor(&mut self.bytes, lead, sizes, self.numbers.cells(result, cells, 0)),
        }
    }

    /// The next that is written is the object of one point of that block.
    pub(super) fn row(&mut self, template: &'b Template, blocks: &'b [Block], block: usize, point: usize) {
        self.numbers = Numbers::at(template, &blocks[block], point);
        self.row = Some((block, point));
    }

    /// Whether the points' objects are left open, so many of so many numbers: where one is long itself, what is long in it is.
    pub(super) fn leaves_rows(&mut self, points: usize, width: usize) -> bool {
        let leaves = width <= self.long && points * width > self.long;
        if leaves {
            self.gaps.push(Gap { at: self.bytes.len(), of: Open::Rows });
        }
        leaves
    }

    /// What was written.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What was written, and what was left open in it.
    pub(super) fn into_parts(self) -> (Vec<u8>, Vec<Gap>) {
        (self.bytes, self.gaps)
    }
}

impl Deref for Text<'_> {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Text<'_> {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

/// Which numbers a tensor has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// All of a result.
    Result(usize),
    /// Some of a result that is a matrix at each point.
    Cells(usize, Cells),
}

/// A block of a matrix.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells {
    /// Numbers in the matrix.
    pub(super) size: usize,
    pub(super) rows: Span,
    pub(super) columns: Span,
}

/// A part of a matrix's rows or columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) begin: usize,
    pub(super) size: usize,
    /// Distance in the matrix from one to the next.
    pub(super) stride: usize,
}

/// The results of all points, or of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers<'b> {
    offsets: &'b [usize],
    blocks: &'b [Block],
    /// The one, of the only block.
    point: Option<usize>,
}

impl<'b> Numbers<'b> {
    /// Those of all points.
    pub(super) fn of(template: &'b Template, blocks: &'b [Block]) -> Numbers<'b> {
        Numbers { offsets: template.offsets(), blocks, point: None }
    }

    /// Those of a point of that block.
    pub(super) fn at(template: &'b Template, block: &'b Block, point: usize) -> Numbers<'b> {
        Numbers { offsets: template.offsets(), blocks: std::slice::from_ref(block), point: Some(point) }
    }

    /// The runs of a result, each of whole points.
    fn runs(self, result: usize) -> impl Iterator<Item = &'b [f64]> {
        let (begin, end) = (self.offsets[result], self.offsets[result + 1]);
        self.blocks.iter().map(move |block| match self.point {
            Some(point) => &block.data[begin * block.points + point * (end - begin)..][..end - begin],
            None => &block.data[begin * block.points..end * block.points],
        })
    }

    /// A result's numbers, from the one of that index on.
    fn result(self, result: usize, from: usize) -> impl Iterator<Item = f64> {
        let mut before = from;
        let rest = move |run: &'b [f64]| {
            let skipped = before.min(run.len());
            before -= skipped;
            &run[skipped..]
        };
        self.runs(result).flat_map(rest).copied()
    }

    /// The numbers of a block of a result, of each point in turn, from the one of that index on.
    fn cells(self, result: usize, cells: Cells, from: usize) -> impl Iterator<Item = f64> {
        let Cells { size, rows, columns } = cells;
        let own = (rows.size * columns.size).max(1);
        let (mut points, mut before) = (from / own, from % own);
        let rest = move |run: &'b [f64]| {
            let skipped = points.min(run.len() / size.max(1));
            points -= skipped;
            run[skipped * size..].chunks_exact(size.max(1))
        };
        self.runs(result).flat_map(rest).flat_map(move |matrix| {
            let (first, mut skipped) = (before / columns.size.max(1), before % columns.size.max(1));
            before = 0;
            (first..rows.size).flat_map(move |i| {
                let row = (rows.begin + i) * rows.stride + columns.begin * columns.stride;
                (std::mem::take(&mut skipped)..columns.size).map(move |j| matrix[row + j * columns.stride])
            })
        })
    }

    /// Appends those numbers of a tensor that stand in `range`, as [`part`] does.
    pub(super) fn part(self, out: &mut Vec<u8>, sizes: &[usize], source: Source, range: Range<usize>) {
        match source {
            Source::Result(result) => part(out, sizes, range.clone(), self.result(result, range.start)),
            Source::Cells(result, cells) => part(out, sizes, range.clone(), self.cells(result, cells, range.start)),
        }
    }
}

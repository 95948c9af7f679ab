//! A long answer in pieces: what stands around its numbers is written first, then the numbers, some thousand at a time and by whoever is
//! free. The pieces behind one another are what [`answer`](super::answer()) writes.

use std::ops::Range;

use super::answer::{Block, NUMBER_LENGTH, Style, rows, write};
use super::template::Template;
use super::text::{Gap, Numbers, Open, Text};
use crate::service::admission::NUMBER_BYTES;

/// Numbers of a piece, and of the longest answer that is written in one.
pub(in crate::service) const PIECE: usize = 1 << 13;

/// An answer that is written but for the longest of its lists.
#[derive(Debug)]
pub(in crate::service) struct Draft {
    blocks: Vec<Block>,
    style: Style,
    text: Vec<u8>,
    gaps: Vec<Gap>,
    pieces: Vec<Piece>,
}

/// Points of a piece, where each is an object.
fn points_at_once(template: &Template) -> usize {
    (PIECE / template.width().max(1)).max(1)
}

/// What is printed at once, and the text on both sides of it.
#[derive(Debug)]
struct Piece {
    before: Range<usize>,
    gap: usize,
    /// Which of the gap's numbers or points.
    range: Range<usize>,
    behind: Range<usize>,
}

impl Draft {
    /// Writes what can be written at once.
    ///
    /// # Errors
    /// The answer, where that is all of it.
    pub(in crate::service) fn new(template: &Template, blocks: Vec<Block>, style: Style) -> Result<Draft, Vec<u8>> {
        let mut out = Text::open(Numbers::of(template, &blocks), PIECE);
        write(template, &blocks, style, &mut out);
        let (text, gaps) = out.into_parts();
        let mut pieces = Vec::new();
        let mut written = 0;
        for (i, gap) in gaps.iter().enumerate() {
            let (count, at_once) = match &gap.of {
                Open::Tensor(sizes, _) => (sizes.iter().product(), PIECE),
                Open::Rows => (style.arrangement.points(), points_at_once(template)),
            };
            for begin in (0..count).step_by(at_once) {
                pieces.push(Piece { before: written..gap.at, gap: i, range: begin..count.min(begin + at_once), behind: 0..0 });
                written = gap.at;
            }
        }
        match pieces.last_mut() {
            Some(last) => last.behind = written..text.len(),
            None => return Err(text),
        }
        Ok(Draft { blocks, style, text, gaps, pieces })
    }

    /// How many pieces there are.
    pub(in crate::service) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Numbers of a piece.
    pub(in crate::service) fn numbers(&self, template: &Template, number: usize) -> usize {
        let Piece { gap, range, .. } = &self.pieces[number];
        match self.gaps[*gap].of {
            Open::Tensor(..) => range.len(),
            Open::Rows => range.len() * template.width(),
        }
    }

    /// Bytes that it takes with so many pieces of it, at most.
    pub(in crate::service) fn bytes(&self, template: &Template, printed: usize) -> usize {
        let numbers: usize = self.blocks.iter().map(|block| block.data.capacity()).sum();
        let piece = |gap: &Gap| match &gap.of {
            Open::Tensor(sizes, _) => PIECE * (NUMBER_BYTES + 2 * sizes.len()),
            Open::Rows => {
                let row = template.width() * NUMBER_BYTES + template.overhead() + template.brackets() + template.remarks();
                points_at_once(template) * row
            }
        };
        let piece = self.gaps.iter().map(piece).max().unwrap_or(0);
        // the text is here and in the pieces
        numbers * size_of::<f64>() + self.pieces.capacity() * size_of::<Piece>() + self.text.capacity() + self.text.len() + printed * piece
    }

    /// A piece.
    pub(in crate::service) fn print(&self, template: &Template, number: usize) -> Vec<u8> {
        let Piece { before, gap, range, behind } = &self.pieces[number];
        let mut out = Vec::with_capacity(before.len() + self.numbers(template, number) * NUMBER_LENGTH + behind.len());
        out.extend_from_slice(&self.text[before.clone()]);
        match &self.gaps[*gap].of {
            Open::Tensor(sizes, source) => Numbers::of(template, &self.blocks).part(&mut out, sizes, *source, range.clone()),
            Open::Rows => rows(template, &self.blocks, range.clone(), self.style, &mut out),
        }
        out.extend_from_slice(&self.text[behind.clone()]);
        out
    }
}

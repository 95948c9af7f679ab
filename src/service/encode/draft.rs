//! A long answer in pieces: what stands around its numbers is written first, then the numbers, some thousand at a time and by whoever is
//! free. The pieces behind one another are what [`answer`](super::answer()) writes.

use std::ops::Range;

use super::answer::{Block, NUMBER_LENGTH, Style, rows, write};
use super::template::Template;
use super::text::{Gap, Numbers, Open, Text};
use crate::engine::watch::Findings;
use crate::service::admission::NUMBER_BYTES;
use crate::service::decode::Arrangement;

/// Numbers of a piece, and of the longest tensor that is written with what stands around it.
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

/// Numbers that are written with a draft, about, and what takes as long: of many points next to none, else perhaps all.
pub(in crate::service) fn written_at_once(template: &Template, style: Style) -> usize {
    let points = style.arrangement.points();
    match style.arrangement {
        Arrangement::Columns(_) if points > PIECE => PIECE + points * template.remarks() / NUMBER_LENGTH,
        Arrangement::Rows(_) if template.width() <= PIECE => PIECE,
        _ => template.width() * points,
    }
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
    pub(in crate::service) fn new(template: &Template, mut blocks: Vec<Block>, style: Style) -> Result<Draft, Vec<u8>> {
        let mut out = Text::open(Numbers::of(template, &blocks), PIECE);
        write(template, &blocks, style, &mut out);
        let (mut text, gaps) = out.into_parts();
        text.shrink_to_fit();
        if !gaps.iter().any(|gap| matches!(gap.of, Open::Rows)) {
            // they are written
            blocks.iter_mut().for_each(|block| block.findings = Findings::default());
        }
        let mut pieces = Vec::new();
        let mut written = 0;
        for (i, gap) in gaps.iter().enumerate() {
            let (count, at_once) = match &gap.of {
                Open::Tensor(sizes, ..) => (sizes.iter().product(), PIECE),
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

    /// Bytes that the answer has, at least: no number takes fewer than three and a comma.
    pub(in crate::service) fn least_bytes(&self, template: &Template) -> usize {
        self.text.len() + 4 * (0..self.pieces.len()).map(|number| self.numbers(template, number)).sum::<usize>()
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
        let results: usize = self.blocks.iter().map(|block| block.data.capacity() * size_of::<f64>() + block.findings.bytes()).sum();
        let piece = |gap: &Gap| match &gap.of {
            Open::Tensor(sizes, ..) => PIECE * (NUMBER_BYTES + 2 * sizes.len()),
            Open::Rows => {
                let row = template.width() * NUMBER_BYTES + template.overhead() + template.brackets() + template.remarks();
                points_at_once(template) * row
            }
        };
        let piece = self.gaps.iter().map(piece).max().unwrap_or(0);
        // the text is here and in the pieces
        results + self.pieces.capacity() * size_of::<Piece>() + 2 * self.text.len() + printed.min(self.pieces.len()) * piece
    }

    /// A piece.
    pub(in crate::service) fn print(&self, template: &Template, number: usize) -> Vec<u8> {
        let Piece { before, gap, range, behind } = &self.pieces[number];
        let length = before.len() + self.numbers(template, number) * NUMBER_LENGTH + behind.len();
        let mut out = Text::of(Numbers::of(template, &self.blocks), length);
        out.extend_from_slice(&self.text[before.clone()]);
        match &self.gaps[*gap].of {
            Open::Tensor(sizes, source, row) => {
                let numbers = match *row {
                    Some((block, point)) => Numbers::at(template, &self.blocks[block], point),
                    None => Numbers::of(template, &self.blocks),
                };
                numbers.part(&mut out, sizes, *source, range.clone());
            }
            Open::Rows => rows(template, &self.blocks, range.clone(), self.style, &mut out),
        }
        out.extend_from_slice(&self.text[behind.clone()]);
        out.into_bytes()
    }
}

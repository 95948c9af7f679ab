//! Answers, written straight into bytes: no tree of values is built, and nothing recurses over a shape.

mod answer;
mod chain;
mod diagnostics;
mod draft;
mod function;
mod graph;
mod linearity;
mod number;
mod template;
mod text;

#[cfg(test)]
mod tests;

pub(super) use answer::{Block, Style, answer};
pub(super) use chain::{Stage, cells};
pub(super) use draft::{Draft, PIECE, written_at_once};
pub(super) use function::{Page, function};
pub(super) use graph::{Converted, converted, graph};
pub(super) use template::{Derivative, Slot, Template};

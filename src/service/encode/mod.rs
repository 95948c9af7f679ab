//! Answers, written straight into bytes: no tree of values is built, and nothing recurses over a shape.

mod answer;
mod chain;
mod diagnostics;
mod function;
mod graph;
mod linearity;
mod number;
mod text;

#[cfg(test)]
mod tests;

pub(super) use answer::{Block, Derivative, Slot, Style, Template, answer, print};
pub(super) use chain::{Stage, cells};
pub(super) use function::{Page, function};
pub(super) use graph::{Converted, converted, graph};

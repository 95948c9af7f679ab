//! Answers, written straight into bytes: no tree of values is built, and nothing recurses over a shape.

mod answer;
mod graph;
mod number;

#[cfg(test)]
mod tests;

pub(super) use answer::{Block, Derivative, Slot, Style, Template, answer};
pub(super) use graph::{Converted, converted};

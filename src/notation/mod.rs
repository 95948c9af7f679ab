//! Ways to write a function.

pub mod formula;
pub mod latex;

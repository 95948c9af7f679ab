//! Runs programs over points.

pub mod kernel;

/// A worker's reusable scratch memory.
#[derive(Debug, Default)]
pub struct Scratch {}

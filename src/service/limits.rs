//! What one request may ask for: the work's limits, each a setting under `[limits]`.
//!
//! Numbers only; who checks them is decode, the engine's builder and admission. What exceeds one is refused before it costs anything.

use serde::{Deserialize, Serialize};

/// The limits of one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Nodes of a graph.
    pub nodes: usize,
    /// Inputs of a function.
    pub inputs: usize,
    /// Outputs of a function.
    pub outputs: usize,
    /// Local functions of a graph.
    pub functions: usize,
    /// Nesting of the JSON text, inline nodes included.
    pub json_nesting: usize,
    /// Nesting of a formula.
    pub formula_nesting: usize,
    /// Length of a formula in bytes.
    pub formula_bytes: usize,
    /// Rank of a tensor.
    pub rank: usize,
    /// Elements of one tensor.
    pub elements: usize,
    /// Elements of all tensors alive at once.
    pub live_elements: usize,
    /// Dense derivative cells in one JSON answer.
    pub derivative_cells: usize,
    /// Points in one JSON request.
    pub points: usize,
    /// Estimated floating-point operations of one request.
    pub flops: f64,
    /// Estimated bytes of working memory of one request.
    pub work_bytes: usize,
    /// Bytes of one JSON answer.
    pub answer_bytes: usize,
    /// Seconds that a request may compute unless it says otherwise.
    pub deadline_seconds: f64,
    /// The most seconds that a request may ask for.
    pub deadline_most_seconds: f64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            nodes: 1_000_000,
            inputs: 100_000,
            outputs: 100_000,
            functions: 1_000,
            json_nesting: 128,
            formula_nesting: 256,
            formula_bytes: 1 << 20,
            rank: 8,
            elements: 16_000_000,
            live_elements: 64_000_000,
            derivative_cells: 4_000_000,
            points: 1_000_000,
            flops: 1e11,
            work_bytes: 1 << 30,
            answer_bytes: 256 << 20,
            deadline_seconds: 10.0,
            deadline_most_seconds: 60.0,
        }
    }
}

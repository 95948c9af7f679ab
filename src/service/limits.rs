//! What one request may ask for. Every figure is a setting; what exceeds one is refused before it costs anything.
//!
//! Plain numbers: nothing here measures or refuses. `decode`, `build` and `admission` do, each where it first knows the figure.

use serde::{Deserialize, Serialize};

use crate::wire::problem::{Excess, Failure, Slug};

/// The limits of one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Nodes of a graph, inlined calls included.
    pub nodes: usize,
    /// Inputs of a function.
    pub inputs: usize,
    /// Outputs of a function.
    pub outputs: usize,
    /// Local functions of a graph.
    pub functions: usize,
    /// Containers within containers in a JSON body. The JSON reader itself never goes deeper than 128.
    pub json_nesting: usize,
    /// Parentheses within parentheses in a formula.
    pub formula_nesting: usize,
    /// Bytes of a formula.
    pub formula_bytes: usize,
    /// Axes of a tensor.
    pub rank: usize,
    /// Elements of one tensor.
    pub elements: usize,
    /// Tensor elements alive at once while one point is evaluated.
    pub live_elements: usize,
    /// Numbers of all dense derivatives in one answer.
    pub derivative_cells: usize,
    /// The order of a derivative.
    pub derivative_order: usize,
    /// Points of one request.
    pub points: usize,
    /// Steps of all loops of a function, steps inside steps multiplied.
    pub loop_steps: usize,
    /// Estimated floating-point operations of one request.
    pub flops: f64,
    /// Bytes of one request's points, results and scratch memory.
    pub work_bytes: usize,
    /// Bytes of an answer.
    pub answer_bytes: usize,
    /// Seconds that a request may take unless it asks for less or more.
    pub deadline_seconds: f64,
    /// Seconds that a request may ask for at most.
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
            derivative_order: 10,
            points: 1_000_000,
            loop_steps: 10_000_000,
            flops: 1e11,
            work_bytes: 1 << 30,
            answer_bytes: 256 << 20,
            deadline_seconds: 10.0,
            deadline_most_seconds: 60.0,
        }
    }
}

/// The failure of asking for more than `limit` (a setting's name, e.g. `limits.flops`) allows.
pub(super) fn exceeded(limit: &str, asked: f64, allowed: f64) -> Failure {
    Failure {
        excess: Some(Excess { limit: limit.to_owned(), asked, allowed }),
        ..Failure::new(Slug::LimitExceeded, format!("{limit}: {asked} asked for, {allowed} allowed"))
    }
}

/// Refuses what exceeds a limit.
pub(super) fn check(limit: &str, asked: usize, allowed: usize) -> Result<(), Failure> {
    if asked > allowed { Err(exceeded(limit, asked as f64, allowed as f64)) } else { Ok(()) }
}

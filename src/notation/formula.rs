//! Infix text. A stand-in until the notation branch is merged: it parses nothing and prints nothing.

use crate::wire::graph::{Graph, Input};

/// What the request says beside the formula, and the limits.
#[derive(Debug, Clone)]
pub struct Options {
    /// The request's `inputs`.
    pub inputs: Option<Vec<Input>>,
    /// The request's `outputs`.
    pub outputs: Option<Vec<String>>,
    /// The deepest nesting allowed.
    pub nesting: usize,
    /// The longest text allowed.
    pub bytes: usize,
}

/// Why a formula does not parse.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message} at line {line}, column {column}")]
pub struct SyntaxError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// Byte offset.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Reads a formula.
///
/// # Errors
/// Where it does not parse.
pub fn parse(_text: &str, _options: &Options) -> Result<Graph, SyntaxError> {
    Err(SyntaxError { line: 1, column: 1, offset: 0, message: "formulas are not read yet".into(), hint: None })
}

/// Writes a graph as a formula, where one exists.
pub fn print(_graph: &Graph) -> Option<String> {
    None
}

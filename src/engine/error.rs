//! What the engine refuses, as facts; sentences live in `Display`.

use super::Shape;

/// Why an operator could not be applied, or a graph could not be built or differentiated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// Wrong number of arguments.
    #[error("{op} takes {takes} {}, {got} given", if *.takes == "1" { "argument" } else { "arguments" })]
    Arity {
        /// The operator.
        op: &'static str,
        /// How many it takes, in words.
        takes: String,
        /// How many it got.
        got: usize,
    },
    /// An attribute that is missing, unknown or has a value that the operator cannot take.
    #[error("{op}: attribute {attribute:?} {detail}")]
    Attribute {
        /// The operator.
        op: &'static str,
        /// The attribute.
        attribute: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Two shapes that do not go together.
    #[error("{op}: shapes {left} and {right} do not go together: {detail}")]
    ShapePair {
        /// The operator.
        op: &'static str,
        /// The left shape.
        left: Shape,
        /// The right shape.
        right: Shape,
        /// Which rule is broken.
        detail: String,
    },
    /// One shape that the operator cannot take.
    #[error("{op}: shape {shape} does not fit: {detail}")]
    Shape {
        /// The operator.
        op: &'static str,
        /// The shape.
        shape: Shape,
        /// Which rule is broken.
        detail: String,
    },
    /// A node with several results where one tensor belongs.
    #[error("{op} takes tensors, and one of its arguments has {results} results: pick one with `item`")]
    Several {
        /// The operator.
        op: &'static str,
        /// How many results the argument has.
        results: usize,
    },
    /// More than a limit allows.
    #[error("{what}: {asked} asked for, {allowed} allowed")]
    Limit {
        /// The limit's name in the settings, e.g. `limits.elements`.
        what: &'static str,
        /// What was asked for.
        asked: f64,
        /// What is allowed.
        allowed: f64,
    },
    /// A gradient of something that is not one scalar.
    #[error("a gradient needs one scalar output; {detail}")]
    NotScalar {
        /// What the function has instead.
        detail: String,
    },
}

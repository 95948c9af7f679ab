//! The operator table as `GET /ops` answers it.

use serde::{Deserialize, Serialize};

/// The answer of `GET /ops`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Operators {
    /// Every operator, family by family.
    pub ops: Vec<Operator>,
}

/// An operator: what it is called, what it means, how it differentiates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Operator {
    /// The canonical name, which is what comes back.
    pub name: String,
    /// Other names accepted on input.
    pub aliases: Vec<String>,
    /// The family it belongs to.
    pub family: String,
    /// How many arguments it takes.
    pub arity: Arity,
    /// The attributes it takes beside its arguments.
    pub attributes: Vec<Attribute>,
    /// What it computes.
    pub summary: String,
    /// Its derivative.
    pub derivative: String,
    /// What holds at its kinks and poles and outside its domain; empty where there is nothing to say.
    pub convention: String,
}

/// How many arguments an operator takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Arity {
    /// At least this many.
    pub least: usize,
    /// At most this many; null for any number.
    pub most: Option<usize>,
}

/// An attribute of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// The values it takes.
    pub kind: Kind,
    /// The words of a `choice`; empty for the other kinds.
    pub choices: Vec<String>,
    /// Whether it must be given.
    pub required: bool,
    /// What it means, and its default.
    pub summary: String,
}

/// The values that an attribute takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An integer.
    Integer,
    /// An integer or a list of integers.
    Integers,
    /// A list with an integer or null for each axis.
    Bounds,
    /// An integer or nested lists of integers.
    Indices,
    /// A name, or the position of what has one.
    Name,
    /// The name of one of the graph's `functions`.
    Function,
    /// `true` or `false`.
    Boolean,
    /// One of the words of `choices`.
    Choice,
    /// A finite number.
    Number,
    /// A finite number or a list of finite numbers.
    Numbers,
    /// A string in the form that the summary states.
    Text,
}

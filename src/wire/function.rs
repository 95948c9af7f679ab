//! Registered functions: what is answered of them.

use serde::{Deserialize, Serialize};

use super::answer::{Cost, Signature};
use super::graph::Graph;

/// The answer of `POST /functions` and `PUT /functions/{name}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Registered {
    /// The function's id, a digest of the function: the same function always has the same.
    pub id: String,
    /// The name that the request gave it, else the oldest that it has; null where it has none.
    #[cfg_attr(feature = "server", schema(required = true))]
    pub name: Option<String>,
    /// The inputs with their shapes, in order.
    pub inputs: Vec<Signature>,
    /// The outputs with their shapes, in order.
    pub outputs: Vec<Signature>,
    /// What evaluating it once costs.
    pub cost: Cost,
}

/// What is known of a registered function without looking into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Facts {
    /// Its id.
    pub id: String,
    /// The name by which it was asked for, else the oldest that it has; null where it has none.
    #[cfg_attr(feature = "server", schema(required = true))]
    pub name: Option<String>,
    /// All its names, the oldest first.
    pub names: Vec<String>,
    /// What its owner says of it.
    #[cfg_attr(feature = "server", schema(required = true))]
    pub description: Option<String>,
    /// Whether others see it and may evaluate it.
    pub public: bool,
    /// When it was registered.
    #[cfg_attr(feature = "server", schema(format = "date-time"))]
    pub created: String,
}

/// The answer of `GET /functions/{function}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Function {
    /// Its id.
    pub id: String,
    /// The name by which it was asked for, else the oldest that it has; null where it has none.
    #[cfg_attr(feature = "server", schema(required = true))]
    pub name: Option<String>,
    /// All its names, the oldest first.
    pub names: Vec<String>,
    /// What its owner says of it.
    #[cfg_attr(feature = "server", schema(required = true))]
    pub description: Option<String>,
    /// Whether others see it and may evaluate it.
    pub public: bool,
    /// When it was registered.
    #[cfg_attr(feature = "server", schema(format = "date-time"))]
    pub created: String,
    /// The inputs with their shapes, in order.
    pub inputs: Vec<Signature>,
    /// The outputs with their shapes, in order.
    pub outputs: Vec<Signature>,
    /// What evaluating it once costs.
    pub cost: Cost,
    /// The function as a graph.
    pub graph: Graph,
}

/// The answer of `GET /functions`: a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Functions {
    /// The functions in the order in which they were registered.
    pub functions: Vec<Facts>,
    /// The `cursor` of the next page; null where this is the last.
    #[cfg_attr(feature = "server", schema(required = true))]
    pub next: Option<String>,
}

//! A function as the wire has it: names and operators, nothing resolved and nothing checked.
//!
//! The graph is held flat: an inline node is an entry of `nodes` without a name, so that no nesting of the input ever becomes a
//! nesting of types (and no drop or walk recurses over user data). `origin` says where each node stood, for errors.

use std::borrow::Cow;
use std::collections::BTreeMap;

use indexmap::IndexMap;
use smallvec::SmallVec;

/// A function: inputs, nodes in any order, outputs, and local functions for `call`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// The inputs, in the order of the flattened vector x.
    pub inputs: Vec<Input>,
    /// Named nodes and, anywhere among them, the unnamed ones that arguments refer to by position.
    pub nodes: Vec<Node>,
    /// The outputs, in the order of the flattened vector y.
    pub outputs: Vec<Output>,
    /// Local functions by name.
    pub functions: IndexMap<String, Graph>,
}

/// An input. A shape that the text does not state is filled in from the point.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Sizes, row-major; `None` where the notation leaves it open.
    pub shape: Option<Vec<usize>>,
}

/// An application of an operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The name others refer to; an inline node has none.
    pub name: Option<String>,
    /// The operator's name or alias, as written.
    pub op: Cow<'static, str>,
    /// Its arguments.
    pub args: SmallVec<[Argument; 2]>,
    /// The attributes beside them.
    pub attributes: BTreeMap<String, Attribute>,
    /// Where it stood.
    pub origin: Origin,
}

/// An argument of a node, or an output's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// The name of an input or a node.
    Name(String),
    /// A position in [`Graph::nodes`].
    Node(usize),
    /// A scalar constant.
    Number(f64),
    /// A tensor constant.
    Constant(Box<Tensor>),
}

/// An output: a name and what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Argument,
}

/// An attribute's value, still untyped: the operator table says what it must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// A list of any of these.
    List(Vec<Attribute>),
}

/// A dense tensor: sizes and row-major values.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Sizes, empty for a scalar.
    pub shape: Vec<usize>,
    /// Row-major values, as many as the product of the sizes.
    pub data: Vec<f64>,
}

/// Where a node stood in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `/nodes/i`
    Listed(u32),
    /// Argument `argument` of the node at position `parent` of [`Graph::nodes`].
    Inline {
        /// Position of the enclosing node.
        parent: u32,
        /// Which of its arguments.
        argument: u32,
    },
    /// `/outputs/i/value`
    Output(u32),
    /// Byte offset in a formula's text.
    Text(u32),
}

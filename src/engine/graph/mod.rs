//! A function as a directed acyclic graph of operator applications over tensors.
//!
//! A [`Graph`] is immutable, in topological order (arguments before users) and free of duplicates: [`Builder`] is the only way to
//! make one, and checks arity, attributes and shapes as it goes. Nothing recurses, so no graph overflows the stack.

pub mod algebra;
mod body;
mod builder;
pub mod compose;

pub use body::Body;
pub use builder::{Bounds, Builder};

use hashbrown::HashMap;

use super::op::{Attributes, Row};
use super::{Error, Shape, Tensor};

/// A node's position in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node is.
#[derive(Debug, Clone, Copy)]
pub enum Kind<'a> {
    /// The input of that position.
    Input(usize),
    /// A constant.
    Constant(&'a Tensor),
    /// An operator applied to nodes before it.
    Apply {
        /// The operator.
        op: &'static Row,
        /// Its arguments.
        args: &'a [NodeId],
        /// Its attributes in canonical form.
        attributes: &'a Attributes,
    },
}

/// An input of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its node.
    pub node: NodeId,
}

/// An output of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// The node whose value it is.
    pub node: NodeId,
}

/// A node as stored: 24 bytes, its lists pooled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) head: Head,
    pub(crate) shape: u32,
    pub(crate) attributes: u32,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Head {
    Input(u32),
    Constant(u32),
    Apply { op: &'static Row, first: u32, count: u32 },
}

/// Nodes with their pooled lists: what a graph and its builder share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arena {
    pub(crate) nodes: Vec<Node>,
    pub(crate) args: Vec<NodeId>,
    pub(crate) constants: Vec<Tensor>,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) attributes: Vec<Attributes>,
    pub(crate) inputs: Vec<Input>,
    /// The shapes of the results of each several-valued node.
    pub(crate) several: HashMap<NodeId, Box<[Shape]>>,
}

impl Arena {
    pub(crate) fn kind(&self, id: NodeId) -> Kind<'_> {
        let node = &self.nodes[id.index()];
        match node.head {
            Head::Input(position) => Kind::Input(position as usize),
            Head::Constant(index) => Kind::Constant(&self.constants[index as usize]),
            Head::Apply { op, first, count } => Kind::Apply {
                op,
                args: &self.args[first as usize..(first + count) as usize],
                attributes: &self.attributes[node.attributes as usize],
            },
        }
    }

    pub(crate) fn shape(&self, id: NodeId) -> &Shape {
        &self.shapes[self.nodes[id.index()].shape as usize]
    }
}

/// A function: immutable, checked, in topological order.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(crate) arena: Arena,
    outputs: Vec<Output>,
}

impl Graph {
    /// The number of nodes: inputs, constants and applications.
    pub fn len(&self) -> usize {
        self.arena.nodes.len()
    }

    /// Whether there is no node at all.
    pub fn is_empty(&self) -> bool {
        self.arena.nodes.is_empty()
    }

    /// Every node, arguments before users.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + ExactSizeIterator + use<> {
        (0..self.arena.nodes.len() as u32).map(NodeId)
    }

    /// What a node is.
    pub fn kind(&self, id: NodeId) -> Kind<'_> {
        self.arena.kind(id)
    }

    /// A node's shape; that of a scalar, and without meaning, where the node has several results.
    pub fn shape(&self, id: NodeId) -> &Shape {
        self.arena.shape(id)
    }

    /// The shapes of a several-valued node's results; `None` for a node that is one tensor.
    pub fn results(&self, id: NodeId) -> Option<&[Shape]> {
        self.arena.several.get(&id).map(|shapes| &**shapes)
    }

    /// A number that two nodes share where their shapes are equal.
    pub(crate) fn shape_number(&self, id: NodeId) -> u32 {
        self.arena.nodes[id.index()].shape
    }

    /// The inputs, in the order of the flattened vector x.
    pub fn inputs(&self) -> &[Input] {
        &self.arena.inputs
    }

    /// The outputs, in the order of the flattened vector y.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The one output, a scalar, of which there is a gradient.
    ///
    /// # Errors
    /// [`Error::NotScalar`], saying what there is instead.
    pub fn scalar_output(&self) -> Result<NodeId, Error> {
        let described = |output: &Output| format!("{:?} of shape {}", output.name, self.shape(output.node));
        let detail = match self.outputs() {
            [output] if self.shape(output.node).rank() == 0 => return Ok(output.node),
            [output] => format!("this function's is {}", described(output)),
            outputs => {
                let some: Vec<String> = outputs.iter().take(4).map(described).collect();
                let more = if outputs.len() > 4 { ", …" } else { "" };
                format!("this function has {}: {}{more}", outputs.len(), some.join(", "))
            }
        };
        Err(Error::NotScalar { detail })
    }
}

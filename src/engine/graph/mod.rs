//! A function as a directed acyclic graph of operator applications over tensors.
//!
//! A [`Graph`] is immutable, in topological order (arguments before users) and free of duplicates: [`Builder`] is the only way to
//! make one, and checks arity, attributes and shapes as it goes. Nothing recurses, so no graph overflows the stack.

pub mod algebra;
mod body;
mod builder;
pub mod compose;

pub use body::Body;
pub(crate) use builder::Forms;
pub use builder::{Bounds, Builder};

use hashbrown::HashMap;

use super::op::{Attributes, Row};
use super::{Error, Shape, Tensor};

/// A node's position in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// As an index.
    #[inline]
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

/// A node as stored: 12 bytes, since there may be millions, and reaching for memory is what a pass over them costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    /// Which of the arena's forms.
    pub(crate) form: u32,
    /// The arguments where there are no more than two; else the place of the first among the pooled ones. Of an input its position, of
    /// a constant its number.
    pub(crate) args: [NodeId; 2],
}

/// What nodes have in common: all but their arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) head: Head,
    /// How many arguments.
    pub(crate) count: u32,
    pub(crate) shape: u32,
    pub(crate) attributes: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    Input,
    Constant,
    Apply(&'static Row),
}

/// So many arguments stand in the node itself.
pub(crate) const OWN_ARGS: usize = 2;

/// Nodes with what they share: what a graph and its builder have in common.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arena {
    pub(crate) nodes: Vec<Node>,
    pub(crate) forms: Vec<Form>,
    /// The arguments of nodes that have many.
    pub(crate) args: Vec<NodeId>,
    pub(crate) constants: Vec<Tensor>,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) attributes: Vec<Attributes>,
    pub(crate) inputs: Vec<Input>,
    /// The shapes of the results of each several-valued node.
    pub(crate) several: HashMap<NodeId, Box<[Shape]>>,
}

impl Arena {
    #[inline]
    pub(crate) fn kind(&self, id: NodeId) -> Kind<'_> {
        let node = &self.nodes[id.index()];
        let form = &self.forms[node.form as usize];
        match form.head {
            Head::Input => Kind::Input(node.args[0].index()),
            Head::Constant => Kind::Constant(&self.constants[node.args[0].index()]),
            Head::Apply(op) => {
                let count = form.count as usize;
                let args = if count <= OWN_ARGS { &node.args[..count] } else { &self.args[node.args[0].index()..][..count] };
                Kind::Apply { op, args, attributes: &self.attributes[form.attributes as usize] }
            }
        }
    }

    /// The number of a node's shape.
    #[inline]
    pub(crate) fn shape_number(&self, id: NodeId) -> u32 {
        // where all have one shape, and those are the large graphs, none need be looked at
        if self.shapes.len() == 1 { 0 } else { self.forms[self.nodes[id.index()].form as usize].shape }
    }

    #[inline]
    pub(crate) fn shape(&self, id: NodeId) -> &Shape {
        &self.shapes[self.shape_number(id) as usize]
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
    #[inline]
    pub fn kind(&self, id: NodeId) -> Kind<'_> {
        self.arena.kind(id)
    }

    /// A node's shape; that of a scalar, and without meaning, where the node has several results.
    #[inline]
    pub fn shape(&self, id: NodeId) -> &Shape {
        self.arena.shape(id)
    }

    /// The shapes of a several-valued node's results; `None` for a node that is one tensor.
    pub fn results(&self, id: NodeId) -> Option<&[Shape]> {
        self.arena.several.get(&id).map(|shapes| &**shapes)
    }

    /// Which nodes the outputs need.
    pub(crate) fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.len()];
        self.outputs.iter().for_each(|output| live[output.node.index()] = true);
        self.spread(&mut live);
        live
    }

    /// Marks what the marked nodes need.
    pub(crate) fn spread(&self, live: &mut [bool]) {
        for id in self.ids().rev() {
            if live[id.index()]
                && let Kind::Apply { args, .. } = self.kind(id)
            {
                args.iter().for_each(|arg| live[arg.index()] = true);
            }
        }
    }

    /// Every operator that is applied, in dead nodes too.
    pub(crate) fn operators(&self) -> impl Iterator<Item = &'static Row> {
        self.arena.forms.iter().filter_map(|form| if let Head::Apply(op) = form.head { Some(op) } else { None })
    }

    /// Whether any attribute is a function.
    pub(crate) fn has_bodies(&self) -> bool {
        self.arena.attributes.iter().any(|attributes| attributes.iter().any(|(_, value)| value.body().is_some()))
    }

    /// Whether any node has several results.
    pub(crate) fn has_several(&self) -> bool {
        !self.arena.several.is_empty()
    }

    /// A number that two nodes share where their shapes are equal.
    pub(crate) fn shape_number(&self, id: NodeId) -> u32 {
        self.arena.shape_number(id)
    }

    /// A number that two applications share where they are the same but for their arguments.
    #[inline]
    pub(crate) fn form_number(&self, id: NodeId) -> u32 {
        self.arena.nodes[id.index()].form
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

//! The only door into a graph: arity, attributes and shapes are checked here, and equal nodes become one.

use std::collections::HashMap;

use super::super::op::{Attributes, Row, Rule};
use super::super::{Error, Shape, Tensor};
use super::{Arena, Graph, Head, Input, Kind, Node, NodeId, Output};

/// Sizes that no graph may exceed; the service sets them from its settings.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Nodes in all.
    pub nodes: usize,
    /// Axes of a tensor.
    pub rank: usize,
    /// Elements of one tensor.
    pub elements: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { nodes: 8_000_000, rank: 16, elements: 1 << 28 }
    }
}

/// Builds a graph node by node.
#[derive(Debug, Default)]
pub struct Builder {
    arena: Arena,
    bounds: Bounds,
    known: HashMap<Key, NodeId>,
    known_constants: HashMap<(u32, Box<[u64]>), NodeId>,
    known_shapes: HashMap<Shape, u32>,
    known_attributes: HashMap<Attributes, u32>,
}

/// What makes two applications equal.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    op: usize,
    attributes: u32,
    args: Args,
}

/// Up to three arguments without a heap allocation.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Args {
    Few([u32; 3]),
    Many(Box<[u32]>),
}

impl Builder {
    /// A builder that refuses what exceeds `bounds`.
    pub fn new(bounds: Bounds) -> Builder {
        Builder { bounds, ..Builder::default() }
    }

    /// Adds an input; its position is the number of inputs before it.
    ///
    /// # Errors
    /// [`Error::Limit`] where the shape exceeds the bounds.
    pub fn input(&mut self, name: impl Into<String>, shape: Shape) -> Result<NodeId, Error> {
        self.admit(&shape)?;
        let position = self.arena.inputs.len();
        let node = self.push(Head::Input(position as u32), shape.clone(), 0)?;
        self.arena.inputs.push(Input { name: name.into(), shape, node });
        Ok(node)
    }

    /// Adds a constant, or finds it: equal bits are one node.
    pub fn constant(&mut self, value: Tensor) -> NodeId {
        let shape = self.intern_shape(value.shape().clone());
        let bits: Box<[u64]> = value.data().iter().map(|v| v.to_bits()).collect();
        let index = self.arena.constants.len() as u32;
        let next = NodeId(self.arena.nodes.len() as u32);
        match self.known_constants.entry((shape, bits)) {
            std::collections::hash_map::Entry::Occupied(entry) => *entry.get(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(next);
                self.arena.constants.push(value);
                self.intern_attributes(Attributes::none());
                self.arena.nodes.push(Node { head: Head::Constant(index), shape, attributes: 0 });
                next
            }
        }
    }

    /// A scalar constant.
    pub fn number(&mut self, value: f64) -> NodeId {
        self.constant(Tensor::scalar(value))
    }

    /// Applies an operator, or finds the equal application.
    ///
    /// # Errors
    /// Arity, attributes, shapes, bounds.
    pub fn apply(&mut self, op: &'static Row, args: &[NodeId], attributes: Attributes) -> Result<NodeId, Error> {
        if !op.arity.admits(args.len()) {
            return Err(Error::Arity { op: op.name, takes: op.arity.words(), got: args.len() });
        }
        if let ([first, rest @ ..], true) = (args, op.folds_when_built() && args.len() != 2) {
            return rest.iter().try_fold(*first, |sum, &arg| self.call(op, &[sum, arg]));
        }
        let (shape, attributes) = match &op.rule {
            Rule::Scalar { .. } => (self.broadcast(op, args)?, attributes),
            Rule::Resolved => {
                let detail = "names a function, which is inlined before operators are applied".into();
                return Err(Error::Attribute { op: op.name, attribute: "function".into(), detail });
            }
            Rule::View { shape, .. } | Rule::Primitive { shape, .. } | Rule::Composite { shape, .. } => {
                let shapes: Vec<Shape> = args.iter().map(|&arg| self.shape(arg).clone()).collect();
                shape(op, &shapes, attributes)?
            }
        };
        self.admit(&shape)?;
        let attributes = self.intern_attributes(attributes);
        let key = Key { op: std::ptr::from_ref(op).addr(), attributes, args: Args::of(args) };
        if let Some(&known) = self.known.get(&key) {
            return Ok(known);
        }
        let first = self.arena.args.len() as u32;
        self.arena.args.extend_from_slice(args);
        let id = self.push(Head::Apply { op, first, count: args.len() as u32 }, shape, attributes)?;
        self.known.insert(key, id);
        Ok(id)
    }

    /// [`Builder::apply`] without attributes.
    ///
    /// # Errors
    /// As [`Builder::apply`].
    pub fn call(&mut self, op: &'static Row, args: &[NodeId]) -> Result<NodeId, Error> {
        self.apply(op, args, Attributes::none())
    }

    /// What a node is.
    pub fn kind(&self, id: NodeId) -> Kind<'_> {
        self.arena.kind(id)
    }

    /// A node's shape.
    pub fn shape(&self, id: NodeId) -> &Shape {
        self.arena.shape(id)
    }

    /// The number of nodes so far.
    pub fn len(&self) -> usize {
        self.arena.nodes.len()
    }

    /// Whether there is no node yet.
    pub fn is_empty(&self) -> bool {
        self.arena.nodes.is_empty()
    }

    /// The finished graph with these outputs.
    pub fn finish(self, outputs: Vec<(String, NodeId)>) -> Graph {
        let outputs = outputs.into_iter().map(|(name, node)| Output { name, node }).collect();
        Graph { arena: self.arena, outputs }
    }

    /// The broadcast shape of an elementwise application.
    fn broadcast(&self, op: &'static Row, args: &[NodeId]) -> Result<Shape, Error> {
        let mut shape = self.shape(args[0]);
        let mut joined;
        for &arg in &args[1..] {
            let other = self.shape(arg);
            if shape == other || other.rank() == 0 {
                continue;
            }
            joined = shape.broadcast(other).ok_or_else(|| Error::ShapePair {
                op: op.name,
                left: shape.clone(),
                right: other.clone(),
                detail: "sizes must be equal or 1, counted from the last axis".into(),
            })?;
            shape = &joined;
        }
        Ok(shape.clone())
    }

    fn admit(&self, shape: &Shape) -> Result<(), Error> {
        let check = |what, asked: usize, allowed: usize| {
            if asked > allowed { Err(Error::Limit { what, asked: asked as f64, allowed: allowed as f64 }) } else { Ok(()) }
        };
        check("limits.rank", shape.rank(), self.bounds.rank)?;
        check("limits.elements", shape.elements(), self.bounds.elements)
    }

    fn push(&mut self, head: Head, shape: Shape, attributes: u32) -> Result<NodeId, Error> {
        let id = self.arena.nodes.len();
        if id >= self.bounds.nodes {
            return Err(Error::Limit { what: "limits.nodes", asked: id as f64 + 1.0, allowed: self.bounds.nodes as f64 });
        }
        let shape = self.intern_shape(shape);
        if self.arena.attributes.is_empty() {
            self.intern_attributes(Attributes::none());
        }
        self.arena.nodes.push(Node { head, shape, attributes });
        Ok(NodeId(id as u32))
    }

    fn intern_shape(&mut self, shape: Shape) -> u32 {
        let next = self.arena.shapes.len() as u32;
        if let Some(&known) = self.known_shapes.get(&shape) {
            return known;
        }
        self.arena.shapes.push(shape.clone());
        self.known_shapes.insert(shape, next);
        next
    }

    /// The empty attributes are always number 0.
    fn intern_attributes(&mut self, attributes: Attributes) -> u32 {
        if self.arena.attributes.is_empty() {
            self.arena.attributes.push(Attributes::none());
        }
        if attributes.is_empty() {
            return 0;
        }
        if let Some(&known) = self.known_attributes.get(&attributes) {
            return known;
        }
        let next = self.arena.attributes.len() as u32;
        self.arena.attributes.push(attributes.clone());
        self.known_attributes.insert(attributes, next);
        next
    }
}

impl Args {
    fn of(args: &[NodeId]) -> Args {
        match *args {
            [a] => Args::Few([a.0, u32::MAX, u32::MAX]),
            [a, b] => Args::Few([a.0, b.0, u32::MAX]),
            [a, b, c] => Args::Few([a.0, b.0, c.0]),
            _ => Args::Many(args.iter().map(|id| id.0).collect()),
        }
    }
}

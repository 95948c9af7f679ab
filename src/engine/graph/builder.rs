//! The only door into a graph: arity, attributes and shapes are checked here, and equal nodes become one.

use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::super::op::{Attributes, Row, Rule, Value, structure};
use super::super::{Error, Shape, Tensor};
use super::{Arena, Body, Graph, Head, Input, Kind, Node, NodeId, Output};

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
///
/// What is already there is found by tables of positions, hashed by content: nothing is stored twice.
#[derive(Debug, Default)]
pub struct Builder {
    arena: Arena,
    bounds: Bounds,
    /// Nodes of bodies, as often as they are used.
    weight: usize,
    hasher: DefaultHashBuilder,
    known: HashTable<NodeId>,
    known_constants: HashTable<NodeId>,
    known_shapes: HashTable<u32>,
    known_attributes: HashTable<u32>,
}

impl Builder {
    /// A builder that refuses what exceeds `bounds`.
    pub fn new(bounds: Bounds) -> Builder {
        Builder { bounds, ..Builder::default() }
    }

    /// The sizes that it does not exceed.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Makes room for so many nodes more.
    pub fn reserve(&mut self, nodes: usize) {
        let Builder { arena, hasher, known, .. } = self;
        arena.nodes.reserve(nodes);
        known.reserve(nodes, |id| match arena.kind(*id) {
            Kind::Apply { op, args, .. } => hash_application(hasher, op, arena.nodes[id.index()].attributes, args),
            Kind::Input(_) | Kind::Constant(_) => 0,
        });
    }

    /// Adds an input; its position is the number of inputs before it.
    ///
    /// # Errors
    /// [`Error::Limit`] where the shape exceeds the bounds.
    pub fn input(&mut self, name: impl Into<String>, shape: Shape) -> Result<NodeId, Error> {
        self.admit(&shape)?;
        let position = self.arena.inputs.len();
        let interned = self.intern_shape(&shape);
        let node = self.push(Head::Input(position as u32), interned, 0)?;
        self.arena.inputs.push(Input { name: name.into(), shape, node });
        Ok(node)
    }

    /// Adds a constant, or finds it: equal bits are one node.
    pub fn constant(&mut self, value: Tensor) -> NodeId {
        let hash = hash_constant(&self.hasher, &value);
        let same = |id: &NodeId| matches!(self.arena.kind(*id), Kind::Constant(other) if same_bits(other, &value));
        if let Some(&known) = self.known_constants.find(hash, same) {
            return known;
        }
        let id = NodeId(self.arena.nodes.len() as u32);
        let head = Head::Constant(self.arena.constants.len() as u32);
        let shape = self.intern_shape(value.shape());
        self.intern_attributes(Attributes::none());
        self.arena.constants.push(value);
        self.arena.nodes.push(Node { head, shape, attributes: 0 });
        let Builder { arena, hasher, known_constants, .. } = self;
        known_constants.insert_unique(hash, id, |id| match arena.kind(*id) {
            Kind::Constant(value) => hash_constant(hasher, value),
            Kind::Input(_) | Kind::Apply { .. } => 0,
        });
        id
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
        if !matches!(op.rule, Rule::Item)
            && let Some(&several) = args.iter().find(|arg| self.arena.several.contains_key(*arg))
        {
            let results = self.arena.several.get(&several).map_or(0, |shapes| shapes.len());
            return Err(Error::Several { op: op.name, results });
        }
        if let ([first, rest @ ..], true) = (args, op.folds_when_built() && args.len() != 2) {
            return rest.iter().try_fold(*first, |sum, &arg| self.call(op, &[sum, arg]));
        }
        let mut several = None;
        let (shape, attributes) = match &op.rule {
            Rule::Scalar { .. } => (self.broadcast(op, args)?, self.intern_attributes(attributes)),
            Rule::Item => {
                let index = attributes.int("index").and_then(|index| usize::try_from(index).ok());
                let shapes = self.arena.several.get(&args[0]);
                let Some(shape) = index.and_then(|index| shapes?.get(index)).cloned() else {
                    let detail = format!("picks one of {} results", shapes.map_or(1, |shapes| shapes.len()));
                    return Err(Error::Attribute { op: op.name, attribute: "index".into(), detail });
                };
                (self.intern_shape(&shape), self.intern_attributes(attributes))
            }
            Rule::Several { results, .. } => {
                let shapes: Vec<Shape> = args.iter().map(|&arg| self.shape(arg).clone()).collect();
                let (shapes, attributes) = results(op, &shapes, attributes)?;
                shapes.iter().try_for_each(|shape| self.admit(shape))?;
                several = Some(shapes.into_boxed_slice());
                (self.intern_shape(&Shape::scalar()), self.intern_attributes(attributes))
            }
            Rule::Resolved => {
                let detail = "names a function, which is inlined before operators are applied".into();
                return Err(Error::Attribute { op: op.name, attribute: "function".into(), detail });
            }
            Rule::View { shape, .. } | Rule::Primitive { shape, .. } | Rule::Composite { shape, .. } => {
                let shapes: Vec<Shape> = args.iter().map(|&arg| self.shape(arg).clone()).collect();
                let (shape, attributes) = shape(op, &shapes, attributes)?;
                self.admit(&shape)?;
                (self.intern_shape(&shape), self.intern_attributes(attributes))
            }
        };
        let hash = hash_application(&self.hasher, op, attributes, args);
        let same = |id: &NodeId| {
            let node = &self.arena.nodes[id.index()];
            matches!(self.arena.kind(*id), Kind::Apply { op: other, args: others, .. }
                if node.attributes == attributes && other == op && others == args)
        };
        if let Some(&known) = self.known.find(hash, same) {
            return Ok(known);
        }
        let bodies = self.arena.attributes[attributes as usize].iter().filter_map(|(_, value)| value.body());
        let weight = bodies.map(Body::weight).fold(self.weight, usize::saturating_add);
        if weight != self.weight {
            self.within(weight.saturating_add(self.arena.nodes.len()))?;
            self.weight = weight;
        }
        let first = self.arena.args.len() as u32;
        self.arena.args.extend_from_slice(args);
        let id = self.push(Head::Apply { op, first, count: args.len() as u32 }, shape, attributes)?;
        if let Some(shapes) = several {
            self.arena.several.insert(id, shapes);
        }
        let Builder { arena, hasher, known, .. } = self;
        known.insert_unique(hash, id, |id| match arena.kind(*id) {
            Kind::Apply { op, args, .. } => hash_application(hasher, op, arena.nodes[id.index()].attributes, args),
            Kind::Input(_) | Kind::Constant(_) => 0,
        });
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

    /// The shapes of a several-valued node's results; `None` for a node that is one tensor.
    pub fn results(&self, id: NodeId) -> Option<&[Shape]> {
        self.arena.several.get(&id).map(|shapes| &**shapes)
    }

    /// One result of a several-valued node, by its position.
    ///
    /// # Errors
    /// [`Error::Attribute`] where there is no such result.
    pub fn item(&mut self, several: NodeId, index: usize) -> Result<NodeId, Error> {
        self.apply(&structure::ITEM, &[several], Attributes::none().with("index", Value::Int(index as i64)))
    }

    /// Every result of a several-valued node.
    ///
    /// # Errors
    /// [`Error::Limit`] where the bounds are exceeded.
    pub fn items(&mut self, several: NodeId) -> Result<Vec<NodeId>, Error> {
        let count = self.results(several).map_or(0, <[_]>::len);
        (0..count).map(|index| self.item(several, index)).collect()
    }

    /// The shapes of the inputs so far.
    pub fn input_shapes(&self) -> impl ExactSizeIterator<Item = &Shape> {
        self.arena.inputs.iter().map(|input| &input.shape)
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
    fn broadcast(&mut self, op: &'static Row, args: &[NodeId]) -> Result<u32, Error> {
        let mut id = self.arena.nodes[args[0].index()].shape;
        for &arg in &args[1..] {
            let next = self.arena.nodes[arg.index()].shape;
            let (shape, other) = (&self.arena.shapes[id as usize], &self.arena.shapes[next as usize]);
            if id == next || other.rank() == 0 {
                continue;
            }
            if shape.rank() == 0 {
                id = next;
                continue;
            }
            let joined = shape.broadcast(other).ok_or_else(|| Error::ShapePair {
                op: op.name,
                left: shape.clone(),
                right: other.clone(),
                detail: "sizes must be equal or 1, counted from the last axis".into(),
            })?;
            self.admit(&joined)?;
            id = self.intern_shape(&joined);
        }
        Ok(id)
    }

    fn admit(&self, shape: &Shape) -> Result<(), Error> {
        let check = |what, asked: usize, allowed: usize| {
            if asked > allowed { Err(Error::Limit { what, asked: asked as f64, allowed: allowed as f64 }) } else { Ok(()) }
        };
        check("limits.rank", shape.rank(), self.bounds.rank)?;
        check("limits.elements", shape.extent(), self.bounds.elements)
    }

    fn push(&mut self, head: Head, shape: u32, attributes: u32) -> Result<NodeId, Error> {
        let id = self.arena.nodes.len();
        self.within(self.weight.saturating_add(id + 1))?;
        self.intern_attributes(Attributes::none());
        self.arena.nodes.push(Node { head, shape, attributes });
        Ok(NodeId(id as u32))
    }

    /// Refuses more nodes than there may be.
    fn within(&self, nodes: usize) -> Result<(), Error> {
        let allowed = self.bounds.nodes;
        if nodes > allowed { Err(Error::Limit { what: "limits.nodes", asked: nodes as f64, allowed: allowed as f64 }) } else { Ok(()) }
    }

    fn intern_shape(&mut self, shape: &Shape) -> u32 {
        let hash = self.hasher.hash_one(shape);
        if let Some(&known) = self.known_shapes.find(hash, |&known| self.arena.shapes[known as usize] == *shape) {
            return known;
        }
        let next = self.arena.shapes.len() as u32;
        self.arena.shapes.push(shape.clone());
        let Builder { arena, hasher, known_shapes, .. } = self;
        known_shapes.insert_unique(hash, next, |&known| hasher.hash_one(&arena.shapes[known as usize]));
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
        let hash = self.hasher.hash_one(&attributes);
        if let Some(&known) = self.known_attributes.find(hash, |&known| self.arena.attributes[known as usize] == attributes) {
            return known;
        }
        let next = self.arena.attributes.len() as u32;
        self.arena.attributes.push(attributes);
        let Builder { arena, hasher, known_attributes, .. } = self;
        known_attributes.insert_unique(hash, next, |&known| hasher.hash_one(&arena.attributes[known as usize]));
        next
    }
}

fn hash_application(hasher: &DefaultHashBuilder, op: &'static Row, attributes: u32, args: &[NodeId]) -> u64 {
    let mut state = hasher.build_hasher();
    std::ptr::from_ref(op).addr().hash(&mut state);
    state.write_u32(attributes);
    args.iter().for_each(|arg| state.write_u32(arg.0));
    state.finish()
}

fn hash_constant(hasher: &DefaultHashBuilder, value: &Tensor) -> u64 {
    let mut state = hasher.build_hasher();
    value.shape().hash(&mut state);
    value.data().iter().for_each(|value| state.write_u64(value.to_bits()));
    state.finish()
}

fn same_bits(a: &Tensor, b: &Tensor) -> bool {
    a.shape() == b.shape() && a.data().iter().zip(b.data()).all(|(a, b)| a.to_bits() == b.to_bits())
}

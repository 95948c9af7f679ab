//! The only door into a graph: arity, attributes and shapes are checked here, and equal nodes become one.

use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::super::op::{Attributes, Row, Rule, Value, structure};
use super::super::{Error, Shape, Tensor};
use super::{Arena, Body, Form, Graph, Head, Input, Kind, Node, NodeId, OWN_ARGS, Output};

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
/// What is already there is found again: nothing is stored twice. An application is looked for among those that have its latest
/// argument as theirs: they are few, and lie where building is at work, so that no look-up reaches across the memory of a large graph.
/// Where they are many, and for all else that is shared, there are tables of positions, hashed by content.
#[derive(Debug, Default)]
pub struct Builder {
    arena: Arena,
    bounds: Bounds,
    /// Nodes of bodies, as often as they are used.
    weight: usize,
    hasher: DefaultHashBuilder,
    /// The list that each node heads, and the one in which it stands.
    links: Vec<Link>,
    /// Applications that are not in a list.
    known: HashTable<Known>,
    known_forms: HashTable<u32>,
    /// The last form of an operator, by where the operator's row stands.
    last_forms: [u32; LAST_FORMS],
    known_constants: HashTable<NodeId>,
    known_shapes: HashTable<u32>,
    known_attributes: HashTable<u32>,
}

impl Builder {
    /// A builder that refuses what exceeds `bounds`.
    pub fn new(bounds: Bounds) -> Builder {
        Builder { bounds, ..Builder::default() }
    }

    /// The nodes so far.
    pub(crate) fn arena(&self) -> &Arena {
        &self.arena
    }

    /// The sizes that it does not exceed.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// A builder that goes on where `graph` ended: its nodes are there under their own numbers, and none is an output any more.
    ///
    /// # Errors
    /// [`Error::Limit`] where the graph exceeds the bounds.
    pub fn resume(graph: &Graph, bounds: Bounds) -> Result<Builder, Error> {
        let links = vec![Link::NONE; graph.len()];
        let mut builder = Builder { arena: graph.arena.clone(), links, ..Builder::new(bounds) };
        builder.arena.shapes.iter().try_for_each(|shape| builder.admit(shape))?;
        for id in graph.ids() {
            match graph.kind(id) {
                Kind::Input(_) => {}
                Kind::Constant(value) => {
                    let Builder { arena, hasher, known_constants, .. } = &mut builder;
                    known_constants.insert_unique(hash_constant(hasher, value), id, |&id| arena.hash_constant(hasher, id));
                }
                Kind::Apply { args, attributes, .. } => {
                    builder.weight = with_bodies(builder.weight, attributes);
                    if let Err(place) = builder.look_up(graph.arena.nodes[id.index()].form, args, |_| false) {
                        builder.put(id, place);
                    }
                }
            }
        }
        let Builder { arena, hasher, known_forms, known_shapes, known_attributes, .. } = &mut builder;
        for (number, form) in (0..).zip(&arena.forms) {
            known_forms.insert_unique(hash_form(hasher, form), number, |&known| hash_form(hasher, &arena.forms[known as usize]));
        }
        for (number, shape) in (0..).zip(&arena.shapes) {
            known_shapes.insert_unique(hasher.hash_one(shape), number, |&known| hasher.hash_one(&arena.shapes[known as usize]));
        }
        for (number, attributes) in (0..).zip(&arena.attributes).skip(1) {
            known_attributes
                .insert_unique(hasher.hash_one(attributes), number, |&known| hasher.hash_one(&arena.attributes[known as usize]));
        }
        builder.within(builder.weight.saturating_add(builder.len()))?;
        Ok(builder)
    }

    /// Makes room for so many nodes more.
    pub fn reserve(&mut self, nodes: usize) {
        self.arena.nodes.reserve(nodes);
        self.links.reserve(nodes);
    }

    /// Adds an input; its position is the number of inputs before it.
    ///
    /// # Errors
    /// [`Error::Limit`] where the shape exceeds the bounds.
    pub fn input(&mut self, name: impl Into<String>, shape: Shape) -> Result<NodeId, Error> {
        self.admit(&shape)?;
        let position = self.arena.inputs.len();
        let shape_number = self.intern_shape(&shape);
        let form = self.intern_form(Form { head: Head::Input, count: 0, shape: shape_number, attributes: 0 });
        let node = self.push(Node { form, args: [NodeId(position as u32), NodeId(0)] })?;
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
        let shape = self.intern_shape(value.shape());
        let form = self.intern_form(Form { head: Head::Constant, count: 0, shape, attributes: 0 });
        let number = NodeId(self.arena.constants.len() as u32);
        self.arena.constants.push(value);
        self.store(Node { form, args: [number, NodeId(0)] });
        let Builder { arena, hasher, known_constants, .. } = self;
        known_constants.insert_unique(hash, id, |&id| arena.hash_constant(hasher, id));
        id
    }

    /// A scalar constant.
    pub fn number(&mut self, value: f64) -> NodeId {
        let hash = hash_number(&self.hasher, value);
        let same = |id: &NodeId| match self.arena.kind(*id) {
            Kind::Constant(other) => other.shape().rank() == 0 && other.data()[0].to_bits() == value.to_bits(),
            Kind::Input(_) | Kind::Apply { .. } => false,
        };
        match self.known_constants.find(hash, same) {
            Some(&known) => known,
            None => self.constant(Tensor::scalar(value)),
        }
    }

    /// Applies an operator, or finds the equal application.
    ///
    /// # Errors
    /// Arity, attributes, shapes, bounds.
    pub fn apply(&mut self, op: &'static Row, args: &[NodeId], attributes: Attributes) -> Result<NodeId, Error> {
        if !op.arity.admits(args.len()) {
            return Err(Error::Arity { op: op.name, takes: op.arity.words(), got: args.len() });
        }
        if !self.arena.several.is_empty()
            && !matches!(op.rule, Rule::Item)
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
        let form = self.intern_form(Form { head: Head::Apply(op), count: args.len() as u32, shape, attributes });
        self.join(form, args, several)
    }

    /// Applies what a node of another graph applies, or finds the equal application. The arguments have the shapes that the node's own
    /// have.
    ///
    /// # Errors
    /// Bounds.
    pub(crate) fn repeat(&mut self, graph: &Graph, id: NodeId, args: &[NodeId], known: &mut Forms) -> Result<NodeId, Error> {
        let number = graph.arena.nodes[id.index()].form as usize;
        if known.0.is_empty() {
            known.0.resize(graph.arena.forms.len(), NONE);
        }
        if known.0[number] == NONE {
            let form = graph.arena.forms[number];
            let shape = self.intern_shape(&graph.arena.shapes[form.shape as usize]);
            let attributes = self.intern_attributes(graph.arena.attributes[form.attributes as usize].clone());
            known.0[number] = self.intern_form(Form { shape, attributes, ..form });
        }
        let several = if graph.has_several() { graph.arena.several.get(&id).cloned() } else { None };
        self.join(known.0[number], args, several)
    }

    /// The application of that form to these arguments, made unless it is there.
    #[inline]
    fn join(&mut self, form: u32, args: &[NodeId], several: Option<Box<[Shape]>>) -> Result<NodeId, Error> {
        let attributes = self.arena.forms[form as usize].attributes;
        let arena = &self.arena;
        let own = match *args {
            [] => Some([NodeId(0); OWN_ARGS]),
            [a] => Some([a, NodeId(0)]),
            [a, b] => Some([a, b]),
            _ => None,
        };
        let same = |id: NodeId| {
            let node = &arena.nodes[id.index()];
            node.form == form && own.map_or_else(|| arena.args[node.args[0].index()..].starts_with(args), |own| node.args == own)
        };
        let place = match self.look_up(form, args, same) {
            Ok(known) => return Ok(known),
            Err(place) => place,
        };
        if attributes > 0 {
            let weight = with_bodies(self.weight, &self.arena.attributes[attributes as usize]);
            if weight != self.weight {
                self.within(weight.saturating_add(self.arena.nodes.len()))?;
                self.weight = weight;
            }
        }
        let pooled = NodeId(self.arena.args.len() as u32);
        let id = self.push(Node { form, args: own.unwrap_or([pooled; OWN_ARGS]) })?;
        if own.is_none() {
            self.arena.args.extend_from_slice(args);
        }
        if let Some(shapes) = several {
            self.arena.several.insert(id, shapes);
        }
        self.put(id, place);
        Ok(id)
    }

    /// The application of a form to arguments, which `same` knows when it meets it; or where to put it.
    #[inline]
    fn look_up(&self, form: u32, args: &[NodeId], same: impl Fn(NodeId) -> bool) -> Result<NodeId, Place> {
        if let Some(&latest) = args.iter().max() {
            let tag = tag(form, args);
            let mut at = self.links[latest.index()].newest;
            for _ in 0..MOST_LISTED {
                if at == NONE {
                    return Err(Place::List { latest, tag });
                }
                let link = &self.links[at as usize];
                if link.tag == tag && same(NodeId(at)) {
                    return Ok(NodeId(at));
                }
                at = link.next;
            }
        }
        let hash = hash_application(&self.hasher, form, args);
        let known = self.known.find(Known { hash, id: NodeId(0) }.hash(), |known| known.hash == hash && same(known.id));
        known.map_or(Err(Place::Table(hash)), |known| Ok(known.id))
    }

    fn put(&mut self, id: NodeId, place: Place) {
        match place {
            Place::List { latest, tag } => {
                let next = std::mem::replace(&mut self.links[latest.index()].newest, id.0);
                let own = &mut self.links[id.index()];
                (own.next, own.tag) = (next, tag);
            }
            Place::Table(hash) => {
                let known = Known { hash, id };
                self.known.insert_unique(known.hash(), known, Known::hash);
            }
        }
    }

    /// [`Builder::apply`] without attributes.
    ///
    /// # Errors
    /// As [`Builder::apply`].
    pub fn call(&mut self, op: &'static Row, args: &[NodeId]) -> Result<NodeId, Error> {
        self.apply(op, args, Attributes::none())
    }

    /// What a node is.
    #[inline]
    pub fn kind(&self, id: NodeId) -> Kind<'_> {
        self.arena.kind(id)
    }

    /// A node's shape.
    #[inline]
    pub fn shape(&self, id: NodeId) -> &Shape {
        self.arena.shape(id)
    }

    /// Whether two nodes have the same shape.
    pub(crate) fn same_shape(&self, a: NodeId, b: NodeId) -> bool {
        self.arena.shape_number(a) == self.arena.shape_number(b)
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
        let mut id = self.arena.shape_number(args[0]);
        for &arg in &args[1..] {
            let next = self.arena.shape_number(arg);
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

    fn push(&mut self, node: Node) -> Result<NodeId, Error> {
        let id = self.arena.nodes.len();
        self.within(self.weight.saturating_add(id + 1))?;
        self.store(node);
        Ok(NodeId(id as u32))
    }

    fn store(&mut self, node: Node) {
        self.arena.nodes.push(node);
        self.links.push(Link::NONE);
    }

    /// Refuses more nodes than there may be.
    fn within(&self, nodes: usize) -> Result<(), Error> {
        let allowed = self.bounds.nodes;
        if nodes > allowed { Err(Error::Limit { what: "limits.nodes", asked: nodes as f64, allowed: allowed as f64 }) } else { Ok(()) }
    }

    fn intern_form(&mut self, form: Form) -> u32 {
        let Builder { arena, hasher, known_forms, last_forms, .. } = self;
        let last = match form.head {
            // rows are some 300 bytes apart
            Head::Apply(op) => &mut last_forms[(std::ptr::from_ref(op).addr() >> 8) % LAST_FORMS],
            Head::Input | Head::Constant => &mut last_forms[0],
        };
        if arena.forms.get(*last as usize) == Some(&form) {
            return *last;
        }
        let hash = hash_form(hasher, &form);
        if let Some(&known) = known_forms.find(hash, |&known| arena.forms[known as usize] == form) {
            *last = known;
            return known;
        }
        let next = arena.forms.len() as u32;
        *last = next;
        arena.forms.push(form);
        known_forms.insert_unique(hash, next, |&known| hash_form(hasher, &arena.forms[known as usize]));
        next
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

/// How many forms are tried before they are looked up.
const LAST_FORMS: usize = 32;

/// No node.
const NONE: u32 = u32::MAX;

/// Applications of one latest argument that are listed; the rest are found by hash, so that no look-up is long.
const MOST_LISTED: usize = 8;

/// What a node has to do with lists of applications that have the same latest argument.
#[derive(Debug, Clone, Copy)]
struct Link {
    /// The newest application of which this node is the latest argument, or [`NONE`].
    newest: u32,
    /// In the list in which this node stands the next, or [`NONE`].
    next: u32,
    /// Tells most applications apart without reaching for them.
    tag: u32,
}

impl Link {
    const NONE: Link = Link { newest: NONE, next: NONE, tag: 0 };
}

/// The same for equal applications, and seldom for others. Lists are short, so that nobody gains by making tags collide.
#[inline]
fn tag(form: u32, args: &[NodeId]) -> u32 {
    args.iter().fold(form, |tag, arg| (tag.rotate_left(5) ^ arg.0).wrapping_mul(0x9e37_79b9))
}

/// The numbers that a builder has given to the forms of another graph.
#[derive(Debug, Default)]
pub(crate) struct Forms(Vec<u32>);

/// Where an application that is new belongs.
enum Place {
    /// In front of those that have this latest argument, under this tag.
    List { latest: NodeId, tag: u32 },
    /// In the table, under this hash.
    Table(u32),
}

/// An application that is there, with the hash it is found by: the table grows without looking at nodes.
#[derive(Debug, Clone, Copy)]
struct Known {
    hash: u32,
    id: NodeId,
}

impl Known {
    /// As the table wants it: it picks places by the low bits and tells entries apart by the high ones.
    #[inline]
    fn hash(&self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

impl Arena {
    fn hash_constant(&self, hasher: &DefaultHashBuilder, id: NodeId) -> u64 {
        match self.kind(id) {
            Kind::Constant(value) => hash_constant(hasher, value),
            Kind::Input(_) | Kind::Apply { .. } => 0,
        }
    }
}

/// The weight with that of the bodies among an application's attributes.
fn with_bodies(weight: usize, attributes: &Attributes) -> usize {
    attributes.iter().filter_map(|(_, value)| value.body()).map(Body::weight).fold(weight, usize::saturating_add)
}

/// Keyed at random in each builder: nobody outside can make applications collide.
fn hash_application(hasher: &DefaultHashBuilder, form: u32, args: &[NodeId]) -> u32 {
    let mut state = hasher.build_hasher();
    state.write_u32(form);
    args.iter().for_each(|arg| state.write_u32(arg.0));
    let hash = state.finish();
    (hash >> 32) as u32 ^ hash as u32
}

fn hash_form(hasher: &DefaultHashBuilder, form: &Form) -> u64 {
    let mut state = hasher.build_hasher();
    match form.head {
        Head::Input => state.write_u64(0),
        Head::Constant => state.write_u64(1),
        Head::Apply(op) => state.write_u64(std::ptr::from_ref(op).addr() as u64),
    }
    state.write_u32(form.count);
    state.write_u32(form.shape);
    state.write_u32(form.attributes);
    state.finish()
}

fn hash_number(hasher: &DefaultHashBuilder, value: f64) -> u64 {
    hasher.hash_one(value.to_bits())
}

fn hash_constant(hasher: &DefaultHashBuilder, value: &Tensor) -> u64 {
    if value.shape().rank() == 0 {
        return hash_number(hasher, value.data()[0]);
    }
    let mut state = hasher.build_hasher();
    value.shape().hash(&mut state);
    value.data().iter().for_each(|value| state.write_u64(value.to_bits()));
    state.finish()
}

fn same_bits(a: &Tensor, b: &Tensor) -> bool {
    a.shape() == b.shape() && a.data().iter().zip(b.data()).all(|(a, b)| a.to_bits() == b.to_bits())
}

//! Resolved functions → one engine graph: calls are inlined, shapes are inferred by the engine as nodes are made.
//!
//! Frames lie on a heap stack, so calls nest as deep as they like. Work is counted by node and call, not by what the builder keeps:
//! doubling calls reach the limit instead of running for ever. Equal calls (same function, same arguments) are made once.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::labels::{Mark, Marks};
use super::resolve::{Action, Definitions, Operand, Pick, Structured};
use super::{Faults, Site};
use crate::engine::graph::{Body, Bounds, Builder, Kind, NodeId};
use crate::engine::op::{Attributes, Rule, Value};
use crate::engine::{Error, Shape, Tensor};
use crate::service::limits::{Limits, check, exceeded};
use crate::service::words::{meant, quote};
use crate::wire::problem::{Failure, Slug};

/// A finished graph, and what to call its nodes.
pub(super) struct Made {
    pub(super) builder: Builder,
    pub(super) outputs: Vec<(String, NodeId)>,
    pub(super) names: HashMap<NodeId, String>,
    pub(super) marks: Marks,
}

/// What to remember of how a function was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Nothing,
    /// What its own nodes are called.
    Names,
    /// Where each node of the engine's comes from.
    Marks,
}

/// A node's value.
#[derive(Debug, Clone, Copy)]
enum Slot {
    One(NodeId),
    /// Several: which of the lists of names they have, with where they lie in the pool.
    Several(u32),
    /// A fault that has been noted, or nothing yet.
    Broken,
}

/// A function being inlined.
struct Frame {
    definition: usize,
    slots: Vec<Slot>,
    inputs: Vec<Slot>,
    /// How far its order has come.
    next: usize,
    /// The node of the frame below that called it.
    node: usize,
    /// Its number among all that were entered, where those are counted.
    number: u32,
    key: Option<Key>,
    /// How many faults there were before it.
    faults: usize,
}

/// A function with its arguments: called so again, it has the same results.
type Key = (usize, Box<[NodeId]>);

/// Where a function is called: the number of the frame, its node.
struct Caller {
    from: u32,
    node: usize,
    key: Key,
}

/// Inlines the first definition, once those that are bodies of loops are graphs of their own.
pub(super) fn instantiate(
    definitions: &Definitions<'_>,
    site: Site<'_>,
    limits: &Limits,
    faults: &mut Faults,
    keep: Keep,
) -> Result<Option<Made>, Failure> {
    let bounds = Bounds { nodes: limits.nodes, rank: limits.rank, elements: limits.elements };
    let mut machine = Machine {
        definitions,
        site,
        limits,
        faults,
        bounds,
        builder: Builder::new(bounds),
        pool: Vec::new(),
        signatures: Vec::new(),
        only: HashMap::new(),
        memo: HashMap::new(),
        constants: HashMap::new(),
        broken: vec![false; definitions.all.len()],
        bodies: HashMap::new(),
        names: None,
        marks: None,
        count: 0,
    };
    for number in definitions.bodies() {
        machine.body(number)?;
    }
    machine.builder.reserve(definitions.all[0].actions.len());
    machine.names = (keep == Keep::Names).then(HashMap::new);
    machine.marks = (keep == Keep::Marks).then(Marks::default);
    let outputs = machine.run(0)?;
    Ok(outputs.map(|outputs| Made {
        builder: machine.builder,
        outputs,
        names: machine.names.unwrap_or_default(),
        marks: machine.marks.unwrap_or_default(),
    }))
}

struct Machine<'m, 'g> {
    definitions: &'m Definitions<'g>,
    site: Site<'g>,
    limits: &'m Limits,
    faults: &'m mut Faults,
    bounds: Bounds,
    builder: Builder,
    /// Results of several-valued nodes.
    pool: Vec<Slot>,
    /// What they are called, and where in the pool they begin.
    signatures: Vec<(Vec<String>, usize)>,
    /// What the only result of a node is called.
    only: HashMap<NodeId, String>,
    memo: HashMap<Key, Slot>,
    /// Constants by where they lie in the function as written.
    constants: HashMap<usize, Slot>,
    /// Definitions in which a fault was found. As shapes are declared, there is nothing more to find in them.
    broken: Vec<bool>,
    /// The definitions that are bodies of loops.
    bodies: HashMap<usize, Body>,
    names: Option<HashMap<NodeId, String>>,
    marks: Option<Marks>,
    count: usize,
}

impl<'g> Machine<'_, 'g> {
    /// Makes a definition a graph of its own.
    fn body(&mut self, number: usize) -> Result<(), Failure> {
        let found = self.faults.found;
        let made = self.run(number)?;
        let builder = std::mem::replace(&mut self.builder, Builder::new(self.bounds));
        (self.pool, self.signatures, self.only) = Default::default();
        self.memo.clear();
        self.constants.clear();
        match made {
            Some(outputs) if self.faults.found == found => {
                let body = Body::new(builder.finish(outputs));
                match body {
                    Ok(body) => drop(self.bodies.insert(number, body)),
                    Err(error) => self.refuse(error, self.definitions.all[number].pointer.clone(), None)?,
                }
            }
            _ => self.broken[number] = true,
        }
        Ok(())
    }

    fn run(&mut self, root: usize) -> Result<Option<Vec<(String, NodeId)>>, Failure> {
        let number = root;
        let root = &self.definitions.all[root];
        let mut inputs = Vec::with_capacity(root.graph.inputs.len());
        for (i, input) in root.graph.inputs.iter().enumerate() {
            let shape = Shape::new(input.shape.clone().unwrap_or_default());
            let slot = match self.builder.input(input.name.as_str(), shape) {
                Ok(node) => Slot::One(node),
                Err(error) => {
                    let pointer =
                        if self.site.text.is_some() { self.site.beside("inputs") } else { format!("{}/inputs/{i}", root.pointer) };
                    self.refuse(error, pointer, None)?;
                    Slot::Broken
                }
            };
            inputs.push(slot);
        }
        let mut stack = vec![self.frame(number, inputs, None)];
        loop {
            let Some(frame) = stack.last_mut() else { return Ok(None) };
            let definition = &self.definitions.all[frame.definition];
            if let Some(&node) = definition.order.get(frame.next) {
                frame.next += 1;
                let node = node as usize;
                self.count += weight(&definition.actions[node], definition.operands(node).len());
                self.admit()?;
                let slot = match &definition.actions[node] {
                    Action::Broken => Some(Slot::Broken),
                    Action::Apply(row, attributes) => Some(self.apply(frame, node, row, attributes.clone())?),
                    Action::Structured(structured) => {
                        let Structured { row, attributes, functions } = &**structured;
                        let bodies = functions.iter().map(|(name, callee)| self.bodies.get(callee).map(|body| (*name, body.clone())));
                        match bodies.collect::<Option<Vec<_>>>() {
                            Some(bodies) => {
                                let with = |attributes: Attributes, (name, body)| attributes.with(name, Value::Body(body));
                                let attributes = bodies.into_iter().fold(attributes.clone(), with);
                                Some(self.apply(frame, node, row, attributes)?)
                            }
                            None => Some(Slot::Broken),
                        }
                    }
                    Action::Item(pick) => Some(self.item(frame, node, *pick)?),
                    Action::Call(callee) => match self.enter(frame, node, *callee)? {
                        Entered::Known(slot) => Some(slot),
                        Entered::Frame(called) => {
                            stack.push(called);
                            None
                        }
                    },
                };
                if let Some(slot) = slot {
                    // The frame on top is still the one that `node` belongs to.
                    if let Some(frame) = stack.last_mut() {
                        frame.slots[node] = slot;
                        let at = Mark { frame: frame.number, node: node as u32 };
                        self.mark(at, frame.definition, slot);
                    }
                    self.name(stack.len(), node, slot);
                }
                continue;
            }
            let Some(frame) = stack.pop() else { return Ok(None) };
            let Some(below) = stack.last_mut() else { return self.finish(&frame) };
            self.count += definition.outputs.len() / 8;
            self.admit()?;
            let slot = self.results(&frame)?;
            self.broken[frame.definition] |= self.faults.found > frame.faults;
            below.slots[frame.node] = slot;
            let (at, caller) = (Mark { frame: below.number, node: frame.node as u32 }, below.definition);
            self.mark(at, caller, slot);
            if let Some(key) = frame.key {
                self.memo.insert(key, slot);
            }
            self.name(stack.len(), frame.node, slot);
        }
    }

    /// A frame, called but for the first.
    fn frame(&mut self, definition: usize, inputs: Vec<Slot>, call: Option<Caller>) -> Frame {
        let slots = vec![Slot::Broken; self.definitions.all[definition].actions.len()];
        let (from, node, key) = match call {
            Some(Caller { from, node, key }) => (Some(Mark { frame: from, node: node as u32 }), node, Some(key)),
            None => (None, usize::MAX, None),
        };
        let number = self.marks.as_mut().map_or(0, |marks| marks.enter(definition, from));
        Frame { definition, slots, inputs, next: 0, node, number, key, faults: self.faults.found }
    }

    /// Remembers where nodes come from that are new, and that a node which was there has a name.
    fn mark(&mut self, at: Mark, definition: usize, slot: Slot) {
        let Some(marks) = &mut self.marks else { return };
        marks.made(self.builder.len(), at);
        if let (Slot::One(id), Some(_)) = (slot, &self.definitions.all[definition].graph.nodes[at.node as usize].name) {
            marks.named(id, at, self.definitions);
        }
    }

    /// Remembers what the function's own nodes are called.
    fn name(&mut self, depth: usize, node: usize, slot: Slot) {
        if let (1, Some(names), Slot::One(id)) = (depth, &mut self.names, slot)
            && let Some(name) = &self.definitions.all[0].graph.nodes[node].name
        {
            names.entry(id).or_insert_with(|| name.clone());
        }
    }

    /// Refuses when too much has been done.
    fn admit(&self) -> Result<(), Failure> {
        let most = self.limits.nodes;
        if self.count > most { Err(exceeded("limits.nodes", self.count as f64, most as f64)) } else { Ok(()) }
    }

    /// What an operand of a frame is.
    fn slot(&mut self, frame: &Frame, operand: Operand<'_>, pointer: impl FnOnce() -> String) -> Result<Slot, Failure> {
        Ok(match operand {
            Operand::Input(i) => frame.inputs[i as usize],
            Operand::Node(i) => frame.slots[i as usize],
            Operand::Number(value) => Slot::One(self.builder.number(value)),
            Operand::Tensor(tensor) => match self.constants.get(&std::ptr::from_ref(tensor).addr()) {
                Some(&slot) => slot,
                None => self.constant(tensor, pointer())?,
            },
            Operand::Broken => Slot::Broken,
        })
    }

    fn constant(&mut self, tensor: &crate::wire::graph::Tensor, pointer: String) -> Result<Slot, Failure> {
        let shape = Shape::new(tensor.shape.clone());
        check("limits.rank", shape.rank(), self.limits.rank)?;
        check("limits.elements", shape.elements(), self.limits.elements)?;
        let slot = match Tensor::new(shape, tensor.data.clone()) {
            Some(tensor) => Slot::One(self.builder.constant(tensor)),
            None => {
                self.faults.graph(|| (pointer, "this constant is not a tensor".into(), None));
                Slot::Broken
            }
        };
        self.constants.insert(std::ptr::from_ref(tensor).addr(), slot);
        Ok(slot)
    }

    /// A node's operands as one value each; `None` where a fault has been noted.
    fn args(&mut self, frame: &Frame, node: usize) -> Result<Option<SmallVec<[NodeId; 4]>>, Failure> {
        let definition = &self.definitions.all[frame.definition];
        let mut args = SmallVec::with_capacity(definition.operands(node).len());
        let mut whole = true;
        for (i, &operand) in definition.operands(node).iter().enumerate() {
            let site = self.site;
            let pointer = || definition.part_pointer(node, format_args!("/args/{i}"), site);
            match self.slot(frame, operand, pointer)? {
                Slot::One(id) => args.push(id),
                Slot::Broken => whole = false,
                Slot::Several(signature) => {
                    whole = false;
                    let results = self.signatures[signature as usize].0.len();
                    self.faults.graph(|| {
                        let detail = format!("this argument has {results} values, not one");
                        (pointer(), site.located(definition.graph, Some(node), detail), Some("pick one with `item`".into()))
                    });
                }
            }
        }
        Ok(whole.then_some(args))
    }

    fn apply(&mut self, frame: &Frame, node: usize, row: &'static crate::engine::op::Row, attributes: Attributes) -> Result<Slot, Failure> {
        let Some(args) = self.args(frame, node)? else { return Ok(Slot::Broken) };
        match self.builder.apply(row, &args, attributes) {
            Ok(id) if matches!(row.rule, Rule::Several { .. }) => self.several(id),
            Ok(id) => Ok(Slot::One(id)),
            Err(error) => {
                let definition = &self.definitions.all[frame.definition];
                let pointer = match &error {
                    Error::Attribute { attribute, .. } if self.site.text.is_none() => {
                        let mut pointer = definition.node_pointer(node);
                        if definition.graph.nodes[node].attributes.contains_key(attribute) {
                            crate::service::decode::push_key(&mut pointer, attribute);
                        }
                        pointer
                    }
                    _ => definition.node_pointer(node),
                };
                self.refuse(error, pointer, Some((frame.definition, node)))?;
                Ok(Slot::Broken)
            }
        }
    }

    /// The results of a several-valued node; where there is but one, it stands for the node.
    fn several(&mut self, id: NodeId) -> Result<Slot, Failure> {
        let names = match self.builder.kind(id) {
            Kind::Apply { op, attributes, .. } => match &op.rule {
                Rule::Several { names, .. } => names(attributes),
                _ => Vec::new(),
            },
            Kind::Input(_) | Kind::Constant(_) => Vec::new(),
        };
        let items = self.builder.items(id).map_err(super::super::refusal)?;
        if let [item] = items[..] {
            self.only.extend(names.into_iter().next().map(|name| (item, name)));
            return Ok(Slot::One(item));
        }
        Ok(self.pooled(names, items.into_iter().map(Slot::One)))
    }

    /// Notes what the engine refuses, unless it is a limit, which ends the building.
    fn refuse(&mut self, error: Error, pointer: String, node: Option<(usize, usize)>) -> Result<(), Failure> {
        let slug = match &error {
            Error::Limit { what, asked, allowed } => return Err(exceeded(what, *asked, *allowed)),
            Error::ShapePair { .. } | Error::Shape { .. } => Slug::ShapeMismatch,
            Error::Arity { .. } | Error::Attribute { .. } | Error::NotScalar { .. } | Error::Several { .. } => Slug::InvalidGraph,
        };
        let (site, definitions) = (self.site, self.definitions);
        self.faults.push(slug, || match node {
            Some((definition, node)) => (pointer, site.located(definitions.all[definition].graph, Some(node), error.to_string()), None),
            None => (pointer, error.to_string(), None),
        });
        Ok(())
    }

    fn item(&mut self, frame: &Frame, node: usize, pick: Pick<'_>) -> Result<Slot, Failure> {
        let definition = &self.definitions.all[frame.definition];
        let site = self.site;
        let slot = self.slot(frame, definition.operands(node)[0], || definition.part_pointer(node, "/args/0", site))?;
        let (found, detail, hint) = match (slot, pick) {
            (Slot::Broken, _) => return Ok(Slot::Broken),
            (Slot::One(_), Pick::Position(0)) => (Some(slot), String::new(), None),
            (Slot::One(_), Pick::Position(i)) => (None, format!("there is no result {i}: the node has one value"), None),
            (Slot::One(id), Pick::Name(name)) => {
                let only = definition.callee(definition.operands(node)[0]).map(|callee| &self.definitions.all[callee].graph.outputs[..]);
                let called = only.is_some_and(|outputs| outputs.iter().any(|output| output.name == name));
                let found = (called || self.only.get(&id).is_some_and(|only| only == name)).then_some(slot);
                (found, format!("there is no result {}: the node has one value", quote(name)), None)
            }
            (Slot::Several(signature), pick) => {
                let (names, start) = &self.signatures[signature as usize];
                match pick {
                    Pick::Position(i) => {
                        let found = usize::try_from(i).ok().filter(|&i| i < names.len()).map(|i| self.pool[start + i]);
                        (found, format!("there is no result {i}: there are {}", names.len()), None)
                    }
                    Pick::Name(name) => {
                        let found = names.iter().position(|own| own == name).map(|i| self.pool[start + i]);
                        (found, format!("there is no result {}", quote(name)), meant(name, names.iter().map(String::as_str)))
                    }
                }
            }
        };
        if let Some(slot) = found {
            return Ok(slot);
        }
        self.faults.graph(|| (definition.part_pointer(node, "/index", site), site.located(definition.graph, Some(node), detail), hint));
        Ok(Slot::Broken)
    }

    fn enter(&mut self, frame: &Frame, node: usize, callee: usize) -> Result<Entered, Failure> {
        let Some(args) = self.args(frame, node)? else { return Ok(Entered::Known(Slot::Broken)) };
        let caller = &self.definitions.all[frame.definition];
        let function = &self.definitions.all[callee];
        let mut right = true;
        for (i, (input, &arg)) in function.graph.inputs.iter().zip(&args).enumerate() {
            let declared = Shape::new(input.shape.clone().unwrap_or_default());
            if self.builder.shape(arg) != &declared {
                right = false;
                let (site, given) = (self.site, self.builder.shape(arg));
                self.faults.push(Slug::ShapeMismatch, || {
                    let detail = format!("input {} has shape {declared}, {given} is given", quote(&input.name));
                    (caller.part_pointer(node, format_args!("/args/{i}"), site), site.located(caller.graph, Some(node), detail), None)
                });
            }
        }
        if !right || self.broken[callee] {
            return Ok(Entered::Known(Slot::Broken));
        }
        let inputs = args.iter().map(|&id| Slot::One(id)).collect();
        let key = (callee, args.into_vec().into_boxed_slice());
        if let Some(&slot) = self.memo.get(&key) {
            return Ok(Entered::Known(slot));
        }
        Ok(Entered::Frame(self.frame(callee, inputs, Some(Caller { from: frame.number, node, key }))))
    }

    /// A function's outputs as one value each, in the frame that made them.
    fn outputs(&mut self, frame: &Frame) -> Result<Vec<Slot>, Failure> {
        let definition = &self.definitions.all[frame.definition];
        let mut slots = Vec::with_capacity(definition.outputs.len());
        for (i, &operand) in definition.outputs.iter().enumerate() {
            let site = self.site;
            let pointer = || if site.text.is_some() { site.pointer.to_owned() } else { format!("{}/outputs/{i}", definition.pointer) };
            let slot = self.slot(frame, operand, pointer)?;
            slots.push(match slot {
                Slot::Several(_) => {
                    let node = if let Operand::Node(node) = operand { Some(node as usize) } else { None };
                    let detail = || site.located(definition.graph, node, "this output has several values, not one".into());
                    self.faults.graph(|| (pointer(), detail(), Some("pick one with `item`".into())));
                    Slot::Broken
                }
                slot => slot,
            });
        }
        Ok(slots)
    }

    fn results(&mut self, frame: &Frame) -> Result<Slot, Failure> {
        let slots = self.outputs(frame)?;
        if let [slot] = slots[..] {
            return Ok(slot);
        }
        let names = self.definitions.all[frame.definition].graph.outputs.iter().map(|output| output.name.clone()).collect();
        Ok(self.pooled(names, slots.into_iter()))
    }

    fn pooled(&mut self, names: Vec<String>, slots: impl Iterator<Item = Slot>) -> Slot {
        self.signatures.push((names, self.pool.len()));
        self.pool.extend(slots);
        Slot::Several(self.signatures.len() as u32 - 1)
    }

    fn finish(&mut self, frame: &Frame) -> Result<Option<Vec<(String, NodeId)>>, Failure> {
        let slots = self.outputs(frame)?;
        let outputs = &self.definitions.all[frame.definition].graph.outputs;
        Ok(slots
            .into_iter()
            .zip(outputs)
            .map(|(slot, output)| match slot {
                Slot::One(id) => Some((output.name.clone(), id)),
                Slot::Several(_) | Slot::Broken => None,
            })
            .collect())
    }
}

/// What a node counts for: more than one where it is so long that reading it again at every call would take its time.
fn weight(action: &Action<'_>, operands: usize) -> usize {
    let attributes = match action {
        Action::Apply(_, attributes) => attributes,
        Action::Structured(structured) => &structured.attributes,
        Action::Call(_) | Action::Item(_) | Action::Broken => return 1 + operands / 8,
    };
    let attributes: usize = attributes.iter().map(|(_, value)| length(value)).sum();
    1 + operands / 8 + attributes / 8
}

fn length(value: &Value) -> usize {
    match value {
        Value::Ints(values) => values.len(),
        Value::Bounds(values) => values.len(),
        Value::Indices(shape, values) => shape.len() + values.len(),
        Value::Reals(values) => values.len(),
        Value::Written(text) => text.len() / 8,
        Value::Null | Value::Int(_) | Value::Bool(_) | Value::Text(_) | Value::Real(_) | Value::Body(_) => 0,
    }
}

/// A call: made before, or to be made now.
enum Entered {
    Known(Slot),
    Frame(Frame),
}

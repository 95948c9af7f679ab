//! An engine graph → a function as the wire has it: what `POST /graph` answers, and what can be sent back.
//!
//! Nodes that no output needs are left out. Names are kept where they were given; the others are numbered. In the canonical form only
//! the function's own inputs and outputs have names that somebody gave: it is what everybody may see of a function whose author they
//! are not.

use std::collections::{BTreeMap, HashMap, HashSet};

use smallvec::{SmallVec, smallvec};

use super::digest::{self, Digest, needed};
use crate::engine::graph::{Body, Graph, Kind, NodeId};
use crate::engine::op::{Rule, Value};
use crate::wire::graph as wire;

/// How nodes that nobody named are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Every node has a name: what a program reads.
    Listed,
    /// What is used once stands where it is used: what a person reads.
    Nested,
    /// Every node has a name, but none that anybody gave it, and stands where the digest has it: one function, one text.
    Canonical,
}

/// Writes a graph with these names for its nodes; the bodies of its loops become functions beside it.
pub(super) fn export(graph: &Graph, names: &HashMap<NodeId, String>, style: Style) -> wire::Graph {
    let canonical = style == Style::Canonical;
    let mut functions = Functions { canonical, names: HashMap::new(), digests: HashMap::new(), written: indexmap::IndexMap::new() };
    let inputs = graph.inputs().iter().map(|input| input.name.clone()).collect();
    let outputs = graph.outputs().iter().map(|output| output.name.clone()).collect();
    let mut written = one(graph, &Called { inputs, outputs, nodes: names }, style, &mut functions);
    written.functions = functions.written;
    written
}

/// The bodies met so far, under the names of the functions that they become.
struct Functions {
    canonical: bool,
    names: HashMap<Body, String>,
    /// In the canonical form: bodies that only differ in how they are written down are one.
    digests: HashMap<Digest, String>,
    written: indexmap::IndexMap<String, wire::Graph>,
}

impl Functions {
    /// The name of a body's function. Bodies stand only so deep in one another.
    fn name(&mut self, body: &Body) -> String {
        if let Some(name) = self.names.get(body) {
            return name.clone();
        }
        let graph = body.graph();
        let digest = self.canonical.then(|| digest::body(graph));
        if let Some(name) = digest.and_then(|digest| self.digests.get(&digest)).cloned() {
            self.names.insert(body.clone(), name.clone());
            return name;
        }
        // a body's inputs and outputs go by their places
        let name = |letter: &'static str, given: &str, place: usize| {
            if digest.is_some() { format!("{letter}{}", place + 1) } else { given.to_owned() }
        };
        let inputs = graph.inputs().iter().enumerate().map(|(place, input)| name("x", &input.name, place)).collect();
        let outputs = graph.outputs().iter().enumerate().map(|(place, output)| name("y", &output.name, place)).collect();
        let style = if self.canonical { Style::Canonical } else { Style::Listed };
        let written = one(graph, &Called { inputs, outputs, nodes: &HashMap::new() }, style, self);
        let name = format!("f{}", self.written.len() + 1);
        self.digests.extend(digest.map(|digest| (digest, name.clone())));
        self.names.insert(body.clone(), name.clone());
        self.written.insert(name.clone(), written);
        name
    }
}

/// What the parts of a graph are called; nodes where they have a name.
struct Called<'a> {
    inputs: Vec<String>,
    outputs: Vec<String>,
    nodes: &'a HashMap<NodeId, String>,
}

/// Writes one graph.
fn one(graph: &Graph, called: &Called<'_>, style: Style, functions: &mut Functions) -> wire::Graph {
    let uses = uses(graph);
    // the only result of a node is the node, and lends it its name
    let lends = |(&id, name): (&NodeId, &String)| match graph.kind(id) {
        Kind::Apply { op, args, .. } if matches!(op.rule, Rule::Item) && only_result(graph, args[0]) => (args[0], name.clone()),
        _ => (id, name.clone()),
    };
    let names: HashMap<NodeId, String> = called.nodes.iter().map(lends).collect();
    let names = &names;
    let mut named = Names::new(graph, called, names);
    // a lone output `f` that nobody named needs no name: it is what a bare expression is called
    let lone_f = match graph.outputs() {
        [output] if output.name == "f" && names.get(&output.node).is_none_or(|name| name == "f") => Some(output.node),
        _ => None,
    };
    let mut nodes: Vec<wire::Node> = Vec::new();
    let mut arguments: Vec<Option<wire::Argument>> = vec![None; graph.len()];
    let order = match style {
        Style::Canonical => needed(graph).0,
        Style::Listed | Style::Nested => graph.ids().filter(|id| uses[id.index()] > 0).collect(),
    };
    for id in order {
        let (op, args, attributes) = match graph.kind(id) {
            Kind::Input(position) => {
                arguments[id.index()] = Some(wire::Argument::Name(called.inputs[position].clone()));
                continue;
            }
            Kind::Constant(tensor) => {
                let sizes = tensor.shape().sizes();
                let value = match (sizes, tensor.data()) {
                    ([], [value]) => wire::Argument::Number(*value),
                    (sizes, data) => wire::Argument::Constant(Box::new(wire::Tensor { shape: sizes.to_vec(), data: data.to_vec() })),
                };
                if uses[id.index()] == 1 || tensor.data().len() <= FEW {
                    arguments[id.index()] = Some(value);
                    continue;
                }
                // A sum of one term is the term: so a constant gets a name and is written once.
                ("add", smallvec![value], BTreeMap::new())
            }
            Kind::Apply { op, args, .. } if matches!(op.rule, Rule::Item) && only_result(graph, args[0]) => {
                arguments[id.index()] = arguments[args[0].index()].clone();
                continue;
            }
            Kind::Apply { op, args, attributes } => {
                let mut args: SmallVec<[wire::Argument; 2]> = args.iter().filter_map(|arg| arguments[arg.index()].clone()).collect();
                if style == Style::Nested && op.folds_when_built() {
                    unfold(op.name, &mut args, &mut nodes);
                }
                (op.name, args, attributes.iter().map(|(name, value)| (name.to_owned(), attribute(value, functions))).collect())
            }
        };
        let origin = wire::Origin::Listed(nodes.len() as u32);
        let nested = style == Style::Nested && uses[id.index()] == 1 && (!named.is_given(id) || lone_f == Some(id));
        let name = (!nested).then(|| named.take(id));
        arguments[id.index()] = Some(name.clone().map_or(wire::Argument::Node(nodes.len()), wire::Argument::Name));
        nodes.push(wire::Node { name, op: op.to_owned().into(), args, attributes, origin });
    }
    let inputs = graph.inputs().iter().zip(&called.inputs);
    let inputs = inputs.map(|(input, name)| wire::Input { name: name.clone(), shape: Some(input.shape.sizes().to_vec()) }).collect();
    let outputs = graph.outputs().iter().zip(&called.outputs);
    let outputs = outputs
        .filter_map(|(output, name)| arguments[output.node.index()].clone().map(|value| wire::Output { name: name.clone(), value }))
        .collect();
    wire::Graph { inputs, nodes, outputs, functions: indexmap::IndexMap::new() }
}

/// Takes up the arguments of the first one where that is the same operator written inside: (a + b) + c is a + b + c, which is built so.
fn unfold(op: &str, args: &mut SmallVec<[wire::Argument; 2]>, nodes: &mut [wire::Node]) {
    if let Some(&wire::Argument::Node(first)) = args.first()
        && nodes[first].op == op
    {
        // nothing else refers to it
        let behind = std::mem::replace(args, std::mem::take(&mut nodes[first].args));
        args.extend(behind.into_iter().skip(1));
    }
}

fn only_result(graph: &Graph, several: NodeId) -> bool {
    graph.results(several).map_or(0, <[_]>::len) == 1
}

/// A constant of so many elements is repeated rather than named.
const FEW: usize = 8;

/// How often each node is used by what the outputs need.
fn uses(graph: &Graph) -> Vec<u32> {
    let mut uses = vec![0u32; graph.len()];
    for output in graph.outputs() {
        uses[output.node.index()] += 1;
    }
    for id in graph.ids().rev() {
        if let (Kind::Apply { args, .. }, true) = (graph.kind(id), uses[id.index()] > 0) {
            for arg in args {
                uses[arg.index()] = uses[arg.index()].saturating_add(1);
            }
        }
    }
    uses
}

/// A name for each node.
struct Names<'a> {
    given: HashMap<NodeId, &'a str>,
    taken: HashSet<&'a str>,
    next: usize,
}

impl<'a> Names<'a> {
    fn new(graph: &'a Graph, called: &'a Called<'_>, names: &'a HashMap<NodeId, String>) -> Names<'a> {
        let mut given: HashMap<NodeId, &str> = names.iter().map(|(&id, name)| (id, name.as_str())).collect();
        let mut taken: HashSet<&str> = called.inputs.iter().map(String::as_str).collect();
        taken.extend(given.values());
        // An output lends its name to the node that is its value, if neither has another use.
        for (output, name) in graph.outputs().iter().zip(&called.outputs) {
            if matches!(graph.kind(output.node), Kind::Apply { .. }) && !given.contains_key(&output.node) && taken.insert(name) {
                given.insert(output.node, name);
            }
        }
        taken.extend(called.outputs.iter().map(String::as_str));
        Names { given, taken, next: 0 }
    }

    fn is_given(&self, id: NodeId) -> bool {
        self.given.contains_key(&id)
    }

    fn take(&mut self, id: NodeId) -> String {
        if let Some(name) = self.given.get(&id) {
            return (*name).to_owned();
        }
        loop {
            self.next += 1;
            let name = format!("n{}", self.next);
            if !self.taken.contains(name.as_str()) {
                return name;
            }
        }
    }
}

fn attribute(value: &Value, functions: &mut Functions) -> wire::Attribute {
    let integer = |value: &i64| wire::Attribute::Number(*value as f64);
    match value {
        Value::Null => wire::Attribute::Null,
        Value::Int(value) => integer(value),
        Value::Ints(values) => wire::Attribute::List(values.iter().map(integer).collect()),
        Value::Bounds(values) => {
            wire::Attribute::List(values.iter().map(|bound| bound.as_ref().map_or(wire::Attribute::Null, integer)).collect())
        }
        Value::Indices(shape, values) => {
            let mut level: Vec<wire::Attribute> = values.iter().map(integer).collect();
            for (axis, &size) in shape.iter().enumerate().rev() {
                let lists: usize = shape[..axis].iter().product();
                let mut rest = level.into_iter();
                level = (0..lists).map(|_| wire::Attribute::List(rest.by_ref().take(size).collect())).collect();
            }
            level.pop().unwrap_or(wire::Attribute::List(Vec::new()))
        }
        Value::Bool(flag) => wire::Attribute::Bool(*flag),
        Value::Text(word) => wire::Attribute::Text((*word).to_owned()),
        Value::Real(value) => wire::Attribute::Number(value.get()),
        Value::Reals(values) => wire::Attribute::List(values.iter().map(|value| wire::Attribute::Number(value.get())).collect()),
        Value::Written(text) => wire::Attribute::Text(text.as_ref().to_owned()),
        Value::Body(body) => wire::Attribute::Text(functions.name(body)),
    }
}

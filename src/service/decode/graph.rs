//! A JSON graph read into [`wire::graph`](crate::wire::graph): structure only. No name is looked up here but those of nodes that were
//! read before, which need not be kept.
//!
//! A node takes its place in the list before its arguments do, so that an inline node knows its parent. Whatever could make the
//! graph larger in memory than the limits allow ends the reading at once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use indexmap::map::Entry;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess};
use smallvec::SmallVec;

use super::context::{Context, Place, Step};
use super::gather::Column;
use super::inputs::Inputs;
use super::plain::{self, Grow};
use super::raw::Raw;
use super::reader::{Key, Reader, Seed, Text, each, one_more, reads};
use super::tensor::{self, Numbers};
use crate::engine::op::spelling;
use crate::service::limits::Limits;
use crate::service::names::Names;
use crate::wire::graph::{Argument, Attribute, Graph, Input, Node, Origin, Output, Tensor};
use crate::wire::problem::{Failure, Slug};

/// Reads `graph`.
pub(in crate::service) fn graph(raw: Raw<'_>, place: Place, body: &[u8], limits: &Limits) -> Result<Graph, Failure> {
    plain::graph(raw.get(), Growing::default(), limits).map_or_else(|| careful(raw, place, body, limits), |graph| Ok(graph.into_graph()))
}

/// Reads `graph`, however it is written and whatever is wrong with it.
pub(super) fn careful(raw: Raw<'_>, place: Place, body: &[u8], limits: &Limits) -> Result<Graph, Failure> {
    let mut context = Context::of(place, "graph", limits.json_nesting, Slug::InvalidGraph);
    let mut tally = Tally { nodes: 0, args: 0, functions: 0, attributes: 0, limits };
    let read = Seed(Whole { context: &mut context, tally: &mut tally }).deserialize(&mut super::json(raw));
    context.finish(read, raw.get(), body)
}

/// How much has been read, over all functions.
struct Tally<'l> {
    nodes: usize,
    args: usize,
    functions: usize,
    attributes: usize,
    limits: &'l Limits,
}

/// A graph while it is read. What refers to a named node that was read before refers to its position: the name is not kept.
#[derive(Default)]
pub(super) struct Growing {
    graph: Graph,
    names: Names,
}

impl Growing {
    /// The graph as it is now.
    pub(super) fn into_graph(self) -> Graph {
        self.graph
    }

    /// Calls a node by a name.
    fn name(&mut self, position: usize, name: String) {
        let nodes = &self.graph.nodes;
        self.names.insert(&name, position as u32, |position| nodes[position as usize].name.as_deref().unwrap_or_default());
        self.graph.nodes[position].name = Some(name);
    }

    /// The node of that name, if it was read.
    fn known(&self, name: &str) -> Option<usize> {
        let name_of = |position: u32| self.graph.nodes[position as usize].name.as_deref().unwrap_or_default();
        self.names.get(name, name_of).map(|position| position as usize)
    }
}

impl<'t> Grow<'t> for Growing {
    type Argument = Argument;

    fn inputs(&mut self, names: &[&'t str]) -> Option<()> {
        self.graph.inputs = names.iter().map(|&name| Input { name: name.to_owned(), shape: Some(Vec::new()) }).collect();
        Some(())
    }

    fn outputs(&mut self, names: &[&'t str]) -> Option<()> {
        let named = |&name: &&str| Output { name: name.to_owned(), value: Argument::Name(name.to_owned()) };
        self.graph.outputs = names.iter().map(named).collect();
        Some(())
    }

    fn begin(&mut self, origin: Origin) -> Option<usize> {
        self.graph.nodes.push(Node { name: None, op: "".into(), args: SmallVec::new(), attributes: BTreeMap::new(), origin });
        Some(self.graph.nodes.len() - 1)
    }

    fn end(&mut self, position: usize, name: Option<&'t str>, op: &'t str, args: SmallVec<[Argument; 2]>) -> Option<()> {
        let node = &mut self.graph.nodes[position];
        (node.op, node.args) = (spelling(op)?.into(), args);
        if let Some(name) = name {
            self.name(position, name.to_owned());
        }
        Some(())
    }

    fn inside(&self, position: usize) -> Option<Argument> {
        Some(Argument::Node(position))
    }

    fn named(&self, name: &'t str) -> Option<Argument> {
        Some(self.known(name).map_or_else(|| Argument::Name(name.to_owned()), Argument::Node))
    }

    fn number(&self, value: f64) -> Argument {
        Argument::Number(value)
    }
}

impl Deref for Growing {
    type Target = Graph;

    fn deref(&self) -> &Graph {
        &self.graph
    }
}

impl DerefMut for Growing {
    fn deref_mut(&mut self) -> &mut Graph {
        &mut self.graph
    }
}

struct Whole<'c, 'l, 'de> {
    context: &'c mut Context<'de>,
    tally: &'c mut Tally<'l>,
}

impl<'de> Reader<'de> for Whole<'_, '_, 'de> {
    type Value = Graph;
    reads!("a graph (an object)", Graph::default());

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Graph, A::Error> {
        const FIELDS: [&str; 4] = ["inputs", "nodes", "outputs", "functions"];
        let Whole { context, tally } = self;
        let mut graph = Growing::default();
        let mut seen = [false; 4];
        while let Some(key) = object.next_key_seed(Key)? {
            let Some(field) = FIELDS.iter().position(|&field| field == key) else {
                object.next_value::<IgnoredAny>()?;
                context.unknown(&key, "a graph", &FIELDS);
                continue;
            };
            if std::mem::replace(&mut seen[field], true) {
                return Err(context.duplicate(&key));
            }
            context.enter(Step::Key(key));
            match field {
                0 => {
                    let seed = Inputs { context: &mut *context, most: tally.limits.inputs, bare: Some(Vec::new()) };
                    graph.inputs = object.next_value_seed(Seed(seed))?;
                }
                1 => object.next_value_seed(Seed(Nodes { context: &mut *context, tally: &mut *tally, graph: &mut graph }))?,
                2 => object.next_value_seed(Seed(Outputs { context: &mut *context, tally: &mut *tally, graph: &mut graph }))?,
                _ => object.next_value_seed(Seed(Functions { context: &mut *context, tally: &mut *tally, graph: &mut graph }))?,
            }
            context.leave();
        }
        if !seen[2] {
            context.fault("a graph needs `outputs`", None);
        }
        Ok(graph.into_graph())
    }
}

struct Nodes<'c, 'l, 'de> {
    context: &'c mut Context<'de>,
    tally: &'c mut Tally<'l>,
    graph: &'c mut Growing,
}

impl<'de> Reader<'de> for Nodes<'_, '_, 'de> {
    type Value = ();
    reads!("a list of nodes", ());

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Nodes { context, tally, graph } = self;
        each!(list, context, index => Expression {
            context: &mut *context, tally: &mut *tally, graph: &mut *graph, origin: Origin::Listed(index as u32),
        }, node => {
            if let Some(Argument::Node(position)) = node
                && graph.nodes[position].name.is_none()
            {
                context.fault("a node of the list needs a `name`", None);
            }
        });
        Ok(())
    }
}

/// An argument, an output's value, or a node of the list (which is never anything but an object with `op`).
struct Expression<'c, 'l, 'de> {
    context: &'c mut Context<'de>,
    tally: &'c mut Tally<'l>,
    graph: &'c mut Growing,
    origin: Origin,
}

impl<'de> Expression<'_, '_, 'de> {
    fn listed(&self) -> bool {
        matches!(self.origin, Origin::Listed(_))
    }

    /// Takes a place in the list of nodes.
    fn place<E: Error>(&mut self) -> Result<usize, E> {
        one_more(self.context, &mut self.tally.nodes, "limits.nodes", self.tally.limits.nodes)?;
        let (name, op, args, attributes) = (None, Cow::Borrowed(""), SmallVec::new(), BTreeMap::new());
        self.graph.nodes.push(Node { name, op, args, attributes, origin: self.origin });
        Ok(self.graph.nodes.len() - 1)
    }
}

impl<'de> Reader<'de> for Expression<'_, '_, 'de> {
    type Value = Option<Argument>;

    fn context(&mut self) -> &mut Context<'de> {
        self.context
    }

    fn expects(&self) -> &'static str {
        if self.listed() { "a node (an object with `op`)" } else { "a name, a number, a node or {\"const\": tensor}" }
    }

    fn absent(self) -> Option<Argument> {
        None
    }

    fn number(self, value: f64) -> Option<Argument> {
        if self.listed() { self.refuse("a number") } else { Some(Argument::Number(value)) }
    }

    fn text(self, name: Cow<'de, str>) -> Option<Argument> {
        if self.listed() {
            return self.refuse("a string");
        }
        Some(self.graph.known(&name).map_or_else(|| Argument::Name(name.into_owned()), Argument::Node))
    }

    fn object<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Option<Argument>, A::Error> {
        let mut node: Option<usize> = None;
        let mut constant: Option<Tensor> = None;
        let (mut op, mut name, mut args) = (None, None, false);
        while let Some(key) = object.next_key_seed(Key)? {
            if key == "const" && !self.listed() {
                if constant.is_some() {
                    return Err(self.context.duplicate(&key));
                }
                self.context.enter(Step::Key(key));
                constant = Some(object.next_value_seed(Seed(Constant { context: self.context }))?);
                self.context.leave();
                continue;
            }
            let position = match node {
                Some(position) => position,
                None => *node.insert(self.place()?),
            };
            let repeated = match &*key {
                "op" => op.is_some(),
                "name" => name.is_some(),
                "args" => args,
                _ => self.graph.nodes[position].attributes.contains_key(&*key),
            };
            if repeated {
                return Err(self.context.duplicate(&key));
            }
            match &*key {
                "op" => {
                    self.context.enter(Step::Key(key));
                    op = Some(object.next_value_seed(Seed(Text { context: self.context, expects: "an operator's name" }))?);
                    self.context.leave();
                }
                "name" => {
                    if !self.listed() {
                        self.context.fault_at("name", "an inline node has no name", Some("list it in `nodes` to name it".into()));
                    }
                    self.context.enter(Step::Key(key));
                    name = Some(object.next_value_seed(Seed(Text { context: self.context, expects: "a name" }))?);
                    self.context.leave();
                }
                "args" => {
                    args = true;
                    self.context.enter(Step::Key(key));
                    let seed = Args { context: self.context, tally: self.tally, graph: self.graph, parent: position };
                    self.graph.nodes[position].args = object.next_value_seed(Seed(seed))?;
                    self.context.leave();
                }
                _ => {
                    let word = key.clone().into_owned();
                    self.context.enter(Step::Key(key));
                    let value = object.next_value_seed(Seed(Value { context: self.context, tally: self.tally }))?;
                    self.graph.nodes[position].attributes.insert(word, value);
                    self.context.leave();
                }
            }
        }
        match (node, constant) {
            (None, Some(tensor)) => Ok(Some(Argument::Constant(Box::new(tensor)))),
            (Some(_), Some(_)) => {
                self.context.fault("`const` stands alone in its object", None);
                Ok(None)
            }
            (None, None) => {
                self.context.fault("a node needs an `op`", None);
                Ok(None)
            }
            (Some(position), None) => {
                match op {
                    // a name that the table has is not copied
                    Some(op) => {
                        let op = op.unwrap_or_default();
                        self.graph.nodes[position].op = spelling(&op).map_or_else(|| Cow::Owned(op.into_owned()), Cow::Borrowed);
                    }
                    None => self.context.fault("a node needs an `op`", None),
                }
                if let Some(name) = name {
                    self.graph.name(position, name.map_or_else(String::new, Cow::into_owned));
                }
                Ok(Some(Argument::Node(position)))
            }
        }
    }
}

struct Args<'c, 'l, 'de> {
    context: &'c mut Context<'de>,
    tally: &'c mut Tally<'l>,
    graph: &'c mut Growing,
    parent: usize,
}

impl<'de> Reader<'de> for Args<'_, '_, 'de> {
    type Value = SmallVec<[Argument; 2]>;
    reads!("a list of arguments", SmallVec::new());

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let Args { context, tally, graph, parent } = self;
        let mut args = SmallVec::new();
        each!(list, context, index => Expression {
            context: &mut *context, tally: &mut *tally, graph: &mut *graph,
            origin: Origin::Inline { parent: parent as u32, argument: index as u32 },
        }, argument => {
            // No limit of its own: so many arguments need more nodes than are allowed.
            one_more(context, &mut tally.args, "limits.nodes", tally.limits.nodes.saturating_mul(4))?;
            args.push(argument.unwrap_or(Argument::Number(f64::NAN)));
        });
        Ok(args)
    }
}

struct Constant<'c, 'de> {
    context: &'c mut Context<'de>,
}

impl<'de> Constant<'_, 'de> {
    fn read<F, E>(self, read: F) -> Result<Tensor, E>
    where
        F: FnOnce(Numbers<'_, 'de>) -> Result<(), E>,
    {
        let (mut form, mut data) = (tensor::Form::default(), Column::new());
        read(Numbers { context: self.context, form: &mut form, data: &mut data, depth: 0 })?;
        Ok(Tensor { shape: form.sizes, data: data.into_vec() })
    }
}

impl<'de> Reader<'de> for Constant<'_, 'de> {
    type Value = Tensor;
    reads!("a tensor", Tensor { shape: vec![0], data: Vec::new() });

    fn number(self, value: f64) -> Tensor {
        Tensor { shape: Vec::new(), data: vec![value] }
    }

    fn text(self, value: Cow<'de, str>) -> Tensor {
        match tensor::special(&value) {
            Some(number) => self.number(number),
            None => self.refuse("a string"),
        }
    }

    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<Tensor, A::Error> {
        self.read(|numbers| numbers.list(list))
    }
}

/// An attribute's value.
struct Value<'c, 'l, 'de> {
    context: &'c mut Context<'de>,
    tally: &'c mut Tally<'l>,
}

impl<'de> Reader<'de> for Value<'_, '_, 'de> {
    type Value = Attribute;
    reads!("a number, a string, a boolean, null or a list of these", Attribute::Null);

    fn null(self) -> Attribute {
        Attribute::Null
    }

    fn boolean(self, value: bool) -> Attribute {
        Attribute::Bool(value)
    }

    fn number(self, value: f64) -> Attribute {
        Attribute::Number(value)
    }

    fn text(self, value: Cow<'de, str>) -> Attribute {
        Attribute::Text(value.into_owned())
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Attribute, A::Error> {
        let Value { context, tally } = self;
        let mut values = Vec::new();
        each!(list, context, index => Value { context: &mut *context, tally: &mut *tally }, value => {
            one_more(context, &mut tally.attributes, "limits.elements", tally.limits.elements)?;
            values.push(value);
        });
        Ok(Attribute::List(values))
    }
}

struct Outputs<'c, 'l, 'de> {
    context: &'c mut Context<'de>,
    tally: &'c mut Tally<'l>,
    graph: &'c mut Growing,
}

impl<'de> Reader<'de> for Outputs<'_, '_, 'de> {
    type Value = ();
    reads!("a list of outputs", ());

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Outputs { context, tally, graph } = self;
        let mut count = 0;
        each!(list, context, index => OneOutput {
            context: &mut *context, tally: &mut *tally, graph: &mut *graph, position: index as u32,
        }, output => {
            one_more(context, &mut count, "limits.outputs", tally.limits.outputs)?;
            graph.outputs.extend(output);
        });
        Ok(())
    }
}

struct OneOutput<'c, 'l, 'de> {
    context: &'c mut Context<'de>,
    tally: &'c mut Tally<'l>,
    graph: &'c mut Growing,
    position: u32,
}

impl<'de> Reader<'de> for OneOutput<'_, '_, 'de> {
    type Value = Option<Output>;
    reads!("a name or {\"name\", \"value\"}", None);

    fn text(self, name: Cow<'de, str>) -> Option<Output> {
        let name = name.into_owned();
        Some(Output { value: Argument::Name(name.clone()), name })
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Option<Output>, A::Error> {
        let OneOutput { context, tally, graph, position } = self;
        let (mut name, mut value) = (None, None);
        while let Some(key) = object.next_key_seed(Key)? {
            let repeated = match &*key {
                "name" => name.is_some(),
                "value" => value.is_some(),
                _ => {
                    object.next_value::<IgnoredAny>()?;
                    context.unknown(&key, "an output", &["name", "value"]);
                    continue;
                }
            };
            if repeated {
                return Err(context.duplicate(&key));
            }
            let is_name = key == "name";
            context.enter(Step::Key(key));
            if is_name {
                name = Some(object.next_value_seed(Seed(Text { context: &mut *context, expects: "a name" }))?);
            } else {
                let origin = Origin::Output(position);
                let seed = Expression { context: &mut *context, tally: &mut *tally, graph: &mut *graph, origin };
                value = Some(object.next_value_seed(Seed(seed))?);
            }
            context.leave();
        }
        if name.is_none() {
            context.fault("an output needs a `name`", None);
        }
        if value.is_none() {
            context.fault("an output needs a `value`", Some("a bare string is the name of a node or an input".into()));
        }
        Ok(match (name.flatten(), value.flatten()) {
            (Some(name), Some(value)) => Some(Output { name: name.into_owned(), value }),
            _ => None,
        })
    }
}

struct Functions<'c, 'l, 'de> {
    context: &'c mut Context<'de>,
    tally: &'c mut Tally<'l>,
    graph: &'c mut Growing,
}

impl<'de> Reader<'de> for Functions<'_, '_, 'de> {
    type Value = ();
    reads!("an object of graphs", ());

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Functions { context, tally, graph } = self;
        while let Some(key) = object.next_key_seed(Key)? {
            one_more(context, &mut tally.functions, "limits.functions", tally.limits.functions)?;
            if graph.functions.contains_key(&*key) {
                return Err(context.duplicate(&key));
            }
            let name = key.clone().into_owned();
            context.enter(Step::Key(key));
            let function = object.next_value_seed(Seed(Whole { context: &mut *context, tally: &mut *tally }))?;
            context.leave();
            if let Entry::Vacant(entry) = graph.functions.entry(name) {
                entry.insert(function);
            }
        }
        Ok(())
    }
}

//! Names → positions, for each function of a graph once, however often it is called.
//!
//! Everything that does not need shapes is checked here: names, operators, arity, attributes, cycles, recursion. Every function is
//! looked at, called or not.

use std::collections::{BTreeSet, HashMap};
use std::fmt::{Display, Write};

use super::attributes::{Wrong, integer, typed};
use super::names::valid;
use super::table::Table;
use super::{Faults, Site};
use crate::engine::op::{self, AttributeKind, Attributes, Row};
use crate::service::decode::{push_key, special};
use crate::service::words::{SPELLING, meant, quote};
use crate::wire::graph::{Argument, Attribute, Graph, Origin, Tensor};
use crate::wire::problem::MOST_FAULTS;

/// What an argument or an output refers to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operand<'g> {
    Input(u32),
    Node(u32),
    Number(f64),
    Tensor(&'g Tensor),
    /// A fault that has been noted.
    Broken,
}

/// What a node does.
#[derive(Debug)]
pub(super) enum Action<'g> {
    Apply(&'static Row, Attributes),
    /// An operator with functions for some of its attributes.
    Structured(Box<Structured>),
    /// Call of the definition of that number.
    Call(usize),
    Item(Pick<'g>),
    /// A fault that has been noted.
    Broken,
}

/// An operator that takes functions: the attribute and the definition of each.
#[derive(Debug)]
pub(super) struct Structured {
    pub(super) row: &'static Row,
    pub(super) attributes: Attributes,
    pub(super) functions: Vec<(&'static str, usize)>,
}

/// Which result of a several-valued node.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pick<'g> {
    Position(i64),
    Name(&'g str),
}

/// A function with its names resolved.
#[derive(Debug)]
pub(super) struct Definition<'g> {
    pub(super) graph: &'g Graph,
    /// Where it stands in the body.
    pub(super) pointer: String,
    parent: Option<usize>,
    functions: HashMap<&'g str, usize>,
    pub(super) actions: Vec<Action<'g>>,
    operands: Vec<Operand<'g>>,
    /// Where each node's operands begin; one more at the end.
    starts: Vec<u32>,
    pub(super) outputs: Vec<Operand<'g>>,
    /// Nodes, arguments before users.
    pub(super) order: Vec<u32>,
}

impl<'g> Definition<'g> {
    fn new(graph: &'g Graph, pointer: String, parent: Option<usize>) -> Definition<'g> {
        let (functions, actions, operands) = (HashMap::new(), Vec::new(), Vec::new());
        Definition { graph, pointer, parent, functions, actions, operands, starts: vec![0], outputs: Vec::new(), order: Vec::new() }
    }

    pub(super) fn operands(&self, node: usize) -> &[Operand<'g>] {
        &self.operands[self.starts[node] as usize..self.starts[node + 1] as usize]
    }

    /// The definition whose outputs an operand is, if it is a call.
    pub(super) fn callee(&self, operand: Operand<'_>) -> Option<usize> {
        match operand {
            Operand::Node(node) => match self.actions[node as usize] {
                Action::Call(callee) => Some(callee),
                Action::Apply(..) | Action::Structured(_) | Action::Item(_) | Action::Broken => None,
            },
            _ => None,
        }
    }

    /// The node's name, or what else to call it.
    fn called(&self, node: usize) -> String {
        let node = &self.graph.nodes[node];
        node.name.as_deref().map_or_else(|| format!("an inline {}", quote(&node.op)), quote)
    }

    /// Where a part of a node stands, as `/args/0`; of a formula nothing but the text has a place.
    pub(super) fn part_pointer(&self, node: usize, part: impl Display, site: Site<'_>) -> String {
        let mut pointer = self.node_pointer(node);
        if site.text.is_none() {
            let _ = write!(pointer, "{part}");
        }
        pointer
    }

    /// Where a node stands: the way up from an inline one to a listed one, without recursion.
    pub(super) fn node_pointer(&self, node: usize) -> String {
        let mut way = Vec::new();
        let mut at = node;
        let mut pointer = loop {
            match self.graph.nodes.get(at).map(|node| node.origin) {
                Some(Origin::Inline { parent, argument }) if way.len() <= self.graph.nodes.len() => {
                    way.push(argument);
                    at = parent as usize;
                }
                Some(Origin::Listed(i)) => break format!("{}/nodes/{i}", self.pointer),
                Some(Origin::Output(i)) => break format!("{}/outputs/{i}/value", self.pointer),
                Some(Origin::Text(_) | Origin::Inline { .. }) | None => return self.pointer.clone(),
            }
        };
        for argument in way.iter().rev() {
            let _ = write!(pointer, "/args/{argument}");
        }
        pointer
    }
}

/// All functions of a graph; the first is the graph itself.
#[derive(Debug)]
pub(super) struct Definitions<'g> {
    pub(super) all: Vec<Definition<'g>>,
}

impl<'g> Definitions<'g> {
    /// Resolves every name.
    pub(super) fn resolve(graph: &'g Graph, site: Site<'g>, faults: &mut Faults) -> Definitions<'g> {
        let mut definitions = Definitions { all: vec![Definition::new(graph, site.pointer.to_owned(), None)] };
        let mut next = 0;
        while next < definitions.all.len() {
            for (name, function) in &definitions.all[next].graph.functions {
                let mut pointer = format!("{}/functions", definitions.all[next].pointer);
                push_key(&mut pointer, name);
                if !valid(name) {
                    faults.graph(|| misspelt(pointer.clone(), name));
                }
                let number = definitions.all.len();
                definitions.all.push(Definition::new(function, pointer, Some(next)));
                definitions.all[next].functions.insert(name, number);
            }
            next += 1;
        }
        for number in 0..definitions.all.len() {
            definitions.resolve_one(number, site, faults);
        }
        definitions.refuse_recursion(site, faults);
        definitions
    }

    fn resolve_one(&mut self, number: usize, site: Site<'g>, faults: &mut Faults) {
        let graph = self.all[number].graph;
        let names = Table::of(&self.all[number], site, faults);
        let mut operands = Vec::with_capacity(graph.nodes.len() * 2);
        let mut starts = Vec::with_capacity(graph.nodes.len() + 1);
        let mut actions = Vec::with_capacity(graph.nodes.len());
        starts.push(0);
        let scope = Scope { names: &names, number, definition: &self.all[number], site };
        for (position, node) in graph.nodes.iter().enumerate() {
            actions.push(self.action(&scope, position, faults));
            for (i, argument) in node.args.iter().enumerate() {
                operands.push(scope.operand(argument, faults, || {
                    (scope.definition.part_pointer(position, format_args!("/args/{i}"), site), Some(position))
                }));
            }
            starts.push(operands.len() as u32);
        }
        let output = |(i, output): (usize, &'g crate::wire::graph::Output)| {
            let bare = matches!(&output.value, Argument::Name(name) if *name == output.name);
            let place = if bare { "" } else { "/value" };
            let place =
                || if site.text.is_some() { site.pointer.to_owned() } else { format!("{}/outputs/{i}{place}", scope.definition.pointer) };
            scope.operand(&output.value, faults, || (place(), None))
        };
        let outputs = graph.outputs.iter().enumerate().map(output).collect();
        let definition = &mut self.all[number];
        (definition.actions, definition.operands, definition.starts, definition.outputs) = (actions, operands, starts, outputs);
        sort(definition, site, faults);
    }

    /// The function that a name means there: the nearest one outwards.
    fn lookup(&self, number: usize, name: &str) -> Option<usize> {
        self.scopes(number).find_map(|scope| scope.functions.get(name).copied())
    }

    fn scopes(&self, number: usize) -> impl Iterator<Item = &Definition<'g>> {
        std::iter::successors(Some(&self.all[number]), |definition| definition.parent.map(|parent| &self.all[parent]))
    }

    fn action(&self, scope: &Scope<'_, 'g>, position: usize, faults: &mut Faults) -> Action<'g> {
        let node = &scope.definition.graph.nodes[position];
        let Some(row) = op::find(&node.op) else {
            return scope
                .broken(faults, position, "/op", || (format!("there is no operator {}", quote(&node.op)), meant(&node.op, op::names())));
        };
        if !row.arity.admits(node.args.len()) {
            return scope.broken(faults, position, "", || (takes(row.name, &row.arity.words(), node.args.len()), None));
        }
        match row.name {
            "call" => self.call(scope, position, faults),
            "item" => item(scope, position, faults),
            _ if node.attributes.is_empty() && row.attributes.iter().all(|attribute| !attribute.required) => {
                Action::Apply(row, Attributes::none())
            }
            _ => match typed(row, &node.attributes) {
                Ok(attributes) if row.attributes.iter().any(|attribute| attribute.kind == AttributeKind::Function) => {
                    self.structured(scope, position, row, attributes, faults)
                }
                Ok(attributes) => Action::Apply(row, attributes),
                Err(wrong) => {
                    for Wrong { name, detail, hint } in wrong {
                        let mut place = String::new();
                        if !name.is_empty() {
                            push_key(&mut place, &name);
                        }
                        scope.broken(faults, position, &place, || (detail, hint));
                    }
                    Action::Broken
                }
            },
        }
    }

    fn call(&self, scope: &Scope<'_, 'g>, position: usize, faults: &mut Faults) -> Action<'g> {
        let node = &scope.definition.graph.nodes[position];
        only(scope, position, "function", faults);
        let Some(callee) = self.function(scope, position, "function", faults) else { return Action::Broken };
        let inputs = self.all[callee].graph.inputs.len();
        if inputs != node.args.len() {
            let name = self.all[callee].function_name();
            return scope.broken(faults, position, "/args", || (takes(&name, &inputs.to_string(), node.args.len()), None));
        }
        Action::Call(callee)
    }

    /// An operator that takes functions.
    fn structured(
        &self,
        scope: &Scope<'_, 'g>,
        position: usize,
        row: &'static Row,
        attributes: Attributes,
        faults: &mut Faults,
    ) -> Action<'g> {
        let given = &scope.definition.graph.nodes[position].attributes;
        let mut functions = Vec::new();
        for attribute in row.attributes.iter().filter(|attribute| attribute.kind == AttributeKind::Function) {
            if !attribute.required && matches!(given.get(attribute.name), None | Some(Attribute::Null)) {
                continue;
            }
            match self.function(scope, position, attribute.name, faults) {
                Some(callee) => functions.push((attribute.name, callee)),
                None => return Action::Broken,
            }
        }
        Action::Structured(Box::new(Structured { row, attributes, functions }))
    }

    /// The function that an attribute names.
    fn function(&self, scope: &Scope<'_, 'g>, position: usize, attribute: &'static str, faults: &mut Faults) -> Option<usize> {
        let node = &scope.definition.graph.nodes[position];
        let name = match node.attributes.get(attribute) {
            Some(Attribute::Text(name)) => name,
            given => {
                let (place, detail) = match given {
                    None | Some(Attribute::Null) => (String::new(), format!("{} needs the attribute `{attribute}`", node.op)),
                    Some(_) => (format!("/{attribute}"), format!("{}: `{attribute}` is a name", node.op)),
                };
                let hint = format!("`{attribute}` is the name of one of the graph's `functions`");
                scope.broken(faults, position, &place, || (detail, Some(hint)));
                return None;
            }
        };
        let found = self.lookup(scope.number, name);
        if found.is_none() {
            scope.broken(faults, position, &format!("/{attribute}"), || {
                let hint = meant(name, self.scopes(scope.number).flat_map(|scope| scope.graph.functions.keys().map(String::as_str)));
                (format!("there is no function {}", quote(name)), hint)
            });
        }
        found
    }

    /// The definitions that are bodies of operators, each behind those that it uses itself.
    pub(super) fn bodies(&self) -> Vec<usize> {
        let uses: Vec<Vec<usize>> =
            self.all.iter().map(|definition| definition.calls().into_iter().map(|(_, callee)| callee).collect()).collect();
        let mut is_body = vec![false; self.all.len()];
        for action in self.all.iter().flat_map(|definition| &definition.actions) {
            if let Action::Structured(structured) = action {
                structured.functions.iter().for_each(|(_, callee)| is_body[*callee] = true);
            }
        }
        let mut state = vec![Mark::New; self.all.len()];
        let (mut order, mut stack) = (Vec::new(), Vec::new());
        for root in (0..self.all.len()).filter(|&number| is_body[number]) {
            if state[root] == Mark::New {
                state[root] = Mark::Open;
                stack.push((root, 0));
            }
            while let Some((number, next)) = stack.last_mut() {
                let number = *number;
                let Some(&callee) = uses[number].get(*next) else {
                    state[number] = Mark::Done;
                    if is_body[number] {
                        order.push(number);
                    }
                    stack.pop();
                    continue;
                };
                *next += 1;
                if state[callee] == Mark::New {
                    state[callee] = Mark::Open;
                    stack.push((callee, 0));
                }
            }
        }
        order
    }

    /// Notes a fault for each cycle of calls, and breaks it.
    fn refuse_recursion(&mut self, site: Site<'g>, faults: &mut Faults) {
        let calls: Vec<Vec<(usize, usize)>> = self.all.iter().map(Definition::calls).collect();
        let callees: Vec<Vec<usize>> =
            calls.iter().map(|calls| calls.iter().map(|(_, callee)| *callee).collect::<BTreeSet<_>>().into_iter().collect()).collect();
        for Cycle { from, to, members } in cycles(&callees) {
            let names: Vec<String> = members.iter().chain(members.first()).map(|&number| self.all[number].function_name()).collect();
            for &(node, _) in calls[from].iter().filter(|(_, callee)| *callee == to) {
                let definition = &mut self.all[from];
                faults.graph(|| {
                    let detail = format!("functions call each other in a circle: {}", names.join(" → "));
                    (format!("{}/function", definition.node_pointer(node)), site.located(definition.graph, Some(node), detail), None)
                });
                definition.actions[node] = Action::Broken;
            }
        }
    }
}

fn takes(name: &str, words: &str, given: usize) -> String {
    format!("{name} takes {words} {}, {given} given", if words == "1" { "argument" } else { "arguments" })
}

impl Definition<'_> {
    /// The functions that it uses: node and callee.
    fn calls(&self) -> Vec<(usize, usize)> {
        let call = |(node, action): (usize, &Action<'_>)| -> Vec<(usize, usize)> {
            match action {
                Action::Call(callee) => vec![(node, *callee)],
                Action::Structured(structured) => structured.functions.iter().map(|(_, callee)| (node, *callee)).collect(),
                _ => Vec::new(),
            }
        };
        self.actions.iter().enumerate().flat_map(call).collect()
    }

    fn function_name(&self) -> String {
        quote(self.pointer.rsplit('/').next().unwrap_or_default())
    }
}

/// A fault: the name is not spelt as names are.
pub(super) fn misspelt(pointer: String, name: &str) -> (String, String, Option<String>) {
    (pointer, format!("{} is not a name", quote(name)), Some(SPELLING.into()))
}

/// What a function's arguments are looked up in.
struct Scope<'s, 'g> {
    names: &'s Table<'g>,
    number: usize,
    definition: &'s Definition<'g>,
    site: Site<'g>,
}

impl<'g> Scope<'_, 'g> {
    fn operand(&self, argument: &'g Argument, faults: &mut Faults, place: impl Fn() -> (String, Option<usize>)) -> Operand<'g> {
        let graph = self.definition.graph;
        match argument {
            Argument::Number(value) => Operand::Number(*value),
            Argument::Constant(tensor) => Operand::Tensor(tensor),
            Argument::Node(node) if *node < graph.nodes.len() => Operand::Node(*node as u32),
            Argument::Node(_) => Operand::Broken,
            Argument::Name(name) => self.names.get(name).or_else(|| special(name).map(Operand::Number)).unwrap_or_else(|| {
                faults.graph(|| {
                    let (pointer, node) = place();
                    let pointer = if self.site.text.is_some() { self.site.pointer.to_owned() } else { pointer };
                    let inputs = graph.inputs.iter().map(|input| &*input.name);
                    let hint = meant(name, inputs.chain(graph.nodes.iter().filter_map(|node| node.name.as_deref())));
                    (pointer, self.site.located(graph, node, format!("there is no input or node {}", quote(name))), hint)
                });
                Operand::Broken
            }),
        }
    }

    fn broken(&self, faults: &mut Faults, node: usize, place: &str, say: impl FnOnce() -> (String, Option<String>)) -> Action<'g> {
        faults.graph(|| {
            let (detail, hint) = say();
            let pointer = self.definition.part_pointer(node, place, self.site);
            (pointer, self.site.located(self.definition.graph, Some(node), detail), hint)
        });
        Action::Broken
    }
}

/// Refuses attributes other than the one.
fn only(scope: &Scope<'_, '_>, position: usize, attribute: &'static str, faults: &mut Faults) {
    let node = &scope.definition.graph.nodes[position];
    for name in node.attributes.keys().filter(|name| *name != attribute) {
        let mut place = String::new();
        push_key(&mut place, name);
        let detail = || (format!("{} has no attribute {}", node.op, quote(name)), meant(name, [attribute]));
        scope.broken(faults, position, &place, detail);
    }
}

fn item<'g>(scope: &Scope<'_, 'g>, position: usize, faults: &mut Faults) -> Action<'g> {
    only(scope, position, "index", faults);
    let index = scope.definition.graph.nodes[position].attributes.get("index");
    if let Some(Attribute::Text(name)) = index {
        return Action::Item(Pick::Name(name));
    }
    if let Some(position) = index.and_then(integer) {
        return Action::Item(Pick::Position(position));
    }
    let hint = "`index` is the position (from 0) or the name of a result";
    let detail = "item needs the attribute `index`, an integer or a name";
    scope.broken(faults, position, if index.is_some() { "/index" } else { "" }, || (detail.into(), Some(hint.into())))
}

/// Sorts a function's nodes so that arguments come before users; a cycle is noted and broken.
fn sort(definition: &mut Definition<'_>, site: Site<'_>, faults: &mut Faults) {
    let count = definition.actions.len();
    let mut state = vec![Mark::New; count];
    let mut order = Vec::with_capacity(count);
    let mut stack: Vec<(u32, u32)> = Vec::new();
    let mut broken = Vec::new();
    for root in 0..count {
        if state[root] != Mark::New {
            continue;
        }
        state[root] = Mark::Open;
        stack.push((root as u32, 0));
        while let Some((node, next)) = stack.last_mut() {
            let (user, argument) = (*node as usize, *next as usize);
            *next += 1;
            match definition.operands(user).get(argument) {
                Some(Operand::Node(child)) => match state[*child as usize] {
                    Mark::New => {
                        state[*child as usize] = Mark::Open;
                        stack.push((*child, 0));
                    }
                    Mark::Open => {
                        faults.graph(|| cycle(definition, site, &stack, *child, argument));
                        broken.push(definition.starts[user] as usize + argument);
                    }
                    Mark::Done => {}
                },
                Some(_) => {}
                None => {
                    state[user] = Mark::Done;
                    order.push(user as u32);
                    stack.pop();
                }
            }
        }
    }
    for operand in broken {
        definition.operands[operand] = Operand::Broken;
    }
    definition.order = order;
}

/// How far a depth-first walk has come with a vertex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

/// The fault of a cycle that the last node of the stack closes by using `child`.
fn cycle(
    definition: &Definition<'_>,
    site: Site<'_>,
    stack: &[(u32, u32)],
    child: u32,
    argument: usize,
) -> (String, String, Option<String>) {
    const MOST: usize = 8;
    let begin = stack.iter().position(|(node, _)| *node == child).unwrap_or(0);
    let mut names: Vec<String> = stack[begin..].iter().take(MOST).map(|(node, _)| definition.called(*node as usize)).collect();
    if stack.len() - begin > MOST {
        names.push("…".into());
    }
    names.push(definition.called(child as usize));
    let user = stack.last().map_or(child, |(node, _)| *node) as usize;
    let detail = format!("a cycle: {} (each uses the next)", names.join(" → "));
    (definition.part_pointer(user, format_args!("/args/{argument}"), site), site.located(definition.graph, Some(user), detail), None)
}

/// An edge that closes a cycle; the members are only listed while there is room for faults.
struct Cycle {
    from: usize,
    to: usize,
    members: Vec<usize>,
}

/// The cycles that a depth-first walk closes.
fn cycles(edges: &[Vec<usize>]) -> Vec<Cycle> {
    let mut state = vec![Mark::New; edges.len()];
    let mut found: Vec<Cycle> = Vec::new();
    let mut stack: Vec<(usize, usize)> = Vec::new();
    for root in 0..edges.len() {
        if state[root] == Mark::New {
            state[root] = Mark::Open;
            stack.push((root, 0));
        }
        while let Some((from, next)) = stack.last_mut() {
            let from = *from;
            let Some(&to) = edges[from].get(*next) else {
                state[from] = Mark::Done;
                stack.pop();
                continue;
            };
            *next += 1;
            match state[to] {
                Mark::New => {
                    state[to] = Mark::Open;
                    stack.push((to, 0));
                }
                Mark::Open if found.len() < MOST_FAULTS => {
                    let begin = stack.iter().position(|(node, _)| *node == to).unwrap_or(0);
                    found.push(Cycle { from, to, members: stack[begin..].iter().map(|(node, _)| *node).collect() });
                }
                Mark::Open => found.push(Cycle { from, to, members: Vec::new() }),
                Mark::Done => {}
            }
        }
    }
    found
}

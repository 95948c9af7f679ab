//! Wire graph → formula: text that parses back to the same graph, given the graph's inputs and the names of its outputs.
//!
//! Named nodes are definitions, one a line, arguments first; unnamed ones stand where they are used, in as few brackets as the
//! grammar allows. What the formula has no way to write – local functions, names that are no identifiers, a tensor whose shape no
//! list says – is `None`, never something near it.

use std::f64::consts::{E, PI};

use super::{Options, is_name};
use crate::engine::op;
use crate::notation::outline::Outline;
use crate::notation::tensor::{self, Piece};
use crate::wire::graph::{Argument, Attribute, Graph, Node, Tensor};

/// How tightly something holds together, from the loosest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Comparison,
    Sum,
    Product,
    Sign,
    Power,
    Atom,
}

/// How a node is written.
enum Form {
    Infix { symbol: &'static str, level: Level },
    Sign,
    Subscript(String),
    List,
    Call(&'static str),
}

impl Form {
    fn level(&self) -> Level {
        match self {
            Form::Infix { level, .. } => *level,
            Form::Sign => Level::Sign,
            Form::Subscript(_) | Form::List | Form::Call(_) => Level::Atom,
        }
    }
}

/// What is still to be written.
enum Pending<'g> {
    Text(&'static str),
    Owned(String),
    Value(&'g Argument, Level),
}

struct Printer<'g> {
    graph: &'g Graph,
    outline: Outline<'g>,
    /// How each node is written; `None` for nodes that nothing needs.
    forms: Vec<Option<Form>>,
    /// The depth of brackets.
    deepest: usize,
    out: String,
}

/// The graph as a formula, if it can be written as one, that [`super::parse`] reads with its default options.
pub fn print(graph: &Graph) -> Option<String> {
    print_within(graph, Options::default().nesting)
}

/// The same where brackets may stand so deep in one another.
pub fn print_within(graph: &Graph, nesting: usize) -> Option<String> {
    let outline = Outline::of(graph);
    let inputs = graph.inputs.iter().map(|input| &input.name);
    let named =
        inputs.chain(graph.nodes.iter().filter_map(|node| node.name.as_ref())).chain(graph.outputs.iter().map(|output| &output.name));
    if !outline.sound || !graph.functions.is_empty() || !named.into_iter().all(|name| is_name(name)) {
        return None;
    }
    let mut forms: Vec<Option<Form>> = graph.nodes.iter().map(|_| None).collect();
    for &node in &outline.order {
        forms[node] = Some(form(&graph.nodes[node])?);
    }
    // deeper ones are broken up with a definition, well before that
    let deepest = nesting - nesting / 4;
    let mut printer = Printer { graph, outline, forms, deepest, out: String::new() };
    printer.limit_nesting();
    printer.write()?;
    (!printer.out.is_empty()).then_some(printer.out)
}

/// How a node is written; `None` for an operator that the parser does not know.
fn form(node: &Node) -> Option<Form> {
    let op = op::find(&node.op)?.name;
    let plain = node.attributes.is_empty();
    let (count, infix) = (node.args.len(), |symbol, level| Some(Form::Infix { symbol, level }));
    match op {
        "add" if plain && count > 1 => return infix(" + ", Level::Sum),
        "subtract" if plain && count == 2 => return infix(" - ", Level::Sum),
        "multiply" if plain && count > 1 => return infix(" * ", Level::Product),
        "divide" if plain && count == 2 => return infix(" / ", Level::Product),
        "matmul" if plain && count == 2 => return infix(" @ ", Level::Product),
        "pow" if plain && count == 2 => return infix("^", Level::Power),
        "less" if plain && count == 2 => return infix(" < ", Level::Comparison),
        "less_equal" if plain && count == 2 => return infix(" <= ", Level::Comparison),
        "greater" if plain && count == 2 => return infix(" > ", Level::Comparison),
        "greater_equal" if plain && count == 2 => return infix(" >= ", Level::Comparison),
        "equal" if plain && count == 2 => return infix(" == ", Level::Comparison),
        "not_equal" if plain && count == 2 => return infix(" != ", Level::Comparison),
        // a sign before a number would become part of it
        "negative" if plain && count == 1 && !matches!(node.args[0], Argument::Number(_)) => return Some(Form::Sign),
        "index" | "slice" if count == 1 => {
            if let Some(subscript) = subscript(op, node) {
                return Some(Form::Subscript(subscript));
            }
        }
        "stack" if only_axis_0(node) && node.args.iter().any(|arg| matches!(arg, Argument::Name(_) | Argument::Node(_))) => {
            return Some(Form::List);
        }
        _ => {}
    }
    node.attributes.keys().all(|name| is_name(name)).then_some(Form::Call(op))
}

fn only_axis_0(node: &Node) -> bool {
    node.attributes.len() == 1 && node.attributes.get("axis") == Some(&Attribute::Number(0.0))
}

/// The subscript that is lowered to exactly this `index` or `slice`.
pub(in crate::notation) fn subscript(op: &str, node: &Node) -> Option<String> {
    let list = |name: &str| match node.attributes.get(name) {
        Some(Attribute::List(items)) if !items.is_empty() => items.iter().map(bound).collect::<Option<Vec<String>>>(),
        Some(_) | None => None,
    };
    let parts = if op == "index" {
        let at = list("at").filter(|at| node.attributes.len() == 1 && at.iter().all(|at| !at.is_empty()))?;
        return Some(format!("[{}]", at.join(", ")));
    } else {
        ["start", "stop", "step"].map(list)
    };
    let [start, stop, step] = parts;
    let start = start?;
    let axes = start.len();
    let mut known = 1;
    for part in [&stop, &step].into_iter().flatten() {
        known += 1;
        if part.len() != axes || part.iter().all(String::is_empty) {
            return None;
        }
    }
    if node.attributes.len() != known {
        return None;
    }
    let ranges: Vec<String> = (0..axes)
        .map(|axis| {
            let stop = stop.as_ref().map_or("", |stop| stop[axis].as_str());
            match step.as_ref().map_or("", |step| step[axis].as_str()) {
                "" => format!("{}:{stop}", start[axis]),
                step => format!("{}:{stop}:{step}", start[axis]),
            }
        })
        .collect();
    Some(format!("[{}]", ranges.join(", ")))
}

/// A bound as a subscript writes it: nothing for null.
fn bound(attribute: &Attribute) -> Option<String> {
    match attribute {
        Attribute::Null => Some(String::new()),
        Attribute::Number(value) if value.fract() == 0.0 && value.abs() < 9e15 && value.to_bits() != (-0.0_f64).to_bits() => {
            Some(format!("{value:.0}"))
        }
        Attribute::Number(_) | Attribute::Bool(_) | Attribute::Text(_) | Attribute::List(_) => None,
    }
}

impl<'g> Printer<'g> {
    /// The form of the node that stands where `argument` does.
    fn inline(&self, argument: &Argument) -> Option<(usize, &Form)> {
        let node = self.outline.inline(argument)?;
        Some((node, self.forms[node].as_ref()?))
    }

    /// The loosest level that may stand as argument `position` without brackets.
    fn least(&self, form: &Form, position: usize, argument: &Argument) -> Level {
        let Form::Infix { symbol, level } = form else {
            return if matches!(form, Form::Sign) {
                Level::Sign
            } else if matches!(form, Form::Subscript(_)) {
                Level::Atom
            } else {
                Level::Comparison
            };
        };
        // an n-ary operator takes up a first argument of its own kind unless brackets close it
        let same = matches!(self.inline(argument), Some((_, Form::Infix { symbol: inner, .. })) if inner == symbol);
        let merges = same && matches!(*symbol, " + " | " * ");
        match level {
            Level::Comparison => Level::Sum,
            Level::Sum if position == 0 && !merges => Level::Sum,
            Level::Sum => Level::Product,
            Level::Product if position == 0 && !merges => Level::Product,
            Level::Product => Level::Sign,
            Level::Power if position == 0 => Level::Atom,
            Level::Power | Level::Sign | Level::Atom => Level::Sign,
        }
    }

    /// Names the nodes at which brackets would be nested too deep.
    fn limit_nesting(&mut self) {
        let graph = self.graph;
        let mut depths = vec![0_usize; graph.nodes.len()];
        for position in 0..self.outline.order.len() {
            let node = self.outline.order[position];
            let Some(form) = self.forms[node].take() else { continue };
            let own = usize::from(matches!(form, Form::List | Form::Call(_)));
            for (position, argument) in graph.nodes[node].args.iter().enumerate() {
                let inner = match argument {
                    Argument::Constant(tensor) => tensor.shape.len(),
                    Argument::Name(_) | Argument::Number(_) => 1,
                    Argument::Node(_) => {
                        let least = self.least(&form, position, argument);
                        let Some((inner, inner_form)) = self.inline(argument) else { continue };
                        let depth = depths[inner] + usize::from(inner_form.level() < least);
                        if depth + own > self.deepest {
                            self.outline.name_freshly(inner);
                        }
                        if self.outline.names[inner].is_some() { 0 } else { depth }
                    }
                };
                depths[node] = depths[node].max(inner + own);
            }
            self.forms[node] = Some(form);
        }
    }

    fn write(&mut self) -> Option<()> {
        for position in 0..self.outline.order.len() {
            let node = self.outline.order[position];
            if let Some(name) = &self.outline.names[node] {
                self.out.push_str(name);
                self.out.push_str(" = ");
                self.definition(node)?;
                self.out.push('\n');
            }
        }
        let aliases = std::mem::take(&mut self.outline.aliases);
        for (name, value) in aliases {
            self.out.push_str(name);
            self.out.push_str(" = ");
            self.expression(vec![Pending::Value(value, Level::Comparison)])?;
            self.out.push('\n');
        }
        if let Some(value) = self.outline.bare {
            self.expression(vec![Pending::Value(value, Level::Comparison)])?;
        } else if self.out.ends_with('\n') {
            self.out.pop();
        }
        Some(())
    }

    /// The right-hand side of a definition.
    fn definition(&mut self, node: usize) -> Option<()> {
        let Node { args, attributes, .. } = &self.graph.nodes[node];
        // what the parser makes of a vector literal with a name
        if let (Some(Form::Call("reshape")), [Argument::Constant(tensor)], Some(Attribute::List(sizes))) =
            (&self.forms[node], args.as_slice(), attributes.get("shape"))
            && attributes.len() == 1
            && !tensor.shape.is_empty()
            && sizes.iter().eq(&tensor.shape.iter().map(|&size| Attribute::Number(size as f64)).collect::<Vec<_>>())
        {
            return self.tensor(tensor);
        }
        let mut pending = Vec::new();
        self.expand(node, &mut pending)?;
        self.expression(pending)
    }

    /// Writes what is pending, the last first.
    fn expression(&mut self, mut pending: Vec<Pending<'g>>) -> Option<()> {
        while let Some(next) = pending.pop() {
            match next {
                Pending::Text(text) => self.out.push_str(text),
                Pending::Owned(text) => self.out.push_str(&text),
                Pending::Value(Argument::Number(value), least) => self.number(*value, least)?,
                Pending::Value(Argument::Constant(tensor), least) => match (tensor.shape.as_slice(), tensor.data.as_slice()) {
                    ([], [value]) => self.number(*value, least)?,
                    _ => self.tensor(tensor)?,
                },
                Pending::Value(argument @ (Argument::Name(_) | Argument::Node(_)), least) => {
                    if let Some((node, form)) = self.inline(argument) {
                        let bracketed = form.level() < least;
                        if bracketed {
                            self.out.push('(');
                            pending.push(Pending::Text(")"));
                        }
                        self.expand(node, &mut pending)?;
                    } else if let Argument::Name(name) = argument {
                        self.out.push_str(name);
                    } else {
                        let name = self.outline.node(argument).and_then(|node| self.outline.names[node].as_ref())?;
                        self.out.push_str(name);
                    }
                }
            }
        }
        Some(())
    }

    /// Puts the parts of a node on the stack, its first on top.
    fn expand(&self, node: usize, pending: &mut Vec<Pending<'g>>) -> Option<()> {
        let form = self.forms[node].as_ref()?;
        let Node { args, attributes, .. } = &self.graph.nodes[node];
        let (before, between, after) = match form {
            Form::Infix { symbol, .. } => (String::new(), *symbol, String::new()),
            Form::Sign => ("-".into(), "", String::new()),
            Form::Subscript(subscript) => (String::new(), "", subscript.clone()),
            Form::List => ("[".into(), ", ", "]".into()),
            Form::Call(name) => {
                let mut after = String::new();
                for (position, (name, value)) in attributes.iter().enumerate() {
                    let comma = if position > 0 || !args.is_empty() { ", " } else { "" };
                    after.push_str(comma);
                    after.push_str(name);
                    after.push('=');
                    literal(value, &mut after)?;
                }
                after.push(')');
                (format!("{name}("), ", ", after)
            }
        };
        pending.push(Pending::Owned(after));
        for (position, argument) in args.iter().enumerate().rev() {
            pending.push(Pending::Value(argument, self.least(form, position, argument)));
            if position > 0 {
                pending.push(Pending::Text(between));
            }
        }
        pending.push(Pending::Owned(before));
        Some(())
    }

    fn number(&mut self, value: f64, least: Level) -> Option<()> {
        let shown = self.numeral(value)?;
        if value.is_sign_negative() && least > Level::Sign {
            self.out.push_str(&format!("(-{shown})"));
        } else if value.is_sign_negative() {
            self.out.push_str(&format!("-{shown}"));
        } else {
            self.out.push_str(&shown);
        }
        Some(())
    }

    /// A number without its sign; by name where it has one that nothing else uses.
    fn numeral(&self, value: f64) -> Option<String> {
        let names: &[&str] = if value.is_nan() {
            &["nan"]
        } else if value.is_infinite() {
            &["inf", "infinity"]
        } else if value.abs() == PI {
            &["pi"]
        } else if value.abs() == E {
            &["e"]
        } else {
            &[]
        };
        match names.iter().find(|name| !self.outline.is_taken(name)) {
            Some(name) => Some((*name).to_owned()),
            None => value.is_finite().then(|| digits(value.abs())),
        }
    }

    fn tensor(&mut self, tensor: &Tensor) -> Option<()> {
        for piece in tensor::pieces(tensor)? {
            match piece {
                Piece::Open => self.out.push('['),
                Piece::Close => self.out.push(']'),
                Piece::Comma => self.out.push_str(", "),
                Piece::Element(element) => self.number(tensor.data[element], Level::Comparison)?,
            }
        }
        Some(())
    }
}

/// The shortest decimal that reads back to the same finite number.
fn digits(value: f64) -> String {
    let mut buffer = zmij::Buffer::new();
    let shown = buffer.format_finite(value);
    shown.strip_suffix(".0").unwrap_or(shown).to_owned()
}

/// An attribute's value as the parser reads it.
fn literal(attribute: &Attribute, out: &mut String) -> Option<()> {
    enum Part<'a> {
        Value(&'a Attribute),
        Text(&'static str),
    }
    let mut pending = vec![Part::Value(attribute)];
    while let Some(part) = pending.pop() {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Value(Attribute::Null) => out.push_str("null"),
            Part::Value(Attribute::Bool(value)) => out.push_str(if *value { "true" } else { "false" }),
            Part::Value(Attribute::Number(value)) => {
                if value.is_sign_negative() {
                    out.push('-');
                }
                if value.is_nan() {
                    out.push_str("nan");
                } else if value.is_infinite() {
                    out.push_str("inf");
                } else {
                    out.push_str(&digits(value.abs()));
                }
            }
            Part::Value(Attribute::Text(text)) => {
                let quote = ['"', '\''].into_iter().find(|&quote| !text.contains([quote, '\n']))?;
                out.push(quote);
                out.push_str(text);
                out.push(quote);
            }
            Part::Value(Attribute::List(items)) => {
                out.push('[');
                pending.push(Part::Text("]"));
                for (position, item) in items.iter().enumerate().rev() {
                    pending.push(Part::Value(item));
                    if position > 0 {
                        pending.push(Part::Text(", "));
                    }
                }
            }
        }
    }
    Some(())
}

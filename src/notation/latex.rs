//! Wire graph → LaTeX for people to read: fractions, roots, powers, cases, and `\operatorname` for whatever has no sign of its own.
//!
//! Never a way back: `chain_multiply` looks like a product and `nonnegative(x)` like x, because that is what they mean to a reader.
//! Any graph gives some text, an unsound one too. One statement is an expression, several are lines of `aligned`.

mod form;
mod names;

use form::Level;

use super::formula::subscript;
use super::outline::Outline;
use crate::engine::op;
use crate::wire::graph::{Argument, Attribute, Graph, Node, Tensor};

/// The most elements of a constant that are shown.
const MOST_SHOWN: usize = 64;

/// How a node is set.
enum Form {
    Template(&'static str, Level),
    Sum,
    Product,
    /// As its first argument.
    Transparent,
    Column,
    Subscript(String),
    Call(String),
}

impl Form {
    fn level(&self) -> Level {
        match self {
            Form::Template(_, level) => *level,
            Form::Sum => Level::Sum,
            Form::Product => Level::Product,
            Form::Transparent | Form::Column | Form::Subscript(_) | Form::Call(_) => Level::Atom,
        }
    }
}

/// What is still to be written.
enum Pending<'g> {
    Text(&'static str),
    Owned(String),
    Value(&'g Argument, Level),
    /// A number without its sign.
    Magnitude(f64, Level),
}

struct Printer<'g> {
    graph: &'g Graph,
    outline: Outline<'g>,
    out: String,
}

/// The graph as LaTeX, for math mode.
pub fn print(graph: &Graph) -> String {
    let outline = Outline::of(graph);
    let mut printer = Printer { graph, outline, out: String::new() };
    printer.write();
    printer.out
}

fn form(node: &Node) -> Form {
    let op = op::find(&node.op).map_or(&*node.op, |row| row.name);
    let (count, plain) = (node.args.len(), node.attributes.is_empty());
    match op {
        "add" if plain && count > 1 => return Form::Sum,
        "subtract" if plain && count == 2 => return Form::Sum,
        "multiply" | "chain_multiply" if plain && count > 1 => return Form::Product,
        "nonnegative" if plain && count == 1 => return Form::Transparent,
        "index" | "slice" if count == 1 => {
            if let Some(subscript) = subscript(op, node) {
                return Form::Subscript(format!(r"\left{}\right]", subscript.trim_end_matches(']').replace(':', "{:}")));
            }
        }
        "stack" if count > 0 && node.attributes.iter().all(|(name, value)| name == "axis" && *value == Attribute::Number(0.0)) => {
            return Form::Column;
        }
        "call" => {
            if let Some(Attribute::Text(function)) = node.attributes.get("function") {
                return Form::Call(format!(r"\operatorname{{{}}}", names::escape(function)));
            }
        }
        _ => {}
    }
    match form::template(op) {
        Some((template, arity, level)) if plain && arity == count => Form::Template(template, level),
        Some(_) | None => {
            let name = form::function(op).map_or_else(|| format!(r"\operatorname{{{}}}", names::escape(op)), str::to_owned);
            Form::Call(name)
        }
    }
}

impl<'g> Printer<'g> {
    fn write(&mut self) {
        let order = std::mem::take(&mut self.outline.order);
        let aliases = std::mem::take(&mut self.outline.aliases);
        let mut lines = Vec::new();
        for &node in &order {
            if let Some(name) = self.outline.names[node].clone() {
                let mut pending = Vec::new();
                self.expand(node, Level::Logic, &mut pending);
                lines.push((Some(name), self.expression(pending)));
            }
        }
        for (name, value) in aliases {
            lines.push((Some(name.to_owned()), self.expression(vec![Pending::Value(value, Level::Logic)])));
        }
        if let Some(value) = self.outline.bare {
            lines.push((None, self.expression(vec![Pending::Value(value, Level::Logic)])));
        }
        if lines.is_empty() {
            // nothing is computed: the outputs are inputs
            for output in &self.graph.outputs {
                lines.push((None, self.name(&output.name)));
            }
        }
        if let [(name, value)] = lines.as_slice() {
            let name = name.as_ref().map_or_else(String::new, |name| format!("{} = ", self.name(name)));
            self.out = format!("{name}{value}");
            return;
        }
        self.out.push_str("\\begin{aligned}\n");
        for (position, (name, value)) in lines.iter().enumerate() {
            let name = self.name(name.as_deref().unwrap_or("f"));
            let end = if position + 1 < lines.len() { " \\\\" } else { "" };
            self.out.push_str(&format!("{name} &= {value}{end}\n"));
        }
        self.out.push_str("\\end{aligned}");
    }

    fn name(&self, name: &str) -> String {
        names::name(name, |name| self.outline.is_input(name))
    }

    /// Sets what is pending, the last first.
    fn expression(&self, mut pending: Vec<Pending<'g>>) -> String {
        let mut out = String::new();
        while let Some(next) = pending.pop() {
            match next {
                Pending::Text(text) => out.push_str(text),
                Pending::Owned(text) => out.push_str(&text),
                Pending::Magnitude(value, least) => self.number(value.abs(), least, &mut out),
                Pending::Value(Argument::Number(value), least) => self.number(*value, least, &mut out),
                Pending::Value(Argument::Constant(tensor), _) => self.tensor(tensor, &mut out),
                Pending::Value(argument @ (Argument::Name(_) | Argument::Node(_)), least) => {
                    if let Some(node) = self.outline.inline(argument) {
                        self.expand(node, least, &mut pending);
                    } else if let Argument::Name(name) = argument {
                        out.push_str(&self.name(name));
                    } else {
                        let name = self.outline.node(argument).and_then(|node| self.outline.names[node].as_ref());
                        out.push_str(&name.map_or_else(|| "?".into(), |name| self.name(name)));
                    }
                }
            }
        }
        out
    }

    /// Puts the parts of a node on the stack, its first on top, in brackets where the place wants something tighter.
    fn expand(&self, node: usize, least: Level, pending: &mut Vec<Pending<'g>>) {
        let node = &self.graph.nodes[node];
        let form = form(node);
        let bracketed = form.level() < least;
        let mut parts = Vec::new();
        if bracketed {
            parts.push(Pending::Text(r"\left("));
        }
        match form {
            Form::Template(template, _) => fill(template, &node.args, &mut parts),
            Form::Sum => self.sum(node, &mut parts),
            Form::Product => self.product(node, &mut parts),
            Form::Transparent => parts.push(Pending::Value(&node.args[0], least)),
            Form::Column => {
                parts.push(Pending::Text(r"\begin{bmatrix} "));
                separate(&node.args, r" \\ ", &mut parts);
                parts.push(Pending::Text(r" \end{bmatrix}"));
            }
            Form::Subscript(subscript) => {
                parts.push(Pending::Value(&node.args[0], Level::Atom));
                parts.push(Pending::Owned(subscript));
            }
            Form::Call(name) => {
                parts.push(Pending::Owned(format!(r"{name}\left(")));
                separate(&node.args, ", ", &mut parts);
                let shown = node.attributes.iter().filter(|(name, _)| node.op != "call" || *name != "function");
                for (position, (name, value)) in shown.enumerate() {
                    let comma = if position > 0 || !node.args.is_empty() { r",\ " } else { "" };
                    parts.push(Pending::Owned(format!("{comma}{} = {}", names::upright(name), literal(value))));
                }
                parts.push(Pending::Text(r"\right)"));
            }
        }
        if bracketed {
            parts.push(Pending::Text(r"\right)"));
        }
        pending.extend(parts.into_iter().rev());
    }

    /// Terms of a sum; those that are negative are taken away instead.
    fn sum(&self, node: &'g Node, parts: &mut Vec<Pending<'g>>) {
        let subtracts = op::find(&node.op).is_some_and(|row| row.name == "subtract");
        for (position, argument) in node.args.iter().enumerate() {
            if position == 0 {
                parts.push(Pending::Value(argument, Level::Sum));
                continue;
            }
            if subtracts {
                parts.extend([Pending::Text(" - "), Pending::Value(argument, Level::Product)]);
                continue;
            }
            let negated = self.outline.inline(argument).map(|node| &self.graph.nodes[node]);
            match (argument, negated) {
                (Argument::Number(value), _) if *value < 0.0 => {
                    parts.extend([Pending::Text(" - "), Pending::Magnitude(*value, Level::Product)]);
                }
                (_, Some(Node { op, args, attributes, .. }))
                    if args.len() == 1 && attributes.is_empty() && op::find(op).is_some_and(|row| row.name == "negative") =>
                {
                    parts.extend([Pending::Text(" - "), Pending::Value(&args[0], Level::Product)]);
                }
                _ => parts.extend([Pending::Text(" + "), Pending::Value(argument, Level::Product)]),
            }
        }
    }

    /// Factors of a product: a dot between them, but none between a number and what cannot be taken for more digits.
    fn product(&self, node: &'g Node, parts: &mut Vec<Pending<'g>>) {
        for (position, argument) in node.args.iter().enumerate() {
            if position == 0 {
                parts.push(Pending::Value(argument, Level::Product));
                continue;
            }
            let after_number = matches!(node.args[position - 1], Argument::Number(_));
            let apart = if after_number && self.begins_with_letter(argument) { r" \, " } else { r" \cdot " };
            parts.extend([Pending::Text(apart), Pending::Value(argument, Level::Power)]);
        }
    }

    /// Whether what is set for an argument can stand right behind a number.
    fn begins_with_letter(&self, argument: &Argument) -> bool {
        if let Argument::Number(value) = argument {
            return *value > 0.0 && self.constant(*value).is_some();
        }
        let Some(node) = self.outline.inline(argument) else { return matches!(argument, Argument::Name(_) | Argument::Node(_)) };
        let node = &self.graph.nodes[node];
        match form(node) {
            Form::Template(template, _) if template.starts_with("{#") => {
                !matches!(node.args[0], Argument::Number(_) | Argument::Constant(_))
            }
            Form::Template(template, _) => template.starts_with(['\\', 'e']) && !template.starts_with(r"\frac"),
            Form::Call(_) => true,
            Form::Sum | Form::Product | Form::Transparent | Form::Column | Form::Subscript(_) => false,
        }
    }

    /// The symbol of a number that has one, whatever its sign, unless the graph calls something else so.
    fn constant(&self, value: f64) -> Option<&'static str> {
        [("pi", std::f64::consts::PI, r"\pi"), ("e", std::f64::consts::E, "e")]
            .into_iter()
            .find(|&(name, constant, _)| value.abs() == constant && !self.outline.is_taken(name))
            .map(|(_, _, symbol)| symbol)
    }

    fn number(&self, value: f64, least: Level, out: &mut String) {
        let (shown, product) = self.constant(value).map_or_else(|| names::number(value), |symbol| (symbol.to_owned(), false));
        let negative = value.is_sign_negative() && !value.is_nan();
        let level = match (negative, product) {
            (false, false) => Level::Atom,
            (false, true) => Level::Sign,
            (true, _) => Level::Sign,
        };
        let sign = if negative { "-" } else { "" };
        out.push_str(&if level < least { format!(r"\left({sign}{shown}\right)") } else { format!("{sign}{shown}") });
    }

    fn tensor(&self, tensor: &Tensor, out: &mut String) {
        let (shape, data) = (tensor.shape.as_slice(), tensor.data.as_slice());
        let columns = match *shape {
            [] | [_] => 1,
            [_, columns] => columns.max(1),
            _ => 0,
        };
        if let ([], [value]) = (shape, data) {
            return self.number(*value, Level::Atom, out);
        }
        if columns == 0 || data.len() > MOST_SHOWN || data.is_empty() {
            let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
            out.push_str(&format!(r"\mathbf{{C}}_{{{}}}", sizes.join(r" \times ")));
            return;
        }
        out.push_str(r"\begin{bmatrix} ");
        for (position, &value) in data.iter().enumerate() {
            if position > 0 {
                out.push_str(if position % columns == 0 { r" \\ " } else { " & " });
            }
            self.number(value, Level::Logic, out);
        }
        out.push_str(r" \end{bmatrix}");
    }
}

/// A template with its arguments in place.
fn fill<'g>(template: &'static str, args: &'g [Argument], parts: &mut Vec<Pending<'g>>) {
    let mut rest = template;
    while let Some(place) = rest.find('#') {
        parts.push(Pending::Text(&rest[..place]));
        if let &[_, letter, digit, ..] = &rest.as_bytes()[place..]
            && let Some(argument) = args.get(usize::from(digit.wrapping_sub(b'0')))
        {
            parts.push(Pending::Value(argument, Level::of(letter)));
        }
        rest = rest.get(place + 3..).unwrap_or_default();
    }
    parts.push(Pending::Text(rest));
}

fn separate<'g>(args: &'g [Argument], between: &'static str, parts: &mut Vec<Pending<'g>>) {
    for (position, argument) in args.iter().enumerate() {
        if position > 0 {
            parts.push(Pending::Text(between));
        }
        parts.push(Pending::Value(argument, Level::Comparison));
    }
}

/// An attribute's value as it is shown.
fn literal(attribute: &Attribute) -> String {
    enum Part<'a> {
        Value(&'a Attribute),
        Text(&'static str),
    }
    let mut out = String::new();
    let mut pending = vec![Part::Value(attribute)];
    while let Some(part) = pending.pop() {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Value(Attribute::Null) => out.push_str(r"\mathrm{null}"),
            Part::Value(Attribute::Bool(value)) => out.push_str(&names::upright(if *value { "true" } else { "false" })),
            Part::Value(Attribute::Text(text)) => out.push_str(&names::upright(text)),
            Part::Value(Attribute::Number(value)) => {
                if value.is_sign_negative() && !value.is_nan() {
                    out.push('-');
                }
                out.push_str(&names::number(*value).0);
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
    out
}

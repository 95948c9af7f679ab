//! A function as JSON: the answer of `POST /graph`.

use super::number::{integer, number, string, tensor};
use crate::engine::program::Cost;
use crate::wire::graph::{Argument, Attribute, Graph};

/// What a function is, converted.
pub(in crate::service) struct Converted<'a> {
    /// Every node of it listed and named.
    pub(in crate::service) graph: &'a Graph,
    pub(in crate::service) formula: Option<&'a str>,
    pub(in crate::service) latex: &'a str,
    /// The shapes of its outputs.
    pub(in crate::service) outputs: Vec<(&'a str, &'a [usize])>,
    /// Of its value at one point.
    pub(in crate::service) cost: Cost,
}

/// Writes the answer.
pub(in crate::service) fn converted(function: &Converted<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(b"{\"graph\":");
    graph(&mut out, function.graph);
    out.extend_from_slice(b",\"formula\":");
    match function.formula {
        Some(text) => string(&mut out, text),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"latex\":");
    string(&mut out, function.latex);
    out.extend_from_slice(b",\"inputs\":");
    let inputs = function.graph.inputs.iter();
    signature(&mut out, inputs.map(|input| (input.name.as_str(), input.shape.as_deref().unwrap_or_default())));
    out.extend_from_slice(b",\"outputs\":");
    signature(&mut out, function.outputs.iter().copied());
    out.extend_from_slice(b",\"cost\":{\"nodes\":");
    integer(&mut out, function.graph.nodes.len());
    for (field, figure) in [("flops", function.cost.flops), ("bytes", function.cost.scratch_bytes)] {
        out.extend_from_slice(format!(",\"{field}\":").as_bytes());
        number(&mut out, figure);
    }
    out.extend_from_slice(b"}}");
    out
}

/// Writes elements with commas between them.
fn list<T>(out: &mut Vec<u8>, elements: impl Iterator<Item = T>, mut element: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (i, value) in elements.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        element(out, value);
    }
    out.push(b']');
}

fn signature<'s>(out: &mut Vec<u8>, names: impl Iterator<Item = (&'s str, &'s [usize])>) {
    list(out, names, |out, (name, shape)| {
        out.extend_from_slice(b"{\"name\":");
        string(out, name);
        out.extend_from_slice(b",\"shape\":");
        list(out, shape.iter(), |out, &size| integer(out, size));
        out.push(b'}');
    });
}

/// Writes a graph every node of which is listed and named.
pub(in crate::service) fn graph(out: &mut Vec<u8>, graph: &Graph) {
    out.extend_from_slice(b"{\"inputs\":");
    list(out, graph.inputs.iter(), |out, input| match input.shape.as_deref() {
        None | Some([]) => string(out, &input.name),
        Some(shape) => {
            out.extend_from_slice(b"{\"name\":");
            string(out, &input.name);
            out.extend_from_slice(b",\"shape\":");
            list(out, shape.iter(), |out, &size| integer(out, size));
            out.push(b'}');
        }
    });
    out.extend_from_slice(b",\"nodes\":");
    list(out, graph.nodes.iter(), |out, node| {
        out.extend_from_slice(b"{\"name\":");
        string(out, node.name.as_deref().unwrap_or_default());
        out.extend_from_slice(b",\"op\":");
        string(out, &node.op);
        out.extend_from_slice(b",\"args\":");
        list(out, node.args.iter(), argument);
        for (name, value) in &node.attributes {
            out.push(b',');
            string(out, name);
            out.push(b':');
            attribute(out, value);
        }
        out.push(b'}');
    });
    out.extend_from_slice(b",\"outputs\":");
    list(out, graph.outputs.iter(), |out, output| match &output.value {
        Argument::Name(name) if *name == output.name => string(out, name),
        value => {
            out.extend_from_slice(b"{\"name\":");
            string(out, &output.name);
            out.extend_from_slice(b",\"value\":");
            argument(out, value);
            out.push(b'}');
        }
    });
    // exported functions stand side by side, so that this goes one deep
    if !graph.functions.is_empty() {
        out.extend_from_slice(b",\"functions\":{");
        for (i, (name, function)) in graph.functions.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            string(out, name);
            out.push(b':');
            self::graph(out, function);
        }
        out.push(b'}');
    }
    out.push(b'}');
}

fn argument(out: &mut Vec<u8>, value: &Argument) {
    match value {
        Argument::Name(name) => string(out, name),
        Argument::Number(value) if value.is_finite() => number(out, *value),
        // As an argument, a string is a name.
        Argument::Number(value) => {
            out.extend_from_slice(b"{\"const\":");
            number(out, *value);
            out.push(b'}');
        }
        Argument::Constant(constant) => {
            out.extend_from_slice(b"{\"const\":");
            tensor(out, None, &constant.shape, constant.data.iter().copied());
            out.push(b'}');
        }
        // Exported graphs list and name every node.
        Argument::Node(_) => out.extend_from_slice(b"null"),
    }
}

/// Writes an attribute, nested lists without recursion.
fn attribute(out: &mut Vec<u8>, value: &Attribute) {
    let mut open: Vec<std::slice::Iter<'_, Attribute>> = Vec::new();
    let mut next = Some(value);
    loop {
        match next {
            Some(Attribute::List(values)) => {
                out.push(b'[');
                open.push(values.iter());
            }
            Some(Attribute::Null) => out.extend_from_slice(b"null"),
            Some(Attribute::Bool(flag)) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Some(Attribute::Number(value)) if value.fract() == 0.0 && value.abs() < 1e15 => {
                out.extend_from_slice(format!("{value}").as_bytes())
            }
            Some(Attribute::Number(value)) => number(out, *value),
            Some(Attribute::Text(text)) => string(out, text),
            None => out.push(b']'),
        }
        if next.is_none() {
            open.pop();
        }
        let Some(rest) = open.last_mut() else { return };
        let begun = matches!(next, Some(Attribute::List(_)));
        next = rest.next();
        if next.is_some() && !begun {
            out.push(b',');
        }
    }
}

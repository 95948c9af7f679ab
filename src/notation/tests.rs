//! Formulas and their graphs, both ways, and what the errors say.

mod errors;
mod latex;
mod parsing;
mod printing;

use super::formula::{Options, SyntaxError, parse};
use crate::wire::graph::{Argument, Attribute, Graph, Input, Origin};

fn read(text: &str) -> Graph {
    parse(text, &Options::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn fails(text: &str) -> SyntaxError {
    match parse(text, &Options::default()) {
        Ok(graph) => panic!("{text} was read as {graph:?}"),
        Err(error) => error,
    }
}

/// A graph with every bracket written: what the parser understood.
fn meaning(graph: &Graph) -> String {
    let output = graph.outputs.last().map(|output| &output.value);
    output.map_or_else(String::new, |value| shown(graph, value))
}

fn shown(graph: &Graph, argument: &Argument) -> String {
    match argument {
        Argument::Name(name) => name.clone(),
        Argument::Number(value) => format!("{value:?}"),
        Argument::Constant(tensor) => format!("{:?}{:?}", tensor.shape, tensor.data),
        Argument::Node(node) => {
            let node = &graph.nodes[*node];
            let attributes = node.attributes.iter().map(|(name, value)| format!("{name}={}", attribute(value)));
            let parts: Vec<String> = node.args.iter().map(|arg| shown(graph, arg)).chain(attributes).collect();
            format!("{}({})", node.op, parts.join(", "))
        }
    }
}

fn attribute(value: &Attribute) -> String {
    match value {
        Attribute::Null => "null".into(),
        Attribute::Bool(value) => value.to_string(),
        Attribute::Number(value) => value.to_string(),
        Attribute::Text(text) => format!("{text:?}"),
        Attribute::List(items) => format!("[{}]", items.iter().map(attribute).collect::<Vec<_>>().join(", ")),
    }
}

/// The graph without the places its nodes came from.
fn placeless(mut graph: Graph) -> Graph {
    for node in &mut graph.nodes {
        node.origin = Origin::Listed(0);
    }
    graph
}

/// The options with which a printed graph reads back.
fn beside(graph: &Graph) -> Options {
    Options {
        inputs: Some(graph.inputs.clone()),
        outputs: Some(graph.outputs.iter().map(|output| output.name.clone()).collect()),
        ..Options::default()
    }
}

fn input(name: &str) -> Input {
    Input { name: name.into(), shape: None }
}

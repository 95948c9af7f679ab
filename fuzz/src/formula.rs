//! Bytes as the text of a formula.

use std::collections::BTreeMap;

use nablad::notation::formula::{Options, parse, print};
use nablad::notation::latex;
use nablad::service::Endpoint;
use nablad::wire::graph::{Argument, Graph};
use serde_json::Value;

use super::json::{fields, meaning, object};
use super::served::answer;

/// The text is read, or refused with a place in it; what is read is printed so that it reads back as the same graph. So does what the
/// service makes of it.
pub fn formula(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let options = Options { nesting: 32, bytes: 4 << 10, ..Options::default() };
    match parse(text, &options) {
        Ok(graph) => {
            let _ = latex::print(&graph);
            if let Some(printed) = print(&graph) {
                let inputs = Some(graph.inputs.clone());
                let outputs = Some(graph.outputs.iter().map(|output| output.name.clone()).collect());
                let beside = Options { inputs, outputs, ..Options::default() };
                let again = parse(&printed, &beside).unwrap_or_else(|error| panic!("printed as {printed:?}: {error}"));
                let mut known = BTreeMap::new();
                assert_eq!(understood(&again, &mut known), understood(&graph, &mut known), "printed as {printed:?}");
                assert_eq!(again.inputs, graph.inputs);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    served(text);
}

/// What the outputs of a graph are, each as a number from `known`: the same for what is computed alike, in whatever order nodes stand.
fn understood(graph: &Graph, known: &mut BTreeMap<String, usize>) -> Vec<(String, Option<String>)> {
    let named: BTreeMap<&str, usize> = graph.nodes.iter().enumerate().filter_map(|(i, node)| Some((node.name.as_deref()?, i))).collect();
    let mut numbers: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    let read = |argument: &Argument, numbers: &[Option<usize>]| match argument {
        Argument::Name(name) => match named.get(name.as_str()) {
            Some(&node) => numbers[node].map(|number| format!("node {number}")),
            None => Some(format!("input {name}")),
        },
        Argument::Node(node) => numbers[*node].map(|number| format!("node {number}")),
        // by their digits: NaN is equal to itself there
        Argument::Number(value) => Some(format!("{value:?}")),
        Argument::Constant(tensor) => Some(format!("{tensor:?}")),
    };
    loop {
        let mut found = false;
        for (i, node) in graph.nodes.iter().enumerate().filter(|(i, _)| numbers[*i].is_none()).collect::<Vec<_>>() {
            let args: Option<Vec<String>> = node.args.iter().map(|arg| read(arg, &numbers)).collect();
            let Some(args) = args else { continue };
            let next = known.len();
            numbers[i] = Some(*known.entry(format!("{:?} {} {args:?} {:?}", node.name, node.op, node.attributes)).or_insert(next));
            found = true;
        }
        if !found {
            assert!(numbers.iter().all(Option::is_some), "a cycle: {graph:?}");
            return graph.outputs.iter().map(|output| (output.name.clone(), read(&output.value, &numbers))).collect();
        }
    }
}

/// The service's formula of a formula is the same function.
fn served(text: &str) {
    let converted = |body: &str| answer(Endpoint::Graph, body.as_bytes());
    let Ok(first) = converted(&object([("formula", Value::from(text).to_string().as_str())])) else { return };
    let first = fields(&first);
    if first["formula"].get() == "null" {
        return;
    }
    let names: Vec<Value> = serde_json::from_str::<Vec<Value>>(first["outputs"].get()).unwrap_or_default();
    let names: Vec<&Value> = names.iter().map(|output| &output["name"]).collect();
    let names = serde_json::to_string(&names).unwrap_or_default();
    let body = object([("formula", first["formula"].get()), ("inputs", first["inputs"].get()), ("outputs", &names)]);
    let again = converted(&body).unwrap_or_else(|slug| panic!("what was printed is refused, {slug:?}: {body}"));
    let again = fields(&again);
    for field in ["formula", "inputs", "outputs"] {
        assert_eq!(again[field].get(), first[field].get(), "{field} of {body}");
    }
    let mut known = BTreeMap::new();
    let mut of = |graph: &str| meaning(graph, &mut known);
    assert_eq!(of(again["graph"].get()), of(first["graph"].get()), "{body}");
}

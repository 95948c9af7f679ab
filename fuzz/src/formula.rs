//! Bytes as the text of a formula.

use nablad::notation::formula::{Options, parse, print};
use nablad::notation::latex;
use nablad::service::Endpoint;
use nablad::wire::graph::{Graph, Origin};
use serde_json::Value;

use super::json::{fields, object};
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
                assert_eq!(placeless(again), placeless(graph), "printed as {printed:?}");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    served(text);
}

/// The graph without the places its nodes came from.
fn placeless(mut graph: Graph) -> String {
    for node in &mut graph.nodes {
        node.origin = Origin::Listed(0);
    }
    // numbers by their digits: NaN is equal to itself there
    format!("{graph:?}")
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
    for field in ["formula", "graph", "inputs", "outputs"] {
        assert_eq!(again[field].get(), first[field].get(), "{field} of {body}");
    }
}

//! Graphs as written → what is built of them, or every fault with its place.

use super::build;
use crate::engine::graph::{Graph, Kind};
use crate::service::limits::Limits;
use crate::service::{Endpoint, decode, plan};
use crate::wire::problem::{Failure, Slug};

fn limits() -> Limits {
    Limits { nodes: 1000, ..Limits::default() }
}

fn read(graph: &str, limits: &Limits) -> Result<Graph, Failure> {
    let body = format!("{{\"graph\": {graph}}}");
    let envelope = decode::envelope(Endpoint::Graph, body.as_bytes(), limits.json_nesting)?;
    let source = decode::function(&envelope, body.as_bytes(), limits)?;
    Ok(build(&source.graph, plan::site(&source), limits, false)?.graph)
}

/// One operator a line, in order: `op(args)` with arguments by position.
fn text(graph: &Graph) -> String {
    let line = |id| match graph.kind(id) {
        Kind::Input(i) => format!("x{i}"),
        Kind::Constant(tensor) => format!("{:?}", tensor.data()),
        Kind::Apply { op, args, .. } => {
            let args: Vec<String> = args.iter().map(|arg| arg.index().to_string()).collect();
            format!("{}({})", op.name, args.join(","))
        }
    };
    graph.ids().map(line).collect::<Vec<_>>().join(" ")
}

fn check(graph: &str, expected: &str) {
    match read(graph, &limits()) {
        Ok(built) => assert_eq!(text(&built), expected, "{graph}"),
        Err(failure) => panic!("{graph}: {failure:?}"),
    }
}

/// Every fault: pointer and a part of what is said there.
fn refused(graph: &str, slug: Slug, faults: &[(&str, &str)]) {
    let failure = read(graph, &limits()).expect_err(graph);
    let found: Vec<(&str, &str)> = failure.faults.iter().map(|fault| (fault.pointer.as_str(), fault.detail.as_str())).collect();
    assert_eq!(failure.slug, slug, "{graph}: {found:?}");
    assert_eq!(found.len(), faults.len(), "{graph}: {found:?}");
    for ((pointer, part), (at, detail)) in faults.iter().zip(&found) {
        assert_eq!(pointer, at, "{graph}: {detail}");
        assert!(detail.contains(part), "{graph}: {detail} lacks {part}");
    }
}

#[test]
fn graphs_are_built() {
    check(r#"{"inputs":["x"],"outputs":["x"]}"#, "x0");
    check(r#"{"inputs":["x"],"nodes":[],"outputs":[{"name":"y","value":{"op":"sin","args":["x"]}}]}"#, "x0 sin(0)");
    // Any order of nodes, aliases, inline nodes, numbers and constants.
    check(
        r#"{"inputs":["x"],"nodes":[{"name":"b","op":"ln","args":["a"]},{"name":"a","op":"+","args":["x",{"op":"exp","args":["x"]}]}],"outputs":["b"]}"#,
        "x0 exp(0) add(0,1) log(2)",
    );
    check(
        r#"{"inputs":[{"name":"x","shape":[2]}],"outputs":[{"name":"y","value":{"op":"multiply","args":["x",{"const":[1,"Inf"]}]}}]}"#,
        "x0 [1.0, inf] multiply(0,1)",
    );
    // Attributes: an integer may be written 1.0, a lone axis is a list of one.
    check(
        r#"{"inputs":[{"name":"x","shape":[2,3]}],"nodes":[{"name":"s","op":"sum","args":["x"],"axis":1.0,"keepdims":true}],"outputs":["s"]}"#,
        "x0 sum(0)",
    );
    // What is not a name may be a number.
    check(r#"{"inputs":["x"],"outputs":[{"name":"y","value":{"op":"add","args":["x","Infinity"]}}]}"#, "x0 [inf] add(0,1)");
}

#[test]
fn calls_are_inlined() {
    let functions = r#""functions":{
        "sq":{"inputs":["u"],"outputs":[{"name":"y","value":{"op":"square","args":["u"]}}]},
        "two":{"inputs":["u","v"],"nodes":[{"name":"s","op":"add","args":["u","v"]}],"outputs":["s",{"name":"p","value":{"op":"call","function":"sq","args":["s"]}}]}}"#;
    check(
        &format!(r#"{{"inputs":["x"],"outputs":[{{"name":"y","value":{{"op":"call","function":"sq","args":["x"]}}}}],{functions}}}"#),
        "x0 square(0)",
    );
    for index in ["1", "\"p\""] {
        check(
            &format!(
                r#"{{"inputs":["x","z"],"nodes":[{{"name":"t","op":"call","function":"two","args":["x","z"]}},
                {{"name":"i","op":"item","args":["t"],"index":{index}}}],"outputs":["i"],{functions}}}"#
            ),
            "x0 x1 add(0,1) square(2)",
        );
    }
    // Nested functions shadow outer ones.
    check(
        r#"{"inputs":["x"],"outputs":[{"name":"y","value":{"op":"call","function":"f","args":["x"]}}],"functions":{
            "g":{"inputs":["u"],"outputs":[{"name":"y","value":{"op":"sin","args":["u"]}}]},
            "f":{"inputs":["u"],"outputs":[{"name":"y","value":{"op":"call","function":"g","args":["u"]}}],
                 "functions":{"g":{"inputs":["u"],"outputs":[{"name":"y","value":{"op":"cos","args":["u"]}}]}}}}}"#,
        "x0 cos(0)",
    );
}

#[test]
fn faults_have_their_places() {
    use Slug::InvalidGraph;
    refused(
        r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sine","args":["x"]},{"name":"b","op":"exp","args":["x","x"]},{"name":"c","op":"add","args":["x","y"]}],"outputs":["c","d"]}"#,
        InvalidGraph,
        &[
            ("/graph/nodes/0/op", "no operator \"sine\""),
            ("/graph/nodes/1", "exp takes 1 argument, 2 given"),
            ("/graph/nodes/2/args/1", "no input or node \"y\""),
            ("/graph/outputs/1", "no input or node \"d\""),
        ],
    );
    refused(
        r#"{"inputs":["x","x","1y"],"nodes":[{"name":"x","op":"exp","args":["x"]}],"outputs":["x","x"]}"#,
        InvalidGraph,
        &[
            ("/graph/inputs/1", "stands twice"),
            ("/graph/inputs/2", "\"1y\" is not a name"),
            ("/graph/nodes/0/name", "stands twice"),
            ("/graph/nodes/0/args/0", "a cycle"),
            ("/graph/outputs/1", "stands twice"),
        ][..0],
    );
}

#[test]
fn cycles_name_their_members() {
    refused(
        r#"{"inputs":["x"],"nodes":[{"name":"a","op":"add","args":["x","c"]},{"name":"b","op":"exp","args":["a"]},{"name":"c","op":"sin","args":[{"op":"cos","args":["b"]}]}],"outputs":["a"]}"#,
        Slug::InvalidGraph,
        &[("/graph/nodes/1/args/0", "a cycle: \"a\" → \"c\" → an inline \"cos\" → \"b\" → \"a\"")],
    );
    refused(
        r#"{"inputs":["x"],"nodes":[{"name":"a","op":"exp","args":["a"]}],"outputs":["a"]}"#,
        Slug::InvalidGraph,
        &[("/graph/nodes/0/args/0", "a cycle: \"a\" → \"a\"")],
    );
}

//! Graphs as written → what is built of them, or every fault with its place.

use super::build;
use crate::engine::graph::{Graph, Kind};
use crate::service::limits::Limits;
use crate::service::{decode, plan};
use crate::wire::problem::{Failure, Slug};

fn limits() -> Limits {
    Limits { nodes: 1000, ..Limits::default() }
}

fn read(graph: &str, limits: &Limits) -> Result<Graph, Failure> {
    let body = format!("{{\"graph\": {graph}}}");
    let envelope = decode::registration(body.as_bytes(), false, limits.json_nesting)?;
    let source = decode::written(&envelope, body.as_bytes(), limits)?;
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
    // The one result of a call needs no `item`, and may have one.
    for index in ["0", "\"y\""] {
        check(
            &format!(
                r#"{{"inputs":["x"],"nodes":[{{"name":"c","op":"call","function":"sq","args":["x"]}},
                {{"name":"i","op":"item","args":["c"],"index":{index}}}],"outputs":["i"],{functions}}}"#
            ),
            "x0 square(0)",
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
    use Slug::{InvalidGraph, ShapeMismatch};
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
        r#"{"inputs":["x","x","1y"],"nodes":[{"name":"x","op":"exp","args":["1y"]}],"outputs":["1y","1y"]}"#,
        InvalidGraph,
        &[
            ("/graph/inputs/1", "stands twice"),
            ("/graph/inputs/2", "\"1y\" is not a name"),
            ("/graph/nodes/0/name", "stands twice"),
            ("/graph/outputs/0", "\"1y\" is not a name"),
            ("/graph/outputs/1", "\"1y\" is not a name"),
            ("/graph/outputs/1", "stands twice"),
        ],
    );
    refused(
        r#"{"inputs":[{"name":"x","shape":[2]},{"name":"y","shape":[3]}],"nodes":[
            {"name":"a","op":"add","args":["x","y"]},
            {"name":"b","op":"add","args":["a","y"]},
            {"name":"c","op":"sum","args":[{"op":"multiply","args":["y",{"op":"add","args":["x","y"]}]}]}],"outputs":["b","c"]}"#,
        ShapeMismatch,
        &[("/graph/nodes/0", "shapes [2] and [3]"), ("/graph/nodes/2/args/0/args/1", "shapes [2] and [3]")],
    );
    refused(
        r#"{"inputs":[{"name":"x","shape":[2]}],"nodes":[
            {"name":"a","op":"sum","args":["x"],"axes":0},
            {"name":"b","op":"sum","args":["x"],"axis":"0"},
            {"name":"c","op":"sum","args":["x"],"keepdims":1},
            {"name":"d","op":"reshape","args":["x"]}],"outputs":["a","b","c","d"]}"#,
        InvalidGraph,
        &[
            ("/graph/nodes/0/axes", "sum has no attribute \"axes\""),
            ("/graph/nodes/1/axis", "an integer or a list of integers"),
            ("/graph/nodes/2/keepdims", "true or false"),
            ("/graph/nodes/3", "reshape needs the attribute `shape`"),
        ],
    );
}

#[test]
fn structure_is_checked_where_it_is_read() {
    refused(
        r#"{"inputs":["x",{"name":"y","shape":[-1]},{"shape":[]},7],"nodes":[{"op":"exp","args":["x"]},{"name":"b","args":["x"]},
            {"name":"c","op":"add","args":[null,true,{"op":"exp","args":["x"],"name":"d"},{"const":[1,"a"]},{}]},"e"],
            "outputs":["b",{"name":"z"}],"node":[]}"#,
        Slug::InvalidGraph,
        &[
            ("/graph/inputs/1/shape/0", "integer from 0"),
            ("/graph/inputs/2", "needs a `name`"),
            ("/graph/inputs/3", "a number stands where"),
            ("/graph/nodes/0", "needs a `name`"),
            ("/graph/nodes/1", "needs an `op`"),
            ("/graph/nodes/2/args/0", "null stands where"),
            ("/graph/nodes/2/args/1", "a boolean stands where"),
            ("/graph/nodes/2/args/2/name", "an inline node has no name"),
            ("/graph/nodes/2/args/3/const/1", "a string stands where a number belongs"),
            ("/graph/nodes/2/args/4", "needs an `op`"),
            ("/graph/nodes/3", "a string stands where"),
            ("/graph/outputs/1", "needs a `value`"),
            ("/graph/node", "no field"),
        ],
    );
    refused(r#"{"inputs":["x"]}"#, Slug::InvalidGraph, &[("/graph", "needs `outputs`")]);
    refused(r#"{"inputs":["x"],"outputs":[]}"#, Slug::InvalidGraph, &[("/graph", "a function needs an output")]);
    refused(r#"{"inputs":["x"],"outputs":[{"name":"y","value":1e999}]}"#, Slug::InvalidGraph, &[("/graph/outputs/0/value", "beyond")]);
}

#[test]
fn repeated_keys_are_malformed() {
    for (graph, pointer) in [
        (r#"{"inputs":[],"inputs":[],"outputs":["x"]}"#, "/graph/inputs"),
        (r#"{"inputs":["x"],"nodes":[{"name":"a","op":"exp","args":["x"],"op":"sin"}],"outputs":["x"]}"#, "/graph/nodes/0/op"),
        (r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sum","axis":0,"args":["x"],"axis":0}],"outputs":["x"]}"#, "/graph/nodes/0/axis"),
        (r#"{"inputs":["x"],"outputs":["x"],"functions":{"f":{"outputs":[]},"f":{}}}"#, "/graph/functions/f"),
    ] {
        refused(graph, Slug::MalformedJson, &[(pointer, "stands twice")]);
    }
}

#[test]
fn calls_are_checked() {
    let with =
        |nodes: &str, functions: &str| format!(r#"{{"inputs":["x"],"nodes":[{nodes}],"outputs":["x"],"functions":{{{functions}}}}}"#);
    let g = r#""g":{"inputs":["u"],"outputs":["u",{"name":"v","value":{"op":"exp","args":["u"]}}]}"#;
    refused(
        &with(
            r#"{"name":"a","op":"call","args":["x"]},{"name":"b","op":"call","function":"h","args":["x"]},
               {"name":"c","op":"call","function":"g","args":["x","x"]},{"name":"d","op":"call","function":"g","args":["x"]},
               {"name":"e","op":"exp","args":["d"]},{"name":"f","op":"item","args":["d"],"index":2},{"name":"h","op":"item","args":["d"],"index":"w"},
               {"name":"i","op":"call","function":"g","args":[{"const":[1,2]}]},{"name":"j","op":"item","args":["x"],"index":0.5}"#,
            g,
        ),
        Slug::InvalidGraph,
        &[
            ("/graph/nodes/0", "needs the attribute `function`"),
            ("/graph/nodes/1/function", "no function \"h\""),
            ("/graph/nodes/2/args", "takes 1 argument, 2 given"),
            ("/graph/nodes/8/index", "an integer or a name"),
            ("/graph/nodes/4/args/0", "has 2 values, not one"),
            ("/graph/nodes/5/index", "no result 2"),
            ("/graph/nodes/6/index", "no result \"w\""),
            ("/graph/nodes/7/args/0", "input \"u\" has shape [], [2] is given"),
        ],
    );
    refused(
        &with(
            r#"{"name":"a","op":"call","function":"f","args":["x"]}"#,
            r#""f":{"inputs":["u"],"outputs":[{"name":"y","value":{"op":"call","function":"g","args":["u"]}}]},
               "g":{"inputs":["u"],"outputs":[{"name":"y","value":{"op":"call","function":"f","args":["u"]}}]}"#,
        ),
        Slug::InvalidGraph,
        &[("/graph/functions/g/outputs/0/value/function", "\"f\" → \"g\" → \"f\"")],
    );
    // A fault in a function is told once, however often it is called.
    refused(
        &with(
            r#"{"name":"a","op":"call","function":"f","args":["x"]},{"name":"b","op":"call","function":"f","args":["a"]},{"name":"c","op":"call","function":"f","args":[1]}"#,
            r#""f":{"inputs":["u"],"outputs":[{"name":"y","value":{"op":"add","args":[{"const":[1,2]},{"const":[1,2,3]}]}}]}"#,
        ),
        Slug::ShapeMismatch,
        &[("/graph/functions/f/outputs/0/value", "shapes [2] and [3]")],
    );
}

#[test]
fn doubling_calls_end_at_the_limit() {
    let mut functions = vec![r#""f0":{"inputs":["u","v"],"outputs":[{"name":"y","value":{"op":"multiply","args":["u","v"]}}]}"#.to_owned()];
    for i in 1..40 {
        let below = i - 1;
        functions.push(format!(
            r#""f{i}":{{"inputs":["u","v"],"nodes":[
                {{"name":"a","op":"call","function":"f{below}","args":["u","v"]}},
                {{"name":"b","op":"call","function":"f{below}","args":["a","v"]}}],"outputs":["b"]}}"#
        ));
    }
    let graph = format!(
        r#"{{"inputs":["x","z"],"outputs":[{{"name":"y","value":{{"op":"call","function":"f39","args":["x","z"]}}}}],"functions":{{{}}}}}"#,
        functions.join(",")
    );
    let failure = read(&graph, &limits()).unwrap_err();
    assert_eq!((failure.slug, failure.excess.unwrap().limit.as_str()), (Slug::LimitExceeded, "limits.nodes"));
}

#[test]
fn a_long_chain_is_built_without_recursion() {
    let nodes: Vec<String> = (0..100_000).rev().map(|i| format!(r#"{{"name":"n{}","op":"sin","args":["n{i}"]}}"#, i + 1)).collect();
    let graph = format!(r#"{{"inputs":["n0"],"nodes":[{}],"outputs":["n100000"]}}"#, nodes.join(","));
    let built = read(&graph, &Limits::default()).unwrap();
    assert_eq!(built.len(), 100_001);
}

#[test]
fn many_faults_cost_no_more_than_a_few() {
    let nodes: Vec<String> = (0..20_000).map(|i| format!(r#"{{"name":"n{i}","op":"si","args":["m{i}"]}}"#)).collect();
    let graph = format!(r#"{{"inputs":["x"],"nodes":[{}],"outputs":["x"]}}"#, nodes.join(","));
    let failure = read(&graph, &Limits::default()).unwrap_err();
    assert_eq!(failure.faults.len(), 32);
    assert_eq!(failure.faults[0].hint.as_deref(), Some("did you mean \"sin\"?"));
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

//! Graphs that are none: unknown operators and names, arity, attributes, cycles, duplicates, recursion, shapes.

use super::{Fault, Trial, graph};

/// Nodes over a scalar x, a vector v of 3 and a matrix m of 2 × 3; the output is `a`.
fn nodes(text: &str) -> String {
    graph(r#""x",{"name":"v","shape":[3]},{"name":"m","shape":[2,3]}"#, text, r#""a""#, "")
}

/// One node `a`.
fn node(text: &str) -> String {
    nodes(&format!(r#"{{"name":"a",{text}}}"#))
}

#[tokio::test]
async fn invalid_graphs_say_where_and_what_is_meant() {
    let table: &[(String, &[Fault<'_>])] = &[
        (node(r#""op":"sine","args":["x"]"#), &[("/graph/nodes/0/op", &["sine", "sin"])]),
        (node(r#""op":"matmull","args":["m","v"]"#), &[("/graph/nodes/0/op", &["matmull", "matmul"])]),
        (node(r#""op":"Exp","args":["x"]"#), &[("/graph/nodes/0/op", &["Exp", "exp"])]),
        (node(r#""op":"","args":["x"]"#), &[("/graph/nodes/0/op", &["operator"])]),
        (node(r#""op":7,"args":["x"]"#), &[("/graph/nodes/0/op", &["number", "name"])]),
        (node(r#""args":["x"]"#), &[("/graph/nodes/0", &["op"])]),
        (node(r#""op":"exp""#), &[("/graph/nodes/0", &["exp", "0"])]),
        (node(r#""op":"exp","args":"x""#), &[("/graph/nodes/0/args", &["string", "list"])]),
        (node(r#""op":"exp","args":[]"#), &[("/graph/nodes/0", &["exp", "1", "0"])]),
        (node(r#""op":"exp","args":["x","x"]"#), &[("/graph/nodes/0", &["exp", "1", "2"])]),
        (node(r#""op":"subtract","args":["x"]"#), &[("/graph/nodes/0", &["subtract", "2", "1"])]),
        (node(r#""op":"where","args":["x","x","x","x"]"#), &[("/graph/nodes/0", &["where", "3", "4"])]),
        (node(r#""op":"exp","args":[{"op":"sine","args":["x"]}]"#), &[("/graph/nodes/0/args/0/op", &["sin"])]),
        (node(r#""op":"exp","args":[{"op":"sin","args":["x","x"]}]"#), &[("/graph/nodes/0/args/0", &["sin", "1", "2"])]),
        (node(r#""op":"exp","args":[true]"#), &[("/graph/nodes/0/args/0", &["boolean"])]),
        (node(r#""op":"exp","args":[null]"#), &[("/graph/nodes/0/args/0", &["null"])]),
        (node(r#""op":"exp","args":[["x"]]"#), &[("/graph/nodes/0/args/0", &["list"])]),
        (node(r#""op":"exp","args":[{}]"#), &[("/graph/nodes/0/args/0", &["`op`"])]),
        (node(r#""op":"exp","args":[{"const":[[1],[2,3]]}]"#), &[("/graph/nodes/0/args/0/const/1", &["ragged"])]),
        (node(r#""op":"exp","args":[{"const":["1"]}]"#), &[("/graph/nodes/0/args/0/const/0", &["string"])]),
        (node(r#""op":"exp","args":[{"const":null}]"#), &[("/graph/nodes/0/args/0/const", &["null"])]),
        (node(r#""op":"exp","args":[1e999]"#), &[("/graph/nodes/0/args/0", &["binary64"])]),
        (node(r#""op":"exp","args":[-1e400]"#), &[("/graph/nodes/0/args/0", &["range"])]),
        (node(r#""op":"exp","args":[{"const":[0,-1e309]}]"#), &[("/graph/nodes/0/args/0/const/1", &["range"])]),
        (node(r#""op":"exp","args":["y"]"#), &[("/graph/nodes/0/args/0", &["\"y\""])]),
        (node(r#""op":"exp","args":["X"]"#), &[("/graph/nodes/0/args/0", &["\"X\"", "\"x\""])]),
        // Attributes: unknown, of the wrong type, missing, out of range.
        (node(r#""op":"sum","args":["m"],"axs":0"#), &[("/graph/nodes/0/axs", &["axs", "axis"])]),
        (node(r#""op":"exp","args":["x"],"axis":0"#), &[("/graph/nodes/0/axis", &["exp", "axis"])]),
        (node(r#""op":"sum","args":["m"],"axis":"0""#), &[("/graph/nodes/0/axis", &["integer"])]),
        (node(r#""op":"sum","args":["m"],"axis":0.5"#), &[("/graph/nodes/0/axis", &["integer"])]),
        (node(r#""op":"sum","args":["m"],"axis":1e999"#), &[("/graph/nodes/0/axis", &["binary64"])]),
        (node(r#""op":"sum","args":["m"],"axis":[0,true]"#), &[("/graph/nodes/0/axis", &["list of integers"])]),
        (node(r#""op":"sum","args":["m"],"axis":{}"#), &[("/graph/nodes/0/axis", &["object"])]),
        (node(r#""op":"sum","args":["m"],"keepdims":1"#), &[("/graph/nodes/0/keepdims", &["true or false"])]),
        (node(r#""op":"sum","args":["m"],"axis":2"#), &[("/graph/nodes/0/axis", &["axis", "2"])]),
        (node(r#""op":"sum","args":["m"],"axis":-3"#), &[("/graph/nodes/0/axis", &["axis", "-3"])]),
        (node(r#""op":"sum","args":["m"],"axis":[0,-2]"#), &[("/graph/nodes/0/axis", &["axis", "twice"])]),
        (node(r#""op":"reshape","args":["m"]"#), &[("/graph/nodes/0", &["shape"])]),
        (node(r#""op":"vector_norm","args":["v"],"ord":3"#), &[("/graph/nodes/0/ord", &["\"2\"", "\"1\"", "\"inf\""])]),
        (node(r#""op":"slice","args":["v"],"step":[0]"#), &[("/graph/nodes/0/step", &["step", "0"])]),
        (node(r#""op":"slice","args":["v"],"start":[0,0]"#), &[("/graph/nodes/0/start", &["2", "1"])]),
        (node(r#""op":"take","args":["v"],"indices":[0,3]"#), &[("/graph/nodes/0/indices", &["3"])]),
        (node(r#""op":"take","args":["v"],"indices":[-4]"#), &[("/graph/nodes/0/indices", &["-4"])]),
        (node(r#""op":"take","args":["v"],"indices":[[0],[1,2]]"#), &[("/graph/nodes/0/indices", &["rectangular"])]),
        (node(r#""op":"take","args":["v"],"indices":[0.5]"#), &[("/graph/nodes/0/indices", &["integers"])]),
        (node(r#""op":"index","args":["m"],"at":[2]"#), &[("/graph/nodes/0/at", &["2"])]),
        (node(r#""op":"index","args":["m"],"at":[0,0,0]"#), &[("/graph/nodes/0/at", &["3", "2"])]),
        (node(r#""op":"permute_dims","args":["m"],"axes":[0,0]"#), &[("/graph/nodes/0/axes", &["axes", "once"])]),
        (node(r#""op":"broadcast_to","args":["v"],"shape":[-1,3]"#), &[("/graph/nodes/0/shape", &["-1"])]),
        (node(r#""op":"sum","args":["m"],"axis":9007199254740993"#), &[("/graph/nodes/0/axis", &["axis"])]),
        (node(r#""op":"sum","args":["m"],"axis":9007199254740994"#), &[("/graph/nodes/0/axis", &["2^53"])]),
        // Names.
        (nodes(r#"{"name":"a","op":"exp","args":["x"]},{"name":"a","op":"exp","args":["x"]}"#), &[("/graph/nodes/1/name", &["twice"])]),
        (nodes(r#"{"name":"a","op":"exp","args":["x"]},{"name":"x","op":"exp","args":["v"]}"#), &[("/graph/nodes/1/name", &["twice"])]),
        (graph(r#""x","x""#, "", r#""x""#, ""), &[("/graph/inputs/1", &["twice"])]),
        (graph(r#""x""#, "", r#""x","x""#, ""), &[("/graph/outputs/1", &["twice"])]),
        (graph(r#""x""#, "", r#""x",{"name":"x","value":1}"#, ""), &[("/graph/outputs/1", &["twice"])]),
        (graph(r#""x""#, "", r#""y""#, ""), &[("/graph/outputs/0", &["\"y\""])]),
        (graph(r#""x""#, "", r#"{"name":"y"}"#, ""), &[("/graph/outputs/0", &["value"])]),
        (graph(r#""x""#, "", "7", ""), &[("/graph/outputs/0", &["number"])]),
        (graph(r#"{"shape":[2]}"#, "", "", ""), &[("/graph/inputs/0", &["name"])]),
        (graph(r#"{"name":"x","shape":2}"#, "", r#""x""#, ""), &[("/graph/inputs/0/shape", &["number", "list"])]),
        (graph(r#"{"name":"x","shape":[-1]}"#, "", r#""x""#, ""), &[("/graph/inputs/0/shape/0", &["-1"])]),
        (graph(r#"{"name":"x","shape":[1.5]}"#, "", r#""x""#, ""), &[("/graph/inputs/0/shape/0", &["1.5"])]),
        (graph(r#"{"name":"x","shape":["2"]}"#, "", r#""x""#, ""), &[("/graph/inputs/0/shape/0", &["string"])]),
        (graph(r#"{"name":"x","shpae":[2]}"#, "", r#""x""#, ""), &[("/graph/inputs/0/shpae", &["shape"])]),
        (graph("7", "", "", ""), &[("/graph/inputs/0", &["number"])]),
        (r#"{"graph":{"inputs":["x"],"outputs":["x"],"node":[]}}"#.into(), &[("/graph/node", &["nodes"])]),
        (r#"{"graph":{"inputs":["x"]}}"#.into(), &[("/graph", &["outputs"])]),
        (r#"{"graph":{"outputs":["x"]}}"#.into(), &[("/graph/outputs/0", &["input", "\"x\""])]),
        (r#"{"graph":{"inputs":["x"],"outputs":[]}}"#.into(), &[("/graph", &["output"])]),
        (r#"{"graph":[]}"#.into(), &[("/graph", &["list", "object"])]),
        // All of those found, where they stand.
        (
            nodes(r#"{"name":"a","op":"sine","args":["x"]},{"name":"b","op":"exp","args":[]},{"name":"c","op":"add","args":["x","q"]}"#),
            &[("/graph/nodes/0/op", &["sin"]), ("/graph/nodes/1", &["exp"]), ("/graph/nodes/2/args/1", &["\"q\""])],
        ),
    ];
    let trial = Trial::start().await;
    for (body, faults) in table {
        trial.refused("/graph", body.as_str(), "invalid-graph", faults).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn cycles_name_their_members() {
    let ring = |n: usize| {
        let node = |i: usize| format!(r#"{{"name":"r{i}","op":"exp","args":["r{}"]}}"#, (i + 1) % n);
        (0..n).map(node).collect::<Vec<_>>().join(",")
    };
    let trial = Trial::start().await;
    let table: &[(String, &[&str])] = &[
        (nodes(r#"{"name":"a","op":"exp","args":["a"]}"#), &["cycle", "\"a\""]),
        (nodes(r#"{"name":"a","op":"exp","args":["b"]},{"name":"b","op":"sin","args":["a"]}"#), &["cycle", "\"a\"", "\"b\""]),
        (
            nodes(r#"{"name":"a","op":"add","args":["x","c"]},{"name":"b","op":"exp","args":["a"]},{"name":"c","op":"sin","args":["b"]}"#),
            &["\"a\"", "\"b\"", "\"c\""],
        ),
        (nodes(r#"{"name":"a","op":"exp","args":[{"op":"sin","args":["a"]}]}"#), &["cycle", "\"a\""]),
        // Nothing that is wanted lies on it: still no DAG.
        (nodes(r#"{"name":"a","op":"exp","args":["x"]},{"name":"loop","op":"exp","args":["loop"]}"#), &["cycle", "\"loop\""]),
        (nodes(&format!(r#"{{"name":"a","op":"exp","args":["x"]}},{}"#, ring(100_000))), &["cycle", "\"r0\""]),
    ];
    for (body, words) in table {
        let problem = trial.problem("/graph", body.as_str()).await;
        assert_eq!(problem.kind, "/problems/invalid-graph", "{problem:?}");
        for word in *words {
            assert!(problem.errors.iter().any(|fault| fault.detail.contains(word)), "{word}: {problem:?}");
        }
    }
    trial.end().await;
}

#[tokio::test]
async fn calls_have_functions() {
    let with = |call: &str, functions: &str| {
        format!(r#"{{"graph":{{"inputs":["x"],"nodes":[{{"name":"a",{call}}}],"outputs":["a"],"functions":{{{functions}}}}}}}"#)
    };
    let f = |name: &str, callee: &str| {
        format!(r#""{name}":{{"inputs":["u"],"outputs":[{{"name":"y","value":{{"op":"call","function":"{callee}","args":["u"]}}}}]}}"#)
    };
    let g = r#""g":{"inputs":["u"],"outputs":[{"name":"y","value":{"op":"exp","args":["u"]}}]}"#;
    let two = r#""two":{"inputs":["u"],"outputs":["u",{"name":"y","value":{"op":"exp","args":["u"]}}]}"#;
    let call = |name: &str| format!(r#""op":"call","function":"{name}","args":["x"]"#);
    let table: &[(String, &[Fault<'_>])] = &[
        (with(&call("gg"), g), &[("/graph/nodes/0/function", &["gg", "g"])]),
        (with(r#""op":"call","args":["x"]"#, g), &[("/graph/nodes/0", &["function"])]),
        (with(r#""op":"call","function":7,"args":["x"]"#, g), &[("/graph/nodes/0/function", &["name"])]),
        (with(r#""op":"call","function":"g","args":[]"#, g), &[("/graph/nodes/0/args", &["1", "0"])]),
        (with(r#""op":"call","function":"g","args":["x","x"]"#, g), &[("/graph/nodes/0/args", &["1", "2"])]),
        (with(r#""op":"exp","args":[{"op":"call","function":"two","args":["x"]}]"#, two), &[("/graph/nodes/0/args/0", &["item"])]),
        (with(r#""op":"item","args":[{"op":"call","function":"two","args":["x"]}],"index":2"#, two), &[("/graph/nodes/0/index", &["2"])]),
        (with(r#""op":"item","args":[{"op":"call","function":"two","args":["x"]}],"index":"z""#, two), &[("/graph/nodes/0/index", &["z"])]),
        (with(&call("g"), r#""g":{"inputs":["u"],"outputs":["x"]}"#), &[("/graph/functions/g/outputs/0", &["\"x\""])]),
        (with(&call("g"), r#""g":7"#), &[("/graph/functions/g", &["number"])]),
        (with(&call("g"), r#""g":{"inputs":["u"],"outputs":["u"],"name":"g"}"#), &[("/graph/functions/g/name", &["name"])]),
    ];
    let trial = Trial::start().await;
    for (body, faults) in table {
        trial.refused("/graph", body.as_str(), "invalid-graph", faults).await;
    }
    // Recursion, with itself, in a ring, and in a ring that nobody calls from outside.
    let long: Vec<String> = (0..900).map(|i| f(&format!("f{i}"), &format!("f{}", (i + 1) % 900))).collect();
    for (body, members) in [
        (with(&call("f"), &f("f", "f")), vec!["\"f\""]),
        (with(&call("f"), &[f("f", "h"), f("h", "f")].join(",")), vec!["\"f\"", "\"h\""]),
        (with(&call("f"), &[f("f", "h"), f("h", "k"), f("k", "h")].join(",")), vec!["\"h\"", "\"k\""]),
        (with(&call("f0"), &long.join(",")), vec!["\"f0\""]),
    ] {
        let problem = trial.problem("/graph", body.as_str()).await;
        assert_eq!(problem.kind, "/problems/invalid-graph", "{problem:?}");
        for member in members {
            assert!(problem.errors.iter().any(|fault| fault.detail.contains(member)), "{member}: {problem:?}");
        }
    }
    trial.end().await;
}

#[tokio::test]
async fn shapes_that_do_not_go_together_are_both_named() {
    let table: &[(String, &[Fault<'_>])] = &[
        (node(r#""op":"add","args":["v",{"const":[1,2]}]"#), &[("/graph/nodes/0", &["[3]", "[2]"])]),
        (node(r#""op":"where","args":["v","m",{"const":[1,2]}]"#), &[("/graph/nodes/0", &["[2]", "3]"])]),
        (node(r#""op":"matmul","args":["m","m"]"#), &[("/graph/nodes/0", &["[2, 3]", "[2, 3]"])]),
        (node(r#""op":"vecdot","args":["v",{"const":[1,2]}]"#), &[("/graph/nodes/0", &["[3]", "[2]"])]),
        (node(r#""op":"reshape","args":["m"],"shape":[4]"#), &[("/graph/nodes/0", &["[2, 3]", "[4]"])]),
        (node(r#""op":"reshape","args":["m"],"shape":[-1,4]"#), &[("/graph/nodes/0", &["[2, 3]", "4]"])]),
        (node(r#""op":"broadcast_to","args":["v"],"shape":[4]"#), &[("/graph/nodes/0", &["[3]", "[4]"])]),
        (node(r#""op":"concat","args":["m",{"const":[[1,2]]}]"#), &[("/graph/nodes/0", &["[2, 3]", "[1, 2]"])]),
        (node(r#""op":"stack","args":["v","x"]"#), &[("/graph/nodes/0", &["[3]", "[]"])]),
        (node(r#""op":"add","args":["x",{"op":"add","args":["v",{"const":[1,2]}]}]"#), &[("/graph/nodes/0/args/1", &["[3]", "[2]"])]),
    ];
    let trial = Trial::start().await;
    for (body, faults) in table {
        trial.refused("/graph", body.as_str(), "shape-mismatch", faults).await;
    }
    // A product of scalars, a squeeze of what is not 1: one shape, and what it should be.
    for op in [r#""op":"matmul","args":["x","v"]"#, r#""op":"squeeze","args":["v"],"axis":0"#] {
        let problem = trial.slug("/graph", node(op), "shape-mismatch|invalid-graph").await;
        assert_eq!(problem.errors[0].pointer, "/graph/nodes/0");
    }
    // In a called function the place is the function's.
    let body = r#"{"graph":{"inputs":[{"name":"x","shape":[2]}],"outputs":[{"name":"y","value":{"op":"call","function":"g","args":["x"]}}],
        "functions":{"g":{"inputs":[{"name":"u","shape":[2]}],"nodes":[{"name":"w","op":"add","args":["u",{"const":[1,2,3]}]}],"outputs":["w"]}}}}"#;
    let problem = trial.problem("/graph", body).await;
    assert_eq!(problem.kind, "/problems/shape-mismatch", "{problem:?}");
    assert!(problem.detail.contains("[2]") && problem.detail.contains("[3]"), "{problem:?}");
    trial.end().await;
}

#[tokio::test]
async fn only_one_scalar_has_a_gradient() {
    let trial = Trial::start().await;
    let at = r#""at":{"x":1}"#;
    for body in [
        format!(r#"{{"formula":"[x,x]",{at}}}"#),
        format!(r#"{{"formula":"[x]",{at}}}"#),
        format!(r#"{{"formula":"a=x;b=x","outputs":["a","b"],{at}}}"#),
    ] {
        trial.slug("/gradient", body.as_str(), "not-differentiable").await;
    }
    trial.end().await;
}

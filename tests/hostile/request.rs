//! The fields of a request: missing, unknown, contradictory, of the wrong kind.

use super::{Fault, Trial};

#[tokio::test]
async fn fields_are_told_apart() {
    let table: &[(&str, &str, &[Fault<'_>])] = &[
        ("/value", "{}", &[("", &["graph", "formula"])]),
        ("/graph", "{}", &[("", &["graph", "formula"])]),
        ("/value", r#"{"at":{"x":1}}"#, &[("", &["function"])]),
        ("/value", r#"{"formula":"x","graph":{"inputs":["x"],"outputs":["x"]},"at":{"x":1}}"#, &[("", &["formula", "graph"])]),
        ("/value", r#"{"formula":"x"}"#, &[("", &["at", "points"])]),
        ("/gradient", r#"{"formula":"x"}"#, &[("", &["point"])]),
        ("/value", r#"{"formla":"x","at":{"x":1}}"#, &[("/formla", &["formla", "formula"]), ("", &["function"])]),
        ("/value", r#"{"formula":"x","at":{"x":1},"pionts":[]}"#, &[("/pionts", &["points"])]),
        ("/gradient", r#"{"formula":"x","at":{"x":1},"wtr":["x"]}"#, &[("/wtr", &["wrt"])]),
        ("/jacobian", r#"{"formula":"x","at":{"x":1},"layuot":"numerator"}"#, &[("/layuot", &["layout"])]),
        ("/value", r#"{"formula":"x","at":{"x":1},"":0}"#, &[("/", &["field"])]),
        ("/value", r#"{"formula":"x","at":{"x":1},"a/b~c":0}"#, &[("/a~1b~0c", &["a/b~c"])]),
        ("/value", r#"{"formula":"x","at":{"x":1},"\u0000\n\u001b[31m":0}"#, &[("/\u{0}\n\u{1b}[31m", &["field"])]),
        // A field of another endpoint is unknown here.
        ("/value", r#"{"formula":"x","at":{"x":1},"tangent":{"x":1}}"#, &[("/tangent", &["field"])]),
        ("/jvp", r#"{"formula":"x","at":{"x":1},"tangent":{"x":1},"wrt":["x"]}"#, &[("/wrt", &["field"])]),
        ("/graph", r#"{"formula":"x","at":{"x":1}}"#, &[("/at", &["field"])]),
        ("/jvp", r#"{"formula":"x","at":{"x":1}}"#, &[("", &["tangent"])]),
        ("/vjp", r#"{"formula":"x","at":{"x":1}}"#, &[("", &["cotangent"])]),
        ("/hvp", r#"{"formula":"x","at":{"x":1}}"#, &[("", &["vector"])]),
        ("/hvp", r#"{"formula":"x","at":{"x":1},"tangent":{"x":1}}"#, &[("/tangent", &["field"]), ("", &["vector"])]),
        ("/hvp", r#"{"formula":"x","at":{"x":1},"vector":{"x":1},"mode":"forward"}"#, &[("/mode", &["field"])]),
        ("/hessian", r#"{"formula":"x","at":{"x":1},"mode":"compressed"}"#, &[("/mode", &["compressed", "forward"])]),
        ("/hessian", r#"{"formula":"x","at":{"x":1},"form":"sparse"}"#, &[("/form", &["sparse", "matrix"])]),
        ("/hessian", r#"{"formula":"x","at":{"x":1},"vector":{"x":1}}"#, &[("/vector", &["field"])]),
        ("/hessian", r#"{"formula":"x","at":{"x":1},"wrt":["y"]}"#, &[("/wrt/0", &["y"])]),
        ("/taylor", r#"{"formula":"x","at":{"x":1},"order":2}"#, &[("", &["direction"])]),
        ("/taylor", r#"{"formula":"x","at":{"x":1},"direction":{"x":1}}"#, &[("", &["order", "integer"])]),
        ("/taylor", r#"{"formula":"x","at":{"x":1},"direction":{"x":1},"order":2,"wrt":["x"]}"#, &[("/wrt", &["field"])]),
        ("/taylor", r#"{"formula":"x","at":{"x":1},"direction":{"x":1},"order":-1}"#, &[("/order", &["integer", "-1"])]),
        ("/taylor", r#"{"formula":"x","at":{"x":1},"direction":{"x":1},"order":1.5}"#, &[("/order", &["integer", "1.5"])]),
        ("/taylor", r#"{"formula":"x","at":{"x":1},"direction":{"x":1},"order":"3"}"#, &[("/order", &["string", "integer"])]),
        ("/taylor", r#"{"formula":"x","at":{"x":1},"direction":{"x":1},"order":null}"#, &[("/order", &["null", "integer"])]),
        ("/taylor", r#"{"formula":"x","at":{"x":1},"direction":{"x":1},"order":[3]}"#, &[("/order", &["list", "integer"])]),
        ("/value", "[]", &[("", &["list", "object"])]),
        ("/value", "7", &[("", &["number", "object"])]),
        ("/value", "null", &[("", &["null", "object"])]),
        ("/value", "\"x\"", &[("", &["string", "object"])]),
        ("/value", "true", &[("", &["boolean", "object"])]),
        ("/value", "-1e999", &[("", &["binary64"])]),
        ("/value", r#"{"formula":null,"at":{"x":1}}"#, &[("/formula", &["null", "string"])]),
        ("/value", r#"{"formula":["x"],"at":{"x":1}}"#, &[("/formula", &["list", "string"])]),
        ("/gradient", r#"{"formula":"x","at":{"x":1},"wrt":["y"]}"#, &[("/wrt/0", &["y"])]),
        ("/gradient", r#"{"formula":"x*yy","at":{"x":1,"yy":1},"wrt":["yyy"]}"#, &[("/wrt/0", &["yyy", "yy"])]),
        ("/gradient", r#"{"formula":"x","at":{"x":1},"wrt":["x","x"]}"#, &[("/wrt/1", &["twice"])]),
        ("/gradient", r#"{"formula":"x","at":{"x":1},"wrt":"x"}"#, &[("/wrt", &["string", "list"])]),
        ("/gradient", r#"{"formula":"x","at":{"x":1},"wrt":[0]}"#, &[("/wrt/0", &["number"])]),
        ("/gradient", r#"{"formula":"x","at":{"x":1},"wrt":{"x":1}}"#, &[("/wrt", &["object", "list"])]),
        ("/gradient", r#"{"formula":"x","at":{"x":1},"mode":"sideways"}"#, &[("/mode", &["sideways", "auto", "forward", "reverse"])]),
        ("/gradient", r#"{"formula":"x","at":{"x":1},"mode":1}"#, &[("/mode", &["number"])]),
        ("/value", r#"{"formula":"x","at":{"x":1},"diagnostics":1}"#, &[("/diagnostics", &["number", "true or false"])]),
        ("/gradient", r#"{"formula":"x","at":{"x":1},"diagnostics":"true"}"#, &[("/diagnostics", &["string", "true or false"])]),
        ("/jacobian", r#"{"formula":"x","at":{"x":1},"diagnostics":null}"#, &[("/diagnostics", &["null", "true or false"])]),
        ("/vjp", r#"{"formula":"x","at":{"x":1},"cotangent":{},"diagnostics":[true]}"#, &[("/diagnostics", &["list"])]),
        ("/value", r#"{"formula":"x","at":{"x":1},"diagnostic":true}"#, &[("/diagnostic", &["diagnostics"])]),
        ("/graph", r#"{"formula":"x","diagnostics":true}"#, &[("/diagnostics", &["field"])]),
        ("/jacobian", r#"{"formula":"x","at":{"x":1},"form":"martix"}"#, &[("/form", &["martix", "matrix"])]),
        ("/jacobian", r#"{"formula":"x","at":{"x":1},"layout":"Numerator"}"#, &[("/layout", &["numerator", "denominator"])]),
        ("/jacobian", r#"{"formula":"x","at":{"x":1},"layout":null}"#, &[("/layout", &["null"])]),
        ("/value", r#"{"formula":"y=x;z=x","at":{"x":1},"outputs":["q"]}"#, &[("/outputs/0", &["q"])]),
        ("/value", r#"{"formula":"y=x","at":{"x":1},"outputs":["y","y"]}"#, &[("/outputs/1", &["twice"])]),
        ("/value", r#"{"formula":"y=x","at":{"x":1},"outputs":"y"}"#, &[("/outputs", &["string", "list"])]),
        ("/value", r#"{"formula":"x","at":{"x":1},"inputs":["x","x"]}"#, &[("/inputs/1", &["twice"])]),
        ("/value", r#"{"formula":"x","at":{"x":1},"inputs":"x"}"#, &[("/inputs", &["string", "list"])]),
        ("/value", r#"{"formula":"x","at":{"x":1},"inputs":[1]}"#, &[("/inputs/0", &["number"])]),
        // All of those found.
        (
            "/jacobian",
            r#"{"formula":"x","at":{"x":1},"wtr":["x"],"form":"f","layout":"l"}"#,
            &[("/wtr", &["wrt"]), ("/form", &["blocks"]), ("/layout", &["numerator"])],
        ),
    ];
    let trial = Trial::start().await;
    for (path, body, faults) in table {
        trial.refused(path, *body, "invalid-request", faults).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn at_most_32_faults_are_listed() {
    let trial = Trial::start().await;
    let unknown: Vec<String> = (0..10_000).map(|i| format!(r#""unknown{i}":{i}"#)).collect();
    let problem = trial.problem("/value", format!(r#"{{"formula":"x","at":{{"x":1}},{}}}"#, unknown.join(","))).await;
    assert_eq!((problem.kind.as_str(), problem.errors.len()), ("/problems/invalid-request", 32));
    let ragged: Vec<String> = (0..10_000).map(|i| format!(r#"{{"x":"{i}"}}"#)).collect();
    let problem = trial.problem("/value", format!(r#"{{"formula":"x","points":[{}]}}"#, ragged.join(","))).await;
    assert_eq!((problem.kind.as_str(), problem.errors.len()), ("/problems/invalid-point", 32));
    let wrt: Vec<String> = (0..100_000).map(|i| format!(r#""y{i}""#)).collect();
    let problem = trial.problem("/gradient", format!(r#"{{"formula":"x","at":{{"x":1}},"wrt":[{}]}}"#, wrt.join(","))).await;
    assert_eq!((problem.kind.as_str(), problem.errors.len()), ("/problems/invalid-request", 32));
    // Each of 20,000 unknown names might be meant to be any of 20,000 others.
    let inputs: Vec<String> = (0..20_000).map(|i| format!(r#""input{i}""#)).collect();
    let nodes: Vec<String> = (0..20_000).map(|i| format!(r#"{{"name":"n{i}","op":"exp","args":["inptu{i}"]}}"#)).collect();
    let problem = trial.problem("/graph", super::graph(&inputs.join(","), &nodes.join(","), "\"n0\"", "")).await;
    assert_eq!((problem.kind.as_str(), problem.errors.len()), ("/problems/invalid-graph", 32));
    trial.end().await;
}

#[tokio::test]
async fn names_of_any_length_and_kind() {
    let trial = Trial::start().await;
    let long = "a".repeat(100_000);
    let input = format!(r#""{long}""#);
    // As long as a formula allows, and as long as a graph is given.
    let name = "a".repeat(256);
    let body = format!(r#"{{"formula":"{name}^2","at":{{"{name}":3}}}}"#);
    assert_eq!(trial.answered("/gradient", body).await["gradient"][&name], 6.0);
    let body = super::graph(&input, &format!(r#"{{"name":"b","op":"exp","args":[{input}]}}"#), "\"b\"", &format!(r#","at":{{{input}:0}}"#));
    assert_eq!(trial.answered("/value", body).await["value"]["b"], 1.0);
    // Wrong ones are not repeated whole, but in pointers.
    let table = [
        ("/value", format!(r#"{{"formula":"x","at":{{"x":1}},"{long}":1}}"#), "invalid-request"),
        ("/value", format!(r#"{{"formula":"x","at":{{"x":1,"{long}":1}}}}"#), "invalid-point"),
        ("/value", format!(r#"{{"formula":"x","at":{{"x":"{long}"}}}}"#), "invalid-point"),
        ("/value", format!(r#"{{"formula":"x","at":{{"x":1,"{long}":1,"{long}":1}}}}"#), "malformed-json"),
        ("/gradient", format!(r#"{{"formula":"x","at":{{"x":1}},"wrt":["{long}"]}}"#), "invalid-request"),
        ("/gradient", format!(r#"{{"formula":"x","at":{{"x":1}},"mode":"{long}"}}"#), "invalid-request"),
        ("/value", format!(r#"{{"formula":"x","at":{{"x":1}},"outputs":["{long}"]}}"#), "invalid-request"),
        ("/value", format!(r#"{{"formula":"{long}(x)","at":{{"x":1}}}}"#), "invalid-formula"),
        ("/value", format!(r#"{{"formula":"x ? {long}","at":{{"x":1}}}}"#), "invalid-formula"),
        ("/value", format!(r#"{{"formula":"{long} + y","at":{{"y":1}}}}"#), "invalid-formula"),
        ("/graph", super::graph("\"x\"", &format!(r#"{{"name":"a","op":"{long}","args":["x"]}}"#), "\"a\"", ""), "invalid-graph"),
        ("/graph", super::graph("\"x\"", &format!(r#"{{"name":"a","op":"exp","args":["{long}"]}}"#), "\"a\"", ""), "invalid-graph"),
        ("/graph", super::graph("\"x\"", &format!(r#"{{"name":"{long}","op":"exp","args":["{long}"]}}"#), "\"x\"", ""), "invalid-graph"),
        ("/graph", super::graph("\"x\"", &format!(r#"{{"name":"a","op":"sum","args":["x"],"{long}":1}}"#), "\"a\"", ""), "invalid-graph"),
        (
            "/graph",
            super::graph("\"x\"", &format!(r#"{{"name":"a","op":"sum","args":["x"],"axis":"{long}"}}"#), "\"a\"", ""),
            "invalid-graph",
        ),
        ("/graph", super::graph(&format!("{input},{input}"), "", &input, ""), "invalid-graph"),
        ("/graph", super::graph("\"x\"", "", &input, ""), "invalid-graph"),
        (
            "/graph",
            super::graph("\"x\"", &format!(r#"{{"name":"a","op":"call","function":"{long}","args":["x"]}}"#), "\"a\"", ""),
            "invalid-graph",
        ),
    ];
    for (path, body, slug) in table {
        trial.slug(path, body.as_str(), slug).await;
    }
    // What is no name, wherever a name is made: empty, digits first, spaces, controls, quotes, a lone dot.
    for name in
        ["", "1x", "a b", "a\\u0000", "a\\n", "\\u001b[2J", "a\\\"b", "../x", ".", "a.", ".a", "\\u200b", "x\\u202e", "1", "NaN\\u0301 "]
    {
        for (body, pointer) in [
            (super::graph(&format!("\"{name}\""), "", r#"{"name":"y","value":1}"#, ""), "/graph/inputs/0"),
            (super::graph(&format!(r#"{{"name":"{name}"}}"#), "", r#"{"name":"y","value":1}"#, ""), "/graph/inputs/0/name"),
            (super::graph("\"x\"", &format!(r#"{{"name":"{name}","op":"exp","args":["x"]}}"#), "\"x\"", ""), "/graph/nodes/0/name"),
            (super::graph("\"x\"", "", &format!(r#"{{"name":"{name}","value":"x"}}"#), ""), "/graph/outputs/0/name"),
        ] {
            let problem = trial.slug("/graph", body.as_str(), "invalid-graph").await;
            trial.check(problem.errors.iter().any(|fault| pointer.starts_with(&fault.pointer)), || format!("{body}: {problem:?}"));
        }
    }
    // What is one: letters of any script, dots inside.
    for name in ["θ", "été", "变量", "a.b.c", "_", "x_1", "Å"] {
        let body = super::graph(
            &format!("\"{name}\""),
            "",
            &format!(r#"{{"name":"y","value":{{"op":"square","args":["{name}"]}}}}"#),
            &format!(r#","at":{{"{name}":3}}"#),
        );
        assert_eq!(trial.answered("/gradient", body).await["gradient"][name], 6.0, "{name}");
    }
    trial.end().await;
}

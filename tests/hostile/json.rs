//! Bodies that are not JSON, are nested too deep, repeat a key, or are not text.

use super::{Trial, graph};

const PATHS: [&str; 6] = ["/value", "/gradient", "/jacobian", "/jvp", "/vjp", "/graph"];

/// Those that ask for nothing beside a function and a point.
const PLAIN: [&str; 3] = ["/value", "/gradient", "/jacobian"];

#[tokio::test]
async fn what_is_not_json_says_where() {
    let table: &[(&str, &[&str])] = &[
        ("", &["empty"]),
        (" \n ", &["empty"]),
        ("{", &["line 1", "column 1"]),
        ("{\"formula\": \"x\",\n\"at\": {\"x\": 1}", &["line 2", "column 14"]),
        ("{\"formula\": \"x\",\n\"at\": {\"x\": 1}}}", &["line 2", "column 16"]),
        ("{\"formula\": \"x\n\"}", &["line"]),
        ("{\"formula\": \"x\", \"at\": {\"x\": .5}}", &["line 1"]),
        ("{\"formula\": \"x\", \"at\": {\"x\": 1.}}", &["line 1"]),
        ("{\"formula\": \"x\", \"at\": {\"x\": 01}}", &["line 1"]),
        ("{\"formula\": \"x\", \"at\": {\"x\": +1}}", &["line 1"]),
        ("{\"formula\": \"x\", \"at\": {\"x\": 0x1}}", &["line 1"]),
        ("{\"formula\": \"x\", \"at\": {\"x\": 1e}}", &["line 1"]),
        ("{\"formula\": \"x\", \"at\": {\"x\": -}}", &["line 1"]),
        ("{\"formula\": \"x\", \"at\": {\"x\": Infinity}}", &["line 1"]),
        ("{\"formula\": \"x\", \"at\": {\"x\": 1,}}", &["line 1"]),
        ("{\"formula\": \"x\", \"at\": [1,]}", &["line 1"]),
        ("{'formula': 'x'}", &["line 1", "column 2"]),
        ("{formula: 1}", &["line 1"]),
        ("{\"formula\": \"x\"} // so", &["line 1"]),
        ("{\"formula\": \"\\x\"}", &["line 1"]),
        ("{\"formula\": \"\\u12\"}", &["line 1"]),
        ("{\"\\ud800\": 1}", &["line 1"]),
    ];
    let trial = Trial::start().await;
    for path in PATHS {
        for (body, words) in table {
            let problem = trial.slug(path, *body, "malformed-json").await;
            let said = words.iter().all(|word| problem.detail.contains(word));
            trial.check(said, || format!("{path} {body}: {words:?} expected: {}", problem.detail));
        }
    }
    trial.end().await;
}

#[tokio::test]
async fn what_is_not_text_is_not_json() {
    let trial = Trial::start().await;
    let table: &[&[u8]] = &[
        br#"{"formula": "x", "at": {"\ud800": 1}}"#,
        br#"{"formula": "\ud800", "at": {}}"#,
        br#"{"formula": "\udc00\ud800", "at": {}}"#,
        b"{\"formula\": \"x\xff\", \"at\": {\"x\": 1}}",
        b"{\"formula\": \"x\", \"at\": {\"\xc3\x28\": 1}}",
        b"{\"formula\": \"x\", \"at\": {\"x\": \"\xed\xa0\x80\"}}",
        b"{\"formula\": \"x\", \"at\": {\"x\": 1}, \"\xff\": 1}",
        b"\xff\xfe{\x00}\x00",
        b"\x00",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    ];
    for path in PLAIN {
        for body in table {
            trial.slug(path, *body, "malformed-json").await;
        }
    }
    trial.end().await;
}

#[tokio::test]
async fn a_byte_order_mark_is_named() {
    let trial = Trial::start().await;
    let problem = trial.problem("/value", "\u{feff}{\"formula\": \"x\", \"at\": {\"x\": 1}}").await;
    assert_eq!(problem.kind, "/problems/malformed-json");
    assert!(problem.detail.contains("line 1"), "{problem:?}");
    trial.end().await;
}

#[tokio::test]
async fn a_key_stands_once() {
    let node = |text: &str| graph(r#""x""#, text, r#""a""#, r#","at":{"x":1}"#);
    let table: &[(&str, String, &str)] = &[
        ("/value", r#"{"formula":"x","at":{"x":1},"formula":"x"}"#.into(), "/formula"),
        ("/value", r#"{"formula":"x","at":{"x":1},"f\u006frmula":"x"}"#.into(), "/formula"),
        ("/gradient", r#"{"formula":"x","at":{"x":1},"at":{"x":1}}"#.into(), "/at"),
        ("/gradient", r#"{"formula":"x","at":{"x":1,"x":1}}"#.into(), "/at/x"),
        ("/value", r#"{"formula":"x","points":[{"x":1},{"x":1,"x":1}]}"#.into(), "/points/1/x"),
        ("/value", r#"{"formula":"x","points":{"x":[1],"x":[1]}}"#.into(), "/points/x"),
        ("/jvp", r#"{"formula":"x","at":{"x":1},"tangent":{"x":1,"x":1}}"#.into(), "/tangent/x"),
        ("/vjp", r#"{"formula":"x","at":{"x":1},"cotangent":{"f":1,"f":1}}"#.into(), "/cotangent/f"),
        ("/value", node(r#"{"name":"a","op":"exp","op":"exp","args":["x"]}"#), "/graph/nodes/0/op"),
        ("/value", node(r#"{"name":"a","op":"exp","args":["x"],"args":["x"]}"#), "/graph/nodes/0/args"),
        ("/value", node(r#"{"name":"a","op":"sum","axis":0,"args":["x"],"axis":0}"#), "/graph/nodes/0/axis"),
        ("/value", node(r#"{"name":"a","op":"exp","args":[{"op":"sin","op":"sin","args":["x"]}]}"#), "/graph/nodes/0/args/0/op"),
        ("/value", node(r#"{"name":"a","op":"exp","args":[{"const":1,"const":1}]}"#), "/graph/nodes/0/args/0/const"),
        ("/graph", r#"{"graph":{"inputs":["x"],"outputs":["x"],"inputs":["x"]}}"#.into(), "/graph/inputs"),
        ("/graph", r#"{"graph":{"inputs":[{"name":"x","shape":[],"name":"x"}],"outputs":["x"]}}"#.into(), "/graph/inputs/0/name"),
        (
            "/graph",
            r#"{"graph":{"inputs":["x"],"outputs":["x"],"functions":{"g":{"inputs":[],"outputs":[]},"g":{"inputs":[],"outputs":[]}}}}"#
                .into(),
            "/graph/functions/g",
        ),
    ];
    let trial = Trial::start().await;
    for (path, body, pointer) in table {
        trial.refused(path, body.as_str(), "malformed-json", &[(pointer, &["twice"])]).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn nesting_has_an_end() {
    let deep = |n: usize| (vec![b'['; n], vec![b']'; n]);
    let trial = Trial::start().await;
    // Closed and left open; lists and objects; as deep as just not allowed and as 10⁵.
    for n in [129, 100_000] {
        let (open, close) = deep(n);
        let (open, close) = (String::from_utf8(open).unwrap(), String::from_utf8(close).unwrap());
        let (objects, ends) = (r#"{"op":"exp","args":["#.repeat(n), "]}".repeat(n));
        let keys = "{\"a\":".repeat(n);
        let rest = r#","at":{"x":1}"#;
        let node = |text: String| graph(r#""x""#, &format!(r#"{{"name":"a",{text}}}"#), r#""a""#, rest);
        let read = [
            format!(r#"{{"formula":"x","at":{{"x":{open}1{close}}}}}"#),
            format!(r#"{{"formula":"x","at":{{"x":{open}"#),
            format!(r#"{{"formula":"x","points":[{{"x":{open}1{close}}}]}}"#),
            format!(r#"{{"formula":"x","points":{{"x":{open}1{close}}}}}"#),
            node(format!(r#""op":"exp","args":[{objects}"x"{ends}]"#)),
            node(format!(r#""op":"exp","args":[{{"const":{open}1{close}}}]"#)),
            node(format!(r#""op":"sum","args":["x"],"axis":{open}1{close}"#)),
            format!(r#"{{"graph":{{"inputs":["x"],"outputs":["x"],"functions":{}}}}}"#, r#"{"g":{"functions":"#.repeat(n)),
            open.clone(),
            keys.clone(),
        ];
        for body in read {
            trial.slug("/value", body, "malformed-json").await;
        }
        // Where nothing so deep belongs it is passed over, and what should be there may be said instead.
        let passed_over = [
            format!(r#"{{"formula":"x","points":{open}1{close}}}"#),
            format!(r#"{{"formula":"x","at":{{"x":1}},"unknown":{open}{close}}}"#),
            format!(r#"{{"formula":"x","at":{{"x":1}},"unknown":{keys}1{}}}"#, "}".repeat(n)),
            format!(r#"{{"formula":"x","at":{{"x":1,"unknown":{open}{close}}}}}"#),
            format!(r#"{{"formula":"x","at":{{"x":1}},"wrt":{open}{close}}}"#),
            format!(r#"{{"formula":"x","at":{{"x":1}},"inputs":{open}{close}}}"#),
            format!(r#"{{"formula":{open}{close},"at":{{"x":1}}}}"#),
            node(format!(r#""op":"exp","args":[{open}{close}]"#)),
            node(format!(r#""op":{open}{close},"args":["x"]"#)),
            graph(&format!(r#"{{"name":"x","shape":{open}{close}}}"#), "", r#""x""#, rest),
            graph(&open, "", "", rest) + &close,
            format!("{open}{close}"),
        ];
        for body in passed_over {
            trial.slug("/value", body.as_str(), "malformed-json|invalid-request|invalid-graph|invalid-point").await;
            trial.slug("/graph", body, "malformed-json|invalid-request|invalid-graph").await;
        }
    }
    // As deep as is allowed: an inline node is two levels.
    let body = format!(r#"{}"x"{}"#, r#"{"op":"negative","args":["#.repeat(60), "]}".repeat(60));
    let body = graph(r#""x""#, "", &format!(r#"{{"name":"y","value":{body}}}"#), r#","at":{"x":-0.5}"#);
    assert_eq!(trial.answered("/value", body).await["value"]["y"], -0.5);
    trial.end().await;
}

#[tokio::test]
async fn functions_nest_as_deep_as_json_does() {
    let nested = |depth: usize| {
        let open = r#""functions":{"g":{"inputs":["x"],"outputs":[{"name":"y","value":{"op":"call","function":"g","args":["x"]}}],"#;
        let last = r#""functions":{"g":{"inputs":["x"],"outputs":[{"name":"y","value":{"op":"exp","args":["x"]}}]}}"#;
        let call = r#"{"name":"y","value":{"op":"call","function":"g","args":["x"]}}"#;
        format!(r#"{{"graph":{{"inputs":["x"],"outputs":[{call}],{}{last}{}}},"at":{{"x":0}}}}"#, open.repeat(depth), "}}".repeat(depth))
    };
    let trial = Trial::start().await;
    assert_eq!(trial.answered("/value", nested(50)).await["value"]["y"], 1.0);
    for depth in [64, 50_000] {
        assert_eq!(trial.problem("/value", nested(depth)).await.kind, "/problems/malformed-json");
    }
    trial.end().await;
}

//! A registered function is the function that was registered: the same answers to the bit, however it is referred to, and one id for
//! all of its spellings.

use serde_json::{Map, Value, json};

use crate::support::Server;

/// Registers a function; its id.
async fn register(server: &Server, body: &Value) -> String {
    let answer = server.post("/functions", body).await;
    answer["id"].as_str().unwrap_or_else(|| panic!("{body}: {answer}")).to_owned()
}

fn with(body: &Value, more: Value) -> Value {
    let mut body = body.as_object().unwrap().clone();
    body.extend(more.as_object().unwrap().clone());
    Value::Object(body)
}

/// Functions with a point, a direction and a direction back.
fn functions() -> Vec<(Value, Value, Value, Value)> {
    let polar = json!({"inputs": ["r", "t"],
        "nodes": [{"name": "x", "op": "multiply", "args": ["r", {"op": "cos", "args": ["t"]}]},
                  {"name": "y", "op": "multiply", "args": ["r", {"op": "sin", "args": ["t"]}]}],
        "outputs": ["x", {"name": "area", "value": {"op": "multiply", "args": ["x", "y"]}}]});
    let looped = json!({"inputs": [{"name": "v", "shape": [3]}, "k"],
        "functions": {"step": {"inputs": ["c", "e", "k"], "nodes": [], "outputs": [
            {"name": "n", "value": {"op": "add", "args": [{"op": "multiply", "args": ["c", "k"]}, {"op": "sin", "args": ["e"]}]}}]}},
        "nodes": [{"name": "total", "op": "scan", "args": [0.5, "v", "k"], "function": "step"}],
        "outputs": ["total"]});
    vec![
        (json!({"formula": "x^2 * sin(y)"}), json!({"x": 3, "y": 0.5}), json!({"x": 1, "y": -2}), json!({"f": 2})),
        (
            json!({"formula": "a = w / s; g = sum(a^2); h = a * exp(g)", "inputs": [{"name": "w", "shape": [2]}, "s"], "outputs": ["h", "g"]}),
            json!({"w": [0.3, -0.7], "s": 1.3}),
            json!({"w": [1, 0.5]}),
            json!({"h": [0, 1], "g": 2}),
        ),
        (json!({"graph": polar}), json!({"r": 2, "t": 0.75}), json!({"t": 1}), json!({"x": 1, "area": 3})),
        (json!({"graph": looped}), json!({"v": [0.1, 0.2, 0.3], "k": 0.9}), json!({"k": 1}), json!({"total": 1})),
        (json!({"formula": "sum(x * [1, 2, 3, 4, 5, 6, 7, 8, 9, 1e-320]) + x"}), json!({"x": 0.1}), json!({"x": 1}), json!({"f": 1})),
    ]
}

/// The requests that can be put to it.
fn requests(point: &Value, direction: &Value, back: &Value) -> Vec<(&'static str, Value)> {
    let columns: Map<String, Value> =
        point.as_object().unwrap().iter().map(|(name, value)| (name.clone(), json!([value, value]))).collect();
    vec![
        ("value", json!({"at": point})),
        ("value", json!({"points": [point, point]})),
        ("jacobian", json!({"at": point, "form": "matrix"})),
        ("jacobian", json!({"points": columns, "layout": "denominator"})),
        ("jvp", json!({"at": point, "tangent": direction})),
        ("vjp", json!({"at": point, "cotangent": back})),
        ("taylor", json!({"at": point, "direction": direction, "order": 3})),
        ("check", json!({"at": point})),
        ("derivative", json!({"of": "jvp"})),
        ("graph", json!({})),
        ("gradient", json!({"at": point})),
        ("hessian", json!({"at": point})),
        ("hvp", json!({"at": point, "vector": direction})),
    ]
}

/// An answer without what a notation says of inner nodes, and an error without its places.
fn numbers(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(object) = answer.as_object_mut() {
        for field in ["graph", "formula", "latex", "instance", "errors"] {
            object.remove(field);
        }
    }
    answer
}

#[tokio::test]
async fn a_registered_function_answers_as_it_was_written() {
    let server = Server::start().await;
    let mut compared = 0;
    for (number, (function, point, direction, back)) in functions().into_iter().enumerate() {
        let name = format!("f{number}");
        let id = register(&server, &with(&function, json!({"name": name}))).await;
        for (endpoint, request) in requests(&point, &direction, &back) {
            let written = server.post(&format!("/{endpoint}"), &with(&request, function.clone())).await;
            for reference in [&id, &name] {
                // twice, of which the second finds its program
                for _ in 0..2 {
                    let by_body = server.post(&format!("/{endpoint}"), &with(&request, json!({"function": reference}))).await;
                    let by_path = server.post(&format!("/functions/{reference}/{endpoint}"), &request).await;
                    for answer in [&by_body, &by_path] {
                        assert_eq!(numbers(answer), numbers(&written), "{function} {endpoint} {request}");
                    }
                    compared += usize::from(written["status"].is_null());
                }
            }
        }
    }
    assert!(compared >= 200, "{compared}");
}

#[tokio::test]
async fn stages_may_be_registered() {
    let server = Server::start().await;
    register(&server, &json!({"formula": "x = r*cos(t); y = r*sin(t)", "outputs": ["x", "y"], "inputs": ["r", "t"], "name": "polar"}))
        .await;
    register(&server, &json!({"formula": "hypot(u, v)", "name": "length"})).await;
    let written = json!({"stages": [{"formula": "x = r*cos(t); y = r*sin(t)", "outputs": ["x", "y"], "inputs": ["r", "t"]}, {"formula": "hypot(u, v)"}, {"formula": "z^2"}],
        "at": {"r": 2, "t": 0.75}});
    let expected = server.post("/chain", &written).await;
    assert!(expected["jacobian"].is_array(), "{expected}");
    for text in [
        r#"{"stages": [{"function": "polar"}, {"function": "length"}, {"formula": "z^2"}], "at": {"r": 2, "t": 0.75}}"#,
        r#"{"stages": [{"\u0066unction": "polar"}, {"function": "\u006cength"}, {"formula": "z^2"}], "at": {"r": 2, "t": 0.75}}"#,
    ] {
        for _ in 0..2 {
            assert_eq!(serde_json::from_str::<Value>(&server.send("/chain", &[], text).await.text).unwrap(), expected, "{text}");
        }
    }
    // a name that comes to mean something else is something else in the next request
    let tag = server.get("/functions/length").await.headers["etag"].to_str().unwrap().to_owned();
    let put = server.ask("PUT", "/functions/length", &[("if-match", &tag)], r#"{"formula": "u - v"}"#).await;
    assert_eq!(put.status, 200, "{}", put.text);
    let text = r#"{"stages": [{"function": "polar"}, {"function": "length"}, {"formula": "z^2"}], "at": {"r": 2, "t": 0.75}}"#;
    let changed: Value = serde_json::from_str(&server.send("/chain", &[], text).await.text).unwrap();
    let by_hand = server
        .post("/chain", &json!({"stages": [written["stages"][0], {"formula": "u - v"}, {"formula": "z^2"}], "at": {"r": 2, "t": 0.75}}))
        .await;
    assert_eq!(changed, by_hand);
    assert_ne!(changed, expected);
}

#[tokio::test]
async fn one_function_has_one_id() {
    let server = Server::start().await;
    let node = |name: &str, op: &str, args: Value| json!({"name": name, "op": op, "args": args});
    let graph = |inputs: Value, nodes: Vec<Value>, outputs: Value| json!({"graph": {"inputs": inputs, "nodes": nodes, "outputs": outputs}});
    let (square, sine, product) =
        (node("a", "square", json!(["x"])), node("b", "sin", json!(["y"])), node("f", "multiply", json!(["a", "b"])));
    let same = [
        graph(json!(["x", "y"]), vec![square.clone(), sine.clone(), product.clone()], json!(["f"])),
        // nodes in another order, under other names, inline, and some that nobody needs
        graph(json!(["x", "y"]), vec![product.clone(), sine.clone(), square.clone()], json!(["f"])),
        graph(
            json!(["x", "y"]),
            vec![node("p", "square", json!(["x"])), node("q", "sin", json!(["y"]))],
            json!([{"name": "f", "value": {"op": "*", "args": ["p", "q"]}}]),
        ),
        graph(json!(["x", "y"]), vec![node("unused", "exp", json!(["y"])), square.clone(), sine.clone(), product.clone()], json!(["f"])),
        json!({"formula": "square(x) * sin(y)"}),
        json!({"formula": "s = sin(y); square(x) * s", "inputs": ["x", "y"]}),
        json!({"formula": "square(x)*sin(y) # the same"}),
    ];
    let id = register(&server, &same[0]).await;
    assert_eq!(id.len(), 64);
    for spelling in &same[1..] {
        assert_eq!(register(&server, spelling).await, id, "{spelling}");
    }
    let others = [
        // other names of inputs and outputs, in another order, of another shape: another thing to call
        json!({"formula": "square(u) * sin(y)"}),
        json!({"formula": "g = square(x) * sin(y)"}),
        json!({"formula": "square(x) * sin(y)", "inputs": ["y", "x"]}),
        json!({"formula": "square(x) * sin(y)", "inputs": [{"name": "x", "shape": [2]}, "y"]}),
        json!({"formula": "square(x) * sin(y)", "inputs": ["x", "y", "z"]}),
        json!({"formula": "square(x) * cos(y)"}),
        json!({"formula": "square(x) * sin(y) + 0"}),
        json!({"formula": "f = square(x) * sin(y); h = f", "outputs": ["f", "h"]}),
    ];
    let mut ids = vec![id];
    for other in &others {
        ids.push(register(&server, other).await);
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

/// What is shown of a function is the same whoever wrote it, and has nothing of him but the names of its inputs and outputs.
#[tokio::test]
async fn one_function_has_one_text() {
    let node = |name: &str, op: &str, args: Value| json!({"name": name, "op": op, "args": args});
    let flat = [
        json!({"formula": "square(x) * sin(n1) + square(x)", "inputs": ["x", "n1"]}),
        json!({"graph": {"inputs": ["x", "n1"],
            "nodes": [node("secret_sum", "add", json!(["secret_b", "secret_a"])), node("secret_unused", "exp", json!(["x"])),
                node("secret_b", "multiply", json!(["secret_a", "alpha_secret"])), node("alpha_secret", "sin", json!(["n1"])),
                node("secret_a", "square", json!(["x"]))],
            "outputs": [{"name": "f", "value": "secret_sum"}]}}),
        json!({"graph": {"inputs": ["x", "n1"], "nodes": [node("f", "add", json!([
            {"op": "multiply", "args": [{"op": "square", "args": ["x"]}, {"op": "sin", "args": ["n1"]}]}, {"op": "square", "args": ["x"]}]))],
            "outputs": ["f"]}}),
    ];
    let step = |names: [&str; 3], nodes: Vec<Value>, out: &str| json!({"inputs": names, "nodes": nodes, "outputs": [out]});
    let (product, sine) = (node("secret_p", "multiply", json!(["c", "k"])), node("q", "sin", json!(["e"])));
    let sum = node("n", "add", json!(["secret_p", "q"]));
    let loops = |functions: Value, first: &str, second: &str| {
        json!({"graph": {"inputs": [{"name": "v", "shape": [3]}, "k"], "functions": functions,
            "nodes": [{"name": "secret_total", "op": "scan", "args": [0.5, "v", "k"], "function": first},
                {"name": "other", "op": "scan", "args": [1.5, "v", "k"], "function": second}],
            "outputs": [{"name": "total", "value": "secret_total"}, {"name": "second", "value": "other"}]}})
    };
    let (one, two) = (
        step(["c", "e", "k"], vec![product.clone(), sine.clone(), sum.clone()], "n"),
        step(["c", "e", "k"], vec![sine, product, sum], "n"),
    );
    let renamed = step(
        ["secret_carry", "x", "y1"],
        vec![node("z", "add", json!([{"op": "multiply", "args": ["secret_carry", "y1"]}, {"op": "sin", "args": ["x"]}]))],
        "z",
    );
    let looped = [
        loops(json!({"secret_step": one}), "secret_step", "secret_step"),
        loops(json!({"a": one, "b": two}), "a", "b"),
        loops(json!({"a": renamed, "b": one}), "b", "a"),
    ];
    for spellings in [flat.as_slice(), looped.as_slice()] {
        let mut shown = Vec::new();
        for spelling in spellings {
            // each is the first that its server hears of
            let server = Server::start().await;
            let made = server.post("/functions", spelling).await;
            let mut function: Value =
                serde_json::from_str(&server.get(&format!("/functions/{}", made["id"].as_str().unwrap())).await.text).unwrap();
            function.as_object_mut().unwrap().remove("created");
            let graph = server.post(&format!("/functions/{}/graph", made["id"].as_str().unwrap()), &json!({})).await;
            for text in [function.to_string(), graph.to_string()] {
                assert!(!text.contains("secret"), "{text}");
            }
            assert_eq!(function["cost"], made["cost"]);
            shown.push((function, graph));
        }
        assert!(shown.iter().all(|other| *other == shown[0]), "{shown:#?}");
    }
}

/// Ids are kept by those who were told them, and by stores: no version of the server gives a function another.
#[tokio::test]
async fn ids_outlive_versions() {
    let server = Server::start().await;
    for (function, id) in [
        (json!({"formula": "x^2 * sin(y)"}), "28e92a5d82af57ba253fa0835fc9447e1471c69572f6f7d308fca197ccb50379"),
        (json!({"formula": "x^2 * cos(y)"}), "627feea445a51a4562c43e4763ab277249f1737187284c31555caf73af73cbe8"),
    ] {
        assert_eq!(register(&server, &function).await, id, "{function}");
    }
}

/// What is shown of a function is that function: sent back it has the same id.
#[tokio::test]
async fn what_is_shown_is_what_was_registered() {
    let server = Server::start().await;
    let mut checked = 0;
    let documented = nablad::service::Endpoint::ALL.into_iter().flat_map(nablad::api::example_requests).map(|example| example.body);
    let derived = [
        json!({"formula": "exp(sin(x) * y) + logsumexp([x, y, x*y])", "of": "hessian"}),
        json!({"formula": "sum(sort(w)) + norm", "inputs": [{"name": "w", "shape": [12]}, "norm"], "of": "gradient"}),
        json!({"graph": functions()[3].0["graph"], "of": "vjp"}),
        json!({"formula": "sum(matmul(A, w)^2)", "inputs": [{"name": "A", "shape": [9, 9]}, {"name": "w", "shape": [9]}], "of": "jacobian"}),
    ];
    let mut bodies: Vec<Value> = documented.chain(functions().into_iter().map(|(function, ..)| function)).collect();
    for request in &derived {
        bodies.push(server.post("/derivative", request).await);
    }
    for body in bodies {
        let fields =
            ["graph", "formula", "inputs", "outputs"].into_iter().filter_map(|field| Some((field.to_owned(), body.get(field)?.clone())));
        let mut function: Map<String, Value> = fields.collect();
        if function.contains_key("graph") {
            // of a derivative, the graph is what counts
            function.retain(|field, _| field == "graph");
        }
        if function.is_empty() {
            continue;
        }
        let id = register(&server, &Value::Object(function.clone())).await;
        let shown: Value = serde_json::from_str(&server.get(&format!("/functions/{id}")).await.text).unwrap();
        assert_eq!(register(&server, &json!({"graph": shown["graph"]})).await, id, "{function:?}");
        // and the first of another server, the same text
        let other = Server::start().await;
        assert_eq!(register(&other, &json!({"graph": shown["graph"]})).await, id);
        let again: Value = serde_json::from_str(&other.get(&format!("/functions/{id}")).await.text).unwrap();
        assert_eq!((&again["graph"], &again["cost"]), (&shown["graph"], &shown["cost"]), "{function:?}");
        checked += 1;
    }
    assert!(checked >= 30, "{checked}");
}

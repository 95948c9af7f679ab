//! Tensor operators from outside: their attributes through every notation, and what is said of those that do not fit.

use serde_json::{Map, Value, json};

use crate::support::Server;

/// One of each kind of attribute.
fn functions() -> Vec<(&'static str, Value)> {
    let (a, b, x) =
        (json!([[0.5, -1.5, 2.0], [0.25, 3.0, -0.75]]), json!([[1.0, 0.5], [-2.0, 3.0], [0.1, 0.2]]), json!([3.0, 0.1, -0.7, 0.1]));
    vec![
        ("einsum(A, B, subscripts=\"ij,jk->ik\")", json!({"A": a, "B": b})),
        ("einsum(A, B, subscripts='ij,jk')", json!({"A": a, "B": b})),
        ("einsum(A, subscripts=\"...i->i...\")", json!({"A": a})),
        ("interp(x, xp=[-1, -0.0, 0.1, 5e-1], fp=[0.1, -3e-300, 1e300, -0.0])", json!({"x": x})),
        ("roll(A, shift=[1, -1], axis=[0, 1]) + roll(A, shift=2)", json!({"A": a})),
        ("tile(one_hot(indices=[[0, -1], [2, 1]], size=4), repetitions=[1, 2]) * sum(x)", json!({"x": x})),
        ("var(x, correction=0.1) * std(x, axis=0, keepdims=true)", json!({"x": x})),
        ("tensordot(A, B, axes=[[0], [1]]) + 0 * tensordot(A, B, axes=1)[0, 0]", json!({"A": a, "B": b})),
        ("sort(x, descending=true) - sort(x)", json!({"x": x})),
        ("convolve(x, [1, 2, 3], mode=\"same\")", json!({"x": x})),
        ("matrix_norm(A, ord=\"inf\") + matrix_norm(A, ord=1) + matrix_norm(A)", json!({"A": a})),
        ("diag(x, offset=-1) + tril(diag(x, offset=1), k=1) + triu(diag(flip(x), offset=1))", json!({"x": x})),
        ("cumulative_sum(x, reverse=true) * cumulative_prod(A, axis=1)[0, 0] + trace(A, offset=1)", json!({"x": x, "A": a})),
        ("polyval([2, 0, -1.5], x) + cross([1, 2, 3], A)[0, 0] + kron(x, [1])", json!({"x": x, "A": a})),
    ]
}

fn declared(at: &Value) -> Value {
    let sizes = |value: &Value| {
        let (mut sizes, mut level) = (Vec::new(), value);
        while let Some(items) = level.as_array() {
            sizes.push(items.len());
            level = &items[0];
        }
        sizes
    };
    at.as_object().expect("a point").iter().map(|(name, value)| json!({"name": name, "shape": sizes(value)})).collect()
}

/// The outputs of a graph with every node and every function written out where it is used: what two graphs have in common that differ
/// in names and in the order of nodes.
fn written_out(graph: &Value) -> Value {
    let mut graph = graph.clone();
    let functions = graph["functions"].take();
    let names = graph["inputs"].as_array().expect("inputs").iter();
    let inputs: Map<String, Value> = names
        .enumerate()
        .map(|(i, input)| {
            (input["name"].as_str().or(input.as_str()).expect("a name").to_owned(), json!({"input": i, "shape": input["shape"]}))
        })
        .collect();
    let nodes = graph["nodes"].as_array().expect("nodes").clone();
    let mut known = inputs;
    let expanded = |value: &Value, known: &Map<String, Value>| match value {
        Value::String(name) => known.get(name).unwrap_or_else(|| panic!("no {name} yet")).clone(),
        constant => constant.clone(),
    };
    for node in nodes {
        let mut node = node.as_object().expect("a node").clone();
        let name = node.remove("name").expect("a name");
        let args: Vec<Value> = node["args"].as_array().expect("arguments").iter().map(|arg| expanded(arg, &known)).collect();
        node.insert("args".into(), args.into());
        for attribute in ["function", "condition", "body", "guard"] {
            if let Some(Value::String(name)) = node.get(attribute) {
                let mut body = functions[name].clone();
                body["functions"] = functions.clone();
                node.insert(attribute.into(), written_out(&body));
            }
        }
        known.insert(name.as_str().expect("a name").to_owned(), node.into());
    }
    let outputs = graph["outputs"].as_array().expect("outputs").iter();
    let named = outputs.map(|output| match output {
        Value::String(name) => json!([name, expanded(output, &known)]),
        output => json!([output["name"], expanded(&output["value"], &known)]),
    });
    named.collect()
}

#[tokio::test]
async fn attributes_survive_every_notation() {
    let server = Server::start().await;
    for (formula, at) in functions() {
        let value = server.post("/jacobian", &json!({"formula": formula, "at": at})).await;
        assert!(value["value"].is_object(), "{formula}: {value}");
        let first = server.post("/graph", &json!({"formula": formula, "inputs": declared(&at)})).await;
        assert!(first["latex"].as_str().is_some_and(|latex| !latex.is_empty()), "{formula}: {first}");
        for function in [json!({"graph": first["graph"]}), json!({"formula": first["formula"], "inputs": declared(&at)})] {
            let again = server.post("/graph", &function).await;
            assert_eq!(written_out(&again["graph"]), written_out(&first["graph"]), "{formula}");
            if function["graph"].is_object() {
                assert_eq!(again["graph"], first["graph"], "{formula}");
            } else {
                assert_eq!((&again["formula"], &again["latex"]), (&first["formula"], &first["latex"]), "{formula}");
            }
            let mut request = function;
            request.as_object_mut().expect("a function").remove("inputs");
            request["at"] = at.clone();
            // the derivatives of one function have the same bits, however it is written
            assert_eq!(server.post("/jacobian", &request).await, value, "{formula}");
        }
    }
}

/// Functions in functions, and their derivatives, which have more of them: what comes back is the same to the letter when it is sent again.
#[tokio::test]
async fn functions_survive_the_way_there_and_back() {
    let server = Server::start().await;
    let rows = include_str!("../reference/structure.jsonl").lines().map(|line| serde_json::from_str::<Value>(line).expect("a row"));
    for row in rows {
        let (name, at) = (&row["name"], &row["request"]["at"]);
        let own = server.post("/graph", &json!({"graph": row["request"]["graph"]})).await;
        let slopes = server.post("/derivative", &json!({"graph": row["request"]["graph"], "of": "jacobian", "value": true})).await;
        assert_eq!(stated(&own["graph"], &row["request"]["graph"]), Vec::<String>::new(), "{name}");
        let value = server.post("/jacobian", &row["request"]).await;
        assert_eq!(server.post("/jacobian", &json!({"graph": own["graph"], "at": at})).await, value, "{name}");
        for first in [own, slopes] {
            let again = server.post("/graph", &json!({"graph": first["graph"]})).await;
            assert_eq!(again["graph"], first["graph"], "{name}");
            assert_eq!((&again["inputs"], &again["outputs"]), (&first["inputs"], &first["outputs"]), "{name}");
            let third = server.post("/graph", &json!({"graph": again["graph"]})).await;
            assert_eq!(third, again, "{name}");
        }
    }
}

/// Attributes of `given` that stand nowhere in `graph`: all but names of functions, what an item is called, and axes, which get a list.
fn stated(graph: &Value, given: &Value) -> Vec<String> {
    let all = |graph: &Value| {
        let (mut found, mut stack) = (Vec::new(), vec![graph.clone()]);
        while let Some(value) = stack.pop() {
            match value {
                Value::Array(items) => stack.extend(items),
                Value::Object(fields) => {
                    for (key, value) in &fields {
                        if ["carry", "xs", "length", "max_steps", "tolerance", "method", "steps"].contains(&key.as_str())
                            && !fields.contains_key("inputs")
                        {
                            found.push(format!("{} {key} {value}", fields["op"]));
                        }
                    }
                    stack.extend(fields.into_iter().map(|(_, value)| value));
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        found
    };
    let there = all(graph);
    all(given).into_iter().filter(|attribute| !there.contains(attribute)).collect()
}

#[tokio::test]
async fn attributes_that_do_not_fit() {
    let server = Server::start().await;
    let node = |op: &str, args: Value, attributes: Value| {
        let mut node = json!({"op": op, "args": args});
        node.as_object_mut().expect("a node").extend(attributes.as_object().expect("attributes").clone());
        node
    };
    for (op, args, attributes, slug, part) in [
        ("einsum", json!(["A"]), json!({}), "invalid-graph", "subscripts"),
        ("einsum", json!(["A"]), json!({"subscripts": 3}), "invalid-graph", "a string"),
        ("einsum", json!(["A"]), json!({"subscripts": "i"}), "invalid-graph", "names 1 axes"),
        ("einsum", json!(["A", "x"]), json!({"subscripts": "ij,j->i"}), "invalid-graph", "for the sizes"),
        ("einsum", json!(["A"]), json!({"subscripts": "ii->i"}), "invalid-graph", "of one operand"),
        ("einsum", json!(["A"]), json!({"subscripts": "ij->ik"}), "invalid-graph", "in no operand"),
        ("einsum", json!([]), json!({"subscripts": ""}), "invalid-graph", "1 or more"),
        ("interp", json!(["x"]), json!({"xp": [0, 1]}), "invalid-graph", "fp"),
        ("interp", json!(["x"]), json!({"xp": [0, 1], "fp": [0, "NaN"]}), "invalid-graph", "finite"),
        ("interp", json!(["x"]), json!({"xp": [1, 0], "fp": [0, 1]}), "invalid-graph", "must ascend"),
        ("interp", json!(["x"]), json!({"xp": [], "fp": []}), "invalid-graph", "no knot"),
        ("var", json!(["x"]), json!({"correction": "one"}), "invalid-graph", "a finite number"),
        ("sort", json!([1.0]), json!({}), "invalid-graph", "a scalar has no axes"),
        ("cumulative_sum", json!(["A"]), json!({}), "invalid-graph", "must be given"),
        ("cumulative_prod", json!([2]), json!({}), "shape-mismatch", "no axis to run along"),
        ("tile", json!(["x"]), json!({"repetitions": [-1]}), "invalid-graph", "negative"),
        ("roll", json!(["A"]), json!({"shift": [1, 2, 3], "axis": [0, 1]}), "invalid-graph", "3 entries for 2 axes"),
        ("one_hot", json!([]), json!({"indices": [3], "size": 3}), "invalid-graph", "the index 3"),
        ("one_hot", json!(["x"]), json!({"indices": [0], "size": 3}), "invalid-graph", "takes 0 arguments"),
        ("diag", json!([1.0]), json!({}), "shape-mismatch", "a vector or a matrix"),
        ("trace", json!(["x"]), json!({}), "shape-mismatch", "two axes"),
        ("tensordot", json!(["A", "x"]), json!({"axes": 1}), "shape-mismatch", "must be equal"),
        ("tensordot", json!(["A", "x"]), json!({"axes": 2}), "invalid-graph", "number of axes of both"),
        ("cross", json!(["x", "x"]), json!({}), "shape-mismatch", "3 elements"),
        ("convolve", json!(["A", "x"]), json!({}), "shape-mismatch", "two vectors"),
        ("convolve", json!(["x", "x"]), json!({"mode": "half"}), "invalid-graph", "one of"),
        ("polyval", json!(["A", "x"]), json!({}), "shape-mismatch", "coefficients are a vector"),
        ("matrix_norm", json!(["A"]), json!({"ord": 3}), "invalid-graph", "one of"),
        // what is too large is refused before it costs anything
        ("tile", json!(["x"]), json!({"repetitions": [1_000_000_000]}), "limit-exceeded", "limits.elements"),
        ("tile", json!(["x"]), json!({"repetitions": [1, 1, 1, 1, 1, 1, 1, 1, 1]}), "limit-exceeded", "limits.rank"),
        ("diag", json!(["x"]), json!({"offset": 9_007_199_254_740_991_u64}), "limit-exceeded", "limits.elements"),
        ("one_hot", json!([]), json!({"indices": [], "size": 1_000_000_000}), "limit-exceeded", "limits.elements"),
        (
            "kron",
            json!([node("tile", json!(["x"]), json!({"repetitions": 4000})), node("tile", json!(["x"]), json!({"repetitions": 4000}))]),
            json!({}),
            "limit-exceeded",
            "limits.elements",
        ),
    ] {
        let graph = json!({"inputs": [{"name": "A", "shape": [2, 3]}, {"name": "x", "shape": [4]}], "nodes": [],
            "outputs": [{"name": "y", "value": node(op, args, attributes)}]});
        let answer = server.post("/graph", &json!({"graph": graph})).await;
        assert_eq!(answer["type"], json!(format!("/problems/{slug}")), "{op}: {answer}");
        assert!(answer.to_string().contains(part), "{op}: {answer} lacks {part:?}");
    }
}

#[tokio::test]
async fn einsum_of_many_operands() {
    let server = Server::start().await;
    let count = 20_000;
    let subscripts = format!("{}->", vec!["i"; count].join(","));
    let graph = json!({"inputs": [{"name": "x", "shape": [2]}], "nodes": [],
        "outputs": [{"name": "y", "value": {"op": "einsum", "args": vec!["x"; count], "subscripts": subscripts}}]});
    let answer = server.post("/value", &json!({"graph": graph, "at": {"x": [1.0, -1.0]}})).await;
    assert_eq!(answer, json!({"value": {"y": 2.0}}));
}

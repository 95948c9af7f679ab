//! `diagnostics`: every fact that a row of the operator table states is hit at a point and missed beside it, however the points are
//! given; the names are those that a caller can find; and no bit of a value or derivative changes.

use std::collections::BTreeSet;

use nablad::client::Client;
use nablad::engine::op;
use nablad::wire::answer::{Diagnosis, Diagnostics};
use nablad::wire::request::{GradientRequest, Point};
use serde_json::{Map, Value, json};

use crate::support::Server;

/// What is expected of a node: in which lists it stands.
const KINK: &str = "kinks";
const POLE: &str = "poles";
const ERROR: &str = "domain_errors";

/// An operator with its attributes, its arguments (a pair `["const", x]` is a constant) where it is hit, in which lists it then
/// stands, and its arguments beside, where it stands in none.
type Hit = (&'static str, Value, Value, &'static [&'static str], Value);

fn hits() -> Vec<Hit> {
    let none = || json!({});
    let ninf = || json!("-Infinity");
    let mut table: Vec<Hit> = Vec::new();
    let mut of = |op, attributes: Value, hit: Value, lists, beside: Value| table.push((op, attributes, hit, lists, beside));
    of("divide", none(), json!([1, 0]), &[POLE], json!([1, 1e-300]));
    of("divide", none(), json!([1, -0.0]), &[POLE], json!([0, 5]));
    of("divide", none(), json!([0, 0]), &[ERROR], json!([0, 5e-324]));
    of("pow", none(), json!([0, ["const", 0.5]]), &[POLE], json!([5e-324, ["const", 0.5]]));
    of("pow", none(), json!([0, ["const", -1]]), &[POLE], json!([0, ["const", 2]]));
    of("pow", none(), json!([["const", 0], 0]), &[POLE], json!([["const", 0], 1]));
    of("pow", none(), json!([-2, 2]), &[ERROR], json!([-2, ["const", 2]]));
    of("pow", none(), json!([-2, ["const", 0.5]]), &[ERROR], json!([2, ["const", 0.5]]));
    of("reciprocal", none(), json!([0]), &[POLE], json!([1e-300]));
    of("sqrt", none(), json!([0]), &[POLE], json!([5e-324]));
    of("sqrt", none(), json!([-1]), &[ERROR], json!([1]));
    of("rsqrt", none(), json!([-0.0]), &[POLE], json!([1e-300]));
    of("cbrt", none(), json!([0]), &[POLE], json!([-1e-300]));
    of("abs", none(), json!([-0.0]), &[KINK], json!([5e-324]));
    of("abs", none(), json!([[1, 0, 2]]), &[KINK], json!([[1, 3, 2]]));
    of("sign", none(), json!([0]), &[KINK], json!([-5e-324]));
    of("remainder", none(), json!([6, 3]), &[KINK], json!([6.5, 3]));
    of("remainder", none(), json!([6, 0]), &[ERROR], json!([5, 3]));
    of("hypot", none(), json!([0, 0]), &[KINK], json!([0, 5e-324]));
    for (op, at, beside) in [("floor", 2.0, 2.5), ("ceil", -1.0, -1.5), ("round", 2.5, 2.0), ("round", -0.5, 0.0), ("trunc", 3.0, 0.0)] {
        of(op, none(), json!([at]), &[KINK], json!([beside]));
    }
    for op in ["log", "log2", "log10"] {
        of(op, none(), json!([0]), &[POLE], json!([5e-324]));
        of(op, none(), json!([-1]), &[ERROR], json!([1]));
    }
    of("log1p", none(), json!([-1]), &[POLE], json!([-0.9999999999999999]));
    of("log1mexp", none(), json!([0]), &[POLE], json!([-5e-324]));
    of("logaddexp", none(), json!([ninf(), ninf()]), &[KINK], json!([ninf(), 0]));
    of("xlogy", none(), json!([1, 0]), &[POLE], json!([1, 5e-324]));
    of("xlogy", none(), json!([0, 0]), &[POLE], json!([["const", 0], 0]));
    of("xlogy", none(), json!([0, -1]), &[ERROR], json!([["const", 0], -1]));
    of("xlog1py", none(), json!([1, -1]), &[POLE], json!([1, -0.5]));
    of("xlog1py", none(), json!([0, -2]), &[ERROR], json!([["const", 0], -2]));
    for op in ["asin", "acos", "atanh"] {
        of(op, none(), json!([-1]), &[POLE], json!([-0.9999999999999999]));
        of(op, none(), json!([2]), &[ERROR], json!([0]));
    }
    of("acosh", none(), json!([1]), &[POLE], json!([1.0000000000000002]));
    of("atan2", none(), json!([0, 0]), &[KINK], json!([5e-324, 0]));
    of("atan2", none(), json!([-0.0, -1]), &[KINK], json!([0, 1]));
    for op in ["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"] {
        of(op, none(), json!([1, 1]), &[KINK], json!([1, 1.0000000000000002]));
    }
    of("logical_and", none(), json!([0, 1]), &[KINK], json!([["const", 0], 1]));
    of("logical_or", none(), json!([1, 0]), &[KINK], json!([1, ["const", 0]]));
    of("logical_not", none(), json!([0]), &[KINK], json!([5e-324]));
    of("maximum", none(), json!([1, 1, 0]), &[KINK], json!([1, 0, 0]));
    of("maximum", none(), json!([[1, 5], [1, 2]]), &[KINK], json!([[1, 5], [0, 2]]));
    of("minimum", none(), json!([0, 3, -0.0]), &[KINK], json!([0, 3, 3]));
    of("clip", none(), json!([1, ["const", 0], ["const", 1]]), &[KINK], json!([0.5, ["const", 0], ["const", 1]]));
    of("clip", none(), json!([5, 1, 1]), &[KINK], json!([5, ["const", 1], ["const", 1]]));
    of("copysign", none(), json!([0, 1]), &[KINK], json!([1, ["const", 0]]));
    of("copysign", none(), json!([1, 0]), &[KINK], json!([1, -1]));
    of("relu", none(), json!([0]), &[KINK], json!([5e-324]));
    of("gammaln", none(), json!([-3]), &[POLE], json!([-3.5]));
    of("digamma", none(), json!([-3]), &[POLE, ERROR], json!([3]));
    of("digamma", none(), json!([0]), &[POLE], json!([1e-300]));
    of("erfinv", none(), json!([-1]), &[POLE], json!([-0.5]));
    of("ndtri", none(), json!([1]), &[POLE], json!([0.5]));
    of("gamma", none(), json!([0]), &[POLE], json!([0.5]));
    of("gamma", none(), json!([-1]), &[POLE, ERROR], json!([-1.5]));
    of("beta", none(), json!([0, 1]), &[POLE], json!([1, 1]));
    of("betaln", none(), json!([1, 0]), &[POLE], json!([1, 1]));
    of("gammainc", none(), json!([["const", 0.5], 0]), &[POLE], json!([["const", 2], 0]));
    of("gammaincc", none(), json!([["const", 0.5], 0]), &[POLE], json!([["const", 2], 0]));
    of("betainc", none(), json!([["const", 2], ["const", 0.5], 1]), &[POLE], json!([["const", 2], ["const", 2], 1]));
    of("betainc", none(), json!([["const", 0.5], ["const", 2], 0]), &[POLE], json!([["const", 2], ["const", 2], 0]));
    of("y0", none(), json!([0]), &[POLE], json!([1]));
    of("y1", none(), json!([0]), &[POLE], json!([1]));
    of("yn", none(), json!([["const", 2], 0]), &[POLE], json!([["const", 2], 1]));
    of("i0e", none(), json!([0]), &[KINK], json!([1]));
    of("polygamma", none(), json!([["const", 1], 0]), &[POLE], json!([["const", 1], 1]));
    of("polygamma", none(), json!([["const", 0.5], 1]), &[ERROR], json!([["const", 2], 1]));
    for (op, axis) in [("max", json!({"axis": 1})), ("min", json!({"axis": [1]})), ("max", json!({})), ("min", json!({"axis": [0, 1]}))] {
        let beside =
            if axis == json!({"axis": 1}) || axis == json!({"axis": [1]}) { json!([[[1, 2], [1, 2]]]) } else { json!([[[1, 2], [3, 4]]]) };
        let hit = json!([[[7, 7], [7, 7]]]);
        of(op, axis, hit, &[KINK], beside);
    }
    of("logsumexp", json!({"axis": 1}), json!([[[ninf(), ninf()], [0, 0]]]), &[KINK], json!([[[ninf(), 0], [0, 0]]]));
    of("vector_norm", none(), json!([[0, 0]]), &[KINK], json!([[0, 5e-324]]));
    of("vector_norm", json!({"axis": 0}), json!([[[0, 1], [0, 1]]]), &[KINK], json!([[[0, 1], [1, 1]]]));
    of("vector_norm", json!({"ord": 1}), json!([[3, 0]]), &[KINK], json!([[3, 1]]));
    of("vector_norm", json!({"ord": "inf"}), json!([[3, -3]]), &[KINK], json!([[3, 0]]));
    of("std", none(), json!([[2, 2]]), &[KINK], json!([[2, 3]]));
    of("sort", none(), json!([[1, 3, 1]]), &[KINK], json!([[1, 3, 2]]));
    of("sort", json!({"axis": 0}), json!([[[0, 1], [-0.0, 2]]]), &[KINK], json!([[[1, 1], [2, 2]]]));
    let knots = || json!({"xp": [0, 1, 2], "fp": [0, 1, 0]});
    of("interp", knots(), json!([[0.5, 1]]), &[KINK], json!([[0.5, 3]]));
    of("interp_slope", knots(), json!([2]), &[KINK], json!([2.5]));
    of("matrix_norm", none(), json!([[[0, 0], [0, 0]]]), &[KINK], json!([[[0, 0], [0, 1]]]));
    of("matrix_norm", json!({"ord": 1}), json!([[[1, 2], [3, 2]]]), &[KINK], json!([[[1, 2], [3, 3]]]));
    of("matrix_norm", json!({"ord": "inf"}), json!([[[1, 2], [0, 4]]]), &[KINK], json!([[[1, 0], [2, 4]]]));
    of("solve", none(), json!([[[0]], [1]]), &[POLE], json!([[[5e-300]], [1]]));
    of("triangular_solve", none(), json!([[[0]], [1]]), &[POLE], json!([[[2]], [1]]));
    of("inv", none(), json!([[[0]]]), &[POLE], json!([[[2]]]));
    of("slogdet", none(), json!([[[1, 2], [2, 4]]]), &[POLE], json!([[[1, 2], [2, 5]]]));
    of("qr", none(), json!([[[1, 0], [0, 0]]]), &[POLE], json!([[[1, 0], [0, 2]]]));
    of("eigh", none(), json!([[[1, 0], [0, 1]]]), &[KINK], json!([[[1, 0], [0, 2]]]));
    of("svd", none(), json!([[[1, 0], [0, 1]]]), &[KINK], json!([[[1, 0], [0, 2]]]));
    of("svd", none(), json!([[[1, 0], [0, 0]]]), &[KINK], json!([[[1, 0], [0, 2]]]));
    of("cholesky", none(), json!([[[-1]]]), &[ERROR], json!([[[1]]]));
    of("chain_divide", none(), json!([1, 0]), &[POLE], json!([0, 0]));
    of("softmax", none(), json!([["Infinity", 0]]), &[ERROR], json!([[1, 0]]));
    of("mean", none(), json!([[]]), &[ERROR], json!([[1]]));
    of("matmul", none(), json!([["Infinity", 1], [0, 1]]), &[ERROR], json!([[1, 1], [0, 1]]));
    table
}

/// A graph of one node `n`, and the point.
fn applied(op: &str, attributes: &Value, args: &Value) -> (Value, Value) {
    let (mut inputs, mut wired, mut at) = (Vec::new(), Vec::new(), Map::new());
    for (i, arg) in args.as_array().expect("arguments").iter().enumerate() {
        if arg[0] == "const" {
            wired.push(json!({"const": arg[1]}));
            continue;
        }
        let name = format!("x{i}");
        inputs.push(json!({"name": name, "shape": shape(arg)}));
        wired.push(json!(name));
        at.insert(name, arg.clone());
    }
    let mut node = attributes.clone();
    (node["name"], node["op"], node["args"]) = (json!("n"), json!(op), json!(wired));
    let output = match op {
        "slogdet" | "svd" | "qr" => json!({"name": "y", "value": {"op": "item", "args": ["n"], "index": 1}}),
        "eigh" => json!({"name": "y", "value": {"op": "item", "args": ["n"], "index": "values"}}),
        _ => json!("n"),
    };
    (json!({"inputs": inputs, "nodes": [node], "outputs": [output]}), Value::Object(at))
}

fn shape(value: &Value) -> Vec<usize> {
    match value.as_array() {
        None => Vec::new(),
        Some(values) => std::iter::once(values.len()).chain(values.first().map(shape).unwrap_or_default()).collect(),
    }
}

/// What stands in the lists of a point's diagnostics.
fn lists(diagnosis: &Value) -> Vec<(&'static str, Vec<String>)> {
    let names = |list: &Value| list.as_array().unwrap_or_else(|| panic!("a list: {diagnosis}")).iter().map(text).collect();
    [KINK, POLE, ERROR].into_iter().map(|list| (list, names(&diagnosis[list]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a name: {value}")).to_owned()
}

fn expected(of: &[&str]) -> Vec<(&'static str, Vec<String>)> {
    [KINK, POLE, ERROR].into_iter().map(|list| (list, if of.contains(&list) { vec!["n".to_owned()] } else { Vec::new() })).collect()
}

/// The answer with diagnostics, having checked that without them it is the same but for them.
async fn diagnosed(server: &Server, path: &str, mut body: Value) -> Value {
    let plain = server.send(path, &[], body.to_string()).await;
    body["diagnostics"] = json!(true);
    let answer = server.send(path, &[], body.to_string()).await;
    assert_eq!((plain.status, answer.status), (200, 200), "{path} {body}: {} {}", plain.text, answer.text);
    let mut fields: Value = serde_json::from_str(&answer.text).expect("JSON");
    let diagnostics = match fields["results"].as_array_mut() {
        Some(rows) => rows.iter_mut().map(|row| row["diagnostics"].take()).collect(),
        None => fields["diagnostics"].take(),
    };
    // what is left is what the plain answer says, byte for byte
    let mut text = answer.text.clone();
    let all = if let Some(list) = diagnostics.as_array().filter(|_| fields["results"].is_array()) {
        list.clone()
    } else {
        vec![diagnostics.clone()]
    };
    for own in all {
        let begin = text.find(",\"diagnostics\":").expect("a field");
        let mut depth = 0;
        let length = text[begin + 15..]
            .find(|c| {
                depth += i32::from(matches!(c, '{' | '[')) - i32::from(matches!(c, '}' | ']'));
                depth == 0
            })
            .expect("an end");
        let written: Value = serde_json::from_str(&text[begin + 15..=begin + 15 + length]).expect("JSON");
        assert_eq!(written, own);
        text.replace_range(begin..=begin + 15 + length, "");
    }
    assert_eq!(text, plain.text, "{path} {body}");
    diagnostics
}

#[tokio::test]
async fn every_fact_is_hit_and_missed_beside() {
    let server = Server::start().await;
    let mut seen: BTreeSet<(String, &str)> = BTreeSet::new();
    for (op, attributes, hit, at_hit, beside) in hits() {
        seen.extend(at_hit.iter().map(|&list| (op.to_owned(), list)));
        for (args, of) in [(&hit, at_hit), (&beside, &[][..])] {
            let (graph, at) = applied(op, &attributes, args);
            for path in ["/value", "/jacobian"] {
                let diagnosis = diagnosed(&server, path, json!({"graph": graph, "at": at})).await;
                assert_eq!(lists(&diagnosis), expected(of), "{path} {op} {attributes} {args}");
            }
        }
        // both points at once, where the same arguments are constants
        let ((graph, a), (other, b)) = (applied(op, &attributes, &hit), applied(op, &attributes, &beside));
        if graph != other {
            continue;
        }
        let points: Vec<&Value> = [&a, &b].into_iter().cycle().take(70).collect();
        let columns: Map<String, Value> = a
            .as_object()
            .expect("a point")
            .keys()
            .map(|name| (name.clone(), points.iter().map(|point| point[name].clone()).collect()))
            .collect();
        for points in [json!(points), Value::Object(columns)] {
            let all = diagnosed(&server, "/jacobian", json!({"graph": graph, "points": points})).await;
            let all = all.as_array().expect("a list");
            assert_eq!(all.len(), 70);
            for (i, diagnosis) in all.iter().enumerate() {
                assert_eq!(lists(diagnosis), expected(if i % 2 == 0 { at_hit } else { &[] }), "{op} {attributes} point {i}");
            }
        }
    }
    // tried below
    seen.insert(("while_loop".to_owned(), ERROR));
    for row in op::rows() {
        for (fact, list) in [(row.facts.kink, KINK), (row.facts.pole, POLE), (row.facts.edge, ERROR)] {
            assert!(!fact.is_some() || seen.contains(&(row.name.to_owned(), list)), "no trial of {list} of {}", row.name);
        }
    }
}

/// A function, a point, and what is met there: kinks, poles, domain errors, the first that is not finite.
struct Met {
    function: Value,
    at: Value,
    lists: [&'static [&'static str]; 3],
    first: Option<&'static str>,
}

fn met(function: Value, at: Value, lists: [&'static [&'static str]; 3], first: Option<&'static str>) -> Met {
    Met { function, at, lists, first }
}

#[tokio::test]
async fn names_are_those_that_can_be_found() {
    let server = Server::start().await;
    let formula = |text: &str| json!({"formula": text});
    let shared = json!({
        "inputs": ["x"],
        "nodes": [
            {"name": "t", "op": "add", "args": [{"op": "sin", "args": [{"op": "abs", "args": ["x"]}]}, 1]},
            {"name": "again", "op": "abs", "args": ["x"]}
        ],
        "outputs": ["t", "again"]
    });
    let inline = json!({
        "inputs": ["x"],
        "nodes": [{"name": "t", "op": "add", "args": [1, {"op": "sin", "args": [{"op": "abs", "args": ["x"]}]}]}],
        "outputs": ["t", {"name": "loss", "value": {"op": "sqrt", "args": [{"op": "relu", "args": ["x"]}]}}]
    });
    let taken = json!({
        "inputs": ["x"],
        "nodes": [{"name": "y", "op": "sin", "args": ["x"]}],
        "outputs": [{"name": "y", "value": {"op": "abs", "args": ["x"]}}, {"name": "z", "value": "y"}]
    });
    let calls = json!({
        "inputs": ["x"],
        "functions": {
            "f": {"inputs": ["u"], "nodes": [{"name": "k", "op": "abs", "args": ["u"]}], "outputs": ["k"]},
            "g": {
                "inputs": ["v"],
                "nodes": [{"name": "inner", "op": "call", "function": "f", "args": [{"op": "log", "args": ["v"]}]}],
                "outputs": [{"name": "o", "value": {"op": "relu", "args": ["inner"]}}, {"name": "p", "value": "inner"}]
            }
        },
        "nodes": [
            {"name": "c", "op": "call", "function": "g", "args": ["x"]},
            {"name": "s", "op": "add", "args": [{"op": "item", "args": ["c"], "index": "o"}, {"op": "call", "function": "f", "args": [{"op": "subtract", "args": ["x", 1]}]}]}
        ],
        "outputs": ["s"]
    });
    let table = [
        met(formula("abs(x)"), json!({"x": 0}), [&["abs@1:1"], &[], &[]], None),
        met(formula("r = abs(x)"), json!({"x": 0}), [&["r"], &[], &[]], None),
        met(formula("é = 2 + x^0.5\né * 2 + Max(x,\n 0)"), json!({"x": 0}), [&["maximum@2:9"], &["pow@1:10"], &[]], None),
        met(formula("x + y / x + 1"), json!({"x": 0, "y": 0}), [&[], &[], &["divide@1:7"]], Some("divide@1:7")),
        // an addition of three is two of the engine's
        met(formula("s = x + y + z"), json!({"x": "Infinity", "y": "-Infinity", "z": 1}), [&[], &[], &["s"]], Some("x")),
        met(formula("s = x + 1e308 + y"), json!({"x": 1.7e308, "y": 0}), [&[], &[], &[]], Some("s")),
        met(inline.clone(), json!({"x": 0}), [&["t/args/1/args/0", "loss/args/0"], &["loss"], &[]], None),
        met(shared, json!({"x": 0}), [&["again"], &[], &[]], None),
        met(taken, json!({"x": 0}), [&["outputs/0/value"], &[], &[]], None),
        met(calls, json!({"x": 1}), [&["c.inner.k", "c.o", "s/args/1.k"], &[], &[]], None),
        // a function of a matrix through vectors that are any basis
        met(
            formula("e = eigh(A); V = item(e, index=\"vectors\"); f = ((V * exp(item(e, index=\"values\"))) @ transpose(V))[0, 1]"),
            json!({"A": [[2, 0], [0, 2]]}),
            [&["e"], &[], &[]],
            None,
        ),
        // outputs need no others
        met(
            json!({"inputs": ["x"], "nodes": [{"name": "dead", "op": "log", "args": ["x"]}], "outputs": ["x"]}),
            json!({"x": -1}),
            [&[], &[], &[]],
            None,
        ),
        // what carries no derivative has no kinks
        met(formula("abs(floor(x)) + log(c - c)"), json!({"x": 0.5, "c": 1}), [&[], &["log@1:17"], &[]], Some("log@1:17")),
        met(formula("less(floor(x), 2) + log(0) + log(-1)"), json!({"x": 2.5}), [&[], &[], &["log@1:30"]], Some("log@1:21")),
        met(formula("abs(x)"), json!({"x": "NaN"}), [&[], &[], &[]], Some("x")),
        met(formula("abs(transpose(A)[1]) + A[0]"), json!({"A": [[1, 5], [0, 0]]}), [&["abs@1:1"], &[], &[]], None),
        met(formula("abs(transpose(A)[0]) + A[0]"), json!({"A": [[1, 5], [2, 0]]}), [&[], &[], &[]], None),
    ];
    let mut wrong = Vec::new();
    for Met { function, at, lists: names, first } in table {
        let mut body = if function.get("formula").is_some() { function.clone() } else { json!({"graph": function}) };
        body["at"] = at;
        let diagnosis = diagnosed(&server, "/value", body.clone()).await;
        let found: Vec<Vec<String>> = lists(&diagnosis).into_iter().map(|(_, names)| names).collect();
        let names: Vec<Vec<String>> = names.iter().map(|names| names.iter().map(|&name| name.to_owned()).collect()).collect();
        if found != names || diagnosis["first_nan"] != json!(first) {
            wrong.push(format!("{body}: {diagnosis}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a derivative does not pass through has no kinks for it.
#[tokio::test]
async fn only_derivatives_that_are_asked_for_count() {
    let server = Server::start().await;
    let at = json!({"x": 0, "y": 0});
    let body = |more: Value| {
        let mut body = json!({"formula": "a = abs(x); b = sqrt(y); c = max([x, y]); f = a + b + c", "at": at});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    let all: [&[&str]; 2] = [&["a", "c"], &["b"]];
    for (path, more, [kinks, poles]) in [
        ("/value", json!({}), all),
        ("/value", json!({"wrt": ["x"]}), all),
        ("/gradient", json!({}), all),
        ("/gradient", json!({"mode": "forward"}), all),
        ("/gradient", json!({"wrt": ["x"]}), [&["a", "c"], &[]]),
        ("/gradient", json!({"wrt": ["y"]}), [&["c"], &["b"]]),
        ("/gradient", json!({"wrt": []}), [&[], &[]]),
        ("/jacobian", json!({"wrt": ["y"], "form": "matrix", "layout": "denominator"}), [&["c"], &["b"]]),
        ("/jvp", json!({"tangent": {"x": 1}}), [&["a", "c"], &[]]),
        ("/jvp", json!({"tangent": {"x": 1, "y": 2}}), all),
        ("/vjp", json!({"cotangent": {"f": 1}, "wrt": ["y"]}), [&["c"], &["b"]]),
        ("/hessian", json!({"wrt": ["x"], "form": "matrix"}), [&["a", "c"], &[]]),
        ("/hvp", json!({"vector": {"x": 1}}), all),
        ("/taylor", json!({"direction": {"y": 1}, "order": 2}), [&["c"], &["b"]]),
    ] {
        let diagnosis = diagnosed(&server, path, body(more.clone())).await;
        assert_eq!((&diagnosis["kinks"], &diagnosis["poles"]), (&json!(kinks), &json!(poles)), "{path} {more}");
        // what was compiled with and without, in either order, does not mix
        let again = diagnosed(&server, path, body(more)).await;
        assert_eq!(diagnosis, again);
    }
}

/// Points of any number: none, many, shared in part.
#[tokio::test]
async fn every_point_has_its_own() {
    let server = Server::start().await;
    let formula = "r = sqrt(x^2 + a); abs(x) * log(r) + w";
    let columns = |n: usize| (0..n).map(|i| (i % 3) as f64 - 1.0).collect::<Vec<_>>();
    for n in [0, 1, 5, 3000] {
        let x = columns(n);
        for (a, w) in [(0.0, json!(1)), (1.0, json!("NaN"))] {
            let rows: Vec<Value> = x.iter().map(|x| json!({"x": x})).collect();
            for points in [json!({"x": x}), json!(rows)] {
                let body = json!({"formula": formula, "at": {"a": a, "w": w}, "points": points});
                let all = diagnosed(&server, "/gradient", body).await;
                let all = all.as_array().expect("a list");
                assert_eq!(all.len(), n);
                for (diagnosis, &x) in all.iter().zip(&x) {
                    let corner = x == 0.0;
                    assert_eq!(diagnosis["kinks"], json!(if corner { vec!["abs@1:20"] } else { vec![] }), "{x}");
                    let poles = if corner && a == 0.0 { vec!["r", "log@1:29"] } else { vec![] };
                    assert_eq!(diagnosis["poles"], json!(poles), "{x}");
                    // 0·(−∞)
                    let errors = if corner && a == 0.0 { vec!["multiply@1:27"] } else { vec![] };
                    assert_eq!(diagnosis["domain_errors"], json!(errors), "{x}");
                    let first = if w == "NaN" {
                        json!("w")
                    } else if corner {
                        json!("log@1:29")
                    } else {
                        Value::Null
                    };
                    assert_eq!(diagnosis["first_nan"], first, "{x}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_client_reads_them() {
    let server = Server::start().await;
    let client = Client::new(&server.url("")).expect("a URL");
    let request = GradientRequest::new("abs(x)").diagnostics();
    let one = client.gradient(&request.clone().at("x", 0.0)).await.expect("an answer").one().expect("one point");
    let corner = Diagnosis { kinks: vec!["abs@1:1".into()], ..Diagnosis::default() };
    assert_eq!(one.diagnostics, Some(Diagnostics::One(corner.clone())));
    let columns = client.gradient(&request.clone().column("x", [0.0, 1.0])).await.expect("an answer").one().expect("columns");
    assert_eq!(columns.diagnostics, Some(Diagnostics::Columns(vec![corner.clone(), Diagnosis::default()])));
    let point = |x: f64| Point::from_iter([("x".to_owned(), x.into())]);
    let rows = client.gradient(&request.rows([point(1.0), point(0.0)])).await.expect("an answer").rows().expect("rows");
    let found: Vec<_> = rows.into_iter().map(|row| row.diagnostics).collect();
    assert_eq!(found, [Some(Diagnostics::One(Diagnosis::default())), Some(Diagnostics::One(corner))]);
    let silent = client.gradient(&GradientRequest::new("abs(x)").at("x", 0.0)).await.expect("an answer").one().expect("one point");
    assert_eq!(silent.diagnostics, None);
}

/// In a composition a node is told with its stage; equal nodes of two stages are one.
#[tokio::test]
async fn stages_are_looked_at_as_one_function() {
    let server = Server::start().await;
    let stages = json!([
        {"formula": "y = abs(x); z = 2 * x", "outputs": ["y", "z"]},
        {"graph": {"inputs": ["u", "v"], "nodes": [{"name": "r", "op": "sqrt", "args": ["u"]}], "outputs": ["r", {"name": "w", "value": {"op": "relu", "args": ["v"]}}]}},
        {"formula": "log(t[0]) + abs(t[1])", "inputs": ["t"]}
    ]);
    for (points, met) in [
        (
            json!({"at": {"x": 0}}),
            json!([["stages/0/y", "stages/1/w", "stages/2/abs@1:13"], ["stages/1/r", "stages/2/log@1:1"], [], "stages/2/log@1:1"]),
        ),
        (json!({"at": {"x": 1}}), json!([[], [], [], null])),
        (json!({"at": {"x": -1}}), json!([["stages/2/abs@1:13"], [], [], null])),
        (json!({"at": {"x": 1}, "wrt": []}), json!([[], [], [], null])),
        (json!({"at": {"x": "Infinity"}}), json!([[], [], [], "x"])),
    ] {
        let mut body = points.clone();
        body["stages"] = stages.clone();
        let diagnosis = diagnosed(&server, "/chain", body).await;
        let found = json!([diagnosis["kinks"], diagnosis["poles"], diagnosis["domain_errors"], diagnosis["first_nan"]]);
        assert_eq!(found, met, "{points}");
    }
    let one = diagnosed(&server, "/chain", json!({"stages": [{"formula": "abs(x)"}], "points": {"x": [0, 1]}})).await;
    assert_eq!((&one[0]["kinks"], &one[1]["kinks"]), (&json!(["abs@1:1"]), &json!([])));
}

/// A loop is one node: what its results are, and whether it came to its end.
#[tokio::test]
async fn loops_that_are_cut_short_are_told() {
    let server = Server::start().await;
    let scalar = |op: &str, args: Value| json!({"inputs": ["c", "p"], "outputs": [{"name": "o", "value": {"op": op, "args": args}}]});
    let graph = |most: usize| {
        json!({
            "inputs": ["x", "p"],
            "functions": {"double": scalar("multiply", json!(["c", 2])), "below": scalar("less", json!(["c", "p"]))},
            "nodes": [{"name": "w", "op": "while_loop", "args": ["x", "p"], "body": "double", "condition": "below", "max_steps": most}],
            "outputs": ["w"]
        })
    };
    for (most, at, errors, first) in [
        (10, json!({"x": 1, "p": 100}), json!([]), json!(null)),
        (6, json!({"x": 1, "p": 100}), json!(["w"]), json!(null)),
        (10, json!({"x": 0, "p": 100}), json!(["w"]), json!(null)),
        (10, json!({"x": 1, "p": "NaN"}), json!([]), json!("p")),
        (10, json!({"x": 1.7e308, "p": "Infinity"}), json!([]), json!("p")),
    ] {
        for path in ["/value", "/gradient"] {
            let diagnosis = diagnosed(&server, path, json!({"graph": graph(most), "at": at})).await;
            assert_eq!((&diagnosis["domain_errors"], &diagnosis["first_nan"]), (&errors, &first), "{path} {most} {at}: {diagnosis}");
        }
    }
}

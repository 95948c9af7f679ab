//! Work that is larger than a server accepts is refused before it costs anything, with the limit, what was asked and what is allowed.

use nablad::service::Limits;
use serde_json::json;

use super::{Trial, graph};

/// One node `a` over a vector v of 3.
fn node(text: &str) -> String {
    graph(r#""x",{"name":"v","shape":[3]}"#, &format!(r#"{{"name":"a",{text}}}"#), r#""a""#, "")
}

#[tokio::test]
async fn tensors_have_a_most() {
    let wide = |n: usize| format!(r#"{{"op":"broadcast_to","args":["x"],"shape":[{n}]}}"#);
    let (column, row) =
        (r#"{"op":"broadcast_to","args":["x"],"shape":[100000,1]}"#, r#"{"op":"broadcast_to","args":["x"],"shape":[1,100000]}"#);
    let table: &[(String, f64)] = &[
        (node(r#""op":"broadcast_to","args":["x"],"shape":[1000000000]"#), 1e9),
        (node(r#""op":"broadcast_to","args":["x"],"shape":[1000,1000,1000]"#), 1e9),
        (node(r#""op":"broadcast_to","args":["x"],"shape":[16000001]"#), 16_000_001.0),
        // Products that wrap around: 2³²·2³² = 2⁶⁴ = 0, 3·6148914691236517206 = 2 more than 2⁶⁴.
        (node(r#""op":"broadcast_to","args":["x"],"shape":[4294967296,4294967296]"#), 1e19),
        (node(r#""op":"broadcast_to","args":["x"],"shape":[9007199254740992,2048]"#), 1.8e19),
        (node(r#""op":"broadcast_to","args":["x"],"shape":[9007199254740992,2049]"#), 1.8e19),
        (node(r#""op":"broadcast_to","args":["x"],"shape":[3,9007199254740992,9007199254740992]"#), 1.8e19),
        (node(&format!(r#""op":"outer","args":[{},{}]"#, wide(100_000), wide(100_001))), 1e10),
        (node(&format!(r#""op":"matmul","args":[{column},{row}]"#)), 1e10),
        (node(&format!(r#""op":"add","args":[{column},{row}]"#)), 1e10),
        (node(&format!(r#""op":"concat","args":[{0},{0}]"#, wide(16_000_000))), 32e6),
        (node(&format!(r#""op":"stack","args":[{0},{0}]"#, wide(16_000_000))), 32e6),
        (node(r#""op":"one_hot","args":[],"indices":[0],"size":9000000000000000"#), 9e15),
        (node(r#""op":"tile","args":["v"],"repetitions":[6000000000000000]"#), 1.8e16),
        (node(r#""op":"tile","args":["v"],"repetitions":[10000000000]"#), 3e10),
        (node(&format!(r#""op":"diag","args":[{}]"#, wide(100_000))), 1e10),
        (graph(r#"{"name":"x","shape":[1000000000]}"#, "", r#""x""#, ""), 1e9),
        (graph(r#"{"name":"x","shape":[4294967296,4294967296]}"#, "", r#""x""#, ""), 1e19),
        (graph(r#"{"name":"x","shape":[9007199254740992,9007199254740992,9007199254740992]}"#, "", r#""x""#, ""), 1.8e19),
    ];
    let trial = Trial::start().await;
    for (body, asked) in table {
        trial.exceeds("/graph", body.as_str(), "limits.elements", *asked).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn absurd_sizes_are_refused_and_nothing_else() {
    let trial = Trial::start().await;
    for attributes in [
        r#""op":"reshape","args":["v"],"shape":[-1,-1]"#,
        r#""op":"reshape","args":["v"],"shape":[-2]"#,
        r#""op":"reshape","args":["v"],"shape":[0]"#,
        r#""op":"reshape","args":["v"],"shape":[-1,0]"#,
        r#""op":"reshape","args":["v"],"shape":[9223372036854775807]"#,
        r#""op":"reshape","args":["v"],"shape":[-9223372036854775808]"#,
        r#""op":"reshape","args":["v"],"shape":[9223372036854775808]"#,
        r#""op":"reshape","args":["v"],"shape":[18446744073709551619]"#,
        r#""op":"reshape","args":["v"],"shape":[18446744073709551616]"#,
        r#""op":"reshape","args":["v"],"shape":[1e300]"#,
        r#""op":"reshape","args":["v"],"shape":[4294967296,4294967296]"#,
        r#""op":"reshape","args":["v"],"shape":[4294967296,4294967296,3]"#,
        r#""op":"reshape","args":["v"],"shape":[4294967296,4294967296,-1]"#,
        r#""op":"reshape","args":["v"],"shape":[6148914691236517206,-1]"#,
        r#""op":"broadcast_to","args":["v"],"shape":[-9223372036854775808,3]"#,
        r#""op":"broadcast_to","args":["v"],"shape":[1e19,3]"#,
        r#""op":"broadcast_to","args":["v"],"shape":[-3]"#,
        r#""op":"slice","args":["v"],"start":[0],"stop":[3],"step":[0]"#,
        r#""op":"index","args":["v"],"at":[9223372036854775807]"#,
        r#""op":"index","args":["v"],"at":[-9223372036854775808]"#,
        r#""op":"take","args":["v"],"indices":[9223372036854775807]"#,
        r#""op":"take","args":["v"],"indices":[-9223372036854775808]"#,
        r#""op":"take","args":["v"],"indices":[4294967296]"#,
        r#""op":"take","args":["v"],"indices":[0],"axis":9223372036854775807"#,
        r#""op":"sum","args":["v"],"axis":-9223372036854775808"#,
        r#""op":"expand_dims","args":["v"],"axis":9223372036854775807"#,
        r#""op":"expand_dims","args":["v"],"axis":-9223372036854775808"#,
        r#""op":"permute_dims","args":["v"],"axes":[-9223372036854775808]"#,
        r#""op":"softmax","args":["v"],"axis":9223372036854775807"#,
        r#""op":"flip","args":["v"],"axis":-9223372036854775808"#,
        r#""op":"roll","args":["v"],"shift":9223372036854775807"#,
        r#""op":"one_hot","args":[],"indices":[0],"size":9223372036854775807"#,
    ] {
        trial.slug("/graph", node(attributes), "invalid-graph|shape-mismatch|limit-exceeded").await;
    }
    for size in ["9223372036854775807", "18446744073709551616", "1e300", "-1", "0.5"] {
        let body = graph(&format!(r#"{{"name":"x","shape":[{size}]}}"#), "", r#""x""#, "");
        trial.refused("/graph", body, "invalid-graph", &[("/graph/inputs/0/shape/0", &["size"])]).await;
    }
    // Bounds beyond the ends are Python's: cut. Steps as large as they come are one step.
    for (attributes, value) in [
        (r#""op":"slice","args":["v"],"start":[-9223372036854775808],"stop":[9223372036854775807]"#, "[1.0,2.0,3.0]"),
        (r#""op":"slice","args":["v"],"step":[9223372036854775807]"#, "[1.0]"),
        (r#""op":"slice","args":["v"],"step":[-9223372036854775809]"#, "[3.0]"),
        (r#""op":"slice","args":["v"],"start":[9223372036854775807],"step":[-1]"#, "[3.0,2.0,1.0]"),
        (r#""op":"slice","args":["v"],"start":[2],"stop":[1]"#, "[]"),
        (r#""op":"roll","args":["v"],"shift":9007199254740992"#, "[2.0,3.0,1.0]"),
        (r#""op":"roll","args":["v"],"shift":-9007199254740992"#, "[3.0,1.0,2.0]"),
    ] {
        let body = graph(r#"{"name":"v","shape":[3]}"#, &format!(r#"{{"name":"a",{attributes}}}"#), r#""a""#, r#","at":{"v":[1,2,3]}"#);
        let sent = trial.server.send("/value", &[], body).await;
        trial.check(sent.text == format!(r#"{{"value":{{"a":{value}}}}}"#), || format!("{attributes}: {}", sent.text));
    }
    trial.end().await;
}

/// A tensor without elements has strides, and as many brackets as its other sizes say: 200 bytes must not ask for petabytes.
#[tokio::test]
async fn sizes_beside_a_size_of_0_count() {
    let trial = Trial::start().await;
    let zero = |attributes: &str| {
        graph(
            r#""x",{"name":"z","shape":[0,9007199254740992]}"#,
            &format!(r#"{{"name":"a",{attributes}}}"#),
            r#""a""#,
            r#","at":{"x":1,"z":[]}"#,
        )
    };
    for attributes in [
        r#""op":"exp","args":["z"]"#,
        r#""op":"sum","args":["z"]"#,
        r#""op":"sum","args":["z"],"axis":0"#,
        r#""op":"sum","args":["z"],"axis":1"#,
        r#""op":"add","args":["z","x"]"#,
        r#""op":"softmax","args":["z"]"#,
        r#""op":"reshape","args":["z"],"shape":[0]"#,
        r#""op":"reshape","args":["z"],"shape":[9007199254740992,0]"#,
        r#""op":"permute_dims","args":["z"]"#,
        r#""op":"concat","args":["z","z"]"#,
        r#""op":"concat","args":["z","z"],"axis":1"#,
        r#""op":"stack","args":["z","z"]"#,
        r#""op":"flip","args":["z"]"#,
        r#""op":"slice","args":["z"],"start":[0,1],"step":[1,2]"#,
        r#""op":"take","args":["z"],"indices":[9007199254740991],"axis":1"#,
        r#""op":"broadcast_to","args":["z"],"shape":[9007199254740992,0,9007199254740992]"#,
        r#""op":"outer","args":[{"op":"reshape","args":["z"],"shape":[0]},{"op":"reshape","args":["z"],"shape":[0]}]"#,
        r#""op":"matmul","args":["z",{"op":"permute_dims","args":["z"]}]"#,
        r#""op":"matmul","args":[{"op":"permute_dims","args":["z"]},"z"]"#,
    ] {
        for path in ["/value", "/jacobian", "/jvp", "/vjp"] {
            let direction = match path {
                "/jvp" => r#"{"tangent":{"x":1},"#,
                "/vjp" => r#"{"cotangent":{},"#,
                _ => "{",
            };
            let body = zero(attributes).replacen('{', direction, 1);
            let sent = trial.server.send(path, &[], body).await;
            trial.check(sent.text.contains("limits.elements"), || format!("{path} {attributes}: {}", super::shown(sent.text.as_bytes())));
        }
    }
    // A million empty lists may be an answer; a million of them a point may not.
    let empty = |rest: &str| {
        graph(r#""x",{"name":"z","shape":[0]}"#, r#"{"name":"a","op":"broadcast_to","args":["z"],"shape":[1000000,0]}"#, r#""a""#, rest)
    };
    let answer = trial.answered("/value", empty(r#","at":{"x":1,"z":[]}"#)).await;
    assert_eq!(answer["value"]["a"].as_array().map(Vec::len), Some(1_000_000));
    let points = format!("[{}0]", "0,".repeat(999));
    for path in ["/value", "/jacobian"] {
        let columns = format!(r#","at":{{"z":[]}},"points":{{"x":{points}}}"#);
        trial.exceeds(path, empty(&columns), "limits.answer_bytes", 1e9).await;
        let rows = format!(r#","at":{{"z":[]}},"points":[{}{{"x":0}}]"#, r#"{"x":0},"#.repeat(999));
        trial.exceeds(path, empty(&rows), "limits.answer_bytes", 1e9).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn functions_have_a_most_of_everything() {
    let limits = Limits { nodes: 50, inputs: 5, outputs: 5, functions: 3, rank: 4, ..Limits::default() };
    let trial = Trial::with(limits).await;
    let names = |n: usize| (0..n).map(|i| format!("\"x{i}\"")).collect::<Vec<_>>().join(",");
    let chain = |n: usize| (1..=n).map(|i| format!(r#"{{"name":"x{i}","op":"exp","args":["x{}"]}}"#, i - 1)).collect::<Vec<_>>().join(",");
    let functions = |n: usize| {
        let one = |i: usize| format!(r#""f{i}":{{"inputs":["u"],"outputs":["u"]}}"#);
        format!(r#"{{"graph":{{"inputs":["x"],"outputs":["x"],"functions":{{{}}}}}}}"#, (0..n).map(one).collect::<Vec<_>>().join(","))
    };
    let inline = |n: usize| format!(r#"{}"x0"{}"#, r#"{"op":"exp","args":["#.repeat(n), "]}".repeat(n));
    let table = [
        (graph(&names(6), "", r#""x0""#, ""), "limits.inputs", 6.0),
        (graph(&names(5), "", &format!("{},{}", names(5), r#"{"name":"y","value":1}"#), ""), "limits.outputs", 6.0),
        (graph(r#""x0""#, &chain(60), r#""x60""#, ""), "limits.nodes", 51.0),
        (graph(r#""x0""#, "", &format!(r#"{{"name":"y","value":{}}}"#, inline(55)), ""), "limits.nodes", 51.0),
        (functions(4), "limits.functions", 4.0),
        (graph(r#"{"name":"x","shape":[1,1,1,1,1]}"#, "", r#""x""#, ""), "limits.rank", 5.0),
        (graph(r#""x""#, r#"{"name":"a","op":"broadcast_to","args":["x"],"shape":[1,1,1,1,1]}"#, r#""a""#, ""), "limits.rank", 5.0),
        (graph("", "", r#"{"name":"y","value":{"const":[[[[[1]]]]]}}"#, ""), "limits.rank", 5.0),
        (json!({"formula": "x+".repeat(60) + "x", "inputs": ["x"]}).to_string().replace("x+x", "exp(x)+x"), "limits.nodes", 51.0),
    ];
    for (body, limit, asked) in table {
        trial.exceeds("/graph", body, limit, asked).await;
    }
    trial.answered("/graph", graph(&names(5), "", &names(5), "")).await;
    trial.answered("/graph", functions(3)).await;
    trial.answered("/graph", graph(r#""x0""#, &chain(45), r#""x45""#, "")).await;
    trial.end().await;
}

#[tokio::test]
async fn points_and_derivatives_have_a_most() {
    let trial = Trial::start().await;
    let zeros = |n: usize| format!("[{}0]", "0,".repeat(n - 1));
    let n = 100_000;
    for form in ["blocks", "matrix"] {
        for mode in ["auto", "forward", "reverse"] {
            let body = format!(r#"{{"formula":"x^2","at":{{"x":{}}},"form":"{form}","mode":"{mode}"}}"#, zeros(n));
            trial.exceeds("/jacobian", body, "limits.derivative_cells", 1e10).await;
        }
    }
    let body = format!(
        r#"{{"formula":"sum(x)*w","inputs":["w",{{"name":"x","shape":[10]}}],"at":{{"x":{}}},"points":{{"w":{}}}}}"#,
        zeros(10),
        zeros(500_000)
    );
    trial.exceeds("/jacobian", body, "limits.derivative_cells", 5.5e6).await;
    // A Hessian is N×N, at every point.
    for rest in ["", r#","form":"matrix""#, r#","mode":"reverse""#] {
        trial
            .exceeds(
                "/hessian",
                format!(r#"{{"formula":"sum(x^2)","at":{{"x":{}}}{rest}}}"#, zeros(2001)),
                "limits.derivative_cells",
                4.004e6,
            )
            .await;
    }
    let body = format!(r#"{{"formula":"sum(x^2)*w","at":{{"x":{}}},"points":{{"w":{}}}}}"#, zeros(9), zeros(50_000));
    trial.exceeds("/hessian", body, "limits.derivative_cells", 5e6).await;
    let series = |order: &str| format!(r#"{{"formula":"sin(x)","at":{{"x":1}},"direction":{{"x":1}},"order":{order}}}"#);
    trial.exceeds("/taylor", series("11"), "limits.derivative_order", 11.0).await;
    trial.exceeds("/taylor", series("1e300"), "limits.derivative_order", 1e19).await;
    trial.answered("/taylor", series("10.0")).await;
    let n = 1_000_001;
    trial.exceeds("/value", format!(r#"{{"formula":"x","points":{{"x":{}}}}}"#, zeros(n)), "limits.points", n as f64).await;
    let rows = format!(r#"{{"formula":"x","points":[{}{{"x":0}}]}}"#, r#"{"x":0},"#.repeat(n - 1));
    trial.exceeds("/value", rows, "limits.points", n as f64).await;
    let rows = format!(r#"{{"formula":"x","at":{{"x":1}},"points":[{}{{}}]}}"#, "{},".repeat(n - 1));
    trial.exceeds("/value", rows, "limits.points", n as f64).await;
    // A small body that asks for much: work, memory, an answer.
    let big = |m: usize, rest: &str| {
        let wide = |i: usize| format!(r#"{{"op":"add","args":[{i},{{"op":"broadcast_to","args":["x"],"shape":[{m},{m}]}}]}}"#);
        let mut product = wide(0);
        for i in 1..12 {
            product = format!(r#"{{"op":"matmul","args":[{product},{}]}}"#, wide(i));
        }
        graph(r#""x""#, "", &format!(r#"{{"name":"y","value":{{"op":"sum","args":[{product}]}}}}"#), rest)
    };
    trial.exceeds("/value", big(3900, r#","at":{"x":0}"#), "limits.flops", 1e12).await;
    let body = graph(r#""x""#, "", r#"{"name":"y","value":{"op":"broadcast_to","args":["x"],"shape":[15000000]}}"#, r#","at":{"x":0}"#);
    trial.exceeds("/value", body, "limits.answer_bytes", 2.6e8).await;
    trial.end().await;
}

/// c ↦ a·c + p, a million times: neither mode holds a million of anything, by the estimate that decides or in fact.
#[tokio::test]
async fn a_million_steps_are_within_the_defaults() {
    let (steps, a) = (1_000_000, 0.999_999);
    let step = json!({"inputs": ["c", "p"], "nodes": [], "outputs": [{"name": "n", "value": {"op": "fma", "args": [a, "c", "p"]}}]});
    let last = json!({"op": "scan", "function": "step", "args": ["c", "p"], "xs": 0, "length": steps});
    let graph = json!({"inputs": ["c", "p"], "functions": {"step": step}, "nodes": [], "outputs": [{"name": "y", "value": last}]});
    let trial = Trial::start().await;
    let power = f64::powi(a, steps);
    let sum = (1.0 - power) / (1.0 - a);
    for mode in ["forward", "reverse"] {
        let body = json!({"graph": graph, "at": {"c": 2, "p": 0.5}, "mode": mode}).to_string();
        let answer = trial.server.send("/gradient", &[("request-timeout", "60")], body).await;
        let answer: serde_json::Value = serde_json::from_str(&answer.text).unwrap_or_else(|_| panic!("{mode}: {}", answer.text));
        for (got, exact) in
            [(&answer["value"]["y"], 2.0 * power + 0.5 * sum), (&answer["gradient"]["c"], power), (&answer["gradient"]["p"], sum)]
        {
            let got = got.as_f64().unwrap_or_else(|| panic!("{mode}: {answer}"));
            assert!((got - exact).abs() <= 1e-9 * exact, "{mode}: {got}, not {exact}");
        }
    }
    trial.end().await;
}

//! Compositions, measurements and derivatives that make no sense, or too much of it.

use nablad::service::Limits;

use super::{Fault, Trial};

#[tokio::test]
async fn fields_are_told_apart() {
    const OF: &str = r#"[{"formula":"x^2"},{"formula":"sin(y)"}]"#;
    let chain = |rest: &str| format!(r#"{{"stages":{OF},"at":{{"x":1}}{rest}}}"#);
    let stages = |stages: &str| format!(r#"{{"stages":{stages},"at":{{"x":1}}}}"#);
    let check = |rest: &str| format!(r#"{{"formula":"x^2","at":{{"x":1}}{rest}}}"#);
    let derivative = |rest: &str| format!(r#"{{"formula":"x^2"{rest}}}"#);
    let table: Vec<(&str, String, &[Fault<'_>])> = vec![
        ("/chain", "{}".into(), &[("", &["stages"])]),
        ("/chain", r#"{"formula":"x","at":{"x":1}}"#.into(), &[("/formula", &["field"]), ("", &["stages"])]),
        ("/chain", r#"{"stages":[],"at":{"x":1}}"#.into(), &[("/stages", &["needs a stage"])]),
        ("/chain", stages("{}"), &[("/stages", &["object", "list"])]),
        ("/chain", stages("null"), &[("/stages", &["null"])]),
        ("/chain", stages(r#"["x^2"]"#), &[("/stages/0", &["string", "object"])]),
        ("/chain", stages(r#"[{"formula":"x"},[],{}]"#), &[("/stages/1", &["list", "object"]), ("/stages/2", &["function", "graph"])]),
        ("/chain", stages(r#"[{"formula":"x","graph":{"outputs":[]}}]"#), &[("/stages/0", &["formula", "graph"])]),
        (
            "/chain",
            stages(r#"[{"formula":"x"},{"formla":"y"}]"#),
            &[("/stages/1/formla", &["a stage", "formula"]), ("/stages/1", &["function"])],
        ),
        ("/chain", stages(r#"[{"formula":"x","at":{"x":1}}]"#), &[("/stages/0/at", &["a stage", "field"])]),
        ("/chain", stages(r#"[{"formula":"x"},{"formula":7}]"#), &[("/stages/1/formula", &["number", "string"])]),
        ("/chain", stages(r#"[{"formula":"x"},{"formula":"y","inputs":["y","y"]}]"#), &[("/stages/1/inputs/1", &["twice"])]),
        ("/chain", stages(r#"[{"formula":"x"},{"formula":"y","inputs":[1]}]"#), &[("/stages/1/inputs/0", &["number"])]),
        (
            "/chain",
            stages(r#"[{"formula":"x","outputs":["z"]},{"formula":"y","outputs":[]}]"#),
            &[("/stages/0/outputs/0", &["z"]), ("/stages/1/outputs", &["output"])],
        ),
        ("/chain", chain(r#","wrt":["y"]"#), &[("/wrt/0", &["y"])]),
        ("/chain", chain(r#","form":"blocks""#), &[("/form", &["blocks", "matrix"])]),
        ("/chain", chain(r#","tangent":{"x":1}"#), &[("/tangent", &["field"])]),
        ("/chain", format!(r#"{{"stages":{OF}}}"#), &[("", &["point"])]),
        ("/check", r#"{"at":{"x":1}}"#.into(), &[("", &["function"])]),
        ("/check", r#"{"formula":"x"}"#.into(), &[("", &["point"])]),
        ("/check", check(r#","points":[]"#), &[("/points", &["field"])]),
        ("/check", check(r#","wrt":["x"]"#), &[("/wrt", &["field"])]),
        ("/check", check(r#","steps":[1]"#), &[("/steps", &["step_sizes"])]),
        ("/check", check(r#","step_sizes":[]"#), &[("/step_sizes", &["one"])]),
        ("/check", check(r#","step_sizes":0.1"#), &[("/step_sizes", &["list"])]),
        ("/check", check(r#","step_sizes":[[0.1]]"#), &[("/step_sizes", &["list"])]),
        (
            "/check",
            check(r#","step_sizes":[0.1,0,-1,"NaN","Infinity"]"#),
            &[
                ("/step_sizes/1", &["above 0"]),
                ("/step_sizes/2", &["above 0"]),
                ("/step_sizes/3", &["finite"]),
                ("/step_sizes/4", &["finite"]),
            ],
        ),
        ("/check", check(r#","step_sizes":[0.1,null,"0.1"]"#), &[("/step_sizes/1", &["null"]), ("/step_sizes/2", &["quotation"])]),
        ("/check", check(r#","step_sizes":[1e999]"#), &[("/step_sizes/0", &["binary64"])]),
        ("/derivative", derivative(""), &[("", &["of", "jacobian"])]),
        ("/derivative", derivative(r#","of":"gradiant""#), &[("/of", &["gradiant", "gradient"])]),
        ("/derivative", derivative(r#","of":null"#), &[("/of", &["null"])]),
        ("/derivative", derivative(r#","of":["jvp"]"#), &[("/of", &["list"])]),
        ("/derivative", derivative(r#","of":"jvp","value":1"#), &[("/value", &["number", "true"])]),
        ("/derivative", derivative(r#","of":"jvp","at":{"x":1}"#), &[("/at", &["field"])]),
        ("/derivative", derivative(r#","of":"vjp","wrt":["x","z","x"]"#), &[("/wrt/2", &["twice"])]),
        ("/derivative", derivative(r#","of":"vjp","wrt":["z"]"#), &[("/wrt/0", &["z"])]),
        ("/derivative", r#"{"of":"jvp"}"#.into(), &[("", &["function"])]),
    ];
    let trial = Trial::start().await;
    for (path, body, faults) in table {
        trial.refused(path, body, "invalid-request", faults).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn faults_are_found_in_their_stage() {
    let node = r#"{"graph":{"inputs":["a"],"nodes":[{"name":"n","op":"sine","args":["a"]}],"outputs":["n"]}}"#;
    let bad = r#"{"graph":{"inputs":["a"],"nodes":[{"name":"n","op":"sin","args":["b"]}],"outputs":["n"],"x":1}}"#;
    let body = |stages: &str| format!(r#"{{"stages":[{stages}],"at":{{"x":1}}}}"#);
    let trial = Trial::start().await;
    let table: Vec<(String, &str, &[Fault<'_>])> = vec![
        (
            body(r#"{"formula":"x"},{"formula":"sine(y)"}"#),
            "invalid-formula",
            &[("/stages/1/formula", &["sine", "sin", "line 1, column 1"])],
        ),
        (
            body(r#"{"formula":"x +"},{"formula":"y"},{"formula":"* z"}"#),
            "invalid-formula",
            &[("/stages/0/formula", &[]), ("/stages/2/formula", &[])],
        ),
        (body(&format!(r#"{{"formula":"x"}},{node}"#)), "invalid-graph", &[("/stages/1/graph/nodes/0/op", &["sine", "sin"])]),
        (
            body(&format!("{node},{node}")),
            "invalid-graph",
            &[("/stages/0/graph/nodes/0/op", &["sine"]), ("/stages/1/graph/nodes/0/op", &["sine"])],
        ),
        (body(&format!(r#"{{"formula":"x"}},{bad}"#)), "invalid-graph", &[("/stages/1/graph/x", &["field"])]),
        (
            body(r#"{"formula":"x*[1,2,3]"},{"formula":"a*b","inputs":["a","b"]}"#),
            "shape-mismatch",
            &[("/stages/1", &["[3]", "[2]", "\"f\"", "\"a\"", "\"b\""])],
        ),
        (body(r#"{"formula":"x"},{"formula":"7"}"#), "shape-mismatch", &[("/stages/1", &["[1]", "[0]", "nothing"])]),
        (
            body(&format!(r#"{{"formula":"x*[1,2]"}},{{"formula":"y","inputs":[{{"name":"y","shape":[3]}}]}},{node}"#)),
            "shape-mismatch",
            &[("/stages/1", &["[2]", "[3]"]), ("/stages/2/graph/nodes/0/op", &["sine"])],
        ),
        (body(r#"{"formula":"x*[1,2]"},{"formula":"y + [1,2,3]"}"#), "shape-mismatch", &[("/stages/1/formula", &["[2]", "[3]"])]),
        (
            body(r#"{"formula":"x"},{"formula":"y","inputs":[{"name":"y","shape":[1]},{"name":"1","shape":[0]}]}"#),
            "invalid-request",
            &[("/stages/1/inputs/1", &["name"])],
        ),
        // The point is the first stage's.
        (r#"{"stages":[{"formula":"x"},{"formula":"y"}],"at":{"x":1,"y":2}}"#.into(), "invalid-point", &[("/at/y", &["input"])]),
        (r#"{"stages":[{"formula":"x"},{"formula":"y"}],"at":{"x":[1,[2]]}}"#.into(), "invalid-point", &[("/at/x/1", &["ragged"])]),
    ];
    for (body, slug, faults) in table {
        trial.refused("/chain", body, slug, faults).await;
    }
    let points: &[(&str, &[Fault<'_>])] = &[
        (r#""at":{"x":1,"y":[1,2]},"direction":{"z":1}"#, &[("/direction/z", &["input"])]),
        (r#""at":{"x":1,"y":[1,2]},"direction":{"y":[1,2,3]}"#, &[("/direction/y", &["[2]", "[3]"])]),
        (r#""at":{"x":1,"y":[1,2]},"direction":{"x":[1]}"#, &[("/direction/x", &["[1]"])]),
        // As many as there are steps is no reason to take it for something else.
        (r#""at":{"x":1,"y":[1,2]},"direction":{"x":[1,2]},"step_sizes":[0.1,0.01]"#, &[("/direction/x", &["[2]"])]),
        (r#""at":{"x":1,"y":[1,2]},"direction":[{"x":1}]"#, &[("/direction", &["list", "object"])]),
        (r#""at":{"x":1,"y":[1,2]},"direction":{"x":"a"}"#, &[("/direction/x", &["string"])]),
        (r#""at":{"x":1}"#, &[("/at", &["\"y\" is missing"])]),
        (r#""at":{"x":1,"y":[1,2],"h":1}"#, &[("/at/h", &["input"])]),
    ];
    for (rest, faults) in points {
        let body = format!(r#"{{"formula":"x*y","inputs":["x",{{"name":"y","shape":[2]}}],{rest}}}"#);
        trial.refused("/check", body, "invalid-point", faults).await;
    }
    // An input may be called as the step size is inside.
    let answer = trial.answered("/check", r#"{"formula":"h^2","at":{"h":1}}"#).await;
    trial.check(answer["verdict"] == "differentiable", || answer.to_string());
    trial.end().await;
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let trial = Trial::start().await;
    let stages = |stages: &[String]| format!(r#"{{"stages":[{}],"at":{{"x":1}}}}"#, stages.join(","));
    let same = |text: &str, n: usize| vec![format!(r#"{{"formula":"{text}"}}"#); n];
    trial.exceeds("/chain", stages(&same("x", 1001)), "limits.functions", 1001.0).await;
    trial.answered("/chain", stages(&same("cos(x)", 1000))).await;
    let wide = r#"{"formula":"broadcast_to(x, shape=[2100])"}"#.to_owned();
    let square = r#"{"formula":"2*v"}"#.to_owned();
    trial.exceeds("/chain", stages(&[wide.clone(), square]), "limits.derivative_cells", 4_410_000.0).await;
    let nodes: Vec<String> = (0..3)
        .map(|k| {
            let terms: Vec<String> = (0..99_000).map(|i| format!("a{i}=x+{i}")).collect();
            format!(r#"{{"formula":"{}; sin(x) + {k}"}}"#, terms.join(";"))
        })
        .collect();
    let few = Trial::with(Limits { nodes: 250_000, formula_bytes: 8 << 20, ..Limits::default() }).await;
    few.exceeds("/chain", stages(&nodes), "limits.nodes", 250_000.0).await;
    few.end().await;
    // Steps, and values to be measured at them.
    let steps = vec!["0.5"; 1_000_001].join(",");
    trial.exceeds("/check", format!(r#"{{"formula":"x","at":{{"x":1}},"step_sizes":[{steps}]}}"#), "limits.points", 1_000_001.0).await;
    trial.exceeds("/check", r#"{"formula":"broadcast_to(x, shape=[16000000])","at":{"x":1}}"#, "limits.answer_bytes", 16e6).await;
    trial.exceeds("/check", r#"{"formula":"broadcast_to(x, shape=[8000000])","at":{"x":1}}"#, "limits.work_bytes", 8e6).await;
    // Derivatives: too many numbers, too many sweeps, too many outputs, names too long to be written a million times.
    let of = |formula: &str, shape: usize, of: &str| {
        format!(r#"{{"formula":"{formula}","inputs":[{{"name":"x","shape":[{shape}]}}],"of":"{of}"}}"#)
    };
    trial.exceeds("/derivative", of("x^2", 2001, "jacobian"), "limits.derivative_cells", 4_004_001.0).await;
    trial.exceeds("/derivative", of("sum(x^2)", 100_000, "hessian"), "limits.derivative_cells", 1e10).await;
    let product = |i: usize| (0..30).map(|j| format!("sin(x{} + {i})", (i + j) % 200)).collect::<Vec<_>>().join("*");
    let products: Vec<String> = (0..200).map(|i| format!("y{i}={}", product(i))).collect();
    let names: Vec<String> = (0..200).map(|i| format!("\"y{i}\"")).collect();
    let body = format!(r#"{{"formula":"{}","outputs":[{}],"of":"jacobian"}}"#, products.join(";"), names.join(","));
    trial.exceeds("/derivative", body, "limits.nodes", 1e6).await;
    trial.answered("/derivative", of("exp(x) * sum(sin(x))", 1900, "jacobian")).await;
    let many: Vec<String> =
        (0..360).map(|i| format!("y{i} = {}", (0..360).map(|j| format!("x{j}")).collect::<Vec<_>>().join(" + "))).collect();
    let names: Vec<String> = (0..360).map(|i| format!("\"y{i}\"")).collect();
    trial
        .exceeds(
            "/derivative",
            format!(r#"{{"formula":"{}","outputs":[{}],"of":"jacobian"}}"#, many.join("; "), names.join(",")),
            "limits.outputs",
            129_600.0,
        )
        .await;
    let inputs: Vec<String> = (0..50_000).map(|i| format!("\"x{i}\"")).collect();
    let output = format!(r#"{{"name":"{}","value":1}}"#, "y".repeat(100_000));
    let body = format!(r#"{{"graph":{{"inputs":[{}],"outputs":[{output}]}},"of":"gradient"}}"#, inputs.join(","));
    trial.exceeds("/derivative", body, "limits.answer_bytes", 5e9).await;
    trial
        .exceeds(
            "/derivative",
            r#"{"graph":{"inputs":[{"name":"x","shape":[1,1,1,1,1]}],"outputs":["x"]},"of":"jacobian"}"#,
            "limits.rank",
            10.0,
        )
        .await;
    trial.end().await;
}

#[tokio::test]
async fn names_that_collide_without_end_cost_no_more() {
    // Outputs a, a_db, a_db_db, … and inputs b, b_db, …: the derivatives have two names for each diagonal.
    let trial = Trial::start().await;
    let names = |first: &str| (0..150).map(|k| format!("{first}{}", "_db".repeat(k))).collect::<Vec<_>>();
    let (outputs, inputs) = (names("a"), names("b"));
    let listed = |names: &[String]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(",");
    // as a graph: a formula's names are shorter
    let nodes: Vec<String> =
        outputs.iter().zip(&inputs).map(|(output, input)| format!(r#"{{"name":"{output}","op":"sin","args":["{input}"]}}"#)).collect();
    let body = format!(
        r#"{{"graph":{{"inputs":[{}],"nodes":[{}],"outputs":[{}]}},"of":"jacobian"}}"#,
        listed(&inputs),
        nodes.join(","),
        listed(&outputs)
    );
    let answer = trial.answered("/derivative", body).await;
    let mut found: Vec<&str> = answer["outputs"].as_array().unwrap().iter().map(|output| output["name"].as_str().unwrap()).collect();
    found.sort_unstable();
    found.dedup();
    trial.check(found.len() == 150 * 150, || format!("{} names", found.len()));
    trial.end().await;
}

/// Forty of a node, and the functions that they name.
fn structured(node: &str, functions: &str) -> String {
    let nodes: Vec<String> = (0..40).map(|i| format!(r#"{{"name":"n{i}",{node}}}"#)).collect();
    let outputs: Vec<String> = (0..40).map(|i| format!(r#""n{i}""#)).collect();
    let inputs = r#""x",{"name":"v","shape":[2]}"#;
    let (nodes, outputs) = (nodes.join(","), outputs.join(","));
    format!(
        r#"{{"graph":{{"inputs":[{inputs}],"nodes":[{nodes}],"outputs":[{outputs}],"functions":{{{functions}}}}},"at":{{"x":1,"v":[1,2]}}}}"#
    )
}

#[tokio::test]
async fn long_names_of_functions_are_not_repeated_for_each_fault() {
    let long = "n".repeat(300_000);
    let function = |name: &str, input: &str, outputs: &str| format!(r#""{name}":{{"inputs":[{input}],"nodes":[],"outputs":[{outputs}]}}"#);
    let (quoted, vector) = (format!(r#""{long}""#), format!(r#"{{"name":"{long}","shape":[3]}}"#));
    let pair = |value: &str| format!(r#"{{"name":"{long}","value":{value}}}"#);
    let two = format!(r#"{},{{"name":"b","value":"c"}}"#, pair(r#""c""#));
    let table: Vec<(String, &str)> = vec![
        // the function's name
        (structured(r#""op":"call","args":["x"],"function":"g""#, &function(&long, r#""u""#, r#""u""#)), "invalid-graph"),
        (structured(r#""op":"map","args":["v"],"function":"nn""#, &function(&long, r#""u""#, r#""u""#)), "invalid-graph"),
        (
            structured(
                r#""op":"map","args":["v"],"function":"f""#,
                &function("f", r#""u""#, r#"{"name":"y","value":{"op":"sine","args":["u"]}}"#),
            )
            .replace(r#""f":{"inputs":["u"]"#, &format!(r#""{long}":{{"inputs":["w"]}},"f":{{"inputs":["u"]"#)),
            "invalid-graph",
        ),
        (
            structured(
                r#""op":"neg","args":["x"]"#,
                &format!(
                    r#""{long}":{{"inputs":["u"],"nodes":[{}],"outputs":["u"]}}"#,
                    (0..40).map(|i| format!(r#"{{"name":"m{i}","op":"sine","args":["u"]}}"#)).collect::<Vec<_>>().join(",")
                ),
            ),
            "invalid-graph",
        ),
        // an input's
        (structured(r#""op":"call","args":["x"],"function":"f""#, &function("f", &vector, &quoted)), "shape-mismatch"),
        (structured(r#""op":"map","args":["v"],"function":"f""#, &function("f", &vector, &quoted)), "shape-mismatch"),
        (structured(r#""op":"scan","args":["x","v"],"function":"f""#, &function("f", &quoted, &quoted)), "invalid-graph"),
        (
            structured(r#""op":"odeint","args":["x","v"],"function":"f""#, &function("f", &format!(r#"{vector},"t""#), r#""t""#)),
            "shape-mismatch",
        ),
        (structured(r#""op":"root","args":["x"],"function":"f""#, &function("f", &vector, &quoted)), "shape-mismatch"),
        // an output's
        (
            structured(
                r#""op":"scan","args":["x"],"length":2,"function":"f""#,
                &function("f", r#""c""#, &pair(r#"{"op":"stack","args":["c","c"]}"#)),
            ),
            "shape-mismatch",
        ),
        (
            structured(
                r#""op":"while_loop","args":["x"],"max_steps":2,"condition":"g","body":"f""#,
                &[
                    function("f", r#""c""#, &pair(r#"{"op":"stack","args":["c","c"]}"#)),
                    function("g", r#""c""#, &pair(r#"{"op":"stack","args":["c","c"]}"#)),
                ]
                .join(","),
            ),
            "invalid-graph",
        ),
        (structured(r#""op":"fixed_point","args":["x"],"function":"f""#, &function("f", r#""c""#, &two)), "invalid-graph"),
        // an item's
        (
            structured(r#""op":"item","index":"m","args":[{"op":"map","args":["v"],"function":"f"}]"#, &function("f", r#""c""#, &two)),
            "invalid-graph",
        ),
        (structured(r#""op":"sin","args":[{"op":"map","args":["v"],"function":"f"}]"#, &function("f", r#""c""#, &two)), "invalid-graph"),
    ];
    let trial = Trial::start().await;
    for (body, slug) in table {
        trial.slug("/value", body, slug).await;
    }
    let nested = format!(
        "{},{}",
        function(&long, r#""c""#, &two),
        format_args!(
            r#""{long}2":{{"inputs":["c"],"nodes":[],"outputs":[{{"name":"y","value":{{"op":"item","args":[{{"op":"call","args":["c"],"function":"{long}"}}],"index":"{long}"}}}}]}}"#
        )
    );
    let item = structured(&format!(r#""op":"map","args":["v"],"function":"{long}2""#), &nested);
    let answer = trial.answered("/jacobian", item.clone()).await;
    trial.check(answer["jacobian"]["n39"]["v"] == serde_json::json!([[1.0, 0.0], [0.0, 1.0]]), || answer.to_string());
    let body = item.split(r#","at":"#).next().unwrap();
    for (path, rest) in [("/graph", "}"), ("/derivative", r#","of":"jacobian"}"#)] {
        let answer = trial.answered(path, format!("{body}{rest}")).await.to_string();
        trial.check(answer.len() < 4 * body.len(), || format!("{path}: {} bytes for {}", answer.len(), body.len()));
    }
    trial.end().await;
}

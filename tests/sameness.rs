//! One point alone, many as rows, as columns, and as columns beside shared inputs: the same numbers to the last bit, as they are printed.
//!
//! Numbers are never parsed here. A JSON text is a tree of slices, and what is compared is what stands in the answer's bytes.

use std::collections::BTreeMap;

use nablad::api;
use nablad::service::{Service, Settings};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::support::Server;

const LENGTHS: [usize; 8] = [0, 1, 7, 8, 63, 64, 65, 1000];

/// A function of inputs that may vary (`x`, `v`) and one that may be shared (`w`).
struct Function {
    name: &'static str,
    body: Value,
    /// Its inputs with their shapes.
    inputs: &'static [(&'static str, &'static [usize])],
    /// Its outputs with their shapes.
    outputs: &'static [(&'static str, &'static [usize])],
}

fn functions() -> Vec<Function> {
    let scalar = "r = sqrt(x^2 + w^2 + 0.1); s = sin(x*w) * exp(-x/3) + atan2(x, r); y = log(1 + s^2) + maximum(x, w) + x^3/7";
    let tensor = json!({
        "inputs": [{"name": "v", "shape": [3]}, {"name": "w", "shape": [3, 3]}, "x"],
        "nodes": [
            {"name": "h", "op": "matmul", "args": ["w", "v"]},
            {"name": "p", "op": "softmax", "args": ["h"]},
            {"name": "q", "op": "where", "args": [{"op": "greater", "args": ["h", "x"]}, {"op": "tanh", "args": ["h"]}, {"op": "multiply", "args": ["x", "v"]}]},
            {"name": "m", "op": "maximum", "args": ["p", "q", "v"]},
            {"name": "g", "op": "matmul", "args": ["w", {"op": "outer", "args": ["p", "m"]}]}
        ],
        "outputs": [
            {"name": "a", "value": {"op": "sum", "args": ["g"], "axis": 0}},
            {"name": "b", "value": {"op": "add", "args": [{"op": "logsumexp", "args": ["q"]}, {"op": "mean", "args": [{"op": "square", "args": ["m"]}]}]}}
        ]
    });
    let mut loss = tensor.clone();
    let norm = json!({"op": "sum", "args": [{"op": "multiply", "args": ["g", "g"]}]});
    loss["outputs"] = json!([{"name": "l", "value": {"op": "sqrt", "args": [norm]}}]);
    const TENSORS: &[(&str, &[usize])] = &[("v", &[3]), ("w", &[3, 3]), ("x", &[])];
    vec![
        Function { name: "formula", body: json!({"formula": scalar}), inputs: &[("x", &[]), ("w", &[])], outputs: &[("y", &[])] },
        Function { name: "tensors", body: json!({"graph": tensor}), inputs: TENSORS, outputs: &[("a", &[3]), ("b", &[])] },
        Function { name: "loss", body: json!({"graph": loss}), inputs: TENSORS, outputs: &[("l", &[])] },
    ]
}

/// What is asked, beside the function and its points.
fn questions(function: &Function) -> Vec<(&'static str, Value)> {
    let ones = |names: &[(&str, &[usize])]| {
        let fill = |(i, (name, shape)): (usize, &(&str, &[usize]))| ((*name).to_owned(), tensor(shape, 1000 + i));
        Value::Object(names.iter().enumerate().map(fill).collect())
    };
    let mut all = vec![
        ("/value", json!({})),
        ("/jvp", json!({"tangent": ones(function.inputs)})),
        ("/vjp", json!({"cotangent": ones(function.outputs)})),
    ];
    for (mode, form, layout) in
        [("forward", "blocks", "numerator"), ("reverse", "blocks", "denominator"), ("reverse", "matrix", "numerator")]
    {
        all.push(("/jacobian", json!({"mode": mode, "form": form, "layout": layout})));
    }
    all.push(("/taylor", json!({"direction": ones(function.inputs), "order": 4})));
    if let [(_, [])] = function.outputs {
        all.push(("/gradient", json!({})));
        all.push(("/gradient", json!({"mode": "forward", "wrt": ["x"]})));
        all.push(("/hessian", json!({"form": "matrix"})));
        all.push(("/hessian", json!({"mode": "reverse", "wrt": ["x", "w"]})));
        all.push(("/hvp", json!({"vector": ones(function.inputs)})));
    }
    all
}

/// Numbers without a pattern, the same at every call.
fn number(seed: usize) -> f64 {
    let mixed = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5) * 6.0
}

fn tensor(shape: &[usize], seed: usize) -> Value {
    match shape {
        [] => json!(number(seed)),
        [first, rest @ ..] => (0..*first).map(|i| tensor(rest, seed * 31 + i)).collect(),
    }
}

/// The points, `w` being one for all where it is `shared`.
fn points(function: &Function, n: usize, shared: bool) -> Vec<Value> {
    let point = |p: usize| {
        let seed = |i: usize, name: &str| if shared && name == "w" { 77 } else { 10_000 + p * 101 + i };
        let input = |(i, (name, shape)): (usize, &(&str, &[usize]))| ((*name).to_owned(), tensor(shape, seed(i, name)));
        Value::Object(function.inputs.iter().enumerate().map(input).collect())
    };
    (0..n).map(point).collect()
}

/// A body of these parts.
fn body(parts: &[&Value]) -> String {
    let mut whole = serde_json::Map::new();
    for part in parts {
        whole.extend(part.as_object().unwrap().clone());
    }
    Value::Object(whole).to_string()
}

fn columns(function: &Function, points: &[Value], names: impl Fn(&str) -> bool) -> Value {
    let column = |name: &str| points.iter().map(|point| point[name].clone()).collect::<Value>();
    Value::Object(function.inputs.iter().filter(|(name, _)| names(name)).map(|(name, _)| ((*name).to_owned(), column(name))).collect())
}

type Fields<'a> = BTreeMap<&'a str, &'a RawValue>;

/// A part of an answer to columns.
enum Part<'a> {
    /// Of the function, and so of every point.
    Shared(&'a str),
    /// An entry a point.
    Entries(Vec<&'a RawValue>),
    /// One after another, each of all points.
    List(Vec<Part<'a>>),
    Fields(Vec<(&'a str, Part<'a>)>),
}

impl<'a> Part<'a> {
    fn read(text: &'a str) -> Part<'a> {
        let Ok(fields) = serde_json::from_str::<Fields<'_>>(text) else { return Part::Entries(serde_json::from_str(text).unwrap()) };
        let part = |name: &str, text: &'a str| match name {
            "rows" | "columns" => Part::Shared(text),
            "coefficients" => Part::series(text),
            _ => Part::read(text),
        };
        Part::Fields(fields.iter().map(|(&name, value)| (name, part(name, value.get()))).collect())
    }

    fn series(text: &'a str) -> Part<'a> {
        let outputs: BTreeMap<&str, Vec<&RawValue>> = serde_json::from_str(text).unwrap();
        let list = |orders: Vec<&'a RawValue>| Part::List(orders.into_iter().map(|order| Part::read(order.get())).collect());
        Part::Fields(outputs.into_iter().map(|(name, orders)| (name, list(orders))).collect())
    }

    /// What is of one point.
    fn of(&self, point: usize) -> String {
        match self {
            Part::Shared(text) => sorted(text),
            Part::Entries(entries) => entries[point].get().to_owned(),
            Part::List(parts) => format!("[{}]", parts.iter().map(|part| part.of(point)).collect::<Vec<_>>().join(",")),
            Part::Fields(fields) => {
                let fields: Vec<String> = fields.iter().map(|(name, part)| format!("{name:?}:{}", part.of(point))).collect();
                format!("{{{}}}", fields.join(","))
            }
        }
    }
}

/// An answer to one point with its fields in the order of their names, so that it can be compared as text.
fn sorted(text: &str) -> String {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(text) else { return text.to_owned() };
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name:?}:{}", sorted(value.get()))).collect();
    format!("{{{}}}", fields.join(","))
}

async fn ask(server: &Server, path: &str, body: String) -> String {
    let about = body.chars().take(400).collect::<String>();
    let answer = server.send(path, &[], body).await;
    assert_eq!(answer.status, 200, "{path} {about}: {}", answer.text);
    answer.text
}

async fn workers(workers: usize) -> Server {
    // nothing is turned away, however slow this is
    Server::of(api::Settings::default(), Service::start(Settings { workers, burst_seconds: 3600.0, ..Settings::default() })).await
}

/// Rows and columns of many lengths against each point alone.
#[tokio::test]
async fn however_points_are_given_the_numbers_are_the_same() {
    let server = workers(1).await;
    for function in functions() {
        for (path, question) in questions(&function) {
            for shared in [false, true] {
                let most = LENGTHS[LENGTHS.len() - 1];
                let all = points(&function, most, shared);
                let mut alone: BTreeMap<usize, String> = BTreeMap::new();
                // Each point of the short batches alone, and some of the longest.
                for p in (0..65).step_by(if shared { 9 } else { 3 }).chain([1, 7, 62, 63, 64, 128, 511, 998, 999]) {
                    let text = ask(&server, path, body(&[&function.body, &question, &json!({"at": all[p]})])).await;
                    alone.insert(p, sorted(&text));
                }
                for n in LENGTHS {
                    let about = format!("{} {path} {question} of {n} points, shared: {shared}", function.name);
                    let (given, rest) = (&all[..n], |name: &str| !shared || name != "w");
                    let mut at = json!({});
                    if shared {
                        at = json!({"at": {"w": all[0]["w"]}});
                    }
                    let mut rows = given.to_vec();
                    if shared {
                        rows.iter_mut().for_each(|row| drop(row.as_object_mut().unwrap().remove("w")));
                    }
                    let by_columns = json!({"points": columns(&function, given, rest)});
                    if n == 0 && function.name == "formula" && shared {
                        continue;
                    }
                    let rows = ask(&server, path, body(&[&function.body, &question, &at, &json!({"points": rows})])).await;
                    let rows: BTreeMap<&str, Vec<&RawValue>> = serde_json::from_str(&rows).unwrap();
                    let rows: Vec<String> = rows["results"].iter().map(|result| sorted(result.get())).collect();
                    let columns = ask(&server, path, body(&[&function.body, &question, &at, &by_columns])).await;
                    if n == 0 {
                        assert!(rows.is_empty() && columns.contains("[]"), "{about}: {columns}");
                        continue;
                    }
                    assert_eq!(rows.len(), n, "{about}");
                    let columns = Part::read(&columns);
                    let columns: Vec<String> = (0..n).map(|point| columns.of(point)).collect();
                    assert_eq!(columns, rows, "{about}");
                    for (p, alone) in alone.range(..n) {
                        assert_eq!(rows[*p], *alone, "{about}: point {p}");
                    }
                }
            }
        }
    }
}

/// Every number of a JSON text, in order, as printed.
fn numbers(text: &str) -> Vec<&str> {
    text.split(['[', ']', ',', '{', '}', ':']).filter(|part| part.starts_with(|c: char| c == '-' || c.is_ascii_digit())).collect()
}

/// A tensor as a matrix of so many columns, row by row.
fn matrix(text: &str, columns: usize) -> Vec<Vec<String>> {
    numbers(text).chunks(columns.max(1)).map(|row| row.iter().map(|&number| number.to_owned()).collect()).collect()
}

fn transposed(matrix: &[Vec<String>]) -> Vec<Vec<String>> {
    (0..matrix[0].len()).map(|j| matrix.iter().map(|row| row[j].clone()).collect()).collect()
}

/// Blocks and matrices, one layout and the other: the same numbers in other places.
#[tokio::test]
async fn however_a_jacobian_is_laid_out_its_numbers_are_the_same() {
    let server = workers(1).await;
    for function in functions() {
        let at = json!({"at": points(&function, 3, false)[2]});
        for mode in ["forward", "reverse"] {
            let mut answers = BTreeMap::new();
            for form in ["blocks", "matrix"] {
                for layout in ["numerator", "denominator"] {
                    let text =
                        ask(&server, "/jacobian", body(&[&function.body, &at, &json!({"mode": mode, "form": form, "layout": layout})]))
                            .await;
                    let fields: Fields<'_> = serde_json::from_str(&text).unwrap();
                    answers.insert((form, layout), fields["jacobian"].get().to_owned());
                }
            }
            let size = |shape: &[usize]| shape.iter().product::<usize>();
            let (p, n) = (function.outputs.iter().map(|o| size(o.1)).sum(), function.inputs.iter().map(|i| size(i.1)).sum::<usize>());
            let whole = matrix(&answers[&("matrix", "numerator")], n);
            assert_eq!((whole.len(), whole[0].len()), (p, n));
            assert_eq!(matrix(&answers[&("matrix", "denominator")], p), transposed(&whole), "{} {mode}", function.name);
            type Blocks<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a RawValue>>;
            let by_rows: Blocks<'_> = serde_json::from_str(&answers[&("blocks", "numerator")]).unwrap();
            let by_columns: Blocks<'_> = serde_json::from_str(&answers[&("blocks", "denominator")]).unwrap();
            let mut row = 0;
            for (output, rows) in function.outputs {
                let mut column = 0;
                for (input, columns) in function.inputs {
                    let part: Vec<Vec<String>> =
                        whole[row..row + size(rows)].iter().map(|row| row[column..column + size(columns)].to_vec()).collect();
                    let about = format!("{} {mode} d{output}/d{input}", function.name);
                    assert_eq!(matrix(by_rows[output][input].get(), size(columns)), part, "{about}");
                    assert_eq!(matrix(by_columns[input][output].get(), size(rows)), transposed(&part), "{about}");
                    column += size(columns);
                }
                row += size(rows);
            }
        }
        if function.outputs.len() == 1 {
            // A gradient is the Jacobian's one row, in the same mode to the bit.
            let text = ask(&server, "/gradient", body(&[&function.body, &at, &json!({"mode": "reverse"})])).await;
            let gradient: Fields<'_> = serde_json::from_str(&text).unwrap();
            let text = ask(&server, "/jacobian", body(&[&function.body, &at, &json!({"mode": "reverse"})])).await;
            let jacobian: Fields<'_> = serde_json::from_str(&text).unwrap();
            let blocks: Fields<'_> = serde_json::from_str(jacobian["jacobian"].get()).unwrap();
            assert_eq!(sorted(blocks[function.outputs[0].0].get()), sorted(gradient["gradient"].get()));
        }
    }
}

/// One worker and four, at rest and busy with the same work: the same bytes.
#[tokio::test]
async fn however_many_workers_the_bytes_are_the_same() {
    let (one, four) = (workers(1).await, workers(4).await);
    for function in functions() {
        let all = points(&function, 1000, false);
        for (path, question) in questions(&function) {
            for points in [json!({"points": all}), json!({"points": columns(&function, &all, |_| true)}), json!({"at": all[0]})] {
                let body = body(&[&function.body, &question, &points]);
                let expected = ask(&one, path, body.clone()).await;
                let (a, b, c) = tokio::join!(ask(&four, path, body.clone()), ask(&four, path, body.clone()), ask(&one, path, body.clone()));
                assert!(a == expected && b == expected && c == expected, "{} {path} {question}", function.name);
            }
        }
    }
}

/// One point of a large function, on one worker and shared out to several, at rest and busy: the same bytes.
#[tokio::test]
async fn however_a_large_point_is_shared_out_the_bytes_are_the_same() {
    let graph = json!({
        "inputs": [{"name": "x", "shape": [40_001]}, {"name": "a", "shape": [100, 201]}, {"name": "b", "shape": [201, 120]}],
        "nodes": [
            {"name": "e", "op": "multiply", "args": [{"op": "exp", "args": ["x"]}, {"op": "sin", "args": ["x"]}]},
            {"name": "p", "op": "tanh", "args": [{"op": "matmul", "args": ["a", "b"]}]},
            {"name": "q", "op": "square", "args": [{"op": "sum", "args": ["p"], "axis": 1}]}
        ],
        "outputs": [{"name": "y", "value": {"op": "add", "args": [{"op": "sum", "args": ["e"]}, {"op": "sum", "args": ["q"]}]}}]
    });
    let at = json!({"x": tensor(&[40_001], 1), "a": tensor(&[100, 201], 2), "b": tensor(&[201, 120], 3)});
    let body = json!({"graph": graph, "at": at}).to_string();
    let expected = ask(&workers(1).await, "/gradient", body.clone()).await;
    for count in [2, 3, 8] {
        let server = workers(count).await;
        let again = || ask(&server, "/gradient", body.clone());
        let (first, (a, b, c)) = (again().await, tokio::join!(again(), again(), again()));
        assert!([first, a, b, c].iter().all(|answer| *answer == expected), "{count} workers");
    }
}

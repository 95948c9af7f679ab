//! Compositions: z = g(f(x)), ∂z/∂x = ∂z/∂y · ∂y/∂x, and in no other order.
//!
//! What `/chain` says of a stage must be what `/jacobian` says of it at the stage's own input, to the bit; what it says of the whole is
//! held to the product of the stages' matrices, which the server never forms.

use std::sync::OnceLock;

use nablad::client::Client;
use nablad::service::{Endpoint, Service, Settings};
use nablad::wire::problem::Failure;
use nablad::wire::request::{ChainRequest, Stage};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::Server;

fn try_ask(endpoint: Endpoint, body: &Value) -> Result<Value, Failure> {
    static SERVICE: OnceLock<Service> = OnceLock::new();
    let service = SERVICE.get_or_init(|| Service::start(Settings { workers: 1, ..Settings::default() }));
    let answer = service.answer_blocking(endpoint, body.to_string().as_bytes())?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

fn ask(endpoint: Endpoint, body: &Value) -> Value {
    try_ask(endpoint, body).unwrap_or_else(|failure| panic!("{endpoint:?} {body}: {failure:?}"))
}

fn chain(body: &Value) -> Value {
    ask(Endpoint::Chain, body)
}

type Matrix = Vec<Vec<f64>>;

fn matrix(value: &Value) -> Matrix {
    serde_json::from_value(value.clone()).unwrap()
}

/// A · B, where A has `inner` columns.
fn product(a: &Matrix, b: &Matrix, columns: usize) -> Matrix {
    let cell = |row: &Vec<f64>, j: usize| row.iter().zip(b).map(|(a, b)| a * b[j]).sum();
    a.iter().map(|row| (0..columns).map(|j| cell(row, j)).collect()).collect()
}

fn transposed(a: &Matrix) -> Matrix {
    (0..a[0].len()).map(|j| a.iter().map(|row| row[j]).collect()).collect()
}

fn apart(a: &Matrix, b: &Matrix) -> f64 {
    a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn size(a: &Matrix) -> f64 {
    a.iter().flatten().fold(0.0, |most: f64, a| most.max(a.abs()))
}

/// The product of the stages' matrices, the last on the left.
fn multiplied(answer: &Value) -> Matrix {
    let stages: Vec<Matrix> = answer["stages"].as_array().unwrap().iter().map(|stage| matrix(&stage["jacobian"])).collect();
    let columns = answer["columns"].as_array().unwrap().iter().map(|column| column["size"].as_u64().unwrap() as usize).sum();
    let mut stages = stages.into_iter();
    let first = stages.next().unwrap();
    stages.fold(first, |whole, stage| product(&stage, &whole, columns))
}

/// Flattened, in the order of the outputs.
fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Object(fields) => fields.values().flat_map(flat).collect(),
        Value::Array(values) => values.iter().flat_map(flat).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

/// A point of inputs with those shapes (of at most one axis) from a flat vector.
fn point(inputs: &[(&str, &[usize])], x: &[f64]) -> Value {
    let mut rest = x;
    let mut fields = serde_json::Map::new();
    for (name, shape) in inputs {
        let (own, after) = rest.split_at(shape.iter().product());
        let value = match shape {
            [] => json!(own[0]),
            [_] => json!(own),
            [_, columns] => own.chunks(*columns).map(|row| json!(row)).collect(),
            _ => unreachable!(),
        };
        fields.insert((*name).to_owned(), value);
        rest = after;
    }
    Value::Object(fields)
}

type Shapes = &'static [(&'static str, &'static [usize])];

/// Functions with the shapes of their inputs.
type Stages<'s> = &'s [(&'s Value, Shapes)];

#[test]
fn each_stage_is_the_jacobian_at_its_own_input_and_the_whole_their_product() {
    let polar = json!({"formula": "x = r*cos(t); y = r*sin(t)", "inputs": ["r", "t"], "outputs": ["x", "y"]});
    let bend = json!({"formula": "u = a + 3*b^2; v = a*b; w = exp(-a)", "inputs": ["a", "b"], "outputs": ["u", "v", "w"]});
    let mix = json!({"formula": "m = matmul(A, A) + c", "inputs": [{"name": "A", "shape": [2, 2]}, {"name": "c", "shape": []}]});
    let five = json!({"formula": "y = [x[0]*x[1], sin(x[2]), x[1]^2, x[0] + x[2], 1/x[0]]", "inputs": [{"name": "x", "shape": [3]}]});
    let kinks = json!({"formula": "k = abs(v) + maximum(v[0], v[1])", "inputs": [{"name": "v", "shape": [4]}]});
    let sum = json!({"formula": "s = sum(q^2)", "inputs": [{"name": "q", "shape": [4]}]});
    let table: &[(Stages<'_>, &[f64])] = &[
        (&[(&polar, &[("r", &[]), ("t", &[])])], &[2.0, 0.75]),
        (&[(&polar, &[("r", &[]), ("t", &[])]), (&bend, &[("a", &[]), ("b", &[])]), (&five, &[("x", &[3])])], &[2.0, 0.75]),
        (
            &[(&five, &[("x", &[3])]), (&mix, &[("A", &[2, 2]), ("c", &[])]), (&kinks, &[("v", &[4])]), (&sum, &[("q", &[4])])],
            &[0.2, 1.4, -0.8],
        ),
        (&[(&kinks, &[("v", &[4])]), (&sum, &[("q", &[4])])], &[0.0, -0.0, 1.0, -2.0]),
    ];
    for (stages, x) in table {
        let functions: Vec<&Value> = stages.iter().map(|(function, _)| *function).collect();
        for mode in ["auto", "forward", "reverse"] {
            let answer = chain(&json!({"stages": functions, "at": point(stages[0].1, x), "mode": mode}));
            let mut x = x.to_vec();
            for ((function, inputs), stage) in stages.iter().zip(answer["stages"].as_array().unwrap()) {
                let mut body = (*function).clone();
                let fields = json!({"at": point(inputs, &x), "form": "matrix", "mode": mode});
                body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
                assert_eq!(*stage, ask(Endpoint::Jacobian, &body), "{function}");
                x = flat(&stage["value"]);
            }
            assert_eq!(answer["value"], answer["stages"].as_array().unwrap().last().unwrap()["value"]);
            let (whole, product) = (matrix(&answer["jacobian"]), multiplied(&answer));
            assert!(apart(&whole, &product) <= 1e-14 * size(&product).max(1.0), "{whole:?} and {product:?}");
        }
    }
}

/// Maps of R³ to itself, each with a matrix of its own.
fn smooth(numbers: &[f64]) -> String {
    let row = |i: usize| {
        let [a, b, c, d, e] = numbers[5 * i..5 * i + 5] else { unreachable!() };
        format!("sin({a}*x[0] + {b}*x[1] + {c}*x[2]) + {d}*x[{}]*x[{}] + {e}*x[{i}]", (i + 1) % 3, (i + 2) % 3)
    };
    format!("[{}, {}, {}]", row(0), row(1), row(2))
}

proptest! {
    // The same functions every time: a failure is a fact about the code, not about the day.
    #![proptest_config(ProptestConfig {
        cases: 200, rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_124), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn three_random_stages_multiply_in_their_order(numbers in prop::collection::vec(-2.0..2.0f64, 45), x in prop::collection::vec(-1.0..1.0f64, 3)) {
        let stages: Vec<Value> = numbers.chunks(15).map(|numbers| json!({"formula": smooth(numbers)})).collect();
        let answer = chain(&json!({"stages": stages, "at": {"x": x}}));
        let [a, b, c] = [0, 1, 2].map(|i| matrix(&answer["stages"][i]["jacobian"]));
        let whole = matrix(&answer["jacobian"]);
        let right = product(&c, &product(&b, &a, 3), 3);
        let scale = size(&a) * size(&b) * size(&c);
        prop_assert!(apart(&whole, &right) <= 1e-14 * scale, "{:?} and {:?}", whole, right);
        let wrong = product(&a, &product(&b, &c, 3), 3);
        prop_assert!(apart(&whole, &wrong) > 1e-6 * scale, "the other order is another matrix: {:?}", wrong);
        // In denominator layout all is transposed, and so is the order.
        let answer = chain(&json!({"stages": stages, "at": {"x": x}, "layout": "denominator"}));
        for (i, numerator) in [&a, &b, &c].into_iter().enumerate() {
            prop_assert_eq!(matrix(&answer["stages"][i]["jacobian"]), transposed(numerator));
        }
        prop_assert_eq!(matrix(&answer["jacobian"]), transposed(&whole));
    }
}

#[test]
fn a_stage_takes_what_the_one_before_gives() {
    let check = |stages: Value, at: Value, value: Value, jacobian: Value| {
        let answer = chain(&json!({"stages": stages, "at": at}));
        assert_eq!((&answer["value"], &answer["jacobian"]), (&value, &jacobian), "{stages}");
    };
    // One scalar is a scalar, whatever else a vector.
    check(json!([{"formula": "x^2"}, {"formula": "y + 1"}]), json!({"x": 3}), json!({"f": 10.0}), json!([[6.0]]));
    check(json!([{"formula": "[x^2]"}, {"formula": "y + 1"}]), json!({"x": 3}), json!({"f": [10.0]}), json!([[6.0]]));
    check(
        json!([{"formula": "a = x; b = x^2", "outputs": ["a", "b"]}, {"formula": "y * [1, 10]"}]),
        json!({"x": 3}),
        json!({"f": [3.0, 90.0]}),
        json!([[1.0], [60.0]]),
    );
    check(
        json!([{"formula": "outer(v, v)", "inputs": [{"name": "v", "shape": [2]}]}, {"formula": "m[3] - m[0]"}]),
        json!({"v": [3, 5]}),
        json!({"f": 16.0}),
        json!([[-6.0, 10.0]]),
    );
    // Declared shapes cut the flat vector, in order; a graph's bare input is a scalar.
    let product = json!({"op": "multiply", "args": [{"op": "index", "args": ["A"], "at": [1, 1]}, "s"]});
    check(
        json!([
            {"formula": "v * [1, 2, 3, 4, 5]", "inputs": [{"name": "v", "shape": [5]}]},
            {"graph": {"inputs": [{"name": "A", "shape": [2, 2]}, "s"], "outputs": [{"name": "y", "value": product}]}}
        ]),
        json!({"v": [1, 1, 1, 1, 2]}),
        json!({"y": 40.0}),
        json!([[0.0, 0.0, 0.0, 40.0, 20.0]]),
    );
    // Nothing, and a function of nothing.
    check(json!([{"formula": "x^2"}, {"formula": "sum(y)"}]), json!({"x": []}), json!({"f": 0.0}), json!([[]]));
    check(json!([{"formula": "7"}, {"formula": "y^2"}]), json!({}), json!({"f": 49.0}), json!([[]]));
}

#[test]
fn stages_are_told_apart_where_their_nodes_are_the_same() {
    // What the first stage gives is a constant that the second has as well: it is a variable there all the same.
    let answer = chain(&json!({"stages": [{"formula": "3 + 0*x"}, {"formula": "3*y + y^2"}], "at": {"x": 1}}));
    assert_eq!((&answer["stages"][1]["jacobian"], &answer["jacobian"]), (&json!([[9.0]]), &json!([[0.0]])));
    let constant = json!({"formula": "c = 3", "inputs": ["x"], "outputs": ["c"]});
    let answer = chain(&json!({"stages": [constant, {"formula": "3*y + y^2"}], "at": {"x": 1}}));
    assert_eq!((&answer["stages"][1]["jacobian"], &answer["jacobian"]), (&json!([[9.0]]), &json!([[0.0]])));
    // One node twice is two inputs, and an input that is a function of another is none of it there.
    let twice = json!({"formula": "a = sin(x); b = a; c = sin(a)", "outputs": ["a", "b", "c"]});
    let next = json!({"formula": "p*q + sin(p) + r", "inputs": ["p", "q", "r"]});
    let answer = chain(&json!({"stages": [twice, next], "at": {"x": 0.5}}));
    let a = 0.5f64.sin();
    let row = matrix(&answer["stages"][1]["jacobian"]);
    assert!(apart(&row, &vec![vec![a + a.cos(), a, 1.0]]) < 1e-15, "{row:?}");
    let whole = matrix(&answer["jacobian"])[0][0];
    assert!((whole - 0.5f64.cos() * (2.0 * a + 2.0 * a.cos())).abs() < 1e-15, "{whole}");
    // A stage that does nothing, first, last and between.
    let same = json!({"formula": "y = x", "inputs": [{"name": "x", "shape": [2]}], "outputs": ["x"]});
    let square = json!({"formula": "v^2"});
    for stages in [json!([same, square]), json!([square, same]), json!([square, same, same])] {
        let input = if stages[0] == same { "x" } else { "v" };
        let answer = chain(&json!({"stages": stages, "at": {input: [2, -3]}}));
        assert_eq!(answer["jacobian"], json!([[4.0, 0.0], [0.0, -6.0]]), "{stages}");
        for stage in answer["stages"].as_array().unwrap().iter().filter(|stage| stage["value"]["x"].is_array()) {
            assert_eq!(stage["jacobian"], json!([[1.0, 0.0], [0.0, 1.0]]));
        }
    }
}

#[test]
fn conventions_hold_through_a_composition() {
    // √(x²) at 0: the pole of the second stage meets the zero of the first, which carries nothing.
    let answer = chain(&json!({"stages": [{"formula": "x^2"}, {"formula": "sqrt(y)"}], "at": {"x": 0}}));
    assert_eq!(answer["stages"][1]["jacobian"], json!([["Infinity"]]));
    assert_eq!(answer["jacobian"], json!([[0.0]]));
}

#[test]
fn points_come_in_every_way() {
    let stages = json!([{"formula": "x = r*cos(t) + a; y = r*sin(t)", "inputs": ["r", "t", "a"], "outputs": ["x", "y"]}, {"formula": "sqrt(v)*v[0]"}]);
    let points = [(1.0, 0.5), (2.0, 1.0), (0.25, 1.25)];
    let one = |(r, t): (f64, f64)| chain(&json!({"stages": stages, "at": {"r": r, "t": t, "a": 0.5}, "wrt": ["t", "r"]}));
    let alone: Vec<Value> = points.into_iter().map(one).collect();
    assert_eq!(alone[0]["columns"], json!([{"name": "r", "offset": 0, "size": 1}, {"name": "t", "offset": 1, "size": 1}]));
    assert_eq!(alone[0]["stages"][1]["columns"], json!([{"name": "v", "offset": 0, "size": 2}]));
    let rows: Vec<Value> = points.iter().map(|(r, t)| json!({"r": r, "t": t})).collect();
    let answer = chain(&json!({"stages": stages, "at": {"a": 0.5}, "points": rows, "wrt": ["r", "t"]}));
    assert_eq!(answer["results"], json!(alone));
    let columns = json!({"r": points.map(|p| p.0), "t": points.map(|p| p.1)});
    let answer = chain(&json!({"stages": stages, "at": {"a": 0.5}, "points": columns, "wrt": ["r", "t"]}));
    for (i, alone) in alone.iter().enumerate() {
        assert_eq!(answer["jacobian"][i], alone["jacobian"]);
        assert_eq!(answer["value"]["f"][i], alone["value"]["f"]);
        assert_eq!(answer["stages"][0]["value"]["y"][i], alone["stages"][0]["value"]["y"]);
        assert_eq!(answer["stages"][1]["jacobian"][i], alone["stages"][1]["jacobian"]);
    }
    let answer = chain(&json!({"stages": stages, "points": []}));
    assert_eq!(answer["results"], json!([]));
}

#[tokio::test]
async fn the_client_speaks_of_stages() {
    let server = Server::start().await;
    let client = Client::new(&server.url("")).unwrap();
    let request = ChainRequest::new([Stage::new("r*cos(t)"), Stage::new("exp(-y^2)")]).at("r", 2.0).at("t", 0.0);
    let answer = client.chain(&request).await.unwrap().one().unwrap();
    assert_eq!((answer.stages.len(), answer.stages[0].value["f"].as_scalar()), (2, Some(2.0)));
    assert_eq!(answer.jacobian.shape, [1, 2]);
    let rows = client.chain(&ChainRequest::new(["x^2", "3*y"]).rows([[("x".to_owned(), 1.0.into())].into_iter().collect()])).await.unwrap();
    assert_eq!(rows.rows().unwrap()[0].jacobian.data, [6.0]);
}

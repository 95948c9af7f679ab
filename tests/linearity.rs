//! Local linearity: what `/check` says of functions whose differentiability is known.
//!
//! A row is a function, a point, a direction if not the usual one, and the verdict. Then what is measured is held to what the
//! other endpoints compute, and to closed forms.

use std::sync::OnceLock;

use nablad::client::Client;
use nablad::service::{Endpoint, Service, Settings};
use nablad::wire::answer::Verdict;
use nablad::wire::problem::Failure;
use nablad::wire::request::CheckRequest;
use serde_json::{Value, json};

use crate::support::Server;

fn try_ask(endpoint: Endpoint, body: &Value) -> Result<Value, Failure> {
    static SERVICE: OnceLock<Service> = OnceLock::new();
    let service = SERVICE.get_or_init(|| Service::start(Settings { workers: 1, ..Settings::default() }));
    let answer = service.answer_blocking(endpoint, body.to_string().as_bytes())?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

fn check(body: &Value) -> Value {
    try_ask(Endpoint::Check, body).unwrap_or_else(|failure| panic!("{body}: {failure:?}"))
}

/// The orders that were observed.
fn orders(answer: &Value) -> Vec<f64> {
    answer["steps"].as_array().unwrap().iter().filter_map(|step| step["order"].as_f64()).collect()
}

#[test]
fn verdicts_are_those_that_are_known() {
    const GOOD: &str = "differentiable";
    let table: Vec<(&str, Value, Option<Value>, &str)> = vec![
        // smooth
        ("x^2 * sin(y)", json!({"x": 3, "y": 0.5}), None, GOOD),
        ("exp(x)", json!({"x": 0}), None, GOOD),
        ("tanh(x)", json!({"x": 20}), None, GOOD),
        ("1/x", json!({"x": 1e-3}), None, GOOD),
        ("x^3", json!({"x": 0}), None, GOOD),
        ("sin(1e6*x)", json!({"x": 1}), None, GOOD),
        ("sum(exp(-w^2)) + prod(w)", json!({"w": [0.5, -1, 2]}), None, GOOD),
        ("logsumexp(w)", json!({"w": [1000, 1000, -1000]}), None, GOOD),
        ("[x*y, sin(x), exp(y)]", json!({"x": 0.3, "y": -2}), None, GOOD),
        // linear, constant
        ("3*x - 2*y", json!({"x": 1, "y": 5}), None, GOOD),
        ("sum(A) * 0.1", json!({"A": [[0.1, 0.2], [0.3, 0.7]]}), None, GOOD),
        ("7 + 0*x", json!({"x": 1}), None, GOOD),
        ("(x + 1e8) - 1e8", json!({"x": 0.5}), None, GOOD),
        ("x / 3", json!({"x": 1e200}), None, GOOD),
        ("x / 3", json!({"x": 1e-200}), None, GOOD),
        ("mean(w)", json!({"w": vec![0.1; 1000]}), None, GOOD),
        // large and tiny
        ("sqrt(x)", json!({"x": 1e200}), None, GOOD),
        ("sqrt(x)", json!({"x": 1e-200}), None, GOOD),
        ("x^2", json!({"x": 1e-200}), None, GOOD),
        ("x^2", json!({"x": 1e150}), None, GOOD),
        ("log(x)", json!({"x": 1e-300}), None, GOOD),
        ("sqrt(x)", json!({"x": 1e-305}), None, GOOD),
        ("tanh(x)", json!({"x": "Infinity"}), None, GOOD),
        ("x^2", json!({"x": 1e200}), None, "not-finite"),
        // at a kink and off it
        ("abs(x)", json!({"x": 0}), None, "kink"),
        ("abs(x)", json!({"x": 0}), Some(json!({"x": -2})), "kink"),
        ("abs(x)", json!({"x": 1}), None, GOOD),
        ("abs(x)", json!({"x": 1e-3}), Some(json!({"x": -1})), GOOD),
        ("abs(x)", json!({"x": -1e-12}), None, GOOD),
        ("relu(x)", json!({"x": 0}), None, "kink"),
        ("relu(x)", json!({"x": -1}), None, GOOD),
        ("maximum(x, y)", json!({"x": 1, "y": 1}), None, "kink"),
        ("maximum(x, y)", json!({"x": 1, "y": 1}), Some(json!({"x": 1, "y": 1})), GOOD),
        ("maximum(x, y)", json!({"x": 1, "y": 1.5}), None, GOOD),
        ("max(w)", json!({"w": [3, 1, 3]}), None, "kink"),
        ("vector_norm(w)", json!({"w": [0, 0]}), None, "kink"),
        ("hypot(x, y)", json!({"x": 0, "y": 0}), None, "kink"),
        ("clip(x, 0, 1)", json!({"x": 1}), Some(json!({"x": -1})), "kink"),
        ("abs(x) + 1e6*x^2", json!({"x": 0}), None, "kink"),
        ("abs(x) + y", json!({"x": 0, "y": 1}), Some(json!({"y": 1})), GOOD),
        // a kink beside what is smooth and far larger
        ("[1e6*exp(x), abs(x)]", json!({"x": 0}), None, "kink"),
        // a derivative though not a second one
        ("x*abs(x)", json!({"x": 0}), None, GOOD),
        ("x^1.5", json!({"x": 0}), None, GOOD),
        ("abs(x)^1.25", json!({"x": 0}), None, GOOD),
        // roots and jumps
        ("sqrt(x)", json!({"x": 0}), None, "singular"),
        ("sqrt(x)", json!({"x": 0}), Some(json!({"x": -1})), "singular"),
        ("cbrt(x)", json!({"x": 0}), None, "singular"),
        ("sqrt(abs(x))", json!({"x": 0}), None, "singular"),
        ("abs(x)^0.25", json!({"x": 0}), None, "singular"),
        ("floor(x)", json!({"x": 0}), Some(json!({"x": -1})), "singular"),
        ("floor(x)", json!({"x": 0}), None, GOOD),
        ("sign(x) + x^2", json!({"x": 0}), None, "singular"),
        ("xlogy(x, x)", json!({"x": 0}), None, "singular"),
        // no value, no derivative, no neighbours
        ("log(x)", json!({"x": 0}), None, "not-finite"),
        ("log(x)", json!({"x": -1}), None, "not-finite"),
        ("1/x", json!({"x": 0}), None, "not-finite"),
        ("x^1.5", json!({"x": 0}), Some(json!({"x": -1})), "not-finite"),
        ("x", json!({"x": "NaN"}), None, "not-finite"),
        ("atan2(x, y)", json!({"x": 1, "y": "NaN"}), None, "not-finite"),
        ("x + y", json!({"x": 1, "y": 2}), Some(json!({"x": "NaN"})), "not-finite"),
        ("[x, 1/y]", json!({"x": 1, "y": 0}), None, "not-finite"),
        // nothing moves
        ("abs(x)", json!({"x": 0}), Some(json!({})), GOOD),
        ("abs(x)", json!({"x": 0}), Some(json!({"x": 0})), GOOD),
        ("x * 2", json!({"x": []}), None, GOOD),
    ];
    let mut wrong = Vec::new();
    for (formula, at, direction, verdict) in &table {
        let mut body = json!({"formula": formula, "at": at});
        if let Some(direction) = direction {
            body["direction"] = direction.clone();
        }
        let answer = check(&body);
        let reason = answer["reason"].as_str().unwrap();
        if answer["verdict"] != *verdict || reason.len() < 20 {
            wrong.push(format!("{body}: {verdict} expected: {answer}"));
        }
        assert_eq!(answer["steps"].as_array().unwrap().len(), 10);
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

#[test]
fn constants_need_no_point() {
    let answer = check(&json!({"formula": "1 + 1"}));
    assert_eq!((&answer["verdict"], &answer["direction"]), (&json!("differentiable"), &json!({})));
}

#[test]
fn steps_say_what_they_are() {
    // f(x + h) − f(x) = 2xh + h² for x², and the remainder is h².
    let answer = check(&json!({"formula": "x^2", "at": {"x": 3}, "direction": {"x": 2}, "step_sizes": [0.5, 0.125, 0.25]}));
    assert_eq!((&answer["value"], &answer["direction"]), (&json!({"f": 9.0}), &json!({"x": 2.0})));
    let step = |h: f64| json!({"h": h, "difference": 12.0*h + 4.0*h*h, "remainder": 4.0*h*h, "ratio": 4.0*h});
    for (i, h) in [0.5, 0.125, 0.25].into_iter().enumerate() {
        for (field, value) in step(h).as_object().unwrap() {
            assert_eq!(answer["steps"][i][field], *value, "{field} at {h}");
        }
    }
    let found = orders(&answer);
    assert!(answer["steps"][0]["order"].is_null() && found.len() == 2 && found.iter().all(|order| (order - 2.0).abs() < 1e-14), "{answer}");
    assert_eq!(answer["inner_product"], json!({"forward": 12.0, "reverse": 12.0, "relative_difference": 0.0}));
    // One size shows no order, and has a verdict all the same; the same size twice neither.
    for sizes in [json!([0.01]), json!([0.01, 0.01])] {
        for (formula, verdict) in [("x^2", "differentiable"), ("abs(x)", "kink"), ("sqrt(abs(x))", "singular")] {
            let answer = check(&json!({"formula": formula, "at": {"x": 0}, "step_sizes": sizes}));
            assert_eq!(
                (answer["verdict"].as_str(), answer["steps"].as_array().unwrap().len()),
                (Some(verdict), sizes.as_array().unwrap().len())
            );
            assert!(orders(&answer).is_empty());
        }
    }
    // Where the remainder is rounding there is no order.
    let answer = check(&json!({"formula": "0.1*x + 0.7", "at": {"x": 0.3}}));
    assert!(orders(&answer).is_empty(), "{answer}");
    let answer = check(&json!({"formula": "exp(x)", "at": {"x": 0.5}}));
    let found = orders(&answer);
    assert!(found.len() >= 4 && found.iter().all(|order| (order - 2.0).abs() < 0.1), "{answer}");
    // Two tensors: lengths are over all of them.
    let answer = check(&json!({"formula": "u = 3*x; v = [4*x, 0*x]", "outputs": ["u", "v"], "at": {"x": 1}, "step_sizes": [0.5]}));
    assert_eq!(answer["steps"][0]["difference"], json!(2.5));
}

#[test]
fn reasons_name_the_element() {
    let reason = |body: Value| check(&body)["reason"].as_str().unwrap().to_owned();
    let body = json!({"formula": "a = x^2; b = [[x, abs(x - 1)], [1, sin(x)]]", "outputs": ["a", "b"], "at": {"x": 1}});
    assert!(reason(body).contains("\"b\"[0, 1]"));
    assert!(reason(json!({"formula": "log(x)", "at": {"x": -1}})).contains("\"f\" is NaN"));
    assert!(reason(json!({"formula": "sqrt(x)", "at": {"x": 0}})).contains("inf"));
    assert!(reason(json!({"formula": "x^1.5", "at": {"x": 0}})).contains("h^1.50"));
}

#[test]
fn forward_and_reverse_agree() {
    for (formula, at) in [
        ("x^2 * sin(y)", json!({"x": 3, "y": 0.5})),
        ("softmax(matmul(A, v)) * s", json!({"A": [[0.3, -1.2], [1.1, 0.4], [-0.5, 0.25]], "v": [0.5, 2], "s": 1.5})),
        ("cumulative_sum(w) / (1 + sum(w^2))", json!({"w": [0.1, 0.7, -2, 4]})),
        ("abs(x) + sqrt(y)", json!({"x": 0, "y": 2})),
    ] {
        let answer = check(&json!({"formula": formula, "at": at}));
        let product = &answer["inner_product"];
        assert!(product["relative_difference"].as_f64().unwrap() < 1e-14, "{formula}: {product}");
        assert_ne!(product["forward"], json!(0.0), "{formula}");
    }
}

#[test]
fn the_usual_direction_is_fixed() {
    let at = json!({"A": [[1, 2], [3, 4]], "b": 5, "c": [6, 7]});
    let direction = |body: Value| check(&body)["direction"].clone();
    let inputs = json!([{"name": "A", "shape": [2, 2]}, "b", {"name": "c", "shape": [2]}]);
    let one = direction(json!({"formula": "sum(A) + b + sum(c)", "inputs": inputs, "at": at}));
    assert_eq!(
        one,
        direction(json!({"formula": "sum(A^2) * b - prod(c)", "inputs": inputs, "at": {"c": [0, 0], "b": 1, "A": [[0, 0], [0, 0]]}}))
    );
    let elements: Vec<f64> = [&one["A"][0][0], &one["A"][0][1], &one["A"][1][0], &one["A"][1][1], &one["b"], &one["c"][0], &one["c"][1]]
        .into_iter()
        .map(|value| value.as_f64().unwrap())
        .collect();
    assert_eq!(elements[0], 1.0);
    assert!(elements.iter().all(|d| (0.5..=1.0).contains(&d.abs())) && elements.iter().any(|&d| d < 0.0), "{elements:?}");
    // Said again it gives the same answer.
    let body = json!({"formula": "sum(A^2) * b - prod(c)", "inputs": inputs, "at": at});
    let mut again = body.clone();
    again["direction"] = one;
    let (usual, said) = (check(&body), check(&again));
    assert_eq!(usual["steps"], said["steps"]);
}

#[tokio::test]
async fn the_client_reads_verdicts() {
    let server = Server::start().await;
    let client = Client::new(&server.url("")).unwrap();
    let answer = client.check(&CheckRequest::new("abs(x) + y^2").at("x", 0.0).at("y", 1.0)).await.unwrap();
    assert_eq!((answer.verdict, answer.steps.len(), answer.value["f"].as_scalar()), (Verdict::Kink, 10, Some(1.0)));
    let answer = client.check(&CheckRequest::new("1/x").at("x", 0.0).direction("x", 1.0).step_sizes([0.1, 0.01])).await.unwrap();
    assert_eq!((answer.verdict, answer.steps.len()), (Verdict::NotFinite, 2));
    assert!(answer.steps[0].difference.0.is_infinite() || answer.steps[0].difference.0.is_nan());
}

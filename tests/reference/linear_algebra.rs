//! Linear algebra against values, Jacobians and Hessians at 50 digits (linear_algebra.py).

use serde_json::{Value, json};

use super::{flat, number, rows};
use crate::support::Server;

/// Why nested numbers are not those of the table within its bound, relative to the largest of them (or to `floor`, where that is more).
fn compare(got: &Value, expected: &Value, bound: f64, floor: f64, what: &str, faults: &mut Vec<String>) {
    let ((got_shape, got), (shape, expected)) = (flat(got), flat(expected));
    if got_shape != shape || got.len() != expected.len() {
        faults.push(format!("{what}: another shape, {got:?} for {expected:?}"));
        return;
    }
    let expected: Vec<f64> = expected.iter().map(|text| text.as_str().expect("text").parse().expect("a decimal")).collect();
    let largest = expected.iter().copied().filter(|value| value.is_finite()).fold(floor, |most, value| most.max(value.abs()));
    for (got, exact) in got.iter().map(number).zip(expected) {
        if !(got == exact || (got.is_nan() && exact.is_nan()) || (got - exact).abs() <= bound * largest) {
            faults.push(format!("{what}: {got:e}, not {exact:e}, beside {largest:e}"));
        }
    }
}

/// What is wrong in rows of whole requests: value and Jacobian in each mode, and the Hessian where a row has one.
pub(super) async fn faults(server: &Server, rows: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    for row in rows {
        let (name, bound, floor) = (&row["name"], row["bound"].as_f64().unwrap_or(0.0), row["floor"].as_f64().unwrap_or(0.0));
        let modes = row["modes"].as_array().cloned().unwrap_or_else(|| vec![json!("forward"), json!("reverse")]);
        for mode in &modes {
            let mut request = row["request"].clone();
            request["mode"] = mode.clone();
            let answer = server.post("/jacobian", &request).await;
            if !answer["value"].is_object() {
                faults.push(format!("{name} {mode}: {answer}"));
                continue;
            }
            for (output, value) in row["value"].as_object().expect("outputs") {
                compare(&answer["value"][output], value, bound, floor, &format!("{name} {mode} {output}"), &mut faults);
                for (input, block) in row["jacobian"][output].as_object().expect("inputs") {
                    let what = format!("{name} {mode} d{output}/d{input}");
                    compare(&answer["jacobian"][output][input], block, bound, floor, &what, &mut faults);
                }
            }
            if row["hessian"].is_null() {
                continue;
            }
            // a second derivative has the error of two
            let request = json!({"graph": row["hessian"]["graph"], "at": row["request"]["at"], "mode": mode});
            let answer = server.post("/hessian", &request).await;
            if !answer["hessian"].is_object() {
                faults.push(format!("{name} {mode}: {answer}"));
                continue;
            }
            for (x, blocks) in row["hessian"]["blocks"].as_object().expect("inputs") {
                for (y, block) in blocks.as_object().expect("inputs") {
                    let what = format!("{name} {mode} d²/d{x}d{y}");
                    compare(&answer["hessian"][x][y], block, 10.0 * bound, floor, &what, &mut faults);
                }
            }
        }
    }
    faults
}

#[tokio::test]
async fn linear_algebra() {
    let server = Server::start().await;
    let faults = faults(&server, &rows(include_str!("linear_algebra.jsonl"))).await;
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..faults.len().min(60)].join("\n"));
}

#[tokio::test]
async fn every_operator_of_linear_algebra_has_its_table() {
    let server = Server::start().await;
    let rows = rows(include_str!("linear_algebra.jsonl"));
    let operators: Value = serde_json::from_str(&server.get("/ops").await.text).expect("JSON");
    // what is said of matrices without taking them apart stands in the table of tensors
    let own = |operator: &&Value| match operator["name"].as_str() {
        Some("trace" | "matrix_norm") => false,
        Some("cofactor" | "expm_derivative") => true,
        _ => operator["family"] == "linear algebra",
    };
    let operators: Vec<&Value> = operators["ops"].as_array().expect("a list").iter().filter(own).collect();
    assert!(operators.len() >= 13, "{} operators", operators.len());
    for operator in operators {
        let own: Vec<&Value> = rows.iter().filter(|row| row["op"] == operator["name"]).collect();
        assert!(own.len() >= 8, "{}: {} rows", operator["name"], own.len());
        let second = own.iter().filter(|row| !row["hessian"].is_null()).count();
        assert!(second >= 2, "{}: {second} rows with second derivatives", operator["name"]);
    }
}

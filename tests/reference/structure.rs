//! Functions in functions against values, Jacobians and Hessians at 50 digits (structure.py).

use serde_json::{Value, json};

use super::{linear_algebra, moved, rows};
use crate::support::Server;

#[tokio::test]
async fn structure() {
    let server = Server::start().await;
    let faults = linear_algebra::faults(&server, &rows(include_str!("structure.jsonl"))).await;
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..faults.len().min(60)].join("\n"));
}

/// A loop beside others that take more steps or fewer, and a root beside others that are not found, has the bits that it has alone.
#[tokio::test]
async fn structure_among_other_points() {
    let server = Server::start().await;
    let mut faults = Vec::new();
    for row in &rows(include_str!("structure.jsonl")) {
        let at = &row["request"]["at"];
        let points = json!([moved(at, 0.375), at, moved(at, -1.25), at, moved(at, 40.0)]);
        let second = (!row["hessian"].is_null()).then(|| ("/hessian", &row["hessian"]["graph"]));
        for (endpoint, graph) in [("/jacobian", &row["request"]["graph"])].into_iter().chain(second) {
            for mode in ["forward", "reverse"] {
                let alone = server.post(endpoint, &json!({"graph": graph, "at": at, "mode": mode})).await;
                let batch: Value = server.post(endpoint, &json!({"graph": graph, "points": points, "mode": mode})).await;
                if batch["results"][1] != alone || batch["results"][3] != alone {
                    faults.push(format!("{} {endpoint} {mode}: alone {alone}, among others {batch}", row["name"]));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..faults.len().min(60)].join("\n"));
}

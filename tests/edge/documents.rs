//! The OpenAPI document is current and whole, its examples work, and its page loads nothing from elsewhere.

use std::collections::BTreeSet;

use nablad::api;
use nablad::service::Endpoint;
use nablad::wire::problem::Slug;
use serde_json::Value;

use crate::support::Server;

#[test]
fn the_checked_in_document_is_current() {
    let checked_in: Value = serde_json::from_str(include_str!("../../openapi/openapi.json")).unwrap();
    assert!(checked_in == api::openapi(), "stale: cargo run -- openapi > openapi/openapi.json");
}

/// Every object of the document.
fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values().for_each(|value| walk(value, visit));
        }
        Value::Array(values) => values.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

#[test]
fn references_lead_somewhere() {
    let document = api::openapi();
    let mut seen = BTreeSet::new();
    walk(&document, &mut |object| {
        if let Some(Value::String(reference)) = object.get("$ref") {
            seen.insert(reference.clone());
        }
    });
    assert!(seen.len() > 20);
    for reference in seen {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn operations_are_whole() {
    let document = api::openapi();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let about = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{about}");
            assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{about}");
            for status in if method == "post" { ["400", "422", "503"].as_slice() } else { &["400", "500"] } {
                assert!(operation["responses"][status].is_object(), "{about}: {status}");
            }
        }
    }
    assert_eq!(ids.len(), 36);
}

#[tokio::test]
async fn examples_work() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    for endpoint in Endpoint::ALL {
        let examples = api::example_requests(endpoint);
        assert!(examples.len() >= 2);
        for example in examples {
            let response = client.post(server.url(&format!("/{}", endpoint.name()))).body(example.body.to_string()).send().await.unwrap();
            let status = response.status().as_u16();
            assert_eq!(status, 200, "{} {}: {}", endpoint.name(), example.name, response.text().await.unwrap());
        }
    }
}

#[tokio::test]
async fn examples_of_the_registry_work() {
    let server = Server::start().await;
    for example in api::example_registrations(true) {
        let answer = server.send("/functions", &[], example.body.to_string()).await;
        assert_eq!(answer.status, 201, "{}: {}", example.name, answer.text);
    }
    for example in api::example_registrations(false) {
        let answer = server.ask("PUT", &format!("/functions/{}", example.name), &[], example.body.to_string()).await;
        assert_eq!(answer.status, 201, "{}: {}", example.name, answer.text);
    }
    let document = api::openapi();
    let function = document["components"]["parameters"]["function"]["example"].as_str().unwrap();
    for endpoint in Endpoint::ALL {
        for example in api::example_requests_of_registered(endpoint) {
            let answer = server.send(&format!("/functions/{function}/{}", endpoint.name()), &[], example.body.to_string()).await;
            assert_eq!(answer.status, 200, "{}: {}", endpoint.name(), answer.text);
        }
    }
}

#[tokio::test]
async fn the_page_is_offline() {
    let server = Server::start().await;
    let page = reqwest::get(server.url("/docs")).await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("http"), "{policy}");
    let page = page.text().await.unwrap();
    assert!(!page.contains("://"), "{page}");
    let mut loaded = 0;
    for part in page.split(['"', '\'']).filter(|part| part.starts_with("docs/")) {
        let asset = reqwest::get(server.url(&format!("/{part}"))).await.unwrap();
        assert_eq!(asset.status().as_u16(), 200, "{part}");
        loaded += 1;
    }
    assert_eq!(loaded, 4);
    let start = reqwest::get(server.url("/docs/start.js")).await.unwrap().text().await.unwrap();
    assert!(start.contains("openapi.json") && start.contains("validatorUrl: null") && !start.contains("://"));
}

#[tokio::test]
async fn every_problem_has_a_page() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    for slug in Slug::ALL {
        let url = server.url(&format!("/problems/{}", slug.name()));
        let page = client.get(&url).header("accept", "text/html").send().await.unwrap();
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert!(page.text().await.unwrap().contains(slug.title()));
        let json = client.get(&url).header("accept", "application/json").send().await.unwrap();
        let json: Value = serde_json::from_slice(&json.bytes().await.unwrap()).unwrap();
        assert_eq!((json["name"].as_str(), json["status"].as_u64()), (Some(slug.name()), Some(u64::from(slug.status()))));
    }
}

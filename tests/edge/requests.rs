//! What the framework and the edge refuse, and in what words.

use nablad::api;
use nablad::wire::problem::Problem;
use reqwest::{Method, StatusCode};

use crate::support::Server;

/// A request, and the problem it must be answered with.
struct Case {
    method: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    status: u16,
    slug: &'static str,
}

const fn case(
    method: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    status: u16,
    slug: &'static str,
) -> Case {
    Case { method, path, headers, body, status, slug }
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn refusals_are_problems() {
    let settings = api::Settings { uri_bytes: 200, header_bytes: 1000, body_bytes: 300_000, ..api::Settings::default() };
    let server = Server::with(settings).await;
    let long_path = format!("/{}", "a".repeat(300)).leak();
    let long_value = "a".repeat(1200).leak();
    let large = "1".repeat(300_001).leak();
    let long_header: &'static [(&str, &str)] = vec![("x-long", &*long_value)].leak();
    let cases = [
        case("GET", "/nowhere", &[], "", 404, "not-found"),
        case("POST", "/nowhere", &[JSON], "{}", 404, "not-found"),
        case("GET", "/problems/nothing", &[], "", 404, "not-found"),
        case("GET", "/docs/nothing.js", &[], "", 404, "not-found"),
        case("GET", "/value", &[], "", 405, "method-not-allowed"),
        case("DELETE", "/ops", &[], "", 405, "method-not-allowed"),
        case("OPTIONS", "/gradient", &[], "", 405, "method-not-allowed"),
        case("POST", "/value", &[JSON, ("accept", "text/csv")], "{}", 406, "not-acceptable"),
        case("GET", "/info", &[("accept", "application/json;q=0")], "", 406, "not-acceptable"),
        case("POST", "/value", &[("content-type", "text/plain")], "{}", 415, "unsupported-media-type"),
        case("POST", "/value", &[JSON, ("content-encoding", "deflate")], "{}", 415, "unsupported-media-type"),
        case("POST", "/value", &[JSON, ("request-timeout", "soon")], "{}", 400, "bad-request"),
        case("POST", "/value", &[JSON, ("request-timeout", "-1")], "{}", 400, "bad-request"),
        case("POST", "/value", &[JSON], "{\"formula\"", 400, "malformed-json"),
        case("POST", "/value", &[], "", 400, "malformed-json"),
        case("POST", "/value", &[JSON], large, 413, "body-too-large"),
        case("GET", long_path, &[], "", 414, "uri-too-long"),
        case("GET", "/livez", long_header, "", 431, "headers-too-large"),
    ];
    let client = reqwest::Client::new();
    for Case { method, path, headers, body, status, slug } in cases {
        let mut request = client.request(Method::from_bytes(method.as_bytes()).unwrap(), server.url(path)).header("x-request-id", "test-7");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body).send().await.unwrap();
        let about = format!("{method} {} {headers:?}", &path[..path.len().min(40)]);
        assert_eq!(response.status().as_u16(), status, "{about}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{about}");
        assert_eq!(response.headers()["x-request-id"], "test-7", "{about}");
        assert_eq!(response.headers().contains_key("allow"), status == 405, "{about}");
        let problem: Problem = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(
            (problem.status, problem.kind.as_str(), problem.instance.as_str()),
            (status, format!("/problems/{slug}").as_str(), "test-7"),
            "{about}"
        );
        assert_eq!(problem.limit.is_some(), [413, 414, 431].contains(&status), "{about}");
    }
}

#[tokio::test]
async fn what_is_no_request_is_a_problem_too() {
    let server = Server::start().await;
    let many = format!("GET /livez HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: y\r\n".repeat(200));
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(70_000));
    let cases: [(&[u8], &str, &str); 5] = [
        (b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n", "400", "bad-request"),
        (b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", "400", "bad-request"),
        (b"GARBAGE\r\n\r\n", "400", "bad-request"),
        (many.as_bytes(), "431", "headers-too-large"),
        (long.as_bytes(), "414", "uri-too-long"),
    ];
    for (bytes, status, slug) in cases {
        let answer = server.raw(bytes).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{slug}: {answer}");
        assert!(answer.contains("application/problem+json") && answer.contains(&format!("/problems/{slug}")), "{slug}: {answer}");
    }
    let old = server.raw(b"GET /livez HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200 "), "{old}");
}

#[tokio::test]
async fn bodies_are_json_by_default_and_by_name() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    let body = r#"{"formula": "x^2", "at": {"x": 3}}"#;
    for media in [None, Some("application/json"), Some("application/json; charset=utf-8"), Some("application/vnd.function+json")] {
        let mut request = client.post(server.url("/value")).body(body);
        if let Some(media) = media {
            request = request.header("content-type", media);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{media:?}");
        assert_eq!(response.headers()["content-type"], "application/json");
    }
}

#[tokio::test]
async fn requests_have_ids() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    for (sent, kept) in [("abc-1.2:3", true), ("has space", false), (&*"x".repeat(200), false)] {
        let response = client.get(server.url("/livez")).header("x-request-id", sent).send().await.unwrap();
        assert_eq!(response.headers()["x-request-id"] == sent, kept, "{sent}");
        assert!(!response.headers()["x-request-id"].is_empty());
    }
}

#[tokio::test]
async fn traces_are_carried_on() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let response = client.get(server.url("/nowhere")).header("traceparent", sent).send().await.unwrap();
    assert_eq!(response.headers()["traceparent"].to_str().unwrap()[..36], sent[..36]);
    let response = client.get(server.url("/livez")).header("traceparent", "malformed").send().await.unwrap();
    assert_eq!((response.status(), response.headers()["traceparent"].len()), (StatusCode::OK, 55));
    let response = client.get(server.url("/livez")).send().await.unwrap();
    assert!(!response.headers().contains_key("traceparent"));
}

#[tokio::test]
async fn health_and_heads() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    for path in ["/livez", "/readyz", "/info", "/ops", "/openapi.json", "/docs", "/problems/internal"] {
        let get = client.get(server.url(path)).send().await.unwrap();
        let head = client.head(server.url(path)).send().await.unwrap();
        assert_eq!((get.status(), head.status()), (StatusCode::OK, StatusCode::OK), "{path}");
        assert_eq!(get.headers()["content-length"], head.headers()["content-length"], "{path}");
        assert!(head.bytes().await.unwrap().is_empty());
    }
    let health = client.get(server.url("/readyz")).header("accept", "text/plain").send().await.unwrap();
    assert_eq!(health.text().await.unwrap(), r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn http2_with_prior_knowledge() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    // The preface and an empty SETTINGS frame; the answer begins with a SETTINGS frame.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4);
}

//! What is refused before a body is read: paths, methods, media types, sizes.

use nablad::api::Settings;
use nablad::wire::problem::{Problem, Slug};
use reqwest::Method;

use crate::support::Server;

const BODY: &str = r#"{"formula":"x","at":{"x":1}}"#;

/// Method, path, headers, body, and the slugs of which one must come back, `ok` being an answer.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

#[tokio::test]
async fn the_edge_refuses_in_the_same_words() {
    let server = Server::with(Settings { body_bytes: 10_000, ..Settings::default() }).await;
    let client = reqwest::Client::new();
    let large = format!(r#"{{"formula":"x","at":{{"x":1}}}}{}"#, " ".repeat(10_000));
    let table: &[Case<'_>] = &[
        ("POST", "/", &[], BODY, "method-not-allowed|not-found"),
        ("POST", "/Value", &[], BODY, "not-found"),
        ("POST", "/value/", &[], BODY, "not-found"),
        ("POST", "//value", &[], BODY, "not-found"),
        ("POST", "/value/../value", &[], BODY, "ok"),
        ("POST", "/value%00", &[], BODY, "not-found"),
        ("POST", "/%ff", &[], BODY, "not-found"),
        ("POST", "/value?x=1", &[], BODY, "ok"),
        ("GET", "/problems/..%2f..%2fetc%2fpasswd", &[], "", "not-found"),
        ("GET", "/docs/..%2f..%2fetc%2fpasswd", &[], "", "not-found"),
        ("GET", "/functions/nobody", &[], "", "not-found"),
        ("GET", "/gradient", &[], "", "method-not-allowed"),
        ("PUT", "/jacobian", &[], BODY, "method-not-allowed"),
        ("PATCH", "/jvp", &[], BODY, "method-not-allowed"),
        ("DELETE", "/vjp", &[], "", "method-not-allowed"),
        ("POST", "/livez", &[], "", "method-not-allowed"),
        ("POST", "/ops", &[], "", "method-not-allowed"),
        ("BREW", "/graph", &[], "", "method-not-allowed"),
        ("POST", "/value", &[("accept", "text/csv")], BODY, "not-acceptable"),
        ("POST", "/value", &[("accept", "application/json;q=0")], BODY, "not-acceptable"),
        ("POST", "/value", &[("accept", "application/*;q=0, text/html")], BODY, "not-acceptable"),
        ("POST", "/value", &[("accept", "text/csv, */*;q=0.1")], BODY, "ok"),
        ("POST", "/value", &[("content-type", "text/csv")], BODY, "unsupported-media-type"),
        ("POST", "/value", &[("content-type", "application/x-www-form-urlencoded")], BODY, "unsupported-media-type"),
        ("POST", "/value", &[("content-type", "application/jsonx")], BODY, "unsupported-media-type"),
        ("POST", "/value", &[("content-type", "json")], BODY, "unsupported-media-type"),
        ("POST", "/value", &[("content-type", "multipart/form-data; boundary=x")], BODY, "unsupported-media-type"),
        ("POST", "/value", &[("content-type", "application/json; charset=utf-16")], BODY, "unsupported-media-type"),
        ("POST", "/value", &[("content-encoding", "snappy")], BODY, "unsupported-media-type"),
        ("POST", "/value", &[("content-type", "APPLICATION/JSON ; Charset=\"UTF-8\"")], BODY, "ok"),
        ("POST", "/value", &[], &large, "body-too-large"),
        ("POST", "/nowhere", &[], &large, "not-found"),
        ("GET", "/value", &[], &large, "method-not-allowed"),
        ("POST", "/value", &[("request-timeout", "0")], BODY, "bad-request"),
        ("POST", "/value", &[("request-timeout", "1e999")], BODY, "bad-request|ok"),
        ("POST", "/value", &[("request-timeout", "NaN")], BODY, "bad-request"),
        ("POST", "/value", &[("request-timeout", "1e300")], BODY, "ok"),
        ("POST", "/value", &[("traceparent", "garbage")], BODY, "ok"),
        ("POST", "/value", &[("x-request-id", "a b\tc")], BODY, "ok"),
        ("POST", "/value", &[], BODY, "ok"),
    ];
    for (method, path, headers, body, expected) in table {
        let about = format!("{method} {path} {headers:?}");
        let mut request = client.request(Method::from_bytes(method.as_bytes()).unwrap(), server.url(path)).body(body.to_string());
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let id = headers["x-request-id"].to_str().unwrap().to_owned();
        let text = response.text().await.unwrap();
        if status == 200 {
            assert!(expected.split('|').any(|one| one == "ok"), "{about}: {text}");
            assert_eq!(text, r#"{"value":{"f":1.0}}"#, "{about}");
            continue;
        }
        assert_eq!(headers["content-type"], "application/problem+json", "{about}");
        let problem: Problem = serde_json::from_str(&text).unwrap();
        let slug = problem.slug().unwrap();
        assert!(expected.split('|').any(|one| one == slug.name()), "{about}: {problem:?}");
        assert_eq!((problem.status, slug.status(), problem.instance), (status, status, id), "{about}");
        assert_eq!(headers.contains_key("allow"), status == 405, "{about}");
        if slug == Slug::BodyTooLarge {
            assert_eq!((problem.limit.as_deref(), problem.allowed), (Some("http.body_bytes"), Some(10_000.0)));
            assert!(problem.asked.unwrap() > 10_000.0);
        }
        // Its page is there.
        let page = client.get(server.url(&problem.kind)).send().await.unwrap();
        assert_eq!(page.status(), 200, "{about}");
    }
}

#[tokio::test]
async fn allow_names_what_is_allowed() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    for (path, method) in
        [("/value", "POST"), ("/gradient", "POST"), ("/graph", "POST"), ("/livez", "GET"), ("/ops", "GET"), ("/info", "GET")]
    {
        let response = client.delete(server.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 405, "{path}");
        let allow = response.headers()["allow"].to_str().unwrap().to_owned();
        assert!(allow.split(',').any(|one| one.trim() == method), "{path}: {allow}");
        assert!(!allow.contains("DELETE"), "{path}: {allow}");
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_counted_as_it_comes() {
    let server = Server::with(Settings { body_bytes: 10_000, ..Settings::default() }).await;
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    let head = "POST /value HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = server.raw(format!("{head}{}0\r\n\r\n", chunk.repeat(3)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("/problems/body-too-large"), "{answer}");
    let good = format!("{head}{}{:x}\r\n{BODY}\r\n0\r\n\r\n", chunk, BODY.len());
    let answer = server.raw(good.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // A length that lies, in either direction; two of them.
    let short =
        server.raw(format!("POST /value HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\n{BODY}").as_bytes()).await;
    assert!(short.starts_with("HTTP/1.1 400 ") && short.contains("/problems/malformed-json"), "{short}");
    for lengths in ["Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: -1\r\n", "Content-Length: 99999999999999999999999\r\n"] {
        let answer = server.raw(format!("POST /value HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{lengths}\r\n{BODY}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.1 413 "), "{lengths}: {answer}");
    }
    let answer = server.send("/value", &[], BODY).await;
    assert_eq!(answer.text, r#"{"value":{"f":1.0}}"#);
}

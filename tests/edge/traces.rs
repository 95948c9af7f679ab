//! Traces: what a collector receives for a request.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nablad::api::{Settings, Setup};
use nablad::telemetry::traces;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::Server;

/// A collector: the bodies that were posted to it, and the heads they came with.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(String, Value)>>>);

impl Collector {
    async fn start(statuses: &'static [u16]) -> (Collector, String) {
        Collector::elsewhere(statuses, "").await
    }

    /// One that says where it has moved to.
    async fn elsewhere(statuses: &'static [u16], location: &str) -> (Collector, String) {
        let location = if location.is_empty() { String::new() } else { format!("Location: {location}\r\n") };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let collector = Collector::default();
        let received = collector.0.clone();
        tokio::spawn(async move {
            for number in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut text = Vec::new();
                let (head, body) = loop {
                    let mut piece = [0; 4096];
                    let size = stream.read(&mut piece).await.unwrap();
                    text.extend_from_slice(&piece[..size]);
                    let whole = String::from_utf8_lossy(&text).into_owned();
                    let Some((head, body)) = whole.split_once("\r\n\r\n") else { continue };
                    let length = head.to_lowercase().split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse::<usize>();
                    if body.len() == length.unwrap() {
                        break (head.to_owned(), body.to_owned());
                    }
                };
                let status = statuses.get(number).copied().unwrap_or(200);
                if status == 200 {
                    received.lock().unwrap().push((head, serde_json::from_str(&body).unwrap()));
                }
                let answer = format!("HTTP/1.1 {status} X\r\n{location}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (collector, url)
    }

    /// All spans, when there are so many.
    async fn spans(&self, count: usize) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let all: Vec<Value> = self
                .0
                .lock()
                .unwrap()
                .iter()
                .flat_map(|(_, body)| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone())
                .collect();
            if all.len() >= count {
                return all;
            }
            assert!(begun.elapsed() < Duration::from_secs(8), "only {} of {count} spans came", all.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn traced(settings: traces::Settings) -> Server {
    let settings = traces::Settings { batch_seconds: 0.05, ..settings };
    Server::set_up(Setup::load(Settings::default(), &Default::default(), &settings).unwrap()).await
}

fn attribute<'s>(span: &'s Value, key: &str) -> &'s Value {
    let found = span["attributes"].as_array().unwrap().iter().find(|attribute| attribute["key"] == key);
    found.map_or(&Value::Null, |found| found["value"].as_object().unwrap().values().next().unwrap())
}

#[tokio::test]
async fn requests_are_spans() {
    let (collector, endpoint) = Collector::start(&[503]).await;
    let server = traced(traces::Settings { endpoint, headers: "x-secret = hush".to_owned(), ..traces::Settings::default() }).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [("traceparent", parent), ("x-request-id", "trace-me")];
    let answer = server.send("/gradient", &headers, r#"{"formula": "x^2 + 17", "at": {"x": 3}}"#).await;
    let own = answer.headers["traceparent"].to_str().unwrap();
    let spans = collector.spans(3).await;
    let (head, body) = collector.0.lock().unwrap()[0].clone();
    assert!(
        head.starts_with("POST /v1/traces ") && head.contains("x-secret: hush") && head.contains("content-type: application/json"),
        "{head}"
    );
    assert_eq!(body["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"], "nablad");
    let request = spans.iter().find(|span| span["kind"] == 2).unwrap();
    assert_eq!((request["traceId"].as_str().unwrap(), request["spanId"].as_str().unwrap()), (&own[3..35], &own[36..52]));
    assert_eq!((&request["traceId"], &request["parentSpanId"]), (&Value::from(&parent[3..35]), &Value::from(&parent[36..52])));
    assert_eq!(request["name"], "POST /gradient");
    for (key, value) in [
        ("http.request.method", Value::from("POST")),
        ("http.route", Value::from("/gradient")),
        ("http.response.status_code", Value::from("200")),
        ("nablad.request_id", Value::from("trace-me")),
        ("nablad.points", Value::from("1")),
        ("nablad.cache_hit", Value::from(false)),
    ] {
        assert_eq!(attribute(request, key), &value, "{key}");
    }
    let time = |span: &Value, end: &str| span[end].as_str().unwrap().parse::<u64>().unwrap();
    let stages: Vec<&Value> = spans.iter().filter(|span| span["kind"] == 1).collect();
    assert!(stages.iter().any(|stage| stage["name"] == "compile") && stages.iter().any(|stage| stage["name"] == "queue"));
    for stage in &stages {
        assert_eq!((&stage["traceId"], &stage["parentSpanId"]), (&request["traceId"], &request["spanId"]));
        assert_ne!(stage["spanId"], request["spanId"]);
        assert!(time(stage, "startTimeUnixNano") >= time(request, "startTimeUnixNano"));
        assert!(time(stage, "endTimeUnixNano") <= time(request, "endTimeUnixNano") + 1_000_000);
    }
}

/// A long answer's span ends when the last of it has been taken, and has one stage for all of its pieces.
#[tokio::test]
async fn long_answers_are_spans_to_their_end() {
    let (collector, endpoint) = Collector::start(&[]).await;
    let server = traced(traces::Settings { endpoint, ..traces::Settings::default() }).await;
    let body = r#"{"formula": "broadcast_to(x, shape=[300, 100]) + 0.1", "at": {"x": 0.1}}"#;
    assert!(server.send("/value", &[], body).await.text.len() > 90_000);
    let spans = collector.spans(2).await;
    let named = |name: &str| spans.iter().filter(|span| span["name"] == name).collect::<Vec<_>>();
    let (request, sending) = (named("POST /value"), named("send"));
    assert_eq!((request.len(), sending.len()), (1, 1), "{spans:?}");
    let end = |span: &Value| span["endTimeUnixNano"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(end(sending[0]) <= end(request[0]) + 1_000_000);
}

#[tokio::test]
async fn callers_decide_what_is_traced() {
    let (collector, endpoint) = Collector::start(&[]).await;
    let server = traced(traces::Settings { endpoint, sample: 0.0, ..traces::Settings::default() }).await;
    for (number, flags) in ["00", "01", ""].into_iter().enumerate() {
        let parent = format!("00-4bf92f3577b34da6a3ce929d0e0e473{number}-00f067aa0ba902b7-{flags}");
        let headers: &[(&str, &str)] = if flags.is_empty() { &[] } else { &[("traceparent", &parent)] };
        assert_eq!(server.ask("GET", "/nowhere", headers, "").await.status, 404);
    }
    assert_eq!(
        server.ask("GET", "/livez", &[("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4739-00f067aa0ba902b7-01")], "").await.status,
        200
    );
    let spans = collector.spans(2).await;
    let names: Vec<&str> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["GET other", "GET /livez"]);
    assert_eq!(spans[0]["status"], serde_json::json!({}), "a client's fault is no error of the server");
}

#[tokio::test]
async fn what_is_traced_last_is_sent() {
    let (collector, endpoint) = Collector::start(&[]).await;
    let settings = traces::Settings { endpoint, batch_seconds: 60.0, ..traces::Settings::default() };
    let mut server = Server::set_up(Setup::load(Settings::default(), &Default::default(), &settings).unwrap()).await;
    assert_eq!(server.get("/livez").await.status, 200);
    server.stop();
    server.stopped().await;
    assert_eq!(collector.spans(1).await[0]["name"], "GET /livez");
}

/// Spans, and the headers that go along, are sent where the setting says and nowhere else.
#[tokio::test]
async fn a_collector_that_has_moved_is_not_followed() {
    let (other, url) = Collector::start(&[]).await;
    for status in [&[307], &[302]] {
        let (_, endpoint) = Collector::elsewhere(status, &url).await;
        let settings =
            traces::Settings { endpoint, headers: "x-secret=hush".to_owned(), batch_seconds: 60.0, ..traces::Settings::default() };
        let mut server = Server::set_up(Setup::load(Settings::default(), &Default::default(), &settings).unwrap()).await;
        assert_eq!(server.get("/livez").await.status, 200);
        server.stop();
        server.stopped().await;
        assert!(other.0.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn endpoints_that_are_no_good_are_named() {
    for (endpoint, headers, words) in [
        ("nowhere", "", "traces.endpoint"),
        ("https://collector/v1/traces", "", "http://"),
        ("http://collector/v1/traces", "hush", "traces.headers"),
    ] {
        let settings = traces::Settings { endpoint: endpoint.to_owned(), headers: headers.to_owned(), ..traces::Settings::default() };
        let error = Setup::load(Settings::default(), &Default::default(), &settings).unwrap_err();
        assert!(error.contains(words) && !error.contains("hush"), "{error}");
    }
}

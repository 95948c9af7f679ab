//! `GET /metrics`: the format, and that what happens is counted where it should be.

use std::collections::HashMap;

use crate::support::Server;

/// The samples of Prometheus' text format, by name and labels as written; anything that is not that format is a panic.
fn samples(text: &str) -> HashMap<String, f64> {
    let (mut found, mut types) = (HashMap::new(), HashMap::new());
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(about) = line.strip_prefix("# TYPE ") {
            let (name, kind) = about.split_once(' ').expect("a name and a type");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(types.insert(name, kind).is_none(), "{name} has two types");
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        let name = series.split('{').next().unwrap();
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end).filter(|base| types.contains_key(base)));
        let kind = types.get(base.unwrap_or(name)).unwrap_or_else(|| panic!("{name} has no type"));
        assert_eq!(base.is_some(), *kind == "histogram", "{line}");
        assert_eq!(*kind == "counter", name.ends_with("_total"), "{line}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'), "{line}");
        if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            let labels = labels.strip_prefix('{').and_then(|labels| labels.strip_suffix('}')).unwrap_or_else(|| panic!("{line}"));
            for label in labels.split("\",") {
                let (_, value) = label.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
                assert!(!value.contains('\n'));
            }
        }
        assert!(
            found.insert(series.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}"))).is_none(),
            "twice: {series}"
        );
    }
    found
}

#[tokio::test]
async fn what_happens_is_counted() {
    let server = Server::start().await;
    let before = samples(&server.get("/metrics").await.text);
    assert_eq!(before[&format!("nablad_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))], 1.0);
    for (name, value) in [("nablad_workers", 1.0), ("nablad_ready", 1.0), ("nablad_http_connections", 1.0), ("nablad_points_total", 0.0)] {
        assert_eq!(before[name], value, "{name}");
    }
    assert!(before["process_resident_memory_bytes"] > 1e6 && before["nablad_bytes_in_flight_limit"] > 1e9);

    let points = format!(r#"{{"formula": "sin(x)", "points": {{"x": [{}0]}}}}"#, "0.5, ".repeat(99));
    for body in [&*points, &*points, r#"{"formula": "sin(x)", "at": {"x": 1}}"#] {
        assert_eq!(server.send("/gradient", &[], body).await.status, 200);
    }
    assert_eq!(server.send("/gradient", &[], r#"{"formula": "sine(x)"}"#).await.status, 422);
    assert_eq!(server.get("/gradient").await.status, 405);
    assert_eq!(server.get("/made/up/1").await.status, 404);
    assert_eq!(server.get("/made/up/2").await.status, 404);
    for nonsense in ["nonsense\r\n\r\n", "GET /livez HTTP/1.1\r\nno header\r\n\r\n"] {
        assert!(server.raw(nonsense.as_bytes()).await.starts_with("HTTP/1.1 400 "));
    }

    let answer = server.get("/metrics").await;
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let after = samples(&answer.text);
    for (series, count) in [
        (r#"nablad_http_requests_total{method="POST",route="/gradient",status="200"}"#, 3.0),
        (r#"nablad_http_requests_total{method="POST",route="/gradient",status="422"}"#, 1.0),
        (r#"nablad_http_requests_total{method="GET",route="/gradient",status="405"}"#, 1.0),
        (r#"nablad_http_requests_total{method="GET",route="other",status="404"}"#, 2.0),
        (r#"nablad_http_requests_total{method="GET",route="/metrics",status="200"}"#, 1.0),
        (r#"nablad_http_request_duration_seconds_count{route="/gradient"}"#, 5.0),
        (r#"nablad_http_request_duration_seconds_bucket{route="/gradient",le="+Inf"}"#, 5.0),
        (r#"nablad_refusals_total{reason="not-found"}"#, 2.0),
        (r#"nablad_http_requests_total{method="other",route="other",status="400"}"#, 2.0),
        (r#"nablad_refusals_total{reason="bad-request"}"#, 2.0),
        ("nablad_points_total", 201.0),
        ("nablad_cache_hits_total", 1.0),
        ("nablad_compute_duration_seconds_count", 4.0),
        ("nablad_http_requests_in_flight", 1.0),
        ("nablad_bytes_in_flight", 0.0),
        ("nablad_queue_requests", 0.0),
    ] {
        assert_eq!(after.get(series), Some(&count), "{series}\n{}", answer.text);
    }
    assert!(after["nablad_flops_total"] > 201.0 && after["nablad_cache_bytes"] > 0.0);
    assert!(after["nablad_queue_duration_seconds_count"] >= 2.0, "what was compiled waited, if only for a moment");
    assert!(after["nablad_cache_misses_total"] >= 2.0, "a program for points, one for a point, and one that failed");
}

#[tokio::test]
async fn a_client_that_hangs_up_is_counted() {
    use tokio::io::AsyncWriteExt;
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(b"POST /value HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n{").await.unwrap();
    for _ in 0..500 {
        if samples(&server.get("/metrics").await.text)["nablad_http_requests_in_flight"] == 2.0 {
            break;
        }
    }
    drop(stream);
    for _ in 0..500 {
        // Its body breaks off, or it is gone: either is counted.
        let after = samples(&server.get("/metrics").await.text);
        let ended = |status: &str| after.get(&format!(r#"nablad_http_requests_total{{method="POST",route="/value",status="{status}"}}"#));
        if ended("499").or(ended("400")) == Some(&1.0) {
            assert_eq!(after["nablad_http_requests_in_flight"], 1.0);
            return;
        }
    }
    panic!("a client that hung up was never counted");
}

/// Every series that the dashboard asks for is there.
#[tokio::test]
async fn the_dashboard_asks_for_what_there_is() {
    let server = Server::start().await;
    server.send("/value", &[], r#"{"formula": "x", "at": {}}"#).await;
    server.send("/value", &[], r#"{"formula": "x", "at": {"x": 1}}"#).await;
    let text = server.get("/metrics").await.text;
    let names: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['{', ' ']).next()).collect();
    let dashboard: serde_json::Value = serde_json::from_str(include_str!("../../deploy/grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let queries = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten().map(|target| target["expr"].as_str().unwrap());
    let mut count = 0;
    for query in queries {
        let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        for name in query.split(word).filter(|word| word.starts_with("nablad_") || word.starts_with("process_")) {
            assert!(names.contains(&name), "{name} of {query}");
            count += 1;
        }
    }
    assert!(count > 25, "{count}");
}

//! Spans on their way out: OTLP/HTTP with JSON bodies (opentelemetry-proto 1.x, `ExportTraceServiceRequest`).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::{About, Place, Settings, Stage};
use crate::telemetry::metrics::Work;

/// Spans of one batch at most.
const BATCH: usize = 512;
/// How long a collector has to take a batch.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a batch is sent before it is given up.
const TRIES: u32 = 3;

/// A request that has been answered.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) place: Place,
    pub(super) about: About,
    pub(super) begun: (SystemTime, Instant),
    pub(super) ended: Instant,
    pub(super) status: Option<u16>,
    pub(super) stages: Vec<Stage>,
    pub(super) work: Option<Work>,
}

/// Where batches go.
#[derive(Debug)]
pub(super) struct Target {
    client: reqwest::Client,
    endpoint: reqwest::Url,
    headers: HeaderMap,
    pause: Duration,
}

/// Spans that nobody will see.
pub(super) fn lost(spans: usize) {
    tracing::debug!(spans, "spans are lost: the collector is slower than the requests, or gone");
}

impl Target {
    pub(super) fn new(settings: &Settings) -> Result<Target, String> {
        let endpoint: reqwest::Url = settings.endpoint.parse().map_err(|error| format!("traces.endpoint is no URL: {error}"))?;
        if endpoint.scheme() != "http" {
            return Err("traces.endpoint must begin with http://; to a collector elsewhere an agent on this machine speaks TLS".to_owned());
        }
        let mut headers = HeaderMap::new();
        for pair in settings.headers.split(',').filter(|pair| !pair.trim().is_empty()) {
            // The value may be a secret, and is not repeated.
            let bad = || "traces.headers must be NAME=VALUE with commas between them".to_owned();
            let (name, value) = pair.split_once('=').ok_or_else(bad)?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| bad())?;
            headers.insert(name, HeaderValue::from_str(value.trim()).map_err(|_| bad())?);
        }
        // where spans and their headers go is what the setting says, and neither the environment nor who answers there
        let client = reqwest::Client::builder().timeout(PATIENCE).redirect(Policy::none()).no_proxy();
        let client = client.build().map_err(|error| format!("traces: {error}"))?;
        let pause = Duration::try_from_secs_f64(settings.batch_seconds).unwrap_or(PATIENCE);
        Ok(Target { client, endpoint, headers, pause })
    }

    /// Sends what comes until nothing can come any more.
    pub(super) async fn run(self, mut receiver: mpsc::Receiver<Finished>) {
        let mut batch = Vec::new();
        while receiver.recv_many(&mut batch, BATCH).await > 0 {
            // What comes soon goes along.
            let gather = async { while batch.len() < BATCH && receiver.recv_many(&mut batch, BATCH).await > 0 {} };
            let _ = timeout(self.pause, gather).await;
            self.send(&batch).await;
            batch.clear();
        }
    }

    async fn send(&self, batch: &[Finished]) {
        let body = request(batch).to_string();
        let mut reason = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                sleep(Duration::from_secs(1 << (attempt - 1))).await;
            }
            let post = self.client.post(self.endpoint.clone()).headers(self.headers.clone());
            match post.header("content-type", "application/json").body(body.clone()).send().await {
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer) => {
                    reason = answer.status().to_string();
                    if ![429, 502, 503, 504].contains(&answer.status().as_u16()) {
                        break;
                    }
                }
                // an address may have a secret in its query
                Err(error) => reason = error.without_url().to_string(),
            }
        }
        tracing::warn!(spans = batch.len(), reason, "the collector did not take a batch of spans");
    }
}

/// The body of a batch.
fn request(batch: &[Finished]) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let spans: Vec<Value> = batch.iter().flat_map(spans).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", "nablad"), text("service.version", version)]},
        "scopeSpans": [{"scope": {"name": "nablad", "version": version}, "spans": spans}]
    }]})
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// 64-bit integers are strings in protobuf's JSON.
fn whole(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

/// A request's span, and those of its stages.
fn spans(finished: &Finished) -> Vec<Value> {
    let Finished { place, about, begun, ended, status, stages, work } = finished;
    let hex = |digits: &[u8]| String::from_utf8_lossy(digits).into_owned();
    let since_epoch = begun.0.duration_since(UNIX_EPOCH).unwrap_or_default();
    let at = |instant: Instant| (since_epoch + instant.saturating_duration_since(begun.1)).as_nanos().to_string();
    let mut attributes =
        vec![text("http.request.method", about.method), text("http.route", &about.route), text("nablad.request_id", &about.request_id)];
    if let Some(status) = status {
        attributes.push(whole("http.response.status_code", u64::from(*status)));
    }
    if let Some(Work { hit, points, flops, .. }) = work {
        attributes.push(whole("nablad.points", *points));
        attributes.push(json!({"key": "nablad.flops", "value": {"doubleValue": flops}}));
        attributes.extend(hit.map(|hit| json!({"key": "nablad.cache_hit", "value": {"boolValue": hit}})));
    }
    // Of a server only its own failures are errors; of a client that hung up nobody knows.
    let failed = status.is_none_or(|status| status >= 500);
    if failed {
        attributes.push(text("error.type", &status.map_or_else(|| "client_gone".to_owned(), |status| status.to_string())));
    }
    let mut own = json!({
        "traceId": hex(&place.trace), "spanId": hex(&place.span), "name": format!("{} {}", about.method, about.route), "kind": 2,
        "startTimeUnixNano": at(begun.1), "endTimeUnixNano": at(*ended), "attributes": attributes,
        "status": if failed { json!({"code": 2}) } else { json!({}) }
    });
    if let Some(parent) = place.parent {
        own["parentSpanId"] = hex(&parent).into();
    }
    let mut all = vec![own];
    let number = u64::from_str_radix(&hex(&place.span), 16).unwrap_or_default();
    for (i, Stage { name, begun, ended }) in stages.iter().enumerate() {
        // Spans of requests count up with their top bit set; those of stages differ from all of them in the next bits.
        let id = number ^ ((i as u64 + 1) << 52);
        all.push(json!({
            "traceId": hex(&place.trace), "spanId": format!("{id:016x}"), "parentSpanId": hex(&place.span), "name": name, "kind": 1,
            "startTimeUnixNano": at(*begun), "endTimeUnixNano": at(*ended), "attributes": [], "status": {}
        }));
    }
    all
}

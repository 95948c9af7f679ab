//! `GET /metrics`: what the server counts, for Prometheus. It answers whatever `Accept` says.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;

use super::{Shared, content};
use crate::telemetry::metrics::{TEXT, Vitals};

/// What the server counts of itself
///
/// Prometheus' text format. Where API keys are configured it takes one with the scope `admin`, unless `keys.guard_metrics` is off.
#[utoipa::path(get, path = "/metrics", tag = "server", operation_id = "metrics",
    responses((status = 200, description = "Counters, gauges and histograms.", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(shared): State<Shared>) -> Response {
    let ready = shared.readiness.get() && shared.service.ready().is_ok();
    let vitals = Vitals { connections: shared.readiness.connections(), ready, ..shared.service.vitals() };
    content(HeaderValue::from_static(TEXT), shared.service.metrics().text(&vitals))
}

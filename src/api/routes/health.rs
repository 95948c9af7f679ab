//! `GET /livez` and `GET /readyz`, for whoever starts, balances and stops servers. They answer whatever `Accept` says.

use axum::extract::State;

use super::{Json, Shared, json_bytes};
use crate::api::problem::Rejection;
use crate::wire::info::Health;
use crate::wire::problem::Slug;

fn ok() -> Json {
    Json(json_bytes(&Health { status: "ok".to_owned() }))
}

/// Whether the process lives
#[utoipa::path(get, path = "/livez", tag = "server", operation_id = "livez",
    responses((status = 200, description = "It does.", body = Health)))]
pub(super) async fn livez() -> Json {
    ok()
}

/// Whether the server takes work
///
/// 503 while it starts and while it drains, where nothing could be worked on, and while the PostgreSQL with the registered functions
/// cannot be reached; `detail` says which. It asks nobody: what is answered was seen a moment ago.
#[utoipa::path(get, path = "/readyz", tag = "server", operation_id = "readyz",
    responses((status = 200, description = "It does.", body = Health)))]
pub(super) async fn readyz(State(shared): State<Shared>) -> Result<Json, Rejection> {
    if !shared.readiness.get() {
        return Err(Rejection::new(Slug::ShuttingDown, "the server is starting or shutting down"));
    }
    shared.service.ready()?;
    Ok(ok())
}

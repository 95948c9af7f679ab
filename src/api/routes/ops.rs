//! `GET /ops` and `GET /info`: what the server can do, and how much of it.

use axum::extract::State;
use indexmap::IndexMap;
use serde_json::Value;

use super::{AcceptsJson, Shared};
use crate::api::coding::Constant;
use crate::api::settings::Settings;
use crate::service::{self, Service};
use crate::wire::info::Info;
use crate::wire::ops::Operators;

/// The operator table
///
/// Every operator with its aliases, arity, attributes, derivative, and what holds at its kinks and poles.
#[utoipa::path(get, path = "/ops", tag = "server", operation_id = "ops",
    responses((status = 200, description = "The operators.", body = Operators)))]
pub(super) async fn ops(State(shared): State<Shared>, _: AcceptsJson) -> Constant {
    shared.ops.clone()
}

/// Name, version and limits
#[utoipa::path(get, path = "/info", tag = "server", operation_id = "info",
    responses((status = 200, description = "The server.", body = Info)))]
pub(super) async fn server_info(State(shared): State<Shared>, _: AcceptsJson) -> Constant {
    shared.info.clone()
}

/// The operator table as the wire has it.
pub fn operators() -> Operators {
    service::operators()
}

/// What the server says of itself.
pub(super) fn info(service: &Service, settings: &Settings) -> Info {
    let mut limits = IndexMap::new();
    for (section, value) in [("limits", serde_json::to_value(service.limits())), ("http", serde_json::to_value(settings))] {
        if let Ok(Value::Object(fields)) = value {
            limits.extend(fields.into_iter().filter_map(|(name, value)| Some((format!("{section}.{name}"), value.as_f64()?))));
        }
    }
    Info { name: "nablad".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), workers: service.workers(), limits }
}

//! The routes, one file a concern: each declared once, for the router and for the OpenAPI document.

mod documents;
mod evaluate;
mod functions;
mod health;
mod metrics;
mod ops;
mod problems;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answering::Printed;
use super::body;
use super::coding::Constant;
use super::cors::Cors;
use super::document;
use super::keys::Keys;
use super::layers::{Around, Edge};
use super::map::Map;
use super::negotiate::{JSON, accepts_json};
use super::problem::Rejection;
use super::settings::Settings;
use crate::service::{Answer, Service};
use crate::telemetry::traces::Tracer;

use documents::Page;

pub use ops::operators;

/// What the accept loop says of itself: whether the server takes work (no while it starts and while it drains), and its connections.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<State>);

#[derive(Debug, Default)]
struct State {
    ready: AtomicBool,
    connections: AtomicU64,
}

impl Readiness {
    /// Not ready yet.
    pub fn starting() -> Readiness {
        Readiness(Arc::default())
    }

    /// Whether the server takes work.
    pub fn get(&self) -> bool {
        self.0.ready.load(Ordering::Relaxed)
    }

    /// Says whether the server takes work.
    pub fn set(&self, ready: bool) {
        self.0.ready.store(ready, Ordering::Relaxed);
    }

    /// The number of open connections.
    pub(super) fn connections(&self) -> u64 {
        self.0.connections.load(Ordering::Relaxed)
    }

    /// One more connection, as long as it is held.
    pub(super) fn connection(&self) -> Open {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }
}

/// An open connection.
pub(super) struct Open(Readiness);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who may ask, and who looks on.
pub(super) struct Guests {
    pub(super) keys: Option<Arc<Keys>>,
    pub(super) tracer: Option<Tracer>,
}

/// What the routes answer from.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Facts>);

pub(crate) struct Facts {
    service: Service,
    settings: Arc<Settings>,
    readiness: Readiness,
    /// The answers that never change.
    ops: Constant,
    info: Constant,
    document: Constant,
    page: Page,
}

impl std::ops::Deref for Shared {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.0
    }
}

/// The edge: every route, and what surrounds them.
pub(super) fn router(service: Service, settings: Arc<Settings>, readiness: Readiness, guests: Guests) -> Edge {
    let info = ops::info(&service, &settings);
    let facts = Facts {
        ops: Constant::new(JSON, json_bytes(&operators())),
        info: Constant::new(JSON, json_bytes(&info)),
        document: Constant::new(JSON, json_bytes(&document::openapi())),
        page: Page::new(),
        service: service.clone(),
        settings: Arc::clone(&settings),
        readiness,
    };
    let (router, declared) = declared().split_for_parts();
    let templates = declared.paths.paths.keys().map(String::as_str).chain(documents::UNDECLARED);
    let map = Map::new(templates, service.metrics());
    let router: Router = router
        .merge(documents::undeclared())
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_with_that_method)
        .with_state(Shared(Arc::new(facts)));
    let Guests { keys, tracer } = guests;
    // what cannot be read has been refused where settings are
    let cors = Cors::of(&settings.cors_origins).unwrap_or(Cors::Nobody);
    Edge::new(router, Around { settings, service, map, cors, keys, tracer })
}

/// The routes of the OpenAPI document, in its order.
pub(super) fn declared() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(evaluate::value))
        .routes(routes!(evaluate::gradient))
        .routes(routes!(evaluate::jacobian))
        .routes(routes!(evaluate::jvp))
        .routes(routes!(evaluate::vjp))
        .routes(routes!(evaluate::hessian))
        .routes(routes!(evaluate::hvp))
        .routes(routes!(evaluate::taylor))
        .routes(routes!(evaluate::chain))
        .routes(routes!(evaluate::check))
        .routes(routes!(evaluate::derivative))
        .routes(routes!(evaluate::graph))
        .merge(functions::declared())
        .routes(routes!(ops::ops))
        .routes(routes!(ops::server_info))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
        .routes(routes!(documents::openapi_json))
        .routes(routes!(documents::docs))
        .routes(routes!(problems::problem))
}

fn json_bytes(value: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}

/// An answer of that media type.
fn content(media: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, media);
    response
}

/// JSON on its way out.
struct Json(Bytes);

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        content(JSON, self.0)
    }
}

/// An answer of the service on its way out.
struct Evaluated(Answer);

impl IntoResponse for Evaluated {
    fn into_response(self) -> Response {
        match self.0 {
            Answer::Whole(bytes) => content(JSON, bytes),
            Answer::Pieces(pieces) => content(JSON, Body::new(Printed(pieces))),
        }
    }
}

/// A request that takes JSON for an answer.
struct AcceptsJson;

impl<S: Sync> FromRequestParts<S> for AcceptsJson {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<AcceptsJson, Rejection> {
        accepts_json(&parts.headers)?;
        Ok(AcceptsJson)
    }
}

async fn nothing_here(request: Request) -> StatusCode {
    body::drain(request).await;
    StatusCode::NOT_FOUND
}

async fn not_with_that_method(request: Request) -> StatusCode {
    body::drain(request).await;
    StatusCode::METHOD_NOT_ALLOWED
}

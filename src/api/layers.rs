//! What surrounds every request: its id, the checks of HTTP itself, the net under panics, and the dress of problems.
//!
//! One function around the router instead of a tower of layers: nothing here allocates for a request that succeeds, but its id.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{Request, Version};
use axum::response::{IntoResponse, Response};
use tower::Service as _;

use super::body;
use super::negotiate::{REQUEST_ID, TRACEPARENT, request_id, traceparent};
use super::problem::{Rejection, dress};
use super::settings::Settings;
use crate::wire::problem::{Excess, Failure, Slug};

/// The whole edge above a connection: give it a request, it answers. Clones share it.
#[derive(Clone)]
pub struct Edge {
    router: Router,
    settings: Arc<Settings>,
}

impl Edge {
    /// The routes with everything around them.
    pub(crate) fn new(router: Router, settings: Arc<Settings>) -> Edge {
        Edge { router, settings }
    }

    /// Answers a request: always, and every error as a problem. Dropping the future stops the request's work.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        let id = request_id(request.headers());
        let text = id.to_str().unwrap_or_default();
        let traceparent = traceparent(request.headers());
        let trace = traceparent.as_ref().and_then(|value| value.to_str().ok()).and_then(|value| value.get(3..35));
        tracing::debug!(request_id = text, trace_id = trace, method = %request.method(), path = request.uri().path(), "request");
        let response = match check(&request, &self.settings) {
            Ok(()) => self.route(request).await,
            Err(failure) => {
                body::drain(request).await;
                Rejection(failure).into_response()
            }
        };
        let mut response = dress(response, text);
        tracing::debug!(request_id = text, trace_id = trace, status = response.status().as_u16(), "answer");
        if let Some(traceparent) = traceparent {
            response.headers_mut().insert(TRACEPARENT, traceparent);
        }
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }

    /// The router's answer; a panic in a handler is a defect of the server and nothing more.
    async fn route(&self, request: Request<Body>) -> Response {
        let mut router = self.router.clone();
        let mut answer = pin!(router.call(request));
        let answer = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(answer)) => Poll::Ready(Some(answer)),
            Err(_) => Poll::Ready(None),
        });
        match answer.await {
            Some(Ok(response)) => response,
            None => Rejection::new(Slug::Internal, "a handler panicked").into_response(),
        }
    }
}

/// What HTTP asks of every request, and what the framework lets pass.
fn check(request: &Request<Body>, settings: &Settings) -> Result<(), Failure> {
    let excess = |slug, limit: &str, what: &str, asked: usize, allowed: usize| {
        let mut failure = Failure::new(slug, format!("the request has {asked} {what}, {allowed} are allowed"));
        failure.excess = Some(Excess { limit: limit.to_owned(), asked: asked as f64, allowed: allowed as f64 });
        Err(failure)
    };
    let uri = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if uri > settings.uri_bytes {
        return excess(Slug::UriTooLong, "http.uri_bytes", "bytes of URI", uri, settings.uri_bytes);
    }
    let headers = request.headers();
    if headers.len() > settings.header_count {
        return excess(Slug::HeadersTooLarge, "http.header_count", "headers", headers.len(), settings.header_count);
    }
    let bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum();
    if bytes > settings.header_bytes {
        return excess(Slug::HeadersTooLarge, "http.header_bytes", "bytes of headers", bytes, settings.header_bytes);
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_11 => {
            Err(Failure::new(Slug::BadRequest, "an HTTP/1.1 request must have the header Host"))
        }
        (Some(_), Some(_)) => Err(Failure::new(Slug::BadRequest, "the header Host must stand once")),
        _ => Ok(()),
    }
}

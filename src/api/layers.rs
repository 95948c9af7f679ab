//! What surrounds every request: its id, the checks of HTTP itself, its key, the net under panics, the dress of problems, and what is
//! counted, traced and logged of it.
//!
//! One function around the router instead of a tower of layers: nothing here allocates for a request that succeeds, but its id, and
//! where it has a key, or is traced and long, the body that keeps its place.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as PollContext, Poll};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::header::{HOST, WWW_AUTHENTICATE};
use axum::http::{Request, Version};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tower::Service as _;

use super::body;
use super::coding;
use super::cors::Cors;
use super::keys::{Held, Keys, Refused, Said};
use super::map::{Map, Place, label};
use super::negotiate::{REQUEST_ID, TRACEPARENT, deadline, place_in_trace, request_id, traceparent};
use super::problem::{Rejection, dress};
use super::settings::Settings;
use crate::service::{Caller, Context, Service};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::traces::{About, Span, Trace, Tracer};
use crate::wire::problem::{Excess, Failure, Slug};

/// The whole edge above a connection: give it a request, it answers. Clones share it.
#[derive(Clone)]
pub struct Edge {
    router: Router,
    shared: Arc<Around>,
}

/// What surrounds the routes.
pub(super) struct Around {
    pub(super) settings: Arc<Settings>,
    pub(super) service: Service,
    pub(super) map: Map,
    pub(super) cors: Cors,
    pub(super) keys: Option<Arc<Keys>>,
    pub(super) tracer: Option<Tracer>,
}

/// What the keys say of a request.
#[derive(Default)]
struct Known {
    said: Said,
    /// Its place among those in flight.
    held: Option<Held>,
    caller: Caller,
}

/// A body that keeps its request's place until it has been sent: an answer that nobody reads is in flight. So is the span of one that is
/// still being made.
struct Holding {
    body: Body,
    _held: Option<Held>,
    _span: Option<Span>,
}

impl HttpBody for Holding {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut PollContext<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Edge {
    /// The routes with everything around them.
    pub(super) fn new(router: Router, around: Around) -> Edge {
        Edge { router, shared: Arc::new(around) }
    }

    /// What is counted of the server.
    pub(super) fn metrics(&self) -> &Metrics {
        self.shared.service.metrics()
    }

    /// Answers a request: always, and every error as a problem. Dropping the future stops the request's work.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        let Around { settings, service, map, cors, tracer, .. } = &*self.shared;
        let id = request_id(request.headers());
        let text = id.to_str().unwrap_or_default();
        let traceparent = traceparent(request.headers());
        let trace = traceparent.as_ref().and_then(|value| value.to_str().ok()).and_then(|value| value.get(3..35));
        let place = map.at(request.uri().path());
        let method = label(request.method());
        let counted = place.metrics.begin(method);
        let span = tracer.as_ref().and_then(|tracer| {
            let about = || About { method, route: place.metrics.name(), request_id: text.to_owned() };
            tracer.begin(place_in_trace(request.headers(), traceparent.as_ref()), about)
        });
        tracing::debug!(request_id = text, trace_id = trace, method, path = request.uri().path(), "request");
        let packing = coding::accepted(request.headers()).map(|coding| (coding, deadline(request.headers(), service.limits())));
        let origin = cors.origin(request.headers());
        let mut known = Known::default();
        let response = match check(&request, settings) {
            Ok(()) => match cors.preflight(&request) {
                Some(response) => response,
                None => self.pass(request, place, span.as_ref(), &mut known).await,
            },
            Err(failure) => {
                body::drain(request).await;
                Rejection(failure).into_response()
            }
        };
        let (mut response, slug) = dress(response, text);
        if let Some(slug) = slug {
            service.metrics().refused(slug.name());
        }
        let Known { said, held, caller } = known;
        if let Some((coding, deadline)) = packing {
            let context = Context { caller, ..Context::from(deadline.unwrap_or_default()) };
            response = Box::pin(coding::compressed(response, coding, settings.compress_bytes, service, &context)).await;
        }
        let status = response.status().as_u16();
        if tracing::enabled!(tracing::Level::DEBUG) {
            let milliseconds = counted.begun().elapsed().as_secs_f64() * 1e3;
            tracing::debug!(request_id = text, trace_id = trace, status, milliseconds, slug = slug.map(Slug::name), "answer");
        }
        counted.end(status);
        let span = span.map(|span| span.answered(status)).filter(|_| response.body().size_hint().exact().is_none());
        let headers = response.headers_mut();
        said.write(headers);
        cors.write(origin, headers);
        if let Some(traceparent) = traceparent {
            headers.insert(TRACEPARENT, traceparent);
        }
        headers.insert(REQUEST_ID, id);
        if held.is_none() && span.is_none() {
            return response;
        }
        response.map(|body| Body::new(Holding { body, _held: held, _span: span }))
    }

    /// Past the keys and on to the routes, whose handlers find the caller and the trace among the request's extensions, where there are such.
    async fn pass(&self, mut request: Request<Body>, place: &Place, span: Option<&Span>, known: &mut Known) -> Response {
        if let Some(keys) = &self.shared.keys
            && let Some(need) = place.need(request.method()).filter(|&need| keys.guards(need))
        {
            match keys.check(request.headers(), need, Instant::now()) {
                Ok(pass) => {
                    *known = Known { said: pass.said, held: Some(pass.held), caller: pass.caller.clone() };
                    request.extensions_mut().insert::<Caller>(pass.caller);
                }
                Err(refused) => {
                    let Refused { failure, challenge, said: left } = *refused;
                    known.said = left;
                    body::drain(request).await;
                    let mut response = Rejection(failure).into_response();
                    if let Some(challenge) = challenge {
                        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                    }
                    return response;
                }
            }
        }
        if let Some(span) = span {
            request.extensions_mut().insert::<Trace>(span.trace());
        }
        self.route(request).await
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

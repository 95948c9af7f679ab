//! Failures as answers: `application/problem+json` (RFC 9457), whoever it was that refused.
//!
//! Handlers and extractors refuse with a [`Rejection`], which only carries the failure along; [`dress`] is the one place that turns
//! it, and every bare 4xx or 5xx of the framework, into a problem with the request's id.

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{Response as HttpResponse, StatusCode};
use axum::response::{IntoResponse, Response};

use super::coding::CODINGS;
use crate::wire::problem::{Failure, Problem, Slug};

/// The media type of problems.
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A failure on its way to becoming an answer.
#[derive(Debug)]
pub(crate) struct Rejection(pub(crate) Failure);

impl Rejection {
    pub(crate) fn new(slug: Slug, detail: impl Into<String>) -> Rejection {
        Rejection(Failure::new(slug, detail))
    }
}

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Rejection {
        Rejection(failure)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status(self.0.slug);
        response.extensions_mut().insert(self.0);
        response
    }
}

fn status(slug: Slug) -> StatusCode {
    StatusCode::from_u16(slug.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The answer, with its failure written out as the problem of the request with that id, and which problem. Answers that succeeded stay as
/// they are.
pub(crate) fn dress(mut response: Response, request_id: &str) -> (Response, Option<Slug>) {
    let failure = match response.extensions_mut().remove::<Failure>() {
        Some(failure) => failure,
        None if is_bare_error(&response) => of_status(response.status(), response.headers().get(ALLOW)),
        None => return (response, None),
    };
    if failure.slug == Slug::Internal {
        tracing::error!(request_id, detail = %failure.detail, "a request failed for a defect of the server");
    }
    let slug = failure.slug;
    let retry_after = failure.retry_after.or((slug.status() == 503).then_some(1));
    let body = body(failure, request_id);
    let (mut parts, _) = response.into_parts();
    parts.status = status(slug);
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    if slug == Slug::UnsupportedMediaType {
        parts.headers.insert(ACCEPT_ENCODING, CODINGS);
    }
    if let Some(seconds) = retry_after {
        parts.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    (HttpResponse::from_parts(parts, Body::from(body)), Some(slug))
}

/// The problem's JSON. Of a defect it says nothing but the request id.
pub(crate) fn body(mut failure: Failure, request_id: &str) -> Vec<u8> {
    if failure.slug == Slug::Internal {
        failure = Failure::new(Slug::Internal, "the server failed; it has logged the request id");
    }
    serde_json::to_vec(&Problem::of(failure, request_id)).unwrap_or_default()
}

fn is_bare_error(response: &Response) -> bool {
    response.status().as_u16() >= 400 && response.headers().get(CONTENT_TYPE) != Some(&PROBLEM_JSON)
}

/// What a bare status means here.
fn of_status(status: StatusCode, allow: Option<&HeaderValue>) -> Failure {
    match status {
        StatusCode::NOT_FOUND => Failure::new(Slug::NotFound, "there is nothing at this path; GET /openapi.json lists what there is"),
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = allow.and_then(|value| value.to_str().ok()).unwrap_or("none");
            Failure::new(Slug::MethodNotAllowed, format!("this path takes {allowed}"))
        }
        status => match Slug::ALL.into_iter().find(|slug| slug.status() == status.as_u16() && *slug != Slug::MalformedJson) {
            Some(slug) => Failure::new(slug, status.canonical_reason().unwrap_or("refused")),
            None if status.is_client_error() => Failure::new(Slug::BadRequest, status.canonical_reason().unwrap_or("refused")),
            None => Failure::new(Slug::Internal, "an answer with an unexpected status"),
        },
    }
}

//! Which pages of other origins may ask this server, by setting; none by default.
//!
//! A browser asks before it lets a page ask ("preflight"), and looks at the answer's headers before it shows the page the answer. What
//! is no browser never notices.

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use axum::response::Response;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept, Authorization, Content-Encoding, Content-Type, If-Match, If-None-Match, Request-Timeout, traceparent, X-Request-Id",
);
const EXPOSED: HeaderValue =
    HeaderValue::from_static("ETag, Location, RateLimit, RateLimit-Policy, Retry-After, traceparent, WWW-Authenticate, X-Request-Id");
/// Seconds for which a browser may keep the answer to a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Whose pages may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cors {
    Nobody,
    Anybody,
    These(Vec<HeaderValue>),
}

/// What the answer to one request says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Allowed {
    /// Nothing.
    Silent,
    /// This origin may, another may not.
    Origin(HeaderValue),
    /// Not this origin, but another.
    Other,
    Anybody,
}

impl Cors {
    /// Of a setting: nothing, `*`, or origins with commas between them.
    pub(super) fn of(setting: &str) -> Cors {
        match setting.trim() {
            "" => Cors::Nobody,
            "*" => Cors::Anybody,
            origins => Cors::These(origins.split(',').filter_map(|origin| HeaderValue::from_str(origin.trim()).ok()).collect()),
        }
    }

    /// What the answer to a request with these headers will say.
    pub(super) fn origin(&self, headers: &HeaderMap) -> Allowed {
        match self {
            Cors::Nobody => Allowed::Silent,
            Cors::Anybody => Allowed::Anybody,
            Cors::These(origins) => match headers.get(ORIGIN).filter(|origin| origins.contains(origin)) {
                Some(origin) => Allowed::Origin(origin.clone()),
                None => Allowed::Other,
            },
        }
    }

    /// The answer to a browser that asks whether it may ask.
    pub(super) fn preflight(&self, request: &Request<Body>) -> Option<Response> {
        let headers = request.headers();
        let asks =
            request.method() == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !asks || *self == Cors::Nobody {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if self.origin(headers) != Allowed::Other {
            for (name, value) in
                [(ACCESS_CONTROL_ALLOW_METHODS, METHODS), (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS), (ACCESS_CONTROL_MAX_AGE, MAX_AGE)]
            {
                response.headers_mut().insert(name, value);
            }
        }
        Some(response)
    }

    /// Puts it into the answer's headers.
    pub(super) fn write(&self, allowed: Allowed, headers: &mut HeaderMap) {
        let origin = match allowed {
            Allowed::Silent => return,
            Allowed::Anybody => Some(HeaderValue::from_static("*")),
            Allowed::Origin(origin) => {
                headers.append(VARY, HeaderValue::from_static("Origin"));
                Some(origin)
            }
            Allowed::Other => {
                headers.append(VARY, HeaderValue::from_static("Origin"));
                None
            }
        };
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

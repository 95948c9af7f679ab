//! Which pages of other origins may ask this server, by setting; none by default.
//!
//! A browser asks before it lets a page ask ("preflight"), and looks at the answer's headers before it shows the page the answer. What
//! is no browser never notices.

use std::net::Ipv6Addr;

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
    /// Of a setting: nothing, `*`, or origins with commas between them. `None` where it is none of these: an origin that no browser sends
    /// would let nobody ask, and `*` in a list would let everybody.
    pub(super) fn of(setting: &str) -> Option<Cors> {
        match setting.trim() {
            "" => Some(Cors::Nobody),
            "*" => Some(Cors::Anybody),
            origins => origins.split(',').map(|origin| self::origin(origin.trim())).collect::<Option<_>>().map(Cors::These),
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

/// An origin as browsers write it: `scheme://host[:port]` in lower case and nothing behind, and no port that goes without saying.
fn origin(text: &str) -> Option<HeaderValue> {
    let (scheme, host) = text.split_once("://")?;
    let small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let good_scheme =
        scheme.starts_with(|c: char| c.is_ascii_lowercase()) && scheme.bytes().all(|byte| small(byte) || b"+-.".contains(&byte));
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (host, None),
    };
    let good_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address),
        None => !host.is_empty() && host.bytes().all(|byte| small(byte) || b"-._".contains(&byte)),
    };
    let implied = match scheme {
        "http" => "80",
        "https" => "443",
        _ => "",
    };
    let number = |port: &str| port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port);
    let good = good_scheme && good_host && port.is_none_or(|port| number(port) && port != implied);
    HeaderValue::from_str(text).ok().filter(|_| good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_send_them() {
        let these = |origins: &[&'static str]| Some(Cors::These(origins.iter().map(|origin| HeaderValue::from_static(origin)).collect()));
        for (setting, read) in [
            ("", Some(Cors::Nobody)),
            (" * ", Some(Cors::Anybody)),
            ("https://a.example", these(&["https://a.example"])),
            ("http://localhost:8080 , https://b_c.example", these(&["http://localhost:8080", "https://b_c.example"])),
            ("http://[::1]:80", None),
            ("http://[::1]:8000", these(&["http://[::1]:8000"])),
            ("http://[::1]", these(&["http://[::1]"])),
            ("chrome-extension://abcdef", these(&["chrome-extension://abcdef"])),
            ("https://a.example/", None),
            ("https://a.example/app", None),
            ("https://A.example", None),
            ("HTTPS://a.example", None),
            ("https://a.example:443", None),
            ("https://a.example:", None),
            ("https://a.example:0", None),
            ("https://a.example:65536", None),
            ("https://a.example:+1", None),
            ("https://me@a.example", None),
            ("https://a.example?x", None),
            ("https://", None),
            ("://a", None),
            ("a.example", None),
            ("null", None),
            ("https://a.example, *", None),
            ("https://a.example,,https://b.example", None),
            ("https://a.example,", None),
            ("https://a.example, *, nonsense", None),
            ("http://[::0:1]", None),
            ("http://[x]", None),
        ] {
            assert_eq!(Cors::of(setting), read, "{setting}");
        }
    }
}

//! Which route a path is, before anything is routed: what is counted of it, and what a key must be good for.
//!
//! The router knows the same, but says it only to handlers; what surrounds them needs it for requests that never come that far. The
//! templates come from the declared routes, so that no route is named here that has no rule of its own.

use axum::http::Method;

use crate::service::Scope;
use crate::telemetry::metrics::{Metrics, Route};

/// The routes by their paths.
pub(super) struct Map {
    places: matchit::Router<Place>,
    other: Place,
}

/// A route as what surrounds it sees it.
pub(super) struct Place {
    /// What is counted of it.
    pub(super) metrics: Route,
    guard: Guard,
}

/// What a route asks of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// Nothing.
    Free,
    /// The right to look at the server's own state.
    Admin,
    /// The right to evaluate, whatever the method.
    Evaluate,
    /// The right to evaluate for reading, the right to register for anything else.
    Functions,
}

/// Paths for anyone: health, and what the server can do.
const FREE: [&str; 7] = ["/", "/livez", "/readyz", "/openapi.json", "/docs", "/ops", "/info"];

impl Map {
    /// Of routes with these templates.
    pub(super) fn new<'t>(templates: impl Iterator<Item = &'t str>, metrics: &Metrics) -> Map {
        let mut places = matchit::Router::new();
        for template in templates {
            // A template that is there already is the same route with another method.
            let _ = places.insert(template, Place { metrics: metrics.route(template), guard: guard(template) });
        }
        // One name for all that is nothing: a label must not grow with what callers make up.
        Map { places, other: Place { metrics: metrics.route("other"), guard: Guard::Free } }
    }

    /// The route of a path.
    pub(super) fn at(&self, path: &str) -> &Place {
        self.places.at(path).map_or(&self.other, |found| found.value)
    }
}

fn guard(template: &str) -> Guard {
    match template {
        _ if FREE.contains(&template) || template.starts_with("/docs/") || template.starts_with("/problems/") => Guard::Free,
        "/metrics" => Guard::Admin,
        "/functions" => Guard::Functions,
        _ if template.strip_prefix("/functions/").is_some_and(|rest| !rest.contains('/')) => Guard::Functions,
        _ => Guard::Evaluate,
    }
}

impl Place {
    /// The right that a request with this method takes.
    pub(super) fn need(&self, method: &Method) -> Option<Scope> {
        self.guard.need(method)
    }
}

/// The right that a request to a route takes.
pub(super) fn need(template: &str, method: &Method) -> Option<Scope> {
    guard(template).need(method)
}

impl Guard {
    fn need(self, method: &Method) -> Option<Scope> {
        match self {
            // What a browser asks before it asks; it sends no key with that.
            _ if method == Method::OPTIONS => None,
            Guard::Free => None,
            Guard::Admin => Some(Scope::Admin),
            Guard::Functions if method != Method::GET && method != Method::HEAD => Some(Scope::Register),
            Guard::Functions | Guard::Evaluate => Some(Scope::Evaluate),
        }
    }
}

/// The method as a label: one of those that HTTP has, or `other`.
pub(super) fn label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights() {
        let templates = ["/value", "/metrics", "/functions", "/functions/{name}", "/functions/{name}/gradient", "/docs/{file}", "/livez"];
        let map = Map::new(templates.into_iter(), &Metrics::new());
        for (method, path, need) in [
            (Method::POST, "/value", Some(Scope::Evaluate)),
            (Method::OPTIONS, "/value", None),
            (Method::GET, "/metrics", Some(Scope::Admin)),
            (Method::GET, "/functions", Some(Scope::Evaluate)),
            (Method::POST, "/functions", Some(Scope::Register)),
            (Method::HEAD, "/functions/f", Some(Scope::Evaluate)),
            (Method::PUT, "/functions/f", Some(Scope::Register)),
            (Method::DELETE, "/functions/f", Some(Scope::Register)),
            (Method::POST, "/functions/f/gradient", Some(Scope::Evaluate)),
            (Method::GET, "/docs/start.js", None),
            (Method::GET, "/livez", None),
            (Method::POST, "/nowhere", None),
        ] {
            assert_eq!(map.at(path).need(&method), need, "{method} {path}");
        }
    }
}

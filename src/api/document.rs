//! The OpenAPI 3.1 document: what the routes declare, and what is true of all of them.
//!
//! The routes say path, types and success; this adds the headers, the errors that every operation of a kind can answer, and the
//! examples, so that no route repeats them.

use axum::http::Method;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::examples::{REGISTERED, registrations, requests, requests_of_registered};
use super::explain::example;
use super::map::need;
use super::routes::declared;
use crate::service::{Endpoint, Scope, operators};
use crate::wire::problem::{Fault, Problem, Slug};

const ABOUT: &str = "nablad takes a function as data and the points to look at, and returns exact values and derivatives.\n\n\
A function comes as an expression `graph`, as a `formula`, or as the id or name of a registered `function`, in exactly one of these fields. One point stands in `at`; many stand in \
`points`, as rows (a list of objects) or as columns (an object of tensors with one more leading axis). NaN and the infinities are the \
strings `\"NaN\"`, `\"Infinity\"` and `\"-Infinity\"`. Every error is `application/problem+json` (RFC 9457).";

/// What any request can be answered with.
const OF_EVERY_REQUEST: [Slug; 4] = [Slug::BadRequest, Slug::UriTooLong, Slug::HeadersTooLarge, Slug::Internal];
/// What a request can besides be answered with that sends a body to be worked on.
const OF_EVALUATION: [Slug; 11] = [
    Slug::MalformedJson,
    Slug::NotAcceptable,
    Slug::RequestTimeout,
    Slug::BodyTooLarge,
    Slug::UnsupportedMediaType,
    Slug::InvalidRequest,
    Slug::InvalidGraph,
    Slug::ShapeMismatch,
    Slug::InvalidFormula,
    Slug::Overloaded,
    Slug::ShuttingDown,
];

/// What a key must be good for, where there are keys.
fn scope(path: &str, method: &str) -> Option<Scope> {
    need(path, &Method::from_bytes(method.to_uppercase().as_bytes()).ok()?)
}

/// The evaluation that an operation does, and whether its path names the function.
fn evaluation(path: &str) -> Option<(Endpoint, bool)> {
    let of_registered = path.strip_prefix(FUNCTION).and_then(|rest| rest.strip_prefix('/'));
    let name = of_registered.or_else(|| path.strip_prefix('/'))?;
    Some((Endpoint::from_name(name)?, of_registered.is_some()))
}

/// The path of a registered function.
const FUNCTION: &str = "/functions/{function}";

/// Whether an operation registers a function.
fn registers(path: &str, method: &str) -> bool {
    matches!((path, method), ("/functions", "post") | (FUNCTION, "put"))
}

/// The errors that an operation can answer.
fn slugs(path: &str, method: &str) -> Vec<Slug> {
    let endpoint = evaluation(path).map(|(endpoint, _)| endpoint);
    let special: &[Slug] = match (endpoint, path) {
        (Some(Endpoint::Graph), _) => &[Slug::LimitExceeded, Slug::DeadlineExceeded],
        (Some(Endpoint::Derivative), _) => &[Slug::NotDifferentiable, Slug::LimitExceeded, Slug::DeadlineExceeded],
        (Some(Endpoint::Gradient | Endpoint::Hessian | Endpoint::Hvp), _) => {
            &[Slug::InvalidPoint, Slug::NotDifferentiable, Slug::LimitExceeded, Slug::DeadlineExceeded]
        }
        (Some(_), _) => &[Slug::InvalidPoint, Slug::LimitExceeded, Slug::DeadlineExceeded],
        (None, "/functions") if method == "get" => &[Slug::NotAcceptable, Slug::InvalidRequest, Slug::Overloaded, Slug::ShuttingDown],
        (None, "/functions") => &[Slug::NotFound, Slug::NameTaken, Slug::LimitExceeded, Slug::DeadlineExceeded],
        (None, FUNCTION) => match method {
            "get" => &[
                Slug::NotFound,
                Slug::NotAcceptable,
                Slug::PreconditionFailed,
                Slug::LimitExceeded,
                Slug::Overloaded,
                Slug::ShuttingDown,
                Slug::DeadlineExceeded,
            ],
            "put" => {
                &[Slug::Forbidden, Slug::NotFound, Slug::NameTaken, Slug::PreconditionFailed, Slug::LimitExceeded, Slug::DeadlineExceeded]
            }
            _ => &[Slug::Forbidden, Slug::NotFound, Slug::PreconditionFailed, Slug::Overloaded, Slug::ShuttingDown],
        },
        (None, "/problems/{slug}") => &[Slug::NotFound, Slug::NotAcceptable],
        (None, "/readyz") => &[Slug::ShuttingDown],
        (None, "/livez" | "/docs" | "/metrics") => &[],
        (None, _) => &[Slug::NotAcceptable],
    };
    let sent: &[Slug] = if endpoint.is_some() || registers(path, method) { &OF_EVALUATION } else { &[] };
    // a body may refer to a registered function, a path may
    let refers: &[Slug] = if endpoint.is_some() { &[Slug::NotFound] } else { &[] };
    let keys: &[Slug] = if scope(path, method).is_some() { &[Slug::Unauthorized, Slug::Forbidden, Slug::RateLimited] } else { &[] };
    let all = [sent, refers, special, keys, &OF_EVERY_REQUEST].concat();
    Slug::ALL.into_iter().filter(|slug| all.contains(slug)).collect()
}

/// The headers of every answer.
fn common_headers() -> Value {
    json!({
        "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"},
        "traceparent": {"$ref": "#/components/headers/traceparent"}
    })
}

/// The error answers of an operation by status, each with an example a slug.
fn errors(path: &str, method: &str) -> Map<String, Value> {
    let slugs = slugs(path, method);
    let mut answers = Map::new();
    for slug in &slugs {
        let same: Vec<Slug> = slugs.iter().copied().filter(|other| other.status() == slug.status()).collect();
        let description = same.iter().map(|slug| format!("`{}`: {}.", slug.name(), slug.title())).collect::<Vec<_>>().join(" ");
        let examples: Map<String, Value> =
            same.iter().map(|slug| (slug.name().to_owned(), json!({"summary": slug.title(), "value": example(*slug)}))).collect();
        let mut headers = common_headers();
        let more: &[&str] = match slug.status() {
            503 => &["Retry-After"],
            429 => &["Retry-After", "RateLimit", "RateLimit-Policy"],
            401 | 403 => &["WWW-Authenticate"],
            _ => &[],
        };
        for name in more {
            headers[name] = json!({"$ref": format!("#/components/headers/{name}")});
        }
        let answer = json!({
            "description": description,
            "headers": headers,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}}
        });
        answers.insert(slug.status().to_string(), answer);
    }
    answers
}

/// The document.
pub fn openapi() -> Value {
    let declared = declared().into_openapi();
    let mut document = serde_json::to_value(declared).unwrap_or_default();
    document["info"] = json!({
        "title": "nablad",
        "summary": "Differentiation as a service",
        "description": ABOUT,
        "version": env!("CARGO_PKG_VERSION"),
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"}
    });
    document["servers"] = json!([{"url": "/", "description": "This server."}]);
    document["tags"] = json!([
        {"name": "evaluation", "description": "Values and derivatives at points."},
        {"name": "functions", "description": "Functions themselves: checked, converted and differentiated."},
        {"name": "registry", "description": "Functions that last, by id and by name."},
        {"name": "server", "description": "What the server can do, and how it is."}
    ]);
    let components = &mut document["components"];
    components["schemas"]["Problem"] = serde_json::to_value(<Problem as utoipa::PartialSchema>::schema()).unwrap_or_default();
    components["schemas"]["Fault"] = serde_json::to_value(<Fault as utoipa::PartialSchema>::schema()).unwrap_or_default();
    debug_assert_eq!(<Problem as ToSchema>::name(), "Problem");
    let names: Vec<String> = operators().ops.into_iter().map(|operator| operator.name).collect();
    components["schemas"]["OperatorName"] =
        json!({"type": "string", "enum": names, "description": "The canonical name of an operator of GET /ops."});
    components["schemas"]["Operator"]["properties"]["name"] = json!({"$ref": "#/components/schemas/OperatorName"});
    components["schemas"]["Node"]["properties"]["op"] = json!({
        "description": "What is applied.",
        "anyOf": [
            {"$ref": "#/components/schemas/OperatorName"},
            {"type": "string", "description": "Any of the aliases that GET /ops lists."}
        ]
    });
    components["headers"] = json!({
        "X-Request-Id": {"description": "The request's id: the caller's where it was well-formed, else a new one.", "schema": {"type": "string"}},
        "traceparent": {
            "description": "For a request that has one: its trace (a new one where it was malformed) and the span of this answer.",
            "schema": {"type": "string"}
        },
        "ETag": {
            "description": "The state of the function, for If-Match and If-None-Match: it changes with every change.",
            "schema": {"type": "string"}
        },
        "Location": {"description": "The path of the function.", "schema": {"type": "string", "format": "uri-reference"}},
        "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 0}},
        "RateLimit": {
            "description": "Where keys are configured: what the key has left (IETF draft), e.g. `\"rate\";r=1999;t=1, \"concurrent\";r=255`.",
            "schema": {"type": "string"}
        },
        "RateLimit-Policy": {
            "description": "Where keys are configured: what the key is allowed (IETF draft), e.g. `\"rate\";q=2000;w=2`.",
            "schema": {"type": "string"}
        },
        "WWW-Authenticate": {"description": "`Bearer`, with what is wrong or missing (RFC 6750).", "schema": {"type": "string"}}
    });
    components["securitySchemes"] = json!({
        "key": {
            "type": "http", "scheme": "bearer",
            "description": "An API key, where the server has such; its scopes are evaluate, register and admin."
        }
    });
    components["parameters"] = json!({
        "X-Request-Id": {
            "name": "X-Request-Id", "in": "header", "required": false,
            "description": "An id to find the request by. What is malformed is replaced, never refused.",
            "schema": {"type": "string"}
        },
        "traceparent": {
            "name": "traceparent", "in": "header", "required": false,
            "description": "The place of the request in a trace (W3C Trace Context). What is malformed is replaced, never refused.",
            "schema": {"type": "string"}
        },
        "function": {
            "name": "function", "in": "path", "required": true, "example": REGISTERED,
            "description": "The id or a name of a registered function.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128}
        },
        "If-Match": {
            "name": "If-Match", "in": "header", "required": false,
            "description": "ETags, one of which the function must have; * where it must be there. Otherwise 412, and nothing is done.",
            "schema": {"type": "string"}
        },
        "If-None-Match": {
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "ETags, none of which the function may have; * where it must not be there. Otherwise 304 or 412, and nothing is done.",
            "schema": {"type": "string"}
        },
        "Request-Timeout": {
            "name": "Request-Timeout", "in": "header", "required": false,
            "description": "Seconds that the request may compute, up to limits.deadline_most_seconds.",
            "schema": {"type": "number", "exclusiveMinimum": 0}
        }
    });
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            let Some(item) = item.as_object_mut() else {
                continue;
            };
            for (method, operation) in item {
                complete(path, method, operation);
            }
        }
    }
    document
}

/// Adds to an operation what its route does not say.
fn complete(path: &str, method: &str, operation: &mut Value) {
    let evaluation = evaluation(path);
    let registers = registers(path, method);
    let shared = |name: &str| json!({"$ref": format!("#/components/parameters/{name}")});
    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    if path.starts_with(FUNCTION) {
        parameters.push(shared("function"));
        if evaluation.is_none() {
            parameters.extend([shared("If-Match"), shared("If-None-Match")]);
        }
    }
    parameters.extend([shared("X-Request-Id"), shared("traceparent")]);
    if evaluation.is_some() || path.starts_with("/functions") {
        parameters.push(shared("Request-Timeout"));
    }
    operation["parameters"] = Value::Array(parameters);
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, response) in responses.iter_mut() {
            response["headers"] = common_headers();
            if path.starts_with("/functions") && evaluation.is_none() && status != "204" && (path != "/functions" || registers) {
                response["headers"]["ETag"] = json!({"$ref": "#/components/headers/ETag"});
            }
            if registers {
                response["headers"]["Location"] = json!({"$ref": "#/components/headers/Location"});
            }
        }
        responses.extend(errors(path, method));
    }
    if let Some(scope) = scope(path, method) {
        // Without keys anyone may ask: what is free of any stands first.
        operation["security"] = json!([{}, {"key": []}]);
        let description = operation["description"].as_str().unwrap_or_default();
        let words = format!("Where API keys are configured this takes one with the scope `{}`.", scope.name());
        if !description.contains("scope `") {
            operation["description"] = format!("{description}{}{words}", if description.is_empty() { "" } else { "\n\n" }).into();
        }
    }
    let examples = match evaluation {
        Some((endpoint, false)) => requests(endpoint),
        Some((endpoint, true)) => requests_of_registered(endpoint),
        None if registers => registrations(method == "post"),
        None => return,
    };
    let examples: Map<String, Value> =
        examples.into_iter().map(|example| (example.name.to_owned(), json!({"summary": example.summary, "value": example.body}))).collect();
    operation["requestBody"]["required"] = Value::Bool(true);
    operation["requestBody"]["content"]["application/json"]["examples"] = Value::Object(examples);
}

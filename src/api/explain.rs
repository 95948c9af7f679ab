//! What each problem means and what to do about it: the text of `/problems/{slug}` and the examples of the OpenAPI document.

use serde::Serialize;

use crate::wire::problem::{Excess, Failure, Fault, Problem, Slug};

/// The explanation of a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Explanation {
    /// The last segment of the problem's `type`.
    pub(crate) name: &'static str,
    /// Its HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub(crate) status: u16,
    /// Its title.
    pub(crate) title: &'static str,
    /// What it means.
    pub(crate) meaning: &'static str,
    /// What to do about it.
    pub(crate) remedy: &'static str,
}

/// Meaning, remedy, and the detail of an example.
const fn words(slug: Slug) -> (&'static str, &'static str, &'static str) {
    match slug {
        Slug::MalformedJson => (
            "The body is not JSON, nests deeper than limits.json_nesting, or repeats a key.",
            "Look at the line and column that detail names. NaN and the infinities are the strings \"NaN\", \"Infinity\" and \"-Infinity\".",
            "line 1, column 14: expected a value",
        ),
        Slug::BadRequest => (
            "The request is not well-formed HTTP: HTTP/1.1 without Host, a malformed Request-Timeout, or a body that breaks off.",
            "Send a complete HTTP request; Request-Timeout is a positive number of seconds.",
            "Request-Timeout must be a positive number of seconds, not \"soon\"",
        ),
        Slug::Unauthorized => (
            "The request has no API key, or one that is not known here.",
            "Send the header Authorization: Bearer KEY with a key that whoever runs the server has given you.",
            "this takes a key: send the header Authorization: Bearer KEY",
        ),
        Slug::Forbidden => (
            "The API key is known and not good for this: it lacks a scope, or the function is another owner's, who lets others evaluate it, but not \
             change or delete it.",
            "Use a key with the scope that detail names, or ask whoever runs the server for one. Register another's function yourself: its id is \
             the same for everybody, and what you register is yours.",
            "this takes a key with the scope register",
        ),
        Slug::NotFound => (
            "There is nothing at this path, or no registered function with this id or name that you may see.",
            "See GET /openapi.json for the paths there are, and GET /functions for the functions.",
            "there is nothing at this path; GET /openapi.json lists what there is",
        ),
        Slug::MethodNotAllowed => {
            ("The path exists, but not with this method.", "Use a method of the answer's Allow header.", "this path takes POST")
        }
        Slug::NotAcceptable => (
            "The Accept header excludes every media type that can be answered.",
            "Accept application/json, or send no Accept at all.",
            "answers are application/json, which Accept \"text/csv\" excludes",
        ),
        Slug::RequestTimeout => (
            "The request's body came too slowly: in all, or between two pieces of it.",
            "Send the body at once; split very large batches of points.",
            "no byte of the body came for 10 s",
        ),
        Slug::NameTaken => (
            "The name means another function already.",
            "Choose another name; or PUT /functions/{name} with If-Match and the ETag of what it means now to replace it.",
            "the name \"price\" means another function",
        ),
        Slug::PreconditionFailed => (
            "The function is not in the state that If-Match or If-None-Match asks for: somebody has changed or deleted it, or it is there.",
            "GET it again, look at what has changed, and try again with its new ETag.",
            "the function is not in the state that If-Match or If-None-Match asks for",
        ),
        Slug::BodyTooLarge => (
            "The body is larger than http.body_bytes.",
            "Split the points over several requests.",
            "the body has 100000000 bytes or more, 67108864 are allowed",
        ),
        Slug::UriTooLong => (
            "The request's URI is longer than http.uri_bytes.",
            "Send what you have to say in the body.",
            "the request has 20000 bytes of URI, 16384 are allowed",
        ),
        Slug::UnsupportedMediaType => (
            "The body's media type or content coding is not read here.",
            "Send application/json in UTF-8 without a content coding; a body without Content-Type is read as JSON.",
            "the media type \"text/plain\" is not read here; send it with the header content-type: application/json",
        ),
        Slug::HeadersTooLarge => (
            "The request has more headers than http.header_count or more bytes of them than http.header_bytes.",
            "Send fewer headers; cookies and long tokens are the usual cause.",
            "the headers are more or longer than are read here",
        ),
        Slug::InvalidRequest => (
            "A field is missing, unknown or contradicts another, or wrt or outputs name something that is not there.",
            "Look at errors: each has a JSON Pointer into the body, and a hint where there is a near miss.",
            "unknown field \"atx\"",
        ),
        Slug::InvalidGraph => (
            "The graph has an unknown operator, a wrong number of arguments, a bad attribute, a cycle, or a name that is duplicate or unknown.",
            "Look at errors. GET /ops has every operator with its arguments and attributes.",
            "there is no operator \"sine\"",
        ),
        Slug::ShapeMismatch => (
            "Two shapes do not go together under NumPy's broadcasting or the operator's own rule.",
            "Look at the two shapes in detail; reshape, expand_dims or broadcast_to make the intention explicit.",
            "multiply: shapes [3] and [4] do not go together",
        ),
        Slug::InvalidFormula => (
            "The formula does not parse.",
            "The detail has line, column and a caret below the offending text.",
            "line 1, column 5: expected a value\n  x + * y\n      ^",
        ),
        Slug::InvalidPoint => (
            "The point does not fit the function's inputs: a value is missing, unknown, given twice, ragged, of the wrong shape, or no number.",
            "Give every input exactly once, as nested arrays of its shape.",
            "the input \"y\" is missing",
        ),
        Slug::NotDifferentiable => (
            "A gradient needs one scalar output, and the function has something else.",
            "Ask /jacobian or /vjp, or reduce the output to a scalar (sum, mean, vector_norm).",
            "a gradient needs one scalar output; the function has 2 outputs",
        ),
        Slug::LimitExceeded => (
            "The work is larger than this server ever accepts. It was refused before it ran.",
            "limit names the setting, asked and allowed the numbers. Split the request, or ask whoever runs the server to raise the limit.",
            "4000000 asked for, 1000000 allowed",
        ),
        Slug::RateLimited => (
            "The API key asked more often than it may, or for more at once. Nothing of this request was done.",
            "Try again after the seconds of Retry-After; RateLimit says what is left, RateLimit-Policy what is allowed.",
            "this key may ask 1000 times a second",
        ),
        Slug::Overloaded => (
            "The server has more work waiting than it promises to do soon, or cannot reach its store of registered functions. Nothing of this \
             request was answered; a registration that was under way may have come through, and can be sent again.",
            "Try again after the seconds of Retry-After, with some jitter.",
            "more work is waiting than can be done in 1 s",
        ),
        Slug::ShuttingDown => (
            "The server is starting or shutting down and takes no new work.",
            "Try again; another instance answers, or this one after its restart.",
            "the server is shutting down",
        ),
        Slug::DeadlineExceeded => (
            "The work ran past its deadline and was stopped. There is no partial result.",
            "Ask for less at once, or allow more time with Request-Timeout, up to limits.deadline_most_seconds.",
            "the work was stopped after 10 s",
        ),
        Slug::Internal => (
            "The server failed: a defect of its own.",
            "Report it with the request id of instance.",
            "the server failed; it has logged the request id",
        ),
    }
}

/// What the problem means and what to do about it.
pub(crate) fn explain(slug: Slug) -> Explanation {
    let (meaning, remedy, _) = words(slug);
    Explanation { name: slug.name(), status: slug.status(), title: slug.title(), meaning, remedy }
}

/// An occurrence of the problem.
pub(crate) fn example(slug: Slug) -> Problem {
    let (_, _, detail) = words(slug);
    let fault =
        |pointer: &str, hint: Option<&str>| Fault { pointer: pointer.to_owned(), detail: detail.to_owned(), hint: hint.map(str::to_owned) };
    let mut failure = Failure::new(slug, detail);
    match slug {
        Slug::InvalidRequest => failure.faults.push(fault("/atx", Some("did you mean \"at\"?"))),
        Slug::InvalidGraph => failure.faults.push(fault("/graph/nodes/0/op", Some("did you mean \"sin\"?"))),
        Slug::ShapeMismatch => failure.faults.push(fault("/graph/nodes/0", None)),
        Slug::InvalidFormula => failure.faults.push(fault("/formula", None)),
        Slug::InvalidPoint => failure.faults.push(fault("/at", None)),
        Slug::LimitExceeded => failure.excess = Some(Excess { limit: "limits.nodes".to_owned(), asked: 4e6, allowed: 1e6 }),
        Slug::BodyTooLarge => failure.excess = Some(Excess { limit: "http.body_bytes".to_owned(), asked: 1e8, allowed: 67_108_864.0 }),
        _ => {}
    }
    Problem::of(failure, "5a1c9b3e77d04f2600000000000000b7")
}

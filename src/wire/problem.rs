//! Errors as the contract's section 5 has them: RFC 9457 `application/problem+json`.

use serde::{Deserialize, Serialize};

/// The most faults that one problem lists.
pub const MOST_FAULTS: usize = 32;

/// What went wrong, as the last segment of a problem's `type`. Status and title follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slug {
    /// The body is not JSON, is nested too deep, or repeats a key.
    MalformedJson,
    /// No API key, or one that is not known here.
    Unauthorized,
    /// The API key is not good for this, or the function is another owner's.
    Forbidden,
    /// No such path, function or job.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// None of the media types asked for can be written.
    NotAcceptable,
    /// The body's media type or content coding is not read here.
    UnsupportedMediaType,
    /// The client was too slow to send its request.
    RequestTimeout,
    /// The name means another function.
    NameTaken,
    /// What If-Match or If-None-Match asks for does not hold.
    PreconditionFailed,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The request line's URI is longer than the limit.
    UriTooLong,
    /// The headers are larger than the limit.
    HeadersTooLarge,
    /// The request is not HTTP as RFC 9110 has it.
    BadRequest,
    /// Fields missing, unknown or contradictory.
    InvalidRequest,
    /// Unknown operator, arity, attribute, cycle, duplicate or unknown name.
    InvalidGraph,
    /// Two shapes that do not go together.
    ShapeMismatch,
    /// The formula does not parse.
    InvalidFormula,
    /// Missing, unknown, twice given, ragged or wrongly shaped values.
    InvalidPoint,
    /// A gradient of something that is not one scalar.
    NotDifferentiable,
    /// Larger than this server ever accepts.
    LimitExceeded,
    /// More than the API key may ask for at once or in time.
    RateLimited,
    /// No capacity now.
    Overloaded,
    /// The server is draining.
    ShuttingDown,
    /// The work ran past its deadline.
    DeadlineExceeded,
    /// A defect of the server.
    Internal,
}

impl Slug {
    /// Every slug, in the order of the contract's table.
    pub const ALL: [Slug; 26] = [
        Slug::MalformedJson,
        Slug::BadRequest,
        Slug::Unauthorized,
        Slug::Forbidden,
        Slug::NotFound,
        Slug::MethodNotAllowed,
        Slug::NotAcceptable,
        Slug::RequestTimeout,
        Slug::NameTaken,
        Slug::PreconditionFailed,
        Slug::BodyTooLarge,
        Slug::UriTooLong,
        Slug::UnsupportedMediaType,
        Slug::HeadersTooLarge,
        Slug::InvalidRequest,
        Slug::InvalidGraph,
        Slug::ShapeMismatch,
        Slug::InvalidFormula,
        Slug::InvalidPoint,
        Slug::NotDifferentiable,
        Slug::LimitExceeded,
        Slug::RateLimited,
        Slug::Overloaded,
        Slug::ShuttingDown,
        Slug::DeadlineExceeded,
        Slug::Internal,
    ];

    /// The slug as it stands in a URL, its HTTP status and its title.
    const fn facts(self) -> (&'static str, u16, &'static str) {
        match self {
            Slug::MalformedJson => ("malformed-json", 400, "The body is not acceptable JSON"),
            Slug::BadRequest => ("bad-request", 400, "The request is not well-formed HTTP"),
            Slug::Unauthorized => ("unauthorized", 401, "This takes an API key"),
            Slug::Forbidden => ("forbidden", 403, "The API key is not good for this"),
            Slug::NotFound => ("not-found", 404, "There is nothing here"),
            Slug::MethodNotAllowed => ("method-not-allowed", 405, "This path has no such method"),
            Slug::NotAcceptable => ("not-acceptable", 406, "No acceptable media type can be written"),
            Slug::RequestTimeout => ("request-timeout", 408, "The request came too slowly"),
            Slug::NameTaken => ("name-taken", 409, "The name means another function"),
            Slug::PreconditionFailed => ("precondition-failed", 412, "The function is not in the expected state"),
            Slug::BodyTooLarge => ("body-too-large", 413, "The body is larger than the limit"),
            Slug::UriTooLong => ("uri-too-long", 414, "The URI is longer than the limit"),
            Slug::UnsupportedMediaType => ("unsupported-media-type", 415, "The body's media type is not read here"),
            Slug::HeadersTooLarge => ("headers-too-large", 431, "The headers are larger than the limit"),
            Slug::InvalidRequest => ("invalid-request", 422, "The request's fields are missing, unknown or contradictory"),
            Slug::InvalidGraph => ("invalid-graph", 422, "The graph is not valid"),
            Slug::ShapeMismatch => ("shape-mismatch", 422, "Shapes do not go together"),
            Slug::InvalidFormula => ("invalid-formula", 422, "The formula does not parse"),
            Slug::InvalidPoint => ("invalid-point", 422, "The point does not fit the function's inputs"),
            Slug::NotDifferentiable => ("not-differentiable", 422, "The derivative asked for needs one scalar output"),
            Slug::LimitExceeded => ("limit-exceeded", 422, "The work is larger than this server accepts"),
            Slug::RateLimited => ("rate-limited", 429, "The API key asks too often"),
            Slug::Overloaded => ("overloaded", 503, "The server is busy"),
            Slug::ShuttingDown => ("shutting-down", 503, "The server is shutting down"),
            Slug::DeadlineExceeded => ("deadline-exceeded", 504, "The work ran past its deadline"),
            Slug::Internal => ("internal", 500, "The server failed"),
        }
    }

    /// The last segment of `type`, e.g. `shape-mismatch`.
    pub const fn name(self) -> &'static str {
        self.facts().0
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.facts().1
    }

    /// The problem's title.
    pub const fn title(self) -> &'static str {
        self.facts().2
    }

    /// The slug of a name.
    pub fn from_name(name: &str) -> Option<Slug> {
        Slug::ALL.into_iter().find(|slug| slug.name() == name)
    }
}

/// One fault of a bad request: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Fault {
    /// JSON Pointer (RFC 6901) into the request's body.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A limit that the work would exceed, known before it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Excess {
    /// The setting's name, e.g. `limits.nodes`.
    pub limit: String,
    /// What the request asked for.
    pub asked: f64,
    /// What this server allows.
    pub allowed: f64,
}

/// A failure inside the server, before the edge dresses it as an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// What went wrong.
    pub slug: Slug,
    /// One sentence about this occurrence.
    pub detail: String,
    /// For bad requests: every fault found, at most [`MOST_FAULTS`].
    pub faults: Vec<Fault>,
    /// For `limit-exceeded` and `body-too-large`: the limit and what was asked.
    pub excess: Option<Excess>,
    /// For 429 and 503: seconds after which to try again.
    pub retry_after: Option<u64>,
}

impl Failure {
    /// A failure with a sentence and nothing else.
    pub fn new(slug: Slug, detail: impl Into<String>) -> Failure {
        Failure { slug, detail: detail.into(), faults: Vec::new(), excess: None, retry_after: None }
    }

    /// The failure of a bad request with the faults found; `detail` repeats the first of them.
    pub fn of_faults(slug: Slug, faults: Vec<Fault>) -> Failure {
        let detail = faults.first().map_or_else(String::new, |fault| fault.detail.clone());
        Failure { slug, detail, faults, excess: None, retry_after: None }
    }
}

/// The body of an error's answer: RFC 9457 `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Problem {
    /// What went wrong: a path on this server, `/problems/<slug>`, which answers with a page about it.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "server", schema(format = "uri-reference"))]
    pub kind: String,
    /// The kind of problem in a few words, the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    #[cfg_attr(feature = "server", schema(minimum = 400, maximum = 599))]
    pub status: u16,
    /// This occurrence in a sentence.
    pub detail: String,
    /// The request's id, as in the header `X-Request-Id`.
    pub instance: String,
    /// For bad requests: every fault found, at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "server", schema(max_items = 32))]
    pub errors: Vec<Fault>,
    /// For `limit-exceeded` and `body-too-large`: the setting that would be exceeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub limit: Option<String>,
    /// What the request asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub asked: Option<f64>,
    /// What this server allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub allowed: Option<f64>,
}

impl Problem {
    /// The problem of a failure, as the answer to the request with that id.
    pub fn of(failure: Failure, request_id: &str) -> Problem {
        let Failure { slug, detail, faults, excess, retry_after: _ } = failure;
        let (limit, asked, allowed) = match excess {
            Some(Excess { limit, asked, allowed }) => (Some(limit), Some(asked), Some(allowed)),
            None => (None, None, None),
        };
        Problem {
            kind: format!("/problems/{}", slug.name()),
            title: slug.title().to_owned(),
            status: slug.status(),
            detail,
            instance: request_id.to_owned(),
            errors: faults,
            limit,
            asked,
            allowed,
        }
    }

    /// What went wrong, where `type` is one that this version knows.
    pub fn slug(&self) -> Option<Slug> {
        Slug::from_name(self.kind.rsplit('/').next()?)
    }
}

//! The registry: functions that last, under names, and every evaluation of them.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::evaluate::Call;
use super::{AcceptsJson, Evaluated, Json, Shared};
use crate::api::negotiate::deadline;
use crate::api::problem::Rejection;
use crate::service::{Caller, Context, Endpoint, Preconditions, Registered, Request, Shown, Submission, Tags};
use crate::telemetry::traces::Trace;
use crate::wire::answer::{
    CheckAnswer, GradientAnswers, GraphAnswer, HessianAnswers, HvpAnswers, JacobianAnswers, JvpAnswers, TaylorAnswers, ValueAnswers,
    VjpAnswers,
};
use crate::wire::function::{Function, Functions, Registered as Answer};
use crate::wire::problem::Slug;
use crate::wire::request::{
    RegisterRequest, RegisteredCheckRequest, RegisteredDerivativeRequest, RegisteredGradientRequest, RegisteredGraphRequest,
    RegisteredHessianRequest, RegisteredHvpRequest, RegisteredJacobianRequest, RegisteredJvpRequest, RegisteredTaylorRequest,
    RegisteredValueRequest, RegisteredVjpRequest, ReplaceRequest,
};

/// The routes, in the document's order.
pub(super) fn declared() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(register, list))
        .routes(routes!(show, replace, delete))
        .routes(routes!(value))
        .routes(routes!(gradient))
        .routes(routes!(jacobian))
        .routes(routes!(jvp))
        .routes(routes!(vjp))
        .routes(routes!(hessian))
        .routes(routes!(hvp))
        .routes(routes!(taylor))
        .routes(routes!(check))
        .routes(routes!(derivative))
        .routes(routes!(graph))
}

/// The id or name in the path.
struct Named(String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named, Rejection> {
        let path: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        // what is not UTF-8 is the name of nothing
        let name = path.map_err(|_| Rejection::new(Slug::NotFound, "the path is not UTF-8, as every name is"))?;
        Ok(Named(name.0))
    }
}

/// What a request without a body comes with.
struct Asked(Context);

impl FromRequestParts<Shared> for Asked {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Asked, Rejection> {
        let deadline = deadline(&parts.headers, shared.service.limits())?;
        let (caller, trace) = (parts.extensions.remove::<Caller>().unwrap_or_default(), parts.extensions.remove::<Trace>());
        Ok(Asked(Context { caller, trace, ..Context::from(deadline) }))
    }
}

/// The headers that make a request conditional.
struct Conditional(Preconditions);

impl<S: Sync> FromRequestParts<S> for Conditional {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Conditional, Rejection> {
        let if_match = tags(&parts.headers, IF_MATCH, false)?;
        let if_none_match = tags(&parts.headers, IF_NONE_MATCH, true)?;
        Ok(Conditional(Preconditions { if_match, if_none_match }))
    }
}

/// The entity tags of a header. A weak one is never the same to If-Match, and as good as a strong one to If-None-Match.
fn tags(headers: &HeaderMap, name: HeaderName, weak: bool) -> Result<Option<Tags>, Rejection> {
    let mut found = None;
    for value in headers.get_all(&name) {
        let malformed = || Rejection::new(Slug::BadRequest, format!("{name} must be * or a list of entity tags, each in quotation marks"));
        let mut rest = value.to_str().map_err(|_| malformed())?.trim();
        if rest == "*" {
            return Ok(Some(Tags::Any));
        }
        let tags = found.get_or_insert_with(Vec::new);
        while !rest.is_empty() {
            let (is_weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |rest| (true, rest));
            let (tag, behind) = quoted.strip_prefix('"').and_then(|text| text.split_once('"')).ok_or_else(malformed)?;
            if weak || !is_weak {
                tags.push(tag.to_owned());
            }
            let behind = behind.trim_start();
            rest = if behind.is_empty() { behind } else { behind.strip_prefix(',').ok_or_else(malformed)?.trim_start() };
        }
    }
    Ok(found.map(Tags::OneOf))
}

fn tagged(mut response: Response, tag: &str) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn registered(Registered { body, created, reference, tag }: Registered) -> Response {
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = tagged((status, Json(body)).into_response(), &tag);
    if let Ok(location) = HeaderValue::from_str(&format!("/functions/{}", escaped(&reference))) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// A name as a segment of a path.
fn escaped(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// Register a function
///
/// Keeps a function under its id, a digest of what it computes and of the names of its inputs and outputs, and under a name where one
/// is given. A formula's inputs that have no shape are scalars. What is acknowledged is kept. 200 where the caller had registered the
/// function before, under whatever name: then a new name is one more, and what is said of `description` and `public` holds from now on.
#[utoipa::path(post, path = "/functions", tag = "registry", operation_id = "register", request_body = RegisterRequest,
    responses((status = 201, description = "The function is registered.", body = Answer),
        (status = 200, description = "It was already.", body = Answer)))]
async fn register(State(shared): State<Shared>, Call { body, context }: Call) -> Result<Response, Rejection> {
    Ok(registered(shared.service.register(Submission { body, context, replaces: None }).await?))
}

/// What `GET /functions` may be told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Paging {
    limit: Option<String>,
    cursor: Option<String>,
}

/// The registered functions
///
/// Those that the caller registered and those that are public (to a key with `admin` all), in the order of registration, a page at a
/// time. A page begun at `next` is the one behind, whatever was registered or deleted meanwhile.
#[utoipa::path(get, path = "/functions", tag = "registry", operation_id = "functions",
    params(("limit" = Option<u32>, Query, description = "How many at most. Default: 100.", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of functions.", body = Functions)))]
async fn list(
    State(shared): State<Shared>,
    _: AcceptsJson,
    Asked(context): Asked,
    paging: Result<Query<Paging>, QueryRejection>,
) -> Result<Json, Rejection> {
    let Query(Paging { limit, cursor }) = paging.map_err(|error| Rejection::new(Slug::InvalidRequest, error.body_text()))?;
    Ok(Json(shared.service.functions(limit.as_deref(), cursor.as_deref(), context).await?))
}

/// A registered function
///
/// Its graph and what is known of it. The `ETag` changes with every change of it, and where a name comes to mean another function.
#[utoipa::path(get, path = "/functions/{function}", tag = "registry", operation_id = "function",
    responses((status = 200, description = "The function.", body = Function),
        (status = 304, description = "It is as If-None-Match says.")))]
async fn show(
    State(shared): State<Shared>,
    Named(name): Named,
    _: AcceptsJson,
    Asked(context): Asked,
    Conditional(conditions): Conditional,
) -> Result<Response, Rejection> {
    let Shown { body, tag } = shared.service.function(&name, conditions, context).await?;
    let response = body.map_or_else(|| StatusCode::NOT_MODIFIED.into_response(), |body| Json(body).into_response());
    Ok(tagged(response, &tag))
}

/// Make a name mean a function
///
/// With If-Match and the `ETag` of what the name means now, it means the function of the body from now on; what it meant stays
/// registered under its id. Without If-Match a name is only given, never taken: one that means another function is refused with 409.
/// 201 where the name is new.
#[utoipa::path(put, path = "/functions/{function}", tag = "registry", operation_id = "replace", request_body = ReplaceRequest,
    responses((status = 200, description = "The name means the function.", body = Answer),
        (status = 201, description = "The name is new.", body = Answer)))]
async fn replace(
    State(shared): State<Shared>,
    Named(name): Named,
    Conditional(conditions): Conditional,
    Call { body, context }: Call,
) -> Result<Response, Rejection> {
    Ok(registered(shared.service.register(Submission { body, context, replaces: Some((name, conditions)) }).await?))
}

/// Delete a function
///
/// By its id the function with all its names. By one of several names that name; by its only name the function.
#[utoipa::path(delete, path = "/functions/{function}", tag = "registry", operation_id = "delete",
    responses((status = 204, description = "It is deleted.")))]
async fn delete(
    State(shared): State<Shared>,
    Named(name): Named,
    Asked(context): Asked,
    Conditional(conditions): Conditional,
) -> Result<StatusCode, Rejection> {
    shared.service.delete(&name, conditions, context).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The evaluation endpoints of registered functions.
macro_rules! evaluations {
    ($($about:literal $name:ident $path:literal $id:literal $endpoint:ident $request:ident $answer:ident;)*) => {$(
        #[doc = $about]
        #[utoipa::path(post, path = $path, tag = "registry", operation_id = $id, request_body = $request,
            responses((status = 200, description = "As of the endpoint without a function in its path.", body = $answer)))]
        async fn $name(State(shared): State<Shared>, Named(name): Named, call: Call) -> Result<Evaluated, Rejection> {
            evaluate(&shared, Endpoint::$endpoint, name, call).await
        }
    )*};
}

async fn evaluate(shared: &Shared, endpoint: Endpoint, name: String, Call { body, context }: Call) -> Result<Evaluated, Rejection> {
    Ok(Evaluated(shared.service.call(Request { endpoint, body, function: Some(name), context }).await?))
}

evaluations! {
    "Evaluate a registered function" value "/functions/{function}/value" "function_value" Value RegisteredValueRequest ValueAnswers;
    "The gradient of a registered function" gradient "/functions/{function}/gradient" "function_gradient" Gradient
        RegisteredGradientRequest GradientAnswers;
    "The Jacobian of a registered function" jacobian "/functions/{function}/jacobian" "function_jacobian" Jacobian
        RegisteredJacobianRequest JacobianAnswers;
    "A Jacobian–vector product of a registered function" jvp "/functions/{function}/jvp" "function_jvp" Jvp RegisteredJvpRequest JvpAnswers;
    "A vector–Jacobian product of a registered function" vjp "/functions/{function}/vjp" "function_vjp" Vjp RegisteredVjpRequest VjpAnswers;
    "The Hessian of a registered function" hessian "/functions/{function}/hessian" "function_hessian" Hessian
        RegisteredHessianRequest HessianAnswers;
    "A Hessian–vector product of a registered function" hvp "/functions/{function}/hvp" "function_hvp" Hvp RegisteredHvpRequest HvpAnswers;
    "A Taylor series of a registered function" taylor "/functions/{function}/taylor" "function_taylor" Taylor
        RegisteredTaylorRequest TaylorAnswers;
    "Local linearity of a registered function, measured" check "/functions/{function}/check" "function_check" Check
        RegisteredCheckRequest CheckAnswer;
    "A derivative of a registered function, as a function" derivative "/functions/{function}/derivative" "function_derivative" Derivative
        RegisteredDerivativeRequest GraphAnswer;
    "A registered function in every notation" graph "/functions/{function}/graph" "function_graph" Graph RegisteredGraphRequest GraphAnswer;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags() {
        let one_of = |tags: &[&str]| Some(Some(Tags::OneOf(tags.iter().map(|&tag| tag.to_owned()).collect())));
        for (value, strong, weak) in [
            ("*", Some(Some(Tags::Any)), Some(Some(Tags::Any))),
            (r#""1-2""#, one_of(&["1-2"]), one_of(&["1-2"])),
            (r#""a" ,"b","#, one_of(&["a", "b"]), one_of(&["a", "b"])),
            (r#"W/"a", "b""#, one_of(&["b"]), one_of(&["a", "b"])),
            (r#""with, comma""#, one_of(&["with, comma"]), one_of(&["with, comma"])),
            ("", one_of(&[]), one_of(&[])),
            ("1-2", None, None),
            (r#""a" "b""#, None, None),
            (r#""a"#, None, None),
            (r#"*, "a""#, None, None),
        ] {
            let headers = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_str(value).unwrap())]);
            assert_eq!(tags(&headers, IF_MATCH, false).ok(), strong, "{value}");
            assert_eq!(tags(&headers, IF_MATCH, true).ok(), weak, "{value}");
        }
        assert_eq!(tags(&HeaderMap::new(), IF_MATCH, false).ok(), Some(None));
    }

    #[test]
    fn names_in_paths() {
        for (name, path) in [("price", "price"), ("a.b-c_1", "a.b-c_1"), ("θ", "%CE%B8")] {
            assert_eq!(escaped(name), path);
        }
    }
}

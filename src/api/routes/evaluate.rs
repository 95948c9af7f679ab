//! The evaluation endpoints: a body in, one service call, its bytes out.

use axum::extract::{FromRequest, Request, State};
use bytes::Bytes;

use super::{Evaluated, Shared};
use crate::api::body;
use crate::api::negotiate::{accepts_json, deadline, reads_json};
use crate::api::problem::Rejection;
use crate::service::{Caller, Context, Endpoint};
use crate::telemetry::traces::Trace;
use crate::wire::answer::{
    ChainAnswers, CheckAnswer, GradientAnswers, GraphAnswer, HessianAnswers, HvpAnswers, JacobianAnswers, JvpAnswers, TaylorAnswers,
    ValueAnswers, VjpAnswers,
};
use crate::wire::request::{
    ChainRequest, CheckRequest, DerivativeRequest, GradientRequest, GraphRequest, HessianRequest, HvpRequest, JacobianRequest, JvpRequest,
    TaylorRequest, ValueRequest, VjpRequest,
};

/// A request's JSON body, and what it comes with: the time it may compute, and who asks.
pub(super) struct Call {
    pub(super) body: Bytes,
    pub(super) context: Context,
}

impl FromRequest<Shared> for Call {
    type Rejection = Rejection;

    async fn from_request(mut request: Request, shared: &Shared) -> Result<Call, Rejection> {
        let caller = request.extensions_mut().remove::<Caller>().unwrap_or_default();
        let trace = request.extensions_mut().remove::<Trace>();
        let headers = request.headers();
        let checked = accepts_json(headers).and_then(|()| reads_json(headers)).and_then(|()| deadline(headers, shared.service.limits()));
        match checked {
            Ok(deadline) => {
                let mut context = Context { caller, trace, ..Context::from(deadline) };
                let body = body::read(request, &shared.settings, &shared.service, &mut context).await?;
                Ok(Call { body, context })
            }
            Err(failure) => {
                body::drain(request).await;
                Err(failure.into())
            }
        }
    }
}

async fn answer(shared: &Shared, endpoint: Endpoint, Call { body, context }: Call) -> Result<Evaluated, Rejection> {
    Ok(Evaluated(shared.service.answer(endpoint, body, context).await?))
}

/// Evaluate a function
///
/// y = f(x), at one point or at many.
#[utoipa::path(post, path = "/value", tag = "evaluation", operation_id = "value", request_body = ValueRequest,
    responses((status = 200, description = "The value.", body = ValueAnswers)))]
pub(super) async fn value(State(shared): State<Shared>, call: Call) -> Result<Evaluated, Rejection> {
    answer(&shared, Endpoint::Value, call).await
}

/// The gradient of a scalar function
///
/// The row vector ∂y/∂x, with the value. The function must have one scalar output.
#[utoipa::path(post, path = "/gradient", tag = "evaluation", operation_id = "gradient", request_body = GradientRequest,
    responses((status = 200, description = "The value and the gradient.", body = GradientAnswers)))]
pub(super) async fn gradient(State(shared): State<Shared>, call: Call) -> Result<Evaluated, Rejection> {
    answer(&shared, Endpoint::Gradient, call).await
}

/// The Jacobian of a function
///
/// The matrix J, J_ij = ∂y_i/∂x_j, in blocks by output and input or as one matrix, with the value.
#[utoipa::path(post, path = "/jacobian", tag = "evaluation", operation_id = "jacobian", request_body = JacobianRequest,
    responses((status = 200, description = "The value and the Jacobian.", body = JacobianAnswers)))]
pub(super) async fn jacobian(State(shared): State<Shared>, call: Call) -> Result<Evaluated, Rejection> {
    answer(&shared, Endpoint::Jacobian, call).await
}

/// A Jacobian–vector product (forward mode)
///
/// dy = J dx for the request's `tangent`, with the value; J itself is never formed.
#[utoipa::path(post, path = "/jvp", tag = "evaluation", operation_id = "jvp", request_body = JvpRequest,
    responses((status = 200, description = "The value and the tangent of the outputs.", body = JvpAnswers)))]
pub(super) async fn jvp(State(shared): State<Shared>, call: Call) -> Result<Evaluated, Rejection> {
    answer(&shared, Endpoint::Jvp, call).await
}

/// A vector–Jacobian product (reverse mode)
///
/// ȳ J for the request's `cotangent`, with the value; J itself is never formed.
#[utoipa::path(post, path = "/vjp", tag = "evaluation", operation_id = "vjp", request_body = VjpRequest,
    responses((status = 200, description = "The value and the cotangent of the inputs.", body = VjpAnswers)))]
pub(super) async fn vjp(State(shared): State<Shared>, call: Call) -> Result<Evaluated, Rejection> {
    answer(&shared, Endpoint::Vjp, call).await
}

/// The Hessian of a scalar function
///
/// The symmetric matrix of second derivatives, in blocks by two inputs or as one matrix, with the value and the gradient. The function
/// must have one scalar output.
#[utoipa::path(post, path = "/hessian", tag = "evaluation", operation_id = "hessian", request_body = HessianRequest,
    responses((status = 200, description = "The value, the gradient and the Hessian.", body = HessianAnswers)))]
pub(super) async fn hessian(State(shared): State<Shared>, call: Call) -> Result<Evaluated, Rejection> {
    answer(&shared, Endpoint::Hessian, call).await
}

/// A Hessian–vector product
///
/// H v for the request's `vector`, with the value and the gradient; H itself is never formed. The function must have one scalar output.
#[utoipa::path(post, path = "/hvp", tag = "evaluation", operation_id = "hvp", request_body = HvpRequest,
    responses((status = 200, description = "The value, the gradient and the product.", body = HvpAnswers)))]
pub(super) async fn hvp(State(shared): State<Shared>, call: Call) -> Result<Evaluated, Rejection> {
    answer(&shared, Endpoint::Hvp, call).await
}

/// A Taylor series along a direction
///
/// The coefficients of y(x + t·dx) by powers of t to `order`, for the request's `direction` dx.
#[utoipa::path(post, path = "/taylor", tag = "evaluation", operation_id = "taylor", request_body = TaylorRequest,
    responses((status = 200, description = "The value and the coefficients of the outputs.", body = TaylorAnswers)))]
pub(super) async fn taylor(State(shared): State<Shared>, call: Call) -> Result<Evaluated, Rejection> {
    answer(&shared, Endpoint::Taylor, call).await
}

/// A composition and its chain rule
///
/// z = g(f(x)), with the Jacobian matrix of each stage at its own input and that of the whole, ∂z/∂x = ∂z/∂y · ∂y/∂x: a product of
/// matrices in that order and no other.
#[utoipa::path(post, path = "/chain", tag = "evaluation", operation_id = "chain", request_body = ChainRequest,
    responses((status = 200, description = "The value, the stages and the Jacobian of the composition.", body = ChainAnswers)))]
pub(super) async fn chain(State(shared): State<Shared>, call: Call) -> Result<Evaluated, Rejection> {
    answer(&shared, Endpoint::Chain, call).await
}

/// Local linearity, measured
///
/// How fast the remainder of f(x + h·d) = f(x) + J·h·d + o(h) vanishes with h, what that says of f at x, and forward and reverse mode
/// held against each other.
#[utoipa::path(post, path = "/check", tag = "evaluation", operation_id = "check", request_body = CheckRequest,
    responses((status = 200, description = "The measurements and what they say.", body = CheckAnswer)))]
pub(super) async fn check(State(shared): State<Shared>, call: Call) -> Result<Evaluated, Rejection> {
    answer(&shared, Endpoint::Check, call).await
}

/// A derivative as a function
///
/// The gradient, Jacobian, Hessian or a product with it as a function of the same inputs, which can be sent to any endpoint, this one
/// included. Nothing is evaluated. A Jacobian or Hessian takes a sweep an element; over a tensor of more than 8 elements the sweeps are a
/// `map` over unit vectors, which no formula can say.
#[utoipa::path(post, path = "/derivative", tag = "functions", operation_id = "derivative", request_body = DerivativeRequest,
    responses((status = 200, description = "The derivative as a function.", body = GraphAnswer)))]
pub(super) async fn derivative(State(shared): State<Shared>, call: Call) -> Result<Evaluated, Rejection> {
    answer(&shared, Endpoint::Derivative, call).await
}

/// Check and convert a function
///
/// The function as a graph and as text, with the shapes of its inputs and outputs and what it costs. Nothing is evaluated.
#[utoipa::path(post, path = "/graph", tag = "functions", operation_id = "graph", request_body = GraphRequest,
    responses((status = 200, description = "The function, checked.", body = GraphAnswer)))]
pub(super) async fn graph(State(shared): State<Shared>, call: Call) -> Result<Evaluated, Rejection> {
    answer(&shared, Endpoint::Graph, call).await
}

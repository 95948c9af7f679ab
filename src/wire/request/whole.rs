//! The requests about functions as wholes: compositions, local linearity, derivatives as functions.

use indexmap::IndexMap;
use serde::Serialize;

use super::{Function, Layout, Mode, Point, Points};
use crate::wire::graph::{Graph, Input, Tensor};

/// The only form of a composition's Jacobians.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MatrixForm {
    /// One array over the flattened outputs and the flattened inputs, so that the matrices of stages can be multiplied.
    #[default]
    Matrix,
}

/// Which derivative is wanted as a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DerivativeOf {
    /// Outputs `d<output>_d<input>`, of the input's shape; the function must have one scalar output.
    Gradient,
    /// Outputs `d<output>_d<input>`, of the output's shape followed by the input's.
    Jacobian,
    /// Outputs `d2<output>_d<input>_d<input>`, of the first input's shape followed by the second's; one scalar output.
    Hessian,
    /// Outputs `<output>_dot`, for one more input `<input>_dot` an input.
    Jvp,
    /// Outputs `<input>_bar`, for one more input `<output>_bar` an output.
    Vjp,
}

request! {
    /// A stage of a composition: a function. A formula's one input that has no shape takes all that the stage before gives, a scalar
    /// where that is one, else a vector.
    Stage {}
}

impl<F: Into<Function>> From<F> for Stage {
    fn from(function: F) -> Stage {
        Stage::new(function)
    }
}

/// The body of `POST /chain`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ChainRequest {
    /// The functions f, g, …, applied from the left to the right: z = g(f(x)). The flattened outputs of a stage are the flattened inputs
    /// of the next.
    #[cfg_attr(feature = "server", schema(min_items = 1))]
    pub stages: Vec<Stage>,
    /// One point of the first stage's inputs; beside `points`, the inputs that all points share.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub at: Option<IndexMap<String, Tensor>>,
    /// Many points of the first stage's inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub points: Option<Points>,
    /// The inputs of the first stage to differentiate it and the whole by. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub wrt: Option<Vec<String>>,
    /// Numerator or denominator layout. Default: `numerator`. In denominator layout each matrix is the transpose, and they multiply in
    /// the order of the stages: ∂z/∂x = ∂y/∂x · ∂z/∂y.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub layout: Option<Layout>,
    /// Jacobians of a composition are matrices.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub form: Option<MatrixForm>,
    /// Whether to answer, for each point, which nodes of the stages stand on a kink or a pole, which leave their domain, and which is
    /// the first that is not finite. Values and derivatives have the same bits with and without. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub diagnostics: Option<bool>,
    /// How to accumulate. Default: `auto`, for each matrix by its own sizes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub mode: Option<Mode>,
}

impl ChainRequest {
    /// A request about the composition of these functions, the first applied first, that says nothing else yet.
    pub fn new(stages: impl IntoIterator<Item = impl Into<Stage>>) -> ChainRequest {
        ChainRequest { stages: stages.into_iter().map(Into::into).collect(), ..ChainRequest::default() }
    }

    /// In that layout.
    #[must_use]
    pub fn layout(mut self, layout: Layout) -> ChainRequest {
        self.layout = Some(layout);
        self
    }
}

request! {
    /// The body of `POST /check`.
    CheckRequest, RegisteredCheckRequest {
        /// The point.
        at: IndexMap<String, Tensor>,
        /// The direction d, `input → tensor`; an absent input does not move. Default: a fixed pseudo-random one along all inputs, its
        /// elements of either sign and of sizes from ½ to 1, the first of all 1. The answer says which.
        direction: IndexMap<String, Tensor>,
        /// The step sizes h. Default: ten powers of ten, from about a tenth of the size of the point (of what moves, measured by the
        /// direction; from 0.1 where that is 0) down.
        step_sizes: Vec<f64>,
    }
}

impl CheckRequest {
    /// With the value of an input.
    #[must_use]
    pub fn at(mut self, input: impl Into<String>, value: impl Into<Tensor>) -> CheckRequest {
        self.at.get_or_insert_default().insert(input.into(), value.into());
        self
    }

    /// With the direction's part along one input.
    #[must_use]
    pub fn direction(mut self, input: impl Into<String>, value: impl Into<Tensor>) -> CheckRequest {
        self.direction.get_or_insert_default().insert(input.into(), value.into());
        self
    }

    /// With these step sizes.
    #[must_use]
    pub fn step_sizes(mut self, sizes: impl IntoIterator<Item = f64>) -> CheckRequest {
        self.step_sizes = Some(sizes.into_iter().collect());
        self
    }
}

request! {
    /// The body of `POST /derivative`.
    DerivativeRequest, RegisteredDerivativeRequest {
        /// The inputs to differentiate by. Default: all.
        wrt: Vec<String>,
        /// Whether the function's own outputs come first. Default: false.
        value: bool,
        ;
        /// Which derivative.
        of: DerivativeOf,
    }
}

impl DerivativeRequest {
    /// Of that derivative.
    #[must_use]
    pub fn of(mut self, of: DerivativeOf) -> DerivativeRequest {
        self.of = Some(of);
        self
    }

    /// With the function's own outputs before those of the derivative.
    #[must_use]
    pub fn value(mut self) -> DerivativeRequest {
        self.value = Some(true);
        self
    }
}

evaluates!(ChainRequest);
chooses_inputs!(ChainRequest, DerivativeRequest);

//! The answers of the evaluation endpoints, as a caller reads them.
//!
//! The client reads into these types and the OpenAPI document describes them; the server's encoder writes the same text straight
//! from its buffers.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::graph::{Graph, Tensor};
use super::number::Number;

/// An answer at one point (or at many as columns), or the answers at many points as rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Answers<T> {
    /// At the point of `at`, or, with points as columns, at all of them along a leading axis.
    One(T),
    /// One entry a point, in the order of the request.
    Rows(Vec<T>),
}

impl<T> Answers<T> {
    /// The answer at the one point; `None` where there are rows.
    pub fn one(self) -> Option<T> {
        match self {
            Answers::One(answer) => Some(answer),
            Answers::Rows(_) => None,
        }
    }

    /// The answers, one a row; `None` where the points were no rows.
    pub fn rows(self) -> Option<Vec<T>> {
        match self {
            Answers::One(_) => None,
            Answers::Rows(rows) => Some(rows),
        }
    }
}

/// The answer's own types, with the rows of each, for those who read them by type.
macro_rules! answer {
    ($(#[$about:meta])* $name:ident, $(#[$rows_about:meta])* $rows:ident, $(#[$either_about:meta])* $either:ident {
        $($(#[$doc:meta])* $field:ident: $type:ty,)*
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The function's value, `output → tensor`.
            pub value: IndexMap<String, Tensor>,
            $($(#[$doc])* pub $field: $type,)*
            /// Where `diagnostics` was asked for: what was met at the point; with points as columns, a list, one entry a point.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "server", schema(nullable = false))]
            pub diagnostics: Option<Diagnostics>,
        }

        $(#[$rows_about])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $rows {
            /// One entry a point, in the order of the request.
            pub results: Vec<$name>,
        }

        $(#[$either_about])*
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
        #[serde(untagged)]
        // described, never made
        #[allow(clippy::large_enum_variant)]
        pub enum $either {
            /// At one point, or at many as columns.
            One($name),
            /// At many points as rows.
            Rows($rows),
        }

        impl Rows for $name {
            type Results = $rows;

            fn results(rows: $rows) -> Vec<$name> {
                rows.results
            }
        }
    };
}

/// What was met at one point, or at each of many as columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Diagnostics {
    /// At the one point there is.
    One(Diagnosis),
    /// One entry a point.
    Columns(Vec<Diagnosis>),
}

/// What was met at a point: where a convention decided and not a limit.
///
/// Nodes are told by name. One without a name is told by the way to it from the next that has one, `t/args/0`, where the value of a
/// named output counts as a node of that name; in a formula, by its operator and the line and column where that stands, `abs@1:5`;
/// within a called function, by the call and, after a dot, its name there, `c.y`. Equal nodes are one, and have the first name.
/// Lists are in order of evaluation. Nodes that no output needs are not looked at, nor is the inside of loops: a loop is one node.
/// In a composition a node is told with its stage, `stages/1/abs@1:5`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Diagnosis {
    /// Nodes whose derivative is a choice here (ties, bounds, the corner of abs), or that jump here and have the derivative 0 or that
    /// beside the jump. Only nodes through which a derivative that was asked for passes; for a value, any derivative.
    pub kinks: Vec<String>,
    /// Nodes whose value or derivative is infinite here. Only nodes through which a derivative that was asked for passes.
    pub poles: Vec<String>,
    /// Nodes that are NaN while none of their arguments is, or that have no derivative here although they have a value; and loops
    /// that ended by `max_steps` while their condition still held.
    pub domain_errors: Vec<String>,
    /// The first input or node, in order of evaluation, that is NaN or infinite; null where all are finite.
    #[cfg_attr(feature = "server", schema(required = true))]
    pub first_nan: Option<String>,
}

/// An answer that also comes as rows.
pub trait Rows: Sized {
    /// The object around the rows.
    type Results: for<'de> Deserialize<'de>;

    /// What that object holds.
    fn results(rows: Self::Results) -> Vec<Self>;
}

answer! {
    /// The answer of `POST /value`: y = f(x).
    ValueAnswer,
    /// Values at many points as rows.
    ValueRows,
    /// What `POST /value` answers.
    ValueAnswers {}
}

answer! {
    /// The answer of `POST /gradient`.
    GradientAnswer,
    /// Gradients at many points as rows.
    GradientRows,
    /// What `POST /gradient` answers.
    GradientAnswers {
        /// ∂y/∂x, `input → tensor` of the input's shape.
        gradient: IndexMap<String, Tensor>,
    }
}

answer! {
    /// The answer of `POST /jvp`.
    JvpAnswer,
    /// Jacobian–vector products at many points as rows.
    JvpRows,
    /// What `POST /jvp` answers.
    JvpAnswers {
        /// dy = J dx, `output → tensor` of the output's shape.
        tangent: IndexMap<String, Tensor>,
    }
}

answer! {
    /// The answer of `POST /vjp`.
    VjpAnswer,
    /// Vector–Jacobian products at many points as rows.
    VjpRows,
    /// What `POST /vjp` answers.
    VjpAnswers {
        /// ȳ J, `input → tensor` of the input's shape.
        cotangent: IndexMap<String, Tensor>,
    }
}

answer! {
    /// The answer of `POST /hvp`.
    HvpAnswer,
    /// Products with the Hessian at many points as rows.
    HvpRows,
    /// What `POST /hvp` answers.
    HvpAnswers {
        /// ∂y/∂x, `input → tensor` of the input's shape.
        gradient: IndexMap<String, Tensor>,
        /// H v, `input → tensor` of the input's shape.
        product: IndexMap<String, Tensor>,
    }
}

answer! {
    /// The answer of `POST /taylor`.
    TaylorAnswer,
    /// Taylor series at many points as rows.
    TaylorRows,
    /// What `POST /taylor` answers.
    TaylorAnswers {
        /// `output → [c0, c1, … ck]`: each a tensor of the output's shape (with points as columns, with their axis in front), so that
        /// y(x + t·dx) = c0 + c1·t + c2·t² + …. c0 is the value, c1 is J dx; 2·c2 is dxᵀ H dx.
        coefficients: IndexMap<String, Vec<Tensor>>,
    }
}

answer! {
    /// The answer of `POST /hessian` in the form `blocks`.
    HessianAnswer,
    /// Hessians in blocks at many points as rows.
    HessianRows,
    /// What `POST /hessian` answers in the form `blocks`.
    HessianBlocksAnswers {
        /// ∂y/∂x, `input → tensor` of the input's shape.
        gradient: IndexMap<String, Tensor>,
        /// `{input: {input: tensor}}`; a block's shape is the first input's shape followed by the second's.
        hessian: IndexMap<String, IndexMap<String, Tensor>>,
    }
}

answer! {
    /// The answer of `POST /hessian` in the form `matrix`.
    HessianMatrixAnswer,
    /// Hessian matrices at many points as rows.
    HessianMatrixRows,
    /// What `POST /hessian` answers in the form `matrix`.
    HessianMatrixAnswers {
        /// ∂y/∂x, `input → tensor` of the input's shape.
        gradient: IndexMap<String, Tensor>,
        /// The N×N matrix over the flattened inputs, symmetric to the bit.
        hessian: Tensor,
        /// Where each input begins among the matrix's rows.
        rows: Vec<Segment>,
        /// Where each input begins among the matrix's columns.
        columns: Vec<Segment>,
    }
}

/// A Hessian in either form.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum HessianResult {
    /// Blocks.
    Blocks(HessianAnswer),
    /// A matrix.
    Matrix(HessianMatrixAnswer),
}

/// Hessians at many points as rows, all in the form asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HessianResults {
    /// One entry a point, in the order of the request.
    pub results: Vec<HessianResult>,
}

/// What `POST /hessian` answers, in either form. The rows have one type for both: of no points at all both would be right.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum HessianAnswers {
    /// Blocks.
    Blocks(HessianAnswer),
    /// A matrix.
    Matrix(HessianMatrixAnswer),
    /// Either at many points as rows.
    Rows(HessianResults),
}

answer! {
    /// The answer of `POST /jacobian` in the form `blocks`.
    JacobianAnswer,
    /// Jacobians in blocks at many points as rows.
    JacobianRows,
    /// What `POST /jacobian` answers in the form `blocks`.
    JacobianBlocksAnswers {
        /// `{output: {input: tensor}}`; a block's shape is the output's shape followed by the input's. In denominator layout
        /// `{input: {output: tensor}}`, the input's shape first.
        jacobian: IndexMap<String, IndexMap<String, Tensor>>,
    }
}

answer! {
    /// The answer of `POST /jacobian` in the form `matrix`.
    MatrixAnswer,
    /// Jacobian matrices at many points as rows.
    MatrixRows,
    /// What `POST /jacobian` answers in the form `matrix`.
    JacobianMatrixAnswers {
        /// The P×N matrix over the flattened outputs and inputs; N×P in denominator layout.
        jacobian: Tensor,
        /// Where each output begins among the matrix's rows (each input, in denominator layout).
        rows: Vec<Segment>,
        /// Where each input begins among the matrix's columns (each output, in denominator layout).
        columns: Vec<Segment>,
    }
}

/// What a stage of a composition answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StageAnswer {
    /// The stage's value, `output → tensor`.
    pub value: IndexMap<String, Tensor>,
    /// Its own Jacobian matrix at its own input; the transpose in denominator layout.
    pub jacobian: Tensor,
    /// Where each of its outputs begins among the matrix's rows (each input, in denominator layout).
    pub rows: Vec<Segment>,
    /// Where each of its inputs begins among the matrix's columns (each output, in denominator layout).
    pub columns: Vec<Segment>,
}

answer! {
    /// The answer of `POST /chain`: the last stage's value, and the derivative of the composition.
    ChainAnswer,
    /// Compositions at many points as rows.
    ChainRows,
    /// What `POST /chain` answers.
    ChainAnswers {
        /// The stages in order.
        stages: Vec<StageAnswer>,
        /// The matrix ∂z/∂x of the composition: the product of the stages' matrices, the last stage's on the left (on the right in
        /// denominator layout).
        jacobian: Tensor,
        /// Where each output of the last stage begins among the matrix's rows (each input of the first, in denominator layout).
        rows: Vec<Segment>,
        /// Where each input of the first stage begins among the matrix's columns (each output of the last, in denominator layout).
        columns: Vec<Segment>,
    }
}

/// The answer of `POST /check`: how well f(x + h·d) is approximated by f(x) + J·h·d.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckAnswer {
    /// f(x), `output → tensor`.
    pub value: IndexMap<String, Tensor>,
    /// The direction d, `input → tensor`.
    pub direction: IndexMap<String, Tensor>,
    /// What was measured at each step size, in the order of the request.
    pub steps: Vec<CheckStep>,
    /// What it says.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub reason: String,
    /// Forward and reverse mode against each other.
    pub inner_product: InnerProduct,
}

/// One step from the point. Lengths are Euclidean, over all outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckStep {
    /// The step size.
    pub h: f64,
    /// ‖f(x + h·d) − f(x)‖
    pub difference: Number,
    /// ‖f(x + h·d) − f(x) − J·h·d‖, h·d being the step that is really made: x + h·d rounded, less x.
    pub remainder: Number,
    /// remainder / h, which tends to 0 with h where f is differentiable.
    pub ratio: Number,
    /// The order p of remainder ~ hᵖ as observed between the step before and this one; null for the first, and where the remainder of
    /// either is rounding or not finite.
    #[cfg_attr(feature = "server", schema(required = true))]
    pub order: Option<f64>,
}

/// What the steps say of a function at a point, along a direction. The worst element of the outputs decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The remainder vanishes faster than h (2 is usual for its order), or is rounding, as for a linear function.
    Differentiable,
    /// The remainder is of order 1: the slope along the direction is not what the derivative says.
    Kink,
    /// The remainder vanishes more slowly than h, or not at all, or the derivative is infinite.
    Singular,
    /// The value or the derivative at the point is NaN, or the value is infinite, or f is not finite next to the point.
    NotFinite,
}

/// ⟨ȳ, J·d⟩ = ⟨Jᵀȳ, d⟩, for fixed pseudo-random weights ȳ, the first of them 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InnerProduct {
    /// ⟨ȳ, J·d⟩, with J·d by forward mode.
    pub forward: Number,
    /// ⟨Jᵀȳ, d⟩, with Jᵀȳ by reverse mode.
    pub reverse: Number,
    /// Their distance, by the larger of the two; 0 where they are equal.
    pub relative_difference: Number,
}

/// A Jacobian in either form.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum JacobianResult {
    /// Blocks.
    Blocks(JacobianAnswer),
    /// A matrix.
    Matrix(MatrixAnswer),
}

/// Jacobians at many points as rows, all in the form asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct JacobianResults {
    /// One entry a point, in the order of the request.
    pub results: Vec<JacobianResult>,
}

/// What `POST /jacobian` answers, in either form. The rows have one type for both: of no points at all both would be right.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum JacobianAnswers {
    /// Blocks.
    Blocks(JacobianAnswer),
    /// A matrix.
    Matrix(MatrixAnswer),
    /// Either at many points as rows.
    Rows(JacobianResults),
}

/// Where a tensor begins among a matrix's rows or columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The output's or input's name.
    pub name: String,
    /// The index of its first element.
    pub offset: usize,
    /// How many elements it has.
    pub size: usize,
}

/// The answer of `POST /graph`: the function checked, in every notation; and of `POST /derivative`, whose function is the derivative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct GraphAnswer {
    /// The function as a graph.
    pub graph: Graph,
    /// The function as infix text; null where infix text cannot say it.
    #[cfg_attr(feature = "server", schema(required = true))]
    pub formula: Option<String>,
    /// The function as LaTeX.
    pub latex: String,
    /// The inputs with their shapes, in order.
    pub inputs: Vec<Signature>,
    /// The outputs with their shapes, in order.
    pub outputs: Vec<Signature>,
    /// What evaluating it once costs.
    pub cost: Cost,
}

/// The name and shape of an input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Signature {
    /// Its name.
    pub name: String,
    /// Its sizes, row-major.
    pub shape: Vec<usize>,
}

/// What evaluating a function at one point costs, known before it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Cost {
    /// Nodes of the graph.
    pub nodes: usize,
    /// Estimated floating-point operations.
    pub flops: f64,
    /// Estimated bytes of working memory.
    pub bytes: f64,
}

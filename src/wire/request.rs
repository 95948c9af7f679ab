//! The bodies of the evaluation endpoints, as a caller writes them.
//!
//! The client sends these types and the OpenAPI document describes them. The server does not read into them: its decoder keeps the
//! place of every fault and puts numbers straight where they are used.

use indexmap::IndexMap;
use serde::Serialize;

use super::graph::{Graph, Input, Tensor};

/// A point: a tensor for each input.
pub type Point = IndexMap<String, Tensor>;

/// Many points at once.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Points {
    /// As rows: one object a point, `input name → tensor`. The answer holds `results`, one entry a point, in the same order.
    Rows(Vec<IndexMap<String, Tensor>>),
    /// As columns: `input name → tensor` with one more leading axis of length n. The answer's tensors have that axis in front.
    Columns(IndexMap<String, Tensor>),
}

/// The tangent of a JVP, the cotangent of a VJP, the vector that a Hessian is multiplied by, the direction of a Taylor series.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Direction {
    /// `name → tensor`: of the input's or output's shape and the same at all points, or, with points as columns, with their leading
    /// axis in front. An absent name is 0.
    Shared(IndexMap<String, Tensor>),
    /// With points as rows: one object a point.
    Rows(Vec<IndexMap<String, Tensor>>),
}

impl Direction {
    /// With the part along one input or output; rows are given up for it.
    fn with(direction: Option<Direction>, name: String, value: Tensor) -> Direction {
        let mut parts = match direction {
            Some(Direction::Shared(parts)) => parts,
            Some(Direction::Rows(_)) | None => IndexMap::new(),
        };
        parts.insert(name, value);
        Direction::Shared(parts)
    }
}

/// How a Jacobian is laid out. Gradients and Hessians are the same in both layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// J_ij = ∂y_i/∂x_j, so that dy = J dx on column vectors.
    #[default]
    Numerator,
    /// The transpose, J_ij = ∂y_j/∂x_i.
    Denominator,
}

/// The form of a Jacobian or Hessian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// `{output: {input: tensor}}`; a block's shape is the output's shape followed by the input's. Of a Hessian
    /// `{input: {input: tensor}}`.
    #[default]
    Blocks,
    /// One P×N array over the flattened outputs and the flattened inputs. Of a Hessian N×N.
    Matrix,
}

/// How derivatives are accumulated. The results agree to rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The server picks, by the function, `wrt` and `form` alone.
    #[default]
    Auto,
    /// One pass a direction of the inputs.
    Forward,
    /// One pass a direction of the outputs.
    Reverse,
}

/// A function that came in no field yet: what the requests are made from.
#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    /// An expression graph.
    Graph(Graph),
    /// Infix text.
    Formula(String),
    /// The id or name of a registered function.
    Registered(String),
}

impl Function {
    /// The registered function of that id or name.
    pub fn registered(reference: impl Into<String>) -> Function {
        Function::Registered(reference.into())
    }
}

impl From<Graph> for Function {
    fn from(graph: Graph) -> Function {
        Function::Graph(graph)
    }
}

impl From<&str> for Function {
    fn from(text: &str) -> Function {
        Function::Formula(text.to_owned())
    }
}

impl From<String> for Function {
    fn from(text: String) -> Function {
        Function::Formula(text)
    }
}

/// A request type: the fields by which every request names its function, then its own, then those of them that must be given. With a
/// second name, the type of requests whose path names the function, too.
macro_rules! request {
    ($(#[$about:meta])* $name:ident, $registered:ident { $($fields:tt)* }) => {
        request! { $(#[$about])* $name { $($fields)* } }
        beside! { $registered { $($fields)* } }
    };
    ($(#[$about:meta])* $name:ident {
        $($(#[$doc:meta])* $field:ident: $type:ty,)*
        $(; $($(#[$must_doc:meta])* $must:ident: $must_type:ty,)*)?
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize)]
        #[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The function as an expression graph. Exactly one of `graph`, `formula` and `function` is given.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "server", schema(nullable = false))]
            pub graph: Option<Graph>,
            /// The function as infix text: definitions separated by `;` or new lines, `^` for powers, any operator of `GET /ops` by
            /// name. Exactly one of `graph`, `formula` and `function` is given.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "server", schema(nullable = false))]
            pub formula: Option<String>,
            /// The id or name of a registered function. Exactly one of `graph`, `formula` and `function` is given.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "server", schema(nullable = false))]
            pub function: Option<String>,
            /// With `formula`: its inputs in order, with their shapes where they are not to be taken from the point. Default: its
            /// free names in the order of first appearance.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "server", schema(nullable = false))]
            pub inputs: Option<Vec<Input>>,
            /// With `formula`: the names of its outputs in order. Default: the last statement; a bare expression is called `f`.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[cfg_attr(feature = "server", schema(nullable = false, min_items = 1))]
            pub outputs: Option<Vec<String>>,
            $(
                $(#[$doc])*
                #[serde(skip_serializing_if = "Option::is_none")]
                #[cfg_attr(feature = "server", schema(nullable = false))]
                pub $field: Option<$type>,
            )*
            $($(
                $(#[$must_doc])*
                #[serde(skip_serializing_if = "Option::is_none")]
                #[cfg_attr(feature = "server", schema(nullable = false, required = true))]
                pub $must: Option<$must_type>,
            )*)?
        }

        impl $name {
            /// A request about `function` that says nothing else yet.
            pub fn new(function: impl Into<Function>) -> $name {
                let mut request = $name::default();
                match function.into() {
                    Function::Graph(graph) => request.graph = Some(graph),
                    Function::Formula(text) => request.formula = Some(text),
                    Function::Registered(reference) => request.function = Some(reference),
                }
                request
            }

            /// With the formula's inputs in this order, each with its shape where it has one.
            #[must_use]
            pub fn inputs(mut self, inputs: impl IntoIterator<Item = Input>) -> $name {
                self.inputs = Some(inputs.into_iter().collect());
                self
            }

            /// With these names of the formula as its outputs.
            #[must_use]
            pub fn outputs(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> $name {
                self.outputs = Some(names.into_iter().map(Into::into).collect());
                self
            }
        }
    };
}

/// What requests about a function that the path names say besides.
macro_rules! beside {
    ($name:ident {
        $($(#[$doc:meta])* $field:ident: $type:ty,)*
        $(; $($(#[$must_doc:meta])* $must:ident: $must_type:ty,)*)?
    }) => {
        /// The body of a request about the registered function that the path names.
        #[derive(Debug, Clone, Default, PartialEq, Serialize)]
        #[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[$doc])*
                #[serde(skip_serializing_if = "Option::is_none")]
                #[cfg_attr(feature = "server", schema(nullable = false))]
                pub $field: Option<$type>,
            )*
            $($(
                $(#[$must_doc])*
                #[serde(skip_serializing_if = "Option::is_none")]
                #[cfg_attr(feature = "server", schema(nullable = false, required = true))]
                pub $must: Option<$must_type>,
            )*)?
        }
    };
}

/// What the requests that evaluate have in common.
macro_rules! evaluates {
    ($($name:ident),*) => {$(
        impl $name {
            /// With the value of an input that all points share, or of the one point there is.
            #[must_use]
            pub fn at(mut self, input: impl Into<String>, value: impl Into<Tensor>) -> $name {
                self.at.get_or_insert_default().insert(input.into(), value.into());
                self
            }

            /// With what was met at each point: kinks, poles, domain errors.
            #[must_use]
            pub fn diagnostics(mut self) -> $name {
                self.diagnostics = Some(true);
                self
            }

            /// At many points, one object each.
            #[must_use]
            pub fn rows(mut self, points: impl IntoIterator<Item = Point>) -> $name {
                self.points = Some(Points::Rows(points.into_iter().collect()));
                self
            }

            /// At many points: the values of one input at all of them, along a leading axis.
            #[must_use]
            pub fn column(mut self, input: impl Into<String>, values: impl Into<Tensor>) -> $name {
                let mut columns = match self.points.take() {
                    Some(Points::Columns(columns)) => columns,
                    Some(Points::Rows(_)) | None => Point::default(),
                };
                columns.insert(input.into(), values.into());
                self.points = Some(Points::Columns(columns));
                self
            }
        }
    )*};
}

/// What the requests that choose inputs to differentiate by have in common.
macro_rules! chooses_inputs {
    ($($name:ident),*) => {$(
        impl $name {
            /// Differentiated by these inputs only.
            #[must_use]
            pub fn wrt(mut self, inputs: impl IntoIterator<Item = impl Into<String>>) -> $name {
                self.wrt = Some(inputs.into_iter().map(Into::into).collect());
                self
            }
        }
    )*};
}

mod function;
mod second;
mod whole;

pub use function::{RegisterRequest, ReplaceRequest};
pub use second::{HessianRequest, HvpRequest, RegisteredHessianRequest, RegisteredHvpRequest, RegisteredTaylorRequest, TaylorRequest};
pub use whole::{
    ChainRequest, CheckRequest, DerivativeOf, DerivativeRequest, MatrixForm, RegisteredCheckRequest, RegisteredDerivativeRequest, Stage,
};

request! {
    /// The body of `POST /value`.
    ValueRequest, RegisteredValueRequest {
        /// One point; beside `points`, the inputs that all points share.
        at: IndexMap<String, Tensor>,
        /// Many points.
        points: Points,
        /// The inputs to differentiate by, which a value is not.
        wrt: Vec<String>,
        /// Numerator or denominator layout, of which this answer is the same in both.
        layout: Layout,
        /// Blocks or one matrix: the form of Jacobians, of which this answer has none.
        form: Form,
        /// Whether to answer, for each point, which nodes stand on a kink or a pole, which leave their domain, and which is the first
        /// that is not finite. Values and derivatives have the same bits with and without. Default: false.
        diagnostics: bool,
    }
}

request! {
    /// The body of `POST /gradient`.
    GradientRequest, RegisteredGradientRequest {
        /// One point; beside `points`, the inputs that all points share.
        at: IndexMap<String, Tensor>,
        /// Many points.
        points: Points,
        /// The inputs to differentiate by. Default: all.
        wrt: Vec<String>,
        /// Numerator or denominator layout, of which this answer is the same in both.
        layout: Layout,
        /// Blocks or one matrix: the form of Jacobians, of which this answer has none.
        form: Form,
        /// Whether to answer, for each point, which nodes stand on a kink or a pole, which leave their domain, and which is the first
        /// that is not finite. Values and derivatives have the same bits with and without. Default: false.
        diagnostics: bool,
        /// How to accumulate. Default: `auto`.
        mode: Mode,
    }
}

request! {
    /// The body of `POST /jacobian`.
    JacobianRequest, RegisteredJacobianRequest {
        /// One point; beside `points`, the inputs that all points share.
        at: IndexMap<String, Tensor>,
        /// Many points.
        points: Points,
        /// The inputs to differentiate by. Default: all.
        wrt: Vec<String>,
        /// Numerator or denominator layout. Default: `numerator`.
        layout: Layout,
        /// Blocks or one matrix. Default: `blocks`.
        form: Form,
        /// Whether to answer, for each point, which nodes stand on a kink or a pole, which leave their domain, and which is the first
        /// that is not finite. Values and derivatives have the same bits with and without. Default: false.
        diagnostics: bool,
        /// How to accumulate. Default: `auto`.
        mode: Mode,
    }
}

request! {
    /// The body of `POST /jvp`.
    JvpRequest, RegisteredJvpRequest {
        /// One point; beside `points`, the inputs that all points share.
        at: IndexMap<String, Tensor>,
        /// Many points.
        points: Points,
        /// Numerator or denominator layout, of which this answer is the same in both.
        layout: Layout,
        /// Blocks or one matrix: the form of Jacobians, of which this answer has none.
        form: Form,
        /// Whether to answer, for each point, which nodes stand on a kink or a pole, which leave their domain, and which is the first
        /// that is not finite. Values and derivatives have the same bits with and without. Default: false.
        diagnostics: bool,
        ;
        /// The direction dx. An absent input is 0.
        tangent: Direction,
    }
}

request! {
    /// The body of `POST /vjp`.
    VjpRequest, RegisteredVjpRequest {
        /// One point; beside `points`, the inputs that all points share.
        at: IndexMap<String, Tensor>,
        /// Many points.
        points: Points,
        /// The inputs to differentiate by. Default: all.
        wrt: Vec<String>,
        /// Numerator or denominator layout, of which this answer is the same in both.
        layout: Layout,
        /// Blocks or one matrix: the form of Jacobians, of which this answer has none.
        form: Form,
        /// Whether to answer, for each point, which nodes stand on a kink or a pole, which leave their domain, and which is the first
        /// that is not finite. Values and derivatives have the same bits with and without. Default: false.
        diagnostics: bool,
        ;
        /// The weights ȳ. An absent output is 0.
        cotangent: Direction,
    }
}

request! {
    /// The body of `POST /graph`.
    GraphRequest, RegisteredGraphRequest {}
}

evaluates!(ValueRequest, GradientRequest, JacobianRequest, JvpRequest, VjpRequest);
chooses_inputs!(GradientRequest, JacobianRequest, VjpRequest);

impl JacobianRequest {
    /// As one matrix instead of blocks.
    #[must_use]
    pub fn matrix(mut self) -> JacobianRequest {
        self.form = Some(Form::Matrix);
        self
    }

    /// In that layout.
    #[must_use]
    pub fn layout(mut self, layout: Layout) -> JacobianRequest {
        self.layout = Some(layout);
        self
    }
}

impl JvpRequest {
    /// With the direction's part along one input.
    #[must_use]
    pub fn tangent(mut self, input: impl Into<String>, value: impl Into<Tensor>) -> JvpRequest {
        self.tangent = Some(Direction::with(self.tangent.take(), input.into(), value.into()));
        self
    }

    /// With a direction for each row of the points.
    #[must_use]
    pub fn tangents(mut self, rows: impl IntoIterator<Item = Point>) -> JvpRequest {
        self.tangent = Some(Direction::Rows(rows.into_iter().collect()));
        self
    }
}

impl VjpRequest {
    /// With the weights of one output.
    #[must_use]
    pub fn cotangent(mut self, output: impl Into<String>, value: impl Into<Tensor>) -> VjpRequest {
        self.cotangent = Some(Direction::with(self.cotangent.take(), output.into(), value.into()));
        self
    }

    /// With weights for each row of the points.
    #[must_use]
    pub fn cotangents(mut self, rows: impl IntoIterator<Item = Point>) -> VjpRequest {
        self.cotangent = Some(Direction::Rows(rows.into_iter().collect()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_say_what_was_said_and_nothing_else() {
        let request = GradientRequest::new("x^2 * sin(y)").at("x", 3.0).at("y", 0.5).wrt(["y"]);
        let expected = r#"{"formula":"x^2 * sin(y)","at":{"x":3.0,"y":0.5},"wrt":["y"]}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), expected);
        let request = JvpRequest::new("x").at("x", 1.0).tangent("x", 2.0);
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"formula":"x","at":{"x":1.0},"tangent":{"x":2.0}}"#);
        let request = TaylorRequest::new("x").at("x", 1.0).direction("x", 2.0).order(3);
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"formula":"x","at":{"x":1.0},"direction":{"x":2.0},"order":3}"#);
        let request = JacobianRequest::new("x").column("x", [1.0, f64::NAN]).matrix();
        let expected = r#"{"formula":"x","points":{"x":[1.0,"NaN"]},"form":"matrix"}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), expected);
        let request = ChainRequest::new(["x^2", "sin(y)"]).at("x", 1.0).layout(Layout::Denominator);
        let expected = r#"{"stages":[{"formula":"x^2"},{"formula":"sin(y)"}],"at":{"x":1.0},"layout":"denominator"}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), expected);
        let request = CheckRequest::new("abs(x)").at("x", 0.0).direction("x", -1.0).step_sizes([0.5, 0.25]);
        let expected = r#"{"formula":"abs(x)","at":{"x":0.0},"direction":{"x":-1.0},"step_sizes":[0.5,0.25]}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), expected);
        let request = DerivativeRequest::new("x*y").of(DerivativeOf::Jvp).wrt(["y"]).value();
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"formula":"x*y","wrt":["y"],"value":true,"of":"jvp"}"#);
    }
}

//! What can be asked of a function, and the fields in which it is.

use super::decode::Form;

/// What is asked of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// f(x)
    Value,
    /// The gradient of one scalar output.
    Gradient,
    /// The matrix of partial derivatives.
    Jacobian,
    /// J dx
    Jvp,
    /// ȳ J
    Vjp,
    /// The gradient of one scalar output, and its second derivatives.
    Hessian,
    /// The gradient of one scalar output, and H v.
    Hvp,
    /// y(x + t·dx) by powers of t.
    Taylor,
    /// A composition, with the Jacobians of its stages.
    Chain,
    /// How well f is approximated by its derivative.
    Check,
    /// The derivative itself, as a function.
    Derivative,
    /// The function itself, checked and converted.
    Graph,
}

/// The fields by which requests name a function, which stand before all others.
pub(super) const FUNCTION: &[&str] = &["function", "formula", "graph", "inputs", "outputs"];

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Endpoint; 12] = [
        Endpoint::Value,
        Endpoint::Gradient,
        Endpoint::Jacobian,
        Endpoint::Jvp,
        Endpoint::Vjp,
        Endpoint::Hessian,
        Endpoint::Hvp,
        Endpoint::Taylor,
        Endpoint::Chain,
        Endpoint::Check,
        Endpoint::Derivative,
        Endpoint::Graph,
    ];

    /// Its path without the slash.
    pub const fn name(self) -> &'static str {
        match self {
            Endpoint::Value => "value",
            Endpoint::Gradient => "gradient",
            Endpoint::Jacobian => "jacobian",
            Endpoint::Jvp => "jvp",
            Endpoint::Vjp => "vjp",
            Endpoint::Hessian => "hessian",
            Endpoint::Hvp => "hvp",
            Endpoint::Taylor => "taylor",
            Endpoint::Chain => "chain",
            Endpoint::Check => "check",
            Endpoint::Derivative => "derivative",
            Endpoint::Graph => "graph",
        }
    }

    /// The endpoint of a name.
    pub fn from_name(name: &str) -> Option<Endpoint> {
        Endpoint::ALL.into_iter().find(|endpoint| endpoint.name() == name)
    }

    /// The fields of its requests.
    pub(super) const fn fields(self) -> &'static [&'static str] {
        match self {
            Endpoint::Value => {
                &["function", "formula", "graph", "inputs", "outputs", "at", "points", "wrt", "layout", "form", "diagnostics"]
            }
            Endpoint::Gradient | Endpoint::Jacobian | Endpoint::Hessian => {
                &["function", "formula", "graph", "inputs", "outputs", "at", "points", "wrt", "layout", "form", "diagnostics", "mode"]
            }
            Endpoint::Jvp => {
                &["function", "formula", "graph", "inputs", "outputs", "at", "points", "layout", "form", "diagnostics", "tangent"]
            }
            Endpoint::Vjp => {
                &["function", "formula", "graph", "inputs", "outputs", "at", "points", "wrt", "layout", "form", "diagnostics", "cotangent"]
            }
            Endpoint::Hvp => {
                &["function", "formula", "graph", "inputs", "outputs", "at", "points", "wrt", "layout", "form", "diagnostics", "vector"]
            }
            Endpoint::Taylor => &[
                "function",
                "formula",
                "graph",
                "inputs",
                "outputs",
                "at",
                "points",
                "layout",
                "form",
                "diagnostics",
                "direction",
                "order",
            ],
            Endpoint::Chain => &["stages", "at", "points", "wrt", "layout", "form", "diagnostics", "mode"],
            Endpoint::Check => &["function", "formula", "graph", "inputs", "outputs", "at", "direction", "step_sizes"],
            Endpoint::Derivative => &["function", "formula", "graph", "inputs", "outputs", "of", "wrt", "value"],
            Endpoint::Graph => &["function", "formula", "graph", "inputs", "outputs"],
        }
    }

    /// The fields of its requests about a function that the path names.
    pub(super) fn fields_beside_a_function(self) -> &'static [&'static str] {
        let fields = self.fields();
        let own = fields.iter().position(|field| !FUNCTION.contains(field));
        &fields[own.unwrap_or(fields.len())..]
    }

    /// The form of Jacobians where a request says nothing of it, and whether that is the only one.
    pub(super) const fn form(self) -> (Form, bool) {
        if matches!(self, Endpoint::Chain) { (Form::Matrix, true) } else { (Form::Blocks, false) }
    }

    /// Whether it answers with a function, evaluated nowhere.
    pub(super) const fn converts(self) -> bool {
        matches!(self, Endpoint::Derivative | Endpoint::Graph)
    }

    /// The field that holds its direction: tangents, cotangents, or a vector.
    pub(super) const fn direction(self) -> Option<&'static str> {
        match self {
            Endpoint::Jvp => Some("tangent"),
            Endpoint::Vjp => Some("cotangent"),
            Endpoint::Hvp => Some("vector"),
            Endpoint::Check | Endpoint::Taylor => Some("direction"),
            Endpoint::Value
            | Endpoint::Gradient
            | Endpoint::Jacobian
            | Endpoint::Hessian
            | Endpoint::Chain
            | Endpoint::Derivative
            | Endpoint::Graph => None,
        }
    }
}

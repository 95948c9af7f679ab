//! The request examples of the OpenAPI document: real requests, each of which a test sends.

use serde_json::{Value, json};

use crate::service::Endpoint;

/// A request that works.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Its key in the OpenAPI document.
    pub name: &'static str,
    /// What it shows.
    pub summary: &'static str,
    /// The body.
    pub body: Value,
}

fn example(name: &'static str, summary: &'static str, body: Value) -> Example {
    Example { name, summary, body }
}

/// The price of a European call by Black and Scholes; its gradient are the Greeks.
const BLACK_SCHOLES: &str = "d1 = (log(S/K) + (r + v^2/2)*T) / (v*sqrt(T)); d2 = d1 - v*sqrt(T); price = S*Phi(d1) - K*exp(-r*T)*Phi(d2)";

/// A small network's squared loss, with tensors and an inline node.
fn regression() -> Value {
    json!({
        "inputs": [{"name": "w", "shape": [3]}, "b", {"name": "x", "shape": [2, 3]}, {"name": "y", "shape": [2]}],
        "nodes": [
            {"name": "p", "op": "add", "args": [{"op": "matmul", "args": ["x", "w"]}, "b"]},
            {"name": "e", "op": "subtract", "args": [{"op": "tanh", "args": ["p"]}, "y"]}
        ],
        "outputs": [{"name": "loss", "value": {"op": "sum", "args": [{"op": "square", "args": ["e"]}]}}]
    })
}

/// From polar to Cartesian coordinates.
fn polar() -> Value {
    json!({
        "inputs": ["r", "t"],
        "nodes": [
            {"name": "x", "op": "multiply", "args": ["r", {"op": "cos", "args": ["t"]}]},
            {"name": "y", "op": "multiply", "args": ["r", {"op": "sin", "args": ["t"]}]}
        ],
        "outputs": ["x", "y"]
    })
}

fn regression_point() -> Value {
    json!({"w": [0.5, -0.25, 1], "b": 0.1, "x": [[1, 2, 3], [0, -1, 0.5]], "y": [1, 0]})
}

/// The function that the requests about a registered one are about: the first of [`registrations`].
pub(super) const REGISTERED: &str = "surface";

/// Working registrations, with a name or of one that the path says.
pub fn registrations(named: bool) -> Vec<Example> {
    let mut bodies = vec![
        example(
            "formula",
            "A formula, with a name and a description.",
            json!({"formula": "x^2 * sin(y)", "description": "a surface over the plane"}),
        ),
        example("graph", "A graph, to be seen by others.", json!({"graph": regression(), "public": true})),
    ];
    if named {
        for (example, name) in bodies.iter_mut().zip([REGISTERED, "regression_loss"]) {
            example.body["name"] = json!(name);
        }
    }
    bodies
}

/// A working request for an endpoint about the function [`REGISTERED`].
pub fn requests_of_registered(endpoint: Endpoint) -> Vec<Example> {
    let at = json!({"x": 3, "y": 0.5});
    let body = match endpoint {
        Endpoint::Value | Endpoint::Gradient | Endpoint::Jacobian | Endpoint::Check => json!({"at": at}),
        Endpoint::Hessian => json!({"at": at, "form": "matrix"}),
        Endpoint::Jvp => json!({"at": at, "tangent": {"x": 1, "y": -2}}),
        Endpoint::Vjp => json!({"at": at, "cotangent": {"f": 2}}),
        Endpoint::Hvp => json!({"at": at, "vector": {"x": 1, "y": -2}}),
        Endpoint::Taylor => json!({"at": at, "direction": {"x": 1}, "order": 3}),
        Endpoint::Derivative => json!({"of": "gradient"}),
        Endpoint::Graph => json!({}),
        // which has its functions in its body
        Endpoint::Chain => return Vec::new(),
    };
    vec![example("surface", "Of the function registered under that name.", body)]
}

/// Working requests for an endpoint.
pub fn requests(endpoint: Endpoint) -> Vec<Example> {
    match endpoint {
        Endpoint::Value => vec![
            example("formula", "A formula at one point.", json!({"formula": "x^2 * sin(y)", "at": {"x": 3, "y": 0.5}})),
            example("graph", "A graph at one point.", json!({"graph": regression(), "at": regression_point()})),
            example(
                "rows",
                "Many points as rows, beside an input that they share.",
                json!({"formula": "a * x^2", "at": {"a": 0.5}, "points": [{"x": 1}, {"x": 2}, {"x": "Infinity"}]}),
            ),
            example(
                "columns",
                "Many points as columns, and the names of the outputs.",
                json!({"formula": "r = sqrt(x^2 + y^2); theta = atan2(y, x)", "outputs": ["r", "theta"], "points": {"x": [3, 5, 8], "y": [4, 12, 15]}}),
            ),
        ],
        Endpoint::Gradient => vec![
            example("formula", "A formula at one point.", json!({"formula": "x^2 * sin(y)", "at": {"x": 3, "y": 0.5}})),
            example(
                "black_scholes",
                "The Greeks of a European call at several prices, as columns beside shared inputs.",
                json!({"formula": BLACK_SCHOLES, "at": {"K": 100, "r": 0.03, "T": 0.5}, "points": {"S": [90, 100, 110], "v": [0.25, 0.2, 0.22]}, "wrt": ["S", "v"]}),
            ),
            example(
                "graph",
                "A graph, differentiated by two of its inputs.",
                json!({"graph": regression(), "at": regression_point(), "wrt": ["w", "b"]}),
            ),
            example("rows", "Many points as rows.", json!({"formula": "sqrt(x^2 + y^2)", "points": [{"x": 3, "y": 4}, {"x": 0, "y": 0}]})),
            example(
                "diagnostics",
                "With what was met at the point: a corner, a pole, a value outside its function's domain.",
                json!({"formula": "r = abs(x) + sqrt(y); r * log(z)", "at": {"x": 0, "y": 0, "z": -1}, "diagnostics": true}),
            ),
        ],
        Endpoint::Jacobian => vec![
            example(
                "formula",
                "A formula with two outputs.",
                json!({"formula": "u = x*y; v = x + exp(y)", "outputs": ["u", "v"], "at": {"x": 2, "y": 0.5}}),
            ),
            example(
                "graph",
                "A graph, its Jacobian as one matrix.",
                json!({"graph": polar(), "at": {"r": 2, "t": 0.75}, "form": "matrix"}),
            ),
            example(
                "denominator",
                "A vector function in denominator layout.",
                json!({"formula": "sin(w) * s", "at": {"w": [0.1, 0.2, 0.3], "s": 2}, "wrt": ["w"], "layout": "denominator"}),
            ),
            example(
                "rows",
                "Many points as rows.",
                json!({"graph": polar(), "points": [{"r": 1, "t": 0}, {"r": 2, "t": 1.5}], "mode": "forward"}),
            ),
            example(
                "columns",
                "Many points as columns, matrices.",
                json!({"graph": polar(), "points": {"r": [1, 2, 3], "t": [0, 0.5, 1]}, "form": "matrix"}),
            ),
        ],
        Endpoint::Jvp => vec![
            example(
                "formula",
                "A formula along a direction.",
                json!({"formula": "x^2 * sin(y)", "at": {"x": 3, "y": 0.5}, "tangent": {"x": 1, "y": -2}}),
            ),
            example(
                "graph",
                "A graph; inputs absent from the tangent do not move.",
                json!({"graph": polar(), "at": {"r": 2, "t": 0.75}, "tangent": {"t": 1}}),
            ),
            example(
                "columns",
                "Many points as columns, the tangent with them.",
                json!({"formula": "exp(-x^2)", "points": {"x": [0, 0.5, 1]}, "tangent": {"x": [1, 1, 1]}}),
            ),
        ],
        Endpoint::Vjp => vec![
            example(
                "formula",
                "A formula with two outputs, weighted.",
                json!({"formula": "u = x*y; v = x + exp(y)", "outputs": ["u", "v"], "at": {"x": 2, "y": 0.5}, "cotangent": {"u": 1, "v": 0.5}}),
            ),
            example(
                "graph",
                "A graph; outputs absent from the cotangent weigh nothing.",
                json!({"graph": polar(), "at": {"r": 2, "t": 0.75}, "cotangent": {"x": 1}}),
            ),
        ],
        Endpoint::Chain => vec![
            example(
                "formulas",
                "z = g(f(x)) of two formulas; the second takes what the first gives.",
                json!({"stages": [{"formula": "r*cos(t)"}, {"formula": "exp(-y^2)"}], "at": {"r": 2, "t": 0.75}}),
            ),
            example(
                "graph",
                "A graph with two outputs, and a function of both.",
                json!({"stages": [{"graph": polar()}, {"formula": "d = hypot(u - 1, v); a = u*v", "inputs": ["u", "v"], "outputs": ["d", "a"]}], "at": {"r": 2, "t": 0.75}}),
            ),
            example(
                "columns",
                "Three stages at many points, in denominator layout.",
                json!({"stages": [{"graph": polar()}, {"formula": "tanh(w)"}, {"formula": "sum(v^2)"}],
                    "points": {"r": [1, 2], "t": [0, 0.5]}, "layout": "denominator"}),
            ),
        ],
        Endpoint::Check => vec![
            example(
                "formula",
                "A smooth function: the remainder is of order 2.",
                json!({"formula": "x^2 * sin(y)", "at": {"x": 3, "y": 0.5}}),
            ),
            example("kink", "A kink: the remainder is of order 1.", json!({"formula": "abs(x) + y", "at": {"x": 0, "y": 1}})),
            example(
                "graph",
                "A graph along a direction of one's own, at step sizes of one's own.",
                json!({"graph": regression(), "at": regression_point(), "direction": {"w": [1, 0, -1]}, "step_sizes": [0.1, 0.01, 0.001]}),
            ),
        ],
        Endpoint::Derivative => vec![
            example("gradient", "The Greeks as functions.", json!({"formula": BLACK_SCHOLES, "of": "gradient", "wrt": ["S", "v"]})),
            example("hessian", "Second derivatives, with the value.", json!({"formula": "x^2 * sin(y)", "of": "hessian", "value": true})),
            example("jvp", "A graph's differential dy = J dx as a function of x and dx.", json!({"graph": polar(), "of": "jvp"})),
            example("vjp", "A graph's ȳ J as a function of x and ȳ.", json!({"graph": regression(), "of": "vjp", "wrt": ["w", "b"]})),
        ],
        Endpoint::Hessian => vec![
            example("formula", "A formula at one point.", json!({"formula": "x^2 * sin(y)", "at": {"x": 3, "y": 0.5}})),
            example(
                "matrix",
                "The curvature of a network's loss in its weights, as one matrix.",
                json!({"graph": regression(), "at": regression_point(), "wrt": ["w", "b"], "form": "matrix"}),
            ),
            example(
                "black_scholes",
                "Gamma, vanna and volga of a European call at several prices, as columns beside shared inputs.",
                json!({"formula": BLACK_SCHOLES, "at": {"K": 100, "r": 0.03, "T": 0.5}, "points": {"S": [90, 100, 110], "v": [0.25, 0.2, 0.22]}, "wrt": ["S", "v"]}),
            ),
            example(
                "rows",
                "Many points as rows, the gradient differentiated in reverse.",
                json!({"formula": "exp(-x^2 - y^2)", "points": [{"x": 0, "y": 0}, {"x": 1, "y": -1}], "mode": "reverse"}),
            ),
        ],
        Endpoint::Hvp => vec![
            example(
                "formula",
                "A formula and a vector.",
                json!({"formula": "x^2 * sin(y)", "at": {"x": 3, "y": 0.5}, "vector": {"x": 1, "y": -2}}),
            ),
            example(
                "graph",
                "A graph; inputs absent from the vector do not count, and `wrt` picks what is answered.",
                json!({"graph": regression(), "at": regression_point(), "vector": {"w": [1, 0, -1]}, "wrt": ["w", "b"]}),
            ),
            example(
                "columns",
                "Many points as columns, one vector for all.",
                json!({"formula": "exp(-x^2 - y^2)", "points": {"x": [0, 0.5, 1], "y": [1, 0, -1]}, "vector": {"x": 1, "y": 1}}),
            ),
        ],
        Endpoint::Taylor => vec![
            example(
                "formula",
                "The exponential series around 0.",
                json!({"formula": "exp(x)", "at": {"x": 0}, "direction": {"x": 1}, "order": 6}),
            ),
            example(
                "graph",
                "A graph with two outputs along a direction.",
                json!({"graph": polar(), "at": {"r": 2, "t": 0.75}, "direction": {"t": 1}, "order": 3}),
            ),
            example(
                "rows",
                "Many points as rows, each with a direction.",
                json!({"formula": "sqrt(x^2 + y^2)", "points": [{"x": 3, "y": 4}, {"x": 5, "y": 12}], "direction": [{"x": 1, "y": 0}, {"x": 0, "y": 1}], "order": 2}),
            ),
        ],
        Endpoint::Graph => vec![
            example("formula", "A formula, to be seen as a graph.", json!({"formula": BLACK_SCHOLES})),
            example("graph", "A graph, to be checked.", json!({"graph": regression()})),
        ],
    }
}

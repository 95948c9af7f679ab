//! The mathematics, held through HTTP: what the answers of different endpoints must be to each other.
//!
//! Nothing here knows a derivative. Each test states an identity between answers: dy = J dx, the pairing ⟨ȳ, J dx⟩ = ⟨ȳ J, dx⟩, the
//! remainder of the linear approximation, and that Jacobians of a composition multiply in one order only.

use serde_json::{Map, Value, json};

use crate::support::Server;

/// A function with its flattened inputs and outputs told by name and shape, and points to look at.
struct Function {
    name: &'static str,
    body: Value,
    inputs: &'static [(&'static str, &'static [usize])],
    outputs: &'static [(&'static str, &'static [usize])],
    at: Vec<f64>,
}

fn functions() -> Vec<Function> {
    let layer = json!({"graph": {
        "inputs": [{"name": "W", "shape": [2, 3]}, {"name": "x", "shape": [3]}, "c"],
        "nodes": [{"name": "h", "op": "add", "args": [{"op": "matmul", "args": ["W", "x"]}, "c"]}, {"name": "s", "op": "softmax", "args": ["h"]}],
        "outputs": [{"name": "p", "value": {"op": "multiply", "args": ["s", {"op": "tanh", "args": ["h"]}]}},
                    {"name": "l", "value": {"op": "logsumexp", "args": ["h"]}},
                    {"name": "o", "value": {"op": "outer", "args": ["s", "x"]}}]
    }});
    let mix = json!({"formula": "u = x*y + sin(z); v = exp(-x^2) * [y, z, x*z]; w = sqrt(1 + x^2 + y^2 + z^2)", "outputs": ["u", "v", "w"], "inputs": ["x", "y", "z"]});
    let norms = json!({"formula": "n = sqrt(sum(A^2)); r = sum(A, axis=0) / n; m = maximum(A[0], A[1]^3); t = matmul(A, sin(A))", "outputs": ["n", "r", "m", "t"], "inputs": [{"name": "A", "shape": [2, 2]}]});
    let one = json!({"formula": "log(1 + exp(a*b)) * atan(b) + a^3 - cos(a*b)/b", "inputs": ["a", "b"]});
    vec![
        Function {
            name: "layer",
            body: layer,
            inputs: &[("W", &[2, 3]), ("x", &[3]), ("c", &[])],
            outputs: &[("p", &[2]), ("l", &[]), ("o", &[2, 3])],
            at: vec![0.3, -1.2, 0.7, 1.1, 0.4, -0.6, 0.9, -0.2, 1.3, 0.15],
        },
        Function {
            name: "mix",
            body: mix,
            inputs: &[("x", &[]), ("y", &[]), ("z", &[])],
            outputs: &[("u", &[]), ("v", &[3]), ("w", &[])],
            at: vec![0.4, -1.1, 2.3],
        },
        Function {
            name: "norms",
            body: norms,
            inputs: &[("A", &[2, 2])],
            outputs: &[("n", &[]), ("r", &[2]), ("m", &[2]), ("t", &[2, 2])],
            at: vec![0.5, -1.5, 1.1, 1.2],
        },
        Function { name: "one", body: one, inputs: &[("a", &[]), ("b", &[])], outputs: &[("f", &[])], at: vec![0.7, -1.3] },
    ]
}

type Shapes = &'static [(&'static str, &'static [usize])];
type Matrix = Vec<Vec<f64>>;

fn size(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn total(shapes: Shapes) -> usize {
    shapes.iter().map(|(_, shape)| size(shape)).sum()
}

/// A flat vector as {name: tensor}.
fn named(shapes: Shapes, flat: &[f64]) -> Value {
    fn tensor(shape: &[usize], flat: &[f64]) -> Value {
        match shape {
            [] => json!(flat[0]),
            [_, rest @ ..] => flat.chunks(size(rest)).map(|part| tensor(rest, part)).collect(),
        }
    }
    let mut offset = 0;
    let mut fields = Map::new();
    for (name, shape) in shapes {
        fields.insert((*name).to_owned(), tensor(shape, &flat[offset..offset + size(shape)]));
        offset += size(shape);
    }
    assert_eq!(offset, flat.len());
    Value::Object(fields)
}

/// {name: tensor} as a flat vector.
fn flat(shapes: Shapes, named: &Value) -> Vec<f64> {
    shapes.iter().flat_map(|(name, _)| leaves(&named[*name])).collect()
}

fn leaves(tensor: &Value) -> Vec<f64> {
    match tensor {
        Value::Array(parts) => parts.iter().flat_map(leaves).collect(),
        number => vec![number.as_f64().unwrap_or_else(|| panic!("not a number: {number}"))],
    }
}

fn rows(matrix: &Value) -> Matrix {
    matrix.as_array().unwrap().iter().map(leaves).collect()
}

/// What is asked of one server about one function at one point.
struct About<'a> {
    server: &'a Server,
    function: &'a Function,
}

impl About<'_> {
    async fn ask(&self, path: &str, at: &[f64], rest: Value) -> Value {
        let mut body = self.function.body.clone();
        let fields = body.as_object_mut().unwrap();
        fields.insert("at".to_owned(), named(self.function.inputs, at));
        fields.extend(rest.as_object().unwrap().clone());
        let answer = self.server.post(path, &body).await;
        assert!(answer["value"].is_object(), "{} {path}: {answer}", self.function.name);
        answer
    }

    async fn value(&self, at: &[f64]) -> Vec<f64> {
        flat(self.function.outputs, &self.ask("/value", at, json!({})).await["value"])
    }

    async fn jacobian(&self, at: &[f64]) -> Matrix {
        rows(&self.ask("/jacobian", at, json!({"form": "matrix"})).await["jacobian"])
    }

    async fn jvp(&self, at: &[f64], dx: &[f64]) -> Vec<f64> {
        let tangent = named(self.function.inputs, dx);
        flat(self.function.outputs, &self.ask("/jvp", at, json!({"tangent": tangent})).await["tangent"])
    }

    async fn vjp(&self, at: &[f64], y_bar: &[f64]) -> Vec<f64> {
        let cotangent = named(self.function.outputs, y_bar);
        flat(self.function.inputs, &self.ask("/vjp", at, json!({"cotangent": cotangent})).await["cotangent"])
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn times(matrix: &Matrix, x: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| dot(row, x)).collect()
}

fn transposed(matrix: &Matrix) -> Matrix {
    (0..matrix[0].len()).map(|j| matrix.iter().map(|row| row[j]).collect()).collect()
}

fn product(left: &Matrix, right: &Matrix) -> Matrix {
    let columns = transposed(right);
    left.iter().map(|row| columns.iter().map(|column| dot(row, column)).collect()).collect()
}

fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
}

/// Equal to rounding, measured by the larger.
fn close(a: &[f64], b: &[f64], about: &str) {
    let scale = norm(a).max(norm(b)).max(1e-300);
    assert!(apart(a, b) <= 1e-13 * scale, "{about}: {a:?} and {b:?}");
}

fn direction(length: usize, seed: usize) -> Vec<f64> {
    (0..length).map(|i| (((i + 1) * (2 * seed + 3)) as f64 * 0.754_877_666).fract() * 2.0 - 1.0).collect()
}

#[tokio::test]
async fn a_jvp_is_the_matrix_times_the_tangent_and_a_vjp_the_cotangent_times_the_matrix() {
    let server = Server::start().await;
    for function in &functions() {
        let about = About { server: &server, function };
        let (n, p) = (total(function.inputs), total(function.outputs));
        let jacobian = about.jacobian(&function.at).await;
        assert_eq!((jacobian.len(), jacobian[0].len()), (p, n), "{}", function.name);
        for seed in 0..5 {
            let (dx, y_bar) = (direction(n, seed), direction(p, seed + 10));
            let (dy, x_bar) = (about.jvp(&function.at, &dx).await, about.vjp(&function.at, &y_bar).await);
            close(&dy, &times(&jacobian, &dx), function.name);
            close(&x_bar, &times(&transposed(&jacobian), &y_bar), function.name);
            // The pairing, which needs no matrix: ⟨ȳ, J dx⟩ = ⟨ȳ J, dx⟩.
            let scale = norm(&y_bar) * norm(&dy);
            assert!((dot(&y_bar, &dy) - dot(&x_bar, &dx)).abs() <= 1e-13 * scale, "{}", function.name);
        }
        // A unit vector picks a column, or a row.
        for j in 0..n {
            let unit: Vec<f64> = (0..n).map(|i| f64::from(i == j)).collect();
            close(&about.jvp(&function.at, &unit).await, &transposed(&jacobian)[j], function.name);
        }
        for (i, row) in jacobian.iter().enumerate() {
            let unit: Vec<f64> = (0..p).map(|j| f64::from(i == j)).collect();
            close(&about.vjp(&function.at, &unit).await, row, function.name);
        }
    }
}

#[tokio::test]
async fn both_are_linear() {
    let server = Server::start().await;
    for function in &functions() {
        let about = About { server: &server, function };
        let (n, p) = (total(function.inputs), total(function.outputs));
        let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| 2.5 * a - 0.75 * b).collect::<Vec<f64>>();
        let (u, v) = (direction(n, 1), direction(n, 2));
        let (ju, jv) = (about.jvp(&function.at, &u).await, about.jvp(&function.at, &v).await);
        close(&about.jvp(&function.at, &sum(&u, &v)).await, &sum(&ju, &jv), function.name);
        let (u, v) = (direction(p, 3), direction(p, 4));
        let (uj, vj) = (about.vjp(&function.at, &u).await, about.vjp(&function.at, &v).await);
        close(&about.vjp(&function.at, &sum(&u, &v)).await, &sum(&uj, &vj), function.name);
        assert!(about.jvp(&function.at, &vec![0.0; n]).await.iter().all(|&dy| dy == 0.0), "{}", function.name);
    }
}

#[tokio::test]
async fn the_remainder_of_the_linear_part_is_of_second_order() {
    let server = Server::start().await;
    for function in &functions() {
        let about = About { server: &server, function };
        let value = about.value(&function.at).await;
        let d = direction(function.at.len(), 7);
        let jd = about.jvp(&function.at, &d).await;
        let mut before: Option<f64> = None;
        for k in 4..14 {
            let h = 0.5_f64.powi(k);
            let moved: Vec<f64> = function.at.iter().zip(&d).map(|(x, d)| x + h * d).collect();
            let linear: Vec<f64> = value.iter().zip(&jd).map(|(y, dy)| y + h * dy).collect();
            let remainder = apart(&about.value(&moved).await, &linear);
            // ‖f(x + h d) − f(x) − h J d‖ ~ h²: each half of h leaves a quarter.
            if let Some(before) = before {
                let order = (before / remainder).log2();
                assert!((order - 2.0).abs() < 0.2, "{} at h = {h}: order {order}", function.name);
            }
            assert!(remainder / h <= 40.0 * h, "{}: o(h)", function.name);
            before = Some(remainder);
        }
    }
}

#[tokio::test]
async fn jacobians_of_a_composition_multiply_in_one_order() {
    let server = Server::start().await;
    // f and g: R² → R² each, and their compositions both ways, written out.
    const X: Shapes = &[("a", &[]), ("b", &[])];
    const Y: Shapes = &[("s", &[]), ("t", &[])];
    let function = |name, formula: &str| Function {
        name,
        body: json!({"formula": formula, "inputs": ["a", "b"], "outputs": ["s", "t"]}),
        inputs: X,
        outputs: Y,
        at: vec![0.6, -0.9],
    };
    let f = function("f", "s = a*sin(b) + a^2; t = exp(a) - b");
    let g = function("g", "s = a + 3*b^2; t = a*b");
    let g_of_f = function("g of f", "p = a*sin(b) + a^2; q = exp(a) - b; s = p + 3*q^2; t = p*q");
    let f_of_g = function("f of g", "p = a + 3*b^2; q = a*b; s = p*sin(q) + p^2; t = exp(p) - q");
    let x = f.at.clone();
    for (inner, outer, both) in [(&f, &g, &g_of_f), (&g, &f, &f_of_g)] {
        let (inner, outer, both) = (
            About { server: &server, function: inner },
            About { server: &server, function: outer },
            About { server: &server, function: both },
        );
        let y = inner.value(&x).await;
        close(&outer.value(&y).await, &both.value(&x).await, "z = g(y)");
        let (dy_dx, dz_dy, dz_dx) = (inner.jacobian(&x).await, outer.jacobian(&y).await, both.jacobian(&x).await);
        close(&product(&dz_dy, &dy_dx).concat(), &dz_dx.concat(), "∂z/∂x = ∂z/∂y · ∂y/∂x");
        let wrong = product(&dy_dx, &dz_dy).concat();
        assert!(apart(&wrong, &dz_dx.concat()) > 0.1 * norm(&wrong), "the other order is another matrix");
        // Forward, tangents go through f and then g; in reverse, cotangents through g and then f.
        let (dx, z_bar) = (direction(2, 5), direction(2, 6));
        close(&outer.jvp(&y, &inner.jvp(&x, &dx).await).await, &both.jvp(&x, &dx).await, "dz = ∂z/∂y (∂y/∂x dx)");
        close(&inner.vjp(&x, &outer.vjp(&y, &z_bar).await).await, &both.vjp(&x, &z_bar).await, "x̄ = (z̄ ∂z/∂y) ∂y/∂x");
    }
}

#[tokio::test]
async fn shapes_change_along_a_composition() {
    let server = Server::start().await;
    // R³ → R⁴ (a 2 × 2 matrix) → R²: products of a 2 × 4 and a 4 × 3 matrix.
    const X: Shapes = &[("x", &[3])];
    const Y: Shapes = &[("M", &[2, 2])];
    const Z: Shapes = &[("z", &[2])];
    let inner = Function {
        name: "inner",
        body: json!({"formula": "M = [[x[0]*x[1], sin(x[2])], [x[1]^2, x[0] + x[2]]]", "inputs": [{"name": "x", "shape": [3]}]}),
        inputs: X,
        outputs: Y,
        at: vec![0.2, 1.4, -0.8],
    };
    let outer = Function {
        name: "outer",
        body: json!({"formula": "z = matmul(M, tanh(sum(M, axis=1)))", "inputs": [{"name": "M", "shape": [2, 2]}]}),
        inputs: Y,
        outputs: Z,
        at: vec![],
    };
    let both = Function {
        name: "both",
        body: json!({"formula": "M = [[x[0]*x[1], sin(x[2])], [x[1]^2, x[0] + x[2]]]; z = matmul(M, tanh(sum(M, axis=1)))", "inputs": [{"name": "x", "shape": [3]}]}),
        inputs: X,
        outputs: Z,
        at: vec![],
    };
    let about = |function| About { server: &server, function };
    let y = about(&inner).value(&inner.at).await;
    let composed = product(&about(&outer).jacobian(&y).await, &about(&inner).jacobian(&inner.at).await);
    close(&composed.concat(), &about(&both).jacobian(&inner.at).await.concat(), "2 × 4 · 4 × 3");
}

#[tokio::test]
async fn a_gradient_is_the_row_of_the_jacobian_and_the_denominator_layout_its_transpose() {
    let server = Server::start().await;
    for function in &functions() {
        let about = About { server: &server, function };
        let numerator = about.jacobian(&function.at).await;
        let answer = about.ask("/jacobian", &function.at, json!({"form": "matrix", "layout": "denominator"})).await;
        assert_eq!(rows(&answer["jacobian"]), transposed(&numerator), "{}", function.name);
        let names =
            |value: &Value| value.as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&answer["rows"]), function.inputs.iter().map(|i| i.0).collect::<Vec<_>>());
        assert_eq!(names(&answer["columns"]), function.outputs.iter().map(|o| o.0).collect::<Vec<_>>());
        // Blocks: output shape ++ input shape, and the reverse.
        for (layout, swapped) in [("numerator", false), ("denominator", true)] {
            let blocks = about.ask("/jacobian", &function.at, json!({"layout": layout})).await["jacobian"].clone();
            let mut row = 0;
            for (output, output_shape) in function.outputs {
                let mut column = 0;
                for (input, input_shape) in function.inputs {
                    let part: Matrix =
                        numerator[row..row + size(output_shape)].iter().map(|r| r[column..column + size(input_shape)].to_vec()).collect();
                    let block = if swapped { &blocks[*input][*output] } else { &blocks[*output][*input] };
                    let expected = if swapped { transposed(&part) } else { part };
                    assert_eq!(leaves(block), expected.concat(), "{} d{output}/d{input} {layout}", function.name);
                    let shape: Vec<usize> =
                        if swapped { [*input_shape, *output_shape].concat() } else { [*output_shape, *input_shape].concat() };
                    assert_eq!(shape_of(block), shape, "{} d{output}/d{input} {layout}", function.name);
                    column += size(input_shape);
                }
                row += size(output_shape);
            }
        }
        if let [(_, [])] = function.outputs {
            for layout in ["numerator", "denominator"] {
                let gradient = about.ask("/gradient", &function.at, json!({"layout": layout})).await;
                close(&flat(function.inputs, &gradient["gradient"]), &numerator[0], "∂y/∂x");
            }
        }
    }
}

fn shape_of(tensor: &Value) -> Vec<usize> {
    let mut shape = Vec::new();
    let mut part = tensor;
    while let Value::Array(parts) = part {
        shape.push(parts.len());
        part = &parts[0];
    }
    shape
}

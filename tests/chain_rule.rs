//! The mathematics, held through HTTP: what the answers of different endpoints must be to each other.
//!
//! Nothing here knows a derivative. Each test states an identity between answers: dy = J dx, the pairing ⟨ȳ, J dx⟩ = ⟨ȳ J, dx⟩, the
//! remainder of the linear approximation and of the second order, that a series holds all of them, and that Jacobians of a composition
//! multiply in one order only.

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

/// Functions of the same inputs with one scalar output.
fn scalars() -> Vec<Function> {
    let loss = json!({"graph": {
        "inputs": [{"name": "W", "shape": [2, 3]}, {"name": "x", "shape": [3]}, "c"],
        "nodes": [{"name": "h", "op": "tanh", "args": [{"op": "add", "args": [{"op": "matmul", "args": ["W", "x"]}, "c"]}]},
                  {"name": "s", "op": "log_softmax", "args": ["h"]}],
        "outputs": [{"name": "l", "value": {"op": "add", "args": [{"op": "sum", "args": [{"op": "multiply", "args": ["s", "h"]}]},
                                                                  {"op": "vector_norm", "args": ["W"]}]}}]
    }});
    let mix = json!({"formula": "u = x*y + sin(z); v = exp(-x^2) * [y, z, x*z]; log(1 + sum(v^2)) * u + prod(v) / (2 + z)", "inputs": ["x", "y", "z"]});
    let mut all = functions();
    let (norms, one) = (all.remove(2), all.remove(2));
    let (mix_inputs, layer_inputs) = (all.remove(1), all.remove(0));
    vec![
        Function { body: loss, outputs: &[("l", &[])], ..layer_inputs },
        Function { body: mix, outputs: &[("f", &[])], ..mix_inputs },
        Function {
            body: json!({"formula": "trace = A[0,0] + A[1,1]; sum(matmul(A, sin(A))) / (1 + trace^2) + logsumexp(A)", "inputs": [{"name": "A", "shape": [2, 2]}]}),
            outputs: &[("f", &[])],
            ..norms
        },
        one,
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

    /// The gradient and the Hessian.
    async fn hessian(&self, at: &[f64]) -> (Vec<f64>, Matrix) {
        let answer = self.ask("/hessian", at, json!({"form": "matrix"})).await;
        (flat(self.function.inputs, &answer["gradient"]), rows(&answer["hessian"]))
    }

    async fn hvp(&self, at: &[f64], v: &[f64]) -> Vec<f64> {
        let vector = named(self.function.inputs, v);
        flat(self.function.inputs, &self.ask("/hvp", at, json!({"vector": vector})).await["product"])
    }

    /// The flattened outputs' coefficients, order by order.
    async fn taylor(&self, at: &[f64], dx: &[f64], order: usize) -> Vec<Vec<f64>> {
        let direction = named(self.function.inputs, dx);
        let answer = self.ask("/taylor", at, json!({"direction": direction, "order": order})).await;
        (0..=order).map(|k| self.function.outputs.iter().flat_map(|(name, _)| leaves(&answer["coefficients"][name][k])).collect()).collect()
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

#[tokio::test]
async fn a_hessian_is_symmetric_and_times_a_vector_the_product() {
    let server = Server::start().await;
    for function in &scalars() {
        let about = About { server: &server, function };
        let n = total(function.inputs);
        let (gradient, hessian) = about.hessian(&function.at).await;
        assert_eq!((hessian.len(), hessian[0].len()), (n, n), "{}", function.name);
        assert_eq!(hessian, transposed(&hessian), "{}", function.name);
        assert_eq!(
            gradient,
            flat(function.inputs, &about.ask("/gradient", &function.at, json!({})).await["gradient"]),
            "{}",
            function.name
        );
        for seed in 0..5 {
            let v = direction(n, seed);
            let (product, expected) = (about.hvp(&function.at, &v).await, times(&hessian, &v));
            assert!(apart(&product, &expected) <= 1e-12 * norm(&expected), "{}: {product:?} and {expected:?}", function.name);
            // It is the derivative of the gradient: a central difference has it to the square of its step.
            let moved = |h: f64| function.at.iter().zip(&v).map(|(x, v)| x + h * v).collect::<Vec<f64>>();
            let (after, before) = (about.hessian(&moved(1e-5)).await.0, about.hessian(&moved(-1e-5)).await.0);
            let slope: Vec<f64> = after.iter().zip(&before).map(|(a, b)| (a - b) / 2e-5).collect();
            assert!(apart(&slope, &expected) <= 1e-7 * (1.0 + norm(&expected)), "{}: {slope:?} and {expected:?}", function.name);
        }
        // By some inputs: those rows and columns; of a product those entries.
        let (name, shape) = function.inputs[function.inputs.len() - 1];
        let some = about.ask("/hessian", &function.at, json!({"wrt": [name]})).await;
        let corner: Vec<f64> = hessian[n - size(shape)..].iter().flat_map(|row| row[n - size(shape)..].to_vec()).collect();
        close(&leaves(&some["hessian"][name][name]), &corner, function.name);
        let v = direction(n, 7);
        let some = about.ask("/hvp", &function.at, json!({"wrt": [name], "vector": named(function.inputs, &v)})).await;
        close(&leaves(&some["product"][name]), &about.hvp(&function.at, &v).await[n - size(shape)..], function.name);
        assert_eq!(some["product"].as_object().unwrap().len(), 1);
        // Blocks hold the same numbers.
        let blocks = about.ask("/hessian", &function.at, json!({})).await["hessian"].clone();
        let mut row = 0;
        for (a, a_shape) in function.inputs {
            let mut column = 0;
            for (b, b_shape) in function.inputs {
                let part: Vec<f64> =
                    hessian[row..row + size(a_shape)].iter().flat_map(|r| r[column..column + size(b_shape)].to_vec()).collect();
                assert_eq!(leaves(&blocks[a][b]), part, "{} {a} {b}", function.name);
                assert_eq!(shape_of(&blocks[a][b]), [*a_shape, *b_shape].concat(), "{} {a} {b}", function.name);
                column += size(b_shape);
            }
            row += size(a_shape);
        }
    }
}

#[tokio::test]
async fn a_series_begins_with_value_tangent_and_curvature_and_leaves_the_order_after() {
    let server = Server::start().await;
    for function in functions().iter().chain(&scalars()) {
        let about = About { server: &server, function };
        let n = total(function.inputs);
        for seed in 0..3 {
            let dx = direction(n, seed);
            let series = about.taylor(&function.at, &dx, 5).await;
            assert_eq!(series[0], about.value(&function.at).await, "{}", function.name);
            assert_eq!(series[1], about.jvp(&function.at, &dx).await, "{}", function.name);
            if let [(_, [])] = function.outputs {
                let hessian = about.hessian(&function.at).await.1;
                let bend = dot(&dx, &times(&hessian, &dx));
                let scale = norm(&hessian.concat()) * dot(&dx, &dx);
                assert!((2.0 * series[2][0] - bend).abs() <= 1e-13 * scale, "{}: {:?} and {bend}", function.name, series[2]);
            }
            // A lower order is the beginning of a higher one.
            assert_eq!(about.taylor(&function.at, &dx, 2).await[..], series[..3], "{}", function.name);
            assert_eq!(about.taylor(&function.at, &dx, 0).await[..], series[..1], "{}", function.name);
            // Along s·dx coefficient k is sᵏ times as large.
            let twice: Vec<f64> = dx.iter().map(|d| -2.0 * d).collect();
            for (k, (far, near)) in about.taylor(&function.at, &twice, 5).await.iter().zip(&series).enumerate() {
                let scaled: Vec<f64> = near.iter().map(|c| (-2f64).powi(k as i32) * c).collect();
                assert!(apart(far, &scaled) <= 1e-12 * (norm(far) + norm(&series[1])), "{}: c{k}", function.name);
            }
            // What the sum to t⁵ leaves is of sixth order: half the step leaves a sixty-fourth.
            let mut before: Option<f64> = None;
            for step in 3..6 {
                let t = 0.5_f64.powi(step);
                let moved: Vec<f64> = function.at.iter().zip(&dx).map(|(x, d)| x + t * d).collect();
                let sum: Vec<f64> = (0..series[0].len()).map(|i| series.iter().rev().fold(0.0, |sum, c| sum * t + c[i])).collect();
                let remainder = apart(&about.value(&moved).await, &sum);
                if let Some(before) = before.filter(|before| *before > 1e-9) {
                    let order = (before / remainder).log2();
                    assert!((order - 6.0).abs() < 0.7, "{} at t = {t}: order {order}", function.name);
                }
                before = Some(remainder);
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

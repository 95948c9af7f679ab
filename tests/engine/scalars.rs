//! Small arrays taken apart into single numbers: the bits are those of the plain evaluator and of programs that keep arrays whole.

use nablad::engine::exec::naive;
use nablad::engine::graph::{Builder, Graph, NodeId};
use nablad::engine::op::Value;
use nablad::engine::program::{Program, Want};
use nablad::engine::{Shape, Tensor};

use super::slabs::{axis, call, with_gradient};
use super::{at, bits, run_program};

/// Numbers among which zeros, infinities and NaN meet in products and sums.
const EDGES: [f64; 9] = [0.0, 1.5, -0.0, f64::INFINITY, -2.0, f64::NAN, 1e-310, f64::NEG_INFINITY, 3.0];

fn bounds(start: Option<i64>, stop: Option<i64>, step: i64) -> [(&'static str, Value); 3] {
    [("start", Value::Bounds(vec![start])), ("stop", Value::Bounds(vec![stop])), ("step", Value::Bounds(vec![Some(step)]))]
}

fn total(g: &mut Builder, x: NodeId) -> NodeId {
    let bent = call(g, "sin", &[x], &[]);
    call(g, "sum", &[bent], &[])
}

/// Every way in which elements are rearranged, folded or multiplied, with the derivative of each.
fn functions() -> Vec<(&'static str, Graph)> {
    let ints = |name, values: &[i64]| [(name, Value::Ints(values.to_vec()))];
    let indices = |values: &[i64]| [("indices", Value::Indices(vec![values.len()], values.to_vec().into())), ("axis", Value::Int(0))];
    vec![
        (
            "broadcasting",
            with_gradient(&[&[3, 1], &[4]], |g, a| {
                let sum = call(g, "add", &[a[0], a[1]], &[]);
                let product = call(g, "multiply", &[sum, a[1]], &[]);
                total(g, product)
            }),
        ),
        (
            "sums over axes",
            with_gradient(&[&[2, 3, 5]], |g, a| {
                let both = call(g, "sum", &[a[0]], &ints("axis", &[0, 2]));
                let middle = call(g, "sum", &[a[0]], &axis(1));
                let squares = call(g, "square", &[middle], &[]);
                let (one, other) = (total(g, both), call(g, "sum", &[squares], &[]));
                call(g, "multiply", &[one, other], &[])
            }),
        ),
        ("a sum of as many as make a chunk", with_gradient(&[&[128]], |g, a| call(g, "sum", &[a[0]], &[]))),
        (
            "largest and smallest",
            with_gradient(&[&[3, 4]], |g, a| {
                let (most, least) = (call(g, "max", &[a[0]], &axis(1)), call(g, "min", &[a[0]], &axis(0)));
                let (most, least) = (total(g, most), total(g, least));
                call(g, "subtract", &[most, least], &[])
            }),
        ),
        (
            "a product of matrices",
            with_gradient(&[&[2, 3], &[3, 4]], |g, a| {
                let product = call(g, "matmul", a, &[]);
                total(g, product)
            }),
        ),
        (
            "products in a batch",
            with_gradient(&[&[2, 2, 3], &[3, 2]], |g, a| {
                let product = call(g, "matmul", a, &[]);
                total(g, product)
            }),
        ),
        (
            "a matrix between vectors",
            with_gradient(&[&[3], &[3, 3], &[3]], |g, a| {
                let left = call(g, "matmul", &[a[0], a[1]], &[]);
                let form = call(g, "matmul", &[left, a[2]], &[]);
                total(g, form)
            }),
        ),
        (
            "slices",
            with_gradient(&[&[10]], |g, a| {
                let (back, front) =
                    (call(g, "slice", &[a[0]], &bounds(Some(-2), Some(0), -2)), call(g, "slice", &[a[0]], &bounds(None, Some(4), 1)));
                let product = call(g, "multiply", &[back, front], &[]);
                total(g, product)
            }),
        ),
        (
            "taken and put together",
            with_gradient(&[&[4, 2], &[3, 2]], |g, a| {
                let taken = call(g, "take", &[a[0]], &indices(&[3, 0, 3, 1]));
                let joined = call(g, "concat", &[taken, a[1]], &[("axis", Value::Int(0))]);
                let turned = call(g, "transpose", &[joined], &ints("axes", &[1, 0]));
                let beside = call(g, "concat", &[turned, turned], &[("axis", Value::Int(1))]);
                let flat = call(g, "reshape", &[beside], &ints("shape", &[28]));
                total(g, flat)
            }),
        ),
        (
            "added at places",
            with_gradient(&[&[3, 2], &[5, 2]], |g, a| {
                let sums = call(g, "scatter_add", a, &indices(&[2, 0, 2, 2, 1]));
                total(g, sums)
            }),
        ),
        (
            "constants",
            with_gradient(&[&[4]], |g, a| {
                let numbers = g.constant(Tensor::new(Shape::from([4]), vec![1.0, -0.0, 2.5, f64::INFINITY]).unwrap());
                let product = call(g, "multiply", &[a[0], numbers], &[]);
                total(g, product)
            }),
        ),
        (
            "nothing",
            with_gradient(&[&[0], &[2]], |g, a| {
                let none = call(g, "sum", &[a[0]], &[]);
                let some = total(g, a[1]);
                call(g, "add", &[none, some], &[])
            }),
        ),
    ]
}

#[test]
fn small_arrays_are_taken_apart_and_keep_their_bits() {
    for (name, graph) in functions() {
        for first in 0..=EDGES.len() {
            // at first a point where everything is smooth
            let number = |i: usize| if first == 0 { 0.3 + 0.17 * i as f64 } else { EDGES[(i * i + i + first) % EDGES.len()] };
            let inputs: Vec<Vec<f64>> = graph.inputs().iter().map(|input| (0..input.shape.elements()).map(number).collect()).collect();
            let tensors: Vec<Tensor> =
                graph.inputs().iter().zip(&inputs).map(|(input, data)| Tensor::new(input.shape.clone(), data.clone()).unwrap()).collect();
            let plain: Vec<Vec<f64>> = naive::evaluate(&graph, &tensors).unwrap().into_iter().map(Tensor::into_data).collect();
            let alone = vec![false; inputs.len()];
            let whole = Program::compile_as_written(&graph, &Want::Value, &alone).unwrap();
            let apart = bits(&at(&graph, &Want::Value, &inputs));
            assert_eq!(apart, bits(&plain), "{name}, {first}");
            assert_eq!(apart, bits(&run_program(&whole, &Want::Value, &inputs, &alone, 1, 1)), "{name}, {first}");
        }
    }
}

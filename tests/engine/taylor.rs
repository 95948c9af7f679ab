//! Taylor coefficients against tangents of tangents, which are another way to the same numbers, and what they cost.

use nablad::engine::diff;
use nablad::engine::graph::{Builder, Graph, NodeId};
use nablad::engine::op;
use nablad::engine::program::Want;
use nablad::engine::{Error, Shape};
use proptest::prelude::*;

use super::at;
use super::properties::{close, config, numbers, point, split};
use super::random::function;

/// c₀ … c_order of every output by that many forward passes, one over the other.
fn by_tangents(graph: &Graph, order: usize) -> Result<Graph, Error> {
    let mut g = Builder::default();
    let copies = diff::copy(graph, &mut g)?;
    let pairs = directions(&mut g, graph, &copies)?;
    let mut level: Vec<Option<NodeId>> = graph.outputs().iter().map(|output| Some(copies[output.node.index()])).collect();
    let mut outputs: Vec<(String, NodeId)> = Vec::new();
    let mut factorial = 1.0;
    for k in 0..=order {
        if k > 0 {
            factorial *= k as f64;
            let present: Vec<NodeId> = level.iter().copied().flatten().collect();
            let mut dots = diff::jvp(&mut g, &pairs, &present)?.into_iter();
            level = level.into_iter().map(|node| node.and_then(|_| dots.next().flatten())).collect();
        }
        for (node, output) in level.iter().zip(graph.outputs()) {
            let like = copies[output.node.index()];
            let shape = g.shape(like).clone();
            let whole = node.map_or_else(|| g.zeros(&shape), Ok)?;
            let divisor = g.number(factorial);
            outputs.push((format!("{} {k}", output.name), g.divide(whole, divisor)?));
        }
    }
    Ok(g.finish(outputs))
}

fn directions(g: &mut Builder, graph: &Graph, copies: &[NodeId]) -> Result<Vec<(NodeId, NodeId)>, Error> {
    let pair = |input: &nablad::engine::graph::Input| {
        Ok((copies[input.node.index()], g.input(format!("{}_dot", input.name), input.shape.clone())?))
    };
    graph.inputs().iter().map(pair).collect()
}

/// What Taylor's program answers, in the order of [`by_tangents`].
fn by_taylor(graph: &Graph, order: usize, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let all = (0..graph.inputs().len()).collect();
    let results = at(graph, &Want::Taylor { inputs: all, order }, inputs);
    let outputs = graph.outputs().len();
    (0..=order).flat_map(|k| (0..outputs).map(move |i| outputs + i * (order + 1) + k)).map(|i| results[i].clone()).collect()
}

/// Coefficients to `order` are those of repeated tangents.
pub fn agree(graph: &Graph, order: usize, point: &[Vec<f64>], tolerance: f64) {
    let directions = point.iter().map(|values| values.iter().enumerate().map(|(i, _)| ((i * 7) % 5) as f64 / 2.0 - 0.75).collect());
    let inputs: Vec<Vec<f64>> = point.iter().cloned().chain(directions).collect();
    let (got, expected) = (by_taylor(graph, order, &inputs), at(&by_tangents(graph, order).unwrap(), &Want::Value, &inputs));
    for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
        let scale = expected.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        for (a, b) in got.iter().zip(expected) {
            assert!(close(*a, *b, tolerance, scale), "result {i}: {a} and {b}");
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn coefficients_are_those_of_repeated_tangents(numbers in numbers(), point in point(), dx in point()) {
        let graph = function(&numbers[..numbers.len().min(60)], true);
        let order = 4;
        let inputs = [split(&point), split(&dx)].concat();
        let got = by_taylor(&graph, order, &inputs);
        let expected = at(&by_tangents(&graph, order).unwrap(), &Want::Value, &inputs);
        prop_assert_eq!(got.len(), expected.len());
        for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
            let scale = expected.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            for (a, b) in got.iter().zip(expected) {
                prop_assert!(close(*a, *b, 1e-10, scale), "result {} of {:?}: {} and {}", i, graph.outputs().len(), a, b);
            }
        }
    }
}

fn find(name: &str) -> &'static op::Row {
    op::find(name).unwrap_or_else(|| panic!("no operator {name}"))
}

/// Nodes of a function of x (and y) and of its coefficients to `order`.
fn growth(order: usize, build: &dyn Fn(&mut Builder, NodeId, NodeId) -> NodeId) -> (usize, usize) {
    let mut g = Builder::default();
    let x = g.input("x", Shape::scalar()).unwrap();
    let y = g.input("y", Shape::scalar()).unwrap();
    let (dx, dy) = (g.input("dx", Shape::scalar()).unwrap(), g.input("dy", Shape::scalar()).unwrap());
    let f = build(&mut g, x, y);
    let before = g.len();
    diff::taylor(&mut g, &[(x, dx), (y, dy)], &[f], order).unwrap();
    (before - 4, g.len() - before)
}

/// A routine of linear algebra of [[2, sin x], [sin x, exp y]].
fn matrix(name: &'static str) -> Build {
    Box::new(move |g, x, y| {
        let call = |g: &mut Builder, name: &str, args: &[NodeId]| g.call(find(name), args).unwrap();
        let (a, b, two) = (call(g, "sin", &[x]), call(g, "exp", &[y]), g.number(2.0));
        let rows = [call(g, "stack", &[two, a]), call(g, "stack", &[a, b])];
        let matrix = call(g, "stack", &rows);
        let made = call(g, name, &[matrix]);
        call(g, "sum", &[made])
    })
}

type Build = Box<dyn Fn(&mut Builder, NodeId, NodeId) -> NodeId>;

#[test]
fn the_graph_grows_with_a_power_of_the_order() {
    let call = |g: &mut Builder, name: &str, args: &[NodeId]| g.call(find(name), args).unwrap();
    // each operator of something that has coefficients of every order
    let mut all: Vec<(String, Build)> = Vec::new();
    for row in op::rows().filter(|row| matches!(row.rule, op::Rule::Scalar { .. })) {
        let build = move |g: &mut Builder, x: NodeId, y: NodeId| {
            let (a, b) = (call(g, "sin", &[x]), call(g, "exp", &[y]));
            let args = [a, b, x, y, a, b];
            call(g, row.name, &args[..row.arity.most.unwrap_or(2)])
        };
        all.push((row.name.to_owned(), Box::new(build)));
    }
    let chain = |names: &'static [&'static str]| -> Build {
        Box::new(move |g, x, y| {
            names
                .iter()
                .rev()
                .fold(x, |inner, name| if find(name).arity.least == 1 { call(g, name, &[inner]) } else { call(g, name, &[inner, y]) })
        })
    };
    all.push(("chain".into(), chain(&["sin", "exp", "tanh", "erf", "sqrt", "cbrt", "log", "atan", "gelu", "softplus"])));
    all.push(("quotients".into(), chain(&["divide", "hypot", "divide", "atan2", "divide", "reciprocal", "rsqrt", "divide"])));
    all.push(("powers".into(), chain(&["pow", "exp", "pow", "sin", "pow"])));
    all.push((
        "sin(exp(x)·log(x))".into(),
        Box::new(move |g, x, _| {
            let (exp, log) = (call(g, "exp", &[x]), call(g, "log", &[x]));
            let product = call(g, "multiply", &[exp, log]);
            call(g, "sin", &[product])
        }),
    ));
    let linear_algebra = ["inv", "det", "cholesky", "pinv"].map(|name| (name.to_owned(), matrix(name)));
    for (name, build) in all.into_iter().chain(linear_algebra) {
        let sizes = [1, 2, 5, 10].map(|order| growth(order, &*build).1);
        println!("{name:20} {sizes:?}");
        // tangents of tangents would double with each order: 32 times as many at ten as at five; an incomplete function has a derivative
        // operator for every two or three orders, and grows with a power more for each
        let (times, most) = if name.contains("inc") && !name.starts_with("sinc") { (16, 5000) } else { (8, 2500) };
        assert!(sizes[3] <= times * sizes[2] + 16, "{name}: {sizes:?}");
        assert!(sizes[3] <= most * growth(0, &*build).0, "{name}: {sizes:?}");
    }
}

//! Kernels that run a slab at a time: the bits are those of the plain evaluator, which knows none of it.

use nablad::engine::exec::naive;
use nablad::engine::graph::{Builder, Graph, NodeId};
use nablad::engine::op::{self, Attributes, Value};
use nablad::engine::program::Want;
use nablad::engine::{Shape, Tensor, diff};

use super::{at, bits, run};

pub(super) fn call(g: &mut Builder, name: &str, args: &[NodeId], attributes: &[(&'static str, Value)]) -> NodeId {
    let row = op::find(name).expect("the table has it");
    let attributes = attributes.iter().cloned().fold(Attributes::none(), |all, (name, value)| all.with(name, value));
    g.apply(row, args, attributes).expect("it is well formed")
}

pub(super) fn axis(axis: i64) -> [(&'static str, Value); 1] {
    [("axis", Value::Ints(vec![axis]))]
}

/// What `write` makes of inputs of those shapes, and its derivative by all of them, as one graph.
pub(super) fn with_gradient(shapes: &[&[usize]], write: impl FnOnce(&mut Builder, &[NodeId]) -> NodeId) -> Graph {
    let mut g = Builder::default();
    let inputs: Vec<NodeId> = shapes.iter().enumerate().map(|(i, &shape)| g.input(format!("a{i}"), Shape::from(shape)).unwrap()).collect();
    let y = write(&mut g, &inputs);
    let bars = diff::vjp(&mut g, &[(y, diff::Cotangent::One)], &inputs).unwrap();
    let outputs = [Some(y)].into_iter().chain(bars).flatten().enumerate().map(|(i, id)| (format!("{i}"), id)).collect();
    g.finish(outputs)
}

/// Distances of n points from k centres in d dimensions, each under a matrix of its own, and a soft minimum of them.
pub(super) fn mixture(k: usize, n: usize, d: usize) -> Graph {
    let turn = [("axes", Value::Ints(vec![0, 2, 1]))];
    with_gradient(&[&[n, d], &[k, d], &[k, d, d]], |g, a| {
        let x = call(g, "expand_dims", &[a[0]], &axis(0));
        let m = call(g, "expand_dims", &[a[1]], &axis(1));
        let centred = call(g, "subtract", &[x, m], &[]);
        let turned = call(g, "transpose", &[centred], &turn);
        let product = call(g, "matmul", &[a[2], turned], &[]);
        let back = call(g, "transpose", &[product], &turn);
        let squares = call(g, "multiply", &[back, back], &[]);
        let distances = call(g, "sum", &[squares], &axis(2));
        let negative = call(g, "negative", &[distances], &[]);
        let near = call(g, "exp", &[negative], &[]);
        let all = call(g, "sum", &[near], &axis(0));
        let logarithms = call(g, "log1p", &[all], &[]);
        call(g, "sum", &[logarithms], &[])
    })
}

/// A chain of neighbours: Σ (100·(x[1:] − x[:-1]²)² + (1 − x[:-1])²).
fn chain(g: &mut Builder, x: NodeId) -> NodeId {
    let bounds = |start: i64, stop: Option<i64>| [("start", Value::Bounds(vec![Some(start)])), ("stop", Value::Bounds(vec![stop]))];
    let next = call(g, "slice", &[x], &bounds(1, None));
    let own = call(g, "slice", &[x], &bounds(0, Some(-1)));
    let square = call(g, "square", &[own], &[]);
    let difference = call(g, "subtract", &[next, square], &[]);
    let (one, hundred) = (g.number(1.0), g.number(100.0));
    let distance = call(g, "subtract", &[one, own], &[]);
    let (a, b) = (call(g, "square", &[difference], &[]), call(g, "square", &[distance], &[]));
    let a = call(g, "multiply", &[hundred, a], &[]);
    let sum = call(g, "add", &[a, b], &[]);
    call(g, "sum", &[sum], &[])
}

pub(super) fn neighbours(n: usize) -> Graph {
    with_gradient(&[&[n]], |g, a| chain(g, a[0]))
}

/// Sums and differences of neighbours, again and again, each shorter than the one before: what is read back grows on the way.
pub(super) fn smoothed(n: usize, times: usize) -> Graph {
    with_gradient(&[&[n]], |g, a| {
        let mut x = a[0];
        for _ in 0..times {
            x = neighbour_products(g, x);
        }
        call(g, "sum", &[x], &[])
    })
}

fn neighbour_products(g: &mut Builder, x: NodeId) -> NodeId {
    let bounds = |start: i64, stop: Option<i64>| [("start", Value::Bounds(vec![Some(start)])), ("stop", Value::Bounds(vec![stop]))];
    let next = call(g, "slice", &[x], &bounds(1, None));
    let own = call(g, "slice", &[x], &bounds(0, Some(-1)));
    let product = call(g, "multiply", &[next, own], &[]);
    call(g, "sin", &[product], &[])
}

/// All that is folded of what is made of one vector, and nothing else of it.
pub(super) fn totals(n: usize) -> Graph {
    let mut g = Builder::default();
    let (a, b) = (g.input("a", Shape::from([n])).unwrap(), g.input("b", Shape::from([n])).unwrap());
    let bent = call(&mut g, "sin", &[a], &[]);
    let product = call(&mut g, "multiply", &[bent, b], &[]);
    let outputs = [("sum", bent), ("max", product), ("min", bent), ("sum", product)];
    let outputs = outputs.into_iter().enumerate().map(|(i, (fold, x))| (format!("{i}"), call(&mut g, fold, &[x], &[]))).collect();
    g.finish(outputs)
}

/// Elementwise work between sums over rows and over columns of one matrix.
pub(super) fn rows_and_columns(rows: usize, columns: usize) -> Graph {
    with_gradient(&[&[rows, columns], &[columns]], |g, a| {
        let scaled = call(g, "multiply", &[a[0], a[1]], &[]);
        let bent = call(g, "tanh", &[scaled], &[]);
        let by_row = call(g, "sum", &[bent], &[("axis", Value::Ints(vec![1])), ("keepdims", Value::Bool(true))]);
        let off = call(g, "subtract", &[bent, by_row], &[]);
        let turned = call(g, "transpose", &[off], &[]);
        let squares = call(g, "square", &[turned], &[]);
        let by_column = call(g, "sum", &[squares], &axis(1));
        let roots = call(g, "sqrt", &[by_column], &[]);
        call(g, "sum", &[roots], &[])
    })
}

/// A long chain of neighbours beside sums that are fewer than its blocks.
pub(super) fn long_and_short(long: usize, short: usize) -> Graph {
    with_gradient(&[&[long], &[short, 3], &[3, 3]], |g, a| {
        let whole = chain(g, a[0]);
        // behind the first of the long ones, and read by none of them
        let product = call(g, "matmul", &[a[1], a[2]], &[]);
        let rows = call(g, "sum", &[product], &axis(1));
        let squares = call(g, "square", &[rows], &[]);
        let short = call(g, "sum", &[squares], &[]);
        call(g, "add", &[whole, short], &[])
    })
}

/// Products, and beside them a vector that is padded at both ends by as many numbers as there are products.
pub(super) fn padded_beside_products(batch: usize, length: usize) -> Graph {
    with_gradient(&[&[batch, 80, 60], &[batch, 60, 70], &[length]], |g, a| {
        let products = call(g, "matmul", &[a[0], a[1]], &[]);
        let cubes = call(g, "tanh", &[products], &[]);
        let ends = [
            ("start", Value::Ints(vec![batch as i64 / 2])),
            ("step", Value::Ints(vec![1])),
            ("shape", Value::Ints(vec![(length + batch) as i64])),
        ];
        let bent = call(g, "sin", &[a[2]], &[]);
        let total = call(g, "sum", &[bent], &[]);
        let own = call(g, "multiply", &[bent, total], &[]);
        let padded = call(g, "embed", &[own], &ends);
        let shown = call(g, "exp", &[padded], &[]);
        let (a, b) = (call(g, "sum", &[cubes], &[]), call(g, "sum", &[shown], &[]));
        call(g, "add", &[a, b], &[])
    })
}

pub(super) fn values(n: usize, salt: usize) -> Vec<f64> {
    (0..n).map(|i| (((i * 7919 + salt * 104_729) % 4001) as f64 - 2000.0) / 3977.0).collect()
}

#[test]
fn slabs_have_the_bits_of_the_plain_evaluator() {
    for (name, graph) in [
        ("25 matrices", mixture(25, 350, 5)),
        ("3 large ones", mixture(3, 1100, 9)),
        ("17 and many rows", mixture(17, 1025, 2)),
        ("neighbours", neighbours(50_001)),
        ("fewer neighbours", neighbours(16_385)),
        ("neighbours beyond the last block", neighbours(4096 * 9 + 1)),
        ("neighbours up to it", neighbours(4096 * 9)),
        ("neighbours' neighbours", smoothed(30_003, 5)),
        ("neighbours from afar", smoothed(20_000, 40)),
        ("totals", totals(50_077)),
        ("rows and columns", rows_and_columns(300, 130)),
        ("more columns", rows_and_columns(77, 1031)),
        ("few sums beside many numbers", long_and_short(60_000, 5_000)),
        ("padding at both ends", padded_beside_products(4, 20_000)),
    ] {
        let shapes: Vec<Shape> = graph.inputs().iter().map(|input| input.shape.clone()).collect();
        let point = |salt: usize| shapes.iter().enumerate().map(move |(i, shape)| values(shape.elements(), salt + i)).collect::<Vec<_>>();
        let plainly = |point: &[Vec<f64>]| {
            let inputs: Vec<Tensor> =
                shapes.iter().zip(point).map(|(shape, data)| Tensor::new(shape.clone(), data.clone()).unwrap()).collect();
            naive::evaluate(&graph, &inputs).unwrap().into_iter().map(Tensor::into_data).collect::<Vec<_>>()
        };
        let (a, b) = (point(1), point(11));
        assert_eq!(bits(&at(&graph, &Want::Value, &a)), bits(&plainly(&a)), "{name}");
        // and as lanes
        let both: Vec<Vec<f64>> = a.iter().zip(&b).map(|(a, b)| [&a[..], b].concat()).collect();
        let results = run(&graph, &Want::Value, &both, &vec![true; a.len()], 2, 2);
        let separate: Vec<Vec<f64>> = plainly(&a).iter().zip(plainly(&b)).map(|(a, b)| [&a[..], &b].concat()).collect();
        assert_eq!(bits(&results), bits(&separate), "{name}, two points");
    }
}

//! Work that is shared out to a crew: whoever does which part in which order, the bits are those of one thread and of the plain evaluator.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nablad::engine::exec::crew::Crew;
use nablad::engine::exec::native::Backend;
use nablad::engine::exec::{Desk, Means, Scratch, naive};
use nablad::engine::graph::{Builder, Graph, NodeId};
use nablad::engine::op::Value;
use nablad::engine::program::{Binding, Program, Stopped, Want};
use nablad::engine::{Shape, Tensor};

use super::bits;
use super::slabs::{
    axis, call, long_and_short, mixture, neighbours, padded_beside_products, rows_and_columns, smoothed, totals, values, with_gradient,
};

/// In which order a crew takes parts.
#[derive(Debug, Clone, Copy)]
enum Order {
    Forward,
    Reverse,
    /// Every third, from the first, the second, the third on; each at another desk.
    Interleaved,
    /// On threads, as it happens.
    Threads,
}

#[derive(Debug)]
struct Test {
    size: usize,
    order: Order,
    parts: AtomicUsize,
}

impl Crew for Test {
    fn size(&self) -> usize {
        self.size
    }

    fn run(&self, own: &mut Desk, parts: usize, work: &(dyn Fn(usize, &mut Desk) + Sync)) {
        self.parts.fetch_add(parts, Ordering::Relaxed);
        match self.order {
            Order::Forward => (0..parts).for_each(|part| work(part, own)),
            Order::Reverse => (0..parts).rev().for_each(|part| work(part, own)),
            Order::Interleaved => {
                let mut desks: Vec<Desk> = (0..3).map(|_| Desk::default()).collect();
                (0..3).for_each(|first| (first..parts).step_by(3).for_each(|part| work(part, &mut desks[first])));
            }
            Order::Threads => {
                let next = Mutex::new(0..parts);
                let take = || next.lock().unwrap().next();
                std::thread::scope(|scope| {
                    for _ in 1..self.size {
                        scope.spawn(|| {
                            let mut desk = Desk::default();
                            while let Some(part) = take() {
                                work(part, &mut desk);
                            }
                        });
                    }
                    while let Some(part) = take() {
                        work(part, own);
                    }
                });
            }
        }
    }
}

/// How many threads, and how they come to the parts.
const SIZES: [(usize, Order); 9] = [
    (1, Order::Forward),
    (2, Order::Reverse),
    (3, Order::Interleaved),
    (4, Order::Threads),
    (5, Order::Forward),
    (6, Order::Reverse),
    (7, Order::Interleaved),
    (8, Order::Threads),
    (64, Order::Reverse),
];

fn results(program: &Program, inputs: &[Vec<f64>], points: usize, backend: Backend, crew: Option<&dyn Crew>) -> Vec<Vec<f64>> {
    let bindings: Vec<Binding<'_>> = inputs.iter().map(|data| Binding { data, per_point: points > 1 }).collect();
    let mut results: Vec<Vec<f64>> = program.results().iter().map(|size| vec![0.3; size * points]).collect();
    let mut out: Vec<&mut [f64]> = results.iter_mut().map(|result| &mut result[..]).collect();
    let (mut scratch, stop) = (Scratch::on(backend), AtomicBool::new(false));
    // twice: what the first leaves behind must not matter
    for _ in 0..2 {
        program.run_with(&bindings, 0..points, &mut scratch, Means { stop: &stop, crew }, &mut out).expect("nobody stops it");
    }
    results
}

/// One function of one operator.
fn of(shapes: &[&[usize]], write: impl FnOnce(&mut Builder, &[NodeId]) -> NodeId) -> Graph {
    let mut g = Builder::default();
    let inputs: Vec<NodeId> = shapes.iter().enumerate().map(|(i, &shape)| g.input(format!("a{i}"), Shape::from(shape)).unwrap()).collect();
    let y = write(&mut g, &inputs);
    g.finish(vec![("y".into(), y)])
}

fn elementwise(n: usize) -> Graph {
    with_gradient(&[&[n], &[n]], |g, a| {
        let (e, s) = (call(g, "exp", &[a[0]], &[]), call(g, "sin", &[a[1]], &[]));
        let both = call(g, "multiply", &[e, s], &[]);
        call(g, "sum", &[both], &[])
    })
}

fn fold(name: &'static str, shape: &[usize], over: i64) -> Graph {
    of(&[shape], |g, a| call(g, name, &[a[0]], &axis(over)))
}

fn product(left: &[usize], right: &[usize]) -> Graph {
    of(&[left, right], |g, a| call(g, "matmul", &[a[0], a[1]], &[]))
}

/// Its name, the function, and whether there is anything to cut for a crew of more than one.
fn functions() -> Vec<(&'static str, Graph, bool)> {
    vec![
        ("elements", elementwise(50_021), true),
        ("few elements", elementwise(77), false),
        ("neighbours' neighbours", smoothed(60_003, 4), true),
        ("totals", totals(200_077), true),
        ("a sum", fold("sum", &[400_129], 0), true),
        ("a sum of whole chunks", fold("sum", &[1 << 18], 0), true),
        ("few sums", fold("sum", &[3, 100_001], 1), true),
        ("few sums of columns", fold("sum", &[100_001, 3], 0), true),
        ("many sums", fold("sum", &[701, 301], 1), true),
        ("a largest one", fold("max", &[300_007], 0), true),
        ("a smallest one of each", fold("min", &[200_003, 2], 0), true),
        ("a product", product(&[131, 170], &[170, 111]), true),
        ("products", product(&[5, 61, 50], &[5, 50, 77]), true),
        ("a product of two rows", product(&[2, 700], &[700, 901]), true),
        ("one of one row", product(&[1, 900], &[900, 1303]), true),
        ("a matrix by a vector", product(&[1301, 999], &[999, 1]), true),
        ("a small product", product(&[7, 9], &[9, 5]), false),
        ("a convolution", of(&[&[300], &[2003]], |g, a| call(g, "convolve", &[a[0], a[1]], &[])), true),
        (
            "an interpolation",
            of(&[&[20_011]], |g, a| {
                let knots = |values: &[f64]| Value::Reals(values.iter().map(|&value| value.into()).collect());
                call(g, "interp", &[a[0]], &[("xp", knots(&[-0.4, 0.0, 0.1, 0.3])), ("fp", knots(&[1.0, -1.0, 2.0, 0.5]))])
            }),
            true,
        ),
        ("25 matrices", mixture(25, 350, 5), true),
        ("3 large ones", mixture(3, 1100, 9), true),
        ("neighbours", neighbours(50_001), true),
        ("rows and columns", rows_and_columns(300, 130), true),
        ("few sums beside many numbers", long_and_short(60_000, 5_000), true),
        ("padding at both ends", padded_beside_products(4, 20_000), true),
    ]
}

#[test]
fn the_bits_are_those_of_one_thread() {
    for (name, graph, cut) in functions() {
        let shapes: Vec<Shape> = graph.inputs().iter().map(|input| input.shape.clone()).collect();
        let inputs = |points: usize| -> Vec<Vec<f64>> {
            shapes.iter().enumerate().map(|(i, shape)| values(shape.elements() * points, 3 + i)).collect()
        };
        let tensors: Vec<Tensor> =
            shapes.iter().zip(inputs(1)).map(|(shape, data)| Tensor::new(shape.clone(), data).expect("as many")).collect();
        let plainly: Vec<Vec<f64>> = naive::evaluate(&graph, &tensors).unwrap().into_iter().map(Tensor::into_data).collect();
        // every number of threads, interpreted and as machine code by turns
        for (points, sizes) in [(1, &SIZES[..]), (3, &SIZES[2..4])] {
            let program = Program::compile(&graph, &Want::Value, &vec![points > 1; shapes.len()]).unwrap();
            let inputs = inputs(points);
            let alone = bits(&results(&program, &inputs, points, Backend::Interpreter, None));
            let native = bits(&results(&program, &inputs, points, Backend::Native, None));
            assert!(alone == native, "{name}: other bits as machine code");
            if points == 1 {
                assert!(alone == bits(&plainly), "{name}: not as the plain evaluator has it");
            }
            for &(size, order) in sizes {
                let crew = Test { size, order, parts: AtomicUsize::new(0) };
                let backend = if size % 2 == 0 { Backend::Native } else { Backend::Interpreter };
                let shared = bits(&results(&program, &inputs, points, backend, Some(&crew)));
                assert!(shared == alone, "{name}: other bits at {points} points with {crew:?}");
                let expected = cut && size > 1;
                assert_eq!(crew.parts.into_inner() > 0, expected, "{name}: cut for {size} at {points} points");
            }
        }
    }
}

/// Stops the work while it is shared out.
struct Stopping<'s>(&'s AtomicBool, Test);

impl Crew for Stopping<'_> {
    fn size(&self) -> usize {
        self.1.size
    }

    fn run(&self, own: &mut Desk, parts: usize, work: &(dyn Fn(usize, &mut Desk) + Sync)) {
        self.0.store(true, Ordering::Relaxed);
        self.1.run(own, parts, work);
    }
}

#[test]
fn a_stop_flag_ends_what_is_shared_out_and_leaves_the_scratch_memory_whole() {
    for (name, graph, cut) in functions() {
        let program = Program::compile(&graph, &Want::Value, &vec![false; graph.inputs().len()]).unwrap();
        let inputs: Vec<Vec<f64>> = graph.inputs().iter().enumerate().map(|(i, input)| values(input.shape.elements(), 3 + i)).collect();
        let bindings: Vec<Binding<'_>> = inputs.iter().map(|data| Binding { data, per_point: false }).collect();
        let (stop, mut scratch) = (AtomicBool::new(false), Scratch::default());
        let crew = Stopping(&stop, Test { size: 3, order: Order::Interleaved, parts: AtomicUsize::new(0) });
        let mut once = |crew: Option<&dyn Crew>| {
            let mut results: Vec<Vec<f64>> = program.results().iter().map(|&size| vec![0.3; size]).collect();
            let mut out: Vec<&mut [f64]> = results.iter_mut().map(|result| &mut result[..]).collect();
            let done = program.run_with(&bindings, 0..1, &mut scratch, Means { stop: &stop, crew }, &mut out);
            done.map(|()| bits(&results))
        };
        assert_eq!(once(Some(&crew)).is_err(), cut, "{name}");
        stop.store(false, Ordering::Relaxed);
        assert!(once(None) == Ok::<_, Stopped>(bits(&results(&program, &inputs, 1, Backend::Auto, None))), "{name}");
    }
}

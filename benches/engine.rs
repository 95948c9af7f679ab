//! Throughput in this process, without HTTP: value and gradient of Black–Scholes by five inputs, in nanoseconds a point.
//!
//! `engine` runs the compiled program on one thread; `service` answers the whole JSON request, reading and writing included.
//! `split` is one large function on one thread and on two that share it out, taking turns.
//! Run with `cargo bench --bench engine`, the latter alone with `-- split`. Times are medians; no harness, so that what is timed is what stands here.

use std::fmt::Write;
use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use nablad::engine::exec::crew::Crew;
use nablad::engine::exec::{Means, Scratch};
use nablad::engine::graph::{Builder, Graph, NodeId};
use nablad::engine::op::{Row, find};
use nablad::engine::program::{Binding, Mode, Program, Want};
use nablad::engine::{Error, Shape};
use nablad::service::{Endpoint, Service, Settings};

const INPUTS: [&str; 5] = ["S", "K", "r", "sigma", "T"];
const FORMULA: &str = "d1 = (log(S/K) + (r + sigma^2/2)*T)/(sigma*sqrt(T)); S*ndtr(d1) - K*exp(-r*T)*ndtr(d1 - sigma*sqrt(T))";

fn main() {
    if !std::env::args().any(|argument| argument == "split") {
        points();
    }
    split();
}

fn points() {
    println!("{:>9} {:>16} {:>16}   ns/point", "points", "engine", "service (JSON)");
    let mut settings = Settings::default();
    settings.limits.derivative_cells = 10_000_000; // the default refuses five million
    let service = Service::start(settings);
    for points in [1, 1_000, 1_000_000] {
        let columns = columns(points);
        println!("{points:>9} {:>16.1} {:>16.1}", engine(&columns, points), answer(&service, &columns, points));
    }
}

/// Large functions of one point, and small ones on both sides of what is shared out.
fn split() {
    println!("\n{:>42} {:>12} {:>12} {:>7}", "one point", "1 thread", "2 threads", "ratio");
    // the caller is the other thread
    let service = Service::start(Settings { workers: 1, ..Settings::default() });
    let waves = |n: usize| {
        graph(&[&[n]], |g, x| {
            let (e, s) = (g.call(op("exp"), &[x[0]])?, g.call(op("sin"), &[x[0]])?);
            g.multiply(e, s)
        })
    };
    for n in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 1_000_000] {
        compare(&format!("exp(x)·sin(x), {n} elements"), &waves(n), &Want::Value, &service);
    }
    let total = graph(&[&[1_000_000]], |g, x| {
        let (e, s) = (g.call(op("exp"), &[x[0]])?, g.call(op("sin"), &[x[0]])?);
        let all = g.multiply(e, s)?;
        g.call(op("sum"), &[all])
    });
    let gradient = Want::Gradient { wrt: vec![0], mode: Mode::Auto };
    compare("Σ exp(x)·sin(x) and gradient, 1000000", &total, &gradient, &service);
    for n in [60, 120, 1_000] {
        let product = graph(&[&[n, n], &[n, n]], |g, x| g.call(op("matmul"), &[x[0], x[1]]));
        compare(&format!("product of two {n} × {n}"), &product, &Want::Value, &service);
    }
    for n in [100_000, 10_000_000] {
        let sum = graph(&[&[n]], |g, x| g.call(op("sum"), &[x[0]]));
        compare(&format!("sum of {n}"), &sum, &Want::Value, &service);
    }
}

fn op(name: &str) -> &'static Row {
    find(name).expect("the operator exists")
}

fn graph(shapes: &[&[usize]], write: impl FnOnce(&mut Builder, &[NodeId]) -> Result<NodeId, Error>) -> Graph {
    let mut g = Builder::default();
    let inputs: Result<Vec<NodeId>, Error> =
        shapes.iter().enumerate().map(|(i, shape)| g.input(format!("x{i}"), Shape::from(*shape))).collect();
    let y = inputs.and_then(|inputs| write(&mut g, &inputs)).expect("the function is valid");
    g.finish(vec![("y".into(), y)])
}

/// The medians of one thread's times and of two threads', taking turns.
fn compare(name: &str, graph: &Graph, want: &Want, service: &Service) {
    let shapes: Vec<Shape> = graph.inputs().iter().map(|input| input.shape.clone()).collect();
    let program = Program::compile(graph, want, &vec![false; shapes.len()]).expect("the function compiles");
    let data: Vec<Vec<f64>> =
        shapes.iter().map(|shape| (0..shape.elements()).map(|i| ((i * 7919) % 4001) as f64 / 2000.0 - 1.0).collect()).collect();
    let inputs: Vec<Binding<'_>> = data.iter().map(|data| Binding { data, per_point: false }).collect();
    let mut results: Vec<Vec<f64>> = program.results().iter().map(|&size| vec![0.0; size]).collect();
    let (mut scratch, never, crew) = (Scratch::default(), AtomicBool::new(false), service.crew());
    let mut once = |crew: Option<&dyn Crew>| {
        let mut out: Vec<&mut [f64]> = results.iter_mut().map(|result| &mut result[..]).collect();
        let begun = Instant::now();
        program.run_with(&inputs, 0..1, &mut scratch, Means { stop: &never, crew }, &mut out).expect("nobody stops it");
        black_box(&mut out);
        begun.elapsed()
    };
    let (start, mut one, mut two) = (Instant::now(), Vec::new(), Vec::new());
    while one.len() < 40 || start.elapsed() < Duration::from_secs(2) {
        one.push(once(None));
        two.push(once(Some(&crew)));
    }
    let [one, two] = [one, two].map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e6
    });
    println!("{name:>42} {one:>9.1} µs {two:>9.1} µs {:>7.2}", one / two);
}

/// The formula, built by hand.
fn black_scholes() -> Result<Graph, Error> {
    let mut g = Builder::default();
    let [s, k, r, sigma, t] = INPUTS.map(|name| g.input(name, Shape::scalar()).expect("a scalar is within all bounds"));
    let root = g.call(op("sqrt"), &[t])?;
    let spread = g.multiply(sigma, root)?;
    let ratio = g.divide(s, k)?;
    let log = g.call(op("log"), &[ratio])?;
    let variance = g.square(sigma)?;
    let half = g.scale(0.5, variance)?;
    let drift = g.add(r, half)?;
    let drifted = g.multiply(drift, t)?;
    let numerator = g.add(log, drifted)?;
    let d1 = g.divide(numerator, spread)?;
    let d2 = g.subtract(d1, spread)?;
    let years = g.multiply(r, t)?;
    let years = g.negative(years)?;
    let discount = g.call(op("exp"), &[years])?;
    let present = g.multiply(k, discount)?;
    let (in_money, exercised) = (g.call(op("ndtr"), &[d1])?, g.call(op("ndtr"), &[d2])?);
    let (received, paid) = (g.multiply(s, in_money)?, g.multiply(present, exercised)?);
    let price = g.subtract(received, paid)?;
    Ok(g.finish(vec![("price".into(), price)]))
}

/// Quotes that differ from point to point, the same ones every time.
fn columns(points: usize) -> [Vec<f64>; 5] {
    let spread =
        |low: f64, high: f64, stride: usize| (0..points).map(|i| low + (high - low) * ((i * stride) % 1009) as f64 / 1009.0).collect();
    [spread(80.0, 120.0, 7), spread(80.0, 120.0, 11), spread(0.0, 0.1, 13), spread(0.1, 0.5, 17), spread(0.1, 3.0, 19)]
}

fn engine(columns: &[Vec<f64>; 5], points: usize) -> f64 {
    let graph = black_scholes().expect("the formula is valid");
    let want = Want::Gradient { wrt: (0..INPUTS.len()).collect(), mode: Mode::Auto };
    let program = Program::compile(&graph, &want, &[true; INPUTS.len()]).expect("one scalar output");
    let inputs: Vec<Binding<'_>> = columns.iter().map(|data| Binding { data, per_point: true }).collect();
    let mut results: Vec<Vec<f64>> = program.results().iter().map(|size| vec![0.0; size * points]).collect();
    let (mut scratch, never) = (Scratch::default(), AtomicBool::new(false));
    nanoseconds(points, || {
        for first in (0..points).step_by(program.block()) {
            let run = first..points.min(first + program.block());
            let mut out: Vec<&mut [f64]> =
                results.iter_mut().zip(program.results()).map(|(result, size)| &mut result[run.start * size..run.end * size]).collect();
            program.run(&inputs, run, &mut scratch, &never, &mut out).expect("nobody stops it");
        }
        black_box(&mut results);
    })
}

fn answer(service: &Service, columns: &[Vec<f64>; 5], points: usize) -> f64 {
    let mut body = format!(r#"{{"formula":"{FORMULA}","points":{{"#);
    for (i, (name, column)) in INPUTS.iter().zip(columns).enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write!(body, r#"{comma}"{name}":{column:?}"#).expect("a string takes all");
    }
    body.push_str("}}");
    nanoseconds(points, || {
        let answer = service.answer_blocking(Endpoint::Gradient, body.as_bytes());
        black_box(answer).unwrap_or_else(|failure| panic!("{failure:?}"));
    })
}

/// The median time of `work` over `points`: as many runs as fit in two seconds, at least five, after one to warm up. Short work is
/// repeated within a run, so that the clock is not what is measured.
fn nanoseconds(points: usize, mut work: impl FnMut()) -> f64 {
    let repeats = (1_000 / points).max(1);
    work();
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.len() < 5 || start.elapsed() < Duration::from_secs(2) {
        let run = Instant::now();
        (0..repeats).for_each(|_| work());
        times.push(run.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2].as_nanos() as f64 / (repeats * points) as f64
}

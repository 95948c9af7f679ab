//! What each step from a request to its answer costs by itself, in this process: `cargo bench --bench stages`.
//!
//! Times are medians; no harness, so that what is timed is what stands here. The function is a random graph of + · sin exp(−x²) over 16
//! scalars, every node of which counts: the large graphs that generators write are of this kind, and their cost is that of memory.

use std::fmt::Write;
use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use nablad::engine::diff;
use nablad::engine::exec::Scratch;
use nablad::engine::graph::{Bounds, Builder, Graph, NodeId};
use nablad::engine::program::{Binding, Program, Want};
use nablad::engine::simplify::simplify;
use nablad::service::{Endpoint, Limits, Service, Settings, stages};

const INPUTS: usize = 16;

fn main() {
    println!("from JSON to a program, ns a node:");
    println!("{:>9} {:>8} {:>8} {:>14} {:>9} {:>7} {:>7}", "nodes", "read", "build", "differentiate", "simplify", "lower", "run");
    for nodes in [1_000, 10_000, 100_000] {
        compile(nodes);
    }
    println!("\na program over points, ns a point, by how many are run at once:");
    tiles();
    println!("\nnumbers, ns each:");
    numbers();
}

/// The request for the gradient of a random graph.
fn request(nodes: usize) -> String {
    let mut draw = Draw(8);
    let mut body = String::from(r#"{"graph":{"inputs":["#);
    (0..INPUTS).for_each(|i| write!(body, r#"{}"n{i}""#, if i == 0 { "" } else { "," }).expect("a string takes all"));
    body.push_str(r#"],"nodes":["#);
    for i in INPUTS..nodes {
        let (near, far) = (i - 1 - draw.below(200.min(i)), draw.below(i));
        let comma = if i == INPUTS { "" } else { "," };
        write!(body, r#"{comma}{{"name":"n{i}","op":"#).expect("a string takes all");
        match draw.below(20) {
            // half of a product, so that values stay small
            0..7 => write!(body, r#""add","args":[{{"op":"multiply","args":[0.5,"n{near}"]}},"n{far}"]}}"#),
            7..14 => write!(body, r#""multiply","args":["n{near}","n{far}"]}}"#),
            14..17 => write!(body, r#""sin","args":["n{near}"]}}"#),
            _ => write!(body, r#""exp","args":[{{"op":"negative","args":[{{"op":"square","args":["n{near}"]}}]}}]}}"#),
        }
        .expect("a string takes all");
    }
    body.push_str(r#"],"outputs":[{"name":"y","value":{"op":"add","args":["#);
    (INPUTS..nodes).for_each(|i| write!(body, r#"{}"n{i}""#, if i == INPUTS { "" } else { "," }).expect("a string takes all"));
    body.push_str(r#"]}}]},"at":{"#);
    (0..INPUTS).for_each(|i| write!(body, r#"{}"n{i}":0.{i}"#, if i == 0 { "" } else { "," }).expect("a string takes all"));
    body.push_str("}}");
    body
}

/// Numbers that are the same every time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        ((self.0 >> 33) as usize) % bound
    }
}

fn compile(nodes: usize) {
    let (body, limits) = (request(nodes), Limits::default());
    let service = Service::start(Settings { workers: 1, ..Settings::default() });
    let read = || stages::read(&service, Endpoint::Gradient, body.as_bytes()).unwrap_or_else(|failure| panic!("{failure:?}"));
    let written = read();
    let build = || written.build(&limits).unwrap_or_else(|failure| panic!("{failure:?}"));
    let graph = build();
    let differentiate = || gradient(&graph);
    let derivative = differentiate();
    let simple = simplify(derivative.clone()).expect("it is within all bounds");
    let lower = || Program::compile(&simple, &Want::Value, &[false; INPUTS]).expect("it is within all bounds");
    let (program, numbers) = (lower(), [0.25]);
    let inputs = [Binding { data: &numbers, per_point: false }; INPUTS];
    let (mut scratch, never) = (Scratch::default(), AtomicBool::new(false));
    let mut results: Vec<Vec<f64>> = program.results().iter().map(|size| vec![0.0; *size]).collect();
    let mut run = || {
        let mut out: Vec<&mut [f64]> = results.iter_mut().map(|result| &mut result[..]).collect();
        program.run(&inputs, 0..1, &mut scratch, &never, &mut out).expect("nobody stops it");
    };
    let columns = [
        (8, time(nodes, || drop(black_box(read())))),
        (8, time(nodes, || drop(black_box(build())))),
        (14, time(nodes, || drop(black_box(differentiate())))),
        (9, time(nodes, || drop(black_box(simplify(derivative.clone()))))),
        (7, time(nodes, || drop(black_box(lower())))),
        (7, time(nodes, &mut run)),
    ];
    print!("{nodes:>9}");
    columns.iter().for_each(|(width, time)| print!(" {time:>width$.1}"));
    println!();
}

/// The function and its gradient as one graph.
fn gradient(graph: &Graph) -> Graph {
    let mut g = Builder::resume(graph, Bounds::default()).expect("it is within all bounds");
    let inputs: Vec<NodeId> = graph.inputs().iter().map(|input| input.node).collect();
    let y = graph.scalar_output().expect("it has one output");
    let bars = diff::gradient(&mut g, y, &inputs).expect("it is within all bounds");
    g.finish(std::iter::once(y).chain(bars.into_iter().flatten()).map(|node| ("y".to_owned(), node)).collect())
}

/// Black–Scholes and its gradient over 2¹⁴ points.
fn tiles() {
    const POINTS: usize = 1 << 14;
    let service = Service::start(Settings { workers: 1, ..Settings::default() });
    let body = black_scholes(POINTS);
    let run = service.prepare(Endpoint::Gradient, body.as_bytes()).unwrap_or_else(|failure| panic!("{failure:?}"));
    let (program, inputs) = (run.program(), run.inputs());
    let (mut scratch, never) = (Scratch::default(), AtomicBool::new(false));
    let mut results: Vec<Vec<f64>> = program.results().iter().map(|size| vec![0.0; size * POINTS]).collect();
    for size in [1, 4, 16, 64, 256, 1024, POINTS] {
        let time = time(POINTS, || {
            for first in (0..POINTS).step_by(size) {
                let block = first..first + size;
                let mut out: Vec<&mut [f64]> = results.iter_mut().map(|result| &mut result[block.clone()]).collect();
                program.run(&inputs, block, &mut scratch, &never, &mut out).expect("nobody stops it");
            }
        });
        println!("{size:>9} {time:>8.1}");
    }
    let answer = || service.answer_blocking(Endpoint::Gradient, body.as_bytes()).unwrap_or_else(|failure| panic!("{failure:?}"));
    println!("{:>9} {:>8.1}   from JSON to JSON", POINTS, time(POINTS, || drop(black_box(answer()))));
}

fn black_scholes(points: usize) -> String {
    let formula = "d1 = (log(S/K) + (r + sigma^2/2)*T)/(sigma*sqrt(T)); S*ndtr(d1) - K*exp(-r*T)*ndtr(d1 - sigma*sqrt(T))";
    let mut body = format!(r#"{{"formula":"{formula}","points":{{"#);
    let ranges = [("S", 80.0, 120.0), ("K", 80.0, 120.0), ("r", 0.0, 0.1), ("sigma", 0.1, 0.5), ("T", 0.1, 3.0)];
    let mut draw = Draw(1);
    for (i, (name, low, high)) in ranges.into_iter().enumerate() {
        let column: Vec<f64> = (0..points).map(|_| low + (high - low) * draw.unit()).collect();
        write!(body, r#"{}"{name}":{column:?}"#, if i == 0 { "" } else { "," }).expect("a string takes all");
    }
    body.push_str("}}");
    body
}

impl Draw {
    fn unit(&mut self) -> f64 {
        (self.below(1 << 30) as f64 + self.below(1 << 22) as f64 / (1 << 22) as f64) / (1 << 30) as f64
    }
}

/// Reading and writing of numbers with as many digits as they have.
fn numbers() {
    const COUNT: usize = 100_000;
    let mut draw = Draw(2);
    let values: Vec<f64> = (0..COUNT).map(|_| draw.unit() * 100.0).collect();
    let text = serde_json::to_string(&values).expect("numbers are JSON");
    let words: Vec<&str> = text[1..text.len() - 1].split(',').collect();
    let mut out = String::with_capacity(32 * COUNT);
    let rows = [
        ("serde_json, float_roundtrip", time(COUNT, || drop(black_box(serde_json::from_str::<Vec<f64>>(&text))))),
        ("str::parse", time(COUNT, || words.iter().for_each(|word| drop(black_box(word.parse::<f64>()))))),
        (
            "zmij",
            time(COUNT, || {
                out.clear();
                values.iter().for_each(|&value| out.push_str(zmij::Buffer::new().format_finite(value)));
                black_box(&mut out);
            }),
        ),
        (
            "std::fmt",
            time(COUNT, || {
                let mut out = String::with_capacity(32 * COUNT);
                values.iter().for_each(|value| write!(out, "{value:?}").expect("a string takes all"));
                drop(black_box(out));
            }),
        ),
    ];
    rows.iter().for_each(|(name, time)| println!("{time:>9.1} {name}"));
}

/// The median time of `work` over `count`, in nanoseconds: as many runs as fit in a second, at least five, after one to warm up. Short work
/// is repeated within a run, so that the clock is not what is measured.
fn time(count: usize, mut work: impl FnMut()) -> f64 {
    let repeats = (100_000 / count).max(1);
    work();
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.len() < 5 || start.elapsed() < Duration::from_secs(1) {
        let run = Instant::now();
        (0..repeats).for_each(|_| work());
        times.push(run.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2].as_nanos() as f64 / (repeats * count) as f64
}

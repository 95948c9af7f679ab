//! Unrolled functions, rolled into vectors and as they are written, taking turns in one run: value and gradient.
//!
//! For each function the ratio of the two times to compile it and to run it at 1, 33 and 1,000 points, then what it takes rolled. Run with
//! `cargo bench --bench rolling`. Times are medians; no harness, so that what is timed is what stands here.

use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use nablad::engine::exec::Scratch;
use nablad::engine::graph::Graph;
use nablad::engine::program::{Binding, Mode, Program, Want};

#[path = "../tests/support/unrolled.rs"]
mod unrolled;

use unrolled::Given;

/// Points at once.
const POINTS: [usize; 3] = [1, 33, 1_000];
/// Numbers in all results; more points of a large function would take minutes.
const MOST: usize = 20_000_000;

fn main() {
    println!("rolled ÷ as written, and µs rolled; {POINTS:?} points, µs a point");
    println!("{:>28} {:>8} {:>16} {:>18} {:>18} {:>18} {:>7}", "", "nodes", "compile", "1", "33", "1,000", "bytes");
    for (name, graph) in [
        ("least squares, 1,000", unrolled::least_squares(1_000, Given::Scalars)),
        ("least squares, 10,000", unrolled::least_squares(10_000, Given::Scalars)),
        ("Rosenbrock, 1,000 inputs", unrolled::rosenbrock(1_000, Given::Scalars)),
        ("Rosenbrock, vector of 300", unrolled::rosenbrock(300, Given::Vector)),
        ("boundary values, 1,000", unrolled::stencil(1_000, Given::Scalars)),
        ("boundary values, 10,000", unrolled::stencil(10_000, Given::Scalars)),
        ("20 bodies", unrolled::bodies(20, Given::Scalars)),
        ("random, 1,000", unrolled::random(1_000)),
        ("random, 100,000", unrolled::random(100_000)),
    ] {
        print!("{name:>28} {:>8}", graph.len());
        let (rolled, written) = (compiled(Program::compile, &graph), compiled(Program::compile_as_written, &graph));
        let [compiling, as_written] = median([&mut || drop(black_box(compiled(Program::compile, &graph))), &mut || {
            drop(black_box(compiled(Program::compile_as_written, &graph)))
        }]);
        print!(" {:>7.3} {:>8.0}", compiling / as_written, 1e6 * compiling);
        for points in POINTS {
            if graph.len() * points > MOST {
                print!(" {:>18}", "–");
                continue;
            }
            let (mut a, mut b) = (Loaded::new(&graph, &rolled, points), Loaded::new(&graph, &written, points));
            let [own, as_written] = median([&mut || a.run(), &mut || b.run()]);
            print!(" {:>7.3} {:>10.2}", own / as_written, 1e6 * own / points as f64);
        }
        println!(" {:>7.3}", rolled.bytes() as f64 / written.bytes() as f64);
    }
}

/// A way to compile.
type Compile = fn(&Graph, &Want, &[bool]) -> Result<Program, nablad::engine::Error>;

fn compiled(compile: Compile, graph: &Graph) -> Program {
    let inputs = graph.inputs().len();
    let want = Want::Gradient { wrt: (0..inputs).collect(), mode: Mode::Auto };
    compile(graph, &want, &vec![true; inputs]).expect("one scalar output")
}

/// A program with its points and room for its results.
struct Loaded<'a> {
    program: &'a Program,
    inputs: Vec<Vec<f64>>,
    results: Vec<Vec<f64>>,
    points: usize,
    scratch: Scratch,
    never: AtomicBool,
}

impl<'a> Loaded<'a> {
    fn new(graph: &Graph, program: &'a Program, points: usize) -> Loaded<'a> {
        let shapes = graph.inputs().iter().map(|input| input.shape.elements() * points).enumerate();
        let inputs = shapes.map(|(k, count)| (0..count).map(|i| unrolled::datum(i, k)).collect()).collect();
        let results = program.results().iter().map(|size| vec![0.0; size * points]).collect();
        Loaded { program, inputs, results, points, scratch: Scratch::default(), never: AtomicBool::new(false) }
    }

    /// All points, block by block, as a worker of the service runs them.
    fn run(&mut self) {
        let inputs: Vec<Binding<'_>> = self.inputs.iter().map(|data| Binding { data, per_point: true }).collect();
        for first in (0..self.points).step_by(self.program.block()) {
            let run = first..self.points.min(first + self.program.block());
            let sized = self.results.iter_mut().zip(self.program.results());
            let mut out: Vec<&mut [f64]> = sized.map(|(result, size)| &mut result[run.start * size..run.end * size]).collect();
            self.program.run(&inputs, run, &mut self.scratch, &self.never, &mut out).expect("nobody stops it");
        }
        black_box(&mut self.results);
    }
}

/// The median times of two ways to do something, which take turns; warm, so that what is hot is machine code.
fn median(mut ways: [&mut dyn FnMut(); 2]) -> [f64; 2] {
    let start = Instant::now();
    for _ in 0..40 {
        ways.iter_mut().for_each(|way| way());
        if start.elapsed() > Duration::from_millis(500) {
            break;
        }
    }
    let (start, mut times) = (Instant::now(), [Vec::new(), Vec::new()]);
    while times[0].len() < 5 || start.elapsed() < Duration::from_millis(300) {
        for (way, times) in ways.iter_mut().zip(&mut times) {
            let run = Instant::now();
            way();
            times.push(run.elapsed().as_secs_f64());
        }
    }
    times.map(|mut times| {
        times.sort_unstable_by(f64::total_cmp);
        times[times.len() / 2]
    })
}

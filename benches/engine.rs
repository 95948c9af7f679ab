//! Throughput in this process, without HTTP: value and gradient of Black–Scholes by five inputs, in nanoseconds a point.
//!
//! `engine` runs the compiled program on one thread; `service` answers the whole JSON request, reading and writing included.
//! Run with `cargo bench --bench engine`. Times are medians; no harness, so that what is timed is what stands here.

use std::fmt::Write;
use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use nablad::engine::exec::Scratch;
use nablad::engine::graph::{Builder, Graph};
use nablad::engine::op::find;
use nablad::engine::program::{Binding, Mode, Program, Want};
use nablad::engine::{Error, Shape};
use nablad::service::{Endpoint, Service, Settings};

const INPUTS: [&str; 5] = ["S", "K", "r", "sigma", "T"];
const FORMULA: &str = "d1 = (log(S/K) + (r + sigma^2/2)*T)/(sigma*sqrt(T)); S*ndtr(d1) - K*exp(-r*T)*ndtr(d1 - sigma*sqrt(T))";

fn main() {
    println!("{:>9} {:>16} {:>16}   ns/point", "points", "engine", "service (JSON)");
    let mut settings = Settings::default();
    settings.limits.derivative_cells = 10_000_000; // the default refuses five million
    let service = Service::start(settings);
    for points in [1, 1_000, 1_000_000] {
        let columns = columns(points);
        println!("{points:>9} {:>16.1} {:>16.1}", engine(&columns, points), answer(&service, &columns, points));
    }
}

/// The formula, built by hand.
fn black_scholes() -> Result<Graph, Error> {
    let mut g = Builder::default();
    let op = |name| find(name).expect("the operator exists");
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

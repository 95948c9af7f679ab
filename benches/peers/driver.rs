//! The engine for `run.py`: compiles requests as a server would and runs them when told, timing itself.
//!
//! Commands are lines on standard input, and each is answered by a line on standard output:
//! - `load ENDPOINT FILE`: the request body in FILE, read, built and compiled → the number of results at one point
//! - `run N`: all of its points N times → the seconds it took
//! - `write FILE`: the results into FILE, little-endian binary64, result by result → how many numbers
//! - `first ENDPOINT FILE N`: N services that have compiled nothing, each asked once → the seconds from JSON to JSON of each
//!
//! It has no server, and one thread computes.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use std::{fs, io};

use nablad::engine::exec::Scratch;
use nablad::process::allocator;
use nablad::service::{Endpoint, Run, Service, Settings};

fn main() -> Result<(), Box<dyn Error>> {
    allocator::settle();
    let service = start();
    let mut loaded: Option<Loaded> = None;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match (&words[..], &mut loaded) {
            (["load", endpoint, file], slot) => {
                let run = service.prepare(named(endpoint)?, &fs::read(file)?).map_err(|failure| format!("{failure:?}"))?;
                slot.insert(Loaded::new(run)).width().to_string()
            }
            (["run", times], Some(loaded)) => {
                let (times, start) = (times.parse::<usize>()?, Instant::now());
                loaded.run(times);
                start.elapsed().as_secs_f64().to_string()
            }
            (["write", file], Some(loaded)) => {
                let bytes: Vec<u8> = loaded.results.iter().flatten().flat_map(|number| number.to_le_bytes()).collect();
                fs::write(file, &bytes)?;
                (bytes.len() / 8).to_string()
            }
            (["first", endpoint, file, times], _) => first(named(endpoint)?, &fs::read(file)?, times.parse()?)?,
            _ => return Err(format!("not a command here: {line}").into()),
        };
        println!("{answer}");
        io::stdout().flush()?;
    }
    Ok(())
}

/// A service that lets through what is measured here.
fn start() -> Service {
    let mut settings = Settings { workers: 1, ..Settings::default() };
    settings.limits.derivative_cells = 10_000_000;
    Service::start(settings)
}

fn named(endpoint: &str) -> Result<Endpoint, String> {
    Endpoint::from_name(endpoint).ok_or_else(|| format!("there is no endpoint {endpoint}"))
}

/// From the bytes of a request to the bytes of its answer, where nothing is known of the function.
fn first(endpoint: Endpoint, body: &[u8], times: usize) -> Result<String, String> {
    let mut seconds = Vec::with_capacity(times);
    for _ in 0..times {
        let service = start();
        let begun = Instant::now();
        let answer = service.answer_blocking(endpoint, body);
        seconds.push(begun.elapsed().as_secs_f64().to_string());
        black_box(answer.map_err(|failure| format!("{failure:?}"))?);
    }
    Ok(seconds.join(" "))
}

/// A compiled request with room for its results.
struct Loaded {
    run: Run,
    results: Vec<Vec<f64>>,
    scratch: Scratch,
    never: AtomicBool,
}

impl Loaded {
    fn new(run: Run) -> Loaded {
        let results = run.program().results().iter().map(|size| vec![0.0; size * run.points()]).collect();
        Loaded { run, results, scratch: Scratch::default(), never: AtomicBool::new(false) }
    }

    /// Numbers at one point.
    fn width(&self) -> usize {
        self.run.program().results().iter().sum()
    }

    /// All points, block by block, as a worker of the service runs them.
    fn run(&mut self, times: usize) {
        let (program, inputs, points) = (self.run.program(), self.run.inputs(), self.run.points());
        for _ in 0..times {
            for first in (0..points).step_by(program.block()) {
                let block = first..points.min(first + program.block());
                let sized = self.results.iter_mut().zip(program.results());
                let mut out: Vec<&mut [f64]> = sized.map(|(result, size)| &mut result[block.start * size..block.end * size]).collect();
                program.run(&inputs, block, &mut self.scratch, &self.never, &mut out).expect("nobody stops it");
            }
            black_box(&mut self.results);
        }
    }
}

//! The engine by itself: programs against the plain evaluator, and the properties that derivatives have.

mod conventions;
mod deep;
mod lengths;
mod linear_algebra;
mod loops;
mod native;
mod properties;
pub mod random;
mod rolling;
mod scalars;
mod slabs;
mod split;
mod taylor;

use std::sync::atomic::AtomicBool;

use nablad::engine::exec::Scratch;
use nablad::engine::exec::native::Backend;
use nablad::engine::graph::Graph;
use nablad::engine::program::{Binding, Program, Want};

/// Runs `want` at `points` points, each input given for every point where `per_point`, in runs of `run` points: interpreted, and as
/// machine code where there is any, which must have the same bits.
pub fn run(graph: &Graph, want: &Want, inputs: &[Vec<f64>], per_point: &[bool], points: usize, run: usize) -> Vec<Vec<f64>> {
    run_program(&Program::compile(graph, want, per_point).expect("the function compiles"), want, inputs, per_point, points, run)
}

/// The same of a program.
pub fn run_program(program: &Program, want: &Want, inputs: &[Vec<f64>], per_point: &[bool], points: usize, run: usize) -> Vec<Vec<f64>> {
    let bindings: Vec<Binding<'_>> = inputs.iter().zip(per_point).map(|(data, &per_point)| Binding { data, per_point }).collect();
    let on = |backend: Backend| {
        // numbers that nothing writes would show
        let mut results: Vec<Vec<f64>> = program.results().iter().map(|size| vec![0.3; size * points]).collect();
        let mut scratch = Scratch::on(backend);
        let mut start = 0;
        while start < points {
            let block = start..points.min(start + run);
            let mut out: Vec<&mut [f64]> =
                results.iter_mut().zip(program.results()).map(|(all, size)| &mut all[block.start * size..block.end * size]).collect();
            program.run(&bindings, block.clone(), &mut scratch, &AtomicBool::new(false), &mut out).expect("nobody stops it");
            start = block.end;
        }
        results
    };
    let results = on(Backend::Interpreter);
    assert_eq!(bits(&results), bits(&on(Backend::Native)), "interpreted and as machine code, {want:?}");
    results
}

/// One point, every input shared.
pub fn at(graph: &Graph, want: &Want, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    run(graph, want, inputs, &vec![false; inputs.len()], 1, 1)
}

/// The bits, with every NaN as one.
pub fn bits(values: &[Vec<f64>]) -> Vec<Vec<u64>> {
    let bit = |value: &f64| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    values.iter().map(|values| values.iter().map(bit).collect()).collect()
}

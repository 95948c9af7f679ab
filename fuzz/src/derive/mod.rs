//! Bytes as a function and what is wanted of it: what programs compute is what the plain evaluator does, to the bit.

mod functions;
mod plain;

use std::sync::atomic::AtomicBool;

use nablad::engine::exec::Scratch;
use nablad::engine::exec::native::Backend;
use nablad::engine::program::{Binding, Mode, Program, Want};

use super::bytes::Bytes;
use plain::Plain;

/// Flops of all points beyond which a function is left alone: the plain evaluator is plain.
const FLOPS: f64 = 3e4;

/// The bytes are a function of public operators, a derivative of it, and points. The derivative is taken as a graph and evaluated node by
/// node, and compiled and run: interpreted with all points at once, and as machine code or each alone.
pub fn derive(data: &[u8]) {
    let mut bytes = Bytes::of(data);
    let kind = bytes.byte();
    let scalar = matches!(kind % 11, 1 | 2 | 7 | 8 | 9);
    let Some(graph) = functions::function(&mut bytes, scalar) else { return };
    let wrt: Vec<usize> = {
        let chosen = bytes.byte();
        let some: Vec<usize> = (0..graph.inputs().len()).filter(|i| chosen >> i & 1 == 0).collect();
        if some.is_empty() { vec![0] } else { some }
    };
    let outputs: Vec<usize> = (0..graph.outputs().len()).collect();
    let want = match kind % 11 {
        1 => Want::Gradient { wrt, mode: Mode::Reverse },
        2 => Want::Gradient { wrt, mode: Mode::Forward },
        3 => Want::Jacobian { wrt, mode: Mode::Reverse },
        4 => Want::Jacobian { wrt, mode: Mode::Forward },
        5 => Want::Jvp { inputs: wrt },
        6 => Want::Vjp { outputs, wrt },
        7 => Want::Hessian { wrt, mode: Mode::Reverse },
        8 => Want::Hessian { wrt, mode: Mode::Forward },
        9 => Want::Hvp { vectors: wrt.clone(), wrt },
        10 => Want::Taylor { inputs: wrt, order: 1 + bytes.below(3) },
        _ => Want::Value,
    };
    let Some(plain) = Plain::of(&graph, &want) else { return };
    let (several, varying) = (bytes.one_of(&[1, 2, 3, 9]), bytes.byte());
    // which of them is held against the plain evaluator, and how else it is run
    let (point, backend) = (bytes.below(several), if bytes.seldom(3) { Backend::Interpreter } else { Backend::Native });
    let at_once = if backend == Backend::Interpreter || bytes.seldom(2) { 1 } else { several };
    let per_point: Vec<bool> = (0..plain.shapes().len()).map(|i| varying >> (i % 8) & 1 == 0).collect();
    let Ok(program) = Program::compile(&graph, &want, &per_point) else { return };
    if program.cost(several).flops > FLOPS {
        return;
    }
    let numbers = |(size, per_point): (usize, bool)| (0..if per_point { size * several } else { size }).map(|_| bytes.number()).collect();
    let inputs: Vec<Vec<f64>> = plain.sizes().zip(per_point.iter().copied()).map(numbers).collect();
    let bindings: Vec<Binding<'_>> = inputs.iter().zip(&per_point).map(|(data, &per_point)| Binding { data, per_point }).collect();

    let results = run(&program, &bindings, several, several, Backend::Interpreter);
    let other = run(&program, &bindings, several, at_once, backend);
    assert_eq!(
        bits(&other),
        bits(&results),
        "{backend:?}, {at_once} of {several} points at once, and the interpreter, {want:?}\n{graph:?}"
    );
    let at: Vec<&[f64]> = inputs
        .iter()
        .zip(plain.sizes().zip(&per_point))
        .map(|(data, (size, &per_point))| if per_point { &data[point * size..][..size] } else { &data[..] })
        .collect();
    let Some(expected) = plain.at(&at) else { return };
    let own = |(all, size): (&Vec<f64>, &usize)| all[point * size..][..*size].to_vec();
    let found: Vec<Vec<f64>> = results.iter().zip(program.results()).map(own).collect();
    assert_eq!(bits(&found), bits(&expected), "program and plain evaluator at point {point}, {at:?}, {want:?}\n{graph:?}");
}

/// All results at all points, so many at once.
fn run(program: &Program, bindings: &[Binding<'_>], points: usize, at_once: usize, backend: Backend) -> Vec<Vec<f64>> {
    // numbers that nothing writes would show
    let mut results: Vec<Vec<f64>> = program.results().iter().map(|size| vec![0.3; size * points]).collect();
    let mut scratch = Scratch::on(backend);
    for start in (0..points).step_by(at_once) {
        let block = start..points.min(start + at_once);
        let mut out: Vec<&mut [f64]> =
            results.iter_mut().zip(program.results()).map(|(all, size)| &mut all[block.start * size..block.end * size]).collect();
        if program.run(bindings, block, &mut scratch, &AtomicBool::new(false), &mut out).is_err() {
            panic!("nobody stops it");
        }
    }
    results
}

/// The bits, with every NaN as one.
fn bits(values: &[Vec<f64>]) -> Vec<Vec<u64>> {
    let bit = |value: &f64| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    values.iter().map(|values| values.iter().map(bit).collect()).collect()
}

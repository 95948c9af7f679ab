//! A function lowered to kernels over index domains: what `exec` runs.
//!
//! Compiling goes: the derivative as a graph ([`plan`]) → simplified → small arrays taken apart ([`scalars`]) or what repeats rolled ([`roll`]) → kernels ([`lower`]) → memory ([`memory`]). A program is immutable
//! and shared between workers; it never holds a point.

mod chain;
mod code;
mod kernel;
pub mod layout;
mod linearity;
mod lower;
mod memory;
mod plan;
mod roll;
mod scalars;
mod slabs;

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use super::graph::{Graph, NodeId};
use super::op::structure;
use super::{Error, Shape, simplify};
use crate::engine::exec::{self, Means, Scratch};
pub(crate) use code::Code;
pub(crate) use kernel::{Buffer, DenseCall, Kernel, Lanes, Line, Load, Loop, Map, Matmul, Operand, Over, Source, Step, Work};
pub(crate) use memory::buffer_of;
pub(crate) use plan::Symmetric;
pub use plan::{Mode, Want};
pub(crate) use slabs::{Slab, Total};

/// An input of a program.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgramInput {
    /// The input's name, or for a tangent or cotangent that of its input or output.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
}

/// The values of one input at all points.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// Row-major values; where `per_point`, one after another for all points.
    pub data: &'a [f64],
    /// Whether each point has its own.
    pub per_point: bool,
}

/// What running costs, known before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Estimated floating-point operations.
    pub flops: f64,
    /// Bytes of scratch memory a worker holds while it runs a block.
    pub scratch_bytes: f64,
    /// Most tensor elements alive at once for one point.
    pub live_elements: f64,
    /// Values in the result.
    pub cells: f64,
    /// Steps that the function's loops make at most, for one point; steps inside steps multiply.
    pub loop_steps: f64,
}

/// The work was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

/// Part of a result: where the elements of a computed tensor go, for a range of seeds.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// Which of [`Program::results`].
    pub(crate) result: usize,
    /// Which computed tensor.
    pub(crate) output: usize,
    /// The seeds whose values go here; empty range 0..0 for what does not vary with seeds.
    pub(crate) seeds: Range<usize>,
    /// Element e of seed s goes to `base + e·per_element + (s − seeds.start)·per_seed`.
    pub(crate) base: usize,
    pub(crate) per_element: usize,
    pub(crate) per_seed: usize,
}

/// A result that is one buffer as a kernel writes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Direct {
    /// Which of [`Program::results`].
    pub(crate) result: usize,
    /// Numbers at one point.
    pub(crate) size: usize,
    /// The buffer's memory, which it has for itself.
    pub(crate) slot: u32,
    /// Whether it varies with points.
    pub(crate) points: bool,
}

/// A compiled function with its derivative. Immutable; shared between workers.
#[derive(Debug)]
pub struct Program {
    inputs: Vec<ProgramInput>,
    results: Vec<usize>,
    /// Program inputs that are seeded: the input and where its first element stands among the seeds.
    pub(crate) seeded: Vec<(usize, usize)>,
    pub(crate) seeds: usize,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) symmetric: Option<Symmetric>,
    pub(crate) code: Code,
    /// Whether every number of a result is written.
    pub(crate) whole: Vec<bool>,
    /// Results that can be computed where they are answered, the largest first.
    pub(crate) direct: Vec<Direct>,
    /// Flops of a run, of a point in it, of a seed of a point.
    flops: [f64; 3],
    loop_steps: f64,
    /// The lanes of a single point.
    alone: (usize, usize),
}

/// Most bytes that a block's buffers may take, where blocks can be made smaller.
const BLOCK_BYTES: f64 = 32e6;
/// Lanes that fill a block.
const BLOCK_LANES: usize = 1024;
/// Flops of a run that is long against its overhead and short against a deadline.
const RUN_FLOPS: f64 = 1e6;

impl Program {
    /// Compiles what `want` asks of `graph`. `per_point[i]` says whether program input i (the graph's inputs, then tangents or
    /// cotangents) differs from point to point.
    ///
    /// # Errors
    /// [`Error::NotScalar`] for a gradient or Hessian of several numbers; [`Error::Limit`] where the derivative's graph exceeds the bounds.
    pub fn compile(graph: &Graph, want: &Want, per_point: &[bool]) -> Result<Program, Error> {
        Program::of(plan::plan(graph, want)?, per_point, structure::loop_steps(graph), Code::of)
    }

    /// [`Program::compile`], with what repeats left as it is written: what rolling it is measured against. The bits are the same.
    ///
    /// # Errors
    /// As [`Program::compile`].
    pub fn compile_as_written(graph: &Graph, want: &Want, per_point: &[bool]) -> Result<Program, Error> {
        Program::of(plan::plan(graph, want)?, per_point, structure::loop_steps(graph), Code::as_written)
    }

    /// Compiles a composition, `stages` applied from the left to the right, with the Jacobians of its stages and of the whole.
    /// `per_point[i]` says whether input i of the first stage differs from point to point, `wrt` by which of them (positions,
    /// ascending) the first stage and the whole are differentiated.
    ///
    /// # Errors
    /// [`Error::ShapePair`] where the flattened outputs of a stage are not as many as the flattened inputs of the next;
    /// [`Error::Limit`].
    pub fn chain(stages: &[Graph], wrt: &[usize], mode: Mode, per_point: &[bool]) -> Result<Program, Error> {
        Program::of(chain::plan(stages, wrt, mode)?, per_point, stages.iter().map(structure::loop_steps).sum(), Code::of)
    }

    fn of(
        planned: plan::Planned,
        per_point: &[bool],
        loop_steps: f64,
        code: fn(&Graph, &[Lanes], &[NodeId]) -> Code,
    ) -> Result<Program, Error> {
        let simplified = simplify::simplify(planned.graph)?;
        let inputs: Vec<ProgramInput> =
            simplified.inputs().iter().map(|input| ProgramInput { name: input.name.clone(), shape: input.shape.clone() }).collect();
        let varies: Vec<Lanes> = (0..inputs.len())
            .map(|i| {
                let seeded = planned.seeded.iter().any(|&(input, _)| input == i);
                if seeded {
                    Lanes::SEEDS
                } else if per_point.get(i).copied().unwrap_or(false) {
                    Lanes::POINTS
                } else {
                    Lanes::NONE
                }
            })
            .collect();
        let wanted: Vec<_> = simplified.outputs().iter().map(|output| output.node).collect();
        let code = code(&simplified, &varies, &wanted);
        let [once, a_point, a_seed, _] = code.stage_flops();
        let mut flops = [once, a_point, a_seed];
        let public = inputs.len() - planned.seeded.len();
        let cells: usize = planned.results.iter().sum();
        let copying = cells as f64 + inputs.iter().map(|input| input.shape.elements() as f64).sum::<f64>();
        flops[1] += copying;
        let mut program = Program {
            inputs: inputs.into_iter().take(public).collect(),
            seeded: planned.seeded,
            seeds: planned.seeds,
            symmetric: planned.symmetric,
            whole: whole(&planned.pieces, &planned.results, &code),
            direct: direct(&planned.pieces, &planned.results, &code),
            pieces: planned.pieces,
            results: planned.results,
            code,
            flops,
            loop_steps,
            alone: (1, 1),
        };
        program.alone = program.fitting_block(1);
        Ok(program)
    }

    /// The inputs: the graph's, then for [`Want::Jvp`] the tangents, for [`Want::Vjp`] the cotangents, for [`Want::Linearity`] the
    /// directions and the step size, for [`Want::Hvp`] and [`Want::Taylor`] the parts of the direction.
    pub fn inputs(&self) -> &[ProgramInput] {
        &self.inputs
    }

    /// The length of each result at one point. First the outputs' values in order (each its number of elements); then for
    /// [`Want::Gradient`] and [`Want::Vjp`] a result an input of `wrt`, for [`Want::Jacobian`] one result: the P×N matrix, row-major,
    /// N over the flattened `wrt`; for [`Want::Jvp`] a result an output; for [`Want::Hessian`] a gradient, then the N×N matrix; for
    /// [`Want::Hvp`] a gradient, then a result an input of `wrt` again; for [`Want::Taylor`] `order` + 1 results an output. For
    /// [`Want::Linearity`] a result an output for each of f(x + h·d) − f(x), what of it is not J·h·d, and J·d; then d, a result an input;
    /// then ⟨ȳ, J·d⟩, ⟨Jᵀȳ, d⟩ and h. For [`Program::chain`] the outputs' values and then the Jacobian of each stage, and behind several
    /// the Jacobian of the whole.
    pub fn results(&self) -> &[usize] {
        &self.results
    }

    /// What `points` points cost.
    pub fn cost(&self, points: usize) -> Cost {
        let cells: f64 = self.results.iter().map(|&size| size as f64).sum();
        let (block, seeds) = self.lane_block(points.max(1));
        let runs = (points as f64 / self.block() as f64).ceil();
        Cost {
            flops: runs * self.flops[0] + points as f64 * (self.flops[1] + self.seeds as f64 * self.flops[2]),
            scratch_bytes: self.code.scratch_bytes(block, seeds),
            live_elements: self.code.live_elements as f64,
            cells: points as f64 * cells,
            loop_steps: self.loop_steps,
        }
    }

    /// Bytes this program itself takes, for the cache.
    pub fn bytes(&self) -> usize {
        1024 + self.code.bytes()
    }

    /// How many points to hand to one [`Program::run`] so that a run is short against a deadline (about a millisecond) and long
    /// against its overhead.
    pub fn block(&self) -> usize {
        let point = self.flops[1] + self.seeds as f64 * self.flops[2];
        let fitting = (RUN_FLOPS.max(self.flops[0]) / point.max(1.0)).ceil();
        (fitting as usize).clamp(1, 1 << 16)
    }

    /// Runs the points of `points`; `out[k]` receives result k of those points, `points.len() × results()[k]` values, point by point.
    /// The bits do not depend on how points are split into runs.
    ///
    /// # Errors
    /// [`Stopped`] when `stop` was set; `out` is then unspecified.
    pub fn run(
        &self,
        inputs: &[Binding<'_>],
        points: Range<usize>,
        scratch: &mut Scratch,
        stop: &AtomicBool,
        out: &mut [&mut [f64]],
    ) -> Result<(), Stopped> {
        self.run_with(inputs, points, scratch, Means { stop, crew: None }, out)
    }

    /// The same, large kernels shared out to a crew where it is worth it. The bits do not depend on that either.
    ///
    /// # Errors
    /// As [`Program::run`].
    ///
    /// # Panics
    /// Where a part of the work panicked.
    pub fn run_with(
        &self,
        inputs: &[Binding<'_>],
        points: Range<usize>,
        scratch: &mut Scratch,
        means: Means<'_>,
        out: &mut [&mut [f64]],
    ) -> Result<(), Stopped> {
        exec::run(self, inputs, points, scratch, means, out)
    }

    /// Bytes of scratch memory that each thread takes that works along with a run of so many points.
    pub fn helper_bytes(&self, points: usize) -> f64 {
        let (block, seeds) = self.lane_block(points.max(1));
        exec::helper_bytes(&self.code, block, seeds)
    }

    /// How many points and seeds are computed side by side: enough to fill the lanes, few enough to fit in memory.
    pub(crate) fn lane_block(&self, points: usize) -> (usize, usize) {
        if points == 1 { self.alone } else { self.fitting_block(points) }
    }

    fn fitting_block(&self, points: usize) -> (usize, usize) {
        let mut seeds = self.seeds.clamp(1, 256);
        let mut block = points.clamp(1, (BLOCK_LANES / seeds).max(1));
        while self.code.scratch_bytes(block, seeds) > BLOCK_BYTES && (block > 1 || seeds > 1) {
            if block > 1 { block = block.div_ceil(2) } else { seeds = seeds.div_ceil(2) }
        }
        (block, seeds)
    }
}

/// See [`Program::whole`].
fn whole(pieces: &[Piece], results: &[usize], code: &Code) -> Vec<bool> {
    let mut written = vec![0; results.len()];
    for piece in pieces {
        written[piece.result] += code.outputs[piece.output].layout.elements() * piece.seeds.len().max(1);
    }
    written.iter().zip(results).map(|(written, size)| written == size).collect()
}

/// See [`Program::direct`].
fn direct(pieces: &[Piece], results: &[usize], code: &Code) -> Vec<Direct> {
    /// More would take longer to look through.
    const MOST: usize = 8;
    let mut found: Vec<Direct> = Vec::new();
    let mut order: Vec<&Piece> = pieces.iter().filter(|piece| piece.seeds.is_empty() && piece.base == 0).collect();
    order.sort_by_key(|piece| std::cmp::Reverse(results[piece.result]));
    for piece in order {
        let (operand, size) = (&code.outputs[piece.output], results[piece.result]);
        let Source::Buffer(buffer) = operand.source else { continue };
        let Buffer { elements, slot, .. } = code.buffers[buffer as usize];
        let as_it_lies =
            operand.layout.offset == 0 && operand.layout.is_contiguous() && elements == size && operand.layout.elements() == size;
        // inputs are filled before anything runs, and seeds' buffers hold a block of seeds
        if as_it_lies
            && size > 0
            && !operand.lanes.seeds()
            && !code.inputs.contains(&Some(buffer))
            && found.iter().all(|other| other.slot != slot)
        {
            found.push(Direct { result: piece.result, size, slot, points: operand.lanes.points() });
            if found.len() == MOST {
                break;
            }
        }
    }
    found
}

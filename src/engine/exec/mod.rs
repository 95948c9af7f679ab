//! Runs programs over points: block by block, seeds within points, tiles within kernels.
//!
//! Never allocates what a caller's data decides while it runs, but its scratch; never looks at a clock: it asks the stop flag between
//! kernels and tiles.

mod convolve;
pub mod elementwise;
mod gemm;
pub(crate) mod interpolate;
mod kernels;
pub(crate) mod linear_algebra;
mod loops;
mod map;
mod matmul;
pub mod naive;
pub mod opcode;
mod reduce;
mod rows;
mod scan;
mod sort;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::program::{Binding, Code, Lanes, Operand, Program, Source, Stopped, Symmetric};
use elementwise::Isa;
use kernels::Runner;

/// A worker's reusable scratch memory.
#[derive(Debug)]
pub struct Scratch {
    isa: Isa,
    slots: Vec<Vec<f64>>,
    tile: Vec<f64>,
    /// What a routine of linear algebra works in.
    dense: Vec<f64>,
    /// Where the elements of a line go while it is sorted.
    places: sort::Places,
    /// The memory that a Map writes, while it does.
    targets: Vec<Vec<f64>>,
    /// That of bodies, one inside the other.
    inner: Option<Box<Inner>>,
}

/// Scratch memory of a loop.
#[derive(Debug, Default)]
struct Inner {
    body: Scratch,
    guard: Scratch,
    /// What a step carries over, between its end and the next one's beginning.
    carried: Vec<f64>,
    /// What the guard says, a lane each.
    taken: Vec<f64>,
    /// A carry before a step that some lanes skip.
    before: Vec<f64>,
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch {
            isa: Isa::detect(),
            slots: Vec::new(),
            tile: Vec::new(),
            dense: Vec::new(),
            places: sort::Places::default(),
            targets: Vec::new(),
            inner: None,
        }
    }
}

impl Scratch {
    /// Bytes it holds on to.
    pub fn bytes(&self) -> usize {
        let lists = self.tile.capacity() + self.dense.capacity() + self.slots.iter().map(Vec::capacity).sum::<usize>();
        let own = 8 * lists + self.places.bytes();
        own + self.inner.as_ref().map_or(0, |inner| {
            let lists = [&inner.carried, &inner.taken, &inner.before].map(Vec::capacity);
            inner.body.bytes() + inner.guard.bytes() + 8 * lists.iter().sum::<usize>()
        })
    }

    /// Makes room for a code's slots at so many points and seeds.
    fn fit(&mut self, code: &Code, points: usize, seeds: usize) {
        while self.slots.len() < code.slots.len() {
            self.slots.push(Vec::new());
        }
        for (slot, memory) in code.slots.iter().zip(&mut self.slots) {
            let length = slot.elements * slot.lanes.count(points, seeds);
            if memory.len() < length {
                memory.resize(length, 0.0);
            }
        }
    }
}

/// What a kernel can see while it runs.
#[derive(Clone, Copy)]
struct Frame<'a> {
    code: &'a Code,
    inputs: &'a [Binding<'a>],
    slots: &'a [Vec<f64>],
    points: usize,
    seeds: usize,
    stop: &'a AtomicBool,
}

impl Frame<'_> {
    /// The numbers that an operand's layout and lanes index.
    fn data(&self, operand: &Operand) -> &[f64] {
        match operand.source {
            Source::Shared(input) => self.inputs[input as usize].data,
            Source::Constant(constant) => &self.code.constants[constant as usize],
            Source::Buffer(buffer) => &self.slots[self.code.buffers[buffer as usize].slot as usize],
        }
    }

    fn lanes(&self, lanes: Lanes) -> usize {
        lanes.count(self.points, self.seeds)
    }

    /// Which of its own lanes an operand shows to a reader with `lanes`: seeds are outside points.
    fn spread(&self, own: Lanes, lanes: Lanes) -> linear_algebra::Spread {
        let outer = own.seeds() && !own.points() && lanes.points();
        linear_algebra::Spread { lanes: self.lanes(own), divide: if outer { self.points } else { 1 } }
    }

    /// The numbers of an operand that lies without gaps.
    fn contiguous(&self, operand: &Operand) -> &[f64] {
        let lanes = self.lanes(operand.lanes);
        &self.data(operand)[operand.layout.offset * lanes..][..operand.layout.elements() * lanes]
    }

    /// The lanes of `all` that see lane `lane` of an operand with `own` lanes.
    fn lanes_over(&self, all: Lanes, own: Lanes, lane: usize) -> impl Iterator<Item = usize> + use<> {
        let count = self.lanes(all);
        // seeds are outside points
        let (first, last, step) = match (own.points() == all.points(), own.seeds() == all.seeds()) {
            (true, true) => (lane, lane + 1, 1),
            (true, false) => (lane, count, self.lanes(own)),
            (false, true) => (lane * self.points, (lane + 1) * self.points, 1),
            (false, false) => (0, count, 1),
        };
        (first..last).step_by(step)
    }

    fn checked(&self) -> Result<(), Stopped> {
        if self.stop.load(Ordering::Relaxed) { Err(Stopped) } else { Ok(()) }
    }
}

/// See [`Program::run`].
pub(crate) fn run(
    program: &Program,
    inputs: &[Binding<'_>],
    points: Range<usize>,
    scratch: &mut Scratch,
    stop: &AtomicBool,
    out: &mut [&mut [f64]],
) -> Result<(), Stopped> {
    if points.is_empty() {
        return Ok(());
    }
    let (point_block, seed_block) = program.lane_block(points.len());
    scratch.fit(&program.code, point_block, seed_block);
    for result in out.iter_mut() {
        result.fill(0.0);
    }
    let mut runner = Runner { code: &program.code, inputs, scratch, stop, points: point_block, seeds: seed_block };
    runner.stage(0)?;
    let mut start = points.start;
    while start < points.end {
        let block = start..points.end.min(start + point_block);
        runner.points = block.len();
        load_points(&mut runner, &block);
        runner.stage(1)?;
        let offset = block.start - points.start;
        store(program, &runner.frame(), offset, &(0..0), out);
        let mut first = 0;
        while first < program.seeds {
            let seeds = first..program.seeds.min(first + seed_block);
            runner.seeds = seeds.len();
            load_seeds(program, &mut runner, &seeds);
            runner.stage(2)?;
            store(program, &runner.frame(), offset, &seeds, out);
            first = seeds.end;
        }
        start = block.end;
    }
    if let Some(Symmetric { result, size }) = program.symmetric {
        out[result].chunks_exact_mut((size * size).max(1)).for_each(|matrix| mirror(matrix, size));
    }
    Ok(())
}

/// What stands below the diagonal into the place above it.
fn mirror(matrix: &mut [f64], size: usize) {
    for row in 0..size {
        for column in row + 1..size {
            matrix[row * size + column] = matrix[column * size + row];
        }
    }
}

/// Per-point inputs into their buffers: elements outermost, points innermost.
fn load_points(runner: &mut Runner<'_>, points: &Range<usize>) {
    let code = runner.code;
    for (input, buffer) in code.inputs.iter().enumerate() {
        let (Some(buffer), Some(binding)) = (*buffer, runner.inputs.get(input)) else { continue };
        let buffer = code.buffers[buffer as usize];
        let data = &binding.data[points.start * buffer.elements..points.end * buffer.elements];
        let to = &mut runner.scratch.slots[buffer.slot as usize];
        if buffer.elements == 1 {
            to[..data.len()].copy_from_slice(data);
            continue;
        }
        for (p, values) in data.chunks_exact(buffer.elements.max(1)).enumerate() {
            for (e, &value) in values.iter().enumerate() {
                to[e * points.len() + p] = value;
            }
        }
    }
}

/// Unit vectors into the seeded inputs' buffers.
fn load_seeds(program: &Program, runner: &mut Runner<'_>, seeds: &Range<usize>) {
    for &(input, first) in &program.seeded {
        let Some(buffer) = program.code.input(input) else { continue };
        let to = &mut runner.scratch.slots[buffer.slot as usize][..buffer.elements * seeds.len()];
        to.fill(0.0);
        for seed in seeds.clone().filter(|&seed| (first..first + buffer.elements).contains(&seed)) {
            to[(seed - first) * seeds.len() + (seed - seeds.start)] = 1.0;
        }
    }
}

/// Results of the block's points: with seeds, those that vary with them; without, all others.
fn store(program: &Program, frame: &Frame<'_>, offset: usize, seeds: &Range<usize>, out: &mut [&mut [f64]]) {
    for piece in &program.pieces {
        let operand = &program.code.outputs[piece.output];
        let own = piece.seeds.start.max(seeds.start)..piece.seeds.end.min(seeds.end);
        if piece.seeds.is_empty() != seeds.is_empty() || (!seeds.is_empty() && own.is_empty()) {
            continue;
        }
        let size = program.results()[piece.result];
        let data = frame.data(operand);
        let (lanes, points) = (frame.lanes(operand.lanes), if operand.lanes.points() { frame.points } else { 1 });
        let in_order = piece.per_element == 1 || operand.layout.elements() == 1;
        if seeds.is_empty() && in_order && (frame.points == 1 || (size == 1 && operand.lanes.points())) {
            // results that lie as they are answered
            let mut rest = &mut out[piece.result][offset * size + piece.base..];
            for run in operand.layout.runs(0, operand.layout.elements()) {
                let (own, after) = rest.split_at_mut(run.length * lanes);
                run.read(data, lanes, own);
                rest = after;
            }
            continue;
        }
        for (e, at) in operand.layout.positions().enumerate() {
            let row = &data[at * lanes..(at + 1) * lanes];
            let base = piece.base + e * piece.per_element;
            let mut put = |to: usize, lane: usize| {
                for p in 0..frame.points {
                    out[piece.result][(offset + p) * size + to] = row[lane + if points == 1 { 0 } else { p }];
                }
            };
            if seeds.is_empty() {
                put(base, 0);
            } else {
                for seed in own.clone() {
                    let lane = if operand.lanes.seeds() { (seed - seeds.start) * points } else { 0 };
                    put(base + (seed - piece.seeds.start) * piece.per_seed, lane);
                }
            }
        }
    }
}

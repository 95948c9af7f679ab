//! Runs programs over points: block by block, seeds within points, tiles within kernels.
//!
//! Never allocates what a caller's data decides while it runs, but its scratch; never looks at a clock: it asks the stop flag between
//! kernels and tiles.

pub mod elementwise;
mod map;
mod matmul;
pub mod naive;
mod reduce;
mod rows;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::program::{Binding, Kernel, Lanes, Operand, Program, Source, Stopped, Symmetric, Table, Work};
use elementwise::Isa;

/// A worker's reusable scratch memory.
#[derive(Debug)]
pub struct Scratch {
    isa: Isa,
    slots: Vec<Vec<f64>>,
    tile: Vec<f64>,
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch { isa: Isa::detect(), slots: Vec::new(), tile: Vec::new() }
    }
}

impl Scratch {
    /// Bytes it holds on to.
    pub fn bytes(&self) -> usize {
        8 * (self.tile.capacity() + self.slots.iter().map(Vec::capacity).sum::<usize>())
    }
}

/// What a kernel can see while it runs.
struct Frame<'a> {
    program: &'a Program,
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
            Source::Constant(constant) => &self.program.constants[constant as usize],
            Source::Buffer(buffer) => &self.slots[self.program.buffers[buffer as usize].slot as usize],
        }
    }

    fn lanes(&self, lanes: Lanes) -> usize {
        lanes.count(self.points, self.seeds)
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
    while scratch.slots.len() < program.slots.len() {
        scratch.slots.push(Vec::new());
    }
    for (slot, memory) in program.slots.iter().zip(&mut scratch.slots) {
        let length = slot.elements * slot.lanes.count(point_block, seed_block);
        if memory.len() < length {
            memory.resize(length, 0.0);
        }
    }
    for result in out.iter_mut() {
        result.fill(0.0);
    }
    let mut runner = Runner { program, inputs, scratch, stop, points: point_block, seeds: seed_block };
    runner.stage(0)?;
    let mut start = points.start;
    while start < points.end {
        let block = start..points.end.min(start + point_block);
        runner.points = block.len();
        runner.load_points(&block);
        runner.stage(1)?;
        let offset = block.start - points.start;
        runner.store(offset, &(0..0), out);
        let mut first = 0;
        while first < program.seeds {
            let seeds = first..program.seeds.min(first + seed_block);
            runner.seeds = seeds.len();
            runner.load_seeds(&seeds);
            runner.stage(2)?;
            runner.store(offset, &seeds, out);
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

struct Runner<'a> {
    program: &'a Program,
    inputs: &'a [Binding<'a>],
    scratch: &'a mut Scratch,
    stop: &'a AtomicBool,
    points: usize,
    seeds: usize,
}

impl Runner<'_> {
    /// Every kernel of a stage, in order.
    fn stage(&mut self, stage: usize) -> Result<(), Stopped> {
        let program = self.program;
        for kernel in program.kernels.iter().filter(|kernel| kernel.lanes.stage() == stage) {
            self.kernel(kernel)?;
        }
        Ok(())
    }

    fn kernel(&mut self, kernel: &Kernel) -> Result<(), Stopped> {
        let program = self.program;
        let slot = |buffer: u32| program.buffers[buffer as usize].slot as usize;
        if let Work::Map(work) = &kernel.work {
            let mut targets: Vec<Vec<f64>> =
                work.stores.iter().map(|&(_, buffer)| std::mem::take(&mut self.scratch.slots[slot(buffer)])).collect();
            let mut tile = std::mem::take(&mut self.scratch.tile);
            let done = map::run(work, &self.frame(), self.scratch.isa, &mut tile, &mut targets);
            self.scratch.tile = tile;
            for (&(_, buffer), target) in work.stores.iter().zip(targets) {
                self.scratch.slots[slot(buffer)] = target;
            }
            return done;
        }
        let mut target = std::mem::take(&mut self.scratch.slots[slot(kernel.to)]);
        let frame = self.frame();
        let lanes = frame.lanes(kernel.lanes);
        let elements = program.buffers[kernel.to as usize].elements;
        let out = &mut target[..elements * lanes];
        match &kernel.work {
            Work::Map(_) => {}
            Work::Zero => out.fill(0.0),
            Work::Copy { from, layout } => rows::copy(&frame, from, layout, kernel.lanes, out),
            Work::Reduce { from, inner, stride, fold } => {
                let data = frame.data(from);
                let bases = from.layout.positions();
                for (base, out) in bases.zip(out.chunks_exact_mut(lanes)) {
                    if frame.checked().is_err() {
                        break;
                    }
                    let at = |i: usize| (base as isize + i as isize * stride) as usize;
                    reduce::fold_lanes(*fold, *inner, lanes, data, at, out);
                }
            }
            Work::Matmul(work) => {
                let side = |operand| matmul::Side { data: frame.data(operand), layout: &operand.layout, lanes: frame.lanes(operand.lanes) };
                let sizes = matmul::Sizes { rows: work.rows, inner: work.inner, columns: work.columns, lanes, chain: work.chain };
                matmul::run(self.scratch.isa, sizes, side(&work.left), side(&work.right), out, self.stop);
            }
            Work::Take { from, table } => {
                let offset = from.layout.offset * lanes;
                let data = &frame.data(from)[offset..];
                for (entry, out) in entries(table).zip(out.chunks_exact_mut((table.inner * lanes).max(1))) {
                    out.copy_from_slice(&data[entry * lanes..entry * lanes + out.len()]);
                }
            }
            Work::ScatterAdd { from, table } => {
                let offset = from.layout.offset * lanes;
                let width = (table.inner * lanes).max(1);
                for (entry, update) in entries(table).zip(frame.data(from)[offset..].chunks_exact(width)) {
                    for (sum, value) in out[entry * lanes..entry * lanes + width].iter_mut().zip(update) {
                        *sum += value;
                    }
                }
            }
        }
        // a kernel that gave up half way has set nothing that is read: the run ends here
        let done = frame.checked();
        self.scratch.slots[slot(kernel.to)] = target;
        done
    }

    fn frame(&self) -> Frame<'_> {
        Frame {
            program: self.program,
            inputs: self.inputs,
            slots: &self.scratch.slots,
            points: self.points,
            seeds: self.seeds,
            stop: self.stop,
        }
    }

    /// Per-point inputs into their buffers: elements outermost, points innermost.
    fn load_points(&mut self, points: &Range<usize>) {
        for (input, buffer) in self.program.copied_inputs.iter().enumerate() {
            let (Some(buffer), Some(binding)) = (*buffer, self.inputs.get(input)) else { continue };
            let buffer = self.program.buffers[buffer as usize];
            let data = &binding.data[points.start * buffer.elements..points.end * buffer.elements];
            let to = &mut self.scratch.slots[buffer.slot as usize];
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
    fn load_seeds(&mut self, seeds: &Range<usize>) {
        for &(input, first) in &self.program.seeded {
            let Some(buffer) = self.program.copied_inputs[input] else { continue };
            let buffer = self.program.buffers[buffer as usize];
            let to = &mut self.scratch.slots[buffer.slot as usize][..buffer.elements * seeds.len()];
            to.fill(0.0);
            for seed in seeds.clone().filter(|&seed| (first..first + buffer.elements).contains(&seed)) {
                to[(seed - first) * seeds.len() + (seed - seeds.start)] = 1.0;
            }
        }
    }

    /// Results of the block's points: with seeds, those that vary with them; without, all others.
    fn store(&self, offset: usize, seeds: &Range<usize>, out: &mut [&mut [f64]]) {
        let frame = self.frame();
        for piece in &self.program.pieces {
            let operand = &self.program.outputs[piece.output];
            let own = piece.seeds.start.max(seeds.start)..piece.seeds.end.min(seeds.end);
            if piece.seeds.is_empty() != seeds.is_empty() || (!seeds.is_empty() && own.is_empty()) {
                continue;
            }
            let size = self.program.results()[piece.result];
            let data = frame.data(operand);
            let (lanes, points) = (frame.lanes(operand.lanes), if operand.lanes.points() { frame.points } else { 1 });
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
}

/// The first element of each entry of a table, in order.
fn entries(table: &Table) -> impl Iterator<Item = usize> + '_ {
    (0..table.outer).flat_map(move |outer| table.indices.iter().map(move |&index| (outer * table.axis + index as usize) * table.inner))
}

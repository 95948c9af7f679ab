//! Runs programs over points: block by block, seeds within points, tiles within kernels.
//!
//! Never allocates what a caller's data decides while it runs, but its scratch; never looks at a clock: it asks the stop flag between
//! kernels and tiles.

mod compute;
mod convolve;
pub mod crew;
pub mod elementwise;
mod gemm;
pub(crate) mod interpolate;
mod kernels;
pub(crate) mod linear_algebra;
mod loops;
mod map;
mod matmul;
mod memory;
pub mod naive;
pub mod native;
pub mod opcode;
pub(crate) mod reduce;
mod rows;
mod scan;
mod sort;
mod split;
mod stream;
mod tile;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::program::{Binding, Code, Lanes, Operand, Program, Source, Stopped, Symmetric};
use crew::Crew;
use elementwise::Isa;
use kernels::Runner;
use map::Machine;
use memory::{Given, Numbers, Slots, There};
use native::Backend;
use smallvec::SmallVec;
pub(crate) use split::bytes as helper_bytes;

/// A worker's reusable scratch memory: the buffers of what it runs, and its desk.
#[derive(Debug)]
pub struct Scratch {
    isa: Isa,
    backend: Backend,
    slots: Vec<Numbers>,
    desk: Desk,
}

/// What a thread works in while it computes a kernel or a part of one.
#[derive(Debug, Default)]
pub struct Desk {
    tile: Numbers,
    /// What a routine of linear algebra works in.
    dense: Vec<f64>,
    /// Where the elements of a line go while it is sorted.
    places: sort::Places,
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

impl Inner {
    /// Says what runs Maps in it.
    fn run_on(&mut self, backend: Backend) {
        self.body.backend = backend;
        self.guard.backend = backend;
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::on(Backend::default())
    }
}

impl Scratch {
    /// Memory of a worker whose Maps that backend runs.
    pub fn on(backend: Backend) -> Scratch {
        Scratch { isa: Isa::detect(), backend, slots: Vec::new(), desk: Desk::default() }
    }

    /// What runs Maps.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Says what runs Maps from now on.
    pub fn run_on(&mut self, backend: Backend) {
        self.backend = backend;
    }

    /// Bytes it holds on to.
    pub fn bytes(&self) -> usize {
        self.slots.iter().map(Numbers::bytes).sum::<usize>() + self.desk.bytes()
    }

    /// Where its owner works for others.
    pub fn desk(&mut self) -> &mut Desk {
        &mut self.desk
    }

    /// Makes room for a code's slots at so many points and seeds.
    fn fit(&mut self, code: &Code, points: usize, seeds: usize) {
        while self.slots.len() < code.slots.len() {
            self.slots.push(Numbers::default());
        }
        for (slot, memory) in code.slots.iter().zip(&mut self.slots) {
            memory.reach(slot.elements * slot.lanes.count(points, seeds));
        }
    }
}

impl Desk {
    /// Bytes it holds on to.
    pub fn bytes(&self) -> usize {
        let own = self.tile.bytes() + 8 * self.dense.capacity() + self.places.bytes();
        own + self.inner.as_ref().map_or(0, |inner| {
            let lists = [&inner.carried, &inner.taken, &inner.before].map(Vec::capacity);
            inner.body.bytes() + inner.guard.bytes() + 8 * lists.iter().sum::<usize>()
        })
    }
}

/// What a kernel can see while it runs.
#[derive(Clone, Copy)]
struct Frame<'a> {
    code: &'a Code,
    inputs: &'a [Binding<'a>],
    slots: Slots<'a>,
    machine: Machine,
    points: usize,
    seeds: usize,
    stop: &'a AtomicBool,
}

impl Frame<'_> {
    /// The numbers that an operand's layout and lanes index.
    #[inline]
    fn data(&self, operand: &Operand) -> &[f64] {
        match operand.source {
            Source::Shared(input) => self.inputs[input as usize].data,
            Source::Constant(constant) => &self.code.constants[constant as usize],
            Source::Buffer(buffer) => self.slots.data(self.code.buffers[buffer as usize].slot),
        }
    }

    #[inline]
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

/// Numbers of a result, at one point, that are worth computing where they are answered.
const WORTHWHILE: usize = 32;

/// What a run works with.
#[derive(Clone, Copy)]
pub struct Means<'m> {
    /// Ends the work once it is set.
    pub stop: &'m AtomicBool,
    /// Who works along, if anyone.
    pub crew: Option<&'m dyn Crew>,
}

/// See [`Program::run`].
pub(crate) fn run(
    program: &Program,
    inputs: &[Binding<'_>],
    points: Range<usize>,
    scratch: &mut Scratch,
    means: Means<'_>,
    out: &mut [&mut [f64]],
) -> Result<(), Stopped> {
    if points.is_empty() {
        return Ok(());
    }
    let (point_block, seed_block) = program.lane_block(points.len());
    scratch.fit(&program.code, point_block, seed_block);
    for (result, whole) in out.iter_mut().zip(&program.whole) {
        // of what is written in whole nothing has to be cleared
        if !whole {
            result.fill(0.0);
        }
    }
    let mut runner = Runner::of(&program.code, inputs, scratch, means, (point_block, seed_block));
    // results that are computed where they are answered
    let mut out: SmallVec<[&mut [f64]; 8]> = out.iter_mut().map(|result| &mut **result).collect();
    let alone = points.len() == 1;
    for direct in program.direct.iter().filter(|direct| if alone { direct.size >= WORTHWHILE } else { direct.size == 1 && direct.points }) {
        let result = std::mem::take(&mut out[direct.result]);
        runner.bound.push(There { slot: direct.slot, result, range: 0..direct.size });
    }
    runner.stage(0)?;
    let mut start = points.start;
    while start < points.end {
        let block = start..points.end.min(start + point_block);
        let offset = block.start - points.start;
        runner.points = block.len();
        load_points(&mut runner, &block);
        if !alone {
            runner.bound.iter_mut().for_each(|there| there.range = offset..offset + block.len());
        }
        runner.stage(1)?;
        let mut seeds = 0..0;
        loop {
            store(program, &runner.frame(), offset, &seeds, &mut out);
            seeds = seeds.end..program.seeds.min(seeds.end + seed_block);
            if seeds.is_empty() {
                break;
            }
            runner.seeds = seeds.len();
            load_seeds(program, &mut runner, &seeds);
            runner.stage(2)?;
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

/// Per-point inputs into their buffers: elements outermost, points innermost. Of one element each they lie so already.
fn load_points(runner: &mut Runner<'_>, points: &Range<usize>) {
    let code = runner.code;
    runner.given.clear();
    for (input, buffer) in code.inputs.iter().enumerate() {
        let (Some(buffer), Some(binding)) = (*buffer, runner.inputs.get(input)) else { continue };
        let buffer = code.buffers[buffer as usize];
        let data = &binding.data[points.start * buffer.elements..points.end * buffer.elements];
        if buffer.elements == 1 {
            runner.given.push(Given { slot: buffer.slot, data });
            continue;
        }
        let to = &mut runner.scratch.slots[buffer.slot as usize];
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
        if out[piece.result].is_empty() && size > 0 {
            // there already
            continue;
        }
        let data = frame.data(operand);
        let (lanes, points) = (frame.lanes(operand.lanes), if operand.lanes.points() { frame.points } else { 1 });
        let in_order = piece.per_element == 1 || operand.layout.elements() == 1;
        if seeds.is_empty() && in_order && (frame.points == 1 || (size == 1 && operand.lanes.points())) {
            // results that lie as they are answered
            let elements = operand.layout.elements();
            let to = &mut out[piece.result][offset * size + piece.base..][..elements * lanes];
            match to {
                [one] => *one = data[operand.layout.offset],
                _ => operand.layout.read(data, lanes, 0, to),
            }
            continue;
        }
        if seeds.is_empty() {
            for (e, at) in operand.layout.positions().enumerate() {
                let row = &data[at * lanes..(at + 1) * lanes];
                let to = &mut out[piece.result][offset * size + piece.base + e * piece.per_element..];
                for (p, to) in to.iter_mut().step_by(size).take(frame.points).enumerate() {
                    *to = row[if points == 1 { 0 } else { p }];
                }
            }
            continue;
        }
        // a few seeds at a time, so that what is read and what is written both stay near
        const NEAR: usize = 8;
        let varies = operand.lanes.seeds();
        for first in own.clone().step_by(NEAR) {
            let near = first..own.end.min(first + NEAR);
            for (e, at) in operand.layout.positions().enumerate() {
                let row = &data[at * lanes..(at + 1) * lanes];
                let base = offset * size + piece.base + e * piece.per_element;
                for seed in near.clone() {
                    let lane = if varies { (seed - seeds.start) * points } else { 0 };
                    let to = &mut out[piece.result][base + (seed - piece.seeds.start) * piece.per_seed..];
                    for (p, to) in to.iter_mut().step_by(size).take(frame.points).enumerate() {
                        *to = row[lane + if points == 1 { 0 } else { p }];
                    }
                }
            }
        }
    }
}

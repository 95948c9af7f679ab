//! One kernel after another, each on the memory of the code it belongs to.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use smallvec::SmallVec;

use super::super::op::Sorting;
use super::super::program::{Binding, Code, DenseCall, Kernel, Lanes, Line, Map, Operand, Slab, Stopped, Work};
use super::crew::Crew;
use super::map::Machine;
use super::memory::{Bound, Given, Memory, Slots};
use super::{Desk, Frame, Means, Scratch, compute, linear_algebra, loops, map, rows, scan, sort};

/// Numbers that each kernel of a slab writes at once: a few times as many stay in the second cache.
const NEAR: usize = 8 * 1024;

/// A code with its inputs and memory, at so many points and seeds.
pub(super) struct Runner<'a> {
    pub(super) code: &'a Code,
    pub(super) inputs: &'a [Binding<'a>],
    pub(super) scratch: &'a mut Scratch,
    pub(super) bound: Bound<'a>,
    /// Inputs that are read where the caller has them.
    pub(super) given: SmallVec<[Given<'a>; 8]>,
    pub(super) stop: &'a AtomicBool,
    /// Who works along, if anyone.
    pub(super) crew: Option<&'a dyn Crew>,
    pub(super) points: usize,
    pub(super) seeds: usize,
}

impl<'a> Runner<'a> {
    /// With everything in scratch memory.
    pub(super) fn of(
        code: &'a Code,
        inputs: &'a [Binding<'a>],
        scratch: &'a mut Scratch,
        Means { stop, crew }: Means<'a>,
        (points, seeds): (usize, usize),
    ) -> Runner<'a> {
        Runner { code, inputs, scratch, bound: Bound::new(), given: SmallVec::new(), stop, crew, points, seeds }
    }

    /// The memory of a buffer, to be written and put back.
    pub(super) fn take(&mut self, buffer: u32) -> Memory<'a> {
        let slot = self.code.buffers[buffer as usize].slot;
        match self.bound.iter_mut().find(|there| there.slot == slot) {
            Some(there) => Memory::There(std::mem::take(&mut there.result), there.range.clone()),
            None => Memory::Own(std::mem::take(&mut self.scratch.slots[slot as usize])),
        }
    }

    /// After [`Runner::take`].
    pub(super) fn put(&mut self, buffer: u32, memory: Memory<'a>) {
        let slot = self.code.buffers[buffer as usize].slot;
        match memory {
            Memory::Own(memory) => self.scratch.slots[slot as usize] = memory,
            Memory::There(result, _) => {
                if let Some(there) = self.bound.iter_mut().find(|there| there.slot == slot) {
                    there.result = result;
                }
            }
        }
    }

    /// Every kernel of a stage, in order.
    pub(super) fn stage(&mut self, stage: usize) -> Result<(), Stopped> {
        let code = self.code;
        let Range { start, end } = code.stages[stage];
        let mut slabs = code.slabs.iter().skip_while(|slab| slab.kernels.start < start);
        let mut at = start;
        while at < end {
            let slab = slabs.next();
            let own = slab.map_or(end..end, |slab| slab.kernels.clone());
            let before = at..own.start.min(end);
            code.kernels[before].iter().try_for_each(|kernel| self.whole(kernel))?;
            if let Some(slab) = slab.filter(|slab| slab.kernels.start < end) {
                self.group(slab)?;
            }
            at = own.end;
        }
        Ok(())
    }

    /// All of a kernel, by whoever is there.
    pub(super) fn whole(&mut self, kernel: &Kernel) -> Result<(), Stopped> {
        if let Some(crew) = self.crew
            && let Some(cut) = self.cut(kernel, crew)
        {
            return self.together(kernel, crew, cut);
        }
        self.kernel(kernel, 0..usize::MAX)
    }

    /// Kernels unit by unit, by whoever is there.
    fn group(&mut self, slab: &Slab) -> Result<(), Stopped> {
        match self.crew {
            Some(crew) => self.group_with(slab, crew),
            None => self.slab(slab),
        }
    }

    /// How many units of a slab are near each other.
    pub(super) fn at_once(&self, slab: &Slab) -> usize {
        let lanes = self.frame().lanes(self.code.kernels[slab.kernels.start].lanes);
        (NEAR / (slab.widest * lanes).max(1)).max(1)
    }

    /// Kernels unit by unit.
    pub(super) fn slab(&mut self, slab: &Slab) -> Result<(), Stopped> {
        if slab.apart && !slab.inner.is_empty() {
            return self.slab_nearby(slab);
        }
        let code = self.code;
        let at_once = self.at_once(slab);
        for first in (0..slab.units).step_by(at_once) {
            let last = slab.units.min(first + at_once);
            for (kernel, per_unit) in code.kernels[slab.kernels.clone()].iter().zip(&slab.per_unit) {
                let end = if last == slab.units { usize::MAX } else { last * per_unit };
                self.kernel(kernel, first * per_unit..end)?;
            }
        }
        Ok(())
    }

    /// A Map over one number.
    fn single(&mut self, map: &Map) -> Result<(), Stopped> {
        let mut slots = std::mem::take(&mut self.scratch.desk.tile);
        map::one(map, &self.frame(), &mut slots);
        for &(slot, buffer) in &map.stores {
            let memory = self.code.buffers[buffer as usize].slot;
            let there = self.bound.iter_mut().find(|there| there.slot == memory);
            let to = there.map_or_else(|| &mut self.scratch.slots[memory as usize][0], |there| &mut there.result[there.range.start]);
            *to = slots[slot as usize];
        }
        self.scratch.desk.tile = slots;
        self.frame().checked()
    }

    /// Some units of a kernel's work; of what cannot be cut, everything.
    fn kernel(&mut self, kernel: &Kernel, part: Range<usize>) -> Result<(), Stopped> {
        match &kernel.work {
            Work::Map(work) if work.elements * kernel.lanes.count(self.points, self.seeds) == 1 => return self.single(work),
            Work::Loop(work) => return loops::scan(self, work, kernel.lanes),
            _ => {}
        }
        match kernel.units(&self.code.buffers) {
            // the last units of others can be beyond the end of this one
            Some(units) => self.units(kernel, part.start.min(units)..part.end.min(units), units),
            None => self.uncut(kernel),
        }
    }

    /// Those of a kernel's units.
    fn units(&mut self, kernel: &Kernel, part: Range<usize>, units: usize) -> Result<(), Stopped> {
        let code = self.code;
        let buffers = kernel.targets();
        let mut whole: SmallVec<[Memory<'a>; 4]> = buffers.iter().map(|&buffer| self.take(buffer)).collect();
        let (frame, desk) = self.frame_and_desk();
        let lanes = frame.lanes(kernel.lanes);
        let mut targets: SmallVec<[&mut [f64]; 4]> = SmallVec::new();
        for (&buffer, memory) in buffers.iter().zip(&mut whole) {
            let width = code.buffers[buffer as usize].elements.checked_div(units).unwrap_or(0) * lanes;
            targets.push(&mut memory[part.start * width..part.end * width]);
        }
        let done = compute::units(kernel, &frame, part, &mut targets, desk);
        drop(targets);
        for (buffer, memory) in buffers.into_iter().zip(whole) {
            self.put(buffer, memory);
        }
        done
    }

    /// A kernel that is computed in one piece.
    fn uncut(&mut self, kernel: &Kernel) -> Result<(), Stopped> {
        let code = self.code;
        let mut target = self.take(kernel.to);
        let (frame, desk) = self.frame_and_desk();
        let lanes = frame.lanes(kernel.lanes);
        let elements = code.buffers[kernel.to as usize].elements;
        let out = &mut target[..elements * lanes];
        match &kernel.work {
            Work::Map(_)
            | Work::Loop(_)
            | Work::Over(_)
            | Work::Reduce { .. }
            | Work::Matmul(_)
            | Work::Interpolate { .. }
            | Work::Convolve { .. } => {}
            Work::Zero => out.fill(0.0),
            Work::Copy { from, layout } => rows::copy(&frame, from, layout, kernel.lanes, out),
            Work::Pack { from } => {
                for (operand, out) in from.iter().zip(out.chunks_exact_mut(lanes.max(1))) {
                    let (data, at) = (frame.data(operand), operand.layout.offset);
                    match out {
                        [out] => *out = data[at],
                        _ => rows::read(&frame, data, operand.lanes, kernel.lanes, at, 0, out),
                    }
                }
            }
            Work::Dense(call) => dense(call, &frame, kernel.lanes, &mut desk.dense, out),
            Work::Take { from, table } => {
                let offset = from.layout.offset * lanes;
                let data = &frame.data(from)[offset..];
                match table.inner * lanes {
                    // numbers one by one, without a copy's beginning and end
                    1 => table.entries().zip(out).for_each(|(entry, out)| *out = data[entry]),
                    width => {
                        for (entry, out) in table.entries().zip(out.chunks_exact_mut(width.max(1))) {
                            out.copy_from_slice(&data[entry * lanes..entry * lanes + out.len()]);
                        }
                    }
                }
            }
            Work::ScatterAdd { from, table } => {
                let offset = from.layout.offset * lanes;
                let width = table.inner * lanes;
                // slices of no elements add nothing, whatever else is in the memory that they would be in
                if width > 0 {
                    for (entry, update) in table.entries().zip(frame.data(from)[offset..].chunks_exact(width)) {
                        for (sum, value) in out[entry * lanes..entry * lanes + width].iter_mut().zip(update) {
                            *sum += value;
                        }
                    }
                }
            }
            Work::Scan { own, added, scan, chain, reverse, line } => {
                let line = Line { inner: line.inner * lanes, ..*line };
                let (own, added) = (frame.contiguous(own), frame.contiguous(added));
                scan::run(&scan::Running { scan: *scan, chain: *chain, reverse: *reverse, line, own, added }, out, frame.stop);
            }
            Work::Sort { keys, values, how, descending, line } => {
                let sort = Sorted { keys, values, how: *how, descending: *descending, line: *line, lanes: kernel.lanes };
                sorted(&frame, &mut desk.places, sort, out);
            }
        }
        // a kernel that gave up half way has set nothing that is read: the run ends here
        let done = frame.checked();
        self.put(kernel.to, target);
        done
    }

    pub(super) fn frame(&self) -> Frame<'_> {
        let Scratch { isa, backend, ref slots, .. } = *self.scratch;
        let slots = Slots { own: slots, bound: &self.bound, around: &[], given: &self.given };
        let machine = Machine { isa, backend };
        Frame { code: self.code, inputs: self.inputs, slots, machine, points: self.points, seeds: self.seeds, stop: self.stop }
    }

    /// What kernels see, and where they work meanwhile.
    pub(super) fn frame_and_desk(&mut self) -> (Frame<'_>, &mut Desk) {
        let Scratch { isa, backend, slots, desk } = &mut *self.scratch;
        let slots = Slots { own: slots, bound: &self.bound, around: &[], given: &self.given };
        let machine = Machine { isa: *isa, backend: *backend };
        let frame = Frame { code: self.code, inputs: self.inputs, slots, machine, points: self.points, seeds: self.seeds, stop: self.stop };
        (frame, desk)
    }
}

/// Runs a routine of dense linear algebra; gives up once the stop flag is set.
fn dense(call: &DenseCall, frame: &Frame<'_>, lanes: Lanes, memory: &mut Vec<f64>, out: &mut [f64]) {
    let mut sides = Vec::with_capacity(call.operands.len());
    for operand in &call.operands {
        let (data, spread) = (frame.data(operand), frame.spread(operand.lanes, lanes));
        sides.push(linear_algebra::Side { data, layout: &operand.layout, spread });
    }
    let DenseCall { routine, flags, sizes, .. } = *call;
    let call = linear_algebra::Call { routine, flags, sizes, sides: &sides, lanes: frame.lanes(lanes) };
    // the kernel's end asks the flag again
    let _ = linear_algebra::run(frame.machine.isa, &call, memory, out, frame.stop);
}

/// What is sorted, and what follows it.
struct Sorted<'a> {
    keys: &'a Operand,
    values: &'a Operand,
    how: Sorting,
    descending: bool,
    line: Line,
    lanes: Lanes,
}

/// Every line and lane of a sort: what is the same for several lanes is sorted once.
fn sorted(frame: &Frame<'_>, places: &mut sort::Places, work: Sorted<'_>, out: &mut [f64]) {
    let Sorted { line: Line { outer, length, inner }, lanes, .. } = work;
    let (key_lanes, all) = (frame.lanes(work.keys.lanes), frame.lanes(lanes));
    let (keys, values) = (frame.contiguous(work.keys), frame.contiguous(work.values));
    for base in (0..outer).flat_map(|outer| (0..inner).map(move |inner_at| outer * length * inner + inner_at)) {
        for key_lane in 0..key_lanes {
            let own = sort::Strided { data: keys, first: base * key_lanes + key_lane, stride: inner * key_lanes };
            places.sort(own, length, work.descending, frame.stop);
            if frame.checked().is_err() {
                return;
            }
            for lane in frame.lanes_over(lanes, work.keys.lanes, key_lane) {
                let to = (base * all + lane, inner * all);
                places.follow(work.how, own, sort::Strided { data: values, first: to.0, stride: to.1 }, to, out);
            }
        }
    }
}

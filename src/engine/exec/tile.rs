//! One tile of a Map: where its numbers are, and its steps over them.

use std::ops::Range;

use smallvec::SmallVec;

use super::super::program::{Map, Step};
use super::elementwise::{Isa, Together, WIDEST};
use super::native::{Segment, Tiles};

/// A line more from slot to slot, so that they do not all compete for the same places of the cache.
pub(super) const APART: usize = 8;

/// Where the numbers of a slot are while a tile is computed.
#[derive(Clone, Copy)]
pub(super) enum Home<'a> {
    /// In the tile's scratch.
    Tile,
    /// There, and one number for the whole domain: machine code reads the first.
    One,
    /// Where an operand lies: as good as a copy of it.
    Direct(&'a [f64]),
    /// In the memory that is written: which of the targets.
    Target(u32),
}

/// A tile while it is computed.
pub(super) struct Tile<'a> {
    pub(super) map: &'a Map,
    pub(super) isa: Isa,
    /// Machine code of its arithmetic, if there is any.
    pub(super) native: Option<&'a Tiles>,
    /// Whether its scratch is for the last numbers alone.
    pub(super) in_place: bool,
    /// From one slot to the next in the tile's scratch.
    pub(super) pitch: usize,
    /// Where each slot's numbers are. What an operand has in place is only ever read: no step writes a slot that is loaded.
    pub(super) addresses: SmallVec<[*mut f64; 16]>,
    /// Where in the tile's scratch the last numbers of each slot go, behind the whole fours.
    pub(super) last: SmallVec<[*mut f64; 16]>,
}

impl Tile<'_> {
    /// Finds the addresses; `written` is the tile's part of what is written.
    pub(super) fn lay(&mut self, homes: &[Home<'_>], slots: &mut [f64], targets: &mut [&mut [f64]], written: Range<usize>) {
        let (len, pitch) = (written.len(), self.pitch);
        assert!((self.in_place || len <= pitch) && homes.len() * pitch <= slots.len());
        let scratch = slots.as_mut_ptr();
        self.addresses.clear();
        self.addresses.extend(homes.iter().enumerate().map(|(slot, home)| match *home {
            Home::Direct(there) => there[..len].as_ptr().cast_mut(),
            Home::Target(own) => targets[own as usize][written.clone()].as_mut_ptr(),
            Home::Tile | Home::One => scratch.wrapping_add(slot * pitch),
        }));
        self.last.clear();
        if !len.is_multiple_of(Segment::WIDTH) {
            let done = if self.in_place { 0 } else { len - len % Segment::WIDTH };
            let place = |(slot, home): (usize, &Home<'_>)| slot * pitch + if matches!(home, Home::One) { 0 } else { done };
            self.last.extend(homes.iter().enumerate().map(|at| scratch.wrapping_add(place(at))));
        }
    }

    /// All steps, for the tile's `len` numbers; `homes` say of the last ones, where these are no four, which of them have to be moved.
    ///
    /// # Safety
    /// The addresses are those of `len` numbers each, which nobody else uses meanwhile.
    pub(super) unsafe fn run(&self, homes: &[Home<'_>], len: usize) {
        let steps = &self.map.steps;
        let (mut i, mut twins) = (0, self.map.twins.iter().peekable());
        while i < steps.len() {
            // SAFETY: as the caller says
            unsafe {
                match self.native.and_then(|native| native.at(i)) {
                    Some(segment) => {
                        self.segment(segment, &steps[i..segment.end], homes, len);
                        i = segment.end;
                    }
                    None => match twins.next_if(|(first, _)| *first as usize == i) {
                        Some((_, both)) => {
                            self.twins(*both, &steps[i], &steps[i + 1], len);
                            i += 2;
                        }
                        None => {
                            self.step(&steps[i], len);
                            i += 1;
                        }
                    },
                }
            }
        }
    }

    /// One step, for the tile's `len` numbers.
    ///
    /// # Safety
    /// The addresses are those of a tile of that length, and nobody else uses what is there.
    unsafe fn step(&self, step: &Step, len: usize) {
        let function = self.map.functions[step.function as usize];
        // SAFETY: each address is that of `len` numbers, and those of two slots do not overlap unless both are only read
        let slot = |slot: u32| unsafe { std::slice::from_raw_parts(self.addresses[slot as usize], len) };
        // what is read from the slot that is written is no argument
        let arg = |from: u32| if from == step.to { &[][..] } else { slot(from) };
        // SAFETY: as above, and no argument is the slot that is written
        let out = unsafe { std::slice::from_raw_parts_mut(self.addresses[step.to as usize], len) };
        if step.code.has_row() {
            function.tile(self.isa, out, self.map.many[step.from[0] as usize].map(arg));
        } else {
            let [a, b] = step.from.map(arg);
            function.tile(self.isa, out, [a, b, a, a, a, a]);
        }
    }

    /// Two steps that share work, for the tile's `len` numbers.
    ///
    /// # Safety
    /// As for [`Tile::step`]; the steps are those that the loop is for.
    unsafe fn twins(&self, both: Together, first: &Step, second: &Step, len: usize) {
        // SAFETY: as in `step`; the second step neither writes what the first one does nor what either reads
        let slot = |slot: u32| unsafe { std::slice::from_raw_parts(self.addresses[slot as usize], len) };
        let out = |step: &Step| unsafe { std::slice::from_raw_parts_mut(self.addresses[step.to as usize], len) };
        let ([a, b], [_, c]) = (first.from, second.from);
        // SAFETY: the entry needs no more than what `isa` stands for, which this CPU has
        unsafe { both[self.isa as usize](out(first), out(second), slot(a), slot(b), slot(c)) }
    }

    /// Steps that are one loop: the whole fours where they lie, and the last ones in the tile, where there is room for four.
    ///
    /// # Safety
    /// As for [`Tile::step`]; the steps are those of the segment.
    unsafe fn segment(&self, segment: Segment, steps: &[Step], homes: &[Home<'_>], len: usize) {
        // SAFETY: so the addresses were found; a slot in the tile goes on to a multiple of four
        unsafe {
            let done = segment.run(&self.addresses, len);
            if done == len {
                return;
            }
            // the slots of this segment alone: a Map may have thousands, and as many segments
            for slot in steps.iter().flat_map(|step| self.read(step)) {
                if !matches!(homes[slot], Home::Tile | Home::One) {
                    self.addresses[slot].add(done).copy_to_nonoverlapping(self.last[slot], len - done);
                }
            }
            segment.run(&self.last, Segment::WIDTH);
            for slot in steps.iter().map(|step| step.to as usize) {
                if matches!(homes[slot], Home::Target(_)) {
                    self.last[slot].copy_to_nonoverlapping(self.addresses[slot].add(done), len - done);
                }
            }
        }
    }

    /// The slots that a step reads, and perhaps the one that it writes.
    fn read(&self, step: &Step) -> impl Iterator<Item = usize> + use<> {
        let [a, b] = step.from;
        let slots = if step.code.has_row() { self.map.many[a as usize] } else { [a, b, a, a, a, a] };
        slots.into_iter().take(if step.code.has_row() { WIDEST } else { 2 }).map(|slot| slot as usize)
    }
}

//! The block interpreter: a fused group of elementwise steps, tile by tile.
//!
//! A tile's slots stay in the L1 cache; one dispatch covers a whole tile. A domain of one element runs the same steps over plain
//! numbers.

use std::ops::Range;

use smallvec::SmallVec;

use super::super::op::arithmetic::{number, truth};
use super::super::op::calculus::{chain_product, chain_quotient, nonnegative};
use super::super::program::{Lanes, Load, Map, Operand, Step, Stopped};
use super::elementwise::{Isa, Together, WIDEST};
use super::memory::Numbers;
use super::native::{Backend, Segment};
use super::opcode::Opcode;
use super::{Frame, rows};

/// Values that fit in a 32 KiB L1 cache: many of a tile's slots are read where they lie or stay in registers.
const CACHED: usize = 4096;
/// A tile is no shorter than this, whatever it takes: beyond the nearest cache there is another.
const SHORTEST: usize = 128;
/// A tile is no longer than this: dispatch is then a small part of it.
const LONGEST: usize = 1024;

/// A tile whose numbers are read and written where they lie, and else stay in registers, is no longer than this: then the stop flag is looked at.
const LONGEST_IN_PLACE: usize = 4096;

/// A line more from slot to slot, so that they do not all compete for the same places of the cache.
const APART: usize = 8;

/// Numbers that all slots of a tile have room for, where that is more than the shortest tile: they stay in the second cache.
const ROOM: usize = 64 * 1024;

/// Numbers of a tile, in a domain of so many. Machine code keeps in registers what only arithmetic needs.
fn length(map: &Map, domain: usize, native: bool) -> usize {
    let slots = map.slots.max(1);
    let (near, room) = if native { (map.in_memory.max(1), ROOM / slots) } else { (slots, LONGEST) };
    let longest = LONGEST.min(room.max(SHORTEST));
    (CACHED / near).next_multiple_of(8).clamp(SHORTEST, longest).min(domain.next_multiple_of(4))
}

/// Numbers of scratch memory that tiles take.
pub(super) fn memory(map: &Map, domain: usize) -> usize {
    map.slots * (length(map, domain, true).max(length(map, domain, false)) + APART)
}

/// What runs a Map.
#[derive(Clone, Copy)]
pub(super) struct Machine {
    pub(super) isa: Isa,
    pub(super) backend: Backend,
}

/// The domain of one number: plain slots, which hold what is stored when it returns.
pub(super) fn one(map: &Map, frame: &Frame<'_>, slots: &mut Numbers) {
    let Machine { isa, backend } = frame.machine;
    slots.reach(map.slots);
    for Load { operand, slot, inside } in &map.loads {
        let outside = inside.as_ref().is_some_and(|inside| !inside.contains(&0));
        slots[*slot as usize] = if outside { 0.0 } else { frame.data(operand)[operand.layout.offset] };
    }
    let slots = &mut slots[..map.slots];
    match map.native.single(map, backend, isa) {
        Some(native) => native.run(slots),
        None => interpret(map, isa, slots),
    }
}

/// Every step over plain numbers.
fn interpret(map: &Map, isa: Isa, slots: &mut [f64]) {
    for step in &map.steps {
        let [a, b] = step.from.map(|slot| slot as usize);
        let call = || map.functions[step.function as usize];
        let value = match step.code {
            Opcode::Add => slots[a] + slots[b],
            Opcode::Subtract => slots[a] - slots[b],
            Opcode::Multiply => slots[a] * slots[b],
            Opcode::Divide => slots[a] / slots[b],
            Opcode::Negative => -slots[a],
            Opcode::Square => slots[a] * slots[a],
            Opcode::Reciprocal => 1.0 / slots[a],
            Opcode::Sqrt => slots[a].sqrt(),
            Opcode::Absolute => slots[a].abs(),
            Opcode::Chain => chain_product(slots[a], slots[b]),
            Opcode::Scale => slots[a] * slots[b] + 0.0,
            Opcode::ChainDivide => chain_quotient(slots[a], slots[b]),
            Opcode::Nonnegative => nonnegative(slots[a]),
            Opcode::Less => number(slots[a] < slots[b]),
            Opcode::LessEqual => number(slots[a] <= slots[b]),
            Opcode::Greater => number(slots[a] > slots[b]),
            Opcode::GreaterEqual => number(slots[a] >= slots[b]),
            Opcode::Equal => number(slots[a] == slots[b]),
            Opcode::NotEqual => number(slots[a] != slots[b]),
            Opcode::Where => {
                let [condition, then, otherwise, ..] = map.many[a].map(|slot| slot as usize);
                slots[if truth(slots[condition]) { then } else { otherwise }]
            }
            Opcode::Unary | Opcode::Binary => call().one(isa, [slots[a], slots[b], f64::NAN, f64::NAN, f64::NAN, f64::NAN]),
            Opcode::Many => call().one(isa, map.many[a].map(|slot| slots[slot as usize])),
        };
        slots[step.to as usize] = value;
    }
}

/// Where the numbers of a slot are while a tile is computed.
#[derive(Clone, Copy)]
enum Home<'a> {
    /// In the tile's scratch.
    Tile,
    /// There, and one number for the whole domain: machine code reads the first.
    One,
    /// Where an operand lies: as good as a copy of it.
    Direct(&'a [f64]),
    /// In the memory that is written: which of the targets.
    Target(u32),
}

/// Those elements of the domain, tile by tile; `targets[i]` is the memory of `stores[i]`, from the first of them on.
pub(super) fn tiles(
    map: &Map,
    part: Range<usize>,
    frame: &Frame<'_>,
    slots: &mut Numbers,
    targets: &mut [&mut [f64]],
) -> Result<(), Stopped> {
    let Machine { isa, backend } = frame.machine;
    let lanes = frame.lanes(map.lanes);
    let native = map.native.tiles(map, backend, isa);
    let in_place = native.is_some_and(|native| native.is_alone()) && is_read_in_place(map, lanes);
    let length = if in_place { LONGEST_IN_PLACE } else { length(map, part.len() * lanes, native.is_some()) };
    // of what is in place there is only the end of a tile to be moved
    let pitch = if in_place { APART } else { length + APART };
    slots.reach(map.slots * pitch);
    // a tile is either whole elements or part of one element's lanes
    let (element_step, lane_step) = if lanes >= length { (1, length) } else { (length / lanes, lanes) };
    let at = |slot: u32, len: usize| slot as usize * pitch..slot as usize * pitch + len;
    let mut homes: SmallVec<[Home<'_>; 16]> = SmallVec::new();
    homes.resize(map.slots, Home::Tile);
    for (i, &(slot, _)) in map.stores.iter().enumerate() {
        homes[slot as usize] = Home::Target(i as u32);
    }
    let mut read: SmallVec<[&Load; 8]> = SmallVec::new();
    for load @ Load { operand, slot, .. } in &map.loads {
        if load.is_one_number() {
            // what is one number for the whole domain is spread once, if that is how it is read
            let all = native.is_none_or(|native| native.reads_whole(*slot));
            slots[at(*slot, if all { length } else { 1 })].fill(frame.data(operand)[operand.layout.offset]);
            homes[*slot as usize] = Home::One;
        } else {
            read.push(load);
        }
    }
    let mut tile = Tile { map, isa, in_place, pitch, addresses: SmallVec::new(), last: SmallVec::new() };
    let mut element = part.start;
    while element < part.end {
        let elements = element_step.min(part.end - element);
        let mut lane = 0;
        while lane < lanes {
            let width = lane_step.min(lanes - lane);
            let len = elements * width;
            let first = (element - part.start) * lanes + lane;
            for one in read.iter().copied() {
                let to = &mut slots[if in_place { 0..0 } else { at(one.slot, len) }];
                homes[one.slot as usize] = load(frame, map.lanes, one, element..element + elements, lane..lane + width, to);
            }
            tile.lay(&homes, slots, targets, first..first + len);
            let (mut i, mut twins) = (0, map.twins.iter().peekable());
            while i < map.steps.len() {
                // SAFETY: the addresses are those of this tile, and nobody else uses what is there meanwhile
                unsafe {
                    match native.and_then(|native| native.at(i)) {
                        Some(segment) => {
                            tile.segment(segment, &map.steps[i..segment.end], &homes, len);
                            i = segment.end;
                        }
                        None => match twins.next_if(|(first, _)| *first as usize == i) {
                            Some((_, both)) => {
                                tile.twins(*both, &map.steps[i], &map.steps[i + 1], len);
                                i += 2;
                            }
                            None => {
                                tile.step(&map.steps[i], len);
                                i += 1;
                            }
                        },
                    }
                }
            }
            lane += width;
            frame.checked()?;
        }
        element += elements;
    }
    Ok(())
}

/// Whether all that a Map loads is one number or lies as the domain has it.
fn is_read_in_place(map: &Map, lanes: usize) -> bool {
    map.loads.iter().all(|load @ Load { operand, inside, .. }| {
        let together = lanes == 1 || (operand.lanes.data() == map.lanes.data() && lanes <= LONGEST_IN_PLACE);
        load.is_one_number() || (together && inside.is_none() && matches!(operand.layout.axes[..], [] | [(_, 1)]))
    })
}

/// A tile while it is computed.
struct Tile<'a> {
    map: &'a Map,
    isa: Isa,
    /// Whether its scratch is for the last numbers alone.
    in_place: bool,
    /// From one slot to the next in the tile's scratch.
    pitch: usize,
    /// Where each slot's numbers are. What an operand has in place is only ever read: no step writes a slot that is loaded.
    addresses: SmallVec<[*mut f64; 16]>,
    /// Where in the tile's scratch the last numbers of each slot go, behind the whole fours.
    last: SmallVec<[*mut f64; 16]>,
}

impl Tile<'_> {
    /// Finds the addresses; `written` is the tile's part of what is written.
    fn lay(&mut self, homes: &[Home<'_>], slots: &mut [f64], targets: &mut [&mut [f64]], written: Range<usize>) {
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

/// Those elements of the domain, and lanes, of what is loaded: where they lie, if that is how the domain has them, or read to `to`.
fn load<'a>(
    frame: &'a Frame<'_>,
    all: Lanes,
    Load { operand, inside, .. }: &'a Load,
    elements: Range<usize>,
    lanes: Range<usize>,
    to: &mut [f64],
) -> Home<'a> {
    let Some(inside) = inside else { return read(frame, all, operand, elements, lanes, to) };
    let there = elements.start.max(inside.start)..elements.end.min(inside.end);
    if there.is_empty() {
        to.fill(0.0);
        return Home::Tile;
    }
    let own = there.start - inside.start..there.end - inside.start;
    if there == elements {
        return read(frame, all, operand, own, lanes, to);
    }
    let width = lanes.len();
    let (before, rest) = to.split_at_mut((there.start - elements.start) * width);
    let (middle, after) = rest.split_at_mut(there.len() * width);
    before.fill(0.0);
    after.fill(0.0);
    if let Home::Direct(data) = read(frame, all, operand, own, lanes, middle) {
        middle.copy_from_slice(data);
    }
    Home::Tile
}

/// Those elements and lanes of an operand, likewise.
fn read<'a>(
    frame: &'a Frame<'_>,
    all: Lanes,
    operand: &'a Operand,
    elements: Range<usize>,
    lanes: Range<usize>,
    to: &mut [f64],
) -> Home<'a> {
    let data = frame.data(operand);
    let layout = &operand.layout;
    let count = frame.lanes(all);
    let (width, same) = (lanes.len(), operand.lanes.data() == all.data());
    if count == 1 || (same && width == count) {
        return match layout.consecutive(elements.start, elements.len()) {
            Some(at) => Home::Direct(&data[at * count..][..elements.len() * count]),
            None => {
                layout.read(data, count, elements.start, to);
                Home::Tile
            }
        };
    }
    if operand.lanes.data() == Lanes::NONE {
        // one number for all lanes
        let mut rows = to.chunks_exact_mut(width);
        for run in layout.runs(elements.start, elements.len()) {
            let mut at = run.at as isize;
            for to in rows.by_ref().take(run.length) {
                to.fill(data[at as usize]);
                at += run.stride;
            }
        }
        return Home::Tile;
    }
    let positions = layout.positions().seek(layout.offset, elements.start);
    for (position, to) in positions.zip(to.chunks_exact_mut(width)) {
        if same && elements.len() == 1 {
            return Home::Direct(&data[position * count + lanes.start..][..width]);
        }
        rows::read(frame, data, operand.lanes, all, position, lanes.start, to);
    }
    Home::Tile
}

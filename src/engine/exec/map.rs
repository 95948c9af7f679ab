//! The block interpreter: a fused group of elementwise steps, tile by tile.
//!
//! A tile's slots stay in the L1 cache; one dispatch covers a whole tile. A domain of one element runs the same steps over plain
//! numbers.

use std::ops::Range;

use smallvec::SmallVec;

use super::super::op::arithmetic::{number, truth};
use super::super::op::calculus::{chain_product, chain_quotient, nonnegative};
use super::super::program::{Lanes, Load, Map, Operand, Stopped};
use super::elementwise::Isa;
use super::memory::Numbers;
use super::native::{Backend, Tiles};
use super::opcode::Opcode;
use super::tile::{APART, Home, Tile};
use super::{Frame, rows};

/// Values that fit in a 32 KiB L1 cache: many of a tile's slots are read where they lie or stay in registers.
const CACHED: usize = 4096;
/// A tile is no shorter than this, whatever it takes: beyond the nearest cache there is another.
const SHORTEST: usize = 128;
/// A tile is no longer than this: dispatch is then a small part of it.
const LONGEST: usize = 1024;

/// A tile whose numbers are read and written where they lie, and else stay in registers, is no longer than this: then the stop flag is looked at.
const LONGEST_IN_PLACE: usize = 4096;

/// Numbers that all slots of a tile have room for, where that is more than the shortest tile: they stay in the second cache.
const ROOM: usize = 64 * 1024;

/// Numbers of a tile, in a domain of so many. Machine code keeps in registers what only arithmetic needs.
fn length(map: &Map, domain: usize, native: bool) -> usize {
    let slots = map.slots.max(1);
    let (near, room) = if native { (map.in_memory.max(1), ROOM / slots) } else { (slots, LONGEST) };
    let longest = LONGEST.min(room.max(SHORTEST));
    (CACHED / near).next_multiple_of(8).clamp(SHORTEST, longest).min(domain.next_multiple_of(4))
}

/// The longest tile of a Map whose elements are many.
pub(super) fn length_of_tiles(map: &Map, frame: &Frame<'_>) -> usize {
    let native = map.native.tiles(map, frame.machine.backend, frame.machine.isa);
    if native.is_some_and(Tiles::is_alone) { LONGEST_IN_PLACE } else { length(map, LONGEST, native.is_some()) }
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
    let in_place = native.is_some_and(Tiles::is_alone) && is_read_in_place(map, lanes);
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
    let mut tile = Tile { map, isa, native, in_place, pitch, addresses: SmallVec::new(), last: SmallVec::new() };
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
            // SAFETY: the addresses are those of this tile, and nobody else uses what is there meanwhile
            unsafe { tile.run(&homes, len) };
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

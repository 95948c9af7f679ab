//! The block interpreter: a fused group of elementwise steps, tile by tile.
//!
//! A tile's slots stay in half the L1 cache; one dispatch covers a whole tile. A domain of one element runs the same steps over plain
//! numbers.

use std::ops::Range;

use smallvec::SmallVec;

use super::super::op::arithmetic::{number, truth};
use super::super::op::calculus::{chain_product, chain_quotient, nonnegative};
use super::super::program::{Lanes, Load, Map, Operand, Step, Stopped};
use super::elementwise::Isa;
use super::memory::Memory;
use super::native::Backend;
use super::opcode::Opcode;
use super::{Frame, rows};

/// Values that fit in half of a 32 KiB L1 cache.
const CACHED: usize = 2048;
/// A tile is no shorter than this, whatever it takes: beyond the nearest cache there is another.
const SHORTEST: usize = 128;
/// A tile is no longer than this: dispatch is then a small part of it.
const LONGEST: usize = 256;

/// What runs a Map.
#[derive(Clone, Copy)]
pub(super) struct Machine {
    pub(super) isa: Isa,
    pub(super) backend: Backend,
}

/// Runs the group over those elements of its domain; `targets[i]` is the memory of `stores[i]`.
pub(super) fn run(
    map: &Map,
    part: Range<usize>,
    frame: &Frame<'_>,
    machine: Machine,
    tile: &mut Vec<f64>,
    targets: &mut [Memory<'_>],
) -> Result<(), Stopped> {
    let lanes = frame.lanes(map.lanes);
    match map.elements * lanes {
        0 => Ok(()),
        1 => {
            one(map, frame, machine, tile, targets);
            frame.checked()
        }
        _ => tiles(map, part, frame, machine, tile, targets),
    }
}

/// The domain of one element: plain slots.
fn one(map: &Map, frame: &Frame<'_>, Machine { isa, backend }: Machine, slots: &mut Vec<f64>, targets: &mut [Memory<'_>]) {
    if slots.len() < map.slots {
        slots.resize(map.slots, 0.0);
    }
    for Load { operand, slot, inside } in &map.loads {
        let outside = inside.as_ref().is_some_and(|inside| !inside.contains(&0));
        slots[*slot as usize] = if outside { 0.0 } else { frame.data(operand)[operand.layout.offset] };
    }
    let slots = &mut slots[..map.slots];
    match map.native.single(map, backend, isa) {
        Some(native) => native.run(slots),
        None => interpret(map, isa, slots),
    }
    for (&(slot, _), target) in map.stores.iter().zip(targets) {
        target[0] = slots[slot as usize];
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
    /// Where an operand lies: as good as a copy of it.
    Direct(&'a [f64]),
    /// In the memory that is written: which of the targets.
    Target(u32),
}

fn tiles(
    map: &Map,
    part: Range<usize>,
    frame: &Frame<'_>,
    Machine { isa, backend }: Machine,
    slots: &mut Vec<f64>,
    targets: &mut [Memory<'_>],
) -> Result<(), Stopped> {
    let lanes = frame.lanes(map.lanes);
    let part = part.start..part.end.min(map.elements);
    let domain = part.len() * lanes;
    let length = (CACHED / map.slots.max(1)).next_multiple_of(8).clamp(SHORTEST, LONGEST).min(domain.next_multiple_of(4));
    // a line more from slot to slot, so that they do not all compete for the same places of the cache
    let pitch = length + 8;
    if slots.len() < map.slots * pitch {
        slots.resize(map.slots * pitch, 0.0);
    }
    // a tile is either whole elements or part of one element's lanes
    let (element_step, lane_step) = if lanes >= length { (1, length) } else { (length / lanes, lanes) };
    let at = |slot: u32, len: usize| slot as usize * pitch..slot as usize * pitch + len;
    let mut homes: SmallVec<[Home<'_>; 16]> = SmallVec::new();
    homes.resize(map.slots, Home::Tile);
    for (i, &(slot, _)) in map.stores.iter().enumerate() {
        homes[slot as usize] = Home::Target(i as u32);
    }
    let mut read: SmallVec<[&Load; 8]> = SmallVec::new();
    for load @ Load { operand, slot, inside } in &map.loads {
        let one = inside.is_none() && operand.lanes.data() == Lanes::NONE && operand.layout.axes.iter().all(|&(_, stride)| stride == 0);
        if one {
            // what is one number for the whole domain is spread once
            slots[at(*slot, length)].fill(frame.data(operand)[operand.layout.offset]);
        } else {
            read.push(load);
        }
    }
    let native = map.native.tiles(map, backend, isa);
    let mut addresses: SmallVec<[*mut f64; 16]> = SmallVec::new();
    let mut element = part.start;
    while element < part.end {
        let elements = element_step.min(part.end - element);
        let mut lane = 0;
        while lane < lanes {
            let width = lane_step.min(lanes - lane);
            let len = elements * width;
            let first = element * lanes + lane;
            for one in read.iter().copied() {
                let to = &mut slots[at(one.slot, len)];
                homes[one.slot as usize] = load(frame, map.lanes, one, element..element + elements, lane..lane + width, to);
            }
            let mut tile = Tile { map, isa, homes: &homes, slots, pitch, targets, first };
            let mut i = 0;
            while i < map.steps.len() {
                let Some(segment) = native.and_then(|native| native.at(i)) else {
                    tile.step(&map.steps[i], 0..len);
                    i += 1;
                    continue;
                };
                addresses.clear();
                tile.addresses(len, |address| addresses.push(address));
                // SAFETY: so each address was made
                let done = unsafe { segment.run(&addresses, len) };
                if done < len {
                    addresses.clear();
                    tile.gather(done..len, |address| addresses.push(address));
                    // SAFETY: there is room for four numbers behind each address
                    unsafe { segment.run(&addresses, 4) };
                    tile.scatter(done..len);
                }
                i = segment.end;
            }
            lane += width;
            frame.checked()?;
        }
        element += elements;
    }
    Ok(())
}

/// A tile while it is computed.
struct Tile<'a, 'm> {
    map: &'a Map,
    isa: Isa,
    homes: &'a [Home<'a>],
    slots: &'a mut [f64],
    /// From one slot to the next in the tile's scratch.
    pitch: usize,
    targets: &'a mut [Memory<'m>],
    /// Where the tile begins in what is written.
    first: usize,
}

impl Tile<'_, '_> {
    /// One step, for some of the tile's numbers.
    fn step(&mut self, step: &Step, part: Range<usize>) {
        let Tile { map, pitch, first, .. } = *self;
        let function = map.functions[step.function as usize];
        let to = step.to as usize * pitch;
        let written = first + part.start..first + part.end;
        // what is written is set aside, so that what is read can be borrowed
        let own = if let Home::Target(own) = self.homes[step.to as usize] { Some(own as usize) } else { None };
        let mut target = own.map(|own| std::mem::take(&mut self.targets[own]));
        let (before, rest) = self.slots.split_at_mut(to);
        let (out, after) = rest.split_at_mut(pitch);
        let (homes, targets) = (self.homes, &*self.targets);
        let slot = |slot: u32| match homes[slot as usize] {
            Home::Direct(there) => &there[part.clone()],
            // of the memory that is written nothing is read
            Home::Target(other) if targets[other as usize].is_empty() => &[],
            Home::Target(other) => &targets[other as usize][written.clone()],
            Home::Tile => {
                let from = slot as usize * pitch;
                if from < to { &before[from..][part.clone()] } else { &after[from - to - pitch..][part.clone()] }
            }
        };
        // what is read from the slot that is written is no argument
        let arg = |from: u32| if from == step.to { &[][..] } else { slot(from) };
        let out = match &mut target {
            Some(target) => &mut target[written.clone()],
            None => &mut out[part.clone()],
        };
        if step.code.has_row() {
            function.tile(self.isa, out, map.many[step.from[0] as usize].map(arg));
        } else {
            let [a, b] = step.from.map(slot);
            function.tile(self.isa, out, [a, b, a, a, a, a]);
        }
        if let (Some(own), Some(target)) = (own, target) {
            self.targets[own] = target;
        }
    }

    /// Where each slot's `len` numbers are. What an operand has in place is only ever read: no step writes a slot that is loaded.
    fn addresses(&mut self, len: usize, mut put: impl FnMut(*mut f64)) {
        let (first, pitch) = (self.first, self.pitch);
        assert!(len <= pitch && self.homes.len() * pitch <= self.slots.len());
        let tile = self.slots.as_mut_ptr();
        for (slot, home) in self.homes.iter().enumerate() {
            put(match *home {
                Home::Direct(there) => there[..len].as_ptr().cast_mut(),
                Home::Target(own) => self.targets[own as usize][first..first + len].as_mut_ptr(),
                Home::Tile => tile.wrapping_add(slot * pitch),
            });
        }
    }
}

impl Tile<'_, '_> {
    /// Where each slot's numbers of a last part of the tile are, copied to where four can be.
    fn gather(&mut self, part: Range<usize>, mut put: impl FnMut(*mut f64)) {
        let (first, pitch) = (self.first, self.pitch);
        assert!(part.start + 4 <= pitch && self.homes.len() * pitch <= self.slots.len());
        for (slot, home) in self.homes.iter().enumerate() {
            let own = &mut self.slots[slot * pitch..][part.clone()];
            match *home {
                Home::Direct(there) => own.copy_from_slice(&there[part.clone()]),
                Home::Target(target) => own.copy_from_slice(&self.targets[target as usize][first + part.start..first + part.end]),
                Home::Tile => {}
            }
        }
        let tile = self.slots.as_mut_ptr();
        (0..self.homes.len()).for_each(|slot| put(tile.wrapping_add(slot * pitch + part.start)));
    }

    /// What is written, from there to its memory.
    fn scatter(&mut self, part: Range<usize>) {
        for (slot, home) in self.homes.iter().enumerate() {
            if let Home::Target(target) = *home {
                let own = &self.slots[slot * self.pitch..][part.clone()];
                self.targets[target as usize][self.first + part.start..self.first + part.end].copy_from_slice(own);
            }
        }
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

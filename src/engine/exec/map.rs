//! The block interpreter: a fused group of elementwise steps, tile by tile.
//!
//! A tile's slots stay in half the L1 cache; one dispatch covers a whole tile. A domain of one element runs the same steps over plain
//! numbers.

use super::super::op::calculus::chain_product;
use super::super::program::{Lanes, Map, Stopped};
use super::elementwise::Isa;
use super::opcode::Opcode;
use super::{Frame, rows};

/// Values that fit in half of a 32 KiB L1 cache.
const CACHED: usize = 2048;
/// A tile is no longer than this: dispatch is then a small part of it.
const LONGEST: usize = 256;

/// Runs the group over its domain; `targets[i]` is the memory of `stores[i]`.
pub(super) fn run(map: &Map, frame: &Frame<'_>, isa: Isa, tile: &mut Vec<f64>, targets: &mut [Vec<f64>]) -> Result<(), Stopped> {
    let lanes = frame.lanes(map.lanes);
    match map.elements * lanes {
        0 => Ok(()),
        1 => {
            one(map, frame, isa, tile, targets);
            frame.checked()
        }
        _ => tiles(map, frame, isa, tile, targets),
    }
}

/// The domain of one element: plain slots.
fn one(map: &Map, frame: &Frame<'_>, isa: Isa, slots: &mut Vec<f64>, targets: &mut [Vec<f64>]) {
    if slots.len() < map.slots {
        slots.resize(map.slots, 0.0);
    }
    for (operand, slot) in &map.loads {
        slots[*slot as usize] = frame.data(operand)[operand.layout.offset];
    }
    let slots = &mut slots[..map.slots];
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
            Opcode::Chain => chain_product(slots[a], slots[b]),
            Opcode::Unary | Opcode::Binary => call().one(isa, [slots[a], slots[b], f64::NAN, f64::NAN, f64::NAN, f64::NAN]),
            Opcode::Many => call().one(isa, map.many[a].map(|slot| slots[slot as usize])),
        };
        slots[step.to as usize] = value;
    }
    for (&(slot, _), target) in map.stores.iter().zip(targets) {
        target[0] = slots[slot as usize];
    }
}

fn tiles(map: &Map, frame: &Frame<'_>, isa: Isa, slots: &mut Vec<f64>, targets: &mut [Vec<f64>]) -> Result<(), Stopped> {
    let lanes = frame.lanes(map.lanes);
    let domain = map.elements * lanes;
    let length = (CACHED / map.slots.max(1)).next_multiple_of(8).clamp(16, LONGEST).min(domain);
    if slots.len() < map.slots * length {
        slots.resize(map.slots * length, 0.0);
    }
    // a tile is either whole elements or part of one element's lanes
    let (element_step, lane_step) = if lanes >= length { (1, length) } else { (length / lanes, lanes) };
    let at = |slot: u32, len: usize| slot as usize * length..slot as usize * length + len;
    // what is one number for the whole domain is spread once
    let (spread, read): (Vec<_>, Vec<_>) = map
        .loads
        .iter()
        .partition(|(operand, _)| operand.lanes.data() == Lanes::NONE && operand.layout.axes.iter().all(|&(_, stride)| stride == 0));
    for (operand, slot) in spread {
        slots[at(*slot, length)].fill(frame.data(operand)[operand.layout.offset]);
    }
    // operands that are read where they lie, by slot
    let mut direct: Vec<&[f64]> = vec![&[]; map.slots];
    let mut element = 0;
    while element < map.elements {
        let elements = element_step.min(map.elements - element);
        let mut lane = 0;
        while lane < lanes {
            let width = lane_step.min(lanes - lane);
            let len = elements * width;
            for (operand, slot) in &read {
                let to = &mut slots[at(*slot, len)];
                let data = frame.data(operand);
                let layout = &operand.layout;
                if width == lanes && (operand.lanes.data() == map.lanes.data() || lanes == 1) {
                    let mut rest = to;
                    for run in layout.runs(element, elements) {
                        if run.stride == 1 && run.length == elements {
                            // where it lies is as good as a copy of it
                            direct[*slot as usize] = &data[run.at * lanes..][..len];
                            break;
                        }
                        direct[*slot as usize] = &[];
                        let (own, after) = rest.split_at_mut(run.length * lanes);
                        run.read(data, lanes, own);
                        rest = after;
                    }
                    continue;
                }
                let positions = layout.positions().seek(layout.offset, element);
                for (position, to) in positions.zip(to.chunks_exact_mut(width)) {
                    rows::read(frame, data, operand.lanes, map.lanes, position, lane, to);
                }
            }
            for step in &map.steps {
                let function = map.functions[step.function as usize];
                let to = step.to as usize * length;
                let (before, rest) = slots.split_at_mut(to);
                let (out, after) = rest.split_at_mut(length);
                let slot = |slot: u32| {
                    if let there @ [_, ..] = direct[slot as usize] {
                        return there;
                    }
                    let from = slot as usize * length;
                    if from < to { &before[from..from + len] } else { &after[from - to - length..][..len] }
                };
                // what is read from the slot that is written is no argument
                let arg = |from: u32| if from == step.to { &[][..] } else { slot(from) };
                if step.code == Opcode::Many {
                    function.tile(isa, &mut out[..len], map.many[step.from[0] as usize].map(arg));
                } else {
                    let [a, b] = step.from.map(slot);
                    function.tile(isa, &mut out[..len], [a, b, a, a, a, a]);
                }
            }
            for (&(slot, _), target) in map.stores.iter().zip(targets.iter_mut()) {
                let to = element * lanes + lane;
                target[to..to + len].copy_from_slice(&slots[at(slot, len)]);
            }
            lane += width;
            frame.checked()?;
        }
        element += elements;
    }
    Ok(())
}

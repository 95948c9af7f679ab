//! Which buffers share memory: those of the same lanes that are never alive together.

use super::kernel::{Buffer, Kernel, Lanes, Operand, Source};
use super::slabs::Slab;

/// A piece of scratch memory: elements, each of as many lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) elements: usize,
    pub(crate) lanes: Lanes,
}

/// Gives each buffer its slot; returns the slots and the most elements alive at once. `kept` are the buffers of inputs and outputs,
/// which live throughout.
pub(crate) fn assign(buffers: &mut [Buffer], kernels: &[Kernel], all: &[Slab], kept: &[u32]) -> (Vec<Slot>, usize) {
    const FOREVER: usize = usize::MAX;
    let mut first = vec![FOREVER; buffers.len()];
    let mut last = vec![0usize; buffers.len()];
    let mut slabs = all.iter().peekable();
    for (time, kernel) in kernels.iter().enumerate() {
        // kernels that run unit by unit run at the same time
        slabs.next_if(|slab| slab.kernels.end <= time);
        let (begin, time) = match slabs.peek() {
            Some(slab) if slab.kernels.contains(&time) => (slab.kernels.start, slab.kernels.end - 1),
            _ => (time, time),
        };
        for target in kernel.targets() {
            first[target as usize] = first[target as usize].min(begin);
            last[target as usize] = last[target as usize].max(time);
        }
        for operand in kernel.operands() {
            if let Some(buffer) = buffer_of(operand) {
                // what an inner stage reads again and again is not overwritten by that stage or its own
                let inner = kernel.lanes.stage() > buffers[buffer as usize].lanes.stage();
                last[buffer as usize] = if inner { FOREVER } else { last[buffer as usize].max(time) };
            }
        }
    }
    for &buffer in kept {
        first[buffer as usize] = 0;
        last[buffer as usize] = FOREVER;
    }
    let mut order: Vec<usize> = (0..buffers.len()).filter(|&i| first[i] != FOREVER).collect();
    order.sort_by_key(|&i| first[i]);
    let mut slots: Vec<Slot> = Vec::new();
    let mut free: [Vec<u32>; Lanes::KINDS] = Default::default();
    let mut alive: std::collections::BinaryHeap<std::cmp::Reverse<(usize, usize)>> = Default::default();
    let (mut now, mut most) = (0usize, 0usize);
    for i in order {
        while let Some(&std::cmp::Reverse((end, dead))) = alive.peek() {
            if end >= first[i] {
                break;
            }
            alive.pop();
            now -= buffers[dead].elements;
            free[buffers[dead].lanes.index()].push(buffers[dead].slot);
        }
        let Buffer { elements, lanes, .. } = buffers[i];
        let candidates = &mut free[lanes.index()];
        // the tightest that is large enough, else the largest, which then grows; looking at the last few keeps this linear
        let recent = candidates.len().saturating_sub(16);
        let rank = |&slot: &u32| {
            let size = slots[slot as usize].elements;
            if size >= elements { (0, size - elements) } else { (1, elements - size) }
        };
        let chosen = (recent..candidates.len()).min_by_key(|&at| rank(&candidates[at]));
        buffers[i].slot = match chosen {
            Some(at) => {
                let slot = candidates.swap_remove(at);
                slots[slot as usize].elements = slots[slot as usize].elements.max(elements);
                slot
            }
            None => {
                slots.push(Slot { elements, lanes });
                slots.len() as u32 - 1
            }
        };
        now += elements;
        most = most.max(now);
        alive.push(std::cmp::Reverse((last[i], i)));
    }
    for slab in all {
        // each of those who share a group's units out has a halo of its own
        for (kernel, halo) in kernels[slab.kernels.clone()].iter().zip(&slab.halo).filter(|(_, halo)| **halo > 0) {
            for target in kernel.targets() {
                let Buffer { elements, slot, .. } = buffers[target as usize];
                let slot = &mut slots[slot as usize];
                slot.elements = slot.elements.max(elements + halo * slab.units);
            }
        }
    }
    (slots, most)
}

/// The buffer that an operand reads, if it reads one.
pub(crate) fn buffer_of(operand: &Operand) -> Option<u32> {
    match operand.source {
        Source::Buffer(buffer) => Some(buffer),
        Source::Shared(_) | Source::Constant(_) => None,
    }
}

//! Maps of a group some hundred elements at a time, from the first Map to the last: what one writes the next finds in the nearest cache.
//!
//! Everything is bound to its memory once; from one part to the next only addresses move. That is for what lies as the Maps' elements do, away
//! from both ends; the rest of such a group, and all others, go unit by unit ([`super::split`]).

use std::ops::Range;

use smallvec::SmallVec;

use super::super::program::{Kernel, Load, Map, Slab, Stopped, Total, Work, buffer_of};
use super::memory::Numbers;
use super::native::{Segment, Tiles};
use super::tile::{APART, Tile};
use super::{Frame, map, reduce};
use crate::engine::op::Fold;

/// Numbers that are near: a part of all that is read and written fits into a 32 KiB L1 cache.
const NEAR: usize = 4096;
/// A part is no longer than this.
const LONGEST: usize = 1024;
/// Kernels of a group that is looked at: finding who wrote what takes longer the more they are.
const MOST: usize = 32;
/// Numbers of scratch memory that all Maps of a group have: more would not stay near.
const ROOM: usize = 64 * 1024;

/// Units of a group, part by part.
pub(super) struct Stream<'a> {
    maps: Vec<Bound<'a>>,
    /// Totals of the group: each adds the folds of chunks of what a Map wrote.
    sums: SmallVec<[(Fold, Place); 1]>,
    units: Range<usize>,
    elements: Range<usize>,
    size: usize,
}

/// Where the numbers of a part are.
#[derive(Clone, Copy)]
enum Place {
    /// In memory that every part uses again.
    Here(*mut f64),
    /// Along memory of which this is element 0, or would be.
    Along(*mut f64),
}

/// A Map, bound to its memory.
struct Bound<'a> {
    tile: Tile<'a>,
    /// Elements before a part's own that are computed with it, since others read back so far.
    halo: usize,
    /// Slots along memory.
    along: SmallVec<[(u32, *mut f64); 8]>,
}

/// What a group's kernels have in common.
struct Survey {
    units: Range<usize>,
    elements: Range<usize>,
    size: usize,
    halo: SmallVec<[usize; 8]>,
}

/// What the kernels of a group write, by kernel and buffer.
type Written = [(usize, u32)];

impl<'a> Stream<'a> {
    /// Those of some units of a group that can be streamed, if they are worth it. `memory` is that of what is `written`, from those elements on.
    ///
    /// All of this memory, the scratch memory and what the frame shows must stay where it is until the stream has run.
    pub(super) fn of<'m>(
        slab: &Slab,
        units: Range<usize>,
        frame: &Frame<'a>,
        written: &Written,
        memory: impl Iterator<Item = (usize, &'m mut [f64])>,
        scratch: &mut Numbers,
    ) -> Option<Stream<'a>> {
        let Survey { units, elements, size, halo } = survey(slab, units, frame, written)?;
        let mut places: SmallVec<[Place; 8]> = SmallVec::new();
        for (&(k, buffer), (begin, memory)) in written.iter().zip(memory) {
            let inner = slab.inner.contains(&buffer);
            let needed = if inner { size + halo[k] } else { elements.end.checked_sub(begin)? };
            // a total's memory is not written here
            if slab.per_unit[k] != 0 && (memory.len() < needed || (!inner && begin > elements.start)) {
                return None;
            }
            let base = memory.as_mut_ptr();
            places.push(if inner { Place::Here(base) } else { Place::Along(base.wrapping_sub(begin)) });
        }
        let find = |buffer: u32| written.iter().position(|&(_, own)| own == buffer);
        let sum = |total: &Total| {
            let place = match places[find(total.from)?] {
                Place::Here(base) => Place::Here(base.wrapping_add(halo[total.of])),
                along => along,
            };
            Some((total.fold, place))
        };
        let sums = slab.totals.iter().map(sum).collect::<Option<_>>()?;
        let kernels = &frame.code.kernels[slab.kernels.clone()];
        let maps =
            || kernels.iter().enumerate().filter_map(|(k, kernel)| if let Work::Map(map) = &kernel.work { Some((k, map)) } else { None });
        let rows: SmallVec<[Rows<'a>; 8]> = maps().map(|(k, map)| Rows::of(map, frame, size + halo[k])).collect();
        let room = rows.iter().map(|rows| rows.map.slots * rows.pitch).sum();
        if room > ROOM {
            return None;
        }
        scratch.reach(room);
        let (mut rest, mut bound) = (&mut scratch[..room], Vec::with_capacity(rows.len()));
        for ((k, map), rows) in maps().zip(rows) {
            let (own, after) = std::mem::take(&mut rest).split_at_mut(map.slots * rows.pitch);
            rest = after;
            let mut set: SmallVec<[(u32, Place); 8]> = SmallVec::new();
            for &(slot, buffer) in &map.stores {
                set.push((slot, places[find(buffer)?]));
            }
            for Load { operand, slot, inside } in map.loads.iter().filter(|load| !load.is_one_number()) {
                // element x is there at x + shift
                let shift = operand.layout.offset as isize - inside.as_ref().map_or(0, |inside| inside.start) as isize;
                let place = match buffer_of(operand).and_then(find) {
                    Some(by) => match places[by] {
                        Place::Here(base) => Place::Here(base.wrapping_add(halo[written[by].0] - halo[k]).wrapping_offset(shift)),
                        Place::Along(base) => Place::Along(base.wrapping_offset(shift)),
                    },
                    None => {
                        let data = frame.data(operand);
                        data.get((elements.start - halo[k]).checked_add_signed(shift)?..elements.end.checked_add_signed(shift)?)?;
                        Place::Along(data.as_ptr().cast_mut().wrapping_offset(shift))
                    }
                };
                set.push((*slot, place));
            }
            bound.push(rows.bound(frame, own, halo[k], &set));
        }
        Some(Stream { maps: bound, sums, units, elements, size })
    }

    /// The units that are streamed.
    pub(super) fn units(&self) -> Range<usize> {
        self.units.clone()
    }

    /// All parts; `trees` are the nodes of each total, from those of the unit `base` on.
    pub(super) fn run<'n>(
        &mut self,
        frame: &Frame<'_>,
        base: usize,
        trees: impl IntoIterator<Item = &'n mut [f64]>,
    ) -> Result<(), Stopped> {
        let mut trees: SmallVec<[&mut [f64]; 1]> = trees.into_iter().collect();
        let begin = base * (self.elements.len() / self.units.len());
        let mut at = self.elements.start;
        while at < self.elements.end {
            let length = self.size.min(self.elements.end - at);
            for Bound { tile, halo, along } in &mut self.maps {
                for &mut (slot, base) in along {
                    tile.addresses[slot as usize] = base.wrapping_add(at - *halo);
                }
                // SAFETY: `of` saw that all elements are in memory; each Map writes what is its own, after whoever reads what was there, and
                // lengths are fours, so that no homes are asked for
                unsafe { tile.run(&[], length + *halo) };
            }
            for (&(how, place), nodes) in self.sums.iter().zip(&mut trees) {
                let data = match place {
                    Place::Here(base) => base,
                    Place::Along(base) => base.wrapping_add(at),
                };
                // SAFETY: a Map has just written these, and nobody writes meanwhile
                let data = unsafe { std::slice::from_raw_parts(data, length) };
                let folding =
                    reduce::Folding { how, count: reduce::CHUNK, data, first: 0, between: reduce::CHUNK as isize, step: 1, lanes: 1 };
                reduce::run(frame.machine.isa, folding, &mut nodes[(at - begin) / reduce::CHUNK..][..length / reduce::CHUNK]);
            }
            frame.checked()?;
            at += length;
        }
        Ok(())
    }
}

/// Numbers of scratch memory that a stream of a group takes, at most.
pub(super) fn memory(slab: &Slab, kernels: &[Kernel]) -> usize {
    let row = LONGEST + slab.halo.iter().copied().max().unwrap_or(0).next_multiple_of(Segment::WIDTH) + APART;
    let slots = kernels.iter().map(|kernel| if let Work::Map(map) = &kernel.work { map.slots } else { 0 });
    (slots.sum::<usize>() * row).min(ROOM)
}

/// What allows a group to be streamed: Maps over the same elements, of one lane, that read what lies as they do.
fn survey(slab: &Slab, units: Range<usize>, frame: &Frame<'_>, written: &Written) -> Option<Survey> {
    let kernels = &frame.code.kernels[slab.kernels.clone()];
    let unit = slab.per_unit[0];
    if kernels.len() > MOST || unit == 0 || !unit.is_multiple_of(reduce::CHUNK) {
        return None;
    }
    let mut halo: SmallVec<[usize; 8]> = SmallVec::from_elem(0, kernels.len());
    // the elements that all can do, and the numbers that are read or written for each
    let (mut first, mut end, mut width) = (0, usize::MAX, 0);
    let mut size = LONGEST;
    for (k, kernel) in kernels.iter().enumerate().rev().filter(|&(k, _)| slab.per_unit[k] != 0) {
        let Work::Map(map) = &kernel.work else { return None };
        let is_inner = || map.stores.iter().all(|(_, buffer)| slab.inner.contains(buffer));
        if slab.per_unit[k] != unit || frame.lanes(kernel.lanes) != 1 || (halo[k] > 0 && !is_inner()) {
            return None;
        }
        halo[k] = halo[k].next_multiple_of(Segment::WIDTH);
        (first, end) = (first.max(halo[k]), end.min(map.elements));
        size = size.min(map::length_of_tiles(map, frame));
        width += map.stores.len();
        for load @ Load { operand, inside, .. } in &map.loads {
            let by = buffer_of(operand).and_then(|buffer| written.iter().find(|&&(_, own)| own == buffer));
            if by.is_none() && load.is_one_number() {
                continue;
            }
            let [(_, 1)] = operand.layout.axes[..] else { return None };
            let inside = inside.clone().unwrap_or(0..map.elements);
            (first, end) = (first.max(inside.start + halo[k]), end.min(inside.end));
            width += 1;
            if let Some(&(by, _)) = by {
                halo[by] = halo[by].max(halo[k] + inside.start.checked_sub(operand.layout.offset)?);
            }
        }
    }
    let units = units.start.max(first.div_ceil(unit))..units.end.min(end / unit);
    let size = (size.min(NEAR / width.max(1)) / reduce::CHUNK).max(1) * reduce::CHUNK;
    let elements = units.start * unit..units.end * unit;
    (units.len() > 1).then_some(Survey { units, elements, size, halo })
}

/// Rows of scratch memory for the slots of a Map.
struct Rows<'a> {
    map: &'a Map,
    native: Option<&'a Tiles>,
    length: usize,
    in_place: bool,
    pitch: usize,
}

impl<'a> Rows<'a> {
    fn of(map: &'a Map, frame: &Frame<'_>, length: usize) -> Rows<'a> {
        let native = map.native.tiles(map, frame.machine.backend, frame.machine.isa);
        let in_place = native.is_some_and(Tiles::is_alone);
        Rows { map, native, length, in_place, pitch: if in_place { APART } else { length + APART } }
    }

    /// The Map with its rows, and with those slots where they are set.
    fn bound(self, frame: &Frame<'_>, own: &mut [f64], halo: usize, set: &[(u32, Place)]) -> Bound<'a> {
        let Rows { map, native, length, in_place, pitch } = self;
        for load in map.loads.iter().filter(|load| load.is_one_number()) {
            let all = native.is_none_or(|native| native.reads_whole(load.slot));
            own[load.slot as usize * pitch..][..if all { length } else { 1 }].fill(frame.data(&load.operand)[load.operand.layout.offset]);
        }
        let rows = own.as_mut_ptr();
        let addresses = (0..map.slots).map(|slot| rows.wrapping_add(slot * pitch)).collect();
        let mut tile = Tile { map, isa: frame.machine.isa, native, in_place, pitch, addresses, last: SmallVec::new() };
        let mut along = SmallVec::new();
        for &(slot, place) in set {
            match place {
                Place::Here(base) => tile.addresses[slot as usize] = base,
                Place::Along(base) => along.push((slot, base)),
            }
        }
        Bound { tile, halo, along }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::super::kernels::Runner;
    use super::super::{Means, Scratch, split};
    use super::*;
    use crate::engine::graph::{Builder, NodeId};
    use crate::engine::op::{self, Attributes, Value, reduction};
    use crate::engine::program::{Binding, Code, Lanes};
    use crate::engine::{Shape, diff};

    /// The units of the only group of a function of x and of its gradient, and those that are streamed, if any.
    fn streamed(size: usize, write: impl FnOnce(&mut Builder, NodeId) -> NodeId) -> (usize, Option<Range<usize>>) {
        let mut g = Builder::default();
        let x = g.input("x", Shape::from([size])).unwrap();
        let terms = write(&mut g, x);
        let y = g.reduce(&reduction::SUM, terms, &[0], false).unwrap();
        let bars = diff::vjp(&mut g, &[(y, diff::Cotangent::One)], &[x]).unwrap();
        let outputs = vec![y, bars[0].unwrap()];
        let graph = g.finish(outputs.iter().enumerate().map(|(i, &node)| (format!("{i}"), node)).collect());
        let code = Code::as_written(&graph, &[Lanes::NONE], &outputs);
        let data = vec![0.5; size];
        let (inputs, mut scratch, stop) = ([Binding { data: &data, per_point: false }], Scratch::default(), AtomicBool::new(false));
        let mut runner = Runner::of(&code, &inputs, &mut scratch, Means { stop: &stop, crew: None }, (1, 1));
        let [slab] = &code.slabs[..] else { panic!("{:?}", code.slabs) };
        let (frame, _) = runner.frame_and_desk();
        let survey = survey(slab, 0..slab.units, &frame, &split::written(&code.kernels[slab.kernels.clone()]));
        (slab.units, survey.map(|survey| survey.units))
    }

    fn call(g: &mut Builder, name: &str, args: &[NodeId], attributes: Attributes) -> NodeId {
        g.apply(op::find(name).unwrap(), args, attributes).unwrap()
    }

    #[test]
    fn neighbours_are_streamed_but_for_both_ends() {
        let (units, streamed) = streamed(100_000, |g, x| {
            let part = |g: &mut Builder, start, stop| {
                let bounds = |at| Value::Bounds(vec![at]);
                call(g, "slice", &[x], Attributes::none().with("start", bounds(start)).with("stop", bounds(stop)))
            };
            let (next, own) = (part(g, Some(1), None), part(g, None, Some(-1)));
            g.multiply(next, own).unwrap()
        });
        assert_eq!(streamed, Some(1..units - 1));
    }

    #[test]
    fn what_is_read_the_other_way_round_is_not() {
        let (_, streamed) = streamed(100_000, |g, x| {
            let back = call(g, "flip", &[x], Attributes::none());
            let square = g.square(x).unwrap();
            g.multiply(square, back).unwrap()
        });
        assert_eq!(streamed, None);
    }
}

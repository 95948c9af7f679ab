//! Kernels and groups of kernels whose work is shared out to a crew, when it is worth it.
//!
//! No bit depends on it: elements of a Map and lines of a product know nothing of each other, and a fold is cut where its tree has a node.
//! What a part writes is cut off for it before any begins, so that none can reach into another's; nothing is shared but what is only read.

use std::ops::Range;

use smallvec::SmallVec;

use super::super::program::{Buffer, Code, Kernel, Matmul, Slab, Stopped, Total, Work};
use super::compute::{self, Folded};
use super::crew::{Crew, ranges, share};
use super::kernels::Runner;
use super::memory::{Bound, Memory, Slots, There};
use super::stream::{self, Stream};
use super::{Frame, map, matmul, reduce};

/// Nanoseconds of work, as estimated, from which it is worth waking others: some twenty times what handing over takes.
const WORTH: f64 = 1e5;
/// About what a part takes: short, since whoever works along does nothing else meanwhile.
const PART: f64 = 2.5e5;
/// Of a product, floating-point operations in a nanosecond; of all else about one.
const PRODUCTS: f64 = 10.0;
/// A part of a product has at least so many lines where there are enough: each packs the other side for itself.
const LINES: usize = 96;
/// Numbers that all parts of a fold are joined from, at most.
const NODES: usize = 1 << 16;

/// How a kernel's work is cut.
pub(super) enum Cut {
    /// Into ranges of its units.
    Units { units: usize, parts: usize, of: usize },
    /// The elements of each fold, into so many from the first on.
    Folds { size: usize },
    /// The columns of a product of one line.
    Columns { parts: usize },
}

/// Nanoseconds that a kernel takes, as estimated.
fn nanoseconds(kernel: &Kernel, buffers: &[Buffer], lanes: usize) -> f64 {
    let flops = kernel.flops(buffers) * lanes as f64;
    if matches!(kernel.work, Work::Matmul(_)) { flops / PRODUCTS } else { flops }
}

/// How many parts that is, for so many threads.
fn parts(nanoseconds: f64, threads: usize) -> usize {
    // several a thread, so that one that comes late finds some
    ((nanoseconds / PART) as usize).max(threads)
}

/// A part of a kernel's units, and what it writes of each target.
struct Part<'p> {
    units: Range<usize>,
    targets: SmallVec<[&'p mut [f64]; 4]>,
}

/// Units of a group, what they write of each buffer, and of each total the nodes of its tree.
struct Piece<'p> {
    units: Range<usize>,
    own: Bound<'p>,
    nodes: SmallVec<[&'p mut [f64]; 1]>,
}

impl<'a> Runner<'a> {
    /// How a kernel is cut, if that is worth it.
    pub(super) fn cut(&self, kernel: &Kernel, crew: &dyn Crew) -> Option<Cut> {
        let code = self.code;
        let units = kernel.units(&code.buffers)?;
        let lanes = self.frame().lanes(kernel.lanes);
        let work = nanoseconds(kernel, &code.buffers, lanes);
        let threads = crew.size();
        if work < WORTH || threads < 2 {
            return None;
        }
        let parts = parts(work, threads);
        match &kernel.work {
            Work::Reduce { inner, .. } if units < 2 * threads => fold_size(*inner, parts, units * lanes).map(|size| Cut::Folds { size }),
            Work::Matmul(product) if units == 1 => (product.columns > 1).then_some(Cut::Columns { parts }),
            _ if units < 2 => None,
            Work::Matmul(_) => {
                let lines = LINES.min(units.div_ceil(threads));
                Some(Cut::Units { units, parts: parts.min(units.div_ceil(lines)), of: matmul::ROWS.min(lines) })
            }
            Work::Over(over) => Some(Cut::Units { units, parts, of: over.block(self.points, self.seeds).min(units.div_ceil(threads)) }),
            _ => Some(Cut::Units { units, parts, of: 64.min(units.div_ceil(threads)) }),
        }
    }

    /// A kernel, with others.
    pub(super) fn together(&mut self, kernel: &Kernel, crew: &dyn Crew, cut: Cut) -> Result<(), Stopped> {
        let code = self.code;
        let mut whole: SmallVec<[Memory<'a>; 4]> = kernel.targets().into_iter().map(|buffer| self.take(buffer)).collect();
        let (frame, desk) = self.frame_and_desk();
        let lanes = frame.lanes(kernel.lanes);
        let size = |buffer: u32| code.buffers[buffer as usize].elements * lanes;
        match (&kernel.work, cut) {
            (_, Cut::Units { units, parts, of }) => {
                let mut parts: Vec<Part<'_>> = ranges(units, parts, of).map(|units| Part { units, targets: SmallVec::new() }).collect();
                for (buffer, memory) in kernel.targets().into_iter().zip(&mut whole) {
                    let width = size(buffer) / units;
                    let mut rest = &mut memory[..units * width];
                    for part in &mut parts {
                        let (own, after) = std::mem::take(&mut rest).split_at_mut(part.units.len() * width);
                        part.targets.push(own);
                        rest = after;
                    }
                }
                share(crew, desk, parts, |mut part, desk| {
                    // whoever stops it, the flag is asked below
                    let _ = compute::units(kernel, &frame, part.units, &mut part.targets, desk);
                });
            }
            (Work::Reduce { from, inner, stride, fold }, Cut::Folds { size: chunk }) => {
                let out = &mut whole[0][..size(kernel.to)];
                let units = out.len() / lanes;
                let mut nodes = vec![0.0; inner.div_ceil(chunk) * out.len()];
                let parts: Vec<_> = ranges(*inner, inner.div_ceil(chunk), chunk).zip(nodes.chunks_mut(out.len())).collect();
                share(crew, desk, parts, |(within, out), _| {
                    let folded = Folded { from, how: *fold, stride: *stride, within, lanes: kernel.lanes };
                    compute::fold_units(&frame, folded, 0..units, out);
                });
                for (at, to) in out.iter_mut().enumerate() {
                    *to = reduce::joined(*fold, nodes.iter().skip(at).step_by(units * lanes).copied());
                }
            }
            (Work::Matmul(product), Cut::Columns { parts }) => {
                let mut rest = &mut whole[0][..size(kernel.to)];
                let mut columns = Vec::new();
                for range in ranges(product.columns, parts, 8.min(product.columns.div_ceil(crew.size()))) {
                    let (own, after) = std::mem::take(&mut rest).split_at_mut(range.len() * lanes);
                    columns.push((range, own));
                    rest = after;
                }
                share(crew, desk, columns, |(range, out), desk| {
                    compute::product(&frame, &columns_of(product, range), kernel.lanes, 0, &mut desk.dense, out);
                });
            }
            _ => unreachable!("folds and columns are of folds and products"),
        }
        let done = frame.checked();
        for (buffer, memory) in kernel.targets().into_iter().zip(whole) {
            self.put(buffer, memory);
        }
        done
    }

    /// A group: its units shared out where none reads another's and there are enough of them, else one kernel after the other, each shared
    /// out, where that is most of the work.
    pub(super) fn group_with(&mut self, slab: &Slab, crew: &dyn Crew) -> Result<(), Stopped> {
        let code = self.code;
        let kernels = &code.kernels[slab.kernels.clone()];
        let threads = crew.size();
        let work = |kernel: &Kernel| nanoseconds(kernel, &code.buffers, self.frame().lanes(kernel.lanes));
        let all: f64 = kernels.iter().map(work).sum();
        if threads < 2 || all < WORTH {
            return self.slab(slab);
        }
        let large: f64 = kernels.iter().map(work).filter(|&work| work >= WORTH).sum();
        let enough = slab.apart && slab.units >= 2 * threads;
        if !enough && large >= 0.75 * all {
            return kernels.iter().try_for_each(|kernel| self.whole(kernel));
        }
        if slab.apart && slab.units > 1 {
            return self.slab_with(slab, crew, parts(all, threads));
        }
        self.slab(slab)
    }

    /// A group whose units know nothing of each other, on this thread. What nobody else reads is written to the same memory again and again: it
    /// stays in the nearest cache.
    pub(super) fn slab_nearby(&mut self, slab: &Slab) -> Result<(), Stopped> {
        let code = self.code;
        let kernels = &code.kernels[slab.kernels.clone()];
        let at_once = self.at_once(slab);
        let written = written(kernels);
        let mut whole: SmallVec<[Memory<'a>; 8]> = written.iter().map(|&(_, buffer)| self.take(buffer)).collect();
        let (frame, desk) = self.frame_and_desk();
        let mut trees = trees(slab, &frame);
        let (mut done, mut streamed) = (Ok(()), 0..0);
        let memory = whole.iter_mut().map(|memory| (0, &mut memory[..]));
        if let Some(mut stream) = Stream::of(slab, 0..slab.units, &frame, &written, memory, &mut desk.tile) {
            done = stream.run(&frame, 0, trees.iter_mut().map(|nodes| &mut nodes[..]));
            streamed = stream.units();
        }
        let mut own_kernels = kernels.to_vec();
        for units in nears([0..streamed.start, streamed.end..slab.units], at_once) {
            let first = units.start;
            slab.narrow(code, units.clone(), &mut own_kernels);
            let mut own = Bound::new();
            for (&(k, buffer), memory) in written.iter().zip(&mut whole) {
                let (all, width) = cut_of(&frame, &kernels[k], buffer);
                let part = slab.part(k, units.clone(), all);
                let begin = if slab.inner.contains(&buffer) { 0 } else { part.start * width };
                let result = &mut memory[begin..begin + part.len() * width];
                own.push(There { slot: code.buffers[buffer as usize].slot, range: 0..result.len(), result });
            }
            for (k, (kernel, narrow)) in kernels.iter().zip(&own_kernels).enumerate() {
                let part = slab.part(k, units.clone(), kernel.units(&code.buffers).unwrap_or(0));
                let base = part.start;
                if done.is_ok() && !part.is_empty() {
                    done = narrowed_units(&frame, code, (kernel, narrow), part, base, &mut own, desk);
                }
            }
            for (total, nodes) in slab.totals.iter().zip(&mut trees) {
                let chunks = slab.due(total.of, 0..first, code.buffers[total.from as usize].elements).len() / reduce::CHUNK;
                let nodes = &mut nodes[chunks * frame.lanes(code.buffers[total.from as usize].lanes)..];
                add_nodes(slab, &frame, total, (first, units.clone()), &own, nodes);
            }
        }
        join_totals(slab, &frame, &trees, &written, &mut whole);
        for (&(_, buffer), memory) in written.iter().zip(whole) {
            self.put(buffer, memory);
        }
        done
    }

    /// A group whose units know nothing of each other.
    fn slab_with(&mut self, slab: &Slab, crew: &dyn Crew, parts: usize) -> Result<(), Stopped> {
        let code = self.code;
        let kernels = &code.kernels[slab.kernels.clone()];
        let at_once = self.at_once(slab);
        let written = written(kernels);
        let mut whole: Vec<Memory<'a>> = written.iter().map(|&(_, buffer)| self.take(buffer)).collect();
        let (frame, desk) = self.frame_and_desk();
        let mut trees = trees(slab, &frame);
        let mut pieces: Vec<Piece<'_>> =
            ranges(slab.units, parts, 1).map(|units| Piece { units, own: Bound::new(), nodes: SmallVec::new() }).collect();
        for (&(k, buffer), memory) in written.iter().zip(&mut whole) {
            let (units, width) = cut_of(&frame, &kernels[k], buffer);
            let slot = code.buffers[buffer as usize].slot;
            let mut rest = &mut memory[..];
            for Piece { units: range, own, .. } in &mut pieces {
                let part = slab.part(k, range.clone(), units);
                let (result, after) = std::mem::take(&mut rest).split_at_mut(part.len() * width);
                own.push(There { slot, range: 0..result.len(), result });
                rest = after;
            }
        }
        for (total, nodes) in slab.totals.iter().zip(&mut trees) {
            let lanes = frame.lanes(kernels[total.of].lanes);
            let mut rest = &mut nodes[..];
            for Piece { units, nodes, .. } in &mut pieces {
                let due = slab.due(total.of, units.clone(), kernels[total.of].units(&code.buffers).unwrap_or(0));
                let (own, after) = std::mem::take(&mut rest).split_at_mut(due.len().div_ceil(reduce::CHUNK) * lanes);
                nodes.push(own);
                rest = after;
            }
        }
        share(crew, desk, pieces, |mut piece, desk| {
            let Piece { units, own, nodes } = &mut piece;
            let base = units.start;
            let begin = |k: usize| slab.part(k, units.clone(), kernels[k].units(&code.buffers).unwrap_or(0)).start;
            let memory = written.iter().zip(own.iter_mut()).map(|(&(k, _), there)| (begin(k), &mut *there.result));
            let mut streamed = base..base;
            if let Some(mut stream) = Stream::of(slab, units.clone(), &frame, &written, memory, &mut desk.tile) {
                if stream.run(&frame, base, nodes.iter_mut().map(|nodes| &mut **nodes)).is_err() {
                    return;
                }
                streamed = stream.units();
            }
            let narrowed = slab.narrowed(code, units.clone());
            for near in nears([base..streamed.start, streamed.end..units.end], at_once) {
                for (k, (kernel, narrow)) in kernels.iter().zip(&narrowed).enumerate() {
                    let part = slab.part(k, near.clone(), kernel.units(&code.buffers).unwrap_or(0));
                    if part.is_empty() {
                        continue;
                    }
                    if narrowed_units(&frame, code, (kernel, narrow), part, begin(k), own, desk).is_err() {
                        return;
                    }
                }
                for (total, nodes) in slab.totals.iter().zip(&mut *nodes) {
                    add_nodes(slab, &frame, total, (base, near.clone()), own, nodes);
                }
            }
        });
        join_totals(slab, &frame, &trees, &written, &mut whole);
        let done = frame.checked();
        for (&(_, buffer), memory) in written.iter().zip(whole) {
            self.put(buffer, memory);
        }
        done
    }
}

/// Ranges of units, so many at once.
fn nears<const N: usize>(ranges: [Range<usize>; N], at_once: usize) -> impl Iterator<Item = Range<usize>> {
    let cut = move |units: Range<usize>| units.clone().step_by(at_once).map(move |first| first..units.end.min(first + at_once));
    ranges.into_iter().flat_map(cut)
}

/// What kernels of a group write: the number of the kernel, the buffer.
pub(super) fn written(kernels: &[Kernel]) -> SmallVec<[(usize, u32); 8]> {
    kernels.iter().enumerate().flat_map(|(k, kernel)| kernel.targets().into_iter().map(move |buffer| (k, buffer))).collect()
}

/// Room for the nodes of each total of a group: the folds of a chunk each.
fn trees(slab: &Slab, frame: &Frame<'_>) -> SmallVec<[Vec<f64>; 1]> {
    let room = |total: &Total| {
        let elements = frame.code.buffers[total.from as usize].elements;
        vec![0.0; elements.div_ceil(reduce::CHUNK) * frame.lanes(frame.code.buffers[total.from as usize].lanes)]
    };
    slab.totals.iter().map(room).collect()
}

/// Folds what those units wrote, to their place among the nodes of a part that begins with the unit `base`; `own` is what the part writes.
fn add_nodes(slab: &Slab, frame: &Frame<'_>, total: &Total, (base, units): (usize, Range<usize>), own: &Bound<'_>, nodes: &mut [f64]) {
    let Buffer { elements, slot, lanes } = frame.code.buffers[total.from as usize];
    let lanes = frame.lanes(lanes);
    let before = base..units.start;
    let (due, begin) = (slab.due(total.of, units, elements), slab.part(total.of, base..base + 1, elements).start);
    let Some(there) = own.iter().find(|there| there.slot == slot) else { return };
    let data = &there.result[(due.start - begin) * lanes..][..due.len() * lanes];
    let nodes = &mut nodes[slab.due(total.of, before, elements).len() / reduce::CHUNK * lanes..];
    let whole = due.len() / reduce::CHUNK;
    let (chunks, last) = nodes.split_at_mut(whole * lanes);
    let folding = |count: usize, first: usize| reduce::Folding {
        how: total.fold,
        count,
        data,
        first: first * lanes,
        between: (reduce::CHUNK * lanes) as isize,
        step: lanes as isize,
        lanes,
    };
    reduce::run(frame.machine.isa, folding(reduce::CHUNK, 0), chunks);
    let rest = due.len() % reduce::CHUNK;
    if rest > 0 {
        reduce::run(frame.machine.isa, folding(rest, due.len() - rest), &mut last[..lanes]);
    }
}

/// The totals of a group, where they are written.
fn join_totals(slab: &Slab, frame: &Frame<'_>, trees: &[Vec<f64>], written: &[(usize, u32)], whole: &mut [Memory<'_>]) {
    for (total, nodes) in slab.totals.iter().zip(trees) {
        let lanes = frame.lanes(frame.code.buffers[total.from as usize].lanes);
        let out = written.iter().zip(&mut *whole).find(|((kernel, _), _)| *kernel == total.kernel);
        for (lane, to) in out.into_iter().flat_map(|(_, memory)| memory[..lanes].iter_mut().enumerate()) {
            *to = reduce::joined(total.fold, nodes.iter().skip(lane).step_by(lanes).copied());
        }
    }
}

/// A kernel's units, and the numbers that each of them writes of a buffer.
fn cut_of(frame: &Frame<'_>, kernel: &Kernel, buffer: u32) -> (usize, usize) {
    let Buffer { elements, .. } = frame.code.buffers[buffer as usize];
    let units = kernel.units(&frame.code.buffers).unwrap_or(0);
    (units, elements.checked_div(units).unwrap_or(0) * frame.lanes(kernel.lanes))
}

/// Those units of a kernel of a group, of a part that begins with the unit `base`; `own` is what the part writes.
fn narrowed_units(
    frame: &Frame<'_>,
    code: &Code,
    (kernel, narrow): (&Kernel, &Kernel),
    part: Range<usize>,
    base: usize,
    own: &mut Bound<'_>,
    desk: &mut super::Desk,
) -> Result<(), Stopped> {
    let units = kernel.units(&code.buffers).unwrap_or(0).max(1);
    let lanes = frame.lanes(kernel.lanes);
    let slots: SmallVec<[(u32, usize); 4]> = kernel
        .targets()
        .into_iter()
        .map(|buffer| (code.buffers[buffer as usize].slot, code.buffers[buffer as usize].elements / units * lanes))
        .collect();
    let find = |own: &mut Bound<'_>, slot: u32| own.iter().position(|there| there.slot == slot);
    let mut whole: SmallVec<[(usize, &mut [f64]); 4]> = SmallVec::new();
    for &(slot, _) in &slots {
        if let Some(at) = find(own, slot) {
            whole.push((at, std::mem::take(&mut own[at].result)));
        }
    }
    let mut targets: SmallVec<[&mut [f64]; 4]> = whole
        .iter_mut()
        .zip(&slots)
        .map(|((_, all), &(_, width))| &mut all[(part.start - base) * width..(part.end - base) * width])
        .collect();
    let slots = Slots { bound: own, around: frame.slots.bound, ..frame.slots };
    // elements of a Map are counted from its beginning, all else from that of the part
    let from = if matches!(kernel.work, Work::Map(_)) { 0 } else { base };
    let done = compute::units(narrow, &Frame { slots, ..*frame }, part.start - from..part.end - from, &mut targets, desk);
    drop(targets);
    for (at, all) in whole {
        own[at].result = all;
    }
    done
}

/// How many elements of a fold make a part: so many that its value is a node of the tree.
fn fold_size(count: usize, parts: usize, results: usize) -> Option<usize> {
    let chunks = count / reduce::CHUNK / parts.max(1);
    let size = reduce::CHUNK << chunks.checked_ilog2()?;
    (count.div_ceil(size) * results <= NODES).then_some(size)
}

/// A product by some of the columns.
fn columns_of(product: &Matmul, columns: Range<usize>) -> Matmul {
    let mut own = product.clone();
    own.columns = columns.len();
    if let Some((size, stride)) = own.right.layout.axes.last_mut() {
        *size = columns.len();
        own.right.layout.offset = (own.right.layout.offset as isize + columns.start as isize * *stride) as usize;
    }
    own
}

/// Bytes that a thread that works along takes for the kernels of a code, for so many points and seeds; 0 where none is cut.
pub(crate) fn bytes(code: &Code, points: usize, seeds: usize) -> f64 {
    let streamed = |slab: &Slab| 8.0 * stream::memory(slab, &code.kernels[slab.kernels.clone()]) as f64;
    let mut most = code.slabs.iter().map(streamed).fold(0.0, f64::max);
    for kernel in &code.kernels {
        let lanes = kernel.lanes.count(points, seeds);
        let own = match &kernel.work {
            Work::Map(map) => 8.0 * map::memory(map, map.elements * lanes) as f64,
            Work::Matmul(_) => 8.0 * matmul::MEMORY as f64,
            Work::Over(work) => work.body.scratch_bytes(points, seeds * work.block(points, seeds)),
            _ => 0.0,
        };
        let own = if nanoseconds(kernel, &code.buffers, lanes) < WORTH { 0.0 } else { own };
        most = most.max(own).max(kernel.bodies().map(|body| bytes(body, points, seeds)).fold(0.0, f64::max));
    }
    most
}

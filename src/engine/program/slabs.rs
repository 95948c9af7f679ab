//! Kernels that run a slab of their elements at a time, one after another, so that what one writes the next reads from the nearest cache.
//!
//! Only the order of the work changes: every number is computed as it would be, and written to the same place. Kernels of one slab group write
//! units of elements that follow each other in memory, and none reads a unit of another one before that has written it.

use std::ops::Range;

use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use super::code::Code;
use super::kernel::{Buffer, Kernel, Load, Matmul, Operand, Work};
use super::memory::buffer_of;
use crate::engine::exec::reduce;
use crate::engine::op::Fold;

/// Elements that are worth it.
const LARGE: usize = 4 * BLOCK;
/// Elements of a unit where nothing else says how many. A fuzzer's arrays are short, so that it tries many, and come here all the same.
const BLOCK: usize = if cfg!(fuzzing) { reduce::CHUNK } else { 4096 };
/// Elements before a unit's own that are computed once more, at most.
const FURTHEST: usize = BLOCK / 16;
/// More kernels are not looked at: there the work is small, and looking would take longer.
const MOST: usize = 512;

/// Consecutive kernels that run unit by unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slab {
    pub(crate) kernels: Range<usize>,
    pub(crate) units: usize,
    /// What each kernel does in a unit, in units of its own.
    pub(crate) per_unit: Vec<usize>,
    /// Whether each unit reads nothing that another one has written.
    pub(crate) apart: bool,
    /// The most elements that one of them writes in a unit.
    pub(crate) widest: usize,
    /// What they write and nobody else reads.
    pub(crate) inner: Vec<u32>,
    /// How many elements before a unit's own each kernel computes once more, because others read back so far; so no unit reads what another one
    /// has written. Only of Maps that write nothing but what is inner.
    pub(crate) halo: Vec<usize>,
    /// Folds of all that a Map of the group writes into one: they end it, and each unit adds its part.
    pub(crate) totals: Vec<Total>,
}

/// A fold of all elements of a buffer that a Map of its group writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Total {
    /// The number of the fold in its group.
    pub(crate) kernel: usize,
    /// That of the Map.
    pub(crate) of: usize,
    /// What is folded.
    pub(crate) from: u32,
    pub(crate) fold: Fold,
}

impl Slab {
    /// Which of its `own` units are a kernel's in those of the group.
    pub(crate) fn due(&self, kernel: usize, units: Range<usize>, own: usize) -> Range<usize> {
        let per_unit = self.per_unit[kernel];
        (units.start * per_unit).min(own)..(units.end * per_unit).min(own)
    }

    /// Which of its `own` units a kernel does in those of the group: those, and what is computed once more.
    pub(crate) fn part(&self, kernel: usize, units: Range<usize>, own: usize) -> Range<usize> {
        let Range { start, end } = self.due(kernel, units, own);
        start.saturating_sub(self.halo[kernel])..end
    }

    /// The kernels as those units of a group have them that are apart, in memory that holds what these units write and nothing else. A Map's
    /// elements keep their numbers; results and lines are counted from the first of these.
    pub(crate) fn narrowed(&self, code: &Code, units: Range<usize>) -> Vec<Kernel> {
        let mut own = code.kernels[self.kernels.clone()].to_vec();
        self.narrow(code, units, &mut own);
        own
    }

    /// Makes kernels that were narrowed before those of other units.
    pub(crate) fn narrow(&self, code: &Code, units: Range<usize>, own: &mut [Kernel]) {
        let kernels = &code.kernels[self.kernels.clone()];
        // where the memory of these units begins in a buffer that they write
        let mut begins: SmallVec<[(u32, usize); 8]> = SmallVec::new();
        for (k, kernel) in kernels.iter().enumerate() {
            let own = kernel.units(&code.buffers).unwrap_or(0);
            let first = self.part(k, units.clone(), own).start;
            let begin = |buffer: u32| (buffer, code.buffers[buffer as usize].elements.checked_div(own).unwrap_or(0) * first);
            begins.extend(kernel.targets().into_iter().map(begin));
        }
        begins.sort_unstable();
        let begin = |operand: &Operand| {
            let buffer = buffer_of(operand)?;
            begins.binary_search_by_key(&buffer, |&(buffer, _)| buffer).ok().map(|at| begins[at].1)
        };
        for (k, (kernel, own)) in kernels.iter().zip(own).enumerate() {
            let part = self.part(k, units.clone(), kernel.units(&code.buffers).unwrap_or(0));
            if part.is_empty() {
                continue;
            }
            match (&kernel.work, &mut own.work) {
                (Work::Map(map), Work::Map(own)) => {
                    for (Load { operand, inside, .. }, own) in map.loads.iter().zip(&mut own.loads) {
                        let Some(from) = begin(operand) else { continue };
                        let whole = inside.clone().unwrap_or(0..map.elements);
                        let there = part.start.max(whole.start)..part.end.min(whole.end);
                        if there.is_empty() {
                            own.inside = Some(part.start..part.start);
                            continue;
                        }
                        own.operand.layout.narrow(&operand.layout, there.start - whole.start..there.end - whole.start, from);
                        own.inside = Some(there);
                    }
                }
                (Work::Reduce { from, .. }, Work::Reduce { from: own, .. }) => {
                    own.layout.narrow(&from.layout, part, begin(from).unwrap_or(0));
                }
                (Work::Matmul(Matmul { left, right, rows, inner, columns, .. }), Work::Matmul(own)) => {
                    let products = part.start / *rows..part.end / *rows;
                    for (side, own, matrix) in [(left, &mut own.left, *rows * *inner), (right, &mut own.right, *inner * *columns)] {
                        let elements = products.start * matrix..products.end * matrix;
                        own.layout.narrow(&side.layout, elements, begin(side).unwrap_or(0));
                    }
                }
                _ => {}
            }
        }
    }
}

/// How a group's work is cut.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// Into so many units.
    Units(usize),
    /// Into units of `BLOCK` elements.
    Blocks,
}

/// The kernels in an order in which groups are together, and the groups. Kernels stay within their stage.
pub(crate) fn arrange(kernels: Vec<Kernel>, buffers: &[Buffer]) -> (Vec<Kernel>, Vec<Slab>) {
    let mut arranged: Vec<Kernel> = Vec::with_capacity(kernels.len());
    let mut slabs = Vec::new();
    let mut rest = kernels.into_iter().peekable();
    while let Some(first) = rest.next() {
        let stage = first.lanes.stage();
        let mut own = vec![first];
        while let Some(kernel) = rest.next_if(|kernel| kernel.lanes.stage() == stage) {
            own.push(kernel);
        }
        if own.len() <= MOST && own.iter().any(|kernel| written(kernel, buffers) >= LARGE) {
            let mut cuts: Vec<usize> = own.iter().filter(|kernel| written(kernel, buffers) >= LARGE).filter_map(batch).collect();
            cuts.sort_unstable();
            cuts.dedup();
            let cuts = cuts.into_iter().rev().map(Cut::Units).chain([Cut::Blocks]);
            cuts.for_each(|cut| group(&mut own, buffers, cut, arranged.len(), &mut slabs));
        }
        arranged.append(&mut own);
    }
    slabs.sort_by_key(|slab| slab.kernels.start);
    (arranged, slabs)
}

/// Finds what groups write and nobody outside them reads, and what of it is worth computing twice. `kept` are the buffers of inputs and outputs.
pub(crate) fn find_inner(slabs: &mut [Slab], kernels: &[Kernel], kept: &[u32]) {
    for slab in slabs {
        let own: HashSet<u32> = kernels[slab.kernels.clone()].iter().flat_map(Kernel::targets).collect();
        let others = kernels[..slab.kernels.start].iter().chain(&kernels[slab.kernels.end..]);
        let read: HashSet<u32> = others
            .flat_map(Kernel::operands)
            .filter_map(buffer_of)
            .filter(|buffer| own.contains(buffer))
            .chain(kept.iter().copied())
            .collect();
        slab.inner = own.difference(&read).copied().collect();
        if !slab.apart
            && let Some(halo) = halos(slab, &kernels[slab.kernels.clone()])
        {
            (slab.halo, slab.apart) = (halo, true);
        }
    }
}

/// How far back units of a group read what others write: for each kernel, the elements before a unit's own that it would have to compute with
/// them. `None` where that is too many, or where they are read by anyone else.
fn halos(slab: &Slab, kernels: &[Kernel]) -> Option<Vec<usize>> {
    let writers: HashMap<u32, usize> =
        kernels.iter().enumerate().flat_map(|(k, kernel)| kernel.targets().into_iter().map(move |to| (to, k))).collect();
    let mut halo = vec![0; kernels.len()];
    for (k, kernel) in kernels.iter().enumerate().rev() {
        if slab.per_unit[k] == 0 {
            continue;
        }
        let Work::Map(map) = &kernel.work else { return None };
        if slab.per_unit[k] != BLOCK || halo[k] > FURTHEST || (halo[k] > 0 && !kernel.targets().iter().all(|to| slab.inner.contains(to))) {
            return None;
        }
        for Load { operand, inside, .. } in &map.loads {
            let Some(&writer) = buffer_of(operand).and_then(|buffer| writers.get(&buffer)) else { continue };
            let layout = &operand.layout;
            let [(_, 1)] = layout.axes[..] else { return None };
            // element e is read from offset + e − start
            let back = inside.as_ref().map_or(0, |inside| inside.start).checked_sub(layout.offset)?;
            halo[writer] = halo[writer].max(halo[k] + back);
        }
    }
    Some(halo)
}

/// Elements that a kernel writes.
fn written(kernel: &Kernel, buffers: &[Buffer]) -> usize {
    match &kernel.work {
        Work::Map(map) => map.elements,
        _ => buffers[kernel.to as usize].elements,
    }
}

/// How many products a Matmul is.
fn batch(kernel: &Kernel) -> Option<usize> {
    match &kernel.work {
        Work::Matmul(product) => {
            let axes = &product.left.layout.axes;
            Some(axes[..axes.len() - 2].iter().map(|&(size, _)| size).product()).filter(|&batch| batch > 1)
        }
        _ => None,
    }
}

/// Finds groups of that cut among the kernels of a stage, and moves them together. `base` is the number of the stage's first kernel.
fn group(kernels: &mut Vec<Kernel>, buffers: &[Buffer], cut: Cut, base: usize, slabs: &mut Vec<Slab>) {
    let taken =
        |slabs: &[Slab], at: usize| slabs.iter().find(|slab| slab.kernels.contains(&(base + at))).map(|slab| slab.kernels.end - base);
    let mut at = 0;
    while at < kernels.len() {
        if let Some(end) = taken(slabs, at) {
            at = end;
            continue;
        }
        // up to the next group that there is already
        let end = (at..kernels.len()).find(|&at| taken(slabs, at).is_some()).unwrap_or(kernels.len());
        let Some(found) = grow(&kernels[at..end], buffers, cut) else {
            at += 1;
            continue;
        };
        let order = found.before.iter().chain(&found.members).chain(&found.after);
        let mut own: Vec<Option<Kernel>> = kernels.drain(at..end).map(Some).collect();
        let moved: Vec<Kernel> = order.filter_map(|&i| own[i].take()).collect();
        kernels.splice(at..at, moved);
        let start = at + found.before.len();
        let kernels = base + start..base + start + found.members.len();
        at = start + found.members.len();
        let Found { units, per_unit, apart, widest, totals, .. } = found;
        let halo = vec![0; per_unit.len()];
        slabs.push(Slab { kernels, units, per_unit, apart, widest, inner: Vec::new(), halo, totals });
    }
}

/// A group, by the numbers of its kernels, and what can run before and after it.
struct Found {
    before: Vec<usize>,
    members: Vec<usize>,
    after: Vec<usize>,
    units: usize,
    per_unit: Vec<usize>,
    apart: bool,
    widest: usize,
    totals: Vec<Total>,
}

/// The group that begins with the first kernel, if that is one with others.
fn grow(kernels: &[Kernel], buffers: &[Buffer], cut: Cut) -> Option<Found> {
    let first = &kernels[0];
    if written(first, buffers) < LARGE {
        return None;
    }
    let units = match cut {
        Cut::Units(units) => units,
        Cut::Blocks => written(first, buffers).div_ceil(BLOCK),
    };
    let mut group = Group { cut, units, units_of: HashMap::new() };
    let per_unit = group.joined(first, buffers)?;
    let own = vec![per_unit * lines(first)];
    let apart = group.is_apart(first, per_unit);
    let mut found = Found { before: vec![], members: vec![0], after: vec![], units, per_unit: own, apart, widest: 0, totals: vec![] };
    group.take(first, buffers, per_unit);
    let mut later: HashSet<u32> = HashSet::new();
    let mut large = 1;
    for (i, kernel) in kernels.iter().enumerate().skip(1) {
        let reads = |set: &dyn Fn(u32) -> bool| kernel.operands().into_iter().filter_map(buffer_of).chain(kernel.targets()).any(set);
        let per_unit = if reads(&|buffer| later.contains(&buffer)) { None } else { group.joined(kernel, buffers) };
        if let Some(per_unit) = per_unit {
            found.apart &= group.is_apart(kernel, per_unit);
            group.take(kernel, buffers, per_unit);
            found.members.push(i);
            found.per_unit.push(per_unit * lines(kernel));
            large += usize::from(written(kernel, buffers) >= LARGE);
        } else if reads(&|buffer| later.contains(&buffer) || group.units_of.contains_key(&buffer)) {
            found.after.push(i);
            later.extend(kernel.targets());
        } else {
            found.before.push(i);
        }
    }
    found.widest = group.units_of.values().copied().max().unwrap_or(0);
    found.end_with_totals(kernels, buffers);
    (large > 1 || !found.totals.is_empty()).then_some(found)
}

impl Found {
    /// Moves folds of all that a Map of the group writes to its end.
    fn end_with_totals(&mut self, kernels: &[Kernel], buffers: &[Buffer]) {
        let members = self.members.clone();
        let total = |at: usize| {
            let Kernel { work: Work::Reduce { from, inner, stride: 1, fold }, lanes, .. } = &kernels[at] else { return None };
            let source = buffer_of(from)?;
            let of = members.iter().position(|&member| kernels[member].targets().contains(&source))?;
            let all = from.layout.axes.is_empty() && from.layout.offset == 0 && *inner == buffers[source as usize].elements;
            let alike = lanes.data() == kernels[members[of]].lanes.data() && matches!(kernels[members[of]].work, Work::Map(_));
            // a unit is whole chunks of the fold
            (all && alike && self.per_unit[of].is_multiple_of(reduce::CHUNK)).then_some((of, source, *fold))
        };
        let (mut after, mut totals) = (Vec::new(), Vec::new());
        for &at in &self.after {
            match total(at) {
                Some(total) => totals.push((at, total)),
                None => after.push(at),
            }
        }
        self.after = after;
        for (at, (of, from, fold)) in totals {
            self.totals.push(Total { kernel: self.members.len(), of, from, fold });
            self.members.push(at);
            self.per_unit.push(0);
        }
    }
}

/// The lines of each product that a kernel is, if it is some.
fn lines(kernel: &Kernel) -> usize {
    if let Work::Matmul(product) = &kernel.work { product.rows } else { 1 }
}

struct Group {
    cut: Cut,
    units: usize,
    /// The elements that a unit writes of each buffer that the group writes.
    units_of: HashMap<u32, usize>,
}

impl Group {
    fn take(&mut self, kernel: &Kernel, buffers: &[Buffer], per_unit: usize) {
        for target in kernel.targets() {
            let elements = match &kernel.work {
                Work::Matmul(product) => per_unit * product.rows * product.columns,
                _ => per_unit,
            };
            debug_assert!(elements <= buffers[target as usize].elements.max(BLOCK));
            self.units_of.insert(target, elements);
        }
    }

    /// What a kernel does in a unit, if it can run unit by unit with the group.
    fn joined(&self, kernel: &Kernel, buffers: &[Buffer]) -> Option<usize> {
        let cut = |whole: usize| match self.cut {
            Cut::Units(units) => (whole >= units && whole.is_multiple_of(units)).then(|| whole / units),
            Cut::Blocks => (whole > BLOCK && whole.div_ceil(BLOCK) <= self.units).then_some(BLOCK),
        };
        match &kernel.work {
            Work::Map(map) => {
                let per_unit = cut(map.elements)?;
                let local = map.loads.iter().all(|load| {
                    let start = load.inside.as_ref().map_or(0, |inside| inside.start);
                    (start == 0 || load.operand.layout.axes.len() == 1) && self.is_local(&load.operand, per_unit, start, 0)
                });
                local.then_some(per_unit)
            }
            Work::Reduce { from, inner, stride, .. } => {
                let per_unit = cut(buffers[kernel.to as usize].elements)?;
                let beyond = (*inner as isize - 1).max(0) * (*stride).max(0);
                self.is_local(from, per_unit, 0, beyond).then_some(per_unit)
            }
            Work::Matmul(product) => {
                let per_unit = match self.cut {
                    Cut::Units(_) => cut(batch(kernel)?)?,
                    Cut::Blocks => return None,
                };
                let side = |operand: &Operand, matrix: usize| self.is_local(operand, per_unit * matrix, 0, 0);
                let local = side(&product.left, product.rows * product.inner) && side(&product.right, product.inner * product.columns);
                local.then_some(per_unit)
            }
            _ => None,
        }
    }

    /// Whether a kernel that reads `per_unit` elements of an operand in a unit, the first of them `start` elements late, finds them
    /// written. For each element it reads up to `beyond` positions further.
    fn is_local(&self, operand: &Operand, per_unit: usize, start: usize, beyond: isize) -> bool {
        let Some(&source) = buffer_of(operand).and_then(|buffer| self.units_of.get(&buffer)) else { return true };
        let layout = &operand.layout;
        let Some((&(_, stride), inner)) = layout.axes.split_first() else { return (layout.offset as isize + beyond) < source as isize };
        let row: usize = inner.iter().map(|&(size, _)| size).product();
        if row == 0 || !per_unit.is_multiple_of(row) {
            return false;
        }
        let reach: isize = inner.iter().map(|&(size, stride)| (size as isize - 1) * stride.max(0)).sum::<isize>() + beyond;
        let rows = (per_unit / row) as isize;
        // the furthest position of a unit, counted from 1: affine, so that the first and the last say it of all. What ends before the last
        // unit is taken to go on: a bound that stopped there would not be affine
        let furthest = |units: isize| layout.offset as isize + (units * rows - 1 - start as isize) * stride.max(0) + reach + 1;
        let all = self.units as isize;
        stride >= 0 && [1, all].into_iter().all(|units| furthest(units) <= units * source as isize)
    }

    /// Whether a kernel that can run with the group reads in each unit nothing that another unit has written.
    fn is_apart(&self, kernel: &Kernel, per_unit: usize) -> bool {
        match &kernel.work {
            Work::Map(map) => map.loads.iter().all(|load| {
                let start = load.inside.as_ref().map_or(0, |inside| inside.start);
                !self.is_own(&load.operand) || self.is_behind(&load.operand, per_unit, start, 0)
            }),
            Work::Reduce { from, inner, stride, .. } => self.is_behind(from, per_unit, 0, (*inner as isize - 1).max(0) * (*stride).min(0)),
            Work::Matmul(product) => [(&product.left, product.rows * product.inner), (&product.right, product.inner * product.columns)]
                .into_iter()
                .all(|(side, matrix)| self.is_behind(side, per_unit * matrix, 0, 0)),
            _ => false,
        }
    }

    fn is_own(&self, operand: &Operand) -> bool {
        buffer_of(operand).is_some_and(|buffer| self.units_of.contains_key(&buffer))
    }

    /// Whether a unit that reads `per_unit` elements, the first of them `start` elements late and up to `before` positions earlier, reads
    /// whole rows, and nothing before what it has written itself; of what the group does not write only the former.
    fn is_behind(&self, operand: &Operand, per_unit: usize, start: usize, before: isize) -> bool {
        let layout = &operand.layout;
        let Some((&(_, stride), inner)) = layout.axes.split_first() else { return false };
        let row: usize = inner.iter().map(|&(size, _)| size).product();
        if row == 0 || !per_unit.is_multiple_of(row) {
            return false;
        }
        let Some(&source) = buffer_of(operand).and_then(|buffer| self.units_of.get(&buffer)) else { return true };
        let back: isize = inner.iter().map(|&(size, stride)| (size as isize - 1).max(0) * stride.min(0)).sum::<isize>() + before;
        let rows = (per_unit / row) as isize;
        // affine in the unit; before the first there is nothing
        let nearest = |unit: isize| layout.offset as isize + (unit * rows - start as isize) * stride + back;
        [1, self.units as isize - 1].into_iter().all(|unit| nearest(unit) >= unit * source as isize)
    }
}

#[cfg(test)]
mod tests {
    use super::super::kernel::Lanes;
    use super::*;
    use crate::engine::graph::Builder;
    use crate::engine::op::{self, Attributes, Value, product, reduction};
    use crate::engine::{Shape, diff};

    #[test]
    fn what_neighbours_read_is_computed_twice_and_totals_end_their_group() {
        let mut g = Builder::default();
        let x = g.input("x", Shape::from([40_000])).unwrap();
        let part = |g: &mut Builder, x, start, stop| {
            let bounds = |at| Value::Bounds(vec![at]);
            g.apply(op::find("slice").unwrap(), &[x], Attributes::none().with("start", bounds(start)).with("stop", bounds(stop))).unwrap()
        };
        let (next, own) = (part(&mut g, x, Some(1), None), part(&mut g, x, None, Some(-1)));
        let product = g.multiply(next, own).unwrap();
        let y = g.reduce(&reduction::SUM, product, &[0], false).unwrap();
        let bars = diff::vjp(&mut g, &[(y, diff::Cotangent::One)], &[x]).unwrap();
        let outputs = vec![y, bars[0].unwrap()];
        let graph = g.finish(outputs.iter().enumerate().map(|(i, &node)| (format!("{i}"), node)).collect());
        let code = Code::as_written(&graph, &[Lanes::NONE], &outputs);
        let [slab] = &code.slabs[..] else { panic!("{:?}", code.slabs) };
        assert!(slab.apart);
        assert_eq!((slab.kernels.len(), slab.totals.len()), (code.kernels.len(), 1));
        assert!(slab.halo.iter().all(|&halo| halo <= 1), "{:?}", slab.halo);
    }

    #[test]
    fn what_only_a_group_needs_is_inner() {
        let mut g = Builder::default();
        let shape = Shape::from([40, 30, 30]);
        let (a, b) = (g.input("a", shape.clone()).unwrap(), g.input("b", shape).unwrap());
        let products = g.call(&product::MATMUL, &[a, b]).unwrap();
        let squares = g.multiply(products, products).unwrap();
        let sums = g.reduce(&reduction::SUM, squares, &[1, 2], false).unwrap();
        let named = [products, squares, sums].map(|node| (format!("{node:?}"), node)).into();
        let graph = g.finish(named);
        for (outputs, inner) in [(vec![sums], 2), (vec![sums, products], 1), (vec![sums, products, squares], 0)] {
            let code = Code::as_written(&graph, &[Lanes::NONE; 2], &outputs);
            let [slab] = &code.slabs[..] else { panic!("one group") };
            assert!(slab.apart);
            assert_eq!((slab.kernels.len(), slab.inner.len()), (3, inner));
        }
    }
}

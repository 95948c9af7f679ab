//! Loops: a body's code run over and over, in a frame of its own.
//!
//! A loop's body sees the points and seeds of the code around it; its steps come one after another. What does not change from step to step is
//! computed before the first. A map's body sees entries as seeds, a block of entries at a time, so that they fill the lanes.

use std::ops::Range;

use super::super::op::arithmetic::truth;
use super::super::program::{Binding, Code, Lanes, Loop, Operand, Over, Stopped};
use super::kernels::Runner;
use super::memory::{Memory, Slots};
use super::{Desk, Frame, Inner, Means, Scratch, rows};

/// Lanes that fill a block.
const LANES: usize = 1024;

impl Over {
    /// How many entries are taken at once.
    pub(in crate::engine) fn block(&self, points: usize, seeds: usize) -> usize {
        const BYTES: f64 = 4e6;
        let mut block = (LANES / (points * seeds).max(1)).clamp(1, self.entries.max(1));
        while block > 1 && self.body.scratch_bytes(points, seeds * block) > BYTES {
            block = block.div_ceil(2);
        }
        block
    }
}

/// What a loop's arguments are, as its body is bound to them: numbers that nothing varies with are read where they are.
fn bindings<'f>(frame: &'f Frame<'_>, args: &[Operand]) -> Vec<Binding<'f>> {
    let binding = |operand: &Operand| {
        let data = frame.data(operand);
        // an empty tensor has no first element to begin at
        Binding { data: data.get(operand.layout.offset..).unwrap_or_default(), per_point: false }
    };
    args.iter()
        .map(|operand| if operand.lanes.data() == Lanes::NONE { binding(operand) } else { Binding { data: &[], per_point: false } })
        .collect()
}

/// Rows of an operand from element `from` on, as lanes of a reader that varies with `lanes`.
fn load(frame: &Frame<'_>, operand: &Operand, from: usize, elements: usize, lanes: Lanes, to: &mut [f64]) {
    let (data, count) = (frame.data(operand), frame.lanes(lanes));
    let first = operand.layout.offset + from;
    if operand.lanes.data() == lanes.data() {
        to[..elements * count].copy_from_slice(&data[first * count..(first + elements) * count]);
        return;
    }
    for (e, row) in to[..elements * count].chunks_exact_mut(count.max(1)).enumerate() {
        rows::read(frame, data, operand.lanes, lanes, first + e, 0, row);
    }
}

/// The elements of an output as rows of lanes of a reader that varies with `lanes`.
fn unload(frame: &Frame<'_>, operand: &Operand, lanes: Lanes, to: &mut [f64]) {
    let (data, count) = (frame.data(operand), frame.lanes(lanes));
    if operand.lanes.data() == lanes.data() && operand.layout.is_contiguous() {
        let first = operand.layout.offset * count;
        let length = to.len();
        if length > 0 {
            to.copy_from_slice(&data[first..first + length]);
        }
        return;
    }
    for (at, row) in operand.layout.positions().zip(to.chunks_exact_mut(count.max(1))) {
        rows::read(frame, data, operand.lanes, lanes, at, 0, row);
    }
}

/// The memory of an input of a code, if anything reads it.
fn input<'s>(code: &Code, scratch: &'s mut Scratch, position: usize) -> Option<(&'s mut [f64], usize, Lanes)> {
    let buffer = code.input(position)?;
    Some((&mut scratch.slots[buffer.slot as usize], buffer.elements, buffer.lanes))
}

/// A body over and over.
pub(super) fn scan(outer: &mut Runner<'_>, work: &Loop, lanes: Lanes) -> Result<(), Stopped> {
    let mut inner = outer.scratch.desk.inner.take().unwrap_or_default();
    inner.run_on(outer.scratch.backend);
    let mut results = taken(outer, &work.results);
    let done = steps(outer, work, lanes, &mut inner, &mut results);
    put_back(outer, &work.results, results);
    outer.scratch.desk.inner = Some(inner);
    done
}

fn steps(outer: &Runner<'_>, work: &Loop, lanes: Lanes, inner: &mut Inner, results: &mut [Memory<'_>]) -> Result<(), Stopped> {
    let frame = outer.frame();
    let (points, seeds, means) = (outer.points, outer.seeds, Means { stop: outer.stop, crew: outer.crew });
    let bound = bindings(&frame, &work.args);
    let carries = work.carries.len();
    let codes = [Some(&*work.body), work.guard.as_deref()];
    let Inner { body, guard, carried, taken, before } = inner;
    let mut scratches = [body, guard];

    // parameters once, and what only they decide
    for (code, scratch) in codes.iter().zip(&mut scratches) {
        let Some(code) = code else { continue };
        scratch.fit(code, points, seeds);
        for (i, operand) in work.args.iter().enumerate() {
            let start = i < carries;
            if !start && i < carries + work.slices {
                continue;
            }
            if let Some((to, elements, own)) = input(code, scratch, i) {
                load(&frame, operand, 0, elements, own, to);
            }
        }
        let mut runner = Runner::of(code, &bound, scratch, means, (points, seeds));
        (0..3).try_for_each(|stage| runner.stage(stage))?;
    }

    // the carries: in `carried` between steps, one after another
    let sizes: Vec<usize> = work.carries.iter().enumerate().map(|(i, lanes)| elements(&work.args[i]) * frame.lanes(*lanes)).collect();
    carried.resize(sizes.iter().sum(), 0.0);
    let mut rest = &mut carried[..];
    for ((operand, size), own) in work.args.iter().zip(&sizes).zip(&work.carries) {
        let (to, after) = rest.split_at_mut(*size);
        load(&frame, operand, 0, elements(operand), *own, to);
        rest = after;
    }

    let count = frame.lanes(lanes);
    let width = |result: usize| {
        let buffer = outer.code.buffers[work.results[result] as usize];
        buffer.elements / work.steps.max(1) * count
    };
    for step in 0..work.steps {
        for (code, scratch) in codes.iter().zip(&mut scratches) {
            let Some(code) = code else { continue };
            for i in carries..carries + work.slices {
                if let Some((to, elements, own)) = input(code, scratch, i) {
                    load(&frame, &work.args[i], step * elements, elements, own, to);
                }
            }
        }
        let mut goes_on = Going::All;
        if let Some(code) = codes[1] {
            let mut runner = Runner::of(code, &bound, scratches[1], means, (points, seeds));
            runner.stage(3)?;
            goes_on = going(&runner.frame(), &code.outputs[0], lanes, taken);
            if matches!(goes_on, Going::None) {
                for (result, stacked) in results.iter_mut().enumerate().skip(carries) {
                    let width = width(result);
                    stacked[step * width..(step + 1) * width].fill(0.0);
                }
                if work.slices == 0 {
                    // nothing will change any more
                    for (result, stacked) in results.iter_mut().enumerate().skip(carries) {
                        let width = width(result);
                        stacked[step * width..work.steps * width].fill(0.0);
                    }
                    break;
                }
                continue;
            }
        }
        let [own_scratch, guard_scratch] = &mut scratches;
        let mut runner = Runner::of(&work.body, &bound, own_scratch, means, (points, seeds));
        runner.stage(3)?;
        let own = runner.frame();
        for (result, stacked) in results.iter_mut().enumerate().skip(carries) {
            let width = width(result);
            let row = &mut stacked[step * width..(step + 1) * width];
            unload(&own, &work.body.outputs[result], lanes, row);
            if let Going::Some = goes_on {
                keep(row, taken, |value, _| *value = 0.0);
            }
        }
        let mut rest = &mut carried[..];
        for (i, (size, own_lanes)) in sizes.iter().zip(&work.carries).enumerate() {
            let (to, after) = rest.split_at_mut(*size);
            if let (Going::Some, Some(guard)) = (goes_on, codes[1]) {
                // a step that some lanes skip: theirs stay
                before.clear();
                before.extend_from_slice(to);
                unload(&own, &work.body.outputs[i], *own_lanes, to);
                let asked = Frame { code: guard, slots: Slots { own: &guard_scratch.slots, bound: &[], around: &[], given: &[] }, ..frame };
                going(&asked, &guard.outputs[0], *own_lanes, taken);
                keep(to, taken, |value, at| *value = before[at]);
            } else {
                unload(&own, &work.body.outputs[i], *own_lanes, to);
            }
            rest = after;
        }
        drop(runner);
        // into the inputs only now: an output may be an input
        for (code, scratch) in codes.iter().zip(&mut scratches) {
            let Some(code) = code else { continue };
            let mut rest = &carried[..];
            for (i, size) in sizes.iter().enumerate() {
                let (from, after) = rest.split_at(*size);
                if let Some((to, ..)) = input(code, scratch, i) {
                    to[..*size].copy_from_slice(from);
                }
                rest = after;
            }
        }
        frame.checked()?;
    }
    let mut rest = &carried[..];
    for (i, (size, own)) in sizes.iter().zip(&work.carries).enumerate() {
        let (from, after) = rest.split_at(*size);
        for (e, row) in results[i][..elements(&work.args[i]) * count].chunks_exact_mut(count.max(1)).enumerate() {
            rows::read(&frame, from, *own, lanes, e, 0, row);
        }
        rest = after;
    }
    Ok(())
}

fn elements(operand: &Operand) -> usize {
    operand.layout.elements()
}

/// Which lanes take a step.
#[derive(Clone, Copy)]
enum Going {
    All,
    Some,
    None,
}

/// Reads a guard into `taken`, a lane each.
fn going(frame: &Frame<'_>, guard: &Operand, lanes: Lanes, taken: &mut Vec<f64>) -> Going {
    taken.resize(frame.lanes(lanes), 0.0);
    rows::read(frame, frame.data(guard), guard.lanes, lanes, guard.layout.offset, 0, taken);
    let count = taken.iter().filter(|&&flag| truth(flag)).count();
    match count {
        0 => Going::None,
        all if all == taken.len() => Going::All,
        _ => Going::Some,
    }
}

/// Undoes what a step did to the lanes that skip it.
fn keep(rows: &mut [f64], taken: &[f64], mut undo: impl FnMut(&mut f64, usize)) {
    for (at, value) in rows.iter_mut().enumerate() {
        if !truth(taken[at % taken.len()]) {
            undo(value, at);
        }
    }
}

/// The memory of the results, while they are written.
fn taken<'a>(outer: &mut Runner<'a>, results: &[u32]) -> Vec<Memory<'a>> {
    results.iter().map(|&buffer| outer.take(buffer)).collect()
}

fn put_back<'a>(outer: &mut Runner<'a>, results: &[u32], memory: Vec<Memory<'a>>) {
    for (&buffer, memory) in results.iter().zip(memory) {
        outer.put(buffer, memory);
    }
}

/// A body over those entries of leading axes; `results` are theirs.
pub(super) fn over(
    frame: &Frame<'_>,
    work: &Over,
    lanes: Lanes,
    part: Range<usize>,
    desk: &mut Desk,
    results: &mut [&mut [f64]],
) -> Result<(), Stopped> {
    let mut inner = desk.inner.take().unwrap_or_default();
    inner.run_on(frame.machine.backend);
    let done = entries(frame, work, lanes, part, &mut inner.body, results);
    desk.inner = Some(inner);
    done
}

fn entries(
    frame: &Frame<'_>,
    work: &Over,
    lanes: Lanes,
    part: Range<usize>,
    scratch: &mut Scratch,
    results: &mut [&mut [f64]],
) -> Result<(), Stopped> {
    let code = &*work.body;
    // lanes that the kernel does not have count once
    let points = if lanes.points() { frame.points } else { 1 };
    let seeds = if lanes.seeds() { frame.seeds } else { 1 };
    let row = points * seeds;
    let block = work.block(points, seeds);
    let outside = Frame { points, seeds, ..*frame };
    let bound: Vec<Binding<'_>> = bindings(frame, &work.args)
        .into_iter()
        .zip(&work.over)
        .map(|(binding, &over)| if over { Binding { data: &[], per_point: false } } else { binding })
        .collect();
    scratch.fit(code, points, seeds * block);
    // what is passed whole, once
    for (i, operand) in work.args.iter().enumerate().filter(|(i, _)| !work.over[*i]) {
        if let Some((to, elements, own)) = input(code, scratch, i)
            && !own.seeds()
        {
            load(&outside, operand, 0, elements, own, to);
        }
    }
    let mut runner = Runner::of(code, &bound, scratch, Means { stop: frame.stop, crew: None }, (points, seeds * block));
    runner.stage(0)?;
    runner.stage(1)?;
    let mut first = part.start;
    while first < part.end {
        let count = block.min(part.end - first);
        runner.seeds = seeds * count;
        for (i, operand) in work.args.iter().enumerate() {
            let Some((to, elements, inner_lanes)) = input(code, runner.scratch, i) else { continue };
            if !inner_lanes.seeds() {
                continue;
            }
            // a row of the code around it, an entry after another
            let lanes_of = if inner_lanes.points() { points } else { 1 } * seeds;
            let as_read = if inner_lanes.points() { Lanes::POINTS.union(Lanes::SEEDS) } else { Lanes::SEEDS };
            let data = outside.data(operand);
            for e in 0..elements {
                for entry in 0..count {
                    let at = operand.layout.offset + if work.over[i] { (first + entry) * elements + e } else { e };
                    let to = &mut to[(e * count + entry) * lanes_of..][..lanes_of];
                    rows::read(&outside, data, operand.lanes, as_read, at, 0, to);
                }
            }
        }
        runner.stage(2)?;
        let inside = runner.frame();
        let full = Lanes::POINTS.union(Lanes::SEEDS);
        for (operand, result) in code.outputs.iter().zip(results.iter_mut()) {
            let data = inside.data(operand);
            let elements = operand.layout.elements();
            for (e, at) in operand.layout.positions().enumerate() {
                for entry in 0..count {
                    let to = &mut result[((first - part.start + entry) * elements + e) * row..][..row];
                    rows::read(&inside, data, operand.lanes, full, at, entry * row, to);
                }
            }
        }
        first += count;
        frame.checked()?;
    }
    Ok(())
}

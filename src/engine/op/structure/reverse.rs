//! The reverse of a loop: the loop backwards.
//!
//! A step back needs the carries that the step forth started from. Where they are few they are stacked by one loop forwards. Where they
//! are many, only those at the beginnings of about √n segments are; the segments are then gone through from the last to the first, and
//! each one's carries are computed again before it is gone back through (A. Griewank, "Achieving logarithmic growth of temporal and
//! spatial complexity in reverse automatic differentiation", 1992, with one level of checkpoints). All of it is written with `scan` itself,
//! so that it can be differentiated again.

use super::super::{Attributes, SeveralVjpRule, Value, shape};
use super::scan::{Scan, adapted};
use super::{Writing, activity, chosen, led, or_zeros};
use crate::engine::diff::{self, Cotangent};
use crate::engine::graph::{Body, Builder, NodeId, compose};
use crate::engine::{Error, Shape};

/// Elements of stacked carries up to which no segments are made.
const FEW: usize = 1 << 15;

/// What is carried back: one step's reverse as a body, and which parts of the loop take part.
struct Reverse {
    forth: Scan,
    /// (carries' cotangents, parameters' sums; carries, slices, cotangents of what was stacked, whether the step was taken; parameters)
    /// → (carries' cotangents, parameters' sums; slices' cotangents).
    back: Body,
    /// Carries with a cotangent, and parameters that are wanted.
    carried: usize,
}

/// A stretch of the loop: what goes in, and what comes back from behind it.
struct Stretch {
    start: Vec<NodeId>,
    slices: Vec<NodeId>,
    bars: Vec<NodeId>,
    parameters: Vec<NodeId>,
    /// Cotangents of its final carries, and the parameters' sums so far.
    behind: Vec<NodeId>,
    length: usize,
}

pub(super) const VJP: SeveralVjpRule = |g, y, bars, wanted| {
    let scan = Scan::of(y.attributes);
    let (c, k) = (scan.carry, scan.slices);
    let (active, _) = activity(scan.body.graph(), c, wanted);
    let [carry_shapes, _, _] = scan.shapes();
    let reverse = Reverse::new(scan.clone(), &active[..c], &wanted[c..c + k], &wanted[c + k..], &present(&bars[c..]))?;
    let mut behind = Vec::new();
    for i in (0..c).filter(|&i| active[i]) {
        behind.push(or_zeros(g, bars[i], &carry_shapes[i])?);
    }
    for i in (c + k..y.args.len()).filter(|&i| wanted[i]) {
        let like = g.shape(y.args[i]).clone();
        behind.push(g.zeros(&like)?);
    }
    let stretch = Stretch {
        start: y.args[..c].to_vec(),
        slices: y.args[c..c + k].to_vec(),
        bars: bars[c..].iter().flatten().copied().collect(),
        parameters: y.args[c + k..].to_vec(),
        behind,
        length: scan.length,
    };
    let mut results = reverse.through(g, stretch)?.into_iter();
    let mut found = vec![None; y.args.len()];
    for i in (0..c).filter(|&i| active[i]) {
        let bar = results.next();
        found[i] = if wanted[i] { bar } else { None };
    }
    for i in (c + k..y.args.len()).chain(c..c + k).filter(|&i| wanted[i]) {
        found[i] = results.next();
    }
    Ok(found)
};

fn present(bars: &[Option<NodeId>]) -> Vec<bool> {
    bars.iter().map(Option::is_some).collect()
}

/// A tensor's entries along the leading axis from last to first.
fn flipped(g: &mut Builder, x: NodeId) -> Result<NodeId, Error> {
    g.apply(&shape::SLICE, &[x], Attributes::none().with("step", Value::Bounds(vec![Some(-1)])))
}

fn all_flipped(g: &mut Builder, xs: &[NodeId]) -> Result<Vec<NodeId>, Error> {
    xs.iter().map(|&x| flipped(g, x)).collect()
}

/// Entries `from..to` of the leading axis.
fn part(g: &mut Builder, x: NodeId, from: usize, to: usize) -> Result<NodeId, Error> {
    let bound = |value: usize| Value::Bounds(vec![Some(value as i64)]);
    g.apply(&shape::SLICE, &[x], Attributes::none().with("start", bound(from)).with("stop", bound(to)))
}

/// `count` segments of `length` entries.
fn segmented(g: &mut Builder, x: NodeId, count: usize, length: usize) -> Result<NodeId, Error> {
    let rest = Shape::from(&g.shape(x).sizes()[1..]);
    let whole = part(g, x, 0, count * length)?;
    g.reshape(whole, &led(count, &led(length, &rest)))
}

impl Reverse {
    fn new(forth: Scan, active: &[bool], slices: &[bool], parameters: &[bool], given: &[bool]) -> Result<Reverse, Error> {
        let [carry_shapes, slice_shapes, parameter_shapes] = forth.shapes();
        let stacked: Vec<Shape> = forth.body.output_shapes().skip(forth.carry).cloned().collect();
        let mut w = Writing::new();
        let bars = w.inputs(&chosen(&carry_shapes, active))?;
        let sums = w.inputs(&chosen(&parameter_shapes, parameters))?;
        let carries = w.inputs(&carry_shapes)?;
        let own_slices = w.inputs(&slice_shapes)?;
        let stacked_bars = w.inputs(&chosen(&stacked, given))?;
        if forth.guard.is_some() {
            w.inputs([&Shape::scalar()])?;
        }
        let own_parameters = w.inputs(&parameter_shapes)?;
        let inputs = [&carries[..], &own_slices, &own_parameters].concat();
        let outputs = compose::apply(forth.body.graph(), &mut w.g, &inputs)?;
        let (next, ys) = outputs.split_at(forth.carry);
        let ends = chosen(next, active).into_iter().chain(chosen(ys, given));
        let pairs: Vec<(NodeId, Cotangent)> = ends.zip(bars.iter().chain(&stacked_bars).map(|&bar| Cotangent::Node(bar))).collect();
        let by = [chosen(&carries, active), chosen(&own_parameters, parameters), chosen(&own_slices, slices)].concat();
        let made = diff::vjp(&mut w.g, &pairs, &by)?;
        let mut results = Vec::with_capacity(by.len());
        for (i, (bar, x)) in made.into_iter().zip(by).enumerate() {
            let sum = i.checked_sub(bars.len()).and_then(|i| sums.get(i)).copied();
            let like = w.g.shape(x).clone();
            results.push(match (sum, bar) {
                (Some(sum), Some(bar)) => w.g.add(sum, bar)?,
                (Some(sum), None) => sum,
                (None, bar) => or_zeros(&mut w.g, bar, &like)?,
            });
        }
        let carried = bars.len() + sums.len();
        Ok(Reverse { forth, back: w.finish(&results)?, carried })
    }

    /// Goes back through a stretch: the cotangents of its initial carries, the parameters' sums, the cotangents of its slices.
    fn through(&self, g: &mut Builder, stretch: Stretch) -> Result<Vec<NodeId>, Error> {
        let elements: usize = stretch.start.iter().map(|&carry| g.shape(carry).elements()).sum();
        let segment = stretch.length.isqrt();
        if elements.saturating_mul(stretch.length) <= FEW || segment < 2 {
            return self.at_once(g, stretch);
        }
        let count = stretch.length / segment;
        let (whole, rest) = (count * segment, stretch.length % segment);
        let Stretch { start, slices, bars, parameters, behind, length } = stretch;
        let segments = |g: &mut Builder, xs: &[NodeId]| xs.iter().map(|&x| segmented(g, x, count, segment)).collect::<Result<Vec<_>, _>>();
        let (slice_segments, bar_segments) = (segments(g, &slices)?, segments(g, &bars)?);

        // forwards: the carries at the beginning of each segment, and those behind the last
        let carries = start.len();
        let (forwards, guarded) = self.segments_forth(count, segment)?;
        let mut results = forwards.run(g, &[&start[..], &slice_segments, &parameters].concat())?;
        let starts = results.split_off(carries);
        let last = results;

        // what is left over behind the whole segments
        let mut tail_slices = Vec::new();
        let behind = if rest == 0 {
            behind
        } else {
            let tail = |g: &mut Builder, xs: &[NodeId]| xs.iter().map(|&x| part(g, x, whole, length)).collect::<Result<Vec<_>, _>>();
            let stretch = Stretch {
                start: last,
                slices: tail(g, &slices)?,
                bars: tail(g, &bars)?,
                parameters: parameters.clone(),
                behind,
                length: rest,
            };
            let mut results = self.at_once(g, stretch)?;
            tail_slices = results.split_off(self.carried);
            results
        };

        // backwards: each segment's carries again, then back through it
        let backwards = self.segments_back(g, &starts, segment, count, guarded, bars.len())?;
        let sliced = [&starts[..], &slice_segments, &bar_segments].concat();
        let args = [&behind[..], &all_flipped(g, &sliced)?, &parameters].concat();
        let mut results = backwards.run(g, &args)?;
        let slice_bars = results.split_off(self.carried);
        for (i, bar) in slice_bars.into_iter().enumerate() {
            let bar = flipped(g, bar)?;
            let own = Shape::from(&g.shape(bar).sizes()[2..]);
            let joined = g.reshape(bar, &led(whole, &own))?;
            results.push(match tail_slices.get(i) {
                Some(&tail) => g.call(&shape::CONCAT, &[joined, tail])?,
                None => joined,
            });
        }
        Ok(results)
    }

    /// The loop over segments forwards, which stacks the carries that each begins with; whether it is guarded, and then stacks last
    /// whether a segment was begun.
    fn segments_forth(&self, count: usize, segment: usize) -> Result<(Scan, bool), Error> {
        let [carry_shapes, slice_shapes, parameter_shapes] = self.forth.shapes();
        let mut w = Writing::new();
        let carries = w.inputs(&carry_shapes)?;
        let slices = w.inputs(&slice_shapes.iter().map(|shape| led(segment, shape)).collect::<Vec<_>>())?;
        let parameters = w.inputs(&parameter_shapes)?;
        let inner = Scan { length: segment, body: carries_only(&self.forth)?, ..self.forth.clone() };
        let mut results = inner.run(&mut w.g, &[&carries[..], &slices, &parameters].concat())?;
        results.extend(&carries);
        // a guard that looks at slices cannot be asked for a whole segment
        let guard = self.forth.guard.clone().filter(|_| slices.is_empty());
        if guard.is_some() {
            results.push(w.g.number(1.0));
        }
        let guarded = guard.is_some();
        Ok((Scan { body: w.finish(&results)?, guard, carry: carries.len(), slices: slices.len(), length: count }, guarded))
    }

    /// The loop over segments from the last to the first.
    fn segments_back(
        &self,
        g: &Builder,
        starts: &[NodeId],
        segment: usize,
        count: usize,
        guarded: bool,
        bars: usize,
    ) -> Result<Scan, Error> {
        let [carry_shapes, slice_shapes, parameter_shapes] = self.forth.shapes();
        let start_shapes: Vec<Shape> = starts.iter().map(|&start| Shape::from(&g.shape(start).sizes()[1..])).collect();
        let back_shapes: Vec<Shape> = self.back.input_shapes().cloned().collect();
        let behind_shapes = &back_shapes[..self.carried];
        let bar_at = self.carried + carry_shapes.len() + slice_shapes.len();
        let lead = |shapes: &[Shape]| shapes.iter().map(|shape| led(segment, shape)).collect::<Vec<_>>();
        let mut w = Writing::new();
        let behind = w.inputs(behind_shapes)?;
        let start = w.inputs(&start_shapes)?;
        let slices = w.inputs(&lead(&slice_shapes))?;
        let bars = w.inputs(&lead(&back_shapes[bar_at..bar_at + bars]))?;
        let parameters = w.inputs(&parameter_shapes)?;
        let shapes: Vec<Shape> = w.shapes();
        let stretch = Stretch {
            start: start[..carry_shapes.len()].to_vec(),
            slices: slices.clone(),
            bars: bars.clone(),
            parameters,
            behind,
            length: segment,
        };
        let results = self.at_once(&mut w.g, stretch)?;
        let guard = guarded.then(|| adapted(&identity()?, &shapes, &[self.carried + carry_shapes.len()])).transpose()?;
        Ok(Scan { body: w.finish(&results)?, guard, carry: self.carried, slices: start.len() + slices.len() + bars.len(), length: count })
    }

    /// Goes back through a stretch whose carries are all stacked.
    fn at_once(&self, g: &mut Builder, stretch: Stretch) -> Result<Vec<NodeId>, Error> {
        let Stretch { start, slices, bars, parameters, behind, length } = stretch;
        let saving = Scan { length, body: saving_carries(&self.forth)?, ..self.forth.clone() };
        let mut stacked = saving.run(g, &[&start[..], &slices, &parameters].concat())?.split_off(start.len());
        let taken = if self.forth.guard.is_some() { stacked.pop() } else { None };
        let sliced: Vec<NodeId> = [&stacked[..], &slices, &bars].concat().into_iter().chain(taken).collect();
        let guard = match taken {
            None => None,
            Some(_) => {
                let shapes: Vec<Shape> = self.back.input_shapes().cloned().collect();
                Some(adapted(&identity()?, &shapes, &[self.carried + sliced.len() - 1])?)
            }
        };
        let backwards = Scan { body: self.back.clone(), guard, carry: self.carried, slices: sliced.len(), length };
        let args = [&behind[..], &all_flipped(g, &sliced)?, &parameters].concat();
        let mut results = backwards.run(g, &args)?;
        let slice_bars = results.split_off(self.carried);
        results.extend(all_flipped(g, &slice_bars)?);
        Ok(results)
    }
}

/// Its one input.
fn identity() -> Result<Body, Error> {
    let mut w = Writing::new();
    let x = w.inputs([&Shape::scalar()])?;
    w.finish(&x)
}

/// The body without what it stacks.
fn carries_only(scan: &Scan) -> Result<Body, Error> {
    let mut w = Writing::new();
    let inputs = w.inputs(scan.body.input_shapes())?;
    let outputs = compose::apply(scan.body.graph(), &mut w.g, &inputs)?;
    w.finish(&outputs[..scan.carry])
}

/// The body that stacks the carries it starts from and, where there is a guard, 1 for a step that was taken.
fn saving_carries(scan: &Scan) -> Result<Body, Error> {
    let mut w = Writing::new();
    let inputs = w.inputs(scan.body.input_shapes())?;
    let mut outputs = compose::apply(scan.body.graph(), &mut w.g, &inputs)?;
    outputs.truncate(scan.carry);
    outputs.extend(&inputs[..scan.carry]);
    if scan.guard.is_some() {
        outputs.push(w.g.number(1.0));
    }
    w.finish(&outputs)
}

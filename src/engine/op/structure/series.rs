//! Taylor series of loops: one loop that carries all coefficients, where tangents of its tangents would double it with each order.

use super::super::SeriesRule;
use super::map::{Mapped, map};
use super::scan::{Scan, adapted};
use super::{Writing, activity, or_zeros};
use crate::engine::diff;
use crate::engine::graph::{Body, Builder, NodeId, compose};
use crate::engine::{Error, Shape};

/// A node's coefficients c₁, c₂, …
type Series = Vec<Option<NodeId>>;

/// Inputs of a body that is being written: the values of an argument and its coefficients.
struct Inputs {
    /// Each argument's value.
    values: Vec<NodeId>,
    /// Each argument's coefficients.
    series: Vec<Series>,
}

impl Inputs {
    /// Applies `body` to them: its results, and their coefficients.
    fn through(&self, body: &Body, g: &mut Builder, order: usize) -> Result<(Vec<NodeId>, Vec<Series>), Error> {
        let results = compose::apply(body.graph(), g, &self.values)?;
        let moving: Vec<(NodeId, Series)> = self.values.iter().copied().zip(self.series.iter().cloned()).collect();
        let series = diff::series(g, &moving, &results, order)?;
        Ok((results, series))
    }
}

/// Inputs for the coefficients of an argument of that shape that are there.
fn coefficients(writing: &mut Writing, there: &[bool], shape: &Shape) -> Result<Series, Error> {
    there.iter().map(|&there| if there { Ok(Some(writing.inputs([shape])?[0])) } else { Ok(None) }).collect()
}

/// One loop for the values and their coefficients: both are carried.
pub(super) const OF_SCAN: SeriesRule = |g, y, given, order| {
    let scan = Scan::of(y.attributes);
    let moving: Vec<bool> = given.iter().map(|series| series.iter().any(Option::is_some)).collect();
    let (active, _) = activity(scan.body.graph(), scan.carry, &moving);
    let (c, k) = (scan.carry, scan.slices);
    // what is carried has all coefficients sooner or later, the rest has those that it is given
    let there = |i: usize| -> Vec<bool> { if i < c { vec![active[i]; order] } else { given[i].iter().map(Option::is_some).collect() } };
    let shapes: Vec<Shape> = scan.body.input_shapes().cloned().collect();
    let mut writing = Writing::new();
    let mut inputs = Inputs { values: Vec::new(), series: Vec::new() };
    let (mut args, mut positions, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for range in [0..c, c..c + k, c + k..y.args.len()] {
        for i in range.clone() {
            positions.push(args.len());
            inputs.values.extend(writing.inputs([&shapes[i]])?);
            args.push(y.args[i]);
        }
        for i in range.clone() {
            inputs.series.push(coefficients(&mut writing, &there(i), &shapes[i])?);
            let like = g.shape(y.args[i]).clone();
            for (coefficient, _) in given[i].iter().zip(there(i)).filter(|(_, there)| *there) {
                args.push(or_zeros(g, *coefficient, &like)?);
            }
        }
        counts.push(range.len() + range.map(|i| there(i).into_iter().filter(|there| *there).count()).sum::<usize>());
    }
    let guard_shapes = writing.shapes();
    let (results, series) = inputs.through(&scan.body, &mut writing.g, order)?;
    // outputs: carries, their coefficients; the coefficients of what is stacked
    let mut outputs = results[..c].to_vec();
    for i in (0..c).filter(|&i| active[i]) {
        for &coefficient in &series[i] {
            outputs.push(or_zeros(&mut writing.g, coefficient, &shapes[i])?);
        }
    }
    outputs.extend(series[c..].iter().flatten().flatten());
    let body = writing.finish(&outputs)?;
    let guard = scan.guard.map(|guard| adapted(&guard, &guard_shapes, &positions)).transpose()?;
    let joint = Scan { body, guard, carry: counts[0], slices: counts[1], length: scan.length };
    let made = joint.run(g, &args)?;
    let mut next = made[c..].iter().copied();
    let carried = active[..c].iter().map(|&active| (0..order).map(|_| if active { next.next() } else { None }).collect());
    let mut found: Vec<Series> = carried.collect();
    found.extend(series[c..].iter().map(|one| one.iter().map(|there| there.and_then(|_| next.next())).collect::<Series>()));
    Ok(found)
};

/// The map of the body's series.
pub(super) const OF_MAP: SeriesRule = |g, y, given, order| {
    let Mapped { body, over } = Mapped::of(y.attributes);
    let shapes: Vec<Shape> = body.input_shapes().cloned().collect();
    let mut writing = Writing::new();
    let mut inputs = Inputs { values: writing.inputs(&shapes)?, series: Vec::new() };
    let (mut args, mut all_over) = (y.args.to_vec(), over.clone());
    for (i, series) in given.iter().enumerate() {
        let there: Vec<bool> = series.iter().map(Option::is_some).collect();
        inputs.series.push(coefficients(&mut writing, &there, &shapes[i])?);
        for &coefficient in series.iter().flatten() {
            args.push(coefficient);
            all_over.push(over[i]);
        }
    }
    let (_, series) = inputs.through(&body, &mut writing.g, order)?;
    let present: Vec<NodeId> = series.iter().flatten().flatten().copied().collect();
    if present.is_empty() {
        return Ok(series);
    }
    let body = writing.finish(&present)?;
    let mut made = map(g, body, &args, &all_over)?.into_iter();
    Ok(series.iter().map(|one| one.iter().map(|there| there.and_then(|_| made.next())).collect()).collect())
};

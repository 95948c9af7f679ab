//! Values of nodes → findings.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Finding, Findings, Look, Part, Reading, Source, Watch};
use crate::engine::Shape;
use crate::engine::op::{Array, Fact, Here, There};
use crate::engine::program::layout::Positions;
use crate::engine::program::{Binding, Stopped};

/// The values of a block of points.
pub(super) struct Seen<'s> {
    pub(super) inputs: &'s [Binding<'s>],
    /// A list a node: its values at each point in turn.
    pub(super) values: &'s [&'s [f64]],
    pub(super) points: Range<usize>,
}

/// Looks at every node of every point.
pub(super) fn at(watch: &Watch, seen: Seen<'_>, stop: &AtomicBool) -> Result<Findings, Stopped> {
    let count = seen.points.len();
    let mut findings = Findings { found: Vec::new(), first: vec![None; count] };
    for (subject, shape) in watch.inputs.iter().enumerate() {
        for point in 0..count {
            if !seen.input(subject, shape, point).iter().all(|value| value.is_finite()) {
                findings.first[point].get_or_insert(subject as u32);
            }
        }
    }
    let mut looker = Looker { watch, seen, findings, args: Vec::new() };
    for (number, look) in watch.looks.iter().enumerate() {
        looker.node(number, look, stop)?;
    }
    let mut findings = looker.findings;
    findings.found.sort_by_key(|&(point, ..)| point);
    Ok(findings)
}

impl Seen<'_> {
    fn input(&self, position: usize, shape: &Shape, point: usize) -> &[f64] {
        let Some(binding) = self.inputs.get(position) else { return &[] };
        let size = shape.elements();
        let begin = if binding.per_point { (self.points.start + point) * size } else { 0 };
        binding.data.get(begin..begin + size).unwrap_or_default()
    }
}

struct Looker<'l> {
    watch: &'l Watch,
    seen: Seen<'l>,
    findings: Findings,
    /// The arguments' values at one element.
    args: Vec<f64>,
}

/// One argument of an elementwise node, read element by element.
struct Reader<'s> {
    source: &'s [f64],
    step: usize,
    walk: Option<Positions>,
}

impl Looker<'_> {
    fn node(&mut self, number: usize, look: &Look, stop: &AtomicBool) -> Result<(), Stopped> {
        let count = self.seen.points.len();
        let subject = (self.watch.inputs.len() + number) as u32;
        let silent = !look.facts.edge.is_some() && (!look.moves || !(look.facts.kink.is_some() || look.facts.pole.is_some()));
        for point in 0..count {
            if (point % 64 == 0 || !look.elementwise) && stop.load(Ordering::Relaxed) {
                return Err(Stopped);
            }
            let (mut finite, mut nan) = (true, false);
            for value in look.values.clone() {
                for value in self.value(value, point) {
                    finite &= value.is_finite();
                    nan |= value.is_nan();
                }
            }
            if !finite {
                self.findings.first[point].get_or_insert(subject);
            }
            if silent && !nan {
                continue;
            }
            let held = if look.elementwise { self.elements(look, point, nan, stop)? } else { self.tensors(look, point, nan) };
            for (held, kind) in held.into_iter().zip([Finding::Kink, Finding::Pole, Finding::DomainError]) {
                if held {
                    self.findings.found.push((point as u32, subject, kind));
                }
            }
        }
        Ok(())
    }

    /// Which findings there are at some element of an elementwise node.
    fn elements(&mut self, look: &Look, point: usize, nan: bool, stop: &AtomicBool) -> Result<[bool; 3], Stopped> {
        let mut held = [false; 3];
        let mut args = std::mem::take(&mut self.args);
        let mut readers: Vec<Reader<'_>> = look
            .args
            .iter()
            .map(|part| match &part.reading {
                Reading::Same(at) => Reader { source: self.source(part, point).get(*at..).unwrap_or_default(), step: 0, walk: None },
                Reading::InOrder(first) => {
                    Reader { source: self.source(part, point).get(*first..).unwrap_or_default(), step: 1, walk: None }
                }
                Reading::Strided(layout) => Reader { source: self.source(part, point), step: 0, walk: Some(layout.positions()) },
            })
            .collect();
        args.resize(readers.len(), 0.0);
        for (element, &y) in self.value(look.values.start, point).iter().enumerate() {
            if element % 0x1_0000 == 0xffff && stop.load(Ordering::Relaxed) {
                return Err(Stopped);
            }
            for (arg, reader) in args.iter_mut().zip(&mut readers) {
                let at = reader.walk.as_mut().map_or(element * reader.step, |walk| walk.next().unwrap_or(usize::MAX));
                *arg = reader.source.get(at).copied().unwrap_or(f64::NAN);
            }
            held[2] |= nan && y.is_nan() && !args.iter().any(|arg| arg.is_nan());
            let here = Here::new(&args, &look.active);
            let holds = |fact| matches!(fact, Fact::Here(holds) if holds(&here));
            held[2] |= holds(look.facts.edge);
            if look.moves && holds(look.facts.pole) {
                held[1] = true;
            } else if look.moves && holds(look.facts.kink) {
                held[0] = true;
            }
        }
        self.args = args;
        Ok(held)
    }

    /// Which findings there are at a node that reads whole tensors.
    fn tensors(&mut self, look: &Look, point: usize, nan: bool) -> [bool; 3] {
        let gathered: Vec<Vec<f64>> =
            look.args.iter().map(|part| part.walk().map_or_else(Vec::new, |walk| self.gather(part, point, walk))).collect();
        let mut args: Vec<Array<'_>> = Vec::with_capacity(look.args.len());
        for (part, gathered) in look.args.iter().zip(&gathered) {
            let data = match part.reading {
                Reading::InOrder(first) => &self.source(part, point)[first..first + part.shape.elements()],
                Reading::Same(_) | Reading::Strided(_) => gathered,
            };
            args.push(Array { shape: &part.shape, data });
        }
        let error = nan && !args.iter().any(|arg| arg.data.iter().any(|value| value.is_nan()));
        let Some(attributes) = &look.attributes else { return [false, false, error] };
        let results: Vec<Array<'_>> =
            look.values.clone().map(|value| Array { shape: &self.watch.values[value], data: self.value(value, point) }).collect();
        let there = There { args: &args, active: &look.active, attributes, results: &results };
        let holds = |fact| matches!(fact, Fact::There(holds) if holds(&there));
        let pole = look.moves && holds(look.facts.pole);
        [look.moves && !pole && holds(look.facts.kink), pole, error || holds(look.facts.edge)]
    }

    /// A result of the program at a point.
    fn value(&self, value: usize, point: usize) -> &[f64] {
        let size = self.watch.values[value].elements();
        &self.seen.values[value][point * size..(point + 1) * size]
    }

    /// A part's elements where they do not lie in order.
    fn gather(&self, part: &Part, point: usize, walk: Positions) -> Vec<f64> {
        let source = self.source(part, point);
        walk.map(|at| source.get(at).copied().unwrap_or(f64::NAN)).collect()
    }

    /// The numbers that a part's layout indexes.
    fn source(&self, part: &Part, point: usize) -> &[f64] {
        match part.source {
            Source::Input(position) => self.seen.input(position as usize, &self.watch.inputs[position as usize], point),
            Source::Constant(number) => self.watch.constants[number as usize].data(),
            Source::Value(value) => self.value(value as usize, point),
        }
    }
}

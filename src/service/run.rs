//! A plan with its numbers: what workers run, block by block.

use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use super::decode::Given;
use super::encode::Block;
use super::plan::Plan;
use crate::engine::exec::{Means, Scratch};
use crate::engine::program::{Binding, Cost, Program, Stopped};
use crate::engine::watch::{Findings, Watch};

/// A compiled request: a plan, the numbers it takes, and what they cost.
#[derive(Debug)]
pub struct Run {
    pub(super) plan: Arc<Plan>,
    given: Given,
    cost: Cost,
}

impl Run {
    pub(super) fn new(plan: Arc<Plan>, given: Given, cost: Cost) -> Run {
        Run { plan, given, cost }
    }

    /// The plan and the numbers again.
    pub(super) fn into_parts(self) -> (Arc<Plan>, Given) {
        (self.plan, self.given)
    }

    /// What is run.
    pub fn program(&self) -> &Program {
        &self.plan.program
    }

    /// The request's numbers, for each input of the program.
    pub fn inputs(&self) -> Vec<Binding<'_>> {
        self.bindings().into_vec()
    }

    fn bindings(&self) -> SmallVec<[Binding<'_>; 8]> {
        let Given { at, points, direction, .. } = &self.given;
        let data = |source: usize| -> &[f64] {
            let (source, entries) = match source.checked_sub(at.len()) {
                None => (source, at),
                Some(source) => match source.checked_sub(points.len()) {
                    None => (source, points),
                    Some(source) => (source, direction),
                },
            };
            &entries[source].data
        };
        let Plan { sources, per_point, .. } = &*self.plan;
        sources.iter().zip(per_point).map(|(source, &per_point)| Binding { data: source.map_or(&[], data), per_point }).collect()
    }

    /// How many points there are.
    pub fn points(&self) -> usize {
        self.given.arrangement.points()
    }

    /// How many of them to run at once.
    pub(super) fn block(&self) -> usize {
        let looked_at = self.plan.watch.as_ref().map_or(usize::MAX, Watch::block);
        self.plan.program.block().min(looked_at).max(1)
    }

    /// Scratch memory that a block takes.
    pub(super) fn scratch_bytes(&self) -> f64 {
        self.cost.scratch_bytes
    }

    /// Whether it costs far less than handing it to a worker: some 10 µs.
    pub(super) fn is_small(&self) -> bool {
        const FLOPS: f64 = 2e4;
        const CELLS: usize = 1024;
        const POINTS: usize = 64;
        self.cost.flops <= FLOPS && self.points() <= POINTS && self.plan.template.width() * self.points() <= CELLS
    }

    /// Runs some of the points.
    pub(super) fn block_of(&self, points: Range<usize>, scratch: &mut Scratch, means: Means<'_>) -> Result<Block, Stopped> {
        let Plan { program, template, watch, .. } = &*self.plan;
        let inputs = self.bindings();
        let count = points.len();
        let mut block = Block { points: count, data: vec![0.0; template.width() * count], findings: Findings::default() };
        let mut out: SmallVec<[&mut [f64]; 8]> = SmallVec::with_capacity(template.offsets().len());
        let mut rest = &mut block.data[..];
        for ends in template.offsets().windows(2) {
            let (result, after) = rest.split_at_mut((ends[1] - ends[0]) * count);
            out.push(result);
            rest = after;
        }
        program.run_with(&inputs, points.clone(), scratch, means, &mut out)?;
        drop(out);
        if let Some(watch) = watch {
            block.findings = watch.run(&inputs, points, scratch, means)?;
        }
        Ok(block)
    }
}

//! Loops and maps: their bodies lowered, and which lanes the bodies' inputs have.

use super::super::super::graph::NodeId;
use super::super::super::op::Attributes;
use super::super::super::op::structure::{Mapped, Scan, activity};
use super::super::code::Code;
use super::super::kernel::{Lanes, Loop, Operand, Over, Work};
use super::{Arc, Graph, Kind, Lowering, Place};

impl Lowering<'_> {
    pub(super) fn scan(&mut self, id: NodeId, args: &[NodeId], attributes: &Attributes) -> Place {
        let scan = Scan::of(attributes);
        let (operands, lanes, level) = self.arguments(args);
        let mut live = self.picked(id);
        live[..scan.carry].fill(true);
        let body = scan.body.graph();
        let carries = carry_lanes(&scan, &operands);
        let varies: Vec<Lanes> = operands
            .iter()
            .enumerate()
            .map(|(i, operand)| match carries.get(i) {
                Some(carry) => carry.union(Lanes::STEPS),
                None if i < scan.carry + scan.slices => operand.lanes.data().union(Lanes::STEPS),
                None => operand.lanes.data(),
            })
            .collect();
        let code = Arc::new(Code::of(body, &varies, &outputs(body, &live)));
        let guard = scan.guard.as_ref().map(|guard| Arc::new(Code::of(guard.graph(), &varies, &outputs(guard.graph(), &[true]))));
        let (results, places) = self.results(id, &live, lanes, level);
        let work = Loop { body: code, guard, args: operands, carries, slices: scan.slices, steps: scan.length, results };
        self.emit(Work::Loop(Box::new(work)), 0, lanes, level);
        places
    }

    pub(super) fn over(&mut self, id: NodeId, args: &[NodeId], attributes: &Attributes) -> Place {
        let mapped = Mapped::of(attributes);
        let (operands, lanes, level) = self.arguments(args);
        let entries = mapped.length(|i| self.graph.shape(args[i]).sizes());
        let live = self.picked(id);
        let body = mapped.body.graph();
        // entries ride on the axis of seeds; what varies with seeds already varies with entries too
        let varies: Vec<Lanes> = operands
            .iter()
            .zip(&mapped.over)
            .map(|(operand, &over)| {
                let own = operand.lanes.data();
                if over || own.seeds() { own.union(Lanes::SEEDS) } else { own }
            })
            .collect();
        let code = Arc::new(Code::of(body, &varies, &outputs(body, &live)));
        let (results, places) = self.results(id, &live, lanes, level);
        let work = Over { body: code, args: operands, over: mapped.over, entries, results };
        self.emit(Work::Over(Box::new(work)), 0, lanes, level);
        places
    }

    /// The arguments in memory without gaps, what they all vary with, and the lowest level that may read them.
    fn arguments(&mut self, args: &[NodeId]) -> (Vec<Operand>, Lanes, u32) {
        let (mut operands, mut lanes, mut level) = (Vec::with_capacity(args.len()), Lanes::NONE, 0);
        for &arg in args {
            let (operand, ready) = self.operand(arg);
            let own = operand.lanes;
            let (operand, ready) = self.contiguous(operand, ready, own);
            lanes = lanes.union(own);
            level = level.max(ready);
            operands.push(operand);
        }
        (operands, lanes, level)
    }

    /// Which results of a several-valued node are picked by something alive.
    fn picked(&self, several: NodeId) -> Vec<bool> {
        let mut picked = vec![false; self.graph.results(several).map_or(0, <[_]>::len)];
        for &item in self.items.get(&several).map_or(&[][..], Vec::as_slice) {
            if let (true, Kind::Apply { attributes, .. }) = (self.live[item.index()], self.graph.kind(item)) {
                picked[attributes.int("index").unwrap_or_default() as usize] = true;
            }
        }
        picked
    }

    /// A buffer for each live result, and where the results are then.
    fn results(&mut self, id: NodeId, live: &[bool], lanes: Lanes, level: u32) -> (Vec<u32>, Place) {
        let shapes = self.graph.results(id).unwrap_or_default().to_vec();
        let (mut buffers, mut places) = (Vec::new(), Vec::with_capacity(live.len()));
        for (shape, &live) in shapes.into_iter().zip(live) {
            if live {
                let buffer = self.buffer(shape.elements(), lanes);
                buffers.push(buffer);
                places.push(self.stored(buffer, shape, lanes, level));
            } else {
                places.push(Place::Absent);
            }
        }
        (buffers, self.several(places))
    }
}

/// The nodes of a body's live outputs.
fn outputs(body: &Graph, live: &[bool]) -> Vec<NodeId> {
    body.outputs().iter().zip(live).filter(|(_, live)| **live).map(|(output, _)| output.node).collect()
}

/// What each carry varies with while the loop runs: with what it starts from, what reaches it on the way, and what the guard looks at.
fn carry_lanes(scan: &Scan, operands: &[Operand]) -> Vec<Lanes> {
    let mut carries = vec![Lanes::NONE; scan.carry];
    for kind in [Lanes::POINTS, Lanes::SEEDS] {
        let has = |lanes: Lanes| lanes.union(kind) == lanes;
        let mut given: Vec<bool> = operands.iter().map(|operand| has(operand.lanes.data())).collect();
        let (mut active, _) = activity(scan.body.graph(), scan.carry, &given);
        if let Some(guard) = &scan.guard
            && activity(guard.graph(), 0, &active).1[0]
        {
            given[..scan.carry].fill(true);
            active = activity(scan.body.graph(), scan.carry, &given).0;
        }
        for (carry, active) in carries.iter_mut().zip(active) {
            if active {
                *carry = carry.union(kind);
            }
        }
    }
    carries
}

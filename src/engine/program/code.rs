//! A graph lowered to kernels with their memory: what runs, be it a whole program or the body of a loop in it.

use std::ops::Range;
use std::sync::Arc;

use super::kernel::{Buffer, Kernel, Lanes, Operand, Work};
use super::lower::{self, Lowered};
use super::memory::{self, Slot};
use super::roll;
use super::scalars;
use super::slabs::{self, Slab};
use crate::engine::graph::{Graph, NodeId};

/// About what machine code takes, a step.
const NATIVE_BYTES: usize = 24;

/// Kernels in the order of their stages, and the memory between them.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) kernels: Vec<Kernel>,
    /// The kernels of each stage.
    pub(crate) stages: [Range<usize>; Lanes::STAGES],
    /// Kernels among them that run unit by unit, in order.
    pub(crate) slabs: Vec<Slab>,
    pub(crate) buffers: Vec<Buffer>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) constants: Vec<Arc<Vec<f64>>>,
    /// The buffer that each input is copied to; `None` for a shared one and for one that nothing reads.
    pub(crate) inputs: Vec<Option<u32>>,
    /// Where each of the nodes asked for lies.
    pub(crate) outputs: Vec<Operand>,
    /// Most elements alive at once for one point, in bodies too.
    pub(crate) live_elements: usize,
}

impl Code {
    /// Lowers what `outputs` need, small arrays taken apart or else what repeats rolled; `varies[i]` says what input i varies with. The
    /// graph has no composite operators left.
    pub(crate) fn of(graph: &Graph, varies: &[Lanes], outputs: &[NodeId]) -> Code {
        if let Some(replaced) = scalars::replace(graph, varies, outputs) {
            return Code::as_written(&replaced.graph, varies, &replaced.outputs);
        }
        match roll::roll(graph, varies, outputs) {
            Some(rolled) => Code::as_written(&rolled.graph, varies, &rolled.outputs),
            None => Code::as_written(graph, varies, outputs),
        }
    }

    /// [`Code::of`], but node for node.
    pub(crate) fn as_written(graph: &Graph, varies: &[Lanes], outputs: &[NodeId]) -> Code {
        let Lowered { kernels, mut buffers, constants, inputs, outputs } = lower::lower(graph, varies, outputs);
        let kept: Vec<u32> = inputs.iter().flatten().copied().chain(outputs.iter().filter_map(memory::buffer_of)).collect();
        let (kernels, mut slabs) = slabs::arrange(kernels, &buffers);
        slabs::find_inner(&mut slabs, &kernels, &kept);
        let (slots, own) = memory::assign(&mut buffers, &kernels, &slabs, &kept);
        let inner = kernels.iter().flat_map(Kernel::bodies).map(|body| body.live_elements).max().unwrap_or(0);
        let stage = |stage: usize| {
            let first = kernels.partition_point(|kernel| kernel.lanes.stage() < stage);
            first..first + kernels[first..].partition_point(|kernel| kernel.lanes.stage() == stage)
        };
        let stages = std::array::from_fn(stage);
        Code { stages, kernels, slabs, buffers, slots, constants, inputs, outputs, live_elements: own + inner }
    }

    /// Flops of each stage, a lane.
    pub(crate) fn stage_flops(&self) -> [f64; Lanes::STAGES] {
        let mut flops = [0.0; Lanes::STAGES];
        for kernel in &self.kernels {
            flops[kernel.lanes.stage()] += kernel.flops(&self.buffers);
        }
        flops
    }

    /// Flops of everything together, a lane.
    pub(crate) fn flops(&self) -> f64 {
        self.stage_flops().iter().sum()
    }

    /// Bytes of scratch memory for so many points and seeds, bodies included: they run one after another.
    pub(crate) fn scratch_bytes(&self, points: usize, seeds: usize) -> f64 {
        let own = 8.0 * self.slots.iter().map(|slot| slot.elements as f64 * slot.lanes.count(points, seeds) as f64).sum::<f64>();
        let inner = self.kernels.iter().map(|kernel| match &kernel.work {
            Work::Loop(work) => {
                let carries = work.results.iter().map(|&buffer| self.buffers[buffer as usize].elements as f64).sum::<f64>();
                let guard = work.guard.as_ref().map_or(0.0, |guard| guard.scratch_bytes(points, seeds));
                work.body.scratch_bytes(points, seeds) + guard + 8.0 * carries / (work.steps.max(1) as f64)
            }
            Work::Over(work) => work.body.scratch_bytes(points, seeds * work.block(points, seeds)),
            Work::Dense(call) => 8.0 * call.memory(kernel.lanes, points, seeds) as f64,
            // the places of a line, while it is sorted
            Work::Sort { line, .. } => 8.0 * line.length as f64,
            _ => 0.0,
        });
        own + inner.fold(0.0, f64::max)
    }

    /// Bytes it takes itself.
    pub(crate) fn bytes(&self) -> usize {
        let constants: usize = self.constants.iter().map(|values| values.len()).sum();
        8 * constants + self.kernels.iter().map(kernel_bytes).sum::<usize>() + 32 * self.buffers.len() + 64 * self.outputs.len()
    }

    /// The buffer an input was given, with its elements.
    pub(crate) fn input(&self, position: usize) -> Option<Buffer> {
        self.inputs[position].map(|buffer| self.buffers[buffer as usize])
    }
}

fn kernel_bytes(kernel: &Kernel) -> usize {
    let bodies: usize = kernel.bodies().map(Code::bytes).sum();
    96 + bodies
        + match &kernel.work {
            Work::Map(map) => {
                map.steps.len() * (size_of::<super::kernel::Step>() + NATIVE_BYTES)
                    + map.many.len() * 24
                    + map.loads.len() * 128
                    + map.stores.len() * 8
            }
            Work::Take { table, .. } | Work::ScatterAdd { table, .. } => 8 * table.indices.len(),
            Work::Pack { from } => 64 * from.len(),
            Work::Loop(work) => 256 + 128 * work.args.len(),
            Work::Over(work) => 256 + 128 * work.args.len(),
            Work::Dense(call) => 64 + 128 * call.operands.len(),
            Work::Interpolate { knots, .. } => 16 * knots.places.len(),
            Work::Copy { .. }
            | Work::Zero
            | Work::Reduce { .. }
            | Work::Matmul(_)
            | Work::Scan { .. }
            | Work::Sort { .. }
            | Work::Convolve { .. } => 128,
        }
}

impl Kernel {
    /// The bodies that it runs.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &Code> {
        let (body, guard) = match &self.work {
            Work::Loop(work) => (Some(&*work.body), work.guard.as_deref()),
            Work::Over(work) => (Some(&*work.body), None),
            _ => (None, None),
        };
        body.into_iter().chain(guard)
    }
}

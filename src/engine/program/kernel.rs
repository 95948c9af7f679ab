//! What a program is made of: kernels that read operands and write buffers.

use std::ops::Range;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::code::Code;
use super::layout::Layout;
use crate::engine::exec::elementwise::{Elementwise, Together, WIDEST};
use crate::engine::exec::interpolate::Knots;
use crate::engine::exec::linear_algebra::{self, Sizes};
use crate::engine::exec::native::Native;
use crate::engine::exec::opcode::Opcode;
use crate::engine::op::{Dense, DenseFlags, Fold, Scan, Sorting};

/// What a value varies with beside its elements. Points and seeds are lane axes: innermost in memory, points within seeds. The steps of
/// a loop come one after another and take no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub(crate) struct Lanes(u8);

impl Lanes {
    pub(crate) const NONE: Lanes = Lanes(0);
    pub(crate) const POINTS: Lanes = Lanes(1);
    pub(crate) const SEEDS: Lanes = Lanes(2);
    pub(crate) const STEPS: Lanes = Lanes(4);
    /// How many there are: every `index()` is below.
    pub(crate) const KINDS: usize = 8;
    /// How many stages there are: every `stage()` is below.
    pub(crate) const STAGES: usize = 4;

    pub(crate) fn union(self, other: Lanes) -> Lanes {
        Lanes(self.0 | other.0)
    }

    pub(crate) fn points(self) -> bool {
        self.0 & 1 != 0
    }

    pub(crate) fn seeds(self) -> bool {
        self.0 & 2 != 0
    }

    /// The lanes alone: how it lies in memory.
    pub(crate) fn data(self) -> Lanes {
        Lanes(self.0 & 3)
    }

    /// When it is computed: once, once a block of points, once a block of seeds, or in every step.
    pub(crate) fn stage(self) -> usize {
        match self.0 {
            4.. => 3,
            2.. => 2,
            stage => usize::from(stage),
        }
    }

    /// How many lanes for so many points and seeds.
    pub(crate) fn count(self, points: usize, seeds: usize) -> usize {
        (if self.points() { points } else { 1 }) * (if self.seeds() { seeds } else { 1 })
    }

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a step of a loop costs beside its body.
const STEP_FLOPS: f64 = 50.0;

/// Where an operand's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// A program input that all points share.
    Shared(u32),
    /// A constant of the program.
    Constant(u32),
    /// A buffer: elements outermost, lanes innermost.
    Buffer(u32),
}

/// A tensor as a kernel reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operand {
    pub(crate) source: Source,
    pub(crate) layout: Layout,
    pub(crate) lanes: Lanes,
}

/// A buffer between kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buffer {
    pub(crate) elements: usize,
    pub(crate) lanes: Lanes,
    /// The memory it is given; buffers that do not live at the same time share one.
    pub(crate) slot: u32,
}

/// One elementwise instruction of a Map: `slots[to] = function(slots[from]...)`, in 16 bytes, since a Map may have millions.
/// Of a function with more than two arguments `from[0]` is a row of [`Map::many`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// How it is done for one number.
    pub(crate) code: Opcode,
    /// How it is done for a tile: which of [`Map::functions`].
    pub(crate) function: u16,
    pub(crate) to: u32,
    pub(crate) from: [u32; 2],
}

/// What a Map reads into a slot.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) operand: Operand,
    pub(crate) slot: u32,
    /// The elements of the domain that the operand's are, one after another, where it is not all of them: the others are 0.
    pub(crate) inside: Option<Range<usize>>,
}

impl Load {
    /// Whether it is one number for the whole domain.
    pub(crate) fn is_one_number(&self) -> bool {
        let Operand { layout, lanes, .. } = &self.operand;
        self.inside.is_none() && lanes.data() == Lanes::NONE && layout.axes.iter().all(|&(_, stride)| stride == 0)
    }
}

/// A fused group of elementwise operators over one domain.
#[derive(Debug, Clone)]
pub(crate) struct Map {
    pub(crate) elements: usize,
    pub(crate) lanes: Lanes,
    pub(crate) loads: Vec<Load>,
    pub(crate) steps: Vec<Step>,
    /// Steps that a tile does in one loop with the next one, in order, and that loop.
    pub(crate) twins: Vec<(u32, Together)>,
    /// Each function that a step applies.
    pub(crate) functions: Vec<Elementwise>,
    /// The argument slots of steps that have more than two.
    pub(crate) many: Vec<[u32; WIDEST]>,
    /// Slot and buffer.
    pub(crate) stores: Vec<(u32, u32)>,
    pub(crate) slots: usize,
    /// Slots of which every number of a tile is in memory, even where arithmetic is done in registers.
    pub(crate) in_memory: usize,
    pub(crate) flops: f64,
    pub(crate) native: Native,
}

/// A batched matrix product; every operand's axes are batch ++ its two.
#[derive(Debug, Clone)]
pub(crate) struct Matmul {
    pub(crate) left: Operand,
    pub(crate) right: Operand,
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    pub(crate) columns: usize,
    /// Zeros stay zeros: 0·∞ and 0·NaN are 0.
    pub(crate) chain: bool,
}

/// A routine of dense linear algebra, a matrix at a time; every operand's axes are batch ++ its two. What begins with elimination reads
/// its first operand factored.
#[derive(Debug, Clone)]
pub(crate) struct DenseCall {
    pub(crate) routine: Dense,
    pub(crate) flags: DenseFlags,
    pub(crate) sizes: Sizes,
    pub(crate) operands: Vec<Operand>,
}

impl DenseCall {
    /// How many matrices.
    fn batch(&self) -> usize {
        let axes = &self.operands[0].layout.axes;
        axes[..axes.len() - 2].iter().map(|&(size, _)| size).product()
    }

    /// Numbers of scratch memory for so many points and seeds of a kernel that varies with `lanes`.
    pub(crate) fn memory(&self, lanes: Lanes, points: usize, seeds: usize) -> usize {
        let shared = self.operands[0].lanes.count(points, seeds).max(1);
        linear_algebra::memory(self.routine, self.sizes, lanes.count(points, seeds) / shared)
    }
}

/// Entries of an axis by a table; operands are contiguous: outer × axis × inner.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) outer: usize,
    /// Size of the indexed axis.
    pub(crate) axis: usize,
    pub(crate) inner: usize,
    pub(crate) indices: Arc<[i64]>,
}

impl Table {
    /// The first element of each entry, in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.outer).flat_map(move |outer| self.indices.iter().map(move |&index| (outer * self.axis + index as usize) * self.inner))
    }
}

/// Lines along an axis; operands are contiguous: outer × length × inner.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) outer: usize,
    pub(crate) length: usize,
    pub(crate) inner: usize,
}

/// One pass over memory.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Map(Map),
    /// Elements of an operand into those positions of a buffer.
    Copy {
        from: Operand,
        layout: Layout,
    },
    /// The first element of each operand, one after another.
    Pack {
        from: Vec<Operand>,
    },
    /// Zeros into a buffer.
    Zero,
    /// `inner` contiguous elements folded into one, for each of the buffer's elements.
    Reduce {
        from: Operand,
        inner: usize,
        stride: isize,
        fold: Fold,
    },
    Matmul(Matmul),
    Dense(DenseCall),
    Take {
        from: Operand,
        table: Table,
    },
    /// Adds the operand's slices to a buffer already filled with the base.
    ScatterAdd {
        from: Operand,
        table: Table,
    },
    /// A running fold; for an affine one, of factors and of what is added.
    Scan {
        own: Operand,
        added: Operand,
        scan: Scan,
        chain: bool,
        reverse: bool,
        line: Line,
    },
    /// Values by the order that sorts the keys, which may have fewer lanes.
    Sort {
        keys: Operand,
        values: Operand,
        how: Sorting,
        descending: bool,
        line: Line,
    },
    Interpolate {
        from: Operand,
        knots: Arc<Knots>,
        slope: bool,
    },
    /// Elements of a full convolution from `start`.
    Convolve {
        left: Operand,
        right: Operand,
        start: usize,
        chain: bool,
    },
    Loop(Box<Loop>),
    Over(Box<Over>),
}

/// A body over and over.
#[derive(Debug, Clone)]
pub(crate) struct Loop {
    pub(crate) body: Arc<Code>,
    /// Whether a step is taken.
    pub(crate) guard: Option<Arc<Code>>,
    /// Initial carries, what is sliced, parameters; contiguous.
    pub(crate) args: Vec<Operand>,
    /// The lanes of each carry while the loop runs.
    pub(crate) carries: Vec<Lanes>,
    pub(crate) slices: usize,
    pub(crate) steps: usize,
    /// The buffers of the final carries and of what is stacked.
    pub(crate) results: Vec<u32>,
}

/// A body over each entry of leading axes: entries are lanes, beside the seeds.
#[derive(Debug, Clone)]
pub(crate) struct Over {
    pub(crate) body: Arc<Code>,
    /// Contiguous.
    pub(crate) args: Vec<Operand>,
    /// Which of them are mapped over.
    pub(crate) over: Vec<bool>,
    pub(crate) entries: usize,
    /// The buffers of what is stacked.
    pub(crate) results: Vec<u32>,
}

/// A kernel: what it does, the buffer it writes (for a Map, those of its stores), and what it varies with.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    pub(crate) work: Work,
    pub(crate) to: u32,
    pub(crate) lanes: Lanes,
    pub(crate) level: u32,
}

impl Kernel {
    /// What it reads.
    pub(crate) fn operands(&self) -> Vec<&Operand> {
        match &self.work {
            Work::Map(map) => map.loads.iter().map(|load| &load.operand).collect(),
            Work::Copy { from, .. }
            | Work::Reduce { from, .. }
            | Work::Take { from, .. }
            | Work::ScatterAdd { from, .. }
            | Work::Interpolate { from, .. } => vec![from],
            Work::Pack { from } => from.iter().collect(),
            Work::Scan { own, added, .. } => vec![own, added],
            Work::Sort { keys, values, .. } => vec![keys, values],
            Work::Convolve { left, right, .. } => vec![left, right],
            Work::Matmul(product) => vec![&product.left, &product.right],
            Work::Dense(call) => call.operands.iter().collect(),
            Work::Loop(work) => work.args.iter().collect(),
            Work::Over(work) => work.args.iter().collect(),
            Work::Zero => Vec::new(),
        }
    }

    /// The buffers it writes.
    pub(crate) fn targets(&self) -> SmallVec<[u32; 4]> {
        match &self.work {
            Work::Map(map) => map.stores.iter().map(|&(_, buffer)| buffer).collect(),
            Work::Loop(work) => work.results.iter().copied().collect(),
            Work::Over(work) => work.results.iter().copied().collect(),
            _ => smallvec![self.to],
        }
    }

    /// Into how many units its work can be cut, if it can: elements of a Map, results of a fold, lines of a product, entries of a body. What
    /// a unit writes follows what the one before it writes, in each of the targets.
    pub(crate) fn units(&self, buffers: &[Buffer]) -> Option<usize> {
        let elements = buffers[self.to as usize].elements;
        match &self.work {
            Work::Map(map) => Some(map.elements),
            Work::Reduce { .. } | Work::Interpolate { .. } | Work::Convolve { .. } => Some(elements),
            Work::Matmul(product) => Some(elements.checked_div(product.columns).unwrap_or(0)),
            Work::Over(work) => Some(work.entries),
            Work::Copy { .. }
            | Work::Zero
            | Work::Dense(_)
            | Work::Take { .. }
            | Work::Pack { .. }
            | Work::ScatterAdd { .. }
            | Work::Scan { .. }
            | Work::Sort { .. }
            | Work::Loop(_) => None,
        }
    }

    /// Floating-point operations a lane.
    pub(crate) fn flops(&self, buffers: &[Buffer]) -> f64 {
        let elements = || buffers[self.to as usize].elements as f64;
        match &self.work {
            Work::Map(map) => map.flops * map.elements as f64,
            Work::Copy { from, .. } => from.layout.elements() as f64,
            Work::Zero | Work::Take { .. } | Work::Pack { .. } => elements(),
            Work::Reduce { inner, .. } => elements() * *inner as f64,
            Work::Matmul(product) => 2.0 * elements() * product.inner as f64,
            Work::Dense(call) => {
                call.batch() as f64 * linear_algebra::flops(call.routine, call.sizes, call.operands[0].lanes.data() != self.lanes.data())
            }
            Work::ScatterAdd { from, .. } => 2.0 * from.layout.elements() as f64,
            Work::Scan { .. } => 2.0 * elements(),
            Work::Sort { line, .. } => elements() * (4.0 + 8.0 * (line.length.max(1) as f64).log2()),
            Work::Interpolate { knots, .. } => elements() * (6.0 + 4.0 * (knots.places.len() as f64).log2()),
            Work::Convolve { left, right, .. } => 2.0 * elements() * left.layout.elements().min(right.layout.elements()) as f64,
            // dispatch and the moving of carries count too, or an empty body would cost nothing
            Work::Loop(work) => {
                work.steps as f64 * (STEP_FLOPS + work.body.flops() + work.guard.as_ref().map_or(0.0, |guard| guard.flops()))
            }
            Work::Over(work) => work.entries as f64 * work.body.flops(),
        }
    }
}

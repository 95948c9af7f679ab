//! From a graph to kernels: what is elementwise is fused, what is a view costs nothing, the rest is a kernel each.
//!
//! A node's *level* is the number of kernels that must have run before its own; elementwise nodes of one shape, one set of lanes and
//! one level make one Map. That a fused group never waits for itself follows: an edge inside it stays on its level, every other
//! edge climbs.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;

use super::super::graph::{Graph, Kind, NodeId};
use super::super::op::{Attributes, Does, Primitive, Row, Rule, Several, product, shape};
use super::super::{Shape, Tensor};
use super::kernel::{Buffer, Kernel, Lanes, Matmul, Operand, Source, Table, Work};
use super::layout::Layout;

mod bodies;
mod dense;
mod groups;
mod lines;
mod twins;

use groups::{Group, NOWHERE, fuse};

/// What lowering makes of a graph.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub(crate) kernels: Vec<Kernel>,
    pub(crate) buffers: Vec<Buffer>,
    pub(crate) constants: Vec<Arc<Vec<f64>>>,
    /// The buffer that each input is copied to; `None` for a shared one and for one that nothing reads.
    pub(crate) inputs: Vec<Option<u32>>,
    /// Where each of the nodes asked for lies.
    pub(crate) outputs: Vec<Operand>,
}

/// Lowers what `outputs` need; `varies[i]` says what input i varies with. The graph has no composite operators left.
pub(crate) fn lower(graph: &Graph, varies: &[Lanes], outputs: &[NodeId]) -> Lowered {
    let mut lowering = Lowering {
        graph,
        places: vec![Packed::of(Place::Absent); graph.len()],
        stored: Vec::new(),
        fused: Vec::with_capacity(graph.len()),
        several: Vec::new(),
        groups: Vec::new(),
        group_of: HashMap::new(),
        last_group: None,
        kernels: Vec::new(),
        buffers: Vec::new(),
        constants: Vec::new(),
        inputs: vec![None; varies.len()],
        live: Vec::new(),
        items: HashMap::new(),
        eliminated: HashMap::new(),
    };
    if graph.has_several() {
        for id in graph.ids() {
            if let Kind::Apply { op, args, .. } = graph.kind(id)
                && matches!(op.rule, Rule::Item)
            {
                lowering.items.entry(args[0]).or_insert_with(Vec::new).push(id);
            }
        }
    }
    let mut live = vec![false; graph.len()];
    for id in outputs {
        live[id.index()] = true;
    }
    graph.spread(&mut live);
    lowering.live = live;
    for id in graph.ids() {
        if !lowering.live[id.index()] {
            continue;
        }
        let place = match graph.kind(id) {
            Kind::Input(position) => lowering.input(position, varies[position], graph.shape(id)),
            Kind::Constant(value) => lowering.constant(value),
            Kind::Apply { op, args, attributes } => lowering.apply(id, op, args, attributes),
        };
        lowering.places[id.index()] = Packed::of(place);
    }
    let outputs = outputs.iter().map(|&id| lowering.operand(id).0).collect();
    lowering.finish(outputs)
}

/// How a node's value is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Absent,
    /// In memory: which of [`Lowering::stored`].
    Stored(u32),
    /// Computed inside a fused group: which of [`Lowering::fused`]. In memory only once somebody else needs it.
    Fused(u32),
    /// Several results, each in memory; absent where nobody picks one: which of [`Lowering::several`].
    Several(u32),
}

/// A node in memory.
#[derive(Debug)]
struct Stored {
    operand: Operand,
    /// The lowest level of kernels that may read it.
    ready: u32,
    /// Where it has zeros around it that are not in memory: which of the node's elements it is, in row-major order.
    inside: Option<Range<usize>>,
}

/// A [`Place`] in four bytes: they are reached for across the memory of the whole graph.
#[derive(Debug, Clone, Copy)]
struct Packed(u32);

impl Packed {
    const KINDS: u32 = 4;

    fn of(place: Place) -> Packed {
        Packed(match place {
            Place::Absent => 0,
            Place::Stored(number) => number * Packed::KINDS + 1,
            Place::Fused(number) => number * Packed::KINDS + 2,
            Place::Several(number) => number * Packed::KINDS + 3,
        })
    }

    fn place(self) -> Place {
        let number = self.0 / Packed::KINDS;
        match self.0 % Packed::KINDS {
            0 => Place::Absent,
            1 => Place::Stored(number),
            2 => Place::Fused(number),
            _ => Place::Several(number),
        }
    }
}

struct Lowering<'a> {
    graph: &'a Graph,
    places: Vec<Packed>,
    stored: Vec<Stored>,
    /// The group and the position in it of each fused node.
    fused: Vec<(u32, u32)>,
    several: Vec<Vec<Place>>,
    groups: Vec<Group>,
    group_of: HashMap<(u32, Lanes, u32), u32>,
    /// The group that was joined last.
    last_group: Option<((u32, Lanes, u32), u32)>,
    kernels: Vec<Kernel>,
    buffers: Vec<Buffer>,
    constants: Vec<Arc<Vec<f64>>>,
    inputs: Vec<Option<u32>>,
    live: Vec<bool>,
    /// What picks from each several-valued node.
    items: HashMap<NodeId, Vec<NodeId>>,
    /// Matrices after elimination, and the level that may read them.
    eliminated: HashMap<NodeId, (Operand, u32)>,
}

impl Lowering<'_> {
    fn input(&mut self, position: usize, lanes: Lanes, shape: &Shape) -> Place {
        let source = if lanes == Lanes::NONE {
            Source::Shared(position as u32)
        } else {
            let buffer = self.buffer(shape.elements(), lanes);
            self.inputs[position] = Some(buffer);
            Source::Buffer(buffer)
        };
        self.in_memory(Operand { source, layout: Layout::contiguous(shape), lanes }, 0)
    }

    fn constant(&mut self, value: &Tensor) -> Place {
        let source = Source::Constant(self.constants.len() as u32);
        self.constants.push(value.shared_data());
        self.in_memory(Operand { source, layout: Layout::contiguous(value.shape()), lanes: Lanes::NONE }, 0)
    }

    fn apply(&mut self, id: NodeId, op: &'static Row, args: &[NodeId], attributes: &Attributes) -> Place {
        match &op.rule {
            Rule::Scalar { .. } => self.scalar(id, op, args),
            Rule::View { layout, .. } => {
                let (operand, ready) = self.operand(args[0]);
                let layout = layout(&operand.layout, self.graph.shape(id), attributes);
                self.in_memory(Operand { layout, ..operand }, ready)
            }
            Rule::Primitive { primitive, .. } => self.primitive(id, *primitive, args, attributes),
            Rule::Several { does: Does::Kernel(kernel), .. } => match kernel {
                Several::Scan => self.scan(id, args, attributes),
                Several::Map => self.over(id, args, attributes),
                Several::Dense(routine) => self.dense_several(id, *routine, args, attributes),
            },
            Rule::Item => match self.place(args[0]) {
                Place::Several(number) => self.several[number as usize][attributes.int("index").unwrap_or_default() as usize],
                _ => unreachable!("an item is of several results"),
            },
            Rule::Several { .. } | Rule::Composite { .. } | Rule::Resolved => unreachable!("{op:?} is expanded before lowering"),
        }
    }

    fn primitive(&mut self, id: NodeId, primitive: Primitive, args: &[NodeId], attributes: &Attributes) -> Place {
        let result = self.graph.shape(id).clone();
        let lanes = self.joined(args);
        let whole = Layout::contiguous(&result);
        match primitive {
            Primitive::Reshape => {
                let (operand, ready) = self.operand(args[0]);
                let (operand, ready) = self.contiguous(operand, ready, lanes);
                self.in_memory(Operand { layout: Layout { offset: operand.layout.offset, ..whole }, ..operand }, ready)
            }
            Primitive::Concat if lines::is_packed(self.graph, args) => self.packing(args, result, lanes),
            Primitive::Concat => {
                let to = self.buffer(result.elements(), lanes);
                let axis = shape::axis_of(attributes);
                let (mut offset, mut level) = (0, 0);
                for &arg in args {
                    let (from, ready) = self.operand(arg);
                    let mut layout = Layout { offset, axes: whole.axes.clone() };
                    layout.axes[axis].0 = from.layout.axes[axis].0;
                    offset += from.layout.axes[axis].0 * whole.axes[axis].1 as usize;
                    level = level.max(ready);
                    self.emit(Work::Copy { from, layout }, to, lanes, ready);
                }
                self.stored(to, result, lanes, level)
            }
            Primitive::Embed => {
                let (from, ready) = self.operand(args[0]);
                let layout = shape::embedded(attributes, self.graph.shape(args[0]), &result);
                let elements = layout.elements();
                if elements > 0 && (elements == 1 || layout.merged().axes[..] == [(elements, 1)]) {
                    // whoever reads it elementwise needs no copy
                    let inside = Some(layout.offset..layout.offset + elements);
                    self.stored.push(Stored { operand: from, ready, inside });
                    return Place::Stored(self.stored.len() as u32 - 1);
                }
                self.embed(from, layout, &result, ready)
            }
            Primitive::Take => {
                let from = self.graph.shape(args[0]).clone();
                let (operand, ready) = self.operand(args[0]);
                let (operand, ready) = self.contiguous(operand, ready, lanes);
                let to = self.buffer(result.elements(), lanes);
                let table = table(&from, attributes);
                self.emit(Work::Take { from: operand, table }, to, lanes, ready);
                self.stored(to, result, lanes, ready)
            }
            Primitive::ScatterAdd => {
                let (base, base_ready) = self.operand(args[0]);
                let (updates, ready) = self.operand(args[1]);
                let (updates, ready) = self.contiguous(updates, ready, lanes);
                let to = self.buffer(result.elements(), lanes);
                let level = ready.max(base_ready);
                self.emit(Work::Copy { from: base, layout: whole }, to, lanes, base_ready);
                self.emit(Work::ScatterAdd { from: updates, table: table(&result, attributes) }, to, lanes, level);
                self.stored(to, result, lanes, level)
            }
            Primitive::Reduce(fold) => {
                let (operand, ready) = self.operand(args[0]);
                let reduced: Vec<usize> = attributes.ints("axis").unwrap_or_default().iter().map(|&axis| axis as usize).collect();
                let part = |keep: bool| {
                    let axes = operand.layout.axes.iter().enumerate();
                    axes.filter(|(i, _)| reduced.contains(i) != keep).map(|(_, &axis)| axis).collect::<Vec<_>>()
                };
                let (outer, inner) = (part(true), part(false));
                let arranged = Layout { offset: operand.layout.offset, axes: [outer.clone(), inner.clone()].concat() };
                let inner = Layout { offset: 0, axes: inner };
                let (count, merged) = (inner.elements(), inner.merged());
                let to = self.buffer(result.elements(), lanes);
                let from = Operand { layout: arranged, ..operand };
                let (from, stride, ready) = match *merged.axes {
                    [] => (from, 0, ready),
                    [(_, stride)] => (from, stride, ready),
                    _ => {
                        let (from, ready) = self.contiguous(from, ready, lanes);
                        (from, 1, ready)
                    }
                };
                let from =
                    Operand { layout: Layout { offset: from.layout.offset, axes: from.layout.axes[..outer.len()].to_vec() }, ..from };
                self.emit(Work::Reduce { from, inner: count, stride, fold }, to, lanes, ready);
                self.stored(to, result, lanes, ready)
            }
            Primitive::Matmul => self.matmul(args, result, lanes, attributes.flag("chain")),
            Primitive::Scan(scan) => self.running(scan, args, attributes, result),
            Primitive::Sort(how) => self.sorting(how, args, attributes, result),
            Primitive::Interpolate { slope } => self.interpolating(slope, args, attributes, result),
            Primitive::Convolve => self.convolving(args, attributes, result),
            Primitive::Dense(routine) => self.dense_primitive(routine, args, attributes, result),
        }
    }

    /// An operand at those positions of a new buffer of zeros.
    fn embed(&mut self, from: Operand, layout: Layout, result: &Shape, ready: u32) -> Place {
        let lanes = from.lanes;
        let to = self.buffer(result.elements(), lanes);
        self.emit(Work::Zero, to, lanes, ready);
        self.emit(Work::Copy { from, layout }, to, lanes, ready);
        self.stored(to, result.clone(), lanes, ready)
    }

    fn matmul(&mut self, args: &[NodeId], result: Shape, lanes: Lanes, chain: bool) -> Place {
        let shapes = (self.graph.shape(args[0]), self.graph.shape(args[1]));
        let Some(operands) = product::Operands::of(shapes.0, shapes.1) else {
            unreachable!("the shape rule admitted {} and {}", shapes.0, shapes.1)
        };
        let mut level = 0;
        let mut side = |lowering: &mut Self, arg: NodeId, matrix: &Shape, vector_axis: usize| {
            let (operand, ready) = lowering.operand(arg);
            // lanes are all of the result's or none
            let (mut operand, ready) = if operand.lanes.data() == lanes.data() || operand.lanes.data() == Lanes::NONE {
                (operand, ready)
            } else {
                lowering.contiguous(operand, ready, lanes)
            };
            level = level.max(ready);
            if operand.layout.axes.len() == 1 {
                operand.layout.axes.insert(vector_axis, (1, 0));
            }
            let batch = operands.full.rank() - 2;
            let own = matrix.rank() - 2;
            let to = Shape::new([&operands.full.sizes()[..batch], &matrix.sizes()[own..]].concat());
            Operand { layout: operand.layout.broadcast(&to), ..operand }
        };
        let left = side(self, args[0], &operands.left, 0);
        let right = side(self, args[1], &operands.right, 1);
        let to = self.buffer(result.elements(), lanes);
        let sizes = operands.full.sizes();
        let (rows, columns) = (sizes[sizes.len() - 2], sizes[sizes.len() - 1]);
        let inner = operands.left.sizes()[operands.left.rank() - 1];
        self.emit(Work::Matmul(Matmul { left, right, rows, inner, columns, chain }), to, lanes, level);
        self.stored(to, result, lanes, level)
    }

    /// The lanes of several nodes together.
    fn joined(&self, ids: &[NodeId]) -> Lanes {
        ids.iter().fold(Lanes::NONE, |lanes, &id| lanes.union(self.lanes(id)))
    }

    fn lanes(&self, id: NodeId) -> Lanes {
        match self.place(id) {
            Place::Stored(number) => self.stored[number as usize].operand.lanes,
            Place::Fused(number) => self.groups[self.member(number).0 as usize].lanes,
            Place::Absent | Place::Several(_) => Lanes::NONE,
        }
    }

    fn place(&self, id: NodeId) -> Place {
        self.places[id.index()].place()
    }

    /// The group of a fused node and its position in there.
    fn member(&self, number: u32) -> (u32, u32) {
        // of one group nothing need be looked up
        if self.groups.len() == 1 { (0, number) } else { self.fused[number as usize] }
    }

    fn in_memory(&mut self, operand: Operand, ready: u32) -> Place {
        self.stored.push(Stored { operand, ready, inside: None });
        Place::Stored(self.stored.len() as u32 - 1)
    }

    fn several(&mut self, results: Vec<Place>) -> Place {
        self.several.push(results);
        Place::Several(self.several.len() as u32 - 1)
    }

    /// The node in memory, and the lowest level that may read it.
    fn operand(&mut self, id: NodeId) -> (Operand, u32) {
        match self.place(id) {
            Place::Stored(number) => {
                let Stored { operand, ready, inside } = &self.stored[number as usize];
                let (operand, ready) = (operand.clone(), *ready);
                let Some(inside) = inside else { return (operand, ready) };
                let axes = operand.layout.axes.iter().map(|&(size, _)| size).collect::<Vec<_>>();
                let layout = Layout { offset: inside.start, ..Layout::contiguous(&Shape::new(axes)) };
                let shape = self.graph.shape(id).clone();
                self.places[id.index()] = Packed::of(self.embed(operand, layout, &shape, ready));
                self.operand(id)
            }
            Place::Fused(number) => {
                let (group, step) = self.member(number);
                let Group { elements, lanes, level, ref layout, ref members, .. } = self.groups[group as usize];
                let layout = layout.clone();
                let mut buffer = members[step as usize].buffer;
                if buffer == NOWHERE {
                    buffer = self.buffer(elements, lanes);
                    self.groups[group as usize].members[step as usize].buffer = buffer;
                }
                (Operand { source: Source::Buffer(buffer), layout, lanes }, level + 1)
            }
            Place::Absent | Place::Several(_) => unreachable!("arguments are placed before their users"),
        }
    }

    /// The operand without gaps and with all of `lanes`, copied where it is not.
    fn contiguous(&mut self, operand: Operand, ready: u32, lanes: Lanes) -> (Operand, u32) {
        if operand.lanes.data() == lanes.data() && operand.layout.is_contiguous() {
            return (operand, ready);
        }
        let shape = Shape::new(operand.layout.axes.iter().map(|&(size, _)| size).collect::<Vec<_>>());
        let layout = Layout::contiguous(&shape);
        let to = self.buffer(shape.elements(), lanes);
        self.emit(Work::Copy { from: operand, layout: layout.clone() }, to, lanes, ready);
        (Operand { source: Source::Buffer(to), layout, lanes }, ready + 1)
    }

    fn buffer(&mut self, elements: usize, lanes: Lanes) -> u32 {
        self.buffers.push(Buffer { elements, lanes, slot: 0 });
        self.buffers.len() as u32 - 1
    }

    fn emit(&mut self, work: Work, to: u32, lanes: Lanes, level: u32) {
        self.kernels.push(Kernel { work, to, lanes, level });
    }

    fn stored(&mut self, buffer: u32, shape: Shape, lanes: Lanes, level: u32) -> Place {
        let operand = Operand { source: Source::Buffer(buffer), layout: Layout::contiguous(&shape), lanes };
        self.in_memory(operand, level + 1)
    }

    fn finish(self, outputs: Vec<Operand>) -> Lowered {
        let mut kernels = self.kernels;
        for group in self.groups {
            let map = fuse(&group, &self.constants);
            kernels.push(Kernel { to: 0, lanes: group.lanes, level: group.level, work: Work::Map(map) });
        }
        // stable: kernels that fill one buffer on one level stay in the order in which they were made
        kernels.sort_by_key(|kernel| (kernel.lanes.stage(), kernel.level));
        Lowered { kernels, buffers: self.buffers, constants: self.constants, inputs: self.inputs, outputs }
    }
}

/// The table of a canonical `take` or `scatter_add` along an axis of `of`.
pub(super) fn table(of: &Shape, attributes: &Attributes) -> Table {
    let axis = shape::axis_of(attributes);
    let sizes = of.sizes();
    let indices = attributes.indices("indices").map(|(_, values)| values.clone()).unwrap_or_default();
    Table { outer: sizes[..axis].iter().product(), axis: sizes[axis], inner: sizes[axis + 1..].iter().product(), indices }
}

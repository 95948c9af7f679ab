//! From a graph to kernels: what is elementwise is fused, what is a view costs nothing, the rest is a kernel each.
//!
//! A node's *level* is the number of kernels that must have run before its own; elementwise nodes of one shape, one set of lanes and
//! one level make one Map. That a fused group never waits for itself follows: an edge inside it stays on its level, every other
//! edge climbs.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;

use super::super::exec::native::Native;
use super::super::graph::{Graph, Kind, NodeId};
use super::super::op::{Attributes, Does, Primitive, Row, Rule, Several, product, shape};
use super::super::{Shape, Tensor};
use super::kernel::{Buffer, Kernel, Lanes, Load, Map, Matmul, Operand, Source, Step, Table, Work};
use super::layout::Layout;

mod bodies;
mod dense;
mod lines;

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
        places: vec![Place::Absent; graph.len()],
        groups: Vec::new(),
        group_of: HashMap::new(),
        kernels: Vec::new(),
        buffers: Vec::new(),
        constants: Vec::new(),
        inputs: vec![None; varies.len()],
        live: Vec::new(),
        items: HashMap::new(),
        eliminated: HashMap::new(),
    };
    for id in graph.ids() {
        if let Kind::Apply { op, args, .. } = graph.kind(id)
            && matches!(op.rule, Rule::Item)
        {
            lowering.items.entry(args[0]).or_insert_with(Vec::new).push(id);
        }
    }
    let mut live = vec![false; graph.len()];
    for id in outputs {
        live[id.index()] = true;
    }
    for id in graph.ids().rev() {
        if live[id.index()]
            && let Kind::Apply { args, .. } = graph.kind(id)
        {
            args.iter().for_each(|arg| live[arg.index()] = true);
        }
    }
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
        lowering.places[id.index()] = place;
    }
    let outputs = outputs.iter().map(|&id| lowering.operand(id).0).collect();
    lowering.finish(outputs)
}

/// How a node's value is had.
#[derive(Debug, Clone)]
enum Place {
    Absent,
    /// In memory, readable by kernels of level `ready` and above.
    Stored {
        operand: Operand,
        ready: u32,
    },
    /// Computed inside a fused group; in memory only once somebody else needs it.
    Fused {
        group: u32,
        step: u32,
    },
    /// In memory, with zeros around it that are not: its elements are those of the node in `inside`, in row-major order.
    Padded {
        operand: Operand,
        inside: Range<usize>,
        ready: u32,
    },
    /// Several results, each in memory; absent where nobody picks one.
    Several(Arc<[Place]>),
}

/// A fused group while it grows.
struct Group {
    /// The number of its shape in the graph.
    shape: u32,
    elements: usize,
    /// The axes of its shape as its domain has them, outermost first, and where a result's elements lie then.
    order: Vec<usize>,
    layout: Layout,
    lanes: Lanes,
    level: u32,
    members: Vec<Member>,
}

/// One elementwise application inside a group.
struct Member {
    op: &'static Row,
    args: Vec<Argument>,
    buffer: Option<u32>,
}

enum Argument {
    Member(u32),
    /// With the elements that it is, where it is not all.
    Operand(Operand, Option<Range<usize>>),
}

struct Lowering<'a> {
    graph: &'a Graph,
    places: Vec<Place>,
    groups: Vec<Group>,
    group_of: HashMap<(u32, Lanes, u32), u32>,
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
        Place::Stored { operand: Operand { source, layout: Layout::contiguous(shape), lanes }, ready: 0 }
    }

    fn constant(&mut self, value: &Tensor) -> Place {
        let source = Source::Constant(self.constants.len() as u32);
        self.constants.push(value.shared_data());
        Place::Stored { operand: Operand { source, layout: Layout::contiguous(value.shape()), lanes: Lanes::NONE }, ready: 0 }
    }

    fn apply(&mut self, id: NodeId, op: &'static Row, args: &[NodeId], attributes: &Attributes) -> Place {
        match &op.rule {
            Rule::Scalar { .. } => self.scalar(id, op, args),
            Rule::View { layout, .. } => {
                let (operand, ready) = self.operand(args[0]);
                let layout = layout(&operand.layout, self.graph.shape(id), attributes);
                Place::Stored { operand: Operand { layout, ..operand }, ready }
            }
            Rule::Primitive { primitive, .. } => self.primitive(id, *primitive, args, attributes),
            Rule::Several { does: Does::Kernel(kernel), .. } => match kernel {
                Several::Scan => self.scan(id, args, attributes),
                Several::Map => self.over(id, args, attributes),
                Several::Dense(routine) => self.dense_several(id, *routine, args, attributes),
            },
            Rule::Item => match &self.places[args[0].index()] {
                Place::Several(places) => places[attributes.int("index").unwrap_or_default() as usize].clone(),
                _ => unreachable!("an item is of several results"),
            },
            Rule::Several { .. } | Rule::Composite { .. } | Rule::Resolved => unreachable!("{op:?} is expanded before lowering"),
        }
    }

    /// Joins the group of its shape, lanes and level.
    fn scalar(&mut self, id: NodeId, op: &'static Row, args: &[NodeId]) -> Place {
        let shape = self.graph.shape_number(id);
        let lanes = self.joined(args);
        let fits = |group: &Group| group.lanes == lanes && group.shape == shape;
        let mut level = 0;
        for &arg in args {
            level = level.max(match &self.places[arg.index()] {
                Place::Fused { group, .. } => {
                    let group = &self.groups[*group as usize];
                    if fits(group) { group.level } else { group.level + 1 }
                }
                Place::Stored { ready, .. } | Place::Padded { ready, .. } => *ready,
                Place::Absent | Place::Several(_) => 0,
            });
        }
        let next = self.groups.len() as u32;
        let group = *self.group_of.entry((shape, lanes, level)).or_insert(next);
        if group == next {
            let own = self.graph.shape(id);
            let order = self.order(args, own);
            let layout = laid_out(own, &order);
            self.groups.push(Group { shape, elements: own.elements(), order, layout, lanes, level, members: Vec::new() });
        }
        let row_major = self.groups[group as usize].order.is_sorted();
        let args = args
            .iter()
            .map(|&arg| match &self.places[arg.index()] {
                Place::Fused { group: own, step } if *own == group => Argument::Member(*step),
                Place::Padded { operand, inside, .. } if row_major && self.graph.shape_number(arg) == shape => {
                    Argument::Operand(operand.clone(), Some(inside.clone()))
                }
                _ => {
                    let (operand, _) = self.operand(arg);
                    Argument::Operand(Operand { layout: operand.layout.broadcast(self.graph.shape(id)), ..operand }, None)
                }
            })
            .collect();
        let members = &mut self.groups[group as usize].members;
        members.push(Member { op, args, buffer: None });
        Place::Fused { group, step: members.len() as u32 - 1 }
    }

    /// The order of axes in which all operands of that shape lie, so that reading them is streaming; row-major where they differ.
    fn order(&self, args: &[NodeId], shape: &Shape) -> Vec<usize> {
        let row_major: Vec<usize> = (0..shape.rank()).collect();
        let varying: Vec<usize> = row_major.iter().copied().filter(|&axis| shape.sizes()[axis] > 1).collect();
        if varying.len() < 2 {
            return row_major;
        }
        let mut found: Option<Vec<usize>> = None;
        for &arg in args {
            let layout = match &self.places[arg.index()] {
                Place::Stored { operand, .. } => &operand.layout,
                Place::Fused { group, .. } => &self.groups[*group as usize].layout,
                Place::Padded { .. } | Place::Absent | Place::Several(_) => continue,
            };
            if self.graph.shape(arg) != shape {
                continue;
            }
            if varying.iter().any(|&axis| layout.axes[axis].1 <= 0) {
                continue;
            }
            let mut own = varying.clone();
            own.sort_by_key(|&axis| std::cmp::Reverse(layout.axes[axis].1));
            match &found {
                None => found = Some(own),
                Some(order) if *order == own => {}
                Some(_) => return row_major,
            }
        }
        let Some(found) = found else { return row_major };
        let mut order: Vec<usize> = row_major.iter().copied().filter(|axis| !varying.contains(axis)).collect();
        order.extend(found);
        order
    }

    fn primitive(&mut self, id: NodeId, primitive: Primitive, args: &[NodeId], attributes: &Attributes) -> Place {
        let result = self.graph.shape(id).clone();
        let lanes = self.joined(args);
        let whole = Layout::contiguous(&result);
        match primitive {
            Primitive::Reshape => {
                let (operand, ready) = self.operand(args[0]);
                let (operand, ready) = self.contiguous(operand, ready, lanes);
                Place::Stored { operand: Operand { layout: Layout { offset: operand.layout.offset, ..whole }, ..operand }, ready }
            }
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
                    return Place::Padded { operand: from, inside: layout.offset..layout.offset + elements, ready };
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
        match &self.places[id.index()] {
            Place::Stored { operand, .. } | Place::Padded { operand, .. } => operand.lanes,
            Place::Fused { group, .. } => self.groups[*group as usize].lanes,
            Place::Absent | Place::Several(_) => Lanes::NONE,
        }
    }

    /// The node in memory, and the lowest level that may read it.
    fn operand(&mut self, id: NodeId) -> (Operand, u32) {
        match self.places[id.index()].clone() {
            Place::Stored { operand, ready } => (operand, ready),
            Place::Padded { operand, inside, ready } => {
                let shape = self.graph.shape(id).clone();
                let axes = operand.layout.axes.iter().map(|&(size, _)| size).collect::<Vec<_>>();
                let layout = Layout { offset: inside.start, ..Layout::contiguous(&Shape::new(axes)) };
                self.places[id.index()] = self.embed(operand, layout, &shape, ready);
                self.operand(id)
            }
            Place::Fused { group, step } => {
                let Group { elements, lanes, level, ref layout, .. } = self.groups[group as usize];
                let layout = layout.clone();
                let buffer = match self.groups[group as usize].members[step as usize].buffer {
                    Some(buffer) => buffer,
                    None => self.buffer(elements, lanes),
                };
                let member = &mut self.groups[group as usize].members[step as usize];
                member.buffer = Some(buffer);
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

    fn stored(&self, buffer: u32, shape: Shape, lanes: Lanes, level: u32) -> Place {
        let operand = Operand { source: Source::Buffer(buffer), layout: Layout::contiguous(&shape), lanes };
        Place::Stored { operand, ready: level + 1 }
    }

    fn finish(self, outputs: Vec<Operand>) -> Lowered {
        let mut kernels = self.kernels;
        for group in self.groups {
            let map = fuse(&group);
            kernels.push(Kernel { to: 0, lanes: group.lanes, level: group.level, work: Work::Map(map) });
        }
        // stable: kernels that fill one buffer on one level stay in the order in which they were made
        kernels.sort_by_key(|kernel| (kernel.lanes.stage(), kernel.level));
        Lowered { kernels, buffers: self.buffers, constants: self.constants, inputs: self.inputs, outputs }
    }
}

/// Where the elements of a shape lie when its axes are stored in that order, outermost first.
fn laid_out(shape: &Shape, order: &[usize]) -> Layout {
    let mut axes: Vec<(usize, isize)> = shape.sizes().iter().map(|&size| (size, 0)).collect();
    let mut stride = 1;
    for &axis in order.iter().rev() {
        axes[axis].1 = stride;
        stride *= axes[axis].0 as isize;
    }
    Layout { offset: 0, axes }
}

/// The table of a canonical `take` or `scatter_add` along an axis of `of`.
fn table(of: &Shape, attributes: &Attributes) -> Table {
    let axis = shape::axis_of(attributes);
    let sizes = of.sizes();
    let indices = attributes.indices("indices").map(|(_, values)| values.clone()).unwrap_or_default();
    Table { outer: sizes[..axis].iter().product(), axis: sizes[axis], inner: sizes[axis + 1..].iter().product(), indices }
}

/// A group as an instruction list over slots; a slot is taken again once its last reader has run.
fn fuse(group: &Group) -> Map {
    let mut last = vec![0usize; group.members.len()];
    for (i, member) in group.members.iter().enumerate() {
        last[i] = last[i].max(i);
        for arg in &member.args {
            if let Argument::Member(j) = arg {
                last[*j as usize] = i;
            }
        }
    }
    let mut map = Map {
        elements: group.elements,
        lanes: group.lanes,
        loads: Vec::new(),
        steps: Vec::with_capacity(group.members.len()),
        functions: Vec::new(),
        many: Vec::new(),
        stores: Vec::new(),
        slots: 0,
        flops: 0.0,
        native: Native::default(),
    };
    let mut loaded: HashMap<(Source, Layout, Option<Range<usize>>), u32> = HashMap::new();
    let mut free: Vec<u32> = Vec::new();
    let mut slot_of = vec![0u32; group.members.len()];
    let mut slots = 0u32;
    let mut numbers: HashMap<*const Row, u16> = HashMap::new();
    for (i, member) in group.members.iter().enumerate() {
        let from: Vec<u32> = member
            .args
            .iter()
            .map(|arg| match arg {
                Argument::Member(j) => slot_of[*j as usize],
                Argument::Operand(operand, inside) => {
                    *loaded.entry((operand.source, operand.layout.clone(), inside.clone())).or_insert_with(|| {
                        let layout = match inside {
                            None => operand.layout.permuted(&group.order).merged(),
                            Some(_) => operand.layout.merged(),
                        };
                        let operand = Operand { layout, ..operand.clone() };
                        map.loads.push(Load { operand, slot: slots, inside: inside.clone() });
                        slots += 1;
                        slots - 1
                    })
                }
            })
            .collect();
        let mut take = |new: bool| {
            free.pop_if(|_| !new).unwrap_or_else(|| {
                slots += 1;
                slots - 1
            })
        };
        // what is stored has a slot of its own: its memory
        let to = take(member.buffer.is_some());
        let Rule::Scalar { function, .. } = &member.op.rule else { continue };
        let number = *numbers.entry(std::ptr::from_ref(member.op)).or_insert_with(|| {
            map.functions.push(*function);
            map.functions.len() as u16 - 1
        });
        let mut step = |to: u32, from: [u32; 2]| map.steps.push(Step { code: member.op.opcode, function: number, to, from });
        match *from {
            _ if member.op.opcode.has_row() => {
                step(to, [map.many.len() as u32; 2]);
                // arguments that the function does not have are read from anywhere
                map.many.push(std::array::from_fn(|i| from.get(i).copied().unwrap_or(to)));
            }
            [a] => step(to, [a, a]),
            [a, b] => step(to, [a, b]),
            // a choice among many is a chain of choices between two; with one argument it is that argument twice
            [a, b, ref rest @ ..] => {
                step(to, [a, b]);
                let other = take(false);
                let (mut have, mut next) = (to, other);
                for &arg in rest {
                    step(next, [have, arg]);
                    (have, next) = (next, have);
                }
                if have != to {
                    step(to, [have, have]);
                }
                free.push(other);
            }
            [] => {}
        }
        let times = if member.op.arity.most.is_some() { 1 } else { from.len().saturating_sub(1).max(1) };
        map.flops += f64::from(member.op.flops) * times as f64;
        slot_of[i] = to;
        if let Some(buffer) = member.buffer {
            map.stores.push((to, buffer));
        }
        for arg in &member.args {
            if let Argument::Member(j) = *arg
                && last[j as usize] == i
                && group.members[j as usize].buffer.is_none()
            {
                free.push(slot_of[j as usize]);
                last[j as usize] = usize::MAX;
            }
        }
    }
    map.slots = slots as usize;
    map
}

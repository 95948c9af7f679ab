//! Fused groups: elementwise applications of one shape, one set of lanes and one level, and the Map that each becomes.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::super::super::Shape;
use super::super::super::exec::native::Native;
use super::super::kernel::{Lanes, Load, Map, Operand, Source, Step};
use super::super::layout::Layout;
use super::twins::paired;
use super::{Lowering, NodeId, Place, Row, Rule, Stored};
use crate::engine::exec::elementwise::{Isa, WIDEST};
use crate::engine::exec::opcode::Opcode;
use crate::engine::op::Twin;

/// A fused group while it grows.
pub(super) struct Group {
    /// The number of its shape in the graph.
    pub(super) shape: u32,
    pub(super) elements: usize,
    /// The axes of its shape as its domain has them, outermost first, and where a result's elements lie then.
    order: Vec<usize>,
    pub(super) layout: Layout,
    pub(super) lanes: Lanes,
    pub(super) level: u32,
    pub(super) members: Vec<Member>,
    /// The members' arguments, one member's after another's.
    pub(super) args: Vec<PackedArgument>,
    /// What is read from memory, each once.
    loads: Vec<Read>,
    /// Which of [`Group::loads`] a node is.
    loaded: HashMap<NodeId, u32>,
    /// Which of them is read from there: different nodes may be views of the same elements.
    loaded_from: HashMap<(Source, Layout, Option<Range<usize>>), u32>,
}

impl Group {
    /// Whether it is computed over one number, at any number of points and seeds.
    pub(super) fn is_one_number(&self) -> bool {
        self.elements == 1 && self.lanes.data() == Lanes::NONE
    }

    /// What a member reads.
    pub(super) fn args(&self, member: usize) -> &[PackedArgument] {
        let begin = member.checked_sub(1).map_or(0, |before| self.members[before].args_end);
        &self.args[begin as usize..self.members[member].args_end as usize]
    }
}

/// Room for one more in a list that grows to `most` more at the most: once it is long by large steps, since each moves all that is there, and
/// memory that is not reached costs nothing.
fn make_room<T>(list: &mut Vec<T>, most: usize) {
    const LONG: usize = 1024;
    if list.len() == list.capacity() && list.len() >= LONG {
        list.reserve_exact(most.clamp(1, 7 * list.len()));
    }
}

/// What a group reads from memory; with the elements of its domain that it is, where it is not all.
struct Read {
    operand: Operand,
    inside: Option<Range<usize>>,
}

/// One elementwise application inside a group.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) op: &'static Row,
    /// Where its arguments end.
    pub(super) args_end: u32,
    /// The buffer that it is written to, or [`NOWHERE`].
    pub(super) buffer: u32,
}

pub(super) const NOWHERE: u32 = u32::MAX;

/// What a member reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    Member(u32),
    Load(u32),
}

/// An [`Argument`] in four bytes: of a large graph there are as many as its edges.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PackedArgument(u32);

impl PackedArgument {
    const KINDS: u32 = 2;

    fn of(argument: Argument) -> PackedArgument {
        PackedArgument(match argument {
            Argument::Member(number) => number * PackedArgument::KINDS,
            Argument::Load(number) => number * PackedArgument::KINDS + 1,
        })
    }

    pub(super) fn argument(self) -> Argument {
        let number = self.0 / PackedArgument::KINDS;
        match self.0 % PackedArgument::KINDS {
            0 => Argument::Member(number),
            _ => Argument::Load(number),
        }
    }
}

impl Lowering<'_> {
    /// Joins the group of its shape, lanes and level; of nothing but constants that are one number each it is one.
    pub(super) fn scalar(&mut self, id: NodeId, op: &'static Row, args: &[NodeId]) -> Place {
        if let Some(value) = self.folded(op, args) {
            let axes = self.graph.shape(id).sizes().iter().map(|&size| (size, 0)).collect();
            let source = Source::Constant(self.constants.len() as u32);
            self.constants.push(Arc::new(vec![value]));
            return self.in_memory(Operand { source, layout: Layout { offset: 0, axes }, lanes: Lanes::NONE }, 0);
        }
        let shape = self.graph.shape_number(id);
        let lanes = self.joined(args);
        let fits = |group: &Group| group.lanes == lanes && group.shape == shape;
        let mut level = 0;
        for &arg in args {
            level = level.max(match self.place(arg) {
                Place::Fused(number) => {
                    let group = &self.groups[self.member(number).0 as usize];
                    if fits(group) { group.level } else { group.level + 1 }
                }
                Place::Stored(number) => self.stored[number as usize].ready,
                Place::Absent | Place::Several(_) => 0,
            });
        }
        let group = self.group((shape, lanes, level), id, args);
        // nodes that are still to come
        let most = self.graph.len() - id.index();
        for &arg in args {
            let member = if let Place::Fused(number) = self.place(arg) { Some(self.member(number)) } else { None };
            let argument = match member {
                Some((own, step)) if own == group => Argument::Member(step),
                _ => Argument::Load(self.load(group, arg, id)),
            };
            let list = &mut self.groups[group as usize].args;
            make_room(list, 2 * most);
            list.push(PackedArgument::of(argument));
        }
        let Group { members, args, .. } = &mut self.groups[group as usize];
        make_room(members, most);
        members.push(Member { op, args_end: args.len() as u32, buffer: NOWHERE });
        self.fused.push((group, members.len() as u32 - 1));
        Place::Fused(self.fused.len() as u32 - 1)
    }

    /// The value for all elements, if every argument is one constant for all of them.
    fn folded(&self, op: &Row, args: &[NodeId]) -> Option<f64> {
        let Rule::Scalar { function, .. } = op.rule else { return None };
        if args.len() != function.arity() {
            return None;
        }
        let mut values = [f64::NAN; WIDEST];
        for (value, &arg) in values.iter_mut().zip(args) {
            let Place::Stored(number) = self.place(arg) else { return None };
            let Stored { operand, inside: None, .. } = &self.stored[number as usize] else { return None };
            *value = one_constant(operand, &self.constants)?;
        }
        Some(function.one(Isa::Portable, values))
    }

    /// The group of that shape, those lanes and that level, in which `like` is, of those arguments.
    fn group(&mut self, key: (u32, Lanes, u32), like: NodeId, of: &[NodeId]) -> u32 {
        if let Some((last, group)) = self.last_group
            && last == key
        {
            return group;
        }
        let next = self.groups.len() as u32;
        let group = *self.group_of.entry(key).or_insert(next);
        if group == next {
            let (shape, lanes, level) = key;
            let own = self.graph.shape(like);
            let (elements, order) = (own.elements(), self.order(of, own));
            let layout = laid_out(own, &order);
            let (members, args, loads) = (Vec::new(), Vec::new(), Vec::new());
            let (loaded, loaded_from) = (HashMap::new(), HashMap::new());
            self.groups.push(Group { shape, elements, order, layout, lanes, level, members, args, loads, loaded, loaded_from });
        }
        self.last_group = Some((key, group));
        group
    }

    /// A node in memory as an operand of a group that computes what has the shape of `like`.
    fn load(&mut self, group: u32, arg: NodeId, like: NodeId) -> u32 {
        if let Some(&load) = self.groups[group as usize].loaded.get(&arg) {
            return load;
        }
        let read = self.read(group, arg, like);
        let Group { loads, loaded, loaded_from, .. } = &mut self.groups[group as usize];
        let key = (read.operand.source, read.operand.layout.clone(), read.inside.clone());
        let load = *loaded_from.entry(key).or_insert_with(|| {
            loads.push(read);
            loads.len() as u32 - 1
        });
        loaded.insert(arg, load);
        load
    }

    /// Where a group reads a node that is in memory.
    fn read(&mut self, group: u32, arg: NodeId, like: NodeId) -> Read {
        let Group { shape, ref order, .. } = self.groups[group as usize];
        if let Place::Stored(number) = self.place(arg)
            && let Stored { operand, inside: Some(inside), .. } = &self.stored[number as usize]
            && order.is_sorted()
            && self.graph.shape_number(arg) == shape
        {
            return Read { operand: operand.clone(), inside: Some(inside.clone()) };
        }
        let (operand, _) = self.operand(arg);
        Read { operand: Operand { layout: operand.layout.broadcast(self.graph.shape(like)), ..operand }, inside: None }
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
            let layout = match self.place(arg) {
                Place::Stored(number) => match &self.stored[number as usize] {
                    Stored { operand, inside: None, .. } => &operand.layout,
                    _ => continue,
                },
                Place::Fused(number) => &self.groups[self.member(number).0 as usize].layout,
                Place::Absent | Place::Several(_) => continue,
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

/// A group as an instruction list over slots; a slot is taken again once its last reader has run. `constants` are those of the program.
pub(super) fn fuse(group: &Group, constants: &[Arc<Vec<f64>>]) -> Map {
    let paired = paired(group);
    let mut twins = paired.as_ref().map_or(&[][..], |paired| &paired.twins).iter().copied().peekable();
    // which member is the i-th
    let at = |i: u32| paired.as_ref().map_or(i, |paired| paired.order[i as usize]) as usize;
    let members = &group.members;
    let count = members.len() as u32;
    let mut lives = vec![Life { last: 0, slot: 0 }; members.len()];
    for i in 0..count {
        for arg in group.args(at(i)) {
            if let Argument::Member(j) = arg.argument() {
                lives[j as usize].last = i;
            }
        }
    }
    let mut map = Map {
        elements: group.elements,
        lanes: group.lanes,
        loads: Vec::with_capacity(group.loads.len()),
        steps: Vec::with_capacity(members.len()),
        twins: Vec::new(),
        functions: Vec::new(),
        many: Vec::new(),
        stores: Vec::new(),
        slots: 0,
        in_memory: 0,
        flops: 0.0,
        native: Native::default(),
    };
    let mut load_slots = vec![NOWHERE; group.loads.len()];
    let mut free: Vec<u32> = Vec::new();
    let mut slots = 0u32;
    let mut numbers: HashMap<*const Row, u16> = HashMap::new();
    let mut from: Vec<u32> = Vec::new();
    let mut read: SmallVec<[PackedArgument; 8]> = SmallVec::new();
    for i in 0..count {
        let (own, args) = (at(i), group.args(at(i)));
        let member = &members[own];
        from.clear();
        for arg in args {
            from.push(match arg.argument() {
                Argument::Member(j) => lives[j as usize].slot,
                Argument::Load(load) => {
                    let slot = &mut load_slots[load as usize];
                    if *slot == NOWHERE {
                        let Read { operand, inside } = &group.loads[load as usize];
                        let layout = match inside {
                            None => operand.layout.permuted(&group.order).merged(),
                            Some(_) => operand.layout.merged(),
                        };
                        map.loads.push(Load { operand: Operand { layout, ..operand.clone() }, slot: slots, inside: inside.clone() });
                        *slot = slots;
                        slots += 1;
                    }
                    *slot
                }
            });
        }
        let mut take = |new: bool| {
            free.pop_if(|_| !new).unwrap_or_else(|| {
                slots += 1;
                slots - 1
            })
        };
        // what is stored has a slot of its own: its memory
        let to = take(member.buffer != NOWHERE);
        let Rule::Scalar { function, .. } = &member.op.rule else { continue };
        let leads = twins.next_if_eq(&i).is_some();
        if leads && let Some(Twin { tile: Some(tile), .. }) = member.op.twin {
            map.twins.push((map.steps.len() as u32, tile));
        }
        let number = *numbers.entry(std::ptr::from_ref(member.op)).or_insert_with(|| {
            map.functions.push(*function);
            map.functions.len() as u16 - 1
        });
        let code = if member.op.opcode == Opcode::Chain && args.iter().any(|arg| is_scale(group, arg.argument(), constants)) {
            Opcode::Scale
        } else {
            member.op.opcode
        };
        let mut step = |to: u32, from: [u32; 2]| map.steps.push(Step { code, function: number, to, from });
        match from[..] {
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
        lives[own].slot = to;
        if member.buffer != NOWHERE {
            map.stores.push((to, member.buffer));
            lives[own].last = FOREVER;
        }
        read.extend_from_slice(args);
        if leads {
            // its twin writes nothing that it reads
            continue;
        }
        for arg in read.drain(..) {
            if let Argument::Member(j) = arg.argument()
                && let life = &mut lives[j as usize]
                && life.last <= i
            {
                free.push(life.slot);
                life.last = FOREVER;
            }
        }
    }
    map.slots = slots as usize;
    map.in_memory = if group.is_one_number() { 0 } else { in_memory(&map) };
    map
}

/// How many slots are read from memory or written to it: what is loaded, unless it is one number, what is stored, and what functions are called
/// with and give.
fn in_memory(map: &Map) -> usize {
    let mut there = vec![false; map.slots];
    map.loads.iter().filter(|load| !load.is_one_number()).for_each(|load| there[load.slot as usize] = true);
    map.stores.iter().for_each(|&(slot, _)| there[slot as usize] = true);
    for step in map.steps.iter().filter(|step| step.code.is_called()) {
        there[step.to as usize] = true;
        let from = if step.code.has_row() { &map.many[step.from[0] as usize][..] } else { &step.from[..] };
        from.iter().for_each(|&slot| there[slot as usize] = true);
    }
    there.into_iter().filter(|&there| there).count()
}

/// Whether an argument is one constant c for all elements with 1 ≤ |c| < ∞: then c·x is 0 where x is, and nowhere else.
fn is_scale(group: &Group, arg: Argument, constants: &[Arc<Vec<f64>>]) -> bool {
    let Argument::Load(load) = arg else { return false };
    let Read { operand, inside: None } = &group.loads[load as usize] else { return false };
    one_constant(operand, constants).is_some_and(|value| (1.0..f64::INFINITY).contains(&value.abs()))
}

/// The constant that all elements of an operand are, if it is one.
fn one_constant(Operand { source, layout, .. }: &Operand, constants: &[Arc<Vec<f64>>]) -> Option<f64> {
    let Source::Constant(constant) = source else { return None };
    let one = layout.axes.iter().all(|&(size, stride)| stride == 0 || size == 1);
    if one { constants[*constant as usize].get(layout.offset).copied() } else { None }
}

/// A member's slot, and where the last of those stands who read it.
#[derive(Debug, Clone, Copy)]
struct Life {
    /// [`FOREVER`] where the slot is not taken again: it is the result's memory, or is free already.
    last: u32,
    slot: u32,
}

const FOREVER: u32 = u32::MAX;

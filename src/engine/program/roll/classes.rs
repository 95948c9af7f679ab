//! Which nodes are lanes of one vector: those of one operator, form and height, in the order in which their operands lie.

use std::ops::Range;

use hashbrown::HashTable;

use super::survey::{One, Survey};
use crate::engine::graph::{Kind, NodeId};
use crate::engine::op::Row;

/// Fewer lanes are not worth a vector.
pub(super) const LEAST: usize = 16;

/// Nodes that become one vector.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) op: &'static Row,
    /// The terms of each lane's chain of additions; 0 where its lanes are single applications.
    pub(super) terms: u32,
    /// Where its lanes are in the list of all.
    lanes: Range<usize>,
    /// Arguments that are one node for all lanes.
    pub(super) shared: Vec<bool>,
}

/// A scalar as part of a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Term {
    /// A lane of a class.
    Lane(u32, u32),
    /// An element of a node that has several.
    Element(NodeId, u32),
    /// A constant, by its bits.
    Number(u64),
    /// Another node of one element.
    Single(NodeId),
}

/// The classes of a graph.
#[derive(Debug, Default)]
pub(super) struct Classes {
    pub(super) list: Vec<Class>,
    lanes: Vec<NodeId>,
    /// The class of each node; empty where there are none.
    of: Vec<u32>,
    /// Which of its lanes a node is.
    at: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Classes {
    pub(super) fn of(survey: &Survey<'_>) -> Classes {
        let candidates = candidates(survey);
        if candidates.len() < LEAST {
            return Classes::default();
        }
        let (mut of, mut list, mut counts) = (vec![NONE; survey.graph.len()], Vec::<Class>::new(), Vec::<usize>::new());
        let mut firsts: Vec<NodeId> = Vec::new();
        let mut known: HashTable<u32> = HashTable::new();
        for &id in &candidates {
            let form = survey.form[id.index()];
            let same = |&class: &u32| alike(survey, firsts[class as usize], id);
            let class = match known.find(form, same) {
                Some(&class) => class,
                None => {
                    let class = firsts.len() as u32;
                    firsts.push(id);
                    counts.push(0);
                    known.insert_unique(form, class, |&class| survey.form[firsts[class as usize].index()]);
                    class
                }
            };
            of[id.index()] = class;
            counts[class as usize] += 1;
        }
        // those that are large enough get new numbers, the lowest first
        let mut kept: Vec<u32> = (0..firsts.len() as u32).filter(|&class| counts[class as usize] >= LEAST).collect();
        kept.sort_by_key(|&class| survey.height[firsts[class as usize].index()]);
        let mut renamed = vec![NONE; firsts.len()];
        let mut begin = 0;
        for class in kept {
            let first = firsts[class as usize];
            let Kind::Apply { op, args, .. } = survey.graph.kind(first) else { continue };
            let end = begin + counts[class as usize];
            renamed[class as usize] = list.len() as u32;
            let terms = if survey.is_chain(first) { survey.length[first.index()] } else { 0 };
            let shared = if terms > 0 { Vec::new() } else { vec![true; args.len()] };
            list.push(Class { op, terms, lanes: begin..end, shared });
            begin = end;
        }
        let mut next: Vec<usize> = list.iter().map(|class| class.lanes.start).collect();
        let (mut lanes, mut at) = (vec![NodeId(0); begin], vec![0; survey.graph.len()]);
        for &id in &candidates {
            let class = renamed[of[id.index()] as usize];
            of[id.index()] = class;
            if class != NONE {
                let class = class as usize;
                lanes[next[class]] = id;
                at[id.index()] = (next[class] - list[class].lanes.start) as u32;
                next[class] += 1;
            }
        }
        Classes { list, lanes, of, at }
    }

    /// The class of a node.
    pub(super) fn class(&self, id: NodeId) -> Option<usize> {
        self.of.get(id.index()).filter(|&&class| class != NONE).map(|&class| class as usize)
    }

    /// Which lane of its class a node is.
    pub(super) fn lane(&self, id: NodeId) -> u32 {
        self.at[id.index()]
    }

    /// The nodes of a class, lane by lane.
    pub(super) fn lanes(&self, class: usize) -> &[NodeId] {
        &self.lanes[self.list[class].lanes.clone()]
    }

    /// A node of one element as part of a vector.
    pub(super) fn term(&self, survey: &Survey<'_>, id: NodeId) -> Term {
        let root = survey.root(id);
        if let Some(class) = self.class(root) {
            return Term::Lane(class as u32, self.lane(root));
        }
        match (survey.one[root.index()], survey.graph.kind(root)) {
            (One::Element(base, at), _) => Term::Element(base, at),
            (_, Kind::Constant(value)) => Term::Number(value.data()[0].to_bits()),
            _ => Term::Single(root),
        }
    }

    /// Puts the lanes of each class in the order in which one of its operands lies, so that the most are read as they lie.
    pub(super) fn arrange(&mut self, survey: &Survey<'_>) {
        // operands first: their classes are lower
        for class in 0..self.list.len() {
            self.share(survey, class);
            let mut orders: Vec<(u8, usize)> = (0..self.list[class].shared.len().max(1))
                .filter(|&k| !self.list[class].shared.get(k).is_some_and(|shared| *shared))
                .map(|k| (self.rank(survey, class, k), k))
                .collect();
            orders.sort_unstable();
            for (_, k) in orders {
                if self.order(survey, class, k) {
                    break;
                }
            }
        }
    }

    /// Finds the arguments that are one node for all lanes.
    fn share(&mut self, survey: &Survey<'_>, class: usize) {
        let mut shared = std::mem::take(&mut self.list[class].shared);
        if let [first, rest @ ..] = self.lanes(class)
            && let Kind::Apply { args: first, .. } = survey.graph.kind(*first)
        {
            for lane in rest {
                if let Kind::Apply { args, .. } = survey.graph.kind(*lane) {
                    shared.iter_mut().zip(args.iter().zip(first)).for_each(|(shared, (arg, first))| *shared &= arg == first);
                }
            }
        }
        self.list[class].shared = shared;
    }

    /// The operand of a lane: an argument, or of a chain its first term.
    fn operand(&self, survey: &Survey<'_>, class: usize, lane: NodeId, k: usize) -> NodeId {
        match survey.graph.kind(lane) {
            Kind::Apply { args, .. } if self.list[class].terms == 0 => args[k],
            _ => survey.first_term(lane),
        }
    }

    /// How good an order an operand would be, judged by the first lane's: the less the better.
    fn rank(&self, survey: &Survey<'_>, class: usize, k: usize) -> u8 {
        let lanes = self.lanes(class);
        match self.place(survey, self.operand(survey, class, lanes[0], k)).0 {
            Kin::Class(of) if self.lanes(of as usize).len() == lanes.len() => 0,
            Kin::Class(_) => 1,
            Kin::Of(_) => 2,
            Kin::Input => 3,
            Kin::Constant => 4,
            Kin::Other => 5,
        }
    }

    /// Where an operand is among its kind.
    fn place(&self, survey: &Survey<'_>, id: NodeId) -> (Kin, u32) {
        match self.term(survey, id) {
            Term::Lane(class, at) => (Kin::Class(class), at),
            Term::Element(base, at) => (Kin::Of(base), at),
            // constants are numbered as they are written
            Term::Number(_) => (Kin::Constant, survey.root(id).0),
            Term::Single(node) => match survey.graph.kind(node) {
                Kind::Input(position) => (Kin::Input, position as u32),
                _ => (Kin::Other, node.0),
            },
        }
    }

    /// Orders the lanes by an operand; `false` where two lanes have the same one, or they have some of different kinds.
    fn order(&mut self, survey: &Survey<'_>, class: usize, k: usize) -> bool {
        let lanes = self.lanes(class);
        let mut keys: Vec<(u32, NodeId)> = Vec::with_capacity(lanes.len());
        let mut alike: Option<Kin> = None;
        for &lane in lanes {
            let (kin, key) = self.place(survey, self.operand(survey, class, lane, k));
            if *alike.get_or_insert(kin) != kin {
                return false;
            }
            keys.push((key, lane));
        }
        if !keys.is_sorted() {
            keys.reverse();
            if !keys.is_sorted() {
                keys.sort_unstable();
            }
        }
        if keys.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return false;
        }
        let range = self.list[class].lanes.clone();
        for (i, ((_, lane), to)) in keys.into_iter().zip(&mut self.lanes[range]).enumerate() {
            *to = lane;
            self.at[lane.index()] = i as u32;
        }
        true
    }

    /// Gives up the classes that are not kept.
    pub(super) fn retain(&mut self, kept: &[bool]) {
        let mut renamed = vec![NONE; self.list.len()];
        let mut next = 0;
        for (class, kept) in kept.iter().enumerate() {
            if *kept {
                renamed[class] = next;
                next += 1;
            }
        }
        for class in self.of.iter_mut().filter(|class| **class != NONE) {
            *class = renamed[*class as usize];
        }
        let mut kept = kept.iter();
        self.list.retain(|_| *kept.next().unwrap_or(&false));
    }
}

/// What kind of operand a lane has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kin {
    Class(u32),
    Of(NodeId),
    Input,
    Constant,
    Other,
}

/// Nodes whose form, or a form that looks the same, is there often enough.
fn candidates(survey: &Survey<'_>) -> Vec<NodeId> {
    let size = (4 * survey.scalars.len()).next_power_of_two().clamp(1 << 10, 1 << 22);
    let place = |id: NodeId| survey.form[id.index()] as usize & (size - 1);
    let mut counts = vec![0u8; size];
    for &id in &survey.scalars {
        let count = &mut counts[place(id)];
        *count = count.saturating_add(1);
    }
    survey.scalars.iter().copied().filter(|&id| usize::from(counts[place(id)]) >= LEAST).collect()
}

/// Whether two nodes may be lanes of one vector: what is exact here is what must be.
fn alike(survey: &Survey<'_>, a: NodeId, b: NodeId) -> bool {
    let chain = |id: NodeId| if survey.is_chain(id) { survey.length[id.index()] } else { 0 };
    survey.form[a.index()] == survey.form[b.index()]
        && survey.height[a.index()] == survey.height[b.index()]
        && survey.graph.form_number(a) == survey.graph.form_number(b)
        && chain(a) == chain(b)
}

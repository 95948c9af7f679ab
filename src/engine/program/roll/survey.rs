//! What each node of a graph looks like from below: its form, its height, and whether it is one number of something larger.

use hashbrown::HashMap;

use super::super::kernel::Lanes;
use super::super::layout::Layout;
use super::classes::LEAST;
use crate::engine::graph::{Graph, Kind, NodeId};
use crate::engine::op::{Primitive, Row, Rule, arithmetic, shape};

/// Fewer operations on single numbers are not looked at.
const FEWEST: usize = 96;
/// Additions in a row that are a chain.
pub(super) const CHAIN: u32 = 8;
/// Arguments of a `concat` of single numbers that are worth looking at.
const JOINED: usize = 8;

/// Where the number of a node of one element comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum One {
    /// The node has several elements, or none.
    Several,
    /// The node computes it.
    Own,
    /// It is that of another node, seen under another shape.
    Same(NodeId),
    /// It is an element of a node that has several, by its row-major number.
    Element(NodeId, u32),
}

/// A graph, read once from its outputs and once from its inputs.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    pub(super) graph: &'a Graph,
    pub(super) live: Vec<bool>,
    /// How often a live node or an output reads it.
    pub(super) uses: Vec<u32>,
    pub(super) one: Vec<One>,
    /// Equal for nodes that are the same expression of the same kinds of leaves; different for others but by accident, which costs time and
    /// nothing else.
    pub(super) form: Vec<u64>,
    /// The most operators on a way down from it. Nodes of one height do not depend on each other.
    pub(super) height: Vec<u32>,
    /// Of an addition: how many terms it adds up together with the additions that it alone continues.
    pub(super) length: Vec<u32>,
    /// The addition that an addition continues.
    next: Vec<u32>,
    /// Additions inside longer chains.
    pub(super) inner: Vec<bool>,
    /// Elementwise applications to single numbers, but those inside chains.
    pub(super) scalars: Vec<NodeId>,
    /// Additions of tensors that end long chains.
    pub(super) sums: Vec<NodeId>,
    /// Concatenations of single numbers.
    pub(super) joins: Vec<NodeId>,
}

const NONE: u32 = u32::MAX;

impl<'a> Survey<'a> {
    /// Reads a graph; `None` where too little is done to single numbers.
    pub(super) fn of(graph: &'a Graph, varies: &[Lanes], outputs: &[NodeId]) -> Option<Survey<'a>> {
        let count = graph.len();
        if count < FEWEST || !repeats(graph) {
            return None;
        }
        let (mut live, mut uses) = (vec![false; count], vec![0u32; count]);
        for output in outputs {
            live[output.index()] = true;
            uses[output.index()] += 1;
        }
        let mut single = 0;
        for id in graph.ids().rev() {
            if !live[id.index()] {
                continue;
            }
            if let Kind::Apply { args, .. } = graph.kind(id) {
                single += usize::from(graph.shape(id).rank() == 0);
                for arg in args {
                    live[arg.index()] = true;
                    uses[arg.index()] += 1;
                }
            }
        }
        if single < FEWEST {
            return None;
        }
        let mut survey = Survey {
            graph,
            live,
            uses,
            one: vec![One::Own; count],
            form: vec![0; count],
            height: vec![0; count],
            length: vec![0; count],
            next: vec![NONE; count],
            inner: vec![false; count],
            scalars: Vec::new(),
            sums: Vec::new(),
            joins: Vec::new(),
        };
        survey.climb(varies);
        survey.descend();
        Some(survey)
    }

    /// From the inputs up.
    fn climb(&mut self, varies: &[Lanes]) {
        let graph = self.graph;
        let mut lanes = vec![Lanes::NONE; graph.len()];
        let mut views: HashMap<NodeId, (NodeId, Layout)> = HashMap::new();
        for id in graph.ids() {
            let i = id.index();
            if !self.live[i] {
                continue;
            }
            match graph.kind(id) {
                Kind::Input(position) => {
                    lanes[i] = varies[position];
                    self.form[i] = mix(INPUT, lanes[i].index() as u64);
                    self.one[i] = own(graph, id);
                }
                Kind::Constant(_) => {
                    self.form[i] = NUMBER;
                    self.one[i] = own(graph, id);
                }
                Kind::Apply { op, args, .. } => {
                    let (mut most, mut height) = (Lanes::NONE, 0);
                    for arg in args {
                        most = most.union(lanes[arg.index()]);
                        height = height.max(self.height[arg.index()] + 1);
                    }
                    (lanes[i], self.height[i]) = (most, height);
                    self.apply(id, op, args, most, &mut views);
                }
            }
        }
    }

    fn apply(&mut self, id: NodeId, op: &'static Row, args: &[NodeId], lanes: Lanes, views: &mut HashMap<NodeId, (NodeId, Layout)>) {
        let (graph, i) = (self.graph, id.index());
        if *op == arithmetic::ADD {
            self.link(id, args);
        }
        match &op.rule {
            Rule::Scalar { .. } if graph.shape(id).rank() == 0 => {
                let own = mix(APPLIED, u64::from(graph.form_number(id)));
                self.form[i] = args.iter().fold(own, |form, arg| mix(form, self.form[arg.index()]));
            }
            Rule::View { .. } | Rule::Primitive { primitive: Primitive::Reshape, .. } => {
                let of = args[0];
                self.one[i] = match self.one[of.index()] {
                    One::Several => self.element(id, op, of, views),
                    _ if graph.shape(id).elements() != 1 => One::Several,
                    One::Own => One::Same(of),
                    seen => seen,
                };
                self.form[i] = match self.one[i] {
                    One::Same(node) => self.form[node.index()],
                    One::Element(base, _) => mix(ELEMENT, u64::from(base.0)),
                    One::Own | One::Several => 0,
                };
            }
            _ => {
                self.one[i] = own(graph, id);
                self.form[i] = mix(mix(OTHER, lanes.index() as u64), u64::from(self.height[i]));
                if matches!(op.rule, Rule::Primitive { primitive: Primitive::Concat, .. }) && args.len() >= JOINED {
                    self.joins.push(id);
                }
            }
        }
    }

    /// What a view or another shape of a node of several elements is.
    fn element(&self, id: NodeId, op: &'static Row, of: NodeId, views: &mut HashMap<NodeId, (NodeId, Layout)>) -> One {
        let graph = self.graph;
        let (Kind::Apply { attributes, .. }, Rule::View { layout, .. }) = (graph.kind(id), &op.rule) else { return One::Several };
        let elements = graph.shape(id).elements();
        let vector = graph.shape(of).rank() == 1;
        if let (true, Some(&[at]), None) = (*op == shape::INDEX && vector, attributes.ints("at"), views.get(&of)) {
            return One::Element(of, at as u32);
        }
        let (base, layout) = match views.get(&of) {
            Some((base, from)) => (*base, layout(from, graph.shape(id), attributes)),
            None => (of, layout(&Layout::contiguous(graph.shape(of)), graph.shape(id), attributes)),
        };
        if elements == 1 {
            return u32::try_from(layout.offset).map_or(One::Own, |at| One::Element(base, at));
        }
        views.insert(id, (base, layout));
        One::Several
    }

    /// An addition, and the one that it continues: a term that nothing else reads.
    fn link(&mut self, id: NodeId, args: &[NodeId]) {
        let (graph, i) = (self.graph, id.index());
        let own = graph.shape_number(id);
        if args.iter().any(|&arg| graph.shape_number(arg) != own) {
            return;
        }
        let before = args.iter().filter(|arg| self.length[arg.index()] > 0 && self.uses[arg.index()] == 1);
        // the longer one; the first where they are as long
        let before = before.rev().max_by_key(|arg| self.length[arg.index()]);
        self.next[i] = before.map_or(NONE, |arg| arg.0);
        self.length[i] = before.map_or(2, |arg| self.length[arg.index()] + 1);
    }

    /// From the outputs down: which additions are inside chains.
    fn descend(&mut self) {
        let graph = self.graph;
        for id in graph.ids().rev() {
            let i = id.index();
            if !self.live[i] {
                continue;
            }
            if (self.inner[i] || self.length[i] >= CHAIN) && self.next[i] != NONE {
                self.inner[self.next[i] as usize] = true;
            }
            let Kind::Apply { op, .. } = graph.kind(id) else { continue };
            if self.inner[i] || !matches!(op.rule, Rule::Scalar { .. }) {
                continue;
            }
            if graph.shape(id).rank() == 0 {
                self.scalars.push(id);
            } else if self.length[i] >= CHAIN {
                self.sums.push(id);
            }
        }
        self.scalars.reverse();
    }

    /// Whether a node ends a long chain of additions.
    pub(super) fn is_chain(&self, id: NodeId) -> bool {
        self.length[id.index()] >= CHAIN && !self.inner[id.index()]
    }

    /// The terms of a chain of additions, in the order in which they are added up.
    pub(super) fn terms(&self, id: NodeId) -> Vec<NodeId> {
        let mut terms = Vec::with_capacity(self.length[id.index()] as usize);
        let mut at = id;
        while let Kind::Apply { args: &[a, b], .. } = self.graph.kind(at) {
            let next = self.next[at.index()];
            if next == NONE {
                terms.extend([b, a]);
                break;
            }
            terms.push(if a.0 == next { b } else { a });
            at = NodeId(next);
        }
        terms.reverse();
        terms
    }

    /// The first of [`Survey::terms`].
    pub(super) fn first_term(&self, id: NodeId) -> NodeId {
        let mut at = id;
        while self.next[at.index()] != NONE {
            at = NodeId(self.next[at.index()]);
        }
        match self.graph.kind(at) {
            Kind::Apply { args: &[first, ..], .. } => first,
            _ => at,
        }
    }

    /// The node whose number a node of one element shows.
    pub(super) fn root(&self, id: NodeId) -> NodeId {
        match self.one[id.index()] {
            One::Same(node) => node,
            _ => id,
        }
    }
}

/// What a node of its own is.
fn own(graph: &Graph, id: NodeId) -> One {
    if graph.shape(id).elements() == 1 { One::Own } else { One::Several }
}

/// Whether enough seems to repeat to look closer: what is found here counts more as equal than there is.
fn repeats(graph: &Graph) -> bool {
    /// Of so many operations on single numbers one must be there often enough.
    const RARE: usize = 8;
    let size = (graph.len() / 2).next_power_of_two().max(1 << 10);
    let (mut forms, mut counts) = (vec![0u32; graph.len()], vec![0u8; size]);
    let (mut single, mut often, mut placed) = (0, 0, 0);
    for id in graph.ids() {
        let Kind::Apply { op, args, .. } = graph.kind(id) else { continue };
        if !matches!(op.rule, Rule::Scalar { .. }) || graph.shape(id).rank() > 0 {
            placed += usize::from(*op == shape::EMBED);
            continue;
        }
        let form = args.iter().fold(u64::from(graph.form_number(id)), |form, arg| mix(form, u64::from(forms[arg.index()])));
        // leaves are 0
        forms[id.index()] = (form >> 32) as u32 | 1;
        let count = &mut counts[form as usize & (size - 1)];
        *count = count.saturating_add(1);
        single += 1;
        often += match usize::from(*count) {
            LEAST => LEAST,
            count if count > LEAST => 1,
            _ => 0,
        };
    }
    placed >= CHAIN as usize || often * RARE >= single.max(1)
}

const INPUT: u64 = 0x9e37_79b9_7f4a_7c15;
const NUMBER: u64 = 0xbf58_476d_1ce4_e5b9;
const ELEMENT: u64 = 0x94d0_49bb_1331_11eb;
const APPLIED: u64 = 0xff51_afd7_ed55_8ccd;
const OTHER: u64 = 0xd6e8_feb8_6659_fd93;

/// Two numbers as one, in this order: the same ones in every process, so that a graph is always rolled alike.
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0xa076_1d64_78bd_642f) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    (product as u64) ^ (product >> 64) as u64
}

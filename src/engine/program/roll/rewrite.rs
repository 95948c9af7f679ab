//! The rolled graph, written down: a node for each class, views of it for who reads one lane, and everything else as it was.

use super::classes::{Class, Classes, Term};
use super::specials::{Part, Special, Specials};
use super::survey::Survey;
use super::{Rolled, assemble};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, Kind, NodeId};
use crate::engine::op::{Attributes, Value, cumulative, shape};
use crate::engine::{Error, Shape};

/// Writes the rolled graph down.
///
/// # Errors
/// [`Error::Limit`] where the builder's bounds are exceeded.
pub(super) fn rewrite(survey: &Survey<'_>, classes: &Classes, specials: &Specials, outputs: &[NodeId]) -> Result<Rolled, Error> {
    let mut rewrite = Rewrite {
        survey,
        classes,
        specials,
        g: Builder::default(),
        copies: vec![None; survey.graph.len()],
        vectors: vec![None; classes.list.len()],
        lower: vec![Vec::new(); classes.list.len()],
        steps: 0,
    };
    for input in survey.graph.inputs() {
        let copy = rewrite.g.input(input.name.clone(), input.shape.clone())?;
        rewrite.copies[input.node.index()] = Some(copy);
    }
    let needed = rewrite.needed(outputs);
    for id in survey.graph.ids().filter(|id| needed[id.index()]) {
        // in the order in which they were written, so that what stays scalar is computed in that order, too
        rewrite.demand(Unit::Node(id))?;
    }
    for &output in outputs {
        rewrite.demand(rewrite.unit(output))?;
    }
    let outputs = outputs.iter().map(|&output| rewrite.value(output)).collect::<Result<Vec<_>, _>>()?;
    let named = outputs.iter().enumerate().map(|(i, &output)| (i.to_string(), output)).collect();
    Ok(Rolled { steps: rewrite.steps, graph: rewrite.g.finish(named), outputs })
}

/// What is written at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// A node that is not rolled.
    Node(NodeId),
    /// All lanes of a class.
    Class(usize),
}

/// One more, where it is another one.
fn push(unit: Unit, to: &mut Vec<Unit>) {
    if to.last() != Some(&unit) {
        to.push(unit);
    }
}

/// The rolled graph while it is written.
pub(super) struct Rewrite<'a> {
    survey: &'a Survey<'a>,
    classes: &'a Classes,
    specials: &'a Specials,
    pub(super) g: Builder,
    /// What became of each node that was asked for.
    copies: Vec<Option<NodeId>>,
    /// What became of each class.
    vectors: Vec<Option<NodeId>>,
    /// What each class that is wanted needs.
    lower: Vec<Vec<Unit>>,
    /// How much was looked at: terms, and what units need.
    pub(super) steps: usize,
}

impl Rewrite<'_> {
    fn unit(&self, id: NodeId) -> Unit {
        self.classes.class(id).map_or(Unit::Node(id), Unit::Class)
    }

    fn is_done(&self, unit: Unit) -> bool {
        match unit {
            Unit::Node(id) => self.copies[id.index()].is_some(),
            Unit::Class(class) => self.vectors[class].is_some(),
        }
    }

    /// The nodes that are not rolled and still wanted.
    fn needed(&mut self, outputs: &[NodeId]) -> Vec<bool> {
        let (mut nodes, mut classes) = (vec![false; self.survey.graph.len()], vec![false; self.classes.list.len()]);
        let mut open: Vec<Unit> = outputs.iter().map(|&output| self.unit(output)).collect();
        let mut below = Vec::new();
        while let Some(unit) = open.pop() {
            let seen = match unit {
                Unit::Node(id) => &mut nodes[id.index()],
                Unit::Class(class) => &mut classes[class],
            };
            if !std::mem::replace(seen, true) {
                below.clear();
                match unit {
                    Unit::Node(id) => self.below(id, &mut below),
                    Unit::Class(class) => self.below_lanes(class, &mut below),
                }
                self.steps += 1 + below.len();
                open.extend_from_slice(&below);
                if let Unit::Class(class) = unit {
                    self.lower[class] = below.clone();
                }
            }
        }
        nodes
    }

    /// Writes a unit, what it needs before it. A class is not lower than what its lanes need: so this ends.
    fn demand(&mut self, unit: Unit) -> Result<(), Error> {
        if self.is_done(unit) {
            return Ok(());
        }
        let mut open = vec![unit];
        let mut below = Vec::new();
        while let Some(&unit) = open.last() {
            if self.is_done(unit) {
                open.pop();
                continue;
            }
            below.clear();
            match unit {
                Unit::Node(id) => self.below(id, &mut below),
                Unit::Class(class) => below.extend_from_slice(&self.lower[class]),
            }
            self.steps += 1 + below.len();
            let before = open.len();
            open.extend(below.iter().copied().filter(|&unit| !self.is_done(unit)));
            if open.len() == before {
                open.pop();
                match unit {
                    Unit::Node(id) => {
                        let made = self.node(id)?;
                        self.copies[id.index()] = Some(made);
                    }
                    Unit::Class(class) => {
                        let made = self.class(class)?;
                        self.vectors[class] = Some(made);
                    }
                }
            }
        }
        Ok(())
    }

    /// What a node needs that is not rolled.
    fn below(&self, id: NodeId, to: &mut Vec<Unit>) {
        match self.specials.get(id) {
            Some(Special::Sum(terms)) => terms.iter().for_each(|&term| self.below_term(term, to)),
            Some(Special::Join) => self.args(id).iter().for_each(|&arg| self.below_term(arg, to)),
            Some(Special::Placed(parts)) => {
                for part in parts {
                    match part {
                        Part::Whole(node) => push(self.unit(*node), to),
                        Part::Elements(elements) => elements.iter().for_each(|&(id, _)| self.below_term(id, to)),
                    }
                }
            }
            None => self.args(id).iter().for_each(|&arg| push(self.unit(arg), to)),
        }
    }

    /// What the lanes of a class need.
    fn below_lanes(&self, class: usize, to: &mut Vec<Unit>) {
        let lanes = self.classes.lanes(class);
        if self.classes.list[class].terms > 0 {
            lanes.iter().flat_map(|&lane| self.survey.terms(lane)).for_each(|term| self.below_term(term, to));
        }
        for (k, shared) in self.classes.list[class].shared.iter().enumerate() {
            if *shared {
                push(self.unit(self.args(lanes[0])[k]), to);
            } else {
                lanes.iter().for_each(|&lane| self.below_term(self.args(lane)[k], to));
            }
        }
    }

    /// What a term of a vector needs.
    fn below_term(&self, id: NodeId, to: &mut Vec<Unit>) {
        match self.term(id) {
            Term::Lane(class, _) => push(Unit::Class(class as usize), to),
            Term::Element(node, _) | Term::Single(node) => push(Unit::Node(node), to),
            Term::Number(_) => {}
        }
    }

    fn args(&self, id: NodeId) -> &[NodeId] {
        match self.survey.graph.kind(id) {
            Kind::Apply { args, .. } => args,
            Kind::Input(_) | Kind::Constant(_) => &[],
        }
    }

    /// What became of a node; what it needs is written.
    pub(super) fn value(&mut self, id: NodeId) -> Made {
        if let Some(copy) = self.copies[id.index()] {
            return Ok(copy);
        }
        let Some(class) = self.classes.class(id) else { unreachable!("arguments are written before their users") };
        let vector = self.vector(class);
        let made = self.pick(vector, i64::from(self.classes.lane(id)))?;
        self.copies[id.index()] = Some(made);
        Ok(made)
    }

    /// What became of a class; it is written.
    pub(super) fn vector(&self, class: usize) -> NodeId {
        match self.vectors[class] {
            Some(vector) => vector,
            None => unreachable!("classes are written before their users"),
        }
    }

    /// The elements of a node one after another.
    pub(super) fn flat(&mut self, base: NodeId) -> Made {
        let whole = self.value(base)?;
        let elements = self.g.shape(whole).elements();
        self.g.reshape(whole, &Shape::from([elements]))
    }

    fn term(&self, id: NodeId) -> Term {
        self.classes.term(self.survey, id)
    }

    fn list(&self, ids: impl IntoIterator<Item = NodeId>) -> Vec<Term> {
        ids.into_iter().map(|id| self.term(id)).collect()
    }

    /// A node that is not rolled.
    fn node(&mut self, id: NodeId) -> Made {
        let specials = self.specials;
        match specials.get(id) {
            Some(Special::Sum(terms)) => {
                let mut terms = self.list(terms.iter().copied());
                let reverse = assemble::descends(&terms);
                if reverse {
                    terms.reverse();
                }
                let vector = self.assemble(&terms)?;
                let sums = self.running(vector, 0, reverse)?;
                return self.pick(sums, if reverse { 0 } else { terms.len() as i64 - 1 });
            }
            Some(Special::Join) => {
                let terms = self.list(self.args(id).iter().copied());
                let vector = self.assemble(&terms)?;
                return self.g.reshape(vector, &self.survey.graph.shape(id).clone());
            }
            Some(Special::Placed(parts)) => return self.placed(parts, &self.survey.graph.shape(id).clone()),
            None => {}
        }
        match self.survey.graph.kind(id) {
            Kind::Input(_) => unreachable!("inputs are written first"),
            Kind::Constant(value) => Ok(self.g.constant(value.clone())),
            Kind::Apply { op, args, attributes } => {
                let args = args.iter().map(|&arg| self.value(arg)).collect::<Result<Vec<_>, _>>()?;
                self.g.apply(op, &args, attributes.clone())
            }
        }
    }

    /// All lanes of a class.
    fn class(&mut self, number: usize) -> Made {
        let classes = self.classes;
        let (class, lanes) = (&classes.list[number], classes.lanes(number));
        if class.terms > 0 {
            return self.chains(class, lanes);
        }
        let mut operands = Vec::with_capacity(class.shared.len());
        for (k, shared) in class.shared.iter().enumerate() {
            operands.push(if *shared {
                self.value(self.args(lanes[0])[k])?
            } else {
                let terms = self.list(lanes.iter().map(|&lane| self.args(lane)[k]));
                self.assemble(&terms)?
            });
        }
        let Kind::Apply { attributes, .. } = self.survey.graph.kind(lanes[0]) else { unreachable!("lanes are applications") };
        self.g.apply(class.op, &operands, attributes.clone())
    }

    /// Chains of additions side by side: a matrix, summed along one of its axes.
    fn chains(&mut self, class: &Class, lanes: &[NodeId]) -> Made {
        let (count, length) = (lanes.len(), class.terms as usize);
        let mut by_lane = self.list(lanes.iter().flat_map(|&lane| self.survey.terms(lane)));
        if assemble::lies(&by_lane) {
            let vector = self.assemble(&by_lane)?;
            let matrix = self.g.reshape(vector, &Shape::from([count, length]))?;
            let sums = self.running(matrix, 1, false)?;
            let last = Attributes::none()
                .with("start", Value::Bounds(vec![Some(0), Some(length as i64 - 1)]))
                .with("stop", Value::Bounds(vec![None, None]));
            let column = self.g.apply(&shape::SLICE, &[sums], last)?;
            return self.g.apply(&shape::SQUEEZE, &[column], Attributes::none().with("axis", Value::Ints(vec![1])));
        }
        let mut by_term: Vec<Term> =
            (0..length).flat_map(|k| (0..count).map(move |lane| lane * length + k)).map(|at| by_lane[at]).collect();
        by_lane.clear();
        // what lies the other way round, as what flows back does, is summed up from its other end
        let reverse = self.rows_descend(&by_term, count);
        if reverse {
            by_term.chunks_exact_mut(count).for_each(|row| row.reverse());
            by_term.reverse();
        }
        let vector = self.assemble(&by_term)?;
        let matrix = self.g.reshape(vector, &Shape::from([length, count]))?;
        let sums = self.running(matrix, 0, reverse)?;
        self.pick(sums, if reverse { 0 } else { length as i64 - 1 })
    }

    /// Whether rows of terms, read from the last to the first, lie one after another.
    fn rows_descend(&self, terms: &[Term], row: usize) -> bool {
        let backwards: Vec<Term> = terms.chunks_exact(row).rev().flatten().copied().collect();
        assemble::lies(&backwards)
    }

    /// Sums from the first element on, in order, or from the last.
    fn running(&mut self, tensor: NodeId, axis: i64, reverse: bool) -> Made {
        let reverse = if reverse { Value::Bool(true) } else { Value::Null };
        self.g.apply(&cumulative::CUMULATIVE_SUM, &[tensor], Attributes::none().with("axis", Value::Int(axis)).with("reverse", reverse))
    }

    /// A sum of tensors, some of which are one number in zeros: the sum is the numbers in their places.
    ///
    /// Adding 0 to what is there changes −0 to 0 and nothing else, and of two different elements each has a 0 added to it: so it is added
    /// first, and then the numbers in their order.
    fn placed(&mut self, parts: &[Part], shape: &Shape) -> Made {
        let flat = Shape::from([shape.elements()]);
        let mut sum: Option<NodeId> = None;
        for part in parts {
            match part {
                Part::Whole(node) => {
                    let node = self.value(*node)?;
                    sum = Some(match sum {
                        Some(sum) => self.g.add(sum, node)?,
                        None => node,
                    });
                }
                Part::Elements(elements) => {
                    let zero = self.g.number(0.0);
                    let base = match sum {
                        Some(sum) => {
                            let sum = self.g.reshape(sum, &flat)?;
                            Some(self.g.add(sum, zero)?)
                        }
                        None => None,
                    };
                    let placed = self.elements(base, elements, &flat)?;
                    sum = Some(self.g.reshape(placed, shape)?);
                }
            }
        }
        match sum {
            Some(sum) => Ok(sum),
            None => self.g.zeros(shape),
        }
    }

    /// Numbers added to a vector, or to zeros, each at its place.
    fn elements(&mut self, base: Option<NodeId>, elements: &[(NodeId, u32)], flat: &Shape) -> Made {
        /// A vector so many times longer is not filled with zeros to be added.
        const SPARSE: usize = 4;
        let count = flat.elements();
        if count <= SPARSE * elements.len() {
            let mut terms = vec![Term::Number(0); count];
            let mut twice = false;
            for &(number, at) in elements {
                let place = &mut terms[at as usize];
                twice |= *place != Term::Number(0);
                *place = self.term(number);
            }
            if !twice {
                let vector = self.assemble(&terms)?;
                let base = match base {
                    Some(base) => base,
                    None => self.g.number(0.0),
                };
                return self.g.add(base, vector);
            }
        }
        let base = match base {
            Some(base) => base,
            None => self.g.zeros(flat)?,
        };
        let terms = self.list(elements.iter().map(|&(number, _)| number));
        let updates = self.assemble(&terms)?;
        let indices = Value::Indices(vec![elements.len()], elements.iter().map(|&(_, at)| i64::from(at)).collect());
        self.g.apply(&shape::SCATTER_ADD, &[base, updates], Attributes::none().with("indices", indices))
    }
}

//! Which classes are worth their vectors.
//!
//! Estimated at one point, where dispatch counts most; what is gained there is gained at many points, too, where what counts is that fewer
//! passes go over less memory.

use hashbrown::HashSet;

use super::assemble::effort;
use super::classes::{Classes, Term};
use super::specials::is_vector;
use super::survey::Survey;
use crate::engine::graph::{Kind, NodeId};

/// A step of a Map of vectors, in nanoseconds as everything here.
const STEP: f64 = 15.0;
/// Classes that depend on each other: the kernels that they are.
const GROUP: f64 = 150.0;
/// One lane read by one who is not a lane.
const READ: f64 = 3.0;
/// An addition inside a chain.
const ADDED: f64 = 1.0;

/// Keeps the classes that gain more than they cost, together with those that they share lanes with.
pub(super) fn keep(survey: &Survey<'_>, classes: &mut Classes) {
    let count = classes.list.len();
    if count == 0 {
        return;
    }
    let (gains, groups) = (vec![0.0; count], Groups((0..count as u32).collect()));
    let mut worth = Worth { survey, classes: &*classes, gains, groups, known: HashSet::new() };
    (0..count).for_each(|class| worth.class(class));
    for &id in &survey.scalars {
        if classes.class(id).is_none() {
            worth.reader(id);
        }
    }
    let Worth { gains, mut groups, .. } = worth;
    let mut sums = vec![-GROUP; count];
    for (class, gain) in gains.into_iter().enumerate() {
        sums[groups.of(class as u32) as usize] += gain;
    }
    let kept: Vec<bool> = (0..count as u32).map(|class| sums[groups.of(class) as usize] > 0.0).collect();
    classes.retain(&kept);
}

/// What is known so far.
struct Worth<'a> {
    survey: &'a Survey<'a>,
    classes: &'a Classes,
    /// What each class gains by itself.
    gains: Vec<f64>,
    groups: Groups,
    /// Vectors that somebody has asked for.
    known: HashSet<(Term, Term, usize)>,
}

impl Worth<'_> {
    fn class(&mut self, class: usize) {
        let (survey, classes) = (self.survey, self.classes);
        let (own, lanes) = (&classes.list[class], classes.lanes(class));
        let length = lanes.len() as f64;
        if own.terms > 0 {
            let terms: Vec<NodeId> = lanes.iter().flat_map(|&lane| survey.terms(lane)).collect();
            self.gains[class] += (f64::from(own.terms) - 1.0) * length * 0.5 * ADDED - STEP;
            self.take(class, &terms);
            return;
        }
        let flops = f64::from(own.op.flops);
        let (alone, lane) = if flops <= 5.0 { (1.0, 0.3) } else { (2.0 + 0.4 * flops, 0.12 * flops) };
        self.gains[class] += length * (alone - lane) - STEP;
        for (k, shared) in own.shared.iter().enumerate() {
            let arg = |&lane: &NodeId| match survey.graph.kind(lane) {
                Kind::Apply { args, .. } => args[k],
                Kind::Input(_) | Kind::Constant(_) => lane,
            };
            if *shared {
                if let Term::Lane(other, _) = classes.term(survey, arg(&lanes[0])) {
                    self.groups.join(class as u32, other);
                }
            } else {
                self.take(class, &lanes.iter().map(arg).collect::<Vec<_>>());
            }
        }
    }

    /// Takes off what it costs a class to have these as a vector.
    fn take(&mut self, class: usize, nodes: &[NodeId]) {
        let terms = self.terms(nodes);
        for &term in &terms {
            if let Term::Lane(other, _) = term {
                self.groups.join(class as u32, other);
            }
        }
        // the same list again is the same vector
        if self.known.insert((terms[0], terms[terms.len() - 1], terms.len())) {
            self.gains[class] -= self.effort(&terms);
        }
    }

    /// Takes off what it costs that a node which is no lane reads lanes.
    fn reader(&mut self, id: NodeId) {
        if self.survey.is_chain(id) {
            let terms = self.terms(&self.survey.terms(id));
            let cost = if is_vector(&terms) { self.effort(&terms) / terms.len() as f64 } else { READ };
            terms.into_iter().for_each(|term| self.read(term, cost));
        } else if let Kind::Apply { args, .. } = self.survey.graph.kind(id) {
            args.iter().for_each(|&arg| self.read(self.classes.term(self.survey, arg), READ));
        }
    }

    fn read(&mut self, term: Term, cost: f64) {
        if let Term::Lane(class, _) = term {
            self.gains[class as usize] -= cost;
        }
    }

    fn terms(&self, nodes: &[NodeId]) -> Vec<Term> {
        nodes.iter().map(|&node| self.classes.term(self.survey, node)).collect()
    }

    fn effort(&self, terms: &[Term]) -> f64 {
        effort(terms, |class| self.classes.lanes(class as usize).len())
    }
}

/// Classes that are kept together, each with one of them that stands for all.
struct Groups(Vec<u32>);

impl Groups {
    fn of(&mut self, class: u32) -> u32 {
        let mut at = class;
        while self.0[at as usize] != at {
            // halves the way for the next who goes it
            self.0[at as usize] = self.0[self.0[at as usize] as usize];
            at = self.0[at as usize];
        }
        at
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.of(a), self.of(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}

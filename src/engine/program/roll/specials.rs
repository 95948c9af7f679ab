//! What else becomes vectors beside the lanes: sums of what is rolled, concatenations of single numbers, and sums of tensors that are
//! zero but for one element each, which gradients by picked elements are.

use hashbrown::HashMap;

use super::assemble;
use super::classes::{Classes, Term};
use super::survey::{One, Survey};
use crate::engine::graph::{Kind, NodeId};
use crate::engine::op::{Attributes, shape};
use crate::engine::program::layout::Layout;

/// Elements that are worth placing together.
const PLACED: usize = 8;

/// A node that is made of a list.
#[derive(Debug)]
pub(super) enum Special {
    /// The sum of these numbers, in this order.
    Sum(Vec<NodeId>),
    /// These numbers one after another.
    Join,
    /// The sum of these tensors, in this order.
    Placed(Vec<Part>),
}

/// What is added up.
#[derive(Debug)]
pub(super) enum Part {
    /// A tensor.
    Whole(NodeId),
    /// Numbers, each at an element of zeros; two of these are different ones.
    Elements(Vec<(NodeId, u32)>),
}

/// The special nodes of a graph.
#[derive(Debug, Default)]
pub(super) struct Specials(HashMap<NodeId, Special>);

impl Specials {
    pub(super) fn of(survey: &Survey<'_>, classes: &Classes) -> Specials {
        let mut found = HashMap::new();
        if !classes.list.is_empty() {
            for &id in survey.scalars.iter().filter(|&&id| survey.is_chain(id) && classes.class(id).is_none()) {
                let terms = survey.terms(id);
                if is_vector(&terms.iter().map(|&term| classes.term(survey, term)).collect::<Vec<_>>()) {
                    found.insert(id, Special::Sum(terms));
                }
            }
        }
        for &id in &survey.joins {
            if let Kind::Apply { args, .. } = survey.graph.kind(id)
                && args.iter().all(|arg| survey.one[arg.index()] != One::Several)
                && args.iter().any(|&arg| !matches!(classes.term(survey, arg), Term::Single(_)))
            {
                found.insert(id, Special::Join);
            }
        }
        for &id in &survey.sums {
            if let Some(parts) = placed(survey, id) {
                found.insert(id, Special::Placed(parts));
            }
        }
        Specials(found)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, id: NodeId) -> Option<&Special> {
        self.0.get(&id)
    }
}

/// Whether numbers to be added up are better read as a vector: where they are lanes that lie in few pieces.
pub(super) fn is_vector(terms: &[Term]) -> bool {
    let lanes = terms.iter().filter(|term| matches!(term, Term::Lane(..))).count();
    4 * lanes >= 3 * terms.len() && assemble::is_pieces_of_views(terms)
}

/// A sum of tensors, if enough of them are one number in zeros.
fn placed(survey: &Survey<'_>, id: NodeId) -> Option<Vec<Part>> {
    let terms = survey.terms(id);
    let mut parts: Vec<Part> = Vec::new();
    let mut run: Vec<(NodeId, u32)> = Vec::new();
    let mut found = false;
    let mut end = |run: &mut Vec<(NodeId, u32)>, before: usize, parts: &mut Vec<Part>| {
        // where one element is all, there is no zero that is added to it
        if run.len() >= PLACED && run.iter().any(|&(_, at)| at != run[0].1) {
            found = true;
            parts.push(Part::Elements(std::mem::take(run)));
        } else {
            parts.extend(terms[before - run.len()..before].iter().map(|&term| Part::Whole(term)));
            run.clear();
        }
    };
    for (i, &term) in terms.iter().enumerate() {
        match element(survey, term) {
            Some(element) => run.push(element),
            None => {
                end(&mut run, i, &mut parts);
                parts.push(Part::Whole(term));
            }
        }
    }
    end(&mut run, terms.len(), &mut parts);
    found.then_some(parts)
}

/// The number that a tensor is beside zeros, and which of its elements it is.
fn element(survey: &Survey<'_>, id: NodeId) -> Option<(NodeId, u32)> {
    let Kind::Apply { op, args: &[number], attributes } = survey.graph.kind(id) else { return None };
    if *op != shape::EMBED || survey.one[number.index()] == One::Several {
        return None;
    }
    let at = at(survey, id, number, attributes);
    u32::try_from(at.offset).ok().map(|at| (number, at))
}

fn at(survey: &Survey<'_>, id: NodeId, number: NodeId, attributes: &Attributes) -> Layout {
    shape::embedded(attributes, survey.graph.shape(number), survey.graph.shape(id))
}

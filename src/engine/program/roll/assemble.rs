//! A vector out of numbers from anywhere: as it lies where that is possible, a view, or as few passes as do it.

use hashbrown::HashMap;

use super::classes::Term;
use super::rewrite::Rewrite;
use crate::engine::graph::NodeId;
use crate::engine::graph::algebra::Made;
use crate::engine::op::{Attributes, Value, shape};
use crate::engine::{Shape, Tensor};

/// Pieces that are as well copied one by one.
const PIECES: usize = 8;

/// What terms are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    Class(u32),
    Of(NodeId),
    Numbers,
    Singles,
}

fn source(term: &Term) -> Source {
    match *term {
        Term::Lane(class, _) => Source::Class(class),
        Term::Element(base, _) => Source::Of(base),
        Term::Number(_) => Source::Numbers,
        Term::Single(_) => Source::Singles,
    }
}

/// Where a term is in its source.
fn position(term: &Term) -> i64 {
    match *term {
        Term::Lane(_, at) | Term::Element(_, at) => i64::from(at),
        Term::Number(_) | Term::Single(_) => 0,
    }
}

/// Whether the terms are read one after another, in even steps, from one place.
pub(super) fn lies(terms: &[Term]) -> bool {
    terms.iter().all(|term| source(term) == source(&terms[0])) && is_view(terms)
}

/// Whether the terms lie one after another from the last to the first.
pub(super) fn descends(terms: &[Term]) -> bool {
    lies(terms) && step(terms).is_some_and(|step| step < 0)
}

/// Whether terms of one source are a view of it.
fn is_view(terms: &[Term]) -> bool {
    matches!(source(&terms[0]), Source::Class(_) | Source::Of(_)) && step(terms).is_some()
}

/// Whether a few views together are the terms.
pub(super) fn is_pieces_of_views(terms: &[Term]) -> bool {
    pieces(terms).is_some_and(|pieces| pieces.iter().all(|piece| piece.len() <= 2 || is_view(piece)))
}

/// About what it takes to have the terms as a vector, in nanoseconds; `whole` says how many lanes a class has.
pub(super) fn effort(terms: &[Term], whole: impl Fn(u32) -> usize) -> f64 {
    /// A kernel.
    const PASS: f64 = 60.0;
    let count = terms.len() as f64;
    let piece = |piece: &[Term]| match source(&piece[0]) {
        Source::Numbers => 0.0,
        Source::Class(class) if step(piece) == Some(1) && whole(class) == piece.len() => 0.0,
        Source::Class(_) | Source::Of(_) if is_view(piece) => 0.3 * piece.len() as f64,
        Source::Class(_) | Source::Of(_) => PASS + 1.5 * piece.len() as f64,
        Source::Singles => PASS + 2.5 * piece.len() as f64,
    };
    match pieces(terms) {
        Some(pieces) if pieces.len() == 1 => piece(pieces[0]),
        Some(pieces) => pieces.into_iter().map(|own| piece(own) + PASS).sum::<f64>() + 0.5 * count,
        None => 4.0 * PASS + 4.0 * count,
    }
}

/// The terms cut where the source changes; `None` where that is too often.
fn pieces(terms: &[Term]) -> Option<Vec<&[Term]>> {
    let mut pieces: Vec<&[Term]> = Vec::new();
    let mut rest = terms;
    while let Some(first) = rest.first() {
        if pieces.len() == PIECES {
            return None;
        }
        let from = source(first);
        let (piece, after) = rest.split_at(rest.iter().position(|term| source(term) != from).unwrap_or(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    Some(pieces)
}

/// The one step between the positions of terms of one source.
fn step(terms: &[Term]) -> Option<i64> {
    let [first, second, ..] = terms else { return Some(1) };
    let step = position(second) - position(first);
    terms.windows(2).all(|pair| position(&pair[1]) - position(&pair[0]) == step).then_some(step)
}

impl Rewrite<'_> {
    /// The terms as a vector.
    pub(super) fn assemble(&mut self, terms: &[Term]) -> Made {
        self.steps += terms.len();
        let Some(pieces) = pieces(terms) else { return self.shuffled(terms) };
        let parts = pieces.into_iter().map(|piece| self.piece(piece)).collect::<Result<Vec<_>, _>>()?;
        self.joined(&parts)
    }

    /// Terms of many sources: those of each together, and then each in its place.
    fn shuffled(&mut self, terms: &[Term]) -> Made {
        let mut number: HashMap<Source, usize> = HashMap::new();
        let mut lists: Vec<Vec<Term>> = Vec::new();
        let mut places: Vec<(usize, usize)> = Vec::with_capacity(terms.len());
        for &term in terms {
            let list = *number.entry(source(&term)).or_insert(lists.len());
            if list == lists.len() {
                lists.push(Vec::new());
            }
            places.push((list, lists[list].len()));
            lists[list].push(term);
        }
        let mut starts = Vec::with_capacity(lists.len());
        let mut next = 0;
        for list in &lists {
            starts.push(next);
            next += list.len();
        }
        let parts = lists.iter().map(|list| self.piece(list)).collect::<Result<Vec<_>, _>>()?;
        let all = self.joined(&parts)?;
        let indices: Vec<i64> = places.into_iter().map(|(list, at)| (starts[list] + at) as i64).collect();
        self.taken(all, indices)
    }

    /// Terms of one source.
    fn piece(&mut self, terms: &[Term]) -> Made {
        let (count, first) = (terms.len(), terms[0]);
        if terms.iter().all(|term| *term == first) {
            let one = self.single(first)?;
            return self.g.broadcast_to(one, &Shape::from([count]));
        }
        let whole = match source(&first) {
            Source::Numbers => {
                let bits = |term: &Term| match *term {
                    Term::Number(bits) => f64::from_bits(bits),
                    _ => f64::NAN,
                };
                return Ok(self.numbers(terms.iter().map(bits).collect()));
            }
            Source::Singles => {
                let vector = Shape::from([1]);
                let ones = terms
                    .iter()
                    .map(|&term| {
                        let one = self.single(term)?;
                        self.g.reshape(one, &vector)
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                return self.joined(&ones);
            }
            Source::Class(class) => self.vector(class as usize),
            Source::Of(base) => self.flat(base)?,
        };
        match step(terms) {
            Some(step) => self.strided(whole, position(&first), step, count),
            None => self.taken(whole, terms.iter().map(position).collect()),
        }
    }

    /// A term as a node of one element.
    fn single(&mut self, term: Term) -> Made {
        match term {
            Term::Lane(class, at) => {
                let vector = self.vector(class as usize);
                self.pick(vector, i64::from(at))
            }
            Term::Element(base, at) => {
                let vector = self.flat(base)?;
                self.pick(vector, i64::from(at))
            }
            Term::Number(bits) => Ok(self.g.number(f64::from_bits(bits))),
            Term::Single(node) => {
                let one = self.value(node)?;
                self.g.reshape(one, &Shape::scalar())
            }
        }
    }

    /// An element of a vector.
    pub(super) fn pick(&mut self, vector: NodeId, at: i64) -> Made {
        self.g.apply(&shape::INDEX, &[vector], Attributes::none().with("at", Value::Ints(vec![at])))
    }

    /// A constant vector.
    pub(super) fn numbers(&mut self, values: Vec<f64>) -> NodeId {
        match Tensor::new([values.len()], values) {
            Some(tensor) => self.g.constant(tensor),
            None => unreachable!("as many values as elements"),
        }
    }

    /// Vectors one after another.
    pub(super) fn joined(&mut self, parts: &[NodeId]) -> Made {
        match parts {
            [one] => Ok(*one),
            _ => self.g.apply(&shape::CONCAT, parts, Attributes::none().with("axis", Value::Int(0))),
        }
    }

    fn taken(&mut self, vector: NodeId, indices: Vec<i64>) -> Made {
        let indices = Value::Indices(vec![indices.len()], indices.into());
        self.g.apply(&shape::TAKE, &[vector], Attributes::none().with("indices", indices))
    }

    fn strided(&mut self, vector: NodeId, start: i64, step: i64, count: usize) -> Made {
        if start == 0 && step == 1 && self.g.shape(vector).elements() == count {
            return Ok(vector);
        }
        let stop = start + step * count as i64;
        let bound = |bound: Option<i64>| Value::Bounds(vec![bound]);
        let attributes = Attributes::none()
            .with("start", bound(Some(start)))
            .with("stop", bound((stop >= 0).then_some(stop)))
            .with("step", bound(Some(step)));
        self.g.apply(&shape::SLICE, &[vector], attributes)
    }
}

//! Repeated structure: the same arithmetic on single numbers, written out again and again, becomes lanes of vectors.
//!
//! Code generators unroll. What they write out a thousand times is found here by its form and computed as one operator on a vector of a
//! thousand elements. It is done to the graph that is about to be lowered, value and derivative in one, so that the derivative is that of
//! the function as it was written. Only elementwise operators are rolled, which have the same bits in a lane as alone; sums written as
//! chains of additions keep their order. So no bit of any result changes, and what does not repeat stays as it is.
//!
//! Nothing here recurses; the time is that of a few passes over the graph ([`survey`] → [`classes`] → [`worth`] → [`rewrite`]), and a graph
//! in which little repeats is left after the first and a half.

mod assemble;
mod classes;
mod rewrite;
mod specials;
mod survey;
mod worth;

use super::kernel::Lanes;
use crate::engine::graph::{Graph, NodeId};
use classes::Classes;
use specials::Specials;
use survey::Survey;

/// More looks than this at each node, and at each use of one, would be more than a few passes.
const STEPS: usize = 8;

/// A graph with its repetitions rolled, and where the nodes asked for are in it.
#[derive(Debug)]
pub(crate) struct Rolled {
    pub(crate) graph: Graph,
    pub(crate) outputs: Vec<NodeId>,
    /// How much was looked at while it was written.
    pub(crate) steps: usize,
}

/// Rolls what `outputs` need; `varies[i]` says what input i varies with. `None` where too little repeats to be worth it.
pub(crate) fn roll(graph: &Graph, varies: &[Lanes], outputs: &[NodeId]) -> Option<Rolled> {
    let survey = Survey::of(graph, varies, outputs)?;
    let mut classes = Classes::of(&survey);
    classes.arrange(&survey);
    worth::keep(&survey, &mut classes);
    let specials = Specials::of(&survey, &classes);
    if classes.list.is_empty() && specials.is_empty() {
        return None;
    }
    // what exceeds a bound stays as it was written
    let rolled = rewrite::rewrite(&survey, &classes, &specials, outputs).ok()?;
    debug_assert!(rolled.steps <= STEPS * (graph.len() + outputs.len() + survey.uses.iter().map(|&uses| uses as usize).sum::<usize>()));
    Some(rolled)
}

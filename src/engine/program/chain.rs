//! A composition and its Jacobians as one program: each stage's at its own input, and that of the whole, which is their product.
//!
//! Each stage is differentiated by itself and only then applied to what the stage before gives: inside the whole, equal nodes are
//! one, and a stage's input might be the same node as something else in it. The whole is differentiated as what it is, one function;
//! no matrices are multiplied. The sweeps of all matrices share their lanes.

use super::Piece;
use super::plan::{Mode, Planned, Planning};
use crate::engine::graph::compose::{feed, inline};
use crate::engine::graph::{Graph, NodeId};
use crate::engine::{Error, Shape};

/// Writes down the composition of `stages`.
pub(super) fn plan(stages: &[Graph], wrt: &[usize], mode: Mode) -> Result<Planned, Error> {
    let mut whole = Planning::default();
    for (number, stage) in stages.iter().enumerate() {
        let all: Vec<usize> = (0..stage.inputs().len()).collect();
        let inputs = if number == 0 {
            let inputs = stage.inputs().iter().map(|input| whole.g.input(input.name.clone(), input.shape.clone()));
            whole.inputs = inputs.collect::<Result<_, _>>()?;
            whole.inputs.clone()
        } else {
            let shapes: Vec<Shape> = stage.inputs().iter().map(|input| input.shape.clone()).collect();
            let outputs = whole.outputs.clone();
            feed(&mut whole.g, &outputs, &shapes)?
        };
        let mut alone = Planning::of(stage)?;
        alone.jacobian(if number == 0 { wrt } else { &all }, mode)?;
        let computed = absorb(&mut whole, alone.finish(), &inputs)?;
        whole.outputs = computed.into_iter().take(stage.outputs().len()).collect();
    }
    if stages.len() > 1 {
        whole.jacobian(wrt, mode)?;
    }
    Ok(whole.finish())
}

/// Applies what is planned to `inputs`, and takes over its results; returns what it computes.
fn absorb(whole: &mut Planning, part: Planned, inputs: &[NodeId]) -> Result<Vec<NodeId>, Error> {
    let Planned { graph, results, pieces, seeded, seeds, symmetric: _ } = part;
    let mut nodes = inputs.to_vec();
    for (input, first) in seeded {
        let like = graph.inputs()[input].node;
        let shape = graph.shape(like).clone();
        nodes.push(whole.seed(shape, first)?);
    }
    whole.seeds = whole.seeds.max(seeds);
    let copies = inline(&graph, &mut whole.g, &nodes)?;
    let (result, output) = (whole.results.len(), whole.computed.len());
    let moved = |piece: Piece| Piece { result: piece.result + result, output: piece.output + output, ..piece };
    whole.pieces.extend(pieces.into_iter().map(moved));
    whole.results.extend(results);
    let computed: Vec<NodeId> = graph.outputs().iter().map(|output| copies[output.node.index()]).collect();
    whole.computed.extend(&computed);
    Ok(computed)
}

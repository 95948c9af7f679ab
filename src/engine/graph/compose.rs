//! Functions applied to one another's results: z = g(f(x)).
//!
//! What a composition computes, and nothing of its derivative: nodes of one graph are written down once more in another graph's
//! builder, with its inputs standing for nodes that are there.

use super::algebra::Made;
use super::{Builder, Graph, Kind, NodeId};
use crate::engine::op::{Attributes, Value, shape};
use crate::engine::{Error, Shape};

/// Applies `graph` to `inputs` (a node for each of its inputs, of its shape); returns the node of each of its nodes.
///
/// # Errors
/// [`Error::Limit`] where the builder's bounds are exceeded.
pub fn inline(graph: &Graph, builder: &mut Builder, inputs: &[NodeId]) -> Result<Vec<NodeId>, Error> {
    let mut copies: Vec<NodeId> = Vec::with_capacity(graph.len());
    let mut mapped: Vec<NodeId> = Vec::new();
    for id in graph.ids() {
        let copy = match graph.kind(id) {
            Kind::Input(position) => inputs[position],
            Kind::Constant(value) => builder.constant(value.clone()),
            Kind::Apply { op, args, attributes } => {
                mapped.clear();
                mapped.extend(args.iter().map(|arg| copies[arg.index()]));
                builder.apply(op, &mapped, attributes.clone())?
            }
        };
        copies.push(copy);
    }
    Ok(copies)
}

/// Applies `graph` to `inputs`, as [`inline`]; returns the nodes of its outputs.
///
/// # Errors
/// [`Error::Limit`] where the builder's bounds are exceeded.
pub fn apply(graph: &Graph, builder: &mut Builder, inputs: &[NodeId]) -> Result<Vec<NodeId>, Error> {
    let copies = inline(graph, builder, inputs)?;
    Ok(graph.outputs().iter().map(|output| copies[output.node.index()]).collect())
}

/// Cuts the flattened vector of `outputs`, one after another, into tensors of the shapes of the next function's inputs.
///
/// # Errors
/// [`Error::ShapePair`] where the sizes differ; [`Error::Limit`].
pub fn feed(g: &mut Builder, outputs: &[NodeId], inputs: &[Shape]) -> Result<Vec<NodeId>, Error> {
    let given: usize = outputs.iter().map(|&output| g.shape(output).elements()).fold(0, usize::saturating_add);
    let taken: usize = inputs.iter().map(Shape::elements).fold(0, usize::saturating_add);
    if given != taken {
        let detail = "the flattened outputs of a stage are the flattened inputs of the next".into();
        return Err(Error::ShapePair { op: "composition", left: Shape::from([given]), right: Shape::from([taken]), detail });
    }
    if outputs.len() == inputs.len() && outputs.iter().zip(inputs).all(|(&output, shape)| g.shape(output) == shape) {
        return Ok(outputs.to_vec());
    }
    let vector = flat(g, outputs)?;
    let mut start = 0;
    let mut parts = Vec::with_capacity(inputs.len());
    for shape in inputs {
        let stop = start + shape.elements();
        let part = if inputs.len() == 1 { vector } else { cut(g, vector, start, stop)? };
        parts.push(g.reshape(part, shape)?);
        start = stop;
    }
    Ok(parts)
}

/// The elements of several nodes as one vector.
pub(crate) fn flat(g: &mut Builder, nodes: &[NodeId]) -> Made {
    let mut parts = Vec::with_capacity(nodes.len());
    for &node in nodes {
        let size = g.shape(node).elements();
        parts.push(g.reshape(node, &Shape::from([size]))?);
    }
    match parts[..] {
        [] => g.zeros(&Shape::from([0])),
        [part] => Ok(part),
        _ => g.call(&shape::CONCAT, &parts),
    }
}

/// Elements `start` to `stop` of a vector.
fn cut(g: &mut Builder, vector: NodeId, start: usize, stop: usize) -> Made {
    let bound = |at: usize| Value::Bounds(vec![Some(at as i64)]);
    g.apply(&shape::SLICE, &[vector], Attributes::none().with("start", bound(start)).with("stop", bound(stop)))
}

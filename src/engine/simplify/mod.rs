//! Passes over graphs that keep every IEEE value: no reassociation, no 0·x → 0, no x/x → 1.
//!
//! Common subexpressions are one node from the start (the builder sees to it) and dead code is never lowered, so what is left is:
//! composite operators written out, constants folded, and operations replaced by cheaper ones of the same bits.

use std::collections::HashMap;

use super::exec::naive;
use super::graph::{Body, Builder, Graph, Kind, NodeId};
use super::op::{Attributes, Does, Primitive, Row, Rule, Value, arithmetic, choice};
use super::{Error, Shape, Tensor};

/// What a pass makes of an application.
enum Becomes {
    /// It stays.
    Same,
    /// One node.
    One(NodeId),
    /// A several-valued node: a node a result.
    Several(Vec<NodeId>),
}

/// A pass over the applications of a graph.
type Pass = fn(&mut Builder, &'static Row, &[NodeId], &Attributes) -> Result<Becomes, Error>;

/// Constants of more elements than this are computed when the program runs.
const FOLDED_ELEMENTS: usize = 1024;

/// Runs every pass.
///
/// # Errors
/// [`Error::Limit`] where an expansion exceeds the builder's bounds.
pub fn simplify(graph: Graph) -> Result<Graph, Error> {
    let graph = if is_expanded(&graph) { graph } else { expanded(&graph)? };
    bodies(&rewrite(&graph, reduce)?.0, simplify)
}

/// The graph for a person to read: no shorter way to say the same bits is left out, and nothing is written out for the sake of speed.
/// Beside it what became of each node that an output needs.
///
/// # Errors
/// [`Error::Limit`] where the builder's bounds are exceeded.
pub fn tidied(graph: &Graph) -> Result<(Graph, Vec<Option<NodeId>>), Error> {
    rewrite(graph, tidy)
}

/// The graph with every composite operator written out, in bodies too.
///
/// # Errors
/// [`Error::Limit`] where an expansion exceeds the builder's bounds.
pub(crate) fn expanded(graph: &Graph) -> Result<Graph, Error> {
    let mut graph = rewrite(graph, expand)?.0;
    // an expansion may use composite operators; how deep is the table's affair
    while !is_expanded(&graph) {
        graph = rewrite(&graph, expand)?.0;
    }
    bodies(&graph, |body| expanded(&body))
}

fn is_expanded(graph: &Graph) -> bool {
    let composite = |id| match graph.kind(id) {
        Kind::Apply { op, .. } => matches!(op.rule, Rule::Composite { .. } | Rule::Several { does: Does::Expansion(_), .. }),
        Kind::Input(_) | Kind::Constant(_) => false,
    };
    !graph.ids().any(composite)
}

/// The graph with each body replaced by what `pass` makes of it. Bodies stand only so deep in one another.
fn bodies(graph: &Graph, pass: impl Fn(Graph) -> Result<Graph, Error>) -> Result<Graph, Error> {
    let body_of = |id| match graph.kind(id) {
        Kind::Apply { attributes, .. } => attributes.iter().find_map(|(_, value)| value.body()),
        Kind::Input(_) | Kind::Constant(_) => None,
    };
    if !graph.ids().any(|id| body_of(id).is_some()) {
        return Ok(graph.clone());
    }
    let mut known: HashMap<Body, Body> = HashMap::new();
    let mut g = Builder::default();
    let mut copies: Vec<NodeId> = Vec::with_capacity(graph.len());
    for id in graph.ids() {
        let copy = match graph.kind(id) {
            Kind::Input(position) => g.input(graph.inputs()[position].name.clone(), graph.shape(id).clone())?,
            Kind::Constant(value) => g.constant(value.clone()),
            Kind::Apply { op, args, attributes } => {
                let mut own = attributes.clone();
                for (name, value) in attributes.iter() {
                    let Some(body) = value.body() else { continue };
                    let made = match known.get(body) {
                        Some(made) => made.clone(),
                        None => {
                            let made = Body::new(pass(body.graph().clone())?)?;
                            known.insert(body.clone(), made.clone());
                            made
                        }
                    };
                    own = own.with(name, Value::Body(made));
                }
                let args: Vec<NodeId> = args.iter().map(|arg| copies[arg.index()]).collect();
                g.apply(op, &args, own)?
            }
        };
        copies.push(copy);
    }
    let outputs = graph.outputs().iter().map(|output| (output.name.clone(), copies[output.node.index()])).collect();
    Ok(g.finish(outputs))
}

/// The graph with each live application replaced by what `pass` makes of it, and what became of each node.
fn rewrite(graph: &Graph, pass: Pass) -> Result<(Graph, Vec<Option<NodeId>>), Error> {
    let mut g = Builder::default();
    g.reserve(graph.len());
    let mut live = vec![false; graph.len()];
    graph.outputs().iter().for_each(|output| live[output.node.index()] = true);
    for id in graph.ids().rev() {
        if live[id.index()]
            && let Kind::Apply { args, .. } = graph.kind(id)
        {
            args.iter().for_each(|arg| live[arg.index()] = true);
        }
    }
    let inputs: Vec<NodeId> =
        graph.inputs().iter().map(|input| g.input(input.name.clone(), input.shape.clone())).collect::<Result<_, _>>()?;
    let mut copies: Vec<Option<NodeId>> = vec![None; graph.len()];
    let mut several: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
    for id in graph.ids().filter(|id| live[id.index()]) {
        copies[id.index()] = match graph.kind(id) {
            Kind::Input(position) => Some(inputs[position]),
            Kind::Constant(value) => Some(g.constant(value.clone())),
            Kind::Apply { op, args, attributes } => {
                let picked = several.get(&args.first().copied().unwrap_or(id)).filter(|_| matches!(op.rule, Rule::Item));
                if let Some(results) = picked {
                    let index = attributes.int("index").unwrap_or_default() as usize;
                    results.get(index).copied()
                } else {
                    let args: Vec<NodeId> = args.iter().filter_map(|arg| copies[arg.index()]).collect();
                    match pass(&mut g, op, &args, attributes)? {
                        Becomes::One(other) => Some(other),
                        Becomes::Several(results) => {
                            several.insert(id, results);
                            None
                        }
                        Becomes::Same => Some(g.apply(op, &args, attributes.clone())?),
                    }
                }
            }
        };
    }
    let outputs = graph.outputs().iter().filter_map(|output| Some((output.name.clone(), copies[output.node.index()]?))).collect();
    Ok((g.finish(outputs), copies))
}

/// Composite operators as what they stand for.
fn expand(g: &mut Builder, op: &'static Row, args: &[NodeId], attributes: &Attributes) -> Result<Becomes, Error> {
    match &op.rule {
        Rule::Composite { expansion, .. } => expansion(g, args, attributes).map(Becomes::One),
        Rule::Several { does: Does::Expansion(expansion), .. } => expansion(g, args, attributes).map(Becomes::Several),
        Rule::Several { .. } | Rule::Scalar { .. } | Rule::View { .. } | Rule::Primitive { .. } | Rule::Item | Rule::Resolved => {
            Ok(Becomes::Same)
        }
    }
}

/// Constants folded; powers, ones and double negations written as cheaper operations of the same bits.
fn reduce(g: &mut Builder, op: &'static Row, args: &[NodeId], attributes: &Attributes) -> Result<Becomes, Error> {
    Ok(cheaper(g, op, args, attributes)?.map_or(Becomes::Same, Becomes::One))
}

fn cheaper(g: &mut Builder, op: &'static Row, args: &[NodeId], attributes: &Attributes) -> Result<Option<NodeId>, Error> {
    if let Some(folded) = fold(g, op, args, attributes)? {
        return Ok(Some(folded));
    }
    if let ([base, exponent], true) = (args, *op == arithmetic::POW) {
        match scalar(g, *exponent) {
            Some(2.0) => return g.square(*base).map(Some),
            Some(-1.0) => return g.reciprocal(*base).map(Some),
            _ => {}
        }
    }
    shorter(g, op, args)
}

/// What is elementwise and constant folded; ones and double negations left out.
fn tidy(g: &mut Builder, op: &'static Row, args: &[NodeId], attributes: &Attributes) -> Result<Becomes, Error> {
    let folded = if matches!(op.rule, Rule::Scalar { .. }) { fold(g, op, args, attributes)? } else { None };
    let becomes = folded.map_or_else(|| shorter(g, op, args), |folded| Ok(Some(folded)))?;
    Ok(becomes.map_or(Becomes::Same, Becomes::One))
}

/// The value of a scalar constant.
fn scalar(g: &Builder, id: NodeId) -> Option<f64> {
    match g.kind(id) {
        Kind::Constant(value) if value.shape().rank() == 0 => Some(value.data()[0]),
        _ => None,
    }
}

/// An application that is one of its own arguments, or of theirs.
fn shorter(g: &mut Builder, op: &'static Row, args: &[NodeId]) -> Result<Option<NodeId>, Error> {
    let Rule::Scalar { .. } = op.rule else { return Ok(None) };
    let shape = args.iter().try_fold(Shape::scalar(), |shape, &arg| shape.broadcast(g.shape(arg)));
    let same = |g: &mut Builder, id: NodeId| shape.as_ref().map(|shape| g.broadcast_to(id, shape)).transpose();
    if let [a, b] = *args {
        let (left, right) = (scalar(g, a), scalar(g, b));
        if (*op == arithmetic::POW || *op == arithmetic::MULTIPLY || *op == arithmetic::DIVIDE) && right == Some(1.0) {
            return same(g, a);
        }
        if *op == arithmetic::MULTIPLY && left == Some(1.0) {
            return same(g, b);
        }
    }
    if *op == arithmetic::NEGATIVE
        && let Kind::Apply { op: inner, args: negated, .. } = g.kind(args[0])
        && *inner == arithmetic::NEGATIVE
    {
        return Ok(Some(negated[0]));
    }
    if *op == choice::WHERE
        && let Some(condition) = scalar(g, args[0])
    {
        return same(g, args[if condition != 0.0 { 1 } else { 2 }]);
    }
    Ok(None)
}

/// The value of an application to small constants.
fn fold(g: &mut Builder, op: &'static Row, args: &[NodeId], attributes: &Attributes) -> Result<Option<NodeId>, Error> {
    // dense routines take more than their constants' elements say: they run where the stop flag is looked at
    if matches!(op.rule, Rule::Primitive { primitive: Primitive::Dense(_), .. }) {
        return Ok(None);
    }
    let values: Option<Vec<Tensor>> = args
        .iter()
        .map(|&arg| match g.kind(arg) {
            Kind::Constant(value) if value.shape().elements() <= FOLDED_ELEMENTS => Some(value.clone()),
            _ => None,
        })
        .collect();
    let Some(values) = values.filter(|values| !values.is_empty()) else { return Ok(None) };
    let shape = match &op.rule {
        Rule::Scalar { .. } => values.iter().try_fold(Shape::scalar(), |shape, value| shape.broadcast(value.shape())),
        Rule::View { shape, .. } | Rule::Primitive { shape, .. } => {
            let shapes: Vec<Shape> = values.iter().map(|value| value.shape().clone()).collect();
            shape(op, &shapes, attributes.clone()).ok().map(|(shape, _)| shape)
        }
        Rule::Composite { .. } | Rule::Several { .. } | Rule::Item | Rule::Resolved => None,
    };
    let Some(shape) = shape.filter(|shape| shape.elements() <= FOLDED_ELEMENTS) else { return Ok(None) };
    let values: Vec<&Tensor> = values.iter().collect();
    Ok(naive::apply(op, &values, attributes, &shape).map(|value| g.constant(value)))
}

//! Passes over graphs that keep every IEEE value: no reassociation, no 0·x → 0, no x/x → 1.
//!
//! Common subexpressions are one node from the start (the builder sees to it) and dead code is never lowered, so what is left is:
//! composite operators written out, constants folded, and operations replaced by cheaper ones of the same bits.

use std::collections::HashMap;

use super::exec::naive;
use super::graph::{Arena, Body, Builder, Forms, Graph, Kind, NodeId};
use super::op::{Attributes, Does, Primitive, Row, Rule, Value, arithmetic, choice, shape};
use super::{Error, Shape, Tensor};

mod products;

use products::Product;

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
struct Pass {
    /// Whether it may have something to say of an application of this operator; the flag says whether an argument is a constant.
    concerns: fn(&'static Row, bool) -> bool,
    becomes: fn(&mut Builder, &Applied<'_>) -> Result<Becomes, Error>,
}

/// An application, its arguments as the pass has made them.
struct Applied<'a> {
    op: &'static Row,
    args: &'a [NodeId],
    attributes: &'a Attributes,
    /// Whether nothing but it reads its last argument.
    alone: bool,
}

/// Composite operators as what they stand for.
const EXPAND: Pass = Pass { concerns: |op, _| is_composite(op), becomes: expand };
/// Constants folded; powers, ones, double negations and products by constants written as cheaper operations of the same bits.
const REDUCE: Pass = Pass { concerns: |op, constant| constant || *op == arithmetic::NEGATIVE, becomes: reduce };
/// What is elementwise and constant folded; ones and double negations left out.
const TIDY: Pass = Pass { concerns: REDUCE.concerns, becomes: tidy };

/// Constants of more elements than this are computed when the program runs.
const FOLDED_ELEMENTS: usize = 1024;

/// Runs every pass.
///
/// # Errors
/// [`Error::Limit`] where an expansion exceeds the builder's bounds.
pub fn simplify(graph: Graph) -> Result<Graph, Error> {
    let graph = if is_expanded(&graph) { graph } else { expanded(&graph)? };
    let graph = if is_reducible(&graph) { rewrite(&graph, &REDUCE)?.0 } else { graph };
    bodies(graph, simplify)
}

/// The graph for a person to read: no shorter way to say the same bits is left out, and nothing is written out for the sake of speed.
/// Beside it what became of each node that an output needs.
///
/// # Errors
/// [`Error::Limit`] where the builder's bounds are exceeded.
pub fn tidied(graph: &Graph) -> Result<(Graph, Vec<Option<NodeId>>), Error> {
    let (tidied, copies) = rewrite(graph, &TIDY)?;
    Ok((tidied, copies.into_iter().map(|copy| (copy != GONE).then_some(NodeId(copy))).collect()))
}

/// The graph with every composite operator written out, in bodies too.
///
/// # Errors
/// [`Error::Limit`] where an expansion exceeds the builder's bounds.
pub(crate) fn expanded(graph: &Graph) -> Result<Graph, Error> {
    let mut graph = rewrite(graph, &EXPAND)?.0;
    // an expansion may use composite operators; how deep is the table's affair
    while !is_expanded(&graph) {
        graph = rewrite(&graph, &EXPAND)?.0;
    }
    bodies(graph, |body| expanded(&body))
}

fn is_expanded(graph: &Graph) -> bool {
    !graph.operators().any(is_composite)
}

fn is_composite(op: &'static Row) -> bool {
    matches!(op.rule, Rule::Composite { .. } | Rule::Several { does: Does::Expansion(_), .. })
}

/// The graph with each body replaced by what `pass` makes of it. Bodies stand only so deep in one another.
fn bodies(graph: Graph, pass: impl Fn(Graph) -> Result<Graph, Error>) -> Result<Graph, Error> {
    if !graph.has_bodies() {
        return Ok(graph);
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

/// What became of a node that no output needs.
const GONE: u32 = u32::MAX;

/// The graph with each live application replaced by what `pass` makes of it, and what became of each node.
fn rewrite(graph: &Graph, pass: &Pass) -> Result<(Graph, Vec<u32>), Error> {
    let mut g = Builder::default();
    g.reserve(graph.len());
    let live = graph.live();
    let inputs: Vec<NodeId> =
        graph.inputs().iter().map(|input| g.input(input.name.clone(), input.shape.clone())).collect::<Result<_, _>>()?;
    // the arguments of a node are anywhere in a large graph: what is asked of them is kept small
    let mut copies: Vec<u32> = vec![GONE; graph.len()];
    let mut constant: Vec<bool> = vec![false; graph.len()];
    let readers = readers(graph, &live);
    let mut several: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
    let (mut mapped, mut forms): (Vec<NodeId>, Forms) = Default::default();
    for id in graph.ids().filter(|id| live[id.index()]) {
        let copy = match graph.kind(id) {
            Kind::Input(position) => Some(inputs[position]),
            Kind::Constant(value) => {
                constant[id.index()] = true;
                Some(g.constant(value.clone()))
            }
            Kind::Apply { op, args, attributes } => {
                let picked = if let Rule::Item = op.rule { several.get(&args[0]) } else { None };
                if let Some(results) = picked {
                    let index = attributes.int("index").unwrap_or_default() as usize;
                    results.get(index).copied()
                } else {
                    mapped.clear();
                    mapped.extend(args.iter().map(|arg| NodeId(copies[arg.index()])).filter(|copy| copy.0 != GONE));
                    let concerned = (pass.concerns)(op, args.iter().any(|arg| constant[arg.index()]));
                    let alone = args.last().is_some_and(|arg| readers[arg.index()] == 1);
                    let applied = Applied { op, args: &mapped, attributes, alone };
                    let copy = match if concerned { (pass.becomes)(&mut g, &applied)? } else { Becomes::Same } {
                        Becomes::One(other) => Some(other),
                        Becomes::Several(results) => {
                            several.insert(id, results);
                            None
                        }
                        Becomes::Same => Some(g.repeat(graph, id, &mapped, &mut forms)?),
                    };
                    constant[id.index()] = concerned && copy.is_some_and(|copy| products::constant(g.arena(), copy).is_some());
                    copy
                }
            }
        };
        copies[id.index()] = copy.map_or(GONE, |copy| copy.0);
    }
    let copy = |output: &super::graph::Output| (output.name.clone(), NodeId(copies[output.node.index()]));
    let outputs = graph.outputs().iter().map(copy).filter(|(_, copy)| copy.0 != GONE).collect();
    Ok((g.finish(outputs), copies))
}

/// How many read each node: applications and outputs that are live, 255 where they are more.
fn readers(graph: &Graph, live: &[bool]) -> Vec<u8> {
    let mut readers = vec![0_u8; graph.len()];
    let mut read = |id: NodeId| readers[id.index()] = readers[id.index()].saturating_add(1);
    graph.outputs().iter().for_each(|output| read(output.node));
    for id in graph.ids().filter(|id| live[id.index()]) {
        if let Kind::Apply { args, .. } = graph.kind(id) {
            args.iter().copied().for_each(&mut read);
        }
    }
    readers
}

fn expand(g: &mut Builder, applied: &Applied<'_>) -> Result<Becomes, Error> {
    match &applied.op.rule {
        Rule::Composite { expansion, .. } => expansion(g, applied.args, applied.attributes).map(Becomes::One),
        Rule::Several { does: Does::Expansion(expansion), .. } => expansion(g, applied.args, applied.attributes).map(Becomes::Several),
        Rule::Several { .. } | Rule::Scalar { .. } | Rule::View { .. } | Rule::Primitive { .. } | Rule::Item | Rule::Resolved => {
            Ok(Becomes::Same)
        }
    }
}

fn reduce(g: &mut Builder, applied: &Applied<'_>) -> Result<Becomes, Error> {
    Ok(cheaper(g, applied)?.map_or(Becomes::Same, Becomes::One))
}

/// Whether [`REDUCE`] may have something to do: where it has not, the graph is what it would make of it.
fn is_reducible(graph: &Graph) -> bool {
    let mut constant = vec![false; graph.len()];
    // bodies that no output needs are left out, too
    graph.has_bodies()
        || graph.ids().any(|id| match graph.kind(id) {
            Kind::Input(_) => false,
            Kind::Constant(_) => {
                constant[id.index()] = true;
                false
            }
            Kind::Apply { op, args, .. } if *op == shape::BROADCAST_TO => {
                constant[id.index()] = constant[args[0].index()];
                false
            }
            Kind::Apply { op, args, .. } => {
                (REDUCE.concerns)(op, args.iter().any(|arg| constant[arg.index()])) && is_reducible_application(&graph.arena, op, args)
            }
        })
}

fn is_reducible_application(arena: &Arena, op: &'static Row, args: &[NodeId]) -> bool {
    if *op == arithmetic::NEGATIVE
        && let Kind::Apply { op, .. } = arena.kind(args[0])
    {
        return *op == arithmetic::NEGATIVE;
    }
    let number = |arg: NodeId| products::number(arena, arg);
    let is_one = |arg: NodeId| number(arg) == Some(1.0);
    let neutral = match *args {
        [a, b] if *op == arithmetic::MULTIPLY => is_one(a) || is_one(b),
        [_, b] if *op == arithmetic::DIVIDE => is_one(b),
        [_, b] if *op == arithmetic::POW => number(b).is_some(),
        [condition, ..] if *op == choice::WHERE => number(condition).is_some(),
        _ => false,
    };
    neutral || args.iter().all(|&arg| products::constant(arena, arg).is_some()) || products::shortened(arena, op, args, true).is_some()
}

fn cheaper(g: &mut Builder, &Applied { op, args, attributes, alone }: &Applied<'_>) -> Result<Option<NodeId>, Error> {
    if let Some(folded) = fold(g, op, args, attributes)? {
        return Ok(Some(folded));
    }
    if let ([base, exponent], true) = (args, *op == arithmetic::POW) {
        let power = match products::number(g.arena(), *exponent) {
            Some(2.0) => Some(g.square(*base)?),
            Some(-1.0) => Some(g.reciprocal(*base)?),
            _ => None,
        };
        if let Some(power) = power {
            return broadcast(g, power, args).map(Some);
        }
    }
    if let Some(shorter) = shorter(g, op, args)? {
        return Ok(Some(shorter));
    }
    let product = products::shortened(g.arena(), op, args, alone).or_else(|| products::plain(g.arena(), op, args));
    product.map(|product| written(g, product, args)).transpose()
}

/// A product that an application to `args` is as well, in its shape.
fn written(g: &mut Builder, product: Product, args: &[NodeId]) -> Result<NodeId, Error> {
    let value = match product {
        Product::Is(node) => node,
        Product::Of(op, factor, of) => {
            let factor = g.number(factor);
            g.call(op, &[factor, of])?
        }
    };
    broadcast(g, value, args)
}

/// A node in the shape of what is elementwise in `args`.
fn broadcast(g: &mut Builder, node: NodeId, args: &[NodeId]) -> Result<NodeId, Error> {
    let shape = args.iter().try_fold(Shape::scalar(), |shape, &arg| shape.broadcast(g.shape(arg)));
    shape.map_or(Ok(node), |shape| g.broadcast_to(node, &shape))
}

fn tidy(g: &mut Builder, &Applied { op, args, attributes, .. }: &Applied<'_>) -> Result<Becomes, Error> {
    let folded = if matches!(op.rule, Rule::Scalar { .. }) { fold(g, op, args, attributes)? } else { None };
    let becomes = folded.map_or_else(|| shorter(g, op, args), |folded| Ok(Some(folded)))?;
    Ok(becomes.map_or(Becomes::Same, Becomes::One))
}

/// An application that is one of its own arguments, or of theirs.
fn shorter(g: &mut Builder, op: &'static Row, args: &[NodeId]) -> Result<Option<NodeId>, Error> {
    let Rule::Scalar { .. } = op.rule else { return Ok(None) };
    let number = |arg: NodeId| products::number(g.arena(), arg);
    let one = match *args {
        [a, b] if (*op == arithmetic::POW || *op == arithmetic::MULTIPLY || *op == arithmetic::DIVIDE) && number(b) == Some(1.0) => Some(a),
        [a, b] if *op == arithmetic::MULTIPLY && number(a) == Some(1.0) => Some(b),
        [condition, then, otherwise] if *op == choice::WHERE => {
            number(condition).map(|condition| if condition != 0.0 { then } else { otherwise })
        }
        [negative] if *op == arithmetic::NEGATIVE => match g.kind(negative) {
            Kind::Apply { op: inner, args: negated, .. } if *inner == arithmetic::NEGATIVE => Some(negated[0]),
            _ => None,
        },
        _ => None,
    };
    one.map(|one| broadcast(g, one, args)).transpose()
}

/// The value of an application to small constants. A broadcast of one is as good: it is read where it lies.
fn fold(g: &mut Builder, op: &'static Row, args: &[NodeId], attributes: &Attributes) -> Result<Option<NodeId>, Error> {
    if args.is_empty() || args.iter().any(|&arg| products::constant(g.arena(), arg).is_none()) {
        return Ok(None);
    }
    if *op == shape::BROADCAST_TO {
        return Ok(None);
    }
    let scalar = matches!(op.rule, Rule::Scalar { .. });
    let numbers = args.iter().map(|&arg| products::number(g.arena(), arg).map(Tensor::scalar)).collect::<Option<Vec<_>>>();
    if let (true, Some(numbers)) = (scalar, numbers) {
        let Some(value) = naive::apply(op, &numbers.iter().collect::<Vec<_>>(), attributes, &Shape::scalar()) else { return Ok(None) };
        let value = g.constant(value);
        return broadcast(g, value, args).map(Some);
    }
    // dense routines take more than their constants' elements say: they run where the stop flag is looked at
    if matches!(op.rule, Rule::Primitive { primitive: Primitive::Dense(_), .. }) {
        return Ok(None);
    }
    let Some(values) = args.iter().map(|&arg| small(g, arg)).collect::<Option<Vec<Tensor>>>() else { return Ok(None) };
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

/// The elements of a constant, or of a broadcast of one, that are few.
fn small(g: &Builder, id: NodeId) -> Option<Tensor> {
    let few = |shape: &Shape| shape.elements() <= FOLDED_ELEMENTS;
    match g.kind(id) {
        Kind::Constant(value) => Some(value.clone()).filter(|value| few(value.shape())),
        Kind::Apply { op, attributes, .. } if few(g.shape(id)) => {
            naive::apply(op, &[products::constant(g.arena(), id)?], attributes, g.shape(id))
        }
        Kind::Apply { .. } | Kind::Input(_) => None,
    }
}

//! A function that bytes describe: operators by their place in the table, with attributes that fit more often than not.
//!
//! Every row of the table can come, also one that is added tomorrow: what an attribute may be is read from its kind. Only what takes
//! functions is told apart here. Applications that the builder refuses are left out.

use nablad::engine::graph::{Body, Bounds, Builder, Graph, NodeId};
use nablad::engine::op::{self, Attribute, AttributeKind, Attributes, Row, Rule, Value};
use nablad::engine::{Error, Shape, Tensor};

use super::super::bytes::Bytes;

/// Nodes, axes and elements of a function.
const BOUNDS: Bounds = Bounds { nodes: 400, rank: 4, elements: 1100 };
/// Applications in a function, and in each function inside it.
const STEPS: usize = 8;
const STEPS_INSIDE: usize = 3;

/// The last two are long enough for kernels that run slab by slab.
const SHAPES: [&[usize]; 14] =
    [&[], &[3], &[2], &[2, 3], &[2, 2], &[3, 2], &[1], &[0], &[3, 3], &[2, 1], &[2, 2, 2], &[5], &[520], &[2, 260]];

/// Shapes of indices.
const INDICES: [&[usize]; 6] = [&[3], &[], &[1], &[2, 2], &[2, 1], &[0]];

/// What the strings of `einsum` may be.
const SUBSCRIPTS: [&str; 10] =
    ["ij,jk->ik", "i,i->", "ii", "ii->i", "ij->ji", "...i,...i->...", "i,j->ij", "...i,j", "ij,ik,jl->kl", "ab->"];

/// A function with a few inputs, its last nodes as outputs, or where it must be `scalar` their sum; `None` where nothing could be applied.
pub(super) fn function(bytes: &mut Bytes<'_>, scalar: bool) -> Option<Graph> {
    let mut g = Builder::new(BOUNDS);
    let mut nodes = Vec::new();
    for i in 0..1 + bytes.below(3) {
        nodes.push(g.input(format!("x{i}"), Shape::from(bytes.one_of(&SHAPES))).ok()?);
    }
    let steps = 1 + bytes.below(STEPS);
    grow(bytes, &mut g, &mut nodes, steps, 0);
    let last = *nodes.last()?;
    if scalar {
        let sum = total(&mut g, last).ok()?;
        return Some(g.finish(vec![("y".into(), sum)]));
    }
    let mut outputs = vec![("y0".to_owned(), last)];
    if bytes.seldom(2) {
        outputs.push(("y1".into(), nodes[bytes.below(nodes.len())]));
    }
    Some(g.finish(outputs))
}

/// Applies operators to `nodes`, each of which joins them.
fn grow(bytes: &mut Bytes<'_>, g: &mut Builder, nodes: &mut Vec<NodeId>, steps: usize, depth: usize) {
    let rows: Vec<&'static Row> = op::rows().collect();
    for _ in 0..steps {
        let row = rows[bytes.below(rows.len())];
        let Some(made) = applied(bytes, g, nodes, row, depth) else { continue };
        // of several results one or all
        let results = g.results(made).map(<[_]>::len);
        match results {
            None => nodes.push(made),
            Some(count) => {
                let which = bytes.below(count + 1);
                let items = if which == count { 0..count } else { which..which + 1 };
                nodes.extend(items.filter_map(|i| g.item(made, i).ok()));
            }
        }
    }
}

fn total(g: &mut Builder, node: NodeId) -> Result<NodeId, Error> {
    let axes: Vec<usize> = (0..g.shape(node).rank()).collect();
    g.sum(node, &axes, false)
}

/// The operator applied; `None` where it is not for graphs, or refused.
fn applied(bytes: &mut Bytes<'_>, g: &mut Builder, nodes: &[NodeId], row: &'static Row, depth: usize) -> Option<NodeId> {
    if matches!(row.rule, Rule::Item | Rule::Resolved) {
        return None;
    }
    let more = row.arity.most.unwrap_or(row.arity.least + 2) - row.arity.least;
    let count = row.arity.least + bytes.below(more.min(2) + 1);
    let args: Vec<NodeId> = (0..count).map(|_| argument(bytes, g, nodes)).collect();
    let functions = row.attributes.iter().any(|attribute| attribute.kind == AttributeKind::Function);
    if functions {
        return structured(bytes, g, row, &args, depth);
    }
    let shape = args.first().map_or_else(Shape::scalar, |&arg| g.shape(arg).clone());
    let attributes = attributes(bytes, row.attributes, &shape);
    g.apply(row, &args, attributes).ok()
}

/// A node, the later the likelier, or a constant.
fn argument(bytes: &mut Bytes<'_>, g: &mut Builder, nodes: &[NodeId]) -> NodeId {
    let which = bytes.below(16);
    match which {
        14 => {
            let number = bytes.number();
            g.number(number)
        }
        15 => {
            let shape = Shape::from(bytes.one_of(&SHAPES));
            let data = (0..shape.elements()).map(|_| bytes.number()).collect();
            Tensor::new(shape, data).map_or(nodes[0], |tensor| g.constant(tensor))
        }
        _ => nodes[nodes.len() - 1 - which % nodes.len()],
    }
}

fn attributes(bytes: &mut Bytes<'_>, of: &[Attribute], shape: &Shape) -> Attributes {
    let mut attributes = Attributes::none();
    for attribute in of {
        if attribute.required || !bytes.seldom(3) {
            attributes = attributes.with(attribute.name, value(bytes, attribute, shape));
        }
    }
    attributes
}

/// A value of an attribute's kind, in the range that its name and the first argument's shape suggest.
fn value(bytes: &mut Bytes<'_>, attribute: &Attribute, shape: &Shape) -> Value {
    let rank = shape.rank() as i64;
    let integer = |bytes: &mut Bytes<'_>| match attribute.name {
        "axis" => bytes.between(-rank - 1, rank),
        "size" | "steps" | "length" | "max_steps" | "n" | "order" => bytes.between(0, 4),
        _ => bytes.between(-3, 3),
    };
    match attribute.kind {
        AttributeKind::Int => Value::Int(integer(bytes)),
        AttributeKind::Ints => Value::Ints(match attribute.name {
            "shape" => sizes(bytes, shape),
            "axes" => {
                let turn = bytes.below(shape.rank());
                let mut axes: Vec<i64> = (0..rank).collect();
                axes.rotate_left(turn);
                axes
            }
            _ => (0..1 + bytes.below(2)).map(|_| integer(bytes)).collect(),
        }),
        AttributeKind::Bounds => {
            Value::Bounds((0..1 + bytes.below(shape.rank())).map(|_| (!bytes.seldom(3)).then(|| bytes.between(-4, 4))).collect())
        }
        AttributeKind::Indices => {
            let own = bytes.one_of(&INDICES);
            let most = shape.sizes().first().map_or(1, |&size| size as i64);
            Value::Indices(own.into(), (0..own.iter().product()).map(|_| bytes.between(-most, most - 1)).collect())
        }
        AttributeKind::Bool => Value::Bool(bytes.seldom(2)),
        AttributeKind::Choice(words) => Value::Text(bytes.one_of(words)),
        AttributeKind::Real => Value::Real(bytes.finite().into()),
        AttributeKind::Reals => {
            let mut knots: Vec<f64> = (0..2 + bytes.below(2)).map(|_| bytes.finite()).collect();
            if attribute.name == "xp" {
                knots.sort_by(f64::total_cmp);
            }
            Value::Reals(knots.into_iter().map(Into::into).collect())
        }
        AttributeKind::Text => Value::Written(bytes.one_of(&SUBSCRIPTS).into()),
        // read as functions of their own, or resolved before there is a graph
        AttributeKind::Name | AttributeKind::Function => Value::Null,
    }
}

/// Sizes that a tensor of that shape may take, or be broadcast to.
fn sizes(bytes: &mut Bytes<'_>, shape: &Shape) -> Vec<i64> {
    let count = shape.elements() as i64;
    match bytes.below(6) {
        0 => vec![count],
        1 => vec![1, count],
        2 => vec![2, count / 2],
        3 => vec![-1, 1],
        4 => std::iter::once(2).chain(shape.sizes().iter().map(|&size| size as i64)).collect(),
        _ => shape.sizes().iter().rev().map(|&size| size as i64).collect(),
    }
}

/// An operator that takes functions. Long arrays are not for them: the plain evaluator computes what programs leave out.
fn structured(bytes: &mut Bytes<'_>, g: &mut Builder, row: &'static Row, args: &[NodeId], depth: usize) -> Option<NodeId> {
    const LONG: usize = 48;
    if depth == 2 || args.is_empty() || args.iter().any(|&arg| g.shape(arg).elements() > LONG) {
        return None;
    }
    let shapes: Vec<Shape> = args.iter().map(|&arg| g.shape(arg).clone()).collect();
    let entry = |shape: &Shape| (shape.rank() > 0).then(|| Shape::from(&shape.sizes()[1..]));
    let none = Attributes::none();
    let attributes = match row.name {
        "map" => {
            let over: Vec<bool> = shapes.iter().map(|shape| shape.rank() > 0 && !bytes.seldom(3)).collect();
            let seen: Vec<Shape> = shapes
                .iter()
                .zip(&over)
                .map(|(shape, &over)| if over { entry(shape).unwrap_or_default() } else { shape.clone() })
                .collect();
            let axes = over.iter().map(|&over| over.then_some(0)).collect();
            none.with("function", body(bytes, &seen, 0, depth)?).with("in_axes", Value::Bounds(axes))
        }
        "scan" => {
            let carry = 1 + bytes.below(args.len());
            let sliced = bytes.below(args.len() - carry + 1);
            let seen: Option<Vec<Shape>> = (0..args.len())
                .map(|i| if (carry..carry + sliced).contains(&i) { entry(&shapes[i]) } else { Some(shapes[i].clone()) })
                .collect();
            let seen = seen?;
            let length = if sliced == 0 || bytes.seldom(4) { Value::Int(bytes.between(0, 4)) } else { Value::Null };
            let guard = if bytes.seldom(4) { truth(bytes, &seen, depth)? } else { Value::Null };
            let attributes = none.with("function", body(bytes, &seen, carry, depth)?).with("guard", guard).with("length", length);
            attributes.with("carry", Value::Int(carry as i64)).with("xs", Value::Int(sliced as i64))
        }
        "while_loop" => {
            let carry = 1 + bytes.below(args.len());
            let attributes = none.with("condition", truth(bytes, &shapes, depth)?).with("body", only(bytes, &shapes, carry, depth)?);
            attributes.with("carry", Value::Int(carry as i64)).with("max_steps", Value::Int(bytes.between(0, 4)))
        }
        "root" | "fixed_point" => {
            let attributes = none.with("function", only(bytes, &shapes, 1, depth)?).with("max_steps", Value::Int(bytes.between(0, 4)));
            attributes.with("tolerance", Value::Real(bytes.one_of(&[1e-12, 0.0, 0.5]).into()))
        }
        "odeint" => {
            let mut seen = shapes.clone();
            *seen.get_mut(1)? = Shape::scalar();
            let attributes = none.with("function", only(bytes, &seen, 1, depth)?).with("steps", Value::Int(bytes.between(1, 2)));
            attributes.with("method", Value::Text(bytes.one_of(&["rk4", "dopri5"])))
        }
        // a row of tomorrow
        _ => {
            let mut attributes = self::attributes(bytes, row.attributes, &shapes[0]);
            for attribute in row.attributes.iter().filter(|attribute| attribute.kind == AttributeKind::Function) {
                attributes = attributes.with(attribute.name, body(bytes, &shapes, 1, depth)?);
            }
            attributes
        }
    };
    g.apply(row, args, attributes).ok()
}

/// A function of inputs of these shapes. Its first `carry` outputs have the shapes of its first inputs; behind them stands one more, or none.
fn body(bytes: &mut Bytes<'_>, shapes: &[Shape], carry: usize, depth: usize) -> Option<Value> {
    let more = if bytes.seldom(4) { usize::from(carry == 0) } else { 1 };
    written(bytes, shapes, depth, |g, nodes, bytes| {
        let mut outputs = (0..carry).map(|i| like(g, nodes, i, bytes)).collect::<Result<Vec<_>, _>>()?;
        outputs.extend(nodes.last().filter(|_| more == 1));
        Ok(outputs)
    })
}

/// A function whose outputs are `carry` new values of its first inputs.
fn only(bytes: &mut Bytes<'_>, shapes: &[Shape], carry: usize, depth: usize) -> Option<Value> {
    written(bytes, shapes, depth, |g, nodes, bytes| (0..carry).map(|i| like(g, nodes, i, bytes)).collect())
}

/// A function that says yes or no.
fn truth(bytes: &mut Bytes<'_>, shapes: &[Shape], depth: usize) -> Option<Value> {
    written(bytes, shapes, depth, |g, nodes, bytes| {
        let sum = total(g, nodes[nodes.len() - 1])?;
        let bound = g.number(bytes.number());
        Ok(vec![g.call(&op::logic::LESS, &[sum, bound])?])
    })
}

fn written(
    bytes: &mut Bytes<'_>,
    shapes: &[Shape],
    depth: usize,
    outputs: impl FnOnce(&mut Builder, &[NodeId], &mut Bytes<'_>) -> Result<Vec<NodeId>, Error>,
) -> Option<Value> {
    let mut g = Builder::new(BOUNDS);
    let inputs = shapes.iter().enumerate().map(|(i, shape)| g.input(format!("a{i}"), shape.clone()));
    let mut nodes: Vec<NodeId> = inputs.collect::<Result<_, _>>().ok()?;
    let steps = 1 + bytes.below(STEPS_INSIDE);
    grow(bytes, &mut g, &mut nodes, steps, depth + 1);
    let outputs = outputs(&mut g, &nodes, bytes).ok()?;
    let outputs = outputs.into_iter().enumerate().map(|(i, node)| (format!("y{i}"), node)).collect();
    Body::new(g.finish(outputs)).ok().map(Value::Body)
}

/// A node of the shape of input `i`: the last one that has it, or the input with the sum of some node.
fn like(g: &mut Builder, nodes: &[NodeId], i: usize, bytes: &mut Bytes<'_>) -> Result<NodeId, Error> {
    let shape = g.shape(nodes[i]).clone();
    if let Some(&same) = nodes[i + 1..].iter().rev().find(|&&node| g.shape(node) == &shape && !nodes[..=i].contains(&node)) {
        return Ok(same);
    }
    let sum = total(g, nodes[nodes.len() - 1 - bytes.below(nodes.len())])?;
    g.add(nodes[i], sum)
}

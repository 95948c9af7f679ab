//! Running sums and products along an axis, and the recurrence that their derivatives are.
//!
//! ẏᵢ = xᵢ·ẏᵢ₋₁ + yᵢ₋₁·ẋᵢ is again such a recurrence, and its transpose runs the other way: no derivative divides, none takes more
//! than a few passes, and zeros among the elements need no care.

use super::axes::{Span, fault, misfit, one_axis};
use super::row::rows;
use super::shape::{CONCAT, attribute, axis_of, embed, slice};
use super::{Arity, Attribute, AttributeKind, Attributes, Family, JvpRule, Primitive, Row, Rule, Scan, ShapeRule, Value};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::{Error, Shape};
use Family::Reduction;

const AXIS: Attribute = attribute("axis", AttributeKind::Int, false, "the axis, counted from either end; default the only one of a vector");
const REVERSE: Attribute = attribute("reverse", AttributeKind::Bool, false, "from the end to the beginning; default false");

/// The flags that are set, and no others.
fn flags(mut attributes: Attributes, names: &[&'static str]) -> Attributes {
    for &name in names {
        let set = if attributes.flag(name) { Value::Bool(true) } else { Value::Null };
        attributes = attributes.with(name, set);
    }
    attributes
}

/// As the standard has it, only a vector needs no axis.
fn along(op: &'static Row, shape: &Shape, attributes: Attributes) -> Result<Attributes, Error> {
    let axis = match (attributes.int("axis"), shape.rank()) {
        (None, 0) => return Err(misfit(op, shape, "a scalar has no axis to run along")),
        (None, 1) => 0,
        (None, rank) => return Err(fault(op, "axis", format!("must be given: there are {rank} axes"))),
        (Some(_), rank) => one_axis(op, &attributes, 0, rank)?,
    };
    Ok(flags(attributes, &["reverse", "chain"]).with("axis", Value::Int(axis as i64)))
}

const SHAPE: ShapeRule = |op, shapes, attributes| Ok((shapes[0].clone(), along(op, &shapes[0], attributes)?));

const SAME: JvpRule = |g, y, dots| dots[0].map(|dot| g.apply(&CUMULATIVE_SUM, &[dot], y.attributes.clone())).transpose();

/// The other direction, chain products.
fn backwards(attributes: &Attributes) -> Attributes {
    let reverse = if attributes.flag("reverse") { Value::Null } else { Value::Bool(true) };
    attributes.clone().with("reverse", reverse).with("chain", Value::Bool(true))
}

/// At each place what stands one place earlier along an axis (later, where `later`), and at the place left over `fill`.
fn neighbour(g: &mut Builder, x: NodeId, axis: usize, later: bool, fill: f64) -> Made {
    let shape = g.shape(x).clone();
    let size = shape.sizes()[axis];
    if size == 0 {
        return Ok(x);
    }
    let mut spans: Vec<Span> = shape.sizes().iter().map(|&count| Span { start: 0, count, step: 1 }).collect();
    spans[axis] = Span { start: i64::from(later), count: size - 1, step: 1 };
    let kept = slice(g, x, &spans)?;
    if fill == 0.0 {
        spans[axis].start = i64::from(!later);
        return embed(g, kept, &shape, &spans);
    }
    let mut sizes = shape.sizes().to_vec();
    sizes[axis] = 1;
    let edge = g.full(&Shape::new(sizes), fill)?;
    let parts = if later { [kept, edge] } else { [edge, kept] };
    g.apply(&CONCAT, &parts, Attributes::none().with("axis", Value::Int(axis as i64)))
}

/// The axis of `arg` that is axis `axis` of the whole, if it has one along which it is not repeated.
fn own_axis(g: &Builder, arg: NodeId, whole: &Shape, axis: usize) -> Option<usize> {
    let shape = g.shape(arg);
    let own = (axis + shape.rank()).checked_sub(whole.rank())?;
    (shape.sizes()[own] == whole.sizes()[axis]).then_some(own)
}

/// sᵢ = aᵢ·sᵢ₋₁ + bᵢ, chain products.
fn recurrence(g: &mut Builder, a: NodeId, b: NodeId, attributes: &Attributes) -> Made {
    g.apply(&LINEAR_RECURRENCE, &[a, b], attributes.clone().with("chain", Value::Bool(true)))
}

/// What flows back into each sᵢ from itself and all that follow: λᵢ = s̄ᵢ + aᵢ₊₁·λᵢ₊₁.
fn adjoint(g: &mut Builder, a: NodeId, bar: NodeId, attributes: &Attributes) -> Made {
    let (whole, later) = (g.shape(bar).clone(), !attributes.flag("reverse"));
    let a = match own_axis(g, a, &whole, axis_of(attributes)) {
        Some(axis) => neighbour(g, a, axis, later, 0.0)?,
        None => a,
    };
    g.apply(&LINEAR_RECURRENCE, &[a, bar], backwards(attributes))
}

rows! {
    CUMULATIVE_SUM = Row::new("cumulative_sum", Reduction, Arity::exactly(1), Rule::Primitive {
        shape: SHAPE,
        primitive: Primitive::Scan(Scan::Sum),
        jvp: SAME,
        vjp: |g, y, bar, _| g.apply(&CUMULATIVE_SUM, &[bar], backwards(y.attributes).with("chain", Value::Null)).map(Some),
    }).alias(&["cumsum"]).takes(&[AXIS, REVERSE]).says("the sums of all elements up to each along an axis, from the first", "1 by each element up to it");
    CUMULATIVE_PROD = Row::new("cumulative_prod", Reduction, Arity::exactly(1), Rule::Primitive {
        shape: SHAPE,
        primitive: Primitive::Scan(Scan::Product),
        jvp: |g, y, dots| {
            let Some(dot) = dots[0] else { return Ok(None) };
            let before = neighbour(g, y.y, axis_of(y.attributes), y.attributes.flag("reverse"), 1.0)?;
            let fresh = g.chain(before, dot)?;
            recurrence(g, y.args[0], fresh, y.attributes).map(Some)
        },
        vjp: |g, y, bar, _| {
            let through = adjoint(g, y.args[0], bar, y.attributes)?;
            let before = neighbour(g, y.y, axis_of(y.attributes), y.attributes.flag("reverse"), 1.0)?;
            g.chain(before, through).map(Some)
        },
    }).alias(&["cumprod"]).takes(&[AXIS, REVERSE]).says("the products of all elements up to each along an axis, from the first", "the product of all others up to it, never y/xᵢ");
    LINEAR_RECURRENCE = Row::new("linear_recurrence", Family::Calculus, Arity::exactly(2), Rule::Primitive {
        shape: |op, shapes, attributes| {
            let Some(joined) = shapes[0].broadcast(&shapes[1]) else {
                let detail = "sizes must be equal or 1, counted from the last axis".into();
                return Err(Error::ShapePair { op: op.name, left: shapes[0].clone(), right: shapes[1].clone(), detail });
            };
            let attributes = along(op, &joined, attributes)?;
            Ok((joined, attributes))
        },
        primitive: Primitive::Scan(Scan::Affine),
        jvp: |g, y, dots| {
            let mut fresh = dots[1];
            if let Some(dot) = dots[0] {
                let before = neighbour(g, y.y, axis_of(y.attributes), y.attributes.flag("reverse"), 0.0)?;
                let moved = g.chain(before, dot)?;
                fresh = Some(match fresh {
                    Some(fresh) => g.add(moved, fresh)?,
                    None => moved,
                });
            }
            let Some(fresh) = fresh else { return Ok(None) };
            let whole = g.shape(y.y).clone();
            let fresh = g.broadcast_to(fresh, &whole)?;
            recurrence(g, y.args[0], fresh, y.attributes).map(Some)
        },
        vjp: |g, y, bar, i| {
            let own = g.shape(y.args[i]).clone();
            let mut through = adjoint(g, y.args[0], bar, y.attributes)?;
            if i == 0 {
                let before = neighbour(g, y.y, axis_of(y.attributes), y.attributes.flag("reverse"), 0.0)?;
                through = g.chain(before, through)?;
            }
            g.unbroadcast(through, &own).map(Some)
        },
    }).takes(&[AXIS, REVERSE, attribute("chain", AttributeKind::Bool, false, "take 0·∞ and 0·NaN as 0, as chain_multiply does; default false")])
        .says("sᵢ = aᵢ·sᵢ₋₁ + bᵢ along an axis, beginning with b; a and b broadcast", "by b: the recurrence of the others; by aᵢ: that of sᵢ₋₁").costs(2);
}

//! Normalisers over an axis.

use super::axes::one_axis;
use super::row::rows;
use super::{Arity, Attribute, AttributeKind, Attributes, Expansion, Family, Row, Rule, ShapeRule, Value, exponential, reduction};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use Family::Normaliser;

const AXIS: Attribute = Attribute { name: "axis", kind: AttributeKind::Int, required: false, summary: "the axis; default the last, −1" };

const SHAPE: ShapeRule = |op, shapes, attributes| {
    let axis = one_axis(op, &attributes, -1, shapes[0].rank())?;
    Ok((shapes[0].clone(), attributes.with("axis", Value::Int(axis as i64))))
};

fn axis_of(attributes: &Attributes) -> [usize; 1] {
    [attributes.int("axis").unwrap_or_default() as usize]
}

/// exp(x)/Σexp(x) over axes, shifted by the largest.
pub(super) fn share(g: &mut Builder, x: NodeId, axes: &[usize]) -> Made {
    if g.shape(x).elements() == 0 {
        return Ok(x);
    }
    let top = g.reduce(&reduction::MAX, x, axes, true)?;
    let shifted = g.subtract(x, top)?;
    let exp = g.call(&exponential::EXP, &[shifted])?;
    let sum = g.sum(exp, axes, true)?;
    g.divide(exp, sum)
}

const SOFTMAX_EXPANSION: Expansion = |g, args, attributes| share(g, args[0], &axis_of(attributes));

const LOG_SOFTMAX_EXPANSION: Expansion = |g, args, attributes| {
    if g.shape(args[0]).elements() == 0 {
        return Ok(args[0]);
    }
    let (x, axes) = (args[0], axis_of(attributes));
    let top = g.reduce(&reduction::MAX, x, &axes, true)?;
    let logs = reduction::log_sum_below(g, x, top, &axes)?;
    let shifted = g.subtract(x, top)?;
    g.subtract(shifted, logs)
};

/// A normaliser of one argument.
const fn normaliser(name: &'static str, rule: Rule) -> Row {
    Row::new(name, Normaliser, Arity::exactly(1), rule).takes(&[AXIS]).costs(25)
}

rows! {
    SOFTMAX = normaliser("softmax", Rule::Composite {
        shape: SHAPE,
        expansion: SOFTMAX_EXPANSION,
        derivative: Some((
            |g, y, dots| {
                let Some(dot) = dots[0] else { return Ok(None) };
                let weighted = g.chain(y.y, dot)?;
                let mean = g.sum(weighted, &axis_of(y.attributes), true)?;
                let centred = g.subtract(dot, mean)?;
                g.chain(y.y, centred).map(Some)
            },
            |g, y, bar, _| {
                let weighted = g.chain(y.y, bar)?;
                let mean = g.sum(weighted, &axis_of(y.attributes), true)?;
                let centred = g.subtract(bar, mean)?;
                g.chain(y.y, centred).map(Some)
            },
        )),
    }).says("exp(x)/Σexp(x) along an axis, shifted by the largest", "yᵢ·(δᵢⱼ − yⱼ)").at_edges("NaN where all are −∞ or one is +∞");
    LOG_SOFTMAX = normaliser("log_softmax", Rule::Composite {
        shape: SHAPE,
        expansion: LOG_SOFTMAX_EXPANSION,
        derivative: Some((
            |g, y, dots| {
                let Some(dot) = dots[0] else { return Ok(None) };
                let share = g.apply(&SOFTMAX, y.args, y.attributes.clone())?;
                let weighted = g.chain(share, dot)?;
                let mean = g.sum(weighted, &axis_of(y.attributes), true)?;
                g.subtract(dot, mean).map(Some)
            },
            |g, y, bar, _| {
                let share = g.apply(&SOFTMAX, y.args, y.attributes.clone())?;
                let total = g.sum(bar, &axis_of(y.attributes), true)?;
                let shared = g.chain(share, total)?;
                g.subtract(bar, shared).map(Some)
            },
        )),
    }).says("x − logsumexp(x) along an axis", "δᵢⱼ − softmax(x)ⱼ").at_edges("NaN where all are −∞ or one is +∞");
}

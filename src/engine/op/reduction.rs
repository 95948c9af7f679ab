//! Reductions over axes.

use super::axes::{axes, ints, misfit, reduced};
use super::facts::tied;
use super::row::rows;
use super::{
    Application, Arity, Attribute, AttributeKind, Attributes, Expansion, Family, Fold, JvpRule, Primitive, Row, Rule, ShapeRule, Value,
    VjpRule, arithmetic, calculus, choice, exponential, logic, normaliser, shape,
};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::{Error, Shape};
use Family::Reduction;

const AXIS: Attribute = Attribute {
    name: "axis",
    kind: AttributeKind::Ints,
    required: false,
    summary: "the axes to reduce, counted from either end; default all",
};
const KEEPDIMS: Attribute =
    Attribute { name: "keepdims", kind: AttributeKind::Bool, required: false, summary: "keep reduced axes with size 1; default false" };
const CORRECTION: Attribute = Attribute {
    name: "correction",
    kind: AttributeKind::Real,
    required: false,
    summary: "what is taken from the number of elements that the squares are divided by; default 0, and 1 for a sample's",
};
const ORD: Attribute = Attribute {
    name: "ord",
    kind: AttributeKind::Choice(&["2", "1", "inf"]),
    required: false,
    summary: "which norm: 2 (default), 1 or inf",
};

const SHAPE: ShapeRule = |op, shapes, attributes| {
    let axes = axes(op, &attributes, "axis", shapes[0].rank())?;
    let keepdims = attributes.flag("keepdims");
    let result = reduced(&shapes[0], &axes, keepdims);
    let attributes = attributes.with("axis", ints(&axes)).with("keepdims", if keepdims { Value::Bool(true) } else { Value::Null });
    Ok((result, attributes))
};

/// As [`SHAPE`] for what has no value over no elements.
const SHAPE_OF_SOME: ShapeRule = |op, shapes, attributes| {
    let (result, attributes) = SHAPE(op, shapes, attributes)?;
    if shapes[0].elements() == 0 && result.elements() != 0 {
        return Err(misfit(op, &shapes[0], "there is nothing to reduce along these axes"));
    }
    Ok((result, attributes))
};

/// The reduced axes of a canonical application.
fn axes_of(attributes: &Attributes) -> Vec<usize> {
    attributes.ints("axis").unwrap_or_default().iter().map(|&axis| axis as usize).collect()
}

/// A result as if `keepdims` had been set.
fn kept(g: &mut Builder, reduced_node: NodeId, x: NodeId, axes: &[usize]) -> Made {
    let to = reduced(g.shape(x), axes, true);
    g.reshape(reduced_node, &to)
}

/// ∂y/∂x of a reduction, elementwise, of x's shape.
type Weight = fn(&mut Builder, Application<'_>) -> Made;

/// Σ weight · ẋ
fn weighted_jvp(weight: Weight, g: &mut Builder, y: Application<'_>, dots: &[Option<NodeId>]) -> Result<Option<NodeId>, Error> {
    let Some(dot) = dots[0] else { return Ok(None) };
    let weight = weight(g, y)?;
    let product = g.chain(weight, dot)?;
    g.reduce(&SUM, product, &axes_of(y.attributes), y.attributes.flag("keepdims")).map(Some)
}

/// weight · ȳ
fn weighted_vjp(weight: Weight, g: &mut Builder, y: Application<'_>, bar: NodeId) -> Result<Option<NodeId>, Error> {
    let weight = weight(g, y)?;
    let bar = kept(g, bar, y.args[0], &axes_of(y.attributes))?;
    g.chain(weight, bar).map(Some)
}

/// Those equal to the largest or smallest share its derivative equally.
pub(super) fn tie_weight(g: &mut Builder, x: NodeId, kept_y: NodeId, axes: &[usize]) -> Made {
    let same = g.call(&calculus::SAME, &[x, kept_y])?;
    let count = g.sum(same, axes, true)?;
    g.divide(same, count)
}

const EXTREME_WEIGHT: Weight = |g, y| {
    let axes = axes_of(y.attributes);
    let extreme = kept(g, y.y, y.args[0], &axes)?;
    tie_weight(g, y.args[0], extreme, &axes)
};
const EXTREME_JVP: JvpRule = |g, y, dots| weighted_jvp(EXTREME_WEIGHT, g, y, dots);
const EXTREME_VJP: VjpRule = |g, y, bar, _| weighted_vjp(EXTREME_WEIGHT, g, y, bar);

/// softmax over the reduced axes, and 0 where the result is −∞
const LOGSUMEXP_WEIGHT: Weight = |g, y| {
    let axes = axes_of(y.attributes);
    let share = normaliser::share(g, y.args[0], &axes)?;
    let result = kept(g, y.y, y.args[0], &axes)?;
    let (bottom, zero) = (g.number(f64::NEG_INFINITY), g.number(0.0));
    let empty = g.call(&logic::EQUAL, &[result, bottom])?;
    g.select(empty, zero, share)
};

const NORM_WEIGHT: Weight = |g, y| {
    let (x, axes) = (y.args[0], axes_of(y.attributes));
    let norm = kept(g, y.y, x, &axes)?;
    match y.attributes.text("ord") {
        Some("1") => g.call(&arithmetic::SIGN, &[x]),
        Some("inf") => {
            let size = g.call(&arithmetic::ABS, &[x])?;
            let weight = tie_weight(g, size, norm, &axes)?;
            let sign = g.call(&arithmetic::SIGN, &[x])?;
            g.chain(weight, sign)
        }
        _ => g.call(&calculus::CHAIN_DIVIDE, &[x, norm]),
    }
};

/// log Σ exp(x − top) over axes, kept. The largest terms are counted apart so that log1p keeps the digits of the rest.
/// Where `top` is not finite the result means nothing.
pub(super) fn log_sum_below(g: &mut Builder, x: NodeId, top: NodeId, axes: &[usize]) -> Made {
    let (zero, one) = (g.number(0.0), g.number(1.0));
    let at_top = g.call(&logic::EQUAL, &[x, top])?;
    let shifted = g.subtract(x, top)?;
    let exp = g.call(&exponential::EXP, &[shifted])?;
    let below = g.select(at_top, zero, exp)?;
    let (rest, count) = (g.sum(below, axes, true)?, g.sum(at_top, axes, true)?);
    let count = g.call(&choice::MAXIMUM, &[count, one])?;
    let ratio = g.divide(rest, count)?;
    let (log1p, log) = (g.call(&exponential::LOG1P, &[ratio])?, g.call(&exponential::LOG, &[count])?);
    g.add(log1p, log)
}

const LOGSUMEXP_EXPANSION: Expansion = |g, args, attributes| {
    let (x, axes) = (args[0], axes_of(attributes));
    let top = g.reduce(&MAX, x, &axes, true)?;
    let logs = log_sum_below(g, x, top, &axes)?;
    let sum = g.add(top, logs)?;
    let finite = g.call(&logic::ISFINITE, &[top])?;
    let result = g.select(finite, sum, top)?;
    let to = reduced(g.shape(x), &axes, attributes.flag("keepdims"));
    g.reshape(result, &to)
};

/// √Σx², scaled by the largest |x| so that no square overflows or vanishes; 0 over no elements.
const NORM_EXPANSION: Expansion = |g, args, attributes| {
    let (x, axes) = (args[0], axes_of(attributes));
    if g.shape(x).elements() == 0 {
        let result = reduced(g.shape(x), &axes, attributes.flag("keepdims"));
        return g.full(&result, 0.0);
    }
    let size = g.call(&arithmetic::ABS, &[x])?;
    match attributes.text("ord") {
        Some("1") => g.reduce(&SUM, size, &axes, attributes.flag("keepdims")),
        Some("inf") => g.reduce(&MAX, size, &axes, attributes.flag("keepdims")),
        _ => {
            let (zero, one) = (g.number(0.0), g.number(1.0));
            let top = g.reduce(&MAX, size, &axes, true)?;
            let finite = g.call(&logic::ISFINITE, &[top])?;
            let positive = g.call(&logic::GREATER, &[top, zero])?;
            let usable = g.call(&logic::LOGICAL_AND, &[finite, positive])?;
            let scale = g.select(usable, top, one)?;
            let scaled = g.divide(x, scale)?;
            let squares = g.square(scaled)?;
            let sum = g.sum(squares, &axes, true)?;
            let root = g.call(&arithmetic::SQRT, &[sum])?;
            let norm = g.multiply(scale, root)?;
            let to = reduced(g.shape(x), &axes, attributes.flag("keepdims"));
            g.reshape(norm, &to)
        }
    }
};

/// A balanced tree of products: differentiated, it multiplies each element's cotangent by all others and never divides.
const PROD_EXPANSION: Expansion = |g, args, attributes| {
    let (x, axes) = (args[0], axes_of(attributes));
    let result = reduced(g.shape(x), &axes, attributes.flag("keepdims"));
    let sizes = g.shape(x).sizes().to_vec();
    let others: Vec<usize> = (0..sizes.len()).filter(|axis| !axes.contains(axis)).collect();
    let order: Vec<usize> = axes.iter().chain(&others).copied().collect();
    let mut left: usize = axes.iter().map(|&axis| sizes[axis]).product();
    if left == 0 {
        return g.full(&result, 1.0);
    }
    let rest: usize = others.iter().map(|&axis| sizes[axis]).product();
    let rows = g.permute(x, &order)?;
    let mut rows = g.reshape(rows, &Shape::from([left, rest]))?;
    while left > 1 {
        let half = left / 2;
        let part = |g: &mut Builder, from: usize, to: usize| {
            let bounds = |value| Value::Bounds(vec![Some(value as i64)]);
            g.apply(&shape::SLICE, &[rows], Attributes::none().with("start", bounds(from)).with("stop", bounds(to)))
        };
        let (first, second) = (part(g, 0, half)?, part(g, half, 2 * half)?);
        let product = g.multiply(first, second)?;
        rows = if left % 2 == 1 {
            let odd = part(g, left - 1, left)?;
            g.call(&shape::CONCAT, &[product, odd])?
        } else {
            product
        };
        left = left.div_ceil(2);
    }
    g.reshape(rows, &result)
};

const MEAN_EXPANSION: Expansion = |g, args, attributes| {
    let axes = axes_of(attributes);
    let count: usize = axes.iter().map(|&axis| g.shape(args[0]).sizes()[axis]).product();
    let sum = g.reduce(&SUM, args[0], &axes, attributes.flag("keepdims"))?;
    let count = g.number(count as f64);
    g.divide(sum, count)
};

const SPREAD_SHAPE: ShapeRule = |op, shapes, attributes| {
    let (result, attributes) = SHAPE(op, shapes, attributes)?;
    let correction = Value::Real(attributes.real("correction").unwrap_or(0.0).into());
    Ok((result, attributes.with("correction", correction)))
};

/// What the sum of squares is divided by.
fn freedom(g: &Builder, x: NodeId, attributes: &Attributes) -> f64 {
    let count: usize = axes_of(attributes).iter().map(|&axis| g.shape(x).sizes()[axis]).product();
    (count as f64 - attributes.real("correction").unwrap_or(0.0)).max(0.0)
}

/// x minus its mean, twice: the second time takes away what rounding left, so that equal elements have exactly none.
fn deviation(g: &mut Builder, x: NodeId, axes: &[usize]) -> Made {
    let mut rest = x;
    for _ in 0..2 {
        let mean = g.reduce(&MEAN, rest, axes, true)?;
        rest = g.subtract(rest, mean)?;
    }
    Ok(rest)
}

const VAR_EXPANSION: Expansion = |g, args, attributes| {
    let axes = axes_of(attributes);
    let rest = deviation(g, args[0], &axes)?;
    let squares = g.square(rest)?;
    let sum = g.sum(squares, &axes, attributes.flag("keepdims"))?;
    let freedom = freedom(g, args[0], attributes);
    let freedom = g.number(freedom);
    g.divide(sum, freedom)
};

const STD_EXPANSION: Expansion = |g, args, attributes| {
    let axes = axes_of(attributes);
    let rest = deviation(g, args[0], &axes)?;
    let norm = g.reduce(&VECTOR_NORM, rest, &axes, attributes.flag("keepdims"))?;
    let freedom = freedom(g, args[0], attributes);
    let root = g.number(freedom.sqrt());
    g.divide(norm, root)
};

const VAR_WEIGHT: Weight = |g, y| {
    let rest = deviation(g, y.args[0], &axes_of(y.attributes))?;
    let twice = g.scale(2.0, rest)?;
    let freedom = freedom(g, y.args[0], y.attributes);
    let freedom = g.number(freedom);
    g.divide(twice, freedom)
};

/// (x − mean)/((n − correction)·y), 0 where x is the mean: so 0 too where all are equal.
const STD_WEIGHT: Weight = |g, y| {
    let axes = axes_of(y.attributes);
    let rest = deviation(g, y.args[0], &axes)?;
    let freedom = freedom(g, y.args[0], y.attributes);
    let spread = kept(g, y.y, y.args[0], &axes)?;
    let spread = g.scale(freedom, spread)?;
    if freedom == 0.0 { g.divide(rest, spread) } else { g.call(&calculus::CHAIN_DIVIDE, &[rest, spread]) }
};

/// A reduction of one argument.
const fn reduction(name: &'static str, rule: Rule) -> Row {
    Row::new(name, Reduction, Arity::exactly(1), rule).takes(&[AXIS, KEEPDIMS])
}

rows! {
    SUM = reduction("sum", Rule::Primitive {
        shape: SHAPE,
        primitive: Primitive::Reduce(Fold::Sum),
        jvp: |g, y, dots| dots[0].map(|dot| g.apply(&SUM, &[dot], y.attributes.clone())).transpose(),
        vjp: |g, y, bar, _| {
            let bar = kept(g, bar, y.args[0], &axes_of(y.attributes))?;
            let to = g.shape(y.args[0]).clone();
            g.broadcast_to(bar, &to).map(Some)
        },
    }).says("the sum, in one fixed tree", "1 by each element");
    PROD = reduction("prod", Rule::Composite { shape: SHAPE, expansion: PROD_EXPANSION, derivative: None })
        .says("the product, in one fixed tree", "the product of all others, never y/xᵢ");
    MEAN = reduction("mean", Rule::Composite { shape: SHAPE, expansion: MEAN_EXPANSION, derivative: None })
        .says("the mean", "1/n by each element").at_edges("NaN over no elements");
    MAX = reduction("max", Rule::Primitive { shape: SHAPE_OF_SOME, primitive: Primitive::Reduce(Fold::Max), jvp: EXTREME_JVP, vjp: EXTREME_VJP })
        .says("the largest element", "1 for the largest").at_edges("ties share equally; NaN wins and takes the derivative")
        .kink_of(|y| y.any_group(|x, group| tied(x, y.y()[group])));
    MIN = reduction("min", Rule::Primitive { shape: SHAPE_OF_SOME, primitive: Primitive::Reduce(Fold::Min), jvp: EXTREME_JVP, vjp: EXTREME_VJP })
        .says("the smallest element", "1 for the smallest").at_edges("ties share equally; NaN wins and takes the derivative")
        .kink_of(|y| y.any_group(|x, group| tied(x, y.y()[group])));
    LOGSUMEXP = reduction("logsumexp", Rule::Composite {
        shape: SHAPE_OF_SOME,
        expansion: LOGSUMEXP_EXPANSION,
        derivative: Some((
            |g, y, dots| weighted_jvp(LOGSUMEXP_WEIGHT, g, y, dots),
            |g, y, bar, _| weighted_vjp(LOGSUMEXP_WEIGHT, g, y, bar),
        )),
    }).says("log Σ exp(x), shifted by the largest", "softmax(x)").at_edges("−∞ with derivative 0 where all are −∞")
        .kink_of(|y| y.y().contains(&f64::NEG_INFINITY)).costs(25);
    VECTOR_NORM = reduction("vector_norm", Rule::Composite {
        shape: |op, shapes, attributes| {
            let (shape, attributes) = SHAPE(op, shapes, attributes)?;
            let ord = attributes.text("ord").unwrap_or("2");
            Ok((shape, attributes.with("ord", Value::Text(ord))))
        },
        expansion: NORM_EXPANSION,
        derivative: Some((
            |g, y, dots| weighted_jvp(NORM_WEIGHT, g, y, dots),
            |g, y, bar, _| weighted_vjp(NORM_WEIGHT, g, y, bar),
        )),
    }).takes(&[AXIS, KEEPDIMS, ORD]).says("the norm of the elements along axes", "x/y; sign(x); sign(x) of the largest")
        .at_edges("derivative 0 where the norm is 0; for 1 where an element is; for inf, ties share equally")
        .kink_of(|y| match y.attributes.text("ord") {
            Some("1") => y.args[0].data.contains(&0.0),
            Some("inf") => y.any_group(|x, group| y.y()[group] == 0.0 || tied(x.map(f64::abs), y.y()[group])),
            _ => y.any_group(|x, group| y.y()[group] == 0.0 && x.next().is_some()),
        }).costs(10);
    VAR = reduction("var", Rule::Composite {
        shape: SPREAD_SHAPE,
        expansion: VAR_EXPANSION,
        derivative: Some((
            |g, y, dots| weighted_jvp(VAR_WEIGHT, g, y, dots),
            |g, y, bar, _| weighted_vjp(VAR_WEIGHT, g, y, bar),
        )),
    }).takes(&[AXIS, KEEPDIMS, CORRECTION]).says("the mean squared deviation from the mean, in two passes", "2·(x − mean)/(n − correction)")
        .at_edges("IEEE where n − correction is 0; less counts as 0").costs(5);
    STD = reduction("std", Rule::Composite {
        shape: SPREAD_SHAPE,
        expansion: STD_EXPANSION,
        derivative: Some((
            |g, y, dots| weighted_jvp(STD_WEIGHT, g, y, dots),
            |g, y, bar, _| weighted_vjp(STD_WEIGHT, g, y, bar),
        )),
    }).takes(&[AXIS, KEEPDIMS, CORRECTION]).says("the root of var, scaled so that no square overflows or vanishes", "(x − mean)/((n − correction)·y)")
        .at_edges("derivative 0 where all elements are equal; IEEE where n − correction is 0; less counts as 0")
        .kink_of(|y| y.any_group(|x, group| y.y()[group] == 0.0 && x.nth(1).is_some())).costs(12);
}

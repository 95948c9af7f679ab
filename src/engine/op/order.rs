//! Sorting, and what follows the order that sorts something else.
//!
//! A sorted line is linear where no two elements are equal; where some are, they share: each of their places moves with the mean of
//! them. The two linear maps are operators of their own, so that a derivative can be written down and differentiated again.

use super::axes::one_axis;
use super::facts::twins;
use super::row::rows;
use super::shape::attribute;
use super::{Arity, Attribute, AttributeKind, Attributes, Family, Primitive, Row, Rule, ShapeRule, Sorting, Value};
use crate::engine::Error;

const AXIS: Attribute = attribute("axis", AttributeKind::Int, false, "the axis; default the last, −1");
const DESCENDING: Attribute = attribute("descending", AttributeKind::Bool, false, "from the largest to the smallest; default false");
const NAN: &str = "ties share equally; NaN counts as the largest";

const SHAPE: ShapeRule = |op, shapes, attributes| {
    if let Some(other) = shapes.get(1).filter(|&other| *other != shapes[0]) {
        let detail = "both must have one shape".into();
        return Err(Error::ShapePair { op: op.name, left: shapes[0].clone(), right: other.clone(), detail });
    }
    let axis = one_axis(op, &attributes, -1, shapes[0].rank())?;
    let descending = if attributes.flag("descending") { Value::Bool(true) } else { Value::Null };
    Ok((shapes[0].clone(), Attributes::none().with("axis", Value::Int(axis as i64)).with("descending", descending)))
};

/// A row whose first argument is sorted.
const fn by_order(name: &'static str, family: Family, arguments: usize, rule: Rule) -> Row {
    Row::new(name, family, Arity::exactly(arguments), rule).takes(&[AXIS, DESCENDING]).at_edges(NAN).costs(60)
}

rows! {
    SORT = by_order("sort", Family::Shape, 1, Rule::Primitive {
        shape: SHAPE,
        primitive: Primitive::Sort(Sorting::Values),
        jvp: |g, y, dots| dots[0].map(|dot| g.apply(&TAKE_SORTED, &[y.args[0], dot], y.attributes.clone())).transpose(),
        vjp: |g, y, bar, _| g.apply(&PUT_SORTED, &[y.args[0], bar], y.attributes.clone()).map(Some),
    }).says("the elements along an axis in order", "1 by the element that comes to stand there").kink_of(|y| y.any_group(|x, _| twins(x)));
    TAKE_SORTED = by_order("take_sorted", Family::Calculus, 2, Rule::Primitive {
        shape: SHAPE,
        primitive: Primitive::Sort(Sorting::Take),
        jvp: |g, y, dots| dots[1].map(|dot| g.apply(&TAKE_SORTED, &[y.args[0], dot], y.attributes.clone())).transpose(),
        vjp: |g, y, bar, i| {
            if i == 0 { Ok(None) } else { g.apply(&PUT_SORTED, &[y.args[0], bar], y.attributes.clone()).map(Some) }
        },
    }).says("v in the order that sorts x along an axis; equals of x get the mean of what is theirs", "0 by x, linear in v");
    PUT_SORTED = by_order("put_sorted", Family::Calculus, 2, Rule::Primitive {
        shape: SHAPE,
        primitive: Primitive::Sort(Sorting::Put),
        jvp: |g, y, dots| dots[1].map(|dot| g.apply(&PUT_SORTED, &[y.args[0], dot], y.attributes.clone())).transpose(),
        vjp: |g, y, bar, i| {
            if i == 0 { Ok(None) } else { g.apply(&TAKE_SORTED, &[y.args[0], bar], y.attributes.clone()).map(Some) }
        },
    }).says("v put back from the order that sorts x along an axis: the transpose of take_sorted", "0 by x, linear in v");
}

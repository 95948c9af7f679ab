//! Functions given by their coefficients or by a table.

use super::axes::{fault, misfit};
use super::cumulative::LINEAR_RECURRENCE;
use super::row::rows;
use super::shape::{EXPAND_DIMS, INDEX, attribute};
use super::{Arity, Attribute, AttributeKind, Attributes, Family, Primitive, Row, Rule, ShapeRule, There, Value};
use crate::engine::Shape;
use crate::engine::exec::interpolate::Knots;

const XP: Attribute = attribute("xp", AttributeKind::Reals, true, "where the knots are, strictly ascending");
const FP: Attribute = attribute("fp", AttributeKind::Reals, true, "the value at each knot");

/// The knots of a canonical application.
pub(crate) fn knots(attributes: &Attributes) -> Knots {
    let list = |name| attributes.reals(name).map(|values| values.iter().map(|value| value.get()).collect()).unwrap_or_default();
    Knots { places: list("xp"), values: list("fp") }
}

/// Whether an element is where the slope changes.
fn at_knot(y: &There<'_>) -> bool {
    let places = knots(y.attributes).places;
    y.args[0].data.iter().any(|x| places.contains(x))
}

const SHAPE: ShapeRule = |op, shapes, attributes| {
    let Knots { places, values } = knots(&attributes);
    if places.is_empty() {
        return Err(fault(op, "xp", "has no knot"));
    }
    if let Some(place) = places.iter().chain(&values).find(|place| !place.is_finite()) {
        return Err(fault(op, "xp", format!("and fp must be finite, not {place}")));
    }
    if let Some(pair) = places.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(fault(op, "xp", format!("must ascend, but {} is followed by {}", pair[0], pair[1])));
    }
    if places.len() != values.len() {
        return Err(fault(op, "fp", format!("has {} values for {} knots", values.len(), places.len())));
    }
    Ok((shapes[0].clone(), attributes))
};

rows! {
    POLYVAL = Row::new("polyval", Family::Shape, Arity::exactly(2), Rule::Composite {
        shape: |op, shapes, attributes| match shapes[0].sizes() {
            [_] => Ok((shapes[1].clone(), attributes)),
            _ => Err(misfit(op, &shapes[0], "coefficients are a vector")),
        },
        // Horner's sᵢ = x·sᵢ₋₁ + cᵢ, the coefficients along a new first axis
        expansion: |g, args, _| {
            let (count, shape) = (g.shape(args[0]).elements(), g.shape(args[1]).clone());
            if count == 0 {
                return g.zeros(&shape);
            }
            let first = |axis| Attributes::none().with("axis", axis);
            let x = g.apply(&EXPAND_DIMS, &[args[1]], first(Value::Ints(vec![0])))?;
            let coefficients = g.reshape(args[0], &Shape::new([&[count][..], &vec![1; shape.rank()]].concat()))?;
            let steps = g.apply(&LINEAR_RECURRENCE, &[x, coefficients], first(Value::Int(0)))?;
            g.apply(&INDEX, &[steps], Attributes::none().with("at", Value::Ints(vec![count as i64 - 1])))
        },
        derivative: None,
    }).says("the polynomial with these coefficients, that of the highest power first, at each x, by Horner's rule", "by x: the derived polynomial; by each coefficient: its power of x")
        .at_edges("0 without coefficients").costs(4);
    INTERP = Row::new("interp", Family::Shape, Arity::exactly(1), Rule::Primitive {
        shape: SHAPE,
        primitive: Primitive::Interpolate { slope: false },
        jvp: |g, y, dots| {
            let Some(dot) = dots[0] else { return Ok(None) };
            let slope = g.apply(&INTERP_SLOPE, y.args, y.attributes.clone())?;
            g.chain(slope, dot).map(Some)
        },
        vjp: |g, y, bar, _| {
            let slope = g.apply(&INTERP_SLOPE, y.args, y.attributes.clone())?;
            g.chain(slope, bar).map(Some)
        },
    }).takes(&[XP, FP]).says("piecewise linear between constant knots, and beyond them the value of the nearest", "the slope of the segment, 0 beyond the knots")
        .at_edges("at a knot the slope nearest to 0 between those of its two sides, so 0 at the ends and where the signs differ")
        .kink_of(at_knot).costs(20);
    INTERP_SLOPE = Row::new("interp_slope", Family::Calculus, Arity::exactly(1), Rule::Primitive {
        shape: SHAPE,
        primitive: Primitive::Interpolate { slope: true },
        jvp: |_, _, _| Ok(None),
        vjp: |_, _, _, _| Ok(None),
    }).takes(&[XP, FP]).says("the derivative of interp", "0").at_edges("derivative 0 everywhere, at the knots and at NaN too")
        .kink_of(at_knot).costs(20);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Error;
    use crate::engine::graph::Builder;

    fn fault_of(places: &[f64], values: &[f64]) -> Option<Error> {
        let list = |values: &[f64]| Value::Reals(values.iter().map(|&value| value.into()).collect());
        let mut g = Builder::default();
        let x = g.number(1.0);
        g.apply(&INTERP, &[x], Attributes::none().with("xp", list(places)).with("fp", list(values))).err()
    }

    #[test]
    fn knots_ascend_and_have_values() {
        assert_eq!(fault_of(&[0.0, 1.0], &[2.0, 3.0]), None);
        assert_eq!(fault_of(&[0.5], &[2.0]), None);
        for (places, values) in [
            (&[][..], &[][..]),
            (&[0.0, 0.0], &[1.0, 2.0]),
            (&[1.0, 0.0], &[1.0, 2.0]),
            (&[0.0, 1.0], &[1.0]),
            (&[0.0, f64::NAN], &[1.0, 2.0]),
            (&[0.0, f64::INFINITY], &[1.0, 2.0]),
            (&[0.0, 1.0], &[1.0, f64::INFINITY]),
        ] {
            assert!(matches!(fault_of(places, values), Some(Error::Attribute { .. })), "{places:?} {values:?}");
        }
    }
}

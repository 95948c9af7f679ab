//! Circular functions.

use std::f64::consts::PI;

use super::row::rows;
use super::{Family, Partial, Row, arithmetic, calculus, logic};
use crate::engine::exec::elementwise::{elementwise, together};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::vmath::{self, quick};
use Family::Trigonometric;

/// 1/√((1 − x)(1 + x))
fn over_root(g: &mut Builder, x: NodeId) -> Made {
    let product = one_minus_square(g, x)?;
    let root = g.call(&arithmetic::SQRT, &[product])?;
    g.reciprocal(root)
}

/// (1 − x)(1 + x), as 1 − x² rounded once: it keeps its digits next to ±1, and its derivative −2x those next to 0.
pub(super) fn one_minus_square(g: &mut Builder, x: NodeId) -> Made {
    let (one, minus) = (g.number(1.0), g.negative(x)?);
    g.call(&arithmetic::FMA, &[minus, x, one])
}

rows! {
    SIN = Row::scalar("sin", Trigonometric, elementwise!(Unary, |x| vmath::sin(x), quick quick::sin(x)), |g, y, _| Ok(Partial::Node(g.call(&COS, &[y.args[0]])?)))
        .says("sine of x radians", "cos x").at_edges("NaN at ±∞").costs(25)
        .shares_with(|| &COS, together!(|x, b, c| vmath::sin(x), vmath::cos(x), quick quick::sin(x), quick::cos(x)));
    COS = Row::scalar("cos", Trigonometric, elementwise!(Unary, |x| vmath::cos(x), quick quick::cos(x)), |g, y, _| {
        let sin = g.call(&SIN, &[y.args[0]])?;
        Ok(Partial::Node(g.negative(sin)?))
    }).says("cosine of x radians", "−sin x").at_edges("NaN at ±∞").costs(25).shared_by(|| &SIN);
    TAN = Row::scalar("tan", Trigonometric, elementwise!(Unary, |x| vmath::tan(x)), |g, y, _| {
        let cos = g.call(&COS, &[y.args[0]])?;
        let square = g.square(cos)?;
        Ok(Partial::Node(g.reciprocal(square)?))
    }).says("tangent of x radians", "1/cos²x").at_edges("NaN at ±∞").costs(40);
    ASIN = Row::scalar("asin", Trigonometric, elementwise!(Unary, |x| vmath::asin(x), quick quick::asin(x)), |g, y, _| Ok(Partial::Node(over_root(g, y.args[0])?)))
        .alias(&["arcsin"]).says("inverse sine", "1/√((1 − x)(1 + x))").at_edges("NaN for |x| > 1; derivative +∞ at ±1")
        .pole(|x| x[0].abs() == 1.0).costs(30);
    ACOS = Row::scalar("acos", Trigonometric, elementwise!(Unary, |x| vmath::acos(x), quick quick::acos(x)), |g, y, _| {
        let over = over_root(g, y.args[0])?;
        Ok(Partial::Node(g.negative(over)?))
    }).alias(&["arccos"]).says("inverse cosine", "−1/√((1 − x)(1 + x))").at_edges("NaN for |x| > 1; derivative −∞ at ±1")
        .pole(|x| x[0].abs() == 1.0).costs(30);
    ATAN = Row::scalar("atan", Trigonometric, elementwise!(Unary, |x| vmath::atan(x), quick quick::atan(x)), |g, y, _| {
        // where x² would overflow, 1/x² is the same and still there
        let (x, one, far) = (y.args[0], g.number(1.0), g.number(1e100));
        let size = g.call(&arithmetic::ABS, &[x])?;
        let far = g.call(&logic::GREATER, &[size, far])?;
        let below = g.call(&arithmetic::FMA, &[x, x, one])?;
        let (near, over) = (g.reciprocal(below)?, g.reciprocal(x)?);
        let tail = g.square(over)?;
        Ok(Partial::Node(g.select(far, tail, near)?))
    }).alias(&["arctan"]).says("inverse tangent", "1/(1 + x²)").costs(30);
    ATAN2 = Row::scalar("atan2", Trigonometric, elementwise!(Binary, |a, b| vmath::atan2(a, b)), |g, y, i| {
        let length = g.call(&arithmetic::HYPOT, y.args)?;
        let other = if i == 0 { y.args[1] } else { g.negative(y.args[0])? };
        let unit = g.call(&calculus::CHAIN_DIVIDE, &[other, length])?;
        Ok(Partial::Node(g.call(&calculus::CHAIN_DIVIDE, &[unit, length])?))
    }).alias(&["arctan2"]).says("the angle of (x, y) for atan2(y, x), in (−π, π]", "x/(x² + y²), −y/(x² + y²), scaled")
        .at_edges("derivative 0 at (0, 0); across the jump at y = 0 > x that beside it")
        .kink(|x| x[0] == 0.0 && x[1] <= 0.0).costs(40);
    SINC = Row::scalar("sinc", Trigonometric, elementwise!(Unary, |x| vmath::sinc(x, 0)), |g, y, _| {
        let one = g.number(1.0);
        Ok(Partial::Node(g.call(&calculus::SINC_DERIVATIVE, &[one, y.args[0]])?))
    }).says("sin(πx)/(πx), 1 at 0", "(cos(πx) − y)/x, by series near 0").at_edges("exactly 0 at the other integers").costs(30);
    SINPI = Row::scalar("sinpi", Trigonometric, elementwise!(Unary, |x| vmath::sinpi(x)), |g, y, _| {
        let cos = g.call(&COSPI, &[y.args[0]])?;
        Ok(Partial::Node(g.scale(PI, cos)?))
    }).says("sin(πx), exact at integers", "π·cos(πx)").costs(25);
    COSPI = Row::scalar("cospi", Trigonometric, elementwise!(Unary, |x| vmath::cospi(x)), |g, y, _| {
        let sin = g.call(&SINPI, &[y.args[0]])?;
        Ok(Partial::Node(g.scale(-PI, sin)?))
    }).says("cos(πx), exact at half-integers", "−π·sin(πx)").costs(25);
}

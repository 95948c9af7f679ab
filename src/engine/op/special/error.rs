//! The error function, the normal distribution and their inverses.

use std::f64::consts::FRAC_2_SQRT_PI;

use super::super::row::rows;
use super::super::{Family, Partial, Row, calculus, exponential};
use crate::engine::exec::elementwise::elementwise;
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::vmath::{self, quick};
use Family::Special;

/// 1/√(2π)
const INVERSE_ROOT_TWO_PI: f64 = 0.398_942_280_401_432_7;
/// √π/2
const HALF_ROOT_PI: f64 = 0.886_226_925_452_758;

/// c·exp(s·x²)
fn gaussian(g: &mut Builder, x: NodeId, c: f64, s: f64) -> Made {
    let square = g.square(x)?;
    let power = if s == 1.0 { square } else { g.scale(s, square)? };
    let bell = g.call(&exponential::EXP, &[power])?;
    g.scale(c, bell)
}

/// φ(x), the density of the standard normal distribution.
pub(in super::super) fn normal_density(g: &mut Builder, x: NodeId) -> Made {
    gaussian(g, x, INVERSE_ROOT_TWO_PI, -0.5)
}

/// The first derivative as a function of its own.
fn first_derivative(g: &mut Builder, op: &'static Row, x: NodeId) -> Result<Partial, crate::engine::Error> {
    let one = g.number(1.0);
    Ok(Partial::Node(g.call(op, &[one, x])?))
}

rows! {
    ERF = Row::scalar("erf", Special, elementwise!(Unary, |x| vmath::erf(x), quick quick::erf(x)), |g, y, _| Ok(Partial::Node(gaussian(g, y.args[0], FRAC_2_SQRT_PI, -1.0)?)))
        .says("error function", "2/√π·exp(−x²)").costs(40);
    ERFC = Row::scalar("erfc", Special, elementwise!(Unary, |x| vmath::erfc(x), quick quick::erfc(x)), |g, y, _| Ok(Partial::Node(gaussian(g, y.args[0], -FRAC_2_SQRT_PI, -1.0)?)))
        .says("1 − erf(x) without cancellation", "−2/√π·exp(−x²)").costs(40);
    ERFCX = Row::scalar("erfcx", Special, elementwise!(Unary, |x| vmath::erfcx(x), quick quick::erfcx(x)), |g, y, _| first_derivative(g, &calculus::ERFCX_DERIVATIVE, y.args[0]))
        .says("exp(x²)·erfc(x), scaled so that its tail is 1/(√π·x)", "2x·y − 2/√π, by an integral of one sign").costs(40);
    ERFINV = Row::scalar("erfinv", Special, elementwise!(Unary, |x| vmath::erfinv(x)), |g, y, _| Ok(Partial::Node(gaussian(g, y.y, HALF_ROOT_PI, 1.0)?)))
        .says("the inverse of erf", "√π/2·exp(y²)").at_edges("±∞ at ±1 with derivative +∞; NaN beyond")
        .pole(|x| x[0].abs() == 1.0).costs(150);
    NDTR = Row::scalar("ndtr", Special, elementwise!(Unary, |x| vmath::ndtr(x), quick quick::ndtr(x)), |g, y, _| Ok(Partial::Node(normal_density(g, y.args[0])?)))
        .alias(&["Phi"]).says("Φ(x), the standard normal distribution function", "φ(x) = exp(−x²/2)/√(2π)").costs(40);
    LOG_NDTR = Row::scalar("log_ndtr", Special, elementwise!(Unary, |x| vmath::log_ndtr(x), quick quick::log_ndtr(x)), |g, y, _| {
        first_derivative(g, &calculus::LOG_NDTR_DERIVATIVE, y.args[0])
    }).says("log Φ(x) without cancellation", "φ(x)/Φ(x), through erfcx").costs(60);
    NDTRI = Row::scalar("ndtri", Special, elementwise!(Unary, |x| vmath::ndtri(x)), |g, y, _| {
        Ok(Partial::Node(g.call(&calculus::NDTRI_SLOPE, &[y.args[0]])?))
    }).says("the inverse of Φ", "1/φ(y), by Φ(y) = x").at_edges("∓∞ at 0 and 1 with derivative +∞; NaN outside")
        .pole(|x| x[0] == 0.0 || x[0] == 1.0).costs(400);
}

//! Special functions.

use std::f64::consts::FRAC_2_SQRT_PI;

use super::facts::gamma_pole;
use super::row::rows;
use super::{Family, Partial, Row, exponential};
use crate::engine::exec::elementwise::elementwise;
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::vmath;
use Family::Special;

/// 1/√(2π)
const INVERSE_ROOT_TWO_PI: f64 = 0.398_942_280_401_432_7;

/// The highest order of polygamma and of sinc's derivatives.
const HIGHEST_ORDER: f64 = 64.0;

/// c·exp(−s·x²)
fn gaussian(g: &mut Builder, x: NodeId, c: f64, s: f64) -> Made {
    let square = g.square(x)?;
    let power = g.scale(-s, square)?;
    let bell = g.call(&exponential::EXP, &[power])?;
    g.scale(c, bell)
}

/// φ(x), the density of the standard normal distribution.
pub(super) fn normal_density(g: &mut Builder, x: NodeId) -> Made {
    gaussian(g, x, INVERSE_ROOT_TWO_PI, 0.5)
}

/// A non-negative integer argument as an order, `None` for anything else.
pub(super) fn order(n: f64) -> Option<u32> {
    (n.trunc() == n && (0.0..=HIGHEST_ORDER).contains(&n)).then_some(n as u32)
}

rows! {
    ERF = Row::scalar("erf", Special, elementwise!(Unary, |x| vmath::erf(x)), |g, y, _| Ok(Partial::Node(gaussian(g, y.args[0], FRAC_2_SQRT_PI, 1.0)?)))
        .says("error function", "2/√π·exp(−x²)").costs(40);
    ERFC = Row::scalar("erfc", Special, elementwise!(Unary, |x| vmath::erfc(x)), |g, y, _| Ok(Partial::Node(gaussian(g, y.args[0], -FRAC_2_SQRT_PI, 1.0)?)))
        .says("1 − erf(x) without cancellation", "−2/√π·exp(−x²)").costs(40);
    NDTR = Row::scalar("ndtr", Special, elementwise!(Unary, |x| vmath::ndtr(x)), |g, y, _| Ok(Partial::Node(normal_density(g, y.args[0])?)))
        .alias(&["Phi"]).says("Φ(x), the standard normal distribution function", "φ(x) = exp(−x²/2)/√(2π)").costs(40);
    GAMMALN = Row::scalar("gammaln", Special, elementwise!(Unary, |x| vmath::gammaln(x)), |g, y, _| Ok(Partial::Node(g.call(&DIGAMMA, &[y.args[0]])?)))
        .alias(&["lgamma", "loggamma"]).says("log|Γ(x)|", "ψ(x)").at_edges("+∞ at 0, −1, −2, …")
        .pole(|x| gamma_pole(x[0])).costs(50);
    DIGAMMA = Row::scalar("digamma", Special, elementwise!(Unary, |x| vmath::digamma(x)), |g, y, _| {
        let one = g.number(1.0);
        Ok(Partial::Node(g.call(&POLYGAMMA, &[one, y.args[0]])?))
    }).alias(&["psi"]).says("ψ(x), the derivative of log Γ(x)", "ψ′(x)").at_edges("∓∞ at ±0; NaN at −1, −2, …")
        .pole(|x| gamma_pole(x[0])).costs(50);
    POLYGAMMA = Row::scalar("polygamma", Special, elementwise!(Binary, |n, x| order(n).map_or(f64::NAN, |n| vmath::polygamma(n, x))), |g, y, i| {
        if i == 0 {
            return Ok(Partial::Zero);
        }
        let one = g.number(1.0);
        let next = g.add(y.args[0], one)?;
        Ok(Partial::Node(g.call(&POLYGAMMA, &[next, y.args[1]])?))
    }).says("the n-th derivative of ψ(x), for an integer n from 0 to 64", "polygamma(n + 1, x) by x").at_edges("NaN for any other n; derivative 0 by n")
        .pole(|x| order(x[0]).is_some() && gamma_pole(x[1])).costs(80);
}

//! Bessel functions.

use super::super::row::rows;
use super::super::{Application, Family, Partial, Row, calculus, logic};
use super::moved;
use crate::engine::Error;
use crate::engine::exec::elementwise::elementwise;
use crate::engine::graph::Builder;
use crate::engine::graph::algebra::Made;
use crate::engine::vmath;
use Family::Special;

/// (J_(n−1)(x) − J_(n+1)(x))/2: the other recurrences divide by x, and cancel next to 0.
pub(in super::super) fn j_derivative(g: &mut Builder, y: Application<'_>) -> Made {
    let &[n, x] = y.args else { return Ok(y.y) };
    let (below, above) = (moved(g, n, -1.0)?, moved(g, n, 1.0)?);
    let (below, above) = (g.call(&calculus::JN, &[below, x])?, g.call(&calculus::JN, &[above, x])?);
    half_difference(g, below, above)
}

/// (Y_(n−1)(x) − Y_(n+1)(x))/2, and −Y_(n+1)(x) next to 0, where both have overflowed and the second is far larger.
pub(in super::super) fn y_derivative(g: &mut Builder, y: Application<'_>) -> Made {
    let &[n, x] = y.args else { return Ok(y.y) };
    let (below, above) = (moved(g, n, -1.0)?, moved(g, n, 1.0)?);
    let (below, above) = (g.call(&calculus::YN, &[below, x])?, g.call(&calculus::YN, &[above, x])?);
    let (difference, end) = (half_difference(g, below, above)?, g.negative(above)?);
    let finite = g.call(&logic::ISFINITE, &[above])?;
    g.select(finite, difference, end)
}

fn half_difference(g: &mut Builder, a: crate::engine::graph::NodeId, b: crate::engine::graph::NodeId) -> Made {
    let difference = g.subtract(a, b)?;
    g.scale(0.5, difference)
}

/// The rule of order n, for a function that has it in its name.
fn of_order(g: &mut Builder, y: Application<'_>, n: f64, rule: fn(&mut Builder, Application<'_>) -> Made) -> Result<Partial, Error> {
    let n = g.number(n);
    Ok(Partial::Node(rule(g, Application { args: &[n, y.args[0]], ..y })?))
}

fn first_derivative(g: &mut Builder, op: &'static Row, y: Application<'_>) -> Result<Partial, Error> {
    let one = g.number(1.0);
    Ok(Partial::Node(g.call(op, &[one, y.args[0]])?))
}

rows! {
    J0 = Row::scalar("j0", Special, elementwise!(Unary, |x| vmath::j0(x)), |g, y, _| {
        let next = g.call(&J1, &[y.args[0]])?;
        Ok(Partial::Node(g.negative(next)?))
    }).says("J₀(x), the Bessel function of the first kind of order 0", "−J₁(x)").costs(60);
    J1 = Row::scalar("j1", Special, elementwise!(Unary, |x| vmath::j1(x)), |g, y, _| of_order(g, y, 1.0, j_derivative))
        .says("J₁(x), the Bessel function of the first kind of order 1", "(J₀(x) − J₂(x))/2").costs(60);
    Y0 = Row::scalar("y0", Special, elementwise!(Unary, |x| vmath::y0(x)), |g, y, _| {
        let next = g.call(&Y1, &[y.args[0]])?;
        Ok(Partial::Node(g.negative(next)?))
    }).says("Y₀(x), the Bessel function of the second kind of order 0", "−Y₁(x)").at_edges("−∞ at 0 with derivative +∞; NaN for x < 0")
        .pole(|x| x[0] == 0.0).costs(80);
    Y1 = Row::scalar("y1", Special, elementwise!(Unary, |x| vmath::y1(x)), |g, y, _| of_order(g, y, 1.0, y_derivative))
        .says("Y₁(x), the Bessel function of the second kind of order 1", "(Y₀(x) − Y₂(x))/2").at_edges("−∞ at 0 with derivative +∞; NaN for x < 0")
        .pole(|x| x[0] == 0.0).costs(80);
    I0E = Row::scalar("i0e", Special, elementwise!(Wide, |x| vmath::i0e(x)), |g, y, _| first_derivative(g, &calculus::I0E_DERIVATIVE, y))
        .says("exp(−|x|)·I₀(x), the scaled modified Bessel function of order 0", "I₁ scaled − sign(x)·y, without cancellation").at_edges("derivative 0 at 0")
        .kink(|x| x[0] == 0.0).costs(800);
    I1E = Row::scalar("i1e", Special, elementwise!(Wide, |x| vmath::i1e(x)), |g, y, _| first_derivative(g, &calculus::I1E_DERIVATIVE, y))
        .says("exp(−|x|)·I₁(x), the scaled modified Bessel function of order 1", "by an integral; ½ at 0").at_edges("second derivative 0 at 0, the mean of both sides").costs(800);
}

//! Activation functions of neural networks.

use super::row::rows;
use super::special::error;
use super::{Family, Partial, Row, calculus, logic};
use crate::engine::exec::elementwise::elementwise;
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::vmath::{self, quick};
use Family::Activation;

/// σ(x)·σ(−x) = sech²(x/2)/4, which keeps its digits in both tails and, differentiated again, around 0.
fn sigmoid_derivative(g: &mut Builder, x: NodeId) -> Made {
    let half = g.scale(0.5, x)?;
    let sech2 = g.call(&calculus::SECH2, &[half])?;
    g.scale(0.25, sech2)
}

rows! {
    RELU = Row::scalar("relu", Activation, elementwise!(Unary, |x| vmath::relu(x)), |g, y, _| {
        let zero = g.number(0.0);
        let off = g.call(&logic::LESS_EQUAL, &[y.args[0], zero])?;
        Ok(Partial::WhereNot(off))
    }).says("max(x, 0)", "1 for x > 0, else 0").at_edges("derivative 0 at 0; NaN passes, and its derivative")
        .kink(|x| x[0] == 0.0);
    SIGMOID = Row::scalar("sigmoid", Activation, elementwise!(Unary, |x| vmath::sigmoid(x), quick quick::sigmoid(x)), |g, y, _| {
        Ok(Partial::Node(sigmoid_derivative(g, y.args[0])?))
    }).alias(&["expit"]).says("σ(x) = 1/(1 + e⁻ˣ)", "σ(x)·σ(−x)").costs(25);
    LOG_SIGMOID = Row::scalar("log_sigmoid", Activation, elementwise!(Unary, |x| vmath::log_sigmoid(x), quick quick::log_sigmoid(x)), |g, y, _| {
        let minus = g.negative(y.args[0])?;
        Ok(Partial::Node(g.call(&SIGMOID, &[minus])?))
    }).says("log σ(x)", "σ(−x)").costs(45);
    SOFTPLUS = Row::scalar("softplus", Activation, elementwise!(Unary, |x| vmath::softplus(x), quick quick::softplus(x)), |g, y, _| {
        Ok(Partial::Node(g.call(&SIGMOID, &[y.args[0]])?))
    }).says("log(1 + eˣ)", "σ(x)").costs(45);
    GELU = Row::scalar("gelu", Activation, elementwise!(Unary, |x| vmath::gelu(x), quick quick::gelu(x)), |g, y, _| {
        let x = y.args[0];
        let distribution = g.call(&error::NDTR, &[x])?;
        let density = error::normal_density(g, x)?;
        let slope = g.chain(x, density)?;
        Ok(Partial::Node(g.add(distribution, slope)?))
    }).says("x·Φ(x), exact", "Φ(x) + x·φ(x)").costs(40);
    SILU = Row::scalar("silu", Activation, elementwise!(Unary, |x| vmath::silu(x), quick quick::silu(x)), |g, y, _| {
        let x = y.args[0];
        let sigmoid = g.call(&SIGMOID, &[x])?;
        let derivative = sigmoid_derivative(g, x)?;
        let slope = g.chain(x, derivative)?;
        Ok(Partial::Node(g.add(sigmoid, slope)?))
    }).alias(&["swish"]).says("x·σ(x)", "σ(x) + x·σ(x)·σ(−x)").costs(26);
}

//! Exponentials and logarithms.

use std::f64::consts::{LN_2, LOG2_E, LOG10_E};

use super::row::rows;
use super::{Family, Partial, Row, activation, calculus, logic};
use crate::engine::exec::elementwise::elementwise;
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::vmath::{self, quick};
use Family::Exponential;

/// c/x, but NaN for x < 0 and +∞ at −0.0: the derivative of a logarithm lives where the logarithm does.
fn over_domain(g: &mut Builder, c: f64, x: NodeId) -> Made {
    let x = g.call(&calculus::NONNEGATIVE, &[x])?;
    if c == 1.0 {
        return g.reciprocal(x);
    }
    let c = g.number(c);
    g.divide(c, x)
}

rows! {
    EXP = Row::scalar("exp", Exponential, elementwise!(Unary, |x| vmath::exp(x), quick quick::exp(x)), |_, y, _| Ok(Partial::Node(y.y)))
        .says("eˣ", "y").costs(20);
    EXP2 = Row::scalar("exp2", Exponential, elementwise!(Unary, |x| vmath::exp2(x), quick quick::exp2(x)), |g, y, _| {
        // next to overflow the derivative is still there when the value no longer is
        let (x, one, high) = (y.args[0], g.number(1.0), g.number(1000.0));
        let less = g.subtract(x, one)?;
        let half = g.call(&EXP2, &[less])?;
        let (large, usual) = (g.scale(2.0 * LN_2, half)?, g.scale(LN_2, y.y)?);
        let high = g.call(&logic::GREATER, &[x, high])?;
        Ok(Partial::Node(g.select(high, large, usual)?))
    }).says("2ˣ", "y·ln 2").costs(20);
    EXPM1 = Row::scalar("expm1", Exponential, elementwise!(Unary, |x| vmath::expm1(x), quick quick::expm1(x)), |g, y, _| Ok(Partial::Node(g.call(&EXP, &[y.args[0]])?)))
        .says("eˣ − 1 without cancellation", "eˣ").costs(25);
    LOG = Row::scalar("log", Exponential, elementwise!(Unary, |x| vmath::log(x), quick quick::log(x)), |g, y, _| Ok(Partial::Node(over_domain(g, 1.0, y.args[0])?)))
        .alias(&["ln"]).says("natural logarithm", "1/x").at_edges("−∞ at 0 with derivative +∞; NaN for x < 0, derivative too")
        .pole(|x| x[0] == 0.0).costs(20);
    LOG2 = Row::scalar("log2", Exponential, elementwise!(Unary, |x| vmath::log2(x), quick quick::log2(x)), |g, y, _| {
        Ok(Partial::Node(over_domain(g, LOG2_E, y.args[0])?))
    }).says("logarithm to base 2", "1/(x·ln 2)").at_edges("as log").pole(|x| x[0] == 0.0).costs(20);
    LOG10 = Row::scalar("log10", Exponential, elementwise!(Unary, |x| vmath::log10(x), quick quick::log10(x)), |g, y, _| {
        Ok(Partial::Node(over_domain(g, LOG10_E, y.args[0])?))
    }).says("logarithm to base 10", "1/(x·ln 10)").at_edges("as log").pole(|x| x[0] == 0.0).costs(20);
    LOG1P = Row::scalar("log1p", Exponential, elementwise!(Unary, |x| vmath::log1p(x), quick quick::log1p(x)), |g, y, _| {
        let one = g.number(1.0);
        let x = g.add(one, y.args[0])?;
        Ok(Partial::Node(over_domain(g, 1.0, x)?))
    }).says("log(1 + x) without cancellation", "1/(1 + x)").at_edges("as log, at −1").pole(|x| x[0] == -1.0).costs(25);
    LOGADDEXP = Row::scalar("logaddexp", Exponential, elementwise!(Binary, |a, b| vmath::logaddexp(a, b)), |g, y, i| {
        let difference = g.subtract(y.args[i], y.args[1 - i])?;
        let share = g.call(&activation::SIGMOID, &[difference])?;
        let (bottom, zero) = (g.number(f64::NEG_INFINITY), g.number(0.0));
        let empty = g.call(&logic::EQUAL, &[y.y, bottom])?;
        Ok(Partial::Node(g.select(empty, zero, share)?))
    }).says("log(eᵃ + eᵇ), shifted", "σ(a − b), σ(b − a)").at_edges("−∞ with derivative 0 where both are −∞")
        .kink(|x| x[0] == f64::NEG_INFINITY && x[1] == f64::NEG_INFINITY).costs(40);
    LOG1MEXP = Row::scalar("log1mexp", Exponential, elementwise!(Unary, |x| vmath::log1mexp(x)), |g, y, _| {
        // not −1/(e⁻ˣ − 1), whose divisor overflows where the quotient does not vanish yet
        let (power, less) = (g.call(&EXP, y.args)?, g.call(&EXPM1, y.args)?);
        let rest = g.negative(less)?;
        let rest = g.call(&calculus::NONNEGATIVE, &[rest])?;
        let over = g.divide(power, rest)?;
        Ok(Partial::Node(g.negative(over)?))
    }).says("log(1 − eˣ) for x ≤ 0", "eˣ/(eˣ − 1)").at_edges("−∞ at 0 with derivative −∞; NaN for x > 0").pole(|x| x[0] == 0.0).costs(40);
    XLOGY = Row::scalar("xlogy", Exponential, elementwise!(Binary, |x, y| vmath::xlogy(x, y)), |g, y, i| {
        Ok(Partial::Node(if i == 0 { g.call(&LOG, &[y.args[1]])? } else {
            let below = g.call(&calculus::NONNEGATIVE, &[y.args[1]])?;
            g.call(&calculus::CHAIN_DIVIDE, &[y.args[0], below])?
        }))
    }).says("x·log y, 0 where x = 0", "log y, x/y").at_edges("xlogy(0, y) = 0 for every y but NaN, with log y as its derivative by x")
        .pole(|x| x[1] == 0.0 && (x[0] != 0.0 || x.active(0)) && !x[0].is_nan()).edge(|x| x.moves_at(0, 0.0) && x[1] < 0.0).costs(20);
    XLOG1PY = Row::scalar("xlog1py", Exponential, elementwise!(Binary, |x, y| vmath::xlog1py(x, y)), |g, y, i| {
        Ok(Partial::Node(if i == 0 { g.call(&LOG1P, &[y.args[1]])? } else {
            let one = g.number(1.0);
            let below = g.add(one, y.args[1])?;
            let below = g.call(&calculus::NONNEGATIVE, &[below])?;
            g.call(&calculus::CHAIN_DIVIDE, &[y.args[0], below])?
        }))
    }).says("x·log(1 + y), 0 where x = 0", "log(1 + y), x/(1 + y)").at_edges("as xlogy, at y = −1")
        .pole(|x| x[1] == -1.0 && (x[0] != 0.0 || x.active(0)) && !x[0].is_nan()).edge(|x| x.moves_at(0, 0.0) && x[1] < -1.0).costs(25);
}

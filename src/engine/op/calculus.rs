//! What derivatives are made of: the chain rule's own products and the careful forms that have no other name.
//!
//! They are operators like all others, so that a derivative is a graph that can be differentiated, printed and sent back.

use super::arithmetic::number;
use super::row::rows;
use super::special::bessel::{j_derivative, y_derivative};
use super::special::{error, next_derivative, order, signed_order};
use super::{Family, Partial, Row, hyperbolic, special};
use crate::engine::exec::elementwise::elementwise;
use crate::engine::exec::opcode::Opcode;
use crate::engine::vmath::{self, quick};
use Family::Calculus;

/// a·b, and +0.0 where either is 0: always the positive zero, so that a term which carries nothing never shows in a bit.
pub(crate) const fn chain_product(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

/// a ÷ b, and +0.0 where a is 0.
pub(crate) const fn chain_quotient(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { a / b }
}

/// x where it is not negative, with −0.0 as +0.0; else NaN.
pub(crate) const fn nonnegative(x: f64) -> f64 {
    if x >= 0.0 { x + 0.0 } else { f64::NAN }
}

rows! {
    CHAIN_MULTIPLY = Row::scalar("chain_multiply", Calculus, elementwise!(Binary, |a, b| chain_product(a, b)), |_, y, i| Ok(Partial::Node(y.args[1 - i])))
        .inlined(Opcode::Chain).says("a·b, but 0 where either is 0, even if the other is infinite or NaN: the product of the chain rule", "b, a").costs(2);
    CHAIN_DIVIDE = Row::scalar("chain_divide", Calculus, elementwise!(Binary, |a, b| chain_quotient(a, b)), |g, y, i| {
        Ok(Partial::Node(if i == 0 { g.reciprocal(y.args[1])? } else {
            let quotient = g.call(&CHAIN_DIVIDE, &[y.y, y.args[1]])?;
            g.negative(quotient)?
        }))
    }).inlined(Opcode::ChainDivide).says("a ÷ b, but 0 where a is 0, whatever b is", "1/b, −y/b")
        .pole(|x| x[1] == 0.0 && x[0] != 0.0 && !x[0].is_nan()).costs(5);
    NONNEGATIVE = Row::scalar("nonnegative", Calculus, elementwise!(Unary, |x| nonnegative(x)), |_, _, _| Ok(Partial::One))
        .inlined(Opcode::Nonnegative).says("x where x ≥ 0, with −0.0 as 0.0; NaN for x < 0: keeps a derivative to the domain of its function", "1").costs(2);
    SAME = Row::step("same", Calculus, elementwise!(Binary, |a, b| number(a == b || (a.is_nan() && b.is_nan()))))
        .is("1 where a = b or both are NaN: who shares the derivative of a largest or smallest").costs(2);
    SECH2 = Row::scalar("sech2", Calculus, elementwise!(Unary, |x| vmath::sech2(x), quick quick::sech2(x)), |g, y, _| {
        let tanh = g.call(&hyperbolic::TANH, &[y.args[0]])?;
        let product = g.multiply(tanh, y.y)?;
        Ok(Partial::Node(g.scale(-2.0, product)?))
    }).says("1/cosh²x, by exp(−2|x|)", "−2·tanh(x)·y").costs(30);
    SINC_DERIVATIVE = Row::scalar("sinc_derivative", Calculus, elementwise!(Binary, |n, x| order(n).map_or(f64::NAN, |n| vmath::sinc(x, n))), |g, y, i| {
        if i == 0 { Ok(Partial::Zero) } else { next_derivative(g, &SINC_DERIVATIVE, y, 0) }
    }).says("the n-th derivative of sinc at x, for an integer n from 0 to 64", "sinc_derivative(n + 1, x) by x").costs(60);
    ERFCX_DERIVATIVE = Row::scalar("erfcx_derivative", Calculus, elementwise!(Wide, |n, x| order(n).map_or(f64::NAN, |n| vmath::erfcx_derivative(n, x))), |g, y, i| {
        if i == 0 { Ok(Partial::Zero) } else { next_derivative(g, &ERFCX_DERIVATIVE, y, 0) }
    }).says("the n-th derivative of erfcx at x, for an integer n from 0 to 16", "erfcx_derivative(n + 1, x) by x").costs(1500);
    LOG_NDTR_DERIVATIVE = Row::scalar("log_ndtr_derivative", Calculus, elementwise!(Wide, |n, x| {
        order(n).map_or(f64::NAN, |n| vmath::log_ndtr_derivative(n, x))
    }), |g, y, i| {
        if i == 0 { Ok(Partial::Zero) } else { next_derivative(g, &LOG_NDTR_DERIVATIVE, y, 0) }
    }).says("the n-th derivative of log_ndtr at x, for an integer n from 0 to 16", "log_ndtr_derivative(n + 1, x) by x").costs(3000);
    NDTRI_SLOPE = Row::scalar("ndtri_slope", Calculus, elementwise!(Wide, |x| vmath::ndtri_slope(x)), |g, y, _| {
        let (at, square) = (g.call(&error::NDTRI, y.args)?, g.square(y.y)?);
        Ok(Partial::Node(g.multiply(at, square)?))
    }).says("the derivative of ndtri at x, 1/φ(ndtri(x)) without the rounding of ndtri(x)", "ndtri(x)·y²").costs(500);
    POLYGAMMA_DIFFERENCE = Row::scalar("polygamma_difference", Calculus, elementwise!(Wide, |n, a, b| {
        order(n).map_or(f64::NAN, |n| vmath::polygamma_difference(n, a, b))
    }), |g, y, i| {
        let &[n, a, b] = y.args else { return Ok(Partial::Zero) };
        match i {
            0 => Ok(Partial::Zero),
            1 => next_derivative(g, &POLYGAMMA_DIFFERENCE, y, 0),
            _ => {
                let (next, sum) = (special::moved(g, n, 1.0)?, g.add(a, b)?);
                Ok(Partial::Node(g.call(&special::gamma::POLYGAMMA, &[next, sum])?))
            }
        }
    }).says("polygamma(n, a + b) − polygamma(n, a) without cancellation, for an integer n from 0 to 64", "the same of order n + 1, polygamma(n + 1, a + b)").costs(1000);
    GAMMAINC_DERIVATIVE = Row::scalar("gammainc_derivative", Calculus, elementwise!(Wide, |m, n, a, x| match (order(m), order(n)) {
        (Some(m), Some(n)) => vmath::gammainc_derivative(m, n, a, x),
        _ => f64::NAN,
    }), |g, y, i| {
        if i < 2 { Ok(Partial::Zero) } else { next_derivative(g, &GAMMAINC_DERIVATIVE, y, i - 2) }
    }).says("gammainc(a, x) differentiated m times by a and n times by x, for integers m and n from 0 to 16", "the same with m + 1 by a, with n + 1 by x").costs(5000);
    BETAINC_DERIVATIVE = Row::scalar("betainc_derivative", Calculus, elementwise!(Wide, |k, m, n, a, b, x| match (order(k), order(m), order(n)) {
        (Some(k), Some(m), Some(n)) => vmath::betainc_derivative(k, m, n, a, b, x),
        _ => f64::NAN,
    }), |g, y, i| {
        if i < 3 { Ok(Partial::Zero) } else { next_derivative(g, &BETAINC_DERIVATIVE, y, i - 3) }
    }).says("betainc(a, b, x) differentiated k times by a, m times by b and n times by x, for integers with k + m and n from 0 to 16",
        "the same with k + 1 by a, with m + 1 by b, with n + 1 by x").costs(20000);
    JN = Row::scalar("jn", Calculus, elementwise!(Wide, |n, x| signed_order(n).map_or(f64::NAN, |n| vmath::jn(n, x))), |g, y, i| {
        Ok(if i == 0 { Partial::Zero } else { Partial::Node(j_derivative(g, y)?) })
    }).says("J_n(x), the Bessel function of the first kind of an integer order n from −64 to 64", "(jn(n − 1, x) − jn(n + 1, x))/2 by x").costs(150);
    YN = Row::scalar("yn", Calculus, elementwise!(Wide, |n, x| signed_order(n).map_or(f64::NAN, |n| vmath::yn(n, x))), |g, y, i| {
        Ok(if i == 0 { Partial::Zero } else { Partial::Node(y_derivative(g, y)?) })
    }).says("Y_n(x), the Bessel function of the second kind of an integer order n from −64 to 64", "(yn(n − 1, x) − yn(n + 1, x))/2 by x")
        .at_edges("±∞ at 0; NaN for x < 0")
        .pole(|x| x[1] == 0.0).costs(200);
    I0E_DERIVATIVE = Row::scalar("i0e_derivative", Calculus, elementwise!(Wide, |n, x| order(n).map_or(f64::NAN, |n| vmath::i0e_derivative(n, x))), |g, y, i| {
        if i == 0 { Ok(Partial::Zero) } else { next_derivative(g, &I0E_DERIVATIVE, y, 0) }
    }).says("the n-th derivative of i0e at x, for an integer n from 0 to 16", "i0e_derivative(n + 1, x) by x").at_edges("at 0 the mean of both sides").costs(800);
    I1E_DERIVATIVE = Row::scalar("i1e_derivative", Calculus, elementwise!(Wide, |n, x| order(n).map_or(f64::NAN, |n| vmath::i1e_derivative(n, x))), |g, y, i| {
        if i == 0 { Ok(Partial::Zero) } else { next_derivative(g, &I1E_DERIVATIVE, y, 0) }
    }).says("the n-th derivative of i1e at x, for an integer n from 0 to 16", "i1e_derivative(n + 1, x) by x").at_edges("at 0 the mean of both sides").costs(800);
}

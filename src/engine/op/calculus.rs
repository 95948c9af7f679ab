//! What derivatives are made of: the chain rule's own products and the careful forms that have no other name.
//!
//! They are operators like all others, so that a derivative is a graph that can be differentiated, printed and sent back.

use super::arithmetic::number;
use super::row::rows;
use super::special::order;
use super::{Family, Partial, Row, hyperbolic};
use crate::engine::exec::elementwise::elementwise;
use crate::engine::vmath;
use Family::Calculus;

/// a·b, and +0.0 where either is 0: always the positive zero, so that a term which carries nothing never shows in a bit.
pub(crate) const fn chain_product(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

rows! {
    CHAIN_MULTIPLY = Row::scalar("chain_multiply", Calculus, elementwise!(Binary, |a, b| chain_product(a, b)), |_, y, i| Ok(Partial::Node(y.args[1 - i])))
        .says("a·b, but 0 where either is 0, even if the other is infinite or NaN: the product of the chain rule", "b, a").costs(2);
    CHAIN_DIVIDE = Row::scalar("chain_divide", Calculus, elementwise!(Binary, |a, b| if a == 0.0 { 0.0 } else { a / b }), |g, y, i| {
        Ok(Partial::Node(if i == 0 { g.reciprocal(y.args[1])? } else {
            let quotient = g.call(&CHAIN_DIVIDE, &[y.y, y.args[1]])?;
            g.negative(quotient)?
        }))
    }).says("a ÷ b, but 0 where a is 0, whatever b is", "1/b, −y/b")
        .pole(|x| x[1] == 0.0 && x[0] != 0.0 && !x[0].is_nan()).costs(5);
    NONNEGATIVE = Row::scalar("nonnegative", Calculus, elementwise!(Unary, |x| if x >= 0.0 { x + 0.0 } else { f64::NAN }), |_, _, _| Ok(Partial::One))
        .says("x where x ≥ 0, with −0.0 as 0.0; NaN for x < 0: keeps a derivative to the domain of its function", "1").costs(2);
    SAME = Row::step("same", Calculus, elementwise!(Binary, |a, b| number(a == b || (a.is_nan() && b.is_nan()))))
        .is("1 where a = b or both are NaN: who shares the derivative of a largest or smallest").costs(2);
    SECH2 = Row::scalar("sech2", Calculus, elementwise!(Unary, |x| vmath::sech2(x)), |g, y, _| {
        let tanh = g.call(&hyperbolic::TANH, &[y.args[0]])?;
        let product = g.multiply(tanh, y.y)?;
        Ok(Partial::Node(g.scale(-2.0, product)?))
    }).says("1/cosh²x, by exp(−2|x|)", "−2·tanh(x)·y").costs(30);
    SINC_DERIVATIVE = Row::scalar("sinc_derivative", Calculus, elementwise!(Binary, |n, x| order(n).map_or(f64::NAN, |n| vmath::sinc(x, n))), |g, y, i| {
        if i == 0 {
            return Ok(Partial::Zero);
        }
        let one = g.number(1.0);
        let next = g.add(y.args[0], one)?;
        Ok(Partial::Node(g.call(&SINC_DERIVATIVE, &[next, y.args[1]])?))
    }).says("the n-th derivative of sinc at x, for an integer n from 0 to 64", "sinc_derivative(n + 1, x) by x").costs(60);
}

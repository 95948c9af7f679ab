//! Hyperbolic functions.

use super::row::rows;
use super::{Family, Partial, Row, arithmetic, calculus, trigonometric};
use crate::engine::exec::elementwise::elementwise;
use crate::engine::vmath::{self, quick};
use Family::Hyperbolic;

rows! {
    SINH = Row::scalar("sinh", Hyperbolic, elementwise!(Unary, |x| vmath::sinh(x), quick quick::sinh(x)), |g, y, _| Ok(Partial::Node(g.call(&COSH, &[y.args[0]])?)))
        .says("hyperbolic sine", "cosh x").costs(30);
    COSH = Row::scalar("cosh", Hyperbolic, elementwise!(Unary, |x| vmath::cosh(x), quick quick::cosh(x)), |g, y, _| Ok(Partial::Node(g.call(&SINH, &[y.args[0]])?)))
        .says("hyperbolic cosine", "sinh x").costs(30);
    TANH = Row::scalar("tanh", Hyperbolic, elementwise!(Unary, |x| vmath::tanh(x), quick quick::tanh(x)), |g, y, _| Ok(Partial::Node(g.call(&calculus::SECH2, &[y.args[0]])?)))
        .says("hyperbolic tangent", "1/cosh²x, by exp(−2|x|)").costs(30);
    ASINH = Row::scalar("asinh", Hyperbolic, elementwise!(Unary, |x| vmath::asinh(x)), |g, y, _| {
        let one = g.number(1.0);
        let below = g.call(&arithmetic::HYPOT, &[one, y.args[0]])?;
        Ok(Partial::Node(g.reciprocal(below)?))
    }).alias(&["arcsinh"]).says("inverse hyperbolic sine", "1/√(1 + x²), scaled").costs(40);
    ACOSH = Row::scalar("acosh", Hyperbolic, elementwise!(Unary, |x| vmath::acosh(x)), |g, y, _| {
        let one = g.number(1.0);
        let (below, above) = (g.subtract(y.args[0], one)?, g.add(y.args[0], one)?);
        let (below, above) = (g.call(&arithmetic::SQRT, &[below])?, g.call(&arithmetic::SQRT, &[above])?);
        let product = g.multiply(below, above)?;
        Ok(Partial::Node(g.reciprocal(product)?))
    }).alias(&["arccosh"]).says("inverse hyperbolic cosine", "1/(√(x − 1)·√(x + 1))").at_edges("NaN for x < 1; derivative +∞ at 1").pole(|x| x[0] == 1.0).costs(40);
    ATANH = Row::scalar("atanh", Hyperbolic, elementwise!(Unary, |x| vmath::atanh(x)), |g, y, _| {
        let product = trigonometric::one_minus_square(g, y.args[0])?;
        let product = g.call(&calculus::NONNEGATIVE, &[product])?;
        Ok(Partial::Node(g.reciprocal(product)?))
    }).alias(&["arctanh"]).says("inverse hyperbolic tangent", "1/((1 − x)(1 + x))").at_edges("±∞ at ±1 with derivative +∞; NaN beyond")
        .pole(|x| x[0].abs() == 1.0).costs(40);
}

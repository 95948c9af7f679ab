//! Arithmetic, powers and roots.

use super::row::rows;
use super::{Family, Partial, Row, calculus, exponential, logic, rounding};
use crate::engine::Tensor;
use crate::engine::exec::elementwise::{elementwise, together};
use crate::engine::exec::opcode::Opcode;
use crate::engine::graph::Kind;
use crate::engine::vmath::{self, quick};
use Family::Arithmetic;

/// xʸ, where the square and the reciprocal are the correctly rounded ones: `simplify` may then write them as such.
#[inline(always)]
fn power(x: f64, y: f64) -> f64 {
    if y == 2.0 {
        x * x
    } else if y == -1.0 {
        1.0 / x
    } else {
        vmath::pow(x, y)
    }
}

/// The quick form of [`power`] leaves these two to it.
#[inline(always)]
fn quick_power(x: f64, y: f64) -> f64 {
    if y == 2.0 || y == -1.0 { f64::NAN } else { quick::pow(x, y) }
}

rows! {
    ADD = Row::scalar("add", Arithmetic, elementwise!(Binary, |a, b| a + b), |_, _, _| Ok(Partial::One))
        .alias(&["+"]).variadic().inlined(Opcode::Add).says("a + b + …, from the left", "1 by each");
    SUBTRACT = Row::scalar("subtract", Arithmetic, elementwise!(Binary, |a, b| a - b), |_, _, i| {
        Ok(if i == 0 { Partial::One } else { Partial::MinusOne })
    }).alias(&["sub", "-"]).inlined(Opcode::Subtract).says("a − b", "1, −1");
    MULTIPLY = Row::scalar("multiply", Arithmetic, elementwise!(Binary, |a, b| a * b), |_, y, i| Ok(Partial::Node(y.args[1 - i])))
        .alias(&["mul", "*"]).variadic().inlined(Opcode::Multiply).says("a · b · …, from the left", "b, a");
    DIVIDE = Row::scalar("divide", Arithmetic, elementwise!(Binary, |a, b| a / b), |g, y, i| {
        let p = if i == 0 { g.reciprocal(y.args[1])? } else {
            let q = g.divide(y.y, y.args[1])?;
            g.negative(q)?
        };
        Ok(Partial::Node(p))
    }).alias(&["div", "/"]).inlined(Opcode::Divide).says("a ÷ b", "1/b, −y/b").at_edges("IEEE at b = 0")
        .pole(|x| x[1] == 0.0 && x[0] != 0.0 && !x[0].is_nan()).costs(4);
    NEGATIVE = Row::scalar("negative", Arithmetic, elementwise!(Unary, |x| -x), |_, _, _| Ok(Partial::MinusOne))
        .alias(&["neg"]).inlined(Opcode::Negative).says("−x", "−1");
    POW = Row::scalar("pow", Arithmetic, elementwise!(Binary, |x, y| power(x, y), quick quick_power(x, y)), |g, y, i| {
        let (base, exponent) = (y.args[0], y.args[1]);
        if i == 1 {
            let log = g.call(&exponential::LOG, &[base])?;
            let inside = g.chain(y.y, log)?;
            let zero = g.number(0.0);
            let outside = g.call(&logic::LESS, &[base, zero])?;
            return Ok(Partial::Node(g.select(outside, log, inside)?));
        }
        if let Kind::Constant(n) = g.kind(exponent) {
            if n.data().iter().all(|&n| n == 0.0) {
                return Ok(Partial::Zero);
            }
            if n.data().iter().all(|&n| n == 1.0) {
                return Ok(Partial::One);
            }
        }
        // of a constant the constant below it, so that the next derivative knows it, too
        let below = match g.kind(exponent) {
            Kind::Constant(n) => Tensor::new(n.shape().clone(), n.data().iter().map(|n| n - 1.0).collect()),
            Kind::Input(_) | Kind::Apply { .. } => None,
        };
        let less = match below {
            Some(below) => g.constant(below),
            None => { let one = g.number(1.0); g.subtract(exponent, one)? }
        };
        let power = g.call(&POW, &[base, less])?;
        Ok(Partial::Node(g.chain(exponent, power)?))
    }).alias(&["^", "**", "power"]).says("x to the y; pow(x, 0) = 1 and pow(1, y) = 1 even at NaN", "y·x^(y−1), x^y·ln x")
        .at_edges("by x: 0 where y = 0, at every x; by y: 0 at x = 0 < y, NaN for x < 0")
        .pole(|x| x[0] == 0.0 && (x[1] < 0.0 || x.active(0) && x[1] > 0.0 && x[1] < 1.0 || x.moves_at(1, 0.0)))
        .edge(|x| x.active(1) && x[0] < 0.0).costs(40)
        .shares_with(|| &POW, together!(|x, y, z| power(x, y), power(x, z), quick quick_power(x, y), quick_power(x, z)));
    RECIPROCAL = Row::scalar("reciprocal", Arithmetic, elementwise!(Unary, |x| 1.0 / x), |g, y, _| {
        let square = g.square(y.y)?;
        Ok(Partial::Node(g.negative(square)?))
    }).inlined(Opcode::Reciprocal).says("1 ÷ x", "−y²").at_edges("IEEE at 0").pole(|x| x[0] == 0.0).costs(4);
    SQUARE = Row::scalar("square", Arithmetic, elementwise!(Unary, |x| x * x), |g, y, _| Ok(Partial::Node(g.scale(2.0, y.args[0])?)))
        .inlined(Opcode::Square).says("x²", "2x");
    SQRT = Row::scalar("sqrt", Arithmetic, elementwise!(Unary, |x| x.sqrt()), |g, y, _| {
        // + 0 turns the root of −0.0 into +0.0, so that the pole is the one-sided limit +∞
        let (half, zero) = (g.number(0.5), g.number(0.0));
        let root = g.add(y.y, zero)?;
        Ok(Partial::Node(g.divide(half, root)?))
    }).inlined(Opcode::Sqrt).says("√x", "1/(2y)").at_edges("NaN for x < 0; derivative +∞ at 0").pole(|x| x[0] == 0.0).costs(5);
    RSQRT = Row::scalar("rsqrt", Arithmetic, elementwise!(Unary, |x| vmath::rsqrt(x), quick quick::rsqrt(x)), |g, y, _| {
        let half = g.scale(-0.5, y.y)?;
        let over = g.reciprocal(y.args[0])?;
        Ok(Partial::Node(g.multiply(half, over)?))
    }).says("1/√x", "−y/(2x)").at_edges("NaN for x < 0; derivative −∞ at 0").pole(|x| x[0] == 0.0).costs(8);
    CBRT = Row::scalar("cbrt", Arithmetic, elementwise!(Unary, |x| vmath::cbrt(x)), |g, y, _| {
        let square = g.square(y.y)?;
        let third = g.number(1.0 / 3.0);
        Ok(Partial::Node(g.divide(third, square)?))
    }).says("∛x", "1/(3y²)").at_edges("derivative +∞ at 0").pole(|x| x[0] == 0.0).costs(20);
    ABS = Row::scalar("abs", Arithmetic, elementwise!(Unary, |x| x.abs()), |g, y, _| Ok(Partial::Node(g.call(&SIGN, &[y.args[0]])?)))
        .inlined(Opcode::Absolute).alias(&["Abs", "absolute", "fabs"]).says("|x|", "sign(x)").at_edges("derivative 0 at 0").kink(|x| x[0] == 0.0);
    SIGN = Row::step("sign", Arithmetic, elementwise!(Unary, |x| vmath::sign(x))).is("−1, 0 or 1; NaN at NaN").kink(|x| x[0] == 0.0);
    FMA = Row::scalar("fma", Arithmetic, elementwise!(Ternary, |a, b, c| a.mul_add(b, c)), |_, y, i| {
        Ok(if i == 2 { Partial::One } else { Partial::Node(y.args[1 - i]) })
    }).says("a·b + c, rounded once", "b, a, 1").costs(2);
    REMAINDER = Row::scalar("remainder", Arithmetic, elementwise!(Binary, |a, b| vmath::remainder(a, b)), |g, y, i| {
        let nan = g.call(&logic::ISNAN, &[y.y])?;
        let inside = if i == 0 { g.number(1.0) } else {
            let whole = g.subtract(y.args[0], y.y)?;
            let quotient = g.divide(whole, y.args[1])?;
            let floor = g.call(&rounding::ROUND, &[quotient])?;
            g.negative(floor)?
        };
        Ok(Partial::Node(g.select(nan, y.y, inside)?))
    }).alias(&["mod", "Mod"]).says("a − b·⌊a/b⌋, of b's sign", "1, −⌊a/b⌋")
        .at_edges("NaN at b = 0; the jumps at multiples of b have the derivative beside them")
        .kink(|x| vmath::remainder(x[0], x[1]) == 0.0).costs(20);
    HYPOT = Row::scalar("hypot", Arithmetic, elementwise!(Binary, |a, b| vmath::hypot(a, b)), |g, y, i| {
        Ok(Partial::Node(g.call(&calculus::CHAIN_DIVIDE, &[y.args[i], y.y])?))
    }).says("√(a² + b²), scaled", "a/y, b/y").at_edges("derivative 0 at (0, 0); hypot(∞, NaN) = ∞")
        .kink(|x| x[0] == 0.0 && x[1] == 0.0).costs(15);
    LERP = Row::scalar("lerp", Arithmetic, elementwise!(Ternary, |a, b, t| vmath::lerp(a, b, t)), |g, y, i| {
        let &[a, b, t] = y.args else { return Ok(Partial::Zero) };
        Ok(Partial::Node(match i {
            0 => { let one = g.number(1.0); g.subtract(one, t)? }
            1 => t,
            _ => g.subtract(b, a)?,
        }))
    }).says("a + t·(b − a)", "1 − t, t, b − a").costs(3);
}

/// The weights with which operands tied for `y`, the largest or smallest of them, share its derivative equally.
pub(super) fn tie_weight(
    g: &mut crate::engine::graph::Builder,
    y: super::Application<'_>,
    i: usize,
) -> crate::engine::graph::algebra::Made {
    let mut count = None;
    let mut own = None;
    for (j, &arg) in y.args.iter().enumerate() {
        let same = g.call(&calculus::SAME, &[arg, y.y])?;
        if j == i {
            own = Some(same);
        }
        count = Some(match count {
            None => same,
            Some(count) => g.add(count, same)?,
        });
    }
    match (own, count) {
        (Some(own), Some(count)) => g.divide(own, count),
        _ => Ok(g.number(0.0)),
    }
}

/// `true` as the operators have it: everything but 0, NaN included.
pub(in crate::engine) const fn truth(x: f64) -> bool {
    x != 0.0
}

/// A truth value as a number.
pub(in crate::engine) const fn number(truth: bool) -> f64 {
    if truth { 1.0 } else { 0.0 }
}

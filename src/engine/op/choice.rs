//! One of several arguments. These route derivatives; they never multiply by a mask.

use super::arithmetic::{tie_weight, truth};
use super::facts::tied;
use super::row::rows;
use super::{Family, Partial, Row, arithmetic, logic};
use crate::engine::exec::elementwise::elementwise;
use crate::engine::exec::opcode::Opcode;
use crate::engine::graph::{Builder, NodeId};
use Family::Choice;

/// The larger; NaN where either is; +0.0 above −0.0.
pub(crate) const fn larger(a: f64, b: f64) -> f64 {
    if a > b {
        a
    } else if b > a {
        b
    } else if a == b {
        f64::from_bits(a.to_bits() & b.to_bits())
    } else {
        a + b
    }
}

/// The smaller; NaN where either is; −0.0 below +0.0.
pub(crate) const fn smaller(a: f64, b: f64) -> f64 {
    -larger(-a, -b)
}

rows! {
    WHERE = Row::scalar("where", Choice, elementwise!(Ternary, |c, a, b| if truth(c) { a } else { b }), |_, y, i| {
        Ok(match i {
            0 => Partial::Zero,
            1 => Partial::Where(y.args[0]),
            _ => Partial::WhereNot(y.args[0]),
        })
    }).inlined(Opcode::Where).alias(&["select", "if"]).says("a where c is not 0, else b", "passed to the chosen one").at_edges("a NaN condition counts as true");
    MAXIMUM = Row::scalar("maximum", Choice, elementwise!(Binary, |a, b| larger(a, b)), |g, y, i| Ok(Partial::Node(tie_weight(g, y, i)?)))
        .alias(&["Max"]).variadic().says("the largest argument", "1 for the largest").at_edges("ties share equally; NaN wins and takes the derivative")
        .kink(|x| tied(x.args().iter().copied(), x.args().iter().copied().fold(f64::NEG_INFINITY, larger))).costs(2);
    MINIMUM = Row::scalar("minimum", Choice, elementwise!(Binary, |a, b| smaller(a, b)), |g, y, i| Ok(Partial::Node(tie_weight(g, y, i)?)))
        .alias(&["Min"]).variadic().says("the smallest argument", "1 for the smallest").at_edges("ties share equally; NaN wins and takes the derivative")
        .kink(|x| tied(x.args().iter().copied(), x.args().iter().copied().fold(f64::INFINITY, smaller))).costs(2);
    CLIP = Row::scalar("clip", Choice, elementwise!(Ternary, |x, lo, hi| smaller(larger(x, lo), hi)), |g, y, i| {
        let &[x, lo, hi] = y.args else { return Ok(Partial::Zero) };
        // who is NaN makes the result NaN and takes the derivative
        let or_nan = |g: &mut Builder, chosen: NodeId, own: NodeId| {
            let nan = g.call(&logic::ISNAN, &[own])?;
            g.call(&logic::LOGICAL_OR, &[chosen, nan])
        };
        Ok(Partial::Node(match i {
            0 => {
                let (above, below) = (g.call(&logic::LESS, &[lo, x])?, g.call(&logic::LESS, &[x, hi])?);
                let inside = g.call(&logic::LOGICAL_AND, &[above, below])?;
                or_nan(g, inside, x)?
            }
            1 => {
                let (raised, allowed) = (g.call(&logic::LESS, &[x, lo])?, g.call(&logic::LESS, &[lo, hi])?);
                let chosen = g.call(&logic::LOGICAL_AND, &[raised, allowed])?;
                or_nan(g, chosen, lo)?
            }
            _ => {
                let raised = g.call(&MAXIMUM, &[x, lo])?;
                let chosen = g.call(&logic::LESS, &[hi, raised])?;
                or_nan(g, chosen, hi)?
            }
        }))
    }).says("min(max(x, lo), hi)", "1 for the one that is the value").at_edges("derivative by x is 0 at a bound")
        .kink(|x| x[0] == x[1] || x[0] == x[2] || x[1] == x[2] && (x.active(1) || x.active(2))).costs(3);
    COPYSIGN = Row::scalar("copysign", Choice, elementwise!(Binary, |a, b| a.copysign(b)), |g, y, i| {
        if i == 1 {
            return Ok(Partial::Zero);
        }
        let one = g.number(1.0);
        let to = g.call(&COPYSIGN, &[one, y.args[1]])?;
        let from = g.call(&arithmetic::SIGN, &[y.args[0]])?;
        Ok(Partial::Node(g.multiply(from, to)?))
    }).says("|a| with b's sign", "±1, 0").at_edges("derivative 0 at a = 0").kink(|x| x[0] == 0.0 || x.moves_at(1, 0.0));
}

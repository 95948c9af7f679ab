//! The gamma and beta functions, their logarithms and incomplete forms.

use super::super::facts::gamma_pole;
use super::super::row::rows;
use super::super::{Application, Family, Partial, Row, calculus};
use super::{next_derivative, order};
use crate::engine::Error;
use crate::engine::exec::elementwise::elementwise;
use crate::engine::graph::Builder;
use crate::engine::graph::algebra::Made;
use crate::engine::vmath;
use Family::Special;

/// ψ(a + b) − ψ(own), own being the argument i of (a, b): minus the derivative of log B(a, b).
fn digamma_difference(g: &mut Builder, y: Application<'_>, i: usize) -> Made {
    let zero = g.number(0.0);
    g.call(&calculus::POLYGAMMA_DIFFERENCE, &[zero, y.args[i], y.args[1 - i]])
}

/// The derivative by argument i of an incomplete function, whose derivatives of every order are `op`.
fn incomplete(g: &mut Builder, op: &'static Row, y: Application<'_>, i: usize) -> Made {
    let mut args = Vec::with_capacity(2 * y.args.len());
    for j in 0..y.args.len() {
        args.push(g.number(if i == j { 1.0 } else { 0.0 }));
    }
    args.extend_from_slice(y.args);
    g.call(op, &args)
}

fn negated(g: &mut Builder, partial: Made) -> Result<Partial, Error> {
    Ok(Partial::Node(g.negative(partial?)?))
}

rows! {
    GAMMA = Row::scalar("gamma", Special, elementwise!(Unary, |x| vmath::gamma(x)), |g, y, _| {
        let digamma = g.call(&DIGAMMA, &[y.args[0]])?;
        Ok(Partial::Node(g.multiply(y.y, digamma)?))
    }).says("Γ(x)", "Γ(x)·ψ(x)").at_edges("±∞ at ±0 with derivative −∞; NaN at −1, −2, …")
        .pole(|x| gamma_pole(x[0])).costs(300);
    GAMMALN = Row::scalar("gammaln", Special, elementwise!(Unary, |x| vmath::gammaln(x)), |g, y, _| Ok(Partial::Node(g.call(&DIGAMMA, &[y.args[0]])?)))
        .alias(&["lgamma", "loggamma"]).says("log|Γ(x)|", "ψ(x)").at_edges("+∞ at 0, −1, −2, …")
        .pole(|x| gamma_pole(x[0])).costs(50);
    DIGAMMA = Row::scalar("digamma", Special, elementwise!(Unary, |x| vmath::digamma(x)), |g, y, _| {
        let one = g.number(1.0);
        Ok(Partial::Node(g.call(&POLYGAMMA, &[one, y.args[0]])?))
    }).alias(&["psi"]).says("ψ(x), the derivative of log Γ(x)", "ψ′(x)").at_edges("∓∞ at ±0; NaN at −1, −2, …")
        .pole(|x| gamma_pole(x[0])).costs(50);
    POLYGAMMA = Row::scalar("polygamma", Special, elementwise!(Binary, |n, x| order(n).map_or(f64::NAN, |n| vmath::polygamma(n, x))), |g, y, i| {
        if i == 0 { Ok(Partial::Zero) } else { next_derivative(g, &POLYGAMMA, y, 0) }
    }).says("the n-th derivative of ψ(x), for an integer n from 0 to 64", "polygamma(n + 1, x) by x").at_edges("NaN for any other n; derivative 0 by n")
        .pole(|x| order(x[0]).is_some() && gamma_pole(x[1])).costs(80);
    BETA = Row::scalar("beta", Special, elementwise!(Wide, |a, b| vmath::beta(a, b)), |g, y, i| {
        let difference = digamma_difference(g, y, i)?;
        let product = g.multiply(y.y, difference);
        negated(g, product)
    }).says("B(a, b) = Γ(a)Γ(b)/Γ(a + b)", "B(a, b)·(ψ(a) − ψ(a + b)), likewise b, the difference without cancellation")
        .at_edges("SciPy's values where a or b is 0, −1, −2, …")
        .pole(|x| gamma_pole(x[0]) || gamma_pole(x[1])).costs(700);
    BETALN = Row::scalar("betaln", Special, elementwise!(Wide, |a, b| vmath::betaln(a, b)), |g, y, i| {
        let difference = digamma_difference(g, y, i);
        negated(g, difference)
    }).says("log|B(a, b)|", "ψ(a) − ψ(a + b), ψ(b) − ψ(a + b)").at_edges("+∞ where a or b is 0, −1, −2, … but for the finite values of beta")
        .pole(|x| gamma_pole(x[0]) || gamma_pole(x[1])).costs(700);
    GAMMAINC = Row::scalar("gammainc", Special, elementwise!(Wide, |a, x| vmath::gammainc(a, x)), |g, y, i| {
        Ok(Partial::Node(incomplete(g, &calculus::GAMMAINC_DERIVATIVE, y, i)?))
    }).says("P(a, x), the regularised lower incomplete gamma function: the gamma distribution", "by a an integral, x^(a − 1)·e⁻ˣ/Γ(a) by x")
        .at_edges("NaN for a < 0 or x < 0; 1 at a = 0 < x")
        .pole(|x| x.active(1) && x[1] == 0.0 && x[0] < 1.0).costs(4000);
    GAMMAINCC = Row::scalar("gammaincc", Special, elementwise!(Wide, |a, x| vmath::gammaincc(a, x)), |g, y, i| {
        let lower = incomplete(g, &calculus::GAMMAINC_DERIVATIVE, y, i);
        negated(g, lower)
    }).says("Q(a, x) = 1 − P(a, x) without cancellation", "those of gammainc, negated").at_edges("as gammainc")
        .pole(|x| x.active(1) && x[1] == 0.0 && x[0] < 1.0).costs(4000);
    BETAINC = Row::scalar("betainc", Special, elementwise!(Wide, |a, b, x| vmath::betainc(a, b, x)), |g, y, i| {
        Ok(Partial::Node(incomplete(g, &calculus::BETAINC_DERIVATIVE, y, i)?))
    }).says("I_x(a, b), the regularised incomplete beta function: betainc(a, b, x) is the beta distribution",
        "by a and b integrals, x^(a − 1)·(1 − x)^(b − 1)/B(a, b) by x").at_edges("NaN for a < 0, b < 0 or x outside [0, 1]")
        .pole(|x| x.active(2) && (x[2] == 0.0 && x[0] < 1.0 || x[2] == 1.0 && x[1] < 1.0)).costs(9000);
}

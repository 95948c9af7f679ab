//! Determinants and their derivatives, which singular matrices have, too.

use super::super::product::transposed;
use super::super::row::rows;
use super::super::{Application, Arity, Dense, Does, Family, Primitive, Row, Rule, Several};
use super::solving::INV;
use super::{directed, matrix, square, total};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::{Error, Shape};
use Family::{Calculus, LinearAlgebra};

/// One number a matrix, as wide as the matrix: shape ++ [1, 1].
pub(super) fn spread(g: &mut Builder, x: NodeId) -> Made {
    let to = Shape::new([g.shape(x).sizes(), &[1, 1]].concat());
    g.reshape(x, &to)
}

/// Σ aᵢⱼ·bᵢⱼ of each matrix, 0 where either is 0.
pub(super) fn inner(g: &mut Builder, a: NodeId, b: NodeId) -> Made {
    let product = g.chain(a, b)?;
    let rank = g.shape(product).rank();
    g.sum(product, &[rank - 2, rank - 1], false)
}

/// A⁻ᵀ
fn inverse_transposed(g: &mut Builder, a: NodeId) -> Made {
    let inverse = g.call(&INV, &[a])?;
    transposed(g, inverse)
}

/// The cofactors along one direction more; `None` where their degree is spent.
fn further(g: &mut Builder, y: Application<'_>, direction: NodeId) -> Result<Option<NodeId>, Error> {
    let (_, n, _) = matrix(&COFACTOR, g.shape(y.args[0]))?;
    let args = [y.args, &[direction]].concat();
    if args.len() > n { Ok(None) } else { g.call(&COFACTOR, &args).map(Some) }
}

/// The cofactors along another direction in the place of the i-th argument.
fn instead(g: &mut Builder, y: Application<'_>, i: usize, direction: NodeId) -> Made {
    let mut args = y.args.to_vec();
    args[i] = direction;
    g.call(&COFACTOR, &args)
}

rows! {
    DET = Row::new("det", LinearAlgebra, Arity::exactly(1), Rule::Primitive {
        shape: |op, shapes, attributes| square(op, &shapes[0]).map(|(batch, _)| (Shape::from(batch), attributes)),
        primitive: Primitive::Dense(Dense::Det),
        jvp: |g, y, dots| {
            let Some(dot) = dots[0] else { return Ok(None) };
            let cofactors = g.call(&COFACTOR, &[y.args[0]])?;
            inner(g, cofactors, dot).map(Some)
        },
        vjp: |g, y, bar, _| {
            let cofactors = g.call(&COFACTOR, &[y.args[0]])?;
            let bar = spread(g, bar)?;
            g.chain(cofactors, bar).map(Some)
        },
    }).says("the determinant; 1 of no rows", "the cofactors, never by way of the inverse: a singular matrix has a gradient").costs(10);
    SLOGDET = Row::new("slogdet", LinearAlgebra, Arity::exactly(1), Rule::Several {
        results: |op, shapes, attributes| square(op, &shapes[0]).map(|(batch, _)| (vec![Shape::from(batch); 2], attributes)),
        names: |_| ["sign", "logabsdet"].map(String::from).to_vec(),
        does: Does::Kernel(Several::Dense(Dense::Slogdet)),
        jvp: Some(|g, y, dots| {
            let Some(dot) = dots[0] else { return Ok(vec![None, None]) };
            let turned = inverse_transposed(g, y.args[0])?;
            Ok(vec![None, Some(inner(g, turned, dot)?)])
        }),
        vjp: Some(|g, y, bars, _| {
            let Some(bar) = bars[1] else { return Ok(vec![None]) };
            let turned = inverse_transposed(g, y.args[0])?;
            let bar = spread(g, bar)?;
            Ok(vec![Some(g.chain(turned, bar)?)])
        }),
        series: None,
    }).says("the sign of the determinant, and the logarithm of its size, which does not overflow", "0; A⁻ᵀ")
        .at_edges("of a singular matrix: sign 0 and −∞, the derivative infinite or NaN as A⁻ᵀ is")
        .pole_of(|y| y.results[1].data.contains(&f64::NEG_INFINITY)).costs(10);
    COFACTOR = Row::new("cofactor", Calculus, Arity { least: 1, most: Some(13) }, Rule::Primitive {
        shape: |op, shapes, attributes| directed(op, shapes).map(|shape| (shape, attributes)),
        primitive: Primitive::Dense(Dense::Cofactor),
        jvp: |g, y, dots| {
            let mut parts = Vec::new();
            for (i, &dot) in dots.iter().enumerate() {
                let Some(dot) = dot else { continue };
                parts.push(if i == 0 { further(g, y, dot)? } else { Some(instead(g, y, i, dot)?) });
            }
            total(g, parts)
        },
        // a symmetric form of all that it is given and of what it is paired with
        vjp: |g, y, bar, i| if i == 0 { further(g, y, bar) } else { instead(g, y, i, bar).map(Some) },
    }).says(
        "the matrix of cofactors, the gradient of det; with more arguments, its derivative along them in turn: 0 where one is all 0, whatever A is",
        "cofactor along one more direction",
    ).costs(20);
}

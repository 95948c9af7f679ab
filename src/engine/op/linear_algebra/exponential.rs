//! The exponential of a matrix. Its derivative L(A, E) along E is an operator of its own, whose derivatives are those of the upper
//! right block of exp((A E; 0 A)), so that every order is made of operators that are there.

use super::super::product::transposed;
use super::super::row::rows;
use super::super::{Arity, Dense, Family, Primitive, Row, Rule};
use super::{block, columns, joined, square};
use crate::engine::Error;
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use Family::{Calculus, LinearAlgebra};

/// (a b; c d), zeros where there is none.
fn blocks(g: &mut Builder, [a, b, c, d]: [Option<NodeId>; 4]) -> Made {
    let like = a.or(b).or(c).or(d).map(|part| g.shape(part).clone()).unwrap_or_default();
    let zeros = g.zeros(&like)?;
    let [a, b, c, d] = [a, b, c, d].map(|part| part.unwrap_or(zeros));
    let (top, bottom) = (joined(g, &[a, b], 1)?, joined(g, &[c, d], 1)?);
    joined(g, &[top, bottom], 2)
}

/// L(A, E)
fn along(g: &mut Builder, a: NodeId, e: NodeId) -> Made {
    g.call(&EXPM_DERIVATIVE, &[a, e])
}

rows! {
    EXPM = Row::new("expm", LinearAlgebra, Arity::exactly(1), Rule::Primitive {
        shape: |op, shapes, attributes| square(op, &shapes[0]).map(|_| (shapes[0].clone(), attributes)),
        primitive: Primitive::Dense(Dense::Expm),
        jvp: |g, y, dots| dots[0].map(|dot| along(g, y.args[0], dot)).transpose(),
        vjp: |g, y, bar, _| {
            let turned = transposed(g, y.args[0])?;
            along(g, turned, bar).map(Some)
        },
    }).says("the exponential of a matrix, Σ Aᵏ/k!, by scaling and squaring", "expm_derivative along Ȧ").at_edges("NaN where an entry is not finite").costs(80);
    EXPM_DERIVATIVE = Row::new("expm_derivative", Calculus, Arity::exactly(2), Rule::Primitive {
        shape: |op, shapes, attributes| {
            square(op, &shapes[0])?;
            if shapes[0] != shapes[1] {
                let detail = "a direction has the shape of the matrix".into();
                return Err(Error::ShapePair { op: op.name, left: shapes[0].clone(), right: shapes[1].clone(), detail });
            }
            Ok((shapes[0].clone(), attributes))
        },
        primitive: Primitive::Dense(Dense::ExpmDerivative),
        jvp: |g, y, dots| {
            let (a, e, n) = (y.args[0], y.args[1], columns(g, y.y));
            match (dots[0], dots[1]) {
                (None, None) => Ok(None),
                (None, Some(e_dot)) => along(g, a, e_dot).map(Some),
                (Some(a_dot), e_dot) => {
                    let at = blocks(g, [Some(a), Some(e), None, Some(a)])?;
                    let direction = blocks(g, [Some(a_dot), e_dot, None, Some(a_dot)])?;
                    let whole = along(g, at, direction)?;
                    block(g, whole, 0..n, n..2 * n).map(Some)
                }
            }
        },
        vjp: |g, y, bar, i| {
            let (a, e, n) = (y.args[0], y.args[1], columns(g, y.y));
            let turned = transposed(g, a)?;
            if i == 1 {
                return along(g, turned, bar).map(Some);
            }
            let e = transposed(g, e)?;
            let at = blocks(g, [Some(turned), None, Some(e), Some(turned)])?;
            let direction = blocks(g, [None, Some(bar), None, None])?;
            let whole = along(g, at, direction)?;
            let (first, second) = (block(g, whole, 0..n, 0..n)?, block(g, whole, n..2 * n, n..2 * n)?);
            g.add(first, second).map(Some)
        },
    }).says("the derivative of expm at A along E: 0 where E is all 0, whatever A is", "a block of expm_derivative of (A E; 0 A)").costs(240);
}

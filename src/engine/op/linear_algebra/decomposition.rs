//! Factors of matrices.

use super::super::product::{chain_matmul, transposed};
use super::super::row::rows;
use super::super::{Application, Arity, Attributes, Dense, Family, Primitive, Row, Rule, Value};
use super::solving::TRIANGULAR_SOLVE;
use super::{beside, matrix, minus, square, symmetric, total, triple, weighed};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::{Error, Shape};
use Family::LinearAlgebra;

/// L⁻¹·B or, transposed, L⁻ᵀ·B, of a lower triangle; columns of zeros stay so.
fn solve_lower(g: &mut Builder, l: NodeId, b: NodeId, transpose: bool) -> Made {
    let attributes = Attributes::none().with("lower", Value::Bool(true)).with("chain", Value::Bool(true));
    let attributes = attributes.with("transpose", if transpose { Value::Bool(true) } else { Value::Null });
    g.apply(&TRIANGULAR_SOLVE, &[l, b], attributes)
}

/// The lower triangle with half of the diagonal.
fn lower_half(g: &mut Builder, x: NodeId) -> Made {
    weighed(g, x, |i, j| if i == j { 0.5 } else { f64::from(u8::from(i > j)) })
}

/// The terms of the derivative of the pseudoinverse by Golub and Pereyra (1973), of constant rank, each for X = A⁺:
/// −X·Ȧ·X, X·Xᵀ·Ȧᵀ·(1 − A·X), (1 − X·A)·Ȧᵀ·Xᵀ·X.
struct Pseudoinverse {
    turned: NodeId,
    /// X·Xᵀ
    outer: NodeId,
    /// Xᵀ·X
    inner: NodeId,
    /// 1 − A·X
    beside_range: NodeId,
    /// 1 − X·A
    kernel: NodeId,
}

impl Pseudoinverse {
    fn of(g: &mut Builder, y: Application<'_>) -> Result<Pseudoinverse, Error> {
        let (a, x) = (y.args[0], y.y);
        let turned = transposed(g, x)?;
        let (range, kernel) = (chain_matmul(g, a, x)?, chain_matmul(g, x, a)?);
        Ok(Pseudoinverse {
            turned,
            outer: chain_matmul(g, x, turned)?,
            inner: chain_matmul(g, turned, x)?,
            beside_range: beside(g, range)?,
            kernel: beside(g, kernel)?,
        })
    }
}

rows! {
    CHOLESKY = Row::new("cholesky", LinearAlgebra, Arity::exactly(1), Rule::Primitive {
        shape: |op, shapes, attributes| square(op, &shapes[0]).map(|_| (shapes[0].clone(), attributes)),
        primitive: Primitive::Dense(Dense::Cholesky),
        jvp: |g, y, dots| {
            let Some(dot) = dots[0] else { return Ok(None) };
            let dot = symmetric(g, dot)?;
            let half = solve_lower(g, y.y, dot, false)?;
            let half = transposed(g, half)?;
            let whole = solve_lower(g, y.y, half, false)?;
            let lower = lower_half(g, whole)?;
            chain_matmul(g, y.y, lower).map(Some)
        },
        vjp: |g, y, bar, _| {
            let turned = transposed(g, y.y)?;
            let product = chain_matmul(g, turned, bar)?;
            let lower = lower_half(g, product)?;
            let half = solve_lower(g, y.y, lower, true)?;
            let half = transposed(g, half)?;
            let whole = solve_lower(g, y.y, half, true)?;
            symmetric(g, whole).map(Some)
        },
    }).says("the lower triangle L with L·Lᵀ = (A + Aᵀ)/2, its diagonal positive", "L·Φ(L⁻¹·Ȧ·L⁻ᵀ), Φ the lower triangle with half of the diagonal (Murray 2016)")
        .at_edges("NaN on and below the diagonal where the matrix is not positive definite").costs(5);
    PINV = Row::new("pinv", LinearAlgebra, Arity::exactly(1), Rule::Primitive {
        shape: |op, shapes, attributes| {
            let (batch, rows, columns) = matrix(op, &shapes[0])?;
            Ok((Shape::new([batch, &[columns, rows]].concat()), attributes))
        },
        primitive: Primitive::Dense(Dense::Pinv),
        jvp: |g, y, dots| {
            let Some(dot) = dots[0] else { return Ok(None) };
            let parts = Pseudoinverse::of(g, y)?;
            let turned = transposed(g, dot)?;
            let first = triple(g, y.y, dot, y.y)?;
            let first = minus(g, first)?;
            let second = triple(g, parts.outer, turned, parts.beside_range)?;
            let third = triple(g, parts.kernel, turned, parts.inner)?;
            total(g, [Some(first), Some(second), Some(third)])
        },
        vjp: |g, y, bar, _| {
            let parts = Pseudoinverse::of(g, y)?;
            let turned = transposed(g, bar)?;
            let first = triple(g, parts.turned, bar, parts.turned)?;
            let first = minus(g, first)?;
            let second = triple(g, parts.beside_range, turned, parts.outer)?;
            let third = triple(g, parts.inner, turned, parts.kernel)?;
            total(g, [Some(first), Some(second), Some(third)])
        },
    }).says(
        "the Moore–Penrose inverse; singular values up to max(m, n)·2⁻⁵² of the largest count as 0",
        "−Y·Ȧ·Y + Y·Yᵀ·Ȧᵀ·(1 − A·Y) + (1 − Y·A)·Ȧᵀ·Yᵀ·Y (Golub and Pereyra 1973)",
    ).at_edges("the derivative is the one among matrices of the same rank, the only one there is where the rank is not full").costs(100);
}

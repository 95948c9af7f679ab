//! Factors of matrices.

use super::super::product::{chain_matmul, transposed};
use super::super::row::rows;
use super::super::{
    Application, Arity, Array, Attributes, Dense, Does, Family, Primitive, Row, Rule, Several, SeveralJvpRule, SeveralVjpRule, Value, shape,
};
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

/// R⁻¹·B or, transposed, R⁻ᵀ·B, of an upper triangle; columns of zeros stay so.
fn solve_upper(g: &mut Builder, r: NodeId, b: NodeId, transpose: bool) -> Made {
    let attributes = Attributes::none().with("chain", Value::Bool(true));
    let attributes = attributes.with("transpose", if transpose { Value::Bool(true) } else { Value::Null });
    g.apply(&TRIANGULAR_SOLVE, &[r, b], attributes)
}

/// Q̇ and Ṙ of A = Q·R with no fewer rows than columns: with C = Qᵀ·Ȧ·R⁻¹ and T the upper triangle of C + Cᵀ, half of its diagonal,
/// Q̇ = Ȧ·R⁻¹ − Q·T and Ṙ = T·R.
fn factors_dot(g: &mut Builder, [q, r]: [NodeId; 2], dot: NodeId) -> Result<[NodeId; 2], Error> {
    let dot = transposed(g, dot)?;
    let quotient = solve_upper(g, r, dot, true)?;
    let quotient = transposed(g, quotient)?;
    let turned = transposed(g, q)?;
    let inside = chain_matmul(g, turned, quotient)?;
    let other = transposed(g, inside)?;
    let sum = g.add(inside, other)?;
    let upper = weighed(g, sum, |i, j| if i == j { 0.5 } else { f64::from(u8::from(i < j)) })?;
    let own = chain_matmul(g, q, upper)?;
    Ok([g.subtract(quotient, own)?, chain_matmul(g, upper, r)?])
}

/// Ā from Q̄ and R̄ of A = Q·R with no fewer rows than columns (Walter and Lehmann 2010): (Q̄ + Q·S)·R⁻ᵀ, S the symmetric matrix with
/// the lower triangle of R·R̄ᵀ − Q̄ᵀ·Q.
fn factors_bar(g: &mut Builder, [q, r]: [NodeId; 2], q_bar: Option<NodeId>, r_bar: Option<NodeId>) -> Result<Option<NodeId>, Error> {
    let by_r = match r_bar {
        None => None,
        Some(bar) => {
            let bar = transposed(g, bar)?;
            Some(chain_matmul(g, r, bar)?)
        }
    };
    let by_q = match q_bar {
        None => None,
        Some(bar) => {
            let bar = transposed(g, bar)?;
            let product = chain_matmul(g, bar, q)?;
            Some(minus(g, product)?)
        }
    };
    let Some(sum) = total(g, [by_r, by_q])? else { return Ok(None) };
    let lower = lower_half(g, sum)?;
    let upper = transposed(g, lower)?;
    let both = g.add(lower, upper)?;
    let own = chain_matmul(g, q, both)?;
    let Some(whole) = total(g, [q_bar, Some(own)])? else { return Ok(None) };
    let whole = transposed(g, whole)?;
    let solved = solve_upper(g, r, whole, false)?;
    transposed(g, solved).map(Some)
}

/// With fewer rows than columns A = (X Y) and R = (U V): X = Q·U is square, and V = Qᵀ·Y.
const QR_JVP: SeveralJvpRule = |g, y, dots| {
    let Some(dot) = dots[0] else { return Ok(vec![None, None]) };
    let items = g.items(y.y)?;
    let (q, r) = (items[0], items[1]);
    let (_, rows, columns) = matrix(&QR, g.shape(y.args[0]))?;
    if rows >= columns {
        return Ok(factors_dot(g, [q, r], dot)?.map(Some).to_vec());
    }
    let (first, others) = (0..rows, rows..columns);
    let (x_dot, y_dot) = (some_columns(g, dot, first.clone())?, some_columns(g, dot, others.clone())?);
    let (u, rest) = (some_columns(g, r, first)?, some_columns(g, y.args[0], others)?);
    let [q_dot, u_dot] = factors_dot(g, [q, u], x_dot)?;
    let (turned, turned_dot) = (transposed(g, q)?, transposed(g, q_dot)?);
    let (moved, moving) = (chain_matmul(g, turned_dot, rest)?, chain_matmul(g, turned, y_dot)?);
    let v_dot = g.add(moved, moving)?;
    Ok(vec![Some(q_dot), Some(beside_each_other(g, u_dot, v_dot)?)])
};

const QR_VJP: SeveralVjpRule = |g, y, bars, _| {
    let items = g.items(y.y)?;
    let (q, r) = (items[0], items[1]);
    let (_, rows, columns) = matrix(&QR, g.shape(y.args[0]))?;
    if rows >= columns {
        return Ok(vec![factors_bar(g, [q, r], bars[0], bars[1])?]);
    }
    let (first, others) = (0..rows, rows..columns);
    let (u, rest) = (some_columns(g, r, first.clone())?, some_columns(g, y.args[0], others.clone())?);
    let (mut q_bar, mut u_bar, mut rest_bar) = (bars[0], None, None);
    if let Some(bar) = bars[1] {
        let v_bar = some_columns(g, bar, others)?;
        u_bar = Some(some_columns(g, bar, first)?);
        rest_bar = Some(chain_matmul(g, q, v_bar)?);
        let turned = transposed(g, v_bar)?;
        let through = chain_matmul(g, rest, turned)?;
        q_bar = total(g, [q_bar, Some(through)])?;
    }
    let Some(x_bar) = factors_bar(g, [q, u], q_bar, u_bar)? else { return Ok(vec![None]) };
    let rest_bar = match rest_bar {
        Some(bar) => bar,
        None => {
            let like = g.shape(rest).clone();
            g.zeros(&like)?
        }
    };
    Ok(vec![Some(beside_each_other(g, x_bar, rest_bar)?)])
};

/// Columns from..to.
fn some_columns(g: &mut Builder, x: NodeId, columns: std::ops::Range<usize>) -> Made {
    let lead = g.shape(x).rank() - 1;
    let bound = |end: usize| Value::Bounds(std::iter::repeat_n(None, lead).chain([Some(end as i64)]).collect());
    g.apply(&shape::SLICE, &[x], Attributes::none().with("start", bound(columns.start)).with("stop", bound(columns.end)))
}

fn beside_each_other(g: &mut Builder, a: NodeId, b: NodeId) -> Made {
    let axis = Value::Int(g.shape(a).rank() as i64 - 1);
    g.apply(&shape::CONCAT, &[a, b], Attributes::none().with("axis", axis))
}

/// Whether a triangle of a stack has a 0 on its diagonal.
fn has_zero_diagonal(triangles: Array<'_>) -> bool {
    let [.., rows, columns] = *triangles.shape.sizes() else { return false };
    let zero = |triangle: &[f64]| (0..rows.min(columns)).any(|i| triangle[i * columns + i] == 0.0);
    triangles.data.chunks_exact((rows * columns).max(1)).any(zero)
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
    QR = Row::new("qr", LinearAlgebra, Arity::exactly(1), Rule::Several {
        results: |op, shapes, attributes| {
            let (batch, rows, columns) = matrix(op, &shapes[0])?;
            let few = rows.min(columns);
            Ok(([[rows, few], [few, columns]].map(|own| Shape::new([batch, &own].concat())).to_vec(), attributes))
        },
        names: |_| ["q", "r"].map(String::from).to_vec(),
        does: Does::Kernel(Several::Dense(Dense::Qr)),
        jvp: Some(QR_JVP),
        vjp: Some(QR_VJP),
        series: None,
    }).says("A = q·r, reduced: q with orthonormal columns, r upper triangular with a diagonal that is not negative", "by C = Qᵀ·Ȧ·R⁻¹ (Walter and Lehmann 2010)")
        .at_edges("the derivative is infinite or NaN where r has a 0 on its diagonal, as division by it gives")
        .pole_of(|y| has_zero_diagonal(y.results[1])).costs(20);
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

//! Eigenvalues and singular values with their vectors.
//!
//! Vectors turn into each other at the rate 1/(λⱼ − λᵢ): a division of the chain rule, in which 0 ÷ 0 is 0. At equal values that is a
//! convention and no limit: what turns their vectors is infinite, what does not passes nothing through them, not even where a function
//! of the whole matrix has a derivative. Cotangents of values alone never come near it.

use super::super::product::{chain_matmul, transposed};
use super::super::row::rows;
use super::super::{Application, Arity, Array, Dense, Does, Family, Row, Rule, Several, SeveralJvpRule, SeveralVjpRule, calculus};
use super::{matrix, square, symmetric, total, triple, weighed};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::{Error, Shape};
use Family::LinearAlgebra;

/// A vector as a row (`axis` 2 from the end is 1) or a column (1 from the end is).
fn along(g: &mut Builder, x: NodeId, axis: usize) -> Made {
    let mut sizes = g.shape(x).sizes().to_vec();
    sizes.insert(sizes.len() + 1 - axis, 1);
    g.reshape(x, &Shape::new(sizes))
}

/// a ÷ b, 0 where a is.
fn over(g: &mut Builder, a: NodeId, b: NodeId) -> Made {
    g.call(&calculus::CHAIN_DIVIDE, &[a, b])
}

/// X without its diagonal.
fn off_diagonal(g: &mut Builder, x: NodeId) -> Made {
    weighed(g, x, |i, j| f64::from(u8::from(i != j)))
}

/// The matrix with x on its diagonal.
fn diagonal(g: &mut Builder, x: NodeId) -> Made {
    let row = along(g, x, 2)?;
    let sizes = g.shape(x).sizes();
    let whole = Shape::new([sizes, &sizes[sizes.len() - 1..]].concat());
    let spread = g.broadcast_to(row, &whole)?;
    weighed(g, spread, |i, j| f64::from(u8::from(i == j)))
}

/// Σᵢ aᵢⱼ·bᵢⱼ, a number a column.
fn columns_inner(g: &mut Builder, a: NodeId, b: NodeId) -> Made {
    let product = g.chain(a, b)?;
    let rank = g.shape(product).rank();
    g.sum(product, &[rank - 2], false)
}

/// X with each column weighed by an entry of x.
fn columns_weighed(g: &mut Builder, x: NodeId, by: NodeId) -> Made {
    let row = along(g, by, 2)?;
    g.chain(x, row)
}

/// (X − Xᵀ)/2, nothing on its diagonal.
fn skew(g: &mut Builder, x: NodeId) -> Made {
    let turned = transposed(g, x)?;
    let difference = g.subtract(x, turned)?;
    let half = g.scale(0.5, difference)?;
    off_diagonal(g, half)
}

const EIGH_JVP: SeveralJvpRule = |g, y, dots| {
    let (items, Some(dot)) = (g.items(y.y)?, dots[0]) else { return Ok(vec![None, None]) };
    let (values, vectors) = (items[0], items[1]);
    let dot = symmetric(g, dot)?;
    let moved = chain_matmul(g, dot, vectors)?;
    let values_dot = columns_inner(g, vectors, moved)?;
    let turned = transposed(g, vectors)?;
    let inside = chain_matmul(g, turned, moved)?;
    let (inside, gaps) = (off_diagonal(g, inside)?, gaps(g, values)?);
    let rates = over(g, inside, gaps)?;
    let vectors_dot = chain_matmul(g, vectors, rates)?;
    Ok(vec![Some(values_dot), Some(vectors_dot)])
};

const EIGH_VJP: SeveralVjpRule = |g, y, bars, _| {
    let items = g.items(y.y)?;
    let (values, vectors) = (items[0], items[1]);
    let turned = transposed(g, vectors)?;
    let by_values = match bars[0] {
        None => None,
        Some(bar) => {
            let weighed = columns_weighed(g, vectors, bar)?;
            Some(chain_matmul(g, weighed, turned)?)
        }
    };
    let by_vectors = match bars[1] {
        None => None,
        Some(bar) => {
            let inside = chain_matmul(g, turned, bar)?;
            let (inside, gaps) = (skew(g, inside)?, gaps(g, values)?);
            let rates = over(g, inside, gaps)?;
            Some(triple(g, vectors, rates, turned)?)
        }
    };
    let sum = total(g, [by_values, by_vectors])?;
    Ok(vec![sum.map(|sum| symmetric(g, sum)).transpose()?])
};

/// λⱼ − λᵢ
fn gaps(g: &mut Builder, values: NodeId) -> Made {
    let (row, column) = (along(g, values, 2)?, along(g, values, 1)?);
    g.subtract(row, column)
}

/// A singular value decomposition as its rules see it.
struct Decomposition {
    u: NodeId,
    values: NodeId,
    v: NodeId,
    vh: NodeId,
    /// sⱼ − sᵢ and sᵢ + sⱼ.
    gaps: NodeId,
    sums: NodeId,
    /// There are directions beside those of `u`, or of `v`.
    tall: bool,
    broad: bool,
}

impl Decomposition {
    fn of(g: &mut Builder, y: Application<'_>) -> Result<Decomposition, Error> {
        let items = g.items(y.y)?;
        let (u, values, vh) = (items[0], items[1], items[2]);
        let (_, rows, columns) = matrix(&SVD, g.shape(y.args[0]))?;
        let v = transposed(g, vh)?;
        let (row, column) = (along(g, values, 2)?, along(g, values, 1)?);
        let (gaps, sums) = (gaps(g, values)?, g.add(row, column)?);
        Ok(Decomposition { u, values, v, vh, gaps, sums, tall: rows > columns, broad: columns > rows })
    }

    /// What of X lies beside the directions of `w`, each column divided by its singular value.
    fn beside(&self, g: &mut Builder, w: NodeId, x: NodeId) -> Made {
        let turned = transposed(g, w)?;
        let inside = chain_matmul(g, turned, x)?;
        let inside = chain_matmul(g, w, inside)?;
        let beside = g.subtract(x, inside)?;
        let row = along(g, self.values, 2)?;
        over(g, beside, row)
    }
}

/// With M = Uᵀ·Ȧ·V: ṡ its diagonal, U̇ = U·(G + H)/2 and V̇ = V·(G − H)/2 of G = (M + Mᵀ)/(sⱼ − sᵢ), H = (M − Mᵀ)/(sᵢ + sⱼ), and what
/// leaves the directions of U or V, divided by s.
const SVD_JVP: SeveralJvpRule = |g, y, dots| {
    let (of, Some(dot)) = (Decomposition::of(g, y)?, dots[0]) else { return Ok(vec![None; 3]) };
    let moved = chain_matmul(g, dot, of.v)?;
    let values_dot = columns_inner(g, of.u, moved)?;
    let turned = transposed(g, of.u)?;
    let inside = chain_matmul(g, turned, moved)?;
    let (even, odd) = (symmetric(g, inside)?, skew(g, inside)?);
    let even = off_diagonal(g, even)?;
    // halves already: symmetric and skew are means
    let (even, odd) = (over(g, even, of.gaps)?, over(g, odd, of.sums)?);
    let (left, right) = (g.add(even, odd)?, g.subtract(even, odd)?);
    let mut u_dot = chain_matmul(g, of.u, left)?;
    let mut v_dot = chain_matmul(g, of.v, right)?;
    if of.tall {
        let beside = of.beside(g, of.u, moved)?;
        u_dot = g.add(u_dot, beside)?;
    }
    if of.broad {
        let turned = transposed(g, dot)?;
        let moved = chain_matmul(g, turned, of.u)?;
        let beside = of.beside(g, of.v, moved)?;
        v_dot = g.add(v_dot, beside)?;
    }
    let vh_dot = transposed(g, v_dot)?;
    Ok(vec![Some(u_dot), Some(values_dot), Some(vh_dot)])
};

const SVD_VJP: SeveralVjpRule = |g, y, bars, _| {
    let of = Decomposition::of(g, y)?;
    let turned = transposed(g, of.u)?;
    let v_bar = bars[2].map(|bar| transposed(g, bar)).transpose()?;
    let rate = |g: &mut Builder, turned: NodeId, bar: Option<NodeId>| -> Result<Option<NodeId>, Error> {
        let Some(bar) = bar else { return Ok(None) };
        let inside = chain_matmul(g, turned, bar)?;
        skew(g, inside).map(Some)
    };
    let (left, right) = (rate(g, turned, bars[0])?, rate(g, of.vh, v_bar)?);
    let even = total(g, [left, right])?;
    let odd = match (left, right) {
        (Some(left), Some(right)) => Some(g.subtract(left, right)?),
        (None, Some(right)) => Some(super::minus(g, right)?),
        (left, None) => left,
    };
    let even = even.map(|even| over(g, even, of.gaps)).transpose()?;
    let odd = odd.map(|odd| over(g, odd, of.sums)).transpose()?;
    let values = bars[1].map(|bar| diagonal(g, bar)).transpose()?;
    let inside = match total(g, [even, odd, values])? {
        None => None,
        Some(inside) => Some(triple(g, of.u, inside, of.vh)?),
    };
    let left = match bars[0].filter(|_| of.tall) {
        None => None,
        Some(bar) => {
            let beside = of.beside(g, of.u, bar)?;
            Some(chain_matmul(g, beside, of.vh)?)
        }
    };
    let right = match v_bar.filter(|_| of.broad) {
        None => None,
        Some(bar) => {
            let beside = of.beside(g, of.v, bar)?;
            let beside = transposed(g, beside)?;
            Some(chain_matmul(g, of.u, beside)?)
        }
    };
    Ok(vec![total(g, [inside, left, right])?])
};

/// Whether two of the values of one matrix, which are in order, are equal.
fn repeats(values: Array<'_>) -> bool {
    let count = values.shape.sizes().last().copied().unwrap_or(0);
    values.data.chunks_exact(count.max(1)).any(|own| own.windows(2).any(|pair| pair[0] == pair[1]))
}

rows! {
    EIGH = Row::new("eigh", LinearAlgebra, Arity::exactly(1), Rule::Several {
        results: |op, shapes, attributes| {
            let (batch, n) = square(op, &shapes[0])?;
            Ok((vec![Shape::new([batch, &[n]].concat()), shapes[0].clone()], attributes))
        },
        names: |_| ["values", "vectors"].map(String::from).to_vec(),
        does: Does::Kernel(Several::Dense(Dense::Eigh)),
        jvp: Some(EIGH_JVP),
        vjp: Some(EIGH_VJP),
        series: None,
    }).says(
        "eigenvalues, ascending, and eigenvectors, in columns, of (A + Aᵀ)/2; the first of a vector's largest components (to 20 bits) is positive",
        "λ̇ᵢ = vᵢᵀ·Ȧ·vᵢ, V̇ = V·(Vᵀ·Ȧ·V ÷ (λⱼ − λᵢ))",
    ).at_edges("between the vectors of equal eigenvalues nothing passes where the numerator is 0 (0 ÷ 0 is 0, by convention), else it is infinite; NaN where an entry is not finite")
        .kink_of(|y| repeats(y.results[0])).costs(100);
    SVD = Row::new("svd", LinearAlgebra, Arity::exactly(1), Rule::Several {
        results: |op, shapes, attributes| {
            let (batch, rows, columns) = matrix(op, &shapes[0])?;
            let few = rows.min(columns);
            Ok(([[rows, few].as_slice(), &[few], &[few, columns]].map(|own| Shape::new([batch, own].concat())).to_vec(), attributes))
        },
        names: |_| ["u", "s", "vh"].map(String::from).to_vec(),
        does: Does::Kernel(Several::Dense(Dense::Svd)),
        jvp: Some(SVD_JVP),
        vjp: Some(SVD_VJP),
        series: None,
    }).says(
        "A = u·diag(s)·vh, reduced: s descending; the first of the largest components (to 20 bits) of each column of u is positive",
        "ṡᵢ = uᵢᵀ·Ȧ·vᵢ; vectors by 1/(sⱼ − sᵢ), 1/(sᵢ + sⱼ) and, beside their directions, 1/sⱼ",
    ).at_edges("between the vectors of equal or zero singular values nothing passes where the numerator is 0 (0 ÷ 0 is 0, by convention), else it is infinite; NaN where an entry is not finite")
        .kink_of(|y| y.results[1].data.contains(&0.0) || repeats(y.results[1])).costs(100);
}

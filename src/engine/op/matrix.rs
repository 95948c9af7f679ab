//! What is said of matrices as a whole: their traces and norms. They are the last two axes.

use super::arrange::{DIAGONAL, OFFSET, matrix};
use super::facts::tied;
use super::linear_algebra::spectral::SVD;
use super::product::chain_matmul;
use super::reduction::{MAX, VECTOR_NORM, tie_weight};
use super::row::rows;
use super::shape::attribute;
use super::{
    Application, Arity, AttributeKind, Attributes, Expansion, Family, Row, Rule, There, Value, arithmetic, calculus, choice, logic,
};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::{Error, Shape};
use Family::LinearAlgebra;

/// The shape of a norm of matrices of that shape.
fn normed(x: &Shape, keepdims: bool) -> Shape {
    let batch = &x.sizes()[..x.rank() - 2];
    Shape::new(if keepdims { [batch, &[1, 1]].concat() } else { batch.to_vec() })
}

/// The axis that is summed and the one whose largest sum counts.
fn summed_and_largest(rank: usize, attributes: &Attributes) -> (usize, usize) {
    if attributes.text("ord") == Some("1") { (rank - 2, rank - 1) } else { (rank - 1, rank - 2) }
}

/// U, the singular values and Vᴴ.
fn decomposed(g: &mut Builder, x: NodeId) -> Result<[NodeId; 3], Error> {
    let several = g.call(&SVD, &[x])?;
    Ok([g.item(several, 0)?, g.item(several, 1)?, g.item(several, 2)?])
}

/// The largest of all singular values, or of sums, along an axis that is kept.
fn largest(g: &mut Builder, x: NodeId, axis: usize) -> Made {
    g.reduce(&MAX, x, &[axis], true)
}

const NORM_EXPANSION: Expansion = |g, args, attributes| {
    let (x, shape) = (args[0], g.shape(args[0]).clone());
    let [batch @ .., rows, columns] = shape.sizes() else { return Ok(x) };
    let result = normed(&shape, attributes.flag("keepdims"));
    if rows * columns == 0 {
        return g.full(&result, 0.0);
    }
    let (rank, last) = (shape.rank(), batch.len());
    let norm = match attributes.text("ord") {
        Some("2") => {
            let [_, values, _] = decomposed(g, x)?;
            largest(g, values, last)?
        }
        Some("nuc") => {
            let [_, values, _] = decomposed(g, x)?;
            g.sum(values, &[last], true)?
        }
        Some("1" | "inf") => {
            let sizes = g.call(&arithmetic::ABS, &[x])?;
            let (summed, among) = summed_and_largest(rank, attributes);
            let sums = g.sum(sizes, &[summed], true)?;
            largest(g, sums, among)?
        }
        _ => g.reduce(&VECTOR_NORM, x, &[rank - 2, rank - 1], true)?,
    };
    g.reshape(norm, &result)
};

/// U·w·Vᴴ, where w is 1 for each singular value that counts, or its share where only the largest do. One that rounding may have left of 0
/// counts nothing: there is a kink, and this its derivative of least norm.
fn spectral_weight(g: &mut Builder, x: NodeId, largest_alone: bool) -> Made {
    let shape = g.shape(x).clone();
    let (rank, size) = (shape.rank(), shape.sizes()[shape.rank() - 2].max(shape.sizes()[shape.rank() - 1]));
    let [u, values, vh] = decomposed(g, x)?;
    let top = largest(g, values, rank - 2)?;
    let rounding = g.scale(size as f64 * f64::EPSILON, top)?;
    let counts = g.call(&logic::GREATER, &[values, rounding])?;
    // NaN is not greater than anything, but hides nothing
    let unknown = g.call(&logic::ISNAN, &[values])?;
    let counts = g.call(&choice::MAXIMUM, &[counts, unknown])?;
    let weight = if largest_alone {
        let share = tie_weight(g, values, top, &[rank - 2])?;
        g.multiply(share, counts)?
    } else {
        counts
    };
    let across = g.shape(weight).sizes().to_vec();
    let across = g.reshape(weight, &Shape::new([&across[..rank - 2], &[1], &across[rank - 2..]].concat()))?;
    let left = g.chain(u, across)?;
    chain_matmul(g, left, vh)
}

/// ∂y/∂x, of x's shape.
fn norm_weight(g: &mut Builder, y: Application<'_>) -> Made {
    let (x, rank) = (y.args[0], g.shape(y.args[0]).rank());
    if g.shape(x).elements() == 0 {
        return Ok(x);
    }
    let kept = normed(g.shape(x), true);
    let norm = g.reshape(y.y, &kept)?;
    match y.attributes.text("ord") {
        Some("2") => spectral_weight(g, x, true),
        Some("nuc") => spectral_weight(g, x, false),
        Some("1" | "inf") => {
            let sizes = g.call(&arithmetic::ABS, &[x])?;
            let (summed, among) = summed_and_largest(rank, y.attributes);
            let sums = g.sum(sizes, &[summed], true)?;
            let share = tie_weight(g, sums, norm, &[among])?;
            let sign = g.call(&arithmetic::SIGN, &[x])?;
            g.chain(share, sign)
        }
        _ => g.call(&calculus::CHAIN_DIVIDE, &[x, norm]),
    }
}

/// Whether a norm is 0, or that of columns or rows has a tie or an element that is 0.
fn has_corner(y: &There<'_>) -> bool {
    let x = y.args[0];
    let &[.., rows, columns] = x.shape.sizes() else { return false };
    if y.y().contains(&0.0) {
        return true;
    }
    let (count, length, step, stride) = match y.attributes.text("ord") {
        Some("1") => (columns, rows, 1, columns),
        Some("inf") => (rows, columns, columns, 1),
        _ => return false,
    };
    x.data.chunks_exact((rows * columns).max(1)).any(|matrix| {
        let line = |i: usize| (0..length).map(move |j| matrix[i * step + j * stride].abs());
        let sums: Vec<f64> = (0..count).map(|i| line(i).sum()).collect();
        let largest = sums.iter().copied().fold(0.0, f64::max);
        tied(sums.iter().copied(), largest) || (0..count).any(|i| sums[i] == largest && line(i).any(|size| size == 0.0))
    })
}

rows! {
    TRACE = Row::new("trace", LinearAlgebra, Arity::exactly(1), Rule::Composite {
        shape: |op, shapes, attributes| {
            matrix(op, &shapes[0])?;
            let sizes = shapes[0].sizes();
            let offset = Value::Int(attributes.int("offset").unwrap_or(0));
            Ok((Shape::from(&sizes[..sizes.len() - 2]), attributes.with("offset", offset)))
        },
        expansion: |g, args, attributes| {
            let diagonal = g.apply(&DIAGONAL, args, attributes.clone())?;
            let last = g.shape(diagonal).rank() - 1;
            g.sum(diagonal, &[last], false)
        },
        derivative: None,
    }).takes(&[OFFSET]).says("the sum of a diagonal of the matrices that the last two axes hold", "1 by each element of the diagonal");
    MATRIX_NORM = Row::new("matrix_norm", LinearAlgebra, Arity::exactly(1), Rule::Composite {
        shape: |op, shapes, attributes| {
            matrix(op, &shapes[0])?;
            let keepdims = attributes.flag("keepdims");
            let ord = Value::Text(attributes.text("ord").unwrap_or("fro"));
            let keep = if keepdims { Value::Bool(true) } else { Value::Null };
            Ok((normed(&shapes[0], keepdims), attributes.with("keepdims", keep).with("ord", ord)))
        },
        expansion: NORM_EXPANSION,
        derivative: Some((
            |g, y, dots| {
                let Some(dot) = dots[0] else { return Ok(None) };
                let weight = norm_weight(g, y)?;
                let product = g.chain(weight, dot)?;
                let rank = g.shape(dot).rank();
                g.sum(product, &[rank - 2, rank - 1], y.attributes.flag("keepdims")).map(Some)
            },
            |g, y, bar, _| {
                let kept = normed(g.shape(y.args[0]), true);
                let bar = g.reshape(bar, &kept)?;
                let weight = norm_weight(g, y)?;
                g.chain(weight, bar).map(Some)
            },
        )),
    }).takes(&[
        attribute("ord", AttributeKind::Choice(&["fro", "nuc", "1", "2", "inf"]), false, "fro (default): of all elements; nuc: the sum of the singular values; 2: the largest of them; 1: the largest sum of |x| down a column; inf: along a row"),
        attribute("keepdims", AttributeKind::Bool, false, "keep the two axes with size 1; default false"),
    ]).says("a norm of the matrices that the last two axes hold", "x/y; U·Vᴴ, of all singular values or the largest; the signs of the largest column or row")
        .at_edges("derivative 0 where the norm is 0, and along the directions of singular values that are 0; what ties for the largest shares equally")
        .kink_of(has_corner).costs(10);
}

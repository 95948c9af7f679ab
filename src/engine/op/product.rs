//! Sums of products.

use super::axes::{axis, misfit, one_axis};
use super::row::rows;
use super::{Arity, Attribute, AttributeKind, Attributes, Family, Primitive, Row, Rule, Value};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::{Error, Shape};
use Family::Product;

const CHAIN: Attribute = Attribute {
    name: "chain",
    kind: AttributeKind::Bool,
    required: false,
    summary: "take 0·∞ and 0·NaN as 0, as chain_multiply does; default false",
};

/// The matrices that `matmul` sees: a vector on the left is a row, one on the right a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operands {
    /// Left, as batch ++ [m, k].
    pub(crate) left: Shape,
    /// Right, as batch ++ [k, n].
    pub(crate) right: Shape,
    /// The result before vectors' axes are dropped: batch ++ [m, n].
    pub(crate) full: Shape,
}

impl Operands {
    /// `None` where the shapes do not go together.
    pub(crate) fn of(a: &Shape, b: &Shape) -> Option<Operands> {
        if a.rank() == 0 || b.rank() == 0 {
            return None;
        }
        let left = if a.rank() == 1 { Shape::from([1, a.sizes()[0]]) } else { a.clone() };
        let right = if b.rank() == 1 { Shape::from([b.sizes()[0], 1]) } else { b.clone() };
        let ([batch_a @ .., m, k], [batch_b @ .., inner, n]) = (left.sizes(), right.sizes()) else { return None };
        let batch = Shape::from(batch_a).broadcast(&Shape::from(batch_b))?;
        let full = Shape::new([batch.sizes(), &[*m, *n]].concat());
        (k == inner).then_some(Operands { left, right, full })
    }
}

/// The matrix product with zeros that stay zeros.
pub(super) fn chain_matmul(g: &mut Builder, a: NodeId, b: NodeId) -> Made {
    g.apply(&MATMUL, &[a, b], Attributes::none().with("chain", Value::Bool(true)))
}

/// The last two axes exchanged.
pub(super) fn transposed(g: &mut Builder, a: NodeId) -> Made {
    let rank = g.shape(a).rank();
    let mut axes: Vec<usize> = (0..rank).collect();
    axes.swap(rank - 2, rank - 1);
    g.permute(a, &axes)
}

rows! {
    MATMUL = Row::new("matmul", Product, Arity::exactly(2), Rule::Primitive {
        shape: |op, shapes, attributes| {
            let (a, b) = (&shapes[0], &shapes[1]);
            let Some(operands) = Operands::of(a, b) else {
                let detail = "the last size of the left must be the last but one of the right, and leading sizes must broadcast".into();
                return Err(Error::ShapePair { op: op.name, left: a.clone(), right: b.clone(), detail });
            };
            let rank = operands.full.rank();
            let keep = |i: usize| !(i + 2 == rank && a.rank() == 1 || i + 1 == rank && b.rank() == 1);
            let sizes: Vec<usize> = (0..rank).filter(|&i| keep(i)).map(|i| operands.full.sizes()[i]).collect();
            let chain = if attributes.flag("chain") { Value::Bool(true) } else { Value::Null };
            Ok((Shape::new(sizes), attributes.with("chain", chain)))
        },
        primitive: Primitive::Matmul,
        jvp: |g, y, dots| {
            let left = dots[0].map(|dot| chain_matmul(g, dot, y.args[1])).transpose()?;
            let right = dots[1].map(|dot| chain_matmul(g, y.args[0], dot)).transpose()?;
            match (left, right) {
                (Some(left), Some(right)) => g.add(left, right).map(Some),
                (left, right) => Ok(left.or(right)),
            }
        },
        vjp: |g, y, bar, i| {
            let own = g.shape(y.args[i]).clone();
            let Some(operands) = Operands::of(g.shape(y.args[0]), g.shape(y.args[1])) else { return Ok(None) };
            let bar = g.reshape(bar, &operands.full)?;
            let (product, matrix) = if i == 0 {
                let right = g.reshape(y.args[1], &operands.right)?;
                let right = transposed(g, right)?;
                (chain_matmul(g, bar, right)?, operands.left)
            } else {
                let left = g.reshape(y.args[0], &operands.left)?;
                let left = transposed(g, left)?;
                (chain_matmul(g, left, bar)?, operands.right)
            };
            let summed = g.unbroadcast(product, &matrix)?;
            g.reshape(summed, &own).map(Some)
        },
    }).alias(&["@"]).takes(&[CHAIN]).says("the matrix product over the last two axes, NumPy's rules for vectors and leading axes", "C̄·Bᵀ, Aᵀ·C̄").costs(2);
    VECDOT = Row::new("vecdot", Product, Arity::exactly(2), Rule::Composite {
        shape: |op, shapes, attributes| {
            let Some(joined) = shapes[0].broadcast(&shapes[1]) else {
                let detail = "sizes must be equal or 1, counted from the last axis".into();
                return Err(Error::ShapePair { op: op.name, left: shapes[0].clone(), right: shapes[1].clone(), detail });
            };
            let axis = one_axis(op, &attributes, -1, joined.rank())?;
            let mut sizes = joined.sizes().to_vec();
            sizes.remove(axis);
            Ok((Shape::new(sizes), attributes.with("axis", Value::Int(axis as i64))))
        },
        expansion: |g, args, attributes| {
            let product = g.multiply(args[0], args[1])?;
            let rank = g.shape(product).rank();
            let axis = axis(&VECDOT, "axis", attributes.int("axis").unwrap_or(-1), rank)?;
            g.sum(product, &[axis], false)
        },
        derivative: None,
    }).alias(&["dot"]).takes(&[Attribute { name: "axis", kind: AttributeKind::Int, required: false, summary: "the axis; default the last, −1" }])
        .says("Σ aᵢ·bᵢ along an axis, the others broadcast", "b, a").costs(2);
    OUTER = Row::new("outer", Product, Arity::exactly(2), Rule::Composite {
        shape: |op, shapes, attributes| match (shapes[0].sizes(), shapes[1].sizes()) {
            (&[m], &[n]) => Ok((Shape::from([m, n]), attributes)),
            (&[_], _) => Err(misfit(op, &shapes[1], "an outer product is of two vectors")),
            _ => Err(misfit(op, &shapes[0], "an outer product is of two vectors")),
        },
        expansion: |g, args, _| {
            let m = g.shape(args[0]).elements();
            let column = g.reshape(args[0], &Shape::from([m, 1]))?;
            g.multiply(column, args[1])
        },
        derivative: None,
    }).says("all products aᵢ·bⱼ of two vectors", "bⱼ, aᵢ").costs(1);
}

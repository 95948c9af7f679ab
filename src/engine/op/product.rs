//! Sums of products.

use std::ops::Range;

use super::arrange::FLIP;
use super::axes::{Span, axis, misfit, one_axis};
use super::row::rows;
use super::shape::{TAKE, embed};
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

/// Which elements of the full convolution of vectors of those lengths are the result.
pub(crate) fn convolved(attributes: &Attributes, left: usize, right: usize) -> Range<usize> {
    let (shorter, longer) = (left.min(right), left.max(right));
    let (start, count) = match attributes.text("mode") {
        Some("same") => (shorter.saturating_sub(1) / 2, longer),
        Some("valid") => (shorter.saturating_sub(1), longer + 1 - shorter),
        _ => (0, (left + right).saturating_sub(1)),
    };
    start..start + count
}

/// The convolution with zeros that stay zeros.
fn chain_convolve(g: &mut Builder, a: NodeId, b: NodeId, mode: &'static str) -> Made {
    g.apply(&CONVOLVE, &[a, b], Attributes::none().with("mode", Value::Text(mode)).with("chain", Value::Bool(true)))
}

/// The entries of an axis in another order.
fn reordered(g: &mut Builder, x: NodeId, axis: usize, order: [i64; 3]) -> Made {
    let indices = Value::Indices(vec![3], order.to_vec().into());
    g.apply(&TAKE, &[x], Attributes::none().with("axis", Value::Int(axis as i64)).with("indices", indices))
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
    CROSS = Row::new("cross", Product, Arity::exactly(2), Rule::Composite {
        shape: |op, shapes, attributes| {
            let Some(joined) = shapes[0].broadcast(&shapes[1]) else {
                let detail = "sizes must be equal or 1, counted from the last axis".into();
                return Err(Error::ShapePair { op: op.name, left: shapes[0].clone(), right: shapes[1].clone(), detail });
            };
            let axis = one_axis(op, &attributes, -1, joined.rank())?;
            for shape in shapes {
                let own = (axis + shape.rank()).checked_sub(joined.rank());
                if own.is_none_or(|own| shape.sizes()[own] != 3) {
                    return Err(misfit(op, shape, "a cross product is of vectors of 3 elements"));
                }
            }
            Ok((joined, attributes.with("axis", Value::Int(axis as i64))))
        },
        expansion: |g, args, attributes| {
            let rank = g.shape(args[0]).rank().max(g.shape(args[1]).rank());
            let axis = axis(&CROSS, "axis", attributes.int("axis").unwrap_or(-1), rank)?;
            let mut turned = |arg: NodeId, order| {
                let own = (axis + g.shape(arg).rank()).saturating_sub(rank);
                reordered(g, arg, own, order)
            };
            let (once, twice) = ([1, 2, 0], [2, 0, 1]);
            let parts = [turned(args[0], once)?, turned(args[1], twice)?, turned(args[0], twice)?, turned(args[1], once)?];
            let (left, right) = (g.multiply(parts[0], parts[1])?, g.multiply(parts[2], parts[3])?);
            g.subtract(left, right)
        },
        derivative: None,
    }).takes(&[Attribute { name: "axis", kind: AttributeKind::Int, required: false, summary: "the axis of the 3 elements; default the last, −1" }])
        .says("the cross product of vectors along an axis, the others broadcast", "ȧ×b + a×ḃ").costs(4);
    CONVOLVE = Row::new("convolve", Product, Arity::exactly(2), Rule::Primitive {
        shape: |op, shapes, attributes| {
            for shape in shapes {
                if shape.rank() != 1 || shape.elements() == 0 {
                    return Err(misfit(op, shape, "a convolution is of two vectors of one element at least"));
                }
            }
            let chain = if attributes.flag("chain") { Value::Bool(true) } else { Value::Null };
            let mode = Value::Text(attributes.text("mode").unwrap_or("full"));
            let attributes = attributes.with("chain", chain).with("mode", mode);
            Ok((Shape::from([convolved(&attributes, shapes[0].elements(), shapes[1].elements()).len()]), attributes))
        },
        primitive: Primitive::Convolve,
        jvp: |g, y, dots| {
            let Some(mode) = y.attributes.text("mode") else { return Ok(None) };
            let left = dots[0].map(|dot| chain_convolve(g, dot, y.args[1], mode)).transpose()?;
            let right = dots[1].map(|dot| chain_convolve(g, y.args[0], dot, mode)).transpose()?;
            match (left, right) {
                (Some(left), Some(right)) => g.add(left, right).map(Some),
                (left, right) => Ok(left.or(right)),
            }
        },
        vjp: |g, y, bar, i| {
            let (left, right) = (g.shape(y.args[0]).elements(), g.shape(y.args[1]).elements());
            let part = convolved(y.attributes, left, right);
            let whole = left + right - 1;
            let bar = if part.len() == whole { bar } else {
                embed(g, bar, &Shape::from([whole]), &[Span { start: part.start as i64, count: part.len(), step: 1 }])?
            };
            // āᵢ = Σ ȳᵢ₊ⱼ·vⱼ
            let turned = g.call(&FLIP, &[y.args[1 - i]])?;
            chain_convolve(g, bar, turned, "valid").map(Some)
        },
    }).takes(&[
        Attribute {
            name: "mode",
            kind: AttributeKind::Choice(&["full", "same", "valid"]),
            required: false,
            summary: "full (default): every overlap; same: the middle, as long as the longer; valid: whole overlaps only",
        },
        CHAIN,
    ]).says("yₖ = Σ aᵢ·vₖ₋ᵢ of two vectors", "vₖ₋ᵢ, aₖ₋ⱼ").costs(2);
    KRON = Row::new("kron", Product, Arity::exactly(2), Rule::Composite {
        shape: |_, shapes, attributes| {
            let rank = shapes[0].rank().max(shapes[1].rank());
            let size = |shape: &Shape, i: usize| (i + shape.rank()).checked_sub(rank).map_or(1, |i| shape.sizes()[i]);
            let sizes = (0..rank).map(|i| size(&shapes[0], i).saturating_mul(size(&shapes[1], i))).collect::<Vec<_>>();
            Ok((Shape::new(sizes), attributes))
        },
        // an axis of m·n elements as [m, n], where it is both
        expansion: |g, args, _| {
            let (a, b) = (g.shape(args[0]).clone(), g.shape(args[1]).clone());
            let rank = a.rank().max(b.rank());
            let size = |shape: &Shape, i: usize| (i + shape.rank()).checked_sub(rank).map_or(1, |i| shape.sizes()[i]);
            let (mut left, mut right, mut joined) = (Vec::new(), Vec::new(), Vec::new());
            for (m, n) in (0..rank).map(|i| (size(&a, i), size(&b, i))) {
                if m != 1 && n != 1 {
                    left.extend([m, 1]);
                    right.extend([1, n]);
                } else {
                    left.push(m);
                    right.push(n);
                }
                joined.push(m * n);
            }
            let a = g.reshape(args[0], &Shape::new(left))?;
            let b = g.reshape(args[1], &Shape::new(right))?;
            let product = g.multiply(a, b)?;
            g.reshape(product, &Shape::new(joined))
        },
        derivative: None,
    }).says("every element of a times all of b, side by side: the Kronecker product", "b, a").costs(1);
}

//! Dense linear algebra on the last two axes, leading axes being batches.
//!
//! Derivatives are those of Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
//! (2008), but where a file says otherwise. Their products are `matmul` with `chain`, so that what carries nothing stays 0 beside the
//! infinities and NaNs of a singular matrix.

pub mod decomposition;
pub mod determinant;
pub mod exponential;
pub mod solving;
pub mod spectral;

use super::axes::misfit;
use super::product::{chain_matmul, transposed};
use super::{Attribute, AttributeKind, Attributes, Row};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::{Error, Shape, Tensor};

const CHAIN: Attribute = Attribute {
    name: "chain",
    kind: AttributeKind::Bool,
    required: false,
    summary: "where a column of b is all 0 the solution is 0, whatever A is: what the chain rule needs; default false",
};
const TRANSPOSE: Attribute =
    Attribute { name: "transpose", kind: AttributeKind::Bool, required: false, summary: "solve with the transpose of A; default false" };

/// The flags that routines take, as attributes say them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct DenseFlags {
    pub(crate) lower: bool,
    pub(crate) transpose: bool,
    pub(crate) chain: bool,
}

impl DenseFlags {
    pub(crate) fn of(attributes: &Attributes) -> DenseFlags {
        let [lower, transpose, chain] = ["lower", "transpose", "chain"].map(|name| attributes.flag(name));
        DenseFlags { lower, transpose, chain }
    }
}

/// The arguments of a routine as matrices: what runs it sees no vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matrices {
    /// Each argument, as its own batch ++ its two axes. A vector is a column.
    pub(crate) shapes: Vec<Shape>,
    /// The batches broadcast.
    pub(crate) batch: Shape,
}

impl Matrices {
    /// `None` where an argument is a scalar, the first is a vector, or batches do not go together.
    pub(crate) fn of<'a>(args: impl Iterator<Item = &'a Shape>) -> Option<Matrices> {
        let (mut shapes, mut batch) = (Vec::new(), Shape::scalar());
        for (i, arg) in args.enumerate() {
            let matrix = match *arg.sizes() {
                [n] if i > 0 => Shape::from([n, 1]),
                [] | [_] => return None,
                _ => arg.clone(),
            };
            batch = batch.broadcast(&Shape::from(&matrix.sizes()[..matrix.rank() - 2]))?;
            shapes.push(matrix);
        }
        Some(Matrices { shapes, batch })
    }

    /// Rows and columns of an argument.
    pub(crate) fn sizes(&self, i: usize) -> [usize; 2] {
        let sizes = self.shapes[i].sizes();
        [sizes[sizes.len() - 2], sizes[sizes.len() - 1]]
    }
}

/// Batch, rows and columns.
fn matrix<'a>(op: &'static Row, shape: &'a Shape) -> Result<(&'a [usize], usize, usize), Error> {
    match shape.sizes() {
        [batch @ .., rows, columns] => Ok((batch, *rows, *columns)),
        _ => Err(misfit(op, shape, "a matrix has two axes, and leading ones for a batch")),
    }
}

/// Batch and size of what must be square.
fn square<'a>(op: &'static Row, shape: &'a Shape) -> Result<(&'a [usize], usize), Error> {
    let (batch, rows, columns) = matrix(op, shape)?;
    if rows == columns { Ok((batch, rows)) } else { Err(misfit(op, shape, format!("a square matrix is needed, not {rows} by {columns}"))) }
}

/// The shape of a square matrix followed by directions of its shape.
fn directed(op: &'static Row, shapes: &[Shape]) -> Result<Shape, Error> {
    square(op, &shapes[0])?;
    match shapes.iter().find(|&shape| *shape != shapes[0]) {
        None => Ok(shapes[0].clone()),
        Some(other) => {
            let detail = "a direction has the shape of the matrix".into();
            Err(Error::ShapePair { op: op.name, left: shapes[0].clone(), right: other.clone(), detail })
        }
    }
}

/// The number of columns.
fn columns(g: &Builder, x: NodeId) -> usize {
    g.shape(x).sizes().last().copied().unwrap_or_default()
}

/// 0 − x: the minus of what carries nothing is the positive zero that every other path has.
fn minus(g: &mut Builder, x: NodeId) -> Made {
    let zero = g.number(0.0);
    g.subtract(zero, x)
}

/// a·b·c
fn triple(g: &mut Builder, a: NodeId, b: NodeId, c: NodeId) -> Made {
    let product = chain_matmul(g, a, b)?;
    chain_matmul(g, product, c)
}

/// (X + Xᵀ)/2
fn symmetric(g: &mut Builder, x: NodeId) -> Made {
    let turned = transposed(g, x)?;
    let sum = g.add(x, turned)?;
    g.scale(0.5, sum)
}

/// X with each entry weighed by a constant of its position, entries of weight 0 being 0 whatever they were.
fn weighed(g: &mut Builder, x: NodeId, weight: impl Fn(usize, usize) -> f64) -> Made {
    let sizes = g.shape(x).sizes();
    let (rows, columns) = (sizes[sizes.len() - 2], sizes[sizes.len() - 1]);
    let weights: Vec<f64> = (0..rows * columns).map(|at| weight(at / columns, at % columns)).collect();
    match Tensor::new([rows, columns], weights) {
        Some(weights) => {
            let weights = g.constant(weights);
            g.chain(weights, x)
        }
        None => Ok(x),
    }
}

/// 1 − X, of a square X.
fn beside(g: &mut Builder, x: NodeId) -> Made {
    let one = identity(g, columns(g, x));
    g.subtract(one, x)
}

/// The n × n identity.
fn identity(g: &mut Builder, n: usize) -> NodeId {
    let entries = (0..n * n).map(|at| if at / n == at % n { 1.0 } else { 0.0 }).collect();
    match Tensor::new([n, n], entries) {
        Some(one) => g.constant(one),
        None => g.number(1.0),
    }
}

/// The sum of what is there.
fn total(g: &mut Builder, parts: impl IntoIterator<Item = Option<NodeId>>) -> Result<Option<NodeId>, Error> {
    let mut sum = None;
    for part in parts.into_iter().flatten() {
        sum = Some(match sum {
            None => part,
            Some(sum) => g.add(sum, part)?,
        });
    }
    Ok(sum)
}

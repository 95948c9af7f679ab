//! Shapes and dense tensors, row-major.

use std::fmt;
use std::sync::Arc;

/// The sizes of a tensor's axes; empty for a scalar. A size may be 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(Box<[usize]>);

impl Shape {
    /// The shape of a scalar.
    pub fn scalar() -> Shape {
        Shape::default()
    }

    /// A shape of the given sizes.
    pub fn new(sizes: impl Into<Box<[usize]>>) -> Shape {
        Shape(sizes.into())
    }

    /// The sizes.
    pub fn sizes(&self) -> &[usize] {
        &self.0
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The number of elements, saturating at `usize::MAX`.
    pub fn elements(&self) -> usize {
        self.0.iter().try_fold(1usize, |n, &size| if size == 0 { None } else { Some(n.saturating_mul(size)) }).unwrap_or(0)
    }

    /// The product of its sizes but those of 0, saturating: what its strides, and the brackets it is written with, are bounded by. A
    /// tensor without elements still has these.
    pub fn extent(&self) -> usize {
        self.0.iter().filter(|&&size| size != 0).fold(1usize, |n, &size| n.saturating_mul(size))
    }

    /// Row-major strides, in elements.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1usize; self.rank()];
        for axis in (1..self.rank()).rev() {
            strides[axis - 1] = strides[axis].saturating_mul(self.0[axis]);
        }
        strides
    }

    /// NumPy's broadcast of two shapes, `None` where they do not go together.
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.rank().max(other.rank());
        let size = |shape: &Shape, axis: usize| (axis + shape.rank()).checked_sub(rank).map_or(1, |i| shape.0[i]);
        (0..rank)
            .map(|axis| match (size(self, axis), size(other, axis)) {
                (a, b) if a == b => Some(a),
                (1, b) => Some(b),
                (a, 1) => Some(a),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Shape::new)
    }
}

impl From<&[usize]> for Shape {
    fn from(sizes: &[usize]) -> Shape {
        Shape(sizes.into())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(sizes: [usize; N]) -> Shape {
        Shape(sizes.into())
    }
}

impl From<Vec<usize>> for Shape {
    fn from(sizes: Vec<usize>) -> Shape {
        Shape(sizes.into())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[")?;
        for (i, size) in self.0.iter().enumerate() {
            write!(f, "{}{size}", if i == 0 { "" } else { ", " })?;
        }
        write!(f, "]")
    }
}

/// A dense tensor of binary64 values in row-major order. Clones share the values.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Shape,
    data: Arc<Vec<f64>>,
}

impl Tensor {
    /// A tensor; `None` unless `data` has as many values as `shape` has elements.
    pub fn new(shape: impl Into<Shape>, data: Vec<f64>) -> Option<Tensor> {
        let shape = shape.into();
        (shape.elements() == data.len()).then(|| Tensor { shape, data: Arc::new(data) })
    }

    /// A scalar.
    pub fn scalar(value: f64) -> Tensor {
        Tensor { shape: Shape::scalar(), data: Arc::new(vec![value]) }
    }

    /// Its shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Its values, row-major.
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// Its values, row-major.
    pub fn into_data(self) -> Vec<f64> {
        Arc::unwrap_or_clone(self.data)
    }

    /// Its values, row-major, shared.
    pub(crate) fn shared_data(&self) -> Arc<Vec<f64>> {
        self.data.clone()
    }
}

//! Shorthand in which derivative rules and expansions are written: one method for each operator that they use often.

use super::super::op::{Attributes, Value, arithmetic, calculus, choice, reduction, shape};
use super::super::{Error, Shape, Tensor};
use super::{Builder, Kind, NodeId};

/// A node or why it could not be made.
pub type Made = Result<NodeId, Error>;

impl Builder {
    /// a + b
    pub fn add(&mut self, a: NodeId, b: NodeId) -> Made {
        self.call(&arithmetic::ADD, &[a, b])
    }

    /// a − b
    pub fn subtract(&mut self, a: NodeId, b: NodeId) -> Made {
        self.call(&arithmetic::SUBTRACT, &[a, b])
    }

    /// a · b, plain
    pub fn multiply(&mut self, a: NodeId, b: NodeId) -> Made {
        self.call(&arithmetic::MULTIPLY, &[a, b])
    }

    /// a · b, 0 where either is 0: the product of the chain rule
    pub fn chain(&mut self, a: NodeId, b: NodeId) -> Made {
        self.call(&calculus::CHAIN_MULTIPLY, &[a, b])
    }

    /// c · a, plain
    pub fn scale(&mut self, c: f64, a: NodeId) -> Made {
        let c = self.number(c);
        self.multiply(c, a)
    }

    /// a ÷ b
    pub fn divide(&mut self, a: NodeId, b: NodeId) -> Made {
        self.call(&arithmetic::DIVIDE, &[a, b])
    }

    /// −a
    pub fn negative(&mut self, a: NodeId) -> Made {
        self.call(&arithmetic::NEGATIVE, &[a])
    }

    /// 1 ÷ a
    pub fn reciprocal(&mut self, a: NodeId) -> Made {
        self.call(&arithmetic::RECIPROCAL, &[a])
    }

    /// a²
    pub fn square(&mut self, a: NodeId) -> Made {
        self.call(&arithmetic::SQUARE, &[a])
    }

    /// a if c, else b
    pub fn select(&mut self, c: NodeId, a: NodeId, b: NodeId) -> Made {
        self.call(&choice::WHERE, &[c, a, b])
    }

    /// The sum over axes, which are dropped unless `keepdims`.
    pub fn sum(&mut self, a: NodeId, axes: &[usize], keepdims: bool) -> Made {
        self.reduce(&reduction::SUM, a, axes, keepdims)
    }

    /// Any reduction over axes.
    pub fn reduce(&mut self, op: &'static super::super::op::Row, a: NodeId, axes: &[usize], keepdims: bool) -> Made {
        self.apply(op, &[a], axes_attributes(axes).with("keepdims", Value::Bool(keepdims)))
    }

    /// The same elements in row-major order under another shape; the node itself where the shape is the same.
    pub fn reshape(&mut self, a: NodeId, to: &Shape) -> Made {
        if self.shape(a) == to {
            return Ok(a);
        }
        self.apply(&shape::RESHAPE, &[a], Attributes::none().with("shape", sizes(to)))
    }

    /// Broadcast to a shape; the node itself where the shape is the same.
    pub fn broadcast_to(&mut self, a: NodeId, to: &Shape) -> Made {
        if self.shape(a) == to {
            return Ok(a);
        }
        self.apply(&shape::BROADCAST_TO, &[a], Attributes::none().with("shape", sizes(to)))
    }

    /// Axes in another order: axis i of the result is axis `axes[i]` of `a`.
    pub fn permute(&mut self, a: NodeId, axes: &[usize]) -> Made {
        if axes.iter().enumerate().all(|(i, &axis)| i == axis) {
            return Ok(a);
        }
        let axes = axes.iter().map(|&axis| axis as i64).collect();
        self.apply(&shape::PERMUTE_DIMS, &[a], Attributes::none().with("axes", Value::Ints(axes)))
    }

    /// A tensor of zeros.
    pub fn zeros(&mut self, shape: &Shape) -> Made {
        let zero = self.number(0.0);
        self.broadcast_to(zero, shape)
    }

    /// The transpose of broadcasting: sums `a` over the axes along which `to` was broadcast.
    pub fn unbroadcast(&mut self, a: NodeId, to: &Shape) -> Made {
        let from = self.shape(a).clone();
        if from == *to {
            return Ok(a);
        }
        let lead = from.rank() - to.rank();
        let axes: Vec<usize> = (0..from.rank()).filter(|&i| i < lead || (to.sizes()[i - lead] == 1 && from.sizes()[i] != 1)).collect();
        let summed = if axes.is_empty() { a } else { self.sum(a, &axes, false)? };
        self.reshape(summed, to)
    }

    /// The value of a constant that is one number.
    pub fn number_of(&self, id: NodeId) -> Option<f64> {
        match self.kind(id) {
            Kind::Constant(value) if value.shape().rank() == 0 => Some(value.data()[0]),
            Kind::Constant(_) | Kind::Input(_) | Kind::Apply { .. } => None,
        }
    }

    /// A constant tensor filled with one value.
    pub fn full(&mut self, shape: &Shape, value: f64) -> Made {
        let value = self.constant(Tensor::scalar(value));
        self.broadcast_to(value, shape)
    }
}

/// A shape as an attribute's value.
pub fn sizes(shape: &Shape) -> Value {
    Value::Ints(shape.sizes().iter().map(|&size| size as i64).collect())
}

/// The attribute `axis`.
pub fn axes_attributes(axes: &[usize]) -> Attributes {
    Attributes::none().with("axis", Value::Ints(axes.iter().map(|&axis| axis as i64).collect()))
}

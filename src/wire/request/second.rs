//! The bodies of the endpoints beyond the first order.

use indexmap::IndexMap;
use serde::Serialize;

use super::{Direction, Form, Function, Layout, Mode, Point, Points};
use crate::wire::graph::{Graph, Input, Tensor};

request! {
    /// The body of `POST /hessian`.
    HessianRequest, RegisteredHessianRequest {
        /// One point; beside `points`, the inputs that all points share.
        at: IndexMap<String, Tensor>,
        /// Many points.
        points: Points,
        /// The inputs to differentiate by. Default: all.
        wrt: Vec<String>,
        /// Numerator or denominator layout, of which this answer is the same in both.
        layout: Layout,
        /// Blocks or one matrix. Default: `blocks`.
        form: Form,
        /// Whether to answer, for each point, which nodes stand on a kink or a pole, which leave their domain, and which is the first
        /// that is not finite. Values and derivatives have the same bits with and without. Default: false.
        diagnostics: bool,
        /// How to differentiate the gradient, which itself is always by reverse accumulation. Default: `auto`, which is `forward`.
        mode: Mode,
    }
}

request! {
    /// The body of `POST /hvp`.
    HvpRequest, RegisteredHvpRequest {
        /// One point; beside `points`, the inputs that all points share.
        at: IndexMap<String, Tensor>,
        /// Many points.
        points: Points,
        /// The inputs whose entries of the gradient and the product are answered. H is by all inputs. Default: all.
        wrt: Vec<String>,
        /// Numerator or denominator layout, of which this answer is the same in both.
        layout: Layout,
        /// Blocks or one matrix: the form of Hessians, of which this answer has none.
        form: Form,
        /// Whether to answer, for each point, which nodes stand on a kink or a pole, which leave their domain, and which is the first
        /// that is not finite. Values and derivatives have the same bits with and without. Default: false.
        diagnostics: bool,
        ;
        /// The vector v. An absent input is 0.
        vector: Direction,
    }
}

request! {
    /// The body of `POST /taylor`.
    TaylorRequest, RegisteredTaylorRequest {
        /// One point; beside `points`, the inputs that all points share.
        at: IndexMap<String, Tensor>,
        /// Many points.
        points: Points,
        /// Numerator or denominator layout, of which this answer is the same in both.
        layout: Layout,
        /// Blocks or one matrix: the form of Jacobians, of which this answer has none.
        form: Form,
        /// Whether to answer, for each point, which nodes stand on a kink or a pole, which leave their domain, and which is the first
        /// that is not finite. Values and derivatives have the same bits with and without. Default: false.
        diagnostics: bool,
        ;
        /// The direction dx. An absent input is 0.
        direction: Direction,
        /// The highest power of t, up to limits.derivative_order.
        order: u32,
    }
}

evaluates!(HessianRequest, HvpRequest, TaylorRequest);
chooses_inputs!(HessianRequest, HvpRequest);

impl HessianRequest {
    /// As one matrix instead of blocks.
    #[must_use]
    pub fn matrix(mut self) -> HessianRequest {
        self.form = Some(Form::Matrix);
        self
    }
}

impl HvpRequest {
    /// With the vector's part along one input.
    #[must_use]
    pub fn vector(mut self, input: impl Into<String>, value: impl Into<Tensor>) -> HvpRequest {
        self.vector = Some(Direction::with(self.vector.take(), input.into(), value.into()));
        self
    }

    /// With a vector for each row of the points.
    #[must_use]
    pub fn vectors(mut self, rows: impl IntoIterator<Item = Point>) -> HvpRequest {
        self.vector = Some(Direction::Rows(rows.into_iter().collect()));
        self
    }
}

impl TaylorRequest {
    /// To this power of t.
    #[must_use]
    pub fn order(mut self, order: u32) -> TaylorRequest {
        self.order = Some(order);
        self
    }

    /// With the direction's part along one input.
    #[must_use]
    pub fn direction(mut self, input: impl Into<String>, value: impl Into<Tensor>) -> TaylorRequest {
        self.direction = Some(Direction::with(self.direction.take(), input.into(), value.into()));
        self
    }

    /// With a direction for each row of the points.
    #[must_use]
    pub fn directions(mut self, rows: impl IntoIterator<Item = Point>) -> TaylorRequest {
        self.direction = Some(Direction::Rows(rows.into_iter().collect()));
        self
    }
}

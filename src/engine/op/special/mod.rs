//! Special functions.

pub mod bessel;
pub mod error;
pub mod gamma;

use super::{Application, Partial, Row};
use crate::engine::Error;
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, Kind, NodeId};

/// The highest order of polygamma, of Bessel functions and of sinc's derivatives.
const HIGHEST_ORDER: f64 = 64.0;

/// A non-negative integer argument as an order, `None` for anything else.
pub(super) fn order(n: f64) -> Option<u32> {
    (n.trunc() == n && (0.0..=HIGHEST_ORDER).contains(&n)).then_some(n as u32)
}

/// An integer argument as an order, negative ones too, `None` for anything else.
pub(super) fn signed_order(n: f64) -> Option<i32> {
    (n.trunc() == n && n.abs() <= HIGHEST_ORDER).then_some(n as i32)
}

/// The order `n` plus `by`; a constant one stays a constant, so that a derivative reads `polygamma(2, x)`.
pub(super) fn moved(g: &mut Builder, n: NodeId, by: f64) -> Made {
    if let Kind::Constant(value) = g.kind(n)
        && value.shape().rank() == 0
    {
        let next = value.data()[0] + by;
        return Ok(g.number(next));
    }
    let by = g.number(by);
    g.add(n, by)
}

/// The partial of a function that has the order of its derivative as its argument `order`: the same of the next order.
pub(super) fn next_derivative(g: &mut Builder, op: &'static Row, y: Application<'_>, order: usize) -> Result<Partial, Error> {
    let mut args = y.args.to_vec();
    args[order] = moved(g, args[order], 1.0)?;
    Ok(Partial::Node(g.call(op, &args)?))
}

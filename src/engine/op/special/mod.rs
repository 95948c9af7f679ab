//! Special functions.

pub mod bessel;
pub mod error;
pub mod gamma;

use super::arithmetic::ADD;
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

/// The order `n` plus `by`; a constant one stays a constant, so that a derivative reads `polygamma(2, x)`, and steps are summed, so that
/// steps back and forth lead to the same order.
pub(super) fn moved(g: &mut Builder, n: NodeId, by: f64) -> Made {
    if let Some(n) = constant(g, n) {
        return Ok(g.number(n + by));
    }
    let step = match g.kind(n) {
        Kind::Apply { op, args: &[n, step], .. } if *op == ADD => constant(g, step).map(|step| (n, step)),
        _ => None,
    };
    let (n, by) = step.map_or((n, by), |(n, step)| (n, step + by));
    if by == 0.0 {
        return Ok(n);
    }
    let by = g.number(by);
    g.add(n, by)
}

/// The number that a node is.
fn constant(g: &Builder, id: NodeId) -> Option<f64> {
    match g.kind(id) {
        Kind::Constant(value) if value.shape().rank() == 0 => Some(value.data()[0]),
        _ => None,
    }
}

/// The partial of a function that has the order of its derivative as its argument `order`: the same of the next order.
pub(super) fn next_derivative(g: &mut Builder, op: &'static Row, y: Application<'_>, order: usize) -> Result<Partial, Error> {
    let mut args = y.args.to_vec();
    args[order] = moved(g, args[order], 1.0)?;
    Ok(Partial::Node(g.call(op, &args)?))
}

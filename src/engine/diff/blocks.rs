//! Whole derivatives as graphs: gradients, and the blocks of Jacobians and Hessians.
//!
//! For a derivative that is to be looked at or sent back as a function. Programs do not use this: their sweeps are lanes, and their
//! graph's size does not depend on how many there are. Here each sweep is written out, so that the graph has no operator for it.

use super::{Cotangent, Tangent, jvp, vjp};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::op::{Attributes, Value, shape};
use crate::engine::{Error, Shape, Tensor};

/// How a Jacobian is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweeps {
    /// Column after column, by tangents.
    Forward,
    /// Row after row, by cotangents.
    Reverse,
}

impl Sweeps {
    /// The fewer sweeps for a matrix of P rows and N columns.
    pub fn fewer(rows: usize, columns: usize) -> Sweeps {
        if columns < rows { Sweeps::Forward } else { Sweeps::Reverse }
    }
}

/// `blocks[i][j]` of a matrix, each of shape output ++ input; `None` where the one does not depend on the other.
pub type Blocks = Vec<Vec<Option<NodeId>>>;

/// The gradient ∂y/∂x of a scalar node, for each of `inputs`; `None` where y does not depend on it.
///
/// # Errors
/// [`Error::Limit`]
pub fn gradient(g: &mut Builder, y: NodeId, inputs: &[NodeId]) -> Result<Vec<Option<NodeId>>, Error> {
    vjp(g, &[(y, Cotangent::One)], inputs)
}

/// The blocks ∂outputs[i]/∂inputs[j] of a Jacobian.
///
/// # Errors
/// [`Error::Limit`], before anything is built where the sweeps are too many.
pub fn jacobian(g: &mut Builder, outputs: &[NodeId], inputs: &[NodeId], sweeps: Sweeps) -> Result<Blocks, Error> {
    let swept = if sweeps == Sweeps::Forward { inputs } else { outputs };
    admit(g, swept)?;
    // by swept tensor, then by the others; turned around at the end where these are the inputs
    let mut parts = Vec::with_capacity(swept.len());
    for &node in swept {
        let shape = g.shape(node).clone();
        let others = if sweeps == Sweeps::Forward { outputs } else { inputs };
        let mut elements: Vec<Vec<Option<NodeId>>> = vec![Vec::with_capacity(shape.elements()); others.len()];
        for element in 0..shape.elements() {
            let seed = unit(g, &shape, element);
            let flows = match sweeps {
                Sweeps::Forward => jvp(g, &[(node, seed)], outputs)?,
                Sweeps::Reverse => vjp(g, &[(node, seed)], inputs)?,
            };
            elements.iter_mut().zip(flows).for_each(|(elements, flow)| elements.push(flow));
        }
        let joined = elements.into_iter().zip(others).map(|(flows, &other)| join(g, &flows, &shape, other, sweeps));
        parts.push(joined.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(match sweeps {
        Sweeps::Reverse => parts,
        Sweeps::Forward => (0..outputs.len()).map(|i| parts.iter().map(|column| column[i]).collect()).collect(),
    })
}

/// The blocks ∂²y/∂inputs[i]∂inputs[j] of a scalar node: forward over reverse, column after column of the gradient's Jacobian.
///
/// # Errors
/// As [`jacobian`].
pub fn hessian(g: &mut Builder, y: NodeId, inputs: &[NodeId]) -> Result<Blocks, Error> {
    let gradient = gradient(g, y, inputs)?;
    let present: Vec<NodeId> = gradient.iter().flatten().copied().collect();
    let mut rows = jacobian(g, &present, inputs, Sweeps::Forward)?.into_iter();
    let row = |bar: &Option<NodeId>| bar.and_then(|_| rows.next()).unwrap_or_else(|| vec![None; inputs.len()]);
    Ok(gradient.iter().map(row).collect())
}

/// Refuses sweeps that would write down more nodes than a graph may have: each writes about as many as there are.
fn admit(g: &Builder, swept: &[NodeId]) -> Result<(), Error> {
    let sweeps: f64 = swept.iter().map(|&node| g.shape(node).elements() as f64).sum();
    let (asked, allowed) = (sweeps * g.len() as f64, g.bounds().nodes as f64);
    if sweeps > 1.0 && asked > allowed { Err(Error::Limit { what: "limits.nodes", asked, allowed }) } else { Ok(()) }
}

/// The unit vector of an element: exactly 1 for a scalar's only one.
fn unit(g: &mut Builder, shape: &Shape, element: usize) -> Tangent {
    if shape.rank() == 0 {
        return Tangent::One;
    }
    let data = (0..shape.elements()).map(|i| if i == element { 1.0 } else { 0.0 }).collect();
    Tensor::new(shape.clone(), data).map_or(Tangent::One, |unit| g.constant(unit).into())
}

/// One block from what flowed for each element of the swept tensor.
fn join(g: &mut Builder, flows: &[Option<NodeId>], swept: &Shape, other: NodeId, sweeps: Sweeps) -> Result<Option<NodeId>, Error> {
    if flows.iter().all(Option::is_none) {
        return Ok(None);
    }
    if let ([flow], 0) = (flows, swept.rank()) {
        return Ok(*flow);
    }
    let own = g.shape(other).clone();
    let parts: Vec<NodeId> = flows.iter().map(|flow| flow.map_or_else(|| g.zeros(&own), Ok)).collect::<Result<_, _>>()?;
    let (axis, sizes) = match sweeps {
        Sweeps::Reverse => (0, [swept.sizes(), own.sizes()].concat()),
        Sweeps::Forward => (own.rank(), [own.sizes(), swept.sizes()].concat()),
    };
    let stacked: Made = g.apply(&shape::STACK, &parts, Attributes::none().with("axis", Value::Int(axis as i64)));
    g.reshape(stacked?, &Shape::new(sizes)).map(Some)
}

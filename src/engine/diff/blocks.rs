//! Whole derivatives as graphs: gradients, and the blocks of Jacobians and Hessians.
//!
//! For a derivative that is to be looked at or sent back as a function. Programs do not use this: their sweeps are lanes, which no graph
//! speaks of. Here a sweep an element is written out where the elements are few; where they are many, one sweep is the body of a `map`
//! over unit vectors.

use super::{Cotangent, Tangent, jvp, vjp};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Body, Builder, Kind, NodeId};
use crate::engine::op::structure::map;
use crate::engine::op::{Attributes, Value, arrange, shape};
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

/// Sweeps over more elements of a tensor than this are a `map`: a formula has no way to write one, and few are read with more ease.
const WRITTEN_OUT: usize = 8;

/// The gradient ∂y/∂x of a scalar node, for each of `inputs`; `None` where y does not depend on it.
///
/// # Errors
/// [`Error::Limit`]
pub fn gradient(g: &mut Builder, y: NodeId, inputs: &[NodeId]) -> Result<Vec<Option<NodeId>>, Error> {
    vjp(g, &[(y, Cotangent::One)], inputs)
}

/// The blocks ∂yᵢ/∂xⱼ of a Jacobian.
///
/// # Errors
/// [`Error::Limit`], before anything is built where the sweeps are too many.
pub fn jacobian(g: &mut Builder, outputs: &[NodeId], inputs: &[NodeId], sweeps: Sweeps) -> Result<Blocks, Error> {
    let (swept, others) = match sweeps {
        Sweeps::Forward => (inputs, outputs),
        Sweeps::Reverse => (outputs, inputs),
    };
    admit(g, swept)?;
    let flow = |g: &mut Builder, node: NodeId, seed: Tangent| match sweeps {
        Sweeps::Forward => jvp(g, &[(node, seed)], outputs),
        Sweeps::Reverse => vjp(g, &[(node, seed)], inputs),
    };
    // by swept tensor, then by the others; turned around at the end where these are the inputs
    let mut parts = Vec::with_capacity(swept.len());
    for &node in swept {
        let shape = g.shape(node).clone();
        parts.push(if shape.rank() == 0 {
            flow(g, node, Tangent::One)?
        } else if shape.elements() <= WRITTEN_OUT {
            let mut flows: Vec<Vec<Option<NodeId>>> = vec![Vec::new(); others.len()];
            for element in 0..shape.elements() {
                let seed = unit(g, &shape, element);
                flows.iter_mut().zip(flow(g, node, seed)?).for_each(|(flows, flow)| flows.push(flow));
            }
            let stacked = flows.into_iter().zip(others).map(|(flows, &other)| stack(g, &flows, other));
            let stacked = stacked.collect::<Result<Vec<_>, _>>()?;
            arranged(g, stacked, &shape, sweeps)?
        } else {
            let seed = any(g, &shape)?;
            let flows = flow(g, node, seed.into())?;
            let stacked = mapped(g, seed, &flows)?;
            arranged(g, stacked, &shape, sweeps)?
        });
    }
    Ok(match sweeps {
        Sweeps::Reverse => parts,
        Sweeps::Forward => (0..outputs.len()).map(|i| parts.iter().map(|column| column[i]).collect()).collect(),
    })
}

/// The blocks ∂²y/∂xᵢ∂xⱼ of a scalar node: forward over reverse, column after column of the gradient's Jacobian.
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
    let written = |elements: usize| if elements <= WRITTEN_OUT { elements } else { 1 };
    let sweeps: f64 = swept.iter().map(|&node| written(g.shape(node).elements()) as f64).sum();
    let (asked, allowed) = (sweeps * g.len() as f64, g.bounds().nodes as f64);
    if sweeps > 1.0 && asked > allowed { Err(Error::Limit { what: "limits.nodes", asked, allowed }) } else { Ok(()) }
}

/// The unit vector of an element.
fn unit(g: &mut Builder, shape: &Shape, element: usize) -> Tangent {
    let data = (0..shape.elements()).map(|i| if i == element { 1.0 } else { 0.0 }).collect();
    Tensor::new(shape.clone(), data).map_or(Tangent::One, |unit| g.constant(unit).into())
}

/// What stands for any unit vector while the sweep that it goes through is written down: a constant that no caller can send.
fn any(g: &mut Builder, shape: &Shape) -> Made {
    let mark = g.number(f64::from_bits(0x7ff8_0000_0bad_5eed));
    g.broadcast_to(mark, shape)
}

/// What flowed for each unit vector, one after another along a new leading axis; `None` where nothing ever did.
fn stack(g: &mut Builder, flows: &[Option<NodeId>], like: NodeId) -> Result<Option<NodeId>, Error> {
    if flows.iter().all(Option::is_none) {
        return Ok(None);
    }
    let own = g.shape(like).clone();
    let parts: Vec<NodeId> = flows.iter().map(|flow| flow.map_or_else(|| g.zeros(&own), Ok)).collect::<Result<_, _>>()?;
    g.apply(&shape::STACK, &parts, Attributes::none().with("axis", Value::Int(0))).map(Some)
}

/// The same by a loop: what depends on `seed` becomes a body that is mapped over all unit vectors, what does not is passed to it whole.
fn mapped(g: &mut Builder, seed: NodeId, flows: &[Option<NodeId>]) -> Result<Vec<Option<NodeId>>, Error> {
    let present: Vec<NodeId> = flows.iter().flatten().copied().collect();
    if present.is_empty() {
        return Ok(flows.to_vec());
    }
    let shape = g.shape(seed).clone();
    let count = shape.elements();
    let mut depends = vec![false; g.len()];
    depends[seed.index()] = true;
    for index in seed.index()..g.len() {
        if let Kind::Apply { args, .. } = g.kind(NodeId(index as u32)) {
            depends[index] = depends[index] || args.iter().any(|arg| depends[arg.index()]);
        }
    }
    let needed = super::ancestors(g, &present, g.len());
    let mut body = Builder::new(*g.bounds());
    let mut copies: Vec<Option<NodeId>> = vec![None; g.len()];
    copies[seed.index()] = Some(body.input("e", shape.clone())?);
    let mut passed: Vec<NodeId> = Vec::new();
    let mut copy = |body: &mut Builder, copies: &mut Vec<Option<NodeId>>, id: NodeId| -> Result<NodeId, Error> {
        if let Some(copy) = copies[id.index()] {
            return Ok(copy);
        }
        let copy = match g.kind(id) {
            Kind::Constant(value) if value.shape().rank() == 0 => body.constant(value.clone()),
            _ => {
                passed.push(id);
                body.input(format!("p{}", passed.len()), g.shape(id).clone())?
            }
        };
        copies[id.index()] = Some(copy);
        Ok(copy)
    };
    for index in (seed.index() + 1..g.len()).filter(|&index| depends[index] && needed[index]) {
        let id = NodeId(index as u32);
        if let Kind::Apply { op, args, attributes } = g.kind(id) {
            let args: Vec<NodeId> = args.iter().map(|&arg| copy(&mut body, &mut copies, arg)).collect::<Result<_, _>>()?;
            copies[index] = Some(body.apply(op, &args, attributes.clone())?);
        }
    }
    let outputs: Vec<NodeId> = present.iter().map(|&id| copy(&mut body, &mut copies, id)).collect::<Result<_, _>>()?;
    let outputs = outputs.into_iter().enumerate().map(|(i, node)| (format!("y{}", i + 1), node)).collect();
    let body = Body::new(body.finish(outputs))?;
    let units = one_hot(g, count)?;
    let units = g.reshape(units, &Shape::new([&[count], shape.sizes()].concat()))?;
    let over: Vec<bool> = std::iter::once(true).chain(passed.iter().map(|_| false)).collect();
    let args: Vec<NodeId> = std::iter::once(units).chain(passed).collect();
    let mut results = map(g, body, &args, &over)?.into_iter();
    Ok(flows.iter().map(|flow| flow.and_then(|_| results.next())).collect())
}

/// All unit vectors of so many elements, as the rows of a matrix.
fn one_hot(g: &mut Builder, count: usize) -> Made {
    let places: Vec<i64> = (0..count as i64).collect();
    let attributes = Attributes::none().with("indices", Value::Indices(vec![count], places.into())).with("size", Value::Int(count as i64));
    g.apply(&arrange::ONE_HOT, &[], attributes)
}

/// Blocks from what flowed for each element of the swept tensor, along a leading axis.
fn arranged(g: &mut Builder, stacked: Vec<Option<NodeId>>, swept: &Shape, sweeps: Sweeps) -> Result<Vec<Option<NodeId>>, Error> {
    let arrange = |stacked: NodeId| {
        let own = g.shape(stacked).sizes()[1..].to_vec();
        match sweeps {
            Sweeps::Reverse => g.reshape(stacked, &Shape::new([swept.sizes(), &own].concat())),
            Sweeps::Forward => {
                let axes: Vec<usize> = (1..=own.len()).chain([0]).collect();
                let last = g.permute(stacked, &axes)?;
                g.reshape(last, &Shape::new([&own, swept.sizes()].concat()))
            }
        }
    };
    let mut arrange = arrange;
    stacked.into_iter().map(|stacked| stacked.map(&mut arrange).transpose()).collect()
}

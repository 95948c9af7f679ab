//! Derivatives as graphs: from a function to the function that is its derivative.
//!
//! Three drivers, [`jvp`](mod@jvp), [`vjp`](mod@vjp) and [`taylor`](mod@taylor), read the same rows of the operator table. Nothing is
//! evaluated here. What carries nothing is absent (`None`), never a constant zero, and what carries exactly 1 is never multiplied.

mod jvp;
mod taylor;
mod vjp;

pub use jvp::jvp;
pub use taylor::taylor;
pub use vjp::{Cotangent, vjp};

use super::Error;
use super::graph::{Builder, Graph, Kind, NodeId};

/// Copies `graph` into `builder`, inputs first; returns the node of each node.
///
/// # Errors
/// [`Error::Limit`] where the builder's bounds are exceeded.
pub fn copy(graph: &Graph, builder: &mut Builder) -> Result<Vec<NodeId>, Error> {
    builder.reserve(4 * graph.len());
    let mut copies: Vec<NodeId> = Vec::with_capacity(graph.len());
    let mut inputs = graph.inputs().iter();
    let placed: Vec<NodeId> =
        inputs.by_ref().map(|input| builder.input(input.name.clone(), input.shape.clone())).collect::<Result<_, _>>()?;
    let mut mapped: Vec<NodeId> = Vec::new();
    for id in graph.ids() {
        let copy = match graph.kind(id) {
            Kind::Input(position) => placed[position],
            Kind::Constant(value) => builder.constant(value.clone()),
            Kind::Apply { op, args, attributes } => {
                mapped.clear();
                mapped.extend(args.iter().map(|arg| copies[arg.index()]));
                builder.apply(op, &mapped, attributes.clone())?
            }
        };
        copies.push(copy);
    }
    Ok(copies)
}

/// Which of the nodes up to `last` depend on a node of `on`.
fn dependents(builder: &Builder, on: &[NodeId], last: usize) -> Vec<bool> {
    let mut depends = vec![false; last];
    for &id in on {
        depends[id.index()] = true;
    }
    for index in 0..last {
        if let Kind::Apply { args, .. } = builder.kind(NodeId(index as u32)) {
            depends[index] = depends[index] || args.iter().any(|arg| depends[arg.index()]);
        }
    }
    depends
}

/// Which of the nodes up to `last` a node of `of` depends on, those included.
fn ancestors(builder: &Builder, of: &[NodeId], last: usize) -> Vec<bool> {
    let mut needed = vec![false; last];
    for &id in of {
        needed[id.index()] = true;
    }
    for index in (0..last).rev() {
        if needed[index]
            && let Kind::Apply { args, .. } = builder.kind(NodeId(index as u32))
        {
            for arg in args {
                needed[arg.index()] = true;
            }
        }
    }
    needed
}

/// An application copied out of the builder, so that rules may build while they read it.
struct Owned {
    op: &'static super::op::Row,
    args: Vec<NodeId>,
    attributes: super::op::Attributes,
}

impl Owned {
    fn of(builder: &Builder, id: NodeId) -> Option<Owned> {
        match builder.kind(id) {
            Kind::Apply { op, args, attributes } => Some(Owned { op, args: args.to_vec(), attributes: attributes.clone() }),
            Kind::Input(_) | Kind::Constant(_) => None,
        }
    }
}

/// The nodes from `args` (included) to `result` (included) on which both depend, ascending: an expansion's inside.
fn between(builder: &Builder, args: &[NodeId], result: NodeId) -> Vec<NodeId> {
    let mut stack = vec![result];
    let mut seen: std::collections::BTreeSet<NodeId> = args.iter().copied().collect();
    while let Some(id) = stack.pop() {
        if !seen.insert(id) {
            continue;
        }
        if let Kind::Apply { args, .. } = builder.kind(id) {
            stack.extend(args.iter().copied());
        }
    }
    // a caller's own nodes may equal an expansion's; what no argument reaches carries nothing
    let mut reached: std::collections::HashSet<NodeId> = args.iter().copied().collect();
    let depends = |id: &NodeId| {
        let through = match builder.kind(*id) {
            Kind::Apply { args, .. } => args.iter().any(|arg| reached.contains(arg)),
            Kind::Input(_) | Kind::Constant(_) => false,
        };
        if through {
            reached.insert(*id);
        }
        through || args.contains(id)
    };
    seen.into_iter().filter(depends).collect()
}

//! Derivatives as graphs: from a function to the function that is its derivative.
//!
//! Three drivers, [`jvp`](mod@jvp), [`vjp`](mod@vjp) and [`taylor`](mod@taylor), read the same rows of the operator table. Nothing is
//! evaluated here. What carries nothing is absent (`None`), never a constant zero, and what carries exactly 1 is never multiplied.

mod blocks;
mod jvp;
mod taylor;
mod vjp;

pub use blocks::{Blocks, Sweeps, gradient, hessian, jacobian};
pub use jvp::jvp;
pub use taylor::{series, taylor};
pub use vjp::{Cotangent, vjp};

use smallvec::SmallVec;

use super::Error;
use super::graph::compose::inline;
use super::graph::{Builder, Graph, Kind, NodeId};
use super::op::Rule;

/// What flows out of a node, in the same two cases as what flows back into it.
pub type Tangent = Cotangent;

impl From<NodeId> for Cotangent {
    fn from(node: NodeId) -> Cotangent {
        Cotangent::Node(node)
    }
}

/// Copies `graph` into `builder`, inputs first; returns the node of each node.
///
/// # Errors
/// [`Error::Limit`] where the builder's bounds are exceeded.
pub fn copy(graph: &Graph, builder: &mut Builder) -> Result<Vec<NodeId>, Error> {
    builder.reserve(4 * graph.len());
    let inputs: Vec<NodeId> =
        graph.inputs().iter().map(|input| builder.input(input.name.clone(), input.shape.clone())).collect::<Result<_, _>>()?;
    inline(graph, builder, &inputs)
}

/// Which of the nodes up to `last` depend on a node of `on`.
fn dependents(builder: &Builder, on: &[NodeId], last: usize) -> Vec<bool> {
    let mut depends = vec![false; last];
    let first = on.iter().map(|id| id.index()).min().unwrap_or(last);
    for &id in on {
        depends[id.index()] = true;
    }
    for index in first..last {
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
    args: SmallVec<[NodeId; 4]>,
    attributes: super::op::Attributes,
}

impl Owned {
    fn of(builder: &Builder, id: NodeId) -> Option<Owned> {
        match builder.kind(id) {
            Kind::Apply { op, args, attributes } => Some(Owned { op, args: args.into(), attributes: attributes.clone() }),
            Kind::Input(_) | Kind::Constant(_) => None,
        }
    }
}

/// What `item` picks: the several-valued node and the position of the result.
fn item_of(owned: &Owned) -> Option<(NodeId, usize)> {
    matches!(owned.op.rule, Rule::Item).then(|| (owned.args[0], owned.attributes.int("index").unwrap_or_default() as usize))
}

/// The nodes from `args` (included) to `results` (included) on which both depend, ascending: an expansion's inside.
fn between(builder: &Builder, args: &[NodeId], results: &[NodeId]) -> Vec<NodeId> {
    let mut stack = results.to_vec();
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

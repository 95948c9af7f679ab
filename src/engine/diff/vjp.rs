//! Reverse mode: cotangents of inputs from cotangents of outputs.

use std::collections::HashMap;

use super::super::Error;
use super::super::graph::{Builder, NodeId};
use super::super::op::{Application, Partial, Rule};
use super::jvp::term;
use super::{Owned, ancestors, between, dependents};

/// What flows back into a node: where a derivative starts it is exactly 1, which is never multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cotangent {
    /// Exactly 1, of a scalar.
    One,
    /// A node of the same shape.
    Node(NodeId),
}

/// x̄ for each of `inputs`, given ȳ for some nodes; `None` where no output depends on the input.
///
/// # Errors
/// [`Error::Limit`] where the cotangents exceed the builder's bounds.
pub fn vjp(g: &mut Builder, cotangents: &[(NodeId, Cotangent)], inputs: &[NodeId]) -> Result<Vec<Option<NodeId>>, Error> {
    let last = cotangents.iter().map(|(y, _)| y.index() + 1).max().unwrap_or(0);
    let sources: Vec<NodeId> = inputs.iter().copied().filter(|x| x.index() < last).collect();
    let outputs: Vec<NodeId> = cotangents.iter().map(|&(y, _)| y).collect();
    let (active, needed) = (dependents(g, &sources, last), ancestors(g, &outputs, last));
    let mut bars: Vec<Option<Cotangent>> = vec![None; last];
    for &(y, bar) in cotangents {
        let sum = accumulate(g, bars[y.index()], bar)?;
        bars[y.index()] = Some(sum);
    }
    for index in (0..last).rev() {
        let y = NodeId(index as u32);
        let Some(bar) = bars[index] else { continue };
        if !(active[index] && needed[index]) {
            continue;
        }
        for (arg, part) in node(g, y, bar, |arg| active[arg.index()])? {
            let sum = accumulate(g, bars[arg.index()], part)?;
            bars[arg.index()] = Some(sum);
        }
    }
    inputs.iter().map(|x| bars.get(x.index()).copied().flatten().map(|bar| materialised(g, bar)).transpose()).collect()
}

/// What one node's cotangent gives to its arguments.
fn node(g: &mut Builder, y: NodeId, bar: Cotangent, wanted: impl Fn(NodeId) -> bool) -> Result<Vec<(NodeId, Cotangent)>, Error> {
    let Some(owned) = Owned::of(g, y) else { return Ok(Vec::new()) };
    let application = Application { args: &owned.args, attributes: &owned.attributes, y };
    let mut parts = Vec::new();
    let wanted_args = owned.args.iter().enumerate().filter(|(_, arg)| wanted(**arg));
    match &owned.op.rule {
        Rule::Scalar { partials, .. } => {
            for (i, &arg) in wanted_args {
                let partial = partials(g, application, i)?;
                if let Some(part) = product(g, partial, bar)? {
                    let part = match part {
                        Cotangent::One => part,
                        Cotangent::Node(part) => {
                            // a partial may be smaller than y where only other arguments were broadcast
                            let whole = g.shape(y).clone();
                            let part = g.broadcast_to(part, &whole)?;
                            let own = g.shape(arg).clone();
                            Cotangent::Node(g.unbroadcast(part, &own)?)
                        }
                    };
                    parts.push((arg, part));
                }
            }
        }
        Rule::View { transpose: rule, .. } | Rule::Primitive { vjp: rule, .. } | Rule::Composite { derivative: Some((_, rule)), .. } => {
            let bar = materialised(g, bar)?;
            for (i, &arg) in wanted_args {
                if let Some(part) = rule(g, application, bar, i)? {
                    parts.push((arg, Cotangent::Node(part)));
                }
            }
        }
        Rule::Composite { expansion, derivative: None, .. } => {
            let result = expansion(g, &owned.args, &owned.attributes)?;
            parts = within(g, result, bar, &owned.args)?;
            parts.retain(|(arg, _)| wanted(*arg));
        }
        Rule::Resolved => {}
    }
    Ok(parts)
}

/// Reverse mode inside an expansion, whose nodes all lie between its arguments and its result.
fn within(g: &mut Builder, result: NodeId, bar: Cotangent, args: &[NodeId]) -> Result<Vec<(NodeId, Cotangent)>, Error> {
    let inside = between(g, args, result);
    let mut bars: HashMap<NodeId, Cotangent> = HashMap::from([(result, bar)]);
    for &id in inside.iter().rev() {
        if args.contains(&id) {
            continue;
        }
        let Some(&bar) = bars.get(&id) else { continue };
        for (arg, part) in node(g, id, bar, |arg| inside.binary_search(&arg).is_ok())? {
            let sum = accumulate(g, bars.get(&arg).copied(), part)?;
            bars.insert(arg, sum);
        }
    }
    let mut seen = Vec::new();
    for &arg in args {
        if !seen.contains(&arg) {
            seen.push(arg);
        }
    }
    Ok(seen.into_iter().filter_map(|arg| bars.get(&arg).map(|&bar| (arg, bar))).collect())
}

/// The chain rule's product of a partial and what flows.
pub(super) fn product(g: &mut Builder, partial: Partial, bar: Cotangent) -> Result<Option<Cotangent>, Error> {
    match (bar, partial) {
        (_, Partial::Zero) => Ok(None),
        (bar, Partial::One) => Ok(Some(bar)),
        (Cotangent::One, Partial::Node(partial)) => Ok(Some(Cotangent::Node(partial))),
        (bar, partial) => {
            let bar = materialised(g, bar)?;
            Ok(term(g, partial, bar)?.map(Cotangent::Node))
        }
    }
}

/// The sum of what flows into a node.
pub(super) fn accumulate(g: &mut Builder, sum: Option<Cotangent>, part: Cotangent) -> Result<Cotangent, Error> {
    let Some(sum) = sum else { return Ok(part) };
    let (sum, part) = (materialised(g, sum)?, materialised(g, part)?);
    Ok(Cotangent::Node(g.add(sum, part)?))
}

/// As a node.
pub(super) fn materialised(g: &mut Builder, bar: Cotangent) -> Result<NodeId, Error> {
    match bar {
        Cotangent::One => Ok(g.number(1.0)),
        Cotangent::Node(node) => Ok(node),
    }
}

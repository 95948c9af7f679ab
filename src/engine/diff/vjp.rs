//! Reverse mode: cotangents of inputs from cotangents of outputs.

use std::collections::HashMap;

use super::super::Error;
use super::super::graph::algebra::Made;
use super::super::graph::{Builder, NodeId};
use super::super::op::{Application, Does, Partial, Rule};
use super::jvp::term;
use super::{Owned, ancestors, between, dependents, item_of};

/// Cotangents of the results of several-valued nodes, a list a node.
type Several = HashMap<NodeId, Vec<Option<Cotangent>>>;

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
    let mut bars = Bars::none(last);
    for &(y, bar) in cotangents {
        let sum = accumulate(g, bars.get(y), bar)?;
        bars.set(y, sum);
    }
    let (mut several, mut parts) = (Several::new(), Vec::new());
    for index in (0..last).rev() {
        let y = NodeId(index as u32);
        if !(active[index] && needed[index]) {
            continue;
        }
        flow(g, y, bars.get(y), &mut several, |arg| active[arg.index()], &mut parts)?;
        for (arg, part) in parts.drain(..) {
            let sum = accumulate(g, bars.get(arg), part)?;
            bars.set(arg, sum);
        }
    }
    inputs.iter().map(|&x| if x.index() < last { bars.get(x) } else { None }.map(|bar| materialised(g, bar)).transpose()).collect()
}

/// What flows back into each node so far, in four bytes a node: they are reached for across the memory of the whole graph.
struct Bars(Vec<u32>);

impl Bars {
    const NONE: u32 = u32::MAX;
    const ONE: u32 = u32::MAX - 1;

    fn none(nodes: usize) -> Bars {
        Bars(vec![Bars::NONE; nodes])
    }

    fn get(&self, of: NodeId) -> Option<Cotangent> {
        match self.0[of.index()] {
            Bars::NONE => None,
            Bars::ONE => Some(Cotangent::One),
            node => Some(Cotangent::Node(NodeId(node))),
        }
    }

    fn set(&mut self, of: NodeId, bar: Cotangent) {
        self.0[of.index()] = match bar {
            Cotangent::One => Bars::ONE,
            Cotangent::Node(node) => node.0,
        };
    }
}

/// Adds to `parts` what flows back through a node, be it one tensor, several or one of several.
fn flow(
    g: &mut Builder,
    y: NodeId,
    bar: Option<Cotangent>,
    several: &mut Several,
    wanted: impl Fn(NodeId) -> bool,
    parts: &mut Vec<(NodeId, Cotangent)>,
) -> Result<(), Error> {
    if !several.is_empty()
        && let Some(bars) = several.remove(&y)
    {
        parts.extend(several_node(g, y, &bars, wanted)?);
        return Ok(());
    }
    let (Some(bar), Some(owned)) = (bar, Owned::of(g, y)) else { return Ok(()) };
    let Some((whole, index)) = item_of(&owned) else { return node(g, (y, owned), bar, wanted, parts) };
    let count = g.results(whole).map_or(0, <[_]>::len);
    let bars = several.entry(whole).or_insert_with(|| vec![None; count]);
    let sum = accumulate(g, bars[index], bar)?;
    bars[index] = Some(sum);
    Ok(())
}

/// What the cotangents of a several-valued node's results give to its arguments.
fn several_node(
    g: &mut Builder,
    y: NodeId,
    bars: &[Option<Cotangent>],
    wanted: impl Fn(NodeId) -> bool,
) -> Result<Vec<(NodeId, Cotangent)>, Error> {
    let Some(owned) = Owned::of(g, y) else { return Ok(Vec::new()) };
    let Rule::Several { does, vjp, .. } = &owned.op.rule else { return Ok(Vec::new()) };
    if let Some(vjp) = vjp {
        let wanted: Vec<bool> = owned.args.iter().map(|&arg| wanted(arg)).collect();
        let bars = bars.iter().map(|bar| bar.map(|bar| materialised(g, bar)).transpose()).collect::<Result<Vec<_>, _>>()?;
        let application = Application { args: &owned.args, attributes: &owned.attributes, y };
        let parts = vjp(g, application, &bars, &wanted)?;
        let parts = owned.args.iter().zip(parts).zip(wanted);
        return Ok(parts.filter_map(|((&arg, part), wanted)| part.filter(|_| wanted).map(|part| (arg, Cotangent::Node(part)))).collect());
    }
    let Does::Expansion(expansion) = does else { return Ok(Vec::new()) };
    let results = expansion(g, &owned.args, &owned.attributes)?;
    let pairs: Vec<(NodeId, Cotangent)> = results.iter().zip(bars).filter_map(|(&result, bar)| bar.map(|bar| (result, bar))).collect();
    let mut parts = within(g, &pairs, &owned.args)?;
    parts.retain(|(arg, _)| wanted(*arg));
    Ok(parts)
}

/// Adds to `parts` what one node's cotangent gives to its arguments.
fn node(
    g: &mut Builder,
    (y, owned): (NodeId, Owned),
    bar: Cotangent,
    wanted: impl Fn(NodeId) -> bool,
    parts: &mut Vec<(NodeId, Cotangent)>,
) -> Result<(), Error> {
    let application = Application { args: &owned.args, attributes: &owned.attributes, y };
    let wanted_args = owned.args.iter().enumerate().filter(|(_, arg)| wanted(**arg));
    match &owned.op.rule {
        Rule::Scalar { partials, .. } => {
            for (i, &arg) in wanted_args {
                let partial = partials(g, application, i)?;
                if let (Partial::MinusOne, Cotangent::Node(bar)) = (&partial, bar)
                    && !g.same_shape(y, arg)
                {
                    // summed, then negated: the bits are the same, and there is less to negate
                    let bar = reshaped(g, bar, y, arg)?;
                    parts.extend(product(g, partial, Cotangent::Node(bar))?.map(|part| (arg, part)));
                    continue;
                }
                if let Some(part) = product(g, partial, bar)? {
                    let part = match part {
                        Cotangent::One => part,
                        Cotangent::Node(part) => Cotangent::Node(reshaped(g, part, y, arg)?),
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
            parts.extend(within(g, &[(result, bar)], &owned.args)?.into_iter().filter(|(arg, _)| wanted(*arg)));
        }
        Rule::Several { .. } | Rule::Item | Rule::Resolved => {}
    }
    Ok(())
}

/// What flows back through an elementwise node into one of its arguments, in that argument's shape.
fn reshaped(g: &mut Builder, part: NodeId, y: NodeId, arg: NodeId) -> Made {
    if g.same_shape(part, y) && g.same_shape(y, arg) {
        return Ok(part);
    }
    // a partial may be smaller than y where only other arguments were broadcast
    let whole = g.shape(y).clone();
    let part = g.broadcast_to(part, &whole)?;
    let own = g.shape(arg).clone();
    g.unbroadcast(part, &own)
}

/// Reverse mode inside an expansion, whose nodes all lie between its arguments and its results.
fn within(g: &mut Builder, results: &[(NodeId, Cotangent)], args: &[NodeId]) -> Result<Vec<(NodeId, Cotangent)>, Error> {
    let ends: Vec<NodeId> = results.iter().map(|&(result, _)| result).collect();
    let inside = between(g, args, &ends);
    let mut bars: HashMap<NodeId, Cotangent> = HashMap::new();
    for &(result, bar) in results {
        let sum = accumulate(g, bars.get(&result).copied(), bar)?;
        bars.insert(result, sum);
    }
    let (mut several, mut parts) = (Several::new(), Vec::new());
    for &id in inside.iter().rev() {
        if args.contains(&id) {
            continue;
        }
        let bar = bars.get(&id).copied();
        flow(g, id, bar, &mut several, |arg| inside.binary_search(&arg).is_ok(), &mut parts)?;
        for (arg, part) in parts.drain(..) {
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
    Ok(Cotangent::Node(match (g.number_of(sum), g.number_of(part)) {
        // of a large graph these may be the only constants to fold, and the pass that folds them copies all of it
        (Some(sum), Some(part)) => g.number(sum + part),
        _ => g.add(sum, part)?,
    }))
}

/// As a node.
pub(super) fn materialised(g: &mut Builder, bar: Cotangent) -> Result<NodeId, Error> {
    match bar {
        Cotangent::One => Ok(g.number(1.0)),
        Cotangent::Node(node) => Ok(node),
    }
}

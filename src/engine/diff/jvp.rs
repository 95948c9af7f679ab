//! Forward mode: tangents of outputs from tangents of inputs.

use std::collections::HashMap;

use super::super::Error;
use super::super::graph::{Builder, NodeId};
use super::super::op::{Application, Does, Partial, Rule};
use super::vjp::{accumulate, materialised, product};
use super::{Owned, Tangent, ancestors, dependents, item_of};

/// Tangents of the results of several-valued nodes, a list a node.
type Several = HashMap<NodeId, Vec<Option<NodeId>>>;

/// ẏ for each of `outputs`, given ẋ for some nodes; `None` where an output does not depend on them.
///
/// # Errors
/// [`Error::Limit`] where the tangents exceed the builder's bounds.
pub fn jvp<T: Copy + Into<Tangent>>(g: &mut Builder, tangents: &[(NodeId, T)], outputs: &[NodeId]) -> Result<Vec<Option<NodeId>>, Error> {
    let last = outputs.iter().map(|id| id.index() + 1).max().unwrap_or(0);
    let sources: Vec<NodeId> = tangents.iter().map(|&(x, _)| x).filter(|x| x.index() < last).collect();
    let (active, needed) = (dependents(g, &sources, last), ancestors(g, outputs, last));
    let mut dots: Vec<Option<Tangent>> = vec![None; last];
    let mut several = Several::new();
    for &(x, dot) in tangents {
        if x.index() < last {
            dots[x.index()] = Some(dot.into());
        }
    }
    for index in 0..last {
        let y = NodeId(index as u32);
        if dots[index].is_none() && active[index] && needed[index] {
            dots[index] = node(g, y, &mut several, |arg| dots[arg.index()])?;
        }
    }
    outputs.iter().map(|id| dots[id.index()].map(|dot| materialised(g, dot)).transpose()).collect()
}

/// The tangent of one node; those of a several-valued node are noted in `several`.
fn node(g: &mut Builder, y: NodeId, several: &mut Several, dot_of: impl Fn(NodeId) -> Option<Tangent>) -> Result<Option<Tangent>, Error> {
    let Some(owned) = Owned::of(g, y) else { return Ok(None) };
    if let Some((whole, index)) = item_of(&owned) {
        return Ok(several.get(&whole).and_then(|dots| dots.get(index).copied().flatten()).map(Tangent::Node));
    }
    let flows: Vec<Option<Tangent>> = owned.args.iter().map(|&arg| dot_of(arg)).collect();
    if flows.iter().all(Option::is_none) {
        return Ok(None);
    }
    let application = Application { args: &owned.args, attributes: &owned.attributes, y };
    if let Rule::Scalar { partials, .. } = &owned.op.rule {
        let mut sum: Option<Tangent> = None;
        for (i, flow) in flows.into_iter().enumerate() {
            let Some(flow) = flow else { continue };
            let partial = partials(g, application, i)?;
            if let Some(term) = product(g, partial, flow)? {
                sum = Some(accumulate(g, sum, term)?);
            }
        }
        let shape = g.shape(y).clone();
        return match sum {
            Some(Tangent::Node(sum)) => g.broadcast_to(sum, &shape).map(|dot| Some(dot.into())),
            Some(Tangent::One) if shape.rank() > 0 => g.full(&shape, 1.0).map(|dot| Some(dot.into())),
            sum => Ok(sum),
        };
    }
    let dots: Vec<Option<NodeId>> =
        flows.into_iter().map(|flow| flow.map(|flow| materialised(g, flow)).transpose()).collect::<Result<_, _>>()?;
    let dot = match &owned.op.rule {
        Rule::View { .. } => dots[0].map(|dot| g.apply(owned.op, &[dot], owned.attributes.clone())).transpose()?,
        Rule::Primitive { jvp, .. } | Rule::Composite { derivative: Some((jvp, _)), .. } => jvp(g, application, &dots)?,
        Rule::Composite { expansion, derivative: None, .. } => {
            let expanded = expansion(g, &owned.args, &owned.attributes)?;
            within(g, &owned.args, &dots, &[expanded])?[0]
        }
        Rule::Several { jvp: Some(jvp), .. } => {
            let dots = jvp(g, application, &dots)?;
            several.insert(y, dots);
            None
        }
        Rule::Several { does: Does::Expansion(expansion), .. } => {
            let expanded = expansion(g, &owned.args, &owned.attributes)?;
            let dots = within(g, &owned.args, &dots, &expanded)?;
            several.insert(y, dots);
            None
        }
        Rule::Scalar { .. } | Rule::Several { .. } | Rule::Item | Rule::Resolved => None,
    };
    Ok(dot.map(Tangent::Node))
}

/// Forward mode inside an expansion, whose nodes all lie between its arguments and its results.
fn within(g: &mut Builder, args: &[NodeId], arg_dots: &[Option<NodeId>], results: &[NodeId]) -> Result<Vec<Option<NodeId>>, Error> {
    let mut dots: HashMap<NodeId, Option<Tangent>> = args.iter().map(|&arg| (arg, None)).collect();
    let given = args.iter().zip(arg_dots).filter_map(|(&arg, &dot)| dot.map(|dot| (arg, Some(Tangent::Node(dot)))));
    dots.extend(given);
    let mut several = Several::new();
    for id in super::between(g, args, results) {
        if !dots.contains_key(&id) {
            let dot = node(g, id, &mut several, |arg| dots.get(&arg).copied().flatten())?;
            dots.insert(id, dot);
        }
    }
    results.iter().map(|result| dots.get(result).copied().flatten().map(|dot| materialised(g, dot)).transpose()).collect()
}

/// The chain rule's product of a partial and a tangent or cotangent.
pub(super) fn term(g: &mut Builder, partial: Partial, with: NodeId) -> Result<Option<NodeId>, Error> {
    Ok(match partial {
        Partial::Zero => None,
        Partial::One => Some(with),
        Partial::MinusOne => {
            // from 0, so that the minus of what carries nothing is the positive zero that every other path has
            let zero = g.number(0.0);
            Some(g.subtract(zero, with)?)
        }
        Partial::Node(partial) => Some(g.chain(partial, with)?),
        Partial::Where(condition) => {
            let zero = g.number(0.0);
            Some(g.select(condition, with, zero)?)
        }
        Partial::WhereNot(condition) => {
            let zero = g.number(0.0);
            Some(g.select(condition, zero, with)?)
        }
    })
}

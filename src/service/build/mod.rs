//! A function as written → a graph of the engine: names resolved, calls inlined, everything checked.
//!
//! The engine's `Builder` is the judge of operators, attributes and shapes; this module is the judge of names. All independent
//! faults are found, each with its pointer; nothing recurses over what a caller sent.

mod attributes;
mod instantiate;
mod labels;
mod names;
mod resolve;
mod table;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub(super) use labels::{Labels, Origins};
pub(super) use names::valid;

use super::limits::{Limits, check};
use crate::engine::graph::{Graph, NodeId};
use crate::notation::formula::point_out;
use crate::wire;
use crate::wire::graph::Origin;
use crate::wire::problem::{Failure, Fault, MOST_FAULTS, Slug};
use instantiate::{Keep, Made};

/// Where a function stands in the body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    /// `/graph` or `/formula`, of the body or of a stage in it.
    pub(super) pointer: &'a str,
    /// The formula's text.
    pub(super) text: Option<&'a str>,
}

/// A checked function.
#[derive(Debug)]
pub(super) struct Built {
    /// The graph.
    pub(super) graph: Graph,
    /// What its nodes were called, where that was asked for.
    pub(super) names: HashMap<NodeId, String>,
}

/// Refuses a function that is wrong whatever the shapes of its inputs: in its names, operators, attributes or calls.
pub(super) fn inspect(source: &wire::graph::Graph, site: Site<'_>, limits: &Limits) -> Result<(), Failure> {
    admit(source, limits)?;
    let mut faults = Faults::default();
    resolve::Definitions::resolve(source, site, &mut faults);
    match faults.slug {
        None => Ok(()),
        Some(slug) => Err(Failure::of_faults(slug, faults.list)),
    }
}

fn admit(source: &wire::graph::Graph, limits: &Limits) -> Result<(), Failure> {
    check("limits.inputs", source.inputs.len(), limits.inputs)?;
    check("limits.outputs", source.outputs.len(), limits.outputs)?;
    check("limits.nodes", source.nodes.len(), limits.nodes)
}

/// Builds a graph whose inputs all have shapes (an open one counts as a scalar).
pub(super) fn build(source: &wire::graph::Graph, site: Site<'_>, limits: &Limits, keep_names: bool) -> Result<Built, Failure> {
    let keep = if keep_names { Keep::Names } else { Keep::Nothing };
    make(source, site, limits, keep, |made, _| Built { graph: made.builder.finish(made.outputs), names: made.names })
}

/// As [`build`], with where every node was written.
pub(super) fn traced(source: &wire::graph::Graph, site: Site<'_>, limits: &Limits) -> Result<(Graph, Origins), Failure> {
    make(source, site, limits, Keep::Marks, |made, definitions| {
        let origins = Origins::new(definitions, site, made.marks);
        (made.builder.finish(made.outputs), origins)
    })
}

fn make<T>(
    source: &wire::graph::Graph,
    site: Site<'_>,
    limits: &Limits,
    keep: Keep,
    finish: impl FnOnce(Made, &resolve::Definitions<'_>) -> T,
) -> Result<T, Failure> {
    admit(source, limits)?;
    let mut faults = Faults::default();
    let definitions = resolve::Definitions::resolve(source, site, &mut faults);
    let made = instantiate::instantiate(&definitions, site, limits, &mut faults, keep)?;
    match (made, faults.slug) {
        (Some(made), None) => Ok(finish(made, &definitions)),
        (_, slug) => Err(Failure::of_faults(slug.unwrap_or(Slug::InvalidGraph), faults.list)),
    }
}

/// Faults found so far; the first decides what the problem is called.
///
/// What a fault says is only worked out while there is room for it: a body with a million faults costs no more than one with 32.
#[derive(Debug, Default)]
struct Faults {
    slug: Option<Slug>,
    list: Vec<Fault>,
    /// How many there were, those that are not listed included.
    found: usize,
    /// Bytes of what is listed.
    said: usize,
}

/// Bytes after which no more faults are listed: a pointer has the name of its function in it, which may be as long as the body.
const MOST_SAID: usize = 1 << 15;

impl Faults {
    fn graph(&mut self, say: impl FnOnce() -> (String, String, Option<String>)) {
        self.push(Slug::InvalidGraph, say);
    }

    fn push(&mut self, slug: Slug, say: impl FnOnce() -> (String, String, Option<String>)) {
        self.slug.get_or_insert(slug);
        self.found += 1;
        if self.list.len() < MOST_FAULTS && self.said < MOST_SAID {
            let (pointer, detail, hint) = say();
            self.said += pointer.len() + detail.len() + hint.as_ref().map_or(0, String::len);
            self.list.push(Fault { pointer, detail, hint });
        }
    }
}

impl Site<'_> {
    /// Where a field beside a formula stands in the body.
    fn beside(&self, field: &str) -> String {
        let object = self.pointer.rsplit_once('/').map_or("", |(object, _)| object);
        format!("{object}/{field}")
    }

    /// The sentence, and for a node of a formula where in its text.
    fn located(&self, graph: &wire::graph::Graph, node: Option<usize>, detail: String) -> String {
        let (Some(text), Some(node)) = (self.text, node) else { return detail };
        let mut at = node;
        for _ in 0..=graph.nodes.len() {
            match graph.nodes.get(at).map(|node| node.origin) {
                Some(Origin::Inline { parent, .. }) => at = parent as usize,
                Some(Origin::Text(offset)) => return point_out(text, offset as usize, &detail),
                Some(Origin::Listed(_) | Origin::Output(_)) | None => break,
            }
        }
        detail
    }
}

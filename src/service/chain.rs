//! Compositions: the functions of a request built one after another, and where they do not fit.
//!
//! The flattened outputs of a stage are the flattened inputs of the next. Every other request is a composition of one function.

use super::build::{Origins, build, inspect, traced};
use super::decode::{Gathered, Source};
use super::encode::{Slot, Stage};
use super::limits::{Limits, check};
use super::plan::site;
use super::words::quote;
use crate::engine::graph::compose::{feed, inline};
use crate::engine::graph::{Builder, Graph, NodeId};
use crate::engine::{Error, Shape};
use crate::wire::problem::{Failure, Fault, Slug};

/// Builds every function, with where its nodes come from if that is to be known. After the first that is wrong, only what needs no
/// shapes is looked at in the others.
pub(super) fn build_all(functions: Vec<Source>, limits: &Limits, known: bool) -> Result<(Vec<Graph>, Vec<Origins>), Failure> {
    let mut graphs: Vec<Graph> = Vec::with_capacity(functions.len());
    let mut origins = Vec::new();
    let mut faults = Gathered::default();
    let mut nodes = 0;
    for (number, mut source) in functions.into_iter().enumerate() {
        if graphs.len() < number {
            inspect(&source.graph, site(&source), limits).or_else(|failure| faults.take(failure))?;
            continue;
        }
        if let Some(before) = graphs.last() {
            open(&mut source, before);
        }
        let built = if known {
            traced(&source.graph, site(&source), limits).map(|(graph, own)| (graph, Some(own)))
        } else {
            build(&source.graph, site(&source), limits, false).map(|built| (built.graph, None))
        };
        match built {
            Ok((graph, own)) => match graphs.last().and_then(|before| misfit(number, before, &graph)) {
                Some(failure) => faults.take(failure)?,
                None => {
                    nodes += graph.len();
                    check("limits.nodes", nodes, limits.nodes)?;
                    graphs.push(graph);
                    origins.extend(own);
                }
            },
            Err(failure) => faults.take(failure)?,
        }
    }
    faults.verdict().map(|()| (graphs, origins))
}

/// Refuses functions that are wrong whatever the shapes of their inputs.
pub(super) fn inspect_all(functions: &[Source], limits: &Limits) -> Result<(), Failure> {
    let mut faults = Gathered::default();
    for source in functions {
        inspect(&source.graph, site(source), limits).or_else(|failure| faults.take(failure))?;
    }
    faults.verdict()
}

/// Gives the one input of a stage that says no shape all that the stage before gives: a scalar where that is one, else a vector.
fn open(source: &mut Source, before: &Graph) {
    let [input] = &mut source.graph.inputs[..] else { return };
    if input.shape.is_none() {
        input.shape = Some(match before.outputs() {
            [output] if before.shape(output.node).rank() == 0 => Vec::new(),
            _ => vec![given(before)],
        });
    }
}

/// How many numbers a stage gives.
fn given(stage: &Graph) -> usize {
    stage.outputs().iter().map(|output| stage.shape(output.node).elements()).fold(0, usize::saturating_add)
}

/// What is wrong where a stage does not take as many numbers as the one before gives.
fn misfit(number: usize, before: &Graph, stage: &Graph) -> Option<Failure> {
    let given = given(before);
    let taken = stage.inputs().iter().map(|input| input.shape.elements()).fold(0, usize::saturating_add);
    if given == taken {
        return None;
    }
    let outputs = before.outputs().iter().map(|output| (output.name.as_str(), before.shape(output.node)));
    let inputs = stage.inputs().iter().map(|input| (input.name.as_str(), &input.shape));
    let detail = format!(
        "shapes [{given}] and [{taken}] do not go together: stage {} gives {}, stage {number} takes {}",
        number - 1,
        listed(outputs),
        listed(inputs)
    );
    let hint = Some("the flattened outputs of a stage are the flattened inputs of the next; `inputs` gives them shapes".to_owned());
    Some(Failure::of_faults(Slug::ShapeMismatch, vec![Fault { pointer: format!("/stages/{number}"), detail, hint }]))
}

/// The first few tensors of a list, each with its shape.
fn listed<'a>(tensors: impl ExactSizeIterator<Item = (&'a str, &'a Shape)>) -> String {
    const MOST: usize = 4;
    let more = if tensors.len() > MOST { ", …" } else { "" };
    let some: Vec<String> = tensors.take(MOST).map(|(name, shape)| format!("{} of shape {shape}", quote(name))).collect();
    if some.is_empty() { "nothing".to_owned() } else { format!("{}{more}", some.join(", ")) }
}

/// A composition as one function.
pub(super) struct Whole<'g> {
    pub(super) graph: std::borrow::Cow<'g, Graph>,
    /// Stage and node that each node comes from; empty where there is one stage.
    origins: Vec<Option<(usize, NodeId)>>,
}

impl Whole<'_> {
    /// Stage and node that a node comes from, unless it only carries one stage's outputs to the next.
    pub(super) fn origin(&self, id: NodeId) -> Option<(usize, NodeId)> {
        if self.origins.is_empty() { Some((0, id)) } else { self.origins.get(id.index()).copied().flatten() }
    }
}

/// Writes a composition down as one function.
pub(super) fn whole(graphs: &[Graph]) -> Result<Whole<'_>, Error> {
    if let [graph] = graphs {
        return Ok(Whole { graph: std::borrow::Cow::Borrowed(graph), origins: Vec::new() });
    }
    let mut g = Builder::default();
    let (mut origins, mut outputs) = (Vec::new(), Vec::new());
    for (number, stage) in graphs.iter().enumerate() {
        let inputs = if number == 0 {
            stage.inputs().iter().map(|input| g.input(input.name.clone(), input.shape.clone())).collect::<Result<_, _>>()?
        } else {
            let shapes: Vec<Shape> = stage.inputs().iter().map(|input| input.shape.clone()).collect();
            feed(&mut g, &outputs, &shapes)?
        };
        origins.resize(g.len(), None);
        let copies = inline(stage, &mut g, &inputs)?;
        origins.resize(g.len(), None);
        for (id, copy) in stage.ids().zip(&copies) {
            origins[copy.index()].get_or_insert((number, id));
        }
        outputs = stage.outputs().iter().map(|output| copies[output.node.index()]).collect();
    }
    let named = graphs.last().map_or(&[][..], Graph::outputs).iter().map(|output| output.name.clone()).zip(outputs).collect();
    Ok(Whole { graph: std::borrow::Cow::Owned(g.finish(named)), origins })
}

/// What the answer says of each stage; the first is differentiated by `wrt` alone.
pub(super) fn slots(graphs: &[Graph], wrt: &[usize]) -> Vec<Stage> {
    let stage = |(number, graph): (usize, &Graph)| {
        let outputs = graph.outputs().iter().map(|output| Slot::new(&output.name, graph.shape(output.node).sizes()));
        let chosen = |i: &usize| number > 0 || wrt.binary_search(i).is_ok();
        let inputs = (0..graph.inputs().len()).filter(chosen).map(|i| &graph.inputs()[i]);
        Stage { outputs: outputs.collect(), inputs: inputs.map(|input| Slot::new(&input.name, input.shape.sizes())).collect() }
    };
    graphs.iter().enumerate().map(stage).collect()
}

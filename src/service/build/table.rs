//! The names of a function's inputs and nodes: that they are names, that none stands twice, and what each is the name of.

use std::collections::HashSet;

use super::names::valid;
use super::resolve::{Definition, Operand, misspelt};
use super::{Faults, Site};
use crate::service::names::Names;
use crate::service::words::quote;
use crate::wire::graph::Graph;

/// The names of a function's inputs and nodes.
pub(super) struct Table<'g> {
    graph: &'g Graph,
    /// Inputs and, behind them, nodes.
    names: Names,
}

impl<'g> Table<'g> {
    /// Notes a fault for what is no name, or not a name of its own.
    pub(super) fn of(definition: &Definition<'g>, site: Site<'g>, faults: &mut Faults) -> Table<'g> {
        let graph = definition.graph;
        let listed = |field: &str, i: usize| {
            if site.text.is_some() { site.beside(field) } else { format!("{}/{field}/{i}", definition.pointer) }
        };
        // Notations have checked the spelling of their names, by their own rules.
        let spelt = |name: &str| site.text.is_some() || valid(name);
        let named = graph.nodes.iter().filter(|node| node.name.is_some()).count();
        let mut names = Names::with_capacity(graph.inputs.len() + named);
        for (i, input) in graph.inputs.iter().enumerate() {
            if !spelt(&input.name) {
                faults.graph(|| misspelt(listed("inputs", i), &input.name));
            }
            if !names.insert(&input.name, i as u32, |number| name_of(graph, number)) {
                faults.graph(|| (listed("inputs", i), format!("the name {} stands twice", quote(&input.name)), None));
            }
        }
        for (i, node) in graph.nodes.iter().enumerate() {
            let Some(name) = &node.name else { continue };
            let pointer = || format!("{}/name", definition.node_pointer(i));
            if !spelt(name) {
                faults.graph(|| misspelt(pointer(), name));
            }
            if !names.insert(name, (graph.inputs.len() + i) as u32, |number| name_of(graph, number)) {
                faults.graph(|| (pointer(), site.located(graph, Some(i), format!("the name {} stands twice", quote(name))), None));
            }
        }
        let mut outputs = HashSet::with_capacity(graph.outputs.len());
        for (i, output) in graph.outputs.iter().enumerate() {
            if !spelt(&output.name) {
                faults.graph(|| misspelt(listed("outputs", i), &output.name));
            }
            if !outputs.insert(&*output.name) {
                faults.graph(|| (listed("outputs", i), format!("the output {} stands twice", quote(&output.name)), None));
            }
        }
        if graph.outputs.is_empty() {
            faults.graph(|| (definition.pointer.clone(), "a function needs an output".into(), None));
        }
        Table { graph, names }
    }

    /// What a name stands for.
    pub(super) fn get(&self, name: &str) -> Option<Operand<'g>> {
        let number = self.names.get(name, |number| name_of(self.graph, number))?;
        Some(number.checked_sub(self.graph.inputs.len() as u32).map_or(Operand::Input(number), Operand::Node))
    }
}

fn name_of(graph: &Graph, number: u32) -> &str {
    match graph.inputs.get(number as usize) {
        Some(input) => &input.name,
        None => graph.nodes[number as usize - graph.inputs.len()].name.as_deref().unwrap_or_default(),
    }
}

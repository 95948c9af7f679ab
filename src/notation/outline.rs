//! What a printer needs to know of a wire graph before it writes: which nodes are definitions, in which order, and under what names.
//!
//! A wire graph is unchecked, so the outline says whether it is sound instead of trusting it: every name known and unique, no cycle,
//! every position in range. An unnamed node that is used twice gets a name here, so that no sharing is ever written out twice.

use std::collections::{HashMap, HashSet};

use crate::wire::graph::{Argument, Graph};

/// The output of a bare last expression.
const BARE: &str = "f";

pub(super) struct Outline<'g> {
    /// The name that each node is written under; those without stand where they are used.
    pub(super) names: Vec<Option<String>>,
    /// Every node that is written, arguments before users.
    pub(super) order: Vec<usize>,
    /// Outputs that are written as `name = value` after the definitions.
    pub(super) aliases: Vec<(&'g str, &'g Argument)>,
    /// The value of the one output that is written without a name.
    pub(super) bare: Option<&'g Argument>,
    /// Whether the graph has one meaning.
    pub(super) sound: bool,
    graph: &'g Graph,
    by_name: HashMap<&'g str, usize>,
    inputs: HashSet<&'g str>,
    taken: HashSet<String>,
    fresh: usize,
}

impl<'g> Outline<'g> {
    pub(super) fn of(graph: &'g Graph) -> Outline<'g> {
        let mut sound = true;
        let mut inputs = HashSet::new();
        for input in &graph.inputs {
            sound &= inputs.insert(input.name.as_str());
        }
        let mut by_name = HashMap::new();
        for (position, node) in graph.nodes.iter().enumerate() {
            if let Some(name) = &node.name {
                sound &= by_name.insert(name.as_str(), position).is_none() && !inputs.contains(name.as_str());
            }
        }
        let taken = inputs.iter().chain(by_name.keys()).map(|&name| name.to_owned()).collect();
        let names = graph.nodes.iter().map(|node| node.name.clone()).collect();
        let mut outline =
            Outline { names, order: Vec::new(), aliases: Vec::new(), bare: None, sound, graph, by_name, inputs, taken, fresh: 0 };
        outline.outputs();
        outline.share();
        outline.sort();
        outline
    }

    /// The node that an argument is, if it is one.
    pub(super) fn node(&self, argument: &Argument) -> Option<usize> {
        match argument {
            Argument::Name(name) if self.inputs.contains(name.as_str()) => None,
            Argument::Name(name) => self.by_name.get(name.as_str()).copied(),
            Argument::Node(node) => (*node < self.graph.nodes.len()).then_some(*node),
            Argument::Number(_) | Argument::Constant(_) => None,
        }
    }

    /// The node that an argument is, if it is written where it is used.
    pub(super) fn inline(&self, argument: &Argument) -> Option<usize> {
        self.node(argument).filter(|&node| self.names[node].is_none())
    }

    /// Whether a name is an input's, a node's or an output's.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.taken.contains(name)
    }

    /// Whether a name is an input's.
    pub(super) fn is_input(&self, name: &str) -> bool {
        self.inputs.contains(name)
    }

    /// Gives an unnamed node a name that nothing else has.
    pub(super) fn name_freshly(&mut self, node: usize) {
        loop {
            self.fresh += 1;
            let name = format!("t{}", self.fresh);
            if self.taken.insert(name.clone()) {
                self.names[node] = Some(name);
                return;
            }
        }
    }

    /// Decides how each output is written.
    fn outputs(&mut self) {
        let outputs = &self.graph.outputs;
        if let [output] = outputs.as_slice()
            && output.name == BARE
            && !self.by_name.contains_key(BARE)
            && output.value != Argument::Name(BARE.into())
        {
            self.bare = Some(&output.value);
            self.taken.insert(BARE.into());
            return;
        }
        let mut seen = HashSet::new();
        for output in outputs {
            self.sound &= seen.insert(&output.name);
            if matches!(&output.value, Argument::Name(name) if *name == output.name) {
                continue;
            }
            // an output is a definition here, and may not be one of something else
            self.sound &= self.taken.insert(output.name.clone());
            match self.inline(&output.value) {
                Some(node) => self.names[node] = Some(output.name.clone()),
                None => self.aliases.push((&output.name, &output.value)),
            }
        }
    }

    /// Names the unnamed nodes that are used more than once.
    fn share(&mut self) {
        let graph = self.graph;
        let mut uses = vec![0_u32; graph.nodes.len()];
        let arguments = graph.nodes.iter().flat_map(|node| &node.args).chain(graph.outputs.iter().map(|output| &output.value));
        for argument in arguments {
            match argument {
                Argument::Name(name) => self.sound &= self.inputs.contains(name.as_str()) || self.by_name.contains_key(name.as_str()),
                Argument::Node(node) if *node < uses.len() => uses[*node] += 1,
                Argument::Node(_) => self.sound = false,
                Argument::Number(_) | Argument::Constant(_) => {}
            }
        }
        for (node, uses) in uses.into_iter().enumerate() {
            if uses > 1 && self.names[node].is_none() {
                self.name_freshly(node);
            }
        }
    }

    /// Orders the nodes: those that no output needs first, so that what the outputs are comes last, in their order.
    fn sort(&mut self) {
        let graph = self.graph;
        let outputs: Vec<usize> = graph.outputs.iter().filter_map(|output| self.node(&output.value)).collect();
        let mut needed = vec![Mark::New; graph.nodes.len()];
        for &node in &outputs {
            self.visit(node, &mut needed, &mut Vec::new());
        }
        let mut marks = vec![Mark::New; graph.nodes.len()];
        let mut order = Vec::with_capacity(graph.nodes.len());
        let last: HashSet<usize> = outputs.iter().copied().collect();
        let named = |wanted: bool| {
            let (needed, last) = (&needed, &last);
            let named = move |node: &usize| graph.nodes[*node].name.is_some() && !last.contains(node);
            (0..graph.nodes.len()).filter(named).filter(move |&node| (needed[node] == Mark::Done) == wanted)
        };
        for node in named(false).chain(named(true)).chain(outputs) {
            if !self.visit(node, &mut marks, &mut order) {
                self.sound = false;
            }
        }
        self.order = order;
        if !self.sound {
            // in a cycle some node stands before its argument: it must be there to be named
            for node in 0..graph.nodes.len() {
                if self.names[node].is_none() {
                    self.name_freshly(node);
                }
            }
        }
    }

    /// Walks the arguments of `root` first, then `root`; false if a node is its own argument.
    fn visit(&self, root: usize, marks: &mut [Mark], order: &mut Vec<usize>) -> bool {
        let mut acyclic = true;
        let mut path: Vec<(usize, usize)> = Vec::new();
        if marks[root] == Mark::New {
            marks[root] = Mark::Open;
            path.push((root, 0));
        }
        while let Some((node, next)) = path.last_mut() {
            let Some(argument) = self.graph.nodes[*node].args.get(*next) else {
                marks[*node] = Mark::Done;
                order.push(*node);
                path.pop();
                continue;
            };
            *next += 1;
            if let Some(argument) = self.node(argument) {
                match marks[argument] {
                    Mark::New => {
                        marks[argument] = Mark::Open;
                        path.push((argument, 0));
                    }
                    Mark::Open => acyclic = false,
                    Mark::Done => {}
                }
            }
        }
        acyclic
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

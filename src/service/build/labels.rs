//! What to call a node of the engine's graph, so that whoever wrote the function finds it.
//!
//! A node has its own name; an inline one is told by the way to it from the next that has one (`t/args/0`), one of a formula by its
//! operator and where that stands in the text (`abs@1:5`), and what a call made by the call's label and, after a dot, its own within
//! the function. Equal nodes are one; the first name that stands for it is its label. Held as pieces and put together when they are
//! written: whole, the labels of deeply nested nodes would take many times the memory of the function.

use std::collections::HashSet;

use super::Site;
use super::resolve::Definitions;
use crate::engine::graph::NodeId;
use crate::notation::formula::places;
use crate::wire::graph::{Graph as Written, Origin};

/// A node of a function as written: the frame of its call and its position there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) frame: u32,
    pub(super) node: u32,
}

/// A function that was inlined: which, and for which node.
#[derive(Debug, Clone, Copy)]
struct Frame {
    definition: u32,
    from: Option<Mark>,
}

/// Where the nodes of an engine's graph come from.
#[derive(Debug, Default)]
pub(super) struct Marks {
    frames: Vec<Frame>,
    /// By position in the engine's graph.
    nodes: Vec<Mark>,
}

impl Marks {
    /// Counts a frame.
    pub(super) fn enter(&mut self, definition: usize, from: Option<Mark>) -> u32 {
        self.frames.push(Frame { definition: definition as u32, from });
        self.frames.len() as u32 - 1
    }

    /// All nodes up to `count` that have no mark are of that one.
    pub(super) fn made(&mut self, count: usize, at: Mark) {
        self.nodes.resize(count.max(self.nodes.len()), at);
    }

    /// A node that may have been there stands under a name: its label, unless it has an earlier one.
    pub(super) fn named(&mut self, id: NodeId, at: Mark, definitions: &Definitions<'_>) {
        let Some(known) = self.nodes.get_mut(id.index()) else { return };
        let definition = self.frames[known.frame as usize].definition as usize;
        if definitions.all[definition].graph.nodes.get(known.node as usize).is_none_or(|node| node.name.is_none()) {
            *known = at;
        }
    }
}

/// How a node is told from others of its function.
#[derive(Debug, Clone)]
enum Piece {
    Text(Box<str>),
    /// An argument of another.
    Argument {
        of: u32,
        index: u32,
    },
}

/// Where the nodes of a function were written.
#[derive(Debug)]
pub(in crate::service) struct Origins {
    /// A list a function that was inlined.
    pieces: Vec<Vec<Piece>>,
    frames: Vec<Frame>,
    /// By position in the engine's graph.
    nodes: Vec<Mark>,
    inputs: Vec<Box<str>>,
    /// Bytes that each frame's labels begin with.
    prefixes: Vec<usize>,
}

impl Origins {
    /// Of a function whose nodes have these marks.
    pub(super) fn new(definitions: &Definitions<'_>, site: Site<'_>, marks: Marks) -> Origins {
        let Marks { frames, nodes } = marks;
        let used: HashSet<usize> = frames.iter().map(|frame| frame.definition as usize).collect();
        let of = |(number, definition): (usize, &super::resolve::Definition<'_>)| {
            if used.contains(&number) { pieces(definition.graph, site) } else { Vec::new() }
        };
        let pieces = definitions.all.iter().enumerate().map(of).collect();
        let inputs = definitions.all[0].graph.inputs.iter().map(|input| input.name.as_str().into()).collect();
        let mut origins = Origins { pieces, frames, nodes, inputs, prefixes: Vec::new() };
        for number in 0..origins.frames.len() {
            // a frame comes after that of its call
            let before = |from: Mark| origins.prefixes[from.frame as usize].saturating_add(written(&origins.own(from)) + 1);
            origins.prefixes.push(origins.frames[number].from.map_or(0, before));
        }
        origins
    }

    /// The label of a node.
    fn label(&self, mark: Mark) -> String {
        let mut parts = Vec::new();
        let mut next = Some(mark);
        while let Some(mark) = next {
            parts.push(self.own(mark));
            next = self.frames[mark.frame as usize].from;
        }
        parts.reverse();
        parts.join(".")
    }

    /// Bytes of the label of a node in JSON.
    fn length(&self, mark: Mark) -> usize {
        self.prefixes[mark.frame as usize].saturating_add(written(&self.own(mark)))
    }

    /// What a node is called in its function.
    fn own(&self, mark: Mark) -> String {
        let pieces = &self.pieces[self.frames[mark.frame as usize].definition as usize];
        let mut way = Vec::new();
        let mut at = mark.node as usize;
        loop {
            match pieces.get(at) {
                Some(Piece::Text(text)) => {
                    let mut label = String::from(&**text);
                    for index in way.iter().rev() {
                        label.push_str(&format!("/args/{index}"));
                    }
                    return label;
                }
                Some(Piece::Argument { of, index }) if way.len() < pieces.len() => {
                    way.push(*index);
                    at = *of as usize;
                }
                Some(Piece::Argument { .. }) | None => return String::new(),
            }
        }
    }

    /// Bytes this takes.
    fn bytes(&self) -> usize {
        let text = |piece: &Piece| if let Piece::Text(text) = piece { text.len() } else { 0 };
        let texts: usize = self.pieces.iter().flatten().map(|piece| size_of::<Piece>() + text(piece)).sum();
        let inputs: usize = self.inputs.iter().map(|name| 16 + name.len()).sum();
        texts + inputs + (size_of::<Frame>() + 8) * self.frames.len()
    }
}

/// What to call the inputs of a composition and some nodes of its stages, by number. In a composition of several, a label says which
/// stage.
#[derive(Debug)]
pub(in crate::service) struct Labels {
    stages: Vec<Origins>,
    /// Stage and mark.
    nodes: Vec<Option<(u32, Mark)>>,
}

impl Labels {
    /// The first stage's inputs, then these nodes.
    pub(in crate::service) fn new(mut stages: Vec<Origins>, nodes: impl Iterator<Item = Option<(usize, NodeId)>>) -> Labels {
        let mark = |(stage, id): (usize, NodeId)| Some((stage as u32, *stages.get(stage)?.nodes.get(id.index())?));
        let nodes = nodes.map(|node| node.and_then(mark)).collect();
        stages.iter_mut().for_each(|stage| stage.nodes = Vec::new());
        Labels { stages, nodes }
    }

    fn inputs(&self) -> &[Box<str>] {
        self.stages.first().map_or(&[], |stage| &stage.inputs)
    }

    /// The label of that number.
    pub(in crate::service) fn get(&self, number: usize) -> String {
        let Some(node) = number.checked_sub(self.inputs().len()) else { return self.inputs()[number].clone().into() };
        let Some((stage, mark)) = self.nodes.get(node).copied().flatten() else { return String::new() };
        let label = self.stages[stage as usize].label(mark);
        if self.stages.len() > 1 { format!("stages/{stage}/{label}") } else { label }
    }

    /// Bytes of all labels in JSON, each with quotation marks and a comma, and of the longest.
    pub(in crate::service) fn lengths(&self) -> (usize, usize) {
        /// `stages/…/`, quotation marks and a comma.
        const AROUND: usize = 24;
        let inputs = self.inputs().iter().map(|name| written(name));
        let nodes = self.nodes.iter().flatten().map(|&(stage, mark)| self.stages[stage as usize].length(mark));
        let lengths = inputs.chain(nodes).map(|length| length.saturating_add(if self.stages.len() > 1 { AROUND } else { 3 }));
        lengths.fold((0, 0), |(sum, most), length| (sum.saturating_add(length), most.max(length)))
    }

    /// Bytes this takes, for the cache.
    pub(in crate::service) fn bytes(&self) -> usize {
        self.stages.iter().map(Origins::bytes).sum::<usize>() + size_of::<Option<(u32, Mark)>>() * self.nodes.len()
    }
}

/// Bytes of a text in JSON, without its quotation marks.
fn written(text: &str) -> usize {
    let bytes = |byte: u8| match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    text.bytes().map(bytes).sum()
}

/// A piece a node.
fn pieces(graph: &Written, site: Site<'_>) -> Vec<Piece> {
    let taken: HashSet<&str> =
        graph.inputs.iter().map(|input| &*input.name).chain(graph.nodes.iter().filter_map(|node| node.name.as_deref())).collect();
    let offsets = graph.nodes.iter().map(|node| match node.origin {
        Origin::Text(offset) => offset,
        Origin::Listed(_) | Origin::Inline { .. } | Origin::Output(_) => 0,
    });
    let places = places(site.text.unwrap_or_default(), &offsets.collect::<Vec<_>>());
    let piece = |(node, (line, column)): (&crate::wire::graph::Node, (usize, usize))| {
        let text = match (&node.name, node.origin) {
            (Some(name), _) => name.clone(),
            (None, Origin::Inline { parent, argument }) => return Piece::Argument { of: parent, index: argument },
            (None, Origin::Output(i)) => match graph.outputs.get(i as usize) {
                // an output lends its name to what it is, unless that is the name of something else
                Some(output) if !taken.contains(&*output.name) => output.name.clone(),
                _ => format!("outputs/{i}/value"),
            },
            (None, Origin::Listed(i)) => format!("nodes/{i}"),
            (None, Origin::Text(_)) => format!("{}@{line}:{column}", node.op),
        };
        Piece::Text(text.into())
    };
    graph.nodes.iter().zip(places).map(piece).collect()
}

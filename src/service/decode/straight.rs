//! A plain graph straight into the engine's builder: no list of its nodes as they are written stands in between.
//!
//! Most of the time from a large graph's text to its program went into such a list and its names. Whatever is wrong, or not as plain (a node
//! that is used before it stands there, an operator with attributes or several results), is read once more, with care and from the beginning.

use smallvec::SmallVec;

use super::plain::{self, Grow};
use crate::engine::Shape;
use crate::engine::graph::{Bounds, Builder, Graph, NodeId};
use crate::engine::op::{self, Attributes, Rule};
use crate::service::build::valid;
use crate::service::limits::Limits;
use crate::service::names::Names;
use crate::wire::graph::Origin;

/// The function that `text` is, if it is plain and right: what [`build`](mod@crate::service::build) makes of it as written.
pub(in crate::service) fn function(text: &str, limits: &Limits) -> Option<Graph> {
    let bounds = Bounds { nodes: limits.nodes, rank: limits.rank, elements: limits.elements };
    // about what a node takes in text, so that little is moved while it grows
    let nodes = (text.len() / 48).min(limits.nodes);
    let (names, outputs) = (Names::with_capacity(nodes), None);
    let mut straight =
        Straight { builder: Builder::new(bounds), names, long: Vec::new(), inputs: None, last: None, outputs, count: 0, limits };
    straight.builder.reserve(nodes);
    plain::graph(text, straight, limits)?.finish().filter(|graph| graph.len() <= limits.nodes)
}

/// The graph while it grows.
struct Straight<'t, 'l> {
    builder: Builder,
    /// Short names → nodes, so that to look one up is to reach for memory once; long ones → [`Straight::long`].
    names: Names,
    long: Vec<(&'t str, NodeId)>,
    /// How many inputs there are, once they are read.
    inputs: Option<usize>,
    /// The node that was whole last.
    last: Option<NodeId>,
    outputs: Option<Vec<&'t str>>,
    /// What the nodes count for.
    count: usize,
    limits: &'l Limits,
}

#[derive(Clone, Copy)]
enum Argument {
    Node(NodeId),
    Number(f64),
}

impl<'t> Straight<'t, '_> {
    /// Gives a node a name, if it is one and nothing else has it.
    fn name(&mut self, node: NodeId, name: &'t str) -> Option<()> {
        let Straight { names, long, .. } = self;
        let short = Names::is_short(name);
        let number = if short { node.0 } else { long.len() as u32 };
        let new = valid(name) && names.insert(name, number, |number| long[number as usize].0);
        if !short {
            long.push((name, node));
        }
        new.then_some(())
    }

    fn node(&self, name: &str) -> Option<NodeId> {
        let number = self.names.get(name, |number| self.long[number as usize].0)?;
        Some(if Names::is_short(name) { NodeId(number) } else { self.long[number as usize].1 })
    }

    fn finish(self) -> Option<Graph> {
        let names = self.outputs.as_deref().filter(|names| !names.is_empty())?;
        let mut outputs: Vec<(String, NodeId)> = Vec::with_capacity(names.len());
        for &name in names {
            if outputs.iter().any(|(other, _)| other == name) {
                return None;
            }
            outputs.push((name.to_owned(), self.node(name)?));
        }
        self.inputs.map(|_| self.builder.finish(outputs))
    }
}

impl<'t> Grow<'t> for Straight<'t, '_> {
    type Argument = Argument;

    fn inputs(&mut self, names: &[&'t str]) -> Option<()> {
        for name in names {
            let node = self.builder.input(*name, Shape::scalar()).ok()?;
            self.name(node, name)?;
        }
        self.inputs = Some(names.len());
        Some(())
    }

    fn outputs(&mut self, names: &[&'t str]) -> Option<()> {
        /// More than so many are compared by hash, elsewhere.
        const FEW: usize = 64;
        self.outputs = Some(names.to_vec());
        (names.len() <= FEW).then_some(())
    }

    fn begin(&mut self, _: Origin) -> Option<usize> {
        // nodes before inputs are unusual
        self.inputs
    }

    fn end(&mut self, _: usize, name: Option<&'t str>, op: &'t str, args: SmallVec<[Argument; 2]>) -> Option<()> {
        let row = op::find(op)?;
        if matches!(row.rule, Rule::Several { .. } | Rule::Item | Rule::Resolved)
            || row.attributes.iter().any(|attribute| attribute.required)
        {
            return None;
        }
        self.count += 1 + args.len() / 8;
        if self.count > self.limits.nodes {
            return None;
        }
        let mut nodes: SmallVec<[NodeId; 4]> = SmallVec::with_capacity(args.len());
        for argument in args {
            nodes.push(match argument {
                Argument::Node(node) => node,
                Argument::Number(value) => self.builder.number(value),
            });
        }
        let node = self.builder.apply(row, &nodes, Attributes::none()).ok()?;
        self.last = Some(node);
        name.map_or(Some(()), |name| self.name(node, name))
    }

    fn inside(&self, _: usize) -> Option<Argument> {
        self.last.map(Argument::Node)
    }

    fn named(&self, name: &'t str) -> Option<Argument> {
        self.node(name).map(Argument::Node)
    }

    fn number(&self, value: f64) -> Argument {
        Argument::Number(value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;
    use crate::engine::graph::Kind;
    use crate::service::build::{self, Site};
    use crate::service::decode::graph::Growing;

    const SITE: Site<'_> = Site { pointer: "/graph", text: None };

    /// Node by node, names of inputs and outputs.
    fn told(graph: &Graph) -> Vec<String> {
        let node = |id| match graph.kind(id) {
            Kind::Apply { op, args, .. } => format!("{} {args:?}", op.name),
            Kind::Input(position) => format!("input {position}"),
            Kind::Constant(value) => format!("{:?}", value.data()),
        };
        let names = graph.inputs().iter().map(|input| format!("{} {:?}", input.name, input.node));
        graph
            .ids()
            .map(node)
            .chain(names)
            .chain(graph.outputs().iter().map(|output| format!("{} {:?}", output.name, output.node)))
            .collect()
    }

    fn both(text: &str, limits: &Limits) -> (Option<Vec<String>>, Option<Vec<String>>) {
        let written =
            plain::graph(text, Growing::default(), limits).and_then(|graph| build::build(&graph.into_graph(), SITE, limits, false).ok());
        (function(text, limits).map(|graph| told(&graph)), written.map(|built| told(&built.graph)))
    }

    #[test]
    fn plain_graphs_are_what_building_makes_of_them() {
        for text in [
            r#"{"inputs":["x","y"],"nodes":[{"name":"a","op":"+","args":["x",{"op":"sin","args":["y"]},2,"x"]},{"args":["a",-0.0],"op":"mul","name":"b"}],"outputs":["b","x"]}"#,
            r#"{"outputs":["b"],"inputs":["x"],"nodes":[{"name":"b","op":"sub","args":[{"op":"exp","args":[1]},{"op":"mul","args":[{"op":"cos","args":["x"]},1]}]},{"name":"c","op":"sin","args":["b"]}]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sum","args":["x"]},{"name":"b","op":"if","args":["a",1,2]}],"outputs":["b"]}"#,
            // names of twelve bytes and of more, of inputs and of nodes, and two of one node
            r#"{"inputs":["x","an.input.of.many.bytes"],"nodes":[{"name":"twelve.bytes","op":"sin","args":["an.input.of.many.bytes"]},{"name":"thirteen.byte","op":"exp","args":["twelve.bytes"]},{"name":"thirteen.more","op":"exp","args":["twelve.bytes"]},{"name":"f","op":"mul","args":["thirteen.byte",{"op":"add","args":["thirteen.more","x"]}]}],"outputs":["f","thirteen.more"]}"#,
        ] {
            let (straight, written) = both(text, &Limits::default());
            assert!(straight.is_some(), "{text}");
            assert_eq!(straight, written, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_or_unusual_is_left_to_it() {
        for text in [
            // wrong
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sinn","args":["x"]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":["x","x"]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":["y"]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":["a"]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"x","op":"sin","args":["x"]}],"outputs":["x"]}"#,
            r#"{"inputs":["x","x"],"nodes":[],"outputs":["x"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":["x"]},{"name":"a","op":"cos","args":["x"]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"thirteen.byte","op":"sin","args":["x"]},{"name":"thirteen.byte","op":"cos","args":["x"]}],"outputs":["thirteen.byte"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":["thirteen.byte"]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"1","op":"sin","args":["x"]}],"outputs":["1"]}"#,
            r#"{"inputs":["x y"],"nodes":[],"outputs":["x y"]}"#,
            r#"{"inputs":["x"],"nodes":[],"outputs":["x","x"]}"#,
            r#"{"inputs":["x"],"nodes":[],"outputs":["y"]}"#,
            r#"{"inputs":["x"],"nodes":[],"outputs":[]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"index","args":["x"]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"call","args":["x"]}],"outputs":["a"]}"#,
            // unusual
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":["b"]},{"name":"b","op":"sin","args":["x"]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"mul","args":["x","NaN"]}],"outputs":["a"]}"#,
            r#"{"nodes":[{"name":"a","op":"sin","args":[1]}],"inputs":["x"],"outputs":["a"]}"#,
        ] {
            assert_eq!(both(text, &Limits::default()).0, None, "{text}");
        }
        let few = Limits { nodes: 3, ..Limits::default() };
        for (nodes, fits) in [(2, true), (3, false)] {
            let nodes: Vec<String> = (0..nodes)
                .map(|i| {
                    format!(r#"{{"name":"n{i}","op":"sin","args":[{}]}}"#, if i == 0 { "\"x\"".into() } else { format!("\"n{}\"", i - 1) })
                })
                .collect();
            let (straight, written) = both(&format!(r#"{{"inputs":["x"],"nodes":[{}],"outputs":["x"]}}"#, nodes.join(",")), &few);
            assert_eq!((straight.is_some(), written.is_some()), (fits, fits));
        }
    }
}

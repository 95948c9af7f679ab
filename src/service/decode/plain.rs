//! A JSON graph as generators write it: names without escapes, nodes of `name`, `op` and `args` and no more, outputs that are names.
//!
//! Large graphs are of this kind, and here they are read at a fraction of the cost of [`mod@super::graph`], which reads all others. There is
//! nothing that only this reader accepts, and no fault is found here: what is not as plain, or too much, is left to the other. What a graph
//! becomes is up to who has it read: as it is written, or straight what the engine works with.

use smallvec::SmallVec;

use super::cursor::Cursor;
use crate::service::limits::Limits;
use crate::wire::graph::Origin;

/// Nodes that stand inside one another are read to this depth.
const MOST_INLINE: usize = 16;

/// What a graph becomes while it is read. Whatever is `None` ends the reading.
pub(super) trait Grow<'t> {
    /// An argument of a node.
    type Argument;

    /// The inputs, all of them scalars.
    fn inputs(&mut self, names: &[&'t str]) -> Option<()>;

    /// The outputs, which are called what they are.
    fn outputs(&mut self, names: &[&'t str]) -> Option<()>;

    /// A node takes the next position, before those inside it do.
    fn begin(&mut self, origin: Origin) -> Option<usize>;

    /// It is whole.
    fn end(&mut self, position: usize, name: Option<&'t str>, op: &'t str, args: SmallVec<[Self::Argument; 2]>) -> Option<()>;

    /// The node at that position, which has just become whole, as an argument of the one that it stands in.
    fn inside(&self, position: usize) -> Option<Self::Argument>;

    fn named(&self, name: &'t str) -> Option<Self::Argument>;

    fn number(&self, value: f64) -> Self::Argument;
}

/// What becomes of the graph that `text` is, if it is plain.
pub(super) fn graph<'t, G: Grow<'t>>(text: &'t str, graph: G, limits: &Limits) -> Option<G> {
    let mut plain = Plain { cursor: Cursor::new(text), graph, nodes: 0, args: 0, limits };
    let mut seen: Vec<&str> = Vec::with_capacity(3);
    plain.cursor.take(b'{')?;
    while plain.cursor.more(seen.is_empty(), b'}')? {
        let key = plain.cursor.string()?;
        plain.cursor.take(b':')?;
        if seen.contains(&key) {
            return None;
        }
        seen.push(key);
        match key {
            "inputs" => {
                let names = plain.names(limits.inputs)?;
                plain.graph.inputs(&names)?;
            }
            "nodes" => plain.nodes()?,
            "outputs" => {
                let names = plain.names(limits.outputs)?;
                plain.graph.outputs(&names)?;
            }
            _ => return None,
        }
    }
    (plain.cursor.next().is_none() && seen.contains(&"outputs")).then_some(plain.graph)
}

struct Plain<'t, 'l, G> {
    cursor: Cursor<'t>,
    graph: G,
    /// Nodes so far.
    nodes: usize,
    /// Arguments so far.
    args: usize,
    limits: &'l Limits,
}

impl<'t, G: Grow<'t>> Plain<'t, '_, G> {
    /// A list of so many strings at most.
    fn names(&mut self, most: usize) -> Option<Vec<&'t str>> {
        let mut names = Vec::new();
        self.cursor.take(b'[')?;
        while self.cursor.more(names.is_empty(), b']')? {
            names.push(self.cursor.string()?);
        }
        (names.len() <= most).then_some(names)
    }

    fn nodes(&mut self) -> Option<()> {
        self.cursor.take(b'[')?;
        let mut count = 0;
        while self.cursor.more(count == 0, b']')? {
            self.node(Origin::Listed(count), 0)?;
            count += 1;
        }
        Some(())
    }

    /// A node with those inside it; its position.
    fn node(&mut self, origin: Origin, depth: usize) -> Option<usize> {
        // its arguments may stand in a graph of a stage: `/stages/i/graph/nodes/j/args`, and two levels more for each node around it
        if self.nodes >= self.limits.nodes || depth > MOST_INLINE || 7 + 2 * depth > self.limits.json_nesting {
            return None;
        }
        self.nodes += 1;
        let position = self.graph.begin(origin)?;
        let listed = matches!(origin, Origin::Listed(_));
        let (mut name, mut op, mut args, mut first) = (None, None, None, true);
        self.cursor.take(b'{')?;
        while self.cursor.more(first, b'}')? {
            first = false;
            let key = self.cursor.string()?;
            self.cursor.take(b':')?;
            match key {
                "op" if op.is_none() => op = Some(self.cursor.string()?),
                "name" if listed && name.is_none() => name = Some(self.cursor.string()?),
                "args" if args.is_none() => args = Some(self.arguments(position, depth)?),
                _ => return None,
            }
        }
        if listed && name.is_none() {
            return None;
        }
        self.graph.end(position, name, op?, args?)?;
        Some(position)
    }

    fn arguments(&mut self, parent: usize, depth: usize) -> Option<SmallVec<[G::Argument; 2]>> {
        let mut args = SmallVec::new();
        self.cursor.take(b'[')?;
        while self.cursor.more(args.is_empty(), b']')? {
            self.args += 1;
            if self.args > self.limits.nodes.saturating_mul(4) {
                return None;
            }
            args.push(match self.cursor.next()? {
                b'"' => {
                    let name = self.cursor.string()?;
                    self.graph.named(name)?
                }
                b'{' => {
                    let origin = Origin::Inline { parent: parent as u32, argument: args.len() as u32 };
                    let position = self.node(origin, depth + 1)?;
                    self.graph.inside(position)?
                }
                _ => {
                    let value = self.cursor.number()?;
                    self.graph.number(value)
                }
            });
        }
        Some(args)
    }
}

#[cfg(test)]
mod tests {
    use super::super::context::Place;
    use super::super::raw::Raw;
    use super::*;
    use crate::service::decode::graph::{Growing, careful};
    use crate::wire::graph::Graph;

    fn graph(text: &str, limits: &Limits) -> Option<Graph> {
        super::graph(text, Growing::default(), limits).map(Growing::into_graph)
    }

    fn both(text: &str) -> (Option<Graph>, Result<Graph, crate::wire::problem::Failure>) {
        let limits = Limits { nodes: 8, inputs: 3, outputs: 2, ..Limits::default() };
        (graph(text, &limits), careful(Raw::of(text), Place::default(), text.as_bytes(), &limits))
    }

    #[test]
    fn plain_graphs_are_what_careful_reading_makes_of_them() {
        for text in [
            r#"{"inputs":["x","y"],"nodes":[{"name":"a","op":"+","args":["x",{"op":"sin","args":["y"]}]},{"args":["a",-0.0,"a"],"op":"add","name":"b"}],"outputs":["b"]}"#,
            r#" { "outputs" : [ "b" , "x" ] , "nodes" : [ { "op" : "exp" , "args" : [ "later" ] , "name" : "b" } , {"name":"later","op":"neg","args":["b"]} ] , "inputs" : [ "x" ] } "#,
            r#"{"nodes":[{"name":"θ.1","op":"square","args":[{"op":"multiply","args":[1e-3,{"op":"cos","args":[12345678901234567890]}]}]}],"outputs":["θ.1"]}"#,
            r#"{"inputs":[],"nodes":[],"outputs":[]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a.name.of.many.bytes","op":"sin","args":[]},{"name":"b","op":"sin","args":["a.name.of.many.bytes"]}],"outputs":["x"]}"#,
        ] {
            let (plain, careful) = both(text);
            assert_eq!(plain.as_ref(), careful.as_ref().ok(), "{text}");
            assert!(plain.is_some(), "{text}");
        }
    }

    #[test]
    fn all_else_is_left_to_it() {
        for text in [
            // not JSON
            r#"{"inputs":["x",],"nodes":[],"outputs":["x"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":["x"],}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":[01]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":[1.]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":[,1]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a" "op":"sin","args":[1]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":["x"}]],"outputs":["a"]}"#,
            // wrong
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sinn","args":["x"]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"op":"sin","args":["x"]}],"outputs":["x"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","op":"sin","args":["x"]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":[1e999]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":[null]}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":["a"],"outputs":["x"]}"#,
            r#"{"inputs":["x"],"nodes":[]}"#,
            r#"{"inputs":["x"],"inputs":["x"],"nodes":[],"outputs":["x"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":[{"op":"sin","name":"b","args":["x"]}]}],"outputs":["a"]}"#,
            // too much
            r#"{"inputs":["x","y","z","w"],"nodes":[],"outputs":["x"]}"#,
            r#"{"inputs":["x"],"nodes":[],"outputs":["x","x","x"]}"#,
            // not plain
            r#"{"inputs":[{"name":"x","shape":[2]}],"nodes":[],"outputs":["x"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sum","args":["x"],"axis":0}],"outputs":["a"]}"#,
            r#"{"inputs":["x"],"nodes":[{"name":"a","op":"sin","args":[{"const":1}]}],"outputs":["a"]}"#,
            r#"{"inputs":["\u0078"],"nodes":[],"outputs":["x"]}"#,
            r#"{"inputs":["x"],"nodes":[],"outputs":[{"name":"y","value":"x"}]}"#,
            r#"{"inputs":["x"],"nodes":[],"outputs":["x"],"functions":{}}"#,
        ] {
            assert_eq!(graph(text, &Limits { nodes: 8, inputs: 3, outputs: 2, ..Limits::default() }), None, "{text}");
        }
        let many: Vec<String> = (0..9).map(|i| format!(r#"{{"name":"n{i}","op":"sin","args":["x"]}}"#)).collect();
        let (plain, careful) = both(&format!(r#"{{"inputs":["x"],"nodes":[{}],"outputs":["x"]}}"#, many.join(",")));
        assert!(plain.is_none() && careful.is_err());
    }
}

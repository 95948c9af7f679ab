//! A function as an attribute: what `map` maps and `scan` repeats.
//!
//! A body is a graph that sees only its own inputs. Two bodies are equal when they compute the same thing node by node, whatever their
//! inputs and outputs are called; that is what makes two loops over equal bodies one node.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;

use super::super::op::Value;
use super::super::{Error, Shape};
use super::{Graph, Kind};

/// How deep bodies may stand inside bodies: what walks over them may recurse.
const DEEPEST: usize = 24;

/// A function that an operator takes as an attribute. Clones share it.
#[derive(Debug, Clone)]
pub struct Body {
    graph: Arc<Graph>,
    hash: u64,
    depth: usize,
    weight: usize,
}

impl Body {
    /// A graph as a body.
    ///
    /// # Errors
    /// [`Error::Limit`] where bodies stand too deep inside one another.
    pub fn new(graph: Graph) -> Result<Body, Error> {
        let (mut depth, mut weight) = (1, graph.len());
        for id in graph.ids() {
            let Kind::Apply { attributes, .. } = graph.kind(id) else { continue };
            for body in attributes.iter().filter_map(|(_, value)| value.body()) {
                depth = depth.max(1 + body.depth);
                weight = weight.saturating_add(body.weight);
            }
        }
        if depth > DEEPEST {
            return Err(Error::Limit { what: "functions inside functions", asked: depth as f64, allowed: DEEPEST as f64 });
        }
        let hash = content_hash(&graph);
        Ok(Body { graph: Arc::new(graph), hash, depth, weight })
    }

    /// The function.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Its nodes and those of the bodies inside it, as often as they are used: what compiling it is bounded by.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// The shapes of its inputs.
    pub fn input_shapes(&self) -> impl Iterator<Item = &Shape> {
        self.graph.inputs().iter().map(|input| &input.shape)
    }

    /// The shapes of its outputs.
    pub fn output_shapes(&self) -> impl Iterator<Item = &Shape> {
        self.graph.outputs().iter().map(|output| self.graph.shape(output.node))
    }

    /// The names of its outputs.
    pub fn output_names(&self) -> Vec<String> {
        self.graph.outputs().iter().map(|output| output.name.clone()).collect()
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Body) -> bool {
        Arc::ptr_eq(&self.graph, &other.graph) || (self.hash == other.hash && same(&self.graph, &other.graph))
    }
}

impl Eq for Body {}

impl Hash for Body {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// A hash of everything that equality looks at.
fn content_hash(graph: &Graph) -> u64 {
    // seeded alike for every body of the process
    static SEED: std::sync::LazyLock<DefaultHashBuilder> = std::sync::LazyLock::new(DefaultHashBuilder::default);
    let mut state = SEED.build_hasher();
    state.write_usize(graph.inputs().len());
    for id in graph.ids() {
        graph.shape(id).hash(&mut state);
        match graph.kind(id) {
            Kind::Input(position) => state.write_usize(position),
            Kind::Constant(value) => value.data().iter().for_each(|value| state.write_u64(value.to_bits())),
            Kind::Apply { op, args, attributes } => {
                op.name.hash(&mut state);
                args.hash(&mut state);
                attributes.hash(&mut state);
            }
        }
    }
    graph.outputs().iter().for_each(|output| output.node.hash(&mut state));
    state.finish()
}

fn same(a: &Graph, b: &Graph) -> bool {
    let outputs = |graph: &Graph| graph.outputs().iter().map(|output| output.node).collect::<Vec<_>>();
    a.len() == b.len()
        && a.inputs().len() == b.inputs().len()
        && outputs(a) == outputs(b)
        && a.ids().all(|id| {
            a.shape(id) == b.shape(id)
                && match (a.kind(id), b.kind(id)) {
                    (Kind::Input(left), Kind::Input(right)) => left == right,
                    (Kind::Constant(left), Kind::Constant(right)) => {
                        left.data().iter().map(|value| value.to_bits()).eq(right.data().iter().map(|value| value.to_bits()))
                    }
                    (Kind::Apply { op, args, attributes }, Kind::Apply { op: other, args: others, attributes: theirs }) => {
                        op == other && args == others && attributes == theirs
                    }
                    _ => false,
                }
        })
}

impl Value {
    /// The function that an attribute holds.
    pub fn body(&self) -> Option<&Body> {
        match self {
            Value::Body(body) => Some(body),
            _ => None,
        }
    }
}

//! Functions inside functions: calls, loops, implicit functions.
//!
//! Calls are inlined while a graph is read. Loops stay loops: their bodies are graphs of their own, an attribute of the node, and what is
//! derived of a loop is a loop again. Bodies see nothing but their arguments.

mod implicit;
mod map;
mod odeint;
mod reverse;
mod scan;
mod series;

use std::collections::HashMap;

use super::row::rows;
use super::{Arity, Attribute, AttributeKind, Attributes, Family, Partial, Row, Rule};
use crate::engine::exec::elementwise::elementwise;
use crate::engine::graph::{Body, Builder, Graph, Kind, NodeId};
use crate::engine::{Error, Shape};
use Family::Structure;

pub(super) use implicit::ROWS as IMPLICIT_ROWS;
pub use implicit::{FIXED_POINT, ROOT};
pub use map::MAP;
pub(super) use map::ROWS as MAP_ROWS;
pub(crate) use map::{Mapped, map};
pub use odeint::ODEINT;
pub(super) use odeint::ROWS as ODEINT_ROWS;
pub(super) use scan::ROWS as SCAN_ROWS;
pub(crate) use scan::Scan;
pub use scan::{SCAN, WHILE_LOOP};

/// An attribute that names a function.
const fn function(name: &'static str, required: bool, summary: &'static str) -> Attribute {
    Attribute { name, kind: AttributeKind::Function, required, summary }
}

/// An attribute that is an integer.
const fn integer(name: &'static str, required: bool, summary: &'static str) -> Attribute {
    Attribute { name, kind: AttributeKind::Int, required, summary }
}

/// An attribute that is a number.
const fn real(name: &'static str, required: bool, summary: &'static str) -> Attribute {
    Attribute { name, kind: AttributeKind::Real, required, summary }
}

/// The function that an attribute holds.
fn body_of(op: &'static Row, attributes: &Attributes, name: &str) -> Result<Body, Error> {
    attributes.body(name).cloned().ok_or_else(|| super::axes::fault(op, name, "is missing"))
}

/// An integer attribute that counts something.
fn count(op: &'static Row, attributes: &Attributes, name: &str, default: usize) -> Result<usize, Error> {
    match attributes.int(name) {
        None => Ok(default),
        Some(value) => usize::try_from(value).map_err(|_| super::axes::fault(op, name, format!("is {value}, which is negative"))),
    }
}

/// Refuses arguments that are not what a function takes; `given[i]` is the shape that it would see.
fn takes(op: &'static Row, name: &str, body: &Body, given: &[Shape]) -> Result<(), Error> {
    let inputs = body.graph().inputs();
    if inputs.len() != given.len() {
        return Err(super::axes::fault(op, name, format!("takes {} arguments, {} are given", inputs.len(), given.len())));
    }
    for (input, shape) in inputs.iter().zip(given) {
        if input.shape != *shape {
            let detail = format!("input {} of `{name}` has shape {}, {shape} is given", quoted(&input.name), input.shape);
            return Err(Error::ShapePair { op: op.name, left: input.shape.clone(), right: shape.clone(), detail });
        }
    }
    Ok(())
}

/// A name in a message: its beginning, where it is long, for a message may be written once for each of many faults.
fn quoted(name: &str) -> String {
    match name.char_indices().nth(64) {
        Some((end, _)) => format!("\"{}…\"", &name[..end]),
        None => format!("{name:?}"),
    }
}

/// A shape with one more leading axis.
fn led(size: usize, shape: &Shape) -> Shape {
    Shape::new([&[size], shape.sizes()].concat())
}

/// A body that is being written.
struct Writing {
    g: Builder,
}

impl Writing {
    fn new() -> Writing {
        Writing { g: Builder::default() }
    }

    /// An input for each of these shapes.
    fn inputs<'s>(&mut self, shapes: impl IntoIterator<Item = &'s Shape>) -> Result<Vec<NodeId>, Error> {
        let mut made = Vec::new();
        for shape in shapes {
            let name = format!("a{}", self.g.input_shapes().len());
            made.push(self.g.input(name, shape.clone())?);
        }
        Ok(made)
    }

    /// The shapes of the inputs so far.
    fn shapes(&self) -> Vec<Shape> {
        self.g.input_shapes().cloned().collect()
    }

    fn finish(self, outputs: &[NodeId]) -> Result<Body, Error> {
        let outputs = outputs.iter().enumerate().map(|(i, &node)| (format!("y{i}"), node)).collect();
        Body::new(self.g.finish(outputs))
    }
}

/// Which inputs of a body its outputs' derivatives flow through, given those that are `active`: where output i is carried over to input
/// i (for i < `carry`), activity is carried over too. Returns the activity of inputs and of outputs.
pub(crate) fn activity(graph: &Graph, carry: usize, active: &[bool]) -> (Vec<bool>, Vec<bool>) {
    let mut users: Vec<Vec<NodeId>> = vec![Vec::new(); graph.len()];
    for id in graph.ids() {
        if let Kind::Apply { args, .. } = graph.kind(id) {
            args.iter().for_each(|arg| users[arg.index()].push(id));
        }
    }
    let mut carried: Vec<Vec<usize>> = vec![Vec::new(); graph.len()];
    for (i, output) in graph.outputs().iter().enumerate().take(carry) {
        carried[output.node.index()].push(i);
    }
    let inputs: Vec<NodeId> = graph.inputs().iter().map(|input| input.node).collect();
    let mut reached = vec![false; graph.len()];
    let mut stack: Vec<NodeId> = inputs.iter().zip(active).filter(|(_, active)| **active).map(|(&id, _)| id).collect();
    while let Some(id) = stack.pop() {
        if std::mem::replace(&mut reached[id.index()], true) {
            continue;
        }
        stack.extend(&users[id.index()]);
        stack.extend(carried[id.index()].iter().map(|&i| inputs[i]));
    }
    let at = |id: NodeId| reached[id.index()];
    (inputs.iter().map(|&id| at(id)).collect(), graph.outputs().iter().map(|output| at(output.node)).collect())
}

/// Steps that a function's loops make at most; steps inside steps multiply.
pub(crate) fn loop_steps(graph: &Graph) -> f64 {
    steps_of(graph, &mut HashMap::new())
}

/// Bodies stand only so deep in one another, and each is counted once.
fn steps_of(graph: &Graph, known: &mut HashMap<Body, f64>) -> f64 {
    let mut sum = 0.0;
    for id in graph.ids() {
        let Kind::Apply { op, args, attributes } = graph.kind(id) else { continue };
        if op.family != Structure {
            continue;
        }
        let mut inner = 0.0;
        for body in attributes.iter().filter_map(|(_, value)| value.body()) {
            inner += match known.get(body) {
                Some(&steps) => steps,
                None => {
                    let steps = steps_of(body.graph(), known);
                    known.insert(body.clone(), steps);
                    steps
                }
            };
        }
        let number = |name| attributes.int(name).unwrap_or_default() as f64;
        let sizes = |i: usize| graph.shape(args[i]).sizes();
        sum += if *op == MAP {
            Mapped::of(attributes).length(sizes) as f64 * inner
        } else if *op == ODEINT {
            sizes(1).iter().product::<usize>() as f64 * number("steps") * (1.0 + inner)
        } else {
            (number("length") + number("max_steps")) * (1.0 + inner)
        };
    }
    sum
}

/// Those of `all` whose flag is set.
fn chosen<T: Clone>(all: &[T], flags: &[bool]) -> Vec<T> {
    all.iter().zip(flags).filter(|(_, flag)| **flag).map(|(one, _)| one.clone()).collect()
}

/// The tangent or cotangent, or zeros of the shape of what it belongs to.
fn or_zeros(g: &mut Builder, derivative: Option<NodeId>, like: &Shape) -> Result<NodeId, Error> {
    derivative.map_or_else(|| g.zeros(like), Ok)
}

rows! {
    CALL = Row::new("call", Structure, Arity::at_least(0), Rule::Resolved)
        .takes(&[Attribute { name: "function", kind: AttributeKind::Name, required: true, summary: "the name of a function of the graph's `functions`" }])
        .says("a local function applied to the arguments, in the order of its inputs; several outputs make a several-valued node", "the function's");
    ITEM = Row::new("item", Structure, Arity::exactly(1), Rule::Item)
        .takes(&[Attribute { name: "index", kind: AttributeKind::Name, required: true, summary: "which result: its position from 0 or its name" }])
        .says("one result of a several-valued node", "that result's");
    STOP_GRADIENT = Row::scalar("stop_gradient", Structure, elementwise!(Unary, |x| x), |_, _, _| Ok(Partial::Zero))
        .says("x, as if it were a constant", "0").at_edges("derivative 0 everywhere, at NaN too");
}

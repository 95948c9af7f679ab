//! A derivative as a function: what `POST /derivative` answers, in the form in which functions come.
//!
//! The calculus is the engine's. Here are the names that inputs and outputs get, and what is too large to be written down; nothing is
//! evaluated.

use std::collections::{HashMap, HashSet};

use super::build::Built;
use super::decode::Of;
use super::limits::{Limits, check, exceeded};
use super::refusal;
use crate::engine::diff::{self, Blocks, Cotangent, Sweeps};
use crate::engine::graph::{Bounds, Builder, NodeId};
use crate::engine::{Error, Shape, simplify};
use crate::wire::problem::{Failure, Fault, Slug};

/// Which derivative of a function.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) of: Of,
    /// The inputs to differentiate by: positions, ascending.
    pub(super) wrt: Vec<usize>,
    /// Whether the function's own outputs come first.
    pub(super) value: bool,
}

/// The derivative of a function, as a function.
pub(super) fn derivative(function: &Built, asked: &Asked, limits: &Limits) -> Result<Built, Failure> {
    if matches!(asked.of, Of::Gradient | Of::Hessian) {
        function.graph.scalar_output().map_err(refusal)?;
    }
    admit(function, asked, limits)?;
    Making::of(function, asked, limits).and_then(Making::make).map_err(refusal)
}

/// Refuses what would have no outputs, or too many inputs, outputs or numbers, or names too long to write down, before any of it is made.
fn admit(function: &Built, asked: &Asked, limits: &Limits) -> Result<(), Failure> {
    let (graph, wrt) = (&function.graph, &asked.wrt);
    let outputs = graph.outputs();
    let elements = |shape: &Shape| shape.elements() as f64;
    let p: f64 = outputs.iter().map(|output| elements(graph.shape(output.node))).sum();
    let n: f64 = wrt.iter().map(|&i| elements(&graph.inputs()[i].shape)).sum();
    let output_names: usize = outputs.iter().map(|output| output.name.len() + 4).sum();
    let input_names: usize = wrt.iter().map(|&i| graph.inputs()[i].name.len() + 4).sum();
    let pairs = |(a, a_names): (usize, usize), (b, b_names): (usize, usize)| (a * b, a * b_names + b * a_names);
    let (columns, rows) = ((wrt.len(), input_names), (outputs.len(), output_names));
    let ((results, names), cells, inputs) = match asked.of {
        Of::Gradient => (pairs(rows, columns), 0.0, 0),
        Of::Jacobian => (pairs(rows, columns), p * n, 0),
        Of::Hessian => (pairs((wrt.len(), input_names + output_names * wrt.len()), columns), n * n, 0),
        Of::Jvp => (rows, 0.0, wrt.len()),
        Of::Vjp => (columns, 0.0, outputs.len()),
    };
    check("limits.inputs", graph.inputs().len() + inputs, limits.inputs)?;
    let results = results + if asked.value { outputs.len() } else { 0 };
    if results == 0 {
        let detail = "the derivative by no input at all has no outputs, and is no function".to_owned();
        let hint = Some("give the function an input, or ask for its \"value\", too".to_owned());
        return Err(Failure::of_faults(Slug::InvalidRequest, vec![Fault { pointer: "/of".to_owned(), detail, hint }]));
    }
    check("limits.outputs", results, limits.outputs)?;
    // each is written in the graph, the formula, the LaTeX text and the list of outputs
    check("limits.answer_bytes", names.saturating_mul(4), limits.answer_bytes)?;
    if cells > limits.derivative_cells as f64 {
        return Err(exceeded("limits.derivative_cells", cells, limits.derivative_cells as f64));
    }
    Ok(())
}

/// A derivative being written down beside its function.
struct Making<'f> {
    function: &'f Built,
    asked: &'f Asked,
    g: Builder,
    /// The function's nodes.
    copies: Vec<NodeId>,
    names: Names,
    outputs: Vec<(String, NodeId)>,
}

impl<'f> Making<'f> {
    fn of(function: &'f Built, asked: &'f Asked, limits: &Limits) -> Result<Making<'f>, Error> {
        let mut g = Builder::new(Bounds { nodes: limits.nodes, rank: limits.rank, elements: limits.elements });
        let copies = diff::copy(&function.graph, &mut g)?;
        Ok(Making { function, asked, g, copies, names: Names::of(function), outputs: Vec::new() })
    }

    fn make(mut self) -> Result<Built, Error> {
        let graph = &self.function.graph;
        let y: Vec<(&str, NodeId)> =
            graph.outputs().iter().map(|output| (output.name.as_str(), self.copies[output.node.index()])).collect();
        let wrt = self.asked.wrt.iter().map(|&i| &graph.inputs()[i]);
        let x: Vec<(&str, NodeId)> = wrt.map(|input| (input.name.as_str(), self.copies[input.node.index()])).collect();
        let nodes = |named: &[(&str, NodeId)]| -> Vec<NodeId> { named.iter().map(|&(_, node)| node).collect() };
        let (outputs, inputs) = (nodes(&y), nodes(&x));
        if self.asked.value {
            self.outputs.extend(y.iter().map(|&(name, node)| (name.to_owned(), node)));
        }
        match self.asked.of {
            Of::Gradient => {
                let bars = diff::gradient(&mut self.g, outputs[0], &inputs)?;
                self.blocks(&y, &x, vec![bars], "d")?;
            }
            Of::Jacobian => {
                let size = |nodes: &[NodeId]| nodes.iter().map(|&node| self.g.shape(node).elements()).fold(0, usize::saturating_add);
                let sweeps = Sweeps::fewer(size(&outputs), size(&inputs));
                let blocks = diff::jacobian(&mut self.g, &outputs, &inputs, sweeps)?;
                self.blocks(&y, &x, blocks, "d")?;
            }
            Of::Hessian => {
                let blocks = diff::hessian(&mut self.g, outputs[0], &inputs)?;
                let rows: Vec<String> = x.iter().map(|(name, _)| format!("{}_d{name}", y[0].0)).collect();
                let rows: Vec<(&str, NodeId)> = rows.iter().map(String::as_str).zip(nodes(&x)).collect();
                self.blocks(&rows, &x, blocks, "d2")?;
            }
            Of::Jvp => {
                let dots: Vec<NodeId> = x.iter().map(|&x| self.direction(x, "_dot")).collect::<Result<_, _>>()?;
                let pairs: Vec<(NodeId, NodeId)> = inputs.into_iter().zip(dots).collect();
                let dots = diff::jvp(&mut self.g, &pairs, &outputs)?;
                self.directions(&y, dots, "_dot")?;
            }
            Of::Vjp => {
                let bars: Vec<NodeId> = y.iter().map(|&y| self.direction(y, "_bar")).collect::<Result<_, _>>()?;
                let pairs: Vec<(NodeId, Cotangent)> = outputs.into_iter().zip(bars.into_iter().map(Cotangent::Node)).collect();
                let bars = diff::vjp(&mut self.g, &pairs, &inputs)?;
                self.directions(&x, bars, "_bar")?;
            }
        }
        self.finish()
    }

    /// Outputs `d<row>_d<column>` of shape row ++ column.
    fn blocks(&mut self, rows: &[(&str, NodeId)], columns: &[(&str, NodeId)], blocks: Blocks, d: &str) -> Result<(), Error> {
        for (&(row, y), blocks) in rows.iter().zip(blocks) {
            for (&(column, x), block) in columns.iter().zip(blocks) {
                let shape = Shape::new([self.g.shape(y).sizes(), self.g.shape(x).sizes()].concat());
                let node = block.map_or_else(|| self.g.zeros(&shape), Ok)?;
                let name = self.names.fresh(format!("{d}{row}_d{column}"));
                self.outputs.push((name, node));
            }
        }
        Ok(())
    }

    /// An input for what flows from, or back into, a tensor.
    fn direction(&mut self, (name, like): (&str, NodeId), suffix: &str) -> Result<NodeId, Error> {
        let shape = self.g.shape(like).clone();
        self.g.input(self.names.fresh(format!("{name}{suffix}")), shape)
    }

    /// Outputs for what flows.
    fn directions(&mut self, named: &[(&str, NodeId)], flows: Vec<Option<NodeId>>, suffix: &str) -> Result<(), Error> {
        for (&(name, like), flow) in named.iter().zip(flows) {
            let shape = self.g.shape(like).clone();
            let node = flow.map_or_else(|| self.g.zeros(&shape), Ok)?;
            self.outputs.push((self.names.fresh(format!("{name}{suffix}")), node));
        }
        Ok(())
    }

    /// The finished function, without what no output needs, its nodes called as they were.
    fn finish(self) -> Result<Built, Error> {
        let (graph, became) = simplify::tidied(&self.g.finish(self.outputs))?;
        let mut given: Vec<(NodeId, &String)> = self.function.names.iter().map(|(&id, name)| (id, name)).collect();
        given.sort_unstable();
        let mut names = HashMap::new();
        for (id, name) in given {
            if let Some(id) = became.get(self.copies[id.index()].index()).copied().flatten() {
                names.entry(id).or_insert_with(|| name.clone());
            }
        }
        Ok(Built { graph, names })
    }
}

/// Names that are taken; another of the same gets a number.
struct Names {
    taken: HashSet<String>,
    next: HashMap<String, usize>,
}

impl Names {
    fn of(function: &Built) -> Names {
        let inputs = function.graph.inputs().iter().map(|input| &input.name);
        let outputs = function.graph.outputs().iter().map(|output| &output.name);
        Names { taken: inputs.chain(outputs).chain(function.names.values()).cloned().collect(), next: HashMap::new() }
    }

    fn fresh(&mut self, name: String) -> String {
        if self.taken.insert(name.clone()) {
            return name;
        }
        let next = self.next.entry(name.clone()).or_insert(2);
        loop {
            let numbered = format!("{name}_{next}");
            *next += 1;
            if self.taken.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}

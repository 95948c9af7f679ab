//! A derivative as a graph, evaluated node by node: what programs are held against.

use nablad::engine::diff::{self, Cotangent};
use nablad::engine::exec::naive;
use nablad::engine::graph::{Bounds, Builder, Graph, NodeId};
use nablad::engine::program::{Mode, Want};
use nablad::engine::{Error, Shape, Tensor};

/// Nodes of a derivative beyond which a function is left alone.
const NODES: usize = 300;
/// Unit vectors beyond which it is.
const SEEDS: usize = 6;

/// The function with what is wanted, as one graph.
pub(super) struct Plain {
    graph: Graph,
    /// How many of its inputs a caller gives; the others take unit vectors.
    given: usize,
    seeds: usize,
    /// What is computed, in the order in which programs have their results.
    results: Vec<Part>,
}

/// A result.
enum Part {
    /// The output of that number, or zeros.
    Whole(Option<usize>, usize),
    /// A matrix of outputs, a column a seed, or a row a seed.
    Matrix { parts: Vec<(Option<usize>, usize)>, seed_is_row: bool, symmetric: bool },
    /// The same of a single row, cut into pieces of these lengths.
    Row(Option<usize>, Vec<usize>),
}

impl Plain {
    /// `None` where it is too large.
    pub(super) fn of(graph: &Graph, want: &Want) -> Option<Plain> {
        let bounds = Bounds { nodes: NODES, rank: 12, elements: 1 << 12 };
        let plain = Writing::of(graph, bounds).and_then(|writing| writing.want(want)).ok()?;
        (plain.seeds <= SEEDS).then_some(plain)
    }

    /// The shapes of what a caller gives.
    pub(super) fn shapes(&self) -> Vec<&Shape> {
        self.graph.inputs()[..self.given].iter().map(|input| &input.shape).collect()
    }

    /// How many numbers each of them has.
    pub(super) fn sizes(&self) -> impl Iterator<Item = usize> {
        self.graph.inputs()[..self.given].iter().map(|input| input.shape.elements())
    }

    /// All results at one point; `None` where composite operators become too many nodes.
    pub(super) fn at(&self, inputs: &[&[f64]]) -> Option<Vec<Vec<f64>>> {
        let first = self.evaluated(inputs, 0)?;
        let rest: Option<Vec<_>> = (1..self.seeds).map(|seed| self.evaluated(inputs, seed)).collect();
        let all: Vec<Vec<Tensor>> = std::iter::once(first).chain(rest?).collect();
        let of = |seed: usize, part: Option<usize>, size: usize| part.map_or(vec![0.0; size], |i| all[seed][i].data().to_vec());
        let result = |part: &Part| match part {
            Part::Whole(output, size) => vec![of(0, *output, *size)],
            Part::Row(output, cuts) => {
                let mut seed = 0;
                let mut cut = |&size: &usize| {
                    seed += size;
                    (seed - size..seed).map(|seed| of(seed, *output, 1)[0]).collect()
                };
                cuts.iter().map(&mut cut).collect()
            }
            Part::Matrix { parts, seed_is_row, symmetric } => {
                let lines: Vec<Vec<f64>> = (0..self.seeds).map(|seed| parts.iter().flat_map(|&(i, n)| of(seed, i, n)).collect()).collect();
                let length: usize = parts.iter().map(|&(_, n)| n).sum();
                let (rows, columns) = if *seed_is_row { (self.seeds, length) } else { (length, self.seeds) };
                let entry = |i: usize, j: usize| {
                    let (i, j) = if *symmetric && j > i { (j, i) } else { (i, j) };
                    if *seed_is_row { lines[i][j] } else { lines[j][i] }
                };
                vec![(0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))).map(|(i, j)| entry(i, j)).collect()]
            }
        };
        Some(self.results.iter().flat_map(result).collect())
    }

    /// The graph's outputs with the unit vector of that number.
    fn evaluated(&self, inputs: &[&[f64]], seed: usize) -> Option<Vec<Tensor>> {
        let mut first = 0;
        let mut unit = |shape: &Shape| {
            let own = (0..shape.elements()).map(|i| f64::from(u8::from(first + i == seed))).collect();
            first += shape.elements();
            own
        };
        let tensors: Option<Vec<Tensor>> = (self.graph.inputs().iter().enumerate())
            .map(|(i, input)| Tensor::new(input.shape.clone(), inputs.get(i).map_or_else(|| unit(&input.shape), |data| data.to_vec())))
            .collect();
        naive::evaluate(&self.graph, &tensors?).ok()
    }
}

/// The graph while it is written.
struct Writing {
    g: Builder,
    x: Vec<NodeId>,
    y: Vec<NodeId>,
    given: usize,
    seeds: usize,
    computed: Vec<NodeId>,
    results: Vec<Part>,
}

impl Writing {
    fn of(graph: &Graph, bounds: Bounds) -> Result<Writing, Error> {
        let mut g = Builder::new(bounds);
        let copies = diff::copy(graph, &mut g)?;
        let x: Vec<NodeId> = graph.inputs().iter().map(|input| copies[input.node.index()]).collect();
        let y: Vec<NodeId> = graph.outputs().iter().map(|output| copies[output.node.index()]).collect();
        let mut writing = Writing { g, given: x.len(), x, y: y.clone(), seeds: 1, computed: Vec::new(), results: Vec::new() };
        y.into_iter().for_each(|y| writing.whole(Some(y), y));
        Ok(writing)
    }

    fn part(&mut self, computed: Option<NodeId>) -> Option<usize> {
        computed.map(|node| {
            self.computed.push(node);
            self.computed.len() - 1
        })
    }

    fn size(&self, node: NodeId) -> usize {
        self.g.shape(node).elements()
    }

    fn whole(&mut self, computed: Option<NodeId>, like: NodeId) {
        let part = Part::Whole(self.part(computed), self.size(like));
        self.results.push(part);
    }

    /// An input for each of these that is like it.
    fn like(&mut self, these: &[NodeId]) -> Result<Vec<(NodeId, NodeId)>, Error> {
        these
            .iter()
            .map(|&node| {
                let (name, shape) = (format!("i{}", self.g.len()), self.g.shape(node).clone());
                Ok((node, self.g.input(name, shape)?))
            })
            .collect()
    }

    /// The same for inputs that a caller gives.
    fn more(&mut self, these: &[NodeId]) -> Result<Vec<(NodeId, NodeId)>, Error> {
        let made = self.like(these)?;
        self.given += made.len();
        Ok(made)
    }

    /// The same for unit vectors.
    fn units(&mut self, these: &[NodeId]) -> Result<Vec<(NodeId, NodeId)>, Error> {
        self.seeds = these.iter().map(|&node| self.size(node)).sum();
        self.like(these)
    }

    fn matrix(&mut self, nodes: Vec<Option<NodeId>>, like: &[NodeId], seed_is_row: bool, symmetric: bool) {
        let parts = nodes.into_iter().zip(like).map(|(node, &like)| (self.part(node), self.size(like))).collect();
        self.results.push(Part::Matrix { parts, seed_is_row, symmetric });
    }

    fn cotangents(pairs: Vec<(NodeId, NodeId)>) -> Vec<(NodeId, Cotangent)> {
        pairs.into_iter().map(|(y, bar)| (y, Cotangent::Node(bar))).collect()
    }

    fn want(mut self, want: &Want) -> Result<Plain, Error> {
        let by = |writing: &Writing, wrt: &[usize]| wrt.iter().map(|&i| writing.x[i]).collect::<Vec<NodeId>>();
        let y = self.y.clone();
        match want {
            Want::Value | Want::Linearity { .. } => {}
            Want::Gradient { wrt, mode: Mode::Forward } => {
                let x = by(&self, wrt);
                let units = self.units(&x)?;
                let dot = diff::jvp(&mut self.g, &units, &y)?[0];
                let row = Part::Row(self.part(dot), x.iter().map(|&x| self.size(x)).collect());
                self.results.push(row);
            }
            Want::Gradient { wrt, .. } => drop(self.gradient(&by(&self, wrt))?),
            Want::Jacobian { wrt, mode: Mode::Forward } => {
                let units = self.units(&by(&self, wrt))?;
                let dots = diff::jvp(&mut self.g, &units, &y)?;
                self.matrix(dots, &y, false, false);
            }
            Want::Jacobian { wrt, .. } => {
                let x = by(&self, wrt);
                let single = y.len() == 1 && self.g.shape(y[0]).rank() == 0;
                let units = if single { vec![(y[0], Cotangent::One)] } else { Self::cotangents(self.units(&y)?) };
                let bars = diff::vjp(&mut self.g, &units, &x)?;
                self.matrix(bars, &x, true, false);
            }
            Want::Jvp { inputs } => {
                let directions = self.more(&by(&self, inputs))?;
                let dots = diff::jvp(&mut self.g, &directions, &y)?;
                dots.into_iter().zip(y).for_each(|(dot, y)| self.whole(dot, y));
            }
            Want::Vjp { outputs, wrt } => {
                let of: Vec<NodeId> = outputs.iter().map(|&i| y[i]).collect();
                let cotangents = Self::cotangents(self.more(&of)?);
                let x = by(&self, wrt);
                let bars = diff::vjp(&mut self.g, &cotangents, &x)?;
                bars.into_iter().zip(x).for_each(|(bar, x)| self.whole(bar, x));
            }
            Want::Hessian { wrt, mode } => {
                let x = by(&self, wrt);
                let bars = self.gradient(&x)?;
                let there: Vec<NodeId> = bars.iter().copied().flatten().collect();
                if *mode == Mode::Reverse {
                    // those that are not there have unit vectors, too, which nothing looks at
                    let units = self.units(&x)?;
                    let pairs = bars.iter().zip(units).filter_map(|(&bar, (_, unit))| Some((bar?, Cotangent::Node(unit))));
                    let rows = diff::vjp(&mut self.g, &pairs.collect::<Vec<_>>(), &x)?;
                    self.matrix(rows, &x, true, true);
                } else {
                    let units = self.units(&x)?;
                    let mut dots = diff::jvp(&mut self.g, &units, &there)?.into_iter();
                    let dots = bars.iter().map(|bar| bar.and_then(|_| dots.next().flatten())).collect();
                    self.matrix(dots, &x, false, true);
                }
            }
            Want::Hvp { wrt, vectors } => {
                let x = by(&self, wrt);
                let bars = self.gradient(&x)?;
                let directions = self.more(&by(&self, vectors))?;
                let there: Vec<NodeId> = bars.iter().copied().flatten().collect();
                let mut dots = diff::jvp(&mut self.g, &directions, &there)?.into_iter();
                for (bar, x) in bars.into_iter().zip(x) {
                    let dot = bar.and_then(|_| dots.next().flatten());
                    self.whole(dot, x);
                }
            }
            Want::Taylor { inputs, order } => {
                let directions = self.more(&by(&self, inputs))?;
                // each output's value stands before its series, and all of them before all
                for (series, y) in diff::taylor(&mut self.g, &directions, &y, *order)?.into_iter().zip(y) {
                    self.whole(Some(y), y);
                    series.into_iter().for_each(|coefficient| self.whole(coefficient, y));
                }
            }
        }
        let outputs = self.computed.iter().enumerate().map(|(i, &node)| (format!("o{i}"), node)).collect();
        Ok(Plain { graph: self.g.finish(outputs), given: self.given, seeds: self.seeds, results: self.results })
    }

    fn gradient(&mut self, x: &[NodeId]) -> Result<Vec<Option<NodeId>>, Error> {
        let bars = diff::vjp(&mut self.g, &[(self.y[0], Cotangent::One)], x)?;
        bars.iter().zip(x).for_each(|(&bar, &x)| self.whole(bar, x));
        Ok(bars)
    }
}

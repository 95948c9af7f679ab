//! What happens at a point beside its numbers: which nodes stand on a kink or a pole, which leave their domain, which is the first
//! that is not finite.
//!
//! A [`Watch`] computes every node of a function as one more [`Program`] (so that what it looks at has the bits of the answer,
//! whatever the operators are), and then holds the operators' [facts](crate::engine::op::Facts) against the values. It never
//! differentiates a value and never changes one. Whether a node's derivative is asked for at all is known from its structure: a node
//! with a structurally zero derivative has no kinks.

mod look;

use std::ops::Range;

use super::Error;
use super::diff;
use super::exec::{Means, Scratch};
use super::graph::{Builder, Graph, Kind, NodeId};
use super::op::{Attributes, Fact, Facts, Row, Rule};
use super::program::layout::{Layout, Positions};
use super::program::{Binding, Cost, Program, Stopped, Want};
use super::{Shape, Tensor};

/// The nodes of a function, to be looked at where points are.
#[derive(Debug)]
pub struct Watch {
    /// Computes them.
    program: Program,
    /// In order of evaluation.
    looks: Vec<Look>,
    /// The shape of each of the program's results: those of the first look, then of the next.
    values: Vec<Shape>,
    inputs: Vec<Shape>,
    constants: Vec<Tensor>,
    /// Numbers a point has in all nodes.
    width: usize,
    /// Flops that looking takes at one point.
    flops: f64,
}

/// A node that is looked at.
#[derive(Debug)]
struct Look {
    node: NodeId,
    facts: Facts,
    /// The program's results that are its own: several where it is several-valued.
    values: Range<usize>,
    args: Vec<Part>,
    active: Vec<bool>,
    /// Whether any argument carries a derivative.
    moves: bool,
    /// Whether one element of it is of one element of each argument.
    elementwise: bool,
    /// Where a fact reads them.
    attributes: Option<Box<Attributes>>,
}

/// Where an argument's elements are.
#[derive(Debug, Clone)]
struct Part {
    source: Source,
    reading: Reading,
    shape: Shape,
}

/// How a node reads an argument: in its own shape where it is elementwise.
#[derive(Debug, Clone)]
enum Reading {
    /// The element at that position, for each of its own.
    Same(usize),
    /// One after another from that position.
    InOrder(usize),
    /// Wherever they lie.
    Strided(Layout),
}

impl Reading {
    fn of(layout: Layout, elementwise: bool) -> Reading {
        if layout.is_contiguous() {
            Reading::InOrder(layout.offset)
        } else if elementwise && layout.axes.iter().all(|&(size, stride)| size == 1 || stride == 0) {
            Reading::Same(layout.offset)
        } else {
            Reading::Strided(layout)
        }
    }
}

impl Part {
    /// The positions of elements that do not lie in order.
    fn walk(&self) -> Option<Positions> {
        match &self.reading {
            Reading::Strided(layout) => Some(layout.positions()),
            Reading::Same(_) | Reading::InOrder(_) => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Input(u32),
    Constant(u32),
    /// That result of the program.
    Value(u32),
}

/// What kind of thing was found at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// A kink.
    Kink,
    /// A pole.
    Pole,
    /// NaN although no argument is, or a derivative that does not exist.
    DomainError,
}

/// What was found at consecutive points.
///
/// Subjects are numbers: the function's inputs by their position, then the nodes of [`Watch::nodes`] in order.
#[derive(Debug, Default)]
pub struct Findings {
    /// Point, subject, kind: in the order of points, then of evaluation.
    found: Vec<(u32, u32, Finding)>,
    /// A point each: the first subject that is not finite.
    first: Vec<Option<u32>>,
}

impl Findings {
    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.found.capacity() * size_of::<(u32, u32, Finding)>() + self.first.capacity() * size_of::<Option<u32>>()
    }

    /// The subjects of which that was found at a point, in order of evaluation.
    pub fn of(&self, point: usize, kind: Finding) -> impl Iterator<Item = u32> + '_ {
        let begin = self.found.partition_point(|&(p, ..)| (p as usize) < point);
        let here = self.found[begin..].iter().take_while(move |&&(p, ..)| p as usize == point);
        here.filter(move |&&(.., found)| found == kind).map(|&(_, subject, _)| subject)
    }

    /// The first subject that is not finite at a point.
    pub fn first_not_finite(&self, point: usize) -> Option<u32> {
        self.first.get(point).copied().flatten()
    }
}

/// Flops that looking at a number for NaN and infinity is taken to cost, and asking a fact about an element.
const LOOK_FLOPS: f64 = 2.0;
const FACT_FLOPS: f64 = 8.0;
/// Flops that looking at a node takes whatever its size.
const NODE_FLOPS: f64 = 10.0;
/// Flops that a node of a body takes, to be written out and evaluated.
const BODY_FLOPS: f64 = 500.0;

impl Watch {
    /// Looks at what the outputs of `graph` need; derivatives are those by the inputs `by`. `per_point[i]` says whether input i
    /// differs from point to point.
    ///
    /// # Errors
    /// As [`Program::compile`].
    pub fn compile(graph: &Graph, by: &[usize], per_point: &[bool]) -> Result<Watch, Error> {
        let nodes = watched(graph);
        let mut builder = Builder::default();
        let copies = diff::copy(graph, &mut builder)?;
        let (mut outputs, mut values) = (Vec::new(), Vec::new());
        let mut ranges = Vec::with_capacity(nodes.len());
        for id in &nodes {
            let copy = copies[id.index()];
            let own = if builder.results(copy).is_some() { builder.items(copy)? } else { vec![copy] };
            ranges.push(outputs.len()..outputs.len() + own.len());
            values.extend(own.iter().map(|&id| builder.shape(id).clone()));
            outputs.extend(own.into_iter().map(|id| (String::new(), id)));
        }
        let program = Program::compile(&builder.finish(outputs), &Want::Value, &per_point[..graph.inputs().len().min(per_point.len())])?;
        let active = active(graph, by)?;
        let mut placing = Placing { graph, nodes: &nodes, ranges: &ranges, places: vec![None; graph.len()], constants: Vec::new() };
        for id in graph.ids() {
            placing.places[id.index()] = placing.place(id);
        }
        let look = |(&id, values): (&NodeId, &Range<usize>)| match graph.kind(id) {
            Kind::Apply { op, args, attributes } => Some(placing.look(id, op, args, attributes, &active, values.clone())),
            Kind::Input(_) | Kind::Constant(_) => None,
        };
        let looks: Vec<Look> = nodes.iter().zip(&ranges).filter_map(look).collect();
        let width = values.iter().map(Shape::elements).sum();
        let flops = looks.iter().map(|look| look.flops(&values)).sum();
        let inputs = graph.inputs().iter().map(|input| input.shape.clone()).collect();
        Ok(Watch { program, looks, values, inputs, constants: placing.constants, width, flops })
    }

    /// The nodes that are looked at, in order of evaluation.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.looks.iter().map(|look| look.node)
    }

    /// How many points to look at in one [`Watch::run`].
    pub fn block(&self) -> usize {
        /// Numbers of a run that stay in a cache.
        const NUMBERS: usize = 1 << 16;
        /// Flops of a run that is short against a deadline.
        const FLOPS: f64 = 1e6;
        let short = (FLOPS / self.flops.max(1.0)) as usize;
        self.program.block().min(NUMBERS / self.width.max(1)).min(short).max(1)
    }

    /// What `points` points cost.
    pub fn cost(&self, points: usize) -> Cost {
        let cost = self.program.cost(points);
        let held = self.width as f64;
        Cost {
            flops: cost.flops + points as f64 * self.flops,
            scratch_bytes: cost.scratch_bytes + 8.0 * held * self.block().min(points.max(1)) as f64,
            live_elements: cost.live_elements + held,
            cells: 0.0,
            loop_steps: cost.loop_steps,
        }
    }

    /// Bytes this takes, for the cache.
    pub fn bytes(&self) -> usize {
        let look = |look: &Look| size_of::<Look>() + look.args.len() * (size_of::<Part>() + 64) + 64;
        self.program.bytes() + self.looks.iter().map(look).sum::<usize>()
    }

    /// Looks at the points of `points`; `inputs` are those of the function.
    ///
    /// # Errors
    /// [`Stopped`] when `stop` was set.
    pub fn run(&self, inputs: &[Binding<'_>], points: Range<usize>, scratch: &mut Scratch, means: Means<'_>) -> Result<Findings, Stopped> {
        let inputs = &inputs[..self.inputs.len().min(inputs.len())];
        let count = points.len();
        let mut values = vec![0.0; self.width * count];
        let mut out: Vec<&mut [f64]> = Vec::with_capacity(self.values.len());
        let mut rest = &mut values[..];
        for shape in &self.values {
            let (own, after) = rest.split_at_mut(shape.elements() * count);
            out.push(own);
            rest = after;
        }
        self.program.run_with(inputs, points.clone(), scratch, means, &mut out)?;
        let values: Vec<&[f64]> = out.into_iter().map(|own| &*own).collect();
        look::at(self, look::Seen { inputs, values: &values, points }, means.stop)
    }
}

impl Look {
    fn flops(&self, values: &[Shape]) -> f64 {
        let facts = [self.facts.kink, self.facts.pole, self.facts.edge].into_iter().filter(|fact| fact.is_some()).count();
        let own: usize = values[self.values.clone()].iter().map(Shape::elements).sum();
        let read: usize = self.args.iter().map(|part| part.shape.elements()).sum();
        // a fact may evaluate a body
        let bodies = self.attributes.iter().flat_map(|attributes| attributes.iter()).filter_map(|(_, value)| value.body());
        let inner: f64 = bodies.map(|body| BODY_FLOPS * body.weight() as f64).sum();
        let seen = if self.elementwise { own } else { own.saturating_add(read) };
        NODE_FLOPS + LOOK_FLOPS * own as f64 + FACT_FLOPS * facts as f64 * seen as f64 + inner
    }
}

/// The applications that outputs need. Views are none, nor are items: they show what others have computed.
fn watched(graph: &Graph) -> Vec<NodeId> {
    let mut live = vec![false; graph.len()];
    graph.outputs().iter().for_each(|output| live[output.node.index()] = true);
    let mut nodes = Vec::new();
    for id in graph.ids().rev() {
        if let (true, Kind::Apply { op, args, .. }) = (live[id.index()], graph.kind(id)) {
            args.iter().for_each(|arg| live[arg.index()] = true);
            if !matches!(op.rule, Rule::View { .. } | Rule::Item) {
                nodes.push(id);
            }
        }
    }
    nodes.reverse();
    nodes
}

/// Which nodes have a derivative by those inputs that is not structurally zero.
fn active(graph: &Graph, by: &[usize]) -> Result<Vec<bool>, Error> {
    let mut builder = Builder::default();
    let copies = diff::copy(graph, &mut builder)?;
    let mut tangents = Vec::with_capacity(by.len());
    for &i in by {
        let input = &graph.inputs()[i];
        tangents.push((copies[input.node.index()], builder.input(String::new(), input.shape.clone())?));
    }
    let single: Vec<NodeId> = graph.ids().filter(|&id| graph.results(id).is_none()).collect();
    let wanted: Vec<NodeId> = single.iter().map(|id| copies[id.index()]).collect();
    let dots = diff::jvp(&mut builder, &tangents, &wanted)?;
    let mut active = vec![false; graph.len()];
    single.iter().zip(dots).for_each(|(id, dot)| active[id.index()] = dot.is_some());
    Ok(active)
}

struct Placing<'g> {
    graph: &'g Graph,
    /// Those that are looked at, and the program's results that are theirs.
    nodes: &'g [NodeId],
    ranges: &'g [Range<usize>],
    /// Where the elements of nodes are that were passed.
    places: Vec<Option<(Source, Layout)>>,
    constants: Vec<Tensor>,
}

impl Placing<'_> {
    fn place(&mut self, id: NodeId) -> Option<(Source, Layout)> {
        let whole = || Layout::contiguous(self.graph.shape(id));
        match self.graph.kind(id) {
            Kind::Input(position) => Some((Source::Input(position as u32), whole())),
            Kind::Constant(value) => {
                self.constants.push(value.clone());
                Some((Source::Constant(self.constants.len() as u32 - 1), Layout::contiguous(value.shape())))
            }
            Kind::Apply { op, args, attributes } => match &op.rule {
                Rule::View { layout, .. } => {
                    let (source, from) = self.places[args[0].index()].clone()?;
                    Some((source, layout(&from, self.graph.shape(id), attributes)))
                }
                Rule::Item => {
                    let index = usize::try_from(attributes.int("index")?).ok()?;
                    Some((Source::Value(self.values(args[0])?.nth(index)? as u32), whole()))
                }
                Rule::Several { .. } => None,
                _ => Some((Source::Value(self.values(id)?.start as u32), whole())),
            },
        }
    }

    fn values(&self, id: NodeId) -> Option<Range<usize>> {
        Some(self.ranges[self.nodes.binary_search(&id).ok()?].clone())
    }

    fn look(&self, id: NodeId, op: &'static Row, args: &[NodeId], attributes: &Attributes, active: &[bool], values: Range<usize>) -> Look {
        let elementwise = matches!(op.rule, Rule::Scalar { .. });
        let part = |arg: &NodeId| {
            let (source, layout) = self.places[arg.index()].clone()?;
            let layout = if elementwise { layout.broadcast(self.graph.shape(id)) } else { layout };
            Some(Part { source, reading: Reading::of(layout, elementwise), shape: self.graph.shape(*arg).clone() })
        };
        let own: Vec<bool> = args.iter().map(|arg| active[arg.index()]).collect();
        let facts = [op.facts.kink, op.facts.pole, op.facts.edge];
        let whole = facts.into_iter().any(|fact| matches!(fact, Fact::There(_)));
        Look {
            node: id,
            facts: op.facts,
            values,
            args: args.iter().filter_map(part).collect(),
            moves: own.contains(&true),
            active: own,
            elementwise,
            attributes: whole.then(|| Box::new(attributes.clone())),
        }
    }
}

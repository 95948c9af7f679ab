//! Scalar replacement: a graph of a few small arrays becomes one of single numbers.
//!
//! A kernel over ten elements costs far more than their arithmetic. Where all arrays are small and there are no lanes, each element
//! becomes a node of its own, what only rearranges elements is gone, and what is left is one Map over one number, which runs as straight
//! code. Every element is computed by the same operators in the same order as in its kernel (sums in their fixed tree, products as their
//! chain of fused multiply-adds), so no bit changes. It is the inverse of rolling ([`super::roll`]), at the other end of the sizes.
//!
//! The term is that of compilers: Muchnick, *Advanced Compiler Design and Implementation* (1997), section 20.3.

use super::kernel::Lanes;
use super::layout::Layout;
use super::lower;
use crate::engine::exec::reduce;
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, Graph, Kind, NodeId};
use crate::engine::op::{Attributes, Fold, Primitive, Row, Rule, Value, arithmetic, choice, logic, product, shape};
use crate::engine::{Error, Shape};

/// Steps that a graph may come to: what takes longer gains more from vectors than it loses to kernels.
const MOST_STEPS: usize = 512;
/// Nodes of a graph that is looked at.
const MOST_NODES: usize = 4 * MOST_STEPS;
/// Elements of its largest array.
const MOST_ELEMENTS: usize = 128;
/// Steps of a pair of a product in which zeros count nothing.
const CHAIN_STEPS: usize = 5;

/// A graph of single numbers, and where the nodes asked for are in it.
#[derive(Debug)]
pub(crate) struct Replaced {
    pub(crate) graph: Graph,
    pub(crate) outputs: Vec<NodeId>,
}

/// Takes apart what `outputs` need; `varies[i]` says what input i varies with. `None` where that is not worth it or not possible.
pub(crate) fn replace(graph: &Graph, varies: &[Lanes], outputs: &[NodeId]) -> Option<Replaced> {
    if varies.iter().any(|&lanes| lanes != Lanes::NONE) || graph.has_several() || graph.len() > MOST_NODES {
        return None;
    }
    let mut live = vec![false; graph.len()];
    outputs.iter().for_each(|id| live[id.index()] = true);
    graph.spread(&mut live);
    if !worthwhile(graph, &live) {
        return None;
    }
    // what exceeds a bound stays as it was written
    write(graph, &live, outputs).ok()
}

/// Whether there are arrays, all of them small, and nothing that has to stay whole.
fn worthwhile(graph: &Graph, live: &[bool]) -> bool {
    let (mut steps, mut arrays) = (0, false);
    for id in graph.ids().filter(|id| live[id.index()]) {
        let elements = graph.shape(id).elements();
        if let Kind::Apply { op, args, attributes } = graph.kind(id) {
            let Some(more) = cost(graph, op, args, attributes, elements) else { return false };
            steps += more;
            arrays |= !matches!(op.rule, Rule::Scalar { .. }) || elements != 1;
        }
        if elements > MOST_ELEMENTS || steps > MOST_STEPS {
            return false;
        }
    }
    arrays
}

/// Steps of an application with so many elements; `None` where it has to stay whole.
fn cost(graph: &Graph, op: &Row, args: &[NodeId], attributes: &Attributes, elements: usize) -> Option<usize> {
    Some(match op.rule {
        Rule::Scalar { .. } => elements.saturating_mul(args.len().saturating_sub(1).max(1)),
        Rule::View { .. } => 0,
        Rule::Primitive { primitive, .. } => match primitive {
            Primitive::Reshape | Primitive::Concat | Primitive::Embed | Primitive::Take => 0,
            Primitive::ScatterAdd => graph.shape(args[1]).elements(),
            Primitive::Reduce(_) => graph.shape(args[0]).elements(),
            Primitive::Matmul => {
                let inner = graph.shape(args[0]).sizes().last().copied().unwrap_or(1);
                elements.saturating_mul(inner).saturating_mul(if attributes.flag("chain") { CHAIN_STEPS } else { 1 })
            }
            _ => return None,
        },
        _ => return None,
    })
}

/// The elements of a node in row-major order.
type Elements = Vec<NodeId>;

/// The graph of single numbers while it is written.
struct Writing<'a> {
    graph: &'a Graph,
    g: Builder,
    /// Those of each node that was written.
    elements: Vec<Elements>,
    /// Inputs and constants as a whole.
    wholes: Vec<Option<NodeId>>,
}

fn write(graph: &Graph, live: &[bool], outputs: &[NodeId]) -> Result<Replaced, Error> {
    let (elements, wholes) = (vec![Vec::new(); graph.len()], vec![None; graph.len()]);
    let mut writing = Writing { graph, g: Builder::default(), elements, wholes };
    for input in graph.inputs() {
        let whole = writing.g.input(input.name.clone(), input.shape.clone())?;
        writing.wholes[input.node.index()] = Some(whole);
    }
    for id in graph.ids().filter(|id| live[id.index()]) {
        writing.elements[id.index()] = writing.node(id)?;
    }
    let outputs = outputs.iter().map(|&output| writing.joined(output)).collect::<Result<Vec<_>, _>>()?;
    let named = outputs.iter().enumerate().map(|(i, &output)| (i.to_string(), output)).collect();
    Ok(Replaced { graph: writing.g.finish(named), outputs })
}

impl Writing<'_> {
    fn node(&mut self, id: NodeId) -> Result<Elements, Error> {
        let graph = self.graph;
        match graph.kind(id) {
            Kind::Input(_) => self.picked(id),
            Kind::Constant(value) => {
                self.wholes[id.index()] = Some(self.g.constant(value.clone()));
                Ok(value.data().iter().map(|&number| self.g.number(number)).collect())
            }
            Kind::Apply { op, args, attributes } => match &op.rule {
                Rule::Scalar { .. } => self.elementwise(op, args, attributes, graph.shape(id)),
                Rule::View { layout, .. } => {
                    let layout = layout(&Layout::contiguous(graph.shape(args[0])), graph.shape(id), attributes);
                    Ok(layout.positions().map(|at| self.of(args[0])[at]).collect())
                }
                Rule::Primitive { primitive, .. } => self.primitive(*primitive, args, attributes, graph.shape(id)),
                _ => unreachable!("{op:?} stays whole"),
            },
        }
    }

    fn of(&self, id: NodeId) -> &[NodeId] {
        &self.elements[id.index()]
    }

    /// Every element of an input.
    fn picked(&mut self, id: NodeId) -> Result<Elements, Error> {
        let Some(whole) = self.wholes[id.index()] else { unreachable!("inputs are written first") };
        let shape = self.graph.shape(id);
        if shape.rank() == 0 {
            return Ok(vec![whole]);
        }
        let flat = self.g.reshape(whole, &Shape::from([shape.elements()]))?;
        let pick = |at| Attributes::none().with("at", Value::Ints(vec![at]));
        (0..shape.elements()).map(|at| self.g.apply(&shape::INDEX, &[flat], pick(at as i64))).collect()
    }

    fn elementwise(&mut self, op: &'static Row, args: &[NodeId], attributes: &Attributes, shape: &Shape) -> Result<Elements, Error> {
        let columns: Vec<Elements> = args
            .iter()
            .map(|&arg| {
                let spread = Layout::contiguous(self.graph.shape(arg)).broadcast(shape);
                spread.positions().map(|at| self.of(arg)[at]).collect()
            })
            .collect();
        (0..shape.elements())
            .map(|i| {
                let args: Vec<NodeId> = columns.iter().map(|column| column[i]).collect();
                self.g.apply(op, &args, attributes.clone())
            })
            .collect()
    }

    fn primitive(&mut self, primitive: Primitive, args: &[NodeId], attributes: &Attributes, result: &Shape) -> Result<Elements, Error> {
        let graph = self.graph;
        match primitive {
            Primitive::Reshape => Ok(self.of(args[0]).to_vec()),
            Primitive::Concat => {
                let axis = shape::axis_of(attributes);
                let outer: usize = result.sizes()[..axis].iter().product();
                let part = |arg: NodeId, o: usize| {
                    let width = self.of(arg).len() / outer.max(1);
                    &self.of(arg)[o * width..(o + 1) * width]
                };
                Ok((0..outer).flat_map(|o| args.iter().flat_map(move |&arg| part(arg, o))).copied().collect())
            }
            Primitive::Embed => {
                let zero = self.g.number(0.0);
                let mut elements = vec![zero; result.elements()];
                let positions = shape::embedded(attributes, graph.shape(args[0]), result).positions();
                positions.zip(self.of(args[0])).for_each(|(at, &element)| elements[at] = element);
                Ok(elements)
            }
            Primitive::Take => Ok(taken(graph.shape(args[0]), attributes).map(|at| self.of(args[0])[at]).collect()),
            Primitive::ScatterAdd => {
                let mut sums = self.of(args[0]).to_vec();
                for (update, at) in taken(result, attributes).enumerate() {
                    sums[at] = self.g.add(sums[at], self.of(args[1])[update])?;
                }
                Ok(sums)
            }
            Primitive::Reduce(fold) => {
                let axes: Vec<usize> = attributes.ints("axis").unwrap_or_default().iter().map(|&axis| axis as usize).collect();
                let whole = Layout::contiguous(graph.shape(args[0]));
                let part = |keep: bool| {
                    let axes = whole.axes.iter().enumerate().filter(|(i, _)| axes.contains(i) != keep).map(|(_, &axis)| axis).collect();
                    Layout { offset: 0, axes }
                };
                let inner: Vec<usize> = part(false).positions().collect();
                let folded = part(true).positions().map(|base| {
                    let terms: Elements = inner.iter().map(|i| self.of(args[0])[base + i]).collect();
                    self.fold(fold, &terms)
                });
                folded.collect()
            }
            Primitive::Matmul => self.product(args, attributes.flag("chain")),
            _ => unreachable!("{primitive:?} stays whole"),
        }
    }

    /// A fold in the tree of [`exec::reduce`].
    fn fold(&mut self, fold: Fold, terms: &[NodeId]) -> Made {
        let (row, start) = match fold {
            Fold::Sum => {
                let g = &mut self.g;
                return Ok(match reduce::tree(terms, |a, b| g.call(&arithmetic::ADD, &[a, b]))? {
                    Some(sum) => sum,
                    None => g.number(0.0),
                });
            }
            Fold::Max => (&choice::MAXIMUM, f64::NEG_INFINITY),
            Fold::Min => (&choice::MINIMUM, f64::INFINITY),
        };
        let start = self.g.number(start);
        terms.iter().try_fold(start, |best, &term| self.g.call(row, &[best, term]))
    }

    /// A batched matrix product, each element the chain of [`exec::matmul`].
    fn product(&mut self, args: &[NodeId], chain: bool) -> Result<Elements, Error> {
        let (a, b) = (self.graph.shape(args[0]), self.graph.shape(args[1]));
        let Some(operands) = product::Operands::of(a, b) else { unreachable!("the shape rule admitted {a} and {b}") };
        let (batch, matrix) = operands.full.sizes().split_at(operands.full.rank() - 2);
        let inner = operands.left.sizes()[operands.left.rank() - 1];
        let view = |matrix: &Shape| {
            let to = Shape::new([batch, &matrix.sizes()[matrix.rank() - 2..]].concat());
            Layout::contiguous(matrix).broadcast(&to).positions().collect::<Vec<_>>()
        };
        let (left, right, columns) = (view(&operands.left), view(&operands.right), matrix[1]);
        let zero = self.g.number(0.0);
        let mut elements = Vec::with_capacity(operands.full.elements());
        // rows of the whole batch one after another
        for row in 0..operands.full.elements() / columns.max(1) {
            for column in 0..columns {
                let mut sum = zero;
                for k in 0..inner {
                    let a = self.of(args[0])[left[row * inner + k]];
                    let b = self.of(args[1])[right[(row / matrix[0] * inner + k) * columns + column]];
                    let next = self.g.call(&arithmetic::FMA, &[a, b, sum])?;
                    sum = if chain { self.unless_zero([a, b], next, sum)? } else { next };
                }
                elements.push(if chain { self.g.add(sum, zero)? } else { sum });
            }
        }
        Ok(elements)
    }

    /// `then`, or `otherwise` where one of a pair is zero.
    fn unless_zero(&mut self, pair: [NodeId; 2], then: NodeId, otherwise: NodeId) -> Made {
        let zero = self.g.number(0.0);
        pair.into_iter().try_fold(then, |then, factor| {
            let is_zero = self.g.call(&logic::EQUAL, &[factor, zero])?;
            self.g.select(is_zero, otherwise, then)
        })
    }

    /// The elements as one array again.
    fn joined(&mut self, id: NodeId) -> Made {
        if let Some(whole) = self.wholes[id.index()] {
            return Ok(whole);
        }
        let shape = self.graph.shape(id);
        let elements = self.of(id).to_vec();
        let one = Shape::from([1]);
        let parts = elements.iter().map(|&element| self.g.reshape(element, &one)).collect::<Result<Vec<_>, _>>()?;
        match parts[..] {
            [] => self.g.zeros(shape),
            [one] => self.g.reshape(one, shape),
            _ => {
                let vector = self.g.apply(&shape::CONCAT, &parts, Attributes::none().with("axis", Value::Int(0)))?;
                self.g.reshape(vector, shape)
            }
        }
    }
}

/// Where each element of a `take` from `of` is, or of what a `scatter_add` adds to it.
fn taken(of: &Shape, attributes: &Attributes) -> impl Iterator<Item = usize> + use<> {
    let table = lower::table(of, attributes);
    let entries: Vec<usize> = table.entries().collect();
    entries.into_iter().flat_map(move |first| first..first + table.inner)
}

#[cfg(test)]
mod tests {
    use super::super::code::Code;
    use super::super::kernel::Work;
    use super::*;
    use crate::engine::op::{exponential, reduction};

    /// Σ exp(x·x) of so many elements, with the terms.
    fn function(elements: usize) -> Graph {
        let mut g = Builder::default();
        let x = g.input("x", Shape::from([elements])).unwrap();
        let square = g.multiply(x, x).unwrap();
        let terms = g.call(&exponential::EXP, &[square]).unwrap();
        let sum = g.reduce(&reduction::SUM, terms, &[0], false).unwrap();
        g.finish(vec![("sum".into(), sum), ("terms".into(), terms)])
    }

    fn code(graph: &Graph, lanes: Lanes) -> Code {
        let outputs: Vec<NodeId> = graph.outputs().iter().map(|output| output.node).collect();
        Code::of(graph, &[lanes], &outputs)
    }

    #[test]
    fn a_few_elements_are_one_map_over_one_number() {
        let code = code(&function(10), Lanes::NONE);
        let maps: Vec<_> =
            code.kernels.iter().filter_map(|kernel| if let Work::Map(map) = &kernel.work { Some(map) } else { None }).collect();
        assert_eq!((maps.len(), maps[0].elements, maps[0].steps.len()), (1, 1, 10 + 10 + 9));
    }

    #[test]
    fn many_elements_and_lanes_stay_arrays() {
        for (elements, lanes) in [(200, Lanes::NONE), (10, Lanes::POINTS), (10, Lanes::SEEDS)] {
            let code = code(&function(elements), lanes);
            assert!(code.kernels.iter().any(|kernel| matches!(kernel.work, Work::Reduce { .. })), "{elements} elements");
        }
        assert!(replace(&function(1), &[Lanes::NONE], &[]).is_none(), "nothing is asked for");
    }
}

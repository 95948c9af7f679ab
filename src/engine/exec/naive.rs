//! The plain evaluator: node by node, element by element, no fusion, no lanes, no tiles.
//!
//! Constant folding uses it, and the tests hold every program against it. It shares with the programs only the scalar functions and
//! the order of sums; both must give the same bits.

use super::super::graph::{Graph, Kind, NodeId};
use super::super::op::{Attributes, Does, Fold, Primitive, Row, Rule, Scan, Several, Sorting, interpolation, product, shape};
use super::super::program::layout::Layout;
use super::super::{Error, Shape, Tensor};
use super::elementwise::{Elementwise, Isa, WIDEST};
use super::{convolve, matmul, reduce, scan, sort};
use crate::engine::simplify;

mod dense;
mod loops;

/// The values of a graph's outputs at one point.
///
/// # Errors
/// [`Error::Limit`] where writing out composite operators exceeds the builder's bounds.
pub fn evaluate(graph: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>, Error> {
    let graph = simplify::expanded(graph)?;
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    Ok(outputs(&graph, &inputs))
}

/// The values of the outputs of a graph without composite operators.
pub(crate) fn outputs(graph: &Graph, inputs: &[&Tensor]) -> Vec<Tensor> {
    // what a node is: one tensor, or several; nothing where no output needs it
    let mut values: Vec<Vec<Tensor>> = Vec::with_capacity(graph.len());
    let live = graph.live();
    for id in graph.ids() {
        let value = match graph.kind(id) {
            _ if !live[id.index()] => Vec::new(),
            Kind::Input(position) => vec![inputs[position].clone()],
            Kind::Constant(value) => vec![value.clone()],
            Kind::Apply { op, args, attributes } => {
                if matches!(op.rule, Rule::Item) {
                    let index = attributes.int("index").unwrap_or_default() as usize;
                    vec![values[args[0].index()][index].clone()]
                } else {
                    let args: Vec<&Tensor> = args.iter().map(|arg: &NodeId| &values[arg.index()][0]).collect();
                    match &op.rule {
                        Rule::Several { does: Does::Kernel(kernel), .. } => {
                            several(*kernel, &args, attributes, graph.results(id).unwrap_or_default())
                        }
                        _ => match apply(op, &args, attributes, graph.shape(id)) {
                            Some(value) => vec![value],
                            None => unreachable!("composites are written out"),
                        },
                    }
                }
            }
        };
        values.push(value);
    }
    graph.outputs().iter().map(|output| values[output.node.index()][0].clone()).collect()
}

/// The results of a several-valued kernel.
fn several(kernel: Several, args: &[&Tensor], attributes: &Attributes, results: &[Shape]) -> Vec<Tensor> {
    match kernel {
        Several::Map => loops::map(args, attributes, results),
        Several::Scan => loops::scan(args, attributes, results),
        Several::Dense(routine) => dense::several(routine, args, attributes, results),
    }
}

/// One application; `None` for an operator that has no meaning of its own.
pub(crate) fn apply(op: &'static Row, args: &[&Tensor], attributes: &Attributes, result: &Shape) -> Option<Tensor> {
    let data = match &op.rule {
        Rule::Scalar { function, .. } => scalar(*function, args, result),
        Rule::View { layout, .. } => read(args[0], &layout(&Layout::contiguous(args[0].shape()), result, attributes)),
        Rule::Primitive { primitive, .. } => primitive_value(*primitive, args, attributes, result),
        Rule::Composite { .. } | Rule::Several { .. } | Rule::Item | Rule::Resolved => return None,
    };
    Tensor::new(result.clone(), data)
}

fn read(tensor: &Tensor, layout: &Layout) -> Vec<f64> {
    layout.positions().map(|at| tensor.data()[at]).collect()
}

fn scalar(function: Elementwise, args: &[&Tensor], result: &Shape) -> Vec<f64> {
    let isa = Isa::detect();
    let columns: Vec<Vec<f64>> = args.iter().map(|arg| read(arg, &Layout::contiguous(arg.shape()).broadcast(result))).collect();
    (0..result.elements())
        .map(|i| match (function, &*columns) {
            // of any number the operators of two make a chain
            (Elementwise::Binary(_), [first, rest @ ..]) if rest.len() > 1 => {
                rest.iter().fold(first[i], |sum, next| function.one(isa, filled([sum, next[i]])))
            }
            (Elementwise::Binary(_), [only]) => function.one(isa, filled([only[i], only[i]])),
            (_, columns) => function.one(isa, filled(columns.iter().map(|column| column[i]))),
        })
        .collect()
}

/// Arguments, and NaN for those that there are not.
fn filled(values: impl IntoIterator<Item = f64>) -> [f64; WIDEST] {
    let mut args = [f64::NAN; WIDEST];
    args.iter_mut().zip(values).for_each(|(arg, value)| *arg = value);
    args
}

fn primitive_value(primitive: Primitive, args: &[&Tensor], attributes: &Attributes, result: &Shape) -> Vec<f64> {
    match primitive {
        Primitive::Reshape => args[0].data().to_vec(),
        Primitive::Concat => {
            let axis = shape::axis_of(attributes);
            let inner: usize = result.sizes()[axis + 1..].iter().product();
            let outer: usize = result.sizes()[..axis].iter().product();
            let part = |arg: &Tensor, o: usize| {
                let width = arg.shape().sizes()[axis] * inner;
                arg.data()[o * width..(o + 1) * width].to_vec()
            };
            (0..outer).flat_map(|o| args.iter().flat_map(move |arg| part(arg, o)).collect::<Vec<_>>()).collect()
        }
        Primitive::Embed => {
            let mut data = vec![0.0; result.elements()];
            for (at, &value) in shape::embedded(attributes, args[0].shape(), result).positions().zip(args[0].data()) {
                data[at] = value;
            }
            data
        }
        Primitive::Take => {
            let (outer, size, inner, indices) = table(args[0].shape(), attributes);
            let entry = |o: usize, index: i64| {
                let at = (o * size + index as usize) * inner;
                args[0].data()[at..at + inner].to_vec()
            };
            (0..outer).flat_map(|o| indices.iter().flat_map(move |&index| entry(o, index)).collect::<Vec<_>>()).collect()
        }
        Primitive::ScatterAdd => {
            let (outer, size, inner, indices) = table(result, attributes);
            let mut data = args[0].data().to_vec();
            for o in 0..outer {
                for (u, &index) in indices.iter().enumerate() {
                    for i in 0..inner {
                        data[(o * size + index as usize) * inner + i] += args[1].data()[(o * indices.len() + u) * inner + i];
                    }
                }
            }
            data
        }
        Primitive::Reduce(fold) => reduced(fold, args[0], attributes),
        Primitive::Matmul => matrix_product(args[0], args[1], attributes.flag("chain")),
        Primitive::Dense(routine) => dense::routine(routine, args, attributes),
        Primitive::Scan(scan) => scanned(scan, args, attributes, result),
        Primitive::Sort(how) => sorted(how, args, attributes, result),
        Primitive::Interpolate { slope } => {
            let knots = interpolation::knots(attributes);
            args[0].data().iter().map(|&x| if slope { knots.slope(x) } else { knots.value(x) }).collect()
        }
        Primitive::Convolve => {
            let lengths = (args[0].data().len(), args[1].data().len());
            let element = |k: usize| {
                let meeting = convolve::meeting(k, lengths);
                let pair = |i: usize| (args[0].data()[meeting.start + i], args[1].data()[k - meeting.start - i]);
                matmul::dot(meeting.len(), pair, attributes.flag("chain"))
            };
            product::convolved(attributes, lengths.0, lengths.1).map(element).collect()
        }
    }
}

/// The positions of each line along the axis of a canonical application.
fn lines(of: &Shape, attributes: &Attributes) -> Vec<Vec<usize>> {
    let mut axes = Layout::contiguous(of).axes;
    let (length, stride) = axes.remove(shape::axis_of(attributes));
    let bases = Layout { offset: 0, axes }.positions();
    bases.map(|base| (0..length).map(|i| base + i * stride as usize).collect()).collect()
}

fn scanned(scan: Scan, args: &[&Tensor], attributes: &Attributes, result: &Shape) -> Vec<f64> {
    let whole = |arg: &Tensor| read(arg, &Layout::contiguous(arg.shape()).broadcast(result));
    let (own, added) = (whole(args[0]), whole(args[args.len() - 1]));
    let mut data = vec![0.0; result.elements()];
    for mut line in lines(result, attributes) {
        if attributes.flag("reverse") {
            line.reverse();
        }
        let mut before = None;
        for at in line {
            data[at] = scan::step(scan, attributes.flag("chain"), before, own[at], added[at]);
            before = Some(data[at]);
        }
    }
    data
}

fn sorted(how: Sorting, args: &[&Tensor], attributes: &Attributes, result: &Shape) -> Vec<f64> {
    let keys = args[0].data();
    let mut data = vec![0.0; result.elements()];
    for line in lines(result, attributes) {
        let mut order = line.clone();
        order.sort_by(|&a, &b| sort::compare(keys[a], keys[b], attributes.flag("descending")));
        for group in order.iter().zip(&line).collect::<Vec<_>>().chunk_by(|a, b| sort::compare(keys[*a.0], keys[*b.0], false).is_eq()) {
            let (from, to): (Vec<usize>, Vec<usize>) =
                group.iter().map(|&(&from, &to)| if how == Sorting::Put { (to, from) } else { (from, to) }).unzip();
            for (&from_own, &to_own) in from.iter().zip(&to) {
                data[to_own] = match how {
                    Sorting::Values => keys[from_own],
                    Sorting::Take | Sorting::Put => sort::mean(from.iter().map(|&at| args[1].data()[at])),
                };
            }
        }
    }
    data
}

fn table<'a>(of: &Shape, attributes: &'a Attributes) -> (usize, usize, usize, &'a [i64]) {
    let axis = shape::axis_of(attributes);
    let indices = attributes.indices("indices").map_or(&[][..], |(_, values)| values);
    (of.sizes()[..axis].iter().product(), of.sizes()[axis], of.sizes()[axis + 1..].iter().product(), indices)
}

fn reduced(fold: Fold, x: &Tensor, attributes: &Attributes) -> Vec<f64> {
    let axes: Vec<usize> = attributes.ints("axis").unwrap_or_default().iter().map(|&axis| axis as usize).collect();
    let whole = Layout::contiguous(x.shape());
    let part = |keep: bool| {
        let axes = whole.axes.iter().enumerate().filter(|(i, _)| axes.contains(i) != keep).map(|(_, &axis)| axis).collect();
        Layout { offset: 0, axes }
    };
    let inner: Vec<usize> = part(false).positions().collect();
    part(true).positions().map(|base| reduce::fold(fold, &inner.iter().map(|i| x.data()[base + i]).collect::<Vec<_>>())).collect()
}

fn matrix_product(a: &Tensor, b: &Tensor, chain: bool) -> Vec<f64> {
    let Some(operands) = product::Operands::of(a.shape(), b.shape()) else { return Vec::new() };
    let (batch, matrix) = operands.full.sizes().split_at(operands.full.rank() - 2);
    let inner = operands.left.sizes()[operands.left.rank() - 1];
    let view = |matrix: &Shape| {
        let to = Shape::new([batch, &matrix.sizes()[matrix.rank() - 2..]].concat());
        Layout::contiguous(matrix).broadcast(&to).positions().collect::<Vec<_>>()
    };
    let (left, right) = (view(&operands.left), view(&operands.right));
    let (rows, columns) = (matrix[0], matrix[1]);
    let mut data = Vec::with_capacity(operands.full.elements());
    for n in 0..batch.iter().product() {
        for i in 0..rows {
            for j in 0..columns {
                let pair = |k: usize| (a.data()[left[(n * rows + i) * inner + k]], b.data()[right[(n * inner + k) * columns + j]]);
                data.push(matmul::dot(inner, pair, chain));
            }
        }
    }
    data
}

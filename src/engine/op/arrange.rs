//! Further rearrangements: orders reversed and rolled, repetition, diagonals and triangles.
//!
//! They are views where strides can say them and else a few simpler ones; a mask chooses and never multiplies, so that a NaN in what
//! is dropped stays there.

use super::axes::{Span, axes, axis, fault, ints, misfit};
use super::row::rows;
use super::shape::{self, CONCAT, SAME_OF_TANGENT, attribute, canonical, cut, embed, unary};
use super::{Arity, Attribute, AttributeKind, Attributes, Expansion, Family, Row, Rule, ShapeRule, Value, logic};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, NodeId};
use crate::engine::program::layout::Layout;
use crate::engine::{Error, Shape, Tensor};

pub(super) const OFFSET: Attribute =
    attribute("offset", AttributeKind::Int, false, "which diagonal: 0 (default) the main one, above it positive, below it negative");
const K: Attribute =
    attribute("k", AttributeKind::Int, false, "the diagonal at which the triangle ends: 0 (default) the main one, above it positive");

/// The sizes of the matrices that the last two axes hold.
pub(super) fn matrix(op: &'static Row, shape: &Shape) -> Result<(usize, usize), Error> {
    match *shape.sizes() {
        [.., rows, columns] => Ok((rows, columns)),
        _ => Err(misfit(op, shape, "a matrix has two axes at least")),
    }
}

/// An integer attribute, 0 where absent.
fn number_of(attributes: &Attributes, name: &str) -> i64 {
    attributes.int(name).unwrap_or(0)
}

/// A diagonal of a matrix: the row and the column that it begins in, and its length.
fn diagonal(rows: usize, columns: usize, offset: i64) -> (usize, usize, usize) {
    let (down, across) = ((-offset).max(0) as usize, offset.max(0) as usize);
    (down, across, rows.saturating_sub(down).min(columns.saturating_sub(across)))
}

/// Matrices of that shape, zero but for a diagonal: `x` lies on it along its last axis.
fn on_diagonal(g: &mut Builder, x: NodeId, to: &Shape, offset: i64) -> Made {
    let [batch @ .., rows, columns] = to.sizes() else { return Ok(x) };
    let (down, across, length) = diagonal(*rows, *columns, offset);
    if length == 0 {
        return g.zeros(to);
    }
    let mut spans: Vec<Span> = batch.iter().map(|&count| Span { start: 0, count, step: 1 }).collect();
    spans.push(Span { start: (down * columns + across) as i64, count: length, step: *columns as i64 + 1 });
    let flat = Shape::new([batch, &[rows * columns]].concat());
    let placed = embed(g, x, &flat, &spans)?;
    g.reshape(placed, to)
}

/// first, first + 1, …: so many.
pub(super) fn counted(g: &mut Builder, first: i64, count: usize) -> NodeId {
    let values: Vec<f64> = (0..count as i64).map(|i| first.saturating_add(i) as f64).collect();
    constant(g, [count], values)
}

/// A constant of as many values as its shape has elements.
pub(super) fn constant(g: &mut Builder, shape: impl Into<Shape>, values: Vec<f64>) -> NodeId {
    match Tensor::new(shape, values) {
        Some(tensor) => g.constant(tensor),
        None => unreachable!("as many values as elements"),
    }
}

const TRIANGLE: ShapeRule = |op, shapes, attributes| {
    matrix(op, &shapes[0])?;
    let k = Value::Int(number_of(&attributes, "k"));
    Ok((shapes[0].clone(), attributes.with("k", k)))
};

/// What lies on one side of a diagonal, that included; 0 elsewhere.
fn triangle(g: &mut Builder, x: NodeId, attributes: &Attributes, kept: &'static Row) -> Made {
    let [.., rows, columns] = *g.shape(x).sizes() else { return Ok(x) };
    let column = counted(g, 0, columns);
    let row = counted(g, number_of(attributes, "k"), rows);
    let row = g.reshape(row, &Shape::from([rows, 1]))?;
    let mask = g.call(kept, &[column, row])?;
    let zero = g.number(0.0);
    g.select(mask, x, zero)
}

/// The axes that roll and by how much each: ascending, none twice, from 0 to below its size.
fn rolled(op: &'static Row, attributes: &Attributes, x: &Shape) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let shifts = canonical(attributes, "shift");
    let turn = |sum: i64, shift: i64, size: usize| if size == 0 { 0 } else { (sum + shift.rem_euclid(size as i64)) % size as i64 };
    let Some(given) = attributes.ints("axis") else {
        let size = x.elements();
        let sum = shifts.iter().fold(0, |sum, &shift| turn(sum, shift, size));
        return Ok((Vec::new(), vec![sum as usize]));
    };
    if shifts.len() != given.len() && shifts.len() != 1 && given.len() != 1 {
        let detail = format!("has {} entries for {} axes", shifts.len(), given.len());
        return Err(fault(op, "shift", detail));
    }
    let mut sums: std::collections::BTreeMap<usize, i64> = std::collections::BTreeMap::new();
    for i in 0..if shifts.is_empty() || given.is_empty() { 0 } else { shifts.len().max(given.len()) } {
        let axis = axis(op, "axis", given[i.min(given.len() - 1)], x.rank())?;
        let sum = sums.entry(axis).or_insert(0);
        *sum = turn(*sum, shifts[i.min(shifts.len() - 1)], x.sizes()[axis]);
    }
    Ok((sums.keys().copied().collect(), sums.values().map(|&sum| sum as usize).collect()))
}

const ROLL_EXPANSION: Expansion = |g, args, attributes| {
    let whole = g.shape(args[0]).clone();
    let (mut x, mut turns) = (args[0], Vec::new());
    match attributes.ints("axis") {
        None => {
            x = g.reshape(x, &Shape::from([whole.elements()]))?;
            turns.push((0, canonical(attributes, "shift").iter().sum()));
        }
        Some(axes) => turns.extend(axes.iter().map(|&axis| axis as usize).zip(canonical(attributes, "shift").iter().copied())),
    }
    for (axis, shift) in turns.into_iter().filter(|&(_, shift)| shift != 0) {
        let mut spans: Vec<Span> = g.shape(x).sizes().iter().map(|&count| Span { start: 0, count, step: 1 }).collect();
        let size = spans[axis].count;
        spans[axis] = Span { start: size as i64 - shift, count: shift as usize, step: 1 };
        let last = shape::slice(g, x, &spans)?;
        spans[axis] = Span { start: 0, count: size - shift as usize, step: 1 };
        let first = shape::slice(g, x, &spans)?;
        x = g.apply(&CONCAT, &[last, first], Attributes::none().with("axis", Value::Int(axis as i64)))?;
    }
    g.reshape(x, &whole)
};

/// Each axis of n elements repeated r times as [r, n], then [r·n].
const TILE_EXPANSION: Expansion = |g, args, attributes| {
    let repetitions = canonical(attributes, "repetitions");
    let sizes = g.shape(args[0]).sizes().to_vec();
    let (mut apart, mut repeated, mut joined) = (Vec::new(), Vec::new(), Vec::new());
    for (i, &times) in repetitions.iter().enumerate() {
        let (times, size) = (times as usize, (i + sizes.len()).checked_sub(repetitions.len()).map_or(1, |i| sizes[i]));
        if times != 1 {
            apart.push(1);
            repeated.push(times);
        }
        apart.push(size);
        repeated.push(size);
        joined.push(times * size);
    }
    let x = g.reshape(args[0], &Shape::new(apart))?;
    let x = g.broadcast_to(x, &Shape::new(repeated))?;
    g.reshape(x, &Shape::new(joined))
};

rows! {
    FLIP = unary("flip", Rule::View {
        shape: |op, shapes, attributes| {
            let axes = axes(op, &attributes, "axis", shapes[0].rank())?;
            Ok((shapes[0].clone(), attributes.with("axis", ints(&axes))))
        },
        layout: |from, to, attributes| {
            let reversed = canonical(attributes, "axis");
            let span = |(i, &count): (usize, &usize)| if reversed.contains(&(i as i64)) {
                Span { start: count as i64 - 1, count, step: -1 }
            } else {
                Span { start: 0, count, step: 1 }
            };
            cut(from, &to.sizes().iter().enumerate().map(span).collect::<Vec<_>>())
        },
        transpose: |g, y, bar, _| g.apply(&FLIP, &[bar], y.attributes.clone()).map(Some),
    }).takes(&[attribute("axis", AttributeKind::Ints, false, "the axes to reverse, counted from either end; default all")])
        .says("the elements of axes in reverse order", "linear");
    ROLL = unary("roll", Rule::Composite {
        shape: |op, shapes, attributes| {
            let (axes, shifts) = rolled(op, &attributes, &shapes[0])?;
            let axes = if attributes.ints("axis").is_some() { ints(&axes) } else { Value::Null };
            Ok((shapes[0].clone(), attributes.with("shift", ints(&shifts)).with("axis", axes)))
        },
        expansion: ROLL_EXPANSION,
        derivative: Some((SAME_OF_TANGENT, |g, y, bar, _| {
            let back = canonical(y.attributes, "shift").iter().map(|shift| -shift).collect();
            g.apply(&ROLL, &[bar], y.attributes.clone().with("shift", Value::Ints(back))).map(Some)
        })),
    }).takes(&[
        attribute("shift", AttributeKind::Ints, true, "how far elements move, towards the end; one for each axis, or one for all"),
        attribute("axis", AttributeKind::Ints, false, "the axes; default: all elements in row-major order, as one axis"),
    ]).says("elements moved along axes, those beyond the end to the front", "linear");
    TILE = unary("tile", Rule::Composite {
        shape: |op, shapes, attributes| {
            let given = canonical(&attributes, "repetitions");
            if let Some(times) = given.iter().find(|&&times| times < 0) {
                return Err(fault(op, "repetitions", format!("has {times}, which is negative")));
            }
            let sizes = shapes[0].sizes();
            let rank = sizes.len().max(given.len());
            let times: Vec<usize> = (0..rank).map(|i| (i + given.len()).checked_sub(rank).map_or(1, |i| given[i] as usize)).collect();
            let size = |i: usize| (i + sizes.len()).checked_sub(rank).map_or(1, |i| sizes[i]);
            let shape = Shape::new((0..rank).map(|i| times[i].saturating_mul(size(i))).collect::<Vec<_>>());
            Ok((shape, attributes.with("repetitions", ints(&times))))
        },
        expansion: TILE_EXPANSION,
        derivative: None,
    }).takes(&[attribute("repetitions", AttributeKind::Ints, true, "how often each axis is repeated, counted from the last; others once")])
        .says("copies of the tensor side by side along axes", "linear");
    DIAGONAL = unary("diagonal", Rule::View {
        shape: |op, shapes, attributes| {
            let (rows, columns) = matrix(op, &shapes[0])?;
            let offset = number_of(&attributes, "offset");
            let sizes = shapes[0].sizes();
            let sizes = [&sizes[..sizes.len() - 2], &[diagonal(rows, columns, offset).2]].concat();
            Ok((Shape::new(sizes), attributes.with("offset", Value::Int(offset))))
        },
        layout: |from, _, attributes| {
            let Some((&[(rows, down), (columns, across)], batch)) = from.axes.split_last_chunk::<2>().map(|(batch, last)| (last, batch)) else {
                return from.clone();
            };
            let (row, column, length) = diagonal(rows, columns, number_of(attributes, "offset"));
            let first = if length == 0 { 0 } else { row as isize * down + column as isize * across };
            let axes = [batch, &[(length, down + across)]].concat();
            Layout { offset: (from.offset as isize + first) as usize, axes }
        },
        transpose: |g, y, bar, _| {
            let to = g.shape(y.args[0]).clone();
            on_diagonal(g, bar, &to, number_of(y.attributes, "offset")).map(Some)
        },
    }).takes(&[OFFSET]).says("a diagonal of the matrices that the last two axes hold", "linear");
    DIAG = unary("diag", Rule::Composite {
        shape: |op, shapes, attributes| {
            let offset = number_of(&attributes, "offset");
            let shape = match *shapes[0].sizes() {
                [n] => {
                    let n = n.saturating_add(offset.unsigned_abs() as usize);
                    Shape::from([n, n])
                }
                [rows, columns] => Shape::from([diagonal(rows, columns, offset).2]),
                _ => return Err(misfit(op, &shapes[0], "diag is of a vector or a matrix")),
            };
            Ok((shape, attributes.with("offset", Value::Int(offset))))
        },
        expansion: |g, args, attributes| match *g.shape(args[0]).sizes() {
            [n] => {
                let offset = number_of(attributes, "offset");
                let n = n + offset.unsigned_abs() as usize;
                on_diagonal(g, args[0], &Shape::from([n, n]), offset)
            }
            _ => g.apply(&DIAGONAL, args, attributes.clone()),
        },
        derivative: None,
    }).takes(&[OFFSET]).says("the square matrix with a vector on its diagonal, else 0; of a matrix, its diagonal", "linear");
    TRIL = unary("tril", Rule::Composite {
        shape: TRIANGLE,
        expansion: |g, args, attributes| triangle(g, args[0], attributes, &logic::LESS_EQUAL),
        derivative: None,
    }).takes(&[K]).says("the matrices of the last two axes, with 0 above a diagonal", "linear").at_edges("what is dropped carries nothing, NaN included");
    TRIU = unary("triu", Rule::Composite {
        shape: TRIANGLE,
        expansion: |g, args, attributes| triangle(g, args[0], attributes, &logic::GREATER_EQUAL),
        derivative: None,
    }).takes(&[K]).says("the matrices of the last two axes, with 0 below a diagonal", "linear").at_edges("what is dropped carries nothing, NaN included");
    ONE_HOT = Row::new("one_hot", Family::Shape, Arity::exactly(0), Rule::Composite {
        shape: |op, _, attributes| {
            let size = number_of(&attributes, "size");
            if size < 0 {
                return Err(fault(op, "size", format!("is {size}, which is negative")));
            }
            let Some((shape, values)) = attributes.indices("indices") else { return Err(fault(op, "indices", "is missing")) };
            let wrap = |&index: &i64| {
                let from_front = if index < 0 { index + size } else { index };
                if (0..size).contains(&from_front) { Ok(from_front) } else {
                    Err(fault(op, "indices", format!("has the index {index}, but there are {size} places")))
                }
            };
            let wrapped = values.iter().map(wrap).collect::<Result<Vec<_>, _>>()?;
            let (result, shape) = (Shape::new([shape, &[size as usize]].concat()), shape.to_vec());
            Ok((result, attributes.with("indices", Value::Indices(shape, wrapped.into()))))
        },
        expansion: |g, _, attributes| {
            let size = number_of(attributes, "size") as usize;
            let Some((shape, values)) = attributes.indices("indices") else { return Ok(g.number(0.0)) };
            if values.is_empty() {
                return g.zeros(&Shape::new([shape, &[size]].concat()));
            }
            let places = counted(g, 0, size);
            let ones: Vec<f64> = values.iter().map(|&index| index as f64).collect();
            let ones = constant(g, [shape, &[1]].concat(), ones);
            g.call(&logic::EQUAL, &[ones, places])
        },
        derivative: None,
    }).takes(&[
        attribute("indices", AttributeKind::Indices, true, "constant indices, negative from the end"),
        attribute("size", AttributeKind::Int, true, "the length of the new last axis"),
    ]).says("for each index a vector of zeros with a 1 at that place; a constant, without arguments", "0");
}

//! Rearrangements: linear, so that a tangent is rearranged alike and a cotangent by the transpose.

use super::axes::{Span, axes, axis, fault, ints, misfit, one_axis};
use super::row::rows;
use super::{Arity, Attribute, AttributeKind, Attributes, Family, JvpRule, Primitive, Row, Rule, Value, VjpRule};
use crate::engine::graph::algebra::{Made, sizes};
use crate::engine::graph::{Builder, Kind, NodeId};
use crate::engine::program::layout::Layout;
use crate::engine::{Error, Shape};
use Family::Shape as Shapes;

/// An attribute of a row.
pub(super) const fn attribute(name: &'static str, kind: AttributeKind, required: bool, summary: &'static str) -> Attribute {
    Attribute { name, kind, required, summary }
}

/// A row of one argument.
pub(super) const fn unary(name: &'static str, rule: Rule) -> Row {
    Row::new(name, Shapes, Arity::exactly(1), rule)
}

/// Forward rule of whatever is linear in its one argument.
pub(super) const SAME_OF_TANGENT: JvpRule = |g, y, dots| {
    let Kind::Apply { op, .. } = g.kind(y.y) else { return Ok(None) };
    dots[0].map(|dot| g.apply(op, &[dot], y.attributes.clone())).transpose()
};

/// Reverse rule of whatever keeps elements and their order.
const RESHAPED: VjpRule = |g, y, bar, _| {
    let to = g.shape(y.args[0]).clone();
    g.reshape(bar, &to).map(Some)
};

/// An attribute of a canonical application.
pub(super) fn canonical<'a>(attributes: &'a Attributes, name: &str) -> &'a [i64] {
    attributes.ints(name).unwrap_or_default()
}

/// A size list that must be a shape.
fn shape_of(op: &'static Row, attributes: &Attributes) -> Result<Shape, Error> {
    let given = canonical(attributes, "shape");
    let size = |&size: &i64| usize::try_from(size).map_err(|_| fault(op, "shape", format!("has the size {size}, which is negative")));
    Ok(Shape::new(given.iter().map(size).collect::<Result<Vec<_>, _>>()?))
}

/// The spans of a slice, an axis of `shape` each.
fn spans(op: &'static Row, attributes: &Attributes, shape: &Shape) -> Result<Vec<Span>, Error> {
    let bound = |name: &str, i: usize| attributes.bounds(name).and_then(|list| list.get(i).copied()).flatten();
    for name in ["start", "stop", "step"] {
        let given = attributes.bounds(name).map_or(0, <[_]>::len);
        if given > shape.rank() {
            return Err(fault(op, name, format!("has {given} entries for a tensor of {} axes", shape.rank())));
        }
    }
    shape
        .sizes()
        .iter()
        .enumerate()
        .map(|(i, &size)| {
            Span::of(bound("start", i), bound("stop", i), bound("step", i), size).ok_or_else(|| fault(op, "step", "must not be 0"))
        })
        .collect()
}

/// Zeros of shape `shape` with `values` at those spans.
pub(super) fn embed(g: &mut Builder, values: NodeId, shape: &Shape, spans: &[Span]) -> Made {
    let start = spans.iter().map(|span| span.start).collect();
    let step = spans.iter().map(|span| span.step).collect();
    let attributes = Attributes::none().with("shape", sizes(shape)).with("start", Value::Ints(start)).with("step", Value::Ints(step));
    g.apply(&EMBED, &[values], attributes)
}

/// The spans of a canonical `embed` of a tensor of that shape.
fn embedded_spans(attributes: &Attributes, values: &Shape) -> Vec<Span> {
    let starts = canonical(attributes, "start").iter().zip(canonical(attributes, "step"));
    starts.zip(values.sizes()).map(|((&start, &step), &count)| Span { start, count, step }).collect()
}

/// The slice that reads those spans.
pub(super) fn slice(g: &mut Builder, x: NodeId, spans: &[Span]) -> Made {
    let attributes = Attributes::none()
        .with("start", Value::Bounds(spans.iter().map(|span| Some(span.start)).collect()))
        .with("stop", Value::Bounds(spans.iter().map(|span| span.stop()).collect()))
        .with("step", Value::Bounds(spans.iter().map(|span| Some(span.step)).collect()));
    g.apply(&SLICE, &[x], attributes)
}

/// A layout cut to spans.
pub(crate) fn cut(from: &Layout, spans: &[Span]) -> Layout {
    let mut offset = from.offset as isize;
    let axes = from.axes.iter().zip(spans);
    let axes = axes
        .map(|(&(_, stride), span)| {
            if span.count > 0 {
                offset += span.start as isize * stride;
            }
            (span.count, stride * span.step as isize)
        })
        .collect();
    Layout { offset: offset.max(0) as usize, axes }
}

/// Where the elements of an `embed`'s argument lie in its result.
pub(crate) fn embedded(attributes: &Attributes, values: &Shape, result: &Shape) -> Layout {
    cut(&Layout::contiguous(result), &embedded_spans(attributes, values))
}

/// The axis of a canonical application.
pub(crate) fn axis_of(attributes: &Attributes) -> usize {
    attributes.int("axis").unwrap_or_default() as usize
}

/// Canonical `indices` and `axis`: both counted from the front and inside the tensor.
fn table(op: &'static Row, attributes: Attributes, x: &Shape) -> Result<(usize, Vec<usize>, Attributes), Error> {
    let axis = one_axis(op, &attributes, 0, x.rank())?;
    let Some((shape, values)) = attributes.indices("indices") else { return Err(fault(op, "indices", "is missing")) };
    let size = x.sizes()[axis] as i64;
    let wrap = |&index: &i64| {
        let from_front = if index < 0 { index + size } else { index };
        if (0..size).contains(&from_front) {
            Ok(from_front)
        } else {
            Err(fault(op, "indices", format!("has the index {index}, but the axis has {size} elements")))
        }
    };
    let wrapped = values.iter().map(wrap).collect::<Result<Vec<_>, _>>()?;
    let shape = shape.to_vec();
    let attributes = attributes.with("axis", Value::Int(axis as i64)).with("indices", Value::Indices(shape.clone(), wrapped.into()));
    Ok((axis, shape, attributes))
}

/// `x` with its axis replaced by the axes of a table of indices.
fn taken(x: &Shape, axis: usize, indices: &[usize]) -> Shape {
    Shape::new([&x.sizes()[..axis], indices, &x.sizes()[axis + 1..]].concat())
}

/// A tangent, or the zeros that stand for a missing one beside others.
fn tangent_or_zeros(g: &mut Builder, arg: NodeId, dot: Option<NodeId>) -> Made {
    let shape = g.shape(arg).clone();
    dot.map_or_else(|| g.zeros(&shape), Ok)
}

rows! {
    RESHAPE = unary("reshape", Rule::Primitive {
        shape: |op, shapes, attributes| {
            let from = &shapes[0];
            let given = canonical(&attributes, "shape");
            let known: i64 = given.iter().filter(|&&size| size >= 0).fold(1i64, |n, &size| n.saturating_mul(size));
            let open = given.iter().filter(|&&size| size == -1).count();
            let total = from.elements() as i64;
            let fill = if open == 1 && known > 0 && total % known == 0 { total / known } else { -1 };
            let filled: Vec<i64> = given.iter().map(|&size| if size == -1 { fill } else { size }).collect();
            if open > 1 || filled.iter().any(|&size| size < 0) || filled.iter().fold(1i64, |n, &size| n.saturating_mul(size)) != total {
                let to = given.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                return Err(misfit(op, from, format!("its {total} elements cannot be arranged as [{to}]; one size may be -1")));
            }
            let shape = Shape::new(filled.iter().map(|&size| size as usize).collect::<Vec<_>>());
            Ok((shape.clone(), attributes.with("shape", sizes(&shape))))
        },
        primitive: Primitive::Reshape,
        jvp: SAME_OF_TANGENT,
        vjp: RESHAPED,
    }).takes(&[attribute("shape", AttributeKind::Ints, true, "the sizes, one of which may be -1")])
        .says("the elements in row-major order under another shape", "linear");
    PERMUTE_DIMS = unary("permute_dims", Rule::View {
        shape: |op, shapes, attributes| {
            let rank = shapes[0].rank();
            let axes = match attributes.ints("axes") {
                None => (0..rank).rev().collect::<Vec<_>>(),
                Some(given) => given.iter().map(|&value| axis(op, "axes", value, rank)).collect::<Result<_, _>>()?,
            };
            let mut seen = axes.clone();
            seen.sort_unstable();
            if seen.iter().copied().ne(0..rank) {
                return Err(fault(op, "axes", format!("must name each of the {rank} axes once")));
            }
            let shape = Shape::new(axes.iter().map(|&axis| shapes[0].sizes()[axis]).collect::<Vec<_>>());
            Ok((shape, attributes.with("axes", ints(&axes))))
        },
        layout: |from, _, attributes| Layout {
            offset: from.offset,
            axes: canonical(attributes, "axes").iter().map(|&axis| from.axes[axis as usize]).collect(),
        },
        transpose: |g, y, bar, _| {
            let axes = canonical(y.attributes, "axes");
            let mut inverse = vec![0; axes.len()];
            for (i, &axis) in axes.iter().enumerate() {
                inverse[axis as usize] = i;
            }
            g.permute(bar, &inverse).map(Some)
        },
    }).alias(&["transpose"]).takes(&[attribute("axes", AttributeKind::Ints, false, "axis i of the result is axis axes[i] of x; default reversed")])
        .says("the axes in another order", "linear");
    BROADCAST_TO = unary("broadcast_to", Rule::View {
        shape: |op, shapes, attributes| {
            let shape = shape_of(op, &attributes)?;
            if shapes[0].broadcast(&shape).as_ref() != Some(&shape) {
                let detail = "sizes must be equal or 1, counted from the last axis".into();
                return Err(Error::ShapePair { op: op.name, left: shapes[0].clone(), right: shape, detail });
            }
            Ok((shape, attributes))
        },
        layout: |from, to, _| from.broadcast(to),
        transpose: |g, y, bar, _| {
            let to = g.shape(y.args[0]).clone();
            g.unbroadcast(bar, &to).map(Some)
        },
    }).takes(&[attribute("shape", AttributeKind::Ints, true, "the sizes")]).says("repeated along axes of size 1 and new leading axes", "linear");
    EXPAND_DIMS = unary("expand_dims", Rule::View {
        shape: |op, shapes, attributes| {
            let added = attributes.ints("axis").map_or(0, <[_]>::len);
            let rank = shapes[0].rank() + added;
            let axes = if added == 0 { Vec::new() } else { axes(op, &attributes, "axis", rank)? };
            let mut rest = shapes[0].sizes().iter().copied();
            let shape = (0..rank).map(|i| if axes.contains(&i) { 1 } else { rest.next().unwrap_or(1) }).collect::<Vec<_>>();
            Ok((Shape::new(shape), attributes.with("axis", ints(&axes))))
        },
        layout: |from, to, attributes| {
            let mut rest = from.axes.iter().copied();
            let added = canonical(attributes, "axis");
            let axes = (0..to.rank()).map(|i| if added.contains(&(i as i64)) { (1, 0) } else { rest.next().unwrap_or((1, 0)) }).collect();
            Layout { offset: from.offset, axes }
        },
        transpose: RESHAPED,
    }).takes(&[attribute("axis", AttributeKind::Ints, true, "where new axes of size 1 stand in the result")]).says("with new axes of size 1", "linear");
    SQUEEZE = unary("squeeze", Rule::View {
        shape: |op, shapes, attributes| {
            let x = &shapes[0];
            let axes = match attributes.ints("axis") {
                None => (0..x.rank()).filter(|&i| x.sizes()[i] == 1).collect(),
                Some(_) => axes(op, &attributes, "axis", x.rank())?,
            };
            if let Some(&axis) = axes.iter().find(|&&axis| x.sizes()[axis] != 1) {
                return Err(misfit(op, x, format!("axis {axis} has size {}, not 1", x.sizes()[axis])));
            }
            let shape = (0..x.rank()).filter(|i| !axes.contains(i)).map(|i| x.sizes()[i]).collect::<Vec<_>>();
            Ok((Shape::new(shape), attributes.with("axis", ints(&axes))))
        },
        layout: |from, _, attributes| {
            let gone = canonical(attributes, "axis");
            let axes = from.axes.iter().enumerate().filter(|(i, _)| !gone.contains(&(*i as i64))).map(|(_, &axis)| axis).collect();
            Layout { offset: from.offset, axes }
        },
        transpose: RESHAPED,
    }).takes(&[attribute("axis", AttributeKind::Ints, false, "the axes of size 1 to drop; default all such")]).says("without axes of size 1", "linear");
    CONCAT = Row::new("concat", Shapes, Arity::at_least(1), Rule::Primitive {
        shape: |op, shapes, attributes| {
            let axis = one_axis(op, &attributes, 0, shapes[0].rank())?;
            let mut total = 0usize;
            for shape in shapes {
                let fits = shape.rank() == shapes[0].rank()
                    && (0..shape.rank()).all(|i| i == axis || shape.sizes()[i] == shapes[0].sizes()[i]);
                if !fits {
                    let detail = format!("sizes must be equal but along axis {axis}");
                    return Err(Error::ShapePair { op: op.name, left: shapes[0].clone(), right: shape.clone(), detail });
                }
                total = total.saturating_add(shape.sizes()[axis]);
            }
            let mut sizes = shapes[0].sizes().to_vec();
            sizes[axis] = total;
            Ok((Shape::new(sizes), attributes.with("axis", Value::Int(axis as i64))))
        },
        primitive: Primitive::Concat,
        jvp: |g, y, dots| {
            let dots = y.args.iter().zip(dots).map(|(&arg, &dot)| tangent_or_zeros(g, arg, dot)).collect::<Result<Vec<_>, _>>()?;
            g.apply(&CONCAT, &dots, y.attributes.clone()).map(Some)
        },
        vjp: |g, y, bar, i| {
            let axis = axis_of(y.attributes);
            let before: usize = y.args[..i].iter().map(|&arg| g.shape(arg).sizes()[axis]).sum();
            let whole = |&count: &usize| Span { start: 0, count, step: 1 };
            let mut spans: Vec<Span> = g.shape(y.args[i]).sizes().iter().map(whole).collect();
            spans[axis].start = before as i64;
            slice(g, bar, &spans).map(Some)
        },
    }).alias(&["concatenate"]).takes(&[attribute("axis", AttributeKind::Int, false, "the axis; default 0")]).says("the arguments one after another along an axis", "linear");
    STACK = Row::new("stack", Shapes, Arity::at_least(1), Rule::Composite {
        shape: |op, shapes, attributes| {
            let axis = one_axis(op, &attributes, 0, shapes[0].rank() + 1)?;
            if let Some(other) = shapes.iter().find(|&shape| *shape != shapes[0]) {
                let detail = "stacked shapes must be equal".into();
                return Err(Error::ShapePair { op: op.name, left: shapes[0].clone(), right: other.clone(), detail });
            }
            let mut sizes = shapes[0].sizes().to_vec();
            sizes.insert(axis, shapes.len());
            Ok((Shape::new(sizes), attributes.with("axis", Value::Int(axis as i64))))
        },
        expansion: |g, args, attributes| {
            let axis = Value::Ints(vec![axis_of(attributes) as i64]);
            let expand = |&arg: &NodeId| g.apply(&EXPAND_DIMS, &[arg], Attributes::none().with("axis", axis.clone()));
            let parts = args.iter().map(expand).collect::<Result<Vec<_>, _>>()?;
            g.apply(&CONCAT, &parts, attributes.clone())
        },
        derivative: None,
    }).takes(&[attribute("axis", AttributeKind::Int, false, "where the new axis stands in the result; default 0")]).says("the arguments along a new axis", "linear");
    SLICE = unary("slice", Rule::View {
        shape: |op, shapes, attributes| {
            let spans = spans(op, &attributes, &shapes[0])?;
            let attributes = Attributes::none()
                .with("start", Value::Bounds(spans.iter().map(|span| Some(span.start)).collect()))
                .with("stop", Value::Bounds(spans.iter().map(|span| span.stop()).collect()))
                .with("step", Value::Bounds(spans.iter().map(|span| Some(span.step)).collect()));
            Ok((Shape::new(spans.iter().map(|span| span.count).collect::<Vec<_>>()), attributes))
        },
        layout: |from, to, attributes| {
            let list = |name| attributes.bounds(name).unwrap_or_default().iter();
            let spans: Vec<Span> = list("start").zip(list("step")).zip(to.sizes())
                .map(|((start, step), &count)| Span { start: start.unwrap_or(0), count, step: step.unwrap_or(1) }).collect();
            cut(from, &spans)
        },
        transpose: |g, y, bar, _| {
            let shape = g.shape(y.args[0]).clone();
            let spans = spans(&SLICE, y.attributes, &shape)?;
            embed(g, bar, &shape, &spans).map(Some)
        },
    }).takes(&[
        attribute("start", AttributeKind::Bounds, false, "the first index of each axis, null for the end it starts from"),
        attribute("stop", AttributeKind::Bounds, false, "the index before which each axis stops, null for all"),
        attribute("step", AttributeKind::Bounds, false, "the step of each axis, null for 1"),
    ]).says("every step-th element from start to stop of each axis, by Python's rules", "linear");
    INDEX = unary("index", Rule::View {
        shape: |op, shapes, attributes| {
            let x = &shapes[0];
            let given = canonical(&attributes, "at");
            if given.len() > x.rank() {
                return Err(fault(op, "at", format!("has {} indices for a tensor of {} axes", given.len(), x.rank())));
            }
            let at = given.iter().zip(x.sizes()).map(|(&index, &size)| {
                let from_front = if index < 0 { index + size as i64 } else { index };
                if (0..size as i64).contains(&from_front) { Ok(from_front) } else {
                    Err(fault(op, "at", format!("has the index {index}, but the axis has {size} elements")))
                }
            }).collect::<Result<Vec<_>, _>>()?;
            Ok((Shape::from(&x.sizes()[at.len()..]), attributes.with("at", Value::Ints(at))))
        },
        layout: |from, _, attributes| {
            let at = canonical(attributes, "at");
            let offset = at.iter().zip(&from.axes).fold(from.offset as isize, |offset, (&index, &(_, stride))| offset + index as isize * stride);
            Layout { offset: offset as usize, axes: from.axes[at.len()..].to_vec() }
        },
        transpose: |g, y, bar, _| {
            let shape = g.shape(y.args[0]).clone();
            let at = canonical(y.attributes, "at");
            let spans: Vec<Span> = shape.sizes().iter().enumerate()
                .map(|(i, &size)| at.get(i).map_or(Span { start: 0, count: size, step: 1 }, |&start| Span { start, count: 1, step: 1 })).collect();
            let values = Shape::new(spans.iter().map(|span| span.count).collect::<Vec<_>>());
            let bar = g.reshape(bar, &values)?;
            embed(g, bar, &shape, &spans).map(Some)
        },
    }).takes(&[attribute("at", AttributeKind::Ints, true, "indices of the leading axes, negative from the end")]).says("one entry of the leading axes", "linear");
    TAKE = unary("take", Rule::Primitive {
        shape: |op, shapes, attributes| {
            let (axis, indices, attributes) = table(op, attributes, &shapes[0])?;
            Ok((taken(&shapes[0], axis, &indices), attributes))
        },
        primitive: Primitive::Take,
        jvp: SAME_OF_TANGENT,
        vjp: |g, y, bar, _| {
            let shape = g.shape(y.args[0]).clone();
            let zeros = g.zeros(&shape)?;
            g.apply(&SCATTER_ADD, &[zeros, bar], y.attributes.clone()).map(Some)
        },
    }).takes(&[
        attribute("indices", AttributeKind::Indices, true, "constant indices, negative from the end"),
        attribute("axis", AttributeKind::Int, false, "the axis; default 0"),
    ]).says("the entries of an axis by a table of indices", "linear");
    SCATTER_ADD = Row::new("scatter_add", Shapes, Arity::exactly(2), Rule::Primitive {
        shape: |op, shapes, attributes| {
            let (axis, indices, attributes) = table(op, attributes, &shapes[0])?;
            let updates = taken(&shapes[0], axis, &indices);
            if shapes[1] != updates {
                let detail = format!("the updates must have shape {updates}");
                return Err(Error::ShapePair { op: op.name, left: shapes[0].clone(), right: shapes[1].clone(), detail });
            }
            Ok((shapes[0].clone(), attributes))
        },
        primitive: Primitive::ScatterAdd,
        jvp: |g, y, dots| {
            let base = tangent_or_zeros(g, y.args[0], dots[0])?;
            match dots[1] {
                None => Ok(Some(base)),
                Some(updates) => g.apply(&SCATTER_ADD, &[base, updates], y.attributes.clone()).map(Some),
            }
        },
        vjp: |g, y, bar, i| if i == 0 { Ok(Some(bar)) } else { g.apply(&TAKE, &[bar], y.attributes.clone()).map(Some) },
    }).takes(&[
        attribute("indices", AttributeKind::Indices, true, "constant indices, negative from the end; repeated ones add up"),
        attribute("axis", AttributeKind::Int, false, "the axis; default 0"),
    ]).says("base with updates added at a table of indices", "linear");
    EMBED = Row::new("embed", Family::Calculus, Arity::exactly(1), Rule::Primitive {
        shape: |op, shapes, attributes| {
            let shape = shape_of(op, &attributes)?;
            let (starts, steps) = (canonical(&attributes, "start").len(), canonical(&attributes, "step").len());
            if shape.rank() != shapes[0].rank() || starts != shape.rank() || steps != shape.rank() {
                return Err(fault(op, "shape", format!("start and step need an entry for each of the {} axes", shapes[0].rank())));
            }
            for (span, &size) in embedded_spans(&attributes, &shapes[0]).iter().zip(shape.sizes()) {
                let last = span.step.checked_mul((span.count as i64 - 1).max(0)).and_then(|reach| reach.checked_add(span.start));
                let inside = |index: i64| (0..size as i64).contains(&index);
                if span.step == 0 || (span.count > 0 && !(inside(span.start) && last.is_some_and(inside))) {
                    return Err(fault(op, "start", format!("with step {} leaves the axis of {size} elements", span.step)));
                }
            }
            Ok((shape, attributes))
        },
        primitive: Primitive::Embed,
        jvp: SAME_OF_TANGENT,
        vjp: |g, y, bar, _| {
            let spans = embedded_spans(y.attributes, &g.shape(y.args[0]).clone());
            slice(g, bar, &spans).map(Some)
        },
    }).takes(&[
        attribute("shape", AttributeKind::Ints, true, "the sizes of the result"),
        attribute("start", AttributeKind::Ints, true, "where the first element of each axis goes"),
        attribute("step", AttributeKind::Ints, true, "the distance between elements of each axis"),
    ]).says("zeros with x placed in them: the transpose of slice", "linear");
}

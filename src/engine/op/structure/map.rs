//! `map`: a function over each entry of leading axes. It stays one loop over one body, however many entries there are.

use super::super::row::rows;
use super::super::{
    Application, Arity, Attribute, AttributeKind, Attributes, Does, Family, ResultsRule, Row, Rule, Several, SeveralJvpRule,
    SeveralVjpRule, Value, axes::fault,
};
use super::{Writing, body_of, chosen, function, led, series, takes};
use crate::engine::diff::{self, Cotangent};
use crate::engine::graph::{Body, Builder, NodeId, compose};
use crate::engine::{Error, Shape};
use Family::Structure;

/// A canonical `map`.
pub(crate) struct Mapped {
    pub(crate) body: Body,
    /// Which arguments are mapped over; the others are passed whole.
    pub(crate) over: Vec<bool>,
}

impl Mapped {
    pub(crate) fn of(attributes: &Attributes) -> Mapped {
        let Some(body) = attributes.body("function").cloned() else { unreachable!("the results rule has seen the function") };
        let over = attributes.bounds("in_axes").unwrap_or_default().iter().map(Option::is_some).collect();
        Mapped { body, over }
    }

    /// The number of entries, given the sizes of the arguments.
    pub(crate) fn length<'s>(&self, mut sizes: impl FnMut(usize) -> &'s [usize]) -> usize {
        self.over.iter().position(|&over| over).map_or(0, |i| sizes(i)[0])
    }

    /// The attributes of a `map` over these arguments.
    fn attributes(body: Body, over: &[bool]) -> Attributes {
        let axes = over.iter().map(|&over| over.then_some(0)).collect();
        Attributes::none().with("function", Value::Body(body)).with("in_axes", Value::Bounds(axes))
    }
}

/// Maps a function over the arguments whose flag is set.
pub(crate) fn map(g: &mut Builder, body: Body, args: &[NodeId], over: &[bool]) -> Result<Vec<NodeId>, Error> {
    let node = g.apply(&MAP, args, Mapped::attributes(body, over))?;
    g.items(node)
}

const RESULTS: ResultsRule = |op, shapes, attributes| {
    let body = body_of(op, &attributes, "function")?;
    let over: Vec<bool> = match attributes.bounds("in_axes") {
        None => vec![true; shapes.len()],
        Some(axes) if axes.len() == 1 && shapes.len() > 1 => vec![axes[0].is_some(); shapes.len()],
        Some(axes) if axes.len() == shapes.len() => axes.iter().map(Option::is_some).collect(),
        Some(axes) => return Err(fault(op, "in_axes", format!("has {} entries for {} arguments", axes.len(), shapes.len()))),
    };
    if attributes.bounds("in_axes").is_some_and(|axes| axes.iter().flatten().any(|&axis| axis != 0)) {
        return Err(fault(op, "in_axes", "has an entry that is neither 0 nor null: only the leading axis is mapped over"));
    }
    let mut length = None;
    let mut seen = Vec::with_capacity(shapes.len());
    for (shape, &over) in shapes.iter().zip(&over) {
        match (shape.sizes(), over) {
            (_, false) => seen.push(shape.clone()),
            ([], true) => return Err(fault(op, "in_axes", "maps over a scalar, which has no leading axis")),
            (&[size, ref rest @ ..], true) => {
                let first = *length.get_or_insert(size);
                if first != size {
                    return Err(fault(op, "in_axes", format!("maps over leading axes of sizes {first} and {size}")));
                }
                seen.push(Shape::from(rest));
            }
        }
    }
    let Some(length) = length else { return Err(fault(op, "in_axes", "maps over nothing: one argument must be mapped over")) };
    takes(op, "function", &body, &seen)?;
    let results = body.output_shapes().map(|shape| led(length, shape)).collect();
    Ok((results, Mapped::attributes(body, &over)))
};

const JVP: SeveralJvpRule = |g, y, dots| {
    let Mapped { body, over } = Mapped::of(y.attributes);
    let active: Vec<bool> = dots.iter().map(Option::is_some).collect();
    let shapes: Vec<Shape> = body.input_shapes().cloned().collect();
    let mut writing = Writing::new();
    let inputs = writing.inputs(&shapes)?;
    let tangents = writing.inputs(&chosen(&shapes, &active))?;
    let outputs = compose::apply(body.graph(), &mut writing.g, &inputs)?;
    let pairs: Vec<(NodeId, NodeId)> = chosen(&inputs, &active).into_iter().zip(tangents).collect();
    let made = diff::jvp(&mut writing.g, &pairs, &outputs)?;
    let present: Vec<NodeId> = made.iter().flatten().copied().collect();
    if present.is_empty() {
        return Ok(vec![None; made.len()]);
    }
    let body = writing.finish(&present)?;
    let args: Vec<NodeId> = y.args.iter().copied().chain(dots.iter().flatten().copied()).collect();
    let over: Vec<bool> = over.iter().copied().chain(chosen(&over, &active)).collect();
    let mut results = map(g, body, &args, &over)?.into_iter();
    Ok(made.iter().map(|dot| dot.and_then(|_| results.next())).collect())
};

const VJP: SeveralVjpRule = |g, y, bars, wanted| {
    let Mapped { body, over } = Mapped::of(y.attributes);
    let shapes: Vec<Shape> = body.input_shapes().cloned().collect();
    let given: Vec<bool> = bars.iter().map(Option::is_some).collect();
    let mut writing = Writing::new();
    let inputs = writing.inputs(&shapes)?;
    let bar_shapes: Vec<Shape> = body.output_shapes().cloned().collect();
    let cotangents = writing.inputs(&chosen(&bar_shapes, &given))?;
    let outputs = compose::apply(body.graph(), &mut writing.g, &inputs)?;
    let pairs: Vec<(NodeId, Cotangent)> = chosen(&outputs, &given).into_iter().zip(cotangents.into_iter().map(Cotangent::Node)).collect();
    let made = diff::vjp(&mut writing.g, &pairs, &chosen(&inputs, wanted))?;
    let present: Vec<NodeId> = made.iter().flatten().copied().collect();
    if present.is_empty() {
        return Ok(vec![None; y.args.len()]);
    }
    let body = writing.finish(&present)?;
    let args: Vec<NodeId> = y.args.iter().copied().chain(bars.iter().flatten().copied()).collect();
    let all_over: Vec<bool> = over.iter().copied().chain(bars.iter().flatten().map(|_| true)).collect();
    let mut results = map(g, body, &args, &all_over)?.into_iter();
    let mut made = made.into_iter();
    collect(g, y, &over, wanted, || made.next().flatten().and_then(|_| results.next()))
};

/// Cotangents of the arguments: what was passed whole gets the sum over all entries.
fn collect(
    g: &mut Builder,
    y: Application<'_>,
    over: &[bool],
    wanted: &[bool],
    mut next: impl FnMut() -> Option<NodeId>,
) -> Result<Vec<Option<NodeId>>, Error> {
    let mut parts = vec![None; y.args.len()];
    for i in (0..y.args.len()).filter(|&i| wanted[i]) {
        let Some(part) = next() else { continue };
        parts[i] = Some(if over[i] { part } else { g.sum(part, &[0], false)? });
    }
    Ok(parts)
}

rows! {
    MAP = Row::new("map", Structure, Arity::at_least(1), Rule::Several {
        results: RESULTS,
        names: |attributes| Mapped::of(attributes).body.output_names(),
        does: Does::Kernel(Several::Map),
        jvp: Some(JVP),
        vjp: Some(VJP),
        series: Some(series::OF_MAP),
    }).takes(&[
        function("function", true, "the function of one entry: it sees only its arguments"),
        Attribute { name: "in_axes", kind: AttributeKind::Bounds, required: false, summary: "0 or null an argument: mapped over its leading axis, or passed whole; default all 0" },
    ]).says("a function of each entry of the leading axes, its outputs stacked", "the map of the function's derivative");
}

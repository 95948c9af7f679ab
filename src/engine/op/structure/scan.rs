//! `scan` and `while_loop`: a function over and over, its first results carried from step to step.
//!
//! Both are one loop: steps over slices, and a *guard* that may skip a step. A skipped step leaves the carries as they are, and what it
//! would have stacked is zeros. A guard that looks at no slices stays false once it is, so the loop ends there: that is `while_loop`.

use super::super::row::rows;
use super::super::{Arity, Attributes, Does, Family, ResultsRule, Row, Rule, Several, SeveralJvpRule, There, Value, axes::fault};
use super::{Writing, activity, body_of, chosen, count, function, integer, led, or_zeros, quoted, reverse, series, takes};
use crate::engine::diff;
use crate::engine::exec::naive;
use crate::engine::graph::{Body, Builder, NodeId, compose};
use crate::engine::{Error, Shape, Tensor};
use Family::Structure;

/// A canonical `scan`. Arguments are the initial carries, then what is sliced, then parameters.
#[derive(Clone)]
pub(crate) struct Scan {
    pub(crate) body: Body,
    /// Whether a step is taken, of the same arguments as the body.
    pub(crate) guard: Option<Body>,
    /// How many arguments and results are carried.
    pub(crate) carry: usize,
    /// How many arguments have a slice a step.
    pub(crate) slices: usize,
    /// The number of steps.
    pub(crate) length: usize,
}

impl Scan {
    pub(crate) fn of(attributes: &Attributes) -> Scan {
        let Some(body) = attributes.body("function").cloned() else { unreachable!("the results rule has seen the function") };
        let number = |name| attributes.int(name).unwrap_or_default() as usize;
        Scan { body, guard: attributes.body("guard").cloned(), carry: number("carry"), slices: number("xs"), length: number("length") }
    }

    fn attributes(self) -> Attributes {
        let attributes = Attributes::none()
            .with("function", Value::Body(self.body))
            .with("carry", Value::Int(self.carry as i64))
            .with("xs", Value::Int(self.slices as i64))
            .with("length", Value::Int(self.length as i64));
        attributes.with("guard", self.guard.map_or(Value::Null, Value::Body))
    }

    /// The loop over these arguments: a node a result.
    pub(super) fn run(self, g: &mut Builder, args: &[NodeId]) -> Result<Vec<NodeId>, Error> {
        let node = g.apply(&SCAN, args, self.attributes())?;
        g.items(node)
    }

    /// The shapes of what the body takes, by role: carries, slices, parameters.
    pub(super) fn shapes(&self) -> [Vec<Shape>; 3] {
        let mut shapes = self.body.input_shapes().cloned();
        let carries = shapes.by_ref().take(self.carry).collect();
        let slices = shapes.by_ref().take(self.slices).collect();
        [carries, slices, shapes.collect()]
    }
}

const RESULTS: ResultsRule = |op, shapes, attributes| {
    let body = body_of(op, &attributes, "function")?;
    let carry = count(op, &attributes, "carry", 1)?;
    let slices = count(op, &attributes, "xs", usize::from(attributes.int("length").is_none()))?;
    if carry.saturating_add(slices) > shapes.len() {
        return Err(fault(op, "carry", format!("and `xs` count {carry} and {slices} arguments, {} are given", shapes.len())));
    }
    let mut length = match attributes.int("length") {
        Some(_) => Some(count(op, &attributes, "length", 0)?),
        None => None,
    };
    let mut seen = shapes.to_vec();
    for shape in &mut seen[carry..carry + slices] {
        let &[size, ref rest @ ..] = shape.sizes() else { return Err(fault(op, "xs", "counts a scalar, which has no slices")) };
        if *length.get_or_insert(size) != size {
            return Err(fault(op, "xs", format!("counts an argument of {size} slices where there are {} steps", length.unwrap_or(0))));
        }
        *shape = Shape::from(rest);
    }
    let Some(length) = length else { return Err(fault(op, "length", "is needed where `xs` is 0")) };
    takes(op, "function", &body, &seen)?;
    carried(op, "function", &body, &seen[..carry])?;
    let guard = attributes.body("guard").cloned();
    if let Some(guard) = &guard {
        takes(op, "guard", guard, &seen)?;
        one_truth(op, "guard", guard)?;
    }
    let stacked = body.output_shapes().skip(carry).map(|shape| led(length, shape));
    let results = seen[..carry].iter().cloned().chain(stacked).collect();
    Ok((results, Scan { body, guard, carry, slices, length }.attributes()))
};

/// Refuses a body whose first outputs cannot be carried over.
fn carried(op: &'static Row, name: &str, body: &Body, carries: &[Shape]) -> Result<(), Error> {
    let outputs = body.graph().outputs();
    if outputs.len() < carries.len() {
        return Err(fault(op, name, format!("has {} outputs, and {} carries", outputs.len(), carries.len())));
    }
    for ((output, shape), carry) in outputs.iter().zip(body.output_shapes()).zip(carries) {
        if shape != carry {
            let detail = format!("output {} is carried over, so it must have the shape of its carry", quoted(&output.name));
            return Err(Error::ShapePair { op: op.name, left: shape.clone(), right: carry.clone(), detail });
        }
    }
    Ok(())
}

/// Refuses a condition that is not one scalar.
fn one_truth(op: &'static Row, name: &str, body: &Body) -> Result<(), Error> {
    let shapes: Vec<&Shape> = body.output_shapes().collect();
    match shapes[..] {
        [shape] if shape.rank() == 0 => Ok(()),
        [shape] => Err(fault(op, name, format!("must be a scalar, it has shape {shape}"))),
        _ => Err(fault(op, name, format!("must have one output, it has {}", shapes.len()))),
    }
}

/// A guard for a loop whose body takes more: `from[i]` is the input of the new body that is input i of the old one.
pub(super) fn adapted(guard: &Body, shapes: &[Shape], from: &[usize]) -> Result<Body, Error> {
    let mut writing = Writing::new();
    let inputs = writing.inputs(shapes)?;
    let inputs: Vec<NodeId> = from.iter().map(|&i| inputs[i]).collect();
    let outputs = compose::apply(guard.graph(), &mut writing.g, &inputs)?;
    writing.finish(&outputs)
}

/// One loop for the values and the tangents: both are carried.
const JVP: SeveralJvpRule = |g, y, dots| {
    let scan = Scan::of(y.attributes);
    let given: Vec<bool> = dots.iter().map(Option::is_some).collect();
    let (active, live) = activity(scan.body.graph(), scan.carry, &given);
    let (c, k) = (scan.carry, scan.slices);
    let [carry_shapes, slice_shapes, parameter_shapes] = scan.shapes();
    // inputs, by role: values, then tangents of those that are active
    let roles = [(0..c, &carry_shapes), (c..c + k, &slice_shapes), (c + k..y.args.len(), &parameter_shapes)];
    let mut writing = Writing::new();
    let (mut values, mut tangents, mut args, mut shapes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut positions = Vec::new();
    for (range, own) in &roles {
        let flags = &active[range.clone()];
        positions.extend((0..own.len()).map(|i| shapes.len() + i));
        shapes.extend(own.iter().cloned());
        shapes.extend(chosen(own, flags));
        values.extend(writing.inputs(own.iter())?);
        tangents.extend(writing.inputs(&chosen(own, flags))?);
        args.extend_from_slice(&y.args[range.clone()]);
        for i in range.clone().filter(|&i| active[i]) {
            let like = g.shape(y.args[i]).clone();
            args.push(or_zeros(g, dots[i], &like)?);
        }
    }
    let outputs = compose::apply(scan.body.graph(), &mut writing.g, &values)?;
    let pairs: Vec<(NodeId, NodeId)> = chosen(&values, &active).into_iter().zip(tangents).collect();
    let made = diff::jvp(&mut writing.g, &pairs, &outputs)?;
    // outputs: carries, their tangents; what is stacked, its tangents
    let mut all = outputs[..c].to_vec();
    for i in (0..c).filter(|&i| active[i]) {
        all.push(or_zeros(&mut writing.g, made[i], &carry_shapes[i])?);
    }
    let stacked: Vec<usize> = (c..outputs.len()).filter(|&i| live[i] && made[i].is_some()).collect();
    all.extend(stacked.iter().filter_map(|&i| made[i]));
    let body = writing.finish(&all)?;
    let guard = scan.guard.map(|guard| adapted(&guard, &shapes, &positions)).transpose()?;
    let extra = |range: std::ops::Range<usize>| active[range].iter().filter(|flag| **flag).count();
    let joint = Scan { body, guard, carry: c + extra(0..c), slices: k + extra(c..c + k), length: scan.length };
    let results = joint.run(g, &args)?;
    let mut next = results[c..].iter().copied();
    let mut found: Vec<Option<NodeId>> = (0..c).map(|i| if active[i] { next.next() } else { None }).collect();
    found.extend((c..outputs.len()).map(|i| if stacked.contains(&i) { next.next() } else { None }));
    Ok(found)
};

/// `while_loop` as the loop that it is.
fn as_scan(args: &[NodeId], attributes: &Attributes) -> (Scan, Vec<NodeId>) {
    let (Some(body), guard) = (attributes.body("body").cloned(), attributes.body("condition").cloned()) else {
        unreachable!("the results rule has seen the body")
    };
    let number = |name| attributes.int(name).unwrap_or_default() as usize;
    (Scan { body, guard, carry: number("carry"), slices: 0, length: number("max_steps") }, args.to_vec())
}

/// Whether the condition still holds at the end.
fn is_cut_short(y: &There<'_>) -> bool {
    let Some(condition) = y.attributes.body("condition") else { return false };
    let parameters = y.args.iter().skip(y.results.len());
    let inputs = y.results.iter().chain(parameters).map(|array| Tensor::new(array.shape.clone(), array.data.to_vec()));
    let Some(inputs) = inputs.collect::<Option<Vec<Tensor>>>() else { return false };
    naive::evaluate(condition.graph(), &inputs).is_ok_and(|holds| holds[0].data()[0] != 0.0)
}

rows! {
    SCAN = Row::new("scan", Structure, Arity::at_least(1), Rule::Several {
        results: RESULTS,
        names: |attributes| Scan::of(attributes).body.output_names(),
        does: Does::Kernel(Several::Scan),
        jvp: Some(JVP),
        vjp: Some(reverse::VJP),
        series: Some(series::OF_SCAN),
    }).takes(&[
        function("function", true, "the function of one step: (carries, slices, parameters) → (new carries, what is stacked)"),
        integer("carry", false, "how many arguments are carried; default 1"),
        integer("xs", false, "how many arguments after them are sliced along their leading axis, a slice a step; default 1, 0 where `length` is given"),
        integer("length", false, "the number of steps; default that of the slices"),
        function("guard", false, "whether a step is taken, of the same arguments; a step that is not leaves the carries, and stacks zeros; default all are"),
    ]).says("a function over and over, its first outputs carried from step to step, the others stacked", "forward: carried along; reverse: the loop backwards, its carries recomputed in segments of √n steps");
    WHILE_LOOP = Row::new("while_loop", Structure, Arity::at_least(1), Rule::Several {
        results: |op, shapes, attributes| {
            let (body, condition) = (body_of(op, &attributes, "body")?, body_of(op, &attributes, "condition")?);
            let carry = count(op, &attributes, "carry", 1)?;
            let most = count(op, &attributes, "max_steps", 0)?;
            if carry > shapes.len() {
                return Err(fault(op, "carry", format!("counts {carry} arguments, {} are given", shapes.len())));
            }
            takes(op, "body", &body, shapes)?;
            takes(op, "condition", &condition, shapes)?;
            one_truth(op, "condition", &condition)?;
            carried(op, "body", &body, &shapes[..carry])?;
            if body.graph().outputs().len() != carry {
                return Err(fault(op, "body", format!("has {} outputs for {carry} carries", body.graph().outputs().len())));
            }
            let attributes = Attributes::none()
                .with("condition", Value::Body(condition))
                .with("body", Value::Body(body))
                .with("carry", Value::Int(carry as i64))
                .with("max_steps", Value::Int(most as i64));
            Ok((shapes[..carry].to_vec(), attributes))
        },
        names: |attributes| attributes.body("body").map_or_else(Vec::new, Body::output_names),
        does: Does::Expansion(|g, args, attributes| {
            let (scan, args) = as_scan(args, attributes);
            scan.run(g, &args)
        }),
        jvp: None,
        vjp: None,
        series: None,
    }).takes(&[
        function("condition", true, "whether to go on, of the carries and the parameters: one scalar"),
        function("body", true, "the function of one step: (carries, parameters) → new carries"),
        integer("carry", false, "how many arguments are carried; default 1"),
        integer("max_steps", true, "after so many steps the loop ends, whatever the condition"),
    ]).says("a function over and over while a condition holds, its outputs carried from step to step", "as scan's, over the steps that were taken")
        .at_edges("a NaN condition counts as true; diagnostics tell where `max_steps` ended it")
        .edge_of(is_cut_short);
}

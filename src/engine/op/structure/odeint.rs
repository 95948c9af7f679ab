//! `odeint`: an initial value problem by Runge–Kutta steps of fixed size, differentiated through.
//!
//! It is a loop over the stretches between output times, each a loop over steps, and has no derivative of its own: what is
//! differentiated is what was computed.

use super::super::row::rows;
use super::super::{Arity, Attribute, AttributeKind, Attributes, Expansion, Family, Row, Rule, ShapeRule, Value, axes::fault, shape};
use super::{Scan, Writing, body_of, count, function, integer, led, takes};
use crate::engine::graph::{Body, Builder, NodeId, compose};
use crate::engine::{Error, Shape};
use Family::Structure;

/// An explicit Runge–Kutta method: for each stage its time and its weights of the slopes before; then the weights of all slopes.
struct Method {
    stages: &'static [(f64, &'static [f64])],
    weights: &'static [f64],
}

/// The classical method of order 4 (W. Kutta, 1901).
const RK4: Method = Method {
    stages: &[(0.0, &[]), (0.5, &[0.5]), (0.5, &[0.0, 0.5]), (1.0, &[0.0, 0.0, 1.0])],
    weights: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
};

/// The method of order 5 of J. R. Dormand and P. J. Prince, "A family of embedded Runge-Kutta formulae", J. Comp. Appl. Math. 6 (1980).
const DOPRI5: Method = Method {
    stages: &[
        (0.0, &[]),
        (1.0 / 5.0, &[1.0 / 5.0]),
        (3.0 / 10.0, &[3.0 / 40.0, 9.0 / 40.0]),
        (4.0 / 5.0, &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0]),
        (8.0 / 9.0, &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0]),
        (1.0, &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0]),
    ],
    weights: &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
};

/// One step of size `h` from `y` at time `t`.
fn step(g: &mut Builder, method: &Method, f: &Body, [y, t, h]: [NodeId; 3], parameters: &[NodeId]) -> Result<NodeId, Error> {
    let mut slopes: Vec<NodeId> = Vec::with_capacity(method.stages.len());
    // y + h·Σ wᵢ·kᵢ
    let moved = |g: &mut Builder, slopes: &[NodeId], weights: &[f64]| -> Result<NodeId, Error> {
        let mut sum = None;
        for (&slope, &weight) in slopes.iter().zip(weights).filter(|(_, weight)| **weight != 0.0) {
            let term = g.scale(weight, slope)?;
            sum = Some(match sum {
                None => term,
                Some(sum) => g.add(sum, term)?,
            });
        }
        let Some(sum) = sum else { return Ok(y) };
        let by = g.multiply(h, sum)?;
        g.add(y, by)
    };
    for (time, weights) in method.stages {
        let at = moved(g, &slopes, weights)?;
        let when = if *time == 0.0 {
            t
        } else {
            let ahead = g.scale(*time, h)?;
            g.add(t, ahead)?
        };
        slopes.extend(compose::apply(f.graph(), g, &[&[at, when], parameters].concat())?);
    }
    moved(g, &slopes, method.weights)
}

/// One of several steps: (y, its number; when the first begins, step size; parameters) → (y, the next number).
fn one_step(method: &Method, f: &Body, shapes: &[Shape]) -> Result<Body, Error> {
    let mut w = Writing::new();
    let [y, number, begin, h] = w.inputs([&shapes[0], &Shape::scalar(), &Shape::scalar(), &Shape::scalar()])?[..] else {
        unreachable!("four shapes, four inputs")
    };
    let parameters = w.inputs(&shapes[2..])?;
    let since = w.g.multiply(number, h)?;
    let t = w.g.add(begin, since)?;
    let next = step(&mut w.g, method, f, [y, t, h], &parameters)?;
    let one = w.g.number(1.0);
    let number = w.g.add(number, one)?;
    w.finish(&[next, number])
}

/// The loop from one output time to the next: (y; when it begins, step size; parameters) → (y, y).
fn stretch(method: &Method, f: &Body, steps: usize) -> Result<Body, Error> {
    let shapes: Vec<Shape> = f.input_shapes().cloned().collect();
    let mut w = Writing::new();
    let [y, begin, h] = w.inputs([&shapes[0], &Shape::scalar(), &Shape::scalar()])?[..] else { unreachable!("three shapes, three inputs") };
    let parameters = w.inputs(&shapes[2..])?;
    let end = if steps == 1 {
        step(&mut w.g, method, f, [y, begin, h], &parameters)?
    } else {
        // the number of steps is carried, so that the time is no sum of rounded steps
        let one = one_step(method, f, &shapes)?;
        let zero = w.g.number(0.0);
        let args = [&[y, zero, begin, h], &parameters[..]].concat();
        Scan { body: one, guard: None, carry: 2, slices: 0, length: steps }.run(&mut w.g, &args)?[0]
    };
    w.finish(&[end, end])
}

const SHAPE: ShapeRule = |op, shapes, attributes| {
    let f = body_of(op, &attributes, "function")?;
    let steps = count(op, &attributes, "steps", 1)?;
    if steps == 0 {
        return Err(fault(op, "steps", "must be at least 1"));
    }
    let &[times] = shapes[1].sizes() else {
        return Err(super::super::axes::misfit(op, &shapes[1], "the output times are a vector"));
    };
    let seen = [&[shapes[0].clone(), Shape::scalar()], &shapes[2..]].concat();
    takes(op, "function", &f, &seen)?;
    match f.output_shapes().collect::<Vec<_>>()[..] {
        [slope] if *slope == shapes[0] => {}
        [slope] => {
            let detail = "the slope must have the shape of y".into();
            return Err(Error::ShapePair { op: op.name, left: shapes[0].clone(), right: slope.clone(), detail });
        }
        ref several => return Err(fault(op, "function", format!("must have one output, it has {}", several.len()))),
    }
    let method = attributes.text("method").unwrap_or("rk4");
    let attributes =
        Attributes::none().with("function", Value::Body(f)).with("method", Value::Text(method)).with("steps", Value::Int(steps as i64));
    Ok((led(times, &shapes[0]), attributes))
};

const EXPANSION: Expansion = |g, args, attributes| {
    let (y, t, parameters) = (args[0], args[1], &args[2..]);
    let Some(f) = attributes.body("function") else { unreachable!("the shape rule has seen the function") };
    let steps = attributes.int("steps").unwrap_or(1) as usize;
    let method = if attributes.text("method") == Some("dopri5") { &DOPRI5 } else { &RK4 };
    let times = g.shape(t).sizes()[0];
    let own = g.shape(y).clone();
    let first = g.reshape(y, &led(1, &own))?;
    match times {
        0 => return g.zeros(&led(0, &own)),
        1 => return Ok(first),
        _ => {}
    }
    let part = |g: &mut Builder, from: usize, to: usize| {
        let bound = |value| Value::Bounds(vec![Some(value as i64)]);
        g.apply(&shape::SLICE, &[t], Attributes::none().with("start", bound(from)).with("stop", bound(to)))
    };
    let (begin, end) = (part(g, 0, times - 1)?, part(g, 1, times)?);
    let long = g.subtract(end, begin)?;
    let count = g.number(steps as f64);
    let h = g.divide(long, count)?;
    let body = stretch(method, f, steps)?;
    let args = [&[y, begin, h], parameters].concat();
    let after = Scan { body, guard: None, carry: 1, slices: 2, length: times - 1 }.run(g, &args)?[1];
    g.call(&shape::CONCAT, &[first, after])
};

rows! {
    ODEINT = Row::new("odeint", Structure, Arity::at_least(2), Rule::Composite { shape: SHAPE, expansion: EXPANSION, derivative: None })
        .takes(&[
            function("function", true, "dy/dt: (y, t, parameters) → the slope, of y's shape"),
            Attribute { name: "method", kind: AttributeKind::Choice(&["rk4", "dopri5"]), required: false, summary: "rk4 (order 4, default) or dopri5 (order 5), with fixed steps" },
            integer("steps", false, "steps between two output times; default 1"),
        ]).says("the solution of dy/dt = f(y, t, …) that starts from y at t[0], at each of the times t", "of the steps that were made").costs(100);
}

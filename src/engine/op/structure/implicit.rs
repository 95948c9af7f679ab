//! `root` and `fixed_point`: values that an equation defines, differentiated by the implicit function theorem.
//!
//! G(z, p) = 0 gives ∂G/∂z·ż = −∂G/∂p·ṗ at the solution, however it was found; so the derivative knows nothing of the steps that led there,
//! and the guess carries none.

use super::super::row::rows;
use super::super::{
    Application, Arity, Attribute, Attributes, Expansion, Family, JvpRule, Row, Rule, ShapeRule, Value, VjpRule, arithmetic, axes::fault,
    calculus, choice, linear_algebra, logic, reduction,
};
use super::{Scan, Writing, body_of, chosen, count, function, integer, map, takes};
use crate::engine::diff::{self, Cotangent};
use crate::engine::graph::{Body, Builder, NodeId, compose};
use crate::engine::{Error, Shape, Tensor};
use Family::Structure;

/// What must be 0.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Equation {
    /// g(z, p)
    Root,
    /// z − g(z, p)
    FixedPoint,
}

/// G as a body of (z, p…).
fn residual(equation: Equation, attributes: &Attributes) -> Result<Body, Error> {
    let Some(body) = attributes.body("function") else { unreachable!("the shape rule has seen the function") };
    if equation == Equation::Root {
        return Ok(body.clone());
    }
    let mut w = Writing::new();
    let inputs = w.inputs(body.input_shapes())?;
    let value = compose::apply(body.graph(), &mut w.g, &inputs)?[0];
    let rest = w.g.subtract(inputs[0], value)?;
    w.finish(&[rest])
}

/// Solves ∂G/∂z·x = b at (z, p), or the transposed system.
fn solve(g: &mut Builder, residual: &Body, at: &[NodeId], b: NodeId, transposed: bool) -> Result<NodeId, Error> {
    let shape = g.shape(at[0]).clone();
    let size = shape.elements();
    if size == 0 {
        return Ok(b);
    }
    // along one direction: (direction; z, p…) → its image, flat
    let mut w = Writing::new();
    let direction = w.inputs([&shape])?[0];
    let inputs = w.inputs(residual.input_shapes())?;
    let value = compose::apply(residual.graph(), &mut w.g, &inputs)?;
    let image = diff::jvp(&mut w.g, &[(inputs[0], direction)], &value)?[0];
    let image = super::or_zeros(&mut w.g, image, &shape)?;
    let flat = Shape::from([size]);
    let image = w.g.reshape(image, &flat)?;
    let along = w.finish(&[image])?;
    if size == 1 {
        let one = g.full(&shape, 1.0)?;
        let slope = compose::apply(along.graph(), g, &[&[one], at].concat())?[0];
        let slope = g.reshape(slope, &shape)?;
        return g.call(&calculus::CHAIN_DIVIDE, &[b, slope]);
    }
    // the images of all unit vectors are the rows of the transpose
    let mut unit = vec![0.0; size * size];
    (0..size).for_each(|i| unit[i * size + i] = 1.0);
    let Some(unit) = Tensor::new(super::led(size, &shape), unit) else { unreachable!("a row for each element") };
    let unit = g.constant(unit);
    let over: Vec<bool> = std::iter::once(true).chain(at.iter().map(|_| false)).collect();
    let images = map::map(g, along, &[&[unit], at].concat(), &over)?[0];
    let matrix = if transposed { images } else { g.permute(images, &[1, 0])? };
    let right = g.reshape(b, &flat)?;
    let solution = g.apply(&linear_algebra::solving::SOLVE, &[matrix, right], Attributes::none().with("chain", Value::Bool(true)))?;
    g.reshape(solution, &shape)
}

const SHAPE: ShapeRule = |op, shapes, attributes| {
    let body = body_of(op, &attributes, "function")?;
    takes(op, "function", &body, shapes)?;
    match body.output_shapes().collect::<Vec<_>>()[..] {
        [value] if *value == shapes[0] => {}
        [value] => {
            let detail = "what is solved for and the function's value must have one shape".into();
            return Err(Error::ShapePair { op: op.name, left: shapes[0].clone(), right: value.clone(), detail });
        }
        ref several => return Err(fault(op, "function", format!("must have one output, it has {}", several.len()))),
    }
    let tolerance = match attributes.real("tolerance") {
        None => 1e-12,
        Some(tolerance) if tolerance >= 0.0 && tolerance.is_finite() => tolerance,
        Some(tolerance) => return Err(fault(op, "tolerance", format!("is {tolerance}; it must be 0 or more"))),
    };
    let most = count(op, &attributes, "max_steps", 50)?;
    let attributes = Attributes::none()
        .with("function", Value::Body(body))
        .with("tolerance", Value::Real(tolerance.into()))
        .with("max_steps", Value::Int(most as i64));
    Ok((shapes[0].clone(), attributes))
};

/// Newton's method: z ← z − (∂G/∂z)⁻¹·G until no component moves by more than the tolerance, relative to the larger of it and 1.
fn newton(equation: Equation, g: &mut Builder, args: &[NodeId], attributes: &Attributes) -> Result<NodeId, Error> {
    let residual = residual(equation, attributes)?;
    let tolerance = attributes.real("tolerance").unwrap_or_default();
    let shapes: Vec<Shape> = residual.input_shapes().cloned().collect();
    let scalar = Shape::scalar();
    // (z, whether it still moves; parameters)
    let mut w = Writing::new();
    let [z, _moving] = w.inputs([&shapes[0], &scalar])?[..] else { unreachable!("two shapes, two inputs") };
    let parameters = w.inputs(&shapes[1..])?;
    let at = [&[z], &parameters[..]].concat();
    let value = compose::apply(residual.graph(), &mut w.g, &at)?[0];
    let step = solve(&mut w.g, &residual, &at, value, false)?;
    let next = w.g.subtract(z, step)?;
    let far = {
        let g = &mut w.g;
        let (step, size, one) = (g.call(&arithmetic::ABS, &[step])?, g.call(&arithmetic::ABS, &[next])?, g.number(1.0));
        let size = g.call(&choice::MAXIMUM, &[size, one])?;
        let allowed = g.scale(tolerance, size)?;
        let far = g.call(&logic::GREATER, &[step, allowed])?;
        let axes: Vec<usize> = (0..shapes[0].rank()).collect();
        // NaN is not far: it will not come nearer
        if shapes[0].elements() == 0 { g.number(0.0) } else { g.reduce(&reduction::MAX, far, &axes, false)? }
    };
    let body = w.finish(&[next, far])?;
    let mut guard = Writing::new();
    let inputs = guard.inputs([&shapes[0], &scalar].into_iter().chain(&shapes[1..]))?;
    let guard = guard.finish(&[inputs[1]])?;
    let length = attributes.int("max_steps").unwrap_or_default() as usize;
    let one = g.number(1.0);
    let args = [&[args[0], one], &args[1..]].concat();
    let found = Scan { body, guard: Some(guard), carry: 2, slices: 0, length }.run(g, &args)?;
    let nan = g.number(f64::NAN);
    let settled = g.select(found[1], nan, found[0])?;
    // a slope of 0 throws z to infinity, whose next step is small beside it
    let finite = g.call(&logic::ISFINITE, &[settled])?;
    g.select(finite, settled, nan)
}

/// A tangent or cotangent of z, NaN where there is no solution for it to be one of: not even where the slopes are the same everywhere.
fn of_solution(g: &mut Builder, z: NodeId, x: NodeId) -> Result<NodeId, Error> {
    let (nan, one) = (g.number(f64::NAN), g.number(1.0));
    let missing = g.call(&logic::ISNAN, &[z])?;
    let factor = g.select(missing, nan, one)?;
    g.call(&calculus::CHAIN_MULTIPLY, &[x, factor])
}

/// −(∂G/∂z)⁻¹·∂G/∂p·ṗ
fn implicit_jvp(equation: Equation, g: &mut Builder, y: Application<'_>, dots: &[Option<NodeId>]) -> Result<Option<NodeId>, Error> {
    let residual = residual(equation, y.attributes)?;
    let active: Vec<bool> = dots[1..].iter().map(Option::is_some).collect();
    if !active.contains(&true) {
        return Ok(None);
    }
    let shapes: Vec<Shape> = residual.input_shapes().cloned().collect();
    let mut w = Writing::new();
    let inputs = w.inputs(&shapes)?;
    let tangents = w.inputs(&chosen(&shapes[1..], &active))?;
    let value = compose::apply(residual.graph(), &mut w.g, &inputs)?;
    let pairs: Vec<(NodeId, NodeId)> = chosen(&inputs[1..], &active).into_iter().zip(tangents).collect();
    let Some(dot) = diff::jvp(&mut w.g, &pairs, &value)?[0] else { return Ok(None) };
    let right = w.finish(&[dot])?;
    let at = [&[y.y], &y.args[1..]].concat();
    let given: Vec<NodeId> = at.iter().copied().chain(dots[1..].iter().flatten().copied()).collect();
    let right = compose::apply(right.graph(), g, &given)?[0];
    let zero = g.number(0.0);
    let right = g.subtract(zero, right)?;
    let right = of_solution(g, y.y, right)?;
    solve(g, &residual, &at, right, false).map(Some)
}

/// −(∂G/∂p)ᵀ·(∂G/∂z)⁻ᵀ·z̄
fn implicit_vjp(equation: Equation, g: &mut Builder, y: Application<'_>, bar: NodeId, i: usize) -> Result<Option<NodeId>, Error> {
    if i == 0 {
        return Ok(None);
    }
    let residual = residual(equation, y.attributes)?;
    let shapes: Vec<Shape> = residual.input_shapes().cloned().collect();
    let mut w = Writing::new();
    let inputs = w.inputs(&shapes)?;
    let cotangent = w.inputs([&shapes[0]])?[0];
    let value = compose::apply(residual.graph(), &mut w.g, &inputs)?[0];
    let Some(part) = diff::vjp(&mut w.g, &[(value, Cotangent::Node(cotangent))], &[inputs[i]])?[0] else { return Ok(None) };
    let back = w.finish(&[part])?;
    let at = [&[y.y], &y.args[1..]].concat();
    let bar = of_solution(g, y.y, bar)?;
    let adjoint = solve(g, &residual, &at, bar, true)?;
    let zero = g.number(0.0);
    let adjoint = g.subtract(zero, adjoint)?;
    Ok(Some(compose::apply(back.graph(), g, &[&at[..], &[adjoint]].concat())?[0]))
}

const ATTRIBUTES: &[Attribute] = &[
    function("function", true, "g: (z, parameters) → a value of z's shape"),
    super::real("tolerance", false, "how far a step may still move a component z, relative to max(1, |z|); default 1e-12"),
    integer("max_steps", false, "Newton steps after which it has not converged; default 50"),
];

const ROOT_EXPANSION: Expansion = |g, args, attributes| newton(Equation::Root, g, args, attributes);
const FIXED_POINT_EXPANSION: Expansion = |g, args, attributes| newton(Equation::FixedPoint, g, args, attributes);
const ROOT_RULES: (JvpRule, VjpRule) =
    (|g, y, dots| implicit_jvp(Equation::Root, g, y, dots), |g, y, bar, i| implicit_vjp(Equation::Root, g, y, bar, i));
const FIXED_POINT_RULES: (JvpRule, VjpRule) =
    (|g, y, dots| implicit_jvp(Equation::FixedPoint, g, y, dots), |g, y, bar, i| implicit_vjp(Equation::FixedPoint, g, y, bar, i));

rows! {
    ROOT = Row::new("root", Structure, Arity::at_least(1), Rule::Composite { shape: SHAPE, expansion: ROOT_EXPANSION, derivative: Some(ROOT_RULES) })
        .takes(ATTRIBUTES)
        .says("z with g(z, p…) = 0, by Newton's method from a guess", "implicit: −(∂g/∂z)⁻¹·∂g/∂p by the parameters, 0 by the guess")
        .at_edges("NaN where it does not converge, and so are its derivatives").costs(100);
    FIXED_POINT = Row::new("fixed_point", Structure, Arity::at_least(1), Rule::Composite { shape: SHAPE, expansion: FIXED_POINT_EXPANSION, derivative: Some(FIXED_POINT_RULES) })
        .takes(ATTRIBUTES)
        .says("z with z = g(z, p…), by Newton's method from a guess", "implicit: (1 − ∂g/∂z)⁻¹·∂g/∂p by the parameters, 0 by the guess")
        .at_edges("NaN where it does not converge, and so are its derivatives").costs(100);
}

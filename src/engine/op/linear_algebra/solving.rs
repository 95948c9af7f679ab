//! Linear systems: B̄ = A⁻ᵀ·X̄, Ā = −B̄·Xᵀ.

use super::super::axes::misfit;
use super::super::product::{chain_matmul, transposed};
use super::super::row::rows;
use super::super::{
    Application, Arity, Attribute, AttributeKind, Attributes, Dense, Family, JvpRule, Primitive, Row, Rule, ShapeRule, Value, VjpRule,
};
use super::{CHAIN, DenseFlags, Matrices, TRANSPOSE, minus, square, triple, weighed};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::{Builder, Kind, NodeId};
use crate::engine::{Error, Shape};
use Family::LinearAlgebra;

const LOWER: Attribute =
    Attribute { name: "lower", kind: AttributeKind::Bool, required: false, summary: "A is its lower triangle; default false, its upper" };

const SYSTEM: ShapeRule = |op, shapes, attributes| {
    let (a, b) = (&shapes[0], &shapes[1]);
    let (_, n) = square(op, a)?;
    if b.rank() == 0 {
        return Err(misfit(op, b, "the right side is a vector or a matrix"));
    }
    let fit = Matrices::of([a, b].into_iter()).filter(|matrices| matrices.sizes(1)[0] == n);
    let Some(matrices) = fit else {
        let detail = format!("the right side must have {n} rows, and leading sizes must broadcast");
        return Err(Error::ShapePair { op: op.name, left: a.clone(), right: b.clone(), detail });
    };
    let own = &b.sizes()[b.rank().saturating_sub(2)..];
    let result = Shape::new([matrices.batch.sizes(), own].concat());
    let flag = |attributes: Attributes, name| {
        let value = if attributes.flag(name) { Value::Bool(true) } else { Value::Null };
        attributes.with(name, value)
    };
    Ok((result, ["lower", "transpose", "chain"].into_iter().fold(attributes, flag)))
};

/// A system X = A⁻¹·B as its rules see it.
struct System {
    op: &'static Row,
    flags: DenseFlags,
    /// B is one vector.
    vector: bool,
}

impl System {
    fn of(g: &Builder, y: Application<'_>) -> Option<System> {
        let Kind::Apply { op, .. } = g.kind(y.y) else { return None };
        Some(System { op, flags: DenseFlags::of(y.attributes), vector: g.shape(y.args[1]).rank() == 1 })
    }

    /// What lies like B, as matrices.
    fn matrix(&self, g: &mut Builder, x: NodeId) -> Made {
        if !self.vector {
            return Ok(x);
        }
        let to = Shape::new([g.shape(x).sizes(), &[1]].concat());
        g.reshape(x, &to)
    }

    /// The entries of what lies like A that count.
    fn triangle(&self, g: &mut Builder, a: NodeId) -> Made {
        if *self.op != TRIANGULAR_SOLVE {
            return Ok(a);
        }
        let lower = self.flags.lower;
        weighed(g, a, |i, j| if i == j || (i > j) == lower { 1.0 } else { 0.0 })
    }

    /// The solution of the same system, or of its transpose, of which a right side of zeros takes nothing.
    fn solve(&self, g: &mut Builder, a: NodeId, b: NodeId, transpose: bool) -> Made {
        let flag = |set| if set { Value::Bool(true) } else { Value::Null };
        let attributes = Attributes::none().with("lower", flag(self.flags.lower)).with("transpose", flag(transpose));
        g.apply(self.op, &[a, b], attributes.with("chain", flag(true)))
    }
}

/// A·Ẋ = Ḃ − Ȧ·X
const SYSTEM_JVP: JvpRule = |g, y, dots| {
    let Some(system) = System::of(g, y) else { return Ok(None) };
    let b_dot = dots[1].map(|dot| system.matrix(g, dot)).transpose()?;
    let pull = match dots[0] {
        None => None,
        Some(dot) => {
            let dot = system.triangle(g, dot)?;
            let dot = if system.flags.transpose { transposed(g, dot)? } else { dot };
            let x = system.matrix(g, y.y)?;
            Some(chain_matmul(g, dot, x)?)
        }
    };
    let right = match (b_dot, pull) {
        (Some(b_dot), Some(pull)) => g.subtract(b_dot, pull)?,
        (None, Some(pull)) => minus(g, pull)?,
        (Some(b_dot), None) => b_dot,
        (None, None) => return Ok(None),
    };
    let x_dot = system.solve(g, y.args[0], right, system.flags.transpose)?;
    let to = g.shape(y.y).clone();
    g.reshape(x_dot, &to).map(Some)
};

const SYSTEM_VJP: VjpRule = |g, y, bar, i| {
    let Some(system) = System::of(g, y) else { return Ok(None) };
    let to = g.shape(y.args[i]).clone();
    let bar = system.matrix(g, bar)?;
    let b_bar = system.solve(g, y.args[0], bar, !system.flags.transpose)?;
    if i == 1 {
        let matrix = if system.vector { Shape::new([to.sizes(), &[1]].concat()) } else { to.clone() };
        let summed = g.unbroadcast(b_bar, &matrix)?;
        return g.reshape(summed, &to).map(Some);
    }
    let x = system.matrix(g, y.y)?;
    let (left, right) = if system.flags.transpose { (x, b_bar) } else { (b_bar, x) };
    let right = transposed(g, right)?;
    let product = chain_matmul(g, left, right)?;
    let product = system.triangle(g, product)?;
    let summed = g.unbroadcast(product, &to)?;
    minus(g, summed).map(Some)
};

rows! {
    SOLVE = Row::new("solve", LinearAlgebra, Arity::exactly(2), Rule::Primitive {
        shape: SYSTEM,
        primitive: Primitive::Dense(Dense::Solve),
        jvp: SYSTEM_JVP,
        vjp: SYSTEM_VJP,
    }).takes(&[TRANSPOSE, CHAIN]).says("the solution X of A·X = B; B of one axis is a vector, else matrices, and leading axes broadcast", "B̄ = A⁻ᵀ·X̄, Ā = −B̄·Xᵀ")
        .at_edges("of a singular matrix: infinities and NaN, as division by its zero pivots gives them").pole_of(|y| y.blows_up()).costs(10);
    TRIANGULAR_SOLVE = Row::new("triangular_solve", LinearAlgebra, Arity::exactly(2), Rule::Primitive {
        shape: SYSTEM,
        primitive: Primitive::Dense(Dense::TriangularSolve),
        jvp: SYSTEM_JVP,
        vjp: SYSTEM_VJP,
    }).takes(&[LOWER, TRANSPOSE, CHAIN]).says("the solution X of T·X = B, T being the upper or lower triangle of A, of which nothing else is read", "as of solve, in the triangle")
        .at_edges("a 0 on the diagonal gives infinities and NaN, as division by it does")
        .pole_of(|y| y.blows_up()).costs(10);
    INV = Row::new("inv", LinearAlgebra, Arity::exactly(1), Rule::Primitive {
        shape: |op, shapes, attributes| square(op, &shapes[0]).map(|_| (shapes[0].clone(), attributes)),
        primitive: Primitive::Dense(Dense::Inv),
        jvp: |g, y, dots| {
            let Some(dot) = dots[0] else { return Ok(None) };
            let product = triple(g, y.y, dot, y.y)?;
            minus(g, product).map(Some)
        },
        vjp: |g, y, bar, _| {
            let turned = transposed(g, y.y)?;
            let product = triple(g, turned, bar, turned)?;
            minus(g, product).map(Some)
        },
    }).says("the inverse", "−Y·Ȧ·Y").at_edges("of a singular matrix: infinities and NaN, as division by its zero pivots gives them")
        .pole_of(|y| y.blows_up()).costs(10);
}

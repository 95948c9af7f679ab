//! The exponential of a matrix. Its derivative along directions, L(A; E₁, ..., Eₖ), is an operator of its own, symmetric and linear in
//! the directions, whose derivative by A is the same along one direction more, so that every order is there. Its adjoint is that of Aᵀ.

use super::super::product::transposed;
use super::super::row::rows;
use super::super::{Arity, Dense, Family, Primitive, Row, Rule};
use super::{directed, square, total};
use crate::engine::graph::NodeId;
use Family::{Calculus, LinearAlgebra};

rows! {
    EXPM = Row::new("expm", LinearAlgebra, Arity::exactly(1), Rule::Primitive {
        shape: |op, shapes, attributes| square(op, &shapes[0]).map(|_| (shapes[0].clone(), attributes)),
        primitive: Primitive::Dense(Dense::Expm),
        jvp: |g, y, dots| dots[0].map(|dot| g.call(&EXPM_DERIVATIVE, &[y.args[0], dot])).transpose(),
        vjp: |g, y, bar, _| {
            let turned = transposed(g, y.args[0])?;
            g.call(&EXPM_DERIVATIVE, &[turned, bar]).map(Some)
        },
    }).says("the exponential of a matrix, Σ Aᵏ/k!, by scaling and squaring", "expm_derivative along Ȧ").at_edges("NaN where an entry is not finite").costs(80);
    EXPM_DERIVATIVE = Row::new("expm_derivative", Calculus, Arity { least: 2, most: Some(13) }, Rule::Primitive {
        shape: |op, shapes, attributes| directed(op, shapes).map(|shape| (shape, attributes)),
        primitive: Primitive::Dense(Dense::ExpmDerivative),
        jvp: |g, y, dots| {
            let mut parts = Vec::new();
            for (i, &dot) in dots.iter().enumerate() {
                let Some(dot) = dot else { continue };
                let mut args = y.args.to_vec();
                if i == 0 { args.push(dot) } else { args[i] = dot }
                parts.push(Some(g.call(&EXPM_DERIVATIVE, &args)?));
            }
            total(g, parts)
        },
        vjp: |g, y, bar, i| {
            let others = y.args.iter().enumerate().filter(|&(k, _)| k == 0 || k != i);
            let mut args = others.map(|(_, &arg)| transposed(g, arg)).collect::<Result<Vec<NodeId>, _>>()?;
            args.push(bar);
            g.call(&EXPM_DERIVATIVE, &args).map(Some)
        },
    }).says(
        "the derivative of expm at the first argument along the others in turn: 0 where one of them is all 0, whatever the first is",
        "expm_derivative along one more direction",
    ).costs(240);
}

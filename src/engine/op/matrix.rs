//! What is said of matrices without taking them apart; they are the last two axes.

use super::arrange::{DIAGONAL, OFFSET, matrix};
use super::linear_algebra::spectral::SVD;
use super::reduction::{MAX, VECTOR_NORM};
use super::row::rows;
use super::shape::attribute;
use super::{Arity, AttributeKind, Expansion, Family, Row, Rule, Value, arithmetic};
use crate::engine::Shape;
use crate::engine::graph::algebra::axes_attributes;
use Family::LinearAlgebra;

const NORM_EXPANSION: Expansion = |g, args, attributes| {
    let (x, shape) = (args[0], g.shape(args[0]).clone());
    let [batch @ .., rows, columns] = shape.sizes() else { return Ok(x) };
    let result = Shape::new(if attributes.flag("keepdims") { [batch, &[1, 1]].concat() } else { batch.to_vec() });
    if rows * columns == 0 {
        return g.full(&result, 0.0);
    }
    let (down, across) = (batch.len(), batch.len() + 1);
    let norm = match attributes.text("ord") {
        Some("fro") => g.reduce(&VECTOR_NORM, x, &[down, across], true)?,
        // the largest singular value, and the sum of all: those of value 0 take no derivative, as of any norm
        Some(ord @ ("2" | "nuc")) => {
            let svd = g.call(&SVD, &[x])?;
            let values = g.item(svd, 1)?;
            let ord = Value::Text(if ord == "2" { "inf" } else { "1" });
            g.apply(&VECTOR_NORM, &[values], axes_attributes(&[down]).with("ord", ord))?
        }
        ord => {
            let sizes = g.call(&arithmetic::ABS, &[x])?;
            let (summed, largest) = if ord == Some("1") { (down, across) } else { (across, down) };
            let sums = g.sum(sizes, &[summed], true)?;
            g.reduce(&MAX, sums, &[largest], true)?
        }
    };
    g.reshape(norm, &result)
};

rows! {
    TRACE = Row::new("trace", LinearAlgebra, Arity::exactly(1), Rule::Composite {
        shape: |op, shapes, attributes| {
            matrix(op, &shapes[0])?;
            let sizes = shapes[0].sizes();
            let offset = Value::Int(attributes.int("offset").unwrap_or(0));
            Ok((Shape::from(&sizes[..sizes.len() - 2]), attributes.with("offset", offset)))
        },
        expansion: |g, args, attributes| {
            let diagonal = g.apply(&DIAGONAL, args, attributes.clone())?;
            let last = g.shape(diagonal).rank() - 1;
            g.sum(diagonal, &[last], false)
        },
        derivative: None,
    }).takes(&[OFFSET]).says("the sum of a diagonal of the matrices that the last two axes hold", "1 by each element of the diagonal");
    MATRIX_NORM = Row::new("matrix_norm", LinearAlgebra, Arity::exactly(1), Rule::Composite {
        shape: |op, shapes, attributes| {
            matrix(op, &shapes[0])?;
            let keepdims = attributes.flag("keepdims");
            let batch = &shapes[0].sizes()[..shapes[0].rank() - 2];
            let shape = Shape::new(if keepdims { [batch, &[1, 1]].concat() } else { batch.to_vec() });
            let ord = Value::Text(attributes.text("ord").unwrap_or("fro"));
            Ok((shape, attributes.with("keepdims", if keepdims { Value::Bool(true) } else { Value::Null }).with("ord", ord)))
        },
        expansion: NORM_EXPANSION,
        derivative: None,
    }).takes(&[
        attribute("ord", AttributeKind::Choice(&["fro", "1", "2", "inf", "nuc"]), false, "fro (default): of all elements; 1: the largest sum of |x| down a column; inf: along a row; 2: the largest singular value; nuc: their sum"),
        attribute("keepdims", AttributeKind::Bool, false, "keep the two axes with size 1; default false"),
    ]).says("a norm of the matrices that the last two axes hold", "x/y; the signs of the largest column or row; u·vᵀ of the singular vectors")
        .at_edges("derivative 0 where the norm is 0; columns, rows and singular values that tie share equally").costs(10);
}

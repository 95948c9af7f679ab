//! Machine code and the interpreter, operator by operator, at the numbers that matter: `run` holds the one to the other.

use nablad::engine::Shape;
use nablad::engine::graph::{Builder, NodeId};
use nablad::engine::op::{Attributes, Rule, rows};
use nablad::engine::program::Want;

use super::run;

#[rustfmt::skip]
const VALUES: [f64; 23] = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.3, 2.0, -2.5, 3.0, 1e-310, -1e-310, 5e-324, 1e300, -1e300, 1e-200, f64::MAX, f64::MIN,
    f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 0.1, 7.25, -40.0,
];

/// Every operator that a Map can have a step for, in Maps long enough to become code: of one number, and of tiles with every remainder.
#[test]
fn every_step_has_the_bits_of_the_interpreter() {
    for row in rows().filter(|row| matches!(row.rule, Rule::Scalar { .. })) {
        let arity = row.arity.least;
        let mut g = Builder::default();
        let inputs: Vec<NodeId> = ["a", "b", "c"].iter().map(|name| g.input(*name, Shape::from([])).unwrap()).collect();
        let mut outputs = Vec::new();
        for shift in 0..3 {
            let args: Vec<NodeId> = (0..arity).map(|i| inputs[(i + shift) % 3]).collect();
            let Ok(y) = g.apply(row, &args, Attributes::none()) else { continue };
            let sum = g.add(y, inputs[shift]).unwrap();
            let product = g.multiply(sum, y).unwrap();
            outputs.extend([(format!("y{shift}"), y), (format!("z{shift}"), product)]);
        }
        let graph = g.finish(outputs);
        // pairs and their neighbours
        let point = |i: usize| [VALUES[i % VALUES.len()], VALUES[i / VALUES.len()], VALUES[(i * 7 + 3) % VALUES.len()]];
        let points = VALUES.len() * VALUES.len();
        let columns: Vec<Vec<f64>> = (0..3).map(|axis| (0..points).map(|i| point(i)[axis]).collect()).collect();
        for at_once in [1, 5, 67, points] {
            // one point at a time takes every nineteenth
            let (columns, points) = match at_once {
                1 => {
                    let some = |column: &Vec<f64>| column.iter().copied().step_by(19).collect::<Vec<f64>>();
                    (columns.iter().map(some).collect::<Vec<_>>(), points.div_ceil(19))
                }
                _ => (columns.clone(), points),
            };
            run(&graph, &Want::Value, &columns, &[true; 3], points, at_once);
        }
    }
}

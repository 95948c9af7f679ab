//! Every operator of one input and its derivative at the points of tests/reference/sweep.txt, within the bounds of section 4 of the
//! operators' contract. The worst points that docs/accuracy.md reports are among them.

use std::collections::BTreeSet;

use nablad::engine::op::{self, Rule};
use nablad::engine::program::Mode;

use crate::support::sweep::{Subject, subjects};

fn table() -> Vec<Subject> {
    subjects(include_str!("reference/sweep.txt").lines().map(str::to_owned)).collect()
}

#[test]
fn every_operator_of_one_input_holds_its_bounds() {
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for subject in table() {
        let computed = subject.computed(Mode::Reverse).unwrap();
        let forward = subject.computed(Mode::Forward).unwrap();
        assert!(subject.points.len() >= 60, "{}: {} points", subject.label(), subject.points.len());
        for ((point, got), other) in subject.points.iter().zip(&computed).zip(&forward) {
            for (i, what) in ["value", "derivative"].into_iter().enumerate() {
                let distance = point.exact[i].distance(got[i]);
                // of zero the chain rule has no sign
                if !subject.bounds[i].admits(distance) || (got[i].to_bits() != other[i].to_bits() && got[i] != other[i]) {
                    let (label, bound) = (subject.label(), subject.bounds[i]);
                    wrong.push(format!(
                        "{label} {what} at {:e}: {:e} (forward {:e}), {distance:?}, {bound:?} allowed",
                        point.x, got[i], other[i]
                    ));
                }
            }
        }
        seen.insert(subject.op);
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
    // stop_gradient is the identity, and its derivative 0 is no function's
    let one_input = op::rows()
        .filter(|row| matches!(row.rule, Rule::Scalar { .. }) && row.arity == op::Arity::exactly(1) && row.family != op::Family::Structure);
    let missing: Vec<&str> = one_input.map(|row| row.name).filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "not in sweep.txt: {missing:?}; their lines in scalar.py and sweep.py are missing");
}

/// The measure itself, at results whose distance is known.
#[test]
fn distances_are_those_of_the_exact_result() {
    use crate::support::sweep::Exact;
    let ulps = |nearest: f64, offset: f64, got: f64| Exact { nearest, offset, condition: 1.0 }.distance(got).ulps;
    let (above, below) = (1.0 + f64::EPSILON, 1.0 - f64::EPSILON / 2.0);
    assert_eq!((ulps(1.0, 0.0, 1.0), ulps(1.0, 0.25, above), ulps(1.0, 0.25, 1.0)), (0.0, 0.75, 0.25));
    // below a power of two the units are half as large
    assert_eq!((ulps(1.0, -0.25, below), ulps(1.0, -0.25, above), ulps(-1.0, -0.25, -below)), (0.75, 2.25, 0.75));
    assert_eq!((ulps(5e-324, -0.5, 0.0), ulps(0.0, 0.25, -5e-324), ulps(0.0, 0.0, 1e-323)), (0.5, 0.75, 2.0));
    assert_eq!((ulps(f64::MAX, 0.25, f64::INFINITY), ulps(f64::MAX, 0.0, f64::MAX)), (0.75, 0.0));
    assert!(ulps(f64::INFINITY, 0.0, f64::MAX).is_infinite() && ulps(1.0, 0.0, f64::NAN).is_infinite() && ulps(1.0, 0.0, -1.0) > 1e15);
    let relative = |nearest: f64, condition, got: f64| Exact { nearest, offset: 0.0, condition }.distance(got).relative;
    assert_eq!((relative(1.0, 1.0, 1.5), relative(1.0, 100.0, 1.5), relative(5e-324, 1.0, 0.0)), (0.5, 0.005, 0.0));
}

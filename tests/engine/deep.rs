//! Random functions with linear algebra and functions in functions: a point has the bits that it has alone, whatever loops and iterations
//! take beside it, and the modes agree.

use nablad::engine::Tensor;
use nablad::engine::exec::naive;
use nablad::engine::graph::Graph;
use nablad::engine::op;
use nablad::engine::program::{Mode, Want};
use proptest::prelude::*;

use super::lengths::scalar_only;
use super::properties::{close, config, numbers, point, split};
use super::random::deep;
use super::{at, bits, run};

fn few() -> ProptestConfig {
    ProptestConfig { cases: 80, ..config() }
}

/// All points at once, one after the other, and one of them by itself.
fn alone_and_among_others(graph: &Graph, want: &Want, points: &[Vec<f64>]) -> Result<(), TestCaseError> {
    let inputs: Vec<Vec<f64>> = (0..3).map(|i| points.iter().flat_map(|point| split(point)[i].clone()).collect()).collect();
    let batch = run(graph, want, &inputs, &[true; 3], points.len(), points.len());
    let one_by_one = run(graph, want, &inputs, &[true; 3], points.len(), 1);
    prop_assert_eq!(bits(&batch), bits(&one_by_one), "{:?}", want);
    let alone = at(graph, want, &split(&points[2]));
    let own: Vec<Vec<f64>> = batch.iter().zip(&alone).map(|(all, one)| all[2 * one.len()..3 * one.len()].to_vec()).collect();
    prop_assert_eq!(bits(&own), bits(&alone), "{:?}", want);
    Ok(())
}

fn agree(graph: &Graph, want: impl Fn(Mode) -> Want, point: &[f64], tolerance: f64) -> Result<(), TestCaseError> {
    let result = |mode| at(graph, &want(mode), &split(point)).pop().unwrap();
    let (forward, reverse) = (result(Mode::Forward), result(Mode::Reverse));
    let scale = forward.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    for (a, b) in forward.iter().zip(&reverse) {
        prop_assert!(close(*a, *b, tolerance, scale), "{} by forward, {} by reverse, beside {}", a, b, scale);
    }
    Ok(())
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn a_deep_function_has_the_bits_it_has_alone(numbers in numbers(), points in prop::collection::vec(point(), 5)) {
        let graph = deep(&numbers);
        let scalar = scalar_only(&graph);
        let wrt = || vec![0, 1, 2];
        alone_and_among_others(&graph, &Want::Value, &points)?;
        for mode in [Mode::Forward, Mode::Reverse] {
            alone_and_among_others(&graph, &Want::Jacobian { wrt: wrt(), mode }, &points)?;
            alone_and_among_others(&scalar, &Want::Hessian { wrt: wrt(), mode }, &points)?;
        }
    }

    #[test]
    fn a_deep_function_is_what_the_plain_evaluator_makes_of_it(numbers in numbers(), point in point()) {
        let graph = deep(&numbers);
        let shapes = [vec![2, 3], vec![3], vec![]];
        let tensors: Vec<Tensor> = split(&point).into_iter().zip(shapes).map(|(data, shape)| Tensor::new(shape, data).unwrap()).collect();
        let plain: Vec<Vec<f64>> = naive::evaluate(&graph, &tensors).unwrap().into_iter().map(Tensor::into_data).collect();
        prop_assert_eq!(bits(&at(&graph, &Want::Value, &split(&point))), bits(&plain));
    }

    #[test]
    fn modes_agree_on_deep_functions(numbers in numbers(), point in point()) {
        let graph = deep(&numbers);
        agree(&graph, |mode| Want::Jacobian { wrt: vec![0, 1, 2], mode }, &point, 1e-11)?;
        agree(&scalar_only(&graph), |mode| Want::Hessian { wrt: vec![0, 1, 2], mode }, &point, 1e-9)?;
    }
}

#[test]
fn deep_functions_have_all_of_it() {
    let mut state = 11u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let mut seen = std::collections::HashSet::new();
    for _ in 0..100 {
        let graph = deep(&(0..100).map(|_| next()).collect::<Vec<u32>>());
        for id in graph.ids() {
            if let nablad::engine::graph::Kind::Apply { op, .. } = graph.kind(id) {
                seen.insert(op.name);
            }
        }
    }
    for row in op::rows().filter(|row| matches!(row.family, op::Family::Structure | op::Family::LinearAlgebra)) {
        // calls are inlined before there is a graph
        let absent = row.name == "call";
        assert_eq!(seen.contains(row.name), !absent, "{}", row.name);
    }
}

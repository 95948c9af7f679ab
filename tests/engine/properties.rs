//! Properties of random functions: what a program computes is what the plain evaluator does, bit for bit, and what it calls a
//! derivative is one.

use nablad::engine::Tensor;
use nablad::engine::exec::naive;
use nablad::engine::program::{Mode, Want};
use proptest::prelude::*;

use super::lengths::scalar_only;
use super::random::function;
use super::{at, bits, run};

pub fn config() -> ProptestConfig {
    // the same functions every time: a failure is a fact about the code, not about the day
    ProptestConfig {
        cases: 400,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_123),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

pub fn numbers() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(any::<u32>(), 8..120)
}

pub fn point() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-2.0..2.0f64, 10)
}

/// x, v and s as program inputs.
pub fn split(point: &[f64]) -> Vec<Vec<f64>> {
    vec![point[..6].to_vec(), point[6..9].to_vec(), vec![point[9]]]
}

pub fn close(a: f64, b: f64, tolerance: f64, scale: f64) -> bool {
    (a - b).abs() <= tolerance * scale.max(a.abs()).max(b.abs()).max(1.0)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn program_equals_plain_evaluation(numbers in numbers(), point in point()) {
        let graph = function(&numbers, false);
        let inputs = split(&point);
        let shapes = [vec![2, 3], vec![3], vec![]];
        let tensors: Vec<Tensor> = inputs.iter().zip(shapes).map(|(data, shape)| Tensor::new(shape, data.clone()).unwrap()).collect();
        let plain: Vec<Vec<f64>> = naive::evaluate(&graph, &tensors).unwrap().into_iter().map(Tensor::into_data).collect();
        prop_assert_eq!(bits(&at(&graph, &Want::Value, &inputs)), bits(&plain));
        // as lanes: three points, of which this is the middle one
        let three: Vec<Vec<f64>> = inputs.iter().map(|data| [&data.iter().map(|x| x + 0.5).collect::<Vec<_>>()[..], data, &vec![f64::NAN; data.len()]].concat()).collect();
        let batch = run(&graph, &Want::Value, &three, &[true; 3], 3, 3);
        let middle: Vec<Vec<f64>> = batch.iter().zip(&plain).map(|(all, one)| all[one.len()..2 * one.len()].to_vec()).collect();
        prop_assert_eq!(bits(&middle), bits(&plain));
    }

    #[test]
    fn forward_equals_reverse(numbers in numbers(), point in point()) {
        let graph = function(&numbers, true);
        let jacobian = |mode| at(&graph, &Want::Jacobian { wrt: vec![0, 1, 2], mode }, &split(&point)).pop().unwrap();
        let (forward, reverse) = (jacobian(Mode::Forward), jacobian(Mode::Reverse));
        let scale = forward.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        for (a, b) in forward.iter().zip(&reverse) {
            prop_assert!(close(*a, *b, 1e-12, scale), "{} by forward, {} by reverse", a, b);
        }
    }

    #[test]
    fn inner_products_agree(numbers in numbers(), point in point(), dx in point(), seed in any::<u64>()) {
        // ⟨ȳ, J dx⟩ = ⟨Jᵀȳ, dx⟩
        let graph = function(&numbers, true);
        let sizes: Vec<usize> = graph.outputs().iter().map(|output| graph.shape(output.node).elements()).collect();
        let bar: Vec<Vec<f64>> = sizes.iter().map(|&n| (0..n).map(|i| ((seed >> (i % 40)) % 7) as f64 - 3.0).collect()).collect();
        let forward_inputs = [split(&point), split(&dx)].concat();
        let jvp = at(&graph, &Want::Jvp { inputs: vec![0, 1, 2] }, &forward_inputs);
        let vjp = at(&graph, &Want::Vjp { outputs: vec![0, 1], wrt: vec![0, 1, 2] }, &[split(&point), bar.clone()].concat());
        let inner = |a: &[Vec<f64>], b: &[Vec<f64>]| -> (f64, f64) {
            let products: Vec<f64> = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| a * b).collect();
            (products.iter().sum(), products.iter().map(|p| p.abs()).sum())
        };
        let ((left, scale), (right, other)) = (inner(&bar, &jvp[2..]), inner(&vjp[2..], &split(&dx)));
        prop_assert!(close(left, right, 1e-12, scale.max(other)), "{} and {}", left, right);
    }

    #[test]
    fn hessians_are_symmetric_and_the_same_in_both_modes(numbers in numbers(), point in point(), dx in point()) {
        let graph = scalar_only(&function(&numbers, true));
        let hessian = |mode| at(&graph, &Want::Hessian { wrt: vec![0, 1, 2], mode }, &split(&point));
        let (forward, reverse) = (hessian(Mode::Forward), hessian(Mode::Reverse));
        let gradient = at(&graph, &Want::Gradient { wrt: vec![0, 1, 2], mode: Mode::Reverse }, &split(&point));
        prop_assert_eq!(bits(&forward[..4]), bits(&gradient));
        let (matrix, other) = (&forward[4], &reverse[4]);
        let scale = matrix.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        for (i, j) in (0..10).flat_map(|i| (0..10).map(move |j| (i, j))) {
            prop_assert_eq!(matrix[10 * i + j].to_bits(), matrix[10 * j + i].to_bits());
            prop_assert_eq!(other[10 * i + j].to_bits(), other[10 * j + i].to_bits());
            prop_assert!(close(matrix[10 * i + j], other[10 * i + j], 1e-11, scale), "{} forward, {} in reverse", matrix[10 * i + j], other[10 * i + j]);
        }
        // the product without the matrix: by rows of it that were mirrored as by those that were not
        let want = Want::Hvp { wrt: vec![0, 1, 2], vectors: vec![0, 1, 2] };
        let product = at(&graph, &want, &[split(&point), split(&dx)].concat());
        prop_assert_eq!(bits(&product[..4]), bits(&gradient));
        for (row, got) in matrix.chunks(10).zip(product[4..].iter().flatten()) {
            let terms: Vec<f64> = row.iter().zip(&dx).map(|(h, v)| h * v).collect();
            let (sum, scale) = (terms.iter().sum(), terms.iter().map(|term| term.abs()).sum::<f64>());
            prop_assert!(close(*got, sum, 1e-11, scale), "{} and {}", got, sum);
        }
    }

    #[test]
    fn the_remainder_beside_the_hessian_is_of_third_order(numbers in numbers(), point in point(), dx in point()) {
        let graph = scalar_only(&function(&numbers, true));
        let answer = at(&graph, &Want::Hessian { wrt: vec![0, 1, 2], mode: Mode::Auto }, &split(&point));
        let slope: f64 = answer[1..4].iter().flatten().zip(&dx).map(|(g, d)| g * d).sum();
        let bend: f64 = answer[4].chunks(10).zip(&dx).map(|(row, a)| a * row.iter().zip(&dx).map(|(h, b)| h * b).sum::<f64>()).sum();
        // the same two numbers from the series
        let series = at(&graph, &Want::Taylor { inputs: vec![0, 1, 2], order: 2 }, &[split(&point), split(&dx)].concat());
        let scale = answer[4].iter().fold(0.0f64, |most, x| most.max(x.abs())) * 40.0;
        prop_assert!(close(series[2][0], slope, 1e-12, slope.abs()) && close(2.0 * series[3][0], bend, 1e-12, scale), "{:?} and {} {}", series, slope, bend);
        let value = |h: f64| {
            let moved: Vec<f64> = point.iter().zip(&dx).map(|(x, d)| x + h * d).collect();
            at(&graph, &Want::Value, &split(&moved))[0][0]
        };
        let remainder = |h: f64| (value(h) - answer[0][0] - h * slope - h * h / 2.0 * bend).abs();
        let (coarse, fine) = (remainder(3e-3), remainder(3e-4));
        // a thousandth, with room for the fourth order and for rounding
        prop_assert!(fine <= coarse * 3e-3 + 1e-12 * (1.0 + slope.abs()) || coarse > 1e-3, "remainders {} and {}", coarse, fine);
        prop_assert!(coarse <= 1e-2 * (1.0 + slope.abs() + bend.abs()), "the remainder {} is as large as the step", coarse);
    }

    #[test]
    fn remainder_is_of_second_order(numbers in numbers(), point in point(), dx in point()) {
        // f(x + h) = f(x) + J·h + o(‖h‖): halving h divides the remainder by four, as far as rounding lets it be seen
        let graph = function(&numbers, true);
        let jvp = at(&graph, &Want::Jvp { inputs: vec![0, 1, 2] }, &[split(&point), split(&dx)].concat());
        let value = |h: f64| {
            let moved: Vec<f64> = point.iter().zip(&dx).map(|(x, d)| x + h * d).collect();
            at(&graph, &Want::Value, &split(&moved))[0][0]
        };
        let (f, slope) = (jvp[0][0], jvp[2][0]);
        let remainder = |h: f64| (value(h) - f - h * slope).abs();
        let (coarse, fine) = (remainder(1e-3), remainder(1e-4));
        // a hundredth, with room for the third order; 1e-13 is rounding of values of a few units
        prop_assert!(fine <= coarse * 0.03 + 1e-12 * (1.0 + slope.abs()) || coarse > 1e-2, "remainders {} and {}", coarse, fine);
        prop_assert!(coarse <= 1e-1 * (1.0 + slope.abs()), "the remainder {} is as large as the step", coarse);
    }
}

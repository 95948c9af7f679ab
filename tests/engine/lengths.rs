//! The same bits alone and in a batch, at every length around the tiles' and the lanes', shared inputs or not.

use nablad::engine::program::{Mode, Want};

use super::random::function;
use super::{bits, run};

/// Functions that together use every kernel.
fn functions() -> Vec<Vec<u32>> {
    let mut state = 7u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    (0..12).map(|i| (0..40 + 8 * i).map(|_| next()).collect()).collect()
}

fn values(n: usize, salt: usize) -> Vec<f64> {
    (0..n).map(|i| (((i * 7919 + salt * 104_729) % 4001) as f64 - 2000.0) / 977.0).collect()
}

#[test]
fn a_point_has_the_bits_it_has_alone() {
    for (salt, numbers) in functions().iter().enumerate() {
        let graph = function(numbers, salt % 2 == 0);
        for (want, name) in [
            (Want::Value, "value"),
            (Want::Gradient { wrt: vec![0, 1, 2], mode: Mode::Reverse }, "gradient"),
            (Want::Jacobian { wrt: vec![0, 2], mode: Mode::Forward }, "forward"),
            (Want::Jacobian { wrt: vec![0, 1], mode: Mode::Reverse }, "reverse"),
            (Want::Hessian { wrt: vec![0, 1, 2], mode: Mode::Forward }, "hessian"),
            (Want::Hessian { wrt: vec![1, 2], mode: Mode::Reverse }, "hessian in reverse"),
        ] {
            let scalar = matches!(want, Want::Gradient { .. } | Want::Hessian { .. });
            let graph = if scalar { scalar_only(&graph) } else { graph.clone() };
            for points in [0, 1, 7, 8, 63, 64, 65, 1000] {
                let inputs = vec![values(6 * points, salt), values(3 * points, salt + 1), values(points, salt + 2)];
                let batch = run(&graph, &want, &inputs, &[true; 3], points, points.max(1));
                let odd = run(&graph, &want, &inputs, &[true; 3], points, 13);
                assert_eq!(bits(&batch), bits(&odd), "{name} of function {salt}: {points} points at once and 13 at a time");
                for p in [0, points / 2, points.saturating_sub(1)].into_iter().filter(|&p| p < points) {
                    let alone = [(6, 0), (3, 1), (1, 2)].map(|(n, i): (usize, usize)| inputs[i][p * n..(p + 1) * n].to_vec());
                    let single = run(&graph, &want, &alone, &[false; 3], 1, 1);
                    for (all, one) in batch.iter().zip(&single) {
                        let own = all[p * one.len()..(p + 1) * one.len()].to_vec();
                        assert_eq!(bits(&[own]), bits(std::slice::from_ref(one)), "{name} of function {salt} at point {p} of {points}");
                    }
                }
                if points > 0 {
                    // v shared by all points, and the same v given to each
                    let v = values(3, salt + 1);
                    let mut shared = inputs.clone();
                    shared[1] = v.clone();
                    let mut repeated = inputs;
                    repeated[1] = v.repeat(points);
                    let a = run(&graph, &want, &shared, &[true, false, true], points, points);
                    let b = run(&graph, &want, &repeated, &[true; 3], points, points);
                    assert_eq!(bits(&a), bits(&b), "{name} of function {salt}: a shared input and the same given {points} times");
                }
            }
        }
    }
}

/// The function with its first output alone.
pub fn scalar_only(graph: &nablad::engine::graph::Graph) -> nablad::engine::graph::Graph {
    let mut g = nablad::engine::graph::Builder::default();
    let copies = nablad::engine::diff::copy(graph, &mut g).unwrap();
    let first = &graph.outputs()[0];
    g.finish(vec![(first.name.clone(), copies[first.node.index()])])
}

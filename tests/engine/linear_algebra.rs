//! Dense linear algebra by itself: factors multiply to what they are factors of, a matrix has the bits it has alone, and what is not
//! selected leaves no trace in any derivative.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nablad::engine::diff::{Cotangent, vjp};
use nablad::engine::exec::{Scratch, naive};
use nablad::engine::graph::{Builder, Graph, NodeId};
use nablad::engine::op::{self, Attributes, Rule, Value};
use nablad::engine::program::{Binding, Mode, Program, Want};
use nablad::engine::{Shape, Tensor};

use super::taylor::agree;
use super::{at, bits, run};

/// Every operator of the family, with its results made one by one.
const OPERATORS: &[&str] =
    &["solve", "triangular_solve", "inv", "det", "slogdet", "cholesky", "eigh", "svd", "qr", "expm", "pinv", "cofactor", "expm_derivative"];

fn call(g: &mut Builder, name: &str, args: &[NodeId], attributes: Attributes) -> NodeId {
    g.apply(op::find(name).expect("an operator"), args, attributes).expect(name)
}

fn plain(g: &mut Builder, name: &str, args: &[NodeId]) -> NodeId {
    call(g, name, args, Attributes::none())
}

fn constant(g: &mut Builder, shape: impl Into<Shape>, salt: usize) -> NodeId {
    let shape = shape.into();
    let data = numbers(shape.elements(), salt);
    g.constant(Tensor::new(shape, data).expect("as many numbers"))
}

/// Numbers between −1 and 1.
fn numbers(n: usize, salt: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * 7919 + salt * 104_729 + i * i * 31) % 2003) as f64 / 1001.5 - 1.0).collect()
}

fn eye(g: &mut Builder, n: usize, scale: f64) -> NodeId {
    let data = (0..n * n).map(|at| if at / n == at % n { scale } else { 0.0 }).collect();
    g.constant(Tensor::new([n, n], data).expect("as many numbers"))
}

fn transposed(g: &mut Builder, x: NodeId) -> NodeId {
    let rank = g.shape(x).rank() as i64;
    let axes = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
    call(g, "permute_dims", &[x], Attributes::none().with("axes", Value::Ints(axes)))
}

/// The results of an operator at a tame function of `a`, which is square: definite where it must be, far from singular else.
fn results(g: &mut Builder, name: &str, a: NodeId) -> Vec<NodeId> {
    let n = *g.shape(a).sizes().last().expect("a matrix");
    let whole = g.shape(a).clone();
    let shift = eye(g, n, 2.5);
    let tame = plain(g, "add", &[a, shift]);
    let made = match name {
        "solve" | "triangular_solve" => {
            let b = constant(g, [n, 2], 5);
            plain(g, name, &[tame, b])
        }
        "cholesky" => {
            let turned = transposed(g, tame);
            let definite = plain(g, "matmul", &[tame, turned]);
            plain(g, name, &[definite])
        }
        // values apart from each other
        "eigh" | "svd" => {
            let ladder = (0..n * n).map(|at| if at / n == at % n { 3.0 * (at / n) as f64 } else { 0.0 }).collect();
            let ladder = g.constant(Tensor::new([n, n], ladder).expect("as many numbers"));
            let apart = plain(g, "add", &[tame, ladder]);
            plain(g, name, &[apart])
        }
        "cofactor" | "expm_derivative" => {
            let direction = constant(g, whole, 11);
            plain(g, name, &[tame, direction])
        }
        _ => plain(g, name, &[tame]),
    };
    let row = op::find(name).expect("an operator");
    if matches!(row.rule, Rule::Several { .. }) { g.items(made).expect(name) } else { vec![made] }
}

/// One scalar of all results.
fn weighed(g: &mut Builder, results: &[NodeId]) -> NodeId {
    let mut sum = g.number(0.0);
    for (i, &result) in results.iter().enumerate() {
        let shape = g.shape(result).clone();
        let weights = constant(g, shape, 3 + i);
        let product = plain(g, "multiply", &[weights, result]);
        let term = plain(g, "sum", &[product]);
        sum = plain(g, "add", &[sum, term]);
    }
    sum
}

fn graph_of(name: &str, shape: &[usize]) -> Graph {
    let mut g = Builder::default();
    let a = g.input("A", Shape::from(shape)).expect("an input");
    let made = results(&mut g, name, a);
    let outputs = made.into_iter().enumerate().map(|(i, node)| (format!("y{i}"), node)).collect();
    g.finish(outputs)
}

/// A function of A alone, its one output the gradient of a weighed sum.
fn gradient_of(name: &str, shape: &[usize]) -> Graph {
    let mut g = Builder::default();
    let a = g.input("A", Shape::from(shape)).expect("an input");
    let made = results(&mut g, name, a);
    let f = weighed(&mut g, &made);
    // the one cofactor of one number is 1, and depends on nothing
    let bar = vjp(&mut g, &[(f, Cotangent::One)], &[a]).expect("a gradient")[0];
    let bar = bar.unwrap_or_else(|| g.zeros(&Shape::from(shape)).expect("zeros"));
    g.finish(vec![("a_bar".into(), bar)])
}

fn product(a: &[f64], b: &[f64], [m, k, n]: [usize; 3]) -> Vec<f64> {
    (0..m * n).map(|at| (0..k).map(|i| a[at / n * k + i] * b[i * n + at % n]).sum()).collect()
}

fn turned(a: &[f64], m: usize, n: usize) -> Vec<f64> {
    (0..m * n).map(|at| a[at % m * n + at / m]).collect()
}

fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|at| if at / n == at % n { 1.0 } else { 0.0 }).collect()
}

fn scaled_columns(a: &[f64], by: &[f64]) -> Vec<f64> {
    a.iter().enumerate().map(|(at, x)| x * by[at % by.len()]).collect()
}

#[track_caller]
fn near(a: &[f64], b: &[f64], tolerance: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let scale = b.iter().fold(1.0f64, |most, x| most.max(x.abs()));
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= tolerance * scale, "{what}: {x} and {y} of size {scale}");
    }
}

/// The values of an operator's results at a plain matrix.
fn values(name: &str, shape: [usize; 2], a: &[f64]) -> Vec<Vec<f64>> {
    let mut g = Builder::default();
    let x = g.input("A", Shape::from(shape)).expect("an input");
    let made = plain(&mut g, name, &[x]);
    let several = matches!(op::find(name).expect("an operator").rule, Rule::Several { .. });
    let made = if several { g.items(made).expect(name) } else { vec![made] };
    let outputs = made.into_iter().enumerate().map(|(i, node)| (format!("y{i}"), node)).collect();
    at(&g.finish(outputs), &Want::Value, &[a.to_vec()])
}

#[test]
fn factors_multiply_to_what_they_are_factors_of() {
    for (m, n) in [(1, 1), (2, 2), (3, 3), (5, 5), (8, 8), (7, 3), (3, 7), (1, 4), (4, 1), (20, 20), (33, 17), (17, 33), (60, 60)] {
        for salt in 0..3 {
            let a = numbers(m * n, 100 * m + n + salt);
            let (k, what) = (m.min(n), format!("{m} by {n}, {salt}"));
            let svd = values("svd", [m, n], &a);
            near(&product(&scaled_columns(&svd[0], &svd[1]), &svd[2], [m, k, n]), &a, 1e-13, &format!("u s vh, {what}"));
            near(&product(&turned(&svd[0], m, k), &svd[0], [k, m, k]), &identity(k), 1e-13, &format!("uᵀ u, {what}"));
            near(&product(&svd[2], &turned(&svd[2], k, n), [k, n, k]), &identity(k), 1e-13, &format!("vh v, {what}"));
            assert!(svd[1].windows(2).all(|pair| pair[0] >= pair[1]) && svd[1].iter().all(|&s| s >= 0.0), "descending, {what}");
            let qr = values("qr", [m, n], &a);
            near(&product(&qr[0], &qr[1], [m, k, n]), &a, 1e-13, &format!("q r, {what}"));
            near(&product(&turned(&qr[0], m, k), &qr[0], [k, m, k]), &identity(k), 1e-13, &format!("qᵀ q, {what}"));
            assert!((0..k).all(|i| qr[1][i * n + i] >= 0.0 && (0..i).all(|j| qr[1][i * n + j] == 0.0)), "a triangle, {what}");
            let pinv = &values("pinv", [m, n], &a)[0];
            near(&product(&product(&a, pinv, [m, n, m]), &a, [m, m, n]), &a, 1e-11, &format!("a a⁺ a, {what}"));
            if m != n {
                continue;
            }
            let symmetric: Vec<f64> = a.iter().zip(turned(&a, n, n)).map(|(x, y)| 0.5 * x + 0.5 * y).collect();
            let eigh = values("eigh", [n, n], &a);
            let (vectors, back) = (&eigh[1], turned(&eigh[1], n, n));
            near(&product(&scaled_columns(vectors, &eigh[0]), &back, [n; 3]), &symmetric, 1e-13, &format!("v λ vᵀ, {what}"));
            near(&product(&back, vectors, [n; 3]), &identity(n), 1e-13, &format!("vᵀ v, {what}"));
            assert!(eigh[0].windows(2).all(|pair| pair[0] <= pair[1]), "ascending, {what}");
            let definite: Vec<f64> = product(&a, &turned(&a, n, n), [n; 3]).iter().zip(identity(n)).map(|(x, one)| x + one).collect();
            let l = &values("cholesky", [n, n], &definite)[0];
            near(&product(l, &turned(l, n, n), [n; 3]), &definite, 1e-14, &format!("l lᵀ, {what}"));
            let inverse = &values("inv", [n, n], &definite)[0];
            near(&product(&definite, inverse, [n; 3]), &identity(n), 1e-11, &format!("a a⁻¹, {what}"));
            let (det, slogdet) = (values("det", [n, n], &definite)[0][0], values("slogdet", [n, n], &definite));
            near(&[slogdet[0][0] * slogdet[1][0].exp()], &[det], 1e-12, &format!("det, {what}"));
            let minus: Vec<f64> = a.iter().map(|x| -x).collect();
            let (there, back) = (&values("expm", [n, n], &a)[0], &values("expm", [n, n], &minus)[0]);
            let size = there.iter().chain(back).fold(1.0f64, |most, x| most.max(x.abs()));
            near(&product(there, back, [n; 3]), &identity(n), 1e-14 * size * size, &format!("exp(a) exp(−a), {what}"));
        }
    }
}

#[test]
fn rank_is_seen_and_vectors_stay_orthogonal() {
    for (m, n, rank) in [(4, 4, 1), (6, 5, 2), (5, 6, 3), (9, 9, 4), (3, 3, 0)] {
        let (left, right) = (numbers(m * rank, 1), numbers(rank * n, 2));
        let a = product(&left, &right, [m, rank, n]);
        let (svd, k, what) = (values("svd", [m, n], &a), m.min(n), format!("{m} by {n} of rank {rank}"));
        near(&svd[1][rank..], &vec![0.0; k - rank], 1e-15, &what);
        near(&product(&turned(&svd[0], m, k), &svd[0], [k, m, k]), &identity(k), 1e-13, &format!("uᵀ u, {what}"));
        near(&product(&svd[2], &turned(&svd[2], k, n), [k, n, k]), &identity(k), 1e-13, &format!("vh v, {what}"));
        let pinv = &values("pinv", [m, n], &a)[0];
        near(&product(&product(&a, pinv, [m, n, m]), &a, [m, m, n]), &a, 1e-13, &format!("a a⁺ a, {what}"));
        near(&product(&product(pinv, &a, [n, m, n]), pinv, [n, n, m]), pinv, 1e-12, &format!("a⁺ a a⁺, {what}"));
    }
}

#[test]
fn small_values_beside_large_ones_keep_their_digits() {
    // graded and definite: what is small is not rounded to the size of what is large
    let a = [1.0, 1e-8, 1e-16, 1e-8, 2e-12, 1e-20, 1e-16, 1e-20, 3e-24];
    let eigh = values("eigh", [3, 3], &a);
    for (value, expected) in eigh[0].iter().zip([3e-24, 2e-12, 1.0]) {
        assert!((value - expected).abs() <= 1e-4 * expected, "{value} for {expected}");
    }
    let svd = values("svd", [3, 3], &[1e150, 0.0, 0.0, 0.0, 0.0, 1e-100, 0.0, 5.0, 0.0]);
    assert_eq!(svd[1], [1e150, 5.0, 1e-100]);
    for size in [1e200, 1e-200] {
        let corner = values("qr", [2, 2], &[3.0 * size, 1.0, 4.0 * size, 2.0])[1][0];
        assert!((corner / (5.0 * size) - 1.0).abs() < 1e-15, "{corner}");
    }
}

#[test]
fn programs_equal_plain_evaluation() {
    for name in OPERATORS {
        for shape in [vec![1, 1], vec![2, 2], vec![3, 3], vec![5, 5], vec![2, 3, 3], vec![2, 2, 2, 2]] {
            let graph = graph_of(name, &shape);
            let a = numbers(shape.iter().product(), shape.len());
            let tensor = Tensor::new(Shape::from(shape.as_slice()), a.clone()).expect("as many numbers");
            let plain: Vec<Vec<f64>> = naive::evaluate(&graph, &[tensor]).expect(name).into_iter().map(Tensor::into_data).collect();
            assert_eq!(bits(&at(&graph, &Want::Value, &[a])), bits(&plain), "{name} of {shape:?}");
        }
    }
}

#[test]
fn a_matrix_has_the_bits_it_has_alone() {
    for name in OPERATORS {
        let (n, points) = (4, 21);
        let (graph, gradient) = (graph_of(name, &[n, n]), gradient_of(name, &[n, n]));
        let all = numbers(n * n * points, 77);
        for (graph, want) in [
            (&graph, Want::Value),
            (&graph, Want::Jacobian { wrt: vec![0], mode: Mode::Forward }),
            (&graph, Want::Jacobian { wrt: vec![0], mode: Mode::Reverse }),
            (&gradient, Want::Jacobian { wrt: vec![0], mode: Mode::Forward }),
        ] {
            let batch = run(graph, &want, std::slice::from_ref(&all), &[true], points, points);
            let odd = run(graph, &want, std::slice::from_ref(&all), &[true], points, 5);
            assert_eq!(bits(&batch), bits(&odd), "{name}: all at once and five at a time, {want:?}");
            for p in [0, 1, 10, points - 1] {
                let single = run(graph, &want, &[all[p * n * n..(p + 1) * n * n].to_vec()], &[false], 1, 1);
                for (all, one) in batch.iter().zip(&single) {
                    assert_eq!(
                        bits(&[all[p * one.len()..(p + 1) * one.len()].to_vec()]),
                        bits(std::slice::from_ref(one)),
                        "{name} at {p}, {want:?}"
                    );
                }
            }
        }
        // as a batch in the tensor
        let stacked = graph_of(name, &[points, n, n]);
        if ["cofactor", "expm_derivative"].contains(name) {
            continue;
        }
        let (inside, outside) = (
            at(&stacked, &Want::Value, std::slice::from_ref(&all)),
            run(&graph, &Want::Value, std::slice::from_ref(&all), &[true], points, points),
        );
        assert_eq!(bits(&inside), bits(&outside), "{name}: leading axes and points");
    }
}

#[test]
fn forward_equals_reverse_to_the_third_order() {
    for name in OPERATORS {
        for n in [1, 2, 3, 4] {
            let a = numbers(n * n, 9 * n);
            let jacobian =
                |graph: &Graph, mode| at(graph, &Want::Jacobian { wrt: vec![0], mode }, std::slice::from_ref(&a)).pop().expect("a matrix");
            for graph in [graph_of(name, &[n, n]), gradient_of(name, &[n, n])] {
                let (forward, reverse) = (jacobian(&graph, Mode::Forward), jacobian(&graph, Mode::Reverse));
                near(&forward, &reverse, 1e-11, &format!("{name} of {n} rows"));
            }
            if n == 3 {
                agree(&graph_of(name, &[n, n]), 3, std::slice::from_ref(&a), 1e-9);
            }
            // the Hessian is symmetric
            let hessian = jacobian(&gradient_of(name, &[n, n]), Mode::Forward);
            near(&hessian, &turned(&hessian, n * n, n * n), 1e-11, &format!("Hessian of {name} of {n} rows"));
        }
    }
}

#[test]
fn derivatives_are_what_differences_tend_to() {
    for name in OPERATORS {
        let n = 3;
        for graph in [graph_of(name, &[n, n]), gradient_of(name, &[n, n])] {
            let (a, dx) = (numbers(n * n, 40), numbers(n * n, 41));
            let moved = |h: f64| -> Vec<f64> { a.iter().zip(&dx).map(|(a, d)| a + h * d).collect() };
            let jvp = at(&graph, &Want::Jvp { inputs: vec![0] }, &[a.clone(), dx.clone()]);
            let h = 1e-5;
            let (up, down) = (at(&graph, &Want::Value, &[moved(h)]), at(&graph, &Want::Value, &[moved(-h)]));
            for ((up, down), slope) in up.iter().zip(&down).zip(&jvp[up.len()..]) {
                let difference: Vec<f64> = up.iter().zip(down).map(|(up, down)| (up - down) / (2.0 * h)).collect();
                near(slope, &difference, 1e-7, name);
            }
        }
    }
}

#[test]
fn what_is_not_selected_leaves_no_trace() {
    for name in OPERATORS {
        let n = 3;
        let slopes = |broken: bool, order: usize, mode: Mode| {
            let mut g = Builder::default();
            let a = g.input("A", Shape::from([n, n])).expect("an input");
            let factor = g.number(if broken { f64::NAN } else { 1.0 });
            let spoilt = plain(&mut g, "multiply", &[a, factor]);
            let made = results(&mut g, name, spoilt);
            let unselected = weighed(&mut g, &made);
            let squares = plain(&mut g, "square", &[a]);
            let selected = plain(&mut g, "sum", &[squares]);
            let no = g.number(0.0);
            let chosen = plain(&mut g, "where", &[no, unselected, selected]);
            let one = g.input("one", Shape::scalar()).expect("an input");
            // a condition that is not folded away
            let condition = plain(&mut g, "less", &[one, no]);
            let chosen_late = plain(&mut g, "where", &[condition, unselected, selected]);
            let f = plain(&mut g, "add", &[chosen, chosen_late]);
            let output =
                if order == 1 { f } else { vjp(&mut g, &[(f, Cotangent::One)], &[a]).expect("a gradient")[0].expect("it depends") };
            let graph = g.finish(vec![("f".into(), output)]);
            at(&graph, &Want::Jacobian { wrt: vec![0], mode }, &[numbers(n * n, 4), vec![1.0]])
        };
        for order in [1, 2] {
            for mode in [Mode::Forward, Mode::Reverse] {
                assert_eq!(bits(&slopes(false, order, mode)), bits(&slopes(true, order, mode)), "{name}, order {order}, {mode:?}");
            }
        }
    }
}

#[test]
fn a_long_decomposition_stops_when_told() {
    for name in ["eigh", "svd", "inv", "qr", "expm", "cofactor", "cholesky"] {
        let n = 600;
        let mut g = Builder::default();
        let a = g.input("A", Shape::from([n, n])).expect("an input");
        let shift = eye(&mut g, n, n as f64);
        let tame = plain(&mut g, "add", &[a, shift]);
        let made = plain(&mut g, name, &[tame]);
        let several = matches!(op::find(name).expect("an operator").rule, Rule::Several { .. });
        let made = if several { g.items(made).expect(name)[0] } else { made };
        let graph = g.finish(vec![("y".into(), made)]);
        let program = Program::compile(&graph, &Want::Value, &[false]).expect("it compiles");
        assert!(program.cost(1).flops >= (n * n * n) as f64 / 3.0, "{name} costs {}", program.cost(1).flops);
        let (data, stop) = (numbers(n * n, 8), AtomicBool::new(false));
        let mut results: Vec<Vec<f64>> = program.results().iter().map(|&size| vec![0.0; size]).collect();
        let took = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(5));
                stop.store(true, Ordering::Relaxed);
            });
            let start = Instant::now();
            let mut out: Vec<&mut [f64]> = results.iter_mut().map(Vec::as_mut_slice).collect();
            let bindings = [Binding { data: &data, per_point: false }];
            let done = program.run(&bindings, 0..1, &mut Scratch::default(), &stop, &mut out);
            assert!(done.is_err(), "{name} finished in {:?}", start.elapsed());
            start.elapsed()
        });
        assert!(took < Duration::from_secs(1), "{name} took {took:?} to stop");
    }
}

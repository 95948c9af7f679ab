//! Loops: what they compute is what writing them out does, in every mode, order and lane.

use nablad::engine::exec::naive;
use nablad::engine::graph::{Body, Builder, Graph, NodeId, compose};
use nablad::engine::op::structure::{MAP, SCAN, WHILE_LOOP};
use nablad::engine::op::{Attributes, Value, arithmetic, exponential, logic, trigonometric};
use nablad::engine::program::{Mode, Program, Want};
use nablad::engine::{Shape, Tensor, diff};

use super::taylor::agree;
use super::{at, bits, run};

/// A body that takes inputs of these shapes.
pub fn body(shapes: &[&[usize]], write: impl FnOnce(&mut Builder, &[NodeId]) -> Vec<NodeId>) -> Body {
    let mut g = Builder::default();
    let inputs: Vec<NodeId> = shapes.iter().enumerate().map(|(i, &shape)| g.input(format!("a{i}"), Shape::from(shape)).unwrap()).collect();
    let outputs = write(&mut g, &inputs).into_iter().enumerate().map(|(i, id)| (format!("y{i}"), id)).collect();
    Body::new(g.finish(outputs)).unwrap()
}

/// (c, x, p) → (sin(c)·p + x, c·x), with c of shape [2].
fn step() -> Body {
    body(&[&[2], &[], &[2]], |g, a| {
        let sin = g.call(&trigonometric::SIN, &[a[0]]).unwrap();
        let scaled = g.multiply(sin, a[2]).unwrap();
        vec![g.add(scaled, a[1]).unwrap(), g.multiply(a[0], a[1]).unwrap()]
    })
}

/// Σ of the last carry and of all that is stacked, as a function of (c, xs, p): as a loop, or written out.
fn function(steps: usize, looped: bool) -> Graph {
    let mut g = Builder::default();
    let c = g.input("c", Shape::from([2])).unwrap();
    let xs = g.input("xs", Shape::from([steps])).unwrap();
    let p = g.input("p", Shape::from([2])).unwrap();
    let (last, stacked) = if looped {
        let attributes = Attributes::none().with("function", Value::Body(step()));
        let scan = g.apply(&SCAN, &[c, xs, p], attributes).unwrap();
        (g.item(scan, 0).unwrap(), vec![g.item(scan, 1).unwrap()])
    } else {
        let (mut carry, mut rows) = (c, Vec::new());
        for i in 0..steps {
            let at = Attributes::none().with("at", Value::Ints(vec![i as i64]));
            let x = g.apply(&nablad::engine::op::shape::INDEX, &[xs], at).unwrap();
            let results = compose::apply(step().graph(), &mut g, &[carry, x, p]).unwrap();
            carry = results[0];
            rows.push(g.reshape(results[1], &Shape::from([1, 2])).unwrap());
        }
        (carry, rows)
    };
    let mut total = g.sum(last, &[0], false).unwrap();
    if !stacked.is_empty() {
        let rows = g.call(&nablad::engine::op::shape::CONCAT, &stacked).unwrap();
        let weighted = g.call(&exponential::EXP, &[rows]).unwrap();
        let sum = g.sum(weighted, &[0, 1], false).unwrap();
        total = g.add(total, sum).unwrap();
    }
    g.finish(vec![("f".into(), total)])
}

fn point(steps: usize) -> Vec<Vec<f64>> {
    vec![vec![0.3, -0.7], (0..steps).map(|i| 0.1 + (i as f64 * 0.7).sin() / 3.0).collect(), vec![0.9, 0.4]]
}

fn close(a: &[Vec<f64>], b: &[Vec<f64>], tolerance: f64) {
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        assert!((a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0), "{a} and {b}");
    }
}

fn gradient(mode: Mode) -> Want {
    Want::Gradient { wrt: vec![0, 1, 2], mode }
}

/// The gradient as a function of the same inputs, flattened to one vector.
fn gradient_graph(graph: &Graph, mode: Mode) -> Graph {
    let mut g = Builder::default();
    let copies = diff::copy(graph, &mut g).unwrap();
    let inputs: Vec<NodeId> = graph.inputs().iter().map(|input| copies[input.node.index()]).collect();
    let y = copies[graph.outputs()[0].node.index()];
    let parts = match mode {
        Mode::Reverse => diff::vjp(&mut g, &[(y, diff::Cotangent::One)], &inputs).unwrap(),
        _ => {
            // along each input's ones, which is enough to be differentiated again
            let dots: Vec<(NodeId, NodeId)> = inputs
                .iter()
                .map(|&x| {
                    (x, {
                        let shape = g.shape(x).clone();
                        g.full(&shape, 1.0).unwrap()
                    })
                })
                .collect();
            diff::jvp(&mut g, &dots, &[y]).unwrap()
        }
    };
    let outputs = parts.into_iter().enumerate().map(|(i, part)| (format!("{i}"), part.unwrap())).collect();
    g.finish(outputs)
}

#[test]
fn a_scan_is_its_steps_written_out() {
    for steps in [0, 1, 2, 17] {
        let (looped, unrolled) = (function(steps, true), function(steps, false));
        let x = point(steps);
        assert_eq!(bits(&at(&looped, &Want::Value, &x)), bits(&at(&unrolled, &Want::Value, &x)), "{steps} steps");
        for mode in [Mode::Forward, Mode::Reverse] {
            let (a, b) = (at(&looped, &gradient(mode), &x), at(&unrolled, &gradient(mode), &x));
            close(&a, &b, 1e-14);
        }
        for inner in [Mode::Forward, Mode::Reverse] {
            if steps == 0 && inner == Mode::Reverse {
                continue; // nothing depends on p
            }
            let (a, b) = (gradient_graph(&looped, inner), gradient_graph(&unrolled, inner));
            for outer in [Mode::Forward, Mode::Reverse] {
                let want = Want::Jacobian { wrt: vec![0, 1, 2], mode: outer };
                close(&at(&a, &want, &x), &at(&b, &want, &x), 1e-12);
            }
        }
        let directions = [x.clone(), vec![vec![1.0, -0.5], vec![0.25; steps], vec![0.5, 1.0]]].concat();
        for (want, inputs) in [
            (Want::Hessian { wrt: vec![0, 1, 2], mode: Mode::Forward }, &x),
            (Want::Hessian { wrt: vec![0, 1, 2], mode: Mode::Reverse }, &x),
            (Want::Hvp { wrt: vec![0, 1, 2], vectors: vec![0, 1, 2] }, &directions),
            (Want::Taylor { inputs: vec![0, 1, 2], order: 7 }, &directions),
        ] {
            close(&at(&looped, &want, inputs), &at(&unrolled, &want, inputs), 1e-12);
        }
    }
}

#[test]
fn segments_change_nothing() {
    // so many steps that their carries are not all kept
    let steps = 20_011;
    let graph = function(steps, true);
    let x = point(steps);
    let reverse = at(&graph, &gradient(Mode::Reverse), &x);
    let jvp = Want::Jvp { inputs: vec![0, 1, 2] };
    let dx: Vec<Vec<f64>> = x.iter().map(|values| values.iter().enumerate().map(|(i, _)| ((i * 7) % 5) as f64 - 2.0).collect()).collect();
    let forward = at(&graph, &jvp, &[x.clone(), dx.clone()].concat());
    let inner: f64 = reverse[1..].iter().flatten().zip(dx.iter().flatten()).map(|(bar, dot)| bar * dot).sum();
    let scale: f64 = reverse[1..].iter().flatten().zip(dx.iter().flatten()).map(|(bar, dot)| (bar * dot).abs()).sum();
    assert!((inner - forward[1][0]).abs() <= 1e-12 * scale, "{inner} and {}", forward[1][0]);
    // the first steps' cotangents are those of a loop of which all is kept
    let wide = run(&graph, &gradient(Mode::Reverse), &x, &[false; 3], 1, 1);
    assert_eq!(bits(&wide), bits(&reverse));
}

/// √a by Newton's method: (x, a) while x moves.
fn root() -> Graph {
    let going = body(&[&[], &[], &[]], |g, a| {
        let gap = g.subtract(a[0], a[1]).unwrap();
        let size = g.call(&arithmetic::ABS, &[gap]).unwrap();
        let small = g.number(1e-9);
        vec![g.call(&logic::GREATER, &[size, small]).unwrap()]
    });
    let next = body(&[&[], &[], &[]], |g, a| {
        let ratio = g.divide(a[2], a[0]).unwrap();
        let sum = g.add(a[0], ratio).unwrap();
        vec![g.scale(0.5, sum).unwrap(), a[0]]
    });
    let mut g = Builder::default();
    let a = g.input("a", Shape::scalar()).unwrap();
    let (one, zero) = (g.number(1.0), g.number(0.0));
    let attributes = Attributes::none()
        .with("condition", Value::Body(going))
        .with("body", Value::Body(next))
        .with("carry", Value::Int(2))
        .with("max_steps", Value::Int(100));
    let found = g.apply(&WHILE_LOOP, &[one, zero, a], attributes).unwrap();
    let found = g.item(found, 0).unwrap();
    g.finish(vec![("f".into(), found)])
}

#[test]
fn each_lane_of_a_while_loop_ends_by_itself() {
    let graph = root();
    let numbers: Vec<f64> = (1..40).map(|i| f64::from(i * i * i) / 7.0).chain([1e-8, 1e8, 0.0, f64::NAN]).collect();
    for mode in [Mode::Forward, Mode::Reverse] {
        let want = Want::Gradient { wrt: vec![0], mode };
        let batch = run(&graph, &want, std::slice::from_ref(&numbers), &[true], numbers.len(), 16);
        for (i, &a) in numbers.iter().enumerate() {
            let alone = at(&graph, &want, &[vec![a]]);
            let here: Vec<Vec<f64>> = batch.iter().map(|all| vec![all[i]]).collect();
            assert_eq!(bits(&here), bits(&alone), "√{a}");
            if a > 0.0 {
                close(&alone, &[vec![a.sqrt()], vec![0.5 / a.sqrt()]], 1e-8);
            }
        }
    }
    agree(&graph, 4, &[vec![2.3]], 1e-12);
}

#[test]
fn a_series_of_a_loop_is_one_loop() {
    // tangents of tangents would carry everything twice with each order
    let graph = function(3, true);
    let bytes = |order| {
        let want = Want::Taylor { inputs: vec![0, 1, 2], order };
        Program::compile(&graph, &want, &[false; 6]).unwrap().bytes()
    };
    assert!(bytes(8) < 6 * bytes(4), "{} and {}", bytes(8), bytes(4));
}

#[test]
fn a_map_is_its_entries() {
    let entry = || {
        body(&[&[2], &[], &[3]], |g, a| {
            let sum = g.sum(a[2], &[0], false).unwrap();
            let by = g.multiply(a[0], sum).unwrap();
            let sin = g.call(&trigonometric::SIN, &[by]).unwrap();
            vec![g.multiply(sin, a[1]).unwrap(), g.square(sum).unwrap()]
        })
    };
    for entries in [0, 1, 3, 1500] {
        let mut g = Builder::default();
        let x = g.input("x", Shape::from([entries, 2])).unwrap();
        let s = g.input("s", Shape::from([entries])).unwrap();
        let w = g.input("w", Shape::from([3])).unwrap();
        let attributes =
            Attributes::none().with("function", Value::Body(entry())).with("in_axes", Value::Bounds(vec![Some(0), Some(0), None]));
        let map = g.apply(&MAP, &[x, s, w], attributes).unwrap();
        let (y, z) = (g.item(map, 0).unwrap(), g.item(map, 1).unwrap());
        let mapped = g.finish(vec![("y".into(), y), ("z".into(), z)]);
        let numbers = |n: usize, shift: f64| (0..n).map(|i| (i as f64 * 0.37 + shift).sin()).collect::<Vec<_>>();
        let inputs = vec![numbers(2 * entries, 0.0), numbers(entries, 1.0), numbers(3, 2.0)];
        let shapes = [vec![entries, 2], vec![entries], vec![3]];
        let tensors: Vec<Tensor> = inputs.iter().zip(shapes).map(|(data, shape)| Tensor::new(shape, data.clone()).unwrap()).collect();
        let plain: Vec<Vec<f64>> = naive::evaluate(&mapped, &tensors).unwrap().into_iter().map(Tensor::into_data).collect();
        assert_eq!(bits(&at(&mapped, &Want::Value, &inputs)), bits(&plain), "{entries} entries");
        // in three lanes, the middle one is the point alone
        let three: Vec<Vec<f64>> = inputs
            .iter()
            .map(|data| [&data.iter().map(|x| x + 1.0).collect::<Vec<_>>()[..], data, &vec![f64::NAN; data.len()]].concat())
            .collect();
        for per_point in [[true, true, true], [true, false, false], [false, false, true]] {
            let given: Vec<Vec<f64>> =
                three.iter().zip(&inputs).zip(per_point).map(|((three, one), per)| if per { three.clone() } else { one.clone() }).collect();
            let batch = run(&mapped, &Want::Value, &given, &per_point, 3, 3);
            let middle: Vec<Vec<f64>> = batch.iter().zip(&plain).map(|(all, one)| all[one.len()..2 * one.len()].to_vec()).collect();
            assert_eq!(bits(&middle), bits(&plain), "{entries} entries, {per_point:?}");
        }
        if entries <= 3 {
            agree(&mapped, 4, &inputs, 1e-12);
            let jacobian = |mode| at(&mapped, &Want::Jacobian { wrt: vec![0, 1, 2], mode }, &inputs);
            close(&jacobian(Mode::Forward), &jacobian(Mode::Reverse), 1e-14);
        }
    }
}

#[test]
fn loops_inside_loops() {
    // Σ over entries of a scan whose body maps: everything at once
    let inner = body(&[&[], &[]], |g, a| {
        let product = g.multiply(a[0], a[1]).unwrap();
        vec![g.call(&trigonometric::SIN, &[product]).unwrap()]
    });
    let step = body(&[&[3], &[]], |g, a| {
        let attributes = Attributes::none().with("function", Value::Body(inner)).with("in_axes", Value::Bounds(vec![Some(0), None]));
        let map = g.apply(&MAP, &[a[0], a[1]], attributes).unwrap();
        let next = g.item(map, 0).unwrap();
        vec![g.add(next, a[0]).unwrap()]
    });
    let entry = body(&[&[3], &[4]], |g, a| {
        let scan = g.apply(&SCAN, &[a[0], a[1]], Attributes::none().with("function", Value::Body(step))).unwrap();
        vec![g.item(scan, 0).unwrap()]
    });
    let mut g = Builder::default();
    let x = g.input("x", Shape::from([5, 3])).unwrap();
    let t = g.input("t", Shape::from([4])).unwrap();
    let attributes = Attributes::none().with("function", Value::Body(entry)).with("in_axes", Value::Bounds(vec![Some(0), None]));
    let map = g.apply(&MAP, &[x, t], attributes).unwrap();
    let y = g.item(map, 0).unwrap();
    let square = g.square(y).unwrap();
    let f = g.sum(square, &[0, 1], false).unwrap();
    let graph = g.finish(vec![("f".into(), f)]);
    let inputs = vec![(0..15).map(|i| (f64::from(i) * 0.7).cos()).collect::<Vec<_>>(), vec![0.2, -0.4, 1.1, 0.6]];
    let tensors = vec![Tensor::new([5, 3], inputs[0].clone()).unwrap(), Tensor::new([4], inputs[1].clone()).unwrap()];
    let plain = naive::evaluate(&graph, &tensors).unwrap()[0].data().to_vec();
    assert_eq!(bits(&at(&graph, &Want::Value, &inputs)), bits(&[plain]));
    let gradient = |mode| at(&graph, &Want::Gradient { wrt: vec![0, 1], mode }, &inputs);
    close(&gradient(Mode::Forward), &gradient(Mode::Reverse), 1e-13);
    agree(&graph, 3, &inputs, 1e-12);
    let second = gradient_graph(&graph, Mode::Reverse);
    let hessian = |mode| at(&second, &Want::Jacobian { wrt: vec![0, 1], mode }, &inputs).pop().unwrap();
    let (forward, reverse) = (hessian(Mode::Forward), hessian(Mode::Reverse));
    close(std::slice::from_ref(&forward), &[reverse], 1e-12);
    for i in 0..19 {
        for j in 0..i {
            assert!((forward[i * 19 + j] - forward[j * 19 + i]).abs() < 1e-12, "{i} {j}");
        }
    }
}

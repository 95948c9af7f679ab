//! Repetitions rolled into vectors: the same bits as the plain evaluator has of the function as it is written, and as a program that is
//! not rolled has.

use nablad::engine::exec::naive;
use nablad::engine::graph::{Builder, Graph, NodeId};
use nablad::engine::op::{self, Attributes, Value};
use nablad::engine::program::{Mode, Program, Want};
use nablad::engine::{Shape, Tensor, diff};
use proptest::prelude::*;

use super::properties::config;
use super::{bits, run, run_program};
use crate::support::unrolled::{self, Given, Writer, of_unknowns};

/// Numbers among which some are where arithmetic is not smooth.
const EDGES: [f64; 12] = [0.0, -0.0, 1.0, -1.0, 0.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e-310, 1e300, -2.5, 3.0];

fn point(graph: &Graph, points: usize, edges: bool) -> Vec<Vec<f64>> {
    let number = |i: usize, k: usize| {
        if edges && (i * 31 + k * 17).is_multiple_of(7) { EDGES[(i + 5 * k) % EDGES.len()] } else { unrolled::datum(i, k) }
    };
    graph.inputs().iter().enumerate().map(|(k, input)| (0..input.shape.elements() * points).map(|i| number(i, k)).collect()).collect()
}

/// The function with its gradient as one graph.
fn with_gradient(graph: &Graph) -> Graph {
    let mut g = Builder::default();
    let copies = diff::copy(graph, &mut g).unwrap();
    let inputs: Vec<NodeId> = graph.inputs().iter().map(|input| copies[input.node.index()]).collect();
    let y = copies[graph.outputs()[0].node.index()];
    let bars = diff::vjp(&mut g, &[(y, diff::Cotangent::One)], &inputs).unwrap();
    let outputs = graph.outputs().iter().map(|output| Some(copies[output.node.index()])).chain(bars).flatten();
    let named = outputs.enumerate().map(|(i, id)| (i.to_string(), id)).collect();
    g.finish(named)
}

/// What the plain evaluator makes of one point.
fn plainly(graph: &Graph, point: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let inputs: Vec<Tensor> =
        graph.inputs().iter().zip(point).map(|(input, data)| Tensor::new(input.shape.clone(), data.clone()).unwrap()).collect();
    naive::evaluate(graph, &inputs).unwrap().into_iter().map(Tensor::into_data).collect()
}

/// The function and its gradient against the plain evaluator, and every derivative against what is not rolled.
fn holds(name: &str, graph: &Graph) {
    let derived = with_gradient(graph);
    let alone = vec![false; graph.inputs().len()];
    let many = vec![true; graph.inputs().len()];
    for edges in [false, true] {
        let at = point(graph, 1, edges);
        let plain = bits(&plainly(&derived, &at));
        assert_eq!(bits(&run(&derived, &Want::Value, &at, &alone, 1, 1)), plain, "{name}, shared");
        assert_eq!(bits(&run(&derived, &Want::Value, &at, &many, 1, 1)), plain, "{name}");
    }
    let all: Vec<usize> = (0..graph.inputs().len()).collect();
    same(name, graph, &Want::Gradient { wrt: all.clone(), mode: Mode::Reverse }, &[]);
    same(name, graph, &Want::Hvp { wrt: all.clone(), vectors: all.clone() }, &all);
    if graph.inputs().iter().map(|input| input.shape.elements()).sum::<usize>() < 50 {
        same(name, graph, &Want::Gradient { wrt: all.clone(), mode: Mode::Forward }, &[]);
        same(name, graph, &Want::Hessian { wrt: all, mode: Mode::Auto }, &[]);
    }
}

/// The same numbers rolled and as written, whatever the number of points.
fn same(name: &str, graph: &Graph, want: &Want, directions: &[usize]) {
    for (points, at_once) in [(1, 1), (3, 3), (37, 11)] {
        let own = point(graph, points, false);
        let inputs: Vec<Vec<f64>> =
            own.iter().cloned().chain(directions.iter().map(|&i| own[i].iter().map(|x| 0.5 - x).collect())).collect();
        let many = vec![true; inputs.len()];
        let written = Program::compile_as_written(graph, want, &many).unwrap();
        let expected = run_program(&written, want, &inputs, &many, points, at_once);
        assert!(bits(&run(graph, want, &inputs, &many, points, at_once)) == bits(&expected), "{name}, {points} points, {want:?}");
    }
}

/// How many times smaller the program is.
fn shrinks(graph: &Graph) -> f64 {
    let (want, many) = (Want::Gradient { wrt: (0..graph.inputs().len()).collect(), mode: Mode::Auto }, vec![true; graph.inputs().len()]);
    let bytes = |program: Program| program.bytes() as f64;
    bytes(Program::compile_as_written(graph, &want, &many).unwrap()) / bytes(Program::compile(graph, &want, &many).unwrap())
}

#[test]
fn unrolled_functions_are_rolled_and_keep_their_bits() {
    for given in [Given::Scalars, Given::Vector] {
        for (name, least, graph) in [
            ("least squares", 10.0, unrolled::least_squares(400, given)),
            ("Rosenbrock", 3.5, unrolled::rosenbrock(300, given)),
            ("boundary values", 3.0, unrolled::stencil(300, given)),
            ("bodies", 0.99, unrolled::bodies(12, given)),
            ("two kinds", 1.3, two_kinds(200, given)),
            ("shared operands", 0.99, shared(150, given)),
            ("a matrix times a vector", 0.99, matrix(40, 30, given)),
            ("chains beside each other", 4.5, weights(60, 20, given)),
            ("a chain of subtractions", 0.99, falling(100, given)),
            ("a balanced sum", 2.2, balanced(256, given)),
            ("steps in time", 0.99, steps(80, given)),
            ("stacked", 2.2, stacked(100, given)),
        ] {
            holds(&format!("{name}, {given:?}"), &graph);
            let factor = shrinks(&graph);
            assert!(factor >= least, "{name}, {given:?}: {factor} times smaller");
        }
    }
}

/// Residuals of two kinds, by turns and not quite.
fn two_kinds(n: usize, given: Given) -> Graph {
    of_unknowns(4, given, |w, x| {
        let terms: Vec<NodeId> = (0..n)
            .map(|i| {
                let t = w.g.number(unrolled::datum(i, 1));
                let names = [("a", x[0]), ("b", x[1]), ("c", x[2]), ("d", x[3]), ("t", t)];
                match (i * i) % 5 {
                    0 | 1 => w.write("a t * b + sin square", &names),
                    // one of a kind
                    2 if i == 27 => w.write("c t * cosh", &names),
                    _ => w.write("c d t * - 0.5 * exp negative a *", &names),
                }
            })
            .collect();
        unrolled::chain(w, terms)
    })
}

/// Lanes whose operands are a few others', again and again, in no order.
fn shared(n: usize, given: Given) -> Graph {
    of_unknowns(30, given, |w, x| {
        let bent: Vec<NodeId> = x.iter().map(|&x| w.write("x 2 * sin", &[("x", x)])).collect();
        let terms: Vec<NodeId> = (0..n)
            .map(|i| {
                let names = [("a", bent[(i * 7) % 30]), ("b", bent[(i * i) % 30]), ("x", x[(i * 11) % 30]), ("y", x[3])];
                w.write(if i % 2 == 0 { "a b * x + exp y *" } else { "a a * x + exp b *" }, &names)
            })
            .collect();
        unrolled::chain(w, terms)
    })
}

/// ‖A·x − b‖² by rows.
fn matrix(rows: usize, columns: usize, given: Given) -> Graph {
    of_unknowns(columns, given, |w, x| {
        let terms: Vec<NodeId> = (0..rows)
            .map(|i| {
                let products: Vec<NodeId> = (0..columns)
                    .map(|j| {
                        let a = w.g.number(unrolled::datum(i * columns + j, 5));
                        w.call("multiply", &[a, x[j]])
                    })
                    .collect();
                let (sum, b) = (unrolled::chain(w, products), w.g.number(unrolled::datum(i, 6)));
                w.write("s b - square", &[("s", sum), ("b", b)])
            })
            .collect();
        unrolled::chain(w, terms)
    })
}

/// Residuals of products of many weights.
fn weights(rows: usize, columns: usize, given: Given) -> Graph {
    of_unknowns(columns, given, |w, x| {
        let terms: Vec<NodeId> = (0..rows)
            .map(|i| {
                let parts: Vec<NodeId> = (0..columns)
                    .map(|j| {
                        let a = w.g.number(unrolled::datum(i * columns + j, 5));
                        w.write("a x * sin", &[("a", a), ("x", x[j])])
                    })
                    .collect();
                let sum = unrolled::chain(w, parts);
                w.write("s tanh", &[("s", sum)])
            })
            .collect();
        unrolled::chain(w, terms)
    })
}

fn falling(n: usize, given: Given) -> Graph {
    of_unknowns(20, given, |w, x| {
        let terms: Vec<NodeId> = (0..n).map(|i| w.write("a b * cos", &[("a", x[i % 20]), ("b", x[(i * 3 + 1) % 20])])).collect();
        terms.into_iter().reduce(|sum, term| w.call("subtract", &[sum, term])).unwrap()
    })
}

fn balanced(n: usize, given: Given) -> Graph {
    of_unknowns(n, given, |w, x| {
        let mut level: Vec<NodeId> = x.iter().map(|&x| w.write("x 3 * sin exp", &[("x", x)])).collect();
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| if let [a, b] = *pair { w.call("add", &[a, b]) } else { pair[0] }).collect();
        }
        level[0]
    })
}

/// Each step needs the one before; what is made of each does not.
fn steps(n: usize, given: Given) -> Graph {
    of_unknowns(3, given, |w, x| {
        let (mut state, mut terms) = (x[0], Vec::new());
        for i in 0..n {
            let y = w.g.number(unrolled::datum(i, 7));
            state = w.write("s h s k * sin * +", &[("s", state), ("h", x[1]), ("k", x[2])]);
            terms.push(w.write("s y - square exp", &[("s", state), ("y", y)]));
        }
        unrolled::chain(w, terms)
    })
}

/// Numbers collected into a vector, and that used as a whole.
fn stacked(n: usize, given: Given) -> Graph {
    of_unknowns(n, given, |w, x| {
        let bent: Vec<NodeId> = (0..n).map(|i| w.write("a b * sinh", &[("a", x[i]), ("b", x[(i + 1) % n])])).collect();
        let vector = w.call("stack", &bent);
        let turned = w.call("flip", &[vector]);
        let products = w.call("multiply", &[vector, turned]);
        let sum = w.g.sum(products, &[0], false).unwrap();
        w.write("s 1 + log1p", &[("s", sum)])
    })
}

/// Layers of one operator each, every node of which reads any two of the layer before.
fn layers(wide: usize, deep: usize) -> Graph {
    of_unknowns(64, Given::Scalars, |w, x| {
        let mut state = 5u64;
        let mut next = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut layer = x.to_vec();
        for _ in 0..deep {
            layer = (0..wide)
                .map(|_| {
                    let (a, b) = (layer[next(layer.len())], layer[next(layer.len())]);
                    w.write("a b * 0.9 + ", &[("a", a), ("b", b)])
                })
                .collect();
        }
        unrolled::chain(w, layer)
    })
}

#[test]
fn what_does_not_repeat_is_left_as_it_is() {
    assert_eq!(shrinks(&unrolled::random(3_000)), 1.0);
}

#[test]
fn a_hundred_thousand_lanes_in_no_order() {
    let graph = layers(12_000, 4);
    same("layers", &graph, &Want::Gradient { wrt: (0..64).collect(), mode: Mode::Auto }, &[]);
}

#[test]
fn a_gradient_by_many_elements_takes_no_more_than_they_are() {
    // a tensor of zeros with one number in it, ten thousand times: as they are written it would be a hundred million
    let graph = unrolled::rosenbrock(10_000, Given::Vector);
    let want = Want::Gradient { wrt: vec![0], mode: Mode::Auto };
    let program = Program::compile(&graph, &want, &[true]).unwrap();
    assert!(program.cost(1).flops < 60.0 * 10_000.0, "{}", program.cost(1).flops);
    let scalars = unrolled::rosenbrock(10_000, Given::Scalars);
    let x = point(&graph, 1, false);
    let each: Vec<Vec<f64>> = x[0].iter().map(|&x| vec![x]).collect();
    let by_scalars = run(&scalars, &Want::Gradient { wrt: (0..10_000).collect(), mode: Mode::Auto }, &each, &vec![true; 10_000], 1, 1);
    let by_vector = run(&graph, &want, &x, &[true], 1, 1);
    assert_eq!(bits(&by_vector[..1]), bits(&by_scalars[..1]));
    assert!(by_vector[1].iter().zip(by_scalars[1..].iter().flatten()).all(|(a, b)| a == b));
}

#[test]
fn signs_of_zeros_survive_sums_of_placed_numbers() {
    // elements read twice by other ways, elements that nothing reads, and a tensor beside them
    let mut w = Writer { g: Builder::default() };
    let x = w.g.input("x", Shape::from([6, 5])).unwrap();
    let own = w.call("negative", &[x]);
    let mut terms = vec![w.g.sum(own, &[0, 1], false).unwrap()];
    let at = |w: &mut Writer, x: NodeId, at: &[i64]| {
        w.g.apply(op::find("index").unwrap(), &[x], Attributes::none().with("at", Value::Ints(at.to_vec()))).unwrap()
    };
    for i in 0..120 {
        let (row, column) = ((i * 7 % 5) as i64, (i * 3 % 5) as i64);
        let through_row = at(&mut w, x, &[row]);
        let (a, b) = (at(&mut w, x, &[column, row]), at(&mut w, through_row, &[column]));
        terms.push(w.write("a b * 0 * negative", &[("a", a), ("b", b)]));
    }
    let y = unrolled::chain(&mut w, terms);
    let graph = w.g.finish(vec![("x".into(), y)]);
    holds("placed", &graph);
}

#[test]
fn names_do_not_matter() {
    let mut w = Writer { g: Builder::default() };
    let x: Vec<NodeId> = (0..40).map(|i| w.g.input((i % 3).to_string(), Shape::scalar()).unwrap()).collect();
    let terms: Vec<NodeId> = (0..40).map(|i| w.write("a b - exp 2 *", &[("a", x[i]), ("b", x[(i + 7) % 40])])).collect();
    let y = unrolled::chain(&mut w, terms.clone());
    let outputs = [("0".to_string(), y)].into_iter().chain(terms.iter().map(|&term| ("0".to_string(), term)));
    let graph = w.g.finish(outputs.collect());
    let inputs = point(&graph, 1, false);
    assert_eq!(bits(&run(&graph, &Want::Value, &inputs, &[true; 40], 1, 1)), bits(&plainly(&graph, &inputs)));
}

/// A function in which expressions repeat: templates, each written for many lanes with leaves from all that there is so far.
fn planted(numbers: &[u32]) -> Graph {
    let mut at = 0;
    let mut next = |below: usize| {
        at += 1;
        numbers[(at * 7 + at / numbers.len()) % numbers.len()].wrapping_add(at as u32 / 3) as usize % below.max(1)
    };
    const WORDS: [&str; 14] = [
        "a b + sin",
        "a b * c -",
        "a square b *",
        "a b - exp",
        "a negative c *",
        "a c /",
        "a b maximum",
        "a abs sqrt",
        "a b * c + tanh",
        "a b c where",
        "a floor b +",
        "a b + c + a +",
        "c a * b * cos",
        "a log b +",
    ];
    let mut w = Writer { g: Builder::default() };
    let v = w.g.input("v", Shape::from([12])).unwrap();
    let m = w.g.input("m", Shape::from([4, 3])).unwrap();
    let mut all: Vec<NodeId> = (0..6).map(|i| w.g.input(format!("x{i}"), Shape::scalar()).unwrap()).collect();
    all.extend((0..12).map(|i| w.pick(v, i)));
    let index = op::find("index").unwrap();
    for i in 0..12i64 {
        all.push(w.g.apply(index, &[m], Attributes::none().with("at", Value::Ints(vec![i / 3, i % 3]))).unwrap());
    }
    let mut ends = Vec::new();
    for _ in 0..2 + next(4) {
        let word = [WORDS[next(WORDS.len())], WORDS[next(WORDS.len())]];
        let (lanes, stride, shift, shuffle) = (1 + next(60), 1 + next(3), next(all.len()), next(3));
        let fixed = all[next(all.len())];
        let leaves = all.clone();
        let lanes: Vec<NodeId> = (0..lanes)
            .map(|i| {
                let leaf = if shuffle == 0 { leaves[next(leaves.len())] } else { leaves[(shift + i * stride) % leaves.len()] };
                let number = w.g.number(if next(9) == 0 { EDGES[next(EDGES.len())] } else { unrolled::datum(i, shift) });
                let other = if next(20) == 0 { number } else { leaves[(shift + i) % leaves.len()] };
                let inner = w.write(word[0], &[("a", leaf), ("b", if shuffle == 1 { fixed } else { other }), ("c", number)]);
                w.write(word[1], &[("a", inner), ("b", leaf), ("c", fixed)])
            })
            .collect();
        ends.push(match next(4) {
            0 => w.call("stack", &lanes),
            1 => lanes.iter().copied().reduce(|sum, lane| w.call("subtract", &[sum, lane])).unwrap(),
            _ => unrolled::chain(&mut w, lanes.iter().copied().skip(next(2).min(lanes.len() - 1))),
        });
        all.extend(lanes);
        let end = *ends.last().unwrap();
        if w.g.shape(end).rank() == 0 {
            all.push(end);
        }
    }
    let sums: Vec<NodeId> = ends
        .iter()
        .map(|&end| {
            let bent = w.call("atan", &[end]);
            w.call("sum", &[bent])
        })
        .collect();
    let y = unrolled::chain(&mut w, sums);
    let outputs = [("y".to_string(), y)].into_iter().chain(ends.into_iter().enumerate().map(|(i, end)| (format!("t{i}"), end)));
    w.g.finish(outputs.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..config() })]

    #[test]
    fn planted_repetition_keeps_every_bit(numbers in prop::collection::vec(any::<u32>(), 60..200), edges in any::<bool>()) {
        let graph = planted(&numbers);
        let derived = with_gradient(&graph);
        let at = point(&graph, 1, edges);
        let plain = bits(&plainly(&derived, &at));
        let (alone, many) = ([false; 8], [true; 8]);
        prop_assert_eq!(&bits(&run(&derived, &Want::Value, &at, &many, 1, 1)), &plain);
        prop_assert_eq!(&bits(&run(&derived, &Want::Value, &at, &alone, 1, 1)), &plain);
        let all: Vec<usize> = (0..8).collect();
        for (want, directions) in [
            (Want::Jacobian { wrt: all.clone(), mode: Mode::Forward }, 0),
            (Want::Jacobian { wrt: all.clone(), mode: Mode::Reverse }, 0),
            (Want::Jvp { inputs: all.clone() }, 8),
        ] {
            let points = 3;
            let own = point(&graph, points, edges);
            let inputs: Vec<Vec<f64>> = own.iter().cloned().chain(own.iter().take(directions).map(|x| x.iter().map(|x| 0.5 - x).collect())).collect();
            let many = vec![true; inputs.len()];
            let written = Program::compile_as_written(&graph, &want, &many).unwrap();
            let expected = run_program(&written, &want, &inputs, &many, points, points);
            prop_assert!(bits(&run(&graph, &want, &inputs, &many, points, points)) == bits(&expected), "{:?}", want);
        }
    }
}

//! The conventions at edges (structural zero, poles, kinks, routing), in both modes and at every lane position.

use nablad::engine::Shape;
use nablad::engine::graph::{Body, Builder, Graph, NodeId};
use nablad::engine::op::{self, Attributes, Value};
use nablad::engine::program::{Mode, Want};

use super::loops::body;
use super::{bits, run};

fn find(name: &str) -> &'static op::Row {
    op::find(name).unwrap_or_else(|| panic!("no operator {name}"))
}

/// A function of scalars x and y.
fn of(build: impl Fn(&mut Builder, NodeId, NodeId) -> NodeId) -> Graph {
    let mut g = Builder::default();
    let x = g.input("x", Shape::scalar()).unwrap();
    let y = g.input("y", Shape::scalar()).unwrap();
    let f = build(&mut g, x, y);
    g.finish(vec![("f".into(), f)])
}

/// The Jacobian [∂f/∂x, ∂f/∂y] in both modes, alone and at every position of a batch of nine whose other points are ordinary.
fn check(graph: &Graph, x: f64, y: f64, expected: [f64; 2], what: &str) {
    for mode in [Mode::Forward, Mode::Reverse] {
        for place in 0..9 {
            let column = |value: f64| (0..9).map(|i| if i == place { value } else { 0.3 + 0.05 * i as f64 }).collect::<Vec<_>>();
            let want = Want::Jacobian { wrt: vec![0, 1], mode };
            let batch = run(graph, &want, &[column(x), column(y)], &[true, true], 9, 9);
            let got = &batch[1][2 * place..2 * place + 2];
            for (got, expected) in got.iter().zip(expected) {
                let same = *got == expected || (got.is_nan() && expected.is_nan());
                assert!(same, "{what} at ({x}, {y}), {mode:?}, lane {place}: {got}, not {expected}");
            }
        }
    }
}

/// The second derivatives [∂²f/∂x², ∂²f/∂x∂y, ∂²f/∂y²] in both modes and at every lane position, and from the series along x and
/// along y.
fn check_second(graph: &Graph, x: f64, y: f64, expected: [f64; 3], what: &str) {
    let same = |got: f64, expected: f64| {
        let close = (got - expected).abs() <= 1e-15 * expected.abs();
        got == expected || close || (got.is_nan() && expected.is_nan())
    };
    for place in 0..9 {
        let column = |value: f64| (0..9).map(|i| if i == place { value } else { 0.3 + 0.05 * i as f64 }).collect::<Vec<_>>();
        for mode in [Mode::Forward, Mode::Reverse] {
            let want = Want::Hessian { wrt: vec![0, 1], mode };
            let batch = run(graph, &want, &[column(x), column(y)], &[true, true], 9, 9);
            let got = &batch[3][4 * place..4 * place + 4];
            for (got, expected) in got.iter().zip([expected[0], expected[1], expected[1], expected[2]]) {
                assert!(same(*got, expected), "{what} at ({x}, {y}), {mode:?}, lane {place}: {got}, not {expected}");
            }
        }
        for (input, twice) in [(0, expected[0]), (1, expected[2])] {
            let want = Want::Taylor { inputs: vec![input], order: 2 };
            let batch = run(graph, &want, &[column(x), column(y), vec![1.0]], &[true, true, false], 9, 9);
            let got = 2.0 * batch[3][place];
            assert!(same(got, twice), "{what} at ({x}, {y}), series along {input}, lane {place}: {got}, not {twice}");
        }
    }
}

#[test]
fn edges_of_second_order() {
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    let unary = |name: &'static str| of(move |g, x, _| g.call(find(name), &[x]).unwrap());
    let binary = |name: &'static str| of(move |g, x, y| g.call(find(name), &[x, y]).unwrap());
    for (name, x, bend) in [
        // kinks and steps, at NaN too
        ("abs", 0.0, 0.0),
        ("abs", -0.0, 0.0),
        ("relu", 0.0, 0.0),
        ("relu", NAN, 0.0),
        ("floor", 0.0, 0.0),
        ("floor", NAN, 0.0),
        ("sign", NAN, 0.0),
        ("round", 0.5, 0.0),
        // poles: the one-sided limit
        ("sqrt", 0.0, -INF),
        ("sqrt", -0.0, -INF),
        ("rsqrt", 0.0, INF),
        ("log", 0.0, -INF),
        ("log", -0.0, -INF),
        ("log1p", -1.0, -INF),
        ("asin", 1.0, INF),
        ("acos", 1.0, -INF),
        ("acosh", 1.0, -INF),
        ("atanh", 1.0, INF),
        // outside the domain
        ("log", -1.0, NAN),
        ("sqrt", -1.0, NAN),
        ("asin", 2.0, NAN),
        ("acosh", 0.0, NAN),
        ("atanh", 2.0, NAN),
        // tails and removable points
        ("tanh", 400.0, 0.0),
        ("sigmoid", -800.0, 0.0),
        ("softplus", 0.0, 0.25),
        ("erf", INF, 0.0),
        ("exp", -INF, 0.0),
        ("sinc", 0.0, -std::f64::consts::PI.powi(2) / 3.0),
        ("square", 0.0, 2.0),
    ] {
        check_second(&unary(name), x, 0.5, [bend, 0.0, 0.0], name);
    }
    for (name, x, y, bends) in [
        ("maximum", 2.0, 2.0, [0.0, 0.0, 0.0]),
        ("maximum", NAN, 1.0, [0.0, 0.0, 0.0]),
        ("minimum", 1.0, NAN, [0.0, 0.0, 0.0]),
        ("copysign", 0.0, -1.0, [0.0, 0.0, 0.0]),
        ("less", 1.0, 1.0, [0.0, 0.0, 0.0]),
        ("multiply", 0.0, INF, [0.0, 1.0, 0.0]),
        ("divide", 1.0, 0.0, [0.0, -INF, INF]),
        ("pow", 0.0, 2.0, [2.0, 0.0, 0.0]),
        ("pow", 0.0, 3.0, [0.0, 0.0, 0.0]),
        ("xlogy", 0.0, 2.0, [0.0, 0.5, 0.0]),
        ("xlogy", 0.0, 0.0, [0.0, INF, 0.0]),
        ("logaddexp", -INF, -INF, [0.0, 0.0, 0.0]),
        ("hypot", 0.0, 0.0, [INF, 0.0, INF]),
    ] {
        check_second(&binary(name), x, y, bends, name);
    }
    // a constant exponent: that of repeated multiplication, at 0 and below
    for (n, x, bend) in
        [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (2.0, 0.0, 2.0), (3.0, 0.0, 0.0), (3.0, -2.0, -12.0), (2.0, NAN, 2.0), (-1.0, 2.0, 0.25)]
    {
        let power = of(move |g, x, _| {
            let n = g.number(n);
            g.call(find("pow"), &[x, n]).unwrap()
        });
        check_second(&power, x, 0.5, [bend, 0.0, 0.0], &format!("x^{n}"));
    }
    let clipped = of(|g, x, _| {
        let (low, high, square) = (g.number(0.0), g.number(1.0), g.call(find("square"), &[x]).unwrap());
        g.call(find("clip"), &[square, low, high]).unwrap()
    });
    check_second(&clipped, 1.0, 0.5, [0.0, 0.0, 0.0], "clip(x²) at its bound");
    check_second(&clipped, 0.5, 0.5, [2.0, 0.0, 0.0], "clip(x²) inside");
}

#[test]
fn edges() {
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    let unary = |name: &'static str| of(move |g, x, _| g.call(find(name), &[x]).unwrap());
    let binary = |name: &'static str| of(move |g, x, y| g.call(find(name), &[x, y]).unwrap());
    for (name, x, slope) in [
        ("abs", 0.0, 0.0),
        ("abs", -0.0, 0.0),
        ("relu", 0.0, 0.0),
        ("relu", NAN, 1.0),
        ("sqrt", 0.0, INF),
        ("sqrt", -0.0, INF),
        ("log", 0.0, INF),
        ("log", -0.0, INF),
        ("log", -1.0, NAN),
        ("log2", -1.0, NAN),
        ("log10", 0.0, INF),
        ("log1p", -1.0, INF),
        ("log1p", -2.0, NAN),
        ("rsqrt", 0.0, -INF),
        ("cbrt", 0.0, INF),
        ("asin", 1.0, INF),
        ("acos", -1.0, -INF),
        ("asin", 2.0, NAN),
        ("acosh", 1.0, INF),
        ("acosh", 0.0, NAN),
        ("atanh", 1.0, INF),
        ("atanh", 2.0, NAN),
        ("log1mexp", 0.0, -INF),
        ("log1mexp", 1.0, NAN),
        ("floor", NAN, 0.0),
        ("sign", NAN, 0.0),
        ("round", 0.5, 0.0),
        ("gelu", -INF, 0.0),
        ("silu", -INF, 0.0),
        ("sinc", 0.0, 0.0),
        ("tanh", 400.0, 0.0),
        ("sigmoid", -800.0, 0.0),
        ("erf", INF, 0.0),
        ("atan", INF, 0.0),
        ("exp", -INF, 0.0),
    ] {
        check(&unary(name), x, 0.5, [slope, 0.0], name);
    }
    for (name, x, y, slopes) in [
        ("hypot", 0.0, 0.0, [0.0, 0.0]),
        ("maximum", 2.0, 2.0, [0.5, 0.5]),
        ("maximum", NAN, 1.0, [1.0, 0.0]),
        ("minimum", 1.0, NAN, [0.0, 1.0]),
        ("pow", 0.0, 2.0, [0.0, 0.0]),
        ("pow", -2.0, 2.0, [-4.0, NAN]),
        ("pow", 0.0, 1.0, [1.0, 0.0]),
        ("xlogy", 0.0, 2.0, [2f64.ln(), 0.0]),
        ("xlogy", 0.0, 0.0, [-INF, 0.0]),
        ("logaddexp", -INF, -INF, [0.0, 0.0]),
        ("divide", 0.0, 0.0, [INF, NAN]),
        ("divide", 1.0, 0.0, [INF, -INF]),
        ("atan2", 0.0, 0.0, [0.0, 0.0]),
        ("copysign", 0.0, -1.0, [0.0, 0.0]),
        ("remainder", 1.0, 0.0, [NAN, NAN]),
        ("less", 1.0, 1.0, [0.0, 0.0]),
        ("multiply", 0.0, INF, [INF, 0.0]),
    ] {
        check(&binary(name), x, y, slopes, name);
    }
}

#[test]
fn structural_zeros_beat_poles() {
    let root_of_square = of(|g, x, _| {
        let square = g.call(find("square"), &[x]).unwrap();
        g.call(find("sqrt"), &[square]).unwrap()
    });
    check(&root_of_square, 0.0, 0.5, [0.0, 0.0], "sqrt(x²)");
    let nothing_times_infinity = of(|g, x, y| {
        let flat = g.call(find("floor"), &[x]).unwrap();
        let pole = g.call(find("log"), &[y]).unwrap();
        g.call(find("multiply"), &[flat, pole]).unwrap()
    });
    check(&nothing_times_infinity, 0.0, 0.0, [0.0, 0.0], "floor(x)·log(y)");
    let twice = of(|g, x, _| g.call(find("maximum"), &[x, x]).unwrap());
    check(&twice, 3.0, 0.5, [1.0, 0.0], "max(x, x)");
    check_second(&nothing_times_infinity, 0.0, 0.0, [0.0, 0.0, 0.0], "floor(x)·log(y)");
    check_second(&twice, 3.0, 0.5, [0.0, 0.0, 0.0], "max(x, x)");
    // p″·u′² is nothing, for u′ is 0, but p′·u″ is ∞·2: the pole stands where neither side is 0
    check_second(&root_of_square, 0.0, 0.5, [f64::INFINITY, 0.0, 0.0], "sqrt(x²)");
}

#[test]
fn an_unselected_branch_leaves_no_trace() {
    let guarded = |branch: fn(&mut Builder, NodeId, NodeId) -> NodeId| {
        of(move |g, x, y| {
            let zero = g.number(0.0);
            let condition = g.call(find("greater"), &[x, zero]).unwrap();
            let taken = g.call(find("sin"), &[x]).unwrap();
            let other = branch(g, x, y);
            let chosen = g.call(find("where"), &[condition, taken, other]).unwrap();
            let square = g.call(find("square"), &[x]).unwrap();
            g.call(find("multiply"), &[chosen, square]).unwrap()
        })
    };
    let fine = guarded(|g, x, y| g.call(find("multiply"), &[x, y]).unwrap());
    let broken = guarded(|g, x, y| {
        let nan = g.number(f64::NAN);
        let poisoned = g.call(find("multiply"), &[x, nan]).unwrap();
        let root = g.call(find("sqrt"), &[y]).unwrap();
        g.call(find("multiply"), &[poisoned, root]).unwrap()
    });
    same_derivatives(&fine, &broken, 6, "a product");
}

/// Two functions have the same derivatives to the bit, each point at every lane position.
fn same_derivatives(fine: &Graph, broken: &Graph, order: usize, name: &str) {
    let columns = [vec![0.5, 1.0, 2.0, 1e-300, 3.0], vec![-0.0, 0.0, -1.0, 7.0, f64::NAN]];
    for mode in [Mode::Forward, Mode::Reverse] {
        for want in [Want::Jacobian { wrt: vec![0, 1], mode }, Want::Hessian { wrt: vec![0, 1], mode }] {
            for place in 0..5 {
                let turned = columns.clone().map(|mut column| {
                    column.rotate_left(place);
                    column
                });
                let slopes = |graph: &Graph| run(graph, &want, &turned, &[true, true], 5, 5);
                assert_eq!(bits(&slopes(fine)), bits(&slopes(broken)), "{name}, {want:?}, {place}");
            }
        }
    }
    let directions = [columns[0].clone(), columns[1].clone(), vec![1.0], vec![-0.5]];
    for want in [Want::Hvp { wrt: vec![0, 1], vectors: vec![0, 1] }, Want::Taylor { inputs: vec![0, 1], order }] {
        let slopes = |graph: &Graph| run(graph, &want, &directions, &[true, true, false, false], 5, 5);
        assert_eq!(bits(&slopes(fine)), bits(&slopes(broken)), "{name}, {want:?}");
    }
}

/// A branch that is NaN or infinite, through an operator whose derivative is not a partial a cell.
type Branch = (&'static str, fn(&mut Builder, NodeId, NodeId) -> NodeId);

/// x·NaN, whatever x is.
fn poisoned(g: &mut Builder, x: NodeId) -> NodeId {
    let nan = g.number(f64::NAN);
    g.call(find("multiply"), &[x, nan]).unwrap()
}

/// What x and y are, and the root of y, as a vector.
fn vector(g: &mut Builder, x: NodeId, y: NodeId) -> NodeId {
    let root = g.call(find("sqrt"), &[y]).unwrap();
    g.call(find("stack"), &[x, y, root]).unwrap()
}

/// [[x, y, √y], …] of n rows.
fn square(g: &mut Builder, x: NodeId, y: NodeId, n: usize) -> NodeId {
    let row = vector(g, x, y);
    let twice = g.call(find("concat"), &[row, row, row]).unwrap();
    let whole = g.apply(find("slice"), &[twice], Attributes::none().with("stop", Value::Bounds(vec![Some((n * n) as i64)]))).unwrap();
    g.reshape(whole, &Shape::from([n, n])).unwrap()
}

fn total(g: &mut Builder, x: NodeId) -> NodeId {
    g.call(find("sum"), &[x]).unwrap()
}

/// (u, p) → √u·p + u/p, of these shapes.
fn step(u: &[usize], p: &[usize]) -> Body {
    body(&[u, p], |g, a| {
        let p = if g.shape(a[1]) == g.shape(a[0]) { a[1] } else { total(g, a[1]) };
        let root = g.call(find("sqrt"), &[a[0]]).unwrap();
        let (product, ratio) = (g.multiply(root, p).unwrap(), g.divide(a[0], p).unwrap());
        vec![g.add(product, ratio).unwrap()]
    })
}

fn of_function(name: &str, function: Body) -> Attributes {
    Attributes::none().with(if name == "while_loop" { "body" } else { "function" }, Value::Body(function))
}

const BRANCHES: &[Branch] = &[
    ("map", |g, x, y| {
        let over = poisoned(g, x);
        let over = vector(g, over, y);
        let attributes = of_function("map", step(&[], &[])).with("in_axes", Value::Bounds(vec![Some(0), None]));
        let mapped = g.apply(find("map"), &[over, y], attributes).unwrap();
        let mapped = g.item(mapped, 0).unwrap();
        total(g, mapped)
    }),
    ("map by a shared argument", |g, x, y| {
        let over = vector(g, x, y);
        let shared = poisoned(g, y);
        let attributes = of_function("map", step(&[], &[])).with("in_axes", Value::Bounds(vec![Some(0), None]));
        let mapped = g.apply(find("map"), &[over, shared], attributes).unwrap();
        let mapped = g.item(mapped, 0).unwrap();
        total(g, mapped)
    }),
    ("scan", |g, x, y| {
        let (carry, slices) = (poisoned(g, x), vector(g, x, y));
        let scan = g.apply(find("scan"), &[carry, slices], of_function("scan", step(&[], &[]))).unwrap();
        g.item(scan, 0).unwrap()
    }),
    ("scan of what it stacks", |g, x, y| {
        let slices = vector(g, x, y);
        let function = body(&[&[], &[]], |g, a| {
            let root = g.call(find("sqrt"), &[a[1]]).unwrap();
            vec![g.multiply(a[0], root).unwrap(), g.divide(root, a[0]).unwrap()]
        });
        let scan = g.apply(find("scan"), &[y, slices], of_function("scan", function)).unwrap();
        let stacked = g.item(scan, 1).unwrap();
        total(g, stacked)
    }),
    ("while_loop", |g, x, y| {
        let carry = poisoned(g, x);
        let going = body(&[&[], &[]], |_, a| vec![a[0]]);
        let attributes = of_function("while_loop", step(&[], &[])).with("condition", Value::Body(going)).with("max_steps", Value::Int(4));
        let looped = g.apply(find("while_loop"), &[carry, y], attributes).unwrap();
        g.item(looped, 0).unwrap()
    }),
    ("root", |g, x, y| {
        let function = body(&[&[], &[], &[]], |g, a| {
            let square = g.square(a[0]).unwrap();
            let root = g.call(find("sqrt"), &[a[1]]).unwrap();
            let sum = g.add(square, root).unwrap();
            vec![g.add(sum, a[2]).unwrap()]
        });
        g.apply(find("root"), &[x, y, x], of_function("root", function)).unwrap()
    }),
    ("root of a system", |g, x, y| {
        let (guess, p) = (vector(g, x, y), poisoned(g, x));
        let function = body(&[&[3], &[]], |g, a| {
            let all = total(g, a[0]);
            let product = g.multiply(a[0], all).unwrap();
            vec![g.subtract(product, a[1]).unwrap()]
        });
        let z = g.apply(find("root"), &[guess, p], of_function("root", function)).unwrap();
        total(g, z)
    }),
    ("fixed_point", |g, x, y| {
        let function = body(&[&[], &[]], |g, a| vec![g.add(a[0], a[1]).unwrap()]);
        let p = g.call(find("sqrt"), &[y]).unwrap();
        g.apply(find("fixed_point"), &[x, p], of_function("fixed_point", function)).unwrap()
    }),
    ("odeint", |g, x, y| {
        let (start, times) = (poisoned(g, x), vector(g, x, y));
        let path = g.apply(find("odeint"), &[start, times], of_function("odeint", step(&[], &[]))).unwrap();
        total(g, path)
    }),
    ("odeint by a parameter", |g, x, y| {
        let (times, p) = (vector(g, x, y), poisoned(g, y));
        let function = body(&[&[], &[], &[]], |g, a| {
            let product = g.multiply(a[0], a[2]).unwrap();
            vec![g.call(find("sqrt"), &[product]).unwrap()]
        });
        let attributes = of_function("odeint", function).with("method", Value::Text("dopri5")).with("steps", Value::Int(2));
        let path = g.apply(find("odeint"), &[x, times, p], attributes).unwrap();
        total(g, path)
    }),
    ("inv", |g, x, y| {
        let a = square(g, x, y, 3);
        let inverse = g.call(find("inv"), &[a]).unwrap();
        total(g, inverse)
    }),
    ("solve", |g, x, y| {
        let (a, b) = (square(g, x, y, 3), vector(g, x, y));
        let b = poisoned(g, b);
        let solution = g.call(find("solve"), &[a, b]).unwrap();
        total(g, solution)
    }),
    ("det", |g, x, y| {
        let a = square(g, x, y, 3);
        let a = poisoned(g, a);
        g.call(find("det"), &[a]).unwrap()
    }),
    ("eigh", |g, x, y| {
        let a = square(g, x, y, 2);
        let several = g.call(find("eigh"), &[a]).unwrap();
        let (values, vectors) = (g.item(several, 0).unwrap(), g.item(several, 1).unwrap());
        let (values, vectors) = (total(g, values), total(g, vectors));
        g.add(values, vectors).unwrap()
    }),
    ("svd", |g, x, y| {
        let a = square(g, x, y, 2);
        let a = poisoned(g, a);
        let several = g.call(find("svd"), &[a]).unwrap();
        let parts = [0, 1, 2].map(|i| {
            let part = g.item(several, i).unwrap();
            total(g, part)
        });
        g.call(find("add"), &parts).unwrap()
    }),
    ("qr", |g, x, y| {
        let a = square(g, x, y, 3);
        let several = g.call(find("qr"), &[a]).unwrap();
        let (q, r) = (g.item(several, 0).unwrap(), g.item(several, 1).unwrap());
        let (q, r) = (total(g, q), total(g, r));
        g.add(q, r).unwrap()
    }),
    ("cholesky", |g, x, y| {
        let a = square(g, x, y, 3);
        let factor = g.call(find("cholesky"), &[a]).unwrap();
        total(g, factor)
    }),
    ("expm", |g, x, y| {
        let a = square(g, x, y, 2);
        let a = poisoned(g, a);
        let power = g.call(find("expm"), &[a]).unwrap();
        total(g, power)
    }),
];

#[test]
fn an_unselected_loop_or_matrix_leaves_no_trace() {
    let guarded = |branch: fn(&mut Builder, NodeId, NodeId) -> NodeId| {
        of(move |g, x, y| {
            let zero = g.number(0.0);
            let condition = g.call(find("greater"), &[x, zero]).unwrap();
            let taken = g.call(find("sin"), &[x]).unwrap();
            let other = branch(g, x, y);
            let chosen = g.call(find("where"), &[condition, taken, other]).unwrap();
            let square = g.square(x).unwrap();
            g.multiply(chosen, square).unwrap()
        })
    };
    let fine = guarded(|g, x, y| g.multiply(x, y).unwrap());
    for (name, branch) in BRANCHES {
        same_derivatives(&fine, &guarded(*branch), 3, name);
    }
}

/// Kinks, poles and structural zeros inside loops are what they are outside.
#[test]
fn edges_inside_loops() {
    let looped = |name: &'static str, kind: usize| {
        of(move |g, x, _| {
            let function = body(&[&[]], move |g, a| vec![g.call(find(name), &[a[0]]).unwrap()]);
            let one = g.reshape(x, &Shape::from([1])).unwrap();
            let several = match kind {
                0 => g.apply(find("map"), &[one], of_function("map", function)).unwrap(),
                1 => g.apply(find("scan"), &[x], of_function("scan", function).with("length", Value::Int(1))).unwrap(),
                _ => {
                    let always = body(&[&[]], |g, _| vec![g.number(1.0)]);
                    let attributes = of_function("while_loop", function).with("condition", Value::Body(always));
                    g.apply(find("while_loop"), &[x], attributes.with("max_steps", Value::Int(1))).unwrap()
                }
            };
            let result = g.item(several, 0).unwrap();
            g.reshape(result, &Shape::scalar()).unwrap()
        })
    };
    const INF: f64 = f64::INFINITY;
    for (name, x, slope, bend) in [
        ("abs", 0.0, 0.0, 0.0),
        ("relu", 0.0, 0.0, 0.0),
        ("floor", 2.0, 0.0, 0.0),
        ("floor", f64::NAN, 0.0, 0.0),
        ("sqrt", 0.0, INF, -INF),
        ("log", 0.0, INF, -INF),
        ("log", -1.0, f64::NAN, f64::NAN),
        ("asin", 1.0, INF, INF),
        ("stop_gradient", 2.0, 0.0, 0.0),
        ("stop_gradient", f64::NAN, 0.0, 0.0),
    ] {
        for kind in 0..3 {
            check(&looped(name, kind), x, 0.5, [slope, 0.0], name);
            check_second(&looped(name, kind), x, 0.5, [bend, 0.0, 0.0], name);
        }
    }
}

#[test]
fn the_norm_of_nothing_is_zero() {
    for ord in ["1", "2", "inf"] {
        let mut g = Builder::default();
        let x = g.input("x", Shape::from([0])).unwrap();
        let norm = g.apply(find("vector_norm"), &[x], op::Attributes::none().with("ord", op::Value::Text(ord))).unwrap();
        let graph = g.finish(vec![("f".into(), norm)]);
        for mode in [Mode::Forward, Mode::Reverse] {
            let answer = run(&graph, &Want::Gradient { wrt: vec![0], mode }, &[vec![]], &[true], 1, 1);
            assert_eq!((answer[0].as_slice(), answer[1].len()), ([0.0].as_slice(), 0), "{ord}, {mode:?}");
        }
    }
}

#[test]
fn what_a_triangle_drops_leaves_no_trace() {
    for (name, dropped) in [("tril", 1), ("triu", 2)] {
        let mut g = Builder::default();
        let x = g.input("x", Shape::from([2, 2])).unwrap();
        let root = g.call(find("sqrt"), &[x]).unwrap();
        let kept = g.call(find(name), &[root]).unwrap();
        let sum = g.call(find("sum"), &[kept]).unwrap();
        let graph = g.finish(vec![("f".into(), sum)]);
        for mode in [Mode::Forward, Mode::Reverse] {
            let gradient = |poison: f64| {
                let mut matrix = vec![1.0, 2.0, 3.0, 4.0];
                matrix[dropped] = poison;
                run(&graph, &Want::Gradient { wrt: vec![0], mode }, &[matrix], &[true], 1, 1)
            };
            for poison in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
                assert_eq!(bits(&gradient(poison)), bits(&gradient(9.0)), "{name}, {mode:?}, {poison}");
            }
        }
    }
}

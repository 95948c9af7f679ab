//! Random functions, made from a list of numbers so that a failing one can be shrunk and repeated.

use nablad::engine::graph::{Builder, Graph, NodeId};
use nablad::engine::op::{self, Attributes, Value};
use nablad::engine::{Error, Shape, Tensor};

use super::loops::body;

/// Operators with a derivative everywhere, fed so that they stay inside their domain.
const SMOOTH: &[&str] = &[
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "softplus",
    "atan",
    "asinh",
    "erf",
    "ndtr",
    "gelu",
    "silu",
    "sinc",
    "log_sigmoid",
    "exp_tame",
    "log_tame",
    "sqrt_tame",
    "square_tame",
];
const BINARY: &[&str] = &["add", "subtract", "multiply", "hypot_tame", "atan2_tame", "logaddexp", "divide_tame"];
const TENSOR: &[&str] = &[
    "sum",
    "mean",
    "logsumexp",
    "vector_norm_tame",
    "prod_tame",
    "softmax",
    "log_softmax",
    "reshape",
    "permute_dims",
    "slice",
    "take",
    "concat",
    "stack",
    "matmul",
    "vecdot",
    "broadcast_to",
    "expand_dims",
    "index",
    "scatter_add",
    "flip",
    "roll",
    "tile",
    "diagonal",
    "diag",
    "tril",
    "triu",
    "one_hot",
    "var",
    "cumulative_sum",
    "cumulative_prod_tame",
    "linear_recurrence_tame",
    "polyval_tame",
    "einsum",
    "tensordot",
    "cross",
    "convolve",
    "kron",
    "trace",
    "matrix_norm_tame",
];
/// Operators with kinks, steps and poles; only for comparing values and bits.
const ROUGH: &[&str] = &[
    "abs",
    "floor",
    "sqrt",
    "log",
    "reciprocal",
    "relu",
    "sign",
    "maximum",
    "minimum",
    "where",
    "less",
    "max",
    "min",
    "clip",
    "remainder",
    "pow",
    "exp",
    "isnan",
    "asin",
    "gammaln",
    "std",
    "sort",
    "take_sorted",
    "put_sorted",
    "interp",
    "matrix_norm",
];

/// Linear algebra of matrices far from singular, with values apart from each other, and functions in functions.
const DEEP: &[&str] = &[
    "solve",
    "triangular_solve",
    "inv",
    "det",
    "slogdet",
    "cholesky",
    "qr",
    "eigh",
    "svd",
    "expm",
    "pinv",
    "map",
    "scan",
    "scan_of_length",
    "while_loop",
    "root",
    "fixed_point",
    "odeint",
    "stop_gradient",
];

/// A source of small decisions.
pub struct Choices<'a> {
    numbers: &'a [u32],
    at: usize,
}

impl<'a> Choices<'a> {
    pub fn of(numbers: &'a [u32]) -> Choices<'a> {
        Choices { numbers, at: 0 }
    }

    fn next(&mut self, below: usize) -> usize {
        let number = self.numbers.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        number as usize % below.max(1)
    }

    fn left(&self) -> bool {
        self.at < self.numbers.len()
    }
}

/// A function of x [2, 3], v [3] and s [] with the outputs `y` (a scalar) and `t` (some tensor).
pub fn function(numbers: &[u32], smooth: bool) -> Graph {
    made_of(numbers, if smooth { Kinds::Smooth } else { Kinds::Rough })
}

/// The same, with linear algebra and functions in functions among what is smooth.
pub fn deep(numbers: &[u32]) -> Graph {
    made_of(numbers, Kinds::Deep)
}

/// What a function is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kinds {
    Smooth,
    Rough,
    Deep,
}

fn made_of(numbers: &[u32], kinds: Kinds) -> Graph {
    let smooth = kinds != Kinds::Rough;
    let mut choices = Choices::of(numbers);
    let mut g = Builder::default();
    let x = g.input("x", Shape::from([2, 3])).unwrap();
    let v = g.input("v", Shape::from([3])).unwrap();
    let s = g.input("s", Shape::scalar()).unwrap();
    let c = g.constant(Tensor::new([2, 1], vec![0.75, -1.25]).unwrap());
    let mut nodes = vec![x, v, s, c];
    while choices.left() {
        let a = nodes[choices.next(nodes.len())];
        let b = nodes[choices.next(nodes.len())];
        let kind = choices.next(if kinds == Kinds::Smooth { 3 } else { 4 });
        let made = match kind {
            0 => named(&mut g, SMOOTH[choices.next(SMOOTH.len())], a, b, &mut choices),
            1 => named(&mut g, BINARY[choices.next(BINARY.len())], a, b, &mut choices),
            2 => named(&mut g, TENSOR[choices.next(TENSOR.len())], a, b, &mut choices),
            _ if kinds == Kinds::Deep => structured(&mut g, DEEP[choices.next(DEEP.len())], a, b, &mut choices),
            _ => named(&mut g, ROUGH[choices.next(ROUGH.len())], a, b, &mut choices),
        };
        // the mean of nothing is NaN, which no remainder is small against
        let least = usize::from(smooth);
        if let Some(made) = made.filter(|&made| (least..=48).contains(&g.shape(made).elements()) && g.shape(made).rank() <= 4) {
            nodes.push(made);
        }
    }
    let last = *nodes.last().unwrap();
    // every function has some of everything, and stays tame
    let tail = nodes.iter().rev().take(3).map(|&node| tame_sum(&mut g, node)).collect::<Vec<_>>();
    let y = g.call(op::find("add").unwrap(), &tail).unwrap();
    g.finish(vec![("y".into(), y), ("t".into(), last)])
}

fn tame_sum(g: &mut Builder, node: NodeId) -> NodeId {
    let bounded = g.call(op::find("atan").unwrap(), &[node]).unwrap();
    g.call(op::find("sum").unwrap(), &[bounded]).unwrap()
}

/// The operator applied with attributes that fit more often than not; `None` where they do not.
fn named(g: &mut Builder, name: &str, a: NodeId, b: NodeId, choices: &mut Choices<'_>) -> Option<NodeId> {
    let find = |name: &str| op::find(name).unwrap_or_else(|| panic!("no operator {name}"));
    let bounded = |g: &mut Builder, x: NodeId| g.call(find("tanh"), &[x]);
    let positive = |g: &mut Builder, x: NodeId| -> Result<NodeId, nablad::engine::Error> {
        let (square, half) = (g.call(find("square"), &[x])?, g.number(0.5));
        let bounded = g.call(find("tanh"), &[square])?;
        g.call(find("add"), &[bounded, half])
    };
    let shape = g.shape(a).clone();
    let axis = choices.next(shape.rank().max(1)) as i64;
    let some_axis = Attributes::none().with("axis", if choices.next(3) == 0 { Value::Null } else { Value::Ints(vec![axis]) });
    let one_axis = Attributes::none().with("axis", Value::Int(axis));
    let made = match name {
        "exp_tame" | "square_tame" => bounded(g, a).and_then(|a| g.call(find(name.trim_end_matches("_tame")), &[a])),
        "log_tame" | "sqrt_tame" => positive(g, a).and_then(|a| g.call(find(name.trim_end_matches("_tame")), &[a])),
        "hypot_tame" | "atan2_tame" => positive(g, b).and_then(|b| g.call(find(name.trim_end_matches("_tame")), &[a, b])),
        "divide_tame" => positive(g, b).and_then(|b| g.call(find("divide"), &[a, b])),
        "var" | "std" => g.apply(find(name), &[a], some_axis.with("correction", Value::Real([0.0, 0.5][choices.next(2)].into()))),
        "cumulative_sum" => g.apply(find(name), &[a], one_axis.with("reverse", Value::Bool(choices.next(2) == 0))),
        "cumulative_prod_tame" => {
            let attributes = one_axis.with("reverse", Value::Bool(choices.next(2) == 0));
            bounded(g, a).and_then(|a| g.apply(find("cumulative_prod"), &[a], attributes))
        }
        "linear_recurrence_tame" => {
            let attributes = one_axis.with("reverse", Value::Bool(choices.next(2) == 0));
            bounded(g, b).and_then(|b| g.apply(find("linear_recurrence"), &[b, a], attributes))
        }
        "polyval_tame" => bounded(g, b).and_then(|b| {
            let flat = g.reshape(a, &Shape::from([shape.elements()]))?;
            g.call(find("polyval"), &[flat, b])
        }),
        "einsum" => {
            let forms = [
                ("...i,...i->...i", 2),
                ("...i,j->j...", 2),
                ("...i,...j", 2),
                ("ij,ik,jl->kl", 3),
                ("ii", 1),
                ("...i->...", 1),
                ("i,i,i", 3),
            ];
            let (form, count) = forms[choices.next(forms.len())];
            g.apply(find(name), &[a, b, a][..count], Attributes::none().with("subscripts", Value::Written(form.into())))
        }
        "tensordot" => {
            let lists = [Value::Indices(vec![], vec![1].into()), Value::Indices(vec![2, 1], vec![-1, -1].into())];
            g.apply(find(name), &[a, b], Attributes::none().with("axes", lists[choices.next(2)].clone()))
        }
        "convolve" => {
            let mode = ["full", "same", "valid"][choices.next(3)];
            let flat = |g: &mut Builder, x: NodeId| {
                let count = g.shape(x).elements();
                g.reshape(x, &Shape::from([count]))
            };
            flat(g, a).and_then(|a| {
                let b = flat(g, b)?;
                g.apply(find(name), &[a, b], Attributes::none().with("mode", Value::Text(mode)))
            })
        }
        "trace" => g.apply(find(name), &[a], Attributes::none().with("offset", Value::Int(choices.next(3) as i64 - 1))),
        "matrix_norm_tame" => positive(g, a).and_then(|a| g.call(find("matrix_norm"), &[a])),
        "matrix_norm" => g.apply(find(name), &[a], Attributes::none().with("ord", Value::Text(["1", "inf", "fro"][choices.next(3)]))),
        "sort" => g.apply(find(name), &[a], one_axis.with("descending", Value::Bool(choices.next(2) == 0))),
        "take_sorted" | "put_sorted" => {
            let attributes = one_axis.with("descending", Value::Bool(choices.next(2) == 0));
            g.call(find("sin"), &[a]).and_then(|other| g.apply(find(name), &[a, other], attributes))
        }
        "interp" => {
            let list = |values: &[f64]| Value::Reals(values.iter().map(|&value| value.into()).collect());
            g.apply(find(name), &[a], Attributes::none().with("xp", list(&[-1.0, 0.0, 0.5])).with("fp", list(&[2.0, -1.0, 0.5])))
        }
        "vector_norm_tame" => positive(g, a).and_then(|a| g.apply(find("vector_norm"), &[a], some_axis)),
        "prod_tame" => bounded(g, a).and_then(|a| g.apply(find("prod"), &[a], some_axis)),
        "sum" | "mean" | "logsumexp" | "max" | "min" => {
            let keep = choices.next(2) == 0;
            g.apply(find(name), &[a], some_axis.with("keepdims", if keep { Value::Bool(true) } else { Value::Null }))
        }
        "softmax" | "log_softmax" => g.apply(find(name), &[a], one_axis),
        "reshape" => {
            let n = shape.elements() as i64;
            let first = [1, 2, 3, 6][choices.next(4)];
            g.apply(find(name), &[a], Attributes::none().with("shape", Value::Ints(vec![first, n / first])))
        }
        "permute_dims" => g.call(find(name), &[a]),
        "slice" => {
            let bound = |choices: &mut Choices<'_>| [None, Some(0), Some(1), Some(-1)][choices.next(4)];
            let (start, stop) = (vec![bound(choices)], vec![bound(choices)]);
            let step = vec![[None, Some(1), Some(2), Some(-1)][choices.next(4)]];
            let attributes = Attributes::none().with("start", Value::Bounds(start)).with("stop", Value::Bounds(stop));
            g.apply(find(name), &[a], attributes.with("step", Value::Bounds(step)))
        }
        "take" => {
            let indices = Value::Indices(vec![4], vec![0, -1, 0, (choices.next(2)) as i64].into());
            g.apply(find(name), &[a], one_axis.with("indices", indices))
        }
        "scatter_add" => {
            let table = one_axis.with("indices", Value::Indices(vec![3], vec![0, -1, 0].into()));
            g.apply(find("take"), &[a], table.clone()).and_then(|taken| g.apply(find(name), &[a, taken], table))
        }
        "concat" | "stack" => {
            let other = if g.shape(b) == &shape { b } else { a };
            g.apply(find(name), &[a, other], one_axis)
        }
        "index" => g.apply(find(name), &[a], Attributes::none().with("at", Value::Ints(vec![-1]))),
        "broadcast_to" => {
            let sizes: Vec<i64> = std::iter::once(2).chain(shape.sizes().iter().map(|&size| size as i64)).collect();
            g.apply(find(name), &[a], Attributes::none().with("shape", Value::Ints(sizes)))
        }
        "expand_dims" => g.apply(find(name), &[a], Attributes::none().with("axis", Value::Ints(vec![axis]))),
        "flip" => g.apply(find(name), &[a], some_axis),
        "roll" => g.apply(find(name), &[a], some_axis.with("shift", Value::Ints(vec![choices.next(5) as i64 - 2]))),
        "tile" => g.apply(find(name), &[a], Attributes::none().with("repetitions", Value::Ints(vec![choices.next(3) as i64, 2]))),
        "diagonal" | "diag" => g.apply(find(name), &[a], Attributes::none().with("offset", Value::Int(choices.next(3) as i64 - 1))),
        "tril" | "triu" => g.apply(find(name), &[a], Attributes::none().with("k", Value::Int(choices.next(3) as i64 - 1))),
        "one_hot" => {
            let indices = Value::Indices(vec![3], vec![0, -1, choices.next(2) as i64].into());
            let hot = g.apply(find(name), &[], Attributes::none().with("indices", indices).with("size", Value::Int(3)));
            hot.and_then(|hot| g.call(find("multiply"), &[hot, a]))
        }
        "where" => g.call(find(name), &[b, a, b]),
        "clip" => {
            let (low, high) = (g.number(-0.5), g.number(0.5));
            g.call(find(name), &[a, low, high])
        }
        _ => {
            let row = find(name);
            let args = [a, b];
            g.call(row, &args[..row.arity.least.clamp(1, 2)])
        }
    };
    made.ok()
}

fn find(name: &str) -> &'static op::Row {
    op::find(name).unwrap_or_else(|| panic!("no operator {name}"))
}

/// A matrix of n rows of what `a` has, between −1 and 1, with `step`·(i + 1) more on its diagonal.
fn matrix(g: &mut Builder, a: NodeId, n: usize, step: f64) -> Result<NodeId, Error> {
    let count = g.shape(a).elements();
    let flat = g.reshape(a, &Shape::from([count]))?;
    let places: Vec<i64> = (0..n * n).map(|i| ((i * 5) % count) as i64).collect();
    let picked = g.apply(find("take"), &[flat], Attributes::none().with("indices", Value::Indices(vec![n, n], places.into())))?;
    let bounded = g.call(find("tanh"), &[picked])?;
    let ladder = (0..n * n).map(|at| if at / n == at % n { step * (at / n + 1) as f64 } else { 0.0 }).collect();
    let ladder = g.constant(Tensor::new([n, n], ladder).expect("as many numbers"));
    g.call(find("add"), &[bounded, ladder])
}

/// The mean of tanh, a scalar.
fn scalar(g: &mut Builder, x: NodeId) -> Result<NodeId, Error> {
    let bounded = g.call(find("tanh"), &[x])?;
    g.call(find("mean"), &[bounded])
}

/// An operator of linear algebra or of structure of `a`, with `b` as a parameter; `None` where it does not fit.
fn structured(g: &mut Builder, name: &str, a: NodeId, b: NodeId, choices: &mut Choices<'_>) -> Option<NodeId> {
    let (which, other) = (choices.next(6), choices.next(2));
    if [a, b].iter().any(|&x| g.shape(x).elements() == 0) || g.shape(a).elements() > 12 {
        return None;
    }
    let shape = g.shape(a).clone();
    let n = 2 + other;
    let mut made = || -> Result<NodeId, Error> {
        let none = Attributes::none();
        let picked = |g: &mut Builder, several: NodeId, count: usize| g.item(several, which % count);
        match name {
            "solve" | "triangular_solve" => {
                let (left, right) = (matrix(g, a, n, 6.0)?, matrix(g, b, n, 0.0)?);
                let attributes = if name == "solve" { none } else { none.with("lower", Value::Bool(which % 2 == 0)) };
                g.apply(find(name), &[left, right], attributes)
            }
            "slogdet" => {
                let a = matrix(g, a, n, 6.0)?;
                let both = g.call(find(name), &[a])?;
                g.item(both, 1)
            }
            "qr" | "eigh" => {
                let a = matrix(g, a, n, 9.0)?;
                let several = g.call(find(name), &[a])?;
                picked(g, several, 2)
            }
            "svd" => {
                let a = matrix(g, a, n, 9.0)?;
                let several = g.call(find(name), &[a])?;
                picked(g, several, 3)
            }
            "inv" | "det" | "cholesky" | "pinv" => {
                let a = matrix(g, a, n, 6.0)?;
                g.call(find(name), &[a])
            }
            "expm" => {
                let a = matrix(g, a, n, -0.5)?;
                g.call(find(name), &[a])
            }
            "map" => {
                let entry: Vec<usize> = shape.sizes().iter().skip(1).copied().collect();
                let p = scalar(g, b)?;
                let function = body(&[&entry, &[]], |g, x| {
                    let product = g.multiply(x[0], x[1]).unwrap();
                    let sin = g.call(find("sin"), &[product]).unwrap();
                    vec![g.add(sin, x[1]).unwrap(), sin]
                });
                let attributes = none.with("function", Value::Body(function)).with("in_axes", Value::Bounds(vec![Some(0), None]));
                let several = g.apply(find(name), &[a, p], attributes)?;
                picked(g, several, 2)
            }
            "scan" => {
                let entry: Vec<usize> = shape.sizes().iter().skip(1).copied().collect();
                let c = scalar(g, b)?;
                let function = body(&[&[], &entry], |g, x| {
                    let mean = scalar(g, x[1]).unwrap();
                    let sum = g.add(x[0], mean).unwrap();
                    vec![g.call(find("sin"), &[sum]).unwrap(), g.multiply(x[0], x[1]).unwrap()]
                });
                let several = g.apply(find(name), &[c, a], none.with("function", Value::Body(function)))?;
                picked(g, several, 2)
            }
            "scan_of_length" => {
                let p = scalar(g, b)?;
                let function = body(&[shape.sizes(), &[]], |g, x| {
                    let sin = g.call(find("sin"), &[x[0]]).unwrap();
                    let turned = g.multiply(sin, x[1]).unwrap();
                    vec![g.add(turned, x[1]).unwrap()]
                });
                let attributes = none.with("function", Value::Body(function)).with("length", Value::Int(which as i64));
                let several = g.apply(find("scan"), &[a, p], attributes)?;
                g.item(several, 0)
            }
            // each lane with a number of steps of its own
            "while_loop" => {
                let (c, p) = (scalar(g, a)?, scalar(g, b)?);
                let condition = body(&[&[], &[]], |g, x| {
                    let square = g.square(x[0]).unwrap();
                    let bound = g.number(0.05);
                    vec![g.call(find("greater"), &[square, bound]).unwrap()]
                });
                let next = body(&[&[], &[]], |g, x| {
                    let cos = g.call(find("cos"), &[x[1]]).unwrap();
                    let half = g.scale(0.75, cos).unwrap();
                    vec![g.multiply(half, x[0]).unwrap()]
                });
                let attributes = none.with("condition", Value::Body(condition)).with("body", Value::Body(next));
                let several = g.apply(find(name), &[c, p], attributes.with("max_steps", Value::Int(8)))?;
                g.item(several, 0)
            }
            "root" | "fixed_point" => {
                let rooted = name == "root";
                let function = body(&[shape.sizes(), shape.sizes(), &[]], |g, x| {
                    let by = g.add(x[0], x[2]).unwrap();
                    let sin = g.call(find("sin"), &[by]).unwrap();
                    let quarter = g.scale(0.25, sin).unwrap();
                    let sum = g.add(quarter, x[1]).unwrap();
                    vec![if rooted { g.subtract(sum, x[0]).unwrap() } else { sum }]
                });
                let (guess, p) = (g.call(find("tanh"), &[a])?, scalar(g, b)?);
                g.apply(find(name), &[guess, a, p], none.with("function", Value::Body(function)))
            }
            "odeint" => {
                let function = body(&[shape.sizes(), &[], &[]], |g, x| {
                    let wave = g.multiply(x[1], x[2]).unwrap();
                    let wave = g.call(find("cos"), &[wave]).unwrap();
                    let sin = g.call(find("sin"), &[x[0]]).unwrap();
                    vec![g.subtract(wave, sin).unwrap()]
                });
                let p = scalar(g, b)?;
                let t = g.constant(Tensor::new([3], vec![0.0, 0.5, 0.875]).expect("three times"));
                let t = g.multiply(t, p)?;
                let attributes = none.with("function", Value::Body(function)).with("steps", Value::Int(1 + other as i64));
                g.apply(find(name), &[a, t, p], attributes.with("method", Value::Text(["rk4", "dopri5"][which % 2])))
            }
            _ => g.call(find(name), &[a]),
        }
    };
    made().ok()
}

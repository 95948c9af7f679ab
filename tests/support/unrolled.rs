//! Functions as code generators write them: the same few steps a thousand times, a node for each.

use nablad::engine::Shape;
use nablad::engine::graph::{Builder, Graph, NodeId};
use nablad::engine::op::{self, Attributes, Value};

/// What a function is written in: its builder, and shorthand that takes names.
pub struct Writer {
    /// The builder.
    pub g: Builder,
}

impl Writer {
    /// An operator by its name.
    pub fn call(&mut self, name: &str, args: &[NodeId]) -> NodeId {
        self.g.call(op::find(name).expect("the operator exists"), args).expect("it is well formed")
    }

    /// One number of a vector.
    pub fn pick(&mut self, x: NodeId, at: usize) -> NodeId {
        let row = op::find("index").expect("the operator exists");
        self.g.apply(row, &[x], Attributes::none().with("at", Value::Ints(vec![at as i64]))).expect("it is inside")
    }

    /// One operator after another, on numbers and nodes written in reverse Polish notation: `"a b * exp"`.
    pub fn write(&mut self, polish: &str, names: &[(&str, NodeId)]) -> NodeId {
        let mut stack: Vec<NodeId> = Vec::new();
        for word in polish.split_whitespace() {
            let made = match (names.iter().find(|(name, _)| *name == word), word.parse::<f64>()) {
                (Some(&(_, node)), _) => node,
                (None, Ok(number)) => self.g.number(number),
                (None, Err(_)) => {
                    let row = op::find(word).unwrap_or_else(|| panic!("no operator {word}"));
                    let args = stack.split_off(stack.len() - row.arity.least.max(if row.arity.most.is_none() { 2 } else { 1 }));
                    self.g.call(row, &args).expect("it is well formed")
                }
            };
            stack.push(made);
        }
        stack.pop().expect("something was written")
    }
}

/// How inputs are given to a function of `n` unknowns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// An input a number.
    Scalars,
    /// One vector, whose elements are picked.
    Vector,
}

/// A function of `n` unknowns: what `write` makes of them.
pub fn of_unknowns(n: usize, given: Given, write: impl FnOnce(&mut Writer, &[NodeId]) -> NodeId) -> Graph {
    let mut w = Writer { g: Builder::default() };
    let x: Vec<NodeId> = match given {
        Given::Scalars => (0..n).map(|i| w.g.input(format!("x{i}"), Shape::scalar()).expect("a scalar is small")).collect(),
        Given::Vector => {
            let x = w.g.input("x", Shape::from([n])).expect("it is within the bounds");
            (0..n).map(|i| w.pick(x, i)).collect()
        }
    };
    let y = write(&mut w, &x);
    w.g.finish(vec![("y".into(), y)])
}

/// Some number for each i, never twice the same among neighbours.
pub fn datum(i: usize, salt: usize) -> f64 {
    (((i * 7919 + salt * 104_729) % 40_009) as f64 - 20_000.0) / 19_937.0
}

/// The sum of terms, one addition after the other.
pub fn chain(w: &mut Writer, terms: impl IntoIterator<Item = NodeId>) -> NodeId {
    terms.into_iter().reduce(|sum, term| w.call("add", &[sum, term])).expect("there are terms")
}

/// Σ (a·exp(−b·tᵢ) + c − yᵢ)² over `n` observations.
pub fn least_squares(n: usize, given: Given) -> Graph {
    of_unknowns(3, given, |w, x| {
        let terms: Vec<NodeId> = (0..n)
            .map(|i| {
                let (t, y) = (w.g.number(2.0 + datum(i, 1)), w.g.number(datum(i, 2)));
                w.write("a b t * negative exp * c + y - square", &[("a", x[0]), ("b", x[1]), ("c", x[2]), ("t", t), ("y", y)])
            })
            .collect();
        chain(w, terms)
    })
}

/// Σ 100·(xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)² of `n` unknowns.
pub fn rosenbrock(n: usize, given: Given) -> Graph {
    of_unknowns(n, given, |w, x| {
        let terms: Vec<NodeId> =
            x.windows(2).map(|pair| w.write("100 b a square - square * 1 a - square +", &[("a", pair[0]), ("b", pair[1])])).collect();
        chain(w, terms)
    })
}

/// Squared residuals of a boundary value problem on `n` points, u″ + sin u = f, with other equations at both ends.
pub fn stencil(n: usize, given: Given) -> Graph {
    of_unknowns(n, given, |w, u| {
        let mut terms = vec![w.write("u 0.25 - square", &[("u", u[0])])];
        for i in 1..n - 1 {
            let f = w.g.number(datum(i, 3));
            terms.push(w.write("a 2 b * - c + 1.5 * b sin + f - square", &[("a", u[i - 1]), ("b", u[i]), ("c", u[i + 1]), ("f", f)]));
        }
        terms.push(w.write("u v - square", &[("u", u[n - 1]), ("v", u[n - 2])]));
        chain(w, terms)
    })
}

/// The potential energy of `n` bodies in space: a term for each pair.
pub fn bodies(n: usize, given: Given) -> Graph {
    of_unknowns(3 * n, given, |w, x| {
        let mut terms = Vec::new();
        for i in 0..n {
            for j in 0..i {
                let mass = w.g.number((1.0 + datum(i, 4)) * (1.0 + datum(j, 4)));
                let squares: Vec<NodeId> = (0..3).map(|k| w.write("a b - square", &[("a", x[3 * i + k]), ("b", x[3 * j + k])])).collect();
                let distance = chain(w, squares);
                terms.push(w.write("m d 0.01 + sqrt / negative", &[("m", mass), ("d", distance)]));
            }
        }
        chain(w, terms)
    })
}

/// A random graph of + · sin exp(−x²) over 16 inputs: nothing repeats.
pub fn random(nodes: usize) -> Graph {
    of_unknowns(16, Given::Scalars, |w, x| {
        let mut state = 8u64;
        let mut next = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below.max(1)
        };
        let mut all = x.to_vec();
        while all.len() < nodes {
            let a = all[all.len() - 1 - next(all.len().min(200))];
            let b = all[next(all.len())];
            let made = match next(20) {
                0..7 => w.write("a b + 0.7 *", &[("a", a), ("b", b)]),
                7..14 => w.write("a b *", &[("a", a), ("b", b)]),
                14..17 => w.write("a sin", &[("a", a)]),
                _ => w.write("a square negative exp", &[("a", a)]),
            };
            all.push(made);
        }
        let tail = all.split_off(all.len() - 100);
        chain(w, tail)
    })
}

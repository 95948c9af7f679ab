//! Products by constants: two that are one, and those that are none.
//!
//! Let c be a constant with 1 ≤ |c| < ∞. A product by c is zero only where its argument is, since nothing underflows; a product by ±2ᵏ with
//! k ≥ 0 is exact but where it overflows, and there every further c leaves the infinity. So c·(2ᵏ·x) is (c·2ᵏ)·x to the bit.

use super::super::Tensor;
use super::super::graph::{Arena, Kind, NodeId};
use super::super::op::{Row, arithmetic, calculus, choice, shape};

/// What an application is as well.
#[derive(Debug, PartialEq)]
pub(super) enum Product {
    /// A node, perhaps broadcast.
    Is(NodeId),
    /// A product of a number and a node, perhaps broadcast.
    Of(&'static Row, f64, NodeId),
}

/// How far back signs of zeros are looked for.
const DEPTH: usize = 4;

/// The number that every element of a node is, if it is a constant.
pub(super) fn number(arena: &Arena, id: NodeId) -> Option<f64> {
    let value = constant(arena, id)?;
    if let [number] = value.data() { Some(*number) } else { None }
}

/// The constant that a node is, or of which it is a broadcast.
pub(super) fn constant(arena: &Arena, id: NodeId) -> Option<&Tensor> {
    let of = match arena.kind(id) {
        Kind::Apply { op, args, .. } if *op == shape::BROADCAST_TO => args[0],
        _ => id,
    };
    if let Kind::Constant(value) = arena.kind(of) { Some(value) } else { None }
}

/// Fewer operations for a product by a constant, or for what is taken from 0. `alone` says that nobody else reads the last argument.
pub(super) fn shortened(arena: &Arena, op: &'static Row, args: &[NodeId], alone: bool) -> Option<Product> {
    let &[a, b] = args else { return None };
    if *op == arithmetic::SUBTRACT {
        let from_zero = alone && number(arena, a)?.to_bits() == 0;
        let (_, factor, of) = scaled(arena, b).filter(|_| from_zero)?;
        return Some(Product::Of(&calculus::CHAIN_MULTIPLY, -factor, of));
    }
    let (factor, of) = by_number(arena, op, args)?;
    let chain = *op == calculus::CHAIN_MULTIPLY;
    if chain && factor == 1.0 && has_no_negative_zero(arena, of, DEPTH) {
        return Some(Product::Is(of));
    }
    let (inner, own, of) = scaled(arena, of).filter(|_| is_scale(factor))?;
    if !(is_power_of_two(own) && (own * factor).is_finite()) {
        return None;
    }
    match (chain, *inner == calculus::CHAIN_MULTIPLY) {
        (false, false) => Some(Product::Of(&arithmetic::MULTIPLY, own * factor, of)),
        // the zero that the inner one makes positive stays so
        (false, true) if factor < 0.0 => None,
        _ => Some(Product::Of(&calculus::CHAIN_MULTIPLY, own * factor, of)),
    }
}

/// The plain product that one of the chain rule is.
pub(super) fn plain(arena: &Arena, op: &'static Row, args: &[NodeId]) -> Option<Product> {
    let (factor, of) = by_number(arena, op, args).filter(|_| *op == calculus::CHAIN_MULTIPLY)?;
    let same = is_scale(factor) && factor > 0.0 && has_no_negative_zero(arena, of, DEPTH);
    same.then_some(Product::Of(&arithmetic::MULTIPLY, factor, of))
}

/// The constant and the other argument of a product of either kind.
fn by_number(arena: &Arena, op: &'static Row, args: &[NodeId]) -> Option<(f64, NodeId)> {
    let product = *op == arithmetic::MULTIPLY || *op == calculus::CHAIN_MULTIPLY;
    let &[a, b] = args else { return None };
    match (number(arena, a), number(arena, b)) {
        (Some(factor), None) if product => Some((factor, b)),
        (None, Some(factor)) if product => Some((factor, a)),
        _ => None,
    }
}

/// A node as a product of either kind by c.
fn scaled(arena: &Arena, id: NodeId) -> Option<(&'static Row, f64, NodeId)> {
    let Kind::Apply { op, args, .. } = arena.kind(id) else { return None };
    by_number(arena, op, args).filter(|&(factor, _)| is_scale(factor)).map(|(factor, of)| (op, factor, of))
}

/// Whether a number is a c.
fn is_scale(factor: f64) -> bool {
    (1.0..f64::INFINITY).contains(&factor.abs())
}

/// Whether a c is ±2ᵏ.
fn is_power_of_two(factor: f64) -> bool {
    factor.to_bits().trailing_zeros() + 1 >= f64::MANTISSA_DIGITS
}

/// Whether it is known of a node that no element is −0.0.
fn has_no_negative_zero(arena: &Arena, id: NodeId, depth: usize) -> bool {
    if let Some(number) = number(arena, id) {
        return number.to_bits() != (-0.0_f64).to_bits();
    }
    let Kind::Apply { op, args, .. } = arena.kind(id) else { return false };
    let none = |arg: usize| depth > 0 && has_no_negative_zero(arena, args[arg], depth - 1);
    match op {
        op if *op == arithmetic::SQUARE || *op == arithmetic::ABS || *op == calculus::NONNEGATIVE => true,
        // the sum of two numbers is −0.0 where both are
        op if *op == arithmetic::ADD && args.len() == 2 => none(0) || none(1),
        op if *op == arithmetic::SUBTRACT => none(0),
        op if *op == choice::WHERE => none(1) && none(2),
        op if *op == shape::BROADCAST_TO => none(0),
        op => match by_number(arena, op, args) {
            Some((factor, _)) if is_scale(factor) && *op == calculus::CHAIN_MULTIPLY => true,
            Some((factor, of)) => is_scale(factor) && factor > 0.0 && depth > 0 && has_no_negative_zero(arena, of, depth - 1),
            None => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::exec::naive;
    use super::super::super::graph::{Builder, Graph};
    use super::super::super::{Shape, Tensor};
    use super::super::simplify;
    use super::*;

    const FACTORS: [f64; 12] = [1.0, -1.0, 2.0, -2.0, 0.5, 3.0, -100.0, 0.0, -0.0, f64::INFINITY, f64::NAN, 1e308];
    const EDGES: [f64; 16] = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        5e-324,
        -5e-324,
        3e-308,
        -1e-310,
        1.7e308,
        -1.7e308,
        9e307,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        0.1,
        -7e-200,
    ];

    fn applied(g: &mut Builder, op: &'static Row, factor: f64, of: NodeId) -> NodeId {
        let factor = g.number(factor);
        g.call(op, &[factor, of]).unwrap()
    }

    /// `outer` of a factor and `inner` of another and x, of a vector, and what nobody else reads of it.
    fn graph(outer: (&'static Row, f64), inner: (&'static Row, f64), of: &'static Row) -> Graph {
        let mut g = Builder::default();
        let x = g.input("x", Shape::from([EDGES.len()])).unwrap();
        let of = if *of == arithmetic::SUBTRACT { applied(&mut g, of, 1.0, x) } else { g.call(of, &[x]).unwrap() };
        let own = applied(&mut g, inner.0, inner.1, of);
        let y = applied(&mut g, outer.0, outer.1, own);
        g.finish(vec![("y".to_owned(), y)])
    }

    fn bits(graph: &Graph) -> Vec<u64> {
        let x = Tensor::new([EDGES.len()], EDGES.to_vec()).unwrap();
        let numbers = naive::evaluate(graph, &[x]).unwrap()[0].clone().into_data();
        numbers.into_iter().map(|number| if number.is_nan() { f64::NAN.to_bits() } else { number.to_bits() }).collect()
    }

    fn steps(graph: &Graph) -> usize {
        let live = graph.live();
        graph.ids().filter(|id| live[id.index()] && matches!(graph.kind(*id), Kind::Apply { .. })).count()
    }

    #[test]
    fn bits_stay() {
        let rows: [&'static Row; 3] = [&arithmetic::MULTIPLY, &calculus::CHAIN_MULTIPLY, &arithmetic::SUBTRACT];
        let mut shorter = 0;
        for (outer, inner) in rows.into_iter().flat_map(|outer| rows.map(|inner| (outer, inner))) {
            for (a, b) in FACTORS.into_iter().flat_map(|a| FACTORS.map(|b| (a, b))) {
                for of in [&arithmetic::ABS, &arithmetic::NEGATIVE, &arithmetic::SUBTRACT, &arithmetic::SQUARE] {
                    let written = graph((outer, a), (inner, b), of);
                    let simplified = simplify(written.clone()).unwrap();
                    assert_eq!(bits(&written), bits(&simplified), "{outer:?} by {a} of {inner:?} by {b} of {of:?}");
                    shorter += usize::from(steps(&simplified) < steps(&written));
                }
            }
        }
        assert!(shorter > 300, "{shorter}");
    }

    #[test]
    fn products_by_constants_are_one() {
        let (multiply, chain, subtract) = (&arithmetic::MULTIPLY, &calculus::CHAIN_MULTIPLY, &arithmetic::SUBTRACT);
        for (outer, inner, of, left) in [
            ((chain, 100.0), (multiply, 2.0), &arithmetic::NEGATIVE, 2),
            ((chain, 100.0), (chain, -2.0), &arithmetic::NEGATIVE, 2),
            ((subtract, 0.0), (chain, 2.0), &arithmetic::NEGATIVE, 2),
            ((chain, 1.0), (chain, 3.0), &arithmetic::NEGATIVE, 2),
            // a second rounding
            ((chain, 2.0), (chain, 3.0), &arithmetic::NEGATIVE, 3),
            // what overflows inside does not outside
            ((multiply, 0.25), (multiply, 4.0), &arithmetic::NEGATIVE, 3),
            ((subtract, -0.0), (chain, 2.0), &arithmetic::NEGATIVE, 3),
        ] {
            assert_eq!(steps(&simplify(graph(outer, inner, of)).unwrap()), left, "{outer:?} of {inner:?}");
        }
    }

    #[test]
    fn what_is_read_twice_is_not_computed_twice() {
        let mut g = Builder::default();
        let x = g.input("x", Shape::scalar()).unwrap();
        let twice = applied(&mut g, &calculus::CHAIN_MULTIPLY, 2.0, x);
        let opposite = applied(&mut g, &arithmetic::SUBTRACT, 0.0, twice);
        let graph = g.finish(vec![("twice".to_owned(), twice), ("opposite".to_owned(), opposite)]);
        let simplified = simplify(graph).unwrap();
        assert!(simplified.operators().any(|op| *op == arithmetic::SUBTRACT));
    }

    #[test]
    fn a_constant_is_read_where_it_lies_however_broadcast() {
        let mut g = Builder::default();
        let x = g.input("x", Shape::from([5])).unwrap();
        let ones = g.full(&Shape::from([5]), 1.0).unwrap();
        let twos = g.add(ones, ones).unwrap();
        let sines = g.call(crate::engine::op::find("sin").unwrap(), &[twos]).unwrap();
        let y = g.multiply(x, ones).unwrap();
        let z = g.add(sines, y).unwrap();
        let simplified = simplify(g.finish(vec![("z".to_owned(), z)])).unwrap();
        let live = simplified.live();
        let constants: Vec<usize> = simplified
            .ids()
            .filter(|id| live[id.index()])
            .filter_map(|id| if let Kind::Constant(value) = simplified.kind(id) { Some(value.shape().elements()) } else { None })
            .collect();
        assert_eq!(constants, [1]);
        assert_eq!(steps(&simplified), 2, "a sum, and the broadcast of a sine");
    }
}

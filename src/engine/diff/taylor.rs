//! Taylor series: the coefficients c₀, c₁, … of y(x + t·dx) = Σ cₖ·tᵏ, along one direction and to any order.
//!
//! The third driver over the operator table. It finds one coefficient of one node at a time, from coefficients that are known already,
//! so that an order more adds to the graph what its sums are long. (Tangents of tangents would double it.) Nothing is evaluated and
//! nothing recurses: what must be known first waits on a stack. c₁ is made of the nodes that [`jvp`](super::jvp()) makes.

use hashbrown::{HashMap, HashSet};

use super::super::Error;
use super::super::graph::{Builder, Kind, NodeId};
use super::super::op::{Application, Attributes, Does, Partial, Primitive, Row, Rule, SeriesRule, arithmetic, calculus};
use super::jvp::term;
use super::{Owned, ancestors, item_of};

/// c₁ … c_`order` of each of `outputs` (c₀ is the output itself) where each x of `directions` moves along its dx; `None` for a
/// coefficient that is structurally 0. No dx may depend on an x: it stays the same along the way.
///
/// # Errors
/// [`Error::Limit`] where the coefficients exceed the builder's bounds.
pub fn taylor(
    g: &mut Builder,
    directions: &[(NodeId, NodeId)],
    outputs: &[NodeId],
    order: usize,
) -> Result<Vec<Vec<Option<NodeId>>>, Error> {
    let lines: Vec<(NodeId, Vec<Option<NodeId>>)> = directions.iter().map(|&(x, dx)| (x, vec![Some(dx)])).collect();
    series(g, &lines, outputs, order)
}

/// As [`taylor()`] where each x of `given` moves along a curve with those coefficients, from c₁ on.
///
/// # Errors
/// [`Error::Limit`] where the coefficients exceed the builder's bounds.
pub fn series(
    g: &mut Builder,
    given: &[(NodeId, Vec<Option<NodeId>>)],
    outputs: &[NodeId],
    order: usize,
) -> Result<Vec<Vec<Option<NodeId>>>, Error> {
    let last = outputs.iter().map(|id| id.index() + 1).max().unwrap_or(0);
    let needed = ancestors(g, outputs, last);
    let mut way = Way::default();
    for (x, coefficients) in given.iter().filter(|(_, coefficients)| coefficients.iter().any(Option::is_some)) {
        way.given.insert(*x);
        if coefficients.len() > 1 {
            // a tangent that is one of these is not constant: the next is its derivative
            way.given.extend(coefficients.iter().flatten());
        }
        way.courses.insert(*x, Course { law: Some(Law::Curve(coefficients.clone())), known: Vec::new() });
    }
    for index in (0..last).filter(|&index| needed[index]) {
        way.extend(g, NodeId(index as u32), order)?;
    }
    Ok(outputs.iter().map(|&y| (1..=order).map(|k| way.coefficient(y, k)).collect()).collect())
}

/// What is known of all nodes along the way from x in the direction dx.
#[derive(Default)]
struct Way {
    courses: HashMap<NodeId, Course>,
    /// How the results of several-valued nodes move.
    several: HashMap<NodeId, Results>,
    /// Coefficients of their results, by rules that give all to an order at once.
    loops: HashMap<(NodeId, usize), Vec<Vec<Option<NodeId>>>>,
    /// What moves by itself.
    given: HashSet<NodeId>,
    /// Which nodes depend on what moves, as far as has been looked.
    moves: Vec<bool>,
}

/// What is known of one node.
#[derive(Default)]
struct Course {
    /// How its coefficients follow from others; found when the first is asked for.
    law: Option<Law>,
    /// c₁, c₂, … as far as they were asked for.
    known: Vec<Option<NodeId>>,
}

/// A result of a several-valued node that has a rule for its series.
struct Looping {
    several: NodeId,
    index: usize,
    rule: SeriesRule,
    owned: Owned,
}

/// How the results of a several-valued node move.
enum Results {
    /// They are these nodes.
    Nodes(Vec<NodeId>),
    /// They have these tangents.
    Tangents(Vec<Option<NodeId>>),
}

/// How a node's coefficients follow from others.
enum Law {
    /// They are all 0.
    Still,
    /// They are given.
    Curve(Vec<Option<NodeId>>),
    /// They are those of another node.
    As(NodeId),
    /// An elementwise operator: y′ = Σ terms.
    Scalar(Vec<Term>),
    /// y = a ÷ b, so that a = y·b gives each coefficient from those before. The first is that of the terms.
    Quotient { a: NodeId, b: NodeId, terms: Vec<Term> },
    /// An operator applied alike to coefficients of one order, and to what does not move.
    Linear { op: &'static Row, slots: Vec<Slot>, attributes: Attributes },
    /// A product of two tensors.
    Bilinear,
    /// The integral of its tangent ẏ(t), which is this node: cₖ is coefficient k − 1 of that, divided by k.
    Integral(NodeId),
    /// The tangent of another node, whose coefficients say more: cₖ is k + 1 times coefficient k + 1 of that.
    Derivative(NodeId),
}

/// A term of y′.
enum Term {
    /// p·x′ for an argument x and the partial p by it.
    Partial(NodeId, Partial),
    /// a·b′ + b·a′: where each of two arguments is the partial by the other, they are multiplied.
    Product(NodeId, NodeId),
}

/// An argument of a [`Law::Linear`].
enum Slot {
    /// Takes the coefficients of this node.
    Moving(NodeId),
    /// Is this node.
    Still(NodeId),
}

impl Way {
    /// Coefficient k of a node of which that much is known.
    fn coefficient(&self, y: NodeId, k: usize) -> Option<NodeId> {
        if k == 0 { Some(y) } else { self.courses.get(&y).and_then(|course| course.known[k - 1]) }
    }

    /// How many coefficients of a node are known.
    fn order(&self, y: NodeId) -> usize {
        self.courses.get(&y).map_or(0, |course| course.known.len())
    }

    /// Whether a node depends on what moves.
    fn moves(&mut self, g: &Builder, y: NodeId) -> bool {
        for index in self.moves.len()..=y.index() {
            let id = NodeId(index as u32);
            let follows = || matches!(g.kind(id), Kind::Apply { args, .. } if args.iter().any(|arg| self.moves[arg.index()]));
            let moves = self.given.contains(&id) || follows();
            self.moves.push(moves);
        }
        self.moves[y.index()]
    }

    /// Makes the coefficients of a node known up to `order`.
    fn extend(&mut self, g: &mut Builder, y: NodeId, order: usize) -> Result<(), Error> {
        let mut stack = vec![(y, order)];
        while let Some(&(y, order)) = stack.last() {
            let next = self.order(y) + 1;
            if next > order {
                stack.pop();
                continue;
            }
            let waiting = stack.len();
            if let Some(looping) = self.loop_of(g, y) {
                stack.extend(looping.owned.args.iter().filter(|&&arg| self.order(arg) < order).map(|&arg| (arg, order)));
                if stack.len() == waiting {
                    let all = self.looped(g, &looping, order)?;
                    self.courses.entry(y).or_default().known.extend(&all[next - 1..]);
                }
                continue;
            }
            self.prepare(g, y, next, &mut stack)?;
            if stack.len() == waiting {
                let coefficient = self.next(g, y, next)?;
                self.courses.entry(y).or_default().known.push(coefficient);
            }
        }
        Ok(())
    }

    /// Puts on the stack what must be known before coefficient k of a node is.
    fn prepare(&mut self, g: &mut Builder, y: NodeId, k: usize, stack: &mut Vec<(NodeId, usize)>) -> Result<(), Error> {
        if self.courses.get(&y).is_none_or(|course| course.law.is_none()) {
            if self.moves(g, y) {
                let waiting = stack.len();
                stack.extend(sources(g, y).iter().filter(|&&arg| self.order(arg) < k).map(|&arg| (arg, k)));
                if stack.len() > waiting {
                    return Ok(());
                }
            }
            let law = self.law(g, y)?;
            self.courses.entry(y).or_default().law = Some(law);
        }
        let mut need = |id: NodeId, order: usize| {
            if self.order(id) < order {
                stack.push((id, order));
            }
        };
        match self.courses.get(&y).and_then(|course| course.law.as_ref()) {
            None | Some(Law::Still | Law::Curve(_)) => {}
            Some(Law::As(other)) => need(*other, k),
            Some(Law::Scalar(terms)) => terms.iter().for_each(|term| match *term {
                Term::Product(a, b) => [a, b].into_iter().for_each(|factor| need(factor, k)),
                Term::Partial(x, partial) => {
                    need(x, k);
                    if let Partial::Node(partial) = partial {
                        need(partial, k - 1);
                    }
                }
            }),
            Some(Law::Quotient { a, b, .. }) => [*a, *b].into_iter().for_each(|side| need(side, k)),
            Some(Law::Linear { slots, .. }) => slots.iter().for_each(|slot| {
                if let Slot::Moving(x) = slot {
                    need(*x, k);
                }
            }),
            Some(Law::Bilinear) => {
                if let Kind::Apply { args, .. } = g.kind(y) {
                    args.iter().for_each(|&arg| need(arg, k));
                }
            }
            Some(Law::Integral(dot)) => need(*dot, k - 1),
            Some(Law::Derivative(x)) => need(*x, k + 1),
        }
        Ok(())
    }

    /// The law of an application whose arguments' first coefficients are known.
    fn law(&mut self, g: &mut Builder, y: NodeId) -> Result<Law, Error> {
        let Some(mut owned) = Owned::of(g, y).filter(|_| self.moves(g, y)) else { return Ok(Law::Still) };
        let item = item_of(&owned);
        if let Some((several, _)) = item
            && let Some(whole) = Owned::of(g, several)
        {
            owned = whole;
        }
        let dots: Vec<Option<NodeId>> = owned.args.iter().map(|&arg| self.coefficient(arg, 1)).collect();
        if dots.iter().all(Option::is_none) {
            return Ok(Law::Still);
        }
        let application = Application { args: &owned.args, attributes: &owned.attributes, y: item.map_or(y, |(several, _)| several) };
        let dot = match &owned.op.rule {
            Rule::Several { .. } => match item {
                Some((several, index)) => match self.results(g, several, &owned, &dots)? {
                    Results::Nodes(nodes) => return Ok(nodes.get(index).copied().map_or(Law::Still, Law::As)),
                    Results::Tangents(tangents) => tangents.get(index).copied().flatten(),
                },
                // asked of its items only
                None => None,
            },
            Rule::Scalar { partials, .. } => {
                let mut found = Vec::new();
                for (i, &x) in owned.args.iter().enumerate().filter(|&(i, _)| dots[i].is_some()) {
                    found.push((x, partials(g, application, i)?));
                }
                return Ok(scalar(owned.op, &owned.args, found));
            }
            Rule::Composite { expansion, derivative: None, .. } => return expansion(g, &owned.args, &owned.attributes).map(Law::As),
            Rule::Primitive { primitive: Primitive::Matmul | Primitive::Convolve, .. } if dots.iter().all(Option::is_some) => {
                return Ok(Law::Bilinear);
            }
            Rule::View { .. } => dots[0].map(|dot| g.apply(owned.op, &[dot], owned.attributes.clone())).transpose()?,
            Rule::Primitive { jvp, .. } | Rule::Composite { derivative: Some((jvp, _)), .. } => jvp(g, application, &dots)?,
            Rule::Item | Rule::Resolved => None,
        };
        let Some(dot) = dot else { return Ok(Law::Still) };
        if let Some(same) = dots.iter().position(|&other| other == Some(dot)) {
            return Ok(Law::As(owned.args[same]));
        }
        if let Some(linear) = self.linear(g, dot, &owned.args, &dots) {
            return Ok(linear);
        }
        // the tangent's own law holds, not one by which it would follow from what follows from it
        self.courses.entry(dot).or_default();
        for (&x, &x_dot) in owned.args.iter().zip(&dots) {
            if let Some(x_dot) = x_dot {
                self.courses.entry(x_dot).or_insert(Course { law: Some(Law::Derivative(x)), known: Vec::new() });
            }
        }
        Ok(Law::Integral(dot))
    }

    /// The loop of which a node is a result, unless its coefficients follow otherwise.
    fn loop_of(&mut self, g: &Builder, y: NodeId) -> Option<Looping> {
        let (several, index) = item_of(&Owned::of(g, y)?)?;
        if self.courses.get(&y).is_some_and(|course| course.law.is_some()) || !self.moves(g, y) {
            return None;
        }
        let owned = Owned::of(g, several)?;
        match owned.op.rule {
            Rule::Several { series: Some(rule), .. } => Some(Looping { several, index, rule, owned }),
            _ => None,
        }
    }

    /// Coefficients c₁ … c_`order` of a result of a loop.
    fn looped(&mut self, g: &mut Builder, looping: &Looping, order: usize) -> Result<Vec<Option<NodeId>>, Error> {
        let Looping { several, index, rule, owned: Owned { args, attributes, .. } } = looping;
        if !self.loops.contains_key(&(*several, order)) {
            let given: Vec<Vec<Option<NodeId>>> = args.iter().map(|&arg| (1..=order).map(|k| self.coefficient(arg, k)).collect()).collect();
            let none = given.iter().flatten().all(Option::is_none);
            let all = if none { Vec::new() } else { rule(g, Application { args, attributes, y: *several }, &given, order)? };
            self.loops.insert((*several, order), all);
        }
        let all = self.loops.get(&(*several, order)).and_then(|all| all.get(*index));
        Ok(all.cloned().unwrap_or_else(|| vec![None; order]))
    }

    /// How the results of a several-valued node move, given the tangents of its arguments.
    fn results(&mut self, g: &mut Builder, several: NodeId, owned: &Owned, dots: &[Option<NodeId>]) -> Result<&Results, Error> {
        if !self.several.contains_key(&several) {
            let application = Application { args: &owned.args, attributes: &owned.attributes, y: several };
            let results = match &owned.op.rule {
                Rule::Several { jvp: Some(jvp), .. } => Results::Tangents(jvp(g, application, dots)?),
                Rule::Several { does: Does::Expansion(expansion), .. } => Results::Nodes(expansion(g, &owned.args, &owned.attributes)?),
                _ => Results::Nodes(Vec::new()),
            };
            self.several.insert(several, results);
        }
        Ok(self.several.entry(several).or_insert_with(|| Results::Nodes(Vec::new())))
    }

    /// The law of what is linear, which shows in its tangent: that is an operator applied to tangents and to nothing else that moves.
    fn linear(&mut self, g: &Builder, dot: NodeId, args: &[NodeId], dots: &[Option<NodeId>]) -> Option<Law> {
        let owned = Owned::of(g, dot)?;
        let mut slots = Vec::with_capacity(owned.args.len());
        for &arg in &owned.args {
            slots.push(match dots.iter().position(|&dot| dot == Some(arg)) {
                Some(i) => Slot::Moving(args[i]),
                None if self.moves(g, arg) => return None,
                None => Slot::Still(arg),
            });
        }
        let any = slots.iter().any(|slot| matches!(slot, Slot::Moving(_)));
        any.then_some(Law::Linear { op: owned.op, slots, attributes: owned.attributes })
    }

    /// Coefficient k of a node for which all is prepared.
    fn next(&self, g: &mut Builder, y: NodeId, k: usize) -> Result<Option<NodeId>, Error> {
        let Some(law) = self.courses.get(&y).and_then(|course| course.law.as_ref()) else { return Ok(None) };
        match law {
            Law::Still => Ok(None),
            Law::Curve(given) => Ok(given.get(k - 1).copied().flatten()),
            Law::As(other) => Ok(self.coefficient(*other, k)),
            Law::Quotient { a, b, .. } if k > 1 => self.quotient(g, y, [*a, *b], k),
            Law::Scalar(terms) | Law::Quotient { terms, .. } => self.scalar(g, y, terms, k),
            Law::Linear { op, slots, attributes } => self.applied(g, op, slots, attributes, k),
            Law::Bilinear => self.bilinear(g, y, k),
            Law::Integral(dot) => match self.coefficient(*dot, k - 1) {
                Some(dot) if k > 1 => {
                    let k = g.number(k as f64);
                    g.divide(dot, k).map(Some)
                }
                dot => Ok(dot),
            },
            Law::Derivative(x) => self.coefficient(*x, k + 1).map(|next| g.scale((k + 1) as f64, next)).transpose(),
        }
    }

    /// yₖ = Σ (pᵢ·xᵢ,ₖ + (1/k)·Σ_{0<j<k} j·xᵢ,ⱼ·pᵢ,ₖ₋ⱼ), the coefficient k − 1 of y′ = Σ pᵢ·xᵢ′ divided by k.
    fn scalar(&self, g: &mut Builder, y: NodeId, terms: &[Term], k: usize) -> Result<Option<NodeId>, Error> {
        let (mut sum, mut weighted) = (None, None);
        for one in terms {
            match *one {
                Term::Product(a, b) => {
                    for j in (0..=k).rev() {
                        if let (Some(left), Some(right)) = (self.coefficient(a, j), self.coefficient(b, k - j)) {
                            let product = if j > 0 { g.chain(right, left)? } else { g.chain(left, right)? };
                            sum = Some(plus(g, sum, product)?);
                        }
                    }
                }
                Term::Partial(x, partial) => {
                    if let Some(x) = self.coefficient(x, k)
                        && let Some(product) = term(g, partial, x)?
                    {
                        sum = Some(plus(g, sum, product)?);
                    }
                    let Partial::Node(partial) = partial else { continue };
                    for j in (1..k).rev() {
                        if let (Some(partial), Some(x)) = (self.coefficient(partial, k - j), self.coefficient(x, j)) {
                            let x = if j > 1 { g.scale(j as f64, x)? } else { x };
                            let product = g.chain(partial, x)?;
                            weighted = Some(plus(g, weighted, product)?);
                        }
                    }
                }
            }
        }
        if let Some(weighted) = weighted {
            let k = g.number(k as f64);
            let part = g.divide(weighted, k)?;
            sum = Some(plus(g, sum, part)?);
        }
        whole(g, y, sum)
    }

    /// From a = y·b: yₖ = (aₖ − Σ_{0<j≤k} yₖ₋ⱼ·bⱼ) ÷ b.
    fn quotient(&self, g: &mut Builder, y: NodeId, [a, b]: [NodeId; 2], k: usize) -> Result<Option<NodeId>, Error> {
        let mut products = None;
        for j in 1..=k {
            if let (Some(y), Some(b)) = (self.coefficient(y, k - j), self.coefficient(b, j)) {
                let product = g.chain(y, b)?;
                products = Some(plus(g, products, product)?);
            }
        }
        let left = match (self.coefficient(a, k), products) {
            (a, None) => a,
            (None, Some(products)) => {
                let zero = g.number(0.0);
                Some(g.subtract(zero, products)?)
            }
            (Some(a), Some(products)) => Some(g.subtract(a, products)?),
        };
        let quotient = left.map(|left| g.call(&calculus::CHAIN_DIVIDE, &[left, b])).transpose()?;
        whole(g, y, quotient)
    }

    /// A linear operator of coefficients k.
    fn applied(
        &self,
        g: &mut Builder,
        op: &'static Row,
        slots: &[Slot],
        attributes: &Attributes,
        k: usize,
    ) -> Result<Option<NodeId>, Error> {
        if !slots.iter().any(|slot| matches!(slot, Slot::Moving(x) if self.coefficient(*x, k).is_some())) {
            return Ok(None);
        }
        let mut args = Vec::with_capacity(slots.len());
        for slot in slots {
            args.push(match *slot {
                Slot::Still(arg) => arg,
                Slot::Moving(x) => match self.coefficient(x, k) {
                    Some(coefficient) => coefficient,
                    None => {
                        let shape = g.shape(x).clone();
                        g.zeros(&shape)?
                    }
                },
            });
        }
        g.apply(op, &args, attributes.clone()).map(Some)
    }

    /// Σⱼ aⱼ·bₖ₋ⱼ, each product as the tangent of one side has it.
    fn bilinear(&self, g: &mut Builder, y: NodeId, k: usize) -> Result<Option<NodeId>, Error> {
        let Some(Owned { op, args, attributes }) = Owned::of(g, y) else { return Ok(None) };
        let (Rule::Primitive { jvp, .. }, &[a, b]) = (&op.rule, &*args) else { return Ok(None) };
        let mut sum = None;
        for j in (0..=k).rev() {
            let (Some(left), Some(right)) = (self.coefficient(a, j), self.coefficient(b, k - j)) else { continue };
            let (args, dots) = if j > 0 { ([a, right], [Some(left), None]) } else { ([a, b], [None, Some(right)]) };
            if let Some(product) = jvp(g, Application { args: &args, attributes: &attributes, y }, &dots)? {
                sum = Some(plus(g, sum, product)?);
            }
        }
        Ok(sum)
    }
}

/// The nodes whose coefficients those of a node follow from: its arguments, for an item those of its several-valued node.
fn sources(g: &Builder, y: NodeId) -> Vec<NodeId> {
    match Owned::of(g, y) {
        Some(owned) => match item_of(&owned) {
            Some((several, _)) => Owned::of(g, several).map_or_else(Vec::new, |whole| whole.args.into_vec()),
            None => owned.args.into_vec(),
        },
        None => Vec::new(),
    }
}

/// The law of an elementwise operator with these partials by the arguments that move.
fn scalar(op: &'static Row, args: &[NodeId], found: Vec<(NodeId, Partial)>) -> Law {
    let terms: Vec<Term> = match *found {
        [(a, Partial::Node(by_a)), (b, Partial::Node(by_b)), ref rest @ ..] if (by_a, by_b) == (b, a) => {
            std::iter::once(Term::Product(a, b)).chain(rest.iter().map(|&(x, partial)| Term::Partial(x, partial))).collect()
        }
        _ => found.iter().filter(|(_, partial)| *partial != Partial::Zero).map(|&(x, partial)| Term::Partial(x, partial)).collect(),
    };
    match *args {
        _ if terms.is_empty() => Law::Still,
        [a, b] if (*op == arithmetic::DIVIDE || *op == calculus::CHAIN_DIVIDE) && found.iter().any(|&(x, _)| x == b) => {
            Law::Quotient { a, b, terms }
        }
        _ => Law::Scalar(terms),
    }
}

fn plus(g: &mut Builder, sum: Option<NodeId>, part: NodeId) -> Result<NodeId, Error> {
    sum.map_or(Ok(part), |sum| g.add(sum, part))
}

/// A coefficient in the shape of its node.
fn whole(g: &mut Builder, y: NodeId, coefficient: Option<NodeId>) -> Result<Option<NodeId>, Error> {
    let shape = g.shape(y).clone();
    coefficient.map(|coefficient| g.broadcast_to(coefficient, &shape)).transpose()
}

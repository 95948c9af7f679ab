//! Facts of an operator about single points: where its derivative is a convention and not a limit.
//!
//! A row states them as predicates on its arguments' values, so that a point can be told apart from its neighbours. They say what
//! holds and change nothing: no value and no derivative reads them. A *kink* is a point where the derivative is a choice (or a jump,
//! where it is 0); a *pole* one where value or derivative is infinite; an *edge* one where a derivative is not defined although the
//! value is. A value that is NaN while no argument is needs no predicate: it shows.

use std::ops::Index;

use super::Attributes;
use crate::engine::Shape;

/// One element of an elementwise application: `x[i]` is the value of its i-th argument there.
#[derive(Debug, Clone, Copy)]
pub struct Here<'a> {
    args: &'a [f64],
    active: &'a [bool],
}

impl<'a> Here<'a> {
    /// With these values, of arguments that carry a derivative or do not.
    pub fn new(args: &'a [f64], active: &'a [bool]) -> Here<'a> {
        Here { args, active }
    }

    /// Every argument.
    pub fn args(&self) -> &'a [f64] {
        self.args
    }

    /// Whether the derivative by argument `i` is asked for: it depends on an input in a way that is not structurally constant.
    pub fn active(&self, i: usize) -> bool {
        self.active.get(i).copied().unwrap_or(false)
    }

    /// Whether argument `i` carries a derivative and is this number.
    pub fn moves_at(&self, i: usize, value: f64) -> bool {
        self.active(i) && self.args[i] == value
    }
}

impl Index<usize> for Here<'_> {
    type Output = f64;

    fn index(&self, i: usize) -> &f64 {
        &self.args[i]
    }
}

/// A tensor's elements, row-major.
#[derive(Debug, Clone, Copy)]
pub struct Array<'a> {
    /// Its sizes.
    pub shape: &'a Shape,
    /// Its elements.
    pub data: &'a [f64],
}

/// A whole application of an operator on tensors.
#[derive(Debug, Clone, Copy)]
pub struct There<'a> {
    /// Its arguments.
    pub args: &'a [Array<'a>],
    /// Whether each carries a derivative.
    pub active: &'a [bool],
    /// Its attributes, canonical.
    pub attributes: &'a Attributes,
    /// Its results, of which most operators have one.
    pub results: &'a [Array<'a>],
}

impl<'a> There<'a> {
    /// The only result.
    pub fn y(&self) -> &'a [f64] {
        self.results[0].data
    }

    /// The first argument's elements in groups, in the order of a reduction's result: those along the axes of `axis` (all of them where
    /// it is absent) together. Whether something holds of a group's elements, given its number.
    pub fn any_group(&self, holds: impl Fn(&mut dyn Iterator<Item = f64>, usize) -> bool) -> bool {
        let x = self.args[0];
        let along = |axis: usize| match (self.attributes.ints("axis"), self.attributes.int("axis")) {
            (Some(axes), _) => axes.contains(&(axis as i64)),
            (None, Some(one)) => one == axis as i64,
            (None, None) => true,
        };
        let (mut bases, mut offsets) = (vec![0], vec![0]);
        for (axis, (&size, stride)) in x.shape.sizes().iter().zip(x.shape.strides()).enumerate() {
            let positions = if along(axis) { &mut offsets } else { &mut bases };
            *positions = positions.iter().flat_map(|&at| (0..size).map(move |i| at + i * stride)).collect();
        }
        bases.iter().enumerate().any(|(group, base)| holds(&mut offsets.iter().map(|offset: &usize| x.data[base + offset]), group))
    }

    /// Whether what is finite has a result that is not.
    pub fn blows_up(&self) -> bool {
        let finite = |array: &Array<'_>| array.data.iter().all(|value| value.is_finite());
        self.args.iter().all(finite) && !self.results.iter().all(finite)
    }
}

/// A fact of an operator.
#[derive(Debug, Clone, Copy)]
pub enum Fact {
    /// Never.
    Never,
    /// At elements of which this holds.
    Here(fn(&Here<'_>) -> bool),
    /// At tensors of which this holds.
    There(fn(&There<'_>) -> bool),
}

impl Fact {
    /// Whether there is anything to look for.
    pub fn is_some(self) -> bool {
        !matches!(self, Fact::Never)
    }
}

/// What an operator's row says of single points.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Where the derivative is chosen among several, or the value jumps.
    pub kink: Fact,
    /// Where the value or the derivative is infinite.
    pub pole: Fact,
    /// Where a derivative that is asked for does not exist although the value does.
    pub edge: Fact,
}

impl Facts {
    /// Nothing happens anywhere.
    pub const NONE: Facts = Facts { kink: Fact::Never, pole: Fact::Never, edge: Fact::Never };
}

/// A non-positive integer: where Γ has its poles.
pub(super) fn gamma_pole(x: f64) -> bool {
    x <= 0.0 && x.is_finite() && x.trunc() == x
}

/// A finite integer.
pub(super) fn whole(x: f64) -> bool {
    x.is_finite() && x.trunc() == x
}

/// Whether at least two arguments are the largest (or smallest) `y`.
pub(super) fn tied(args: impl IntoIterator<Item = f64>, y: f64) -> bool {
    args.into_iter().filter(|&arg| arg == y).nth(1).is_some()
}

/// Whether two of these are the same.
pub(super) fn twins(values: &mut dyn Iterator<Item = f64>) -> bool {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    // −0.0 and 0.0 are neighbours
    values.windows(2).any(|pair| pair[0] == pair[1])
}

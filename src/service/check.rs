//! Whether f is locally linear, from measurements: f(x + h·d) = f(x) + J·h·d + o(h).
//!
//! What is left of f(x + h·d) − f(x) when its linear part J·h·d is taken away must vanish faster than h. How fast it does is its
//! order p, remainder ~ hᵖ: 2 where f is smooth, more than 1 wherever J is the derivative, 1 at a kink (J is not the slope along d),
//! less at a root or a jump. That is measured for every element of every output by itself, so that no large one hides another, and the
//! worst decides. A remainder that rounding explains says nothing.
//!
//! Rounding is estimated twice, and the larger counts: from the sizes of what is subtracted, and from how unevenly f moves over steps
//! that are equally far apart (Moré, Wild: Estimating computational noise, SIAM J. Sci. Comput. 33, 2011).

use std::cmp::Ordering;

use super::decode::SAMPLES;

/// What the measurements say, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Differentiable,
    Kink,
    Singular,
    NotFinite,
}

impl Verdict {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Verdict::Differentiable => "differentiable",
            Verdict::Kink => "kink",
            Verdict::Singular => "singular",
            Verdict::NotFinite => "not-finite",
        }
    }
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ground {
    /// The value at the point is not finite.
    Value(f64),
    /// The derivative along the direction is not finite.
    Slope(f64),
    /// The value is not finite as near as the smallest step.
    Near(f64),
    /// The remainder is of this order in h.
    Order(f64),
    /// The remainder is rounding.
    Rounding,
}

impl Ground {
    pub(super) fn verdict(self) -> Verdict {
        match self {
            Ground::Value(_) | Ground::Near(_) => Verdict::NotFinite,
            Ground::Slope(slope) => {
                if slope.is_nan() {
                    Verdict::NotFinite
                } else {
                    Verdict::Singular
                }
            }
            Ground::Order(order) if order >= FASTER => Verdict::Differentiable,
            Ground::Order(order) if order >= SLOWER => Verdict::Kink,
            Ground::Order(_) => Verdict::Singular,
            Ground::Rounding => Verdict::Differentiable,
        }
    }

    /// Which of two decides: the worse, and of two alike the one that shows more.
    pub(super) fn worse(self, other: Ground) -> bool {
        let order = |ground| if let Ground::Order(order) = ground { order } else { f64::INFINITY };
        match self.verdict().cmp(&other.verdict()) {
            Ordering::Equal => order(self) < order(other),
            unequal => unequal == Ordering::Greater,
        }
    }
}

/// From this order on a remainder vanishes faster than h.
const FASTER: f64 = 1.1;
/// Below this order it vanishes more slowly.
const SLOWER: f64 = 0.9;
/// So many times what rounding explains is more than rounding.
pub(super) const SIGNIFICANT: f64 = 8.0;
/// Rounding errors of a computed value, and of a computed linear part, in units of their size.
const VALUE_ROUNDING: f64 = 4.0 * f64::EPSILON;
const LINEAR_ROUNDING: f64 = 16.0 * f64::EPSILON;

/// The step sizes of a request: those that the answer lists, perhaps one more, then those of the two sets of samples.
#[derive(Debug)]
pub(super) struct Sizes<'s> {
    /// All of them.
    all: &'s [f64],
    /// Positions of those that orders are taken between, the largest first.
    falling: Vec<usize>,
}

impl<'s> Sizes<'s> {
    pub(super) fn new(all: &'s [f64]) -> Sizes<'s> {
        let mut falling: Vec<usize> = (0..all.len().saturating_sub(2 * SAMPLES)).collect();
        falling.sort_by(|&a, &b| all[b].total_cmp(&all[a]));
        falling.dedup_by_key(|i| all[*i]);
        Sizes { all, falling }
    }
}

/// What was measured of one element of an output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'e> {
    /// f(x)
    pub(super) value: f64,
    /// J·d
    pub(super) slope: f64,
    /// f(x + h·d) − f(x), for every step size.
    pub(super) differences: &'e [f64],
    /// What of it is not J·h·d.
    pub(super) remainders: &'e [f64],
}

impl Element<'_> {
    /// What its remainders at the steps say.
    pub(super) fn judge(&self, sizes: &Sizes<'_>, noise: f64) -> Ground {
        if !self.value.is_finite() {
            return Ground::Value(self.value);
        }
        if !self.slope.is_finite() {
            return Ground::Slope(self.slope);
        }
        // Only from the largest step below which all is finite.
        let far = sizes.falling.iter().rposition(|&i| !self.remainders[i].is_finite()).map_or(0, |at| at + 1);
        let near = &sizes.falling[far..];
        let Some(&smallest) = near.last() else {
            return Ground::Near(sizes.falling.last().map_or(f64::NAN, |&i| self.value + self.differences[i]));
        };
        let rounding = |i: usize| SIGNIFICANT * self.rounding(i, noise);
        let mut shown = near.iter().rev().copied().filter(|&i| self.remainders[i].abs() > rounding(i));
        let Some(last) = shown.next() else { return Ground::Rounding };
        let order = |from: usize, to: usize, remainder: f64| {
            (self.remainders[from].abs().ln() - remainder.ln()) / (sizes.all[from].ln() - sizes.all[to].ln())
        };
        // Between two steps where it shows; and at least so much to have vanished in rounding by the next.
        let between = shown.next().map(|before| order(before, last, self.remainders[last].abs()));
        let beyond = if last == smallest {
            None
        } else {
            let next = near.iter().skip_while(|&&i| i != last).nth(1);
            next.map(|&next| order(last, next, rounding(next).max(f64::MIN_POSITIVE)))
        };
        match (between, beyond) {
            (Some(between), Some(beyond)) if beyond >= FASTER => Ground::Order(between.max(FASTER)),
            (Some(between), _) => Ground::Order(between),
            (None, Some(beyond)) if beyond >= FASTER => Ground::Order(beyond),
            // It shows at one step only, and there hardly.
            (None, _) => Ground::Rounding,
        }
    }

    /// What rounding explains of the remainder at a step.
    pub(super) fn rounding(&self, step: usize, noise: f64) -> f64 {
        let (difference, remainder) = (self.differences[step], self.remainders[step]);
        let linear = difference - remainder;
        (VALUE_ROUNDING * self.value.abs() + LINEAR_ROUNDING * (difference.abs() + linear.abs())).max(noise)
    }

    /// How uneven the remainders over equal steps are: the errors with which f is computed here.
    ///
    /// Differences of order k of something smooth vanish with k, those of independent errors grow: their mean square is (2k)!/(k!)²
    /// times that of the errors. The smallest of the estimates is the one that smoothness disturbs least.
    pub(super) fn noise(&self) -> f64 {
        let samples = &self.remainders[self.remainders.len().saturating_sub(2 * SAMPLES)..];
        let estimate = |samples: &[f64]| {
            let mut differences = [0.0; SAMPLES];
            differences.copy_from_slice(samples);
            let mut growth = 1.0;
            let mut least = f64::INFINITY;
            for k in 1..=MOST_DIFFERENCES {
                let count = SAMPLES - k;
                for i in 0..count {
                    differences[i] = differences[i + 1] - differences[i];
                }
                growth *= (4 * k - 2) as f64 / k as f64;
                if k >= LEAST_DIFFERENCES {
                    let square = differences[..count].iter().map(|d| d * d).sum::<f64>() / count as f64;
                    least = least.min((square / growth).sqrt());
                }
            }
            if least.is_finite() { least } else { 0.0 }
        };
        samples.chunks_exact(SAMPLES).map(estimate).fold(0.0, f64::max)
    }
}

/// Differences of these orders are looked at: fewer have smooth parts in them, more have too few values.
const LEAST_DIFFERENCES: usize = 3;
const MOST_DIFFERENCES: usize = 6;

/// The Euclidean length, without overflow on the way; NaN where one is.
pub(super) fn length(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = values.clone().fold(0.0f64, |most, value| if most.is_nan() || value.is_nan() { f64::NAN } else { most.max(value.abs()) });
    if most == 0.0 || !most.is_finite() {
        return most;
    }
    most * values.map(|value| (value / most) * (value / most)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: usize = 10;

    /// Step sizes as they come, and a function of them that is 0 at 0 judged against a slope.
    fn judged(value: f64, slope: f64, difference: impl Fn(f64) -> f64) -> Ground {
        let listed = (1..=STEPS as i32).map(|k| 10f64.powi(-k));
        let samples = [1e-12, 1e-8].into_iter().flat_map(|apart| (1..=SAMPLES).map(move |i| i as f64 * apart));
        let sizes: Vec<f64> = listed.chain(samples).collect();
        let differences: Vec<f64> = sizes.iter().map(|&h| difference(h)).collect();
        let remainders: Vec<f64> = sizes.iter().map(|&h| difference(h) - slope * h).collect();
        let element = Element { value, slope, differences: &differences, remainders: &remainders };
        element.judge(&Sizes::new(&sizes), element.noise())
    }

    fn order(ground: Ground) -> f64 {
        if let Ground::Order(order) = ground { order } else { panic!("{ground:?}") }
    }

    #[test]
    fn powers_of_h_are_seen_as_such() {
        for p in [0.25, 0.5, 1.0, 1.5, 2.0, 3.0] {
            assert!((order(judged(0.0, 0.0, |h| h.powf(p))) - p).abs() < 1e-6, "{p}");
        }
        assert!((order(judged(1.0, 2.0, |h| 2.0 * h + h * h)) - 2.0).abs() < 0.1);
        // A kink under a curvature that is a million times as large.
        assert_eq!(judged(0.0, 0.0, |h| 1e6 * h * h + h).verdict(), Verdict::Kink);
        assert_eq!(judged(5.0, 0.0, |_| -1.0).verdict(), Verdict::Singular);
    }

    #[test]
    fn rounding_is_not_taken_for_an_order() {
        assert_eq!(judged(3.0, 0.0, |_| 0.0), Ground::Rounding);
        // values that are rounded to a grid
        for grid in [1e-15, 1e-12, 1.5e-8] {
            let ground = judged(0.0, 1.0, |h| (h / grid).round() * grid);
            assert_eq!(ground.verdict(), Verdict::Differentiable, "{grid}: {ground:?}");
            let ground = judged(0.0, 1.0, |h| ((h + h * h) / grid).round() * grid);
            assert!((order(ground) - 2.0).abs() < 0.2, "{grid}: {ground:?}");
        }
    }

    #[test]
    fn what_is_not_finite_is_told_apart() {
        let verdict = |value, slope| judged(value, slope, |h| h * h).verdict();
        assert_eq!(verdict(f64::NAN, 0.0), Verdict::NotFinite);
        assert_eq!(verdict(f64::INFINITY, f64::NAN), Verdict::NotFinite);
        assert_eq!(verdict(0.0, f64::NAN), Verdict::NotFinite);
        assert_eq!(verdict(0.0, f64::NEG_INFINITY), Verdict::Singular);
        assert_eq!(judged(0.0, 0.0, |_| f64::NAN).verdict(), Verdict::NotFinite);
        // Far away is another matter.
        assert_eq!(judged(0.0, 0.0, |h| if h > 1e-3 { f64::NAN } else { h * h }).verdict(), Verdict::Differentiable);
    }

    #[test]
    fn lengths_do_not_overflow() {
        let near = |values: [f64; 2], expected: f64| assert!((length(values.into_iter()) / expected - 1.0).abs() < 1e-15, "{values:?}");
        near([3e200, -4e200], 5e200);
        near([3e-200, 4e-200], 5e-200);
        assert_eq!(length([].into_iter()), 0.0);
        assert_eq!(length([1.0, f64::NEG_INFINITY].into_iter()), f64::INFINITY);
        assert!(length([f64::NAN, 1.0, f64::INFINITY].into_iter()).is_nan());
    }
}

//! Piecewise linear interpolation between constant knots, by NumPy's rules, and its slope.

use std::sync::atomic::{AtomicBool, Ordering};

/// The knots: ascending places, at least one, and the value at each.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Knots {
    pub(crate) places: Vec<f64>,
    pub(crate) values: Vec<f64>,
}

impl Knots {
    /// The number of knots at or below x.
    fn below(&self, x: f64) -> usize {
        self.places.partition_point(|&place| place <= x)
    }

    /// The slope of the segment behind so many knots; 0 before the first and behind the last.
    fn segment(&self, knots: usize) -> f64 {
        if knots == 0 || knots == self.places.len() {
            return 0.0;
        }
        (self.values[knots] - self.values[knots - 1]) / (self.places[knots] - self.places[knots - 1])
    }

    /// The value at x: that of the nearest knot beyond the ends, and exactly a knot's own at a knot.
    pub(crate) fn value(&self, x: f64) -> f64 {
        if x.is_nan() {
            return x;
        }
        match self.below(x) {
            0 => self.values[0],
            knots if knots == self.places.len() || self.places[knots - 1] == x => self.values[knots - 1],
            knots => self.segment(knots) * (x - self.places[knots - 1]) + self.values[knots - 1],
        }
    }

    /// The slope at x; at a knot, the slope nearest to 0 between those of its two sides.
    pub(crate) fn slope(&self, x: f64) -> f64 {
        if x.is_nan() {
            return x;
        }
        let knots = self.below(x);
        let right = self.segment(knots);
        if knots == 0 || self.places[knots - 1] != x {
            return right;
        }
        let left = self.segment(knots - 1);
        if left > 0.0 && right > 0.0 {
            left.min(right)
        } else if left < 0.0 && right < 0.0 {
            left.max(right)
        } else {
            0.0
        }
    }
}

/// The values or the slopes at all of `xs`; gives up now and then once `stop` is set.
pub(super) fn run(knots: &Knots, slope: bool, xs: &[f64], out: &mut [f64], stop: &AtomicBool) {
    const TILE: usize = 1 << 12;
    for (out, xs) in out.chunks_mut(TILE).zip(xs.chunks(TILE)) {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        for (out, &x) in out.iter_mut().zip(xs) {
            *out = if slope { knots.slope(x) } else { knots.value(x) };
        }
    }
}

//! What shape rules share: axes counted from either end, and Python's slices.

use super::{Attributes, Row, Value};
use crate::engine::{Error, Shape};

/// An attribute error.
pub(super) fn fault(op: &'static Row, attribute: &str, detail: impl Into<String>) -> Error {
    Error::Attribute { op: op.name, attribute: attribute.into(), detail: detail.into() }
}

/// A shape error.
pub(super) fn misfit(op: &'static Row, shape: &Shape, detail: impl Into<String>) -> Error {
    Error::Shape { op: op.name, shape: shape.clone(), detail: detail.into() }
}

/// An axis counted from the front, given one counted from either end.
pub(super) fn axis(op: &'static Row, attribute: &str, value: i64, rank: usize) -> Result<usize, Error> {
    let from_front = if value < 0 { value + rank as i64 } else { value };
    if (0..rank as i64).contains(&from_front) {
        Ok(from_front as usize)
    } else if rank == 0 {
        Err(fault(op, attribute, format!("is {value}, but a scalar has no axes")))
    } else {
        Err(fault(op, attribute, format!("is {value}, but there are {rank} axes: allowed are {} to {}", -(rank as i64), rank as i64 - 1)))
    }
}

/// The axes of `attribute`, ascending; all of them where it is absent.
pub(super) fn axes(op: &'static Row, attributes: &Attributes, attribute: &str, rank: usize) -> Result<Vec<usize>, Error> {
    let Some(given) = attributes.ints(attribute) else { return Ok((0..rank).collect()) };
    let mut axes = given.iter().map(|&value| axis(op, attribute, value, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    if axes.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(fault(op, attribute, "names an axis twice"));
    }
    Ok(axes)
}

/// One axis, `default` where absent.
pub(super) fn one_axis(op: &'static Row, attributes: &Attributes, default: i64, rank: usize) -> Result<usize, Error> {
    axis(op, "axis", attributes.int("axis").unwrap_or(default), rank)
}

/// As an attribute's value.
pub(super) fn ints(values: &[usize]) -> Value {
    Value::Ints(values.iter().map(|&value| value as i64).collect())
}

/// `shape` with the reduced axes as 1, or without them.
pub(super) fn reduced(shape: &Shape, axes: &[usize], keepdims: bool) -> Shape {
    let size = |(i, &size): (usize, &usize)| match (axes.contains(&i), keepdims) {
        (true, true) => Some(1),
        (true, false) => None,
        (false, _) => Some(size),
    };
    Shape::new(shape.sizes().iter().enumerate().filter_map(size).collect::<Vec<_>>())
}

/// A slice of one axis: the first index, the number of elements, the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: i64,
    pub(crate) count: usize,
    pub(crate) step: i64,
}

impl Span {
    /// Python's `slice(start, stop, step).indices(size)`; `None` for step 0.
    pub(crate) fn of(start: Option<i64>, stop: Option<i64>, step: Option<i64>, size: usize) -> Option<Span> {
        let (size, step) = (size as i64, step.unwrap_or(1));
        if step == 0 {
            return None;
        }
        let (lowest, highest) = if step > 0 { (0, size) } else { (-1, size - 1) };
        let bound = |value: i64| (if value < 0 { value.saturating_add(size) } else { value }).clamp(lowest, highest);
        let start = start.map_or(if step > 0 { lowest } else { highest }, bound);
        let stop = stop.map_or(if step > 0 { highest } else { lowest }, bound);
        let length = if step > 0 { stop - start } else { start - stop };
        let stride = step.checked_abs().unwrap_or(i64::MAX);
        // a start before the first element, given again, would be the last
        if length <= 0 {
            return Some(Span { start: 0, count: 0, step });
        }
        Some(Span { start, count: ((length - 1) / stride + 1) as usize, step })
    }

    /// The bound `stop` that, with its start and step, gives this span again.
    pub(crate) fn stop(self) -> Option<i64> {
        let stop = self.start.saturating_add((self.count as i64).saturating_mul(self.step));
        (self.step > 0 || stop >= 0).then_some(stop)
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn a_span_given_again_is_the_same() {
        let bounds: Vec<Option<i64>> = (-6..=6).map(Some).chain([None, Some(i64::MIN), Some(i64::MAX)]).collect();
        let steps: Vec<i64> = (-3..=3).chain([i64::MIN, i64::MAX]).collect();
        for size in 0..5 {
            for (&start, &stop) in bounds.iter().flat_map(|start| bounds.iter().map(move |stop| (start, stop))) {
                for &step in &steps {
                    let Some(span) = Span::of(start, stop, Some(step), size) else {
                        assert_eq!(step, 0);
                        continue;
                    };
                    let again = Span::of(Some(span.start), span.stop(), Some(span.step), size);
                    assert_eq!(again, Some(span), "{start:?}:{stop:?}:{step} of {size}");
                }
            }
        }
    }
}

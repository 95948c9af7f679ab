//! The step sizes h of `/check`: those given, else powers of ten from a tenth of the point's own size down.
//!
//! Behind those that the answer lists come steps that only measure: how finely the function is computed at all, and where a single
//! size is given a second one, since an order shows between two.

use serde::de::DeserializeSeed;

use super::context::Context;
use super::gather::{Arrangement, Column, Entry, Given};
use super::raw::Raw;
use super::reader::Seed;
use super::tensor::{Form, Numbers};
use crate::service::limits::{Limits, check};
use crate::wire::problem::{Failure, Fault, MOST_FAULTS, Slug};

/// Steps, equally far apart, at which the function is looked at for its rounding errors: so many below all others, and as many again
/// some orders of magnitude farther apart, where the values of a function may be that coarse.
pub(in crate::service) const SAMPLES: usize = 8;

/// Listed steps unless others are given.
const DEFAULT: i32 = 10;

/// The listed steps followed by the hidden ones, as the values of an input.
pub(super) fn steps(raw: Option<Raw<'_>>, body: &[u8], limits: &Limits, given: &Given) -> Result<(Entry, Arrangement), Failure> {
    let size = decade(given);
    let mut data: Column = match raw {
        Some(raw) => sizes(raw, body, limits)?,
        None => (1..=DEFAULT).map(|k| power_of_ten(size - k)).collect(),
    };
    let listed = data.len();
    if data.iter().all(|&h| h == data[0]) {
        data.push(data[0] / 10.0);
    }
    let smallest = data.iter().copied().fold(f64::INFINITY, f64::min);
    let near = (smallest / 100.0).min(power_of_ten(size - DEFAULT - 2));
    for apart in [near, power_of_ten(size - DEFAULT + 2)] {
        data.extend((1..=SAMPLES).map(|i| i as f64 * apart));
    }
    let hidden = data.len() - listed;
    Ok((Entry { name: "h".into(), sizes: Vec::new(), data }, Arrangement::Steps(listed, hidden)))
}

/// Reads `step_sizes`.
fn sizes(raw: Raw<'_>, body: &[u8], limits: &Limits) -> Result<Column, Failure> {
    let mut context = Context::new(Some("step_sizes"), limits.json_nesting, Slug::InvalidRequest);
    let (mut form, mut data) = (Form::default(), Column::new());
    let read = Seed(Numbers { context: &mut context, form: &mut form, data: &mut data, depth: 0 }).deserialize(&mut super::json(raw));
    context.finish(read, raw.get(), body)?;
    check("limits.points", data.len(), limits.points)?;
    let fault = |pointer: String, detail: &str| Fault { pointer, detail: detail.to_owned(), hint: None };
    let mut faults: Vec<Fault> = Vec::new();
    if form.sizes.len() != 1 || data.is_empty() {
        faults.push(fault("/step_sizes".into(), "step sizes are a list of numbers, one at least"));
    } else {
        let wrong = data.iter().enumerate().filter(|(_, h)| !(h.is_finite() && **h > 0.0)).take(MOST_FAULTS);
        faults.extend(wrong.map(|(i, _)| fault(format!("/step_sizes/{i}"), "a step size is a finite number above 0")));
    }
    if faults.is_empty() { Ok(data) } else { Err(Failure::of_faults(Slug::InvalidRequest, faults)) }
}

/// The power of ten nearest to the size of what moves, measured by the direction: 0, so that steps are about 1, where all is 0.
fn decade(given: &Given) -> i32 {
    let (mut size, mut reach) = (0.0f64, 0.0f64);
    let largest = |sum: f64, value: f64| if value.is_finite() { sum.max(value.abs()) } else { sum };
    if given.direction.is_empty() {
        size = given.at.iter().flat_map(|entry| &entry.data[..]).fold(0.0, |sum, &x| largest(sum, x));
    }
    for direction in &given.direction {
        let Some(point) = given.at.iter().find(|entry| entry.name == direction.name) else { continue };
        for (&x, &d) in point.data.iter().zip(&direction.data).filter(|(_, d)| **d != 0.0) {
            (size, reach) = (largest(size, x), largest(reach, d));
        }
    }
    let (size, reach) = (exponent(size).unwrap_or(0), exponent(reach).unwrap_or(0));
    // far from the ends of the range, so that no step becomes 0 or infinite by itself
    (size - reach).clamp(-305, 300)
}

/// The exponent of the power of ten nearest to a positive number, by ratio.
fn exponent(value: f64) -> Option<i32> {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e')?;
    let (digits, exponent): (f64, i32) = (digits.parse().ok()?, exponent.parse().ok()?);
    (value > 0.0).then_some(if digits * digits > 10.0 { exponent + 1 } else { exponent })
}

/// Correctly rounded.
fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(x: &[f64], d: Option<&[f64]>) -> (usize, Vec<f64>) {
        let entry = |data: &[f64]| Entry { name: "x".into(), sizes: vec![data.len()], data: data.into() };
        let given = Given { at: vec![entry(x)], direction: d.map(entry).into_iter().collect(), ..Given::default() };
        let (steps, arrangement) = steps(None, b"", &Limits::default(), &given).unwrap();
        let Arrangement::Steps(listed, hidden) = arrangement else { panic!("{arrangement:?}") };
        assert_eq!((hidden, listed + hidden), (2 * SAMPLES, steps.data.len()));
        assert!(steps.data.iter().all(|&h| h > 0.0 && h.is_finite()));
        (listed, steps.data.to_vec())
    }

    #[test]
    fn steps_are_measured_by_the_point() {
        for (x, d, first) in [
            (vec![0.0], None, 0.1),
            (vec![3.0], None, 0.1),
            (vec![4.0], None, 1.0),
            (vec![0.5, -0.01], None, 0.1),
            (vec![1e200], None, 1e199),
            (vec![-1e-200], None, 1e-201),
            (vec![f64::NAN, f64::INFINITY, 20.0], None, 1.0),
            (vec![1.0, 1e6], Some([1.0, 0.0]), 0.1),
            (vec![1.0, 1e6], Some([1e3, 0.0]), 1e-4),
            (vec![0.0, 0.0], Some([0.0, 0.0]), 0.1),
            (vec![5e-324], None, 1e-306),
            (vec![f64::MAX], None, 1e299),
        ] {
            let (listed, steps) = of(&x, d.as_ref().map(|d| &d[..]));
            assert_eq!((listed, steps[0]), (10, first), "{x:?} {d:?}");
            assert!((steps[9] / steps[0] - 1e-9).abs() < 1e-15, "{steps:?}");
        }
    }
}

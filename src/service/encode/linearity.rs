//! The answer of `/check`: what was measured step by step, and what it says.
//!
//! Its results lie as [`Want::Linearity`](crate::engine::program::Want::Linearity) has them, the step sizes in the place of points.

use super::answer::Block;
use super::number::{number, string, tensor};
use super::template::{Derivative, Slot, Template};
use crate::service::check::{Element, Ground, SIGNIFICANT, Sizes, Verdict, length};
use crate::service::words::quote;

/// Numbers of an answer, and what takes as much room as so many numbers: a step has five with their names.
pub(super) fn printed(values: &[Slot], directions: &[Slot], points: usize) -> usize {
    let own = values.iter().chain(directions).map(|slot| slot.elements).fold(0, usize::saturating_add);
    own.saturating_add(points.saturating_mul(10)).saturating_add(64)
}

/// The results, at one step size after another.
struct Results<'r> {
    template: &'r Template,
    blocks: &'r [Block],
}

impl<'r> Results<'r> {
    fn steps(&self) -> usize {
        self.blocks.iter().map(|block| block.points).sum()
    }

    /// A result at a step. All blocks but the last have the same number of them.
    fn at(&self, result: usize, step: usize) -> &'r [f64] {
        let offsets = self.template.offsets();
        let size = self.blocks.first().map_or(1, |block| block.points.max(1));
        let Some(block) = self.blocks.get(step / size) else { return &[] };
        let width = offsets[result + 1] - offsets[result];
        &block.data[offsets[result] * block.points + step % size * width..][..width]
    }

    fn scalar(&self, result: usize, step: usize) -> f64 {
        self.at(result, step).first().copied().unwrap_or(f64::NAN)
    }
}

/// What all elements together say.
struct Findings {
    ground: Ground,
    /// The output and the element of it that the ground is of.
    place: Option<(usize, usize)>,
    /// What rounding explains of the remainder at each listed step.
    rounding: Vec<f64>,
}

/// Writes the answer.
pub(super) fn write(template: &Template, blocks: &[Block], listed: usize, out: &mut Vec<u8>) {
    let Derivative::Linearity(inputs) = &template.derivative else { return };
    let results = Results { template, blocks };
    let (k, n) = (template.values.len(), inputs.len());
    let (forward, reverse, h) = (4 * k + n, 4 * k + n + 1, 4 * k + n + 2);
    let sizes: Vec<f64> = (0..results.steps()).map(|step| results.scalar(h, step)).collect();
    let findings = findings(&results, &sizes, listed);

    out.extend_from_slice(b"{\"value\":");
    named(out, &template.values, |i| results.at(i, 0));
    out.extend_from_slice(b",\"direction\":");
    named(out, inputs, |i| results.at(4 * k + i, 0));
    out.extend_from_slice(b",\"steps\":[");
    let over = |first: usize, step: usize| length((0..k).flat_map(|i| results.at(first + i, step)).copied());
    let mut before: Option<(f64, f64)> = None;
    for (step, &h) in sizes.iter().enumerate().take(listed) {
        let (difference, remainder) = (over(k, step), over(2 * k, step));
        let shows = (remainder > SIGNIFICANT * findings.rounding[step] && remainder.is_finite()).then_some((h, remainder));
        let order = match (before, shows) {
            (Some((h, remainder)), Some((next, rest))) if h != next => Some((remainder.ln() - rest.ln()) / (h.ln() - next.ln())),
            _ => None,
        };
        before = shows;
        let fields = [("h", h), ("difference", difference), ("remainder", remainder), ("ratio", remainder / h)];
        for (i, (name, value)) in fields.into_iter().enumerate() {
            out.extend_from_slice(if i > 0 {
                b",\"".as_slice()
            } else if step > 0 {
                b",{\""
            } else {
                b"{\""
            });
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            number(out, value);
        }
        out.extend_from_slice(b",\"order\":");
        match order {
            Some(order) => number(out, order),
            None => out.extend_from_slice(b"null"),
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"verdict\":");
    string(out, findings.ground.verdict().name());
    out.extend_from_slice(b",\"reason\":");
    let still = (0..n).all(|i| results.at(4 * k + i, 0).iter().all(|&d| d == 0.0));
    string(out, &if still { "the direction is 0: nothing moves".to_owned() } else { reason(&findings, &template.values) });
    let (forward, reverse) = (results.scalar(forward, 0), results.scalar(reverse, 0));
    let apart = if forward == reverse { 0.0 } else { (forward - reverse).abs() / forward.abs().max(reverse.abs()) };
    for (field, value) in [(",\"inner_product\":{\"forward\":", forward), (",\"reverse\":", reverse), (",\"relative_difference\":", apart)]
    {
        out.extend_from_slice(field.as_bytes());
        number(out, value);
    }
    out.extend_from_slice(b"}}");
}

/// Judges every element of every output.
fn findings(results: &Results<'_>, sizes: &[f64], listed: usize) -> Findings {
    let outputs = &results.template.values;
    let k = outputs.len();
    let falling = Sizes::new(sizes);
    let mut findings = Findings { ground: Ground::Rounding, place: None, rounding: vec![0.0; listed] };
    let (mut differences, mut remainders) = (Vec::with_capacity(sizes.len()), Vec::with_capacity(sizes.len()));
    for (i, output) in outputs.iter().enumerate() {
        for e in 0..output.elements {
            let along = |first: usize| (0..sizes.len()).map(move |step| results.at(first + i, step)[e]);
            differences.clear();
            differences.extend(along(k));
            remainders.clear();
            remainders.extend(along(2 * k));
            let (value, slope) = (results.at(i, 0)[e], results.at(3 * k + i, 0)[e]);
            let element = Element { value, slope, differences: &differences, remainders: &remainders };
            let noise = element.noise();
            let ground = element.judge(&falling, noise);
            if ground.worse(findings.ground) {
                (findings.ground, findings.place) = (ground, Some((i, e)));
            }
            for (step, rounding) in findings.rounding.iter_mut().enumerate() {
                *rounding += element.rounding(step, noise);
            }
        }
    }
    findings
}

/// The verdict's reason in a sentence.
fn reason(findings: &Findings, outputs: &[Slot]) -> String {
    let Some((output, element)) = findings.place else {
        return "what is not linear along the direction is no more than rounding, at every step".to_owned();
    };
    let name = place(&outputs[output], element);
    match findings.ground {
        Ground::Value(value) => format!("{name} is {value} at the point"),
        Ground::Slope(slope) => format!("the derivative of {name} along the direction is {slope}"),
        Ground::Near(value) => format!("{name} is {value} as near to the point as the smallest step"),
        Ground::Rounding => format!("what is not linear in {name} is rounding"),
        Ground::Order(order) => {
            let speed = match findings.ground.verdict() {
                Verdict::Differentiable => "faster than h: it is locally linear",
                Verdict::Kink => "only as fast as h: its derivative is not its slope along the direction",
                _ => "more slowly than h: it has no linear part there",
            };
            format!("the remainder of {name} vanishes like h^{order:.2}, {speed}")
        }
    }
}

/// An element of an output by its name and indices.
fn place(output: &Slot, element: usize) -> String {
    let mut rest = element;
    let mut indices: Vec<String> = Vec::with_capacity(output.sizes.len());
    for &size in output.sizes.iter().rev() {
        indices.push((rest % size.max(1)).to_string());
        rest /= size.max(1);
    }
    indices.reverse();
    let name = quote(output.name());
    if indices.is_empty() { name } else { format!("{name}[{}]", indices.join(", ")) }
}

/// Tensors by name.
fn named<'d>(out: &mut Vec<u8>, slots: &[Slot], values: impl Fn(usize) -> &'d [f64]) {
    out.push(b'{');
    for (i, slot) in slots.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(slot.key());
        tensor(out, None, &slot.sizes, values(i).iter().copied());
    }
    out.push(b'}');
}

//! The stages of a composition in an answer: for each its value and its own matrix, then the matrix of the whole.
//!
//! Their results lie as the program of a composition has them: a stage's values, then its matrix, stage after stage; behind several
//! stages the matrix of the whole. One stage is its own whole.

use super::answer::{Matrix, View};
use super::template::Slot;
use super::text::Text;

/// A stage: what it gives, and by what it is differentiated.
#[derive(Debug)]
pub(in crate::service) struct Stage {
    pub(in crate::service) outputs: Vec<Slot>,
    pub(in crate::service) inputs: Vec<Slot>,
}

fn size(slots: &[Slot]) -> usize {
    slots.iter().map(|slot| slot.elements).fold(0, usize::saturating_add)
}

/// The sides of each matrix: the stages', then the whole's where that is another.
fn sides(stages: &[Stage]) -> impl Iterator<Item = (&[Slot], &[Slot])> {
    let whole = match stages {
        [first, .., last] => Some((&last.outputs[..], &first.inputs[..])),
        _ => None,
    };
    stages.iter().map(|stage| (&stage.outputs[..], &stage.inputs[..])).chain(whole)
}

/// Cells of all matrices.
pub(in crate::service) fn cells(stages: &[Stage]) -> usize {
    sides(stages).map(|(rows, columns)| size(rows).saturating_mul(size(columns))).fold(0, usize::saturating_add)
}

/// The lists that the stages' values and all matrices are written as.
pub(super) fn lists(stages: &[Stage]) -> usize {
    let values = stages.iter().flat_map(|stage| &stage.outputs).map(|slot| super::template::lists(&slot.sizes));
    let rows = sides(stages).map(|(rows, columns)| size(rows).max(size(columns)).saturating_add(1));
    values.chain(rows).fold(0, usize::saturating_add)
}

/// Bytes of all that is neither a number nor a list around numbers.
pub(super) fn overhead(stages: &[Stage]) -> usize {
    let names = |slots: &[Slot]| slots.iter().map(|slot| slot.overhead() + 64).fold(0, usize::saturating_add);
    let values = stages.iter().map(|stage| names(&stage.outputs));
    let matrices = sides(stages).map(|(rows, columns)| names(rows).saturating_add(names(columns)).saturating_add(64));
    values.chain(matrices).fold(0, usize::saturating_add)
}

/// The result that is the last stage's first value.
pub(super) fn last_values(stages: &[Stage]) -> usize {
    stages.iter().rev().skip(1).map(|stage| stage.outputs.len() + 1).sum()
}

impl View<'_> {
    /// Writes the stages and the whole's matrix.
    pub(super) fn stages(&self, out: &mut Text<'_>, stages: &[Stage]) {
        let matrix = |out: &mut Text<'_>, (outputs, inputs), number: usize| {
            out.extend_from_slice(b",\"jacobian\":");
            Matrix { outputs, inputs, lead: self.lead, layout: self.style.layout }.whole(out, number);
        };
        out.extend_from_slice(b",\"stages\":[");
        let mut next = 0;
        for (i, stage) in stages.iter().enumerate() {
            out.extend_from_slice(if i == 0 { b"{\"value\":".as_slice() } else { b",{\"value\":" });
            self.tensors(out, &stage.outputs, next);
            next += stage.outputs.len();
            matrix(out, (&stage.outputs[..], &stage.inputs[..]), next);
            next += 1;
            out.push(b'}');
        }
        out.push(b']');
        if let Some(sides) = sides(stages).last() {
            matrix(out, sides, if stages.len() > 1 { next } else { next - 1 });
        }
    }
}

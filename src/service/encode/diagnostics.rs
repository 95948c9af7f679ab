//! What was seen at points → the field `diagnostics` of an answer.

use std::collections::HashSet;

use super::Block;
use super::number::string;
use crate::engine::watch::{Finding, Findings};
use crate::service::build::Labels;

/// The lists of a point's object, in its order.
const LISTS: [(&str, Finding); 3] = [("kinks", Finding::Kink), ("poles", Finding::Pole), ("domain_errors", Finding::DomainError)];

/// Bytes that are said of one point, at most: a node is a kink or a pole, and besides it may leave its domain.
pub(super) fn most_bytes(labels: &Labels) -> usize {
    /// The names of the fields, and what is around them.
    const FRAME: usize = 96;
    let (all, longest) = labels.lengths();
    all.saturating_mul(2).saturating_add(longest).saturating_add(FRAME)
}

/// Adds the field to the object that `out` ends with.
pub(super) fn field(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.pop();
    out.extend_from_slice(b",\"diagnostics\":");
    write(out);
    out.push(b'}');
}

/// A list with an object a point.
pub(super) fn points(out: &mut Vec<u8>, labels: &Labels, blocks: &[Block]) {
    out.push(b'[');
    let mut first = true;
    for block in blocks {
        for number in 0..block.points {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            point(out, labels, &block.findings, number);
        }
    }
    out.push(b']');
}

/// The object of one point.
pub(super) fn point(out: &mut Vec<u8>, labels: &Labels, findings: &Findings, number: usize) {
    for (i, (name, kind)) in LISTS.into_iter().enumerate() {
        out.push(if i == 0 { b'{' } else { b',' });
        string(out, name);
        out.extend_from_slice(b":[");
        // one node of a function may be several of the engine's
        let mut listed = HashSet::new();
        for subject in findings.of(number, kind) {
            let label = labels.get(subject as usize);
            if listed.contains(&label) {
                continue;
            }
            if !listed.is_empty() {
                out.push(b',');
            }
            string(out, &label);
            listed.insert(label);
        }
        out.push(b']');
    }
    out.extend_from_slice(b",\"first_nan\":");
    match findings.first_not_finite(number) {
        Some(subject) => string(out, &labels.get(subject as usize)),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
}

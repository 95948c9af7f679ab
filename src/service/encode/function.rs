//! Registered functions as JSON: one with its text as it is kept, and pages of what is known of many.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::service::registry::Signed;
use crate::wire::answer::{Cost, Signature};
use crate::wire::function::Facts;

/// Writes the answer.
pub(in crate::service) fn function(facts: &Facts, Signed { inputs, outputs, cost }: &Signed, text: &[u8]) -> Vec<u8> {
    /// As [`Function`](crate::wire::function::Function) has it.
    #[derive(Serialize)]
    struct Written<'a> {
        #[serde(flatten)]
        facts: &'a Facts,
        inputs: &'a [Signature],
        outputs: &'a [Signature],
        cost: &'a Cost,
    }
    let mut out = serde_json::to_vec(&Written { facts, inputs, outputs, cost }).unwrap_or_default();
    // the text goes behind the rest as it is, once it is known to be JSON
    let text = serde_json::from_slice::<&RawValue>(text).map_or("null", RawValue::get);
    out.pop();
    out.extend_from_slice(b",\"graph\":");
    out.extend_from_slice(text.as_bytes());
    out.push(b'}');
    out
}

/// A page that is being written, as [`Functions`](crate::wire::function::Functions) has it.
pub(in crate::service) struct Page {
    out: Vec<u8>,
    functions: usize,
}

impl Page {
    /// A page of nothing yet.
    pub(in crate::service) fn new() -> Page {
        Page { out: b"{\"functions\":[".to_vec(), functions: 0 }
    }

    /// Writes one function more, unless the page would then have more than so many bytes. The first is always written.
    pub(in crate::service) fn push(&mut self, facts: &Facts, most: usize) -> bool {
        let before = self.out.len();
        if self.functions > 0 {
            self.out.push(b',');
        }
        let written = serde_json::to_writer(&mut self.out, facts).is_ok();
        if !written || (self.functions > 0 && self.out.len() > most) {
            self.out.truncate(before);
            return false;
        }
        self.functions += 1;
        true
    }

    /// The whole, with the cursor of the next page.
    pub(in crate::service) fn end(mut self, next: Option<String>) -> Vec<u8> {
        self.out.extend_from_slice(b"],\"next\":");
        self.out.extend_from_slice(&serde_json::to_vec(&next).unwrap_or_default());
        self.out.push(b'}');
        self.out.shrink_to_fit();
        self.out
    }
}

//! A registered function as JSON, its text as it is kept.

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

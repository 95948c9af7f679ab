//! A field of a request as its text, and where that stands in the body.

use std::ops::Range;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The text of a value.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::service) struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// The text.
    pub(in crate::service) fn get(self) -> &'a str {
        self.0
    }

    /// A text that is taken for that of a value.
    pub(super) fn of(text: &'a str) -> Raw<'a> {
        Raw(text)
    }

    /// Where it stands in the body that it was read from.
    pub(super) fn span(self, body: &[u8]) -> Range<usize> {
        let start = self.0.as_ptr().addr() - body.as_ptr().addr();
        start..start + self.0.len()
    }

    /// What stands there in the same bytes.
    pub(super) fn at(body: &'a [u8], span: Range<usize>) -> Raw<'a> {
        Raw(std::str::from_utf8(&body[span]).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Raw<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw<'de>, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Raw(raw.get()))
    }
}

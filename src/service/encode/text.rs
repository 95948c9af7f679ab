//! The text of an answer, and where in it the lists are that go from point to point: blocks of points are printed apart, each by who
//! has computed it, and joined at those.

use std::ops::{Deref, DerefMut, Range};

use super::number::tensor;

/// Bytes of JSON, and where in them the elements of each list of points stand.
#[derive(Debug, Default)]
pub(in crate::service) struct Text {
    bytes: Vec<u8>,
    lists: Vec<Range<usize>>,
}

impl Text {
    pub(super) fn with_capacity(bytes: usize) -> Text {
        Text { bytes: Vec::with_capacity(bytes), lists: Vec::new() }
    }

    /// Appends a tensor; with `lead`, one of each of so many points.
    pub(super) fn tensor(&mut self, lead: Option<usize>, sizes: &[usize], values: impl Iterator<Item = f64>) {
        let begin = self.bytes.len() + 1;
        tensor(&mut self.bytes, lead, sizes, values);
        if lead.is_some() {
            self.lists.push(begin..self.bytes.len() - 1);
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The text that the points of all of `texts` have together; each is that of some of them and of nothing else.
    pub(super) fn join(texts: &[&Text]) -> Text {
        let mut joined = Text::with_capacity(texts.iter().map(|text| text.bytes.len()).sum());
        let Some((first, rest)) = texts.split_first() else { return joined };
        let mut at = 0;
        for (i, list) in first.lists.iter().enumerate() {
            joined.extend_from_slice(&first.bytes[at..list.end]);
            for text in rest {
                joined.push(b',');
                joined.extend_from_slice(&text.bytes[text.lists[i].clone()]);
            }
            at = list.end;
        }
        joined.extend_from_slice(&first.bytes[at..]);
        joined
    }
}

impl Deref for Text {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Text {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

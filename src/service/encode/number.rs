//! Numbers and tensors as JSON, straight into bytes.

use std::ops::Range;

use smallvec::SmallVec;

/// Appends a number: the shortest decimal that reads back to the same bits, or the string that stands for a number JSON lacks.
pub(super) fn number(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        digits(out, zmij::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if value > 0.0 {
        out.extend_from_slice(b"\"Infinity\"");
    } else {
        out.extend_from_slice(b"\"-Infinity\"");
    }
}

/// Appends the text of a number: most have 16 to 24 bytes, of which two words are copied faster than a run of unknown length.
fn digits(out: &mut Vec<u8>, text: &[u8]) {
    match (text.first_chunk::<16>(), text.last_chunk::<8>()) {
        (Some(head), Some(tail)) if text.len() <= 24 => {
            let end = out.len() + text.len();
            out.extend_from_slice(head);
            // what of it is behind the head, and zeros that are cut off
            let rest = u64::from_le_bytes(*tail).checked_shr(8 * (24 - text.len() as u32)).unwrap_or(0);
            out.extend_from_slice(&rest.to_le_bytes());
            out.truncate(end);
        }
        _ => out.extend_from_slice(text),
    }
}

/// Appends an integer.
pub(super) fn integer(out: &mut Vec<u8>, value: usize) {
    use std::io::Write;
    let _ = write!(out, "{value}");
}

/// Appends nested lists of sizes `lead` (if any) and `sizes`; `values` are their numbers in row-major order.
///
/// The lists are written to the first axis of size 0 and no deeper: what is below such an axis does not show in JSON.
pub(super) fn tensor(out: &mut Vec<u8>, lead: Option<usize>, sizes: &[usize], values: impl Iterator<Item = f64>) {
    let sizes = axes(lead, sizes);
    match sizes.iter().position(|&size| size == 0) {
        Some(empty) => {
            let sizes = &sizes[..empty];
            lists(out, sizes, 0..sizes.iter().product(), |out| out.extend_from_slice(b"[]"));
        }
        None => part(out, &sizes, 0..sizes.iter().product(), values),
    }
}

/// The sizes of a tensor, those of one point behind the number of points.
pub(super) fn axes(lead: Option<usize>, sizes: &[usize]) -> SmallVec<[usize; 8]> {
    lead.into_iter().chain(sizes.iter().copied()).collect()
}

/// Appends those of the numbers of nested lists of these sizes, none of them 0, that stand in `range` in row-major order; `values` begin
/// with the first of them. What stands between a number and the one before it goes with it, and with the last what stands behind it, so
/// that parts behind one another are the whole.
pub(super) fn part(out: &mut Vec<u8>, sizes: &[usize], range: Range<usize>, mut values: impl Iterator<Item = f64>) {
    lists(out, sizes, range, |out| {
        if let Some(value) = values.next() {
            number(out, value);
        }
    });
}

fn lists(out: &mut Vec<u8>, sizes: &[usize], range: Range<usize>, mut element: impl FnMut(&mut Vec<u8>)) {
    let last = sizes.last().copied().unwrap_or(1);
    // how many lists begin with an element; as many end before it
    let turns = |at: usize| {
        let mut size = 1;
        let whole = |own: &&usize| {
            size *= **own;
            at.is_multiple_of(size)
        };
        sizes.iter().rev().take_while(whole).count()
    };
    let mut at = range.start;
    while at < range.end {
        let within = at % last;
        let begun = if within == 0 { turns(at) } else { 0 };
        if at > 0 {
            out.resize(out.len() + begun, b']');
            out.push(b',');
        }
        out.resize(out.len() + begun, b'[');
        element(out);
        let end = range.end.min(at - within + last);
        for _ in at + 1..end {
            out.push(b',');
            element(out);
        }
        at = end;
    }
    if range.end == sizes.iter().product::<usize>() {
        out.resize(out.len() + sizes.len(), b']');
    }
}

/// Appends a string in quotation marks.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..i]);
        plain = i + 1;
        if escape.is_empty() {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        } else {
            out.extend_from_slice(escape);
        }
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tensor of the numbers 1, 2, …, whole and in parts of every length.
    fn written(lead: Option<usize>, sizes: &[usize]) -> String {
        let mut whole = Vec::new();
        tensor(&mut whole, lead, sizes, (1..).map(f64::from));
        let all = axes(lead, sizes);
        let count: usize = all.iter().product();
        for length in 1..=count {
            let mut parts = Vec::new();
            for begin in (0..count).step_by(length) {
                part(&mut parts, &all, begin..count.min(begin + length), (begin as u32 + 1..).map(f64::from));
            }
            assert_eq!(String::from_utf8_lossy(&parts), String::from_utf8_lossy(&whole), "in parts of {length}");
        }
        String::from_utf8(whole).unwrap().replace(".0", "")
    }

    #[test]
    fn tensors_nest() {
        let cases: [(Option<usize>, &[usize], &str); 13] = [
            (None, &[], "1"),
            (None, &[0], "[]"),
            (None, &[3], "[1,2,3]"),
            (None, &[2, 2], "[[1,2],[3,4]]"),
            (None, &[2, 1, 2], "[[[1,2]],[[3,4]]]"),
            (None, &[1, 2, 2], "[[[1,2],[3,4]]]"),
            (None, &[2, 0], "[[],[]]"),
            (None, &[2, 0, 3], "[[],[]]"),
            (None, &[0, 3], "[]"),
            (Some(0), &[2], "[]"),
            (Some(2), &[], "[1,2]"),
            (Some(2), &[2], "[[1,2],[3,4]]"),
            (Some(2), &[1, 3, 1], "[[[[1],[2],[3]]],[[[4],[5],[6]]]]"),
        ];
        for (lead, sizes, text) in cases {
            assert_eq!(written(lead, sizes), text, "{lead:?} {sizes:?}");
        }
    }

    #[test]
    fn numbers_read_back_to_the_same_bits() {
        let values = [0.0, -0.0, 3.0, 0.1, 5e-324, f64::MAX, f64::MIN_POSITIVE, 1e23, 4.314829847437827, -1e-7, 9007199254740993.0];
        for value in values {
            let mut out = Vec::new();
            number(&mut out, value);
            let back: f64 = serde_json::from_slice(&out).unwrap();
            assert_eq!(back.to_bits(), value.to_bits(), "{}", String::from_utf8_lossy(&out));
        }
    }

    #[test]
    fn what_json_lacks_is_a_string() {
        let mut out = Vec::new();
        tensor(&mut out, None, &[3], [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].into_iter());
        assert_eq!(out, b"[\"NaN\",\"Infinity\",\"-Infinity\"]");
    }

    #[test]
    fn strings_are_escaped() {
        for text in ["x", "a\"b\\c", "\u{1}\n\t\r", "θ/~", ""] {
            let mut out = Vec::new();
            string(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}

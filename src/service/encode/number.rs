//! Numbers and tensors as JSON, straight into bytes.

/// Appends a number: the shortest decimal that reads back to the same bits, or the string that stands for a number JSON lacks.
pub(super) fn number(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else if value.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if value > 0.0 {
        out.extend_from_slice(b"\"Infinity\"");
    } else {
        out.extend_from_slice(b"\"-Infinity\"");
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
pub(super) fn tensor(out: &mut Vec<u8>, lead: Option<usize>, sizes: &[usize], mut values: impl Iterator<Item = f64>) {
    let rank = sizes.len() + usize::from(lead.is_some());
    let size = |axis: usize| match (lead, axis) {
        (Some(lead), 0) => lead,
        (Some(_), axis) => sizes[axis - 1],
        (None, axis) => sizes[axis],
    };
    if rank == 0 {
        if let Some(value) = values.next() {
            number(out, value);
        }
        return;
    }
    let last = (0..rank).find(|&axis| size(axis) == 0).unwrap_or(rank - 1);
    let mut index = [0usize; MOST_AXES];
    if last >= MOST_AXES {
        return deep(out, (0..=last).map(size).collect(), values);
    }
    out.resize(out.len() + last, b'[');
    loop {
        run(out, size(last), &mut values);
        let mut axis = last;
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            if index[axis] < size(axis) {
                break;
            }
            index[axis] = 0;
            out.push(b']');
        }
        out.push(b',');
        out.resize(out.len() + (last - 1 - axis), b'[');
    }
}

/// Axes that are counted without an allocation: far more than the default limit on a tensor's rank.
const MOST_AXES: usize = 32;

/// [`tensor`] for a rank that only an unusual limit allows.
fn deep(out: &mut Vec<u8>, sizes: Vec<usize>, mut values: impl Iterator<Item = f64>) {
    let last = sizes.len() - 1;
    let outer: usize = sizes[..last].iter().product();
    for i in 0..outer {
        // How many of the outer lists begin, and how many end, with this run.
        let turns = |i: usize| {
            let mut block = 1;
            sizes[..last]
                .iter()
                .rev()
                .take_while(|&&size| {
                    block *= size;
                    i.is_multiple_of(block)
                })
                .count()
        };
        if i > 0 {
            out.push(b',');
        }
        out.resize(out.len() + turns(i), b'[');
        run(out, sizes[last], &mut values);
        out.resize(out.len() + turns(i + 1), b']');
    }
}

fn run(out: &mut Vec<u8>, size: usize, values: &mut impl Iterator<Item = f64>) {
    out.push(b'[');
    for (i, value) in values.take(size).enumerate() {
        if i > 0 {
            out.push(b',');
        }
        number(out, value);
    }
    out.push(b']');
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

    fn written(lead: Option<usize>, sizes: &[usize]) -> String {
        let mut out = Vec::new();
        tensor(&mut out, lead, sizes, (1..).map(f64::from));
        let mut same = Vec::new();
        if !sizes.is_empty() {
            let all: Vec<usize> = lead.into_iter().chain(sizes.iter().copied()).collect();
            let last = all.iter().position(|&size| size == 0).unwrap_or(all.len() - 1);
            deep(&mut same, all[..=last].to_vec(), (1..).map(f64::from));
            assert_eq!(String::from_utf8(same).unwrap(), String::from_utf8(out.clone()).unwrap());
        }
        String::from_utf8(out).unwrap().replace(".0", "")
    }

    #[test]
    fn tensors_nest() {
        let cases: [(Option<usize>, &[usize], &str); 12] = [
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

//! Where the members of a request stand, found without reading what is in them.
//!
//! Strings and brackets are followed and nothing else, eight bytes at a time: most of a large body is numbers, and is read soon enough by
//! who wants them. So a text is not known to be JSON here. Whatever is not as plain as requests are is left to the careful reading of
//! [`mod@super::envelope`].

use smallvec::SmallVec;

/// The members of the object that `text` is, the values being objects, lists, strings, `true` or `false`; `None` for anything else.
pub(super) fn members(text: &str) -> Option<SmallVec<[(&str, &str); 4]>> {
    let bytes = text.as_bytes();
    let mut members = SmallVec::new();
    let mut at = expect(bytes, blank(bytes, 0), b'{')?;
    loop {
        let end = string(bytes, at)?;
        let key = &text[at + 1..end - 1];
        if key.contains('\\') {
            return None;
        }
        at = expect(bytes, blank(bytes, end), b':')?;
        let end = value(bytes, at)?;
        members.push((key, &text[at..end]));
        at = blank(bytes, end);
        match bytes.get(at)? {
            b',' => at = blank(bytes, at + 1),
            b'}' => return (blank(bytes, at + 1) == bytes.len()).then_some(members),
            _ => return None,
        }
    }
}

/// Behind that byte and the white space after it.
fn expect(bytes: &[u8], at: usize, byte: u8) -> Option<usize> {
    (*bytes.get(at)? == byte).then(|| blank(bytes, at + 1))
}

/// Behind white space.
pub(super) fn blank(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\t' | b'\r')).count()
}

/// Behind the value that begins there.
fn value(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string(bytes, at),
        b'{' | b'[' => container(bytes, at),
        b't' => bytes[at..].starts_with(b"true").then_some(at + 4),
        b'f' => bytes[at..].starts_with(b"false").then_some(at + 5),
        _ => None,
    }
}

/// Behind the object or list that begins there.
fn container(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        at = find(bytes, at, |word| is(word, b'"') | is(word | every(0x20), b'{') | is(word | every(0x20), b'}'))?;
        match bytes[at] {
            b'"' => at = string(bytes, at)?,
            b'[' | b'{' => {
                depth += 1;
                at += 1;
            }
            b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
}

/// Behind the string that begins there.
fn string(bytes: &[u8], at: usize) -> Option<usize> {
    if *bytes.get(at)? != b'"' {
        return None;
    }
    let mut at = at + 1;
    loop {
        at = find(bytes, at, |word| is(word, b'"') | is(word, b'\\'))?;
        match bytes[at] {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// The first byte from there on that ends a string, or that one without escapes may not have.
pub(super) fn end_of_plain(bytes: &[u8], at: usize) -> Option<usize> {
    find(bytes, at, |word| is(word, b'"') | is(word, b'\\') | below(word, b' '))
}

/// The first byte from there on that `marks` marks.
fn find(bytes: &[u8], mut at: usize, marks: impl Fn(u64) -> u64) -> Option<usize> {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        match marks(u64::from_le_bytes(*chunk)) {
            0 => at += 8,
            marked => return Some(at + marked.trailing_zeros() as usize / 8),
        }
    }
    let rest = bytes.get(at..)?;
    rest.iter().position(|&byte| marks(every(byte)) != 0).map(|i| at + i)
}

/// Marks the bytes of a word that are `byte`; above the lowest of them perhaps others.
fn is(word: u64, byte: u8) -> u64 {
    let difference = word ^ every(byte);
    difference.wrapping_sub(every(1)) & !difference & every(0x80)
}

/// Marks the bytes of a word that are less than `byte`, which is ASCII; above the lowest of them perhaps others.
fn below(word: u64, byte: u8) -> u64 {
    word.wrapping_sub(every(byte)) & !word & every(0x80)
}

const fn every(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

#[cfg(test)]
mod tests {
    use super::members;

    #[test]
    fn members_are_found() {
        let text = " {\n\"a\" : [1, {\"b\": \"]\\\"}\"}, [[]]] ,\"θ\":\"x\\\\\", \"c\":{},\"d\":true , \"e\":[\"a long text without any mark in it\"]}\n";
        let found = members(text).unwrap();
        let expected = [
            ("a", "[1, {\"b\": \"]\\\"}\"}, [[]]]"),
            ("θ", "\"x\\\\\""),
            ("c", "{}"),
            ("d", "true"),
            ("e", "[\"a long text without any mark in it\"]"),
        ];
        assert_eq!(found[..], expected);
    }

    #[test]
    fn members_are_those_that_serde_finds() {
        // every length of numbers and strings around the marks
        for length in 0..40 {
            let (digits, letters) = ("7".repeat(length), "x".repeat(length));
            let text = format!(
                "{{\"a{letters}\":[1{digits},[{digits}0],\"{letters}\"],\"b\":\"{letters}\\\"{letters}\",\"c\":{{\"{letters}\":[]}}}}"
            );
            let found = members(&text).unwrap();
            let read: std::collections::BTreeMap<String, &serde_json::value::RawValue> = serde_json::from_str(&text).unwrap();
            assert_eq!(found.len(), read.len());
            for (key, raw) in found {
                assert_eq!(read[key].get(), raw, "{text}");
            }
        }
    }

    #[test]
    fn what_is_not_plain_is_left() {
        for text in [
            "",
            "{",
            "{}",
            "[]",
            "7",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":7}",
            "{\"a\":null}",
            "{\"a\":[}",
            "{\"a\":[]",
            "{\"a\":[]]}",
            "{\"a\":[]} x",
            "{\"a\":[],}",
            "{\"a\":\"x}",
            "{\"a\":\"x\\\"}",
            "{\"\\u0061\":[]}",
            "{a:[]}",
            "{\"a\":[\"]}",
            "{\"a\":[] \"b\":[]}",
            "{\"a\":truex}",
        ] {
            assert_eq!(members(text), None, "{text}");
        }
    }
}

//! Reading plain JSON from left to right: no escapes, and `None` for whatever is wrong or unusual.
//!
//! What large requests are made of is read in this way at a fraction of the cost of the careful one. No fault is found here: who gets
//! `None` has the same text read with care, which says what is wrong with it if anything is.

use super::scan::{blank, end_of_plain};

/// How far a text is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Cursor<'t> {
        Cursor { text, at: 0 }
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Goes on behind so many bytes.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// The next byte but white space, which is read over.
    pub(super) fn next(&mut self) -> Option<u8> {
        match self.text.as_bytes().get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => {
                self.at = blank(self.text.as_bytes(), self.at);
                self.text.as_bytes().get(self.at).copied()
            }
        }
    }

    /// Reads over a byte.
    pub(super) fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.at += 1)
    }

    /// Whether there is one more element, `done` being read over where there is none.
    pub(super) fn more(&mut self, first: bool, done: u8) -> Option<bool> {
        match self.next()? {
            byte if byte == done => {
                self.at += 1;
                Some(false)
            }
            _ if first => Some(true),
            _ => {
                self.take(b',')?;
                // none may follow a comma
                (self.next()? != done).then_some(true)
            }
        }
    }

    /// A string without escapes.
    pub(super) fn string(&mut self) -> Option<&'t str> {
        self.take(b'"')?;
        let (text, begin) = (self.text, self.at);
        let end = end_of_plain(text.as_bytes(), begin)?;
        self.at = end + 1;
        (text.as_bytes()[end] == b'"').then(|| &text[begin..end])
    }

    /// A number, correctly rounded; `None` where that is not finite.
    pub(super) fn number(&mut self) -> Option<f64> {
        let rest = &self.text.as_bytes()[self.at..];
        let (value, length) = fast_float2::parse_partial::<f64, _>(rest).ok()?;
        self.at += length;
        (is_number(&rest[..length]) && value.is_finite()).then_some(value)
    }
}

/// Whether what was read as a number is one in JSON, too, which knows no `+1`, `01`, `1.`, `.5` or `inf`.
fn is_number(token: &[u8]) -> bool {
    let token = token.strip_prefix(b"-").unwrap_or(token);
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match (digits, &token[digits..]) {
        (1.., []) => digits == 1 || token[0] != b'0',
        (1.., [b'.', next, ..]) if !next.is_ascii_digit() => false,
        (1.., [.., last]) => last.is_ascii_digit() && (digits == 1 || token[0] != b'0'),
        (0, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn strings_end_at_the_first_quote_and_have_no_escapes_or_control_characters() {
        for length in 0..20 {
            for at in 0..=length {
                for other in (0..=0xff).map(char::from).chain(['\u{3b8}', '\u{1f600}']) {
                    let mut inside: String = "!~\u{7f}x".chars().cycle().take(length).collect();
                    let place = inside.char_indices().nth(at).map_or(inside.len(), |(place, _)| place);
                    inside.insert(place, other);
                    let text = format!("\"{inside}\",");
                    let mut cursor = Cursor::new(&text);
                    let expected = match other {
                        '"' => Some(&inside[..place]),
                        '\\' | '\0'..='\u{1f}' => None,
                        _ => Some(&*inside),
                    };
                    assert_eq!(cursor.string(), expected, "{text:?}");
                    if let Some(string) = expected {
                        assert_eq!(cursor.rest(), &text[string.len() + 2..], "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn numbers_are_those_of_json_and_of_the_same_bits() {
        let mut texts: Vec<String> = [
            "0",
            "-0",
            "-0.0",
            "1",
            "-1",
            "10",
            "0.1",
            "1e5",
            "1E5",
            "1e+5",
            "1e-5",
            "1.5e3",
            "0e0",
            "5e-324",
            "2e-324",
            "1e-400",
            "-1e-400",
            "1.7976931348623157e308",
            "9007199254740993",
            "18446744073709551615",
            "123456789012345678901234567890",
            "0.1000000000000000055511151231257827",
            "1e999",
            "-1e999",
            "01",
            "-01",
            "1.",
            ".5",
            "-.5",
            "+1",
            "1e",
            "1e+",
            "-",
            "",
            "inf",
            "-inf",
            "nan",
            "Infinity",
            "1.e5",
            "1_0",
            "0x1",
            "1.2.3",
            "--1",
            "1-1",
        ]
        .map(str::to_owned)
        .into();
        // halfway cases of every size
        texts.extend((0..2000u64).map(|i| {
            let value = f64::from_bits(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 0x7ff0_0000_0000_0000);
            if i % 2 == 0 { format!("{value:e}") } else { format!("{:.30e}", (value + value.next_up()) / 2.0) }
        }));
        for text in texts {
            let mut cursor = Cursor::new(&text);
            let own = cursor.number().filter(|_| cursor.next().is_none());
            let careful: Option<f64> = serde_json::from_str(&text).ok();
            assert_eq!(own.map(f64::to_bits), careful.map(f64::to_bits), "{text}");
        }
    }
}

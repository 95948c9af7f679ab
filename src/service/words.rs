//! Words of error messages: names quoted at a bearable length, and the nearest of the names that would have been right.
//!
//! Both the text a caller sends and the number of names it is compared with are bounded here, so that an error costs no more than
//! the request that made it.

use crate::wire::hint::nearest;

/// The longest name that is repeated whole.
const LONGEST: usize = 64;

/// What a name looks like.
pub(super) const SPELLING: &str = "a name is a letter or _, then letters, digits, _ and . (not at the end)";

/// The text in quotation marks, cut where it is long.
pub(super) fn quote(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => format!("\"{text}\""),
        Some((end, _)) => format!("\"{}…\"", &text[..end]),
    }
}

/// "did you mean …?", where there is something to mean.
pub(super) fn meant<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, candidates).map(|candidate| format!("did you mean {}?", quote(candidate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut() {
        assert_eq!(quote("x"), "\"x\"");
        assert!(quote(&"é".repeat(1000)).len() < 200);
    }
}

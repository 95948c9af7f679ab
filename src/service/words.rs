//! Words of error messages: names quoted at a bearable length, and the nearest of the names that would have been right.
//!
//! Both the text a caller sends and the number of names it is compared with are bounded here, so that an error costs no more than
//! the request that made it.

/// The longest name that is repeated whole, and that is compared with others.
const LONGEST: usize = 64;

/// The most names that one is compared with.
const MOST: usize = 10_000;

/// The text in quotation marks, cut where it is long.
pub(super) fn quote(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => format!("\"{text}\""),
        Some((end, _)) => format!("\"{}…\"", &text[..end]),
    }
}

/// The candidate most like `name`, if any is like it.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.is_empty() || name.len() > LONGEST {
        return None;
    }
    let bearable = name.chars().count().div_ceil(3);
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .take(MOST)
        .filter(|candidate| candidate.len() <= LONGEST && candidate.len().abs_diff(name.len()) <= bearable * 2)
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= bearable)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean …?", where there is something to mean.
pub(super) fn meant<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, candidates).map(|candidate| format!("did you mean {}?", quote(candidate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("sine", ["cos", "sin", "sinh"]), Some("sin"));
        assert_eq!(nearest("wtr", ["at", "points", "wrt"]), Some("wrt"));
        assert_eq!(nearest("zzz", ["at", "points", "wrt"]), None);
        assert_eq!(nearest("", ["at"]), None);
        assert_eq!(nearest(&"x".repeat(1000), ["x"]), None);
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(quote("x"), "\"x\"");
        assert!(quote(&"é".repeat(1000)).len() < 200);
    }
}

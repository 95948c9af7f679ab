//! The nearest of the names that would have been right: what "did you mean" is made of.
//!
//! Both the name and the number of candidates it is compared with are bounded, so that an error costs no more than the request that
//! made it.

use std::cmp::Reverse;

/// The longest name that is compared with others, in bytes.
const LONGEST: usize = 64;

/// The most names that one is compared with.
const MOST: usize = 10_000;

/// The candidate most like `name`, if any is like it: at most a third of its characters differ, and one at least does not.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if name.len() > LONGEST {
        return None;
    }
    let length = name.chars().count();
    let bearable = length.div_ceil(3);
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .take(MOST)
        .filter(|candidate| candidate.len() <= LONGEST && candidate.len().abs_diff(name.len()) <= bearable * 2)
        .map(|candidate| {
            // Among equals the one that begins alike: `sinn` is rather `sin` than `sign`.
            let alike = candidate.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
            ((strsim::osa_distance(&lower, &candidate.to_lowercase()), Reverse(alike)), candidate)
        })
        .filter(|((distance, _), _)| *distance <= bearable && *distance < length)
        .min_by_key(|(likeness, _)| *likeness)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        for (name, candidates, found) in [
            ("sine", ["cos", "sin", "sinh"], Some("sin")),
            ("sinn", ["sign", "sin", "sinh"], Some("sin")),
            ("Sin", ["cos", "asin", "sin"], Some("sin")),
            ("X", ["y", "x", "z"], Some("x")),
            ("wtr", ["at", "points", "wrt"], Some("wrt")),
            ("zzz", ["at", "points", "wrt"], None),
            // Of one character nothing is left when it differs.
            ("f", ["+", "-", "e"], None),
            ("", ["at", "a", ""], None),
        ] {
            assert_eq!(nearest(name, candidates), found, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(1000), ["x"]), None);
    }
}

//! What a name may look like.

/// Whether a name is a Unicode identifier (XID, or `_` in front), with `.` inside.
pub(in crate::service) fn valid(name: &str) -> bool {
    // most names are ASCII, and then there are few to tell apart
    if let [first, rest @ ..] = name.as_bytes()
        && (first.is_ascii_alphabetic() || *first == b'_')
        && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    {
        return true;
    }
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || unicode_ident::is_xid_start(c))
        && chars.all(|c| c == '.' || unicode_ident::is_xid_continue(c))
        && !name.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::valid;

    #[test]
    fn names_are_identifiers() {
        for name in ["x", "_", "x1", "θ", "layer.0.w", "変数", "_a.b"] {
            assert!(valid(name), "{name}");
        }
        for name in ["", "1x", "a b", ".x", "x.", "x-y", "x[1]", "∂"] {
            assert!(!valid(name), "{name}");
        }
    }
}

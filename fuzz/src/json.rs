//! JSON as the targets look at it: texts of values, and numbers as Rust's own reader has them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// A tensor as it stands in JSON, every NaN alike.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(crate) enum Tree {
    /// The bits of a number.
    Number(u64),
    /// A list.
    List(Vec<Tree>),
}

/// The fields of an object; none where it is no object.
pub(crate) fn fields(text: &str) -> BTreeMap<String, &RawValue> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The entries of a list; `None` where it is no list.
pub(crate) fn entries(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok()
}

/// A tensor; `None` where it is something else.
pub(crate) fn tree(text: &str) -> Option<Tree> {
    let number = match text.as_bytes().first()? {
        b'[' => return entries(text)?.into_iter().map(|entry| tree(entry.get())).collect::<Option<_>>().map(Tree::List),
        b'"' => match serde_json::from_str::<String>(text).ok()?.as_str() {
            "NaN" => f64::NAN,
            "Infinity" | "Inf" => f64::INFINITY,
            "-Infinity" | "-Inf" => f64::NEG_INFINITY,
            _ => return None,
        },
        b'-' | b'0'..=b'9' => text.parse().ok()?,
        _ => return None,
    };
    Some(Tree::Number(if number.is_nan() { f64::NAN.to_bits() } else { number.to_bits() }))
}

/// An object of texts of values.
pub(crate) fn object<'t>(entries: impl IntoIterator<Item = (&'t str, &'t str)>) -> String {
    let mut text = String::from("{");
    for (name, value) in entries {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&serde_json::Value::from(name).to_string());
        text.push(':');
        text.push_str(value);
    }
    text.push('}');
    text
}

//! JSON as the targets look at it: texts of values, and numbers as Rust's own reader has them.

use std::collections::BTreeMap;

use serde_json::Value;
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
        text.push_str(&Value::from(name).to_string());
        text.push(':');
        text.push_str(value);
    }
    text.push('}');
    text
}

/// What the outputs of a listed graph are, each as a number from `known`: the same for what is computed alike, whatever nodes are called and
/// in whatever order they stand.
pub(crate) fn meaning(graph: &str, known: &mut BTreeMap<String, usize>) -> Vec<(String, usize)> {
    let graph: Value = serde_json::from_str(graph).unwrap_or_default();
    let list = |field: &str| graph[field].as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value.as_str().or(value["name"].as_str()).unwrap_or_default().to_owned();
    let mut numbered = |text: String| {
        let next = known.len();
        *known.entry(text).or_insert(next)
    };
    let mut named: BTreeMap<String, usize> =
        list("inputs").iter().enumerate().map(|(i, input)| (name(input), numbered(format!("input {i}: {}", input["shape"])))).collect();
    for mut node in list("nodes") {
        for arg in node["args"].as_array_mut().into_iter().flatten() {
            if let Some(number) = arg.as_str().and_then(|name| named.get(name)) {
                *arg = Value::from(format!("node {number}"));
            }
        }
        let own = name(&node);
        node["name"] = Value::Null;
        named.insert(own, numbered(node.to_string()));
    }
    let mut output = |output: &Value| {
        let value = if output.is_string() { output } else { &output["value"] };
        (name(output), value.as_str().and_then(|name| named.get(name).copied()).unwrap_or_else(|| numbered(value.to_string())))
    };
    list("outputs").iter().map(&mut output).collect()
}

//! Attributes as written → attributes as the operator's row types them.

use std::collections::BTreeMap;

use crate::engine::op::{self, AttributeKind, Attributes, Row, Value};
use crate::service::words::{meant, quote};
use crate::wire::graph::Attribute;

/// What is wrong with an attribute: its name, a sentence, a hint.
pub(super) struct Wrong {
    pub(super) name: String,
    pub(super) detail: String,
    pub(super) hint: Option<String>,
}

/// The attributes of `row`, in its order.
pub(super) fn typed(row: &'static Row, written: &BTreeMap<String, Attribute>) -> Result<Attributes, Vec<Wrong>> {
    let mut wrong: Vec<Wrong> = written
        .keys()
        .filter(|name| row.attributes.iter().all(|attribute| attribute.name != name.as_str()))
        .map(|name| Wrong {
            name: name.clone(),
            detail: format!("{} has no attribute {}", row.name, quote(name)),
            hint: meant(name, row.attributes.iter().map(|attribute| attribute.name)).or_else(|| takes(row)),
        })
        .collect();
    let mut attributes = Attributes::none();
    // functions are looked up by who knows their scope
    for attribute in row.attributes.iter().filter(|attribute| attribute.kind != AttributeKind::Function) {
        match written.get(attribute.name) {
            None | Some(Attribute::Null) if attribute.required => wrong.push(Wrong {
                name: String::new(),
                detail: format!("{} needs the attribute `{}`", row.name, attribute.name),
                hint: Some(format!("`{}`: {}", attribute.name, attribute.summary)),
            }),
            None | Some(Attribute::Null) => {}
            Some(value) => match read(attribute, value) {
                Ok(value) => attributes = attributes.with(attribute.name, value),
                Err(expected) => wrong.push(Wrong {
                    name: attribute.name.to_owned(),
                    detail: format!(
                        "{}: `{}` must be {expected}{}",
                        row.name,
                        attribute.name,
                        if beyond(attribute.kind, value) { " within ±2^53" } else { "" }
                    ),
                    hint: Some(format!("`{}`: {}", attribute.name, attribute.summary)),
                }),
            },
        }
    }
    if wrong.is_empty() { Ok(attributes) } else { Err(wrong) }
}

fn takes(row: &Row) -> Option<String> {
    let names = row.attributes.iter().map(|attribute| format!("`{}`", attribute.name)).collect::<Vec<_>>();
    Some(if names.is_empty() { format!("{} has no attributes", row.name) } else { format!("it has {}", names.join(", ")) })
}

/// A value of the attribute's kind, or what it should have been.
fn read(attribute: &op::Attribute, value: &Attribute) -> Result<Value, String> {
    match attribute.kind {
        AttributeKind::Int => integer(value).map(Value::Int).ok_or_else(|| "an integer".into()),
        AttributeKind::Bool => match value {
            Attribute::Bool(flag) => Ok(Value::Bool(*flag)),
            _ => Err("true or false".into()),
        },
        AttributeKind::Ints => list(value, integer).map(Value::Ints).ok_or_else(|| "an integer or a list of integers".into()),
        AttributeKind::Bounds => {
            // Bounds are cut to the axis, so that one beyond the exact integers needs to be no nearer: many write 2⁶³ − 1 for "the end".
            let bound = |value: &Attribute| match value {
                Attribute::Null => Some(None),
                Attribute::Number(value) if whole(*value) => Some(Some(*value as i64)),
                _ => None,
            };
            list(value, bound).map(Value::Bounds).ok_or_else(|| "a list of integers and nulls".into())
        }
        AttributeKind::Indices => indices(value).ok_or_else(|| "an integer or rectangular nested lists of integers".into()),
        AttributeKind::Name | AttributeKind::Function => Err("a name that is looked up before".into()),
        AttributeKind::Choice(words) => choice(words, value).map(Value::Text).ok_or_else(|| {
            let words = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>();
            format!("one of {}", words.join(", "))
        }),
        AttributeKind::Real => real(value).map(Value::Real).ok_or_else(|| "a finite number".into()),
        AttributeKind::Reals => {
            list(value, real).map(|values| Value::Reals(values.into())).ok_or_else(|| "a finite number or a list of finite numbers".into())
        }
        AttributeKind::Text => match value {
            Attribute::Text(text) => Ok(Value::Written(text.as_str().into())),
            _ => Err("a string".into()),
        },
    }
}

/// The integers that binary64 tells apart.
const EXACT: f64 = (1_u64 << 53) as f64;

/// An integer, which may be written 1.0.
pub(super) fn integer(value: &Attribute) -> Option<i64> {
    match value {
        Attribute::Number(value) if whole(*value) && value.abs() <= EXACT => Some(*value as i64),
        _ => None,
    }
}

/// A number that is neither infinite nor NaN.
fn real(value: &Attribute) -> Option<op::Real> {
    match value {
        Attribute::Number(value) if value.is_finite() => Some(op::Real::from(*value)),
        _ => None,
    }
}

fn whole(value: f64) -> bool {
    value.is_finite() && value.fract() == 0.0
}

/// Whether an integer is too large to be read exactly, which is then what is wrong.
fn beyond(kind: AttributeKind, value: &Attribute) -> bool {
    if matches!(kind, AttributeKind::Real | AttributeKind::Reals | AttributeKind::Text) {
        return false;
    }
    match value {
        Attribute::Number(value) => whole(*value) && value.abs() > EXACT,
        Attribute::List(values) => {
            values.iter().any(|value| matches!(value, Attribute::Number(value) if whole(*value) && value.abs() > EXACT))
        }
        _ => false,
    }
}

/// A list, or the one element of a list of one.
fn list<T>(value: &Attribute, element: impl Fn(&Attribute) -> Option<T>) -> Option<Vec<T>> {
    match value {
        Attribute::List(values) => values.iter().map(element).collect(),
        value => element(value).map(|value| vec![value]),
    }
}

/// Nested lists, one level after another.
fn indices(value: &Attribute) -> Option<Value> {
    let mut level = vec![value];
    let mut shape = Vec::new();
    while let Some(Attribute::List(first)) = level.first() {
        let size = first.len();
        let mut next = Vec::with_capacity(level.len().saturating_mul(size).min(1 << 24));
        for value in level {
            match value {
                Attribute::List(values) if values.len() == size => next.extend(values),
                _ => return None,
            }
        }
        shape.push(size);
        level = next;
    }
    let values: Vec<i64> = level.into_iter().map(integer).collect::<Option<_>>()?;
    Some(Value::Indices(shape, values.into()))
}

fn choice(words: &'static [&'static str], value: &Attribute) -> Option<&'static str> {
    let infinity = |sign: bool| if sign { "-inf" } else { "inf" };
    let number;
    let word = match value {
        Attribute::Text(text) => match text.as_str() {
            "Infinity" | "Inf" => "inf",
            "-Infinity" | "-Inf" => "-inf",
            other => other,
        },
        Attribute::Number(value) if value.is_infinite() => infinity(value.is_sign_negative()),
        Attribute::Number(value) => {
            number = value.to_string();
            &number
        }
        _ => return None,
    };
    words.iter().find(|candidate| **candidate == word).copied()
}

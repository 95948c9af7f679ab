//! Attributes: the static parameters beside an operator's arguments (`axis`, `keepdims`, `shape`, ...).

use std::sync::Arc;

use crate::engine::graph::Body;

/// What an operator's row says of one of its attributes.
#[derive(Debug)]
pub struct Attribute {
    /// Its name on the wire.
    pub name: &'static str,
    /// What values it takes.
    pub kind: AttributeKind,
    /// Whether it must be given; otherwise leaving it out and `null` both mean [`Value::Null`], the default that `summary` states.
    pub required: bool,
    /// What it means, and its default.
    pub summary: &'static str,
}

/// The kinds of attribute values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeKind {
    /// An integer → [`Value::Int`].
    Int,
    /// An integer or a list of integers → [`Value::Ints`].
    Ints,
    /// A list, an entry of which is an integer or null → [`Value::Bounds`]. A lone integer is a list of one.
    Bounds,
    /// An integer or nested (rectangular) lists of integers → [`Value::Indices`].
    Indices,
    /// A name or a position; only on operators that are resolved while a graph is read.
    Name,
    /// The name of a function of the graph → [`Value::Body`].
    Function,
    /// `true` or `false` → [`Value::Bool`].
    Bool,
    /// One of these words → [`Value::Text`]; a number whose decimal form (`1`, `2`) is one of the words counts as that word, and so do
    /// the strings and numbers for infinity where `inf` is one.
    Choice(&'static [&'static str]),
    /// A finite number → [`Value::Real`].
    Real,
    /// A list of finite numbers → [`Value::Reals`]. A lone number is a list of one.
    Reals,
    /// A string whose form the operator's shape rule checks → [`Value::Written`].
    Text,
}

/// A number as an attribute's value: equal to another where the bits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Real(u64);

impl Real {
    /// The number.
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl From<f64> for Real {
    fn from(value: f64) -> Real {
        Real(value.to_bits())
    }
}

/// An attribute's value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// Not given.
    Null,
    /// An integer.
    Int(i64),
    /// Integers, e.g. axes or sizes.
    Ints(Vec<i64>),
    /// A bound an axis, `None` where left open.
    Bounds(Vec<Option<i64>>),
    /// An integer tensor: its shape and its row-major values.
    Indices(Vec<usize>, Arc<[i64]>),
    /// A flag.
    Bool(bool),
    /// A word of a [`AttributeKind::Choice`].
    Text(&'static str),
    /// A number.
    Real(Real),
    /// Numbers.
    Reals(Arc<[Real]>),
    /// A string.
    Written(Arc<str>),
    /// A function.
    Body(Body),
}

/// An operator's attributes by name, in the order of its row; those not given are absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Attributes(Vec<(&'static str, Value)>);

impl Attributes {
    /// No attributes.
    pub fn none() -> Attributes {
        Attributes::default()
    }

    /// With one more attribute (replacing one of that name); [`Value::Null`] leaves it out.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Value) -> Attributes {
        self.0.retain(|(other, _)| *other != name);
        if value != Value::Null {
            self.0.push((name, value));
        }
        self
    }

    /// The attribute's value, `Null` where absent.
    pub fn get(&self, name: &str) -> &Value {
        self.0.iter().find(|(other, _)| *other == name).map_or(&Value::Null, |(_, value)| value)
    }

    /// Those that are present.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// Whether none is present.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An integer attribute.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A list of integers.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.get(name) {
            Value::Ints(values) => Some(values),
            _ => None,
        }
    }

    /// A function.
    pub fn body(&self, name: &str) -> Option<&Body> {
        self.get(name).body()
    }

    /// A list of bounds.
    pub fn bounds(&self, name: &str) -> Option<&[Option<i64>]> {
        match self.get(name) {
            Value::Bounds(values) => Some(values),
            _ => None,
        }
    }

    /// An integer tensor.
    pub fn indices(&self, name: &str) -> Option<(&[usize], &Arc<[i64]>)> {
        match self.get(name) {
            Value::Indices(shape, values) => Some((shape, values)),
            _ => None,
        }
    }

    /// A flag, false where absent.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == &Value::Bool(true)
    }

    /// A word.
    pub fn text(&self, name: &str) -> Option<&'static str> {
        match self.get(name) {
            Value::Text(value) => Some(value),
            _ => None,
        }
    }

    /// A number.
    pub fn real(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Value::Real(value) => Some(value.get()),
            _ => None,
        }
    }

    /// A list of numbers.
    pub fn reals(&self, name: &str) -> Option<&Arc<[Real]>> {
        match self.get(name) {
            Value::Reals(values) => Some(values),
            _ => None,
        }
    }

    /// A string.
    pub fn written(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Value::Written(text) => Some(text),
            _ => None,
        }
    }
}

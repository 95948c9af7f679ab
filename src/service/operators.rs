//! The operator table told to the outside: the engine's rows as the wire's types, nothing added.

use crate::engine::op::{self, AttributeKind};
use crate::wire::ops::{Arity, Attribute, Kind, Operator, Operators};

/// The operator table as the wire has it.
pub fn operators() -> Operators {
    let attribute = |attribute: &op::Attribute| {
        let (kind, choices) = match attribute.kind {
            AttributeKind::Int => (Kind::Integer, [].as_slice()),
            AttributeKind::Ints => (Kind::Integers, [].as_slice()),
            AttributeKind::Bounds => (Kind::Bounds, [].as_slice()),
            AttributeKind::Indices => (Kind::Indices, [].as_slice()),
            AttributeKind::Name => (Kind::Name, [].as_slice()),
            AttributeKind::Function => (Kind::Function, [].as_slice()),
            AttributeKind::Bool => (Kind::Boolean, [].as_slice()),
            AttributeKind::Choice(words) => (Kind::Choice, words),
            AttributeKind::Real => (Kind::Number, [].as_slice()),
            AttributeKind::Reals => (Kind::Numbers, [].as_slice()),
            AttributeKind::Text => (Kind::Text, [].as_slice()),
        };
        Attribute {
            name: attribute.name.to_owned(),
            kind,
            choices: choices.iter().map(|&word| word.to_owned()).collect(),
            required: attribute.required,
            summary: attribute.summary.to_owned(),
        }
    };
    let operator = |row: &op::Row| Operator {
        name: row.name.to_owned(),
        aliases: row.aliases.iter().map(|&alias| alias.to_owned()).collect(),
        family: row.family.name().to_owned(),
        arity: Arity { least: row.arity.least, most: row.arity.most },
        attributes: row.attributes.iter().map(attribute).collect(),
        summary: row.summary.to_owned(),
        derivative: row.derivative.to_owned(),
        convention: row.convention.to_owned(),
    };
    Operators { ops: op::rows().map(operator).collect() }
}

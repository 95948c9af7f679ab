//! THE operator table. One row says all there is to say about an operator; every reader of operators reads the table.
//!
//! A row never names another part of the engine's machinery: it holds facts and plain functions (shape rule, kernel, partials or
//! jvp/vjp) which the drivers in `diff`, `program` and `exec` call. Adding an operator is one row here and its test table.

mod attributes;
pub(crate) mod axes;
mod facts;
mod row;

pub mod activation;
pub mod arithmetic;
pub mod arrange;
pub mod calculus;
pub mod choice;
pub mod cumulative;
pub mod einsum;
pub mod exponential;
pub mod hyperbolic;
pub mod interpolation;
pub mod linear_algebra;
pub mod logic;
pub mod matrix;
pub mod normaliser;
pub mod order;
pub mod product;
pub mod reduction;
pub mod rounding;
pub mod shape;
pub mod special;
pub mod structure;
pub mod trigonometric;

use std::sync::LazyLock;

use hashbrown::HashMap;

pub use attributes::{Attribute, AttributeKind, Attributes, Real, Value};
pub use facts::{Array, Fact, Facts, Here, There};
pub(crate) use linear_algebra::DenseFlags;
pub use row::{
    Application, Arity, Dense, Does, Expansion, Family, Fold, JvpRule, Partial, PartialRule, Primitive, ResultsRule, Row, Rule, Scan,
    SeriesRule, Several, SeveralJvpRule, SeveralVjpRule, ShapeRule, Sorting, Twin, VjpRule,
};

/// Every row, in the order of the documentation.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    FAMILIES.iter().flat_map(|family| family.iter().copied())
}

/// Every name that is a word, canonical or not: what a caller may have meant. Symbols are nobody's misspelling.
pub fn names() -> impl Iterator<Item = &'static str> {
    let names = rows().flat_map(|row| std::iter::once(row.name).chain(row.aliases.iter().copied()));
    names.filter(|name| name.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// The row whose canonical name or alias is `name`.
pub fn find(name: &str) -> Option<&'static Row> {
    INDEX.get(name).copied()
}

/// A name or alias of an operator as the table has it.
pub fn spelling(name: &str) -> Option<&'static str> {
    INDEX.get_key_value(name).map(|(&name, _)| name)
}

static INDEX: LazyLock<HashMap<&'static str, &'static Row>> = LazyLock::new(|| {
    rows().flat_map(|row| std::iter::once((row.name, row)).chain(row.aliases.iter().map(move |&alias| (alias, row)))).collect()
});

static FAMILIES: &[&[&Row]] = &[
    arithmetic::ROWS,
    rounding::ROWS,
    exponential::ROWS,
    trigonometric::ROWS,
    hyperbolic::ROWS,
    logic::ROWS,
    choice::ROWS,
    activation::ROWS,
    special::error::ROWS,
    special::gamma::ROWS,
    special::bessel::ROWS,
    reduction::ROWS,
    cumulative::ROWS,
    normaliser::ROWS,
    shape::ROWS,
    arrange::ROWS,
    order::ROWS,
    interpolation::ROWS,
    product::ROWS,
    linear_algebra::solving::ROWS,
    linear_algebra::determinant::ROWS,
    linear_algebra::decomposition::ROWS,
    linear_algebra::spectral::ROWS,
    linear_algebra::exponential::ROWS,
    einsum::ROWS,
    matrix::ROWS,
    structure::ROWS,
    structure::MAP_ROWS,
    structure::SCAN_ROWS,
    structure::IMPLICIT_ROWS,
    structure::ODEINT_ROWS,
    calculus::ROWS,
];

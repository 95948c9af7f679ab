//! Calls of local functions. They are inlined while a graph is read, so that what is differentiated and run has none.

use super::row::rows;
use super::{Arity, Attribute, AttributeKind, Family, Row, Rule};
use Family::Structure;

rows! {
    CALL = Row::new("call", Structure, Arity::at_least(0), Rule::Resolved)
        .takes(&[Attribute { name: "function", kind: AttributeKind::Name, required: true, summary: "the name of a function of the graph's `functions`" }])
        .says("a local function applied to the arguments, in the order of its inputs; several outputs make a several-valued node", "the function's");
    ITEM = Row::new("item", Structure, Arity::exactly(1), Rule::Resolved)
        .takes(&[Attribute { name: "index", kind: AttributeKind::Name, required: true, summary: "which result: its position from 0 or its name" }])
        .says("one result of a several-valued node", "that result's");
}

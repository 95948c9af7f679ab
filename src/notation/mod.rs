//! Ways to write a function, each ⇄ the wire graph: infix text ([`formula`]) both ways, and LaTeX ([`latex`]) outwards.
//!
//! Nothing here checks arity, attributes or shapes – that is the graph builder's work, so that every notation gets the same
//! answers – and nothing here recurses over what a caller wrote: parsers and printers hold their own stacks, so neither nesting nor
//! length can overflow the thread's. Of the engine only the operator table is read.

pub mod formula;
pub mod latex;

mod outline;
mod tensor;

#[cfg(test)]
mod tests;

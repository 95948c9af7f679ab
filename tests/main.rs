//! The integration tests, one binary.

mod architecture;
mod chain_rule;
mod documentation;
mod edge;
mod engine;
mod hostile;
mod reference;
mod sameness;
mod support;

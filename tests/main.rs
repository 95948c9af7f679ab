//! The integration tests, one binary.

mod accuracy;
mod architecture;
mod caching;
mod chain_rule;
mod composition;
mod derivative;
mod diagnostics;
mod documentation;
mod edge;
mod engine;
mod fuzz;
mod hostile;
mod linearity;
mod model;
mod reference;
mod registry;
mod sameness;
mod support;

//! The integration tests, one binary.

mod architecture;
mod edge;
mod engine;
mod reference;
mod support;

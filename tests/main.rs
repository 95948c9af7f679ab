//! The integration tests, one binary.

mod edge;
mod engine;
mod reference;
mod support;

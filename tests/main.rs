//! The integration tests, one binary.

mod edge;
mod engine;
mod hostile;
mod reference;
mod support;

//! The integration tests, one binary.

#[cfg(feature = "server")]
mod support;

#[cfg(all(feature = "server", feature = "client"))]
mod edge;

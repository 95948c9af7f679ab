//! The JSON contract: serde types with their OpenAPI schemas, and the readers and writers of numbers and graphs.
//!
//! Nothing here decides anything: no limits, no mathematics, no I/O. The service reads requests into these types and writes answers
//! from them; the client does the reverse.

pub mod answer;
pub mod function;
pub mod graph;
mod graph_json;
mod graph_read;
pub mod hint;
pub mod info;
pub mod number;
pub mod ops;
pub mod problem;
pub mod request;
#[cfg(feature = "server")]
mod schema;
mod tensor;

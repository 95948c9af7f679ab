//! Calculus: graphs, their derivatives, and programs that evaluate them.
//!
//! Pure. No JSON, no HTTP, no clock, no environment, no files, no threads of its own; scratch memory and the stop flag are arguments.
//! The way through: [`op`] (what there is) → [`graph`] (what a caller wrote, checked) → [`diff`] (graph → graph) → [`simplify`] →
//! [`program`] (lowered to kernels) → [`exec`] (run over points); [`watch`] looks at what happened there.

pub mod diff;
pub mod exec;
pub mod graph;
pub mod op;
pub mod program;
pub mod simplify;
pub mod vmath;
pub mod watch;

mod error;
mod tensor;

pub use error::Error;
pub use tensor::{Shape, Tensor};

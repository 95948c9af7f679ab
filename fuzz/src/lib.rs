//! What is fuzzed: functions of bytes that end, or panic where nablad does something that it must not.
//!
//! They stand here once. libFuzzer runs them for long (`fuzz/run.py`), and the integration tests run the corpus and some thousands of
//! mutations of it (`tests/fuzz.rs`). Nothing here is instrumented, random or timed: what the bytes are is what happens.

mod bytes;
mod derive;
mod formula;
mod graph;
mod json;
mod points;
mod served;

pub use derive::derive;
pub use formula::formula;
pub use graph::graph;
pub use points::points;

/// A target: its name, which is that of its corpus, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 4] = [("graph", graph), ("formula", formula), ("points", points), ("derive", derive)];

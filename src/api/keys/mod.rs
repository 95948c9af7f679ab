//! API keys: who may ask for what, and how much of it.
//!
//! A key is 256 random bits, so that its BLAKE3 hash gives nothing away that could be tried out: a slow hash, which passwords need, would
//! only cost every request. The server has nothing but hashes, and compares them in constant time. Without keys anyone may do anything,
//! which is meant for a loopback address; a start elsewhere says so loudly.

mod limits;
mod line;
mod table;

use serde::{Deserialize, Serialize};

pub(super) use limits::{Held, Said};
pub use line::{Entry, Fault, generate};
pub use table::Keys;
pub(super) use table::Refused;

/// The settings of keys, the section `[keys]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// A file of keys, one a line as `nablad key` prints it; empty for none.
    pub file: String,
    /// Keys in the settings themselves, e.g. from the environment: such lines with `;` between them.
    pub list: String,
    /// Requests a second of one key in the long run, where its line says nothing else; 0 for any number.
    pub rate: f64,
    /// Requests of one key at once after a rest, where its line says nothing else.
    pub burst: u64,
    /// Requests of one key in flight, where its line says nothing else; 0 for any number.
    pub concurrent: u64,
    /// Whether `GET /metrics` takes a key with the scope admin, where there are keys.
    pub guard_metrics: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { file: String::new(), list: String::new(), rate: 1000.0, burst: 2000, concurrent: 256, guard_metrics: true }
    }
}

//! What a server says of itself: `GET /info`, `/livez` and `/readyz`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The answer of `GET /info`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Info {
    /// `nablad`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The number of worker threads.
    pub workers: usize,
    /// Its limits by the names of their settings, e.g. `limits.nodes`; those of the edge begin with `http.`.
    pub limits: IndexMap<String, f64>,
}

/// The answer of `GET /livez` and `GET /readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Health {
    /// `ok`.
    pub status: String,
}

//! Use cases: from the bytes of a request to the bytes of its answer.
//!
//! A stand-in with the service's face and none of its mind, until the real one is merged: it reads JSON and answers `{"value": {}}`.

pub mod limits;
mod operators;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::wire::problem::{Failure, Slug};
use limits::Limits;

pub use operators::operators;

/// The service's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Worker threads; 0 for as many as there are cores.
    pub workers: usize,
    /// Bytes of compiled programs kept.
    pub cache_bytes: usize,
    /// Seconds of estimated work that may wait for a worker.
    pub queue_seconds: f64,
    /// What one request may ask for.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { workers: 0, cache_bytes: 256 << 20, queue_seconds: 1.0, limits: Limits::default() }
    }
}

/// The evaluation endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /value`
    Value,
    /// `POST /gradient`
    Gradient,
    /// `POST /jacobian`
    Jacobian,
    /// `POST /jvp`
    Jvp,
    /// `POST /vjp`
    Vjp,
    /// `POST /graph`
    Graph,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Endpoint; 6] = [Endpoint::Value, Endpoint::Gradient, Endpoint::Jacobian, Endpoint::Jvp, Endpoint::Vjp, Endpoint::Graph];

    /// Its name, which is its path without the slash.
    pub fn name(self) -> &'static str {
        match self {
            Endpoint::Value => "value",
            Endpoint::Gradient => "gradient",
            Endpoint::Jacobian => "jacobian",
            Endpoint::Jvp => "jvp",
            Endpoint::Vjp => "vjp",
            Endpoint::Graph => "graph",
        }
    }

    /// The endpoint of a name.
    pub fn from_name(name: &str) -> Option<Endpoint> {
        Endpoint::ALL.into_iter().find(|endpoint| endpoint.name() == name)
    }
}

/// The service; clones share it.
#[derive(Clone)]
pub struct Service(Arc<Shared>);

struct Shared {
    settings: Settings,
    draining: AtomicBool,
}

impl Service {
    /// Starts its workers.
    pub fn start(settings: Settings) -> Service {
        Service(Arc::new(Shared { settings, draining: AtomicBool::new(false) }))
    }

    /// The complete JSON answer to a request. Dropping the future stops the work.
    ///
    /// # Errors
    /// The failure that the request is answered with.
    pub async fn answer(&self, endpoint: Endpoint, body: Bytes, _deadline: Duration) -> Result<Bytes, Failure> {
        self.answer_blocking(endpoint, &body).map(Bytes::from)
    }

    /// The same, on this thread.
    ///
    /// # Errors
    /// The failure that the request is answered with.
    pub fn answer_blocking(&self, _endpoint: Endpoint, body: &[u8]) -> Result<Vec<u8>, Failure> {
        if self.0.draining.load(Ordering::Relaxed) {
            return Err(Failure::new(Slug::ShuttingDown, "the server is shutting down"));
        }
        match serde_json::from_slice::<&serde_json::value::RawValue>(body) {
            Ok(_) => Ok(b"{\"value\":{}}".to_vec()),
            Err(error) => Err(Failure::new(Slug::MalformedJson, error.to_string())),
        }
    }

    /// The number of worker threads.
    pub fn workers(&self) -> usize {
        self.0.settings.workers.max(1)
    }

    /// What one request may ask for.
    pub fn limits(&self) -> &Limits {
        &self.0.settings.limits
    }

    /// Refuses new work from now on.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }
}

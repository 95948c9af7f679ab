//! The settings of the service.

use serde::{Deserialize, Serialize};

use super::limits::Limits;
use crate::engine::exec::native::Backend;

/// How the service works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Worker threads; 0 for as many as there are cores.
    pub workers: usize,
    /// Bytes of compiled programs that are kept.
    pub cache_bytes: usize,
    /// Seconds of estimated work that may wait for each worker; what comes on top is turned away.
    pub queue_seconds: f64,
    /// Whether functions that are asked for again and again become machine code.
    pub machine_code: MachineCode,
    /// Pieces of work that may be taken on at once.
    pub queue_requests: usize,
    /// Seconds for which all workers may be busy, less those for which they rest, before a queue is no burst any more.
    pub burst_seconds: f64,
    /// What a request may wait in a queue that is no burst, as a multiple of its own work.
    pub busy_wait: f64,
    /// Seconds that a request may wait however short its own work is.
    pub busy_wait_seconds: f64,
    /// Bytes of bodies, points, results and answers in memory at once.
    pub memory_bytes: usize,
    /// What one request may ask for: in files a section of its own.
    #[serde(skip)]
    pub limits: Limits,
}

/// Whether machine code is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MachineCode {
    /// Of what is hot, where the system allows it.
    #[default]
    Auto,
    /// Never.
    Off,
}

impl MachineCode {
    pub(super) fn backend(self) -> Backend {
        match self {
            MachineCode::Auto => Backend::Auto,
            MachineCode::Off => Backend::Interpreter,
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            workers: 0,
            cache_bytes: 256 << 20,
            queue_seconds: 1.0,
            machine_code: MachineCode::default(),
            queue_requests: 1000,
            burst_seconds: 0.02,
            busy_wait: 0.5,
            busy_wait_seconds: 0.005,
            memory_bytes: 2 << 30,
            limits: Limits::default(),
        }
    }
}

//! Logs: one subscriber on standard error, text for people and JSON lines for machines.
//!
//! Standard output belongs to the answers of commands and to the line that says where the server listens. [`metrics`]
//! counts, [`traces`] follows single requests.

pub mod metrics;
pub mod traces;

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// The settings of the logs, the section `[log]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `auto` (text on a terminal, else JSON lines), `text` or `json`.
    pub format: Format,
    /// What is logged: `off`, `error`, `warn`, `info`, `debug` or `trace`.
    pub level: Level,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { format: Format::Auto, level: Level::Info }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text on a terminal, JSON lines otherwise.
    Auto,
    /// Text.
    Text,
    /// JSON lines.
    Json,
}

/// The least severe event that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing.
    Off,
    /// Defects.
    Error,
    /// What somebody should look at.
    Warn,
    /// Starts and stops.
    Info,
    /// Every request.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }
}

/// Starts logging; only the first call of a process has an effect.
pub fn start(settings: &Settings) {
    let level = settings.level.name();
    // The libraries beneath speak about every byte; their own level stays one that matters to whoever runs the server.
    let filter = match settings.level {
        Level::Trace | Level::Off => EnvFilter::new(level),
        _ => EnvFilter::new(format!("warn,nablad={level}")),
    };
    let terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Already started is not a fault: tests start many servers in one process.
    let _ = match settings.format {
        Format::Text => builder.with_ansi(terminal).try_init(),
        Format::Auto if terminal => builder.with_ansi(true).try_init(),
        Format::Auto | Format::Json => builder.json().flatten_event(true).try_init(),
    };
}

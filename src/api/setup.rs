//! What a server is set up with beside its listener and its service.

use std::sync::Arc;

use tokio::sync::Notify;

use super::keys::{self, Keys};
use super::settings::Settings;
use super::tls::Tls;
use crate::telemetry::traces::{self, Exporter, Tracer};

/// What a server is set up with: settings, and what was loaded as they say.
#[derive(Debug, Default)]
pub struct Setup {
    pub(super) http: Settings,
    pub(super) keys: Option<Keys>,
    pub(super) tls: Option<Tls>,
    pub(super) traces: Option<(Tracer, Exporter)>,
    pub(super) reload: Arc<Notify>,
}

impl From<Settings> for Setup {
    /// The edge alone: no keys, and no traces.
    fn from(http: Settings) -> Setup {
        Setup { http, ..Setup::default() }
    }
}

impl Setup {
    /// Loads keys and certificates and starts the sending of traces. Needs a tokio runtime.
    ///
    /// # Errors
    /// What cannot be loaded, in a sentence that names the setting or the file.
    pub fn load(http: Settings, keys: &keys::Settings, traces: &traces::Settings) -> Result<Setup, String> {
        if !Settings::are_origins(&http.cors_origins) {
            return Err(format!("http.cors_origins = {:?} names no origins", http.cors_origins));
        }
        let (keys, tls) = (Keys::load(keys)?, Tls::load(&http)?);
        let traces = Tracer::start(traces)?;
        Ok(Setup { http, keys, tls, traces, reload: Arc::default() })
    }

    /// The number of API keys; `None` where anyone may ask.
    pub fn keys(&self) -> Option<usize> {
        self.keys.as_ref().map(Keys::count)
    }

    /// Whether connections are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Notified, it has keys and certificates read again at once.
    pub fn reload(&self) -> Arc<Notify> {
        Arc::clone(&self.reload)
    }
}

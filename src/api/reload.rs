//! Reads keys and certificates again when their files change or when somebody says so. What cannot be read leaves all as it was.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::time::sleep;

use super::keys::Keys;
use super::tls::Tls;

/// What is read again.
pub(super) struct Sources {
    pub(super) keys: Option<Arc<Keys>>,
    pub(super) tls: Option<Arc<Tls>>,
    /// Says that all is to be read at once.
    pub(super) now: Arc<Notify>,
    /// Between two looks at the files.
    pub(super) pause: Duration,
}

impl Sources {
    /// Watches, for as long as it is let.
    pub(super) async fn watch(self) {
        let mut seen = (self.keys_changed(), self.tls_changed());
        loop {
            let told = tokio::select! {
                () = self.now.notified() => true,
                () = sleep(self.pause) => false,
            };
            let now = (self.keys_changed(), self.tls_changed());
            if let Some(keys) = self.keys.as_ref().filter(|_| told || now.0 != seen.0) {
                say("keys", keys.reload());
            }
            if let Some(tls) = self.tls.as_ref().filter(|_| told || now.1 != seen.1) {
                say("certificate", tls.reload());
            }
            seen = now;
        }
    }

    fn keys_changed(&self) -> Option<SystemTime> {
        changed(Path::new(self.keys.as_ref()?.file()))
    }

    fn tls_changed(&self) -> [Option<SystemTime>; 2] {
        self.tls.as_ref().map_or([None; 2], |tls| tls.files().map(changed))
    }
}

/// When a file was last written; `None` where there is none.
fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn say(what: &str, result: Result<(), String>) {
    match result {
        Ok(()) => tracing::info!(what, "read again"),
        Err(reason) => tracing::warn!(what, reason, "could not be read again; what was read before holds"),
    }
}

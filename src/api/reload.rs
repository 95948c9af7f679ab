//! Reads keys and certificates again when their files change or when somebody says so, and until it succeeds.

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
        let mut good = (true, true);
        loop {
            let told = tokio::select! {
                () = self.now.notified() => true,
                () = sleep(self.pause) => false,
            };
            let now = (self.keys_changed(), self.tls_changed());
            if let Some(keys) = self.keys.as_ref().filter(|_| told || !good.0 || now.0 != seen.0) {
                good.0 = say("keys", keys.reload());
            }
            if let Some(tls) = self.tls.as_ref().filter(|_| told || !good.1 || now.1 != seen.1) {
                good.1 = say("certificate", tls.reload());
            }
            seen = now;
        }
    }

    fn keys_changed(&self) -> State {
        changed(Path::new(self.keys.as_ref()?.file()))
    }

    fn tls_changed(&self) -> [State; 2] {
        self.tls.as_ref().map_or([None; 2], |tls| tls.files().map(changed))
    }
}

/// When a file was last written, and its length; `None` where there is none.
type State = Option<(SystemTime, u64)>;

fn changed(path: &Path) -> State {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Whether it was read: an operator who thinks that he has withdrawn a key must hear that he has not, again and again.
fn say(what: &str, result: Result<(), String>) -> bool {
    match &result {
        Ok(()) => tracing::info!(what, "read again"),
        Err(reason) => tracing::error!(what, reason, "COULD NOT BE READ AGAIN: what cannot be read is as it was before"),
    }
    result.is_ok()
}

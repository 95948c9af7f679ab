//! Whether the database can be used, as it was last seen, so that nobody who only asks has to wait for it or gives it work.
//!
//! A task looks at it now and then, sooner after somebody has met with an error, and not at all while others use it with success.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::sleep;

use super::Postgres;
use crate::store::Error;

/// Between two looks at a database that is away, at first; then twice as long each time, up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

/// How the database stands.
pub(super) struct Standing {
    /// Why it cannot be used; `None` where it can.
    away: RwLock<Option<String>>,
    /// Whether its tables have been brought up to date.
    current: AtomicBool,
    /// Somebody has met with an error.
    doubt: Notify,
    begun: Instant,
    /// When it was last used with success, in milliseconds from the beginning.
    used: AtomicU64,
}

impl Standing {
    /// Nothing is known of it.
    pub(super) fn unknown() -> Standing {
        let away = RwLock::new(Some("it was not reached yet".to_owned()));
        Standing { away, current: AtomicBool::new(false), doubt: Notify::new(), begun: Instant::now(), used: AtomicU64::new(0) }
    }

    /// That it can be used.
    pub(super) fn usable(&self) -> Result<(), Error> {
        match &*self.away.read().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(why) => Err(Error::Unavailable(why.clone())),
        }
    }

    /// It has done what it was asked to do, or not.
    pub(super) fn met<T>(&self, outcome: &Result<T, Error>) {
        match outcome {
            Err(Error::Unavailable(_)) => self.doubt.notify_one(),
            _ => self.used.store(self.begun.elapsed().as_millis() as u64, Ordering::Relaxed),
        }
    }

    /// Whether it has been used with success so lately.
    fn used_within(&self, time: Duration) -> bool {
        let used = Duration::from_millis(self.used.load(Ordering::Relaxed));
        used > Duration::ZERO && self.begun.elapsed().saturating_sub(used) < time
    }

    /// Notes what a look has shown. A change is logged.
    fn seen(&self, outcome: &Result<(), Error>) {
        let mut away = self.away.write().unwrap_or_else(PoisonError::into_inner);
        let was = away.take();
        match outcome {
            Ok(()) if was.is_some() => tracing::info!("PostgreSQL can be used"),
            Ok(()) => {}
            Err(error) => {
                let why = if let Error::Unavailable(why) = error { why.clone() } else { error.to_string() };
                if was.as_ref() != Some(&why) {
                    tracing::warn!(why, "PostgreSQL cannot be used; what needs no registered function is evaluated as ever");
                }
                *away = Some(why);
            }
        }
    }
}

impl Postgres {
    /// Looks whether the database can be used, and brings its tables up to date where that was not seen since it was away.
    pub(super) async fn look(&self) -> Result<(), Error> {
        let standing = &self.standing;
        let outcome = async {
            if !standing.current.load(Ordering::Relaxed) || standing.usable().is_err() {
                self.migrate().await?;
                standing.current.store(true, Ordering::Relaxed);
            }
            self.asked("SELECT last FROM nablad_totals", &[]).await.map(drop)
        };
        let outcome = outcome.await;
        standing.seen(&outcome);
        outcome
    }
}

/// Looks every `pause`, as long as there is anybody who has the store.
pub(super) async fn keep(postgres: Weak<Postgres>, standing: Arc<Standing>, pause: Duration) {
    let mut away = SHORTEST;
    loop {
        let wait = if standing.usable().is_ok() { pause } else { away };
        let doubted = tokio::select! {
            () = sleep(wait) => false,
            () = standing.doubt.notified() => true,
        };
        let Some(postgres) = postgres.upgrade() else { return };
        if !doubted && standing.usable().is_ok() && standing.used_within(pause) {
            continue;
        }
        away = match postgres.look().await {
            Ok(()) => SHORTEST,
            Err(_) => (2 * wait.min(away)).min(LONGEST),
        };
    }
}

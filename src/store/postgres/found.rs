//! What references were found to mean, for a while shorter than a second.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use crate::store::{Id, Reference};

/// References that are remembered.
const REMEMBERED: usize = 10_000;

/// What references were found to mean.
pub(super) struct Found {
    known: Cache<(Option<String>, Reference), Arc<Known>>,
    fresh: Duration,
    /// Counts the changes made from here: what was asked before one is not remembered after it.
    changes: AtomicU64,
    turn: Mutex<()>,
}

struct Known {
    id: Id,
    /// When it was asked.
    at: Instant,
    /// Whether somebody asks again.
    asking: AtomicBool,
}

/// A question put to the database: when, and after how many changes.
pub(super) struct Asked(Instant, u64);

impl Found {
    pub(super) fn for_as_long_as(fresh: Duration) -> Found {
        Found { known: Cache::new(REMEMBERED), fresh, changes: AtomicU64::new(0), turn: Mutex::default() }
    }

    /// What is still fresh. From half of that time on one asker is told nothing, so that he asks and nobody else has to wait.
    pub(super) fn get(&self, owner: Option<&str>, reference: &Reference) -> Option<Id> {
        let known = self.known.get(&(owner.map(str::to_owned), reference.clone()))?;
        let age = known.at.elapsed();
        let good = age < self.fresh / 2 || (age < self.fresh && known.asking.swap(true, Ordering::Relaxed));
        good.then_some(known.id)
    }

    pub(super) fn ask(&self) -> Asked {
        Asked(Instant::now(), self.changes.load(Ordering::Acquire))
    }

    pub(super) fn keep(&self, Asked(at, changes): Asked, owner: Option<&str>, reference: &Reference, id: Id) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::Acquire) == changes {
            let known = Known { id, at, asking: AtomicBool::new(false) };
            self.known.insert((owner.map(str::to_owned), reference.clone()), Arc::new(known));
        }
    }

    pub(super) fn forget(&self) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.known.clear();
    }
}

//! What references were found to mean, for a while shorter than a second.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use crate::store::{Id, Reference};

/// References that are remembered.
const REMEMBERED: usize = 10_000;

/// What references were found to mean.
pub(super) struct Found {
    known: Cache<(Option<String>, Reference), Arc<Known>>,
    fresh: Duration,
    /// Counts the changes made from here, those of references apart whose hashes differ: what was asked before one is not remembered
    /// after it.
    changes: Mutex<[u64; APART]>,
    hasher: RandomState,
}

/// Counts of changes.
const APART: usize = 256;

struct Known {
    id: Id,
    /// When it was asked.
    at: Instant,
    /// Whether somebody asks again.
    asking: AtomicBool,
}

/// A question put to the database: when, and after how many changes of what it is about.
pub(super) struct Asked(Instant, u64);

/// What a change is about. It is forgotten when this goes: where nobody knows whether the change came through, too.
pub(super) struct Touched<'a> {
    pub(super) found: &'a Found,
    pub(super) references: Vec<Reference>,
}

impl Drop for Touched<'_> {
    fn drop(&mut self) {
        self.found.forget(&self.references);
    }
}

impl Found {
    pub(super) fn for_as_long_as(fresh: Duration) -> Found {
        Found { known: Cache::new(REMEMBERED), fresh, changes: Mutex::new([0; APART]), hasher: RandomState::new() }
    }

    /// What is still fresh. From half of that time on one asker is told nothing, so that he asks and nobody else has to wait.
    pub(super) fn get(&self, owner: Option<&str>, reference: &Reference) -> Option<Id> {
        let known = self.known.get(&(owner.map(str::to_owned), reference.clone()))?;
        let age = known.at.elapsed();
        let good = age < self.fresh / 2 || (age < self.fresh && known.asking.swap(true, Ordering::Relaxed));
        good.then_some(known.id)
    }

    pub(super) fn ask(&self, reference: &Reference) -> Asked {
        Asked(Instant::now(), self.changes()[self.place(reference)])
    }

    pub(super) fn keep(&self, Asked(at, before): Asked, owner: Option<&str>, reference: &Reference, id: Id) {
        let changes = self.changes();
        if changes[self.place(reference)] == before {
            let known = Known { id, at, asking: AtomicBool::new(false) };
            self.known.insert((owner.map(str::to_owned), reference.clone()), Arc::new(known));
        }
    }

    /// Forgets what these references mean, whoever asked.
    fn forget(&self, touched: &[Reference]) {
        let mut changes = self.changes();
        for reference in touched {
            changes[self.place(reference)] += 1;
        }
        self.known.retain(|(_, reference), _| !touched.contains(reference));
    }

    fn changes(&self) -> MutexGuard<'_, [u64; APART]> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, reference: &Reference) -> usize {
        self.hasher.hash_one(reference) as usize % APART
    }
}

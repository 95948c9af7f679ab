//! When the relief is needed: a thread beside the workers, which shares their cores, for what is short while every one of them is held up
//! by a piece that is long and cannot be divided (a loop of millions of steps at one point).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the youngest of the workers' pieces must have run before the relief does what is shorter than that.
pub(super) const HELD_UP: Duration = Duration::from_millis(10);

/// The workers' clocks, and the bell that calls the relief.
pub(super) struct Relief {
    start: Instant,
    /// Since when each worker is at the piece that it has, in milliseconds from the start and one more; 0 where it has none.
    since: Box<[AtomicU64]>,
    bell: Mutex<Bell>,
    rings: Condvar,
}

#[derive(Debug, Default)]
struct Bell {
    called: bool,
    closed: bool,
}

impl Relief {
    /// For so many workers.
    pub(super) fn of(workers: usize) -> Relief {
        let since = (0..workers).map(|_| AtomicU64::new(0)).collect();
        Relief { start: Instant::now(), since, bell: Mutex::default(), rings: Condvar::new() }
    }

    /// A worker begins a piece.
    pub(super) fn begun(&self, worker: usize) {
        self.since[worker].store(self.now(), Ordering::Relaxed);
    }

    /// It is done with it.
    pub(super) fn done(&self, worker: usize) {
        self.since[worker].store(0, Ordering::Relaxed);
    }

    /// For how long every worker has been at its piece; nothing where one is free.
    pub(super) fn held_up(&self) -> Duration {
        let each = self.since.iter().map(|since| since.load(Ordering::Relaxed));
        let youngest = each.min_by_key(|&since| if since == 0 { (0, 0) } else { (1, u64::MAX - since) });
        match youngest {
            None | Some(0) => Duration::ZERO,
            Some(since) => Duration::from_millis(self.now().saturating_sub(since)),
        }
    }

    /// Has the relief look what there is to do.
    pub(super) fn call(&self) {
        let mut bell = self.lock();
        if !bell.called {
            bell.called = true;
            self.rings.notify_one();
        }
    }

    /// Lets the relief go once it has nothing to do.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.rings.notify_one();
    }

    /// Waits for a call: whether one came.
    pub(super) fn called(&self) -> bool {
        let mut bell = self.lock();
        loop {
            if std::mem::take(&mut bell.called) {
                return true;
            }
            if bell.closed {
                return false;
            }
            bell = self.rings.wait(bell).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for so long, or less.
    pub(super) fn wait(&self, time: Duration) {
        drop(self.rings.wait_timeout(self.lock(), time).unwrap_or_else(PoisonError::into_inner));
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64 + 1
    }

    fn lock(&self) -> MutexGuard<'_, Bell> {
        // nothing under the lock can panic
        self.bell.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

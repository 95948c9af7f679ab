//! What the pool waits with. `tests/model/` puts a model checker's in its place, and tries the orders in which threads can run.

pub(super) use std::sync::atomic::{AtomicUsize, Ordering};
pub(super) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

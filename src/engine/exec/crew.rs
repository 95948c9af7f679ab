//! Threads that work along, handed in from outside: the engine starts none, and knows none but by this.
//!
//! What is shared out has no pointers into it: each part owns what it writes, cut off before anyone begins.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::Desk;

/// Threads that can work along, that of the caller among them.
pub trait Crew: Sync {
    /// How many threads there are at most, busy ones included.
    fn size(&self) -> usize;

    /// Calls `work` once with each number below `parts`, in any order: on this thread, at its desk `own`, and on those that are free, at theirs.
    /// Returns when every call has returned.
    ///
    /// # Panics
    /// Where a call panicked; those that had not begun are then left out.
    fn run(&self, own: &mut Desk, parts: usize, work: &(dyn Fn(usize, &mut Desk) + Sync));
}

/// Hands each part to one call of `work`.
///
/// # Panics
/// As [`Crew::run`].
pub fn share<T: Send>(crew: &dyn Crew, own: &mut Desk, parts: Vec<T>, work: impl Fn(T, &mut Desk) + Sync) {
    let parts: Vec<Mutex<Option<T>>> = parts.into_iter().map(|part| Mutex::new(Some(part))).collect();
    crew.run(own, parts.len(), &|number, desk| {
        let part = parts[number].lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(part) = part {
            work(part, desk);
        }
    });
}

/// So many units in about so many ranges of equal size, each but the last a multiple of `of`.
pub(super) fn ranges(units: usize, parts: usize, of: usize) -> impl Iterator<Item = Range<usize>> {
    let size = units.div_ceil(parts.max(1)).next_multiple_of(of).max(1);
    (0..units).step_by(size).map(move |first| first..units.min(first + size))
}

//! Work that others can join in: one worker has it, offers its parts, and does them itself as far as nobody comes.
//!
//! Nobody waits for a worker that does something else. Whoever has the work waits at its end for those alone who are inside a part, and a part
//! waits for nothing.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A part of the work, at a desk `D`.
type Parts<D> = dyn Fn(usize, &mut D) + Sync;

/// What one worker offers the others, one piece of work after another.
pub(super) struct Offer<D: 'static> {
    state: Mutex<State<D>>,
    /// Somebody who was inside has left.
    left: Condvar,
}

struct State<D: 'static> {
    /// There from the beginning of `run` to its end.
    work: Option<Shown<D>>,
    /// Parts that nobody has begun: from here to `parts`.
    next: usize,
    parts: usize,
    /// Others who are inside a part.
    inside: usize,
    panicked: bool,
    /// Whether the offer waits in the queue.
    queued: bool,
}

struct Shown<D: 'static>(*const Parts<D>);

impl<D: 'static> Clone for Shown<D> {
    fn clone(&self) -> Self {
        Shown(self.0)
    }
}

// SAFETY: what it points to is `Sync`, and it is looked at only as `join` says
unsafe impl<D: 'static> Send for Shown<D> {}

/// How joining in went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    /// A part was done.
    Done,
    /// There was none.
    Nothing,
    /// It panicked, and may have left its desk in disorder.
    Panicked,
}

impl<D: 'static> Offer<D> {
    pub(super) fn new() -> Offer<D> {
        let state = State { work: None, next: 0, parts: 0, inside: 0, panicked: false, queued: false };
        Offer { state: Mutex::new(state), left: Condvar::new() }
    }

    /// Has every part done, by whoever comes; `invite` puts the offer into the queue. Panics where a part did.
    pub(super) fn run(&self, own: &mut D, parts: usize, work: &(dyn Fn(usize, &mut D) + Sync), invite: impl FnOnce()) {
        // SAFETY: only the lifetime changes. Others look at it only while they are counted in `inside`, and count themselves in only while it is
        // in the state; `Closing` takes it out and waits until nobody is inside, before this returns or unwinds.
        let shown = Shown(unsafe { std::mem::transmute::<*const (dyn Fn(usize, &mut D) + Sync + '_), *const Parts<D>>(work) });
        let mut state = self.lock();
        (state.work, state.next, state.parts, state.panicked) = (Some(shown), 0, parts, false);
        let invited = std::mem::replace(&mut state.queued, true);
        drop(state);
        let closing = Closing(self);
        if !invited {
            invite();
        }
        while let Some(part) = self.own_part() {
            work(part, own);
        }
        drop(closing);
        if self.lock().panicked {
            resume_unwind(Box::new("a part of the work panicked"));
        }
    }

    fn own_part(&self) -> Option<usize> {
        let mut state = self.lock();
        let part = state.next;
        (part < state.parts).then(|| {
            state.next += 1;
            part
        })
    }

    /// One part, for who has found the offer in the queue: `again` puts it back where there are more, and `ran` is called before the part counts as
    /// done.
    pub(super) fn join(&self, desk: &mut D, again: impl FnOnce(), ran: impl FnOnce()) -> Joined {
        let mut state = self.lock();
        state.queued = false;
        let part = state.next;
        let Some(work) = state.work.clone().filter(|_| part < state.parts) else { return Joined::Nothing };
        state.next += 1;
        state.inside += 1;
        let more = state.next < state.parts;
        state.queued = more;
        drop(state);
        if more {
            again();
        }
        // SAFETY: `inside` was counted up while the work was there, and is counted down below
        let outcome = catch_unwind(AssertUnwindSafe(|| unsafe { (*work.0)(part, desk) }));
        ran();
        let mut state = self.lock();
        state.inside -= 1;
        if outcome.is_err() {
            (state.panicked, state.next) = (true, state.parts);
        }
        if state.inside == 0 {
            self.left.notify_all();
        }
        drop(state);
        if outcome.is_ok() { Joined::Done } else { Joined::Panicked }
    }

    fn lock(&self) -> MutexGuard<'_, State<D>> {
        // no part runs under the lock
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a piece of work, however it comes.
struct Closing<'o, D: 'static>(&'o Offer<D>);

impl<D: 'static> Drop for Closing<'_, D> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        (state.work, state.next) = (None, state.parts);
        while state.inside > 0 {
            state = self.0.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

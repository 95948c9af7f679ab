//! One request on its way through the service: whose it is, what it holds, and what it has taken so far.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::admission::Claim;
use super::caller::Caller;
use super::memory::{Memory, Portion};
use super::pool::Spent;
use crate::telemetry::metrics::Work;
use crate::telemetry::traces::{Stage, Trace};
use crate::wire::problem::Failure;

/// What a request comes with beside its body.
#[derive(Debug, Clone)]
pub struct Context {
    /// The time it may take.
    pub deadline: Duration,
    /// Since when: its body was there then.
    pub since: Instant,
    /// Who asks.
    pub caller: Caller,
    /// Where its stages are noted, if anywhere.
    pub trace: Option<Trace>,
}

impl From<Duration> for Context {
    fn from(deadline: Duration) -> Context {
        Context { deadline, since: Instant::now(), caller: Caller::ANYONE, trace: None }
    }
}

/// How long something may take, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) since: Instant,
    pub(super) deadline: Duration,
}

impl Context {
    pub(super) fn time(&self) -> Time {
        Time { since: self.since, deadline: self.deadline }
    }
}

/// A request on its way. Dropped, it stops its work: at the deadline, or when the caller has gone.
pub(super) struct Errand {
    pub(super) claim: Claim,
    /// What its work takes, held until the last of it is gone.
    pub(super) held: Arc<Portion>,
    pub(super) work: Work,
    trace: Option<Trace>,
    /// When the first piece of its answer was begun, where it has such.
    sent_since: Option<Instant>,
}

impl Errand {
    pub(super) fn new(context: Context, memory: &Memory) -> Errand {
        let Context { caller, trace, .. } = context;
        let held = Arc::new(memory.portion(&caller));
        let claim = Claim { owner: caller.shared_owner(), stop: Arc::default(), _held: held.clone() };
        Errand { claim, held, work: Work::default(), trace, sent_since: None }
    }

    /// An answer that is counted until it has been sent.
    pub(super) fn accounted(&self, answer: Vec<u8>) -> Result<Bytes, Failure> {
        let held = self.held.another();
        held.grow(answer.capacity() as u64)?;
        Ok(held.with_all_of(answer))
    }

    /// A piece of an answer, which is part of what the errand holds, and that until it has been sent.
    pub(super) fn counted(&self, piece: Vec<u8>) -> Bytes {
        struct Piece(Vec<u8>, #[expect(dead_code, reason = "held")] Arc<Portion>);
        impl AsRef<[u8]> for Piece {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        Bytes::from_owner(Piece(piece, self.held.clone()))
    }

    /// Notes work that was done on this thread.
    pub(super) fn did(&mut self, stage: &'static str, begun: Instant) {
        let ended = Instant::now();
        self.work.computed += ended - begun;
        self.note(stage, begun, ended);
    }

    /// Notes work that workers did.
    pub(super) fn spent(&mut self, stage: &'static str, spent: Spent) {
        let Spent { since, queued, computed } = spent;
        self.work.queued += queued;
        self.work.computed += computed;
        let begun = since + queued;
        self.note("queue", since, begun);
        self.note(stage, begun, Instant::now());
    }

    /// Notes that workers printed a piece of an answer, which is sent since then.
    pub(super) fn printed(&mut self, Spent { since, queued, computed }: Spent) {
        self.work.computed += computed;
        if self.sent_since.is_none() {
            // the others wait behind it and for each other
            self.work.queued += queued;
            self.sent_since = Some(since);
        }
    }

    fn note(&self, name: &'static str, begun: Instant, ended: Instant) {
        if let Some(trace) = &self.trace {
            trace.stage(Stage { name, begun, ended });
        }
    }

    /// The request has come to its end: what its work was.
    pub(super) fn end(&self) -> Work {
        if let Some(since) = self.sent_since {
            self.note("send", since, Instant::now());
        }
        if let Some(trace) = &self.trace {
            trace.work(self.work);
        }
        self.work
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.claim.stop.store(true, Ordering::Relaxed);
    }
}

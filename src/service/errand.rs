//! One request on its way through the service: whose it is, what it holds, and what it has taken so far.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::admission::Claim;
use super::caller::Caller;
use super::memory::{Memory, Portion};
use super::pool::Spent;
use crate::telemetry::metrics::Work;
use crate::telemetry::traces::{Stage, Trace};

/// What a request comes with beside its body.
#[derive(Debug, Clone)]
pub struct Context {
    /// The time it may take.
    pub deadline: Duration,
    /// Who asks.
    pub caller: Caller,
    /// Where its stages are noted, if anywhere.
    pub trace: Option<Trace>,
}

impl From<Duration> for Context {
    fn from(deadline: Duration) -> Context {
        Context { deadline, caller: Caller::ANYONE, trace: None }
    }
}

/// A request on its way. Dropped, it stops its work: at the deadline, or when the caller has gone.
pub(super) struct Errand {
    pub(super) claim: Claim,
    pub(super) held: Portion,
    pub(super) work: Work,
    trace: Option<Trace>,
}

impl Errand {
    pub(super) fn new(context: Context, memory: &Memory) -> Errand {
        let Context { caller, trace, .. } = context;
        let claim = Claim { owner: caller.shared_owner(), stop: Arc::default() };
        Errand { claim, held: memory.nothing(), work: Work::default(), trace }
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

    fn note(&self, name: &'static str, begun: Instant, ended: Instant) {
        if let Some(trace) = &self.trace {
            trace.stage(Stage { name, begun, ended });
        }
    }

    /// The request has come to its end: what its work was.
    pub(super) fn end(&self) -> Work {
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

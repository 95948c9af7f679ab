//! Use cases: from the bytes of a request to the bytes of its answer.
//!
//! [`mod@decode`] reads the numbers, [`plan`] finds or compiles the program, [`admission`] decides whether the work is taken on,
//! [`pool`] runs it, [`encode`] writes the answer. Nothing here knows HTTP, and nothing a caller sends is ever run twice, kept
//! beyond its answer (but for its compiled program) or trusted.

mod admission;
mod build;
mod cache;
mod chain;
mod check;
mod convert;
mod decode;
mod derivative;
mod digest;
mod encode;
mod endpoint;
mod export;
pub mod limits;
mod names;
mod operators;
mod plan;
mod pool;
mod run;
mod words;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use endpoint::Endpoint;
pub use limits::Limits;
pub use operators::operators;
pub use run::Run;

use crate::engine::Error;
use crate::engine::exec::Scratch;
use crate::wire::problem::{Failure, Slug};
use admission::{Load, Permit, measure};
use cache::Programs;
use encode::{Block, Style};
use plan::{Decoded, Plan, decode};
use pool::{Ended, Pool};

/// How the service works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Worker threads; 0 for as many as there are cores.
    pub workers: usize,
    /// Bytes of compiled programs that are kept.
    pub cache_bytes: usize,
    /// Seconds of estimated work that may wait for each worker; what comes on top is turned away.
    pub queue_seconds: f64,
    /// What one request may ask for.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { workers: 0, cache_bytes: 256 << 20, queue_seconds: 1.0, limits: Limits::default() }
    }
}

/// Answers requests. A handle: clones are the same service.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    limits: Limits,
    workers: usize,
    cache: Programs,
    load: Arc<Load>,
    pool: Pool,
    draining: AtomicBool,
}

/// A body is read where it arrives up to this size, and by a worker beyond.
const SMALL_BODY: usize = 64 << 10;

/// Flops that reading a byte is taken to cost.
const DECODE_FLOPS: f64 = 5.0;

/// Flops that compiling a byte of a function is taken to cost.
const COMPILE_FLOPS: f64 = 100.0;

/// Flops that writing a number is taken to cost.
const ENCODE_FLOPS: f64 = 50.0;

/// Numbers of an answer that are written where they arrive.
const SMALL_ANSWER: usize = 2048;

impl Service {
    /// Starts the workers.
    ///
    /// # Panics
    /// Where the system has no threads for them.
    pub fn start(settings: Settings) -> Service {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = if settings.workers == 0 { cores() } else { settings.workers };
        Service(Arc::new(Inner {
            workers,
            cache: Programs::new(settings.cache_bytes),
            load: Arc::new(Load::new(workers, settings.queue_seconds)),
            pool: Pool::start(workers),
            draining: AtomicBool::new(false),
            limits: settings.limits,
        }))
    }

    /// The number of worker threads.
    pub fn workers(&self) -> usize {
        self.0.workers
    }

    /// What one request may ask for.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Refuses requests from now on; those that were taken on finish.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Answers a request with a complete JSON text. Dropping the future stops its work.
    ///
    /// Needs a tokio runtime with time. The deadline covers everything from here on, waiting included; the service's own longest
    /// deadline bounds it.
    ///
    /// # Errors
    /// Everything that is not an answer, as the contract's section 5 has it.
    pub async fn answer(&self, endpoint: Endpoint, body: Bytes, deadline: Duration) -> Result<Bytes, Failure> {
        if self.0.draining.load(Ordering::Relaxed) {
            return Err(Failure { retry_after: Some(1), ..Failure::new(Slug::ShuttingDown, "the server is shutting down") });
        }
        let begun = match self.0.begin(endpoint, &body)? {
            Begun::Answered(answer) => return Ok(answer.into()),
            begun => begun,
        };
        let most = Duration::try_from_secs_f64(self.0.limits.deadline_most_seconds).unwrap_or(Duration::MAX);
        let deadline = deadline.min(most);
        // Dropped with the future that waits for the work: at the deadline, or when the caller has gone.
        let flag = StopWhenDropped(Arc::new(AtomicBool::new(false)));
        let work = self.0.work(endpoint, body, begun, &flag.0);
        match tokio::time::timeout(deadline, work).await {
            Ok(answer) => answer.map(Bytes::from),
            Err(_) => Err(Failure::new(Slug::DeadlineExceeded, format!("the work was stopped after {} s", deadline.as_secs_f64()))),
        }
    }

    /// Answers a request on this thread, without a deadline: for a process that is not a server.
    ///
    /// # Errors
    /// As [`Service::answer`].
    pub fn answer_blocking(&self, endpoint: Endpoint, body: &[u8]) -> Result<Vec<u8>, Failure> {
        let inner = &*self.0;
        guarded(|| {
            if endpoint.converts() {
                return convert::convert(endpoint, body, &inner.limits);
            }
            let (run, style) = inner.prepare(endpoint, body)?;
            let blocks = all_blocks(&run, &mut Scratch::default()).map_err(|_| internal())?;
            Ok(encode::answer(&run.plan.template, &blocks, style))
        })
    }

    /// A request read and compiled, for a caller in this process who runs it himself, as often as he wants.
    ///
    /// # Errors
    /// As [`Service::answer`], before anything runs; [`Slug::InvalidRequest`] where an endpoint evaluates nothing.
    pub fn prepare(&self, endpoint: Endpoint, body: &[u8]) -> Result<Run, Failure> {
        if endpoint.converts() {
            return Err(Failure::new(Slug::InvalidRequest, format!("/{} evaluates nothing", endpoint.name())));
        }
        guarded(|| self.0.prepare(endpoint, body).map(|(run, _)| run))
    }
}

/// How far a request has come on the thread it arrived on.
enum Begun {
    Answered(Vec<u8>),
    /// Its plan is not known.
    Decoded(Decoded),
    /// Its work is too large for this thread.
    Planned(Decoded, Arc<Plan>),
    /// Its body is.
    Untouched,
}

impl Inner {
    /// Goes as far as takes next to no time.
    fn begin(&self, endpoint: Endpoint, body: &[u8]) -> Result<Begun, Failure> {
        if endpoint.converts() || body.len() > SMALL_BODY {
            return Ok(Begun::Untouched);
        }
        guarded(|| {
            let decoded = decode(endpoint, body, &self.limits)?;
            let Some(plan) = self.cache.plans.get(&decoded.key) else { return Ok(Begun::Decoded(decoded)) };
            let cost = measure(&plan, &decoded.given, &self.limits)?;
            let style = decoded.style;
            let run = Run::new(plan, decoded.given, cost);
            if !run.is_small() {
                let (plan, given) = run.into_parts();
                return Ok(Begun::Planned(Decoded { given, ..decoded }, plan));
            }
            let blocks = here(&run)?;
            Ok(Begun::Answered(encode::answer(&run.plan.template, &blocks, style)))
        })
    }

    /// Reads a request and finds or makes its plan, on this thread.
    fn prepare(&self, endpoint: Endpoint, body: &[u8]) -> Result<(Run, Style), Failure> {
        let decoded = decode(endpoint, body, &self.limits)?;
        let plan = match self.cache.plans.get(&decoded.key) {
            Some(plan) => plan,
            None => {
                let plan = Arc::new(plan::plan(endpoint, body, &decoded, &self.limits, &self.cache)?);
                self.cache.plans.insert(decoded.key, plan.clone());
                plan
            }
        };
        let cost = measure(&plan, &decoded.given, &self.limits)?;
        Ok((Run::new(plan, decoded.given, cost), decoded.style))
    }

    /// Goes the rest of the way, with the workers.
    async fn work(self: &Arc<Inner>, endpoint: Endpoint, body: Bytes, begun: Begun, stop: &Arc<AtomicBool>) -> Result<Vec<u8>, Failure> {
        if endpoint.converts() {
            let permit = self.load.admit(body.len() as f64 * COMPILE_FLOPS, stop)?;
            let inner = self.clone();
            return self.whole(stop, permit, move || convert::convert(endpoint, &body, &inner.limits)).await?;
        }
        let (decoded, known) = match begun {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Decoded(decoded) => (decoded, None),
            Begun::Planned(decoded, plan) => (decoded, Some(plan)),
            Begun::Untouched => {
                let permit = self.load.admit(body.len() as f64 * DECODE_FLOPS, stop)?;
                let (inner, body) = (self.clone(), body.clone());
                let decoded = self.whole(stop, permit, move || decode(endpoint, &body, &inner.limits)).await??;
                (decoded, None)
            }
        };
        let (decoded, plan) = match known {
            Some(plan) => (decoded, plan),
            None => self.plan(endpoint, body, decoded, stop).await?,
        };
        let cost = measure(&plan, &decoded.given, &self.limits)?;
        let style = decoded.style;
        let cells = plan.template.width() * style.arrangement.points();
        let run = Run::new(plan.clone(), decoded.given, cost);
        let blocks = if run.is_small() {
            guarded(|| here(&run))?
        } else {
            let permit = self.load.admit(cost.flops, stop)?;
            self.pool.blocks(run, stop.clone(), permit).await.map_err(ended)?
        };
        if cells <= SMALL_ANSWER {
            return Ok(encode::answer(&plan.template, &blocks, style));
        }
        let permit = self.load.permit(cells as f64 * ENCODE_FLOPS, stop);
        self.whole(stop, permit, move || encode::answer(&plan.template, &blocks, style)).await
    }

    /// The plan of a request: known, being made for another, or made now.
    async fn plan(
        self: &Arc<Inner>,
        endpoint: Endpoint,
        body: Bytes,
        decoded: Decoded,
        stop: &Arc<AtomicBool>,
    ) -> Result<(Decoded, Arc<Plan>), Failure> {
        match self.cache.plans.get_value_or_guard_async(&decoded.key).await {
            Ok(plan) => Ok((decoded, plan)),
            Err(guard) => {
                // what an order costs grows with its square
                let flops = decoded.function_bytes as f64 * COMPILE_FLOPS * (decoded.order as f64).powi(2).max(1.0);
                let permit = self.load.admit(flops, stop)?;
                let inner = self.clone();
                let make = move || {
                    let plan = plan::plan(endpoint, &body, &decoded, &inner.limits, &inner.cache);
                    plan.map(|plan| (decoded, Arc::new(plan)))
                };
                let (decoded, plan) = self.whole(stop, permit, make).await??;
                // Where it does not fit into the cache it still serves this request.
                let _ = guard.insert(plan.clone());
                Ok((decoded, plan))
            }
        }
    }

    async fn whole<T: Send + 'static>(
        &self,
        stop: &Arc<AtomicBool>,
        permit: Permit,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.pool.whole(stop, permit, work).await.map_err(ended)
    }
}

/// Sets the flag when it goes.
struct StopWhenDropped(Arc<AtomicBool>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs all points on this thread, with its own scratch memory.
fn here(run: &Run) -> Result<Vec<Block>, Failure> {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = RefCell::default();
    }
    SCRATCH.with(|scratch| {
        // Taken, so that a panic leaves a fresh one behind.
        let mut own = scratch.take();
        let blocks = all_blocks(run, &mut own).map_err(|_| internal());
        scratch.replace(own);
        blocks
    })
}

fn all_blocks(run: &Run, scratch: &mut Scratch) -> Result<Vec<Block>, crate::engine::program::Stopped> {
    let (size, points) = (run.block(), run.points());
    let stop = AtomicBool::new(false);
    let blocks = (0..points.div_ceil(size)).map(|i| run.block_of(i * size..((i + 1) * size).min(points), scratch, &stop));
    blocks.collect()
}

/// Runs what must not panic; if it does, that is one failed request.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(internal()))
}

fn internal() -> Failure {
    Failure::new(Slug::Internal, "the server failed")
}

fn ended(why: Ended) -> Failure {
    match why {
        // Only seen by a caller that does not wait any more.
        Ended::Stopped => Failure::new(Slug::DeadlineExceeded, "the work was stopped"),
        Ended::Panicked => internal(),
    }
}

/// What the engine refuses to compile.
fn refusal(error: Error) -> Failure {
    match &error {
        Error::Limit { what, asked, allowed } => limits::exceeded(what, *asked, *allowed),
        Error::NotScalar { .. } => Failure::new(Slug::NotDifferentiable, error.to_string()),
        Error::ShapePair { .. } | Error::Shape { .. } => Failure::new(Slug::ShapeMismatch, error.to_string()),
        Error::Arity { .. } | Error::Attribute { .. } | Error::Several { .. } => Failure::new(Slug::InvalidGraph, error.to_string()),
    }
}

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
mod library;
pub mod limits;
mod operators;
mod plan;
mod pool;
mod registry;
mod run;
mod words;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use endpoint::Endpoint;
pub use library::Caller;
pub use limits::Limits;
pub use operators::operators;
pub use registry::{Preconditions, Registered, Shown, Submission, Tags};
pub use run::Run;

use crate::engine::Error;
use crate::engine::exec::Scratch;
use crate::store::{self, Store};
use crate::wire::problem::{Failure, Slug};
use admission::{Load, Permit, measure};
use cache::Programs;
use encode::{Block, Style};
use library::{Halt, Library, Shelf, Wanted};
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
    shelf: Arc<Shelf>,
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
    /// Starts the workers, with a registry that ends with the process.
    ///
    /// # Panics
    /// Where the system has no threads for them.
    pub fn start(settings: Settings) -> Service {
        Service::with(settings, Store::in_memory(&store::Settings::default(), Arc::new(SystemTime::now)))
    }

    /// Starts the workers, with the registry in that store.
    ///
    /// # Panics
    /// Where the system has no threads for them.
    pub fn with(settings: Settings, store: Store) -> Service {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = if settings.workers == 0 { cores() } else { settings.workers };
        Service(Arc::new(Inner {
            workers,
            cache: Programs::new(settings.cache_bytes),
            shelf: Arc::new(Shelf::new(store, settings.cache_bytes / 8)),
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

    /// Answers a request of nobody in particular; see [`Service::call`].
    ///
    /// # Errors
    /// As [`Service::call`].
    pub async fn answer(&self, endpoint: Endpoint, body: Bytes, deadline: Duration) -> Result<Bytes, Failure> {
        self.call(Request { endpoint, body, deadline, caller: Caller::default(), function: None }).await
    }

    /// Answers a request with a complete JSON text. Dropping the future stops its work.
    ///
    /// Needs a tokio runtime with time. The deadline covers everything from here on, waiting included; the service's own longest
    /// deadline bounds it.
    ///
    /// # Errors
    /// Everything that is not an answer, as the contract's section 5 has it.
    pub async fn call(&self, request: Request) -> Result<Bytes, Failure> {
        self.takes_work()?;
        let Request { endpoint, body, deadline, caller, function } = request;
        let library = Arc::new(Library::new(self.0.shelf.clone(), caller));
        let held = Held { endpoint, body, function, library };
        let begun = match self.0.begin(held.view()) {
            Ok(Begun::Answered(answer)) => return Ok(answer.into()),
            Err(Halt::Failure(failure)) => return Err(failure),
            begun => begun,
        };
        self.within(deadline, async |stop| self.0.finish(held, begun, stop).await).await.map(Bytes::from)
    }

    /// Refuses while the service ends.
    fn takes_work(&self) -> Result<(), Failure> {
        if self.0.draining.load(Ordering::Relaxed) {
            return Err(Failure { retry_after: Some(1), ..Failure::new(Slug::ShuttingDown, "the server is shutting down") });
        }
        Ok(())
    }

    /// Does work that is told to stop at its deadline, or when nobody waits for it any more.
    async fn within<T>(&self, deadline: Duration, work: impl AsyncFnOnce(&Arc<AtomicBool>) -> Result<T, Failure>) -> Result<T, Failure> {
        let most = Duration::try_from_secs_f64(self.0.limits.deadline_most_seconds).unwrap_or(Duration::MAX);
        let deadline = deadline.min(most);
        // Dropped with the future that waits for the work: at the deadline, or when the caller has gone.
        let flag = StopWhenDropped(Arc::new(AtomicBool::new(false)));
        match tokio::time::timeout(deadline, work(&flag.0)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::new(Slug::DeadlineExceeded, format!("the work was stopped after {} s", deadline.as_secs_f64()))),
        }
    }

    /// Answers a request on this thread, without a deadline: for a process that is not a server. Registered functions are known where
    /// that takes no waiting.
    ///
    /// # Errors
    /// As [`Service::call`].
    pub fn answer_blocking(&self, endpoint: Endpoint, body: &[u8]) -> Result<Vec<u8>, Failure> {
        let inner = &*self.0;
        let library = Library::new(inner.shelf.clone(), Caller::default());
        let asked = Ask { endpoint, body, function: None, library: &library };
        guarded(|| {
            if endpoint.converts() {
                return convert::convert(asked, &inner.limits).map_err(Halt::verdict);
            }
            let (run, style) = inner.prepare(asked).map_err(Halt::verdict)?;
            let blocks = all_blocks(&run, &mut Scratch::default()).map_err(|_| internal())?;
            Ok(encode::answer(&run.plan.template, &blocks, style))
        })
    }

    /// A request read and compiled, for a caller in this process who runs it himself, as often as he wants.
    ///
    /// # Errors
    /// As [`Service::call`], before anything runs; [`Slug::InvalidRequest`] where an endpoint evaluates nothing.
    pub fn prepare(&self, endpoint: Endpoint, body: &[u8]) -> Result<Run, Failure> {
        if endpoint.converts() {
            return Err(Failure::new(Slug::InvalidRequest, format!("/{} evaluates nothing", endpoint.name())));
        }
        let library = Library::new(self.0.shelf.clone(), Caller::default());
        let asked = Ask { endpoint, body, function: None, library: &library };
        guarded(|| self.0.prepare(asked).map(|(run, _)| run).map_err(Halt::verdict))
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked.
    pub endpoint: Endpoint,
    /// Its JSON text.
    pub body: Bytes,
    /// How long it may take.
    pub deadline: Duration,
    /// Who asks.
    pub caller: Caller,
    /// The registered function that the path names; `None` where the body says of what it is asked.
    pub function: Option<String>,
}

/// What is asked, where no more than looking at it is needed.
#[derive(Clone, Copy)]
struct Ask<'a> {
    endpoint: Endpoint,
    body: &'a [u8],
    function: Option<&'a str>,
    library: &'a Library,
}

/// What is asked, to be carried from thread to thread.
#[derive(Clone)]
struct Held {
    endpoint: Endpoint,
    body: Bytes,
    function: Option<String>,
    library: Arc<Library>,
}

impl Held {
    fn view(&self) -> Ask<'_> {
        Ask { endpoint: self.endpoint, body: &self.body, function: self.function.as_deref(), library: &self.library }
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
    fn begin(&self, asked: Ask<'_>) -> Result<Begun, Halt> {
        if asked.endpoint.converts() || asked.body.len() > SMALL_BODY {
            return Ok(Begun::Untouched);
        }
        guarded(|| {
            let decoded = decode(asked, &self.limits)?;
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
    fn prepare(&self, asked: Ask<'_>) -> Result<(Run, Style), Halt> {
        let decoded = decode(asked, &self.limits)?;
        let plan = match self.cache.plans.get(&decoded.key) {
            Some(plan) => plan,
            None => {
                let plan = Arc::new(plan::plan(asked, &decoded, &self.limits, &self.cache)?);
                self.cache.plans.insert(decoded.key, plan.clone());
                plan
            }
        };
        let cost = measure(&plan, &decoded.given, &self.limits)?;
        Ok((Run::new(plan, decoded.given, cost), decoded.style))
    }

    /// Goes on from there to the end, once more from the beginning when functions had to be fetched.
    async fn finish(self: &Arc<Inner>, mut held: Held, mut begun: Result<Begun, Halt>, stop: &Arc<AtomicBool>) -> Result<Vec<u8>, Failure> {
        loop {
            let outcome = match begun {
                Ok(begun) => self.work(&held, begun, stop).await,
                Err(halt) => Err(halt),
            };
            match outcome {
                Ok(answer) => return Ok(answer),
                Err(Halt::Failure(failure)) => return Err(failure),
                Err(Halt::Missing(wanted)) => self.fetch(Arc::make_mut(&mut held.library), wanted, stop).await?,
            }
            begun = self.begin(held.view());
        }
    }

    /// Goes the rest of the way, with the workers.
    async fn work(self: &Arc<Inner>, held: &Held, begun: Begun, stop: &Arc<AtomicBool>) -> Result<Vec<u8>, Halt> {
        let length = held.body.len() as f64;
        if held.endpoint.converts() {
            let length = length + self.lengths(&held.library, held.function.as_deref());
            let permit = self.load.admit(length * COMPILE_FLOPS, stop)?;
            let (inner, held) = (self.clone(), held.clone());
            return self.whole(stop, permit, move || convert::convert(held.view(), &inner.limits)).await?;
        }
        let (decoded, known) = match begun {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Decoded(decoded) => (decoded, None),
            Begun::Planned(decoded, plan) => (decoded, Some(plan)),
            Begun::Untouched => {
                let permit = self.load.admit(length * DECODE_FLOPS, stop)?;
                let (inner, held) = (self.clone(), held.clone());
                let decoded = self.whole(stop, permit, move || decode(held.view(), &inner.limits)).await??;
                (decoded, None)
            }
        };
        let (decoded, plan) = match known {
            Some(plan) => (decoded, plan),
            None => self.plan(held, decoded, stop).await?,
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
        Ok(self.whole(stop, permit, move || encode::answer(&plan.template, &blocks, style)).await?)
    }

    /// The plan of a request: known, being made for another, or made now.
    async fn plan(self: &Arc<Inner>, held: &Held, decoded: Decoded, stop: &Arc<AtomicBool>) -> Result<(Decoded, Arc<Plan>), Halt> {
        match self.cache.plans.get_value_or_guard_async(&decoded.key).await {
            Ok(plan) => Ok((decoded, plan)),
            Err(guard) => {
                let registered: f64 = decoded.pins.iter().map(|(name, _)| self.lengths(&held.library, Some(name))).sum();
                // what an order costs grows with its square
                let bytes = decoded.function_bytes as f64 + registered;
                let permit = self.load.admit(bytes * COMPILE_FLOPS * (decoded.order as f64).powi(2).max(1.0), stop)?;
                let (inner, held) = (self.clone(), held.clone());
                let make = move || {
                    let plan = plan::plan(held.view(), &decoded, &inner.limits, &inner.cache);
                    plan.map(|plan| (decoded, Arc::new(plan)))
                };
                let (decoded, plan) = self.whole(stop, permit, make).await??;
                // Where it does not fit into the cache it still serves this request.
                let _ = guard.insert(plan.clone());
                Ok((decoded, plan))
            }
        }
    }

    /// Bytes of a registered function's text, where that is at hand.
    fn lengths(&self, library: &Library, name: Option<&str>) -> f64 {
        let known = name.and_then(|name| library.function(&Wanted { name: name.to_owned(), pointer: None }));
        known.map_or(0.0, |known| known.text.len() as f64)
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
fn guarded<T, E: From<Failure>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(internal().into()))
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

//! Use cases: from the bytes of a request to the bytes of its answer.
//!
//! [`mod@request`] is the way of one: [`mod@decode`] reads the numbers, [`plan`] finds or compiles the program, [`admission`] decides
//! whether the work is taken on, [`pool`] runs it, [`encode`] writes the answer and [`mod@answer`] hands it out. Nothing here knows HTTP,
//! and nothing a caller sends is ever run twice, kept beyond its answer (but for its compiled program) or trusted.

mod admission;
mod answer;
mod ask;
mod build;
mod cache;
mod caller;
mod chain;
mod check;
mod convert;
mod decode;
mod derivative;
mod digest;
mod encode;
mod endpoint;
mod errand;
mod export;
mod flight;
mod library;
pub mod limits;
mod memory;
mod names;
mod operators;
mod plan;
mod pool;
mod registry;
mod request;
mod run;
mod settings;
pub mod stages;
mod words;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use smallvec::SmallVec;

pub use answer::{Answer, Pieces};
pub use ask::Request;
pub use caller::{Caller, Scope, Scopes};
pub use endpoint::Endpoint;
pub use errand::Context;
pub use limits::Limits;
pub use memory::{Memory, Portion};
pub use operators::operators;
pub use registry::{Preconditions, Registered, Shown, Submission, Tags};
pub use run::Run;
pub use settings::{MachineCode, Settings};

use crate::engine::Error;
use crate::engine::exec::crew::Crew;
use crate::engine::exec::native::Backend;
use crate::engine::exec::{Means, Scratch};
use crate::store::{self, Store};
use crate::telemetry::metrics::{Metrics, Vitals};
use crate::wire::problem::{Failure, Slug};
use admission::{Load, Rules};
use ask::{Ask, Held};
use cache::Programs;
use encode::Block;
use errand::Errand;
use library::{Halt, Library, Shelf};
use pool::{Ended, Pool};
use request::Done;

/// Answers requests. A handle: clones are the same service.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    limits: Limits,
    /// What runs Maps.
    backend: Backend,
    workers: usize,
    cache: Programs,
    shelf: Arc<Shelf>,
    load: Arc<Load>,
    pool: Pool,
    memory: Memory,
    metrics: Metrics,
    draining: AtomicBool,
}

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
        let rules = Rules {
            workers,
            most_seconds: settings.queue_seconds,
            most_pieces: settings.queue_requests,
            burst_seconds: settings.burst_seconds,
            busy_wait: settings.busy_wait,
            busy_wait_seconds: settings.busy_wait_seconds,
        };
        Service(Arc::new(Inner {
            workers,
            cache: Programs::new(settings.cache_bytes),
            shelf: Arc::new(Shelf::new(store, settings.cache_bytes / 8)),
            load: Arc::new(Load::new(rules)),
            backend: settings.machine_code.backend(),
            pool: Pool::start(workers, settings.machine_code.backend()),
            memory: Memory::new(settings.memory_bytes as u64),
            metrics: Metrics::new(),
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

    /// The room that requests share.
    pub fn memory(&self) -> &Memory {
        &self.0.memory
    }

    /// What is counted of this server.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// How the service is just now.
    pub fn vitals(&self) -> Vitals {
        let Inner { cache, shelf, load, pool, memory, .. } = &*self.0;
        let (busy, alive) = pool.busy_and_alive();
        Vitals {
            workers: alive as u64,
            busy: busy as u64,
            waiting: load.pieces() as u64,
            memory: memory.used(),
            memory_most: memory.most(),
            cache: cache.plans.weight() + cache.programs.weight() + shelf.functions.weight(),
            ..Vitals::default()
        }
    }

    /// Whether work would be taken on and done.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self) -> Result<(), Failure> {
        self.takes_work()?;
        let refuse = |slug, why: &str| Err(Failure { retry_after: Some(1), ..Failure::new(slug, why) });
        if self.0.pool.busy_and_alive().1 == 0 {
            return refuse(Slug::ShuttingDown, "there are no workers left");
        }
        if !self.0.shelf.store.is_usable() {
            return refuse(Slug::Overloaded, "the store of registered functions cannot be reached; all else is evaluated");
        }
        Ok(())
    }

    /// Refuses requests from now on; those that were taken on finish.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Answers a request whose body says of what function; see [`Service::call`].
    ///
    /// # Errors
    /// As [`Service::call`].
    pub async fn answer(&self, endpoint: Endpoint, body: Bytes, context: impl Into<Context>) -> Result<Answer, Failure> {
        self.call(Request { endpoint, body, function: None, context: context.into() }).await
    }

    /// Answers a request with a JSON text. Dropping the future, or the answer, stops its work.
    ///
    /// Needs a tokio runtime with time. The deadline covers everything until an answer begins, waiting included; the service's own longest
    /// deadline bounds it.
    ///
    /// # Errors
    /// Everything that is not an answer, as the contract's section 5 has it.
    pub async fn call(&self, request: Request) -> Result<Answer, Failure> {
        self.takes_work()?;
        let Request { endpoint, body, function, context } = request;
        let library = Arc::new(Library::new(self.0.shelf.clone(), context.caller.clone()));
        let time = context.time();
        let mut errand = Errand::new(context, &self.0.memory);
        let outcome = match self.0.answer(Held { endpoint, body, function, library }, time, &mut errand).await {
            Ok(Done::Drafted(plan, draft)) => return Ok(Answer::Pieces(Pieces::new(self.0.clone(), errand, plan, *draft))),
            Ok(Done::Whole(answer)) => errand.accounted(answer),
            Err(failure) => Err(failure),
        };
        self.0.metrics.worked(&errand.end());
        outcome.map(Answer::Whole)
    }

    /// Refuses while the service ends.
    fn takes_work(&self) -> Result<(), Failure> {
        if self.0.draining.load(Ordering::Relaxed) {
            return Err(Failure { retry_after: Some(1), ..Failure::new(Slug::ShuttingDown, "the server is shutting down") });
        }
        Ok(())
    }

    /// Work that belongs to no function (unpacking a body, packing an answer), for about so many flops, on a worker, within the time that
    /// its request has. The work may ask whether it is to stop.
    ///
    /// # Errors
    /// As all work that would wait too long, or that was stopped or panicked.
    pub async fn handwork<T: Send + 'static>(
        &self,
        context: &Context,
        flops: f64,
        work: impl FnOnce(&dyn Fn() -> bool) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let errand = Errand::new(context.clone(), &self.0.memory);
        let permit = self.0.load.admit(flops, &errand.claim)?;
        let stop = errand.claim.stop.clone();
        let done = self.0.pool.whole(permit, move || work(&|| stop.load(Ordering::Relaxed)));
        self.0.within(context.time(), async { done.await.0.map_err(ended) }).await
    }

    /// As [`Service::handwork`] for an answer that has begun: neither refused nor held to a deadline.
    ///
    /// # Errors
    /// That it was stopped or panicked.
    pub async fn carry_on<T: Send + 'static>(
        &self,
        context: &Context,
        flops: f64,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let errand = Errand::new(context.clone(), &self.0.memory);
        let permit = self.0.load.permit(flops, &errand.claim);
        self.0.pool.whole(permit, work).await.0.map_err(ended)
    }

    /// Answers a request on this thread, without a deadline: for a process that is not a server. Registered functions are known where
    /// that takes no waiting.
    ///
    /// # Errors
    /// As [`Service::call`].
    pub fn answer_blocking(&self, endpoint: Endpoint, body: &[u8]) -> Result<Vec<u8>, Failure> {
        let inner = &*self.0;
        let library = Library::new(inner.shelf.clone(), Caller::ANYONE);
        let asked = Ask { endpoint, body, function: None, library: &library, crew: None };
        guarded(|| {
            if endpoint.converts() {
                return convert::convert(asked, &inner.limits).map_err(Halt::verdict);
            }
            let (run, style) = inner.prepare(asked).map_err(Halt::verdict)?;
            let blocks = all_blocks(&run, &mut Scratch::on(inner.backend)).map_err(|_| internal())?;
            Ok(encode::answer(&run.plan.template, &blocks, style))
        })
    }

    /// The workers, for a caller in this process who runs himself what he had prepared: they work along when they have nothing else to do.
    pub fn crew(&self) -> impl Crew {
        self.0.pool.crew()
    }

    /// A request read and compiled, for a caller in this process who runs it himself, as often as he wants.
    ///
    /// # Errors
    /// As [`Service::call`], before anything runs; [`Slug::InvalidRequest`] where an endpoint evaluates nothing.
    pub fn prepare(&self, endpoint: Endpoint, body: &[u8]) -> Result<Run, Failure> {
        if endpoint.converts() {
            return Err(Failure::new(Slug::InvalidRequest, format!("/{} evaluates nothing", endpoint.name())));
        }
        let library = Library::new(self.0.shelf.clone(), Caller::ANYONE);
        let asked = Ask { endpoint, body, function: None, library: &library, crew: None };
        guarded(|| self.0.prepare(asked).map(|(run, _)| run).map_err(Halt::verdict))
    }
}

fn all_blocks(run: &Run, scratch: &mut Scratch) -> Result<SmallVec<[Block; 1]>, crate::engine::program::Stopped> {
    let (size, points) = (run.block(), run.points());
    let stop = AtomicBool::new(false);
    let means = Means { stop: &stop, crew: None };
    let blocks = (0..points.div_ceil(size)).map(|i| run.block_of(i * size..((i + 1) * size).min(points), scratch, means));
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

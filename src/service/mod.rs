//! Use cases: from the bytes of a request to the bytes of its answer.
//!
//! [`mod@decode`] reads the numbers, [`plan`] finds or compiles the program, [`admission`] decides whether the work is taken on,
//! [`pool`] runs it, [`encode`] writes the answer. Nothing here knows HTTP, and nothing a caller sends is ever run twice, kept
//! beyond its answer (but for its compiled program) or trusted.

mod admission;
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
mod run;
mod settings;
pub mod stages;
mod words;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

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
use admission::{Load, Measured, Rules, measure};
use ask::{Ask, Held};
use cache::Programs;
use encode::{Block, Style};
use errand::{Errand, Time};
use flight::Turn;
use library::{Halt, Library, Shelf, Wanted};
use plan::{Decoded, Plan, decode};
use pool::{Ended, Pool};

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

/// A body is read where it arrives up to this size, and by a worker beyond.
const SMALL_BODY: usize = 64 << 10;

/// Flops that reading a byte is taken to cost.
const DECODE_FLOPS: f64 = 5.0;

/// Flops that compiling a byte of a function is taken to cost.
const COMPILE_FLOPS: f64 = 100.0;

/// Flops that writing a number is taken to cost.
const ENCODE_FLOPS: f64 = 50.0;

/// Bytes that reading takes at most for each byte of a body: two characters can be a number.
const DECODE_BYTES: u64 = 8;

/// Bytes that compiling takes for each byte of a function, as measured: of a graph with short names, and besides of a formula, where a
/// character can be an operator.
const COMPILE_BYTES: u64 = 20;
const PARSE_BYTES: u64 = 160;

/// Bytes that converting takes for each byte of a function: it is written out in three notations.
const CONVERT_BYTES: u64 = 35;

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
    pub async fn answer(&self, endpoint: Endpoint, body: Bytes, context: impl Into<Context>) -> Result<Bytes, Failure> {
        self.call(Request { endpoint, body, function: None, context: context.into() }).await
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
        let Request { endpoint, body, function, context } = request;
        let library = Arc::new(Library::new(self.0.shelf.clone(), context.caller.clone()));
        let time = context.time();
        let mut errand = Errand::new(context, &self.0.memory);
        let outcome = self.0.answer(Held { endpoint, body, function, library }, time, &mut errand).await;
        self.0.metrics.worked(&errand.end());
        outcome
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
    /// As far as it goes here, then the rest with the workers and within the deadline.
    async fn answer(self: &Arc<Inner>, held: Held, time: Time, errand: &mut Errand) -> Result<Bytes, Failure> {
        let rest = match self.begin(held.view(), errand) {
            Ok(Begun::Answered(answer)) => return errand.accounted(answer),
            Err(Halt::Failure(failure)) => return Err(failure),
            // apart, so that what is answered here does not carry the room for all that
            begun => Box::pin(self.finish(held, begun, errand)),
        };
        let answer = self.within(time, rest).await?;
        errand.accounted(answer)
    }

    /// What is done within its time, or not.
    async fn within<T>(&self, Time { since, deadline }: Time, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let most = Duration::try_from_secs_f64(self.limits.deadline_most_seconds).unwrap_or(Duration::MAX);
        let deadline = deadline.min(most);
        match tokio::time::timeout(deadline.saturating_sub(since.elapsed()), work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::new(Slug::DeadlineExceeded, format!("the work was stopped after {} s", deadline.as_secs_f64()))),
        }
    }

    /// Goes as far as takes next to no time.
    fn begin(&self, asked: Ask<'_>, errand: &mut Errand) -> Result<Begun, Halt> {
        if asked.endpoint.converts() || asked.body.len() > SMALL_BODY {
            return Ok(Begun::Untouched);
        }
        let begun = Instant::now();
        let outcome = guarded(|| {
            let decoded = decode(asked, &self.limits)?;
            let Some(plan) = self.cache.plans.get(&decoded.key) else { return Ok(Begun::Decoded(decoded)) };
            errand.work.hit = Some(true);
            let Measured { cost, .. } = measure(&plan, &decoded.given, &self.limits, self.workers)?;
            let style = decoded.style;
            let run = Run::new(plan, decoded.given, cost, style);
            if !run.is_small() {
                let (plan, given) = run.into_parts();
                return Ok(Begun::Planned(Decoded { given, ..decoded }, plan));
            }
            (errand.work.points, errand.work.flops) = (run.points() as u64, cost.flops);
            let blocks = here(&run, self.backend)?;
            Ok(Begun::Answered(encode::answer(&run.plan.template, &blocks, style)))
        });
        errand.did("begin", begun);
        outcome
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
        let Measured { cost, .. } = measure(&plan, &decoded.given, &self.limits, self.workers)?;
        Ok((Run::new(plan, decoded.given, cost, decoded.style), decoded.style))
    }

    /// Goes on from there to the end, once more from the beginning when functions had to be fetched.
    async fn finish(self: &Arc<Inner>, mut held: Held, mut begun: Result<Begun, Halt>, errand: &mut Errand) -> Result<Vec<u8>, Failure> {
        loop {
            let outcome = match begun {
                Ok(begun) => self.work(&held, begun, errand).await,
                Err(halt) => Err(halt),
            };
            match outcome {
                Ok(answer) => return Ok(answer),
                Err(Halt::Failure(failure)) => return Err(failure),
                Err(Halt::Missing(wanted)) => self.fetch(Arc::make_mut(&mut held.library), wanted, errand).await?,
            }
            errand.held.shrink(0);
            begun = self.begin(held.view(), errand);
        }
    }

    /// Goes the rest of the way, with the workers.
    async fn work(self: &Arc<Inner>, held: &Held, begun: Begun, errand: &mut Errand) -> Result<Vec<u8>, Halt> {
        let size = held.body.len();
        if held.endpoint.converts() {
            let registered = self.length(&held.library, held.function.as_deref());
            errand.held.grow((size + registered) as u64 * CONVERT_BYTES + self.parse_bytes(size))?;
            let (inner, held) = (self.clone(), held.clone());
            let convert = move || convert::convert(held.view(), &inner.limits);
            return self.whole("convert", (size + registered) as f64 * COMPILE_FLOPS, errand, convert).await?;
        }
        let (decoded, known) = match begun {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Decoded(decoded) => (decoded, None),
            Begun::Planned(decoded, plan) => (decoded, Some(plan)),
            Begun::Untouched => {
                errand.held.grow(size as u64 * DECODE_BYTES)?;
                let (inner, held) = (self.clone(), held.clone());
                let owner = errand.claim.owner.clone();
                let read = move || {
                    let others = inner.pool.others(owner);
                    let crew = others.as_ref().map(|others| others as &dyn Crew);
                    decode(Ask { crew, ..held.view() }, &inner.limits)
                };
                (self.whole("decode", size as f64 * DECODE_FLOPS, errand, read).await??, None)
            }
        };
        let (decoded, plan) = match known {
            Some(plan) => (decoded, plan),
            None => self.plan(held, decoded, errand).await?,
        };
        let Measured { cost, bytes } = measure(&plan, &decoded.given, &self.limits, self.workers)?;
        let style = decoded.style;
        let cells = plan.template.width() * style.arrangement.points();
        let run = Run::new(plan.clone(), decoded.given, cost, style);
        (errand.work.points, errand.work.flops) = (run.points() as u64, cost.flops);
        let blocks = if run.is_small() {
            let begun = Instant::now();
            let blocks = guarded(|| here(&run, self.backend));
            errand.did("run", begun);
            blocks?
        } else {
            // What reading took is part of what is measured now.
            errand.held.shrink(0);
            errand.held.grow(bytes)?;
            let permit = self.load.admit(cost.flops, &errand.claim)?;
            let (blocks, spent) = self.pool.blocks(run, permit).await;
            errand.spent("run", spent);
            blocks.map_err(ended)?
        };
        let write = move || encode::answer(&plan.template, &blocks, style);
        if cells <= SMALL_ANSWER {
            return Ok(write());
        }
        let permit = self.load.permit(cells as f64 * ENCODE_FLOPS, &errand.claim);
        let (answer, spent) = self.pool.whole(permit, write).await;
        errand.spent("encode", spent);
        Ok(answer.map_err(ended)?)
    }

    /// The plan of a request: known, being made for another, or made now.
    async fn plan(self: &Arc<Inner>, held: &Held, decoded: Decoded, errand: &mut Errand) -> Result<(Decoded, Arc<Plan>), Halt> {
        let key = decoded.key;
        let (lead, known) = match self.cache.making.turn(key).await {
            Turn::Made(plan) => (None, Some(plan)),
            // It may have been made just before.
            Turn::Lead(lead) => (Some(lead), self.cache.plans.get(&key)),
            Turn::Alone => (None, None),
        };
        errand.work.hit = Some(known.is_some());
        let outcome = match known {
            Some(plan) => Ok((decoded, plan)),
            None => self.compiled(held, decoded, errand).await,
        };
        if let Some(lead) = lead {
            lead.end(outcome.as_ref().ok().map(|(_, plan)| plan.clone()));
        }
        outcome
    }

    /// The plan of a request, made now.
    async fn compiled(self: &Arc<Inner>, held: &Held, decoded: Decoded, errand: &mut Errand) -> Result<(Decoded, Arc<Plan>), Halt> {
        let registered: usize = decoded.pins.iter().map(|(name, _)| self.length(&held.library, Some(name))).sum();
        let function = decoded.function_bytes + registered;
        errand.held.grow(function as u64 * COMPILE_BYTES * decoded.order.max(1) as u64 + self.parse_bytes(decoded.function_bytes))?;
        // what an order costs grows with its square
        let flops = function as f64 * COMPILE_FLOPS * (decoded.order as f64).powi(2).max(1.0);
        let (inner, held) = (self.clone(), held.clone());
        let make = move || {
            let plan = plan::plan(held.view(), &decoded, &inner.limits, &inner.cache);
            plan.map(|plan| (decoded, Arc::new(plan)))
        };
        let (decoded, plan) = self.whole("compile", flops, errand, make).await??;
        // Where it does not fit into the cache it still serves this request.
        self.cache.plans.insert(decoded.key, plan.clone());
        Ok((decoded, plan))
    }

    /// Bytes of a registered function's text, where that is at hand.
    fn length(&self, library: &Library, name: Option<&str>) -> usize {
        let known = name.and_then(|name| library.function(&Wanted { name: name.to_owned(), pointer: None }));
        known.map_or(0, |known| known.text.len())
    }

    /// What parsing takes, if so many bytes are a formula: no longer one is read.
    fn parse_bytes(&self, size: usize) -> u64 {
        size.min(self.limits.formula_bytes) as u64 * PARSE_BYTES
    }

    /// A stage of so many flops, whole, on a worker that has the time.
    async fn whole<T: Send + 'static>(
        &self,
        stage: &'static str,
        flops: f64,
        errand: &mut Errand,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let permit = self.load.admit(flops, &errand.claim)?;
        let (outcome, spent) = self.pool.whole(permit, work).await;
        errand.spent(stage, spent);
        outcome.map_err(ended)
    }
}

/// Runs all points on this thread, with its own scratch memory.
fn here(run: &Run, backend: Backend) -> Result<Vec<Block>, Failure> {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = RefCell::default();
    }
    SCRATCH.with(|scratch| {
        // Taken, so that a panic leaves a fresh one behind.
        let mut own = scratch.take();
        own.run_on(backend);
        let blocks = all_blocks(run, &mut own).map_err(|_| internal());
        scratch.replace(own);
        blocks
    })
}

fn all_blocks(run: &Run, scratch: &mut Scratch) -> Result<Vec<Block>, crate::engine::program::Stopped> {
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

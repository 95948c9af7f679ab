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
mod export;
pub mod limits;
mod memory;
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
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use ask::Context;
pub use caller::{Caller, Scope, Scopes};
pub use endpoint::Endpoint;
pub use limits::Limits;
pub use memory::{Held, Memory};
pub use operators::operators;
pub use run::Run;

use crate::engine::Error;
use crate::engine::exec::Scratch;
use crate::engine::exec::native::Backend;
use crate::telemetry::metrics::{Metrics, Vitals};
use crate::wire::problem::{Failure, Slug};
use admission::{Load, Measured, Rules, measure};
use ask::Ask;
use cache::Programs;
use encode::{Block, Style};
use memory::Accounted;
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
    /// Whether functions that are asked for again and again become machine code.
    pub machine_code: MachineCode,
    /// Pieces of work that may be taken on at once.
    pub queue_requests: usize,
    /// Seconds for which the queue may be that long before that is no burst any more.
    pub burst_seconds: f64,
    /// What a request may wait in a queue that is no burst, as a multiple of its own work.
    pub busy_wait: f64,
    /// Seconds that a request may wait however short its own work is.
    pub busy_wait_seconds: f64,
    /// Bytes of bodies, points, results and answers in memory at once.
    pub memory_bytes: usize,
    /// What one request may ask for.
    pub limits: Limits,
}

/// Whether machine code is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MachineCode {
    /// Of what is hot, where the system allows it.
    #[default]
    Auto,
    /// Never.
    Off,
}

impl MachineCode {
    fn backend(self) -> Backend {
        match self {
            MachineCode::Auto => Backend::Auto,
            MachineCode::Off => Backend::Interpreter,
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            workers: 0,
            cache_bytes: 256 << 20,
            queue_seconds: 1.0,
            machine_code: MachineCode::default(),
            queue_requests: 1000,
            burst_seconds: 0.02,
            busy_wait: 1.5,
            busy_wait_seconds: 0.005,
            memory_bytes: 2 << 30,
            limits: Limits::default(),
        }
    }
}

/// Answers requests. A handle: clones are the same service.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    limits: Limits,
    /// What runs Maps.
    backend: Backend,
    workers: usize,
    cache: Programs,
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
    /// Starts the workers.
    ///
    /// # Panics
    /// Where the system has no threads for them.
    pub fn start(settings: Settings) -> Service {
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
        let Inner { cache, load, pool, memory, .. } = &*self.0;
        let (busy, alive) = pool.busy_and_alive();
        Vitals {
            workers: alive as u64,
            busy: busy as u64,
            waiting: load.pieces() as u64,
            memory: memory.used(),
            memory_most: memory.most(),
            cache: cache.plans.weight() + cache.programs.weight(),
            ..Vitals::default()
        }
    }

    /// Whether work would be taken on and done.
    ///
    /// # Errors
    /// Why not, in a few words.
    pub fn ready(&self) -> Result<(), &'static str> {
        if self.0.draining.load(Ordering::Relaxed) {
            return Err("the server is shutting down");
        }
        if self.0.pool.busy_and_alive().1 == 0 {
            return Err("there are no workers left");
        }
        Ok(())
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
    pub async fn answer(&self, endpoint: Endpoint, body: Bytes, context: impl Into<Context>) -> Result<Bytes, Failure> {
        if self.0.draining.load(Ordering::Relaxed) {
            return Err(Failure { retry_after: Some(1), ..Failure::new(Slug::ShuttingDown, "the server is shutting down") });
        }
        let context = context.into();
        let deadline = context.deadline;
        let mut ask = Ask::new(context, &self.0.memory);
        let outcome = self.0.answer(endpoint, body, deadline, &mut ask).await;
        self.0.metrics.worked(&ask.end());
        outcome
    }

    /// Work that belongs to no function (unpacking a body), for about so many flops, on a worker. The work may ask whether it is still wanted.
    ///
    /// # Errors
    /// As all work that would wait too long, or that was stopped or panicked.
    pub async fn handwork<T: Send + 'static>(
        &self,
        flops: f64,
        work: impl FnOnce(&dyn Fn() -> bool) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let ask = Ask::new(Duration::MAX.into(), &self.0.memory);
        let permit = self.0.load.admit(flops, &ask.claim)?;
        let stop = ask.claim.stop.clone();
        self.0.pool.whole(permit, move || work(&|| stop.load(Ordering::Relaxed))).await.0.map_err(ended)
    }

    /// The same for work that follows from work that was taken on (packing an answer): it is never turned away.
    ///
    /// # Errors
    /// That it was stopped or panicked.
    pub async fn handwork_due<T: Send + 'static>(
        &self,
        flops: f64,
        work: impl FnOnce(&dyn Fn() -> bool) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let ask = Ask::new(Duration::MAX.into(), &self.0.memory);
        let permit = self.0.load.permit(flops, &ask.claim);
        let stop = ask.claim.stop.clone();
        self.0.pool.whole(permit, move || work(&|| stop.load(Ordering::Relaxed))).await.0.map_err(ended)
    }

    /// Bytes that are counted as in flight as long as anyone holds them.
    ///
    /// # Errors
    /// `overloaded` where there is no room for them.
    pub fn accounted(&self, bytes: Vec<u8>) -> Result<Bytes, Failure> {
        self.0.accounted(bytes)
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
            let blocks = all_blocks(&run, &mut Scratch::on(inner.backend)).map_err(|_| internal())?;
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
    /// As far as it goes here, then the rest with the workers and within the deadline.
    async fn answer(self: &Arc<Inner>, endpoint: Endpoint, body: Bytes, deadline: Duration, ask: &mut Ask) -> Result<Bytes, Failure> {
        let begun = match self.begin(endpoint, &body, ask)? {
            Begun::Answered(answer) => return self.accounted(answer),
            begun => begun,
        };
        let most = Duration::try_from_secs_f64(self.limits.deadline_most_seconds).unwrap_or(Duration::MAX);
        let deadline = deadline.min(most);
        let answer = match tokio::time::timeout(deadline, self.work(endpoint, body, begun, ask)).await {
            Ok(answer) => answer?,
            Err(_) => {
                let detail = format!("the work was stopped after {} s", deadline.as_secs_f64());
                return Err(Failure::new(Slug::DeadlineExceeded, detail));
            }
        };
        self.accounted(answer)
    }

    /// An answer that is counted until it has been sent.
    fn accounted(&self, answer: Vec<u8>) -> Result<Bytes, Failure> {
        let mut held = self.memory.nothing();
        held.grow(answer.capacity() as u64)?;
        Ok(Accounted::bytes(answer, held))
    }

    /// Goes as far as takes next to no time.
    fn begin(&self, endpoint: Endpoint, body: &[u8], ask: &mut Ask) -> Result<Begun, Failure> {
        if endpoint.converts() || body.len() > SMALL_BODY {
            return Ok(Begun::Untouched);
        }
        let begun = Instant::now();
        let outcome = guarded(|| {
            let decoded = decode(endpoint, body, &self.limits)?;
            let Some(plan) = self.cache.plans.get(&decoded.key) else { return Ok(Begun::Decoded(decoded)) };
            ask.work.hit = Some(true);
            let Measured { cost, .. } = measure(&plan, &decoded.given, &self.limits, self.workers)?;
            let style = decoded.style;
            let run = Run::new(plan, decoded.given, cost);
            if !run.is_small() {
                let (plan, given) = run.into_parts();
                return Ok(Begun::Planned(Decoded { given, ..decoded }, plan));
            }
            (ask.work.points, ask.work.flops) = (run.points() as u64, cost.flops);
            let blocks = here(&run, self.backend)?;
            Ok(Begun::Answered(encode::answer(&run.plan.template, &blocks, style)))
        });
        ask.did("begin", begun);
        outcome
    }

    /// Reads a request and finds or makes its plan, on this thread.
    fn prepare(&self, endpoint: Endpoint, body: &[u8]) -> Result<(Run, Style), Failure> {
        let decoded = decode(endpoint, body, &self.limits)?;
        let plan = match self.cache.plans.get(&decoded.key) {
            Some(plan) => plan,
            None => {
                let plan = Arc::new(plan::plan(endpoint, body, &decoded.given, &self.limits, &self.cache)?);
                self.cache.plans.insert(decoded.key, plan.clone());
                plan
            }
        };
        let Measured { cost, .. } = measure(&plan, &decoded.given, &self.limits, self.workers)?;
        Ok((Run::new(plan, decoded.given, cost), decoded.style))
    }

    /// Goes the rest of the way, with the workers.
    async fn work(self: &Arc<Inner>, endpoint: Endpoint, body: Bytes, begun: Begun, ask: &mut Ask) -> Result<Vec<u8>, Failure> {
        let size = body.len();
        if endpoint.converts() {
            ask.held.grow(size as u64 * CONVERT_BYTES + self.parse_bytes(size))?;
            let inner = self.clone();
            let convert = move || convert::convert(endpoint, &body, &inner.limits);
            return self.whole("convert", size as f64 * COMPILE_FLOPS, ask, convert).await?;
        }
        let (decoded, known) = match begun {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Decoded(decoded) => (decoded, None),
            Begun::Planned(decoded, plan) => (decoded, Some(plan)),
            Begun::Untouched => {
                ask.held.grow(size as u64 * DECODE_BYTES)?;
                let (inner, body) = (self.clone(), body.clone());
                let read = move || decode(endpoint, &body, &inner.limits);
                (self.whole("decode", size as f64 * DECODE_FLOPS, ask, read).await??, None)
            }
        };
        let (decoded, plan) = match known {
            Some(plan) => (decoded, plan),
            None => self.plan(endpoint, body, decoded, ask).await?,
        };
        let Measured { cost, bytes } = measure(&plan, &decoded.given, &self.limits, self.workers)?;
        let style = decoded.style;
        let cells = plan.template.width() * style.arrangement.points();
        let run = Run::new(plan.clone(), decoded.given, cost);
        (ask.work.points, ask.work.flops) = (run.points() as u64, cost.flops);
        let blocks = if run.is_small() {
            let begun = Instant::now();
            let blocks = guarded(|| here(&run, self.backend));
            ask.did("run", begun);
            blocks?
        } else {
            // What reading took is part of what is measured now.
            ask.held.shrink(0);
            ask.held.grow(bytes)?;
            let permit = self.load.admit(cost.flops, &ask.claim)?;
            let (blocks, spent) = self.pool.blocks(run, permit).await;
            ask.spent("run", spent);
            blocks.map_err(ended)?
        };
        let write = move || encode::answer(&plan.template, &blocks, style);
        if cells <= SMALL_ANSWER {
            return Ok(write());
        }
        let permit = self.load.permit(cells as f64 * ENCODE_FLOPS, &ask.claim);
        let (answer, spent) = self.pool.whole(permit, write).await;
        ask.spent("encode", spent);
        answer.map_err(ended)
    }

    /// The plan of a request: known, being made for another, or made now.
    async fn plan(
        self: &Arc<Inner>,
        endpoint: Endpoint,
        body: Bytes,
        decoded: Decoded,
        ask: &mut Ask,
    ) -> Result<(Decoded, Arc<Plan>), Failure> {
        let found = self.cache.plans.get_value_or_guard_async(&decoded.key).await;
        ask.work.hit = Some(found.is_ok());
        match found {
            Ok(plan) => Ok((decoded, plan)),
            Err(guard) => {
                let function = decoded.function_bytes;
                ask.held.grow(function as u64 * COMPILE_BYTES * decoded.order.max(1) as u64 + self.parse_bytes(function))?;
                // what an order costs grows with its square
                let flops = decoded.function_bytes as f64 * COMPILE_FLOPS * (decoded.order as f64).powi(2).max(1.0);
                let inner = self.clone();
                let make = move || {
                    let plan = plan::plan(endpoint, &body, &decoded.given, &inner.limits, &inner.cache);
                    plan.map(|plan| (decoded, Arc::new(plan)))
                };
                let (decoded, plan) = self.whole("compile", flops, ask, make).await??;
                // Where it does not fit into the cache it still serves this request.
                let _ = guard.insert(plan.clone());
                Ok((decoded, plan))
            }
        }
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
        ask: &mut Ask,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let permit = self.load.admit(flops, &ask.claim)?;
        let (outcome, spent) = self.pool.whole(permit, work).await;
        ask.spent(stage, spent);
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

//! One request on its way through the service: on the thread it arrived on as far as that takes next to no time, then with the workers.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::admission::{Measured, measure};
use super::ask::{Ask, Held};
use super::encode::{self, Block, Draft, Style};
use super::errand::{Errand, Time};
use super::flight::Turn;
use super::library::{Halt, Library, Wanted};
use super::plan::{self, Decoded, Plan, decode};
use super::{Inner, Run, all_blocks, convert, ended, guarded, internal};
use crate::engine::exec::Scratch;
use crate::engine::exec::crew::Crew;
use crate::engine::exec::native::Backend;
use crate::wire::problem::{Failure, Slug};

/// A body is read where it arrives up to this size, and by a worker beyond.
pub(super) const SMALL_BODY: usize = 64 << 10;

/// Flops that reading a byte is taken to cost.
const DECODE_FLOPS: f64 = 5.0;

/// Flops that compiling a byte of a function is taken to cost.
pub(super) const COMPILE_FLOPS: f64 = 100.0;

/// Flops that writing a number is taken to cost.
pub(super) const ENCODE_FLOPS: f64 = 50.0;

/// Bytes that reading takes at most for each byte of a body: two characters can be a number.
const DECODE_BYTES: u64 = 8;

/// Bytes that compiling takes for each byte of a function, as measured: of a graph with short names, and besides of a formula, where a
/// character can be an operator.
pub(super) const COMPILE_BYTES: u64 = 20;
const PARSE_BYTES: u64 = 160;

/// Bytes that converting takes for each byte of a function: it is written out in three notations.
pub(super) const CONVERT_BYTES: u64 = 35;

/// Numbers of an answer that are written where they arrive.
const SMALL_ANSWER: usize = 2048;

/// An answer: written, or a long one as far as to be printed in pieces.
pub(super) enum Done {
    Whole(Vec<u8>),
    Drafted(Arc<Plan>, Box<Draft>),
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
    pub(super) async fn answer(self: &Arc<Inner>, held: Held, time: Time, errand: &mut Errand) -> Result<Done, Failure> {
        let rest = match self.begin(held.view(), errand) {
            Ok(Begun::Answered(answer)) => return Ok(Done::Whole(answer)),
            Err(Halt::Failure(failure)) => return Err(failure),
            // apart, so that what is answered here does not carry the room for all that
            begun => Box::pin(self.finish(held, begun, errand)),
        };
        self.within(time, rest).await
    }

    /// What is done within its time, or not.
    pub(super) async fn within<T>(
        &self,
        Time { since, deadline }: Time,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
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
            let run = Run::new(plan, decoded.given, cost);
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
    pub(super) fn prepare(&self, asked: Ask<'_>) -> Result<(Run, Style), Halt> {
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
        Ok((Run::new(plan, decoded.given, cost), decoded.style))
    }

    /// Goes on from there to the end, once more from the beginning when functions had to be fetched.
    async fn finish(self: &Arc<Inner>, mut held: Held, mut begun: Result<Begun, Halt>, errand: &mut Errand) -> Result<Done, Failure> {
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
    async fn work(self: &Arc<Inner>, held: &Held, begun: Begun, errand: &mut Errand) -> Result<Done, Halt> {
        let size = held.body.len();
        if held.endpoint.converts() {
            let registered = self.length(&held.library, held.function.as_deref());
            errand.held.grow((size + registered) as u64 * CONVERT_BYTES + self.parse_bytes(size))?;
            let (inner, held) = (self.clone(), held.clone());
            let convert = move || convert::convert(held.view(), &inner.limits);
            return Ok(Done::Whole(self.whole("convert", (size + registered) as f64 * COMPILE_FLOPS, errand, convert).await??));
        }
        let (decoded, known) = match begun {
            Begun::Answered(answer) => return Ok(Done::Whole(answer)),
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
        let run = Run::new(plan.clone(), decoded.given, cost);
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
            SmallVec::from_vec(blocks.map_err(ended)?)
        };
        if cells <= SMALL_ANSWER {
            return Ok(Done::Whole(encode::answer(&plan.template, &blocks, style)));
        }
        let permit = self.load.permit(encode::written_at_once(&plan.template, style).min(cells) as f64 * ENCODE_FLOPS, &errand.claim);
        let write = move || match cells <= encode::PIECE {
            true => Done::Whole(encode::answer(&plan.template, &blocks, style)),
            false => match Draft::new(&plan.template, blocks.into_vec(), style) {
                Ok(draft) => Done::Drafted(plan, Box::new(draft)),
                Err(whole) => Done::Whole(whole),
            },
        };
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
    pub(super) fn parse_bytes(&self, size: usize) -> u64 {
        size.min(self.limits.formula_bytes) as u64 * PARSE_BYTES
    }

    /// A stage of so many flops, whole, on a worker that has the time.
    pub(super) async fn whole<T: Send + 'static>(
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
fn here(run: &Run, backend: Backend) -> Result<SmallVec<[Block; 1]>, Failure> {
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

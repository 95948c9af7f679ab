//! A fixed set of worker threads, one scratch memory each.
//!
//! Work comes whole (decoding, compiling, encoding) or in blocks of points. Callers take turns, and so do the waiting requests of one
//! caller, block by block, so that a small request never waits for all of a large one; blocks of one request run on as many workers as
//! are free. A large block offers its parts to the others ([`offer`]), before they begin what is as long and after what is shorter: a part is
//! short, takes its turn like a block, and nobody waits for a worker that is elsewhere. Work that nobody waits for any more leaves the queue, and with it what it holds. Where
//! every worker is held up by a piece that is long and cannot be divided, one more thread does what is short ([`relief`]). A set stop flag
//! ends work before its next block, a panic ends it at once, and costs that worker's scratch memory and nothing else.

mod handout;
mod offer;
mod relief;
mod sync;
#[cfg(test)]
mod tests;
mod turns;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::admission::{Claim, Owner, Permit};
use super::encode::Block;
use super::run::Run;
use crate::engine::exec::crew::Crew;
use crate::engine::exec::native::Backend;
use crate::engine::exec::{Desk, Means, Scratch};
use handout::{Handout, Stored};
use offer::{Joined, Offer};
use relief::{HELD_UP, Relief};
use turns::Turns;

/// Why work has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was told to stop.
    Stopped,
    /// It panicked.
    Panicked,
}

/// When work was handed over, how long it then waited, and how long it ran, summed over workers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    pub(super) since: Instant,
    pub(super) queued: Duration,
    pub(super) computed: Duration,
}

/// How work ended, and what it took.
pub(super) type Outcome<T> = (Result<T, Ended>, Spent);

/// The workers.
#[derive(Debug)]
pub(super) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    turns: Turns<Owner, Task>,
    relief: Relief,
    /// Workers that there were at the start.
    workers: usize,
    /// Workers that work.
    busy: AtomicUsize,
    /// Workers that are there.
    alive: AtomicUsize,
}

impl Shared {
    /// Has a task wait, unless it was told to stop: whoever stops work and takes it out of the queue then finds all of it.
    fn push(&self, task: Task) {
        self.turns.push_if(task.owner().clone(), task, |task| task.claim().is_none_or(|claim| !claim.stop.load(Ordering::Relaxed)));
        self.call_relief();
    }

    /// Has others come to the parts of a block: before they begin a piece of the same owner that is as long, so that one after the other is done by
    /// all of them and each is done sooner; after what is shorter.
    fn offer(&self, joint: Arc<Joint>) {
        let waiting = Task::Parts(joint.clone());
        let now = Instant::now();
        self.turns.push_before(joint.owner.clone(), waiting, |task| joint.yields(task, now));
        self.call_relief();
    }

    /// Those who work along with a worker; one alone needs no crew.
    fn others(&self, owner: Owner, of: Option<Piece>) -> Option<Others<'_>> {
        (self.workers > 1).then(|| Others::of(self, self.workers, owner, of))
    }

    /// Where somebody waits and no worker is free it may last.
    fn call_relief(&self) {
        if self.busy.load(Ordering::Relaxed) >= self.workers && self.turns.owners() > 0 {
            self.relief.call();
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("workers", &self.workers).field("owners", &self.turns.owners()).finish_non_exhaustive()
    }
}

enum Task {
    Whole(Permit, Box<dyn FnOnce(Permit) + Send>),
    Blocks(Arc<Blocks>),
    Parts(Arc<Joint>),
}

impl Task {
    fn owner(&self) -> &Owner {
        match self {
            Task::Whole(permit, _) => &permit.claim().owner,
            Task::Blocks(blocks) => &blocks.permit.claim().owner,
            Task::Parts(joint) => &joint.owner,
        }
    }

    /// Whose it is, if it is work of its own and not a part of another's.
    fn claim(&self) -> Option<&Claim> {
        match self {
            Task::Whole(permit, _) => Some(permit.claim()),
            Task::Blocks(blocks) => Some(blocks.permit.claim()),
            Task::Parts(_) => None,
        }
    }

    /// What a piece of it is estimated to take; of parts nobody knows, and a worker is at them.
    fn estimate(&self) -> Option<Duration> {
        match self {
            Task::Whole(permit, _) => Some(permit.estimate()),
            Task::Blocks(blocks) => Some(blocks.permit.estimate().div_f64(blocks.handout.count() as f64)),
            Task::Parts(_) => None,
        }
    }
}

/// A run whose blocks are handed out.
struct Blocks {
    run: Run,
    size: usize,
    handout: Handout<Block, oneshot::Sender<Outcome<Vec<Block>>>>,
    spent: Mutex<Spent>,
    permit: Permit,
}

/// What parts are of.
struct Piece {
    /// The request's flag: which it is.
    request: Arc<AtomicBool>,
    /// What it is estimated to take.
    estimate: Duration,
    /// When it has taken so much more that the estimate says nothing.
    until: Instant,
}

impl Piece {
    /// How many times its estimate a piece can take and still be what it was taken for.
    const ASTRAY: u32 = 8;

    /// A piece that begins now.
    fn begun(request: &Arc<AtomicBool>, estimate: Duration, now: Instant) -> Piece {
        Piece { request: request.clone(), estimate, until: now + estimate * Piece::ASTRAY }
    }
}

/// A block whose parts others can do.
struct Joint {
    owner: Owner,
    of: Option<Piece>,
    offer: Offer<Desk>,
    /// Nanoseconds that others have worked.
    helped: AtomicU64,
}

/// The workers, as the engine sees them that runs something large.
pub(super) struct Others<'s> {
    shared: &'s Shared,
    /// Threads that can be at it, that of the caller included.
    size: usize,
    joint: Arc<Joint>,
}

impl Others<'_> {
    fn of(shared: &Shared, size: usize, owner: Owner, of: Option<Piece>) -> Others<'_> {
        Others { shared, size, joint: Arc::new(Joint { owner, of, offer: Offer::new(), helped: AtomicU64::new(0) }) }
    }
}

impl Crew for Others<'_> {
    fn size(&self) -> usize {
        self.size
    }

    fn run(&self, own: &mut Desk, parts: usize, work: &(dyn Fn(usize, &mut Desk) + Sync)) {
        self.joint.offer.run(own, parts, work, || self.shared.offer(self.joint.clone()));
    }
}

impl Pool {
    /// Starts `workers` threads.
    ///
    /// # Panics
    /// Where the system has no thread to give.
    pub(super) fn start(workers: usize, backend: Backend) -> Pool {
        let workers = workers.max(1);
        let (turns, relief) = (Turns::new(), Relief::of(workers));
        let shared = Arc::new(Shared { turns, relief, workers, busy: AtomicUsize::new(0), alive: AtomicUsize::new(0) });
        const THREADS: &str = "the system has threads for the workers";
        for number in 0..workers {
            let shared = shared.clone();
            let thread = std::thread::Builder::new().name(format!("worker {number}"));
            shared.alive.fetch_add(1, Ordering::Relaxed);
            thread.spawn(move || work(&shared, number, backend)).expect(THREADS);
        }
        let relieved = shared.clone();
        std::thread::Builder::new().name("relief".to_owned()).spawn(move || relieve(&relieved, backend)).expect(THREADS);
        Pool { shared }
    }

    /// Workers that work, and workers that are there.
    pub(super) fn busy_and_alive(&self) -> (usize, usize) {
        (self.shared.busy.load(Ordering::Relaxed), self.shared.alive.load(Ordering::Relaxed))
    }

    /// The workers, for a thread that is none of them.
    pub(super) fn crew(&self) -> Others<'_> {
        Others::of(&self.shared, self.shared.workers + 1, None, None)
    }

    /// The other workers, for one of them that does a caller's work; `None` where he is the only one.
    pub(super) fn others(&self, owner: Owner) -> Option<Others<'_>> {
        self.shared.others(owner, None)
    }

    /// Runs a piece of work whole.
    pub(super) async fn whole<T: Send + 'static>(&self, permit: Permit, work: impl FnOnce() -> T + Send + 'static) -> Outcome<T> {
        let (done, result) = oneshot::channel();
        let since = Instant::now();
        let task = move |permit: Permit| {
            let begun = Instant::now();
            permit.begin(begun);
            let outcome = if permit.claim().stop.load(Ordering::Relaxed) {
                Err(Ended::Stopped)
            } else {
                catch_unwind(AssertUnwindSafe(work)).map_err(|_| Ended::Panicked)
            };
            drop(permit);
            let _ = done.send((outcome, Spent { since, queued: begun - since, computed: begun.elapsed() }));
        };
        let waits = Waits { shared: &self.shared, claim: Some(permit.claim().clone()) };
        self.shared.push(Task::Whole(permit, Box::new(task)));
        waits.over(result.await.unwrap_or_else(|_| lost(since)))
    }

    /// Runs all points of a request, in blocks.
    pub(super) async fn blocks(&self, run: Run, permit: Permit) -> Outcome<Vec<Block>> {
        let size = run.block();
        let count = run.points().div_ceil(size);
        let since = Instant::now();
        let spent = Spent { since, queued: Duration::ZERO, computed: Duration::ZERO };
        if count == 0 {
            return (Ok(Vec::new()), spent);
        }
        let (done, result) = oneshot::channel();
        let waits = Waits { shared: &self.shared, claim: Some(permit.claim().clone()) };
        let (handout, spent) = (Handout::new(count, done), Mutex::new(spent));
        self.shared.push(Task::Blocks(Arc::new(Blocks { run, size, handout, spent, permit })));
        waits.over(result.await.unwrap_or_else(|_| lost(since)))
    }
}

/// Somebody who waits for work. Gone before it is over, he stops it and takes what is left of it out of the queue.
struct Waits<'p> {
    shared: &'p Shared,
    claim: Option<Claim>,
}

impl Waits<'_> {
    fn over<T>(mut self, outcome: T) -> T {
        self.claim = None;
        outcome
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if let Some(claim) = &self.claim {
            claim.stop.store(true, Ordering::Relaxed);
            let task = self.shared.turns.take(|task| task.claim().is_some_and(|own| own.is(claim)));
            // it may hold much, and goes where nobody waits for the lock
            drop(task);
        }
    }
}

/// The outcome of work whose result nobody can give any more.
fn lost<T>(since: Instant) -> Outcome<T> {
    (Err(Ended::Stopped), Spent { since, queued: since.elapsed(), computed: Duration::ZERO })
}

impl Drop for Pool {
    /// Lets the workers go when the queue is empty.
    fn drop(&mut self) {
        self.shared.turns.close();
        self.shared.relief.close();
    }
}

/// A panic while a lock was held cannot have left anything half done: nothing under these locks runs a caller's work.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A worker that is there as long as this is.
struct Alive<'s>(&'s Shared);

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The life of a worker.
fn work(shared: &Shared, number: usize, backend: Backend) {
    let _alive = Alive(shared);
    let mut scratch = Scratch::on(backend);
    while let Some(task) = shared.turns.next() {
        shared.relief.begun(number);
        shared.busy.fetch_add(1, Ordering::Relaxed);
        shared.call_relief();
        shared.run(task, &mut scratch);
        shared.busy.fetch_sub(1, Ordering::Relaxed);
        shared.relief.done(number);
    }
}

/// The life of the relief: it rests until it is called, and acts where all workers are held up.
fn relieve(shared: &Shared, backend: Backend) {
    while shared.relief.called() {
        while shared.turns.owners() > 0 {
            let held_up = shared.relief.held_up();
            let short = |task: &Task| task.estimate().is_some_and(|estimate| estimate <= HELD_UP);
            let task = if held_up >= HELD_UP { shared.turns.take(short) } else { None };
            match task {
                // What is short takes little memory, and leaves none behind.
                Some(task) => shared.run(task, &mut Scratch::on(backend)),
                None => shared.relief.wait(HELD_UP.saturating_sub(held_up).max(HELD_UP / 4)),
            }
        }
    }
}

impl Shared {
    /// Runs a piece of work, and queues what is left of it.
    fn run(&self, task: Task, scratch: &mut Scratch) {
        match task {
            Task::Whole(permit, work) => work(permit),
            Task::Blocks(blocks) => {
                if let Some((number, more)) = blocks.handout.take() {
                    if more {
                        self.push(Task::Blocks(blocks.clone()));
                    }
                    blocks.run(number, self, scratch);
                }
            }
            Task::Parts(joint) => joint.join(self, scratch),
        }
    }
}

impl Joint {
    /// Whether a task that waits lets these parts pass: it is as long, and no block of the same request, which can be done by itself.
    fn yields(&self, task: &Task, now: Instant) -> bool {
        let Some(Piece { request, estimate, until }) = &self.of else { return false };
        if now > *until {
            return false;
        }
        let same = task.claim().is_some_and(|claim| Arc::ptr_eq(&claim.stop, request));
        !same && task.estimate().is_some_and(|own| own >= *estimate)
    }

    /// Does a part of another worker's block, if there is one left.
    fn join(self: Arc<Joint>, shared: &Shared, scratch: &mut Scratch) {
        let begun = Instant::now();
        let again = || shared.offer(self.clone());
        let ran = || {
            self.helped.fetch_add(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
        };
        let joined = self.offer.join(scratch.desk(), again, ran);
        if joined == Joined::Panicked || scratch.bytes() as f64 > KEPT_BYTES {
            *scratch = Scratch::on(scratch.backend());
        }
    }
}

/// Scratch memory beyond this is given back after use.
const KEPT_BYTES: f64 = 64.0 * 1024.0 * 1024.0;

impl Blocks {
    fn run(&self, number: usize, shared: &Shared, scratch: &mut Scratch) {
        let stop = &*self.permit.claim().stop;
        if stop.load(Ordering::Relaxed) {
            return self.end(Ended::Stopped);
        }
        let begun = Instant::now();
        if self.handout.count() == 1 {
            self.permit.begin(begun);
        }
        let begin = number * self.size;
        let points = begin..(begin + self.size).min(self.run.points());
        let Claim { owner, stop: request, .. } = self.permit.claim();
        let piece = Piece::begun(request, self.permit.estimate().div_f64(self.handout.count() as f64), begun);
        let others = shared.others(owner.clone(), Some(piece));
        let crew = others.as_ref().map(|others| others as &dyn Crew);
        let outcome = catch_unwind(AssertUnwindSafe(|| self.run.block_of(points, scratch, Means { stop, crew })));
        if outcome.is_err() || self.run.scratch_bytes() > KEPT_BYTES {
            *scratch = Scratch::on(scratch.backend());
        }
        let helped = others.map_or(0, |others| others.joint.helped.load(Ordering::Relaxed));
        self.ran(number, begun, Duration::from_nanos(helped));
        match outcome {
            Ok(Ok(block)) => self.store(number, block),
            Ok(Err(_)) => self.end(Ended::Stopped),
            Err(_) => self.end(Ended::Panicked),
        }
    }

    /// Notes what a block took, of this worker and of others.
    fn ran(&self, number: usize, begun: Instant, helped: Duration) {
        let spent = &mut lock(&self.spent);
        spent.computed += begun.elapsed() + helped;
        if number == 0 {
            spent.queued = begun - spent.since;
        }
    }

    fn store(&self, number: usize, block: Block) {
        let Stored { left, all } = self.handout.store(number, block);
        self.permit.left(left, self.handout.count());
        if let Some((done, blocks)) = all {
            let _ = done.send((Ok(blocks), *lock(&self.spent)));
        }
    }

    /// Gives up: no further block of this request is begun.
    fn end(&self, why: Ended) {
        self.permit.claim().stop.store(true, Ordering::Relaxed);
        if let Some(done) = self.handout.end() {
            let _ = done.send((Err(why), *lock(&self.spent)));
        }
    }
}

//! A fixed set of worker threads, one scratch memory each.
//!
//! Work comes whole (decoding, compiling, encoding) or in blocks of points. Callers take turns, and so do the waiting requests of one
//! caller, block by block, so that a small request never waits for all of a large one; blocks of one request run on as many workers as
//! are free. Work that nobody waits for any more leaves the queue, and with it what it holds. A set stop flag ends work before its next
//! block, a panic ends it at once, and costs that worker's scratch memory and nothing else.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::admission::{Claim, Owner, Permit};
use super::encode::Block;
use super::run::Run;
use crate::engine::exec::Scratch;
use crate::engine::exec::native::Backend;

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

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
    /// Workers that work.
    busy: AtomicUsize,
    /// Workers that are there.
    alive: AtomicUsize,
}

#[derive(Default)]
struct Queue {
    /// Whose turn it is; each owner of tasks once.
    turns: VecDeque<Owner>,
    tasks: HashMap<Owner, VecDeque<Task>>,
    closed: bool,
}

impl Queue {
    /// Has a task wait, unless it was told to stop: whoever stops work and takes it out of the queue then finds all of it.
    fn push(&mut self, task: Task) {
        if task.permit().claim().stop.load(Ordering::Relaxed) {
            return;
        }
        let owner = task.permit().claim().owner.clone();
        let own = self.tasks.entry(owner.clone()).or_default();
        if own.is_empty() {
            self.turns.push_back(owner);
        }
        own.push_back(task);
    }

    fn pop(&mut self) -> Option<Task> {
        let owner = self.turns.pop_front()?;
        let own = self.tasks.get_mut(&owner)?;
        let task = own.pop_front();
        if own.is_empty() {
            self.tasks.remove(&owner);
        } else {
            self.turns.push_back(owner);
        }
        task
    }

    /// Takes out what waits of a request, which is one task at most.
    fn remove(&mut self, claim: &Claim) -> Option<Task> {
        let own = self.tasks.get_mut(&claim.owner)?;
        let at = own.iter().position(|task| task.permit().claim().is(claim))?;
        let task = own.remove(at);
        if own.is_empty() {
            self.tasks.remove(&claim.owner);
            self.turns.retain(|owner| *owner != claim.owner);
        }
        task
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("owners", &self.turns.len()).field("closed", &self.closed).finish()
    }
}

enum Task {
    Whole(Permit, Box<dyn FnOnce(Permit) + Send>),
    Blocks(Arc<Blocks>),
}

impl Task {
    fn permit(&self) -> &Permit {
        match self {
            Task::Whole(permit, _) => permit,
            Task::Blocks(blocks) => &blocks.permit,
        }
    }
}

/// A run whose blocks are handed out.
struct Blocks {
    run: Run,
    since: Instant,
    size: usize,
    count: usize,
    next: AtomicUsize,
    results: Mutex<Results>,
    permit: Permit,
}

struct Results {
    blocks: Vec<Option<Block>>,
    left: usize,
    spent: Spent,
    done: Option<oneshot::Sender<Outcome<Vec<Block>>>>,
}

impl Pool {
    /// Starts `workers` threads.
    ///
    /// # Panics
    /// Where the system has no thread to give.
    pub(super) fn start(workers: usize, backend: Backend) -> Pool {
        let shared =
            Arc::new(Shared { queue: Mutex::default(), ready: Condvar::new(), busy: AtomicUsize::new(0), alive: AtomicUsize::new(0) });
        for number in 0..workers.max(1) {
            let shared = shared.clone();
            let thread = std::thread::Builder::new().name(format!("worker {number}"));
            shared.alive.fetch_add(1, Ordering::Relaxed);
            thread.spawn(move || work(&shared, backend)).expect("the system has threads for the workers");
        }
        Pool { shared }
    }

    /// Workers that work, and workers that are there.
    pub(super) fn busy_and_alive(&self) -> (usize, usize) {
        (self.shared.busy.load(Ordering::Relaxed), self.shared.alive.load(Ordering::Relaxed))
    }

    /// Runs a piece of work whole.
    pub(super) async fn whole<T: Send + 'static>(&self, permit: Permit, work: impl FnOnce() -> T + Send + 'static) -> Outcome<T> {
        let (done, result) = oneshot::channel();
        let since = Instant::now();
        let task = move |permit: Permit| {
            let begun = Instant::now();
            let outcome = if permit.claim().stop.load(Ordering::Relaxed) {
                Err(Ended::Stopped)
            } else {
                catch_unwind(AssertUnwindSafe(work)).map_err(|_| Ended::Panicked)
            };
            drop(permit);
            let _ = done.send((outcome, Spent { since, queued: begun - since, computed: begun.elapsed() }));
        };
        let waits = Waits { shared: &self.shared, claim: Some(permit.claim().clone()) };
        self.push(Task::Whole(permit, Box::new(task)));
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
        let results = Results { blocks: (0..count).map(|_| None).collect(), left: count, spent, done: Some(done) };
        let (next, results) = (AtomicUsize::new(0), Mutex::new(results));
        let waits = Waits { shared: &self.shared, claim: Some(permit.claim().clone()) };
        self.push(Task::Blocks(Arc::new(Blocks { run, since, size, count, next, results, permit })));
        waits.over(result.await.unwrap_or_else(|_| lost(since)))
    }

    fn push(&self, task: Task) {
        lock(&self.shared.queue).push(task);
        self.shared.ready.notify_one();
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
            let task = lock(&self.shared.queue).remove(claim);
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
        lock(&self.shared.queue).closed = true;
        self.shared.ready.notify_all();
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
fn work(shared: &Shared, backend: Backend) {
    let _alive = Alive(shared);
    let mut scratch = Scratch::on(backend);
    loop {
        let task = {
            let mut queue = lock(&shared.queue);
            loop {
                match queue.pop() {
                    Some(task) => break task,
                    None if queue.closed => return,
                    None => queue = shared.ready.wait(queue).unwrap_or_else(PoisonError::into_inner),
                }
            }
        };
        shared.busy.fetch_add(1, Ordering::Relaxed);
        match task {
            Task::Whole(permit, work) => work(permit),
            Task::Blocks(blocks) => {
                let number = blocks.next.fetch_add(1, Ordering::Relaxed);
                if number + 1 < blocks.count {
                    lock(&shared.queue).push(Task::Blocks(blocks.clone()));
                    shared.ready.notify_one();
                }
                if number < blocks.count {
                    blocks.run(number, &mut scratch);
                }
            }
        }
        shared.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Scratch memory beyond this is given back after use.
const KEPT_BYTES: f64 = 64.0 * 1024.0 * 1024.0;

impl Blocks {
    fn run(&self, number: usize, scratch: &mut Scratch) {
        let stop = &self.permit.claim().stop;
        if stop.load(Ordering::Relaxed) {
            return self.end(Ended::Stopped);
        }
        let begun = Instant::now();
        let begin = number * self.size;
        let points = begin..(begin + self.size).min(self.run.points());
        let outcome = catch_unwind(AssertUnwindSafe(|| self.run.block_of(points, scratch, stop)));
        if outcome.is_err() || self.run.scratch_bytes() > KEPT_BYTES {
            *scratch = Scratch::on(scratch.backend());
        }
        self.ran(number, begun);
        match outcome {
            Ok(Ok(block)) => self.store(number, block),
            Ok(Err(_)) => self.end(Ended::Stopped),
            Err(_) => self.end(Ended::Panicked),
        }
    }

    /// Notes what a block took.
    fn ran(&self, number: usize, begun: Instant) {
        let spent = &mut lock(&self.results).spent;
        spent.computed += begun.elapsed();
        if number == 0 {
            spent.queued = begun - self.since;
        }
    }

    fn store(&self, number: usize, block: Block) {
        let mut results = lock(&self.results);
        results.blocks[number] = Some(block);
        results.left -= 1;
        self.permit.left(results.left, self.count);
        if results.left == 0
            && let Some(done) = results.done.take()
        {
            let (blocks, spent) = (std::mem::take(&mut results.blocks), results.spent);
            drop(results);
            let _ = done.send((Ok(blocks.into_iter().flatten().collect()), spent));
        }
    }

    /// Gives up: no further block of this request is begun.
    fn end(&self, why: Ended) {
        self.permit.claim().stop.store(true, Ordering::Relaxed);
        self.next.fetch_add(self.count, Ordering::Relaxed);
        let mut results = lock(&self.results);
        let spent = results.spent;
        if let Some(done) = results.done.take() {
            let _ = done.send((Err(why), spent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::admission::{Load, Rules};
    use crate::service::{Caller, Memory};

    const RULES: Rules =
        Rules { workers: 1, most_seconds: 1.0, most_pieces: 100, burst_seconds: 1.0, busy_wait: 1.5, busy_wait_seconds: 0.0 };

    fn claim(owner: Option<&str>) -> Claim {
        let held = Arc::new(Memory::new(0).portion(&Caller::ANYONE));
        Claim { owner: owner.map(Arc::from), stop: Arc::default(), _held: held }
    }

    #[tokio::test]
    async fn a_panic_costs_nobody_else() {
        let pool = Pool::start(1, Backend::Auto);
        let load = Arc::new(Load::new(RULES));
        let claim = claim(None);
        let permit = || load.permit(1.0, &claim);
        let panicked: Outcome<()> = pool.whole(permit(), || panic!("on purpose")).await;
        assert_eq!(panicked.0, Err(Ended::Panicked));
        assert_eq!(pool.whole(permit(), || 7).await.0, Ok(7));
        claim.stop.store(true, Ordering::Relaxed);
        assert_eq!(pool.whole(permit(), || 7).await.0, Err(Ended::Stopped));
        assert_eq!(pool.busy_and_alive().1, 1);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_leaves_the_queue() {
        let pool = Pool::start(1, Backend::Auto);
        let load = Arc::new(Load::new(RULES));
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let busy = pool.whole(load.permit(1e12, &claim(None)), move || gone.recv().is_err());
        let others = async {
            let (memory, needed) = (Memory::new(1000), Arc::new(()));
            let held = Arc::new(memory.portion(&Caller::ANYONE));
            held.grow(600).unwrap();
            let claim = Claim { _held: held, ..claim(Some("a")) };
            let needs = needed.clone();
            let mut waits = Box::pin(pool.whole(load.permit(1e12, &claim), move || drop(needs)));
            drop(claim);
            let pending = std::future::poll_fn(|context| std::task::Poll::Ready(waits.as_mut().poll(context).is_pending()));
            assert!(pending.await, "the worker is busy");
            assert_eq!((memory.used(), Arc::strong_count(&needed), load.pieces()), (600, 2, 2), "what waits holds what it needs");
            drop(waits);
            assert_eq!((memory.used(), Arc::strong_count(&needed), load.pieces()), (0, 1, 1), "and nothing where nobody waits");
            let queue = lock(&pool.shared.queue);
            assert!(queue.turns.iter().all(Option::is_none) && queue.tasks.keys().all(Option::is_none));
            drop(queue);
            drop(go);
        };
        let (busy, ()) = tokio::join!(busy, others);
        assert_eq!(busy.0, Ok(true));
    }

    #[test]
    fn callers_take_turns() {
        let load = Arc::new(Load::new(RULES));
        let mut queue = Queue::default();
        for (owner, flops) in [("a", 1e9), ("a", 2e9), ("a", 3e9), ("b", 4e9), ("b", 5e9), ("c", 6e9)] {
            queue.push(Task::Whole(load.permit(flops, &claim(Some(owner))), Box::new(drop)));
        }
        let order: Vec<String> =
            std::iter::from_fn(|| queue.pop()).map(|task| task.permit().claim().owner.as_deref().unwrap_or_default().to_owned()).collect();
        assert_eq!(order, ["a", "b", "c", "a", "b", "a"]);
        assert!(queue.tasks.is_empty() && queue.turns.is_empty());
    }
}

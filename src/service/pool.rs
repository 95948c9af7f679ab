//! A fixed set of worker threads, one scratch memory each.
//!
//! Work comes whole (decoding, compiling, encoding) or in blocks of points. Workers take blocks of the waiting requests in turn, so
//! that a small request never waits for all of a large one; blocks of one request run on as many workers as are free. A set stop
//! flag ends work before its next block, a panic ends it at once, and costs that worker's scratch memory and nothing else.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::admission::Permit;
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

/// The workers.
#[derive(Debug)]
pub(super) struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
}

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Task>,
    closed: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("tasks", &self.tasks.len()).field("closed", &self.closed).finish()
    }
}

enum Task {
    Whole(Box<dyn FnOnce() + Send>),
    Blocks(Arc<Blocks>),
}

/// A run whose blocks are handed out.
struct Blocks {
    run: Run,
    stop: Arc<AtomicBool>,
    size: usize,
    count: usize,
    next: AtomicUsize,
    results: Mutex<Results>,
    permit: Permit,
}

struct Results {
    blocks: Vec<Option<Block>>,
    left: usize,
    done: Option<oneshot::Sender<Result<Vec<Block>, Ended>>>,
}

impl Pool {
    /// Starts `workers` threads.
    ///
    /// # Panics
    /// Where the system has no thread to give.
    pub(super) fn start(workers: usize, backend: Backend) -> Pool {
        let shared = Arc::new(Shared { queue: Mutex::default(), ready: Condvar::new() });
        for number in 0..workers.max(1) {
            let shared = shared.clone();
            let thread = std::thread::Builder::new().name(format!("worker {number}"));
            thread.spawn(move || work(&shared, backend)).expect("the system has threads for the workers");
        }
        Pool { shared }
    }

    /// Runs a piece of work whole.
    pub(super) async fn whole<T: Send + 'static>(
        &self,
        stop: &Arc<AtomicBool>,
        permit: Permit,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (done, result) = oneshot::channel();
        let stop = stop.clone();
        self.push(Task::Whole(Box::new(move || {
            let outcome = if stop.load(Ordering::Relaxed) {
                Err(Ended::Stopped)
            } else {
                catch_unwind(AssertUnwindSafe(work)).map_err(|_| Ended::Panicked)
            };
            drop(permit);
            let _ = done.send(outcome);
        })));
        result.await.unwrap_or(Err(Ended::Stopped))
    }

    /// Runs all points of a request, in blocks.
    pub(super) async fn blocks(&self, run: Run, stop: Arc<AtomicBool>, permit: Permit) -> Result<Vec<Block>, Ended> {
        let size = run.block();
        let count = run.points().div_ceil(size);
        if count == 0 {
            return Ok(Vec::new());
        }
        let (done, result) = oneshot::channel();
        let results = Results { blocks: (0..count).map(|_| None).collect(), left: count, done: Some(done) };
        let (next, results) = (AtomicUsize::new(0), Mutex::new(results));
        self.push(Task::Blocks(Arc::new(Blocks { run, stop, size, count, next, results, permit })));
        result.await.unwrap_or(Err(Ended::Stopped))
    }

    fn push(&self, task: Task) {
        lock(&self.shared.queue).tasks.push_back(task);
        self.shared.ready.notify_one();
    }
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

/// The life of a worker.
fn work(shared: &Shared, backend: Backend) {
    let mut scratch = Scratch::on(backend);
    loop {
        let task = {
            let mut queue = lock(&shared.queue);
            loop {
                match queue.tasks.pop_front() {
                    Some(task) => break task,
                    None if queue.closed => return,
                    None => queue = shared.ready.wait(queue).unwrap_or_else(PoisonError::into_inner),
                }
            }
        };
        match task {
            Task::Whole(work) => work(),
            Task::Blocks(blocks) => {
                let number = blocks.next.fetch_add(1, Ordering::Relaxed);
                if number + 1 < blocks.count {
                    lock(&shared.queue).tasks.push_back(Task::Blocks(blocks.clone()));
                    shared.ready.notify_one();
                }
                if number < blocks.count {
                    blocks.run(number, &mut scratch);
                }
            }
        }
    }
}

/// Scratch memory beyond this is given back after use.
const KEPT_BYTES: f64 = 64.0 * 1024.0 * 1024.0;

impl Blocks {
    fn run(&self, number: usize, scratch: &mut Scratch) {
        if self.stop.load(Ordering::Relaxed) {
            return self.end(Ended::Stopped);
        }
        let begin = number * self.size;
        let points = begin..(begin + self.size).min(self.run.points());
        let outcome = catch_unwind(AssertUnwindSafe(|| self.run.block_of(points, scratch, &self.stop)));
        if outcome.is_err() || self.run.scratch_bytes() > KEPT_BYTES {
            *scratch = Scratch::on(scratch.backend());
        }
        match outcome {
            Ok(Ok(block)) => self.store(number, block),
            Ok(Err(_)) => self.end(Ended::Stopped),
            Err(_) => self.end(Ended::Panicked),
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
            let blocks = std::mem::take(&mut results.blocks);
            drop(results);
            let _ = done.send(Ok(blocks.into_iter().flatten().collect()));
        }
    }

    /// Gives up: no further block of this request is begun.
    fn end(&self, why: Ended) {
        self.stop.store(true, Ordering::Relaxed);
        self.next.fetch_add(self.count, Ordering::Relaxed);
        if let Some(done) = lock(&self.results).done.take() {
            let _ = done.send(Err(why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::admission::Load;

    #[tokio::test]
    async fn a_panic_costs_nobody_else() {
        let pool = Pool::start(1, Backend::Auto);
        let load = Arc::new(Load::new(1, 1.0));
        let stop = Arc::new(AtomicBool::new(false));
        let permit = || load.permit(1.0, &stop);
        let panicked: Result<(), Ended> = pool.whole(&stop, permit(), || panic!("on purpose")).await;
        assert_eq!(panicked, Err(Ended::Panicked));
        assert_eq!(pool.whole(&stop, permit(), || 7).await, Ok(7));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(pool.whole(&stop, permit(), || 7).await, Err(Ended::Stopped));
    }
}

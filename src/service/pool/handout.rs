//! Numbered pieces of one piece of work: each is handed out once, and whoever does the last, or gives up first, ends the whole, once.

use super::sync::{AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError};

/// Pieces that are handed out, their results `B`, and what is told of the end, `D`.
pub(super) struct Handout<B, D> {
    count: usize,
    next: AtomicUsize,
    gathered: Mutex<Gathered<B, D>>,
}

struct Gathered<B, D> {
    results: Vec<Option<B>>,
    left: usize,
    done: Option<D>,
}

/// What is left when a result has come in.
pub(super) struct Stored<B, D> {
    pub(super) left: usize,
    /// All of them, where that was the last and nobody has given up.
    pub(super) all: Option<(D, Vec<B>)>,
}

impl<B, D> Handout<B, D> {
    pub(super) fn new(count: usize, done: D) -> Handout<B, D> {
        let results = (0..count).map(|_| None).collect();
        Handout { count, next: AtomicUsize::new(0), gathered: Mutex::new(Gathered { results, left: count, done: Some(done) }) }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The number of the next piece, and whether there are more behind it.
    pub(super) fn take(&self) -> Option<(usize, bool)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.count).then_some((number, number + 1 < self.count))
    }

    /// Puts down a result.
    pub(super) fn store(&self, number: usize, result: B) -> Stored<B, D> {
        let mut gathered = self.lock();
        gathered.results[number] = Some(result);
        gathered.left -= 1;
        let left = gathered.left;
        let done = if left == 0 { gathered.done.take() } else { None };
        let all = done.map(|done| (done, std::mem::take(&mut gathered.results).into_iter().flatten().collect()));
        Stored { left, all }
    }

    /// Gives up: no further piece is handed out. Whoever is first has to tell of it.
    pub(super) fn end(&self) -> Option<D> {
        // never so often that it comes round: each piece that is handed out ends once
        self.next.fetch_add(self.count, Ordering::Relaxed);
        self.lock().done.take()
    }

    fn lock(&self) -> MutexGuard<'_, Gathered<B, D>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What waits for a worker, and whose turn it is: owners in turn, the tasks of each in order. Nothing here knows what a task is.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Tasks that wait, and workers that wait for them.
pub(super) struct Turns<K, T> {
    queue: Mutex<Queue<K, T>>,
    ready: Condvar,
}

struct Queue<K, T> {
    /// Whose turn it is; each owner of tasks once.
    turns: VecDeque<K>,
    tasks: HashMap<K, VecDeque<T>>,
    closed: bool,
}

impl<K: Eq + Hash + Clone, T> Turns<K, T> {
    pub(super) fn new() -> Turns<K, T> {
        Turns { queue: Mutex::new(Queue { turns: VecDeque::new(), tasks: HashMap::new(), closed: false }), ready: Condvar::new() }
    }

    /// Puts a task behind its owner's others, if it is `wanted` still, and wakes a worker for it.
    pub(super) fn push_if(&self, owner: K, task: T, wanted: impl FnOnce(&T) -> bool) {
        self.insert(owner, task, wanted, |_| false);
    }

    /// Puts a task behind the last of its owner's that does not `yield` to it, and wakes a worker for it.
    pub(super) fn push_before(&self, owner: K, task: T, yields: impl Fn(&T) -> bool) {
        self.insert(owner, task, |_| true, yields);
    }

    fn insert(&self, owner: K, task: T, wanted: impl FnOnce(&T) -> bool, yields: impl Fn(&T) -> bool) {
        let mut queue = self.lock();
        if !wanted(&task) {
            // it may hold much, and goes where nobody waits for the lock
            drop(queue);
            return;
        }
        let own = queue.tasks.entry(owner.clone()).or_default();
        let first = own.is_empty();
        let place = own.iter().rposition(|other| !yields(other)).map_or(0, |last| last + 1);
        own.insert(place, task);
        if first {
            queue.turns.push_back(owner);
        }
        drop(queue);
        self.ready.notify_one();
    }

    /// The next task, once there is one; none when there are none left and will be no more.
    pub(super) fn next(&self) -> Option<T> {
        let mut queue = self.lock();
        loop {
            if let Some(task) = queue.pop() {
                return Some(task);
            }
            if queue.closed {
                return None;
            }
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The first task in turn that fits, if one does; it is then its owner's that was served.
    pub(super) fn take(&self, fits: impl Fn(&T) -> bool) -> Option<T> {
        let mut queue = self.lock();
        let Queue { turns, tasks, .. } = &mut *queue;
        let (place, at) = turns.iter().enumerate().find_map(|(place, owner)| Some((place, tasks.get(owner)?.iter().position(&fits)?)))?;
        let owner = turns.remove(place)?;
        let own = tasks.get_mut(&owner)?;
        let task = own.remove(at);
        if own.is_empty() {
            tasks.remove(&owner);
        } else {
            turns.push_back(owner);
        }
        task
    }

    /// Lets the workers go when nothing waits any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_all();
    }

    /// Owners of tasks that wait.
    pub(super) fn owners(&self) -> usize {
        self.lock().turns.len()
    }

    fn lock(&self) -> MutexGuard<'_, Queue<K, T>> {
        // nothing under the lock can panic half way
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone, T> Queue<K, T> {
    fn pop(&mut self) -> Option<T> {
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
}

//! What the pool's threads do with each other, in every order in which they can do it, as far as a model checker gets.
//!
//! The files are the pool's own, compiled here once more with loom's locks in the place of the standard library's. loom runs each test again and
//! again, with every order of the threads' steps that takes no more than `PREEMPTIONS` interruptions, and finds what is written and read without
//! an order, and threads that wait for ever.

#[path = "../../src/service/pool/handout.rs"]
mod handout;
#[path = "../../src/service/pool/offer.rs"]
mod offer;
#[path = "../../src/service/pool/turns.rs"]
mod turns;

mod sync {
    pub(super) use std::sync::PoisonError;

    pub(super) use loom::sync::atomic::{AtomicUsize, Ordering};
    pub(super) use loom::sync::{Condvar, Mutex, MutexGuard};
}

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc as Plain;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Mutex};
use loom::thread;

use handout::{Handout, Stored};
use offer::{Joined, Offer};
use turns::Turns;

const PREEMPTIONS: usize = 3;

/// Tries every order; says how many there were, and wants more than `least`, or nothing was tried.
fn orders(name: &str, least: usize, model: impl Fn() + Send + Sync + 'static) {
    let count = Plain::new(AtomicUsize::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    let counted = count.clone();
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let count = count.load(Ordering::Relaxed);
    println!("{name}: {count} orders");
    assert!(count >= least, "{name}: {count} orders are too few to mean anything");
}

#[test]
fn a_task_is_done_or_taken_out_and_never_both() {
    orders("taken out", 20, || {
        let turns = Arc::new(Turns::new());
        let (done, wanted) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(true)));
        let worker = {
            let (turns, done) = (turns.clone(), done.clone());
            thread::spawn(move || {
                while let Some(task) = turns.next() {
                    done.lock().unwrap().push(task);
                }
            })
        };
        let leaver = {
            let (turns, wanted) = (turns.clone(), wanted.clone());
            thread::spawn(move || {
                *wanted.lock().unwrap() = false;
                turns.take(|&task| task == 7)
            })
        };
        turns.push_if((), 6, |_| true);
        turns.push_if((), 7, |_| *wanted.lock().unwrap());
        let taken = leaver.join().unwrap();
        turns.close();
        worker.join().unwrap();
        let done = done.lock().unwrap();
        let times = |task: u32| done.iter().filter(|&&own| own == task).count();
        assert!(times(6) == 1 && times(7) + usize::from(taken.is_some()) <= 1, "{done:?} {taken:?}");
        assert_eq!(turns.owners(), 0, "what is not wanted any more does not stay");
    });
}

#[test]
fn each_task_is_done_once_and_every_worker_goes_home() {
    orders("turns", 100, || {
        let turns = Arc::new(Turns::new());
        let done = Arc::new(Mutex::new(Vec::new()));
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let (turns, done) = (turns.clone(), done.clone());
                thread::spawn(move || {
                    while let Some(task) = turns.next() {
                        done.lock().unwrap().push(task);
                    }
                })
            })
            .collect();
        // closed while tasks wait: they are done all the same
        for (owner, task) in [("a", 1), ("a", 2), ("b", 3)] {
            turns.push_if(owner, task, |_| true);
        }
        turns.close();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        let mut done = done.lock().unwrap().clone();
        done.sort_unstable();
        assert_eq!(done, [1, 2, 3]);
        assert_eq!(turns.owners(), 0);
    });
}

#[test]
fn tasks_that_nobody_takes_are_dropped_with_the_queue() {
    orders("dropped", 2, || {
        let turns = Arc::new(Turns::new());
        let token = Arc::new(());
        let worker = {
            let turns = turns.clone();
            thread::spawn(move || drop(turns.next()))
        };
        turns.push_if((), token.clone(), |_| true);
        turns.push_if((), token.clone(), |_| true);
        worker.join().unwrap();
        drop(turns);
        assert!(Arc::try_unwrap(token).is_ok(), "a task is still held");
    });
}

/// Two workers take pieces; the piece `fails`, if it is one, gives up. The whole ends once, and with all results or none.
fn handed_out(name: &'static str, fails: Option<usize>) {
    orders(name, 10, move || {
        let handout = Arc::new(Handout::new(3, ()));
        let ends = Arc::new(Mutex::new(Vec::new()));
        let work = {
            let (handout, ends) = (handout.clone(), ends.clone());
            move || {
                while let Some((number, more)) = handout.take() {
                    assert_eq!(more, number < 2);
                    if Some(number) == fails {
                        ends.lock().unwrap().extend(handout.end().map(|()| None));
                    } else {
                        let Stored { left, all } = handout.store(number, number);
                        assert!(left < handout.count());
                        ends.lock().unwrap().extend(all.map(|((), all)| Some(all)));
                    }
                }
            }
        };
        let other = thread::spawn(work.clone());
        work();
        other.join().unwrap();
        let expected = if fails.is_some() { None } else { Some(vec![0, 1, 2]) };
        assert_eq!(*ends.lock().unwrap(), [expected]);
    });
}

#[test]
fn pieces_are_handed_out_once_and_end_once() {
    handed_out("all pieces", None);
    handed_out("the first gives up", Some(0));
    handed_out("the last gives up", Some(2));
}

/// Workers that do nothing but join in; at the end each says how many parts it did, and how many panicked.
fn helpers(count: usize, turns: &Arc<Turns<(), Arc<Offer<usize>>>>) -> Vec<thread::JoinHandle<(usize, usize)>> {
    let helper = |_| {
        let turns = turns.clone();
        thread::spawn(move || {
            let (mut desk, mut panicked) = (0, 0);
            while let Some(offer) = turns.next() {
                let again = || turns.push_before((), offer.clone(), |_| false);
                panicked += usize::from(offer.join(&mut desk, again, || {}) == Joined::Panicked);
            }
            (desk, panicked)
        })
    };
    (0..count).map(helper).collect()
}

/// What the parts write, each its own: loom sees whoever reads it too early or writes it too late.
struct Cells([UnsafeCell<usize>; 3]);

// SAFETY: the model checker looks at every access
unsafe impl Sync for Cells {}

/// `runs` pieces of work of three parts, one after the other, offered to so many others.
fn offered(name: &'static str, others: usize, runs: usize) {
    orders(name, 100, move || {
        let (turns, offer) = (Arc::new(Turns::new()), Arc::new(Offer::new()));
        let workers = helpers(others, &turns);
        let mut own = 0;
        for run in 0..runs {
            let cells = Cells([UnsafeCell::new(0), UnsafeCell::new(0), UnsafeCell::new(0)]);
            let all = &cells;
            let part = move |part: usize, desk: &mut usize| {
                *desk += 1;
                // SAFETY: as above
                all.0[part].with_mut(|cell| unsafe { *cell += part + run + 1 });
            };
            offer.run(&mut own, 3, &part, || turns.push_if((), offer.clone(), |_| true));
            // SAFETY: as above
            let written = [0, 1, 2].map(|part| cells.0[part].with(|cell| unsafe { *cell }));
            assert_eq!(written, [run + 1, run + 2, run + 3], "each part once, and all before the end");
        }
        turns.close();
        let helped: usize = workers.into_iter().map(|worker| worker.join().unwrap().0).sum();
        assert_eq!(own + helped, 3 * runs);
    });
}

#[test]
fn parts_are_done_once_each_by_whoever_comes() {
    offered("one joins in", 1, 1);
    offered("two join in", 2, 1);
    offered("one piece of work after the other", 1, 2);
}

#[test]
fn a_part_that_panics_ends_the_work_when_all_have_left() {
    orders("a panic", 100, || {
        let (turns, offer) = (Arc::new(Turns::new()), Arc::new(Offer::new()));
        let workers = helpers(1, &turns);
        let cell = UnsafeCell::new(0);
        let cells = Cells([cell, UnsafeCell::new(0), UnsafeCell::new(0)]);
        let all = &cells;
        let part = move |part: usize, _: &mut usize| {
            // SAFETY: the model checker looks at every access
            all.0[part].with_mut(|cell| unsafe { *cell += 1 });
            if part == 1 {
                std::panic::resume_unwind(Box::new("on purpose"));
            }
        };
        let ended = catch_unwind(AssertUnwindSafe(|| offer.run(&mut 0, 3, &part, || turns.push_if((), offer.clone(), |_| true))));
        assert!(ended.is_err());
        // nobody is inside any more
        (0..3).for_each(|part| cells.0[part].with_mut(|_| ()));
        // and the offer is as good as new
        offer.run(&mut 0, 2, &|_, _| (), || turns.push_if((), offer.clone(), |_| true));
        turns.close();
        let panicked: usize = workers.into_iter().map(|worker| worker.join().unwrap().1).sum();
        assert!(panicked <= 1);
    });
}

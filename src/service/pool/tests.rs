//! Workers, tried on tasks that tests make up.

use super::*;
use crate::service::admission::{Load, Rules};
use crate::service::{Caller, Memory};

const RULES: Rules = Rules { workers: 1, most_seconds: 1.0, most_pieces: 100, burst_seconds: 1.0, busy_wait: 1.5, busy_wait_seconds: 0.0 };

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
async fn what_is_short_does_not_wait_for_what_cannot_be_divided() {
    let pool = Pool::start(2, Backend::Auto);
    let load = Arc::new(Load::new(RULES));
    let claim = claim(None);
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let gone = Arc::new(Mutex::new(gone));
    // they hold both workers until the short one is done, so that it can only be done beside them
    let long = || {
        let gone = gone.clone();
        pool.whole(load.permit(1e9, &claim), move || lock(&gone).recv().is_err())
    };
    let short = async {
        let outcome = pool.whole(load.permit(1e5, &claim), || 7).await;
        drop(go);
        outcome.0
    };
    let (one, other, more, short) = tokio::join!(long(), long(), long(), short);
    assert_eq!((one.0, other.0, more.0, short), (Ok(true), Ok(true), Ok(true), Ok(7)));
}

#[test]
fn what_is_short_is_found_in_its_turn() {
    let load = Arc::new(Load::new(RULES));
    let turns = Turns::new();
    for (owner, flops) in [("a", 1e9), ("b", 2e9), ("b", 1e5), ("c", 2e5)] {
        let task = Task::Whole(load.permit(flops, &claim(Some(owner))), Box::new(drop));
        turns.push_if(task.owner().clone(), task, |_| true);
    }
    turns.close();
    let mut owners = |short: bool| {
        let fits = |task: &Task| task.estimate().is_some_and(|estimate| estimate <= HELD_UP);
        let task = if short { turns.take(fits) } else { turns.next() };
        task.map(|task| task.owner().as_deref().unwrap_or_default().to_owned())
    };
    let order: Vec<_> = [true, true, true, false, false, false].map(&mut owners).into_iter().collect();
    let name = |owner: &str| Some(owner.to_owned());
    assert_eq!(order, [name("b"), name("c"), None, name("a"), name("b"), None]);
    assert_eq!(turns.owners(), 0);
}

#[test]
fn what_is_begun_is_done_together_before_more_is_begun() {
    let pool = Pool::start(2, Backend::Auto);
    let load = Arc::new(Load::new(RULES));
    let (own, other) = (claim(Some("a")), claim(Some("a")));
    let whole = |flops: f64, claim: &Claim| Task::Whole(load.permit(flops, claim), Box::new(drop));
    let begun = Instant::now();
    let order = |tasks: Vec<Task>, piece: Option<f64>, ran: Duration| {
        let turns = Turns::new();
        for task in tasks {
            turns.push_if(task.owner().clone(), task, |_| true);
        }
        let of = piece.map(|flops| Piece::begun(&own.stop, load.permit(flops, &own).estimate(), begun));
        let joint = Others::of(&pool.shared, 2, own.owner.clone(), of).joint;
        turns.push_before(own.owner.clone(), Task::Parts(joint.clone()), |task| joint.yields(task, begun + ran));
        turns.close();
        let place = std::iter::from_fn(|| turns.next()).position(|task| matches!(task, Task::Parts(_)));
        place.unwrap()
    };
    assert_eq!(order(vec![whole(1e7, &other), whole(2e7, &other)], Some(1e7), Duration::ZERO), 0, "before what is as long");
    assert_eq!(
        order(vec![whole(2e7, &other), whole(1e6, &other), whole(2e7, &other)], Some(1e7), Duration::ZERO),
        2,
        "after what is shorter"
    );
    assert_eq!(order(vec![whole(1e7, &own), whole(1e7, &other)], Some(1e7), Duration::ZERO), 1, "after its own request's");
    assert_eq!(order(vec![whole(1e9, &other)], None, Duration::ZERO), 1, "of what nobody knows the length, last");
    let longer = Duration::from_millis(81);
    assert_eq!(order(vec![whole(1e7, &other)], Some(1e7), longer), 1, "of what takes far longer than was thought, last");
}

#[tokio::test]
async fn admission_knows_since_when_a_piece_runs() {
    let pool = Pool::start(1, Backend::Auto);
    let load = Arc::new(Load::new(Rules { burst_seconds: 0.0, busy_wait: 0.5, ..RULES }));
    let (claim, other) = (claim(None), claim(None));
    let permit = load.admit(5e6, &claim).unwrap();
    assert!(load.admit(5e6, &other).is_err(), "it has not begun");
    let seen = load.clone();
    // half of its 5 ms have to pass, and no more than that makes a difference
    let admitted = move || {
        let begun = Instant::now();
        while seen.admit(5e6, &other).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60));
            std::hint::spin_loop();
        }
    };
    assert_eq!(pool.whole(permit, admitted).await.0, Ok(()));
}

#[tokio::test]
async fn what_nobody_waits_for_leaves_the_queue() {
    let pool = Pool::start(1, Backend::Auto);
    let load = Arc::new(Load::new(RULES));
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let (began, begun) = oneshot::channel();
    let busy = pool.whole(load.permit(1e12, &claim(None)), move || began.send(()).is_ok() && gone.recv().is_err());
    let others = async {
        begun.await.unwrap();
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
        assert_eq!(pool.shared.turns.owners(), 0);
        drop(go);
    };
    let (busy, ()) = tokio::join!(busy, others);
    assert_eq!(busy.0, Ok(true));
}

#[tokio::test]
async fn a_part_that_panics_costs_its_request_and_nobody_else() {
    let pool = Arc::new(Pool::start(3, Backend::Auto));
    let load = Arc::new(Load::new(RULES));
    let claim = claim(None);
    for bad in [0, 5, 63] {
        let (others, done) = (pool.clone(), Arc::new(AtomicUsize::new(0)));
        let counted = done.clone();
        let work = move || {
            let work = |part: usize, _: &mut Desk| {
                counted.fetch_add(1, Ordering::Relaxed);
                assert_ne!(part, bad, "on purpose");
            };
            others.crew().run(&mut Desk::default(), 64, &work);
        };
        assert_eq!(pool.whole(load.permit(1.0, &claim), work).await.0, Err(Ended::Panicked));
        assert!((1..=64).contains(&done.load(Ordering::Relaxed)));
    }
    let (others, sum) = (pool.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = sum.clone();
    let work = move || {
        others.crew().run(&mut Desk::default(), 100, &|part, _| {
            counted.fetch_add(part, Ordering::Relaxed);
        });
    };
    assert_eq!(pool.whole(load.permit(1.0, &claim), work).await.0, Ok(()));
    assert_eq!((sum.load(Ordering::Relaxed), pool.busy_and_alive().1), (4950, 3));
}

#[test]
fn callers_take_turns() {
    let load = Arc::new(Load::new(RULES));
    let turns = Turns::new();
    for (owner, flops) in [("a", 1e9), ("a", 2e9), ("a", 3e9), ("b", 4e9), ("b", 5e9), ("c", 6e9)] {
        let task = Task::Whole(load.permit(flops, &claim(Some(owner))), Box::new(drop));
        turns.push_if(task.owner().clone(), task, |_| true);
    }
    turns.close();
    let order: Vec<String> =
        std::iter::from_fn(|| turns.next()).map(|task| task.owner().as_deref().unwrap_or_default().to_owned()).collect();
    assert_eq!(order, ["a", "b", "c", "a", "b", "a"]);
    assert_eq!(turns.owners(), 0);
}

//! Whether work is taken on: never what is too large, and not now what there is no room for.
//!
//! Everything here is known before anything runs, from the program's cost, the number of points and what is queued already.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::decode::{Arrangement, Given};
use super::limits::{Limits, check, exceeded};
use super::memory::Portion;
use super::plan::Plan;
use crate::engine::program::Cost;
use crate::wire::problem::{Failure, Slug};

/// Bytes that a printed number takes at most, with its comma: 17 digits, sign, point, exponent.
pub(super) const NUMBER_BYTES: usize = 26;

/// Floating-point operations a worker is taken to do in a second.
const RATE: f64 = 1e9;

/// What a request's work takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    pub(super) cost: Cost,
    /// Bytes of points, results, scratch memory and answer, of as many blocks as run at once.
    pub(super) bytes: u64,
}

/// Refuses what is larger than the limits; what it takes otherwise, with so many `workers`.
pub(super) fn measure(plan: &Plan, given: &Given, limits: &Limits, workers: usize) -> Result<Measured, Failure> {
    let points = given.arrangement.points();
    let template = &plan.template;
    check("limits.points", points, limits.points)?;
    check("limits.derivative_cells", template.matrix_width().saturating_mul(points), limits.derivative_cells)?;
    let cells = template.width().saturating_mul(points);
    let printed = template.printed(points);
    let objects = if matches!(given.arrangement, Arrangement::Rows(_)) { points } else { 1 };
    let answer = printed
        .saturating_mul(NUMBER_BYTES)
        .saturating_add(objects.saturating_mul(template.overhead()))
        .saturating_add(points.saturating_mul(template.brackets().saturating_add(template.remarks())));
    check("limits.answer_bytes", answer, limits.answer_bytes)?;
    let cost = plan.cost(points);
    let numbers: usize = [&given.at, &given.points, &given.direction].into_iter().flatten().map(|entry| entry.data.len()).sum();
    let bytes = cost.scratch_bytes + 8.0 * (numbers as f64 + cells as f64);
    for (limit, asked, allowed) in [
        ("limits.loop_steps", cost.loop_steps, limits.loop_steps as f64),
        ("limits.flops", cost.flops, limits.flops),
        ("limits.live_elements", cost.live_elements, limits.live_elements as f64),
        ("limits.work_bytes", bytes, limits.work_bytes as f64),
    ] {
        if asked > allowed || asked.is_nan() {
            return Err(exceeded(limit, asked, allowed));
        }
    }
    let blocks = points.div_ceil(plan.program.block().max(1)).clamp(1, workers.max(1));
    // workers without a block of their own can do parts of another's
    let helpers = plan.program.helper_bytes(points) * workers.saturating_sub(blocks) as f64;
    let bytes = bytes + cost.scratch_bytes * (blocks - 1) as f64 + helpers + answer as f64;
    Ok(Measured { cost, bytes: bytes as u64 })
}

/// How long work may wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rules {
    /// Worker threads.
    pub(super) workers: usize,
    /// Seconds of others' work before a newcomer's.
    pub(super) most_seconds: f64,
    /// Pieces of work at once.
    pub(super) most_pieces: usize,
    /// Seconds for which a queue may be that long. Where workers have had no rest for longer, there is more work than can be done.
    pub(super) burst_seconds: f64,
    /// What a newcomer may then wait, as a multiple of its own work; so the answers that are given keep their speed.
    pub(super) busy_wait: f64,
    /// Seconds that are never too long to wait.
    pub(super) busy_wait_seconds: f64,
}

/// Whose work it is. Callers that are not told apart are one.
pub(super) type Owner = Option<Arc<str>>;

/// What a piece of work belongs to: its caller, the flag that stops it, and the memory that it takes. Whoever has the claim holds that
/// memory: work that waits does, whether or not anybody waits for it.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) owner: Owner,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) _held: Arc<Portion>,
}

impl Claim {
    /// Whether both are of one request.
    pub(super) fn is(&self, other: &Claim) -> bool {
        Arc::ptr_eq(&self.stop, &other.stop)
    }
}

/// The work that waits or runs.
///
/// Workers take the blocks of all requests in turn. So a request of cost c waits for no more than c of each other request of its caller;
/// and as callers take turns, for no more of another caller's than its own comes to. That, shared by the workers, is what decides: a long
/// piece of work does not turn small ones away, many pieces turn a long one away, and nobody's many pieces turn away another's few.
#[derive(Debug)]
pub(super) struct Load {
    pieces: Mutex<Pieces>,
    next: AtomicU64,
    rules: Rules,
    pace: Pace,
}

/// Nanoseconds that work takes for each that it was estimated to take, of late. Estimates of different functions are wrong by different
/// factors; what is near done can be told from what has just begun all the same.
#[derive(Debug)]
struct Pace(AtomicU64);

impl Pace {
    /// Of which pieces it is taken, in nanoseconds.
    const LONG: u64 = 1_000_000;

    fn new() -> Pace {
        Pace(AtomicU64::new(1.0_f64.to_bits()))
    }

    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// Work that was estimated so has taken so long.
    fn learn(&self, estimated: u64, took: Duration) {
        if estimated >= Pace::LONG {
            let own = took.as_nanos() as f64 / estimated as f64;
            self.0.store((0.8 * self.get() + 0.2 * own).clamp(0.02, 50.0).to_bits(), Ordering::Relaxed);
        }
    }
}

#[derive(Debug)]
struct Pieces {
    all: HashMap<u64, Arc<Piece>>,
    strain: Strain,
}

/// Whether workers keep up. Time in which all of them are busy adds to it, and time in which some are free takes as much away as they are part of
/// all: a moment's rest between two requests does not make a burst of what follows.
#[derive(Debug)]
struct Strain {
    /// Seconds, up to `burst_seconds`.
    seconds: f64,
    /// Whether it has come to that and not gone since.
    lasts: bool,
    since: Instant,
}

impl Strain {
    /// That many pieces of work have been there until now.
    fn pass(&mut self, pieces: usize, rules: &Rules, now: Instant) {
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        let workers = rules.workers.max(1);
        let change = if pieces < workers { -passed * (workers - pieces) as f64 / workers as f64 } else { passed };
        self.seconds = (self.seconds + change).clamp(0.0, rules.burst_seconds);
        self.since = self.since.max(now);
        if self.seconds >= rules.burst_seconds {
            self.lasts = true;
        } else if self.seconds <= 0.0 {
            self.lasts = false;
        }
    }
}

/// What is left of a piece of work, in estimated nanoseconds, unless it was told to stop.
#[derive(Debug)]
struct Piece {
    left: AtomicU64,
    /// When it was begun, if it is one part that tells nothing before its end.
    begun: OnceLock<Instant>,
    claim: Claim,
    /// Whether it follows from work that was taken on: then it is none of those that there is a most of.
    due: bool,
}

impl Piece {
    /// What it keeps a newcomer of so much work waiting, at that pace.
    fn before(&self, own: u64, now: Instant, pace: f64) -> u64 {
        if self.claim.stop.load(Ordering::Relaxed) {
            return 0;
        }
        let left = self.left.load(Ordering::Relaxed);
        let done = self.begun.get().map_or(0.0, |&begun| now.saturating_duration_since(begun).as_nanos() as f64 / pace);
        // nothing is taken to be as good as done: the pace is that of others
        left.saturating_sub(done as u64).max(left / 4).min(own)
    }
}

impl Load {
    /// No work yet.
    pub(super) fn new(rules: Rules) -> Load {
        let strain = Strain { seconds: 0.0, lasts: false, since: Instant::now() };
        Load { pieces: Mutex::new(Pieces { all: HashMap::new(), strain }), next: AtomicU64::new(0), rules, pace: Pace::new() }
    }

    /// Takes on work of so many flops, unless it would wait too long.
    pub(super) fn admit(self: &Arc<Load>, flops: f64, claim: &Claim) -> Result<Permit, Failure> {
        self.admit_at(flops, claim, Instant::now())
    }

    fn admit_at(self: &Arc<Load>, flops: f64, claim: &Claim, now: Instant) -> Result<Permit, Failure> {
        let own = nanoseconds(flops);
        let mut pieces = self.lock();
        let Waiting { nanoseconds: waiting, pieces: all, admitted: count } = waiting(&pieces.all, own, &claim.owner, now, self.pace.get());
        pieces.strain.pass(all, &self.rules, now);
        let Rules { workers, most_seconds, most_pieces, burst_seconds: _, busy_wait, busy_wait_seconds } = self.rules;
        if count >= most_pieces {
            return Err(overloaded(format!("{count} pieces of work are waiting, {most_pieces} are allowed"), 1));
        }
        let seconds = waiting as f64 / 1e9 / workers.max(1) as f64;
        let busy = most_seconds.min((busy_wait * own as f64 / 1e9).max(busy_wait_seconds));
        let allowed = if pieces.strain.lasts { busy } else { most_seconds };
        if seconds > allowed {
            let detail = format!("this would wait {seconds:.3} s for other work, {allowed:.3} s are allowed");
            return Err(overloaded(detail, (seconds.ceil() as u64).max(1)));
        }
        Ok(self.insert(&mut pieces, own, claim, false))
    }

    /// Counts work that follows from work that was taken on.
    pub(super) fn permit(self: &Arc<Load>, flops: f64, claim: &Claim) -> Permit {
        self.insert(&mut self.lock(), nanoseconds(flops), claim, true)
    }

    fn insert(self: &Arc<Load>, pieces: &mut Pieces, whole: u64, claim: &Claim, due: bool) -> Permit {
        let piece = Arc::new(Piece { left: AtomicU64::new(whole), begun: OnceLock::new(), claim: claim.clone(), due });
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        pieces.all.insert(id, piece.clone());
        Permit { load: self.clone(), id, whole, piece }
    }

    /// Pieces of work that were taken on and are not done.
    pub(super) fn pieces(&self) -> usize {
        self.lock().all.len()
    }

    fn lock(&self) -> MutexGuard<'_, Pieces> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes before a newcomer.
struct Waiting {
    /// Nanoseconds of others' work.
    nanoseconds: u64,
    /// Pieces that are still wanted.
    pieces: usize,
    /// Those of them that were taken on by themselves.
    admitted: usize,
}

/// What comes before a newcomer of `own`.
fn waiting(pieces: &HashMap<u64, Arc<Piece>>, own: u64, owner: &Owner, now: Instant, pace: f64) -> Waiting {
    let (mut mine, mut count, mut admitted) = (0_u64, 0, 0);
    let mut others: Vec<(&Owner, u64)> = Vec::new();
    for piece in pieces.values() {
        let wanted = !piece.claim.stop.load(Ordering::Relaxed);
        count += usize::from(wanted);
        admitted += usize::from(wanted && !piece.due);
        let before = piece.before(own, now, pace);
        if piece.claim.owner == *owner {
            mine += before;
        } else if let Some((_, sum)) = others.iter_mut().find(|(other, _)| **other == piece.claim.owner) {
            *sum += before;
        } else {
            others.push((&piece.claim.owner, before));
        }
    }
    let share = mine + own;
    Waiting { nanoseconds: mine + others.into_iter().map(|(_, sum)| sum.min(share)).sum::<u64>(), pieces: count, admitted }
}

fn overloaded(detail: String, seconds: u64) -> Failure {
    Failure { retry_after: Some(seconds), ..Failure::new(Slug::Overloaded, detail) }
}

fn nanoseconds(flops: f64) -> u64 {
    (flops / RATE * 1e9).clamp(0.0, 1e15) as u64
}

/// Work that was taken on; dropped when it is done or given up.
#[derive(Debug)]
pub(super) struct Permit {
    load: Arc<Load>,
    id: u64,
    whole: u64,
    piece: Arc<Piece>,
}

impl Permit {
    /// What the work belongs to.
    pub(super) fn claim(&self) -> &Claim {
        &self.piece.claim
    }

    /// What the work is estimated to take.
    pub(super) fn estimate(&self) -> Duration {
        Duration::from_nanos(self.whole)
    }

    /// It is begun, and is one part.
    pub(super) fn begin(&self, now: Instant) {
        let _ = self.piece.begun.set(now);
    }

    /// So many parts of `parts` are still to do.
    pub(super) fn left(&self, left: usize, parts: usize) {
        self.piece.left.store((self.whole as f64 * left as f64 / parts.max(1) as f64) as u64, Ordering::Relaxed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = Instant::now();
        if let Some(&begun) = self.piece.begun.get()
            && !self.piece.claim.stop.load(Ordering::Relaxed)
        {
            self.load.pace.learn(self.whole, now.saturating_duration_since(begun));
        }
        let mut pieces = self.load.lock();
        let all = pieces.all.len();
        pieces.strain.pass(all, &self.load.rules, now);
        pieces.all.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Caller, Memory};

    const RULES: Rules =
        Rules { workers: 2, most_seconds: 1.0, most_pieces: 1000, burst_seconds: 1e9, busy_wait: 1.5, busy_wait_seconds: 0.005 };

    fn claim(owner: Option<&str>) -> Claim {
        let held = Arc::new(Memory::new(0).portion(&Caller::ANYONE));
        Claim { owner: owner.map(Arc::from), stop: Arc::default(), _held: held }
    }

    fn admitted(load: &Arc<Load>, flops: f64, claim: &Claim, now: Instant) -> Vec<Permit> {
        (0..2000).map_while(|_| load.admit_at(flops, claim, now).ok()).collect()
    }

    #[test]
    fn a_newcomer_waits_for_its_own_share_of_the_others() {
        let load = Arc::new(Load::new(RULES));
        let (go, stopped) = (claim(None), claim(None));
        let large = load.admit(1e11, &stopped).expect("an idle pool takes what the limits allow");
        assert!(load.admit(1e9, &go).is_ok(), "small work is not turned away by large");
        let refused = load.admit(1e11, &go).unwrap_err();
        assert_eq!((refused.slug, refused.retry_after), (Slug::Overloaded, Some(50)));
        large.left(1, 100);
        assert!(load.admit(1e11, &go).is_ok());
        large.left(100, 100);
        stopped.stop.store(true, Ordering::Relaxed);
        assert!(load.admit(1e11, &go).is_ok());
        drop(large);
        assert_eq!(load.pieces(), 0);
        assert_eq!(admitted(&load, 1e8, &go, Instant::now()).len(), 21);
    }

    #[test]
    fn a_standing_queue_is_short() {
        let load = Arc::new(Load::new(Rules { burst_seconds: 0.02, ..RULES }));
        let start = Instant::now();
        let later = start + Duration::from_millis(30);
        let burst = admitted(&load, 1e8, &claim(None), start);
        assert_eq!(burst.len(), 21, "a burst is taken");
        assert!(load.admit_at(1e8, &claim(None), later).is_err());
        drop(burst);
        let mut standing = admitted(&load, 1e8, &claim(None), start);
        standing.truncate(3);
        assert!(load.admit_at(1e8, &claim(None), later).is_ok(), "what waits 1.5 times its work");
        standing.extend(load.admit_at(1e8, &claim(None), later));
        assert!(load.admit_at(1e8, &claim(None), later).is_err());
        assert!(load.admit_at(1e4, &claim(None), later).is_ok(), "what is short waits for nobody");
    }

    #[test]
    fn a_moments_rest_makes_no_burst() {
        let rules = Rules { burst_seconds: 0.02, busy_wait: 1.0, ..RULES };
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut strain = Strain { seconds: 0.0, lasts: false, since: start };
        for (pieces, until, lasts) in [
            (1, 100, false),
            (2, 110, false),
            (1, 120, false),
            (3, 141, true),
            (1, 150, true),
            (2, 151, true),
            (0, 171, false),
            (2, 180, false),
        ] {
            strain.pass(pieces, &rules, after(until));
            assert_eq!(strain.lasts, lasts, "{until} ms");
        }
    }

    #[test]
    fn what_is_nearly_done_is_not_much_to_wait_for() {
        let load = Arc::new(Load::new(Rules { burst_seconds: 0.0, busy_wait: 0.5, ..RULES }));
        let start = Instant::now() + Duration::from_secs(1);
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let go = claim(None);
        // two of 100 ms each, on two workers
        let running = [0, 50].map(|begun| {
            let permit = load.admit_at(1e8, &go, start).unwrap();
            permit.begin(after(begun));
            permit
        });
        assert!(load.admit_at(1e8, &go, after(51)).is_err(), "49 ms and 99 ms are left");
        assert!(load.admit_at(1e8, &go, after(76)).is_ok(), "24 ms and 74 ms");
        let waits = load.admit_at(1e8, &go, after(76)).unwrap();
        assert!(load.admit_at(1e8, &go, after(500)).is_err(), "one waits, and nothing is as good as done");
        drop((running, waits));
        let pace = Pace::new();
        pace.learn(1_000, Duration::from_secs(1));
        assert_eq!(pace.get(), 1.0, "what is short says little");
        pace.learn(1_000_000, Duration::from_millis(2));
        assert!((pace.get() - 1.2).abs() < 1e-9);
    }

    #[test]
    fn nobodys_many_turn_away_anothers_few() {
        let load = Arc::new(Load::new(Rules { burst_seconds: 0.0, ..RULES }));
        let later = Instant::now() + Duration::from_secs(1);
        let mut held = admitted(&load, 1e8, &claim(Some("a")), later);
        assert_eq!(held.len(), 4);
        let other = admitted(&load, 1e8, &claim(Some("b")), later);
        assert_eq!(other.len(), 2, "as much as shares the queue");
        held.extend(other);
        assert!(load.admit_at(1e8, &claim(Some("a")), later).is_err());
        assert!(load.admit_at(1e8, &claim(Some("c")), later).is_ok());
    }

    #[test]
    fn pieces_have_a_most() {
        let load = Arc::new(Load::new(Rules { most_pieces: 5, ..RULES }));
        let due: Vec<Permit> = (0..9).map(|_| load.permit(0.0, &claim(None))).collect();
        assert_eq!(admitted(&load, 0.0, &claim(None), Instant::now()).len(), 5, "what follows from taken work is none of them");
        drop(due);
    }
}

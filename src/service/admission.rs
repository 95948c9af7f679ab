//! Whether work is taken on: never what is too large, and not now what there is no room for.
//!
//! Everything here is known before anything runs, from the program's cost, the number of points and what is queued already.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::decode::{Arrangement, Given};
use super::limits::{Limits, check, exceeded};
use super::plan::Plan;
use crate::engine::program::Cost;
use crate::wire::problem::{Failure, Slug};

/// Bytes that a printed number takes at most, with its comma: 17 digits, sign, point, exponent.
pub(super) const NUMBER_BYTES: usize = 26;

/// Floating-point operations a worker is taken to do in a second.
const RATE: f64 = 1e9;

/// Refuses what is larger than the limits; what it costs otherwise.
pub(super) fn measure(plan: &Plan, given: &Given, limits: &Limits) -> Result<Cost, Failure> {
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
    Ok(cost)
}

/// The work that waits or runs.
///
/// Workers take the blocks of all requests in turn. So a request of cost c waits for no more than c of each other request, and that,
/// shared by the workers, is what decides: a long piece of work does not turn small ones away, and many pieces turn a long one away.
#[derive(Debug)]
pub(super) struct Load {
    pieces: Mutex<HashMap<u64, Arc<Piece>>>,
    next: AtomicU64,
    workers: usize,
    most_seconds: f64,
}

/// What is left of a piece of work, in estimated nanoseconds, unless it was told to stop.
#[derive(Debug)]
struct Piece {
    left: AtomicU64,
    stop: Arc<AtomicBool>,
}

impl Load {
    /// Of a pool of `workers`, of which none may have more than `most_seconds` of work before that of a newcomer.
    pub(super) fn new(workers: usize, most_seconds: f64) -> Load {
        Load { pieces: Mutex::default(), next: AtomicU64::new(0), workers, most_seconds }
    }

    /// Takes on work of so many flops, unless it would wait too long.
    pub(super) fn admit(self: &Arc<Load>, flops: f64, stop: &Arc<AtomicBool>) -> Result<Permit, Failure> {
        let own = nanoseconds(flops);
        let before = |piece: &Arc<Piece>| if piece.stop.load(Ordering::Relaxed) { 0 } else { piece.left.load(Ordering::Relaxed).min(own) };
        let waiting: u64 = self.lock().values().map(before).sum();
        let seconds = waiting as f64 / 1e9 / self.workers.max(1) as f64;
        if seconds > self.most_seconds {
            let detail = format!("this would wait {seconds:.1} s for other work, {} s are allowed", self.most_seconds);
            let retry_after = Some((seconds.ceil() as u64).max(1));
            return Err(Failure { retry_after, ..Failure::new(Slug::Overloaded, detail) });
        }
        Ok(self.permit(flops, stop))
    }

    /// Counts work that follows from work that was taken on.
    pub(super) fn permit(self: &Arc<Load>, flops: f64, stop: &Arc<AtomicBool>) -> Permit {
        let piece = Arc::new(Piece { left: AtomicU64::new(nanoseconds(flops)), stop: stop.clone() });
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, piece.clone());
        Permit { load: self.clone(), id, whole: nanoseconds(flops), piece }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Piece>>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    /// So many parts of `parts` are still to do.
    pub(super) fn left(&self, left: usize, parts: usize) {
        self.piece.left.store((self.whole as f64 * left as f64 / parts.max(1) as f64) as u64, Ordering::Relaxed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.load.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_waits_for_its_own_share_of_the_others() {
        let load = Arc::new(Load::new(2, 1.0));
        let (go, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let large = load.admit(1e11, &stop).expect("an idle pool takes what the limits allow");
        assert!(load.admit(1e9, &go).is_ok(), "small work is not turned away by large");
        let refused = load.admit(1e11, &go).unwrap_err();
        assert_eq!((refused.slug, refused.retry_after), (Slug::Overloaded, Some(50)));
        large.left(1, 100);
        assert!(load.admit(1e11, &go).is_ok());
        large.left(100, 100);
        stop.store(true, Ordering::Relaxed);
        assert!(load.admit(1e11, &go).is_ok());
        drop(large);
        assert!(load.lock().is_empty());
        let many: Vec<Permit> = (0..).map_while(|_| load.admit(1e8, &go).ok()).take(1000).collect();
        assert_eq!(many.len(), 21);
    }
}

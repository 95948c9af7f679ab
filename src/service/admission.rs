//! Whether work is taken on: never what is too large, and not now what there is no room for.
//!
//! Everything here is known before anything runs, from the program's cost, the number of points and what is queued already.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::decode::{Arrangement, Given};
use super::limits::{Limits, check, exceeded};
use super::plan::Plan;
use crate::engine::program::Cost;
use crate::wire::problem::{Failure, Slug};

/// Bytes that a printed number takes at most, with its comma: 17 digits, sign, point, exponent.
const NUMBER_BYTES: usize = 26;

/// Floating-point operations a worker is taken to do in a second.
const RATE: f64 = 1e9;

/// Refuses what is larger than the limits; what it costs otherwise.
pub(super) fn measure(plan: &Plan, given: &Given, limits: &Limits) -> Result<Cost, Failure> {
    let points = given.arrangement.points();
    let template = &plan.template;
    check("limits.points", points, limits.points)?;
    check("limits.derivative_cells", template.derivative_width().saturating_mul(points), limits.derivative_cells)?;
    let cells = template.width().saturating_mul(points);
    let objects = if matches!(given.arrangement, Arrangement::Rows(_)) { points } else { 1 };
    // A tensor's brackets: at most as many as its numbers, and counted with them.
    let answer = cells.saturating_mul(NUMBER_BYTES).saturating_add(objects.saturating_mul(template.overhead()));
    check("limits.answer_bytes", answer, limits.answer_bytes)?;
    let cost = plan.program.cost(points);
    if !(cost.flops <= limits.flops) {
        return Err(exceeded("limits.flops", cost.flops, limits.flops));
    }
    let most = limits.live_elements as f64;
    if !(cost.live_elements <= most) {
        return Err(exceeded("limits.live_elements", cost.live_elements, most));
    }
    let numbers: usize = [&given.at, &given.points, &given.direction].into_iter().flatten().map(|entry| entry.data.len()).sum();
    let bytes = cost.scratch_bytes + 8.0 * (numbers as f64 + cells as f64);
    if !(bytes <= limits.work_bytes as f64) {
        return Err(exceeded("limits.work_bytes", bytes, limits.work_bytes as f64));
    }
    Ok(cost)
}

/// The work that waits or runs, in estimated nanoseconds.
#[derive(Debug)]
pub(super) struct Load {
    queued: AtomicU64,
    workers: usize,
    most_seconds: f64,
}

impl Load {
    /// Of a pool of `workers`, of which none may have more than `most_seconds` of work before it.
    pub(super) fn new(workers: usize, most_seconds: f64) -> Load {
        Load { queued: AtomicU64::new(0), workers, most_seconds }
    }

    /// Takes on work of so many flops, if there is less waiting than what may wait.
    pub(super) fn admit(self: &Arc<Load>, flops: f64) -> Result<Permit, Failure> {
        let waiting = self.queued.load(Ordering::Relaxed) as f64 / 1e9 / self.workers.max(1) as f64;
        if waiting > self.most_seconds {
            let detail = format!("{waiting:.1} s of work are waiting for each worker, {} s may", self.most_seconds);
            let retry_after = Some((waiting.ceil() as u64).max(1));
            return Err(Failure { retry_after, ..Failure::new(Slug::Overloaded, detail) });
        }
        Ok(self.permit(flops))
    }

    /// Counts work that follows from work that was taken on.
    pub(super) fn permit(self: &Arc<Load>, flops: f64) -> Permit {
        let nanoseconds = (flops / RATE * 1e9).clamp(0.0, 1e15) as u64;
        self.queued.fetch_add(nanoseconds, Ordering::Relaxed);
        Permit { load: self.clone(), nanoseconds }
    }
}

/// Work that was taken on; dropped when it is done or given up.
#[derive(Debug)]
pub(super) struct Permit {
    load: Arc<Load>,
    nanoseconds: u64,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.load.queued.fetch_sub(self.nanoseconds, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_wait_is_bounded_and_given_back() {
        let load = Arc::new(Load::new(2, 1.0));
        let large = load.admit(1e11).expect("an idle pool takes what the limits allow");
        let refused = load.admit(1.0).unwrap_err();
        assert_eq!((refused.slug, refused.retry_after), (Slug::Overloaded, Some(50)));
        drop(large);
        assert!(load.admit(1.0).is_ok());
        assert_eq!(load.queued.load(Ordering::Relaxed), 0);
    }
}

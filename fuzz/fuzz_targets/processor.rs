//! How long an execution takes of the processor: what else a machine does is no fault of the target.

use std::time::Duration;

/// Nothing that a target does may take longer.
const MOST: Duration = Duration::from_secs(1);

/// Runs a target, and panics where it took too long.
pub(crate) fn within_a_second(target: fn(&[u8]), data: &[u8]) {
    let begun = spent();
    target(data);
    let took = spent() - begun;
    assert!(took < MOST, "an execution took {took:?} of the processor");
}

/// What this thread has had of the processor.
fn spent() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock is one that every Linux has, and the result a place of its type.
    let code = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(code, 0, "the clock of this thread");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

//! When to try again: exponential backoff with full jitter, never before the server says.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How often to try again, and after what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// The most attempts after the first.
    pub most: u32,
    /// The bound of the first wait; each one after has twice the bound.
    pub base: Duration,
    /// The bound of any wait. A server that asks for more than this is not waited for.
    pub longest: Duration,
}

impl Default for Retries {
    fn default() -> Retries {
        Retries { most: 3, base: Duration::from_millis(100), longest: Duration::from_secs(10) }
    }
}

impl Retries {
    /// No second attempt.
    pub fn none() -> Retries {
        Retries { most: 0, ..Retries::default() }
    }

    /// How long to wait before the attempt after `attempt`; `None` to give up. `told` is what the server said.
    pub(super) fn wait(&self, attempt: u32, told: Option<Duration>) -> Option<Duration> {
        let least = told.unwrap_or_default();
        if attempt >= self.most || least > self.longest {
            return None;
        }
        let bound = self.base.saturating_mul(2_u32.saturating_pow(attempt)).min(self.longest);
        Some(least + bound.mul_f64(unit()))
    }
}

/// A random number from 0 to 1; the hasher of a fresh `RandomState` has a fresh key.
fn unit() -> f64 {
    (RandomState::new().hash_one(()) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let retries = Retries { most: 3, base: Duration::from_millis(100), longest: Duration::from_millis(300) };
        for (attempt, bound) in [(0, 100), (1, 200), (2, 300)] {
            for _ in 0..50 {
                assert!(retries.wait(attempt, None).unwrap() <= Duration::from_millis(bound));
            }
        }
        assert_eq!(retries.wait(3, None), None);
        let told = Duration::from_millis(250);
        assert!(retries.wait(0, Some(told)).unwrap() >= told);
        assert_eq!(retries.wait(0, Some(Duration::from_secs(1))), None);
        assert!((0..100).map(|_| unit()).all(|number| (0.0..1.0).contains(&number)));
    }
}

//! What one key may ask for at once and in time: a token bucket and a count.
//!
//! The answer's headers say how much is left (the IETF's draft of `RateLimit` and `RateLimit-Policy`): the policy `rate` is the bucket,
//! whose window is the time in which it fills up; `concurrent` counts requests in flight.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::wire::problem::{Failure, Slug};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What a key may still ask for.
#[derive(Debug)]
pub(super) struct Limits {
    /// Requests a second; 0 for any number.
    rate: f64,
    burst: f64,
    /// Requests in flight; 0 for any number.
    concurrent: u64,
    bucket: Mutex<Bucket>,
    in_flight: Arc<AtomicU64>,
    policy: Option<HeaderValue>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// What the answer says of the limits, whether the request was let in or not.
#[derive(Debug, Default)]
pub(in crate::api) struct Said {
    policy: Option<HeaderValue>,
    left: Option<HeaderValue>,
}

/// A request in flight; the place is free again when this goes.
#[derive(Debug)]
pub(in crate::api) struct Held(Arc<AtomicU64>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Said {
    /// Puts them into an answer's headers.
    pub(in crate::api) fn write(self, headers: &mut HeaderMap) {
        for (name, value) in [(POLICY, self.policy), (LIMIT, self.left)] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
    }
}

impl Limits {
    pub(super) fn new(rate: f64, burst: u64, concurrent: u64, now: Instant) -> Limits {
        let burst = burst.max(1) as f64;
        let mut policy = String::new();
        if rate > 0.0 {
            let _ = write!(policy, "\"rate\";q={burst};w={}", (burst / rate).ceil().max(1.0));
        }
        if concurrent > 0 {
            let comma = if policy.is_empty() { "" } else { ", " };
            let _ = write!(policy, "{comma}\"concurrent\";q={concurrent};qu=\"concurrent-requests\"");
        }
        let policy = if policy.is_empty() { None } else { HeaderValue::try_from(policy).ok() };
        let bucket = Mutex::new(Bucket { tokens: burst, at: now });
        Limits { rate, burst, concurrent, bucket, in_flight: Arc::default(), policy }
    }

    /// Whether these are the limits that a line asks for.
    pub(super) fn are(&self, rate: f64, burst: u64, concurrent: u64) -> bool {
        (self.rate, self.burst, self.concurrent) == (rate, burst.max(1) as f64, concurrent)
    }

    /// Lets a request in, or says when to come again. What is refused costs no token.
    pub(super) fn enter(&self, now: Instant) -> (Result<Held, Failure>, Said) {
        let held = Held(Arc::clone(&self.in_flight));
        let running = self.in_flight.fetch_add(1, Ordering::Relaxed);
        if self.concurrent > 0 && running >= self.concurrent {
            let detail = format!("this key has {running} requests in flight, {} are allowed", self.concurrent);
            let tokens = self.left(now);
            return (Err(refused(detail, 1)), self.said(tokens, 0));
        }
        let free = self.concurrent.saturating_sub(running + 1);
        match self.take(now) {
            Ok(tokens) => (Ok(held), self.said(tokens, free)),
            Err(seconds) => {
                let detail = format!("this key may ask {} times a second", self.rate);
                (Err(refused(detail, seconds)), self.said(0.0, free + 1))
            }
        }
    }

    /// Takes a token: how many are left, or the seconds until there is one.
    fn take(&self, now: Instant) -> Result<f64, u64> {
        if self.rate <= 0.0 {
            return Ok(0.0);
        }
        let mut bucket = self.filled(now);
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(bucket.tokens);
        }
        Err(((1.0 - bucket.tokens) / self.rate).ceil().max(1.0) as u64)
    }

    fn left(&self, now: Instant) -> f64 {
        if self.rate > 0.0 { self.filled(now).tokens } else { 0.0 }
    }

    fn filled(&self, now: Instant) -> std::sync::MutexGuard<'_, Bucket> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + passed * self.rate).min(self.burst);
        bucket.at = bucket.at.max(now);
        bucket
    }

    fn said(&self, tokens: f64, free: u64) -> Said {
        let mut left = String::new();
        if self.rate > 0.0 {
            let full = ((self.burst - tokens) / self.rate).ceil().max(0.0);
            let _ = write!(left, "\"rate\";r={};t={full}", tokens.floor());
        }
        if self.concurrent > 0 {
            let comma = if left.is_empty() { "" } else { ", " };
            let _ = write!(left, "{comma}\"concurrent\";r={free}");
        }
        let left = if left.is_empty() { None } else { HeaderValue::try_from(left).ok() };
        Said { policy: self.policy.clone(), left }
    }
}

fn refused(detail: String, seconds: u64) -> Failure {
    Failure { retry_after: Some(seconds), ..Failure::new(Slug::RateLimited, detail) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(said: Said) -> (String, String) {
        let of = |value: Option<HeaderValue>| value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
        (of(said.policy), of(said.left))
    }

    #[test]
    fn a_bucket_fills_up() {
        let start = Instant::now();
        let limits = Limits::new(2.0, 4, 0, start);
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        for (now, left) in [
            (0.0, Some("r=3;t=1")),
            (0.0, Some("r=2;t=1")),
            (0.0, Some("r=1;t=2")),
            (0.0, Some("r=0;t=2")),
            (0.0, None),
            (0.4, None),
            (0.5, Some("r=0;t=2")),
            (0.6, None),
            (100.0, Some("r=3;t=1")),
            // A clock that goes back is a clock that stands.
            (50.0, Some("r=2;t=1")),
        ] {
            let (entered, said) = limits.enter(at(now));
            assert_eq!(entered.is_ok(), left.is_some(), "{now}");
            assert_eq!(text(said), ("\"rate\";q=4;w=2".to_owned(), format!("\"rate\";{}", left.unwrap_or("r=0;t=2"))), "{now}");
            if let Err(failure) = entered {
                assert_eq!((failure.slug, failure.retry_after), (Slug::RateLimited, Some(1)));
            }
        }
    }

    #[test]
    fn places_are_given_back() {
        let now = Instant::now();
        let limits = Limits::new(0.0, 1, 2, now);
        let (first, said) = limits.enter(now);
        assert_eq!(text(said).1, "\"concurrent\";r=1");
        let (second, _) = limits.enter(now);
        let (third, said) = limits.enter(now);
        assert!(first.is_ok() && second.is_ok() && third.is_err());
        assert_eq!(text(said), ("\"concurrent\";q=2;qu=\"concurrent-requests\"".to_owned(), "\"concurrent\";r=0".to_owned()));
        drop(first);
        assert!(limits.enter(now).0.is_ok());
        drop(second);
        assert_eq!(limits.in_flight.load(Ordering::Relaxed), 0);
        let (free, said) = Limits::new(0.0, 1, 0, now).enter(now);
        assert!(free.is_ok());
        assert_eq!(text(said), (String::new(), String::new()));
    }
}

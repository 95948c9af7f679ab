//! A service with small limits, and what holds of everything that it answers.
//!
//! Small, so that what runs long within them is a defect of the limits and not of the machine.

use std::sync::LazyLock;

use nablad::service::{Endpoint, Limits, Service, Settings};
use nablad::wire::problem::{Failure, MOST_FAULTS, Problem, Slug};
use serde_json::Value;

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let limits = Limits {
        nodes: 2_000,
        inputs: 64,
        outputs: 64,
        functions: 16,
        json_nesting: 32,
        formula_nesting: 32,
        formula_bytes: 4 << 10,
        rank: 6,
        elements: 4_096,
        live_elements: 16_384,
        derivative_cells: 4_096,
        derivative_order: 4,
        points: 256,
        loop_steps: 500,
        flops: 1e6,
        work_bytes: 4 << 20,
        answer_bytes: 1 << 20,
        ..Limits::default()
    };
    // what is kept from one request would hide what the next one does
    Service::start(Settings { workers: 1, cache_bytes: 0, limits, ..Settings::default() })
});

/// The endpoint that a byte stands for: `a` for the first, and so on.
pub(crate) fn endpoint(byte: u8) -> Endpoint {
    Endpoint::ALL[usize::from(byte.wrapping_sub(b'a')) % Endpoint::ALL.len()]
}

/// The answer to a request, whole and well-formed, or what it is refused with, which must be a proper problem.
pub(crate) fn answer(endpoint: Endpoint, body: &[u8]) -> Result<String, Slug> {
    match SERVICE.answer_blocking(endpoint, body) {
        Ok(answer) => {
            let text = String::from_utf8(answer).unwrap_or_else(|error| panic!("an answer is not UTF-8: {error}"));
            if let Err(error) = serde_json::from_str::<&serde_json::value::RawValue>(&text) {
                panic!("an answer is not JSON: {error}: {text}");
            }
            Ok(text)
        }
        Err(failure) => {
            proper(&failure, body);
            Err(failure.slug)
        }
    }
}

/// Everything that holds of a problem that the request is to blame for.
fn proper(failure: &Failure, body: &[u8]) {
    let status = failure.slug.status();
    assert!((400..500).contains(&status), "the server is at fault: {failure:?}");
    assert!(!failure.detail.is_empty() && failure.faults.len() <= MOST_FAULTS, "{failure:?}");
    if let Some(excess) = &failure.excess {
        assert!(excess.asked > excess.allowed && !excess.limit.is_empty(), "nothing is exceeded: {failure:?}");
    }
    let body = serde_json::from_slice::<Value>(body).ok();
    for fault in &failure.faults {
        assert!(!fault.detail.is_empty(), "{failure:?}");
        // what is missing has no place of its own; where it would be has
        let place = fault.pointer.rsplit_once('/').map_or("", |(before, _)| before);
        let well_formed = fault.pointer.is_empty() || fault.pointer.starts_with('/');
        let there = body.as_ref().is_none_or(|body| body.pointer(&fault.pointer).or_else(|| body.pointer(place)).is_some());
        assert!(well_formed && there, "a pointer to nothing: {fault:?}");
    }
    let problem = Problem::of(failure.clone(), "fuzz");
    assert_eq!(problem.slug(), Some(failure.slug));
    if let Err(error) = serde_json::to_string(&problem) {
        panic!("a problem cannot be written: {error}");
    }
}

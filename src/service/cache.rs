//! Compiled programs, bounded by their bytes; however many ask for one at once, it is compiled once.
//!
//! Two levels. `plans` is keyed by a request's own bytes and shapes: a hit needs no parsing of the function and no check of the
//! point. `programs` is keyed by the canonical graph: it joins different spellings of one function. Failures are never kept.

use std::hash::Hash;
use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use super::digest::Digest;
use super::flight::Flights;
use super::library::Known;
use super::plan::Plan;
use crate::engine::program::Program;
use crate::store::Id;

/// The two levels.
pub(super) struct Programs {
    pub(super) plans: Cache<Digest, Arc<Plan>, Bytes>,
    pub(super) programs: Cache<Digest, Arc<Program>, Bytes>,
    /// Plans that are being made.
    pub(super) making: Flights<Digest, Arc<Plan>>,
}

impl Programs {
    /// Caches that hold `bytes` bytes between them.
    pub(super) fn new(bytes: usize) -> Programs {
        Programs { plans: level(bytes / 2), programs: level(bytes / 2), making: Flights::none() }
    }
}

/// Weighs by bytes.
#[derive(Debug, Clone)]
pub(super) struct Bytes;

impl Weighter<Digest, Arc<Plan>> for Bytes {
    fn weight(&self, _: &Digest, plan: &Arc<Plan>) -> u64 {
        plan.bytes as u64
    }
}

impl Weighter<Digest, Arc<Program>> for Bytes {
    fn weight(&self, _: &Digest, program: &Arc<Program>) -> u64 {
        program.bytes() as u64
    }
}

impl Weighter<Id, Arc<Known>> for Bytes {
    fn weight(&self, _: &Id, known: &Arc<Known>) -> u64 {
        known.bytes() as u64
    }
}

/// One shard, as each could only hold a program as large as its share of the whole.
pub(super) fn level<K: Eq + Hash, V: Clone>(bytes: usize) -> Cache<K, V, Bytes>
where
    Bytes: Weighter<K, V>,
{
    /// What a small program takes.
    const TYPICAL: usize = 4096;
    let options = OptionsBuilder::new()
        .shards(1)
        .estimated_items_capacity((bytes / TYPICAL).clamp(16, 1 << 16))
        .weight_capacity(bytes as u64)
        .build()
        .expect("all that options require is given");
    Cache::with_options(options, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default())
}

//! Machine code for Maps that run again and again: the same operations on the same numbers as the interpreter, to the bit.
//!
//! A Map over one number becomes straight code ([`single`]); in one over tiles each run of arithmetic becomes one loop whose values stay in
//! registers ([`tiles`]). What is not arithmetic is called, as the interpreter calls it. Code is made once a Map has shown that it is hot, for
//! x86-64 with AVX2 and FMA; elsewhere, and where the system does not give executable memory, the interpreter goes on.
//!
//! Nothing that a caller sends gets here but the numbers of operations and slots that the lowering chose. Memory is written while it cannot be
//! executed, and never after.

// what the assembler's macro writes
#![allow(clippy::useless_conversion)]

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::elementwise::Isa;
use crate::engine::program::Map;

#[cfg(all(target_arch = "x86_64", feature = "native"))]
mod arithmetic;
#[cfg(all(target_arch = "x86_64", feature = "native"))]
mod code;
#[cfg(all(target_arch = "x86_64", feature = "native"))]
mod registers;
#[cfg(all(target_arch = "x86_64", feature = "native"))]
mod single;
#[cfg(all(target_arch = "x86_64", feature = "native"))]
mod tiles;

#[cfg(all(target_arch = "x86_64", feature = "native"))]
pub(super) use {
    single::Single,
    tiles::{Segment, Tiles},
};

#[cfg(not(all(target_arch = "x86_64", feature = "native")))]
mod absent;
#[cfg(not(all(target_arch = "x86_64", feature = "native")))]
pub(super) use absent::{Segment, Single, Tiles};

/// What runs Maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// The interpreter, and machine code for what is hot.
    #[default]
    Auto,
    /// The interpreter alone.
    Interpreter,
    /// Machine code from the first run on, where there can be any.
    Native,
}

/// Runs after which code is made of a Map: interpreting it so often costs more than making the code.
const HOT: u32 = 32;
/// Most pieces of code alive in the process: each takes mappings, of which a system gives some 65,000.
const MOST: usize = 8192;

/// How many pieces of code are alive.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// The machine code of one Map, once it is hot. Shared between its copies.
#[derive(Debug, Clone, Default)]
pub(crate) struct Native {
    single: Arc<Lazy<Single>>,
    tiles: Arc<Lazy<Tiles>>,
}

#[derive(Debug)]
struct Lazy<T> {
    runs: AtomicU32,
    code: OnceLock<Option<T>>,
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Lazy { runs: AtomicU32::new(0), code: OnceLock::new() }
    }
}

impl<T> Lazy<T> {
    fn get(&self, backend: Backend, isa: Isa, make: impl FnOnce() -> Option<T>) -> Option<&T> {
        if backend == Backend::Interpreter || isa < Isa::V3 {
            return None;
        }
        if let Some(code) = self.code.get() {
            return code.as_ref();
        }
        if backend == Backend::Auto && self.runs.fetch_add(1, Ordering::Relaxed) < HOT {
            return None;
        }
        self.code.get_or_init(|| if ALIVE.load(Ordering::Relaxed) < MOST { make() } else { None }).as_ref()
    }
}

impl Native {
    /// The code for a domain of one number.
    pub(super) fn single(&self, map: &Map, backend: Backend, isa: Isa) -> Option<&Single> {
        self.single.get(backend, isa, || Single::of(map, isa))
    }

    /// The code for tiles.
    pub(super) fn tiles(&self, map: &Map, backend: Backend, isa: Isa) -> Option<&Tiles> {
        self.tiles.get(backend, isa, || Tiles::of(map))
    }
}

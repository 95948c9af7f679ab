//! Where a buffer's numbers are: in scratch memory, or where the answer is gathered, so that they need not be copied there.

use std::ops::{Deref, DerefMut, Range};

use smallvec::SmallVec;

/// Numbers of scratch memory. Where they are many they begin where a line of the cache does, so that no vector of theirs lies across two.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    memory: Vec<f64>,
    begin: usize,
}

/// Numbers of a line of the cache.
const LINE: usize = 8;
/// So many are worth it.
const MANY: usize = 8 * LINE;

impl Numbers {
    /// Makes them at least so many; what they were is lost where they were fewer.
    pub(super) fn reach(&mut self, length: usize) {
        if self.len() >= length {
            return;
        }
        let more = if length < MANY { 0 } else { LINE - 1 };
        self.memory.clear();
        self.memory.resize(length + more, 0.0);
        self.begin = self.memory.as_ptr().align_offset(LINE * size_of::<f64>()).min(more);
    }

    /// Bytes it holds on to.
    pub(super) fn bytes(&self) -> usize {
        size_of::<f64>() * self.memory.capacity()
    }
}

impl Deref for Numbers {
    type Target = [f64];

    #[inline]
    fn deref(&self) -> &[f64] {
        &self.memory[self.begin..]
    }
}

impl DerefMut for Numbers {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.memory[self.begin..]
    }
}

/// A slot that is not in scratch memory: it is part of a result.
pub(super) struct There<'a> {
    pub(super) slot: u32,
    pub(super) result: &'a mut [f64],
    pub(super) range: Range<usize>,
}

/// Those of a code.
pub(super) type Bound<'a> = SmallVec<[There<'a>; 4]>;

/// A slot that is only read, where the caller has it.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) slot: u32,
    pub(super) data: &'a [f64],
}

/// The memory of a code's slots.
#[derive(Clone, Copy)]
pub(super) struct Slots<'a> {
    pub(super) own: &'a [Numbers],
    pub(super) bound: &'a [There<'a>],
    /// Where a part of the work has parts of some slots, those of the whole: they are looked at last.
    pub(super) around: &'a [There<'a>],
    /// What is read where the caller has it.
    pub(super) given: &'a [Given<'a>],
}

impl<'a> Slots<'a> {
    /// The numbers of a slot.
    #[inline]
    pub(super) fn data(self, slot: u32) -> &'a [f64] {
        if self.bound.is_empty() && self.around.is_empty() && self.given.is_empty() {
            &self.own[slot as usize]
        } else {
            self.elsewhere(slot)
        }
    }

    /// The same where some of them are not in scratch memory.
    fn elsewhere(self, slot: u32) -> &'a [f64] {
        if let Some(given) = self.given.iter().find(|given| given.slot == slot) {
            return given.data;
        }
        match self.bound.iter().chain(self.around).find(|there| there.slot == slot) {
            Some(there) => &there.result[there.range.clone()],
            None => &self.own[slot as usize],
        }
    }
}

/// The memory of one buffer, while it is written.
pub(super) enum Memory<'a> {
    /// A slot of scratch memory.
    Own(Numbers),
    /// Part of a result.
    There(&'a mut [f64], Range<usize>),
}

impl Default for Memory<'_> {
    fn default() -> Self {
        Memory::Own(Numbers::default())
    }
}

impl Deref for Memory<'_> {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        match self {
            Memory::Own(memory) => memory,
            Memory::There(result, range) => &result[range.clone()],
        }
    }
}

impl DerefMut for Memory<'_> {
    fn deref_mut(&mut self) -> &mut [f64] {
        match self {
            Memory::Own(memory) => memory,
            Memory::There(result, range) => &mut result[range.clone()],
        }
    }
}

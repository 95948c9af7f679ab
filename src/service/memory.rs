//! The bytes that requests hold: bodies, points, results, answers. Counted before they are there, and never more than a setting.
//!
//! What is counted is a bound of what is used: figures known before the work, as everything that admits. A request that finds no room is
//! turned away, never kept waiting, so that nobody who holds a part can wait for another's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::limits::exceeded;
use crate::wire::problem::{Failure, Slug};

/// The room that requests share. Clones share it.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Room>);

#[derive(Debug)]
struct Room {
    used: AtomicU64,
    most: u64,
}

/// A part of the room; given back when it goes.
#[derive(Debug)]
pub struct Portion {
    room: Memory,
    bytes: u64,
}

impl Memory {
    /// Room for so many bytes.
    pub fn new(most: u64) -> Memory {
        Memory(Arc::new(Room { used: AtomicU64::new(0), most }))
    }

    /// The bytes that are held.
    pub fn used(&self) -> u64 {
        self.0.used.load(Relaxed)
    }

    /// The bytes that may be held.
    pub fn most(&self) -> u64 {
        self.0.most
    }

    /// No part yet, that can grow.
    pub fn nothing(&self) -> Portion {
        Portion { room: self.clone(), bytes: 0 }
    }
}

impl Portion {
    /// Takes so many bytes more.
    ///
    /// # Errors
    /// `limit-exceeded` where the room could never hold them, `overloaded` where it cannot now.
    pub fn grow(&mut self, bytes: u64) -> Result<(), Failure> {
        let Room { used, most } = &*self.room.0;
        let own = self.bytes.saturating_add(bytes);
        if own > *most {
            return Err(exceeded("service.memory_bytes", own as f64, *most as f64));
        }
        let before = used.fetch_add(bytes, Relaxed);
        if before.saturating_add(bytes) > *most {
            used.fetch_sub(bytes, Relaxed);
            let detail = format!("the requests in flight hold {before} bytes of {most}, and this needs {bytes} more");
            return Err(Failure { retry_after: Some(1), ..Failure::new(Slug::Overloaded, detail) });
        }
        self.bytes = own;
        Ok(())
    }

    /// Gives back all but so many bytes.
    pub fn shrink(&mut self, bytes: u64) {
        let freed = self.bytes.saturating_sub(bytes);
        self.bytes -= freed;
        self.room.0.used.fetch_sub(freed, Relaxed);
    }
}

impl Drop for Portion {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

/// Bytes that hold their part of the room as long as anyone reads them.
pub(super) struct Accounted {
    bytes: Vec<u8>,
    _held: Portion,
}

impl Accounted {
    /// The bytes, which take what `held` has, cut to their size.
    pub(super) fn bytes(bytes: Vec<u8>, mut held: Portion) -> bytes::Bytes {
        held.shrink(bytes.capacity() as u64);
        bytes::Bytes::from_owner(Accounted { bytes, _held: held })
    }
}

impl AsRef<[u8]> for Accounted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back() {
        let memory = Memory::new(100);
        let mut first = memory.nothing();
        first.grow(60).unwrap();
        let mut second = memory.nothing();
        assert_eq!(second.grow(50).unwrap_err().slug, Slug::Overloaded);
        assert_eq!(second.grow(101).unwrap_err().slug, Slug::LimitExceeded);
        second.grow(40).unwrap();
        assert_eq!(memory.used(), 100);
        first.shrink(10);
        second.grow(50).unwrap();
        drop(first);
        assert_eq!(memory.used(), 90);
        let answer = Accounted::bytes(vec![0; 20], second);
        assert_eq!((memory.used(), answer.len()), (20, 20));
        let part = answer.slice(3..5);
        drop(answer);
        assert_eq!(memory.used(), 20, "a part keeps the whole");
        drop(part);
        assert_eq!(memory.used(), 0);
    }
}

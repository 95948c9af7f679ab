//! The bytes that requests hold: bodies, points, results, answers. Counted before they are there, and never more than a setting.
//!
//! What is counted is a bound of what is used: figures known before the work, as everything that admits. A request that finds no room is
//! turned away, never kept waiting, so that nobody who holds a part can wait for another's. Bytes own their part: it is given back when
//! they are gone, not when whoever asked for them is.
//!
//! Where callers are told apart, nobody's many shut the others out: an owner may hold some times what is left for all, so that something
//! always is left (A. K. Choudhury, E. L. Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;

use super::caller::Caller;
use super::limits::exceeded;
use crate::wire::problem::{Failure, Slug};

/// How many times what is left free an owner may hold: alone three quarters of the room, beside another who holds as much 3/7.
const SHARE: u64 = 3;

/// The room that requests share. Clones share it.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Room>);

#[derive(Debug)]
struct Room {
    used: AtomicU64,
    most: u64,
    /// What each owner holds who holds anything.
    owners: Mutex<HashMap<Arc<str>, Weak<AtomicU64>>>,
}

/// A part of the room; given back when it goes.
#[derive(Debug)]
pub struct Portion {
    room: Memory,
    /// What its owner holds in all; `None` where callers are not told apart.
    own: Option<Arc<AtomicU64>>,
    bytes: AtomicU64,
}

impl Memory {
    /// Room for so many bytes.
    pub fn new(most: u64) -> Memory {
        Memory(Arc::new(Room { used: AtomicU64::new(0), most, owners: Mutex::default() }))
    }

    /// The bytes that are held.
    pub fn used(&self) -> u64 {
        self.0.used.load(Relaxed)
    }

    /// The bytes that may be held.
    pub fn most(&self) -> u64 {
        self.0.most
    }

    /// No part yet, that can grow: that caller's.
    pub fn portion(&self, caller: &Caller) -> Portion {
        Portion { room: self.clone(), own: caller.shared_owner().map(|owner| self.held_by(owner)), bytes: AtomicU64::new(0) }
    }

    fn held_by(&self, owner: Arc<str>) -> Arc<AtomicU64> {
        let mut owners = self.0.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = owners.get(&owner).and_then(Weak::upgrade) {
            return held;
        }
        owners.retain(|_, held| held.strong_count() > 0);
        let held = Arc::default();
        owners.insert(owner, Arc::downgrade(&held));
        held
    }
}

impl Portion {
    /// No part yet, beside this one.
    pub fn another(&self) -> Portion {
        Portion { room: self.room.clone(), own: self.own.clone(), bytes: AtomicU64::new(0) }
    }

    /// Takes so many bytes more.
    ///
    /// # Errors
    /// `limit-exceeded` where the room could never hold them, `overloaded` where it cannot now.
    pub fn grow(&self, bytes: u64) -> Result<(), Failure> {
        let Room { used, most, .. } = &*self.room.0;
        let alone = if self.own.is_some() { most - most.div_ceil(SHARE + 1) } else { *most };
        let asked = self.bytes.load(Relaxed).saturating_add(bytes);
        if asked > alone {
            return Err(exceeded("service.memory_bytes", asked as f64, alone as f64));
        }
        let own = self.own.as_ref().map(|own| own.fetch_add(bytes, Relaxed).saturating_add(bytes));
        let before = used.fetch_add(bytes, Relaxed);
        let left = most.checked_sub(before.saturating_add(bytes));
        if left.is_some_and(|left| own.is_none_or(|own| own <= left.saturating_mul(SHARE))) {
            self.bytes.fetch_add(bytes, Relaxed);
            return Ok(());
        }
        self.give_back(bytes);
        let who = if left.is_some() { "this key's requests hold their share" } else { "the requests in flight hold" };
        let detail = format!("{who}, {before} bytes of {most} are held, and this needs {bytes} more");
        Err(Failure { retry_after: Some(1), ..Failure::new(Slug::Overloaded, detail) })
    }

    /// Gives back all but so many bytes.
    pub fn shrink(&self, bytes: u64) {
        let before = self.bytes.fetch_min(bytes, Relaxed);
        self.give_back(before.saturating_sub(bytes));
    }

    /// The bytes, which hold this part as long as anyone reads them.
    pub fn with(self, bytes: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        Bytes::from_owner(Accounted { bytes, _held: self })
    }

    /// The same where the part is cut to what the bytes take.
    pub fn with_all_of(self, bytes: Vec<u8>) -> Bytes {
        self.shrink(bytes.capacity() as u64);
        self.with(bytes)
    }

    fn give_back(&self, bytes: u64) {
        if let Some(own) = &self.own {
            own.fetch_sub(bytes, Relaxed);
        }
        self.room.0.used.fetch_sub(bytes, Relaxed);
    }
}

impl Drop for Portion {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

/// Bytes that hold their part of the room.
struct Accounted<B> {
    bytes: B,
    _held: Portion,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Accounted<B> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::caller::Scopes;

    #[test]
    fn room_is_given_back() {
        let memory = Memory::new(100);
        let first = memory.portion(&Caller::ANYONE);
        first.grow(60).unwrap();
        let second = first.another();
        assert_eq!(second.grow(50).unwrap_err().slug, Slug::Overloaded);
        assert_eq!(second.grow(101).unwrap_err().slug, Slug::LimitExceeded);
        second.grow(40).unwrap();
        assert_eq!(memory.used(), 100);
        first.shrink(10);
        second.grow(50).unwrap();
        drop(first);
        assert_eq!(memory.used(), 90);
        let answer = second.with_all_of(vec![0; 20]);
        assert_eq!((memory.used(), answer.len()), (20, 20));
        let part = answer.slice(3..5);
        drop(answer);
        assert_eq!(memory.used(), 20, "a part keeps the whole");
        drop(part);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn owners_leave_something_for_each_other() {
        let memory = Memory::new(1000);
        let caller = |name: &str| Caller::known(name.into(), Scopes::ALL);
        let full = |name: &str| {
            let portion = memory.portion(&caller(name));
            while portion.grow(1).is_ok() {}
            portion
        };
        let whole = memory.portion(&caller("a")).grow(751).unwrap_err();
        assert_eq!((whole.slug, whole.excess.map(|excess| excess.allowed)), (Slug::LimitExceeded, Some(750.0)));
        let first = full("a");
        assert_eq!(memory.used(), 750);
        assert!(memory.portion(&caller("a")).grow(1).is_err(), "another request of the same owner");
        let second = full("b");
        assert_eq!(memory.used(), 750 + 187);
        let third = full("c");
        assert!(memory.used() < 1000, "something is left");
        drop(first);
        second.grow(100).unwrap();
        drop((second, third));
        assert_eq!(memory.used(), 0);
        full("d");
        assert_eq!(memory.0.owners.lock().unwrap().len(), 1, "who holds nothing is forgotten");
    }
}

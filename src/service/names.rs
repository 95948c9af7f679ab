//! Names → numbers, for the names of a function: as many as a graph has nodes, and looked up from all over it.
//!
//! A name of a few bytes stands in its entry, so that to look it up is to reach for memory once. Of a longer one only a hash does; who
//! asks says what the number's name is.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// What names stand for. Hashes are keyed at random: no caller can make names collide.
#[derive(Debug, Default)]
pub(super) struct Names {
    hasher: DefaultHashBuilder,
    entries: HashTable<Entry>,
}

/// Names up to this long stand in their entries.
const SHORT: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    key: [u8; SHORT],
    number: u32,
}

/// Bytes that no UTF-8 has: behind a short name, and before the hash of a long one.
const END: u8 = 0xff;
const LONG: u8 = 0xfe;

impl Names {
    /// With room for so many names.
    pub(super) fn with_capacity(names: usize) -> Names {
        let hasher = DefaultHashBuilder::default();
        Names { hasher, entries: HashTable::with_capacity(names) }
    }

    /// Whether a name stands in its entry: of such a one nobody is asked what its number is called.
    pub(super) fn is_short(name: &str) -> bool {
        name.len() <= SHORT
    }

    /// The number of a name; `name_of` says what a number is called.
    pub(super) fn get<'n>(&self, name: &str, name_of: impl Fn(u32) -> &'n str) -> Option<u32> {
        let key = self.key(name);
        self.find(&key, hash_key(&self.hasher, &key), name, name_of)
    }

    fn find<'n>(&self, key: &[u8; SHORT], hash: u64, name: &str, name_of: impl Fn(u32) -> &'n str) -> Option<u32> {
        let same = |entry: &Entry| entry.key == *key && (key[0] != LONG || name_of(entry.number) == name);
        self.entries.find(hash, same).map(|entry| entry.number)
    }

    /// Gives a name its number, unless it has one: whether it had none.
    pub(super) fn insert<'n>(&mut self, name: &str, number: u32, name_of: impl Fn(u32) -> &'n str) -> bool {
        let key = self.key(name);
        let hash = hash_key(&self.hasher, &key);
        let new = self.find(&key, hash, name, name_of).is_none();
        if new {
            let entry = Entry { key, number };
            let Names { hasher, entries } = self;
            entries.insert_unique(hash, entry, |entry| hash_key(hasher, &entry.key));
        }
        new
    }

    fn key(&self, name: &str) -> [u8; SHORT] {
        let mut key = [END; SHORT];
        match key.get_mut(..name.len()) {
            Some(own) => own.copy_from_slice(name.as_bytes()),
            None => {
                key[0] = LONG;
                key[SHORT - 8..].copy_from_slice(&self.hasher.hash_one(name).to_le_bytes());
            }
        }
        key
    }
}

fn hash_key(hasher: &DefaultHashBuilder, key: &[u8; SHORT]) -> u64 {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *key;
    hasher.hash_one((u64::from_le_bytes([a, b, c, d, e, f, g, h]), u32::from_le_bytes(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_number_they_were_given_first() {
        let all: Vec<String> =
            (0..2000).flat_map(|i| [format!("n{i}"), format!("a.rather.long.name.of.{i}"), format!("θ{i:011}")]).collect();
        let name_of = |number: u32| all[number as usize].as_str();
        let mut names = Names::default();
        for (number, name) in (0..).zip(&all) {
            assert_eq!(names.get(name, name_of), None, "{name}");
            assert!(names.insert(name, number, name_of));
            assert!(!names.insert(name, number + 1, name_of));
        }
        for (number, name) in (0..).zip(&all) {
            assert_eq!(names.get(name, name_of), Some(number), "{name}");
        }
        for other in ["", "n", "n2000", "a.rather.long.name.of.2000"] {
            assert_eq!(names.get(other, name_of), None, "{other}");
        }
    }
}

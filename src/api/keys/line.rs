//! How a key is written down: `NAME HASH SCOPES [rate=N] [burst=N] [concurrent=N]`, one a line, `#` before a comment.

use std::fmt::Write;

use super::Settings;
use crate::service::{Scope, Scopes};

/// What every key begins with, so that a key that leaked is found by those who look for such.
const PREFIX: &str = "nablad_";
/// What every hash begins with.
const ALGORITHM: &str = "blake3:";
/// The longest name of a key.
const LONGEST_NAME: usize = 64;

/// A key as its line has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Who has the key; two keys may have one name, while one replaces the other.
    pub name: String,
    /// The hash of the key.
    pub hash: blake3::Hash,
    /// What it is good for.
    pub scopes: Scopes,
    /// Requests a second in the long run; 0 for any number.
    pub rate: f64,
    /// Requests at once after a rest.
    pub burst: u64,
    /// Requests in flight; 0 for any number.
    pub concurrent: u64,
}

/// Why a line is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Too few words.
    #[error("a key is NAME HASH SCOPES, e.g. alice blake3:… evaluate,register; `nablad key NAME` makes one")]
    Short,
    /// A bad name.
    #[error("the name {0:?} is not 1 to 64 letters, digits, dots, dashes and underscores")]
    Name(String),
    /// A bad hash. It is not repeated: it may be a key.
    #[error("the hash of {0:?} is not blake3: with 64 hexadecimal digits")]
    Hash(String),
    /// An unknown scope.
    #[error("there is no scope {0:?}; there are evaluate, register and admin")]
    Scope(String),
    /// An unknown word behind the scopes, or a number that is none.
    #[error("{0:?} is not rate=N, burst=N or concurrent=N")]
    Limit(String),
}

impl Entry {
    /// Reads a line; `None` where it says nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(line: &str, defaults: &Settings) -> Result<Option<Entry>, Fault> {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(name) = words.next() else {
            return Ok(None);
        };
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.len() > LONGEST_NAME || !name.bytes().all(good) {
            return Err(Fault::Name(name.chars().take(LONGEST_NAME).collect()));
        }
        let (Some(hash), Some(scopes)) = (words.next(), words.next()) else {
            return Err(Fault::Short);
        };
        let digits = hash.strip_prefix(ALGORITHM).unwrap_or_default();
        let hash = blake3::Hash::from_hex(digits).map_err(|_| Fault::Hash(name.to_owned()))?;
        let scope = |word: &str| Scope::from_name(word).ok_or_else(|| Fault::Scope(word.to_owned()));
        let scopes = scopes.split(',').map(scope).collect::<Result<Scopes, Fault>>()?;
        let Settings { rate, burst, concurrent, .. } = *defaults;
        let mut entry = Entry { name: name.to_owned(), hash, scopes, rate, burst, concurrent };
        for word in words {
            let limit = || Fault::Limit(word.to_owned());
            let (what, number) = word.split_once('=').ok_or_else(limit)?;
            match what {
                "rate" => entry.rate = number.parse().ok().filter(|rate: &f64| *rate >= 0.0 && rate.is_finite()).ok_or_else(limit)?,
                "burst" => entry.burst = number.parse().ok().filter(|&burst: &u64| burst > 0).ok_or_else(limit)?,
                "concurrent" => entry.concurrent = number.parse().map_err(|_| limit())?,
                _ => return Err(limit()),
            }
        }
        Ok(Some(entry))
    }
}

/// Makes a key: the key itself, which nobody can find out again, and the line to put into a file of keys.
///
/// # Errors
/// A bad name, an unknown scope, and where the system has no randomness to give.
pub fn generate(name: &str, scopes: &str) -> Result<(String, String), String> {
    let mut bits = [0_u8; 32];
    getrandom::fill(&mut bits).map_err(|error| format!("the system gives no random numbers: {error}"))?;
    let mut key = PREFIX.to_owned();
    for byte in bits {
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
    }
    let line = format!("{name} {ALGORITHM}{} {scopes}", blake3::hash(key.as_bytes()).to_hex());
    match Entry::read(&line, &Settings::default()) {
        Ok(Some(_)) => Ok((key, line)),
        Ok(None) => Err(Fault::Short.to_string()),
        Err(fault) => Err(fault.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let (key, line) = generate("alice", "evaluate,register").unwrap();
        assert!(key.len() == 71 && key.starts_with(PREFIX) && !line.contains(&key[PREFIX.len()..]), "{line}");
        assert_ne!(generate("alice", "evaluate").unwrap().0, key);
        let entry = Entry::read(&format!("  {line} rate=2.5 concurrent=0 # hers"), &Settings::default()).unwrap().unwrap();
        assert_eq!(entry.hash, blake3::hash(key.as_bytes()));
        assert_eq!((&*entry.name, entry.rate, entry.burst, entry.concurrent), ("alice", 2.5, Settings::default().burst, 0));
        let has: Vec<bool> = Scope::ALL.iter().map(|&scope| entry.scopes.has(scope)).collect();
        assert_eq!(has, [true, true, false]);
        let hash = line.split(' ').nth(1).unwrap();
        for (line, fault) in [
            ("alice".to_owned(), "NAME HASH SCOPES"),
            (format!("alice {hash}"), "NAME HASH SCOPES"),
            (format!("al!ce {hash} evaluate"), "al!ce"),
            ("alice blake3:12 evaluate".to_owned(), "64 hexadecimal"),
            (format!("alice {} evaluate", &hash[7..]), "64 hexadecimal"),
            (format!("alice {hash} evaluate,admn"), "admn"),
            (format!("alice {hash} evaluate rate=-1"), "rate=-1"),
            (format!("alice {hash} evaluate burst=0"), "burst=0"),
            (format!("alice {hash} evaluate fast"), "fast"),
        ] {
            let said = Entry::read(&line, &Settings::default()).unwrap_err().to_string();
            assert!(said.contains(fault), "{line}: {said}");
        }
        for nothing in ["", "   ", "# alice"] {
            assert_eq!(Entry::read(nothing, &Settings::default()), Ok(None));
        }
        assert!(generate("a b", "evaluate").is_err() && generate("a", "all").is_err() && generate("", "").is_err());
    }
}

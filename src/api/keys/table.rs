//! The keys that a server knows, found by their hashes, and read again while it runs.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HeaderValue};

use super::limits::{Held, Limits, Said};
use super::{Entry, Settings};
use crate::service::{Caller, Scope};
use crate::wire::problem::{Failure, Slug};

/// The keys of a server. Where there are such, nothing but what is free is answered without one.
#[derive(Debug)]
pub struct Keys {
    settings: Settings,
    table: RwLock<Arc<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    /// By the first bytes of their hashes, which say nothing of a key; the rest is compared in constant time.
    keys: HashMap<[u8; 8], Vec<Arc<Key>>>,
    count: usize,
}

#[derive(Debug)]
struct Key {
    hash: blake3::Hash,
    caller: Caller,
    limits: Limits,
}

/// A request that its key lets in.
#[derive(Debug)]
pub(in crate::api) struct Pass {
    pub(in crate::api) caller: Caller,
    pub(in crate::api) held: Held,
    pub(in crate::api) said: Said,
}

/// A request that is not let in.
#[derive(Debug)]
pub(in crate::api) struct Refused {
    pub(in crate::api) failure: Failure,
    /// For 401 and 403: what `WWW-Authenticate` says.
    pub(in crate::api) challenge: Option<HeaderValue>,
    pub(in crate::api) said: Said,
}

impl Refused {
    fn of(slug: Slug, detail: impl Into<String>, challenge: HeaderValue) -> Box<Refused> {
        Box::new(Refused { failure: Failure::new(slug, detail), challenge: Some(challenge), said: Said::default() })
    }
}

impl Keys {
    /// The keys of the settings, and of the file that they name; `None` where they name neither.
    ///
    /// # Errors
    /// A file that cannot be read, and a line that is no key, with its place.
    pub fn load(settings: &Settings) -> Result<Option<Keys>, String> {
        if settings.file.is_empty() && settings.list.is_empty() {
            return Ok(None);
        }
        let (table, fault) = Table::read(settings, &Table::default())?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        Ok(Some(Keys { settings: settings.clone(), table: RwLock::new(Arc::new(table)) }))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.table().count
    }

    /// Reads the file again. A line that is no key leaves the key whose hash stands in it as it was, and takes nothing from the others:
    /// what is withdrawn is withdrawn whatever else is wrong. Where the file cannot be read at all, all stays as it was.
    ///
    /// # Errors
    /// As [`Keys::load`].
    pub(in crate::api) fn reload(&self) -> Result<(), String> {
        let (table, fault) = Table::read(&self.settings, &self.table())?;
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        fault.map_or(Ok(()), Err)
    }

    /// The file to be watched.
    pub(in crate::api) fn file(&self) -> &str {
        &self.settings.file
    }

    /// Whether that right needs a key at all.
    pub(in crate::api) fn guards(&self, need: Scope) -> bool {
        need != Scope::Admin || self.settings.guard_metrics
    }

    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets a request in whose key has that right and is within its limits.
    pub(in crate::api) fn check(&self, headers: &HeaderMap, need: Scope, now: Instant) -> Result<Pass, Box<Refused>> {
        const BARE: HeaderValue = HeaderValue::from_static("Bearer realm=\"nablad\"");
        const WRONG: HeaderValue = HeaderValue::from_static("Bearer realm=\"nablad\", error=\"invalid_token\"");
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let (first, more) = (given.next(), given.next().is_some());
        let Some(first) = first else {
            return Err(Refused::of(Slug::Unauthorized, "this takes a key: send the header Authorization: Bearer KEY", BARE));
        };
        let token = (!more).then(|| bearer(first.as_bytes())).flatten();
        let Some(key) = token.and_then(|token| self.table().find(token)) else {
            let detail = if token.is_some() { "this key is not known here" } else { "Authorization must be: Bearer KEY" };
            return Err(Refused::of(Slug::Unauthorized, detail, WRONG));
        };
        // What a key asks for in vain costs it as much as what it is given.
        let (held, said) = match key.limits.enter(now) {
            (Ok(held), said) => (held, said),
            (Err(failure), said) => return Err(Box::new(Refused { failure, challenge: None, said })),
        };
        if !key.caller.may(need) {
            let challenge = format!("Bearer realm=\"nablad\", error=\"insufficient_scope\", scope=\"{}\"", need.name());
            let challenge = HeaderValue::try_from(challenge).unwrap_or(WRONG);
            let failure = Failure::new(Slug::Forbidden, format!("this takes a key with the scope {}", need.name()));
            return Err(Box::new(Refused { failure, challenge: Some(challenge), said }));
        }
        Ok(Pass { caller: key.caller.clone(), held, said })
    }
}

/// The token of an `Authorization: Bearer` header.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

impl Table {
    /// The keys of all lines, and what is wrong with the first that is none. Keys keep what they used up when they stand in the table
    /// before, with the same limits.
    fn read(settings: &Settings, before: &Table) -> Result<(Table, Option<String>), String> {
        let (mut table, mut fault, mut bad) = (Table::default(), None, Vec::new());
        let mut line = |line: &str, place: &dyn Fn() -> String| {
            if let Err(wrong) = table.line(line, settings, before) {
                fault.get_or_insert_with(|| format!("{}: {wrong}", place()));
                bad.extend(hashes(line));
            }
        };
        for (number, text) in settings.list.split([';', '\n']).enumerate() {
            line(text, &|| format!("keys.list, entry {}", number + 1));
        }
        if !settings.file.is_empty() {
            let bytes = fs::read(&settings.file).map_err(|error| format!("cannot read keys.file = {:?}: {error}", settings.file))?;
            // what is not UTF-8 is part of a bad line, or of a comment
            for (number, text) in String::from_utf8_lossy(&bytes).lines().enumerate() {
                line(text, &|| format!("{}, line {}", settings.file, number + 1));
            }
        }
        for hash in bad {
            if let Some(key) = before.known(&hash).filter(|_| table.known(&hash).is_none()) {
                table.put(Arc::clone(key));
            }
        }
        Ok((table, fault))
    }

    fn line(&mut self, line: &str, settings: &Settings, before: &Table) -> Result<(), String> {
        let Some(Entry { name, hash, scopes, rate, burst, concurrent }) = Entry::read(line, settings).map_err(|fault| fault.to_string())?
        else {
            return Ok(());
        };
        if self.known(&hash).is_some() {
            return Err(format!("the key of {name:?} is there already"));
        }
        let caller = Caller::known(name.into(), scopes);
        let same = |key: &&Arc<Key>| key.caller == caller && key.limits.are(rate, burst, concurrent);
        let key = match before.known(&hash).filter(same) {
            Some(key) => Arc::clone(key),
            None => Arc::new(Key { hash, caller, limits: Limits::new(rate, burst, concurrent, Instant::now()) }),
        };
        self.put(key);
        Ok(())
    }

    fn put(&mut self, key: Arc<Key>) {
        self.keys.entry(prefix(&key.hash)).or_default().push(key);
        self.count += 1;
    }

    fn find(&self, token: &[u8]) -> Option<Arc<Key>> {
        self.known(&blake3::hash(token)).map(Arc::clone)
    }

    fn known(&self, hash: &blake3::Hash) -> Option<&Arc<Key>> {
        // Comparing hashes takes the same time wherever they differ.
        self.keys.get(&prefix(hash))?.iter().find(|key| key.hash == *hash)
    }
}

/// The hashes that stand in a line, whatever else does.
fn hashes(line: &str) -> impl Iterator<Item = blake3::Hash> {
    let words = line.split('#').next().unwrap_or_default().split_whitespace();
    words.filter_map(|word| blake3::Hash::from_hex(word.rsplit(':').next().unwrap_or_default()).ok())
}

fn prefix(hash: &blake3::Hash) -> [u8; 8] {
    hash.as_bytes()[..8].try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::generate;
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn keys_open_what_they_are_good_for() {
        let (key, line) = generate("alice", "evaluate").unwrap();
        let settings = Settings { list: format!("{line} rate=1 burst=2; # nothing"), ..Settings::default() };
        let keys = Keys::load(&settings).unwrap().unwrap();
        let now = Instant::now();
        let slug = |value: &str, need| match keys.check(&headers(value), need, now) {
            Ok(pass) => pass.caller.owner().map(str::to_owned),
            Err(refused) => {
                assert_eq!(refused.challenge.is_some(), refused.failure.slug != Slug::RateLimited);
                Some(refused.failure.slug.name().to_owned())
            }
        };
        for (value, need, expected) in [
            ("Bearer x".to_owned(), Scope::Evaluate, "unauthorized"),
            (key.clone(), Scope::Evaluate, "unauthorized"),
            (format!("Basic {key}"), Scope::Evaluate, "unauthorized"),
            ("Bearer ".to_owned(), Scope::Evaluate, "unauthorized"),
            (format!("Bearer {key}0"), Scope::Evaluate, "unauthorized"),
            (format!("Bearer {key}"), Scope::Register, "forbidden"),
            (format!("bearer  {key}"), Scope::Evaluate, "alice"),
            (format!("Bearer {key}"), Scope::Evaluate, "rate-limited"),
            (format!("Bearer {key}"), Scope::Register, "rate-limited"),
        ] {
            assert_eq!(slug(&value, need).as_deref(), Some(expected), "{value}");
        }
        let twice = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {key}")).unwrap())]);
        let mut doubled = twice.clone();
        doubled.append(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        assert_eq!(keys.check(&doubled, Scope::Evaluate, now).unwrap_err().failure.slug, Slug::Unauthorized);
        assert_eq!(keys.check(&HeaderMap::new(), Scope::Evaluate, now).unwrap_err().failure.slug, Slug::Unauthorized);
        // What a key used up it has used up after a reload, too.
        keys.reload().unwrap();
        assert_eq!(keys.check(&twice, Scope::Evaluate, now).unwrap_err().failure.slug, Slug::RateLimited);
    }

    /// A slip of the pen in one line does not keep a key alive that was taken out in the same edit.
    #[test]
    fn a_key_whose_line_is_gone_is_gone() {
        let path = std::env::temp_dir().join(format!("nablad-table-{}", std::process::id()));
        let keys: Vec<(String, String)> = ["leaked", "kept", "slipped", "new"].map(|name| generate(name, "evaluate").unwrap()).into();
        let line = |i: usize| keys[i].1.as_str();
        fs::write(&path, format!("{}\n{}\n{}\n", line(0), line(1), line(2))).unwrap();
        let table = Keys::load(&Settings { file: path.to_str().unwrap().to_owned(), ..Settings::default() }).unwrap().unwrap();
        let known = || -> Vec<bool> {
            let now = Instant::now();
            keys.iter().map(|(key, _)| table.check(&headers(&format!("Bearer {key}")), Scope::Evaluate, now).is_ok()).collect()
        };
        assert_eq!(known(), [true, true, true, false]);
        let slip = line(2).replace(" evaluate", " evalaute");
        for (text, expected, says) in [
            (format!("{}\n{slip}\n{}\n", line(1), line(3)), [false, true, true, true], Some("line 2: there is no scope \"evalaute\"")),
            (format!("{}\n# {slip}\n", line(1)), [false, true, false, false], None),
            (format!("\u{0}\u{ff}\n{}\n", line(0)), [true, false, false, false], Some("line 1")),
        ] {
            fs::write(&path, text).unwrap();
            let outcome = table.reload();
            assert_eq!(known(), expected, "{outcome:?}");
            match says {
                Some(says) => assert!(outcome.as_ref().is_err_and(|fault| fault.contains(says)), "{outcome:?}"),
                None => assert_eq!(outcome, Ok(())),
            }
        }
        // a file that is not there says nothing of anybody
        fs::remove_file(&path).unwrap();
        assert!(table.reload().is_err());
        assert_eq!(known(), [true, false, false, false]);
    }

    #[test]
    fn what_is_no_good_is_named() {
        assert!(Keys::load(&Settings::default()).unwrap().is_none());
        let (_, line) = generate("alice", "evaluate").unwrap();
        for (list, file, words) in [
            (format!("{line}; bob"), "", "keys.list, entry 2"),
            (format!("{line};{line}"), "", "already"),
            (String::new(), "/nowhere/keys", "/nowhere/keys"),
        ] {
            let error = Keys::load(&Settings { list, file: file.to_owned(), ..Settings::default() }).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}

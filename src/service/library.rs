//! Registered functions as one request sees them: what its references mean to who asks, and what those functions say.
//!
//! Nothing here waits. What is not at hand is named ([`Halt::Missing`]), fetched by whoever may wait, and the request is begun again:
//! functions that are in use are at hand. A reference means the same from the beginning of a request to its end.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use quick_cache::sync::Cache;

use super::cache::{Bytes, level};
use super::caller::Caller;
use super::decode::Envelope;
use super::flight::Flights;
use super::words::quote;
use crate::store::{Id, Reference, Store};
use crate::wire::graph::Graph;
use crate::wire::problem::{Failure, Fault, Slug};

/// Characters of a function's name.
const LONGEST_NAME: usize = 128;

/// What a function's name looks like.
pub(super) const NAME: &str =
    "a function's name is a letter or _, then letters, digits, _, and inside of it . and -; at most 128 characters, and no id";

/// Whether that is what a function's name looks like.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || unicode_ident::is_xid_start(c))
        && chars.all(|c| c == '.' || c == '-' || unicode_ident::is_xid_continue(c))
        && !name.ends_with(['.', '-'])
        && name.chars().nth(LONGEST_NAME).is_none()
        && name.parse::<Id>().is_err()
}

/// A registered function.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: Id,
    pub(super) graph: Graph,
    /// As it is kept.
    pub(super) text: Arc<[u8]>,
}

impl Known {
    /// Bytes in memory, about: a node takes some four times its text.
    pub(super) fn bytes(&self) -> usize {
        5 * self.text.len() + 512
    }
}

/// All registered functions.
pub(super) struct Shelf {
    pub(super) store: Store,
    /// Those in use.
    pub(super) functions: Cache<Id, Arc<Known>, Bytes>,
    /// Those that are being fetched.
    pub(super) fetching: Flights<Id, Arc<Known>>,
}

impl Shelf {
    pub(super) fn new(store: Store, bytes: usize) -> Shelf {
        Shelf { store, functions: level(bytes), fetching: Flights::none() }
    }
}

/// A registered function that a request refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Its id or name.
    pub(super) name: String,
    /// Where that stands in the body; `None` where the path says it.
    pub(super) pointer: Option<String>,
}

impl Wanted {
    /// That of a request or stage.
    pub(super) fn of(envelope: &Envelope<'_>) -> Option<Wanted> {
        let name = envelope.function.as_deref()?.to_owned();
        Some(Wanted { name, pointer: (!envelope.addressed).then(|| envelope.place.pointer("function")) })
    }

    /// What it refers to, if it is spelt as what can be referred to.
    pub(super) fn reference(&self) -> Option<Reference> {
        reference(&self.name)
    }

    /// That there is none.
    pub(super) fn unknown(&self) -> Failure {
        let detail = format!("there is no function {}", quote(&self.name));
        match &self.pointer {
            None => Failure::new(Slug::NotFound, detail),
            Some(pointer) => {
                let hint = Some("GET /functions lists those that are registered".to_owned());
                Failure::of_faults(Slug::NotFound, vec![Fault { pointer: pointer.clone(), detail, hint }])
            }
        }
    }
}

/// What a text refers to, if it is spelt as an id or a name.
pub(super) fn reference(text: &str) -> Option<Reference> {
    match Reference::of(text) {
        Reference::Name(name) if !is_name(&name) => None,
        reference => Some(reference),
    }
}

/// Why a request does not go on.
#[derive(Debug)]
pub(super) enum Halt {
    /// It has failed.
    Failure(Failure),
    /// These functions are not at hand.
    Missing(Vec<Wanted>),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Halt {
        Halt::Failure(failure)
    }
}

impl Halt {
    /// What is answered where nobody can fetch anything.
    pub(super) fn verdict(self) -> Failure {
        match self {
            Halt::Failure(failure) => failure,
            Halt::Missing(wanted) => {
                wanted.first().map_or_else(|| Failure::new(Slug::NotFound, "there is no such function"), Wanted::unknown)
            }
        }
    }
}

/// References and what they mean, in the order in which they stand in a request.
pub(super) type Pins = Vec<(String, Id)>;

/// The registered functions at hand for a request.
#[derive(Clone)]
pub(super) struct Library {
    shelf: Arc<Shelf>,
    caller: Caller,
    /// What was fetched for it, by what it is called there.
    fetched: HashMap<String, Arc<Known>>,
    /// Whether references mean that and nothing else.
    pinned: bool,
}

impl Library {
    pub(super) fn new(shelf: Arc<Shelf>, caller: Caller) -> Library {
        Library { shelf, caller, fetched: HashMap::new(), pinned: false }
    }

    pub(super) fn owner(&self) -> Option<&str> {
        self.caller.owner()
    }

    /// Has a function at hand from now on.
    pub(super) fn add(&mut self, name: String, known: Arc<Known>) {
        self.fetched.insert(name, known);
    }

    /// What a reference means.
    fn id(&self, wanted: &Wanted) -> Option<Id> {
        match self.fetched.get(&wanted.name) {
            Some(known) => Some(known.id),
            None => self.shelf.store.peek(self.owner(), &wanted.reference()?),
        }
    }

    /// What references mean.
    pub(super) fn pins(&self, wanted: Vec<Wanted>) -> Result<Pins, Halt> {
        let (known, missing): (Vec<_>, Vec<_>) =
            wanted.into_iter().map(|wanted| (self.id(&wanted), wanted)).partition(|(id, _)| id.is_some());
        if missing.is_empty() {
            return Ok(known.into_iter().filter_map(|(id, wanted)| Some((wanted.name, id?))).collect());
        }
        Err(Halt::Missing(missing.into_iter().map(|(_, wanted)| wanted).collect()))
    }

    /// This library where references mean what they were found to mean before.
    pub(super) fn pinned(&self, pins: &Pins) -> Cow<'_, Library> {
        if pins.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut fetched = HashMap::new();
        for (name, id) in pins {
            let known = self.fetched.get(name).filter(|known| known.id == *id).cloned();
            if let Some(known) = known.or_else(|| self.shelf.functions.get(id)) {
                fetched.insert(name.clone(), known);
            }
        }
        Cow::Owned(Library { shelf: self.shelf.clone(), caller: self.caller.clone(), fetched, pinned: true })
    }

    /// The function that is referred to.
    pub(super) fn function(&self, wanted: &Wanted) -> Option<Arc<Known>> {
        match self.fetched.get(&wanted.name) {
            Some(known) => Some(known.clone()),
            None if self.pinned => None,
            None => self.shelf.functions.get(&self.id(wanted)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names_are_no_ids() {
        for name in
            ["f", "black_scholes", "pricing.v2", "rosenbrock-2d", "_", "θ", "変数", &"a".repeat(63), &"g".repeat(64), &"x".repeat(128)]
        {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1f", "a b", "a/b", ".a", "a.", "a-", "-a", "a\0", "∂", "a%20", &"a".repeat(64), &"x".repeat(129)] {
            assert!(!is_name(name), "{name}");
        }
    }
}

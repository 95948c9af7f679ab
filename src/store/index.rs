//! The facts of all functions of a home in this process, and what a change of them comes to.
//!
//! A change is planned first and made afterwards: in between it is written down, where it is to last. So memory and file answer
//! alike, and nothing is seen that is not kept. Nothing here waits, writes or fails halfway.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::record::{Asker, Condition, Entry, Id, Outcome, Page, Reference, Registration};
use super::{Error, Settings};

/// What there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    functions: u64,
    bytes: u64,
    own: Share,
    names: u64,
    description_bytes: usize,
}

impl Room {
    pub(super) fn of(settings: &Settings) -> Room {
        let &Settings { functions, bytes, functions_per_owner, bytes_per_owner, names, description_bytes, .. } = settings;
        let own = Share { functions: functions_per_owner, bytes: bytes_per_owner };
        Room { functions, bytes, own, names, description_bytes }
    }

    /// Whether there is room for another function of an owner who has that much, with so many bytes that nobody has yet.
    ///
    /// What is full because of others may have room later, and it is not for him to make it; his own share is.
    fn another(self, own: Option<Share>, totals: Totals, text: u64, new: u64) -> Result<(), Error> {
        fits("store.bytes", text, self.bytes)?;
        if let Some(own) = own {
            fits("store.functions_per_owner", own.functions.saturating_add(1), self.own.functions)?;
            fits("store.bytes_per_owner", own.bytes.saturating_add(text), self.own.bytes)?;
        }
        let all = fits("store.functions", totals.functions.saturating_add(1), self.functions);
        match all.and_then(|()| fits("store.bytes", totals.bytes.saturating_add(new), self.bytes)) {
            Err(Error::Full { limit, asked, allowed }) if own.is_some() => Err(Error::Crowded { limit, asked, allowed }),
            outcome => outcome,
        }
    }

    /// Whether a function may have so many names.
    fn names(self, names: usize) -> Result<(), Error> {
        fits("store.names", names as u64, self.names)
    }
}

fn fits(limit: &'static str, asked: u64, allowed: u64) -> Result<(), Error> {
    if asked > allowed { Err(Error::Full { limit, asked, allowed }) } else { Ok(()) }
}

/// The facts of all functions.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: BTreeMap<u64, Entry>,
    /// The entries of each function, one an owner, in order.
    of_function: HashMap<Id, Vec<u64>>,
    names: HashMap<String, u64>,
    totals: Totals,
    /// What each owner has, where callers are told apart.
    shares: HashMap<String, Share>,
}

/// What an owner's functions come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    /// How many he has.
    pub(super) functions: u64,
    /// Bytes of their texts, whoever else has them.
    pub(super) bytes: u64,
}

/// What all functions of a home come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// How many there are.
    pub(super) functions: u64,
    /// Bytes of their texts, each counted once.
    pub(super) bytes: u64,
    /// The last sequence number that was given.
    pub(super) last: u64,
}

/// What is to be written down and made so.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Change {
    /// Entries as they are from now on.
    pub(super) put: Vec<Entry>,
    /// An entry that goes.
    pub(super) gone: Option<u64>,
    /// A text that nobody had before.
    pub(super) text: Option<(Id, Arc<[u8]>)>,
    /// A text that nobody has any more.
    pub(super) dropped: Option<Id>,
}

impl Change {
    pub(super) fn is_empty(&self) -> bool {
        self.put.is_empty() && self.gone.is_none()
    }
}

impl Index {
    /// The facts of all functions of a home.
    pub(super) fn of(entries: Vec<Entry>, last: u64) -> Index {
        let mut index = Index { totals: Totals { last, ..Totals::default() }, ..Index::default() };
        entries.into_iter().for_each(|entry| index.put(entry));
        index
    }

    /// The facts that a change can touch, of a home with those totals where its owner has that share: what a name means, and all
    /// entries of a function.
    #[cfg(feature = "postgres")]
    pub(super) fn part(entries: Vec<Entry>, totals: Totals, share: Option<(String, Share)>) -> Index {
        Index { totals, shares: share.into_iter().collect(), ..Index::of(entries, 0) }
    }

    /// What all functions come to.
    #[cfg(feature = "postgres")]
    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// What a reference means to who asks: his own before those of others, and of those what is public first.
    pub(super) fn find(&self, asker: Asker<'_>, reference: &Reference) -> Option<&Entry> {
        match reference {
            Reference::Name(name) => self.named(name).filter(|entry| entry.visible(asker)),
            Reference::Id(id) => {
                let of_others = || self.entries_of(*id).filter(|entry| entry.visible(asker)).min_by_key(|entry| !entry.public);
                self.owned(asker.owner, *id).or_else(of_others)
            }
        }
    }

    /// The functions that he sees.
    pub(super) fn list(&self, asker: Asker<'_>, after: u64, limit: usize) -> Page {
        let mut seen = self.entries.range(after.saturating_add(1)..).map(|(_, entry)| entry).filter(|entry| entry.visible(asker));
        let entries = seen.by_ref().take(limit).cloned().collect();
        Page { entries, more: seen.next().is_some() }
    }

    /// What registering comes to.
    pub(super) fn register(&self, registration: &Registration, now: u64, room: Room) -> Result<(Change, Outcome), Error> {
        let held = registration.name.as_deref().and_then(|name| self.named(name));
        if held.is_some_and(|held| held.owner != registration.owner || held.id != registration.id) {
            return Err(Error::NameTaken(registration.name.clone().unwrap_or_default()));
        }
        self.with(registration, now, room)
    }

    /// What making a name mean a function comes to.
    pub(super) fn replace(
        &self,
        registration: &Registration,
        condition: &Condition,
        now: u64,
        room: Room,
    ) -> Result<(Change, Outcome), Error> {
        let name = registration.name.clone().unwrap_or_default();
        let held = self.named(&name);
        admit(held, registration, condition)?;
        let (mut change, outcome) = self.with(registration, now, room)?;
        if let Some(held) = held.filter(|held| held.id != registration.id) {
            let names = held.names.iter().filter(|other| **other != name).cloned().collect();
            change.put.insert(0, Entry { names, revision: held.revision + 1, ..held.clone() });
        }
        Ok((change, Outcome { created: held.is_none(), ..outcome }))
    }

    /// What deleting comes to.
    pub(super) fn delete(&self, asker: Asker<'_>, reference: &Reference, condition: &Condition) -> Result<Change, Error> {
        let entry = self.find(asker, reference).ok_or(Error::Missing)?;
        if entry.owner.as_deref() != asker.owner && !asker.all {
            return Err(Error::NotOwner);
        }
        if !condition.holds(Some(entry.version())) {
            return Err(Error::Changed);
        }
        if let (Reference::Name(name), 2..) = (reference, entry.names.len()) {
            let names = entry.names.iter().filter(|other| *other != name).cloned().collect();
            return Ok(Change { put: vec![Entry { names, revision: entry.revision + 1, ..entry.clone() }], ..Change::default() });
        }
        let last = self.of_function.get(&entry.id).is_none_or(|all| all.len() == 1);
        Ok(Change { gone: Some(entry.sequence), dropped: last.then_some(entry.id), ..Change::default() })
    }

    /// Makes a planned change.
    pub(super) fn apply(&mut self, change: Change) {
        change.put.into_iter().for_each(|entry| self.put(entry));
        if let Some(sequence) = change.gone {
            self.remove(sequence);
        }
    }

    /// The owner's function with what the registration says of it, new or not.
    fn with(&self, registration: &Registration, now: u64, room: Room) -> Result<(Change, Outcome), Error> {
        let Registration { id, text, owner, .. } = registration;
        let mut change = Change::default();
        let known = self.owned(owner.as_deref(), *id);
        let mut entry = match known {
            Some(entry) => entry.clone(),
            None => {
                let known = self.of_function.contains_key(id);
                let bytes = text.len() as u64;
                let own = owner.as_ref().map(|owner| self.shares.get(owner).copied().unwrap_or_default());
                room.another(own, self.totals, bytes, if known { 0 } else { bytes })?;
                change.text = (!known).then(|| (*id, text.clone()));
                let (names, owner) = (Vec::new(), owner.clone());
                let sequence = self.totals.last + 1;
                Entry { sequence, revision: 1, id: *id, owner, names, description: None, public: false, created: now, bytes }
            }
        };
        settle(&mut entry, registration, room)?;
        match known {
            Some(known) if *known == entry => {}
            Some(_) => {
                entry.revision += 1;
                change.put.push(entry.clone());
            }
            None => change.put.push(entry.clone()),
        }
        Ok((change, Outcome { entry, created: known.is_none() }))
    }

    fn named(&self, name: &str) -> Option<&Entry> {
        self.entries.get(self.names.get(name)?)
    }

    fn entries_of(&self, id: Id) -> impl Iterator<Item = &Entry> {
        self.of_function.get(&id).into_iter().flatten().filter_map(|sequence| self.entries.get(sequence))
    }

    fn owned(&self, owner: Option<&str>, id: Id) -> Option<&Entry> {
        self.entries_of(id).find(|entry| entry.owner.as_deref() == owner)
    }

    fn put(&mut self, entry: Entry) {
        self.remove(entry.sequence);
        let sequences = self.of_function.entry(entry.id).or_default();
        if sequences.is_empty() {
            self.totals.bytes += entry.bytes;
        }
        sequences.insert(sequences.partition_point(|&sequence| sequence < entry.sequence), entry.sequence);
        self.names.extend(entry.names.iter().map(|name| (name.clone(), entry.sequence)));
        if let Some(owner) = &entry.owner {
            let share = self.shares.entry(owner.clone()).or_default();
            share.functions += 1;
            share.bytes += entry.bytes;
        }
        self.totals.functions += 1;
        self.totals.last = self.totals.last.max(entry.sequence);
        self.entries.insert(entry.sequence, entry);
    }

    fn remove(&mut self, sequence: u64) {
        let Some(entry) = self.entries.remove(&sequence) else { return };
        self.totals.functions = self.totals.functions.saturating_sub(1);
        if let Some(owner) = &entry.owner
            && let Some(share) = self.shares.get_mut(owner)
        {
            share.functions = share.functions.saturating_sub(1);
            share.bytes = share.bytes.saturating_sub(entry.bytes);
            if *share == Share::default() {
                self.shares.remove(owner);
            }
        }
        for name in &entry.names {
            // another may have it already
            if self.names.get(name) == Some(&sequence) {
                self.names.remove(name);
            }
        }
        if let Some(sequences) = self.of_function.get_mut(&entry.id) {
            sequences.retain(|other| *other != sequence);
            if sequences.is_empty() {
                self.of_function.remove(&entry.id);
                self.totals.bytes = self.totals.bytes.saturating_sub(entry.bytes);
            }
        }
    }
}

/// Whether a name, which means `held`, may be made to mean another function.
fn admit(held: Option<&Entry>, registration: &Registration, condition: &Condition) -> Result<(), Error> {
    let taken = || Error::NameTaken(registration.name.clone().unwrap_or_default());
    if let Some(held) = held.filter(|held| held.owner != registration.owner) {
        // of what is private nothing is said but that the name is taken
        return Err(if held.public { Error::NotOwner } else { taken() });
    }
    if !condition.holds(held.map(Entry::version)) {
        return Err(Error::Changed);
    }
    match held {
        Some(held) if condition.matches.is_none() && held.id != registration.id => Err(taken()),
        _ => Ok(()),
    }
}

/// Says of an entry what a registration says.
fn settle(entry: &mut Entry, registration: &Registration, room: Room) -> Result<(), Error> {
    if let Some(name) = registration.name.as_ref().filter(|name| !entry.names.contains(name)) {
        entry.names.push(name.clone());
        room.names(entry.names.len())?;
    }
    if let Some(description) = &registration.description {
        fits("store.description_bytes", description.len() as u64, room.description_bytes as u64)?;
        entry.description = Some(description.clone()).filter(|description| !description.is_empty());
    }
    if let Some(public) = registration.public {
        entry.public = public;
    }
    Ok(())
}

//! Registered functions: checked, given their id, kept in the store, and shown.
//!
//! What is kept is the function as a graph that lists every node, in the canonical form of [`export`](mod@super::export), with nothing
//! of its owner in it: the same text for everybody who registers it. Versions of the store are entity tags outside.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::build::{self, Built};
use super::decode::{self, Said};
use super::digest;
use super::encode;
use super::errand::Errand;
use super::export::{Style, export};
use super::flight::Turn;
use super::library::{Halt, Known, Library, NAME, Wanted, is_name, reference};
use super::limits::{Limits, exceeded};
use super::plan::site;
use super::request::{COMPILE_BYTES, COMPILE_FLOPS, CONVERT_BYTES};
use super::words::quote;
use super::{Caller, Context, Endpoint, Held, Inner, Service, refusal};
use crate::engine::program::{Program, Want};
use crate::store::{self, Asker, Condition, Entry, Id, Reference, Registration, Version, Versions};
use crate::wire::answer::{Cost, Signature};
use crate::wire::function::{Facts, Registered as Answer};
use crate::wire::problem::{Failure, Fault, Slug};

/// Functions of a page, where nobody says how many.
pub const PAGE: usize = 100;
/// Functions of a page at most.
pub const MOST: usize = 1000;
/// Bytes of a page of several functions at most: one that would be longer ends before, and the next goes on from there.
const PAGE_BYTES: usize = 1 << 20;
/// Functions that the store is asked for at once: what it answers is in memory beside what is written of it.
const STEP: usize = 100;
/// Bytes of what is known of a function without looking into it, of the longest as the store's settings are by default.
const FACTS_BYTES: usize = 13 << 10;

/// A function to be registered.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The request's JSON text.
    pub body: Bytes,
    /// What it comes with: whose the function is to be.
    pub context: Context,
    /// The name that is to mean the function, under conditions; `None` where the body may say one that is free.
    pub replaces: Option<(String, Preconditions)>,
}

/// What the headers If-Match and If-None-Match say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// It must have one of these.
    pub if_match: Option<Tags>,
    /// It must have none of these.
    pub if_none_match: Option<Tags>,
}

/// Entity tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// Whichever.
    Any,
    /// One of these, without their quotation marks.
    OneOf(Vec<String>),
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The answer's JSON text.
    pub body: Bytes,
    /// Whether it was not there before.
    pub created: bool,
    /// By which it is found: its name or its id.
    pub reference: String,
    /// Its entity tag.
    pub tag: String,
}

/// A function that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The answer's JSON text; `None` where the caller has it already.
    pub body: Option<Bytes>,
    /// Its entity tag.
    pub tag: String,
}

impl Service {
    /// Registers a function, or makes a name mean it. What is answered is there for good.
    ///
    /// # Errors
    /// Everything that is not an answer, as the contract's sections 4 and 5 have it.
    pub async fn register(&self, submission: Submission) -> Result<Registered, Failure> {
        let Submission { body, context, replaces } = submission;
        let caller = context.caller.clone();
        self.errand(context, async |errand| self.0.register((body, caller), replaces, errand).await).await
    }

    /// The functions that a caller sees, a page from `cursor` on.
    ///
    /// # Errors
    /// A limit or a cursor that is none; a store that cannot be used.
    pub async fn functions(&self, limit: Option<&str>, cursor: Option<&str>, context: Context) -> Result<Bytes, Failure> {
        let caller = context.caller.clone();
        self.errand(context, async |_| self.0.list(&caller, limit, cursor).await).await
    }

    /// A function with all that is known of it.
    ///
    /// # Errors
    /// `not-found`, `precondition-failed`, or a store that cannot be used.
    pub async fn function(&self, name: &str, conditions: Preconditions, context: Context) -> Result<Shown, Failure> {
        let caller = context.caller.clone();
        self.errand(context, async |errand| self.0.show(&caller, name, conditions, errand).await).await
    }

    /// Deletes a name, and with its last name a function; by its id a function with all its names.
    ///
    /// # Errors
    /// `not-found`, `forbidden`, `precondition-failed`, or a store that cannot be used.
    pub async fn delete(&self, name: &str, conditions: Preconditions, context: Context) -> Result<(), Failure> {
        let caller = context.caller.clone();
        self.errand(context, async |_| self.0.delete(&caller, name, conditions).await).await
    }

    /// Does what a request asks for within its deadline, and counts what it took.
    async fn errand<T>(&self, context: Context, work: impl AsyncFnOnce(&mut Errand) -> Result<T, Failure>) -> Result<T, Failure> {
        self.takes_work()?;
        let time = context.time();
        let mut errand = Errand::new(context, &self.0.memory);
        let outcome = self.0.within(time, work(&mut errand)).await;
        self.0.metrics.worked(&errand.end());
        outcome
    }
}

impl Inner {
    async fn list(&self, caller: &Caller, limit: Option<&str>, cursor: Option<&str>) -> Result<Bytes, Failure> {
        let refuse = |detail: String| Failure::new(Slug::InvalidRequest, detail);
        let limit = match limit {
            None => PAGE,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MOST).contains(limit))
                .ok_or_else(|| refuse(format!("`limit` is a whole number from 1 to {MOST}, not {}", quote(text))))?,
        };
        let after = match cursor {
            None => 0,
            Some(text) => read_cursor(text).ok_or_else(|| refuse(format!("{} is no `cursor` that was answered", quote(text))))?,
        };
        self.page(caller, limit, after).await
    }

    /// A page of so many functions, or of as many as a page may be long.
    async fn page(&self, caller: &Caller, limit: usize, mut after: u64) -> Result<Bytes, Failure> {
        let held = self.memory.portion(caller);
        let room = (limit * FACTS_BYTES).min(PAGE_BYTES) as u64;
        // what the store answers, and what is written, which may have twice the room that it needs
        held.grow(3 * room)?;
        let (mut page, mut left) = (encode::Page::new(), limit);
        let more = loop {
            let found = self.shelf.store.list(caller.asker(), after, left.min(STEP)).await.map_err(failure)?;
            let bytes: usize = found.entries.iter().map(Entry::bytes_of_facts).sum();
            held.grow((bytes as u64).saturating_sub(room))?;
            let mut full = false;
            for entry in found.entries {
                let sequence = entry.sequence;
                full = !page.push(&facts(entry, None), PAGE_BYTES);
                if full {
                    break;
                }
                (after, left) = (sequence, left - 1);
            }
            held.shrink(3 * room);
            if full || !found.more || left == 0 {
                break full || found.more;
            }
        };
        let page = page.end(more.then(|| write_cursor(after)));
        held.grow((page.capacity() as u64).saturating_sub(3 * room))?;
        Ok(held.with_all_of(page))
    }

    async fn delete(&self, caller: &Caller, name: &str, conditions: Preconditions) -> Result<(), Failure> {
        let unknown = Wanted { name: name.to_owned(), pointer: None };
        let Some(reference) = reference(name) else { return Err(unknown.unknown()) };
        match self.shelf.store.delete(caller.asker(), reference, condition(conditions)).await {
            Err(store::Error::Missing) => Err(unknown.unknown()),
            outcome => outcome.map_err(failure),
        }
    }

    async fn register(
        self: &Arc<Inner>,
        (body, caller): (Bytes, Caller),
        replaces: Option<(String, Preconditions)>,
        errand: &mut Errand,
    ) -> Result<Registered, Failure> {
        if let Some((name, _)) = replaces.as_ref().filter(|(name, _)| !is_name(name)) {
            return Err(Failure::new(Slug::InvalidRequest, format!("{} is not a name: {NAME}", quote(name))));
        }
        let owner = caller.owner().map(str::to_owned);
        let library = Arc::new(Library::new(self.shelf.clone(), caller));
        let mut held = Held { endpoint: Endpoint::Graph, body, function: None, library };
        let size = held.body.len();
        let checked = loop {
            errand.held.grow(size as u64 * CONVERT_BYTES + self.parse_bytes(size))?;
            let (inner, asked, named) = (self.clone(), held.clone(), replaces.is_some());
            let check = move || check(&asked, named, &inner.limits);
            match self.whole("convert", size as f64 * COMPILE_FLOPS, errand, check).await? {
                Ok(checked) => break checked,
                Err(Halt::Failure(failure)) => return Err(failure),
                Err(Halt::Missing(wanted)) => self.fetch(Arc::make_mut(&mut held.library), wanted, errand).await?,
            }
            errand.held.shrink(0);
        };
        let Checked { known, said: Said { name, description, public }, signature } = checked;
        let (id, text) = (known.id, known.text.clone());
        let name = replaces.as_ref().map(|(name, _)| name.clone()).or(name);
        let registration = Registration { id, text, owner, name: name.clone(), description, public };
        let outcome = match replaces {
            Some((_, conditions)) => self.shelf.store.replace(registration, condition(conditions)).await,
            None => self.shelf.store.register(registration).await,
        };
        let store::Outcome { entry, created } = outcome.map_err(failure)?;
        // what is registered is about to be used
        self.shelf.functions.insert(id, Arc::new(known));
        let name = name.or_else(|| entry.names.first().cloned());
        let tag = tag(&entry);
        let Signed { inputs, outputs, cost } = signature;
        let answer = Answer { id: id.to_string(), name: name.clone(), inputs, outputs, cost };
        let body = errand.accounted(serde_json::to_vec(&answer).unwrap_or_default())?;
        Ok(Registered { body, created, reference: name.unwrap_or(answer.id), tag })
    }

    async fn show(
        self: &Arc<Inner>,
        caller: &Caller,
        name: &str,
        conditions: Preconditions,
        errand: &mut Errand,
    ) -> Result<Shown, Failure> {
        let wanted = Wanted { name: name.to_owned(), pointer: None };
        let (entry, reference) = self.find(caller.asker(), &wanted).await?;
        let tag = tag(&entry);
        let Preconditions { if_match, if_none_match } = conditions;
        let holds = |if_match, if_none_match| condition(Preconditions { if_match, if_none_match }).holds(Some(entry.version()));
        if !holds(if_match, None) {
            return Err(failure(store::Error::Changed));
        }
        if !holds(None, if_none_match) {
            return Ok(Shown { body: None, tag });
        }
        let known = self.known(entry.id, &wanted, errand).await?;
        errand.held.grow(known.text.len() as u64 * COMPILE_BYTES)?;
        let flops = known.text.len() as f64 * COMPILE_FLOPS;
        let (function, limits) = (known.clone(), self.limits.clone());
        let sign = move || built(&function, &limits).and_then(|built| signed(&built));
        let signed = self.whole("convert", flops, errand, sign).await??;
        let asked = match reference {
            Reference::Name(name) => Some(name),
            Reference::Id(_) => None,
        };
        errand.held.grow(known.text.len() as u64 + FACTS_BYTES as u64)?;
        let body = encode::function(&facts(entry, asked), &signed, &known.text);
        Ok(Shown { body: Some(errand.accounted(body)?), tag })
    }

    /// What a reference means to who asks.
    async fn find(&self, asker: Asker<'_>, wanted: &Wanted) -> Result<(Entry, Reference), Failure> {
        let Some(reference) = wanted.reference() else { return Err(wanted.unknown()) };
        match self.shelf.store.find(asker, &reference).await {
            Ok(entry) => Ok((entry, reference)),
            Err(store::Error::Missing) => Err(wanted.unknown()),
            Err(error) => Err(failure(error)),
        }
    }

    /// A function, from those in use or from the store.
    async fn known(&self, id: Id, wanted: &Wanted, errand: &mut Errand) -> Result<Arc<Known>, Failure> {
        if let Some(known) = self.shelf.functions.get(&id) {
            return Ok(known);
        }
        let (lead, known) = match self.shelf.fetching.turn(id).await {
            Turn::Made(known) => return Ok(known),
            // It may have been fetched just before.
            Turn::Lead(lead) => (Some(lead), self.shelf.functions.get(&id)),
            Turn::Alone => (None, None),
        };
        let outcome = match known {
            Some(known) => Ok(known),
            None => self.fetched(id, wanted, errand).await,
        };
        if let Some(lead) = lead {
            lead.end(outcome.as_ref().ok().cloned());
        }
        outcome
    }

    /// A function from the store.
    async fn fetched(&self, id: Id, wanted: &Wanted, errand: &mut Errand) -> Result<Arc<Known>, Failure> {
        let text = match self.shelf.store.text(id).await {
            Err(store::Error::Missing) => return Err(wanted.unknown()),
            text => text.map_err(failure)?,
        };
        errand.held.grow(text.len() as u64 * COMPILE_BYTES)?;
        let (flops, limits) = (text.len() as f64 * COMPILE_FLOPS, self.limits.clone());
        let read = move || decode::stored(&text, &limits).map(|graph| Arc::new(Known { id, graph, text }));
        let known = self.whole("fetch", flops, errand, read).await??;
        // Where it does not fit it still serves this request.
        self.shelf.functions.insert(id, known.clone());
        Ok(known)
    }

    /// Brings functions to hand.
    pub(super) async fn fetch(&self, library: &mut Library, wanted: Vec<Wanted>, errand: &mut Errand) -> Result<(), Failure> {
        for wanted in wanted {
            let (entry, _) = self.find(library.owner().into(), &wanted).await?;
            let known = self.known(entry.id, &wanted, errand).await?;
            library.add(wanted.name, known);
        }
        Ok(())
    }
}

/// A function that may be registered.
struct Checked {
    known: Known,
    said: Said,
    signature: Signed,
}

/// What a function takes and gives, and what it costs.
pub(super) struct Signed {
    pub(super) inputs: Vec<Signature>,
    pub(super) outputs: Vec<Signature>,
    pub(super) cost: Cost,
}

fn check(asked: &Held, named: bool, limits: &Limits) -> Result<Checked, Halt> {
    let envelope = decode::registration(&asked.body, named, limits.json_nesting)?;
    let mut faults = Vec::new();
    if let Some(name) = envelope.said.name.as_deref().filter(|name| !is_name(name)) {
        let detail = format!("{} is not a name", quote(name));
        faults.push(Fault { pointer: "/name".into(), detail, hint: Some(NAME.to_owned()) });
    }
    if envelope.said.description.as_ref().is_some_and(|description| description.contains('\0')) {
        faults.push(Fault { pointer: "/description".into(), detail: "the character U+0000 stands in a text".into(), hint: None });
    }
    if !faults.is_empty() {
        return Err(Failure::of_faults(Slug::InvalidRequest, faults).into());
    }
    let source = decode::function(&envelope, &asked.body, limits, &asked.library)?;
    let built = build::build(&source.graph, site(&source), limits, true)?;
    drop(source);
    let id = Id(digest::function(&built.graph));
    // what is kept is what everybody who has the function is shown: of him who wrote this nothing stands in it
    let graph = export(&built.graph, &HashMap::new(), Style::Canonical);
    drop(built);
    let mut text = Vec::new();
    encode::graph(&mut text, &graph);
    let known = Known { id, graph, text: text.into() };
    // and what is said of it is what will be said of what is kept
    let built = self::built(&known, limits)?;
    debug_assert_eq!(digest::function(&built.graph), known.id.0, "the canonical form is another function");
    Ok(Checked { signature: signed(&built)?, known, said: envelope.said })
}

/// The graph of a registered function.
fn built(known: &Known, limits: &Limits) -> Result<Built, Failure> {
    build::build(&known.graph, build::Site { pointer: "", text: None }, limits, true)
}

fn signed(built: &Built) -> Result<Signed, Failure> {
    let graph = &built.graph;
    let program = Program::compile(graph, &Want::Value, &vec![true; graph.inputs().len()]).map_err(refusal)?;
    let cost = program.cost(1);
    let nodes = export(graph, &built.names, Style::Listed).nodes.len();
    let signature = |name: &str, shape: &[usize]| Signature { name: name.to_owned(), shape: shape.to_vec() };
    Ok(Signed {
        inputs: graph.inputs().iter().map(|input| signature(&input.name, input.shape.sizes())).collect(),
        outputs: graph.outputs().iter().map(|output| signature(&output.name, graph.shape(output.node).sizes())).collect(),
        cost: Cost { nodes, flops: cost.flops, bytes: cost.scratch_bytes },
    })
}

/// What is known of a function without looking into it, by the name that it was asked for.
fn facts(entry: Entry, asked: Option<String>) -> Facts {
    let Entry { id, names, description, public, created, .. } = entry;
    let name = asked.or_else(|| names.first().cloned());
    Facts { id: id.to_string(), name, names, description, public, created: timestamp(created) }
}

/// The entity tag of an entry.
fn tag(entry: &Entry) -> String {
    format!("{}-{}", entry.sequence, entry.revision)
}

/// The version of an entity tag, if it is one of ours.
fn version(tag: &str) -> Option<Version> {
    let (sequence, revision) = tag.split_once('-')?;
    let version = Version { sequence: sequence.parse().ok()?, revision: revision.parse().ok()? };
    (format!("{}-{}", version.sequence, version.revision) == tag).then_some(version)
}

fn condition(Preconditions { if_match, if_none_match }: Preconditions) -> Condition {
    let versions = |tags| match tags {
        Tags::Any => Versions::Any,
        Tags::OneOf(tags) => Versions::OneOf(tags.iter().filter_map(|tag| version(tag)).collect()),
    };
    Condition { matches: if_match.map(versions), differs: if_none_match.map(versions) }
}

/// A place in the list, as a word, so that nobody takes it for a number of pages.
fn write_cursor(sequence: u64) -> String {
    format!("{CURSOR}{sequence}")
}

fn read_cursor(text: &str) -> Option<u64> {
    let sequence = text.strip_prefix(CURSOR)?.parse().ok()?;
    (write_cursor(sequence) == text).then_some(sequence)
}

const CURSOR: &str = "after-";

/// Milliseconds of Unix time as RFC 3339 has them. Days become dates by counting years from March on, in cycles of 400
/// (H. Hinnant, "chrono-compatible low-level date algorithms").
fn timestamp(milliseconds: u64) -> String {
    let (days, rest) = (milliseconds / 86_400_000, milliseconds % 86_400_000);
    let days = days + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let (seconds, thousandths) = (rest / 1000, rest % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{thousandths:03}Z", year + 400 * cycle + carry)
}

/// What a store that did not do as it was asked is answered with.
fn failure(error: store::Error) -> Failure {
    use store::Error;
    match error {
        Error::NameTaken(name) => {
            let fault = Fault {
                pointer: "/name".to_owned(),
                detail: format!("the name {} means another function", quote(&name)),
                hint: Some(format!("choose another, or PUT /functions/{name} with If-Match and the ETag of what it means now")),
            };
            Failure::of_faults(Slug::NameTaken, vec![fault])
        }
        Error::Missing => Failure::new(Slug::NotFound, "there is no such function"),
        Error::NotOwner => Failure::new(Slug::Forbidden, "the function belongs to another owner"),
        Error::Changed => {
            Failure::new(Slug::PreconditionFailed, "the function is not in the state that If-Match or If-None-Match asks for")
        }
        Error::Full { limit, asked, allowed } => exceeded(limit, asked as f64, allowed as f64),
        Error::Crowded { limit, asked, allowed } => {
            tracing::warn!(limit, asked, allowed, "the store of functions is full");
            let detail = format!("there is no room for another function just now ({limit} = {allowed})");
            Failure { retry_after: Some(60), ..Failure::new(Slug::Overloaded, detail) }
        }
        Error::Busy => Failure { retry_after: Some(1), ..Failure::new(Slug::Overloaded, "too many functions are being registered") },
        Error::Unavailable(why) => {
            tracing::warn!(%why, "the store of functions cannot be used");
            Failure { retry_after: Some(1), ..Failure::new(Slug::Overloaded, "the store of registered functions cannot be used now") }
        }
        Error::Home(why) | Error::Damaged(why) => {
            tracing::error!(%why, "the store of functions is damaged");
            Failure::new(Slug::Internal, why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_those_that_were_answered() {
        for sequence in [0, 1, 2, 99, 1 << 32, u64::MAX] {
            assert_eq!(read_cursor(&write_cursor(sequence)), Some(sequence));
        }
        for bad in ["", "0", "7", "after-", "after-x", "after-+7", "after-07", "after-7 ", "After-7", "after-18446744073709551616"] {
            assert_eq!(read_cursor(bad), None, "{bad}");
        }
    }

    #[test]
    fn tags_are_those_of_versions() {
        assert_eq!(version("12-3"), Some(Version { sequence: 12, revision: 3 }));
        for bad in ["", "12", "12-", "-3", "+1-2", "01-2", "1-2-3", "1-2 "] {
            assert_eq!(version(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_735_689_599_001, "2024-12-31T23:59:59.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(timestamp(milliseconds), text);
        }
    }
}

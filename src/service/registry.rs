//! Registered functions: checked, given their id, kept in the store, and shown.
//!
//! What is kept is the function as a graph that lists every node, written by [`export`](mod@super::export), with nothing of its owner
//! in it: the same text for everybody who registers it. Versions of the store are entity tags outside.

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
use super::words::quote;
use super::{COMPILE_BYTES, COMPILE_FLOPS, CONVERT_BYTES, Caller, Context, Endpoint, Held, Inner, Service, refusal};
use crate::engine::program::{Program, Want};
use crate::store::{self, Condition, Entry, Id, Reference, Registration, Version, Versions};
use crate::wire::answer::{Cost, Signature};
use crate::wire::function::{Facts, Functions, Registered as Answer};
use crate::wire::problem::{Failure, Fault, Slug};

/// Functions of a page, where nobody says how many.
pub const PAGE: usize = 100;
/// Functions of a page at most.
pub const MOST: usize = 1000;

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
        self.takes_work()?;
        let Submission { body, context, replaces } = submission;
        let (deadline, caller) = (context.deadline, context.caller.clone());
        let mut errand = Errand::new(context, &self.0.memory);
        let outcome = self.0.within(deadline, self.0.register((body, caller), replaces, &mut errand)).await;
        self.0.metrics.worked(&errand.end());
        outcome
    }

    /// The functions that a caller sees, a page from `cursor` on.
    ///
    /// # Errors
    /// A limit or a cursor that is none; a store that cannot be used.
    pub async fn functions(&self, caller: &Caller, limit: Option<&str>, cursor: Option<&str>) -> Result<Bytes, Failure> {
        self.takes_work()?;
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
        let page = self.0.shelf.store.list(caller.owner(), after, limit).await.map_err(failure)?;
        let next = page.entries.last().filter(|_| page.more).map(|last| write_cursor(last.sequence));
        let functions = page.entries.into_iter().map(|entry| facts(entry, None)).collect();
        Ok(json(&Functions { functions, next }))
    }

    /// A function with all that is known of it.
    ///
    /// # Errors
    /// `not-found`, `precondition-failed`, or a store that cannot be used.
    pub async fn function(&self, name: &str, conditions: Preconditions, context: Context) -> Result<Shown, Failure> {
        self.takes_work()?;
        let (deadline, caller) = (context.deadline, context.caller.clone());
        let mut errand = Errand::new(context, &self.0.memory);
        let outcome = self.0.within(deadline, self.0.show(&caller, name, conditions, &mut errand)).await;
        self.0.metrics.worked(&errand.end());
        outcome
    }

    /// Deletes a name, and with its last name a function; by its id a function with all its names.
    ///
    /// # Errors
    /// `not-found`, `forbidden`, `precondition-failed`, or a store that cannot be used.
    pub async fn delete(&self, caller: &Caller, name: &str, conditions: Preconditions) -> Result<(), Failure> {
        self.takes_work()?;
        let unknown = Wanted { name: name.to_owned(), pointer: None };
        let Some(reference) = reference(name) else { return Err(unknown.unknown()) };
        match self.0.shelf.store.delete(caller.owner(), reference, condition(conditions)).await {
            Err(store::Error::Missing) => Err(unknown.unknown()),
            outcome => outcome.map_err(failure),
        }
    }
}

impl Inner {
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
        Ok(Registered { body: json(&answer), created, reference: name.unwrap_or(answer.id), tag })
    }

    async fn show(
        self: &Arc<Inner>,
        caller: &Caller,
        name: &str,
        conditions: Preconditions,
        errand: &mut Errand,
    ) -> Result<Shown, Failure> {
        let wanted = Wanted { name: name.to_owned(), pointer: None };
        let (entry, reference) = self.find(caller.owner(), &wanted).await?;
        let tag = tag(&entry);
        let Condition { matches, differs } = condition(conditions);
        if !(Condition { matches, differs: None }).holds(Some(entry.version())) {
            return Err(failure(store::Error::Changed));
        }
        if !(Condition { matches: None, differs }).holds(Some(entry.version())) {
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
        let body = encode::function(&facts(entry, asked), &signed, &known.text);
        Ok(Shown { body: Some(body.into()), tag })
    }

    /// What a reference means to an owner.
    async fn find(&self, owner: Option<&str>, wanted: &Wanted) -> Result<(Entry, Reference), Failure> {
        let Some(reference) = wanted.reference() else { return Err(wanted.unknown()) };
        match self.shelf.store.find(owner, &reference).await {
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
            let (entry, _) = self.find(library.owner(), &wanted).await?;
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
    let graph = export(&built.graph, &built.names, Style::Listed);
    let mut text = Vec::new();
    encode::graph(&mut text, &graph);
    let known = Known { id: Id(digest::function(&built.graph)), graph, text: text.into() };
    Ok(Checked { known, signature: signed(&built)?, said: envelope.said })
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

fn json(answer: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(answer).map(Bytes::from).unwrap_or_default()
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

/// A place in the list, of which nobody outside knows anything: its digits, turned, and what they come to.
fn write_cursor(sequence: u64) -> String {
    let turned = sequence.rotate_left(32) ^ CURSOR;
    format!("{turned:016x}{:02x}", sum(turned))
}

fn read_cursor(text: &str) -> Option<u64> {
    let digits = text.len() == 18 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let turned = u64::from_str_radix(text.get(..16).filter(|_| digits)?, 16).ok()?;
    let checked = u8::from_str_radix(text.get(16..)?, 16).ok()? == sum(turned);
    checked.then_some((turned ^ CURSOR).rotate_right(32))
}

const CURSOR: u64 = 0x9e37_79b9_7f4a_7c15;

fn sum(number: u64) -> u8 {
    number.to_le_bytes().into_iter().fold(0x5a, |sum, byte| sum.rotate_left(1) ^ byte)
}

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
        let good = write_cursor(7);
        for bad in ["", "0", "7", &good[1..], &format!("{good}0"), &good.replace(&good[3..4], "x"), &good.to_uppercase(), &"é".repeat(9)] {
            assert_eq!(read_cursor(bad), None, "{bad}");
        }
        // one digit of another kind
        let other = format!("{}{}", if good.starts_with('0') { 1 } else { 0 }, &good[1..]);
        assert_eq!(read_cursor(&other), None);
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

//! Where the reader of a JSON text stands, and what it has found wrong so far.

use std::borrow::Cow;
use std::fmt::Write;

use serde::de::Error;
use smallvec::SmallVec;

use crate::service::words::{meant, quote};
use crate::wire::problem::{Excess, Failure, Fault, MOST_FAULTS, Slug};

/// One step of the way from the body's root to a value.
#[derive(Debug)]
pub(super) enum Step<'de> {
    /// Into an object.
    Key(Cow<'de, str>),
    /// Into a list.
    Index(usize),
}

/// Which of the body's functions: its own, or that of a stage of a composition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::service) struct Place {
    pub(in crate::service) stage: Option<usize>,
}

impl Place {
    /// Where one of the function's fields stands in the body.
    pub(in crate::service) fn pointer(self, field: &str) -> String {
        match self.stage {
            None => format!("/{field}"),
            Some(stage) => format!("/stages/{stage}/{field}"),
        }
    }
}

/// The way to the value being read, the faults found, and the failure that ended the reading early, if one did.
#[derive(Debug)]
pub(super) struct Context<'de> {
    path: SmallVec<[Step<'de>; 2]>,
    nesting: usize,
    slug: Slug,
    /// Faults so far, at most [`MOST_FAULTS`].
    pub(super) faults: Vec<Fault>,
    /// Set when the reading must end: its `Err` carries nothing.
    pub(super) fatal: Option<Failure>,
}

impl<'de> Context<'de> {
    /// At the root of the body, or at one of its fields; what is wrong with a value there is `slug`.
    pub(super) fn new(field: Option<&'static str>, nesting: usize, slug: Slug) -> Context<'de> {
        let path = field.map(|field| Step::Key(Cow::Borrowed(field))).into_iter().collect();
        Context { path, nesting, slug, faults: Vec::new(), fatal: None }
    }

    /// At one of the fields of a function.
    pub(super) fn of(place: Place, field: &'static str, nesting: usize, slug: Slug) -> Context<'de> {
        let mut context = Context::new(Some(field), nesting, slug);
        if let Some(stage) = place.stage {
            context.path.insert_many(0, [Step::Key(Cow::Borrowed("stages")), Step::Index(stage)]);
        }
        context
    }

    /// Enters a container's next value. Must be paired with [`Context::leave`] unless the reading ends.
    pub(super) fn enter(&mut self, step: Step<'de>) {
        self.path.push(step);
    }

    /// Goes on to element `index` of the list that was entered.
    pub(super) fn advance(&mut self, index: usize) {
        if let Some(Step::Index(at)) = self.path.last_mut() {
            *at = index;
        }
    }

    /// Leaves a value for its container.
    pub(super) fn leave(&mut self) -> Option<Step<'de>> {
        self.path.pop()
    }

    /// Refuses a container at this place if it is nested too deep.
    pub(super) fn open<E: Error>(&mut self) -> Result<(), E> {
        if self.path.len() < self.nesting {
            return Ok(());
        }
        let failure = Failure { excess: Some(too_deep(self.nesting)), ..self.malformed_here(nested(self.nesting)) };
        Err(self.fail(failure))
    }

    fn malformed_here(&self, detail: String) -> Failure {
        Failure::of_faults(Slug::MalformedJson, vec![Fault { pointer: self.pointer(), detail, hint: None }])
    }

    /// Whether there is no room for another fault.
    pub(super) fn full(&self) -> bool {
        self.faults.len() >= MOST_FAULTS
    }

    /// Notes a fault of the value at this place.
    pub(super) fn fault(&mut self, detail: impl Into<String>, hint: Option<String>) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault { pointer: self.pointer(), detail: detail.into(), hint });
        }
    }

    /// Notes a fault of the member `key` of the object at this place.
    pub(super) fn fault_at(&mut self, key: &str, detail: impl Into<String>, hint: Option<String>) {
        if self.faults.len() < MOST_FAULTS {
            let mut pointer = self.pointer();
            push_key(&mut pointer, key);
            self.faults.push(Fault { pointer, detail: detail.into(), hint });
        }
    }

    /// Notes that the object at this place has a member that it should not have.
    pub(super) fn unknown(&mut self, key: &str, what: &str, candidates: &[&str]) {
        if !self.full() {
            let hint = meant(key, candidates.iter().copied()).or_else(|| Some(format!("it has `{}`", candidates.join("`, `"))));
            self.fault_at(key, format!("{what} has no field {}", quote(key)), hint);
        }
    }

    /// Ends the reading.
    pub(super) fn fail<E: Error>(&mut self, failure: Failure) -> E {
        self.fatal.get_or_insert(failure);
        E::custom("stopped")
    }

    /// Ends the reading because the object at this place has `key` twice.
    pub(super) fn duplicate<E: Error>(&mut self, key: &str) -> E {
        let mut pointer = self.pointer();
        push_key(&mut pointer, key);
        let detail = format!("the key {} stands twice in one object", quote(key));
        self.fail(Failure::of_faults(Slug::MalformedJson, vec![Fault { pointer, detail, hint: None }]))
    }

    /// The faults as a failure, if there are any.
    pub(super) fn verdict(self) -> Result<(), Failure> {
        match (self.fatal, self.faults) {
            (Some(failure), _) => Err(failure),
            (None, faults) if faults.is_empty() => Ok(()),
            (None, faults) => Err(Failure::of_faults(self.slug, faults)),
        }
    }

    /// What was read, unless something was wrong with it.
    pub(super) fn finish<T>(self, read: Result<T, serde_json::Error>, text: &str, body: &[u8]) -> Result<T, Failure> {
        match read {
            Ok(value) => self.verdict().map(|()| value),
            Err(error) => Err(self.failure(&error, text, body)),
        }
    }

    /// What a reading that ended with `error` failed of. `text` is the part of `body` that was read.
    pub(super) fn failure(mut self, error: &serde_json::Error, text: &str, body: &[u8]) -> Failure {
        if let Some(failure) = self.fatal.take() {
            return failure;
        }
        if error.to_string().starts_with("number out of range") {
            self.fault("this number is beyond the range of binary64", Some("infinity is written \"Infinity\"".into()));
            return Failure::of_faults(self.slug, self.faults);
        }
        // serde_json's own bound, which it reaches where nothing else reads along.
        if error.to_string().starts_with("recursion limit exceeded") {
            return Failure { excess: Some(too_deep(self.nesting)), ..Failure::new(Slug::MalformedJson, nested(self.nesting)) };
        }
        let before = (text.as_ptr().addr()).checked_sub(body.as_ptr().addr()).and_then(|n| body.get(..n)).unwrap_or(&[]);
        malformed(error, before)
    }

    /// RFC 6901, from the body's root to this place.
    pub(super) fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) => push_key(&mut pointer, key),
                Step::Index(index) => {
                    let _ = write!(pointer, "/{index}");
                }
            }
        }
        pointer
    }
}

fn nested(allowed: usize) -> String {
    format!("the body is nested deeper than {allowed} levels")
}

/// What comes below is not looked at: the body asks for one level more at least.
fn too_deep(allowed: usize) -> Excess {
    Excess { limit: "limits.json_nesting".to_owned(), asked: allowed as f64 + 1.0, allowed: allowed as f64 }
}

/// Appends one reference token to a JSON Pointer.
pub(in crate::service) fn push_key(pointer: &mut String, key: &str) {
    pointer.push('/');
    for c in key.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// A syntax error of a text that stands after `before` in the body, with line and column counted from the body's start.
pub(super) fn malformed(error: &serde_json::Error, before: &[u8]) -> Failure {
    let lines = before.iter().filter(|&&byte| byte == b'\n').count();
    let last = before.iter().rposition(|&byte| byte == b'\n').map_or(before.len(), |at| before.len() - at - 1);
    let line = error.line() + lines;
    let column = if error.line() <= 1 { error.column() + last } else { error.column() };
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    Failure::new(Slug::MalformedJson, format!("{what} at line {line}, column {column}"))
}

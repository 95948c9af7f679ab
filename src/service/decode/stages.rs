//! The functions of a composition, as a list of objects that have the fields of a function.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, SeqAccess};

use super::context::{Context, Place, Step};
use super::envelope::{Envelope, Form, Top};
use super::raw::Raw;
use super::reader::{Reader, Seed, each, one_more, reads};
use super::{Source, function};
use crate::service::endpoint::FUNCTION;
use crate::service::library::{Halt, Library, Wanted};
use crate::service::limits::Limits;
use crate::wire::problem::{Failure, Fault, MOST_FAULTS, Slug};

/// The fields of a stage.
const FIELDS: &[&str] = FUNCTION;

/// Reads `stages`: all of them, so that all faults are found.
pub(super) fn functions(raw: Raw<'_>, body: &[u8], limits: &Limits, library: &Library) -> Result<Vec<Source>, Halt> {
    let stages = stages(raw, body, limits)?;
    let mut sources = Vec::with_capacity(stages.len());
    let mut faults = Gathered::default();
    let mut missing = Vec::new();
    for stage in &stages {
        match function(stage, body, limits, library) {
            Ok(source) => sources.push(source),
            Err(Halt::Failure(failure)) => faults.take(failure)?,
            Err(Halt::Missing(wanted)) => missing.extend(wanted),
        }
    }
    faults.verdict()?;
    if missing.is_empty() { Ok(sources) } else { Err(Halt::Missing(missing)) }
}

/// The registered functions among the stages. What is wrong with stages is for [`functions`] to say.
pub(super) fn references(raw: Raw<'_>, body: &[u8], limits: &Limits) -> Vec<Wanted> {
    // a key may be written with escapes
    if !raw.get().contains("\"function\"") && !raw.get().contains('\\') {
        return Vec::new();
    }
    let stages = stages(raw, body, limits).unwrap_or_default();
    stages.iter().filter_map(Wanted::of).collect()
}

fn stages<'a>(raw: Raw<'a>, body: &[u8], limits: &Limits) -> Result<Vec<Envelope<'a>>, Failure> {
    let mut context = Context::new(Some("stages"), limits.json_nesting, Slug::InvalidRequest);
    let read = Seed(Stages { context: &mut context, most: limits.functions }).deserialize(&mut super::json(raw));
    let stages = context.finish(read, raw.get(), body)?;
    if stages.is_empty() {
        let fault = Fault { pointer: "/stages".into(), detail: "a composition needs a stage".into(), hint: None };
        return Err(Failure::of_faults(Slug::InvalidRequest, vec![fault]));
    }
    Ok(stages)
}

/// Faults of several functions; the first decides what the problem is called.
#[derive(Debug, Default)]
pub(in crate::service) struct Gathered(Option<(Slug, Vec<Fault>)>);

impl Gathered {
    /// Takes in a function's faults; what is more than faults (a limit, text that is no JSON) ends the reading.
    pub(in crate::service) fn take(&mut self, failure: Failure) -> Result<(), Failure> {
        if failure.faults.is_empty() || failure.excess.is_some() || failure.slug == Slug::MalformedJson {
            return Err(failure);
        }
        let (_, faults) = self.0.get_or_insert((failure.slug, Vec::new()));
        faults.extend(failure.faults);
        faults.truncate(MOST_FAULTS);
        Ok(())
    }

    /// The faults as a failure, if there are any.
    pub(in crate::service) fn verdict(self) -> Result<(), Failure> {
        self.0.map_or(Ok(()), |(slug, faults)| Err(Failure::of_faults(slug, faults)))
    }
}

struct Stages<'c, 'de> {
    context: &'c mut Context<'de>,
    most: usize,
}

impl<'de> Reader<'de> for Stages<'_, 'de> {
    type Value = Vec<Envelope<'de>>;
    reads!("a list of functions", Vec::new());

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Envelope<'de>>, A::Error> {
        let Stages { context, most } = self;
        let mut stages: Vec<Envelope<'de>> = Vec::new();
        let mut count = 0;
        each!(list, context, index => Top {
            context: &mut *context, fields: FIELDS, form: (Form::Matrix, true), what: Cow::Borrowed("a stage"),
        }, stage => {
            // a stage is a function like the local ones of a graph
            one_more(context, &mut count, "limits.functions", most)?;
            let here = context.pointer();
            if !context.faults.iter().any(|fault| fault.pointer == here) {
                stage.check_function(context);
            }
            stages.push(Envelope { place: Place { stage: Some(index) }, ..stage });
        });
        Ok(stages)
    }
}

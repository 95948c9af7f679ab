//! From the bytes of a request to flat numbers, the key of its program, and (where no program is known yet) its function.
//!
//! No generic value tree is ever built. A request is read in two passes: the [`envelope`](mod@envelope) finds its fields and checks
//! the syntax of all of it; then each field is read by a reader that knows what belongs there. Everything wrong is collected with
//! its pointer; only text that is not JSON ends the reading early.

mod columns;
mod context;
mod cursor;
mod envelope;
mod explain;
mod gather;
mod graph;
mod inputs;
mod plain;
mod raw;
mod reader;
mod scan;
mod stages;
mod steps;
mod straight;
mod tensor;

use serde::de::DeserializeSeed;

pub(super) use context::{Place, push_key};
pub(super) use envelope::{Envelope, Form, Layout, Of, Said, Spans, envelope, glance, registration};
pub(super) use explain::{Expected, Field, Lead, explain};
pub(super) use gather::{Arrangement, Entry, Given, Reading};
pub(super) use stages::Gathered;
pub(super) use steps::SAMPLES;
pub(super) use tensor::{fits, special};

use context::Context;
use gather::{gather, split_columns};
use raw::Raw;
use reader::{Seed, Text, Texts};

use super::Endpoint;
use super::library::{Halt, Library, Wanted};
use super::limits::{Limits, check, exceeded};
use super::words::{SPELLING, quote};
use crate::engine::graph as engine;
use crate::notation::formula::{self, SyntaxError, SyntaxErrorKind};
use crate::wire::graph::{Graph, Input};
use crate::wire::problem::{Failure, Fault, MOST_FAULTS, Slug};

/// The numbers of a request; `Err` of the second kind where they do not make sense on their own.
pub(super) fn given(endpoint: Endpoint, envelope: &Envelope<'_>, body: &[u8], reading: Reading<'_>) -> Result<Given, Unsound> {
    let limits = reading.limits;
    let mut given = Given::default();
    let mut faults = Vec::new();
    if let Some(raw) = envelope.at {
        let (table, context) = gather("at", raw, body, false, reading)?;
        faults.extend(context.faults);
        given.at = table.entries;
    }
    if let Some(raw) = envelope.points {
        let (mut table, mut context) = gather("points", raw, body, true, reading)?;
        given.arrangement = match table.rows {
            Some(rows) => Arrangement::Rows(rows),
            None => Arrangement::Columns(split_columns(&mut table, &mut context)),
        };
        if table.rows.is_none() && table.entries.is_empty() && context.faults.is_empty() {
            context.fault("there is no column to tell the number of points", Some("one point is given as `at`".into()));
        }
        faults.extend(context.faults);
        given.points = table.entries;
        check("limits.points", given.arrangement.points(), limits.points)?;
    }
    if let (Some(field), Some(raw)) = (endpoint.direction(), envelope.direction) {
        let rows = envelope.points.is_some();
        let (table, mut context) = gather(field, raw, body, rows, reading)?;
        if let Some(rows) = table.rows
            && rows != given.arrangement.points()
        {
            context.fault(format!("{rows} directions stand beside {} points", given.arrangement.points()), None);
        }
        faults.extend(context.faults);
        given.direction_rows = table.rows;
        given.direction = table.entries;
    }
    if endpoint == Endpoint::Check {
        let (steps, arrangement) = steps::steps(envelope.step_sizes, body, limits, &given)?;
        given.points = vec![steps];
        given.arrangement = arrangement;
    }
    if faults.is_empty() { Ok(given) } else { Err(Unsound::Faults(faults)) }
}

/// Why numbers make no sense on their own.
pub(super) enum Unsound {
    /// Final: the text itself is at fault.
    Failure(Failure),
    /// To be explained knowing the function.
    Faults(Vec<Fault>),
}

impl From<Failure> for Unsound {
    fn from(failure: Failure) -> Unsound {
        Unsound::Failure(failure)
    }
}

/// A request's function, before any name in it is looked up.
#[derive(Debug)]
pub(super) struct Source {
    /// The function.
    pub(super) graph: Graph,
    /// Where it stands in the body.
    pub(super) pointer: String,
    /// The formula's text, where it was one.
    pub(super) text: Option<String>,
}

/// Reads the request's functions, of which each takes what the one before gives: one, but for a composition.
pub(super) fn functions(envelope: &Envelope<'_>, body: &[u8], limits: &Limits, library: &Library) -> Result<Vec<Source>, Halt> {
    match envelope.stages {
        Some(raw) => stages::functions(raw, body, limits, library),
        None => function(envelope, body, limits, library).map(|source| vec![source]),
    }
}

/// The request's function straight as a graph of the engine, where it is a plain one. What is wrong with it, if anything, who reads it as it is
/// written finds out.
pub(super) fn straight(envelope: &Envelope<'_>, limits: &Limits) -> Option<engine::Graph> {
    let raw = envelope.graph.filter(|_| envelope.stages.is_none())?;
    straight::function(raw.get(), limits)
}

/// The registered functions that a request refers to, in order.
pub(super) fn references(envelope: &Envelope<'_>, body: &[u8], limits: &Limits) -> Vec<Wanted> {
    match envelope.stages {
        Some(raw) => stages::references(raw, body, limits),
        None => Wanted::of(envelope).into_iter().collect(),
    }
}

/// Reads the function itself.
pub(super) fn function(envelope: &Envelope<'_>, body: &[u8], limits: &Limits, library: &Library) -> Result<Source, Halt> {
    let place = envelope.place;
    if let Some(wanted) = Wanted::of(envelope) {
        let known = library.function(&wanted).ok_or_else(|| Halt::Missing(vec![wanted]))?;
        let pointer = if envelope.addressed { String::new() } else { place.pointer("function") };
        return Ok(Source { graph: known.graph.clone(), pointer, text: None });
    }
    written(envelope, body, limits).map_err(Halt::Failure)
}

/// Reads a registered function's text.
pub(super) fn stored(text: &[u8], limits: &Limits) -> Result<Graph, Failure> {
    let raw: Raw<'_> = serde_json::from_slice(text).map_err(|error| Failure::new(Slug::Internal, error.to_string()))?;
    graph::graph(raw, Place::default(), text, limits)
}

/// Reads a function that the request itself writes.
pub(super) fn written(envelope: &Envelope<'_>, body: &[u8], limits: &Limits) -> Result<Source, Failure> {
    let place = envelope.place;
    if let Some(raw) = envelope.graph {
        return Ok(Source { graph: graph::graph(raw, place, body, limits)?, pointer: place.pointer("graph"), text: None });
    }
    let Some(raw) = envelope.formula else {
        return Err(Failure::new(Slug::InvalidRequest, "the function is missing"));
    };
    let mut context = Context::of(place, "formula", limits.json_nesting, Slug::InvalidRequest);
    let read = Seed(Text { context: &mut context, expects: "a formula (a string)" }).deserialize(&mut json(raw));
    let text = context.finish(read, raw.get(), body)?.unwrap_or_default();
    let inputs = envelope.inputs.map(|raw| inputs::inputs(raw, place, body, limits)).transpose()?;
    let outputs = envelope.outputs.map(|raw| names((place, "outputs"), raw, body, limits)).transpose()?;
    check("limits.formula_bytes", text.len(), limits.formula_bytes)?;
    if let Some(inputs) = &inputs {
        repeated(&place.pointer("inputs"), inputs.iter().map(|input| input.name.as_str()))?;
        spelt(&place.pointer("inputs"), inputs)?;
    }
    if let Some(outputs) = &outputs {
        repeated(&place.pointer("outputs"), outputs.iter().map(String::as_str))?;
        if outputs.is_empty() {
            let hint = Some("leave `outputs` out to get the last statement".to_owned());
            let fault = Fault { pointer: place.pointer("outputs"), detail: "a function needs an output".into(), hint };
            return Err(Failure::of_faults(Slug::InvalidRequest, vec![fault]));
        }
    }
    let options = formula::Options { inputs, outputs, nesting: limits.formula_nesting, bytes: limits.formula_bytes };
    match formula::parse(&text, &options) {
        Ok(graph) => Ok(Source { graph, pointer: place.pointer("formula"), text: Some(text.into_owned()) }),
        Err(error) => Err(syntax(error, place)),
    }
}

/// What a formula that does not parse is answered with.
fn syntax(error: SyntaxError, place: Place) -> Failure {
    let (slug, pointer) = match error.kind {
        SyntaxErrorKind::Limit { limit, asked, allowed } => {
            let name = match limit {
                formula::Limit::Nesting => "limits.formula_nesting",
                formula::Limit::Bytes => "limits.formula_bytes",
            };
            return exceeded(name, asked as f64, allowed as f64);
        }
        SyntaxErrorKind::Inputs => (Slug::InvalidRequest, place.pointer("inputs")),
        SyntaxErrorKind::Outputs(index) => (Slug::InvalidRequest, format!("{}/{index}", place.pointer("outputs"))),
        SyntaxErrorKind::Syntax | SyntaxErrorKind::UnknownFunction | SyntaxErrorKind::UnknownName | SyntaxErrorKind::Duplicate => {
            (Slug::InvalidFormula, place.pointer("formula"))
        }
    };
    let detail = error.to_string();
    Failure::of_faults(slug, vec![Fault { pointer, detail, hint: error.hint }])
}

/// Refuses inputs that no formula can name.
fn spelt(pointer: &str, inputs: &[Input]) -> Result<(), Failure> {
    let misspelt = inputs.iter().enumerate().filter(|(_, input)| !formula::is_name(&input.name)).take(MOST_FAULTS);
    let faults: Vec<Fault> = misspelt
        .map(|(i, input)| Fault {
            pointer: format!("{pointer}/{i}"),
            detail: format!("{} is not a name", quote(&input.name)),
            hint: Some(SPELLING.to_owned()),
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Failure::of_faults(Slug::InvalidRequest, faults)) }
}

/// Reads a list of names: `wrt`, which are inputs, or `outputs`.
pub(super) fn names((place, field): (Place, &'static str), raw: Raw<'_>, body: &[u8], limits: &Limits) -> Result<Vec<String>, Failure> {
    let most = if field == "outputs" { ("limits.outputs", limits.outputs) } else { ("limits.inputs", limits.inputs) };
    let mut context = Context::of(place, field, limits.json_nesting, Slug::InvalidRequest);
    let read = Seed(Texts { context: &mut context, expects: "a list of names", most }).deserialize(&mut json(raw));
    context.finish(read, raw.get(), body)
}

/// Refuses a list of names in which one stands twice.
pub(super) fn repeated<'a>(pointer: &str, names: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let mut seen = std::collections::HashSet::new();
    let faults: Vec<Fault> = names
        .enumerate()
        .filter(|(_, name)| !seen.insert(*name))
        .take(MOST_FAULTS)
        .map(|(i, name)| Fault { pointer: format!("{pointer}/{i}"), detail: format!("{} stands twice", quote(name)), hint: None })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Failure::of_faults(Slug::InvalidRequest, faults)) }
}

/// A reader of one field's bytes.
fn json(raw: Raw<'_>) -> serde_json::Deserializer<serde_json::de::StrRead<'_>> {
    serde_json::Deserializer::from_str(raw.get())
}

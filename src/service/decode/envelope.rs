//! The top level of a request: which fields there are, each still as its bytes.
//!
//! This pass checks the syntax of the whole body, knows the fields of each endpoint, and interprets only the few words among them:
//! the function's bytes are the key of the program cache, and the points are read once it is clear what they are points of.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess};
use smallvec::SmallVec;

use super::context::{Context, Place};
use super::raw::Raw;
use super::reader::{Flag, Key, Reader, Seed, Text, reads};
use super::scan;
use crate::engine::program::Mode;
use crate::service::words::{meant, quote};
use crate::service::{Ask, Endpoint};
use crate::wire::problem::{Failure, Slug};

/// How a Jacobian is laid out in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::service) enum Form {
    /// A tensor an output and input.
    #[default]
    Blocks,
    /// One matrix over the flattened outputs and inputs.
    Matrix,
}

/// Which of the two transposes of a Jacobian the answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::service) enum Layout {
    /// J_ij = ∂y_i/∂x_j
    #[default]
    Numerator,
    /// J_ij = ∂y_j/∂x_i
    Denominator,
}

/// Which derivative is wanted as a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Of {
    Gradient,
    Jacobian,
    Hessian,
    Jvp,
    Vjp,
}

impl Of {
    const WORDS: [(&'static str, Option<Of>); 5] = [
        ("gradient", Some(Of::Gradient)),
        ("jacobian", Some(Of::Jacobian)),
        ("hessian", Some(Of::Hessian)),
        ("jvp", Some(Of::Jvp)),
        ("vjp", Some(Of::Vjp)),
    ];
}

/// A request's fields, or those of a stage of a composition.
#[derive(Debug, Default)]
pub(in crate::service) struct Fields<R> {
    /// Whose function's fields these are.
    pub(in crate::service) place: Place,
    /// The functions of a composition.
    pub(in crate::service) stages: Option<R>,
    pub(in crate::service) step_sizes: Option<R>,
    pub(in crate::service) of: Option<Of>,
    /// Whether a derivative has the function's own outputs, too.
    pub(in crate::service) value: bool,
    /// The id or name of a registered function.
    pub(in crate::service) function: Option<String>,
    /// Whether the path names the function, and not the body.
    pub(in crate::service) addressed: bool,
    pub(in crate::service) graph: Option<R>,
    pub(in crate::service) formula: Option<R>,
    pub(in crate::service) inputs: Option<R>,
    pub(in crate::service) outputs: Option<R>,
    pub(in crate::service) at: Option<R>,
    pub(in crate::service) points: Option<R>,
    /// `tangent` of a JVP, `cotangent` of a VJP, `vector` of a Hessian's product, `direction` of a series.
    pub(in crate::service) direction: Option<R>,
    pub(in crate::service) wrt: Option<R>,
    /// The order of a series.
    pub(in crate::service) order: Option<usize>,
    pub(in crate::service) mode: Mode,
    pub(in crate::service) form: Form,
    pub(in crate::service) layout: Layout,
    pub(in crate::service) diagnostics: bool,
    /// Of a registration.
    pub(in crate::service) said: Said,
}

/// What is said of a function that is registered.
#[derive(Debug, Clone, Default)]
pub(in crate::service) struct Said {
    pub(in crate::service) name: Option<String>,
    pub(in crate::service) description: Option<String>,
    pub(in crate::service) public: Option<bool>,
}

/// A request's fields, each still as its text.
pub(in crate::service) type Envelope<'a> = Fields<Raw<'a>>;

/// The same without the body: where each field stands in it.
pub(in crate::service) type Spans = Fields<Range<usize>>;

impl<R: Clone> Fields<R> {
    fn map<S>(&self, to: impl Fn(R) -> S) -> Fields<S> {
        let to = |raw: &Option<R>| raw.clone().map(&to);
        Fields {
            place: self.place,
            stages: to(&self.stages),
            step_sizes: to(&self.step_sizes),
            of: self.of,
            value: self.value,
            function: self.function.clone(),
            addressed: self.addressed,
            graph: to(&self.graph),
            formula: to(&self.formula),
            inputs: to(&self.inputs),
            outputs: to(&self.outputs),
            at: to(&self.at),
            points: to(&self.points),
            direction: to(&self.direction),
            wrt: to(&self.wrt),
            order: self.order,
            mode: self.mode,
            form: self.form,
            layout: self.layout,
            diagnostics: self.diagnostics,
            said: self.said.clone(),
        }
    }
}

impl Envelope<'_> {
    /// Where each field stands in the body that they were read from.
    pub(in crate::service) fn spans(&self, body: &[u8]) -> Spans {
        self.map(|raw| raw.span(body))
    }
}

impl Spans {
    /// The fields again, of the body that they were read from.
    pub(in crate::service) fn envelope<'a>(&self, body: &'a [u8]) -> Envelope<'a> {
        self.map(|span| Raw::at(body, span))
    }
}

/// A request's top level, where it is plain and nothing is wrong with it; its fields are not yet known to be JSON.
///
/// Each of them is then either read or found equal to one that was. What is wrong with a request that cannot be read on from here is
/// what [`envelope`] says, if it says anything.
pub(in crate::service) fn glance(asked: Ask<'_>) -> Option<Envelope<'_>> {
    let Ask { endpoint, function, .. } = asked;
    let members = scan::members(std::str::from_utf8(asked.body).ok()?)?;
    let fields = if function.is_some() { endpoint.fields_beside_a_function() } else { endpoint.fields() };
    let (form, fixed) = endpoint.form();
    let mut envelope = Envelope { form, ..Envelope::default() };
    for (i, &(key, text)) in members.iter().enumerate() {
        let field = fields.iter().copied().find(|&field| field == key)?;
        if members[..i].iter().any(|(other, _)| *other == key) {
            return None;
        }
        match field {
            "mode" => envelope.mode = plain(text, &MODES)?,
            "form" => envelope.form = plain(text, forms(fixed))?,
            "of" => envelope.of = plain(text, &Of::WORDS)?,
            "layout" => envelope.layout = plain(text, &LAYOUTS)?,
            "value" => envelope.value = text.parse().ok()?,
            "diagnostics" => envelope.diagnostics = text.parse().ok()?,
            "function" => envelope.function = Some(simple(text)?.to_owned()),
            "order" => return None,
            _ if text.starts_with(['{', '[', '"']) => *envelope.raw(field) = Some(Raw::of(text)),
            _ => return None,
        }
    }
    let mut context = Context::new(None, 1, Slug::InvalidRequest);
    envelope.address(function);
    envelope.check(endpoint, &mut context);
    context.faults.is_empty().then_some(envelope)
}

/// A string without escapes.
fn simple(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"').filter(|word| !word.contains('\\'))
}

/// One of a few words as a string.
fn plain<T: Copy>(text: &str, words: &[(&str, T)]) -> Option<T> {
    let word = simple(text)?;
    words.iter().find(|(own, _)| *own == word).map(|(_, value)| *value)
}

const MODES: [(&str, Mode); 3] = [("auto", Mode::Auto), ("forward", Mode::Forward), ("reverse", Mode::Reverse)];
const LAYOUTS: [(&str, Layout); 2] = [("numerator", Layout::Numerator), ("denominator", Layout::Denominator)];

/// The forms of a matrix, or the only one.
fn forms(fixed: bool) -> &'static [(&'static str, Form)] {
    const FORMS: [(&str, Form); 2] = [("blocks", Form::Blocks), ("matrix", Form::Matrix)];
    &FORMS[usize::from(fixed)..]
}

/// Reads a request's top level.
pub(in crate::service) fn envelope<'a>(asked: Ask<'a>, nesting: usize) -> Result<Envelope<'a>, Failure> {
    let Ask { endpoint, body, function, .. } = asked;
    let (fields, what) = match function {
        None => (endpoint.fields(), format!("a request to /{}", endpoint.name())),
        Some(_) => (endpoint.fields_beside_a_function(), format!("a request to /functions/…/{}", endpoint.name())),
    };
    top(body, nesting, (fields, endpoint.form(), what), |envelope, context| {
        envelope.address(function);
        envelope.check(endpoint, context);
    })
}

/// Reads the top level of a registration, of a name that the path says or of one that it says itself.
pub(in crate::service) fn registration(body: &[u8], named: bool, nesting: usize) -> Result<Envelope<'_>, Failure> {
    const FIELDS: [&str; 8] = ["name", "function", "formula", "graph", "inputs", "outputs", "description", "public"];
    let (fields, what) = if named { (&FIELDS[1..], "a request to /functions/…") } else { (&FIELDS[..], "a request to /functions") };
    top(body, nesting, (fields, (Form::Blocks, false), what.to_owned()), |envelope, context| envelope.check_function(context))
}

/// Reads an object with those fields.
fn top<'a>(
    body: &'a [u8],
    nesting: usize,
    (fields, form, what): (&'static [&'static str], (Form, bool), String),
    check: impl FnOnce(&mut Envelope<'a>, &mut Context<'_>),
) -> Result<Envelope<'a>, Failure> {
    if body.trim_ascii().is_empty() {
        return Err(Failure::new(Slug::MalformedJson, "the body is empty; a request is a JSON object"));
    }
    let mut context = Context::new(None, nesting, Slug::InvalidRequest);
    let mut json = serde_json::Deserializer::from_slice(body);
    let top = Top { context: &mut context, fields, form, what: Cow::Owned(what) };
    let read = Seed(top).deserialize(&mut json).and_then(|envelope| json.end().map(|()| envelope));
    let mut envelope = match read {
        Ok(envelope) => envelope,
        Err(error) => return Err(context.failure(&error, "", b"")),
    };
    let not_an_object = !context.faults.is_empty() && context.faults[0].pointer.is_empty();
    if !not_an_object {
        check(&mut envelope, &mut context);
    }
    context.verdict().map(|()| envelope)
}

impl Envelope<'_> {
    /// Takes in what the path says of the function.
    fn address(&mut self, function: Option<&str>) {
        self.addressed = function.is_some();
        if let Some(name) = function {
            self.function = Some(name.to_owned());
        }
    }

    /// What must and what may stand together.
    fn check(&self, endpoint: Endpoint, context: &mut Context<'_>) {
        if endpoint == Endpoint::Chain {
            if self.stages.is_none() {
                context.fault("`stages` is missing", Some("a list of functions, applied from the left to the right".to_owned()));
            }
            return;
        }
        if !self.addressed {
            self.check_function(context);
        }
        if endpoint == Endpoint::Derivative && self.of.is_none() && !context.faults.iter().any(|fault| fault.pointer == "/of") {
            let words: Vec<&str> = Of::WORDS.iter().map(|(word, _)| *word).collect();
            context.fault("`of` is missing", Some(format!("it says which derivative: \"{}\"", words.join("\", \""))));
        }
        if let (Some(name), None) = (endpoint.direction(), self.direction)
            && endpoint != Endpoint::Check
        {
            context.fault(format!("`{name}` is missing"), None);
        }
        if endpoint == Endpoint::Taylor && self.order.is_none() {
            context.fault("`order` is missing", Some("the highest power of t, an integer from 0".to_owned()));
        }
    }

    /// That there is one function.
    pub(super) fn check_function(&self, context: &mut Context<'_>) {
        let fields = [("graph", self.graph.is_some()), ("formula", self.formula.is_some()), ("function", self.function.is_some())];
        let given: SmallVec<[&str; 3]> = fields.into_iter().filter_map(|(field, given)| given.then_some(field)).collect();
        let hint = || Some("give the function as `graph` or as `formula`, or say with `function` which registered one it is".to_owned());
        match given[..] {
            // one that is no string has been found wrong already
            [] if context.faults.iter().any(|fault| fault.pointer == format!("{}/function", context.pointer())) => {}
            [] => context.fault("the function is missing", hint()),
            ["formula"] => {}
            [field] => {
                for (name, raw) in [("inputs", self.inputs), ("outputs", self.outputs)] {
                    if raw.is_some() {
                        let detail = format!("`{name}` stands beside a `{field}`, which has its own");
                        let hint = if field == "graph" { format!("put `{name}` into `graph`") } else { format!("leave `{name}` out") };
                        context.fault_at(name, detail, Some(hint));
                    }
                }
            }
            [first, second, ..] => context.fault(format!("the function is given twice, as `{first}` and as `{second}`"), hint()),
        }
    }
}

/// An object with a request's fields, or with those of a stage.
pub(super) struct Top<'c, 'de> {
    pub(super) context: &'c mut Context<'de>,
    pub(super) fields: &'static [&'static str],
    /// The form of matrices where nothing is said of it, and whether there is no other.
    pub(super) form: (Form, bool),
    /// What has these fields.
    pub(super) what: Cow<'static, str>,
}

impl<'de> Reader<'de> for Top<'_, 'de> {
    type Value = Envelope<'de>;

    fn context(&mut self) -> &mut Context<'de> {
        self.context
    }

    fn expects(&self) -> &'static str {
        "an object"
    }

    fn absent(self) -> Envelope<'de> {
        Envelope::default()
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Envelope<'de>, A::Error> {
        let Top { context, fields, form: (form, fixed), what } = self;
        let mut envelope = Envelope { form, ..Envelope::default() };
        let mut seen: Vec<&'static str> = Vec::with_capacity(8);
        let mut unknown: Vec<Cow<'de, str>> = Vec::new();
        while let Some(key) = object.next_key_seed(Key)? {
            let Some(&field) = fields.iter().find(|&&field| field == key) else {
                if unknown.contains(&key) {
                    return Err(context.duplicate(&key));
                }
                object.next_value::<IgnoredAny>()?;
                if !context.full() {
                    context.unknown(&key, &what, fields);
                    unknown.push(key);
                }
                continue;
            };
            if seen.contains(&field) {
                return Err(context.duplicate(field));
            }
            seen.push(field);
            context.enter(super::context::Step::Key(Cow::Borrowed(field)));
            match field {
                "mode" => envelope.mode = word(&mut object, context, &MODES)?,
                "form" => envelope.form = word(&mut object, context, forms(fixed))?,
                "of" => envelope.of = word(&mut object, context, &Of::WORDS)?,
                "value" => envelope.value = object.next_value_seed(Seed(Flag { context: &mut *context }))?,
                "layout" => envelope.layout = word(&mut object, context, &LAYOUTS)?,
                "order" => envelope.order = Some(object.next_value_seed(Seed(Order { context: &mut *context }))?),
                "function" => {
                    envelope.function = text(&mut object, context, "the id or name of a function (a string)")?.map(Cow::into_owned)
                }
                "name" => envelope.said.name = text(&mut object, context, "a name (a string)")?.map(Cow::into_owned),
                "description" => envelope.said.description = text(&mut object, context, "a string")?.map(Cow::into_owned),
                "public" => envelope.said.public = Some(object.next_value_seed(Seed(Flag { context: &mut *context }))?),
                "diagnostics" => envelope.diagnostics = object.next_value_seed(Seed(Flag { context: &mut *context }))?,
                _ => *envelope.raw(field) = Some(object.next_value()?),
            }
            context.leave();
        }
        Ok(envelope)
    }
}

impl<'a> Envelope<'a> {
    fn raw(&mut self, field: &str) -> &mut Option<Raw<'a>> {
        match field {
            "graph" => &mut self.graph,
            "formula" => &mut self.formula,
            "inputs" => &mut self.inputs,
            "outputs" => &mut self.outputs,
            "at" => &mut self.at,
            "points" => &mut self.points,
            "stages" => &mut self.stages,
            "step_sizes" => &mut self.step_sizes,
            "wrt" => &mut self.wrt,
            _ => &mut self.direction,
        }
    }
}

/// The order of a derivative.
struct Order<'c, 'de> {
    context: &'c mut Context<'de>,
}

impl<'de> Reader<'de> for Order<'_, 'de> {
    type Value = usize;
    reads!("an integer", 0);

    fn number(self, value: f64) -> usize {
        if value >= 0.0 && value.fract() == 0.0 {
            return value as usize;
        }
        self.context.fault(format!("an order is an integer from 0, not {value}"), None);
        0
    }
}

/// A string.
fn text<'de, A: MapAccess<'de>>(
    object: &mut A,
    context: &mut Context<'de>,
    expects: &'static str,
) -> Result<Option<Cow<'de, str>>, A::Error> {
    object.next_value_seed(Seed(Text { context, expects }))
}

/// One of a few words.
fn word<'de, A: MapAccess<'de>, T: Copy + Default>(object: &mut A, context: &mut Context<'de>, words: &[(&str, T)]) -> Result<T, A::Error>
where
    A::Error: Error,
{
    let Some(text) = object.next_value_seed(Seed(Text { context: &mut *context, expects: "a string" }))? else {
        return Ok(T::default());
    };
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let list = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let hint = meant(&text, words.iter().map(|(word, _)| *word));
    context.fault(format!("{} is none of {list}", quote(&text)), hint);
    Ok(T::default())
}

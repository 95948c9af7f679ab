//! The top level of a request: which fields there are, each still as its bytes.
//!
//! This pass checks the syntax of the whole body, knows the fields of each endpoint, and interprets only the few words among them:
//! the function's bytes are the key of the program cache, and the points are read once it is clear what they are points of.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess};
use serde_json::value::RawValue;

use super::context::Context;
use super::reader::{Key, Reader, Seed, Text, reads};
use crate::engine::program::Mode;
use crate::service::Endpoint;
use crate::service::words::{meant, quote};
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

/// A request's fields.
#[derive(Debug, Default)]
pub(in crate::service) struct Envelope<'a> {
    pub(in crate::service) graph: Option<&'a RawValue>,
    pub(in crate::service) formula: Option<&'a RawValue>,
    pub(in crate::service) inputs: Option<&'a RawValue>,
    pub(in crate::service) outputs: Option<&'a RawValue>,
    pub(in crate::service) at: Option<&'a RawValue>,
    pub(in crate::service) points: Option<&'a RawValue>,
    /// `tangent` of a JVP, `cotangent` of a VJP, `vector` of a Hessian's product, `direction` of a series.
    pub(in crate::service) direction: Option<&'a RawValue>,
    pub(in crate::service) wrt: Option<&'a RawValue>,
    /// The order of a series.
    pub(in crate::service) order: Option<usize>,
    pub(in crate::service) mode: Mode,
    pub(in crate::service) form: Form,
    pub(in crate::service) layout: Layout,
}

/// Reads a request's top level.
pub(in crate::service) fn envelope(endpoint: Endpoint, body: &[u8], nesting: usize) -> Result<Envelope<'_>, Failure> {
    if body.trim_ascii().is_empty() {
        return Err(Failure::new(Slug::MalformedJson, "the body is empty; a request is a JSON object"));
    }
    let mut context = Context::new(None, nesting, Slug::InvalidRequest);
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = Seed(Top { context: &mut context, endpoint }).deserialize(&mut json).and_then(|envelope| json.end().map(|()| envelope));
    let envelope = match read {
        Ok(envelope) => envelope,
        Err(error) => return Err(context.failure(&error, "", b"")),
    };
    let not_an_object = !context.faults.is_empty() && context.faults[0].pointer.is_empty();
    if !not_an_object {
        envelope.check(endpoint, &mut context);
    }
    context.verdict().map(|()| envelope)
}

impl Envelope<'_> {
    /// What must and what may stand together.
    fn check(&self, endpoint: Endpoint, context: &mut Context<'_>) {
        let hint = "give the function as `graph` or as `formula`".to_owned();
        match (self.graph, self.formula) {
            (None, None) => context.fault("the function is missing", Some(hint)),
            (Some(_), Some(_)) => context.fault("the function is given twice, as `graph` and as `formula`", Some(hint)),
            (Some(_), None) => {
                for (name, field) in [("inputs", self.inputs), ("outputs", self.outputs)] {
                    if field.is_some() {
                        let detail = format!("`{name}` stands beside a `graph`, which has its own");
                        context.fault_at(name, detail, Some(format!("put `{name}` into `graph`")));
                    }
                }
            }
            (None, Some(_)) => {}
        }
        if let (Some(name), None) = (endpoint.direction(), self.direction) {
            context.fault(format!("`{name}` is missing"), None);
        }
        if endpoint == Endpoint::Taylor && self.order.is_none() {
            context.fault("`order` is missing", Some("the highest power of t, an integer from 0".to_owned()));
        }
    }
}

struct Top<'c, 'de> {
    context: &'c mut Context<'de>,
    endpoint: Endpoint,
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
        let Top { context, endpoint } = self;
        let mut envelope = Envelope::default();
        let mut seen: Vec<&'static str> = Vec::with_capacity(8);
        let mut unknown: Vec<Cow<'de, str>> = Vec::new();
        while let Some(key) = object.next_key_seed(Key)? {
            let Some(&field) = endpoint.fields().iter().find(|&&field| field == key) else {
                if unknown.contains(&key) {
                    return Err(context.duplicate(&key));
                }
                object.next_value::<IgnoredAny>()?;
                if !context.full() {
                    context.unknown(&key, &format!("a request to /{}", endpoint.name()), endpoint.fields());
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
                "mode" => {
                    let words = [("auto", Mode::Auto), ("forward", Mode::Forward), ("reverse", Mode::Reverse)];
                    envelope.mode = word(&mut object, context, &words)?;
                }
                "form" => {
                    envelope.form = word(&mut object, context, &[("blocks", Form::Blocks), ("matrix", Form::Matrix)])?;
                }
                "layout" => {
                    let words = [("numerator", Layout::Numerator), ("denominator", Layout::Denominator)];
                    envelope.layout = word(&mut object, context, &words)?;
                }
                "order" => envelope.order = Some(object.next_value_seed(Seed(Order { context: &mut *context }))?),
                _ => *envelope.raw(field) = Some(object.next_value()?),
            }
            context.leave();
        }
        Ok(envelope)
    }
}

impl<'a> Envelope<'a> {
    fn raw(&mut self, field: &str) -> &mut Option<&'a RawValue> {
        match field {
            "graph" => &mut self.graph,
            "formula" => &mut self.formula,
            "inputs" => &mut self.inputs,
            "outputs" => &mut self.outputs,
            "at" => &mut self.at,
            "points" => &mut self.points,
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

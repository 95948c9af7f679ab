//! Inputs with their shapes, as a graph lists them and as they stand beside a formula.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess};

use super::context::{Context, Place, Step};
use super::raw::Raw;
use super::reader::{Key, Reader, Seed, Text, each, one_more, reads};
use crate::service::limits::Limits;
use crate::wire::graph::Input;
use crate::wire::problem::{Failure, Slug};

/// Reads the `inputs` beside a formula: a bare name says the order and leaves the shape open.
pub(in crate::service) fn inputs(raw: Raw<'_>, place: Place, body: &[u8], limits: &Limits) -> Result<Vec<Input>, Failure> {
    let mut context = Context::of(place, "inputs", limits.json_nesting, Slug::InvalidRequest);
    let read = Seed(Inputs { context: &mut context, most: limits.inputs, bare: None }).deserialize(&mut super::json(raw));
    context.finish(read, raw.get(), body)
}

/// The list of inputs.
pub(super) struct Inputs<'c, 'de> {
    pub(super) context: &'c mut Context<'de>,
    pub(super) most: usize,
    /// The shape of a bare name.
    pub(super) bare: Option<Vec<usize>>,
}

impl<'de> Reader<'de> for Inputs<'_, 'de> {
    type Value = Vec<Input>;
    reads!("a list of inputs", Vec::new());

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Input>, A::Error> {
        let Inputs { context, most, bare } = self;
        let mut inputs = Vec::new();
        let mut count = 0;
        each!(list, context, index => OneInput { context: &mut *context, bare: &bare }, input => {
            one_more(context, &mut count, "limits.inputs", most)?;
            inputs.extend(input);
        });
        Ok(inputs)
    }
}

struct OneInput<'c, 'de> {
    context: &'c mut Context<'de>,
    bare: &'c Option<Vec<usize>>,
}

impl<'de> Reader<'de> for OneInput<'_, 'de> {
    type Value = Option<Input>;
    reads!("a name or {\"name\", \"shape\"}", None);

    fn text(self, name: Cow<'de, str>) -> Option<Input> {
        Some(Input { name: name.into_owned(), shape: self.bare.clone() })
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Option<Input>, A::Error> {
        let OneInput { context, bare } = self;
        let (mut name, mut shape) = (None, None);
        while let Some(key) = object.next_key_seed(Key)? {
            let repeated = match &*key {
                "name" => name.is_some(),
                "shape" => shape.is_some(),
                _ => {
                    object.next_value::<IgnoredAny>()?;
                    context.unknown(&key, "an input", &["name", "shape"]);
                    continue;
                }
            };
            if repeated {
                return Err(context.duplicate(&key));
            }
            let is_name = key == "name";
            context.enter(Step::Key(key));
            if is_name {
                name = Some(object.next_value_seed(Seed(Text { context: &mut *context, expects: "a name" }))?);
            } else {
                shape = Some(object.next_value_seed(Seed(Sizes { context: &mut *context }))?);
            }
            context.leave();
        }
        let Some(name) = name else {
            context.fault("an input needs a `name`", None);
            return Ok(None);
        };
        let shape = shape.map_or_else(|| bare.clone(), Some);
        Ok(name.map(|name| Input { name: name.into_owned(), shape }))
    }
}

/// A list of sizes.
struct Sizes<'c, 'de> {
    context: &'c mut Context<'de>,
}

impl<'de> Reader<'de> for Sizes<'_, 'de> {
    type Value = Vec<usize>;
    reads!("a list of sizes", Vec::new());

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<usize>, A::Error> {
        let Sizes { context } = self;
        let mut sizes = Vec::new();
        each!(list, context, index => Size { context: &mut *context }, size => { sizes.push(size); });
        Ok(sizes)
    }
}

struct Size<'c, 'de> {
    context: &'c mut Context<'de>,
}

impl<'de> Reader<'de> for Size<'_, 'de> {
    type Value = usize;
    reads!("a size", 0);

    fn number(self, value: f64) -> usize {
        if value >= 0.0 && value.fract() == 0.0 && value <= 2f64.powi(53) {
            return value as usize;
        }
        self.context.fault(format!("a size is an integer from 0 to 2^53, not {value}"), None);
        0
    }
}

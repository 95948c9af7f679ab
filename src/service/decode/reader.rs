//! One reader of JSON values over serde_json's visitors: a value of a kind that does not belong is a fault, not the end.
//!
//! serde_json bounds its own recursion at 128 levels, and [`Context::open`] bounds it at the setting; skipped values are skipped
//! without recursion.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::context::{Context, Step};
use crate::service::limits::exceeded;

/// Reads one JSON value. What a reader does not override is a fault.
pub(super) trait Reader<'de>: Sized {
    /// What it makes of the value.
    type Value;

    /// Where it stands.
    fn context(&mut self) -> &mut Context<'de>;

    /// What belongs here, e.g. "a number".
    fn expects(&self) -> &'static str;

    /// The value to go on with after a fault.
    fn absent(self) -> Self::Value;

    /// A value of the wrong kind.
    fn refuse(mut self, found: &str) -> Self::Value {
        let expects = self.expects();
        self.context().fault(format!("{found} stands where {expects} belongs"), None);
        self.absent()
    }

    fn null(self) -> Self::Value {
        self.refuse("null")
    }

    fn boolean(self, _value: bool) -> Self::Value {
        self.refuse("a boolean")
    }

    fn number(self, _value: f64) -> Self::Value {
        self.refuse("a number")
    }

    fn text(self, _value: Cow<'de, str>) -> Self::Value {
        self.refuse("a string")
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.refuse("a list"))
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.refuse("an object"))
    }
}

/// A [`Reader`] as serde has it.
pub(super) struct Seed<R>(pub(super) R);

impl<'de, R: Reader<'de>> DeserializeSeed<'de> for Seed<R> {
    type Value = R::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<R::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Reader<'de>> Visitor<'de> for Seed<R> {
    type Value = R::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.expects())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<R::Value, E> {
        Ok(self.0.boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<R::Value, E> {
        Ok(self.0.number(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<R::Value, E> {
        Ok(self.0.number(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<R::Value, E> {
        Ok(self.0.number(value))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<R::Value, E> {
        Ok(self.0.text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<R::Value, E> {
        Ok(self.0.text(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<R::Value, E> {
        Ok(self.0.null())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, list: A) -> Result<R::Value, A::Error> {
        self.0.context().open()?;
        self.0.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, object: A) -> Result<R::Value, A::Error> {
        self.0.context().open()?;
        self.0.object(object)
    }
}

/// The reader's fixed parts.
macro_rules! reads {
    ($expects:literal, $absent:expr) => {
        fn context(&mut self) -> &mut Context<'de> {
            self.context
        }

        fn expects(&self) -> &'static str {
            $expects
        }

        fn absent(self) -> Self::Value {
            $absent
        }
    };
}
pub(super) use reads;

/// Reads a list, each element by the reader that `$element` makes.
macro_rules! each {
    ($list:ident, $context:ident, $index:ident => $element:expr, $value:pat => $take:block) => {{
        let mut $index = 0usize;
        $context.enter(Step::Index(0));
        while let Some($value) = $list.next_element_seed(Seed($element))? {
            $take
            $index += 1;
            $context.advance($index);
        }
        $context.leave();
    }};
}
pub(super) use each;

/// One more of something, unless that is too many.
pub(super) fn one_more<E: Error>(context: &mut Context<'_>, count: &mut usize, limit: &str, most: usize) -> Result<(), E> {
    *count += 1;
    if *count > most { Err(context.fail(exceeded(limit, *count as f64, most as f64))) } else { Ok(()) }
}

/// An object's key.
pub(super) struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

/// A string.
pub(super) struct Text<'c, 'de> {
    pub(super) context: &'c mut Context<'de>,
    pub(super) expects: &'static str,
}

impl<'de> Reader<'de> for Text<'_, 'de> {
    type Value = Option<Cow<'de, str>>;

    fn context(&mut self) -> &mut Context<'de> {
        self.context
    }

    fn expects(&self) -> &'static str {
        self.expects
    }

    fn absent(self) -> Self::Value {
        None
    }

    fn text(self, value: Cow<'de, str>) -> Self::Value {
        Some(value)
    }
}

/// `true` or `false`.
pub(super) struct Flag<'c, 'de> {
    pub(super) context: &'c mut Context<'de>,
}

impl<'de> Reader<'de> for Flag<'_, 'de> {
    type Value = bool;
    reads!("true or false", false);

    fn boolean(self, value: bool) -> bool {
        value
    }
}

/// A list of strings, with where faults of its own would be noted left to the caller.
pub(super) struct Texts<'c, 'de> {
    pub(super) context: &'c mut Context<'de>,
    pub(super) expects: &'static str,
    /// The limit's name, and how many it allows.
    pub(super) most: (&'static str, usize),
}

impl<'de> Reader<'de> for Texts<'_, 'de> {
    type Value = Vec<String>;

    fn context(&mut self) -> &mut Context<'de> {
        self.context
    }

    fn expects(&self) -> &'static str {
        self.expects
    }

    fn absent(self) -> Self::Value {
        Vec::new()
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        self.context.enter(Step::Index(0));
        while let Some(text) = list.next_element_seed(Seed(Text { context: self.context, expects: "a name" }))? {
            texts.push(text.map_or_else(String::new, Cow::into_owned));
            let (limit, most) = self.most;
            if texts.len() > most {
                return Err(self.context.fail(exceeded(limit, texts.len() as f64, most as f64)));
            }
            self.context.advance(texts.len());
        }
        self.context.leave();
        Ok(texts)
    }
}

//! What is wrong with points that do not fit their function: read once more, knowing the inputs, for the sake of the message.
//!
//! Only ever runs after something was found wrong, so it may take its time; it keeps no values.

use std::collections::{HashMap, HashSet};

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess};

use super::context::{Context, Step};
use super::gather::Column;
use super::raw::Raw;
use super::reader::{Key, Reader, Seed};
use super::tensor::{Form, Numbers, fits};
use crate::service::words::{meant, quote};
use crate::wire::problem::{Failure, MOST_FAULTS, Slug};

/// The names that belong in a field, with their shapes where these are known.
#[derive(Debug)]
pub(in crate::service) struct Expected<'e> {
    names: Vec<&'e str>,
    index: HashMap<&'e str, usize>,
    shapes: Vec<Option<Vec<usize>>>,
    /// "input" or "output".
    what: &'static str,
    /// What else to say to a name that is none of these.
    aside: fn(&str) -> Option<String>,
}

impl<'e> Expected<'e> {
    /// These names, each with its shape or, where the function leaves it open, whatever is given first.
    pub(in crate::service) fn new(
        what: &'static str,
        aside: fn(&str) -> Option<String>,
        all: impl IntoIterator<Item = (&'e str, Option<Vec<usize>>)>,
    ) -> Expected<'e> {
        let (names, shapes): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        let index = names.iter().enumerate().map(|(i, &name)| (name, i)).collect();
        Expected { names, index, shapes, what, aside }
    }
}

/// A field's bytes, where they stand, and how they may be arranged.
#[derive(Debug, Clone, Copy)]
pub(in crate::service) struct Field<'a> {
    pub(in crate::service) name: &'static str,
    pub(in crate::service) raw: Raw<'a>,
    pub(in crate::service) body: &'a [u8],
    pub(in crate::service) nesting: usize,
    /// An object's tensors have a leading axis: always, never, or where their rank is one higher (of this length).
    pub(in crate::service) lead: Lead,
    /// Whether what is not given is a fault.
    pub(in crate::service) whole: bool,
}

/// Whether the tensors of an object have a leading points axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Lead {
    Never,
    Always,
    /// By rank; then of this length.
    Perhaps(usize),
}

/// The faults of a field. `taken` are names that stand elsewhere; those found are added to it.
pub(in crate::service) fn explain(field: Field<'_>, expected: &mut Expected<'_>, taken: &mut HashSet<usize>) -> Result<(), Failure> {
    let mut context = Context::new(Some(field.name), field.nesting, Slug::InvalidPoint);
    let mut found = Found { stamps: vec![0; expected.names.len()], row: 0, count: 0 };
    let mut json = serde_json::Deserializer::from_str(field.raw.get());
    let mut points = None;
    let whole = Whole { context: &mut context, expected, taken, found: &mut found, field: &field, points: &mut points };
    if let Err(error) = Seed(whole).deserialize(&mut json) {
        return Err(context.failure(&error, field.raw.get(), field.body));
    }
    taken.extend((0..expected.names.len()).filter(|&i| found.stamps[i] > 0));
    context.verdict()
}

/// Which names have been found, and in which row last.
struct Found {
    stamps: Vec<usize>,
    row: usize,
    count: usize,
}

impl Found {
    fn next(&mut self) {
        self.row += 1;
        self.count = 0;
    }

    /// Whether this row has it for the first time.
    fn insert(&mut self, position: usize) -> bool {
        self.count += 1;
        std::mem::replace(&mut self.stamps[position], self.row) != self.row
    }
}

struct Whole<'c, 'e, 'de> {
    context: &'c mut Context<'de>,
    expected: &'c mut Expected<'e>,
    taken: &'c HashSet<usize>,
    found: &'c mut Found,
    field: &'c Field<'de>,
    /// The first column and its number of points.
    points: &'c mut Option<(usize, usize)>,
}

impl<'de> Reader<'de> for Whole<'_, '_, 'de> {
    type Value = ();

    fn context(&mut self) -> &mut Context<'de> {
        self.context
    }

    fn expects(&self) -> &'static str {
        if self.field.lead == Lead::Never { "an object" } else { "a list of objects or an object" }
    }

    fn absent(self) {}

    fn object<A: MapAccess<'de>>(self, object: A) -> Result<(), A::Error> {
        let lead = self.field.lead;
        self.found.next();
        Object { whole: self, lead }.object(object)
    }

    fn list<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        if self.field.lead == Lead::Never {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            self.refuse("a list");
            return Ok(());
        }
        let mut row = 0;
        self.context.enter(Step::Index(0));
        loop {
            self.found.next();
            if list.next_element_seed(Seed(Object { whole: self.again(), lead: Lead::Never }))?.is_none() {
                break;
            }
            row += 1;
            self.context.advance(row);
        }
        self.context.leave();
        if let Lead::Perhaps(n) = self.field.lead
            && n != row
        {
            self.context.fault(format!("{row} directions stand beside {n} points"), None);
        }
        // A list of no points gives every name, none of them anywhere.
        self.found.stamps.fill(1);
        Ok(())
    }
}

impl<'e, 'de> Whole<'_, 'e, 'de> {
    fn again(&mut self) -> Whole<'_, 'e, 'de> {
        Whole {
            context: self.context,
            expected: self.expected,
            taken: self.taken,
            found: self.found,
            field: self.field,
            points: self.points,
        }
    }
}

struct Object<'c, 'e, 'de> {
    whole: Whole<'c, 'e, 'de>,
    lead: Lead,
}

impl<'de> Reader<'de> for Object<'_, '_, 'de> {
    type Value = ();

    fn context(&mut self) -> &mut Context<'de> {
        self.whole.context
    }

    fn expects(&self) -> &'static str {
        "an object"
    }

    fn absent(self) {}

    fn object<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        let mut unknown = HashSet::new();
        let mut form = Form::default();
        let mut data = Column::new();
        while let Some(key) = object.next_key_seed(Key)? {
            let Whole { context, expected, taken, found, .. } = &mut self.whole;
            let Some(&position) = expected.index.get(&*key) else {
                let hint =
                    if context.full() { None } else { (expected.aside)(&key).or_else(|| meant(&key, expected.names.iter().copied())) };
                context.fault_at(&key, format!("the function has no {} {}", expected.what, quote(&key)), hint);
                object.next_value::<IgnoredAny>()?;
                if unknown.contains(&key) {
                    return Err(context.duplicate(&key));
                }
                if unknown.len() < MOST_FAULTS {
                    unknown.insert(key);
                }
                continue;
            };
            if !found.insert(position) {
                return Err(context.duplicate(&key));
            }
            if taken.contains(&position) {
                context.fault_at(&key, format!("{} is given in `at` as well", quote(&key)), None);
            }
            context.enter(Step::Key(key));
            form.clear();
            data.clear();
            object.next_value_seed(Seed(Numbers { context, form: &mut form, data: &mut data, depth: 0 }))?;
            if form.sound() {
                self.judge(position, &form.sizes);
            }
            self.whole.context.leave();
        }
        let Whole { context, expected, taken, found, field, .. } = &mut self.whole;
        if field.whole && !context.full() && found.count + taken.len() < expected.names.len() {
            let missing = |i: &usize| found.stamps[*i] != found.row && !taken.contains(i);
            for position in (0..expected.names.len()).filter(missing).take(MOST_FAULTS) {
                context.fault(format!("the {} {} is missing", expected.what, quote(expected.names[position])), None);
            }
        }
        Ok(())
    }
}

impl Object<'_, '_, '_> {
    /// Whether a tensor of these sizes belongs here.
    fn judge(&mut self, position: usize, sizes: &[usize]) {
        let Whole { context, expected, points, .. } = &mut self.whole;
        let shape = &mut expected.shapes[position];
        let name = expected.names[position];
        let (n, sizes) = match self.lead {
            Lead::Always if sizes.is_empty() => {
                let hint = "what all points share belongs in `at`".to_owned();
                context.fault("a column is a list with a value for each point", Some(hint));
                return;
            }
            Lead::Always => (Some(sizes[0]), &sizes[1..]),
            Lead::Perhaps(n) if shape.as_ref().is_some_and(|shape| !fits(sizes, shape)) && sizes.first() == Some(&n) => {
                (Some(n), &sizes[1..])
            }
            _ => (None, sizes),
        };
        match (n, &points) {
            (Some(n), None) => **points = Some((position, n)),
            (Some(n), Some((other, first))) if n != *first => {
                context.fault(format!("{} has {n} points, {} has {first}", quote(name), quote(expected.names[*other])), None);
            }
            _ => {}
        }
        match shape {
            // A column without points shows nothing of its shape.
            _ if n == Some(0) && sizes.is_empty() => {}
            None => *shape = Some(sizes.to_vec()),
            Some(shape) if !fits(sizes, shape) => {
                context.fault(format!("{} has shape {shape:?}, {sizes:?} is given", quote(name)), None);
            }
            Some(_) => {}
        }
    }
}

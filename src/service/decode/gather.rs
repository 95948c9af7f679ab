//! Points and directions as they are given: names and flat values, before it is known what they should be.
//!
//! Rows and columns lead to the same buffers: for each name the values of all points, one point after another. What is found wrong
//! here ends the fast way; [`explain`](mod@super::explain) then reads the same bytes knowing the inputs, and says what is wrong with
//! which.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::columns;
use super::context::{Context, Step};
use super::raw::Raw;
use super::reader::{Key, Reader, Seed};
use super::tensor::{Form, Numbers};
use crate::engine::exec::crew::Crew;
use crate::service::limits::{Limits, exceeded};
use crate::wire::problem::{Failure, Slug};

/// The values given for one name.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::service) struct Entry {
    pub(in crate::service) name: SmolStr,
    /// The sizes at one point (of a direction: as written).
    pub(in crate::service) sizes: Vec<usize>,
    /// Row-major, point after point.
    pub(in crate::service) data: Column,
}

/// Numbers, of which a few take no allocation: most requests have one point.
pub(in crate::service) type Column = SmallVec<[f64; 2]>;

/// How the points of a request are arranged, and so its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::service) enum Arrangement {
    /// `at` alone.
    #[default]
    One,
    /// A list of so many objects.
    Rows(usize),
    /// Tensors with a leading axis of this length.
    Columns(usize),
    /// One point, from which so many steps are made that the answer lists, and behind them so many that only measure.
    Steps(usize, usize),
}

impl Arrangement {
    /// The number of points.
    pub(in crate::service) fn points(self) -> usize {
        match self {
            Arrangement::One => 1,
            Arrangement::Rows(n) | Arrangement::Columns(n) => n,
            Arrangement::Steps(listed, hidden) => listed + hidden,
        }
    }
}

/// Everything numeric that a request gives.
#[derive(Debug, Default)]
pub(in crate::service) struct Given {
    /// From `at`.
    pub(in crate::service) at: Vec<Entry>,
    /// From `points`.
    pub(in crate::service) points: Vec<Entry>,
    /// From `tangent` or `cotangent`.
    pub(in crate::service) direction: Vec<Entry>,
    /// Whether the direction is a list, an object a point.
    pub(in crate::service) direction_rows: Option<usize>,
    /// How the points are arranged.
    pub(in crate::service) arrangement: Arrangement,
}

/// What numbers are read with.
#[derive(Clone, Copy)]
pub(in crate::service) struct Reading<'r> {
    pub(in crate::service) limits: &'r Limits,
    /// Who works along where there are many, if anyone.
    pub(in crate::service) crew: Option<&'r dyn Crew>,
}

/// What one field holds.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
    /// The number of objects, where the field is a list of them.
    pub(super) rows: Option<usize>,
    index: HashMap<SmolStr, usize>,
    /// The last row that gave each entry, from 1.
    stamps: SmallVec<[usize; 8]>,
}

/// More names than this are found by hash.
const FEW: usize = 16;

impl Table {
    pub(super) fn find(&self, name: &str, expected: usize) -> Option<usize> {
        if self.entries.get(expected).is_some_and(|entry| &*entry.name == name) {
            return Some(expected);
        }
        if self.entries.len() <= FEW { self.entries.iter().position(|entry| &*entry.name == name) } else { self.index.get(name).copied() }
    }

    pub(super) fn add(&mut self, name: &str) -> usize {
        let position = self.entries.len();
        if position == 0 {
            self.entries.reserve(FEW / 2);
        }
        self.entries.push(Entry { name: name.into(), sizes: Vec::new(), data: Column::new() });
        self.stamps.push(0);
        if position == FEW {
            self.index = self.entries.iter().enumerate().map(|(i, entry)| (entry.name.clone(), i)).collect();
        } else if position > FEW {
            self.index.insert(name.into(), position);
        }
        position
    }

    /// Notes that an entry is given by a row: whether it is for the first time.
    pub(super) fn stamp(&mut self, position: usize, row: usize) -> bool {
        std::mem::replace(&mut self.stamps[position], row + 1) != row + 1
    }
}

/// Reads a field that is an object of tensors or, where `rows` allows, a list of such objects.
pub(super) fn gather<'a>(
    field: &'static str,
    raw: Raw<'a>,
    body: &'a [u8],
    rows: bool,
    reading: Reading<'_>,
) -> Result<(Table, Context<'a>), Failure> {
    match columns::table(raw.get(), rows, reading) {
        Some(table) => Ok((table, Context::new(Some(field), reading.limits.json_nesting, Slug::InvalidPoint))),
        None => carefully(field, raw, body, rows, reading.limits),
    }
}

/// Reads such a field, however it is written and whatever is wrong with it.
pub(super) fn carefully<'a>(
    field: &'static str,
    raw: Raw<'a>,
    body: &'a [u8],
    rows: bool,
    limits: &Limits,
) -> Result<(Table, Context<'a>), Failure> {
    let mut context = Context::new(Some(field), limits.json_nesting, Slug::InvalidPoint);
    let mut table = Table::default();
    let mut json = serde_json::Deserializer::from_str(raw.get());
    match Seed(Field { context: &mut context, table: &mut table, rows, limits }).deserialize(&mut json) {
        Ok(()) => Ok((table, context)),
        Err(error) => Err(context.failure(&error, raw.get(), body)),
    }
}

struct Field<'c, 'de> {
    context: &'c mut Context<'de>,
    table: &'c mut Table,
    rows: bool,
    limits: &'c Limits,
}

impl<'de> Reader<'de> for Field<'_, 'de> {
    type Value = ();

    fn context(&mut self) -> &mut Context<'de> {
        self.context
    }

    fn expects(&self) -> &'static str {
        if self.rows { "a list of objects or an object" } else { "an object" }
    }

    fn absent(self) {}

    fn object<A: MapAccess<'de>>(self, object: A) -> Result<(), A::Error> {
        let mut form = Form::default();
        Point { context: self.context, table: self.table, form: &mut form, row: 0, limits: self.limits }.object(object)
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Field { context, table, rows, limits } = self;
        if !rows {
            while list.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            Field { context, table, rows, limits }.refuse("a list");
            return Ok(());
        }
        let mut form = Form::default();
        let mut row = 0;
        context.enter(Step::Index(0));
        loop {
            let point = Point { context: &mut *context, table: &mut *table, form: &mut form, row, limits };
            if list.next_element_seed(Seed(point))?.is_none() {
                break;
            }
            row += 1;
            if row > limits.points {
                return Err(context.fail(exceeded("limits.points", row as f64, limits.points as f64)));
            }
            context.advance(row);
        }
        context.leave();
        table.rows = Some(row);
        Ok(())
    }
}

/// One object of tensors; the first says which names there are.
struct Point<'c, 'de> {
    context: &'c mut Context<'de>,
    table: &'c mut Table,
    form: &'c mut Form,
    row: usize,
    limits: &'c Limits,
}

impl<'de> Reader<'de> for Point<'_, 'de> {
    type Value = ();

    fn context(&mut self) -> &mut Context<'de> {
        self.context
    }

    fn expects(&self) -> &'static str {
        "an object"
    }

    fn absent(self) {}

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Point { context, table, form, row, limits } = self;
        let mut count = 0;
        while let Some(key) = object.next_key_seed(Key)? {
            let known = table.find(&key, count);
            let position = match known {
                Some(position) => position,
                None if row > 0 => {
                    context.fault_at(&key, "the first point does not have this name", None);
                    // Repeats of a name that is wrong anyway are found when the fault is explained.
                    object.next_value::<serde::de::IgnoredAny>()?;
                    continue;
                }
                None if count >= limits.inputs => {
                    return Err(context.fail(exceeded("limits.inputs", count as f64 + 1.0, limits.inputs as f64)));
                }
                None => table.add(&key),
            };
            if !table.stamp(position, row) {
                return Err(context.duplicate(&key));
            }
            count += 1;
            context.enter(Step::Key(key));
            form.clear();
            let data = &mut table.entries[position].data;
            object.next_value_seed(Seed(Numbers { context: &mut *context, form: &mut *form, data, depth: 0 }))?;
            let entry = &mut table.entries[position];
            if row == 0 {
                entry.sizes = form.sizes.clone();
            } else if form.sound() && entry.sizes != form.sizes {
                context.fault(format!("shape {:?} stands here, {:?} at the first point", form.sizes, entry.sizes), None);
            }
            context.leave();
        }
        if count < table.entries.len() {
            context.fault("this point does not have all the names that the first has", None);
        }
        Ok(())
    }
}

/// Splits the leading points axis off columns: the number of points, or what is wrong with it.
pub(super) fn split_columns(table: &mut Table, context: &mut Context<'_>) -> usize {
    let mut first: Option<(usize, usize)> = None;
    for position in 0..table.entries.len() {
        let entry = &mut table.entries[position];
        if entry.sizes.is_empty() {
            let hint = "what all points share belongs in `at`".to_owned();
            context.fault_at(&entry.name, "a column is a list with a value for each point", Some(hint));
            continue;
        }
        let n = entry.sizes.remove(0);
        match first {
            None => first = Some((position, n)),
            Some((other, points)) if points != n => {
                let detail = format!(
                    "{} has {n} points, {} has {points}",
                    crate::service::words::quote(&table.entries[position].name),
                    crate::service::words::quote(&table.entries[other].name)
                );
                let name: Cow<'_, str> = Cow::Owned(table.entries[position].name.to_string());
                context.fault_at(&name, detail, None);
            }
            Some(_) => {}
        }
    }
    first.map_or(0, |(_, n)| n)
}

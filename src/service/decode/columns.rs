//! Points as programs write them: objects of numbers and nested lists of them, read straight into columns.
//!
//! There is nothing that only this reader accepts, and no fault is found here: what is not as plain, or too much, is left to
//! [`mod@super::gather`].

use std::sync::atomic::{AtomicBool, Ordering};

use memchr::{memchr, memchr_iter, memchr3};

use super::cursor::Cursor;
use super::gather::{Column, Reading, Table};
use super::tensor::{Form, special};
use crate::engine::exec::Desk;
use crate::engine::exec::crew::{Crew, share};
use crate::service::limits::Limits;

/// Lists that stand inside one another are read to this depth.
const MOST_LISTS: usize = 8;

/// Bytes of a list of numbers that several read, each a part of so many.
const LONG: usize = 1 << 18;
const PART: usize = 1 << 16;

/// The object of tensors that `text` is or, where `rows` allows, the list of such objects.
pub(super) fn table(text: &str, rows: bool, Reading { limits, crew }: Reading<'_>) -> Option<Table> {
    // an object in a list in a field, and a bracket more for each list
    if limits.json_nesting < MOST_LISTS + 3 {
        return None;
    }
    let mut plain = Plain { cursor: Cursor::new(text), table: Table::default(), form: Form::default(), limits, crew };
    match plain.cursor.next()? {
        b'{' => plain.point(0)?,
        b'[' if rows => {
            let mut row = 0;
            plain.cursor.take(b'[')?;
            while plain.cursor.more(row == 0, b']')? {
                plain.point(row)?;
                row += 1;
                if row > limits.points {
                    return None;
                }
            }
            plain.table.rows = Some(row);
        }
        _ => return None,
    }
    plain.cursor.next().is_none().then_some(plain.table)
}

struct Plain<'t, 'l> {
    cursor: Cursor<'t>,
    table: Table,
    /// The shape of the tensor that is being read.
    form: Form,
    limits: &'l Limits,
    crew: Option<&'l dyn Crew>,
}

impl Plain<'_, '_> {
    /// One object of tensors; the first says which names there are.
    fn point(&mut self, row: usize) -> Option<()> {
        let mut count = 0;
        self.cursor.take(b'{')?;
        while self.cursor.more(count == 0, b'}')? {
            let name = self.cursor.string()?;
            self.cursor.take(b':')?;
            let position = match self.table.find(name, count) {
                Some(position) => position,
                None if row == 0 && count < self.limits.inputs => self.table.add(name),
                None => return None,
            };
            if !self.table.stamp(position, row) {
                return None;
            }
            count += 1;
            self.form.clear();
            let mut data = std::mem::take(&mut self.table.entries[position].data);
            self.numbers(&mut data, 0)?;
            let entry = &mut self.table.entries[position];
            entry.data = data;
            if row == 0 {
                entry.sizes.clone_from(&self.form.sizes);
            } else if entry.sizes != self.form.sizes {
                return None;
            }
        }
        (count == self.table.entries.len()).then_some(())
    }

    /// A number, or lists of them.
    fn numbers(&mut self, data: &mut Column, depth: usize) -> Option<()> {
        match self.cursor.next()? {
            b'[' if depth < MOST_LISTS && self.form.open(depth) => {
                self.cursor.take(b'[')?;
                if let Some(size) = self.parts(data) {
                    return (self.form.fill(depth + 1) && self.form.close(depth, size).is_ok()).then_some(());
                }
                let mut size = 0;
                while self.cursor.more(size == 0, b']')? {
                    self.numbers(data, depth + 1)?;
                    size += 1;
                }
                self.form.close(depth, size).is_ok().then_some(())
            }
            b'-' | b'0'..=b'9' if self.form.fill(depth) => {
                data.push(self.cursor.number()?);
                Some(())
            }
            b'"' if self.form.fill(depth) => {
                data.push(special(self.cursor.string()?)?);
                Some(())
            }
            _ => None,
        }
    }
}

impl Plain<'_, '_> {
    /// The numbers of a list that has begun, read by all who work along: how many they are. `None`, and nothing is done, where the list is
    /// short, or of anything but plain numbers.
    fn parts(&mut self, data: &mut Column) -> Option<usize> {
        let (crew, rest) = (self.crew?, self.cursor.rest());
        if rest.len() < LONG {
            return None;
        }
        let end = memchr3(b']', b'[', b'"', rest.as_bytes())?;
        if end < LONG || rest.as_bytes()[end] != b']' {
            return None;
        }
        let mut texts: Vec<&str> = Vec::with_capacity(end / PART + 1);
        let mut list = &rest[..end];
        while let Some(comma) = list.get(PART..).and_then(|behind| memchr(b',', behind.as_bytes())) {
            texts.push(&list[..PART + comma]);
            list = &list[PART + comma + 1..];
        }
        texts.push(list);
        let counts: Vec<usize> = texts.iter().map(|text| memchr_iter(b',', text.as_bytes()).count() + 1).collect();
        let (before, size) = (data.len(), counts.iter().sum());
        data.resize(before + size, 0.0);
        let mut left = &mut data[before..];
        let mut parts = Vec::with_capacity(texts.len());
        for (text, count) in texts.into_iter().zip(counts) {
            let (own, after) = left.split_at_mut(count);
            parts.push((text, own));
            left = after;
        }
        let all = AtomicBool::new(true);
        share(crew, &mut Desk::default(), parts, |(text, numbers), _| {
            if all.load(Ordering::Relaxed) && plain(text, numbers).is_none() {
                all.store(false, Ordering::Relaxed);
            }
        });
        if !all.into_inner() {
            data.truncate(before);
            return None;
        }
        self.cursor.skip(end + 1);
        Some(size)
    }
}

/// Exactly as many numbers with commas between them.
fn plain(text: &str, numbers: &mut [f64]) -> Option<()> {
    let mut cursor = Cursor::new(text);
    for (i, number) in numbers.iter_mut().enumerate() {
        if i > 0 {
            cursor.take(b',')?;
        }
        cursor.next()?;
        *number = cursor.number()?;
    }
    cursor.next().is_none().then_some(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::super::context::Context;
    use super::super::gather::carefully;
    use super::super::raw::Raw;
    use super::*;
    use crate::service::decode::gather::Entry;

    /// Entries (of bits, as there are NaN) and rows.
    type Read = (Vec<(String, Vec<usize>, Vec<u64>)>, Option<usize>);

    fn read(table: Table) -> Read {
        let entry = |entry: Entry| (entry.name.into(), entry.sizes, entry.data.into_iter().map(f64::to_bits).collect());
        (table.entries.into_iter().map(entry).collect(), table.rows)
    }

    /// One thread, which does the last part first, and how many parts it has done.
    #[derive(Default)]
    struct Backwards(AtomicUsize);

    impl Crew for Backwards {
        fn size(&self) -> usize {
            1
        }

        fn run(&self, own: &mut Desk, parts: usize, work: &(dyn Fn(usize, &mut Desk) + Sync)) {
            self.0.fetch_add(parts, Ordering::Relaxed);
            (0..parts).rev().for_each(|part| work(part, own));
        }
    }

    #[test]
    fn a_long_list_is_read_in_parts() {
        let numbers = |count: usize| (0..count).map(|i| format!("{}", f64::from(i as u32) * 0.123 - 7e3)).collect::<Vec<_>>();
        let list = numbers(40_000).join(" ,\n");
        assert!(list.len() > LONG + 2 * PART);
        for text in [
            format!(r#"{{"x":[{list}],"y":[ {list} ]}}"#),
            format!(r#"{{"x":[{list},"NaN"],"y":[[{list}],[{list}]]}}"#),
            format!(r#"[{{"x":[{list}]}},{{"x":[{list}]}}]"#),
        ] {
            let (plain, careful) = both(&text, true);
            assert!(plain.is_some());
            assert!(plain == careful);
        }
        for wrong in ["", ",", "1,", "01", "1 2", "-", "1e999", "{}", "null", "[1]", "\"x\""] {
            for text in [
                format!(r#"{{"x":[{list},{wrong}]}}"#),
                format!(r#"{{"x":[{wrong},{list}]}}"#),
                format!(r#"{{"x":[{list},{wrong},{list}]}}"#),
            ] {
                assert!(both(&text, true).0.is_none(), "{wrong}");
            }
        }
        for text in [format!(r#"{{"x":[{list}"#), format!(r#"{{"x":[{list}}}"#), format!(r#"[{{"x":[{list}]}},{{"x":[1]}}]"#)] {
            assert!(both(&text, true).0.is_none());
        }
    }

    fn both(text: &str, rows: bool) -> (Option<Read>, Option<Read>) {
        let limits = Limits { points: 4, inputs: 20, ..Limits::default() };
        let sound = |(table, context): (Table, Context<'_>)| context.faults.is_empty().then(|| read(table));
        let careful = carefully("points", Raw::of(text), text.as_bytes(), rows, &limits).ok().and_then(sound);
        let alone = table(text, rows, Reading { limits: &limits, crew: None }).map(read);
        let crew = Backwards::default();
        assert_eq!(table(text, rows, Reading { limits: &limits, crew: Some(&crew) }).map(read), alone);
        let parts = crew.0.into_inner();
        assert!(parts == 0 || text.len() > LONG, "what is short is read alone");
        assert!(parts > 2 || alone.is_none() || text.len() < LONG, "{parts} parts of {}", text.len());
        (alone, careful)
    }

    #[test]
    fn plain_points_are_what_careful_reading_makes_of_them() {
        let many: Vec<String> = (0..20).map(|i| format!("\"x{i}\":{i}")).collect();
        let many = format!("[{{{0}}},{{{0}}}]", many.join(","));
        for text in [
            "{}",
            "[]",
            "[{},{}]",
            " { \"x\" : 1 , \"θ\" : [ -0.0 , 2e-3 ] } ",
            r#"{"x":[[1,2],[3,4],[5,6]],"y":[],"z":[[],[]],"w":[[[]],[[]]]}"#,
            r#"[{"x":1,"y":[2,3]},{"y":[4,5],"x":6}]"#,
            r#"{"x":["NaN",1,"-Inf","Infinity"]}"#,
            r#"{"x":[[[[[[[[1]]]]]]]]}"#,
            &many,
        ] {
            let (plain, careful) = both(text, true);
            assert!(plain.is_some(), "{text}");
            assert_eq!(plain, careful, "{text}");
        }
    }

    #[test]
    fn all_else_is_left_to_it() {
        for (text, rows) in [
            ("", true),
            ("7", true),
            ("{", true),
            ("{} {}", true),
            ("[{}]", false),
            (r#"{"x":1,}"#, true),
            (r#"{"x":[1,]}"#, true),
            (r#"{"x":[,1]}"#, true),
            (r#"{"x":[1 2]}"#, true),
            (r#"{"x":[01]}"#, true),
            (r#"{"x":[1.]}"#, true),
            (r#"{"x":[1e999]}"#, true),
            (r#"{"x":[true]}"#, true),
            (r#"{"x":["2"]}"#, true),
            (r#"{"x":{}}"#, true),
            (r#"{"x":[1,[2]]}"#, true),
            (r#"{"x":[[1],2]}"#, true),
            (r#"{"x":[[1,2],[3]]}"#, true),
            (r#"{"x":1,"x":1}"#, true),
            (r#"{"\u0078":1}"#, true),
            (r#"{"x" 1}"#, true),
            (r#"[{"x":1},{"x":[1]}]"#, true),
            (r#"[{"x":1},{"y":1}]"#, true),
            (r#"[{"x":1},{}]"#, true),
            (r#"[{"x":1},{"x":1,"x":1}]"#, true),
            (r#"[{"x":1},{"x":1,"y":1}]"#, true),
            (r#"[{"x":1},{"x":1}"#, true),
            ("[{},{},{},{},{}]", true),
            (r#"{"x":[[[[[[[[[1]]]]]]]]]}"#, true),
        ] {
            assert_eq!(both(text, rows).0, None, "{text}");
        }
    }
}

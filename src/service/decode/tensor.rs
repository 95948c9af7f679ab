//! Nested JSON lists read straight into one flat, row-major run of numbers; their shape is found on the way.

use std::borrow::Cow;

use serde::de::SeqAccess;

use super::context::{Context, Step};
use super::gather::Column;
use super::reader::{Reader, Seed};

/// The shape of nested lists, as far as it has been seen.
///
/// Below a list of size 0 nothing is known: `[[], []]` is `[2, 0]`, and stands for `[2, 0, 3]` as well ([`fits`]).
#[derive(Debug, Default)]
pub(super) struct Form {
    /// Sizes of the axes; an axis without a closed list is still [`OPEN`].
    pub(super) sizes: Vec<usize>,
    /// Whether a number has been seen, which fixes the rank.
    filled: bool,
    /// Whether the lists are rectangular.
    faulty: bool,
}

const OPEN: usize = usize::MAX;

impl Form {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.sizes.clear();
        self.filled = false;
        self.faulty = false;
    }

    /// A list begins that stands in `depth` others: whether one may stand there.
    pub(super) fn open(&mut self, depth: usize) -> bool {
        if depth < self.sizes.len() {
            return true;
        }
        if !self.filled {
            self.sizes.push(OPEN);
        }
        !self.filled
    }

    /// That list ends, with so many elements; `Err` is how many it should have.
    pub(super) fn close(&mut self, depth: usize, size: usize) -> Result<(), usize> {
        let known = &mut self.sizes[depth];
        if *known == OPEN {
            *known = size;
        }
        if *known == size { Ok(()) } else { Err(*known) }
    }

    /// A number stands in `depth` lists: whether one may.
    pub(super) fn fill(&mut self, depth: usize) -> bool {
        let fits = depth == self.sizes.len();
        self.filled |= fits;
        fits
    }

    /// Whether the lists were rectangular lists of numbers.
    pub(super) fn sound(&self) -> bool {
        !self.faulty
    }
}

/// Whether nested lists of sizes `found` can be a tensor of shape `wanted`: the same sizes, up to a size of 0.
pub(in crate::service) fn fits(found: &[usize], wanted: &[usize]) -> bool {
    found == wanted || (found.last() == Some(&0) && found.len() <= wanted.len() && wanted.starts_with(found))
}

/// The number that a string stands for.
pub(in crate::service) fn special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" | "Inf" => Some(f64::INFINITY),
        "-Infinity" | "-Inf" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Appends the numbers of nested lists to `data`.
pub(super) struct Numbers<'c, 'de> {
    pub(super) context: &'c mut Context<'de>,
    pub(super) form: &'c mut Form,
    pub(super) data: &'c mut Column,
    /// How many lists this value stands in.
    pub(super) depth: usize,
}

impl<'de> Reader<'de> for Numbers<'_, 'de> {
    type Value = ();

    fn context(&mut self) -> &mut Context<'de> {
        self.context
    }

    fn expects(&self) -> &'static str {
        "a number"
    }

    fn absent(self) {
        self.form.faulty = true;
    }

    fn number(self, value: f64) {
        if !self.form.fill(self.depth) {
            self.form.faulty = true;
            self.context.fault("ragged: a number stands where the values before it are lists", None);
            return;
        }
        self.data.push(value);
    }

    fn text(self, value: Cow<'de, str>) {
        match special(&value) {
            Some(number) => self.number(number),
            None => {
                let hint = match value.parse::<f64>() {
                    Ok(number) if number.is_finite() => Some("write numbers without quotation marks".to_owned()),
                    Ok(_) => Some("what is not finite is written \"NaN\", \"Infinity\" or \"-Infinity\"".to_owned()),
                    Err(_) => None,
                };
                self.context.fault("a string stands where a number belongs", hint);
                self.absent();
            }
        }
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Numbers { context, form, data, depth } = self;
        if !form.open(depth) {
            form.faulty = true;
            context.fault("ragged: a list stands where the values before it are numbers", None);
            while list.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let mut size = 0;
        context.enter(Step::Index(0));
        loop {
            let seed = Seed(Numbers { context: &mut *context, form: &mut *form, data: &mut *data, depth: depth + 1 });
            if list.next_element_seed(seed)?.is_none() {
                break;
            }
            size += 1;
            context.advance(size);
        }
        context.leave();
        if let Err(known) = form.close(depth, size) {
            context.fault(format!("ragged: {size} values stand where the lists before it have {known}"), None);
            form.faulty = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::problem::Slug;
    use serde::de::DeserializeSeed;

    /// Sizes and numbers, or the pointers and sentences of the faults.
    type Read = Result<(Vec<usize>, Vec<f64>), Vec<(String, String)>>;

    fn read(text: &str) -> Read {
        let mut context = Context::new(Some("x"), 128, Slug::InvalidPoint);
        let (mut form, mut data) = (Form::default(), Column::new());
        let mut json = serde_json::Deserializer::from_str(text);
        let seed = Numbers { context: &mut context, form: &mut form, data: &mut data, depth: 0 };
        if let Err(error) = Seed(seed).deserialize(&mut json) {
            let failure = context.failure(&error, text, text.as_bytes());
            return Err(failure.faults.into_iter().map(|f| (f.pointer, f.detail)).collect());
        }
        assert_eq!(form.sound(), context.faults.is_empty(), "{text}");
        match context.verdict() {
            Ok(()) => Ok((form.sizes, data.to_vec())),
            Err(failure) => Err(failure.faults.into_iter().map(|f| (f.pointer, f.detail)).collect()),
        }
    }

    #[test]
    fn nested_lists_become_flat_runs() {
        let cases: [(&str, &[usize], &[f64]); 9] = [
            ("3", &[], &[3.0]),
            ("-1.5e3", &[], &[-1500.0]),
            ("\"-Inf\"", &[], &[f64::NEG_INFINITY]),
            ("[]", &[0], &[]),
            ("[1, 2.0]", &[2], &[1.0, 2.0]),
            ("[[1,2],[3,4],[5,6]]", &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            ("[[],[]]", &[2, 0], &[]),
            ("[[[]],[[]]]", &[2, 1, 0], &[]),
            ("18446744073709551615", &[], &[18446744073709551615.0]),
        ];
        for (text, sizes, data) in cases {
            assert_eq!(read(text), Ok((sizes.to_vec(), data.to_vec())), "{text}");
        }
    }

    #[test]
    fn signs_of_zero_are_kept() {
        for text in ["-0.0", "-0", "-0e5", "-1e-400"] {
            let (_, data) = read(text).unwrap();
            assert_eq!(data[0].to_bits(), (-0.0f64).to_bits(), "{text}");
        }
    }

    #[test]
    fn faults_point_at_the_element() {
        let cases = [
            ("[1, [2]]", "/x/1"),
            ("[[1], 2]", "/x/1"),
            ("[[1, 2], [3]]", "/x/1"),
            ("[[], [[]]]", "/x/1"),
            ("[[], 1]", "/x/1"),
            ("[1, true]", "/x/1"),
            ("[[0, null]]", "/x/0/1"),
            ("[1, \"2\"]", "/x/1"),
            ("{}", "/x"),
            ("[1, 2, 1e999]", "/x/2"),
            ("[[1], [-1e999]]", "/x/1/0"),
        ];
        for (text, pointer) in cases {
            let faults = read(text).unwrap_err();
            assert_eq!(faults[0].0, pointer, "{text}: {faults:?}");
        }
    }

    #[test]
    fn all_faults_are_found() {
        assert_eq!(read("[true, 1, null, \"a\", {\"b\": [1]}]").unwrap_err().len(), 4);
    }

    #[test]
    fn empty_lists_fit_what_they_may_stand_for() {
        assert!(fits(&[], &[]));
        assert!(fits(&[2, 0], &[2, 0, 3]));
        assert!(fits(&[0], &[0, 3]));
        assert!(!fits(&[0], &[3]));
        assert!(!fits(&[2], &[2, 3]));
        assert!(!fits(&[], &[1]));
    }
}

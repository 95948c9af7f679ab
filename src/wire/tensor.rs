//! Tensors in JSON: a number, or nested arrays of equal lengths.
//!
//! Values stay flat in memory and only the text nests. A tensor whose leading size is 0 is written `[]`, which says nothing about
//! the sizes behind it: read back it has the one size 0.

use serde::de::{self, DeserializeSeed, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::graph::Tensor;
use super::number::{Number, from_text};

impl Tensor {
    /// A scalar.
    pub fn scalar(value: f64) -> Tensor {
        Tensor { shape: Vec::new(), data: vec![value] }
    }

    /// A vector.
    pub fn vector(data: Vec<f64>) -> Tensor {
        Tensor { shape: vec![data.len()], data }
    }

    /// A tensor of that shape; `None` where the number of values is not the product of the sizes.
    pub fn new(shape: Vec<usize>, data: Vec<f64>) -> Option<Tensor> {
        let size = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))?;
        (size == data.len()).then_some(Tensor { shape, data })
    }

    /// The value of a scalar; `None` for anything of higher rank.
    pub fn as_scalar(&self) -> Option<f64> {
        if self.shape.is_empty() { self.data.first().copied() } else { None }
    }
}

impl From<f64> for Tensor {
    fn from(value: f64) -> Tensor {
        Tensor::scalar(value)
    }
}

impl From<Vec<f64>> for Tensor {
    fn from(values: Vec<f64>) -> Tensor {
        Tensor::vector(values)
    }
}

impl<const N: usize> From<[f64; N]> for Tensor {
    fn from(values: [f64; N]) -> Tensor {
        Tensor::vector(values.to_vec())
    }
}

impl<const N: usize, const M: usize> From<[[f64; M]; N]> for Tensor {
    fn from(rows: [[f64; M]; N]) -> Tensor {
        Tensor { shape: vec![N, M], data: rows.concat() }
    }
}

/// A part of a tensor: some trailing axes of it.
struct Part<'a> {
    shape: &'a [usize],
    data: &'a [f64],
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some((&size, shape)) = self.shape.split_first() else {
            return Number(self.data.first().copied().unwrap_or(f64::NAN)).serialize(serializer);
        };
        let mut list = serializer.serialize_seq(Some(size))?;
        let stride = self.data.len().checked_div(size).unwrap_or(0);
        for i in 0..size {
            list.serialize_element(&Part { shape, data: &self.data[i * stride..(i + 1) * stride] })?;
        }
        list.end()
    }
}

impl Serialize for Tensor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Part { shape: &self.shape, data: &self.data }.serialize(serializer)
    }
}

/// What is known of a tensor while its text is read.
#[derive(Default)]
struct Reading {
    /// Sizes found so far; `None` where an axis has been entered and not yet left.
    sizes: Vec<Option<usize>>,
    /// The depth at which numbers stand, once one was met.
    rank: Option<usize>,
    data: Vec<f64>,
}

struct Level<'a> {
    depth: usize,
    reading: &'a mut Reading,
}

impl Level<'_> {
    fn number<E: de::Error>(self, value: f64) -> Result<(), E> {
        if *self.reading.rank.get_or_insert(self.depth) != self.depth || self.depth < self.reading.sizes.len() {
            return Err(E::custom("a ragged tensor: numbers and arrays stand side by side"));
        }
        self.reading.data.push(value);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number, \"NaN\", \"Infinity\", \"-Infinity\" or an array of these")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.number(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.number(value as f64)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.number(value as f64)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        match from_text(value) {
            Some(value) => self.number(value),
            None => Err(E::invalid_value(de::Unexpected::Str(value), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Level { depth, reading } = self;
        if reading.rank.is_some_and(|rank| depth >= rank) {
            return Err(de::Error::custom("a ragged tensor: numbers and arrays stand side by side"));
        }
        if reading.sizes.len() == depth {
            reading.sizes.push(None);
        }
        let mut size = 0;
        while list.next_element_seed(Level { depth: depth + 1, reading: &mut *reading })?.is_some() {
            size += 1;
        }
        if *reading.sizes[depth].get_or_insert(size) != size {
            return Err(de::Error::custom("a ragged tensor: arrays side by side differ in length"));
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Tensor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tensor, D::Error> {
        let mut reading = Reading::default();
        Level { depth: 0, reading: &mut reading }.deserialize(deserializer)?;
        let shape: Vec<usize> = reading.sizes.into_iter().map(Option::unwrap_or_default).collect();
        Ok(Tensor { shape, data: reading.data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_round_trip() {
        for text in
            ["1.5", "-0.0", "[]", "[1.0,2.0]", "[[1.0,2.0],[3.0,4.0],[5.0,6.0]]", "[[],[]]", "[[[1.0]],[[\"NaN\"]]]", "\"-Infinity\""]
        {
            let tensor: Tensor = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&tensor).unwrap(), text);
        }
        let tensor: Tensor = serde_json::from_str("[[1,2,3],[4,5,6]]").unwrap();
        assert_eq!(tensor, Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
        assert_eq!(Tensor::new(vec![2, 2], vec![0.0; 3]), None);
    }

    #[test]
    fn ragged_and_foreign_values_are_refused() {
        for text in ["[1,[2]]", "[[1],2]", "[[1],[2,3]]", "[[[1]],[2]]", "[[],1]", "[1,null]", "{\"a\":1}", "true", "[\"x\"]"] {
            assert!(serde_json::from_str::<Tensor>(text).is_err(), "{text}");
        }
    }
}

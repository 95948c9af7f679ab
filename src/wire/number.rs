//! Binary64 numbers in JSON: NaN and the infinities are strings, everything else is a JSON number.
//!
//! JSON has no words for the numbers that are not finite, and `null` would lose which of them it was. Reading is exact to the bit
//! and never turns a number beyond binary64's range into an infinity.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A binary64 number as the wire has it.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Number(pub f64);

/// What stands for a number that is not finite.
pub const SPECIAL: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// The number a string stands for: `NaN`, `Infinity`, `-Infinity`, and `Inf`, `-Inf` besides.
pub fn from_text(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" | "Inf" => Some(f64::INFINITY),
        "-Infinity" | "-Inf" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            serializer.serialize_f64(self.0)
        } else if self.0.is_nan() {
            serializer.serialize_str("NaN")
        } else if self.0 > 0.0 {
            serializer.serialize_str("Infinity")
        } else {
            serializer.serialize_str("-Infinity")
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number, E> {
                Ok(Number(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Number, E> {
                from_text(value).map(Number).ok_or_else(|| E::invalid_value(de::Unexpected::Str(value), &self))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Number {
        Number(value)
    }
}

impl From<Number> for f64 {
    fn from(value: Number) -> f64 {
        value.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_to_the_bit() {
        for value in [0.0, -0.0, 1.0, -1.5, 0.1, 1.0 / 3.0, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NEG_INFINITY] {
            let text = serde_json::to_string(&Number(value)).unwrap();
            let back: Number = serde_json::from_str(&text).unwrap();
            assert_eq!(back.0.to_bits(), value.to_bits(), "{text}");
        }
        assert!(serde_json::from_str::<Number>("\"NaN\"").unwrap().0.is_nan());
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in ["null", "true", "\"1\"", "\"nan\"", "[1]", "1e999"] {
            assert!(serde_json::from_str::<Number>(text).is_err(), "{text}");
        }
        for (text, value) in [("\"Inf\"", f64::INFINITY), ("\"-Inf\"", f64::NEG_INFINITY), ("7", 7.0), ("-7", -7.0)] {
            assert_eq!(serde_json::from_str::<Number>(text).unwrap().0, value);
        }
    }
}

//! Bytes as small decisions. Those that are missing are zeros, so that every text of bytes decides everything.

/// Numbers where functions change their minds.
const SPECIAL: [f64; 24] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.5,
    3.0,
    10.0,
    -40.0,
    1e-8,
    1e-200,
    1e-310,
    -5e-324,
    1e22,
    1e155,
    -1e300,
    f64::MAX,
    f64::MIN_POSITIVE,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    0.1,
];

/// A source of decisions.
pub(crate) struct Bytes<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(crate) fn of(data: &'a [u8]) -> Bytes<'a> {
        Bytes { data, at: 0 }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.at += 1;
        self.data.get(self.at - 1).copied().unwrap_or_default()
    }

    /// A number below `many`, of which there is at least one.
    pub(crate) fn below(&mut self, many: usize) -> usize {
        usize::from(self.byte()) % many.max(1)
    }

    /// A number from `least` to `most`.
    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        least + self.below((most - least + 1).max(1) as usize) as i64
    }

    pub(crate) fn one_of<T: Clone>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())].clone()
    }

    /// True once in `many`, and where there is nothing left to decide with.
    pub(crate) fn seldom(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    /// A number: special, or of a few digits. Where no bytes are left all are of a few digits.
    pub(crate) fn number(&mut self) -> f64 {
        let byte = self.byte();
        match usize::from(byte).checked_sub(160) {
            _ if self.at > self.data.len() => ((self.at * 37 % 101) as f64 - 50.0) / 32.0,
            Some(special) => SPECIAL[special % SPECIAL.len()],
            None => (f64::from(byte) - 80.0) / 32.0,
        }
    }

    /// A number that is not NaN or infinite.
    pub(crate) fn finite(&mut self) -> f64 {
        let number = self.number();
        if number.is_finite() { number } else { 0.75 }
    }
}

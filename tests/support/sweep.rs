//! Tables of exact values and derivatives of operators of one input (tests/reference/sweep.py), and how far the engine is from them.
//!
//! Shared by the test that holds every operator to its bounds and by the program that measures them (examples/accuracy). Knows the
//! format of the tables and the engine, and no service.

use std::sync::atomic::AtomicBool;

use nablad::engine::exec::Scratch;
use nablad::engine::graph::Builder;
use nablad::engine::op;
use nablad::engine::program::{Binding, Mode, Program, Want};
use nablad::engine::{Error, Shape};

/// How far a result may be from the exact one: section 4 of the operators' contract.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// The nearest number.
    Exact,
    /// So many units in the last place.
    Ulps(f64),
    /// 1e-14 relative, times the condition number where that exceeds 1.
    Relative,
}

/// How far a result is from the exact one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Distance {
    /// In units in the last place of the exact result.
    pub ulps: f64,
    /// Relative to the exact result (to the least normal number, below it) and to its condition number, where that exceeds 1; beside
    /// one unit of the subnormals.
    pub relative: f64,
}

impl Bound {
    fn of(word: &str) -> Bound {
        match word {
            "exact" => Bound::Exact,
            "rel" => Bound::Relative,
            units => Bound::Ulps(units.strip_prefix("ulp").and_then(|units| units.parse().ok()).expect("a bound")),
        }
    }

    /// Whether a result may be so far away.
    pub fn admits(self, distance: Distance) -> bool {
        /// Offsets are told to a thousandth.
        const READING: f64 = 0.002;
        match self {
            Bound::Exact => distance.ulps <= 0.5 + READING,
            Bound::Ulps(units) => distance.ulps <= units + READING,
            Bound::Relative => distance.relative <= 1e-14,
        }
    }
}

/// An exact result: the nearest binary64, how far from it in units (towards larger magnitudes), and its condition number.
#[derive(Debug, Clone, Copy)]
pub struct Exact {
    pub nearest: f64,
    pub offset: f64,
    pub condition: f64,
}

impl Exact {
    /// How far `got` is away.
    pub fn distance(self, got: f64) -> Distance {
        let Exact { nearest, offset, condition } = self;
        let apart = Distance { ulps: f64::INFINITY, relative: f64::INFINITY };
        if got.is_nan() {
            return apart;
        }
        if nearest.is_infinite() {
            return if got == nearest { Distance::default() } else { apart };
        }
        let size = nearest.abs();
        let unit = if size < f64::MIN_POSITIVE {
            5e-324
        } else {
            let unit = f64::from_bits(size.to_bits() & (0x7ff << 52)) * f64::EPSILON;
            // just below a power of two the units are those below it
            let below = offset < 0.0 && size.to_bits().trailing_zeros() >= 52 && size > f64::MIN_POSITIVE;
            if below { 0.5 * unit } else { unit }
        };
        let got = if nearest == 0.0 { got.abs() } else { got * nearest.signum() };
        let ulps = if got == f64::INFINITY {
            // as 2^1024, which nothing but its neighbours is near
            (2f64.powi(1000) - size * 2f64.powi(-24)) / (unit * 2f64.powi(-24)) - offset
        } else {
            (got - size) / unit - offset
        };
        let ulps = ulps.abs();
        let floor = if unit == 5e-324 { 1.0 } else { 0.0 };
        let least = (size / unit).max(f64::MIN_POSITIVE / unit);
        Distance { ulps, relative: (ulps - floor).max(0.0) / least / condition.max(1.0) }
    }
}

/// A point of a table.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    pub x: f64,
    /// The value and the derivative.
    pub exact: [Exact; 2],
}

/// An operator with all but one of its arguments constant.
#[derive(Debug, Clone)]
pub struct Subject {
    pub op: String,
    /// `None` for the input.
    pub arguments: Vec<Option<f64>>,
    /// Of the value and the derivative.
    pub bounds: [Bound; 2],
    pub points: Vec<Point>,
}

impl Subject {
    /// What to call it: the operator, with its arguments where there are several.
    pub fn label(&self) -> String {
        let inside: Vec<String> = self.arguments.iter().map(|argument| argument.map_or("x".into(), |value| value.to_string())).collect();
        if inside.len() == 1 { self.op.clone() } else { format!("{}({})", self.op, inside.join(", ")) }
    }

    /// Value and derivative at every point, as the engine has them.
    ///
    /// # Errors
    /// What the engine refuses.
    pub fn computed(&self, mode: Mode) -> Result<Vec<[f64; 2]>, Error> {
        let mut g = Builder::default();
        let x = g.input("x", Shape::scalar())?;
        let args: Vec<_> = self.arguments.iter().map(|argument| argument.map_or(x, |value| g.number(value))).collect();
        let y = g.call(op::find(&self.op).expect("the table knows this build's operators"), &args)?;
        let graph = g.finish(vec![("y".into(), y)]);
        let program = Program::compile(&graph, &Want::Gradient { wrt: vec![0], mode }, &[true])?;
        let data: Vec<f64> = self.points.iter().map(|point| point.x).collect();
        let (mut values, mut slopes) = (vec![0.0; data.len()], vec![0.0; data.len()]);
        let inputs = [Binding { data: &data, per_point: true }];
        let stop = AtomicBool::new(false);
        let done = program.run(&inputs, 0..data.len(), &mut Scratch::default(), &stop, &mut [&mut values, &mut slopes]);
        done.expect("nothing stops it");
        Ok(values.into_iter().zip(slopes).map(|(value, slope)| [value, slope]).collect())
    }
}

/// Reads a table, an operator at a time.
pub fn subjects(lines: impl Iterator<Item = String>) -> impl Iterator<Item = Subject> {
    let mut lines = lines.peekable();
    std::iter::from_fn(move || {
        let head = lines.next()?;
        let words: Vec<&str> = head.split(' ').collect();
        let ["op", op, arguments, bound, partial_bound] = words[..] else { panic!("not the head of an operator: {head}") };
        let argument = |word: &str| (word != "x").then(|| word.parse().expect("a constant"));
        let mut subject = Subject {
            op: op.to_owned(),
            arguments: arguments.split(',').map(argument).collect(),
            bounds: [Bound::of(bound), Bound::of(partial_bound)],
            points: Vec::new(),
        };
        while let Some(line) = lines.next_if(|line| !line.starts_with("op ")) {
            subject.points.push(point(&line));
        }
        Some(subject)
    })
}

fn point(line: &str) -> Point {
    let words: Vec<&str> = line.split(' ').collect();
    let [x, value, offset, condition, slope, slope_offset, slope_condition] = words[..] else { panic!("not a point: {line}") };
    let bits = |word: &str| f64::from_bits(u64::from_str_radix(word, 16).expect("bits in hexadecimal"));
    let number = |word: &str| word.parse::<f64>().expect("a number");
    let exact =
        |nearest, offset, condition| Exact { nearest: bits(nearest), offset: number(offset) / 1000.0, condition: number(condition) };
    Point { x: bits(x), exact: [exact(value, offset, condition), exact(slope, slope_offset, slope_condition)] }
}

//! A function lowered to kernels over index domains: what `exec` runs.

pub mod layout;

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use super::graph::Graph;
use super::{Error, Shape};
use crate::engine::exec::Scratch;

/// What to compute at a point, beside the value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Want {
    /// f(x)
    Value,
    /// The gradient by the inputs `wrt` (positions, ascending).
    Gradient {
        /// Inputs to differentiate by.
        wrt: Vec<usize>,
        /// How.
        mode: Mode,
    },
    /// The Jacobian matrix by the inputs `wrt` (positions, ascending).
    Jacobian {
        /// Inputs to differentiate by.
        wrt: Vec<usize>,
        /// How.
        mode: Mode,
    },
    /// J dx; one more program input for each input in `inputs` (positions, ascending): its tangent.
    Jvp {
        /// Inputs that have a tangent.
        inputs: Vec<usize>,
    },
    /// ȳ J; one more program input for each output in `outputs` (positions, ascending): its cotangent.
    Vjp {
        /// Outputs that have a cotangent.
        outputs: Vec<usize>,
        /// Inputs to differentiate by.
        wrt: Vec<usize>,
    },
}

/// How derivatives are accumulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// As the function's sizes suggest.
    #[default]
    Auto,
    /// Columns of J, by tangents.
    Forward,
    /// Rows of J, by cotangents.
    Reverse,
}

/// An input of a program.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgramInput {
    /// The input's name, or for a tangent or cotangent that of its input or output.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
}

/// The values of one input at all points.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// Row-major values; where `per_point`, one after another for all points.
    pub data: &'a [f64],
    /// Whether each point has its own.
    pub per_point: bool,
}

/// What running costs, known before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Estimated floating-point operations.
    pub flops: f64,
    /// Bytes of scratch memory a worker holds while it runs a block.
    pub scratch_bytes: f64,
    /// Most tensor elements alive at once for one point.
    pub live_elements: f64,
    /// Values in the result.
    pub cells: f64,
}

/// The work was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

/// A compiled function with its derivative. Immutable; shared between workers.
#[derive(Debug)]
pub struct Program {}

impl Program {
    /// Compiles what `want` asks of `graph`. `per_point[i]` says whether program input i (the graph's inputs, then tangents or
    /// cotangents) differs from point to point.
    ///
    /// # Errors
    /// [`Error::NotScalar`] for a gradient of several numbers; [`Error::Limit`] where the derivative's graph exceeds the bounds.
    pub fn compile(_graph: &Graph, _want: &Want, _per_point: &[bool]) -> Result<Program, Error> {
        todo!()
    }

    /// The inputs: the graph's, then for [`Want::Jvp`] the tangents, for [`Want::Vjp`] the cotangents.
    pub fn inputs(&self) -> &[ProgramInput] {
        todo!()
    }

    /// The length of each result at one point. First the outputs' values in order (each its number of elements); then for
    /// [`Want::Gradient`] and [`Want::Vjp`] a result an input of `wrt`, for [`Want::Jacobian`] one result: the P×N matrix, row-major,
    /// N over the flattened `wrt`; for [`Want::Jvp`] a result an output.
    pub fn results(&self) -> &[usize] {
        todo!()
    }

    /// What `points` points cost.
    pub fn cost(&self, _points: usize) -> Cost {
        todo!()
    }

    /// Bytes this program itself takes, for the cache.
    pub fn bytes(&self) -> usize {
        todo!()
    }

    /// How many points to hand to one [`Program::run`] so that a run is short against a deadline (about a millisecond) and long against its overhead.
    pub fn block(&self) -> usize {
        todo!()
    }

    /// Runs the points of `points`; `out[k]` receives result k of those points, `points.len() × results()[k]` values, point by point.
    /// The bits do not depend on how points are split into runs.
    ///
    /// # Errors
    /// [`Stopped`] when `stop` was set; `out` is then unspecified.
    pub fn run(
        &self,
        _inputs: &[Binding<'_>],
        _points: Range<usize>,
        _scratch: &mut Scratch,
        _stop: &AtomicBool,
        _out: &mut [&mut [f64]],
    ) -> Result<(), Stopped> {
        todo!()
    }
}

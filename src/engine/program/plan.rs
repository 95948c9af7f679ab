//! What is wanted, as one graph: the function's outputs and its derivative's, and where their values go in the results.

use std::ops::Range;

use super::Piece;
use crate::engine::diff::{self, Cotangent};
use crate::engine::graph::{Bounds, Builder, Graph, NodeId};
use crate::engine::{Error, Shape};

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
    /// How f differs from its linear part J at h·d from the point, for the step size h that is the last program input. Before it there
    /// is one for each input in `directed` (positions, ascending): its part of the direction d; without the list d is a fixed one.
    Linearity {
        /// Inputs that have a direction; the others stay where they are.
        directed: Option<Vec<usize>>,
    },
    /// The gradient and the symmetric matrix of second derivatives by the inputs `wrt` (positions, ascending). The gradient is by
    /// reverse accumulation; `mode` is how the gradient is differentiated.
    Hessian {
        /// Inputs to differentiate by.
        wrt: Vec<usize>,
        /// How.
        mode: Mode,
    },
    /// The entries of the gradient and of H v that belong to the inputs `wrt`; one more program input for each input in `vectors`
    /// (positions, ascending): its part of v.
    Hvp {
        /// Inputs to differentiate by.
        wrt: Vec<usize>,
        /// Inputs that have a part of v.
        vectors: Vec<usize>,
    },
    /// c₀ … c_`order` of y(x + t·dx); one more program input for each input in `inputs` (positions, ascending): its part of dx.
    Taylor {
        /// Inputs that move.
        inputs: Vec<usize>,
        /// The highest power of t.
        order: usize,
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

/// A graph that computes all that is wanted, and where its outputs go.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) graph: Graph,
    pub(crate) results: Vec<usize>,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) seeded: Vec<(usize, usize)>,
    pub(crate) seeds: usize,
    pub(crate) symmetric: Option<Symmetric>,
}

/// A result that is a symmetric matrix: what is computed above its diagonal is not stored, but mirrored from below, so that it is
/// symmetric to the bit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Symmetric {
    pub(crate) result: usize,
    pub(crate) size: usize,
}

/// Nodes of a function with its series, some 300 bytes each while they are compiled: a hundred times a small function's own are no rarity.
const SERIES_NODES: usize = 2_000_000;

/// Writes down what `want` asks of `graph`.
pub(crate) fn plan(graph: &Graph, want: &Want) -> Result<Planned, Error> {
    let bounds = match want {
        Want::Value => return Ok(value(graph)),
        Want::Taylor { .. } => Bounds { nodes: SERIES_NODES, ..Bounds::default() },
        _ => Bounds::default(),
    };
    let mut planning = Planning::within(graph, bounds)?;
    match want {
        Want::Value => {}
        Want::Gradient { wrt, mode } => {
            graph.scalar_output()?;
            match mode {
                Mode::Forward => planning.gradient_forward(wrt)?,
                Mode::Auto | Mode::Reverse => drop(planning.gradient_reverse(wrt)?),
            }
        }
        Want::Jacobian { wrt, mode } => {
            planning.jacobian(wrt, *mode)?;
        }
        Want::Jvp { inputs } => planning.jvp(inputs)?,
        Want::Vjp { outputs, wrt } => planning.vjp(outputs, wrt)?,
        Want::Linearity { directed } => planning.linearity(graph, directed.as_deref())?,
        Want::Hessian { wrt, mode } => {
            graph.scalar_output()?;
            planning.hessian(wrt, *mode)?;
        }
        Want::Hvp { wrt, vectors } => {
            graph.scalar_output()?;
            planning.hvp(wrt, vectors)?;
        }
        Want::Taylor { inputs, order } => planning.taylor(inputs, *order)?,
    }
    Ok(planning.finish())
}

/// The function as it is.
fn value(graph: &Graph) -> Planned {
    let sizes: Vec<usize> = graph.outputs().iter().map(|output| graph.shape(output.node).elements()).collect();
    let piece = |result| Piece { result, output: result, seeds: 0..0, base: 0, per_element: 1, per_seed: 0 };
    let pieces = (0..sizes.len()).map(piece).collect();
    Planned { graph: graph.clone(), results: sizes, pieces, seeded: Vec::new(), seeds: 0, symmetric: None }
}

/// What is wanted, as far as it has been written down.
#[derive(Default)]
pub(super) struct Planning {
    pub(super) g: Builder,
    pub(super) inputs: Vec<NodeId>,
    pub(super) outputs: Vec<NodeId>,
    pub(super) computed: Vec<NodeId>,
    pub(super) results: Vec<usize>,
    pub(super) pieces: Vec<Piece>,
    pub(super) seeded: Vec<(usize, usize)>,
    pub(super) seeds: usize,
    pub(super) symmetric: Option<Symmetric>,
}

/// A tangent an output, and the seeds of each input.
struct Tangents {
    dots: Vec<Option<NodeId>>,
    ranges: Vec<Range<usize>>,
}

impl Planning {
    /// The function itself: a result an output.
    pub(super) fn of(graph: &Graph) -> Result<Planning, Error> {
        Planning::within(graph, Bounds::default())
    }

    /// As [`Planning::of`], refusing what exceeds `bounds`.
    fn within(graph: &Graph, bounds: Bounds) -> Result<Planning, Error> {
        let mut g = Builder::resume(graph, bounds)?;
        g.reserve(3 * graph.len());
        let inputs = graph.inputs().iter().map(|input| input.node).collect();
        let outputs: Vec<NodeId> = graph.outputs().iter().map(|output| output.node).collect();
        let mut planning = Planning { g, inputs, outputs: outputs.clone(), ..Planning::default() };
        for output in outputs {
            planning.whole(Some(output), output);
        }
        Ok(planning)
    }

    fn size(&self, id: NodeId) -> usize {
        self.g.shape(id).elements()
    }

    /// P, the length of the flattened y.
    fn rows(&self) -> usize {
        self.outputs.iter().map(|&output| self.size(output)).sum()
    }

    /// A result that is one computed tensor of the size of `like`; zeros where there is none.
    pub(super) fn whole(&mut self, computed: Option<NodeId>, like: NodeId) {
        let result = self.results.len();
        self.results.push(self.size(like));
        if let Some(computed) = computed {
            let piece = Piece { result, output: 0, seeds: 0..0, base: 0, per_element: 1, per_seed: 0 };
            self.piece(computed, piece);
        }
    }

    fn piece(&mut self, computed: NodeId, piece: Piece) {
        self.pieces.push(Piece { output: self.computed.len(), ..piece });
        self.computed.push(computed);
    }

    /// An input of that shape that takes the unit vectors of the seeds from `first` on.
    pub(super) fn seed(&mut self, shape: Shape, first: usize) -> Result<NodeId, Error> {
        self.seeded.push((self.inputs.len() + self.seeded.len(), first));
        self.g.input(format!("seed {first}"), shape)
    }

    /// Tangents of `outputs` with a seed an element of the flattened `wrt`, and the seeds of each input.
    fn tangents(&mut self, wrt: &[usize], outputs: &[NodeId]) -> Result<Tangents, Error> {
        let (mut pairs, mut ranges, mut first) = (Vec::new(), Vec::new(), 0);
        for &i in wrt {
            let x = self.inputs[i];
            let dot = self.seed(self.g.shape(x).clone(), first)?;
            pairs.push((x, dot));
            ranges.push(first..first + self.size(x));
            first += self.size(x);
        }
        self.seeds = self.seeds.max(first);
        Ok(Tangents { dots: diff::jvp(&mut self.g, &pairs, outputs)?, ranges })
    }

    fn gradient_forward(&mut self, wrt: &[usize]) -> Result<(), Error> {
        let Tangents { dots, ranges } = self.tangents(wrt, &self.outputs.clone())?;
        for seeds in ranges {
            let result = self.results.len();
            self.results.push(seeds.len());
            if let Some(dot) = dots[0].filter(|_| !seeds.is_empty()) {
                self.piece(dot, Piece { result, output: 0, seeds, base: 0, per_element: 0, per_seed: 1 });
            }
        }
        Ok(())
    }

    fn gradient_reverse(&mut self, wrt: &[usize]) -> Result<Vec<Option<NodeId>>, Error> {
        let inputs: Vec<NodeId> = wrt.iter().map(|&i| self.inputs[i]).collect();
        let bars = diff::vjp(&mut self.g, &[(self.outputs[0], Cotangent::One)], &inputs)?;
        for (&bar, input) in bars.iter().zip(inputs) {
            self.whole(bar, input);
        }
        Ok(bars)
    }

    /// The Jacobian matrix as one result.
    pub(super) fn jacobian(&mut self, wrt: &[usize], mode: Mode) -> Result<(), Error> {
        let columns: usize = wrt.iter().map(|&i| self.size(self.inputs[i])).sum();
        let forward = match mode {
            Mode::Forward => true,
            Mode::Reverse => false,
            Mode::Auto => columns < self.rows(),
        };
        if forward { self.jacobian_forward(wrt, columns) } else { self.jacobian_reverse(wrt, columns) }
    }

    fn jacobian_forward(&mut self, wrt: &[usize], columns: usize) -> Result<(), Error> {
        let Tangents { dots, .. } = self.tangents(wrt, &self.outputs.clone())?;
        let result = self.results.len();
        self.results.push(self.rows().saturating_mul(columns));
        let mut row = 0;
        for (dot, output) in dots.into_iter().zip(self.outputs.clone()) {
            if let Some(dot) = dot.filter(|_| columns > 0) {
                let piece = Piece { result, output: 0, seeds: 0..columns, base: row * columns, per_element: columns, per_seed: 1 };
                self.piece(dot, piece);
            }
            row += self.size(output);
        }
        Ok(())
    }

    fn jacobian_reverse(&mut self, wrt: &[usize], columns: usize) -> Result<(), Error> {
        let rows = self.rows();
        let inputs: Vec<NodeId> = wrt.iter().map(|&i| self.inputs[i]).collect();
        let outputs = self.outputs.clone();
        let mut cotangents = Vec::new();
        // one row of one scalar needs no seed: it is the gradient
        let single = outputs.len() == 1 && self.g.shape(outputs[0]).rank() == 0;
        let mut first = 0;
        for &output in &outputs {
            let bar = if single { Cotangent::One } else { Cotangent::Node(self.seed(self.g.shape(output).clone(), first)?) };
            cotangents.push((output, bar));
            first += self.size(output);
        }
        self.seeds = self.seeds.max(if single { 0 } else { rows });
        let bars = diff::vjp(&mut self.g, &cotangents, &inputs)?;
        let result = self.results.len();
        self.results.push(rows.saturating_mul(columns));
        let mut column = 0;
        for (bar, input) in bars.into_iter().zip(inputs) {
            if let Some(bar) = bar.filter(|_| rows > 0) {
                let seeds = if single { 0..0 } else { 0..rows };
                self.piece(bar, Piece { result, output: 0, seeds, base: column, per_element: 1, per_seed: columns });
            }
            column += self.size(input);
        }
        Ok(())
    }

    fn hessian(&mut self, wrt: &[usize], mode: Mode) -> Result<(), Error> {
        let bars = self.gradient_reverse(wrt)?;
        let inputs: Vec<NodeId> = wrt.iter().map(|&i| self.inputs[i]).collect();
        let sizes: Vec<usize> = inputs.iter().map(|&input| self.size(input)).collect();
        let size: usize = sizes.iter().sum();
        let result = self.results.len();
        self.results.push(size.saturating_mul(size));
        self.symmetric = Some(Symmetric { result, size });
        // each entry of the gradient that is there, and the row of the matrix at which it begins
        let starts = sizes.iter().scan(0, |next, size| Some(std::mem::replace(next, *next + size)));
        let entries: Vec<(NodeId, usize)> = bars.into_iter().zip(starts).filter_map(|(bar, row)| Some((bar?, row))).collect();
        if mode == Mode::Reverse {
            let mut cotangents = Vec::new();
            for &(bar, row) in &entries {
                cotangents.push((bar, Cotangent::Node(self.seed(self.g.shape(bar).clone(), row)?)));
            }
            self.seeds = self.seeds.max(size);
            let rows = diff::vjp(&mut self.g, &cotangents, &inputs)?;
            let mut column = 0;
            for (row, width) in rows.into_iter().zip(sizes) {
                if let Some(row) = row.filter(|_| size > 0) {
                    self.piece(row, Piece { result, output: 0, seeds: 0..size, base: column, per_element: 1, per_seed: size });
                }
                column += width;
            }
        } else {
            let outputs: Vec<NodeId> = entries.iter().map(|&(bar, _)| bar).collect();
            let Tangents { dots, .. } = self.tangents(wrt, &outputs)?;
            for (dot, (_, row)) in dots.into_iter().zip(entries) {
                if let Some(dot) = dot.filter(|_| size > 0) {
                    self.piece(dot, Piece { result, output: 0, seeds: 0..size, base: row * size, per_element: size, per_seed: 1 });
                }
            }
        }
        Ok(())
    }

    fn hvp(&mut self, wrt: &[usize], vectors: &[usize]) -> Result<(), Error> {
        let bars = self.gradient_reverse(wrt)?;
        let pairs = self.directions(vectors)?;
        let entries: Vec<NodeId> = bars.iter().copied().flatten().collect();
        let mut dots = diff::jvp(&mut self.g, &pairs, &entries)?.into_iter();
        for (bar, &i) in bars.into_iter().zip(wrt) {
            let dot = bar.and_then(|_| dots.next().flatten());
            self.whole(dot, self.inputs[i]);
        }
        Ok(())
    }

    fn taylor(&mut self, inputs: &[usize], order: usize) -> Result<(), Error> {
        let pairs = self.directions(inputs)?;
        let outputs = self.outputs.clone();
        let series = diff::taylor(&mut self.g, &pairs, &outputs, order)?;
        for (coefficients, output) in series.into_iter().zip(outputs) {
            self.whole(Some(output), output);
            for coefficient in coefficients {
                self.whole(coefficient, output);
            }
        }
        Ok(())
    }

    fn jvp(&mut self, inputs: &[usize]) -> Result<(), Error> {
        let pairs = self.directions(inputs)?;
        let outputs = self.outputs.clone();
        let dots = diff::jvp(&mut self.g, &pairs, &outputs)?;
        for (dot, output) in dots.into_iter().zip(outputs) {
            self.whole(dot, output);
        }
        Ok(())
    }

    /// Those inputs, each with its tangent, which the caller gives.
    fn directions(&mut self, inputs: &[usize]) -> Result<Vec<(NodeId, NodeId)>, Error> {
        let mut pairs = Vec::new();
        for &i in inputs {
            let x = self.inputs[i];
            pairs.push((x, self.direction(x, i, "_dot")?));
        }
        Ok(pairs)
    }

    fn vjp(&mut self, outputs: &[usize], wrt: &[usize]) -> Result<(), Error> {
        let mut cotangents = Vec::new();
        for &i in outputs {
            let y = self.outputs[i];
            let bar = self.direction(y, i, "_bar")?;
            cotangents.push((y, Cotangent::Node(bar)));
        }
        let inputs: Vec<NodeId> = wrt.iter().map(|&i| self.inputs[i]).collect();
        let bars = diff::vjp(&mut self.g, &cotangents, &inputs)?;
        for (bar, input) in bars.into_iter().zip(inputs) {
            self.whole(bar, input);
        }
        Ok(())
    }

    /// An input for a tangent or cotangent that the caller gives.
    pub(super) fn direction(&mut self, like: NodeId, position: usize, suffix: &str) -> Result<NodeId, Error> {
        let shape: Shape = self.g.shape(like).clone();
        self.g.input(format!("{position}{suffix}"), shape)
    }

    pub(super) fn finish(self) -> Planned {
        let outputs = self.computed.iter().enumerate().map(|(i, &id)| (format!("{i}"), id)).collect();
        let Planning { g, results, pieces, seeded, seeds, symmetric, .. } = self;
        Planned { graph: g.finish(outputs), results, pieces, seeded, seeds, symmetric }
    }
}

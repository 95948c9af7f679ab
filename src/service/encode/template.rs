//! What an answer is made of, and what it takes before there is one.

use super::chain::{self, Stage};
use super::diagnostics;
use super::linearity;
use super::number::string;
use crate::service::build::Labels;

/// A named tensor of an answer.
#[derive(Debug)]
pub(in crate::service) struct Slot {
    /// Its name.
    name: Box<str>,
    /// Its name as JSON has it, with the colon.
    key: Box<[u8]>,
    /// Its sizes at one point.
    pub(in crate::service) sizes: Vec<usize>,
    /// Its number of elements.
    pub(in crate::service) elements: usize,
}

impl Slot {
    pub(in crate::service) fn new(name: &str, sizes: &[usize]) -> Slot {
        let mut key = Vec::with_capacity(name.len() + 3);
        string(&mut key, name);
        key.push(b':');
        let elements = crate::engine::Shape::from(sizes).elements();
        Slot { name: name.into(), key: key.into(), sizes: sizes.to_vec(), elements }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its name as JSON has it, with the colon.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Bytes that its name takes in an answer.
    pub(in crate::service) fn overhead(&self) -> usize {
        self.key.len() + 2 * self.sizes.len() + 2
    }
}

/// What stands beside the value.
#[derive(Debug)]
pub(in crate::service) enum Derivative {
    None,
    /// A tensor a name, under one field.
    Tensors(&'static str, Vec<Slot>),
    /// The matrix by these inputs.
    Jacobian(Vec<Slot>),
    /// The stages of a composition, each with its matrix, and the matrix of the whole.
    Chain(Vec<Stage>),
    /// How far the function is from its linear part, along a direction by these inputs.
    Linearity(Vec<Slot>),
    /// The gradient by these inputs, and the matrix of second derivatives.
    Hessian(Vec<Slot>),
    /// The gradient by these inputs, and what the matrix of second derivatives makes of a vector.
    Product(Vec<Slot>),
    /// A coefficient of each output for each power from 0 to this.
    Series(usize),
}

/// What an answer is made of.
#[derive(Debug)]
pub(in crate::service) struct Template {
    /// The outputs.
    pub(in crate::service) values: Vec<Slot>,
    pub(in crate::service) derivative: Derivative,
    /// Where each result begins among those of one point; one more at the end.
    offsets: Vec<usize>,
    /// The result that is the first output's value.
    pub(super) first: usize,
    /// Bytes of the lists around one point's numbers.
    brackets: usize,
    /// Bytes of one object of an answer that are neither numbers nor the lists around them.
    overhead: usize,
    /// What to call the nodes that were looked at, where they were.
    pub(in crate::service) labels: Option<Labels>,
}

/// The lists that a tensor of these sizes is written as, saturating: more than its numbers where sizes are 0 or 1.
pub(super) fn lists(sizes: &[usize]) -> usize {
    let outer = sizes.iter().scan(1usize, |count, &size| Some(std::mem::replace(count, count.saturating_mul(size))));
    outer.fold(0, usize::saturating_add)
}

/// The lists of a matrix's blocks: a block's shape is one after the other, in either layout. A matrix in one piece has fewer.
fn blocks(rows: &[Slot], columns: &[Slot]) -> usize {
    let block = |a: &Slot, b: &Slot| lists(&a.sizes).saturating_add(a.elements.saturating_mul(lists(&b.sizes))).saturating_add(2);
    let pairs = rows.iter().flat_map(|row| columns.iter().map(move |column| block(row, column).max(block(column, row))));
    pairs.fold(0, usize::saturating_add)
}

impl Template {
    /// `results` are the lengths of the program's results.
    pub(in crate::service) fn new(values: Vec<Slot>, derivative: Derivative, results: &[usize]) -> Template {
        let mut offsets = Vec::with_capacity(results.len() + 1);
        let mut sum = 0usize;
        offsets.push(0);
        for &length in results {
            sum = sum.saturating_add(length);
            offsets.push(sum);
        }
        let of = |slots: &[Slot]| slots.iter().map(|slot| lists(&slot.sizes)).fold(0, usize::saturating_add);
        let derived = match &derivative {
            Derivative::None => 0,
            Derivative::Tensors(_, slots) => of(slots),
            Derivative::Chain(stages) => chain::lists(stages),
            Derivative::Linearity(slots) => of(slots),
            Derivative::Product(slots) => of(slots).saturating_mul(2),
            Derivative::Jacobian(slots) => blocks(&values, slots),
            Derivative::Hessian(slots) => of(slots).saturating_add(blocks(slots, slots)),
            Derivative::Series(order) => of(&values).saturating_add(values.len()).saturating_mul(order.saturating_add(1)),
        };
        // Two brackets and a comma.
        let brackets = of(&values).saturating_add(derived).saturating_mul(3);
        let first = match &derivative {
            Derivative::Chain(stages) => chain::last_values(stages),
            _ => 0,
        };
        let overhead = overhead(&values, &derivative);
        Template { values, derivative, offsets, first, brackets, overhead, labels: None }
    }

    /// Numbers that one point has in all results.
    pub(in crate::service) fn width(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// Cells of the dense Jacobians or Hessian of one point; gradients and products are tensors like the values, and no cells.
    pub(in crate::service) fn matrix_width(&self) -> usize {
        match (&self.derivative, &*self.offsets) {
            // The matrix is the last result.
            (Derivative::Jacobian(_) | Derivative::Hessian(_), [.., begin, end]) => end - begin,
            (Derivative::Chain(stages), _) => chain::cells(stages),
            _ => 0,
        }
    }

    /// Numbers that the answer for so many points has, or what takes as much room as a number.
    pub(in crate::service) fn printed(&self, points: usize) -> usize {
        match &self.derivative {
            Derivative::Linearity(directions) => linearity::printed(&self.values, directions, points),
            _ => self.width().saturating_mul(points),
        }
    }

    /// Bytes of the lists around the numbers of one point.
    pub(in crate::service) fn brackets(&self) -> usize {
        self.brackets
    }

    /// Bytes that are said of one point beside its numbers, at most.
    pub(in crate::service) fn remarks(&self) -> usize {
        self.labels.as_ref().map_or(0, diagnostics::most_bytes)
    }

    /// Where each result begins.
    pub(in crate::service) fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// Bytes of one object of an answer that are neither numbers nor the lists around them.
    pub(in crate::service) fn overhead(&self) -> usize {
        self.overhead
    }
}

fn overhead(values: &[Slot], derivative: &Derivative) -> usize {
    let names = |slots: &[Slot]| slots.iter().map(Slot::overhead).sum::<usize>();
    // Blocks repeat the inner names under each outer one; a matrix lists each once, with figures.
    let blocks = |rows: &[Slot], columns: &[Slot]| {
        let blocks = names(columns).saturating_mul(rows.len() + 1).saturating_add(names(rows).saturating_mul(columns.len() + 1));
        blocks.saturating_add(64 * (columns.len() + rows.len()))
    };
    let derivative = match derivative {
        Derivative::None => 0,
        Derivative::Tensors(_, slots) => names(slots),
        Derivative::Chain(stages) => chain::overhead(stages),
        Derivative::Linearity(slots) => names(slots),
        Derivative::Product(slots) => names(slots).saturating_mul(2),
        Derivative::Jacobian(slots) => blocks(values, slots),
        Derivative::Hessian(slots) => names(slots).saturating_add(blocks(slots, slots)),
        Derivative::Series(_) => names(values),
    };
    names(values).saturating_add(derivative).saturating_add(64)
}

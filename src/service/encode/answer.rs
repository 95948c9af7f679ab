//! Results → the bytes of an answer, for one point, rows and columns.

use super::chain::{self, Stage};
use super::diagnostics;
use super::linearity;
use super::number::{integer, string};
use super::text::Text;
use crate::engine::watch::Findings;
use crate::service::build::Labels;
use crate::service::decode::{Arrangement, Form, Layout};

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
    first: usize,
    /// Bytes of the lists around one point's numbers.
    brackets: usize,
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
        Template { values, derivative, offsets, first, brackets, labels: None }
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
        let names = |slots: &[Slot]| slots.iter().map(Slot::overhead).sum::<usize>();
        // Blocks repeat the inner names under each outer one; a matrix lists each once, with figures.
        let blocks = |rows: &[Slot], columns: &[Slot]| {
            let blocks = names(columns).saturating_mul(rows.len() + 1).saturating_add(names(rows).saturating_mul(columns.len() + 1));
            blocks.saturating_add(64 * (columns.len() + rows.len()))
        };
        let derivative = match &self.derivative {
            Derivative::None => 0,
            Derivative::Tensors(_, slots) => names(slots),
            Derivative::Chain(stages) => chain::overhead(stages),
            Derivative::Linearity(slots) => names(slots),
            Derivative::Product(slots) => names(slots).saturating_mul(2),
            Derivative::Jacobian(slots) => blocks(&self.values, slots),
            Derivative::Hessian(slots) => names(slots).saturating_add(blocks(slots, slots)),
            Derivative::Series(_) => names(&self.values),
        };
        names(&self.values).saturating_add(derivative).saturating_add(64)
    }
}

/// The results of consecutive points: result k of all of them after result k − 1 of all of them.
#[derive(Debug)]
pub(in crate::service) struct Block {
    pub(in crate::service) points: usize,
    pub(in crate::service) data: Vec<f64>,
    /// What was seen at these points, where they were looked at.
    pub(in crate::service) findings: Findings,
    /// What they are in the answer, once that is printed; the numbers are then gone.
    pub(in crate::service) text: Option<Text>,
}

/// How an answer is to look.
#[derive(Debug, Clone, Copy)]
pub(in crate::service) struct Style {
    pub(in crate::service) arrangement: Arrangement,
    pub(in crate::service) form: Form,
    pub(in crate::service) layout: Layout,
}

/// Writes an answer.
pub(in crate::service) fn answer(template: &Template, blocks: &[Block], style: Style) -> Vec<u8> {
    let points = style.arrangement.points();
    let printed: Vec<&Text> = blocks.iter().filter_map(|block| block.text.as_ref()).collect();
    let length = template.width() * points * NUMBER_LENGTH + template.overhead();
    let mut out = Text::with_capacity(if printed.is_empty() { length.min(1 << 26) } else { 0 });
    match style.arrangement {
        Arrangement::One => {
            let view = View { template, blocks, lead: None, style };
            view.object(&mut out);
            if let (Some(labels), Some(block)) = (&template.labels, blocks.first()) {
                diagnostics::field(&mut out, |out| diagnostics::point(out, labels, &block.findings, 0));
            }
        }
        Arrangement::Columns(n) => {
            if printed.is_empty() {
                View { template, blocks, lead: Some(n), style }.object(&mut out);
            } else {
                out = Text::join(&printed);
            }
            if let Some(labels) = &template.labels {
                diagnostics::field(&mut out, |out| diagnostics::points(out, labels, blocks));
            }
        }
        Arrangement::Steps(listed, _) => linearity::write(template, blocks, listed, &mut out),
        Arrangement::Rows(_) => {
            out.reserve(printed.iter().map(|text| text.len() + 1).sum::<usize>() + 16);
            out.extend_from_slice(b"{\"results\":[");
            for (i, block) in blocks.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                match &block.text {
                    Some(text) => out.extend_from_slice(text),
                    None => rows(template, block, style, &mut out),
                }
            }
            out.extend_from_slice(b"]}");
        }
    }
    out.into_bytes()
}

/// Prints a block of points in the place of its numbers: what [`answer`] then only has to join.
pub(in crate::service) fn print(template: &Template, block: &mut Block, style: Style) {
    let mut text = Text::with_capacity(template.width() * block.points * NUMBER_LENGTH + template.overhead());
    match style.arrangement {
        Arrangement::Columns(_) => {
            let blocks = std::slice::from_ref(block);
            View { template, blocks, lead: Some(block.points), style }.object(&mut text);
        }
        Arrangement::Rows(_) => rows(template, block, style, &mut text),
        // a single point is not printed in parts
        Arrangement::One | Arrangement::Steps(..) => return,
    }
    block.text = Some(text);
    block.data = Vec::new();
}

/// About how long a number is.
const NUMBER_LENGTH: usize = 20;

/// The points of a block, each an object.
fn rows(template: &Template, block: &Block, style: Style, out: &mut Text) {
    for point in 0..block.points {
        if point > 0 {
            out.push(b',');
        }
        row(template, block, point, style, out);
        if let Some(labels) = &template.labels {
            diagnostics::field(out, |out| diagnostics::point(out, labels, &block.findings, point));
        }
    }
}

/// One point of a block, written as if it were the only one.
fn row(template: &Template, block: &Block, point: usize, style: Style, out: &mut Text) {
    let view = View { template, blocks: &[], lead: None, style };
    view.write(out, |k| {
        let (begin, end) = (template.offsets[k], template.offsets[k + 1]);
        let at = begin * block.points + point * (end - begin);
        std::iter::once(&block.data[at..at + (end - begin)])
    });
}

pub(super) struct View<'v> {
    template: &'v Template,
    blocks: &'v [Block],
    pub(super) lead: Option<usize>,
    pub(super) style: Style,
}

impl<'v> View<'v> {
    /// All points together.
    fn object(&self, out: &mut Text) {
        let offsets = &self.template.offsets;
        self.write(out, |k| self.blocks.iter().map(move |block| &block.data[offsets[k] * block.points..offsets[k + 1] * block.points]));
    }

    /// One object; `result(k)` are the runs of result k, each of whole points.
    fn write<'d, I: Iterator<Item = &'d [f64]>>(&self, out: &mut Text, result: impl Fn(usize) -> I) {
        let values = &self.template.values;
        out.extend_from_slice(b"{\"value\":");
        self.tensors(out, values, self.template.first, &result);
        match &self.template.derivative {
            // Steps are not written as points are.
            Derivative::None | Derivative::Linearity(_) => {}
            Derivative::Chain(stages) => self.stages(out, stages, &result),
            Derivative::Tensors(name, slots) => {
                field(out, name);
                self.tensors(out, slots, values.len(), &result);
            }
            Derivative::Jacobian(inputs) => {
                field(out, "jacobian");
                let matrix = Matrix { outputs: values, inputs, lead: self.lead, layout: self.style.layout };
                matrix.write(out, self.style.form, || result(values.len()));
            }
            Derivative::Hessian(inputs) => {
                field(out, "gradient");
                self.tensors(out, inputs, values.len(), &result);
                field(out, "hessian");
                let matrix = Matrix { outputs: inputs, inputs, lead: self.lead, layout: Layout::Numerator };
                matrix.write(out, self.style.form, || result(values.len() + inputs.len()));
            }
            Derivative::Product(inputs) => {
                field(out, "gradient");
                self.tensors(out, inputs, values.len(), &result);
                field(out, "product");
                self.tensors(out, inputs, values.len() + inputs.len(), &result);
            }
            Derivative::Series(order) => {
                field(out, "coefficients");
                self.series(out, *order, &result);
            }
        }
        out.push(b'}');
    }

    /// For each output the list of its coefficients.
    fn series<'d, I: Iterator<Item = &'d [f64]>>(&self, out: &mut Text, order: usize, result: &impl Fn(usize) -> I) {
        let values = &self.template.values;
        let mut next = values.len();
        out.push(b'{');
        for (i, slot) in values.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&slot.key);
            for k in 0..=order {
                out.push(if k == 0 { b'[' } else { b',' });
                out.tensor(self.lead, &slot.sizes, result(next).flatten().copied());
                next += 1;
            }
            out.push(b']');
        }
        out.push(b'}');
    }

    pub(super) fn tensors<'d, I: Iterator<Item = &'d [f64]>>(
        &self,
        out: &mut Text,
        slots: &[Slot],
        first: usize,
        result: &impl Fn(usize) -> I,
    ) {
        out.push(b'{');
        for (k, slot) in slots.iter().enumerate() {
            if k > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&slot.key);
            out.tensor(self.lead, &slot.sizes, result(first + k).flatten().copied());
        }
        out.push(b'}');
    }
}

/// Another field of an answer.
fn field(out: &mut Text, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// A Jacobian, or the Hessian, which is that of a gradient: P×N numbers a point, row-major.
pub(super) struct Matrix<'m> {
    pub(super) outputs: &'m [Slot],
    pub(super) inputs: &'m [Slot],
    pub(super) lead: Option<usize>,
    pub(super) layout: Layout,
}

/// A part of a matrix's rows or columns.
#[derive(Debug, Clone, Copy)]
struct Span {
    begin: usize,
    size: usize,
    /// Distance in the matrix from one to the next.
    stride: usize,
}

impl Matrix<'_> {
    /// The slots that lead, with their spans, then the others.
    fn sides(&self) -> [(&[Slot], Vec<Span>); 2] {
        let n: usize = self.inputs.iter().map(|slot| slot.elements).sum();
        let rows = (self.outputs, spans(self.outputs, n));
        let columns = (self.inputs, spans(self.inputs, 1));
        match self.layout {
            Layout::Numerator => [rows, columns],
            Layout::Denominator => [columns, rows],
        }
    }

    /// Numbers in the matrix of one point.
    fn cells(&self) -> usize {
        let size = |slots: &[Slot]| slots.iter().map(|slot| slot.elements).sum::<usize>();
        size(self.outputs) * size(self.inputs)
    }

    fn write<'d, I: Iterator<Item = &'d [f64]>>(&self, out: &mut Text, form: Form, result: impl Fn() -> I) {
        match form {
            Form::Blocks => self.blocks(out, result),
            Form::Matrix => self.whole(out, result),
        }
    }

    fn blocks<'d, I: Iterator<Item = &'d [f64]>>(&self, out: &mut Text, result: impl Fn() -> I) {
        let [(outer, outer_spans), (inner, inner_spans)] = self.sides();
        let cells = self.cells();
        out.push(b'{');
        for (i, (a, rows)) in outer.iter().zip(outer_spans).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&a.key);
            out.push(b'{');
            for (j, (b, &columns)) in inner.iter().zip(&inner_spans).enumerate() {
                if j > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(&b.key);
                let sizes: Vec<usize> = a.sizes.iter().chain(&b.sizes).copied().collect();
                out.tensor(self.lead, &sizes, pick(result(), cells, rows, columns));
            }
            out.push(b'}');
        }
        out.push(b'}');
    }

    pub(super) fn whole<'d, I: Iterator<Item = &'d [f64]>>(&self, out: &mut Text, result: impl Fn() -> I) {
        let sides = self.sides();
        let total = |(slots, spans): &(&[Slot], Vec<Span>)| {
            let size = slots.iter().map(|slot| slot.elements).sum();
            Span { begin: 0, size, stride: spans.first().map_or(1, |span| span.stride) }
        };
        let (rows, columns) = (total(&sides[0]), total(&sides[1]));
        out.tensor(self.lead, &[rows.size, columns.size], pick(result(), self.cells(), rows, columns));
        for (name, (slots, spans)) in ["rows", "columns"].into_iter().zip(&sides) {
            field(out, name);
            out.push(b'[');
            for (i, (slot, span)) in slots.iter().zip(spans).enumerate() {
                out.extend_from_slice(if i == 0 { b"{\"name\":" } else { b",{\"name\":" });
                string(out, &slot.name);
                out.extend_from_slice(b",\"offset\":");
                integer(out, span.begin);
                out.extend_from_slice(b",\"size\":");
                integer(out, span.size);
                out.push(b'}');
            }
            out.push(b']');
        }
    }
}

fn spans(slots: &[Slot], stride: usize) -> Vec<Span> {
    let mut begin = 0;
    let mut span = |slot: &Slot| {
        let span = Span { begin, size: slot.elements, stride };
        begin += slot.elements;
        span
    };
    slots.iter().map(&mut span).collect()
}

/// The numbers of a block, of each point in turn.
fn pick<'d>(runs: impl Iterator<Item = &'d [f64]>, cells: usize, rows: Span, columns: Span) -> impl Iterator<Item = f64> {
    runs.flat_map(move |run| run.chunks_exact(cells.max(1))).flat_map(move |matrix| {
        (0..rows.size).flat_map(move |i| {
            let row = (rows.begin + i) * rows.stride + columns.begin * columns.stride;
            (0..columns.size).map(move |j| matrix[row + j * columns.stride])
        })
    })
}

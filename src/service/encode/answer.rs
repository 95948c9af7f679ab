//! Results → the bytes of an answer, for one point, rows and columns.

use std::ops::Range;

use super::diagnostics;
use super::linearity;
use super::number::{integer, string};
use super::template::{Derivative, Slot, Template};
use super::text::{Cells, Numbers, Source, Span, Text};
use crate::engine::watch::Findings;
use crate::service::decode::{Arrangement, Form, Layout};

/// The results of consecutive points: result k of all of them after result k − 1 of all of them.
#[derive(Debug)]
pub(in crate::service) struct Block {
    pub(in crate::service) points: usize,
    pub(in crate::service) data: Vec<f64>,
    /// What was seen at these points, where they were looked at.
    pub(in crate::service) findings: Findings,
}

/// How an answer is to look.
#[derive(Debug, Clone, Copy)]
pub(in crate::service) struct Style {
    pub(in crate::service) arrangement: Arrangement,
    pub(in crate::service) form: Form,
    pub(in crate::service) layout: Layout,
}

/// An answer in one piece.
pub(in crate::service) fn answer(template: &Template, blocks: &[Block], style: Style) -> Vec<u8> {
    let length = template.width() * style.arrangement.points() * NUMBER_LENGTH + template.overhead();
    let mut out = Text::of(Numbers::of(template, blocks), length.min(1 << 26));
    write(template, blocks, style, &mut out);
    out.into_bytes()
}

/// About how long a number is.
pub(super) const NUMBER_LENGTH: usize = 20;

/// Writes an answer, but for what is so long that `out` leaves it open.
pub(super) fn write<'b>(template: &'b Template, blocks: &'b [Block], style: Style, out: &mut Text<'b>) {
    match style.arrangement {
        Arrangement::One => {
            View { template, lead: None, style }.write(out);
            if let (Some(labels), Some(block)) = (&template.labels, blocks.first()) {
                diagnostics::field(out, |out| diagnostics::point(out, labels, &block.findings, 0));
            }
        }
        Arrangement::Columns(n) => {
            View { template, lead: Some(n), style }.write(out);
            if let Some(labels) = &template.labels {
                diagnostics::field(out, |out| diagnostics::points(out, labels, blocks));
            }
        }
        Arrangement::Steps(listed, _) => linearity::write(template, blocks, listed, out),
        Arrangement::Rows(n) => {
            out.extend_from_slice(b"{\"results\":[");
            if !out.leaves_rows(n, template.width()) {
                rows(template, blocks, 0..n, style, out);
            }
            out.extend_from_slice(b"]}");
        }
    }
}

/// Some of the points, each an object; a comma between each and the one before it.
pub(super) fn rows<'b>(template: &'b Template, blocks: &'b [Block], points: Range<usize>, style: Style, out: &mut Text<'b>) {
    let view = View { template, lead: None, style };
    let mut first = 0;
    for (number, block) in blocks.iter().enumerate() {
        for point in points.start.max(first)..points.end.min(first + block.points) {
            if point > 0 {
                out.push(b',');
            }
            out.row(template, blocks, number, point - first);
            view.write(out);
            if let Some(labels) = &template.labels {
                diagnostics::field(out, |out| diagnostics::point(out, labels, &block.findings, point - first));
            }
        }
        first += block.points;
    }
}

/// How the numbers of one point, or of all, are written.
pub(super) struct View<'v> {
    template: &'v Template,
    pub(super) lead: Option<usize>,
    pub(super) style: Style,
}

impl View<'_> {
    /// One object.
    fn write(&self, out: &mut Text<'_>) {
        let values = &self.template.values;
        out.extend_from_slice(b"{\"value\":");
        self.tensors(out, values, self.template.first);
        match &self.template.derivative {
            // Steps are not written as points are.
            Derivative::None | Derivative::Linearity(_) => {}
            Derivative::Chain(stages) => self.stages(out, stages),
            Derivative::Tensors(name, slots) => {
                field(out, name);
                self.tensors(out, slots, values.len());
            }
            Derivative::Jacobian(inputs) => {
                field(out, "jacobian");
                let matrix = Matrix { outputs: values, inputs, lead: self.lead, layout: self.style.layout };
                matrix.write(out, self.style.form, values.len());
            }
            Derivative::Hessian(inputs) => {
                field(out, "gradient");
                self.tensors(out, inputs, values.len());
                field(out, "hessian");
                let matrix = Matrix { outputs: inputs, inputs, lead: self.lead, layout: Layout::Numerator };
                matrix.write(out, self.style.form, values.len() + inputs.len());
            }
            Derivative::Product(inputs) => {
                field(out, "gradient");
                self.tensors(out, inputs, values.len());
                field(out, "product");
                self.tensors(out, inputs, values.len() + inputs.len());
            }
            Derivative::Series(order) => {
                field(out, "coefficients");
                self.series(out, *order);
            }
        }
        out.push(b'}');
    }

    /// For each output the list of its coefficients.
    fn series(&self, out: &mut Text<'_>, order: usize) {
        let values = &self.template.values;
        let mut next = values.len();
        out.push(b'{');
        for (i, slot) in values.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(slot.key());
            for k in 0..=order {
                out.push(if k == 0 { b'[' } else { b',' });
                out.tensor(self.lead, &slot.sizes, Source::Result(next));
                next += 1;
            }
            out.push(b']');
        }
        out.push(b'}');
    }

    /// Tensors by name, the results from `first` on.
    pub(super) fn tensors(&self, out: &mut Text<'_>, slots: &[Slot], first: usize) {
        out.push(b'{');
        for (k, slot) in slots.iter().enumerate() {
            if k > 0 {
                out.push(b',');
            }
            out.extend_from_slice(slot.key());
            out.tensor(self.lead, &slot.sizes, Source::Result(first + k));
        }
        out.push(b'}');
    }
}

/// Another field of an answer.
fn field(out: &mut Vec<u8>, name: &str) {
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
    fn size(&self) -> usize {
        let size = |slots: &[Slot]| slots.iter().map(|slot| slot.elements).sum::<usize>();
        size(self.outputs) * size(self.inputs)
    }

    /// Writes it, from that result.
    fn write(&self, out: &mut Text<'_>, form: Form, result: usize) {
        match form {
            Form::Blocks => self.blocks(out, result),
            Form::Matrix => self.whole(out, result),
        }
    }

    fn blocks(&self, out: &mut Text<'_>, result: usize) {
        let [(outer, outer_spans), (inner, inner_spans)] = self.sides();
        let size = self.size();
        out.push(b'{');
        for (i, (a, rows)) in outer.iter().zip(outer_spans).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(a.key());
            out.push(b'{');
            for (j, (b, &columns)) in inner.iter().zip(&inner_spans).enumerate() {
                if j > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(b.key());
                let sizes: Vec<usize> = a.sizes.iter().chain(&b.sizes).copied().collect();
                out.tensor(self.lead, &sizes, Source::Cells(result, Cells { size, rows, columns }));
            }
            out.push(b'}');
        }
        out.push(b'}');
    }

    /// As one list of rows, with what they and the columns are.
    pub(super) fn whole(&self, out: &mut Text<'_>, result: usize) {
        let sides = self.sides();
        let total = |(slots, spans): &(&[Slot], Vec<Span>)| {
            let size = slots.iter().map(|slot| slot.elements).sum();
            Span { begin: 0, size, stride: spans.first().map_or(1, |span| span.stride) }
        };
        let (rows, columns) = (total(&sides[0]), total(&sides[1]));
        out.tensor(self.lead, &[rows.size, columns.size], Source::Cells(result, Cells { size: self.size(), rows, columns }));
        for (name, (slots, spans)) in ["rows", "columns"].into_iter().zip(&sides) {
            field(out, name);
            out.push(b'[');
            for (i, (slot, span)) in slots.iter().zip(spans).enumerate() {
                out.extend_from_slice(if i == 0 { b"{\"name\":" } else { b",{\"name\":" });
                string(out, slot.name());
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

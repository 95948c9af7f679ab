//! Dense linear algebra as kernels. What begins with elimination shares it: solutions, inverses and determinants of one matrix, and
//! their derivatives, read one factored matrix, which varies with no more than the matrix does.

use super::{Lowering, Place};
use crate::engine::Shape;
use crate::engine::exec::linear_algebra::Sizes;
use crate::engine::graph::NodeId;
use crate::engine::op::linear_algebra::Matrices;
use crate::engine::op::{Attributes, Dense, DenseFlags};
use crate::engine::program::kernel::{DenseCall, Lanes, Operand, Source, Work};
use crate::engine::program::layout::Layout;

impl Lowering<'_> {
    /// A routine's kernel; `length` numbers a matrix, all of its results one after another.
    pub(super) fn dense(&mut self, routine: Dense, args: &[NodeId], attributes: &Attributes, length: usize) -> (u32, Lanes, u32) {
        let Some(matrices) = Matrices::of(args.iter().map(|&arg| self.graph.shape(arg))) else {
            unreachable!("the shape rule admitted the arguments of {routine:?}")
        };
        let lanes = args.iter().fold(Lanes::NONE, |lanes, &arg| lanes.union(self.lanes(arg)));
        let (mut operands, mut level) = (Vec::with_capacity(args.len()), 0);
        for (i, &arg) in args.iter().enumerate() {
            let (mut operand, ready) = if i == 0 && routine.is_after_elimination() { self.factored(arg) } else { self.operand(arg) };
            level = level.max(ready);
            if operand.layout.axes.len() == 1 {
                operand.layout.axes.push((1, 0));
            }
            let own: Vec<usize> = operand.layout.axes[operand.layout.axes.len() - 2..].iter().map(|&(size, _)| size).collect();
            let whole = Shape::new([matrices.batch.sizes(), &own].concat());
            operands.push(Operand { layout: operand.layout.broadcast(&whole), ..operand });
        }
        let [rows, columns] = matrices.sizes(0);
        let right = if args.len() > 1 { matrices.sizes(1)[1] } else { 0 };
        let sizes = Sizes { rows, columns, right, arguments: args.len() };
        let to = self.buffer(matrices.batch.elements().saturating_mul(length), lanes);
        self.emit(Work::Dense(DenseCall { routine, flags: DenseFlags::of(attributes), sizes, operands }), to, lanes, level);
        (to, lanes, level)
    }

    /// The matrix after elimination, which is done once however many ask.
    fn factored(&mut self, a: NodeId) -> (Operand, u32) {
        if let Some((operand, ready)) = self.eliminated.get(&a) {
            return (operand.clone(), *ready);
        }
        let sizes = self.graph.shape(a).sizes();
        let (batch, n) = (&sizes[..sizes.len() - 2], sizes[sizes.len() - 1]);
        let shape = Shape::new([batch, &[n + 1, n]].concat());
        let (to, lanes, level) = self.dense(Dense::Lu, &[a], &Attributes::none(), (n + 1) * n);
        let operand = Operand { source: Source::Buffer(to), layout: Layout::contiguous(&shape), lanes };
        self.eliminated.insert(a, (operand.clone(), level + 1));
        (operand, level + 1)
    }

    /// A routine of one result.
    pub(super) fn dense_primitive(&mut self, routine: Dense, args: &[NodeId], attributes: &Attributes, result: Shape) -> Place {
        let own = Matrices::of(args.iter().map(|&arg| self.graph.shape(arg))).map_or(0, |matrices| matrices.batch.elements());
        let (to, lanes, level) = self.dense(routine, args, attributes, result.elements().checked_div(own).unwrap_or(0));
        self.stored(to, result, lanes, level)
    }

    /// A routine of several results: one buffer, matrix by matrix, the results one after another; each of them is a view.
    pub(super) fn dense_several(&mut self, id: NodeId, routine: Dense, args: &[NodeId], attributes: &Attributes) -> Place {
        let shapes = self.graph.results(id).unwrap_or_default().to_vec();
        let batch = Matrices::of(args.iter().map(|&arg| self.graph.shape(arg))).map_or(Shape::scalar(), |matrices| matrices.batch);
        let own = |shape: &Shape| shape.sizes()[batch.rank()..].iter().product::<usize>();
        let length = shapes.iter().map(own).sum();
        let (to, lanes, level) = self.dense(routine, args, attributes, length);
        let mut offset = 0;
        let mut places = Vec::with_capacity(shapes.len());
        for shape in &shapes {
            let mut layout = Layout { offset, ..Layout::contiguous(shape) };
            for (axis, (_, stride)) in layout.axes.iter_mut().zip(Layout::contiguous(&batch).axes) {
                *axis = (axis.0, stride * length as isize);
            }
            offset += own(shape);
            places.push(self.in_memory(Operand { source: Source::Buffer(to), layout, lanes }, level + 1));
        }
        self.several(places)
    }
}

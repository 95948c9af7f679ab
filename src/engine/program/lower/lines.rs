//! Kernels that go along lines: running folds, sorts, tables of knots, convolutions, single numbers one after another. The operands of
//! the others have no gaps.

use super::super::super::op::{Scan, Sorting, interpolation};
use super::super::kernel::{Line, Work};
use super::{Arc, Attributes, Graph, Lanes, Layout, Lowering, NodeId, Operand, Place, Shape, product, shape};

impl Lowering<'_> {
    pub(super) fn running(&mut self, scan: Scan, args: &[NodeId], attributes: &Attributes, result: Shape) -> Place {
        let lanes = self.joined(args);
        let (own, ready) = self.whole(args[0], &result, lanes);
        let (added, added_ready) = if args.len() > 1 { self.whole(args[1], &result, lanes) } else { (own.clone(), ready) };
        let (chain, reverse) = (attributes.flag("chain"), attributes.flag("reverse"));
        let work = Work::Scan { own, added, scan, chain, reverse, line: line(&result, attributes) };
        self.written(work, result, lanes, ready.max(added_ready))
    }

    pub(super) fn sorting(&mut self, how: Sorting, args: &[NodeId], attributes: &Attributes, result: Shape) -> Place {
        let lanes = self.joined(args);
        // what is the same for all seeds is sorted once
        let (keys, ready) = self.whole(args[0], &result, self.lanes(args[0]));
        let (values, values_ready) = if how == Sorting::Values { (keys.clone(), ready) } else { self.whole(args[1], &result, lanes) };
        let work = Work::Sort { keys, values, how, descending: attributes.flag("descending"), line: line(&result, attributes) };
        self.written(work, result, lanes, ready.max(values_ready))
    }

    pub(super) fn interpolating(&mut self, slope: bool, args: &[NodeId], attributes: &Attributes, result: Shape) -> Place {
        let lanes = self.joined(args);
        let (from, ready) = self.whole(args[0], &result, lanes);
        let work = Work::Interpolate { from, knots: Arc::new(interpolation::knots(attributes)), slope };
        self.written(work, result, lanes, ready)
    }

    pub(super) fn convolving(&mut self, args: &[NodeId], attributes: &Attributes, result: Shape) -> Place {
        let lanes = self.joined(args);
        let sizes = [args[0], args[1]].map(|arg| self.graph.shape(arg).clone());
        let (left, ready) = self.whole(args[0], &sizes[0], lanes);
        let (right, right_ready) = self.whole(args[1], &sizes[1], lanes);
        let start = product::convolved(attributes, sizes[0].elements(), sizes[1].elements()).start;
        let work = Work::Convolve { left, right, start, chain: attributes.flag("chain") };
        self.written(work, result, lanes, ready.max(right_ready))
    }

    /// A concatenation of many single numbers.
    pub(super) fn packing(&mut self, args: &[NodeId], result: Shape, lanes: Lanes) -> Place {
        let mut level = 0;
        let from = args.iter().map(|&arg| {
            let (operand, ready) = self.operand(arg);
            level = level.max(ready);
            Operand { layout: Layout { offset: operand.layout.offset, axes: Vec::new() }, ..operand }
        });
        let work = Work::Pack { from: from.collect() };
        self.written(work, result, lanes, level)
    }

    /// A kernel that fills a buffer of its own.
    fn written(&mut self, work: Work, result: Shape, lanes: Lanes, level: u32) -> Place {
        let to = self.buffer(result.elements(), lanes);
        self.emit(work, to, lanes, level);
        self.stored(to, result, lanes, level)
    }

    /// The node broadcast to a shape, without gaps and with all of `lanes`; and the lowest level that may read it.
    fn whole(&mut self, id: NodeId, shape: &Shape, lanes: Lanes) -> (Operand, u32) {
        let (operand, ready) = self.operand(id);
        self.contiguous(Operand { layout: operand.layout.broadcast(shape), ..operand }, ready, lanes)
    }
}

/// Whether a concatenation is of so many single numbers that a kernel for each would be too many.
pub(super) fn is_packed(graph: &Graph, args: &[NodeId]) -> bool {
    /// Fewer are as well copied one by one.
    const FEWEST: usize = 4;
    args.len() >= FEWEST && args.iter().all(|&arg| graph.shape(arg).elements() == 1)
}

/// The lines along the axis of a canonical application whose result has that shape.
fn line(of: &Shape, attributes: &Attributes) -> Line {
    let (axis, sizes) = (shape::axis_of(attributes), of.sizes());
    Line { outer: sizes[..axis].iter().product(), length: sizes[axis], inner: sizes[axis + 1..].iter().product() }
}

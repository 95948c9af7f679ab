//! Dense linear algebra of whole tensors, with the routines that programs run.

use std::sync::atomic::AtomicBool;

use crate::engine::exec::elementwise::Isa;
use crate::engine::exec::linear_algebra::{self, Call, Side, Sizes, Spread};
use crate::engine::op::linear_algebra::Matrices;
use crate::engine::op::{Attributes, Dense, DenseFlags};
use crate::engine::program::layout::Layout;
use crate::engine::{Shape, Tensor};

/// All results of a routine, matrix by matrix.
pub(super) fn routine(routine: Dense, args: &[&Tensor], attributes: &Attributes) -> Vec<f64> {
    let Some(matrices) = Matrices::of(args.iter().map(|arg| arg.shape())) else { return Vec::new() };
    let [rows, columns] = matrices.sizes(0);
    let sizes = Sizes { rows, columns, right: if args.len() > 1 { matrices.sizes(1)[1] } else { 0 }, arguments: args.len() };
    let eliminated = routine.is_after_elimination().then(|| self::routine(Dense::Lu, &args[..1], &Attributes::none()));
    let own = |i: usize| if i == 0 && eliminated.is_some() { [rows + 1, rows] } else { matrices.sizes(i) };
    let layout = |i: usize| {
        let of = |batch: &[usize]| Shape::new([batch, &own(i)].concat());
        let sizes = matrices.shapes[i].sizes();
        Layout::contiguous(&of(&sizes[..sizes.len() - 2])).broadcast(&of(matrices.batch.sizes()))
    };
    let layouts: Vec<Layout> = (0..args.len()).map(layout).collect();
    let data = |i: usize| eliminated.as_deref().filter(|_| i == 0).unwrap_or(args[i].data());
    let spread = Spread { lanes: 1, divide: 1 };
    let sides: Vec<Side<'_>> = layouts.iter().enumerate().map(|(i, layout)| Side { data: data(i), layout, spread }).collect();
    let call = Call { routine, flags: DenseFlags::of(attributes), sizes, sides: &sides, lanes: 1 };
    let mut out = vec![0.0; matrices.batch.elements() * linear_algebra::length(routine, sizes)];
    // nobody stops it
    let _ = linear_algebra::run(Isa::detect(), &call, &mut Vec::new(), &mut out, &AtomicBool::new(false));
    out
}

/// The results of a routine that has several.
pub(super) fn several(routine: Dense, args: &[&Tensor], attributes: &Attributes, results: &[Shape]) -> Vec<Tensor> {
    let all = self::routine(routine, args, attributes);
    let batch = Matrices::of(args.iter().map(|arg| arg.shape())).map_or(0, |matrices| matrices.batch.elements()).max(1);
    let mut first = 0;
    let mut tensor = |shape: &Shape| {
        let length = shape.elements() / batch;
        let own = all.chunks_exact((all.len() / batch).max(1)).flat_map(|matrix| &matrix[first..first + length]).copied().collect();
        first += length;
        Tensor::new(shape.clone(), own).unwrap_or_else(|| unreachable!("results are as long as their shapes say"))
    };
    results.iter().map(&mut tensor).collect()
}

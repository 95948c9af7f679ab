//! Loops, evaluated plainly: entry by entry and step by step.

use super::super::super::op::structure::{Mapped, Scan};
use super::super::super::op::{Attributes, arithmetic};
use super::super::super::{Shape, Tensor};
use super::outputs;

/// Entry `i` of a tensor's leading axis.
fn entry(tensor: &Tensor, i: usize) -> Tensor {
    let shape = Shape::from(&tensor.shape().sizes()[1..]);
    let size = shape.elements();
    let data = tensor.data()[i * size..(i + 1) * size].to_vec();
    Tensor::new(shape.clone(), data).unwrap_or_else(|| unreachable!("an entry has as many elements as its shape {shape}"))
}

/// Tensors of these shapes, filled one piece after another.
fn stacked(shapes: &[Shape], pieces: Vec<Vec<f64>>) -> Vec<Tensor> {
    let tensor = |(shape, data): (&Shape, Vec<f64>)| {
        Tensor::new(shape.clone(), data).unwrap_or_else(|| unreachable!("entries fill the shape {shape}"))
    };
    shapes.iter().zip(pieces).map(tensor).collect()
}

pub(super) fn map(args: &[&Tensor], attributes: &Attributes, results: &[Shape]) -> Vec<Tensor> {
    let mapped = Mapped::of(attributes);
    let mut pieces = vec![Vec::new(); results.len()];
    for i in 0..mapped.length(|i| args[i].shape().sizes()) {
        let entries: Vec<Tensor> =
            args.iter().zip(&mapped.over).map(|(arg, &over)| if over { entry(arg, i) } else { (*arg).clone() }).collect();
        for (piece, value) in pieces.iter_mut().zip(outputs(mapped.body.graph(), &entries.iter().collect::<Vec<_>>())) {
            piece.extend_from_slice(value.data());
        }
    }
    stacked(results, pieces)
}

pub(super) fn scan(args: &[&Tensor], attributes: &Attributes, results: &[Shape]) -> Vec<Tensor> {
    let scan = Scan::of(attributes);
    let mut carry: Vec<Tensor> = args[..scan.carry].iter().map(|&arg| arg.clone()).collect();
    let mut pieces = vec![Vec::new(); results.len() - scan.carry];
    for step in 0..scan.length {
        let slices: Vec<Tensor> = args[scan.carry..scan.carry + scan.slices].iter().map(|xs| entry(xs, step)).collect();
        let inputs: Vec<&Tensor> = carry.iter().chain(&slices).chain(args[scan.carry + scan.slices..].iter().copied()).collect();
        let goes_on = scan.guard.as_ref().is_none_or(|guard| arithmetic::truth(outputs(guard.graph(), &inputs)[0].data()[0]));
        if goes_on {
            let mut values = outputs(scan.body.graph(), &inputs).into_iter();
            let next: Vec<Tensor> = values.by_ref().take(scan.carry).collect();
            for (piece, value) in pieces.iter_mut().zip(values) {
                piece.extend_from_slice(value.data());
            }
            carry = next;
        } else {
            for (piece, shape) in pieces.iter_mut().zip(&results[scan.carry..]) {
                piece.resize(piece.len() + shape.elements() / scan.length, 0.0);
            }
        }
    }
    carry.into_iter().chain(stacked(&results[scan.carry..], pieces)).collect()
}

//! Orthogonal triangularisation by reflections. Matrices lie column by column here: a column is a contiguous row of memory.

use std::sync::atomic::AtomicBool;

use super::super::super::program::Stopped;
use super::{asked, vector};

/// A triangularised matrix: column k of `columns` holds R above the diagonal and, below it, the reflector v (whose own k-th entry is 1);
/// `diagonal` holds R's diagonal and `weights` the τ of each reflection 1 − τ·v·vᵀ.
pub(super) struct Reflections<'a> {
    pub(super) columns: &'a mut [f64],
    pub(super) diagonal: &'a mut [f64],
    pub(super) weights: &'a mut [f64],
    /// The length of a column.
    pub(super) height: usize,
}

impl Reflections<'_> {
    #[inline(always)]
    fn column(&self, j: usize) -> &[f64] {
        &self.columns[j * self.height..(j + 1) * self.height]
    }

    /// Triangularises in place. With `order`, the longest column that is left comes first each time, and `order` tells which it was.
    #[inline(always)]
    pub(super) fn triangularise(&mut self, mut order: Option<&mut [f64]>, stop: &AtomicBool) -> Result<(), Stopped> {
        let height = self.height;
        let count = self.columns.len() / height.max(1);
        if let Some(order) = order.as_deref_mut() {
            order.iter_mut().enumerate().for_each(|(j, place)| *place = j as f64);
        }
        for k in 0..self.diagonal.len() {
            asked(stop)?;
            if let Some(order) = order.as_deref_mut() {
                let mut longest = (k, -1.0);
                for j in k..count {
                    let length = vector::norm(&self.column(j)[k..]);
                    if length > longest.1 {
                        longest = (j, length);
                    }
                }
                if longest.0 != k {
                    let (first, second) = vector::pair(self.columns, height, k, longest.0);
                    first.swap_with_slice(second);
                    order.swap(k, longest.0);
                }
            }
            let (done, rest) = self.columns.split_at_mut((k + 1) * height);
            let own = &mut done[k * height + k..];
            if own[1..].iter().all(|&x| x == 0.0) {
                (self.diagonal[k], self.weights[k]) = (own[0], 0.0);
                continue;
            }
            let length = vector::norm(own);
            let reflected = if own[0] > 0.0 { -length } else { length };
            let first = own[0] - reflected;
            (self.diagonal[k], self.weights[k]) = (reflected, -first / reflected);
            own[1..].iter_mut().for_each(|x| *x /= first);
            own[0] = 1.0;
            for other in rest.chunks_exact_mut(height) {
                let product = vector::dot(own, &other[k..]);
                vector::add_scaled(&mut other[k..], -(self.weights[k] * product), own);
            }
        }
        Ok(())
    }

    /// Column i of Q, the product of all reflections.
    #[inline(always)]
    pub(super) fn direction(&self, i: usize, to: &mut [f64]) {
        to.fill(0.0);
        to[i] = 1.0;
        for k in (0..=i.min(self.diagonal.len().saturating_sub(1))).rev() {
            if self.weights[k] != 0.0 {
                let own = &self.column(k)[k..];
                let product = vector::dot(own, &to[k..]);
                vector::add_scaled(&mut to[k..], -(self.weights[k] * product), own);
            }
        }
    }

    /// R's entry in row i, column j.
    #[inline(always)]
    pub(super) fn triangle(&self, i: usize, j: usize) -> f64 {
        if i == j {
            self.diagonal[i]
        } else if i < j {
            self.column(j)[i]
        } else {
            0.0
        }
    }
}

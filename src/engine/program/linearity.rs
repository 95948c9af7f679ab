//! Local linearity, f(x + h·d) = f(x) + J·h·d + o(h), as one graph: f at the point and at a step from it, and J.
//!
//! The step is the one that is really made, fl(x + h·d) − x, so that what rounding does to x shows nowhere. The direction d and the
//! weights ȳ of the inner products are fixed sequences where nobody gives them: part of the graph, the same in every answer.

use super::plan::Planning;
use crate::engine::diff::{self, Cotangent};
use crate::engine::graph::algebra::Made;
use crate::engine::graph::compose::{flat, inline};
use crate::engine::graph::{Graph, NodeId};
use crate::engine::{Error, Shape, Tensor};

impl Planning {
    /// What [`super::Want::Linearity`] asks for.
    pub(super) fn linearity(&mut self, graph: &Graph, directed: Option<&[usize]>) -> Result<(), Error> {
        let mut directions: Vec<Option<NodeId>> = vec![None; self.inputs.len()];
        match directed {
            Some(directed) => {
                for &i in directed {
                    directions[i] = Some(self.direction(self.inputs[i], i, "_direction")?);
                }
            }
            None => {
                let fixed = self.fixed(&self.inputs.clone(), 0x0d);
                directions = fixed.into_iter().map(Some).collect();
            }
        }
        let h = self.g.input("h", Shape::scalar())?;
        let (x, y) = (self.inputs.clone(), self.outputs.clone());

        // x' = x + h·d, and the step Δ = x' − x
        let (mut moved, mut steps, mut tangents) = (Vec::with_capacity(x.len()), Vec::new(), Vec::new());
        for (&x, &d) in x.iter().zip(&directions) {
            let Some(d) = d else {
                moved.push(x);
                continue;
            };
            let along = self.g.multiply(h, d)?;
            let end = self.g.add(x, along)?;
            steps.push((x, self.g.subtract(end, x)?));
            tangents.push((x, d));
            moved.push(end);
        }
        let copies = inline(graph, &mut self.g, &moved)?;
        let ends: Vec<NodeId> = graph.outputs().iter().map(|output| copies[output.node.index()]).collect();
        let linear = diff::jvp(&mut self.g, &steps, &y)?;
        let slopes = diff::jvp(&mut self.g, &tangents, &y)?;

        // f(x') − f(x), and what of it is not J·Δ
        let differences: Vec<NodeId> = ends.iter().zip(&y).map(|(&end, &y)| self.g.subtract(end, y)).collect::<Result<_, _>>()?;
        for (&difference, &y) in differences.iter().zip(&y) {
            self.whole(Some(difference), y);
        }
        for ((&difference, &linear), &y) in differences.iter().zip(&linear).zip(&y) {
            let remainder = linear.map_or(Ok(difference), |linear| self.g.subtract(difference, linear))?;
            self.whole(Some(remainder), y);
        }
        for (&slope, &y) in slopes.iter().zip(&y) {
            self.whole(slope, y);
        }
        for (&d, &x) in directions.iter().zip(&x) {
            self.whole(d, x);
        }

        // ⟨ȳ, J·d⟩ forward and ⟨Jᵀȳ, d⟩ in reverse
        let weights = self.fixed(&y, 0x0b);
        let cotangents: Vec<(NodeId, Cotangent)> = y.iter().zip(&weights).map(|(&y, &bar)| (y, bar.into())).collect();
        let bars = diff::vjp(&mut self.g, &cotangents, &x)?;
        let forward: Vec<_> = weights.iter().zip(&slopes).filter_map(|(&bar, &slope)| Some((bar, slope?))).collect();
        let reverse: Vec<_> = bars.iter().zip(&directions).filter_map(|(&bar, &d)| Some((bar?, d?))).collect();
        for pairs in [forward, reverse] {
            let product = self.inner(&pairs)?;
            self.whole(Some(product), h);
        }
        self.whole(Some(h), h);
        Ok(())
    }

    /// Σ⟨a, b⟩ over pairs of tensors of one shape.
    fn inner(&mut self, pairs: &[(NodeId, NodeId)]) -> Made {
        let products = pairs.iter().map(|&(a, b)| self.g.multiply(a, b)).collect::<Result<Vec<_>, _>>()?;
        let all = flat(&mut self.g, &products)?;
        self.g.sum(all, &[0], false)
    }

    /// A constant like each of `nodes`, whose elements follow one fixed sequence.
    fn fixed(&mut self, nodes: &[NodeId], sequence: u64) -> Vec<NodeId> {
        let mut index = 0;
        let mut constants = Vec::with_capacity(nodes.len());
        for &node in nodes {
            let shape = self.g.shape(node).clone();
            let data = (index..index + shape.elements() as u64).map(|i| element(sequence, i)).collect();
            index += shape.elements() as u64;
            constants.extend(Tensor::new(shape, data).map(|tensor| self.g.constant(tensor)));
        }
        constants
    }
}

/// Element `index` of a fixed sequence of numbers of either sign with sizes from ½ to 1: first 1, then what SplitMix64 gives
/// (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014). None is small, so none hides what it multiplies.
fn element(sequence: u64, index: u64) -> f64 {
    if index == 0 {
        return 1.0;
    }
    let mut z = (sequence << 56 ^ index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let size = 0.5 + (z >> 12) as f64 / (1u64 << 53) as f64;
    if z & 1 == 0 { size } else { -size }
}

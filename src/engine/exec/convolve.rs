//! Discrete convolution. Each element of the result is one chain of fused multiply-adds over the left factor's elements in ascending
//! order, whatever the lanes, so that one point and a batch have the same bits. Nothing is padded: a product that is not there is not
//! a product with 0.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::elementwise::Isa;
use super::matmul::{dot, settle};

/// One convolution as it lies in memory: elements outermost, `lanes` innermost.
#[derive(Clone, Copy)]
pub(super) struct Factors<'a> {
    pub(super) left: &'a [f64],
    pub(super) right: &'a [f64],
    /// Elements of the left factor, and of the right.
    pub(super) lengths: (usize, usize),
    pub(super) lanes: usize,
    /// The first element that is wanted of the full convolution.
    pub(super) start: usize,
    /// Zeros stay zeros: 0·∞ and 0·NaN are 0.
    pub(super) chain: bool,
}

/// The elements of the left factor that meet one of the right at element k of the full convolution.
pub(crate) fn meeting(k: usize, (left, right): (usize, usize)) -> Range<usize> {
    (k + 1).saturating_sub(right)..left.min(k + 1)
}

/// Computes as many elements as `out` has room for; gives up between them once `stop` is set.
pub(super) fn run(isa: Isa, factors: Factors<'_>, out: &mut [f64], stop: &AtomicBool) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` is what this CPU was found to have
        Isa::V3 | Isa::V4 => unsafe { run_v3(factors, out, stop) },
        _ => convolve(factors, out, stop),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_v3(factors: Factors<'_>, out: &mut [f64], stop: &AtomicBool) {
    convolve(factors, out, stop);
}

#[inline(always)]
fn convolve(factors: Factors<'_>, out: &mut [f64], stop: &AtomicBool) {
    let Factors { left, right, lengths, lanes, start, chain } = factors;
    out.fill(0.0);
    if lanes == 1 {
        // one lane: the result is a sum of scaled and shifted copies of the right factor
        let end = start + out.len();
        for (i, scale) in left.iter().enumerate().take(lengths.0) {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let (first, last) = (i.max(start), (i + lengths.1).min(end));
            if first < last {
                for (sum, value) in out[first - start..last - start].iter_mut().zip(&right[first - i..last - i]) {
                    *sum = scale.mul_add(*value, *sum);
                }
            }
        }
    } else {
        for (j, sums) in out.chunks_mut(lanes.max(1)).enumerate() {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            for i in meeting(start + j, lengths) {
                let other = start + j - i;
                let pairs = left[i * lanes..(i + 1) * lanes].iter().zip(&right[other * lanes..(other + 1) * lanes]);
                for (sum, (a, b)) in sums.iter_mut().zip(pairs) {
                    *sum = a.mul_add(*b, *sum);
                }
            }
        }
    }
    if chain && settle(out) {
        // those elements once more, with zeros kept
        for (at, sum) in out.iter_mut().enumerate().filter(|(_, sum)| sum.is_nan()) {
            let (k, lane) = (start + at / lanes, at % lanes);
            let meeting = meeting(k, lengths);
            let pair = |i: usize| (left[(meeting.start + i) * lanes + lane], right[(k - meeting.start - i) * lanes + lane]);
            *sum = dot(meeting.len(), pair, true);
        }
    }
}

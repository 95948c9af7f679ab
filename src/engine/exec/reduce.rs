//! Folds over axes, in one fixed tree that the number of elements alone decides.
//!
//! Within a chunk of 128 elements, eight sums take every eighth element; chunks are then joined in pairs, like a binary counter.
//! The tree is the same for one lane and for many, so a batch has the bits of its points. The eight sums are two vectors of four where the
//! elements lie side by side, and lanes are vectors where they do; no closure stands in between, since what it calls would not be compiled
//! for the instruction set of its caller.

use super::super::op::{Fold, choice};
use super::elementwise::Isa;

/// Elements of a chunk.
pub(crate) const CHUNK: usize = 128;
const WAYS: usize = 8;

/// What is folded: element `i` of lane `l` of result `r` is `data[first + r·between + i·step + l]`.
#[derive(Clone, Copy)]
pub(crate) struct Folding<'a> {
    pub(crate) how: Fold,
    /// How many elements are folded into one.
    pub(crate) count: usize,
    pub(crate) data: &'a [f64],
    pub(crate) first: usize,
    pub(crate) between: isize,
    pub(crate) step: isize,
    pub(crate) lanes: usize,
}

/// A fold of which each value is that of 2ᵏ chunks, and the last of no more: they are the tree's nodes in order, at least one.
pub(super) fn joined(how: Fold, nodes: impl IntoIterator<Item = f64>) -> f64 {
    let mut nodes = nodes.into_iter().peekable();
    let mut tree = Tree::<1>::new();
    let mut best = None;
    while let Some(node) = nodes.next() {
        match how {
            Fold::Sum if nodes.peek().is_some() => tree.push([node]),
            // what is left over is joined first
            Fold::Sum => return tree.sums[..tree.depth].iter().rev().fold(node, |total, [sum]| sum + total),
            Fold::Max => best = Some(best.map_or(node, |best| choice::larger(best, node))),
            Fold::Min => best = Some(best.map_or(node, |best| choice::smaller(best, node))),
        }
    }
    best.unwrap_or(0.0)
}

/// The sum of no more than a chunk of whatever can be added, in the same tree; `None` of none.
///
/// # Errors
/// Those of `add`.
pub(crate) fn tree<T: Copy, E>(terms: &[T], mut add: impl FnMut(T, T) -> Result<T, E>) -> Result<Option<T>, E> {
    debug_assert!(terms.len() <= CHUNK);
    // the −0.0 that a way begins with leaves the bits of what is added to it
    let mut join = |a: Option<T>, b: Option<T>| match (a, b) {
        (Some(a), Some(b)) => add(a, b).map(Some),
        _ => Ok(a.or(b)),
    };
    let mut sums = [None; WAYS];
    for (i, &term) in terms.iter().enumerate() {
        sums[i % WAYS] = join(sums[i % WAYS], Some(term))?;
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let (ae, cg, bf, dh) = (join(a, e)?, join(c, g)?, join(b, f)?, join(d, h)?);
    let (even, odd) = (join(ae, cg)?, join(bf, dh)?);
    join(even, odd)
}

/// Folds elements that lie side by side.
pub(crate) fn fold(how: Fold, data: &[f64]) -> f64 {
    let mut out = [0.0];
    every(Folding { how, count: data.len(), data, first: 0, between: 0, step: 1, lanes: 1 }, &mut out);
    out[0]
}

/// Every result, with all its lanes, of as many as fill `out`.
pub(crate) fn run(isa: Isa, folding: Folding<'_>, out: &mut [f64]) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` is what this CPU was found to have
        Isa::V3 | Isa::V4 => unsafe { run_v3(folding, out) },
        _ => every(folding, out),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_v3(folding: Folding<'_>, out: &mut [f64]) {
    every(folding, out);
}

#[inline(always)]
fn every(folding: Folding<'_>, out: &mut [f64]) {
    let Folding { how, count, data, first, between, step, lanes } = folding;
    if between == lanes as isize || out.len() == lanes {
        // results whose elements are neighbours are lanes, too
        return side_by_side(how, Rows { data, first: first as isize, step, count }, out);
    }
    let row = |r: usize| Rows { data, first: first as isize + r as isize * between, step, count };
    let mut done = 0;
    if lanes == 1 && step == 1 && (1..=CHUNK).contains(&count) && matches!(how, Fold::Sum) {
        for out in out.as_chunks_mut::<ROWS>().0 {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| row(done + i).neighbours());
            *out = chunks_of([a, b, c, d]);
            done += ROWS;
        }
    }
    for (r, out) in out.chunks_exact_mut(lanes.max(1)).enumerate().skip(done) {
        side_by_side(how, row(r), out);
    }
}

/// Chunks that are summed at once: none waits for the additions of another.
const ROWS: usize = 4;

/// Element `i` of lane `l` is `data[first + i·step + l]`.
#[derive(Clone, Copy)]
struct Rows<'a> {
    data: &'a [f64],
    first: isize,
    step: isize,
    count: usize,
}

impl<'a> Rows<'a> {
    /// `W` lanes of an element.
    #[inline(always)]
    fn row<const W: usize>(&self, i: usize) -> [f64; W] {
        let from = (self.first + i as isize * self.step) as usize;
        let mut row = [0.0; W];
        row.copy_from_slice(&self.data[from..from + W]);
        row
    }

    /// Elements that lie side by side.
    #[inline(always)]
    fn neighbours(&self) -> &'a [f64] {
        &self.data[self.first as usize..][..self.count]
    }

    /// From that lane on.
    #[inline(always)]
    fn from(self, lane: usize) -> Self {
        Rows { first: self.first + lane as isize, ..self }
    }
}

/// All lanes, in blocks; the last block of a width may cover some lanes again.
#[inline(always)]
fn side_by_side(how: Fold, rows: Rows<'_>, out: &mut [f64]) {
    match out.len() {
        1 if rows.step == 1 && matches!(how, Fold::Sum) => out[0] = sum_of(rows.neighbours()),
        lanes @ 16.. => blocks::<16>(how, rows, lanes, out),
        lanes @ 8.. => blocks::<8>(how, rows, lanes, out),
        lanes @ 4.. => blocks::<4>(how, rows, lanes, out),
        lanes => blocks::<1>(how, rows, lanes, out),
    }
}

#[inline(always)]
fn blocks<const W: usize>(how: Fold, rows: Rows<'_>, lanes: usize, out: &mut [f64]) {
    for block in 0..lanes.div_ceil(W) {
        let lane = (block * W).min(lanes - W);
        let rows = rows.from(lane);
        let folded: [f64; W] = match how {
            Fold::Sum => sum(rows),
            Fold::Max => extreme(rows, f64::NEG_INFINITY, true),
            Fold::Min => extreme(rows, f64::INFINITY, false),
        };
        out[lane..lane + W].copy_from_slice(&folded);
    }
}

#[inline(always)]
fn sum<const W: usize>(rows: Rows<'_>) -> [f64; W] {
    match rows.count {
        0 => [0.0; W],
        count @ ..=CHUNK => chunk(rows, 0, count),
        count => {
            let mut tree = Tree::new();
            for start in (0..count).step_by(CHUNK) {
                tree.push(chunk(rows, start, count.min(start + CHUNK)));
            }
            tree.total()
        }
    }
}

/// The sum of elements that lie side by side: the ways are the vector.
#[inline(always)]
fn sum_of(data: &[f64]) -> f64 {
    if data.len() <= CHUNK {
        return if data.is_empty() { 0.0 } else { chunk_of(data) };
    }
    let mut tree = Tree::new();
    for chunk in data.chunks(CHUNK) {
        tree.push([chunk_of(chunk)]);
    }
    tree.total()[0]
}

/// Sums of chunks, joined in pairs: the sum of 2ᵏ chunks stands where bit k of their number is set.
struct Tree<const W: usize> {
    sums: [[f64; W]; 64],
    depth: usize,
    pushed: usize,
}

impl<const W: usize> Tree<W> {
    #[inline(always)]
    fn new() -> Self {
        Tree { sums: [[0.0; W]; 64], depth: 0, pushed: 0 }
    }

    #[inline(always)]
    fn push(&mut self, mut joined: [f64; W]) {
        let mut carry = self.pushed;
        while carry & 1 == 1 {
            self.depth -= 1;
            joined = add(self.sums[self.depth], joined);
            carry >>= 1;
        }
        self.sums[self.depth] = joined;
        self.depth += 1;
        self.pushed += 1;
    }

    /// Of at least one chunk.
    #[inline(always)]
    fn total(&self) -> [f64; W] {
        let mut total = self.sums[self.depth - 1];
        for sum in self.sums[..self.depth - 1].iter().rev() {
            total = add(total, *sum);
        }
        total
    }
}

/// The sum of a chunk's elements.
#[inline(always)]
fn chunk<const W: usize>(rows: Rows<'_>, start: usize, end: usize) -> [f64; W] {
    // −0.0 is the sum of nothing: added to anything it leaves its bits
    let mut sums = [[-0.0; W]; WAYS];
    let whole = end - (end - start) % WAYS;
    let mut i = start;
    while i < whole {
        for way in 0..WAYS {
            sums[way] = add(sums[way], rows.row(i + way));
        }
        i += WAYS;
    }
    for way in 0..end - whole {
        sums[way] = add(sums[way], rows.row(whole + way));
    }
    let [a, b, c, d, e, f, g, h] = sums;
    add(add(add(a, e), add(c, g)), add(add(b, f), add(d, h)))
}

/// The same of elements that lie side by side.
#[inline(always)]
fn chunk_of(data: &[f64]) -> f64 {
    chunks_of([data])[0]
}

/// Of several chunks of the same length.
#[inline(always)]
fn chunks_of<const N: usize>(data: [&[f64]; N]) -> [f64; N] {
    let mut sums = [[-0.0; WAYS]; N];
    let mut eights = [&[][..]; N];
    for chunk in 0..N {
        eights[chunk] = data[chunk].as_chunks::<WAYS>().0;
    }
    for i in 0..eights[0].len() {
        for chunk in 0..N {
            sums[chunk] = add(sums[chunk], eights[chunk][i]);
        }
    }
    let mut totals = [0.0; N];
    for chunk in 0..N {
        for (way, &last) in data[chunk].as_chunks::<WAYS>().1.iter().enumerate() {
            sums[chunk][way] += last;
        }
        let [a, b, c, d, e, f, g, h] = sums[chunk];
        totals[chunk] = ((a + e) + (c + g)) + ((b + f) + (d + h));
    }
    totals
}

#[inline(always)]
fn add<const W: usize>(a: [f64; W], b: [f64; W]) -> [f64; W] {
    let mut sum = [0.0; W];
    for lane in 0..W {
        sum[lane] = a[lane] + b[lane];
    }
    sum
}

/// The largest or smallest, element after element.
#[inline(always)]
fn extreme<const W: usize>(rows: Rows<'_>, start: f64, largest: bool) -> [f64; W] {
    let mut best = [start; W];
    for i in 0..rows.count {
        let row = rows.row::<W>(i);
        for lane in 0..W {
            best[lane] = if largest { choice::larger(best[lane], row[lane]) } else { choice::smaller(best[lane], row[lane]) };
        }
    }
    best
}

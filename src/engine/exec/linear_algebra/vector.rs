//! Sums and sweeps over contiguous numbers: what every routine's inner loop is made of.
//!
//! The order of additions depends on lengths alone, so the bits are those of any CPU.

/// Sums side by side.
const WAYS: usize = 8;

/// Σ aᵢ·bᵢ in one fixed order.
#[inline(always)]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; WAYS];
    let (pairs, other) = (a.chunks_exact(WAYS), b.chunks_exact(WAYS));
    let rest = pairs.remainder().iter().zip(other.remainder());
    for (a, b) in pairs.zip(other) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum = a.mul_add(*b, *sum);
        }
    }
    let mut left: f64 = 0.0;
    for (a, b) in rest {
        left = a.mul_add(*b, left);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    (((a + e) + (c + g)) + ((b + f) + (d + h))) + left
}

/// y += a·x
#[inline(always)]
pub(super) fn add_scaled(y: &mut [f64], a: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = a.mul_add(*x, *y);
    }
}

/// Two rows of a matrix, the first of them above the second.
#[inline(always)]
pub(super) fn pair(rows: &mut [f64], width: usize, p: usize, q: usize) -> (&mut [f64], &mut [f64]) {
    let (before, after) = rows.split_at_mut(q * width);
    (&mut before[p * width..(p + 1) * width], &mut after[..width])
}

/// A plane rotation by the angle of sine `s`, where `r` = s/(1 + c): x − s·(y + r·x), y + s·(x − r·y).
#[inline(always)]
pub(super) fn rotate(x: &mut [f64], y: &mut [f64], s: f64, r: f64) {
    for (x, y) in x.iter_mut().zip(y) {
        let (a, b) = (*x, *y);
        *x = (-s).mul_add(r.mul_add(a, b), a);
        *y = s.mul_add((-r).mul_add(b, a), b);
    }
}

/// The largest magnitude; NaN where there is one.
#[inline(always)]
pub(super) fn largest(x: &[f64]) -> f64 {
    let mut most = 0.0;
    for x in x {
        if x.is_nan() {
            return f64::NAN;
        }
        if x.abs() > most {
            most = x.abs();
        }
    }
    most
}

/// √Σxᵢ², by way of a power of two where squares would overflow or vanish.
#[inline(always)]
pub(super) fn norm(x: &[f64]) -> f64 {
    let plain = dot(x, x);
    if (1e-280..1e280).contains(&plain) || plain == 0.0 && x.iter().all(|&x| x == 0.0) {
        return plain.sqrt();
    }
    let top = largest(x);
    if !top.is_finite() {
        return top;
    }
    let down = -exponent(top);
    let mut sum: f64 = 0.0;
    for &x in x {
        let x = scaled(x, down);
        sum = x.mul_add(x, sum);
    }
    scaled(sum.sqrt(), -down)
}

/// The e of x = m·2^e with ½ ≤ |m| < 1; 0 for what is 0 or not finite.
#[inline(always)]
pub(super) fn exponent(x: f64) -> i32 {
    if x == 0.0 || !x.is_finite() { 0 } else { libm::frexp(x).1 }
}

/// x·2^e, rounded once.
#[inline(always)]
pub(super) fn scaled(x: f64, e: i32) -> f64 {
    libm::scalbn(x, e)
}

/// Exchanges rows and columns: `to[j][i] = from[i][j]` of `rows` × `columns`.
#[inline(always)]
pub(super) fn transpose(from: &[f64], rows: usize, columns: usize, to: &mut [f64]) {
    for i in 0..rows {
        for j in 0..columns {
            to[j * rows + i] = from[i * columns + j];
        }
    }
}

/// to += a·b of `rows` × `inner` and `inner` × `columns`.
#[inline(always)]
pub(super) fn add_product(to: &mut [f64], a: &[f64], b: &[f64], [rows, inner, columns]: [usize; 3]) {
    for i in 0..rows {
        let to = &mut to[i * columns..(i + 1) * columns];
        for k in 0..inner {
            add_scaled(to, a[i * inner + k], &b[k * columns..(k + 1) * columns]);
        }
    }
}

/// Whether the first component that is as large as the largest, to twenty bits, is negative: such a vector is turned round. The twenty
/// bits leave rounding no say where components are equal in size.
#[inline(always)]
pub(super) fn points_back(x: &[f64]) -> bool {
    let enough = largest(x) * (1.0 - 1.0 / 1_048_576.0);
    x.iter().find(|x| x.abs() >= enough).is_some_and(|&x| x < 0.0)
}

/// Memory cut into pieces of these lengths, grown where it is too short; what the pieces hold is not specified.
pub(super) fn carve<const N: usize>(memory: &mut Vec<f64>, lengths: [usize; N]) -> [&mut [f64]; N] {
    let total: usize = lengths.iter().sum();
    if memory.len() < total {
        memory.resize(total, 0.0);
    }
    let mut rest = &mut memory[..];
    lengths.map(|length| {
        let (piece, after) = std::mem::take(&mut rest).split_at_mut(length);
        rest = after;
        piece
    })
}

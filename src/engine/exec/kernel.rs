//! Elementwise kernels.

/// An elementwise function of one to three arguments.
#[derive(Debug, Clone, Copy)]
pub enum Kernel {
    /// One argument.
    Unary(fn(f64) -> f64),
    /// Two arguments.
    Binary(fn(f64, f64) -> f64),
    /// Three arguments.
    Ternary(fn(f64, f64, f64) -> f64),
}

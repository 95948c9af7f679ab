//! Which arithmetic the loop over single numbers writes out, instead of calling it.
//!
//! An addition takes less time than a call. Each of these computes what its operator's function does, to the bit.

/// How a step of a Map is done where its domain is one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Opcode {
    /// a + b
    Add,
    /// a − b
    Subtract,
    /// a · b
    Multiply,
    /// a ÷ b
    Divide,
    /// −a
    Negative,
    /// a²
    Square,
    /// 1 ÷ a
    Reciprocal,
    /// √a
    Sqrt,
    /// The product of the chain rule: 0 where either side is.
    Chain,
    /// a call with one argument
    Unary,
    /// a call with two arguments
    Binary,
    /// A call with more: they stand in a row of their own.
    Many,
}

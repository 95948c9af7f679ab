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
    /// |a|
    Absolute,
    /// The product of the chain rule: 0 where either side is.
    Chain,
    /// The same where one side is a constant c with 1 ≤ |c| < ∞: a · b + 0
    Scale,
    /// Its quotient: 0 where a is.
    ChainDivide,
    /// a + 0 where a ≥ 0, else NaN
    Nonnegative,
    /// a < b
    Less,
    /// a ≤ b
    LessEqual,
    /// a > b
    Greater,
    /// a ≥ b
    GreaterEqual,
    /// a = b
    Equal,
    /// a ≠ b
    NotEqual,
    /// b where a is not 0, else c: three arguments, which stand in a row of their own
    Where,
    /// a call with one argument
    Unary,
    /// a call with two arguments
    Binary,
    /// A call with more: they stand in a row of their own.
    Many,
}

impl Opcode {
    /// Whether its arguments stand in a row of their own.
    pub(crate) fn has_row(self) -> bool {
        matches!(self, Opcode::Many | Opcode::Where)
    }

    /// Whether it is a call of the operator's function.
    pub(crate) fn is_called(self) -> bool {
        matches!(self, Opcode::Unary | Opcode::Binary | Opcode::Many)
    }
}

#[cfg(all(target_arch = "x86_64", feature = "native"))]
impl Opcode {
    /// How many arguments what is written out has.
    pub(crate) fn arity(self) -> usize {
        match self {
            Opcode::Negative
            | Opcode::Square
            | Opcode::Reciprocal
            | Opcode::Sqrt
            | Opcode::Absolute
            | Opcode::Nonnegative
            | Opcode::Unary => 1,
            Opcode::Where => 3,
            _ => 2,
        }
    }
}

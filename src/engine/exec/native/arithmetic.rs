//! The arithmetic that is written out, for one number in a vector of two (`Rx`) and for four (`Ry`) alike.
//!
//! A vector's other numbers are nobody's: they cost nothing and are never stored.

/// Writes `to = code(a, b, c)`; registers hold what the opcode reads. `BETWEEN` and `BESIDE` are overwritten.
macro_rules! arithmetic {
    ($R:ident, $ops:expr, $code:expr, $to:ident, [$a:ident, $b:ident, $c:ident]) => {
        match $code {
            Opcode::Add => dynasm!($ops ; .arch x64 ; vaddpd $R($to), $R($a), $R($b)),
            Opcode::Subtract => dynasm!($ops ; .arch x64 ; vsubpd $R($to), $R($a), $R($b)),
            Opcode::Multiply => dynasm!($ops ; .arch x64 ; vmulpd $R($to), $R($a), $R($b)),
            Opcode::Divide => dynasm!($ops ; .arch x64 ; vdivpd $R($to), $R($a), $R($b)),
            Opcode::Negative => dynasm!($ops ; .arch x64 ; vxorpd $R($to), $R($a), [r12 + SIGN]),
            Opcode::Absolute => dynasm!($ops ; .arch x64 ; vandpd $R($to), $R($a), [r12 + MAGNITUDE]),
            Opcode::Square => dynasm!($ops ; .arch x64 ; vmulpd $R($to), $R($a), $R($a)),
            Opcode::Reciprocal => dynasm!($ops ; .arch x64 ; vmovupd $R(BETWEEN), [r12 + ONE] ; vdivpd $R($to), $R(BETWEEN), $R($a)),
            Opcode::Sqrt => dynasm!($ops ; .arch x64 ; vsqrtpd $R($to), $R($a)),
            // the product under the masks of what is not 0, NaN among it
            Opcode::Chain => dynasm!($ops
                ; .arch x64
                ; vcmpneqpd $R(BETWEEN), $R($a), [r12 + ZERO]
                ; vcmpneqpd $R(BESIDE), $R($b), [r12 + ZERO]
                ; vmulpd $R($to), $R($a), $R($b)
                ; vandpd $R(BETWEEN), $R(BETWEEN), $R(BESIDE)
                ; vandpd $R($to), $R($to), $R(BETWEEN)
            ),
            Opcode::Scale => dynasm!($ops ; .arch x64 ; vmulpd $R($to), $R($a), $R($b) ; vaddpd $R($to), $R($to), [r12 + ZERO]),
            Opcode::ChainDivide => dynasm!($ops
                ; .arch x64
                ; vcmpneqpd $R(BETWEEN), $R($a), [r12 + ZERO]
                ; vdivpd $R($to), $R($a), $R($b)
                ; vandpd $R($to), $R($to), $R(BETWEEN)
            ),
            Opcode::Nonnegative => dynasm!($ops
                ; .arch x64
                ; vcmpgepd $R(BETWEEN), $R($a), [r12 + ZERO]
                ; vmovupd $R(BESIDE), [r12 + NAN]
                ; vaddpd $R($to), $R($a), [r12 + ZERO]
                ; vblendvpd $R($to), $R(BESIDE), $R($to), $R(BETWEEN)
            ),
            Opcode::Less => dynasm!($ops ; .arch x64 ; vcmpltpd $R($to), $R($a), $R($b) ; vandpd $R($to), $R($to), [r12 + ONE]),
            Opcode::LessEqual => dynasm!($ops ; .arch x64 ; vcmplepd $R($to), $R($a), $R($b) ; vandpd $R($to), $R($to), [r12 + ONE]),
            Opcode::Greater => dynasm!($ops ; .arch x64 ; vcmpgtpd $R($to), $R($a), $R($b) ; vandpd $R($to), $R($to), [r12 + ONE]),
            Opcode::GreaterEqual => dynasm!($ops ; .arch x64 ; vcmpgepd $R($to), $R($a), $R($b) ; vandpd $R($to), $R($to), [r12 + ONE]),
            Opcode::Equal => dynasm!($ops ; .arch x64 ; vcmpeqpd $R($to), $R($a), $R($b) ; vandpd $R($to), $R($to), [r12 + ONE]),
            Opcode::NotEqual => dynasm!($ops ; .arch x64 ; vcmpneqpd $R($to), $R($a), $R($b) ; vandpd $R($to), $R($to), [r12 + ONE]),
            Opcode::Where => dynasm!($ops
                ; .arch x64
                ; vcmpneqpd $R(BETWEEN), $R($a), [r12 + ZERO]
                ; vblendvpd $R($to), $R($c), $R($b), $R(BETWEEN)
            ),
            Opcode::Unary | Opcode::Binary | Opcode::Many => unreachable!("these are called"),
        }
    };
}
pub(super) use arithmetic;

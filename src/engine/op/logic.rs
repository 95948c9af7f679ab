//! Comparison and logic. True is 1 and false is 0; any number but 0 counts as true, NaN included. Derivative 0.

use super::arithmetic::{number, truth};
use super::row::rows;
use super::{Family, Row};
use crate::engine::exec::elementwise::elementwise;
use crate::engine::exec::opcode::Opcode;
use Family::Logic;

rows! {
    LESS = Row::step("less", Logic, elementwise!(Binary, |a, b| number(a < b))).inlined(Opcode::Less).alias(&["<"]).is("1 where a < b").kink(|x| x[0] == x[1]);
    LESS_EQUAL = Row::step("less_equal", Logic, elementwise!(Binary, |a, b| number(a <= b))).inlined(Opcode::LessEqual).alias(&["<="]).is("1 where a ≤ b").kink(|x| x[0] == x[1]);
    GREATER = Row::step("greater", Logic, elementwise!(Binary, |a, b| number(a > b))).inlined(Opcode::Greater).alias(&[">"]).is("1 where a > b").kink(|x| x[0] == x[1]);
    GREATER_EQUAL = Row::step("greater_equal", Logic, elementwise!(Binary, |a, b| number(a >= b))).inlined(Opcode::GreaterEqual).alias(&[">="]).is("1 where a ≥ b").kink(|x| x[0] == x[1]);
    EQUAL = Row::step("equal", Logic, elementwise!(Binary, |a, b| number(a == b))).inlined(Opcode::Equal).alias(&["=="]).is("1 where a = b").kink(|x| x[0] == x[1]);
    NOT_EQUAL = Row::step("not_equal", Logic, elementwise!(Binary, |a, b| number(a != b))).inlined(Opcode::NotEqual).alias(&["!="]).is("1 where a ≠ b").kink(|x| x[0] == x[1]);
    LOGICAL_AND = Row::step("logical_and", Logic, elementwise!(Binary, |a, b| number(truth(a) && truth(b)))).is("1 where both are not 0").kink(|x| x.moves_at(0, 0.0) || x.moves_at(1, 0.0));
    LOGICAL_OR = Row::step("logical_or", Logic, elementwise!(Binary, |a, b| number(truth(a) || truth(b)))).is("1 where either is not 0").kink(|x| x.moves_at(0, 0.0) || x.moves_at(1, 0.0));
    LOGICAL_NOT = Row::step("logical_not", Logic, elementwise!(Unary, |a| number(!truth(a)))).is("1 where a is 0").kink(|x| x[0] == 0.0);
    ISFINITE = Row::step("isfinite", Logic, elementwise!(Unary, |a| number(a.is_finite()))).is("1 where a is neither infinite nor NaN");
    ISNAN = Row::step("isnan", Logic, elementwise!(Unary, |a| number(a.is_nan()))).is("1 where a is NaN");
}

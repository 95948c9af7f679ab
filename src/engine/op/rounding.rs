//! Rounding to integers: step functions, whose derivative is 0 everywhere.

use super::facts::whole;
use super::row::rows;
use super::{Family, Row};
use crate::engine::exec::elementwise::elementwise;
use Family::Rounding;

rows! {
    FLOOR = Row::step("floor", Rounding, elementwise!(Unary, |x| x.floor())).is("the largest integer ≤ x").kink(|x| whole(x[0]));
    CEIL = Row::step("ceil", Rounding, elementwise!(Unary, |x| x.ceil())).alias(&["ceiling"]).is("the smallest integer ≥ x").kink(|x| whole(x[0]));
    ROUND = Row::step("round", Rounding, elementwise!(Unary, |x| x.round_ties_even())).is("the nearest integer, ties to even")
        .kink(|x| (x[0] - x[0].trunc()).abs() == 0.5);
    TRUNC = Row::step("trunc", Rounding, elementwise!(Unary, |x| x.trunc())).is("x without its fraction").kink(|x| whole(x[0]) && x[0] != 0.0);
}

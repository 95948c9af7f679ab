//! The formula language: infix text for people, as the contract's section 1.2 has it.
//!
//! Text → `lexer` (tokens) → `parser` (precedence, with its own stack) → the flat wire graph; [`print()`] is the way back, and
//! what it prints parses to the same graph. The formula never decides what an operator means: which names can be called is the
//! operator table's say, and arity, attributes and shapes are the graph builder's.
//!
//! Where the contract is silent:
//! - A newline ends a statement unless a bracket is open or a value is still due (after an operator, a comma or `=`); `;` always
//!   ends one.
//! - `a + b + c` is one `add` with three arguments, evaluated from the left; so is `a * b * c`. Brackets keep their nodes.
//! - A name defined anywhere is never an input: its use before its definition is an error, not a silent input of that name.
//! - A definition that is a plain number or another name's value is no node: its uses are that number or name. A definition that is
//!   a vector literal becomes a named `reshape` to its own shape once it is used, so that its data stand in the graph once.
//! - `x[0, 1:3]` is `index` for the leading integers, then `slice`; an integer behind a slice is a slice of length one, squeezed.

mod error;
mod index;
mod lexer;
mod literal;
mod names;
mod parser;
mod print;

pub use error::{Limit, SyntaxError, SyntaxErrorKind, places, point_out};
pub use lexer::is_name;
pub(super) use print::subscript;
pub use print::{print, print_within};

use crate::wire::graph::{Graph, Input};
use error::Fault;

/// What a request says beside the text, and the limits.
#[derive(Debug, Clone)]
pub struct Options {
    /// The inputs in their order; `None`: the free names in order of first appearance, their shapes left open.
    pub inputs: Option<Vec<Input>>,
    /// The names of the outputs in their order; `None`: the last statement.
    pub outputs: Option<Vec<String>>,
    /// The deepest nesting of brackets.
    pub nesting: usize,
    /// The longest text in bytes.
    pub bytes: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { inputs: None, outputs: None, nesting: 256, bytes: 1 << 20 }
    }
}

/// Reads a formula.
///
/// # Errors
/// The first thing in the text that cannot be read, or the limit, input or output that does not fit.
pub fn parse(text: &str, options: &Options) -> Result<Graph, SyntaxError> {
    admit(text, options)
        .and_then(|()| lexer::lex(text, options.nesting))
        .and_then(|tokens| parser::parse(text, &tokens, options))
        .map_err(|fault| fault.locate(text))
}

/// Offsets are held in 32 bits, so no setting admits a longer text than those can count.
fn admit(text: &str, options: &Options) -> Result<(), Fault> {
    let allowed = options.bytes.min(u32::MAX as usize);
    if text.len() <= allowed {
        return Ok(());
    }
    let kind = SyntaxErrorKind::Limit { limit: Limit::Bytes, asked: text.len(), allowed };
    Err(Fault::new(kind, 0, format!("the formula has {} bytes, more than the {allowed} allowed", text.len())))
}

/// The names that stand for numbers unless they are inputs or definitions. `E` is SymPy's.
pub fn constant(name: &str) -> Option<f64> {
    match name {
        "pi" => Some(std::f64::consts::PI),
        "e" | "E" => Some(std::f64::consts::E),
        "inf" | "infinity" => Some(f64::INFINITY),
        "nan" => Some(f64::NAN),
        _ => None,
    }
}

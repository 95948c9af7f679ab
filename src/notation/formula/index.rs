//! Subscripts: `x[0]`, `x[1:3]`, `A[:, 0]`, read as literal integers and lowered to `index`, `slice` and `squeeze`.
//!
//! Sizes are not known here, so nothing is checked against them: Python's rules for negative and open bounds are the operators'.

use std::collections::BTreeMap;

use super::error::Fault;
use super::lexer::{Cursor, Lexeme, Token};
use crate::wire::graph::{Argument, Attribute, Graph, Node, Origin};

/// What stands between two commas of a subscript.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subscript {
    /// One element: the axis goes.
    At(f64),
    /// A range: the axis stays.
    Range { start: Option<f64>, stop: Option<f64>, step: Option<f64> },
}

/// Reads what follows the bracket `open`, which the cursor has passed, up to and with its closing bracket.
pub(super) fn read(cursor: &mut Cursor<'_>, open: Token) -> Result<Vec<Subscript>, Fault> {
    let mut subscripts = Vec::new();
    loop {
        let start = integer(cursor)?;
        if cursor.accept(Lexeme::Colon) {
            let stop = integer(cursor)?;
            let step = if cursor.accept(Lexeme::Colon) { integer(cursor)? } else { None };
            subscripts.push(Subscript::Range { start, stop, step });
        } else if let Some(at) = start {
            subscripts.push(Subscript::At(at));
        } else {
            return Err(unexpected(cursor, open, "expected an integer or a slice before"));
        }
        let comma = cursor.accept(Lexeme::Comma);
        if cursor.accept(Lexeme::CloseBracket) {
            return Ok(subscripts);
        }
        if !comma {
            return Err(unexpected(cursor, open, "expected `,`, `:` or `]` before"));
        }
    }
}

/// A literal integer, if one stands here.
fn integer(cursor: &mut Cursor<'_>) -> Result<Option<f64>, Fault> {
    let first = cursor.peek();
    let signed = matches!(first.lexeme, Lexeme::Minus | Lexeme::Plus);
    let Lexeme::Number(value) = cursor.ahead(usize::from(signed)).lexeme else { return Ok(None) };
    if signed {
        cursor.advance();
    }
    let token = cursor.advance();
    // beyond 2^53 a literal need not be the integer that was written
    if value.fract() != 0.0 || value > 9_007_199_254_740_992.0 {
        return Err(Fault::syntax(first.start, format!("{} is not an index: indices are integers", cursor.quote(token))));
    }
    // 0.0 - value, so that -0 is plain 0
    Ok(Some(if first.lexeme == Lexeme::Minus { 0.0 - value } else { value }))
}

fn unexpected(cursor: &Cursor<'_>, open: Token, message: &str) -> Fault {
    let token = cursor.peek();
    match token.lexeme {
        Lexeme::End => cursor.never_closed(open),
        Lexeme::Name | Lexeme::Open => Fault::syntax(token.start, "an index is a literal integer or slice, not an expression"),
        Lexeme::OpenBracket => {
            Fault::syntax(token.start, "a list of indices is not a subscript").hint("write `take(x, indices=[0, 2], axis=0)`")
        }
        _ => Fault::syntax(token.start, format!("{message} {}", cursor.quote(token))),
    }
}

/// Applies subscripts to `target`: `index` for the leading integers, `slice` for the rest, `squeeze` for integers behind a slice.
pub(super) fn lower(graph: &mut Graph, target: Argument, subscripts: &[Subscript], offset: u32) -> Argument {
    let at: Vec<Attribute> = subscripts
        .iter()
        .map_while(|subscript| match subscript {
            Subscript::At(at) => Some(Attribute::Number(*at)),
            Subscript::Range { .. } => None,
        })
        .collect();
    let rest = &subscripts[at.len()..];
    let mut apply = |op: &'static str, arg: Argument, attributes: BTreeMap<String, Attribute>| {
        graph.nodes.push(Node { name: None, op: op.into(), args: [arg].into_iter().collect(), attributes, origin: Origin::Text(offset) });
        Argument::Node(graph.nodes.len() - 1)
    };
    let mut value = target;
    if !at.is_empty() {
        value = apply("index", value, BTreeMap::from([("at".into(), Attribute::List(at))]));
    }
    if rest.is_empty() {
        return value;
    }
    let bound = |value: Option<f64>| value.map_or(Attribute::Null, Attribute::Number);
    let (mut starts, mut stops, mut steps, mut squeezed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (axis, subscript) in rest.iter().enumerate() {
        let (start, stop, step) = match *subscript {
            // the element before the end has no stop that counts from the end
            Subscript::At(at) => (Some(at), (at != -1.0).then_some(at + 1.0), None),
            Subscript::Range { start, stop, step } => (start, stop, step),
        };
        starts.push(bound(start));
        stops.push(bound(stop));
        steps.push(bound(step));
        if matches!(subscript, Subscript::At(_)) {
            squeezed.push(Attribute::Number(axis as f64));
        }
    }
    // `start` always stands, so that the number of axes is there to be checked
    let mut attributes = BTreeMap::from([("start".into(), Attribute::List(starts))]);
    for (name, bounds) in [("stop", stops), ("step", steps)] {
        if bounds.iter().any(|bound| *bound != Attribute::Null) {
            attributes.insert(name.into(), Attribute::List(bounds));
        }
    }
    value = apply("slice", value, attributes);
    if squeezed.is_empty() {
        return value;
    }
    apply("squeeze", value, BTreeMap::from([("axis".into(), Attribute::List(squeezed))]))
}

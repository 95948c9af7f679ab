//! What stands after a keyword's `=`: an attribute's value, literal and never an expression.
//!
//! Numbers (signed, `pi`, `e`, `inf`, `nan`), `true`, `false`, `null` with Python's spellings, strings in quotes, and lists of these
//! in `[ ]` or, as Python's tuples, in `( )`.

use super::constant;
use super::error::Fault;
use super::lexer::{Cursor, Lexeme, Token};
use crate::wire::graph::Attribute;

/// A list that is still open.
struct List {
    open: Token,
    close: Lexeme,
    items: Vec<Attribute>,
    /// Whether a comma stood behind the last item: `(1,)` is a list, `(1)` a number.
    comma: bool,
}

impl List {
    fn finish(mut self) -> Attribute {
        match self.items.pop() {
            Some(item) if self.close == Lexeme::Close && !self.comma && self.items.is_empty() => item,
            last => {
                self.items.extend(last);
                Attribute::List(self.items)
            }
        }
    }
}

/// Reads the value of the attribute `name`.
pub(super) fn attribute(cursor: &mut Cursor<'_>, name: &str) -> Result<Attribute, Fault> {
    let mut lists: Vec<List> = Vec::new();
    loop {
        let token = cursor.peek();
        let close = match token.lexeme {
            Lexeme::OpenBracket => Some(Lexeme::CloseBracket),
            Lexeme::Open => Some(Lexeme::Close),
            _ => None,
        };
        let mut value = if let Some(close) = close {
            cursor.advance();
            let list = List { open: token, close, items: Vec::new(), comma: true };
            if !cursor.accept(close) {
                lists.push(list);
                continue;
            }
            list.finish()
        } else {
            single(cursor, name)?
        };
        // a value has ended: so may the lists around it
        loop {
            let Some(mut list) = lists.pop() else { return Ok(value) };
            list.items.push(value);
            list.comma = cursor.accept(Lexeme::Comma);
            if cursor.accept(list.close) {
                value = list.finish();
                continue;
            }
            if !list.comma {
                let token = cursor.peek();
                return Err(match token.lexeme {
                    Lexeme::End => cursor.never_closed(list.open),
                    _ => Fault::syntax(token.start, format!("expected `,` or the list's end before {}", cursor.quote(token))),
                });
            }
            lists.push(list);
            break;
        }
    }
}

/// A value that is no list.
fn single(cursor: &mut Cursor<'_>, name: &str) -> Result<Attribute, Fault> {
    let token = cursor.advance();
    let negative = token.lexeme == Lexeme::Minus;
    let signed = negative || token.lexeme == Lexeme::Plus;
    let token = if signed { cursor.advance() } else { token };
    let number = |value: f64| Attribute::Number(if negative { -value } else { value });
    let text = cursor.slice(token);
    match token.lexeme {
        Lexeme::Number(value) => Ok(number(value)),
        Lexeme::Text if !signed => Ok(Attribute::Text(text[1..text.len() - 1].to_owned())),
        Lexeme::Name => match text {
            "true" | "True" if !signed => Ok(Attribute::Bool(true)),
            "false" | "False" if !signed => Ok(Attribute::Bool(false)),
            "null" | "None" if !signed => Ok(Attribute::Null),
            _ => constant(text).map(number).ok_or_else(|| {
                Fault::syntax(token.start, format!("the attribute `{name}` takes a literal value, not the name `{text}`"))
                    .hint(format!("a word is written in quotes: {name}=\"{text}\""))
            }),
        },
        _ => Err(Fault::syntax(token.start, format!("expected a value for the attribute `{name}` before {}", cursor.quote(token)))),
    }
}

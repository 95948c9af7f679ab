//! What is wrong with a formula and where: the facts, and the sentence with its caret.
//!
//! Inside the parser a fault knows its byte offset only; line, column and excerpt are worked out once, for the one that is returned.

use std::fmt;

/// How wide the excerpt of the offending line may be, in characters.
const EXCERPT: usize = 72;

/// What kind of error it is: the caller picks the problem's slug by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    /// The text is not a formula.
    Syntax,
    /// A call of something that is no operator.
    UnknownFunction,
    /// A name that is neither a listed input nor defined before its use.
    UnknownName,
    /// A name that has two meanings.
    Duplicate,
    /// The text exceeds a limit.
    Limit {
        /// Which one.
        limit: Limit,
        /// What the text has.
        asked: usize,
        /// What is allowed.
        allowed: usize,
    },
    /// The list of inputs that came beside the text is wrong; the position means nothing.
    Inputs,
    /// The list of outputs that came beside the text is wrong, at this index; the position means nothing.
    Outputs(usize),
}

/// The limits on a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The nesting of brackets.
    Nesting,
    /// The length of the text in bytes.
    Bytes,
}

/// The first thing wrong with a formula.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntaxError {
    /// What kind of error.
    pub kind: SyntaxErrorKind,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Offset in bytes, from 0.
    pub offset: usize,
    /// What is wrong, in a sentence without its place.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The offending line, cut around the place, and under it a caret; empty where the text is not at fault.
    excerpt: Box<str>,
}

impl SyntaxError {
    /// The offending line, cut around the place, and the line with the caret; empty where the text is not at fault.
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.excerpt.is_empty() {
            return f.write_str(&self.message);
        }
        f.write_str(&located(&self.message, self.line, self.column, &self.excerpt))
    }
}

impl std::error::Error for SyntaxError {}

/// A fault as the parser finds it.
#[derive(Debug)]
pub(super) struct Fault {
    kind: SyntaxErrorKind,
    offset: usize,
    message: String,
    hint: Option<String>,
}

impl Fault {
    pub(super) fn new(kind: SyntaxErrorKind, offset: u32, message: impl Into<String>) -> Fault {
        Fault { kind, offset: offset as usize, message: message.into(), hint: None }
    }

    pub(super) fn syntax(offset: u32, message: impl Into<String>) -> Fault {
        Fault::new(SyntaxErrorKind::Syntax, offset, message)
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Fault {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(super) fn maybe_hint(mut self, hint: Option<String>) -> Fault {
        self.hint = hint;
        self
    }

    /// The error with its place in the text.
    pub(super) fn locate(self, text: &str) -> SyntaxError {
        let Fault { kind, offset, message, hint } = self;
        let about_text = match kind {
            // what came beside the text, and its length, have no place in it
            SyntaxErrorKind::Inputs | SyntaxErrorKind::Outputs(_) | SyntaxErrorKind::Limit { limit: Limit::Bytes, .. } => false,
            SyntaxErrorKind::Syntax
            | SyntaxErrorKind::UnknownFunction
            | SyntaxErrorKind::UnknownName
            | SyntaxErrorKind::Duplicate
            | SyntaxErrorKind::Limit { limit: Limit::Nesting, .. } => true,
        };
        let Place { line, column, begin } = Place::of(text, offset);
        let excerpt = if about_text { excerpt(&text[begin..], column) } else { String::new() };
        SyntaxError { kind, line, column, offset, message, hint, excerpt: excerpt.into() }
    }
}

/// Where a byte of a text stands.
struct Place {
    line: usize,
    column: usize,
    /// Where its line begins, in bytes.
    begin: usize,
}

impl Place {
    fn of(text: &str, offset: usize) -> Place {
        let before = &text[..offset];
        let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place { line: before.matches('\n').count() + 1, column: text[begin..offset].chars().count() + 1, begin }
    }
}

/// A sentence about a place in a formula: with line and column, and the line itself with a caret under the place.
pub fn point_out(text: &str, offset: usize, message: &str) -> String {
    let offset = text.floor_char_boundary(offset);
    let Place { line, column, begin } = Place::of(text, offset);
    located(message, line, column, &excerpt(&text[begin..], column))
}

/// Lines and columns, from 1, of byte offsets in any order, in one pass over the text.
pub fn places(text: &str, offsets: &[u32]) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..offsets.len()).collect();
    order.sort_by_key(|&i| offsets[i]);
    let mut places = vec![(1, 1); offsets.len()];
    let mut characters = text.char_indices().peekable();
    let (mut line, mut column) = (1, 1);
    for i in order {
        while let Some((_, character)) = characters.next_if(|&(at, _)| at < offsets[i] as usize) {
            (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        places[i] = (line, column);
    }
    places
}

fn located(message: &str, line: usize, column: usize, excerpt: &str) -> String {
    format!("{message} at line {line}, column {column}\n{excerpt}")
}

/// The line that `rest` begins with, cut to [`EXCERPT`] characters around `column`, and a caret under that column.
fn excerpt(rest: &str, column: usize) -> String {
    let line = rest.lines().next().unwrap_or("");
    let skipped = column.saturating_sub(1 + EXCERPT / 2);
    let mut characters = line.chars().skip(skipped);
    // one character a column, so that the caret stands under its place
    let shown: String = characters
        .by_ref()
        .take(EXCERPT)
        .map(|character| if character.is_control() || character == '\t' { ' ' } else { character })
        .collect();
    let (lead, trail) = (if skipped > 0 { "…" } else { "" }, if characters.next().is_some() { "…" } else { "" });
    let indent = column - 1 - skipped + lead.chars().count();
    format!("  {lead}{shown}{trail}\n  {:indent$}^", "")
}

//! Text → tokens, in one pass.
//!
//! Numbers are read to the nearest binary64 here and names are checked here; what tokens mean together is the parser's business.
//! Newlines inside brackets are dropped, and the depth of brackets is measured, so that the parser never has to.

use super::error::{Fault, Limit, SyntaxErrorKind};

/// The longest name in bytes. A short name may stand for a long one (`b = …; b + b + …`), which must not multiply the text.
const LONGEST_NAME: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Lexeme {
    Number(f64),
    Name,
    Text,
    Plus,
    Minus,
    Star,
    Slash,
    Caret,
    At,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    Assign,
    Comma,
    Colon,
    Semicolon,
    Newline,
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    End,
}

/// A lexeme and the bytes it stands on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) lexeme: Lexeme,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// A place in the tokens. The last token is `End`, and the cursor never moves past it.
#[derive(Debug)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    tokens: &'t [Token],
    at: usize,
}

impl<'t> Cursor<'t> {
    /// `tokens` end with `End`, as [`lex`] makes them.
    pub(super) fn new(text: &'t str, tokens: &'t [Token]) -> Cursor<'t> {
        Cursor { text, tokens, at: 0 }
    }

    pub(super) fn peek(&self) -> Token {
        self.ahead(0)
    }

    pub(super) fn ahead(&self, by: usize) -> Token {
        self.tokens[(self.at + by).min(self.tokens.len() - 1)]
    }

    pub(super) fn advance(&mut self) -> Token {
        let token = self.peek();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    /// Steps over the next token if it is this one.
    pub(super) fn accept(&mut self, lexeme: Lexeme) -> bool {
        let found = self.peek().lexeme == lexeme;
        if found {
            self.at = (self.at + 1).min(self.tokens.len() - 1);
        }
        found
    }

    /// Whether a definition or a keyword begins here: a name and `=`.
    pub(super) fn at_assignment(&self) -> bool {
        self.peek().lexeme == Lexeme::Name && self.ahead(1).lexeme == Lexeme::Assign
    }

    pub(super) fn slice(&self, token: Token) -> &'t str {
        &self.text[token.start as usize..token.end as usize]
    }

    /// The fault of a bracket that the text ends in.
    pub(super) fn never_closed(&self, open: Token) -> Fault {
        Fault::syntax(open.start, format!("{} is never closed", self.quote(open)))
    }

    /// A token as a message quotes it.
    pub(super) fn quote(&self, token: Token) -> String {
        match token.lexeme {
            Lexeme::End => "the end of the formula".into(),
            Lexeme::Newline => "the end of the line".into(),
            _ => {
                let text = self.slice(token);
                match text.char_indices().nth(32) {
                    Some((cut, _)) => format!("`{}…`", &text[..cut]),
                    None => format!("`{text}`"),
                }
            }
        }
    }
}

/// Whether a text is a name: a Unicode identifier (XID, or `_` first), with `.` allowed inside.
pub fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME && text.chars().next().is_some_and(starts_name) && name_end(text, 0) == text.len()
}

fn starts_name(character: char) -> bool {
    character == '_' || unicode_ident::is_xid_start(character)
}

/// The end of the name that starts at `start`. A `.` belongs to it only between two characters of names.
fn name_end(text: &str, start: usize) -> usize {
    let mut characters = text[start..].char_indices().peekable();
    let mut end = start;
    while let Some((offset, character)) = characters.next() {
        let inside = unicode_ident::is_xid_continue(character)
            || (character == '.' && offset > 0 && characters.peek().is_some_and(|&(_, next)| unicode_ident::is_xid_continue(next)));
        if !inside {
            break;
        }
        end = start + offset + character.len_utf8();
    }
    end
}

/// The tokens of a text, `End` last.
pub(super) fn lex(text: &str, nesting: usize) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::with_capacity(text.len() / 2 + 1);
    let (mut depth, mut deepest, mut too_deep) = (0_usize, 0_usize, None);
    let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
    while let Some(character) = text[at..].chars().next() {
        let start = at as u32;
        let follows = |wanted: char| text[at + 1..].starts_with(wanted);
        let (lexeme, length) = match character {
            '\n' if depth == 0 => (Lexeme::Newline, 1),
            '#' => {
                at = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
                continue;
            }
            _ if character.is_whitespace() => {
                at += character.len_utf8();
                continue;
            }
            '0'..='9' => number(text, at)?,
            '.' if text[at + 1..].starts_with(|next: char| next.is_ascii_digit()) => number(text, at)?,
            '"' | '\'' => (Lexeme::Text, string(text, at, character)?),
            '*' if follows('*') => (Lexeme::Caret, 2),
            '<' if follows('=') => (Lexeme::LessEqual, 2),
            '>' if follows('=') => (Lexeme::GreaterEqual, 2),
            '=' if follows('=') => (Lexeme::Equal, 2),
            '!' if follows('=') => (Lexeme::NotEqual, 2),
            '+' => (Lexeme::Plus, 1),
            '-' => (Lexeme::Minus, 1),
            '*' => (Lexeme::Star, 1),
            '/' if follows('/') => return Err(Fault::syntax(start, "there is no operator `//`").hint("write floor(a / b)")),
            '/' => (Lexeme::Slash, 1),
            '^' => (Lexeme::Caret, 1),
            '@' => (Lexeme::At, 1),
            '<' => (Lexeme::Less, 1),
            '>' => (Lexeme::Greater, 1),
            '=' => (Lexeme::Assign, 1),
            ',' => (Lexeme::Comma, 1),
            ':' => (Lexeme::Colon, 1),
            ';' => (Lexeme::Semicolon, 1),
            '(' => (Lexeme::Open, 1),
            ')' => (Lexeme::Close, 1),
            '[' => (Lexeme::OpenBracket, 1),
            ']' => (Lexeme::CloseBracket, 1),
            _ if starts_name(character) => {
                let length = name_end(text, at) - at;
                if length > LONGEST_NAME {
                    return Err(Fault::syntax(start, format!("a name of {length} bytes: no name has more than {LONGEST_NAME}")));
                }
                (Lexeme::Name, length)
            }
            _ => return Err(unexpected(character, start)),
        };
        match lexeme {
            Lexeme::Open | Lexeme::OpenBracket => {
                depth += 1;
                deepest = deepest.max(depth);
                if depth > nesting {
                    too_deep.get_or_insert(start);
                }
            }
            // one too many is the parser's to report
            Lexeme::Close | Lexeme::CloseBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += length;
        tokens.push(Token { lexeme, start, end: at as u32 });
    }
    if let Some(offset) = too_deep {
        let kind = SyntaxErrorKind::Limit { limit: Limit::Nesting, asked: deepest, allowed: nesting };
        return Err(Fault::new(kind, offset, format!("brackets are nested {deepest} deep, more than the {nesting} allowed"))
            .hint("give inner parts names: `t = …; f(t)`"));
    }
    let end = text.len() as u32;
    tokens.push(Token { lexeme: Lexeme::End, start: end, end });
    Ok(tokens)
}

/// The number at `start` and its length.
fn number(text: &str, start: usize) -> Result<(Lexeme, usize), Fault> {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = digits(start);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    let written = &text[start..end];
    let rest = &text[end..];
    if rest.starts_with('.') {
        return Err(Fault::syntax(end as u32, "a second decimal point in a number"));
    }
    if rest.starts_with(unicode_ident::is_xid_continue) {
        let next = &text[end..name_end(text, end)];
        let fault = Fault::syntax(end as u32, format!("a number runs into a name: `{}`", clip(&text[start..end + next.len()])));
        // 1_000 and 0x10 are numbers elsewhere: no product is meant there
        let product =
            rest.starts_with(starts_name) && !rest.starts_with('_') && !(written == "0" && rest.starts_with(['x', 'b', 'o', 'X']));
        return Err(if product { fault.hint(format!("write `{} * {}`", clip(written), clip(next))) } else { fault });
    }
    let value: f64 = written.parse().map_err(|_| Fault::syntax(start as u32, format!("`{}` is not a number", clip(written))))?;
    if value.is_infinite() {
        return Err(
            Fault::syntax(start as u32, format!("`{}` is beyond the range of binary64", clip(written))).hint("write `inf` for infinity")
        );
    }
    Ok((Lexeme::Number(value), end - start))
}

/// The length of the string at `start`, quotes included.
fn string(text: &str, start: usize, quote: char) -> Result<usize, Fault> {
    match text[start + 1..].find([quote, '\n']) {
        Some(length) if text[start + 1 + length..].starts_with(quote) => Ok(length + 2),
        _ => Err(Fault::syntax(start as u32, "a string without its closing quote")),
    }
}

/// At most 32 characters of a text, for a message.
pub(super) fn clip(text: &str) -> &str {
    text.char_indices().nth(32).map_or(text, |(end, _)| &text[..end])
}

fn unexpected(character: char, start: u32) -> Fault {
    let fault = Fault::syntax(start, format!("unexpected character `{}`", character.escape_debug()));
    let hint = match character {
        '−' | '–' | '—' => "write `-`",
        '×' | '·' | '⋅' | '∙' => "write `*`",
        '÷' | '∕' => "write `/`",
        '²' => "write `^2`",
        '³' => "write `^3`",
        '√' => "write `sqrt(x)`",
        '≤' => "write `<=`",
        '≥' => "write `>=`",
        '≠' | '!' => "write `!=` for unequal, `logical_not(a)` for not, `exp(gammaln(n + 1))` for a factorial",
        '∞' => "write `inf`",
        '&' => "write `logical_and(a, b)`",
        '|' => "write `logical_or(a, b)`, or `abs(x)`",
        '~' => "write `logical_not(a)`",
        '%' => "write `remainder(a, b)`",
        '“' | '”' | '‘' | '’' => "write plain quotes, `\"`",
        '{' | '}' => "brackets are `( )` and `[ ]`",
        '?' => "write `if(c, a, b)`",
        _ => return fault,
    };
    fault.hint(hint)
}

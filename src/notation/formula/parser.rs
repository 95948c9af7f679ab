//! Tokens → wire graph: precedence climbing with its own stacks.
//!
//! Pending operators, finished operands and open brackets stand on three stacks, so that nothing a caller writes – a hundred
//! thousand brackets, a chain of powers – can overflow the thread's stack, and every operand is moved a bounded number of times.
//!
//! From the loosest: comparison (does not chain), `+ -`, `* / @`, unary `+ -`, `^` (from the right), subscripts. A sign before a
//! number literal is part of it, but only after `^` has taken its base: `-2^2` is −4, `x^-1` has the exponent −1.

use std::collections::{BTreeMap, HashSet};

use super::error::Fault;
use super::index;
use super::lexer::{Cursor, Lexeme, Token};
use super::names::{Names, meant};
use super::{Options, SyntaxErrorKind, literal};
use crate::engine::op;
use crate::notation::tensor;
use crate::wire::graph::{Argument, Attribute, Graph, Node, Origin, Output};

/// How much of a name is shown, in characters.
const LONGEST_SHOWN: usize = 72;

/// The output of a bare last expression.
const BARE: &str = "f";

/// How tightly an operator holds its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Comparison,
    Sum,
    Product,
    Sign,
    Power,
}

/// An operator whose right operand is still to come.
#[derive(Debug, Clone, Copy)]
struct Operator {
    op: &'static str,
    binding: Binding,
    offset: u32,
}

/// A finished operand.
struct Operand {
    value: Argument,
    /// The n-ary operator whose node may take further terms; none once a bracket has closed around it.
    open: Option<&'static str>,
}

impl Operand {
    fn closed(value: Argument) -> Operand {
        Operand { value, open: None }
    }
}

/// An open bracket, and how much of the stacks lies below it.
struct Frame {
    bracket: Bracket,
    token: Token,
    operators: usize,
    operands: usize,
}

enum Bracket {
    Group,
    List,
    Call { op: &'static str, offset: u32, attributes: BTreeMap<String, Attribute> },
}

struct Parser<'t> {
    cursor: Cursor<'t>,
    names: Names<'t>,
    graph: Graph,
    operands: Vec<Operand>,
    operators: Vec<Operator>,
    frames: Vec<Frame>,
}

/// The graph of a formula's tokens.
pub(super) fn parse(text: &str, tokens: &[Token], options: &Options) -> Result<Graph, Fault> {
    let names = Names::of(text, tokens, options.inputs.as_deref())?;
    let graph = Graph { inputs: options.inputs.clone().unwrap_or_default(), ..Graph::default() };
    let cursor = Cursor::new(text, tokens);
    let mut parser = Parser { cursor, names, graph, operands: Vec::new(), operators: Vec::new(), frames: Vec::new() };
    let last = parser.statements()?;
    parser.finish(last, options.outputs.as_deref())
}

/// The last statement of a formula.
enum Last<'t> {
    Definition(&'t str),
    Bare(Argument, u32),
}

impl<'t> Parser<'t> {
    fn statements(&mut self) -> Result<Option<Last<'t>>, Fault> {
        let mut last = None;
        loop {
            while self.cursor.accept(Lexeme::Newline) || self.cursor.accept(Lexeme::Semicolon) {}
            let token = self.cursor.peek();
            if token.lexeme == Lexeme::End {
                return Ok(last);
            }
            if let Some(Last::Bare(_, offset)) = last {
                return Err(Fault::syntax(offset, "only the last statement may be an expression without a name")
                    .hint("write `name = …`; a line that goes on must end with an operator or stand in brackets"));
            }
            last = Some(if self.cursor.at_assignment() {
                let name = self.cursor.slice(token);
                self.cursor.advance();
                self.cursor.advance();
                let value = self.expression()?;
                self.names.define(&mut self.graph, name, value, token.start);
                Last::Definition(name)
            } else {
                Last::Bare(self.expression()?, token.start)
            });
        }
    }

    /// Sets the graph's outputs.
    fn finish(mut self, last: Option<Last<'t>>, listed: Option<&[String]>) -> Result<Graph, Fault> {
        let bare = match &last {
            Some(Last::Bare(value, _)) => Some(value),
            Some(Last::Definition(_)) | None => None,
        };
        self.graph.outputs = match (listed, &last) {
            (Some(listed), _) => {
                let mut seen = HashSet::new();
                let mut outputs = Vec::with_capacity(listed.len());
                for (index, name) in listed.iter().enumerate() {
                    let kind = SyntaxErrorKind::Outputs(index);
                    if !seen.insert(name) {
                        return Err(Fault::new(kind, 0, format!("the output `{}` is listed twice", cut(name))));
                    }
                    let value = self.names.defined(name).or_else(|| bare.filter(|_| name == BARE).cloned());
                    let value = value.or_else(|| self.names.is_input(name).then(|| Argument::Name(name.clone()))).ok_or_else(|| {
                        Fault::new(kind, 0, format!("the output `{}` is not defined in the formula", cut(name)))
                            .maybe_hint(self.names.nearest(name))
                    })?;
                    outputs.push(Output { name: name.clone(), value });
                }
                outputs
            }
            (None, Some(Last::Definition(name))) => {
                let value = self.names.defined(name).unwrap_or_else(|| Argument::Name((*name).to_owned()));
                vec![Output { name: (*name).to_owned(), value }]
            }
            (None, Some(Last::Bare(value, offset))) => {
                if self.names.defined(BARE).is_some() {
                    let message = "the last expression is the output `f`, but `f` is defined";
                    return Err(Fault::new(SyntaxErrorKind::Duplicate, *offset, message).hint("write `name = …`"));
                }
                vec![Output { name: BARE.to_owned(), value: value.clone() }]
            }
            (None, None) => return Err(Fault::syntax(0, "the formula is empty")),
        };
        Ok(self.graph)
    }

    /// Reads an expression up to the end of its statement.
    fn expression(&mut self) -> Result<Argument, Fault> {
        loop {
            self.operand()?;
            if self.after_operand()? {
                break;
            }
        }
        let operand = self.operands.pop();
        operand.map(|operand| operand.value).ok_or_else(|| Fault::syntax(self.cursor.peek().start, "expected a value"))
    }

    /// Reads up to the end of one operand: signs, open brackets, and a number, a name or a bracket that closes at once.
    fn operand(&mut self) -> Result<(), Fault> {
        loop {
            let token = self.cursor.advance();
            match token.lexeme {
                Lexeme::Number(value) => {
                    self.push(Argument::Number(value));
                    return Ok(());
                }
                Lexeme::Name if self.cursor.peek().lexeme == Lexeme::Open => {
                    let op = self.function(token)?;
                    let bracket = self.cursor.advance();
                    self.open(Bracket::Call { op, offset: token.start, attributes: BTreeMap::new() }, bracket);
                    if self.keywords()? {
                        return Ok(());
                    }
                }
                Lexeme::Name => {
                    let name = self.cursor.slice(token);
                    let value = self.names.resolve(&mut self.graph, name, token.start)?;
                    self.push(value);
                    return Ok(());
                }
                Lexeme::Minus => self.operators.push(Operator { op: "negative", binding: Binding::Sign, offset: token.start }),
                Lexeme::Open => self.open(Bracket::Group, token),
                Lexeme::OpenBracket => {
                    self.open(Bracket::List, token);
                    if self.cursor.accept(Lexeme::CloseBracket) {
                        return self.close();
                    }
                }
                // a plus sign says nothing; a line that owes a value goes on
                Lexeme::Plus | Lexeme::Newline => {}
                _ => return Err(self.no_operand(token)),
            }
        }
    }

    /// Reads what follows an operand up to the next operator or comma. True at the end of the statement.
    fn after_operand(&mut self) -> Result<bool, Fault> {
        loop {
            let token = self.cursor.peek();
            if let Some(operator) = infix(token) {
                self.cursor.advance();
                self.reduce(operator)?;
                self.operators.push(operator);
                return Ok(false);
            }
            match token.lexeme {
                Lexeme::OpenBracket => {
                    self.cursor.advance();
                    let subscripts = index::read(&mut self.cursor, token)?;
                    if let Some(target) = self.operands.pop() {
                        let value = index::lower(&mut self.graph, target.value, &subscripts, token.start);
                        self.push(value);
                    }
                }
                Lexeme::Comma => {
                    self.cursor.advance();
                    self.reduce_all();
                    match self.frames.last().map(|frame| &frame.bracket) {
                        Some(Bracket::Call { .. }) => {
                            if !self.keywords()? {
                                return Ok(false);
                            }
                        }
                        Some(Bracket::List) => {
                            if !self.cursor.accept(Lexeme::CloseBracket) {
                                return Ok(false);
                            }
                            self.close()?;
                        }
                        Some(Bracket::Group) | None => {
                            return Err(
                                Fault::syntax(token.start, "a comma outside a call or a vector").hint("vectors are written `[a, b]`")
                            );
                        }
                    }
                }
                Lexeme::Close | Lexeme::CloseBracket => {
                    self.matches(token)?;
                    self.cursor.advance();
                    self.close()?;
                }
                Lexeme::Newline | Lexeme::Semicolon | Lexeme::End => {
                    if let Some(frame) = self.frames.last() {
                        return Err(self.cursor.never_closed(frame.token));
                    }
                    self.reduce_all();
                    return Ok(true);
                }
                _ => return Err(self.no_operator(token)),
            }
        }
    }

    /// At the beginning of a call's argument: reads the keywords, if they begin here, and the closing bracket, if it stands here.
    /// True if the call was closed.
    fn keywords(&mut self) -> Result<bool, Fault> {
        while self.cursor.at_assignment() {
            let token = self.cursor.advance();
            self.cursor.advance();
            let name = self.cursor.slice(token);
            let value = literal::attribute(&mut self.cursor, name)?;
            if let Some(Frame { bracket: Bracket::Call { attributes, .. }, .. }) = self.frames.last_mut()
                && attributes.insert(name.to_owned(), value).is_some()
            {
                return Err(Fault::new(SyntaxErrorKind::Duplicate, token.start, format!("the attribute `{name}` is given twice")));
            }
            let comma = self.cursor.accept(Lexeme::Comma);
            let next = self.cursor.peek();
            if next.lexeme == Lexeme::Close {
                break;
            }
            if !comma {
                return Err(match (next.lexeme, self.frames.last()) {
                    (Lexeme::End, Some(frame)) => self.cursor.never_closed(frame.token),
                    _ => Fault::syntax(next.start, format!("expected `,` or `)` before {}", self.cursor.quote(next)))
                        .hint("an attribute's value is a literal, not an expression"),
                });
            }
            if !self.cursor.at_assignment() {
                return Err(Fault::syntax(next.start, "arguments stand before attributes"));
            }
        }
        let closes = self.cursor.accept(Lexeme::Close);
        if closes {
            self.close()?;
        }
        Ok(closes)
    }

    fn push(&mut self, value: Argument) {
        self.operands.push(Operand::closed(value));
    }

    fn open(&mut self, bracket: Bracket, token: Token) {
        self.frames.push(Frame { bracket, token, operators: self.operators.len(), operands: self.operands.len() });
    }

    /// Whether a closing bracket is the one that the innermost open one wants.
    fn matches(&self, token: Token) -> Result<(), Fault> {
        let quoted = self.cursor.quote(token);
        let Some(frame) = self.frames.last() else {
            return Err(Fault::syntax(token.start, format!("{quoted} closes nothing")));
        };
        let wanted = if frame.token.lexeme == Lexeme::OpenBracket { Lexeme::CloseBracket } else { Lexeme::Close };
        if token.lexeme == wanted {
            return Ok(());
        }
        let open = self.cursor.quote(frame.token);
        Err(Fault::syntax(token.start, format!("{quoted} cannot close {open}")))
    }

    /// Closes the innermost bracket: what it holds becomes one operand.
    fn close(&mut self) -> Result<(), Fault> {
        self.reduce_all();
        let Some(Frame { bracket, token, operands, .. }) = self.frames.pop() else { return Ok(()) };
        match bracket {
            Bracket::Group => {
                if let Some(operand) = self.operands.last_mut() {
                    operand.open = None;
                }
            }
            Bracket::Call { op, offset, attributes } => {
                let args = self.operands.drain(operands..).map(|operand| operand.value).collect();
                let value = self.node(op, args, attributes, offset);
                self.push(value);
            }
            Bracket::List => {
                let rows: Vec<Argument> = self.operands.drain(operands..).map(|operand| operand.value).collect();
                let value = match tensor::of_rows(rows) {
                    Ok(tensor) => Argument::Constant(Box::new(tensor)),
                    Err(tensor::NotConstant::Ragged) => {
                        return Err(Fault::syntax(token.start, "the rows of this list have different shapes"));
                    }
                    Err(tensor::NotConstant::Values(rows)) => {
                        self.node("stack", rows, BTreeMap::from([("axis".into(), Attribute::Number(0.0))]), token.start)
                    }
                };
                self.push(value);
            }
        }
        Ok(())
    }

    /// Applies the pending operators of this bracket that hold their operands tighter than `next` does.
    fn reduce(&mut self, next: Operator) -> Result<(), Fault> {
        let base = self.frames.last().map_or(0, |frame| frame.operators);
        while let Some(&top) = self.operators[base..].last() {
            let from_right = next.binding == Binding::Power;
            if top.binding < next.binding || (top.binding == next.binding && from_right) {
                break;
            }
            if top.binding == Binding::Comparison && next.binding == Binding::Comparison {
                return Err(Fault::syntax(next.offset, "comparisons do not chain").hint("write `logical_and(a < b, b < c)`"));
            }
            self.operators.pop();
            self.apply(top);
        }
        Ok(())
    }

    /// Applies all pending operators of this bracket.
    fn reduce_all(&mut self) {
        let base = self.frames.last().map_or(0, |frame| frame.operators);
        while self.operators.len() > base {
            if let Some(operator) = self.operators.pop() {
                self.apply(operator);
            }
        }
    }

    /// Applies an operator to the operands on top of the stack.
    fn apply(&mut self, operator: Operator) {
        let Operator { op, binding, offset } = operator;
        let Some(right) = self.operands.pop() else { return };
        if binding == Binding::Sign {
            let value = match right.value {
                Argument::Number(value) => Argument::Number(-value),
                value => self.node(op, vec![value], BTreeMap::new(), offset),
            };
            self.operands.push(Operand::closed(value));
            return;
        }
        let Some(left) = self.operands.pop() else { return };
        let value = match left.value {
            Argument::Node(sum) if left.open == Some(op) => {
                self.graph.nodes[sum].args.push(right.value);
                Argument::Node(sum)
            }
            value => self.node(op, vec![value, right.value], BTreeMap::new(), offset),
        };
        let open = matches!(op, "add" | "multiply").then_some(op);
        self.operands.push(Operand { value, open });
    }

    fn node(&mut self, op: &str, args: Vec<Argument>, attributes: BTreeMap<String, Attribute>, offset: u32) -> Argument {
        self.graph.nodes.push(Node { name: None, op: op.to_owned().into(), args: args.into(), attributes, origin: Origin::Text(offset) });
        Argument::Node(self.graph.nodes.len() - 1)
    }

    /// The operator that a called name stands for.
    fn function(&self, token: Token) -> Result<&'static str, Fault> {
        let name = self.cursor.slice(token);
        if let Some(row) = op::find(name) {
            return Ok(row.name);
        }
        let fault = Fault::new(SyntaxErrorKind::UnknownFunction, token.start, format!("there is no function `{name}`"));
        if self.names.is_input(name) || self.names.defined(name).is_some() {
            return Err(fault.hint(format!("write `{name} * (…)` for a product")));
        }
        Err(fault.maybe_hint(meant(name, op::names())))
    }

    fn no_operand(&self, token: Token) -> Fault {
        let quoted = self.cursor.quote(token);
        match token.lexeme {
            Lexeme::Text => {
                let called = match self.frames.last().map(|frame| &frame.bracket) {
                    Some(Bracket::Call { op, .. }) => op::find(op),
                    Some(Bracket::Group | Bracket::List) | None => None,
                };
                let written = called.and_then(|row| row.attributes.iter().find(|attribute| attribute.kind == op::AttributeKind::Text));
                Fault::syntax(token.start, "a string can only be an attribute's value").maybe_hint(
                    written.map(|attribute| format!("behind the arguments write `{}={}`", attribute.name, self.cursor.slice(token))),
                )
            }
            Lexeme::End | Lexeme::Semicolon => match self.frames.last() {
                Some(frame) => self.cursor.never_closed(frame.token),
                None => Fault::syntax(token.start, format!("expected a value before {quoted}")),
            },
            _ => Fault::syntax(token.start, format!("expected a value before {quoted}")),
        }
    }

    fn no_operator(&self, token: Token) -> Fault {
        let quoted = self.cursor.quote(token);
        match token.lexeme {
            Lexeme::Assign => Fault::syntax(token.start, "`=` defines a name at the beginning of a statement")
                .hint("`==` compares; attributes follow a call's arguments"),
            Lexeme::Name if matches!(self.cursor.slice(token), "and" | "or") => {
                let word = self.cursor.slice(token);
                Fault::syntax(token.start, format!("there is no operator `{word}`")).hint(format!("write `logical_{word}(a, b)`"))
            }
            Lexeme::Name | Lexeme::Number(_) | Lexeme::Open => {
                Fault::syntax(token.start, format!("expected an operator before {quoted}")).hint("products are written with `*`")
            }
            _ => Fault::syntax(token.start, format!("expected an operator before {quoted}")),
        }
    }
}

/// The infix operator that a token is.
fn infix(token: Token) -> Option<Operator> {
    let (op, binding) = match token.lexeme {
        Lexeme::Plus => ("add", Binding::Sum),
        Lexeme::Minus => ("subtract", Binding::Sum),
        Lexeme::Star => ("multiply", Binding::Product),
        Lexeme::Slash => ("divide", Binding::Product),
        Lexeme::At => ("matmul", Binding::Product),
        Lexeme::Caret => ("pow", Binding::Power),
        Lexeme::Less => ("less", Binding::Comparison),
        Lexeme::LessEqual => ("less_equal", Binding::Comparison),
        Lexeme::Greater => ("greater", Binding::Comparison),
        Lexeme::GreaterEqual => ("greater_equal", Binding::Comparison),
        Lexeme::Equal => ("equal", Binding::Comparison),
        Lexeme::NotEqual => ("not_equal", Binding::Comparison),
        Lexeme::Number(_)
        | Lexeme::Name
        | Lexeme::Text
        | Lexeme::Assign
        | Lexeme::Comma
        | Lexeme::Colon
        | Lexeme::Semicolon
        | Lexeme::Newline
        | Lexeme::Open
        | Lexeme::Close
        | Lexeme::OpenBracket
        | Lexeme::CloseBracket
        | Lexeme::End => return None,
    };
    Some(Operator { op, binding, offset: token.start })
}

/// The beginning of a name that came beside the text, which bounds the length of those within it alone.
fn cut(name: &str) -> &str {
    name.char_indices().nth(LONGEST_SHOWN).map_or(name, |(end, _)| &name[..end])
}

//! What a name means in a formula: a definition, an input, or a constant; and the nearest name where it means nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::error::Fault;
use super::lexer::{Cursor, Lexeme, Token};
use super::{SyntaxErrorKind, constant};
use crate::wire::graph::{Argument, Attribute, Graph, Input, Node, Origin, Tensor};
use crate::wire::hint::nearest;

/// The names of a formula, as far as it has been read.
pub(super) struct Names<'t> {
    definitions: HashMap<&'t str, Definition>,
    inputs: HashSet<String>,
    /// Whether the list of inputs came beside the text, so that no other name is one.
    listed: bool,
}

enum Definition {
    /// Its statement is still to come.
    Announced,
    Value(Argument),
    /// A tensor that nothing has used yet, and where it was defined.
    Tensor(Tensor, u32),
}

impl<'t> Names<'t> {
    /// The names of all definitions, and the inputs if they are known.
    pub(super) fn of(text: &'t str, tokens: &'t [Token], listed: Option<&[Input]>) -> Result<Names<'t>, Fault> {
        let mut inputs = HashSet::new();
        for input in listed.unwrap_or_default() {
            if !inputs.insert(input.name.clone()) {
                return Err(Fault::new(SyntaxErrorKind::Inputs, 0, format!("the input `{}` is listed twice", input.name)));
            }
        }
        let mut definitions = HashMap::new();
        let mut cursor = Cursor::new(text, tokens);
        let mut begins = true;
        while cursor.peek().lexeme != Lexeme::End {
            if begins && cursor.at_assignment() {
                let token = cursor.peek();
                let name = cursor.slice(token);
                let duplicate = |what: &str| Fault::new(SyntaxErrorKind::Duplicate, token.start, format!("`{name}` is {what}"));
                if inputs.contains(name) {
                    return Err(duplicate("an input and cannot be defined"));
                }
                if definitions.insert(name, Definition::Announced).is_some() {
                    return Err(duplicate("defined twice"));
                }
            }
            begins = matches!(cursor.advance().lexeme, Lexeme::Newline | Lexeme::Semicolon);
        }
        Ok(Names { definitions, inputs, listed: listed.is_some() })
    }

    /// What the name at `offset` stands for. An unlisted free name becomes an input.
    pub(super) fn resolve(&mut self, graph: &mut Graph, name: &'t str, offset: u32) -> Result<Argument, Fault> {
        if let Some(definition) = self.definitions.get_mut(name) {
            return match definition {
                Definition::Value(value) => Ok(value.clone()),
                Definition::Announced => {
                    Err(Fault::new(SyntaxErrorKind::UnknownName, offset, format!("`{name}` is used before its definition")))
                }
                Definition::Tensor(tensor, origin) => {
                    let node = named_tensor(name, std::mem::take(&mut tensor.shape), std::mem::take(&mut tensor.data), *origin);
                    graph.nodes.push(node);
                    *definition = Definition::Value(Argument::Name(name.to_owned()));
                    Ok(Argument::Name(name.to_owned()))
                }
            };
        }
        if self.inputs.contains(name) {
            return Ok(Argument::Name(name.to_owned()));
        }
        if let Some(value) = constant(name) {
            return Ok(Argument::Number(value));
        }
        if self.listed {
            let message = format!("`{name}` is neither an input nor defined");
            let hint = self.nearest(name).unwrap_or_else(|| format!("add `{name}` to `inputs`"));
            return Err(Fault::new(SyntaxErrorKind::UnknownName, offset, message).hint(hint));
        }
        self.inputs.insert(name.to_owned());
        graph.inputs.push(Input { name: name.to_owned(), shape: None });
        Ok(Argument::Name(name.to_owned()))
    }

    /// Gives a name its value: an unnamed node takes the name, anything else is what the name stands for.
    pub(super) fn define(&mut self, graph: &mut Graph, name: &'t str, value: Argument, offset: u32) {
        let definition = match value {
            Argument::Node(node) => {
                graph.nodes[node].name = Some(name.to_owned());
                Definition::Value(Argument::Name(name.to_owned()))
            }
            Argument::Constant(tensor) => Definition::Tensor(*tensor, offset),
            Argument::Name(_) | Argument::Number(_) => Definition::Value(value),
        };
        self.definitions.insert(name, definition);
    }

    /// The value of a definition, for an output.
    pub(super) fn defined(&self, name: &str) -> Option<Argument> {
        match self.definitions.get(name)? {
            Definition::Announced => None,
            Definition::Value(value) => Some(value.clone()),
            Definition::Tensor(tensor, _) => Some(Argument::Constant(Box::new(tensor.clone()))),
        }
    }

    pub(super) fn is_input(&self, name: &str) -> bool {
        self.inputs.contains(name)
    }

    /// A hint with the known name nearest to one that is unknown.
    pub(super) fn nearest(&self, name: &str) -> Option<String> {
        // in order, so that the same text always gets the same hint
        let mut known: Vec<&str> = self.definitions.keys().copied().chain(self.inputs.iter().map(String::as_str)).collect();
        known.sort_unstable();
        meant(name, known)
    }
}

/// A hint with the candidate nearest to `name`, if one is near.
pub(super) fn meant<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    nearest(name, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// A tensor as a node with a name: there is no operator that does nothing, so it is reshaped to the shape it has.
fn named_tensor(name: &str, shape: Vec<usize>, data: Vec<f64>, offset: u32) -> Node {
    let sizes = shape.iter().map(|&size| Attribute::Number(size as f64)).collect();
    Node {
        name: Some(name.to_owned()),
        op: "reshape".into(),
        args: [Argument::Constant(Box::new(Tensor { shape, data }))].into_iter().collect(),
        attributes: BTreeMap::from([("shape".into(), Attribute::List(sizes))]),
        origin: Origin::Text(offset),
    }
}

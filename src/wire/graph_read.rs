//! The graph's JSON form, read: contract 1.1 into the flat arena of [`Graph`].
//!
//! For callers that trust what they read, the client above all: the first fault ends the reading. The server reads requests with a
//! decoder of its own that collects faults with their places. Unknown and repeated fields are errors here too.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use indexmap::IndexMap;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use smallvec::SmallVec;

use super::graph::{Argument, Attribute, Graph, Input, Node, Origin, Output, Tensor};

impl<'de> Deserialize<'de> for Input {
    /// A bare name leaves the shape open.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Input, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Input;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or an object with name and shape")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Input, E> {
                Ok(Input { name: name.to_owned(), shape: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Input, A::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Object {
                    name: String,
                    shape: Option<Vec<usize>>,
                }
                let Object { name, shape } = Object::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Input { name, shape })
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Attribute, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Attribute;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("null, true, false, a number, a string or a list of these")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Attribute, E> {
                Ok(Attribute::Null)
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Attribute, E> {
                Ok(Attribute::Bool(value))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Attribute, E> {
                Ok(Attribute::Number(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Attribute, E> {
                Ok(Attribute::Number(value as f64))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Attribute, E> {
                Ok(Attribute::Number(value as f64))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Attribute, E> {
                Ok(Attribute::Text(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Attribute, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Attribute::List)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// The nodes read so far. A node takes its place before its arguments are read, so that they can say whose they are.
type Arena = RefCell<Vec<Node>>;

/// An argument, or an object that must be a node of the list where `listed`.
#[derive(Clone, Copy)]
struct Place<'a> {
    arena: &'a Arena,
    origin: Origin,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Argument;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Argument, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Argument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.origin {
            Origin::Listed(_) => "a node: an object with name, op and args",
            _ => "a name, a number, an inline node or {\"const\": tensor}",
        })
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Argument, E> {
        match self.origin {
            Origin::Listed(_) => Err(E::invalid_type(de::Unexpected::Str(name), &self)),
            _ => Ok(Argument::Name(name.to_owned())),
        }
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Argument, E> {
        match self.origin {
            Origin::Listed(_) => Err(E::invalid_type(de::Unexpected::Float(value), &self)),
            _ => Ok(Argument::Number(value)),
        }
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Argument, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Argument, E> {
        self.visit_f64(value as f64)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Argument, A::Error> {
        let listed = matches!(self.origin, Origin::Listed(_));
        let position = self.arena.borrow().len();
        let (mut name, mut op, mut constant) = (None, None, None::<Tensor>);
        let mut args = None;
        let mut attributes = BTreeMap::new();
        // Taken now: whatever stands inside comes after it.
        self.arena.borrow_mut().push(Node {
            name: None,
            op: Cow::Borrowed(""),
            args: SmallVec::new(),
            attributes: BTreeMap::new(),
            origin: self.origin,
        });
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "op" => put(&mut op, "op", map.next_value()?)?,
                "name" if listed => put(&mut name, "name", map.next_value()?)?,
                "name" => return Err(de::Error::custom("an inline node has no name")),
                "args" => put(&mut args, "args", map.next_value_seed(Arguments { arena: self.arena, parent: position })?)?,
                "const" if !listed => put(&mut constant, "const", map.next_value()?)?,
                _ => {
                    if attributes.insert(key.clone(), map.next_value()?).is_some() {
                        return Err(de::Error::custom(format_args!("duplicate field `{key}`")));
                    }
                }
            }
        }
        if let Some(tensor) = constant {
            if op.is_some() || args.is_some() || !attributes.is_empty() {
                return Err(de::Error::custom("a constant has the field const and no other"));
            }
            self.arena.borrow_mut().truncate(position);
            return Ok(Argument::Constant(Box::new(tensor)));
        }
        if listed && name.is_none() {
            return Err(de::Error::missing_field("name"));
        }
        let op: String = op.ok_or_else(|| de::Error::missing_field("op"))?;
        let args = args.ok_or_else(|| de::Error::missing_field("args"))?;
        self.arena.borrow_mut()[position] = Node { name, op: op.into(), args: args.into(), attributes, origin: self.origin };
        Ok(Argument::Node(position))
    }
}

/// Fills a field once.
fn put<T, E: de::Error>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), E> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::duplicate_field(name)),
    }
}

/// The `args` of the node at `parent`.
struct Arguments<'a> {
    arena: &'a Arena,
    parent: usize,
}

impl<'de> DeserializeSeed<'de> for Arguments<'_> {
    type Value = Vec<Argument>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Argument>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Arguments<'_> {
    type Value = Vec<Argument>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Argument>, A::Error> {
        let mut arguments = Vec::new();
        loop {
            let origin = Origin::Inline { parent: self.parent as u32, argument: arguments.len() as u32 };
            match list.next_element_seed(Place { arena: self.arena, origin })? {
                Some(argument) => arguments.push(argument),
                None => return Ok(arguments),
            }
        }
    }
}

/// The graph's `nodes`.
struct Nodes<'a>(&'a Arena);

impl<'de> DeserializeSeed<'de> for Nodes<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Nodes<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of nodes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut count = 0;
        while list.next_element_seed(Place { arena: self.0, origin: Origin::Listed(count) })?.is_some() {
            count += 1;
        }
        Ok(())
    }
}

/// The graph's `outputs`, or one of them where `index` is set.
struct Outputs<'a> {
    arena: &'a Arena,
    index: Option<u32>,
}

impl<'de> DeserializeSeed<'de> for Outputs<'_> {
    type Value = Vec<Output>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Output>, D::Error> {
        match self.index {
            None => deserializer.deserialize_seq(self),
            Some(_) => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Outputs<'_> {
    type Value = Vec<Output>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.index.is_some() { "a name, or an object with name and value" } else { "a list of outputs" })
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Vec<Output>, E> {
        match self.index {
            Some(_) => Ok(vec![Output { name: name.to_owned(), value: Argument::Name(name.to_owned()) }]),
            None => Err(E::invalid_type(de::Unexpected::Str(name), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Output>, A::Error> {
        let Some(index) = self.index else {
            return Err(de::Error::invalid_type(de::Unexpected::Map, &self));
        };
        let (mut name, mut value) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => put(&mut name, "name", map.next_value()?)?,
                "value" => put(&mut value, "value", map.next_value_seed(Place { arena: self.arena, origin: Origin::Output(index) })?)?,
                other => return Err(de::Error::unknown_field(other, &["name", "value"])),
            }
        }
        let name = name.ok_or_else(|| de::Error::missing_field("name"))?;
        let value = value.ok_or_else(|| de::Error::missing_field("value"))?;
        Ok(vec![Output { name, value }])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Output>, A::Error> {
        if self.index.is_some() {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        }
        let mut outputs = Vec::new();
        while let Some(output) = list.next_element_seed(Outputs { arena: self.arena, index: Some(outputs.len() as u32) })? {
            outputs.extend(output);
        }
        Ok(outputs)
    }
}

/// The graph's local `functions`.
struct Functions(IndexMap<String, Graph>);

impl<'de> Deserialize<'de> for Functions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Functions, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Functions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, name to graph")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Functions, A::Error> {
                let mut functions = IndexMap::new();
                while let Some((name, graph)) = map.next_entry::<String, Graph>()? {
                    if functions.contains_key(&name) {
                        return Err(de::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    functions.insert(name, graph);
                }
                Ok(Functions(functions))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl<'de> Deserialize<'de> for Graph {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Graph, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Graph;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a graph: an object with inputs, nodes and outputs")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Graph, A::Error> {
                let arena = Arena::default();
                let (mut inputs, mut nodes, mut outputs, mut functions) = (None::<Vec<Input>>, None, None, None::<Functions>);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "inputs" => put(&mut inputs, "inputs", map.next_value()?)?,
                        "nodes" => put(&mut nodes, "nodes", map.next_value_seed(Nodes(&arena))?)?,
                        "outputs" => put(&mut outputs, "outputs", map.next_value_seed(Outputs { arena: &arena, index: None })?)?,
                        "functions" => put(&mut functions, "functions", map.next_value()?)?,
                        other => {
                            return Err(de::Error::unknown_field(other, &["inputs", "nodes", "outputs", "functions"]));
                        }
                    }
                }
                let mut inputs = inputs.ok_or_else(|| de::Error::missing_field("inputs"))?;
                for input in &mut inputs {
                    // In a graph a bare name is a scalar.
                    input.shape.get_or_insert_default();
                }
                Ok(Graph {
                    inputs,
                    nodes: arena.into_inner(),
                    outputs: outputs.ok_or_else(|| de::Error::missing_field("outputs"))?,
                    functions: functions.map(|functions| functions.0).unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the contract shows.
    const EXAMPLE: &str = r#"{"inputs":["x",{"name":"w","shape":[3]}],"nodes":[{"name":"s","op":"multiply","args":["x","w"]},{"name":"t","op":"sum","args":[{"op":"sin","args":["s"]}]}],"outputs":["t",{"name":"loss","value":{"op":"square","args":["t"]}}],"functions":{"g":{"inputs":["u"],"nodes":[],"outputs":[{"name":"y","value":{"op":"exp","args":["u"]}}]}}}"#;

    #[test]
    fn graphs_round_trip() {
        let others = [
            r#"{"inputs":[],"nodes":[],"outputs":[{"name":"f","value":{"const":[[1.0,2.0],["NaN",4.0]]}}]}"#,
            r#"{"inputs":[{"name":"A","shape":[2,3]}],"nodes":[{"name":"s","op":"sum","args":["A"],"axis":[0,-1],"keepdims":true,"ord":"inf","p":1.5,"z":null}],"outputs":["s"]}"#,
        ];
        for text in others.into_iter().chain([EXAMPLE]) {
            let graph: Graph = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&graph).unwrap(), text);
        }
    }

    #[test]
    fn inline_nodes_are_flat_and_know_where_they_stood() {
        let graph: Graph = serde_json::from_str(EXAMPLE).unwrap();
        let origins: Vec<_> = graph.nodes.iter().map(|node| (&*node.op, node.origin)).collect();
        let expected = [
            ("multiply", Origin::Listed(0)),
            ("sum", Origin::Listed(1)),
            ("sin", Origin::Inline { parent: 1, argument: 0 }),
            ("square", Origin::Output(1)),
        ];
        assert_eq!(origins, expected);
        assert_eq!(graph.inputs[0].shape, Some(vec![]));
    }

    #[test]
    fn faults_are_refused() {
        for text in [
            r#"{"inputs":[],"nodes":[],"outputs":[],"extra":1}"#,
            r#"{"inputs":[],"inputs":[],"nodes":[],"outputs":[]}"#,
            r#"{"inputs":[],"nodes":[{"name":"a","op":"sin","op":"cos","args":[]}],"outputs":[]}"#,
            r#"{"inputs":[],"nodes":[{"name":"a","op":"sum","args":[],"axis":0,"axis":1}],"outputs":[]}"#,
            r#"{"inputs":[],"nodes":[{"op":"sin","args":[1]}],"outputs":[]}"#,
            r#"{"inputs":[],"nodes":["a"],"outputs":[]}"#,
            r#"{"inputs":[],"nodes":[{"name":"a","op":"sin","args":[{"name":"b","op":"cos","args":[1]}]}],"outputs":[]}"#,
            r#"{"inputs":[],"nodes":[],"outputs":[{"name":"a","value":1,"shape":[]}]}"#,
            r#"{"inputs":[],"nodes":[],"outputs":[{"name":"a","value":{"const":1,"op":"sin"}}]}"#,
            r#"{"inputs":[],"nodes":[],"outputs":[],"functions":{"g":{"inputs":[],"outputs":[]},"g":{"inputs":[],"outputs":[]}}}"#,
        ] {
            assert!(serde_json::from_str::<Graph>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_and_shared_nodes_get_names() {
        let count = 100_000;
        let node = |i: usize, args: Vec<Argument>| Node {
            name: None,
            op: "add".into(),
            args: args.into(),
            attributes: BTreeMap::new(),
            origin: Origin::Text(i as u32),
        };
        // A chain far deeper than any stack, each link of it used once.
        let nodes = (0..count)
            .map(|i| node(i, vec![if i == 0 { Argument::Name("x".into()) } else { Argument::Node(i - 1) }, Argument::Number(1.0)]))
            .collect();
        let outputs = vec![Output { name: "y".into(), value: Argument::Node(count - 1) }];
        let input = Input { name: "x".into(), shape: None };
        let deep = Graph { inputs: vec![input.clone()], nodes, outputs, functions: IndexMap::new() };
        let text = serde_json::to_string(&deep).unwrap();
        let back: Graph = serde_json::from_str(&text).unwrap();
        assert_eq!(back.nodes.len(), count);
        // Doubling: 40 nodes, 2^40 paths.
        let nodes = (0..40).map(|i| node(i, vec![if i == 0 { Argument::Name("x".into()) } else { Argument::Node(i - 1) }; 2])).collect();
        let outputs = vec![Output { name: "y".into(), value: Argument::Node(39) }];
        let shared = Graph { inputs: vec![input], nodes, outputs, functions: IndexMap::new() };
        let back: Graph = serde_json::from_str(&serde_json::to_string(&shared).unwrap()).unwrap();
        assert_eq!(back.nodes.len(), 40);
    }
}

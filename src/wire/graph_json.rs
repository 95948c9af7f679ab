//! The graph's JSON form, written: contract 1.1 from the flat arena of [`Graph`].
//!
//! An unnamed node becomes an inline node where it is used exactly once and nests shallowly; otherwise it gets a fresh name, so that
//! sharing stays sharing, the text's size is the graph's, and no depth of a graph becomes a depth of the text or of the stack.
//! Reading is in `graph_read`.

use std::collections::HashSet;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::graph::{Argument, Attribute, Graph, Input, Node, Output, Tensor};
use super::number::Number;

/// The most inline nodes that nest in one another.
const MOST_INLINE: u32 = 6;

impl Serialize for Input {
    /// A bare name where the shape is open, else name and shape.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.shape {
            None => serializer.serialize_str(&self.name),
            Some(shape) => {
                let mut object = serializer.serialize_map(Some(2))?;
                object.serialize_entry("name", &self.name)?;
                object.serialize_entry("shape", shape)?;
                object.end()
            }
        }
    }
}

impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Up to here every integer is a binary64.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match self {
            Attribute::Null => serializer.serialize_unit(),
            Attribute::Bool(value) => serializer.serialize_bool(*value),
            Attribute::Number(value) if value.fract() == 0.0 && value.abs() < EXACT && (*value != 0.0 || value.is_sign_positive()) => {
                serializer.serialize_i64(*value as i64)
            }
            Attribute::Number(value) => Number(*value).serialize(serializer),
            Attribute::Text(text) => serializer.serialize_str(text),
            Attribute::List(values) => serializer.collect_seq(values),
        }
    }
}

/// `{"const": tensor}`
struct Constant<'a>(&'a Tensor);

impl Serialize for Constant<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(1))?;
        object.serialize_entry("const", self.0)?;
        object.end()
    }
}

/// A graph and how its nodes are to be written.
struct Writing<'a> {
    graph: &'a Graph,
    /// The name of each node; `None` for those written inline.
    names: Vec<Option<String>>,
}

impl<'a> Writing<'a> {
    fn new(graph: &'a Graph) -> Writing<'a> {
        let mut uses = vec![0_u32; graph.nodes.len()];
        let arguments = graph.nodes.iter().flat_map(|node| &node.args).chain(graph.outputs.iter().map(|output| &output.value));
        for argument in arguments {
            if let Argument::Node(position) = argument
                && let Some(count) = uses.get_mut(*position)
            {
                *count += 1;
            }
        }
        let mut named: Vec<bool> = graph.nodes.iter().zip(&uses).map(|(node, &uses)| node.name.is_some() || uses != 1).collect();
        name_the_deep(graph, &mut named);

        let mut taken: HashSet<&str> = graph.inputs.iter().map(|input| input.name.as_str()).collect();
        taken.extend(graph.nodes.iter().filter_map(|node| node.name.as_deref()));
        taken.extend(graph.outputs.iter().map(|output| output.name.as_str()));
        let mut next = 0_usize;
        let mut fresh = || loop {
            let name = format!("t{next}");
            next += 1;
            if !taken.contains(name.as_str()) {
                return name;
            }
        };
        let names =
            graph.nodes.iter().zip(named).map(|(node, named)| named.then(|| node.name.clone().unwrap_or_else(&mut fresh))).collect();
        Writing { graph, names }
    }
}

/// Marks as named every unnamed node that would nest deeper than [`MOST_INLINE`], or contain itself.
fn name_the_deep(graph: &Graph, named: &mut [bool]) {
    const UNSEEN: u32 = u32::MAX;
    const OPEN: u32 = u32::MAX - 1;
    let mut heights = vec![UNSEEN; graph.nodes.len()];
    for root in 0..graph.nodes.len() {
        let mut stack = vec![root];
        while let Some(&position) = stack.last() {
            let inline = graph.nodes[position].args.iter().filter_map(|argument| match argument {
                Argument::Node(child) if *child < named.len() && !named[*child] => Some(*child),
                _ => None,
            });
            if heights[position] == UNSEEN {
                heights[position] = OPEN;
                stack.extend(inline.filter(|&child| heights[child] == UNSEEN));
                continue;
            }
            stack.pop();
            if heights[position] == OPEN {
                let inline: Vec<usize> = inline.collect();
                let mut height = 1;
                for child in inline {
                    // A child that is still open contains this node: only a name can break the circle.
                    if heights[child] == OPEN || heights[child] >= MOST_INLINE {
                        named[child] = true;
                    } else {
                        height = height.max(1 + heights[child]);
                    }
                }
                heights[position] = height;
            }
        }
    }
}

struct WrittenArgument<'a>(&'a Writing<'a>, &'a Argument);

impl Serialize for WrittenArgument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let WrittenArgument(writing, argument) = self;
        match argument {
            Argument::Name(name) => serializer.serialize_str(name),
            Argument::Number(value) if value.is_finite() => serializer.serialize_f64(*value),
            Argument::Number(value) => Constant(&Tensor::scalar(*value)).serialize(serializer),
            Argument::Constant(tensor) => Constant(tensor).serialize(serializer),
            Argument::Node(position) => match writing.names.get(*position) {
                Some(Some(name)) => serializer.serialize_str(name),
                Some(None) => WrittenNode(writing, &writing.graph.nodes[*position], None).serialize(serializer),
                None => Err(serde::ser::Error::custom("an argument refers to a node that is not there")),
            },
        }
    }
}

struct WrittenNode<'a>(&'a Writing<'a>, &'a Node, Option<&'a str>);

impl Serialize for WrittenNode<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Arguments<'a>(&'a Writing<'a>, &'a [Argument]);
        impl Serialize for Arguments<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.1.iter().map(|argument| WrittenArgument(self.0, argument)))
            }
        }
        let WrittenNode(writing, node, name) = self;
        let mut object = serializer.serialize_map(None)?;
        if let Some(name) = name {
            object.serialize_entry("name", name)?;
        }
        object.serialize_entry("op", &node.op)?;
        object.serialize_entry("args", &Arguments(writing, &node.args))?;
        for (name, value) in &node.attributes {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}

struct WrittenOutput<'a>(&'a Writing<'a>, &'a Output);

impl Serialize for WrittenOutput<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let WrittenOutput(writing, output) = self;
        let itself = match &output.value {
            Argument::Name(name) => *name == output.name,
            Argument::Node(position) => writing.names.get(*position).is_some_and(|name| name.as_deref() == Some(output.name.as_str())),
            Argument::Number(_) | Argument::Constant(_) => false,
        };
        if itself {
            return serializer.serialize_str(&output.name);
        }
        let mut object = serializer.serialize_map(Some(2))?;
        object.serialize_entry("name", &output.name)?;
        object.serialize_entry("value", &WrittenArgument(writing, &output.value))?;
        object.end()
    }
}

impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Inputs<'a>(&'a [Input]);
        impl Serialize for Inputs<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut list = serializer.serialize_seq(Some(self.0.len()))?;
                for input in self.0 {
                    // In a graph a bare name is a scalar.
                    if input.shape.as_deref().is_some_and(<[usize]>::is_empty) {
                        list.serialize_element(&input.name)?;
                    } else {
                        list.serialize_element(input)?;
                    }
                }
                list.end()
            }
        }
        struct Nodes<'a>(&'a Writing<'a>);
        impl Serialize for Nodes<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let named = self.0.graph.nodes.iter().zip(&self.0.names);
                serializer.collect_seq(named.filter_map(|(node, name)| Some(WrittenNode(self.0, node, Some(name.as_deref()?)))))
            }
        }
        struct Outputs<'a>(&'a Writing<'a>);
        impl Serialize for Outputs<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.graph.outputs.iter().map(|output| WrittenOutput(self.0, output)))
            }
        }
        let writing = Writing::new(self);
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("inputs", &Inputs(&self.inputs))?;
        object.serialize_entry("nodes", &Nodes(&writing))?;
        object.serialize_entry("outputs", &Outputs(&writing))?;
        if !self.functions.is_empty() {
            object.serialize_entry("functions", &self.functions)?;
        }
        object.end()
    }
}

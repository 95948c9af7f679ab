//! Keys of the program cache, and ids of functions.
//!
//! A cryptographic digest, so that no caller can make one function pass for another. The key of the hash only names its purpose.

use smallvec::SmallVec;

use crate::engine::graph::{Graph, Kind, NodeId};
use crate::engine::op::Value;
use crate::engine::program::{Mode, Want};
use crate::engine::{Shape, Tensor};

/// A digest.
pub(super) type Digest = [u8; 32];

const PURPOSE: &[u8; 32] = b"nablad, keys of programs, form 2";

/// What a key is computed of, each part with its length so that no two sequences of parts run together.
pub(super) struct Parts {
    hasher: blake3::Hasher,
    buffer: SmallVec<[u8; 256]>,
    /// Whether the digest outlives the process.
    lasting: bool,
}

impl Parts {
    pub(super) fn new() -> Parts {
        Parts { hasher: blake3::Hasher::new_keyed(PURPOSE), buffer: SmallVec::new(), lasting: false }
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.buffer.push(byte);
    }

    pub(super) fn integer(&mut self, value: usize) {
        self.word(value as u64);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.integer(bytes.len());
        if bytes.len() < FULL {
            self.buffer.extend_from_slice(bytes);
        } else {
            self.flush();
            self.hasher.update(bytes);
        }
    }

    /// Bytes that may be absent.
    pub(super) fn maybe(&mut self, bytes: Option<&str>) {
        match bytes {
            None => self.byte(0),
            Some(text) => {
                self.byte(1);
                self.bytes(text.as_bytes());
            }
        }
    }

    pub(super) fn integers(&mut self, values: &[usize]) {
        self.integer(values.len());
        for &value in values {
            self.integer(value);
        }
    }

    pub(super) fn finish(mut self) -> Digest {
        self.flush();
        *self.hasher.finalize().as_bytes()
    }

    /// Two integers below 2³².
    fn halves(&mut self, first: usize, second: usize) {
        self.word((first as u64) << 32 | second as u64);
    }

    fn word(&mut self, word: u64) {
        if self.buffer.len() > FULL {
            self.flush();
        }
        self.buffer.extend_from_slice(&word.to_le_bytes());
    }

    fn flush(&mut self) {
        self.hasher.update(&self.buffer);
        self.buffer.clear();
    }

    fn shape(&mut self, shape: &Shape) {
        self.integers(shape.sizes());
    }

    fn tensor(&mut self, tensor: &Tensor) {
        self.shape(tensor.shape());
        for value in tensor.data() {
            self.word(value.to_bits());
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.byte(0),
            Value::Int(value) => {
                self.byte(1);
                self.word(*value as u64);
            }
            Value::Ints(values) => {
                self.byte(2);
                self.integer(values.len());
                values.iter().for_each(|&value| self.word(value as u64));
            }
            Value::Bounds(bounds) => {
                self.byte(3);
                self.integer(bounds.len());
                for bound in bounds {
                    self.byte(u8::from(bound.is_some()));
                    self.word(bound.unwrap_or(0) as u64);
                }
            }
            Value::Indices(shape, values) => {
                self.byte(4);
                self.integers(shape);
                values.iter().for_each(|&value| self.word(value as u64));
            }
            Value::Bool(flag) => self.bytes(&[5, u8::from(*flag)]),
            Value::Text(word) => {
                self.byte(6);
                self.bytes(word.as_bytes());
            }
            // bodies stand only so deep in one another
            Value::Body(body) => {
                self.byte(7);
                self.graph(body.graph());
            }
            Value::Real(value) => {
                self.byte(8);
                self.word(value.get().to_bits());
            }
            Value::Reals(values) => {
                self.byte(9);
                self.integer(values.len());
                values.iter().for_each(|value| self.word(value.get().to_bits()));
            }
            Value::Written(text) => {
                self.byte(10);
                self.bytes(text.as_bytes());
            }
        }
    }

    /// A graph without its names: nodes in the order in which its outputs come to need them, those alone that they need.
    fn graph(&mut self, graph: &Graph) {
        self.integer(graph.inputs().len());
        graph.inputs().iter().for_each(|input| self.shape(&input.shape));
        let (order, numbers) = needed(graph);
        self.integer(order.len());
        for id in order {
            match graph.kind(id) {
                Kind::Input(position) => {
                    self.byte(0);
                    self.integer(position);
                }
                Kind::Constant(tensor) => {
                    self.byte(1);
                    self.tensor(tensor);
                }
                Kind::Apply { op, args, attributes } => {
                    self.byte(2);
                    let number = |arg: &NodeId| numbers[arg.index()];
                    if self.lasting {
                        self.bytes(op.name.as_bytes());
                        self.integer(args.len());
                        args.iter().for_each(|arg| self.integer(number(arg)));
                        self.integer(attributes.iter().count());
                    } else {
                        // in this process an operator is where its row stands
                        self.word(std::ptr::from_ref(op).addr() as u64);
                        self.halves(args.len(), attributes.iter().count());
                        for pair in args.chunks(2) {
                            self.halves(number(&pair[0]), pair.last().map_or(0, number));
                        }
                    }
                    for (name, value) in attributes.iter() {
                        self.bytes(name.as_bytes());
                        self.value(value);
                    }
                }
            }
        }
        self.integer(graph.outputs().len());
        graph.outputs().iter().for_each(|output| self.integer(numbers[output.node.index()]));
    }

    fn want(&mut self, want: &Want) {
        let mode = |mode: &Mode| match mode {
            Mode::Auto => 0,
            Mode::Forward => 1,
            Mode::Reverse => 2,
        };
        match want {
            Want::Value => self.byte(0),
            Want::Gradient { wrt, mode: how } => {
                self.bytes(&[1, mode(how)]);
                self.integers(wrt);
            }
            Want::Jacobian { wrt, mode: how } => {
                self.bytes(&[2, mode(how)]);
                self.integers(wrt);
            }
            Want::Jvp { inputs } => {
                self.byte(3);
                self.integers(inputs);
            }
            Want::Vjp { outputs, wrt } => {
                self.byte(4);
                self.integers(outputs);
                self.integers(wrt);
            }
            Want::Hessian { wrt, mode: how } => {
                self.bytes(&[6, mode(how)]);
                self.integers(wrt);
            }
            Want::Hvp { wrt, vectors } => {
                self.byte(7);
                self.integers(wrt);
                self.integers(vectors);
            }
            Want::Taylor { inputs, order } => {
                self.byte(8);
                self.integers(inputs);
                self.integer(*order);
            }
            Want::Linearity { directed } => {
                self.bytes(&[5, u8::from(directed.is_some())]);
                self.integers(directed.as_deref().unwrap_or_default());
            }
        }
    }

    fn flags(&mut self, flags: &[bool]) {
        self.integer(flags.len());
        flags.iter().for_each(|&flag| self.byte(u8::from(flag)));
    }
}

/// The nodes that a graph's outputs need, each behind its arguments, and the place of each: an order that neither names nor the order
/// in which the graph was written have a part in.
pub(super) fn needed(graph: &Graph) -> (Vec<NodeId>, Vec<usize>) {
    const NONE: usize = usize::MAX;
    let (mut order, mut numbers) = (Vec::with_capacity(graph.len()), vec![NONE; graph.len()]);
    let mut waiting: Vec<NodeId> = graph.outputs().iter().rev().map(|output| output.node).collect();
    while let Some(&id) = waiting.last() {
        let before = waiting.len();
        if let (Kind::Apply { args, .. }, NONE) = (graph.kind(id), numbers[id.index()]) {
            waiting.extend(args.iter().rev().filter(|arg| numbers[arg.index()] == NONE));
        }
        if waiting.len() > before {
            continue;
        }
        waiting.pop();
        if numbers[id.index()] == NONE {
            numbers[id.index()] = order.len();
            order.push(id);
        }
    }
    (order, numbers)
}

/// The buffer is handed to the hash at this size.
const FULL: usize = 1 << 14;

/// The key of what `want` asks of a graph: the same for all spellings and namings of it.
pub(super) fn program(graph: &Graph, want: &Want, per_point: &[bool]) -> Digest {
    let mut parts = Parts::new();
    parts.graph(graph);
    parts.want(want);
    parts.flags(per_point);
    parts.finish()
}

/// The id of a function: the same for all spellings of it, whatever its inner nodes are called. Ids outlive programs and processes:
/// a change of what is hashed here gives every function another.
pub(super) fn function(graph: &Graph) -> Digest {
    let mut parts = Parts { lasting: true, ..Parts::new() };
    parts.bytes(b"function");
    parts.graph(graph);
    graph.inputs().iter().for_each(|input| parts.bytes(input.name.as_bytes()));
    graph.outputs().iter().for_each(|output| parts.bytes(output.name.as_bytes()));
    parts.finish()
}

/// The digest of a body: the same for all spellings of it, whatever its inputs and outputs are called.
pub(super) fn body(graph: &Graph) -> Digest {
    let mut parts = Parts { lasting: true, ..Parts::new() };
    parts.bytes(b"body");
    parts.graph(graph);
    parts.finish()
}

/// The key of a composition with its Jacobians.
pub(super) fn chain(stages: &[Graph], wrt: &[usize], mode: Mode, per_point: &[bool]) -> Digest {
    let mut parts = Parts::new();
    parts.bytes(b"chain");
    parts.integer(stages.len());
    stages.iter().for_each(|stage| parts.graph(stage));
    parts.byte(mode as u8);
    parts.integers(wrt);
    parts.flags(per_point);
    parts.finish()
}

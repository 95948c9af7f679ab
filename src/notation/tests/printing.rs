//! Graphs as formulas, and back.

use std::collections::BTreeMap;

use super::super::formula::print;
use super::*;
use crate::wire::graph::{Node, Output, Tensor};

fn node(name: Option<&str>, op: &str, args: Vec<Argument>) -> Node {
    Node {
        name: name.map(str::to_owned),
        op: op.to_owned().into(),
        args: args.into(),
        attributes: BTreeMap::new(),
        origin: Origin::Listed(0),
    }
}

fn name(name: &str) -> Argument {
    Argument::Name(name.into())
}

fn graph(inputs: &[&str], nodes: Vec<Node>, outputs: Vec<(&str, Argument)>) -> Graph {
    Graph {
        inputs: inputs.iter().map(|name| input(name)).collect(),
        nodes,
        outputs: outputs.into_iter().map(|(name, value)| Output { name: name.into(), value }).collect(),
        ..Graph::default()
    }
}

/// What is printed reads back to the same graph, bit for bit.
fn round_trip(graph: &Graph) -> String {
    let printed = print(graph).unwrap_or_else(|| panic!("cannot print {graph:?}"));
    let again = parse(&printed, &beside(graph)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(format!("{:?}", placeless(again)), format!("{:?}", placeless(graph.clone())), "{printed}");
    printed
}

#[test]
fn as_few_brackets_as_the_grammar_allows() {
    for text in [
        "x",
        "2",
        "-2",
        "nan",
        "-nan",
        "-inf",
        "a + b + c",
        "(a + b) + c",
        "a + (b + c)",
        "a - b - c",
        "a - (b - c)",
        "a - b + c",
        "a * b * c",
        "(a * b) * c",
        "a / b / c",
        "a / (b * c)",
        "a * b / c",
        "-x^2",
        "(-x)^2",
        "(-2)^2",
        "-2^2",
        "2^-x",
        "2^-x^y",
        "x^-1",
        "(x^y)^z",
        "x^y^z",
        "--x",
        "-(x + y)",
        "-x * y",
        "x * -y",
        "a - -2",
        "a + b < c",
        "(a < b) < c",
        "a @ b @ c",
        "a @ (b @ c)",
        "sin(x) + where(a < b, a, b)",
        "sum(x, axis=[0, 1], keepdims=true)",
        "vector_norm(x, ord=inf)",
        "vector_norm(x, ord=\"inf\")",
        "take(x, axis=0, indices=[[0, -1], [2, 3]])",
        "x[0]",
        "A[0, -1]",
        "A[0][1:3]",
        "A[:, ::2]",
        "(a + b)[0]",
        "(-2)[0]",
        "x[::-1]",
        "squeeze(A[:, 0:1], axis=[1])",
        "[1, 2, 3]",
        "[[1, 2], [3, 4]] @ x",
        "[[], []]",
        "[a, b + 1]",
        "[[a, 1], [1, 2]]",
        "stack(1, 2, axis=0)",
        "negative(2)",
        "2 * pi * r",
        "e^x",
        "1e-05",
        "0.1 + 1e300 + 5e-324 + 123456789012345680000",
        "w = [0.25, 0.75]\nvecdot(w, x)",
        "r = x^2 + y^2\ns = sqrt(r)\ns * r",
        "θ + layer.0.w",
    ] {
        let graph = read(text);
        let printed = round_trip(&graph);
        let numbers = text.contains("1e-05") || text.contains("1e300");
        assert!(numbers || printed == text, "{text:?} is printed as {printed:?}");
    }
}

#[test]
fn several_outputs_are_definitions() {
    let options = Options { outputs: Some(vec!["theta".into(), "r".into(), "n".into()]), ..Options::default() };
    let polar = parse("r = hypot(x, y); theta = atan2(y, x) / r; n = 3", &options).unwrap();
    assert_eq!(round_trip(&polar), "r = hypot(x, y)\ntheta = atan2(y, x) / r\nn = 3");
    // an unnamed output takes its name
    let unnamed = graph(&["x"], vec![node(None, "exp", vec![name("x")])], vec![("y", Argument::Node(0)), ("z", Argument::Node(0))]);
    assert_eq!(print(&unnamed).as_deref(), Some("y = exp(x)\nz = y"));
    // inputs that shadow constants, and a node in any order
    let shadowing = graph(
        &["pi", "e", "nan"],
        vec![node(Some("b"), "add", vec![name("a"), name("pi")]), node(Some("a"), "exp", vec![name("e")])],
        vec![("b", name("b"))],
    );
    assert_eq!(print(&shadowing).as_deref(), Some("a = exp(e)\nb = a + pi"));
    let pi = graph(&["pi"], vec![], vec![("f", Argument::Number(std::f64::consts::PI))]);
    assert_eq!(round_trip(&pi), "3.141592653589793");
}

#[test]
fn sharing_is_never_written_twice() {
    let mut nodes = vec![node(None, "exp", vec![name("x")])];
    for i in 0..200 {
        nodes.push(node(None, "add", vec![Argument::Node(i), Argument::Node(i)]));
    }
    let printed = print(&graph(&["x", "t1"], nodes, vec![("f", Argument::Node(200))])).unwrap();
    assert!(printed.len() < 10_000);
    assert!(printed.starts_with("t2 = exp(x)\nt3 = t2 + t2\n"), "{printed}");
}

/// Random graphs: every operator that is infix, and calls; numbers of any bits; some nodes named, some not.
#[test]
fn random_graphs_read_back() {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    const OPS: [(&str, usize); 18] = [
        ("add", 2),
        ("add", 3),
        ("subtract", 2),
        ("multiply", 2),
        ("multiply", 3),
        ("divide", 2),
        ("matmul", 2),
        ("pow", 2),
        ("pow", 2),
        ("negative", 1),
        ("negative", 1),
        ("less", 2),
        ("equal", 2),
        ("sin", 1),
        ("where", 3),
        ("index", 1),
        ("slice", 1),
        ("stack", 2),
    ];
    let step = (0..OPS.len(), proptest::array::uniform3(any::<(u8, u8, f64)>()), any::<u8>());
    let strategy = proptest::collection::vec(step, 1..30);
    let config = Config { cases: 3_000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner
        .run(&strategy, |steps| {
            let mut nodes: Vec<Node> = Vec::new();
            // unnamed nodes that nothing uses yet
            let mut free = Vec::new();
            for (position, &(op, choices, naming)) in steps.iter().enumerate() {
                let (op, count) = OPS[op];
                let args = choices[..count].iter().map(|&(kind, which, value)| match kind % 5 {
                    0 | 1 => free.pop().map_or_else(|| name("x"), Argument::Node),
                    2 => Argument::Number(if kind > 128 { f64::from(which) - 100.0 } else { value }),
                    3 => nodes.iter().rev().find_map(|node: &Node| node.name.as_deref()).map_or_else(|| name("y"), name),
                    _ => name(["x", "y", "pi"][usize::from(which) % 3]),
                });
                let mut node = node((naming % 4 == 0).then_some("").map(|_| "v"), op, args.collect());
                if let Some(name) = &mut node.name {
                    name.push_str(&position.to_string());
                } else {
                    free.push(position);
                }
                let bound = |value: u8| if value.is_multiple_of(3) { Attribute::Null } else { Attribute::Number(f64::from(value) - 128.0) };
                let bounds = |values: [u8; 2]| Attribute::List(values.map(bound).to_vec());
                match op {
                    "index" => {
                        drop(node.attributes.insert("at".into(), Attribute::List(vec![Attribute::Number(f64::from(naming) - 128.0)])))
                    }
                    "slice" => {
                        node.attributes.insert("start".into(), bounds([naming, choices[0].0]));
                        node.attributes.insert("stop".into(), bounds([choices[1].0, choices[1].1]));
                        node.attributes.insert("step".into(), bounds([choices[2].0, choices[2].1]));
                    }
                    "stack" => drop(node.attributes.insert("axis".into(), Attribute::Number(0.0))),
                    _ => {}
                }
                nodes.push(node);
            }
            let last = nodes.len() - 1;
            let value = nodes[last].name.as_deref().map_or(Argument::Node(last), name);
            let graph = graph(&["x", "y", "pi"], nodes, vec![("f", value)]);
            let printed = print(&graph).ok_or_else(|| TestCaseError::fail(format!("cannot print {graph:?}")))?;
            let again = parse(&printed, &beside(&graph)).map_err(|error| TestCaseError::fail(format!("{printed}\n{error}")))?;
            prop_assert_eq!(meaning(&again), meaning(&graph), "{}", &printed);
            for node in graph.nodes.iter().filter(|node| node.name.is_some()) {
                let other = again.nodes.iter().find(|other| other.name == node.name);
                let of = |graph: &Graph, node: &Node| node.args.iter().map(|arg| shown(graph, arg)).collect::<Vec<_>>();
                prop_assert_eq!(
                    other.map(|other| (other.op.clone(), of(&again, other))),
                    Some((node.op.clone(), of(&graph, node))),
                    "{}",
                    &printed
                );
            }
            let _ = super::super::latex::print(&graph);
            Ok(())
        })
        .unwrap();
}

#[test]
fn deep_graphs_are_written_flat() {
    let depth = 100_000;
    let mut nodes = vec![node(None, "exp", vec![name("x")])];
    for i in 0..depth {
        nodes.push(node(None, if i % 2 == 0 { "exp" } else { "negative" }, vec![Argument::Node(i)]));
    }
    let deep = graph(&["x"], nodes, vec![("f", Argument::Node(depth))]);
    let printed = print(&deep).unwrap();
    assert_eq!(parse(&printed, &beside(&deep)).unwrap().nodes.len(), deep.nodes.len());
    // and chains that need no brackets stay on one line
    let chain = read(&vec!["x"; depth].join("-"));
    assert_eq!(round_trip(&chain).lines().count(), 1);
    let towers = read(&vec!["x"; depth].join("^"));
    assert_eq!(round_trip(&towers).lines().count(), 1);
    super::super::latex::print(&deep);
}

#[test]
fn what_has_no_formula_is_none() {
    let one = |node: Node, inputs: &[&str]| print(&graph(inputs, vec![node], vec![("f", Argument::Node(0))]));
    assert_eq!(one(node(None, "exp", vec![name("x[1]")]), &["x[1]"]), None);
    assert_eq!(one(node(None, "exp", vec![name("unknown")]), &["x"]), None);
    assert_eq!(one(node(None, "no_such_op", vec![name("x")]), &["x"]), None);
    assert_eq!(one(node(None, "exp", vec![Argument::Node(0)]), &["x"]), None);
    assert_eq!(one(node(None, "exp", vec![Argument::Node(7)]), &["x"]), None);
    assert_eq!(one(node(None, "exp", vec![Argument::Number(f64::NAN)]), &["nan"]), None);
    assert_eq!(one(node(None, "exp", vec![Argument::Constant(Box::new(Tensor { shape: vec![0, 2], data: vec![] }))]), &["x"]), None);
    let large = Tensor { shape: vec![5000], data: vec![1.0; 5000] };
    assert_eq!(one(node(None, "exp", vec![Argument::Constant(Box::new(large))]), &["x"]), None);
    let cycle = vec![node(Some("a"), "exp", vec![name("b")]), node(Some("b"), "exp", vec![name("a")])];
    let cycle = graph(&["x"], cycle, vec![("a", name("a"))]);
    assert_eq!(print(&cycle), None);
    super::super::latex::print(&cycle);
    let mut local = read("exp(x)");
    local.functions.insert("g".into(), Graph::default());
    assert_eq!(print(&local), None);
    let twice = graph(&["x"], vec![node(Some("x"), "exp", vec![name("x")])], vec![("f", name("x"))]);
    assert_eq!(print(&twice), None);
}

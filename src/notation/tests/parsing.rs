//! What formulas mean.

use super::*;
use crate::engine::op;

#[test]
fn operators_bind_as_the_contract_says() {
    for (text, wanted) in [
        ("a + b * c", "add(a, multiply(b, c))"),
        ("(a + b) * c", "multiply(add(a, b), c)"),
        ("a - b - c", "subtract(subtract(a, b), c)"),
        ("a - (b - c)", "subtract(a, subtract(b, c))"),
        ("a / b / c", "divide(divide(a, b), c)"),
        ("a / b * c", "multiply(divide(a, b), c)"),
        ("a * b / c", "divide(multiply(a, b), c)"),
        ("a + b + c", "add(a, b, c)"),
        ("(a + b) + c", "add(add(a, b), c)"),
        ("a + (b + c)", "add(a, add(b, c))"),
        ("a + b - c + d + g", "add(subtract(add(a, b), c), d, g)"),
        ("a * b * c", "multiply(a, b, c)"),
        ("a ^ b ^ c", "pow(a, pow(b, c))"),
        ("a ** b ** c", "pow(a, pow(b, c))"),
        ("(a ^ b) ^ c", "pow(pow(a, b), c)"),
        ("-x^2", "negative(pow(x, 2.0))"),
        ("(-x)^2", "pow(negative(x), 2.0)"),
        ("-2^2", "negative(pow(2.0, 2.0))"),
        ("(-2)^2", "pow(-2.0, 2.0)"),
        ("2^-x", "pow(2.0, negative(x))"),
        ("2^-x^y", "pow(2.0, negative(pow(x, y)))"),
        ("2^-x*y", "multiply(pow(2.0, negative(x)), y)"),
        ("x^-1", "pow(x, -1.0)"),
        ("x^-1*y", "multiply(pow(x, -1.0), y)"),
        ("-x*y", "multiply(negative(x), y)"),
        ("-x + y", "add(negative(x), y)"),
        ("--x", "negative(negative(x))"),
        ("--2", "2.0"),
        ("-2", "-2.0"),
        ("-0", "-0.0"),
        ("+x", "x"),
        ("a - -b", "subtract(a, negative(b))"),
        ("a*-b", "multiply(a, negative(b))"),
        ("a @ b @ c", "matmul(matmul(a, b), c)"),
        ("a @ b * c", "multiply(matmul(a, b), c)"),
        ("a + b < c * d", "less(add(a, b), multiply(c, d))"),
        ("a == b", "equal(a, b)"),
        ("(a < b) == (b != c)", "equal(less(a, b), not_equal(b, c))"),
        ("a >= b", "greater_equal(a, b)"),
        ("a <= -b", "less_equal(a, negative(b))"),
        ("x^y[0]", "pow(x, index(y, at=[0]))"),
        ("-x[0]", "negative(index(x, at=[0]))"),
    ] {
        assert_eq!(meaning(&read(text)), wanted, "{text}");
    }
}

#[test]
fn numbers_constants_and_names() {
    for (text, wanted) in [
        ("1", "1.0"),
        ("1.", "1.0"),
        (".5", "0.5"),
        ("1.5e-3", "0.0015"),
        ("1E5", "100000.0"),
        ("5e-324", "5e-324"),
        ("1e-400", "0.0"),
        ("0.1", "0.1"),
        ("pi", "3.141592653589793"),
        ("e", "2.718281828459045"),
        ("E", "2.718281828459045"),
        ("inf", "inf"),
        ("-infinity", "-inf"),
        ("nan", "NaN"),
        ("2*pi*r", "multiply(2.0, 3.141592653589793, r)"),
        ("θ + µ_1 + layer.0.w", "add(θ, µ_1, layer.0.w)"),
        ("_x + x.y", "add(_x, x.y)"),
        ("\u{feff}x", "x"),
        ("x\u{a0}+\ty", "add(x, y)"),
    ] {
        assert_eq!(meaning(&read(text)), wanted, "{text}");
    }
    assert_eq!(meaning(&read("pi = 3; pi * x")), "multiply(3.0, x)");
    let listed = Options { inputs: Some(vec![input("e"), input("unused")]), ..Options::default() };
    let graph = parse("e * pi", &listed).unwrap();
    assert_eq!(meaning(&graph), "multiply(e, 3.141592653589793)");
    assert_eq!(graph.inputs, [input("e"), input("unused")]);
}

#[test]
fn calls_and_attributes() {
    for (text, wanted) in [
        ("sin(x)", "sin(x)"),
        ("sin (x)", "sin(x)"),
        ("ln(x)", "log(x)"),
        ("atan2(y, x,)", "atan2(y, x)"),
        ("if(c < 0, a, b)", "where(less(c, 0.0), a, b)"),
        ("polygamma(1, x)", "polygamma(1.0, x)"),
        ("sum(x, axis=0)", "sum(x, axis=0)"),
        ("sum(x, 0)", "sum(x, 0.0)"),
        ("sum(x, axis=[0,1], keepdims=true)", "sum(x, axis=[0, 1], keepdims=true)"),
        ("sum(x, axis=(0, 1), keepdims=True)", "sum(x, axis=[0, 1], keepdims=true)"),
        ("sum(x, axis=(0))", "sum(x, axis=0)"),
        ("sum(x, axis=(0,), keepdims=False)", "sum(x, axis=[0], keepdims=false)"),
        ("sum(x, axis=-1,)", "sum(x, axis=-1)"),
        ("sum(x, axis=null)", "sum(x, axis=null)"),
        ("sum(x, axis=None)", "sum(x, axis=null)"),
        ("vector_norm(x, ord=inf)", "vector_norm(x, ord=inf)"),
        ("vector_norm(x, ord=\"inf\")", "vector_norm(x, ord=\"inf\")"),
        ("vector_norm(x, ord='inf')", "vector_norm(x, ord=\"inf\")"),
        ("sum(a, subscripts='ij,jk->ik')", "sum(a, subscripts=\"ij,jk->ik\")"),
        ("take(x, indices=[[0, 1], [2, 3]], axis=0)", "take(x, axis=0, indices=[[0, 1], [2, 3]])"),
        ("take(x, indices=[])", "take(x, indices=[])"),
        ("x * sum(\n x,\n axis = 0 # rows\n)", "multiply(x, sum(x, axis=0))"),
    ] {
        assert_eq!(meaning(&read(text)), wanted, "{text}");
    }
}

#[test]
fn what_sympy_prints_is_read() {
    for (text, wanted) in [
        (
            "Max(0, x) + Abs(y)*exp(-x**2/2) + loggamma(x)",
            "add(maximum(0.0, x), multiply(abs(y), exp(divide(negative(pow(x, 2.0)), 2.0))), gammaln(x))",
        ),
        ("Min(x, y, 3)", "minimum(x, y, 3.0)"),
        ("ceiling(x) + Mod(x, 3)", "add(ceil(x), remainder(x, 3.0))"),
        ("E**x", "pow(2.718281828459045, x)"),
        (
            "sqrt(2)*sqrt(pi)*erf(sqrt(2)*x/2)/2",
            "divide(multiply(sqrt(2.0), sqrt(3.141592653589793), erf(divide(multiply(sqrt(2.0), x), 2.0))), 2.0)",
        ),
        ("-x/(x**2 + 1)**2", "divide(negative(x), pow(add(pow(x, 2.0), 1.0), 2.0))"),
        ("1.0e-5*x", "multiply(1e-5, x)"),
        ("polygamma(0, x)", "polygamma(0.0, x)"),
    ] {
        assert_eq!(meaning(&read(text)), wanted, "{text}");
    }
}

#[test]
fn every_operator_can_be_called() {
    for row in op::rows() {
        for name in std::iter::once(row.name).chain(row.aliases.iter().copied()) {
            if super::super::formula::is_name(name) {
                assert_eq!(meaning(&read(&format!("{name}(x)"))), format!("{}(x)", row.name));
            }
        }
    }
    for alias in ["Abs", "Max", "Min", "ceiling", "Mod", "loggamma", "if"] {
        assert!(op::find(alias).is_some(), "{alias}");
    }
}

#[test]
fn subscripts() {
    for (text, wanted) in [
        ("x[0]", "index(x, at=[0])"),
        ("x[-1]", "index(x, at=[-1])"),
        ("x[-0]", "index(x, at=[0])"),
        ("A[0, 1]", "index(A, at=[0, 1])"),
        ("x[1:3]", "slice(x, start=[1], stop=[3])"),
        ("x[:]", "slice(x, start=[null])"),
        ("x[::2]", "slice(x, start=[null], step=[2])"),
        ("x[::-1]", "slice(x, start=[null], step=[-1])"),
        ("x[-3:]", "slice(x, start=[-3])"),
        ("A[0, 1:3]", "slice(index(A, at=[0]), start=[1], stop=[3])"),
        ("A[:, 0]", "squeeze(slice(A, start=[null, 0], stop=[null, 1]), axis=[1])"),
        ("A[:, -1]", "squeeze(slice(A, start=[null, -1]), axis=[1])"),
        ("A[:, -2, ::2]", "squeeze(slice(A, start=[null, -2, null], step=[null, null, 2], stop=[null, -1, null]), axis=[1])"),
        ("x[0][1:]", "slice(index(x, at=[0]), start=[1])"),
        ("(a + b)[0]", "index(add(a, b), at=[0])"),
        ("sin(x)[0]", "index(sin(x), at=[0])"),
        ("[a, b][0]", "index(stack(a, b, axis=0), at=[0])"),
        ("[1, 2][0]", "index([2][1.0, 2.0], at=[0])"),
        ("x[1.0]", "index(x, at=[1])"),
    ] {
        assert_eq!(meaning(&read(text)), wanted, "{text}");
    }
}

#[test]
fn vectors() {
    for (text, wanted) in [
        ("[1, 2, 3]", "[3][1.0, 2.0, 3.0]"),
        ("[[1, 2], [3, -4]]", "[2, 2][1.0, 2.0, 3.0, -4.0]"),
        ("[[1], [2],]", "[2, 1][1.0, 2.0]"),
        ("[pi]", "[1][3.141592653589793]"),
        ("[]", "[0][]"),
        ("[[], []]", "[2, 0][]"),
        ("[a, 1]", "stack(a, 1.0, axis=0)"),
        ("[[a, 1], [1, 2]]", "stack(stack(a, 1.0, axis=0), [2][1.0, 2.0], axis=0)"),
        ("[1 + 2]", "stack(add(1.0, 2.0), axis=0)"),
    ] {
        assert_eq!(meaning(&read(text)), wanted, "{text}");
    }
}

#[test]
fn statements_and_outputs() {
    let both = Options { outputs: Some(vec!["theta".into(), "r".into()]), ..Options::default() };
    let graph = parse("r = sqrt(x^2 + y^2); theta = atan2(y, x)", &both).unwrap();
    assert_eq!(graph.inputs, [input("x"), input("y")]);
    let names: Vec<_> = graph.outputs.iter().map(|output| (output.name.as_str(), &output.value)).collect();
    assert_eq!(names, [("theta", &Argument::Name("theta".into())), ("r", &Argument::Name("r".into()))]);

    let last = read("r = sqrt(x^2 + y^2)\n\ntheta = atan2(y, x)\n");
    assert_eq!(last.outputs.len(), 1);
    assert_eq!(last.outputs[0].name, "theta");

    let bare = read("a = 2; # two\nb = a\n c = b * x; c^2;");
    assert_eq!(bare.outputs[0].name, "f");
    assert_eq!(meaning(&bare), "pow(c, 2.0)");
    assert_eq!(bare.nodes.len(), 2);

    assert_eq!(read("y = a +\n  # on the next line\n  b\n").nodes[0].args.len(), 2);
    assert_eq!(meaning(&read("y =\n a *\n\n b; y - 1")), "subtract(y, 1.0)");

    // a tensor stands in the graph once, however often it is used
    let tensor = read("w = [1, 2]; w + w * x");
    assert_eq!(tensor.nodes.iter().filter(|node| node.op == "reshape").count(), 1);
    assert_eq!(meaning(&tensor), "add(w, multiply(w, x))");

    // outputs that are inputs, numbers and the bare expression
    let options = Options { outputs: Some(vec!["x".into(), "n".into(), "f".into()]), ..Options::default() };
    let graph = parse("n = 3\nx + n", &options).unwrap();
    assert_eq!(graph.outputs[0].value, Argument::Name("x".into()));
    assert_eq!(graph.outputs[1].value, Argument::Number(3.0));
    assert_eq!(graph.outputs[2].value, Argument::Node(0));
}

#[test]
fn every_node_knows_its_place() {
    let graph = read("a = x + y\nsin(a[0]) * [a, x]");
    let offsets: Vec<_> = graph.nodes.iter().map(|node| (&*node.op, node.origin)).collect();
    assert_eq!(
        offsets,
        [
            ("add", Origin::Text(6)),
            ("index", Origin::Text(15)),
            ("sin", Origin::Text(10)),
            ("stack", Origin::Text(22)),
            ("multiply", Origin::Text(20)),
        ]
    );
}

#[test]
fn length_is_no_depth() {
    let terms = 100_000;
    assert_eq!(read(&vec!["a"; terms].join("+")).nodes[0].args.len(), terms);
    assert_eq!(read(&vec!["a"; terms].join("-")).nodes.len(), terms - 1);
    assert_eq!(read(&vec!["x"; terms].join("^")).nodes.len(), terms - 1);
    assert_eq!(read(&format!("{}x", "-".repeat(terms))).nodes.len(), terms);
    assert_eq!(meaning(&read(&format!("{}2", "-".repeat(terms)))), "2.0");
    assert_eq!(read(&format!("x{}", "[0]".repeat(terms))).nodes.len(), terms);
    assert_eq!(read(&(0..terms / 2).map(|i| format!("v{i} = x + 1\n")).collect::<String>()).nodes.len(), terms / 2);
    let deep = format!("{}x{}", "(".repeat(256), ")".repeat(256));
    assert_eq!(meaning(&read(&deep)), "x");
    let deep = format!("{}1{}", "[".repeat(256), "]".repeat(256));
    assert!(matches!(&read(&deep).outputs[0].value, Argument::Constant(tensor) if tensor.shape.len() == 256));
}

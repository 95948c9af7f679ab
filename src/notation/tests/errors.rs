//! What is wrong and where.

use super::super::formula::{Limit, SyntaxErrorKind};
use super::*;

#[test]
fn places() {
    for (text, line, column, message) in [
        ("", 1, 1, "the formula is empty"),
        ("# nothing\n", 1, 1, "the formula is empty"),
        ("x +", 1, 4, "expected a value before the end of the formula"),
        ("x + ;", 1, 5, "expected a value before `;`"),
        ("(x + )", 1, 6, "expected a value before `)`"),
        ("x * / y", 1, 5, "expected a value before `/`"),
        ("2 x", 1, 3, "expected an operator before `x`"),
        ("2x", 1, 2, "a number runs into a name: `2x`"),
        ("x = 1; y z", 1, 10, "expected an operator before `z`"),
        ("(x + 1", 1, 1, "`(` is never closed"),
        ("sin(x, axis=0", 1, 4, "`(` is never closed"),
        ("x[0", 1, 2, "`[` is never closed"),
        ("take(x, indices=[0", 1, 17, "`[` is never closed"),
        ("x + 1)", 1, 6, "`)` closes nothing"),
        ("(x + 1]", 1, 7, "`]` cannot close `(`"),
        ("a < b < c", 1, 7, "comparisons do not chain"),
        ("a = b = c", 1, 7, "`=` defines a name at the beginning of a statement"),
        ("1e999", 1, 1, "`1e999` is beyond the range of binary64"),
        ("sum(x, axis=1e999)", 1, 13, "`1e999` is beyond the range of binary64"),
        ("1.2.3", 1, 4, "a second decimal point in a number"),
        ("x y", 1, 3, "expected an operator before `y`"),
        ("α + ñ ? 1", 1, 7, "unexpected character `?`"),
        ("x\n y = 2", 1, 1, "only the last statement may be an expression without a name"),
        ("a = x\nb = 3 $ 4", 2, 7, "unexpected character `$`"),
        ("a = 1\r\n= 3", 2, 1, "expected a value before `=`"),
        ("x = 1\nx = 2", 2, 1, "`x` is defined twice"),
        ("a = b + 1\nb = 2\na", 1, 5, "`b` is used before its definition"),
        ("a = a + 1", 1, 5, "`a` is used before its definition"),
        ("f = 1\nf + 1", 2, 1, "the last expression is the output `f`, but `f` is defined"),
        ("snn(x)", 1, 1, "there is no function `snn`"),
        ("x + x(3)", 1, 5, "there is no function `x`"),
        ("sum(axis=0, x)", 1, 13, "arguments stand before attributes"),
        ("sum(x, axis=0, axis=1)", 1, 16, "the attribute `axis` is given twice"),
        ("sum(x, axis=y)", 1, 13, "the attribute `axis` takes a literal value, not the name `y`"),
        ("sum(x, axis=1+1)", 1, 14, "expected `,` or `)` before `+`"),
        ("sum(x, axis=)", 1, 13, "expected a value for the attribute `axis` before `)`"),
        ("(a, b)", 1, 3, "a comma outside a call or a vector"),
        ("a, b", 1, 2, "a comma outside a call or a vector"),
        ("[[1, 2], [3]]", 1, 1, "the rows of this list have different shapes"),
        ("[1, [2]]", 1, 1, "the rows of this list have different shapes"),
        ("x[]", 1, 3, "expected an integer or a slice before `]`"),
        ("x[i]", 1, 3, "an index is a literal integer or slice, not an expression"),
        ("x[0.5]", 1, 3, "`0.5` is not an index: indices are integers"),
        ("x[0 1]", 1, 5, "expected `,`, `:` or `]` before `1`"),
        ("x[[0]]", 1, 3, "a list of indices is not a subscript"),
        ("x + \"a\"", 1, 5, "a string can only be an attribute's value"),
        ("x'", 1, 2, "a string without its closing quote"),
        ("a // b", 1, 3, "there is no operator `//`"),
        ("a and b", 1, 3, "there is no operator `and`"),
        ("x − 1", 1, 3, "unexpected character `−`"),
    ] {
        let error = fails(text);
        assert_eq!((error.line, error.column, error.message.as_str()), (line, column, message), "{text}");
        assert_eq!(text[..error.offset].chars().filter(|&c| c == '\n').count() + 1, line, "{text}");
    }
}

#[test]
fn the_caret_stands_under_the_place() {
    assert_eq!(
        fails("r = x\ntheta = atan2(y; x)").to_string(),
        "`(` is never closed at line 2, column 14\n  theta = atan2(y; x)\n               ^"
    );
    assert_eq!(fails("α\t+ ñ ? 1").to_string(), "unexpected character `?` at line 1, column 7\n  α + ñ ? 1\n        ^");
    // a long line is cut on both sides, and the caret still stands under its place
    let text = format!("{}$ + {}", "a + ".repeat(1000), "b + ".repeat(1000));
    let error = fails(&text);
    let excerpt = error.excerpt();
    let (line, caret) = excerpt.split_once('\n').unwrap();
    assert!(line.chars().count() <= 76, "{line}");
    assert_eq!(line.chars().nth(caret.chars().count() - 1), Some('$'));
    assert_eq!(error.column, 4001);
}

#[test]
fn hints() {
    for (text, hint) in [
        ("2x", "write `2 * x`"),
        ("sinn(x)", "did you mean `sin`?"),
        ("Sin(x)", "did you mean `sin`?"),
        ("n!", "write `!=` for unequal, `logical_not(a)` for not, `exp(gammaln(n + 1))` for a factorial"),
        ("x = 3; x(2)", "write `x * (…)` for a product"),
        ("x ÷ 2", "write `/`"),
        ("vector_norm(x, ord=fro)", "a word is written in quotes: ord=\"fro\""),
        ("einsum('ij->ji', A)", "behind the arguments write `subscripts='ij->ji'`"),
    ] {
        assert_eq!(fails(text).hint.as_deref(), Some(hint), "{text}");
    }
    assert_eq!(fails("g(x)").hint, None);
    let options = Options { inputs: Some(vec![input("alpha"), input("beta")]), ..Options::default() };
    let error = parse("alpha + betta", &options).unwrap_err();
    assert_eq!(error.kind, SyntaxErrorKind::UnknownName);
    assert_eq!((error.column, error.hint.as_deref()), (9, Some("did you mean `beta`?")));
    assert_eq!(parse("alpha + x", &options).unwrap_err().hint.as_deref(), Some("add `x` to `inputs`"));
}

#[test]
fn lists_beside_the_text() {
    let options = |inputs: Option<&[&str]>, outputs: Option<&[&str]>| Options {
        inputs: inputs.map(|names| names.iter().map(|name| input(name)).collect()),
        outputs: outputs.map(|names| names.iter().map(|&name| name.to_owned()).collect()),
        ..Options::default()
    };
    let missing = parse("loss = x^2", &options(None, Some(&["lass"]))).unwrap_err();
    assert_eq!(missing.kind, SyntaxErrorKind::Outputs(0));
    assert_eq!(missing.to_string(), "the output `lass` is not defined in the formula");
    assert_eq!(missing.hint.as_deref(), Some("did you mean `loss`?"));
    let twice = parse("loss = x^2", &options(None, Some(&["loss", "loss"]))).unwrap_err();
    assert_eq!(twice.kind, SyntaxErrorKind::Outputs(1));
    let twice = parse("x", &options(Some(&["x", "x"]), None)).unwrap_err();
    assert_eq!(twice.kind, SyntaxErrorKind::Inputs);
    let defined = parse("x = 3", &options(Some(&["x"]), None)).unwrap_err();
    assert_eq!((defined.kind, defined.message.as_str()), (SyntaxErrorKind::Duplicate, "`x` is an input and cannot be defined"));
}

#[test]
fn limits() {
    let deep = format!("{}x{}", "(".repeat(100_000), ")".repeat(100_000));
    let error = fails(&deep);
    assert_eq!(error.kind, SyntaxErrorKind::Limit { limit: Limit::Nesting, asked: 100_000, allowed: 256 });
    assert_eq!(error.column, 257);
    fails(&"(".repeat(100_000));
    fails(&"[".repeat(100_000));
    fails(&"sin(".repeat(100_000));
    fails(&format!("sum(x, axis={}", "[".repeat(100_000)));
    let options = Options { nesting: usize::MAX, ..Options::default() };
    assert!(parse(&deep, &options).is_ok());
    let long = "x+".repeat(1 << 19) + "x";
    assert_eq!(fails(&long).kind, SyntaxErrorKind::Limit { limit: Limit::Bytes, asked: long.len(), allowed: 1 << 20 });
    fails(&"x".repeat(257));
}

#[test]
fn no_text_panics() {
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let pieces = [
        "x", "y", "=", "==", "<", "(", ")", "[", "]", ",", ":", ";", "\n", "+", "-", "*", "/", "^", "**", "@", "sin", "sum", "axis", "1",
        "2.5", "e", "pi", "#", "\"", "'", ".", "é", "∂", "!", "1e9", "[]", "0", "if", " ", "null", "inf", "\u{feff}", "\r", "𝕏", "$",
    ];
    let strategy = proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..40);
    let config = Config { cases: 20_000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner
        .run(&strategy, |pieces| {
            let text = pieces.concat();
            match parse(&text, &Options::default()) {
                Ok(graph) => {
                    let _ = super::super::latex::print(&graph);
                    if let Some(printed) = super::super::formula::print(&graph) {
                        let again = parse(&printed, &beside(&graph)).map_err(|error| {
                            proptest::test_runner::TestCaseError::fail(format!("{text:?} printed as {printed:?}: {error}"))
                        })?;
                        proptest::prop_assert_eq!(
                            format!("{:?}", placeless(again)),
                            format!("{:?}", placeless(graph)),
                            "{:?} printed as {:?}",
                            text,
                            printed
                        );
                    }
                }
                Err(error) => {
                    let _ = error.to_string();
                    proptest::prop_assert!(text.is_char_boundary(error.offset));
                }
            }
            Ok(())
        })
        .unwrap();
}

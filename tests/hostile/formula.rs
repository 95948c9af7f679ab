//! Formulas that do not parse, and where the caret stands.

use serde_json::json;

use nablad::service::Limits;

use super::Trial;

#[tokio::test]
async fn faults_have_a_line_a_column_and_a_caret() {
    let table: &[(&str, usize, usize, &str)] = &[
        ("x +", 1, 4, ""),
        ("", 1, 1, ""),
        ("  \n # nothing\n", 1, 1, "empty"),
        ("(x + 1", 1, 1, "("),
        ("x + 1)", 1, 6, ")"),
        ("sin(x", 1, 4, "("),
        ("y = x;\nz = (y + 2;\nz", 2, 5, "("),
        ("[x, x", 1, 1, "["),
        ("x]", 1, 2, "]"),
        ("x[0", 1, 2, "["),
        ("x * * x", 1, 5, "*"),
        ("x y", 1, 3, "y"),
        ("2x", 1, 2, "x"),
        ("x < 1 < 2", 1, 7, "<"),
        ("0 <= x <= 1", 1, 8, "<="),
        ("x == x != x", 1, 8, "!="),
        ("x $ 2", 1, 3, "$"),
        ("x\n+ été ? 1", 2, 7, "?"),
        ("sine(x)", 1, 1, "sine"),
        ("sum(x, axis=)", 1, 13, ")"),
        ("1e999 * x", 1, 1, "1e999"),
        ("x + 1e", 1, 6, "1e"),
        ("1.2.3", 1, 4, ".3"),
        ("x = 1; x = 2", 1, 8, "x"),
        ("= 1", 1, 1, "="),
        ("1 = x", 1, 3, "="),
        ("\"x\"", 1, 1, "\""),
        ("x \u{0} 1", 1, 3, ""),
        ("x @@ x", 1, 4, "@"),
        ("y = x\nreturn y", 2, 8, "y"),
    ];
    let trial = Trial::start().await;
    for (text, line, column, offending) in table {
        for path in ["/value", "/graph"] {
            let mut body = json!({"formula": text});
            if path == "/value" {
                body["at"] = json!({"x": 1});
            }
            let place = format!("line {line}, column {column}");
            trial.refused(path, body.to_string(), "invalid-formula", &[("/formula", &[&place, offending, "^"])]).await;
        }
    }
    trial.end().await;
}

#[tokio::test]
async fn nesting_and_length_have_an_end() {
    let trial = Trial::start().await;
    let n = 100_000;
    let ask = |formula: &str| json!({"formula": formula, "at": {"x": 0.5}}).to_string();
    for formula in [
        format!("{}x{}", "(".repeat(n), ")".repeat(n)),
        "(".repeat(n),
        format!("{}x{}", "[".repeat(n), "]".repeat(n)),
        format!("{}x{}", "sin(".repeat(n), ")".repeat(n)),
        format!("{}x{}", "if(x,1,".repeat(n), ")".repeat(n)),
        format!("x{}0{}", "[".repeat(n), "]".repeat(n)),
    ] {
        trial.exceeds("/value", ask(&formula), "limits.formula_nesting", 257.0).await;
    }
    // Chains without brackets nest in the tree, not in the text: read, or refused for that limit.
    for formula in ["-".repeat(n) + "x", format!("x{}", "^x".repeat(n)), format!("x{}", "^-x".repeat(n)), format!("x{}", "^2^x".repeat(n))]
    {
        let sent = trial.server.send("/value", &[], ask(&formula)).await;
        assert!(sent.status == 200 || sent.text.contains("limits.formula_nesting"), "{}: {}", sent.status, sent.text);
    }
    for formula in [format!("x{}", "+x".repeat(n)), format!("x{}", "*1".repeat(n)), format!("x{}", "-x".repeat(n))] {
        assert!(trial.answered("/value", ask(&formula)).await["value"]["f"].is_number());
    }
    let definitions: String = (1..20_000).map(|i| format!("n{i} = n{} + x\n", i - 1)).collect();
    assert_eq!(trial.answered("/gradient", ask(&format!("n0 = x\n{definitions}"))).await["gradient"]["x"], 20_000.0);
    trial.exceeds("/value", ask(&" ".repeat((1 << 20) + 1)), "limits.formula_bytes", ((1 << 20) + 1) as f64).await;
    trial.exceeds("/value", ask(&format!("x+{}x", "1+".repeat(1 << 19))), "limits.formula_bytes", ((1 << 20) + 1) as f64).await;
    // As long as is allowed.
    let longest = format!("x{}", " ".repeat((1 << 20) - 1));
    assert_eq!(trial.answered("/value", ask(&longest)).await["value"]["f"], 0.5);
    trial.end().await;
}

#[tokio::test]
async fn shapes_and_attributes_are_checked_where_they_stand() {
    let trial = Trial::start().await;
    for (formula, kind, words) in [
        ("y = 1\nx + [1, 2]", "shape-mismatch", ["line 2, column", "[3]", "[2]"]),
        ("matmul(x, [1, 2])", "shape-mismatch", ["line 1, column", "[3]", "[2]"]),
        ("[[x], [x, x]]", "shape-mismatch", ["line 1, column", "[1, 3]", "[2, 3]"]),
        ("sum(x, axis=1)", "invalid-graph", ["line 1, column", "axis", "1"]),
        ("sum(x, axs=0)", "invalid-graph", ["line 1, column", "\"axs\"", "\"axis\""]),
        ("x[3]", "invalid-graph", ["line 1, column", "3", "index"]),
        ("x[0:1:0]", "invalid-graph", ["line 1, column", "step", "0"]),
        ("x + sin()", "invalid-graph", ["line 1, column 5", "sin", "0"]),
        ("sin(x, x)", "invalid-graph", ["line 1, column 1", "sin", "2"]),
        ("if(x, 1)", "invalid-graph", ["line 1, column 1", "3", "2"]),
        ("y = x + 1\neigh(outer(x, x))", "invalid-graph", ["line 2, column 1", "several values", "item"]),
        ("sum(-eigh(outer(x, x)))", "invalid-graph", ["line 1, column 5", "2 values", "item"]),
        ("item(-x, index=1)", "invalid-graph", ["line 1, column 1", "no result 1", "one value"]),
    ] {
        let body = json!({"formula": formula, "at": {"x": [1, 2, 3]}}).to_string();
        trial.refused("/value", body, kind, &[("/formula", &words)]).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn what_is_printed_is_read_within_the_same_limits() {
    let trial = Trial::with(Limits { formula_nesting: 16, ..Limits::default() }).await;
    let chain = |symbol: &str| vec!["x"; 40].join(symbol);
    let deep = (1..40).fold(json!({"op": "sin", "args": ["x"]}), |inner, _| json!({"op": "exp", "args": [inner]}));
    for (body, printed) in [
        (json!({"formula": chain(" + ")}), Some(chain(" + "))),
        (json!({"formula": chain(" * ")}), Some(chain(" * "))),
        (json!({"formula": "a + b*c*d - e + g"}), Some("a + b * c * d - e + g".to_owned())),
        (json!({"graph": {"inputs": ["x"], "nodes": [], "outputs": [{"name": "f", "value": deep}]}}), None),
    ] {
        let first = trial.answered("/graph", body.to_string()).await;
        let again = trial.answered("/graph", json!({"formula": first["formula"]}).to_string()).await;
        if let Some(printed) = printed {
            assert_eq!((&first["formula"], &again["formula"]), (&json!(printed), &json!(printed)));
        }
    }
    trial.end().await;
}

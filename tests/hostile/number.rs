//! Numbers at the edges of what JSON and binary64 can say.

use super::{Trial, graph};

/// A number as it is written, and as it comes back.
const KEPT: &[(&str, &str)] = &[
    ("0", "0.0"),
    ("-0", "-0.0"),
    ("-0.0", "-0.0"),
    ("-0e9", "-0.0"),
    ("1", "1.0"),
    ("1.0", "1.0"),
    ("1e0", "1.0"),
    ("10E-1", "1.0"),
    ("0.1", "0.1"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("9007199254740993", "9007199254740992.0"),
    ("9007199254740992.99999999999999999999999999999999", "9007199254740992.0"),
    ("9007199254740993.00000000000000000000000000000001", "9007199254740994.0"),
    ("18446744073709551616", "1.8446744073709552e19"),
    ("-9223372036854775809", "-9.223372036854776e18"),
    ("1.7976931348623157e308", "1.7976931348623157e308"),
    ("1.7976931348623158e308", "1.7976931348623157e308"),
    ("2.2250738585072011e-308", "2.225073858507201e-308"),
    ("5e-324", "5e-324"),
    ("2.4703282292062328e-324", "5e-324"),
    ("2.4703282292062327e-324", "0.0"),
    ("-1e-400", "-0.0"),
    ("1e-999999999999999999999", "0.0"),
    ("0e999999999999999999999", "0.0"),
    ("\"NaN\"", "\"NaN\""),
    ("\"Infinity\"", "\"Infinity\""),
    ("\"Inf\"", "\"Infinity\""),
    ("\"-Infinity\"", "\"-Infinity\""),
    ("\"-Inf\"", "\"-Infinity\""),
];

#[tokio::test]
async fn numbers_are_read_and_written_to_the_bit() {
    let trial = Trial::start().await;
    let long = (format!("0.{}1e{}", "0".repeat(50_000), 50_001), "1.0".to_owned());
    let many = (format!("1{}", "0".repeat(308)), "1e308".to_owned());
    let kept = KEPT.iter().map(|(written, back)| ((*written).to_owned(), (*back).to_owned())).chain([long, many]);
    let plain = |text: &str| text.parse::<f64>().ok().map(|number| (number.to_bits(), number));
    for (written, back) in kept {
        let constant = graph("", "", &format!(r#"{{"name":"f","value":{{"const":{written}}}}}"#), r#","at":{}"#);
        let bodies = [
            format!(r#"{{"formula":"x","at":{{"x":{written}}}}}"#),
            format!(r#"{{"formula":"x","points":[{{"x":{written}}}]}}"#),
            format!(r#"{{"formula":"x","points":{{"x":[{written}]}}}}"#),
            constant,
        ];
        for body in bodies {
            let sent = trial.server.send("/value", &[], body.as_str()).await;
            let number = sent.text.split(r#""f":"#).nth(1).unwrap_or("");
            let number = number.trim_matches(['[', ']', '}']);
            let same = number == back || plain(number).is_some() && plain(number).map(|n| n.0) == plain(&back).map(|n| n.0);
            trial.check(same, || format!("{}: {}", super::shown(body.as_bytes()), sent.text));
        }
    }
    trial.end().await;
}

#[tokio::test]
async fn what_is_beyond_binary64_is_no_infinity() {
    let trial = Trial::start().await;
    let digits = "9".repeat(400);
    for number in ["1e999", "-1e999", "1.7976931348623159e308", "1e99999999999999999999", digits.as_str()] {
        let g = r#""graph":{"inputs":["x",{"name":"w","shape":[2]}],"outputs":["x"]}"#;
        let table = [
            ("/value", format!(r#"{{{g},"at":{{"x":{number},"w":[0,0]}}}}"#), "invalid-point", "/at/x"),
            ("/value", format!(r#"{{{g},"at":{{"x":0,"w":[0,{number}]}}}}"#), "invalid-point", "/at/w/1"),
            ("/value", format!(r#"{{{g},"at":{{"w":[0,0]}},"points":[{{"x":0}},{{"x":{number}}}]}}"#), "invalid-point", "/points/1/x"),
            ("/value", format!(r#"{{{g},"at":{{"w":[0,0]}},"points":{{"x":[0,{number}]}}}}"#), "invalid-point", "/points/x/1"),
            ("/jvp", format!(r#"{{{g},"at":{{"x":0,"w":[0,0]}},"tangent":{{"x":{number}}}}}"#), "invalid-point", "/tangent/x"),
            ("/vjp", format!(r#"{{{g},"at":{{"x":0,"w":[0,0]}},"cotangent":{{"x":{number}}}}}"#), "invalid-point", "/cotangent/x"),
            (
                "/graph",
                graph("", "", &format!(r#"{{"name":"y","value":{{"const":[{number}]}}}}"#), ""),
                "invalid-graph",
                "/graph/outputs/0/value/const/0",
            ),
            ("/graph", graph("", "", &format!(r#"{{"name":"y","value":{number}}}"#), ""), "invalid-graph", "/graph/outputs/0/value"),
            (
                "/graph",
                graph(&format!(r#"{{"name":"x","shape":[{number}]}}"#), "", r#""x""#, ""),
                "invalid-graph",
                "/graph/inputs/0/shape/0",
            ),
        ];
        for (path, body, slug, pointer) in table {
            trial.refused(path, body, slug, &[(pointer, &[])]).await;
        }
        let formula = format!(r#"{{"formula":"x + {}","at":{{"x":0}}}}"#, number.trim_start_matches('-'));
        trial.refused("/value", formula, "invalid-formula", &[("/formula", &["column 5", "^"])]).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn integers_may_be_written_as_reals() {
    let trial = Trial::start().await;
    let node = |attributes: &str| {
        graph(
            r#"{"name":"x","shape":[2.0,3e0]}"#,
            &format!(r#"{{"name":"y","args":["x"],{attributes}}}"#),
            r#""y""#,
            r#","at":{"x":[[1,2,3],[4,5,6]]}"#,
        )
    };
    for (attributes, value) in [
        (r#""op":"sum","axis":1.0"#, "[6.0,15.0]"),
        (r#""op":"sum","axis":[-2.0]"#, "[5.0,7.0,9.0]"),
        (r#""op":"sum","axis":1e0"#, "[6.0,15.0]"),
        (r#""op":"sum","axis":-0.0"#, "[5.0,7.0,9.0]"),
        (r#""op":"reshape","shape":[60e-1]"#, "[1.0,2.0,3.0,4.0,5.0,6.0]"),
        (r#""op":"take","indices":[1.0],"axis":1"#, "[[2.0],[5.0]]"),
    ] {
        let answer = trial.answered("/value", node(attributes)).await;
        assert_eq!(answer["value"]["y"].to_string(), value, "{attributes}");
    }
    trial.end().await;
}

#[tokio::test]
async fn what_is_not_finite_is_a_value() {
    let trial = Trial::start().await;
    for (formula, at, value, gradient) in [
        ("log(x)", "0", r#""-Infinity""#, r#""Infinity""#),
        ("log(x)", "-1", r#""NaN""#, r#""NaN""#),
        ("sqrt(x)", "0", "0.0", r#""Infinity""#),
        ("sqrt(x)", "-0.0", "-0.0", r#""Infinity""#),
        ("exp(x)", "1000", r#""Infinity""#, r#""Infinity""#),
        ("x^2", r#""-Inf""#, r#""Infinity""#, r#""-Infinity""#),
        ("-x", "0", "-0.0", "-1.0"),
        ("x*x*x", "-0.0", "-0.0", "0.0"),
    ] {
        let body = format!(r#"{{"formula":"{formula}","at":{{"x":{at}}}}}"#);
        let sent = trial.server.send("/gradient", &[], body).await;
        let expected = format!(r#"{{"value":{{"f":{value}}},"gradient":{{"x":{gradient}}}}}"#);
        trial.check(sent.text == expected, || format!("{formula} at {at}: {}", sent.text));
    }
    trial.end().await;
}

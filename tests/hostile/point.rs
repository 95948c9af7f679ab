//! Points that do not fit their function.

use super::{Fault, Trial};

/// A function of a scalar x and a vector w of 2.
const F: &str = r#""graph":{"inputs":["x",{"name":"w","shape":[2]}],"outputs":[{"name":"y","value":{"op":"multiply","args":["x","w"]}}]}"#;

#[tokio::test]
async fn points_are_held_to_the_inputs() {
    let table: &[(&str, &[Fault<'_>])] = &[
        (r#""at":{"x":1}"#, &[("/at", &["\"w\"", "missing"])]),
        (r#""at":{}"#, &[("/at", &["\"x\"", "missing"]), ("/at", &["\"w\"", "missing"])]),
        (r#""at":{"x":1,"w":[1,2],"ww":[1,2]}"#, &[("/at/ww", &["\"ww\"", "\"w\""])]),
        (r#""at":{"x":1,"w":[1,2,3]}"#, &[("/at/w", &["[2]", "[3]"])]),
        (r#""at":{"x":1,"w":[]}"#, &[("/at/w", &["[2]", "[0]"])]),
        (r#""at":{"x":1,"w":7}"#, &[("/at/w", &["[2]", "[]"])]),
        (r#""at":{"x":[1],"w":[1,2]}"#, &[("/at/x", &["[]", "[1]"])]),
        (r#""at":{"x":1,"w":[[1,2]]}"#, &[("/at/w", &["[2]", "[1, 2]"])]),
        (r#""at":{"x":1,"w":[1,[2]]}"#, &[("/at/w/1", &["ragged"])]),
        (r#""at":{"x":1,"w":[[1],[2,3]]}"#, &[("/at/w/1", &["ragged"])]),
        (r#""at":{"x":1,"w":[[1],[]]}"#, &[("/at/w/1", &["ragged"])]),
        (r#""at":{"x":"1","w":[1,2]}"#, &[("/at/x", &["string"])]),
        (r#""at":{"x":"nan","w":[1,2]}"#, &[("/at/x", &["string", "\"NaN\""])]),
        (r#""at":{"x":"","w":[1,2]}"#, &[("/at/x", &["string"])]),
        (r#""at":{"x":true,"w":[1,2]}"#, &[("/at/x", &["boolean"])]),
        (r#""at":{"x":null,"w":[1,2]}"#, &[("/at/x", &["null"])]),
        (r#""at":{"x":{},"w":[1,2]}"#, &[("/at/x", &["object"])]),
        (r#""at":{"x":1,"w":[1,null]}"#, &[("/at/w/1", &["null"])]),
        (r#""at":{"x":1,"w":[false,2]}"#, &[("/at/w/0", &["boolean"])]),
        (r#""at":{"x":1,"w":[1,{"re":0}]}"#, &[("/at/w/1", &["object"])]),
        (r#""at":{"x":1,"w":"[1,2]"}"#, &[("/at/w", &["string"])]),
        (r#""at":[1,[1,2]]"#, &[("/at", &["list", "object"])]),
        (r#""at":1"#, &[("/at", &["number", "object"])]),
        (r#""at":null"#, &[("/at", &["null"])]),
        // Rows.
        (r#""points":[{"x":1,"w":[1,2]},{"x":1}]"#, &[("/points/1", &["\"w\"", "missing"])]),
        (r#""points":[{"x":1,"w":[1,2]},{"x":1,"w":[1,2],"z":1}]"#, &[("/points/1/z", &["\"z\""])]),
        (r#""points":[{"x":1,"w":[1,2]},{"x":1,"w":[1,2,3]}]"#, &[("/points/1/w", &["[2]", "[3]"])]),
        (r#""points":[{"x":1,"w":[1,2]},{"x":"1","w":[1,"2"]}]"#, &[("/points/1/x", &["string"]), ("/points/1/w/1", &["string"])]),
        (r#""points":[{"x":1,"w":[1,2]},[1,[1,2]]]"#, &[("/points/1", &["list", "object"])]),
        (r#""points":[null]"#, &[("/points/0", &["null"])]),
        // Columns.
        (r#""points":{"x":[1,2],"w":[[1,2]]}"#, &[("/points/w", &["1", "2"])]),
        (r#""points":{"x":[1,2],"w":[[1,2],[3]]}"#, &[("/points/w/1", &["ragged"])]),
        (r#""points":{"x":[1,2],"w":[[1,2,3],[4,5,6]]}"#, &[("/points/w", &["[2]", "[3]"])]),
        (r#""points":{"x":[1,2],"w":[1,2]}"#, &[("/points/w", &["[2]", "[]"])]),
        (r#""points":{"x":1,"w":[1,2]}"#, &[("/points/x", &["list"]), ("/points/w", &["[2]", "[]"])]),
        (r#""points":{"x":[1,2]}"#, &[("/points", &["\"w\"", "missing"])]),
        (r#""points":{"x":[1],"w":[[1,2]],"v":[1]}"#, &[("/points/v", &["\"v\""])]),
        (r#""points":{}"#, &[("/points", &["\"x\"", "missing"]), ("/points", &["\"w\"", "missing"])]),
        (r#""points":{"x":[]}"#, &[("/points", &["\"w\"", "missing"])]),
        (r#""points":7"#, &[("/points", &["number"])]),
        (r#""points":"all""#, &[("/points", &["string"])]),
        // Twice given.
        (r#""at":{"x":1},"points":[{"w":[1,2]},{"w":[1,2],"x":1}]"#, &[("/points/1/x", &["at"])]),
        (r#""at":{"x":1,"w":[1,2]},"points":{"w":[[1,2]]}"#, &[("/points/w", &["at"])]),
        (r#""at":{"x":1},"points":[{"w":[1,2]},{}]"#, &[("/points/1", &["\"w\"", "missing"])]),
    ];
    let trial = Trial::start().await;
    for (points, faults) in table {
        // Whichever comes first, the function or its point.
        trial.refused("/value", format!("{{{F},{points}}}"), "invalid-point", faults).await;
        trial.refused("/jacobian", format!("{{{points},{F}}}"), "invalid-point", faults).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn a_formula_takes_its_shapes_from_points_that_agree() {
    let trial = Trial::start().await;
    let table: &[(&str, &[Fault<'_>])] = &[
        (r#""points":[{"w":[1,2]},{"w":[1,2,3]}]"#, &[("/points/1/w", &["[2]", "[3]"])]),
        (r#""points":[{"w":[1,2]},{"w":1}]"#, &[("/points/1/w", &["[2]", "[]"])]),
        (r#""points":[{"w":1},{}]"#, &[("/points/1", &["\"w\""])]),
        (r#""points":{"w":[[1,2],[3]]}"#, &[("/points/w/1", &["ragged"])]),
        (r#""at":{}"#, &[("/at", &["\"w\"", "missing"])]),
        (r#""at":{"w":1,"q":1}"#, &[("/at/q", &["\"q\""])]),
    ];
    for (points, faults) in table {
        trial.refused("/value", format!(r#"{{"formula":"sum(w)",{points}}}"#), "invalid-point", faults).await;
    }
    let declared = r#"{"formula":"sum(w)","inputs":[{"name":"w","shape":[2]}],"at":{"w":[1,2,3]}}"#;
    trial.refused("/value", declared, "invalid-point", &[("/at/w", &["[2]", "[3]"])]).await;
    trial.end().await;
}

#[tokio::test]
async fn directions_are_held_to_inputs_and_outputs() {
    let trial = Trial::start().await;
    let at = r#""at":{"x":1,"w":[1,2]}"#;
    let table: &[(&str, &str, &[Fault<'_>])] = &[
        ("/jvp", r#""tangent":{"z":1}"#, &[("/tangent/z", &["\"z\""])]),
        ("/jvp", r#""tangent":{"w":[1]}"#, &[("/tangent/w", &["[2]", "[1]"])]),
        ("/jvp", r#""tangent":{"x":"1"}"#, &[("/tangent/x", &["string"])]),
        ("/jvp", r#""tangent":{"y":[1,2]}"#, &[("/tangent/y", &["\"y\""])]),
        ("/vjp", r#""cotangent":{"x":1}"#, &[("/cotangent/x", &["\"x\""])]),
        ("/vjp", r#""cotangent":{"y":1}"#, &[("/cotangent/y", &["[2]", "[]"])]),
        ("/vjp", r#""cotangent":{"y":[null,1]}"#, &[("/cotangent/y/0", &["null"])]),
        ("/hvp", r#""vector":{"y":[1,2]}"#, &[("/vector/y", &["\"y\""])]),
        ("/hvp", r#""vector":{"w":[[1,2]]}"#, &[("/vector/w", &["[2]", "[1, 2]"])]),
        ("/hvp", r#""vector":[{"x":1}]"#, &[("/vector", &["list"])]),
        ("/taylor", r#""order":2,"direction":{"w":[1]}"#, &[("/direction/w", &["[2]", "[1]"])]),
        ("/taylor", r#""direction":{"x":true},"order":2"#, &[("/direction/x", &["boolean"])]),
        ("/taylor", r#""direction":{"y":1},"order":0"#, &[("/direction/y", &["\"y\""])]),
    ];
    for (path, direction, faults) in table {
        trial.refused(path, format!("{{{F},{at},{direction}}}"), "invalid-point", faults).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn no_points_are_a_good_request() {
    let trial = Trial::start().await;
    for path in ["/value", "/gradient", "/jacobian", "/jvp", "/vjp", "/hessian", "/hvp", "/taylor"] {
        let direction = match path {
            "/jvp" => r#","tangent":{"x":1}"#,
            "/vjp" => r#","cotangent":{"f":1}"#,
            "/hvp" => r#","vector":{"x":1}"#,
            "/taylor" => r#","direction":{"x":1},"order":2"#,
            _ => "",
        };
        let rows = format!(r#"{{"formula":"x*sum(w)","inputs":["x",{{"name":"w","shape":[2]}}],"points":[]{direction}}}"#);
        assert_eq!(trial.answered(path, rows).await.to_string(), r#"{"results":[]}"#, "{path}");
        let columns =
            format!(r#"{{"formula":"x*sum(w)","inputs":["x",{{"name":"w","shape":[2]}}],"points":{{"x":[],"w":[]}}{direction}}}"#);
        let answer = trial.answered(path, columns).await;
        let part = match path {
            "/gradient" => r#""gradient":{"x":[],"w":[]}"#,
            "/jacobian" => r#""jacobian":{"f":{"x":[],"w":[]}}"#,
            "/jvp" => r#""tangent":{"f":[]}"#,
            "/vjp" => r#""cotangent":{"x":[],"w":[]}"#,
            "/hessian" => r#""gradient":{"x":[],"w":[]},"hessian":{"x":{"x":[],"w":[]},"w":{"x":[],"w":[]}}"#,
            "/hvp" => r#""gradient":{"x":[],"w":[]},"product":{"x":[],"w":[]}"#,
            "/taylor" => r#""coefficients":{"f":[[],[],[]]}"#,
            _ => "",
        };
        let expected: serde_json::Value =
            serde_json::from_str(&format!(r#"{{"value":{{"f":[]}}{}{part}}}"#, if part.is_empty() { "" } else { "," })).unwrap();
        assert_eq!(answer, expected, "{path}");
    }
    // Tensors without elements are legal.
    let body =
        r#"{"graph":{"inputs":[{"name":"x","shape":[0,3]}],"outputs":[{"name":"s","value":{"op":"sum","args":["x"]}}]},"at":{"x":[]}}"#;
    assert_eq!(trial.answered("/gradient", body).await["value"]["s"], 0.0);
    trial.end().await;
}

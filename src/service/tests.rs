//! Requests as they come, answers as they go.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Answer, Endpoint, Limits, Service, Settings};
use crate::engine::exec::Scratch;
use crate::wire::problem::{Failure, Slug};

fn service() -> Service {
    Service::start(Settings { workers: 2, ..Settings::default() })
}

/// All of an answer.
async fn whole(answer: impl Future<Output = Result<Answer, Failure>>) -> Result<Bytes, Failure> {
    answer.await?.whole().await
}

/// The answer, made on this thread, on the runtime's, on the workers' and from the cache: all must be the same bytes.
fn ask(endpoint: Endpoint, body: &str) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let service = service();
    let deadline = Duration::from_secs(60);
    let padded = format!("{body}{}", " ".repeat(super::request::SMALL_BODY));
    let answers: Vec<Result<String, Failure>> = runtime.block_on(async {
        let mut answers = Vec::new();
        for text in [body, body, &padded] {
            let answer = whole(service.answer(endpoint, Bytes::copy_from_slice(text.as_bytes()), deadline)).await;
            answers.push(answer.map(|answer| answer.to_vec()));
        }
        answers.push(self::service().answer_blocking(endpoint, body.as_bytes()));
        answers.into_iter().map(|answer| answer.map(|bytes| String::from_utf8(bytes).unwrap())).collect()
    });
    for answer in &answers[1..] {
        assert_eq!(*answer, answers[0], "{body}");
    }
    answers.into_iter().next().unwrap()
}

fn answered(endpoint: Endpoint, body: &Value) -> Value {
    serde_json::from_str(&ask(endpoint, &body.to_string()).unwrap_or_else(|failure| panic!("{body}: {failure:?}"))).unwrap()
}

fn check(endpoint: Endpoint, body: Value, answer: Value) {
    assert_eq!(answered(endpoint, &body), answer, "{body}");
}

/// The slug, and every fault: pointer and a part of what is said there.
fn refused(endpoint: Endpoint, body: &str, slug: Slug, faults: &[(&str, &str)]) {
    let failure = ask(endpoint, body).expect_err(body);
    let found: Vec<(&str, &str)> = failure.faults.iter().map(|fault| (fault.pointer.as_str(), fault.detail.as_str())).collect();
    assert_eq!(failure.slug, slug, "{body}: {failure:?}");
    assert_eq!(found.len(), faults.len(), "{body}: {found:?}");
    for ((pointer, part), (at, detail)) in faults.iter().zip(&found) {
        assert_eq!(pointer, at, "{body}: {detail}");
        assert!(detail.contains(part), "{body}: {detail} lacks {part}");
    }
}

#[test]
fn the_contract_s_example() {
    let answer = ask(Endpoint::Gradient, r#"{"formula": "x^2 * sin(y)", "at": {"x": 3, "y": 0.5}}"#).unwrap();
    assert_eq!(answer, r#"{"value":{"f":4.314829847437827},"gradient":{"x":2.876553231625218,"y":7.898243057013355}}"#);
}

#[test]
fn every_arrangement() {
    let formula = "a * x^2 + sum(w)";
    let row = |x: f64, w: [f64; 2]| json!({"x": x, "w": w});
    let result = |v: f64, g: f64| json!({"value": {"f": v}, "gradient": {"x": g}});
    check(Endpoint::Gradient, json!({"formula": formula, "at": {"a": 2, "x": 3, "w": [1, 2]}, "wrt": ["x"]}), result(21.0, 12.0));
    check(
        Endpoint::Gradient,
        json!({"formula": formula, "at": {"a": 2}, "points": [row(3.0, [1.0, 2.0]), row(-1.0, [0.0, 0.5])], "wrt": ["x"]}),
        json!({"results": [result(21.0, 12.0), result(2.5, -4.0)]}),
    );
    check(
        Endpoint::Gradient,
        json!({"formula": formula, "at": {"a": 2}, "points": {"w": [[1, 2], [0, 0.5]], "x": [3, -1]}, "wrt": ["x"]}),
        json!({"value": {"f": [21.0, 2.5]}, "gradient": {"x": [12.0, -4.0]}}),
    );
    check(Endpoint::Gradient, json!({"formula": formula, "points": []}), json!({"results": []}));
    check(
        Endpoint::Gradient,
        json!({"formula": formula, "points": {"a": [], "x": [], "w": []}}),
        json!({"value": {"f": []}, "gradient": {"a": [], "x": [], "w": []}}),
    );
    // Nothing but constants, and points that give nothing.
    check(Endpoint::Value, json!({"formula": "1 + 1"}), json!({"value": {"f": 2.0}}));
    check(
        Endpoint::Value,
        json!({"formula": "x", "at": {"x": 1}, "points": [{}, {}]}),
        json!({"results": [{"value": {"f": 1.0}}, {"value": {"f": 1.0}}]}),
    );
}

#[test]
fn jacobians_in_every_form() {
    let request = |extra: Value| {
        let mut body = json!({"formula": "u = x*y; v = [x, sum(z)]", "outputs": ["u", "v"], "at": {"x": 2, "y": 3, "z": [5, 7]}});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let value = json!({"u": 6.0, "v": [2.0, 12.0]});
    for mode in ["auto", "forward", "reverse"] {
        check(
            Endpoint::Jacobian,
            request(json!({"mode": mode, "wrt": ["z", "x"]})),
            json!({"value": value, "jacobian": {"u": {"x": 3.0, "z": [0.0, 0.0]}, "v": {"x": [1.0, 0.0], "z": [[0.0, 0.0], [1.0, 1.0]]}}}),
        );
    }
    check(
        Endpoint::Jacobian,
        request(json!({"form": "matrix", "layout": "denominator"})),
        json!({"value": value, "jacobian": [[3.0, 1.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]],
            "rows": [{"name": "x", "offset": 0, "size": 1}, {"name": "y", "offset": 1, "size": 1}, {"name": "z", "offset": 2, "size": 2}],
            "columns": [{"name": "u", "offset": 0, "size": 1}, {"name": "v", "offset": 1, "size": 2}]}),
    );
}

#[test]
fn directions_shared_and_of_their_own() {
    let f = "x*y";
    let one = |t: f64| json!({"value": {"f": 6.0}, "tangent": {"f": t}});
    check(Endpoint::Jvp, json!({"formula": f, "at": {"x": 2, "y": 3}, "tangent": {"y": 1}}), one(2.0));
    check(Endpoint::Jvp, json!({"formula": f, "at": {"x": 2, "y": 3}, "tangent": {}}), one(0.0));
    let rows = json!([{"x": 2, "y": 3}, {"x": 2, "y": 3}]);
    let columns = json!({"x": [2, 2], "y": [3, 3]});
    check(Endpoint::Jvp, json!({"formula": f, "points": rows, "tangent": {"y": 1}}), json!({"results": [one(2.0), one(2.0)]}));
    check(Endpoint::Jvp, json!({"formula": f, "points": rows, "tangent": [{"y": 1}, {"y": 2}]}), json!({"results": [one(2.0), one(4.0)]}));
    check(Endpoint::Jvp, json!({"formula": f, "points": rows, "tangent": {"y": [1, 2], "x": 1}}), json!({"results": [one(5.0), one(7.0)]}));
    let together = |t: [f64; 2]| json!({"value": {"f": [6.0, 6.0]}, "tangent": {"f": t}});
    check(Endpoint::Jvp, json!({"formula": f, "points": columns, "tangent": {"y": 1}}), together([2.0, 2.0]));
    check(Endpoint::Jvp, json!({"formula": f, "points": columns, "tangent": {"y": [1, 2]}}), together([2.0, 4.0]));
    check(
        Endpoint::Vjp,
        json!({"formula": "u = x^2; v = [x, y]", "outputs": ["u", "v"], "at": {"x": 3, "y": 1}, "cotangent": {"v": [1, 10]}}),
        json!({"value": {"u": 9.0, "v": [3.0, 1.0]}, "cotangent": {"x": 1.0, "y": 10.0}}),
    );
    let body = r#"{"formula":"x","points":[{"x":1},{"x":2}],"tangent":[{"x":1}]}"#;
    refused(Endpoint::Jvp, body, Slug::InvalidPoint, &[("/tangent", "1 directions stand beside 2 points")]);
    let body = r#"{"formula":"x","at":{"x":1},"tangent":{"x":[1],"z":1}}"#;
    refused(Endpoint::Jvp, body, Slug::InvalidPoint, &[("/tangent/x", "has shape [], [1] is given"), ("/tangent/z", "no input \"z\"")]);
    refused(Endpoint::Jvp, r#"{"formula":"x","at":{"x":1}}"#, Slug::InvalidRequest, &[("", "`tangent` is missing")]);
}

#[test]
fn second_derivatives() {
    // f = x²·y + y·w₀·w₁
    let f = "x^2*y + y*w[0]*w[1]";
    let at = json!({"x": 2, "y": 3, "w": [5, 7]});
    let (value, gradient) = (json!({"f": 117.0}), json!({"x": 12.0, "y": 39.0, "w": [21.0, 15.0]}));
    let blocks = json!({
        "x": {"x": 6.0, "y": 4.0, "w": [0.0, 0.0]},
        "y": {"x": 4.0, "y": 0.0, "w": [7.0, 5.0]},
        "w": {"x": [0.0, 0.0], "y": [7.0, 5.0], "w": [[0.0, 3.0], [3.0, 0.0]]}
    });
    for mode in ["auto", "forward", "reverse"] {
        for layout in ["numerator", "denominator"] {
            check(
                Endpoint::Hessian,
                json!({"formula": f, "at": at, "mode": mode, "layout": layout}),
                json!({"value": value, "gradient": gradient, "hessian": blocks}),
            );
        }
    }
    let places = json!([{"name": "x", "offset": 0, "size": 1}, {"name": "w", "offset": 1, "size": 2}]);
    check(
        Endpoint::Hessian,
        json!({"formula": f, "at": at, "wrt": ["w", "x"], "form": "matrix"}),
        json!({"value": value, "gradient": {"x": 12.0, "w": [21.0, 15.0]}, "hessian": [[6.0, 0.0, 0.0], [0.0, 0.0, 3.0], [0.0, 3.0, 0.0]],
            "rows": places, "columns": places}),
    );
    // Of what is linear there is none, and none by an input that is not there.
    let zero =
        json!({"value": {"f": 7.0}, "gradient": {"x": 3.0, "y": 0.0}, "hessian": {"x": {"x": 0.0, "y": 0.0}, "y": {"x": 0.0, "y": 0.0}}});
    check(Endpoint::Hessian, json!({"formula": "3*x + 1", "inputs": ["x", "y"], "at": {"x": 2, "y": 1}}), zero);
    let vector = json!({"x": 1, "y": 2, "w": [-1, 1]});
    let whole = |product: Value| json!({"value": value, "gradient": gradient, "product": product});
    let product = json!({"x": 14.0, "y": 2.0, "w": [17.0, 7.0]});
    check(Endpoint::Hvp, json!({"formula": f, "at": at, "vector": vector}), whole(product));
    check(Endpoint::Hvp, json!({"formula": f, "at": at, "vector": {}}), whole(json!({"x": 0.0, "y": 0.0, "w": [0.0, 0.0]})));
    check(
        Endpoint::Hvp,
        json!({"formula": "x^2*y", "points": [{"x": 1, "y": 2}, {"x": 3, "y": 4}], "vector": [{"x": 1, "y": 0}, {"x": 0, "y": 1}], "wrt": ["x"]}),
        json!({"results": [{"value": {"f": 2.0}, "gradient": {"x": 4.0}, "product": {"x": 4.0}}, {"value": {"f": 36.0}, "gradient": {"x": 24.0}, "product": {"x": 6.0}}]}),
    );
    check(
        Endpoint::Hvp,
        json!({"formula": "x^2*y", "points": {"x": [1, 3], "y": [2, 4]}, "vector": {"x": [1, 2]}, "wrt": ["y"]}),
        json!({"value": {"f": [2.0, 36.0]}, "gradient": {"y": [1.0, 9.0]}, "product": {"y": [2.0, 12.0]}}),
    );
    for endpoint in [Endpoint::Hessian, Endpoint::Hvp] {
        let body =
            r#"{"formula":"[x,x]","at":{"x":1}VECTOR}"#.replace("VECTOR", if endpoint == Endpoint::Hvp { r#","vector":{}"# } else { "" });
        refused(endpoint, &body, Slug::NotDifferentiable, &[("/formula", "one scalar output")]);
    }
}

#[test]
fn series() {
    let answer = |value: Value, series: Value| json!({"value": value, "coefficients": series});
    check(
        Endpoint::Taylor,
        json!({"formula": "u = x^3; v = [x*y, y]", "outputs": ["u", "v"], "at": {"x": 2, "y": 3}, "direction": {"x": 1}, "order": 4}),
        answer(
            json!({"u": 8.0, "v": [6.0, 3.0]}),
            json!({"u": [8.0, 12.0, 6.0, 1.0, 0.0], "v": [[6.0, 3.0], [3.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]}),
        ),
    );
    check(
        Endpoint::Taylor,
        json!({"formula": "x*y", "points": {"x": [2, 3], "y": [5, 7]}, "direction": {"x": 1, "y": [1, -1]}, "order": 2.0}),
        answer(json!({"f": [10.0, 21.0]}), json!({"f": [[10.0, 21.0], [7.0, 4.0], [1.0, -1.0]]})),
    );
    check(
        Endpoint::Taylor,
        json!({"formula": "x*y", "at": {"y": 5}, "points": [{"x": 2}, {"x": 3}], "direction": [{"x": 1}, {"x": 2}], "order": 1}),
        json!({"results": [answer(json!({"f": 10.0}), json!({"f": [10.0, 5.0]})), answer(json!({"f": 15.0}), json!({"f": [15.0, 10.0]}))]}),
    );
    check(
        Endpoint::Taylor,
        json!({"formula": "x*y", "at": {"x": 2, "y": 5}, "direction": {}, "order": 0}),
        answer(json!({"f": 10.0}), json!({"f": [10.0]})),
    );
    // The order is part of what a plan is called.
    for order in [1, 3, 2] {
        let series = [1.0, 1.0, 0.5, 1.0 / 6.0][..=order].to_vec();
        let request = json!({"formula": "exp(x)", "at": {"x": 0}, "direction": {"x": 1}, "order": order});
        check(Endpoint::Taylor, request, answer(json!({"f": 1.0}), json!({"f": series})));
    }
    let limits = Limits { derivative_order: 1, ..Limits::default() };
    let service = Service::start(Settings { limits, ..Settings::default() });
    for (endpoint, body, good) in [
        (Endpoint::Gradient, r#"{"formula":"x","at":{"x":1}}"#, true),
        (Endpoint::Hessian, r#"{"formula":"x","at":{"x":1}}"#, false),
        (Endpoint::Hvp, r#"{"formula":"x","at":{"x":1},"vector":{}}"#, false),
        (Endpoint::Taylor, r#"{"formula":"x","at":{"x":1},"direction":{},"order":1}"#, true),
        (Endpoint::Taylor, r#"{"formula":"x","at":{"x":1},"direction":{},"order":2}"#, false),
    ] {
        let limit = service.answer_blocking(endpoint, body.as_bytes()).err().and_then(|failure| failure.excess).map(|excess| excess.limit);
        assert_eq!(limit.as_deref(), if good { None } else { Some("limits.derivative_order") }, "{body}");
    }
}

#[test]
fn numbers_that_json_lacks() {
    check(
        Endpoint::Value,
        json!({"formula": "[1/x, -1/x, x - x, y]", "at": {"x": "Inf", "y": -0.0}}),
        json!({"value": {"f": [0.0, -0.0, "NaN", -0.0]}}),
    );
    let answer = ask(Endpoint::Value, r#"{"formula": "x", "at": {"x": -0.0}}"#).unwrap();
    assert_eq!(answer, r#"{"value":{"f":-0.0}}"#);
    let answer = ask(Endpoint::Value, r#"{"formula": "log(x)", "points": [{"x": 0}, {"x": "Infinity"}]}"#).unwrap();
    assert_eq!(answer, r#"{"results":[{"value":{"f":"-Infinity"}},{"value":{"f":"Infinity"}}]}"#);
}

#[test]
fn what_is_not_json_is_malformed() {
    for (body, part) in [
        ("", "the body is empty"),
        (" \n", "the body is empty"),
        ("{", "line 1, column 1"),
        ("{\"formula\": \"x\",\n \"at\": {\"x\": 01}}", "line 2, column"),
        ("{\"formula\": \"x\",\n\n \"at\": {\"x\": \"\\ud800\"}}", "line 3, column"),
        ("{} {}", "trailing"),
        ("{\"formula\": \"x\", \"at\": {\"x\": NaN}}", "line 1, column"),
    ] {
        let failure = service().answer_blocking(Endpoint::Value, body.as_bytes()).expect_err(body);
        assert_eq!(failure.slug, Slug::MalformedJson, "{body}: {failure:?}");
        assert!(failure.detail.contains(part), "{body}: {}", failure.detail);
    }
    let deep = format!("{{\"formula\": \"x\", \"at\": {{\"x\": {}1{}}}}}", "[".repeat(127), "]".repeat(127));
    let failure = ask(Endpoint::Value, &deep).unwrap_err();
    assert_eq!(failure.slug, Slug::MalformedJson, "{failure:?}");
    let excess = failure.excess.unwrap();
    assert_eq!((excess.limit.as_str(), excess.asked, excess.allowed), ("limits.json_nesting", 129.0, 128.0));
    let absurd = format!("{{\"formula\": \"x\", \"at\": {{\"x\": {}", "[".repeat(1_000_000));
    assert_eq!(service().answer_blocking(Endpoint::Value, absurd.as_bytes()).unwrap_err().slug, Slug::MalformedJson);
    for (body, pointer) in [
        (r#"{"formula":"x","formula":"x"}"#, "/formula"),
        (r#"{"formula":"x","at":{"x":1,"x":1}}"#, "/at/x"),
        (r#"{"formula":"x","points":[{"x":1},{"x":1,"x":2}]}"#, "/points/1/x"),
        (r#"{"formula":"x","points":[{"x":1},{"y":1,"y":2}]}"#, "/points/1/y"),
        (r#"{"formula":"x","points":{"x":[1],"x":[1]}}"#, "/points/x"),
    ] {
        refused(Endpoint::Value, body, Slug::MalformedJson, &[(pointer, "stands twice")]);
    }
}

#[test]
fn fields_are_checked() {
    use Slug::InvalidRequest;
    for (body, faults) in [
        ("[]", [("", "a list stands where an object belongs")].as_slice()),
        ("{}", &[("", "the function is missing")]),
        (r#"{"formula":"x","graph":{},"at":{}}"#, &[("", "given twice")]),
        (r#"{"formula":"x","att":{"x":1},"tangent":{}}"#, &[("/att", "no field \"att\""), ("/tangent", "no field \"tangent\"")]),
        (r#"{"graph":{"inputs":["x"],"outputs":["x"]},"inputs":["x"],"at":{"x":1}}"#, &[("/inputs", "stands beside a `graph`")]),
        (r#"{"formula":"x"}"#, &[("", "the point is missing")]),
        (r#"{"formula":7,"at":{"x":1}}"#, &[("/formula", "a number stands where")]),
        (r#"{"formula":"x","at":{"x":1},"wrt":["x","y","x"]}"#, &[("/wrt/2", "stands twice")]),
        (r#"{"formula":"x","at":{"x":1},"wrt":["y"]}"#, &[("/wrt/0", "no input \"y\"")]),
        (r#"{"formula":"x","at":{"x":1},"wrt":"x"}"#, &[("/wrt", "a string stands where a list of names belongs")]),
        (r#"{"formula":"x","at":{"x":1},"mode":"foward"}"#, &[("/mode", "\"foward\" is none of")]),
        (r#"{"formula":"x","at":{"x":1},"mode":1e999}"#, &[("/mode", "beyond")]),
        (r#"{"formula":"x","at":{"x":1},"outputs":[]}"#, &[("/outputs", "needs an output")]),
        (r#"{"formula":"x","at":{"x":1,"1z":2},"inputs":["x","1z"]}"#, &[("/inputs/1", "\"1z\" is not a name")]),
    ] {
        refused(Endpoint::Gradient, body, InvalidRequest, faults);
    }
    // The fields that all endpoints have in common say nothing where the answer is the same, but must be right.
    let common = r#""formula":"x","at":{"x":1},"layout":"denominator","form":"matrix""#;
    check(
        Endpoint::Vjp,
        serde_json::from_str(&format!(r#"{{{common},"wrt":["x"],"cotangent":{{"f":2}}}}"#)).unwrap(),
        json!({"value": {"f": 1.0}, "cotangent": {"x": 2.0}}),
    );
    refused(Endpoint::Value, &format!(r#"{{{common},"wrt":["y"]}}"#), InvalidRequest, &[("/wrt/0", "no input \"y\"")]);
    refused(Endpoint::Jvp, &format!(r#"{{{common},"wrt":["x"],"tangent":{{}}}}"#), InvalidRequest, &[("/wrt", "no field")]);
    let failure = ask(Endpoint::Gradient, r#"{"formula":"x","att":{"x":1}}"#).unwrap_err();
    assert_eq!(failure.faults[0].hint.as_deref(), Some("did you mean \"at\"?"));
}

#[test]
fn points_are_checked() {
    let graph = r#""graph":{"inputs":["x",{"name":"w","shape":[2]}],"outputs":[{"name":"y","value":{"op":"multiply","args":["x","w"]}}]}"#;
    for (points, faults) in [
        (r#""at":{"x":1}"#, [("/at", "the input \"w\" is missing")].as_slice()),
        (r#""at":{"x":1,"w":[1,2],"v":0}"#, &[("/at/v", "no input \"v\"")]),
        (r#""at":{"x":[1],"w":[1,2,3]}"#, &[("/at/x", "has shape [], [1] is given"), ("/at/w", "has shape [2], [3] is given")]),
        (r#""at":{"x":true,"w":[1,"2"]}"#, &[("/at/x", "a boolean stands"), ("/at/w/1", "a string stands")]),
        (r#""at":{"x":null,"w":[[1],2]}"#, &[("/at/x", "null stands"), ("/at/w/1", "ragged")]),
        (r#""at":{"x":1e999,"w":[1,2]}"#, &[("/at/x", "beyond the range")]),
        (r#""at":{"x":1,"w":[1,-1e999]}"#, &[("/at/w/1", "beyond the range")]),
        (r#""at":[]"#, &[("/at", "a list stands where an object belongs")]),
        (r#""at":{"x":1},"points":[{"w":[1,2]},{"w":[1,2],"x":3}]"#, &[("/points/1/x", "given in `at` as well")]),
        (r#""points":[{"w":[1,2]},{"w":[1,2],"x":3}]"#, &[("/points/0", "the input \"x\" is missing")]),
        (
            r#""points":[{"w":[1],"x":3},{"w":[1,2],"x":3},7]"#,
            &[("/points/0/w", "has shape [2], [1] is given"), ("/points/2", "a number stands")],
        ),
        (r#""points":{"w":[[1,2],[3,4]],"x":[1,2,3]}"#, &[("/points/x", "\"x\" has 3 points, \"w\" has 2")]),
        (r#""points":{"w":[[1,2],[3,4]],"x":1}"#, &[("/points/x", "a list with a value for each point")]),
        (r#""points":{"w":[[1,2],[3,4]]}"#, &[("/points", "the input \"x\" is missing")]),
    ] {
        refused(Endpoint::Value, &format!("{{{graph},{points}}}"), Slug::InvalidPoint, faults);
        refused(Endpoint::Value, &format!("{{{points},{graph}}}"), Slug::InvalidPoint, faults);
    }
    refused(Endpoint::Value, r#"{"formula":"x","points":{}}"#, Slug::InvalidPoint, &[("/points", "the input \"x\" is missing")]);
    refused(Endpoint::Value, r#"{"formula":"x","at":{"x":1},"points":{}}"#, Slug::InvalidPoint, &[("/points", "no column")]);
}

#[test]
fn functions_are_checked() {
    refused(Endpoint::Value, r#"{"formula":"sine(x)","at":{"x":1}}"#, Slug::InvalidFormula, &[("/formula", "line 1, column 1")]);
    refused(
        Endpoint::Value,
        r#"{"formula":"y = x;\n z = y + x @ x","at":{"x":[1,2]},"outputs":["q"]}"#,
        Slug::InvalidRequest,
        &[("/outputs/0", "q")],
    );
    refused(
        Endpoint::Value,
        r#"{"formula":"a = 1;\nx + y","at":{"x":[1,2],"y":[1,2,3]}}"#,
        Slug::ShapeMismatch,
        &[("/formula", "line 2, column 3")],
    );
    for formula in ["[x, x]", "x*[1,2,3]"] {
        let body = json!({"formula": formula, "at": {"x": 1}}).to_string();
        refused(Endpoint::Gradient, &body, Slug::NotDifferentiable, &[("/formula", "one scalar output")]);
    }
    // A function that is wrong by itself, before a point that is.
    let twice = r#"{"graph":{"inputs":["x","x"],"outputs":["x"]},"at":{"x":1}}"#;
    refused(Endpoint::Value, twice, Slug::InvalidGraph, &[("/graph/inputs/1", "stands twice")]);
    let both = r#"{"graph":{"inputs":["x"],"outputs":[{"name":"y","value":{"op":"sine","args":["x"]}}]},"at":{"x":true}}"#;
    refused(Endpoint::Value, both, Slug::InvalidGraph, &[("/graph/outputs/0/value/op", "no operator")]);
    let constant = ask(Endpoint::Value, r#"{"formula":"pi*x","at":{"x":1,"pi":3}}"#).unwrap_err();
    assert_eq!(constant.faults[0].hint.as_deref(), Some("in a formula \"pi\" is a constant, unless `inputs` lists it"));
}

#[test]
fn what_is_too_large_is_refused_before_it_costs_anything() {
    let begun = Instant::now();
    let limit = |endpoint, body: Value| {
        let failure = service().answer_blocking(endpoint, body.to_string().as_bytes()).unwrap_err();
        assert_eq!(failure.slug, Slug::LimitExceeded, "{failure:?}");
        failure.excess.unwrap().limit
    };
    let large = |n: usize, outputs: Value| json!({"inputs": ["x"], "nodes": [{"name": "b", "op": "broadcast_to", "args": ["x"], "shape": [n]}], "outputs": outputs});
    assert_eq!(limit(Endpoint::Value, json!({"graph": large(1_000_000_000, json!(["b"])), "at": {"x": 1}})), "limits.elements");
    assert_eq!(limit(Endpoint::Jacobian, json!({"graph": large(15_000_000, json!(["b"])), "at": {"x": 1}})), "limits.derivative_cells");
    let wide = json!({"inputs": [{"name": "x", "shape": [0, 100_000]}], "nodes": [{"name": "b", "op": "broadcast_to", "args": [1], "shape": [15_000_000]}], "outputs": ["b"]});
    assert_eq!(limit(Endpoint::Value, json!({"graph": wide, "at": {"x": []}})), "limits.answer_bytes");
    let outputs: Vec<Value> =
        (0..20).map(|i| json!({"name": format!("y{i}"), "value": {"op": "sum", "args": [{"op": "add", "args": ["b", i]}]}})).collect();
    let many = large(15_000_000, json!(outputs));
    let name = limit(Endpoint::Value, json!({"graph": many, "points": {"x": vec![0; 1000]}}));
    assert!(["limits.flops", "limits.work_bytes", "limits.live_elements"].contains(&name.as_str()), "{name}");
    assert_eq!(limit(Endpoint::Value, json!({"formula": "x", "points": vec![json!({}); 1_000_001]})), "limits.points");
    let names: Vec<String> = (0..100_001).map(|i| format!("y{i}")).collect();
    assert_eq!(limit(Endpoint::Value, json!({"formula": "x", "at": {"x": 1}, "outputs": names})), "limits.outputs");
    assert_eq!(limit(Endpoint::Value, json!({"formula": "x+".repeat(600_000), "at": {"x": 1}})), "limits.formula_bytes");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_function_comes_back_in_every_notation() {
    let graph = json!({"inputs": [{"name": "A", "shape": [2, 3]}, "x"],
        "nodes": [{"name": "s", "op": "sum", "args": ["A"], "axis": 1}, {"name": "dead", "op": "exp", "args": ["x"]}],
        "outputs": [{"name": "loss", "value": {"op": "+", "args": [{"op": "sum", "args": [{"op": "square", "args": ["s"]}]}, "x", {"const": "Infinity"}]}}, "s"]});
    let answer = answered(Endpoint::Graph, &json!({"graph": graph}));
    assert_eq!(answer["inputs"], json!([{"name": "A", "shape": [2, 3]}, {"name": "x", "shape": []}]));
    assert_eq!(answer["outputs"], json!([{"name": "loss", "shape": []}, {"name": "s", "shape": [2]}]));
    assert_eq!(answer["graph"]["nodes"][0]["name"], "s");
    assert!(answer["latex"].is_string() && answer["formula"].is_string(), "{answer}");
    // What comes back is the same function again, in either notation.
    let again = answered(Endpoint::Graph, &json!({"graph": answer["graph"]}));
    assert_eq!(again["graph"], answer["graph"]);
    let point = json!({"A": [[1, 2, 3], [4, 5, 6]], "x": 1});
    let value = answered(Endpoint::Value, &json!({"graph": graph, "at": point}));
    assert_eq!(answered(Endpoint::Value, &json!({"graph": answer["graph"], "at": point})), value);
    let names = json!(["loss", "s"]);
    assert_eq!(
        answered(Endpoint::Value, &json!({"formula": answer["formula"], "inputs": answer["inputs"], "outputs": names, "at": point})),
        value
    );
}

#[test]
fn batches_have_the_bits_of_single_points() {
    let points: Vec<f64> = (0..5000).map(|i| f64::from(i) * 0.37 - 900.0).collect();
    let formula = "s = sin(x) * exp(-x^2/1e5); v = sqrt(abs(s)) + x^3";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let service = service();
    let ask = |body: Value| -> Value {
        let body = Bytes::from(body.to_string());
        serde_json::from_slice(&runtime.block_on(whole(service.answer(Endpoint::Gradient, body, Duration::from_secs(60)))).unwrap())
            .unwrap()
    };
    let columns = ask(json!({"formula": formula, "points": {"x": points}}));
    let rows = ask(json!({"formula": formula, "points": points.iter().map(|x| json!({"x": x})).collect::<Vec<_>>()}));
    for i in (0..points.len()).step_by(611) {
        let one = ask(json!({"formula": formula, "at": {"x": points[i]}}));
        assert_eq!(one, rows["results"][i]);
        assert_eq!(one["gradient"]["x"], columns["gradient"]["x"][i]);
        assert_eq!(one["value"]["v"], columns["value"]["v"][i]);
    }
}

/// What a caller runs himself is what the service answers.
#[test]
fn a_prepared_request_runs_in_process() {
    let body = br#"{"formula": "a * sin(x)", "at": {"a": 2}, "points": {"x": [0, 0.5, 1]}, "wrt": ["x"]}"#;
    let (service, never) = (service(), AtomicBool::new(false));
    let run = service.prepare(Endpoint::Gradient, body).unwrap();
    assert_eq!(run.program().results(), [1, 1]);
    let (mut value, mut slope) = (vec![0.0; run.points()], vec![0.0; run.points()]);
    let mut out = [&mut value[..], &mut slope[..]];
    run.program().run(&run.inputs(), 0..run.points(), &mut Scratch::default(), &never, &mut out).unwrap();
    let answer: Value = serde_json::from_slice(&service.answer_blocking(Endpoint::Gradient, body).unwrap()).unwrap();
    assert_eq!(answer, json!({"value": {"f": value}, "gradient": {"x": slope}}));
    let failure = service.prepare(Endpoint::Derivative, br#"{"formula": "x", "of": "gradient"}"#).unwrap_err();
    assert_eq!(failure.slug, Slug::InvalidRequest);
}

/// Work of a second or more.
fn long(points: usize) -> Bytes {
    let terms: Vec<String> = (0..200).map(|i| format!("sin(x*{i}+exp(cos(x+{i})))")).collect();
    Bytes::from(json!({"formula": terms.join("+"), "points": {"x": (0..points).collect::<Vec<_>>()}}).to_string())
}

#[tokio::test]
async fn a_deadline_stops_the_work() {
    let service = Service::start(Settings { workers: 1, ..Settings::default() });
    let begun = Instant::now();
    let failure = whole(service.answer(Endpoint::Gradient, long(400_000), Duration::from_millis(300))).await.unwrap_err();
    assert_eq!(failure.slug, Slug::DeadlineExceeded);
    // The worker is free again at once.
    let body = Bytes::from_static(br#"{"formula": "x^3", "at": {"x": 2}}"#);
    let answer = whole(service.answer(Endpoint::Gradient, body, Duration::from_secs(10))).await.unwrap();
    assert_eq!(&answer[..], br#"{"value":{"f":8.0},"gradient":{"x":12.0}}"#);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_caller_who_has_gone_stops_the_work() {
    let service = Service::start(Settings { workers: 1, ..Settings::default() });
    let answer = service.answer(Endpoint::Gradient, long(400_000), Duration::from_secs(60));
    assert!(tokio::time::timeout(Duration::from_millis(300), answer).await.is_err());
    let begun = Instant::now();
    let body = Bytes::from_static(br#"{"formula": "x^3", "at": {"x": 2}}"#);
    assert!(service.answer(Endpoint::Gradient, body, Duration::from_secs(30)).await.is_ok());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_draining_service_refuses() {
    let service = service();
    service.drain();
    let body = Bytes::from_static(br#"{"formula": "x", "at": {"x": 1}}"#);
    let failure = whole(service.answer(Endpoint::Value, body, Duration::from_secs(1))).await.unwrap_err();
    assert_eq!((failure.slug, failure.retry_after.is_some()), (Slug::ShuttingDown, true));
}

#[test]
fn settings_name_what_they_do_not_know() {
    assert_eq!(serde_json::from_str::<Settings>("{}").unwrap(), Settings::default());
    let error = serde_json::from_str::<Settings>(r#"{"worker": 1}"#).unwrap_err().to_string();
    assert!(error.contains("`worker`") && error.contains("`workers`"), "{error}");
    let error = serde_json::from_str::<Limits>(r#"{"node": 1}"#).unwrap_err().to_string();
    assert!(error.contains("`node`") && error.contains("`nodes`"), "{error}");
    assert_eq!(Limits::default().nodes, 1_000_000);
}

/// The answer's future goes from thread to thread.
#[test]
fn the_future_can_be_sent() {
    fn send<T: Send>(_: &T) {}
    let service = service();
    send(&service.answer(Endpoint::Value, Bytes::new(), Duration::ZERO));
}

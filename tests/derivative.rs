//! Derivatives as functions: what `/derivative` answers is sent back, and must be what the other endpoints compute.
//!
//! A row is a function and a point. Everything goes through the service as a request does; nothing here knows a derivative but for the
//! closed forms of the third ones.

use std::sync::OnceLock;

use nablad::service::{Endpoint, Service, Settings};
use nablad::wire::problem::Failure;
use serde_json::{Value, json};

fn try_ask(endpoint: Endpoint, body: &Value) -> Result<Value, Failure> {
    static SERVICE: OnceLock<Service> = OnceLock::new();
    let service = SERVICE.get_or_init(|| Service::start(Settings { workers: 1, ..Settings::default() }));
    let answer = service.answer_blocking(endpoint, body.to_string().as_bytes())?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

fn ask(endpoint: Endpoint, body: &Value) -> Value {
    try_ask(endpoint, body).unwrap_or_else(|failure| panic!("{endpoint:?} {body}: {failure:?}"))
}

/// A function, where to look at it, and what flows in and back.
struct Case {
    function: Value,
    at: Value,
    tangent: Value,
    cotangent: Value,
}

fn case(function: Value, at: Value, tangent: Value, cotangent: Value) -> Case {
    Case { function, at, tangent, cotangent }
}

fn cases() -> Vec<Case> {
    let formula = |text: &str| json!({"formula": text});
    let layer = json!({"graph": {
        "inputs": [{"name": "W", "shape": [2, 3]}, {"name": "x", "shape": [3]}, "c"],
        "nodes": [{"name": "h", "op": "add", "args": [{"op": "matmul", "args": ["W", "x"]}, "c"]}, {"name": "s", "op": "softmax", "args": ["h"]}],
        "outputs": [{"name": "p", "value": {"op": "multiply", "args": ["s", {"op": "tanh", "args": ["h"]}]}}, {"name": "l", "value": {"op": "logsumexp", "args": ["h"]}}]
    }});
    let loops = json!({"graph": {
        "inputs": [{"name": "x", "shape": [3]}, "a"],
        "nodes": [{"name": "m", "op": "map", "args": ["x", "a"], "function": "g", "in_axes": [0, null]},
                  {"name": "s", "op": "scan", "args": ["a", "m", "a"], "function": "step"}],
        "outputs": [{"name": "y", "value": {"op": "multiply", "args": [{"op": "item", "args": ["s"], "index": 0}, {"op": "sum", "args": ["m"]}]}}],
        "functions": {
            "g": {"inputs": ["u", "a"], "outputs": [{"name": "y", "value": {"op": "sin", "args": [{"op": "multiply", "args": ["u", "a"]}]}}]},
            "step": {"inputs": ["c", "v", "a"], "outputs": [{"name": "c", "value": {"op": "tanh", "args": [{"op": "fma", "args": ["c", "a", "v"]}]}}]}
        }
    }});
    let layer_at = json!({"W": [[0.3, -1.2, 0.7], [1.1, 0.4, -0.6]], "x": [0.9, -0.2, 1.3], "c": 0.15});
    vec![
        case(formula("x^2 * sin(y)"), json!({"x": 3, "y": 0.5}), json!({"x": 1, "y": -2}), json!({"f": 0.5})),
        case(formula("log(1 + exp(a*b)) * atan(b) + a^3 - cos(a*b)/b"), json!({"a": 0.7, "b": -1.3}), json!({"a": 0.25}), json!({"f": 3})),
        case(
            formula("d1 = (log(S/K) + (r + v^2/2)*T) / (v*sqrt(T)); d2 = d1 - v*sqrt(T); price = S*ndtr(d1) - K*exp(-r*T)*ndtr(d2)"),
            json!({"S": 101, "K": 100, "r": 0.03, "v": 0.2, "T": 0.5}),
            json!({"S": 1, "v": 0.1}),
            json!({"price": 1}),
        ),
        // at edges: a kink, a pole, a root of a square, a domain error beside a branch
        case(formula("abs(x) * y + sqrt(z)"), json!({"x": 0, "y": 2, "z": 0}), json!({"x": 1, "z": 1}), json!({"f": 1})),
        case(formula("sqrt(x^2) + maximum(x, y)"), json!({"x": 0, "y": 0}), json!({"x": 1, "y": 1}), json!({"f": 1})),
        case(formula("where(x > 0, log(x), x*y)"), json!({"x": -1.5, "y": 4}), json!({"x": 1}), json!({"f": -1})),
        case(formula("x^y + xlogy(y, x)"), json!({"x": 2.5, "y": 0}), json!({"y": 1}), json!({"f": 1})),
        case(formula("log(x) - 1/y"), json!({"x": -1, "y": 0}), json!({"y": 1}), json!({"f": 1})),
        // several outputs, more and fewer than inputs
        case(
            json!({"formula": "x = r*cos(t); y = r*sin(t); z = exp(-t)", "inputs": ["r", "t"], "outputs": ["x", "y", "z"]}),
            json!({"r": 2, "t": 0.75}),
            json!({"r": 0.5, "t": 1}),
            json!({"x": 1, "z": -2}),
        ),
        case(
            json!({"formula": "u = a*b + c^2; v = sin(a) / (1 + d^2)", "inputs": ["a", "b", "c", "d"], "outputs": ["u", "v"]}),
            json!({"a": 0.3, "b": -2, "c": 1.5, "d": 0.25}),
            json!({"a": 1, "b": 1, "c": 1, "d": 1}),
            json!({"u": 1, "v": 1}),
        ),
        // an output that is an input, one that is a constant, one that is there twice, and an input that nothing depends on
        case(
            json!({"formula": "c = 3; s = sin(x); t = s", "inputs": ["x", "unused"], "outputs": ["x", "c", "s", "t"]}),
            json!({"x": 0.5, "unused": 1}),
            json!({"x": 1, "unused": 1}),
            json!({"x": 1, "c": 1, "s": 1, "t": 1}),
        ),
        // tensors
        case(
            json!({"formula": "sin(w) * s + sum(w)", "inputs": [{"name": "w", "shape": [3]}, "s"]}),
            json!({"w": [0.1, -0.2, 0.3], "s": 2}),
            json!({"w": [1, 0, -1], "s": 0.5}),
            json!({"f": [1, 2, -1]}),
        ),
        case(
            json!({"formula": "n = sqrt(sum(A^2)); r = sum(A, axis=0) / n; m = maximum(A[0], A[1]^3)", "outputs": ["n", "r", "m"], "inputs": [{"name": "A", "shape": [2, 2]}]}),
            json!({"A": [[0.5, -1.5], [1.1, 1.2]]}),
            json!({"A": [[1, 2], [-1, 0.5]]}),
            json!({"n": 1, "r": [0.5, -0.5], "m": [1, 1]}),
        ),
        case(
            json!({"formula": "sum(w^2 * exp(-w)) + prod(w)", "inputs": [{"name": "w", "shape": [4]}]}),
            json!({"w": [0.5, 0, -1, 2]}),
            json!({"w": [1, 1, 0, -1]}),
            json!({"f": 2}),
        ),
        // loops
        case(loops, json!({"x": [0.5, -1, 2], "a": 0.75}), json!({"x": [1, 0, -1], "a": 0.5}), json!({"y": 2})),
        case(layer, layer_at, json!({"x": [1, 0, -1], "c": 1}), json!({"p": [1, -1], "l": 0.5})),
        case(
            json!({"formula": "logsumexp(x) + vector_norm(x)", "inputs": [{"name": "x", "shape": [2]}]}),
            json!({"x": [0, 0]}),
            json!({"x": [1, 2]}),
            json!({"f": 1}),
        ),
        // of so many elements that the sweeps are a loop, forward and in reverse, with a part that no seed reaches
        case(
            json!({"formula": "y = sin(w) * s + sum(w) * w; n = s^2", "inputs": [{"name": "w", "shape": [3, 4]}, "s"], "outputs": ["y", "n"]}),
            json!({"w": [[0.1, -0.2, 0.3, 0], [1, 2, -1, 0.5], [0.25, 4, -3, 0.75]], "s": 2}),
            json!({"w": [[1, 0, -1, 0], [0, 0, 0, 1], [0.5, 0, 0, 2]], "s": 0.5}),
            json!({"y": [[1, 2, -1, 0], [0, 1, 0, 0], [1, 0, 0, -1]], "n": 1}),
        ),
        case(
            json!({"formula": "y = outer(v, v) * sqrt(s) + exp(-s); z = sum(v^3)", "inputs": [{"name": "v", "shape": [9]}, "s"], "outputs": ["y", "z"]}),
            json!({"v": [0.1, -0.2, 0, 0.5, 1, 2, -1, 0.5, 0.25], "s": 0}),
            json!({"v": [1, 0, -1, 0, 1, 1, 0, 0, 2], "s": 0}),
            json!({"z": 1}),
        ),
        case(
            json!({"formula": "logsumexp(w) * sum(w[0:10] * w[1:11]^2) + prod(w[9:])", "inputs": [{"name": "w", "shape": [11]}]}),
            json!({"w": [0.5, 0, -1, 2, 0.25, 1, -0.5, 3, 0.1, 0, 0.7]}),
            json!({"w": [1, 1, 0, -1, 0, 0, 1, 0, 0, 2, 0]}),
            json!({"f": 2}),
        ),
        case(json!({"formula": "x * 2", "inputs": [{"name": "x", "shape": [0]}]}), json!({"x": []}), json!({"x": []}), json!({"f": []})),
    ]
}

fn with(body: &Value, fields: Value) -> Value {
    let mut body = body.clone();
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

/// A derivative's graph, and its formula where there is one, as functions.
fn sent_back(answer: &Value) -> Vec<Value> {
    let mut functions = vec![json!({"graph": answer["graph"]})];
    if answer["formula"].is_string() {
        let outputs: Vec<&Value> = answer["outputs"].as_array().unwrap().iter().map(|output| &output["name"]).collect();
        functions.push(json!({"formula": answer["formula"], "inputs": answer["inputs"], "outputs": outputs}));
    }
    functions
}

/// Every number's bits, with one NaN and one zero: a path that carries nothing may be absent here and there a 0 of either sign.
fn bits(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!((number.as_f64().unwrap() + 0.0).to_bits()),
        Value::Array(values) => values.iter().map(bits).collect(),
        other => other.clone(),
    }
}

fn object(pairs: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(pairs.into_iter().collect())
}

/// Asks for the derivative, sends it back with these inputs, and compares what it gives with the tensors that are expected.
fn check(function: &Value, of: Value, at: &Value, expected: &Value) {
    let answer = ask(Endpoint::Derivative, &with(function, of.clone()));
    for sent in sent_back(&answer) {
        let value = &ask(Endpoint::Value, &with(&sent, json!({"at": at})))["value"];
        let (found, wanted) = (value.as_object().unwrap(), expected.as_object().unwrap());
        assert!(found.keys().eq(wanted.keys()), "{of} {function}: {:?} instead of {:?}", found.keys(), wanted.keys());
        for (name, value) in found {
            assert_eq!(
                bits(value),
                bits(&wanted[name]),
                "{name} of {of} {function} at {at}: {value} instead of {} by {sent}",
                wanted[name]
            );
        }
    }
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_comes_back_is_what_the_endpoints_compute() {
    for Case { function, at, tangent, cotangent } in cases() {
        let about = ask(Endpoint::Graph, &function);
        let (inputs, outputs) = (names(&about["inputs"]), names(&about["outputs"]));
        let here = with(&function, json!({"at": at}));
        let jacobian = &ask(Endpoint::Jacobian, &here)["jacobian"];
        let blocks = outputs.iter().flat_map(|y| inputs.iter().map(move |x| (format!("d{y}_d{x}"), jacobian[y][x].clone())));
        check(&function, json!({"of": "jacobian"}), &at, &object(blocks));
        let value = ask(Endpoint::Value, &here)["value"].as_object().unwrap().clone();
        if let ([y], []) = (&outputs[..], about["outputs"][0]["shape"].as_array().unwrap().as_slice()) {
            let gradient = ask(Endpoint::Gradient, &here)["gradient"].clone();
            let parts = inputs.iter().map(|x| (format!("d{y}_d{x}"), gradient[x].clone()));
            check(&function, json!({"of": "gradient", "value": true}), &at, &object(value.clone().into_iter().chain(parts)));
            let last = inputs.last().unwrap();
            check(&function, json!({"of": "gradient", "wrt": [last]}), &at, &object([(format!("d{y}_d{last}"), gradient[last].clone())]));
        }
        // What is an input and an output has a tangent and a cotangent of either kind; the second to be named gets a number.
        let flow = |name: &str, suffix: &str, first: &[String]| {
            let number = if first.iter().any(|other| other == name) { "_2" } else { "" };
            format!("{name}{suffix}{number}")
        };
        let tangent = whole(&tangent, &about["inputs"]);
        let jvp = ask(Endpoint::Jvp, &with(&here, json!({"tangent": tangent})))["tangent"].clone();
        let dots = outputs.iter().map(|y| (flow(y, "_dot", &inputs), jvp[y].clone()));
        check(&function, json!({"of": "jvp"}), &beside(&at, &tangent, "_dot"), &object(dots));
        let cotangent = whole(&cotangent, &about["outputs"]);
        let vjp = ask(Endpoint::Vjp, &with(&here, json!({"cotangent": cotangent})))["cotangent"].clone();
        let bars = inputs.iter().map(|x| (flow(x, "_bar", &outputs), vjp[x].clone()));
        check(&function, json!({"of": "vjp"}), &beside(&at, &cotangent, "_bar"), &object(bars));
    }
}

/// A direction with zeros where it has nothing.
fn whole(direction: &Value, tensors: &Value) -> Value {
    let zeros = |shape: &Value| {
        let sizes = shape.as_array().unwrap().iter().rev();
        sizes.fold(json!(0), |inner, size| Value::Array(vec![inner; size.as_u64().unwrap() as usize]))
    };
    let of = |tensor: &Value| {
        let name = tensor["name"].as_str().unwrap();
        (name.to_owned(), direction.get(name).cloned().unwrap_or_else(|| zeros(&tensor["shape"])))
    };
    object(tensors.as_array().unwrap().iter().map(of))
}

/// A point with a direction beside it.
fn beside(at: &Value, direction: &Value, suffix: &str) -> Value {
    let named = direction.as_object().unwrap().iter().map(|(name, value)| (format!("{name}{suffix}"), value.clone()));
    object(at.as_object().unwrap().clone().into_iter().chain(named))
}

/// The derivative of what an answer holds.
fn again(answer: &Value, of: &str) -> Value {
    ask(Endpoint::Derivative, &json!({"graph": answer["graph"], "of": of}))
}

fn leaves(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(leaves).collect(),
        Value::String(text) => vec![text.replace("Infinity", "inf").parse().unwrap()],
        number => vec![number.as_f64().unwrap()],
    }
}

fn close(a: &Value, b: &Value, about: &str) {
    let (a, b) = (leaves(a), leaves(b));
    assert_eq!(a.len(), b.len(), "{about}");
    let scale = a.iter().chain(&b).filter(|value| value.is_finite()).fold(1e-300f64, |most, value| most.max(value.abs()));
    for (a, b) in a.iter().zip(&b) {
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * scale;
        assert!(same, "{about}: {a} and {b}");
    }
}

#[test]
fn a_hessian_is_the_derivative_of_the_derivative() {
    for Case { function, at, .. } in cases() {
        let about = ask(Endpoint::Graph, &function);
        if !matches!(about["outputs"].as_array().unwrap().as_slice(), [output] if output["shape"] == json!([])) {
            continue;
        }
        let y = about["outputs"][0]["name"].as_str().unwrap();
        let hessian = ask(Endpoint::Derivative, &with(&function, json!({"of": "hessian"})));
        let gradient = ask(Endpoint::Derivative, &with(&function, json!({"of": "gradient"})));
        let twice = again(&gradient, "jacobian");
        let value = |answer: &Value| ask(Endpoint::Value, &json!({"graph": answer["graph"], "at": at}))["value"].clone();
        let (once, twice) = (value(&hessian), value(&twice));
        let inputs = names(&about["inputs"]);
        assert_eq!(once.as_object().unwrap().len(), inputs.len() * inputs.len());
        for a in &inputs {
            for b in &inputs {
                let (h, d) = (&once[format!("d2{y}_d{a}_d{b}")], &twice[format!("dd{y}_d{a}_d{b}")]);
                close(h, d, &format!("d2{y}_d{a}_d{b} of {function}: {h} and {d}"));
            }
        }
    }
}

#[test]
fn derivatives_go_on_to_the_third_order() {
    // a function of x and its third derivative
    for (f, third, points) in [
        ("x^5", "60*x^2", [-1.5, 0.0, 2.0]),
        ("sin(x)", "-cos(x)", [-1.0, 0.0, 2.5]),
        ("exp(2*x)", "8*exp(2*x)", [-1.0, 0.0, 0.5]),
        ("log(x)", "2/x^3", [0.25, 1.0, 7.0]),
        ("1/x", "-6/x^4", [-0.5, 1.0, 3.0]),
        ("tanh(x)", "(4*tanh(x)^2 - 2*(1 - tanh(x)^2)) * (1 - tanh(x)^2)", [-0.5, 0.0, 1.0]),
        ("sqrt(x)", "3/8 * x^(-5/2)", [0.25, 1.0, 4.0]),
        ("x*abs(x)", "0*x", [-1.0, 0.5, 2.0]),
        ("where(x > 0, x^4, x^3)", "where(x > 0, 24*x, 6)", [-1.0, 0.5, 2.0]),
    ] {
        let mut answer = ask(Endpoint::Derivative, &json!({"formula": f, "of": "gradient"}));
        for _ in 0..2 {
            answer = again(&answer, "gradient");
        }
        for x in points {
            let found = ask(Endpoint::Value, &json!({"graph": answer["graph"], "at": {"x": x}}))["value"]["dddf_dx_dx_dx"].clone();
            let formula = sent_back(&answer).pop().unwrap();
            let again = ask(Endpoint::Value, &with(&formula, json!({"at": {"x": x}})))["value"]["dddf_dx_dx_dx"].clone();
            assert_eq!(bits(&found), bits(&again), "{f}: {}", answer["formula"]);
            close(&found, &ask(Endpoint::Value, &json!({"formula": third, "at": {"x": x}}))["value"]["f"], f);
        }
    }
    // Tensors, by Jacobians of Jacobians: ∂³(Σ w³ s)/∂wᵢ∂wⱼ∂wₖ is 6 s where all are one, and 6 w by s.
    let cubes = json!({"formula": "s * sum(w^3)", "inputs": [{"name": "w", "shape": [2]}, "s"], "of": "gradient", "wrt": ["w"]});
    let third = again(&again(&ask(Endpoint::Derivative, &cubes), "jacobian"), "jacobian");
    let value = &ask(Endpoint::Value, &json!({"graph": third["graph"], "at": {"w": [0.5, -2], "s": 3}}))["value"];
    close(&value["dddf_dw_dw_dw"], &json!([[[18, 0], [0, 0]], [[0, 0], [0, 18]]]), "cubes");
    close(&value["dddf_dw_dw_ds"], &json!([[3, 0], [0, -12]]), "cubes");
}

#[test]
fn what_a_person_reads_is_short() {
    let formula = |body: Value| ask(Endpoint::Derivative, &body)["formula"].as_str().unwrap().to_owned();
    assert_eq!(formula(json!({"formula": "sin(x)", "of": "gradient"})), "df_dx = cos(x)");
    assert_eq!(formula(json!({"formula": "3*x + y", "of": "gradient"})), "df_dx = 3\ndf_dy = 1");
    assert_eq!(
        formula(json!({"formula": "x^2 * sin(y)", "of": "gradient"})),
        "df_dx = chain_multiply(chain_multiply(2, x), sin(y))\ndf_dy = chain_multiply(cos(y), x^2)"
    );
    assert_eq!(formula(json!({"formula": "x = cos(t); y = t", "outputs": ["x", "y"], "of": "jacobian"})), "dx_dt = -sin(t)\ndy_dt = 1");
    assert_eq!(formula(json!({"formula": "x^2", "of": "jvp"})), "f_dot = chain_multiply(chain_multiply(2, x), x_dot)");
    assert_eq!(formula(json!({"formula": "exp(x)", "of": "hessian", "value": true})), "f = exp(x)\nd2f_dx_dx = f");
    // What carries nothing is nothing.
    let absent = json!({"formula": "x + 0*sum(w)", "inputs": ["x", {"name": "w", "shape": [2]}, {"name": "v", "shape": [2]}], "of": "gradient", "wrt": ["v"]});
    assert_eq!(formula(absent), "df_dv = broadcast_to(0, shape=[2])");
}

#[test]
fn names_that_are_taken_get_a_number() {
    let outputs = |body: Value| {
        let answer = ask(Endpoint::Derivative, &body);
        // Names are such that everything can be sent back.
        for sent in sent_back(&answer) {
            ask(Endpoint::Graph, &sent);
        }
        (names(&answer["inputs"]), names(&answer["outputs"]))
    };
    let same = |found: (Vec<String>, Vec<String>), inputs: &[&str], outputs: &[&str]| {
        assert_eq!(
            (found.0.iter().map(String::as_str).collect::<Vec<_>>(), found.1.iter().map(String::as_str).collect::<Vec<_>>()),
            (inputs.to_vec(), outputs.to_vec())
        );
    };
    same(outputs(json!({"formula": "a.b * x", "of": "gradient"})), &["a.b", "x"], &["df_da.b", "df_dx"]);
    same(outputs(json!({"formula": "x * x_dot", "of": "jvp"})), &["x", "x_dot", "x_dot_2", "x_dot_dot"], &["f_dot"]);
    same(outputs(json!({"formula": "df_dx = x^2; f = df_dx * df_dx_2", "of": "gradient"})), &["x", "df_dx_2"], &["df_dx_3", "df_ddf_dx_2"]);
    same(outputs(json!({"formula": "y = x", "outputs": ["x", "y"], "of": "vjp"})), &["x", "x_bar", "y_bar"], &["x_bar_2"]);
    same(
        outputs(json!({"formula": "a = db_dc*c; a_db = c", "outputs": ["a", "a_db"], "inputs": ["db_dc", "c"], "of": "jacobian"})),
        &["db_dc", "c"],
        &["da_ddb_dc", "da_dc", "da_db_ddb_dc", "da_db_dc"],
    );
    same(
        outputs(json!({"formula": "a = b_dc * c; a_db = c", "outputs": ["a", "a_db"], "inputs": ["b_dc", "c"], "of": "jacobian"})),
        &["b_dc", "c"],
        &["da_db_dc", "da_dc", "da_db_db_dc", "da_db_dc_2"],
    );
    // Nodes keep their names.
    let answer = ask(Endpoint::Derivative, &json!({"formula": "r = hypot(x, y); f = r^2 + sin(r)", "of": "gradient"}));
    assert!(answer["formula"].as_str().unwrap().starts_with("r = hypot(x, y)\n"), "{}", answer["formula"]);
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |body: Value| {
        let failure = try_ask(Endpoint::Derivative, &body).expect_err(&body.to_string());
        (
            failure.slug.name(),
            failure.faults.first().map_or(String::new(), |fault| fault.pointer.clone()),
            failure.excess.map(|excess| excess.limit),
        )
    };
    let at = |slug, pointer: &str| (slug, pointer.to_owned(), None);
    // by no input there is no output, which every function has
    for of in ["gradient", "jacobian", "hessian", "vjp"] {
        assert_eq!(refused(json!({"formula": "f = 44", "outputs": ["f"], "of": of, "value": false})), at("invalid-request", "/of"));
    }
    assert_eq!(refused(json!({"formula": "[x, y]", "of": "gradient"})), at("not-differentiable", "/formula"));
    assert_eq!(refused(json!({"formula": "u = x; v = x", "outputs": ["u", "v"], "of": "hessian"})), at("not-differentiable", "/outputs"));
    let large = |n: usize, of: &str| json!({"formula": "sin(x) * x", "inputs": [{"name": "x", "shape": [n]}], "of": of});
    let limit = |name: &str| ("limit-exceeded", String::new(), Some(name.to_owned()));
    assert_eq!(refused(large(2001, "jacobian")), limit("limits.derivative_cells"));
    // Sweeps that are written out, a node at least each; a tensor of many elements is swept by a loop instead.
    let body = |n: usize| {
        let terms = |i: usize| (0..30).map(|j| format!("sin(x{} + {i})", (i + j) % n)).collect::<Vec<_>>().join(" * ");
        let (formula, outputs): (Vec<_>, Vec<_>) = (0..n).map(|i| (format!("y{i} = {}", terms(i)), format!("y{i}"))).unzip();
        json!({"formula": formula.join("; "), "outputs": outputs, "of": "jacobian"})
    };
    assert_eq!(refused(body(200)), limit("limits.nodes"));
    ask(Endpoint::Derivative, &large(1900, "jacobian"));
    // One sweep is none too many, however large the tensor.
    ask(Endpoint::Derivative, &json!({"formula": "sum(sin(x))", "inputs": [{"name": "x", "shape": [1_000_000]}], "of": "gradient"}));
    ask(Endpoint::Derivative, &large(1_000_000, "jvp"));
}

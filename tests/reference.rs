//! Every operator and many compositions against values computed elsewhere, at 50 digits (tests/reference/README.md), through HTTP and
//! in both modes.

mod linear_algebra;
mod structure;

use std::collections::{HashMap, HashSet};

use nablad::engine::op;
use serde_json::{Map, Value, json};

use crate::support::Server;

/// The rows of a table.
fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect()
}

/// A hexadecimal float as Python writes it.
fn from_hex(text: &str) -> f64 {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let magnitude = match digits {
        "nan" => f64::NAN,
        "inf" => f64::INFINITY,
        _ => {
            let (mantissa, exponent) = digits.strip_prefix("0x").and_then(|rest| rest.split_once('p')).expect("a hexadecimal float");
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let bits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).expect("hexadecimal digits");
            let power = exponent.parse::<i32>().expect("an exponent") - 4 * fraction.len() as i32;
            // in two steps, both exact, so that subnormal results are reached without overflow on the way
            let half = power / 2;
            bits as f64 * 2f64.powi(half) * 2f64.powi(power - half)
        }
    };
    if negative { -magnitude } else { magnitude }
}

/// A number as the contract writes it.
pub(crate) fn wire(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

/// A number of an answer.
pub(crate) fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => match text.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            other => panic!("not a number: {other}"),
        },
        value => value.as_f64().unwrap_or_else(|| panic!("not a number: {value}")),
    }
}

/// |got − exact| ÷ |exact|, where `exact` is decimal text of up to 50 digits: both are brought to 30 digits and subtracted as integers.
fn relative_error(got: f64, exact: &str) -> f64 {
    let scaled = |text: &str| -> (i128, i32) {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let negative = mantissa.starts_with('-');
        let (whole, fraction) =
            mantissa.trim_start_matches(['-', '+']).split_once('.').unwrap_or((mantissa.trim_start_matches(['-', '+']), ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0');
        let lead = (all.len() - digits.len()) as i32;
        let mut power = exponent.parse::<i32>().expect("an exponent") + whole.len() as i32 - lead - 1;
        if digits.is_empty() {
            power = 0;
        }
        let digits: String = digits.chars().chain(std::iter::repeat('0')).take(32).collect();
        let integer = digits.parse::<i128>().expect("digits");
        (if negative { -integer } else { integer }, power)
    };
    if got == 0.0 {
        return 1.0;
    }
    let ((a, pa), (b, pb)) = (scaled(&format!("{got:.40e}")), scaled(exact));
    if (pa - pb).abs() > 3 {
        return f64::INFINITY;
    }
    let (a, b) = (a * 10i128.pow((pa - pb).max(0) as u32), b * 10i128.pow((pb - pa).max(0) as u32));
    ((a - b) as f64 / b as f64).abs()
}

/// The distance of a number from the next, as large as the smallest subnormal.
fn ulp(x: f64) -> f64 {
    let x = x.abs();
    if x < f64::MIN_POSITIVE { 5e-324 } else { f64::from_bits(x.to_bits() + 1) - x }
}

/// Why `got` is not `exact` within `bound`; `None` where it is.
fn fault(got: f64, exact: &Value, bound: &Value, condition: f64) -> Option<String> {
    let text = exact.as_str()?;
    let expected: f64 = text.parse().unwrap_or_else(|_| panic!("not a decimal: {text}"));
    if expected.is_nan() || expected.is_infinite() || expected == 0.0 {
        let tiny = bound != "exact" && expected == 0.0 && got.abs() <= 5e-324;
        return (!(got == expected || (got.is_nan() && expected.is_nan()) || tiny)).then(|| format!("{got:e}, not {text}"));
    }
    if !got.is_finite() {
        return Some(format!("{got}, not {text}"));
    }
    let relative = relative_error(got, text);
    let ulps = relative * expected.abs() / ulp(expected);
    let absolute_floor = 5e-324 / expected.abs().max(5e-324);
    let allowed = match bound {
        Value::String(word) if word == "rel" => 1e-14 * condition.max(1.0) * (f64::MIN_POSITIVE / expected.abs()).max(1.0) + absolute_floor,
        Value::String(word) => {
            // the bound for elementary functions: two units in the last place, where the contract allows some four
            let units = match word.as_str() {
                "exact" => 0.5,
                "ulp1" => 1.0,
                "ulp2" | "ulp4" => 2.0,
                other => panic!("no such bound: {other}"),
            };
            return (ulps > units + 1e-6).then(|| format!("{got:e}, {ulps:.3} ULP from {text}"));
        }
        relative_bound => relative_bound.as_f64().expect("a bound") * condition.max(1.0) + absolute_floor,
    };
    (relative > allowed).then(|| format!("{got:e}, {relative:.2e} from {text}, allowed {allowed:.2e}"))
}

fn list<'a>(row: &'a Value, key: &str) -> &'a [Value] {
    row[key].as_array().map_or(&[], Vec::as_slice)
}

/// The operator of a row as a graph of those of its arguments that are not constant, with their names and the point.
fn application(row: &Value) -> (Vec<Value>, Value, Map<String, Value>) {
    let constants = list(row, "constants");
    let (mut inputs, mut args, mut at) = (Vec::new(), Vec::new(), Map::new());
    for (i, arg) in list(row, "args").iter().enumerate() {
        let value = from_hex(arg.as_str().expect("a hexadecimal float"));
        if constants.get(i).is_some_and(|constant| !constant.is_null()) {
            args.push(json!({"const": wire(value)}));
        } else {
            inputs.push(json!(format!("x{i}")));
            args.push(json!(format!("x{i}")));
            at.insert(format!("x{i}"), wire(value));
        }
    }
    let graph = json!({"inputs": inputs, "nodes": [], "outputs": [{"name": "f", "value": {"op": row["op"], "args": args}}]});
    (inputs, graph, at)
}

#[tokio::test]
async fn scalar_operators() {
    let server = Server::start().await;
    let rows = rows(include_str!("reference/scalar.jsonl"));
    assert!(rows.len() >= 1000, "{} rows", rows.len());
    let (mut faults, mut checked) = (Vec::new(), 0);
    for row in &rows {
        let op = row["op"].as_str().expect("an operator");
        let (inputs, graph, at) = application(row);
        for mode in ["forward", "reverse"] {
            let request = json!({"graph": graph, "at": at, "mode": mode});
            let what = format!("{op}{} {mode}", row["args"]);
            let gradient = server.post("/gradient", &request).await;
            let jacobian = server.post("/jacobian", &request).await;
            for (value, slopes, endpoint) in
                [(&gradient, &gradient["gradient"], "/gradient"), (&jacobian, &jacobian["jacobian"]["f"], "/jacobian")]
            {
                if !value["value"].is_object() {
                    faults.push(format!("{endpoint} {what}: {value}"));
                    continue;
                }
                let got = number(&value["value"]["f"]);
                let mut found = fault(got, &row["value"], &row["bound"], row["cond"].as_f64().unwrap_or(1.0));
                if let Some(rounded) = row["rounded"].as_str().map(from_hex)
                    && row["any_zero_sign"] != json!(true)
                    && got.to_bits() != rounded.to_bits()
                    && !(got.is_nan() && rounded.is_nan())
                {
                    found = Some(format!("{got:e} is not exactly {rounded:e}"));
                }
                faults.extend(found.map(|fault| format!("{endpoint} {what}: value {fault}")));
                for (k, input) in inputs.iter().enumerate() {
                    let bound = if row["partials_bound"].is_null() { &row["bound"] } else { &row["partials_bound"] };
                    let condition = row["cond_partials"][k].as_f64().unwrap_or(1.0);
                    let partial = number(&slopes[input.as_str().expect("a name")]);
                    let bound = if bound == "exact" { &json!("ulp2") } else { bound };
                    let found = fault(partial, &row["partials"][k], bound, condition);
                    faults.extend(found.map(|fault| format!("{endpoint} {what}: partial {k} {fault} ({})", row["note"])));
                }
                checked += 1;
            }
        }
    }
    assert!(faults.is_empty(), "{} faults in {checked} checks:\n{}", faults.len(), faults[..faults.len().min(60)].join("\n"));
}

/// The sizes of all arrays from the outside in, and the leaves in order.
fn flat(value: &Value) -> (Vec<usize>, Vec<Value>) {
    let (mut stack, mut sizes, mut leaves) = (vec![value.clone()], Vec::new(), Vec::new());
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(items) => {
                sizes.push(items.len());
                stack.extend(items.into_iter().rev());
            }
            leaf => leaves.push(leaf),
        }
    }
    (sizes, leaves)
}

/// Compares nested arrays of numbers; `bound` is "exact" or relative to the largest finite magnitude of `expected`.
fn compare(got: &Value, expected: &Value, bound: &Value, what: &str, faults: &mut Vec<String>) {
    let ((got_shape, got), (shape, expected)) = (flat(got), flat(expected));
    if got_shape != shape || got.len() != expected.len() {
        faults.push(format!("{what}: another shape, {got:?} for {expected:?}"));
        return;
    }
    let decimal = |value: &Value| value.as_str().map(|text| text.parse::<f64>().expect("a decimal"));
    let largest = expected.iter().filter_map(decimal).filter(|value| value.is_finite()).fold(0.0f64, |most, value| most.max(value.abs()));
    for (got, expected) in got.iter().zip(&expected) {
        let Some(exact) = decimal(expected) else { continue };
        let got = number(got);
        let allowed = bound.as_f64().unwrap_or(0.0) * largest;
        if !(got == exact || (got.is_nan() && exact.is_nan()) || (got - exact).abs() <= allowed) {
            faults.push(format!("{what}: {got:e}, not {exact:e}"));
        }
    }
}

/// A point whose numbers are others.
fn moved(point: &Value, by: f64) -> Value {
    match point {
        Value::Number(number) => json!(number.as_f64().expect("a number") + by),
        Value::Array(items) => items.iter().enumerate().map(|(i, item)| moved(item, by * (1.0 + i as f64))).collect(),
        Value::Object(inputs) => inputs.iter().map(|(name, value)| (name.clone(), moved(value, by))).collect::<Map<_, _>>().into(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn tensor_operators() {
    let server = Server::start().await;
    let rows = rows(include_str!("reference/tensor.jsonl"));
    assert!(rows.len() >= 200, "{} rows", rows.len());
    let mut faults = Vec::new();
    for row in &rows {
        for mode in ["forward", "reverse"] {
            let mut request = row["request"].clone();
            request["mode"] = json!(mode);
            let answer = server.post("/jacobian", &request).await;
            let what = format!("{} {mode}", row["name"]);
            if !answer["value"].is_object() {
                faults.push(format!("{what}: {answer}"));
                continue;
            }
            // between other points: the same bits
            let at = request.as_object_mut().and_then(|request| request.remove("at")).expect("a point");
            request["points"] = json!([moved(&at, 0.375), at, moved(&at, -1.25), at]);
            let batch = server.post("/jacobian", &request).await;
            if batch["results"][1] != answer || batch["results"][3] != answer {
                faults.push(format!("{what}: alone {answer}, among others {batch}"));
            }
            for (output, value) in row["value"].as_object().expect("outputs") {
                compare(&answer["value"][output], value, &row["bound"], &format!("{what} {output}"), &mut faults);
            }
            for (output, blocks) in row["jacobian"].as_object().expect("outputs") {
                for (input, block) in blocks.as_object().expect("inputs") {
                    compare(&answer["jacobian"][output][input], block, &row["bound"], &format!("{what} d{output}/d{input}"), &mut faults);
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..faults.len().min(60)].join("\n"));
}

#[tokio::test]
async fn second_derivatives_of_tensor_operators() {
    let server = Server::start().await;
    let rows = rows(include_str!("reference/second.jsonl"));
    assert!(rows.len() >= 70, "{} rows", rows.len());
    let mut faults = Vec::new();
    for row in &rows {
        let answer = server.post("/hessian", &row["request"]).await;
        let what = format!("{} in {}", row["op"], row["request"]["graph"]["outputs"]);
        if !answer["value"].is_object() {
            faults.push(format!("{what}: {answer}"));
            continue;
        }
        compare(&answer["value"]["f"], &row["value"], &row["bound"], &what, &mut faults);
        for (input, exact) in row["gradient"].as_object().expect("inputs") {
            compare(&answer["gradient"][input], exact, &row["bound"], &format!("{what} by {input}"), &mut faults);
        }
        for (a, blocks) in row["hessian"].as_object().expect("inputs") {
            for (b, block) in blocks.as_object().expect("inputs") {
                compare(&answer["hessian"][a][b], block, &row["bound"], &format!("{what} by {a} and {b}"), &mut faults);
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..faults.len().min(60)].join("\n"));
}

/// The operators that stand in a graph, each once.
fn operators(graph: &Value) -> HashSet<String> {
    let (mut found, mut stack) = (HashSet::new(), vec![graph]);
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(items) => stack.extend(items),
            Value::Object(fields) => {
                found.extend(fields.get("op").and_then(Value::as_str).map(str::to_owned));
                stack.extend(fields.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

/// All of them, those of loops and of derivatives too; where an operator is flat, its second derivative is seen to be 0.
#[test]
fn every_operator_has_its_table() {
    let scalar = rows(include_str!("reference/scalar.jsonl"));
    let second = rows(include_str!("reference/second.jsonl"));
    let whole =
        [include_str!("reference/tensor.jsonl"), include_str!("reference/linear_algebra.jsonl"), include_str!("reference/structure.jsonl")];
    let whole: Vec<Value> = whole.into_iter().flat_map(rows).collect();
    let (mut rows_of, mut curved): (HashMap<String, usize>, HashSet<String>) = Default::default();
    for row in &scalar {
        let op = row["op"].as_str().expect("an operator");
        *rows_of.entry(op.to_owned()).or_default() += 1;
        if row["second"].is_array() {
            curved.insert(op.to_owned());
        }
    }
    for row in &whole {
        for op in operators(&row["request"]["graph"]) {
            *rows_of.entry(op).or_default() += 1;
        }
        if !row["hessian"].is_null() {
            curved.extend(row["op"].as_str().map(str::to_owned));
        }
    }
    curved.extend(second.iter().map(|row| row["op"].as_str().expect("an operator").to_owned()));
    let mut faults = Vec::new();
    for row in op::rows() {
        let rows = rows_of.get(row.name).copied().unwrap_or(0);
        if rows < 8 {
            faults.push(format!("{} has {rows} rows of 8", row.name));
        }
        if !curved.contains(row.name) {
            faults.push(format!("{} has no second derivative", row.name));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn compositions() {
    let server = Server::start().await;
    let rows = rows(include_str!("reference/composition.jsonl"));
    assert!(rows.len() >= 200, "{} rows", rows.len());
    let mut faults = Vec::new();
    for row in &rows {
        let output = row["output"].as_str().unwrap_or("f");
        for mode in ["forward", "reverse"] {
            let request = json!({"formula": row["formula"], "at": row["at"], "mode": mode});
            let answer = server.post("/gradient", &request).await;
            let what = format!("{} at {} {mode}", row["formula"], row["at"]);
            if !answer["value"][output].is_number() && !answer["value"][output].is_string() {
                faults.push(format!("{what}: {answer}"));
                continue;
            }
            let value = fault(number(&answer["value"][output]), &row["value"], &row["bound"], row["cond"].as_f64().unwrap_or(1.0));
            faults.extend(value.map(|fault| format!("{what}: value {fault}")));
            for (input, exact) in row["gradient"].as_object().expect("inputs") {
                let condition = &row["cond_gradient"][input];
                let ((_, got), (_, exact), (_, conditions)) = (flat(&answer["gradient"][input]), flat(exact), flat(condition));
                assert_eq!(got.len(), exact.len(), "{what}: by {input}");
                for (i, (got, exact)) in got.iter().zip(&exact).enumerate() {
                    let condition = conditions.get(i).or(conditions.first()).and_then(Value::as_f64).unwrap_or(1.0);
                    let found = fault(number(got), exact, &row["bound"], condition);
                    faults.extend(found.map(|fault| format!("{what}: by {input}[{i}] {fault}")));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..faults.len().min(60)].join("\n"));
}

#[tokio::test]
async fn taylor_series() {
    let server = Server::start().await;
    let rows = rows(include_str!("reference/taylor.jsonl"));
    assert!(rows.len() >= 100, "{} rows", rows.len());
    let mut faults = Vec::new();
    for row in &rows {
        let output = row["output"].as_str().unwrap_or("f");
        let request = json!({"formula": row["formula"], "at": row["at"], "direction": row["direction"], "order": 10});
        let answer = server.post("/taylor", &request).await;
        let what = format!("{} at {} along {}", row["formula"], row["at"], row["direction"]);
        let got = list(&answer["coefficients"], output);
        if got.len() != 11 {
            faults.push(format!("{what}: {answer}"));
            continue;
        }
        for (k, (got, exact)) in got.iter().zip(list(row, "coefficients")).enumerate() {
            let found = fault(number(got), exact, &row["bound"], row["cond"][k].as_f64().unwrap_or(1.0));
            faults.extend(found.map(|fault| format!("{what}: c{k} {fault}")));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..faults.len().min(60)].join("\n"));
}

/// Not the rows next to 0 or next to underflow, where 1/x² or the result leaves binary64.
#[tokio::test]
async fn second_derivatives_of_scalar_operators() {
    let server = Server::start().await;
    let (mut faults, mut checked) = (Vec::new(), 0);
    for row in rows(include_str!("reference/scalar.jsonl")).iter().filter(|row| row["second"].is_array()) {
        let tiny = |arg: &Value| (5e-324..1e-150).contains(&from_hex(arg.as_str().unwrap_or("nan")).abs());
        if list(row, "args").iter().any(tiny) {
            continue;
        }
        let (inputs, graph, at) = application(row);
        let exact = |i: usize, j: usize| row["second"][i][j].as_str().and_then(|text| text.parse::<f64>().ok()).unwrap_or(f64::NAN);
        let pairs: Vec<(usize, usize)> = (0..inputs.len()).flat_map(|i| (0..inputs.len()).map(move |j| (i, j))).collect();
        let largest = pairs.iter().map(|&(i, j)| exact(i, j).abs()).filter(|size| size.is_finite()).fold(0.0, f64::max);
        for mode in ["forward", "reverse"] {
            let answer = server.post("/hessian", &json!({"graph": graph, "at": at, "mode": mode, "form": "matrix"})).await;
            for &(i, j) in &pairs {
                let got = number(&answer["hessian"][i][j]);
                checked += 1;
                if (got - exact(i, j)).abs() <= (1e-15 * largest).max(f64::MIN_POSITIVE) {
                    continue;
                }
                let found = fault(got, &row["second"][i][j], &json!(1e-13), row["cond_second"][i][j].as_f64().unwrap_or(1.0));
                faults.extend(found.map(|fault| format!("{}{} {mode}: {i} {j} {fault} ({})", row["op"], row["args"], row["note"])));
            }
        }
    }
    assert!(checked > 3000, "{checked} checked");
    assert!(faults.is_empty(), "{} faults in {checked} checks:\n{}", faults.len(), faults[..faults.len().min(60)].join("\n"));
}

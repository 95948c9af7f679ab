//! Bytes as points and options of functions that are known.

use std::collections::BTreeMap;

use nablad::service::Endpoint;
use serde_json::value::RawValue;

use super::json::{Tree, entries, fields, object, tree};
use super::served::{answer, endpoint};

/// Functions by the names of their inputs; of the first four the outputs are the inputs.
const FUNCTIONS: [&str; 8] = [
    r#""graph":{"inputs":["x"],"nodes":[],"outputs":["x"]}"#,
    r#""graph":{"inputs":["x",{"name":"v","shape":[3]}],"nodes":[],"outputs":["x","v"]}"#,
    r#""graph":{"inputs":[{"name":"m","shape":[2,2]},{"name":"x","shape":[1]}],"nodes":[],"outputs":["m","x"]}"#,
    r#""graph":{"inputs":[{"name":"z","shape":[0]},{"name":"m","shape":[2,0]},"x"],"nodes":[],"outputs":["z","m","x"]}"#,
    r#""formula":"x^2 * sin(y)""#,
    r#""formula":"v = [x * y, x / y, x - y]; sort(v)","outputs":["v"],"inputs":["x","y"]"#,
    r#""formula":"sum(v * x) + max(v)","inputs":[{"name":"v","shape":[3]},"x"]"#,
    r#""stages":[{"formula":"[x * y, sqrt(x)]","inputs":["x","y"]},{"formula":"v[0] / v[1]","inputs":[{"name":"v","shape":[2]}]}]"#,
];
const IDENTITIES: usize = 4;

/// The first byte is the function, the second the endpoint, what follows is the rest of the request's body. Numbers come back as they were
/// given, to the bit, and a point among others as it does alone.
pub fn points(data: &[u8]) {
    let [function, at, rest @ ..] = data else { return };
    let which = usize::from(function.wrapping_sub(b'0')) % FUNCTIONS.len();
    let endpoint = endpoint(*at);
    let body = [&b"{"[..], FUNCTIONS[which].as_bytes(), b",", rest].concat();
    let Ok(answered) = answer(endpoint, &body) else { return };
    let Ok(body) = std::str::from_utf8(&body) else { panic!("a request that is not UTF-8 is answered") };
    let (asked, answered) = (fields(body), fields(&answered));
    if which < IDENTITIES && endpoint == Endpoint::Value {
        read_back(&asked, &answered);
    }
    alone(endpoint, &asked, &answered);
}

/// What a function answers that answers what it is given.
fn read_back(asked: &BTreeMap<String, &RawValue>, answered: &BTreeMap<String, &RawValue>) {
    let given = |field: &str| asked.get(field).map(|text| fields(text.get())).unwrap_or_default();
    let same = |value: &RawValue, expected: &dyn Fn(&str) -> Option<Tree>| {
        for (name, tensor) in fields(value.get()) {
            assert_eq!(tree(tensor.get()), expected(&name), "{name}");
        }
    };
    let shared = given("at");
    let of = |entries: &BTreeMap<String, &RawValue>, name: &str| entries.get(name).and_then(|text| tree(text.get()));
    let Some(points) = asked.get("points") else {
        return same(answered["value"], &|name| of(&shared, name));
    };
    if let Some(rows) = entries(points.get()) {
        let results = entries(answered["results"].get()).unwrap_or_default();
        assert_eq!(rows.len(), results.len());
        for (row, result) in rows.iter().zip(results) {
            let row = fields(row.get());
            same(fields(result.get())["value"], &|name| of(&row, name).or_else(|| of(&shared, name)));
        }
        return;
    }
    let columns = given("points");
    let length = columns.values().next().and_then(|column| entries(column.get())).map_or(0, |column| column.len());
    let column = |name: &str| of(&columns, name).or_else(|| of(&shared, name).map(|one| Tree::List(vec![one; length])));
    same(answered["value"], &column);
}

/// The first and the last of points in rows, asked for alone.
fn alone(endpoint: Endpoint, asked: &BTreeMap<String, &RawValue>, answered: &BTreeMap<String, &RawValue>) {
    let rows = asked.get("points").and_then(|points| entries(points.get())).unwrap_or_default();
    let results = answered.get("results").and_then(|results| entries(results.get())).unwrap_or_default();
    for i in [0, rows.len().saturating_sub(1)].into_iter().filter(|&i| i < rows.len()) {
        let mut point = asked.get("at").map(|at| fields(at.get())).unwrap_or_default();
        point.extend(fields(rows[i].get()));
        let point = object(point.iter().map(|(name, tensor)| (name.as_str(), tensor.get())));
        let others = asked.iter().filter(|(field, _)| !["at", "points"].contains(&field.as_str()));
        let others = others.map(|(field, value)| (field.as_str(), value.get()));
        let body = object(others.chain([("at", point.as_str())]));
        let single = answer(endpoint, body.as_bytes()).unwrap_or_else(|slug| panic!("refused alone, {slug:?}: {body}"));
        let single = fields(&single);
        for (field, value) in fields(results[i].get()) {
            assert_eq!(single.get(&field).map(|single| single.get()), Some(value.get()), "{field} of {body}");
        }
    }
}

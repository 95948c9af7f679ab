//! Known or not, spelt one way or another: a function has the same answer to the byte, and the same problem.
//!
//! The examples of every endpoint are asked of a service that knows nothing, and of one that has been asked all of them before, in other
//! spellings: with other white space, with keys in the other order, with numbers as exponents.

use nablad::service::{Endpoint, Service, Settings};
use serde_json::Value;

use crate::support::Server;

/// A way to write JSON.
#[derive(Debug, Clone, Copy)]
struct Spelling {
    between: &'static str,
    reversed: bool,
    exponents: bool,
}

const SPELLINGS: [Spelling; 4] = [
    Spelling { between: "", reversed: false, exponents: false },
    Spelling { between: " \n\t", reversed: false, exponents: false },
    Spelling { between: "", reversed: true, exponents: false },
    Spelling { between: " ", reversed: true, exponents: true },
];

impl Spelling {
    fn write(self, value: &Value, out: &mut String) {
        let list = |out: &mut String, [open, close]: [char; 2], items: &mut dyn Iterator<Item = String>| {
            out.push(open);
            out.push_str(self.between);
            out.push_str(&items.collect::<Vec<_>>().join(&format!("{},{}", self.between, self.between)));
            out.push_str(self.between);
            out.push(close);
        };
        match value {
            Value::Object(object) => {
                let field = |(key, value): (&String, &Value)| {
                    let mut text = format!("{}{}:{}", Value::from(key.as_str()), self.between, self.between);
                    self.write(value, &mut text);
                    text
                };
                let mut fields: Vec<String> = object.iter().map(field).collect();
                if self.reversed {
                    fields.reverse();
                }
                list(out, ['{', '}'], &mut fields.into_iter());
            }
            Value::Array(values) => {
                let item = |value| {
                    let mut text = String::new();
                    self.write(value, &mut text);
                    text
                };
                list(out, ['[', ']'], &mut values.iter().map(item));
            }
            Value::Number(number) if self.exponents && number.is_f64() => {
                out.push_str(&format!("{:e}", number.as_f64().unwrap_or_default()));
            }
            other => out.push_str(&other.to_string()),
        }
    }

    fn of(self, value: &Value) -> String {
        let mut text = String::new();
        self.write(value, &mut text);
        text
    }
}

/// The answer or the problem, as text.
fn asked(service: &Service, endpoint: Endpoint, body: &str) -> String {
    match service.answer_blocking(endpoint, body.as_bytes()) {
        Ok(answer) => String::from_utf8(answer).unwrap(),
        Err(failure) => format!("{failure:?}"),
    }
}

fn service() -> Service {
    Service::start(Settings { workers: 1, ..Settings::default() })
}

/// The examples of the OpenAPI document, and each of them with something wrong.
async fn requests() -> Vec<(Endpoint, Value)> {
    let document: Value = serde_json::from_str(&Server::start().await.get("/openapi.json").await.text).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(endpoint) = Endpoint::from_name(path.trim_start_matches("/v1").trim_start_matches('/')) else { continue };
        let examples = &item["post"]["requestBody"]["content"]["application/json"]["examples"];
        for example in examples.as_object().into_iter().flat_map(|examples| examples.values()) {
            let good = example["value"].clone();
            for field in ["at", "points", "graph", "formula", "wrt", "inputs"] {
                let Some(value) = good.get(field) else { continue };
                let mut bad = good.clone();
                match value {
                    // a number where there are a node, a name, an input or a text
                    Value::Object(object) => {
                        for key in object.keys() {
                            bad[field][key] = Value::Bool(true);
                        }
                    }
                    _ => bad[field] = Value::from(7),
                }
                all.push((endpoint, bad));
            }
            all.push((endpoint, good));
        }
    }
    all
}

#[tokio::test]
async fn answers_do_not_depend_on_what_was_asked_before() {
    let requests = requests().await;
    assert!(requests.len() > 60, "{}", requests.len());
    let known = service();
    let mut answered = 0;
    for (endpoint, request) in &requests {
        let expected = asked(&service(), *endpoint, &SPELLINGS[0].of(request));
        answered += usize::from(expected.starts_with('{'));
        // each twice: what is not known by its bytes may be by its graph
        for spelling in SPELLINGS.iter().chain(&SPELLINGS) {
            let text = spelling.of(request);
            let answer = asked(&known, *endpoint, &text);
            // faults are found in the order in which their fields stand
            if spelling.reversed && !expected.starts_with('{') {
                assert_eq!(answer, asked(&service(), *endpoint, &text), "{endpoint:?} {spelling:?} {text}");
            } else {
                assert_eq!(answer, expected, "{endpoint:?} {spelling:?} {text}");
            }
        }
    }
    assert!(answered > 20, "{answered}");
}

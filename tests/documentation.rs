//! What the documentation shows is what a server does: every request of README.md and docs/ is sent, and its answer held to the one shown.
//!
//! A block of `sh` holds commands; those of curl have the one form that [`Request::of`] reads. A block of `json` that is the next one
//! shows the answer to the last of them, whole, each number to the bit. A block under the line `<!-- not run -->` is left out. Blocks of
//! source, the table of conventions and links are held to what they speak of, too.
//!
//! `NABLAD_RENEW=1 cargo test documentation` writes the answers of now into the pages, to be looked at before they are committed.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{env, fs};

use nablad::service::Endpoint;
use serde_json::{Map, Value, json};

use crate::reference::{number, wire};
use crate::support::Server;

/// What the pages call the server.
const SHOWN: &str = "http://127.0.0.1:8080";
const COLUMNS: usize = 140;

/// README.md and the pages of docs/, each with its path.
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join("docs")).expect("the documentation");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a page").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.push(root.join("README.md"));
    files.sort();
    assert!(files.len() >= 4, "{files:?}");
    files.into_iter().map(|file| (file.clone(), fs::read_to_string(file).expect("a page"))).collect()
}

/// What stands between two fences.
#[derive(Debug, PartialEq)]
struct Block<'t> {
    language: &'t str,
    text: &'t str,
    /// Where the text is in the page.
    place: Range<usize>,
    run: bool,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let (mut found, mut open) = (Vec::new(), None);
    let (mut at, mut before) = (0, "");
    for line in page.split_inclusive('\n') {
        let begin = at;
        at += line.len();
        match (line.trim_end().strip_prefix("```"), open) {
            (Some(language), None) => open = Some((language, at, before != "<!-- not run -->")),
            (Some(_), Some((language, start, run))) => {
                found.push(Block { language, text: &page[start..begin], place: start..begin, run });
                open = None;
            }
            (None, _) => {}
        }
        if !line.trim().is_empty() {
            before = line.trim();
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// The commands of a block in words, as a shell splits them where nothing but blanks, single quotes, backslashes and comments is special.
fn commands(text: &str) -> Vec<Vec<String>> {
    let (mut found, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => word.get_or_insert_default().extend(chars.by_ref().take_while(|&c| c != '\'')),
            '\\' => match chars.next() {
                Some('\n') | None => {}
                Some(c) => word.get_or_insert_default().push(c),
            },
            '#' if word.is_none() => {
                chars.by_ref().find(|&c| c == '\n');
                found.push(std::mem::take(&mut words));
            }
            c if c.is_whitespace() => {
                words.extend(word.take());
                if c == '\n' {
                    found.push(std::mem::take(&mut words));
                }
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    found.push(words);
    found.retain(|words| !words.is_empty());
    found
}

/// A request that a page shows.
#[derive(Debug, PartialEq)]
struct Request {
    method: String,
    headers: Vec<(String, String)>,
    path: String,
    body: Option<String>,
}

impl Request {
    /// That of a command; `None` where it is not one of curl.
    fn of(command: &[String]) -> Option<Request> {
        let mut words = command.iter().map(String::as_str);
        if words.next() != Some("curl") {
            return None;
        }
        let mut request = Request { method: "GET".to_owned(), headers: Vec::new(), path: String::new(), body: None };
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_else(|| panic!("{word} of nothing: {command:?}")).to_owned();
            match word {
                "-s" => {}
                "-X" => request.method = value(),
                "-H" => {
                    let header = value();
                    let (name, value) = header.split_once(": ").unwrap_or_else(|| panic!("no header: {command:?}"));
                    request.headers.push((name.to_owned(), value.to_owned()));
                }
                "--json" => {
                    request.body = Some(value());
                    if request.method == "GET" {
                        request.method = "POST".to_owned();
                    }
                }
                url => {
                    let path = url.strip_prefix(SHOWN).unwrap_or_else(|| panic!("{url} is not at {SHOWN}: {command:?}"));
                    assert!(request.path.is_empty(), "two addresses: {command:?}");
                    request.path = path.to_owned();
                }
            }
        }
        Some(request)
    }
}

/// A request with the block of the answer that is shown to it.
struct Shown<'t> {
    request: Request,
    answer: Option<Block<'t>>,
}

fn shown(page: &str) -> Vec<Shown<'_>> {
    let mut found: Vec<Shown<'_>> = Vec::new();
    let mut awaited = false;
    for block in blocks(page) {
        match (block.language, block.run) {
            ("sh", true) => {
                let requests: Vec<Request> = commands(block.text).iter().filter_map(|words| Request::of(words)).collect();
                awaited = !requests.is_empty();
                found.extend(requests.into_iter().map(|request| Shown { request, answer: None }));
            }
            ("json", true) if awaited => {
                found.last_mut().expect("a request").answer = Some(block);
                awaited = false;
            }
            _ => awaited = false,
        }
    }
    found
}

/// Where two answers differ. The id of a request is its own.
fn differences(shown: &Value, answered: &Value, place: &str, found: &mut Vec<String>) {
    match (shown, answered) {
        // those of this request
        _ if place == "/instance" || place.ends_with("/created") => {}
        (Value::Object(left), Value::Object(right)) => {
            for name in left.keys().chain(right.keys()).collect::<BTreeSet<_>>() {
                match (left.get(name), right.get(name)) {
                    (Some(left), Some(right)) => differences(left, right, &format!("{place}/{name}"), found),
                    (Some(_), None) => found.push(format!("{place}/{name} is shown and not answered")),
                    _ => found.push(format!("{place}/{name} is answered and not shown")),
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (i, (left, right)) in left.iter().zip(right).enumerate() {
                differences(left, right, &format!("{place}/{i}"), found);
            }
        }
        (Value::Number(left), Value::Number(right)) => {
            if left.as_f64().map(f64::to_bits) != right.as_f64().map(f64::to_bits) {
                found.push(format!("{place}: {left} is shown, {right} answered"));
            }
        }
        _ if shown == answered => {}
        _ => found.push(format!("{place}: {shown} is shown, {answered} answered")),
    }
}

/// The JSON text on lines of at most [`COLUMNS`], where it has commas to break it at: in each line the last of those that are inside of the
/// fewest brackets.
fn wrapped(text: &str) -> String {
    let text = text.trim();
    let (mut commas, mut depth, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (i, c) in text.char_indices() {
        match c {
            '"' if !escaped => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted => commas.push((i + 1, depth)),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    let (mut lines, mut begin) = (Vec::new(), 0);
    while text[begin..].chars().count() > COLUMNS {
        let mut ahead = commas.iter().filter(|(end, _)| *end > begin).peekable();
        let Some(&&first) = ahead.peek() else { break };
        let fits = ahead.take_while(|(end, _)| text[begin..*end].chars().count() < COLUMNS);
        let (end, _) = fits.copied().min_by_key(|&(end, depth)| (depth, Reverse(end))).unwrap_or(first);
        lines.push(&text[begin..end]);
        begin = end;
    }
    lines.push(&text[begin..]);
    lines.join("\n ") + "\n"
}

#[tokio::test]
async fn requests_are_answered_as_shown() {
    let renew = env::var_os("NABLAD_RENEW").is_some();
    let (mut count, mut faults) = (0, Vec::new());
    for (file, page) in pages() {
        // what a page registers is there for the rest of it
        let server = Server::start().await;
        let mut renewed = page.clone();
        let mut answered = Vec::new();
        for shown in shown(&page) {
            let Request { method, headers, path, body } = &shown.request;
            let json = [("content-type", "application/json"), ("accept", "application/json")];
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(json).collect();
            let got = server.ask(method, path, &headers, body.clone().unwrap_or_default()).await;
            answered.push((shown, got));
        }
        // from the end, so that places before stay where they are
        for (Shown { request, answer }, got) in answered.into_iter().rev() {
            count += 1;
            let expected = answer.as_ref().map(|block| serde_json::from_str::<Value>(block.text).unwrap_or(json!("no JSON")));
            let status = expected.as_ref().and_then(|shown| shown["status"].as_u64()).unwrap_or(200);
            let mut found = Vec::new();
            let made = status == 200 && [201, 204].contains(&got.status);
            if u64::from(got.status) != status && !made {
                found.push(format!("status {}: {}", got.status, got.text));
            } else if let Some(shown) = &expected {
                differences(shown, &serde_json::from_str(&got.text).expect("an answer is JSON"), "", &mut found);
            }
            if let (Some(block), true, false) = (answer, renew, found.is_empty()) {
                renewed.replace_range(block.place, &wrapped(&got.text));
                found.clear();
            }
            faults.extend(found.into_iter().map(|fault| format!("{}: {request:?}\n    {fault}", file.display())));
        }
        if renewed != page {
            fs::write(&file, renewed).expect("a page is written");
        }
    }
    assert!(count >= 40, "only {count} requests were found");
    assert!(faults.is_empty(), "{} faults in {count} requests:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_endpoint_is_shown() {
    let asked: BTreeSet<String> = pages().iter().flat_map(|(_, page)| shown(page)).map(|shown| shown.request.path).collect();
    for endpoint in Endpoint::ALL {
        assert!(asked.contains(&format!("/{}", endpoint.name())), "no page has a request to /{}", endpoint.name());
    }
}

/// A number of the table of conventions, which has six digits.
fn written(text: &str) -> f64 {
    text.replace('−', "-").replace('∞', "inf").parse().unwrap_or_else(|_| panic!("not a number: {text}"))
}

#[tokio::test]
async fn the_table_of_conventions_holds() {
    let server = Server::start().await;
    let page = include_str!("../docs/conventions.md");
    let (mut count, mut faults) = (0, Vec::new());
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let &[formula, point, cell, ..] = &cells[..] else { panic!("a row is cut short: {line}") };
        let names: Vec<(&str, f64)> =
            point.split(", ").filter_map(|part| part.split_once(" = ")).map(|(name, at)| (name, written(at))).collect();
        let at: Map<String, Value> = names.iter().map(|&(name, value)| (name.to_owned(), wire(value))).collect();
        let (value, derivative) = cell.split_once("; ").unwrap_or_else(|| panic!("no value and derivative: {line}"));
        let derivative: Vec<f64> = derivative.trim_matches(['(', ')']).split(", ").map(written).collect();
        assert_eq!(derivative.len(), names.len(), "{line}");
        for mode in ["forward", "reverse"] {
            let request = json!({"formula": formula.trim_matches('`'), "at": at, "mode": mode});
            let answer = server.post("/gradient", &request).await;
            count += 1;
            if !answer["value"].is_object() {
                faults.push(format!("{request}: {answer}"));
                continue;
            }
            let output = answer["value"].as_object().and_then(|value| value.values().next()).expect("an output");
            let parts = names.iter().map(|(name, _)| &answer["gradient"][*name]);
            for (got, &shown) in std::iter::once(output).chain(parts).map(number).zip(std::iter::once(&written(value)).chain(&derivative)) {
                let same = got == shown || (got.is_nan() && shown.is_nan()) || (got - shown).abs() <= 1e-5 * shown.abs();
                // infinities would be as near to anything
                if !same || (got != shown && shown.is_infinite()) {
                    faults.push(format!("{request}: {shown} is shown, {got} answered"));
                }
            }
        }
    }
    assert!(count >= 60, "only {count} answers");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Blocks of source begin with a comment that names the file which they stand in.
#[test]
fn excerpts_are_in_the_source() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for (file, page) in pages() {
        for block in blocks(&page) {
            let Some((head, excerpt)) = block.text.split_once('\n') else { continue };
            let name = match block.language {
                "rust" => head.strip_prefix("// "),
                "python" => head.strip_prefix("# "),
                _ => continue,
            };
            let name = name.unwrap_or_else(|| panic!("{}: an excerpt of no file: {head}", file.display()));
            let source = fs::read_to_string(root.join(name)).unwrap_or_else(|fault| panic!("{name}: {fault}"));
            let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
            let (excerpt, source) = (lines(excerpt), lines(&source));
            assert!(source.windows(excerpt.len()).any(|window| window == excerpt), "{}: not in {name}: {excerpt:#?}", file.display());
            count += 1;
        }
    }
    assert!(count >= 5, "only {count} excerpts");
}

#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let others = ["CONTRIBUTING.md", "ARCHITECTURE.md"].map(|name| (root.join(name), fs::read_to_string(root.join(name)).expect("a page")));
    let mut count = 0;
    for (file, page) in pages().into_iter().chain(others) {
        for link in page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let link = link.split('#').next().unwrap_or_default();
            if link.is_empty() || link.contains("://") {
                continue;
            }
            assert!(file.with_file_name("").join(link).exists(), "{} links to {link}", file.display());
            count += 1;
        }
    }
    assert!(count >= 15, "only {count} links");
}

#[test]
fn the_reader_sees_commands_and_answers() {
    let page = "```sh\ncurl -s http://127.0.0.1:8080/ops # all\n\ncurl -s http://127.0.0.1:8080/value --json '{\n \"formula\": \"x\"}' \\\n\ncargo run\n```\ntext\n```json\n{\"a\": 1}\n```\n<!-- not run -->\n```sh\ncurl elsewhere\n```\n";
    let found = shown(page);
    let request = |method: &str, path: &str, body: Option<&str>| {
        let (method, path, body) = (method.to_owned(), path.to_owned(), body.map(str::to_owned));
        Request { method, headers: Vec::new(), path, body }
    };
    assert_eq!(found.len(), 2);
    assert_eq!((&found[0].request, &found[0].answer), (&request("GET", "/ops", None), &None));
    assert_eq!(found[1].request, request("POST", "/value", Some("{\n \"formula\": \"x\"}")));
    let words =
        ["curl", "-s", "-X", "PUT", "-H", "If-Match: \"1-1\"", "http://127.0.0.1:8080/functions/f", "--json", "{}"].map(str::to_owned);
    let put = Request { headers: vec![("If-Match".to_owned(), "\"1-1\"".to_owned())], ..request("PUT", "/functions/f", Some("{}")) };
    assert_eq!(Request::of(&words), Some(put));
    assert_eq!(found[1].answer.as_ref().map(|block| block.text), Some("{\"a\": 1}\n"));
    for (shown, answered, count) in [
        (json!({"a": [1, 2.5]}), json!({"a": [1.0, 2.5]}), 0),
        (json!({"instance": "1", "b": {"instance": 1}}), json!({"instance": "2", "b": {"instance": 2}}), 1),
        (json!([0.0, 0.1, "NaN"]), json!([-0.0, 0.10000000000000002, 0]), 3),
        (json!({"a": 1, "b": null}), json!({"a": 1, "c": 1}), 2),
        (json!([1, 2]), json!([1, 2, 3]), 1),
    ] {
        let mut found = Vec::new();
        differences(&shown, &answered, "", &mut found);
        assert_eq!(found.len(), count, "{found:?}");
    }
    let long = "x, ".repeat(43);
    assert_eq!(wrapped(&format!(r#"{{"a":[1,"{long}",2],"b":[1,2]}}"#)), format!("{{\"a\":[1,\n \"{long}\",2],\n \"b\":[1,2]}}\n"));
}

//! What the modules of the crate may know of each other, held by reading the source.
//!
//! The compiler sees one crate and lets every module import every other; the rings of ARCHITECTURE.md exist only as far as a test
//! holds them. Read as text, comments and literals blanked: no parser, so that the test stays as short as the rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module at the top of the crate, and what of the crate it may import. `main` and `process` put everything together.
const IMPORTS: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("wire", &[]),
    ("store", &[]),
    ("telemetry", &[]),
    ("notation", &["wire", "engine::op"]),
    ("service", &["engine", "wire", "notation", "store", "telemetry"]),
    ("api", &["service", "wire", "telemetry"]),
    ("protocols", &["service", "wire", "telemetry"]),
    ("client", &["wire"]),
    // The settings structs that the others own.
    ("config", &["api", "service", "store", "telemetry", "wire"]),
    ("process", &["api", "client", "config", "engine", "notation", "protocols", "service", "store", "telemetry", "wire"]),
    ("main", &["process"]),
    ("lib", &[]),
];

/// What the engine never touches: formats, threads, networks and the world.
const NOT_IN_THE_ENGINE: &[&str] = &[
    "serde",
    "serde_json",
    "tokio",
    "axum",
    "hyper",
    "reqwest",
    "tracing",
    "utoipa",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time",
];

/// What the inner modules never touch: they build without the server.
const NOT_INSIDE: &[&str] = &["tokio", "axum", "hyper", "reqwest", "std::env", "std::fs", "std::net"];

/// What is not finished, or not run.
const UNFINISHED: &[&str] = &["todo!", "unimplemented!", "dbg!", "#[ignore"];

const LONGEST_FILE: usize = 600;

#[test]
fn modules_import_only_what_the_table_allows() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = IMPORTS.iter().find(|(module, _)| *module == source.module) else {
            faults.push(format!("{}: the module {:?} has no row in the table of imports", source.name, source.module));
            continue;
        };
        for import in imports(&source.code) {
            let own = import.split("::").next() == Some(&source.module);
            if !own && !allowed.iter().any(|allowed| starts_with_path(&import, allowed)) {
                faults.push(format!("{}: {} may not import crate::{import}", source.name, source.module));
            }
        }
    }
    assert_none(faults);
}

#[test]
fn every_row_of_the_table_of_imports_can_be_met() {
    for (module, allowed) in IMPORTS {
        for import in *allowed {
            let target = import.split("::").next().unwrap_or_default();
            assert_ne!(target, *module, "{module} needs no permission for itself");
            assert!(IMPORTS.iter().any(|(known, _)| *known == target), "{module} imports {target}, which has no row");
        }
    }
}

#[test]
fn the_engine_is_pure() {
    assert_none(sources().iter().filter(|source| source.module == "engine").flat_map(|source| uses(source, NOT_IN_THE_ENGINE)).collect());
}

#[test]
fn what_builds_without_the_server_knows_nothing_of_it() {
    let inside = |source: &&Source| ["engine", "wire", "notation"].contains(&&*source.module);
    assert_none(sources().iter().filter(inside).flat_map(|source| uses(source, NOT_INSIDE)).collect());
}

#[test]
fn files_end_by_six_hundred_lines() {
    let long = |source: &Source| (source.lines > LONGEST_FILE).then(|| format!("{}: {} lines", source.name, source.lines));
    assert_none(sources().iter().chain(&tests()).filter_map(long).collect());
}

#[test]
fn nothing_is_left_for_later() {
    let left = |source: &Source| -> Vec<String> {
        UNFINISHED.iter().filter(|word| source.code.contains(**word)).map(|word| format!("{}: {word}", source.name)).collect()
    };
    assert_none(sources().iter().chain(&tests()).flat_map(left).collect());
}

#[test]
fn the_reader_sees_imports_in_all_their_forms() {
    for (code, expected) in [
        ("use crate::wire::graph::{Graph, Node};", &["wire::graph::Graph", "wire::graph::Node"][..]),
        ("use crate::{api, service::{Service, limits::Limits}};", &["api", "service::Service", "service::limits::Limits"]),
        ("use crate::service::{self, Service as S};", &["service::self", "service::Service"]),
        ("fn f(x: crate::engine::Tensor) -> crate :: wire::Tensor {}", &["engine::Tensor", "wire::Tensor"]),
        ("pub(in crate::engine) fn f() {} pub(crate) fn g() {}", &["engine"]),
        ("use other::crate_::x; use ::axum::crate::y; my_crate::z();", &[]),
        ("// use crate::api;\n/* crate::api /* crate::api */ */ let x = \"crate::api\"; let y = r#\"crate::api\"#;", &[]),
        ("fn f<'a>(x: &'a str) { let quote = '\"'; g::<crate::client::Client>(x, '\\'') }", &["client::Client"]),
    ] {
        assert_eq!(imports(&blanked(code)), expected, "{code}");
    }
}

#[derive(Clone)]
struct Source {
    /// Its path from the root of the repository.
    name: String,
    /// The module of the crate that it belongs to.
    module: String,
    code: String,
    lines: usize,
}

fn sources() -> Vec<Source> {
    let found = read("src");
    assert!(found.len() > 10, "the source was not found");
    found
}

fn tests() -> Vec<Source> {
    [read("tests"), read("fuzz/src")].concat()
}

/// The Rust files under a directory of the repository.
fn read(directory: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut open = vec![root.join(directory)];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of the source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files.into_iter().map(|path| source(root, &root.join(directory), &path)).collect()
}

fn source(root: &Path, base: &Path, path: &PathBuf) -> Source {
    let text = fs::read_to_string(path).expect("a source file");
    let inside = path.strip_prefix(base).expect("a file under its directory").with_extension("");
    let first = inside.components().next().expect("a file name");
    Source {
        name: path.strip_prefix(root).expect("a file of the repository").display().to_string(),
        module: first.as_os_str().to_string_lossy().into_owned(),
        code: blanked(&text),
        lines: text.lines().count(),
    }
}

fn uses(source: &Source, forbidden: &[&str]) -> Vec<String> {
    let forbidden = forbidden.iter().filter(|path| mentions(&source.code, path));
    forbidden.map(|path| format!("{} uses {path}", source.name)).collect()
}

/// Whether the code names that path: `std::net`, also as `std::{net, ...}`.
fn mentions(code: &str, path: &str) -> bool {
    match path.split_once("::") {
        Some((root, _)) => paths(code, root).iter().any(|found| starts_with_path(found, path)),
        None => paths(code, path).iter().any(|found| found != path),
    }
}

/// What the code imports of its crate: paths without the leading `crate::`.
fn imports(code: &str) -> Vec<String> {
    paths(code, "crate").into_iter().filter_map(|path| path.strip_prefix("crate::").map(str::to_owned)).collect()
}

/// The paths that begin with `root`, groups written out.
fn paths(code: &str, root: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices(root) {
        let (before, after) = (&code[..start], &code[start + root.len()..]);
        // Part of a longer word, or a later segment of a path; `::serde` is a path of its own.
        let part = before.ends_with(is_identifier) || after.starts_with(is_identifier);
        let later = before.trim_end().strip_suffix("::").is_some_and(|before| before.ends_with(is_identifier));
        if part || later {
            continue;
        }
        tree(after, root.to_owned(), &mut found);
    }
    found
}

/// Writes out what follows a path: `::segment`, `::{a, b::c}`, or nothing. Returns the rest of the code.
fn tree<'a>(code: &'a str, path: String, found: &mut Vec<String>) -> &'a str {
    let Some(rest) = code.trim_start().strip_prefix("::").map(str::trim_start) else {
        found.push(path);
        return code;
    };
    if let Some(mut rest) = rest.strip_prefix('{') {
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            if rest.is_empty() || rest.starts_with('}') {
                return rest.get(1..).unwrap_or_default();
            }
            let (name, after) = identifier(rest);
            if name.is_empty() {
                // `*`, or what no import has.
                rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
                continue;
            }
            rest = tree(after, format!("{path}::{name}"), found);
            if let Some(renamed) = rest.trim_start().strip_prefix("as ") {
                rest = identifier(renamed.trim_start()).1;
            }
        }
    }
    match identifier(rest) {
        ("", rest) => {
            found.push(path);
            rest
        }
        (name, rest) => tree(rest, format!("{path}::{name}"), found),
    }
}

fn identifier(code: &str) -> (&str, &str) {
    code.split_at(code.find(|c| !is_identifier(c)).unwrap_or(code.len()))
}

fn is_identifier(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `path` is `start` or lies below it.
fn starts_with_path(path: &str, start: &str) -> bool {
    path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The code with comments and the insides of literals taken out.
fn blanked(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut code = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        match (at(i), at(i + 1)) {
            ('/', '/') => i = (i..chars.len()).find(|&i| at(i) == '\n').unwrap_or(chars.len()),
            ('/', '*') => i = after_comment(&chars, i),
            ('r', '#' | '"') if !code.ends_with(is_identifier) || code.ends_with('b') => match after_raw(&chars, i + 1) {
                Some(end) => i = end,
                None => {
                    code.push('r');
                    i += 1;
                }
            },
            ('"', _) => i = after_quoted(&chars, i + 1, '"'),
            // A lifetime has no closing quote behind its first letter.
            ('\'', next) if next == '\\' || at(i + 2) == '\'' => i = after_quoted(&chars, i + 1, '\''),
            (c, _) => {
                code.push(c);
                i += 1;
            }
        }
    }
    code
}

fn after_comment(chars: &[char], start: usize) -> usize {
    let (mut depth, mut i) = (0, start);
    while i < chars.len() {
        match chars.get(i..i + 2) {
            Some(['/', '*']) => (depth, i) = (depth + 1, i + 2),
            Some(['*', '/']) => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            break;
        }
    }
    i
}

/// Behind a raw string whose hashes or quote begin at `start`; `None` where there is none (`r#type`).
fn after_raw(chars: &[char], start: usize) -> Option<usize> {
    let hashes = chars[start..].iter().take_while(|&&c| c == '#').count();
    let open = start + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes = |&i: &usize| chars[i] == '"' && chars.len() > i + hashes && chars[i + 1..=i + hashes].iter().all(|&c| c == '#');
    Some((open + 1..chars.len()).find(closes).map_or(chars.len(), |i| i + 1 + hashes))
}

fn after_quoted(chars: &[char], start: usize, quote: char) -> usize {
    let mut i = start;
    while i < chars.len() && chars[i] != quote {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn assert_none(faults: Vec<String>) {
    let faults: BTreeSet<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "\n{}", faults.into_iter().collect::<Vec<_>>().join("\n"));
}

//! Fuzzing in small: the corpus, and some thousands of mutations of it, through the targets that libFuzzer runs for long (`fuzz/run.py`).

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use targets::TARGETS;

/// What texts of these formats are made of.
const WORDS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "null",
    "true",
    "1e308",
    "-0",
    "\"NaN\"",
    "\"args\":",
    "\"op\":",
    "\\u0000",
    "\u{3b8}",
    "(",
    ")",
    "^",
    ";",
    "[0]",
    "e",
    ".5",
    "#",
];

/// Marsaglia's xorshift: the same mutations every time.
struct Random(u64);

impl Random {
    fn below(&mut self, many: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % many.max(1)
    }

    /// One change of a text of bytes, such as libFuzzer makes.
    fn change(&mut self, text: &mut Vec<u8>, others: &[(String, Vec<u8>)]) {
        let at = self.below(text.len() + 1);
        let end = text.len().min(at + 1 + self.below(8));
        match self.below(7) {
            0 if at < text.len() => text[at] ^= 1 << self.below(8),
            1 if at < text.len() => text[at] = self.below(256) as u8,
            2 => drop(text.drain(at..end)),
            3 => text.insert(at, self.below(256) as u8),
            4 => {
                let again = text[at..end].to_vec();
                text.splice(at..at, again);
            }
            5 => drop(text.splice(at..at, WORDS[self.below(WORDS.len())].bytes())),
            _ => {
                let other = &others[self.below(others.len())].1;
                let from = self.below(other.len() + 1);
                text.truncate(at);
                text.extend_from_slice(&other[from..]);
            }
        }
    }
}

/// Every file of a target's corpus, and so many mutations.
fn holds(name: &str, mutations: usize) {
    let target = TARGETS.iter().find(|(target, _)| *target == name).expect("a target").1;
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = fs::read_dir(&directory).expect("its corpus").map(|entry| entry.expect("a file"));
    let mut corpus: Vec<(String, Vec<u8>)> =
        entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("a file"))).collect();
    corpus.sort();
    assert!(corpus.len() >= 10, "{} files in {}", corpus.len(), directory.display());
    let run = |about: &str, data: &[u8]| {
        if catch_unwind(AssertUnwindSafe(|| target(data))).is_err() {
            panic!("{name}: {about}: b\"{}\"", data.escape_ascii());
        }
    };
    for (file, data) in &corpus {
        run(file, data);
    }
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..mutations {
        let (file, data) = &corpus[random.below(corpus.len())];
        let mut data = data.clone();
        for _ in 0..=random.below(4) {
            random.change(&mut data, &corpus);
        }
        run(&format!("a mutation of {file}"), &data);
    }
}

#[test]
fn graphs() {
    holds("graph", 8_000);
}

#[test]
fn formulas() {
    holds("formula", 8_000);
}

#[test]
fn points() {
    holds("points", 8_000);
}

#[test]
fn derivatives() {
    holds("derive", 8_000);
}

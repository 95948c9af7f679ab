//! Settings: where they come from, which wins, and what is said of those that are no good.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;

use nablad::config::{Config, DEFAULT_TOML, SETTINGS, Sources};

fn environment(variables: &[(&str, &str)]) -> HashMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn file(text: &str) -> tempfile::Temporary {
    tempfile::Temporary::new(text)
}

/// A file that goes when its owner does.
mod tempfile {
    use super::*;

    pub(super) struct Temporary(pub(super) std::path::PathBuf);

    impl Temporary {
        pub(super) fn new(text: &str) -> Temporary {
            use std::sync::atomic::{AtomicU32, Ordering};
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let name = format!("nablad-settings-{}-{}.toml", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
            Temporary(path)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

#[test]
fn the_file_of_defaults_is_the_defaults() {
    assert_eq!(Config::load(Sources::default()).unwrap(), Config::default());
    // Every setting has a line there, with a comment above it, and every line is a setting.
    let (mut section, mut comment, mut lines) = ("", false, BTreeSet::new());
    for line in DEFAULT_TOML.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            assert!(comment, "{section}.{key} has no comment");
            lines.insert(format!("{section}.{key}"));
        }
        comment = line.starts_with('#');
    }
    let settings: BTreeSet<String> = SETTINGS.iter().map(|(key, _)| (*key).to_owned()).collect();
    assert_eq!(lines, settings);
    let structs = serde_json::to_value(Config::default()).unwrap();
    let fields = structs
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(section, fields)| fields.as_object().unwrap().keys().map(move |name| format!("{section}.{name}")));
    assert_eq!(fields.collect::<BTreeSet<_>>(), settings);
}

#[test]
fn later_sources_win() {
    let file = file("[http]\nlisten = \"127.0.0.1:1\"\nidle_seconds = 7\n[limits]\nnodes = 5\nrank = 3\n");
    let from_file = Sources { file: Some(file.0.clone()), ..Sources::default() };
    let from_environment = Sources {
        environment: environment(&[
            ("NABLAD__HTTP__LISTEN", "127.0.0.1:2"),
            ("NABLAD__LIMITS__NODES", "6"),
            ("PATH", "/bin"),
            ("NABLAD_LOG", "x"),
        ]),
        ..from_file.clone()
    };
    let from_flags = Sources { flags: vec![("http.listen", "127.0.0.1:3".to_owned())], ..from_environment.clone() };
    for (sources, listen, nodes) in [(from_file, "127.0.0.1:1", 5), (from_environment, "127.0.0.1:2", 6), (from_flags, "127.0.0.1:3", 6)] {
        let config = Config::load(sources).unwrap();
        assert_eq!((config.http.listen.as_str(), config.limits.nodes), (listen, nodes));
        assert_eq!((config.http.idle_seconds, config.limits.rank, config.limits.inputs), (7.0, 3, 100_000));
    }
}

#[test]
fn effective_settings_read_back() {
    let mut config = Config::default();
    config.http.listen = "0.0.0.0:99".to_owned();
    config.limits.flops = 2.5e7;
    let file = file(&config.to_toml());
    assert_eq!(Config::load(Sources { file: Some(file.0.clone()), ..Sources::default() }).unwrap(), config);
}

/// Whatever character it has: drivers take credentials up to the `@`.
#[test]
fn passwords_are_masked() {
    for password in ["secret", "se/secret", "se?secret", "se#secret", "se@secret", "se%40secret", "/?#@:secret"] {
        let url = format!("postgres://nablad:{password}@db/functions");
        let endpoint = format!("http://nablad:{password}@collector:4318/v1/traces");
        let environment = environment(&[("NABLAD__STORE__URL", &url), ("NABLAD__TRACES__ENDPOINT", &endpoint)]);
        let config = Config::load(Sources { environment, ..Sources::default() }).unwrap();
        assert_eq!((&config.store.url, &config.traces.endpoint), (&url, &endpoint));
        let shown = config.to_toml();
        assert!(shown.contains("url = \"postgres://nablad:***@db/functions\"") && !shown.contains("secret"), "{shown}");
        assert!(shown.contains("endpoint = \"http://nablad:***@collector:4318/v1/traces\""), "{shown}");
        assert!(!format!("{:?}", config.store).contains("secret"));
        for text in [
            format!("[store]\nurl = \"mysql://nablad:{password}@db/functions\"\n"),
            format!("[store]\nurl = \"host=db user=nablad password={password}\"\n"),
            // no TOML, and no setting
            format!("[store]\nurl = \"postgres://nablad:{password}@db/functions\n"),
            format!("[store]\nurls = \"postgres://nablad:{password}@db/functions\"\n"),
        ] {
            let file = file(&text);
            let error = Config::load(Sources { file: Some(file.0.clone()), ..Sources::default() }).unwrap_err().to_string();
            assert!(!error.contains("secret") && error.len() > 40, "{error}");
        }
    }
}

#[test]
fn secrets_are_masked() {
    let mut config = Config::default();
    config.keys.list = "alice blake3:12 evaluate".to_owned();
    config.traces.headers = "authorization=hush".to_owned();
    let text = config.to_toml();
    assert!(text.contains("list = \"(masked)\"") && text.contains("headers = \"(masked)\""), "{text}");
    assert!(!text.contains("alice") && !text.contains("hush"), "{text}");
    // a setting that is spelt wrong may be a secret, too
    for (name, words) in [("NABLAD__TRACES__HEADER", "did you mean traces.headers"), ("NABLAD__KEYS__LISTS", "keys.list")] {
        let environment = environment(&[(name, "authorization=Bearer hush")]);
        let error = Config::load(Sources { environment, ..Sources::default() }).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains(name) && !error.contains("hush"), "{error}");
    }
    let bad = file("[keys]\nlist = [\"hush\"]");
    let error = Config::load(Sources { file: Some(bad.0.clone()), ..Sources::default() }).unwrap_err().to_string();
    assert!(error.contains("keys.list = (masked)") && !error.contains("hush"), "{error}");
}

#[test]
fn the_container_file_is_good() {
    let file = file(include_str!("../../config/container.toml"));
    let config = Config::load(Sources { file: Some(file.0.clone()), ..Sources::default() }).unwrap();
    assert_eq!((config.http.listen.as_str(), config.store.url.as_str()), ("0.0.0.0:8080", "file:/var/lib/nablad/functions.redb"));
}

#[test]
fn what_is_no_good_is_named() {
    /// A file's text, the environment, and what the error must say.
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);
    let table: [Case; 21] = [
        ("[http]\nlisen = \"x\"", &[], &["http.lisen", "did you mean http.listen", "http.connections"]),
        ("[limit]\nnodes = 1", &[], &["limit.nodes", "did you mean limits.nodes"]),
        ("top = 1", &[], &["top", "sections"]),
        ("[http.listen]\na = 1", &[], &["http.listen.a"]),
        ("[http]\nlisten = 80", &[], &["http.listen", "80", "an address and a port"]),
        ("[limits]\nnodes = 0", &[], &["limits.nodes", "0", "1 or more"]),
        ("[limits]\njson_nesting = 1000", &[], &["limits.json_nesting", "1000", "from 1 to 128"]),
        ("[limits]\nnodes = 1.5", &[], &["limits.nodes", "1.5", "whole number"]),
        ("[limits]\nnodes = [1]", &[], &["limits.nodes", "whole number"]),
        ("[log]\nlevel = \"loud\"", &[], &["log.level", "\"loud\"", "off, error, warn, info, debug, trace"]),
        ("[store]\nurl = \"redis://here\"", &[], &["store.url", "redis://here", "memory:, file:PATH or postgres://"]),
        ("[store]\nconnections = 0", &[], &["store.connections", "from 1 to 1000"]),
        ("[keys]\nguard_metrics = \"perhaps\"", &[], &["keys.guard_metrics", "true or false"]),
        ("[traces]\nsample = 1.5", &[], &["traces.sample", "from 0 to 1"]),
        ("[http]\ncors_origins = 7", &[], &["http.cors_origins", "scheme://host"]),
        ("[http]\ncors_origins = \"https://a.example/, *, x\"", &[], &["http.cors_origins", "https://a.example/, *, x", "lower case"]),
        ("", &[("NABLAD__HTTP__CORS_ORIGINS", "https://a.example, *")], &["http.cors_origins", "lower case"]),
        ("", &[("NABLAD__HTTP__BODY_SECONDS", "-1")], &["http.body_seconds", "\"-1\"", "above 0", "NABLAD__HTTP__BODY_SECONDS"]),
        ("", &[("NABLAD__LIMITS__FLOPS", "inf")], &["limits.flops", "above 0"]),
        ("", &[("NABLAD__HTTP__LISTNE", "x")], &["http.listne", "did you mean http.listen", "NABLAD__HTTP__LISTNE"]),
        ("", &[("NABLAD__HTTP", "x")], &["http", "NABLAD__HTTP"]),
    ];
    for (text, variables, words) in table {
        let file = file(text);
        let error = Config::load(Sources { file: Some(file.0.clone()), environment: environment(variables), flags: vec![] })
            .unwrap_err()
            .to_string();
        for word in words {
            assert!(error.contains(word), "{text:?} {variables:?}: {error:?} lacks {word:?}");
        }
    }
    let missing = Sources { file: Some("/nowhere/at/all.toml".into()), ..Sources::default() };
    assert!(Config::load(missing).unwrap_err().to_string().contains("/nowhere/at/all.toml"));
}

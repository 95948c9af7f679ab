//! Settings: built-in defaults, then a file, then the environment, then flags.
//!
//! The structs belong to those who use them; here they are put together, and one table says which keys there are and what each may
//! be, so that a start that fails names the key, what was said and what is allowed. Nothing else in the crate reads the environment.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use config::{Environment, File, FileFormat, ValueKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::service::limits::Limits;
use crate::wire::hint::nearest;
use crate::{api, service, store, telemetry};

/// What stands for a secret.
const MASK: &str = "(masked)";

/// Every setting with its default and meaning.
pub const DEFAULT_TOML: &str = include_str!("../config/default.toml");

/// The effective settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The HTTP edge.
    pub http: api::Settings,
    /// The service, but for its limits.
    pub service: service::Settings,
    /// What one request may ask for.
    pub limits: Limits,
    /// Where registered functions live.
    pub store: store::Settings,
    /// API keys.
    pub keys: api::keys::Settings,
    /// The logs.
    pub log: telemetry::Settings,
    /// Traces.
    pub traces: telemetry::traces::Settings,
}

/// Where settings come from beside the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// The environment; what does not begin with `NABLAD__` is none of ours.
    pub environment: HashMap<String, String>,
    /// What flags say, key by key.
    pub flags: Vec<(&'static str, String)>,
}

/// Why the settings are not good.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read, or is not TOML.
    #[error("cannot read the settings: {0}")]
    Unreadable(String),
    /// A key that is no setting. Its value is not repeated: it may be the secret of a setting that is spelt wrong.
    #[error("unknown setting {key} ({origin}){}; allowed are {}", hint(.key), keys_beside(.key))]
    Unknown {
        /// The key.
        key: String,
        /// Who says it.
        origin: String,
    },
    /// A value that the setting cannot take.
    #[error("bad setting {key} = {value} ({origin}): allowed is {allowed}")]
    Bad {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// Who says it.
        origin: String,
        /// What it may be.
        allowed: Allowed,
    },
}

/// What a setting may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// An address and a port.
    Address,
    /// A whole number, at least this.
    Whole(u64),
    /// A whole number, at least this and at most that.
    Between(u64, u64),
    /// A finite number above 0.
    Positive,
    /// A finite number, 0 or more.
    NotNegative,
    /// A number from 0 to 1.
    Share,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Yes or no.
    Flag,
    /// Any text; its reader says what is wrong with it.
    Text,
    /// Any text, which is not shown to anyone.
    Secret,
    /// A URL, or nothing; its reader says what is wrong with it.
    Url,
    /// The home of registered functions.
    Home,
    /// Whose pages may ask.
    Origins,
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowed::Address => f.write_str("an address and a port, e.g. 127.0.0.1:8080 or [::1]:0"),
            Allowed::Whole(least) => write!(f, "a whole number, {least} or more"),
            Allowed::Between(least, most) => write!(f, "a whole number from {least} to {most}"),
            Allowed::Positive => f.write_str("a number above 0"),
            Allowed::NotNegative => f.write_str("a number, 0 or more"),
            Allowed::Share => f.write_str("a number from 0 to 1"),
            Allowed::Word(words) => write!(f, "one of {}", words.join(", ")),
            Allowed::Flag => f.write_str("true or false"),
            Allowed::Text | Allowed::Secret => f.write_str("text"),
            Allowed::Url => f.write_str("a URL"),
            Allowed::Home => f.write_str("memory:, file:PATH or postgres://USER:PASSWORD@HOST/DATABASE"),
            Allowed::Origins => f.write_str("nothing, * or scheme://host[:port] in lower case, more than one with commas between them"),
        }
    }
}

/// Every setting and what it may be. A test holds this equal to the structs and to default.toml.
pub const SETTINGS: &[(&str, Allowed)] = &[
    ("http.listen", Allowed::Address),
    ("http.connections", Allowed::Whole(1)),
    ("http.first_request_seconds", Allowed::Positive),
    ("http.header_seconds", Allowed::Positive),
    ("http.idle_seconds", Allowed::Positive),
    ("http.body_seconds", Allowed::Positive),
    ("http.body_gap_seconds", Allowed::Positive),
    ("http.answer_gap_seconds", Allowed::Positive),
    ("http.answer_seconds", Allowed::Positive),
    ("http.drain_seconds", Allowed::NotNegative),
    ("http.body_bytes", Allowed::Whole(1)),
    ("http.header_bytes", Allowed::Whole(256)),
    ("http.header_count", Allowed::Whole(1)),
    ("http.uri_bytes", Allowed::Whole(64)),
    ("http.compress_bytes", Allowed::Whole(0)),
    ("http.cors_origins", Allowed::Origins),
    ("http.tls_certificate", Allowed::Text),
    ("http.tls_key", Allowed::Text),
    ("http.reload_seconds", Allowed::Positive),
    ("service.workers", Allowed::Whole(0)),
    ("service.cache_bytes", Allowed::Whole(0)),
    ("service.queue_seconds", Allowed::NotNegative),
    ("service.machine_code", Allowed::Word(&["auto", "off"])),
    ("service.queue_requests", Allowed::Whole(1)),
    ("service.burst_seconds", Allowed::NotNegative),
    ("service.busy_wait", Allowed::NotNegative),
    ("service.busy_wait_seconds", Allowed::NotNegative),
    ("service.memory_bytes", Allowed::Whole(1)),
    ("limits.nodes", Allowed::Whole(1)),
    ("limits.inputs", Allowed::Whole(1)),
    ("limits.outputs", Allowed::Whole(1)),
    ("limits.functions", Allowed::Whole(0)),
    ("limits.json_nesting", Allowed::Between(1, 128)),
    ("limits.formula_nesting", Allowed::Whole(1)),
    ("limits.formula_bytes", Allowed::Whole(1)),
    ("limits.rank", Allowed::Whole(0)),
    ("limits.elements", Allowed::Whole(1)),
    ("limits.live_elements", Allowed::Whole(1)),
    ("limits.derivative_cells", Allowed::Whole(1)),
    ("limits.derivative_order", Allowed::Whole(1)),
    ("limits.points", Allowed::Whole(1)),
    ("limits.loop_steps", Allowed::Whole(0)),
    ("limits.flops", Allowed::Positive),
    ("limits.work_bytes", Allowed::Whole(1)),
    ("limits.answer_bytes", Allowed::Whole(1)),
    ("limits.deadline_seconds", Allowed::Positive),
    ("limits.deadline_most_seconds", Allowed::Positive),
    ("store.url", Allowed::Home),
    ("store.functions", Allowed::Whole(1)),
    ("store.bytes", Allowed::Whole(1)),
    ("store.functions_per_owner", Allowed::Whole(1)),
    ("store.bytes_per_owner", Allowed::Whole(1)),
    ("store.names", Allowed::Whole(1)),
    ("store.description_bytes", Allowed::Whole(0)),
    ("store.connections", Allowed::Between(1, 1000)),
    ("store.timeout_seconds", Allowed::Positive),
    ("store.freshness_seconds", Allowed::NotNegative),
    ("store.look_seconds", Allowed::Positive),
    ("store.tls_roots", Allowed::Text),
    ("keys.file", Allowed::Text),
    ("keys.list", Allowed::Secret),
    ("keys.rate", Allowed::NotNegative),
    ("keys.burst", Allowed::Whole(1)),
    ("keys.concurrent", Allowed::Whole(0)),
    ("keys.guard_metrics", Allowed::Flag),
    ("log.format", Allowed::Word(&["auto", "text", "json"])),
    ("log.level", Allowed::Word(&["off", "error", "warn", "info", "debug", "trace"])),
    ("traces.endpoint", Allowed::Url),
    ("traces.headers", Allowed::Secret),
    ("traces.sample", Allowed::Share),
    ("traces.batch_seconds", Allowed::Positive),
];

impl Allowed {
    /// The value as the setting has it; `None` where it may not be that. Text is read, because the environment has nothing else.
    fn read(self, value: &ValueKind) -> Option<Value> {
        let number = || match value {
            ValueKind::Float(number) => Some(*number),
            ValueKind::I64(number) => Some(*number as f64),
            ValueKind::U64(number) => Some(*number as f64),
            ValueKind::String(text) => text.trim().replace('_', "").parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        };
        match self {
            Allowed::Address => match value {
                ValueKind::String(text) => {
                    let host_and_port = || text.rsplit_once(':').filter(|(host, port)| is_host(host) && port.parse::<u16>().is_ok());
                    let good = text.parse::<SocketAddr>().is_ok() || host_and_port().is_some();
                    good.then(|| Value::from(text.as_str()))
                }
                _ => None,
            },
            Allowed::Whole(least) => whole(value).filter(|&number| number >= least).map(Value::from),
            Allowed::Between(least, most) => whole(value).filter(|number| (least..=most).contains(number)).map(Value::from),
            Allowed::Positive => number().filter(|&number| number > 0.0 && number.is_finite()).map(Value::from),
            Allowed::NotNegative => number().filter(|&number| number >= 0.0 && number.is_finite()).map(Value::from),
            Allowed::Share => number().filter(|number| (0.0..=1.0).contains(number)).map(Value::from),
            Allowed::Flag => match value {
                ValueKind::Boolean(flag) => Some(Value::from(*flag)),
                ValueKind::String(text) => text.trim().parse::<bool>().ok().map(Value::from),
                _ => None,
            },
            Allowed::Text | Allowed::Secret | Allowed::Url => match value {
                ValueKind::String(text) => Some(Value::from(text.as_str())),
                _ => None,
            },
            Allowed::Word(words) => match value {
                ValueKind::String(text) => words.iter().find(|&&word| word == text).map(|&word| Value::from(word)),
                _ => None,
            },
            Allowed::Home => match value {
                ValueKind::String(text) if store::Settings::home_of(text).is_ok() => Some(Value::from(text.as_str())),
                _ => None,
            },
            Allowed::Origins => match value {
                ValueKind::String(text) if api::Settings::are_origins(text) => Some(Value::from(text.as_str())),
                _ => None,
            },
        }
    }
}

/// The whole number that a value is or says, where this machine can count to it.
fn whole(value: &ValueKind) -> Option<u64> {
    let number = match value {
        ValueKind::I64(number) => u64::try_from(*number).ok(),
        ValueKind::U64(number) => Some(*number),
        ValueKind::String(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    };
    number.filter(|&number| usize::try_from(number).is_ok())
}

/// Whether that could be the name of a host.
fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

impl Config {
    /// The effective settings.
    ///
    /// # Errors
    /// A file that cannot be read, a key that is no setting, a value that its setting cannot take.
    pub fn load(sources: Sources) -> Result<Config, Error> {
        let unreadable = |error: config::ConfigError| Error::Unreadable(without_excerpts(&error.to_string()));
        let mut builder = config::Config::builder().add_source(File::from_str(DEFAULT_TOML, FileFormat::Toml));
        if let Some(path) = &sources.file {
            builder = builder.add_source(File::from(Path::new(path)).format(FileFormat::Toml));
        }
        // Only ours are handed on: the rest of the environment may be anything.
        let ours = sources.environment.into_iter().filter(|(name, _)| name.starts_with("NABLAD__")).collect();
        builder = builder.add_source(Environment::with_prefix("NABLAD").prefix_separator("__").separator("__").source(Some(ours)));
        for (key, value) in sources.flags {
            builder = builder.set_override(key, value).map_err(unreadable)?;
        }
        let table = builder.build().map_err(unreadable)?.cache.into_table().map_err(unreadable)?;
        let mut tree = Map::new();
        for (section, value) in table {
            check(section, &value, &mut tree)?;
        }
        serde_json::from_value(Value::Object(tree)).map_err(|error| Error::Unreadable(error.to_string()))
    }

    /// The service's settings.
    pub fn service(&self) -> service::Settings {
        service::Settings { limits: self.limits.clone(), ..self.service.clone() }
    }

    /// The settings as TOML; secrets are masked.
    pub fn to_toml(&self) -> String {
        let tree = serde_json::to_value(self).unwrap_or_default();
        let mut text = String::new();
        let mut open = "";
        for (key, allowed) in SETTINGS {
            let (section, name) = key.split_once('.').unwrap_or(("", key));
            if section != open {
                let gap = if open.is_empty() { "" } else { "\n" };
                text.push_str(&format!("{gap}[{section}]\n"));
                open = section;
            }
            // A JSON string, number or boolean is a TOML one.
            match (allowed, &tree[section][name]) {
                (Allowed::Secret, Value::String(secret)) if !secret.is_empty() => text.push_str(&format!("{name} = \"{MASK}\"\n")),
                (Allowed::Home | Allowed::Url, Value::String(url)) => {
                    text.push_str(&format!("{name} = {}\n", Value::from(store::Settings::masked(url))))
                }
                (_, value) => text.push_str(&format!("{name} = {value}\n")),
            }
        }
        text
    }
}

/// Puts a value and all below it into the tree, key by key.
fn check(key: String, value: &config::Value, tree: &mut Map<String, Value>) -> Result<(), Error> {
    let mut waiting = vec![(key, value)];
    while let Some((key, value)) = waiting.pop() {
        if let ValueKind::Table(table) = &value.kind
            && !table.is_empty()
        {
            waiting.extend(table.iter().map(|(name, value)| (format!("{key}.{name}"), value)));
            continue;
        }
        let secret = SETTINGS.iter().any(|(known, allowed)| *known == key && *allowed == Allowed::Secret);
        let said = || match &value.kind {
            _ if secret => MASK.to_owned(),
            ValueKind::String(text) => format!("{:?}", store::Settings::masked(text)),
            other => other.to_string(),
        };
        let origin = || match value.origin() {
            Some(origin) if origin.contains("environment") => {
                format!("environment variable NABLAD__{}", key.replace('.', "__").to_uppercase())
            }
            Some(origin) => origin.to_owned(),
            None => "flag".to_owned(),
        };
        let Some((key, allowed)) = SETTINGS.iter().find(|(known, _)| *known == key) else {
            // An empty section says nothing.
            if matches!(value.kind, ValueKind::Table(_)) && SETTINGS.iter().any(|(known, _)| known.starts_with(&format!("{key}."))) {
                continue;
            }
            return Err(Error::Unknown { origin: origin(), key });
        };
        let Some(read) = allowed.read(&value.kind) else {
            return Err(Error::Bad { key, value: said(), origin: origin(), allowed: *allowed });
        };
        let (section, name) = key.split_once('.').unwrap_or(("", key));
        let section = tree.entry(section).or_insert_with(|| Value::Object(Map::new()));
        section[name] = read;
    }
    Ok(())
}

/// A parser's sentence without the lines of the file that it shows: a secret may stand in them.
fn without_excerpts(sentence: &str) -> String {
    let excerpt = |line: &&str| line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|');
    sentence.lines().filter(|line| !excerpt(line)).collect::<Vec<_>>().join("\n")
}

/// The nearest key, where one is near.
fn hint(key: &str) -> String {
    nearest(key, SETTINGS.iter().map(|(known, _)| *known)).map_or_else(String::new, |known| format!(", did you mean {known}?"))
}

/// The keys of the same section, or the sections where there is none such.
fn keys_beside(key: &str) -> String {
    let section = key.split('.').next().unwrap_or_default();
    let beside: Vec<&str> = SETTINGS.iter().map(|(known, _)| *known).filter(|known| known.split('.').next() == Some(section)).collect();
    if beside.is_empty() { "the sections http, service, limits, store, keys, log and traces".to_owned() } else { beside.join(", ") }
}

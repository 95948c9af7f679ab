//! The settings of the store, the section `[store]`.

use std::fmt;
#[cfg(feature = "postgres")]
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Error;

/// Where registered functions live, and how many there may be.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `memory:`, `file:PATH` or `postgres://…`.
    pub url: String,
    /// Registered functions in all.
    pub functions: u64,
    /// Bytes of their texts in all.
    pub bytes: u64,
    /// Registered functions of one owner, where callers are told apart.
    pub functions_per_owner: u64,
    /// Bytes of their texts.
    pub bytes_per_owner: u64,
    /// Names that one function may have.
    pub names: u64,
    /// Bytes of a description.
    pub description_bytes: usize,
    /// Connections to PostgreSQL.
    pub connections: usize,
    /// Seconds that PostgreSQL may take to do what it is asked.
    pub timeout_seconds: f64,
    /// Seconds for which what PostgreSQL said of a name may be relied on.
    pub freshness_seconds: f64,
    /// Seconds between two looks at whether PostgreSQL is there, where nothing else shows it.
    pub look_seconds: f64,
    /// A PEM file of certificates that PostgreSQL's must be, or be signed by; empty for none.
    pub tls_roots: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            url: "memory:".to_owned(),
            functions: 100_000,
            bytes: 1 << 30,
            functions_per_owner: 10_000,
            bytes_per_owner: 128 << 20,
            names: 16,
            description_bytes: 4096,
            connections: 8,
            timeout_seconds: 3.0,
            freshness_seconds: 0.8,
            look_seconds: 2.0,
            tls_roots: String::new(),
        }
    }
}

impl fmt::Debug for Settings {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings {{ url: {:?}, .. }}", Settings::masked(&self.url))
    }
}

/// A home of functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// This process.
    Memory,
    /// A file of that path.
    File(String),
    /// A database at that URL.
    Postgres(String),
}

impl Settings {
    /// The home that the URL names.
    ///
    /// # Errors
    /// A URL that names none.
    pub fn home(&self) -> Result<Home, Error> {
        Settings::home_of(&self.url)
    }

    /// The home that a URL names.
    ///
    /// # Errors
    /// A URL that names none.
    pub fn home_of(url: &str) -> Result<Home, Error> {
        if url == "memory:" {
            return Ok(Home::Memory);
        }
        if let Some(path) = url.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(no_home(url)) } else { Ok(Home::File(path.to_owned())) };
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Home::Postgres(url.to_owned()));
        }
        Err(no_home(url))
    }

    /// A URL to be shown: without its password.
    ///
    /// A password may have any character, and drivers do not agree where it ends: so all is hidden from the first colon to the last `@`,
    /// wherever they stand, and of what is no URL everything behind the word `password`.
    pub fn masked(url: &str) -> String {
        let Some((scheme, rest)) = url.split_once("://") else {
            return match url.to_ascii_lowercase().find("password") {
                Some(at) if !url.starts_with("file:") => format!("{}password{MASK}", &url[..at]),
                Some(_) | None => url.to_owned(),
            };
        };
        let shown = match rest.rsplit_once('@').map(|(user, rest)| (user.split_once(':'), rest)) {
            Some((Some((user, _)), rest)) => format!("{user}:{MASK}@{rest}"),
            Some((None, _)) | None => rest.to_owned(),
        };
        format!("{scheme}://{}", without_passwords(&shown))
    }

    /// How long PostgreSQL may take.
    #[cfg(feature = "postgres")]
    pub(super) fn timeout(&self) -> Duration {
        Duration::try_from_secs_f64(self.timeout_seconds).unwrap_or(Duration::from_secs(60))
    }

    /// How long nobody looks whether PostgreSQL is there.
    #[cfg(feature = "postgres")]
    pub(super) fn look(&self) -> Duration {
        Duration::try_from_secs_f64(self.look_seconds).unwrap_or(Duration::from_secs(60)).max(Duration::from_millis(10))
    }

    /// How long what PostgreSQL said may be relied on.
    #[cfg(feature = "postgres")]
    pub(super) fn freshness(&self) -> Duration {
        Duration::try_from_secs_f64(self.freshness_seconds).unwrap_or_default()
    }
}

/// What stands for a password.
const MASK: &str = "***";

/// A part of a URL without the values of parameters that are passwords, or may be: of one whose name is spelt with escapes.
fn without_passwords(part: &str) -> String {
    let Some((path, query)) = part.split_once('?') else { return part.to_owned() };
    let shown = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if name.contains('%') || name.to_ascii_lowercase().contains("password") => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    };
    format!("{path}?{}", query.split('&').map(shown).collect::<Vec<_>>().join("&"))
}

fn no_home(url: &str) -> Error {
    let url = Settings::masked(url);
    Error::Home(format!(
        "store.url = {url:?} names no home of functions; it is memory:, file:PATH or postgres://USER:PASSWORD@HOST/DATABASE"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes() {
        for (url, home) in [
            ("memory:", Some(Home::Memory)),
            ("file:a/b.redb", Some(Home::File("a/b.redb".to_owned()))),
            ("file:///var/lib/f", Some(Home::File("/var/lib/f".to_owned()))),
            ("postgres://h/d", Some(Home::Postgres("postgres://h/d".to_owned()))),
            ("file:", None),
            ("redis://h", None),
            ("", None),
        ] {
            assert_eq!(Settings::home_of(url).ok(), home, "{url}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("postgres://me:secret@host:5432/db?sslmode=disable", "postgres://me:***@host:5432/db?sslmode=disable"),
            ("postgres://me:se@cret@host/db", "postgres://me:***@host/db"),
            ("postgres:///db?host=/run&password=secret&user=me", "postgres:///db?host=/run&password=***&user=me"),
            ("postgres://me@host/db", "postgres://me@host/db"),
            ("postgres://me:se/cret@host/db", "postgres://me:***@host/db"),
            ("postgres://me:se?secret@host/db", "postgres://me:***@host/db"),
            ("postgres://me:se#secret@host/db", "postgres://me:***@host/db"),
            ("postgres://me:secret@secret@host/db", "postgres://me:***@host/db"),
            ("postgres://me:se%40secret@host/db", "postgres://me:***@host/db"),
            ("postgres://me:/secret?@secret/#@host/db?options=x", "postgres://me:***@host/db?options=x"),
            ("postgres://:secret@host/db", "postgres://:***@host/db"),
            ("postgres://me@host/db?password=secret@x", "postgres://me@host/db?password=***"),
            ("postgres:///db?pass%77ord=secret&Password=secret", "postgres:///db?pass%77ord=***&Password=***"),
            ("host=db password=secret dbname=x", "host=db password***"),
            ("http://me:secret@collector:4318/v1/traces", "http://me:***@collector:4318/v1/traces"),
            ("file:a@b:c", "file:a@b:c"),
            ("file:/var/password.redb", "file:/var/password.redb"),
        ] {
            assert_eq!(Settings::masked(url), shown);
            let settings = Settings { url: url.to_owned(), ..Settings::default() };
            assert!(!format!("{settings:?}").contains("secret"), "{settings:?}");
        }
    }
}

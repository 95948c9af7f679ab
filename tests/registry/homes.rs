//! The homes of functions, each empty, for one test.
//!
//! PostgreSQL is at the URL in `NABLAD_TEST_POSTGRES`, where every test makes a schema of its own; without it those cases are left out
//! and say so. `.ci/run` always sets it.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use nablad::store::{Clock, Settings, Store};

/// A home, empty, and gone with this.
pub(super) struct Home {
    pub(super) name: &'static str,
    pub(super) settings: Settings,
    pub(super) file: Option<PathBuf>,
    /// Of a database, which connections have as their application's name, too.
    pub(super) schema: String,
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            let _ = std::fs::remove_file(file);
        }
    }
}

fn number() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(super) fn in_file() -> Home {
    let file = std::env::temp_dir().join(format!("nablad-store-{}.redb", number()));
    let settings = Settings { url: format!("file:{}", file.display()), ..Settings::default() };
    Home { name: "file", settings, file: Some(file), schema: String::new() }
}

/// A schema of its own in the PostgreSQL of the tests.
pub(super) async fn in_postgres() -> Option<Home> {
    let Ok(url) = std::env::var("NABLAD_TEST_POSTGRES") else {
        // past the test's own capture, which would swallow it
        let _ = writeln!(std::io::stderr(), "SKIPPED: PostgreSQL, for want of NABLAD_TEST_POSTGRES=postgres://…");
        return None;
    };
    let schema = format!("test_{}", number());
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("the PostgreSQL of the tests");
    let connection = tokio::spawn(connection);
    client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    let mark = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{mark}application_name={schema}&options=-c%20search_path%3D{schema}%20-c%20synchronous_commit%3Doff");
    Some(Home {
        name: "postgres",
        settings: Settings { url, connections: 4, timeout_seconds: 60.0, ..Settings::default() },
        file: None,
        schema,
    })
}

pub(super) async fn homes() -> Vec<Home> {
    let memory = Home { name: "memory", settings: Settings::default(), file: None, schema: String::new() };
    [memory, in_file()].into_iter().chain(in_postgres().await).collect()
}

/// Second after second, whatever time it is.
pub(super) fn clock() -> Clock {
    let seconds = AtomicU64::new(1);
    Arc::new(move || SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.fetch_add(1, Ordering::Relaxed)))
}

pub(super) async fn open(home: &Home) -> Store {
    let store = Store::open(&home.settings, clock()).await.unwrap_or_else(|error| panic!("{}: {error}", home.name));
    assert!(store.is_usable(), "{}", home.name);
    store
}

//! Homes that are not as they should be: files torn or foreign, databases that are away.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use nablad::api;
use nablad::service::{self, Service};
use nablad::store::{Error, Id, Registration, Settings, Store};
use nablad::wire::problem::{Problem, Slug};
use serde_json::json;

use super::homes::{clock, in_file, in_postgres, open};
use super::store::{id, registration, run, told};
use crate::support::Server;

#[tokio::test]
async fn files_that_are_none_of_ours_or_torn_are_told() {
    let home = in_file();
    let file = home.file.clone().unwrap();
    let store = open(&home).await;
    for letter in ["A", "B", "C", "D"] {
        let wanted =
            Registration { text: letter.repeat(5000).into_bytes().into(), ..registration(None, letter, Some(&letter.to_lowercase())) };
        store.register(wanted).await.unwrap();
    }
    // a file belongs to one server at a time
    let second = Store::open(&home.settings, clock()).await.err().unwrap();
    assert!(matches!(&second, Error::Unavailable(why) if why.contains("another process has it open") && why.contains("redb")), "{second}");
    let all = store.list(None, 0, 9).await.unwrap();
    drop(store);
    let good = std::fs::read(&file).unwrap();

    let mut files: HashMap<String, Vec<u8>> = HashMap::new();
    files.insert("text".into(), b"these are my functions".to_vec());
    files.insert("zeros".into(), vec![0; 100_000]);
    for tenth in 1..10 {
        files.insert(format!("the first {tenth} tenths"), good[..good.len() * tenth / 10].to_vec());
    }
    for (i, place) in (0..good.len()).step_by(good.len() / 40).enumerate() {
        let mut torn = good.clone();
        let end = (place + 512).min(good.len());
        torn[place..end].fill(if i % 2 == 0 { 0 } else { 0xff });
        files.insert(format!("512 bytes lost at {place}"), torn);
    }
    let (mut told, mut unharmed) = (0, 0);
    for (what, bytes) in files {
        std::fs::write(&file, &bytes).unwrap();
        match Store::open(&home.settings, clock()).await {
            // what was lost was no part of it
            Ok(store) => {
                assert_eq!(store.list(None, 0, 9).await.unwrap(), all, "{what}");
                for letter in ["A", "B", "C", "D"] {
                    assert_eq!(store.text(id(letter)).await.unwrap()[..], *letter.repeat(5000).as_bytes(), "{what}");
                }
                unharmed += 1;
            }
            Err(error) => {
                assert!(matches!(&error, Error::Damaged(why) if why.contains(file.to_str().unwrap())), "{what}: {error}");
                told += 1;
            }
        }
    }
    assert!(told >= 12 && unharmed >= 3, "{told} told, {unharmed} unharmed");

    // another program's, and another version's
    type Table = redb::TableDefinition<'static, &'static str, u64>;
    for (table, key, value, word) in [("accounts", "x", 1, "accounts"), ("nablad", "form", 99, "form 99")] {
        std::fs::remove_file(&file).unwrap();
        let database = redb::Database::create(&file).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(Table::new(table)).unwrap().insert(key, value).unwrap();
        transaction.commit().unwrap();
        drop(database);
        let error = Store::open(&home.settings, clock()).await.err().unwrap();
        assert!(matches!(&error, Error::Damaged(why) if why.contains(word)), "{error}");
    }
    let nowhere = Settings { url: "file:/nowhere/at/all.redb".to_owned(), ..Settings::default() };
    let error = Store::open(&nowhere, clock()).await.err().unwrap();
    assert!(matches!(&error, Error::Unavailable(why) if why.contains("/nowhere/at/all.redb")), "{error}");
}

#[tokio::test]
async fn databases_that_cannot_be_used_are_told() {
    for (url, words) in [
        ("postgres://me:secret@h:port/none", "\"postgres://me:***@h:port/none\""),
        ("postgres://me:se/secret@h:port/none", "\"postgres://me:***@h:port/none\""),
        ("postgres://me:secret@h/none?sslmode=verify-full", "needs store.tls_roots"),
    ] {
        let settings = Settings { url: url.to_owned(), ..Settings::default() };
        let error = Store::open(&settings, clock()).await.err().unwrap().to_string();
        assert!(error.contains(words) && !error.contains("secret"), "{error}");
    }
    let Some(home) = in_postgres().await else { return };
    drop(open(&home).await);
    let (client, connection) = tokio_postgres::connect(&home.settings.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("INSERT INTO nablad_schema VALUES (99)").await.unwrap();
    let error = Store::open(&home.settings, clock()).await.err().unwrap();
    assert!(matches!(&error, Error::Damaged(why) if why.contains("version 99")), "{error}");
}

/// Waits until the store says of itself what is expected.
async fn until_usable(store: &Store, usable: bool) {
    let begun = Instant::now();
    while store.is_usable() != usable {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never is {usable}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_server_whose_database_is_not_there_evaluates_and_is_not_ready() {
    let settings = Settings { url: "postgres://me:secret@127.0.0.1:1/none".to_owned(), ..Settings::default() };
    let store = Store::open(&settings, clock()).await.unwrap();
    assert!(!store.is_usable());
    let error = store.list(None, 0, 9).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable(why) if why.contains("refused") && !why.contains("secret")), "{error}");
    let service = Service::with(service::Settings { workers: 1, ..service::Settings::default() }, store);
    let server = Server::of(api::Settings::default(), service).await;
    let value = server.post("/value", &json!({"formula": "x^2", "at": {"x": 3}})).await;
    assert_eq!(value, json!({"value": {"f": 9.0}}));
    assert_eq!(server.get("/livez").await.status, 200);
    for (method, path, body) in [
        ("GET", "/readyz", ""),
        ("GET", "/functions", ""),
        ("GET", "/functions/f", ""),
        ("DELETE", "/functions/f", ""),
        ("POST", "/functions", r#"{"formula": "x"}"#),
        ("POST", "/functions/f/value", r#"{"at": {"x": 1}}"#),
    ] {
        let answer = server.ask(method, path, &[], body).await;
        assert_eq!((answer.status, answer.headers.contains_key("retry-after")), (503, true), "{method} {path}: {answer:?}");
        assert!(answer.text.contains("/problems/overloaded") && answer.text.contains("the store of registered functions"), "{answer:?}");
        assert!(!answer.text.contains("127.0.0.1") && !answer.text.contains("secret"), "{answer:?}");
    }
    assert!(server.get("/metrics").await.text.contains("nablad_ready 0"));
}

#[tokio::test]
async fn a_database_that_comes_late_or_comes_back_is_used() {
    let Some(home) = in_postgres().await else { return };
    let (client, connection) = tokio_postgres::connect(&home.settings.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let name = format!("late_{}", home.schema);
    let (place, query) = home.settings.url.split_once('?').unwrap();
    let (place, _) = place.rsplit_once('/').unwrap();
    // the whole schema of such a database is the server's own
    let query = query.replace(&format!("search_path%3D{}", home.schema), "search_path%3Dpublic");
    let settings = Settings { url: format!("{place}/{name}?{query}"), look_seconds: 0.05, ..home.settings.clone() };
    let store = Store::open(&settings, clock()).await.unwrap();
    assert!(!store.is_usable());
    let error = store.register(registration(None, "F", Some("f"))).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable(why) if why.contains(&name)), "{error}");
    for _ in 0..2 {
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        until_usable(&store, true).await;
        assert_eq!(told(&store.register(registration(None, "F", Some("f"))).await.unwrap().entry), "1.1 F f");
        client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        // nobody asks, and it is seen
        until_usable(&store, false).await;
        assert!(matches!(store.list(None, 0, 9).await, Err(Error::Unavailable(_))));
    }
}

#[tokio::test]
async fn connections_that_break_are_made_anew() {
    let Some(home) = in_postgres().await else { return };
    let store = open(&home).await;
    run(&store, "- register F as f").await;
    let (client, connection) = tokio_postgres::connect(&home.settings.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let begun = Instant::now();
    for _ in 0..5 {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = $1";
        assert!(!client.query(end, &[&home.schema]).await.unwrap().is_empty());
        // a change that was under way is not done twice, so the first may be refused; never the reading, never for long
        loop {
            match store.register(registration(None, "F", Some("f"))).await {
                Ok(outcome) => break assert_eq!(told(&outcome.entry), "1.1 F f"),
                Err(Error::Unavailable(_)) => {
                    assert!(begun.elapsed() < Duration::from_secs(10));
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(run(&store, "- find f").await, "1.1 F f");
    }
}

/// Changes wait for one another, and for those of other servers; who waits has no connection that another could read with.
#[tokio::test]
async fn changes_that_wait_keep_nobody_from_reading() {
    let Some(home) = in_postgres().await else { return };
    let store = open(&home).await;
    run(&store, "- register F as f").await;
    let (other, connection) = tokio_postgres::connect(&home.settings.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    other.batch_execute("BEGIN; SELECT * FROM nablad_totals FOR UPDATE").await.unwrap();
    let changes: Vec<_> = (0..20)
        .map(|i| {
            let (store, wanted) = (store.clone(), Registration { id: Id([i; 32]), ..registration(None, "A", None) });
            tokio::spawn(async move { store.register(wanted).await })
        })
        .collect();
    let waiting = async || -> i64 {
        let query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
        other.query_one(query, &[&home.schema]).await.unwrap().get(0)
    };
    while waiting().await == 0 {
        tokio::task::yield_now().await;
    }
    let read = async {
        for _ in 0..50 {
            assert_eq!(run(&store, "- text F").await, "FFFFFFFFFF");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("there are connections to read with");
    assert_eq!(waiting().await, 1, "of all changes one has a connection");
    other.batch_execute("ROLLBACK").await.unwrap();
    for change in changes {
        change.await.unwrap().unwrap();
    }
    assert_eq!(store.list(None, 0, 100).await.unwrap().entries.len(), 21);
}

#[tokio::test]
async fn deadlines_hold_for_what_waits_for_a_store() {
    let Some(home) = in_postgres().await else { return };
    let service = Service::with(service::Settings { workers: 1, ..service::Settings::default() }, open(&home).await);
    let server = Server::of(api::Settings::default(), service).await;
    let made = server.send("/functions", &[], r#"{"formula": "x^2", "name": "f"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    let (other, connection) = tokio_postgres::connect(&home.settings.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    other.batch_execute("BEGIN; LOCK TABLE nablad_entries IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let begun = Instant::now();
    for (method, path, body) in [
        ("GET", "/functions", ""),
        ("GET", "/functions/f", ""),
        ("DELETE", "/functions/f", ""),
        ("POST", "/functions", r#"{"formula": "x^3"}"#),
        ("PUT", "/functions/f", r#"{"formula": "x^3"}"#),
    ] {
        let answer = server.ask(method, path, &[("request-timeout", "0.2")], body).await;
        let problem: Problem = serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        assert_eq!((answer.status, problem.slug()), (504, Some(Slug::DeadlineExceeded)), "{method} {path}: {answer:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "the store would have waited for a minute");
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(server.ask("DELETE", "/functions/f", &[], "").await.status, 204);
}

//! Memory and turns at the edge: who holds what, for how long, and that it is no more than there is.
//!
//! Nothing here waits for a time to pass: what is to happen is asked for until it has, and fails the test where it never does.

use std::time::{Duration, Instant};

use nablad::api::keys::{self, generate};
use nablad::api::{Settings, Setup};
use nablad::service::{self, Context, Preconditions, Service, Submission};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::support::{Answer, Server, until};

/// One worker, and some megabytes.
fn service(megabytes: usize, settings: service::Settings) -> Service {
    // one may wait behind another that is as long
    Service::start(service::Settings { workers: 1, memory_bytes: megabytes << 20, busy_wait: 1.0, ..settings })
}

/// Work that keeps the worker busy until it is aborted.
async fn occupied(service: &Service) -> JoinHandle<()> {
    let own = service.clone();
    let busy = tokio::spawn(async move {
        let work = |stop: &dyn Fn() -> bool| {
            while !stop() {
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        let _ = own.handwork(&Context::from(Duration::from_secs(60)), 1e9, work).await;
    });
    until("the worker is busy", || service.vitals().busy == 1).await;
    busy
}

/// A connection on which a request was sent, and nothing read.
async fn sent(server: &Server, path: &str, headers: &str, body: &[u8]) -> TcpStream {
    let mut stream = server.connect().await;
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    stream
}

fn coding(answer: &reqwest::Response) -> Option<&str> {
    answer.headers().get("content-encoding").map(|value| value.to_str().unwrap())
}

/// What never changes is packed once in each coding, and as work that is turned away where there is too much of it.
#[tokio::test]
async fn documents_are_packed_once() {
    let service = service(512, service::Settings { queue_requests: 1, ..service::Settings::default() });
    let server = Server::of(Settings::default(), service.clone()).await;
    let client = reqwest::Client::new();
    let ask = async |path: &str, coding: &str| client.get(server.url(path)).header("accept-encoding", coding).send().await.unwrap();
    let paths = ["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/openapi.json", "/ops"];
    let mut lengths = Vec::new();
    for path in paths {
        let answer = ask(path, "br").await;
        assert_eq!(coding(&answer), Some("br"), "{path}");
        lengths.push(answer.bytes().await.unwrap().len());
    }
    let busy = occupied(&service).await;
    for (path, length) in paths.into_iter().zip(lengths) {
        for _ in 0..20 {
            let answer = ask(path, "br").await;
            assert_eq!((answer.status().as_u16(), coding(&answer)), (200, Some("br")), "{path}");
            assert_eq!(answer.bytes().await.unwrap().len(), length);
        }
        // In a coding that nobody has asked for it would take a worker.
        let answer = ask(path, "gzip").await;
        assert_eq!((answer.status().as_u16(), coding(&answer)), (200, None), "{path}");
        assert!(answer.bytes().await.unwrap().len() > length);
    }
    assert_eq!((service.vitals().waiting, service.memory().used()), (1, 0));
    busy.abort();
    until("the worker is free", || service.vitals().waiting == 0).await;
    assert_eq!(coding(&ask("/openapi.json", "gzip").await), Some("gzip"));
    assert_eq!(coding(&ask("/docs/favicon-32x32.png", "br").await), None, "a picture is packed already");
}

/// Of clients that hang up while their requests wait nothing stays: neither what they sent nor their place.
#[tokio::test]
async fn who_hangs_up_leaves_nothing_behind() {
    let service = service(512, service::Settings::default());
    let server = Server::of(Settings::default(), service.clone()).await;
    let busy = occupied(&service).await;
    let body = format!(r#"{{"formula": "sin(x)", "points": {{"x": [{}0]}}}}"#, "0.5,".repeat(1_200_000));
    for packed in [false, true] {
        let bytes = if packed { zstd::encode_all(noise(5_000_000).as_bytes(), 1).unwrap() } else { body.clone().into_bytes() };
        let headers = if packed { "Content-Encoding: zstd\r\n" } else { "" };
        for _ in 0..3 {
            let waiting = sent(&server, "/value", headers, &bytes).await;
            until("it waits, and holds what it was sent", || {
                service.vitals().waiting == 2 && service.memory().used() >= bytes.len() as u64
            })
            .await;
            drop(waiting);
            until("nothing of it is left", || service.vitals().waiting == 1 && service.memory().used() == 0).await;
        }
    }
    busy.abort();
    until("the worker is free", || service.vitals().waiting == 0).await;
}

/// Text that no coding makes much shorter.
fn noise(length: u64) -> String {
    (0..length).map(|i| char::from(b' ' + (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8 % 90)).collect()
}

/// Unpacking is work within the request's deadline: what takes in millions of members and gives out nothing is stopped.
#[tokio::test]
async fn unpacking_ends_at_the_deadline() {
    let service = service(512, service::Settings::default());
    let server = Server::of(Settings::default(), service.clone()).await;
    let member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1)).finish().unwrap();
    let bytes = member.repeat((32 << 20) / member.len());
    let answer = server.send("/value", &[("content-encoding", "gzip"), ("request-timeout", "0.001")], bytes.clone()).await;
    assert_eq!(answer.status, 504, "{}", answer.text);
    until("the worker is free", || service.vitals().busy == 0 && service.vitals().waiting == 0).await;
    assert_eq!(service.memory().used(), 0);
    let answer = server.send("/value", &[("content-encoding", "gzip"), ("request-timeout", "60")], bytes).await;
    assert_eq!(answer.status, 400, "nothing is no JSON: {}", answer.text);
}

/// What is answered of the registry is counted as long as anybody has it, and a page has an end.
#[tokio::test]
async fn answers_of_the_registry_are_counted() {
    let service = service(64, service::Settings::default());
    let description = "é\n".repeat(1300);
    let context = || Context::from(Duration::from_secs(60));
    for i in 0..400 {
        let body = json!({"formula": format!("x + {i}"), "name": format!("f{i}"), "description": description}).to_string();
        let made = service.register(Submission { body: body.into(), context: context(), replaces: None }).await.unwrap();
        assert!(service.memory().used() >= made.body.len() as u64);
    }
    assert_eq!(service.memory().used(), 0);
    let long = json!({"formula": (0..20_000).map(|i| format!("x{i}")).collect::<Vec<_>>().join("+"), "name": "long"}).to_string();
    let made = service.register(Submission { body: long.into(), context: context(), replaces: None }).await.unwrap();
    assert!(made.body.len() > 100_000 && service.memory().used() >= made.body.len() as u64);
    drop(made);
    let shown = service.function("long", Preconditions::default(), context()).await.unwrap();
    assert!(service.memory().used() >= shown.body.as_ref().unwrap().len() as u64);
    drop(shown);
    let (mut cursor, mut names, mut pages) = (None::<String>, Vec::new(), Vec::new());
    loop {
        let page = service.functions(Some("1000"), cursor.as_deref(), context()).await.unwrap();
        assert!(page.len() <= (1 << 20) + 100, "{}", page.len());
        let read: Value = serde_json::from_slice(&page).unwrap();
        names.extend(read["functions"].as_array().unwrap().iter().map(|function| function["name"].as_str().unwrap().to_owned()));
        pages.push(page);
        let held: usize = pages.iter().map(|page| page.len()).sum();
        assert!(service.memory().used() >= held as u64 && service.memory().used() < (held + held / 2) as u64);
        match read["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert!(pages.len() > 1 && names.len() == 401, "{} pages, {} functions", pages.len(), names.len());
    assert!((0..400).all(|i| names[i] == format!("f{i}")), "in order, each once");
    // Where there is no room for a page there is none.
    let mut refused = 0;
    for _ in 0..100 {
        match service.functions(Some("1000"), None, context()).await {
            Ok(page) => pages.push(page),
            Err(failure) => refused += usize::from(failure.slug.name() == "overloaded"),
        }
    }
    assert!(refused > 30 && service.memory().used() <= 64 << 20, "{refused}");
    drop(pages);
    assert_eq!(service.memory().used(), 0);
}

async fn with_keys(lines: &[String], service: Service) -> Server {
    let keys = keys::Settings { list: lines.join(";"), ..keys::Settings::default() };
    Server::of(Setup::load(Settings::default(), &keys, &Default::default()).unwrap(), service).await
}

async fn ask(server: &Server, key: &str, body: &str) -> Answer {
    server.send("/value", &[("authorization", &format!("Bearer {key}"))], body).await
}

/// An answer of some megabytes, more than lies in the buffers of a connection.
const LONG: &str = r#"{"formula": "broadcast_to(x, shape=[1000, 1000]) + 0.123456789", "at": {"x": 0.1}}"#;
const SHORT: &str = r#"{"formula": "x^2", "at": {"x": 3}}"#;

/// An answer that nobody reads is a request in flight.
#[tokio::test]
async fn unread_answers_are_in_flight() {
    let ((slow, slow_line), (other, other_line)) = (generate("slow", "evaluate").unwrap(), generate("other", "evaluate").unwrap());
    let service = service(512, service::Settings::default());
    let server = with_keys(&[format!("{slow_line} rate=0 concurrent=1"), other_line], service.clone()).await;
    let mut stream = sent(&server, "/value", &format!("Authorization: Bearer {slow}\r\n"), LONG.as_bytes()).await;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    assert_eq!(ask(&server, &slow, SHORT).await.status, 429);
    assert_eq!(ask(&server, &other, SHORT).await.status, 200);
    drop(stream);
    let begun = Instant::now();
    while ask(&server, &slow, SHORT).await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the place is never free again");
    }
}

/// Whoever reads nothing fills his own share of the memory, and no other's.
#[tokio::test]
async fn unread_answers_fill_one_share() {
    let ((slow, slow_line), (other, other_line)) = (generate("slow", "evaluate").unwrap(), generate("other", "evaluate").unwrap());
    let service = service(300, service::Settings::default());
    let server = with_keys(&[format!("{slow_line} rate=0 concurrent=0"), other_line], service.clone()).await;
    let mut unread = Vec::new();
    let refused = loop {
        let mut stream = sent(&server, "/value", &format!("Authorization: Bearer {slow}\r\n"), LONG.as_bytes()).await;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        unread.push(stream);
        if &head != b"HTTP/1.1 200" {
            break head;
        }
        assert!(unread.len() < 100, "one caller takes all");
    };
    assert_eq!(&refused, b"HTTP/1.1 503");
    assert!(unread.len() > 3 && service.memory().used() <= 225 << 20, "{} answers, {} bytes", unread.len(), service.memory().used());
    for _ in 0..3 {
        let answer = ask(&server, &other, LONG).await;
        assert_eq!(answer.status, 200, "{}", &answer.text[..200.min(answer.text.len())]);
    }
}

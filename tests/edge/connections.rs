//! Connections: slow ones are cut, there is a most of them, and a shutdown lets what is in flight finish.

use std::time::{Duration, Instant};

use nablad::api::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Server, rest};

/// Every clock so long that it cannot be the one that rings.
fn patient() -> Settings {
    Settings {
        first_request_seconds: 60.0,
        header_seconds: 60.0,
        idle_seconds: 60.0,
        body_seconds: 60.0,
        body_gap_seconds: 60.0,
        ..Settings::default()
    }
}

const HEAD: &[u8] = b"POST /value HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n";
const GET: &[u8] = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";

/// The time from `start` until the other side closes.
async fn closes(stream: &mut TcpStream, start: Instant) -> Duration {
    rest(stream).await;
    start.elapsed()
}

#[tokio::test]
async fn slow_connections_are_closed() {
    let table: [(&str, Settings, &[u8]); 5] = [
        ("silent", Settings { first_request_seconds: 0.2, ..patient() }, b""),
        ("part of an HTTP/2 preface", Settings { first_request_seconds: 0.2, ..patient() }, b"PRI * HT"),
        ("part of a first head", Settings { header_seconds: 0.2, ..patient() }, b"GET / HTTP/1.1\r\nHos"),
        ("idle", Settings { idle_seconds: 0.2, ..patient() }, GET),
        ("part of a second head", Settings { header_seconds: 0.2, ..patient() }, b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"),
    ];
    for (name, settings, bytes) in table {
        let server = Server::with(settings).await;
        let start = Instant::now();
        let mut stream = server.connect().await;
        stream.write_all(bytes).await.unwrap();
        if name.contains("second") {
            let mut answer = [0; 1000];
            let size = stream.read(&mut answer).await.unwrap();
            assert!(answer[..size].starts_with(b"HTTP/1.1 200"));
            stream.write_all(b"GET /li").await.unwrap();
        }
        let time = closes(&mut stream, start).await;
        assert!((Duration::from_millis(150)..Duration::from_secs(2)).contains(&time), "{name}: {time:?}");
    }
}

#[tokio::test]
async fn a_slow_head_is_cut_however_busy_it_looks() {
    let server = Server::with(Settings { header_seconds: 0.3, ..patient() }).await;
    let start = Instant::now();
    let mut stream = server.connect().await;
    let mut sent = 0;
    while stream.write_all(b"G").await.is_ok() && start.elapsed() < Duration::from_secs(3) {
        sent += 1;
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{sent} bytes in {:?}", start.elapsed());
}

/// The preface of HTTP/2 and empty SETTINGS.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn pings_are_no_requests() {
    let server = Server::with(Settings { idle_seconds: 0.3, ..patient() }).await;
    let start = Instant::now();
    let mut stream = server.connect().await;
    // HEADERS of stream 1: GET and http from the static table, path and authority as literals.
    let head = [&[0x82, 0x86, 0x44, 6][..], b"/livez", &[0x41, 1], b"a"].concat();
    let frame = [&[0, 0, head.len() as u8, 1, 5, 0, 0, 0, 1], &head[..]].concat();
    stream.write_all(&[PREFACE, &frame].concat()).await.unwrap();
    let ping = [&[0, 0, 8, 6, 0, 0, 0, 0, 0][..], &[7; 8]].concat();
    let mut sent = 0;
    while stream.write_all(&ping).await.is_ok() && start.elapsed() < Duration::from_secs(3) {
        sent += 1;
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert!(sent > 3 && start.elapsed() < Duration::from_secs(2), "{sent} pings in {:?}", start.elapsed());
}

#[tokio::test]
async fn http2_says_what_it_takes() {
    let server = Server::with(patient()).await;
    let mut stream = server.connect().await;
    stream.write_all(PREFACE).await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let mut settings = vec![0; usize::from(head[2])];
    stream.read_exact(&mut settings).await.unwrap();
    let setting = |id: u16| {
        let found = settings.chunks(6).find(|setting| setting[..2] == id.to_be_bytes());
        found.map(|setting| u32::from_be_bytes(setting[2..].try_into().unwrap()))
    };
    // SETTINGS_MAX_CONCURRENT_STREAMS and SETTINGS_MAX_HEADER_LIST_SIZE: together half a megabyte of headers a connection.
    assert_eq!((setting(3), setting(6)), (Some(32), Some(16 << 10)));
}

#[tokio::test]
async fn slow_bodies_are_408() {
    for settings in [Settings { body_gap_seconds: 0.2, ..patient() }, Settings { body_seconds: 0.2, ..patient() }] {
        let server = Server::with(settings).await;
        let answer = server.raw(HEAD).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("/problems/request-timeout"), "{answer}");
    }
}

#[tokio::test]
async fn connections_have_a_most() {
    let server = Server::with(Settings { connections: 1, ..patient() }).await;
    let mut first = server.connect().await;
    first.write_all(GET).await.unwrap();
    let mut answer = [0; 12];
    first.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    assert_eq!(server.raw(GET).await, "");
    drop(first);
    // The slot comes back when the server has noticed.
    for _ in 0..100 {
        if server.raw(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.starts_with("HTTP/1.1 200") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the slot never came back");
}

#[tokio::test]
async fn a_shutdown_lets_requests_finish() {
    let mut server = Server::with(patient()).await;
    let mut idle = server.connect().await;
    let mut busy = server.connect().await;
    let body = br#"{"formula": "x^2", "at": {"x": 3}}      "#;
    busy.write_all(HEAD).await.unwrap();
    busy.write_all(&body[..10]).await.unwrap();
    // The head must have arrived before the shutdown for the request to be one in flight.
    idle.write_all(GET).await.unwrap();
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.stop();
    rest(&mut idle).await;
    assert!(TcpStream::connect(server.address).await.is_err(), "no new connections");
    busy.write_all(&body[10..]).await.unwrap();
    let answer = rest(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.stopped().await;
}

#[tokio::test]
async fn a_drain_ends() {
    let mut server = Server::with(Settings { drain_seconds: 0.2, ..patient() }).await;
    let mut busy = server.connect().await;
    busy.write_all(HEAD).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let start = Instant::now();
    server.stop();
    server.stopped().await;
    assert!((Duration::from_millis(150)..Duration::from_secs(2)).contains(&start.elapsed()), "{:?}", start.elapsed());
}

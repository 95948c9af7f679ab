//! What lies between bytes and requests: content codings, TLS, HTTP/2, other origins, and readers who are slow.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nablad::api::{Settings, Setup};
use nablad::service::{self, Endpoint, Service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::support::{Server, rest, until};

const CODINGS: [&str; 3] = ["gzip", "zstd", "br"];

fn packed(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap()
        }
        "zstd" => zstd::encode_all(bytes, 3).unwrap(),
        _ => {
            let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
            writer.write_all(bytes).unwrap();
            writer.into_inner()
        }
    }
}

fn unpacked(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    match coding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut whole),
        "zstd" => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_end(&mut whole),
        _ => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut whole),
    }
    .unwrap();
    whole
}

/// A request whose answer is long.
fn points(count: usize) -> String {
    let points: Vec<String> = (0..count).map(|i| (i as f64 * 0.37).to_string()).collect();
    format!(r#"{{"formula": "sin(x)", "points": {{"x": [{}]}}}}"#, points.join(","))
}

#[tokio::test]
async fn bodies_and_answers_are_packed() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    for count in [100, 20_000] {
        let body = points(count);
        let plain = server.send("/gradient", &[], body.as_str()).await;
        assert!(!plain.headers.contains_key("content-encoding") && plain.text.len() > 1024);
        for coding in CODINGS {
            let request = client.post(server.url("/gradient")).body(packed(coding, body.as_bytes()));
            let response = request.header("content-encoding", coding).header("accept-encoding", coding).send().await.unwrap();
            assert_eq!(response.status().as_u16(), 200, "{coding}");
            assert_eq!(response.headers()["content-encoding"], coding);
            assert_eq!(response.headers()["vary"], "Accept-Encoding");
            let length: Option<usize> = response.headers().get("content-length").map(|length| length.to_str().unwrap().parse().unwrap());
            assert_eq!(length.is_some(), count == 100, "what is long is packed while it goes");
            let bytes = response.bytes().await.unwrap();
            assert!(length.is_none_or(|length| length == bytes.len()), "{coding}: {length:?}");
            assert!(bytes.len() < plain.text.len() * 2 / 3, "{coding}: {}", bytes.len());
            assert_eq!(unpacked(coding, &bytes), plain.text.as_bytes(), "{coding}");
        }
    }
    let short = server.send("/value", &[("accept-encoding", "gzip")], r#"{"formula": "x", "at": {"x": 1}}"#).await;
    assert!(!short.headers.contains_key("content-encoding"), "what is short stays as it is");
    let page = client.get(server.url("/docs/swagger-ui.css")).header("accept-encoding", "br").send().await.unwrap();
    assert_eq!(
        (&page.headers()["content-encoding"], &page.headers()["vary"]),
        (&"br".parse().unwrap(), &"Accept-Encoding".parse().unwrap())
    );
}

/// What is not worth compressing is not, though its length is not known before it is printed.
#[tokio::test]
async fn pieces_of_short_answers_are_not_packed() {
    for (least, coding) in [(1 << 20, None), (64 << 10, Some("gzip"))] {
        let server = Server::with(Settings { compress_bytes: least, ..Settings::default() }).await;
        let request = reqwest::Client::new().post(server.url("/gradient")).header("accept-encoding", "gzip").body(points(10_000));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers().get("content-encoding").map(|coding| coding.to_str().unwrap()), coding);
        assert_eq!(answer.headers().get("content-length"), None);
    }
}

#[tokio::test]
async fn bombs_and_broken_bodies_are_refused() {
    let service = Service::start(service::Settings { workers: 1, memory_bytes: 8 << 20, ..service::Settings::default() });
    let server = Server::of(Settings { body_bytes: 1 << 20, ..Settings::default() }, service.clone()).await;
    let roomy = Server::of(Settings::default(), service.clone()).await;
    let bomb = vec![b' '; 60 << 20];
    for coding in CODINGS {
        let small = packed(coding, &bomb);
        assert!(small.len() < 1 << 17);
        let header = [("content-encoding", coding)];
        let refused = server.send("/value", &header, small.clone()).await;
        assert_eq!(refused.status, 413, "{coding}: {}", refused.text);
        assert!(refused.text.contains("http.body_bytes"), "{}", refused.text);
        // Within the limit of bodies, and more than there is room for.
        let refused = roomy.send("/value", &header, small.clone()).await;
        assert_eq!((refused.status, refused.text.contains("service.memory_bytes")), (422, true), "{coding}: {}", refused.text);
        let honest = packed(coding, br#"{"formula": "x^2", "at": {"x": 3}}"#);
        assert_eq!(server.send("/value", &header, honest.clone()).await.text, r#"{"value":{"f":9.0}}"#);
        for broken in [&honest[..honest.len() - 3], b"{\"formula\": \"x\"}", b""] {
            let refused = server.send("/value", &header, broken).await;
            assert!(refused.status == 400 && refused.text.contains("bad-request"), "{coding}: {}", refused.text);
        }
    }
    let refused = server.send("/value", &[("content-encoding", "deflate")], "{}").await;
    assert_eq!((refused.status, refused.headers["accept-encoding"].to_str().unwrap()), (415, "zstd, gzip, br"));
    assert_eq!(service.memory().used(), 0, "what was held was given back");
}

#[tokio::test]
async fn other_origins_ask_where_they_may() {
    let preflight = [("origin", "https://a.example"), ("access-control-request-method", "POST")];
    for (setting, status, allowed, vary) in [
        ("", 405, None, None),
        ("*", 204, Some("*"), None),
        ("https://a.example, https://b.example", 204, Some("https://a.example"), Some("Origin")),
        ("https://b.example", 204, None, Some("Origin")),
    ] {
        let server = Server::with(Settings { cors_origins: setting.to_owned(), ..Settings::default() }).await;
        let answer = server.ask("OPTIONS", "/gradient", &preflight, "").await;
        let header = |answer: &crate::support::Answer, name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(answer.status, status, "{setting}");
        assert_eq!(header(&answer, "access-control-allow-origin").as_deref(), allowed, "{setting}");
        assert_eq!(header(&answer, "access-control-allow-methods").is_some(), allowed.is_some(), "{setting}");
        let answer = server.ask("POST", "/nowhere", &preflight[..1], "").await;
        assert_eq!((answer.status, header(&answer, "access-control-allow-origin").as_deref()), (404, allowed), "{setting}");
        assert_eq!(header(&answer, "vary").as_deref(), vary, "{setting}");
    }
}

/// A copy of a certificate and its key that can be replaced.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Files {
        let files = Files(std::env::temp_dir().join(format!("nablad-tls-{}-{name}", std::process::id())));
        std::fs::create_dir_all(&files.0).unwrap();
        files
    }

    fn put(&self, which: &str) {
        for end in ["pem", "key"] {
            let from = format!("{}/tests/edge/tls/{which}.{end}", env!("CARGO_MANIFEST_DIR"));
            std::fs::copy(from, self.0.join(format!("own.{end}"))).unwrap();
        }
    }

    fn settings(&self) -> Settings {
        let path = |name: &str| self.0.join(name).to_str().unwrap().to_owned();
        Settings { tls_certificate: path("own.pem"), tls_key: path("own.key"), ..Settings::default() }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a server answers to a request for `/livez` whose certificate must be that one.
async fn over_tls(server: &Server, which: &str, protocol: &[u8]) -> std::io::Result<String> {
    let file = format!("{}/tests/edge/tls/{which}.pem", env!("CARGO_MANIFEST_DIR"));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let tcp = TcpStream::connect(server.address).await?;
    let mut stream = TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), tcp).await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
    if protocol == b"h2" {
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).await?;
        return Ok(format!("frame {}", frame[3]));
    }
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn tls_with_a_certificate_that_is_renewed() {
    let files = Files::new("renewed");
    files.put("first");
    let setup = Setup::load(files.settings(), &Default::default(), &Default::default()).unwrap();
    assert!(setup.is_encrypted());
    let reload = setup.reload();
    let server = Server::set_up(setup).await;
    let answer = over_tls(&server, "first", b"http/1.1").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(r#"{"status":"ok"}"#), "{answer}");
    assert_eq!(over_tls(&server, "first", b"h2").await.unwrap(), "frame 4");
    assert!(over_tls(&server, "second", b"h2").await.is_err(), "the client looks at the certificate");
    // Nor does the health check trust just anybody.
    let certificate = |which: &str| format!("{}/tests/edge/tls/{which}.pem", env!("CARGO_MANIFEST_DIR"));
    let own = |which: &str| vec![("NABLAD__HTTP__TLS_CERTIFICATE", certificate(which)), ("NABLAD__HTTP__TLS_KEY", certificate(which))];
    let port = server.address.port();
    for (host, arguments, settings, healthy) in [
        ("localhost", vec!["--ca".to_owned(), certificate("first")], vec![], true),
        ("127.0.0.1", vec!["--ca".to_owned(), certificate("first")], vec![], false),
        ("localhost", vec!["--ca".to_owned(), certificate("second")], vec![], false),
        ("127.0.0.1", vec![], own("first"), true),
        ("127.0.0.1", vec![], own("second"), false),
        ("127.0.0.1", vec![], vec![], false),
    ] {
        let url = format!("https://{host}:{port}/readyz");
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_nablad"));
        command.args(["healthcheck", "--url", &url]).args(&arguments).envs(settings.clone());
        let output = command.output().await.unwrap();
        assert_eq!(output.status.success(), healthy, "{host} {arguments:?} {settings:?}: {output:?}");
    }
    // Who does not speak TLS gets no answer that is one.
    assert!(!server.raw(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").await.contains("200"));
    files.put("second");
    reload.notify_one();
    let begun = Instant::now();
    while over_tls(&server, "second", b"http/1.1").await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(8), "the new certificate is never shown");
    }
    // What cannot be read changes nothing.
    std::fs::write(files.0.join("own.key"), "no key").unwrap();
    reload.notify_one();
    assert!(over_tls(&server, "second", b"http/1.1").await.is_ok());
}

#[test]
fn certificates_that_are_no_good_are_named() {
    let files = Files::new("bad");
    let error = |settings: Settings| Setup::load(settings, &Default::default(), &Default::default()).unwrap_err();
    assert!(error(files.settings()).contains("own.pem"));
    files.put("first");
    assert!(error(Settings { tls_key: String::new(), ..files.settings() }).contains("together"));
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/edge/tls/second.key"), files.0.join("own.key")).unwrap();
    assert!(error(files.settings()).contains("own.pem with"), "{}", error(files.settings()));
    std::fs::write(files.0.join("own.key"), "").unwrap();
    assert!(error(files.settings()).contains("own.key"));
}

/// Long answers go piece by piece as they are printed, and are those that are made in one.
#[tokio::test]
async fn long_answers_go_in_pieces() {
    let service = Service::start(service::Settings { workers: 2, ..service::Settings::default() });
    let server = Server::of(Settings::default(), service.clone()).await;
    let list = |count: usize| (0..count).map(|i| (i as f64 * 0.37).to_string()).collect::<Vec<_>>();
    let rows: Vec<String> = list(9000).into_iter().map(|x| format!(r#"{{"x":{x}}}"#)).collect();
    for (endpoint, body) in [
        (Endpoint::Gradient, points(9000)),
        (Endpoint::Gradient, format!(r#"{{"formula": "sin(x)", "points": [{}]}}"#, rows.join(","))),
        (Endpoint::Jacobian, format!(r#"{{"formula": "x^2", "at": {{"x": [{}]}}}}"#, list(200).join(","))),
        (Endpoint::Value, r#"{"formula": "broadcast_to(x, shape=[100, 100])", "points": [{"x":0.1},{"x":0.2}]}"#.to_owned()),
        (Endpoint::Value, format!(r#"{{"formula": "log(x)", "points": [{}], "diagnostics": true}}"#, rows.join(","))),
    ] {
        let whole = service.answer_blocking(endpoint, body.as_bytes()).unwrap();
        let path = format!("/{}", endpoint.name());
        let answer = server.send(&path, &[], body.as_str()).await;
        assert_eq!((answer.status, answer.headers.get("content-length")), (200, None));
        assert!(answer.text.as_bytes() == whole, "{path}");
        // to HTTP/1.0 until the connection ends
        let head = format!("POST {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len());
        let old = server.raw(&[head.as_bytes(), body.as_bytes()].concat()).await;
        assert!(old.starts_with("HTTP/1.0 200 ") && old.as_bytes().ends_with(&whole), "{path}");
    }
    until("all is given back", || service.memory().used() == 0).await;
}

/// A request for an answer of some megabytes.
fn long_request() -> Vec<u8> {
    let body = r#"{"formula": "broadcast_to(x, shape=[1000, 1000]) + 0.123456789", "at": {"x": 0.1}}"#;
    format!("POST /value HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn slow_readers_are_cut() {
    for settings in [Settings { answer_gap_seconds: 0.3, ..Settings::default() }, Settings { answer_seconds: 0.3, ..Settings::default() }] {
        let service = Service::start(service::Settings { workers: 1, ..service::Settings::default() });
        let server = Server::of(settings, service.clone()).await;
        let mut stream = server.connect().await;
        stream.write_all(&long_request()).await.unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        assert!(service.memory().used() > 1 << 20, "the answer is counted while it waits");
        let begun = Instant::now();
        while service.memory().used() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(8), "the answer is kept for a reader who does not read");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let answer = rest(&mut stream).await;
        assert!(answer.len() < 15_000_000, "the connection was not cut");
    }
}

/// The same on HTTP/2 with prior knowledge, whose reader opens no window: the preface, empty SETTINGS, HEADERS and DATA of stream 1.
fn long_request_http2() -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&size[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
    };
    // HPACK: POST and http from the static table, the path and the authority as literals.
    let head = [&[0x83, 0x86, 0x44, 6][..], b"/value", &[0x41, 1], b"a"].concat();
    let body = br#"{"formula": "broadcast_to(x, shape=[1000, 1000]) + 0.123456789", "at": {"x": 0.1}}"#;
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, b""), frame(1, 4, 1, &head), frame(0, 1, 1, body)].concat()
}

#[tokio::test]
async fn readers_who_open_no_window_are_cut() {
    let service = Service::start(service::Settings { workers: 1, ..service::Settings::default() });
    let server = Server::of(Settings { answer_gap_seconds: 0.3, ..Settings::default() }, service.clone()).await;
    let mut stream = server.connect().await;
    stream.write_all(&long_request_http2()).await.unwrap();
    let begun = Instant::now();
    while service.memory().used() < 1 << 20 {
        assert!(begun.elapsed() < Duration::from_secs(8), "there is no answer");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    while service.memory().used() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(8), "the answer is kept for a reader who opens no window");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(rest(&mut stream).await.len() < 200_000);
}

#[tokio::test]
async fn readers_who_read_get_all() {
    let server = Server::with(Settings { answer_gap_seconds: 5.0, ..Settings::default() }).await;
    let answer = server.send("/value", &[], r#"{"formula": "broadcast_to(x, shape=[300, 300]) + 0.1", "at": {"x": 0.1}}"#).await;
    assert_eq!((answer.status, answer.text.matches(',').count()), (200, 300 * 300 - 1));
    assert!(answer.text.ends_with("]]}}"));
}

//! API keys over HTTP: what takes one, what is answered without, and the limits of each.

use std::io::Write;

use nablad::api::keys::{self, generate};
use nablad::api::{Settings, Setup};
use nablad::wire::problem::Problem;

use crate::support::{Answer, Server};

async fn server(lines: &[&str], settings: keys::Settings) -> Server {
    let settings = keys::Settings { list: lines.join(";"), ..settings };
    Server::set_up(Setup::load(Settings::default(), &settings, &Default::default()).unwrap()).await
}

async fn ask(server: &Server, method: &str, path: &str, key: &str) -> Answer {
    let body = r#"{"formula": "x^2", "at": {"x": 3}}"#;
    let authorization = format!("Bearer {key}");
    let headers: &[(&str, &str)] = if key.is_empty() { &[] } else { &[("authorization", &authorization)] };
    server.ask(method, path, headers, if method == "POST" { body } else { "" }).await
}

fn slug(answer: &Answer) -> String {
    match serde_json::from_str::<Problem>(&answer.text) {
        Ok(problem) => problem.kind.rsplit('/').next().unwrap().to_owned(),
        Err(_) => "none".to_owned(),
    }
}

#[tokio::test]
async fn routes_take_keys_with_their_scopes() {
    let (eve, eve_line) = generate("eve", "evaluate").unwrap();
    let (root, root_line) = generate("root", "admin").unwrap();
    let (reg, reg_line) = generate("reg", "register").unwrap();
    let server = server(&[&eve_line, &root_line, &reg_line], keys::Settings::default()).await;
    let wrong = format!("{eve}0");
    for (method, path, key, status) in [
        ("POST", "/value", &*eve, 200),
        ("POST", "/value", "", 401),
        ("POST", "/value", &*wrong, 401),
        ("POST", "/value", &*root, 403),
        ("POST", "/gradient", &*reg, 403),
        ("GET", "/value", "", 401),
        ("GET", "/metrics", &*root, 200),
        ("GET", "/metrics", &*eve, 403),
        ("GET", "/metrics", "", 401),
        ("GET", "/livez", "", 200),
        ("GET", "/readyz", &*wrong, 200),
        ("GET", "/openapi.json", "", 200),
        ("GET", "/docs", "", 200),
        ("GET", "/docs/start.js", "", 200),
        ("GET", "/ops", "", 200),
        ("GET", "/info", "", 200),
        ("GET", "/problems/unauthorized", "", 200),
        ("GET", "/nowhere", "", 404),
    ] {
        let answer = ask(&server, method, path, key).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        let challenge = answer.headers.get("www-authenticate").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let expected = match status {
            401 if key.is_empty() => "Bearer realm=\"nablad\"",
            401 => "Bearer realm=\"nablad\", error=\"invalid_token\"",
            403 if path == "/metrics" => "Bearer realm=\"nablad\", error=\"insufficient_scope\", scope=\"admin\"",
            403 => "Bearer realm=\"nablad\", error=\"insufficient_scope\", scope=\"evaluate\"",
            _ => "",
        };
        assert_eq!(challenge, expected, "{method} {path}");
        if [401, 403].contains(&status) {
            assert_eq!(answer.headers["content-type"], "application/problem+json");
            assert_eq!(slug(&answer), if status == 401 { "unauthorized" } else { "forbidden" });
            assert!(!answer.text.contains(&eve[..20]), "an answer repeats a key");
            assert_eq!(answer.headers.contains_key("ratelimit"), status == 403, "what is asked in vain is counted, and said");
        }
    }
}

#[tokio::test]
async fn keys_have_limits() {
    let (slow, slow_line) = generate("slow", "evaluate").unwrap();
    let (other, other_line) = generate("other", "evaluate").unwrap();
    let server = server(&[&format!("{slow_line} rate=0.01 burst=3"), &other_line], keys::Settings::default()).await;
    for (left, method, path, status) in [(2, "POST", "/value", 200), (1, "GET", "/metrics", 403), (0, "POST", "/value", 200)] {
        let answer = ask(&server, method, path, &slow).await;
        assert_eq!(answer.status, status);
        let said = answer.headers["ratelimit"].to_str().unwrap();
        assert!(said.starts_with(&format!("\"rate\";r={left};t=")), "{said}");
        assert_eq!(answer.headers["ratelimit-policy"], "\"rate\";q=3;w=300, \"concurrent\";q=256;qu=\"concurrent-requests\"");
    }
    let answer = ask(&server, "POST", "/value", &slow).await;
    assert_eq!((answer.status, &*slug(&answer)), (429, "rate-limited"));
    let after: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((90..=100).contains(&after), "{after}");
    assert!(answer.headers["ratelimit"].to_str().unwrap().starts_with("\"rate\";r=0;t="));
    assert_eq!(ask(&server, "POST", "/value", &other).await.status, 200, "one key's limit is not another's");
}

#[tokio::test]
async fn requests_in_flight_are_counted_by_key() {
    use tokio::io::AsyncWriteExt;
    let (key, line) = generate("one", "evaluate").unwrap();
    let server = server(&[&format!("{line} rate=0 concurrent=1")], keys::Settings::default()).await;
    let mut stream = server.connect().await;
    let head = format!("POST /value HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Length: 34\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // The first waits for its body; as soon as it is known, a second is one too many.
    let mut refused = None;
    for _ in 0..500 {
        let answer = ask(&server, "POST", "/value", &key).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("two at once are one too many");
    assert_eq!((refused.headers["retry-after"].to_str().unwrap(), &*slug(&refused)), ("1", "rate-limited"));
    stream.write_all(br#"{"formula": "x^2", "at": {"x": 3}}"#).await.unwrap();
    let mut answered = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut answered).await.unwrap();
    assert_eq!(&answered, b"HTTP/1.1 200");
    for _ in 0..500 {
        if ask(&server, "POST", "/value", &key).await.status == 200 {
            return;
        }
    }
    panic!("the place is never free again");
}

#[tokio::test]
async fn a_file_of_keys_is_read_again() {
    let path = std::env::temp_dir().join(format!("nablad-keys-{}", std::process::id()));
    let (old, old_line) = generate("a", "evaluate").unwrap();
    let (new, new_line) = generate("a", "evaluate").unwrap();
    let write = |text: &str| std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    write(&old_line);
    let settings = keys::Settings { file: path.to_str().unwrap().to_owned(), ..keys::Settings::default() };
    let setup = Setup::load(Settings::default(), &settings, &Default::default()).unwrap();
    let reload = setup.reload();
    let server = Server::set_up(setup).await;
    assert_eq!(ask(&server, "POST", "/value", &old).await.status, 200);
    // A line that is none leaves its key as it was, and other lines are read nevertheless.
    write(&format!("{}x", old_line.replace(" evaluate", " evaluat")));
    reload.notify_one();
    assert_eq!(ask(&server, "POST", "/value", &old).await.status, 200);
    write(&format!("{new_line}\nbob blake3:1 evaluate"));
    reload.notify_one();
    let mut seen = false;
    for _ in 0..1000 {
        if ask(&server, "POST", "/value", &new).await.status == 200 {
            seen = true;
            break;
        }
    }
    assert!(seen, "the new key is never known");
    assert_eq!(ask(&server, "POST", "/value", &old).await.status, 401, "a line that is gone withdraws its key");
    // A file that is empty lets nobody in.
    write("# nobody");
    reload.notify_one();
    for _ in 0..1000 {
        if ask(&server, "POST", "/value", &new).await.status == 401 {
            assert_eq!(ask(&server, "POST", "/value", "").await.status, 401);
            let _ = std::fs::remove_file(&path);
            return;
        }
    }
    panic!("an empty file changes nothing");
}

#[test]
fn the_example_file_is_good() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/keys.example").to_owned();
    let settings = keys::Settings { file: path, ..keys::Settings::default() };
    assert_eq!(keys::Keys::load(&settings).unwrap().unwrap().count(), 2);
}

/// What one owner registers another neither sees nor uses nor deletes, unless it is public.
#[tokio::test]
async fn owners_are_apart() {
    let both = "evaluate,register";
    let ((alice, alice_line), (bob, bob_line)) = (generate("alice", both).unwrap(), generate("bob", both).unwrap());
    let (second, second_line) = generate("alice", both).unwrap();
    let (reader, reader_line) = generate("reader", "evaluate").unwrap();
    let server = server(&[&alice_line, &bob_line, &second_line, &reader_line], keys::Settings::default()).await;
    let send = async |method: &str, path: &str, key: &str, body: &str| {
        let authorization = format!("Bearer {key}");
        server.ask(method, path, &[("authorization", &authorization)], body).await
    };
    let own = send("POST", "/functions", &alice, r#"{"formula": "x^2", "name": "own"}"#).await;
    assert_eq!(own.status, 201, "{}", own.text);
    let public = send("POST", "/functions", &alice, r#"{"formula": "x^3", "name": "shown", "public": true}"#).await;
    assert_eq!(public.status, 201, "{}", public.text);
    let at = r#"{"at": {"x": 3}}"#;
    let (by_own, by_shown) = (r#"{"function": "own", "at": {"x": 3}}"#, r#"{"function": "shown", "at": {"x": 3}}"#);
    for (method, path, key, body, status) in [
        ("POST", "/functions/own/value", &alice, at, 200),
        ("POST", "/functions/own/value", &second, at, 200),
        ("POST", "/value", &alice, by_own, 200),
        ("GET", "/functions/own", &bob, "", 404),
        ("POST", "/functions/own/value", &bob, at, 404),
        ("POST", "/functions/own/value", &reader, at, 404),
        ("POST", "/value", &bob, by_own, 404),
        ("DELETE", "/functions/own", &bob, "", 404),
        ("POST", "/functions/shown/value", &bob, at, 200),
        ("POST", "/value", &reader, by_shown, 200),
        ("DELETE", "/functions/shown", &reader, "", 403),
        ("POST", "/functions", &reader, r#"{"formula": "x"}"#, 403),
        ("DELETE", "/functions/own", &second, "", 204),
        ("GET", "/functions/own", &alice, "", 404),
    ] {
        let answer = send(method, path, key, body).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.text);
    }
    // Another's public function can be seen and not deleted.
    assert!([403, 404].contains(&send("DELETE", "/functions/shown", &bob, "").await.status));
    assert_eq!(send("GET", "/functions/shown", &bob, "").await.status, 200);
    assert!(!send("GET", "/functions", &bob, "").await.text.contains("\"own\""));
}

//! The typed client against a server, and against one that is busy.

use std::time::Duration;

use nablad::client::{Client, Error, Retries};
use nablad::wire::problem::Slug;
use nablad::wire::request::ValueRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::Server;

#[tokio::test]
async fn the_server_speaks_of_itself() {
    let server = Server::start().await;
    let client = Client::new(&server.url("")).unwrap();
    assert_eq!(client.livez().await.unwrap().status, "ok");
    assert_eq!(client.readyz().await.unwrap().status, "ok");
    let info = client.info().await.unwrap();
    assert_eq!((info.name.as_str(), info.version.as_str()), ("nablad", env!("CARGO_PKG_VERSION")));
    assert_eq!((info.limits["limits.nodes"], info.limits["http.body_bytes"]), (1e6, 67_108_864.0));
    client.ops().await.unwrap();
    assert_eq!(client.openapi().await.unwrap()["info"]["title"], "nablad");
}

#[tokio::test]
async fn keys_are_sent_and_not_shown() {
    let (key, line) = nablad::api::keys::generate("a", "evaluate").unwrap();
    let keys = nablad::api::keys::Settings { list: line, ..Default::default() };
    let setup = nablad::api::Setup::load(Default::default(), &keys, &Default::default()).unwrap();
    let server = Server::set_up(setup).await;
    let request = ValueRequest::new("x^2").at("x", 3.0);
    let builder = Client::builder(&server.url("")).key(&key);
    assert!(!format!("{builder:?}").contains(&key));
    assert!(builder.build().unwrap().value(&request).await.is_ok());
    match Client::new(&server.url("")).unwrap().value(&request).await {
        Err(Error::Problem(problem)) => assert_eq!(problem.slug(), Some(Slug::Unauthorized)),
        other => panic!("{other:?}"),
    }
    assert!(matches!(Client::builder(&server.url("")).key("a\nb").build(), Err(Error::Key)));
}

#[tokio::test]
async fn problems_are_typed() {
    let settings = nablad::api::Settings { body_bytes: 10, ..nablad::api::Settings::default() };
    let server = Server::with(settings).await;
    let client = Client::new(&server.url("")).unwrap();
    match client.value(&ValueRequest::new("x").at("x", 1.0)).await {
        Err(Error::Problem(problem)) => {
            assert_eq!((problem.slug(), problem.limit.as_deref()), (Some(Slug::BodyTooLarge), Some("http.body_bytes")));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(Client::new("no url"), Err(Error::Url(_))));
}

/// Answers 503 so many times, then 200; says how many requests came.
async fn busy(times: usize) -> (String, tokio::task::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut count = 0;
        loop {
            let Ok(Ok((mut stream, _))) = tokio::time::timeout(Duration::from_millis(700), listener.accept()).await else { return count };
            let _ = stream.read(&mut [0; 4096]).await;
            let (status, body) = if count < times {
                let body = r#"{"type":"/problems/overloaded","title":"The server is busy","status":503,"detail":"","instance":"i"}"#;
                ("503 Service Unavailable\r\nRetry-After: 0", body)
            } else {
                ("200 OK", r#"{"status":"ok"}"#)
            };
            count += 1;
            let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, served)
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let quick = Retries { most: 3, base: Duration::from_millis(5), longest: Duration::from_millis(20) };
    for (times, retries, good, asked) in [(2, quick, true, 3), (9, quick, false, 4), (1, Retries::none(), false, 1)] {
        let (url, served) = busy(times).await;
        let outcome = Client::builder(&url).retries(retries).build().unwrap().livez().await;
        assert_eq!(outcome.is_ok(), good, "{outcome:?}");
        assert_eq!(served.await.unwrap(), asked);
    }
    let nobody = Client::builder("http://127.0.0.1:1").retries(quick).build().unwrap();
    assert!(matches!(nobody.livez().await, Err(Error::Transport(_))));
}

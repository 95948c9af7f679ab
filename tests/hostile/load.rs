//! Time and room: deadlines, clients that hang up, a full queue, a shutdown.
//!
//! Nothing here waits for a time to pass. Work that would take half a minute is begun, and what comes after it is answered in seconds.

use std::time::{Duration, Instant};

use nablad::service::{Limits, Service, Settings};
use nablad::wire::problem::Problem;
use tokio::io::AsyncWriteExt;

use crate::support::{Answer, Server};

/// Far longer than anything here takes, far shorter than the work takes that is stopped.
const SOON: Duration = Duration::from_secs(8);

/// Work of half a minute and more, each of another kind: many points, one large product, many products, many directions.
fn heavy() -> Vec<(&'static str, &'static str, String)> {
    let terms = |n: usize| (0..n).map(|i| format!("sin(x*{i}+exp(cos(x+{i})))")).collect::<Vec<_>>().join("+");
    let points = format!("[{}0]", "0.5,".repeat(400_000));
    let product = |m: usize, n: usize| {
        let side = |i: usize| format!("add({i}/7, broadcast_to(x, shape=[{m},{m}]))");
        (1..n).fold(side(0), |product, i| format!("matmul({product}, {})", side(i)))
    };
    let large = |m: usize, n: usize| format!("sum({})", product(m, n));
    vec![
        ("points", "/gradient", format!(r#"{{"formula":"{}","points":{{"x":{points}}}}}"#, terms(1000))),
        ("one product", "/value", format!(r#"{{"formula":"{}","at":{{"x":0.5}}}}"#, large(3400, 2))),
        ("products", "/gradient", format!(r#"{{"formula":"{}","at":{{"x":0.5}}}}"#, large(1200, 7))),
        (
            "directions",
            "/jacobian",
            format!(
                r#"{{"formula":"z = x + sum(x); {}","mode":"forward","at":{{"x":[{}0.5]}}}}"#,
                terms(1000).replace('x', "z").replace("ezp", "exp"),
                "0.5,".repeat(1500)
            ),
        ),
    ]
}

/// A new function each time: found in no cache, so compiled by a worker.
fn fresh(seed: usize) -> String {
    format!(r#"{{"formula":"x^2 + {seed}","at":{{"x":3}}}}"#)
}

async fn one_worker() -> Server {
    // What these pieces of work cost is not what is on trial.
    let limits = Limits { flops: 1e15, live_elements: 1 << 40, work_bytes: 1 << 40, deadline_seconds: 60.0, ..Limits::default() };
    Server::of(nablad::api::Settings::default(), Service::start(Settings { workers: 1, limits, ..Settings::default() })).await
}

fn is_problem(answer: &Answer, status: u16, slug: &str) -> Problem {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let problem: Problem = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(problem.kind, format!("/problems/{slug}"), "{problem:?}");
    problem
}

#[tokio::test]
async fn a_deadline_stops_the_work_and_frees_the_worker() {
    let server = one_worker().await;
    for (number, (name, path, body)) in heavy().into_iter().enumerate() {
        let begun = Instant::now();
        let answer = server.send(path, &[("request-timeout", "0.5")], body).await;
        is_problem(&answer, 504, "deadline-exceeded");
        assert!(!answer.text.contains("value"), "{name}: no part of a result");
        let next = server.send("/gradient", &[], fresh(number)).await;
        assert_eq!(next.text, format!(r#"{{"value":{{"f":{}.0}},"gradient":{{"x":6.0}}}}"#, 9 + number), "{name}");
        assert!(begun.elapsed() < SOON, "{name}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_stops_its_work() {
    let server = one_worker().await;
    for (number, (name, path, body)) in heavy().into_iter().enumerate() {
        let begun = Instant::now();
        let mut connection = server.connect().await;
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nRequest-Timeout: 60\r\nContent-Length: {}\r\n\r\n", body.len());
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(body.as_bytes()).await.unwrap();
        // It has begun when something new, which needs the worker, does not come at once. Blocks are taken in turn, so that it does
        // come in the end; three such in a row say that the worker has been busy with more than reading.
        let mut asked = 0;
        for _ in 0..3 {
            asked += 1;
            let answer = server.send("/gradient", &[("request-timeout", "0.3")], fresh(1000 * (number + 1) + asked)).await;
            assert!([200, 504].contains(&answer.status), "{name}: {}", answer.text);
        }
        drop(connection);
        let next = server.send("/gradient", &[], fresh(number)).await;
        assert_eq!(next.text, format!(r#"{{"value":{{"f":{}.0}},"gradient":{{"x":6.0}}}}"#, 9 + number), "{name}");
        assert!(begun.elapsed() < SOON, "{name}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_again() {
    let settings = Settings { workers: 1, queue_seconds: 1e-9, ..Settings::default() };
    let server = Server::of(nablad::api::Settings::default(), Service::start(settings)).await;
    let (_, path, body) = heavy().swap_remove(0);
    let mut connection = server.connect().await;
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nRequest-Timeout: 60\r\nContent-Length: {}\r\n\r\n", body.len());
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(body.as_bytes()).await.unwrap();
    let begun = Instant::now();
    let mut number = 0;
    let refused = loop {
        number += 1;
        let answer = server.send("/gradient", &[("request-timeout", "0.2")], fresh(number)).await;
        match answer.status {
            503 => break answer,
            200 | 504 => assert!(begun.elapsed() < SOON, "the queue is never full"),
            _ => panic!("{}", answer.text),
        }
    };
    is_problem(&refused, 503, "overloaded");
    let after: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=120).contains(&after), "{after}");
    // Who is not work is answered: health, and what the server is.
    assert_eq!(server.get("/livez").await.status, 200);
    assert_eq!(server.get("/info").await.status, 200);
    // With the work gone there is room again.
    drop(connection);
    let begun = Instant::now();
    loop {
        let answer = server.send("/gradient", &[], fresh(number)).await;
        if answer.status == 200 {
            break;
        }
        is_problem(&answer, 503, "overloaded");
        assert!(begun.elapsed() < SOON, "there is never room again");
    }
}

#[tokio::test]
async fn a_draining_service_says_so() {
    let service = Service::start(Settings { workers: 1, ..Settings::default() });
    let server = Server::of(nablad::api::Settings::default(), service.clone()).await;
    assert_eq!(server.send("/value", &[], fresh(0)).await.status, 200);
    service.drain();
    for path in ["/value", "/gradient", "/jacobian", "/jvp", "/vjp", "/graph"] {
        let answer = server.send(path, &[], fresh(0)).await;
        is_problem(&answer, 503, "shutting-down");
        assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    }
    assert_eq!(server.get("/livez").await.status, 200);
}

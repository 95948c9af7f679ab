//! What callers send in error, in malice or by accident, over HTTP, and the problem that each must be answered with.
//!
//! A row is a request and what the contract's section 5 says of it. [`Trial`] is the only thing that touches the interface: it
//! checks everything that holds of every problem, and at its end that the server still answers.

mod calculus;
mod formula;
mod graph;
mod growth;
mod http;
mod json;
mod load;
mod number;
mod point;
mod request;
mod size;

use std::cell::RefCell;

use nablad::service::{self, Limits, Service};
use nablad::wire::problem::{Failure, Problem, Slug};
use nablad::{api, wire};
use serde_json::Value;

use crate::support::{Answer, Server};

/// A server under trial, and what it did that it should not have: a table is gone through to its end.
struct Trial {
    server: Server,
    wrong: RefCell<Vec<String>>,
}

/// A fault that a problem must list: its pointer, and words of its detail or hint.
type Fault<'a> = (&'a str, &'a [&'a str]);

impl Trial {
    async fn start() -> Trial {
        Trial { server: Server::start().await, wrong: RefCell::default() }
    }

    async fn with(limits: Limits) -> Trial {
        let settings = service::Settings { workers: 1, limits, ..service::Settings::default() };
        Trial { server: Server::of(api::Settings::default(), Service::start(settings)).await, wrong: RefCell::default() }
    }

    /// Notes what is not as it should be.
    fn check(&self, good: bool, about: impl FnOnce() -> String) {
        if !good {
            self.wrong.borrow_mut().push(about());
        }
    }

    /// The problem that answers a request, having everything that every problem has.
    async fn problem(&self, path: &str, body: impl Into<Vec<u8>>) -> Problem {
        let body = body.into();
        let about = format!("{path} {}", shown(&body));
        let longest = (64 << 10) + body.len();
        let Answer { status, headers, text } = self.server.send(path, &[("x-request-id", "trial-7")], body).await;
        let Ok(problem) = serde_json::from_str::<Problem>(&text) else {
            self.check(false, || format!("{about}: no problem: {status} {}", shown(text.as_bytes())));
            return Problem::of(Failure::new(Slug::Internal, "none"), "");
        };
        let whole = headers["content-type"] == "application/problem+json"
            && headers["x-request-id"] == "trial-7"
            && problem.instance == "trial-7"
            && problem.status == status
            && problem.slug().is_some_and(|slug| slug.status() == status && problem.kind == format!("/problems/{}", slug.name()))
            && !problem.title.is_empty()
            && !problem.detail.is_empty()
            && problem.errors.len() <= 32
            && text.len() < longest;
        self.check(whole, || format!("{about}: {status} {headers:?} {}", shown(text.as_bytes())));
        problem
    }

    /// A request is refused with that slug, or one of those that bars divide.
    async fn slug(&self, path: &str, body: impl Into<Vec<u8>>, slugs: &str) -> Problem {
        let body = body.into();
        let about = format!("{path} {}", shown(&body));
        let problem = self.problem(path, body).await;
        let good = slugs.split('|').any(|slug| problem.kind == format!("/problems/{slug}"));
        self.check(good, || format!("{about}: {slugs} expected: {}", told(&problem)));
        problem
    }

    /// A request is refused with that slug, and with these faults and no others.
    async fn refused(&self, path: &str, body: impl Into<Vec<u8>>, slug: &str, faults: &[Fault<'_>]) {
        let body = body.into();
        let about = format!("{path} {}", shown(&body));
        let problem = self.slug(path, body, slug).await;
        let one = |((pointer, words), fault): (&Fault<'_>, &wire::problem::Fault)| {
            let said = |word: &str| fault.detail.contains(word) || fault.hint.as_ref().is_some_and(|hint| hint.contains(word));
            *pointer == fault.pointer && words.iter().all(|word| said(word))
        };
        let good = problem.errors.len() == faults.len() && faults.iter().zip(&problem.errors).all(one);
        self.check(good, || format!("{about}: {faults:?} expected: {}", told(&problem)));
    }

    /// A request is refused for a limit, with what it asked for and what is allowed.
    async fn exceeds(&self, path: &str, body: impl Into<Vec<u8>>, limit: &str, asked: f64) {
        let body = body.into();
        let about = format!("{path} {}", shown(&body));
        let problem = self.slug(path, body, "limit-exceeded").await;
        let (found, allowed) = (problem.asked.unwrap_or(f64::NAN), problem.allowed.unwrap_or(f64::NAN));
        let good = problem.limit.as_deref() == Some(limit) && found > allowed && found >= asked;
        self.check(good, || format!("{about}: {limit} of {asked} expected: {}", told(&problem)));
    }

    /// A request is answered.
    async fn answered(&self, path: &str, body: impl Into<Vec<u8>>) -> Value {
        let body = body.into();
        let about = format!("{path} {}", shown(&body));
        let sent = self.server.send(path, &[], body).await;
        self.check(sent.status == 200, || format!("{about}: {}", shown(sent.text.as_bytes())));
        serde_json::from_str(&sent.text).unwrap()
    }

    /// After all that the server answers what it always has.
    async fn end(&self) {
        let answer = self.server.send("/gradient", &[], r#"{"formula": "x^2 * sin(y)", "at": {"x": 3, "y": 0.5}}"#).await;
        assert_eq!(answer.text, r#"{"value":{"f":4.314829847437827},"gradient":{"x":2.876553231625218,"y":7.898243057013355}}"#);
        let wrong = self.wrong.borrow();
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }
}

fn told(problem: &Problem) -> String {
    shown(serde_json::to_string(problem).unwrap().as_bytes())
}

/// The beginning and the end of a body, for a message.
fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let (count, most) = (text.chars().count(), 300);
    if count <= 2 * most {
        return text.into_owned();
    }
    text.chars().take(most).chain(" … ".chars()).chain(text.chars().skip(count - most)).collect()
}

/// A body with a graph and a point.
fn graph(inputs: &str, nodes: &str, outputs: &str, rest: &str) -> String {
    format!(r#"{{"graph":{{"inputs":[{inputs}],"nodes":[{nodes}],"outputs":[{outputs}]}}{rest}}}"#)
}

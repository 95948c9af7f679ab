//! Traces: one span a request with the stages of its work below it, sent to an OpenTelemetry collector.
//!
//! OTLP over HTTP in its JSON encoding, in batches, by a task of its own; that is small enough to be written here, where the
//! OpenTelemetry crates would bring protobuf, gRPC and a second HTTP stack into every build. Off unless an endpoint is configured. A
//! collector that is slow or gone costs spans, which are counted as lost, and never a request.

mod export;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::metrics::Work;
use export::Finished;

/// The settings of traces, the section `[traces]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where spans are sent, e.g. `http://127.0.0.1:4318/v1/traces`; empty for nowhere.
    pub endpoint: String,
    /// Headers to send along, `NAME=VALUE` with commas between them.
    pub headers: String,
    /// The share of requests that are traced where their caller has not decided.
    pub sample: f64,
    /// Seconds between two batches.
    pub batch_seconds: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { endpoint: String::new(), headers: String::new(), sample: 1.0, batch_seconds: 2.0 }
    }
}

/// Spans that wait to be sent, at most; more are lost.
const WAITING: usize = 8192;

/// Where spans go. Clones send to the same place.
#[derive(Debug, Clone)]
pub struct Tracer {
    sender: mpsc::Sender<Finished>,
    sample: f64,
}

/// What sends the spans; it ends when the last tracer has gone and everything was sent or given up.
#[derive(Debug)]
pub struct Exporter(JoinHandle<()>);

impl Exporter {
    /// Waits for the end.
    pub async fn ended(self) {
        // A task that was cut off with its runtime has nothing to say.
        let _ = self.0.await;
    }
}

/// A request's place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The trace, 32 hexadecimal digits.
    pub trace: [u8; 32],
    /// The span of this server, 16 hexadecimal digits.
    pub span: [u8; 16],
    /// The caller's span.
    pub parent: Option<[u8; 16]>,
    /// Whether the caller has decided to trace it.
    pub sampled: Option<bool>,
}

/// Part of a request's work.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// What was done.
    pub name: &'static str,
    /// From here on.
    pub begun: Instant,
    /// To here.
    pub ended: Instant,
}

/// Where the stages of one request are noted. Clones note in the same place.
#[derive(Debug, Clone, Default)]
pub struct Trace(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    stages: Vec<Stage>,
    work: Option<Work>,
}

impl Trace {
    /// Notes a stage.
    pub fn stage(&self, stage: Stage) {
        self.noted().stages.push(stage);
    }

    /// Notes what the work was.
    pub fn work(&self, work: Work) {
        self.noted().work = Some(work);
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a span says of a request.
#[derive(Debug, Clone)]
pub struct About {
    /// `POST`, ...
    pub method: &'static str,
    /// The template of its path.
    pub route: Arc<str>,
    /// Its id.
    pub request_id: String,
}

/// A request that is being traced. Dropped without an answer, it says that the client hung up.
#[derive(Debug)]
pub struct Span {
    tracer: Tracer,
    place: Place,
    about: About,
    begun: (SystemTime, Instant),
    trace: Trace,
    status: Option<u16>,
}

impl Tracer {
    /// A tracer, and what sends its spans; `None` where no endpoint is configured. Needs a tokio runtime.
    ///
    /// # Errors
    /// An endpoint or a header that cannot be one.
    pub fn start(settings: &Settings) -> Result<Option<(Tracer, Exporter)>, String> {
        if settings.endpoint.is_empty() {
            return Ok(None);
        }
        let target = export::Target::new(settings)?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let exporter = Exporter(tokio::spawn(target.run(receiver)));
        Ok(Some((Tracer { sender, sample: settings.sample }, exporter)))
    }

    /// Begins a span, where this request is to be traced.
    pub fn begin(&self, place: Place, about: impl FnOnce() -> About) -> Option<Span> {
        if !place.sampled.unwrap_or_else(|| self.takes(&place.trace)) {
            return None;
        }
        let begun = (SystemTime::now(), Instant::now());
        Some(Span { tracer: self.clone(), place, about: about(), begun, trace: Trace::default(), status: None })
    }

    /// Whether a trace is in the sample: the same for every server that is asked in it.
    fn takes(&self, trace: &[u8; 32]) -> bool {
        let digit = |byte: u8| u64::from(char::from(byte).to_digit(16).unwrap_or(0));
        let number = trace[16..].iter().fold(0_u64, |number, &byte| number << 4 | digit(byte));
        // Ids count up; this spreads them over all numbers.
        let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (spread >> 11) as f64 / (1_u64 << 53) as f64 + f64::EPSILON <= self.sample
    }
}

impl Span {
    /// Where the stages of its work are noted.
    pub fn trace(&self) -> Trace {
        self.trace.clone()
    }

    /// The answer is there, or has begun; with the span it ends.
    pub fn answered(mut self, status: u16) -> Span {
        self.status = Some(status);
        self
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Noted { stages, work } = std::mem::take(&mut *self.trace.noted());
        let finished = Finished {
            place: self.place,
            about: self.about.clone(),
            begun: self.begun,
            ended: Instant::now(),
            status: self.status,
            stages,
            work,
        };
        if self.tracer.sender.try_send(finished).is_err() {
            export::lost(1);
        }
    }
}

//! One connection's clock, and the byte stream that feeds it.
//!
//! hyper has one timer for heads, which runs between requests too and costs a timer a request. Here a connection knows what it is
//! waiting for (its first request, the rest of a head, the next request) and since when; its task sleeps until that is too long and
//! looks again. A request costs a few stores to this state and no timer.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

use super::refusal;
use super::settings::{Settings, seconds};
use crate::telemetry::metrics::Metrics;

/// What a connection waits for, and since when.
pub(super) struct Clock {
    start: Instant,
    first: Duration,
    head: Duration,
    idle: Duration,
    answer: Duration,
    answer_gap: Duration,
    /// Requests whose answer is not there yet.
    in_flight: AtomicU32,
    /// Whether a request ever came.
    served: AtomicBool,
    /// HTTP/2, where bytes need not be a request's.
    multiplexed: AtomicBool,
    /// When the last request was answered, or its answer had been handed out, in milliseconds from the start. Bytes that are written say
    /// nothing of that: HTTP/2 answers to pings.
    quiet_since: AtomicU64,
    /// When the first byte of a head came, in milliseconds from the start and one more; 0 where none came.
    head_since: AtomicU64,
    /// Since when nobody takes the bytes that are written, in milliseconds from the start and one more; 0 where somebody does.
    stuck_since: AtomicU64,
    /// Answers that are handed out in pieces.
    answers: Mutex<BTreeMap<u64, Handed>>,
    /// How many there are.
    open_answers: AtomicU32,
    /// The number of the next such answer.
    next_answer: AtomicU64,
}

/// An answer that is handed out in pieces. Time in which there is no piece to take is not its reader's.
struct Handed {
    begun: Instant,
    /// When its last piece went.
    last: Instant,
    /// Since when its next piece is not there.
    waits: Option<Instant>,
}

impl Clock {
    pub(super) fn new(settings: &Settings) -> Clock {
        Clock {
            start: Instant::now(),
            first: seconds(settings.first_request_seconds),
            head: seconds(settings.header_seconds),
            idle: seconds(settings.idle_seconds),
            answer: seconds(settings.answer_seconds),
            answer_gap: seconds(settings.answer_gap_seconds),
            in_flight: AtomicU32::new(0),
            served: AtomicBool::new(false),
            multiplexed: AtomicBool::new(false),
            quiet_since: AtomicU64::new(0),
            head_since: AtomicU64::new(0),
            stuck_since: AtomicU64::new(0),
            answers: Mutex::default(),
            open_answers: AtomicU32::new(0),
            next_answer: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    /// When the connection is to be closed if nothing changes.
    pub(super) fn deadline(&self) -> Instant {
        let reading = self.reading();
        let waiting = self.waiting();
        reading.map_or(waiting, |reading| reading.min(waiting))
    }

    /// By when whoever reads the answers must have read on, where answers are being read.
    fn reading(&self) -> Option<Instant> {
        let stuck = match self.stuck_since.load(Relaxed) {
            0 => None,
            since => Some(self.start + Duration::from_millis(since - 1) + self.answer_gap),
        };
        if self.open_answers.load(Relaxed) == 0 {
            return stuck;
        }
        let by = |answer: &Handed| match answer.waits {
            None => (answer.begun + self.answer).min(answer.last + self.answer_gap),
            // to look again, no later than the reader can be late
            Some(_) => Instant::now() + self.answer_gap,
        };
        self.answers().values().map(by).chain(stuck).min()
    }

    /// By when something must come, or be answered.
    fn waiting(&self) -> Instant {
        if self.in_flight.load(Relaxed) > 0 || self.open_answers.load(Relaxed) > 0 {
            // Requests have clocks of their own: their bodies' and their work's.
            return Instant::now() + self.idle;
        }
        let waiting = match self.served.load(Relaxed) {
            false => self.start + self.first,
            true => self.start + Duration::from_millis(self.quiet_since.load(Relaxed)) + self.idle,
        };
        match self.head_since.load(Relaxed) {
            0 => waiting,
            since => waiting.min(self.start + Duration::from_millis(since - 1) + self.head),
        }
    }

    /// A request's head is complete; its answer is there when the guard goes.
    pub(super) fn request(self: &Arc<Clock>, version: Version) -> InFlight {
        self.in_flight.fetch_add(1, Relaxed);
        self.served.store(true, Relaxed);
        self.multiplexed.store(version == Version::HTTP_2, Relaxed);
        self.head_since.store(0, Relaxed);
        InFlight(Arc::clone(self))
    }

    fn bytes_came(&self) {
        if self.in_flight.load(Relaxed) == 0 && self.head_since.load(Relaxed) == 0 && !self.multiplexed.load(Relaxed) {
            self.head_since.store(self.now() + 1, Relaxed);
        }
    }

    fn bytes_went(&self) {
        self.stuck_since.store(0, Relaxed);
    }

    fn bytes_are_stuck(&self) {
        let now = self.now() + 1;
        // Where they were stuck already they have been since then.
        let _ = self.stuck_since.compare_exchange(0, now, Relaxed, Relaxed);
    }

    /// An answer begins that goes in pieces: its number.
    pub(super) fn answer_begins(&self) -> u64 {
        let number = self.next_answer.fetch_add(1, Relaxed);
        let now = Instant::now();
        self.answers().insert(number, Handed { begun: now, last: now, waits: None });
        self.open_answers.fetch_add(1, Relaxed);
        number
    }

    /// Its reader takes a piece.
    pub(super) fn answer_goes_on(&self, number: u64) {
        if let Some(answer) = self.answers().get_mut(&number) {
            let now = Instant::now();
            answer.last = now;
            if let Some(since) = answer.waits.take() {
                answer.begun += now - since;
            }
        }
    }

    /// Its next piece is not there yet.
    pub(super) fn answer_waits(&self, number: u64) {
        if let Some(answer) = self.answers().get_mut(&number) {
            answer.waits.get_or_insert_with(Instant::now);
        }
    }

    /// Its last piece was taken, or it was given up.
    pub(super) fn answer_ends(&self, number: u64) {
        self.answers().remove(&number);
        self.open_answers.fetch_sub(1, Relaxed);
        self.quiet_since.store(self.now(), Relaxed);
    }

    fn answers(&self) -> MutexGuard<'_, BTreeMap<u64, Handed>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered.
pub(super) struct InFlight(Arc<Clock>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.quiet_since.store(self.0.now(), Relaxed);
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

/// What a connection's bytes come through.
pub(super) enum Wire {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// The same call on either.
macro_rules! either {
    ($wire:expr, $stream:ident => $call:expr) => {
        match $wire {
            Wire::Plain($stream) => $call,
            Wire::Encrypted($stream) => $call,
        }
    };
}

/// A connection's bytes: they move its clock, and hyper's bare refusals leave it as problems.
pub(super) struct Stream {
    wire: Wire,
    clock: Arc<Clock>,
    metrics: Metrics,
    /// What is still to be written of an answer that replaced hyper's.
    refusal: Option<(Vec<u8>, usize)>,
}

impl Stream {
    pub(super) fn new(wire: Wire, clock: Arc<Clock>, metrics: Metrics) -> Stream {
        Stream { wire, clock, metrics, refusal: None }
    }

    /// Whether `first` begins a refusal of hyper's; if so it is kept to be written in its own words.
    fn refuses(&mut self, first: &[u8]) -> bool {
        if !first.starts_with(b"HTTP/1.1 4") || self.clock.in_flight.load(Relaxed) > 0 {
            return false;
        }
        let Some((slug, answer)) = refusal::complete(first) else { return false };
        // No layer sees it, so it is counted here.
        self.metrics.unreadable(slug.status());
        self.metrics.refused(slug.name());
        self.refusal = Some((answer, 0));
        true
    }

    fn poll_refusal(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((answer, written)) = &mut self.refusal {
            if *written == answer.len() {
                self.refusal = None;
            } else {
                match ready!(either!(&mut self.wire, tcp => Pin::new(tcp).poll_write(context, &answer[*written..])))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    size => *written += size,
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn wrote(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Ok(1..)) => self.clock.bytes_went(),
            Poll::Pending => self.clock.bytes_are_stuck(),
            Poll::Ready(_) => {}
        }
        result
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        ready!(either!(&mut self.wire, tcp => Pin::new(tcp).poll_read(context, buffer)))?;
        if buffer.filled().len() > filled {
            self.clock.bytes_came();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_refusal(context))?;
        if self.refuses(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = either!(&mut self.wire, tcp => Pin::new(tcp).poll_write(context, bytes));
        self.wrote(result)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.poll_refusal(context))?;
        if let Some(first) = slices.first()
            && self.refuses(first)
        {
            return Poll::Ready(Ok(first.len()));
        }
        let result = either!(&mut self.wire, tcp => Pin::new(tcp).poll_write_vectored(context, slices));
        self.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        either!(&self.wire, tcp => tcp.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(context))?;
        either!(&mut self.wire, tcp => Pin::new(tcp).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(context))?;
        either!(&mut self.wire, tcp => Pin::new(tcp).poll_shutdown(context))
    }
}

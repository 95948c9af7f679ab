//! The accept loop: connections in, encrypted where that is set, bounded in number and in time, and drained at shutdown.
//!
//! `axum::serve` sets no timer and no bound, so this loop takes its place. It knows connections and nothing of routes.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use super::answering::watched;
use super::connection::{Clock, Stream, Wire};
use super::layers::Edge;
use super::reload::Sources;
use super::routes::{Guests, Readiness, router};
use super::settings::{Settings, seconds};
use super::setup::Setup;
use crate::service::Service;

/// How long to wait after an accept that failed for want of something (file descriptors, memory).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Streams of one HTTP/2 connection at once, and bytes of the headers of each, which are in memory as long as its body is awaited.
const STREAMS: u32 = 32;
const HTTP2_HEADERS: usize = 16 << 10;
/// Between two pings of an HTTP/2 connection, and how long to wait for the answer.
const PING: Duration = Duration::from_secs(20);

/// How long the last spans of a trace may take to be sent.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// What a connection is told about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Finish what is in flight.
    Draining,
    /// Too late.
    Closed,
}

/// Serves connections of `listener` until `shutdown` resolves; then no new ones, and those in flight get the drain time.
///
/// # Errors
/// None after the start: an accept that fails is logged and tried again.
pub async fn run(listener: TcpListener, service: Service, setup: impl Into<Setup>, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let Setup { http, keys, tls, traces, reload } = setup.into();
    let (settings, keys, tls) = (Arc::new(http), keys.map(Arc::new), tls.map(Arc::new));
    let (tracer, exporter) = traces.unzip();
    let readiness = Readiness::starting();
    let edge = router(service.clone(), Arc::clone(&settings), readiness.clone(), Guests { keys: keys.clone(), tracer });
    let watch = Sources { keys, tls: tls.clone(), now: reload, pause: seconds(settings.reload_seconds) };
    let watching = tokio::spawn(watch.watch());
    let builder = Arc::new(builder(&settings));
    let slots = Arc::new(Semaphore::new(settings.connections.min(Semaphore::MAX_PERMITS)));
    let (phase, _) = watch::channel(Phase::Serving);
    let mut shutdown = pin!(shutdown);
    readiness.set(true);
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.as_mut() => break,
            accepted = listener.accept() => accepted,
        };
        let tcp = match accepted {
            Ok((tcp, _)) => tcp,
            Err(error) if of_one_connection(&error) => continue,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::select! {
                    () = shutdown.as_mut() => break,
                    () = sleep(ACCEPT_PAUSE) => continue,
                }
            }
        };
        // Over the limit a connection is closed, not kept waiting: whoever balances the load sees it at once.
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            continue;
        };
        let (edge, builder, settings, mut phase) = (edge.clone(), Arc::clone(&builder), Arc::clone(&settings), phase.subscribe());
        let acceptor = tls.as_ref().map(|tls| tls.acceptor());
        let open = readiness.connection();
        tokio::spawn(async move {
            // Answers leave at once; a connection where that cannot be said works as well.
            let _ = tcp.set_nodelay(true);
            if let Some(wire) = shaken(tcp, acceptor, &settings, &mut phase).await {
                serve(wire, edge, builder, settings, phase).await;
            }
            drop((slot, open));
        });
    }
    readiness.set(false);
    watching.abort();
    drop((listener, edge));
    tracing::info!(connections = phase.receiver_count(), "shutting down");
    phase.send_replace(Phase::Draining);
    if timeout(seconds(settings.drain_seconds), phase.closed()).await.is_err() {
        tracing::warn!(connections = phase.receiver_count(), "the drain time is over; what is in flight is cut off");
    }
    service.drain();
    phase.send_replace(Phase::Closed);
    // The tasks only have to notice; they do not wait for anybody any more.
    let _ = timeout(Duration::from_secs(1), phase.closed()).await;
    if let Some(exporter) = exporter {
        // What was traced last is sent, if anyone takes it.
        let _ = timeout(LAST_SPANS, exporter.ended()).await;
    }
    Ok(())
}

/// The connection's bytes, encrypted where there is an acceptor; `None` where the other side does not come that far in time.
async fn shaken(tcp: TcpStream, acceptor: Option<TlsAcceptor>, settings: &Settings, phase: &mut watch::Receiver<Phase>) -> Option<Wire> {
    let Some(acceptor) = acceptor else {
        return Some(Wire::Plain(tcp));
    };
    let handshake = timeout(seconds(settings.first_request_seconds), acceptor.accept(tcp));
    tokio::select! {
        _ = phase.changed() => None,
        shaken = handshake => match shaken {
            Ok(Ok(stream)) => Some(Wire::Encrypted(Box::new(stream))),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
            Err(_) => None,
        },
    }
}

/// Whether an accept failed for that one connection alone.
fn of_one_connection(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

fn builder(settings: &Settings) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The connection's clock does this, and tells a slow head from an idle connection.
        .header_read_timeout(None)
        .max_headers(settings.header_count)
        // hyper takes no less than 8 KiB; a head over the exact limits is refused above it.
        .max_buf_size((settings.header_bytes + settings.uri_bytes).max(8 << 10))
        // Gathering the answers of pipelined requests would lose hyper's refusal of a head that does not parse.
        .pipeline_flush(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size((settings.header_bytes + settings.uri_bytes).min(HTTP2_HEADERS) as u32)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

/// One connection, to its end.
async fn serve(
    wire: Wire,
    edge: Edge,
    builder: Arc<auto::Builder<TokioExecutor>>,
    settings: Arc<Settings>,
    mut phase: watch::Receiver<Phase>,
) {
    let clock = Arc::new(Clock::new(&settings));
    let stream = TokioIo::new(Stream::new(wire, Arc::clone(&clock), edge.metrics().clone()));
    let in_flight = Arc::clone(&clock);
    let answer = service_fn(move |request: Request<Incoming>| {
        let version = request.version();
        let guard = in_flight.request(version);
        let (edge, clock) = (edge.clone(), Arc::clone(&in_flight));
        async move {
            let response = edge.answer(request.map(Body::new)).await;
            let response = watched(response, version, &clock);
            drop(guard);
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(builder.serve_connection(stream, answer));
    let mut alarm = pin!(sleep_until(clock.deadline()));
    let mut over = false;
    if *phase.borrow() != Phase::Serving {
        return;
    }
    while !over {
        let end = poll_fn(|context| {
            if let Poll::Ready(result) = connection.as_mut().poll(context) {
                if let Err(error) = result {
                    tracing::debug!(%error, "a connection broke");
                }
                return Poll::Ready(());
            }
            // Deadlines that moved away are found out when the old one rings; only an earlier one must be set.
            let deadline = clock.deadline();
            if deadline < alarm.deadline() {
                alarm.as_mut().reset(deadline);
            }
            while alarm.as_mut().poll(context).is_ready() {
                let deadline = clock.deadline();
                if deadline <= Instant::now() {
                    tracing::debug!("a connection was too slow");
                    return Poll::Ready(());
                }
                alarm.as_mut().reset(deadline);
            }
            Poll::Pending
        });
        tokio::select! {
            biased;
            () = end => over = true,
            changed = phase.changed() => match *phase.borrow_and_update() {
                Phase::Draining if changed.is_ok() => connection.as_mut().graceful_shutdown(),
                _ => over = true,
            },
        }
    }
}

//! Reading request bodies: whole, without their coding, within their size, their time and the room there is.
//!
//! A body that is refused is still read a little, so that a client in the middle of sending gets to see the answer.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use axum::http::{HeaderMap, Request};
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::coding;
use super::problem::Rejection;
use super::settings::{Settings, seconds};
use crate::service::{Context, Portion, Service};
use crate::wire::problem::{Excess, Failure, Slug};

/// How much of a refused body is read before the answer, at most.
const DRAIN_BYTES: usize = 256 << 10;
/// How long a refused body is read before the answer, at most.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// The length that a request's header states, if it states one.
fn stated_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub(super) fn too_large(asked: usize, settings: &Settings) -> Failure {
    let allowed = settings.body_bytes;
    let mut failure = Failure::new(Slug::BodyTooLarge, format!("the body has {asked} bytes or more, {allowed} are allowed"));
    failure.excess = Some(Excess { limit: "http.body_bytes".to_owned(), asked: asked as f64, allowed: allowed as f64 });
    failure
}

fn too_slow(detail: String) -> Rejection {
    Rejection::new(Slug::RequestTimeout, detail)
}

/// The whole body, which holds the room that it takes. The request's time runs from when it is there.
///
/// # Errors
/// `body-too-large`, `request-timeout`, `unsupported-media-type` for its coding, `bad-request` where the body breaks off or is not HTTP or
/// not what its coding says, `overloaded` where there is no room for it, `deadline-exceeded` where unpacking takes too long.
pub(crate) async fn read(
    request: Request<Body>,
    settings: &Settings,
    service: &Service,
    context: &mut Context,
) -> Result<Bytes, Rejection> {
    let coding = match coding::sent(request.headers()) {
        Ok(coding) => coding,
        Err(failure) => {
            drain(request).await;
            return Err(failure.into());
        }
    };
    let bytes = read_as_it_is(request, settings, service.memory().portion(&context.caller)).await?;
    context.since = std::time::Instant::now();
    match coding {
        None => Ok(bytes),
        Some(coding) => Ok(Box::pin(coding::expanded(bytes, coding, settings, service, context)).await?),
    }
}

async fn read_as_it_is(request: Request<Body>, settings: &Settings, held: Portion) -> Result<Bytes, Rejection> {
    let stated = stated_length(request.headers());
    if let Some(asked) = stated.filter(|&length| length > settings.body_bytes) {
        drain(request).await;
        return Err(too_large(asked, settings).into());
    }
    if request.headers().contains_key(EXPECT) {
        // Whoever asks first whether to send is told at once that there is no room.
        held.grow(stated.unwrap_or(0) as u64)?;
        held.shrink(0);
    }
    let mut body = request.into_body();
    let last = Instant::now() + seconds(settings.body_seconds);
    let gap = seconds(settings.body_gap_seconds);
    // the first piece as it came; where there are more, all of them
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    // Where there is no room the rest is read and forgotten: a client in the middle of sending would not see an answer now.
    let (mut refused, mut forgotten) = (None::<Failure>, 0);
    loop {
        // Time runs only while the body is not there yet: a body in one piece never touches the timer.
        let by = last.min(Instant::now() + gap);
        let frame = match timeout_at(by, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                return Err(Rejection::new(Slug::BadRequest, format!("the body broke off: {error}")));
            }
            Err(_) if by == last => {
                return Err(too_slow(format!("the body took longer than {} s", settings.body_seconds)));
            }
            Err(_) => {
                return Err(too_slow(format!("no byte of the body came for {} s", settings.body_gap_seconds)));
            }
        };
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        let size = forgotten + first.len() + whole.len() + piece.len();
        if size > settings.body_bytes {
            drain_body(body).await;
            return Err(too_large(size, settings).into());
        }
        if refused.is_none()
            && let Err(failure) = held.grow(piece.len() as u64)
        {
            (first, whole) = (Bytes::new(), Vec::new());
            held.shrink(0);
            refused = Some(failure);
        }
        if refused.is_some() {
            forgotten = size;
            continue;
        }
        if size == piece.len() {
            first = piece;
            continue;
        }
        if whole.capacity() < size {
            // A stated length is a promise, not a fact: room is made for it as it comes true.
            let room = (4 * size).max(1 << 20).min(stated.unwrap_or(0)).max(size);
            whole.reserve(room - whole.len());
        }
        whole.extend_from_slice(&std::mem::take(&mut first));
        whole.extend_from_slice(&piece);
    }
    if let Some(failure) = refused {
        return Err(failure.into());
    }
    Ok(if whole.is_empty() { held.with(first) } else { held.with(whole) })
}

/// Reads a little of a body that nobody wants. A client that asked first whether to send it is not told to.
pub(crate) async fn drain(request: Request<Body>) {
    if !request.headers().contains_key(EXPECT) {
        drain_body(request.into_body()).await;
    }
}

async fn drain_body(body: Body) {
    // rare, and so apart from those that are not
    Box::pin(drained(body)).await;
}

async fn drained(mut body: Body) {
    let by = Instant::now() + DRAIN_TIME;
    let mut size = 0;
    while size < DRAIN_BYTES {
        match timeout_at(by, body.frame()).await {
            Ok(Some(Ok(frame))) => size += frame.data_ref().map_or(0, Bytes::len),
            Ok(Some(Err(_)) | None) | Err(_) => return,
        }
    }
}

//! Answers on their way to readers who may be slow: in pieces, with the connection's clock told of each.
//!
//! A short answer on HTTP/1 fits into the buffers below and needs none of this. All others are held back by whoever does not read them,
//! and with them their memory; so the clock closes a connection whose reader takes no piece for too long, or all of it far too slowly.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::Version;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};

use super::connection::Clock;
use crate::service::Pieces;

/// Bytes of a piece, and of the longest answer that goes in one.
const PIECE: usize = 64 << 10;

/// The response, watched where its reader could hold it back.
pub(super) fn watched(response: Response, version: Version, clock: &Arc<Clock>) -> Response {
    let short = response.body().size_hint().upper().is_some_and(|size| size <= PIECE as u64);
    if short && version < Version::HTTP_2 {
        return response;
    }
    let number = clock.answer_begins();
    response.map(|body| Body::new(Watched { body, rest: Bytes::new(), clock: Arc::clone(clock), number }))
}

/// A body that is printed piece by piece.
pub(super) struct Printed(pub(super) Pieces);

impl hyper::body::Body for Printed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_next(context).map_ok(Frame::data).map_err(|failure| io::Error::other(failure.detail))
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(self.0.least_bytes());
        hint
    }
}

/// A body that is handed out piece by piece.
struct Watched {
    body: Body,
    rest: Bytes,
    clock: Arc<Clock>,
    /// The answer's number on its connection.
    number: u64,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.clock.answer_goes_on(self.number);
        if self.rest.is_empty() {
            let Poll::Ready(next) = Pin::new(&mut self.body).poll_frame(context) else {
                self.clock.answer_waits(self.number);
                return Poll::Pending;
            };
            match next {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let size = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let inner = self.body.size_hint();
        let rest = self.rest.len() as u64;
        match inner.exact() {
            Some(size) => SizeHint::with_exact(size + rest),
            None => SizeHint::default(),
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.clock.answer_ends(self.number);
    }
}

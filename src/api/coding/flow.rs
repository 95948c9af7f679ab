//! An answer that is compressed while it goes: each piece by a worker, one after the other, as a coding is one stream.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as PollContext, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::Frame;

use super::codec::Coder;
use super::{Coding, FLOPS};
use crate::service::{Context, Portion, Service};
use crate::wire::problem::{Failure, Slug};

/// Bytes that a coder, what it was given and what it has not given out take, at most.
const CODER_BYTES: u64 = 8 << 20;

/// Bytes that are coded at once.
const STEP: usize = 256 << 10;

/// A body in its coding.
pub(super) struct Flow {
    body: Body,
    /// What of the body's last piece is not coded.
    rest: Bytes,
    service: Service,
    context: Context,
    state: State,
    _held: Portion,
}

enum State {
    /// It takes the body's next piece.
    Ready(Box<Coder>),
    /// A worker has it. Behind the last piece it does not come back.
    Coding(Working),
    Ended,
}

type Working = Pin<Box<dyn Future<Output = Result<(Option<Coder>, Vec<u8>), Failure>> + Send>>;

impl Flow {
    /// The body in that coding; as it is where there is no room.
    pub(super) fn new(body: Body, coding: Coding, service: &Service, context: &Context) -> Result<Flow, Body> {
        let held = service.memory().portion(&context.caller);
        match (held.grow(CODER_BYTES), Coder::new(coding)) {
            (Ok(()), Ok(coder)) => Ok(Flow {
                body,
                rest: Bytes::new(),
                service: service.clone(),
                context: context.clone(),
                state: State::Ready(Box::new(coder)),
                _held: held,
            }),
            _ => Err(body),
        }
    }

    /// Has a worker code a piece, or what is behind the last.
    fn code(&mut self, coder: Box<Coder>, piece: Option<Bytes>) {
        let (service, context) = (self.service.clone(), self.context.clone());
        let flops = piece.as_ref().map_or(0, Bytes::len) as f64 * FLOPS;
        let work = move || match piece {
            Some(piece) => coder.next(&piece).map(|(coder, out)| (Some(coder), out)),
            None => coder.end().map(|out| (None, out)),
        };
        self.state = State::Coding(Box::pin(async move {
            let coded = service.carry_on(&context, flops, work).await?;
            coded.map_err(|error| Failure::new(Slug::Internal, error.to_string()))
        }));
    }
}

impl HttpBody for Flow {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut PollContext<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        loop {
            match std::mem::replace(&mut this.state, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Ready(coder) if !this.rest.is_empty() => {
                    let step = this.rest.split_to(STEP.min(this.rest.len()));
                    this.code(coder, Some(step));
                }
                State::Ready(coder) => match Pin::new(&mut this.body).poll_frame(context) {
                    Poll::Pending => {
                        this.state = State::Ready(coder);
                        return Poll::Pending;
                    }
                    Poll::Ready(Some(Ok(frame))) => {
                        this.rest = frame.into_data().unwrap_or_default();
                        this.state = State::Ready(coder);
                    }
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                    Poll::Ready(None) => this.code(coder, None),
                },
                State::Coding(mut working) => {
                    let Poll::Ready(coded) = working.as_mut().poll(context) else {
                        this.state = State::Coding(working);
                        return Poll::Pending;
                    };
                    let (coder, out) = match coded {
                        Ok(coded) => coded,
                        Err(failure) => return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other(failure.detail))))),
                    };
                    this.state = coder.map_or(State::Ended, |coder| State::Ready(Box::new(coder)));
                    if !out.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(Bytes::from(out)))));
                    }
                }
            }
        }
    }
}

//! Answers on their way out: whole, or where they are long in pieces, which workers print while the first are being sent.
//!
//! Pieces begin to go when all points are computed: nothing that a caller does can fail from there on, so a status that has been sent stays
//! true. The next few are printed ahead of the one that is sent and no more, so that a slow reader holds numbers, which take less than half as
//! much as text. What is many short tensors and no long one (a Hessian by a thousand numbers, each with its name) is written at once.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::encode::Draft;
use super::errand::Errand;
use super::plan::Plan;
use super::pool::Outcome;
use super::request::ENCODE_FLOPS;
use super::{Inner, ended};
use crate::wire::problem::{Failure, Slug};

/// The answer to a request: a JSON text.
pub enum Answer {
    /// All of it.
    Whole(Bytes),
    /// Piece by piece.
    Pieces(Pieces),
}

impl Answer {
    /// All of it, once it is there.
    ///
    /// # Errors
    /// A defect of the server.
    pub async fn whole(self) -> Result<Bytes, Failure> {
        let mut pieces = match self {
            Answer::Whole(bytes) => return Ok(bytes),
            Answer::Pieces(pieces) => pieces,
        };
        let mut whole = Vec::new();
        while let Some(piece) = std::future::poll_fn(|context| pieces.poll_next(context)).await {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole.into())
    }
}

/// The pieces of an answer, in their order. Dropped, they stop what is being printed.
pub struct Pieces {
    inner: Arc<Inner>,
    errand: Errand,
    source: Arc<(Arc<Plan>, Draft)>,
    /// The next that nobody prints.
    next: usize,
    /// Those that are being printed, the next to be sent in front.
    printing: VecDeque<Printing>,
}

type Printing = Pin<Box<dyn Future<Output = Outcome<Vec<u8>>> + Send>>;

impl Pieces {
    pub(super) fn new(inner: Arc<Inner>, errand: Errand, plan: Arc<Plan>, draft: Draft) -> Pieces {
        let pieces = Pieces { inner, errand, source: Arc::new((plan, draft)), next: 0, printing: VecDeque::new() };
        let (plan, draft) = &*pieces.source;
        // the one that is being sent is beside them
        pieces.errand.held.shrink(draft.bytes(&plan.template, pieces.ahead() + 1) as u64);
        pieces
    }

    /// Bytes that are still to come, at least.
    pub fn least_bytes(&self) -> u64 {
        let (plan, draft) = &*self.source;
        if self.next == 0 { draft.least_bytes(&plan.template) as u64 } else { 0 }
    }

    /// How many are printed before they are asked for.
    fn ahead(&self) -> usize {
        2 * self.inner.workers + 1
    }

    /// Has another piece printed.
    fn print(&mut self) {
        let (inner, source, number) = (self.inner.clone(), self.source.clone(), self.next);
        let flops = source.1.numbers(&source.0.template, number) as f64 * ENCODE_FLOPS;
        let permit = inner.load.permit(flops, &self.errand.claim);
        let write = move || source.1.print(&source.0.template, number);
        self.next += 1;
        self.printing.push_back(Box::pin(async move { inner.pool.whole(permit, write).await }));
    }

    /// The next piece, when it is printed; `None` behind the last.
    ///
    /// # Errors
    /// A defect of the server; the rest of the answer is lost.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        while self.next < self.source.1.pieces() && self.printing.len() < self.ahead() {
            self.print();
            // so that it begins; it is not there yet
            if let Some(last) = self.printing.back_mut()
                && let Poll::Ready(outcome) = last.as_mut().poll(context)
            {
                *last = Box::pin(std::future::ready(outcome));
            }
        }
        let Some(front) = self.printing.front_mut() else { return Poll::Ready(None) };
        let (outcome, spent) = ready!(front.as_mut().poll(context));
        self.printing.pop_front();
        self.errand.printed(spent);
        match outcome {
            Ok(piece) => Poll::Ready(Some(Ok(self.errand.counted(piece)))),
            Err(why) => {
                tracing::error!(?why, "an answer broke off for a defect of the server");
                self.inner.metrics.refused(Slug::Internal.name());
                self.next = self.source.1.pieces();
                self.printing.clear();
                Poll::Ready(Some(Err(ended(why))))
            }
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.inner.metrics.worked(&self.errand.end());
    }
}

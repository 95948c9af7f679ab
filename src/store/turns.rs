//! Whose turn it is to change something: one at a time, in the order in which they came, and only so many wait.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Error;

/// Changes that may wait or be under way at once; more are refused, before they would be too late.
const WAITING: usize = 256;

/// Turns at something that is changed one at a time.
pub(super) struct Turns {
    places: Arc<Semaphore>,
    turn: Arc<Semaphore>,
}

/// A turn, until this goes.
pub(super) struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Turns {
    pub(super) fn new() -> Turns {
        Turns { places: Arc::new(Semaphore::new(WAITING)), turn: Arc::new(Semaphore::new(1)) }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Error::Busy`] where as many wait as may.
    pub(super) async fn take(&self) -> Result<Turn, Error> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        let turn = self.turn.clone().acquire_owned().await.map_err(|_| Error::Busy)?;
        Ok(Turn { _turn: turn, _place: place })
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn one_at_a_time_and_only_so_many_wait() {
        let turns = Turns::new();
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(first)) = pin!(turns.take()).poll(&mut context) else { panic!("nobody had it") };
        let mut waiting: Vec<_> = (1..WAITING).map(|_| Box::pin(turns.take())).collect();
        assert!(waiting.iter_mut().all(|turn| turn.as_mut().poll(&mut context).is_pending()));
        assert!(matches!(pin!(turns.take()).poll(&mut context), Poll::Ready(Err(Error::Busy))));
        // who gives up leaves his place
        drop(waiting.pop());
        let mut last = pin!(turns.take());
        assert!(last.as_mut().poll(&mut context).is_pending());
        drop(first);
        assert!(last.as_mut().poll(&mut context).is_pending(), "those who came before come first");
        for turn in waiting {
            let mut turn = turn;
            assert!(matches!(turn.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
        }
        assert!(matches!(last.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
    }
}

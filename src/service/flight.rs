//! What many ask for at once is made once: the first makes it, and the others wait for that.
//!
//! Nobody waits for more than one attempt. Where the first fails, each of the others goes on by itself, so that no number of bad requests keeps
//! one waiting; where the first gives up, because its client is gone, one of the others takes its place. What was made is kept elsewhere.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// What is being made just now.
#[derive(Debug)]
pub(super) struct Flights<K, V>(Mutex<HashMap<K, watch::Receiver<State<V>>>>);

#[derive(Debug, Clone)]
enum State<V> {
    UnderWay,
    /// What was made; `None` where that failed.
    Ended(Option<V>),
}

/// What to do.
#[derive(Debug)]
pub(super) enum Turn<'f, K: Eq + Hash + Copy, V> {
    /// Make it, for others, too.
    Lead(Lead<'f, K, V>),
    /// Nothing: it was made.
    Made(V),
    /// Make it for oneself: for another it has failed.
    Alone,
}

/// Who makes something for all; where this goes without [`Lead::end`], another takes it over.
#[derive(Debug)]
pub(super) struct Lead<'f, K: Eq + Hash + Copy, V> {
    flights: &'f Flights<K, V>,
    key: K,
    state: watch::Sender<State<V>>,
}

impl<K: Eq + Hash + Copy, V: Clone> Flights<K, V> {
    /// Nothing.
    pub(super) fn none() -> Flights<K, V> {
        Flights(Mutex::new(HashMap::new()))
    }

    /// Waits until it is known what to do for `key`.
    pub(super) async fn turn(&self, key: K) -> Turn<'_, K, V> {
        loop {
            let mut other = match self.lead(key) {
                Ok(lead) => return Turn::Lead(lead),
                Err(other) => other,
            };
            let ended = other.wait_for(|state| matches!(state, State::Ended(_))).await;
            // an error says that whoever made it has given up
            if let Ok(state) = ended {
                return match &*state {
                    State::Ended(Some(made)) => Turn::Made(made.clone()),
                    _ => Turn::Alone,
                };
            }
        }
    }

    fn lead(&self, key: K) -> Result<Lead<'_, K, V>, watch::Receiver<State<V>>> {
        let mut flights = self.lock();
        if let Some(other) = flights.get(&key) {
            return Err(other.clone());
        }
        let (state, others) = watch::channel(State::UnderWay);
        flights.insert(key, others);
        Ok(Lead { flights: self, key, state })
    }
}

impl<K, V> Flights<K, V> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, watch::Receiver<State<V>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Copy, V> Lead<'_, K, V> {
    /// It was made, or it has failed.
    pub(super) fn end(self, made: Option<V>) {
        self.state.send_replace(State::Ended(made));
    }
}

impl<K: Eq + Hash + Copy, V> Drop for Lead<'_, K, V> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of two who come while a first is at it.
    async fn others(flights: &Flights<u8, u8>, first: impl FnOnce(Lead<'_, u8, u8>)) -> [&'static str; 2] {
        let Turn::Lead(lead) = flights.turn(1).await else { panic!("the first leads") };
        assert!(matches!(flights.turn(2).await, Turn::Lead(_)), "others are others");
        let other = async || match flights.turn(1).await {
            Turn::Lead(lead) => {
                // the other comes to wait in this time, whichever is looked at first
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                lead.end(Some(8));
                "leads"
            }
            Turn::Made(7) => "has what the first made",
            Turn::Made(_) => "has what the second made",
            Turn::Alone => "is alone",
        };
        let first = async {
            tokio::task::yield_now().await;
            first(lead);
        };
        let (second, third, ()) = tokio::join!(other(), other(), first);
        assert!(flights.lock().is_empty());
        [second, third]
    }

    #[tokio::test]
    async fn nobody_waits_for_more_than_one_attempt() {
        let flights = Flights::none();
        assert_eq!(others(&flights, |lead| lead.end(Some(7))).await, ["has what the first made"; 2]);
        assert_eq!(others(&flights, |lead| lead.end(None)).await, ["is alone"; 2]);
        let mut after = others(&flights, |lead| {
            drop(lead);
        })
        .await;
        after.sort_unstable();
        assert_eq!(after, ["has what the second made", "leads"]);
    }
}

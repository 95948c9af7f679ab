//! Functions in this process alone: in memory, or in a file besides.
//!
//! Facts are in memory and are read without waiting; texts are where there is room for them. One change at a time: planned, written
//! down, then made.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::disk::Disk;
use super::index::{Change, Index, Room};
use super::record::{Asker, Condition, Entry, Id, Outcome, Page, Reference, Registration};
use super::turns::Turns;
use super::{Clock, Error, Settings, milliseconds};

/// The home in this process.
pub(super) struct Local {
    inner: Arc<Inner>,
    turns: Turns,
}

struct Inner {
    index: RwLock<Index>,
    texts: Texts,
    room: Room,
    clock: Clock,
}

enum Texts {
    Memory(RwLock<HashMap<Id, Arc<[u8]>>>),
    File(Disk),
}

impl Local {
    /// An empty home that ends with the process.
    pub(super) fn in_memory(settings: &Settings, clock: Clock) -> Local {
        Local::of(Index::default(), Texts::Memory(RwLock::default()), settings, clock)
    }

    /// The home in that file, which is made where it is not there.
    pub(super) fn in_file(path: &Path, settings: &Settings, clock: Clock) -> Result<Local, Error> {
        let (disk, index) = Disk::open(path)?;
        Ok(Local::of(index, Texts::File(disk), settings, clock))
    }

    fn of(index: Index, texts: Texts, settings: &Settings, clock: Clock) -> Local {
        let inner = Inner { index: RwLock::new(index), texts, room: Room::of(settings), clock };
        Local { inner: Arc::new(inner), turns: Turns::new() }
    }

    pub(super) fn peek(&self, owner: Option<&str>, reference: &Reference) -> Option<Id> {
        self.inner.read().find(owner.into(), reference).map(|entry| entry.id)
    }

    pub(super) fn find(&self, asker: Asker<'_>, reference: &Reference) -> Result<Entry, Error> {
        self.inner.read().find(asker, reference).cloned().ok_or(Error::Missing)
    }

    pub(super) fn list(&self, asker: Asker<'_>, after: u64, limit: usize) -> Page {
        self.inner.read().list(asker, after, limit)
    }

    pub(super) async fn text(&self, id: Id) -> Result<Arc<[u8]>, Error> {
        match &self.inner.texts {
            Texts::Memory(texts) => texts.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned().ok_or(Error::Missing),
            Texts::File(_) => match self.read(id).await {
                Err(Error::Unavailable(_)) => {
                    // perhaps an error has closed it, which is over
                    self.change(|_, _, _| Ok((Change::default(), ()))).await?;
                    self.read(id).await
                }
                text => text,
            },
        }
    }

    /// Reads a text from the file.
    async fn read(&self, id: Id) -> Result<Arc<[u8]>, Error> {
        let inner = self.inner.clone();
        blocking(move || match &inner.texts {
            Texts::File(disk) => disk.text(id),
            Texts::Memory(_) => Err(Error::Missing),
        })
        .await
    }

    pub(super) async fn register(&self, registration: Registration) -> Result<Outcome, Error> {
        self.change(move |index, now, room| index.register(&registration, now, room)).await
    }

    pub(super) async fn replace(&self, registration: Registration, condition: Condition) -> Result<Outcome, Error> {
        self.change(move |index, now, room| index.replace(&registration, &condition, now, room)).await
    }

    pub(super) async fn delete(&self, asker: Asker<'_>, reference: Reference, condition: Condition) -> Result<(), Error> {
        let (owner, all) = (asker.owner.map(str::to_owned), asker.all);
        let plan = move |index: &Index, _, _| {
            let asker = Asker { owner: owner.as_deref(), all };
            index.delete(asker, &reference, &condition).map(|change| (change, ()))
        };
        self.change(plan).await
    }

    /// Plans a change, writes it down and makes it, to its end even where nobody waits for that any more.
    async fn change<T: Send + 'static>(
        &self,
        plan: impl FnOnce(&Index, u64, Room) -> Result<(Change, T), Error> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.turns.take().await?;
        let inner = self.inner.clone();
        let work = move || {
            let _turn = turn;
            inner.change(plan)
        };
        match &self.inner.texts {
            Texts::Memory(_) => work(),
            Texts::File(_) => blocking(work).await,
        }
    }
}

impl Inner {
    fn change<T>(&self, plan: impl FnOnce(&Index, u64, Room) -> Result<(Change, T), Error>) -> Result<T, Error> {
        if let Texts::File(disk) = &self.texts
            && let Some(index) = disk.reopened()?
        {
            // the write that closed it may have come through
            *self.write() = index;
        }
        let (change, outcome) = plan(&self.read(), milliseconds(&self.clock), self.room)?;
        if change.is_empty() {
            return Ok(outcome);
        }
        match &self.texts {
            Texts::File(disk) => disk.keep(&change)?,
            Texts::Memory(texts) => {
                let mut texts = texts.write().unwrap_or_else(PoisonError::into_inner);
                texts.extend(change.text.clone());
                if let Some(id) = &change.dropped {
                    texts.remove(id);
                }
            }
        }
        self.write().apply(change);
        Ok(outcome)
    }

    fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what waits for a disk where that holds nobody up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(Error::Unavailable(error.to_string())),
    }
}

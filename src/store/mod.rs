//! Where registered functions live: in memory, in a file, or in PostgreSQL.
//!
//! What is kept is functions as text, with their names and facts, never a program. One interface, and three homes that a suite holds
//! to the same behaviour: what is acknowledged is there after any crash, and nothing is ever half there. The store does not know what
//! a function says, who is asking (an owner is a string to it) or what time it is: the clock is handed in.

mod disk;
mod index;
mod local;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
mod settings;
pub mod trust;
mod turns;

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

pub use record::{Asker, Condition, Entry, Id, Outcome, Page, Reference, Registration, Version, Versions};
pub use settings::{Home, Settings};

use local::Local;
#[cfg(feature = "postgres")]
use postgres::Postgres;

/// What time it is.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Why the store did not do what it was asked to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The settings name no home that there is.
    #[error("{0}")]
    Home(String),
    /// The name means another function.
    #[error("the name {0:?} means another function")]
    NameTaken(String),
    /// There is no such function, or none that this owner may see.
    #[error("there is no such function")]
    Missing,
    /// The function is another owner's.
    #[error("the function belongs to another owner")]
    NotOwner,
    /// What the condition asks for does not hold.
    #[error("the function is not in the state that the condition names")]
    Changed,
    /// There is no room for it, ever.
    #[error("{limit}: {asked} asked for, {allowed} allowed")]
    Full {
        /// The setting.
        limit: &'static str,
        /// What there would be with it.
        asked: u64,
        /// What there may be.
        allowed: u64,
    },
    /// There is no room for it now, because of what others have.
    #[error("{limit}: {asked} asked for, {allowed} allowed, most of them others'")]
    Crowded {
        /// The setting.
        limit: &'static str,
        /// What there would be with it.
        asked: u64,
        /// What there may be.
        allowed: u64,
    },
    /// Too many changes wait for their turn.
    #[error("too many changes wait for their turn")]
    Busy,
    /// The home cannot be reached, or cannot write; later it may.
    #[error("the store cannot be used now: {0}")]
    Unavailable(String),
    /// What the home holds is not what a store writes.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

/// Registered functions. A handle: clones are the same store.
#[derive(Clone)]
pub struct Store(Arc<Kept>);

enum Kept {
    Local(Local),
    #[cfg(feature = "postgres")]
    Postgres(Arc<Postgres>),
}

impl Store {
    /// Opens the home that the settings name, made where it is not there yet.
    ///
    /// # Errors
    /// A URL that names no home, a file that cannot be opened or is none of a store's, a database whose tables are another version's. A
    /// database that cannot be reached is none: it is used as soon as it can be.
    pub async fn open(settings: &Settings, clock: Clock) -> Result<Store, Error> {
        let kept = match settings.home()? {
            Home::Memory => Kept::Local(Local::in_memory(settings, clock)),
            Home::File(path) => {
                let settings = settings.clone();
                let opened = tokio::task::spawn_blocking(move || Local::in_file(Path::new(&path), &settings, clock));
                Kept::Local(opened.await.map_err(|error| Error::Unavailable(error.to_string()))??)
            }
            #[cfg(feature = "postgres")]
            Home::Postgres(url) => Kept::Postgres(Postgres::open(&url, settings, clock).await?),
            #[cfg(not(feature = "postgres"))]
            Home::Postgres(_) => return Err(Error::Home("this build knows no PostgreSQL; it lacks the feature `postgres`".to_owned())),
        };
        Ok(Store(Arc::new(kept)))
    }

    /// An empty store that ends with the process.
    pub fn in_memory(settings: &Settings, clock: Clock) -> Store {
        Store(Arc::new(Kept::Local(Local::in_memory(settings, clock))))
    }

    /// Whether functions can be asked for, as it was last seen. A file that a full disk has closed counts: its next change opens it.
    pub fn is_usable(&self) -> bool {
        match &*self.0 {
            Kept::Local(_) => true,
            #[cfg(feature = "postgres")]
            Kept::Postgres(postgres) => postgres.is_usable(),
        }
    }

    /// The function that a reference means to this owner, as it is known without waiting. `None` where it is not known: ask
    /// [`Store::find`].
    pub fn peek(&self, owner: Option<&str>, reference: &Reference) -> Option<Id> {
        match &*self.0 {
            Kept::Local(local) => local.peek(owner, reference),
            #[cfg(feature = "postgres")]
            Kept::Postgres(postgres) => postgres.peek(owner, reference),
        }
    }

    /// The function that a reference means to who asks: his own before those of others, which he sees where they are public or he may
    /// see all.
    ///
    /// # Errors
    /// [`Error::Missing`], or a store that cannot be used.
    pub async fn find<'a>(&self, asker: impl Into<Asker<'a>>, reference: &Reference) -> Result<Entry, Error> {
        let asker = asker.into();
        match &*self.0 {
            Kept::Local(local) => local.find(asker, reference),
            #[cfg(feature = "postgres")]
            Kept::Postgres(postgres) => postgres.find(asker, reference).await,
        }
    }

    /// The text of a function.
    ///
    /// # Errors
    /// [`Error::Missing`], or a store that cannot be used.
    pub async fn text(&self, id: Id) -> Result<Arc<[u8]>, Error> {
        match &*self.0 {
            Kept::Local(local) => local.text(id).await,
            #[cfg(feature = "postgres")]
            Kept::Postgres(postgres) => postgres.text(id).await,
        }
    }

    /// Registers a function. When this returns, it is there for good.
    ///
    /// # Errors
    /// [`Error::NameTaken`], [`Error::Full`], [`Error::Crowded`], or a store that cannot be used.
    pub async fn register(&self, registration: Registration) -> Result<Outcome, Error> {
        match &*self.0 {
            Kept::Local(local) => local.register(registration).await,
            #[cfg(feature = "postgres")]
            Kept::Postgres(postgres) => postgres.register(registration).await,
        }
    }

    /// Makes the registration's name mean its function from now on.
    ///
    /// # Errors
    /// [`Error::Changed`] where the condition does not hold, [`Error::NameTaken`] where the name means another function and the
    /// condition does not say which, [`Error::NotOwner`], [`Error::Full`], [`Error::Crowded`], or a store that cannot be used.
    pub async fn replace(&self, registration: Registration, condition: Condition) -> Result<Outcome, Error> {
        match &*self.0 {
            Kept::Local(local) => local.replace(registration, condition).await,
            #[cfg(feature = "postgres")]
            Kept::Postgres(postgres) => postgres.replace(registration, condition).await,
        }
    }

    /// Deletes a name, and with its last name a function; by its id a function with all its names.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::NotOwner`], [`Error::Changed`], or a store that cannot be used.
    pub async fn delete<'a>(&self, asker: impl Into<Asker<'a>>, reference: Reference, condition: Condition) -> Result<(), Error> {
        let asker = asker.into();
        match &*self.0 {
            Kept::Local(local) => local.delete(asker, reference, condition).await,
            #[cfg(feature = "postgres")]
            Kept::Postgres(postgres) => postgres.delete(asker, reference, condition).await,
        }
    }

    /// The functions that who asks sees, in the order in which they were registered, from the first behind `after`.
    ///
    /// # Errors
    /// A store that cannot be used.
    pub async fn list<'a>(&self, asker: impl Into<Asker<'a>>, after: u64, limit: usize) -> Result<Page, Error> {
        let asker = asker.into();
        match &*self.0 {
            Kept::Local(local) => Ok(local.list(asker, after, limit)),
            #[cfg(feature = "postgres")]
            Kept::Postgres(postgres) => postgres.list(asker, after, limit).await,
        }
    }
}

/// Milliseconds of Unix time.
fn milliseconds(clock: &Clock) -> u64 {
    clock().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

//! Functions in a file, by redb: copy-on-write trees, written with two barriers and acknowledged behind the second.
//!
//! Two-phase commits, because what is written comes from strangers: a torn write is then told by its order, not by a checksum that
//! somebody could aim at. After an error of the disk the file is closed, and opened again by the next who writes.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition, TableHandle};

use super::Error;
use super::index::{Change, Index};
use super::record::{Entry, Id};

/// Sequence → entry, as JSON.
const ENTRIES: TableDefinition<u64, &[u8]> = TableDefinition::new("entries");
/// Id → text.
const TEXTS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("texts");
/// The form of all this, and the last sequence number given.
const FACTS: TableDefinition<&str, u64> = TableDefinition::new("nablad");

/// The form that is written here.
const FORM: u64 = 1;
/// Bytes of pages in memory.
const CACHE: usize = 8 << 20;

/// The file.
pub(super) struct Disk {
    path: PathBuf,
    /// `None` after an error.
    database: RwLock<Option<Database>>,
}

impl Disk {
    /// Opens the file, made where it is not there, with the facts in it.
    pub(super) fn open(path: &Path) -> Result<(Disk, Index), Error> {
        let (database, index) = open(path)?;
        Ok((Disk { path: path.to_owned(), database: RwLock::new(Some(database)) }, index))
    }

    /// Opens the file again if an error has closed it; then what is in it is what counts.
    pub(super) fn reopened(&self) -> Result<Option<Index>, Error> {
        if self.database.read().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Ok(None);
        }
        let (database, index) = open(&self.path)?;
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = Some(database);
        Ok(Some(index))
    }

    /// The text of a function.
    pub(super) fn text(&self, id: Id) -> Result<Arc<[u8]>, Error> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*database else { return Err(self.unavailable("an error has closed it")) };
        let read = || -> Result<Option<Arc<[u8]>>, redb::Error> {
            let table = database.begin_read()?.open_table(TEXTS)?;
            Ok(table.get(&id.0[..])?.map(|text| text.value().into()))
        };
        read().map_err(|error| self.failed(&error))?.ok_or(Error::Missing)
    }

    /// Writes a change down: all of it, and for good when this returns. One at a time; others may read meanwhile.
    pub(super) fn keep(&self, change: &Change) -> Result<(), Error> {
        let outcome = match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => write(database, change),
            None => return Err(self.unavailable("an error has closed it")),
        };
        outcome.map_err(|error| {
            *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
            self.failed(&error)
        })
    }

    fn unavailable(&self, why: impl std::fmt::Display) -> Error {
        Error::Unavailable(format!("{}: {why}", self.path.display()))
    }

    fn failed(&self, error: &redb::Error) -> Error {
        match error {
            redb::Error::Corrupted(_) => Error::Damaged(format!("{}: {error}", self.path.display())),
            error => self.unavailable(error),
        }
    }
}

fn write(database: &Database, change: &Change) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    {
        let mut entries = transaction.open_table(ENTRIES)?;
        let mut facts = transaction.open_table(FACTS)?;
        for entry in &change.put {
            let text = serde_json::to_vec(entry).map_err(|error| redb::Error::Corrupted(error.to_string()))?;
            entries.insert(entry.sequence, &text[..])?;
            if facts.get("last")?.is_none_or(|last| last.value() < entry.sequence) {
                facts.insert("last", entry.sequence)?;
            }
        }
        if let Some(sequence) = change.gone {
            entries.remove(sequence)?;
        }
        let mut texts = transaction.open_table(TEXTS)?;
        if let Some((id, text)) = &change.text {
            texts.insert(&id.0[..], &text[..])?;
        }
        if let Some(id) = &change.dropped {
            texts.remove(&id.0[..])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn open(path: &Path) -> Result<(Database, Index), Error> {
    let unavailable = |why: &dyn std::fmt::Display| Error::Unavailable(format!("cannot open {}: {why}", path.display()));
    let damaged = |why: &dyn std::fmt::Display| {
        Error::Damaged(format!("{} is no file of functions, or is not as it was written: {why}", path.display()))
    };
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    // A file that redb has not written can bring it to a panic.
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let database = builder.create(path)?;
        Ok((read(&database), database))
    }));
    let (index, database) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch)) => {
            return Err(unavailable(&"another process has it open; several servers share functions in PostgreSQL"));
        }
        Ok(Err(error @ DatabaseError::UpgradeRequired(_))) => return Err(damaged(&error)),
        Ok(Err(DatabaseError::Storage(StorageError::Io(error)))) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(damaged(&error));
        }
        Ok(Err(error @ DatabaseError::Storage(StorageError::Corrupted(_)))) => return Err(damaged(&error)),
        Ok(Err(error)) => return Err(unavailable(&error)),
        Err(_) => return Err(damaged(&"it is torn")),
    };
    match index {
        Ok(Some(index)) => Ok((database, index)),
        Ok(None) => {
            begin(&database, path).map_err(|error| unavailable(&error))?;
            Ok((database, Index::default()))
        }
        Err(Unread::Redb(error)) => Err(damaged(&error)),
        Err(Unread::Foreign(why)) => Err(damaged(&why)),
    }
}

/// Why the facts of a file cannot be read.
enum Unread {
    Redb(redb::Error),
    Foreign(String),
}

impl<E: Into<redb::Error>> From<E> for Unread {
    fn from(error: E) -> Unread {
        Unread::Redb(error.into())
    }
}

/// The facts in a file; `None` where it is new.
fn read(database: &Database) -> Result<Option<Index>, Unread> {
    let transaction = database.begin_read()?;
    let tables: Vec<String> = transaction.list_tables()?.map(|table| table.name().to_owned()).collect();
    if tables.is_empty() {
        return Ok(None);
    }
    if !tables.iter().any(|table| table == FACTS.name()) {
        return Err(Unread::Foreign(format!("it is another program's, with the tables {}", tables.join(", "))));
    }
    let facts = transaction.open_table(FACTS)?;
    let fact = |name: &str| -> Result<u64, Unread> { Ok(facts.get(name)?.map_or(0, |fact| fact.value())) };
    let form = fact("form")?;
    if form != FORM {
        return Err(Unread::Foreign(format!("it is of form {form}; this version reads form {FORM}")));
    }
    let texts = transaction.open_table(TEXTS)?;
    let mut entries = Vec::new();
    for row in transaction.open_table(ENTRIES)?.iter()? {
        let (sequence, text) = row?;
        let sequence = sequence.value();
        let entry: Entry = serde_json::from_slice(text.value()).map_err(|error| Unread::Foreign(format!("entry {sequence}: {error}")))?;
        if entry.sequence != sequence || texts.get(&entry.id.0[..])?.is_none() {
            return Err(Unread::Foreign(format!("entry {sequence} has no text")));
        }
        entries.push(entry);
    }
    Ok(Some(Index::of(entries, fact("last")?)))
}

/// Makes a new file one of ours, and its name in its directory last.
fn begin(database: &Database, path: &Path) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    transaction.open_table(FACTS)?.insert("form", FORM)?;
    transaction.open_table(ENTRIES)?;
    transaction.open_table(TEXTS)?;
    transaction.commit()?;
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(redb::Error::Io)
}

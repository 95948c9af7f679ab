//! Functions in PostgreSQL, for several servers at once.
//!
//! A change is planned by the same rules as in the other homes, from the rows that it can touch, in a transaction that holds the one
//! row of totals: so changes come one after another, and sequence numbers become visible in their order. What a reference means is
//! remembered for a while shorter than a second; what it does not mean is not. Changes made here wait for their turn before they take a
//! connection, so that there are always others to read with.

mod found;
mod standing;
mod tls;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{GenericClient, Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::index::{Change, Index, Room, Share, Totals};
use super::record::{Asker, Condition, Entry, Id, Outcome, Page, Reference, Registration};
use super::turns::Turns;
use super::{Clock, Error, Settings, milliseconds};
use found::{Found, Touched};
use standing::{Standing, keep};

/// The steps from an empty database to the tables that are used here. Only ever appended to.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE nablad_totals (functions bigint NOT NULL, bytes bigint NOT NULL, last bigint NOT NULL);
    INSERT INTO nablad_totals VALUES (0, 0, 0);
    CREATE TABLE nablad_texts (id bytea PRIMARY KEY, text bytea NOT NULL);
    CREATE TABLE nablad_entries (
        sequence bigint PRIMARY KEY, revision bigint NOT NULL, id bytea NOT NULL REFERENCES nablad_texts, owner text NOT NULL,
        names text[] NOT NULL, description text, public boolean NOT NULL, created bigint NOT NULL, bytes bigint NOT NULL,
        UNIQUE (id, owner)
    );
    CREATE TABLE nablad_names (name text COLLATE \"C\" PRIMARY KEY, entry bigint NOT NULL REFERENCES nablad_entries ON DELETE CASCADE);
    CREATE INDEX nablad_names_entry ON nablad_names (entry);
",
    "
    CREATE INDEX nablad_entries_owner ON nablad_entries (owner) INCLUDE (bytes);
",
];

/// What servers that migrate at once take turns by: any number that nobody else takes.
const TURN: i64 = 0x006e_6162_6c61_6421;

const FACTS: &str = "e.sequence, e.revision, e.id, e.owner, e.names, e.description, e.public, e.created, e.bytes";

/// The home in a database.
pub(super) struct Postgres {
    pool: Pool,
    room: Room,
    clock: Clock,
    timeout: Duration,
    turns: Turns,
    found: Found,
    standing: Arc<Standing>,
}

/// What a change begins with: the function and the name that it is about, and whose share it counts in.
struct About<'a> {
    id: Id,
    name: Option<&'a str>,
    owner: Option<&'a str>,
}

impl Postgres {
    /// Connects, and brings the tables up to date; where the database is not there, as soon as it is.
    pub(super) async fn open(url: &str, settings: &Settings, clock: Clock) -> Result<Arc<Postgres>, Error> {
        let timeout = settings.timeout();
        let (mut config, tls) = tls::read(url, &settings.tls_roots)?;
        config.connect_timeout(timeout).tcp_user_timeout(timeout).keepalives_idle(Duration::from_secs(10));
        if config.get_application_name().is_none() {
            config.application_name("nablad");
        }
        let manager = Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        // what nobody waits for any more ends in the database, too
        let limits = format!("SET statement_timeout = {0}; SET idle_in_transaction_session_timeout = {0}", timeout.as_millis().max(1));
        let limited = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let limits = limits.clone();
            Box::pin(async move { client.batch_execute(&limits).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager)
            .max_size(settings.connections)
            .wait_timeout(Some(timeout))
            .create_timeout(Some(timeout))
            .recycle_timeout(Some(timeout))
            .runtime(Runtime::Tokio1)
            .post_create(limited)
            .build()
            .map_err(|error| Error::Home(error.to_string()))?;
        let found = Found::for_as_long_as(settings.freshness());
        let standing = Arc::new(Standing::unknown());
        let (room, turns) = (Room::of(settings), Turns::new());
        let postgres = Arc::new(Postgres { pool, room, clock, timeout, turns, found, standing: standing.clone() });
        match postgres.look().await {
            // it may come yet
            Ok(()) | Err(Error::Unavailable(_)) => {}
            Err(error) => return Err(error),
        }
        tokio::spawn(keep(Arc::downgrade(&postgres), standing, settings.look()));
        Ok(postgres)
    }

    /// Whether it can be used, as it was last seen.
    pub(super) fn is_usable(&self) -> bool {
        self.standing.usable().is_ok()
    }

    /// The version of the tables; 0 where there are none.
    async fn version(&self) -> Result<i64, Error> {
        let there = self.asked("SELECT to_regclass('nablad_schema') IS NOT NULL", &[]).await?;
        if !there.first().is_some_and(|row| row.get::<_, bool>(0)) {
            return Ok(0);
        }
        let rows = self.asked("SELECT coalesce(max(version), 0) FROM nablad_schema", &[]).await?;
        rows.first().map_or(Ok(0), |row| row.try_get(0).map_err(damaged))
    }

    async fn migrate(&self) -> Result<(), Error> {
        // who may not make tables may still use those that are there
        if self.version().await? == MIGRATIONS.len() as i64 {
            return Ok(());
        }
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(unavailable)?;
        // it takes the time that it takes, and so does waiting for another server that does it
        transaction.batch_execute("SET LOCAL statement_timeout = 0").await.map_err(unavailable)?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&TURN]).await.map_err(unavailable)?;
        transaction.batch_execute("CREATE TABLE IF NOT EXISTS nablad_schema (version bigint NOT NULL)").await.map_err(unavailable)?;
        let row = transaction.query_one("SELECT coalesce(max(version), 0) FROM nablad_schema", &[]).await.map_err(unavailable)?;
        let version = row.get::<_, i64>(0);
        let Some(steps) = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..)) else {
            let known = MIGRATIONS.len();
            return Err(Error::Damaged(format!("the tables are of version {version}; this server knows those up to {known}")));
        };
        for (step, version) in steps.iter().zip(version + 1..) {
            transaction.batch_execute(step).await.map_err(unavailable)?;
            transaction.execute("INSERT INTO nablad_schema VALUES ($1)", &[&version]).await.map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)
    }

    pub(super) fn peek(&self, owner: Option<&str>, reference: &Reference) -> Option<Id> {
        self.found.get(owner, reference)
    }

    pub(super) async fn find(&self, asker: Asker<'_>, reference: &Reference) -> Result<Entry, Error> {
        let asked = self.found.ask(reference);
        let (key, all) = (owner_key(asker.owner), asker.all);
        let row = match reference {
            Reference::Name(name) => {
                let query = format!(
                    "SELECT {FACTS} FROM nablad_entries e JOIN nablad_names n ON n.entry = e.sequence WHERE n.name = $1 AND (e.public OR e.owner = $2 OR $3)"
                );
                self.read(&query, &[name, &key, &all]).await?
            }
            Reference::Id(id) => {
                let query = format!(
                    "SELECT {FACTS} FROM nablad_entries e WHERE e.id = $1 AND (e.public OR e.owner = $2 OR $3)
                     ORDER BY e.owner <> $2, NOT e.public, e.sequence LIMIT 1"
                );
                self.read(&query, &[&&id.0[..], &key, &all]).await?
            }
        };
        let entry = entry(row.first().ok_or(Error::Missing)?)?;
        // what he sees because he sees all is not what he may call
        if entry.visible(asker.owner.into()) {
            self.found.keep(asked, asker.owner, reference, entry.id);
        }
        Ok(entry)
    }

    pub(super) async fn text(&self, id: Id) -> Result<Arc<[u8]>, Error> {
        let rows = self.read("SELECT text FROM nablad_texts WHERE id = $1", &[&&id.0[..]]).await?;
        let row = rows.first().ok_or(Error::Missing)?;
        Ok(row.try_get::<_, &[u8]>(0).map_err(damaged)?.into())
    }

    pub(super) async fn list(&self, asker: Asker<'_>, after: u64, limit: usize) -> Result<Page, Error> {
        let query = format!(
            "SELECT {FACTS} FROM nablad_entries e WHERE e.sequence > $1 AND (e.public OR e.owner = $2 OR $4) ORDER BY e.sequence LIMIT $3"
        );
        let (after, most) = (signed(after), signed(limit as u64).saturating_add(1));
        let rows = self.read(&query, &[&after, &owner_key(asker.owner), &most, &asker.all]).await?;
        let entries = rows.iter().take(limit).map(entry).collect::<Result<_, _>>()?;
        Ok(Page { entries, more: rows.len() > limit })
    }

    pub(super) async fn register(&self, registration: Registration) -> Result<Outcome, Error> {
        self.change(About::of(&registration), |index, now| index.register(&registration, now, self.room)).await
    }

    pub(super) async fn replace(&self, registration: Registration, condition: Condition) -> Result<Outcome, Error> {
        self.change(About::of(&registration), |index, now| index.replace(&registration, &condition, now, self.room)).await
    }

    pub(super) async fn delete(&self, asker: Asker<'_>, reference: Reference, condition: Condition) -> Result<(), Error> {
        // whose text goes with it depends on who else has it
        let id = match &reference {
            Reference::Id(id) => *id,
            Reference::Name(name) => self.named(name).await?.ok_or(Error::Missing)?,
        };
        let name = if let Reference::Name(name) = &reference { Some(name.as_str()) } else { None };
        let plan = |index: &Index, _| match index.find(asker, &reference) {
            // what the name meant a moment ago is not what was looked at
            Some(entry) if entry.id != id => Err(Error::Unavailable("the name was given to another function just now".to_owned())),
            _ => index.delete(asker, &reference, &condition).map(|change| (change, ())),
        };
        self.change(About { id, name, owner: None }, plan).await
    }

    /// What a name means, whoever asks.
    async fn named(&self, name: &str) -> Result<Option<Id>, Error> {
        let query = "SELECT e.id FROM nablad_entries e JOIN nablad_names n ON n.entry = e.sequence WHERE n.name = $1";
        self.read(query, &[&name]).await?.first().map(|row| id(row, 0)).transpose()
    }

    /// Plans a change from the entries of a function and what a name means, and makes it.
    async fn change<T>(&self, about: About<'_>, plan: impl FnOnce(&Index, u64) -> Result<(Change, T), Error>) -> Result<T, Error> {
        self.standing.usable()?;
        let About { id, name, owner } = about;
        // Changes come one after another in any case. Waiting here they hold no connection.
        let _turn = tokio::time::timeout(self.timeout / 2, self.turns.take()).await.unwrap_or(Err(Error::Busy))?;
        let now = milliseconds(&self.clock);
        let references = std::iter::once(Reference::Id(id)).chain(name.map(str::to_owned).map(Reference::Name)).collect();
        let mut touched = Touched { found: &self.found, references };
        let changed = self.timed(async {
            let mut client = self.client().await?;
            let transaction = client.transaction().await.map_err(unavailable)?;
            let totals = transaction.query_one("SELECT functions, bytes, last FROM nablad_totals FOR UPDATE", &[]);
            let totals = totals.await.map_err(unavailable)?;
            let total = |column: usize| totals.try_get::<_, i64>(column).map_err(damaged).map(unsigned);
            let totals = Totals { functions: total(0)?, bytes: total(1)?, last: total(2)? };
            let query = format!(
                "SELECT {FACTS} FROM nablad_entries e WHERE e.id = $1 OR e.sequence = (SELECT entry FROM nablad_names WHERE name = $2)"
            );
            let statement = transaction.prepare_cached(&query).await.map_err(unavailable)?;
            let rows = transaction.query(&statement, &[&&id.0[..], &name]).await.map_err(unavailable)?;
            let entries = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
            touched.references.extend(entries.iter().flat_map(|entry| entry.names.iter().cloned().map(Reference::Name)));
            let share = match owner {
                Some(owner) => Some((owner.to_owned(), share(&transaction, owner).await?)),
                None => None,
            };
            let mut index = Index::part(entries, totals, share);
            let (change, outcome) = plan(&index, now)?;
            if change.is_empty() {
                return Ok(outcome);
            }
            write(&transaction, &change).await.map_err(unavailable)?;
            index.apply(change);
            let Totals { functions, bytes, last } = index.totals();
            let update = "UPDATE nablad_totals SET functions = $1, bytes = $2, last = $3";
            transaction.execute(update, &[&signed(functions), &signed(bytes), &signed(last)]).await.map_err(unavailable)?;
            transaction.commit().await.map_err(unavailable)?;
            Ok(outcome)
        });
        let outcome = changed.await;
        self.standing.met(&outcome);
        outcome
    }

    /// Reads, unless the database is known to be away.
    async fn read(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        self.standing.usable()?;
        let rows = self.asked(query, values).await;
        self.standing.met(&rows);
        rows
    }

    /// Reads; again on a new connection where one was only found to be gone by using it, or went while it was made.
    async fn asked(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        self.timed(async {
            let mut attempts = 4;
            loop {
                attempts -= 1;
                let (client, rows) = match self.pool.get().await {
                    Ok(client) => {
                        let rows = async { client.query(&client.prepare_cached(query).await?, values).await }.await;
                        (Some(client), rows)
                    }
                    Err(PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error))) => (None, Err(error)),
                    Err(error) => return Err(Error::Unavailable(told(&error))),
                };
                match rows {
                    Err(error) if is_gone(&error) && attempts > 0 => {
                        // it is not the only one, and the others may not have noticed yet
                        drop(client.map(Object::take));
                        self.pool.retain(|_, _| false);
                    }
                    outcome => return outcome.map_err(unavailable),
                }
            }
        })
        .await
    }

    async fn client(&self) -> Result<Object, Error> {
        self.pool.get().await.map_err(|error| Error::Unavailable(told(&error)))
    }

    async fn timed<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let late = |_| Err(Error::Unavailable(format!("no answer from PostgreSQL within {} s", self.timeout.as_secs_f64())));
        tokio::time::timeout(self.timeout, work).await.unwrap_or_else(late)
    }
}

impl<'a> About<'a> {
    fn of(registration: &'a Registration) -> About<'a> {
        About { id: registration.id, name: registration.name.as_deref(), owner: registration.owner.as_deref() }
    }
}

/// What an owner has, as nobody changes it meanwhile.
async fn share(transaction: &deadpool_postgres::Transaction<'_>, owner: &str) -> Result<Share, Error> {
    let query = "SELECT count(*), coalesce(sum(bytes), 0)::bigint FROM nablad_entries WHERE owner = $1";
    let query = transaction.prepare_cached(query).await.map_err(unavailable)?;
    let row = transaction.query_one(&query, &[&owner_key(Some(owner))]).await.map_err(unavailable)?;
    let total = |column: usize| row.try_get::<_, i64>(column).map_err(damaged).map(unsigned);
    Ok(Share { functions: total(0)?, bytes: total(1)? })
}

async fn write(transaction: &deadpool_postgres::Transaction<'_>, change: &Change) -> Result<(), tokio_postgres::Error> {
    if let Some((id, text)) = &change.text {
        transaction.execute("INSERT INTO nablad_texts VALUES ($1, $2)", &[&&id.0[..], &&text[..]]).await?;
    }
    for entry in &change.put {
        let sequence = signed(entry.sequence);
        let query = "INSERT INTO nablad_entries VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (sequence) DO UPDATE SET
            revision = excluded.revision, names = excluded.names, description = excluded.description, public = excluded.public";
        let (revision, created, bytes) = (signed(entry.revision), signed(entry.created), signed(entry.bytes));
        let owner = owner_key(entry.owner.as_deref());
        let values: [&(dyn ToSql + Sync); 9] =
            [&sequence, &revision, &&entry.id.0[..], &owner, &entry.names, &entry.description, &entry.public, &created, &bytes];
        transaction.execute(query, &values).await?;
        let query = "DELETE FROM nablad_names WHERE entry = $1 AND name <> ALL($2)";
        transaction.execute(query, &[&sequence, &entry.names]).await?;
        let query = "INSERT INTO nablad_names SELECT unnest($2::text[]), $1 ON CONFLICT DO NOTHING";
        transaction.execute(query, &[&sequence, &entry.names]).await?;
    }
    if let Some(sequence) = change.gone {
        transaction.execute("DELETE FROM nablad_entries WHERE sequence = $1", &[&signed(sequence)]).await?;
    }
    if let Some(id) = &change.dropped {
        transaction.execute("DELETE FROM nablad_texts WHERE id = $1", &[&&id.0[..]]).await?;
    }
    Ok(())
}

/// An owner as a column that is never null.
fn owner_key(owner: Option<&str>) -> String {
    owner.map_or_else(String::new, |owner| format!(":{owner}"))
}

fn entry(row: &Row) -> Result<Entry, Error> {
    let number = |column: usize| row.try_get::<_, i64>(column).map_err(damaged).map(unsigned);
    let owner: &str = row.try_get(3).map_err(damaged)?;
    Ok(Entry {
        sequence: number(0)?,
        revision: number(1)?,
        id: id(row, 2)?,
        owner: owner.strip_prefix(':').map(str::to_owned),
        names: row.try_get(4).map_err(damaged)?,
        description: row.try_get(5).map_err(damaged)?,
        public: row.try_get(6).map_err(damaged)?,
        created: number(7)?,
        bytes: number(8)?,
    })
}

fn id(row: &Row, column: usize) -> Result<Id, Error> {
    let bytes: &[u8] = row.try_get(column).map_err(damaged)?;
    bytes.try_into().map(Id).map_err(|_| Error::Damaged(format!("an id of {} bytes", bytes.len())))
}

/// PostgreSQL has no unsigned numbers; none of ours ever comes near the bound.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Whether the connection is no more: it has been closed, or the server says so in its place.
fn is_gone(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].iter().any(|state| error.code() == Some(state))
}

fn unavailable(error: tokio_postgres::Error) -> Error {
    Error::Unavailable(told(&error))
}

fn damaged(error: tokio_postgres::Error) -> Error {
    Error::Damaged(told(&error))
}

/// An error with what it comes from.
fn told(error: &dyn std::error::Error) -> String {
    let mut sentence = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !sentence.contains(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
        source = error.source();
    }
    sentence
}

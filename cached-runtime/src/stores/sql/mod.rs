//! The SQL store, on MySQL or MariaDB, PostgreSQL, or SQLite.
//!
//! `address` reads the URL, `pool` keeps connections and `wire` speaks over one, `mysql`, `postgres` and `sqlite` say
//! what each database spells in its own way and `statements` the rest. `table` makes the table, `commands` and `many`
//! say which statement answers which verb of [`Store`], `pattern` and `sweep` find what is to be removed.
//!
//! # How tokens are kept true
//!
//! A token is 16 random bytes in the row of its key: a *lease*, which may stand in the row of an absent key. Every
//! change is a single statement, committed with itself, so there is no transaction to be left open by a caller that is
//! dropped, and none to be half done.
//!
//! * A fill is an `UPDATE ... WHERE token = ?`, and uses the token up. It makes no row.
//! * A removal is a `DELETE`: entry and lease are one row, so both go or neither. By pattern too, since the leases of
//!   absent keys are rows that match.
//! * A reservation and a put overwrite the token.
//!
//! Two of these about one key wait for each other at the row's lock, and the second looks at the row as the first has
//! left it: in `READ COMMITTED`, which each session is set to, and in SQLite, where writers take turns. A higher level
//! would make the second one fail instead; a lower one, or a snapshot, would let a fill see a token that is gone. What
//! reads a key reads one row in one statement, so no level could show it a mixture.
//!
//! A token that `SELECT` has read stood when the statement began, which is after the look-up did and before the load
//! will, and that is all a token says. A read replica would break this: the URL must lead to where the writes go.
//!
//! # What locks
//!
//! A statement about one key locks one row, and cannot be part of a deadlock. Those about several lock rows in the
//! order of their hashes: in an `INSERT` that is the order of its rows, in PostgreSQL they are locked in it before
//! anything else is done, and MySQL walks along the primary key. A plan of MySQL's may still come upon rows otherwise,
//! and InnoDB locks more than rows when keys are made; who is chosen as a deadlock's victim has been undone, and runs
//! again, four times at most.
//!
//! # What it costs
//!
//! | | round trips |
//! |---|---|
//! | a hit; a miss of a key that was missed within the last 30 s | 1, a plain `SELECT` |
//! | any other miss | 2; on MySQL, which unlike MariaDB gives back nothing that it has changed, 3 |
//! | a fill, a reservation, a removal of up to 256 keys, a touch | 1 |
//! | a put | 2 |
//!
//! A statement that finds or else leases would save a miss a round trip, and make every hit one that may write: dearer,
//! and in SQLite a writer that waits for its turn. A miss has a load before it, which is why it is a miss.

mod address;
mod aside;
mod commands;
mod dialect;
mod fault;
mod many;
#[cfg(feature = "mysql")]
mod mysql;
mod pattern;
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod sweep;
mod table;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Release;
use std::time::Duration;

use tokio::sync::Mutex;

use self::address::Address;
use self::dialect::Dialect;
use self::fault::Fault;
use self::pool::Link;
use self::statements::Texts;
use self::sweep::Sweeps;
use crate::{BoxFuture, Error, ErrorKind, Filled, Filling, Lookup, Store, Token};

/// SHA-256 of a key.
type Hash = [u8; 32];

const SWEEP_EVERY: Duration = Duration::from_secs(60);
const SWEEP_BATCH: usize = 500;

/// A table in MySQL, MariaDB 10.5 or later, PostgreSQL 12 or later, or SQLite, as a [`Store`] with every guarantee.
///
/// Cheap to clone; the clones share connections, which are made when they are needed and replaced when they are lost.
/// While the database is down every call fails with [`ErrorKind::Unavailable`].
///
/// Entries expire by the database's clock, to the millisecond; what has expired is removed in the background. A load
/// that takes longer than a minute loses its lease and is not stored. In an SQLite file entries outlast the process,
/// which makes it a tier that is warm after a restart; a removal survives the death of the process too, but a power
/// cut may undo those of the last moments (`synchronous = NORMAL`).
///
/// The table is created if it is missing, by the name `cached_entries`. Several programs may share it if their
/// namespaces differ.
#[derive(Clone)]
pub struct Sql {
    inner: Arc<Inner>,
}

struct Inner {
    link: Box<dyn Link>,
    dialect: &'static Dialect,
    texts: Texts,
    table: String,
    name: String,
    create: bool,
    /// The table has been seen.
    ready: AtomicBool,
    preparing: Mutex<()>,
    sweeps: Sweeps,
}

/// Settings of an SQL store that do not fit a URL. Made by [`Sql::builder`].
pub struct SqlBuilder {
    url: String,
    table: String,
    create: bool,
    connections: Option<usize>,
    sweep_every: Duration,
    sweep_batch: usize,
}

impl Sql {
    /// The database at `url`:
    ///
    /// * `mysql://user[:password]@host[:port]/database` (feature `mysql`), with `?socket=/path` for a socket file;
    /// * `postgres://user[:password]@host[:port]/database` (feature `postgres`), with `?host=/path` for a socket's folder;
    /// * `sqlite://path/of/file` or `sqlite::memory:` (feature `sqlite`).
    ///
    /// A server is spoken to in TLS if `ssl-mode` or `sslmode` says so, with the feature `tls`; `ssl-ca` or `sslrootcert`
    /// is the path of an authority to trust in place of the public ones.
    ///
    /// Waits for the first connection, for at most a second, and looks at the table. A server that cannot be reached is
    /// no error, since it may come back. One of kind [`ErrorKind::Configuration`] is a URL that cannot be used, or
    /// whose credentials or database the server refuses, and a table that is not there and cannot be created, or cannot
    /// be written to. Must be called inside a tokio runtime.
    pub async fn connect(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    /// The same without waiting: connections are made by calls. Only a URL that cannot be used is an error; what else
    /// is wrong, each call says.
    pub fn connect_lazily(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder(url).connect_lazily()
    }

    /// The same with settings of one's own.
    pub fn builder(url: impl AsRef<str>) -> SqlBuilder {
        SqlBuilder {
            url: url.as_ref().to_owned(),
            table: table::DEFAULT.to_owned(),
            create: true,
            connections: None,
            sweep_every: SWEEP_EVERY,
            sweep_batch: SWEEP_BATCH,
        }
    }
}

impl SqlBuilder {
    /// The table's name: a letter or `_`, then letters, digits and `_`, 48 at most; anything else is an error of
    /// [`connect`](Self::connect). Its case counts. Default: `cached_entries`.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// Whether a table that is missing is created, and with SQLite the file. Default: `true`.
    #[must_use]
    pub fn create_table(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Connections at a time, at least one. Default: 10, and 4 to an SQLite file; `sqlite::memory:` always has one.
    #[must_use]
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.connections = Some(connections);
        self
    }

    /// How often this process removes what has expired; [`Duration::ZERO`]: never. Default: 60 seconds.
    #[must_use]
    pub fn sweep_interval(mut self, every: Duration) -> Self {
        self.sweep_every = every;
        self
    }

    /// How many rows at most are removed at a time, with a pause of 50 ms after each batch; between 1 and 100,000.
    /// Default: 500.
    #[must_use]
    pub fn sweep_batch(mut self, rows: usize) -> Self {
        self.sweep_batch = rows;
        self
    }

    /// Connects as [`Sql::connect`] does, with the same errors.
    pub async fn connect(self) -> Result<Sql, Error> {
        let sql = self.connect_lazily()?;
        match sql.inner.make_ready().await {
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                tracing::warn!(store = sql.inner.name, error = %error.chain(), "the database cannot be reached yet");
            }
            outcome => outcome?,
        }
        sql.inner.sweeps.ensure(&sql.inner);
        Ok(sql)
    }

    /// Connects as [`Sql::connect_lazily`] does, with the same errors.
    pub fn connect_lazily(self) -> Result<Sql, Error> {
        table::check_name(&self.table)?;
        let Address { link, dialect, name } = Address::parse(&self.url, self.connections, self.create)?;
        let inner = Inner {
            link,
            dialect,
            texts: Texts::new(dialect, &self.table),
            table: self.table,
            name,
            create: self.create,
            ready: AtomicBool::new(false),
            preparing: Mutex::default(),
            sweeps: Sweeps::new(self.sweep_every, self.sweep_batch),
        };
        Ok(Sql {
            inner: Arc::new(inner),
        })
    }
}

impl Sql {
    /// The store, with a table and with its sweeps under way.
    async fn ready(&self) -> Result<&Inner, Error> {
        self.inner.sweeps.ensure(&self.inner);
        self.inner.make_ready().await?;
        Ok(&self.inner)
    }
}

impl Inner {
    fn told(&self, cause: sqlx::Error) -> Error {
        if Fault::of(&cause, self.dialect) == Fault::Missing {
            // The next call makes it.
            self.ready.store(false, Release);
        }
        fault::told(cause, self.dialect, &self.name)
    }
}

impl Store for Sql {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Lookup, Error>> {
        Box::pin(async move { self.ready().await?.get(key).await })
    }

    fn reserve<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Token, Error>> {
        Box::pin(async move { self.ready().await?.reserve(key).await })
    }

    fn fill<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<Filled, Error>> {
        Box::pin(async move { self.ready().await?.fill(key, bytes, ttl, token).await })
    }

    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Vec<Result<Lookup, Error>>> {
        Box::pin(async move {
            match self.ready().await {
                Ok(inner) => inner.get_many(keys).await,
                Err(error) => many::same(&error, keys.len()),
            }
        })
    }

    fn fill_many<'a>(&'a self, fills: &'a [Filling<'a>]) -> BoxFuture<'a, Vec<Result<Filled, Error>>> {
        Box::pin(async move {
            match self.ready().await {
                Ok(inner) => inner.fill_many(fills).await,
                Err(error) => many::same(&error, fills.len()),
            }
        })
    }

    fn touch<'a>(&'a self, key: &'a str, ttl: Duration) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move { self.ready().await?.touch(key, ttl).await })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: &'a [u8],
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { self.ready().await?.put(key, bytes, ttl).await })
    }

    fn remove<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { self.ready().await?.remove(keys).await })
    }

    fn remove_matching<'a>(
        &'a self,
        pattern: &'a str,
        wanted: &'a (dyn Fn(&str) -> bool + Send + Sync),
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let inner = self.ready().await?;
            inner.told_of(inner.remove_matching(pattern, wanted).await)
        })
    }

    fn remaining<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Option<Duration>>, Error>> {
        Box::pin(async move { self.ready().await?.remaining(key).await })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move { self.ready().await?.ping().await })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.link.close()
    }

    fn describe(&self) -> String {
        self.inner.name.clone()
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sql").field(&self.inner.name).finish()
    }
}

impl fmt::Debug for SqlBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("SqlBuilder")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

/// MySQL gives back nothing that it has changed, unlike the databases that tests can start. Here is one that is as silent.
#[cfg(all(test, feature = "sqlite", feature = "testing"))]
mod tests {
    use super::*;
    use crate::testing::conformance;

    static SILENT: Dialect = Dialect {
        returning: ["/* ", " */"],
        ..sqlite::DIALECT
    };

    #[tokio::test]
    async fn a_database_that_gives_nothing_back_is_asked_again() {
        let store = Sql::connect_lazily("sqlite::memory:").unwrap();
        let mut inner = Arc::into_inner(store.inner).unwrap();
        inner.dialect = &SILENT;
        inner.texts = Texts::new(&SILENT, &inner.table);
        let store = Sql {
            inner: Arc::new(inner),
        };
        let keys = ["shop:a".to_owned(), "shop:b".to_owned()];
        let looked = store.get_many(&keys).await;
        for (key, looked) in keys.iter().zip(looked) {
            let Lookup::Missing(token) = looked.unwrap() else {
                panic!("{key} is there")
            };
            assert_eq!(store.fill(key, b"1", None, &token).await.unwrap(), Filled::Stored);
        }
        let store: Arc<dyn Store> = Arc::new(store);
        conformance::check(&store).await.unwrap();
    }
}

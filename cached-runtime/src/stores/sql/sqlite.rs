//! SQLite: its dialect, and how a connection of its is made ready.
//!
//! Each connection has a thread of the driver's, so nothing blocks the runtime. Readers see the last committed state
//! and wait for nobody; writers take turns, those of one process in a queue of their own, since SQLite's way of
//! waiting is to try again and again.

use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};

use super::dialect::{Codes, Dialect};
use super::wire::{Row, Statement, Wire, speaks};
use crate::BoxFuture;

/// Connections at a time, unless told otherwise. Each is a thread.
pub(super) const CONNECTIONS: usize = 4;
pub(super) const FORMS: &str = "sqlite://path/of/file[?mode=ro|rw|rwc] or sqlite::memory:";

pub(super) const DIALECT: Dialect = Dialect {
    now: "CAST(ROUND(unixepoch('subsec') * 1000) AS INTEGER)",
    quote: '"',
    numbered: false,
    upsert: "ON CONFLICT (hash) DO UPDATE SET",
    offered: ["excluded.", ""],
    returning: ["RETURNING ", ""],
    // Blind to the case of ASCII, which lets more through and nothing less.
    like: "CAST(name AS TEXT) LIKE CAST(? AS TEXT) ESCAPE '|'",
    chosen: "hash IN ({hashes})",
    fill_many: "UPDATE {t} SET value = v.k_value, expires_at = {now} + v.k_life, token = NULL, leased_until = NULL \
                FROM ({rows}) AS v WHERE {t}.hash = v.k_hash AND {t}.name = v.k_name \
                AND {t}.token = v.k_token AND {t}.leased_until > {now} RETURNING hash",
    marks: false,
    create: &[
        // Strict, so that a column holds nothing but its type.
        "CREATE TABLE IF NOT EXISTS {t} (\
         hash BLOB NOT NULL PRIMARY KEY, head BLOB NOT NULL, name BLOB NOT NULL, \
         value BLOB, expires_at INTEGER, token BLOB, leased_until INTEGER, writer BLOB) STRICT",
        "CREATE INDEX IF NOT EXISTS \"{table}_by_head\" ON {t} (head, hash)",
        "CREATE INDEX IF NOT EXISTS \"{table}_by_expiry\" ON {t} (expires_at)",
    ],
    refuses: "cannot be opened",
    is_a_file: true,
    codes: Codes {
        again: &["6", "262", "517"],
        down: &["5", "261", "773"],
        refused: &["14", "26", "270", "526", "782", "1038", "1294"],
        missing: ("1", "no such table"),
        denied: &["3", "8", "23", "264", "520", "776", "1032", "1288", "1544"],
    },
};

/// How long a writer waits for the writer of another process.
const PATIENCE: Duration = Duration::from_secs(1);

impl Wire for SqliteConnection {
    const DIALECT: &'static Dialect = &DIALECT;
    // A call that is dropped leaves its statement to the connection's thread, which ends it or not, and goes on.
    const OUTLIVES_DROPS: bool = true;
    const ONE_WRITER: bool = true;

    fn make_ready(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    speaks!(Sqlite);
}

/// Reads `url`. Gives the name that is fit for logs, and says whether the database is in memory, where each connection
/// would otherwise have one of its own.
pub(super) fn parse(url: &str, create: bool) -> sqlx::Result<(SqliteConnectOptions, String, bool)> {
    let options: SqliteConnectOptions = url.parse()?;
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let says = |what: &str| parameters.split('&').any(|parameter| parameter == what);
    let in_memory = url == "sqlite::memory:" || url == "sqlite://:memory:" || says("mode=memory");
    let mut options = options
        .busy_timeout(PATIENCE)
        .thread_name(|id| format!("cache-sqlite-{id}"))
        .disable_statement_logging();
    if !parameters.contains("mode=") && create {
        options = options.create_if_missing(true);
    }
    if !in_memory && !says("mode=ro") && !parameters.contains("immutable=") {
        options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
    }
    let name = if in_memory {
        "sqlite::memory:".to_owned()
    } else {
        format!("sqlite://{}", options.get_filename().display())
    };
    Ok((options, name, in_memory))
}

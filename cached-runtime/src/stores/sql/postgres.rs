//! PostgreSQL: its dialect, and how a connection of its is made ready.

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode, Postgres};
use sqlx::{ConnectOptions, Executor};

use super::dialect::{Codes, Dialect};
use super::wire::{Row, Statement, Wire, speaks};
use crate::BoxFuture;

/// Connections at a time, unless told otherwise.
pub(super) const CONNECTIONS: usize = 10;
pub(super) const FORMS: &str =
    "postgres://user[:password]@host[:port]/database[?host=/path/of/socket&sslmode=..]";
/// The parameters that the driver knows, `options[..]` apart. It would pass over any other with a warning.
pub(super) const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

pub(super) const DIALECT: Dialect = Dialect {
    // Of the statement, since a moment that moves while a statement runs cannot be looked up in an index.
    now: "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT)",
    quote: '"',
    numbered: true,
    upsert: "ON CONFLICT (hash) DO UPDATE SET",
    offered: ["excluded.", ""],
    returning: ["RETURNING ", ""],
    like: "name LIKE ? ESCAPE '|'",
    // A plan is free to come upon rows in any order, unless all are locked in one beforehand, as making an array does.
    chosen: "hash = ANY (ARRAY (SELECT hash FROM {t} WHERE hash IN ({hashes}) ORDER BY hash FOR UPDATE))",
    fill_many: "WITH v AS MATERIALIZED ({rows}) \
                UPDATE {t} SET value = v.k_value, expires_at = {now} + v.k_life, token = NULL, leased_until = NULL \
                FROM v WHERE {t}.hash = v.k_hash AND {t}.name = v.k_name \
                AND {t}.token = v.k_token AND {t}.leased_until > {now} AND {t}.hash = ANY (ARRAY (\
                SELECT hash FROM {t} WHERE hash IN (SELECT k_hash FROM v) ORDER BY hash FOR UPDATE)) \
                RETURNING hash",
    marks: false,
    create: &[
        "CREATE TABLE IF NOT EXISTS {t} (\
         hash BYTEA NOT NULL PRIMARY KEY, head BYTEA NOT NULL, name BYTEA NOT NULL, \
         value BYTEA, expires_at BIGINT, token BYTEA, leased_until BIGINT, writer BYTEA)",
        "CREATE INDEX IF NOT EXISTS \"{table}_by_head\" ON {t} (head, hash)",
        "CREATE INDEX IF NOT EXISTS \"{table}_by_expiry\" ON {t} (expires_at)",
    ],
    refuses: "refuses the address, the user, the password or the database",
    is_a_file: false,
    codes: Codes {
        again: &["40001", "40P01"],
        down: &["08", "53", "55P03", "57014", "57P01", "57P02", "57P03"],
        refused: &["28", "3D000"],
        missing: ("42P01", ""),
        denied: &["42501", "25006"],
    },
};

/// Settings that the statements rely on, whatever the server's own are: a change that waited for a row sees the row
/// as it has become, and nobody waits for ever, nor so briefly that a deadlock, which is looked for after a second,
/// would pass for a wait.
const SESSION: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED; \
                       SET lock_timeout = '2s'";

impl Wire for PgConnection {
    const DIALECT: &'static Dialect = &DIALECT;
    const OUTLIVES_DROPS: bool = false;
    const ONE_WRITER: bool = false;

    fn make_ready(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(async move { self.execute(SESSION).await.map(drop) })
    }

    speaks!(Postgres);
}

/// Reads `url`, which [`PARAMETERS`] have been checked of; also gives the name that is fit for logs, and says whether
/// encryption is insisted on.
pub(super) fn parse(url: &str) -> sqlx::Result<(PgConnectOptions, String, bool)> {
    let options: PgConnectOptions = url.parse()?;
    let options = options.disable_statement_logging();
    let database = options.get_database().unwrap_or(options.get_username());
    let name = match options.get_socket() {
        Some(socket) => format!("postgres://{}/{database}", socket.display()),
        None => format!(
            "postgres://{}:{}/{database}",
            options.get_host(),
            options.get_port()
        ),
    };
    let insists = !matches!(
        options.get_ssl_mode(),
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer
    );
    Ok((options, name, insists))
}

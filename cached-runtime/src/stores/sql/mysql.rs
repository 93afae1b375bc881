//! MySQL and MariaDB: their dialect, and how a connection of theirs is made ready.
//!
//! Both speak one protocol, and few of the differences matter here. MariaDB gives back the rows that a statement has
//! changed, MySQL does not; MySQL passes over a comment that begins with `/*M!`, MariaDB reads it.

use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{ConnectOptions, Executor};

use super::dialect::{Codes, Dialect};
use super::wire::{Row, Statement, Wire, speaks};
use crate::BoxFuture;

/// Connections at a time, unless told otherwise.
pub(super) const CONNECTIONS: usize = 10;
pub(super) const FORMS: &str =
    "mysql://user[:password]@host[:port]/database[?socket=/path/mysqld.sock&ssl-mode=..]";
/// The parameters that the driver knows. It would pass over any other in silence.
pub(super) const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslca",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "socket",
];

pub(super) const DIALECT: Dialect = Dialect {
    // Not `UNIX_TIMESTAMP`, which reads the session's time zone and so repeats an hour each autumn.
    now: "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)",
    quote: '`',
    numbered: false,
    upsert: "ON DUPLICATE KEY UPDATE",
    offered: ["VALUES(", ")"],
    returning: ["/*M!100500 RETURNING ", "*/"],
    like: "name LIKE ? ESCAPE '|'",
    // The primary key is walked in its order.
    chosen: "hash IN ({hashes})",
    fill_many: "UPDATE {t} JOIN ({rows}) AS v \
                ON {t}.hash = v.k_hash AND {t}.name = v.k_name AND {t}.token = v.k_token AND {t}.leased_until > {now} \
                SET {t}.value = v.k_value, {t}.expires_at = {now} + v.k_life, {t}.token = ?, {t}.leased_until = NULL",
    marks: true,
    create: &["CREATE TABLE IF NOT EXISTS {t} (\
               hash BINARY(32) NOT NULL PRIMARY KEY, head VARBINARY(128) NOT NULL, name LONGBLOB NOT NULL, \
               value LONGBLOB, expires_at BIGINT, token BINARY(16), leased_until BIGINT, writer BINARY(16), \
               KEY by_head (head, hash), KEY by_expiry (expires_at)) ENGINE = InnoDB"],
    refuses: "refuses the address, the user, the password or the database",
    is_a_file: false,
    codes: Codes {
        again: &["1213"],
        down: &["1040", "1053", "1203", "1205", "1226", "1927", "4031"],
        refused: &["1044", "1045", "1049", "1251", "1698"],
        missing: ("1146", ""),
        denied: &["1142", "1143", "1227", "1290", "1792", "1836"],
    },
};

/// Settings that the statements rely on, whatever the server's own are.
///
/// * Every statement is a transaction of its own.
/// * Only rows that a statement changes are locked, not the gaps between them, which is where deadlocks come from.
/// * Nobody waits for a lock longer than a caller would.
const SESSION: &str = "SET autocommit = 1, innodb_lock_wait_timeout = 1; \
                       SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

impl Wire for MySqlConnection {
    const DIALECT: &'static Dialect = &DIALECT;
    const OUTLIVES_DROPS: bool = false;
    const ONE_WRITER: bool = false;

    fn make_ready(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(async move { self.execute(SESSION).await.map(drop) })
    }

    speaks!(MySql);
}

/// Reads `url`, which [`PARAMETERS`] have been checked of; also gives the name that is fit for logs, and says whether
/// encryption is insisted on.
pub(super) fn parse(url: &str) -> sqlx::Result<(MySqlConnectOptions, String, bool)> {
    let options: MySqlConnectOptions = url.parse()?;
    // What the driver would set in each session, and nothing here needs.
    let options = options
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .disable_statement_logging();
    let database = options.get_database().unwrap_or_default();
    let name = match options.get_socket() {
        Some(socket) => format!("mysql://{}/{database}", socket.display()),
        None => format!("mysql://{}:{}/{database}", options.get_host(), options.get_port()),
    };
    let insists = !matches!(
        options.get_ssl_mode(),
        MySqlSslMode::Disabled | MySqlSslMode::Preferred
    );
    Ok((options, name, insists))
}

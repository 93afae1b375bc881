//! A database of any kind, for tests that say the same of all.

use crate::{MariaDbServer, PostgresServer, SqliteFile};

/// One of the databases that the SQL store speaks to, running.
pub enum Database {
    /// By the name `mysql`.
    MariaDb(MariaDbServer),
    /// By the name `postgres`.
    Postgres(PostgresServer),
    /// By the name `sqlite`.
    Sqlite(SqliteFile),
}

impl Database {
    /// A server that speaks the protocol of MySQL.
    pub async fn mariadb() -> Self {
        Self::MariaDb(MariaDbServer::start().await)
    }

    /// A PostgreSQL server.
    pub async fn postgres() -> Self {
        Self::Postgres(PostgresServer::start().await)
    }

    /// A file.
    pub fn sqlite() -> Self {
        Self::Sqlite(SqliteFile::new())
    }

    /// Its URL, credentials included.
    pub fn url(&self) -> String {
        match self {
            Self::MariaDb(server) => server.url(),
            Self::Postgres(server) => server.url(),
            Self::Sqlite(file) => file.url(),
        }
    }

    /// What the store on it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MariaDb(_) => "mysql",
            Self::Postgres(_) => "postgres",
            Self::Sqlite(_) => "sqlite",
        }
    }

    /// Runs statements past the store, as somebody who may do anything, and gives back what they print, bare.
    pub fn sql(&self, statements: &str) -> String {
        match self {
            Self::MariaDb(server) => server.sql(statements),
            Self::Postgres(server) => server.sql(statements),
            Self::Sqlite(file) => file.sql(statements),
        }
    }

    /// `SELECT COUNT(*)` of the store's table, under a condition.
    pub fn count(&self, condition: &str) -> u64 {
        self.sql(&format!("SELECT COUNT(*) FROM cached_entries WHERE {condition}"))
            .parse()
            .unwrap()
    }

    /// Bytes as its SQL spells them.
    pub fn literal(&self, bytes: &[u8]) -> String {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Postgres(_) => format!("decode('{hex}', 'hex')"),
            _ => format!("X'{hex}'"),
        }
    }
}

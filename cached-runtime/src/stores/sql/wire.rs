//! One connection to a database of any kind: statements go in, rows of one shape come out.
//!
//! The one place that names the driver's traits. Knows no statement and no table.

use sqlx::Connection;

use super::dialect::Dialect;
use crate::BoxFuture;

/// A statement and its parameters, in the order in which they stand in it.
pub(super) struct Statement<'a> {
    pub(super) sql: &'a str,
    pub(super) arguments: Vec<Argument<'a>>,
    /// It changes something.
    pub(super) writes: bool,
    /// Its text comes again, so the connection is to keep it prepared.
    pub(super) recurs: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Argument<'a> {
    Bytes(&'a [u8]),
    /// Of `None` the database makes `NULL`.
    Number(Option<i64>),
}

/// A statement that goes on where its caller does not.
pub(super) struct Kept {
    sql: Box<str>,
    arguments: Vec<Own>,
    writes: bool,
    recurs: bool,
}

enum Own {
    Bytes(Box<[u8]>),
    Number(Option<i64>),
}

impl Kept {
    pub(super) fn of(statement: &Statement<'_>) -> Self {
        let own = |argument: &Argument<'_>| match *argument {
            Argument::Bytes(bytes) => Own::Bytes(bytes.into()),
            Argument::Number(number) => Own::Number(number),
        };
        Self {
            sql: statement.sql.into(),
            arguments: statement.arguments.iter().map(own).collect(),
            writes: statement.writes,
            recurs: statement.recurs,
        }
    }

    pub(super) fn lend(&self) -> Statement<'_> {
        let lend = |own| match own {
            &Own::Number(number) => Argument::Number(number),
            Own::Bytes(bytes) => Argument::Bytes(bytes),
        };
        Statement {
            sql: &self.sql,
            arguments: self.arguments.iter().map(lend).collect(),
            writes: self.writes,
            recurs: self.recurs,
        }
    }
}

/// What statements answer with: columns in this order, of which those at the end may be left out.
pub(super) struct Row {
    pub(super) hash: Vec<u8>,
    /// Anybody may have written into the table, so that it is not bytes is this row's matter alone.
    pub(super) value: sqlx::Result<Option<Vec<u8>>>,
    /// Milliseconds until the value expires.
    pub(super) left: Option<i64>,
    pub(super) token: Option<Vec<u8>>,
    /// Milliseconds until the token does.
    pub(super) leased: Option<i64>,
    /// The full key.
    pub(super) name: Option<Vec<u8>>,
}

/// A connection.
pub(super) trait Wire: Connection + Send + 'static {
    const DIALECT: &'static Dialect;
    /// Whether it can be used after a call on it was dropped half way.
    const OUTLIVES_DROPS: bool;
    /// Whether the database takes one writer at a time.
    const ONE_WRITER: bool;

    /// Settings of a new session.
    fn make_ready(&mut self) -> BoxFuture<'_, sqlx::Result<()>>;

    fn rows<'a>(&'a mut self, statement: &'a Statement<'a>) -> BoxFuture<'a, sqlx::Result<Vec<Row>>>;

    /// Says how many rows were changed, or chosen for it.
    fn run<'a>(&'a mut self, statement: &'a Statement<'a>) -> BoxFuture<'a, sqlx::Result<u64>>;

    /// Without parameters, as is.
    fn script<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, sqlx::Result<()>>;
}

/// The methods of [`Wire`] that read the same for every driver; as generic code they would need a page of bounds.
macro_rules! speaks {
    ($database:ty) => {
        fn rows<'a>(&'a mut self, statement: &'a Statement<'a>) -> BoxFuture<'a, sqlx::Result<Vec<Row>>> {
            Box::pin(async move {
                let rows = $crate::stores::sql::wire::bound!($database, statement)
                    .fetch_all(&mut *self)
                    .await?;
                rows.iter()
                    .map(|row| {
                        let left = $crate::stores::sql::wire::cell!(row, 2);
                        let value = $crate::stores::sql::wire::cell!(row, 1);
                        Ok(Row {
                            hash: sqlx::Row::try_get(row, 0)?,
                            left: left.as_ref().map_or(None, |left: &Option<i64>| *left),
                            // With an end that cannot be read it is as unreadable.
                            value: left.and(value),
                            token: $crate::stores::sql::wire::cell!(row, 3).unwrap_or(None),
                            leased: $crate::stores::sql::wire::cell!(row, 4).unwrap_or(None),
                            name: $crate::stores::sql::wire::cell!(row, 5).unwrap_or(None),
                        })
                    })
                    .collect()
            })
        }

        fn run<'a>(&'a mut self, statement: &'a Statement<'a>) -> BoxFuture<'a, sqlx::Result<u64>> {
            Box::pin(async move {
                let done = $crate::stores::sql::wire::bound!($database, statement)
                    .execute(&mut *self)
                    .await?;
                Ok(done.rows_affected())
            })
        }

        fn script<'a>(&'a mut self, sql: &'a str) -> BoxFuture<'a, sqlx::Result<()>> {
            Box::pin(async move { sqlx::Executor::execute(&mut *self, sql).await.map(drop) })
        }
    };
}

macro_rules! bound {
    ($database:ty, $statement:expr) => {{
        let mut query = sqlx::query::<$database>($statement.sql).persistent($statement.recurs);
        for argument in &$statement.arguments {
            query = match *argument {
                $crate::stores::sql::wire::Argument::Bytes(bytes) => query.bind(bytes),
                $crate::stores::sql::wire::Argument::Number(number) => query.bind(number),
            };
        }
        query
    }};
}

macro_rules! cell {
    ($row:expr, $index:literal) => {
        if sqlx::Row::len($row) > $index {
            sqlx::Row::try_get($row, $index)
        } else {
            Ok(None)
        }
    };
}
pub(super) use {bound, cell, speaks};

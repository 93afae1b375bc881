//! The database as an async program uses it: a few connections, and every query on a thread that may block.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Params};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::{DbError, Product, seed};

/// How many queries run at the same time; the others wait.
const CONNECTIONS: usize = 4;

/// A handle to the products; its clones share the connections.
#[derive(Clone)]
pub struct Db(Arc<Pool>);

struct Pool {
    file: PathBuf,
    made: bool,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    queries: AtomicU64,
}

impl Db {
    /// Opens the database in the temporary folder, and makes it if this is the first time.
    pub async fn open() -> Result<Self, DbError> {
        // The number changes with the schema, so that a newer program does not trip over an older file.
        Self::open_at(
            std::env::temp_dir()
                .join("cached-runtime-examples")
                .join("products-1.sqlite"),
        )
        .await
    }

    /// The same at a path of one's own.
    pub async fn open_at(file: impl Into<PathBuf>) -> Result<Self, DbError> {
        let file = file.into();
        let (file, made) = spawn_blocking(move || seed::make_once(&file).map(|made| (file, made)))
            .await
            .map_err(DbError::new)??;
        Ok(Self(Arc::new(Pool {
            file,
            made,
            turns: Arc::new(Semaphore::new(CONNECTIONS)),
            idle: Mutex::default(),
            queries: AtomicU64::new(0),
        })))
    }

    /// The products that `sql` selects or, with `RETURNING`, changes.
    ///
    /// A caller that goes away does not stop the query: SQLite knows nothing of futures.
    pub async fn query(
        &self,
        sql: &'static str,
        params: impl Params + Send + 'static,
    ) -> Result<Vec<Product>, DbError> {
        let pool = Arc::clone(&self.0);
        let turn = Arc::clone(&pool.turns)
            .acquire_owned()
            .await
            .map_err(DbError::new)?;
        let found = spawn_blocking(move || {
            let _turn = turn;
            pool.query(sql, params)
        });
        found.await.map_err(DbError::new)?.map_err(DbError::new)
    }

    /// The first of the products that `sql` selects or changes.
    pub async fn query_one(
        &self,
        sql: &'static str,
        params: impl Params + Send + 'static,
    ) -> Result<Option<Product>, DbError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// How many queries have run since this database was opened.
    pub fn queries(&self) -> u64 {
        self.0.queries.load(Ordering::Relaxed)
    }

    /// Whether opening it made it.
    pub fn was_made(&self) -> bool {
        self.0.made
    }

    /// Where it is.
    pub fn file(&self) -> &Path {
        &self.0.file
    }
}

impl Pool {
    fn query(&self, sql: &str, params: impl Params) -> rusqlite::Result<Vec<Product>> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.file)?,
        };
        let products = connection
            .prepare_cached(sql)?
            .query_map(params, Product::from_row)?
            .collect::<rusqlite::Result<Vec<_>>>();
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
        products
    }
}

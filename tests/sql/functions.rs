//! What the tests share: a source that counts, the same function on each database, and a `Caches` for it.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::stores::{Null, Sql};
use cached_runtime::{CacheStats, Caches, CachesBuilder, TierStats, cache, invalidate};
use cached_tests::Database;
use tokio::sync::watch;

/// What a cached function reads; its answers can be held back.
pub(crate) struct Source {
    value: AtomicU64,
    loads: AtomicU64,
    held: watch::Sender<bool>,
}

impl Source {
    pub(crate) fn of(value: u64) -> Self {
        Self {
            value: AtomicU64::new(value),
            loads: AtomicU64::new(0),
            held: watch::Sender::new(false),
        }
    }

    pub(crate) fn set(&self, value: u64) {
        self.value.store(value, SeqCst);
    }

    /// From now on loads stay in their bodies, or no longer.
    pub(crate) fn hold(&self, hold: bool) {
        self.held.send_replace(hold);
    }

    /// A run of a body: says what was true when it was asked.
    pub(crate) async fn load(&self) -> u64 {
        let value = self.value.load(SeqCst);
        self.loads.fetch_add(1, SeqCst);
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        value
    }

    pub(crate) fn loads(&self) -> u64 {
        self.loads.load(SeqCst)
    }
}

macro_rules! on_each {
    ($($name:literal $far:ident $far_entry:ident $far_cache:ident $near:ident $near_cache:ident $write:ident $write_all:ident)*) => {
        $(
            #[cache(ttl = "1h", backend = $name, skip(source))]
            pub(crate) async fn $far(source: &Source, _id: u64) -> u64 {
                source.load().await
            }

            #[cache(ttl = "1h", backend = ["local", $name], skip(source))]
            pub(crate) async fn $near(source: &Source, _id: u64) -> u64 {
                source.load().await
            }

            #[invalidate($far(id), $near(id))]
            async fn $write(source: &Source, id: u64, value: u64) {
                let _ = id;
                source.set(value);
            }

            #[invalidate($far(..), $near(..))]
            async fn $write_all(source: &Source, value: u64) {
                source.set(value);
            }
        )*

        /// The function whose only tier is the database.
        pub(crate) async fn far(database: &Database, source: &Source, id: u64) -> u64 {
            match database.name() {
                $($name => $far(source, id).await,)*
                _ => unreachable!(),
            }
        }

        /// The one with memory above it.
        pub(crate) async fn near(database: &Database, source: &Source, id: u64) -> u64 {
            match database.name() {
                $($name => $near(source, id).await,)*
                _ => unreachable!(),
            }
        }

        /// A writer that invalidates one entry of both.
        pub(crate) async fn write(database: &Database, source: &Source, id: u64, value: u64) {
            match database.name() {
                $($name => $write(source, id, value).await,)*
                _ => unreachable!(),
            }
        }

        /// A writer that invalidates all of them.
        pub(crate) async fn write_all(database: &Database, source: &Source, value: u64) {
            match database.name() {
                $($name => $write_all(source, value).await,)*
                _ => unreachable!(),
            }
        }

        /// The full key of `far`.
        pub(crate) fn far_key(database: &Database, id: u64) -> String {
            let key = match database.name() {
                $($name => $far_entry(id).key().to_string(),)*
                _ => unreachable!(),
            };
            format!("shop:{key}")
        }

        pub(crate) fn far_stats(database: &Database) -> TierStats {
            let stats = match database.name() {
                $($name => $far_cache().stats(),)*
                _ => unreachable!(),
            };
            tier(&stats, database.name())
        }

        pub(crate) fn near_stats(database: &Database) -> CacheStats {
            match database.name() {
                $($name => $near_cache().stats(),)*
                _ => unreachable!(),
            }
        }
    };
}

on_each! {
    "mysql" far_mysql far_mysql_entry far_mysql_cache near_mysql near_mysql_cache write_mysql write_all_mysql
    "postgres" far_postgres far_postgres_entry far_postgres_cache near_postgres near_postgres_cache write_postgres write_all_postgres
    "sqlite" far_sqlite far_sqlite_entry far_sqlite_cache near_sqlite near_sqlite_cache write_sqlite write_all_sqlite
}

/// What a process of a program would have: its own memory, and connections of its own to the database.
pub(crate) async fn caches(database: &Database) -> Caches {
    builder(database).await.build().unwrap()
}

/// The same, to be changed first. The stores of the other databases keep nothing.
pub(crate) async fn builder(database: &Database) -> CachesBuilder {
    let sql = Sql::connect(database.url()).await.unwrap();
    let mut builder = Caches::builder().namespace("shop").store(database.name(), sql);
    for name in ["mysql", "postgres", "sqlite"] {
        if name != database.name() {
            builder = builder.store(name, Null);
        }
    }
    builder
}

pub(crate) async fn databases() -> [Database; 3] {
    [
        Database::mariadb().await,
        Database::postgres().await,
        Database::sqlite(),
    ]
}

pub(crate) fn tier(cache: &CacheStats, store: &str) -> TierStats {
    cache
        .tiers
        .iter()
        .find(|tier| tier.store == store)
        .unwrap_or_else(|| panic!("no tier {store} in {cache:?}"))
        .clone()
}

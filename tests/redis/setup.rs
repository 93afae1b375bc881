//! What the tests share: a `Caches` on a server, a source that counts, and a raw connection.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::stores::{Null, Redis};
use cached_runtime::{CacheStats, Caches, CachesBuilder, Store, TierStats};
use cached_tests::RedisServer;
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::sync::Notify;

/// What a process of a program would have: its own memory, and the server as the store `redis`.
pub(crate) async fn caches(server: &RedisServer) -> Caches {
    builder(server).await.build().unwrap()
}

/// The same, to be changed first.
pub(crate) async fn builder(server: &RedisServer) -> CachesBuilder {
    on(connect(server).await)
}

/// The same with `store` in the place of the server. No function but those of `chain` uses the store `second`.
pub(crate) fn on(store: impl Store) -> CachesBuilder {
    Caches::builder()
        .namespace("shop")
        .store("redis", store)
        .store("second", Null)
}

pub(crate) async fn connect(server: &RedisServer) -> Redis {
    Redis::connect(server.url()).await.unwrap()
}

/// A connection that the library knows nothing of.
pub(crate) async fn raw(server: &RedisServer) -> MultiplexedConnection {
    // A busy machine takes longer over twenty thousand keys than a client waits by itself.
    let patient = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(20)));
    redis::Client::open(server.url())
        .unwrap()
        .get_multiplexed_async_connection_with_config(&patient)
        .await
        .unwrap()
}

/// What a cached function reads.
#[derive(Default)]
pub(crate) struct Source {
    value: AtomicU64,
    loads: AtomicU64,
}

impl Source {
    pub(crate) fn of(value: u64) -> Self {
        let source = Self::default();
        source.set(value);
        source
    }

    pub(crate) fn set(&self, value: u64) {
        self.value.store(value, SeqCst);
    }

    /// A run of a body.
    pub(crate) fn load(&self) -> u64 {
        self.loads.fetch_add(1, SeqCst);
        self.value.load(SeqCst)
    }

    pub(crate) fn loads(&self) -> u64 {
        self.loads.load(SeqCst)
    }
}

/// A source whose answer is on its way until somebody lets it through: it says what was true when it was asked.
#[derive(Default)]
pub(crate) struct Gate {
    source: Source,
    begun: Notify,
    open: Notify,
}

impl Gate {
    pub(crate) fn of(value: u64) -> Self {
        Self {
            source: Source::of(value),
            ..Self::default()
        }
    }

    /// A run of a body.
    pub(crate) async fn load(&self) -> u64 {
        let value = self.source.load();
        self.begun.notify_one();
        self.open.notified().await;
        value
    }

    /// Returns once a body runs.
    pub(crate) async fn begun(&self) {
        self.begun.notified().await;
    }

    /// Lets one body through, now or later.
    pub(crate) fn open(&self) {
        self.open.notify_one();
    }
}

/// The statistics of one tier.
pub(crate) fn tier(cache: &CacheStats, store: &str) -> TierStats {
    cache
        .tiers
        .iter()
        .find(|tier| tier.store == store)
        .unwrap_or_else(|| panic!("no tier {store} in {cache:?}"))
        .clone()
}

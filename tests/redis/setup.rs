//! What the tests share: a `Caches` on a server, and a raw connection.

use std::time::Duration;

use cached_runtime::stores::{Null, Redis};
use cached_runtime::{Caches, CachesBuilder, Store};
use cached_tests::RedisServer;
pub(crate) use cached_tests::{Gate, Source, tier};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;

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

//! What every test stands on: a `Caches` in memory on a clock that stands still, and one on a Redis of its own.

use std::time::Duration;

use cached_runtime::stores::{Null, Redis};
use cached_runtime::testing::ManualClock;
use cached_runtime::{Cache, CacheBuilder, Caches, CachesBuilder, Error, Store};
use cached_tests::RedisServer;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// One in memory, and its clock.
pub(crate) fn here() -> (Caches, ManualClock) {
    let clock = ManualClock::new();
    let caches = with(Null).backend(["local"]).clock(&clock).build().unwrap();
    (caches, clock)
}

/// With `store` as `redis`, in memory over it by default.
pub(crate) fn with(store: impl Store) -> CachesBuilder {
    Caches::builder()
        .store("redis", store)
        .backend(["local", "redis"])
}

/// What a process of a program would have.
pub(crate) async fn on(server: &RedisServer) -> CachesBuilder {
    with(Redis::connect(server.url()).await.unwrap()).namespace("shop")
}

pub(crate) async fn caches(server: &RedisServer) -> Caches {
    on(server).await.build().unwrap()
}

/// The lines of the error, without the first.
pub(crate) fn refused<V>(built: Result<Cache<V>, Error>) -> Vec<String> {
    let error = built.unwrap_err();
    assert_eq!(error.kind(), cached_runtime::ErrorKind::Configuration);
    let text = error.to_string();
    let mut lines = text.lines();
    let first = lines.next().unwrap();
    assert!(
        first.starts_with("the cache `") && first.ends_with("cannot be built:"),
        "{first}"
    );
    let line = |line: &str| line.strip_prefix("  - ").unwrap().to_owned();
    lines.map(line).collect()
}

/// Described and built.
pub(crate) fn built<V>(
    caches: &Caches,
    name: &str,
    describe: impl FnOnce(CacheBuilder<V>) -> CacheBuilder<V>,
) -> Cache<V>
where
    V: Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
{
    describe(caches.cache(name)).build().unwrap()
}

//! What the tests share: a `Caches` on servers.

use cached_runtime::stores::Memcached;
use cached_runtime::{Caches, CachesBuilder};
use cached_tests::MemcachedServer;

/// What a process of a program would have: its own memory, and the servers as the store `memcached`.
pub(crate) async fn caches(servers: &[MemcachedServer]) -> Caches {
    builder(servers).await.namespace("shop").build().unwrap()
}

/// The same without a namespace, to be changed first.
pub(crate) async fn builder(servers: &[MemcachedServer]) -> CachesBuilder {
    let store = Memcached::connect(servers.iter().map(MemcachedServer::address))
        .await
        .unwrap();
    Caches::builder().store("memcached", store)
}

pub(crate) async fn one() -> [MemcachedServer; 1] {
    [MemcachedServer::start().await]
}

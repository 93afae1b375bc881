//! The handle on one entry, on Redis alone and on memory over Redis.

use std::time::Duration;

use cached_runtime::{ErrorKind, cache};
use cached_tests::RedisServer;

use crate::setup::{Gate, Source, caches};

const MINUTE: Duration = Duration::from_secs(60);

#[cache(key = "far-entry:{_id}", ttl = "1h", backend = "redis", skip(source))]
async fn far(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "near-entry:{_id}", ttl = "1h", backend = ["local", "redis"], skip(source))]
async fn near(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "choosy:{_id}",
    ttl = "1h",
    cache_if = |value: &u64| *value < 10,
    backend = ["local", "redis"],
    skip(source)
)]
async fn choosy(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "far-gate:{_id}", ttl = "1h", backend = "redis", skip(gate))]
async fn far_gated(gate: &Gate, _id: u64) -> u64 {
    gate.load().await
}

#[cache(key = "near-gate:{_id}", ttl = "1h", backend = ["local", "redis"], skip(gate))]
async fn near_gated(gate: &Gate, _id: u64) -> u64 {
    gate.load().await
}

macro_rules! on_both {
    ($($chain:ident: $function:ident $entry:ident $raw:literal, $gated:ident $gated_entry:ident;)*) => {$(
        mod $chain {
            use super::*;

            #[tokio::test]
            async fn an_entry_is_looked_at_put_and_removed_for_every_process() {
                let server = RedisServer::start().await;
                let source = Source::of(1);
                let (first, second) = (caches(&server).await, caches(&server).await);
                let (here, there) = (
                    first.scope(async { $entry(1) }).await,
                    second.scope(async { $entry(1) }).await,
                );
                assert_eq!(here.get().await.unwrap(), None);
                assert_eq!(here.remaining_ttl().await.unwrap(), None);
                assert_eq!(source.loads(), 0);

                here.insert(5).await.unwrap();
                assert_eq!(here.get().await.unwrap(), Some(5));
                assert_eq!(there.get().await.unwrap(), Some(5));
                assert_eq!(second.scope($function(&source, 1)).await, 5);
                for entry in [&here, &there] {
                    let left = entry.remaining_ttl().await.unwrap().unwrap();
                    assert!(left > 59 * MINUTE && left <= 60 * MINUTE, "{left:?}");
                }

                // A process that holds nothing in memory sees it at once.
                here.insert_for(6, MINUTE).await.unwrap();
                let third = caches(&server).await;
                let elsewhere = third.scope(async { $entry(1) }).await;
                assert_eq!(elsewhere.get().await.unwrap(), Some(6));
                for entry in [&here, &elsewhere] {
                    let left = entry.remaining_ttl().await.unwrap().unwrap();
                    assert!(left > MINUTE / 2 && left <= MINUTE, "{left:?}");
                }
                let left: i64 = server.cli(&["PTTL", $raw]).await;
                assert!((30_000..=60_000).contains(&left), "{left}");

                here.invalidate().await.unwrap();
                assert_eq!(here.get().await.unwrap(), None);
                assert_eq!(here.remaining_ttl().await.unwrap(), None);
                assert_eq!(server.cli::<u64>(&["EXISTS", $raw]).await, 0);
                assert_eq!(first.scope($function(&source, 1)).await, 1);
                assert_eq!(source.loads(), 1);

                here.insert_for(7, Duration::ZERO).await.unwrap();
                assert_eq!(here.get().await.unwrap(), None);
                here.insert_for(8, Duration::MAX).await.unwrap();
                assert_eq!(here.get().await.unwrap(), Some(8));
            }

            #[tokio::test]
            async fn a_put_outlives_a_load_that_began_before_it() {
                let server = RedisServer::start().await;
                let gate = Gate::of(1);
                let caches = caches(&server).await;
                let entry = caches.scope(async { $gated_entry(1) }).await;
                let put = async {
                    gate.begun().await;
                    entry.insert(2).await.unwrap();
                    gate.open();
                };
                let (loaded, ()) = tokio::join!(caches.scope($gated(&gate, 1)), put);
                assert_eq!(loaded, 1);
                assert_eq!(entry.get().await.unwrap(), Some(2));
                let other = crate::setup::caches(&server).await;
                let other = other.scope(async { $gated_entry(1).get().await }).await;
                assert_eq!(other.unwrap(), Some(2));
            }

            #[tokio::test]
            async fn a_removal_outlives_a_load_that_began_before_it() {
                let server = RedisServer::start().await;
                let gate = Gate::of(1);
                let caches = caches(&server).await;
                let entry = caches.scope(async { $gated_entry(1) }).await;
                let remove = async {
                    gate.begun().await;
                    entry.invalidate().await.unwrap();
                    gate.open();
                };
                tokio::join!(caches.scope($gated(&gate, 1)), remove);
                assert_eq!(entry.get().await.unwrap(), None);
                assert_eq!(server.cli::<u64>(&["EXISTS", &format!("shop:{}", entry.key())]).await, 0);
            }

            #[tokio::test]
            async fn after_the_end_handles_say_so_and_calls_go_on() {
                let server = RedisServer::start().await;
                let source = Source::of(1);
                let caches = caches(&server).await;
                caches.scope($function(&source, 1)).await;
                caches.shutdown().await.unwrap();
                let entry = caches.scope(async { $entry(1) }).await;
                let closed = |error: cached_runtime::Error| assert_eq!(error.kind(), ErrorKind::Closed);
                closed(entry.get().await.unwrap_err());
                closed(entry.insert(1).await.unwrap_err());
                closed(entry.insert_for(1, MINUTE).await.unwrap_err());
                closed(entry.invalidate().await.unwrap_err());
                closed(entry.remaining_ttl().await.unwrap_err());
                closed(caches.invalidate_key("a").await.unwrap_err());
                closed(caches.invalidate_pattern("a").await.unwrap_err());
                closed(caches.clear().await.unwrap_err());
                for id in 1..5 {
                    assert_eq!(caches.scope($function(&source, id)).await, 1);
                }
            }
        }
    )*};
}

on_both! {
    on_redis_alone: far far_entry "shop:far-entry:1", far_gated far_gated_entry;
    on_memory_over_redis: near near_entry "shop:near-entry:1", near_gated near_gated_entry;
}

#[tokio::test]
async fn a_value_that_is_not_to_be_kept_removes_what_was_there() {
    let server = RedisServer::start().await;
    let caches = caches(&server).await;
    let entry = caches.scope(async { choosy_entry(1) }).await;
    entry.insert(5).await.unwrap();
    entry.insert(50).await.unwrap();
    assert_eq!(entry.get().await.unwrap(), None);
    assert_eq!(
        server.cli::<u64>(&["DBSIZE"]).await,
        1,
        "the lease of the look-up"
    );
    let _: String = server.cli(&["FLUSHALL"]).await;
    entry.insert_for(50, MINUTE).await.unwrap();
    assert_eq!(entry.get().await.unwrap(), Some(50));
    assert_eq!(caches.scope(choosy(&Source::of(60), 1)).await, 50);
    assert_eq!(caches.scope(choosy(&Source::of(60), 2)).await, 60);
    assert_eq!(server.cli::<u64>(&["EXISTS", "shop:choosy:2"]).await, 0);
}

#[tokio::test]
async fn a_handle_copies_what_it_finds_into_memory() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    caches(&server).await.scope(near(&source, 1)).await;
    let caches = caches(&server).await;
    let entry = caches.scope(async { near_entry(1) }).await;
    assert_eq!(entry.get().await.unwrap(), Some(1));
    let _: String = server.cli(&["FLUSHALL"]).await;
    assert_eq!(entry.get().await.unwrap(), Some(1));
    assert_eq!(caches.scope(near(&source, 1)).await, 1);
    assert_eq!(source.loads(), 1);
}

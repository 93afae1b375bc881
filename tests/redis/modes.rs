//! `Mode::Refresh` and `Mode::Off` through Redis.

use cached_runtime::{Mode, cache, with_mode};
use cached_tests::RedisServer;

use crate::setup::{Gate, Source, caches, tier};

#[cache(key = "far-mode:{_id}", ttl = "1h", backend = "redis", skip(source))]
async fn far(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "near-mode:{_id}", ttl = "1h", backend = ["local", "redis"], skip(source))]
async fn near(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "fails:{_id}", ttl = "1h", backend = ["local", "redis"], skip(source))]
async fn fails(source: &Source, _id: u64) -> Result<u64, u64> {
    match source.load() {
        value if value < 100 => Ok(value),
        value => Err(value),
    }
}

#[tokio::test]
async fn refresh_loads_anew_and_replaces_what_is_in_every_tier() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    let first = caches(&server).await;
    assert_eq!(first.scope(far(&source, 1)).await, 1);
    assert_eq!(first.scope(near(&source, 1)).await, 1);
    source.set(2);
    assert_eq!(first.scope(with_mode(Mode::Refresh, far(&source, 1))).await, 2);
    assert_eq!(first.scope(with_mode(Mode::Refresh, near(&source, 1))).await, 2);
    source.set(3);
    for caches in [first, caches(&server).await] {
        assert_eq!(caches.scope(far(&source, 1)).await, 2);
        assert_eq!(caches.scope(near(&source, 1)).await, 2);
    }
    assert_eq!(source.loads(), 4);
}

#[tokio::test]
async fn refresh_fills_where_nothing_was() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    caches(&server)
        .await
        .scope(with_mode(Mode::Refresh, near(&source, 1)))
        .await;
    source.set(2);
    assert_eq!(caches(&server).await.scope(near(&source, 1)).await, 1);
    let left: i64 = server.cli(&["PTTL", "shop:near-mode:1"]).await;
    assert!(left > 3_500_000);
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_what_was_there() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    let caches = caches(&server).await;
    caches.scope(fails(&source, 1)).await.unwrap();
    source.set(500);
    assert_eq!(
        caches.scope(with_mode(Mode::Refresh, fails(&source, 1))).await,
        Err(500)
    );
    assert_eq!(caches.scope(fails(&source, 1)).await, Ok(1));
    assert_eq!(
        crate::setup::caches(&server).await.scope(fails(&source, 1)).await,
        Ok(1)
    );
}

#[tokio::test]
async fn off_neither_reads_nor_stores() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    let caches = caches(&server).await;
    for _ in 0..2 {
        assert_eq!(caches.scope(with_mode(Mode::Off, near(&source, 1))).await, 1);
        assert_eq!(caches.scope(with_mode(Mode::Off, far(&source, 1))).await, 1);
    }
    assert_eq!(source.loads(), 4);
    assert_eq!(server.cli::<u64>(&["DBSIZE"]).await, 0);
    caches.scope(near(&source, 1)).await;
    source.set(2);
    assert_eq!(caches.scope(with_mode(Mode::Off, near(&source, 1))).await, 2);
    assert_eq!(caches.scope(near(&source, 1)).await, 1);
    let stats = caches.scope(async { near_cache().stats() }).await;
    assert_eq!((tier(&stats, "redis").misses, stats.hits), (1, 1));
}

#[cache(key = "gated-mode:{_id}", ttl = "1h", backend = "redis", skip(gate))]
async fn gated(gate: &Gate, _id: u64) -> u64 {
    gate.load().await
}

#[tokio::test]
async fn a_refresh_is_not_undone_by_an_older_load_of_another_process() {
    let server = RedisServer::start().await;
    let (old, new) = (Gate::of(1), Gate::of(2));
    let (first, second) = (caches(&server).await, caches(&server).await);
    let slow = first.scope(gated(&old, 1));
    let fresh = async {
        old.begun().await;
        new.open();
        let fresh = second.scope(with_mode(Mode::Refresh, gated(&new, 1))).await;
        old.open();
        fresh
    };
    assert_eq!(tokio::join!(slow, fresh), (1, 2));
    let left = second.scope(async { gated_entry(1).get().await }).await;
    assert_eq!(left.unwrap(), Some(2));
}

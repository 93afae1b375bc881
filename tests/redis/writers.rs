//! New values on a server that other processes use, and that may be away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cached_runtime::{cache, update};
use cached_tests::RedisServer;
use tokio::time::timeout;

use crate::setup::{Source, builder, caches};

const BUDGET: Duration = Duration::from_millis(250);

#[cache(key = "through:{id}", strategy = "write_through", ttl = "1h", backend = ["local", "redis"], skip(source))]
async fn through(source: &Source, id: u64) -> u64 {
    let _ = id;
    source.load()
}

#[update(through(id) = value)]
async fn set(source: &Source, id: u64, value: u64) {
    let _ = id;
    source.set(value);
}

#[cache(key = "behind:{id}", strategy = "write_behind", ttl = "1h", backend = ["local", "redis"], skip(source))]
async fn behind(source: &Source, id: u64) -> u64 {
    let _ = id;
    source.load()
}

#[update(behind(id) = value, strategy = "write_behind")]
async fn set_later(source: &Arc<Source>, id: u64, value: u64) {
    let _ = id;
    source.set(value);
}

#[tokio::test]
async fn another_process_has_the_new_value_without_a_load() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    let [here, there] = [caches(&server).await, caches(&server).await];
    here.scope(through(&source, 1)).await;
    here.scope(set(&source, 1, 2)).await;
    assert_eq!(there.scope(through(&source, 1)).await, 2);
    assert_eq!(here.scope(through(&source, 1)).await, 2);
    assert_eq!(source.loads(), 1);
    let life: i64 = server.cli(&["PTTL", "shop:through:1"]).await;
    assert!((3_500_000..=3_600_000).contains(&life), "{life}");
}

/// What does not arrive is replayed as a removal.
#[tokio::test]
async fn a_server_that_is_away_costs_the_writer_its_time_and_never_has_the_old_value_again() {
    for returns_late in [false, true] {
        let server = RedisServer::start().await;
        let source = Source::of(1);
        let [here, there] = [
            builder(&server).await.time_budget(BUDGET).build().unwrap(),
            caches(&server).await,
        ];
        here.scope(through(&source, 1)).await;
        server.pause();
        let begun = Instant::now();
        here.scope(set(&source, 1, 2)).await;
        // To claim it, and to remove it.
        assert!(begun.elapsed() < 3 * BUDGET, "{:?}", begun.elapsed());
        assert_eq!(here.scope(through(&source, 1)).await, 2, "memory has it");
        if returns_late {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
        }
        server.resume();
        timeout(Duration::from_secs(5), here.settle()).await.unwrap();
        assert_eq!(there.scope(through(&source, 1)).await, 2);
    }
}

/// The server goes while the body runs: the claim stands there, and the value does not arrive.
#[tokio::test]
async fn a_server_that_goes_while_the_body_runs_has_the_entry_removed() {
    let server = Arc::new(RedisServer::start().await);
    #[update(through(id) = 2)]
    async fn set_and_pause(server: &RedisServer, source: &Source, id: u64) {
        source.set(2);
        server.pause();
    }
    let source = Source::of(1);
    let [here, there] = [
        builder(&server).await.time_budget(BUDGET).build().unwrap(),
        caches(&server).await,
    ];
    here.scope(through(&source, 1)).await;
    here.scope(set_and_pause(&server, &source, 1)).await;
    assert_eq!(here.scope(through(&source, 1)).await, 2);
    server.resume();
    timeout(Duration::from_secs(5), here.settle()).await.unwrap();
    assert_eq!(there.scope(through(&source, 1)).await, 2);
}

#[tokio::test]
async fn a_pending_value_is_put_once_more_over_what_another_process_has_loaded() {
    let server = RedisServer::start().await;
    let source = Arc::new(Source::of(1));
    let [here, there, judge] = [
        caches(&server).await,
        caches(&server).await,
        caches(&server).await,
    ];
    here.scope(set_later(&source, 1, 2)).await;
    assert_eq!(source.load(), 1);
    assert_eq!(
        judge.scope(async { behind_entry(1).get().await.unwrap() }).await,
        Some(2)
    );
    // The server loses it, and somebody loads what the source still has.
    server.cli::<u64>(&["DEL", "shop:behind:1"]).await;
    assert_eq!(there.scope(behind(&source, 1)).await, 1);
    there.settle().await;
    assert_eq!(here.scope(behind(&source, 1)).await, 2, "this one knows better");
    here.settle().await;
    let other = caches(&server).await;
    let held = other.scope(async { behind_entry(1).get().await.unwrap() }).await;
    assert!(held.is_none_or(|held| held == 2), "{held:?}");
    assert_eq!(other.scope(behind(&source, 1)).await, 2);
}

#[tokio::test]
async fn a_server_that_is_away_does_not_keep_a_write_from_the_source() {
    let server = RedisServer::start().await;
    let source = Arc::new(Source::of(1));
    let [here, there] = [
        builder(&server).await.time_budget(BUDGET).build().unwrap(),
        caches(&server).await,
    ];
    here.scope(behind(&source, 1)).await;
    here.settle().await;
    server.pause();
    here.scope(set_later(&source, 1, 2)).await;
    assert_eq!(here.scope(behind(&source, 1)).await, 2);
    for _ in 0..1_000 {
        if source.load() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(source.load(), 2);
    server.resume();
    timeout(Duration::from_secs(5), here.settle()).await.unwrap();
    assert_eq!(there.scope(behind(&source, 1)).await, 2);
}

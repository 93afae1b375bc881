//! Memory over Redis: fills, hits, backfills, and how long entries live where.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::testing::ManualClock;
use cached_runtime::{BoxFuture, Caches, Error, cache};
use cached_tests::RedisServer;

use crate::hooked::Hooked;
use crate::setup::{Gate, Source, builder, caches, connect, tier};

const SECOND: Duration = Duration::from_secs(1);

#[cache(key = "number:{_id}", ttl = "10m", backend = ["local", "redis"], skip(source))]
async fn number(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "brief:{_id}",
    ttl = "10m",
    backend = ["local", "redis"],
    tier("local", ttl = "5s"),
    skip(source)
)]
async fn brief_above(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "below:{_id}",
    ttl = "10m",
    backend = ["local", "redis"],
    tier("redis", ttl = "1m"),
    skip(source)
)]
async fn brief_below(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "endless:{_id}", backend = ["local", "redis"], skip(source))]
async fn endless(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "timed:{_id}",
    ttl = |value: &u64| Duration::from_secs(*value),
    jitter = "10%",
    cache_if = |value: &u64| *value != 13,
    backend = ["local", "redis"],
    skip(source)
)]
async fn timed(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "found:{_id}",
    ttl = "10m",
    none_ttl = "30s",
    backend = ["local", "redis"],
    skip(source)
)]
async fn found(source: &Source, _id: u64) -> Result<Option<u64>, u64> {
    match source.load() {
        0 => Ok(None),
        value if value < 100 => Ok(Some(value)),
        value => Err(value),
    }
}

#[cache(key = "maybe:{_id}", ttl = "10m", backend = ["local", "redis"], skip(source))]
async fn maybe(source: &Source, _id: u64) -> Option<u64> {
    Some(source.load()).filter(|value| *value != 0)
}

#[cache(key = "deep:{_id}", ttl = "10m", backend = ["local", "redis", "second"], skip(source))]
async fn deep(source: &Source, _id: u64) -> u64 {
    source.load()
}

async fn life(server: &RedisServer, key: &str) -> i64 {
    server.cli(&["PTTL", key]).await
}

#[tokio::test]
async fn a_load_fills_both_and_another_process_hits() {
    let server = RedisServer::start().await;
    let source = Source::of(7);
    let first = caches(&server).await;
    assert_eq!(first.scope(number(&source, 1)).await, 7);
    assert_eq!(server.cli::<Vec<String>>(&["KEYS", "*"]).await, ["shop:number:1"]);
    let left = life(&server, "shop:number:1").await;
    assert!((590_000..=600_000).contains(&left), "{left}");
    source.set(8);
    assert_eq!(first.scope(number(&source, 1)).await, 7);
    let stats = first.scope(async { number_cache().stats() }).await;
    assert_eq!((stats.hits, stats.misses, stats.loads), (1, 1, 1));
    assert_eq!((tier(&stats, "local").hits, tier(&stats, "redis").hits), (1, 0));

    let second = caches(&server).await;
    for _ in 0..3 {
        assert_eq!(second.scope(number(&source, 1)).await, 7);
    }
    let stats = second.scope(async { number_cache().stats() }).await;
    assert_eq!((stats.hits, stats.misses, stats.loads), (3, 0, 0));
    assert_eq!((tier(&stats, "local").hits, tier(&stats, "redis").hits), (2, 1));
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn an_invalidation_in_one_process_is_a_miss_in_a_new_one() {
    let server = RedisServer::start().await;
    let source = Source::of(1);
    let first = caches(&server).await;
    first.scope(number(&source, 1)).await;
    source.set(2);
    first
        .scope(async { number_entry(1).invalidate().await })
        .await
        .unwrap();
    assert_eq!(server.cli::<u64>(&["DBSIZE"]).await, 0);
    assert_eq!(caches(&server).await.scope(number(&source, 1)).await, 2);
    assert_eq!(first.scope(number(&source, 1)).await, 2);
    assert_eq!(source.loads(), 2);
}

#[tokio::test]
async fn a_backfilled_entry_lives_no_longer_than_what_is_left_below() {
    let server = RedisServer::start().await;
    let source = Source::of(7);
    caches(&server).await.scope(number(&source, 1)).await;
    assert_eq!(server.cli::<u64>(&["PEXPIRE", "shop:number:1", "30000"]).await, 1);

    let clock = ManualClock::new();
    let second = builder(&server).await.clock(&clock).build().unwrap();
    second.scope(number(&source, 1)).await;
    let left = second
        .scope(async { number_entry(1).remaining_ttl().await })
        .await;
    let left = left.unwrap().unwrap();
    assert!(left > 20 * SECOND && left <= 30 * SECOND, "{left:?}");
    clock.advance(31 * SECOND);
    second.scope(number(&source, 1)).await;
    let stats = second.scope(async { number_cache().stats() }).await;
    assert_eq!((tier(&stats, "local").hits, tier(&stats, "redis").hits), (0, 2));
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn a_tier_has_a_ttl_of_its_own_and_is_refilled_from_below() {
    let server = RedisServer::start().await;
    let source = Source::of(7);
    let clock = ManualClock::new();
    let caches = builder(&server).await.clock(&clock).build().unwrap();
    for (passes, hits) in [(0, (0, 0)), (4, (1, 0)), (2, (1, 1)), (4, (2, 1)), (2, (2, 2))] {
        clock.advance(passes * SECOND);
        caches.scope(brief_above(&source, 1)).await;
        let stats = caches.scope(async { brief_above_cache().stats() }).await;
        assert_eq!((tier(&stats, "local").hits, tier(&stats, "redis").hits), hits);
    }
    assert_eq!(source.loads(), 1);
    assert!(life(&server, "shop:brief:1").await > 500_000);
}

#[tokio::test]
async fn a_lower_tier_may_live_shorter_than_the_one_above() {
    let server = RedisServer::start().await;
    let source = Source::of(7);
    let clock = ManualClock::new();
    let caches = builder(&server).await.clock(&clock).build().unwrap();
    caches.scope(brief_below(&source, 1)).await;
    let left = life(&server, "shop:below:1").await;
    assert!((50_000..=60_000).contains(&left), "{left}");
    clock.advance(599 * SECOND);
    caches.scope(brief_below(&source, 1)).await;
    let stats = caches.scope(async { brief_below_cache().stats() }).await;
    assert_eq!(tier(&stats, "local").hits, 1);
}

#[tokio::test]
async fn without_a_ttl_an_entry_has_no_end() {
    let server = RedisServer::start().await;
    let source = Source::of(7);
    for _ in 0..2 {
        let caches = caches(&server).await;
        caches.scope(endless(&source, 1)).await;
        let left = caches
            .scope(async { endless_entry(1).remaining_ttl().await })
            .await;
        assert_eq!(left.unwrap(), Some(Duration::MAX));
    }
    assert_eq!(life(&server, "shop:endless:1").await, -1);
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn ttl_jitter_and_cache_if_count_in_redis_too() {
    let server = RedisServer::start().await;
    let source = Source::of(100);
    let caches = caches(&server).await;
    let mut lives = Vec::new();
    for id in 0..50 {
        caches.scope(timed(&source, id)).await;
        lives.push(life(&server, &format!("shop:timed:{id}")).await);
    }
    assert!(
        lives.iter().all(|left| (88_000..=100_000).contains(left)),
        "{lives:?}"
    );
    let (least, most) = (lives.iter().min().unwrap(), lives.iter().max().unwrap());
    assert!(most - least > 2_000, "{lives:?}");

    source.set(13);
    caches.scope(timed(&source, 99)).await;
    assert_eq!(life(&server, "shop:timed:99").await, -2);
}

#[tokio::test]
async fn a_none_is_kept_in_redis_for_its_own_ttl_and_an_error_never() {
    let server = RedisServer::start().await;
    let source = Source::of(0);
    caches(&server).await.scope(found(&source, 1)).await.unwrap();
    let left = life(&server, "shop:found:1").await;
    assert!((25_000..=30_000).contains(&left), "{left}");
    source.set(5);
    let second = caches(&server).await;
    assert_eq!(second.scope(found(&source, 1)).await, Ok(None));
    assert_eq!(
        second.scope(async { found_entry(1).get().await }).await.unwrap(),
        None
    );
    let left = second.scope(async { found_entry(1).remaining_ttl().await }).await;
    assert!(left.unwrap().unwrap() <= 30 * SECOND);
    assert_eq!(source.loads(), 1);

    source.set(404);
    assert_eq!(second.scope(found(&source, 2)).await, Err(404));
    assert_eq!(life(&server, "shop:found:2").await, -2);
    source.set(6);
    assert_eq!(second.scope(found(&source, 2)).await, Ok(Some(6)));
    assert!(life(&server, "shop:found:2").await > 590_000);
}

#[tokio::test]
async fn a_none_without_a_ttl_of_its_own_is_not_kept() {
    let server = RedisServer::start().await;
    let source = Source::of(0);
    let caches = caches(&server).await;
    for _ in 0..2 {
        assert_eq!(caches.scope(maybe(&source, 1)).await, None);
    }
    assert_eq!(source.loads(), 2);
    assert_eq!(life(&server, "shop:maybe:1").await, -2);
}

#[tokio::test]
async fn a_hit_in_the_third_tier_fills_those_above_for_what_is_left() {
    let (upper, lower) = (RedisServer::start().await, RedisServer::start().await);
    let source = Source::of(7);
    let both = async || {
        Caches::builder()
            .namespace("shop")
            .store("redis", connect(&upper).await)
            .store("second", connect(&lower).await)
            .build()
            .unwrap()
    };
    both().await.scope(deep(&source, 1)).await;
    assert!(life(&upper, "shop:deep:1").await > 590_000);
    assert!(life(&lower, "shop:deep:1").await > 590_000);
    assert_eq!(upper.cli::<u64>(&["DEL", "shop:deep:1"]).await, 1);
    assert_eq!(lower.cli::<u64>(&["PEXPIRE", "shop:deep:1", "20000"]).await, 1);

    let caches = both().await;
    assert_eq!(caches.scope(deep(&source, 1)).await, 7);
    caches.settle().await;
    let left = life(&upper, "shop:deep:1").await;
    assert!((15_000..=20_000).contains(&left), "{left}");
    let left = caches.scope(async { deep_entry(1).remaining_ttl().await }).await;
    assert!(left.unwrap().unwrap() <= 20 * SECOND);
    assert_eq!(source.loads(), 1);

    caches
        .scope(async { deep_entry(1).invalidate().await })
        .await
        .unwrap();
    assert_eq!(upper.cli::<u64>(&["DBSIZE"]).await, 0);
    assert_eq!(lower.cli::<u64>(&["DBSIZE"]).await, 0);
}

/// Between the removal from one tier and from the next, another process may look, find the old entry in the one and
/// copy it into the other.
#[tokio::test]
async fn what_another_process_copies_up_during_a_removal_goes_too() {
    for way in 0..6 {
        let (upper, lower) = (RedisServer::start().await, RedisServer::start().await);
        let stores = async |slow: Option<Arc<Gate>>| {
            let removing = connect(&lower).await;
            let wait = move || -> BoxFuture<'static, Result<(), Error>> {
                let slow = slow.clone();
                Box::pin(async move {
                    if let Some(gate) = slow {
                        gate.load().await;
                    }
                    Ok(())
                })
            };
            Caches::builder()
                .namespace("shop")
                .store("redis", connect(&upper).await)
                .store("second", Hooked::new(removing, wait))
                .build()
                .unwrap()
        };
        let source = Source::of(1);
        let gate = Arc::new(Gate::of(0));
        let (first, second) = (stores(Some(Arc::clone(&gate))).await, stores(None).await);
        second.scope(deep(&source, 1)).await;
        let remove = first.scope(async {
            match way {
                0 => deep_entry(1).invalidate().await.unwrap(),
                1 => first.invalidate_key("deep:1").await.unwrap(),
                2 => drop(first.invalidate_pattern("deep:*").await.unwrap()),
                3 => drop(deep_cache().invalidate_pattern("deep:*").await.unwrap()),
                4 => deep_cache().clear().await.unwrap(),
                _ => first.clear().await.unwrap(),
            }
        });
        let look = async {
            gate.begun().await;
            source.set(2);
            // A process without anything in memory.
            let third = stores(None).await;
            assert_eq!(third.scope(deep(&source, 1)).await, 1);
            third.settle().await;
            gate.open();
        };
        tokio::join!(remove, look);
        let last = stores(None).await;
        assert_eq!(last.scope(deep(&source, 1)).await, 2, "way {way}");
    }
}

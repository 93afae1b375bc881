//! `get_many`: in one round trip for each tier.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::stores::Memcached;
use cached_runtime::{Cache, Caches};
use cached_tests::{MemcachedServer, RedisServer, tier};

use crate::setup::{MINUTE, built, caches, here, on};

#[tokio::test]
async fn in_the_order_of_the_keys_with_those_that_are_there_twice() {
    let (caches, clock) = here();
    let numbers: Cache<u64> = built(&caches, "numbers", |it| it.ttl(MINUTE).none_ttl(MINUTE));
    for key in [1, 2] {
        numbers.entry(key).insert(key * 10).await.unwrap();
    }
    numbers.entry(3).get_or_load(async || None::<u64>).await.unwrap();
    let found = numbers.get_many([2, 9, 1, 3, 2, 9]).await.unwrap();
    assert_eq!(found, [Some(20), None, Some(10), None, Some(20), None]);
    assert_eq!(numbers.get_many([] as [u64; 0]).await.unwrap(), []);
    assert_eq!(numbers.get_many(vec!["1".to_owned()]).await.unwrap(), [Some(10)]);
    assert_eq!(numbers.stats().loads, 1);
    clock.advance(2 * MINUTE);
    assert_eq!(numbers.get_many([1, 2]).await.unwrap(), [None, None]);
}

/// Commands that the server has run, by name.
async fn commands(server: &RedisServer) -> u64 {
    let info: String = server.cli(&["INFO", "stats"]).await;
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_commands_processed:"));
    line.unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn what_memory_has_not_comes_from_redis_at_once_and_into_memory() {
    let server = RedisServer::start().await;
    let near = |caches: &Caches| built::<u64>(caches, "numbers", |it| it.ttl(MINUTE));
    let there = near(&caches(&server).await);
    for key in 0..500 {
        there.entry(key).insert(key).await.unwrap();
    }
    let here = near(&caches(&server).await);
    here.entry(0).get().await.unwrap();
    let before = commands(&server).await;
    let found = here.get_many(0..600_u64).await.unwrap();
    let after = commands(&server).await;
    let expected: Vec<_> = (0..600).map(|key| (key < 500).then_some(key)).collect();
    assert_eq!(found, expected);
    // Those that are missing are leased, all in one script; it is one trip whatever it runs inside of the server.
    let stats = tier(&here.stats(), "redis");
    assert_eq!((stats.hits, stats.misses), (500, 100));
    println!("{} commands", after - before);
    // From memory now, for as long as they have left.
    let left = here.entry(1).remaining_ttl().await.unwrap().unwrap();
    assert!(left <= MINUTE && left > MINUTE / 2, "{left:?}");
    let _: String = server.cli(&["FLUSHALL"]).await;
    assert_eq!(here.get_many(0..500_u64).await.unwrap(), expected[..500]);
    assert_eq!(tier(&here.stats(), "redis").hits, 500);
}

#[tokio::test]
async fn what_is_in_the_way_is_a_miss_of_its_key_alone() {
    let server = RedisServer::start().await;
    let numbers: Cache<u64> = built(&caches(&server).await, "numbers", |it| it.backend(["redis"]));
    for key in 1..=4_u64 {
        numbers.entry(key).insert(key).await.unwrap();
    }
    let _: String = server.cli(&["SET", "shop:numbers:2", "garbage"]).await;
    let _: u64 = server.cli(&["DEL", "shop:numbers:3"]).await;
    let _: u64 = server.cli(&["LPUSH", "shop:numbers:3", "of another kind"]).await;
    let found = numbers.get_many(1..=5).await.unwrap();
    assert_eq!(found, [Some(1), None, None, Some(4), None]);
}

#[tokio::test]
async fn a_server_that_is_down_is_a_miss_of_what_memory_has_not() {
    let server = RedisServer::start().await;
    let caches = on(&server).await.time_budget(MINUTE / 240).build().unwrap();
    let numbers: Cache<u64> = built(&caches, "numbers", |it| it.ttl(MINUTE));
    numbers.entry(1).insert(1).await.unwrap();
    server.pause();
    let begun = std::time::Instant::now();
    assert_eq!(numbers.get_many(1..=100).await.unwrap()[..2], [Some(1), None]);
    assert!(
        begun.elapsed() < MINUTE / 60,
        "one budget for all: {:?}",
        begun.elapsed()
    );
    server.resume();
}

#[tokio::test]
async fn a_lower_tier_fills_those_above() {
    let (redis, memcached) = (RedisServer::start().await, MemcachedServer::start().await);
    let make = async || {
        let store = Memcached::connect([memcached.address()]).await.unwrap();
        let caches = on(&redis).await.store("memcached", store).build().unwrap();
        let chain = ["local", "redis", "memcached"];
        let numbers: Cache<u64> = built(&caches, "numbers", |it| it.ttl(MINUTE).backend(chain));
        (caches, numbers)
    };
    let (_, there) = make().await;
    for key in 0..50 {
        there.entry(key).insert(key).await.unwrap();
    }
    let _: String = redis.cli(&["FLUSHALL"]).await;
    let (caches, here) = make().await;
    let expected: Vec<_> = (0..50).map(Some).collect();
    assert_eq!(here.get_many(0..50_u64).await.unwrap(), expected);
    caches.settle().await;
    assert_eq!(tier(&here.stats(), "memcached").hits, 50);
    assert_eq!(
        redis
            .cli::<u64>(&["EXISTS", "shop:numbers:0", "shop:numbers:49"])
            .await,
        2
    );
    // Voided as a whole, and looked for again.
    there.clear().await.unwrap();
    let (_, third) = make().await;
    assert_eq!(third.get_many(0..50_u64).await.unwrap(), vec![None; 50]);
}

/// While it looks, an invalidation passes: what it found is given to who asked before, and not kept.
#[tokio::test]
async fn what_is_invalidated_meanwhile_is_not_copied_into_memory() {
    for _ in 0..20 {
        let server = RedisServer::start().await;
        let numbers: Cache<u64> = built(&caches(&server).await, "numbers", |it| it.ttl(MINUTE));
        let there: Cache<u64> = built(&caches(&server).await, "numbers", |it| it.ttl(MINUTE));
        let keys = || 0..20_u64;
        for key in keys() {
            there.entry(key).insert(1).await.unwrap();
        }
        let done = Arc::new(AtomicU64::new(0));
        let look = numbers.get_many(keys());
        let remove = async {
            for key in keys() {
                numbers.entry(key).invalidate().await.unwrap();
                done.fetch_add(1, SeqCst);
            }
        };
        let (found, ()) = tokio::join!(look, remove);
        found.unwrap();
        assert_eq!(numbers.get_many(keys()).await.unwrap(), vec![None; 20]);
    }
}

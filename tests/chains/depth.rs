//! Chains of four stores: what is found in the lowest is copied into the three above, for what is left of its life.

use std::time::{Duration, Instant};

use cached_runtime::stores::{Memcached, Redis, Sql};
use cached_runtime::{Caches, Store, cache};
use cached_tests::{Database, MemcachedServer, RedisServer, Source};

const LIFE: Duration = Duration::from_secs(100);

#[cache(
    key = "exact:{_id}",
    ttl = "100s",
    backend = ["local", "redis", "second", "mysql"],
    skip(source)
)]
async fn exact(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "mixed:{_id}",
    ttl = "100s",
    backend = ["local", "redis", "memcached", "mysql"],
    skip(source)
)]
async fn mixed(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "none:{_id}", none_ttl = "100s", backend = ["local", "redis", "second", "mysql"], skip(source))]
async fn nothing(source: &Source, _id: u64) -> Option<u64> {
    source.load();
    None
}

/// The servers of one test, and two processes: one that fills, and one that has nothing in memory.
struct Place {
    redis: RedisServer,
    second: RedisServer,
    memcached: MemcachedServer,
    database: Database,
}

impl Place {
    async fn new() -> Self {
        Self {
            redis: RedisServer::start().await,
            second: RedisServer::start().await,
            memcached: MemcachedServer::start().await,
            database: Database::mariadb().await,
        }
    }

    async fn process(&self) -> Caches {
        Caches::builder()
            .store("redis", self.redis_store().await)
            .store("second", Redis::connect(self.second.url()).await.unwrap())
            .store("memcached", self.memcached_store().await)
            .store("mysql", self.sql_store().await)
            .build()
            .unwrap()
    }

    async fn redis_store(&self) -> Redis {
        Redis::connect(self.redis.url()).await.unwrap()
    }

    async fn memcached_store(&self) -> Memcached {
        Memcached::connect([self.memcached.address()]).await.unwrap()
    }

    async fn sql_store(&self) -> Sql {
        Sql::connect(self.database.url()).await.unwrap()
    }

    /// The stores between memory and the database have lost everything.
    async fn forget(&self) {
        for server in [&self.redis, &self.second] {
            server.cli::<String>(&["FLUSHALL"]).await;
        }
        self.memcached.say("flush_all").await;
    }
}

/// When an entry ends, as far as the time that asking takes can tell.
async fn end(left: impl Future<Output = Duration>) -> (Instant, Instant) {
    let before = Instant::now();
    let left = left.await;
    (before + left, Instant::now() + left)
}

async fn end_in(store: &dyn Store, key: &str) -> (Instant, Instant) {
    end(async { store.remaining(key).await.unwrap().unwrap().unwrap() }).await
}

#[track_caller]
fn same(store: &str, one: (Instant, Instant), other: (Instant, Instant), within: Duration) {
    let apart = one
        .0
        .saturating_duration_since(other.1)
        .max(other.0.saturating_duration_since(one.1));
    assert!(apart <= within, "{store}: {apart:?} apart");
}

#[tokio::test]
async fn a_hit_in_the_lowest_store_fills_the_three_above_to_its_own_end() {
    let place = Place::new().await;
    let source = Source::of(7);
    let one = place.process().await;
    one.scope(exact(&source, 1)).await;
    one.settle().await;
    place.forget().await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let other = place.process().await;
    assert_eq!(other.scope(exact(&source, 1)).await, 7);
    other.settle().await;
    assert_eq!(source.loads(), 1);
    let lowest = end_in(&place.sql_store().await, "exact:1").await;
    assert!(lowest.1 < Instant::now() + LIFE - Duration::from_millis(600));
    let near = Duration::from_millis(50);
    let local = other.scope(end(async {
        exact_entry(1).remaining_ttl().await.unwrap().unwrap()
    }));
    same("local", local.await, lowest, near);
    same(
        "redis",
        end_in(&place.redis_store().await, "exact:1").await,
        lowest,
        near,
    );
    let second = Redis::connect(place.second.url()).await.unwrap();
    same("second", end_in(&second, "exact:1").await, lowest, near);
}

/// Memcached counts whole seconds.
#[tokio::test]
async fn it_does_so_through_stores_of_four_kinds() {
    let place = Place::new().await;
    let source = Source::of(7);
    let one = place.process().await;
    one.scope(mixed(&source, 1)).await;
    one.settle().await;
    place.forget().await;
    // What Memcached had until then is void for those who saw it; the generations that it keeps beside entries are new.
    let other = place.process().await;
    assert_eq!(other.scope(mixed(&source, 1)).await, 7);
    other.settle().await;
    assert_eq!(source.loads(), 1);
    let lowest = end_in(&place.sql_store().await, "mixed:1").await;
    same(
        "redis",
        end_in(&place.redis_store().await, "mixed:1").await,
        lowest,
        Duration::from_millis(50),
    );
    let memcached = end_in(&place.memcached_store().await, "mixed:1").await;
    same("memcached", memcached, lowest, Duration::from_millis(1_600));
    // Each of them serves a process that has nothing else.
    for store in ["redis", "memcached", "mysql"] {
        let reader = place.process().await;
        assert_eq!(reader.scope(mixed(&source, 1)).await, 7, "{store}");
        reader.settle().await;
        let hit = reader.scope(async { mixed_cache().stats() }).await;
        let hit = hit.tiers.iter().find(|tier| tier.hits > 0).unwrap();
        assert_eq!(hit.store, store);
        // Without it, and without the copies that have been made above.
        match store {
            "redis" => drop(place.redis.cli::<String>(&["FLUSHALL"]).await),
            _ => place.forget().await,
        }
    }
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn a_removal_goes_through_all_of_them_and_a_none_is_copied_too() {
    let place = Place::new().await;
    let source = Source::of(7);
    let (one, other) = (place.process().await, place.process().await);
    for caches in [&one, &other] {
        caches.scope(exact(&source, 1)).await;
        caches.scope(nothing(&source, 1)).await;
        caches.settle().await;
    }
    assert_eq!(source.loads(), 2);
    place.forget().await;
    let third = place.process().await;
    assert_eq!(third.scope(nothing(&source, 1)).await, None);
    third.settle().await;
    assert_eq!(source.loads(), 2);
    let left = end_in(&place.redis_store().await, "none:1").await;
    same(
        "redis",
        left,
        end_in(&place.sql_store().await, "none:1").await,
        Duration::from_millis(50),
    );
    one.scope(async { exact_entry(1).invalidate().await })
        .await
        .unwrap();
    for store in [&place.redis_store().await as &dyn Store, &place.sql_store().await] {
        assert_eq!(store.remaining("exact:1").await.unwrap(), None);
    }
    source.set(8);
    assert_eq!(one.scope(exact(&source, 1)).await, 8);
}

//! Cached functions over a cluster, and over a master behind sentinels.

use std::time::{Duration, Instant};

use cached_runtime::stores::Redis;
use cached_runtime::{Caches, cache, invalidate};
use cached_tests::{RedisCluster, RedisSentinel};
use tokio::time::sleep;

use crate::setup::{Source, on};

const SOON: Duration = Duration::from_secs(8);

#[cache(key = "price:{_id}", ttl = "1h", backend = "redis", skip(source))]
async fn price(source: &Source, _id: u64) -> u64 {
    source.load()
}

/// What stands between the braces keeps entries of one cart on one server.
#[cache(key = "cart:{{{_id}}}:total", ttl = "1h", backend = "redis", skip(source))]
async fn total(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[invalidate(price(id))]
async fn change_price(id: u64) {
    let _ = id;
}

#[invalidate(price(..))]
async fn change_every_price() {}

#[invalidate(pattern = "cart:*")]
async fn change_every_cart() {}

async fn all(source: &Source) {
    for id in 0..40 {
        price(source, id).await;
        total(source, id).await;
    }
}

/// Loads of [`all`] that were not served.
async fn loads(source: &Source) -> u64 {
    let before = source.loads();
    all(source).await;
    source.loads() - before
}

#[tokio::test]
async fn removals_of_every_kind_reach_all_servers_of_a_cluster() {
    let cluster = RedisCluster::start().await;
    let caches = on(Redis::connect(cluster.url()).await.unwrap()).build().unwrap();
    let source = Source::default();
    caches
        .scope(async {
            assert_eq!(loads(&source).await, 80);
            assert_eq!(loads(&source).await, 0);
            change_price(7).await;
            total_entry(7).invalidate().await.unwrap();
            assert_eq!(loads(&source).await, 2);
            change_every_price().await;
            assert_eq!(loads(&source).await, 40);
            change_every_cart().await;
            assert_eq!(loads(&source).await, 40);
            let caches = Caches::current();
            assert_eq!(caches.invalidate_pattern("price:1*").await.unwrap(), 11);
            assert_eq!(loads(&source).await, 11);
            price_cache().clear().await.unwrap();
            assert_eq!(loads(&source).await, 40);
            caches.clear().await.unwrap();
            assert_eq!(loads(&source).await, 80);
        })
        .await;
    assert_eq!(caches.stats().stores[0].failures, 0);
}

/// The others are served all the while, and what was invalidated in the meantime is gone once the replica has taken over.
#[tokio::test]
async fn an_invalidation_that_meets_a_dead_primary_is_made_on_its_successor() {
    let mut cluster = RedisCluster::with_replicas(1).await;
    let caches = on(Redis::connect(cluster.url()).await.unwrap()).build().unwrap();
    let source = Source::default();
    let mut homes = Vec::new();
    for id in 0..40 {
        homes.push(cluster.primary_of(&format!("shop:price:{id}")).await);
    }
    caches
        .scope(async {
            all(&source).await;
            cluster.node(0).wait_for_copy(cluster.node(3)).await;
            cluster.node_mut(0).stop();
            source.set(1);
            for id in 0..40 {
                change_price(id).await;
            }
            // Those of the other primaries are stored again at once.
            for _ in 0..2 {
                for id in 0..40 {
                    price(&source, id).await;
                }
            }
            let before = source.loads();
            for id in (0..40).filter(|id| homes[usize::try_from(*id).unwrap()] != 0) {
                price(&source, id).await;
            }
            assert_eq!(source.loads(), before);
            cluster.wait_for_promotion(3).await;
            let begun = Instant::now();
            while loads(&source).await > 0 {
                assert!(begun.elapsed() < SOON, "never back");
                sleep(Duration::from_millis(50)).await;
            }
            for id in 0..40 {
                assert_eq!(price_entry(id).get().await.unwrap(), Some(1), "{id}");
            }
        })
        .await;
}

#[tokio::test]
async fn a_fail_over_behind_sentinels_is_survived() {
    let mut sentinels = RedisSentinel::start().await;
    let caches = on(Redis::connect(sentinels.url()).await.unwrap())
        .build()
        .unwrap();
    let source = Source::default();
    caches
        .scope(async {
            all(&source).await;
            assert_eq!(loads(&source).await, 0);
            sentinels.server(0).wait_for_copy(sentinels.server(1)).await;
            sentinels.server_mut(0).stop();
            source.set(1);
            for id in 0..40 {
                change_price(id).await;
            }
            assert_eq!(loads(&source).await, 80, "without a store everything is loaded");
            sentinels.wait_for_master(1).await;
            let begun = Instant::now();
            while loads(&source).await > 0 {
                assert!(begun.elapsed() < SOON, "never back");
                sleep(Duration::from_millis(50)).await;
            }
            for id in 0..40 {
                assert_eq!(price_entry(id).get().await.unwrap(), Some(1), "{id}");
            }
        })
        .await;
}

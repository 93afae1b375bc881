//! Functions with chains of their own side by side, and many callers of one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{Caches, cache, invalidate};
use cached_tests::RedisServer;

use crate::setup::{Source, builder, caches, connect};

#[cache(key = "memory:{_id}", ttl = "1h", backend = "local", skip(source))]
async fn in_memory(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "engine:{_id}", ttl = "1h", backend = ["moka", "redis"], skip(source))]
async fn in_moka_and_redis(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "far:{_id}", ttl = "1h", backend = "redis", skip(source))]
async fn in_redis(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "elsewhere:{_id}", ttl = "1h", backend = ["local", "second"], skip(source))]
async fn in_another_redis(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "default:{_id}", ttl = "1h", skip(source))]
async fn in_the_default(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[invalidate(
    in_memory(id),
    in_moka_and_redis(id),
    in_redis(id),
    in_another_redis(id),
    in_the_default(id)
)]
async fn change_all(source: &Source, id: u64, value: u64) {
    let _ = id;
    source.set(value);
}

#[tokio::test]
async fn each_function_keeps_its_entries_where_it_says() {
    let (server, another) = (RedisServer::start().await, RedisServer::start().await);
    let source = Source::of(1);
    let caches = Caches::builder()
        .namespace("shop")
        .store("redis", connect(&server).await)
        .store("second", connect(&another).await)
        .backend(["local", "redis"])
        .build()
        .unwrap();
    let call_all = async || {
        caches
            .scope(async {
                [
                    in_memory(&source, 1).await,
                    in_moka_and_redis(&source, 1).await,
                    in_redis(&source, 1).await,
                    in_another_redis(&source, 1).await,
                    in_the_default(&source, 1).await,
                ]
            })
            .await
    };
    for _ in 0..2 {
        assert_eq!(call_all().await, [1; 5]);
    }
    assert_eq!(source.loads(), 5);
    let mut keys: Vec<String> = server.cli(&["KEYS", "*"]).await;
    keys.sort();
    assert_eq!(keys, ["shop:default:1", "shop:engine:1", "shop:far:1"]);
    assert_eq!(
        another.cli::<Vec<String>>(&["KEYS", "*"]).await,
        ["shop:elsewhere:1"]
    );
    let chains: Vec<String> = caches
        .stats()
        .caches
        .iter()
        .filter(|cache| cache.loads > 0)
        .map(|cache| {
            let stores: Vec<_> = cache.tiers.iter().map(|tier| tier.store.as_str()).collect();
            format!("{} {}", cache.name.rsplit(':').next().unwrap(), stores.join(","))
        })
        .collect();
    assert_eq!(
        chains,
        [
            "in_another_redis local,second",
            "in_memory local",
            "in_moka_and_redis moka,redis",
            "in_redis redis",
            "in_the_default local,redis",
        ]
    );

    caches.scope(change_all(&source, 1, 2)).await;
    assert_eq!(server.cli::<u64>(&["DBSIZE"]).await, 0);
    assert_eq!(another.cli::<u64>(&["DBSIZE"]).await, 0);
    assert_eq!(call_all().await, [2; 5]);
}

#[tokio::test]
async fn one_server_down_is_no_matter_to_the_functions_of_another() {
    let (mut server, another) = (RedisServer::start().await, RedisServer::start().await);
    let source = Source::of(1);
    let caches = Caches::builder()
        .namespace("shop")
        .store("redis", connect(&server).await)
        .store("second", connect(&another).await)
        .build()
        .unwrap();
    server.stop();
    for id in 0..10 {
        assert_eq!(caches.scope(in_redis(&source, id)).await, 1);
        assert_eq!(caches.scope(in_another_redis(&source, id)).await, 1);
    }
    assert_eq!(another.cli::<u64>(&["DBSIZE"]).await, 10);
    let stores = caches.stats().stores;
    assert_eq!(
        stores
            .iter()
            .map(|store| (store.name.as_str(), store.down))
            .collect::<Vec<_>>(),
        [("redis", true), ("second", false)]
    );
}

const CROWD: u64 = 10_000;

/// A load that does not end before everybody has come.
#[derive(Default)]
struct Crowd {
    source: Source,
    come: AtomicU64,
}

#[cache(key = "crowded:{_id}", ttl = "1h", backend = "redis", skip(crowd))]
async fn crowded(crowd: &Crowd, _id: u64) -> String {
    while crowd.come.load(SeqCst) < CROWD {
        tokio::task::yield_now().await;
    }
    format!("the value of load {}", crowd.source.load())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_on_redis_alone_share_one_load() {
    let server = RedisServer::start().await;
    let caches = caches(&server).await;
    let crowd = Arc::new(Crowd::default());
    let calls: Vec<_> = (0..CROWD)
        .map(|_| {
            let (caches, crowd) = (caches.clone(), Arc::clone(&crowd));
            tokio::spawn(async move {
                crowd.come.fetch_add(1, SeqCst);
                caches.scope(crowded(&crowd, 1)).await
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), "the value of load 0");
    }
    assert_eq!(crowd.source.loads(), 1);
    assert_eq!(server.cli::<u64>(&["EXISTS", "shop:crowded:1"]).await, 1);

    // And one look-up, where the entry is there: by those who ask at the same moment.
    let stats = caches.scope(async { crowded_cache().stats() }).await;
    assert_eq!(stats.tiers[0].misses, 1);
    assert_eq!(stats.loads, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_of_an_entry_in_redis_load_nothing() {
    let server = RedisServer::start().await;
    let source = Arc::new(Source::of(1));
    caches(&server).await.scope(in_redis(&source, 1)).await;
    let caches = builder(&server).await.build().unwrap();
    let calls: Vec<_> = (0..CROWD)
        .map(|_| {
            let (caches, source) = (caches.clone(), Arc::clone(&source));
            tokio::spawn(async move { caches.scope(in_redis(&source, 1)).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 1);
    }
    assert_eq!(source.loads(), 1);
}

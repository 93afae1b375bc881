//! Memory over Redis, and Redis alone: the promises of a cached function, kept by a cache that was made by name.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cached_runtime::{Cache, Caches};
use cached_tests::{Gate, RedisServer, Source};
use tokio::task::JoinSet;

use crate::setup::{MINUTE, built, caches, on, with};

fn far(caches: &Caches) -> Cache<u64> {
    built(caches, "far", |it| it.ttl(MINUTE).backend(["redis"]))
}

fn near(caches: &Caches) -> Cache<u64> {
    built(caches, "near", |it| it.ttl(MINUTE).backend(["local", "redis"]))
}

#[tokio::test]
async fn entries_are_shared_by_processes_and_removed_for_all() {
    let server = RedisServer::start().await;
    for of in [far, near] {
        let (first, second) = (caches(&server).await, caches(&server).await);
        let source = Source::of(1);
        let ask = async |caches: &Caches| {
            of(caches)
                .entry("a b")
                .get_or_load(async || source.load())
                .await
                .unwrap()
        };
        assert_eq!((ask(&first).await, ask(&second).await), (1, 1));
        assert_eq!(source.loads(), 1);
        let raw = format!("shop:{}:a%20b", of(&first).name());
        assert_eq!(server.cli::<u64>(&["EXISTS", &raw]).await, 1);
        let removals: [&dyn Fn() -> cached_runtime::BoxFuture<'static, ()>; 4] = [
            &|| {
                let entry = of(&first).entry("a b");
                Box::pin(async move { entry.invalidate().await.unwrap() })
            },
            &|| {
                let cache = of(&first);
                Box::pin(async move { cache.clear().await.unwrap() })
            },
            &|| {
                let (caches, glob) = (first.clone(), format!("{}:*", of(&first).name()));
                Box::pin(async move { assert_eq!(caches.invalidate_pattern(&glob).await.unwrap(), 1) })
            },
            &|| {
                let caches = first.clone();
                Box::pin(async move { caches.clear().await.unwrap() })
            },
        ];
        for remove in removals {
            assert_eq!(server.cli::<u64>(&["EXISTS", &raw]).await, 1);
            remove().await;
            assert_eq!(server.cli::<u64>(&["EXISTS", &raw]).await, 0);
            ask(&first).await;
        }
    }
}

#[tokio::test]
async fn nothing_loaded_before_an_invalidation_is_kept_in_any_tier() {
    let server = RedisServer::start().await;
    for of in [far, near] {
        let (here, there) = (caches(&server).await, caches(&server).await);
        let gate = Gate::of(1);
        let entry = of(&here).entry(1);
        let removed = async {
            gate.begun().await;
            // By another process, whose removal revokes the lease.
            of(&there).entry(1).invalidate().await.unwrap();
            gate.open();
        };
        let (loaded, ()) = tokio::join!(entry.get_or_load(async || gate.load().await), removed);
        assert_eq!(loaded.unwrap(), 1);
        let raw = format!("shop:{}:1", of(&here).name());
        assert_eq!(server.cli::<u64>(&["EXISTS", &raw]).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_callers_load_once_and_ask_once() {
    let server = RedisServer::start().await;
    let caches = caches(&server).await;
    let gate = Arc::new(Gate::of(7));
    let mut callers = JoinSet::new();
    for _ in 0..1_000 {
        let (numbers, gate) = (near(&caches), Arc::clone(&gate));
        callers.spawn(async move {
            let loader = async || Ok::<_, String>(gate.load().await);
            numbers.entry(1).get_or_load(loader).await
        });
    }
    gate.begun().await;
    gate.open();
    assert!(callers.join_all().await.iter().all(|value| *value == Ok(7)));
    assert_eq!(gate.loads(), 1);
    let stats = near(&caches).stats();
    assert_eq!(stats.tiers[1].misses, 1, "{stats:?}");
}

/// Writers and readers at once: who begins after an invalidation has returned never sees what was there before it.
#[tokio::test(flavor = "multi_thread")]
async fn no_reader_sees_what_was_true_before_an_invalidation_that_has_returned() {
    let server = RedisServer::start().await;
    let caches = caches(&server).await;
    for numbers in [far(&caches), near(&caches)] {
        let source = Arc::new(Source::of(1));
        let mut readers = JoinSet::new();
        for _ in 0..4 {
            let (numbers, source) = (numbers.clone(), Arc::clone(&source));
            readers.spawn(async move {
                for _ in 0..200 {
                    let loader = async || {
                        let value = source.load();
                        tokio::task::yield_now().await;
                        value
                    };
                    numbers.entry(1).get_or_load(loader).await.unwrap();
                }
            });
        }
        for value in 2..100 {
            source.set(value);
            numbers.entry(1).invalidate().await.unwrap();
            let seen = numbers
                .entry(1)
                .get_or_load(async || source.load())
                .await
                .unwrap();
            assert_eq!(seen, value);
        }
        readers.join_all().await;
    }
}

#[tokio::test]
async fn a_dead_server_costs_its_budget_and_no_answer() {
    let server = RedisServer::start().await;
    let budget = Duration::from_millis(250);
    let caches = on(&server).await.time_budget(budget).build().unwrap();
    let (numbers, source) = (near(&caches), Source::of(1));
    let ask = async |key: u64| {
        numbers
            .entry(key)
            .get_or_load(async || Ok::<_, String>(source.load()))
            .await
    };
    assert_eq!(ask(1).await, Ok(1));
    server.pause();
    let begun = Instant::now();
    for key in 1..=20 {
        assert_eq!(ask(key).await, Ok(1));
    }
    // The breaker opens after three.
    assert!(begun.elapsed() < 8 * budget, "{:?}", begun.elapsed());
    // An invalidation meanwhile is delivered later.
    numbers.entry(1).invalidate().await.unwrap();
    source.set(2);
    assert_eq!(ask(1).await, Ok(2));
    assert!(caches.stats().stores[0].pending_removals);
    server.resume();
    tokio::time::timeout(Duration::from_secs(5), caches.settle())
        .await
        .unwrap();
    assert_eq!(server.cli::<u64>(&["EXISTS", "shop:near:1"]).await, 0);
}

/// Without a namespace, what is one's own is what the program's caches can have written: those by name too.
#[tokio::test]
async fn without_a_namespace_everything_is_what_was_made_until_now() {
    let server = RedisServer::start().await;
    let store = cached_runtime::stores::Redis::connect(server.url())
        .await
        .unwrap();
    let caches = with(store).build().unwrap();
    let (a, b) = (far(&caches), near(&caches));
    for cache in [&a, &b] {
        cache.entry(1).insert(1).await.unwrap();
    }
    let _: String = server.cli(&["SET", "somebody:1", "else's"]).await;
    let _: String = server.cli(&["SET", "far:not a value", "else's"]).await;
    caches.clear().await.unwrap();
    let mut left: Vec<String> = server.cli(&["KEYS", "*"]).await;
    left.retain(|key| !key.starts_with('{'));
    left.sort();
    assert_eq!(left, ["far:not a value", "somebody:1"]);
}

/// A chain that no annotated function has, against the order in which the stores were registered.
#[tokio::test]
async fn removals_pass_the_tiers_of_every_chain_from_the_lowest_up() {
    let (one, two) = (RedisServer::start().await, RedisServer::start().await);
    let store = async |server: &RedisServer| {
        cached_runtime::stores::Redis::connect(server.url())
            .await
            .unwrap()
    };
    let caches = with(store(&one).await)
        .store("second", store(&two).await)
        .build()
        .unwrap();
    for (name, chain) in [("down", ["redis", "second"]), ("up", ["second", "redis"])] {
        let numbers: Cache<u64> = built(&caches, name, |it| it.backend(chain));
        numbers.entry(1).insert(1).await.unwrap();
    }
    caches.invalidate_pattern("*:1").await.unwrap();
    for server in [&one, &two] {
        assert_eq!(server.cli::<u64>(&["EXISTS", "down:1", "up:1"]).await, 0);
    }
}

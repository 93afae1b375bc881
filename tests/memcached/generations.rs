//! Removing whole caches from a store that cannot find its keys.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cached_runtime::{Caches, ErrorKind, cache, invalidate};
use cached_tests::{Gate, MemcachedServer, Source};

use crate::setup::{builder, caches, one};

#[cache(
    key = "user:{_id}",
    name = "users of a shop",
    ttl = "1h",
    backend = "memcached",
    skip(source)
)]
async fn user(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "order:{_id}", ttl = "1h", backend = ["local", "memcached"], skip(source))]
async fn order(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "slow:{_id}", ttl = "1h", backend = "memcached", skip(gate))]
async fn slow(gate: &Gate, _id: u64) -> u64 {
    gate.load().await
}

#[invalidate(user(..))]
async fn change_every_user(source: &Source, value: u64) {
    source.set(value);
}

/// Which one is known when it has run, if it comes to that.
#[invalidate(key = "order:{output}")]
async fn change_one(gate: &Gate) -> u64 {
    gate.load().await
}

#[cache(key = "in-memory:{_id}", backend = "local", skip(source))]
async fn in_memory(source: &Source, _id: u64) -> u64 {
    source.load()
}

async fn all(caches: &Caches, source: &Source) -> Vec<u64> {
    let mut values = Vec::new();
    for id in 0..5 {
        values.push(caches.scope(user(source, id)).await);
        values.push(caches.scope(order(source, id)).await);
    }
    caches.settle().await;
    values
}

/// Two processes with everything of `source` in their caches.
async fn two(servers: &[MemcachedServer], source: &Source) -> (Caches, Caches) {
    let (here, there) = (caches(servers).await, caches(servers).await);
    all(&here, source).await;
    let loads = source.loads();
    all(&there, source).await;
    assert_eq!(source.loads(), loads);
    (here, there)
}

#[tokio::test]
async fn a_cache_is_cleared_and_no_other() {
    let servers = one().await;
    let source = Source::of(1);
    let (here, there) = two(&servers, &source).await;
    source.set(2);
    here.scope(async { user_cache().clear().await }).await.unwrap();
    assert_eq!(all(&there, &source).await, [2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
    assert_eq!(all(&here, &source).await, [2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
    let loads = source.loads();
    assert_eq!(all(&there, &source).await[0], 2);
    assert_eq!(source.loads(), loads, "what was loaded since is kept");
}

#[tokio::test]
async fn a_writer_clears_a_cache() {
    let servers = one().await;
    let source = Source::of(1);
    let (here, there) = two(&servers, &source).await;
    here.scope(change_every_user(&source, 2)).await;
    assert_eq!(there.scope(user(&source, 3)).await, 2);
    let left = there.scope(async { user_entry(4).remaining_ttl().await }).await;
    assert_eq!(left.unwrap(), None, "an entry that is void has no life left");
    assert_eq!(
        there.scope(async { user_entry(4).get().await }).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn everything_is_cleared_and_nothing_of_another_namespace() {
    let servers = one().await;
    let source = Source::of(1);
    let (here, there) = two(&servers, &source).await;
    let other = builder(&servers).await.namespace("other").build().unwrap();
    let bare = builder(&servers).await.build().unwrap();
    all(&other, &source).await;
    all(&bare, &source).await;
    source.set(2);
    here.clear().await.unwrap();
    assert_eq!(all(&here, &source).await, [2; 10]);
    assert_eq!(there.scope(user(&source, 0)).await, 2);
    assert_eq!(all(&other, &source).await, [1; 10]);
    source.set(3);
    bare.clear().await.unwrap();
    assert_eq!(all(&bare, &source).await, [3; 10]);
    assert_eq!(all(&here, &source).await, [2; 10]);
    assert_eq!(all(&other, &source).await, [1; 10]);
}

#[tokio::test]
async fn a_load_that_began_before_is_never_read() {
    let servers = one().await;
    let (here, there) = (caches(&servers).await, caches(&servers).await);
    // With a generation there, and without one.
    for round in 0..2 {
        let gate = Gate::of(1);
        if round == 0 {
            here.scope(async { slow_cache().clear().await }).await.unwrap();
        }
        let clearing = async {
            gate.begun().await;
            there.scope(async { slow_cache().clear().await }).await.unwrap();
            gate.open();
        };
        let (value, ()) = tokio::join!(here.scope(slow(&gate, round)), clearing);
        assert_eq!(value, 1);
        here.settle().await;
        let second = Gate::of(2);
        second.open();
        assert_eq!(there.scope(slow(&second, round)).await, 2);
        assert_eq!(here.scope(slow(&second, round)).await, 2);
        assert_eq!(second.loads(), 1);
    }
}

/// A server that loses the generation, by evicting it, has voided the cache: never anything stale.
#[tokio::test]
async fn a_generation_that_is_lost_voids_everything() {
    let servers = one().await;
    let source = Source::of(1);
    let (here, there) = two(&servers, &source).await;
    source.set(2);
    let begun = Instant::now();
    let mut generations = BTreeSet::new();
    // Of the namespace and of two caches. A dump passes over what is in use at the moment.
    while generations.len() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(5), "{generations:?}");
        let keys = servers[0].keys().await;
        generations.extend(keys.into_iter().filter(|key| key.starts_with("{generation}")));
    }
    for generation in generations {
        assert_eq!(
            servers[0].say(&format!("md {generation}")).await,
            "HD\r\n",
            "{generation}"
        );
    }
    assert_eq!(here.scope(user(&source, 0)).await, 2);
    assert_eq!(there.scope(user(&source, 0)).await, 2);
    assert_eq!(here.scope(user(&source, 1)).await, 2);
}

#[tokio::test]
async fn a_pattern_is_an_error_and_never_a_silent_nothing() {
    let servers = one().await;
    let caches = caches(&servers).await;
    let source = Source::of(1);
    caches.scope(order(&source, 1)).await;
    let by_cache = caches
        .scope(async { order_cache().invalidate_pattern("order:*").await })
        .await;
    for error in [
        by_cache.unwrap_err(),
        caches.invalidate_pattern("order:*").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let told = error.to_string();
        assert!(told.contains("memcached") && told.contains("order:*"), "{told}");
    }
    // Nobody here could have such a key, somebody else could.
    let unknown = caches.invalidate_pattern("unknown:*").await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Unsupported);
    // What memory alone keeps can be found.
    caches.scope(in_memory(&source, 1)).await;
    assert_eq!(caches.invalidate_pattern("in-memory:*").await.unwrap(), 1);
}

/// Nobody knows which entry a writer that was dropped has made wrong, so all that it could be go.
#[tokio::test]
async fn a_writer_that_was_dropped_voids_whatever_it_may_have_changed() {
    let servers = one().await;
    let source = Source::of(1);
    let (here, _) = two(&servers, &source).await;
    source.set(2);
    let gate = Gate::of(3);
    tokio::select! {
        _ = here.scope(change_one(&gate)) => panic!("nobody has opened the gate"),
        () = gate.begun() => {}
    }
    here.settle().await;
    assert_eq!(all(&here, &source).await, [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
    let next = caches(&servers).await;
    assert_eq!(next.scope(order(&source, 3)).await, 2);
}

/// Callers who come at the same moment agree on one generation, so that nobody's entry is void from the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_draw_a_generation_at_once_agree() {
    let servers = [MemcachedServer::start().await, MemcachedServer::start().await];
    let source = std::sync::Arc::new(Source::of(1));
    let mut calls = Vec::new();
    for _ in 0..4 {
        let caches = caches(&servers).await;
        for id in 0..50 {
            let (caches, source) = (caches.clone(), std::sync::Arc::clone(&source));
            calls.push(tokio::spawn(async move { caches.scope(user(&source, id)).await }));
        }
    }
    for call in calls {
        assert_eq!(call.await.unwrap(), 1);
    }
    let late = caches(&servers).await;
    let before = source.loads();
    for id in 0..50 {
        late.scope(user(&source, id)).await;
    }
    assert!(
        source.loads() - before <= 5,
        "{} of 50 were void",
        source.loads() - before
    );
}

//! Servers that are down: one of three costs its own keys, and what could not be removed is removed later.

use std::time::{Duration, Instant};

use cached_runtime::{Caches, cache, invalidate};
use cached_tests::{MemcachedServer, Source};
use tokio::time::{sleep, timeout};

use crate::setup::{caches, one};

#[cache(key = "item:{_id}", ttl = "1h", backend = "memcached", skip(source))]
async fn item(source: &Source, _id: u64) -> u64 {
    source.load()
}

#[invalidate(item(id))]
async fn change(source: &Source, id: u64, value: u64) {
    let _ = id;
    source.set(value);
}

#[invalidate(item(..))]
async fn change_all(source: &Source, value: u64) {
    source.set(value);
}

const KEYS: u64 = 60;

/// How many of the keys are loaded anew.
async fn loads(caches: &Caches, source: &Source) -> u64 {
    let before = source.loads();
    for id in 0..KEYS {
        caches.scope(item(source, id)).await;
    }
    source.loads() - before
}

async fn healthy(caches: &Caches) {
    let settled = async {
        while caches.stats().stores[0].down || caches.stats().stores[0].pending_removals {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), settled).await.unwrap();
}

#[tokio::test]
async fn one_dead_server_of_three_costs_its_own_keys_and_no_others() {
    let mut servers = [
        MemcachedServer::start().await,
        MemcachedServer::start().await,
        MemcachedServer::start().await,
    ];
    let source = Source::of(1);
    let caches = caches(&servers).await;
    assert_eq!(loads(&caches, &source).await, KEYS);
    assert_eq!(loads(&caches, &source).await, 0);
    servers[1].stop();
    let begun = Instant::now();
    let lost = loads(&caches, &source).await;
    assert!((5..KEYS - 5).contains(&lost), "{lost}");
    assert_eq!(
        loads(&caches, &source).await,
        lost,
        "the others are served, and the dead one's keys nowhere else"
    );
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(!caches.stats().stores[0].down, "the store as a whole is not");

    // A removal of everything reaches those that are there now, and the dead one when it is back.
    caches.scope(change_all(&source, 2)).await;
    assert!(caches.stats().stores[0].pending_removals);
    for id in 0..KEYS {
        assert_eq!(caches.scope(item(&source, id)).await, 2);
    }
    let begun = Instant::now();
    while loads(&caches, &source).await != lost {
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "those that are there have their removal, and serve"
        );
        // Until then no call waits for anything, and the replay needs its turn.
        sleep(Duration::from_millis(5)).await;
    }
    servers[1].start_again().await;
    healthy(&caches).await;
    assert_eq!(loads(&caches, &source).await, lost);
    assert_eq!(loads(&caches, &source).await, 0);
}

#[tokio::test]
async fn a_silent_server_of_three_does_not_close_the_others() {
    let servers = [
        MemcachedServer::start().await,
        MemcachedServer::start().await,
        MemcachedServer::start().await,
    ];
    let source = Source::of(1);
    let caches = caches(&servers).await;
    loads(&caches, &source).await;
    servers[0].pause();
    let begun = Instant::now();
    let lost = loads(&caches, &source).await;
    assert!((5..KEYS - 5).contains(&lost), "{lost}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert!(!caches.stats().stores[0].down);
    servers[0].resume();
}

#[tokio::test]
async fn an_invalidation_of_a_silent_server_returns_and_is_delivered() {
    let servers = one().await;
    let source = Source::of(1);
    let (here, there) = (caches(&servers).await, caches(&servers).await);
    loads(&here, &source).await;
    servers[0].pause();
    let begun = Instant::now();
    here.scope(change(&source, 1, 2)).await;
    here.scope(change_all(&source, 3)).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(here.scope(item(&source, 1)).await, 3);
    servers[0].resume();
    healthy(&here).await;
    // The other process has noticed nothing, and reads nothing old either.
    assert_eq!(there.scope(item(&source, 1)).await, 3);
    assert_eq!(there.scope(item(&source, 2)).await, 3);
}

/// A server that kept its memory while it could not be reached: what it holds is loaded anew by whoever saw it away.
#[tokio::test]
async fn what_a_server_held_while_it_was_away_is_not_served() {
    let servers = one().await;
    let source = Source::of(1);
    let caches = caches(&servers).await;
    loads(&caches, &source).await;
    servers[0].pause();
    // Somebody else's removal goes lost with its process.
    source.set(2);
    while !caches.stats().stores[0].down {
        caches.scope(item(&source, 999)).await;
    }
    servers[0].resume();
    healthy(&caches).await;
    for id in 0..KEYS {
        assert_eq!(caches.scope(item(&source, id)).await, 2);
    }
    assert_eq!(loads(&caches, &source).await, 0);
}

#[tokio::test]
async fn a_server_that_starts_again_is_used_again() {
    let mut servers = one().await;
    let source = Source::of(1);
    let caches = caches(&servers).await;
    for _ in 0..3 {
        loads(&caches, &source).await;
        servers[0].stop();
        let begun = Instant::now();
        assert_eq!(loads(&caches, &source).await, KEYS);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        servers[0].start_again().await;
        healthy(&caches).await;
        assert_eq!(loads(&caches, &source).await, KEYS);
        assert_eq!(loads(&caches, &source).await, 0);
    }
}

//! Memory over Memcached, and Memcached alone: what one process loads the next one finds, for as long as it should.

use std::time::Duration;

use cached_runtime::{Mode, cache, invalidate, with_mode};
use cached_tests::{Source, tier};

use crate::setup::{caches, one};

#[cache(key = "far:{_id}", ttl = "1h", backend = "memcached", skip(source))]
async fn far(source: &Source, _id: &str) -> u64 {
    source.load()
}

#[cache(key = "both:{_id}", ttl = "1h", none_ttl = "1h", backend = ["local", "memcached"], skip(source))]
async fn both(source: &Source, _id: u64) -> Option<u64> {
    Some(source.load()).filter(|value| *value != 0)
}

#[cache(key = "large:{_id}", ttl = "1h", backend = "memcached", skip(source))]
async fn large(source: &Source, _id: u64) -> Vec<u8> {
    vec![7; usize::try_from(source.load()).unwrap()]
}

#[invalidate(both(id), far(&id.to_string()))]
async fn change(source: &Source, id: u64, value: u64) {
    source.set(value);
}

#[tokio::test]
async fn what_one_process_loads_the_next_finds() {
    let servers = one().await;
    let source = Source::of(7);
    let (here, there) = (caches(&servers).await, caches(&servers).await);
    let hostile = "a b\r\nflush_all\r\n\u{0}".repeat(100);
    for id in ["1", "", "a b", &hostile] {
        let before = source.loads();
        assert_eq!(here.scope(far(&source, id)).await, 7);
        assert_eq!(there.scope(far(&source, id)).await, 7);
        assert_eq!(source.loads(), before + 1, "{id:?}");
    }
    here.scope(both(&source, 1)).await;
    here.settle().await;
    assert_eq!(there.scope(both(&source, 1)).await, Some(7));
    assert_eq!(there.scope(both(&source, 1)).await, Some(7));
    let stats = there.scope(async { both_cache().stats() }).await;
    assert_eq!(
        (
            tier(&stats, "memcached").hits,
            tier(&stats, "local").hits,
            stats.loads
        ),
        (1, 1, 0)
    );
    let left = there
        .scope(async { far_entry("1").remaining_ttl().await })
        .await
        .unwrap()
        .unwrap();
    assert!(
        left > Duration::from_secs(3_590) && left <= Duration::from_secs(3_600),
        "{left:?}"
    );
}

#[tokio::test]
async fn an_invalidation_is_seen_by_everybody_and_a_none_is_kept() {
    let servers = one().await;
    let source = Source::of(7);
    let (here, there) = (caches(&servers).await, caches(&servers).await);
    here.scope(far(&source, "1")).await;
    here.scope(both(&source, 1)).await;
    there.scope(change(&source, 1, 0)).await;
    assert_eq!(here.scope(far(&source, "1")).await, 0);
    assert_eq!(there.scope(both(&source, 1)).await, None);
    there.settle().await;
    let loads = source.loads();
    assert_eq!(there.scope(both(&source, 1)).await, None);
    let third = caches(&servers).await;
    assert_eq!(third.scope(both(&source, 1)).await, None);
    assert_eq!(source.loads(), loads);
}

#[tokio::test]
async fn refreshing_and_inserting_replace_what_is_there() {
    let servers = one().await;
    let source = Source::of(1);
    let (here, there) = (caches(&servers).await, caches(&servers).await);
    here.scope(far(&source, "1")).await;
    source.set(2);
    assert_eq!(here.scope(far(&source, "1")).await, 1);
    assert_eq!(here.scope(with_mode(Mode::Refresh, far(&source, "1"))).await, 2);
    assert_eq!(there.scope(far(&source, "1")).await, 2);
    there
        .scope(async { far_entry("1").insert(3).await })
        .await
        .unwrap();
    assert_eq!(here.scope(far(&source, "1")).await, 3);
    there
        .scope(async { far_entry("1").insert_for(4, Duration::from_millis(300)).await })
        .await
        .unwrap();
    assert_eq!(here.scope(far(&source, "1")).await, 4);
}

#[tokio::test]
async fn a_value_that_the_server_does_not_take_is_returned_all_the_same() {
    let servers = one().await;
    let source = Source::of(3 << 20);
    let caches = caches(&servers).await;
    for _ in 0..5 {
        assert_eq!(caches.scope(large(&source, 1)).await.len(), 3 << 20);
    }
    assert!(!caches.stats().stores[0].down, "it is not the server's fault");
    source.set(1 << 19);
    caches.scope(large(&source, 1)).await;
    let loads = source.loads();
    assert_eq!(caches.scope(large(&source, 1)).await.len(), 1 << 19);
    assert_eq!(source.loads(), loads);
}

//! Whatever walks all caches of a `Caches` sees those that were made by name.

use std::sync::Arc;

use cached_runtime::{Cache, Caches, ErrorKind, cache};

use crate::setup::{MINUTE, built, here};

#[cache(key = "member:{id}", ttl = "1h", backend = "local")]
async fn member(id: u64) -> u64 {
    id
}

async fn filled(caches: &Caches, name: &str) -> Cache<u64> {
    let cache = built(caches, name, |it| it.ttl(MINUTE));
    for key in 1..=3_u64 {
        cache.entry(key).insert(key).await.unwrap();
    }
    cache
}

async fn left(cache: &Cache<u64>) -> Vec<u64> {
    cache
        .get_many(1..=3)
        .await
        .unwrap()
        .into_iter()
        .flatten()
        .collect()
}

#[tokio::test]
async fn statistics() {
    let (caches, _clock) = here();
    filled(&caches, "b").await;
    filled(&caches, "a").await.entry(1).get().await.unwrap();
    caches.scope(member(1)).await;
    let stats = caches.stats();
    let names: Vec<&str> = stats.caches.iter().map(|cache| cache.name.as_str()).collect();
    assert_eq!(names[..2], ["a", "b"]);
    assert!(names[2].ends_with("member"));
    assert_eq!((stats.caches[0].entries, stats.caches[0].hits), (3, 1));
    assert!(stats.to_string().contains("\na "), "{stats}");
}

#[tokio::test]
async fn what_is_not_found_is_a_miss_too() {
    let (caches, _clock) = here();
    let cache = filled(&caches, "a").await;
    for key in [1, 8, 9] {
        cache.entry(key).get().await.unwrap();
    }
    cache.get_many([2, 7, 3, 7]).await.unwrap();
    let stats = &caches.stats().caches[0];
    assert_eq!((stats.hits, stats.misses, stats.loads), (3, 3, 0));
    assert_eq!((stats.tiers[0].hits, stats.tiers[0].misses), (3, 3));
}

#[tokio::test]
async fn removal_by_key_by_pattern_and_of_everything() {
    let (caches, _clock) = here();
    let (users, lists) = (filled(&caches, "users").await, filled(&caches, "lists").await);
    caches.invalidate_key("users:2").await.unwrap();
    assert_eq!(left(&users).await, [1, 3]);
    assert_eq!(users.invalidate_pattern("*:3").await.unwrap(), 1);
    assert_eq!((left(&users).await, left(&lists).await), (vec![1], vec![1, 2, 3]));
    assert_eq!(caches.invalidate_pattern("*:[13]").await.unwrap(), 3);
    assert_eq!((left(&users).await, left(&lists).await), (vec![], vec![2]));
    caches.clear().await.unwrap();
    assert_eq!(left(&lists).await, [] as [u64; 0]);
    let lists = filled(&caches, "lists").await;
    filled(&caches, "users").await.clear().await.unwrap();
    assert_eq!(left(&lists).await, [1, 2, 3]);
}

#[tokio::test]
async fn after_the_end_handles_say_so_and_loads_go_on() {
    let (caches, _clock) = here();
    let users = filled(&caches, "users").await;
    caches.settle().await;
    caches.shutdown().await.unwrap();
    let closed = |error: cached_runtime::Error| assert_eq!(error.kind(), ErrorKind::Closed);
    let entry = users.entry(1);
    closed(entry.get().await.unwrap_err());
    closed(entry.insert(1).await.unwrap_err());
    closed(entry.invalidate().await.unwrap_err());
    closed(users.get_many([1]).await.unwrap_err());
    closed(users.clear().await.unwrap_err());
    assert_eq!(entry.get_or_load(async || 5).await.unwrap(), 1);
    assert_eq!(users.entry(9).get_or_load(async || 5).await.unwrap(), 5);
}

#[tokio::test]
async fn a_caches_that_is_dropped_frees_them() {
    let held = Arc::new(());
    let (caches, _clock) = here();
    for number in 0..100 {
        let held = Arc::clone(&held);
        // One place in the program, and a hundred names.
        let cache: Cache<Vec<Arc<()>>> = caches
            .cache(format!("cache-{number}"))
            .cache_if(move |_| Arc::strong_count(&held) > 0)
            .build_in_memory()
            .unwrap();
        assert_eq!(cache.name(), format!("cache-{number}"));
    }
    let values: Cache<Arc<()>> = caches.cache("values").build_in_memory().unwrap();
    values.entry(1).insert(Arc::clone(&held)).await.unwrap();
    assert_eq!(Arc::strong_count(&held), 102);
    drop((caches, values));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test]
async fn a_cache_belongs_to_the_caches_it_was_made_of_whatever_is_in_force() {
    let ((caches, _), (other, _)) = (here(), here());
    let users = filled(&caches, "users").await;
    let loaded = other.scope(users.entry(1).get_or_load(async || 9)).await.unwrap();
    assert_eq!((loaded, other.stats().caches.len()), (1, 0));
}

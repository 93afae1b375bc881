//! `capacity`: the bound of memory is never passed, and what it promises fits.

use cached_runtime::{Cache, Mode, cache, with_mode};

use crate::world::{secs, world};

macro_rules! bounded {
    ($($name:ident: $engine:literal, $capacity:literal;)+) => {$(
        #[cache(capacity = $capacity, backend = $engine)]
        async fn $name(id: u64) -> u64 {
            id
        }
    )+};
}

bounded! {
    one: "local", 1;
    two: "local", 2;
    ten: "local", 10;
    hundred: "local", 100;
    thousand: "local", 1_000;
    moka_one: "moka", 1;
    moka_ten: "moka", 10;
}

async fn never_more(cache: Cache<u64>, call: impl AsyncFn(u64) -> u64, capacity: u64) {
    for id in 0..capacity * 5 + 20 {
        assert_eq!(call(id).await, id);
        let entries = cache.stats().entries;
        assert!(entries <= capacity, "{entries} of {capacity}");
    }
    let stats = cache.stats();
    assert!(stats.entries > 0, "{stats:?}");
    assert_eq!(stats.loads, capacity * 5 + 20);
    if stats.tiers[0].store == "local" {
        assert_eq!(stats.entries + stats.evictions, stats.loads, "{stats:?}");
    }
}

#[tokio::test]
async fn there_are_never_more_than_it_says() {
    world(async |_| {
        never_more(one_cache(), one, 1).await;
        never_more(two_cache(), two, 2).await;
        never_more(ten_cache(), ten, 10).await;
        never_more(hundred_cache(), hundred, 100).await;
        never_more(thousand_cache(), thousand, 1_000).await;
        never_more(moka_one_cache(), moka_one, 1).await;
        never_more(moka_ten_cache(), moka_ten, 10).await;
    })
    .await;
}

/// A small cache holds as many as it says, or its number would mean nothing.
#[tokio::test]
async fn as_many_as_it_says_fit() {
    world(async |_| {
        fits(1, one, &one_cache()).await;
        fits(2, two, &two_cache()).await;
        fits(10, ten, &ten_cache()).await;
        fits(100, hundred, &hundred_cache()).await;
    })
    .await;
}

async fn fits(capacity: u64, call: impl AsyncFn(u64) -> u64, cache: &Cache<u64>) {
    for _ in 0..2 {
        for id in 0..capacity {
            call(id).await;
        }
    }
    let stats = cache.stats();
    assert_eq!(
        (stats.loads, stats.hits, stats.evictions),
        (capacity, capacity, 0),
        "{stats:?}"
    );
}

/// The newest entry of a full cache is worth keeping: whoever has just loaded it is likely to ask again.
#[tokio::test]
async fn what_was_just_loaded_is_there() {
    world(async |_| {
        for id in 0..50 {
            one(id).await;
            assert_eq!(one_entry(id).get().await.unwrap(), Some(id), "{id} of one");
            two(id).await;
            assert_eq!(two_entry(id).get().await.unwrap(), Some(id), "{id} of two");
            ten(id).await;
            assert_eq!(ten_entry(id).get().await.unwrap(), Some(id), "{id} of ten");
        }
    })
    .await;
}

#[cache(backend = "local")]
async fn by_default(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn the_default_bound_is_ten_thousand() {
    world(async |_| {
        for id in 0..25_000 {
            by_default(id).await;
        }
        let entries = by_default_cache().stats().entries;
        assert!((9_000..=10_000).contains(&entries), "{entries}");
    })
    .await;
}

#[cache(key = "anew:{id}", ttl = "10s", backend = "local")]
async fn anew(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn what_is_loaded_anew_has_not_been_evicted() {
    world(async |world| {
        for _ in 0..5 {
            anew(1).await;
            world.clock.advance(secs(11));
        }
        with_mode(Mode::Refresh, anew(1)).await;
        let stats = anew_cache().stats();
        assert_eq!((stats.loads, stats.entries, stats.evictions), (6, 1, 0));
    })
    .await;
}

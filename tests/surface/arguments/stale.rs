//! `stale`: for some time after its ttl an entry is served as it is, and loaded anew in the background.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use cached_runtime::cache;
use cached_tests::{Gate, Source};

use crate::world::{millis, secs, world};

#[cache(
    key = "news:{_id}",
    ttl = "100s",
    stale = "50s",
    backend = "local",
    skip(source)
)]
async fn news(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "fallible:{_id}",
    ttl = "100s",
    stale = "50s",
    backend = "local",
    skip(source, fails)
)]
async fn fallible(source: &Arc<Source>, fails: &Arc<AtomicBool>, _id: u64) -> Result<u64, String> {
    let value = source.load();
    if fails.load(SeqCst) {
        Err("down".to_owned())
    } else {
        Ok(value)
    }
}

#[cache(
    key = "both:{_id}",
    ttl = "100s",
    stale = "50s",
    refresh = "80%",
    backend = "moka",
    skip(source)
)]
async fn both(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "brief:{_id}",
    ttl = "100s",
    stale = "50s",
    tier("local", ttl = "10s"),
    backend = ["local", "far"],
    skip(source)
)]
async fn brief(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "far:{_id}", ttl = "100s", stale = "50s", backend = "far", skip(gate))]
async fn far(gate: &Arc<Gate>, _id: u64) -> u64 {
    gate.load().await
}

#[cache(
    key = "none:{_id}",
    ttl = "100s",
    none_ttl = "10s",
    stale = "50s",
    backend = "local",
    skip(source)
)]
async fn none(source: &Arc<Source>, _id: u64) -> Option<u64> {
    source.load();
    None
}

#[tokio::test]
async fn the_old_value_is_there_at_once_and_then_the_new() {
    world(async |world| {
        let source = Arc::new(Source::of(1));
        news(&source, 1).await;
        source.set(2);
        world.clock.advance(secs(99));
        assert_eq!(news(&source, 1).await, 1);
        world.caches.settle().await;
        assert_eq!(source.loads(), 1);
        assert_eq!(
            news_entry(1)
                .remaining_ttl()
                .await
                .unwrap()
                .map(|left| left <= secs(1)),
            Some(true)
        );
        world.clock.advance(secs(50));
        assert_eq!(news_entry(1).remaining_ttl().await.unwrap(), Some(millis(0)));
        assert_eq!(news(&source, 1).await, 1);
        world.caches.settle().await;
        assert_eq!((news(&source, 1).await, source.loads()), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn past_that_it_is_gone() {
    world(async |world| {
        let source = Arc::new(Source::of(1));
        news(&source, 1).await;
        source.set(2);
        world.clock.advance(secs(151));
        assert_eq!(news_entry(1).get().await.unwrap(), None);
        assert_eq!((news(&source, 1).await, source.loads()), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn while_the_source_fails_the_old_value_stays_until_it_is_gone() {
    world(async |world| {
        let (source, fails) = (Arc::new(Source::of(1)), Arc::new(AtomicBool::new(false)));
        fallible(&source, &fails, 1).await.unwrap();
        fails.store(true, SeqCst);
        world.clock.advance(secs(100));
        for _ in 0..49 {
            assert_eq!(fallible(&source, &fails, 1).await, Ok(1));
            world.caches.settle().await;
            world.clock.advance(secs(1));
        }
        assert_eq!(source.loads(), 50);
        world.clock.advance(secs(2));
        assert_eq!(fallible(&source, &fails, 1).await, Err("down".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn what_is_invalidated_is_not_stale_but_gone() {
    world(async |world| {
        let source = Arc::new(Source::of(1));
        news(&source, 1).await;
        world.clock.advance(secs(120));
        news_entry(1).invalidate().await.unwrap();
        source.set(2);
        assert_eq!(news(&source, 1).await, 2);
    })
    .await;
}

#[tokio::test]
async fn refresh_comes_before_it() {
    world(async |world| {
        let source = Arc::new(Source::of(1));
        both(&source, 1).await;
        source.set(2);
        for after in [85, 120] {
            world.clock.advance(secs(after));
            let before = source.loads();
            both(&source, 1).await;
            world.caches.settle().await;
            assert_eq!((both(&source, 1).await, source.loads()), (2, before + 1));
        }
    })
    .await;
}

/// A tier's own ttl is how long memory is trusted at all: past it the tier below is asked.
#[tokio::test]
async fn a_tier_that_is_trusted_for_less_serves_nothing_stale() {
    world(async |world| {
        let source = Arc::new(Source::of(1));
        brief(&source, 1).await;
        world.caches.settle().await;
        assert_eq!(world.far.ttl("brief:1"), Some(secs(150)));
        world.clock.advance(secs(11));
        world.far.drop_all();
        source.set(2);
        assert_eq!(brief(&source, 1).await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_tier_below_serves_it_too_and_nobody_waits() {
    world(async |world| {
        let gate = Arc::new(Gate::of(1));
        gate.open();
        assert_eq!(far(&gate, 1).await, 1);
        gate.begun().await;
        // 20 s of its 50 are left.
        world.far.set_ttl("far:1", secs(20));
        for _ in 0..10 {
            assert_eq!(far(&gate, 1).await, 1);
        }
        assert_eq!(far_entry(1).remaining_ttl().await.unwrap(), Some(millis(0)));
        gate.begun().await;
        for _ in 0..10 {
            assert_eq!(far(&gate, 1).await, 1);
        }
        assert_eq!(gate.loads(), 2);
        gate.open();
        world.caches.settle().await;
        assert_eq!(world.far.ttl("far:1"), Some(secs(150)));
        assert_eq!(far_cache().stats().reloads, 1);
    })
    .await;
}

#[cache(
    key = "far_none:{_id}",
    ttl = "100s",
    none_ttl = "10s",
    stale = "50s",
    backend = "far"
)]
async fn far_none(_id: u64) -> Option<u64> {
    None
}

/// Of what is never stale, nothing of the life in the store is.
#[tokio::test]
async fn how_long_a_none_stays_fresh_is_all_of_its_life() {
    world(async |world| {
        far_none(1).await;
        world.caches.settle().await;
        assert_eq!(world.far.ttl("far_none:1"), Some(secs(10)));
        assert_eq!(far_none_entry(1).remaining_ttl().await.unwrap(), Some(secs(10)));
    })
    .await;
}

#[tokio::test]
async fn a_none_is_never_stale() {
    world(async |world| {
        let source = Arc::new(Source::of(1));
        none(&source, 1).await;
        world.clock.advance(secs(11));
        none(&source, 1).await;
        assert_eq!(source.loads(), 2);
        assert_eq!(none_cache().stats().reloads, 0);
    })
    .await;
}

//! A read sees what is pending, wherever it is looked for.

use std::time::Duration;

use cached_runtime::{Mode, cache, invalidate, update, with_mode};
use tokio::time::sleep;

use super::Source;
use crate::world::{begin_and_drop, secs, world};

#[cache(key = "b2:{id}", strategy = "write_behind", ttl = "10s", cache_if = |value| *value != 13, skip(source), backend = ["local", "far"])]
async fn row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(row(id) = value, strategy = "write_behind")]
async fn save(source: &'static Source, id: u64, value: u64) {
    source.write(id, value).await.unwrap();
}

#[cache(key = "b2:far:{id}", strategy = "write_behind", skip(source), backend = "far")]
async fn far_row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(far_row(id) = value, strategy = "write_behind")]
async fn save_far(source: &'static Source, id: u64, value: u64) {
    source.write(id, value).await.unwrap();
}

#[cache(
    key = "b2:small:{id}",
    strategy = "write_behind",
    capacity = 1,
    skip(source),
    backend = "local"
)]
async fn small(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(small(id) = value, strategy = "write_behind")]
async fn save_small(source: &'static Source, id: u64, value: u64) {
    source.write(id, value).await.unwrap();
}

#[invalidate(row(id))]
async fn invalidating(id: u64) {
    let _ = id;
}

#[tokio::test(start_paused = true)]
async fn what_no_tier_has_any_more() {
    world(async |world| {
        let source = Source::new();
        source.close();
        save(source, 1, 10).await;
        // Past its life in memory, and lost below.
        world.clock.advance(secs(11));
        world.far.drop_all();
        assert_eq!(row(source, 1).await, Some(10));
        world.clock.advance(secs(11));
        world.far.drop_all();
        assert_eq!(row_entry(1).get().await.unwrap(), Some(10));
        world.clock.advance(secs(11));
        assert_eq!(with_mode(Mode::Refresh, row(source, 1)).await, Some(10));
        assert_eq!(row_cache().stats().loads, 0);
        // Past every cache.
        assert_eq!(with_mode(Mode::Off, row(source, 1)).await, None);
        source.open();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_a_chain_without_memory() {
    world(async |world| {
        let source = Source::new();
        source.close();
        save_far(source, 1, 10).await;
        world.far.drop_all();
        assert_eq!(far_row(source, 1).await, Some(10));
        source.open();
        world.caches.settle().await;
        // Put once more.
        assert_eq!(world.far.present(), ["b2:far:1"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_memory_has_evicted() {
    world(async |world| {
        let source = Source::new();
        source.close();
        for id in 0..50 {
            save_small(source, id, id + 100).await;
        }
        for id in 0..50 {
            assert_eq!(small(source, id).await, Some(id + 100));
        }
        source.open();
        world.caches.settle().await;
        assert!((0..50).all(|id| source.row(id) == Some(id + 100)));
        assert_eq!(small_cache().stats().loads, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cache_if_refuses_to_keep() {
    world(async |world| {
        let source = Source::new();
        save(source, 1, 12).await;
        save(source, 1, 13).await;
        assert_eq!(
            row(source, 1).await,
            Some(13),
            "no tier keeps it, and the source has an older one"
        );
        world.caches.settle().await;
        assert!(world.far.present().is_empty());
        assert_eq!(row(source, 1).await, Some(13));
        assert_eq!(row_cache().stats().loads, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_invalidation_loses_nothing() {
    world(async |world| {
        let source = Source::new();
        save(source, 1, 10).await;
        invalidating(1).await;
        assert_eq!(source.row(1), Some(10));
        row_cache().clear().await.unwrap();
        world.caches.invalidate_pattern("b2:*").await.unwrap();
        assert_eq!(row(source, 1).await, Some(10));
    })
    .await;
}

/// Another process has filled the store from the old source.
#[tokio::test(start_paused = true)]
async fn once_the_source_has_it_the_entry_is_put_once_more() {
    world(async |world| {
        let source = Source::new();
        save(source, 1, 10).await;
        let written = world.far.bytes("b2:1");
        world.far.drop_all();
        world.caches.settle().await;
        assert!(written.is_some() && world.far.bytes("b2:1").is_some());
        sleep(Duration::from_secs(1)).await;
        assert_eq!(source.runs(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_is_dropped_while_it_puts_has_written() {
    world(async |world| {
        let source = Source::new();
        row(source, 1).await;
        save(source, 1, 9).await;
        world.caches.settle().await;
        // A removal is what a value needs that is not kept.
        world.far.hold_removals();
        begin_and_drop(save(source, 1, 13));
        world.far.let_removals_go();
        assert_eq!(row(source, 1).await, Some(13));
        world.caches.settle().await;
        assert_eq!(source.row(1), Some(13));
        assert_eq!(row(source, 1).await, Some(13));
    })
    .await;
}

/// A miss fills memory at once, and what is below it in the background.
#[tokio::test(start_paused = true)]
async fn a_miss_fills_the_first_tier_first() {
    world(async |world| {
        let source = Source::new();
        source.write(1, 10).await.unwrap();
        assert_eq!(row(source, 1).await, Some(10));
        assert!(world.far.present().is_empty());
        world.caches.settle().await;
        assert_eq!(world.far.present(), ["b2:1"]);
    })
    .await;
}

/// Once the body may have written, an invalidation makes the source the one to ask: another writer may have been there.
#[tokio::test(start_paused = true)]
async fn a_value_on_its_way_is_not_served_after_an_invalidation() {
    world(async |world| {
        let source = Source::new();
        source.close_after();
        save(source, 1, 10).await;
        sleep(Duration::from_secs(1)).await;
        // The body has written, and has not returned.
        assert_eq!(source.row(1), Some(10));
        assert_eq!(row(source, 1).await, Some(10));
        source.set(1, 11);
        // It would wait for the body.
        begin_and_drop(row_entry(1).invalidate());
        assert_eq!(row(source, 1).await, Some(11));
        source.open();
        world.caches.settle().await;
        assert_eq!(row(source, 1).await, Some(11));
        assert_eq!(row_cache().stats().pending_writes, 0);
    })
    .await;
}

/// Its life is counted from when it was written.
#[tokio::test(start_paused = true)]
async fn what_is_put_once_more_lives_no_longer() {
    world(async |world| {
        let source = Source::with_pace(secs(4));
        save(source, 1, 10).await;
        world.caches.settle().await;
        let left = row_entry(1).remaining_ttl().await.unwrap().unwrap();
        assert!((secs(5)..=secs(6)).contains(&left), "{left:?}");
    })
    .await;
}

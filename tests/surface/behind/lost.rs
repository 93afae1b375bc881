//! What the tiers have lost is read from what is pending: by whoever asks, and whatever becomes of other keys.

use std::collections::HashMap;
use std::time::Duration;

use cached_runtime::{Mode, Strategy, cache, update, with_mode};
use tokio::time::sleep;

use super::Source;
use crate::world::world;

#[cache(key = "b9:{id}", strategy = "write_behind", skip(source), backend = "far")]
async fn row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(row(id) = value, strategy = "write_behind")]
async fn save(source: &'static Source, id: u64, value: u64) {
    source.write(id, value).await.unwrap();
}

#[cache(entries(row(id) for id in ids), skip(source))]
async fn rows(source: &'static Source, ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter()
        .filter_map(|id| Some((*id, source.row(*id)?)))
        .collect()
}

#[cache(
    key = "b9:near:{id}", strategy = "write_behind", backend = ["local", "far"], skip(source),
    cache_if = |value| *value != 13
)]
async fn near(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(near(id) = value, strategy = "write_behind")]
async fn save_near(source: &'static Source, id: u64, value: u64) {
    source.write(id, value).await.unwrap();
}

#[cache(
    key = "b9:small:{id}",
    strategy = "write_behind",
    capacity = 1,
    backend = "local",
    skip(source)
)]
async fn small(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(entries(small(id) = 7 for id in ids), strategy = "write_behind", batch = 100_000, queue = 100_000)]
async fn save_small(source: &'static Source, ids: Vec<u64>) {
    for id in ids {
        source.write(id, 7).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn by_a_batch() {
    world(async |world| {
        let source = Source::new();
        source.set(1, 5);
        source.set(2, 6);
        source.close();
        save(source, 1, 10).await;
        world.far.drop_all();
        let both = HashMap::from([(1, 10), (2, 6)]);
        assert_eq!(rows(source, &[2, 1]).await, both);
        world.far.drop_all();
        assert_eq!(with_mode(Mode::Refresh, rows(source, &[1, 2])).await, both);
        assert_eq!(row(source, 1).await, Some(10));
        source.open();
        world.caches.settle().await;
        assert_eq!(rows(source, &[1, 2]).await, both);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn by_a_look_for_many() {
    world(async |world| {
        let by_name = world.caches.cache("b9 by name");
        let by_name = by_name.backend(["far"]).strategy(Strategy::WriteBehind);
        let by_name = by_name.build().unwrap();
        let source = Source::new();
        source.close();
        let writer = || async { source.write(1, 10).await };
        by_name.entry(1).write_behind(10, writer).await.unwrap().unwrap();
        world.far.drop_all();
        assert_eq!(by_name.get_many([2, 1]).await.unwrap(), [None, Some(10)]);
        source.open();
        world.caches.settle().await;
        assert_eq!(by_name.get_many([1]).await.unwrap(), [Some(10)]);
    })
    .await;
}

/// The writer finds that the run overlaps what it does to the tiers, and removes.
#[tokio::test(start_paused = true)]
async fn after_a_store_that_took_longer_than_the_body_waits() {
    world(async |world| {
        let source = Source::new();
        source.set(1, 5);
        source.close();
        // A removal is what a value needs that is not kept.
        world.far.hold_removals();
        let writer = tokio::spawn(world.caches.scope(save_near(source, 1, 13)));
        sleep(Duration::from_millis(200)).await;
        assert_eq!(source.runs(), 1, "while its writer waits for the store");
        world.far.let_removals_go();
        writer.await.unwrap();
        assert_eq!(near(source, 1).await, Some(13));
        source.open();
        world.caches.settle().await;
        assert_eq!(near(source, 1).await, Some(13));
    })
    .await;
}

/// Stamps are shared by chance: that one has moved on says nothing of each of its keys.
#[tokio::test(start_paused = true)]
async fn while_other_keys_are_written_and_removed() {
    world(async |world| {
        let source = Source::new();
        source.close();
        save_small(source, (0..100).collect()).await;
        sleep(Duration::from_millis(200)).await;
        assert_eq!(source.runs(), 1);
        save_small(source, (1_000..50_000).collect()).await;
        for id in 50_000..60_000 {
            small_entry(id).invalidate().await.unwrap();
        }
        for id in 0..100 {
            assert_eq!(small(source, id).await, Some(7), "{id}");
        }
        source.open();
        world.caches.settle().await;
        assert!((0..100).all(|id| source.row(id) == Some(7)));
    })
    .await;
}

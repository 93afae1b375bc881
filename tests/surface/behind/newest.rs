//! The body runs later, for the newest value of a key, in order.

use std::time::Duration;

use cached_runtime::{cache, update};
use tokio::time::{Instant, sleep};

use super::Source;
use crate::world::world;

#[cache(key = "b1:{id}", strategy = "write_behind", skip(source), backend = ["local", "far"])]
async fn row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(row(id) = value, strategy = "write_behind")]
async fn save(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    source.write(id, value).await
}

#[update(row(id) = value, strategy = "write_behind")]
async fn rename(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    source.write(id, value).await
}

#[update(row(id) = value, strategy = "write_behind", concurrency = 2)]
async fn few_at_a_time(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    source.write(id, value).await
}

#[tokio::test(start_paused = true)]
async fn it_returns_before_its_body_has_run() {
    world(async |world| {
        let source = Source::new();
        let begun = Instant::now();
        save(source, 1, 10).await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(source.runs(), 0);
        assert_eq!(row(source, 1).await, Some(10));
        assert_eq!(world.far.present(), ["b1:1"]);
        assert_eq!(row_cache().stats().pending_writes, 1);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(source.row(1), Some(10));
        assert_eq!(row_cache().stats().pending_writes, 0);
        assert_eq!(row(source, 1).await, Some(10));
        assert_eq!(row_cache().stats().loads, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_many_writes_the_newest_is_run() {
    world(async |world| {
        let source = Source::new();
        for value in 1..=100 {
            for id in 0..10 {
                save(source, id, value).await.unwrap();
            }
        }
        world.caches.settle().await;
        assert_eq!(source.runs(), 10);
        assert!((0..10).all(|id| source.row(id) == Some(100)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn those_of_one_key_run_in_order() {
    world(async |world| {
        let source = Source::with_pace(Duration::from_millis(30));
        // Of two functions, so that none gives way to another.
        for value in 1..=10 {
            save(source, 1, 2 * value).await.unwrap();
            rename(source, 1, 2 * value + 1).await.unwrap();
        }
        world.caches.settle().await;
        let expected: Vec<(u64, u64)> = (2..=21).map(|value| (1, value)).collect();
        assert_eq!(source.log(), expected);
        assert_eq!(source.most.load(std::sync::atomic::Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_write_that_runs_does_not_give_way() {
    world(async |world| {
        let source = Source::new();
        source.close();
        save(source, 1, 1).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(source.runs(), 1);
        save(source, 1, 2).await.unwrap();
        save(source, 1, 3).await.unwrap();
        assert_eq!(row(source, 1).await, Some(3));
        source.open();
        world.caches.settle().await;
        assert_eq!(source.log(), [(1, 1), (1, 3)]);
        assert_eq!(row(source, 1).await, Some(3));
        assert_eq!(row_entry(1).get().await.unwrap(), Some(3));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn those_of_different_keys_run_side_by_side_up_to_a_bound() {
    world(async |world| {
        let source = Source::with_pace(Duration::from_millis(100));
        let begun = Instant::now();
        for id in 0..32 {
            save(source, id, id).await.unwrap();
        }
        world.caches.settle().await;
        assert_eq!(source.most.load(std::sync::atomic::Ordering::SeqCst), 16);
        assert_eq!(begun.elapsed().as_millis() / 10, 20);
    })
    .await;
    world(async |world| {
        let source = Source::with_pace(Duration::from_millis(100));
        for id in 0..8 {
            few_at_a_time(source, id, id).await.unwrap();
        }
        world.caches.settle().await;
        assert_eq!(source.most.load(std::sync::atomic::Ordering::SeqCst), 2);
    })
    .await;
}

#[cache(key = "b12:{id}", strategy = "write_behind", skip(source), backend = ["local", "far"], cache_if = |_| false)]
async fn unkept(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(entries(unkept(id) = 7 for id in ids), strategy = "write_behind")]
async fn save_many(source: &'static Source, ids: Vec<u64>) {
    for id in ids {
        source.write(id, 7).await.unwrap();
    }
}

#[update(unkept(id) = value, strategy = "write_behind")]
async fn save_unkept(source: &'static Source, id: u64, value: u64) {
    source.write(id, value).await.unwrap();
}

/// The writer of a list that waits for a store may never be polled again.
#[tokio::test(start_paused = true)]
async fn who_writes_one_entry_does_not_wait_for_a_list_that_stands_still() {
    world(async |world| {
        let source = Source::new();
        world.far.hold_removals();
        let mut list = std::pin::pin!(save_many(source, vec![1, 2]));
        let first = list
            .as_mut()
            .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        assert!(first.is_pending());
        world.far.let_removals_go();
        save_unkept(source, 1, 8).await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!(source.log(), [(1, 7), (1, 8)]);
        list.await;
        world.caches.settle().await;
        assert_eq!(unkept(source, 1).await, Some(8));
        assert_eq!(unkept(source, 2).await, Some(7));
    })
    .await;
}

//! `settle`, `shutdown`, and runtimes that end.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use cached_runtime::{Caches, cache, update};
use tokio::time::Instant;

use super::Source;
use crate::far::Far;
use crate::world::{builder, secs, world};

#[cache(key = "b5:{id}", strategy = "write_behind", skip(source), backend = "local")]
async fn row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(row(id) = value, strategy = "write_behind")]
async fn save(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    source.write(id, value).await
}

#[tokio::test(start_paused = true)]
async fn settling_waits_for_what_is_pending_and_for_nothing_else() {
    world(async |world| {
        let source = Source::with_pace(secs(30));
        for id in 0..40 {
            save(source, id, id).await.unwrap();
        }
        let begun = Instant::now();
        world.caches.settle().await;
        // Longer than it waits for a store, since this is no store.
        assert_eq!(begun.elapsed().as_secs(), 90);
        assert!((0..40).all(|id| source.row(id) == Some(id)));
        let begun = Instant::now();
        world.caches.settle().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn shutting_down_writes_first_and_later_writers_write_at_once() {
    world(async |world| {
        let source = Source::new();
        save(source, 1, 10).await.unwrap();
        world.caches.shutdown().await.unwrap();
        assert_eq!(source.row(1), Some(10));
        save(source, 2, 20).await.unwrap();
        assert_eq!(source.row(2), Some(20));
        source.failing.store(1, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(save(source, 3, 30).await.unwrap_err(), "the source is busy");
        assert_eq!(row(source, 3).await, None);
    })
    .await;
}

fn caches() -> Caches {
    builder(&cached_runtime::testing::ManualClock::new(), &Far::default())
        .build()
        .unwrap()
}

/// A runtime that ends takes the run along that it was at, and leaves the write.
#[test]
fn what_a_runtime_leaves_undone_the_next_one_does() {
    let (caches, source) = (caches(), Source::new());
    source.close();
    let first = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    first.block_on(caches.scope(async {
        save(source, 1, 10).await.unwrap();
        save(source, 2, 20).await.unwrap();
        tokio::time::sleep(secs(1)).await;
        assert_eq!(source.runs(), 2);
    }));
    drop(first);
    source.open();
    // Here nothing can run, and nobody waits for it.
    let settled = pin!(caches.settle()).poll(&mut Context::from_waker(Waker::noop()));
    assert!(settled.is_ready());
    let second = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    second.block_on(async {
        assert_eq!(caches.scope(row(source, 1)).await, Some(10));
        caches.settle().await;
    });
    assert_eq!((source.row(1), source.row(2)), (Some(10), Some(20)));
}

/// What a body writes later is waited for too.
#[tokio::test(start_paused = true)]
async fn settling_waits_for_what_bodies_write() {
    world(async |world| {
        let source = Source::new();
        chained(source, 1).await;
        world.caches.settle().await;
        assert_eq!((source.row(1), source.row(2)), (Some(10), Some(20)));
    })
    .await;
}

#[cache(
    key = "b5:first:{id}",
    strategy = "write_behind",
    skip(source),
    backend = "local"
)]
async fn first(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(first(id) = 10, strategy = "write_behind")]
async fn chained(source: &'static Source, id: u64) {
    source.write(id, 10).await.unwrap();
    assert!(first(source, id).await.is_some());
    save(source, id + 1, 20).await.unwrap();
}

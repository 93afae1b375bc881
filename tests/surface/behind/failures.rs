//! Runs that fail are repeated; a write that fails for good is told.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached_runtime::{FailedWrite, cache, update};
use tokio::time::{Instant, sleep};

use super::Source;
use crate::far::Far;
use crate::world::{builder, world};

#[cache(key = "b3:{id}", strategy = "write_behind", skip(source), backend = ["local", "far"])]
async fn row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(row(id) = value, strategy = "write_behind")]
async fn save(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    source.write(id, value).await
}

#[update(row(id) = value, strategy = "write_behind", retries = 0)]
async fn once(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    source.write(id, value).await
}

struct Unspeakable;

#[update(row(id) = value, strategy = "write_behind", retries = 0)]
async fn unspeakable(id: u64, value: u64) -> Result<(), Unspeakable> {
    let _ = (id, value);
    Err(Unspeakable)
}

#[update(row(id) = value, strategy = "write_behind", retries = 1)]
async fn panicking(id: u64, value: u64) {
    let _ = id;
    tokio::task::yield_now().await;
    assert!(value > 1_000, "a bug in a writer");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_repeated_after_pauses_that_grow() {
    world(async |world| {
        let source = Source::new();
        source.failing.store(5, SeqCst);
        let begun = Instant::now();
        save(source, 1, 10).await.unwrap();
        world.caches.settle().await;
        assert_eq!(source.row(1), Some(10));
        assert_eq!(source.runs(), 6);
        // 100 + 200 + 400 + 800 + 1,600 ms, of each at least a half.
        let took = begun.elapsed();
        assert!(
            (Duration::from_millis(1_550)..Duration::from_millis(3_300)).contains(&took),
            "{took:?}"
        );
        let stats = row_cache().stats();
        assert_eq!((stats.failed_writes, stats.repeated_writes), (0, 5));
        assert_eq!(row(source, 1).await, Some(10));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn other_keys_do_not_wait_for_one_that_fails() {
    world(async |world| {
        let source = Source::new();
        source.failing.store(5, SeqCst);
        save(source, 1, 10).await.unwrap();
        // In the last pause, which is the longest.
        sleep(Duration::from_millis(1_550)).await;
        source.failing.store(0, SeqCst);
        assert_eq!(row_cache().stats().pending_writes, 1);
        save(source, 2, 20).await.unwrap();
        sleep(Duration::from_millis(150)).await;
        assert_eq!(source.row(2), Some(20));
        world.caches.settle().await;
        assert_eq!(source.row(1), Some(10));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_value_takes_the_place_of_one_that_failed() {
    world(async |world| {
        let source = Source::new();
        source.failing.store(2, SeqCst);
        save(source, 1, 10).await.unwrap();
        sleep(Duration::from_millis(150)).await;
        assert_eq!(source.runs(), 1);
        save(source, 1, 11).await.unwrap();
        world.caches.settle().await;
        assert_eq!(source.log(), [(1, 11)]);
        assert_eq!(source.runs(), 3);
    })
    .await;
}

async fn told(writes: impl AsyncFnOnce(&'static Source)) -> (Vec<FailedWrite>, Far) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let report = Arc::clone(&seen);
    let far = Far::default();
    let caches = builder(&cached_runtime::testing::ManualClock::new(), &far)
        .on_failed_write(move |failed| report.lock().unwrap().push(failed.clone()))
        .build()
        .unwrap();
    caches.scope(writes(Source::new())).await;
    caches.settle().await;
    let seen = seen.lock().unwrap().clone();
    (seen, far)
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_for_good_is_told_and_its_entry_removed() {
    let (told, far) = told(async |source| {
        source.failing.store(u64::MAX, SeqCst);
        save(source, 1, 10).await.unwrap();
        once(source, 2, 20).await.unwrap();
        cached_runtime::Caches::current().settle().await;
        assert_eq!(row(source, 1).await, None, "what the source has");
        assert_eq!(row(source, 2).await, None);
        let stats = row_cache().stats();
        assert_eq!((stats.pending_writes, stats.failed_writes), (0, 2));
    })
    .await;
    let told: Vec<_> = told
        .iter()
        .map(|failed| (failed.key.as_str(), failed.runs, failed.error.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("b3:2", 1, "the source is busy"),
            ("b3:1", 6, "the source is busy")
        ]
    );
    assert!(far.present().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_newer_value_stays_when_an_older_one_fails_for_good() {
    world(async |world| {
        let source = Source::new();
        source.close();
        source.failing.store(1, SeqCst);
        once(source, 1, 10).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(source.runs(), 1);
        once(source, 1, 11).await.unwrap();
        source.open();
        world.caches.settle().await;
        assert_eq!(source.log(), [(1, 11)]);
        assert_eq!(row(source, 1).await, Some(11));
        assert_eq!(row_cache().stats().loads, 0);
        assert_eq!(row_cache().stats().failed_writes, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn errors_without_words_and_panics_are_told_too() {
    let (told, _) = told(async |_| {
        let _ = unspeakable(1, 1).await;
        panicking(2, 1).await;
    })
    .await;
    assert_eq!(told.len(), 2);
    assert!(told[0].error.ends_with("Unspeakable"), "{told:?}");
    assert_eq!(told[1].error, "panicked: a bug in a writer");
    assert_eq!(told[1].runs, 2);
    assert!(told[1].cache.ends_with("row"));
}

//! Other attributes beside it: what they do is done when the body has run.

use cached_runtime::{Caches, cache, invalidate, update};

use super::Source;
use crate::world::world;

#[cache(key = "b8:{id}", strategy = "write_behind", skip(source), backend = "local")]
async fn row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[cache(key = "b8:list", skip(source), backend = "local")]
async fn list(source: &'static Source) -> Vec<u64> {
    (0..3).filter_map(|id| source.row(id)).collect()
}

#[cache(
    key = "b8:copy:{id}",
    strategy = "write_through",
    skip(source),
    backend = "local"
)]
async fn copy(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

/// Saves.
#[update(row(id) = value, strategy = "write_behind")]
#[invalidate(list())]
#[update(copy(id) = value)]
#[tracing::instrument(skip(source))]
async fn save(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    source.write(id, value).await
}

#[invalidate(list())]
#[update(row(id) = value, strategy = "write_behind")]
async fn save_the_other_way(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    source.write(id, value).await
}

/// What is in force where it is called is in force where its body runs.
#[update(row(id) = value, strategy = "write_behind")]
async fn reads(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    list_cache().clear().await.unwrap();
    assert!(!list(source).await.contains(&value));
    source.write(id, value).await
}

#[tokio::test(start_paused = true)]
async fn they_wait_for_the_body() {
    world(async |world| {
        let source = Source::new();
        assert!(list(source).await.is_empty());
        save(source, 1, 10).await.unwrap();
        assert!(list(source).await.is_empty(), "as the source has it");
        assert_eq!(copy(source, 1).await, None);
        world.caches.settle().await;
        assert_eq!(list(source).await, [10]);
        assert_eq!(copy_entry(1).get().await.unwrap(), Some(10));
        save_the_other_way(source, 1, 11).await.unwrap();
        world.caches.settle().await;
        assert_eq!(list(source).await, [11]);
        assert_eq!(row(source, 1).await, Some(11));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_body_runs_under_the_caches_of_the_call() {
    world(async |world| {
        let source = Source::new();
        reads(source, 1, 10).await.unwrap();
        let elsewhere = Caches::builder();
        drop(elsewhere);
        world.caches.settle().await;
        assert_eq!(source.row(1), Some(10));
        assert_eq!(list_cache().stats().loads, 1);
    })
    .await;
}

//! Bodies that ask, while they run, for what cannot be before they have.

use std::future::Future;
use std::pin::Pin;

use cached_runtime::{Caches, ErrorKind, cache, update};

use super::Source;
use crate::world::{builder, secs, world};

#[cache(key = "b10:{id}", strategy = "write_behind", skip(source), backend = "local")]
async fn row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(row(id) = value, strategy = "write_behind")]
async fn save_and_settle(source: &'static Source, id: u64, value: u64) {
    source.write(id, value).await.unwrap();
    Caches::current().settle().await;
}

#[update(row(id) = value, strategy = "write_behind")]
async fn save_and_stop(source: &'static Source, id: u64, value: u64) {
    source.write(id, value).await.unwrap();
    let error = Caches::current().shutdown().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[update(row(id) = value, strategy = "write_behind")]
async fn save_and_settle_others(source: &'static Source, others: Caches, id: u64, value: u64) {
    others.settle().await;
    assert!(source.row(id + 1).is_some());
    source.write(id, value).await.unwrap();
}

#[update(row(id) = id, strategy = "write_behind", queue = 1)]
async fn save_down(source: &'static Source, id: u64) {
    source.write(id, id).await.unwrap();
    if id > 0 {
        below(source, id - 1).await;
    }
}

fn below(source: &'static Source, id: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(save_down(source, id))
}

#[tokio::test(start_paused = true)]
async fn a_body_that_settles_does_not_wait_for_itself() {
    world(async |world| {
        let source = Source::new();
        save_and_settle(source, 1, 10).await;
        save_and_stop(source, 2, 20).await;
        let begun = tokio::time::Instant::now();
        world.caches.settle().await;
        assert_eq!(begun.elapsed(), secs(0));
        assert_eq!((source.row(1), source.row(2)), (Some(10), Some(20)));
        assert_eq!(source.runs(), 2);
        save_and_settle(source, 3, 30).await;
        world.caches.shutdown().await.unwrap();
        assert_eq!(row(source, 3).await, Some(30));
    })
    .await;
}

/// Those of another `Caches` it can wait for.
#[tokio::test(start_paused = true)]
async fn a_body_may_settle_what_it_is_no_part_of() {
    world(async |world| {
        let source = Source::new();
        let others = builder(&world.clock, &world.far).build().unwrap();
        others.scope(save_down(source, 2)).await;
        save_and_settle_others(source, others, 1, 10).await;
        world.caches.settle().await;
        assert_eq!(source.log(), [(2, 2), (1, 1), (0, 0), (1, 10)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_writes_does_not_wait_for_the_room_that_it_has_itself() {
    world(async |world| {
        let source = Source::new();
        save_down(source, 5).await;
        world.caches.settle().await;
        assert!((0..=5).all(|id| source.row(id) == Some(id)));
        assert_eq!(row_cache().stats().pending_writes, 0);
    })
    .await;
}

//! A removal comes after what was written before it, in the source as in the cache.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use cached_runtime::{cache, invalidate, update};
use tokio::time::{Instant, sleep};

use super::Source;
use crate::world::{begin_and_drop, secs, world};

#[cache(key = "b13:{id}", strategy = "write_behind", skip(source), backend = ["local", "far"])]
async fn row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(row(id) = value, strategy = "write_behind")]
async fn save(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    source.write(id, value).await
}

/// Another part of the same row, so that both are written.
#[update(row(id) = value, strategy = "write_behind")]
async fn save_otherwise(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    source.write(id, value).await
}

#[update(entries(row(row.0) = row.1 for row in rows), strategy = "write_behind", every = "1h", queue = 1000)]
async fn save_all(source: &'static Source, rows: &[(u64, u64)]) -> Result<(), String> {
    for (id, value) in rows {
        source.write(*id, *value).await?;
    }
    Ok(())
}

#[invalidate(row(id))]
async fn delete(source: &'static Source, id: u64) -> Result<(), String> {
    source.delete(id);
    Ok(())
}

#[invalidate(row(id), when = "always")]
async fn delete_always(source: &'static Source, id: u64) -> Result<(), String> {
    source.delete(id);
    Err("told to fail".to_owned())
}

#[invalidate(row(id), when = "before")]
async fn delete_before(source: &'static Source, id: u64) {
    source.delete(id);
}

#[invalidate(row(..))]
async fn delete_of_all(source: &'static Source, id: u64) {
    source.delete(id);
}

#[invalidate(key = "b13:{id}")]
async fn delete_by_key(source: &'static Source, id: u64) {
    source.delete(id);
}

#[invalidate(pattern = "b13:{id}*")]
async fn delete_by_pattern(source: &'static Source, id: u64) {
    source.delete(id);
}

#[invalidate(row(output))]
async fn touch(source: &'static Source, id: u64) -> u64 {
    source.runs.fetch_add(100, SeqCst);
    id
}

/// Removes what it writes, and something else.
#[update(row(id) = value, strategy = "write_behind", concurrency = 1)]
async fn save_and_remove(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    source.write(id, value).await?;
    row_entry(id).invalidate().await.unwrap();
    row_entry(id + 1).invalidate().await.unwrap();
    row_cache().clear().await.unwrap();
    delete_by_key(source, id + 2).await;
    Ok(())
}

macro_rules! deletes {
    ($($name:ident),*) => {
        mod by {
            use super::*;

            $(
                #[tokio::test(start_paused = true)]
                async fn $name() {
                    world(async |world| {
                        let source = Source::new();
                        save(source, 1, 10).await.unwrap();
                        let begun = Instant::now();
                        let _ = super::$name(source, 1).await;
                        assert_eq!(begun.elapsed(), Duration::ZERO, "what is pending runs at once");
                        assert_eq!(source.log(), [(1, 10)], "and first");
                        assert_eq!(row(source, 1).await, None);
                        world.caches.settle().await;
                        sleep(secs(1)).await;
                        assert_eq!((source.row(1), row(source, 1).await), (None, None));
                        assert!(world.far.present().is_empty());
                        assert_eq!(row_cache().stats().pending_writes, 0);
                    })
                    .await;
                }
            )*
        }
    };
}

deletes!(
    delete,
    delete_always,
    delete_before,
    delete_of_all,
    delete_by_key,
    delete_by_pattern
);

#[tokio::test(start_paused = true)]
async fn those_by_hand_do_so_too() {
    world(async |world| {
        let source = Source::new();
        for (id, step) in (0..5).enumerate() {
            let id = id as u64;
            save(source, id, 10).await.unwrap();
            match step {
                0 => row_entry(id).invalidate().await.unwrap(),
                1 => row_cache().clear().await.unwrap(),
                2 => {
                    _ = row_cache()
                        .invalidate_pattern(&format!("b13:{id}"))
                        .await
                        .unwrap()
                }
                3 => world.caches.invalidate_key(&format!("b13:{id}")).await.unwrap(),
                _ => world.caches.clear().await.unwrap(),
            }
            assert_eq!(source.row(id), Some(10), "{step}");
            assert_eq!(row_entry(id).get().await.unwrap(), None, "{step}");
        }
        save(source, 1, 11).await.unwrap();
        assert_eq!(world.caches.invalidate_pattern("b13:*").await.unwrap(), 1);
        assert_eq!(source.row(1), Some(11));
    })
    .await;
}

/// Each of its runs, with the pauses between them, and the removal of a write that nobody takes.
#[tokio::test(start_paused = true)]
async fn they_wait_for_every_repetition() {
    world(async |_| {
        let source = Source::new();
        source.failing.store(3, SeqCst);
        save(source, 1, 10).await.unwrap();
        delete(source, 1).await.unwrap();
        assert_eq!((source.runs(), source.log()), (4, vec![(1, 10)]));
        assert_eq!(row(source, 1).await, None);
        source.failing.store(u64::MAX, SeqCst);
        save(source, 1, 11).await.unwrap();
        delete(source, 1).await.unwrap();
        assert_eq!(row_cache().stats().failed_writes, 1);
        assert_eq!(row(source, 1).await, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn they_wait_for_a_run_that_has_begun_and_for_those_of_others_after_it() {
    world(async |_| {
        let source = Source::with_pace(secs(2));
        save(source, 1, 10).await.unwrap();
        sleep(secs(1)).await;
        save_otherwise(source, 1, 11).await.unwrap();
        let begun = Instant::now();
        delete(source, 1).await.unwrap();
        assert_eq!(source.log(), [(1, 10), (1, 11)]);
        // What is left of the one, and the other without a pause before it.
        assert!(
            begun.elapsed() < Duration::from_millis(3_300),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!(row(source, 1).await, None);
    })
    .await;
}

/// Nor for what is written later.
#[tokio::test(start_paused = true)]
async fn they_do_not_wait_for_other_entries() {
    world(async |world| {
        let source = Source::new();
        save(source, 2, 20).await.unwrap();
        sleep(Duration::from_millis(50)).await;
        save(source, 1, 10).await.unwrap();
        delete(source, 1).await.unwrap();
        assert_eq!(source.log(), [(1, 10)]);
        world.caches.invalidate_pattern("b13:1*").await.unwrap();
        assert_eq!(source.log(), [(1, 10)]);
        assert_eq!(row_cache().stats().pending_writes, 1);
        world.caches.settle().await;
        assert_eq!(row(source, 2).await, Some(20));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_item_that_waits_for_others_is_run_alone() {
    world(async |world| {
        let source = Source::new();
        save_all(source, &[(1, 10), (2, 20), (3, 30)]).await.unwrap();
        let begun = Instant::now();
        delete(source, 2).await.unwrap();
        assert_eq!((source.log(), begun.elapsed()), (vec![(2, 20)], Duration::ZERO));
        assert_eq!(row(source, 2).await, None);
        delete_of_all(source, 3).await;
        assert_eq!(source.row(1), Some(10));
        assert_eq!(source.runs(), 3);
        assert_eq!(row(source, 3).await, None);
        world.caches.settle().await;
        assert_eq!(row(source, 3).await, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_only_the_returned_value_names_waits_after_the_body() {
    world(async |world| {
        let source = Source::new();
        save(source, 1, 10).await.unwrap();
        touch(source, 1).await;
        assert_eq!((source.runs(), source.row(1)), (101, Some(10)));
        assert!(world.far.present().is_empty(), "and then it is removed");
        assert_eq!(row_cache().stats().pending_writes, 0);
        source.set(1, 11);
        assert_eq!(row(source, 1).await, Some(11));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn inside_of_the_body_of_a_write_they_wait_for_nothing() {
    world(async |world| {
        let source = Source::new();
        save_and_remove(source, 1, 10).await.unwrap();
        save_and_remove(source, 2, 20).await.unwrap();
        save(source, 3, 30).await.unwrap();
        let settled = tokio::time::timeout(secs(60), world.caches.settle()).await;
        assert!(settled.is_ok(), "they wait for each other");
        assert_eq!(source.row(1), Some(10));
        assert_eq!(row_cache().stats().pending_writes, 0);
    })
    .await;
}

/// A writer that is dropped there has not begun; a removal by hand is begun.
#[tokio::test(start_paused = true)]
async fn dropped_while_they_wait_nothing_accepted_is_lost() {
    world(async |world| {
        let source = Source::new();
        source.close();
        save(source, 1, 10).await.unwrap();
        begin_and_drop(delete(source, 1));
        assert_eq!(row(source, 1).await, Some(10));
        begin_and_drop(row_entry(1).invalidate());
        begin_and_drop(world.caches.clear());
        source.open();
        world.caches.settle().await;
        assert_eq!(source.log(), [(1, 10)]);
        assert_eq!(row(source, 1).await, Some(10));
        delete(source, 1).await.unwrap();
        assert_eq!(row(source, 1).await, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_writes_all_the_time_does_not_keep_them_waiting() {
    world(async |world| {
        let source = Source::with_pace(Duration::from_millis(30));
        save(source, 1, 1).await.unwrap();
        let deleted = async {
            delete(source, 1).await.unwrap();
            source.runs()
        };
        let writing = async {
            for value in 2..1_000 {
                sleep(Duration::from_millis(1)).await;
                save(source, 1, value).await.unwrap();
            }
        };
        let (runs, ()) = tokio::join!(deleted, writing);
        assert!(runs <= 2, "{runs}");
        world.caches.settle().await;
        assert_eq!((source.row(1), row(source, 1).await), (Some(999), Some(999)));
    })
    .await;
}

/// A queue whose workers have gone down with their runtime is at work again.
#[test]
fn they_have_it_run_where_nobody_is_at_work() {
    let source = Source::new();
    let caches = crate::world::builder(
        &cached_runtime::testing::ManualClock::new(),
        &crate::far::Far::default(),
    )
    .build()
    .unwrap();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    runtime().block_on(caches.scope(save(source, 1, 10))).unwrap();
    runtime().block_on(caches.scope(async {
        delete(source, 1).await.unwrap();
        assert_eq!((source.log(), row(source, 1).await), (vec![(1, 10)], None));
    }));
}

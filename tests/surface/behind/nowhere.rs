//! Where nothing can run later the body runs at once.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cached_runtime::{cache, update};

use super::Source;
use crate::far::Far;
use crate::world::builder;

#[cache(key = "b6:{id}", strategy = "write_behind", skip(source), backend = "local")]
async fn row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(row(id) = value, strategy = "write_behind")]
async fn save(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    source.write(id, value).await
}

#[test]
fn outside_of_a_runtime_and_in_one_without_timers() {
    let source = Source::new();
    let caches = builder(&cached_runtime::testing::ManualClock::new(), &Far::default())
        .build()
        .unwrap();
    let work = pin!(caches.scope(save(source, 1, 10)));
    let done = work.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(done, Poll::Ready(Ok(()))));
    assert_eq!(source.row(1), Some(10));

    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(caches.scope(async {
        save(source, 2, 20).await.unwrap();
        assert_eq!(source.row(2), Some(20));
        assert_eq!(row(source, 2).await, Some(20));
        assert_eq!(row_cache().stats().loads, 0);
    }));
}

#[update(entries(row(id) = value for id in ids), strategy = "write_behind")]
async fn save_all(source: &'static Source, ids: &[u64], value: u64) -> Result<(), String> {
    for id in ids {
        source.write(*id, value).await?;
    }
    Ok(())
}

/// An older write that comes after a newer one would undo it.
#[test]
fn unless_something_older_is_pending() {
    let source = Source::new();
    let caches = builder(&cached_runtime::testing::ManualClock::new(), &Far::default())
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(caches.scope(async {
        for id in 1..=4 {
            save(source, id, 10).await.unwrap();
        }
    }));
    let elsewhere = async {
        save(source, 1, 11).await.unwrap();
        save_all(source, &[2, 5], 12).await.unwrap();
        save(source, 6, 13).await.unwrap();
    };
    let elsewhere = pin!(caches.scope(elsewhere));
    assert!(elsewhere.poll(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(source.log(), [(6, 13)]);
    let timeless = tokio::runtime::Builder::new_current_thread().build().unwrap();
    timeless.block_on(caches.scope(async { save(source, 3, 14).await.unwrap() }));
    runtime.block_on(caches.scope(async {
        assert_eq!(row(source, 2).await, Some(12));
        caches.settle().await;
        let rows: Vec<_> = (1..=6).filter_map(|id| source.row(id)).collect();
        assert_eq!(rows, [11, 12, 14, 10, 12, 13]);
        assert_eq!(row(source, 1).await, Some(11));
    }));
}

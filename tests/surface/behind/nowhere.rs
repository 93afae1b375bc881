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

//! What the user's code panics with, beside bodies: nobody else's write is the worse for it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::testing::ManualClock;
use cached_runtime::{cache, update};
use tokio::time::sleep;

use super::Source;
use crate::far::Far;
use crate::world::{builder, world};

#[cache(key = "b11:{id}", strategy = "write_behind", skip(source), backend = "local")]
async fn row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(entries(row(id) = 7 for id in ids), strategy = "write_behind", retries = 0)]
async fn save(ids: &[u64]) -> Result<(), String> {
    Err(format!("{} rows are too many", ids.len()))
}

#[tokio::test(start_paused = true)]
async fn a_report_that_panics_keeps_no_other_from_being_told() {
    let told: &'static Mutex<Vec<String>> = Box::leak(Box::default());
    let caches = builder(&ManualClock::new(), &Far::default())
        .on_failed_write(|failed| {
            told.lock().unwrap().push(failed.key.clone());
            std::panic::resume_unwind(Box::new("a bug in a report"));
        })
        .build()
        .unwrap();
    let test = async {
        save(&[1, 2, 3]).await.unwrap();
        caches.settle().await;
        assert_eq!(told.lock().unwrap().len(), 3);
        assert_eq!(row_cache().stats().failed_writes, 3);
        assert_eq!(row(Source::new(), 1).await, None);
    };
    caches.scope(test).await;
}

/// How often `weighed` may still weigh what is 13.
static WEIGHED: AtomicU64 = AtomicU64::new(1);

#[cache(
    key = "b11:weighed:{id}", strategy = "write_behind", skip(source), backend = ["local", "far"],
    max_bytes = "1MiB",
    weight = |_, value| {
        if *value == 13 && WEIGHED.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_err() {
            std::panic::resume_unwind(Box::new("a bug in a weight"));
        }
        8
    }
)]
async fn weighed(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(entries(weighed(row.0) = row.1 for row in rows), strategy = "write_behind")]
async fn save_weighed(source: &'static Source, rows: &[(u64, u64)]) -> Result<(), String> {
    for (id, value) in rows {
        source.write(*id, *value).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_weight_that_panics_leaves_no_other_entry_out_of_date() {
    world(async |world| {
        let source = Source::new();
        source.close();
        save_weighed(source, &[(1, 13), (2, 20)]).await.unwrap();
        sleep(Duration::from_millis(200)).await;
        let entry = weighed_entry(2);
        let invalidated = entry.invalidate();
        tokio::pin!(invalidated);
        tokio::select! {
            _ = &mut invalidated => panic!("it comes after what is on its way"),
            () = sleep(Duration::from_millis(200)) => source.open(),
        }
        invalidated.await.unwrap();
        world.caches.settle().await;
        assert_eq!((source.row(1), source.row(2)), (Some(13), Some(20)));
        source.set(2, 21);
        assert_eq!(weighed(source, 2).await, Some(21));
        assert_eq!(weighed_cache().stats().pending_writes, 0);
    })
    .await;
}

//! A queue has an end: a full one makes writers wait, and drops nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::{Caches, cache, update};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::Source;
use crate::world::{secs, world};

#[cache(key = "b4:{id}", strategy = "write_behind", skip(source), backend = "local")]
async fn row(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(row(id) = value, strategy = "write_behind", queue = 4, concurrency = 1)]
async fn save(source: &'static Source, id: u64, value: u64) {
    source.write(id, value).await.unwrap();
}

#[cache(
    key = "b4:many:{id}",
    strategy = "write_behind",
    capacity = 100,
    skip(source),
    backend = "local"
)]
async fn many(source: &'static Source, id: u64) -> Option<u64> {
    source.row(id)
}

#[update(many(id) = value, strategy = "write_behind", retries = 60)]
async fn save_many(source: &'static Source, id: u64, value: u64) -> Result<(), String> {
    let fails = fastrand::u32(..5) == 0;
    source.write(id, value).await?;
    if fails {
        Err("failed by chance".to_owned())
    } else {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_one_makes_the_writer_wait() {
    world(async |world| {
        let source = Source::with_pace(secs(1));
        let begun = Instant::now();
        for id in 0..4 {
            save(source, id, id).await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        // One that replaces another needs no room.
        save(source, 3, 33).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        save(source, 4, 4).await;
        let waited = begun.elapsed();
        assert!(
            (secs(1)..Duration::from_millis(1_200)).contains(&waited),
            "{waited:?}"
        );
        for id in 5..20 {
            save(source, id, id).await;
            assert!(row_cache().stats().pending_writes <= 4);
        }
        world.caches.settle().await;
        assert_eq!(source.runs(), 20);
        assert_eq!(source.row(3), Some(33));
        assert!((0..20).all(|id| source.row(id).is_some()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_that_gives_up_waiting_has_written_nothing() {
    world(async |world| {
        let source = Source::new();
        source.close();
        for id in 0..4 {
            save(source, id, id).await;
        }
        assert!(timeout(secs(5), save(source, 9, 9)).await.is_err());
        assert_eq!(row(source, 9).await, None);
        source.open();
        world.caches.settle().await;
        sleep(secs(1)).await;
        assert_eq!(source.row(9), None);
        assert_eq!(source.runs(), 4);
    })
    .await;
}

/// 100,000 writes on 1,000 keys by 64 tasks, one run in five failing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_great_many_writes() {
    const KEYS: u64 = 1_000;
    const TASKS: u64 = 64;
    const WRITES: u64 = 100_000;
    world(async |world| {
        let source = Source::with_pace(Duration::from_millis(1));
        let newest: Arc<Vec<AtomicU64>> = Arc::new((0..KEYS).map(|_| AtomicU64::new(0)).collect());
        let (written, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let (newest, written, most) = (Arc::clone(&newest), Arc::clone(&written), Arc::clone(&most));
            tasks.spawn(world.caches.scope(async move {
                // Each task has keys of its own, so that it is known which value is the newest.
                let keys: Vec<u64> = (0..KEYS).filter(|key| key % TASKS == task).collect();
                while written.fetch_add(1, SeqCst) < WRITES {
                    let key = keys[fastrand::usize(..keys.len())];
                    let value = newest[usize::try_from(key).unwrap()].fetch_add(1, SeqCst) + 1;
                    save_many(source, key, value).await.unwrap();
                    if value % 64 == 0 {
                        let pending = many_cache().stats().pending_writes;
                        most.fetch_max(pending, SeqCst);
                    }
                    tokio::task::yield_now().await;
                }
            }));
        }
        tasks.join_all().await;
        world.caches.settle().await;
        for (key, newest) in (0..KEYS).zip(newest.iter()) {
            let newest = newest.load(SeqCst);
            assert_eq!(source.row(key).unwrap_or(0), newest, "key {key}");
            assert_eq!(many(source, key).await.unwrap_or(0), newest, "key {key}");
        }
        let stats = many_cache().stats();
        assert_eq!((stats.pending_writes, stats.failed_writes), (0, 0));
        let runs = source.runs();
        println!(
            "{runs} runs, {} repeated, at most {most:?} pending",
            stats.repeated_writes
        );
        assert!(runs <= WRITES / 3, "{runs} runs");
        assert!(stats.repeated_writes > 0);
        assert!(most.load(SeqCst) <= 1_100);
        assert_eq!(Caches::current().stats().caches.len(), 1);
    })
    .await;
}

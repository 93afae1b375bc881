//! Several processes on one table, as far as the database can tell: a load that began before an invalidation elsewhere
//! never leaves its value there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::Caches;
use cached_tests::Database;

use crate::functions::{Source, caches, databases, far, far_stats, write, write_all};

/// A load by one that stays in its body while another writes.
async fn raced(database: Database, all: bool) {
    let (one, other) = (caches(&database).await, caches(&database).await);
    let (source, database) = (Arc::new(Source::of(1)), Arc::new(database));
    source.hold(true);
    let loading = tokio::spawn({
        let (one, source, database) = (one.clone(), Arc::clone(&source), Arc::clone(&database));
        async move { one.scope(far(&database, &source, 1)).await }
    });
    while source.loads() == 0 {
        tokio::task::yield_now().await;
    }
    let writing = async {
        if all {
            write_all(&database, &source, 2).await;
        } else {
            write(&database, &source, 1, 2).await;
        }
    };
    other.scope(writing).await;
    source.hold(false);
    assert_eq!(loading.await.unwrap(), 1, "what was true when it asked");
    one.settle().await;
    assert_eq!(database.count("value IS NOT NULL"), 0, "{}", database.name());
    assert_eq!(one.scope(async { far_stats(&database) }).await.refused, 1);
    for caches in [&one, &other] {
        assert_eq!(caches.scope(far(&database, &source, 1)).await, 2);
    }
}

#[tokio::test]
async fn a_load_older_than_an_invalidation_elsewhere_is_not_stored() {
    for all in [false, true] {
        for database in databases().await {
            raced(database, all).await;
        }
    }
}

/// Writers and readers in several pools. Nobody is told what was true before a write of its own process that has
/// returned; in another process a call may join one that began before it, and hear what that one heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reads_what_was_true_before_a_write_of_its_own_that_has_returned() {
    const WRITES: u64 = 150;
    for database in databases().await {
        let database = Arc::new(database);
        let source = Arc::new(Source::of(0));
        let mut pools: Vec<(Caches, Arc<AtomicU64>)> = Vec::new();
        for _ in 0..3 {
            pools.push((caches(&database).await, Arc::default()));
        }
        let readers: Vec<_> = (0..6)
            .map(|n: usize| {
                let (caches, written) = pools[n % 3].clone();
                let (source, database) = (Arc::clone(&source), Arc::clone(&database));
                tokio::spawn(async move {
                    let mut read = 0;
                    while read < WRITES {
                        let floor = written.load(SeqCst);
                        read = caches.scope(far(&database, &source, 1)).await;
                        assert!(read >= floor, "{read} after {floor} in {}", database.name());
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for value in 1..=WRITES {
            let (caches, written) = &pools[usize::try_from(value).unwrap() % 3];
            caches.scope(write(&database, &source, 1, value)).await;
            written.store(value, SeqCst);
            let read = caches.scope(far(&database, &source, 1)).await;
            assert_eq!(read, value, "{}", database.name());
        }
        for reader in readers {
            reader.await.unwrap();
        }
        for (caches, _) in &pools {
            let read = caches.scope(far(&database, &source, 1)).await;
            assert_eq!(read, WRITES, "{}", database.name());
        }
    }
}

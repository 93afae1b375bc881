//! SQLite as a tier on this machine's disk: a program that starts again finds what it had.

use std::time::Duration;

use cached_runtime::stores::{Null, Sql};
use cached_runtime::{Caches, cache};
use cached_tests::SqliteFile;

use crate::functions::{Source, tier};

#[cache(key = "persistent:{_id}", ttl = "1h", backend = ["local", "sqlite"], skip(source))]
async fn persistent(source: &Source, _id: u64) -> u64 {
    source.load().await
}

async fn started(file: &SqliteFile) -> Caches {
    Caches::builder()
        .namespace("shop")
        .store("sqlite", Sql::connect(file.url()).await.unwrap())
        .store("mysql", Null)
        .store("postgres", Null)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_restart_finds_the_entries_and_their_lives() {
    let file = SqliteFile::new();
    let source = Source::of(7);
    let first = started(&file).await;
    for id in 0..50 {
        first.scope(persistent(&source, id)).await;
    }
    first.shutdown().await.unwrap();
    drop(first);
    assert_eq!(file.sql("PRAGMA journal_mode"), "wal");

    let second = started(&file).await;
    source.set(8);
    for id in 0..50 {
        assert_eq!(second.scope(persistent(&source, id)).await, 7);
    }
    assert_eq!(source.loads(), 50, "nothing was loaded again");
    let stats = second.scope(async { persistent_cache().stats() }).await;
    assert_eq!(tier(&stats, "sqlite").hits, 50);
    let left = second.scope(async { persistent_entry(1).remaining_ttl().await });
    let left = left.await.unwrap().unwrap();
    assert!(
        left <= Duration::from_secs(3600) && left > Duration::from_secs(3500),
        "{left:?}"
    );
    second
        .scope(async { persistent_entry(1).invalidate().await.unwrap() })
        .await;
    second.shutdown().await.unwrap();

    let third = started(&file).await;
    assert_eq!(
        third.scope(persistent(&source, 1)).await,
        8,
        "a removal outlasts the process too"
    );
    assert_eq!(third.scope(persistent(&source, 2)).await, 7);
}

#[tokio::test]
async fn a_process_that_was_not_shut_down_leaves_as_much() {
    let file = SqliteFile::new();
    let source = Source::of(7);
    let first = started(&file).await;
    first.scope(persistent(&source, 1)).await;
    first.settle().await;
    // Neither closed nor dropped.
    let second = started(&file).await;
    assert_eq!(second.scope(persistent(&source, 1)).await, 7);
    assert_eq!(source.loads(), 1);
}

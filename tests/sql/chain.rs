//! A database as the only tier, and under memory: fills, hits, backfills, invalidations.

use std::time::Duration;

use crate::functions::{Source, caches, databases, far, far_stats, near, near_stats, tier, write, write_all};

#[tokio::test]
async fn a_call_loads_once_and_then_hits() {
    for database in databases().await {
        let caches = caches(&database).await;
        let source = Source::of(7);
        let calls = async {
            for _ in 0..3 {
                assert_eq!(far(&database, &source, 1).await, 7);
                assert_eq!(near(&database, &source, 1).await, 7);
            }
            assert_eq!(source.loads(), 2, "{}", database.name());
            let far = far_stats(&database);
            assert_eq!((far.hits, far.misses), (2, 1));
            let near = near_stats(&database);
            assert_eq!(tier(&near, "local").hits, 2);
            assert_eq!(tier(&near, database.name()).hits, 0);
        };
        caches.scope(calls).await;
        caches.settle().await;
        assert_eq!(database.count("value IS NOT NULL AND token IS NULL"), 2);
        let hour = "expires_at - (SELECT MIN(expires_at) FROM cached_entries) < 60000";
        assert_eq!(database.count(hour), 2, "the ttl is the function's");
    }
}

#[tokio::test]
async fn what_one_process_loaded_another_finds_and_keeps_in_memory() {
    for database in databases().await {
        let source = Source::of(7);
        let (one, other) = (caches(&database).await, caches(&database).await);
        one.scope(near(&database, &source, 1)).await;
        one.settle().await;
        for _ in 0..2 {
            assert_eq!(other.scope(near(&database, &source, 1)).await, 7);
            other.settle().await;
        }
        assert_eq!(source.loads(), 1);
        let stats = other.scope(async { near_stats(&database) }).await;
        assert_eq!(tier(&stats, "local").hits, 1);
        assert_eq!(tier(&stats, database.name()).hits, 1);
    }
}

#[tokio::test]
async fn writers_remove_one_entry_or_all() {
    for database in databases().await {
        let caches = caches(&database).await;
        let source = Source::of(1);
        let calls = async {
            for id in 0..20 {
                far(&database, &source, id).await;
                near(&database, &source, id).await;
            }
            write(&database, &source, 3, 2).await;
            for id in 0..20 {
                let expected = if id == 3 { 2 } else { 1 };
                assert_eq!(far(&database, &source, id).await, expected);
                assert_eq!(near(&database, &source, id).await, expected);
            }
            write_all(&database, &source, 3).await;
            assert_eq!(database.count("value IS NOT NULL"), 0, "{}", database.name());
            for id in 0..20 {
                assert_eq!(far(&database, &source, id).await, 3);
                assert_eq!(near(&database, &source, id).await, 3);
            }
        };
        caches.scope(calls).await;
    }
}

/// Entries put by hand go in by another statement than fills do.
#[tokio::test]
async fn entries_are_put_looked_at_and_removed_by_hand() {
    for database in databases().await {
        let caches = caches(&database).await;
        let source = Source::of(1);
        let entry = caches
            .scope(async {
                match database.name() {
                    "mysql" => crate::functions::far_mysql_entry(1),
                    "postgres" => crate::functions::far_postgres_entry(1),
                    _ => crate::functions::far_sqlite_entry(1),
                }
            })
            .await;
        entry.insert_for(5, Duration::from_secs(60)).await.unwrap();
        assert_eq!(caches.scope(far(&database, &source, 1)).await, 5);
        let left = entry.remaining_ttl().await.unwrap().unwrap();
        assert!(
            left > Duration::from_secs(40) && left <= Duration::from_secs(60),
            "{left:?}"
        );
        entry.invalidate().await.unwrap();
        assert_eq!(entry.get().await.unwrap(), None);
        assert_eq!(caches.scope(far(&database, &source, 1)).await, 1);
    }
}

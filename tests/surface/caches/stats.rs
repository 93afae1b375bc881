//! `stats`: numbers that are exact, as values, as a table, as JSON.

use cached_runtime::{Mode, cache, with_mode};
use tokio::join;

use crate::world::{Runs, begin_and_drop, world};

#[cache(name = "m6 users", skip(runs), backend = ["local", "far"], capacity = 4, ttl = "1m")]
async fn users(runs: &Runs, id: u64) -> Result<u64, String> {
    tokio::task::yield_now().await;
    runs.next();
    if id == 0 { Err("no".to_owned()) } else { Ok(id) }
}

#[cache(name = "m6 panicking", skip(runs), backend = "local")]
async fn panicking(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    assert!(runs.next() > 1, "the first one fails");
    7
}

/// They are about look-ups.
#[tokio::test]
async fn calls_that_look_nowhere_are_no_misses_and_those_past_the_cache_no_loads() {
    world(async |_| {
        let runs = Runs::default();
        with_mode(Mode::Off, users(&runs, 1)).await.unwrap();
        with_mode(Mode::Off, users(&runs, 0)).await.unwrap_err();
        let stats = users_cache().stats();
        assert_eq!(
            (stats.hits, stats.misses, stats.loads, stats.failed_loads),
            (0, 0, 0, 0)
        );
        with_mode(Mode::Refresh, users(&runs, 1)).await.unwrap();
        with_mode(Mode::Refresh, users(&runs, 0)).await.unwrap_err();
        let stats = users_cache().stats();
        assert_eq!(
            (stats.hits, stats.misses, stats.loads, stats.failed_loads),
            (0, 0, 2, 1)
        );
        users(&runs, 1).await.unwrap();
        assert_eq!((users_cache().stats().hits, runs.count()), (1, 4));
    })
    .await;
}

#[tokio::test]
async fn the_numbers_of_a_known_run() {
    world(async |world| {
        let runs = Runs::default();
        users(&runs, 1).await.unwrap();
        for _ in 0..3 {
            users(&runs, 1).await.unwrap();
        }
        users(&runs, 0).await.unwrap_err();
        let _ = join!(users(&runs, 2), users(&runs, 2), users(&runs, 2));
        let stats = users_cache().stats();
        assert_eq!((stats.hits, stats.misses), (3, 5), "{stats:?}");
        assert_eq!((stats.loads, stats.failed_loads), (3, 1));
        assert_eq!((stats.entries, stats.evictions), (2, 0));
        assert_eq!(stats.hits + stats.misses, 8, "each call is one or the other");
        let [local, far] = stats.tiers.as_slice() else {
            panic!("{stats:?}")
        };
        assert_eq!((local.store.as_str(), local.hits, local.misses), ("local", 3, 5));
        assert_eq!(
            (local.entries, local.evictions, local.rejected, local.refused),
            (Some(2), Some(0), 0, 0)
        );
        assert_eq!((far.store.as_str(), far.hits, far.misses), ("far", 0, 3));
        assert_eq!((far.entries, far.evictions), (None, None));
        for id in 10..20 {
            users(&runs, id).await.unwrap();
        }
        let stats = users_cache().stats();
        assert!(stats.entries <= 4);
        assert_eq!(stats.entries + stats.evictions, 12);
        let store = &world.caches.stats().stores[0];
        assert_eq!(
            (
                store.name.as_str(),
                store.failures,
                store.down,
                store.pending_removals
            ),
            ("far", 0, false, false)
        );
    })
    .await;
}

#[tokio::test]
async fn a_panic_is_a_failed_load() {
    world(async |world| {
        let caches = world.caches.clone();
        let task = tokio::spawn(async move {
            let runs = Runs::default();
            caches.scope(panicking(&runs, 1)).await
        });
        assert!(task.await.unwrap_err().is_panic());
        let stats = panicking_cache().stats();
        assert_eq!((stats.loads, stats.failed_loads, stats.entries), (1, 1, 0));
        let runs = Runs::default();
        runs.next();
        assert_eq!(panicking(&runs, 1).await, 7);
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_dropped_is_no_failed_load() {
    world(async |_| {
        let runs = Runs::default();
        begin_and_drop(users(&runs, 5));
        assert_eq!(users_cache().stats().failed_loads, 0);
    })
    .await;
}

#[tokio::test]
async fn it_prints_as_a_table() {
    world(async |world| {
        let runs = Runs::default();
        users(&runs, 1).await.unwrap();
        users(&runs, 1).await.unwrap();
        let table = world.caches.stats().to_string();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4, "{table}");
        assert!(
            lines[0].starts_with("cache ") && lines[0].contains("evicted"),
            "{table}"
        );
        let numbers: Vec<&str> = lines[1].split_whitespace().collect();
        assert_eq!(
            numbers,
            [
                "m6", "users", "1", "1", "1", "0", "0", "1", "local", "1,", "far", "0"
            ]
        );
        // Columns stand under their heads.
        assert_eq!(
            lines[0].find("hits").map(|at| at + 4),
            lines[1].find(" 1 ").map(|at| at + 2),
            "{table}"
        );
        assert_eq!(lines[2], "store far: up, 0 failures");
    })
    .await;
}

#[tokio::test]
async fn it_serializes() {
    world(async |world| {
        let runs = Runs::default();
        users(&runs, 1).await.unwrap();
        let json = serde_json::to_value(world.caches.stats()).unwrap();
        let users = &json["caches"][0];
        assert_eq!(users["name"], "m6 users");
        for (field, number) in [
            ("hits", 0),
            ("misses", 1),
            ("loads", 1),
            ("failed_loads", 0),
            ("entries", 1),
        ] {
            assert_eq!(users[field], number, "{json}");
        }
        assert_eq!(users["tiers"][0]["store"], "local");
        assert_eq!(users["tiers"][1]["entries"], serde_json::Value::Null);
        assert_eq!(json["stores"][0]["down"], false);
    })
    .await;
}

#[tokio::test]
async fn only_what_was_called_is_there_and_sorted() {
    world(async |world| {
        assert!(world.caches.stats().caches.is_empty());
        let runs = Runs::default();
        users(&runs, 1).await.unwrap();
        runs.next();
        panicking(&runs, 1).await;
        let names: Vec<String> = world
            .caches
            .stats()
            .caches
            .into_iter()
            .map(|cache| cache.name)
            .collect();
        assert_eq!(names, ["m6 panicking", "m6 users"]);
    })
    .await;
}

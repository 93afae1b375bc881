//! `f_entry(..)`: one entry, present or not.

use std::time::Duration;

use cached_runtime::{ErrorKind, Mode, cache, with_mode};

use crate::world::{Runs, secs, world};

#[cache(key = "c1:{id}", ttl = "1h", skip(runs), backend = "local")]
async fn users(runs: &Runs, id: u64) -> Option<u64> {
    let run = runs.next();
    (id > 0).then_some(run)
}

#[cache(key = "c1:remote:{id}", ttl = "1h", tier("local", ttl = "5s"), skip(runs), backend = ["local", "far"])]
async fn remote(runs: &Runs, id: u64) -> Result<u64, String> {
    let _ = id;
    Ok(runs.next())
}

#[tokio::test]
async fn get_looks_and_never_loads() {
    world(async |_| {
        let runs = Runs::default();
        let entry = users_entry(1);
        assert_eq!(entry.get().await.unwrap(), None);
        assert_eq!(runs.count(), 0);
        assert_eq!(users_cache().stats().loads, 0);
        users(&runs, 1).await;
        assert_eq!(entry.get().await.unwrap(), Some(1));
    })
    .await;
}

#[tokio::test]
async fn insert_is_found_by_calls_under_the_functions_ttl() {
    world(async |world| {
        let runs = Runs::default();
        let entry = users_entry(1);
        entry.insert(7).await.unwrap();
        assert_eq!(users(&runs, 1).await, Some(7));
        assert_eq!(entry.remaining_ttl().await.unwrap(), Some(secs(3_600)));
        entry.insert(8).await.unwrap();
        assert_eq!(users(&runs, 1).await, Some(8));
        world.clock.advance(secs(3_601));
        assert_eq!(users(&runs, 1).await, Some(1));
    })
    .await;
}

#[tokio::test]
async fn insert_for_has_a_ttl_of_its_own() {
    world(async |world| {
        let entry = users_entry(1);
        entry.insert_for(7, secs(10)).await.unwrap();
        assert_eq!(entry.remaining_ttl().await.unwrap(), Some(secs(10)));
        entry.insert_for(7, secs(100_000)).await.unwrap();
        assert_eq!(entry.remaining_ttl().await.unwrap(), Some(secs(100_000)));
        world.clock.advance(secs(99_999));
        assert_eq!(entry.get().await.unwrap(), Some(7));
        world.clock.advance(secs(2));
        assert_eq!(entry.get().await.unwrap(), None);
        entry.insert_for(7, Duration::MAX).await.unwrap();
        assert_eq!(entry.remaining_ttl().await.unwrap(), Some(Duration::MAX));
        entry.insert_for(7, Duration::ZERO).await.unwrap();
        assert_eq!(entry.get().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn invalidate_removes_and_may_be_repeated() {
    world(async |_| {
        let runs = Runs::default();
        let entry = users_entry(1);
        entry.invalidate().await.unwrap();
        users(&runs, 1).await;
        users(&runs, 2).await;
        for _ in 0..2 {
            entry.invalidate().await.unwrap();
            assert_eq!(entry.get().await.unwrap(), None);
            assert_eq!(entry.remaining_ttl().await.unwrap(), None);
        }
        assert_eq!(users_entry(2).get().await.unwrap(), Some(2));
        assert_eq!(users(&runs, 1).await, Some(3));
    })
    .await;
}

#[tokio::test]
async fn remaining_ttl_counts_down() {
    world(async |world| {
        users(&Runs::default(), 1).await;
        world.clock.advance(secs(600));
        assert_eq!(users_entry(1).remaining_ttl().await.unwrap(), Some(secs(3_000)));
        assert_eq!(users_entry(2).remaining_ttl().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_shown_in_full_and_compared() {
    world(async |_| {
        let entry = users_entry(1);
        assert_eq!(entry.key().to_string(), "c1:1");
        assert_eq!(
            format!("{:>6}|{:<6}|", entry.key(), entry.key()),
            "  c1:1|c1:1  |"
        );
        assert_eq!(entry.key(), users_entry(1).key());
        assert_ne!(entry.key(), users_entry(2).key());
        assert!(format!("{entry:?}").contains("c1:1"));
        assert_eq!(format!("{:?}", entry.key().clone()), "\"c1:1\"");
    })
    .await;
}

#[tokio::test]
async fn it_reaches_every_tier() {
    world(async |world| {
        let runs = Runs::default();
        let entry = remote_entry(1);
        entry.insert(7).await.unwrap();
        assert_eq!(world.far.present(), ["c1:remote:1"]);
        assert_eq!(world.far.ttl("c1:remote:1"), Some(secs(3_600)));
        assert_eq!(
            entry.remaining_ttl().await.unwrap(),
            Some(secs(5)),
            "that of the fastest tier"
        );
        world.clock.advance(secs(6));
        assert_eq!(
            entry.remaining_ttl().await.unwrap(),
            Some(secs(3_600)),
            "that of the one below"
        );
        assert_eq!(entry.get().await.unwrap(), Some(7));
        assert_eq!(
            entry.remaining_ttl().await.unwrap(),
            Some(secs(5)),
            "a look copies up"
        );
        entry.invalidate().await.unwrap();
        assert!(world.far.present().is_empty());
        assert_eq!(remote(&runs, 1).await, Ok(1));
    })
    .await;
}

#[tokio::test]
async fn it_belongs_to_the_caches_it_was_made_in() {
    let entry = world(async |_| {
        users_entry(1).insert(7).await.unwrap();
        users_entry(1)
    })
    .await;
    assert_eq!(entry.get().await.unwrap(), Some(7));
    world(async |_| {
        assert_eq!(users_entry(1).get().await.unwrap(), None);
        assert_eq!(entry.get().await.unwrap(), Some(7));
    })
    .await;
}

#[tokio::test]
async fn the_mode_does_not_matter() {
    world(async |_| {
        with_mode(Mode::Off, async {
            users_entry(1).insert(7).await.unwrap();
            assert_eq!(users_entry(1).get().await.unwrap(), Some(7));
        })
        .await;
        with_mode(Mode::Refresh, async {
            assert_eq!(users_entry(1).get().await.unwrap(), Some(7));
        })
        .await;
        assert_eq!(users(&Runs::default(), 1).await, Some(7));
    })
    .await;
}

#[tokio::test]
async fn after_shutdown_it_says_so() {
    world(async |world| {
        let entry = users_entry(1);
        entry.insert(7).await.unwrap();
        world.caches.shutdown().await.unwrap();
        assert_eq!(entry.get().await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(entry.insert(1).await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(
            entry.insert_for(1, secs(1)).await.unwrap_err().kind(),
            ErrorKind::Closed
        );
        assert_eq!(entry.invalidate().await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(entry.remaining_ttl().await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(entry.key().to_string(), "c1:1");
    })
    .await;
}

/// `insert` while the body runs: what was put is newer than what the body read.
#[tokio::test]
async fn a_load_in_progress_does_not_replace_what_was_put() {
    world(async |_| {
        let runs = Runs::default();
        let entry = slow_entry(1);
        let (loaded, ()) = tokio::join!(slow(&runs, 1), async {
            tokio::task::yield_now().await;
            entry.insert(70).await.unwrap();
        });
        assert_eq!(loaded, 1);
        assert_eq!(entry.get().await.unwrap(), Some(70));
    })
    .await;
}

#[cache(skip(runs), backend = "local")]
async fn slow(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    let run = runs.next();
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
    run
}

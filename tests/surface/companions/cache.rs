//! `f_cache()`: all entries of one function.

use cached_runtime::{ErrorKind, cache};

use crate::world::{Runs, world};

#[cache(key = "c3:{org}:{id}", name = "c3 members", skip(runs), backend = "local")]
async fn members(runs: &Runs, org: &str, id: u64) -> u64 {
    let _ = (org, id);
    runs.next()
}

#[cache(key = "c3:{org}:{id}:posts", skip(runs), backend = ["local", "far"])]
async fn posts(runs: &Runs, org: &str, id: u64) -> u64 {
    let _ = (org, id);
    runs.next()
}

async fn filled(runs: &Runs) {
    for org in ["a", "b", "a:b", "*"] {
        for id in 0..3 {
            members(runs, org, id).await;
            posts(runs, org, id).await;
        }
    }
}

#[tokio::test]
async fn its_name() {
    world(async |_| {
        assert_eq!(members_cache().name(), "c3 members");
        assert!(format!("{:?}", members_cache()).contains("c3 members"));
    })
    .await;
}

#[tokio::test]
async fn clear_removes_every_entry_and_none_of_others() {
    world(async |world| {
        let runs = Runs::default();
        filled(&runs).await;
        members_cache().clear().await.unwrap();
        assert_eq!(members_cache().stats().entries, 0);
        assert_eq!(posts_cache().stats().entries, 12);
        posts_cache().clear().await.unwrap();
        assert_eq!(posts_cache().stats().entries, 0);
        assert!(world.far.present().is_empty());
        filled(&runs).await;
        assert_eq!(runs.count(), 48);
    })
    .await;
}

#[tokio::test]
async fn invalidate_pattern_counts_its_own() {
    world(async |world| {
        filled(&Runs::default()).await;
        let cache = members_cache();
        assert_eq!(cache.invalidate_pattern("c3:a:*").await.unwrap(), 3);
        assert_eq!(cache.invalidate_pattern("c3:a:*").await.unwrap(), 0);
        assert_eq!(cache.stats().entries, 9);
        assert_eq!(posts_cache().stats().entries, 12);
        assert_eq!(cache.invalidate_pattern("c3:?:1").await.unwrap(), 1);
        assert_eq!(cache.invalidate_pattern("c3:%2A:[01]").await.unwrap(), 2);
        assert_eq!(cache.invalidate_pattern("nothing").await.unwrap(), 0);
        assert_eq!(cache.invalidate_pattern("").await.unwrap(), 0);
        assert_eq!(cache.invalidate_pattern("*").await.unwrap(), 6);
        assert_eq!(posts_cache().invalidate_pattern("*:1:posts").await.unwrap(), 4);
        assert_eq!(world.far.present().len(), 8);
    })
    .await;
}

#[tokio::test]
async fn stats_are_its_own_and_there_before_the_first_call() {
    world(async |_| {
        let runs = Runs::default();
        let stats = members_cache().stats();
        assert_eq!(
            (stats.name.as_str(), stats.hits, stats.loads),
            ("c3 members", 0, 0)
        );
        assert_eq!(stats.tiers.len(), 1);
        members(&runs, "a", 1).await;
        members(&runs, "a", 1).await;
        posts(&runs, "a", 1).await;
        let stats = members_cache().stats();
        assert_eq!(
            (stats.hits, stats.misses, stats.loads, stats.entries),
            (1, 1, 1, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn after_shutdown_it_says_so() {
    world(async |world| {
        let cache = members_cache();
        world.caches.shutdown().await.unwrap();
        assert_eq!(cache.clear().await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(
            cache.invalidate_pattern("*").await.unwrap_err().kind(),
            ErrorKind::Closed
        );
        assert_eq!(cache.stats().loads, 0);
    })
    .await;
}

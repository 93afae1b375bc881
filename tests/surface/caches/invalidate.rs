//! `invalidate_key`, `invalidate_pattern`, `clear`: by text, whichever function owns it.

use cached_runtime::{Mode, cache, with_mode};

use crate::world::{Runs, world};

#[cache(key = "m1:{id}:{name}", skip(runs), backend = ["local", "far"])]
async fn users(runs: &Runs, id: u64, name: &str) -> u64 {
    let _ = (id, name);
    runs.next()
}

#[cache(key = "m1:{id}:posts:{page}", skip(runs), backend = "local")]
async fn posts(runs: &Runs, id: u64, page: Option<u32>) -> u64 {
    let _ = (id, page);
    runs.next()
}

async fn filled(runs: &Runs) {
    for id in 1..=3 {
        for name in ["a", "a:b", "*"] {
            users(runs, id, name).await;
        }
        for page in [None, Some(1), Some(2)] {
            posts(runs, id, page).await;
        }
    }
}

fn left() -> [u64; 2] {
    [users_cache(), posts_cache()].map(|cache| cache.stats().entries)
}

#[tokio::test]
async fn a_key_is_removed_by_its_text() {
    world(async |world| {
        let runs = Runs::default();
        filled(&runs).await;
        world.caches.invalidate_key("m1:1:a").await.unwrap();
        world.caches.invalidate_key("m1:1:posts:%N").await.unwrap();
        assert_eq!(left(), [8, 8]);
        world.caches.invalidate_key("m1:2:a%3Ab").await.unwrap();
        world.caches.invalidate_key("m1:2:%2A").await.unwrap();
        assert_eq!(left(), [6, 8]);
        assert_eq!(world.far.present().len(), 6);
        for entry in [users_entry(3, "*"), users_entry(3, "a:b")] {
            world
                .caches
                .invalidate_key(&entry.key().to_string())
                .await
                .unwrap();
            assert_eq!(entry.get().await.unwrap(), None);
        }
    })
    .await;
}

#[tokio::test]
async fn a_text_that_is_no_key_removes_nothing() {
    world(async |world| {
        let runs = Runs::default();
        filled(&runs).await;
        let texts = [
            "",
            "m1",
            "m1:",
            "m1:1",
            "m1:1:",
            "m1:1:a:",
            "m1:1:a b",
            "m1:1:%41",
            "m1:1:a%3ab",
            "m1:1:*",
            "m1:*",
            "*",
            "m1:1:a#tag",
            "m1:01:a",
            " m1:1:a",
            "m1:1:posts:x\0",
            "ü",
            "m1:1:posts:%N%N",
            "m1:1:(a,)",
        ];
        for text in texts {
            world.caches.invalidate_key(text).await.unwrap();
            assert_eq!(left(), [9, 9], "{text}");
        }
        assert_eq!(runs.count(), 18);
    })
    .await;
}

#[tokio::test]
async fn a_pattern_counts_what_it_removed() {
    world(async |world| {
        let runs = Runs::default();
        filled(&runs).await;
        let caches = &world.caches;
        assert_eq!(caches.invalidate_pattern("nothing*").await.unwrap(), 0);
        assert_eq!(caches.invalidate_pattern("m1:1:posts:*").await.unwrap(), 3);
        assert_eq!(left(), [9, 6]);
        // Both tiers had it: it is one entry.
        assert_eq!(caches.invalidate_pattern("m1:1:a").await.unwrap(), 1);
        assert_eq!(caches.invalidate_pattern(r"m1:?:\*").await.unwrap(), 0);
        assert_eq!(caches.invalidate_pattern("m1:[23]:%2A").await.unwrap(), 2);
        assert_eq!(left(), [6, 6]);
        assert_eq!(caches.invalidate_pattern("m1:*").await.unwrap(), 12);
        assert_eq!(left(), [0, 0]);
        assert!(world.far.present().is_empty());
        filled(&runs).await;
        assert_eq!(runs.count(), 36);
    })
    .await;
}

#[tokio::test]
async fn clear_removes_everything() {
    world(async |world| {
        let runs = Runs::default();
        filled(&runs).await;
        with_mode(Mode::Off, world.caches.clear()).await.unwrap();
        assert_eq!(left(), [0, 0]);
        assert!(world.far.present().is_empty());
        world.caches.clear().await.unwrap();
    })
    .await;
}

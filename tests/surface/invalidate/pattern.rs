//! `pattern = ".."`: by glob; values in it match literally.

use cached_runtime::{cache, invalidate};

use crate::world::world;

#[cache(key = "i8:{org}:{id}", backend = ["local", "far"])]
async fn members(org: &str, id: u64) -> u64 {
    let _ = org;
    id
}

#[cache(key = "i8:{org}:{id}:posts", backend = "local")]
async fn posts(org: &str, id: u64) -> u64 {
    let _ = org;
    id
}

#[invalidate(pattern = "i8:{org}:*")]
async fn write(org: &str) -> Result<(), String> {
    if org == "fails" {
        Err("no".to_owned())
    } else {
        Ok(())
    }
}

#[invalidate(pattern = "i8:{org}:{id}")]
async fn write_one(org: &str, id: u64) {
    let _ = (org, id);
}

#[invalidate(pattern = "i8:[ab]:?")]
async fn write_classes() {}

#[invalidate(pattern = "i8:{org}{suffix}:*", pattern = r"i8:\*:{id}")]
async fn write_joined(org: &str, suffix: &str, id: u64) {
    let _ = (org, suffix, id);
}

const HOSTILE: [&str; 12] = [
    "*", "**", "?", "[a-z]", "\\*", "\\", "a", "b", "a:b", "[^a]", "{org}", "fails",
];

async fn filled() {
    for org in HOSTILE {
        for id in [1, 12] {
            members(org, id).await;
            posts(org, id).await;
        }
    }
}

#[tokio::test]
async fn a_hostile_value_matches_itself_alone() {
    world(async |world| {
        for org in HOSTILE {
            filled().await;
            let (all, far) = (members_cache().stats().entries, world.far.present().len());
            let written = write(org).await;
            let gone = if org == "fails" { 0 } else { 2 };
            assert_eq!(written.is_ok(), gone > 0);
            assert_eq!(members_cache().stats().entries, all - gone, "{org}");
            assert_eq!(posts_cache().stats().entries, all - gone, "{org}");
            assert_eq!(world.far.present().len() as u64, far as u64 - gone, "{org}");
            filled().await;
            write_one(org, 1).await;
            assert_eq!(members_cache().stats().entries, all - 1, "{org}");
            assert_eq!(members_entry(org, 1).get().await.unwrap(), None);
        }
    })
    .await;
}

#[tokio::test]
async fn globs_are_globs() {
    world(async |_| {
        filled().await;
        write_classes().await;
        assert_eq!(members_cache().stats().entries, 22);
        for org in ["a", "b"] {
            assert_eq!(members_entry(org, 1).get().await.unwrap(), None);
            assert_eq!(members_entry(org, 12).get().await.unwrap(), Some(12));
        }
        // Values may touch, since a pattern is only matched.
        write_joined("a%3", "Ab", 12).await;
        assert_eq!(
            members_entry("a:b", 12).get().await.unwrap(),
            Some(12),
            "values are escaped apart"
        );
        write_joined("", "a", 12).await;
        assert_eq!(members_entry("a", 12).get().await.unwrap(), None);
    })
    .await;
}

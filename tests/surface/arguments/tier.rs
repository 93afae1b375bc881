//! `tier(..)`: settings of one tier of the chain.

use cached_runtime::cache;

use crate::world::{Runs, millis, secs, world};

#[cache(ttl = "1h", tier("local", ttl = "5s", capacity = 3), tier("far", ttl = "10m"), backend = ["local", "far"], skip(runs))]
async fn both(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    runs.next()
}

#[tokio::test]
async fn each_tier_has_its_own_life_and_bound() {
    world(async |world| {
        let runs = Runs::default();
        assert_eq!(both(&runs, 1).await, 1);
        let key = both_entry(1).key().to_string();
        assert_eq!(both_entry(1).remaining_ttl().await.unwrap(), Some(secs(5)));
        assert_eq!(world.far.ttl(&key), Some(secs(600)));
        world.clock.advance(millis(5_100));
        // Gone from memory, found below and copied up again.
        assert_eq!(both(&runs, 1).await, 1);
        assert_eq!(both_entry(1).remaining_ttl().await.unwrap(), Some(secs(5)));
        for id in 0..50 {
            both(&runs, id).await;
        }
        assert!(both_cache().stats().entries <= 3);
        assert_eq!(
            world
                .far
                .present()
                .iter()
                .filter(|key| key.contains("::tier::both:"))
                .count(),
            50
        );
    })
    .await;
}

#[cache(ttl = "3s", tier("local", ttl = "1h"), backend = "local")]
async fn longer(id: u64) -> u64 {
    id
}

#[cache(tier("local", ttl = "7s"), backend = "local")]
async fn alone(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn the_shorter_life_counts() {
    world(async |_| {
        longer(1).await;
        assert_eq!(longer_entry(1).remaining_ttl().await.unwrap(), Some(secs(3)));
        alone(1).await;
        assert_eq!(alone_entry(1).remaining_ttl().await.unwrap(), Some(secs(7)));
        alone_entry(1).insert_for(2, secs(60)).await.unwrap();
        assert_eq!(alone_entry(1).remaining_ttl().await.unwrap(), Some(secs(7)));
    })
    .await;
}

#[cache(tier("local", max_bytes = "100B"), weight = |_, text| text.len() as u64, backend = "local")]
async fn weighed(id: u64) -> String {
    "x".repeat(usize::try_from(id).unwrap())
}

#[tokio::test]
async fn a_tier_may_have_the_bound_in_bytes() {
    world(async |_| {
        for id in 1..60 {
            weighed(id).await;
            assert!(weighed_cache().stats().entries <= 100 / id.min(10) + 13);
        }
        weighed_cache().clear().await.unwrap();
        for id in [30, 31, 32, 33] {
            weighed(id).await;
        }
        assert!(weighed_cache().stats().entries <= 3);
    })
    .await;
}

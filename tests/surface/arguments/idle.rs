//! `idle`: a life that begins anew with each read, within the ttl.

use std::collections::HashMap;
use std::sync::Arc;

use cached_runtime::cache;
use cached_tests::Source;

use crate::world::{World, millis, secs, world};

#[cache(key = "session:{id}", idle = "10m", backend = "local", skip(source))]
async fn session(source: &Source, id: u64) -> u64 {
    id + source.load()
}

#[cache(
    key = "within:{id}",
    idle = "10m",
    ttl = "25m",
    jitter = "0%",
    backend = "local",
    skip(source)
)]
async fn within(source: &Source, id: u64) -> u64 {
    id + source.load()
}

#[cache(key = "moka:{id}", idle = "10m", backend = "moka", skip(source))]
async fn in_moka(source: &Source, id: u64) -> u64 {
    id + source.load()
}

#[cache(
    key = "maybe:{id}",
    idle = "10m",
    none_ttl = "1h",
    backend = "local",
    skip(source)
)]
async fn maybe(source: &Source, id: u64) -> Option<u64> {
    source.load();
    (id > 0).then_some(id)
}

/// A read a moment before the end is enough, however often that was so before.
#[tokio::test]
async fn an_entry_lives_for_as_long_as_it_is_read() {
    async fn lives(world: &World, mut read: impl AsyncFnMut(&Source)) {
        let source = Source::default();
        for _ in 0..50 {
            read(&source).await;
            world.clock.advance(secs(599));
        }
        assert_eq!(source.loads(), 1);
        world.clock.advance(millis(1_010));
        read(&source).await;
        assert_eq!(source.loads(), 2);
    }
    world(async |world| {
        lives(&world, async |source| _ = session(source, 1).await).await;
        lives(&world, async |source| _ = in_moka(source, 1).await).await;
    })
    .await;
}

#[tokio::test]
async fn however_often_it_is_read_the_ttl_ends_it() {
    world(async |world| {
        let source = Source::default();
        for _ in 0..5 {
            within(&source, 1).await;
            world.clock.advance(secs(299));
        }
        // At 1,495 s of 1,500.
        within(&source, 1).await;
        assert_eq!(source.loads(), 1);
        let left = within_entry(1).remaining_ttl().await.unwrap().unwrap();
        assert!(left <= secs(5) && left >= millis(4_900), "{left:?}");
        world.clock.advance(secs(6));
        within(&source, 1).await;
        assert_eq!(source.loads(), 2);
    })
    .await;
}

#[tokio::test]
async fn looking_at_an_entry_is_a_read_and_asking_for_its_life_is_none() {
    world(async |world| {
        let source = Source::default();
        session(&source, 1).await;
        world.clock.advance(secs(500));
        assert_eq!(session_entry(1).get().await.unwrap(), Some(1));
        world.clock.advance(secs(500));
        let left = session_entry(1).remaining_ttl().await.unwrap().unwrap();
        assert!(left <= secs(100) && left >= secs(99), "{left:?}");
        world.clock.advance(secs(101));
        assert_eq!(session_entry(1).remaining_ttl().await.unwrap(), None);
        assert_eq!(session_entry(1).get().await.unwrap(), None);
    })
    .await;
}

/// What is put by hand is as any other entry, and one that nobody may have forgotten is not kept alive.
#[tokio::test]
async fn it_is_of_values_that_are_put_too_and_not_of_none() {
    world(async |world| {
        let source = Arc::new(Source::default());
        session_entry(2).insert(7).await.unwrap();
        world.clock.advance(secs(599));
        assert_eq!(session(&source, 2).await, 7);
        world.clock.advance(secs(601));
        assert_eq!(session(&source, 2).await, 2);
        maybe(&source, 0).await;
        world.clock.advance(secs(1_200));
        let before = source.loads();
        maybe(&source, 0).await;
        assert_eq!(source.loads(), before);
    })
    .await;
}

#[cache(
    key = "trusted:{id}",
    idle = "10m",
    tier("local", ttl = "5m"),
    backend = ["local", "far"],
    skip(source)
)]
async fn trusted(source: &Source, id: u64) -> u64 {
    id + source.load()
}

/// Memory's own ttl is about memory alone.
#[tokio::test]
async fn a_tier_that_is_trusted_for_less_ends_nothing_below() {
    world(async |world| {
        let source = Source::default();
        trusted(&source, 1).await;
        world.caches.settle().await;
        world.far.set_ttl("trusted:1", secs(440));
        world.clock.advance(secs(160));
        trusted(&source, 1).await;
        world.caches.settle().await;
        assert_eq!(world.far.ttl("trusted:1"), Some(secs(600)));
        world.clock.advance(secs(160));
        trusted(&source, 1).await;
        assert_eq!(source.loads(), 1);
    })
    .await;
}

#[cache(key = "below:{id}", idle = "10m", backend = "far", skip(source))]
async fn below(source: &Source, id: u64) -> u64 {
    id + source.load()
}

#[cache(entries(below(id) for id in ids), skip(source))]
async fn all_below(source: &Source, ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, id + source.load())).collect()
}

/// A store that tells how long its entries live is told of each that was read.
#[tokio::test]
async fn a_batch_reads_too() {
    world(async |world| {
        let source = Source::default();
        let ids: Vec<u64> = (0..200).collect();
        all_below(&source, &ids).await;
        let loads = source.loads();
        for id in 0..200 {
            world.far.set_ttl(&format!("below:{id}"), secs(3));
        }
        all_below(&source, &ids[..199]).await;
        world.caches.settle().await;
        assert_eq!(source.loads(), loads);
        assert_eq!(world.far.ttl("below:0"), Some(secs(600)));
        assert_eq!(world.far.ttl("below:198"), Some(secs(600)));
        assert_eq!(world.far.ttl("below:199"), Some(secs(3)));
        below(&source, 199).await;
        world.caches.settle().await;
        assert_eq!(world.far.ttl("below:199"), Some(secs(600)));
    })
    .await;
}

#[tokio::test]
async fn a_look_for_many_reads_too() {
    world(async |world| {
        let by_name = world.caches.cache("below by name").backend(["far"]);
        let by_name = by_name.idle(secs(600)).build().unwrap();
        by_name.entry(1).insert(7).await.unwrap();
        world.far.set_ttl("below by name:1", secs(3));
        assert_eq!(by_name.get_many([1, 2]).await.unwrap(), [Some(7), None]);
        world.caches.settle().await;
        assert_eq!(world.far.ttl("below by name:1"), Some(secs(600)));
    })
    .await;
}

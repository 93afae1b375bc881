//! `entries`, of functions whose entries age: a batch reads them as a call does, and loads none of them in the background.

use std::collections::HashMap;
use std::sync::Arc;

use cached_runtime::cache;
use cached_tests::Source;

use crate::world::{secs, world};

#[cache(
    key = "aging:{_id}",
    ttl = "100s",
    refresh = "80%",
    stale = "50s",
    backend = "local",
    skip(source)
)]
async fn aging(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(entries(aging(id) for id in ids), skip(asked))]
async fn all_aging(asked: &mut Vec<u64>, ids: &[u64]) -> HashMap<u64, u64> {
    asked.extend(ids);
    ids.iter().map(|id| (*id, 100)).collect()
}

#[cache(
    key = "aging-far:{_id}",
    ttl = "100s",
    stale = "50s",
    backend = "far",
    skip(source)
)]
async fn aging_far(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(entries(aging_far(id) for id in ids), skip(asked))]
async fn all_aging_far(asked: &mut Vec<u64>, ids: &[u64]) -> HashMap<u64, u64> {
    asked.extend(ids);
    ids.iter().map(|id| (*id, 100)).collect()
}

#[cache(key = "idle-far:{_id}", idle = "10m", backend = "far", skip(source))]
async fn idle_far(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(entries(idle_far(id) for id in ids), skip(asked))]
async fn all_idle_far(asked: &mut Vec<u64>, ids: &[u64]) -> HashMap<u64, u64> {
    asked.extend(ids);
    ids.iter().map(|id| (*id, 100)).collect()
}

#[tokio::test]
async fn what_is_due_or_stale_is_served_as_it_is_until_it_ends() {
    world(async |world| {
        let (source, mut asked) = (Arc::new(Source::of(1)), Vec::new());
        aging(&source, 1).await;
        for _ in ["past 80%", "past the ttl"] {
            world.clock.advance(secs(70));
            let found = all_aging(&mut asked, &[1]).await;
            assert_eq!((found, asked.len()), (HashMap::from([(1, 1)]), 0));
        }
        world.caches.settle().await;
        assert_eq!((source.loads(), aging_cache().stats().reloads), (1, 0));
        world.clock.advance(secs(11));
        assert_eq!(
            all_aging(&mut asked, &[1, 2]).await,
            HashMap::from([(1, 100), (2, 100)])
        );
        assert_eq!(asked, [1, 2]);
        // What it loaded ages as what a call has loaded.
        world.clock.advance(secs(90));
        assert_eq!(aging(&source, 2).await, 100);
        world.caches.settle().await;
        assert_eq!((aging(&source, 2).await, aging_cache().stats().reloads), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn what_is_stale_in_a_store_is_served_too() {
    world(async |world| {
        let (source, mut asked) = (Arc::new(Source::of(1)), Vec::new());
        for id in [1, 2] {
            aging_far(&source, id).await;
        }
        // Of 150, of which the last 50 are stale.
        world.far.set_ttl("aging-far:1", secs(30));
        let found = all_aging_far(&mut asked, &[1, 2, 3]).await;
        assert_eq!(
            (found, &*asked),
            (HashMap::from([(1, 1), (2, 1), (3, 100)]), &[3_u64][..])
        );
        world.caches.settle().await;
        assert_eq!((source.loads(), aging_far_cache().stats().reloads), (2, 0));
    })
    .await;
}

#[tokio::test]
async fn what_it_reads_in_a_store_lives_longer_there() {
    world(async |world| {
        let (source, mut asked) = (Arc::new(Source::of(1)), Vec::new());
        for id in [1, 2] {
            idle_far(&source, id).await;
            world.far.set_ttl(&format!("idle-far:{id}"), secs(20));
        }
        assert_eq!(all_idle_far(&mut asked, &[1, 2, 3]).await.len(), 3);
        world.caches.settle().await;
        for id in [1, 2] {
            assert_eq!(world.far.ttl(&format!("idle-far:{id}")), Some(secs(600)));
        }
        assert_eq!(asked, [3]);
    })
    .await;
}

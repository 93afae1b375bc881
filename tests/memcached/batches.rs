//! Batches over servers that cannot find keys by pattern, and of which one may be lost without the others.

use std::collections::HashMap;
use std::sync::Mutex;

use cached_runtime::{Caches, Mode, cache, with_mode};
use cached_tests::{MemcachedServer, Source, tier};

use crate::setup::{caches, one};

/// A source, and which ids it was asked for.
struct Asked {
    source: Source,
    ids: Mutex<Vec<u64>>,
}

impl Asked {
    fn of(value: u64) -> Self {
        Self {
            source: Source::of(value),
            ids: Mutex::default(),
        }
    }

    fn take(&self) -> Vec<u64> {
        let mut ids = std::mem::take(&mut *self.ids.lock().unwrap());
        ids.sort_unstable();
        ids
    }
}

#[cache(key = "part:{_id}", ttl = "1h", backend = "memcached", skip(asked))]
async fn part(asked: &Asked, _id: u64) -> u64 {
    asked.source.load()
}

#[cache(entries(part(id) for id in ids), skip(asked))]
async fn parts(asked: &Asked, ids: &[u64]) -> HashMap<u64, u64> {
    asked.ids.lock().unwrap().extend(ids);
    let value = asked.source.load();
    ids.iter().map(|id| (*id, value)).collect()
}

async fn all(caches: &Caches, asked: &Asked, value: u64) {
    let ids: Vec<u64> = (0..100).collect();
    let map = caches.scope(parts(asked, &ids)).await;
    assert_eq!(map.len(), 100);
    assert!(map.values().all(|found| *found == value), "{map:?}");
}

#[tokio::test]
async fn a_clear_voids_what_a_batch_has_stored() {
    let servers = one().await;
    let (here, there) = (caches(&servers).await, caches(&servers).await);
    let asked = Asked::of(1);
    all(&here, &asked, 1).await;
    assert_eq!(asked.take().len(), 100);
    asked.source.set(2);
    all(&there, &asked, 1).await;
    assert_eq!(asked.take().len(), 0);
    assert_eq!(here.scope(part(&asked, 7)).await, 1);
    there.scope(async { part_cache().clear().await.unwrap() }).await;
    all(&here, &asked, 2).await;
    assert_eq!(asked.take().len(), 100);
    all(&there, &asked, 2).await;
    assert_eq!(asked.take().len(), 0);
    asked.source.set(3);
    here.scope(async { part_entry(5).invalidate().await.unwrap() })
        .await;
    let map = there.scope(parts(&asked, &[4, 5, 6])).await;
    assert_eq!(map, HashMap::from([(4, 2), (5, 3), (6, 2)]));
    let fresh = here.scope(with_mode(Mode::Refresh, parts(&asked, &[4, 6]))).await;
    assert_eq!(fresh, HashMap::from([(4, 3), (6, 3)]));
    assert_eq!(there.scope(part(&asked, 4)).await, 3);
}

#[tokio::test]
async fn the_ids_of_a_lost_server_are_loaded_and_no_others() {
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(MemcachedServer::start().await);
    }
    let (caches, asked) = (caches(&servers).await, Asked::of(1));
    all(&caches, &asked, 1).await;
    assert_eq!(asked.take().len(), 100);
    all(&caches, &asked, 1).await;
    assert_eq!(asked.take().len(), 0);
    drop(servers.remove(1));
    all(&caches, &asked, 1).await;
    let lost = asked.take();
    assert!((5..70).contains(&lost.len()), "{lost:?}");
    // The others are still read, however often that fails.
    for _ in 0..5 {
        all(&caches, &asked, 1).await;
        assert_eq!(asked.take(), lost);
    }
    asked.source.set(2);
    let ids: Vec<u64> = (0..100).collect();
    caches.scope(with_mode(Mode::Refresh, parts(&asked, &ids))).await;
    assert_eq!(asked.take(), ids);
    all(&caches, &asked, 2).await;
    assert_eq!(asked.take(), lost);
    let stats = caches.scope(async { part_cache().stats() }).await;
    assert!(tier(&stats, "memcached").hits >= 100 + 6 * (100 - lost.len() as u64));
}

#[tokio::test]
async fn the_ids_of_a_silent_server_are_loaded_and_no_others() {
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(MemcachedServer::start().await);
    }
    let (caches, asked) = (caches(&servers).await, Asked::of(1));
    all(&caches, &asked, 1).await;
    asked.take();
    servers[1].pause();
    for _ in 0..6 {
        all(&caches, &asked, 1).await;
        let lost = asked.take();
        assert!((5..70).contains(&lost.len()), "{lost:?}");
    }
    assert!(!caches.stats().stores[0].down);
    servers[1].resume();
}

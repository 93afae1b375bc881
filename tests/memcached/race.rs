//! Loads racing invalidations of one entry and of the whole cache, in two processes: nothing older is ever read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use cached_runtime::{Caches, cache};
use cached_tests::MemcachedServer;
use tokio::task::{JoinSet, yield_now};

use crate::setup::caches;

/// The source: a number that only grows, and the newest whose invalidation has returned.
#[derive(Default)]
struct Track {
    source: AtomicU64,
    floor: AtomicU64,
    over: AtomicBool,
}

#[cache(
    key = "raced:{_id}",
    ttl = "1h",
    backend = "memcached",
    skip(track),
    single_flight = "off"
)]
async fn raced(track: &Track, _id: u64) -> u64 {
    let value = track.source.load(SeqCst);
    for _ in 0..value % 5 {
        yield_now().await;
    }
    value
}

async fn write(track: Arc<Track>, caches: Caches) {
    let begun = Instant::now();
    let mut round = 0_u64;
    while begun.elapsed() < Duration::from_secs(3) {
        round += 1;
        let now = track.source.fetch_add(1, SeqCst) + 1;
        caches
            .scope(async {
                match round % 7 {
                    0 => raced_cache().clear().await.unwrap(),
                    1 => Caches::current().clear().await.unwrap(),
                    _ => raced_entry(1).invalidate().await.unwrap(),
                }
            })
            .await;
        track.floor.store(now, SeqCst);
        tokio::time::sleep(Duration::from_micros(round * 37 % 900)).await;
    }
    track.over.store(true, SeqCst);
}

async fn read(track: Arc<Track>, caches: Caches) -> u64 {
    let mut reads = 0;
    while !track.over.load(SeqCst) {
        let floor = track.floor.load(SeqCst);
        let value = caches.scope(raced(&track, 1)).await;
        assert!(
            value >= floor,
            "{value} was read after invalidation {floor} had returned"
        );
        reads += 1;
        yield_now().await;
    }
    reads
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_older_than_an_invalidation_is_read() {
    let servers = [MemcachedServer::start().await, MemcachedServer::start().await];
    let track = Arc::new(Track::default());
    let mut readers = JoinSet::new();
    let here = caches(&servers).await;
    for caches in [here.clone(), caches(&servers).await] {
        for _ in 0..3 {
            readers.spawn(read(Arc::clone(&track), caches.clone()));
        }
    }
    write(Arc::clone(&track), here.clone()).await;
    let mut reads = 0;
    while let Some(read) = readers.join_next().await {
        reads += read.unwrap();
    }
    let stats = here.scope(async { raced_cache().stats() }).await;
    assert!(reads > 1_000 && stats.hits > 100, "{reads} reads, {stats:?}");
}

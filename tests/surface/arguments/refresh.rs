//! `refresh`: a hit on an entry of some age loads it anew in the background.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use cached_runtime::{Mode, cache, with_mode};
use cached_tests::{Gate, Heard, Source};
use tokio::sync::Semaphore;

use crate::world::{secs, world};

#[cache(
    key = "part:{_id}",
    ttl = "100s",
    refresh = "80%",
    backend = "local",
    skip(source)
)]
async fn part(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "age:{_id}", refresh = "45m", backend = "local", skip(source))]
async fn age(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(key = "ahead:{_id}", ttl = |_| secs(100), strategy = "refresh_ahead", backend = "moka", skip(source))]
async fn ahead(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "ahead_at:{_id}",
    ttl = "100s",
    strategy = "refresh_ahead",
    refresh = "20%",
    backend = "local",
    skip(source)
)]
async fn ahead_at(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[cache(
    key = "gated:{_id}",
    ttl = "100s",
    refresh = "80%",
    backend = "local",
    skip(gate)
)]
async fn gated(gate: &Arc<Gate>, _id: u64) -> u64 {
    gate.load().await
}

#[cache(
    key = "fails:{_id}",
    ttl = "100m",
    refresh = "1%",
    backend = "local",
    skip(source, fails)
)]
async fn fails(source: &Arc<Source>, fails: &Arc<AtomicUsize>, _id: u64) -> Result<Option<u64>, String> {
    let value = source.load();
    match fails.load(SeqCst) {
        1 => Err("no".to_owned()),
        2 => panic!("the source"),
        3 => Ok(None),
        _ => Ok(Some(value)),
    }
}

struct Unspeakable;

#[derive(Debug)]
struct Shown(#[expect(dead_code, reason = "shown")] u64);

#[cache(key = "fails_in_debug:{id}", ttl = "100m", refresh = "1%", backend = "local", share_error = |_| Shown(0), skip(fails))]
async fn fails_in_debug(fails: &Arc<AtomicUsize>, id: u64) -> Result<u64, Shown> {
    if fails.load(SeqCst) == 0 {
        Ok(id)
    } else {
        Err(Shown(404))
    }
}

#[cache(key = "fails_in_silence:{id}", ttl = "100m", refresh = "1%", backend = "local", share_error = |_| Unspeakable, skip(fails))]
async fn fails_in_silence(fails: &Arc<AtomicUsize>, id: u64) -> Result<u64, Unspeakable> {
    if fails.load(SeqCst) == 0 {
        Ok(id)
    } else {
        Err(Unspeakable)
    }
}

/// As far as its type has words.
#[tokio::test]
async fn a_load_that_fails_is_told_with_its_error() {
    world(async |world| {
        let heard = Heard::new();
        let (source, how) = (Arc::new(Source::of(1)), Arc::new(AtomicUsize::new(0)));
        let call = async || {
            fails(&source, &how, 1).await.unwrap();
            fails_in_debug(&how, 1).await.unwrap();
            assert!(fails_in_silence(&how, 1).await.is_ok());
        };
        call().await;
        for kind in [1, 2] {
            how.store(kind, SeqCst);
            world.clock.advance(secs(100));
            call().await;
            world.caches.settle().await;
        }
        let told = heard.with("a load in the background failed");
        assert_eq!(told.len(), 6, "{told:#?}");
        for words in [
            "key=\"fails:1\" error=\"no\"",
            "key=\"fails:1\" error=\"panicked\"",
            "key=\"fails_in_debug:1\" error=\"Shown(404)\"",
            "Unspeakable\"",
        ] {
            assert!(
                told.iter().any(|line| line.contains(words)),
                "{words} in {told:#?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_hit_past_it_has_the_old_value_and_the_next_one_the_new() {
    world(async |world| {
        let source = Arc::new(Source::of(1));
        assert_eq!(part(&source, 1).await, 1);
        source.set(2);
        world.clock.advance(secs(79));
        assert_eq!(part(&source, 1).await, 1);
        world.caches.settle().await;
        assert_eq!(source.loads(), 1);
        world.clock.advance(secs(1));
        assert_eq!(part(&source, 1).await, 1);
        world.caches.settle().await;
        assert_eq!((part(&source, 1).await, source.loads()), (2, 2));
        // Its life begins anew.
        world.clock.advance(secs(79));
        assert_eq!(part(&source, 1).await, 2);
        world.caches.settle().await;
        assert_eq!(source.loads(), 2);
        let stats = part_cache().stats();
        assert_eq!((stats.reloads, stats.loads, stats.misses), (1, 2, 1));
    })
    .await;
}

#[tokio::test]
async fn nobody_asks_and_nothing_is_loaded() {
    world(async |world| {
        let source = Arc::new(Source::of(1));
        part(&source, 1).await;
        world.clock.advance(secs(101));
        world.caches.settle().await;
        assert_eq!(source.loads(), 1);
        source.set(2);
        assert_eq!((part(&source, 1).await, source.loads()), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn an_age_needs_no_ttl() {
    world(async |world| {
        let source = Arc::new(Source::of(1));
        age(&source, 1).await;
        source.set(2);
        world.clock.advance(secs(45 * 60 - 1));
        assert_eq!(age(&source, 1).await, 1);
        world.clock.advance(secs(1_000_000));
        assert_eq!(age(&source, 1).await, 1);
        world.caches.settle().await;
        assert_eq!((age(&source, 1).await, source.loads()), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn refresh_ahead_does_it_at_four_fifths_or_where_it_is_told() {
    world(async |world| {
        let source = Arc::new(Source::of(1));
        ahead(&source, 1).await;
        ahead_at(&source, 1).await;
        world.clock.advance(secs(79));
        ahead(&source, 1).await;
        world.caches.settle().await;
        assert_eq!(source.loads(), 2);
        ahead_at(&source, 1).await;
        world.caches.settle().await;
        assert_eq!(source.loads(), 3);
        world.clock.advance(secs(1));
        ahead(&source, 1).await;
        world.caches.settle().await;
        assert_eq!(source.loads(), 4);
    })
    .await;
}

#[tokio::test]
async fn it_runs_once_and_hits_do_not_wait_for_it() {
    world(async |world| {
        let gate = Arc::new(Gate::of(1));
        gate.open();
        gated(&gate, 1).await;
        world.clock.advance(secs(90));
        for _ in 0..100 {
            assert_eq!(gated(&gate, 1).await, 1);
        }
        gate.begun().await;
        gate.begun().await;
        for _ in 0..100 {
            gated(&gate, 1).await;
        }
        assert_eq!(gate.loads(), 2);
        // Past the ttl: whoever misses waits for the load that is under way.
        world.clock.advance(secs(11));
        let scoped = world.caches.clone();
        let late = tokio::spawn({
            let gate = Arc::clone(&gate);
            scoped.scope(async move { gated(&gate, 1).await })
        });
        tokio::task::yield_now().await;
        assert!(!late.is_finished());
        gate.open();
        assert_eq!((late.await.unwrap(), gate.loads()), (1, 2));
    })
    .await;
}

#[tokio::test]
async fn what_is_invalidated_meanwhile_stays_so() {
    world(async |world| {
        let gate = Arc::new(Gate::of(1));
        gate.open();
        gated(&gate, 1).await;
        gate.begun().await;
        world.clock.advance(secs(90));
        gated(&gate, 1).await;
        gate.begun().await;
        gated_entry(1).invalidate().await.unwrap();
        gate.open();
        world.caches.settle().await;
        assert_eq!(gated_entry(1).get().await.unwrap(), None);
    })
    .await;
}

/// An error, a panic and a `None` that is not kept.
#[tokio::test]
async fn a_load_that_fails_leaves_the_entry_and_one_that_finds_nothing_removes_it() {
    world(async |world| {
        let (source, how) = (Arc::new(Source::of(1)), Arc::new(AtomicUsize::new(0)));
        fails(&source, &how, 1).await.unwrap();
        world.clock.advance(secs(90));
        for fault in [1, 2] {
            how.store(fault, SeqCst);
            assert_eq!(fails(&source, &how, 1).await, Ok(Some(1)));
            world.caches.settle().await;
            // Longer than ten times what it took, the report of a panic included.
            world.clock.advance(secs(600));
        }
        let stats = fails_cache().stats();
        assert_eq!((source.loads(), stats.failed_loads, stats.reloads), (3, 2, 2));
        how.store(3, SeqCst);
        assert_eq!(fails(&source, &how, 1).await, Ok(Some(1)));
        world.caches.settle().await;
        assert_eq!(fails_entry(1).get().await.unwrap(), None);
        assert_eq!(fails(&source, &how, 1).await, Ok(None));
    })
    .await;
}

#[tokio::test]
async fn other_modes_start_nothing() {
    world(async |world| {
        let source = Arc::new(Source::of(1));
        part(&source, 1).await;
        world.clock.advance(secs(90));
        with_mode(Mode::Off, part(&source, 1)).await;
        world.caches.settle().await;
        assert_eq!(source.loads(), 2);
        source.set(2);
        assert_eq!(with_mode(Mode::Refresh, part(&source, 1)).await, 2);
        world.caches.settle().await;
        assert_eq!((source.loads(), part(&source, 1).await), (3, 2));
    })
    .await;
}

static BODIES: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[cache(
    key = "many:{_id}",
    ttl = "100s",
    refresh = "80%",
    backend = "local",
    skip(open)
)]
async fn many(open: &Arc<Semaphore>, _id: u64) -> u64 {
    MOST.fetch_max(BODIES.fetch_add(1, SeqCst) + 1, SeqCst);
    let _open = open.acquire().await.unwrap();
    BODIES.fetch_sub(1, SeqCst);
    1
}

#[tokio::test]
async fn so_many_run_at_once_and_no_more() {
    world(async |world| {
        let open = Arc::new(Semaphore::new(1_000));
        for id in 0..1_000 {
            many(&open, id).await;
        }
        world.clock.advance(secs(90));
        open.forget_permits(1_000);
        MOST.store(0, SeqCst);
        for id in 0..1_000 {
            many(&open, id).await;
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(BODIES.load(SeqCst), 32);
        open.add_permits(1_000);
        world.caches.settle().await;
        // Who was not served then asks again.
        for id in 0..1_000 {
            many(&open, id).await;
            world.caches.settle().await;
        }
        assert_eq!(MOST.load(SeqCst), 32);
        assert_eq!(many_cache().stats().reloads, 1_000);
    })
    .await;
}

//! Loads in the background that never end, fall, or are of functions that nobody expects.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::stores::Null;
use cached_runtime::testing::ManualClock;
use cached_runtime::{Caches, cache};
use cached_tests::Source;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::by_hand::{block_on, poll_once};
use crate::must_end;
use crate::odd::Odd;

const SECOND: Duration = Duration::from_secs(1);

fn aged() -> (Caches, ManualClock) {
    let clock = ManualClock::new();
    let caches = Caches::builder().clock(&clock).store("odd", Null).build();
    (caches.unwrap(), clock)
}

/// A source that answers its first question, and never again until it is `well`.
#[derive(Default)]
struct Hanging {
    asked: AtomicU64,
    well: Notify,
}

#[cache(
    key = "hanging:{_id}",
    ttl = "100s",
    refresh = "80%",
    stale = "50s",
    backend = "local",
    skip(source)
)]
async fn hanging(source: &Arc<Hanging>, _id: u64) -> u64 {
    let number = source.asked.fetch_add(1, SeqCst);
    if number == 1 {
        source.well.notified().await;
    }
    number
}

#[tokio::test(start_paused = true)]
async fn a_load_that_hangs_in_the_background_does_not_take_the_key_with_it() {
    let (caches, clock) = aged();
    let source = Arc::new(Hanging::default());
    caches
        .scope(must_end(async {
            hanging(&source, 1).await;
            clock.advance(90 * SECOND);
            assert_eq!(hanging(&source, 1).await, 0);
            tokio::task::yield_now().await;
            assert_eq!(source.asked.load(SeqCst), 2);
            clock.advance(100 * SECOND);
            // The one who waits for it gives up.
            let first = timeout(SECOND, hanging(&source, 1)).await;
            assert!(first.is_err());
            let second = timeout(SECOND, hanging(&source, 1)).await;
            assert_eq!(second, Ok(2));
            source.well.notify_one();
            caches.settle().await;
            assert_eq!(hanging(&source, 1).await, 2);
        }))
        .await;
}

#[cache(key = "heavy:{_id}", ttl = "100s", refresh = "80%", max_bytes = "1KiB", weight = |_, v: &Vec<u8>| v.len() as u64, backend = "local", skip(size, runs))]
async fn heavy(size: &Arc<AtomicUsize>, runs: &Arc<AtomicU64>, _id: u64) -> Vec<u8> {
    runs.fetch_add(1, SeqCst);
    vec![1; size.load(SeqCst)]
}

#[cache(key = "heavy_moka:{_id}", ttl = "100s", refresh = "80%", max_bytes = "1KiB", weight = |_, v: &Vec<u8>| v.len() as u64, backend = "moka", skip(size, runs))]
async fn heavy_moka(size: &Arc<AtomicUsize>, runs: &Arc<AtomicU64>, _id: u64) -> Vec<u8> {
    runs.fetch_add(1, SeqCst);
    vec![1; size.load(SeqCst)]
}

#[tokio::test]
async fn what_has_become_too_large_is_not_kept_in_its_old_form() {
    let (caches, clock) = aged();
    caches
        .scope(async {
            let (size, runs) = (Arc::new(AtomicUsize::new(10)), Arc::new(AtomicU64::new(0)));
            heavy(&size, &runs, 1).await;
            heavy_moka(&size, &runs, 1).await;
            clock.advance(90 * SECOND);
            size.store(5_000, SeqCst);
            assert_eq!(heavy(&size, &runs, 1).await.len(), 10);
            assert_eq!(heavy_moka(&size, &runs, 1).await.len(), 10);
            caches.settle().await;
            assert_eq!(heavy(&size, &runs, 1).await.len(), 5_000);
            assert_eq!(heavy_moka(&size, &runs, 1).await.len(), 5_000);
        })
        .await;
}

#[cache(
    key = "busy:{_id}",
    ttl = "100s",
    refresh = "50%",
    backend = "local",
    skip(source)
)]
async fn busy(source: &Arc<Source>, _id: u64) -> u64 {
    source.load()
}

#[test]
fn a_hit_that_was_due_a_moment_ago_starts_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (caches, clock) = aged();
        let source = Arc::new(Source::of(1));
        // Before the others begin: whether they have loaded is not known then.
        caches.scope(busy(&source, 1)).await;
        let mut tasks = Vec::new();
        let stop = Arc::new(AtomicU64::new(0));
        for _ in 0..4 {
            let (source, stop) = (Arc::clone(&source), Arc::clone(&stop));
            tasks.push(tokio::spawn(caches.scope(async move {
                while stop.load(SeqCst) == 0 {
                    for _ in 0..100 {
                        busy(&source, 1).await;
                    }
                    tokio::task::yield_now().await;
                }
            })));
        }
        let mut cycles = 0;
        for _ in 0..200 {
            let before = source.loads();
            clock.advance(60 * SECOND);
            while source.loads() == before {
                tokio::task::yield_now().await;
            }
            caches.settle().await;
            cycles += 1;
        }
        stop.store(1, SeqCst);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(source.loads(), 1 + cycles);
    });
}

struct Fragile(Arc<AtomicU64>);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(self.0.fetch_add(1, SeqCst) > 0, "a clone that panics");
        Self(Arc::clone(&self.0))
    }
}

#[cache(
    key = "fragile:{_id}",
    ttl = "100s",
    refresh = "50%",
    backend = "local",
    skip(fragile, source)
)]
async fn fragile(fragile: &Fragile, source: &Arc<Source>, _id: u64) -> u64 {
    let _ = &fragile.0;
    source.load()
}

#[tokio::test]
async fn a_clone_of_an_argument_that_panics_is_no_end_of_loads() {
    let (caches, clock) = aged();
    let source = Arc::new(Source::of(1));
    let arg = Arc::new(Fragile(Arc::default()));
    caches.scope(fragile(&arg, &source, 1)).await;
    clock.advance(60 * SECOND);
    let (s, a) = (Arc::clone(&source), Arc::clone(&arg));
    let first = tokio::spawn(caches.scope(async move { fragile(&a, &s, 1).await })).await;
    assert!(first.is_err());
    caches.scope(fragile(&arg, &source, 1)).await;
    caches.settle().await;
    assert_eq!(source.loads(), 2);
}

#[cache(
    key = "runtimes:{_id}",
    ttl = "100s",
    refresh = "50%",
    backend = "local",
    skip(source)
)]
async fn runtimes(source: &Arc<Hanging>, _id: u64) -> u64 {
    let number = source.asked.fetch_add(1, SeqCst);
    if number == 1 {
        source.well.notified().await;
    }
    number
}

#[test]
fn what_a_runtime_takes_with_it_is_loaded_by_the_next_and_without_any_nothing_is() {
    let (caches, clock) = aged();
    let source = Arc::new(Hanging::default());
    let new = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = new();
    first.block_on(caches.scope(runtimes(&source, 1)));
    clock.advance(60 * SECOND);
    // none at all
    assert_eq!(poll_once(caches.scope(runtimes(&source, 1))), Some(0));
    assert_eq!(poll_once(caches.scope(runtimes(&source, 1))), Some(0));
    assert_eq!(source.asked.load(SeqCst), 1);
    first.block_on(caches.scope(async {
        runtimes(&source, 1).await;
        tokio::task::yield_now().await;
    }));
    assert_eq!(source.asked.load(SeqCst), 2);
    drop(first);
    clock.advance(60 * SECOND);
    let second = new();
    assert_eq!(second.block_on(caches.scope(must_end(runtimes(&source, 1)))), 2);
    second.block_on(caches.settle());
}

fn runtime(paused: bool) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(paused)
        .build()
        .unwrap()
}

/// A load in the background of an entry that has ended since, on a runtime that is driven no more.
fn left_behind(caches: &Caches, clock: &ManualClock, source: &Arc<Source>) -> tokio::runtime::Runtime {
    let first = runtime(true);
    first.block_on(caches.scope(busy(source, 7)));
    clock.advance(60 * SECOND);
    assert_eq!(first.block_on(caches.scope(busy(source, 7))), 1);
    clock.advance(60 * SECOND);
    first
}

#[test]
fn a_runtime_that_nobody_drives_does_not_hold_the_others_up() {
    let (caches, clock) = aged();
    let source = Arc::new(Source::of(1));
    let first = left_behind(&caches, &clock, &source);
    assert_eq!(
        runtime(false).block_on(caches.scope(must_end(busy(&source, 7)))),
        1
    );
    drop(first);
}

/// Whoever waits for what it was to load, and gives up, is the last who does.
#[test]
fn nor_does_it_once_one_of_them_has_given_up() {
    let (caches, clock) = aged();
    let source = Arc::new(Source::of(1));
    let first = left_behind(&caches, &clock, &source);
    let second = runtime(true);
    let _ = second.block_on(caches.scope(async { timeout(5 * SECOND, busy(&source, 7)).await }));
    let got = second.block_on(caches.scope(async { timeout(5 * SECOND, busy(&source, 7)).await }));
    assert_eq!(got, Ok(1));
    drop(first);
}

#[cache(key = "closures:{_id}", ttl = |v| if *v == 1 { panic!("a ttl that panics") } else { Duration::from_secs(100) }, refresh = "50%", backend = "local", skip(source))]
async fn closures(source: &Arc<Hanging>, _id: u64) -> u64 {
    source.asked.fetch_add(1, SeqCst)
}

#[tokio::test]
async fn a_closure_that_panics_in_the_background_is_a_load_that_failed() {
    let (caches, clock) = aged();
    let source = Arc::new(Hanging::default());
    caches
        .scope(async {
            closures(&source, 1).await;
            clock.advance(60 * SECOND);
            assert_eq!(closures(&source, 1).await, 0);
            caches.settle().await;
            clock.advance(39 * SECOND);
            assert_eq!(closures(&source, 1).await, 0);
            caches.settle().await;
            assert_eq!(must_end(closures(&source, 1)).await, 2);
            assert_eq!(closures_cache().stats().failed_loads, 1);
        })
        .await;
}
#[cache(
    key = "fib:{n}",
    ttl = "100s",
    refresh = "50%",
    backend = "local",
    skip(source)
)]
async fn fib(source: &Arc<Source>, n: u64) -> u64 {
    source.load();
    if n < 2 {
        n
    } else {
        Box::pin(fib(source, n - 1)).await + Box::pin(fib(source, n - 2)).await
    }
}

#[cache(
    key = "itself:{n}",
    ttl = "100s",
    refresh = "50%",
    backend = "local",
    skip(source)
)]
async fn itself(source: &Arc<Source>, n: u64) -> u64 {
    if source.load() > 1 && source.loads() < 20 {
        Box::pin(itself(source, n)).await
    } else {
        5
    }
}

/// Two that call each other.
#[cache(ttl = "100s", refresh = "50%", backend = "local")]
async fn even(n: u64) -> Result<bool, String> {
    if n == 0 {
        Ok(true)
    } else {
        Box::pin(odd(&(n - 1))).await
    }
}

#[cache(ttl = "100s", stale = "50s", backend = "local")]
fn odd(n: &u64) -> impl Future<Output = Result<bool, String>> + Send {
    let n = *n;
    async move {
        if n == 0 {
            Ok(false)
        } else {
            Box::pin(even(n - 1)).await
        }
    }
}

#[tokio::test]
async fn what_calls_itself_is_loaded_again_as_anything_else() {
    let (caches, clock) = aged();
    let source = Arc::new(Source::of(1));
    caches
        .scope(must_end(async {
            assert_eq!(fib(&source, 20).await, 6765);
            assert_eq!(source.loads(), 21);
            clock.advance(60 * SECOND);
            assert_eq!(fib(&source, 20).await, 6765);
            caches.settle().await;
            assert_eq!(source.loads(), 42);
            let source = Arc::new(Source::of(1));
            itself(&source, 1).await;
            source.set(2);
            clock.advance(60 * SECOND);
            itself(&source, 1).await;
            caches.settle().await;
            assert_eq!(even(4).await, Ok(true));
            tokio::spawn(caches.scope(even(4))).await.unwrap().unwrap();
            assert_eq!(source.loads(), 2);
        }))
        .await;
}

macro_rules! hammered {
    ($name:ident, $chain:expr) => {
        #[cache(ttl = "100s", refresh = "1%", stale = "1000s", backend = $chain, skip(source))]
        async fn $name(source: &Arc<AtomicU64>, id: u64) -> u64 {
            let value = source.load(SeqCst);
            for _ in 0..fastrand::u8(..4) {
                tokio::task::yield_now().await;
            }
            value + id
        }
    };
}

hammered!(in_local, "local");
hammered!(in_moka, "moka");
hammered!(in_odd, "odd");
hammered!(in_both, ["local", "odd"]);

/// Everything is always due, so that loads in the background are always under way.
macro_rules! hammer {
    ($name:ident, $entry:ident) => {{
        let clock = ManualClock::new();
        let odd = crate::odd::Odd::new();
        let caches = Caches::builder().clock(&clock).store("odd", odd).build().unwrap();
        let source = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicU64::new(0));
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (source, stop, clock) = (Arc::clone(&source), Arc::clone(&stop), clock.clone());
                tokio::spawn(caches.scope(async move {
                    while stop.load(SeqCst) == 0 {
                        clock.advance(2 * SECOND);
                        $name(&source, 0).await;
                        tokio::task::yield_now().await;
                    }
                }))
            })
            .collect();
        caches
            .scope(async {
                for version in 1..1_000 {
                    source.store(version, SeqCst);
                    match version % 3 {
                        0 => caches.clear().await.unwrap(),
                        1 => $entry(0).invalidate().await.unwrap(),
                        _ => $entry(0).insert(version).await.unwrap(),
                    }
                    for _ in 0..4 {
                        assert_eq!($name(&source, 0).await, version);
                        tokio::task::yield_now().await;
                    }
                }
            })
            .await;
        stop.store(1, SeqCst);
        for reader in readers {
            reader.await.unwrap();
        }
        caches.settle().await;
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_is_under_way_nothing_old_is_seen_after_an_invalidation() {
    hammer!(in_local, in_local_entry);
    hammer!(in_moka, in_moka_entry);
    hammer!(in_odd, in_odd_entry);
    hammer!(in_both, in_both_entry);
}

/// What its call has had copied for a load in the background.
#[derive(Clone)]
struct Rates(u64);

#[cache(key = "rated:{_id}", ttl = "100s", refresh = "50s", backend = ["local", "odd"], skip(rates))]
async fn rated(rates: &Rates, _id: u64) -> u64 {
    rates.0
}

/// The load is begun, and has not asked the store yet when everything is invalidated that was made of what it works with.
#[tokio::test]
async fn a_load_of_what_was_copied_before_an_invalidation_is_stored_nowhere() {
    let (clock, odd) = (ManualClock::new(), Odd::new());
    let caches = Caches::builder()
        .clock(&clock)
        .store("odd", odd.clone())
        .build()
        .unwrap();
    caches
        .scope(async {
            assert_eq!(rated(&Rates(1), 1).await, 1);
            caches.settle().await;
            clock.advance(60 * SECOND);
            assert_eq!(rated(&Rates(1), 1).await, 1);
            // Before the runtime has come to it.
            block_on(rated_entry(1).invalidate()).unwrap();
            caches.settle().await;
            assert_eq!(odd.bytes("rated:1"), None);
            assert_eq!(rated(&Rates(2), 1).await, 2);
        })
        .await;
}

#[cache(
    key = "weighty:{_id}",
    ttl = "100s",
    refresh = "50s",
    backend = "local",
    max_bytes = "1KiB",
    weight = |_, value| { assert!(*value != 1, "a bug in a weight"); 1 },
    skip(source)
)]
async fn weighty(source: &Arc<AtomicU64>, _id: u64) -> u64 {
    source.fetch_add(1, SeqCst)
}

/// It is not begun again at once, as no load that fails is.
#[tokio::test]
async fn a_weight_that_panics_in_the_background_is_a_load_that_failed() {
    let (caches, clock) = aged();
    let source = Arc::new(AtomicU64::new(0));
    caches
        .scope(async {
            assert_eq!(weighty(&source, 1).await, 0);
            clock.advance(60 * SECOND);
            for _ in 0..3 {
                assert_eq!(weighty(&source, 1).await, 0);
                caches.settle().await;
            }
            assert_eq!(
                (weighty_cache().stats().failed_loads, source.load(SeqCst)),
                (1, 2)
            );
        })
        .await;
}

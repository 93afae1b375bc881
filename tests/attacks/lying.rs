//! Stores that lie, hang, or serve some of what they are asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use cached_runtime::{Caches, ErrorKind, Mode, cache, with_mode};

use crate::must_end;
use crate::odd::{Act, Odd};

#[cache(backend = "odd", key = "l1:{id}", skip(runs))]
async fn far(runs: &AtomicU64, id: u64) -> u64 {
    let _ = id;
    runs.fetch_add(1, SeqCst)
}

#[cache(backend = "odd", key = "l2:{id}", skip(runs))]
async fn other(runs: &AtomicU64, id: u64) -> u64 {
    let _ = id;
    runs.fetch_add(1, SeqCst) + 1_000
}

/// The bytes of another key, and those of another function.
#[tokio::test]
async fn entries_of_others_are_not_taken() {
    let (odd, runs) = (Odd::new(), AtomicU64::new(0));
    odd.caches()
        .scope(async {
            far(&runs, 1).await;
            other(&runs, 1).await;
            let (mine, others) = (odd.bytes("l1:1").unwrap(), odd.bytes("l2:1").unwrap());
            odd.set("l1:2", mine);
            odd.set("l1:3", others);
            odd.set("l1:4", Vec::new());
            for id in 2..5 {
                assert_eq!(far(&runs, id).await, id);
                assert_eq!(far(&runs, id).await, id, "replaced");
            }
        })
        .await;
}

/// One removal that a store will not do does not hold up the others, nor keep the store from serving.
#[tokio::test]
async fn one_removal_that_is_refused_holds_up_no_other() {
    let (odd, runs) = (Odd::new(), AtomicU64::new(0));
    let caches = odd.caches();
    let down = Arc::new(AtomicBool::new(true));
    caches
        .scope(must_end(async {
            for id in 0..2_000 {
                far(&runs, id).await;
            }
            let is_down = Arc::clone(&down);
            odd.script(move |operation, key| match operation {
                _ if is_down.load(SeqCst) => Act::Fail(ErrorKind::Unavailable),
                "remove" if key == "l1:7" => Act::Fail(ErrorKind::Store),
                "remove_matching" => Act::Fail(ErrorKind::Store),
                _ => Act::Serve,
            });
            for id in 0..1_990 {
                far_entry(id).invalidate().await.unwrap();
            }
            let _ = other_cache().clear().await;
            down.store(false, SeqCst);
            tokio::time::sleep(Duration::from_secs(2)).await;
            // Every other key that was removed is gone, and the store serves again.
            for id in (0..1_990).filter(|id| *id != 7) {
                assert!(odd.bytes(&format!("l1:{id}")).is_none(), "{id}");
            }
            assert!(!caches.stats().stores[0].down);
            let before = runs.load(SeqCst);
            assert_eq!(far(&runs, 1_995).await, 1_995, "still there");
            assert_eq!(runs.load(SeqCst), before);
            assert_eq!(
                far_entry(7).get().await.unwrap(),
                None,
                "what is not removed is not read"
            );
        }))
        .await;
}

/// What could not be removed one by one and cannot be found by pattern must come right some time.
#[tokio::test]
async fn a_store_without_patterns_outlives_a_storm_of_removals() {
    let (odd, runs) = (Odd::new().without_patterns(), AtomicU64::new(0));
    let caches = odd.caches();
    caches
        .scope(async {
            far(&runs, 0).await;
            odd.script(|_, _| Act::Fail(ErrorKind::Unavailable));
            for id in 0..100_100 {
                far_entry(id).invalidate().await.unwrap();
            }
            odd.script(|_, _| Act::Serve);
            let healed = async {
                while caches.stats().stores[0].down {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            must_end(healed).await;
            // The old value is never served.
            assert_ne!(far(&runs, 0).await, 0);
        })
        .await;
}

#[tokio::test]
async fn a_storm_of_removals_is_replayed_as_one() {
    let (odd, runs) = (Odd::new(), AtomicU64::new(0));
    let caches = odd.caches();
    caches
        .scope(must_end(async {
            far(&runs, 0).await;
            odd.script(|_, _| Act::Fail(ErrorKind::Unavailable));
            for id in 0..100_100 {
                far_entry(id).invalidate().await.unwrap();
            }
            odd.script(|_, _| Act::Serve);
            assert_ne!(far(&runs, 0).await, 0);
            caches.settle().await;
            assert!(!caches.stats().stores[0].pending_removals);
            assert!(odd.bytes("l1:0").is_none());
            let now = far(&runs, 0).await;
            assert_eq!(far(&runs, 0).await, now);
        }))
        .await;
}

/// A store that is slow, but never so slow that a single call of it would be given up.
#[tokio::test]
async fn a_slow_store_costs_one_budget_a_call() {
    /// Every call takes this part of the budget.
    const SLOW: Duration = Duration::from_millis(350);
    const BUDGET: Duration = Duration::from_millis(400);
    let (odd, runs) = (Odd::new(), AtomicU64::new(0));
    let slow = Slow(odd.clone(), SLOW);
    let caches = Caches::builder()
        .store("odd", slow)
        .time_budget(BUDGET)
        .build()
        .unwrap();
    caches
        .scope(async {
            odd.set("l1:1", b"rubbish".to_vec());
            for id in [0, 1] {
                let begun = Instant::now();
                far(&runs, id).await;
                assert!(
                    begun.elapsed() < BUDGET + Duration::from_millis(250),
                    "{id}: {:?}",
                    begun.elapsed()
                );
            }
        })
        .await;
}

/// From the end on nobody asks a store, whether it minds or not.
#[tokio::test]
async fn nobody_asks_a_store_after_the_end() {
    let (odd, runs) = (Odd::new(), AtomicU64::new(0));
    let caches = odd.caches();
    caches
        .scope(async {
            far(&runs, 0).await;
            caches.shutdown().await.unwrap();
            let calls = odd.calls().len();
            assert_eq!(far(&runs, 0).await, 1, "remote tiers are misses");
            assert_eq!(far_entry(0).get().await.unwrap_err().kind(), ErrorKind::Closed);
            assert_eq!(odd.calls().len(), calls);
        })
        .await;
}

#[cache(backend = ["local", "odd"], key = "l3:{id}", skip(there))]
async fn maybe(there: bool, id: u64) -> Option<u64> {
    there.then_some(id)
}

#[cache(backend = ["local", "odd"], key = "l4:{id}", cache_if = |even| even % 2 == 0, skip(value))]
async fn even(value: u64, id: u64) -> u64 {
    let _ = id;
    value
}

/// What is loaded anew and not to be kept must not leave the old value behind.
#[tokio::test]
async fn a_refresh_leaves_nothing_old() {
    let odd = Odd::new();
    odd.caches()
        .scope(must_end(async {
            assert_eq!(maybe(true, 1).await, Some(1));
            assert_eq!(with_mode(Mode::Refresh, maybe(false, 1)).await, None);
            assert_eq!(maybe(false, 1).await, None);
            assert!(odd.bytes("l3:1").is_none());
            assert_eq!(even(2, 1).await, 2);
            assert_eq!(with_mode(Mode::Refresh, even(3, 1)).await, 3);
            assert_eq!(even(5, 1).await, 5);
            assert!(odd.bytes("l4:1").is_none());
        }))
        .await;
}

/// Takes its time for everything.
struct Slow(Odd, Duration);

macro_rules! slow {
    ($($method:ident($($name:ident: $ty:ty),*) -> $answer:ty;)*) => {
        impl cached_runtime::Store for Slow {
            $(fn $method<'a>(&'a self, $($name: $ty),*) -> cached_runtime::BoxFuture<'a, $answer> {
                Box::pin(async move {
                    tokio::time::sleep(self.1).await;
                    self.0.$method($($name),*).await
                })
            })*

            fn describe(&self) -> String {
                "slow".to_owned()
            }
        }
    };
}

type Answer<T> = Result<T, cached_runtime::Error>;

slow! {
    get(key: &'a str) -> Answer<cached_runtime::Lookup>;
    reserve(key: &'a str) -> Answer<cached_runtime::Token>;
    fill(key: &'a str, bytes: &'a [u8], ttl: Option<Duration>, token: &'a cached_runtime::Token) -> Answer<cached_runtime::Filled>;
    put(key: &'a str, bytes: &'a [u8], ttl: Option<Duration>) -> Answer<()>;
    remove(keys: &'a [String]) -> Answer<()>;
    remove_matching(pattern: &'a str, wanted: &'a (dyn Fn(&str) -> bool + Send + Sync)) -> Answer<u64>;
    remaining(key: &'a str) -> Answer<Option<Option<Duration>>>;
    ping() -> Answer<()>;
}

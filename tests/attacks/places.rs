//! Runtimes: none, several, one that ends; `Caches` that come and go.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use cached_runtime::{Cache, ErrorKind, cache, invalidate};
use tokio::runtime::{Builder, Runtime};

use crate::by_hand::block_on;
use crate::odd::{Act, Odd};

#[cache(backend = "local", key = "r1:{id}", skip(runs))]
async fn near(runs: &AtomicU64, id: u64) -> u64 {
    runs.fetch_add(1, SeqCst);
    id
}

#[cache(backend = ["local", "odd"], key = "r2:{id}", skip(runs))]
async fn far(runs: &AtomicU64, id: u64) -> u64 {
    runs.fetch_add(1, SeqCst);
    id
}

#[invalidate(far(id), near(id))]
async fn write(id: u64) {
    let _ = id;
}

#[test]
fn without_any_runtime() {
    let odd = Odd::new();
    let caches = odd.caches();
    let runs = AtomicU64::new(0);
    block_on(caches.scope(async {
        for id in 0..3 {
            assert_eq!(near(&runs, id).await, id);
            assert_eq!(near(&runs, id).await, id);
            assert_eq!(far(&runs, id).await, id);
            assert_eq!(far(&runs, id).await, id);
        }
        assert_eq!(runs.load(SeqCst), 6);
        near_entry(1).insert(7).await.unwrap();
        assert_eq!(near_entry(1).get().await.unwrap(), Some(7));
        near_cache().clear().await.unwrap();
        assert_eq!(near_entry(1).get().await.unwrap(), None);
        write(1).await;
        assert_eq!(far_entry(1).get().await.unwrap(), None);
        caches.settle().await;
    }));
}

#[test]
fn shutting_down_without_any_runtime() {
    let caches = Odd::new().caches();
    let runs = AtomicU64::new(0);
    block_on(caches.scope(async {
        near(&runs, 1).await;
        caches.shutdown().await.unwrap();
        assert_eq!(near_entry(1).get().await.unwrap_err().kind(), ErrorKind::Closed);
    }));
}

/// A runtime whose builder was not told to enable anything, as in the documentation of many a crate.
#[test]
fn a_runtime_without_timers() {
    let odd = Odd::new();
    let caches = odd.caches();
    let runs = AtomicU64::new(0);
    Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(caches.scope(async {
            for id in 0..10 {
                assert_eq!(near(&runs, id).await, id);
                assert_eq!(far(&runs, id).await, id);
                write(id).await;
            }
            caches.settle().await;
        }));
    // And afterwards in one that has them.
    Runtime::new().unwrap().block_on(caches.scope(async {
        for _ in 0..100 {
            far(&runs, 1).await;
            far_entry(1).invalidate().await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        far(&runs, 1).await;
        assert!(odd.bytes("r2:1").is_some());
    }));
}

/// Such a store is asked for its generations first. Whether it can be asked anything here or not, callers are served.
async fn serves(cache: &Cache<u64>) {
    assert_eq!(cache.entry(1).get_or_load(async || 1).await.unwrap(), 1);
    let load = async |ids: Vec<u64>| ids.into_iter().map(|id| (id, id)).collect::<HashMap<_, _>>();
    let many = cache.get_or_load_many([3_u64, 4], load).await.unwrap();
    assert_eq!(many, [Some(3), Some(4)]);
    cache.entry(1).insert(2).await.ok();
    cache.entry(1).invalidate().await.unwrap();
    assert_eq!(cache.entry(1).get().await.unwrap(), None);
    cache.clear().await.unwrap();
    assert_eq!(cache.entry(3).get().await.unwrap(), None);
}

fn blind() -> Cache<u64> {
    let caches = Odd::new().without_patterns().caches();
    caches.cache("blind").backend(["local", "odd"]).build().unwrap()
}

#[test]
fn a_store_without_patterns_serves_without_any_runtime() {
    block_on(serves(&blind()));
}

#[test]
fn a_store_without_patterns_serves_in_a_runtime_without_timers() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(serves(&blind()));
}

#[cache(backend = ["local", "odd"], key = "r3:{id}", skip(runs, gate))]
async fn gated(runs: &AtomicU64, gate: Option<&tokio::sync::Notify>, id: u64) -> u64 {
    runs.fetch_add(1, SeqCst);
    if let Some(gate) = gate {
        gate.notified().await;
    }
    id
}

/// The leader's runtime ends; who waited in another takes over.
#[test]
fn a_runtime_that_ends_with_a_flight() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let caches = Odd::new().caches();
    let leaders = Runtime::new().unwrap();
    let gate = Arc::new(tokio::sync::Notify::new());
    let begun = {
        let (caches, gate) = (caches.clone(), Arc::clone(&gate));
        leaders.spawn(async move { caches.scope(gated(&RUNS, Some(&gate), 1)).await })
    };
    while RUNS.load(SeqCst) == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    let follower = {
        let caches = caches.clone();
        thread::spawn(move || block_on(caches.scope(gated(&RUNS, None, 1))))
    };
    let other = {
        let caches = caches.clone();
        thread::spawn(move || {
            Runtime::new()
                .unwrap()
                .block_on(caches.scope(gated(&RUNS, None, 1)))
        })
    };
    thread::sleep(Duration::from_millis(50));
    assert!(!follower.is_finished());
    leaders.shutdown_background();
    drop(begun);
    assert_eq!(follower.join().unwrap(), 1);
    assert_eq!(other.join().unwrap(), 1);
}

/// One `Caches` used from many runtimes, one after the other and at once.
#[test]
fn many_runtimes() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let odd = Odd::new();
    let caches = odd.caches();
    let threads: Vec<_> = (0..4_u64)
        .map(|thread| {
            let caches = caches.clone();
            thread::spawn(move || {
                for round in 0..30 {
                    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(caches.scope(async {
                        for id in 0..10 {
                            assert_eq!(far(&RUNS, id).await, id);
                            if (thread + round + id) % 7 == 0 {
                                write(id).await;
                            }
                        }
                    }));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    Runtime::new().unwrap().block_on(async {
        caches.settle().await;
        assert!(!caches.stats().stores[0].pending_removals);
    });
}

/// Nothing is left of a `Caches` that is gone, also if its store was down.
#[tokio::test]
async fn hundreds_of_caches_come_and_go() {
    for down in [false, true] {
        let odd = Odd::new();
        let runs = AtomicU64::new(0);
        if down {
            odd.script(|_, _| Act::Fail(ErrorKind::Unavailable));
        }
        for id in 0..300 {
            odd.caches().scope(far(&runs, id)).await;
            odd.caches().scope(far(&runs, id)).await;
            let caches = odd.caches();
            caches
                .scope(async {
                    // As often as it takes to find that the store is down.
                    for id in 0..4 {
                        far(&runs, id).await;
                    }
                })
                .await;
        }
        tokio::time::sleep(Duration::from_millis(600)).await;
        let calls = odd.calls().len();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(odd.calls().len(), calls, "somebody still asks; down: {down}");
    }
}

/// A removal that is owed is delivered although its `Caches` is gone.
#[tokio::test]
async fn what_is_owed_is_delivered_by_those_who_are_gone() {
    let odd = Odd::new();
    let runs = AtomicU64::new(0);
    odd.caches().scope(far(&runs, 1)).await;
    assert!(odd.bytes("r2:1").is_some());
    odd.script(|_, _| Act::Fail(ErrorKind::Unavailable));
    odd.caches().scope(write(1)).await;
    odd.script(|_, _| Act::Serve);
    crate::must_end(async {
        while odd.bytes("r2:1").is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

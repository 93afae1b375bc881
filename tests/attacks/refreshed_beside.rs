//! Refreshes beside whatever else may be at the same entry meanwhile: what is found afterwards is what the source said last.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::{Cache, Caches, ErrorKind, Mode, Strategy, with_mode};
use tokio::sync::Notify;

use crate::must_end;
use crate::odd::{Act, Gate, Odd};

const BUDGET: Duration = Duration::from_secs(5);

pub fn numbers<const N: usize>(caches: &Caches, chain: [&str; N]) -> Cache<u64> {
    caches.cache("numbers").backend(chain).build().unwrap()
}

/// The one that began first, and has read what the source said before, ends first.
#[tokio::test]
async fn of_two_at_once_the_older_does_not_stay() {
    for chain in [&["local"][..], &["local", "odd"]] {
        let caches = Odd::new().caches_within(BUDGET);
        let cache: Cache<u64> = caches
            .cache("numbers")
            .backend(chain.iter().copied())
            .build()
            .unwrap();
        let (entry, source) = (cache.entry(1), AtomicU64::new(1));
        let load = async || source.load(SeqCst);
        let [has_read, other_has_read, ended] = [(); 3].map(|()| Notify::new());
        let first = async {
            let body = async || {
                let value = source.swap(2, SeqCst);
                has_read.notify_one();
                other_has_read.notified().await;
                value
            };
            let value = with_mode(Mode::Refresh, entry.get_or_load(body)).await;
            ended.notify_one();
            value
        };
        let second = async {
            let body = async || {
                let value = source.load(SeqCst);
                other_has_read.notify_one();
                ended.notified().await;
                value
            };
            has_read.notified().await;
            with_mode(Mode::Refresh, entry.get_or_load(body)).await
        };
        let (first, second) = must_end(async { tokio::join!(first, second) }).await;
        assert_eq!((first.unwrap(), second.unwrap()), (1, 2));
        assert_eq!(entry.get_or_load(load).await.unwrap(), 2, "{chain:?}");
    }
}

/// The one that began last has read what the source said before, and ends last.
#[tokio::test]
async fn of_two_at_once_the_older_reading_does_not_stay() {
    for (chain, heavy) in [
        (&["local"][..], false),
        (&["local"], true),
        (&["local", "odd"], false),
    ] {
        let caches = Odd::new().caches_within(BUDGET);
        let cache: Cache<u64> = caches
            .cache("numbers")
            .backend(chain.iter().copied())
            .max_bytes(1_000)
            .weight(move |_, value| if heavy && *value == 2 { 1_000_000 } else { 1 })
            .build()
            .unwrap();
        let (entry, source) = (cache.entry(1), AtomicU64::new(1));
        let [begun, has_read, ended] = [(); 3].map(|()| Notify::new());
        let newer = async {
            let body = async || {
                begun.notify_one();
                has_read.notified().await;
                source.load(SeqCst)
            };
            let value = with_mode(Mode::Refresh, entry.get_or_load(body)).await;
            ended.notify_one();
            value
        };
        let older = async {
            begun.notified().await;
            let body = async || {
                let value = source.swap(2, SeqCst);
                has_read.notify_one();
                ended.notified().await;
                value
            };
            with_mode(Mode::Refresh, entry.get_or_load(body)).await
        };
        let (newer, older) = must_end(async { tokio::join!(newer, older) }).await;
        assert_eq!((newer.unwrap(), older.unwrap()), (2, 1));
        let load = async || source.load(SeqCst);
        assert_eq!(
            entry.get_or_load(load).await.unwrap(),
            2,
            "{chain:?}, heavy: {heavy}"
        );
    }
}

/// Something that concerns neither of them moves the stamp on while another finds the old value below.
#[tokio::test]
async fn what_was_found_below_does_not_stay_after_an_invalidation_of_others() {
    let (odd, source) = (Odd::new(), AtomicU64::new(1));
    let caches = odd.caches_within(BUDGET);
    let near = numbers(&caches, ["local", "odd"]);
    let entry = near.entry(1);
    let load = async || source.load(SeqCst);
    // Another process has loaded it.
    let far = odd.caches_within(BUDGET);
    assert_eq!(
        numbers(&far, ["odd"]).entry(1).get_or_load(load).await.unwrap(),
        1
    );
    let body = async || {
        near.invalidate_pattern("numbers:9*").await.unwrap();
        assert_eq!(with_mode(Mode::Normal, entry.get_or_load(load)).await.unwrap(), 1);
        source.store(2, SeqCst);
        2
    };
    assert_eq!(
        with_mode(Mode::Refresh, entry.get_or_load(body)).await.unwrap(),
        2
    );
    assert_eq!(entry.get_or_load(load).await.unwrap(), 2);
}

/// Among so many there are some that share a stamp.
#[tokio::test]
async fn none_of_a_batch_is_lost_to_its_neighbours() {
    const MANY: u64 = 4_000;
    for chain in [&["local"][..], &["local", "odd"]] {
        let caches = Odd::new().caches_within(BUDGET);
        let cache: Cache<u64> = caches
            .cache("numbers")
            .capacity(1_000_000)
            .backend(chain.iter().copied())
            .build()
            .unwrap();
        let loaded = Cell::new(0);
        let load = async |ids: Vec<u64>| {
            loaded.set(loaded.get() + ids.len());
            ids.into_iter().map(|id| (id, id)).collect::<HashMap<_, _>>()
        };
        let all = || cache.get_or_load_many(0..MANY, load);
        with_mode(Mode::Refresh, all()).await.unwrap();
        assert_eq!(cache.stats().entries, MANY, "{chain:?}");
        all().await.unwrap();
        assert_eq!(loaded.get() as u64, MANY, "{chain:?}");
        // Nor in memory to those that have no value.
        if chain.len() == 1 {
            let half = async |ids: Vec<u64>| {
                let some = ids.into_iter().filter(|id| id % 2 == 0);
                some.map(|id| (id, id)).collect::<HashMap<_, _>>()
            };
            with_mode(Mode::Refresh, cache.get_or_load_many(0..MANY, half))
                .await
                .unwrap();
            assert_eq!(cache.stats().entries, MANY / 2);
        }
    }
}

/// Another process has had the token revoked, and then has nothing to store.
#[tokio::test]
async fn a_store_that_refuses_it_does_not_keep_what_is_old() {
    let (odd, source) = (Odd::new(), AtomicU64::new(1));
    let [ours, theirs] = [(); 2].map(|()| numbers(&odd.caches_within(BUDGET), ["odd"]));
    let load = async || source.load(SeqCst);
    for many in [false, true] {
        let before = source.load(SeqCst);
        let entry = ours.entry(1);
        assert_eq!(entry.get_or_load(load).await.unwrap(), before);
        let fails = async || {
            let theirs = theirs.entry(1);
            let failing = theirs.get_or_load(async || Err::<u64, _>("no"));
            with_mode(Mode::Refresh, failing).await.unwrap_err();
            source.store(before + 1, SeqCst);
            before + 1
        };
        if many {
            let load = async |ids: Vec<u64>| {
                let value = fails().await;
                ids.into_iter().map(|id| (id, value)).collect::<HashMap<_, _>>()
            };
            let fresh = with_mode(Mode::Refresh, ours.get_or_load_many([1_u64], load));
            assert_eq!(fresh.await.unwrap(), [Some(before + 1)]);
        } else {
            let fresh = with_mode(Mode::Refresh, entry.get_or_load(fails));
            assert_eq!(fresh.await.unwrap(), before + 1);
        }
        assert_eq!(
            entry.get_or_load(load).await.unwrap(),
            before + 1,
            "of many: {many}"
        );
    }
}

/// Neither store gives a token. The old value must not climb from the lower one into the upper one, which has just lost it.
#[tokio::test]
async fn what_is_removed_does_not_climb_back() {
    for many in [false, true] {
        let (upper, lower, source) = (Odd::new(), Odd::new(), AtomicU64::new(1));
        let caches = Caches::builder()
            .store("upper", upper.clone())
            .store("lower", lower.clone())
            // Others of this program name it.
            .store("odd", Odd::new())
            .time_budget(BUDGET)
            .build()
            .unwrap();
        let cache = numbers(&caches, ["upper", "lower"]);
        let entry = cache.entry(1);
        let load = async || source.load(SeqCst);
        assert_eq!(entry.get_or_load(load).await.unwrap(), 1);
        caches.settle().await;
        source.store(2, SeqCst);
        let gate = Gate::new();
        let refuses = |operation: &str| operation == "reserve" || operation == "reserve_many";
        upper.script(move |operation, _| {
            if refuses(operation) {
                Act::Fail(ErrorKind::Store)
            } else {
                Act::Serve
            }
        });
        let held = Arc::clone(&gate);
        lower.script(move |operation, _| match operation {
            "remove" => Act::Wait(Arc::clone(&held)),
            _ if refuses(operation) => Act::Fail(ErrorKind::Store),
            _ => Act::Serve,
        });
        let refresh = async {
            if many {
                let all = async |ids: Vec<u64>| ids.into_iter().map(|id| (id, 2)).collect::<HashMap<_, _>>();
                let fresh = with_mode(Mode::Refresh, cache.get_or_load_many([1_u64], all));
                assert_eq!(fresh.await.unwrap(), [Some(2)]);
            } else {
                let fresh = with_mode(Mode::Refresh, entry.get_or_load(load));
                assert_eq!(fresh.await.unwrap(), 2);
            }
        };
        let reads = async {
            gate.arrived().await;
            entry.get_or_load(load).await.unwrap();
            gate.stay_open();
        };
        must_end(async { tokio::join!(refresh, reads) }).await;
        caches.settle().await;
        assert_eq!(entry.get_or_load(load).await.unwrap(), 2, "of many: {many}");
    }
}

/// The new value is too heavy for memory, into which another copies the old one while the store is not there yet.
#[tokio::test]
async fn what_is_copied_up_while_the_store_is_filled_does_not_stay() {
    for (many, strategy) in [
        (false, Strategy::CacheAside),
        (true, Strategy::CacheAside),
        (false, Strategy::WriteBehind),
        (true, Strategy::WriteBehind),
    ] {
        let (odd, source) = (Odd::new(), AtomicU64::new(1));
        let caches = odd.caches_within(BUDGET);
        let cache: Cache<u64> = caches
            .cache("numbers")
            .backend(["local", "odd"])
            .strategy(strategy)
            .max_bytes(1_000)
            .weight(|_, value| if *value == 1 { 1 } else { 1_000_000 })
            .build()
            .unwrap();
        let entry = cache.entry(1);
        let load = async || source.load(SeqCst);
        assert_eq!(entry.get_or_load(load).await.unwrap(), 1);
        caches.settle().await;
        source.store(2, SeqCst);
        let gate = odd.hold("fill");
        let refresh = async {
            if many {
                let all = async |ids: Vec<u64>| ids.into_iter().map(|id| (id, 2)).collect::<HashMap<_, _>>();
                let fresh = with_mode(Mode::Refresh, cache.get_or_load_many([1_u64], all));
                assert_eq!(fresh.await.unwrap(), [Some(2)]);
            } else {
                let fresh = with_mode(Mode::Refresh, entry.get_or_load(load));
                assert_eq!(fresh.await.unwrap(), 2);
            }
        };
        let reads = async {
            gate.arrived().await;
            assert_eq!(entry.get_or_load(load).await.unwrap(), 1);
            gate.stay_open();
        };
        must_end(async { tokio::join!(refresh, reads) }).await;
        assert_eq!(
            entry.get_or_load(load).await.unwrap(),
            2,
            "of many: {many}, {strategy:?}"
        );
    }
}

/// A user's `weight` that panics keeps nothing old either.
#[tokio::test]
async fn what_panics_on_the_way_keeps_nothing_old() {
    for chain in [&["local"][..], &["local", "odd"]] {
        for many in [false, true] {
            let source = AtomicU64::new(1);
            let caches = Odd::new().caches_within(BUDGET);
            let panics = AtomicUsize::new(1);
            let cache: Cache<u64> = caches
                .cache("numbers")
                .backend(chain.iter().copied())
                .max_bytes(1_000)
                .weight(move |_, value| {
                    let panics = *value == 2 && panics.swap(0, SeqCst) == 1;
                    assert!(!panics, "a bug in a weight");
                    1
                })
                .build()
                .unwrap();
            let entry = cache.entry(1);
            let load = async || source.load(SeqCst);
            assert_eq!(entry.get_or_load(load).await.unwrap(), 1);
            source.store(2, SeqCst);
            let (refreshed, again) = (cache.clone(), entry.clone());
            let refresh = tokio::spawn(with_mode(Mode::Refresh, async move {
                if many {
                    let all =
                        async |ids: Vec<u64>| ids.into_iter().map(|id| (id, 2)).collect::<HashMap<_, _>>();
                    drop(refreshed.get_or_load_many([1_u64], all).await);
                } else {
                    drop(again.get_or_load(async || 2).await);
                }
            }));
            assert!(refresh.await.unwrap_err().is_panic());
            assert_eq!(
                entry.get_or_load(load).await.unwrap(),
                2,
                "{chain:?}, of many: {many}"
            );
        }
    }
}

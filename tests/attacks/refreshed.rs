//! Refreshing what is cached, where something does not take the new value: the old one must not come back.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::{Cache, Entry, ErrorKind, Mode, cache, with_mode};
use tokio::runtime::Builder;
use tokio::time::Instant;

use crate::by_hand::block_on;
use crate::odd::{Act, Odd};

const BUDGET: Duration = Duration::from_millis(200);
/// How exactly the time is told.
const EXACTLY: Duration = Duration::from_millis(2);

fn numbers(odd: &Odd) -> Cache<u64> {
    let caches = odd.caches_within(BUDGET);
    caches.cache("numbers").backend(["odd"]).build().unwrap()
}

/// One entry and two in one call, refreshed while the store fails at one operation: what is found afterwards.
async fn refreshed_past(operation: &'static str) {
    let (odd, source) = (Odd::new(), AtomicU64::new(1));
    let cache = numbers(&odd);
    let one = async || source.load(SeqCst);
    let many = async |ids: Vec<u64>| {
        let value = source.load(SeqCst);
        ids.into_iter().map(|id| (id, value)).collect::<HashMap<_, _>>()
    };
    assert_eq!(cache.entry(1).get_or_load(one).await.unwrap(), 1);
    assert_eq!(
        cache.get_or_load_many([2_u64, 3], many).await.unwrap(),
        [Some(1); 2]
    );
    source.store(2, SeqCst);
    odd.script(move |seen, _| {
        if seen == operation {
            Act::Fail(ErrorKind::Store)
        } else {
            Act::Serve
        }
    });
    let entry = cache.entry(1);
    let fresh = with_mode(Mode::Refresh, entry.get_or_load(one));
    assert_eq!(fresh.await.unwrap(), 2);
    let fresh = with_mode(Mode::Refresh, cache.get_or_load_many([2_u64, 3], many));
    assert_eq!(fresh.await.unwrap(), [Some(2); 2]);
    odd.script(|_, _| Act::Serve);
    assert_eq!(cache.entry(1).get_or_load(one).await.unwrap(), 2, "{operation}");
    assert_eq!(
        cache.get_or_load_many([2_u64, 3], many).await.unwrap(),
        [Some(2); 2],
        "{operation}"
    );
}

#[tokio::test]
async fn a_store_that_gives_no_token_does_not_keep_what_is_old() {
    refreshed_past("reserve").await;
}

#[tokio::test]
async fn a_store_that_does_not_take_it_does_not_keep_what_is_old() {
    refreshed_past("fill").await;
}

#[cache(backend = ["local", "odd"], key = "f:none:{id}")]
async fn nothing(id: u64) -> Option<u64> {
    let _ = id;
    None
}

#[cache(entries(nothing(id) for id in ids))]
async fn nothings(ids: &[u64]) -> HashMap<u64, u64> {
    let _ = ids;
    HashMap::new()
}

/// It is asked for a token, and would be to remove what is there.
#[tokio::test(start_paused = true)]
async fn a_silent_store_costs_a_refresh_one_budget() {
    let odd = Odd::new();
    odd.script(|_, _| Act::Hang);
    for _ in 0..2 {
        // Each while the store is taken to be up.
        let caches = odd.caches_within(BUDGET);
        let begun = Instant::now();
        caches.scope(with_mode(Mode::Refresh, nothing(1))).await;
        assert!(begun.elapsed() <= BUDGET + EXACTLY, "{:?}", begun.elapsed());
        let caches = odd.caches_within(BUDGET);
        let begun = Instant::now();
        caches.scope(with_mode(Mode::Refresh, nothings(&[1, 2]))).await;
        assert!(begun.elapsed() <= BUDGET + EXACTLY, "{:?}", begun.elapsed());
    }
}

#[cache(backend = "local", key = "f:near:{id}")]
async fn near(id: u64) -> Option<u64> {
    (id != 13).then_some(id)
}

#[cache(entries(near(id) for id in ids))]
async fn all_near(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().filter(|id| **id != 13).map(|id| (*id, *id)).collect()
}

#[cache(backend = ["local", "odd"], key = "f:far:{id}")]
async fn far(id: u64) -> Option<u64> {
    (id != 13).then_some(id)
}

#[cache(entries(far(id) for id in ids))]
async fn all_far(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().filter(|id| **id != 13).map(|id| (*id, *id)).collect()
}

async fn refreshes() {
    let caches = Odd::new().caches();
    let work = caches.scope(with_mode(Mode::Refresh, async {
        assert_eq!(all_near(&[1, 13]).await, HashMap::from([(1, 1)]));
        assert_eq!(all_near(&[13]).await, HashMap::new());
        assert_eq!(all_far(&[1, 13]).await, HashMap::from([(1, 1)]));
        assert_eq!(all_far(&[13]).await, HashMap::new());
        assert_eq!((near(13).await, far(13).await), (None, None));
        assert_eq!((near(1).await, far(1).await), (Some(1), Some(1)));
    }));
    work.await;
}

#[test]
fn without_any_runtime() {
    block_on(refreshes());
}

#[test]
fn in_a_runtime_without_timers() {
    Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(refreshes());
}

/// Memory has the new value, and its caller is gone before the store has taken it.
#[tokio::test]
async fn a_dropped_refresh_leaves_nothing_old_below() {
    let (odd, source) = (Odd::new(), AtomicU64::new(1));
    let cache = numbers(&odd);
    let entry = cache.entry(1);
    let load = async || source.load(SeqCst);
    assert_eq!(entry.get_or_load(load).await.unwrap(), 1);
    source.store(2, SeqCst);
    let held = odd.hold("fill");
    let refresh = with_mode(Mode::Refresh, entry.get_or_load(load));
    tokio::select! {
        _ = refresh => panic!("the store holds it up"),
        () = held.arrived() => {}
    }
    odd.script(|_, _| Act::Serve);
    assert_eq!(entry.get_or_load(load).await.unwrap(), 2);
    // And of many.
    let entry = cache.entry(2);
    assert_eq!(entry.get_or_load(load).await.unwrap(), 2);
    source.store(3, SeqCst);
    let held = odd.hold("fill");
    let many = async |ids: Vec<u64>| ids.into_iter().map(|id| (id, 3)).collect::<HashMap<_, _>>();
    let refresh = with_mode(Mode::Refresh, cache.get_or_load_many([2_u64], many));
    tokio::select! {
        _ = refresh => panic!("the store holds it up"),
        () = held.arrived() => {}
    }
    odd.script(|_, _| Act::Serve);
    assert_eq!(entry.get_or_load(load).await.unwrap(), 3);
}

/// What another call has found in a tier below is older than what the source says after that.
#[tokio::test]
async fn what_was_found_below_meanwhile_does_not_stay() {
    let (odd, source) = (Odd::new(), AtomicU64::new(1));
    let caches = odd.caches_within(BUDGET);
    let near = caches.cache("numbers").backend(["local", "odd"]).build().unwrap();
    let load = async || source.load(SeqCst);
    for many in [false, true] {
        let entry: Entry<u64> = near.entry(1);
        // Another process has loaded it.
        assert_eq!(
            numbers(&odd).entry(1).get_or_load(load).await.unwrap(),
            source.load(SeqCst)
        );
        let reads = async |value: u64| {
            assert_eq!(entry.get_or_load(load).await.unwrap(), source.load(SeqCst));
            source.store(value, SeqCst);
            value
        };
        let value = source.load(SeqCst) + 1;
        if many {
            let load = async |ids: Vec<u64>| {
                let value = with_mode(Mode::Normal, reads(value)).await;
                ids.into_iter().map(|id| (id, value)).collect::<HashMap<_, _>>()
            };
            let fresh = with_mode(Mode::Refresh, near.get_or_load_many([1_u64], load));
            assert_eq!(fresh.await.unwrap(), [Some(value)]);
        } else {
            let fresh = with_mode(
                Mode::Refresh,
                entry.get_or_load(async || with_mode(Mode::Normal, reads(value)).await),
            );
            assert_eq!(fresh.await.unwrap(), value);
        }
        assert_eq!(entry.get_or_load(load).await.unwrap(), value, "of many: {many}");
        entry.invalidate().await.unwrap();
    }
}

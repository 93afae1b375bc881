//! Refreshes beside writes that are accepted and yet to run: what those bring is newer than what any load has read.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cached_runtime::{Cache, Caches, Mode, Strategy, with_mode};

use crate::odd::{Gate, Odd};
use crate::refreshed_beside::numbers;

const BUDGET: Duration = Duration::from_secs(5);

fn written_behind(odd: &Odd) -> (Caches, Cache<u64>) {
    let caches = odd.caches_within(BUDGET);
    let cache = caches
        .cache("numbers")
        .backend(["local", "odd"])
        .strategy(Strategy::WriteBehind)
        .build()
        .unwrap();
    (caches, cache)
}

/// What a write brings that is yet to run is newer than what a refresh has read meanwhile, and stays where others see it.
#[tokio::test]
async fn what_is_pending_is_not_removed_by_a_refresh() {
    for many in [false, true] {
        let odd = Odd::new();
        let (caches, cache) = written_behind(&odd);
        let (entry, gate) = (cache.entry(1), Gate::new());
        let before = Arc::clone(&gate);
        let writes = async || {
            let before = Arc::clone(&before);
            let body = move || {
                let gate = Arc::clone(&before);
                async move {
                    gate.pass().await;
                    Ok::<(), String>(())
                }
            };
            entry.write_behind(2, body).await.unwrap().unwrap();
            1
        };
        if many {
            let all = async |ids: Vec<u64>| {
                let value = writes().await;
                ids.into_iter().map(|id| (id, value)).collect::<HashMap<_, _>>()
            };
            let fresh = with_mode(Mode::Refresh, cache.get_or_load_many([1_u64], all));
            assert_eq!(fresh.await.unwrap(), [Some(1)]);
        } else {
            let fresh = with_mode(Mode::Refresh, entry.get_or_load(&writes));
            assert_eq!(fresh.await.unwrap(), 1);
        }
        let theirs = numbers(&odd.caches_within(BUDGET), ["odd"]);
        assert_eq!(theirs.entry(1).get().await.unwrap(), Some(2), "of many: {many}");
        gate.stay_open();
        caches.settle().await;
    }
}

/// A write is accepted while a refresh loads, and has not come to memory when that returns.
#[tokio::test]
async fn what_is_older_than_a_pending_write_is_not_seen_after_a_refresh() {
    for many in [false, true] {
        let odd = Odd::new();
        let (caches, cache) = written_behind(&odd);
        let entry = cache.entry(1);
        assert_eq!(entry.get_or_load(async || 1).await.unwrap(), 1);
        caches.settle().await;
        let (gate, writes) = (OnceLock::new(), OnceLock::new());
        let body = async || {
            let held = gate.get_or_init(|| odd.hold("reserve"));
            let entry = entry.clone();
            let write = async move {
                let body = || async { Ok::<(), String>(()) };
                entry.write_behind(3, body).await.unwrap().unwrap();
            };
            writes.set(tokio::spawn(write)).unwrap();
            held.arrived().await;
            2
        };
        if many {
            let all = async |ids: Vec<u64>| {
                let value = body().await;
                ids.into_iter().map(|id| (id, value)).collect::<HashMap<_, _>>()
            };
            let fresh = with_mode(Mode::Refresh, cache.get_or_load_many([1_u64], all));
            assert_eq!(fresh.await.unwrap(), [Some(2)]);
        } else {
            let fresh = with_mode(Mode::Refresh, entry.get_or_load(&body));
            assert_eq!(fresh.await.unwrap(), 2);
        }
        assert_eq!(entry.get_or_load(async || 4).await.unwrap(), 3, "of many: {many}");
        gate.into_inner().unwrap().stay_open();
        writes.into_inner().unwrap().await.unwrap();
        caches.settle().await;
    }
}

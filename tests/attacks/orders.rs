//! Removals and refreshes that have returned, and what was under way, or began, while they ran.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::{Cache, Caches, Mode, cache, invalidate, with_mode};
use tokio::task::yield_now;

use crate::must_end;
use crate::odd::{Gate, Odd};

const MINUTE: Duration = Duration::from_secs(60);
/// Nothing is ever too slow.
const AMPLE: Duration = Duration::from_secs(60);

trait Kind: Send + Sync + 'static {
    const LIFE: Duration;
}

struct Short;
struct Long;

impl Kind for Short {
    const LIFE: Duration = MINUTE;
}

impl Kind for Long {
    const LIFE: Duration = Duration::from_secs(3600);
}

#[cache(backend = ["local", "odd"], key = "o:{id}", ttl = |_| T::LIFE, skip(source))]
async fn of_kind<T: Kind>(source: &AtomicU64, id: u64) -> u64 {
    let _ = id;
    source.load(SeqCst)
}

#[invalidate(of_kind::<Short>(..))]
async fn write_all() {}

#[invalidate(of_kind::<Short>(..), when = "before")]
async fn write_all_after() {}

/// Removes everything, while an instantiation is called for the first time whose entry the store has from before.
async fn is_removed_with_the_others(remove: impl AsyncFn(&Caches)) {
    let (odd, source) = (Odd::new(), AtomicU64::new(1));
    odd.caches().scope(of_kind::<Long>(&source, 1)).await;
    let caches = odd.caches_within(AMPLE);
    let seen = caches.scope(must_end(async {
        source.store(2, SeqCst);
        let gate = odd.hold("remove_matching");
        let meanwhile = async {
            gate.arrived().await;
            assert_eq!(of_kind::<Long>(&source, 1).await, 1, "the store has it still");
            gate.stay_open();
        };
        tokio::join!(remove(&caches), meanwhile);
        of_kind::<Long>(&source, 1).await
    }));
    assert_eq!(seen.await, 2);
}

#[tokio::test]
async fn clear_removes_an_instantiation_that_is_made_meanwhile() {
    is_removed_with_the_others(async |_| of_kind_cache::<Short>().clear().await.unwrap()).await;
}

#[tokio::test]
async fn a_pattern_removes_an_instantiation_that_is_made_meanwhile() {
    is_removed_with_the_others(async |_| {
        of_kind_cache::<Short>().invalidate_pattern("*").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_writer_of_all_entries_removes_an_instantiation_that_is_made_meanwhile() {
    is_removed_with_the_others(async |_| write_all().await).await;
}

#[tokio::test]
async fn so_does_one_that_removes_before_it_runs() {
    is_removed_with_the_others(async |_| write_all_after().await).await;
}

#[tokio::test]
async fn what_is_said_of_all_caches_removes_an_instantiation_that_is_made_meanwhile() {
    is_removed_with_the_others(async |caches| {
        caches.invalidate_pattern("o:*").await.unwrap();
    })
    .await;
    is_removed_with_the_others(async |caches| caches.clear().await.unwrap()).await;
}

fn numbers(odd: &Odd, backend: &[&'static str]) -> (Caches, Cache<u64>) {
    let caches = odd.caches_within(AMPLE);
    let numbers = caches
        .cache("numbers")
        .backend(backend.iter().copied())
        .ttl(MINUTE)
        .build()
        .unwrap();
    (caches, numbers)
}

/// It may bring back what was removed, but not for good.
#[tokio::test]
async fn in_a_store_without_tokens_a_fill_that_was_under_way_lasts_until_the_next_removal() {
    let odd = Odd::new().without_tokens();
    let (_caches, numbers) = numbers(&odd, &["odd"]);
    let (entry, source) = (numbers.entry(1), AtomicU64::new(1));
    let gate = odd.hold("fill");
    let load = async || source.load(SeqCst);
    let removal = async {
        gate.arrived().await;
        source.store(2, SeqCst);
        entry.invalidate().await.unwrap();
        gate.stay_open();
    };
    let (old, ()) = must_end(async { tokio::join!(entry.get_or_load(load), removal) }).await;
    assert_eq!(old.unwrap(), 1);
    entry.invalidate().await.unwrap();
    assert_eq!(must_end(entry.get_or_load(load)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_call_after_a_refresh_does_not_join_a_load_from_before_it() {
    let (_caches, numbers) = numbers(&Odd::new(), &["odd"]);
    let (entry, source) = (numbers.entry(1), AtomicU64::new(1));
    let gate = Gate::new();
    let slow = entry.get_or_load(async || {
        let old = source.load(SeqCst);
        gate.pass().await;
        old
    });
    let load = async || source.load(SeqCst);
    let others = async {
        gate.arrived().await;
        source.store(2, SeqCst);
        let fresh = with_mode(Mode::Refresh, entry.get_or_load(load)).await;
        assert_eq!(fresh.unwrap(), 2);
        let open = async {
            yield_now().await;
            gate.open();
        };
        let (after, ()) = tokio::join!(entry.get_or_load(load), open);
        assert_eq!(after.unwrap(), 2);
    };
    let (old, ()) = must_end(async { tokio::join!(slow, others) }).await;
    assert_eq!(old.unwrap(), 1);
}

/// The source has neither any more, which is not kept.
#[tokio::test]
async fn a_refresh_of_many_that_is_dropped_leaves_nothing_old() {
    let odd = Odd::new();
    let (caches, numbers) = numbers(&odd, &["local", "odd"]);
    for id in [1, 2] {
        numbers.entry(id).insert(7).await.unwrap();
    }
    let gate = odd.hold("remove");
    let none = numbers.get_or_load_many([1_u64, 2], async |_| HashMap::<u64, u64>::new());
    tokio::select! {
        _ = with_mode(Mode::Refresh, none) => panic!("it waits for the store"),
        () = gate.arrived() => {}
    }
    gate.stay_open();
    must_end(caches.settle()).await;
    assert_eq!(numbers.entry(1).get().await.unwrap(), None);
    assert_eq!(numbers.entry(2).get().await.unwrap(), None);
}

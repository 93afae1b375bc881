//! New values in a store that has generations in the place of patterns.

use cached_runtime::{cache, update};
use cached_tests::{Gate, Source};

use crate::setup::{caches, one};

#[cache(key = "set:{id}", strategy = "write_through", ttl = "1h", none_ttl = "1h", backend = ["local", "memcached"], skip(source))]
async fn row(source: &Source, id: u64) -> Option<u64> {
    let _ = id;
    Some(source.load()).filter(|value| *value != 0)
}

#[update(row(id))]
async fn set(source: &Source, id: u64, value: u64) -> Option<u64> {
    let _ = id;
    source.set(value);
    (value != 0).then_some(value)
}

#[update(row(id))]
async fn set_slowly(gate: &Gate, id: u64) -> u64 {
    let _ = id;
    gate.load().await
}

#[tokio::test]
async fn another_process_has_them_without_a_load() {
    let servers = one().await;
    let source = Source::of(1);
    let (here, there) = (caches(&servers).await, caches(&servers).await);
    here.scope(row(&source, 1)).await;
    here.scope(set(&source, 1, 2)).await;
    assert_eq!(there.scope(row(&source, 1)).await, Some(2));
    // That there is none is a value too.
    here.scope(set(&source, 2, 0)).await;
    assert_eq!(there.scope(row(&source, 2)).await, None);
    assert_eq!(source.loads(), 1);
}

#[tokio::test]
async fn one_that_was_on_its_way_when_all_was_removed_is_gone() {
    let servers = one().await;
    let (here, there) = (caches(&servers).await, caches(&servers).await);
    let (gate, source) = (Gate::of(5), Source::of(6));
    let writing = here.scope(set_slowly(&gate, 1));
    let clearing = async {
        gate.begun().await;
        there.scope(async { row_cache().clear().await }).await.unwrap();
        gate.open();
    };
    tokio::join!(writing, clearing);
    assert_eq!(there.scope(row(&source, 1)).await, Some(6));
}

#[tokio::test]
async fn of_two_processes_that_overlap_neither_leaves_one() {
    let servers = one().await;
    let (here, there) = (caches(&servers).await, caches(&servers).await);
    let (gate, source) = (Gate::of(5), Source::of(1));
    let writing = here.scope(set_slowly(&gate, 1));
    let other = async {
        gate.begun().await;
        there.scope(set(&source, 1, 6)).await;
        gate.open();
    };
    tokio::join!(writing, other);
    let judge = caches(&servers).await;
    assert_eq!(
        judge.scope(async { row_entry(1).get().await }).await.unwrap(),
        None
    );
}

//! A body that asks for what it is itself loading: waiting for itself would never end.

use std::collections::HashMap;
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use cached_runtime::{Cache, Caches, cache};

use crate::by_hand::poll_once;
use crate::must_end;
use crate::odd::Odd;

fn caches() -> Caches {
    Odd::new().caches()
}

#[cache(backend = "local", skip(runs))]
async fn retried(runs: &AtomicU64, id: u64) -> u64 {
    let run = runs.fetch_add(1, SeqCst);
    tokio::task::yield_now().await;
    if run < 3 {
        return Box::pin(retried(runs, id)).await + 1;
    }
    id
}

#[tokio::test]
async fn a_body_that_calls_itself_runs_again() {
    let runs = AtomicU64::new(0);
    caches()
        .scope(async {
            assert_eq!(must_end(retried(&runs, 10)).await, 13);
            assert_eq!(runs.load(SeqCst), 4);
            retried(&runs, 10).await;
            assert_eq!(
                runs.load(SeqCst),
                4,
                "what the innermost or outermost brought is kept"
            );
        })
        .await;
}

#[cache(backend = "local", skip(runs))]
async fn ping(runs: &AtomicU64, id: u64) -> u64 {
    Box::pin(pong(runs, id)).await
}

#[cache(backend = "local", skip(runs))]
async fn pong(runs: &AtomicU64, id: u64) -> u64 {
    if runs.fetch_add(1, SeqCst) == 0 {
        return ping(runs, id).await;
    }
    id
}

#[tokio::test]
async fn two_that_call_each_other_end() {
    let runs = AtomicU64::new(0);
    caches()
        .scope(async { assert_eq!(must_end(ping(&runs, 7)).await, 7) })
        .await;
}

/// Others still wait for the one load, and are not taken for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn strangers_still_share_one_load() {
    #[cache(backend = "local", skip(runs))]
    async fn slow(runs: &AtomicU64, id: u64) -> u64 {
        runs.fetch_add(1, SeqCst);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        id
    }
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let caches = caches();
    caches
        .scope(async {
            // In one task, side by side, led by one of the two.
            let (a, b) = must_end(async { tokio::join!(slow(&RUNS, 1), slow(&RUNS, 1)) }).await;
            assert_eq!((a, b), (1, 1));
        })
        .await;
    assert_eq!(RUNS.load(SeqCst), 1);
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let caches = caches.clone();
            tokio::spawn(async move { caches.scope(slow(&RUNS, 2)).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 2);
    }
    assert_eq!(RUNS.load(SeqCst), 2);
}

fn numbers() -> Cache<u64> {
    caches().cache("numbers").backend(["local"]).build().unwrap()
}

/// Whether one of the two ends, if they are polled in turn.
fn one_ends(mut one: Pin<&mut impl Future>, mut other: Pin<&mut impl Future>) -> bool {
    (0..100).any(|_| poll_once(one.as_mut()).is_some() | poll_once(other.as_mut()).is_some())
}

#[test]
fn a_call_that_takes_over_from_a_batch_does_not_wait_for_who_waits_for_it() {
    let numbers = numbers();
    let (one, two) = (numbers.entry(1), numbers.entry(2));
    let mut batch =
        Box::pin(numbers.get_or_load_many([1_u64], async |_| pending::<HashMap<u64, u64>>().await));
    assert!(poll_once(batch.as_mut()).is_none());
    let mut waits = Box::pin(two.get_or_load(async || one.get_or_load(async || 10).await.unwrap() + 1));
    assert!(poll_once(waits.as_mut()).is_none());
    let mut takes_over = Box::pin(one.get_or_load(async || two.get_or_load(async || 20).await.unwrap() + 1));
    assert!(poll_once(takes_over.as_mut()).is_none());
    drop(batch);
    assert!(
        one_ends(takes_over.as_mut(), waits.as_mut()),
        "each waits for the other"
    );
}

#[test]
fn a_batch_that_takes_over_from_a_call_does_not_wait_for_who_waits_for_it() {
    let numbers = numbers();
    let (one, two) = (numbers.entry(1), numbers.entry(2));
    let mut call = Box::pin(one.get_or_load(async || pending::<u64>().await));
    assert!(poll_once(call.as_mut()).is_none());
    let mut takes_over = Box::pin(numbers.get_or_load_many([1_u64], async |ids: Vec<u64>| {
        let value = two.get_or_load(async || 20).await.unwrap() + 1;
        ids.into_iter()
            .map(|id| (id, value))
            .collect::<HashMap<u64, u64>>()
    }));
    assert!(poll_once(takes_over.as_mut()).is_none());
    let mut waits = Box::pin(two.get_or_load(async || one.get_or_load(async || 10).await.unwrap() + 1));
    assert!(poll_once(waits.as_mut()).is_none());
    drop(call);
    assert!(
        one_ends(takes_over.as_mut(), waits.as_mut()),
        "each waits for the other"
    );
}

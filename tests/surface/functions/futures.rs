//! `async fn`, `-> impl Future`, `-> Pin<Box<dyn Future>>`; and what can be said of the futures of all.

use std::future::Future;
use std::pin::Pin;

use cached_runtime::{BoxFuture, cache, invalidate};

use crate::world::{Runs, world};

#[cache(skip(runs), backend = "local")]
fn opaque(runs: &Runs, id: u64) -> impl Future<Output = Result<u64, String>> + Send {
    let run = runs.next();
    async move { if id > 0 { Ok(run) } else { Err("none".to_owned()) } }
}

#[cache(skip(runs), backend = "local")]
fn boxed<'a>(runs: &'a Runs, id: u64) -> Pin<Box<dyn Future<Output = Option<u64>> + Send + 'a>> {
    Box::pin(async move {
        let run = runs.next();
        if id == 0 {
            return None;
        }
        Some(run)
    })
}

#[cache(skip(runs), backend = "local")]
fn boxed_by_alias<'a>(runs: &'a Runs, id: u64) -> BoxFuture<'a, Option<u64>> {
    let doubled = id * 2;
    Box::pin(async move { Some(runs.next() + doubled) })
}

#[cache(
    companions = false,
    key = "f4:opaque-alone:{id}",
    skip(runs),
    backend = "local"
)]
fn opaque_alone(runs: &Runs, id: u64) -> impl Future<Output = u64> + Send {
    let run = runs.next();
    async move { run + id }
}

#[cache(
    companions = false,
    key = "f4:boxed-alone:{id}",
    skip(runs),
    backend = "local"
)]
fn boxed_alone<'a>(runs: &'a Runs, id: u64) -> BoxFuture<'a, u64> {
    Box::pin(async move { runs.next() + id })
}

#[invalidate(opaque(id))]
fn opaque_writer(runs: &Runs, id: u64) -> impl Future<Output = Result<(), String>> + Send {
    runs.next();
    async move { (id > 0).then_some(()).ok_or_else(|| "none".to_owned()) }
}

#[invalidate(boxed(id))]
fn boxed_writer<'a>(runs: &'a Runs, id: u64) -> BoxFuture<'a, ()> {
    runs.next();
    Box::pin(async move {
        let _ = id;
    })
}

#[tokio::test]
async fn every_form_is_cached() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..2 {
            assert_eq!(opaque(&runs, 1).await, Ok(1));
            assert_eq!(boxed(&runs, 1).await, Some(2));
            assert_eq!(boxed_by_alias(&runs, 1).await, Some(5));
            assert_eq!(opaque_alone(&runs, 1).await, 5);
            assert_eq!(boxed_alone(&runs, 1).await, 6);
        }
        assert_eq!(opaque_entry(1).get().await.unwrap(), Some(1));
        assert_eq!(opaque_uncached(&runs, 1).await, Ok(6));
        opaque_writer(&runs, 1).await.unwrap();
        assert_eq!(opaque_entry(1).get().await.unwrap(), None);
        boxed_writer(&runs, 1).await;
        assert_eq!(boxed_entry(1).get().await.unwrap(), None);
    })
    .await;
}

/// Calling is not running, whatever the form.
#[tokio::test]
async fn nothing_runs_before_the_first_poll() {
    world(async |_| {
        let runs = Runs::default();
        drop(opaque(&runs, 9));
        drop(boxed(&runs, 9));
        drop(opaque_writer(&runs, 9));
        drop(boxed_writer(&runs, 9));
        assert_eq!(runs.count(), 0);
        assert_eq!(opaque_cache().stats().misses, 0);
    })
    .await;
}

fn is_send<F: Future + Send>(future: F) -> F {
    future
}

#[cache(backend = "local")]
async fn small(id: u64) -> u64 {
    let large = [id; 4_096];
    tokio::task::yield_now().await;
    large[7]
}

#[tokio::test]
async fn futures_may_be_sent_and_are_small() {
    world(async |_| {
        let runs = Runs::default();
        is_send(opaque(&runs, 1)).await.unwrap();
        is_send(boxed(&runs, 1)).await;
        is_send(opaque_writer(&runs, 1)).await.unwrap();
        let future = is_send(small(1));
        assert!(size_of_val(&future) <= 256, "{}", size_of_val(&future));
        assert_eq!(future.await, 1);
    })
    .await;
}

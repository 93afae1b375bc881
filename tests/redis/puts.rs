//! Puts of two processes that overlap: nobody can say which of them the source saw last, so nothing is left.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::{Caches, cache};
use cached_tests::RedisServer;
use tokio::sync::Semaphore;

use crate::hooked::Hooked;
use crate::setup::{caches, connect, on};

#[cache(key = "put:{id}", ttl = "1h", backend = ["local", "redis"])]
async fn row(id: u64) -> u64 {
    10 * id
}

async fn insert(caches: &Caches, value: u64) {
    let entry = caches.scope(async { row_entry(1) }).await;
    entry.insert(value).await.unwrap();
}

async fn held(caches: &Caches) -> Option<u64> {
    let entry = caches.scope(async { row_entry(1) }).await;
    entry.get().await.unwrap()
}

/// One `Caches` whose fills wait until the test lets them go, and another that nothing holds up.
async fn two(server: &RedisServer) -> (Arc<Caches>, Arc<Semaphore>, Caches) {
    let (waiting, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (waits, gate) = (Arc::clone(&waiting), Arc::clone(&go));
    let store = Hooked::with_fills(connect(server).await, move || {
        waits.add_permits(1);
        let gate = Arc::clone(&gate);
        Box::pin(async move {
            gate.acquire().await.unwrap().forget();
            Ok(())
        })
    });
    // The put is held up longer than a store may take.
    let slow = on(store).time_budget(Duration::from_secs(20));
    let slow = Arc::new(slow.build().unwrap());
    let put = tokio::spawn({
        let slow = Arc::clone(&slow);
        async move { insert(&slow, 1).await }
    });
    waiting.acquire().await.unwrap().forget();
    let other = caches(server).await;
    tokio::spawn({
        let go = Arc::clone(&go);
        async move {
            put.await.unwrap();
            go.close();
        }
    });
    (slow, go, other)
}

#[tokio::test]
async fn of_two_puts_that_overlap_neither_is_left() {
    let server = RedisServer::start().await;
    let (slow, go, other) = two(&server).await;
    insert(&other, 2).await;
    go.add_permits(1);
    // Closed once the put is done.
    assert!(go.acquire_many(2).await.is_err());
    assert_eq!(held(&slow).await, None);
    let length: usize = server.cli(&["STRLEN", "shop:put:1"]).await;
    assert_eq!(length, 0);
}

#[tokio::test]
async fn a_put_that_meets_the_removal_of_another_process_is_not_left() {
    let server = RedisServer::start().await;
    let (slow, go, other) = two(&server).await;
    let entry = other.scope(async { row_entry(1) }).await;
    entry.invalidate().await.unwrap();
    go.add_permits(1);
    assert!(go.acquire_many(2).await.is_err());
    assert_eq!(held(&slow).await, None);
    assert_eq!(held(&other).await, None);
}

#[tokio::test]
async fn a_put_that_meets_nothing_is_there_for_all() {
    let server = RedisServer::start().await;
    let (slow, go, other) = two(&server).await;
    go.add_permits(1);
    assert!(go.acquire_many(2).await.is_err());
    assert_eq!(held(&slow).await, Some(1));
    assert_eq!(other.scope(row(1)).await, 1);
}

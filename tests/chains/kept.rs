//! Calls that are at a store, and are kept and not polled: they are in nobody's way.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cached_runtime::stores::{Memcached, Redis, Sql};
use cached_runtime::{BoxFuture, Lookup, Store};
use cached_tests::{Database, MemcachedServer, RedisServer};
use tokio::time::{sleep, timeout};

type Call = BoxFuture<'static, ()>;

/// Calls of every kind, and more of them than a pool has connections.
fn calls(store: &Arc<dyn Store>, round: usize) -> Vec<Call> {
    let call = |number: usize| -> Call {
        let (store, key) = (Arc::clone(store), format!("kept:{round}:{number}"));
        Box::pin(async move {
            match number % 4 {
                0 => drop(store.get(&key).await),
                1 => drop(store.put(&key, b"value", Some(Duration::from_secs(60))).await),
                2 => drop(store.remove(&[key]).await),
                _ => {
                    if let Ok(Lookup::Missing(token)) = store.get(&key).await {
                        drop(store.fill(&key, b"value", None, &token).await);
                    }
                }
            }
        })
    };
    (0..40).map(call).collect()
}

/// Polls each so many times, a moment apart. Those that are still under way.
async fn begun(mut calls: Vec<Call>, polls: usize) -> Vec<Call> {
    for _ in 0..polls {
        let mut left = Vec::new();
        for mut call in calls {
            let pending = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await;
            if pending {
                left.push(call);
            }
        }
        calls = left;
        sleep(Duration::from_micros(300)).await;
    }
    calls
}

async fn serves(store: &dyn Store) {
    let key = "other".to_owned();
    store.put(&key, b"value", None).await.unwrap();
    assert!(matches!(store.get(&key).await, Ok(Lookup::Found(_))));
    store.remove(std::slice::from_ref(&key)).await.unwrap();
}

async fn serves_beside_kept_calls(name: &str, store: Arc<dyn Store>) {
    // Connects.
    serves(&*store).await;
    for polls in 1..=8 {
        let kept = begun(calls(&store, polls), polls).await;
        let served = timeout(Duration::from_secs(10), serves(&*store)).await;
        assert!(
            served.is_ok(),
            "{name} waits for {} calls after {polls} polls",
            kept.len()
        );
        // They go on where they were.
        for call in kept {
            timeout(Duration::from_secs(10), call).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_serves_beside_calls_that_are_not_polled() {
    let redis = RedisServer::start().await;
    serves_beside_kept_calls("redis", Arc::new(Redis::connect(redis.url()).await.unwrap())).await;
    let memcached = MemcachedServer::start().await;
    let store = Memcached::connect([memcached.address()]).await.unwrap();
    serves_beside_kept_calls("memcached", Arc::new(store)).await;
}

/// Nothing has been asked of it yet, and those who would be the first to are kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_does_a_database_that_is_new() {
    for polls in 1..=6 {
        let database = Database::sqlite();
        let store: Arc<dyn Store> = Arc::new(Sql::connect_lazily(database.url()).unwrap());
        let kept = begun(calls(&store, polls), polls).await;
        let served = timeout(Duration::from_secs(10), serves(&*store)).await;
        assert!(
            served.is_ok(),
            "it waits for {} calls after {polls} polls",
            kept.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_does_a_database() {
    for database in [
        Database::sqlite(),
        Database::postgres().await,
        Database::mariadb().await,
    ] {
        let store = Sql::connect(database.url()).await.unwrap();
        serves_beside_kept_calls(database.name(), Arc::new(store)).await;
    }
}

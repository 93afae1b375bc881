//! `shutdown`: explicit calls fail, cached functions go on.

use cached_runtime::{ErrorKind, cache, invalidate};

use crate::world::{Runs, world};

#[cache(skip(runs), backend = "local")]
async fn local(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    runs.next()
}

#[cache(skip(runs), backend = "far")]
async fn remote(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    runs.next()
}

#[invalidate(local(id), remote(id), key = "x", pattern = "y*", local(..))]
async fn write(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn explicit_calls_say_that_it_is_closed() {
    world(async |world| {
        let caches = &world.caches;
        caches.shutdown().await.unwrap();
        assert_eq!(
            caches.invalidate_key("a").await.unwrap_err().kind(),
            ErrorKind::Closed
        );
        assert_eq!(
            caches.invalidate_pattern("a").await.unwrap_err().kind(),
            ErrorKind::Closed
        );
        let error = caches.clear().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert!(error.to_string().contains("shut down"), "{error}");
        // Asking again is no error, and settling has nothing to do.
        caches.shutdown().await.unwrap();
        caches.settle().await;
    })
    .await;
}

#[tokio::test]
async fn memory_serves_on_and_remote_stores_are_misses() {
    world(async |world| {
        let runs = Runs::default();
        assert_eq!(local(&runs, 1).await, 1);
        assert_eq!(remote(&runs, 1).await, 2);
        world.caches.shutdown().await.unwrap();
        assert_eq!(local(&runs, 1).await, 1);
        assert_eq!(local(&runs, 2).await, 3);
        assert_eq!(local(&runs, 2).await, 3);
        let after = remote(&runs, 1).await;
        assert_eq!(after, 4, "a closed store is not asked");
        assert_eq!(write(1).await, 1);
        assert_eq!(
            local(&runs, 1).await,
            5,
            "a writer's removal still reaches memory"
        );
        assert!(world.caches.stats().caches.len() >= 2);
    })
    .await;
}

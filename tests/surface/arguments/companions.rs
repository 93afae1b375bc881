//! `companions = false`: nothing stands beside the function, so it may stand in the `impl` of a trait.

use cached_runtime::cache;

use crate::world::{Runs, world};

#[cache(companions = false, skip(runs), backend = "local")]
async fn alone(runs: &Runs, id: u64) -> Result<Option<u64>, String> {
    let mut id = id;
    id += runs.next();
    Ok(Some(id))
}

// These names are free.
fn alone_entry() {}
fn alone_cache() {}
fn alone_uncached() {}

#[tokio::test]
async fn it_is_cached_all_the_same() {
    world(async |world| {
        let runs = Runs::default();
        assert_eq!(alone(&runs, 1).await, Ok(Some(2)));
        assert_eq!(alone(&runs, 1).await, Ok(Some(2)));
        let stats = world.caches.stats();
        assert_eq!(
            (stats.caches[0].name.as_str(), stats.caches[0].hits),
            ("surface::arguments::companions::alone", 1)
        );
        world
            .caches
            .invalidate_key("surface::arguments::companions::alone:1")
            .await
            .unwrap();
        assert_eq!(alone(&runs, 1).await, Ok(Some(3)));
        alone_entry();
        alone_cache();
        alone_uncached();
    })
    .await;
}

#[cache(companions = true, backend = "local")]
async fn together(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn true_is_the_default() {
    world(async |_| {
        assert_eq!(together(1).await, 1);
        assert_eq!(together_entry(1).get().await.unwrap(), Some(1));
    })
    .await;
}

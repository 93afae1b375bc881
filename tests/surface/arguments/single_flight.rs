//! `single_flight`: who shares a load.

use cached_runtime::cache;
use tokio::join;
use tokio::sync::Barrier;

use crate::world::{Runs, world};

#[cache(single_flight = "off", skip(runs, together), backend = "local")]
async fn off(runs: &Runs, together: &Barrier, id: u64) -> u64 {
    let _ = id;
    // Nobody gets past here but together, so both loads are in progress at once.
    together.wait().await;
    runs.next()
}

#[cache(single_flight = "process", skip(runs), backend = "local")]
async fn process(runs: &Runs, id: u64) -> u64 {
    tokio::task::yield_now().await;
    let _ = id;
    runs.next()
}

#[tokio::test]
async fn off_each_caller_loads_for_itself() {
    world(async |_| {
        let (runs, together) = (Runs::default(), Barrier::new(2));
        let (a, b) = join!(off(&runs, &together, 1), off(&runs, &together, 1));
        assert_eq!([a.min(b), a.max(b)], [1, 2]);
        // What was filled is a hit all the same.
        let kept = off(&runs, &together, 1).await;
        assert!(kept == 1 || kept == 2);
        assert_eq!(off_cache().stats().loads, 2);
    })
    .await;
}

#[tokio::test]
async fn process_is_one_load_for_all() {
    world(async |_| {
        let runs = Runs::default();
        let all = join!(process(&runs, 1), process(&runs, 1), process(&runs, 1));
        assert_eq!(all, (1, 1, 1));
        let stats = process_cache().stats();
        assert_eq!((stats.loads, stats.misses, stats.hits), (1, 3, 0));
    })
    .await;
}

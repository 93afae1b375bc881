//! Two `Caches` side by side have nothing in common but the stores they share.

use std::sync::Arc;

use cached_runtime::testing::ManualClock;
use cached_runtime::{Caches, cache};
use tokio::sync::Barrier;

use crate::far::Far;
use crate::world::{Runs, builder};

#[cache(skip(runs), backend = "local")]
async fn users(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    runs.next()
}

#[cache(skip(runs, together), backend = "local")]
async fn slow(runs: &Runs, together: &Barrier, id: u64) -> u64 {
    let _ = id;
    together.wait().await;
    runs.next()
}

fn two() -> [Caches; 2] {
    [(); 2].map(|()| builder(&ManualClock::new(), &Far::default()).build().unwrap())
}

#[tokio::test]
async fn entries_statistics_and_invalidations_are_apart() {
    let [a, b] = two();
    let runs = Runs::default();
    assert_eq!(a.scope(users(&runs, 1)).await, 1);
    assert_eq!(b.scope(users(&runs, 1)).await, 2);
    assert_eq!(a.scope(users(&runs, 1)).await, 1);
    assert_eq!((a.stats().caches[0].hits, b.stats().caches[0].hits), (1, 0));
    a.clear().await.unwrap();
    assert_eq!(b.scope(users(&runs, 1)).await, 2);
    assert_eq!(a.scope(users(&runs, 1)).await, 3);
    a.shutdown().await.unwrap();
    b.invalidate_pattern("*").await.unwrap();
}

#[tokio::test]
async fn loads_are_not_shared_between_them() {
    let [a, b] = two();
    let runs = Runs::default();
    // Would wait for ever if one were the other's follower.
    let together = Barrier::new(2);
    let (x, y) = tokio::join!(
        a.scope(slow(&runs, &together, 1)),
        b.scope(slow(&runs, &together, 1))
    );
    assert_eq!(x + y, 3);
}

#[tokio::test]
async fn clones_are_the_same() {
    let [a, _] = two();
    let runs = Arc::new(Runs::default());
    assert_eq!(a.clone().scope(users(&runs, 1)).await, 1);
    assert_eq!(a.scope(users(&runs, 1)).await, 1);
    assert_eq!(AsRef::<Caches>::as_ref(&a).stats().caches[0].hits, 1);
    assert!(format!("{a:?}").contains("far"));
}

//! `settle`: what goes on in the background is done.

use cached_runtime::cache;
use cached_runtime::testing::ManualClock;

use crate::far::Far;
use crate::world::{with_near, world};

#[cache(backend = ["local", "near", "far"])]
async fn users(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn a_backfill_is_in_place() {
    let (clock, near, far) = (ManualClock::new(), Far::default(), Far::default());
    let caches = || with_near(&clock, &far, near.clone()).build().unwrap();
    caches().scope(users(1)).await;
    let key = "surface::caches::settle::users:1".to_owned();
    assert_eq!(
        (near.present(), far.present()),
        (vec![key.clone()], vec![key.clone()])
    );
    near.drop_all();
    let caches = caches();
    assert_eq!(caches.scope(users(1)).await, 1);
    caches.settle().await;
    assert_eq!(near.present(), [key]);
    assert_eq!(caches.stats().caches[0].loads, 0);
}

#[tokio::test]
async fn with_nothing_to_do_it_is_done() {
    world(async |world| {
        world.caches.settle().await;
        world.caches.settle().await;
    })
    .await;
}

//! `caches = expr`: for those who pass dependencies by hand.

use std::sync::Arc;

use cached_runtime::testing::ManualClock;
use cached_runtime::{Caches, Mode, cache, with_mode};

use crate::far::Far;
use crate::world::{Runs, builder, world};

fn fresh() -> Caches {
    builder(&ManualClock::new(), &Far::default()).build().unwrap()
}

#[cache(caches = caches, skip(caches, runs), backend = "local")]
async fn by_argument(caches: &Caches, runs: &Runs, id: u64) -> u64 {
    let _ = (caches, id);
    runs.next()
}

struct App {
    caches: Arc<Caches>,
    runs: Runs,
}

impl App {
    #[cache(caches = self.caches, skip(self), backend = "local")]
    async fn by_field(&self, id: u64) -> u64 {
        let _ = id;
        self.runs.next()
    }
}

#[tokio::test]
async fn calls_go_to_the_caches_that_were_passed() {
    world(async |world| {
        let (a, b) = (fresh(), fresh());
        let runs = Runs::default();
        assert_eq!(by_argument(&a, &runs, 1).await, 1);
        assert_eq!(by_argument(&a, &runs, 1).await, 1);
        assert_eq!(by_argument(&b, &runs, 1).await, 2);
        assert!(world.caches.stats().caches.is_empty(), "the scope is not asked");
        assert_eq!(by_argument_cache(&a).stats().hits, 1);
        assert_eq!(by_argument_cache(&b).stats().hits, 0);
        by_argument_entry(&a, 1).invalidate().await.unwrap();
        assert_eq!(by_argument_entry(&a, 1).get().await.unwrap(), None);
        assert_eq!(by_argument_entry(&b, 1).get().await.unwrap(), Some(2));
        assert_eq!(by_argument_uncached(&a, &runs, 1).await, 3);
    })
    .await;
}

#[tokio::test]
async fn the_mode_in_force_counts() {
    let a = fresh();
    let runs = Runs::default();
    assert_eq!(by_argument(&a, &runs, 1).await, 1);
    assert_eq!(with_mode(Mode::Refresh, by_argument(&a, &runs, 1)).await, 2);
    assert_eq!(by_argument(&a, &runs, 1).await, 2);
    assert_eq!(with_mode(Mode::Off, by_argument(&a, &runs, 1)).await, 3);
    assert_eq!(by_argument(&a, &runs, 1).await, 2);
}

#[tokio::test]
async fn they_may_be_held_in_a_field_and_behind_an_arc() {
    let app = App {
        caches: Arc::new(fresh()),
        runs: Runs::default(),
    };
    assert_eq!(app.by_field(1).await, 1);
    assert_eq!(app.by_field(1).await, 1);
    assert_eq!(App::by_field_cache(&app.caches).stats().hits, 1);
    assert_eq!(App::by_field_entry(&app.caches, 1).get().await.unwrap(), Some(1));
}

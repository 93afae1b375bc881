//! `caches = expr`: for those who pass dependencies by hand.

use std::sync::Arc;

use cached_runtime::testing::ManualClock;
use cached_runtime::{Caches, Mode, cache, invalidate, with_mode};

use crate::far::Far;
use crate::world::{Runs, begin_and_drop, builder, world};

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

#[invalidate(by_argument(caches, id))]
async fn write(caches: &Caches, id: u64) {
    let _ = (caches, id);
}

#[invalidate(by_argument(caches, ..))]
async fn write_all(caches: Caches) {
    drop(caches);
}

#[invalidate(by_argument(&caches, output))]
async fn write_output(caches: Arc<Caches>, id: u64) -> Option<u64> {
    drop(caches);
    std::future::pending::<()>().await;
    Some(id)
}

impl App {
    #[invalidate(self.by_field(&self.caches, id))]
    async fn write(&self, id: u64) {
        let _ = id;
    }

    #[invalidate(self.by_field(self.caches, ..))]
    async fn write_all(&self) {}

    #[invalidate(Self::by_field(self.caches, output))]
    async fn write_output(&self, id: u64) -> Result<u64, String> {
        Ok(id)
    }
}

#[tokio::test]
async fn writers_pass_them_as_the_companions_take_them() {
    let caches = fresh();
    let runs = Runs::default();
    let entries = || by_argument_cache(&caches).stats().entries;
    for id in 0..3 {
        by_argument(&caches, &runs, id).await;
    }
    write(&caches, 1).await;
    assert_eq!(entries(), 2);
    // Dropped before its output was known, so it could be any.
    begin_and_drop(write_output(Arc::new(caches.clone()), 1));
    assert_eq!(entries(), 0);
    by_argument(&caches, &runs, 1).await;
    write_all(caches.clone()).await;
    assert_eq!(entries(), 0);

    let app = App {
        caches: Arc::new(caches),
        runs,
    };
    let entries = || App::by_field_cache(&app.caches).stats().entries;
    for id in 0..3 {
        app.by_field(id).await;
    }
    app.write(1).await;
    assert_eq!(entries(), 2);
    assert_eq!(app.write_output(2).await, Ok(2));
    assert_eq!(entries(), 1);
    app.write_all().await;
    assert_eq!(entries(), 0);
}

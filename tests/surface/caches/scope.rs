//! `scope`: in force for what it awaits, and no further.

use cached_runtime::testing::ManualClock;
use cached_runtime::{Caches, cache};

use crate::far::Far;
use crate::world::{Runs, begin_and_drop, builder, world};

#[cache(skip(runs), backend = "local")]
async fn users(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    runs.next()
}

fn fresh() -> Caches {
    builder(&ManualClock::new(), &Far::default()).build().unwrap()
}

fn loads(caches: &Caches) -> u64 {
    caches.stats().caches.iter().map(|cache| cache.loads).sum()
}

#[tokio::test]
async fn the_innermost_is_in_force_and_the_outer_one_again_behind_it() {
    let (outer, inner) = (fresh(), fresh());
    let runs = Runs::default();
    let seen = outer
        .scope(async {
            let first = users(&runs, 1).await;
            let inside = inner
                .scope(async { [users(&runs, 1).await, users(&runs, 1).await] })
                .await;
            (first, inside, users(&runs, 1).await)
        })
        .await;
    assert_eq!(seen, (1, [2, 2], 1));
    assert_eq!((loads(&outer), loads(&inner)), (1, 1));
}

#[tokio::test]
async fn it_follows_its_future_over_awaits_and_joins() {
    let (a, b) = (fresh(), fresh());
    let runs = Runs::default();
    let work = |caches: Caches| {
        let runs = &runs;
        async move {
            caches
                .scope(async {
                    for _ in 0..3 {
                        users(runs, 1).await;
                        tokio::task::yield_now().await;
                    }
                })
                .await;
        }
    };
    tokio::join!(work(a.clone()), work(b.clone()));
    assert_eq!((loads(&a), loads(&b), runs.count()), (1, 1, 2));
}

#[tokio::test]
async fn current_is_the_one_in_force() {
    world(async |world| {
        let runs = Runs::default();
        users(&runs, 1).await;
        assert_eq!(loads(&Caches::current()), 1);
        // A task has to be told.
        let current = Caches::current();
        let task = tokio::spawn(async move {
            let runs = Runs::default();
            current.scope(users(&runs, 1)).await
        });
        task.await.unwrap();
        assert_eq!(loads(&world.caches), 1);
    })
    .await;
}

#[tokio::test]
async fn a_scope_may_be_dropped_in_the_middle() {
    let caches = fresh();
    begin_and_drop(caches.scope(std::future::pending::<()>()));
    assert_eq!(caches.scope(users(&Runs::default(), 1)).await, 1);
}

//! Writers that do not come to their end: nobody knows what they had committed, so the entry is removed.

use std::future::pending;

use cached_runtime::{cache, update};

use crate::world::{World, begin_and_drop, world};

#[cache(key = "u6:{id}", strategy = "write_through", backend = ["local", "far"])]
async fn users(id: u64) -> u64 {
    id
}

#[update(users(id) = 70)]
async fn stuck(id: u64) {
    let _ = id;
    pending::<()>().await;
}

#[update(users(id))]
async fn panicking(id: u64) -> u64 {
    tokio::task::yield_now().await;
    assert!(id > 1_000, "a bug in a writer");
    id
}

#[derive(Clone)]
struct Trap;

#[cache(key = "u6:trap:{id}", strategy = "write_through", cache_if = |_trap| panic!("a bug in a closure"), backend = "local")]
async fn trap(id: u64) -> Option<Trap> {
    let _ = id;
    None
}

#[update(users(id) = 80, trap(id))]
async fn trapped(id: u64) -> Trap {
    let _ = id;
    Trap
}

async fn filled() {
    for id in [1, 2, 10] {
        users(id).await;
    }
}

async fn left(world: &World) -> (Vec<String>, u64) {
    world.caches.settle().await;
    (world.far.present(), users_cache().stats().entries)
}

#[tokio::test]
async fn dropped_in_the_middle_of_the_body() {
    world(async |world| {
        filled().await;
        begin_and_drop(stuck(1));
        // From memory at once.
        assert_eq!(users_cache().stats().entries, 2);
        assert_eq!(
            left(&world).await,
            (vec!["u6:10".to_owned(), "u6:2".to_owned()], 2)
        );
    })
    .await;
}

#[tokio::test]
async fn dropped_before_it_was_polled() {
    world(async |world| {
        filled().await;
        drop(stuck(1));
        assert_eq!(left(&world).await.1, 3);
    })
    .await;
}

#[tokio::test]
async fn panicking_in_the_middle_of_the_body() {
    world(async |world| {
        filled().await;
        let caches = world.caches.clone();
        let task = tokio::spawn(async move { caches.scope(panicking(1)).await });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(left(&world).await.1, 2);
        assert_eq!(users_entry(1).get().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn panicking_in_a_closure_that_looks_at_the_value() {
    world(async |world| {
        filled().await;
        let caches = world.caches.clone();
        let task = tokio::spawn(async move { caches.scope(trapped(1)).await });
        assert!(task.await.is_err_and(|error| error.is_panic()));
        assert_eq!(left(&world).await.1, 2);
        assert!(trap(1).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn dropped_while_it_removes() {
    world(async |world| {
        #[cache(key = "u6:aside:{id}", backend = ["local", "far"])]
        async fn aside(id: u64) -> u64 {
            id
        }
        #[update(aside(id))]
        async fn quick(id: u64) -> u64 {
            id
        }
        aside(1).await;
        world.far.hold_removals();
        begin_and_drop(quick(1));
        world.far.let_removals_go();
        assert!(left(&world).await.0.is_empty());
        assert_eq!(aside_entry(1).get().await.unwrap(), None);
    })
    .await;
}

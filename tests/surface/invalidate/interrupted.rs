//! Writers that do not come to their end: nobody knows what they had committed, so they invalidate.

use std::future::pending;

use cached_runtime::{cache, invalidate};

use crate::world::{World, begin_and_drop, world};

#[cache(key = "i10:{id}", backend = ["local", "far"])]
async fn users(id: u64) -> u64 {
    id
}

#[invalidate(users(id))]
async fn stuck(id: u64) {
    let _ = id;
    pending::<()>().await;
}

#[invalidate(users(output))]
async fn stuck_with_output(id: u64) -> u64 {
    pending::<()>().await;
    id
}

#[invalidate(key = "i10:{output}", pattern = "i10:{id}{output}*")]
async fn stuck_with_output_in_text(id: u64) -> u64 {
    pending::<()>().await;
    id
}

#[invalidate(users(id), when = "before")]
async fn stuck_before(id: u64) {
    let _ = id;
    pending::<()>().await;
}

#[invalidate(users(id))]
async fn panicking(id: u64) {
    let _ = id;
    tokio::task::yield_now().await;
    panic!("a bug in a writer");
}

async fn filled() {
    for id in [1, 2, 10, 100] {
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
        assert_eq!(users_cache().stats().entries, 3);
        assert_eq!(left(&world).await.1, 3);
        assert_eq!(world.far.present(), ["i10:10", "i10:100", "i10:2"]);
    })
    .await;
}

#[tokio::test]
async fn dropped_before_the_body_has_begun() {
    world(async |world| {
        filled().await;
        drop(stuck(1));
        assert_eq!(left(&world).await.1, 4);
    })
    .await;
}

#[tokio::test]
async fn dropped_before_its_output_was_known() {
    world(async |world| {
        filled().await;
        begin_and_drop(stuck_with_output(1));
        assert_eq!(left(&world).await, (vec![], 0), "it could have been any");
        filled().await;
        begin_and_drop(stuck_with_output_in_text(1));
        assert_eq!(left(&world).await, (vec![], 0));
    })
    .await;
}

#[tokio::test]
async fn what_was_done_before_is_done() {
    world(async |world| {
        filled().await;
        begin_and_drop(stuck_before(1));
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
        assert_eq!(left(&world).await.1, 3);
        assert_eq!(users_entry(1).get().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn dropped_while_it_removes() {
    world(async |world| {
        #[invalidate(users(id))]
        async fn quick(id: u64) {
            let _ = id;
        }
        filled().await;
        world.far.hold_removals();
        begin_and_drop(quick(1));
        world.far.let_removals_go();
        assert_eq!(left(&world).await.1, 3);
        assert_eq!(world.far.present(), ["i10:10", "i10:100", "i10:2"]);
    })
    .await;
}

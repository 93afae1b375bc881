//! `#[update]` beside `#[update]`, `#[invalidate]` and other attributes, in either order: the body runs once.

use cached_runtime::{cache, invalidate, update};

use crate::world::{Runs, world};

#[cache(key = "u7:user:{id}", strategy = "write_through", backend = ["local", "far"])]
async fn user(id: u64) -> u64 {
    id
}

#[cache(key = "u7:name:{id}", strategy = "write_through", backend = "local")]
async fn name(id: u64) -> String {
    id.to_string()
}

#[cache(key = "u7:list:{org}", backend = ["local", "far"])]
async fn list(org: u64) -> Vec<u64> {
    vec![org]
}

#[update(user(id))]
#[invalidate(list(output))]
async fn outer_update(runs: &Runs, id: u64) -> Result<u64, String> {
    runs.next();
    if id == 0 {
        Err("no".to_owned())
    } else {
        Ok(id + 100)
    }
}

#[invalidate(list(..))]
#[update(name(id) = output.to_string())]
#[update(user(output) = output + 1)]
async fn inner_updates(runs: &Runs, id: u64) -> u64 {
    runs.next();
    id
}

#[update(user(id) = 5)]
#[invalidate(user(id))]
async fn the_same_entry(id: u64) {
    let _ = id;
}

#[invalidate(user(id))]
#[update(user(id) = 5)]
async fn the_same_entry_the_other_way(id: u64) {
    let _ = id;
}

/// Both of one entry: nobody can say which of them is right.
#[update(user(id) = 5, user(id) = 6)]
async fn twice(id: u64) {
    let _ = id;
}

#[invalidate(list(1))]
async fn calling(id: u64) -> Result<u64, String> {
    outer_update(&Runs::default(), id).await
}

async fn there(id: u64) -> Option<u64> {
    user_entry(id).get().await.unwrap()
}

#[tokio::test]
async fn each_does_its_own_around_one_body() {
    world(async |_| {
        let runs = Runs::default();
        for org in [101, 102] {
            list(org).await;
        }
        assert_eq!(outer_update(&runs, 1).await, Ok(101));
        assert_eq!(runs.count(), 1);
        assert_eq!(there(1).await, Some(101));
        assert_eq!(list_cache().stats().entries, 1);
        assert!(outer_update(&runs, 0).await.is_err());
        assert_eq!(there(0).await, None);

        assert_eq!(inner_updates(&runs, 7).await, 7);
        assert_eq!(runs.count(), 3);
        assert_eq!(there(7).await, Some(8));
        assert_eq!(name(7).await, "7");
        assert_eq!(list_cache().stats().entries, 0);
    })
    .await;
}

#[tokio::test]
async fn an_entry_that_is_put_and_removed_is_gone() {
    world(async |world| {
        user(1).await;
        the_same_entry(1).await;
        assert_eq!(there(1).await, None);
        user(1).await;
        the_same_entry_the_other_way(1).await;
        assert_eq!(there(1).await, None);
        user(1).await;
        twice(1).await;
        assert_eq!(there(1).await, None);
        assert!(world.far.present().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_writer_may_call_a_writer() {
    world(async |_| {
        list(1).await;
        calling(3).await.unwrap();
        assert_eq!(there(3).await, Some(103));
        assert_eq!(list_cache().stats().entries, 0);
    })
    .await;
}

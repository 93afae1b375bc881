//! `when = "before"`, `"after"`, `"always"`.

use cached_runtime::{cache, invalidate};

use crate::world::world;

#[cache(key = "i9:{id}", backend = ["local", "far"])]
async fn users(id: u64) -> u64 {
    id
}

async fn there(id: u64) -> bool {
    users_entry(id).get().await.unwrap().is_some()
}

fn outcome(fails: bool) -> Result<(), String> {
    if fails { Err("no".to_owned()) } else { Ok(()) }
}

#[invalidate(users(id), when = "before")]
async fn before(id: u64, fails: bool) -> Result<(), String> {
    assert!(!there(id).await);
    users(id).await;
    outcome(fails)
}

#[invalidate(users(id), when = "after")]
async fn after(id: u64, fails: bool) -> Result<(), String> {
    assert!(there(id).await);
    outcome(fails)
}

#[invalidate(when = "always", users(id), key = "i9:7", pattern = "i9:8*", users(..))]
async fn always(id: u64, fails: bool) -> Result<(), String> {
    assert!(there(id).await);
    outcome(fails)
}

#[tokio::test]
async fn before_the_body() {
    world(async |_| {
        for fails in [false, true] {
            users(1).await;
            assert_eq!(before(1, fails).await.is_err(), fails);
            assert!(there(1).await, "what the body put stays");
        }
    })
    .await;
}

#[tokio::test]
async fn after_it_if_it_succeeded() {
    world(async |_| {
        users(1).await;
        assert!(after(1, true).await.is_err());
        assert!(there(1).await);
        assert!(after(1, false).await.is_ok());
        assert!(!there(1).await);
    })
    .await;
}

#[tokio::test]
async fn always_even_if_it_failed() {
    world(async |world| {
        for fails in [false, true] {
            users(1).await;
            users(7).await;
            assert_eq!(always(1, fails).await.is_err(), fails);
            // At once: who asks next must not be given what was there before.
            assert!(world.far.present().is_empty(), "fails: {fails}");
            assert!(!there(1).await);
            assert_eq!(users_cache().stats().entries, 0);
        }
    })
    .await;
}

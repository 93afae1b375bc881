//! `key = ".."`: by text, whichever function owns it.

use cached_runtime::{Caches, cache, invalidate};

use crate::world::world;

#[cache(key = "i7:{id}:{name}", backend = ["local", "far"])]
async fn users(id: u64, name: &str) -> u64 {
    let _ = name;
    id
}

#[cache(key = "i7:{{x}}:{id}", backend = "local")]
async fn braces(id: Option<u64>) -> u64 {
    id.unwrap_or(0)
}

#[invalidate(key = "i7:{id}:{name}")]
async fn rename(id: u64, name: &str) {
    let _ = (id, name);
}

#[invalidate(key = "i7:{user.id}:{user.names.0}", key = "i7:{{x}}:{user.id}")]
async fn of_fields(user: &User) {
    let _ = user.names;
}

#[invalidate(key = "i7:{{x}}:{id}")]
async fn of_option(id: Option<u64>) {
    let _ = id;
}

#[invalidate(key = "nobody's", key = "i7:not:a:key")]
async fn of_nobody() {}

#[invalidate(key = "i7:{id}:a", caches = caches)]
async fn in_caches(caches: &Caches, id: u64) {
    let _ = (caches, id);
}

struct User {
    id: u64,
    names: (&'static str,),
}

#[tokio::test]
async fn values_are_rendered_as_in_keys() {
    world(async |world| {
        for name in ["a", "a:b", "*", "%2A", ""] {
            users(1, name).await;
        }
        rename(1, "*").await;
        assert_eq!(
            world.far.present(),
            ["i7:1:", "i7:1:%252A", "i7:1:a", "i7:1:a%3Ab"]
        );
        assert_eq!(users_cache().stats().entries, 4);
        for name in ["a:b", "%2A", ""] {
            rename(1, name).await;
        }
        assert_eq!(world.far.present(), ["i7:1:a"]);
        braces(Some(1)).await;
        braces(None).await;
        of_fields(&User { id: 1, names: ("a",) }).await;
        assert!(world.far.present().is_empty());
        assert_eq!(braces_entry(Some(1)).get().await.unwrap(), None);
        assert_eq!(braces_entry(None).get().await.unwrap(), Some(0));
        of_option(None).await;
        assert_eq!(braces_entry(None).get().await.unwrap(), None);
        of_nobody().await;
    })
    .await;
}

#[tokio::test]
async fn in_a_caches_that_is_passed() {
    world(async |world| {
        users(1, "a").await;
        let caches = world.caches.clone();
        crate::world::world(async |_| {
            users(1, "a").await;
            in_caches(&caches, 1).await;
            assert_eq!(users_cache().stats().entries, 1);
        })
        .await;
        assert_eq!(users_cache().stats().entries, 0);
    })
    .await;
}

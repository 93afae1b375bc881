//! Values that are an `Arc`: kept as they are, whatever is in them and wherever they go.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::cache;
use cached_runtime::testing::ManualClock;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::far::Far;
use crate::world::{builder, secs, world};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
}

fn user(id: u64) -> Arc<User> {
    Arc::new(User { id })
}

#[cache(key = "arc:{id}", backend = "local")]
async fn plain(id: u64) -> Arc<User> {
    user(id)
}

#[cache(key = "arc:some:{id}", backend = "local")]
async fn some(id: u64) -> Option<Arc<User>> {
    (id > 0).then(|| user(id))
}

#[cache(key = "arc:ok:{id}", backend = "local", companions = false)]
async fn without_companions(id: u64) -> Result<Option<Arc<User>>, String> {
    Ok(Some(user(id)))
}

#[tokio::test]
async fn every_hit_is_the_value_that_was_loaded() {
    world(async |_| {
        let first = plain(1).await;
        assert!(Arc::ptr_eq(&first, &plain(1).await));
        assert!(Arc::ptr_eq(&first, &plain_entry(1).get().await.unwrap().unwrap()));
        // Ours, and the entry's: nobody holds another.
        assert_eq!(Arc::strong_count(&first), 2);
        plain_entry(1).invalidate().await.unwrap();
        assert_eq!(Arc::strong_count(&first), 1);

        let first = some(1).await.unwrap();
        assert!(Arc::ptr_eq(&first, &some(1).await.unwrap()));
        let first = without_companions(1).await.unwrap().unwrap();
        let second = without_companions(1).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &second));
    })
    .await;
}

#[tokio::test]
async fn what_is_inserted_is_kept_as_it_is() {
    world(async |_| {
        let value = user(7);
        plain_entry(2).insert(Arc::clone(&value)).await.unwrap();
        assert!(Arc::ptr_eq(&value, &plain(2).await));
        plain_entry(2)
            .insert_for(user(8), Duration::from_secs(1))
            .await
            .unwrap();
        assert_eq!(Arc::strong_count(&value), 1);
        assert_eq!(plain(2).await.id, 8);
    })
    .await;
}

#[cache(key = "arc:text:{id}", backend = "local")]
async fn text(id: u64) -> Arc<str> {
    id.to_string().into()
}

#[cache(key = "arc:slice:{id}", backend = "local")]
async fn slice(id: u64) -> Arc<[u64]> {
    [id, id].into()
}

#[cache(key = "arc:dyn:{id}", backend = "local")]
async fn object(id: u64) -> Arc<dyn Fn() -> u64 + Send + Sync> {
    Arc::new(move || id)
}

#[cache(key = "arc:arc:{id}", backend = "local")]
async fn nested(id: u64) -> Arc<Arc<u64>> {
    Arc::new(Arc::new(id))
}

#[tokio::test]
async fn an_arc_of_what_has_no_size_is_kept_too() {
    world(async |_| {
        for _ in 0..2 {
            assert_eq!(&*text(1).await, "1");
            assert_eq!(*slice(1).await, [1, 1]);
            assert_eq!((object(1).await)(), 1);
            assert_eq!(**nested(1).await, 1);
        }
        assert!(Arc::ptr_eq(&text(1).await, &text(1).await));
        assert!(Arc::ptr_eq(&nested(1).await, &nested(1).await));
    })
    .await;
}

#[cache(key = "arc:generic:{id}", backend = "local")]
async fn generic<T: From<u64> + Clone + Send + Sync + 'static>(id: u64) -> Option<T> {
    Some(T::from(id))
}

#[cache(key = "arc:inside:{id}", backend = "local")]
async fn inside<T: From<u64> + Send + Sync + 'static>(id: u64) -> Arc<T> {
    Arc::new(T::from(id))
}

#[tokio::test]
async fn instantiations_may_be_arcs_or_not() {
    world(async |_| {
        for _ in 0..2 {
            assert_eq!(generic::<Arc<u64>>(1).await, Some(Arc::new(1)));
            assert_eq!(generic::<u64>(1).await, Some(1));
            assert_eq!(*inside::<u64>(2).await, 2);
            assert_eq!(**inside::<Arc<u64>>(2).await, 2);
        }
        let first = generic::<Arc<u64>>(1).await.unwrap();
        assert!(Arc::ptr_eq(&first, &generic::<Arc<u64>>(1).await.unwrap()));
        let first = inside::<u64>(2).await;
        assert!(Arc::ptr_eq(&first, &inside::<u64>(2).await));
    })
    .await;
}

#[cache(
    key = "arc:hooks:{id}",
    ttl = |user: &Arc<User>| secs(user.id),
    cache_if = |user| user.id > 1,
    max_bytes = "1KiB",
    weight = |_, user| 100 * user.id,
    backend = ["local", "far"]
)]
async fn hooked(id: u64) -> Arc<User> {
    user(id)
}

#[tokio::test]
async fn closures_see_the_arc() {
    world(async |world| {
        hooked(1).await;
        assert_eq!(hooked_entry(1).get().await.unwrap(), None);
        hooked(3).await;
        world.caches.settle().await;
        assert_eq!(hooked_entry(3).remaining_ttl().await.unwrap(), Some(secs(3)));
        // Heavier than the bound: in the store alone.
        hooked(11).await;
        assert_eq!(hooked_cache().stats().entries, 1);
        assert_eq!(hooked_entry(11).get().await.unwrap(), Some(user(11)));
    })
    .await;
}

#[cache(key = "arc:far:{id}", ttl = "1m", backend = ["local", "far"])]
async fn remote(id: u64) -> Option<Arc<User>> {
    Some(user(id))
}

#[cache(key = "arc:far:generic:{id}", ttl = "1m", backend = "far")]
async fn remote_generic<T>(id: u64) -> Option<T>
where
    T: From<User> + Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    Some(T::from(User { id }))
}

#[tokio::test]
async fn it_goes_into_a_store_and_comes_back() {
    let (clock, far) = (ManualClock::new(), Far::default());
    // The second process finds what the first has stored.
    for expected in [1, 0] {
        let caches = builder(&clock, &far).build().unwrap();
        let work = async {
            let value = remote(5).await.unwrap();
            assert_eq!(value.id, 5);
            assert!(Arc::ptr_eq(&value, &remote(5).await.unwrap()));
            for _ in 0..2 {
                assert_eq!(remote_generic(6).await, Some(user(6)));
            }
            assert_eq!(remote_cache().stats().loads, expected);
            let stats = remote_generic_cache::<Arc<User>>().stats();
            assert_eq!(stats.loads, expected);
        };
        caches.scope(work).await;
    }
    assert!(far.bytes("arc:far:5").is_some());
}

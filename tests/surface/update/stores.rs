//! Stores that do not take a value.

use cached_runtime::{Caches, cache, update};

use crate::far::Far;
use crate::world::{Runs, builder, world};

#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
struct Odd(u64);

impl serde::Serialize for Odd {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(2) {
            return Err(serde::ser::Error::custom("an even number"));
        }
        serializer.serialize_newtype_struct("Odd", &self.0)
    }
}

#[cache(key = "u9:{id}", strategy = "write_through", skip(runs), backend = ["local", "far"])]
async fn odd(runs: &Runs, id: u64) -> Odd {
    runs.next();
    Odd(id)
}

#[update(odd(id) = Odd(value))]
async fn set(id: u64, value: u64) {
    let _ = (id, value);
}

#[cache(key = "u9:three:{id}", strategy = "write_through", backend = ["local", "near", "far"])]
async fn three(id: u64) -> u64 {
    id
}

#[update(three(id) = value)]
async fn set_three(id: u64, value: u64) {
    let _ = (id, value);
}

#[tokio::test]
async fn what_cannot_be_turned_into_bytes_is_removed() {
    world(async |world| {
        let runs = Runs::default();
        odd(&runs, 1).await;
        assert_eq!(world.far.present(), ["u9:1"]);
        set(1, 2).await;
        assert_eq!(odd_entry(1).get().await.unwrap(), None);
        assert!(world.far.present().is_empty());
        set(1, 3).await;
        assert_eq!(odd(&runs, 1).await, Odd(3));
    })
    .await;
}

#[tokio::test]
async fn three_tiers_have_it() {
    world(async |world| {
        let near = Far::default();
        let caches: Caches = crate::world::with_near(&world.clock, &world.far, near.clone())
            .build()
            .unwrap();
        caches
            .scope(async {
                set_three(1, 70).await;
                assert_eq!(three(1).await, 70);
            })
            .await;
        assert_eq!(world.far.present(), ["u9:three:1"]);
        assert_eq!(near.present(), ["u9:three:1"]);
    })
    .await;
}

#[tokio::test]
async fn after_shutdown_memory_still_has_the_newest() {
    world(async |world| {
        let caches = builder(&world.clock, &world.far).build().unwrap();
        caches
            .scope(async {
                set_three(1, 70).await;
                caches.shutdown().await.unwrap();
                set_three(1, 71).await;
                assert_eq!(three(1).await, 71);
            })
            .await;
    })
    .await;
}

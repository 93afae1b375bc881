//! Instantiations of a generic function whose values have one type: what is said of one must not be done to another.

use std::marker::PhantomData;
use std::time::Duration;

use cached_runtime::{KeyPart, cache, invalidate};

use crate::odd::Odd;

trait Kind: Send + Sync + 'static {
    const LIFE: Duration;
    const KEPT: bool;
}

struct Short;
struct Long;

impl Kind for Short {
    const LIFE: Duration = Duration::from_secs(1);
    const KEPT: bool = false;
}

impl Kind for Long {
    const LIFE: Duration = Duration::from_secs(3600);
    const KEPT: bool = true;
}

#[cache(backend = "local", ttl = |_| T::LIFE)]
async fn lives<T: Kind>(id: u64) -> u64 {
    id
}

#[cache(backend = "local", cache_if = |_| T::KEPT)]
async fn kept<T: Kind>(id: u64) -> u64 {
    id
}

struct Repo<T>(PhantomData<fn() -> T>);

impl<T: Kind> Repo<T> {
    #[cache(backend = "local", ttl = |_| T::LIFE, skip(self))]
    async fn find(&self, id: u64) -> u64 {
        id
    }
}

/// What is borrowed for less than ever has closures of its own too.
#[cache(backend = "local", cache_if = |value| *value > 1)]
async fn of_part<P: KeyPart + Send + Sync>(part: P, id: u64) -> u64 {
    let _ = part;
    id
}

#[tokio::test]
async fn borrowed_types_are_instantiations_too() {
    Odd::new()
        .caches()
        .scope(async {
            let text = String::from("a");
            assert_eq!(of_part(text.as_str(), 2).await, 2);
            assert_eq!(of_part(&7_u64, 2).await, 2);
            assert_eq!(of_part_cache::<&str>().stats().entries, 2);
        })
        .await;
}

#[tokio::test]
async fn each_has_its_own_closures() {
    let caches = Odd::new().caches();
    caches
        .scope(async {
            lives::<Long>(1).await;
            lives::<Short>(1).await;
            let left = lives_entry::<Short>(1).remaining_ttl().await.unwrap().unwrap();
            assert!(left <= Short::LIFE, "{left:?}");
            let left = lives_entry::<Long>(1).remaining_ttl().await.unwrap().unwrap();
            assert!(left > Short::LIFE, "{left:?}");

            kept::<Long>(1).await;
            kept::<Short>(1).await;
            assert_eq!(kept_entry::<Long>(1).get().await.unwrap(), Some(1));
            assert_eq!(kept_entry::<Short>(1).get().await.unwrap(), None);

            Repo::<Long>(PhantomData).find(1).await;
            Repo::<Short>(PhantomData).find(1).await;
            let left = Repo::<Short>::find_entry(1)
                .remaining_ttl()
                .await
                .unwrap()
                .unwrap();
            assert!(left <= Short::LIFE, "{left:?}");
        })
        .await;
}

/// All of them are one cache still.
#[tokio::test]
async fn they_are_one_cache() {
    let caches = Odd::new().caches();
    caches
        .scope(async {
            lives::<Long>(1).await;
            lives::<Short>(1).await;
            assert_eq!(lives_cache::<Long>().stats().loads, 2);
            lives_cache::<Long>().clear().await.unwrap();
            assert_eq!(lives_entry::<Short>(1).get().await.unwrap(), None);
            lives::<Short>(2).await;
            let key = lives_entry::<Short>(2).key().to_string();
            caches.invalidate_key(&key).await.unwrap();
            assert_eq!(lives_entry::<Short>(2).get().await.unwrap(), None);
        })
        .await;
}

#[cache(key = "typed:{id}", backend = "local")]
async fn typed<T: Kind>(id: u64) -> u64 {
    id
}

#[invalidate(key = "typed:{id}")]
async fn by_key(id: u64) {}

#[invalidate(pattern = "typed:{id}#*")]
async fn by_pattern(id: u64) {}

#[invalidate(typed::<Short>(id))]
async fn by_type(id: u64) {}

/// Their types are part of their keys, so a key without one is that of none; a pattern finds those of all types.
#[tokio::test]
async fn a_pattern_finds_all_of_one_key() {
    let caches = Odd::new().caches();
    caches
        .scope(async {
            let there = async || {
                let (long, short) = (typed_entry::<Long>(1), typed_entry::<Short>(1));
                let other = typed_entry::<Long>(11).get().await.unwrap();
                let of_one = [long.get().await.unwrap(), short.get().await.unwrap()];
                (of_one.map(|value| value.is_some()), other.is_some())
            };
            typed::<Long>(1).await;
            typed::<Short>(1).await;
            typed::<Long>(11).await;
            by_key(1).await;
            assert_eq!(there().await, ([true, true], true));
            by_type(1).await;
            assert_eq!(there().await, ([true, false], true));
            typed::<Short>(1).await;
            by_pattern(1).await;
            assert_eq!(there().await, ([false, false], true));
        })
        .await;
}

//! `max_bytes` with `weight`: memory bound by what values weigh, and by their number too where `capacity` says so.

use cached_runtime::cache;

use crate::world::world;

#[cache(max_bytes = "1KiB", weight = |_, text| text.len() as u64, backend = "local")]
async fn texts(len: usize, id: u64) -> String {
    let _ = id;
    "x".repeat(len)
}

#[tokio::test]
async fn the_sum_of_weights_stays_within_the_bound() {
    world(async |_| {
        for id in 0..200 {
            texts(100, id).await;
            assert!(texts_cache().stats().entries <= 10);
        }
        assert!(texts_cache().stats().entries >= 8);
        texts_cache().clear().await.unwrap();
        for id in 0..200 {
            texts(500, id).await;
            assert!(texts_cache().stats().entries <= 2);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_heavier_than_the_bound_is_returned_and_not_kept() {
    world(async |_| {
        texts(10, 1).await;
        assert_eq!(texts(2_000, 1).await.len(), 2_000);
        assert_eq!(texts_entry(2_000, 1).get().await.unwrap(), None);
        assert_eq!(
            texts_entry(10, 1).get().await.unwrap().map(|text| text.len()),
            Some(10)
        );
    })
    .await;
}

#[cache(key = "a11:{name}", max_bytes = 64, weight = |key, value: &u64| key.to_string().len() as u64 + *value, backend = "local")]
async fn by_key(name: &str) -> u64 {
    name.len() as u64
}

#[tokio::test]
async fn the_weight_may_look_at_the_key() {
    world(async |_| {
        by_key("abc").await;
        assert_eq!(by_key_entry("abc").get().await.unwrap(), Some(3));
        let long = "x".repeat(70);
        by_key(&long).await;
        assert_eq!(by_key_entry(&long).get().await.unwrap(), None);
    })
    .await;
}

#[cache(max_bytes = "100B", capacity = 3, weight = |_, text| text.len() as u64, backend = "local")]
async fn both(len: usize, id: u64) -> String {
    let _ = id;
    "x".repeat(len)
}

#[tokio::test]
async fn with_both_each_bound_holds() {
    world(async |_| {
        for id in 0..50 {
            both(1, id).await;
            assert!(both_cache().stats().entries <= 3);
        }
        both_cache().clear().await.unwrap();
        for id in 0..3 {
            both(1, id).await;
        }
        assert_eq!(both_cache().stats().entries, 3, "three light ones fit");
        for id in 0..20 {
            both(60, id).await;
        }
        assert!(both_cache().stats().entries <= 2);
    })
    .await;
}

#[cache(max_bytes = "1KiB", weight = |_, _| 0, backend = "local")]
async fn weightless(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn nothing_weighs_nothing() {
    world(async |_| {
        for id in 0..5_000 {
            weightless(id).await;
        }
        assert!(weightless_cache().stats().entries <= 1_024);
    })
    .await;
}

#[cache(max_bytes = "1KiB", weight = |_, _| u64::MAX, backend = "local")]
async fn of_no_weight_that_fits(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn the_largest_weight_there_is_overflows_nothing() {
    world(async |_| {
        for id in 0..5 {
            assert_eq!(of_no_weight_that_fits(id).await, id);
        }
        assert_eq!(of_no_weight_that_fits_cache().stats().entries, 0);
    })
    .await;
}

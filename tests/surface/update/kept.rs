//! What is kept of a new value: `ttl`, `none_ttl`, `cache_if`, bounds.

use std::time::Duration;

use cached_runtime::{cache, update};

use crate::world::{secs, world};

#[cache(
    key = "u3:{id}",
    strategy = "write_through",
    ttl = |value| Duration::from_secs(*value),
    none_ttl = "30s",
    cache_if = |value| *value != 13,
    backend = ["local", "far"]
)]
async fn numbers(id: u64) -> Option<u64> {
    Some(id)
}

#[cache(
    key = "u3:heavy:{id}",
    strategy = "write_through",
    max_bytes = "1KiB",
    weight = |_key, value| value.len() as u64,
    backend = "local"
)]
async fn texts(id: u64) -> String {
    id.to_string()
}

#[update(numbers(id))]
async fn set(id: u64, value: Option<u64>) -> Option<u64> {
    let _ = id;
    value
}

#[update(numbers(id) = value)]
async fn set_to(id: u64, value: u64) {
    let _ = (id, value);
}

#[update(texts(id) = text.clone())]
async fn write(id: u64, text: String) {
    let _ = (id, text);
}

async fn life(id: u64) -> Option<Duration> {
    numbers_entry(id).remaining_ttl().await.unwrap()
}

#[tokio::test]
async fn the_ttl_is_that_of_the_value() {
    world(async |world| {
        set(1, Some(60)).await;
        assert_eq!(life(1).await, Some(secs(60)));
        assert_eq!(world.far.ttl("u3:1"), Some(secs(60)));
        set_to(1, 70).await;
        assert_eq!(life(1).await, Some(secs(70)));
        set_to(1, 0).await;
        assert_eq!(life(1).await, None, "no life at all");
        assert!(world.far.present().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_none_is_kept_as_long_as_none_ttl_says() {
    world(async |world| {
        numbers(1).await;
        assert_eq!(set(1, None).await, None);
        assert_eq!(life(1).await, Some(secs(30)));
        assert_eq!(world.far.present(), ["u3:1"]);
        assert_eq!(numbers(1).await, None, "answered by what is kept");
        world.clock.advance(secs(31));
        world.far.drop_all();
        assert_eq!(numbers(1).await, Some(1));
    })
    .await;
}

#[tokio::test]
async fn what_cache_if_refuses_is_removed() {
    world(async |world| {
        numbers(1).await;
        numbers(2).await;
        set(1, Some(13)).await;
        set_to(2, 13).await;
        assert_eq!((life(1).await, life(2).await), (None, None));
        assert!(world.far.present().is_empty());
    })
    .await;
}

#[tokio::test]
async fn bounds_hold() {
    world(async |_| {
        for id in 0..100 {
            write(id, "x".repeat(100)).await;
        }
        let entries = texts_cache().stats().entries;
        assert!((1..=10).contains(&entries), "{entries}");
        write(0, "x".repeat(2_000)).await;
        assert_eq!(texts_entry(0).get().await.unwrap(), None);
        assert_eq!(texts(0).await, "0");
    })
    .await;
}

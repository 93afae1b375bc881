//! The ends of every scale: lives, weights, bounds, lengths.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use cached_runtime::cache;

use crate::odd::Odd;

fn caches() -> cached_runtime::Caches {
    Odd::new().caches()
}

#[cache(backend = ["local", "odd"], ttl = |ttl| *ttl, jitter = "0.0001%", skip(ttl))]
async fn lives(ttl: Duration, id: u64) -> Duration {
    let _ = id;
    ttl
}

#[tokio::test]
async fn a_life_of_any_length() {
    let odd = Odd::new();
    odd.caches()
        .scope(async {
            for (at, ttl) in [
                Duration::MAX,
                Duration::MAX - Duration::from_nanos(1),
                Duration::from_secs(u64::MAX),
                Duration::from_secs(1 << 33),
                Duration::from_secs(1 << 31),
                Duration::from_secs((1 << 31) - 1),
                Duration::from_nanos(u64::MAX),
            ]
            .into_iter()
            .enumerate()
            {
                // Jitter is drawn at random.
                for round in 0..64 {
                    let id = at as u64 * 100 + round;
                    assert_eq!(lives(ttl, id).await, ttl);
                    assert_eq!(lives_entry(id).get().await.unwrap(), Some(ttl), "{ttl:?}");
                    let left = lives_entry(id).remaining_ttl().await.unwrap().unwrap();
                    assert!(left > Duration::from_secs(1_000_000_000), "{ttl:?} {left:?}");
                }
            }
            for ttl in [Duration::ZERO, Duration::from_nanos(1)] {
                assert_eq!(lives(ttl, 1_000_000).await, ttl);
                tokio::time::sleep(Duration::from_millis(20)).await;
                assert_eq!(lives_entry(1_000_000).get().await.unwrap(), None);
            }
            let entry = lives_entry(5);
            entry.insert_for(Duration::ZERO, Duration::MAX).await.unwrap();
            assert_eq!(entry.get().await.unwrap(), Some(Duration::ZERO));
        })
        .await;
}

#[cache(backend = "local", max_bytes = 1000, weight = |_, weight| *weight)]
async fn weighs(weight: u64) -> u64 {
    weight
}

#[cache(backend = "local", max_bytes = "18446744073709551615B", weight = |_, weight| *weight, key = "most:{weight}")]
async fn weighs_in_the_most(weight: u64) -> u64 {
    weight
}

#[cache(backend = "local", max_bytes = 1, weight = |_, weight| *weight, key = "least:{weight}")]
async fn weighs_in_the_least(weight: u64) -> u64 {
    weight
}

#[cache(backend = "moka", max_bytes = 1000, weight = |_, weight| *weight, key = "moka:{weight}")]
async fn weighs_in_moka(weight: u64) -> u64 {
    weight
}

#[tokio::test]
async fn weights_of_any_size() {
    caches()
        .scope(async {
            for _ in 0..3 {
                for weight in [0, 1, 2, 999, 1000, 1001, 1 << 32, u64::MAX - 1, u64::MAX] {
                    assert_eq!(weighs(weight).await, weight);
                    assert_eq!(weighs_in_the_most(weight).await, weight);
                    assert_eq!(weighs_in_the_least(weight).await, weight);
                    assert_eq!(weighs_in_moka(weight).await, weight);
                }
            }
            for weight in 0..3000 {
                weighs(weight).await;
                weighs_in_the_least(weight).await;
            }
            // A value that weighs nothing counts all the same.
            for id in 0..3000 {
                light(id).await;
            }
            assert!(light_cache().stats().entries <= 1000);
            assert!(weighs_in_the_least_cache().stats().entries <= 1);
        })
        .await;
}

#[cache(backend = "local", max_bytes = 1000, weight = |_, _| 0)]
async fn light(id: u64) -> u64 {
    id
}

#[cache(backend = "local", capacity = 1, skip(runs))]
async fn single(runs: &AtomicU64, id: u64) -> u64 {
    runs.fetch_add(1, SeqCst);
    id
}

#[cache(backend = "moka", capacity = 1, skip(runs))]
async fn single_in_moka(runs: &AtomicU64, id: u64) -> u64 {
    runs.fetch_add(1, SeqCst);
    id
}

#[tokio::test]
async fn room_for_one() {
    let runs = AtomicU64::new(0);
    caches()
        .scope(async {
            for id in 0..100 {
                assert_eq!(single(&runs, id).await, id);
                assert_eq!(single_in_moka(&runs, id).await, id);
            }
            assert!(single_cache().stats().entries <= 1);
            assert!(single_in_moka_cache().stats().entries <= 1);
        })
        .await;
}

#[cache(backend = ["local", "odd"], skip(runs))]
async fn by_text(runs: &AtomicU64, text: &str) -> usize {
    runs.fetch_add(1, SeqCst);
    text.len()
}

#[tokio::test]
async fn keys_of_any_length() {
    let odd = Odd::new();
    let runs = AtomicU64::new(0);
    odd.caches_within(Duration::from_secs(20))
        .scope(async {
            let huge = "\u{0}\u{10FFFF}%N:*?[".repeat(1 << 20);
            let mut texts: Vec<String> = [
                "", "\0", "%N", "%4E", "(", "(a,)", ":", "*", "\u{FEFF}", "é", "e\u{301}",
            ]
            .map(str::to_owned)
            .into();
            // Around the room that keys have without an allocation, values of numbers and escapes included.
            texts.extend(
                (20..25)
                    .chain(117..136)
                    .chain([254, 255, 256])
                    .map(|n| "a".repeat(n)),
            );
            texts.extend((117..136).map(|n| "1".repeat(n)));
            texts.push(huge);
            for _ in 0..2 {
                for text in &texts {
                    assert_eq!(by_text(&runs, text).await, text.len());
                }
            }
            assert_eq!(runs.load(SeqCst), texts.len() as u64);
            for text in &texts {
                let key = by_text_entry(text).key().to_string();
                assert_eq!(by_text_entry(text).get().await.unwrap(), Some(text.len()));
                cached_runtime::Caches::current()
                    .invalidate_key(&key)
                    .await
                    .unwrap();
                assert_eq!(by_text_entry(text).get().await.unwrap(), None);
            }
        })
        .await;
}

//! Several `#[invalidate]`s on one function, and writers that call writers.

use cached_runtime::{cache, invalidate};

use crate::world::world;

#[cache(key = "i12:a:{id}", backend = "local")]
async fn first(id: u64) -> u64 {
    id
}

#[cache(key = "i12:b:{id}", backend = "local")]
async fn second(id: u64) -> u64 {
    id
}

#[invalidate(first(id))]
#[invalidate(second(id), when = "always")]
async fn both(id: u64, fails: bool) -> Result<u64, String> {
    if fails { Err("no".to_owned()) } else { Ok(id) }
}

#[invalidate(first(output))]
#[invalidate(second(output))]
#[invalidate(key = "i12:a:2")]
async fn three(id: u64) -> Option<u64> {
    Some(id)
}

#[invalidate(second(id))]
async fn outer(id: u64) -> Result<u64, String> {
    both(id, false).await?;
    Err("after all".to_owned())
}

async fn there(id: u64) -> [bool; 2] {
    [
        first_entry(id).get().await.unwrap().is_some(),
        second_entry(id).get().await.unwrap().is_some(),
    ]
}

async fn filled() {
    for id in 0..3 {
        first(id).await;
        second(id).await;
    }
}

#[tokio::test]
async fn each_does_its_own() {
    world(async |_| {
        filled().await;
        assert!(both(1, true).await.is_err());
        assert_eq!(there(1).await, [true, false]);
        assert_eq!(both(1, false).await, Ok(1));
        assert_eq!(there(1).await, [false, false]);
        filled().await;
        assert_eq!(three(1).await, Some(1));
        assert_eq!(there(1).await, [false, false]);
        assert_eq!(there(2).await, [false, true]);
        filled().await;
        assert!(outer(0).await.is_err());
        assert_eq!(there(0).await, [false, false]);
    })
    .await;
}

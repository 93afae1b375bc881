//! `none_ttl`: whether and how long a `None` is kept.

use cached_runtime::cache;

use crate::world::{Runs, secs, world};

#[cache(ttl = "1h", skip(runs), backend = "local")]
async fn without(runs: &Runs, id: u64) -> Option<u64> {
    runs.next();
    (id > 0).then_some(id)
}

#[cache(ttl = "1h", none_ttl = "30s", skip(runs), backend = "local")]
async fn option(runs: &Runs, id: u64) -> Option<u64> {
    runs.next();
    (id > 0).then_some(id)
}

#[cache(none_ttl = "30s", skip(runs), backend = "local")]
async fn fallible(runs: &Runs, id: u64) -> Result<Option<u64>, String> {
    runs.next();
    match id {
        0 => Ok(None),
        13 => Err("unlucky".to_owned()),
        id => Ok(Some(id)),
    }
}

#[tokio::test]
async fn without_it_none_is_not_kept() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..3 {
            assert_eq!(without(&runs, 0).await, None);
            assert_eq!(without(&runs, 1).await, Some(1));
        }
        assert_eq!(runs.count(), 4);
        assert_eq!(without_cache().stats().entries, 1);
    })
    .await;
}

#[tokio::test]
async fn with_it_none_lives_as_long_as_it_says() {
    world(async |world| {
        let runs = Runs::default();
        for _ in 0..3 {
            assert_eq!(option(&runs, 0).await, None);
        }
        assert_eq!(runs.count(), 1);
        assert_eq!(option_entry(0).remaining_ttl().await.unwrap(), Some(secs(30)));
        // An entry that says there is none has no value to give.
        assert_eq!(option_entry(0).get().await.unwrap(), None);
        world.clock.advance(secs(31));
        assert_eq!(option(&runs, 0).await, None);
        assert_eq!(runs.count(), 2);
        option_entry(0).invalidate().await.unwrap();
        assert_eq!(option_entry(0).remaining_ttl().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_none_inside_of_ok_is_the_same_and_an_error_is_not() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..3 {
            assert_eq!(fallible(&runs, 0).await, Ok(None));
        }
        assert_eq!(runs.count(), 1);
        for _ in 0..3 {
            assert_eq!(fallible(&runs, 13).await, Err("unlucky".to_owned()));
        }
        assert_eq!(runs.count(), 4);
        assert_eq!(fallible(&runs, 2).await, Ok(Some(2)));
        assert_eq!(
            fallible_entry(2).remaining_ttl().await.unwrap(),
            Some(std::time::Duration::MAX)
        );
    })
    .await;
}

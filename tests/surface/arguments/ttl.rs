//! `ttl`: how long an entry lives.

use std::time::Duration;

use cached_runtime::cache;

use crate::world::{Runs, millis, secs, world};

#[cache(ttl = "1m 30s", skip(runs), backend = "local")]
async fn fixed(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    runs.next()
}

#[tokio::test]
async fn a_literal_is_the_life_after_a_fill() {
    world(async |world| {
        let runs = Runs::default();
        assert_eq!(fixed(&runs, 1).await, 1);
        world.clock.advance(millis(89_900));
        // A hit is no fill.
        assert_eq!(fixed(&runs, 1).await, 1);
        world.clock.advance(millis(200));
        assert_eq!(fixed_entry(1).get().await.unwrap(), None);
        assert_eq!(fixed(&runs, 1).await, 2);
        assert_eq!(fixed_entry(1).remaining_ttl().await.unwrap(), Some(secs(90)));
    })
    .await;
}

#[derive(Clone, Debug, PartialEq)]
struct Session {
    lives: u64,
}

#[cache(ttl = |session| secs(session.lives), skip(runs), backend = "local")]
async fn of_value(runs: &Runs, id: u64) -> Result<Option<Session>, String> {
    runs.next();
    Ok(Some(Session { lives: id }))
}

#[cache(ttl = |session: &Session| -> Duration { Duration::from_secs(session.lives) }, backend = "local")]
async fn of_value_spelled_out(id: u64) -> Session {
    Session { lives: id }
}

#[tokio::test]
async fn a_closure_sees_the_inner_value() {
    world(async |world| {
        let runs = Runs::default();
        for id in [10, 20] {
            of_value(&runs, id).await.unwrap();
        }
        assert_eq!(of_value_entry(10).remaining_ttl().await.unwrap(), Some(secs(10)));
        assert_eq!(of_value_entry(20).remaining_ttl().await.unwrap(), Some(secs(20)));
        world.clock.advance(secs(11));
        assert_eq!(of_value_entry(10).get().await.unwrap(), None);
        assert_eq!(of_value(&runs, 20).await.unwrap(), Some(Session { lives: 20 }));
        assert_eq!(runs.count(), 2);
        of_value_spelled_out(7).await;
        assert_eq!(
            of_value_spelled_out_entry(7).remaining_ttl().await.unwrap(),
            Some(secs(7))
        );
    })
    .await;
}

#[tokio::test]
async fn a_closure_that_says_zero_keeps_nothing() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..2 {
            of_value(&runs, 0).await.unwrap();
        }
        assert_eq!(runs.count(), 2);
        assert_eq!(of_value_entry(0).get().await.unwrap(), None);
    })
    .await;
}

#[cache(ttl = |_| Duration::MAX, backend = "local")]
async fn for_ever(id: u64) -> u64 {
    id
}

#[cache(backend = "local")]
async fn without(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn without_a_ttl_there_is_no_end() {
    world(async |world| {
        assert_eq!(without(1).await + for_ever(1).await, 2);
        world.clock.advance(secs(1_000_000_000));
        assert_eq!(
            without_entry(1).remaining_ttl().await.unwrap(),
            Some(Duration::MAX)
        );
        assert_eq!(
            for_ever_entry(1).remaining_ttl().await.unwrap(),
            Some(Duration::MAX)
        );
        assert_eq!(without_entry(1).get().await.unwrap(), Some(1));
        assert_eq!(for_ever_entry(1).get().await.unwrap(), Some(1));
    })
    .await;
}

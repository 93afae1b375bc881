//! `with_mode`: how the calls inside treat what is cached.

use cached_runtime::{Mode, cache, with_mode};

use crate::world::{Runs, world};

#[cache(skip(runs), backend = ["local", "far"])]
async fn users(runs: &Runs, id: u64) -> Result<u64, String> {
    let run = runs.next();
    if id == 0 { Err("no".to_owned()) } else { Ok(run) }
}

#[cache(skip(runs), backend = "local")]
async fn outer(runs: &Runs, id: u64) -> u64 {
    users(runs, id).await.unwrap_or(0)
}

async fn kept() -> Option<u64> {
    users_entry(1).get().await.unwrap()
}

#[tokio::test]
async fn refresh_loads_and_stores_anew() {
    world(async |world| {
        let runs = Runs::default();
        assert_eq!(with_mode(Mode::Refresh, users(&runs, 1)).await, Ok(1));
        assert_eq!(users(&runs, 1).await, Ok(1));
        let before = world.far.bytes(&users_entry(1).key().to_string()).unwrap();
        assert_eq!(with_mode(Mode::Refresh, users(&runs, 1)).await, Ok(2));
        assert_eq!(users(&runs, 1).await, Ok(2));
        let after = world.far.bytes(&users_entry(1).key().to_string()).unwrap();
        assert_ne!(before, after);
    })
    .await;
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_what_is_there() {
    world(async |_| {
        let runs = Runs::default();
        users_entry(0).insert(70).await.unwrap();
        assert!(with_mode(Mode::Refresh, users(&runs, 0)).await.is_err());
        assert_eq!(users(&runs, 0).await, Ok(70));
    })
    .await;
}

#[tokio::test]
async fn off_neither_looks_nor_stores() {
    world(async |world| {
        let runs = Runs::default();
        assert_eq!(with_mode(Mode::Off, users(&runs, 1)).await, Ok(1));
        assert_eq!(kept().await, None);
        assert!(world.far.present().is_empty());
        assert_eq!(users(&runs, 1).await, Ok(2));
        assert_eq!(with_mode(Mode::Off, users(&runs, 1)).await, Ok(3));
        assert_eq!(kept().await, Some(2));
        assert_eq!(users_cache().stats().hits, 1, "only that of the look above");
    })
    .await;
}

#[tokio::test]
async fn inner_modes_replace_outer_ones() {
    world(async |_| {
        let runs = Runs::default();
        with_mode(Mode::Off, async {
            assert_eq!(users(&runs, 1).await, Ok(1));
            with_mode(Mode::Normal, async {
                assert_eq!(users(&runs, 1).await, Ok(2));
                assert_eq!(users(&runs, 1).await, Ok(2));
                assert_eq!(with_mode(Mode::Refresh, users(&runs, 1)).await, Ok(3));
            })
            .await;
            assert_eq!(users(&runs, 1).await, Ok(4));
        })
        .await;
        assert_eq!(users(&runs, 1).await, Ok(3));
    })
    .await;
}

#[tokio::test]
async fn it_is_inherited_into_scopes_and_into_calls() {
    world(async |world| {
        let runs = Runs::default();
        assert_eq!(outer(&runs, 1).await, 1);
        // What a call of a cached function calls is under the same mode.
        assert_eq!(with_mode(Mode::Refresh, outer(&runs, 1)).await, 2);
        assert_eq!(kept().await, Some(2));
        let caches = world.caches.clone();
        assert_eq!(
            with_mode(Mode::Refresh, caches.scope(users(&runs, 1))).await,
            Ok(3)
        );
        assert_eq!(with_mode(Mode::Off, caches.scope(users(&runs, 1))).await, Ok(4));
        assert_eq!(kept().await, Some(3));
        // And ends where it ends.
        assert_eq!(users(&runs, 1).await, Ok(3));
    })
    .await;
}

#[tokio::test]
async fn normal_is_the_default() {
    assert_eq!(Mode::default(), Mode::Normal);
    world(async |_| {
        let runs = Runs::default();
        assert_eq!(with_mode(Mode::Normal, users(&runs, 1)).await, Ok(1));
        assert_eq!(with_mode(Mode::Normal, users(&runs, 1)).await, Ok(1));
    })
    .await;
}

//! Return types under other names: what is kept is decided by the type.

use std::io;

use cached_runtime::cache;

use crate::world::{Runs, secs, world};

#[derive(Debug, Clone, PartialEq)]
struct User(u64);

type Answer<T> = Result<T, String>;
type Maybe = Option<User>;
type MaybeAnswer = Result<Option<User>, String>;
type Name = String;
/// With the parameters the other way round.
type Swapped<E, T> = Result<T, E>;

mod errors {
    pub(super) type Result<T, E = String> = std::result::Result<T, E>;
}

#[cache(skip(runs), backend = "local")]
async fn answer(runs: &Runs, id: u64) -> Answer<User> {
    runs.next();
    if id > 0 {
        Ok(User(id))
    } else {
        Err("none".to_owned())
    }
}

#[cache(none_ttl = "10s", skip(runs), backend = "local")]
async fn maybe(runs: &Runs, id: u64) -> Maybe {
    runs.next();
    (id > 0).then_some(User(id))
}

#[cache(skip(runs), backend = "local")]
async fn maybe_answer(runs: &Runs, id: u64) -> MaybeAnswer {
    runs.next();
    match id {
        0 => Ok(None),
        1 => Err("none".to_owned()),
        id => Ok(Some(User(id))),
    }
}

#[cache(skip(runs), backend = "local")]
async fn answer_of_option(runs: &Runs, id: u64) -> Answer<Option<User>> {
    runs.next();
    Ok((id > 0).then_some(User(id)))
}

#[cache(skip(runs), backend = "local")]
async fn swapped(runs: &Runs, id: u64) -> Swapped<String, User> {
    runs.next();
    if id > 0 {
        Ok(User(id))
    } else {
        Err("none".to_owned())
    }
}

#[cache(skip(runs), backend = "local")]
async fn default_error(runs: &Runs, id: u64) -> errors::Result<User> {
    runs.next();
    if id > 0 {
        Ok(User(id))
    } else {
        Err("none".to_owned())
    }
}

#[cache(backend = "local")]
async fn name(id: u64) -> Name {
    id.to_string()
}

#[cache(skip(runs), backend = "local")]
async fn of_io(runs: &Runs, id: u64) -> io::Result<Vec<u8>> {
    runs.next();
    if id > 0 {
        Ok(vec![1])
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

#[cache(skip(runs), backend = "local")]
async fn of_anyhow(runs: &Runs, id: u64) -> anyhow::Result<Option<User>> {
    runs.next();
    anyhow::ensure!(id != 13, "unlucky");
    Ok((id > 0).then_some(User(id)))
}

#[tokio::test]
async fn errors_and_nones_are_not_kept_under_any_name() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..2 {
            assert!(answer(&runs, 0).await.is_err());
            assert_eq!(maybe_answer(&runs, 0).await, Ok(None));
            assert!(maybe_answer(&runs, 1).await.is_err());
            assert_eq!(answer_of_option(&runs, 0).await, Ok(None));
            assert!(swapped(&runs, 0).await.is_err());
            assert!(default_error(&runs, 0).await.is_err());
            assert!(of_io(&runs, 0).await.is_err());
            assert!(of_anyhow(&runs, 13).await.is_err());
            assert!(of_anyhow(&runs, 0).await.unwrap().is_none());
        }
        assert_eq!(runs.count(), 18);
    })
    .await;
}

#[tokio::test]
async fn values_are_kept_without_what_is_around_them() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..2 {
            assert_eq!(answer(&runs, 5).await, Ok(User(5)));
            assert_eq!(maybe(&runs, 5).await, Some(User(5)));
            assert_eq!(maybe_answer(&runs, 5).await, Ok(Some(User(5))));
            assert_eq!(answer_of_option(&runs, 5).await, Ok(Some(User(5))));
            assert_eq!(swapped(&runs, 5).await, Ok(User(5)));
            assert_eq!(default_error(&runs, 5).await, Ok(User(5)));
            assert_eq!(name(5).await, "5");
            assert_eq!(of_io(&runs, 5).await.unwrap(), [1]);
            assert_eq!(of_anyhow(&runs, 5).await.unwrap(), Some(User(5)));
        }
        assert_eq!(runs.count(), 8);
        let users: [Option<User>; 7] = [
            answer_entry(5).get().await.unwrap(),
            maybe_entry(5).get().await.unwrap(),
            maybe_answer_entry(5).get().await.unwrap(),
            answer_of_option_entry(5).get().await.unwrap(),
            swapped_entry(5).get().await.unwrap(),
            default_error_entry(5).get().await.unwrap(),
            of_anyhow_entry(5).get().await.unwrap(),
        ];
        assert!(users.iter().all(|user| *user == Some(User(5))));
        assert_eq!(name_entry(5).get().await.unwrap().as_deref(), Some("5"));
        maybe_answer_entry(6).insert(User(7)).await.unwrap();
        assert_eq!(maybe_answer(&runs, 6).await, Ok(Some(User(7))));
        assert_eq!(maybe(&runs, 0).await, None);
        assert_eq!(maybe_entry(0).remaining_ttl().await.unwrap(), Some(secs(10)));
    })
    .await;
}

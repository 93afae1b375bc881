//! The two forms, under `write_through`: what the function returns, and a value of one's own.

use cached_runtime::{cache, update};

use crate::world::{Runs, world};

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct User {
    id: u64,
    name: String,
}

#[cache(key = "u1:{id}", strategy = "write_through", skip(runs), backend = ["local", "far"])]
async fn get_user(runs: &Runs, id: u64) -> Result<Option<User>, String> {
    runs.next();
    Ok(Some(user(id, "loaded")))
}

#[cache(
    key = "u1:name:{id}",
    strategy = "write_through",
    skip(runs),
    backend = "local"
)]
async fn get_name(runs: &Runs, id: u64) -> String {
    runs.next();
    format!("loaded {id}")
}

fn user(id: u64, name: &str) -> User {
    User {
        id,
        name: name.to_owned(),
    }
}

#[update(get_user(user.id))]
async fn plain(user: User) -> User {
    user
}

#[update(get_user(id))]
async fn optional(id: u64, name: &str) -> Option<User> {
    (!name.is_empty()).then(|| user(id, name))
}

#[update(get_user(id))]
async fn fallible(id: u64, name: &str) -> Result<User, String> {
    if name.is_empty() {
        Err("no name".to_owned())
    } else {
        Ok(user(id, name))
    }
}

#[update(get_user(id))]
async fn both(id: u64, name: &str) -> anyhow::Result<Option<User>> {
    anyhow::ensure!(!name.is_empty(), "no name");
    Ok((name != "-").then(|| user(id, name)))
}

#[update(get_user(id) = User { id, name: name.to_owned() })]
async fn nothing_returned(id: u64, name: &str) {
    let _ = (id, name);
}

#[update(get_user(user.id) = user.clone(), get_name(user.id) = user.name.clone())]
async fn several(user: &User) -> Result<(), String> {
    if user.name.is_empty() {
        Err("no name".to_owned())
    } else {
        Ok(())
    }
}

#[update(get_user(id))]
fn as_future(id: u64) -> impl Future<Output = User> {
    async move { user(id, "future") }
}

async fn there(id: u64) -> Option<String> {
    let entry = get_user_entry(id).get().await.unwrap();
    entry.map(|user| user.name)
}

#[tokio::test]
async fn what_is_returned_is_stored_in_every_tier() {
    world(async |world| {
        let runs = Runs::default();
        plain(user(1, "a")).await;
        optional(2, "b").await;
        fallible(3, "c").await.unwrap();
        both(4, "d").await.unwrap();
        as_future(5).await;
        for (id, name) in [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "future")] {
            let found = get_user(&runs, id).await.unwrap();
            assert_eq!(found, Some(user(id, name)));
        }
        assert_eq!(runs.count(), 0);
        assert_eq!(world.far.present(), ["u1:1", "u1:2", "u1:3", "u1:4", "u1:5"]);
    })
    .await;
}

#[tokio::test]
async fn what_was_there_is_replaced() {
    world(async |world| {
        let runs = Runs::default();
        get_user(&runs, 1).await.unwrap();
        let before = world.far.bytes("u1:1");
        plain(user(1, "a")).await;
        assert_eq!(there(1).await.as_deref(), Some("a"));
        assert_ne!(world.far.bytes("u1:1"), before);
        plain(user(1, "b")).await;
        assert_eq!(there(1).await.as_deref(), Some("b"));
    })
    .await;
}

#[tokio::test]
async fn a_value_of_ones_own() {
    world(async |world| {
        let runs = Runs::default();
        nothing_returned(1, "a").await;
        several(&user(2, "b")).await.unwrap();
        assert_eq!(there(1).await.as_deref(), Some("a"));
        assert_eq!(there(2).await.as_deref(), Some("b"));
        assert_eq!(get_name(&runs, 2).await, "b");
        assert_eq!(runs.count(), 0);
        assert_eq!(world.far.present(), ["u1:1", "u1:2"]);
    })
    .await;
}

#[tokio::test]
async fn of_an_error_nothing_is_stored_and_nothing_removed() {
    world(async |world| {
        let runs = Runs::default();
        for id in 1..=3 {
            get_user(&runs, id).await.unwrap();
        }
        get_name(&runs, 3).await;
        assert!(fallible(1, "").await.is_err());
        assert!(both(2, "").await.is_err());
        assert!(several(&user(3, "")).await.is_err());
        for id in 1..=3 {
            assert_eq!(there(id).await.as_deref(), Some("loaded"));
        }
        assert_eq!(get_name(&runs, 3).await, "loaded 3");
        assert_eq!(runs.count(), 4);
        assert_eq!(world.far.present(), ["u1:1", "u1:2", "u1:3"]);
    })
    .await;
}

#[tokio::test]
async fn of_a_none_the_entry_is_removed() {
    world(async |world| {
        let runs = Runs::default();
        get_user(&runs, 1).await.unwrap();
        get_user(&runs, 2).await.unwrap();
        assert_eq!(optional(1, "").await, None);
        assert_eq!(both(2, "-").await.unwrap(), None);
        assert_eq!((there(1).await, there(2).await), (None, None));
        assert!(world.far.present().is_empty());
    })
    .await;
}

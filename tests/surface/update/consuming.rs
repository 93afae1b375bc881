//! Arguments that the body takes, or changes.

use std::sync::Arc;

use cached_runtime::{cache, update};

use crate::world::world;

#[derive(Debug, Clone, PartialEq)]
struct User {
    id: u64,
    name: String,
}

#[cache(key = "u5:{id}", strategy = "write_through", backend = "local")]
async fn get_user(id: u64) -> Option<Arc<User>> {
    let _ = id;
    None
}

#[cache(key = "u5:name:{name}", strategy = "write_through", backend = "local")]
async fn id_of(name: &str) -> Option<u64> {
    let _ = name;
    None
}

fn takes(user: User) {
    drop(user);
}

#[update(get_user(user.id) = Arc::new(user.clone()), id_of(&user.name) = user.id)]
async fn save(user: User) -> Result<(), String> {
    takes(user);
    Ok(())
}

/// The value takes what the keys are made of, and the body needs none of it.
#[update(get_user(user.id) = Arc::new(user), id_of(&user.name) = id)]
async fn hand_over(user: User, id: u64) {
    let _ = id;
}

#[update(get_user(user.id))]
async fn changed(mut user: User) -> Arc<User> {
    user.name.push('!');
    Arc::new(user)
}

#[update(get_user(id) = Arc::new(User { id, name: fetch(id).await? }))]
async fn waited_for(id: u64) -> Result<(), String> {
    let _ = id;
    Ok(())
}

async fn fetch(id: u64) -> Result<String, String> {
    tokio::task::yield_now().await;
    if id == 0 {
        Err("none".to_owned())
    } else {
        Ok(id.to_string())
    }
}

fn user(id: u64) -> User {
    User {
        id,
        name: "Ada".to_owned(),
    }
}

async fn name(id: u64) -> Option<String> {
    let found = get_user(id).await;
    found.map(|user| user.name.clone())
}

#[tokio::test]
async fn values_are_made_before_the_body() {
    world(async |_| {
        save(user(1)).await.unwrap();
        assert_eq!(name(1).await.as_deref(), Some("Ada"));
        assert_eq!(id_of("Ada").await, Some(1));
        hand_over(user(2), 20).await;
        assert_eq!(name(2).await.as_deref(), Some("Ada"));
        assert_eq!(id_of("Ada").await, Some(20));
        changed(user(3)).await;
        assert_eq!(name(3).await.as_deref(), Some("Ada!"));
    })
    .await;
}

#[tokio::test]
async fn a_value_may_wait_and_fail_as_the_function_may() {
    world(async |_| {
        waited_for(4).await.unwrap();
        assert_eq!(name(4).await.as_deref(), Some("4"));
        assert_eq!(waited_for(0).await.unwrap_err(), "none");
    })
    .await;
}

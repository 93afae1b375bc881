//! `output`: the returned value, in the arguments.

use cached_runtime::{cache, invalidate};

use crate::world::world;

#[derive(Debug, Clone, PartialEq)]
struct User {
    id: u64,
    org: String,
}

#[cache(key = "i6:{id}", backend = "local")]
async fn users(id: u64) -> u64 {
    id
}

#[cache(key = "i6:{org}:{id}", backend = "local")]
async fn members(org: &str, id: u64) -> u64 {
    let _ = org;
    id
}

fn user(id: u64) -> User {
    User {
        id,
        org: "a:b".to_owned(),
    }
}

#[invalidate(users(output.id), members(&output.org, extra))]
async fn plain(id: u64, extra: u64) -> User {
    let _ = extra;
    user(id)
}

#[invalidate(users(output.id))]
async fn optional(id: u64) -> Option<User> {
    (id > 0).then(|| user(id))
}

#[invalidate(users(output.id), users(99))]
async fn fallible(id: u64) -> Result<User, String> {
    if id == 0 {
        Err("no".to_owned())
    } else {
        Ok(user(id))
    }
}

#[invalidate(users(output.id), users(99))]
async fn both(id: u64) -> anyhow::Result<Option<User>> {
    anyhow::ensure!(id != 13, "no");
    Ok((id > 0).then(|| user(id)))
}

#[invalidate(
    key = "i6:{output.id}",
    key = "i6:{org}:{output.id}",
    pattern = "i6:{output.org}:*"
)]
async fn by_text(id: u64, org: String) -> User {
    drop(org);
    user(id)
}

#[invalidate(users(output))]
async fn itself(id: u64) -> u64 {
    id
}

/// The body takes what the attribute needs after it.
#[invalidate(members(&org, output.id))]
async fn consuming(org: String) -> Option<User> {
    let id = org.len() as u64;
    drop(org);
    Some(user(id))
}

async fn filled() {
    for id in (0..5).chain([99]) {
        users(id).await;
        members("a:b", id).await;
        members("org", id).await;
    }
}

async fn there(id: u64) -> bool {
    users_entry(id).get().await.unwrap().is_some()
}

async fn is_member(org: &str, id: u64) -> bool {
    members_entry(org, id).get().await.unwrap().is_some()
}

#[tokio::test]
async fn of_each_return_type() {
    world(async |_| {
        filled().await;
        plain(1, 4).await;
        assert!(!there(1).await && there(2).await);
        assert!(!is_member("a:b", 4).await && is_member("a:b", 1).await);
        optional(2).await;
        assert!(!there(2).await);
        fallible(3).await.unwrap();
        assert!(!there(3).await && !there(99).await);
        assert_eq!(itself(4).await, 4);
        assert!(!there(4).await);
        assert_eq!(consuming("org".to_owned()).await, Some(user(3)));
        assert!(!is_member("org", 3).await && is_member("org", 2).await);
    })
    .await;
}

#[tokio::test]
async fn of_a_none_nothing_is_removed_and_of_an_error_nothing_at_all() {
    world(async |_| {
        filled().await;
        assert_eq!(optional(0).await, None);
        assert!(there(0).await);
        assert!(fallible(0).await.is_err());
        assert!(there(0).await && there(99).await);
        assert!(both(13).await.is_err());
        assert!(there(99).await);
        // What does not depend on the value goes: the body has succeeded.
        assert_eq!(both(0).await.unwrap(), None);
        assert!(there(0).await && !there(99).await);
        assert_eq!(users_cache().stats().entries, 5);
    })
    .await;
}

#[tokio::test]
async fn in_texts() {
    world(async |_| {
        filled().await;
        by_text(1, "org".to_owned()).await;
        assert!(!there(1).await && there(2).await);
        assert!(!is_member("org", 1).await && is_member("org", 2).await);
        assert!(!is_member("a:b", 2).await && !is_member("a:b", 1).await);
    })
    .await;
}

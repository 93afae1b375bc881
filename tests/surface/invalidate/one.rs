//! `#[invalidate(get_user(id))]`: one entry, after the body, unless that failed.

use cached_runtime::{cache, invalidate};

use crate::world::{Runs, world};

#[cache(key = "i1:{id}:{name}", skip(runs), backend = ["local", "far"])]
async fn users(runs: &Runs, id: u64, name: &str) -> Option<u64> {
    let _ = (id, name);
    Some(runs.next())
}

#[invalidate(users(id, name))]
async fn rename(id: u64, name: &str) {
    assert!(
        users_entry(id, name).get().await.unwrap().is_some(),
        "not before the body"
    );
}

#[invalidate(users(user.id, &format!("{}!", user.name)))]
async fn by_expressions(user: &User) -> u64 {
    user.id
}

#[invalidate(users(42, "x"))]
async fn by_literals() -> bool {
    true
}

#[invalidate(users(id, "x"))]
async fn failing(id: u64) -> Result<Option<u64>, String> {
    match id {
        0 => Err("no".to_owned()),
        1 => Ok(None),
        id => Ok(Some(id)),
    }
}

struct User {
    id: u64,
    name: String,
}

async fn there(id: u64, name: &str) -> bool {
    users_entry(id, name).get().await.unwrap().is_some()
}

#[tokio::test]
async fn that_entry_is_gone_from_every_tier_and_no_other() {
    world(async |world| {
        let runs = Runs::default();
        users(&runs, 1, "a").await;
        users(&runs, 2, "a").await;
        rename(1, "a").await;
        assert!(!there(1, "a").await);
        assert!(there(2, "a").await);
        assert_eq!(world.far.present(), ["i1:2:a"]);
        assert_eq!(users(&runs, 1, "a").await, Some(3));
    })
    .await;
}

#[tokio::test]
async fn arguments_are_expressions() {
    world(async |_| {
        let runs = Runs::default();
        users(&runs, 7, "ann!").await;
        assert_eq!(
            by_expressions(&User {
                id: 7,
                name: "ann".to_owned()
            })
            .await,
            7
        );
        assert!(!there(7, "ann!").await);
        users(&runs, 42, "x").await;
        assert!(by_literals().await);
        assert!(!there(42, "x").await);
    })
    .await;
}

#[tokio::test]
async fn an_error_leaves_it_and_a_none_does_not() {
    world(async |_| {
        let runs = Runs::default();
        for id in 0..3 {
            users(&runs, id, "x").await;
        }
        assert!(failing(0).await.is_err());
        assert!(there(0, "x").await);
        assert_eq!(failing(1).await, Ok(None));
        assert!(!there(1, "x").await);
        assert_eq!(failing(2).await, Ok(Some(2)));
        assert!(!there(2, "x").await);
    })
    .await;
}

/// A load that began before the writer's end can fill nothing.
#[tokio::test]
async fn a_load_in_progress_is_not_kept() {
    use tokio::sync::oneshot;

    #[cache(skip(go), backend = "local")]
    async fn slow(go: oneshot::Receiver<()>, id: u64) -> u64 {
        go.await.ok();
        id
    }

    #[invalidate(slow(id))]
    async fn write(id: u64) {
        let _ = id;
    }

    world(async |_| {
        let (go, wait) = oneshot::channel();
        let ((), loaded) = tokio::join!(
            async {
                tokio::task::yield_now().await;
                write(1).await;
                go.send(()).unwrap();
            },
            slow(wait, 1)
        );
        assert_eq!(loaded, 1);
        assert_eq!(slow_entry(1).get().await.unwrap(), None);
    })
    .await;
}

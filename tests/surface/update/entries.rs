//! `#[update(entries(..))]`: a writer of a list.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use cached_runtime::{cache, update};

use crate::world::{Runs, begin_and_drop, world};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(super) struct User {
    id: u64,
    name: String,
}

fn user(id: u64, name: &str) -> User {
    let name = name.to_owned();
    User { id, name }
}

fn users(ids: impl IntoIterator<Item = u64>) -> Vec<User> {
    ids.into_iter().map(|id| user(id, &format!("new {id}"))).collect()
}

#[cache(key = "ue:a:{id}", skip(runs), backend = ["local", "far"])]
async fn aside(runs: &Runs, id: u64) -> User {
    runs.next();
    user(id, "old")
}

#[cache(key = "ue:t:{id}", strategy = "write_through", skip(runs), backend = ["local", "far"])]
async fn through(runs: &Runs, id: u64) -> User {
    runs.next();
    user(id, "old")
}

#[cache(key = "ue:n:{name}", strategy = "write_through", skip(runs), backend = ["local", "far"], cache_if = |id: &u64| *id != 13)]
async fn by_name(runs: &Runs, name: &str) -> u64 {
    let _ = name;
    runs.next()
}

#[update(entries(aside(user.id) = made(runs, user) for user in users))]
async fn save_aside(runs: &Runs, users: &[User]) -> Result<(), String> {
    let _ = users;
    Ok(())
}

fn made(runs: &Runs, user: &User) -> User {
    runs.next();
    user.clone()
}

#[update(
    entries(through(user.id) = user.clone() for user in users),
    entries(by_name(&user.name) = user.id for user in users),
)]
async fn save(users: &[User]) -> Result<(), String> {
    if users.iter().any(|user| user.id == 404) {
        return Err("no such user".to_owned());
    }
    Ok(())
}

#[update(entries(through(user.id) = user.clone() for user in users))]
async fn save_owned(users: Vec<User>) -> usize {
    users.len()
}

#[update(entries(through(user.id) = user.clone() for user in users))]
async fn save_vec(users: &Vec<User>) -> usize {
    users.len()
}

#[update(entries(through(user.id) = user.clone() for user in users))]
async fn save_array(users: [User; 2]) -> usize {
    users.len()
}

#[update(entries(through(user.id) = user.clone() for user in users))]
async fn save_set(users: BTreeSet<User>, _more: VecDeque<User>) -> usize {
    users.len()
}

/// The body has its list alone, and what it does to it comes too late.
#[update(entries(through(user.id) = user.clone() for user in users))]
async fn save_drained(users: &mut Vec<User>) -> usize {
    users.drain(..).count()
}

/// An id is the item itself; a value that is the same for all uses no item.
#[update(entries(through(id) = user(7, &name) for id in ids))]
async fn rename_all(ids: &[u64], name: String) {
    let _ = (ids, name);
}

#[update(entries(through(user.id) = user.clone() for user in output))]
async fn saved(names: Vec<String>) -> Result<Vec<User>, String> {
    if names.is_empty() {
        return Err("nobody".to_owned());
    }
    Ok((0..).zip(names).map(|(id, name)| User { id, name }).collect())
}

struct Users {
    tenant: u64,
}

impl Users {
    #[cache(key = "ue:m:{self.tenant}:{id}", strategy = "write_through", backend = ["local", "far"])]
    async fn find(&self, id: u64) -> Option<User> {
        Some(user(id, "old"))
    }

    #[update(entries(self.find(user.id) = user.clone() for user in users))]
    async fn save(&self, users: &[User]) -> usize {
        users.len() + usize::from(self.tenant == 0)
    }

    #[update(entries(self.find(user.id) = user.clone() for user in users))]
    async fn save_more(&mut self, users: Vec<User>) {
        self.tenant += users.len() as u64;
    }

    #[update(entries(self.find(user.id) = Self::marked(user, &mark) for user in output))]
    async fn make(&self, mark: String) -> Option<Vec<User>> {
        (!mark.is_empty()).then(|| users(0..self.tenant))
    }

    fn marked(user: &User, mark: &str) -> User {
        let name = format!("{} {mark}", user.name);
        User { name, ..*user }
    }
}

#[update(entries(through(item.as_ref().id) = item.as_ref().clone() for item in items))]
async fn save_any<T: AsRef<User> + Sync>(items: &[T]) -> usize {
    items.len()
}

impl AsRef<User> for User {
    fn as_ref(&self) -> &User {
        self
    }
}

async fn there(id: u64) -> Option<String> {
    let there = through_entry(id).get().await.unwrap();
    there.map(|user| user.name)
}

#[tokio::test]
async fn under_cache_aside_all_are_removed_and_no_value_is_made() {
    world(async |world| {
        let (runs, made) = (Runs::default(), Runs::default());
        for id in 0..3 {
            aside(&runs, id).await;
        }
        save_aside(&made, &users(0..2)).await.unwrap();
        assert_eq!(world.far.present(), ["ue:a:2"]);
        assert_eq!(made.count(), 0);
        assert_eq!(aside_entry(1).get().await.unwrap(), None);
        assert!(aside_entry(2).get().await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn under_write_through_all_are_put() {
    world(async |world| {
        let runs = Runs::default();
        for id in 0..3 {
            through(&runs, id).await;
        }
        save(&users(0..2)).await.unwrap();
        assert_eq!(there(0).await.as_deref(), Some("new 0"));
        assert_eq!(there(1).await.as_deref(), Some("new 1"));
        assert_eq!(there(2).await.as_deref(), Some("old"));
        assert_eq!(by_name(&runs, "new 1").await, 1);
        assert_eq!(runs.count(), 3);
        let present = world.far.present();
        assert_eq!(
            present,
            ["ue:n:new%200", "ue:n:new%201", "ue:t:0", "ue:t:1", "ue:t:2"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_writer_that_fails_changes_nothing() {
    world(async |_| {
        let runs = Runs::default();
        through(&runs, 1).await;
        save(&users([1, 404])).await.unwrap_err();
        assert_eq!(there(1).await.as_deref(), Some("old"));
        assert_eq!(there(404).await, None);
    })
    .await;
}

#[tokio::test]
async fn any_list_will_do() {
    world(async |_| {
        assert_eq!(save_owned(users([1])).await, 1);
        assert_eq!(save_vec(&users([2])).await, 1);
        assert_eq!(save_array([user(3, "new 3"), user(4, "new 4")]).await, 2);
        assert_eq!(
            save_set(users([5]).into_iter().collect(), VecDeque::new()).await,
            1
        );
        assert_eq!(save_drained(&mut users([6])).await, 1);
        for id in 1..=6 {
            assert_eq!(there(id).await, Some(format!("new {id}")));
        }
        rename_all(&[8, 9], "both".to_owned()).await;
        assert_eq!(there(8).await.as_deref(), Some("both"));
        assert_eq!(there(9).await.as_deref(), Some("both"));
    })
    .await;
}

#[tokio::test]
async fn methods_and_type_parameters() {
    world(async |_| {
        let mut of_two = Users { tenant: 2 };
        let name = async |of: &Users, id| Some(of.find_entry(id).get().await.unwrap()?.name);
        assert_eq!(of_two.save(&users(0..2)).await, 2);
        assert_eq!(of_two.find(1).await.unwrap().name, "new 1");
        assert_eq!(name(&of_two, 1).await.as_deref(), Some("new 1"));
        assert_eq!(name(&Users { tenant: 3 }, 1).await, None);
        of_two.save_more(users(5..6)).await;
        assert_eq!(name(&Users { tenant: 2 }, 5).await.as_deref(), Some("new 5"));
        assert_eq!(of_two.make(String::new()).await, None);
        of_two.make("made".to_owned()).await.unwrap();
        assert_eq!(name(&of_two, 2).await.as_deref(), Some("new 2 made"));
        assert_eq!(save_any(&users(0..1)).await, 1);
        assert_eq!(there(0).await.as_deref(), Some("new 0"));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_a_list_too() {
    world(async |world| {
        assert_eq!(save_owned(Vec::new()).await, 0);
        save(&[]).await.unwrap();
        assert!(world.far.present().is_empty());
    })
    .await;
}

#[tokio::test]
async fn of_one_key_the_last_counts() {
    world(async |_| {
        save(&[user(1, "first"), user(2, "other"), user(1, "last")])
            .await
            .unwrap();
        assert_eq!(there(1).await.as_deref(), Some("last"));
        assert_eq!(there(2).await.as_deref(), Some("other"));
    })
    .await;
}

/// What is not to be kept is removed, and the rest is put.
#[tokio::test]
async fn cache_if_counts_for_each() {
    world(async |_| {
        let runs = Runs::default();
        by_name(&runs, "bad").await;
        save(&[user(12, "good"), user(13, "bad")]).await.unwrap();
        assert_eq!(by_name_entry("good").get().await.unwrap(), Some(12));
        assert_eq!(by_name_entry("bad").get().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn what_the_body_returns_can_be_the_list() {
    world(async |world| {
        let runs = Runs::default();
        through(&runs, 0).await;
        saved(Vec::new()).await.unwrap_err();
        assert_eq!(there(0).await.as_deref(), Some("old"));
        saved(vec!["a".to_owned(), "b".to_owned()]).await.unwrap();
        assert_eq!(there(0).await.as_deref(), Some("a"));
        assert_eq!(there(1).await.as_deref(), Some("b"));
        // Known too late to claim them there.
        assert!(world.far.present().is_empty());
    })
    .await;
}

/// More keys than there are stamps, in a depth of stack that does not depend on them.
#[tokio::test]
async fn there_may_be_very_many() {
    world(async |world| {
        let all = users(0..100_000);
        let begun = std::time::Instant::now();
        assert_eq!(save_vec(&all).await, 100_000);
        assert_eq!(world.far.present().len(), 100_000);
        for id in [0, 1, 50_000, 99_999] {
            assert_eq!(there(id).await, Some(format!("new {id}")));
        }
        assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
        let runs = Runs::default();
        for one in &all {
            assert_eq!(through(&runs, one.id).await, *one);
        }
        assert_eq!(runs.count(), 0);
    })
    .await;
}

#[update(entries(through(user.id) = user.clone() for user in users))]
async fn save_half(users: &[User], panics: bool) {
    let _ = users;
    assert!(!panics, "half-way");
    std::future::pending().await
}

#[tokio::test]
async fn a_writer_that_is_dropped_or_panics_removes_them() {
    world(async |world| {
        let runs = Runs::default();
        for panics in [false, true] {
            for id in 0..3 {
                through(&runs, id).await;
            }
            let users = users(0..3);
            if panics {
                let half = async move { save_half(&users, true).await };
                let half = tokio::spawn(world.caches.scope(half));
                assert!(half.await.unwrap_err().is_panic());
            } else {
                let mut half = Box::pin(save_half(&users, false));
                assert!(
                    tokio::time::timeout(std::time::Duration::from_millis(20), &mut half)
                        .await
                        .is_err()
                );
            }
            world.caches.settle().await;
            assert!(world.far.present().is_empty());
            assert_eq!(there(1).await, None);
        }
        let never = users(0..3);
        begin_and_drop(save_half(&never, false));
    })
    .await;
}

static STEP: AtomicBool = AtomicBool::new(false);

#[update(through(id) = user(id, "single"))]
async fn save_one(id: u64) {}

#[update(entries(through(user.id) = user.clone() for user in users))]
async fn save_around(runs: &Runs, users: &[User]) {
    let _ = users;
    // The single writer begins and ends inside of this one.
    save_one(1).await;
    // And a reader has loaded what this one is about to replace.
    through(runs, 2).await;
    STEP.store(true, SeqCst);
}

#[update(through(id) = user(id, "single"))]
async fn save_one_around(id: u64, users: &[User]) {
    save_vec(&users.to_vec()).await;
}

#[tokio::test]
async fn what_overlaps_another_writer_is_removed_and_nothing_else() {
    world(async |world| {
        let runs = Runs::default();
        save_around(&runs, &users(0..4)).await;
        assert!(STEP.load(SeqCst));
        assert_eq!(there(0).await.as_deref(), Some("new 0"));
        assert_eq!(there(1).await, None);
        assert_eq!(there(3).await.as_deref(), Some("new 3"));
        // The load began before the values were put, so it gives way.
        assert_ne!(there(2).await.as_deref(), Some("old"));
        save_one_around(1, &users(0..3)).await;
        assert_eq!(there(0).await.as_deref(), Some("new 0"));
        assert_eq!(there(1).await, None);
        assert_eq!(there(2).await.as_deref(), Some("new 2"));
        assert!(!world.far.present().contains(&"ue:t:1".to_owned()));
    })
    .await;
}

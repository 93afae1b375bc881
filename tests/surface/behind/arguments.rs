//! What the body is given when it runs: copies of what was borrowed, one for each run.

use std::sync::{Arc, Mutex};

use cached_runtime::{cache, update};

use crate::world::world;

#[derive(Clone, Default)]
struct Db(Arc<Mutex<Vec<String>>>);

impl Db {
    fn note(&self, words: impl Into<String>) -> Result<(), String> {
        self.0.lock().unwrap().push(words.into());
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq)]
struct User {
    id: u64,
    name: String,
}

#[cache(key = "b7:{id}", strategy = "write_behind", skip(db), backend = "local")]
async fn get_user(db: &Db, id: u64) -> Option<User> {
    let _ = (db, id);
    None
}

#[update(get_user(user.id) = user.clone(), strategy = "write_behind")]
async fn owned(db: &Db, user: User) -> Result<(), String> {
    let name = user.name;
    db.note(format!("owned {name}"))
}

#[update(get_user(user.id) = user.clone(), strategy = "write_behind")]
async fn borrowed(db: &Db, user: &User, tags: &[String], note: &str, mut times: u64) -> Result<(), String> {
    times += 1;
    db.note(format!(
        "borrowed {} {} {note} {times}",
        user.name,
        tags.join("+")
    ))
}

#[update(get_user(id) = User { id, name: format!("{name}!") }, strategy = "write_behind")]
async fn generic<T: Into<String> + Clone + Send + Sync + 'static>(
    db: Db,
    id: u64,
    name: &str,
    more: T,
) -> Result<(), String> {
    db.note(format!("generic {name} {}", more.into()))
}

#[update(get_user(id) = User { id, name: String::new() }, strategy = "write_behind")]
fn as_future(db: Db, id: u64) -> impl Future<Output = Result<(), String>> {
    async move { db.note(format!("future {id}")) }
}

#[update(get_user(id) = User { id, name: name.to_owned() }, strategy = "write_behind")]
async fn with_lifetimes<'a, T, const N: usize>(
    db: &'a Db,
    id: u64,
    name: &'a str,
    more: [T; N],
) -> Result<(), String>
where
    T: Into<u64> + Copy + Send + Sync + 'static,
{
    let sum: u64 = more.iter().map(|&more| more.into()).sum();
    db.note(format!("lifetimes {name} {sum}"))
}

type Done = Result<(), String>;

#[derive(Clone)]
struct Users {
    db: Db,
    tenant: u64,
}

impl Users {
    #[cache(key = "b7:{self.tenant}:{id}", strategy = "write_behind", backend = "local")]
    async fn user(&self, id: u64) -> Option<User> {
        let _ = (self, id);
        None
    }

    #[update(self.user(user.id) = user.clone(), strategy = "write_behind")]
    async fn save(&self, user: User) -> Done {
        self.note(&user.name)
    }

    #[update(self.user(user.id) = user.clone(), strategy = "write_behind")]
    async fn of_an_arc(self: Arc<Self>, user: User) -> Done {
        self.note(&user.name)
    }

    #[update(get_user(id) = User { id, name: "associated".to_owned() }, strategy = "write_behind")]
    async fn associated(db: Db, id: u64) -> Done {
        Self::of(db).note(&id.to_string())
    }

    #[update(get_user(id) = User { id, name: "unbound".to_owned() }, strategy = "write_behind")]
    async fn unbound(db: Db, id: u64) -> Done {
        db.note(format!("unbound {id}"))
    }

    fn of(db: Db) -> Self {
        Self { db, tenant: 9 }
    }

    fn note(&self, words: &str) -> Done {
        self.db.note(format!("{} {words}", self.tenant))
    }
}

fn user(id: u64, name: &str) -> User {
    User {
        id,
        name: name.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn they_outlive_the_call() {
    world(async |world| {
        let db = Db::default();
        owned(&db, user(1, "a")).await.unwrap();
        {
            let (there, tags, note) = (user(2, "b"), ["x".to_owned(), "y".to_owned()], "z".to_owned());
            borrowed(&db, &there, &tags, &note, 3).await.unwrap();
        }
        generic(db.clone(), 3, "c", "d").await.unwrap();
        as_future(db.clone(), 4).await.unwrap();
        with_lifetimes(&db, 9, "l", [1_u32, 2]).await.unwrap();
        let users = Users {
            db: db.clone(),
            tenant: 7,
        };
        users.save(user(5, "e")).await.unwrap();
        Arc::new(users.clone()).of_an_arc(user(6, "f")).await.unwrap();
        Users::associated(db.clone(), 7).await.unwrap();
        Users::unbound(db.clone(), 8).await.unwrap();
        assert!(db.0.lock().unwrap().is_empty());
        assert_eq!(get_user(&db, 1).await, Some(user(1, "a")));
        assert_eq!(get_user(&db, 3).await, Some(user(3, "c!")));
        assert_eq!(users.user(6).await, Some(user(6, "f")));
        world.caches.settle().await;
        let mut noted = db.0.lock().unwrap().clone();
        noted.sort();
        assert_eq!(
            noted,
            [
                "7 e",
                "7 f",
                "9 7",
                "borrowed b x+y z 4",
                "future 4",
                "generic c d",
                "lifetimes l 3",
                "owned a",
                "unbound 8"
            ]
        );
    })
    .await;
}

//! `companions = false` in the `impl` of a trait: `async fn`, `-> impl Future`, `#[async_trait]`, default methods.

use std::future::Future;
use std::marker::PhantomData;

use async_trait::async_trait;
use cached_runtime::cache;

use crate::world::{Runs, world};

trait Find {
    async fn find(&self, id: u64) -> Option<String>;
    fn find_opaque(&self, id: u64) -> impl Future<Output = Result<String, String>> + Send;
    async fn all(runs: &Runs) -> Vec<String>;
}

struct Users(Runs);
struct Posts(Runs);

impl Find for Users {
    #[cache(companions = false, skip(self), backend = "local")]
    async fn find(&self, id: u64) -> Option<String> {
        let run = self.0.next();
        Some(format!("user {id} {run}"))
    }

    #[cache(companions = false, skip(self), backend = "local")]
    fn find_opaque(&self, id: u64) -> impl Future<Output = Result<String, String>> + Send {
        let run = self.0.next();
        async move { Ok(format!("user {id} {run}")) }
    }

    #[cache(companions = false, skip(runs), backend = "local")]
    async fn all(runs: &Runs) -> Vec<String> {
        vec![format!("users {}", runs.next())]
    }
}

impl Find for Posts {
    #[cache(companions = false, skip(self), backend = "local")]
    async fn find(&self, id: u64) -> Option<String> {
        let run = self.0.next();
        Some(format!("post {id} {run}"))
    }

    #[cache(companions = false, skip(self), backend = "local")]
    async fn find_opaque(&self, id: u64) -> Result<String, String> {
        let run = self.0.next();
        Ok(format!("post {id} {run}"))
    }

    #[cache(companions = false, skip(runs), backend = "local")]
    async fn all(runs: &Runs) -> Vec<String> {
        vec![format!("posts {}", runs.next())]
    }
}

#[tokio::test]
async fn implementations_of_one_trait_are_told_apart() {
    world(async |world| {
        let (users, posts) = (Users(Runs::default()), Posts(Runs::default()));
        for _ in 0..2 {
            assert_eq!(users.find(1).await.unwrap(), "user 1 1");
            assert_eq!(posts.find(1).await.unwrap(), "post 1 1");
            assert_eq!(users.find_opaque(1).await.unwrap(), "user 1 2");
            assert_eq!(posts.find_opaque(1).await.unwrap(), "post 1 2");
            assert_eq!(Users::all(&users.0).await, ["users 3"]);
            assert_eq!(Posts::all(&posts.0).await, ["posts 3"]);
        }
        let stats = world.caches.stats();
        let names: Vec<&str> = stats.caches.iter().map(|cache| cache.name.as_str()).collect();
        assert!(
            names.contains(&"<surface::functions::traits::Users as surface::functions::traits::Find>::find"),
            "{names:?}"
        );
        // One that knows the key can remove it; there is no companion to do so.
        world
            .caches
            .invalidate_pattern("*Users*Find>::find:1*")
            .await
            .unwrap();
        assert_eq!(users.find(1).await.unwrap(), "user 1 4");
        assert_eq!(posts.find(1).await.unwrap(), "post 1 1");
    })
    .await;
}

#[async_trait]
trait Boxed: Sync {
    async fn get(&self, id: u64, name: &str) -> Result<Option<String>, String>;

    #[cache(companions = false, skip(self), backend = "local")]
    async fn by_default(&self, id: u64) -> Result<Option<String>, String> {
        self.get(id, "default").await
    }
}

#[async_trait]
impl Boxed for Users {
    #[cache(companions = false, skip(self), backend = "local")]
    async fn get(&self, id: u64, name: &str) -> Result<Option<String>, String> {
        let run = self.0.next();
        if id == 0 {
            return Err("none".to_owned());
        }
        Ok(Some(format!("user {id} {name} {run}")))
    }
}

#[async_trait]
impl Boxed for Posts {
    #[cache(companions = false, key = "f12:{self.0}:{id}:{name}", backend = "local")]
    async fn get(&self, id: u64, name: &str) -> Result<Option<String>, String> {
        let run = self.0.next();
        let name = String::from(name);
        tokio::task::yield_now().await;
        Ok(Some(format!("post {id} {name} {run}")))
    }
}

impl cached_runtime::KeyPart for Runs {
    fn write(&self, key: cached_runtime::KeyWriter<'_>) -> cached_runtime::Written {
        key.part("runs")
    }
}

#[tokio::test]
async fn async_trait_is_recognised() {
    world(async |_| {
        let (users, posts) = (Users(Runs::default()), Posts(Runs::default()));
        let all: [&dyn Boxed; 2] = [&users, &posts];
        for _ in 0..2 {
            assert_eq!(all[0].get(1, "x").await.unwrap().unwrap(), "user 1 x 1");
            assert_eq!(all[1].get(1, "x").await.unwrap().unwrap(), "post 1 x 1");
            assert_eq!(all[0].by_default(1).await.unwrap().unwrap(), "user 1 default 2");
            assert_eq!(all[1].by_default(1).await.unwrap().unwrap(), "post 1 default 2");
        }
        assert!(all[0].get(0, "x").await.is_err());
        assert_eq!((users.0.count(), posts.0.count()), (3, 2));
    })
    .await;
}

trait Kind {
    const NAME: &'static str;

    #[cache(companions = false, skip(runs), backend = "local")]
    async fn associated_default(runs: &Runs, id: u64) -> String {
        format!("{} {id} {}", Self::NAME, runs.next())
    }

    #[cache(companions = false, skip(self, runs), backend = "local")]
    async fn method_default(&self, runs: &Runs, id: u64) -> String {
        format!("{} {id} {}", Self::NAME, runs.next())
    }
}

struct Red;
struct Blue;

impl Kind for Red {
    const NAME: &'static str = "red";
}

impl Kind for Blue {
    const NAME: &'static str = "blue";
}

#[tokio::test]
async fn default_methods_are_told_apart_by_the_type() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..2 {
            assert_eq!(Red::associated_default(&runs, 1).await, "red 1 1");
            assert_eq!(Blue::associated_default(&runs, 1).await, "blue 1 2");
            assert_eq!(Red.method_default(&runs, 1).await, "red 1 3");
            assert_eq!(Blue.method_default(&runs, 1).await, "blue 1 4");
        }
    })
    .await;
}

/// The parameter is the trait's, not the type's.
trait Look<T> {
    async fn look(&self, runs: &Runs, id: u64) -> String;
}

struct Here;

impl<T: Kind> Look<T> for Here {
    #[cache(companions = false, skip(self, runs), backend = "local")]
    async fn look(&self, runs: &Runs, id: u64) -> String {
        runs.next();
        format!("{} {id}", T::NAME)
    }
}

/// Nothing in the function tells that it is in an `impl`.
trait Sum {
    async fn sum(runs: &Runs, id: u64) -> String;
}

struct Basket<T>(PhantomData<T>);

impl<T: Kind> Sum for Basket<T> {
    #[cache(companions = false, skip(runs), backend = "local")]
    async fn sum(runs: &Runs, id: u64) -> String {
        runs.next();
        format!("{} {id}", T::NAME)
    }
}

#[tokio::test]
async fn parameters_of_the_trait_and_of_the_impl_count() {
    world(async |_| {
        let runs = Runs::default();
        for _ in 0..2 {
            assert_eq!(Look::<Red>::look(&Here, &runs, 1).await, "red 1");
            assert_eq!(Look::<Blue>::look(&Here, &runs, 1).await, "blue 1");
            assert_eq!(Basket::<Red>::sum(&runs, 1).await, "red 1");
            assert_eq!(Basket::<Blue>::sum(&runs, 1).await, "blue 1");
        }
        assert_eq!(runs.count(), 4);
    })
    .await;
}

mod elsewhere {
    use super::{Runs, Users};
    use cached_runtime::cache;

    pub(super) trait Other {
        async fn find(&self, id: u64) -> Option<String>;
    }

    /// Another trait with a method of the same name, implemented in another module.
    impl Other for Users {
        #[cache(companions = false, skip(self), backend = "local")]
        async fn find(&self, id: u64) -> Option<String> {
            let runs: &Runs = &self.0;
            Some(format!("other {id} {}", runs.next()))
        }
    }

    pub(super) trait Third {
        async fn find(&self, id: u64) -> Option<String>;
    }

    impl Third for Users {
        #[cache(companions = false, skip(self), backend = "local")]
        async fn find(&self, id: u64) -> Option<String> {
            Some(format!("third {id}"))
        }
    }

    /// One trait twice.
    pub(super) trait From2<T> {
        async fn from2(&self, id: u64) -> String;
    }

    impl From2<u8> for Users {
        #[cache(companions = false, skip(self), backend = "local")]
        async fn from2(&self, id: u64) -> String {
            format!("u8 {id}")
        }
    }

    impl From2<u16> for Users {
        #[cache(companions = false, skip(self), backend = "local")]
        async fn from2(&self, id: u64) -> String {
            format!("u16 {id}")
        }
    }
}

#[tokio::test]
async fn methods_of_one_name_from_several_traits() {
    use elsewhere::{From2, Other, Third};
    world(async |_| {
        let users = Users(Runs::default());
        for _ in 0..2 {
            assert_eq!(Find::find(&users, 1).await.unwrap(), "user 1 1");
            assert_eq!(Other::find(&users, 1).await.unwrap(), "other 1 2");
            assert_eq!(Third::find(&users, 1).await.unwrap(), "third 1");
            assert_eq!(From2::<u8>::from2(&users, 1).await, "u8 1");
            assert_eq!(From2::<u16>::from2(&users, 1).await, "u16 1");
        }
    })
    .await;
}

//! What writers remove, and when.

use crate::{Runs, caches};
use cached_runtime::{cache, invalidate};
use std::future::Future;

mod users {
    use super::Runs;
    use cached_runtime::cache;

    pub(super) static RUNS: Runs = Runs::new();

    /// Counts its runs.
    #[cache(key = "iuser:{id}:{name}", ttl = "1h")]
    pub async fn get_user(id: u64, name: &str) -> Result<u64, String> {
        if name.is_empty() {
            Err("no name".to_owned())
        } else {
            Ok(RUNS.count() + id)
        }
    }

    /// Of a type.
    #[cache(key = "ityped:{id}")]
    pub async fn typed<T: Default + Into<u64>>(id: u64) -> Result<u64, String> {
        Ok(RUNS.count() + id + T::default().into())
    }
}

/// What a writer returns.
struct Written {
    id: u64,
}

#[invalidate(users::get_user(id, &name))]
async fn rename(id: u64, name: String) -> Result<(), String> {
    let owned = name;
    if owned == "bad" { Err(owned) } else { Ok(()) }
}

#[invalidate(users::get_user(output.id, name), users::typed::<u8>(output.id))]
async fn written(offset: u64, name: String) -> Result<Option<Written>, String> {
    drop(name);
    Ok((offset > 0).then_some(Written { id: offset + 1 }))
}

#[invalidate(users::get_user(..))]
async fn all() {}

#[invalidate(key = "iuser:{id}:a", pattern = "iuser:{id}:b*")]
async fn by_text(id: u64) -> u64 {
    id
}

#[invalidate(key = "iuser:{output}:{name}", pattern = "iuser:{output}:{name}?")]
async fn by_output_text(name: &str) -> u64 {
    name.len() as u64
}

#[invalidate(users::get_user(id, "a"), when = "always")]
async fn always(id: u64) -> Result<(), String> {
    Err(id.to_string())
}

#[invalidate(users::get_user(id, "a"), when = "before")]
async fn before(id: u64) -> Option<u64> {
    users::get_user_entry(id, "a").get().await.unwrap()
}

#[invalidate(users::get_user(id, "a"))]
#[invalidate(users::get_user(id, "b"))]
fn repeated(id: u64) -> impl Future<Output = u64> + Send {
    async move { id }
}

async fn holds(id: u64, name: &str) -> bool {
    users::get_user_entry(id, name).get().await.unwrap().is_some()
}

#[tokio::test]
async fn entries_go_after_a_success() {
    caches()
        .scope(async {
            for name in ["a", "bad"] {
                users::get_user(1, name).await.unwrap();
            }
            rename(1, "a".to_owned()).await.unwrap();
            assert!(!holds(1, "a").await);
            rename(1, "bad".to_owned()).await.unwrap_err();
            assert!(holds(1, "bad").await);
            all().await;
            assert!(!holds(1, "bad").await);
        })
        .await;
}

#[tokio::test]
async fn entries_by_the_returned_value() {
    caches()
        .scope(async {
            users::get_user(2, "a").await.unwrap();
            users::typed::<u8>(2).await.unwrap();
            users::typed::<u16>(2).await.unwrap();
            assert!(written(0, "a".to_owned()).await.unwrap().is_none());
            assert!(holds(2, "a").await);
            assert!(written(1, "a".to_owned()).await.unwrap().is_some());
            assert!(!holds(2, "a").await);
            assert_eq!(users::typed_entry::<u8>(2).get().await.unwrap(), None);
            assert!(users::typed_entry::<u16>(2).get().await.unwrap().is_some());
        })
        .await;
}

#[tokio::test]
async fn entries_by_text() {
    caches()
        .scope(async {
            for name in ["a", "b", "bb", "c", "*"] {
                users::get_user(1, name).await.unwrap();
            }
            by_text(1).await;
            assert!(!holds(1, "a").await && !holds(1, "b").await && !holds(1, "bb").await);
            assert!(holds(1, "c").await);
            by_output_text("*").await;
            assert!(!holds(1, "*").await);
            assert!(holds(1, "c").await, "a value in a pattern matches literally");
        })
        .await;
}

#[tokio::test]
async fn entries_at_other_times() {
    caches()
        .scope(async {
            users::get_user(3, "a").await.unwrap();
            always(3).await.unwrap_err();
            assert!(!holds(3, "a").await);
            users::get_user(3, "a").await.unwrap();
            assert_eq!(before(3).await, None);
            for name in ["a", "b"] {
                users::get_user(3, name).await.unwrap();
            }
            repeated(3).await;
            assert!(!holds(3, "a").await && !holds(3, "b").await);
        })
        .await;
}

/// Reads and writes.
pub struct Posts {
    tenant: u64,
    runs: Runs,
}

impl Posts {
    /// Of a tenant.
    #[cache(key = "ipost:{self.tenant}:{id}")]
    pub async fn post(&self, id: u64) -> u64 {
        self.runs.count();
        id
    }

    /// Of all.
    #[cache(skip(self))]
    pub async fn recent(&self, count: usize) -> Vec<u64> {
        self.runs.count();
        vec![0; count]
    }

    /// Makes both wrong.
    #[invalidate(self.post(id), Self::recent(..), Posts::recent(7))]
    pub async fn rewrite(&mut self, id: u64) {
        self.tenant += id / 100;
    }

    /// Makes both wrong.
    #[invalidate(self.post(output), self.recent(..))]
    pub async fn publish(&self) -> Result<u64, String> {
        self.runs.get().checked_sub(2).ok_or_else(|| "early".to_owned())?;
        Ok(5)
    }
}

#[tokio::test]
async fn methods_name_methods() {
    caches()
        .scope(async {
            let mut posts = Posts {
                tenant: 1,
                runs: Runs::new(),
            };
            posts.post(5).await;
            posts.recent(3).await;
            posts.rewrite(5).await;
            posts.post(5).await;
            posts.recent(3).await;
            assert_eq!(posts.runs.get(), 4);
            posts.publish().await.unwrap();
            posts.post(5).await;
            posts.recent(3).await;
            assert_eq!(posts.runs.get(), 6);
        })
        .await;
}

#[tokio::test]
async fn a_writer_that_is_dropped_still_removes() {
    #[invalidate(
        users::get_user(9, "a"),
        users::get_user(output, "b"),
        key = "iuser:{output}:c"
    )]
    async fn never() -> u64 {
        std::future::pending().await
    }
    caches()
        .scope(async {
            for name in ["a", "b", "c"] {
                users::get_user(9, name).await.unwrap();
            }
            let writer = never();
            tokio::select! { biased; _ = writer => {}, () = std::future::ready(()) => {} }
            assert!(!holds(9, "a").await && !holds(9, "b").await && !holds(9, "c").await);
        })
        .await;
}

macro_rules! writers {
    ($($name:ident $body:block)*) => {$(
        #[invalidate(users::typed::<u32>(1))]
        #[invalidate(users::typed::<u32>(2))]
        #[invalidate(users::typed::<u32>(3))]
        #[invalidate(users::typed::<u32>(4))]
        #[invalidate(users::typed::<u32>(5))]
        async fn $name() -> u64 $body
    )*};
}

writers! {
    five_times { 7 }
}

#[invalidate(users::typed::<u32>(1))]
async fn once() -> u64 {
    7
}

/// Each is the body of the one above it. And a block that a macro is given is one.
#[tokio::test]
async fn writers_above_each_other_do_not_make_the_future_larger() {
    caches()
        .scope(async {
            for id in 1..=5 {
                users::typed::<u32>(id).await.unwrap();
            }
            let before = users::RUNS.get();
            assert_eq!(five_times().await, 7);
            for id in 1..=5 {
                users::typed::<u32>(id).await.unwrap();
            }
            assert_eq!(users::RUNS.get() - before, 5);
        })
        .await;
    assert!(size_of_val(&five_times()) <= size_of_val(&once()));
}

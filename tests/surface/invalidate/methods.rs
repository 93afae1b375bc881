//! `self.profile(id)`, `Self::list(..)`, and methods of other types.

use std::sync::Arc;

use cached_runtime::{cache, invalidate};

use crate::world::world;

struct Users {
    tenant: String,
    posts: Arc<Posts>,
}

struct Posts {
    tenant: String,
}

impl Posts {
    #[cache(key = "i4:posts:{self.tenant}:{id}", backend = "local")]
    async fn of_user(&self, id: u64) -> u64 {
        id
    }

    #[cache(skip(self), backend = "local")]
    async fn recent(&self, id: u64) -> u64 {
        id
    }
}

impl Users {
    fn new(tenant: &str) -> Self {
        let posts = Arc::new(Posts {
            tenant: tenant.to_owned(),
        });
        Self {
            tenant: tenant.to_owned(),
            posts,
        }
    }

    #[cache(key = "i4:{self.tenant}:{id}", backend = "local")]
    async fn profile(&self, id: u64) -> u64 {
        id
    }

    #[cache(skip(self), backend = "local")]
    async fn shared(&self, id: u64) -> u64 {
        id
    }

    #[cache(key = "i4:generic:{self.tenant}:{id}", backend = "local")]
    async fn generic<T: Default + Clone + Send + Sync + 'static>(&self, id: u64) -> Option<T> {
        let _ = id;
        Some(T::default())
    }

    #[invalidate(self.profile(id), self.shared(id), self.generic::<u64>(id))]
    async fn write(&self, id: u64) {
        let _ = id;
    }

    #[invalidate(self.profile(..), self.shared(..), self.generic::<u8>(..))]
    async fn write_all(&self) {}

    #[invalidate(self.profile(id), Self::shared(id))]
    async fn write_exclusively(&mut self, id: u64) {
        let _ = id;
        self.tenant.push('!');
    }

    #[invalidate(self.profile(id))]
    async fn write_and_consume(self, id: u64) -> String {
        let _ = id;
        self.tenant
    }

    #[invalidate(self.posts.of_user(id), Posts::recent(id))]
    async fn write_to_others(&self, id: u64) {
        let _ = id;
    }

    #[invalidate(key = "i4:{self.tenant}:{id}", pattern = "i4:posts:{self.tenant}:*")]
    async fn write_by_text(&self, id: u64) {
        let _ = id;
    }
}

async fn filled() -> [Users; 2] {
    let both = [Users::new("a"), Users::new("b")];
    for users in &both {
        users.profile(1).await;
        users.shared(1).await;
        users.generic::<u64>(1).await;
        users.generic::<u8>(1).await;
        users.posts.of_user(1).await;
        users.posts.recent(1).await;
    }
    both
}

#[tokio::test]
async fn of_self() {
    world(async |_| {
        let [a, b] = filled().await;
        a.write(1).await;
        assert_eq!(a.profile_entry(1).get().await.unwrap(), None);
        assert_eq!(Users::shared_entry(1).get().await.unwrap(), None);
        assert_eq!(a.generic_entry::<u64>(1).get().await.unwrap(), None);
        assert_eq!(a.generic_entry::<u8>(1).get().await.unwrap(), Some(0));
        assert_eq!(b.profile_entry(1).get().await.unwrap(), Some(1));
        assert_eq!(b.generic_entry::<u64>(1).get().await.unwrap(), Some(0));
        a.write_all().await;
        assert_eq!(Users::profile_cache().stats().entries, 0);
        assert_eq!(Users::generic_cache::<u8>().stats().entries, 0);
    })
    .await;
}

#[tokio::test]
async fn of_a_writer_that_has_self_for_itself() {
    world(async |_| {
        let [mut a, b] = filled().await;
        a.write_exclusively(1).await;
        // By the key from before the body.
        assert_eq!(Users::new("a").profile_entry(1).get().await.unwrap(), None);
        assert_eq!(b.profile_entry(1).get().await.unwrap(), Some(1));
        assert_eq!(b.write_and_consume(1).await, "b");
        assert_eq!(Users::new("b").profile_entry(1).get().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn of_others_and_by_text() {
    world(async |_| {
        let [a, b] = filled().await;
        a.write_to_others(1).await;
        assert_eq!(a.posts.of_user_entry(1).get().await.unwrap(), None);
        assert_eq!(Posts::recent_entry(1).get().await.unwrap(), None);
        assert_eq!(b.posts.of_user_entry(1).get().await.unwrap(), Some(1));
        b.write_by_text(1).await;
        assert_eq!(b.profile_entry(1).get().await.unwrap(), None);
        assert_eq!(b.posts.of_user_entry(1).get().await.unwrap(), None);
        assert_eq!(a.profile_entry(1).get().await.unwrap(), Some(1));
    })
    .await;
}

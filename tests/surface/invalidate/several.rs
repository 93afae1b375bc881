//! Several targets of all kinds in one attribute.

use cached_runtime::{cache, invalidate};

use crate::world::world;

macro_rules! readers {
    ($($name:ident = $key:literal),+) => {$(
        #[cache(key = $key, backend = "local")]
        async fn $name(id: u64) -> u64 {
            id
        }
    )+};
}

readers!(
    users = "i2:user:{id}",
    posts = "i2:post:{id}",
    likes = "i2:like:{id}",
    tags = "i2:tag:{id}"
);

#[invalidate(users(id), users(id + 1), posts(..), key = "i2:like:{id}", pattern = "i2:tag:{id}*",)]
async fn write(id: u64) {
    let _ = id;
}

#[tokio::test]
async fn each_is_removed() {
    world(async |_| {
        for id in 1..=12 {
            users(id).await;
            posts(id).await;
            likes(id).await;
            tags(id).await;
        }
        write(1).await;
        let left =
            [users_cache(), posts_cache(), likes_cache(), tags_cache()].map(|cache| cache.stats().entries);
        assert_eq!(left, [10, 0, 11, 8]);
        assert_eq!(users_entry(2).get().await.unwrap(), None);
        assert_eq!(likes_entry(1).get().await.unwrap(), None);
        assert_eq!(tags_entry(12).get().await.unwrap(), None);
        assert_eq!(tags_entry(2).get().await.unwrap(), Some(2));
    })
    .await;
}

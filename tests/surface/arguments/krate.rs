//! `crate = path`: where `cached_runtime` is found.

use crate::world::world;

mod vendored {
    pub(crate) use cached_runtime as caching;
}

#[vendored::caching::cache(crate = crate::arguments::krate::vendored::caching, backend = "local")]
async fn renamed(id: u64) -> Option<u64> {
    Some(id)
}

#[vendored::caching::invalidate(renamed(id), crate = vendored::caching)]
async fn write(id: u64) {
    let _ = id;
}

#[tokio::test]
async fn it_may_have_another_name() {
    world(async |_| {
        assert_eq!(renamed(1).await, Some(1));
        assert_eq!(renamed_entry(1).get().await.unwrap(), Some(1));
        write(1).await;
        assert_eq!(renamed_entry(1).get().await.unwrap(), None);
    })
    .await;
}

//! `#[invalidate(list_users(..))]`: every entry of a cache.

use cached_runtime::{cache, invalidate};

use crate::world::world;

#[cache(key = "i3:{page}:{size}", backend = ["local", "far"])]
async fn pages(page: u64, size: u64) -> u64 {
    page * size
}

#[cache(key = "i3:generic:{id}", backend = "local")]
async fn generic<T: Default + Clone + Send + Sync + 'static>(id: u64) -> Option<T> {
    let _ = id;
    Some(T::default())
}

#[invalidate(pages(..))]
async fn add(fails: bool) -> Result<(), String> {
    if fails { Err("no".to_owned()) } else { Ok(()) }
}

#[invalidate(generic::<u64>(..))]
async fn write_generic() {}

#[tokio::test]
async fn all_of_them_and_nothing_else() {
    world(async |world| {
        for page in 0..5 {
            pages(page, 10).await;
            generic::<u64>(page).await;
            generic::<String>(page).await;
        }
        assert!(add(true).await.is_err());
        assert_eq!(pages_cache().stats().entries, 5);
        add(false).await.unwrap();
        assert_eq!(pages_cache().stats().entries, 0);
        assert!(world.far.present().is_empty());
        assert_eq!(generic_cache::<u64>().stats().entries, 10);
        // One cache has the entries of every instantiation.
        write_generic().await;
        assert_eq!(generic_cache::<String>().stats().entries, 0);
    })
    .await;
}

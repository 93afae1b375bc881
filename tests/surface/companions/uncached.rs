//! `f_uncached(..)`: the body, past every cache.

use cached_runtime::cache;

use crate::world::{Runs, world};

#[cache(skip(runs), backend = "local")]
async fn users(runs: &Runs, mut id: u64, list: Vec<u64>) -> Result<Option<u64>, String> {
    id += list.len() as u64;
    if id == 0 {
        return Err("none".to_owned());
    }
    let checked: u64 = id.checked_sub(1).ok_or_else(|| "never".to_owned())?;
    Ok(Some(runs.next() + checked))
}

#[tokio::test]
async fn it_runs_the_body_and_keeps_nothing() {
    world(async |_| {
        let runs = Runs::default();
        assert_eq!(users_uncached(&runs, 1, vec![]).await, Ok(Some(1)));
        assert_eq!(users_uncached(&runs, 1, vec![]).await, Ok(Some(2)));
        assert_eq!(users_uncached(&runs, 0, vec![]).await, Err("none".to_owned()));
        assert_eq!(users_entry(1, []).get().await.unwrap(), None);
        users_entry(1, []).insert(70).await.unwrap();
        assert_eq!(users_uncached(&runs, 1, vec![]).await, Ok(Some(3)));
        assert_eq!(users(&runs, 1, vec![]).await, Ok(Some(70)));
        assert_eq!(users_cache().stats().loads, 0);
    })
    .await;
}

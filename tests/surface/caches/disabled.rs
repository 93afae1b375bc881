//! `CachesBuilder::disabled`: every function runs its body, whatever its `backend`, and writers still remove.

use cached_runtime::{Caches, Strategy, cache, invalidate, update};

use crate::far::Far;
use crate::world::Runs;

#[cache(key = "d1:{id}", skip(runs), backend = ["local", "far"])]
async fn kept_far(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    runs.next()
}

#[cache(key = "d1:default:{id}", skip(runs))]
async fn kept_by_default(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    runs.next()
}

#[cache(entries(kept_by_default(id) for id in ids), skip(runs))]
async fn many(runs: &Runs, ids: &[u64]) -> Vec<(u64, u64)> {
    ids.iter().map(|id| (*id, runs.next())).collect()
}

#[cache(key = "d1:behind:{id}", strategy = "write_behind", backend = "far")]
async fn behind(id: u64) -> u64 {
    id
}

#[update(behind(id) = 1, strategy = "write_behind")]
async fn set_behind(runs: &'static Runs, id: u64) {
    let _ = id;
    runs.next();
}

#[invalidate(kept_far(id))]
async fn change(id: u64) {
    let _ = id;
}

#[tokio::test]
async fn every_call_runs_its_body_and_no_store_need_be_there() {
    let caches = Caches::builder().disabled().build().unwrap();
    let named = caches
        .cache::<u64>("d1 named")
        .backend(["nowhere"])
        .strategy(Strategy::WriteThrough)
        .build()
        .unwrap();
    let told = "nothing is cached: it is off, as `CACHE_BACKEND=none` or `CachesBuilder::disabled` says\n";
    assert!(caches.stats().to_string().starts_with(told), "{}", caches.stats());
    caches
        .scope(async {
            let runs: &'static Runs = Box::leak(Box::default());
            for call in 0..3 {
                assert_eq!(kept_far(runs, 1).await, call * 5 + 1);
                assert_eq!(kept_by_default(runs, 1).await, call * 5 + 2);
                assert_eq!(many(runs, &[1]).await, [(1, call * 5 + 3)]);
                let load = async || runs.next();
                assert_eq!(named.entry(1).get_or_load(load).await.unwrap(), call * 5 + 4);
                set_behind(runs, 1).await;
                assert_eq!(runs.count(), call * 5 + 5, "the body has run");
            }
            kept_far_entry(1).insert(9).await.unwrap();
            named
                .entry(1)
                .update(9, async || Ok::<_, String>(()))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(kept_far_entry(1).get().await.unwrap(), None);
            assert_eq!(kept_far_entry(1).remaining_ttl().await.unwrap(), None);
            assert_eq!(named.entry(1).get().await.unwrap(), None);
            assert_eq!(behind(1).await, 1);
            let stats = kept_far_cache().stats();
            assert_eq!(
                (stats.hits, stats.misses, stats.loads, stats.entries),
                (0, 0, 0, 0)
            );
        })
        .await;
    caches.shutdown().await.unwrap();
}

/// Which others may read.
#[tokio::test]
async fn writers_still_remove_from_the_stores_that_are_there() {
    let far = Far::default();
    let builder = || Caches::builder().store("far", far.clone());
    let others = builder()
        .store("near", cached_runtime::stores::Null)
        .build()
        .unwrap();
    let caches = builder().disabled().build().unwrap();
    let runs = Runs::default();
    others.scope(kept_far(&runs, 1)).await;
    assert_eq!(far.present(), ["d1:1"]);
    assert_eq!(caches.scope(kept_far(&runs, 1)).await, 2, "it is not looked at");
    assert_eq!(
        caches
            .scope(async { kept_far_entry(1).get().await })
            .await
            .unwrap(),
        None
    );
    caches.scope(change(1)).await;
    assert!(far.present().is_empty());
}

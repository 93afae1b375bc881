//! `namespace`: before every key in remote stores, and nowhere else.

use cached_runtime::testing::ManualClock;
use cached_runtime::{Caches, cache};

use crate::far::Far;
use crate::world::{Runs, builder};

#[cache(key = "m2:{id}", skip(runs), backend = ["local", "far"])]
async fn users(runs: &Runs, id: u64) -> u64 {
    let _ = id;
    runs.next()
}

fn named(far: &Far, namespace: &str) -> Caches {
    builder(&ManualClock::new(), far)
        .namespace(namespace)
        .build()
        .unwrap()
}

#[tokio::test]
async fn several_programs_share_a_store() {
    let far = Far::default();
    let all = [named(&far, "a"), named(&far, "a:b*"), named(&far, "")];
    let runs = Runs::default();
    for caches in &all {
        caches
            .scope(async {
                users(&runs, 1).await;
                assert_eq!(users_entry(1).key().to_string(), "m2:1");
            })
            .await;
    }
    assert_eq!(runs.count(), 3);
    assert_eq!(far.present(), ["a%3Ab%2A:m2:1", "a:m2:1", "m2:1"]);
    all[0].invalidate_key("m2:1").await.unwrap();
    assert_eq!(far.present(), ["a%3Ab%2A:m2:1", "m2:1"]);
    all[0].scope(users(&runs, 1)).await;
    assert_eq!(all[0].invalidate_pattern("*").await.unwrap(), 1);
    assert_eq!(far.present(), ["a%3Ab%2A:m2:1", "m2:1"]);
    all[1].clear().await.unwrap();
    assert_eq!(far.present(), ["m2:1"]);
    // Without a namespace only what its own functions could have written is cleared.
    all[0].scope(users(&runs, 1)).await;
    all[2].clear().await.unwrap();
    assert_eq!(far.present(), ["a:m2:1"]);
    // Same namespace, same entries.
    let runs = Runs::default();
    named(&far, "a").scope(users(&runs, 1)).await;
    assert_eq!(runs.count(), 0);
}
